"""Codes by mail in place of a generator's: off by default, short-lived, bounded, counted (ESRV-22.2, 40.b)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from factories import PASSWORD, mails_to, messages_of, organisation, user
from sqlalchemy import select

from app import db
from app.accounts import mail_codes, policy, security_sessions, sessions
from app.accounts.models import MailCode, User
from app.errors import Conflict, Invalid

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def who(house):
    """An administrator of whom codes are asked, without a generator."""
    return user(organisation("POSH", codes="everybody"), is_admin=True)


@pytest.fixture
def offered(house, monkeypatch):
    """An installation that has decided to offer codes by mail."""
    given = policy.rules()
    codes = given.mail_codes.model_copy(update={"offered": True})
    monkeypatch.setitem(house.app.extensions, "kezen.access_rules", given.model_copy(update={"mail_codes": codes}))


def begun(who, now):
    return sessions.of_secret(sessions.begin(who, address="", agent="", now=now), now=now)


@pytest.fixture
def session(who, now):
    return begun(who, now)


def sent(session, now):
    """Ask for a code and return the one that the mail tells."""
    mail_codes.send(session, now=now)
    return newest(session.user.email)


def newest(email):
    return re.search(r"\b\d{6}\b", mails_to(email)[0].body)[0]


def other(code):
    return f"{(int(code) + 1) % 10**6:06d}"


def test_the_shipped_figures_are_those_of_the_design_and_offer_none():
    given = policy.load().mail_codes

    assert (given.offered, given.life_minutes, given.resend_seconds, given.per_hour) == (False, 10, 60, 5)


def test_where_none_are_offered_none_is_sent_and_none_taken(session, now):
    with pytest.raises(Conflict, match=r"codes\.err\.mail_off"):
        mail_codes.send(session, now=now)
    with pytest.raises(Conflict, match=r"codes\.err\.none"):
        security_sessions.open_by_code(session, "123456", now=now)


def test_what_was_mailed_is_not_taken_once_the_installation_has_switched_it_off(session, now, house, monkeypatch):
    given = policy.rules()
    on = given.model_copy(update={"mail_codes": given.mail_codes.model_copy(update={"offered": True})})
    monkeypatch.setitem(house.app.extensions, "kezen.access_rules", on)
    code = sent(session, now)
    monkeypatch.setitem(house.app.extensions, "kezen.access_rules", given)

    with pytest.raises(Conflict):
        security_sessions.open_by_code(session, code, now=now)


@pytest.mark.req("ESRV-40.b", "ESRV-24")
def test_the_mailed_code_opens_the_session_once(offered, session, now):
    code = sent(session, now)
    security_sessions.open_by_code(session, code, now=now)
    assert security_sessions.is_open(session, now=now)
    security_sessions.close(session)

    with pytest.raises(Invalid):
        security_sessions.open_by_code(session, code, now=now)


def test_the_code_is_in_the_mail_alone(offered, session, who, now):
    code = sent(session, now)

    assert code not in str(messages_of(who)[0].params)
    assert code not in db.session.scalars(select(MailCode.code_hash)).one()


@pytest.mark.parametrize(("after", "is_taken"), [(10 * MINUTE - SECOND, True), (10 * MINUTE, False)])
def test_it_lives_ten_minutes(offered, session, now, after, is_taken):
    code = sent(session, now)

    if is_taken:
        security_sessions.open_by_code(session, code, now=now + after)
    else:
        with pytest.raises(Invalid):
            security_sessions.open_by_code(session, code, now=now + after)


def test_the_next_is_sent_after_sixty_seconds_and_ends_the_one_before(offered, session, now):
    first = sent(session, now)
    with pytest.raises(Conflict, match=r"codes\.err\.mail_soon"):
        mail_codes.send(session, now=now + 60 * SECOND - SECOND)
    second = sent(session, now + 60 * SECOND)

    if first != second:
        with pytest.raises(Invalid):
            security_sessions.open_by_code(session, first, now=now + 61 * SECOND)
    security_sessions.open_by_code(session, second, now=now + 61 * SECOND)


def test_five_are_sent_within_an_hour_from_whichever_session(offered, session, who, now):
    for minute in range(5):
        mail_codes.send(session, now=now + 2 * minute * MINUTE)

    with pytest.raises(Conflict, match=r"codes\.err\.mail_often"):
        mail_codes.send(begun(who, now), now=now + HOUR - SECOND)
    mail_codes.send(session, now=now + HOUR)


def test_another_login_session_takes_it_not(offered, session, who, now):
    code = sent(session, now)

    with pytest.raises(Invalid):
        security_sessions.open_by_code(begun(who, now), code, now=now)


@pytest.mark.req("ESRV-42")
def test_wrong_ones_count_as_wrong_codes(offered, session, who, now):
    code = sent(session, now)
    for _ in range(5):
        with pytest.raises(Invalid):
            security_sessions.open_by_code(session, other(code), now=now)

    assert session.ending == "codes"
    with pytest.raises(Invalid, match="summary") as refusal:
        security_sessions.open_by_code(begun(who, now), code, now=now)
    assert refusal.value.problems[0].key == "codes.err.shut"


def test_old_codes_are_forgotten(offered, session, now):
    sent(session, now)

    mail_codes.forget(now=now + 25 * HOUR)

    assert db.session.scalars(select(MailCode)).all() == []


NEW = {
    "email": "nurgul@posh.example",
    "last_name": "Сәрсенова",
    "first_name": "Нұргүл",
    "patronymic": "",
    "position": "Маман",
    "phone": "+7 701 000 11 22",
}


@pytest.mark.req("ESRV-40.b")
def test_through_the_door_without_scripts(offered, who, browser):
    email = who.email
    someone = browser()
    someone.sign_in(email, PASSWORD)
    asked = someone.send(someone.get("/users/new"), "/users/new", **NEW)
    assert asked.status == 401
    assert "codes.set_up_first" not in asked.terms()

    told = someone.send(asked, "/users/new", press="security_way", value="mail")
    assert told.status == 401
    assert email not in told.says(data_key="codes.mailed")
    soon = someone.send(told, "/users/new", press="security_way", value="mail")
    assert "60" in soon.error("security_code")
    assert soon.form("/users/new")["last_name"] == ["Сәрсенова"]
    wrong = someone.send(soon, "/users/new", security_code=other(newest(email)))
    assert wrong.status == 401
    answer = someone.send(wrong, "/users/new", security_code=newest(email))

    assert answer.location == "/users"
    assert db.session.scalars(select(User).where(User.email == NEW["email"])).unique().one().first_name == "Нұргүл"


def test_by_default_the_page_offers_none(who, browser):
    someone = browser()
    someone.sign_in(who.email, PASSWORD)

    asked = someone.send(someone.get("/users/new"), "/users/new", **NEW)
    refused = someone.send(asked, "/users/new", press="security_way", value="mail") if asked.status == 401 else asked

    assert "codes.mail_way" not in asked.terms()
    assert refused.status == 401
    assert db.session.scalars(select(MailCode)).all() == []
