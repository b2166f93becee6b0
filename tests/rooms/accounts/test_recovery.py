"""A lost password: one answer for everybody, links that live ten minutes, bounds on asking (ESRV-22.2)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from factories import PASSWORD, company, mails_to, user
from sqlalchemy import event, func, select

from app import db
from app.accounts import errands, links, operations, recovery
from app.accounts.models import RecoveryRequest, User

NEW = "Qyzyl+8gul"
SECOND = timedelta(seconds=1)


def link_of(email: str) -> str:
    """Return the secret of the newest link that was mailed."""
    return re.findall(r"/password/(\S+)", mails_to(email)[0].body)[0]


@pytest.mark.req("ESRV-22.2")
def test_whoever_has_lost_his_password_gets_a_link_and_sets_a_new_one(house, browser, now):
    who = user(company("ALTN"))
    email = who.email
    open_elsewhere = browser()
    open_elsewhere.sign_in(email, PASSWORD)
    someone = browser()
    door = someone.get("/login")

    page = someone.get(door.one(data_key="look.login.forgotten").get("href"))
    answer = someone.send(page, "/recovery", email=email)
    assert answer.says(data_key="recovery.asked")
    errands.run(now=now)
    path = f"/password/{link_of(email)}"
    someone.send(someone.get(path), path, new_password=NEW, repeat_password=NEW)

    assert someone.sign_in(email, NEW).location == "/"
    assert open_elsewhere.get("/").location.startswith("/login")
    assert browser().sign_in(email, PASSWORD).status == 422


@pytest.mark.parametrize("kind", ["known", "unknown", "inactive"])
def test_known_unknown_and_inactive_get_the_same_answer_by_the_same_statements(house, browser, now, kind):
    who = user(company("ALTN"), is_active=kind != "inactive")
    email = "nobody@altn.example" if kind == "unknown" else who.email
    seen = []

    def note(_conn, _cursor, statement, *_rest):
        seen.append(statement)

    someone = browser()
    page = someone.get("/recovery")
    event.listen(house.engine, "before_cursor_execute", note)
    try:
        answer = someone.send(page, "/recovery", email=email)
    finally:
        event.remove(house.engine, "before_cursor_execute", note)

    assert (answer.status, email in answer.text) == (200, False)
    told = [statement for statement in seen if "user_account" in statement and "outage" not in statement]
    assert told == []  # nobody is looked up; the banner of outages stands on every page


def test_only_an_active_account_is_sent_anything(house, now):
    known, gone = user(company("ALTN")), user(company("ALTN"), is_active=False)
    for email in (known.email, gone.email, "nobody@altn.example"):
        recovery.ask(email, now=now)

    assert errands.run(now=now) == 1

    assert len(mails_to(known.email)) == 1
    assert mails_to(gone.email) == mails_to("nobody@altn.example") == []


@pytest.mark.parametrize(("after", "asked"), [(59 * SECOND, 1), (60 * SECOND, 2)])
def test_a_second_link_is_written_after_sixty_seconds(house, now, after, asked):
    recovery.ask("nobody@altn.example", now=now)
    recovery.ask("NOBODY@altn.example ", now=now + after)

    assert db.session.scalar(select(func.count()).select_from(RecoveryRequest)) == asked


def test_five_links_are_written_in_an_hour(house, now):
    who = user(company("ALTN"))
    for minute in range(0, 60, 5):
        recovery.ask(who.email, now=now + timedelta(minutes=minute))
    assert db.session.scalar(select(func.count()).select_from(RecoveryRequest)) == 5

    recovery.ask(who.email, now=now + timedelta(hours=1))

    assert db.session.scalar(select(func.count()).select_from(RecoveryRequest)) == 6


def test_a_newer_link_ends_the_older_one_and_each_lives_ten_minutes(house, now):
    who = user(company("ALTN"))
    recovery.ask(who.email, now=now)
    errands.run(now=now)
    old = link_of(who.email)
    later = now + timedelta(minutes=2)
    recovery.ask(who.email, now=later)
    errands.run(now=later)
    new = link_of(who.email)

    assert links.standing(old, now=later) is None
    assert links.standing(new, now=later + timedelta(minutes=10) - SECOND) is not None
    assert links.standing(new, now=later + timedelta(minutes=10)) is None


def test_a_recovered_password_opens_a_door_that_failures_had_shut(house, now):
    who = user(company("ALTN"))
    for _ in range(5):
        operations.sign_in(who.email, "Qate#2026", now=now)
    recovery.ask(who.email, now=now)
    errands.run(now=now)
    [token] = [found for mail in mails_to(who.email) for found in re.findall(r"/password/(\S+)", mail.body)]

    links.set_password(token, new=NEW, repeated=NEW, now=now)

    assert operations.sign_in(who.email, NEW, now=now).id == who.id


def test_what_was_typed_is_not_kept_longer_than_needed(house, now):
    recovery.ask("nobody@altn.example", now=now)

    errands.run(now=now)

    assert set(db.session.scalars(select(RecoveryRequest.email))) == {""}
    assert db.session.get(User, 1) is not None
