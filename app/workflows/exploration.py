"""Every situation an application of a procedure can get into, abstracted so that they are few.

A *situation* is the process, and what people remember of the way there: ``Memory``, the values of named
variables (sent, the meeting recorded, an outcome given, a stage done that a later guard asks for).
Within a process nothing is walked through step by step; instead ``Room`` says what its people can make
true there: which stages they can open and finish, and which values each variable may take.

What is abstracted, and why that is sound:

- *The statuses of stages* are not part of a situation, only whether the stages named in ``stage_done`` and
  ``stage_not_done`` are done.  Opening is monotone: a stage that is done never closes another.  So whoever
  begins with nothing done and finishes whatever is open gets at least as far as anybody, and one such run
  (by the machine's own verbs) tells what can be done in a process, instead of 4^n mixtures.
- *What can be changed in a process is free in it*: a filled stage can be taken up again, an answer changed,
  a remark written, answered and resolved.  Each value may be reached from each other, so a situation need
  not tell them apart; a transition is possible if some values satisfy all its guards at once, and leaving
  by it splits into one successor for each value that is left open and still matters.
- *A variable that nobody will ask for* before it is free again is forgotten (``questions``).
- *Counts* of comments and remarks are taken for none or some: the guards ask no more.
- *The application to which another one belongs* moves on as it likes, until it has ended without what is asked of
  it: then it stays so.  Those that belong to this one end at some time, by the proof of their own procedure.
- *Conditions* on answers are taken apart into atoms, most of them exact (``formulas``); a decision table gives
  each row that may be the one, under the answers with which it is.
- A guard that is not described in ``variables.LITERALS`` may hold or not, whatever happened: that can hide a fault,
  never invent one.

Roads of one trigger are tried in the order of the file, as the machine does: a later one is possible only
with values that refuse those before it.  Twelve processes of five stages make some dozens of situations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product

from app.workflows.formulas import Ways, any_of, every
from app.workflows.guards import EXECUTORS, ParentState, Position
from app.workflows.machine import Procedure
from app.workflows.parts import GuardUse, Process, StageKind, Transition
from app.workflows.questions import ALWAYS_THERE, Questions
from app.workflows.situations import Room, Situation, Step
from app.workflows.variables import (
    APPLICANTS,
    COMPLETE,
    DOCUMENT,
    EFFECTS,
    EITHER,
    FINANCIAL,
    NAMED,
    OPEN,
    PARENT,
    PARENTS,
    REMARKS,
    UNANSWERED,
    UNRESOLVED,
    Outcomes,
    Value,
    Values,
    Variable,
    facts_of,
    failing,
    holding,
    row_name,
)

MOST_SITUATIONS = 20_000
"""A procedure with more than these is refused: nobody could understand it either."""


@dataclass
class Exploration:
    """All situations of a procedure, breadth first, so that the way to each is one of the shortest."""

    procedure: Procedure
    outcomes: Outcomes = field(default_factory=Outcomes)
    rooms: dict[Situation, Room] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    is_whole: bool = True
    asks: Questions = field(init=False)
    _first: dict[Situation, Step] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.asks = Questions(self.procedure, self.outcomes)
        found = list(dict.fromkeys(self._beginnings()))
        for situation in found:
            if situation in self.rooms:
                continue
            if len(self.rooms) == MOST_SITUATIONS:
                self.is_whole = False
                return
            self.rooms[situation] = self._room(situation)
            for transition in self.asks.leaving.get(situation.process, ()):
                for step in self._steps(situation, transition):
                    self.steps.append(step)
                    if step.after not in self.rooms and step.after not in self._first:
                        self._first[step.after] = step
                        found.append(step.after)

    # what was found

    def at(self, process: str) -> list[Situation]:
        """Return the situations in a process, the nearest first."""
        return [each for each in self.rooms if each.process == process]

    def way_to(self, situation: Situation) -> list[Step]:
        """Return a shortest way from a beginning."""
        way: list[Step] = []
        while (step := self._first.get(situation)) is not None:
            way.append(step)
            situation = step.before
        return way[::-1]

    def allows(self, situation: Situation, transition: Transition, also: Iterable[tuple[Variable, Value]] = ()) -> bool:
        """Tell whether the transition can be taken here, with ``also`` being true."""
        is_offered = self.has_actor(situation, transition) and self.shows(situation, transition)
        return is_offered and any(True for _ in self._solutions(situation, transition, also))

    def satisfies(self, situation: Situation, uses: Iterable[GuardUse]) -> bool:
        """Tell whether these guards can all hold at once here."""
        ways = [self._holding(use, situation) for use in uses]
        return any(True for _ in self._asked(self.rooms[situation].values, ways, situation.process))

    def has_actor(self, situation: Situation, transition: Transition) -> bool:
        """Tell whether somebody can be the one who may press the button; what a timer takes needs nobody."""
        return transition.by in self.rooms[situation].people or transition.by not in EXECUTORS

    def shows(self, situation: Situation, transition: Transition) -> bool:
        """Tell whether the page on which the button stands can be opened."""
        return transition.stage is None or transition.stage in self.rooms[situation].opened

    # beneath

    def _beginnings(self) -> Iterator[Situation]:
        is_financial = (False, True) if FINANCIAL in self.asks.variables else (False,)
        parents = self._parents() if PARENT in self.asks.variables else (ParentState.NONE,)
        for financial, parent in product(is_financial, parents):
            known: dict[Variable, Value] = dict.fromkeys(self.asks.variables, False)
            known |= {variable: self._unsaid(variable) for variable in known}
            known |= {FINANCIAL: financial, PARENT: parent}
            yield self._situation(self.procedure.initial, known)

    def _parents(self) -> tuple[ParentState, ...]:
        """Return how it may stand with the parent of a new application: nobody begins within one that has failed."""
        declared = self.procedure.parent
        alone = () if declared is not None and declared.is_needed else (ParentState.NONE,)
        return alone if declared is None else (*alone, ParentState.WAITING, ParentState.FITS)

    def _unsaid(self, variable: Variable) -> Value:
        """Return what a variable is before anything is answered."""
        if variable[0] == "condition":
            return self.outcomes.unsaid(variable[1])
        return UNANSWERED if variable[0] == "answer" else False

    def _situation(self, process: str, known: Mapping[Variable, Value]) -> Situation:
        kept = self.asks.live[process]
        return Situation(process, tuple(sorted((key, value) for key, value in known.items() if key in kept)))

    # within a process

    def _room(self, situation: Situation) -> Room:
        """Return the room where every stage stands that may stand: none whose condition fails whatever is done."""
        process = self.procedure.processes[situation.process]
        texts = {stage.when.text for key in process.stages if (stage := self.procedure.stages[key]).when is not None}
        standing = dict.fromkeys(sorted(texts), True)
        while True:
            room = self._room_with(situation, standing)
            never = [text for text, stands in standing.items() if stands and not self._may_hold(text, room, process)]
            if not never:
                return room
            standing[never[0]] = False

    def _may_hold(self, text: str, room: Room, process: Process) -> bool:
        return any(True for _ in self._asked(room.values, [self.asks.formulas.holding(text)], process.key))

    def _room_with(self, situation: Situation, standing: Mapping[str, bool]) -> Room:
        process = self.procedure.processes[situation.process]
        known = situation.known
        facts = replace(facts_of(known), conditions=standing, issued=self._issuing)
        people = set(ALWAYS_THERE)
        people |= {who for who, fact in NAMED.items() if known.get(fact)}
        position, opened, finished = self.procedure.settled(Position(process.key), facts), set[str](), set[str]()
        while True:
            doors = [key for key in self.procedure.open_stages(position, facts) if key in process.stages]
            opened |= set(doors)
            before = set(finished)
            for key in doors:
                if key in finished or self.procedure.stages[key].kind in (StageKind.SUMMARY, StageKind.VIEW):
                    continue
                if self.procedure.executor_of(key, process.key) in people:
                    position = self.procedure.finish(position, key, facts)
                    people |= {"adviser"} if self.outcomes.chooses_adviser(key) else set()
                    finished.add(key)
                elif self.procedure.may_skip(position, key, facts):
                    position = self.procedure.skip(position, key, facts)
                    finished.add(key)
            if finished == before:
                break
        views = {key for each in self.procedure.standing for key in each.stages}
        unfinished = self.procedure.unfinished(position)
        room = Room(frozenset(opened | views), frozenset(finished), unfinished, frozenset(people), {})
        values = {variable: self._values(variable, process, room, known) for variable in self.asks.variables}
        surely = [key for key in unfinished if self.procedure.stages[key].when is None]
        done = ([] if surely else [True]) + ([False] if self._mandatory[process.key] else [])
        return replace(room, values={**values, COMPLETE: frozenset(done)})

    @cached_property
    def _issuing(self) -> frozenset[str]:
        return frozenset(key for key, each in self.procedure.stages.items() if each.kind is StageKind.ISSUING)

    @cached_property
    def _mandatory(self) -> dict[str, tuple[str, ...]]:
        return {key: self.procedure.unfinished(Position(key)) for key in self.procedure.processes}

    def _values(
        self, variable: Variable, process: Process, room: Room, known: Mapping[Variable, Value]
    ) -> frozenset[Value]:
        """Return what a variable may be in a process, as its people like."""
        kinds = {self.procedure.stages[key].kind for key in room.opened if key in process.stages}
        is_at_work = StageKind.WORK in kinds
        kept = known.get(variable, self._unsaid(variable))
        match variable:
            case ("guard", *_):
                return EITHER
            case ("meeting",):
                recorded = any(self.outcomes.records_meeting(key) for key in room.finished)
                return frozenset([kept, True] if recorded else [kept])
            case ("signed",):
                signed = any(self.procedure.stages[key].kind is StageKind.SIGNING for key in room.finished)
                return frozenset([kept, True] if signed else [kept])
            case ("comments",):
                return EITHER if StageKind.APPROVAL in kinds else frozenset([kept])
            case ("remarks",) if is_at_work:
                leaving = self.asks.leaving.get(process.key, ())
                return (
                    EITHER if any("publish_remarks" in each.effects for each in leaving) else frozenset([kept, False])
                )
            case ("open",):
                return frozenset([kept, False] if is_at_work or process.executor in APPLICANTS else [kept])
            case ("unresolved",) if is_at_work:
                return EITHER
            case ("parent",) if process.key == self.procedure.initial and kept is not ParentState.NONE:
                return PARENTS - {ParentState.NONE}  # its author may choose another one here, also for one that failed
            case ("parent",):
                is_settled = kept in (ParentState.NONE, ParentState.FAILED)
                return frozenset([kept]) if is_settled else PARENTS - {ParentState.NONE}
            case ("adviser",):
                return frozenset([kept, True] if "adviser" in room.people else [kept])
            case ("done", stage) if stage in process.stages:
                return EITHER if stage in room.finished else frozenset([kept])
            case ("answer", stage, _) if stage in room.finished:
                return self.asks.variables[variable]
            case ("condition", _) if self.asks.formulas.stages_of(variable) & room.finished:
                return self.asks.variables[variable]
        return frozenset([kept])

    # from process to process

    def _steps(self, situation: Situation, transition: Transition) -> Iterator[Step]:
        if not (self.has_actor(situation, transition) and self.shows(situation, transition)):
            return
        met = set()
        solved = (
            (decided, solution)
            for decided, ways in self._rows_of(transition)
            for solution in self._solutions(situation, transition, (), ways)
        )
        for decided, solution in solved:
            for chosen in self._outcomes_of(situation, transition, solution):
                known = {**chosen, **decided}
                after = self._situation(transition.target, self._effects(known, transition))
                if after not in met:
                    met.add(after)
                    answers = tuple((key, known[key]) for key in sorted(known) if key[0] in ("answer", *PARENT))
                    yield Step(situation, transition, after, tuple(each for each in answers if each[1] != UNANSWERED))

    def _solutions(
        self,
        situation: Situation,
        transition: Transition,
        also: Iterable[tuple[Variable, Value]],
        further: Sequence[Ways] = (),
    ) -> Iterator[dict[Variable, frozenset[Value]]]:
        """Yield the values with which this road is taken, and none before it."""
        process = situation.process
        ways = [self._holding(use, situation) for use in transition.guards]
        ways += [((tuple((variable, frozenset([value])) for variable, value in also)),), *further]
        for each in self.asks.leaving[process]:
            if each is transition:
                break
            if each.trigger == transition.trigger:
                ways.append(any_of(failing(use, self.asks.formulas) for use in each.guards))
        yield from self._asked(self.rooms[situation].values, ways, process)

    def _holding(self, use: GuardUse, situation: Situation) -> Ways:
        """Return the ways in which a guard holds; everything is done only where no stage waits for nobody."""
        found = holding(use, self.asks.formulas)
        if use.name != "every_stage_done":
            return found
        waiting = (self.procedure.stages[key].when for key in self.rooms[situation].unfinished)
        return every([found, *(self.asks.formulas.failing(when.text) for when in waiting if when is not None)])

    def _asked(self, values: Values, ways: Iterable[Ways], process: str) -> Iterator[dict[Variable, frozenset[Value]]]:
        """Yield the values with which all of ``ways`` are; what follows from them taken in."""
        for way in every(ways):
            found = dict(values)
            for variable, wanted in way:
                found[variable] = found.get(variable, frozenset()) & wanted
            agreed = self._agreed(found, process)
            if agreed is not None:
                yield agreed

    # what tables decide

    def _rows_of(self, transition: Transition) -> Iterator[tuple[dict[Variable, Value], list[Ways]]]:
        """Yield what the tables asked by a transition may give, and the ways in which they do."""
        uses = [use for use in self.procedure.tables if use.key in transition.decides]
        for chosen in product(*([(use, table, row) for table in use.versions for row in table.rows] for use in uses)):
            decided: dict[Variable, Value] = {}
            ways: list[Ways] = []
            for use, table, row in chosen:
                ways.append(self.asks.formulas.holding(row_name(use.key, table.name, row.key)))
                before = table.rows[: table.rows.index(row)]
                ways += [self.asks.formulas.failing(row_name(use.key, table.name, each.key)) for each in before]
                for variable in self.asks.variables:
                    if variable[:2] == ("answer", use.key):
                        decided[variable] = self.asks.formulas.kind_of(variable, row.then.get(variable[2]))
            yield decided, ways

    def _agreed(
        self, values: dict[Variable, frozenset[Value]], process: str
    ) -> dict[Variable, frozenset[Value]] | None:
        """Return the values after what follows from them; None if something may have no value at all."""
        found = dict(values)
        if found[COMPLETE] == _DONE:
            for key in self._mandatory[process]:
                if ("done", key) in found:
                    found["done", key] &= {True}
                for variable in found:
                    is_sure = self.procedure.stages[key].when is None
                    if variable[:2] == ("answer", key) and is_sure and self.outcomes.is_required(key, variable[2]):
                        found[variable] -= {UNANSWERED}
        if UNRESOLVED in found:
            if found[UNRESOLVED] == {False}:
                found[REMARKS] &= {False}
                found[OPEN] &= {False}
            if True not in found[UNRESOLVED] and (found[REMARKS] == {True} or found[OPEN] == {True}):
                return None
            if found[REMARKS] == {True} or found[OPEN] == {True}:
                found[UNRESOLVED] &= {True}
        return found if all(found.values()) else None

    def _outcomes_of(
        self, situation: Situation, transition: Transition, solution: Values
    ) -> Iterator[dict[Variable, Value]]:
        """Yield every way in which what still matters may have turned out."""
        mattering = [key for key in self.asks.live[transition.target] if key in solution]
        others = {key: next(iter(sorted(solution[key], key=str))) for key in solution if key not in mattering}
        for chosen in product(*(sorted(solution[key], key=str) for key in mattering)):
            known = {**others, **dict(zip(mattering, chosen, strict=True))}
            if (known.get(REMARKS) or known.get(OPEN)) and not known.get(UNRESOLVED):
                continue
            yield known

    def _effects(self, known: dict[Variable, Value], transition: Transition) -> dict[Variable, Value]:
        left, entered = (self.procedure.processes[key] for key in (transition.source, transition.target))
        stages = self.procedure.stages
        found = dict(known)
        for key in left.stages:
            if stages[key].kind is StageKind.SUMMARY and not transition.is_interruption and ("done", key) in found:
                found["done", key] = True
        for effect in transition.effects:
            found |= dict(EFFECTS.get(effect, ()))
            if effect == "publish_remarks" and found.get(REMARKS):
                found |= {REMARKS: False, OPEN: True}
        for key in entered.stages:
            if stages[key].kind is not StageKind.FILL and ("done", key) in found:
                found["done", key] = False
            if stages[key].kind is StageKind.FILL:
                found[DOCUMENT] = False  # what was frozen before may no longer be what is filled in
        return found


_DONE: frozenset[Value] = frozenset({True})
