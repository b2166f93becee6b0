"""What administrators do with their people after they were added (user manual, paragraph 9.2; reading A8)."""

from __future__ import annotations

import pytest
from browser import signed_in
from factories import application_at, company, mails_to, messages_of, person, refetched, user

from app.applications import queries
from app.errors import Conflict, Invalid, NotFound, NotPermitted
from app.organisations import queries as organisations
from app.organisations import staffing

SITE = "https://is2in.example"


def member(key):
    return person(key).membership


@pytest.mark.req("IS2IN-9.2.a")
def test_the_list_shows_active_people_and_to_administrators_those_switched_off(browser, house, now):
    staffing.switch_off(member("clerk"), successor_id=None, despite=True, by=person("issuer"), now=now)
    email = person("clerk").email

    shown = browser("first_head").get("/users")
    assert email not in shown.main
    listed = browser("issuer").get("/users")
    assert listed.one(data_user=email).get("data-state") == "off"


def test_a_person_is_mended_by_the_own_administrator_alone(browser, house, now):
    clerk = person("clerk").id
    someone = browser("issuer")
    shown = someone.get(f"/users/{clerk}")

    saved = someone.send(shown, f"/users/{clerk}", position="Бас заңгер")

    assert saved.status == 303
    assert person("clerk").position == "Бас заңгер"
    assert browser("first_head").get(f"/users/{clerk}").status == 404
    assert browser("other_issuer").get(f"/users/{clerk}").status == 404
    for key in ("clerk", "first_head", "other_issuer", "listing"):
        with pytest.raises(NotPermitted):
            staffing.edit(member("clerk"), {"position": "x"}, by=person(key), now=now)


def test_the_first_heads_name_is_not_the_administrators_to_change(house, now):
    with pytest.raises(Conflict):
        staffing.edit(member("first_head"), {"last_name": "Басқа"}, by=person("issuer"), now=now)
    staffing.edit(member("first_head"), {"position": "Төраға"}, by=person("issuer"), now=now)

    assert person("first_head").position == "Төраға"


@pytest.mark.req("IS2IN-9.2.b", "IS2IN-9.2.c")
def test_rights_are_passed_on_and_withdrawn_but_never_the_last(house, now):
    issuer, clerk = person("issuer"), person("clerk")
    with pytest.raises(Conflict, match="last_admin"):
        staffing.set_administrator(member("issuer"), is_admin=False, by=issuer, now=now)

    staffing.set_administrator(member("clerk"), is_admin=True, by=issuer, now=now)
    assert messages_of(clerk)[0].message == "notice.admin_given"
    staffing.set_administrator(member("issuer"), is_admin=False, by=clerk, now=now)

    assert [each.user for each in organisations.people(company("ALTN")) if each.is_admin] == [clerk]
    with pytest.raises(NotPermitted):
        staffing.set_administrator(member("issuer"), is_admin=True, by=issuer, now=now)


def test_who_is_switched_off_is_out_at_once_and_comes_back(browser, house, now):
    someone = signed_in(house, "clerk")
    assert someone.get("/users").status == 200

    staffing.switch_off(member("clerk"), successor_id=None, despite=True, by=person("issuer"), now=now)

    assert someone.get("/users").status == 303
    assert browser().sign_in(person("clerk").email, "Qazaq#2026").status == 422
    with pytest.raises(Conflict):
        staffing.switch_off(member("clerk"), successor_id=None, despite=True, by=person("issuer"), now=now)
    staffing.switch_on(member("clerk"), by=person("issuer"), site=SITE, now=now)
    assert browser().sign_in(person("clerk").email, "Qazaq#2026").status == 303
    assert someone.get("/users").status == 303, "the old session stays ended"


@pytest.mark.parametrize(("key", "refusal"), [("issuer", "yourself"), ("first_head", "first_head")])
def test_nobody_switches_himself_or_the_first_head_off(house, now, key, refusal):
    with pytest.raises(Conflict, match=refusal):
        staffing.switch_off(member(key), successor_id=None, despite=True, by=person("issuer"), now=now)


def test_an_administrator_of_another_organisation_finds_nobody(house):
    with pytest.raises(NotFound):
        staffing.of(company("BRKT"), person("clerk").id)


def test_executor_places_are_named_and_handed_on(house, now):
    application = application_at("filling")
    number = application.number
    second = user(company("ALTN"), is_admin=True)
    clerk = person("clerk")
    assert not queries.acts_as(application, clerk, "author")
    places = staffing.executor_places(member("issuer"))
    assert number in places

    with pytest.raises(Invalid) as refusal:
        staffing.switch_off(member("issuer"), successor_id=None, despite=False, by=second, now=now)
    assert number in refusal.value.problems[0].params["numbers"]
    with pytest.raises(Invalid):
        staffing.switch_off(member("issuer"), successor_id=person("adviser").id, despite=False, by=second, now=now)
    staffing.switch_off(member("issuer"), successor_id=clerk.id, despite=False, by=second, now=now)

    application = refetched(number)
    assert queries.acts_as(application, clerk, "author")
    assert queries.sees(application, clerk)
    assert queries.history(application)[0].act == "hand_on"
    assert {each.application_number for each in messages_of(clerk)} >= {number}


def test_the_page_names_the_places_before_one_confirms(browser, house, now):
    second = user(company("ALTN"), is_admin=True)
    number, ident = application_at("filling").number, person("issuer").id
    someone = browser()
    someone.sign_in(second.email, "Jasyl-7qala")

    shown = someone.get(f"/users/{ident}")

    assert shown.one(data_app=number) is not None
    refused = someone.send(shown, f"/users/{ident}/off")
    assert refused.status == 422
    assert number in refused.error("successor")


def test_who_never_set_a_password_is_sent_a_new_link_when_he_is_switched_on(browser, house, now):
    newcomer = user(company("ALTN"), password_hash="", must_change_password=True)
    ident, email = newcomer.id, newcomer.email
    staffing.switch_off(newcomer.membership, successor_id=None, despite=True, by=person("issuer"), now=now)
    someone = browser("issuer")
    shown = someone.get(f"/users/{ident}")
    assert shown.one(data_key="user.on_help_link") is not None

    assert someone.send(shown, f"/users/{ident}/on").status == 303

    assert "/password/" in mails_to(email)[0].body


def test_nobody_comes_back_with_a_number_that_is_a_colleagues_by_now(house, now):
    clerk = person("clerk")
    staffing.switch_off(clerk.membership, successor_id=None, despite=True, by=person("issuer"), now=now)
    user(company("ALTN"), iin=clerk.iin)

    with pytest.raises(Conflict, match="iin_taken"):
        staffing.switch_on(clerk.membership, by=person("issuer"), site=SITE, now=now)
