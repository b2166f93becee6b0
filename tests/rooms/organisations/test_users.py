"""The user menu and «Пайдаланушылар» (user manual, paragraphs 9 and 9.2; reading A8)."""

from __future__ import annotations

import re

import pytest
from factories import company, mails_to, organisation, person, user
from sqlalchemy import func, select

from app import db
from app.accounts.models import User
from app.demo.people import PEOPLE
from app.errors import Conflict, NotPermitted
from app.organisations import operations
from app.terms import say
from app.web import clock

NEW = {
    "last_name": "Әбішева",
    "first_name": "Нұргүл",
    "patronymic": "Ғаниқызы",
    "position": "Заңгер",
    "email": "nurgul@altn.example",
    "phone": "+7 701 555 44 33",
}


@pytest.mark.req("IS2IN-9.a", "IS2IN-9.b")
@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_the_menu_shows_the_companys_code_and_name(browser, language):
    page = browser("issuer", language).get("/")

    assert page.says(data_key="obj.company_code") == "ALTN"
    assert page.says(data_key="obj.company_name") == company("ALTN").names[language]


@pytest.mark.req("IS2IN-9.b")
def test_the_menu_holds_the_manuals_tabs_in_its_order(browser):
    menu = browser("issuer").get("/").root.find(".//nav[@class='menu']")

    tabs = [link.get("data-key") for link in menu.iter("a")]
    assert tabs[-2:] == ["nav.search", "nav.outputs"], "what the manual does not know stands after its own"
    del tabs[-2:]
    assert tabs == [
        "nav.procedures",
        "nav.users",
        "nav.partnership",
        "nav.under_review",
        "nav.archive",
        "nav.questionnaires",
        "nav.normative_base",
        "nav.insiders",
    ]
    assert [say(key, "kk") for key in tabs] == [
        "Процедуралар",
        "Пайдаланушылар",
        "Әріптестік",
        "Қарауда",
        "Өтініштер мұрағаты",
        "Сауалнамалар",
        "Нормативтік база",
        "Биржа инсайдерлері",
    ]


@pytest.mark.req("IS2IN-9.2.a")
def test_the_active_users_of_the_own_organisation_are_listed_and_no_others(browser, house):
    person("clerk").is_active = False

    page = browser("issuer").get("/users")

    shown = {row.get("data-user") for row in page.root.iter("tr")} - {None}
    assert shown == {"issuer@altn.example", "first.head@altn.example"}


@pytest.mark.req("IS2IN-9.2.c")
@pytest.mark.parametrize("key", ["clerk", "first_head"])
def test_who_is_no_administrator_is_offered_nothing_and_can_add_nobody(browser, house, key):
    someone = browser(key)
    count = db.session.scalar(select(func.count(User.id)))

    page = someone.get("/users")
    direct, sent = someone.get("/users/new"), someone.post("/users/new", NEW)

    assert "act.add_users" not in page.terms()
    assert (direct.status, sent.status) == (404, 404)
    assert db.session.scalar(select(func.count(User.id))) == count


@pytest.mark.req("IS2IN-9.2.c")
@pytest.mark.parametrize("key", ["clerk", "other_issuer", "adviser", "chancery", "admin"])
def test_the_verb_itself_refuses_who_is_not_this_organisations_administrator(house, now, key):
    with pytest.raises(NotPermitted):
        operations.add_user(company("ALTN"), by=person(key), **NEW, is_admin=False, site="", now=now)


@pytest.mark.req("IS2IN-9.2.b", "IS2IN-9.2.d")
def test_an_administrator_adds_a_user_who_gets_a_link_that_sets_the_first_password(browser, house):
    someone = browser("issuer")
    button = someone.get("/users").one(data_key="act.add_users")
    page = someone.get(button.get("href"))

    answer = someone.send(page, "/users/new", **NEW)

    assert say("act.add_users", "kk") == "Пайдаланушыларды қосу"
    assert answer.location == "/users"
    assert someone.get("/users").all(data_user=NEW["email"])
    [mail] = mails_to(NEW["email"])
    [path] = re.findall(r"/password/\S+", mail.body)
    newcomer = browser()
    page = newcomer.get(path)
    newcomer.send(page, path, new_password="Qyzyl+8gul", repeat_password="Qyzyl+8gul")
    assert newcomer.sign_in(NEW["email"], "Qyzyl+8gul").location == "/"
    assert path not in someone.get("/users").text


@pytest.mark.req("IS2IN-9.2.b")
@pytest.mark.parametrize("is_admin", [True, False])
def test_administrator_rights_are_passed_on_only_when_asked(browser, house, is_admin):
    someone = browser("issuer")
    page = someone.get("/users/new")

    someone.send(page, "/users/new", **NEW, **({"is_admin": "yes"} if is_admin else {}))

    added = db.session.scalars(select(User).where(User.email == NEW["email"])).unique().one()
    assert added.membership.is_admin is is_admin
    assert added.organisation.code == "ALTN"
    assert not added.membership.is_first_head
    assert not added.membership.may_sign


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("last_name", ""),
        ("first_name", "   "),
        ("position", ""),
        ("email", "nurgul"),
        ("email", "a@b"),
        ("email", "issuer@altn.example"),
        ("email", " ISSUER@altn.example"),
        ("email", "x@y.z\r\nBcc: all@altn.example"),
        ("phone", "жоқ"),
        ("phone", "123"),
        ("last_name", "Ә" * 101),
    ],
)
def test_a_user_who_will_not_do_is_refused_at_the_field_and_the_input_kept(browser, house, field, value):
    someone = browser("issuer")
    count = db.session.scalar(select(func.count(User.id)))
    page = someone.get("/users/new")

    refused = someone.send(page, "/users/new", **{**NEW, field: value})

    assert refused.status == 422
    assert refused.error(field)
    kept = {name: typed[0] for name, typed in refused.form("/users/new").items()}
    assert {name: kept[name] for name in NEW if name != field} == {n: v for n, v in NEW.items() if n != field}
    assert db.session.scalar(select(func.count(User.id))) == count
    assert mails_to(NEW["email"]) == []


@pytest.mark.req("ESRV-2.6")
def test_an_address_has_one_account(house, now):
    with pytest.raises(Conflict):
        operations.add_user(
            company("ALTN"),
            by=person("issuer"),
            **{**NEW, "email": "Clerk@ALTN.example"},
            is_admin=False,
            site="",
            now=now,
        )


@pytest.mark.req("ESRV-2.7", "IS2IN-1.2.a")
def test_who_works_for_nobody_or_for_a_closed_company_sees_no_client_page(browser, house):
    closed = organisation(is_active=False)
    user(closed, email="jabyq@synq.example", is_admin=True)
    someone = browser()
    someone.sign_in("jabyq@synq.example", "Jasyl-7qala")

    for path in ("/users", "/partnership", "/applications", "/procedures", "/archive", "/questionnaires", "/queue"):
        assert someone.get(path).status == 404, path


@pytest.mark.req("IS2IN-1.2.b")
def test_the_demo_knows_every_kind_of_client():
    assert {found.company for found in PEOPLE if not found.roles} == {"ALTN", "BRKT", "SNIM", "JLGZ", "ADIL", "BOLA"}


def test_who_adds_users_learns_ten_times_an_hour_that_an_address_has_an_account(browser, house):
    someone = browser("issuer")
    page = someone.get("/users/new")
    taken = {**NEW, "email": person("clerk").email}
    for _ in range(10):
        refused = someone.send(page, "/users/new", **taken)
        assert refused.error("email") == say("user.err.exists", "kk", email=taken["email"])

    for email in (taken["email"], NEW["email"]):  # a free one is told no more either: the answer would be one
        refused = someone.send(page, "/users/new", **{**NEW, "email": email})
        assert refused.status == 422
        assert refused.error("email") == say("user.err.asked_often", "kk", n=10)
    other = browser("adviser")
    own = person("adviser").email
    told = other.send(other.get("/users/new"), "/users/new", **{**NEW, "email": own})
    assert told.error("email") == say("user.err.exists", "kk", email=own)
    try:
        clock.move(house.config, "+61m")
        assert someone.send(page, "/users/new", **NEW).location == "/users"
    finally:
        clock.move(house.config, "reset")


def test_adding_users_who_have_no_account_is_not_bounded(browser, house):
    someone = browser("issuer")
    page = someone.get("/users/new")

    for number in range(12):
        assert someone.send(page, "/users/new", **{**NEW, "email": f"adam{number}@altn.example"}).location == "/users"
