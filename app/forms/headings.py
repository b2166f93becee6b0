"""The columns of a table that holds the rows of a group, and which of them each heading of a spreadsheet means."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.forms.parts import Field
from app.forms.values import EDGES
from app.terms import LANGUAGES, say

NOT_IN_A_TABLE = frozenset({"file", "computed", "note", "group"})
"""Types of field that no single cell can hold, or that nobody types."""

ABBREVIATIONS = {
    "bin": ("БСН", "БИН", "BIN"),
    "iin": ("ЖСН", "ИИН", "IIN"),
    "isin": ("ISIN",),
    "lei": ("LEI",),
    "cfi": ("CFI",),
    "iban": ("ЖСК", "ИИК", "IBAN"),
    "bic": ("БСК", "БИК", "BIC", "SWIFT"),
    "kbe": ("КБе", "KBe"),
    "kato": ("ӘАОЖ", "КАТО", "KATO"),
    "email": ("e-mail",),
}
"""Type of field -> what its code is called for short, in any language."""

SHORTEST_BEGINNING = 4
"""Letters of a heading that is taken for the first words of a label."""


@dataclass(frozen=True)
class Column:
    """One column of a group's table: a field, or one part of it ("name-kk")."""

    key: str
    field: Field
    part: str = ""

    @property
    def asked(self) -> Field:
        """The question that one cell answers: the field, or its part."""
        return self.field.subfields.get(self.part, self.field)

    def title(self, language: str) -> str:
        """Return the heading of the column: "Address: region", "Name (Kazakh)"."""
        label = self.field.label[language]
        if self.part in self.field.subfields:
            return f"{label}: {self.asked.label[language]}"
        return f"{label} ({say(f'field.language.{self.part}', language)})" if self.part else label


def columns(fields: Iterable[Field]) -> list[Column]:
    """Return the columns of the table that ``fields`` make; files, groups and computed ones have none."""
    return [
        Column(f"{asked.key}-{part}" if part else asked.key, asked, part)
        for asked in fields
        if asked.type not in NOT_IN_A_TABLE
        for part in asked.parts or ("",)
    ]


def match(headings: Sequence[str], known: Sequence[Column]) -> list[str]:
    """Return the key of the column that each heading means, "" where it means none; no column twice.

    A heading is the key of a field or its label in any language, whatever its capitals, blanks, stops and
    ё; then also without what stands in brackets, before a unit, on one side of a stroke; then by an
    abbreviation ("БИН", "IIN"); at last by the first words of a label.  What could mean several columns
    means none but by the label itself.
    """
    found = [""] * len(headings)
    for number, names_of in enumerate((_own_names, _looser_names, _abbreviations, _beginnings)):
        names: dict[str, list[str]] = {}
        for column in known:
            for name in dict.fromkeys(filter(None, map(plain, names_of(column)))):
                names.setdefault(name, []).append(column.key)
        for place, heading in enumerate(headings):
            said = [heading] if number == 0 else _looser(heading)
            said += _first_capitals(said) if number == 2 else []
            meant = dict.fromkeys(key for each in said for key in names.get(plain(each), ()))
            free = [key for key in meant if key not in found]
            if not found[place] and free and (number == 0 or len(free) == 1):
                found[place] = free[0]
    return found


def _own_names(column: Column) -> list[str]:
    labels = column.field.label.model_dump().values()
    return [column.key, *(column.title(language) for language in LANGUAGES), *labels]


def _looser_names(column: Column) -> list[str]:
    parts = list(column.asked.label.model_dump().values()) if column.part in column.field.subfields else []
    return [looser for name in [*_own_names(column), *parts] for looser in _looser(name)]


def _abbreviations(column: Column) -> list[str]:
    """Return the short names of the codes that a column holds, and the capitals that its label begins with."""
    labels = column.asked.label.model_dump().values()
    return [*ABBREVIATIONS.get(column.asked.type, ()), *_first_capitals(labels)]


def _first_capitals(names: Iterable[str]) -> list[str]:
    """Return the first words of names where they are abbreviations: "БИН" of "БИН организации"."""
    first = (name.split(maxsplit=1)[0] for name in names if name.strip())
    return [word for word in first if len(word) > 1 and word.isupper()]


def _beginnings(column: Column) -> list[str]:
    """Return the first words of the column's names, one and more: "Наименование" of "Наименование или Ф. И. О."."""
    words = [name.split() for name in _looser_names(column)]
    found = [" ".join(each[:count]) for each in words for count in range(1, len(each))]
    return [name for name in found if len(name) >= SHORTEST_BEGINNING]


def _looser(words: str) -> list[str]:
    """Return words without brackets, «кол-во» in full: whole, without the unit after a comma, each side of strokes."""
    bare = re.sub(r"\([^()]*\)|\[[^][]*\]", " ", words)
    bare = re.sub(r"(?i)\bкол-во\b", "количество", bare)
    return [bare, bare.rpartition(",")[0], *re.split(r"[/|\n]", bare)]


def plain(words: str) -> str:
    """Return words without capitals, blanks and stops, ё as е: what is the same to a reader is the same."""
    folded = unicodedata.normalize("NFKC", words).casefold().replace("ё", "е")
    return "".join(sign for sign in folded if sign.isalnum())


def has_headings(line: Sequence[str], known: Sequence[Column]) -> bool:
    """Tell whether the first line of a table names its columns: at least half of its words do, or any and no digit."""
    given = [cell for cell in line if cell.strip(EDGES)]
    meant = sum(map(bool, match(given, known)))
    is_plain = not any(sign.isdecimal() for cell in given for sign in cell)
    return bool(given) and (meant * 2 >= len(given) or (meant > 0 and is_plain))
