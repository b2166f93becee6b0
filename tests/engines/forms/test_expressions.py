"""The expression language: what it finds for answers, and what it refuses before there are any."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from app.expressions.compiling import compile_expression
from app.expressions.language import Expression, ExpressionError
from app.forms import logic
from app.forms.parts import Field, Section

W = {"kk": "Өріс", "ru": "Поле", "en": "Field"}


def field(key: str, kind: str, **options: Any) -> Field:
    example = {} if kind in ("group", "computed", "note") else {"example": EXAMPLES.get(kind, "a")}
    return Field.model_validate({"key": key, "type": kind, "label": W, **example, **options})


EXAMPLES: dict[str, Any] = {
    "number": "1",
    "percent": "1",
    "money": "1",
    "date": "01.01.2026",
    "yes_no": "yes",
    "choice": "paid",
    "file": "a.pdf",
    "multilingual": {"kk": "а", "ru": "б", "en": "c"},
}
OPTIONS = {"options": {"paid": W, "free": W}}
FIELDS = (
    field("placed", "number"),
    field("declared", "number"),
    field("sum", "money"),
    field("dollars", "money", currency="USD"),
    field("fee", "computed", value="dollars * 2", **{"as": "money", "currency": "USD"}),
    field("kind", "choice", **OPTIONS),
    field("maker", "yes_no"),
    field("start", "date"),
    field("end", "date"),
    field("name", "multilingual"),
    field("charter", "file"),
    field(
        "rows",
        "group",
        fields=[
            field("price", "money").model_dump(by_alias=True, exclude_defaults=True),
            field("pieces", "number").model_dump(by_alias=True, exclude_defaults=True),
            field("ready", "yes_no").model_dump(by_alias=True, exclude_defaults=True),
            {
                "key": "papers",
                "type": "group",
                "label": W,
                "fields": [{"key": "pages", "type": "number", "label": W, "example": "1"}],
            },
        ],
    ),
    field("others", "group", fields=[{"key": "pieces", "type": "number", "label": W, "example": "1"}]),
)
SECTION = Section.model_validate({"key": "main", "title": W, "fields": FIELDS})


def entries(*values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "entries": [{"id": f"e{n}", "values": dict(each)} for n, each in enumerate(values, 1)],
        "last": len(values),
    }


def tenge(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "KZT"}


ANSWERS = {
    "placed": "100",
    "declared": "250.5",
    "sum": tenge("10.00"),
    "kind": "paid",
    "maker": False,
    "start": "2024-02-29",
    "end": "2026-02-28",
    "rows": entries(
        {
            "price": {"amount": "2.50", "currency": "KZT"},
            "pieces": "4",
            "ready": True,
            "papers": entries({"pages": "3"}),
        },
        {"pieces": "6", "ready": False, "papers": entries({"pages": "1"}, {})},
        {"price": tenge("1.00"), "pieces": "10"},
    ),
}


def compiled(text: str) -> Expression:
    fields = {asked.key: asked for asked in FIELDS}
    return compile_expression(text, lambda name: (0, fields[name]) if name in fields else None, fields)


def found(text: str, answers: Mapping[str, Any] = ANSWERS) -> Any:
    return compiled(text).read(logic.compile_form((SECTION,), ()).sheet(answers))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("placed + declared", Decimal("350.5")),
        ("declared - placed * 2", Decimal("50.5")),
        ("-placed / 8", Decimal("-12.5")),
        ("sum * 1.5", Decimal("15.000")),
        ("placed <= declared", True),
        ("0 < placed <= 99", False),
        ("kind == 'paid'", True),
        ("kind != 'paid'", False),
        ("kind in ('paid', 'free')", True),
        ("placed not in (1, 2)", True),
        ("not maker", True),
        ("maker or placed > 5 and kind == 'free'", False),
        ("start < '2024-03-01'", True),
        ("days(start, end)", Decimal(730)),
        ("days(start, '2024-03-01')", Decimal(1)),
        ("years(start, end)", Decimal(1)),
        ("years(end, start)", Decimal(-1)),
        ("round(declared)", Decimal(251)),
        ("round(declared / 3, 2)", Decimal("83.50")),
        ("min(placed, declared)", Decimal(100)),
        ("max(start, end)", "2026-02-28"),
        ("filled(name)", False),
        ("filled(rows) and filled(kind)", True),
        ("filled(others)", False),
        ("sum(rows.pieces)", Decimal(20)),
        ("sum(rows.price * rows.pieces)", Decimal("20.00")),
        ("sum(rows.pieces * placed)", Decimal(2000)),
        ("count(rows)", Decimal(3)),
        ("count(rows.price)", Decimal(2)),
        ("min(rows.pieces)", Decimal(4)),
        ("any(rows.ready)", True),
        ("all(rows.pieces > 3)", True),
        ("all(rows.ready)", False),
        ("all(filled(rows.price))", False),
        ("sum(rows.papers.pages)", Decimal(4)),
        ("count(rows.papers)", Decimal(3)),
        ("default(sum(others.pieces), 0) + placed", Decimal(100)),
    ],
)
def test_an_expression_finds(text: str, value: object) -> None:
    assert found(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("placed + declared", None),
        ("placed <= 5", None),
        ("kind != 'paid'", None),
        ("not maker", None),
        ("maker and placed > 5", None),
        ("sum(rows.pieces)", None),
        ("max(rows.pieces)", None),
        ("count(rows)", Decimal(0)),
        ("all(rows.ready)", True),
        ("any(rows.ready)", False),
        ("filled(placed) or maker", None),
        ("filled(placed)", False),
        ("default(placed, 3)", Decimal(3)),
    ],
)
def test_nothing_answered_is_carried(text: str, value: object) -> None:
    assert found(text, {}) is value if value is None else found(text, {}) == value


@pytest.mark.parametrize(
    "text",
    ["placed / 0", "placed / (placed - placed)", " * ".join(["999999999999999"] * 20), "0 / 0", "1 / 0 - 1 / 0"],
)
def test_what_has_no_value_is_nothing_and_never_a_crash(text: str) -> None:
    assert found(text) is None


@pytest.mark.parametrize(
    "answers",
    [
        {"placed": "x", "rows": {"entries": []}},
        {"placed": {"kk": "a"}, "declared": None, "kind": 5, "maker": "yes", "start": "soon", "sum": {}},
        {"dollars": tenge("5.00"), "sum": {"amount": "5.00", "currency": "USD"}},
        {"rows": entries({"price": "5", "papers": None}), "start": "2026-02-30", "sum": {"amount": "NaN"}},
    ],
)
def test_values_of_another_shape_are_nothing_and_never_a_crash(answers: dict[str, Any]) -> None:
    for text in (
        "placed + sum",
        "dollars",
        "sum(rows.price)",
        "days(start, end)",
        "maker",
        "kind == 'paid'",
        "count(rows.papers)",
    ):
        assert found(text, answers) in (None, Decimal(0), False)


@pytest.mark.parametrize(
    ("text", "problem", "mend"),
    [
        ("plased + 1", "'plased' is no field here", "did you mean 'placed'?"),
        ("kind == 'payd'", "'payd' is none of its options", "known: free, paid"),
        ("kind in ('paid', 'payd')", "none of its options", "known"),
        ("kind > 'paid'", "has no order", "== or !="),
        ("placed == 'paid'", "a number cannot be compared with a text", "one sort"),
        ("sum + dollars", "amounts in KZT and USD do not go together: sum + dollars", "a field that holds the rate"),
        ("sum - fee", "KZT and USD", "one currency"),
        ("dollars > sum", "KZT and USD do not go together: dollars, sum", "one currency"),
        ("max(sum, dollars)", "KZT and USD", "one currency"),
        ("default(dollars, sum)", "KZT and USD", "one currency"),
        ("sum(rows.price) + dollars", "KZT and USD", "one currency"),
        ("round(-dollars / 2, 0) + sum", "KZT and USD", "one currency"),
        ("placed + kind", "is a text, not a number", "name a number"),
        ("placed and maker", "is a number, not a yes or no", "compare it"),
        ("start < 'soon'", "is no date", "write it like"),
        ("start < '2026-2-1'", "is no date", "write it like"),
        ("name == 'a'", "only filled(...)", "one sort"),
        ("rows.prise > 1", "has no field 'prise'", "name one of its fields"),
        ("rows.pieces > 1", "a value for each entry", "sum, count"),
        ("sum(rows.pieces + others.pieces)", "different groups", "first"),
        ("sum(placed)", "is not called so", "sum(group.field)"),
        ("sum(rows.ready)", "is not of a yes or no", "sum(group.field)"),
        ("sum(rows)", "is not of a group", "sum"),
        ("placed.amount > 1", "has no part", "alone"),
        ("eval('1')", "'eval' is no field here", "known here"),
        ("placed.__class__ == 1", "has no part '__class__'", ""),
        ("placed ** 9", "unknown sign", "+ - * /"),
        ("placed % 2", "unknown sign", "+ - * /"),
        ("(lambda: 1)()", "no call", ""),
        ("[x for x in rows]", "not of this language", ""),
        ("f'{placed}' == 'a'", "not of this language", ""),
        ("placed if maker else 1", "not of this language", ""),
        ("(placed := 5) > 1", "not of this language", ""),
        ("1e999 > placed", "no number of this language", "15 digits"),
        ("0x1F > placed", "no number", ""),
        ("1_000 > placed", "no number", ""),
        ("1j == placed", "no number", ""),
        ("None == placed", "no number", ""),
        ("placed is 5", "'is' compares nothing", "=="),
        ("kind in 'paid'", "no list", ""),
        ("kind in (kind, 'paid')", "no literal", ""),
        ("round(placed, 9)", "not called so", "round(field, 2)"),
        ("round(placed, placed)", "not called so", ""),
        ("days(start)", "not called so", "days(from, to)"),
        ("filled()", "not called so", ""),
        ("sum(*rows)", "no call", ""),
        ("placed >", "cannot be read", "write it like"),
        ("", "cannot be read", ""),
        ("1if maker else 2", "cannot be read", ""),
        ("kind == 'a\\'", "backslash", ""),
        ("+".join(["placed"] * 200), "longer than", ""),
        ("-" * 100 + "placed", "nested too deep", ""),
        ("(" * 240 + "placed" + ")" * 240, "cannot be read", ""),
        ("\x00", "cannot be read", ""),
    ],
)
def test_what_is_not_of_the_language_is_refused_with_what_would_mend_it(text: str, problem: str, mend: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        found(text)

    assert problem in caught.value.problem
    assert mend in caught.value.mend


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("sum + 100", "KZT"),
        ("dollars * 2", "USD"),
        ("2 * dollars / 4", "USD"),
        ("sum(rows.price)", "KZT"),
        ("min(dollars, fee)", "USD"),
        ("dollars * placed", ""),
        ("dollars * placed + sum", "KZT"),
        ("sum / dollars", ""),
        ("count(rows.price)", ""),
    ],
)
def test_the_currency_of_an_amount_is_told_where_types_tell_it(text: str, unit: str) -> None:
    assert compiled(text).unit == unit


def test_a_computed_amount_in_another_currency_than_its_field_is_a_fault() -> None:
    fields = (*FIELDS, field("total", "computed", value="dollars + 1", **{"as": "money"}))
    section = Section.model_validate({"key": "main", "title": W, "fields": fields})

    [(_, problem, mend)] = logic.faults((section,), ())

    assert problem == "it is an amount in USD, and the field holds KZT"
    assert "currency: USD" in mend
