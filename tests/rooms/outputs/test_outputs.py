"""Extracts, reports and references: issued once, the same ever after, and no word too much (ESRV-7.1, 45)."""

from __future__ import annotations

import contextvars
import re
import subprocess
import threading
from datetime import date, datetime, timedelta

import pytest
from browser import Browser, plain, signed_in
from factories import PASSWORD, application_at, new_application, organisation, person, user
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from app import db
from app.accounts import authenticators, one_time_codes
from app.applications import conditions
from app.applications import queries as applications
from app.applications.models import Application
from app.applications.views import hub
from app.audit.models import AuditEntry
from app.errors import Conflict, Invalid, NotFound
from app.organisations import queries as organisations
from app.outputs import operations, queries, views
from app.outputs.models import OutputDocument
from app.outputs.operations import Order
from app.terms import say
from app.web import clock
from app.web.templating import ZONE, date_time_text


@pytest.fixture(autouse=True)
def _no_pace():
    views.CHECKS.forget()


NEWCOMER = {
    "last_name": "Жаңабаев",
    "first_name": "Олжас",
    "position": "Маман",
    "email": "olzhas@altyndan.example",
    "phone": "+7 727 237 53 24",
}


def words_of(content: bytes) -> str:
    done = subprocess.run(["pdftotext", "-layout", "-", "-"], input=content, capture_output=True, check=True)
    return " ".join(done.stdout.decode().split())


def ordered(someone, **typed) -> OutputDocument:
    """Order a paper on the page and return its row."""
    page = someone.get("/outputs")
    answer = someone.send(page, "/outputs", **typed)
    assert answer.status == 303, answer.main
    return db.session.scalars(select(OutputDocument).order_by(OutputDocument.id.desc()).limit(1)).unique().one()


def code_at(secret: str, moment: datetime) -> str:
    """Return the one-time code of a moment."""
    return one_time_codes.code_of(secret, one_time_codes.step_at(moment))


def issued(who: str, now: datetime, **asked) -> OutputDocument:
    by = person(who)
    return operations.issue(operations.draft(Order(**{"kind": "extract", **asked}), by=by, now=now), by=by, now=now)


def days(now: datetime, back: int = 400) -> dict[str, date]:
    today = now.astimezone(ZONE).date()
    return {"since": today - timedelta(days=back), "until": today}


@pytest.mark.req("ESRV-7.1.a", "ESRV-9", "ESRV-2.8")
@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_an_extract_is_a_pdf_of_all_the_applications_one_sees_with_the_details_of_its_order(browser, house, language):
    someone = browser("issuer", language)

    row = ordered(someone, kind="extract")
    content = someone.get(f"/outputs/{row.id}/file").content

    said = words_of(content)
    seen = [each.number for each in queries.own_applications(person("issuer"))]
    assert content.startswith(b"%PDF")
    assert len(seen) > 5
    for number in seen:
        assert number in said
    issuer = person("issuer")
    for detail in (row.number, date_time_text(row.at), issuer.name, issuer.organisation.bin):
        assert detail in said
    assert row.language == language


@pytest.mark.req("ESRV-2.13", "ESRV-8")
def test_an_order_is_taken_from_the_cabinet_and_only_with_its_code(house, browser):
    who = user(organisation("KODT", codes="everybody"), email="kod@kodt.example")
    before = clock.unmoved() - timedelta(minutes=10)
    secret = authenticators.begin(who, now=before)
    authenticators.confirm(who, code_at(secret, before), now=before)
    someone = browser()
    someone.sign_in("kod@kodt.example", PASSWORD)

    asked = someone.send(someone.get("/outputs"), "/outputs", kind="extract")
    wrong = someone.send(asked, "/outputs", security_code="000000")

    assert (asked.status, wrong.status, count()) == (401, 401, 0)
    done = someone.send(wrong, "/outputs", security_code=code_at(secret, clock.unmoved()))
    row = db.session.scalars(select(OutputDocument)).unique().one()
    assert done.status == 303
    assert (row.kind, row.by_id) == ("extract", who.id)


@pytest.mark.req("ESRV-7.1.b", "ESRV-16.3")
def test_a_report_holds_every_operation_of_its_period_and_no_other(browser, house, now):
    application = new_application()
    day = now.astimezone(ZONE).date()
    someone = browser("issuer")

    row = ordered(someone, kind="report", since=day.strftime("%d.%m.%Y"), until=day.strftime("%d.%m.%Y"))
    before = issued("issuer", now, kind="report", since=day - timedelta(days=3000), until=day - timedelta(days=1))

    done = applications.history(application)
    told = [each for each in row.facts["operations"] if each["on"] == application.number]
    assert len(told) == len(done) > 0
    assert {each["who"] for each in told} == {person("issuer").name}
    assert {each["at"][:10] for each in row.facts["operations"]} == {day.strftime("%d.%m.%Y")}
    assert application.number not in {each["on"] for each in before.facts["operations"]}
    assert day.strftime("%d.%m.%Y") not in {each["at"][:10] for each in before.facts["operations"]}
    said = words_of(someone.get(f"/outputs/{row.id}/file").content)
    assert f": {len(row.facts['operations'])}" in said
    assert told[0]["what"] in said


@pytest.mark.req("ESRV-7.1.b")
@pytest.mark.parametrize("process", ["archived", "filling", "rework"])
def test_a_report_of_all_time_tells_the_whole_history_but_what_is_the_exchanges_own(house, now, process):
    application = application_at(process)
    row = issued("issuer", now, kind="report", **days(now, 3000))

    procedure = applications.procedure(application)
    open_rows = [
        each
        for each in applications.history(application)
        if each.act != conditions.DECIDE and not hub.is_internal(application, procedure, each)
    ]
    told = [each for each in row.facts["operations"] if each["on"] == application.number]
    tables = [each for each in applications.history(application) if each.act == conditions.DECIDE]
    assert len(open_rows) <= len(told) <= len(open_rows) + len(tables)
    assert {date_time_text(each.at) for each in open_rows} <= {each["at"] for each in told}


@pytest.mark.req("ESRV-7.1.c")
def test_a_reference_tells_the_course_of_one_application_and_its_signed_documents(browser, house):
    application = application_at("archived")
    someone = browser("issuer", "en")

    row = ordered(someone, kind="reference", number=application.number)

    said = words_of(someone.get(f"/outputs/{row.id}/file").content)
    signed = [each for each in applications.documents(application) if each.signatures and each.kind == "application"]
    assert application.number in said
    assert application.registration_number in said
    assert signed
    for each in signed:
        assert each.sha256 in said.replace(" ", "")
        assert each.signatures[0].signer_name in said
    others = [each.number for each in queries.own_applications(person("issuer")) if each.id != application.id]
    assert not [number for number in others if number in said]


@pytest.mark.req("ESRV-45.1", "ESRV-45.4")
def test_every_download_is_byte_for_byte_what_was_issued_whatever_has_changed_since(browser, house, now):
    someone = browser("issuer")
    row = ordered(someone, kind="extract")
    first = someone.get(f"/outputs/{row.id}/file")
    new_application()
    person("issuer").organisation.name_kk = "«Басқа» АҚ"
    db.session.commit()

    again = someone.get(f"/outputs/{row.id}/file")

    assert first.content == again.content
    assert len(first.content) == row.size
    assert first.headers["Content-Type"] == "application/pdf"


@pytest.mark.req("ESRV-45.2", "ESRV-45.3")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE output_document SET sha256 = ''",
        "UPDATE output_document SET facts = '{}'",
        "DELETE FROM output_document",
        "DELETE FROM output_subject",
        "UPDATE history SET act = 'x'",
        "DELETE FROM history",
        "UPDATE audit_entry SET act = 'x'",
        "DELETE FROM audit_entry",
    ],
)
def test_the_database_itself_refuses_to_change_a_paper_or_an_operation(house, now, statement):
    issued("issuer", now)

    with pytest.raises(DBAPIError, match="only added"), db.session.begin_nested():
        db.session.execute(text(statement))


@pytest.mark.req("ESRV-45.2", "ESRV-45.4")
def test_no_address_changes_a_paper_or_lays_it_out_again(house):
    found = {
        (plain(rule.rule), method)
        for rule in house.app.url_map.iter_rules()
        if rule.endpoint.startswith("outputs.")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }

    assert found == {
        ("/outputs", "GET"),
        ("/outputs", "POST"),  # makes another one
        ("/outputs/<ident>/file", "GET"),
        ("/verify/document", "GET"),
        ("/verify/<code>", "GET"),
    }
    assert [name for name in dir(operations) if name.startswith(("edit", "update", "change", "delete", "remove"))] == []


@pytest.mark.req("ESRV-45.1", "ESRV-32.b")
def test_bytes_changed_on_the_disk_are_never_given_out(browser, house):
    someone = browser("issuer")
    row = ordered(someone, kind="extract")
    path = house.app.extensions["kezen.storage"]._path(row.sha256)
    content = path.read_bytes()
    path.write_bytes(content[:-20] + b"x" + content[-19:])

    assert someone.get(f"/outputs/{row.id}/file").status == 500

    path.write_bytes(content)


@pytest.mark.req("ESRV-45.2")
def test_a_correction_is_another_paper_that_names_the_first_and_happens_once(browser, house):
    someone = browser("issuer", "ru")
    first = ordered(someone, kind="extract")
    before = someone.get(f"/outputs/{first.id}/file").content
    given = {"csrf_token": someone.token, "corrects": str(first.id), "language": "ru"}

    unreasoned = someone.open("POST", "/outputs", data={**given, "reason": " "})
    made = someone.open("POST", "/outputs", data={**given, "reason": "Неверное наименование"})
    twice = someone.open("POST", "/outputs", data={**given, "reason": "Еще раз"})

    second = db.session.scalars(select(OutputDocument).order_by(OutputDocument.id.desc()).limit(1)).unique().one()
    said = words_of(someone.get(f"/outputs/{second.id}/file").content)
    assert (unreasoned.status, made.status, twice.status) == (422, 303, 409)
    assert unreasoned.error("reason")
    assert (second.corrects_id, second.kind) == (first.id, "extract")
    assert first.number in said
    assert "Неверное наименование" in said
    assert someone.get(f"/outputs/{first.id}/file").content == before
    states = {row.get("data-output"): row.get("data-state") for row in someone.get("/outputs").root.iter("tr")}
    assert (states[first.number], states[second.number]) == ("superseded", "valid")
    assert "outputs.verdict.superseded" in Browser(house.app).get(f"/verify/{first.code}").terms()


def test_numbers_have_no_gaps_and_two_at_once_never_share_one(house, now):
    by = person("issuer")
    one, other = (operations.draft(Order("extract"), by=by, now=now) for _ in range(2))
    first = operations.issue(one, by=by, now=now)

    with pytest.raises(Conflict) as refusal, db.session.begin_nested():
        operations.issue(other, by=by, now=now)

    assert refusal.value.key == "outputs.err.number_taken"
    second = issued("issuer", now)
    assert int(second.number[-6:]) == int(first.number[-6:]) + 1


def test_whoever_loses_the_number_has_the_paper_laid_out_again(browser, house, monkeypatch):
    real, times = operations.issue, []

    def late(made, *, by, now):
        times.append(made.number)
        if len(times) == 1:
            raise Conflict("outputs.err.number_taken")
        return real(made, by=by, now=now)

    monkeypatch.setattr(operations, "issue", late)
    row = ordered(browser("issuer"), kind="extract")

    assert len(times) == 2
    assert row.number == times[1]


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"kind": "report", "since": "", "until": "01.11.2026"}, "since"),
        ({"kind": "report", "since": "31.13.2026", "until": "01.11.2026"}, "since"),
        ({"kind": "report", "since": "01.11.2026", "until": "31.12.2099"}, "until"),
        ({"kind": "report", "since": "02.01.2020", "until": "01.01.2020"}, "until"),
        ({"kind": "reference", "number": ""}, "number"),
        ({"kind": "reference", "number": "LP-1999-000001"}, "number"),
        ({"kind": "bank_statement"}, "kind"),
        ({"kind": "extract", "language": "de"}, "language"),
    ],
)
def test_what_cannot_be_made_is_refused_at_its_field_and_keeps_what_was_typed(browser, house, typed, field):
    someone = browser("issuer")

    answer = someone.send(someone.get("/outputs"), "/outputs", **typed)

    assert answer.status == 422
    assert answer.error(field)
    assert count() == 0
    if typed.get("since"):
        assert answer.form("/outputs")["since"] == [typed["since"]]


def count() -> int:
    return db.session.scalar(select(func.count(OutputDocument.id))) or 0


@pytest.mark.req("ESRV-16.3")
def test_what_is_too_much_for_one_paper_is_refused_and_never_cut(house, now, monkeypatch):
    monkeypatch.setattr(operations, "MOST_ROWS", 3)

    with pytest.raises(Invalid) as refusal:
        operations.draft(Order("report", **days(now, 3000)), by=person("issuer"), now=now)

    problem = refusal.value.problems[0]
    assert (problem.path, problem.key, problem.params["most"]) == ("until", "outputs.err.too_many", 3)
    assert problem.params["n"] > 3


# Who sees them


STRANGERS = ("other_issuer", "other_first_head", "lone_adviser", "adviser", "auditor", "candidate", "admin", "chancery")


@pytest.mark.parametrize("key", STRANGERS)
def test_to_everybody_else_there_is_no_such_paper(browser, house, now, key):
    row = issued("issuer", now)

    someone = browser(key)
    page = someone.get("/outputs")

    assert someone.get(f"/outputs/{row.id}/file").status == 404
    assert row.number not in page.text
    assert row.code not in page.text


def test_a_colleague_sees_only_papers_about_what_he_sees(browser, house, now):
    whole = issued("issuer", now)
    clerk = person("clerk")
    own = issued("clerk", now)

    assert [row.id for row in queries.seen_by(clerk)] == [own.id]
    assert browser("clerk").get(f"/outputs/{whole.id}/file").status == 404
    for number in {each.number for each in queries.own_applications(person("issuer"))} - {
        each.number for each in queries.own_applications(clerk)
    }:
        assert number not in str(own.facts)


def test_what_was_done_to_people_only_those_read_who_speak_for_the_organisation(house, browser, now):
    someone = browser("issuer")
    page = someone.get("/users/new")
    someone.send(page, "/users/new", **NEWCOMER)
    row = issued("issuer", now, kind="report", **days(now))  # the administrator

    told = [each["what"] for each in row.facts["operations"]]
    assert row.tells_of_people
    assert say("activity.member_added", "kk") in told

    plain_ = issued("clerk", now, kind="report", **days(now))
    assert not plain_.tells_of_people
    assert say("activity.member_added", "kk") not in [each["what"] for each in plain_.facts["operations"]]
    assert row.id not in [each.id for each in queries.seen_by(person("clerk"))]


@pytest.mark.parametrize("key", ["listing", "listing_head"])
def test_the_exchange_sees_a_paper_only_where_it_sees_all_it_tells_of(browser, house, now, key):
    with_drafts = issued("issuer", now)
    sent = application_at("archived")
    of_one = issued("issuer", now, kind="reference", number=sent.number)

    assert [row.id for row in queries.seen_by(person(key))] == [of_one.id]
    assert browser(key).get(f"/outputs/{of_one.id}/file").status == 200
    assert browser(key).get(f"/outputs/{with_drafts.id}/file").status == 404
    assert browser(key).post("/outputs", {"kind": "extract"}).status == 404


def test_nobody_corrects_or_orders_for_another_organisation(house, now):
    row = issued("issuer", now)

    with pytest.raises(NotFound):
        operations.draft(Order(corrects=row.id, kind="extract", reason="?"), by=person("other_issuer"), now=now)
    number = application_at("archived").number
    with pytest.raises(Invalid):
        operations.draft(Order("reference", number=number), by=person("other_issuer"), now=now)


def test_an_adviser_who_is_no_partner_any_more_sees_no_paper_about_the_client(house, now):
    application = next(
        each
        for each in db.session.scalars(select(Application).where(applications.visible_to(person("adviser")))).unique()
        if each.submitted_at
    )
    row = issued("adviser", now, kind="reference", number=application.number)
    assert [each.id for each in queries.seen_by(person("adviser"))] == [row.id]

    standing = organisations.partnerships(application.organisation)
    partnership = next(each for each in standing if each.partner_id == person("adviser").organisation.id)
    partnership.ended_at = now - timedelta(seconds=1)
    db.session.flush()

    assert queries.seen_by(person("adviser")) == []


def test_no_paper_carries_the_words_of_others_or_the_names_of_the_exchanges_people(house, now):
    row = issued("issuer", now, kind="report", **days(now, 3000))

    staff = [person(key).name for key in ("chancery", "listing", "lawyer", "analyst", "secretary", "compliance")]
    said = str(row.facts).lower()
    assert [name for name in staff if name.lower() in said] == []
    assert set(re.findall(r"belgi[a-z]+", said)) <= {"belgialtn"}


# The public page


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_the_public_page_says_what_the_paper_is_and_nothing_of_what_it_says(browser, house, now, language):
    row = issued("issuer", now)
    name = row.organisation.names[language]
    nobody = Browser(house.app, language)

    page = nobody.get(f"/verify/{row.code}")

    assert page.status == 200
    assert "outputs.verdict.valid" in page.terms()
    for known in (row.number, row.sha256, name, date_time_text(row.at)):
        assert known in page.main
    for secret in (*(each["number"] for each in row.facts["applications"]), person("issuer").name):
        assert secret not in page.main
    assert page.one(data_compare=row.sha256).tag == "section"
    typed = nobody.get("/verify/document", query_string={"code": operations.grouped(row.code).upper()})
    assert typed.says(data_output=row.number) == page.says(data_output=row.number)


@pytest.mark.parametrize("code", ["a" * 26, "x", "%00", "LP-2026-000001", "é" * 26])
def test_an_unknown_code_is_answered_neutrally(house, code):
    page = Browser(house.app).get("/verify/document", query_string={"code": code})

    assert page.status == 404
    assert "outputs.unknown" in page.terms()


def test_a_code_cannot_be_guessed(house, now):
    by, other, order = person("issuer"), person("other_issuer"), Order("extract")
    codes = {operations.code_of(str(once), order, by=by) for once in range(200)}

    assert len(codes) == 200
    assert operations.code_of("1", order, by=other) not in codes
    assert operations.code_of("1", Order("extract", language="en"), by=by) not in codes
    assert {len(code) for code in codes} == {26}  # 128 bits in base 32


def test_an_address_that_asks_too_often_is_told_to_wait(house, now):
    row = issued("issuer", now)
    nobody, other = Browser(house.app), Browser(house.app, address="192.0.2.7")
    for _ in range(views.CHECKS.most):
        assert nobody.get(f"/verify/{'b' * 26}").status == 404

    refused = nobody.get(f"/verify/{row.code}")

    assert (refused.status, refused.headers["Retry-After"]) == (429, "60")
    assert row.number not in refused.text
    assert other.get(f"/verify/{row.code}").status == 200


def test_the_act_stands_in_the_audit_log(house, now):
    row = issued("issuer", now)

    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.act == "output_issued")).one()
    assert (entry.subject, entry.user_id) == (f"output {row.number}", person("issuer").id)
    assert entry.details["sha256"] == row.sha256


def test_an_order_sent_twice_makes_one_paper_and_another_form_another(browser, house):
    someone = browser("issuer")
    page = someone.get("/outputs")

    answers = [someone.send(page, "/outputs", kind="extract") for _ in range(2)]

    assert {(answer.status, answer.location) for answer in answers} == {(303, "/outputs")}
    assert count() == 1
    someone.send(someone.get("/outputs"), "/outputs", kind="extract")
    assert count() == 2


def test_two_orders_at_the_same_moment_make_one_paper(live):
    first, second = signed_in(live, "issuer"), signed_in(live, "issuer")
    once = first.get("/outputs").form("/outputs")["once"][0]
    second.get("/outputs")
    gate, found = threading.Barrier(2), []

    def click(someone):
        gate.wait()
        found.append(someone.post("/outputs", {"kind": "extract", "language": "kk", "once": once}).status)

    clicks = [threading.Thread(target=contextvars.Context().run, args=(click, each)) for each in (first, second)]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join()

    assert found == [303, 303]
    assert count() == 1


@pytest.mark.parametrize("corrects", ["٣", "-1", "x", "999999", "99999999999"])
def test_what_names_no_paper_to_correct_makes_none(browser, house, corrects):
    someone = browser("issuer")

    answer = someone.send(someone.get("/outputs"), "/outputs", kind="extract", corrects=corrects, reason="Қате")

    assert answer.status == 404
    assert count() == 0
