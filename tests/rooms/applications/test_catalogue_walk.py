"""Every shipped procedure, led from its beginning to the archive by the rooms' verbs, and refused on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import papers
import pytest
from browser import signed_in
from commission import Secretary
from factories import messages_of
from houses import House

from app import db, pdf
from app.applications import approval, facts, filing, queries
from app.applications.models import WHOLE, Application
from app.config import ROOT
from app.decisions import queries as meetings
from app.decisions.sitting import outcome_field
from app.demo import stories
from app.demo.stories import Story
from app.errors import Conflict, Invalid, NotPermitted
from app.sandbox.pki import SandboxPki
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


def refuses(application: Application, trigger: str, by: str, teller: stories._Teller) -> None:
    """Assert that a transition is not to be had here, and nothing moves."""
    before = application.version
    with pytest.raises((Conflict, NotPermitted)), db.session.begin_nested():
        teller.fire(application, trigger, by, "себебі")
    assert application.version == before


def ends_in(application: Application, trigger: str, by: str, target: str, teller: stories._Teller) -> None:
    """Assert that the procedure may end here by a refusal, which asks for a reason; and go back before it."""
    savepoint = db.session.begin_nested()
    with pytest.raises(Invalid) as asked:
        teller.fire(application, trigger, by)
    assert [problem.path for problem in asked.value.problems] == ["reason"]
    teller.fire(application, trigger, by, "Негіздеме")
    assert application.process == target
    assert queries.procedure(application).processes[target].final
    assert queries.history(application)[0].words == "Негіздеме"
    assert not queries.current_executors(application)
    savepoint.rollback()
    db.session.expire_all()


def is_decided_at_a_meeting(application: Application, teller: stories._Teller) -> None:
    """Assert that a body may put it on its agenda, vote and decide; and go back before it."""
    savepoint = db.session.begin_nested()
    secretary = Secretary(teller.now)
    [body, *_] = meetings.bodies_of(application)
    [item] = secretary.meeting(application, body=body).agenda
    assert application.process == "decision"
    secretary.attend(item.meeting)
    raw = {name: texts[0] for name, texts in teller.typed(application, "decision").raw.items()}
    assert meetings.bodies_of(application) == (body,)
    later = (secretary.today + timedelta(days=30)).strftime("%d.%m.%Y")
    raw |= {name: later for name in ("effective_date", "remedy_by") if name in raw}
    secretary.vote(item, raw[outcome_field(application).key])
    secretary.decide(item, **raw)
    assert application.process == meetings.road(queries.procedure(application)).decide.target
    savepoint.rollback()
    db.session.expire_all()


@pytest.mark.req("IS2IN-P.2", "IS2IN-P.4", "IS2IN-12.1", "IS2IN-12.2", "IS2IN-12.3", "IS2IN-12.4", "IS2IN-12.5")
@pytest.mark.req("IS2IN-24.a", "IS2IN-25.c", "IS2IN-26.b", "IS2IN-15.b")
@pytest.mark.parametrize("key", [procedure.key for procedure in PROCEDURES])
def test_a_procedure_goes_from_its_beginning_to_the_archive_and_may_be_refused_on_the_way(standing: House, key: str):
    teller = teller_of(standing, key)
    application = teller.begun()
    procedure = queries.procedure(application)
    begun_here = procedure.started_by is not None

    sent = "explanation" if begun_here else "registration"
    teller.lead(application, sent)
    refuses(application, "delete", procedure.started_by or "author", teller)
    if begun_here:
        ends_in(application, "discontinue", "listing", "discontinued", teller)
        assert messages_of(teller.person("respondent"))[0].application_number == application.number
    else:
        ends_in(application, "refuse_registration", "chancery", "refused", teller)
        ends_in(application, "withdraw", "author", "withdrawn", teller)

    if "meeting" in procedure.processes:
        teller.lead(application, "meeting")
        is_decided_at_a_meeting(application, teller)
        teller.lead(application, "decision")
        assert facts.of(application).meeting_appointed
        refuses(application, "discontinue" if begun_here else "withdraw", "listing" if begun_here else "author", teller)
    teller.lead(application, "archived")

    assert application.archived_at
    assert application.decided_at
    letters = [item for item in queries.documents(application) if item.kind == "letter"]
    assert [bool(letter.delivered_at and letter.number) for letter in letters] == [True] * (2 if begun_here else 1)
    assert application in queries.archive(teller.person("author"))
    filled = {
        key
        for key, stage in procedure.stages.items()
        if stage.kind is StageKind.FILL and not stage.optional and stage.when is None
    }
    assert {"adviser_choice", "adviser_statement"} | set(queries.answers(application)) >= filled


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
