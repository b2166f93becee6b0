"""Blocks on request, their end by two officers, suspected compromise (ESRV-27 to 29, 31, 44)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from factories import PASSWORD, company, mails_to, messages_of, person, user
from sqlalchemy import select

from app import db
from app.accounts import blocking, links, operations, sessions
from app.accounts.models import Block, User
from app.audit.models import AuditEntry
from app.errors import Conflict, Invalid, NotFound, NotPermitted
from app.web import clock

MINUTE = timedelta(minutes=1)
REASON = "Телефонымды жоғалттым"


@pytest.fixture
def who(house):
    """A client."""
    return user(company("ALTN"))


@pytest.fixture
def officers(house):
    """Two people of the Exchange who guard accounts."""
    return person("admin"), user(exchange_roles=["admin"])


@pytest.mark.req("ESRV-27")
def test_a_client_blocks_himself_in_the_cabinet_at_once_and_is_told_why_at_the_door(who, browser, house):
    email, ident = who.email, who.id
    someone, elsewhere = browser(), browser()
    someone.sign_in(email, PASSWORD)
    elsewhere.sign_in(email, PASSWORD)

    answer = someone.send(someone.get("/profile"), "/profile/block", reason=REASON)

    assert answer.location == "/login"
    assert elsewhere.get("/").location.startswith("/login")
    wrong = browser().sign_in(email, "Qate#2026")
    right = browser().sign_in(email, PASSWORD)
    assert REASON not in wrong.main
    assert REASON in right.error("email")
    assert right.status == 422
    assert REASON in mails_to(email)[0].body
    assert "account_blocked" in acts_about(ident)


def acts_about(ident: int) -> list[str]:
    """Return what the audit knows of a person."""
    return list(db.session.scalars(select(AuditEntry.act).where(AuditEntry.subject == f"user {ident}")))


@pytest.mark.req("ESRV-28")
def test_an_officer_blocks_within_fifteen_minutes_of_the_identification(who, officers, now):
    first, _ = officers
    token = sessions.begin(who, address="", agent="", now=clock.unmoved())

    asked = blocking.identify(who.id, how="Жеке куәлік, бейнеқоңырау", by=first, now=now)
    assert asked.due_at == now + 15 * MINUTE
    assert sessions.of_secret(token, now=clock.unmoved())
    block = blocking.block(asked.id, reason=REASON, by=first, now=now + 10 * MINUTE)

    assert block.identified_at == now
    assert not blocking.waiting()
    assert sessions.of_secret(token, now=clock.unmoved()) is None
    with pytest.raises(Conflict) as refusal:
        operations.sign_in(who.email, PASSWORD, now=now)
    assert refusal.value.params["reason"] == REASON


@pytest.mark.req("ESRV-31")
def test_a_block_ends_by_a_recorded_presence_and_a_second_officer_only(who, officers, now):
    first, second = officers
    block = blocking.block_oneself(who, reason=REASON, now=now)
    with pytest.raises(Conflict):
        blocking.unblock(block.id, by=second, now=now)

    blocking.record_presence(block.id, note="Жеке куәлік № 012345678", by=first, now=now)
    with pytest.raises(NotPermitted):
        blocking.unblock(block.id, by=first, now=now)
    with pytest.raises(Conflict):
        operations.sign_in(who.email, PASSWORD, now=now)
    assert any(message.action_required for message in messages_of(second))
    blocking.unblock(block.id, by=second, now=now)

    assert operations.sign_in(who.email, PASSWORD, now=now) is who
    assert len(mails_to(who.email)) == 2
    with pytest.raises(NotFound):
        blocking.unblock(block.id, by=second, now=now)


@pytest.mark.parametrize("key", ["issuer", "first_head", "chancery", "listing_head", "compliance"])
def test_nobody_else_blocks_or_unblocks(who, now, key):
    other = person(key)
    block = blocking.block_oneself(user(company("ALTN")), reason=REASON, now=now)

    for act in (
        lambda: blocking.identify(who.id, how="?", by=other, now=now),
        lambda: blocking.record_presence(block.id, note="?", by=other, now=now),
        lambda: blocking.unblock(block.id, by=other, now=now),
        lambda: blocking.suspect(who.id, reason="?", by=other, now=now),
    ):
        with pytest.raises(NotPermitted):
            act()
    assert db.session.get(Block, block.id).ended_at is None


def test_an_officer_does_not_open_his_own_account(officers, now):
    first, second = officers
    block = blocking.block_oneself(first, reason=REASON, now=now)

    with pytest.raises(NotPermitted):
        blocking.record_presence(block.id, note="Өзім", by=first, now=now)
    blocking.record_presence(block.id, note="Жеке куәлік", by=second, now=now)
    with pytest.raises(NotPermitted):
        blocking.unblock(block.id, by=first, now=now)


def test_a_block_stands_once_and_needs_a_reason(who, now):
    with pytest.raises(Invalid):
        blocking.block_oneself(who, reason="  ", now=now)
    blocking.block_oneself(who, reason=REASON, now=now)

    with pytest.raises(Conflict):
        blocking.block_oneself(who, reason=REASON, now=now)


def test_a_block_ends_the_links_and_no_new_one_is_sent(who, now):
    from app.accounts import errands, recovery

    token = links.issue(who, links.RECOVERY, now=now)
    blocking.block_oneself(who, reason=REASON, now=now)
    recovery.ask(who.email, now=now)

    assert errands.run(now=now) == 0
    assert links.standing(token, now=now) is None


def test_colleagues_see_that_somebody_is_blocked(browser, house, now):
    blocking.block_oneself(person("clerk"), reason=REASON, now=now)

    page = browser("issuer").get("/users")

    assert page.one(data_key="st.blocked") is not None
    assert REASON not in page.text


@pytest.mark.req("ESRV-44")
def test_a_suspected_password_is_reset_and_must_be_set_anew_by_a_link(who, officers, now, browser):
    first, _ = officers
    email = who.email
    token = sessions.begin(who, address="", agent="", now=clock.unmoved())

    blocking.suspect(who.id, reason="Кілтжазба бөгде жерде табылды", by=first, now=now)

    assert sessions.of_secret(token, now=clock.unmoved()) is None
    assert operations.sign_in(email, PASSWORD, now=now) is None
    [path] = re.findall(r"/password/\S+", mails_to(email)[0].body)
    someone = browser()
    someone.send(someone.get(path), path, new_password="Qyzyl+8gul", repeat_password="Qyzyl+8gul")
    assert someone.sign_in(email, "Qyzyl+8gul").location == "/"


@pytest.mark.req("ESRV-28", "ESRV-29")
def test_the_page_leads_from_the_identification_to_the_end_of_the_block(house, browser, who):
    email, ident = who.email, who.id
    second = user(exchange_roles=["admin"]).email
    officer = browser("admin")
    page = officer.get(f"/guard?q={email}")
    assert page.one(data_user=email) is not None
    typed = {"user_id": str(ident), "how": "Бейнеқоңырау"}
    assert officer.post("/guard/requests", typed).location == "/guard"

    page = officer.get("/guard")
    assert re.search(r"1[45]", page.main)
    [request] = blocking.waiting()
    blank = officer.post(f"/guard/requests/{request.id}/block", {"reason": " "})
    assert (blank.status, bool(blank.error("reason"))) == (422, True)
    officer.post(f"/guard/requests/{request.id}/block", {"reason": REASON})
    [block] = [row for row in blocking.standing() if row.user_id == ident]
    officer.post(f"/guard/blocks/{block.id}/presence", {"note": "Жеке куәлік"})
    assert officer.get("/guard").one(data_key="guard.second") is not None
    assert officer.post(f"/guard/blocks/{block.id}/end").status == 403
    other = browser()
    other.sign_in(second, PASSWORD)
    other.get("/guard")
    assert other.post(f"/guard/blocks/{block.id}/end").location == "/guard"

    assert browser().sign_in(email, PASSWORD).location == "/"


@pytest.mark.req("ESRV-43")
@pytest.mark.parametrize("mode", ["guarded", "literal"])
def test_the_administrator_sees_the_rule_in_force(house, browser, monkeypatch, mode):
    from dataclasses import replace

    monkeypatch.setitem(house.app.extensions, "kezen.config", replace(house.config, address_rule=mode))

    page = browser("admin").get("/guard")

    assert page.one(data_key=f"guard.rule.{mode}").get("data-state") == mode


def test_shut_doors_are_listed_and_opened(house, browser, who, now):
    email, ident = who.email, who.id
    for _ in range(5):
        operations.sign_in(email, "Qate#2026", now=now)
    officer = browser("admin")
    page = officer.get("/guard")
    assert email in page.main

    officer.send(page, f"/guard/users/{ident}/open")

    assert browser().sign_in(email, PASSWORD).location == "/"
    assert db.session.get(User, ident).last_sign_in is not None


def test_networks_are_declared_and_withdrawn_on_the_page(house, browser):
    officer = browser("admin")
    page = officer.get("/guard")
    wrong = officer.send(page, "/guard/addresses", network="office", note="АО «Алтындән»")
    assert (wrong.status, bool(wrong.error("network"))) == (422, True)
    assert wrong.form("/guard/addresses")["note"] == ["АО «Алтындән»"]

    officer.send(page, "/guard/addresses", network="198.51.100.0/24", note="АО «Алтындән»")
    page = officer.get("/guard")
    row = page.one(data_network="198.51.100.0/24")
    action = next(form.get("action") for form in row.iter("form"))
    officer.send(page, action)

    assert "198.51.100.0/24" not in officer.get("/guard").main
