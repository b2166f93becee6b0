"""XLSX files of others are read within bounds and refused when they are hostile; what is written holds no formula."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal

import openpyxl
import pytest

from app import spreadsheets
from app.errors import Invalid
from app.spreadsheets import Cell, Sheet

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def book(**cells: object) -> bytes:
    """Return a workbook with these cells."""
    made = openpyxl.Workbook()
    for place, value in cells.items():
        made.active[place] = value
    written = io.BytesIO()
    made.save(written)
    return written.getvalue()


def altered(content: bytes, **parts: bytes) -> bytes:
    """Return a workbook with parts put in or replaced; ``sheet`` is the first sheet."""
    names = {"sheet": "xl/worksheets/sheet1.xml", "strings": "xl/sharedStrings.xml", "extra": "xl/extra.xml"}
    changed = {names[key]: value for key, value in parts.items()}
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            if part not in changed:
                new.writestr(part, old.read(part))
        for name, value in changed.items():
            new.writestr(name, value)
    return out.getvalue()


def test_cells_are_read_as_words():
    content = book(
        A1="Аты",
        B1=date(2026, 10, 5),
        C1=0.1 + 0.2,
        D1=True,
        E1=1234567890123,
        A2=datetime(2026, 1, 2, 10, 30),
        B2=1e21,
    )

    [table] = spreadsheets.read(content)

    assert table.lines == [
        ["Аты", "05.10.2026", "0.3", "true", "1234567890123"],
        ["02.01.2026 10:30", "1000000000000000000000"],
    ]


def test_a_formula_counts_by_the_value_that_was_stored_with_it():
    xml = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">'
        b'<c r="A1"><f>1+1</f><v>2</v></c><c r="B1"><f>WEBSERVICE("http://x.example")</f></c></row></sheetData></worksheet>'
    )

    assert spreadsheets.read(altered(book(A1="x"), sheet=xml))[0].lines == [["2"]]


BILLION = b"""<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">
<c r="A1" t="inlineStr"><is><t>&b;</t></is></c></row></sheetData></worksheet>"""

OUTSIDE = BILLION.replace(b'"aaaaaaaaaa"', b'SYSTEM "file:///etc/passwd"')


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK",
        b"PK\x03\x04" + b"\0" * 100,
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 1000,
        b"x" * (spreadsheets.LARGEST_FILE + 1),
        altered(book(A1="x"), sheet=BILLION),
        altered(book(A1="x"), sheet=OUTSIDE),
        altered(book(A1="x"), sheet=BILLION.decode().encode("utf-16")),
        altered(book(A1="x"), sheet=BILLION.replace(b'version="1.0"', b'version="1.0" encoding="utf-7"')),
        altered(book(A1="x"), sheet=b"<worksheet"),
        altered(book(A1="x"), extra=b"0" * (spreadsheets.LARGEST_UNPACKED + 1)),
        book(A1="x")[:-200],
    ],
    ids=[
        "nothing",
        "two letters",
        "a torn head",
        "an old workbook",
        "too large",
        "a billion laughs",
        "a file of the machine",
        "laughs in UTF-16",
        "laughs in UTF-7",
        "a torn sheet",
        "too large when unpacked",
        "a torn end",
    ],
)
def test_a_file_that_no_honest_program_has_written_is_refused(content):
    with pytest.raises(Invalid):
        spreadsheets.read(content)


def test_a_part_that_stands_twice_is_refused():
    out = io.BytesIO(book(A1="x"))
    with zipfile.ZipFile(out, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("xl/worksheets/sheet1.xml", "<worksheet/>")

    with pytest.raises(Invalid):
        spreadsheets.read(out.getvalue())


def test_a_cell_far_away_costs_no_more_than_the_lines_that_are_looked_at():
    xml = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
        b"</sheetData></worksheet>"
    )

    [table] = spreadsheets.read(altered(book(A1="x"), sheet=xml))

    assert table.lines == [["1"]]


@pytest.mark.parametrize("words", ["=1+1", "+7 (727) 237", "-1", "@SUM(A1)", "\t=1", "plain", "тек сөз"])
def test_words_that_are_written_stay_words(words):
    content = spreadsheets.write([Sheet("A", [[Cell(words)]])], title="t", now=NOW)

    cell = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]["A1"]

    assert (cell.data_type, str(cell.value).strip()) == ("s", words.strip())
    assert bool(cell.quotePrefix) is words.startswith(("=", "+", "-", "@", "\t"))


def test_values_keep_their_types_and_no_digit_is_lost():
    cells = [Cell(Decimal("1234.50")), Cell(Decimal("123456789012345678.12")), Cell(date(2026, 10, 5)), Cell(None)]
    content = spreadsheets.write([Sheet("A", [cells])], title="t", now=NOW)

    row = next(openpyxl.load_workbook(io.BytesIO(content)).worksheets[0].iter_rows(values_only=True))

    assert row[:2] == (1234.5, "123456789012345678.12")
    assert row[2].date() == date(2026, 10, 5)


def test_names_of_sheets_are_shortened_and_never_twice():
    names = ["Эмитент туралы мәліметтер: [негізгі]/қосымша", "Эмитент туралы мәліметтер: [негізгі]/басқа", "", "a", "A"]
    content = spreadsheets.write([Sheet(name) for name in names], title="t", now=NOW)

    found = openpyxl.load_workbook(io.BytesIO(content)).sheetnames

    assert len({name.casefold() for name in found}) == len(names)
    assert all(0 < len(name) <= 31 for name in found)


def test_a_year_is_a_number_that_is_never_grouped() -> None:
    content = spreadsheets.write([Sheet("a", [[Cell(Decimal(2025), "year"), Cell(Decimal(2025))]])], title="a", now=NOW)

    year, amount = openpyxl.load_workbook(io.BytesIO(content)).active[1]

    assert (year.value, year.number_format) == (2025, "0")
    assert (amount.value, amount.number_format) == (2025, "#,##0")
