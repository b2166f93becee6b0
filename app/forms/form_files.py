"""Reads one form file, with its faults of shape and of sense."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any, Generic, TypeVar

from app.definition_files import Fault, Reading, Shared, Source, misnamed, read
from app.definition_remains import is_told
from app.forms import logic
from app.forms.dynamic import CriteriaFile, DynamicForm
from app.forms.figures import Figures, unmarked
from app.forms.parts import Field, FormFile, examples
from app.forms.paths import is_entry_id
from app.forms.shared import joining
from app.forms.simple import Form
from app.terms import say

CRITERIA = "_criteria"
COMPARABLE = frozenset({"text", "number", "date", "truth", "duration"})
"""Sorts of fields whose answers are the same or not."""
DEEPEST = 3
"""Groups within groups."""

_FILE_NAME = re.compile(r"(_criteria|[a-z][a-z0-9_]{0,59})\.v([1-9][0-9]{0,3})\.yaml")

Named = list[tuple[list[str | int], Any]]
"""Parts of a file that carry a key, with their places."""

F = TypeVar("F", Form, DynamicForm)
T = TypeVar("T", FormFile, CriteriaFile)


@dataclass(frozen=True)
class Found(Generic[F, T]):
    """A form file: its name, what can be read of it, and the form if there is no fault."""

    key: str
    version: int
    text: T | None = None
    form: F | None = None
    source: Source | None = None


@dataclass(frozen=True)
class Beside:
    """What forms draw on: the shared sections, and the figures of the rules."""

    shared: Shared
    figures: Figures


def name_and_version(
    path: FilePath, root: FilePath, faults: list[Fault], *, criteria: bool = False
) -> tuple[str, int] | None:
    """Return key and version out of a file's name; a fault if it does not have the shape."""
    found = _FILE_NAME.fullmatch(path.name)
    if found is None or (found[1] == CRITERIA) > criteria:
        faults.append(misnamed(path, root, shape="<form>.v<version>.yaml", like="issuer.v1.yaml"))
        return None
    return found[1], int(found[2])


def own_name_faults(source: Source, form: object, version: object, expected: tuple[str, int]) -> list[Fault]:
    """Return the faults of a form whose key or version is not that of its file's name."""
    faults = []
    if form != expected[0]:
        faults.append(source.fault(["form"], f"'{form}' is not the file's name", f"write form: {expected[0]}"))
    if version != expected[1]:
        faults.append(
            source.fault(["version"], f"{version} is not the file's version", f"write version: {expected[1]}")
        )
    return faults


def read_simple_form(
    path: FilePath, root: FilePath, faults: list[Fault], beside: Beside, prefix: str = ""
) -> Found[Form, FormFile]:
    """Read one simple form; ``prefix`` is the chain before a form inside a dynamic one."""
    expected = name_and_version(path, root, faults)
    name, version = expected or (path.name.partition(".")[0].lower(), 0)
    key = f"{prefix}{name}"
    if expected is None and path.suffix not in (".yaml", ".yml"):
        return Found(key, version)
    reading = read(path, FormFile, root=root, join=joining(beside.shared))
    file, source = reading.text, reading.source
    if file is None:
        faults += reading.faults
        return Found(key, version)
    found = own_name_faults(source, file.form, file.version, expected) if expected else []
    found += _options_faults(file, source)
    found += _standing_faults(file, source)
    for named in _places_of_fields(source.tree):
        found += faults_of_twins(source, named, "field")
    if not prefix and not reading.faults and not found:
        found += sense_faults(file, source, beside.figures)
    sections: Named = [(["sections", n], section) for n, section in items_of(source.tree.get("sections"))]
    found += faults_of_twins(source, sections, "section")
    found = all_faults(reading, found)
    faults += found
    if found or expected is None:
        return Found(key, version, file)
    form = Form(key, file.version, file.title, file.sections, file.demo_data, source.sha256, file.note, file.checks)
    return Found(key, version, file, replace(form, figures=beside.figures), source)


def sense_faults(
    file: FormFile,
    source: Source,
    figures: Figures,
    around: Sequence[Field] = (),
    given: Mapping[str, Any] | None = None,
) -> list[Fault]:
    """Return what is wrong with a form's expressions, and where its examples do not hold together.

    ``around`` are the free keys and criteria of the entry it stands in, ``given`` their examples.
    """
    wrong = logic.faults(file.sections, file.checks, around, figures)
    found = [source.fault(place, problem, mend) for place, problem, mend in wrong]
    if illustrative := unmarked(file, figures):
        problem = f"it reckons with illustrative figures ({', '.join(illustrative)}) and is not marked"
        found.append(source.fault(["form"], problem, "add demo_data: true"))
    if found:
        return found
    form = Form(
        file.form, file.version, file.title, file.sections, file.demo_data, "", checks=file.checks, around=tuple(around)
    )
    form = replace(form, figures=figures)
    values = form.settled(examples(form.fields), given)
    for broken in form.check(values, around=given):
        place = _place_of(file, [key for key in broken.path.split("-") if not is_entry_id(key)])
        told = say(broken.key, "en", **broken.params)
        found.append(source.fault(place, f"the examples do not hold together: {told}", "change the examples"))
    return found


def _place_of(file: FormFile, keys: Sequence[str]) -> list[str | int]:
    """Return where the field of a path stands in its file."""
    found: list[str | int] = ["sections"]
    names: list[str] = []
    for at, asked in _all_fields(file):
        depth = at.count("fields")
        names = [*names[: depth - 1], asked.key]
        if names == list(keys[:depth]):
            found = at
    return found


def all_faults(reading: Reading[Any], sense: Iterable[Fault]) -> list[Fault]:
    """Return the faults of shape and those of sense that they do not explain, told by the keys of fields."""
    found = [*reading.faults, *reading.untold(sense)]
    return [told_by_keys(fault, reading.source) for fault in found]


def _options_faults(file: FormFile, source: Source) -> list[Fault]:
    """Return the examples that are no option where the options are faulty in other ways, and so nobody judged them."""
    faults = []
    for at, asked in _all_fields(file):
        if asked.type != "choice" or not isinstance(asked.options, dict) or not isinstance(asked.example, str):
            continue
        if asked.example not in asked.options and not is_told(asked.example, asked.options):
            problem = f"field '{asked.key}': its example '{asked.example}' is not valid"
            faults.append(source.fault([*at, "example"], problem, "choose an option of the list"))
    return faults


def _standing_faults(file: FormFile, source: Source) -> list[Fault]:
    """Return the groups that stand deeper than a page can show, and shares that stand in no group."""
    faults = []
    for at, asked in _all_fields(file):
        if asked.fields is not None and at.count("fields") == DEEPEST + 1:
            problem = f"group '{asked.key}' stands in {DEEPEST} other groups"
            faults.append(source.fault([*at, "type"], problem, "lay it out less deep"))
        if asked.type == "percent_of_total" and at.count("fields") == 1:
            problem = f"field '{asked.key}' is a part of a whole, but stands in no group"
            faults.append(source.fault([*at, "type"], problem, "write type: percent, or put it in a group"))
        faults += [source.fault([*at, "unique"], *told) for told in _faults_of_unique(asked)]
    return faults


def _faults_of_unique(group: Field) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the demand that entries of a group differ: what, and what would mend it."""
    fields = {inner.key: inner for inner in group.fields or () if isinstance(inner, Field)}
    may = sorted(key for key, inner in fields.items() if inner.sort in COMPARABLE)
    for name, part in dict.fromkeys(each for demand in group.told_apart for each in demand if each[0]):
        inner = fields.get(name)
        if inner is None:
            known = f"known: {', '.join(fields)}"
            yield f"group '{group.key}' has no field '{name}'", known
        elif part and part not in inner.subfields:
            known = ", ".join(inner.subfields) or "none"
            yield f"field '{name}' has no part '{part}'", f"its parts: {known}"
        elif not part and inner.sort not in COMPARABLE:
            mend = ", ".join([*may, *(f"{name}.{each}" for each in inner.subfields)])
            yield f"answers to '{name}' ({inner.type}) cannot be told apart", f"name others: {mend or 'none'}"


def _all_fields(file: FormFile) -> Iterator[tuple[list[str | int], Field]]:
    """Yield every field with its place in the file, those of groups too."""

    def below(fields: Iterable[Field], at: list[str | int]) -> Iterator[tuple[list[str | int], Field]]:
        for number, asked in enumerate(fields):
            if isinstance(asked, Field):
                place = [*at, "fields", number]
                yield place, asked
                yield from below(asked.fields or (), place)

    for number, section in enumerate(file.sections):
        yield from below(section.fields, ["sections", number])


def items_of(sequence: Any) -> list[tuple[int, Any]]:
    """Return the items of a list with their numbers; of anything else, none."""
    return list(enumerate(sequence)) if isinstance(sequence, list) else []


def _places_of_fields(tree: Any) -> list[Named]:
    """Return the fields with their places, those that may not share a key together: a form's, a group's."""
    found: list[Named] = [[]]

    def below(content: Any, at: list[str | int], named: Named) -> None:
        fields = content.get("fields") if isinstance(content, Mapping) else None
        for number, asked in items_of(fields):
            place = [*at, "fields", number]
            named.append((place, asked))
            if isinstance(asked, Mapping) and "fields" in asked:
                found.append([])
                below(asked, place, found[-1])

    for number, section in items_of(tree.get("sections")):
        below(section, ["sections", number], found[0])
    return found


def faults_of_twins(source: Source, named: Named, what: str) -> list[Fault]:
    """Return a fault for each key that stands a second time; read from the tree, so that other faults hide none."""
    seen: set[object] = set()
    faults = []
    for place, item in named:
        key = item.get("key") if isinstance(item, Mapping) else None
        if isinstance(key, str) and key in seen:
            faults.append(source.fault([*place, "key"], f"{what} '{key}' stands twice", "rename one of them"))
        seen.add(key)
    return faults


def told_by_keys(fault: Fault, source: Source) -> Fault:
    """Return ``fault`` with the numbers in its key replaced by the keys of what they count."""
    node, told = source.tree, []
    for part in fault.key.split("."):
        try:
            node = node[int(part) if isinstance(node, list) else part]
        except (KeyError, IndexError, ValueError, TypeError):
            node = None
        key = node.get("key") if part.isdigit() and isinstance(node, Mapping) else None
        told.append(str(key) if isinstance(key, str) else part)
    return replace(fault, key=".".join(told))
