"""``flask due``: when requests are due, by the policies and calendars of the house."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

import click

from app.business_calendar.clocks import Pause
from app.business_calendar.days import ZONE
from app.business_calendar.definitions import CalendarLibrary, load
from app.config import ROOT
from app.definition_files import Fault
from app.errors import AppError
from app.terms import say

ASKED = ("id", "policy", "case", "received_at", "pauses")
ANSWERED = ("id", "accepted_at", "response_due", "resolution_due", "auto_close_at")


def commands() -> list[click.Command]:
    """Return the commands of this file."""
    return [due]


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE.csv")
def due(file: Path) -> None:
    """Reckon when the requests of FILE.csv are due.

    Its columns are id, policy, case, received_at, pauses; a pause is START/END, without END it is still
    open, several are separated by semicolons; moments are written as 2026-02-13T17:30+05:00.  The answer
    is a CSV: id, accepted_at, response_due, resolution_due, auto_close_at, empty where there is none.

    Rows that cannot be reckoned are told on the error output as file:line: column: what is wrong; what
    would do, and left out.  Exits with 1 if there is any.
    """
    library, faults = load(ROOT / "app" / "business_calendar" / "calendars", ROOT)
    faults = list(faults)
    out = csv.DictWriter(sys.stdout, ANSWERED, lineterminator="\n")
    out.writeheader()
    for line, row in _rows(file, faults):
        try:
            out.writerow(_reckoned(row, library))
        except _Wrong as wrong:
            faults.append(Fault(str(file), line, wrong.column, wrong.problem, wrong.mend))
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        raise SystemExit(1)


class _Wrong(Exception):
    """A row that cannot be reckoned."""

    def __init__(self, column: str, problem: str, mend: str) -> None:
        super().__init__(problem)
        self.column, self.problem, self.mend = column, problem, mend


def _rows(file: Path, faults: list[Fault]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield each row with its line; a file of another shape has none."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        faults.append(Fault(str(file), 0, "", "not UTF-8", "save the file as UTF-8"))
        return
    reader = csv.DictReader(text.splitlines())
    missing = [name for name in ASKED[:-1] if name not in (reader.fieldnames or ())]
    if missing:
        faults.append(Fault(str(file), 1, missing[0], "this column is missing", f"begin with {','.join(ASKED)}"))
        return
    for row in reader:
        yield reader.line_num, {name: (row.get(name) or "").strip() for name in ASKED}


def _reckoned(row: Mapping[str, str], library: CalendarLibrary) -> dict[str, str]:
    policies = library.policies
    if row["policy"] not in policies:
        raise _Wrong("policy", f"'{row['policy']}' is unknown", f"known: {', '.join(sorted(policies))}")
    policy = policies[row["policy"]]
    if row["case"] not in policy.cases:
        raise _Wrong("case", f"'{row['case']}' is unknown", f"known: {', '.join(sorted(policy.cases))}")
    received = _moment(row["received_at"], "received_at")
    pauses = [_pause(text) for text in re.split(r"[;|\s]+", row["pauses"]) if text]
    try:
        found = policy.due(row["case"], received, pauses)
    except AppError as refusal:  # no table of a year, or pauses that cannot have been
        mend = "correct the moments, or give the calendar its table"
        raise _Wrong("received_at", say(refusal.key, "en", **refusal.params), mend) from None
    return {"id": row["id"], **{name: _text(getattr(found, name)) for name in ANSWERED[1:]}}


def _pause(text: str) -> Pause:
    start, _, end = text.partition("/")
    return Pause(_moment(start, "pauses"), None if end in ("", "..", "-") else _moment(end, "pauses"))


def _moment(text: str, column: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _Wrong(column, f"'{text}' is no moment", "write 2026-02-13T17:30+05:00") from None
    if moment.tzinfo is None:
        raise _Wrong(column, f"'{text}' has no offset", "write 2026-02-13T17:30+05:00")
    return moment


def _text(moment: datetime | None) -> str:
    return moment.astimezone(ZONE).isoformat(timespec="minutes") if moment is not None else ""
