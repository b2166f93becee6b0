"""Open time added up once, so that measuring a stretch costs two look-ups whatever its length.

For those who measure hundreds of thousands of stretches; ``ServiceHours.measure`` says the same of one.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from datetime import date, datetime

from app.business_calendar.days import ZONE, days_from
from app.business_calendar.hours import ServiceHours


class OpenTotals:
    """The open time of service hours since the first of January of the first year that has a table.

    Moments are POSIX timestamps, time is in seconds.
    """

    def __init__(self, hours: ServiceHours) -> None:
        years = sorted(hours.days.tables or ())
        self._starts: list[float] = []
        self._ends: list[float] = []
        self._before: list[float] = []
        self._first, self._last = (_midnight(years[0]), _midnight(_last_of(years) + 1)) if years else (0.0, 0.0)
        total = 0.0
        for day in days_from(date(years[0], 1, 1)) if years else ():
            if day.year > _last_of(years):
                break
            for begin, end in hours.openings_on(day):
                self._starts.append(begin.timestamp())
                self._ends.append(end.timestamp())
                self._before.append(total)
                total += (end - begin).total_seconds()

    def until(self, moment: float) -> float:
        """Return the open time before ``moment``; not a number where a year without a table lies between."""
        if not self._first <= moment < self._last:
            return math.nan
        place = bisect_right(self._starts, moment) - 1
        if place < 0:
            return 0.0
        return self._before[place] + min(moment, self._ends[place]) - self._starts[place]


def _last_of(years: list[int]) -> int:
    """Return the last year of the unbroken row of tables from the first one."""
    last = years[0]
    while last + 1 in years:
        last += 1
    return last


def _midnight(year: int) -> float:
    return datetime(year, 1, 1, tzinfo=ZONE).timestamp()
