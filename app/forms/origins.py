"""Where answers come from, field by field: kept beside them until they are edited.

``{path: origin}``: the path is a field's, a row's ("directors-e1") or an entry's.  What is said of a row
holds for all in it, until something of it is edited: then for the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Origins = dict[str, Any]


def kept(origins: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]) -> Origins:
    """Return the origins of the answers of a stage that still say the same, both form key -> values."""
    if not origins:
        return {}
    old, new = _tree(before), _tree(after)
    found: Origins = {}
    for path, origin in origins.items():
        _keep(path, origin, old, new, found)
    return found


def _keep(path: str, origin: Any, old: Mapping[str, Any], new: Mapping[str, Any], found: Origins) -> None:
    if path not in new or path not in old:
        return
    if old[path] == new[path]:
        found[path] = origin
        return
    begin = f"{path}-"
    for inner in old:  # edited: what is inside a row is told one by one
        if inner.startswith(begin) and "-" not in inner[len(begin) :]:
            _keep(inner, origin, old, new, found)


def _tree(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return path -> value of every field, group, row and entry of a stage."""
    found: dict[str, Any] = {}
    for form, answers in values.items():
        if "entries" in answers:
            _entries(form, answers, found)
        else:
            _fields("", answers, found)
    return found


def _fields(prefix: str, answers: Mapping[str, Any], found: dict[str, Any]) -> None:
    for key, value in answers.items():
        path = f"{prefix}{key}"
        found[path] = value
        if isinstance(value, Mapping) and "entries" in value:
            _entries(path, value, found)


def _entries(path: str, held: Mapping[str, Any], found: dict[str, Any]) -> None:
    for entry in held["entries"]:
        own = f"{path}-{entry['id']}"
        found[own] = entry
        _fields(f"{own}-", {**entry.get("keys", {}), **entry.get("values", {})}, found)


def of(origins: Mapping[str, Any], path: str) -> Any:
    """Return the origin of a field: its own, or that of the row it stands in; None when it was typed."""
    while path:
        if path in origins:
            return origins[path]
        path = path.rpartition("-")[0]
    return None
