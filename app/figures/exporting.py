"""Figures to take along: the sections of all pages as a workbook, and what happened as an event log.

Neither holds personal data: the log knows an application's number, the acts and the roles that did them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from app import spreadsheets
from app.business_calendar.days import ZONE
from app.figures.cases import Case
from app.figures.counting import Chosen
from app.figures.pages import PAGES
from app.figures.reports import Cell, Reports, Section
from app.spreadsheets import Sheet

COLUMNS = ("case", "procedure", "activity", "timestamp", "role", "act")
"""The columns of the event log; the first four are what tools of process mining ask for."""


def as_workbook(reports: Reports, *, now: datetime) -> bytes:
    """Return the sections of every page as an XLSX file, a sheet each."""
    sections = [section for page in PAGES.values() for section in page(reports)]
    chosen = reports.chosen
    period = f"{chosen.since:%d.%m.%Y} – {chosen.until:%d.%m.%Y}"
    about = [period]
    if chosen.procedure:
        about.append(reports.procedure_words(chosen.procedure))
    if chosen.category:
        about.append(reports.say(f"cat.{chosen.category}"))
    sheets = [_sheet(reports, section, about) for section in sections]
    return spreadsheets.write(sheets, title=reports.say("figures.title"), now=now)


def _sheet(reports: Reports, section: Section, about: Sequence[str]) -> Sheet:
    title = reports.say(section.title)
    head: list[spreadsheets.Cell] = []
    for one, other in section.columns:
        head.append(spreadsheets.Cell(one, "head"))
        if other:
            head.append(spreadsheets.Cell(other, "head"))
    notes = [reports.say(key) for key in section.notes] if section.rows else [reports.say(section.none)]
    top = [[spreadsheets.Cell(title, "title")], *([spreadsheets.Cell(words, "quiet")] for words in (*about, *notes))]
    lines = [
        [cell for place, column in zip(row, section.columns, strict=True) for cell in _cells(place, bool(column[1]))]
        for row in section.rows
    ]
    return Sheet(title, [*top, [], head, *lines], [36, *([20] * (len(head) - 1))])


def _cells(cell: Cell, has_more: bool) -> list[spreadsheets.Cell]:
    found = [_cell(cell.words, cell.value, cell.is_words)]
    return [*found, _cell(cell.more, cell.more_value, cell.is_words)] if has_more else found


def _cell(words: str, value: float | None, is_words: bool) -> spreadsheets.Cell:
    if is_words:
        return spreadsheets.Cell(words.strip())
    return spreadsheets.Cell(Decimal(str(round(value, 2))) if value is not None else None)


def event_log(cases: Iterable[Case], chosen: Chosen) -> Iterator[str]:
    """Yield the lines of the event log as CSV: the processes entered within the period.

    ``activity`` is the process that was entered, ``act`` the way it was, ``role`` who did it.  Moments are in
    Kazakhstan's time with its offset (ISO 8601).
    """
    begin, end = chosen.begin, chosen.end
    yield _line(COLUMNS)
    for case in chosen.cases(cases):
        for entered, at in zip(case.path, case.at, strict=True):
            if begin <= at < end:
                moment = datetime.fromtimestamp(at, ZONE).isoformat(timespec="seconds")
                yield _line((case.number, case.procedure.name, entered.process, moment, entered.role, entered.act))


def _line(values: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(values)
    return line.getvalue()
