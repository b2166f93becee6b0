"""«Әріптестік» (user manual, paragraph 9.3; readings A9, A14)."""

from __future__ import annotations

import pytest
from browser import plain
from factories import company, mails_to, messages_of, organisation, partnership, person, user

from app import db
from app.errors import Conflict, Invalid, NotFound, NotPermitted
from app.organisations import operations, queries
from app.organisations.models import Partnership
from app.terms import say


def offered(page):
    """Return the ids offered in the drop-down list."""
    return {option.get("value") for option in page.one(name="partner_id").iter("option")} - {""}


@pytest.mark.req("IS2IN-9.3.a")
def test_the_tab_shows_the_advisers_and_the_audit_organisations(browser, house):
    page = browser("clerk").get("/partnership")

    assert {row.get("data-partner") for row in page.root.iter("tr")} - {None} == {"SNIM", "ADIL"}
    assert {"role.adviser", "role.audit_org"} <= page.terms()


@pytest.mark.req("IS2IN-9.3.b", "IS2IN-9.3.c")
def test_only_active_advisers_and_audit_organisations_are_offered(browser, house):
    organisation("TOQT", kind="adviser", is_active=False)
    organisation("KAND", kind="candidate")
    asked = organisation("KENE", kind="adviser").id
    someone = browser("issuer")

    page = someone.get(someone.get("/partnership").one(data_key="act.add").get("href"))

    assert page.says(data_key="act.add") == "Қосу"
    assert offered(page) == {str(asked), str(company("JLGZ").id)}


@pytest.mark.req("IS2IN-9.3.d", "IS2IN-9.3.e")
def test_choosing_a_company_makes_it_a_partner_at_once_and_it_is_told(browser, house):
    someone, partner = browser("issuer"), company("JLGZ")
    page = someone.get("/partnership/new")

    answer = someone.send(page, "/partnership/new", partner_id=str(partner.id))
    shown = someone.follow(answer)

    assert {row.get("data-partner") for row in shown.root.iter("tr")} - {None} == {"SNIM", "ADIL", "JLGZ"}
    told = messages_of(person("lone_adviser"))[0]
    assert (told.message, told.params["company"]["kk"]) == ("notice.partner_added", "«Алтындән» АҚ")
    assert mails_to("lone.adviser@jlgz.example")
    assert queries.clients_of(company("JLGZ")) == [company("ALTN")]


@pytest.mark.req("IS2IN-9.3.c")
@pytest.mark.parametrize("which", ["candidate", "inactive", "initiator", "itself", "taken", "nothing", "unknown"])
def test_a_company_that_is_not_offered_cannot_be_sent_either(browser, house, which):
    ids = {
        "candidate": company("BOLA").id,
        "inactive": organisation("TOQT", kind="adviser", is_active=False).id,
        "initiator": company("BRKT").id,
        "itself": company("ALTN").id,
        "taken": company("SNIM").id,
        "nothing": "",
        "unknown": 99999,
    }
    someone = browser("issuer")
    someone.get("/partnership/new")

    refused = someone.post("/partnership/new", {"partner_id": str(ids[which])})

    assert refused.status == 422
    assert refused.error("partner_id") == say("partner.err.choose", "kk")
    assert len(queries.partnerships(company("ALTN"))) == 2


@pytest.mark.req("IS2IN-9.3.f")
def test_nobody_at_the_client_can_end_a_partnership_only_ask_for_it(browser, house):
    someone = browser("issuer")
    page = someone.get("/partnership")
    assert "act.delete" not in page.terms()
    assert "listing@kase.kz" in page.main
    standing = next(item for item in queries.partnerships(company("ALTN")) if item.partner.code == "SNIM")

    someone.send(page, f"/partnership/{standing.id}/removal")

    standing = db.session.get(Partnership, standing.id)
    assert standing.removal_requested_at is not None
    assert standing.ended_at is None
    assert "look.partners.removal_requested" in someone.get("/partnership").terms()
    rules = [plain(rule.rule) for rule in house.app.url_map.iter_rules() if "partner" in rule.rule]
    assert sorted(rules) == [
        "/partnership",
        "/partnership/<partnership_id>/removal",
        "/partnership/new",
        "/partnership/new",
    ]


def test_asking_twice_is_recorded_once_and_another_companys_partnership_is_not_found(house, now):
    altn = company("ALTN")
    standing = queries.partnerships(altn)[0]
    operations.request_removal(altn, standing.id, by=person("issuer"), now=now)

    with pytest.raises(Conflict):
        operations.request_removal(altn, standing.id, by=person("issuer"), now=now)
    with pytest.raises(NotFound):
        operations.request_removal(company("BRKT"), standing.id, by=person("other_issuer"), now=now)


@pytest.mark.parametrize("key", ["clerk", "first_head", "other_issuer", "adviser", "chancery"])
def test_only_the_issuers_own_administrator_adds_a_partner(house, now, key):
    with pytest.raises(NotPermitted):
        operations.add_partner(company("ALTN"), company("JLGZ").id, by=person(key), now=now)


def test_an_adviser_cannot_make_itself_a_partner(browser, house, now):
    someone = browser("lone_adviser")

    page = someone.get("/partnership")

    assert "act.add" not in page.terms()
    assert someone.get("/partnership/new").status in (200, 404)
    with pytest.raises(Invalid):
        operations.add_partner(company("JLGZ"), company("ALTN").id, by=person("lone_adviser"), now=now)


@pytest.mark.req("IS2IN-9.3.a")
def test_an_adviser_sees_which_companies_have_made_it_their_partner(browser):
    page = browser("adviser").get("/partnership")

    assert "«Алтындән» АҚ" in page.main
    assert "«Берекет Банкі» АҚ" not in page.main


def test_a_partnership_of_a_company_that_closed_is_not_shown(house):
    altn, closed = company("ALTN"), organisation("TOQT", kind="adviser", is_active=False)
    partnership(altn, closed, by=person("issuer"))
    user(closed)

    assert closed not in [item.partner for item in queries.partnerships(altn)]
    assert closed not in [found.organisation for found in queries.adviser_employees(altn)]
