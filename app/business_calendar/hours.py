"""Open time: service hours over open dates, moving along it and measuring it.

Openings are half-open, ``[start, end)``: at the closing moment, and at the first of the break, the
desk is closed (R3).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from app.business_calendar.days import ONE_DAY, ZONE, DayCalendar, days_from


@dataclass(frozen=True, order=True)
class Opening:
    """One stretch of open time of every open day, in minutes after local midnight; 1440 is its end."""

    start: int
    end: int


Openings = tuple[tuple[datetime, datetime], ...]
"""The open stretches of one date: from, to."""


@dataclass(frozen=True)
class ServiceHours:
    """When a desk is open: ``openings`` in order, on the open dates of ``days``.

    ``only_weekdays``: Monday is 0; empty means any.
    """

    key: str
    days: DayCalendar
    openings: tuple[Opening, ...]
    only_weekdays: frozenset[int] = frozenset()
    _known: dict[date, Openings] = field(default_factory=dict, init=False, repr=False, compare=False)
    """The open stretches of dates that were asked for: every list of applications asks for the same ones."""
    _after: dict[tuple[date, int], date] = field(default_factory=dict, init=False, repr=False, compare=False)

    def is_open_on(self, day: date) -> bool:
        """Tell whether the desk opens on a date at all (R2).

        Raises:
            CalendarMissing: there is no table of its year.
        """
        return bool(self.openings_on(day))

    def openings_on(self, day: date) -> Openings:
        """Return the open stretches of a date as moments; none on a closed one.

        Raises:
            CalendarMissing: there is no table of its year.
        """
        known = self._known.get(day)
        if known is None:
            is_usual = not self.only_weekdays or day.weekday() in self.only_weekdays
            open_ = self.openings if self.days.is_open(day) and is_usual else ()
            known = tuple((_moment(day, each.start), _moment(day, each.end)) for each in open_)
            self._known[day] = known
        return known

    @property
    def day_length(self) -> timedelta:
        """How long the desk is open on an open day."""
        return timedelta(minutes=sum(each.end - each.start for each in self.openings))

    def is_open(self, moment: datetime) -> bool:
        """Tell whether the desk is open at a moment (R3)."""
        return any(start <= moment < end for start, end in self.openings_on(local_date(moment)))

    def accepted(self, moment: datetime) -> datetime:
        """Return the moment itself while the desk is open, else the start of the next opening (R4)."""
        start, _ = next(self._stretches(moment))
        return start

    def advance(self, start: datetime, amount: timedelta) -> datetime:
        """Return the earliest moment by which ``amount`` of open time has passed since ``start`` (R6).

        It may be a closing moment, or the first of the break.
        """
        if amount <= timedelta():
            return start
        left = amount
        for begin, end in self._stretches(start):
            if left <= end - begin:
                return begin + left
            left -= end - begin
        raise AssertionError("open time has no end")

    def measure(self, start: datetime, end: datetime) -> timedelta:
        """Return how much open time lies between two moments; nothing if ``end`` is not after ``start``."""
        total = timedelta()
        if end <= start:
            return total
        for begin, close in self._stretches(start):
            if begin >= end:
                break
            total += min(close, end) - begin
            if close >= end:
                break
        return total

    def close_of(self, day: date) -> datetime:
        """Return the closing moment of an open date."""
        return self.openings_on(day)[-1][1]

    def open_day_after(self, day: date, number: int) -> date:
        """Return the ``number``-th open date after ``day`` (R7)."""
        known = self._after.get((day, number))
        if known is not None:
            return known
        left = number
        for each in days_from(day + ONE_DAY):
            left -= self.is_open_on(each)
            if left == 0:
                self._after[day, number] = each
                return each
        raise AssertionError("dates have no end")

    def open_days_between(self, day: date, last: date) -> int:
        """Return how many open dates there are after ``day``, up to ``last`` and with it."""
        return sum(self.is_open_on(day + timedelta(days=number)) for number in range(1, (last - day).days + 1))

    def _stretches(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the open time from ``moment`` on."""
        for day in days_from(local_date(moment)):
            for begin, end in self.openings_on(day):
                if end > moment:
                    yield max(begin, moment.astimezone(UTC)), end


def local_date(moment: datetime) -> date:
    """Return the date of a moment in Kazakhstan's time."""
    return moment.astimezone(ZONE).date()


def _moment(day: date, minutes: int) -> datetime:
    """Return local wall-clock time as a moment, in UTC: so that differences are true time (R1)."""
    full, rest = divmod(minutes, 24 * 60)
    local = datetime.combine(day + full * ONE_DAY, time(rest // 60, rest % 60), ZONE)
    return local.astimezone(UTC)
