"""When requests are due: the published examples, and more of each rule."""

from __future__ import annotations

import csv
from datetime import datetime
from pathlib import Path

import pytest
from local_moments import at, told

from app.business_calendar.clocks import Pause
from app.errors import Invalid, NotFound

HERE = Path(__file__).parent
PUBLISHED = list(csv.DictReader((HERE / "published_examples.csv").read_text(encoding="utf-8").splitlines()))


def pauses_of(text):
    found = []
    for each in text.split():
        start, _, end = each.partition("/")
        found.append(Pause(datetime.fromisoformat(start), datetime.fromisoformat(end) if end else None))
    return found


@pytest.mark.parametrize("row", PUBLISHED, ids=[row["id"] for row in PUBLISHED])
def test_the_published_examples_come_out_to_the_minute(library, row):
    received = datetime.fromisoformat(row["received_at"])

    due = library.policy(row["policy"]).due(row["case"], received, pauses_of(row["pauses"]))

    for name in ("accepted_at", "response_due", "resolution_due", "auto_close_at"):
        expected = datetime.fromisoformat(row[name]) if row[name] else None
        assert getattr(due, name) == expected, name


@pytest.mark.parametrize(
    ("policy", "case", "received", "accepted", "due"),
    [
        ("exchange", "P1", "2026-02-11 18:00", "2026-02-12 09:00", "2026-02-12 11:00"),  # closed at the closing moment
        ("exchange", "P1", "2026-02-11 09:00", "2026-02-11 09:00", "2026-02-11 11:00"),  # open at the opening moment
        ("exchange", "P5", "2026-02-11 10:00", "2026-02-11 10:00", ""),  # not set by the regulation
        ("exchange", "P4", "2024-05-03 17:00", "2024-05-03 17:00", "2024-05-04 16:00"),  # a moved working Saturday
        ("exchange", "P2", "2026-08-28 16:00", "2026-08-28 16:00", "2026-08-31 11:00"),  # open by version 2 alone
        ("portal", "basic", "2025-01-04 12:00", "2025-01-06 09:00", "2025-01-10 18:30"),  # the desk shuts on Sundays
        ("portal", "individual.error_letter.L3", "2026-04-20 10:00", "2026-04-20 10:00", "2026-05-05 10:00"),
        ("openapi", "critical", "2026-01-01 03:00", "2026-01-01 03:00", "2026-01-01 04:00"),
        ("openapi", "high", "2026-02-10 12:40", "2026-02-10 13:40", "2026-02-11 13:40"),  # first moment of the break
        ("openapi", "medium", "2024-02-28 12:00", "2024-02-28 12:00", "2024-03-02 12:00"),  # the zone moves: same clock
        ("openapi", "low", "2026-02-13 19:00", "2026-02-16 08:40", "2026-02-23 08:40"),
        ("service-block", "block", "2026-02-14 23:50", "2026-02-14 23:50", "2026-02-15 00:05"),
        (
            "profile-change",
            "change",
            "2026-05-06 12:00",
            "2026-05-06 12:00",
            "2026-05-13 18:00",
        ),  # two holidays between
    ],
)
def test_a_target_runs_in_the_time_its_policy_counts(library, policy, case, received, accepted, due):
    found = library.policy(policy).due(case, at(received), [])

    assert (told(found.accepted_at), told(found.resolution_due)) == (accepted, due)


def test_hours_of_a_day_with_a_longer_night_are_elapsed_hours(library):
    found = library.policy("openapi").due("high", at("2024-02-29 14:00"), [])

    assert told(found.resolution_due) == "2024-03-01 13:00"  # the clocks went back an hour that night


@pytest.mark.parametrize(
    ("pauses", "due"),
    [
        ("2026-05-06T16:00+05:00/2026-05-12T10:00+05:00", "2026-05-12 12:00"),  # over 7, 9, 10 and 11 May
        ("2025-01-02T10:00+05:00/2025-01-05T10:00+05:00", "2026-05-06 18:00"),  # before the clock: changes nothing
        ("2026-05-06T18:00+05:00/2026-05-12T10:00+05:00", "2026-05-06 18:00"),  # from the due moment on: neither
        ("2026-05-06T11:00+05:00/2026-05-06T12:00+05:00 2026-05-06T14:00+05:00/2026-05-08T09:30+05:00",
         "2026-05-08 14:30"),
        ("2026-05-06T16:00+05:00/", ""),
    ],
    ids=["over-holidays", "before-the-start", "at-the-due-moment", "two", "open"],
)  # fmt: skip
def test_the_resolution_clock_stops_in_a_pause(library, pauses, due):
    found = library.policy("exchange").due("P4", at("2026-05-06 10:00"), pauses_of(pauses))

    assert told(found.resolution_due) == due
    assert told(found.accepted_at) == "2026-05-06 10:00"


def test_the_response_clock_never_stops(library):
    found = library.policy("portal").due("basic", at("2026-02-09 11:00"), [Pause(at("2026-02-09 12:00"))])

    assert told(found.response_due) == "2026-02-10 18:30"
    assert found.resolution_due is None


@pytest.mark.parametrize(
    ("answered", "due"),
    [("2026-09-09 14:29", "2026-09-15 16:59"), ("2026-09-09 14:30", ""), ("2026-09-10 10:00", "")],
    ids=["in-time", "at-that-very-moment", "too-late"],
)
def test_only_an_answer_strictly_before_the_automatic_close_ends_the_pause(library, answered, due):
    pause = Pause(at("2026-09-08 16:00"), at(answered))

    found = library.policy("portal").due("individual.consultation", at("2026-09-07 10:00"), [pause])

    assert told(found.auto_close_at) == "2026-09-09 14:30"
    assert told(found.resolution_due) == due


def test_a_question_asked_at_night_closes_after_hours_from_the_next_morning(library):
    pause = Pause(at("2026-05-08 20:00"))

    found = library.policy("portal").due("basic", at("2026-05-08 10:00"), [pause])

    assert told(found.auto_close_at) == "2026-05-12 17:00"


def test_pauses_that_cannot_have_been_are_refused(library):
    policy = library.policy("exchange")

    for pauses in ("2026-05-06T12:00+05:00/2026-05-06T11:00+05:00", "2026-05-06T11:00+05:00/ 2026-05-06T12:00+05:00/"):
        with pytest.raises(Invalid):
            policy.due("P4", at("2026-05-06 10:00"), pauses_of(pauses))


def test_an_unknown_policy_or_case_is_not_found(library):
    with pytest.raises(NotFound):
        library.policy("nosuch")
    with pytest.raises(NotFound):
        library.policy("exchange").due("P9", at("2026-05-06 10:00"), [])
