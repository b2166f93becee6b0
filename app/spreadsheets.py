"""Spreadsheets in and out; the one file that knows openpyxl.

What comes in is somebody's file: its ZIP is looked at before anything of it is read, XML with a
document type (where bombs and outside entities live) is refused, formulas count by the value that was
stored with them, links to other files are never followed, macros never run.  What goes out holds no
formula at all, so that an answer beginning with "=" stays words.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import Cell as OpenpyxlCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from app.errors import Invalid

LARGEST_FILE = 2 * 1024 * 1024
LARGEST_UNPACKED = 24 * 1024 * 1024
MOST_PARTS = 500
MOST_LINES = 5000
"""Lines of a sheet that are looked at; what is read may hold far fewer."""
MOST_COLUMNS = 100
LONGEST_CELL = 32_767
"""Characters that a cell of this kind of file can hold."""

_OLD_OR_LOCKED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_DOCUMENT_TYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_NOT_IN_A_NAME = re.compile(r"[\[\]:*?/\\']")
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Value = str | Decimal | date | bool | None


@dataclass(frozen=True)
class Table:
    """A sheet as read: its name, and the words of its cells line by line."""

    name: str
    lines: list[list[str]]


def read(content: bytes) -> list[Table]:
    """Return the sheets of an XLSX file that hold anything.

    Cells are words: a date is "05.10.2026", a number has a point before its decimals, a percentage
    its sign; what a formula came to stands for the formula.

    Raises:
        Invalid: it is no such file, or one that no honest program has written.
    """
    _look_at(content)
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        try:
            sheets = (sheet for sheet in book.worksheets if sheet.sheet_state == "visible")
            tables = [Table(sheet.title, _lines(sheet)) for sheet in sheets]
        finally:
            book.close()
    except Exception as error:
        raise Invalid.at("file", "table.err.unreadable") from error
    return [table for table in tables if table.lines]


def _look_at(content: bytes) -> None:
    """Refuse what is no XLSX file, and what would grow beyond bounds."""
    if len(content) > LARGEST_FILE:
        raise Invalid.at("file", "table.err.size", max=LARGEST_FILE // 1024 // 1024)
    if content.startswith(_OLD_OR_LOCKED):
        raise Invalid.at("file", "table.err.old_or_locked")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > LARGEST_UNPACKED:
                raise Invalid.at("file", "table.err.too_much")
            if any(part.flag_bits & 1 for part in parts):
                raise Invalid.at("file", "table.err.old_or_locked")
            if len({part.filename for part in parts}) != len(parts):
                raise Invalid.at("file", "table.err.unreadable")
            for part in parts:
                _look_at_part(part.filename.lower(), archive.read(part))
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError, RuntimeError) as error:
        raise Invalid.at("file", "table.err.unreadable") from error
    except Exception as error:
        if isinstance(error, Invalid):
            raise
        raise Invalid.at("file", "table.err.unreadable") from error  # zlib's own error has no public base


def _look_at_part(name: str, content: bytes) -> None:
    """Refuse a document type, also in an encoding in which it would not be seen."""
    is_plain = True
    if name.endswith((".xml", ".rels", ".vml")):
        encoding = _ENCODING.match(content.removeprefix(b"\xef\xbb\xbf"))
        is_plain = b"\0" not in content[:200] and (encoding is None or encoding[1].lower() in (b"utf-8", b"us-ascii"))
    if not is_plain or _DOCUMENT_TYPE.search(content):
        raise Invalid.at("file", "table.err.unreadable")


def _lines(sheet: object) -> list[list[str]]:
    lines: list[list[str]] = []
    for number, row in enumerate(sheet.iter_rows(max_col=MOST_COLUMNS), start=1):  # type: ignore[attr-defined]
        if number > MOST_LINES:
            break
        line = [_words(cell.value, getattr(cell, "number_format", "")) for cell in row]
        while line and not line[-1]:
            line.pop()
        lines.append(line)
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _words(value: object, number_format: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        amount = Decimal(f"{value:.15g}") if isinstance(value, float) else Decimal(value)
        if "%" in (number_format or ""):
            return f"{_plain(amount * 100)}%"
        return _plain(amount)
    if isinstance(value, datetime):
        return value.strftime("%d.%m.%Y") if value.time() == time() else value.strftime("%d.%m.%Y %H:%M")
    if isinstance(value, date):
        return value.strftime("%d.%m.%Y")
    return str(value)


def _plain(amount: Decimal) -> str:
    if not amount.is_finite():
        return str(amount)
    words = f"{amount:f}"
    return words.rstrip("0").rstrip(".") if "." in words else words


@dataclass(frozen=True)
class Cell:
    """One cell to be written; ``style`` is "", "title", "head", "quiet", or "year" for a number never grouped."""

    value: Value = None
    style: str = ""


@dataclass
class Sheet:
    """One sheet to be written; ``frozen`` lines stay at the top."""

    name: str
    lines: list[list[Cell]] = field(default_factory=list)
    widths: Sequence[int] = ()
    frozen: int = 0


_FONTS = {"title": Font(bold=True, size=13), "head": Font(bold=True), "quiet": Font(color="00666666")}
_HEAD_FILL = PatternFill("solid", fgColor="00E8EEF4")
_WRAPPED = Alignment(wrap_text=True, vertical="top")


def write(sheets: Iterable[Sheet], *, title: str, now: datetime) -> bytes:
    """Return an XLSX file of the sheets; words are words, whatever they begin with."""
    book = Workbook(write_only=True)
    book.properties.title, book.properties.creator = title, "Kezen"
    book.properties.created = book.properties.modified = now.replace(tzinfo=None, microsecond=0)
    taken: set[str] = set()
    for sheet in sheets:
        page = book.create_sheet(_name(sheet.name, taken))
        for number, width in enumerate(sheet.widths, start=1):
            page.column_dimensions[get_column_letter(number)].width = width
        if sheet.frozen:
            page.freeze_panes = f"A{sheet.frozen + 1}"
        for line in sheet.lines:
            page.append([_cell(page, cell) for cell in line])
    if not book.worksheets:
        book.create_sheet(_name(title, taken))
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def as_csv(lines: Iterable[Sequence[str]]) -> bytes:
    """Return lines of words as CSV in UTF-8 (with its mark, so that spreadsheets read it so).

    A cell that a spreadsheet would take for a formula is led by an apostrophe.
    """
    made = io.StringIO()
    csv.writer(made).writerows([_plain_words(words) for words in line] for line in lines)
    return made.getvalue().encode("utf-8-sig")


def _plain_words(words: str) -> str:
    return f"'{words}" if words.startswith(_BEGINS_A_FORMULA) else words


def _name(wanted: str, taken: set[str]) -> str:
    """Return a name that a sheet may have: at most 31 signs, none twice."""
    plain = _NOT_IN_A_NAME.sub(" ", wanted).strip() or "1"
    name, number = plain[:31].rstrip(), 1
    while name.casefold() in taken:
        number += 1
        tail = f" {number}"
        name = f"{plain[: 31 - len(tail)].rstrip()}{tail}"
    taken.add(name.casefold())
    return name


def _cell(page: object, cell: Cell) -> OpenpyxlCell:
    value = cell.value
    if isinstance(value, Decimal) and len(value.as_tuple().digits) > 15:
        value = f"{value:f}"  # a spreadsheet keeps 15 digits and would round the rest
    if isinstance(value, str):
        value = _UNSEEN.sub("", value)
        if len(value) > LONGEST_CELL:
            value = f"{value[: LONGEST_CELL - 1]}…"
    written = WriteOnlyCell(page, value=value)  # type: ignore[arg-type]
    if isinstance(value, str):
        written.data_type = "s"
        written.quotePrefix = value.startswith(_BEGINS_A_FORMULA)
        written.alignment = _WRAPPED
    elif isinstance(value, date):
        written.number_format = "DD.MM.YYYY"
    elif isinstance(value, Decimal) and cell.style == "year":
        written.number_format = "0"
    elif isinstance(value, Decimal):
        written.number_format = "#,##0.######" if value != value.to_integral() else "#,##0"
    if cell.style in _FONTS:
        written.font = _FONTS[cell.style]
    if cell.style == "head":
        written.fill = _HEAD_FILL
    return written
