"""Tells two sets of answers of one stage apart, in canonical values: formatting is no change.

Entries and rows are matched by their ids at every depth, so that one that was moved, or stands after
one that came or went, is compared with itself.  What is not asked is not compared.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from app.forms.outline import Part, Rows

Kind = Literal["changed", "added", "removed", "moved", "criteria", "file_added", "file_removed", "file_replaced"]
"""What happened: to a value, to a whole entry or row, to its place, to what it was added for, to a file."""

Asked = Collection[str] | None
"""The paths of the fields and groups that a stage asks for, without language or part; None: all that is there."""


@dataclass(frozen=True)
class Change:
    """One difference.

    ``path`` is that on the page: "bin", "name-kk", "directors-e1-name", and for a whole entry or row
    "extra_listing_requirements-e1", "directors-e1".  ``old`` and ``new`` are canonical values, of a
    whole entry the entry, of one that moved its places counted from 1, of other criteria the chains,
    of a file the mapping with its name and hash; None where there was or is nothing.  ``part`` is the
    last piece of the path where it names a language or another part of one field.
    """

    form: str
    path: str
    kind: Kind
    old: Any
    new: Any
    part: str = field(default="", compare=False)

    @property
    def place(self) -> str:
        """The path without the part: of the field, the row or the entry."""
        return self.path.removesuffix(f"-{self.part}") if self.part else self.path


def compare(
    before: Mapping[str, Any], after: Mapping[str, Any], *, asked: tuple[Asked, Asked] = (None, None)
) -> list[Change]:
    """Return what differs between two answers of a stage, each form key -> values.

    ``asked`` tells what each of the two asks for.  A field that is asked no more counts as removed,
    one that was not asked before as added; what neither asks is passed over, and so are parked answers.
    An entry or row that came or went is one change, with all that is in it.
    The effort grows with the size of the answers.
    """
    found = _Comparison(*asked)
    for form in _both(before, after):
        found.form = form
        old, new = before.get(form) or {}, after.get(form) or {}
        if "entries" in old or "entries" in new:
            found.rows(form, old, new)
        else:
            found.fields("", old, new)
    return found.changes


def paths(parts: Iterable[Part]) -> set[str]:
    """Return the paths of what is asked: of the fields, and of the groups they stand in."""
    found: set[str] = set()
    waiting = [item for part in parts for item in part.items]
    while waiting:
        item = waiting.pop()
        found.add(item.path)
        if isinstance(item, Rows):
            waiting += [inner for row in item.rows for inner in row.items]
    return found


class _Comparison:
    def __init__(self, asked_before: Asked, asked_after: Asked) -> None:
        self._asked = (asked_before, asked_after)
        self.form = ""
        self.changes: list[Change] = []

    def _tell(self, path: str, kind: Kind, old: Any, new: Any, part: str = "") -> None:
        self.changes.append(Change(self.form, f"{path}-{part}" if part else path, kind, old, new, part))

    def fields(self, prefix: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        for key in _both(before, after):
            path = f"{prefix}{key}"
            sides = zip((before, after), self._asked, strict=True)
            old, new = (values.get(key) if asked is None or path in asked else None for values, asked in sides)
            if old == new:
                continue
            if _has_rows(old) or _has_rows(new):
                self.rows(path, _rows(old), _rows(new))
            elif _is_files(old) or _is_files(new):
                self._files(path, old or [], new or [])
            else:
                self._values(path, _parts(old), _parts(new))

    def rows(self, path: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        old = {str(row["id"]): row for row in before.get("entries") or ()}
        new = {str(row["id"]): row for row in after.get("entries") or ()}
        moved = _moved(list(old), list(new))
        places = {name: place for place, name in enumerate(old, 1)}, {name: place for place, name in enumerate(new, 1)}
        for name in _both(old, new):
            own = f"{path}-{name}"
            if name not in new:
                self._tell(own, "removed", old[name], None)
            elif name not in old:
                self._tell(own, "added", None, new[name])
            else:
                if name in moved:
                    self._tell(own, "moved", places[0][name], places[1][name])
                if list(old[name].get("path") or ()) != list(new[name].get("path") or ()):
                    self._tell(own, "criteria", old[name].get("path"), new[name].get("path"))
                self.fields(f"{own}-", _answers(old[name]), _answers(new[name]))

    def _values(self, path: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        for part in _both(before, after):
            if part not in after:
                self._tell(path, "removed", before[part], None, part)
            elif part not in before:
                self._tell(path, "added", None, after[part], part)
            elif before[part] != after[part]:
                self._tell(path, "changed", before[part], after[part], part)

    def _files(self, path: str, before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> None:
        gone, come = _without_common(before, after, lambda file: (file.get("name"), file.get("sha256")))
        for same in ("name", "sha256"):  # given anew under its name, or the same bytes under another
            for old, new in _pairs(gone, come, same):
                self._tell(path, "file_replaced", old, new)
        if len(gone) == len(come) == 1:
            self._tell(path, "file_replaced", gone.pop(), come.pop())
        for file in gone:
            self._tell(path, "file_removed", file, None)
        for file in come:
            self._tell(path, "file_added", None, file)


def _both(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [*before, *(key for key in after if key not in before)]


def _has_rows(value: Any) -> bool:
    return isinstance(value, Mapping) and "entries" in value


def _rows(value: Any) -> Mapping[str, Any]:
    return value if _has_rows(value) else {}


def _is_files(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping) and "sha256" in value[0]


def _answers(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**(row.get("keys") or {}), **(row.get("values") or {})}


def _parts(value: Any) -> dict[str, Any]:
    """Return part -> value of what is answered; a value that is one whole has the part ""."""
    if isinstance(value, Mapping) and "amount" not in value:
        return {part: words for part, words in value.items() if words not in (None, "", [], {})}
    return {} if value is None or value in ("", [], {}) else {"": value}


def _moved(before: Sequence[str], after: Sequence[str]) -> set[str]:
    """Return the fewest names that must have been moved: those outside a longest run that kept its order."""
    place = {name: number for number, name in enumerate(after)}
    kept = [name for name in before if name in place]
    ends: list[int] = []
    """The last place of the best run of each length."""
    lasts: list[str] = []
    previous: dict[str, str | None] = {}
    for name in kept:
        length = bisect_left(ends, place[name])
        previous[name] = lasts[length - 1] if length else None
        ends[length : length + 1] = [place[name]]
        lasts[length : length + 1] = [name]
    run = set()
    name_ = lasts[-1] if lasts else None
    while name_ is not None:
        run.add(name_)
        name_ = previous[name_]
    return {name for name in kept if name not in run}


_File = Mapping[str, Any]


def _without_common(before: Iterable[_File], after: Iterable[_File], key: Any) -> tuple[list[_File], list[_File]]:
    """Return both lists without what stands in both; the order of files says nothing, nor do their ids."""
    standing: dict[Hashable, int] = {}
    for file in before:
        standing[key(file)] = standing.get(key(file), 0) + 1
    come = []
    for file in after:
        if standing.get(key(file), 0):
            standing[key(file)] -= 1
        else:
            come.append(file)
    gone = []
    for file in reversed(list(before)):
        if standing[key(file)]:
            standing[key(file)] -= 1
            gone.append(file)
    return gone[::-1], come


def _pairs(gone: list[_File], come: list[_File], same: str) -> list[tuple[_File, _File]]:
    """Take out of both lists, and return, the files of which one thing stayed the same."""
    waiting: dict[Hashable, list[_File]] = {}
    for file in come:
        waiting.setdefault(file.get(same), []).append(file)
    pairs = []
    for file in list(gone):
        others = waiting.get(file.get(same))
        if others:
            other = others.pop(0)
            gone.remove(file)
            come.remove(other)
            pairs.append((file, other))
    return pairs
