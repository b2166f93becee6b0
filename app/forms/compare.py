"""Tells two sets of answers of one stage apart, in canonical values: formatting is no change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Change:
    """One difference.  ``path`` is the field's path on the page; a whole entry has "<form>-<entry>"."""

    form: str
    path: str
    kind: Literal["changed", "added", "removed"]
    old: Any
    new: Any


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Return what differs between two answers of a stage, each form key -> values.

    Fields of a simple form have the path "bin" or "name-kk", those of a dynamic one
    "extra_listing_requirements-e1-isin"; changed criteria of an entry stand at "<form>-e1-path".
    An entry that came or went is one change, with the whole entry in it.
    """
    changes: list[Change] = []
    for form in [*before, *(form for form in after if form not in before)]:
        old, new = before.get(form) or {}, after.get(form) or {}
        if "entries" in old or "entries" in new:
            changes += _entries(form, old.get("entries", ()), new.get("entries", ()))
        else:
            changes += _fields(form, "", old, new)
    return changes


def _entries(form: str, before: Any, after: Any) -> list[Change]:
    old = {entry["id"]: entry for entry in before}
    new = {entry["id"]: entry for entry in after}
    changes: list[Change] = []
    for name in [*old, *(name for name in new if name not in old)]:
        path = f"{form}-{name}"
        if name not in new:
            changes.append(Change(form, path, "removed", old[name], None))
        elif name not in old:
            changes.append(Change(form, path, "added", None, new[name]))
        else:
            changes += _fields(form, f"{path}-", _flat(old[name]), _flat(new[name]))
    return changes


def _flat(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"path": list(entry["path"]), **entry.get("keys", {}), **entry.get("values", {})}


def _fields(form: str, prefix: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    old, new = _parts(before), _parts(after)
    changes: list[Change] = []
    for name in [*old, *(name for name in new if name not in old)]:
        path = f"{prefix}{name}"
        if name not in new:
            changes.append(Change(form, path, "removed", old[name], None))
        elif name not in old:
            changes.append(Change(form, path, "added", None, new[name]))
        elif _essence(old[name]) != _essence(new[name]):
            changes.append(Change(form, path, "changed", old[name], new[name]))
    return changes


def _parts(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return path -> value of all that is answered, the languages of a field apart."""
    parts: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping) and "amount" not in value:
            parts.update({f"{name}-{part}": words for part, words in value.items() if words})
        elif value is not None and value not in ("", [], {}):
            parts[name] = value
    return parts


def _essence(value: Any) -> Any:
    """Return what makes two values the same: files are their names and bytes, whatever their ids."""
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return [(file.get("name"), file.get("sha256")) for file in value]
    return value
