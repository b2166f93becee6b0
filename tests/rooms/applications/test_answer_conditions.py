"""Conditions on answers, decision tables and terms made longer, as people meet them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import papers
import pytest
from browser import signed_in, words
from factories import application_at, led, messages_of, person, refetched
from sqlalchemy import select

from app import db, pdf
from app.applications import answering, beginning, clocks, conditions, extending, filing, moves, queries
from app.applications.answering import Typed
from app.applications.beginning import Beginner
from app.applications.models import Application, CalendarBegin, History
from app.business_calendar.days import ZONE
from app.business_calendar.hours import local_date
from app.demo import stories
from app.demo.stories import Story
from app.errors import Conflict, Invalid, NotPermitted
from app.sandbox.pki import SandboxPki
from app.workflows.guards import StageStatus

pages_only = pytest.mark.parametrize("database", ["sqlite"])


@pytest.fixture
def teller(house, monkeypatch):
    """Whoever leads a change of category from premium to standard."""
    monkeypatch.setattr(stories, "paper", papers.pdf)
    monkeypatch.setattr(pdf, "render", lambda html: papers.pdf(str(len(html))))
    pki = SandboxPki.open(house.config.var / "sandbox", environment=house.config.env)
    return stories._Teller(Story("BRKT", "archived", with_adviser=False, procedure="category_change"), 88, pki)


def answered(teller, now="main_premium", asked="main_standard"):
    application = teller.begun()
    teller.wanted = {"place_now": now, "place_asked": asked}
    teller.fill(application, ("change",))
    return application


def test_a_stage_stands_only_while_its_condition_holds(teller):
    application = answered(teller)
    status = queries.position(application).status

    assert (status("share_requirements"), status("debt_requirements")) == ("not_started", "skipped")
    author, nothing = teller.person("author"), Typed({"debt_package-platform": ["main"]})
    with pytest.raises(Conflict):
        answering.save(application, "debt_requirements", nothing, by=author, done=False, now=teller.now)

    teller.fill(application, ("share_requirements",))
    teller.wanted = {"place_now": "main_debt", "place_asked": "alternative_debt"}
    teller.fill(application, ("change",))

    assert queries.position(application).status("share_requirements") is StageStatus.SKIPPED
    assert queries.position(application).status("debt_requirements") is StageStatus.NOT_STARTED
    assert "share_requirements" in queries.answers(application)  # set aside with its stage, not lost


def test_tables_decide_who_reviews_how_long_it_takes_and_which_body_decides(house, teller):
    application = answered(teller)
    teller.lead(application, "completeness")
    consideration = next(
        each for each in clocks.of([application])[application.id] if each.run.term.key == "consideration"
    )
    assert consideration.run.working_days == 10

    teller.lead(application, "expertise")
    status = queries.position(application).status
    assert (status("legal_review"), status("financial_review")) == ("not_started", "skipped")

    teller.lead(application, "meeting")
    assert conditions.chosen(application)["body"].row.key == "standard_from_premium"
    [way] = [each for each in queries.procedure(application).transitions if each.trigger == "schedule_meeting"]
    teller.wanted = {"body": "listing_commission"}
    teller.fill(application, ("meeting",))
    with pytest.raises(Conflict) as refused, db.session.begin_nested():
        teller.fire(application, "schedule_meeting", "secretary")
    assert "кестесінде" in str(refused.value.params["words"].words["kk"])

    teller.wanted = {"body": "management_board"}
    teller.fill(application, ("meeting",))
    teller.fire(application, way.trigger, way.by)
    teller.lead(application, "letter")
    [letter] = [each for each in clocks.of([application])[application.id] if each.run.term.key == "letter"]
    meeting = date.fromisoformat(application.meeting_at)
    assert local_date(letter.due) == clocks.hours().open_day_after(meeting, 3)  # not from entering

    number = application.number
    db.session.commit()
    for who, told in (("listing", {"body", "term", "departments"}), ("other_issuer", {"body", "term"})):
        page = signed_in(house, who, "ru").get(f"/applications/{number}")
        assert {each.get("data-ruling") for each in page.root.iter() if each.get("data-ruling")} == told
        assert "Решение принимает Правление Биржи" in words(page.root)
        assert ("финансовый анализ не нужен" in words(page.root)) is (who == "listing")


# terms made longer


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


TO_REWORK = (
    ("filling", at("2026-03-02 09:30")),
    ("first_head", at("2026-03-02 09:40")),
    ("registration", at("2026-03-02 10:00")),
    ("completeness", at("2026-03-03 11:00")),
    ("rework", at("2026-03-05 12:00")),
)
NOW = at("2026-03-10 10:00")


def test_the_exchange_makes_a_term_longer_once_with_a_reason_and_the_applicant_is_told(house):
    application = led("issuer", *TO_REWORK)
    listing, seen = person("listing"), application.version
    with pytest.raises(Invalid):
        extending.extend(application, "rework", reason=" ", by=listing, seen=seen, now=NOW)
    with pytest.raises(NotPermitted):
        extending.extend(application, "rework", reason="Сұрау", by=person("issuer"), seen=seen, now=NOW)

    extending.extend(application, "rework", reason="Аудит ұзаққа созылды", by=listing, seen=seen, now=NOW)

    application = refetched(application)
    [clock] = [each for each in clocks.of([application])[application.id] if each.run.term.key == "rework"]
    assert clock.due == at("2026-04-08 18:00")  # twenty working days from the 5th of March, the holidays left out
    assert messages_of(person("issuer"))[0].message == "notice.term_extended"
    for again, reason in ((seen, "app.err.moved"), (application.version, "extension.err.used")):
        with pytest.raises(Conflict) as refused:
            extending.extend(application, "rework", reason="Тағы", by=listing, seen=again, now=NOW)
        assert refused.value.key == reason


def test_what_is_over_is_not_made_longer(house):
    application = led("issuer", *TO_REWORK)

    late = NOW + timedelta(days=30)
    with pytest.raises(Conflict) as refused:
        extending.extend(application, "rework", reason="Кеш", by=person("listing"), seen=application.version, now=late)

    assert refused.value.key == "clock.err.over"


# what the calendar begins


def test_the_calendar_begins_what_is_due_once_however_long_the_worker_was_away(house, monkeypatch):
    listed = application_at("archived").organisation_id
    day, weeks_later = "2027-01-15", at("2027-02-22 10:00")
    assert Beginner().keep(now=at("2027-01-14 23:00")) == 0

    monkeypatch.setattr(beginning.moves, "tell", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):  # killed in the middle: nothing of it is left
        Beginner().keep(now=weeks_later)
    monkeypatch.undo()
    assert db.session.scalars(select(CalendarBegin)).all() == []
    db.session.rollback()

    begun = Beginner().keep(now=weeks_later)
    assert begun >= 1
    assert Beginner().keep(now=weeks_later + timedelta(days=1)) == 0

    rows = db.session.scalars(select(CalendarBegin).where(CalendarBegin.organisation_id == listed)).all()
    assert [(row.procedure, row.due_on) for row in rows] == [("periodic_statements", day)]
    application = db.session.get_one(Application, rows[0].application_id)
    [told] = db.session.scalars(select(History).where(History.application_id == application.id)).unique()
    assert (told.act, told.by_id, told.target, told.words) == (beginning.BEGUN, None, "filling", day)
    assert messages_of(application.author)[0].message == "notice.your_action"
    [clock] = clocks.of([application])[application.id]
    assert clock.run.term.working_days == 30


def test_a_duty_that_the_calendar_has_begun_is_not_deleted(house):
    weeks_later = at("2027-02-22 10:00")
    Beginner().keep(now=weeks_later)
    row = db.session.scalars(select(CalendarBegin).where(CalendarBegin.procedure == "periodic_statements")).first()
    application = db.session.get_one(Application, row.application_id)
    own = filing.create(
        "periodic_statements", company_id=application.organisation_id, author=application.author, now=weeks_later
    )

    def delete(which):
        moves.fire(which, "delete", by=application.author, seen=which.version, now=weeks_later)

    with pytest.raises(Conflict) as refused:
        delete(application)
    delete(own)

    assert refused.value.key == "app.err.duty"
    assert (application.process, own.process) == ("filling", "deleted")


@pages_only
def test_staff_see_when_a_procedure_begins_by_itself(house):
    listing, issuer = signed_in(house, "listing", "ru"), signed_in(house, "issuer", "ru")

    assert "начинается сама по календарю" in listing.get("/procedures").main
    assert "начинается сама по календарю" not in issuer.get("/procedures").main
