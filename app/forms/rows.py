"""The entries of repeating groups, found by their path: added, taken out, moved.

Works on the values of a simple form ("directors-e1-shares") and of a dynamic one
("extra_listing_requirements-e1-directors"); what is given is left unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.errors import Invalid, Said
from app.forms.dynamic import DynamicForm
from app.forms.parts import Field
from app.forms.simple import Form

Values = dict[str, Any]
_Change = Callable[[Values], Values]
"""What is done to the value of one group: {"entries": [...], "last": n}."""


def add(form: Form | DynamicForm, values: Mapping[str, Any], path: str) -> tuple[Values, str]:
    """Return ``values`` with a new empty entry at the end of the group at ``path``, and the entry's id.

    Raises:
        Invalid: there is no such group, or it is full.
    """
    given = ""

    def longer(group: Field, held: Values) -> Values:
        nonlocal given
        if len(held["entries"]) >= group.max_entries:
            said = {"field": Said(group.label.model_dump()), "most": group.max_entries, "stand": len(held["entries"])}
            raise Invalid.at(path, "field.err.rows_max", **said)
        number = int(held["last"]) + 1
        given = f"e{number}"
        return {"entries": [*held["entries"], {"id": given, "values": {}}], "last": number}

    return _at_group(form, values, path, longer), given


def remove(form: Form | DynamicForm, values: Mapping[str, Any], path: str) -> Values:
    """Return ``values`` without the entry at ``path``; its id is not given again.

    Raises:
        Invalid: there is no such entry.
    """

    def shorter(held: Values, place: int) -> list[Any]:
        return [entry for number, entry in enumerate(held["entries"]) if number != place]

    return _at_entry(form, values, path, shorter)


def move(form: Form | DynamicForm, values: Mapping[str, Any], path: str, by: int) -> Values:
    """Return ``values`` with the entry at ``path`` moved by so many places, at most to the group's end.

    Raises:
        Invalid: there is no such entry.
    """

    def reordered(held: Values, place: int) -> list[Any]:
        entries = list(held["entries"])
        entry = entries.pop(place)
        entries.insert(max(0, place + by), entry)
        return entries

    return _at_entry(form, values, path, reordered)


def _at_entry(
    form: Form | DynamicForm, values: Mapping[str, Any], path: str, change: Callable[[Values, int], list[Any]]
) -> Values:
    owner, _, entry_id = path.rpartition("-")

    def changed(held: Values) -> Values:
        for place, entry in enumerate(held["entries"]):
            if entry["id"] == entry_id:
                return {**held, "entries": change(held, place)}
        raise _nothing_at(path)

    if isinstance(form, DynamicForm) and owner == form.key:
        return changed(_held(values))
    return _at_group(form, values, owner, lambda group, held: changed(held))


def _at_group(
    form: Form | DynamicForm, values: Mapping[str, Any], path: str, change: Callable[[Field, Values], Values]
) -> Values:
    """Return ``values`` with the group at ``path`` changed."""
    keys = path.split("-")
    if isinstance(form, Form):
        return _changed(form.fields, values, keys, path, change)
    if keys[0] != form.key or len(keys) < 3:
        raise _nothing_at(path)
    entries = form.entries(values)
    for place, entry in enumerate(entries):
        if entry["id"] == keys[1]:
            inner = _changed(form.form_of(entry).fields, entry.get("values", {}), keys[2:], path, change)
            return {**values, "entries": [*entries[:place], {**entry, "values": inner}, *entries[place + 1 :]]}
    raise _nothing_at(path)


def _changed(
    fields: Sequence[Field],
    values: Mapping[str, Any],
    keys: Sequence[str],
    path: str,
    change: Callable[[Field, Values], Values],
) -> Values:
    key, *deeper = keys
    group = next((asked for asked in fields if asked.key == key and asked.fields is not None), None)
    if group is None:
        raise _nothing_at(path)
    held = _held(values.get(key))
    if not deeper:
        return {**values, key: change(group, held)}
    entries = list(held["entries"])
    for place, entry in enumerate(entries):
        if entry["id"] == deeper[0] and len(deeper) > 1:
            inner = _changed(group.fields or (), entry["values"], deeper[1:], path, change)
            entries[place] = {**entry, "values": inner}
            return {**values, key: {**held, "entries": entries}}
    raise _nothing_at(path)


def _held(value: Mapping[str, Any] | None) -> Values:
    return {"entries": [], "last": 0, **(value or {})}


def _nothing_at(path: str) -> Invalid:
    return Invalid.at(path, "field.err.no_such_field", name=path)
