"""Signing in with an NCA key: one text, one browser, one host, two minutes, and the same rules as by password."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from factories import person, user

from app import db
from app.accounts import blocking, key_entrance, lockouts, operations
from app.accounts.models import LoginSession
from app.errors import Conflict
from app.sandbox.pki import SandboxPki
from app.signatures.purpose import CHALLENGE

SECOND = timedelta(seconds=1)


@pytest.fixture
def pki(house):
    """The sandbox authority of the house."""
    return SandboxPki.open(house.config.var / "sandbox", environment=house.config.env)


def enter(someone, pki, key, *, at, sign=None, form="base64"):
    """Sign in with the key of a demo account, as the page does; ``sign`` changes what is signed."""
    someone.get("/login")
    token = someone.token
    text = someone.get("/login/key/challenge").answer.data
    cms = pki.sign(key, sign(text) if sign else text, attached=False, at=at)
    someone.token = token
    text = base64.encodebytes(cms).decode()
    given = f"-----BEGIN CMS-----\n{text}-----END CMS-----\n" if form == "pem" else base64.b64encode(cms).decode()
    return someone.post("/login/key", {"cms": given})


@pytest.mark.parametrize("form", ["base64", "pem"])  # agents give either
def test_the_owner_of_a_key_is_let_in_and_the_session_says_how(house, browser, pki, now, form):
    someone = browser()

    answer = enter(someone, pki, "first_head", at=now, form=form)

    assert answer.location == "/"
    assert someone.get("/").status == 200
    who = person("first_head")
    newest = max(db.session.query(LoginSession).filter_by(user_id=who.id), key=lambda row: row.id)
    assert newest.way == "key"


def test_what_is_given_names_host_and_purpose_and_is_no_document(browser):
    someone = browser()

    first, second = (someone.get("/login/key/challenge") for _ in range(2))

    assert first.answer.data.startswith(CHALLENGE)
    assert b"\nlocalhost\nsign in\n" in first.answer.data
    assert first.answer.data != second.answer.data
    assert first.answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "sign",
    [
        lambda text: text.replace(b"localhost", b"evil.example"),
        lambda text: text.replace(b"sign in", b"key test"),
        lambda text: text + b" ",
        lambda _text: b"%PDF-1.7 something else",
    ],
)
def test_a_signature_over_anything_else_opens_nothing(house, browser, pki, now, sign):
    someone = browser()

    answer = enter(someone, pki, "first_head", at=now, sign=sign)

    assert answer.status == 422
    assert answer.error("cms")
    assert someone.get("/").location.startswith("/login")


def test_a_text_opens_one_door_once(house, browser, pki, now):
    text = key_entrance.challenge("localhost", now=now)
    report = key_entrance.judge(pki.sign("first_head", text.encode(), attached=False, at=now), text, now=now)
    assert key_entrance.enter(report, text, address="", now=now).id == person("first_head").id

    with pytest.raises(Conflict) as refusal:
        key_entrance.enter(report, text, address="", now=now)
    assert refusal.value.key == "entrance.err.stale"


def test_a_text_given_to_one_browser_does_not_open_another(house, browser, pki, now):
    victim, thief = browser(), browser()
    victim.get("/login")
    text = victim.get("/login/key/challenge").answer.data
    cms = base64.b64encode(pki.sign("first_head", text, attached=False, at=now)).decode()
    thief.get("/login")

    answer = thief.post("/login/key", {"cms": cms})

    assert answer.status == 422
    assert thief.get("/").location.startswith("/login")


@pytest.mark.parametrize(
    ("host", "after", "stands"),
    [
        ("localhost", timedelta(0), True),
        ("localhost", timedelta(minutes=2) - SECOND, True),
        ("localhost", timedelta(minutes=2), False),
        ("localhost", -SECOND, False),
        ("other.example", timedelta(0), False),
    ],
)
def test_a_text_lives_two_minutes_at_its_host(now, host, after, stands):
    text = key_entrance.challenge("localhost", now=now)

    if stands:
        key_entrance.require_standing(text, host, now=now + after)
        return
    with pytest.raises(Conflict):
        key_entrance.require_standing(text, host, now=now + after)


@pytest.mark.parametrize("text", ["", "nonsense", CHALLENGE.decode(), CHALLENGE.decode() + "localhost\nsign in\n"])
def test_what_is_no_such_text_is_refused(now, text):
    with pytest.raises(Conflict):
        key_entrance.require_standing(text, "localhost", now=now)


def test_a_revoked_key_opens_nothing(house, browser, pki, now):
    pki.revoke("first_head", at=now)
    catalogue_again(house)

    answer = enter(browser(), pki, "first_head", at=now)

    assert answer.status == 422
    assert answer.error("cms")


def catalogue_again(house):
    """Let the lists be read anew."""
    from app import catalogue

    catalogue.configure(house.config)


def test_an_expired_key_opens_nothing(house, browser, pki, now):
    pki.expire("first_head", at=now - timedelta(days=30))

    assert enter(browser(), pki, "first_head", at=now).status == 422


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"iin": "000000000000"}, "entrance.err.nobody"),
        ({"is_active": False}, "entrance.err.nobody"),
    ],
)
def test_a_key_without_an_active_account_opens_nothing(house, pki, now, change, key):
    who = person("first_head")
    for name, value in change.items():
        setattr(who, name, value)
    db.session.flush()

    assert refused(pki, now) == key


def test_a_key_of_another_organisation_opens_nothing(house, pki, now):
    person("first_head").organisation.bin = "999999999999"
    db.session.flush()

    assert refused(pki, now) == "entrance.err.nobody"


def refused(pki, now) -> str:
    """Return why the first head's key opens nothing."""
    text = key_entrance.challenge("localhost", now=now)
    report = key_entrance.judge(pki.sign("first_head", text.encode(), attached=False, at=now), text, now=now)
    with pytest.raises(Conflict) as refusal:
        key_entrance.enter(report, text, address="", now=now)
    return refusal.value.key


def test_a_shut_door_and_a_block_hold_for_keys_too(house, pki, now):
    who = person("first_head")
    for _ in range(5):
        operations.sign_in(who.email, "Qate#2026", now=now)
    assert refused(pki, now) == "entrance.err.shut"

    lockouts.open_door(who, by=person("admin"), now=now)
    blocking.block_oneself(who, reason="Кілтті жоғалттым", now=now)

    assert refused(pki, now) == "login.err.blocked"


def test_two_accounts_of_one_person_are_told_apart_by_the_organisation_or_not_at_all(house, pki, now):
    who = person("first_head")
    user(iin=who.iin)  # works nowhere, so the organisation in the key leads to the other
    text = key_entrance.challenge("localhost", now=now)
    report = key_entrance.judge(pki.sign("first_head", text.encode(), attached=False, at=now), text, now=now)
    assert key_entrance.enter(report, text, address="", now=now) is who

    user(who.organisation, iin=who.iin)

    assert refused(pki, now) == "entrance.err.several"


def test_no_signature_is_told_as_such(house, browser):
    someone = browser()
    someone.get("/login")
    token = someone.token
    someone.get("/login/key/challenge")
    someone.token = token

    answer = someone.post("/login/key", {"cms": ""})

    assert (answer.status, bool(answer.error("cms"))) == (422, True)
