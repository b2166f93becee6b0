"""What a query found, to take along: every row of it, below what was asked, as of when, and who asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app import spreadsheets
from app.search.grammar import Query
from app.search.matching import Found
from app.search.wording import Wording
from app.spreadsheets import Cell, Sheet
from app.web.templating import date_time_text

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEDIA_TYPES = {"csv": "text/csv", "xlsx": XLSX}
_WIDE = frozenset({"company", "procedure", "process", "adviser"})


def written(kind: str, query: Query, found: Sequence[Found], wording: Wording, *, by: str, now: datetime) -> bytes:
    """Return the file; ``kind``: ``csv`` or ``xlsx``."""
    about = [
        wording.say("search.made", user=by, at=date_time_text(now)),
        *wording.told(query),
        wording.say("search.found", n=len(found)),
    ]
    head = [wording.field(column) for column in query.columns]
    title = wording.say("nav.search")
    if kind == "csv":
        rows = ([wording.cell(each, column) for column in query.columns] for each in found)
        return spreadsheets.as_csv([[title], *([words] for words in about), [], head, *rows])
    lines = [
        [Cell(title, "title")],
        *([Cell(words, "quiet")] for words in about),
        [],
        [Cell(words, "head") for words in head],
        *([Cell(wording.value(each, column)) for column in query.columns] for each in found),
    ]
    widths = [40 if column in _WIDE else 20 for column in query.columns]
    return spreadsheets.write([Sheet(title, lines, widths)], title=title, now=now)
