"""Filled forms as JSON: canonical values with the versions of their forms, written to be read again.

``{"schema": "kezen.answers.1", "stages": {stage: {form: {"version": 1, "values": {...}}}}, ...}``;
whatever else stands at the top says whose answers they are, and is not read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from app.errors import Invalid, NotFound
from app.forms.definitions import DynamicForm, Form, FormLibrary
from app.forms.outline import Part, typed_texts

SCHEMA = "kezen.answers.1"

NOTE = (
    "Canonical values: numbers and sums are decimal texts with a point, dates are YYYY-MM-DD, options are their keys, "
    "files are named by their SHA-256 and not enclosed. A group is {entries: [{id, values}], last: the last id given}."
)

Stages = dict[str, dict[str, dict[str, Any]]]
"""Stage -> form key -> values."""


def dumped(stages: Mapping[str, Mapping[str, Any]], versions: Mapping[str, int], about: Mapping[str, Any]) -> str:
    """Return the answers of stages (stage -> form key -> values) as JSON; ``about`` says whose they are."""
    told = {
        stage: {key: {"version": versions[key], "values": values} for key, values in forms.items()}
        for stage, forms in stages.items()
    }
    return json.dumps({"schema": SCHEMA, "note": NOTE, **about, "stages": told}, ensure_ascii=False, indent=1)


def loaded(text: str | bytes, library: FormLibrary) -> Stages:
    """Return the answers that stand in what ``dumped`` has written.

    Raises:
        Invalid: it is something else, names a form or a version that is not known, or holds a value
            that its field would not keep so; with a problem at each such path.
    """
    try:
        data = json.loads(text)
        stages = data["stages"]
        told = [
            (stage, key, held["version"], held["values"])
            for stage, forms in stages.items()
            for key, held in forms.items()
        ]
        is_known = data["schema"] == SCHEMA and all(isinstance(values, dict) for *_, values in told)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        is_known = False
    if not is_known:
        raise Invalid.at("file", "export.err.schema", schema=SCHEMA)
    found: Stages = {stage: {} for stage in stages}
    for stage, key, version, values in told:
        try:
            form = library.get(key, version)
        except NotFound:
            raise Invalid.at("file", "export.err.form", form=f"{key}.v{version}") from None
        found[stage][key] = _canonical(form, values)
    return found


def _canonical(form: Form | DynamicForm, values: dict[str, Any]) -> dict[str, Any]:
    """Return ``values`` if every answer in them is as its field keeps it."""
    try:
        texts = typed_texts(parts_of(form, values))
        read = form.parse(texts, values) if isinstance(form, DynamicForm) else form.parse(texts, before=values)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Invalid.at("file", "export.err.values", form=form.name) from error
    if read.problems:
        raise Invalid(problems=read.problems)
    if form.settled(read.values) != form.settled(values):
        raise Invalid.at("file", "export.err.values", form=form.name)
    return values


def parts_of(form: Form | DynamicForm, values: Mapping[str, Any]) -> list[Part]:
    """Return what a form asks, all entries of a dynamic one together."""
    if isinstance(form, DynamicForm):
        return [part for _, parts in form.outline(values) for part in parts]
    return list(form.outline(values))
