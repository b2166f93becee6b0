"""What holds of every clock: moving and measuring undo each other, and pauses only ever cost what they last."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from local_moments import at, told

from app.business_calendar import clocks
from app.business_calendar.clocks import Pause, Target, Unit
from app.business_calendar.days import DayCalendar
from app.business_calendar.hours import ServiceHours

MINUTE = timedelta(minutes=1)
DESKS = ("exchange-0900-1800", "portal-0900-1830", "openapi-desk-0840-1740", "always")
moments = st.datetimes(datetime(2024, 1, 3), datetime(2027, 9, 30)).map(lambda found: found.replace(tzinfo=UTC))
amounts = st.integers(0, 60 * 200).map(lambda number: number * MINUTE)
desks = st.sampled_from(DESKS)
targets = st.builds(Target, st.sampled_from(Unit), st.integers(1, 30))


@given(desk=desks, start=moments, amount=amounts)
def test_measuring_what_was_moved_gives_the_amount_back(library, desk, start, amount):
    hours = library.hours[desk]

    assert hours.measure(start, hours.advance(start, amount)) == amount


@given(desk=desks, start=moments, amount=amounts.filter(bool))
def test_no_earlier_moment_would_do(library, desk, start, amount):
    hours = library.hours[desk]
    end = hours.advance(start, amount)

    assert hours.measure(start, end - timedelta(microseconds=1)) < amount


@given(desk=desks, marks=st.lists(moments, min_size=3, max_size=3).map(sorted))
def test_open_time_adds_up(library, desk, marks):
    first, middle, last = marks
    hours = library.hours[desk]

    assert hours.measure(first, middle) + hours.measure(middle, last) == hours.measure(first, last)


@given(desk=desks, moment=moments)
def test_acceptance_is_open_and_no_open_time_lies_before_it(library, desk, moment):
    hours = library.hours[desk]
    accepted = hours.accepted(moment)

    assert hours.is_open(accepted)
    assert hours.measure(moment, accepted) == timedelta()


@given(desk=desks, target=targets, start=moments, marks=st.lists(moments, max_size=8, unique=True).map(sorted))
def test_the_clock_counts_the_same_time_with_pauses_as_without(library, desk, target, start, marks):
    hours = library.hours[desk]
    begun = hours.accepted(start)
    pauses = [Pause(first, last) for first, last in list(pairwise(marks))[::2]]
    plain, due = target.due(begun, hours), clocks.read(target, begun, pauses, hours).due
    assert due is not None

    stood = sum(
        (target.measure(max(each.start, begun), min(each.end, due), hours) for each in pauses if each.start < due),
        timedelta(),
    )

    assert target.measure(begun, due, hours) - stood == target.measure(begun, plain, hours)


@given(desk=desks, target=targets, start=moments, marks=st.lists(moments, min_size=2, max_size=2).map(sorted))
def test_an_answer_one_minute_later_never_makes_it_due_earlier(library, desk, target, start, marks):
    hours = library.hours[desk]
    begun = hours.accepted(start)

    sooner = clocks.read(target, begun, [Pause(marks[0], marks[1])], hours).due
    later = clocks.read(target, begun, [Pause(marks[0], marks[1] + MINUTE)], hours).due

    assert sooner is not None
    assert later is not None
    assert sooner <= later


@given(desk=desks, target=targets, start=moments)
def test_three_quarters_come_before_the_whole(library, desk, target, start):
    hours = library.hours[desk]
    begun = hours.accepted(start)
    whole = target.measure(begun, target.due(begun, hours), hours)

    early = clocks.read(target, begun, [], hours, share=Fraction(3, 4)).due

    assert early is not None
    assert abs(target.measure(begun, early, hours) - whole * 3 / 4) <= timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("start", "pause", "due"),
    [
        ("2026-04-27 10:00", ("2026-04-30 12:00", "2026-05-12 12:00"), "2026-05-14 18:00"),  # over May's holidays
        ("2024-04-29 10:00", ("2024-05-02 09:00", "2024-05-04 09:00"), "2024-05-13 18:00"),  # a worked Saturday counts
        ("2025-01-02 10:00", ("2025-01-04 10:00", "2025-01-05 13:00"), "2025-01-14 13:00"),  # a worked Sunday
    ],
)
def test_a_pause_across_moved_days_costs_only_the_open_time_in_it(exchange, start, pause, due):
    stood = Pause(at(pause[0]), at(pause[1]))

    found = clocks.read(Target(Unit.WORKING_DAYS, 5), exchange.accepted(at(start)), [stood], exchange)

    assert told(found.due) == due


def test_an_amended_table_moves_what_is_due_with_all_pauses_replayed(exchange):
    """Version 1 of 2026 had 31 August off; what ran over it is due a day earlier by version 2 (R12)."""
    tables = exchange.days.tables
    august = date(2026, 8, 31)
    first = replace(tables[2026], version=1, days_off=tables[2026].days_off | {august})
    before = ServiceHours("before", DayCalendar("before", {**tables, 2026: first}), exchange.openings)
    target, start = Target(Unit.WORKING_DAYS, 5), at("2026-08-24 10:00")
    pauses = [Pause(at("2026-08-25 09:00"), at("2026-08-26 18:00"))]

    assert told(clocks.read(target, start, pauses, before).due) == "2026-09-03 18:00"
    assert told(clocks.read(target, start, pauses, exchange).due) == "2026-09-02 18:00"


def test_while_a_pause_is_open_the_time_that_remains_is_kept(exchange):
    found = clocks.read(
        Target(Unit.WORKING_HOURS, 8), at("2026-05-06 10:00"), [Pause(at("2026-05-06 12:30"))], exchange
    )

    assert found.due is None
    assert found.remaining == timedelta(hours=5, minutes=30)
