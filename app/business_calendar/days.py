"""Which dates are open: a table for each year, from the production calendar, each with its versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from app.errors import Conflict

ZONE = ZoneInfo("Asia/Almaty")
"""Every rule counts in this time: UTC+05:00 since 2024-03-01, +06:00 before."""

ONE_DAY = timedelta(days=1)
_SATURDAY = 5


class CalendarMissing(Conflict):
    """There is no table of a year, so nothing can be counted through it; ``year`` says which.

    Never to be read as "no holidays".
    """

    def __init__(self, calendar: str, year: int) -> None:
        super().__init__("calendar.err.missing", calendar=calendar, year=year)
        self.calendar, self.year = calendar, year


@dataclass(frozen=True)
class YearTable:
    """The days off on weekdays and the moved working days of one year, in one version."""

    year: int
    version: int
    days_off: frozenset[date]
    extra_working_days: frozenset[date] = frozenset()


@dataclass(frozen=True)
class DayCalendar:
    """Open dates by year tables; without tables at all every date is open.

    ``tables`` maps a year to its newest version.
    """

    key: str
    tables: Mapping[int, YearTable] | None = field(default=None)

    def is_open(self, day: date) -> bool:
        """Tell whether a date is open (R2).

        Raises:
            CalendarMissing: there is no table of its year.
        """
        if self.tables is None:
            return True
        table = self.tables.get(day.year)
        if table is None:
            raise CalendarMissing(self.key, day.year)
        return day in table.extra_working_days or (day.weekday() < _SATURDAY and day not in table.days_off)


def days_from(first: date) -> Iterator[date]:
    """Yield ``first`` and every date after it."""
    day = first
    while True:
        yield day
        day += ONE_DAY
