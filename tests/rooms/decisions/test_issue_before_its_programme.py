"""An issue at the meeting while its programme is not decided: nothing is adopted that could not be recorded."""

from __future__ import annotations

import pytest
from factories import person, refetched

from app import db
from app.applications import effects, filing, moves
from app.applications.models import Application
from app.decisions import sitting
from app.decisions.models import AgendaItem, ItemState
from app.errors import Conflict
from app.web import here
from app.workflows.guards import Position

INCLUDE = "include"


def led(procedure: str, process: str, parent: Application | None = None) -> Application:
    """Return an application of the other issuer that stands in a process as if it had been sent and led there."""
    author, now = person("other_issuer"), here.now()
    company, number = author.organisation, parent.number if parent else ""
    found = filing.create(procedure, company_id=company.id, author=author, parent=number, now=now)
    also = {"submitted_at": now, "sent_at": now}
    moves.stand_at(found, Position(process, {}), act="led", by=author, now=now, also=also)
    return found


def decide(programme: Application, outcome: str) -> None:
    now, by = here.now(), person("secretary")
    effects.save_answers(programme, "decision", {"decision": {"outcome": outcome}}, by=by, now=now)


@pytest.fixture
def programme(house) -> Application:
    return led("bond_programme", "decision")


@pytest.fixture
def item(secretary, programme):
    """The issue on the agenda of a meeting that sits today."""
    meeting = secretary.meeting(led("bond_listing", "meeting", programme))
    secretary.attend(meeting)
    return meeting.items[0]


def test_what_could_not_be_recorded_is_not_voted_on(secretary, item):
    with pytest.raises(Conflict) as refused:
        secretary.vote(item, INCLUDE)

    assert refused.value.key == "workflow.err.condition"
    assert "программы" in refused.value.params["words"].words["ru"]
    secretary.vote(item, "refuse")
    assert sitting.barrier(item.application, "refuse") is None


def test_it_is_voted_on_once_the_programme_is_included(secretary, item, programme):
    decide(programme, INCLUDE)

    secretary.vote(item, INCLUDE)

    with pytest.raises(Conflict, match=r"meetings\.err\.adopted"):
        sitting.put_off(item, reason="Себебі", seen=item.meeting.version, by=secretary.user, now=secretary.now)


def test_what_was_adopted_and_cannot_be_recorded_any_more_is_postponed(secretary, browser, item, programme):
    decide(programme, INCLUDE)
    secretary.vote(item, INCLUDE)
    decide(programme, "refuse")
    ident, path = item.id, f"/meetings/{item.meeting_id}/items/{item.id}"
    page = browser("secretary").get(path)
    assert page.one(data_note="held") is not None
    assert page.all(name="postpone_reason")
    assert not page.all(data_form="decision")

    item = db.session.get_one(AgendaItem, ident)
    sitting.put_off(item, reason="Себебі", seen=item.meeting.version, by=person("secretary"), now=secretary.now)

    assert item.state == ItemState.POSTPONED


def test_the_secretary_is_told_the_programme_and_what_is_waited_for(secretary, browser, item, programme):
    someone = browser("secretary")
    number, within = item.application.number, programme.number
    for path in (f"/meetings/{item.meeting_id}/items/{item.id}", f"/meetings/of/{number}"):
        page = someone.get(path)
        assert page.one(data_parent=within) is not None
        assert page.one(data_note="parent") is not None


def test_no_agenda_is_offered_to_what_does_not_wait_for_one(secretary, browser, programme):
    issue = led("bond_listing", "completeness", programme)
    secretary.meeting(days=3, appointed=False)

    page = browser("secretary").get(f"/meetings/of/{issue.number}")

    assert page.one(data_key="meetings.err.not_waiting") is not None
    assert not page.all(name="act", value="put_on")
    assert not page.all(data_key="meetings.new")
    assert refetched(issue).process == "completeness"
