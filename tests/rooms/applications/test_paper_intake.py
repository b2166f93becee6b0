"""Outages, and what comes on paper meanwhile (IS2IN-27)."""

from __future__ import annotations

from datetime import timedelta

import papers
import pytest
from browser import signed_in
from factories import Teller, company, mails_to, person, refetched

from app import db, pdf
from app.applications import attachments, clocks, intake, moves, outages, queries
from app.applications.attachments import Upload
from app.errors import Conflict, Invalid, NotPermitted
from app.web import here
from app.web.templating import ZONE, date_time_text


@pytest.fixture
def outage(house):
    now = here.now()
    return outages.declare(now - timedelta(days=6), None, reason="Желі істемейді", by=person("chancery"), now=now)


SCAN = papers.pdf("x")


def taken_in(outage, *, scans=(("otinish.pdf", SCAN),), **changed):
    given = {
        "procedure_key": "disclosure_extension",
        "company_id": company("BRKT").id,
        "received_at": here.now() - timedelta(days=5),
        "brought_by": "Исаева Д.",
        "by": person("chancery"),
        "now": here.now(),
    } | changed
    with attachments.received([Upload(name, content) for name, content in scans]) as found:
        return intake.begin(outage, scans=found, **given)


@pytest.mark.req("IS2IN-27.a")
def test_a_paper_is_received_at_its_own_moment_and_its_later_rounds_are_electronic(house, outage, monkeypatch):
    monkeypatch.setattr(pdf, "render", lambda html: papers.pdf(str(len(html))))
    application = taken_in(outage)
    received_at = queries.intake(application).received_at
    assert not queries.sees(application, person("other_issuer"))
    with pytest.raises(Conflict):
        taken_in(outage, received_at=received_at)
    with pytest.raises(Conflict):
        moves.fire(application, "send_for_approval", by=person("chancery"), seen=application.version, now=here.now())

    intake.enter(application, by=person("chancery"), seen=application.version, now=here.now())

    assert (application.process, application.submitted_at) == ("registration", received_at)
    assert application.author == person("other_issuer")
    assert queries.sees(application, person("other_issuer"))
    assert application.number in mails_to(person("other_issuer").email)[0].body
    [clock] = clocks.of([application])[application.id]
    assert clock.run.start == received_at
    assert clock.is_over(here.now())
    acts = {row.act: row.by for row in queries.history(application)}
    assert acts["entered_paper"] == person("chancery")
    with pytest.raises(Conflict):
        intake.enter(application, by=person("chancery"), seen=application.version, now=here.now())

    teller = Teller(house.config, "BRKT", with_adviser=False)
    teller.work(application, "registration", "chancery", "register")
    assert refetched(application).registration_number


def test_one_paper_is_entered_once_and_two_of_one_minute_both(house, outage):
    then = here.now() - timedelta(days=5)
    first = taken_in(outage, received_at=then)

    with pytest.raises(Conflict) as refused:
        taken_in(outage, received_at=then)
    second = taken_in(outage, received_at=then, scans=(("otinish.pdf", papers.pdf("екінші")),))

    assert refused.value.params["number"] == first.number
    assert second.number != first.number


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"procedure_key": "nosuch"}, "procedure"),
        ({"procedure_key": "exchange_delisting"}, "procedure"),
        ({"procedure_key": ""}, "procedure"),
        ({"company_id": 0}, "company"),
        ({"brought_by": "  "}, "brought_by"),
        ({"scans": ()}, "scans"),
        ({"scans": (("virus.exe", b"MZ"),)}, "scans"),
        ({"days": -1}, "received_on"),
        ({"days": 30}, "received_on"),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"])
def test_what_is_wrong_with_a_paper_is_told_at_its_field(house, outage, changed, path):
    days = changed.pop("days", None) if "days" in (changed := dict(changed)) else None
    if days is not None:
        changed["received_at"] = here.now() - timedelta(days=days)

    with pytest.raises(Invalid) as refused:
        taken_in(outage, **changed)

    assert {problem.path for problem in refused.value.problems} == {path}


@pytest.mark.req("IS2IN-27.a")
def test_a_colleague_of_the_desk_hands_a_paper_on_and_both_moments_are_shown(house, outage, monkeypatch):
    monkeypatch.setattr(pdf, "render", lambda html: papers.pdf(str(len(html))))
    application = taken_in(outage, by=person("listing"))
    number, received = application.number, date_time_text(queries.intake(application).received_at)
    db.session.commit()
    path = f"/applications/{number}"
    for key, may in (("chancery", False), ("lawyer", False), ("officer", True), ("listing_head", True)):
        page = signed_in(house, key).get(path)
        assert ("paper.enter" in page.terms()) is may, key
        form = signed_in(house, key).get(f"{path}/stages/{first_stage(number)}")
        assert bool(form.all(name="done")) is may, key

    colleague = signed_in(house, "officer")
    sent = colleague.send(colleague.get(path), f"{path}/paper")

    assert sent.status == 303
    row = queries.intake(refetched(number))
    page = signed_in(house, "other_issuer").get(path)
    assert {"paper.entered_at", "paper.counted_from"} <= page.terms()
    assert received in page.main
    assert date_time_text(row.entered_at) in page.main
    assert "paper.enter" not in colleague.get(path).terms()
    acts = {each.act: each.by for each in queries.history(refetched(number))}
    assert acts["entered_paper"] == person("officer")


def first_stage(number):
    """Return the first stage that is to be filled in."""
    procedure = queries.procedure(refetched(number))
    return procedure.processes[procedure.initial].stages[0]


@pytest.mark.parametrize("database", ["sqlite"])
def test_a_refused_paper_is_told_who_and_which(house, outage):
    application = taken_in(outage)
    with pytest.raises(NotPermitted) as another:
        intake.enter(application, by=person("listing"), seen=application.version, now=here.now())
    assert another.value.params == {"who": person("chancery").name}
    with pytest.raises(Invalid) as unknown:
        taken_in(outage, procedure_key="nosuch")
    [problem] = unknown.value.problems
    assert (problem.key, problem.params) == ("paper.err.procedure", {"procedure": "nosuch"})
    with pytest.raises(Invalid) as others:
        taken_in(outage, procedure_key="auditor_inclusion")
    [problem] = others.value.problems
    assert (problem.path, problem.key) == ("company", "paper.err.company")
    assert problem.params["company"].words == company("BRKT").names


@pytest.mark.parametrize("database", ["sqlite"])
def test_an_outage_is_near_alone_and_called_off_before_it_begins(house):
    chancery, now = signed_in(house, "chancery"), here.now().astimezone(ZONE)
    page = chancery.get("/outages")

    def declare(begin, end=None):
        ends = {"ends_on": f"{end:%d.%m.%Y}", "ends_at": f"{end:%H:%M}"} if end else {}
        given = {"begins_on": f"{begin:%d.%m.%Y}", "begins_at": f"{begin:%H:%M}", "reason": "x"} | ends
        return chancery.send(page, "/outages", **given)

    for text in ("01.01.0001", "31.12.9999"):
        wrong = chancery.send(page, "/outages", begins_on=text, begins_at="00:00", reason="x")
        assert (wrong.status, bool(wrong.error("begins_on"))) == (422, True)
    for days in (31, -366):
        wrong = declare(now + timedelta(days=days))
        assert (wrong.status, bool(wrong.error("begins_on"))) == (422, True)
    ahead = now + timedelta(days=20)
    assert declare(ahead).status == 303
    assert declare(now, now + timedelta(days=1)).status == 303
    overlapping = declare(now + timedelta(hours=2), now + timedelta(hours=3))
    assert overlapping.status == 409
    assert f"{now:%d.%m.%Y %H:%M}" in overlapping.main
    assert declare(now + timedelta(days=2)).status == 409

    listed = chancery.get("/outages")
    ident = listed.one(data_state="ahead").get("data-outage-id")
    assert chancery.send(listed, f"/outages/{ident}/end").status == 303
    assert chancery.post(f"/outages/{ident}/end").status == 303
    assert chancery.get("/outages").one(data_state="called_off") is not None
    assert declare(now + timedelta(days=2)).status == 303
    running = chancery.get("/outages").one(data_state="on").get("data-outage-id")
    form = chancery.get(f"/outages/{running}/intake")
    given = {"procedure": "disclosure_extension", "company": str(company("BRKT").id), "brought_by": "Исаева Д."}
    given |= {"received_on": "01.01.0001", "received_at": "00:00"}
    bad = chancery.send(form, f"/outages/{running}/intake", scans=("otinish.pdf", SCAN), **given)
    assert (bad.status, bool(bad.error("received_on"))) == (422, True)


@pytest.mark.req("IS2IN-27.a", "IS2IN-27.b")
@pytest.mark.parametrize("database", ["sqlite"])
def test_an_outage_is_told_on_every_page_and_its_papers_entered_by_the_chancery(house):
    chancery, stranger = signed_in(house, "chancery"), signed_in(house)
    assert stranger.get("/login").all(data_outage="") == []
    page = chancery.get("/outages")
    now = here.now().astimezone(ZONE)
    begin, early = now - timedelta(days=3), now - timedelta(days=2)
    wrong = chancery.send(page, "/outages", begins_on="31.02.2026", begins_at="9", reason="x")
    assert wrong.status == 422
    assert wrong.error("begins_on")
    day, time = f"{begin:%d.%m.%Y}", f"{begin:%H:%M}"
    assert chancery.send(page, "/outages", begins_on=day, begins_at=time, reason="").status == 422
    done = chancery.send(page, "/outages", begins_on=day, begins_at=time, reason="Серверлік бөлме")
    assert done.status == 303
    for language, words in (("kk", "техникалық іркіліс"), ("ru", "технический сбой"), ("en", "technical failure")):
        banner = signed_in(house, "", language).get("/login").says(data_outage="")
        assert words in banner
        assert "listing@kase.kz" in banner
        assert "237 53 27" in banner
    assert signed_in(house, "issuer").get("/outages").status == 404
    assert signed_in(house, "issuer").get("/").all(data_outage="")
    pack = stranger.get("/paper")
    assert stranger.get(pack.one(data_procedure="share_listing")[-1].get("href")).content.startswith(b"%PDF-")

    ident = chancery.follow(done).one(data_state="on").get("data-outage-id")
    form = chancery.get(f"/outages/{ident}/intake")
    given = {"procedure": "disclosure_extension", "company": str(company("BRKT").id), "brought_by": "Исаева Д."}
    given |= {"received_on": f"{early:%d.%m.%Y}", "received_at": f"{early:%H:%M}"}
    bare = chancery.send(form, f"/outages/{ident}/intake", **given)
    assert bare.status == 422
    assert bare.error("scans")
    assert bare.form(f"/outages/{ident}/intake")["brought_by"] == ["Исаева Д."]
    taken = chancery.send(form, f"/outages/{ident}/intake", scans=("otinish.pdf", papers.pdf("x")), **given)
    hub = chancery.follow(taken)
    number = hub.one(data_app=hub.location or taken.location.rpartition("/")[2]).get("data-app")
    assert "paper.mark" in hub.terms()
    stage = next(key for key in queries.applicant_stages(refetched(number)))
    assert chancery.get(f"/applications/{number}/stages/{stage}").one(name="done") is not None
    scan = next(link for link in hub.links() if "/attachments/" in link)
    assert chancery.get(scan).status == 200
    issuer = signed_in(house, "other_issuer")
    assert issuer.get(f"/applications/{number}").status == 404
    entered = chancery.send(hub, f"/applications/{number}/paper")
    assert entered.status == 303
    theirs = issuer.get(f"/applications/{number}")
    assert "paper.mark" in theirs.terms()
    assert issuer.get(scan).status == 200
    assert "paper.mark" in chancery.get("/queue?tab=unit").terms()
    chancery.get("/outages")
    assert chancery.post(f"/outages/{ident}/end").status == 303
    assert stranger.get("/login").all(data_outage="") == []
