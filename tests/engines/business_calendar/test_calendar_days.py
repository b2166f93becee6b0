"""Open dates, against tables written down independently of the files."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from app.business_calendar.days import CalendarMissing

# Days off on weekdays of a five-day week, as the domain's facts list them; month -> days.
CLOSED = {
    2024: {1: (1, 2), 3: (8, 21, 22, 25), 5: (1, 7, 8, 9), 7: (8,), 8: (30,), 10: (25,), 12: (16,)},
    2025: {1: (1, 2, 3, 7), 3: (10, 21, 24, 25), 5: (1, 7, 9), 6: (6,), 7: (7,), 9: (1,), 10: (27,), 12: (16,)},
    2026: {1: (1, 2, 7), 3: (9, 23, 24, 25), 5: (1, 7, 11, 27), 7: (6,), 10: (26,), 12: (16,)},
    2027: {1: (1, 4, 7), 3: (8, 15, 22, 23, 24), 5: (3, 7, 10), 7: (6,), 10: (25,), 12: (16,)},
}
WORKED = {date(2024, 5, 4), date(2025, 1, 5)}
WORKING_DAYS = {2024: 249, 2025: 246, 2026: 247, 2027: 247}


@pytest.mark.parametrize("year", CLOSED)
def test_every_date_of_a_year_is_open_or_closed_as_the_tables_say(library, year):
    days = library.days["kz_production"]
    every = [
        date(year, 1, 1) + timedelta(days=number) for number in range((date(year + 1, 1, 1) - date(year, 1, 1)).days)
    ]

    wrong = [
        day
        for day in every
        if days.is_open(day)
        is not (day in WORKED or (day.weekday() < 5 and day.day not in CLOSED[year].get(day.month, ())))
    ]

    assert wrong == []
    assert sum(map(days.is_open, every)) == WORKING_DAYS[year]


@pytest.mark.parametrize("year", [2023, 2028])
def test_a_year_without_a_table_is_an_error_and_never_a_year_without_holidays(library, year):
    with pytest.raises(CalendarMissing) as refused:
        library.days["kz_production"].is_open(date(year, 6, 1))

    assert (refused.value.calendar, refused.value.year) == ("kz_production", year)


def test_counting_into_a_missing_year_is_an_error_too(exchange):
    with pytest.raises(CalendarMissing):
        exchange.open_day_after(date(2027, 12, 30), 2)


def test_the_day_after_which_nothing_is_asked_of_the_missing_year_can_still_be_counted(exchange):
    assert exchange.open_day_after(date(2027, 12, 30), 1) == date(2027, 12, 31)


def test_a_moved_working_day_is_open_only_where_no_weekdays_are_named(library):
    sunday = date(2025, 1, 5)

    assert library.hours["exchange-0900-1800"].is_open_on(sunday)
    assert not library.hours["portal-0900-1830"].is_open_on(sunday)


def test_the_newest_version_of_a_year_holds(library):
    assert library.days["kz_production"].is_open(date(2026, 8, 31))
    assert library.days["kz_production"].tables[2026].version == 2
