"""Applications that belong to another one: an issue of bonds within its programme (L-02, L-03)."""

from __future__ import annotations

from typing import Any

import pytest
from browser import words
from factories import Teller, person, refetched, user, values

from app import db
from app.applications import effects, facts, filing, moves, parents, queries, reuse
from app.applications.models import Application, Document
from app.errors import Conflict, Invalid, NotPermitted
from app.terms import say
from app.web import here
from app.workflows.guards import GUARDS, Asked, ParentState, Position

NEW = "/procedures/bond_listing/new"


def begun(procedure: str, *, by: str = "other_issuer", parent: Application | None = None) -> Application:
    """Return a new application of a person's own company, within another one or not."""
    author = person(by)
    assert author.organisation is not None
    number = parent.number if parent is not None else ""
    return filing.create(procedure, company_id=author.organisation.id, author=author, parent=number, now=here.now())


def standing(application: Application, process: str, **also: Any) -> Application:
    """Let an application stand in a process as if it had been sent and led there."""
    now = here.now()
    sent = {"submitted_at": now, "sent_at": now}
    by = application.author
    moves.stand_at(application, Position(process, {}), act="led", by=by, now=now, also={**sent, **also})
    return application


def decided(application: Application, outcome: str) -> Application:
    """Let the body have decided on an application: it stands before its letter."""
    now, secretary = here.now(), person("secretary")
    effects.save_answers(application, "decision", {"decision": {"outcome": outcome}}, by=secretary, now=now)
    return standing(application, "letter", decided_at=now)


@pytest.fixture
def programme(house) -> Application:
    """A programme that has been sent and waits for its decision."""
    return standing(begun("bond_programme"), "decision")


@pytest.fixture
def issue(programme) -> Application:
    """An issue within it that has been sent and waits for its decision."""
    return standing(begun("bond_listing", parent=programme), "decision")


def record(application: Application, outcome: str) -> None:
    """Record what the body decided on an issue."""
    now, secretary = here.now(), person("secretary")
    effects.save_answers(application, "decision", {"decision": {"outcome": outcome}}, by=secretary, now=now)
    finished = queries.procedure(application).finish(queries.position(application), "decision", facts.of(application))
    moves.stand_at(application, finished, act="finish", by=secretary, now=now)
    moves.fire(application, "record_decision", by=secretary, seen=application.version, now=now)


def without_files(said: dict[str, Any]) -> dict[str, Any]:
    """Return answers without the files among them: those are never taken over."""
    return {key: value for key, value in said.items() if key != "attorney_document"}


def test_an_issue_begins_with_what_its_programme_says_and_says_so(house):
    teller = Teller(house.config, "BRKT", with_adviser=False)
    programme = begun("bond_programme")
    teller.fill(programme, ("issuer",))
    standing(programme, "registration")

    issue = begun("bond_listing", parent=programme)

    assert issue.parent is programme
    assert values(issue, "issuer") == without_files(values(programme, "issuer"))
    assert queries.position(issue).status("issuer") == "filling"  # to be looked at, and confirmed by «Дайын»
    row = queries.latest(issue, "issuer")
    assert row is not None
    assert {origin["number"] for origin in row.origins.values()} == {programme.number}
    assert {line.split(",")[0] for line in reuse.lines(issue, row, "kk").sources.values()} == {programme.number}
    assert [each.act for each in queries.history(issue)] == ["carry", "within", "create"]
    assert queries.history(issue)[1].words == programme.number
    assert queries.latest(issue, "request") is None  # only what the file names is carried


def test_what_the_issuer_has_changed_and_not_sent_is_not_carried(house):
    teller = Teller(house.config, "BRKT", with_adviser=False)
    programme = begun("bond_programme")
    teller.fill(programme, ("issuer",))
    standing(programme, "rework")
    sent = without_files(values(programme, "issuer"))
    changed = {**queries.latest(programme, "issuer").values["issuer_profile"], "activity": "Басқа"}
    later = programme.sent_at.replace(year=programme.sent_at.year + 1)
    author = person("other_issuer")
    stands = {**queries.latest(programme, "issuer").values, "issuer_profile": changed}
    effects.save_answers(programme, "issuer", stands, by=author, now=later)

    issue = begun("bond_listing", parent=programme)

    assert without_files(values(programme, "issuer")) != sent
    assert values(issue, "issuer") == sent


@pytest.mark.parametrize(
    ("process", "also", "offered"),
    [
        ("filling", {"submitted_at": None, "sent_at": None}, False),
        ("registration", {}, True),
        ("letter", {}, True),
        ("withdrawn", {}, False),
        ("refused", {}, False),
    ],
)
def test_an_issue_belongs_to_a_programme_that_was_sent_and_has_not_failed(house, process, also, offered):
    programme = standing(begun("bond_programme"), process, **also)

    if offered:
        assert begun("bond_listing", parent=programme).parent_id == programme.id
        return
    with pytest.raises(Invalid) as refused:
        begun("bond_listing", parent=programme)
    assert [(each.path, each.key) for each in refused.value.problems] == [("parent", "parents.err.choice")]


@pytest.mark.parametrize(
    ("outcome", "offered"), [("include", True), ("include_with_conditions", True), ("refuse", False)]
)
def test_an_archived_programme_is_offered_if_it_was_included(house, outcome, offered):
    programme = decided(begun("bond_programme"), outcome)
    standing(programme, "archived", archived_at=here.now())
    author = person("other_issuer")
    procedure = queries.procedure(begun("bond_listing"))

    assert (programme in parents.choices(procedure, [author.organisation], user=author)) is offered


def test_the_programme_is_of_the_same_organisation_and_one_that_is_seen(house, browser, programme):
    stranger = browser("issuer")  # of another company
    theirs = person("issuer").organisation
    form = stranger.get(NEW)

    answer = stranger.send(form, NEW, company=str(theirs.id), parent=programme.number)

    assert answer.status == 422
    assert answer.says(data_error_for="parent")
    assert programme.number not in stranger.get(NEW).text


def test_the_page_offers_the_programmes_and_begins_within_the_chosen_one(house, browser, programme):
    someone = browser("other_issuer")
    page = someone.get(f"/applications/{programme.number}")
    [link] = [each.get("href") for each in page.all(data_procedure="bond_listing") if each.tag == "a"]

    form = someone.get(link)
    chosen = [each.get("value") for each in form.one(name="parent").iter("option") if each.get("selected") is not None]
    assert chosen == [programme.number]
    begun_at = someone.send(form, NEW).location

    issue = refetched(begun_at.rsplit("/", 1)[1])
    assert issue.parent_id == programme.id
    assert someone.get(begun_at).one(data_parent=programme.number).get("href") == f"/applications/{programme.number}"
    block = someone.get(f"/applications/{programme.number}").one(data_block="children")
    assert issue.number in words(block)
    assert "Исаева Динара" in words(block)  # who is next: its author


def test_nobody_sees_an_issue_through_its_programme_that_he_may_not_see(house, browser, programme):
    colleague = user(employer=programme.organisation)
    effects.assign(programme, colleague, "author", now=here.now())
    issue = begun("bond_listing", parent=programme)

    assert parents.children(programme, user=person("other_issuer")) == [issue]
    assert parents.children(programme, user=colleague) == []
    assert parents.children(programme, user=person("listing")) == []  # not sent to the Exchange yet
    assert issue.number not in browser("listing").get(f"/applications/{programme.number}").text
    standing(issue, "registration")
    assert parents.children(programme, user=colleague) == []
    assert issue.number in browser("listing").get(f"/applications/{programme.number}").text


def test_who_sees_the_issue_alone_is_told_its_programme_without_a_way_in(house, browser, programme):
    issue = begun("bond_listing", parent=programme)
    programme.author_id = person("listing").id  # somebody else's now
    effects.assign(issue, person("other_first_head"), "first_head", now=here.now())
    db.session.flush()

    found = browser("other_first_head").get(f"/applications/{issue.number}").one(data_parent=programme.number)

    assert found.tag == "span"


def test_an_issue_is_included_only_once_its_programme_is(programme, issue):
    with pytest.raises(Conflict) as refused:
        record(issue, "include")
    assert refused.value.key == "workflow.err.condition"
    assert "программы" in refused.value.params["words"].words["ru"]

    decided(programme, "include_with_conditions")
    record(issue, "include")
    assert issue.process == "letter"


def test_an_issue_may_be_refused_whatever_becomes_of_its_programme(programme, issue):
    record(issue, "refuse")

    assert issue.process == "letter"


def test_an_issue_of_its_own_waits_for_nobody(house):
    issue = standing(begun("bond_listing"), "decision")

    record(issue, "include")

    assert issue.process == "letter"
    assert facts.of(issue).parent is ParentState.NONE


@pytest.mark.parametrize(
    ("process", "outcome", "state"),
    [
        ("decision", "", "waiting"),
        ("letter", "include", "fits"),
        ("letter", "refuse", "waiting"),
        ("archived", "include", "fits"),
        ("archived", "refuse", "failed"),
        ("withdrawn", "", "failed"),
    ],
)
def test_how_it_stands_with_the_programme(programme, issue, process, outcome, state):
    if outcome:
        decided(programme, outcome)
    standing(programme, process, archived_at=here.now() if process == "archived" else None)

    assert facts.of(issue).parent is ParentState(state)


def test_a_programme_is_not_archived_while_an_issue_within_it_is_open(programme, issue):
    listing = person("listing")
    standing(programme, "result")
    draft = begun("bond_listing", parent=programme)

    with pytest.raises(Conflict) as refused:
        moves.fire(programme, "archive", by=listing, seen=programme.version, now=here.now())
    assert (refused.value.key, refused.value.params["count"]) == ("workflow.err.open_children", 1)
    standing(issue, "withdrawn")
    moves.fire(programme, "archive", by=listing, seen=programme.version, now=here.now())

    assert programme.archived_at
    assert draft.submitted_at is None  # what the Exchange does not know of holds nobody up


def test_the_organisation_learns_of_the_programmes_decision_by_its_letter_alone(browser, programme, issue):
    def waits(key: str) -> bool:
        return bool(browser(key).get(f"/applications/{issue.number}").all(data_note="parent"))

    assert waits("secretary")
    assert waits("other_issuer")
    decided(refetched(programme), "include")
    assert not waits("secretary")
    assert waits("other_issuer")


def test_the_author_names_the_programme_later_and_takes_it_back(house, browser, programme):
    issue = begun("bond_listing")
    path = f"/applications/{issue.number}/parent"
    someone = browser("other_issuer")

    someone.send(someone.get(f"/applications/{issue.number}"), path, parent=programme.number)
    assert refetched(issue).parent_id == programme.id
    someone.send(someone.get(f"/applications/{issue.number}"), path, parent="")

    assert refetched(issue).parent_id is None
    assert [each.act for each in queries.history(refetched(issue))][:2] == ["within_none", "within"]


def test_naming_the_programme_is_the_authors_early_and_never_overwrites(house, programme):
    issue, now = begun("bond_listing"), here.now()
    author = person("other_issuer")

    with pytest.raises(NotPermitted):
        filing.name_parent(issue, programme.number, by=person("listing"), seen=issue.version, now=now)
    with pytest.raises(Conflict, match=r"app\.err\.moved"):
        filing.name_parent(issue, programme.number, by=author, seen=issue.version + 1, now=now)
    standing(issue, "registration")
    with pytest.raises(Conflict) as late:
        filing.name_parent(issue, programme.number, by=author, seen=issue.version, now=now)
    assert late.value.key == "parents.err.late"
    assert issue.parent_id is None


def test_a_procedure_without_a_parent_takes_none(house, programme):
    author = person("other_issuer")

    with pytest.raises(Invalid):
        begun("share_listing", parent=programme)
    share = begun("share_listing")
    with pytest.raises(Conflict):
        filing.name_parent(share, programme.number, by=author, seen=share.version, now=here.now())


def test_nothing_is_sent_within_what_has_failed_and_the_page_says_so(browser, house, programme):
    draft = begun("bond_listing", parent=programme)
    procedure, position = queries.procedure(draft), queries.position(draft)
    standing(programme, "withdrawn")

    [offer] = [
        each for each in procedure.offers(position, facts.of(draft)) if each.transition.trigger == "send_for_approval"
    ]
    assert not offer.allowed
    guard = GUARDS["parent_not_failed"]
    asked = Asked(facts.of(draft), position, procedure)
    assert (guard.holds(asked), guard.sentence(asked)) == (False, "workflow.err.parent_ended")
    number = programme.number
    page = browser("other_issuer").get(f"/applications/{draft.number}")
    assert words(page.one(data_note="parent")).strip() == say("parents.ended", "kk")
    [chosen] = [
        each.get("value") for each in page.one(name="parent").iter("option") if each.get("selected") is not None
    ]
    assert chosen == number


def test_pressing_the_button_unchosen_detaches_nothing(browser, house, programme):
    draft = begun("bond_listing", parent=programme)
    standing(programme, "withdrawn")
    number, path = programme.number, f"/applications/{draft.number}"
    someone = browser("other_issuer")

    someone.send(someone.get(path), f"{path}/parent", parent=number)

    assert refetched(draft).parent.number == number


def test_a_decision_against_the_programme_counts_once_its_letter_is_delivered(programme, issue):
    decided(programme, "refuse")
    assert parents.state(issue) is ParentState.WAITING
    now = here.now()
    letter = {"kind": "letter", "round": 1, "name": "x.pdf", "language": "kk", "size": 1, "sha256": "0" * 64}
    db.session.add(Document(application_id=programme.id, number="1", at=now, delivered_at=now, **letter))
    db.session.flush()

    assert parents.state(issue) is ParentState.FAILED
