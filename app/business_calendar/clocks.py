"""Targets and pauses: when is it due, how much is left, when is a share of the time used up?

Everything is reckoned from the original start with all pauses replayed (R12), never from "now plus
what is left".  All moments are aware; those returned are in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from app.business_calendar.days import ZONE
from app.business_calendar.hours import ServiceHours, local_date
from app.errors import Invalid


class Unit(StrEnum):
    """What a target counts; the value is its word in the files."""

    WORKING_HOURS = "working_hours"
    WORKING_DAYS = "working_days"
    ELAPSED_HOURS = "elapsed_hours"
    ELAPSED_MINUTES = "elapsed_minutes"
    CALENDAR_DAYS = "calendar_days"

    @property
    def is_working(self) -> bool:
        """Whether it is counted in open time; the others run day and night."""
        return self in (Unit.WORKING_HOURS, Unit.WORKING_DAYS)


@dataclass(frozen=True)
class Target:
    """So many units; ``amount`` is positive."""

    unit: Unit
    amount: int

    def due(self, start: datetime, hours: ServiceHours) -> datetime:
        """Return when it is due without any pause, counted from ``start`` (R6 to R9).

        ``start`` is the moment of receipt or of acceptance (``hours.accepted``), as the promise says; of
        working days its date is day 0.

        Raises:
            CalendarMissing: it is counted through a year without a table.
        """
        match self.unit:
            case Unit.WORKING_HOURS:
                return hours.advance(start, timedelta(hours=self.amount)).astimezone(UTC)
            case Unit.WORKING_DAYS:
                return hours.close_of(hours.open_day_after(local_date(start), self.amount))
            case Unit.ELAPSED_HOURS:
                return start.astimezone(UTC) + timedelta(hours=self.amount)
            case Unit.ELAPSED_MINUTES:
                return start.astimezone(UTC) + timedelta(minutes=self.amount)
            case Unit.CALENDAR_DAYS:
                local = start.astimezone(ZONE)  # arithmetic within a zone keeps the wall clock
                return (local + timedelta(days=self.amount)).astimezone(UTC)

    def advance(self, start: datetime, amount: timedelta, hours: ServiceHours) -> datetime:
        """Move along the time that the target counts."""
        return hours.advance(start, amount) if self.unit.is_working else start.astimezone(UTC) + amount

    def measure(self, start: datetime, end: datetime, hours: ServiceHours) -> timedelta:
        """Measure the time that the target counts; nothing if ``end`` is not after ``start``."""
        if self.unit.is_working:
            return hours.measure(start, end)
        return max(end.astimezone(UTC) - start.astimezone(UTC), timedelta())


@dataclass(frozen=True)
class Pause:
    """A stretch in which the clock stands still; ``end`` None: it still does."""

    start: datetime
    end: datetime | None = None


@dataclass(frozen=True)
class Reading:
    """What a clock says: ``due``, or while a pause is open the time that remains (R11)."""

    due: datetime | None
    remaining: timedelta | None = None


def read(
    target: Target,
    start: datetime,
    pauses: Iterable[Pause],
    hours: ServiceHours,
    *,
    share: Fraction = Fraction(1),
) -> Reading:
    """Return what the clock of a target says that runs from ``start``, all pauses replayed (R10 to R12).

    ``share`` 3/4 reads when three quarters of the time are used up.

    Raises:
        CalendarMissing: it is counted through a year without a table.
        Invalid: the pauses overlap, or end before they begin.
    """
    due = target.due(start, hours)
    if share != 1:
        due = target.advance(start, target.measure(start, due, hours) * share.numerator / share.denominator, hours)
    for pause in in_order(pauses):
        if pause.start >= due:
            continue  # the breach stays
        remaining = target.measure(max(pause.start, start), due, hours)
        if pause.end is None:
            return Reading(None, remaining)
        due = target.advance(max(pause.end, start), remaining, hours)
    return Reading(due.astimezone(UTC))


def in_order(pauses: Iterable[Pause]) -> Sequence[Pause]:
    """Return pauses as they followed each other.

    Raises:
        Invalid: they overlap, or end before they begin.
    """
    told = (Pause(each.start.astimezone(UTC), each.end.astimezone(UTC) if each.end else None) for each in pauses)
    found = sorted(told, key=lambda pause: pause.start)
    for number, pause in enumerate(found):
        later = found[number + 1].start if number + 1 < len(found) else None
        is_backwards = pause.end is not None and pause.end < pause.start
        overlaps = later is not None and (pause.end is None or pause.end > later)
        if is_backwards or overlaps:
            raise Invalid("calendar.err.pauses")
    return found
