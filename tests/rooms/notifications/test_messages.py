"""«Хабарламалар» (user manual, paragraph 8.1; reading A38) and what its mails say."""

from __future__ import annotations

import pytest
from browser import words
from factories import Teller, application_at, mails_to, messages_of, person, user
from sqlalchemy import func, select

from app import db
from app.notifications import operations, queries
from app.notifications.models import Mail, Notification
from app.notifications.operations import About
from app.terms import LANGUAGES, say
from app.web.templating import date_time_text

PROCEDURE = {
    "kk": "Акцияларды Биржаның ресми тізіміне енгізу",
    "ru": "Включение акций в официальный список Биржи",
    "en": "Inclusion of shares in the official list of the Exchange",
}


@pytest.fixture
def sent(house):
    """The number of an application that has just been sent to the first head."""
    return Teller(house.config).at_first_head().number


@pytest.mark.req("IS2IN-8.1.a", "IS2IN-8.1.b", "IS2IN-8.1.c", "IS2IN-8.1.d")
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_message_says_procedure_executor_author_and_time(browser, sent, language):
    row = messages_of(person("first_head"))[0]
    ident, at = row.id, row.at

    page = browser("first_head", language).get("/notifications")
    shown = words(page.one(data_notification=str(ident)))

    assert PROCEDURE[language] in shown
    assert f"{say('role.executor', language)}: Нұрланов Дәурен" in shown
    assert f"{say('role.author', language)}: Ахметова Айгүл" in shown
    assert date_time_text(at) in shown
    assert sent in shown


@pytest.mark.req("IS2IN-20.a", "IS2IN-24.b")
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_mail_says_the_same_in_the_readers_language(house, language):
    person("first_head").language = language
    db.session.flush()
    number = Teller(house.config).at_first_head().number

    mail = mails_to(person("first_head").email)[0]

    assert mail.language == language
    assert (number in mail.subject, PROCEDURE[language] in mail.subject) == (True, True)
    for line in (
        f"{say('col.app_number', language)}: {number}",
        f"{say('obj.procedure', language)}: {PROCEDURE[language]}",
        f"{say('role.executor', language)}: Нұрланов Дәурен",
        f"{say('role.author', language)}: Ахметова Айгүл",
        f"{house.config.base_url}/applications/{number}",
    ):
        assert line in mail.body


@pytest.mark.req("IS2IN-8.1.a")
def test_a_message_leads_to_its_application(browser, sent):
    page = browser("first_head").get("/notifications")

    link = next(item for item in page.one(data_app=sent).iter("a"))
    assert browser("first_head").get(link.get("href")).status == 200


@pytest.mark.req("IS2IN-7.2")
def test_unread_messages_are_counted_on_every_page_until_they_are_read(browser, sent):
    someone = browser("first_head")
    unread = queries.unread(person("first_head").id)
    assert unread > 0
    for path in ("/", "/norms", "/applications"):
        assert someone.get(path).all(data_unread=str(unread))

    someone.send(someone.get("/notifications"), "/notifications/read")

    assert queries.unread(person("first_head").id) == 0
    assert not [item for item in someone.get("/").root.iter() if item.get("data-unread")]


def test_nobody_marks_the_messages_of_others(browser, sent):
    before = queries.unread(person("first_head").id)
    ids = [str(item.id) for item in messages_of(person("first_head"))]
    someone = browser("clerk")
    someone.get("/notifications")

    someone.post("/notifications/read", {"id": ids})

    assert queries.unread(person("first_head").id) == before


def test_one_event_tells_each_person_once_even_if_he_is_meant_twice(house, now):
    who = user()
    operations.notify([who, who], "notice.created", about=About(), now=now)

    assert len(messages_of(who)) == len(mails_to(who.email)) == 1


def test_messages_and_mails_are_written_in_the_same_transaction_as_the_act(house):
    teller = Teller(house.config)
    application = teller.filled()
    before = _count()

    nested = db.session.begin_nested()
    teller.dispatch(application)
    assert _count() > before
    nested.rollback()

    assert _count() == before


def _count() -> tuple[int, int]:
    return (
        db.session.scalar(select(func.count(Notification.id))) or 0,
        db.session.scalar(select(func.count(Mail.id))) or 0,
    )


def test_no_line_of_a_name_becomes_a_header_of_the_mail(house, now):
    who = user(last_name="Зұлым\r\nBcc: all@altn.example", email="zulym@altn.example")

    operations.notify([who], "notice.created", about=About(number="LP-1", procedure={"kk": "А\r\nBcc: x@y.z"}), now=now)

    assert not set("\r\n") & set(mails_to(who.email)[0].subject)


def test_in_the_demo_the_mails_can_be_read_on_a_page(browser, sent):
    page = browser().get("/demo/mail")

    assert page.status == 200
    assert sent in page.main


def test_all_mails_of_the_demo_and_all_messages_can_be_reached_page_by_page(browser, house, now):
    for address, someone in (("/demo/mail", browser()), ("/notifications", browser("issuer"))):
        about = [f"LP-2027-{number:06d}" for number in range(120)]
        for number in about:
            operations.notify([person("issuer")], "notice.created", about=About(number=number), now=now)
        met, path = "", f"{address}?page=1"
        while path:
            page = someone.get(path)
            met += page.answer.get_data(as_text=True)
            following = [link.get("href", "") for link in page.all(rel="next")]
            path = following[0] if following else ""
        assert [number for number in about if number not in met] == [], address
        for odd in ("0", "-1", "9999", "x"):
            assert someone.get(f"{address}?page={odd}").status == 200


def test_the_status_of_an_application_reaches_its_author_at_every_step(house):
    """IS2IN-8.1.a over the whole way: the archived application has told its author of each of its steps."""
    number = application_at("archived").number
    told = [item for item in messages_of(person("issuer")) if item.application_number == number]

    assert len(told) >= 6
    assert all(item.procedure["kk"] == PROCEDURE["kk"] for item in told)
    assert all(item.executor.get("kk") for item in told)


@pytest.mark.parametrize("key", ["clerk", "chancery"])
def test_who_has_been_switched_off_is_told_nothing(house, key, now):
    teller = Teller(house.config)
    application = teller.at_first_head()
    someone = person(key)
    someone.is_active = False
    db.session.flush()
    before = len(messages_of(someone)), len(mails_to(someone.email))

    teller.sign_and_send(application)
    operations.notify([someone], "notice.created", about=About(number=application.number), now=now)

    assert (len(messages_of(someone)), len(mails_to(someone.email))) == before
