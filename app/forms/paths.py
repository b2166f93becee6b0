"""Paths of inputs: keys joined with hyphens, with the ids of entries between ("directors-e1-name-kk").

Keys hold no hyphens, so a path can be taken apart again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from app.errors import Invalid, Problem
from app.forms.parts import Field

Values = dict[str, Any]

PARKED = "_parked"
"""Where answers rest that no question asks for now, among the values of a simple form or of a group's entry.

No field has such a key.  An entry of a dynamic form has them in ``parked``, beside its values.
"""


def find_field(fields: Iterable[Field], keys: Sequence[str]) -> Field | None:
    """Return the field that a path taken apart leads to, for an entry its group; None when it leads nowhere."""
    found = next((asked for asked in fields if asked.key == keys[0]), None)
    if found is None or len(keys) == 1:
        return found
    if found.fields is None:
        return found if len(keys) == 2 and keys[1] in found.parts else None
    if not is_entry_id(keys[1]):
        return None
    return found if len(keys) == 2 else find_field(found.fields, keys[2:])


def is_entry_id(word: str) -> bool:
    """Tell whether ``word`` has the shape of an entry's id: e1, e2, ..."""
    return word[:1] == "e" and word[1:].isdecimal() and word.isascii()


def require_field(fields: Iterable[Field], path: str) -> Field:
    """Return the field at ``path``.

    Raises:
        Invalid: there is none.
    """
    found = find_field(fields, path.split("-"))
    if found is None:
        raise Invalid.at(path, "field.err.no_such_field", name=path)
    return found


def require(paths: Iterable[str], is_known: Callable[[str], bool]) -> None:
    """Refuse paths that are not known.

    Raises:
        Invalid: with a problem for each unknown path.
    """
    unknown = [path for path in paths if not is_known(path)]
    if unknown:
        raise Invalid(problems=[Problem(path, "field.err.no_such_field", {"name": path}) for path in unknown])


def value_at(values: Mapping[str, Any], path: str) -> Any:
    """Return what stands at a field's ``path`` within a form's values, None when nothing does.

    In a dynamic form's values ``path`` is without the form's key: "e1-directors-e2-name".
    """
    held: Any = values
    for key in path.split("-"):
        if isinstance(held, Mapping) and "entries" in held:
            entry = next((entry for entry in held["entries"] if entry["id"] == key), None)
            held = None if entry is None else {**entry.get("keys", {}), **entry["values"]}
        else:
            held = held.get(key) if isinstance(held, Mapping) else None
    return held


def put(values: Mapping[str, Any], path: str, value: Any) -> Values:
    """Return ``values`` with ``value`` at a field's ``path``; None takes it out.

    Entries on the way must stand there.  In a dynamic form's values ``path`` is without the form's
    key; its free keys are found too.

    Raises:
        Invalid: an entry of the path is not there.
    """
    return _put(values, path.split("-"), value, path)


def _put(values: Mapping[str, Any], keys: Sequence[str], value: Any, path: str) -> Values:
    if "entries" in values:
        return {**values, "entries": _put_in_entry(values["entries"], keys, value, path)}
    key, *deeper = keys
    if not deeper:
        kept = {name: held for name, held in values.items() if name != key}
        return kept if value is None else {**values, key: value}
    held = values.get(key)
    if not isinstance(held, Mapping):
        raise Invalid.at(path, "field.err.no_such_field", name=path)
    return {**values, key: _put(held, deeper, value, path)}


def _put_in_entry(entries: Sequence[Mapping[str, Any]], keys: Sequence[str], value: Any, path: str) -> list[Any]:
    entry_id, *deeper = keys
    if not deeper or not any(entry["id"] == entry_id for entry in entries):
        raise Invalid.at(path, "field.err.no_such_field", name=path)
    changed = []
    for entry in entries:
        if entry["id"] != entry_id:
            changed.append(entry)
        elif deeper[0] in entry.get("keys", {}):
            changed.append({**entry, "keys": _put(entry["keys"], deeper, value, path)})
        else:
            changed.append({**entry, "values": _put(entry["values"], deeper, value, path)})
    return changed
