"""Answers of several parts: addresses, people, bank details, ratings, periods, shares of a whole."""

from __future__ import annotations

from typing import Any

import pytest
from form_files import WORDS, Write
from pydantic import ValidationError

from app.forms.definitions import Form, load
from app.forms.outline import typed_texts
from app.forms.parts import Field
from app.forms.regions import REGIONS
from app.terms import LANGUAGES, say

W = {"kk": "Өріс", "ru": "Поле", "en": "Field"}

ADDRESS = {
    "region": "75",
    "kato": "751110000",
    "locality": "Алматы",
    "street": "Байзақов к-сі, 280",
    "postcode": "050000",
}
PERSON = {
    "family_name": "Ахметова",
    "given_name": "Айгүл",
    "patronymic": "Серікқызы",
    "iin": "061211600012",
    "birth_date": "11.12.2006",
    "citizenship": "kazakhstan",
}
BANK = {"bank": "«Банк» АҚ", "bic": "kzko kz kx", "iban": "KZ86 125K ZT50 0410 0100", "kbe": "17"}
RATING = {"agency": "fitch", "scale": "international", "grade": "BBB-", "outlook": "stable", "date": "01.10.2026"}
PERIOD = {"amount": "3", "unit": "years"}

EXAMPLES = {"address": ADDRESS, "person": PERSON, "bank_details": BANK, "rating": RATING, "duration": PERIOD}


def asked(kind: str, **options: Any) -> Field:
    return Field.model_validate({"key": "f", "type": kind, "label": W, "example": EXAMPLES[kind], **options})


def told(field: Field, value: Any) -> list[tuple[str, str]]:
    problems = field.problems(value)
    for problem in problems:
        for language in LANGUAGES:
            assert say(problem.key, language, **problem.params)
    return [(problem.path, problem.key) for problem in problems]


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("address", "050000, город Алматы, Алматы, Байзақов к-сі, 280, КАТО 751110000"),
        (
            "person",
            "Ахметова Айгүл Серікқызы, ИИН 061211600012, дата рождения 11.12.2006, Республика Казахстан",
        ),
        ("bank_details", "«Банк» АҚ, БИК KZKOKZKX, ИИК KZ86125KZT5004100100, КБе 17"),
        ("rating", "Fitch Ratings BBB-, международная шкала, прогноз стабильный, 01.10.2026"),
        ("duration", "3\xa0года"),
    ],
)
def test_an_answer_of_parts_is_read_judged_shown_and_typed_again(kind: str, shown: str) -> None:
    field = asked(kind)
    value = field.example_value()

    assert told(field, value) == []
    assert field.text(value, "ru") == shown
    assert field.kind.parse({part: field.entry(value, part) for part in field.parts}, field) == value
    assert all(isinstance(part, str) for part in value.values())
    assert field.paths("x") == tuple(f"x-f-{part}" for part in field.parts)


def test_every_part_and_option_has_its_words() -> None:
    for kind in EXAMPLES:
        for part in asked(kind).subfields.values():
            assert all(part.label[language] for language in LANGUAGES)
            for words in (part.options or {}).values():
                assert all(words[language] for language in LANGUAGES)


@pytest.mark.parametrize(
    ("kind", "change", "path", "key"),
    [
        ("address", {"kato": "711110000"}, "f-kato", "field.err.kato_region"),
        ("address", {"kato": "75111"}, "f-kato", "field.err.kato"),
        ("address", {"kato": "991110000"}, "f-kato", "field.err.kato_unknown"),
        ("address", {"region": "abroad"}, "f-kato", "field.err.kato_abroad"),
        ("address", {"region": "99"}, "f-region", "field.err.choice"),
        ("address", {"postcode": "5000"}, "f-postcode", "field.err.postcode"),
        ("address", {"street": None}, "f-street", "err.required"),
        ("person", {"iin": "061211600013"}, "f-iin", "field.err.iin_check"),
        ("person", {"birth_date": "2006-12-12"}, "f-birth_date", "field.err.person_birth"),
        ("person", {"iin": None}, "f-iin", "field.err.person_iin"),
        ("person", {"family_name": None}, "f-family_name", "err.required"),
        ("bank_details", {"iban": "KZ86125KZT5004100101"}, "f-iban", "field.err.iban_check"),
        ("bank_details", {"bic": "DEUTDEFF"}, "f-bic", "field.err.bic_country"),
        ("bank_details", {"bic": "KZKO"}, "f-bic", "field.err.bic"),
        ("bank_details", {"kbe": "30"}, "f-kbe", "field.err.kbe"),
        ("rating", {"grade": "Baa3"}, "f-grade", "field.err.grade"),
        ("rating", {"agency": "moodys"}, "f-grade", "field.err.grade"),
        ("rating", {"scale": "national"}, "f-grade", "field.err.grade"),
        ("rating", {"agency": "moody"}, "f-agency", "field.err.choice"),
        ("duration", {"amount": "0"}, "f-amount", "field.err.duration"),
        ("duration", {"unit": "weeks"}, "f-unit", "field.err.choice"),
        ("duration", {"unit": None}, "f-unit", "err.required"),
    ],
)
def test_a_wrong_part_is_told_at_its_own_input(kind: str, change: dict[str, Any], path: str, key: str) -> None:
    field = asked(kind)
    value = {part: held for part, held in {**field.example_value(), **change}.items() if held is not None}

    assert told(field, value) == [(path, key)]


@pytest.mark.parametrize(
    ("agency", "scale", "grade"),
    [
        ("sp", "national", "kzAA+"),
        ("moodys", "international", "Baa3"),
        ("moodys", "national", "A1.kz"),
        ("fitch", "national", "AA-(kaz)"),
        ("other", "national", "ruA+"),
    ],
)
def test_grades_are_written_as_the_agency_writes_them(agency: str, scale: str, grade: str) -> None:
    value = {"agency": agency, "scale": scale, "grade": grade, "date": "2026-10-01"}

    assert told(asked("rating"), value) == []


def test_a_required_answer_asks_for_the_parts_that_it_must_have() -> None:
    field = asked("bank_details", required=True)

    assert [path for path, _ in told(field, None)] == ["f-bank", "f-bic", "f-iban"]
    problem = field.problems({"bank": "A"})[0]
    assert say("field.problem", "en", problem=say(problem.key, "en"), **problem.params).startswith("Field: BIC: ")


def test_a_form_may_ask_for_some_of_the_parts() -> None:
    field = asked("person", ask_for=["family_name", "given_name"], example={"family_name": "А", "given_name": "Б"})

    assert field.parts == ("family_name", "given_name")
    assert told(field, {"family_name": "А", "given_name": "Б", "iin": "1"}) == [("f", "err.format")]
    with pytest.raises(ValidationError, match="is no part"):
        asked("person", ask_for=["family_name", "shoe_size"])


def test_a_part_that_cannot_be_read_is_told_at_its_input() -> None:
    field = asked("rating")

    with pytest.raises(Exception) as caught:
        field.kind.parse({**RATING, "date": "кеше"}, field)

    assert caught.value.part == "date"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("amount", "unit", "words"),
    [
        ("1", "years", ("1\xa0жыл", "1\xa0год", "1\xa0year")),
        ("2", "months", ("2\xa0ай", "2\xa0месяца", "2\xa0months")),
        ("11", "days", ("11\xa0күн", "11\xa0дней", "11\xa0days")),
        ("21", "years", ("21\xa0жыл", "21\xa0год", "21\xa0years")),
        ("25", "years", ("25\xa0жыл", "25\xa0лет", "25\xa0years")),
    ],
)
def test_a_period_is_said_as_people_say_it(amount: str, unit: str, words: tuple[str, ...]) -> None:
    said = tuple(asked("duration").text({"amount": amount, "unit": unit}, language) for language in LANGUAGES)

    assert said == words


def test_a_period_of_one_unit_needs_no_choice_and_a_unit_alone_is_no_answer() -> None:
    field = asked("duration", units=["months"], example={"amount": "5"})

    assert field.kind.parse({"amount": "5", "unit": ""}, field) == {"amount": "5", "unit": "months"}
    assert field.kind.parse({"amount": "", "unit": "months"}, field) is None
    assert list(field.subfields["unit"].options or ()) == ["months"]
    assert told(field, {"amount": "5", "unit": "years"}) == [("f-unit", "field.err.choice")]


def test_the_regions_are_those_of_the_classifier() -> None:
    assert len(REGIONS) == 20
    assert {"10", "33", "62"} <= REGIONS.keys()


HOLDERS = f"""\
form: holders
version: 1
title: {WORDS}
sections:
  - key: main
    title: {WORDS}
    fields:
      - {{key: seat, type: address, label: {WORDS}, example: {{region: "71", locality: Астана, street: а}}}}
      - {{key: term, type: duration, label: {WORDS}, example: {{amount: "18", unit: months}}}}
      - {{key: long, type: computed, value: "years(term)", label: {WORDS}}}
      - {{key: in_capital, type: computed, value: "seat.region == '71'", as: yes_no, label: {WORDS}}}
      - key: holders
        type: group
        layout: table
        label: {WORDS}
        fields:
          - {{key: who, type: text, label: {WORDS}, example: А}}
          - {{key: part, type: percent_of_total, total: exact, label: {WORDS}, example: "100"}}
"""


@pytest.fixture
def holders(write: Write) -> Form:
    library, faults = load((root := write({"holders.v1.yaml": HOLDERS})) / "forms", root)
    assert [str(fault) for fault in faults] == []
    found = library.get("holders")
    assert isinstance(found, Form)
    return found


def shares(*parts: str | None) -> dict[str, Any]:
    entries = [{"id": f"e{n}", "values": {"part": part} if part else {}} for n, part in enumerate(parts, 1)]
    return {"holders": {"entries": entries, "last": len(parts)}}


@pytest.mark.parametrize(
    ("parts", "is_told"),
    [
        ((), False),
        (("100",), False),
        (("33.33", "66.67"), False),
        (("33.33", "66.66"), True),
        (("60", "41"), True),
        (("60", None), False),
        (("60", "50", None), True),
    ],
)
def test_shares_of_a_whole_come_to_a_hundred(parts: tuple[str | None, ...], is_told: bool, holders: Form) -> None:
    problems = holders.check(shares(*parts))

    assert [(problem.path, problem.key) for problem in problems] == [("holders", "field.err.total_exact")] * is_told


def test_expressions_reckon_with_parts_and_periods(holders: Form) -> None:
    example = holders.example()

    assert example["long"] == "1.5"
    assert example["in_capital"] is True
    assert holders.parse(typed_texts(holders.outline(example)), before=example).values == example


def test_a_share_of_a_whole_stands_in_a_group(write: Write) -> None:
    old = f'- {{key: term, type: duration, label: {WORDS}, example: {{amount: "18", unit: months}}}}'
    new = f'- {{key: term, type: percent_of_total, label: {WORDS}, example: "18"}}'
    root = write({"holders.v1.yaml": HOLDERS.replace(old, new)})

    faults = [str(fault) for fault in load(root / "forms", root)[1]]

    assert any("stands in no group" in fault for fault in faults), faults
