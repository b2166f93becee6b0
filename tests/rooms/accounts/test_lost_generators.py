"""A lost generator of codes is taken away by two officers, and a new one is set up (ESRV-32)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factories import PASSWORD, company, mails_to, messages_of, organisation, person, user
from sqlalchemy import select

from app import db
from app.accounts import (
    addresses,
    authenticators,
    blocking,
    lost_generators,
    one_time_codes,
    security_sessions,
    sessions,
)
from app.accounts.models import LoginSession, User
from app.audit.models import AuditEntry
from app.errors import Conflict, Invalid, NotFound, NotPermitted
from app.terms import say

HOW = "Жеке келді, жеке куәлік № 012345678"


def enrolled(who, now):
    """Give somebody a generator, set up a while ago; return its recovery codes."""
    before = now - timedelta(minutes=10)
    secret = authenticators.begin(who, now=before)
    return authenticators.confirm(who, one_time_codes.code_of(secret, one_time_codes.step_at(before)), now=before)


@pytest.fixture
def who(house, now):
    found = user(organisation("JOQ", codes="none"), is_admin=True)
    enrolled(found, now)
    return found


@pytest.fixture
def officers(house):
    return person("admin"), person("second_admin")


def acts_about(ident):
    return list(db.session.scalars(select(AuditEntry.act).where(AuditEntry.subject == f"user {ident}")))


@pytest.mark.req("ESRV-32.a")
def test_one_officer_records_and_a_second_one_takes_it_away(who, officers, now):
    first, second = officers
    sessions.begin(who, address="", agent="", now=now)
    row = lost_generators.record(who.id, how=HOW, by=first, now=now)
    assert authenticators.has(who)
    with pytest.raises(NotPermitted, match=r"same_officer"):
        lost_generators.confirm(row.id, by=first, now=now)
    assert authenticators.has(who)

    lost_generators.confirm(row.id, by=second, now=now)

    assert not authenticators.has(who)
    assert authenticators.recovery_codes_left(who) == 0
    assert not sessions.standing_of(who, now=now)
    assert not lost_generators.waiting()
    assert [act for act in acts_about(who.id) if act.startswith("generator")] == [
        "generator_lost",
        "generator_taken_away",
    ]
    with pytest.raises(NotFound):
        lost_generators.confirm(row.id, by=second, now=now)


def test_the_owner_is_told_of_both_steps_and_the_other_officer_that_he_is_due(who, officers, now):
    first, second = officers
    before, others = len(mails_to(who.email)), len(mails_to(second.email))

    row = lost_generators.record(who.id, how=HOW, by=first, now=now)

    assert messages_of(who)[0].message == "notice.generator_lost"
    assert messages_of(second)[0].message == "notice.generator_waits"
    assert messages_of(second)[0].action_required
    assert len(mails_to(second.email)) == others + 1
    assert not any(message.message == "notice.generator_waits" for message in messages_of(first))
    lost_generators.confirm(row.id, by=second, now=now)
    assert messages_of(who)[0].message == "notice.generator_taken_away"
    assert len(mails_to(who.email)) == before + 2


def test_afterwards_codes_are_asked_whatever_the_organisation_says_until_a_new_one_is_set_up(who, officers, now):
    first, second = officers
    assert not security_sessions.is_asked_of(who)
    lost_generators.confirm(lost_generators.record(who.id, how=HOW, by=first, now=now).id, by=second, now=now)

    assert security_sessions.is_asked_of(who)
    session = sessions.of_secret(sessions.begin(who, address="", agent="", now=now), now=now)
    with pytest.raises(Conflict, match=r"codes\.err\.none"):
        security_sessions.open_by_code(session, "123456", now=now)

    enrolled(who, now)
    assert not security_sessions.is_asked_of(who)


def test_nobody_does_it_for_himself(house, officers, now):
    first, second = officers
    enrolled(first, now)
    with pytest.raises(NotPermitted, match=r"guard\.err\.self"):
        lost_generators.record(first.id, how=HOW, by=first, now=now)
    third = user(exchange_roles=["admin"])
    row = lost_generators.record(first.id, how=HOW, by=third, now=now)

    for verb in (lost_generators.confirm, lost_generators.drop):
        with pytest.raises(NotPermitted, match=r"guard\.err\.self"):
            verb(row.id, by=first, now=now)
    lost_generators.confirm(row.id, by=second, now=now)
    assert not authenticators.has(first)


def test_only_who_guards_accounts_with_a_basis_once_and_where_there_is_one(who, officers, now):
    first, second = officers
    with pytest.raises(NotPermitted):
        lost_generators.record(who.id, how=HOW, by=person("listing_head"), now=now)
    with pytest.raises(Invalid):
        lost_generators.record(who.id, how="  ", by=first, now=now)
    with pytest.raises(Conflict, match=r"lost\.err\.none"):
        lost_generators.record(user(company("ALTN")).id, how=HOW, by=first, now=now)
    row = lost_generators.record(who.id, how=HOW, by=first, now=now)
    with pytest.raises(Conflict, match=r"already_done"):
        lost_generators.record(who.id, how=HOW, by=second, now=now)
    with pytest.raises(NotPermitted):
        lost_generators.confirm(row.id, by=person("compliance"), now=now)


def test_a_mistake_is_dropped_and_the_generator_stays(who, officers, now):
    first, _ = officers
    row = lost_generators.record(who.id, how=HOW, by=first, now=now)

    lost_generators.drop(row.id, by=first, now=now)

    assert authenticators.has(who)
    assert "generator_kept" in acts_about(who.id)
    assert lost_generators.record(who.id, how=HOW, by=first, now=now).id != row.id


def test_nobody_resets_or_identifies_himself_or_opens_his_own_door(officers, browser, now):
    first, _ = officers
    ident = first.id
    for verb in (
        lambda: blocking.suspect(ident, reason="?", by=first, now=now),
        lambda: blocking.identify(ident, how="?", by=first, now=now),
    ):
        with pytest.raises(NotPermitted, match=r"guard\.err\.self"):
            verb()
    officer = browser("admin")
    officer.get("/guard")

    for path in (f"/guard/users/{ident}/suspect", f"/guard/users/{ident}/open", f"/guard/users/{ident}/generator"):
        assert officer.post(path, {"reason": "?", "how": "?"}).status == 403
    assert db.session.get(User, ident).password_hash
    assert officer.get("/guard").status == 200


def test_both_officers_do_it_on_their_page(who, browser):
    email, ident = who.email, who.id
    first, second, owner = browser("admin"), browser("second_admin"), browser()
    owner.sign_in(email, PASSWORD)
    page = first.get(f"/guard?q={email}")
    answer = first.send(page, f"/guard/users/{ident}/generator", how=HOW)
    assert answer.location == "/guard"
    mine = first.get("/guard")
    assert "lost.second" in mine.terms()
    assert "lost.confirm" not in mine.terms()
    [row] = lost_generators.waiting()
    theirs = second.get("/guard")
    assert HOW in theirs.main

    done = second.send(theirs, f"/guard/generators/{row.id}/confirm")

    assert done.location == "/guard"
    assert owner.get("/").location.startswith("/login")
    owner.sign_in(email, PASSWORD)
    assert "codes.lost" in owner.get("/profile/authenticator").terms()
    asked = owner.send(owner.get("/profile"), "/profile", position="Маман")
    assert asked.status == 401
    assert "codes.set_up_first" in asked.terms()
    assert db.session.query(LoginSession).filter_by(user_id=ident, ending="generator").count() == 1


def test_an_empty_basis_is_told_at_its_field(who, browser):
    officer = browser("admin")
    page = officer.get(f"/guard?q={who.email}")

    refused = officer.send(page, f"/guard/users/{who.id}/generator", how=" ")

    assert refused.status == 422
    assert refused.error("how")


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_the_first_officer_is_told_on_the_page_that_another_one_confirms(browser, who, officers, now, language):
    row = lost_generators.record(who.id, how=HOW, by=officers[0], now=now)
    someone = browser("admin", language)
    someone.get("/guard")

    refused = someone.post(f"/guard/generators/{row.id}/confirm")

    assert refused.status == 403
    assert say("lost.err.same_officer", language) in refused.main
    assert say("guard.err.same_officer", language) not in refused.main
    assert authenticators.has(who)


def test_an_address_with_a_zone_is_no_network(officers, now):
    with pytest.raises(Invalid):
        addresses.declare("fe80::1%eth0", note="x", by=officers[0], now=now)
