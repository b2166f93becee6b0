"""«Бейінді редакциялау» (user manual, paragraph 8.2): contact data, the password and its life."""

from __future__ import annotations

import unicodedata
from datetime import timedelta

import pytest
from factories import PASSWORD, company, person, user

from app import db
from app.accounts import operations, passwords, policy
from app.accounts.models import User
from app.demo.people import PASSWORD as DEMO_PASSWORD
from app.errors import Invalid
from app.terms import say
from app.web import clock

SHORT, LONG, DIGIT, CASE, SYMBOL = (f"password.err.{rule}" for rule in ("short", "long", "digit", "case", "symbol"))


@pytest.mark.req("ESRV-41.3", "IS2IN-8.2.c", "IS2IN-8.2.d", "IS2IN-8.2.e", "IS2IN-8.2.f", "IS2IN-8.2.g")
@pytest.mark.parametrize(
    ("password", "faults"),
    [
        ("Aa1!aaaa", []),  # 8 signs
        ("Aa1!aaaaaaaa", []),  # 12 signs
        ("Aa1!aaa", [SHORT]),
        ("Aa1!aaaaaaaaa", [LONG]),
        ("Aaa!aaaa", [DIGIT]),
        ("aa1!aaaa", [CASE]),
        ("AA1!AAAA", [CASE]),
        ("Aa1aaaaa", [SYMBOL]),
        ("Aa1 aaaa", [SYMBOL]),  # a space is no symbol
        ("Aa1\taaaa", [SYMBOL]),
        ("Aa1\u00a0aaaa", [SYMBOL]),  # nor is a no-break space
        ("Aa1\u200baaaa", [SYMBOL]),  # nor what cannot be seen
        ("Ұлы1дала", [SYMBOL]),  # Kazakh letters are letters
        ("Ұлы1дал!", []),
        ("ҰЛЫДАЛ1!", [CASE]),
        ("ұлыдал1!", [CASE]),
        ("Әіңғүұқө1#", []),
        ("12345678", [CASE, SYMBOL]),
        ("", [SHORT, DIGIT, CASE, SYMBOL]),
        ("Aa1_aaaa", []),
        ("Aa1№aaaa", []),
        ("Aa٣!aaaa", []),  # a digit of another script is a digit
        (unicodedata.normalize("NFD", "Йй1!йййй"), []),  # 8 characters after NFC, 14 before
        (unicodedata.normalize("NFD", "Йй1!ййййййййй"), [LONG]),
        (unicodedata.normalize("NFD", "Йй1!ййй"), [SHORT]),
    ],
)
def test_the_rules_of_a_password(password, faults):
    found = policy.faults(password, policy=policy.load().passwords["manual"])

    assert [problem.key for problem in found] == faults


@pytest.mark.req("IS2IN-8.2.c", "IS2IN-8.2.d", "IS2IN-8.2.e", "IS2IN-8.2.f", "IS2IN-8.2.g")
@pytest.mark.parametrize(
    ("password", "rule"),
    [("Aa1!aaa", SHORT), ("Aa1!aaaaaaaaa", LONG), ("Aaa!aaaa", DIGIT), ("aa1!aaaa", CASE), ("Aa1aaaaa", SYMBOL)],
)
@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_a_password_that_breaks_a_rule_is_refused_in_words_and_the_old_one_stays(
    browser, house, password, rule, language
):
    someone = browser("clerk", language)
    page = someone.get("/profile")

    refused = someone.send(
        page,
        "/profile/password",
        current_password=DEMO_PASSWORD,
        new_password=password,
        repeat_password=password,
    )

    assert refused.status == 422
    bounds = {SHORT: {"n": 8}, LONG: {"n": 12}}
    assert say(rule, language, **bounds.get(rule, {})) in refused.error("new_password")
    assert password not in refused.text
    assert browser().sign_in(person("clerk").email, DEMO_PASSWORD).status == 303


@pytest.mark.req("IS2IN-8.2.b")
def test_a_new_password_works_and_the_old_one_no_longer(browser, house):
    someone = browser("clerk")

    answer = someone.send(
        someone.get("/profile"),
        "/profile/password",
        current_password=DEMO_PASSWORD,
        new_password="Ұлы1дала!",
        repeat_password="Ұлы1дала!",
    )

    assert answer.location == "/"
    assert browser().sign_in(person("clerk").email, "Ұлы1дала!").status == 303
    assert browser().sign_in(person("clerk").email, unicodedata.normalize("NFD", "Ұлы1дала!")).status == 303
    assert browser().sign_in(person("clerk").email, DEMO_PASSWORD).status == 422


def test_a_new_password_ends_the_persons_other_sessions_and_not_this_one(browser, house):
    here_, elsewhere = browser("clerk"), browser("clerk")

    here_.send(
        here_.get("/profile"),
        "/profile/password",
        current_password=DEMO_PASSWORD,
        new_password="Qyzyl+8gul",
        repeat_password="Qyzyl+8gul",
    )

    assert here_.get("/").status == 200
    assert elsewhere.get("/").location.startswith("/login")


@pytest.mark.parametrize(
    ("current", "new", "repeated", "field", "key"),
    [
        ("Qate#2026", "Qyzyl+8gul", "Qyzyl+8gul", "current_password", "password.err.current"),
        (PASSWORD, PASSWORD, PASSWORD, "new_password", "password.err.same"),
        (PASSWORD, "Qyzyl+8gul", "Qyzyl+8gyl", "repeat_password", "password.err.repeat"),
    ],
)
def test_a_new_password_is_refused(house, now, current, new, repeated, field, key):
    who = user(company("ALTN"))

    with pytest.raises(Invalid) as refusal:
        passwords.change(who, current=current, new=new, repeated=repeated, now=now)

    assert (field, key) in [(problem.path, problem.key) for problem in refusal.value.problems]
    assert operations.sign_in(who.email, PASSWORD, now=now) is who


@pytest.mark.req("IS2IN-8.2.h")
@pytest.mark.parametrize(
    ("age", "expired"),
    [
        (timedelta(), False),
        (timedelta(days=59, hours=23, minutes=59), False),
        (timedelta(days=60), True),
        (timedelta(days=400), True),
    ],
)
def test_a_password_lives_sixty_days_of_twenty_four_hours(house, now, age, expired):
    who = user(company("ALTN"), password_changed_at=now - age)

    assert who.must_renew_password(now) is expired


@pytest.mark.req("IS2IN-8.2.h")
def test_after_sixty_days_only_the_change_of_the_password_is_open(browser, house):
    someone = browser("clerk")
    assert someone.get("/norms").status == 200

    clock.move(house.config, "+61d")
    again = browser()
    again.sign_in(person("clerk").email, DEMO_PASSWORD)

    assert again.get("/norms").location == "/profile"
    page = again.get("/profile")
    assert say("password.expired", "kk", n=60) in page.main
    same = again.send(
        page,
        "/profile/password",
        current_password=DEMO_PASSWORD,
        new_password=DEMO_PASSWORD,
        repeat_password=DEMO_PASSWORD,
    )
    assert same.error("new_password") == say("password.err.same", "kk")
    again.send(
        page,
        "/profile/password",
        current_password=DEMO_PASSWORD,
        new_password="Qys4+boran",
        repeat_password="Qys4+boran",
    )
    assert again.get("/norms").status == 200


@pytest.mark.req("IS2IN-8.2.a", "IS2IN-8.2.i", "ESRV-7.2.b")
def test_contact_data_are_stored_by_pressing_save_and_not_before(browser, house):
    someone = browser("clerk")
    page = someone.get("/profile")
    assert page.form("/profile")["last_name"] == ["Жұмабеков"]
    assert page.says(data_key="act.save") == "Сақтау"
    assert person("clerk").phone == "+77272375324"

    answer = someone.send(page, "/profile", last_name="Өтегенов", phone="+7 701 000 11 22", language="ru")

    who = person("clerk")
    assert answer.location == "/profile"
    assert (who.last_name, who.phone, who.language) == ("Өтегенов", "+7 701 000 11 22", "ru")
    assert someone.get("/profile").form("/profile")["last_name"] == ["Өтегенов"]


@pytest.mark.req("IS2IN-8.2.i")
def test_a_faulty_field_keeps_the_input_and_stores_nothing(browser, house):
    someone = browser("clerk")

    refused = someone.send(someone.get("/profile"), "/profile", last_name="", first_name="Ерсін", phone="сегіз")

    assert refused.status == 422
    assert refused.error("last_name")
    assert refused.error("phone") == say("field.err.phone", "kk")
    assert refused.form("/profile")["first_name"] == ["Ерсін"]
    assert db.session.get(User, person("clerk").id).first_name == "Ерлан"


def test_the_address_and_the_roles_cannot_be_changed_from_the_profile(browser, house):
    someone = browser("clerk")
    page = someone.get("/profile")

    someone.send(
        page,
        "/profile",
        email="boss@altn.example",
        iin="000000000000",
        exchange_roles="admin",
        is_admin="y",
        is_active="",
        must_change_password="",
    )

    who = person("clerk")
    assert (who.iin, who.exchange_roles) == ("900523300021", [])
    assert not who.membership.is_admin


def test_a_language_that_the_house_does_not_speak_is_refused(browser, house):
    someone = browser("clerk")

    refused = someone.send(someone.get("/profile"), "/profile", language="xx")

    assert refused.status == 422
    assert person("clerk").language == ""


@pytest.mark.parametrize("sign", ["\x00", "\r\n", "\u202e", "<script>alert(1)</script>", "'; DROP TABLE mail; --"])
def test_odd_signs_in_a_name_or_an_address_do_no_harm(browser, house, sign):
    someone = browser("clerk")

    answer = someone.send(someone.get("/profile"), "/profile", last_name=f"А{sign}Б")
    door = browser().sign_in(f"a{sign}@altn.example", f"Aa1!{sign}")

    assert answer.status in (303, 422) or sign == "\0"
    for page in (someone.get("/"), someone.get("/users"), someone.get(f"/norms?q={sign}"), answer, door):
        assert page.status < 500
        assert "<script>alert" not in page.text


def test_a_first_head_does_not_change_the_name_that_the_exchange_has_registered(browser, house):
    someone, before = browser("first_head"), person("first_head").full_name
    shown = someone.get("/profile")
    assert shown.one(id="f-last_name").get("readonly") is not None
    assert shown.one(data_key="user.head_name") is not None

    refused = someone.send(shown, "/profile", last_name="Басқа", position="Төраға")
    assert refused.status == 409
    assert person("first_head").full_name == before
    assert say("user.err.head_name", "kk") in refused.main
    assert someone.send(shown, "/profile", position="Төраға").status == 303
    assert person("first_head").position == "Төраға"
    assert browser("clerk").get("/profile").one(id="f-last_name").get("readonly") is None
