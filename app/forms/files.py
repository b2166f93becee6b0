"""The files among the answers: which are asked for now, which stand where nobody asks any more.

What ``wanted`` lists as required is exactly what ``check`` demands: both go through the outline.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.forms.definitions import DynamicForm, Form
from app.forms.outline import Part, leaves
from app.forms.parts import Field, Section

Stored = Mapping[str, Any]
"""A file as answers hold it: {"id", "name", "size", "sha256"}."""


@dataclass(frozen=True)
class Wanted:
    """A field that asks for files now, with those it holds.

    ``form`` is the simple form, of a dynamic one that of the entry; ``criteria`` the keys of the
    chosen options there, ``entry`` its id.
    """

    path: str
    field: Field
    section: Section
    form: Form
    required: bool
    files: tuple[Stored, ...]
    criteria: tuple[str, ...] = ()
    entry: str = ""

    @property
    def is_missing(self) -> bool:
        """Whether it must hold a file and does not."""
        return self.required and not self.files


def wanted(form: Form | DynamicForm, values: Mapping[str, Any]) -> tuple[Wanted, ...]:
    """Return the fields of ``form`` that ask for files of one who has answered ``values``, in the page's order."""
    if isinstance(form, Form):
        return tuple(_wanted(form, form.outline(values)))
    found: list[Wanted] = []
    for entry, parts in form.outline(values):
        asking = form.leaf(entry)
        if asking is not None:
            found += _wanted(asking, parts, tuple(entry["path"]), str(entry["id"]))
    return tuple(found)


def _wanted(form: Form, parts: Iterable[Part], criteria: tuple[str, ...] = (), entry: str = "") -> Iterator[Wanted]:
    for part in parts:
        for asked in leaves((part,)):
            if asked.field.type == "file":
                held = tuple(asked.value or ())
                yield Wanted(asked.path, asked.field, part.section, form, asked.required, held, criteria, entry)


def unasked(form: Form | DynamicForm, values: Mapping[str, Any]) -> tuple[tuple[str, Stored], ...]:
    """Return (path, file) of those that stand in ``values`` but that no field asks for now: hidden or parked."""
    asked = {file["id"] for item in wanted(form, values) for file in item.files}
    prefix = form.key if isinstance(form, DynamicForm) else ""
    return tuple((path, file) for path, file in every(values, prefix) if file["id"] not in asked)


def every(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Stored]]:
    """Yield (path, file) of every file that stands anywhere in ``values``."""
    for key, value in _items(values):
        path = f"{prefix}-{key}" if prefix and key else prefix or key
        if _are_files(value):
            for file in value:
                yield path, file
        elif isinstance(value, Mapping):
            yield from every(value, path)


def without(values: Mapping[str, Any], file_id: object) -> dict[str, Any]:
    """Return ``values`` without one file, wherever it stands; a field left with none is left out."""
    kept: dict[str, Any] = {}
    for key, value in values.items():
        if _are_files(value):
            files = [file for file in value if file["id"] != file_id]
            if files:
                kept[key] = files
        elif key == "entries" and isinstance(value, list):
            kept[key] = [without(entry, file_id) for entry in value]
        else:
            kept[key] = without(value, file_id) if isinstance(value, Mapping) else value
    return kept


def _items(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what stands in ``values`` by its step of the path: entries by their ids, their parts by none."""
    if isinstance(values.get("entries"), list):
        for entry in values["entries"]:
            for part in ("keys", "values", "parked"):
                yield str(entry["id"]), entry.get(part) or {}
        return
    yield from values.items()


def _are_files(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and bool(value) and _is_file(value[0])


def _is_file(value: Any) -> bool:
    return isinstance(value, Mapping) and {"id", "name", "sha256"} <= value.keys()
