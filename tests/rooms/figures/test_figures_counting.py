"""What figures count, out of moves alone: stays, pauses, holidays, rework, terms, paths; no database."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from app import config
from app.applications import clocks
from app.business_calendar import definitions as calendars
from app.business_calendar.days import ZONE
from app.business_calendar.totals import OpenTotals
from app.config import ROOT
from app.figures import counting
from app.figures.cases import NONE, Case, Entered, Kept, returns, told
from app.figures.counting import Chosen, Groups, Item
from app.workflows import definitions as workflows

NOW = datetime(2026, 6, 1, 4, tzinfo=UTC).timestamp()
CHOSEN = Chosen(date(2026, 1, 1), date(2026, 6, 1))


@cache
def hours():
    found, faults = calendars.load(config.read({"KEZEN_ENV": "test"}).calendars, ROOT)
    assert not faults
    return found.hours[clocks.HOURS]


@cache
def totals():
    return OpenTotals(hours())


@cache
def procedures():
    return workflows.load(Path(ROOT) / "workflows", Path(ROOT))[0]


def at(words):
    """Return the moment of "03-02 10:00" of 2026 in Kazakhstan's time."""
    return datetime.strptime(f"2026-{words}", "%Y-%m-%d %H:%M").replace(tzinfo=ZONE).timestamp()


def case(*steps, ident=1, key="share_listing", outcome="", kept=()):
    """Return a case out of (process, moment) pairs; it came to the Exchange by the first of them."""
    procedure = procedures().get(key)
    sources = ("first_head", *(process for process, _ in steps))
    moves = [
        (next((way.trigger for way in procedure.transitions if (way.source, way.target) == (source, process)), "led"),
         source, process, at(moment))
        for source, (process, moment) in zip(sources, steps, strict=False)
    ]  # fmt: skip
    path, moments, opened = told(procedure, moves, -math.inf, totals().until)
    times = returns(procedure, [entered.process for entered in path])
    return Case(ident, f"LP-{ident}", procedure, path, moments, opened, outcome, (), tuple(kept), times)


def days(item, *, working=False):
    length = hours().day_length.total_seconds()
    return round(item.open / length if working else (item.end - item.start) / counting.DAY, 2)


def test_open_totals_measure_as_the_hours_do():
    chance = random.Random(1)
    first = datetime(2024, 1, 1, tzinfo=ZONE)
    for _ in range(400):
        begin = first + timedelta(minutes=chance.randint(0, 3 * 365 * 1440))
        end = begin + timedelta(minutes=chance.randint(0, 40 * 1440), seconds=chance.randint(0, 59))
        expected = hours().measure(begin, end).total_seconds()

        found = totals().until(end.timestamp()) - totals().until(begin.timestamp())

        assert found == pytest.approx(expected), (begin, end)


@pytest.mark.parametrize("year", [2023, 2028])
def test_a_year_without_a_table_is_never_measured_as_if_it_had_none_closed(year):
    assert math.isnan(totals().until(datetime(year, 6, 1, tzinfo=ZONE).timestamp()))


@pytest.mark.parametrize(
    ("begun", "left", "working", "passed"),
    [
        ("03-02 09:00", "03-02 18:00", 1, 0.38),  # a whole working day, its break included in neither
        ("03-06 09:00", "03-10 09:00", 1, 4),  # over a weekend and a day off moved from it
        ("03-20 18:00", "03-26 09:00", 0, 5.62),  # Nauryz: nothing but days off
        ("03-02 20:00", "03-03 08:00", 0, 0.5),  # a night
    ],
)
def test_a_stay_is_measured_in_working_and_in_calendar_days(begun, left, working, passed):
    [item] = counting.stays([case(("registration", begun), ("completeness", left))], CHOSEN, NOW)

    assert item.key == ("exchange", "share_listing", "registration")
    assert (days(item, working=True), days(item)) == (working, passed)


LOOPED = (
    ("registration", "03-02 09:00"), ("completeness", "03-03 09:00"), ("rework", "03-04 09:00"),
    ("rework_approval", "03-11 09:00"), ("completeness", "03-12 09:00"), ("expertise", "03-13 09:00"),
    ("rework", "03-16 09:00"), ("rework_approval", "03-17 09:00"), ("rework", "03-18 09:00"),
    ("rework_approval", "03-19 09:00"), ("expertise", "03-20 09:00"),
)  # fmt: skip


def test_who_comes_to_a_process_twice_has_stayed_there_twice_and_a_running_stay_is_none():
    found = Groups(counting.stays([case(*LOOPED)], CHOSEN, NOW))

    assert found.count("exchange", "share_listing", "completeness") == 2
    assert found.count("exchange", "share_listing", "expertise") == 1  # the second one goes on
    assert found.count("applicant") == 6
    assert found.count() == len(LOOPED) - 1


def test_a_return_for_rework_is_counted_once_however_often_the_first_head_sends_it_back():
    assert case(*LOOPED).returns == 2
    assert case(("registration", "03-02 09:00"), ("completeness", "03-03 09:00")).returns == 0


def test_what_the_exchange_begins_goes_to_the_organisation_once_without_being_rework():
    procedure = procedures().get("auditor_monitoring")
    theirs = next(key for key, each in procedure.processes.items() if each.executor == "respondent")
    ours = procedure.initial

    assert returns(procedure, [ours, theirs, "check"]) == 0
    assert returns(procedure, [ours, theirs, ours, theirs]) == 1


def test_before_the_first_sending_nothing_is_counted():
    procedure = procedures().get("share_listing")
    moves = [("create", "", "filling", 1.0), ("send_for_approval", "filling", "first_head", 2.0),
             ("send_file", "first_head", "registration", 3.0)]  # fmt: skip

    path, moments, _ = told(procedure, moves, 3.0, lambda moment: moment)

    assert [entered.process for entered in path] == ["registration"]
    assert moments == (3.0,)


def test_the_role_of_an_act_is_the_workflow_files_and_a_timers_is_the_systems():
    procedure = procedures().get("share_listing")
    moves = [("send_file", "first_head", "registration", 1.0), ("register", "registration", "completeness", 2.0),
             ("not_answered", "rework", "unanswered", 3.0)]  # fmt: skip

    path, _, _ = told(procedure, moves, 0.0, lambda moment: moment)

    assert [entered.role for entered in path] == ["first_head", "chancery", "system"]


@pytest.mark.parametrize(
    ("end", "due", "known", "expected"),
    [
        ("03-05 10:00", "03-05 18:00", True, ("met", "03-05 10:00")),
        ("03-05 18:00", "03-05 18:00", True, ("met", "03-05 18:00")),  # at the very moment
        ("03-09 10:00", "03-05 18:00", True, ("late", "03-05 18:00")),  # late when it was due, whatever came after
        ("", "03-05 18:00", True, ("late", "03-05 18:00")),
        ("", "07-05 18:00", True, None),  # it runs
        ("", "", True, None),  # it stands still
        ("", "", False, None),  # it cannot be reckoned
    ],
)
def test_a_term_is_settled_when_it_ends_in_time_or_when_it_was_due(end, due, known, expected):
    kept = Kept("t", at("03-02 09:00"), at(end) if end else NONE, at(due) if due else NONE, known)

    found = [
        (item.key[-1], item.end)
        for item in counting.settled([case(("registration", "03-02 09:00"), kept=[kept])], CHOSEN, NOW)
    ]

    assert found == ([(expected[0], at(expected[1]))] if expected else [])


@pytest.mark.parametrize(
    ("due", "known", "expected"),
    [
        (NOW - 1, True, "late"), (NOW, True, "late"), (NOW + 3 * counting.DAY, True, "soon"),
        (NOW + 3 * counting.DAY + 1, True, "later"), (NONE, True, "paused"), (NONE, False, "unknown"),
    ],
)  # fmt: skip
def test_how_a_running_term_stands(due, known, expected):
    assert counting.state(due, known, NOW) == expected


@pytest.mark.parametrize(("age", "band"), [(0, "0"), (6.9, "0"), (7, "1"), (30, "2"), (89.9, "2"), (90, "3")])
def test_the_bands_of_age(age, band):
    assert counting.band(age) == band


@pytest.mark.parametrize(
    ("values", "median", "ninth", "longest"),
    [
        ([], None, None, None),
        ([4, 6], None, None, 6),  # two say nothing of what is usual
        ([1, 9, 5], 5, 9, 9),
        ([1, 2, 3, 10], 2.5, 10, 10),
        (list(range(1, 11)), 5.5, 9, 10),
    ],
)
def test_median_and_ninetieth_percentile(values, median, ninth, longest):
    one = case(("registration", "03-02 09:00"))
    found = counting.times([Item(one, (), 0.0, value * counting.DAY) for value in values])

    assert (found.median, found.ninth, found.longest, found.count) == (median, ninth, longest, len(values))


def test_paths_are_one_variant_by_their_processes_whatever_their_moments():
    straight = (("registration", "03-02 09:00"), ("refused", "03-03 09:00"))
    other = (("registration", "04-02 09:00"), ("completeness", "04-03 09:00"), ("withdrawn", "04-06 09:00"))
    cases = [
        case(*straight, outcome="registration_refused"),
        case(("registration", "04-01 09:00"), ("refused", "04-09 09:00"), ident=2, outcome="registration_refused"),
        case(*other, ident=3, outcome="withdrawn"),
        case(("registration", "05-04 09:00"), ident=4),  # alive: none yet
    ]

    found = Groups(counting.variants(cases, CHOSEN, NOW))

    assert [len(found.of(*key)) for key in found.ranked()] == [2, 1]


def test_a_way_that_the_present_version_has_not_is_told():
    procedure = procedures().get("share_listing")
    keys = [
        ("share_listing", "registration", "completeness", "register"),
        ("share_listing", "meeting", "rework", "old"),
    ]

    found = counting.gone(keys, [(way.source, way.target, way.trigger) for way in procedure.transitions])

    assert found == [keys[1]]


def test_the_period_ends_with_its_last_date_in_kazakhstan():
    chosen = Chosen(date(2026, 3, 3), date(2026, 3, 3))
    steps = [("03-02 23:59", 0), ("03-03 00:00", 1), ("03-03 23:59", 1), ("03-04 00:00", 0)]
    for moment, expected in steps:
        one = case(("registration", "03-01 09:00"), ("completeness", moment))
        assert len(list(counting.stays([one], chosen, NOW))) == expected, moment


def test_months_and_weeks_of_a_period():
    chosen = Chosen(date(2025, 11, 30), date(2026, 2, 1))

    assert counting.months(chosen) == ["2025-11", "2025-12", "2026-01", "2026-02"]
    assert counting.weeks(chosen)[0] == "2025-11-24"
    assert counting.weeks(chosen)[-1] == "2026-01-26"
    assert counting.week(at("01-04 23:30")) == "2025-12-29"


def test_a_path_keeps_its_name():
    path = (Entered("a", "x", "r"), Entered("b", "y", "r"))

    assert counting.mark(path) == counting.mark((Entered("a", "other", "r"), Entered("b", "y", "q")))
    assert counting.mark(path) != counting.mark(path[:1])


def test_what_waits_on_the_exchange_is_his_who_holds_it_or_lies_in_the_queue():
    one = replace(case(("registration", "05-01 09:00"), ("expertise", "05-04 09:00")), waits=("listing", "lawyer"))
    other = replace(case(("rework", "05-04 09:00"), ident=2), waits=("author",))
    holders = {1: {"lawyer": ("7", NOW - counting.DAY)}, 2: {}}

    found = [item.key for item in counting.held([one, other], CHOSEN, NOW, holders)]

    assert found == [(counting.QUEUE, "listing", "1"), ("7", "lawyer", "0")]
