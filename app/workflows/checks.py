"""What is wrong with the sense of a workflow file: a table of checks, each yielding faults.

A check looks at one thing and passes over what another check reports, so that one slip gives one fault.
Parts of a faulty shape are gaps (``definition_remains``); a misspelt name is taken for the nearest known one.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from app.definition_files import Fault, Source
from app.definition_remains import GAP, is_gap, is_told, meant
from app.workflows.guards import EFFECTS, EXECUTORS, GUARDS, ORGANISATION_KINDS, SYSTEM, Argument
from app.workflows.parts import GuardUse, StageKind
from app.workflows.texts import EVERYWHERE, ProcedureText, ProcessText, StageText, TransitionText, Way

FORMLESS = frozenset({StageKind.SUMMARY, StageKind.APPROVAL, StageKind.SIGNING, StageKind.ISSUING, StageKind.VIEW})
"""Kinds of stage that ask nothing and so have no forms."""

WITHDRAWAL_ENDS = frozenset({"meeting_not_appointed", "not_decided"})
"""One of these must stand on a withdrawal (manual, paragraph 26)."""

SENDING = frozenset({"send_file", "call_respondent"})
"""With one of these effects an application leaves the hands of those who began it."""

Place = Sequence[str | int]


def known_words(words: Iterable[str]) -> str:
    """List at most twenty known words for a fault."""
    listed = sorted(words)
    more = f" and {len(listed) - 20} more" if len(listed) > 20 else ""
    return (", ".join(listed[:20]) or "none") + more


def unknown(source: Source, place: Place, what: str, word: str, known: Collection[str]) -> Fault:
    """Return the fault of an unknown word, with the known ones and the nearest of them."""
    near = difflib.get_close_matches(word, known, n=1)
    meant = f"did you mean '{near[0]}'? " if near else ""
    return source.fault(place, f"{what} '{word}' is unknown", f"{meant}known: {known_words(known)}")


def faults_of_name(path: Path, text: ProcedureText, source: Source) -> Iterator[Fault]:
    """Compare the file's name with what it says of itself: ``<procedure>.v<version>.yaml``."""
    called = f"{text.procedure or '<procedure>'}.v{text.version or '<version>'}"
    mend = f"rename the file {called}.yaml or correct the key"
    name, dot, version = path.name.removesuffix(".yaml").partition(".v")
    if path.suffix != ".yaml" or not dot or not version.isdigit():
        yield source.fault([], f"the file name '{path.name}' is not <procedure>.v<version>.yaml", mend)
        return
    if name != text.procedure:
        yield source.fault(["procedure"], f"'{text.procedure}' is not the procedure in the file's name", mend)
    if version != str(text.version):
        yield source.fault(["version"], f"{text.version} is not the version in the file's name", mend)


def _executors(text: ProcedureText, source: Source) -> Iterator[Fault]:
    named: list[tuple[Place, str | None]] = []
    named += [(["processes", key, "executor"], process.executor) for key, process in text.processes.items()]
    named += [(["stages", key, "executor"], stage.executor) for key, stage in text.stages.items()]
    for path, way in text.declared():
        named.append(([*path, "by"], None if way.by == SYSTEM else way.by))
        named += [([*path, "notify", index], executor) for index, executor in enumerate(way.notify)]
    for place, executor in named:
        if executor is not None and executor not in EXECUTORS:
            yield unknown(source, place, "executor", executor, EXECUTORS)
    for key, process in text.processes.items():
        if process.executor is None and not _may_be_final(process):
            yield source.fault(["processes", key], "has no executor", f"add executor: {known_words(EXECUTORS)}")
    for index, kind in enumerate(text.open_to):
        if kind not in ORGANISATION_KINDS:
            yield unknown(source, ["open_to", index], "kind of organisation", kind, ORGANISATION_KINDS)


def _guards(text: ProcedureText, source: Source) -> Iterator[Fault]:
    for path, way in text.declared():
        yield from _guards_at([*path, "guards"], way.guards, text, source)
    for key, standing in text.standing.items():
        yield from _guards_at(["standing", key, "guards"], standing.guards, text, source)
    conditions = [name for name, guard in GUARDS.items() if guard.argument is Argument.NONE]
    for key, stage in text.stages.items():
        if stage.skip_if is not None and stage.skip_if not in conditions:
            yield unknown(source, ["stages", key, "skip_if"], "guard", stage.skip_if, conditions)


def _guards_at(place: Place, uses: Sequence[GuardUse], text: ProcedureText, source: Source) -> Iterator[Fault]:
    for index, use in enumerate(uses):
        where = [*place, index]
        if use.name not in GUARDS:
            yield unknown(source, where, "guard", use.name, GUARDS)
            continue
        wanted = GUARDS[use.name].argument
        given = Argument.OUTCOME if use.outcome else Argument.STAGE if use.stage else Argument.NONE
        given = Argument.CONDITION if use.condition else given
        if given is not wanted:
            write = {
                Argument.NONE: use.name,
                Argument.STAGE: f"{use.name}: <stage>",
                Argument.OUTCOME: f"{use.name}: {{stage: …, field: …, value: …}}",
                Argument.CONDITION: f"{use.name}: \"stage.field == 'value'\", otherwise: {{kk: …, ru: …, en: …}}",
            }
            yield source.fault(where, f"guard '{use.name}' takes another argument", f"write {write[wanted]}")
        elif use.condition is not None:
            if use.condition.otherwise is None and place[0] != "standing":
                problem = "nothing is said when the condition does not hold"
                yield source.fault(where, problem, "add otherwise: {kk: …, ru: …, en: …}")
        elif given is not Argument.NONE:
            stage = use.outcome.stage if use.outcome else use.stage
            if stage not in text.stages and not is_told(stage, text.stages):
                yield unknown(source, [*where, use.name], "stage", stage, text.stages)


def _effects_and_words(text: ProcedureText, source: Source) -> Iterator[Fault]:
    for path, way in text.declared():
        for index, effect in enumerate(way.effects):
            if effect not in EFFECTS:
                yield unknown(source, [*path, "effects", index], "effect", effect, EFFECTS)
        if (way.key is None) == (way.title is None):  # of the system's: what the history says of it
            problem = "the button has no words" if way.key is None else "the button has words twice"
            yield source.fault(path, problem, "give either key: <a term> or title: {kk: …, ru: …, en: …}")


def _may_be_final(process: ProcessText) -> bool:
    return process.final or is_gap(process.final)


def _processes(text: ProcedureText, source: Source) -> Iterator[Fault]:
    known = text.processes
    if text.initial in known and known[text.initial].final:
        yield source.fault(["initial"], f"process '{text.initial}' is final", "begin with another one")
    if not any(map(_may_be_final, known.values())):
        yield source.fault(["processes"], "no process is final", "mark one with final: true")
    named: list[tuple[Place, str]] = [(["initial"], text.initial)]
    named += [(way.source_path, way.source) for way in text.ways()]
    named += [([*path, "target"], each.target) for path, each in text.declared()]
    for place, word in named:
        if word not in known and not is_told(word, known):
            yield unknown(source, place, "process", word, known)
    for way in text.ways():
        if way.source in known and known[way.source].final:
            yield source.fault(way.source_path, f"process '{way.source}' is final and has no way out", "remove it")
    for key, process in known.items():
        if process.final and process.subprocesses:
            place = ["processes", key, "subprocesses"]
            yield source.fault(place, "a final process has nothing to do", "remove its subprocesses")


def _stages(text: ProcedureText, source: Source) -> Iterator[Fault]:
    for key, process in text.processes.items():
        for name, subprocess in process.subprocesses.items():
            for index, stage in enumerate(subprocess.stages):
                if stage not in text.stages and not is_told(stage, text.stages):
                    place: Place = ["processes", key, "subprocesses", name, "stages", index]
                    yield unknown(source, place, "stage", stage, text.stages)
        for twice, times in Counter(process.stages).items():
            if times > 1 and not is_gap(twice):
                problem = f"stage '{twice}' stands {times} times in the process"
                yield source.fault(["processes", key, "subprocesses"], problem, "name it once")
    nowhere = _stages_of_no_process(text)
    for key, each in text.stages.items():
        if key in nowhere:
            yield source.fault(["stages", key], "stands in no process", "name it in a subprocess or remove it")
        yield from _faults_of_stage(key, each, source)
    for path, way in text.declared():
        begin = meant(way.source, text.processes) if isinstance(way, TransitionText) else None
        if begin is None or not isinstance(way, TransitionText) or way.stage is None or way.stage in nowhere:
            continue
        known = _stages_meant(text, text.processes[begin].stages)
        if way.stage not in known and None not in known and not is_told(way.stage, text.stages):
            named = [each for each in known if each is not None]
            yield unknown(source, [*path, "stage"], f"in process '{begin}' the stage", way.stage, named)


def _stages_meant(text: ProcedureText, words: Iterable[str]) -> list[str | None]:
    return [meant(word, text.stages) for word in words]


def _stages_of_no_process(text: ProcedureText) -> list[str]:
    """Return the stages that stand nowhere, as far as unknown words in their places do not account for them."""
    words = [word for process in text.processes.values() for word in process.stages]
    standing = [word for each in text.standing.values() for word in each.stages]
    words += standing
    placed = _stages_meant(text, words)
    placed += [None for word in standing if word in text.stages and not _may_be_view(text.stages[word])]
    nowhere = [key for key in text.stages if key not in placed and not is_gap(key)]
    return nowhere if not any(map(is_gap, words)) and len(nowhere) > placed.count(None) else []


def _may_be_view(stage: StageText) -> bool:
    return stage.kind is StageKind.VIEW or is_gap(stage.kind)


def _standing(text: ProcedureText, source: Source) -> Iterator[Fault]:
    triggers = {interruption.trigger for interruption in text.interruptions}
    for key, standing in text.standing.items():
        for index, stage in enumerate(standing.stages):
            place: Place = ["standing", key, "stages", index]
            if stage not in text.stages:
                if not is_told(stage, text.stages):
                    yield unknown(source, place, "stage", stage, text.stages)
            elif not _may_be_view(text.stages[stage]):
                yield source.fault(place, f"stage '{stage}' is not of kind view", "only a view may stand everywhere")
        for index, trigger in enumerate(standing.offers):
            if trigger not in triggers and not is_told(trigger, triggers):
                yield unknown(source, ["standing", key, "offers", index], "interruption", trigger, triggers)
        if not standing.stages and not standing.offers:
            yield source.fault(["standing", key], "holds nothing", "give it stages or offers")


def _faults_of_stage(key: str, stage: StageText, source: Source) -> Iterator[Fault]:
    if stage.kind in FORMLESS and stage.forms:
        problem = f"a stage of kind {stage.kind} has no forms"
        yield source.fault(["stages", key, "forms"], problem, "remove them or make it fill or work")
    if stage.kind is StageKind.FILL and not stage.forms:
        yield source.fault(["stages", key], "there is nothing to fill in", "add forms or another kind")
    if stage.when is not None and (stage.skip_if or stage.kind in FORMLESS):
        problem = "a stage that may be skipped" if stage.skip_if else f"a stage of kind {stage.kind}"
        yield source.fault(["stages", key, "when"], f"{problem} stands under no condition", "remove one of them")
    if (stage.when is None) is not (stage.otherwise is None):
        problem = "when and otherwise go together: the condition, and what is said where it does not hold"
        yield source.fault(["stages", key], problem, "write both, or none")
    if stage.kind is StageKind.ISSUING and not stage.follows:
        mend = "add follows: <the stage of kind work whose paper is signed>"
        yield source.fault(["stages", key], "does not say what is signed", mend)
    if stage.kind in FORMLESS and (stage.skip_if or (stage.follows and stage.kind is not StageKind.ISSUING)):
        yield source.fault(["stages", key], f"a stage of kind {stage.kind} is never skipped", "remove the condition")


def _followers(text: ProcedureText, source: Source) -> Iterator[Fault]:
    order = list(text.stages)
    for key, stage in text.stages.items():
        place = ["stages", key, "follows"]
        if stage.follows is None:
            continue
        if stage.follows not in text.stages:
            if not is_told(stage.follows, text.stages):
                yield unknown(source, place, "stage", stage.follows, text.stages)
            continue
        met = [key]
        while (before := text.stages[met[-1]].follows) in text.stages and before not in met:
            met.append(str(before))
        if before in met:
            if before == min(met, key=order.index) == key:  # told once, at the first of the circle
                yield source.fault(place, f"goes in a circle: {' → '.join([*met, key])}", "break the circle")
            continue
        for name, process in text.processes.items():
            stages = _stages_meant(text, process.stages)
            if key not in stages:
                continue
            if stage.follows not in stages and None not in stages and stage.kind is not StageKind.ISSUING:
                problem = f"'{stage.follows}' is not a stage of process '{name}', in which '{key}' stands"
                yield source.fault(place, problem, "put both in the same process")
            elif stage.follows in stages and stages.index(stage.follows) > stages.index(key):
                problem = f"'{stage.follows}' stands after '{key}' in process '{name}'"
                yield source.fault(place, problem, "change their order")


def _roads(text: ProcedureText, source: Source) -> Iterator[Fault]:
    """Find transitions that are never chosen: one before, with the same trigger, asks no more than they do."""
    met: dict[tuple[str, str], list[set[GuardUse]]] = {}
    told: set[Place] = set()
    for way in text.ways():
        asked = set(way.text.guards)
        if GAP in (way.source, way.text.trigger) or any(is_gap(use.name) for use in asked):
            continue
        before = met.setdefault((way.source, way.text.trigger), [])
        if any(earlier <= asked for earlier in before) and way.path not in told:
            told.add(way.path)
            problem = f"trigger '{way.text.trigger}' already leaves '{way.source}' with these guards"
            fault = source.fault([*way.path, "trigger"], problem, "remove one, or tell them apart by their guards")
            yield replace(fault, example=f"{words_of_way_to(way.source, text)}; then the one before is taken")
        before.append(asked)


def _reach(text: ProcedureText, source: Source) -> Iterator[Fault]:
    """Find the processes without a way to them or on from them; of those that hang together only the cause."""
    every = list(text.processes)
    initial = meant(text.initial, every)
    ways = [(way, step) for way in text.ways() for step in _steps(way, text)]
    steps = [step for _, step in ways]
    if initial is None or text.processes[initial].final:  # told already
        initial = next(_first(every, steps))
    reached = spread([initial], steps)
    for key in _first([each for each in every if each not in reached], steps):
        fault = source.fault(["processes", key], "cannot be reached", f"add a transition with target: {key}")
        known = ", ".join(each for each in every if each in reached and not is_gap(each))
        yield replace(fault, example=f"a new application comes no further than {known}")
    ends = [key for key, process in text.processes.items() if _may_be_final(process)]
    back = [(after, before) for way, (before, after) in ways if isinstance(way.text, TransitionText)]
    finishing = spread(ends or every, back)
    for key in _first([each for each in every if each in reached and each not in finishing], back):
        problem = "no transition leads from here to a final process"
        fault = source.fault(["processes", key], problem, f"add a transition with source: {key}")
        yield replace(fault, example=f"{words_of_way_to(key, text)}; there it stays")


def words_of_way_to(process: str, text: ProcedureText) -> str:
    """Tell a shortest way to a process by the triggers of the file, guards left aside."""
    came: dict[str, str] = {text.initial: "a new application"}
    reached = [text.initial]
    for key in reached:
        for way in text.ways():
            if way.source == key and way.text.target not in came:
                came[way.text.target] = f"{came[key]}; {way.text.trigger}, now in {way.text.target}"
                reached.append(way.text.target)
    return came.get(process, f"an application in {process}")


def _steps(way: Way, text: ProcedureText) -> list[tuple[str, str]]:
    """Return the steps that a way may mean: from or to every process where it names an unknown one."""
    begin, end = meant(way.source, text.processes), meant(way.text.target, text.processes)
    if begin is not None and text.processes[begin].final:
        begin = None  # nothing leaves a final process: another one was meant
    sources, targets = ([each] if each is not None else list(text.processes) for each in (begin, end))
    return [(before, after) for before in sources for after in targets]


def _first(lost: Sequence[str], steps: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield those of the lost processes to which no other of them leads; of a circle the first."""
    inside = [(before, after) for before, after in steps if before in lost and after in lost]
    for key in lost:
        leading = spread([key], [(after, before) for before, after in inside])
        if leading <= spread([key], inside) and key == next(each for each in lost if each in leading):
            yield key


def spread(begin: Iterable[str], steps: Collection[tuple[str, str]]) -> set[str]:
    """Return everything that is reached from ``begin`` by the steps."""
    reached, found = set[str](), set(begin)
    while found:
        reached |= found
        found = {after for before, after in steps if before in found} - reached
    return reached


def _deletion_and_withdrawal(text: ProcedureText, source: Source) -> Iterator[Fault]:
    sure = [(way, steps[0]) for way in text.ways() if len(steps := _steps(way, text)) == 1]
    begin = [target for way, (_, target) in sure if SENDING & set(way.text.effects)]
    sent = spread(begin, [step for _, step in sure])
    for path, each in text.declared():
        if each.guard_names() - GUARDS.keys():
            continue  # the one that is missed may be the one misspelt
        if each.trigger == "delete" and "not_sent" not in each.guard_names():
            problem = "an application could be deleted after it was sent"
            fault = source.fault([*path, "guards"], problem, "add the guard not_sent")
            yield replace(fault, example=f"{_way_to_first(path, text)}; {each.trigger}")
        if each.trigger == "withdraw" and not each.guard_names() & WITHDRAWAL_ENDS:
            mend = f"add one of the guards: {known_words(WITHDRAWAL_ENDS)}"
            fault = source.fault([*path, "guards"], "the right to withdraw never ends", mend)
            yield replace(fault, example=f"{_way_to_first(path, text)}; {each.trigger}")
    for way in text.ways():
        if way.text.trigger == "delete" and way.source in sent:
            problem = f"process '{way.source}' comes after sending: deleting has ended there"
            fault = source.fault(way.source_path, problem, "remove it from the sources")
            yield replace(fault, example=f"{words_of_way_to(way.source, text)}; {way.text.trigger}")


def _way_to_first(path: Place, text: ProcedureText) -> str:
    """Tell a way to the last of the processes in which this transition begins."""
    sources = [way.source for way in text.ways() if way.path == path]
    return words_of_way_to(sources[-1], text) if sources else "an application"


def _interruptions(text: ProcedureText, source: Source) -> Iterator[Fault]:
    for index, interruption in enumerate(text.interruptions):
        if interruption.sources == EVERYWHERE:
            continue
        for key, times in Counter(interruption.sources).items():
            if times > 1 and not is_gap(key):
                place = ("interruptions", index, "sources")
                yield source.fault(place, f"process '{key}' stands {times} times", "name it once")


CHECKS: tuple[Callable[[ProcedureText, Source], Iterator[Fault]], ...] = (
    _executors,
    _guards,
    _effects_and_words,
    _processes,
    _stages,
    _standing,
    _followers,
    _roads,
    _reach,
    _deletion_and_withdrawal,
    _interruptions,
)
