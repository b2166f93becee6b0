"""Shared parts: processes that run the same way in many procedures, each in a file of ``workflows/_shared``.

A procedure names them first of all: ``use: [filing.v1, registration.v1]``.  A later part stands in place of
an earlier one, and what the procedure says itself in place of them all:

- of processes, their subprocesses, stages, standing subprocesses, terms and tables single keys (a ``title``, the
  ``stages``);
- a transition replaces those of the same trigger and source, where they stood;
- a timer replaces the one of the same term;
- an interruption is one with that of the same trigger: its sources join, its other keys replace.

The whole is checked as if it stood in one file; a fault is told where the faulty line stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from app import definition_files
from app.definition_files import (
    Definition,
    Fault,
    FileMapping,
    FileSequence,
    Join,
    Key,
    Refused,
    Shared,
    Source,
    joint_hash,
    shared_file,
)

FOLDER = "_shared"

Deep = Mapping[str, Any]
"""The keys under which mappings are joined key by key, "*" any; everything else is replaced whole."""

_DEEP: Deep = {
    "processes": {"*": {"subprocesses": {"*": {}}}},
    "stages": {"*": {}},
    "standing": {"*": {}},
    "terms": {"*": {}},
    "tables": {"*": {}},
}


class PartText(Definition):
    """A shared part: what procedures have in common; its sense is judged in each procedure that uses it."""

    part: Key
    version: Annotated[int, Field(ge=1, strict=True)]
    processes: dict[Key, dict[str, Any]] = {}
    stages: dict[Key, dict[str, Any]] = {}
    standing: dict[Key, dict[str, Any]] = {}
    terms: dict[Key, dict[str, Any]] = {}
    tables: dict[Key, dict[str, Any]] = {}
    timers: list[dict[str, Any]] = []
    transitions: list[dict[str, Any]] = []
    interruptions: list[dict[str, Any]] = []


def load_shared(folder: Path, root: Path) -> tuple[Shared, list[Fault]]:
    """Read the shared parts of ``folder``; a faulty one is known, so that its users are not blamed."""
    return definition_files.load_shared(folder, root, PartText, what="part", example="filing.v1.yaml")


def joining(shared: Shared) -> Join:
    """Return what puts the parts of ``shared`` under a procedure that names them."""
    return partial(_joined, shared)


def _joined(shared: Shared, tree: Any, empty: Source) -> Source | None:
    if "use" not in tree:
        return Source(empty.file, empty.sha256, tree)
    used, line = tree.pop("use"), tree.lines["use"]
    if not isinstance(used, FileSequence) or not used:
        raise Refused(line, "the shared parts are no list", "write use: [filing.v1, …]", "use")
    whole, hashes = FileMapping(), [empty.sha256]
    for number, name in enumerate(used):
        found = shared_file(shared, name, "part", line=used.lines[number], key=f"use.{number}")
        if found is None:
            return None
        part = {key: value for key, value in found.tree.items() if key not in ("part", "version")}
        whole = _mapping(whole, "", _like(found.tree, part), found.file, _DEEP)
        hashes.append(found.sha256)
    return Source(empty.file, joint_hash(hashes), _mapping(whole, "", tree, empty.file, _DEEP))


def _like(tree: Any, values: Mapping[str, Any]) -> FileMapping:
    """Return some of the keys of ``tree`` with their lines."""
    found = FileMapping()
    found.update(values)
    found.lines.update({key: tree.lines[key] for key in values})
    return found


def _mapping(under: Any, under_file: str, over: Any, over_file: str, deep: Deep) -> FileMapping:
    """Return two mappings as one: the keys of ``over`` stand in place of those of ``under``, or join them."""
    found = FileMapping()
    for node, file in ((under, under_file), (over, over_file)):
        for key, value in node.items():
            own = node.files.get(key, file)
            before = found.get(key)
            join = _LISTS.get(key) if deep is _DEEP else None
            if isinstance(value, FileSequence) and join is not None:
                value = join(before if isinstance(before, FileSequence) else FileSequence(), value, own)
            elif isinstance(value, FileMapping) and (inner := deep.get(key, deep.get("*"))) is not None:
                is_joined = isinstance(before, FileMapping)
                value = _mapping(before if is_joined else FileMapping(), found.files.get(key, own), value, own, inner)
            found[key], found.lines[key], found.files[key] = value, node.lines[key], own
    return found


def _replaced(names: tuple[str, ...], under: FileSequence, over: FileSequence, file: str) -> FileSequence:
    """Return the items of both; one of ``over`` stands where those stood that are the same by the keys ``names``."""

    def name(item: Any) -> tuple[str, ...]:
        return tuple(str(item.get(key)) for key in names) if isinstance(item, Mapping) else ()

    replaced = {name(item) for item in over}
    found, placed = FileSequence(), set()
    for item, line, own in _lines(under, ""):
        if name(item) not in replaced:
            _add(found, item, line, own)
        elif name(item) not in placed:
            placed.add(name(item))
            for each, at, other in _lines(over, file):
                if name(each) == name(item):
                    _add(found, each, at, other)
    for item, line, own in _lines(over, file):
        if name(item) not in placed:
            _add(found, item, line, own)
    return found


def _interruptions(under: FileSequence, over: FileSequence, file: str) -> FileSequence:
    """Return the interruptions of both; one of ``over`` is one with that of its trigger, from the sources of either."""
    found = FileSequence()
    places: dict[str, int] = {}
    for item, line, own in _lines(under, ""):
        places.setdefault(_trigger(item), len(found))
        _add(found, item, line, own)
    for item, line, own in _lines(over, file):
        at = places.get(_trigger(item))
        if at is None:
            _add(found, item, line, own)
        else:
            found[at] = _interruption(found[at], found.files[at], item, own)
    return found


def _trigger(item: Any) -> str:
    return str(item.get("trigger")) if isinstance(item, Mapping) else ""


def _interruption(before: Any, before_file: str, item: Any, file: str) -> Any:
    joint = _mapping(before, before_file, item, file, {})
    both = (before.get("sources"), item.get("sources"))
    if all(isinstance(sources, FileSequence) for sources in both):
        joint["sources"] = FileSequence()
        for source, line, own in (*_lines(both[0], before_file), *_lines(both[1], file)):
            _add(joint["sources"], source, line, own)
    return joint


def _lines(sequence: Any, file: str) -> list[tuple[Any, int, str]]:
    """Return the items of a sequence with their lines and files."""
    return [(item, sequence.lines[number], sequence.files.get(number, file)) for number, item in enumerate(sequence)]


def _add(sequence: FileSequence, item: Any, line: int, file: str) -> None:
    sequence.files[len(sequence)] = file
    sequence.append(item)
    sequence.lines.append(line)


_LISTS: Mapping[str, Callable[[FileSequence, FileSequence, str], FileSequence]] = {
    "transitions": partial(_replaced, ("trigger", "source")),
    "timers": partial(_replaced, ("term",)),
    "interruptions": _interruptions,
}
