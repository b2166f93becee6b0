"""The clocks of applications: terms that run or stand still now, told from the history, with all pauses replayed.

No clock is stored.  The moves in the history say when a term began and stood still (``workflows.running``),
the working-time engine says what follows (``business_calendar.clocks``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sqlalchemy import or_, select

from app import catalogue, db
from app.applications import conditions, queries
from app.applications.models import Application, History
from app.business_calendar import clocks
from app.business_calendar.clocks import Pause, Target, Unit
from app.business_calendar.days import CalendarMissing
from app.business_calendar.hours import ServiceHours, local_date
from app.errors import Conflict, Said
from app.web.templating import ZONE, date_time_text
from app.workflows.machine import Procedure
from app.workflows.running import Move, Run, runs

HOURS = "exchange-0900-1800"
"""The service hours that the terms of procedures run in."""

WHOLE = Fraction(1)

EXTEND = "extend"
"""The act in the history of a term made longer: its stage is the term, its words ``<working days>: <reason>``."""


@dataclass(frozen=True)
class Clock:
    """What the clock of one run says.

    ``due`` is empty while it stands still before its end; then ``remaining`` is the open time that is left.
    ``missing``: it cannot be reckoned, the calendar has no table of that year.
    """

    run: Run
    due: datetime | None = None
    remaining: timedelta | None = None
    missing: CalendarMissing | None = None

    def is_over(self, now: datetime) -> bool:
        """Tell whether the time is used up."""
        return self.due is not None and self.due <= now

    def working_days(self, now: datetime) -> int:
        """Return how many working days follow today until it is due, or since it was over.

        While it stands still: as many as did when it was stopped.

        Raises:
            CalendarMissing: today lies in a year without a table.
        """
        if self.due is None:
            stopped = hours().accepted(self.run.pauses[-1].start)
            resumed = hours().advance(stopped, self.remaining or timedelta())
            return hours().open_days_between(local_date(stopped), local_date(resumed))
        due, today = local_date(self.due), local_date(now)
        return hours().open_days_between(*((due, today) if self.is_over(now) else (today, due)))


def hours() -> ServiceHours:
    """Return the service hours that terms run in."""
    return catalogue.present().calendars.hours[HOURS]


def standing(procedures: Mapping[int, Procedure]) -> dict[int, list[Run]]:
    """Return the runs that have not ended, of applications given by id with their procedures; one query for all."""
    found: dict[int, list[Move]] = {ident: [] for ident, procedure in procedures.items() if procedure.terms}
    columns = (
        History.application_id,
        History.id,
        History.target,
        History.at,
        History.act,
        History.stage,
        History.words,
    )
    counts = or_(History.target != "", History.act.in_((conditions.DECIDE, EXTEND)))
    moved = select(*columns).where(History.application_id.in_(found), counts).order_by(History.id)
    for application_id, ident, target, at, act, stage, words in db.session.execute(moved) if found else ():
        told = {} if target else _told(procedures[application_id], act, stage, words)
        found[application_id].append(Move(ident, target, at, **told))
    still = {
        ident: [run for run in runs(procedures[ident], moves) if run.end is None] for ident, moves in found.items()
    }
    return _from_meetings(still)


def _told(procedure: Procedure, act: str, stage: str, words: str) -> dict[str, Any]:
    """Return what a row of history says of terms without moving the application."""
    if act == EXTEND:
        return {"extended": stage, "days": extension_of(words)[0]}
    row = conditions.row_of(procedure, stage, words)
    numbers = row.then if row is not None else {}
    return {"decided": {(stage, key): int(each) for key, each in numbers.items() if isinstance(each, Decimal)}}


def extension_of(words: str) -> tuple[int, str]:
    """Return by how many working days a term was extended, and why."""
    days, _, reason = words.partition(": ")
    return int(days), reason


def _from_meetings(found: dict[int, list[Run]]) -> dict[int, list[Run]]:
    """Let the terms that are counted from a meeting begin on its date."""
    asked = [ident for ident, each in found.items() if any(run.term.from_meeting for run in each)]
    if not asked:
        return found
    dates = select(Application.id, Application.meeting_at).where(
        Application.id.in_(asked), Application.meeting_at != ""
    )
    for ident, day in db.session.execute(dates).all():
        start = datetime.combine(date.fromisoformat(day), time.min, ZONE).astimezone(UTC)
        found[ident] = [replace(run, start=start) if run.term.from_meeting else run for run in found[ident]]
    return found


def reading(run: Run, *, share: Fraction = WHOLE) -> clocks.Reading:
    """Return what the clock of a run says, or said when ``share`` of its time is used up.

    Raises:
        CalendarMissing: it is counted through a year without a table.
    """
    target = Target(Unit.WORKING_DAYS, run.working_days)
    pauses = [Pause(stay.start, stay.end) for stay in run.pauses]
    start = run.start if run.term.from_meeting else hours().accepted(run.start)  # the meeting's date is day 0 itself
    return clocks.read(target, start, pauses, hours(), share=share)


def clock(run: Run) -> Clock:
    """Return the clock of a run."""
    try:
        read = reading(run)
    except CalendarMissing as missing:
        return Clock(run, missing=missing)
    return Clock(run, read.due, read.remaining)


def of(applications: Iterable[Application]) -> dict[int, list[Clock]]:
    """Return the clocks of applications by their ids, the one that is due first at the head."""
    found = standing({application.id: queries.procedure(application) for application in applications})
    return {ident: sorted(map(clock, runs_), key=_urgency) for ident, runs_ in found.items()}


def _urgency(clock: Clock) -> tuple[bool, float]:
    return (clock.due is None, clock.due.timestamp() if clock.due else 0)


def of_timers(application: Application) -> Sequence[Clock]:
    """Return the clocks whose end the system acts on in the present process."""
    terms = queries.procedure(application).terms
    timed = [term for term in terms if term.trigger and application.process in term.processes]
    if not timed:
        return ()
    return [found for found in of([application])[application.id] if found.run.term in timed]


def require_time(application: Application, *, now: datetime) -> None:
    """Refuse to move an application whose time is over and which the system is about to move itself.

    So the outcome is the same however long the worker was away.

    Raises:
        Conflict: names the term and when it was over.
    """
    for found in of_timers(application):
        if found.is_over(now):
            title = Said(found.run.term.title.model_dump())
            raise Conflict("clock.err.over", term=title, due=date_time_text(found.due))
