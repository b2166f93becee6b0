"""The library of procedures: reads the workflow files and cross-checks them, every fault of every file at once.

``load`` tells what is wrong with a file by itself (``texts``: its shape, ``checks``: its sense);
``cross_check`` what is wrong beside the forms and the words of the house, in faulty files too;
``prove_all`` what is unsound in those that are faultless so far.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.definition_files import Fault, Reading, Source, read
from app.definition_remains import is_gap, is_told, meant
from app.errors import NotFound
from app.expressions.language import ExpressionError
from app.workflows.calendar import Beginning, faults_of_beginning
from app.workflows.calendar import Outcome as Counted
from app.workflows.checks import CHECKS, faults_of_name, unknown
from app.workflows.condition_checks import UNREADABLE, faults_of_conditions, faults_of_tables, fields_of, table_uses
from app.workflows.conditions import Answered, Fields, compiled
from app.workflows.formulas import NO, UNANSWERED, YES
from app.workflows.guards import GUARDS, Argument, Condition, Outcome
from app.workflows.machine import Procedure
from app.workflows.parents import PARENT_CHECKS, faults_of_parent, parent_of
from app.workflows.parts import Extension, GuardUse, Order, Process, Stage, Subprocess, Term, Transition
from app.workflows.proof import prove
from app.workflows.shared import FOLDER, joining, load_shared
from app.workflows.tables import FOLDER as TABLES
from app.workflows.tables import Tables, load_tables
from app.workflows.term_checks import TERM_CHECKS, notes_of_terms
from app.workflows.texts import ProcedureText, StageText, TermText, Way
from app.workflows.variables import Outcomes

FormLookup = Callable[[str], object | None]
"""Gives the newest form of a key, simple or dynamic, or None.  A simple one has ``fields``, each with
``key`` and, for a choice, ``options``; of a faulty one it gives what remains."""


@dataclass(frozen=True)
class ProcedureLibrary:
    """Every version of every procedure; read once, then only read."""

    procedures: Mapping[str, Procedure] = field(default_factory=dict)  # by name: "share_listing.v1"
    readings: Sequence[Reading[ProcedureText]] = field(default=(), repr=False)
    """What the files say, the faulty ones too: only to be checked."""
    tables: Tables = field(default_factory=dict)
    beside: frozenset[str] = frozenset()
    """The procedures of all files in the folders of those read."""

    def get(self, key: str, version: int | None = None) -> Procedure:
        """Return one version of a procedure, the newest if none is named.

        Raises:
            NotFound: there is no such procedure or version.
        """
        versions = {each.version: each for each in self.procedures.values() if each.key == key}
        if not versions or (version is not None and version not in versions):
            raise NotFound
        return versions[max(versions) if version is None else version]

    def newest(self) -> tuple[Procedure, ...]:
        """Return the newest version of each procedure, in the order of their keys."""
        return tuple(self.get(key) for key in sorted({each.key for each in self.procedures.values()}))


def load(folder: Path, root: Path) -> tuple[ProcedureLibrary, list[Fault]]:
    """Read every workflow file of a folder; faulty procedures are left out of the library.

    ``root`` is the folder from which the files are named in faults.
    """
    return load_files((path for path in folder.iterdir() if path.suffix in (".yaml", ".yml")), root)


def load_files(paths: Iterable[Path], root: Path) -> tuple[ProcedureLibrary, list[Fault]]:
    """Read these workflow files; see ``load``."""
    procedures: dict[str, Procedure] = {}
    readings: list[Reading[ProcedureText]] = []
    met: set[tuple[str, int]] = set()
    every = sorted(paths)
    folders = {path.parent for path in every}
    shared = {folder: load_shared(folder / FOLDER, root) for folder in folders}
    tables = {folder: load_tables(folder / TABLES, root) for folder in folders}
    faults: set[Fault] = {fault for _, wrong in shared.values() for fault in wrong}
    faults |= {fault for _, wrong in tables.values() for fault in wrong}
    for path in every:
        reading = read(path, ProcedureText, root=root, join=joining(shared[path.parent][0]))
        found = set(reading.faults)
        if reading.text is not None:
            readings.append(reading)
            known = tables[path.parent][0]
            found |= set(reading.untold(_faults_of_text(path, reading.text, reading.source, met, known)))
            if not found and (known is not None or not reading.text.tables):
                procedure = _procedure(reading.text, reading.source.sha256, known or {})
                procedures[procedure.name] = procedure
        faults |= found
    every_table = {key: each for known, _ in tables.values() for key, each in (known or {}).items()}
    beside = frozenset(path.name.partition(".v")[0] for folder in folders for path in folder.glob("*.v*.yaml"))
    return ProcedureLibrary(procedures, readings, every_table, beside), each_once(faults)


def each_once(faults: Iterable[Fault]) -> list[Fault]:
    """Return the faults sorted, one at the line of a shared part only for the first of its users."""
    told = {(fault.file, fault.line, fault.problem) if fault.line else fault: fault for fault in sorted(faults)[::-1]}
    return sorted(told.values())


def _faults_of_text(
    path: Path, text: ProcedureText, source: Source, met: set[tuple[str, int]], tables: Tables | None
) -> Iterator[Fault]:
    """Yield the faults of sense; ``met`` are the procedures of the files before."""
    yield from faults_of_name(path, text, source)
    if tables is not None:
        yield from faults_of_tables(text, source, tables)
    for check in (*CHECKS, *TERM_CHECKS, *PARENT_CHECKS):
        yield from check(text, source)
    name = (text.procedure, text.version)
    if name in met and not any(map(is_gap, name)):
        yield source.fault(["procedure"], f"'{text.procedure}' stands in two files", "remove one")
    met.add(name)


def cross_check(library: ProcedureLibrary, form: FormLookup, terms: Collection[str] | None = None) -> list[Fault]:
    """Check what the files say of forms, their fields and the words; ``terms`` None leaves the words out."""
    faults: set[Fault] = set()
    texts: dict[str, list[ProcedureText]] = {}
    for reading in library.readings:
        if reading.text is not None:
            texts.setdefault(reading.text.procedure, []).append(reading.text)
    for reading in library.readings:
        if reading.text is None:
            continue
        found = [*_faults_of_forms(reading.text, reading.source, form)]
        found += _faults_of_outcomes(reading.text, reading.source, form)
        found += faults_of_conditions(reading.text, reading.source, form, library.tables)
        found += faults_of_beginning(reading.text, reading.source, texts, library.beside, form)
        found += faults_of_parent(reading.text, reading.source, texts, library.beside, form)
        if terms is not None:
            found += _faults_of_terms(reading.text, reading.source, terms)
        faults.update(reading.untold(found))
    return each_once(faults)


def notes_on(library: ProcedureLibrary) -> list[Fault]:
    """Return what is no fault of the files and is hardly meant; nothing is refused for it."""
    found = (
        note
        for reading in library.readings
        if reading.text is not None
        for note in notes_of_terms(reading.text, reading.source)
    )
    return each_once(found)


def prove_all(library: ProcedureLibrary, form: FormLookup, told: Iterable[Fault] = ()) -> list[Fault]:
    """Prove every procedure sound whose file has no fault yet (``told``); return what is not.

    Not done at the start of a server, where a hundredth of a second a procedure would count.
    """
    faulty = {fault.file for fault in told}
    faults: list[Fault] = []
    for reading in library.readings:
        text, source = reading.text, reading.source
        procedure = library.procedures.get(f"{text.procedure}.v{text.version}") if text is not None else None
        if text is not None and procedure is not None and source.file not in faulty:
            faults += prove(procedure, text, source, _outcomes(procedure, form))
    return each_once(faults)


def _outcomes(procedure: Procedure, form: FormLookup) -> Outcomes:
    """Return what the proof asks of the forms: the choices, and which stages name the adviser and the meeting."""
    fields = fields_of({key: stage.forms for key, stage in procedure.stages.items()}, form)

    hidden = {
        key: {
            asked.key
            for name in stage.forms
            for section in getattr(form(name), "sections", ())
            for asked in section.fields
            if section.show_if or asked.show_if
        }
        for key, stage in procedure.stages.items()
    }

    def options(stage: str, name: str) -> frozenset[str] | None:
        found = getattr(fields[stage].get(name), "options", None)
        return frozenset(found) if found else None

    def is_required(stage: str, name: str) -> bool:
        asked = fields[stage].get(name)
        return getattr(asked, "required", False) is True and name not in hidden.get(stage, ())

    def chooses_adviser(stage: str) -> bool:
        return any(getattr(each, "source", "") == "partner_advisers" for each in fields[stage].values())

    def unsaid(text: str) -> str:
        places: dict[str, Fields] = {**fields, **{use.key: use.fields() for use in procedure.tables}}
        try:
            found = compiled(text, places).read(Answered(lambda place, name: None))
        except ExpressionError:  # a comparison in the proof's words: of nothing answered it says nothing
            return UNANSWERED
        return UNANSWERED if found is None else YES if found else NO

    return Outcomes(
        options=options,
        is_required=is_required,
        field=lambda stage, name: fields.get(stage, {}).get(name),
        unsaid=unsaid,
        chooses_adviser=chooses_adviser,
        records_meeting=lambda stage: "meeting_date" in fields[stage],
    )


def _faults_of_forms(text: ProcedureText, source: Source, form: FormLookup) -> Iterator[Fault]:
    for stage, each in text.stages.items():
        for index, key in enumerate(each.forms):
            if form(key) is None:
                problem = f"form '{key}' is unknown"
                yield source.fault(["stages", stage, "forms", index], problem, "add its file or correct the name")


def _faults_of_outcomes(text: ProcedureText, source: Source, form: FormLookup) -> Iterator[Fault]:
    guarded: list[tuple[tuple[str | int, ...], list[GuardUse]]] = [(path, way.guards) for path, way in text.declared()]
    guarded += [(("standing", key), standing.guards) for key, standing in text.standing.items()]
    for path, uses in guarded:
        for number, use in enumerate(uses):
            guard = GUARDS.get(use.name)
            if use.outcome is None or guard is None or guard.argument is not Argument.OUTCOME:
                continue
            stage = meant(use.outcome.stage, text.stages)
            if stage is not None:
                found = [form(key) for key in text.stages[stage].forms]
                yield from _faults_of_outcome((*path, "guards", number, use.name), use.outcome, stage, found, source)


def _faults_of_outcome(
    place: tuple[str | int, ...], wanted: Outcome, stage: str, forms: Sequence[object | None], source: Source
) -> Iterator[Fault]:
    fields = {each.key: each for found in forms for each in getattr(found, "fields", ())}
    if wanted.field not in fields:
        is_whole = None not in forms and UNREADABLE not in forms  # otherwise that is told, and it may stand there
        if not is_told(wanted.field, fields) and (is_whole or meant(wanted.field, fields)):
            yield unknown(source, [*place, "field"], f"in stage '{stage}' the field", wanted.field, fields)
        return
    options = getattr(fields[wanted.field], "options", None)
    if not is_gap(options) and wanted.value not in (options or {}) and not is_told(wanted.value, options or {}):
        yield unknown(source, [*place, "value"], f"of '{wanted.field}' the option", wanted.value, options or {})


def _faults_of_terms(text: ProcedureText, source: Source, terms: Collection[str]) -> Iterator[Fault]:
    states = [term.removeprefix("st.") for term in terms if term.startswith("st.")]
    for key, process in text.processes.items():
        if process.state not in states and not is_told(process.state, states):
            yield unknown(source, ["processes", key, "state"], "state", process.state, states)
    acts = [term for term in terms if term.startswith(("act.", "workflow.act."))]
    for path, way in text.declared():
        if way.key is not None and way.key not in terms and not is_told(way.key, acts):
            yield unknown(source, [*path, "key"], "term", way.key, acts)


# from text to procedure


def _procedure(text: ProcedureText, sha256: str, tables: Tables) -> Procedure:
    return Procedure(
        key=text.procedure,
        version=text.version,
        sha256=sha256,
        category=text.category,
        title=text.title,
        number_prefix=text.number_prefix,
        open_to=tuple(text.open_to),
        initial=text.initial,
        processes={key: _process(key, text) for key in text.processes},
        stages={
            key: Stage(
                key=key,
                title=stage.title,
                kind=stage.kind,
                forms=tuple(stage.forms),
                executor=stage.executor,
                skip_if=stage.skip_if,
                follows=stage.follows,
                optional=stage.optional,
                when=Condition(stage.when, stage.otherwise) if stage.when else None,
            )
            for key, stage in _in_order(text)
        },
        transitions=tuple(_transition(way, text) for way in text.ways()),
        standing=tuple(
            Subprocess(key, each.title, tuple(each.stages), Order.ANY, tuple(each.guards), tuple(each.offers))
            for key, each in text.standing.items()
        ),
        terms=tuple(_terms(text)),
        tables=tuple(table_uses(text, tables)),
        begins=_beginning(text),
        parent=parent_of(text.parent),
    )


def _terms(text: ProcedureText) -> Iterator[Term]:
    triggers = {timer.term: timer.trigger for timer in text.timers}
    for _, key, term, processes in text.term_texts():
        process = text.processes.get(key)
        own = (process.short_title or process.title) if process else None
        title = getattr(term, "title", own)
        assert title is not None
        yield Term(
            key=key,
            title=title,
            processes=tuple(processes),
            working_days=term.working_days,
            pauses_with_applicant=term.pauses is not None,
            escalate=term.escalate,
            trigger=triggers.get(key),
            table=_table_of(term),
            from_meeting=term.counted_from == "meeting",
            extension=Extension(**term.extendable.model_dump()) if term.extendable else None,
        )


def _beginning(text: ProcedureText) -> Beginning | None:
    found = text.begins
    if found is None:
        return None
    admitted, ended = (
        tuple(Counted(each.procedure, each.when) for each in outcomes)
        for outcomes in (found.admitted_by, found.ended_by)
    )
    days = tuple((each.month, each.day) for each in found.on)
    return Beginning(days, admitted, ended, found.late_days)


def _table_of(term: TermText) -> tuple[str, str] | None:
    use, dot, output = (term.table or "").partition(".")
    return (use, output) if dot else None


def _in_order(text: ProcedureText) -> Iterator[tuple[str, StageText]]:
    """Yield the stages as they come in the processes, then those that stand in none."""
    placed = [stage for process in text.processes.values() for stage in process.stages]
    for key in dict.fromkeys([*placed, *text.stages]):
        yield key, text.stages[key]


def _process(key: str, text: ProcedureText) -> Process:
    process = text.processes[key]
    return Process(
        key=key,
        title=process.title,
        short_title=process.short_title or process.title,
        executor=process.executor,
        state=process.state,
        subprocesses=tuple(
            Subprocess(name, each.title, tuple(each.stages), each.order) for name, each in process.subprocesses.items()
        ),
        final=process.final,
    )


def _transition(way: Way, text: ProcedureText) -> Transition:
    is_interruption = way.path[0] == "interruptions"
    usual = None if is_interruption else text.processes[way.source].executor
    return Transition(
        trigger=way.text.trigger,
        source=way.source,
        target=way.text.target,
        by=way.text.by or usual or "author",
        key=way.text.key,
        title=way.text.title,
        stage=getattr(way.text, "stage", None),
        guards=tuple(way.text.guards),
        effects=tuple(way.text.effects),
        notify=tuple(way.text.notify),
        confirm=way.text.confirm,
        reason_required=way.text.reason_required,
        is_interruption=is_interruption,
        decides=tuple(getattr(way.text, "decides", ())),
    )
