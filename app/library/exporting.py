"""The list of insiders as a workbook and as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from app import spreadsheets
from app.library.models import Insider
from app.spreadsheets import Cell, Sheet
from app.terms import say

_HEAD = ("look.person", "obj.position", "arch.date_from", "arch.date_to")


def as_workbook(people: Sequence[Insider], day: date, language: str, *, now: datetime) -> bytes:
    """Return the insiders of a day as an XLSX file, with the ground in law above them."""
    title = say("nav.insiders", language)
    lines = [
        [Cell(title, "title")],
        [Cell(say("insiders.ground", language), "quiet")],
        [Cell(f"{say('look.insiders.as_of', language)}: {day:%d.%m.%Y}", "quiet")],
        [],
        [Cell(say(key, language), "head") for key in _HEAD],
        *([Cell(each.name), Cell(_position(each, language)), Cell(each.since), Cell(each.until)] for each in people),
    ]
    return spreadsheets.write([Sheet(title, lines, [36, 48, 16, 16])], title=title, now=now)


def as_csv(people: Sequence[Insider], language: str) -> bytes:
    """Return the insiders of a day as CSV."""
    lines = [[say(key, language) for key in _HEAD]]
    for each in people:
        days = [day.strftime("%d.%m.%Y") if day else "" for day in (each.since, each.until)]
        lines.append([each.name, _position(each, language), *days])
    return spreadsheets.as_csv(lines)


def _position(row: Insider, language: str) -> str:
    found: str = getattr(row, f"position_{language}")
    return found
