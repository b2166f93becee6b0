"""One-time links: no password is ever sent, and a link sets one once (readings A31, A6)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factories import PASSWORD, company, user
from sqlalchemy import select

from app import db
from app.accounts import links, operations
from app.accounts.models import OneTimeLink, User
from app.errors import Conflict, Invalid

NEW = "Qyzyl+8gul"


@pytest.fixture
def newcomer(house, now):
    """A person whose account has just been made, and the secret of his link."""
    return operations.create(email="jana@altn.example", last_name="Жаңа", first_name="Адам", by=None, now=now)


def test_the_secret_has_128_bits_and_more_and_only_its_hash_is_kept(newcomer):
    who, token = newcomer

    row = db.session.scalars(select(OneTimeLink).where(OneTimeLink.user_id == who.id)).one()
    assert len(token) >= 43  # 256 bits in base 64
    assert token not in str(vars(row))


@pytest.mark.req("IS2IN-3.k", "IS2IN-4.d")
def test_a_new_account_has_no_password_and_its_link_sets_one_once(newcomer, now):
    who, token = newcomer
    assert operations.sign_in(who.email, "", now=now) is None

    links.set_password(token, new=NEW, repeated=NEW, now=now)

    assert operations.sign_in(who.email, NEW, now=now) is who
    assert not who.must_renew_password(now)
    with pytest.raises(Conflict):
        links.set_password(token, new="Basqa+8gul", repeated="Basqa+8gul", now=now)
    assert operations.sign_in(who.email, NEW, now=now) is who


@pytest.mark.parametrize("purpose", links.PURPOSES)
def test_a_link_works_until_its_end_and_not_at_that_second(house, now, purpose):
    who = user(company("ALTN"))
    token = links.issue(who, purpose, now=now)
    end = now + links.life(purpose)

    with pytest.raises(Conflict):
        links.set_password(token, new=NEW, repeated=NEW, now=end)
    links.set_password(token, new=NEW, repeated=NEW, now=end - timedelta(seconds=1))

    assert operations.sign_in(who.email, NEW, now=now) is who


def test_a_newer_link_ends_the_older_one(house, now):
    who = user(company("ALTN"))
    old = links.issue(who, links.RECOVERY, now=now)

    new = links.issue(who, links.RECOVERY, now=now)

    assert links.standing(old, now=now) is None
    assert links.standing(new, now=now).user is who


def test_the_link_of_somebody_switched_off_does_not_work(house, now):
    who = user(company("ALTN"))
    token = links.issue(who, links.RECOVERY, now=now)

    who.is_active = False

    assert links.standing(token, now=now) is None


@pytest.mark.parametrize(
    ("new", "repeated", "field", "key"),
    [
        ("qysqa", "qysqa", "new_password", "password.err.short"),
        (PASSWORD, PASSWORD, "new_password", "password.err.same"),
        (NEW, NEW + "1", "repeat_password", "password.err.repeat"),
    ],
)
def test_a_refused_password_leaves_the_link_working(house, now, new, repeated, field, key):
    who = user(company("ALTN"))
    token = links.issue(who, links.RECOVERY, now=now)

    with pytest.raises(Invalid) as refusal:
        links.set_password(token, new=new, repeated=repeated, now=now)

    assert (field, key) in [(problem.path, problem.key) for problem in refusal.value.problems]
    links.set_password(token, new=NEW, repeated=NEW, now=now)


def test_a_password_set_by_a_link_ends_the_open_sessions(house, browser, now):
    who = user(company("ALTN"))
    someone = browser()
    someone.sign_in(who.email, PASSWORD)
    assert someone.get("/norms").status == 200
    token = links.issue(db.session.get(User, who.id), links.RECOVERY, now=now)

    links.set_password(token, new=NEW, repeated=NEW, now=now)

    assert someone.get("/norms").location.startswith("/login")


@pytest.mark.req("IS2IN-3.k")
def test_opening_the_page_uses_nothing_up_and_sending_it_leads_to_the_door(house, browser, newcomer):
    who, token = newcomer
    email = who.email
    someone = browser()

    assert someone.get(f"/password/{token}").status == 200
    page = someone.get(f"/password/{token}")
    assert email in page.main
    refused = someone.send(page, f"/password/{token}", new_password="qysqa", repeat_password="qysqa")
    answer = someone.send(page, f"/password/{token}", new_password=NEW, repeat_password=NEW)

    assert refused.status == 422
    assert refused.error("new_password")
    assert answer.location == "/login"
    assert someone.sign_in(email, NEW).location == "/"
    assert browser().get(f"/password/{token}").status == 404
    assert browser().get("/password/nothing").says(data_key="link.dead")
