"""Signing in (user manual, paragraph 4), lock-out, and what a sign-in must not tell or open."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factories import PASSWORD, company, person, user
from sqlalchemy import select

from app import db
from app.accounts import agreements
from app.accounts.models import AgreementAcceptance, User
from app.audit.models import AuditEntry
from app.demo.people import PASSWORD as DEMO_PASSWORD
from app.web import clock


@pytest.mark.req("IS2IN-4.b", "ESRV-22.1")
def test_one_signs_in_with_an_address_and_a_password_and_nothing_else(browser):
    page = browser().get("/login")

    asked = set(page.form("/login")) - {"csrf_token", "next"}
    assert asked == {"email", "password"}


@pytest.mark.req(
    "ESRV-20", "ESRV-21.a", "ESRV-34.a", "IS2IN-4.a", "IS2IN-6", "IS2IN-7.1", "IS2IN-7.2", "IS2IN-7.3", "ESRV-25.1"
)
def test_after_signing_in_one_stands_on_the_main_page(browser):
    someone = browser()

    answer = someone.sign_in(person("issuer").email, DEMO_PASSWORD)
    page = someone.follow(answer)

    assert answer.location == "/"
    assert page.one(data_key="app.name").get("href") == "/"
    assert {"nav.notifications", "nav.edit_profile", "nav.logout", "nav.procedures"} <= page.terms()


@pytest.mark.req("IS2IN-4.c")
def test_the_agreement_can_be_read_before_signing_in(browser):
    someone = browser()
    door = someone.get("/login")

    page = someone.get(door.one(data_key="obj.user_agreement").get("href"))

    assert page.status == 200
    assert agreements.VERSION in page.main
    assert door.says(data_key="act.login") == "Кіру"


@pytest.mark.req("IS2IN-4.c")
def test_pressing_enter_records_the_version_of_the_agreement_and_when(browser, now):
    who = user(company("ALTN"))
    email = who.email

    browser().sign_in(email, PASSWORD)

    who = db.session.scalars(select(type(who)).where(type(who).email == email)).unique().one()
    assert who.agreement_version == agreements.VERSION
    assert abs(who.agreement_at - now) < timedelta(minutes=1)


@pytest.mark.req("IS2IN-4.c")
def test_a_new_version_of_the_agreement_is_shown_before_going_on_and_kept_beside_the_old_one(
    house, browser, now, monkeypatch
):
    who = user(company("ALTN"))
    email, ident = who.email, who.id
    someone = browser()
    someone.sign_in(email, PASSWORD)
    assert someone.get("/").status == 200
    old = agreements.VERSION

    monkeypatch.setattr(agreements, "VERSION", "2027-01")
    for path in ("/", "/applications", "/profile", "/norms"):
        assert someone.get(path).location == "/agreement"
    page = someone.get("/agreement")
    assert page.says(data_key="agreement.new")
    someone.send(page, "/agreement")

    assert someone.get("/").status == 200
    kept = db.session.scalars(
        select(AgreementAcceptance.version).where(AgreementAcceptance.user_id == ident).order_by(AgreementAcceptance.id)
    )
    assert list(kept) == [old, "2027-01"]
    assert db.session.get(User, ident).agreement_version == "2027-01"


@pytest.mark.req("IS2IN-4.d")
def test_an_issued_password_opens_nothing_but_its_change(browser, house):
    who = user(company("ALTN"), must_change_password=True)
    someone = browser()
    someone.sign_in(who.email, PASSWORD)

    for path in ("/", "/applications", "/users", "/norms", "/notifications", "/procedures"):
        assert someone.get(path).location == "/profile"
    page = someone.get("/profile")
    assert set(page.form("/profile/password")) >= {"current_password", "new_password", "repeat_password"}
    assert not page.all(action="/profile")
    changed = someone.send(
        page, "/profile/password", current_password=PASSWORD, new_password="Qyzyl+8gul", repeat_password="Qyzyl+8gul"
    )

    assert changed.location == "/"
    assert someone.get("/").status == 200


@pytest.mark.req("IS2IN-4.d")
def test_with_an_issued_password_nothing_can_be_sent_either(browser, house):
    who = user(company("ALTN"), must_change_password=True, is_admin=True)
    someone = browser()
    someone.sign_in(who.email, PASSWORD)
    someone.get("/profile")

    for path in ("/profile", "/users/new", "/procedures/share_listing/new", "/notifications/read"):
        assert someone.post(path, {"last_name": "Жаңа"}).status in (303, 404), path
    assert db.session.get(type(who), who.id).last_name == "Сынақбаев"


@pytest.mark.req("ESRV-2.11", "ESRV-25.1")
@pytest.mark.parametrize(
    ("email", "password"),
    [("issuer@altn.example", "Qazaq#2027"), ("nobody@altn.example", DEMO_PASSWORD), ("issuer@altn.example", "")],
)
def test_a_refused_sign_in_does_not_tell_which_was_wrong(browser, email, password):
    page = browser().sign_in(email, password)

    assert page.status == 422
    assert page.form("/login")["email"] == [email]
    if password:
        assert page.error("email") == browser().sign_in("another@nowhere.example", "Qazaq#2030").error("email")


def test_the_wrong_password_is_never_sent_back(browser):
    assert "Qazaq#2027" not in browser().sign_in("issuer@altn.example", "Qazaq#2027").text


@pytest.mark.parametrize("spelling", ["ISSUER@altn.example", "  issuer@ALTN.example ", "Issuer@Altn.Example"])
def test_an_address_is_known_in_any_spelling(browser, house, spelling):
    assert browser().sign_in(spelling, DEMO_PASSWORD).status == 303


def test_four_failures_leave_the_door_open_and_the_fifth_locks_it_for_an_hour(house, browser):
    email = person("clerk").email
    someone = browser()
    for _ in range(4):
        assert someone.sign_in(email, "Qate#2026").status == 422
    assert someone.sign_in(email, DEMO_PASSWORD).status == 303
    someone = browser()
    for spelling in (email, email.upper(), f" {email}", email, email):
        someone.sign_in(spelling, "Qate#2026")

    locked = someone.sign_in(email, DEMO_PASSWORD)
    clock.move(house.config, "+59m")
    still = someone.sign_in(email, DEMO_PASSWORD)
    clock.move(house.config, "+2m")
    opened = someone.sign_in(email, DEMO_PASSWORD)

    assert (locked.status, still.status, opened.status) == (422, 422, 303)


def test_a_locked_door_looks_like_a_wrong_password(browser, house):
    someone = browser()
    for _ in range(5):
        wrong = someone.sign_in(person("clerk").email, "Qate#2026")

    locked = someone.sign_in(person("clerk").email, DEMO_PASSWORD)

    assert locked.main.replace(locked.form("/login")["email"][0], "") == wrong.main.replace(
        wrong.form("/login")["email"][0], ""
    )


def test_every_try_is_recorded(browser, house):
    browser().sign_in("nobody@altn.example", "Qate#2026")
    browser().sign_in(person("clerk").email, "Qate#2026")
    browser().sign_in(person("clerk").email, DEMO_PASSWORD)

    acts = db.session.execute(select(AuditEntry.act, AuditEntry.address).order_by(AuditEntry.id.desc()).limit(3)).all()
    assert [act for act, _ in acts] == ["signed_in", "sign_in_failed", "sign_in_failed"]
    assert {address for _, address in acts} == {"127.0.0.1"}


def test_a_person_who_was_switched_off_cannot_enter_and_is_out_at_once(browser, house):
    someone = browser("clerk")
    assert someone.get("/").status == 200

    person("clerk").is_active = False
    db.session.commit()

    assert someone.get("/").location.startswith("/login")
    assert browser().sign_in("clerk@altn.example", DEMO_PASSWORD).status == 422


@pytest.mark.req("IS2IN-8.3")
def test_signing_out_ends_the_session(browser):
    someone = browser("issuer")

    answer = someone.post("/logout")

    assert answer.location == "/login"
    assert someone.get("/").location.startswith("/login")


def test_signing_out_needs_the_token(browser):
    someone = browser("issuer")

    assert someone.client.post("/logout").status_code == 400
    assert someone.get("/").status == 200


def test_the_session_changes_its_name_on_signing_in(browser, house):
    someone = browser()
    someone.get("/login")
    before = someone.client.get_cookie("is2in").value

    someone.sign_in(person("issuer").email, DEMO_PASSWORD)

    assert someone.client.get_cookie("is2in").value != before
    assert someone.client.get_cookie("is2in").http_only


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/%0d%0aLocation:https://evil.example",
        "javascript:alert(1)",
        "http:evil.example",
        "/\t/evil.example",
        " //evil.example",
    ],
)
def test_no_sign_in_leads_to_another_host(browser, house, target):
    answer = browser().sign_in(person("issuer").email, DEMO_PASSWORD, next_=target)
    themed = browser("issuer").post("/theme", {"theme": "dark", "next": target})

    for found in (answer, themed):
        assert found.status == 303
        assert found.headers["Location"].startswith("/")
        assert not found.headers["Location"].startswith(("//", "/\\"))
        assert "\r" not in found.headers["Location"]


def test_one_is_led_back_to_the_page_one_came_for(browser, house):
    someone = browser()

    door = someone.get("/norms?q=листинг")
    page = someone.get(door.location)
    answer = someone.send(page, "/login", email=person("issuer").email, password=DEMO_PASSWORD)

    assert answer.location.startswith("/norms?q=")
