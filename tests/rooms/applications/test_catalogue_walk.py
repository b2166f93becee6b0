"""Every shipped procedure, led from its beginning to the archive through the pages, and refused on the way.

Each act is the form that a browser sends, by the actor signed in (``doors``).  What goes beyond the happy path and a
refusal for each is tried by the rooms' verbs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import papers
import pytest
from browser import signed_in
from doors import Visitor
from factories import messages_of
from houses import House

from app import bilingual, db, pdf
from app.applications import approval, desk, facts, filing, queries
from app.applications.models import WHOLE, Application
from app.config import ROOT
from app.demo import stories
from app.demo.stories import Story
from app.errors import Conflict, NotPermitted
from app.sandbox.pki import SandboxPki
from app.terms import say
from app.workflows.definitions import load
from app.workflows.parts import StageKind

PROCEDURES = load(ROOT / "workflows", ROOT)[0].newest()
COMPANIES = {"initiator": "BRKT", "audit_org": "ADIL", "candidate": "BOLA"}
"""Kind of organisation -> the demo's company that is led through its procedures, without an adviser."""


@pytest.fixture
def standing(built: Callable[[str], House], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A house for one day; what is walked here is the same on every database.

    The pages of documents are made, but not set as PDF: that takes half the time and has tests of its own.
    """
    monkeypatch.setattr(stories, "paper", papers.pdf)
    monkeypatch.setattr(pdf, "render", lambda html: papers.pdf(str(len(html))))
    with built("sqlite").day() as found:
        yield found


def teller_of(house: House, key: str) -> stories._Teller:
    procedure = next(item for item in PROCEDURES if item.key == key)
    story = Story(COMPANIES[procedure.open_to[0]], "archived", with_adviser=False, procedure=key)
    return stories._Teller(story, 88, SandboxPki.open(house.config.var / "sandbox", environment=house.config.env))


def visitor_of(house: House, key: str) -> Visitor:
    """Return who leads a procedure through the pages, as its people signed in."""
    return Visitor(house, teller_of(house, key).story, teller_of(house, key).pki)


def refuses(application: Application, trigger: str, by: str, teller: stories._Teller) -> None:
    """Assert that a transition is not to be had here, and nothing moves."""
    before = application.version
    with pytest.raises((Conflict, NotPermitted)), db.session.begin_nested():
        teller.fire(application, trigger, by, bilingual.alike("себебі") if trigger == "discontinue" else "себебі")
    assert application.version == before


def ends_in(visitor: Visitor, trigger: str, by: str, target: str) -> None:
    """Assert that the procedure may end here by a refusal, which asks for a reason; and go back before it."""
    with visitor.set_aside():
        is_quoted = trigger != "withdraw"  # the applicant's own words are quoted as he wrote them
        names = ("reason-kk", "reason-ru") if is_quoted else ("reason",)
        asked = visitor.tried(by, visitor.at("transitions", trigger), seen=visitor.seen)
        assert asked.status == 422
        assert all(asked.error(name) for name in names)
        visitor.press(trigger, by, **dict.fromkeys(names, "Негіздеме"))
        has_ended(visitor, target)
        assert "Негіздеме" in str(queries.history(visitor.application)[0].words)


def is_refused_at_the_desk(visitor: Visitor) -> None:
    """Assert that the chancery may refuse registration with a reason of its list; and go back before it."""
    with visitor.set_aside():
        path, code = visitor.at("registration"), desk.reasons()[0]
        assert visitor.tried("chancery", path, act="refuse", seen=visitor.seen).status == 422
        texts = {"text-kk": "Негіздеме", "text-ru": "Обоснование"}
        visitor.send("chancery", path, act="refuse", reason=code, seen=visitor.seen, **texts)
        has_ended(visitor, "refused")


def has_ended(visitor: Visitor, target: str) -> None:
    application = visitor.application
    assert application.process == target
    assert visitor.procedure.processes[target].final
    assert not queries.current_executors(application)


@pytest.mark.req("IS2IN-P.2", "IS2IN-P.4", "IS2IN-12.1", "IS2IN-12.2", "IS2IN-12.3", "IS2IN-12.4", "IS2IN-12.5")
@pytest.mark.req("IS2IN-24.a", "IS2IN-25.c", "IS2IN-26.b", "IS2IN-15.b")
@pytest.mark.parametrize("key", [procedure.key for procedure in PROCEDURES])
def test_a_procedure_goes_from_its_beginning_to_the_archive_and_may_be_refused_on_the_way(standing: House, key: str):
    visitor = visitor_of(standing, key)
    procedure = visitor.procedure
    begun_here = procedure.started_by is not None

    visitor.begin()
    visitor.lead_to("explanation" if begun_here else "registration")
    visitor.refused("delete", procedure.started_by or "author")
    if begun_here:
        ends_in(visitor, "discontinue", "listing", "discontinued")
        assert messages_of(visitor.person("respondent"))[0].application_number == visitor.number_of
    else:
        is_refused_at_the_desk(visitor)
        ends_in(visitor, "withdraw", "author", "withdrawn")

    if "meeting" in procedure.processes:
        visitor.lead_to("decision")
        assert facts.of(visitor.application).meeting_appointed
        visitor.refused("discontinue" if begun_here else "withdraw", "listing" if begun_here else "author")
    visitor.lead_to("archived")

    application = visitor.application
    assert application.archived_at
    assert application.decided_at
    letters = [item for item in queries.documents(application) if item.kind == "letter"]
    assert [bool(letter.delivered_at and letter.number) for letter in letters] == [True] * (2 if begun_here else 1)
    assert visitor.door("author").get("/archive").one(data_app=visitor.number_of) is not None
    filled = {
        key
        for key, stage in procedure.stages.items()
        if stage.kind is StageKind.FILL and not stage.optional and stage.when is None
    }
    assert {"adviser_choice", "adviser_statement"} | set(queries.answers(application)) >= filled


def test_an_issue_goes_within_its_programme_each_waiting_for_the_other_where_it_must(standing: House):
    programme, issue = visitor_of(standing, "bond_programme"), visitor_of(standing, "bond_listing")
    programme.begin()
    programme.lead_to("registration")
    issue.begin(parent=programme.number_of)
    assert issue.application.parent_id == programme.application.id
    for visitor in (programme, issue):
        visitor.lead_to("decision")

    path, votes, _ = issue.ballot()
    refused = issue.tried("secretary", path, **votes)
    assert refused.status == 409
    assert issue.procedure.parent.when.otherwise["kk"] in refused.main
    programme.decide()
    issue.decide()
    programme.lead_to("result")
    held = programme.refused("archive", "listing")
    assert say("workflow.err.open_children", "kk", count=1) in held.main
    issue.lead_to("archived")
    programme.lead_to("archived")

    assert issue.application.archived_at
    assert programme.application.archived_at


@pytest.mark.parametrize("key", [procedure.key for procedure in PROCEDURES])
def test_only_whom_it_is_open_to_may_begin_a_procedure(standing: House, key: str):
    procedure = next(item for item in PROCEDURES if item.key == key)
    people = ("issuer", "adviser", "auditor", "candidate", "chancery", "listing", "secretary", "compliance", "admin")
    may = {name: filing.companies(teller_of(standing, key).person(name), procedure) for name in people}

    for name, companies in may.items():
        assert {company.kind for company in companies} <= set(procedure.open_to), name
    if procedure.started_by is not None:
        assert {name for name in people if may[name]} == {procedure.started_by}
    else:
        kinds = {"issuer": "initiator", "adviser": "adviser", "auditor": "audit_org", "candidate": "candidate"}
        own = {name for name, kind in kinds.items() if kind in procedure.open_to}
        clients = {"adviser"} if "initiator" in procedure.open_to else set()
        assert {name for name in people if may[name]} == own | clients


def test_the_body_that_decides_is_the_procedures_own(standing: House):
    teller = teller_of(standing, "disclosure_extension")
    application = teller.begun()
    teller.lead(application, "meeting")
    teller.wanted = {"body": "listing_commission"}
    teller.fill(application, ("meeting",))

    refuses(application, "schedule_meeting", "secretary", teller)


def test_every_shared_part_is_used():
    files = {path.name.removesuffix(".yaml") for path in (ROOT / "workflows" / "_shared").glob("*.yaml")}
    texts = [path.read_text(encoding="utf-8") for path in Path(ROOT / "workflows").glob("*.yaml")]

    assert files == {name for name in files if any(name in text for text in texts)}


def remark_and_answer(application: Application, trigger: str, teller: stories._Teller) -> None:
    """Return an application with a remark on the whole of it; it is answered, signed and sent again."""
    words = {WHOLE: "Құжаттарды толықтырыңыз"}
    approval.comment(application, by=teller.person("listing"), comments=words, now=teller.now)
    [way] = [item for item in queries.procedure(application).transitions if item.trigger == trigger]
    teller.go(application, way)
    assert application.process == "rework"
    with pytest.raises(Conflict):
        teller.fire(application, "send_for_approval", "author")
    author = teller.person("author")
    remarks = [item.id for item in queries.comments(application, user=author) if item.is_unsettled]
    approval.answer_all(application, dict.fromkeys(remarks, "Толықтырылды"), by=author, now=teller.now)
    teller.fire(application, "send_for_approval", "author")
    teller.agree_and_sign(application)
    teller.fire(application, "send_file", "first_head")
    for remark in remarks:
        approval.resolve(application, remark, by=teller.person("listing"), now=teller.now)
    db.session.flush()


@pytest.mark.parametrize("key", ["periodic_statements", "membership_category", "auditor_inclusion", "fund_units"])
def test_what_is_returned_with_remarks_comes_back_to_where_it_was_returned_from(standing: House, key: str):
    teller = teller_of(standing, key)
    application = teller.begun()
    teller.lead(application, "completeness")

    remark_and_answer(application, "return_incomplete", teller)
    assert application.process == "completeness"
    if "expertise" in queries.procedure(application).processes:
        teller.lead(application, "expertise")
        remark_and_answer(application, "send_remarks", teller)
        assert application.process == "expertise"

    teller.lead(application, "archived")
    assert application.archived_at


@pytest.mark.req("IS2IN-25.c")
def test_a_refusal_by_the_body_is_told_by_letter_and_archived(standing: House):
    teller = teller_of(standing, "disclosure_extension")
    application = teller.begun()
    teller.lead(application, "decision")
    teller.wanted = {"outcome": "refuse"}
    teller.fill(application, ("decision",))
    teller.fire(application, "record_decision", "secretary")
    teller.lead(application, "archived")

    assert facts.of(application).answers["decision"]["outcome"] == "refuse"
    assert facts.of(application).answers["decision"]["decision_conditions"]
    assert signed_in(standing, "other_issuer").get("/archive").one(data_app=application.number) is not None
