"""Terms of applications: reminders, word to the head, outcomes of timers, and what pages say of them.

Acceptance D: the clock moves by weeks while the worker is away or is killed, and each thing still
happens once, in order.
"""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from factories import led, messages_of, person, refetched
from sqlalchemy import event, select

from app import db
from app.applications import clocks, moves, queries
from app.applications.models import ClockEvent, History
from app.applications.timekeeping import Timekeeper
from app.business_calendar.days import ZONE, DayCalendar
from app.errors import Conflict, NotPermitted
from app.terms import say


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


SENT = (
    ("filling", at("2026-03-02 09:30")),
    ("first_head", at("2026-03-02 09:40")),
    ("registration", at("2026-03-02 10:00")),
)
TO_REWORK = (*SENT, ("completeness", at("2026-03-03 11:00")), ("rework", at("2026-03-05 12:00")))
REWORK_OVER = at("2026-03-20 18:00")  # ten working days; 9 March is a day off
REWORK_SOON = at("2026-03-18 12:00")  # three quarters of 6 + 9 × 10 hours
WEEKS_LATER = at("2026-04-27 10:00")


def events(application):
    rows = select(ClockEvent).where(ClockEvent.application_id == application.id).order_by(ClockEvent.id)
    return [(row.term, row.kind) for row in db.session.scalars(rows)]


def notices(who, application, *, of="notice.term_"):
    return [
        item.message
        for item in reversed(messages_of(person(who)))
        if item.application_number == application.number and item.message.startswith(of)
    ]


def set_clock(house, moment):
    """Let the house's clock show this moment."""
    shift = (moment - datetime.now(UTC)).total_seconds()
    (house.config.var / "clock").write_text(str(shift), encoding="ascii")


# what runs


def test_while_the_applicant_mends_the_exchanges_terms_stand_still_and_his_own_runs(house):
    application = led("issuer", *TO_REWORK)

    found = {item.run.term.key: item for item in clocks.of([application])[application.id]}

    assert found["rework"].due == REWORK_OVER
    assert found["completeness"].due is None
    assert found["completeness"].remaining == timedelta(hours=15)  # until 12:00 of the second of three days
    assert found["consideration"].remaining == timedelta(hours=20 * 9 - 12)
    assert clocks.reading(found["rework"].run, share=Fraction(3, 4)).due == REWORK_SOON


def test_after_the_rework_the_terms_go_on_from_where_they_stood_across_the_holidays(house):
    back = (("rework_approval", at("2026-03-19 10:00")), ("completeness", at("2026-03-20 12:00")))
    application = led("issuer", *TO_REWORK, *back)

    found = {item.run.term.key: item.due for item in clocks.of([application])[application.id]}

    # 15 hours: 6 on Friday 20 March, then after Nauryz (23 to 25) 9 on Thursday.
    assert found == {"completeness": at("2026-03-26 18:00"), "consideration": at("2026-04-20 18:00")}


def test_an_amended_calendar_moves_what_is_due_of_running_applications(house, monkeypatch):
    application = led("issuer", *TO_REWORK)
    hours = clocks.hours()
    table = hours.days.tables[2026]
    amended = replace(table, version=3, days_off=table.days_off | {at("2026-03-13 12:00").date()})
    days = DayCalendar("amended", {**hours.days.tables, 2026: amended})
    monkeypatch.setattr(clocks, "hours", lambda: replace(hours, days=days))

    [first, *_] = clocks.of([application])[application.id]

    assert first.due == at("2026-03-26 18:00")  # one day on, which leads over Nauryz


def test_an_application_that_has_not_been_sent_has_no_clock(house):
    application = led("issuer", *SENT[:1])

    assert clocks.of([application])[application.id] == []


# what the worker does


def test_nothing_happens_before_its_moment(house):
    application = led("issuer", *TO_REWORK)
    db.session.commit()

    Timekeeper().keep(now=REWORK_SOON - timedelta(seconds=1))

    assert events(application) == []


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (REWORK_SOON, [("rework", "soon")]),
        (REWORK_OVER - timedelta(seconds=1), [("rework", "soon")]),
        (REWORK_OVER, [("rework", "soon"), ("rework", "over"), ("rework", "outcome")]),
    ],
    ids=["at-three-quarters", "just-before-the-end", "at-the-end"],
)
def test_each_mark_happens_at_its_moment(house, moment, expected):
    application = led("issuer", *TO_REWORK)
    db.session.commit()

    Timekeeper().keep(now=moment)

    assert events(application) == expected


def test_after_weeks_away_everything_happens_once_and_in_order(house):
    waiting = led("issuer", *SENT)
    reworked = led("issuer", *TO_REWORK)
    db.session.commit()
    keeper = Timekeeper()

    done = keeper.keep(now=WEEKS_LATER)
    again = [keeper.keep(now=WEEKS_LATER + timedelta(days=1)), Timekeeper().keep(now=WEEKS_LATER + timedelta(days=2))]

    assert (done, again) == (5, [0, 0])
    told = db.session.scalars(select(ClockEvent).order_by(ClockEvent.id)).all()
    assert [row.due_at for row in told] == sorted(row.due_at for row in told)
    assert events(waiting) == [("registration", "soon"), ("registration", "over")]
    assert events(reworked) == [("rework", "soon"), ("rework", "over"), ("rework", "outcome")]
    assert notices("issuer", reworked) == ["notice.term_soon", "notice.term_over"]
    calls = {item.message: item.action_required for item in messages_of(person("issuer"))}
    assert calls["notice.term_soon"]
    assert not calls["notice.term_over"]  # the system acts: there is nothing left to do
    assert notices("chancery", waiting) == ["notice.term_soon", "notice.term_over"]
    assert notices("listing_head", waiting) == ["notice.term_escalated"]
    assert notices("listing_head", reworked) == []


def test_the_outcome_is_an_ordinary_transition_by_the_system(house):
    application = led("issuer", *TO_REWORK)
    db.session.commit()

    Timekeeper().keep(now=WEEKS_LATER)

    application = refetched(application)
    row = db.session.scalars(
        select(History).where(History.application_id == application.id).order_by(History.id.desc()).limit(1)
    ).one()
    assert application.process == "unanswered"
    assert (row.act, row.source, row.target, row.by_id, row.at) == (
        "not_answered", "rework", "unanswered", None, WEEKS_LATER,
    )  # fmt: skip
    assert notices("issuer", application, of="notice.moved") == ["notice.moved"]
    assert notices("listing", application, of="notice.moved") == ["notice.moved"]
    assert clocks.of([application])[application.id] == []


def test_a_term_that_ended_or_stands_still_while_the_worker_was_away_is_not_reminded_of(house):
    application = led("issuer", *TO_REWORK, ("withdrawn", at("2026-03-19 10:00")))
    db.session.commit()

    Timekeeper().keep(now=WEEKS_LATER)

    assert events(application) == []


def test_the_next_round_is_reminded_of_anew(house):
    application = led("issuer", *TO_REWORK)
    db.session.commit()
    keeper = Timekeeper()
    keeper.keep(now=REWORK_SOON)
    application = refetched(application)
    for process, moment in (("completeness", REWORK_OVER - timedelta(hours=1)), ("rework", at("2026-03-27 10:00"))):
        position = replace(queries.position(application), process=process)
        moves.stand_at(application, position, act="led", by=person("issuer"), now=moment)
    db.session.commit()

    keeper.keep(now=at("2026-04-09 10:00"))

    assert [found for found in events(application) if found[0] == "rework"] == [("rework", "soon"), ("rework", "soon")]


def test_a_missing_year_stops_nobody_else(house, monkeypatch):
    hours = clocks.hours()
    lost = led("issuer", ("filling", at("2027-12-30 10:00")), ("registration", at("2027-12-31 10:00")))
    fine = led("issuer", *SENT)
    db.session.commit()
    assert 2028 not in hours.days.tables

    Timekeeper().keep(now=at("2028-03-01 10:00"))

    assert events(lost) == []
    assert events(fine) == [("registration", "soon"), ("registration", "over")]


# killed in between


def test_killed_at_any_commit_the_worker_does_the_rest_once_and_in_order(live):
    waiting = led("issuer", *SENT)
    reworked = led("issuer", *TO_REWORK)
    db.session.commit()
    db.session.remove()

    ends = [_killed(live, after=number % 2 == 1) for number in range(11)]

    assert ends == [-signal.SIGKILL] * 10 + [0]  # each of the five things just before and just after its commit
    assert events(waiting) == [("registration", "soon"), ("registration", "over")]
    assert events(reworked) == [("rework", "soon"), ("rework", "over"), ("rework", "outcome")]
    assert refetched(reworked).process == "unanswered"
    assert notices("issuer", reworked) == ["notice.term_soon", "notice.term_over"]
    assert notices("issuer", reworked, of="notice.moved") == ["notice.moved"]
    assert notices("listing_head", waiting) == ["notice.term_escalated"]
    acts = db.session.scalars(select(History.act).where(History.application_id == reworked.id)).all()
    assert acts.count("not_answered") == 1


def _killed(house, *, after):
    """Keep time in a process of its own that is killed at the first thing it does; return how it ended.

    ``after``: once that is committed, else just before.
    """
    house.engine.dispose()
    child = os.fork()
    if child == 0:
        try:
            house.engine.dispose(close=False)
            count = 0

            def end(_session):
                nonlocal count
                count += 1
                if count == 2:  # the first only ends the look
                    os.kill(os.getpid(), signal.SIGKILL)

            event.listen(db._factory, "after_commit" if after else "before_commit", end)
            Timekeeper().keep(now=WEEKS_LATER)
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def test_the_worker_command_keeps_time_by_the_clock_of_the_demo(live):
    application = led("issuer", *TO_REWORK)
    db.session.commit()
    db.session.remove()
    set_clock(live, REWORK_SOON + timedelta(hours=1))

    for _ in range(2):
        result = live.app.test_cli_runner().invoke(args=["worker", "--once"])
        assert result.exit_code == 0, result.output

    live.enter()
    assert events(application) == [("rework", "soon")]
    assert len(notices("issuer", application)) == 1


# what people may still do


def test_once_the_time_is_over_nobody_moves_it_before_the_system_does(house):
    application = led("issuer", *TO_REWORK)

    with pytest.raises(Conflict) as refused:
        moves.fire(application, "withdraw", by=person("issuer"), seen=application.version, words="?", now=REWORK_OVER)

    assert refused.value.key == "clock.err.over"
    assert application.process == "rework"


def test_until_then_they_may(house):
    application = led("issuer", *TO_REWORK)
    moment = REWORK_OVER - timedelta(seconds=1)

    moves.fire(application, "withdraw", by=person("issuer"), seen=application.version, words="Кеш", now=moment)

    assert application.process == "withdrawn"


@pytest.mark.parametrize("who", ["issuer", "listing", "listing_head", "admin"])
def test_the_systems_transition_is_nobodys(house, browser, who):
    application = led("issuer", *TO_REWORK)
    db.session.commit()
    seen = application.version

    with pytest.raises(NotPermitted):
        moves.fire(application, "not_answered", by=person(who), seen=seen, now=at("2026-03-06 10:00"))


# what pages say


@pytest.mark.parametrize(
    ("moment", "state", "key", "days"),
    [
        ("2026-03-10 12:00", "running", "sla.left", 8),
        ("2026-03-20 10:00", "today", "st.due_today", None),
        ("2026-03-20 18:30", "overdue", "st.overdue", None),
        ("2026-03-27 10:00", "overdue", "sla.over", 2),
    ],
    ids=["running", "today", "over-today", "over-for-days"],
)
@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_hub_and_lists_say_how_the_clock_stands(house, browser, language, moment, state, key, days):
    application = led("issuer", *TO_REWORK)
    db.session.commit()
    set_clock(house, at(moment))
    number = application.number
    said = say(key, language, n=days)

    own = (f"/applications/{number}", "/applications", "/")
    for who, pages in (("issuer", own), ("listing", ("/queue?tab=waiting",))):
        open_ = browser(who, language)
        for page in pages:
            text = open_.get(page).text
            clock = text[text.index(f'data-app="{number}"') :]
            clock = clock[clock.index('data-clock="rework"') :][:900]
            assert f'data-state="{state}"' in clock, page
            assert said in clock, page
            assert "20.03.2026 18:00" in clock, page


def test_the_hub_shows_the_clocks_that_stand_still_too(house, browser):
    application = led("issuer", *TO_REWORK)
    db.session.commit()
    set_clock(house, at("2026-03-10 12:00"))

    text = browser("listing", "en").get(f"/applications/{application.number}").text

    assert text.index('data-clock="rework"') < text.index('data-clock="completeness"')
    assert text.count('data-key="st.clock_paused"') == 2
    assert text.count("Once the time is over the application becomes: Closed without consideration") == 1
    assert "Working days left: 18" in text  # of 20: two had begun when it was stopped


def test_what_stands_still_since_a_day_off_has_all_its_days_left(house):
    application = led("issuer", *SENT, ("completeness", at("2026-03-07 12:00")), ("rework", at("2026-03-08 12:00")))

    found = {item.run.term.key: item for item in clocks.of([application])[application.id]}

    assert found["completeness"].working_days(at("2026-03-20 12:00")) == 3


def test_a_clock_without_a_calendar_says_so(house, browser, monkeypatch):
    application = led("issuer", *TO_REWORK)
    db.session.commit()
    hours = clocks.hours()
    tables = {year: table for year, table in hours.days.tables.items() if year != 2026}
    monkeypatch.setattr(clocks, "hours", lambda: replace(hours, days=DayCalendar("kz_production", tables)))

    answer = browser("issuer", "en").get(f"/applications/{application.number}")

    assert answer.status == 200
    assert "The working calendar of 2026 is not loaded" in answer.text
