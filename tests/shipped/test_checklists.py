"""The documents asked for are the documents demanded: every path of every form, every deciding answer.

Three things are compared for each combination: the checklist that is shown, the documents that
validation demands when nothing is attached, and ``checklists.csv``, written by hand.  Its column
``when`` holds "field=option|option", joined by "&"; ";" separates alternatives.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from app.forms.definitions import DynamicForm, Field, Form, load
from app.forms.files import wanted

ROOT = Path(__file__).resolve().parents[2]
LIBRARY, _ = load(ROOT / "forms", ROOT)

DAYS = {"as_of": ["2026-11-16"], "last_year_end": ["2025-12-31", "2026-09-30"]}
"""Days that decide something: by them the annual statements are old, or they are not."""

BY_DAYS = {"old_statements": lambda answers: answers.get("last_year_end") == "2025-12-31"}
"""What the table says of days, by name."""


def paths_of(dynamic: DynamicForm, chosen: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield every chain of options that a person can choose to its end."""
    level = dynamic.offered(chosen)
    if level is None:
        yield chosen
        return
    for option in level.options:
        yield from paths_of(dynamic, (*chosen, option))


@dataclass(frozen=True)
class Place:
    """A form that asks, alone or behind the criteria of a dynamic one."""

    form: Form
    dynamic: DynamicForm | None = None
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "/".join((self.dynamic.key, *self.path)) if self.dynamic else self.form.key

    @property
    def whole(self) -> Form | DynamicForm:
        """The form that a stage names."""
        return self.dynamic or self.form

    def values(self, inner: Mapping[str, Any]) -> dict[str, Any]:
        """Return answers of the whole form, settled; ``inner`` are those of the form that asks."""
        if self.dynamic is None:
            return self.form.settled(inner)
        keys = {field.key: field.example_value() for field in self.dynamic.keys}
        entry = {"id": "e1", "path": list(self.path), "keys": keys, "form": self.form.name, "values": dict(inner)}
        return self.dynamic.settled({"entries": [entry], "last": 1})

    def document(self, path: str) -> str:
        """Return the name of a document in the table: "pledged-e2-valuation_report" as "pledged/valuation_report"."""
        own = path.removeprefix(f"{self.dynamic.key}-e1-") if self.dynamic else path
        return re.sub(r"-e[0-9]+-", "/", own)


def reachable() -> Iterator[Place]:
    """Yield every simple form, and every form that some criteria lead to by each way to it."""
    for form in LIBRARY.all():
        if isinstance(form, DynamicForm):
            for path in paths_of(form):
                found = form.form_at(path)
                if found is not None:
                    yield Place(found, form, path)
        elif "/" not in form.key:
            yield Place(form)


REACHABLE = list(reachable())


@cache
def table() -> Mapping[str, Mapping[str, tuple[str, bool]]]:
    """Return form -> document -> (when, whether it is required)."""
    with (ROOT / "tests" / "shipped" / "checklists.csv").open(encoding="utf-8", newline="") as file:
        found: dict[str, dict[str, tuple[str, bool]]] = {}
        for row in csv.DictReader(file):
            found.setdefault(row["form"], {})[row["document"]] = (row["when"], row["required"] == "yes")
    return found


def fields_with_owners(fields: Any, owners: tuple[Field, ...] = ()) -> Iterator[tuple[Field, tuple[Field, ...]]]:
    """Yield every field, those of groups too, with the groups around it."""
    for field in fields:
        yield field, owners
        if field.fields is not None:
            yield from fields_with_owners(field.fields, (*owners, field))


def names_in(*expressions: str | None) -> set[str]:
    """Return the words of expressions that may be names of fields."""
    bare = (re.sub(r"'[^']*'", "", expression) for expression in expressions if expression)
    return {word for expression in bare for word in re.findall(r"[a-z_][a-z0-9_]*", expression)}


def deciders(form: Form) -> dict[str, list[Any]]:
    """Return the fields on which the form's documents depend, each with every answer that may be given."""
    known = {field.key: field for field, _ in fields_with_owners(form.fields)}
    sections = {field.key: section for section in form.sections for field in section.fields}
    open_names: set[str] = set()
    for field, owners in fields_with_owners(form.fields):
        if field.type == "file":
            top = owners[0] if owners else field
            open_names |= names_in(sections[top.key].show_if, field.required_if)
            for each in (field, *owners):
                open_names |= names_in(each.show_if)
    found: dict[str, list[Any]] = {}
    while open_names:
        key = open_names.pop()
        if key in found or key not in known:
            continue
        field = known[key]
        open_names |= names_in(field.show_if)
        if field.type == "computed":
            open_names |= names_in(field.value)
        elif field.type == "yes_no":
            found[key] = [True, False]
        elif field.type == "choice":
            found[key] = list(field.options)
        elif key in DAYS:
            found[key] = DAYS[key]
        else:
            pytest.fail(f"{form.name}: documents depend on '{key}': say in DAYS which answers decide")
    return found


def combinations(form: Form) -> Iterator[dict[str, Any]]:
    """Yield every combination of the deciding answers, then those in which one of them is not given yet."""
    choices = deciders(form)
    for chosen in product(*choices.values()):
        yield dict(zip(choices, chosen, strict=True))
    for left_out in choices.keys() - DAYS.keys():
        others = {key: options for key, options in choices.items() if key != left_out}
        for chosen in product(*others.values()):
            yield {**dict(zip(others, chosen, strict=True)), left_out: None}


def is_so(when: str, answers: Mapping[str, Any]) -> bool:
    """Tell whether a condition of the table holds."""

    def holds(condition: str) -> bool:
        key, _, options = condition.partition("=")
        value = BY_DAYS[key](answers) if key in BY_DAYS else answers.get(key)
        said = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
        return said in options.split("|")

    return not when or any(all(holds(each) for each in way.split("&")) for way in when.split(";"))


def answered(fields: Any, answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the examples of ``fields`` with the deciding answers put in, two rows a group, and no files."""
    values: dict[str, Any] = {}
    for field in fields:
        if field.fields is not None:
            row = answered(field.fields, answers)
            values[field.key] = {"entries": [{"id": "e1", "values": row}, {"id": "e2", "values": row}], "last": 2}
        elif field.key in answers:
            if answers[field.key] is not None:
                values[field.key] = answers[field.key]
        elif field.type != "file" and field.example is not None:
            values[field.key] = field.example_value()
    return values


WITH_DOCUMENTS = [place for place in REACHABLE if place.form.key in table()]


def test_every_file_of_a_form_is_reached_by_some_criteria() -> None:
    for dynamic in LIBRARY.all():
        if isinstance(dynamic, DynamicForm):
            led_to = {form.key for path in paths_of(dynamic) if (form := dynamic.form_at(path))}

            assert led_to == {form.key for versions in dynamic.forms.values() for form in versions.values()}


def test_the_table_names_every_document_of_every_form_and_no_other() -> None:
    documents = {
        place.form.key: {
            "/".join(each.key for each in (*owners, field))
            for field, owners in fields_with_owners(place.form.fields)
            if field.type == "file"
        }
        for place in REACHABLE
    }

    named = {key: set(rows) for key, rows in table().items()}
    assert named == {key: names for key, names in documents.items() if names}


@pytest.mark.parametrize("place", WITH_DOCUMENTS, ids=str)
def test_the_checklist_asked_is_the_checklist_demanded(place: Place) -> None:
    for answers in combinations(place.form):
        values = place.values(answered(place.form.fields, answers))
        asked = {item.path: item.required for item in wanted(place.whole, values)}
        refused = {problem.path for problem in place.whole.check(values)}
        documents = table()[place.form.key]
        demanded = {path for path in refused if place.document(path) in documents}

        expected = {name: required for name, (when, required) in documents.items() if is_so(when, answers)}
        assert demanded == {path for path, required in asked.items() if required}, answers
        assert {place.document(path): required for path, required in asked.items()} == expected, answers


@pytest.mark.parametrize("place", WITH_DOCUMENTS, ids=str)
def test_one_who_attached_the_whole_checklist_is_asked_for_no_document_more(place: Place) -> None:
    for answers in combinations(place.form):
        values = place.values(attached(place.form.fields, answered(place.form.fields, answers)))
        documents = table()[place.form.key]

        assert not [item.path for item in wanted(place.whole, values) if item.is_missing], answers
        assert not [found.path for found in place.whole.check(values) if place.document(found.path) in documents]


def attached(fields: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``values`` with a file in every file field."""
    full = dict(values)
    for field in fields:
        if field.type == "file":
            full[field.key] = field.example_value()
        elif field.fields is not None:
            held = values[field.key]
            entries = [{**entry, "values": attached(field.fields, entry["values"])} for entry in held["entries"]]
            full[field.key] = {**held, "entries": entries}
    return full
