"""Tables of spreadsheets: cells found, headings matched, values read as Excel writes them in kk, ru and en."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Invalid
from app.forms import tabular
from app.forms.definitions import load
from app.forms.headings import columns, has_headings, match
from app.forms.parts import Field
from app.forms.tabular import decoded, guarded, read, split, unguarded, written

WORDS = {"kk": "Атауы", "ru": "Наименование", "en": "Name"}


def field(type_: str, example: object = "1", key: str = "x", **given: object) -> Field:
    """Return a field of a type."""
    label = given.pop("label", {language: f"{key} {language}" for language in WORDS})
    return Field(**{"key": key, "type": type_, "label": label, "example": example, **given})


def one(asked: Field, *cells: str) -> list[object]:
    """Return what the cells of one column are read as: a value, or the key of the fault."""
    rows = read([[cell] for cell in cells], [columns([asked])[0].key], columns([asked]))
    return [next(iter(row.faults.values())).key if row.faults else row.values.get(asked.key) for row in rows]


NUMBER, PERCENT = field("number", "1"), field("percent", "1")
MONEY, DATE = field("money", "1"), field("date", "01.02.2020")


@pytest.mark.parametrize(
    ("asked", "cells", "values"),
    [
        (NUMBER, ["1 234,5"], ["1234.5"]),
        (NUMBER, ["1\u00a0234,5", "1\u202f000"], ["1234.5", "1000"]),
        (NUMBER, ["1,234.5"], ["1234.5"]),
        (NUMBER, ["1.234,5"], ["1234.5"]),
        (NUMBER, ["1,234,567"], ["1234567"]),
        (NUMBER, ["1.234.567"], ["1234567"]),
        (NUMBER, ["1,234"], ["table.err.two_numbers"]),
        (NUMBER, ["1,234", "2,345.5"], ["1234", "2345.5"]),  # the column tells: English
        (NUMBER, ["1,234", "2,5"], ["1.234", "2.5"]),  # the column tells: Kazakh or Russian
        (NUMBER, ["0,125", "1.5"], ["0.125", "1.5"]),
        (NUMBER, ["(5,5)", "−3"], ["-5.5", "-3"]),
        (NUMBER, ["12,34,5"], ["field.err.number"]),
        (NUMBER, ["1e5"], ["table.err.shortened"]),
        (NUMBER, ["#N/A", "#ССЫЛКА!"], ["table.err.formula", "table.err.formula"]),
        (field("number", "1", decimals=0), ["1,234"], ["1234"]),
        (PERCENT, ["12,5%", "40 %", "7.25"], ["12.5", "40", "7.25"]),
        (MONEY, ["1,234"], [{"amount": "1234.00", "currency": "KZT"}]),
        (MONEY, ["1 000 000,50 ₸"], [{"amount": "1000000.50", "currency": "KZT"}]),
        (MONEY, ["KZT 5"], [{"amount": "5.00", "currency": "KZT"}]),
        (DATE, ["05.10.2026", "5.1.2026", "2026-10-05"], ["2026-10-05", "2026-01-05", "2026-10-05"]),
        (DATE, ["2026/10/05", "05.10.2026 0:00:00", "05.10.2026 г."], ["2026-10-05"] * 3),
        (DATE, ["10/05/2026"], ["table.err.two_dates"]),
        (DATE, ["10/05/2026", "10/25/2026"], ["2026-10-05", "2026-10-25"]),
        (DATE, ["10/05/2026", "25/10/2026"], ["2026-05-10", "2026-10-25"]),
        (DATE, ["05/05/2026"], ["2026-05-05"]),
        (DATE, ["05.10.26", "1/2/26"], ["table.err.short_year"] * 2),
        (DATE, ["31.02.2026"], ["field.err.no_such_day"]),
        (
            field("yes_no", "yes"),
            ["Иә", "нет", "TRUE", "ЛОЖЬ", "1", "бәлкім"],
            [True, False, True, False, True, "field.err.yes_no"],
        ),
        (field("bin", "040240002347"), ["40240002347", "040240002347"], ["040240002347"] * 2),
        (field("iin", "900101300017"), ["9.00101E+11"], ["table.err.shortened"]),
        (field("text", "a"), ["'=1+1", "=1+1"], ["=1+1", "=1+1"]),
    ],
)
def test_cells_are_read_as_spreadsheets_write_them_and_never_guessed_at(asked, cells, values):
    assert one(asked, *cells) == values


KIND = field(
    "choice",
    "fund",
    options={
        "fund": {"kk": "Қор", "ru": "Фонд", "en": "Fund"},
        "founder": {"kk": "Құрылтайшы", "ru": "Учредитель", "en": "Founder"},
    },
)


def test_an_option_is_named_by_its_key_or_its_label_in_any_language():
    assert one(KIND, "fund", "ҚОР", " учредитель ", "Founder", "other") == [
        "fund", "fund", "founder", "founder", "table.err.no_option"
    ]  # fmt: skip


def test_two_options_of_one_label_are_asked_about():
    same = {"kk": "Өзге", "ru": "Иное", "en": "Other"}
    assert one(field("choice", "a", options={"a": same, "b": same}), "Иное", "b") == ["table.err.two_options", "b"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a\tb\n1\t2\n", [["a", "b"], ["1", "2"]]),
        ("a;b\r\n1,5;2\r\n", [["a", "b"], ["1,5", "2"]]),
        ('"a\nb"\t"say ""x"""\n', [["a\nb", 'say "x"']]),
        ("sep=;\na;b\n", [["a", "b"]]),
        ("\ufeffa\tb", [["a", "b"]]),
        ("\n\na\tb\n\n", [["a", "b"]]),
    ],
)
def test_the_sign_between_cells_is_found(text, lines):
    assert split(text) == lines


def test_a_comma_in_pasted_words_is_a_part_of_them_unless_it_stands_between_headings():
    known = columns([field("text", "a", "name", label=WORDS), field("number", "1", "sum")])

    assert split("Ақ, Қара\nКөк", known, pasted=True) == [["Ақ, Қара"], ["Көк"]]
    assert split("Атауы,sum\nКөк,1", known, pasted=True) == [["Атауы", "sum"], ["Көк", "1"]]


def test_headings_are_matched_by_key_and_label_in_any_language_and_no_column_twice():
    many = field("multilingual", {"kk": "а", "ru": "б", "en": "c"}, "name", label=WORDS)
    known = columns([many, field("money", "1", "sum", label={"kk": "Сома", "ru": "Сумма", "en": "Sum"})])

    assert match(["name-ru", "СУММА (KZT)", "Атауы (қазақ тілі)", "басқа"], known) == ["name-ru", "sum", "name-kk", ""]
    assert match(["Сома", "Сумма"], known) == ["sum", ""]


@pytest.mark.parametrize("content", [b"\x98\x98", b"a;b\0"])
def test_what_is_no_text_is_refused(content):
    with pytest.raises(Invalid):
        decoded(content)


@given(st.text())
def test_guarded_words_come_back_and_begin_no_formula(words):
    safe = guarded(words)

    assert unguarded(safe) == words or (words[:1] == "'" and len(words) > 1)
    assert not safe.startswith(("=", "@", "\t", "\r"))


ROOT = Path(__file__).resolve().parents[3]
FORMS = [form for form in load(ROOT / "forms", ROOT)[0].all() if hasattr(form, "sections")]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
@pytest.mark.parametrize("language", ["kk", "ru", "en"])
@pytest.mark.parametrize("sign", [";", "\t", ","])
def test_every_shipped_field_goes_out_as_csv_and_comes_back_with_the_same_value(form, language, sign):
    known = columns(form.fields)
    values = {key: value for key, value in form.example().items() if key in {c.field.key for c in known}}
    choices = {asked.source: [(values[asked.key], "Бір адам")] for asked in form.fields if asked.source}

    text = written([values], known, language, sign=sign, choices=choices)

    if known:
        lines = split(text, known)
        [row] = read(lines, match(lines[0], known), known, skip=1, choices=choices)
        assert (row.values, row.faults) == (values, {})


WORDS_TYPED = st.text(
    st.characters(exclude_categories=("C", "Z")) | st.sampled_from(" '=+-@;,\t\"|"), min_size=1, max_size=30
)
VALUES = {
    "text": (field("text", "a"), WORDS_TYPED),
    "long_text": (field("long_text", "a"), st.text(st.sampled_from("аә=\n;'\" -"), min_size=1)),
    "number": (NUMBER, st.decimals(-(10**12), 10**12, places=6).map(lambda n: f"{n:f}")),
    "money": (MONEY, st.decimals(0, 10**15, places=2).map(lambda n: f"{n:f}")),
    "percent": (PERCENT, st.decimals(0, 100, places=4).map(lambda n: f"{n:f}")),
    "date": (DATE, st.dates().filter(lambda day: 1900 <= day.year <= 2100).map(lambda day: day.isoformat())),
    "yes_no": (field("yes_no", "yes"), st.sampled_from(["yes", "no"])),
    "choice": (KIND, st.sampled_from(["fund", "founder"])),
}


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
@pytest.mark.parametrize("amount", ["1.234", "-12.345", "0.123", "1234.567", "1000"])
def test_a_number_that_could_be_read_in_two_ways_is_written_so_that_it_cannot(amount, language):
    known = columns([NUMBER])

    lines = split(written([{"x": amount}], known, language), known)

    assert [row.values for row in read(lines, ["x"], known, skip=1)] == [{"x": amount}]


@pytest.mark.parametrize("kind", VALUES)
@given(data=st.data(), language=st.sampled_from(["kk", "ru", "en"]))
def test_any_value_goes_out_as_csv_and_comes_back_the_same(kind, data, language):
    asked, typed = VALUES[kind]
    kept = []
    for words in data.draw(st.lists(typed, min_size=1, max_size=5)):
        try:
            value = asked.kind.parse(words, asked)
        except tabular.FieldError:
            continue
        if value is not None:
            kept.append({asked.key: value})
    known = columns([asked])

    lines = split(written(kept, known, language), known)

    rows = read(lines, match(lines[0], known), known, skip=1)
    assert [row.values for row in rows] == kept


HEADED = columns(
    [
        field("text", "a", key="name", label={"kk": "Атауы", "ru": "Наименование (полное)", "en": "Name"}),
        field("bin", "240640000109", key="holder_bin", label={"kk": "БСН (резидент үшін)", "ru": "БИН", "en": "BIN"}),
        field("iin", "750314399993", key="head_iin", label={"kk": "Басшы", "ru": "Руководитель", "en": "Head"}),
        field("number", key="count", label={"kk": "Есепке алынған саны", "ru": "Учтённое количество", "en": "Counted"}),
        field("money", key="sum", label={"kk": "Сомасы, теңге", "ru": "Сумма", "en": "Amount"}),
    ]
)


@pytest.mark.parametrize(
    ("heading", "key"),
    [
        ("НАИМЕНОВАНИЕ", "name"),
        ("Name:", "name"),
        ("Holder BIN", "holder_bin"),
        ("БИН/БСН", "holder_bin"),
        ("БИН участника", "holder_bin"),
        ("бсн", "holder_bin"),
        ("ИИН", "head_iin"),
        ("ЖСН", "head_iin"),
        ("Учтенное количество", "count"),
        ("Учтённое кол-во, шт", "count"),
        ("Учтенное количество, шт.", "count"),
        ("Сумма (тыс. тенге) [1]", "sum"),
        ("Сомасы", "sum"),
        ("Есепке алынған", "count"),
        ("Ест", ""),
        ("Примечание", ""),
        ("", ""),
        ("()", ""),
    ],
)
def test_a_heading_is_known_by_label_key_abbreviation_and_without_its_unit(heading: str, key: str) -> None:
    assert match([heading], HEADED) == [key]


@pytest.mark.parametrize(
    ("line", "is_headed"),
    [
        (["Наименование", "Примечание", "Прочее"], True),  # one is known, and none holds a digit
        (["Примечание", "Прочее"], False),
        (["Наименование", "Примечание 2", "Прочее"], False),
        (["«Дархан» ЖШС", "240640000109", "100"], False),
    ],
)
def test_a_line_of_words_with_a_known_one_is_a_line_of_headings(line: list[str], is_headed: bool) -> None:
    assert has_headings(line, HEADED) is is_headed


def test_the_label_itself_comes_before_what_only_resembles_it() -> None:
    assert match(["БИН банка", "БИН"], HEADED) == ["", "holder_bin"]


def test_an_abbreviation_of_two_columns_means_none_of_them() -> None:
    two = columns([field("bin", "240640000109", key="owner"), field("bin", "240640000109", key="bank")])

    assert match(["БИН", "bank ru"], two) == ["owner", "bank"]
    assert match(["БИН"], two) == [""]
