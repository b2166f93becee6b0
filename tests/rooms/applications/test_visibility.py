"""Who sees which application (user manual, paragraph 9.4.c; readings A9, A11, A12): nobody a word too much."""

from __future__ import annotations

import re
from collections import Counter

import papers
import pytest
from browser import Browser, plain, signed_in
from factories import application_at, company, messages_of, person, refetched
from sqlalchemy import select
from test_creating import address

from app import db
from app.applications import answering, queries
from app.applications.models import Application, Attachment, Document
from app.demo.people import PEOPLE
from app.demo.stories import PROCEDURE, STORIES
from app.organisations import queries as organisations

pytestmark = pytest.mark.parametrize("database", ["sqlite"])  # who sees what is the same over both

STRANGERS = ("clerk", "other_issuer", "other_first_head", "lone_adviser", "auditor", "candidate", "admin")


def addresses(app, application: Application) -> list[tuple[str, str]]:
    """Return every method and address under one application, with its real files and documents."""
    file = db.session.scalars(select(Attachment.id).where(Attachment.application_id == application.id)).first() or 1
    rows = db.session.scalars(select(Document).where(Document.application_id == application.id)).all()
    signed = next((row for row in rows if row.signatures), None)
    given = {
        "number": application.number,
        "stage": "issuer",
        "trigger": "withdraw",
        "term": "rework",
        "bundle": "1",
        "attachment_id": str(file),
        "document_id": str(signed.id if signed else rows[0].id if rows else 1),
        "signature_id": str(signed.signatures[0].id if signed else 1),
    }
    found = []
    for rule in app.url_map.iter_rules():
        if "<number>" in rule.rule and rule.rule.startswith("/applications/"):
            path = re.sub(r"<(\w+)>", lambda match: given[match[1]], plain(rule.rule))
            found += [(method, path) for method in sorted(rule.methods - {"HEAD", "OPTIONS"})]
    assert len(found) > 15
    return found


@pytest.mark.req("IS2IN-9.4.c", "ESRV-32.c")
@pytest.mark.parametrize("key", STRANGERS)
@pytest.mark.parametrize("process", ["filling", "registration", "archived"])
def test_to_a_stranger_there_is_no_such_application_at_any_address(house, key, process):
    application = application_at(process)
    number = application.number
    ways = addresses(house.app, application)
    someone = signed_in(house, key)

    for method, path in ways:
        page = someone.open(method, path, data={"csrf_token": someone.token} if method == "POST" else None)
        assert page.status == 404, (method, path, page.status)
        assert "belgialtn" not in page.text
    for path in ("/", "/applications", "/archive", "/notifications", "/queue"):
        assert number not in someone.get(path).text, path


def test_an_address_that_never_was_looks_like_one_that_is_not_ones_own(house):
    someone = signed_in(house, "other_issuer")

    foreign = someone.get(address(application_at("filling")))
    never = someone.get(address("LP-2026-999999"))

    def bare(page):
        return re.sub(r"LP-\d+-\d+|csrf_token\" value=\"[^\"]+", "", page.text)

    assert foreign.status == never.status == 404
    assert bare(foreign) == bare(never)


@pytest.mark.req("IS2IN-9.4.c")
def test_a_colleague_sees_the_application_only_after_being_made_executor(house):
    application = application_at("new")
    clerk, issuer = signed_in(house, "clerk"), signed_in(house, "issuer")
    assert clerk.get(address(application)).status == 404
    assert messages_of(person("clerk")) == []

    page = issuer.get(address(application))
    issuer.send(page, address(application, "colleagues"), colleague=str(person("clerk").id))

    assert clerk.get(address(application)).status == 200
    assert application.number in clerk.get("/applications").main
    assert application.number in clerk.get("/notifications").main
    path = address(application, "stages", "issuer")
    assert clerk.send(clerk.get(path), path, press="save", activity="мұнай").status == 303
    assert application_at("filling").number not in clerk.get("/applications").main


@pytest.mark.parametrize("key", ["other_issuer", "adviser", "auditor", "chancery"])
def test_only_own_people_can_be_made_executor(house, key):
    application, issuer = application_at("new"), signed_in(house, "issuer")
    issuer.get(address(application))

    refused = issuer.post(address(application, "colleagues"), {"colleague": str(person(key).id)})

    assert refused.status == 422
    assert not queries.sees(refetched(application), person(key)) or key == "chancery"


@pytest.mark.req("IS2IN-9.4.c")
def test_a_partner_sees_only_the_application_he_was_chosen_for(house):
    adviser = signed_in(house, "adviser")
    chosen, other = application_at("filling"), application_at("new")

    assert adviser.get(address(chosen)).status == 200
    assert adviser.get(address(other)).status == 404
    listed = adviser.get("/applications").main
    assert chosen.number in listed
    assert other.number not in listed


def test_a_former_partner_sees_nothing_at_once(house, now):
    adviser, application = signed_in(house, "adviser"), application_at("filling")
    assert adviser.get(address(application)).status == 200

    next(item for item in organisations.partnerships(company("ALTN")) if item.partner.code == "SNIM").ended_at = now
    ways = addresses(house.app, application)
    db.session.commit()

    for method, path in ways:
        page = adviser.open(method, path, data={"csrf_token": adviser.token} if method == "POST" else None)
        assert page.status == 404, (method, path)
    assert "LP-" not in adviser.get("/applications").main
    assert "belgialtn" not in adviser.get("/questionnaires").text
    assert adviser.get(f"/questionnaires/{application_at('archived').number}").status == 404


def test_who_has_been_an_executor_still_reads_and_no_longer_writes(house):
    """A11: the first head reads on when it is the chancery's turn, and changes nothing."""
    application, first_head = application_at("registration"), signed_in(house, "first_head")

    assert first_head.get(address(application)).status == 200
    assert first_head.get(address(application, "documents")).status == 200
    before = queries.latest(refetched(application), "issuer").revision
    refused = first_head.post(address(application, "stages", "issuer"), {"save": "yes", "revision": str(before)})
    assert refused.status in (403, 409)
    assert queries.latest(refetched(application), "issuer").revision == before


@pytest.mark.parametrize("key", ["chancery", "listing", "lawyer", "analyst", "listing_head", "secretary"])
def test_the_exchange_does_not_see_what_was_not_sent_to_it(house, key):
    someone = signed_in(house, key)
    page = someone.get("/applications").text + someone.get("/queue").text + someone.get("/").text

    for process in ("new", "filling", "first_head"):
        for code in ("ALTN", "BRKT") if process != "new" else ("ALTN",):
            application = application_at(process, code)
            assert someone.get(address(application)).status == 404
            assert application.number not in page


def test_compliance_sees_the_archive_and_no_live_application(house):
    someone = signed_in(house, "compliance")

    assert someone.get(address(application_at("archived"))).status == 200
    assert someone.get(address(application_at("expertise"))).status == 404
    assert application_at("archived").number in someone.get("/archive").main


def test_a_file_of_one_application_is_not_reached_through_another(house):
    own, foreign = application_at("filling"), application_at("registration", "BRKT")
    file = db.session.scalars(select(Attachment.id).where(Attachment.application_id == foreign.id)).first()
    paper = db.session.scalars(select(Document).where(Document.application_id == foreign.id)).first()
    someone = signed_in(house, "issuer")

    assert someone.get(address(own, "attachments", str(file))).status == 404
    assert someone.get(address(own, "documents", str(paper.id), "file")).status == 404
    assert someone.get(address(own, "documents", str(paper.id), "signature", "1")).status == 404


def test_a_file_added_during_the_rework_is_not_given_to_the_exchange_before_it_is_sent(house, now):
    from app.applications.attachments import Upload

    application, author = application_at("rework"), person("issuer")
    newest = queries.latest(application, "documents")
    upload = {"other_documents": [Upload("jana.pdf", papers.pdf("belgi"))]}
    row = answering.save(
        application, "documents", answering.Typed({}, upload, seen=newest.revision), by=author, done=False, now=now
    )
    file = row.values["documents"]["other_documents"][0]["id"]
    path = address(application, "attachments", str(file))

    assert signed_in(house, "issuer").get(path).status == 200
    assert signed_in(house, "lawyer").get(path).status == 404
    assert "jana.pdf" not in signed_in(house, "lawyer").get(address(application, "documents")).text


# The words found nowhere else

ALIKE = ("chancery", "listing", "officer", "analyst", "listing_head", "secretary")
"""Accounts that see what ``lawyer`` sees; the rule stands in one place."""


def hidden_from(key: str) -> re.Pattern[str]:
    """Return the marks that an account of the demo must never meet."""
    marks = {number: f"belgi{told.company.lower()}{number:02d}" for number, told in enumerate(STORIES)}
    company_code = next(found.company for found in PEOPLE if found.key == key)
    unsent = {number for number, told in enumerate(STORIES) if told.until in ("new", "filling", "first_head")}
    archived = {number for number, told in enumerate(STORIES) if told.until == "archived"}
    own = {number for number, told in enumerate(STORIES) if told.company == company_code}
    own -= {number for number in own if STORIES[number].until == "opening_approval"}  # still the Exchange's alone
    asked = own - {number for number in own if STORIES[number].until in ("new", "filling")}
    with_adviser = {
        number
        for number, told in enumerate(STORIES)
        if (told.company, told.procedure) == ("ALTN", PROCEDURE) and told.until != "new"
    }
    allowed = {
        "issuer": own,
        "other_issuer": own,
        "first_head": asked,
        "other_first_head": asked,
        "auditor": own,
        "auditor_head": asked,
        "candidate": own,
        "candidate_head": asked,
        "clerk": archived & own,  # the organisation's questionnaires
        "adviser": with_adviser,
        "lone_adviser": set(),
        "admin": set(),
        "compliance": archived,
    }.get(key, set(marks) - unsent)
    if key == "first_head":
        allowed |= archived & own
    forbidden = [mark for number, mark in marks.items() if number not in allowed]
    return re.compile("|".join(forbidden))


def told_of_the_past() -> frozenset[str]:
    """Return the numbers of applications that no story tells: the past, but for the first two of each procedure."""
    rows = db.session.execute(select(Application.number, Application.procedure).order_by(Application.id)).all()
    met, found = Counter(), set()
    for number, procedure in rows[len(STORIES) :]:
        met[procedure] += 1
        if met[procedure] > 2:
            found.add(number)
    return frozenset(found)


def crawl(someone: Browser, start: list[str]):
    """Yield every page that can be reached by links, each address once; languages and anchors apart.

    Of files only those of the first applications are fetched: they all leave by the same doors.  Of the past,
    where every story is the same, two applications of a procedure are looked at.
    """
    waiting, known, opened = list(start), set(start), set()
    passed_over = told_of_the_past()
    while waiting:
        path = waiting.pop()
        page = someone.get(path)
        yield path, page
        if page.status in (302, 303):
            links = [page.location]
        elif page.answer.mimetype == "text/html":
            links = list(page.links())
        else:
            links = []
        for link in links:
            target = link.split("#")[0]
            if target.startswith("/static") or "lang=" in target or target.endswith(("summary.pdf", "?inline=1")):
                continue
            if target.endswith("/map.svg") and target != "/procedures/share_listing/map.svg":
                continue  # the drawings hold nobody's words
            if "left=" in target and "tab=formal" not in target:
                continue  # the left side is the same beside each tab
            if file := re.match(r"/applications/([^/]+)/(?:attachments|documents)/\d", target):
                if file[1] not in opened and len(opened) >= 2:
                    continue
                opened.add(file[1])
            one = re.match(r"/applications/([^/?]+)", target)
            if target not in known and not (one and one[1] in passed_over):
                known.add(target)
                waiting.append(target)


@pytest.mark.parametrize("key", [found.key for found in PEOPLE if found.key not in ALIKE])
def test_whatever_link_one_follows_no_word_of_others_is_met_and_no_page_breaks(house, key):
    forbidden, seen = hidden_from(key), 0

    for path, page in crawl(signed_in(house, key), ["/", "/applications?tab=all", "/archive", "/questionnaires"]):
        assert page.status < 500, path
        assert page.status != 404 or path in ("/applications?tab=all", "/archive", "/questionnaires"), path
        told = page.text + str(page.headers)
        assert not forbidden.search(told), (path, forbidden.search(told))
        seen += 1

    assert seen > 5
