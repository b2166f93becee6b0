"""The proof that a procedure is sound, or the faults that it is not, each with a way on which it shows.

``exploration`` finds every situation an application can get into; this file says what must be true of them:

- every process, every stage and every transition is of use: some way leads there, somebody can act, the
  guards can hold where they stand;
- from every situation an end can be reached by ordinary transitions, withdrawing not counted;
- nothing is deleted once it has been sent, nothing withdrawn once its meeting is appointed or it is decided;
- what the applicant has filled in changes only while it is his turn, and what is signed is what was filled in.

A fault of which another one is the consequence is not told: nothing is said of what lies behind a dead
transition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from app.definition_files import Fault, Source
from app.terms import say, terms
from app.workflows.exploration import MOST_SITUATIONS, Exploration
from app.workflows.formulas import MOST_WAYS, TooManyWays, taken_apart
from app.workflows.guards import GUARDS, ParentState
from app.workflows.machine import Procedure
from app.workflows.parts import GuardUse, StageKind, Transition
from app.workflows.situations import Situation, Step, last_circles, onward, reached_from
from app.workflows.texts import ProcedureText, Way
from app.workflows.variables import (
    APPLICANTS,
    DECIDED,
    DOCUMENT,
    MEETING,
    OTHER,
    PARENT,
    SENT,
    Outcomes,
    is_deletion,
    is_withdrawal,
    told,
)

Place = tuple[str | int, ...]
TELLER = "en"
"""The language of faults, as of all that commands print."""

APPLICANT_SIDE = APPLICANTS | {"first_head"}


def prove(procedure: Procedure, text: ProcedureText, source: Source, outcomes: Outcomes | None = None) -> list[Fault]:
    """Return what is unsound in a procedure whose file has no other fault; ``text`` and ``source`` are its file."""
    try:
        found = Exploration(procedure, outcomes or Outcomes())
    except TooManyWays:
        problem = f"a condition or a table holds in more than {MOST_WAYS} ways, too many to be proved"
        return [source.fault(["transitions"], problem, "ask for less at once: divide it, or compute a part in a field")]
    tangles = [*_tangles(found, text, source)]
    if tangles:
        return tangles
    if not found.is_whole:
        problem = f"has more than {MOST_SITUATIONS} situations, too many to be proved"
        return [source.fault(["processes"], problem, "ask in fewer guards for what was answered or done long before")]
    proof = _Proof(found, text, source)
    return sorted({fault for check in PROOFS for fault in check(proof)})


def _tangles(found: Exploration, text: ProcedureText, source: Source) -> Iterator[Fault]:
    """What the proof cannot judge: conditions that share an answer in a way that only reckoning could tell."""
    for one, other in found.asks.formulas.entangled():
        place: Place = ("transitions",)
        for path, way in text.declared():
            for number, use in enumerate(way.guards):
                if use.condition is not None and place == ("transitions",) and _says(use.condition.text, one):
                    place = (*path, "guards", number, "when")
        for key, stage in text.stages.items():
            if place == ("transitions",) and stage.when and _says(stage.when, one):
                place = ("stages", key, "when")
        problem = f"'{one}' and '{other}' ask for the same answer in ways that the proof cannot tell apart"
        yield source.fault(place, problem, "let a computed field of the form say it, and ask that one")


def _says(text: str, atom: str) -> bool:
    return any(each.text == atom for each in taken_apart(text).atoms())


def words_of_way(procedure: Procedure, way: Sequence[Step]) -> str:
    """Tell a way as a person would: who did what, and where it led."""
    is_within = bool(way) and way[0].before.known.get(PARENT, ParentState.NONE) != ParentState.NONE
    told = ["a new application within another" if is_within else "a new application"]
    for step in way:
        answers = [
            f"{key[2]} = {'something else' if value == OTHER else value}"
            for key, value in step.chosen
            if key not in dict(step.before.memory) and key != PARENT
        ]
        if dict(step.chosen).get(PARENT) == ParentState.FAILED != step.before.known.get(PARENT):
            answers.append("the other has ended without what is asked of it")
        given = f" ({', '.join(answers)})" if answers else ""
        target = procedure.processes[step.transition.target].short_title[TELLER]
        told.append(f"{who_of(step.transition)}: “{button(step.transition)}”{given}, now in “{target}”")
    return "; ".join(told)


def who_of(transition: Transition) -> str:
    """Return who takes a transition: a person, or time by itself."""
    key = f"workflow.executor.{transition.by}"
    return "the " + say(key, TELLER).lower() if key in terms() else f"the {transition.by} by itself"


def button(transition: Transition) -> str:
    """Return what the button of a transition says."""
    if transition.title is not None:
        return transition.title[TELLER]
    return say(transition.key, TELLER) if transition.key in terms() else transition.trigger


class _Proof:
    """What the proofs share: the situations, the file, and the ways of the file beside the transitions."""

    def __init__(self, found: Exploration, text: ProcedureText, source: Source) -> None:
        self.found, self.text, self.source = found, text, source
        self.procedure = found.procedure
        self.ways: list[tuple[Way, Transition]] = list(zip(text.ways(), self.procedure.transitions, strict=True))
        self.situations = {key: found.at(key) for key in self.procedure.processes}

    def fault(self, place: Place, problem: str, mend: str, at: Situation, *further: str) -> Fault:
        """Return a fault with the way to where it shows, and what is done there."""
        way = words_of_way(self.procedure, self.found.way_to(at))
        return replace(self.source.fault(place, problem, mend), example="; ".join([way, *further]))

    def dead(self) -> list[tuple[Way, Transition]]:
        """Return the transitions of reached processes that can never be taken; of ``everywhere`` none that can be."""
        alive = {id(step.transition) for step in self.found.steps}
        paths_alive = {way.path for way, each in self.ways if id(each) in alive}
        return [
            (way, each)
            for way, each in self.ways
            if id(each) not in alive
            and self.situations[each.source]
            and not (way.path in paths_alive and self._is_everywhere(way))
        ]

    def _is_everywhere(self, way: Way) -> bool:
        return getattr(way.text, "sources", None) == "everywhere"

    def place_of_stage(self, process: str, stage: str) -> Place:
        """Return where a process names a stage."""
        for key, each in self.text.processes[process].subprocesses.items():
            if stage in each.stages:
                return ("processes", process, "subprocesses", key, "stages", each.stages.index(stage))
        return ("stages", stage)


def _dead_transitions(proof: _Proof) -> Iterator[Fault]:
    """Every transition can be taken in some situation."""
    met = set()
    for way, transition in proof.dead():
        if way.path in met:
            continue
        met.add(way.path)
        yield _why_dead(proof, way, transition)


def _why_dead(proof: _Proof, way: Way, transition: Transition) -> Fault:
    situations, found = proof.situations[transition.source], proof.found
    place: Place = way.path
    name = f"transition '{transition.trigger}' can never be taken in process '{transition.source}'"
    if not any(found.has_actor(each, transition) for each in situations):
        mend = _mend_of_actor(transition.by)
        key = (*place, "by") if way.text.by else place
        return proof.fault(key, f"{name}: nobody is its {transition.by} by then", mend, situations[0])
    if not any(found.shows(each, transition) for each in situations):
        problem = f"{name}: its button stands on stage '{transition.stage}', which nobody can open there"
        return proof.fault((*place, "stage"), problem, "name a stage that opens, or none", situations[0])
    for index, use in enumerate(transition.guards):
        if not any(found.satisfies(each, [use]) for each in situations):
            problem = f"guard '{told(use)}' can never hold in process '{transition.source}'{_why_not(proof, use)}"
            key = way.source_path if _is_listed(way) else (*place, "guards", index)
            mend = _mend_of_source(way) if _is_listed(way) else _mend_of_guard(use)
            return proof.fault(key, problem, mend, situations[0], f"“{button(transition)}” is refused whatever is done")
    if not any(found.satisfies(each, transition.guards) for each in situations):
        names = " and ".join(f"'{told(use)}'" for use in transition.guards)
        problem = f"{name}: the guards {names} never hold together"
        mend = "remove one of them"
        return proof.fault((*place, "guards"), problem, mend, situations[0], "whatever is done, one of them refuses")
    problem = f"{name}: whenever its guards hold, another '{transition.trigger}' before it is taken"
    mend = "put it first, or tell the two apart by their guards"
    return proof.fault((*place, "trigger"), problem, mend, situations[0])


def _is_listed(way: Way) -> bool:
    return way.path[0] == "interruptions" and way.source_path[-2:-1] == ("sources",) and len(way.source_path) > 3


def _mend_of_source(way: Way) -> str:
    return f"remove '{way.source}' from the sources"


def _why_not(proof: _Proof, use: GuardUse) -> str:
    if use.name == "every_stage_done":
        return ""
    if use.outcome is not None:
        return f": '{use.outcome.stage}' has not been answered so by then"
    if use.name in ("stage_done", "stage_not_done"):
        return f": '{use.stage}' is never {'done' if use.name == 'stage_done' else 'undone'} there"
    return ""


def _mend_of_guard(use: GuardUse) -> str:
    guard = GUARDS.get(use.name)
    need = {
        "sent": "let a transition before it have the effect send_file",
        "answer_sent": "let a transition before it have the effect send_file",
        "not_sent": "remove it: the application has been sent by then",
        "meeting_not_appointed": "remove it: the meeting is appointed by then",
        "not_decided": "remove it: it has been decided by then",
        "signed_by_first_head": "let a stage of kind signing stand in the process, and be signed",
        "has_comments": "let a stage of kind approval stand in the process",
        "has_remarks": "let a stage of kind work stand in the process, and a transition from it publish_remarks",
        "every_stage_done": "let every mandatory stage of the process open for somebody",
        "has_parent": "declare a parent",
        "no_parent": "remove it, or write needed: false at the parent",
        "parent_fits": "put it where it can still be waited for",
        "parent_not_failed": "remove it: the other has failed by then",
        "parent_failed": "remove it: nothing is within one that has failed",
    }
    usual = "name a stage and an answer of a process before" if guard is not None and use.outcome else "remove it"
    return need.get(use.name, usual)


def _mend_of_actor(executor: str) -> str:
    return {
        "first_head": "let every way there have the effect assign_first_head",
        "respondent": "let every way there have the effect call_respondent",
        "adviser": "let a stage that asks for the adviser (source: partner_advisers) be filled before",
    }.get(executor, f"name another executor than {executor}")


def _useless_stages(proof: _Proof) -> Iterator[Fault]:
    """Every stage can be opened where it stands, by somebody who is there."""
    for key, process in proof.procedure.processes.items():
        rooms = [(each, proof.found.rooms[each]) for each in proof.situations[key]]
        for stage in process.stages if rooms else ():
            executor = proof.procedure.executor_of(stage, key)
            place, at = proof.place_of_stage(key, stage), rooms[0][0]
            if not any(stage in room.opened for _, room in rooms):
                problem = f"stage '{stage}' can never be opened in process '{key}'"
                yield proof.fault(place, problem, "let the stages before it be finished by somebody", at)
            elif not any(executor in room.people for _, room in rooms):
                problem = f"stage '{stage}' waits for its {executor}, and nobody is that by then"
                yield proof.fault(place, problem, _mend_of_actor(executor), at)
            else:
                yield from _faults_of_skipping(proof, key, stage)
    reached = [each for situations in proof.situations.values() for each in situations]
    for standing in proof.procedure.standing:
        ends = proof.procedure.final
        if not any(proof.found.satisfies(each, standing.guards) for each in reached if each.process not in ends):
            names = " and ".join(f"'{told(use)}'" for use in standing.guards)
            yield proof.fault(
                ("standing", standing.key, "guards"), f"{names} never hold", "remove one of them", reached[-1]
            )


def _faults_of_skipping(proof: _Proof, process: str, stage: str) -> Iterator[Fault]:
    condition = proof.procedure.stages[stage].skip_if
    situations = proof.situations[process]
    if condition and not any(proof.found.satisfies(each, [GuardUse(condition)]) for each in situations):
        places = [key for key, each in proof.procedure.processes.items() if stage in each.stages]
        if places[0] == process:  # where the same stage stands again, circumstances may be others
            problem = f"'{condition}' can never hold where the stage stands"
            yield proof.fault(("stages", stage, "skip_if"), problem, "remove it, or give another", situations[0])


def _dead_ends(proof: _Proof) -> Iterator[Fault]:
    """From every situation an end can be reached."""
    ordinary = [(step.before, step.after) for step in proof.found.steps if not step.transition.is_interruption]
    ends = [each for each in proof.found.rooms if each.process in proof.procedure.final]
    finishing = reached_from(ends, [(after, before) for before, after in ordinary])
    stuck = [each for each in proof.found.rooms if each not in finishing]
    dead = {transition.source for _, transition in proof.dead() if not transition.is_interruption}
    told_of: set[str] = set()
    causes = last_circles(stuck, onward(ordinary))
    for situation in stuck:
        circle = {each.process for each in causes.get(situation, ())}
        if not circle or circle & (told_of | dead):
            continue
        told_of |= circle
        problem, mend, further = _why_stuck(proof, situation, sorted(circle))
        yield proof.fault(("processes", situation.process), problem, mend, situation, *further)


def _why_stuck(proof: _Proof, situation: Situation, circle: Sequence[str]) -> tuple[str, str, list[str]]:
    room = proof.found.rooms[situation]
    mend = "let a transition that can be taken then lead towards a final process"
    if len(circle) > 1 or any(step.before == step.after == situation for step in proof.found.steps):
        problem = f"no way leads out of the circle {' → '.join(circle)} to a final process"
        return problem, mend, ["from there on in a circle"]
    if room.unfinished:
        key = room.unfinished[0]
        executor = proof.procedure.executor_of(key, situation.process)
        if executor not in room.people:
            problem = f"an application gets stuck here: stage '{key}' waits for its {executor}, and nobody is that"
            return problem, _mend_of_actor(executor), [f"nobody can do “{proof.procedure.stages[key].title[TELLER]}”"]
        problem = f"an application gets stuck here: stage '{key}' cannot be finished"
        return problem, "let it open, or make it optional", ["every transition is refused"]
    refused = [
        f"“{button(each)}” is refused ({', '.join(told(use) for use in each.guards)})"
        for each in proof.procedure.transitions
        if each.source == situation.process and not each.is_interruption
    ]
    return "an application gets stuck here: no transition can be taken", mend, refused


def _deletions_and_withdrawals(proof: _Proof) -> Iterator[Fault]:
    """Nothing is deleted once sent, nothing withdrawn once its meeting is appointed or it is decided."""
    told_of = set()
    for way, transition in proof.ways:
        for fact, is_such, problem, mend in _LATE:
            situations = proof.situations[transition.source]
            if not is_such(transition, proof.procedure) or (way.path, fact) in told_of:
                continue
            late = next((each for each in situations if proof.found.allows(each, transition, [(fact, True)])), None)
            if late is not None:
                told_of.add((way.path, fact))
                last = f"{who_of(transition)}: “{button(transition)}”"
                yield proof.fault((*way.path, "guards"), problem, mend, late, last)


_LATE: tuple[tuple[tuple[str, ...], Callable[[Transition, Procedure], bool], str, str], ...] = (
    (
        SENT,
        lambda transition, _: is_deletion(transition),
        "an application that has been sent can be deleted",
        "add the guard not_sent",
    ),
    (
        MEETING,
        is_withdrawal,
        "an application can be withdrawn after its meeting is appointed",
        "add the guard meeting_not_appointed",
    ),
    (DECIDED, is_withdrawal, "an application can be withdrawn after it is decided", "add the guard not_decided"),
)


def _turns(proof: _Proof) -> Iterator[Fault]:
    """What the applicant filled in changes only in his turn; the Exchange's work is the Exchange's."""
    procedure = proof.procedure
    for key, process in procedure.processes.items():
        if not proof.situations[key]:
            continue
        at = proof.situations[key][0]
        for stage in process.stages:
            kind, executor = procedure.stages[stage].kind, procedure.executor_of(stage, key)
            place = proof.place_of_stage(key, stage)
            if kind is StageKind.FILL and process.executor not in APPLICANTS:
                problem = (
                    f"the applicant's data of stage '{stage}' could be changed while it is {process.executor}'s turn"
                )
                mend = "let it stand only in processes of the author or the adviser, or make it work"
                yield proof.fault(place, problem, mend, at, f"“{procedure.stages[stage].title[TELLER]}” is open")
            elif kind is StageKind.FILL and executor not in APPLICANTS:
                problem = f"the applicant's data of stage '{stage}' could be changed by the {executor}"
                yield proof.fault(place, problem, "let the author or the adviser fill it in, or make it work", at)
            elif kind is StageKind.WORK and executor in APPLICANT_SIDE:
                problem = f"the Exchange's work of stage '{stage}' would be done by the {executor}"
                yield proof.fault(place, problem, "give it an executor of the Exchange, or make it fill", at)
            elif kind is StageKind.ISSUING and executor in APPLICANT_SIDE:
                problem = f"the Exchange's paper of stage '{stage}' would be signed by the {executor}"
                yield proof.fault(place, problem, "give it an executor of the Exchange", at)
            elif kind is StageKind.SIGNING and executor != "first_head":
                problem = f"stage '{stage}' would be signed by the {executor}"
                yield proof.fault(place, problem, "give it the executor first_head", at)
    for way, transition in proof.ways:
        owner = procedure.processes[transition.source].executor
        is_theirs = owner not in APPLICANT_SIDE and owner is not None
        if is_theirs and transition.by in APPLICANT_SIDE and not transition.is_interruption:
            for at in proof.situations[transition.source][:1]:
                problem = f"the {transition.by} could move the application on while it is {owner}'s turn"
                last = f"{who_of(transition)}: “{button(transition)}”"
                yield proof.fault((*way.path, "by"), problem, f"let it be by: {owner}", at, last)


def _signatures(proof: _Proof) -> Iterator[Fault]:
    """What is signed is what was filled in last."""
    for key, process in proof.procedure.processes.items():
        for stage in process.stages:
            if proof.procedure.stages[stage].kind is not StageKind.SIGNING:
                continue
            stale = [each for each in proof.situations[key] if not each.known.get(DOCUMENT)]
            if stale:
                problem = (
                    f"stage '{stage}' would sign what is not frozen: answers may have changed since, or none is there"
                )
                mend = "let the transition that leaves the filling-in have the effect freeze_document"
                yield proof.fault(proof.place_of_stage(key, stage), problem, mend, stale[0])


PROOFS: tuple[Callable[[_Proof], Iterator[Fault]], ...] = (
    _dead_transitions,
    _useless_stages,
    _dead_ends,
    _deletions_and_withdrawals,
    _turns,
    _signatures,
)
