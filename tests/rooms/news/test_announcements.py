"""Contacts are published and announced before they change; new functions are told to everybody (ESRV-17, 46, 47)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from browser import Browser
from factories import mails_to, messages_of, person
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from app import db
from app.errors import Invalid, NotPermitted
from app.news import operations, queries
from app.news.models import Announcement
from app.terms import say
from app.web.templating import SUPPORT, ZONE, date_text

WORDS = {
    "titles": {"kk": "Жаңа анықтама", "ru": "Новая справка", "en": "A new reference"},
    "texts": {"kk": "Енді анықтама бар.", "ru": "Теперь есть справка.", "en": "There is a reference now."},
}
NEW = {"phones": ["+7 (727) 111 22 33"], "email": "listing@exchange.example"}


def told(now, *, by="listing_head", kind="functions", **given) -> Announcement:
    return operations.announce(**{"kind": kind, **WORDS, **given}, by=person(by), now=now)


@pytest.mark.req("ESRV-17.b")
@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_new_functions_are_published_to_everybody_and_told_in_the_cabinet(browser, house, now, language):
    row = told(now)
    nobody, issuer = Browser(house.app, language), browser("issuer", language)

    public = nobody.get("/news")

    assert public.status == 200
    article = public.says(data_announcement=str(row.id))
    assert WORDS["titles"][language] in article
    assert WORDS["texts"][language] in article
    assert WORDS["titles"][language] in issuer.get("/").main
    assert WORDS["titles"][language] in issuer.get("/notifications").main
    for key in ("issuer", "other_issuer", "chancery"):
        assert messages_of(person(key))[0].message == "notice.announced"
        assert not [mail for mail in mails_to(person(key).email) if "Жаңа анықтама" in mail.body]


def test_the_home_page_shows_it_for_two_weeks(house, now):
    told(now - timedelta(days=15))

    assert queries.fresh(now) == []
    assert queries.count() == 1


@pytest.mark.req("ESRV-46", "ESRV-47")
def test_contacts_are_announced_before_they_change_and_hold_from_their_day(browser, house, now, monkeypatch):
    today = now.astimezone(ZONE).date()
    nobody = Browser(house.app)
    assert SUPPORT["phones"][0] in nobody.get("/news").says(data_contacts="")

    told(now, kind="contacts", **NEW, holds_from=today + timedelta(days=3))

    page = nobody.get("/news")
    assert NEW["phones"][0] in page.main
    assert SUPPORT["phones"][0] in page.says(data_contacts="")
    assert NEW["phones"][0] not in page.says(data_contacts="")
    assert queries.contacts(today + timedelta(days=2)) is None
    assert queries.contacts(today + timedelta(days=3)) == NEW
    assert messages_of(person("issuer"))[0].message == "notice.announced"

    from app.web import clock

    later = now + timedelta(days=3)
    monkeypatch.setattr(clock, "now", lambda config: later)
    assert NEW["phones"][0] in nobody.get("/news").says(data_contacts="")
    assert NEW["email"] in nobody.get("/login").text
    assert SUPPORT["phones"][0] not in nobody.get("/login").text


@pytest.mark.req("ESRV-47")
@pytest.mark.parametrize("days", [None, -1, 0])
def test_contacts_never_change_at_once(house, now, days):
    day = None if days is None else now.astimezone(ZONE).date() + timedelta(days=days)

    with pytest.raises(Invalid) as refusal:
        told(now, kind="contacts", **NEW, holds_from=day)

    assert [problem.path for problem in refusal.value.problems] == ["holds_from"]


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"kind": "gossip"}, "kind"),
        ({"titles": {"kk": "", "ru": "а", "en": "a"}}, "title_kk"),
        ({"texts": {"kk": "а", "ru": "а", "en": " "}}, "text_en"),
        ({"texts": {"kk": "а", "ru": "а" * 4001, "en": "a"}}, "text_ru"),
        ({"kind": "contacts", **NEW, "phones": []}, "phones"),
        ({"kind": "contacts", **NEW, "phones": ["call me"]}, "phones"),
        ({"kind": "contacts", **NEW, "email": "nowhere"}, "email"),
    ],
)
def test_what_will_not_do_is_refused_at_its_field(house, now, given, path):
    day = now.astimezone(ZONE).date() + timedelta(days=1)

    with pytest.raises(Invalid) as refusal:
        told(now, holds_from=day, **given)

    assert [problem.path for problem in refusal.value.problems] == [path]
    assert db.session.scalar(select(func.count(Announcement.id))) == 0


@pytest.mark.parametrize("key", ["issuer", "chancery", "listing", "lawyer"])
def test_nobody_else_announces(browser, house, now, key):
    someone = browser(key)

    assert "news.publish" not in someone.get("/news").terms()
    assert someone.post("/news", {"kind": "other"}).status == 404
    with pytest.raises(NotPermitted):
        told(now, by=key)


def test_it_is_published_from_the_page_and_faults_keep_what_was_typed(browser, house):
    someone = browser("admin")
    typed = {f"title_{code}": words for code, words in WORDS["titles"].items()}
    typed |= {f"text_{code}": words for code, words in WORDS["texts"].items()}

    bare = someone.send(someone.get("/news"), "/news", **{**typed, "text_ru": ""})
    done = someone.send(bare, "/news", **typed)

    assert bare.status == 422
    assert bare.error("text_ru")
    assert bare.form("/news")["title_kk"] == ["Жаңа анықтама"]
    assert done.status == 303
    assert "Жаңа анықтама" in someone.get("/news").main


@pytest.mark.parametrize("statement", ["UPDATE announcement SET kind = 'other'", "DELETE FROM announcement"])
def test_the_database_refuses_to_change_an_announcement(house, now, statement):
    told(now)

    with pytest.raises(DBAPIError, match="only added"), db.session.begin_nested():
        db.session.execute(text(statement))


def test_an_announcement_sent_twice_is_told_once_and_other_words_again(browser, house):
    someone = browser("listing_head")
    page = someone.get("/news")
    words = {f"{name}_{code}": said for name in ("title", "text") for code, said in WORDS[f"{name}s"].items()}
    before = len(messages_of(person("issuer")))

    answers = [someone.send(page, "/news", kind="functions", **words) for _ in range(2)]

    assert [answer.status for answer in answers] == [303, 303]
    assert db.session.scalar(select(func.count(Announcement.id))) == 1
    assert len(messages_of(person("issuer"))) == before + 1
    someone.send(page, "/news", kind="functions", **{**words, "title_en": "Another one"})
    assert db.session.scalar(select(func.count(Announcement.id))) == 2


@pytest.mark.parametrize("phone", ["-----", "(  ) --", "+1234"])
def test_a_phone_has_five_digits_at_least(house, now, phone):
    with pytest.raises(Invalid) as refusal:
        told(now, kind="contacts", **{**NEW, "phones": [phone]}, holds_from=now.astimezone(ZONE).date() + timedelta(2))

    assert [problem.path for problem in refusal.value.problems] == ["phones"]


def test_a_phone_written_twice_is_told_once(house, now):
    twice = {**NEW, "phones": [NEW["phones"][0], " +77271112233 ", NEW["phones"][0]]}

    row = told(now, kind="contacts", **twice, holds_from=now.astimezone(ZONE).date() + timedelta(2))

    assert row.contacts["phones"] == NEW["phones"]


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_the_home_page_tells_two_days_by_their_names(browser, house, now, language):
    row = told(now, kind="contacts", **NEW, holds_from=now.astimezone(ZONE).date() + timedelta(2))

    said = browser("issuer", language).get("/").says(data_announcement=str(row.id))

    assert say("news.holds_from_day", language, day=date_text(row.holds_from)) in said
    assert say("news.from_day", language, day=date_text(row.holds_from)) not in said
