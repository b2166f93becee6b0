"""Wrong current passwords typed within an open session count as failures of the account (ESRV-42)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factories import PASSWORD, company, mails_to, user

from app import db
from app.accounts import errands, operations, passwords, sessions
from app.accounts.models import LoginSession
from app.errors import Invalid
from app.terms import say
from app.web import clock

WRONG, NEW = "Qate#2026", "Qyzyl+8gul"
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


@pytest.fixture
def who(house):
    return user(company("ALTN"))


@pytest.fixture
def session(who, now):
    return sessions.of_secret(sessions.begin(who, address="", agent="", now=now), now=now)


def changed(who, current, session, now):
    """Try to set a new password, and return the terms of what speaks against it."""
    try:
        passwords.change(who, current=current, new=NEW, repeated=NEW, now=now, session=session)
    except Invalid as refusal:
        return [problem.key for problem in refusal.problems]
    return []


@pytest.mark.req("ESRV-42")
def test_the_fifth_ends_the_session_and_shuts_the_account_for_an_hour_to_the_second(who, session, now):
    for _ in range(4):
        assert changed(who, WRONG, session, now) == ["password.err.current"]
        assert session.ended_at is None
    assert changed(who, WRONG, session, now) == ["password.err.current"]

    assert session.ending == "guesses"
    assert operations.sign_in(who.email, PASSWORD, now=now + HOUR - SECOND) is None
    assert operations.sign_in(who.email, PASSWORD, now=now + HOUR) is who


@pytest.mark.req("ESRV-42")
def test_failures_at_the_door_and_within_are_one_count(who, session, now):
    for _ in range(3):
        assert operations.sign_in(who.email, WRONG, now=now) is None
    for _ in range(2):
        changed(who, WRONG, session, now)

    assert operations.sign_in(who.email, PASSWORD, now=now) is None


def test_while_the_account_is_shut_the_right_password_is_refused_too_and_prolongs_nothing(who, session, now):
    for _ in range(5):
        assert operations.sign_in(who.email, WRONG, now=now) is None

    assert changed(who, PASSWORD, session, now + HOUR - SECOND) == ["password.err.shut"]
    assert session.ended_at is None
    assert changed(who, PASSWORD, session, now + HOUR) == []


def test_a_right_one_resets_the_count(who, session, now):
    for _ in range(4):
        changed(who, WRONG, session, now)
    with pytest.raises(Invalid):  # the current one is right, the new one is not
        passwords.change(who, current=PASSWORD, new=PASSWORD, repeated=PASSWORD, now=now, session=session)
    for _ in range(4):
        changed(who, WRONG, session, now)

    assert operations.sign_in(who.email, PASSWORD, now=now) is who


def test_the_owner_is_told(who, session, now):
    for _ in range(5):
        changed(who, WRONG, session, now)

    errands.run(now=now)

    assert len(mails_to(who.email)) == 1


@pytest.mark.req("ESRV-42")
@pytest.mark.parametrize("path", ["/profile/password", "/profile/authenticator"])
def test_through_the_door_by_a_moved_clock(house, browser, who, path):
    email = who.email
    someone = browser()
    someone.sign_in(email, PASSWORD)
    page = "/profile" if path.endswith("password") else path
    typed = {"new_password": NEW, "repeat_password": NEW} if path.endswith("password") else {}
    for _ in range(4):
        refused = someone.send(someone.get(page), path, current_password=WRONG, **typed)
        assert refused.status == 422
        assert refused.error("current_password") == say("password.err.current", "kk")

    over = someone.send(someone.get(page), path, current_password=WRONG, **typed)

    assert over.location == "/login"
    assert say("password.err.over", "kk") in someone.follow(over).main
    assert someone.get("/profile").location.startswith("/login")
    assert browser().sign_in(email, PASSWORD).status == 422
    try:
        clock.move(house.config, "+59m")
        assert browser().sign_in(email, PASSWORD).status == 422
        clock.move(house.config, "+1m")
        assert browser().sign_in(email, PASSWORD).status == 303
    finally:
        clock.move(house.config, "reset")
    assert db.session.query(LoginSession).filter_by(ending="guesses").count() == 1
