"""``flask check`` and ``flask graph``: the definition files, told right or wrong, and drawn."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import click

from app import letter_templates, terms
from app.bodies.definitions import load as load_bodies
from app.business_calendar.definitions import load as load_calendars
from app.cli.versions import tell
from app.config import definition_folders
from app.definition_files import Fault
from app.demo.people import COMPANIES, PEOPLE
from app.errors import NotFound
from app.forms.definitions import ASIDE, FormLibrary
from app.forms.definitions import load as load_forms
from app.permissions import EXECUTOR_ROLES
from app.terms.check import faults as faults_of_terms
from app.workflows.bpmn import export
from app.workflows.condition_checks import UNREADABLE
from app.workflows.definitions import (
    ProcedureLibrary,
    cross_check,
    each_once,
    load,
    load_files,
    notes_on,
    prove_all,
)
from app.workflows.graph import draw

ROOT = Path(__file__).resolve().parents[2]
PROCEDURE, PART, FORM, TERMS, CALENDAR, BODY = "procedure", "part", "form", "terms", "calendar", "body"
_TELLING_KEY = re.compile(
    r"^(?:(?P<form>form|sections|dynamic|figures|criteria)"
    r"|(?P<calendar>calendar|service_hours|policies)|(?P<part>part|table)|(?P<body>body)"
    r"|procedure|processes|transitions)\s*:",
    re.MULTILINE,
)


def commands() -> list[click.Command]:
    """Return the commands of this group."""
    return [check, graph]


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH…]", type=click.Path(exists=True, path_type=Path))
@click.option("--against", metavar="REV|FOLDER", help="Tell what changed since a git revision, or a folder with forms.")
def check(paths: tuple[Path, ...], against: str | None) -> None:
    """Check workflow, form, calendar, policy and term files; print every fault of every file.

    PATH is a file or a folder of any of them; without it those that are in force (KEZEN_WORKFLOWS and its like, else
    the shipped ones).  A line is
    file:line: key: what is wrong; what would do.  Exits with 1 if there is any fault.

    A procedure without such a fault is proved: everything in it is of use, from everywhere an end can be
    reached, nothing is deleted after sending nor withdrawn after the meeting is appointed, nobody's data
    change out of turn, and the demo has people for every part.  Each failure tells an example.

    What is no fault and hardly meant is told as a note: a process that may take longer than a term running through it.

    With --against each form and procedure that has changed since is told "safe" or "affects data", with
    the drafts that notice and how.  Exits with 2 if any affects data, with 64 if REV|FOLDER cannot be read.
    """
    found = faults_of(path.resolve() for path in paths or (*definition_folders().values(), terms.WORDS))
    if not paths:
        found.faults = sorted([*found.faults, *letter_templates.faults()])
    for fault in found.faults:
        click.echo(fault)
    for note in found.notes:
        click.echo(f"note: {note}")
    if found.faults:
        click.echo(f"{len(found.files)} files, {len(found.faults)} faults", err=True)
        raise SystemExit(1)
    click.echo(f"{len(found.files)} files, no faults")
    if against is not None:
        raise SystemExit(tell(against, ROOT))


@click.command()
@click.argument("procedure")
@click.option("--language", type=click.Choice(terms.LANGUAGES), default=terms.DEFAULT_LANGUAGE, show_default=True)
@click.option("--bpmn", is_flag=True, help="Give BPMN 2.0 with its diagram instead of SVG.")
def graph(procedure: str, language: str, bpmn: bool) -> None:
    """Draw PROCEDURE as SVG on standard output: its key for the newest version, or key.v1."""
    library, faults = load(definition_folders()["workflows"].resolve(), ROOT)
    key, dot, version = procedure.partition(".v")
    try:
        found = library.get(key, int(version) if dot else None)
    except (NotFound, ValueError):
        known = ", ".join(sorted(library.procedures)) or "none"
        hint = f"; {len(faults)} faults in the files, see flask check" if faults else ""
        raise click.BadParameter(f"'{procedure}' is unknown; known: {known}{hint}", param_hint="PROCEDURE") from None
    made = (export if bpmn else draw)(found, language, lambda term: terms.say(term, language))
    click.echo(made, nl=False)


@dataclass
class Found:
    """The files looked at, sorted by what they hold, and the faults of all of them."""

    files: set[Path] = field(default_factory=set)
    workflows: set[Path] = field(default_factory=set)
    parts: set[Path] = field(default_factory=set)  # judged in the procedures that use them
    words: set[Path] = field(default_factory=set)
    form_folders: set[Path] = field(default_factory=set)  # read whole; only files in ``files`` are reported
    calendar_folders: set[Path] = field(default_factory=set)  # likewise
    body_folders: set[Path] = field(default_factory=set)  # likewise
    faults: list[Fault] = field(default_factory=list)
    notes: list[Fault] = field(default_factory=list)  # no faults, and hardly meant


def faults_of(paths: Iterable[Path]) -> Found:
    """Check the files at ``paths`` together, and beside what is shipped where they name it."""
    found = Found()
    for path in paths:
        _gather(path, found)
    faults = set(found.faults)
    library, unsound = load_files(found.workflows, ROOT)
    faults |= set(unsound)
    around = {each for part in found.parts for each in _yaml_files(part.parent.parent, deep=False)}
    users, unsound = load_files(around - found.workflows, ROOT)
    of_users = set(unsound)
    faults |= set(faults_of_terms(found.words, ROOT))

    lookups: list[Callable[[str], object | None]] = []
    for folder in sorted(found.form_folders):
        forms, unsound = load_forms(folder, ROOT)
        lookups.append(_lookup(forms))
        faults |= {fault for fault in unsound if _is_among(ROOT / fault.file, found.files)}
    lookups.append(_find_in_force)
    known = set(_known_terms([*found.words, *terms.WORDS.glob("*.csv")]))

    def form(key: str) -> object | None:
        return next(filter(None, (find(key) for find in lookups)), None)

    found.notes = notes_on(library)
    faults |= set(cross_check(library, form, known))
    of_users |= set(cross_check(users, form, known))
    faults |= {fault for fault in of_users if ROOT / fault.file in found.parts}
    for folder in sorted(found.calendar_folders):
        _, unsound = load_calendars(folder, ROOT)
        faults |= {fault for fault in unsound if ROOT / fault.file in found.files}
    for folder in sorted(found.body_folders):
        _, unsound = load_bodies(folder, ROOT)
        faults |= {fault for fault in unsound if ROOT / fault.file in found.files}
    faults |= set(prove_all(library, form, faults))
    faults |= set(_faults_of_players(library))
    found.faults = each_once(faults)
    return found


def _faults_of_players(library: ProcedureLibrary) -> Iterable[Fault]:
    """Yield the parts that nobody in the demo can play: a procedure that cannot be tried is not finished."""
    kinds = {company.code: company.kind for company in COMPANIES}
    roles = {role for person in PEOPLE for role in person.roles}
    filing = {kinds[person.company] for person in PEOPLE if person.company}
    heads = {kinds[person.company] for person in PEOPLE if person.is_first_head}
    for reading in library.readings:
        text, source = reading.text, reading.source
        if text is None or f"{text.procedure}.v{text.version}" not in library.procedures:
            continue
        for index, kind in enumerate(text.open_to):
            if kind not in filing:
                mend = "add one to app/demo/people.py"
                yield source.fault(["open_to", index], f"the demo has nobody of an organisation of kind '{kind}'", mend)
        for key, process in text.processes.items():
            executor = process.executor or ""
            if executor in EXECUTOR_ROLES and EXECUTOR_ROLES[executor] not in roles:
                mend = f"give somebody of app/demo/people.py the role {EXECUTOR_ROLES[executor]}"
                yield source.fault(["processes", key, "executor"], f"the demo has nobody who is {executor}", mend)
            if executor == "first_head" and not heads & set(text.open_to):
                mend = "give one of the organisations of app/demo/people.py a first head"
                problem = f"the demo has no first head of {' or '.join(text.open_to)}"
                yield source.fault(["processes", key, "executor"], problem, mend)
        for key, stage in text.stages.items():
            if stage.executor in EXECUTOR_ROLES and EXECUTOR_ROLES[stage.executor] not in roles:
                mend = f"give somebody of app/demo/people.py the role {EXECUTOR_ROLES[stage.executor]}"
                yield source.fault(["stages", key, "executor"], f"the demo has nobody who is {stage.executor}", mend)


def _gather(path: Path, found: Found) -> None:
    """Sort a file or a folder by its content."""
    if path.is_file():
        kind = _kind(path)
        found.files.add(path)
        if kind == PROCEDURE:
            found.workflows.add(path)
        elif kind == PART:
            found.parts.add(path)
        elif kind == TERMS:
            found.words.add(path)
        elif kind == FORM:
            found.form_folders.add(_form_folder(path.parent))
        elif kind == CALENDAR:
            found.calendar_folders.add(path.parent)
        elif kind == BODY:
            found.body_folders.add(path.parent)
        else:
            name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.as_posix()
            mend = (
                "begin it with procedure:, part:, table:, body:, form:, calendar:, service_hours: or policies:,"
                " or the columns key,kk,ru,en"
            )
            found.faults.append(Fault(name, 1, "", "neither a workflow, form, calendar, policy nor term file", mend))
        return
    if _is_dynamic(path):
        found.form_folders.add(_form_folder(path))
        found.files |= _yaml_files(path)
        return
    inside = sorted(each for each in path.iterdir() if not each.name.startswith("."))
    if any(_is_dynamic(each) if each.is_dir() else _kind(each) == FORM for each in inside):
        found.form_folders.add(path)
        found.files |= _yaml_files(path)
        found.files -= {each for each in inside if each.is_file() and _kind(each) in (PROCEDURE, CALENDAR)}
        inside = [each for each in inside if each.is_file() and _kind(each) in (PROCEDURE, CALENDAR, TERMS)]
    for each in inside:
        if each.is_dir() or each.suffix in (".yaml", ".yml", ".csv"):
            _gather(each, found)


def _kind(path: Path) -> str | None:
    if path.suffix == ".csv":
        return TERMS
    if path.suffix not in (".yaml", ".yml"):
        return None
    if path.name.startswith("_criteria."):
        return FORM
    text = path.read_bytes()[:100_000].decode("utf-8", errors="replace")
    first = _TELLING_KEY.search(text)
    if first is None:
        return None
    kinds = {"form": FORM, "calendar": CALENDAR, "part": PART, "body": BODY}
    return next((kind for name, kind in kinds.items() if first[name]), PROCEDURE)


def _is_dynamic(path: Path) -> bool:
    return path.is_dir() and any(path.glob("_criteria.*"))


def _form_folder(path: Path) -> Path:
    """Return the folder that holds the whole forms, above the tree of a dynamic one and above what stands beside."""
    top = path.parent if path.name in ASIDE else path
    for above in (path, *path.parents):
        if _is_dynamic(above):
            top = above.parent
    return top


def _yaml_files(path: Path, *, deep: bool = True) -> set[Path]:
    inside = path.rglob("*") if deep else path.glob("*")
    return {each for each in inside if each.suffix in (".yaml", ".yml") and each.is_file()}


def _is_among(path: Path, files: set[Path]) -> bool:
    """Tell whether a fault's file is one that was asked for, or a folder that holds one."""
    return path in files or any(path in each.parents for each in files)


def _lookup(forms: FormLibrary) -> Callable[[str], object | None]:
    return lambda key: forms.outline(key, UNREADABLE)


@cache
def _forms_of(folder: Path) -> Callable[[str], object | None]:
    """Read the forms in force, once and only if a procedure names a form that is not among the files checked."""
    return _lookup(load_forms(folder, ROOT)[0])


def _find_in_force(key: str) -> object | None:
    return _forms_of(definition_folders()["forms"].resolve())(key)


def _known_terms(paths: Iterable[Path]) -> Iterable[str]:
    """Return the keys of term files, faulty ones too, so that one fault is not told twice."""
    for path in paths:
        for line in path.read_bytes().decode("utf-8", errors="replace").splitlines():
            yield line.partition(",")[0]
