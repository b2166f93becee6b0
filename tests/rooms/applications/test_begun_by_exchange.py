"""What the Exchange begins for an organisation: who may, who sees it when, what the organisation answers."""

from __future__ import annotations

import pytest
from browser import words
from factories import company, mails_to, messages_of, person, refetched, typed
from test_creating import address, count, offered
from test_internal_leak import text_of

from app import db
from app.applications import answering, document, queries
from app.demo.stories import Story, _Teller
from app.organisations.models import Membership
from app.sandbox.pki import SandboxPki
from app.terms import say
from app.web import here

NEW = "/procedures/disclosure_breach/new"
INTERNAL = "Негіздемені заңгермен келісіңіз"


@pytest.fixture
def teller(house):
    """Leads a breach of disclosure of the first company."""
    pki = SandboxPki.open(house.config.var / "sandbox", environment=house.config.env)
    return _Teller(Story("ALTN", "elsewhere", procedure="disclosure_breach"), 66, pki)


def test_the_officer_begins_it_for_a_company_of_the_list(browser, house):
    officer = browser("listing")
    listed = officer.get("/procedures")
    [button] = [item for item in listed.all(data_key="act.begin") if item.get("href") == NEW]
    page = officer.get(button.get("href"))

    made = officer.send(page, NEW, company=str(company("BRKT").id))
    hub = officer.follow(made)

    assert "Бастау" in words(button)
    assert offered(page, "company") == {str(company(code).id) for code in ("ALTN", "BRKT")}
    application = refetched(made.location.rsplit("/", 1)[-1])
    assert (application.number[:3], application.organisation.code, application.process) == ("DB-", "BRKT", "opening")
    assert application.author.email == person("listing").email
    assert hub.status == 200
    assert hub.all(data_stage="grounds")


@pytest.mark.parametrize("key", ["issuer", "auditor", "secretary", "chancery", "listing_head"])
def test_nobody_else_begins_it(browser, house, key):
    someone = browser(key)
    listed = someone.get("/procedures")
    someone.get(NEW)

    before = count()
    refused = someone.post(NEW, {"company": str(company("ALTN").id)})

    assert NEW not in set(listed.links())
    assert refused.status == 422
    assert "Процедураны Биржа бастайды" in refused.main
    assert count() == before


def test_the_exchange_files_nothing_that_organisations_file(browser, house):
    officer = browser("listing")
    listed = officer.get("/procedures")

    refused = officer.post("/procedures/share_listing/new", {"company": str(company("ALTN").id)})

    assert refused.status == 422
    assert "/procedures/share_listing/new" not in set(listed.links())
    assert "Өтінішті ұйым береді" in listed.main


def test_a_company_of_which_nobody_can_answer_is_not_offered(browser, house):
    for member in db.session.query(Membership).filter_by(organisation_id=company("BRKT").id):
        member.is_admin = member.is_first_head = False
    db.session.commit()

    assert offered(browser("listing").get(NEW), "company") == {str(company("ALTN").id)}


def test_a_draft_of_the_exchange_is_deleted_by_its_officer_alone(browser, house, teller):
    number = teller.begun().number
    db.session.commit()
    delete = address(number, "transitions", "delete")
    officer, secretary = browser("listing"), browser("secretary")
    secretary.get("/profile")

    refused = secretary.post(delete, {"seen": str(refetched(number).version)})
    hub = officer.get(address(number))
    officer.send(hub, delete)

    assert refused.status == 403
    assert refetched(number).process == "deleted"
    assert officer.get(address(number)).status == 404


@pytest.mark.req("IS2IN-9.4.c", "IS2IN-24.b")
def test_the_organisation_sees_it_from_the_notice_on_and_nothing_of_how_it_was_prepared(browser, house, teller):
    application = teller.begun()
    number = application.number
    teller.fill(application, ("grounds", "notice"))
    teller.fire(application, "submit_notice", "listing")
    teller.fire(application, "return_notice", "listing_head", INTERNAL)
    db.session.commit()
    issuer, other, lawyer = browser("issuer"), browser("other_issuer"), browser("lawyer")

    assert issuer.get(address(number)).status == 404
    assert INTERNAL in lawyer.get(address(number, "timeline")).main
    assert messages_of(person("issuer"))[0].application_number != number

    application = refetched(number)
    teller.fill(application, ("grounds", "notice"))
    teller.fire(application, "submit_notice", "listing")
    teller.issue(application)
    teller.fire(application, "send_notice", "listing_head")
    db.session.commit()

    hub, timeline = issuer.get(address(number)), issuer.get(address(number, "timeline"))
    assert (hub.status, other.get(address(number)).status) == (200, 404)
    assert INTERNAL not in hub.main + timeline.main
    assert hub.all(data_stage="explanation")
    assert not hub.all(data_stage="grounds")
    told = messages_of(person("issuer"))[0]
    assert (told.application_number, told.message) == (number, "notice.your_action")
    assert number in mails_to(person("issuer").email)[0].subject
    assert number in issuer.get("/applications?tab=mine").main
    letter = next(link for link in hub.links() if link.endswith("/file"))
    assert issuer.get(letter).content.startswith(b"%PDF-")
    assert issuer.get(address(number, "stages", "grounds")).status == 404


def test_the_exchange_reads_the_answer_only_once_it_is_signed_and_sent(browser, house, teller):
    application = teller.begun()
    teller.lead(application, "explanation")
    said = typed(application, "explanation", explanation_text="әлі жіберілмеген сөз")
    answering.save(application, "explanation", said, by=person("issuer"), done=False, now=here.now())
    number = application.number
    db.session.commit()

    assert "әлі жіберілмеген сөз" not in browser("listing").get(address(number, "review")).main
    application = refetched(number)
    teller.lead(application, "explanation_approval")
    teller.lead(application, "consideration")
    db.session.commit()

    assert "шоғырландыруға байланысты" in browser("listing").get(address(number, "review")).main


def test_nothing_is_said_to_be_sent_to_the_exchange_before_the_organisation_answers(browser, house, teller):
    application = teller.begun()
    teller.lead(application, "explanation")
    number = application.number
    db.session.commit()
    for someone in (browser("issuer"), browser("listing")):
        hub, papers = someone.get(address(number)), someone.get(address(number, "documents"))
        assert not hub.all(data_stage="view_sent")
        assert not papers.all(data_key="app.documents_answer") + papers.all(data_key="app.documents_application")
        assert someone.get(address(number, "stages", "view_sent")).status in (302, 303, 404, 409)
        assert received(someone, number) == "–"

    application = refetched(number)
    teller.lead(application, "consideration")
    db.session.commit()

    for someone in (browser("issuer"), browser("listing")):
        hub, papers = someone.get(address(number)), someone.get(address(number, "documents"))
        assert hub.all(data_stage="view_sent")
        assert [words(item) for item in papers.all(data_key="app.documents_answer")] == ["Қол қойылған жауап"]
        assert papers.all(data_kind="application")
        assert received(someone, number) != "–"


def received(someone, number):
    """Return what the list says of the day on which it came to the Exchange."""
    page = someone.get(f"/applications?tab=all&q={number}")
    [row] = [row for row in page.root.iter("tr") if number in words(row)]
    [day] = [item for item in row.iter("span") if item.get("data-label") == say("col.submitted_at", "kk")]
    return words(day)


@pytest.mark.parametrize(
    ("language", "name"),
    [("kk", "Ұйымның жауабы №"), ("ru", "Ответ организации №"), ("en", "Answer of the organisation No.")],
)
def test_the_paper_is_the_answer_of_the_organisation(house, teller, language, name):
    application = teller.begun()
    teller.lead(application, "explanation")

    said = " ".join(text_of(document.draft(application, language)).split())

    assert f"{name} {application.number}" in said
    assert f"{say('obj.organisation', language)} {company('ALTN').names[language]}" in said
    assert say("paper.application_number", language, number=application.number) not in said


def test_the_first_head_who_comes_next_is_named_though_not_called_yet(browser, house, teller):
    application = teller.begun()
    teller.lead(application, "explanation")
    for item in [item for item in application.assignments if item.executor == "first_head"]:
        db.session.delete(item)
    number = application.number
    db.session.commit()

    [after] = browser("issuer").get(address(number)).all(data_key="map.next")

    assert person("first_head").name in words(after)


def test_a_colleague_is_called_in_to_answer(browser, house, teller):
    application = teller.begun()
    teller.lead(application, "explanation")
    number = application.number
    db.session.commit()
    issuer, clerk = browser("issuer"), browser("clerk")
    assert clerk.get(address(number)).status == 404
    assert not browser("listing").get(address(number)).all(name="colleague")

    issuer.send(issuer.get(address(number)), address(number, "colleagues"), colleague=str(person("clerk").id))

    page = clerk.get(address(number, "stages", "explanation"))
    assert page.status == 200
    assert page.all(name="explanation_text")


def test_the_exchange_asks_again_or_goes_on_without_an_answer(house, teller):
    application = teller.begun()
    teller.lead(application, "consideration")
    teller.fire(application, "ask_again", "listing", "Жою мерзімін нақтылаңыз")

    assert application.process == "explanation"
    assert messages_of(person("issuer"))[0].message == "notice.your_action"

    teller.fire(application, "proceed_without_answer", "listing", "Мерзімде жауап түспеді")
    teller.lead(application, "archived")

    assert application.archived_at
    names = [item.name for item in queries.documents(application) if item.kind == "letter"]
    assert names == [f"{application.number}-letter-2.pdf", f"{application.number}-letter.pdf"]
