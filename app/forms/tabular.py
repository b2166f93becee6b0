"""Tables of a spreadsheet and the rows of a repeating group: read into canonical values, and written out.

``split`` finds the cells of pasted words or of a CSV file, ``headings.match`` tells which column is which
field, ``read`` turns the cells into canonical values and tells every cell that will not do; ``written`` is the
way back.  A spreadsheet writes dates and numbers as its own language does, so a column is looked at as a
whole: what could be meant in two ways is asked about, never guessed.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.errors import Invalid, Problem, Said
from app.forms import headings
from app.forms.headings import Column, match
from app.forms.parts import Field, is_empty
from app.forms.reading import Choices
from app.forms.values import EDGES, FieldError
from app.terms import LANGUAGES
from app.terms.sizes import size_said

Lines = Sequence[Sequence[str]]

MOST_COLUMNS = 60
LONGEST_TEXT = 2 * 1024 * 1024

HOW_TO_WRITE = {
    "date": "table.how.date",
    "yes_no": "table.how.yes_no",
    "bin": "table.how.digits",
    "iin": "table.how.digits",
}
"""Type of field -> the sentence that says how a cell of it is written."""

_NUMBERS = frozenset({"number", "percent", "percent_of_total", "money"})
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "'")
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9][0-9 \u00a0]*(?:[.,][0-9]+)?%?")


def decoded(content: bytes) -> str:
    """Return the words of a CSV file: UTF-8, UTF-16 with its mark, or the Windows-1251 of old spreadsheets.

    Raises:
        Invalid: it is no text.
    """
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        try:
            text = content.decode("cp1251")
        except UnicodeDecodeError:
            raise Invalid.at("file", "table.err.no_text") from None
    if "\0" in text:
        raise Invalid.at("file", "table.err.no_text")
    return text


def split(text: str, known: Sequence[Column] = (), *, pasted: bool = False) -> list[list[str]]:
    """Return the cells of pasted words (between tabs) or of a CSV file (";" or ",").

    The sign between cells is the one that finds the most headings of ``known``; else a tab, a
    semicolon, a comma, the first that stands in the first line.  In ``pasted`` words without a tab a
    comma is taken for a part of the words, unless it stands between headings.

    Raises:
        Invalid: a cell is longer than any answer may be, or the words are too many.
    """
    if len(text) > LONGEST_TEXT:
        raise Invalid.at("text", "table.err.size", max=size_said(LONGEST_TEXT))
    text = text.removeprefix("\ufeff")
    told = re.match(r"sep=(.)\r?\n", text, re.IGNORECASE)  # the line that Excel itself writes and reads
    if told:
        return _cells(text[told.end() :], told[1])
    first = text.lstrip("\r\n").partition("\n")[0]
    signs = [sign for sign in "\t;," if sign in first]
    if not signs or (pasted and "\t" not in signs):
        signs.insert(0, "\t")
    found = [_cells(text, sign) for sign in signs]
    return max(found, key=lambda lines: sum(map(bool, match(lines[0], known))) if lines else 0)


def _cells(text: str, sign: str) -> list[list[str]]:
    try:
        lines = [list(line) for line in csv.reader(io.StringIO(text, newline=""), delimiter=sign)]
    except csv.Error as error:
        raise Invalid.at("text", "table.err.no_text") from error
    while lines and not any(cell.strip(EDGES) for cell in lines[-1]):
        lines.pop()
    while lines and not any(cell.strip(EDGES) for cell in lines[0]):
        lines.pop(0)
    return lines


@dataclass(frozen=True)
class Row:
    """One line of a table as read.

    ``line`` is its number in the table (from 1), ``values`` the canonical values of its cells.
    ``faults`` (by number of the column in the table) cannot be read; ``notes`` are kept as they stand,
    and will have to be mended before the stage is done.
    """

    line: int
    values: dict[str, Any]
    faults: dict[int, Problem] = field(default_factory=dict)
    notes: dict[int, Problem] = field(default_factory=dict)


def read(
    lines: Lines, chosen: Sequence[str], known: Sequence[Column], *, skip: int = 0, choices: Choices | None = None
) -> list[Row]:
    """Read the lines after the first ``skip``; ``chosen`` names the column of each place, "" for none.

    Lines without a word are left out.
    """
    by_key = {column.key: column for column in known}
    meant = {place: by_key[key] for place, key in enumerate(chosen) if key in by_key}
    habits = {place: _habits(lines[skip:], place, column.asked) for place, column in meant.items()}
    rows = []
    for number, line in enumerate(lines[skip:], start=skip + 1):
        if any(place < len(line) and line[place].strip(EDGES) for place in meant):
            rows.append(_row(number, line, meant, habits, choices))
    return rows


def _row(
    number: int,
    line: Sequence[str],
    meant: Mapping[int, Column],
    habits: Mapping[int, _Habits],
    choices: Choices | None,
) -> Row:
    row = Row(number, {})
    raw: dict[str, dict[str, str]] = {}
    places: dict[str, list[int]] = {}
    for place, column in meant.items():
        asked, words = column.field, unguarded(line[place]) if place < len(line) else ""
        places.setdefault(asked.key, []).append(place)
        try:
            raw.setdefault(asked.key, {})[column.part] = _typed(words, column, habits[place], choices)
        except FieldError as error:
            row.faults[place] = asked.problem(error)
    asked_of = {column.field.key: column.field for column in meant.values()}
    for key, asked in asked_of.items():
        if any(place in row.faults for place in places[key]):
            continue
        try:
            typed = {part: raw[key].get(part, "") for part in asked.parts} if asked.parts else raw[key][""]
            value = asked.kind.parse(typed, asked)
        except FieldError as error:
            row.faults[_place(error.part, key, meant)] = asked.problem(error)
            continue
        if is_empty(value):
            continue
        row.values[key] = value
        for fault in asked.kind.faults(value, asked):
            row.notes.setdefault(_place(fault.part, key, meant), asked.problem(fault))
    return row


def _place(part: str, key: str, meant: Mapping[int, Column]) -> int:
    """Return the place of a part in the line; where the part has no column, that of the field's first."""
    own = [(place, column.part) for place, column in meant.items() if column.field.key == key]
    return next((place for place, standing in own if standing == part), own[0][0])


@dataclass(frozen=True)
class _Habits:
    """How a column writes: the sign before its decimals ("," or "."), which comes first of day and month."""

    decimal: str = ""
    order: str = ""


def _habits(lines: Lines, place: int, asked: Field) -> _Habits:
    cells = [line[place].strip(EDGES) for line in lines if place < len(line) and line[place].strip(EDGES)]
    if asked.type in _NUMBERS:
        found = {sign for cell in cells if (sign := _decimal_sign(_bare_number(cell, asked)))}
        return _Habits(decimal=found.pop() if len(found) == 1 else "")
    if asked.type == "date":
        orders = {order for cell in cells if (order := _order(cell))}
        return _Habits(order=orders.pop() if len(orders) == 1 else "")
    return _Habits()


def _decimal_sign(number: str) -> str:
    """Return the sign before the decimals where a number leaves no doubt about it, else ""."""
    commas, points = number.count(","), number.count(".")
    if commas and points:
        return "," if number.rindex(",") > number.rindex(".") else "."
    if commas > 1:
        return "."
    if points > 1:
        return ","
    if points == 1 or " " in number:
        return "." if points else "," if commas else ""
    return "," if commas and not re.fullmatch(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}", number) else ""


def _bare_number(words: str, asked: Field) -> str:
    """Return a number as typed without currency, percent sign and accountants' brackets, blanks as " "."""
    plain = "".join(" " if unicodedata.category(sign) == "Zs" else sign for sign in words)
    plain = plain.replace("\N{MINUS SIGN}", "-").replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").strip(EDGES)
    signs = ["₸", "%", "$", "€", "₽"]
    signs += [asked.currency or "KZT"] if asked.type == "money" else []
    for sign in signs:
        plain = plain.removeprefix(sign).removesuffix(sign).strip(EDGES)
    bracketed = re.fullmatch(r"\((.+)\)", plain)
    return f"-{bracketed[1]}" if bracketed else plain


def _number(words: str, asked: Field, habits: _Habits) -> str:
    plain = _bare_number(words, asked)
    if re.fullmatch(r"[+-]?[0-9]+(?:[.,][0-9]+)?[eE][+-]?[0-9]+", plain):
        raise FieldError("table.err.shortened", found=words)
    sign = _decimal_sign(plain) or habits.decimal
    if not sign and "," in plain:
        # "1,234": thousands in English, a decimal in Kazakh and Russian.
        most = {"money": 2, "number": 6}.get(asked.type, 4) if asked.decimals is None else asked.decimals
        if most >= 3:
            raise FieldError("table.err.two_numbers", found=words)
        sign = "."
    group = {",": ".", ".": ","}.get(sign, "")
    whole, _, rest = plain.partition(sign) if sign else (plain, "", "")
    if group and group in whole:
        if not re.fullmatch(rf"[+-]?[0-9]{{1,3}}(?:{re.escape(group)}[0-9]{{3}})+", whole):
            raise FieldError("field.err.number")
        whole = whole.replace(group, "")
    rest = rest.rstrip("0") if rest.isdecimal() else rest
    return f"{whole}.{rest}" if rest else whole


def _order(words: str) -> str:
    """Return "dm" or "md" where a date with slashes leaves no doubt about it, else ""."""
    found = re.fullmatch(r"([0-9]{1,2})[/-]([0-9]{1,2})[/-][0-9]{2,4}(?: .*)?", words)
    if found is None:
        return ""
    first, second = int(found[1]), int(found[2])
    return "dm" if first > 12 >= second else "md" if second > 12 >= first else ""


def _date(words: str, habits: _Habits) -> str:
    plain = re.sub(r"[ T]0?0:00(?::00(?:\.0+)?)?$", "", words)
    plain = re.sub(r"\s*(?:г\.?|ж\.?)$", "", plain)
    slashed = re.fullmatch(r"([0-9]{1,2})[/-]([0-9]{1,2})[/-]([0-9]{2}|[0-9]{4})", plain)
    short = re.fullmatch(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{2})", plain)
    if short:
        raise FieldError("table.err.short_year", found=words)
    year_first = re.fullmatch(r"([0-9]{4})[/.]([0-9]{1,2})[/.]([0-9]{1,2})", plain)
    if year_first:
        return f"{int(year_first[3])}.{int(year_first[2])}.{year_first[1]}"
    if slashed is None:
        return plain
    first, second, year = slashed.groups()
    if len(year) == 2:
        raise FieldError("table.err.short_year", found=words)
    order = _order(plain) or habits.order or ("dm" if first == second else "")
    if not order:
        raise FieldError("table.err.two_dates", found=words)
    day, month = (first, second) if order == "dm" else (second, first)
    return f"{day}.{month}.{year}"


_TRUE = frozenset({"1", "true", "истина", "ақиқат", "yes", "да", "иә", "x", "+"})
_FALSE = frozenset({"0", "false", "ложь", "жалған", "no", "нет", "жоқ"})


def _typed(words: str, column: Column, habits: _Habits, choices: Choices | None) -> str:
    """Return a cell as it would be typed into the field.

    Raises:
        FieldError: it could mean two things, or the spreadsheet has spoilt it.
    """
    plain, asked = words.strip(EDGES), column.asked
    if not plain or (column.part and asked is column.field):
        return plain
    if re.fullmatch(r"#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!|Н/Д|ССЫЛКА!|ЗНАЧ!|ДЕЛ/0!|ИМЯ\?|ЧИСЛО!)", plain):
        raise FieldError("table.err.formula", found=plain)
    if asked.type in _NUMBERS:
        return _number(plain, asked, habits)
    if asked.type == "date":
        return _date(plain, habits)
    if asked.type == "yes_no":
        folded = plain.casefold()
        return "yes" if folded in _TRUE else "no" if folded in _FALSE else plain
    if asked.type == "choice":
        return _option(plain, asked, choices)
    if asked.type in ("bin", "iin", "iban", "phone") and re.fullmatch(r"[0-9]+(?:[.,][0-9]+)?[eE]\+?[0-9]+", plain):
        raise FieldError("table.err.shortened", found=plain)
    if asked.type in ("bin", "iin") and re.fullmatch(r"[0-9]{9,11}", plain):
        # A spreadsheet drops the zeros before a number; they are put back where that makes a sound one.
        whole = plain.zfill(12)
        return plain if asked.kind.faults(whole, asked) else whole
    return plain


def _option(words: str, asked: Field, choices: Choices | None) -> str:
    """Return the key of the option that a cell names, by its key or its label in any language."""
    if asked.options is not None:
        labels = [(key, label) for key, said in asked.options.items() for label in (key, *said.model_dump().values())]
    else:
        labels = [(key, name) for key, label in (choices or {}).get(asked.source or "", ()) for name in (key, label)]
    meant = headings.plain(words)
    keys = {key for key, label in labels if key == words} or {
        key for key, label in labels if headings.plain(label) == meant
    }
    if len(keys) > 1:
        raise FieldError("table.err.two_options", found=words)
    if not keys:
        raise FieldError("table.err.no_option", found=words)
    return keys.pop()


def guarded(words: str) -> str:
    """Return words so that no spreadsheet takes them for a formula: with an apostrophe before them."""
    is_risky = words.startswith(_FORMULA_SIGNS) and not _PLAIN_NUMBER.fullmatch(words)
    return f"'{words}" if is_risky else words


def unguarded(words: str) -> str:
    """Return the words that ``guarded`` made these of."""
    return words[1:] if len(words) > 1 and words[0] == "'" and words[1] in _FORMULA_SIGNS else words


def cell(value: Any, column: Column, language: str, choices: Choices | None = None) -> str:
    """Return what stands in a cell for a canonical value; read again, it gives the same value."""
    asked = column.asked
    if is_empty(value):
        return ""
    words = column.field.entry(value, column.part)
    if asked is not column.field:
        value = value.get(column.part)
        if is_empty(value):
            return ""
    if asked.type in _NUMBERS:
        bare = words.replace("\u00a0", "").replace(" ", "")
        if language == "en":
            return bare.replace(",", ".")
        return f"{bare}0" if "," in bare and not _decimal_sign(bare) else bare  # "1,234" could be thousands
    if asked.type == "choice":
        label = asked.text(value, language, dict((choices or {}).get(asked.source or "", ())))
        try:
            return label if _option(label, asked, choices) == value else words
        except FieldError:
            return words
    if asked.type == "yes_no":
        return asked.text(value, language)
    return words


def written(
    rows: Iterable[Mapping[str, Any]],
    known: Sequence[Column],
    language: str,
    *,
    sign: str = ";",
    choices: Choices | None = None,
) -> str:
    """Return rows of values as CSV with a line of headings; nothing in it is taken for a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=sign, lineterminator="\r\n")
    writer.writerow([guarded(column.title(language)) for column in known])
    for values in rows:
        writer.writerow([guarded(cell(values.get(column.field.key), column, language, choices)) for column in known])
    return out.getvalue()


def example(known: Sequence[Column], language: str) -> list[str]:
    """Return the cells of a line made of the fields' examples."""
    return [cell(column.field.example_value(), column, language) for column in known]


def require_readable(rows: Sequence[Row], most: int) -> None:
    """Refuse a table with a cell that cannot be read, without rows, or with too many.

    Raises:
        Invalid: with a problem for each such cell, at "cell-<line>-<place>".
    """
    problems = [
        Problem(f"cell-{row.line}-{place}", fault.key, fault.params)
        for row in rows
        for place, fault in row.faults.items()
    ]
    if not rows:
        problems.append(Problem("text", "table.err.empty"))
    if len(rows) > most:
        problems.append(Problem("text", "table.err.rows", {"most": most, "found": len(rows)}))
    if problems:
        raise Invalid(problems=problems)


def lost(known: Sequence[Column], chosen: Sequence[str]) -> list[Said]:
    """Return the labels of the required columns that no place of the table is chosen for."""
    return [
        Said({language: column.title(language) for language in LANGUAGES})
        for column in known
        if column.field.required and column.key not in chosen
    ]
