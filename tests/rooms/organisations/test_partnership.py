"""«Әріптестік» (user manual, paragraph 9.3; readings A9, A14)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from browser import plain
from factories import (
    application_at,
    company,
    mails_to,
    messages_of,
    organisation,
    partnership,
    person,
    refetched,
    user,
)

from app import catalogue, db
from app.applications import addressees, effects, filing
from app.applications import queries as applications
from app.applications.models import Application
from app.errors import Conflict, Invalid, NotFound, NotPermitted
from app.organisations import operations, queries
from app.organisations.models import Partnership
from app.terms import say
from app.web import clock, here


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
    rules = [plain(rule.rule) for rule in house.app.url_map.iter_rules() if rule.rule.startswith("/partnership")]
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


# Its end, its scope, and its last day


def added(now, code="JLGZ", **given):
    return operations.add_partner(company("ALTN"), company(code).id, by=person("issuer"), now=now, **given)


@pytest.mark.parametrize(("after", "stands"), [(timedelta(days=1, seconds=-1), True), (timedelta(days=1), False)])
def test_a_partnership_ends_by_itself_at_its_second(house, now, after, stands):
    added(now, until=now + timedelta(days=1))
    partner, moment = company("JLGZ"), now + after

    assert (company("ALTN") in queries.clients_of(partner, now=moment)) is stands
    assert (partner in [item.partner for item in queries.partnerships(company("ALTN"), now=moment)]) is stands
    past = [item.partner for item in queries.past_partnerships(company("ALTN"), now=moment)]
    assert (partner in past) is not stands


def test_after_its_end_another_may_begin_and_the_first_stays_in_the_history(house, now):
    first = added(now, until=now + timedelta(days=1))
    clock.move(house.config, "+2d")
    later = here.now()

    second = added(later)

    assert second.id != first.id
    assert first.ended_at == first.until
    assert first in queries.past_partnerships(company("ALTN"))


def test_an_adviser_whose_partnership_is_over_neither_sees_nor_begins_nor_is_told(house, now):
    application = _advised()
    adviser = person("adviser")
    assert applications.sees(application, adviser)
    standing = next(item for item in queries.partnerships(company("ALTN")) if item.partner.code == "SNIM")
    standing.until = now + timedelta(seconds=1)
    db.session.flush()

    assert applications.acts_as(application, adviser, "adviser", now=now)
    assert not applications.acts_as(application, adviser, "adviser", now=now + timedelta(seconds=1))
    clock.move(house.config, "+1m")

    assert not applications.sees(application, adviser)
    assert company("ALTN") not in filing.companies(adviser, _procedure("share_listing"))
    told = addressees.around(application).get("adviser", [])
    assert not [each for each in told if each.id == adviser.id and each.is_active]


def _advised():
    """Return a running application on which the adviser is executor."""
    adviser = person("adviser").id
    rows = db.session.query(Application).filter(Application.archived_at.is_(None)).order_by(Application.id)
    return next(row for row in rows if any(each.user_id == adviser and each.is_current for each in row.assignments))


def _procedure(key):
    return catalogue.present().procedures.get(key)


def test_a_partnership_for_some_procedures_grants_no_others(house, now):
    added(now, procedures=["bond_listing"])
    lone, partner = person("lone_adviser"), company("JLGZ")

    assert company("ALTN") in filing.companies(lone, _procedure("bond_listing"))
    assert company("ALTN") not in filing.companies(lone, _procedure("share_listing"))
    for procedure, has in (("bond_listing", True), ("share_listing", False)):
        offered_people = queries.adviser_employees(company("ALTN"), procedure=procedure)
        assert (lone in offered_people) is has
    shares = application_at("filling")
    effects.assign(shares, lone, "adviser", now=now)
    assert not applications.sees(shares, lone)
    assert not applications.acts_as(shares, lone, "adviser", now=now)
    assert partner in [item.partner for item in queries.partnerships(company("ALTN"))]


@pytest.mark.parametrize(("given", "path"), [({"until": timedelta(0)}, "until"), ({"procedures": ["x"]}, "procedures")])
def test_a_past_end_and_an_unknown_procedure_are_refused(house, now, given, path):
    if "until" in given:
        given = {"until": now + given["until"]}
    with pytest.raises(Invalid) as refusal:
        added(now, **given)

    assert refusal.value.problems[0].path == path


@pytest.mark.req("IS2IN-9.3.f", "ESRV-7.2.d")
def test_the_exchange_ends_a_partnership_and_both_sides_are_told(browser, house, now):
    application, adviser = _advised(), person("adviser")
    number = application.number
    standing = next(item for item in queries.partnerships(company("ALTN")) if item.partner.code == "SNIM")
    operations.request_removal(company("ALTN"), standing.id, reason="Қате қосылды", by=person("issuer"), now=now)
    assert messages_of(person("listing"))[0].message == "notice.removal_asked"
    ident = standing.id
    assert messages_of(person("listing"))[0].path == f"/orgs/partnerships/{ident}"
    someone = browser("listing")
    assert someone.get("/orgs/requests").one(data_removal=str(ident)) is not None
    shown = someone.get(f"/orgs/partnerships/{ident}")
    assert shown.one(data_app=number) is not None, "what runs is named before it is confirmed"

    answer = someone.send(shown, f"/orgs/partnerships/{ident}", press="act", value="end", reason="Эмитенттің сұрауы")

    assert answer.status == 303, answer.main
    ended = db.session.get(Partnership, ident)
    assert ended.ended_at is not None
    assert ended.end_reason == "Эмитенттің сұрауы"
    for key in ("issuer", "adviser"):
        assert messages_of(person(key))[0].message in ("notice.partnership_ended", "notice.assigned"), key
        told = {each.message: each.path for each in messages_of(person(key))}
        assert told["notice.partnership_ended"] == f"/partnership?place={person(key).organisation.id}"
    application = refetched(number)
    assert not applications.sees(application, adviser)
    assert applications.history(application)[0].act == "adviser_left"
    assert someone.send(shown, f"/orgs/partnerships/{ident}", press="act", value="end", reason="тағы").status == 409
    assert someone.send(shown, f"/orgs/partnerships/{ident}", press="act", value="zzz", reason="тағы").status == 404


def test_other_applications_than_those_named_stop_the_end(house, now):
    standing = next(item for item in queries.partnerships(company("ALTN")) if item.partner.code == "SNIM")

    with pytest.raises(Conflict, match="running_moved"):
        operations.end_partnership(standing, reason="x", seen=[], by=person("listing"), now=now)
    with pytest.raises(NotPermitted):
        operations.end_partnership(standing, reason="x", seen=[], by=person("chancery"), now=now)


def test_a_request_may_be_declined_with_a_reason_and_asked_again(house, now):
    standing = next(item for item in queries.partnerships(company("ALTN")) if item.partner.code == "ADIL")
    operations.request_removal(company("ALTN"), standing.id, by=person("issuer"), now=now)

    operations.keep_partnership(standing, reason="Аудит жүріп жатыр", by=person("listing_head"), now=now)

    assert messages_of(person("issuer"))[0].message == "notice.removal_declined"
    operations.request_removal(company("ALTN"), standing.id, by=person("issuer"), now=now)
    assert standing in queries.removals()


def test_what_an_adviser_has_begun_goes_to_the_issuers_administrators(house, now):
    adviser = person("adviser")
    begun = filing.create("share_listing", company_id=company("ALTN").id, author=adviser, now=now)
    standing = next(item for item in queries.partnerships(company("ALTN")) if item.partner.code == "SNIM")

    running = operations.running_of(standing)
    operations.end_partnership(standing, reason="x", seen=running, by=person("listing"), now=now)

    assert begun.number in running
    assert applications.acts_as(begun, person("issuer"), "author", now=now)
    assert not applications.sees(begun, adviser)
