"""Changes of a body's members and votes of its meetings stand in line: two connections of PostgreSQL at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from commission import Secretary
from factories import application_at, person

from app import db
from app.bodies.voting import Choice
from app.decisions import membership, queries, sitting
from app.decisions.models import Meeting
from app.errors import Invalid
from app.web import clock, here

BODY = "listing_commission"
"""Of a body that has sat today no office could begin or end today anyway."""

WAITS = 1.5
"""Seconds after which an act that has not come to its end is taken to stand in line."""


@pytest.fixture
def house_of_its_own(live):
    """A house on a database whose transactions really run side by side."""
    if live.engine.dialect.name != "postgresql":
        pytest.skip("SQLite lets one transaction write at a time")
    return live


@pytest.fixture
def sitting_meeting(house_of_its_own) -> tuple[int, int]:
    """The latest meeting of its body, tomorrow, with everybody there: its id, and that of its only item."""
    clock.move(house_of_its_own.config, "+1d")  # the demo's own meetings are over by then
    with db.transaction():
        secretary = Secretary(here.now())
        meeting = secretary.meeting(application_at("meeting"), body=BODY)
        secretary.attend(meeting, len(queries.voters(meeting)))
        return meeting.id, meeting.agenda[0].id


def in_line(house, first: Callable[[], object], second: Callable[[], object]) -> tuple[bool, object]:
    """Do ``first`` in an open transaction and meanwhile ``second`` in another; then commit the first.

    Returns whether the second waited for that, and what it gave or raised.
    """
    results: list[object] = []

    def run() -> None:
        with house.app.app_context():
            try:
                with db.transaction():
                    results.append(second())
            except Exception as failure:  # told to the test
                results.append(failure)

    thread = threading.Thread(target=run)
    with db.transaction():
        first()
        thread.start()
        thread.join(WAITS)
        waited = thread.is_alive()
    thread.join(30)
    assert not thread.is_alive()
    return waited, results[0]


def vote(meeting_id: int, item_id: int) -> None:
    """Record the votes of all who hold an office with a vote, as the page does."""
    meeting = queries.meeting(meeting_id, for_update=True)
    item = queries.item(meeting, item_id)
    cast = {member.id: str(Choice.FOR) for member in queries.voters(meeting)}
    given = {"choices": cast, "opinions": {}, "seen": meeting.version, "by": person("secretary"), "now": here.now()}
    sitting.vote(item, proposal="include", **given)


def leave(meeting_id: int) -> str:
    """Let a member with a vote leave his office on the meeting's day; return his name."""
    meeting = db.session.get_one(Meeting, meeting_id)
    member = queries.voters(meeting)[-1]
    membership.end_membership(member.id, until=meeting.day, by=person("secretary"), now=here.now())
    return member.name


def test_an_office_does_not_end_under_a_vote_that_is_being_recorded(house_of_its_own, sitting_meeting):
    meeting_id, item_id = sitting_meeting

    waited, outcome = in_line(house_of_its_own, lambda: vote(meeting_id, item_id), lambda: leave(meeting_id))

    assert waited
    assert isinstance(outcome, Invalid)
    assert [problem.key for problem in outcome.problems] == ["meetings.err.sat"]
    [item] = queries.meeting(meeting_id).agenda
    assert {row.member_id for row in item.votes} == {member.id for member in queries.voters(item.meeting)}


def test_a_vote_counts_the_members_as_the_change_before_it_left_them(house_of_its_own, sitting_meeting):
    meeting_id, item_id = sitting_meeting
    before = len(queries.voters(queries.meeting(meeting_id)))
    db.session.remove()

    waited, outcome = in_line(house_of_its_own, lambda: leave(meeting_id), lambda: vote(meeting_id, item_id))

    assert waited
    assert outcome is None
    meeting = queries.meeting(meeting_id)
    voters = queries.voters(meeting)
    assert len(voters) == before - 1
    assert {row.member_id for row in queries.item(meeting, item_id).votes} == {member.id for member in voters}


def test_two_do_not_become_chair_at_once(house_of_its_own):
    body, since = BODY, queries.local_day(here.now()) + timedelta(days=30)
    with db.transaction():
        for member in queries.members(body, since):
            if member.office == "chair":
                membership.end_membership(member.id, until=since, by=person("secretary"), now=here.now())

    def become(name: str) -> None:
        given = {"user_id": None, "name": name, "position": "", "office": "chair", "since": since}
        membership.add_member(body, **given, by=person("secretary"), now=here.now())

    waited, outcome = in_line(house_of_its_own, lambda: become("Бірінші Төраға"), lambda: become("Екінші Төраға"))

    assert waited
    assert isinstance(outcome, Invalid)
    assert [problem.key for problem in outcome.problems] == ["meetings.err.office_held"]
