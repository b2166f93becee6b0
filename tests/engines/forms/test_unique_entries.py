"""Entries of a group that must differ (``unique``): what is the same, where it is told, what a file may demand."""

from __future__ import annotations

from typing import Any

import pytest
from form_files import WORDS, Write

from app.forms.definitions import Form, load
from app.terms import LANGUAGES, say

YEARS = f"""\
form: years
version: 1
title: {WORDS}
sections:
  - key: main
    title: {WORDS}
    fields:
      - {{key: brief, type: yes_no, label: {WORDS}, example: "no"}}
      - key: years
        type: group
        example_entries: 2
        unique: year
        label: {WORDS}
        fields:
          - {{key: year, type: year, show_if: not brief, label: {WORDS}, example: "2025", more_examples: ["2024"]}}
          - {{key: name, type: text, label: {WORDS}, example: "А", more_examples: ["Б"]}}
          - {{key: charter, type: file, label: {WORDS}, example: a.pdf}}
          - key: chief
            type: person
            ask_for: [family_name, given_name, iin]
            label: {WORDS}
            example: {{family_name: А, given_name: Б, iin: "750314399993"}}
"""


def faults_of(write: Write, text: str) -> list[str]:
    root = write({"years.v1.yaml": text})
    return [str(fault) for fault in load(root / "forms", root)[1]]


def form_of(write: Write, text: str = YEARS) -> Form:
    root = write({"years.v1.yaml": text})
    library, faults = load(root / "forms", root)
    assert [str(fault) for fault in faults] == []
    form = library.get("years")
    assert isinstance(form, Form)
    return form


def entries(*values: dict[str, Any], **around: Any) -> dict[str, Any]:
    rows = [{"id": f"e{number + 4}", "values": each} for number, each in enumerate(values)]
    return {"brief": False, **around, "years": {"entries": rows, "last": len(rows) + 4}}


def told(form: Form, values: dict[str, Any]) -> list[tuple[str, str]]:
    found = [problem for problem in form.check(values) if problem.key == "field.err.not_unique"]
    assert all(say(problem.key, language, **problem.params) for problem in found for language in LANGUAGES)
    return [(problem.path, say(problem.key, "en", **problem.params)) for problem in found]


def test_the_same_year_twice_is_told_at_the_second_entry_which_names_the_first(write: Write) -> None:
    found = told(form_of(write), entries({"year": "2024"}, {"year": "2025"}, {"year": "2024"}))

    words = "2024: there is such an entry already (No. 1). Correct or remove one of the two"
    assert found == [("years-e6-year", words)]


def test_one_who_saves_a_draft_is_told_the_same(write: Write) -> None:
    gaps = form_of(write).gaps(entries({"year": "2024"}, {"year": "2024"}))

    assert [gap.path for gap in gaps if gap.key == "field.err.not_unique"] == ["years-e5-year"]


@pytest.mark.parametrize(
    "values",
    [
        entries({"year": "2024"}, {"year": "2025"}),
        entries({}, {}),
        entries({"year": "2024"}, {"year": "2024"}, brief=True),
        entries({"year": ["2024"]}, {"year": ["2024"]}),
    ],
    ids=["different", "not answered", "hidden", "of another shape"],
)
def test_what_differs_or_is_not_asked_is_no_repetition(write: Write, values: dict[str, Any]) -> None:
    assert told(form_of(write), values) == []


def test_capitals_and_blanks_make_no_difference(write: Write) -> None:
    form = form_of(write, YEARS.replace("unique: year", "unique: name"))

    assert [path for path, _ in told(form, entries({"name": "Дархан  Холдинг"}, {"name": "дархан холдинг"}))] == [
        "years-e5-name"
    ]


def test_several_fields_may_not_be_the_same_together_and_parts_of_answers_count(write: Write) -> None:
    form = form_of(write, YEARS.replace("unique: year", "unique: chief.iin + year"))
    chief = {"family_name": "А", "given_name": "Б", "iin": "750314399993"}

    again = entries({"chief": chief, "year": "2025"}, {"chief": {**chief, "given_name": "Г"}, "year": "2025"})
    other_year = entries({"chief": chief, "year": "2025"}, {"chief": chief, "year": "2024"})
    [(path, words)] = told(form, again)

    assert path == "years-e5-chief-iin"
    assert words.startswith("750314399993, 2025: ")
    assert told(form, other_year) == []


@pytest.mark.parametrize(
    ("demand", "problem"),
    [
        ("nosuch", "group 'years' has no field 'nosuch'; known: year, name, charter, chief"),
        ("[year, charter]", "answers to 'charter' (file) cannot be told apart; name others: name, year"),
        ("chief", "answers to 'chief' (person) cannot be told apart; name others: name, year, chief.family_name"),
        ("chief.name", "field 'chief' has no part 'name'; its parts: family_name, given_name, iin"),
        ("Year", "unique.0: String should match pattern"),
    ],
)
def test_what_cannot_be_demanded_is_a_fault_of_the_file(write: Write, demand: str, problem: str) -> None:
    [fault] = faults_of(write, YEARS.replace("unique: year", f"unique: {demand}"))

    assert fault.startswith("forms/years.v1.yaml:12: sections.main.fields.years.unique")
    assert problem in fault


def test_examples_that_say_the_same_twice_are_a_fault_of_the_file(write: Write) -> None:
    [fault] = faults_of(write, YEARS.replace(', more_examples: ["2024"]', ""))

    assert "the examples do not hold together" in fault


def test_a_further_example_is_judged_like_the_first(write: Write) -> None:
    [fault] = faults_of(write, YEARS.replace('["2024"]', '["24"]'))

    assert "more_examples: field 'year': its example '24' is not valid; Enter the year with four digits" in fault


def test_a_year_kept_under_a_number_reads_and_shows_as_before(write: Write) -> None:
    number = form_of(write, YEARS.replace("type: year", 'type: number, decimals: 0, min: "1991", max: "2100"'))
    values = number.parse({"years-e5-year": "2 025"}, before=entries({}, {})).values

    form = form_of(write)

    [_, row] = values["years"]["entries"]
    assert form.check(values) == ()
    assert form.field("years-e5-year").text(row["values"]["year"], "ru") == "2025"
