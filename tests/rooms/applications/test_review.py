"""The reviewers' work: verdicts on criteria, the formal check, bundles of remarks, the conclusion and its approval."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from factories import Teller, application_at, messages_of, person, refetched
from sqlalchemy import select
from test_creating import address

from app import db
from app.applications import (
    accepting,
    answering,
    approval,
    attachments,
    bundles,
    concluding,
    criteria,
    effects,
    filing,
    formal,
    judging,
    moves,
    queries,
)
from app.applications.answering import Typed
from app.applications.judging import Word
from app.applications.models import ConclusionNote, CriteriaPin, CriterionVerdict, History
from app.errors import Conflict, Invalid, NotPermitted
from app.storage import Storage
from app.terms import say

KEY = "extra_listing_requirements"
ENTRY = f"{KEY}-e1"
PLACE = "issuer.legal_address"
SECRET = "тек-ішкі-сөз"


def ruling(application: Any, name: str) -> criteria.Ruling:
    return next(each for each in criteria.rulings(application) if each.judged.criterion.key == name)


def judge(application: Any, name: str, verdict: str, note: str = "", *, by: str = "listing", now: Any) -> None:
    """Judge one criterion on top of what stands."""
    found = ruling(application, name)
    word = Word(verdict, note, found.last.id if found.last else 0)
    judging.judge(application, {found.key: word}, round_=application.round, by=person(by), now=now)


def answered_otherwise(application: Any, now: Any, **given: Any) -> None:
    """Let the applicant's answers in the first entry be others, and be sent to the Exchange."""
    newest = queries.latest(application, "requirements")
    [entry] = newest.values[KEY]["entries"]
    changed = {**entry, "values": {**entry["values"], **given}}
    values = {**newest.values, KEY: {**newest.values[KEY], "entries": [changed]}}
    effects.save_answers(application, "requirements", values, by=person("issuer"), now=now)
    also = {"sent_at": now, "round": application.round + 1}
    moves.stand_at(application, queries.position(application), act="led", by=person("issuer"), now=now, also=also)


def problems_of(refused: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return [(each.path, each.key) for each in refused.value.problems]


# Criteria


def test_a_verdict_is_kept_with_who_when_and_on_which_data_and_only_added(house, now):
    application = application_at("expertise")
    found = ruling(application, "equity")
    assert (found.judged.finding, found.verdict) == ("met", "")

    judge(application, "equity", "met", now=now)
    judge(application, "equity", "not_met", "Капитал расталмаған", by="analyst", now=now)

    rows = criteria.verdicts(application)
    assert [(row.verdict, row.note, row.by_id) for row in rows] == [
        ("not_met", "Капитал расталмаған", person("analyst").id),
        ("met", "", person("listing").id),
    ]
    assert rows[0].basis["equity"] == [{"amount": "5120400000.00", "currency": "KZT"}]
    assert (rows[0].finding, rows[0].round, rows[0].version) == ("met", application.round, 1)
    assert ruling(application, "equity").verdict == "not_met"
    [pin] = db.session.scalars(select(CriteriaPin).where(CriteriaPin.application_id == application.id))
    assert (pin.criteria, pin.version) == ("listing_main_shares_premium", 1)
    last = queries.history(application)[0]
    assert (last.act, last.stage) == ("judge", "financial_review")


@pytest.mark.parametrize(
    ("name", "verdict", "note", "told"),
    [
        ("equity", "not_met", "", "review.err.note_override"),
        ("rights", "not_applicable", "", "review.err.note_not_applicable"),
        ("equity", "maybe", "", "review.err.verdict"),
        ("equity", "met", "x" * 2001, "app.err.comment_long"),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"])
def test_a_verdict_that_needs_a_reason_is_refused_without_one(house, now, name, verdict, note, told):
    application = application_at("expertise")

    with pytest.raises(Invalid) as refused:
        judge(application, name, verdict, note, now=now)

    assert [key for _, key in problems_of(refused)] == [told]
    assert not criteria.verdicts(application)


def test_two_who_judge_at_once_and_a_page_of_an_older_round_get_a_conflict(house, now):
    application = application_at("expertise")
    key = ruling(application, "equity").key
    judge(application, "equity", "met", now=now)

    with pytest.raises(Conflict, match="judged"):
        judging.judge(
            application, {key: Word("not_met", "!", 0)}, round_=application.round, by=person("lawyer"), now=now
        )
    with pytest.raises(Conflict, match="new_round"):
        judging.confirm(application, round_=application.round - 1, by=person("listing"), now=now)

    judge(application, "equity", "met", now=now)  # the same again adds nothing
    assert len(criteria.verdicts(application)) == 1


@pytest.mark.parametrize("who", ["issuer", "chancery", "secretary", "compliance"])
@pytest.mark.parametrize("database", ["sqlite"])
def test_only_reviewers_judge(house, now, who):
    with pytest.raises(NotPermitted):
        judge(application_at("expertise"), "equity", "met", by=who, now=now)


def test_a_new_round_unsettles_the_verdicts_whose_data_changed_and_no_others(house, now):
    application = application_at("expertise")
    judging.confirm(application, round_=application.round, by=person("listing"), now=now)
    before = {each.judged.criterion.key for each in criteria.rulings(application) if each.is_settled}
    assert "equity" in before
    assert "rights" not in before  # judged by hand: nobody takes it over unseen

    equity = {"amount": "4324999999.99", "currency": "KZT"}
    answered_otherwise(application, now + timedelta(hours=1), equity=equity)

    after = {each.judged.criterion.key for each in criteria.rulings(application) if each.is_settled}
    assert before - after == {"equity"}
    found = ruling(application, "equity")
    assert (found.judged.finding, found.changed, found.verdict) == ("not_met", ("equity",), "")


# The formal check


def test_an_application_with_gaps_is_complete_only_with_a_reason(house, now):
    application = application_at("completeness")
    assert formal.check(application).count == 0
    row = next(row for row in attachments.rows(application) if row.removed_at is None and row.stage == "documents")
    accepting.decide(application, row.id, accepted=False, reason="Бүлінген", seen=0, by=person("listing"), now=now)
    found = formal.check(application)
    assert (found.count, found.is_signed, len(found.rejected)) == (1, True, 1)

    typed = Typed({"verdict": ["complete"], "despite_reason": [""], "gaps": [""]})
    problems = answering.finish(application, "completeness", typed, by=person("listing"), now=now)
    assert [(each.path, each.key) for each in problems] == [("despite_reason", "review.err.incomplete")]

    seen = queries.latest(application, "completeness").revision
    typed = Typed({"verdict": ["complete"], "despite_reason": ["Түпнұсқасы бар"], "gaps": [""]}, seen=seen)
    assert not answering.finish(application, "completeness", typed, by=person("listing"), now=now)


def test_a_file_that_nobody_can_open_is_a_gap_like_any_other(house, now, monkeypatch):
    application = application_at("completeness")
    row = next(row for row in attachments.rows(application) if row.removed_at is None and row.stage == "documents")
    there = Storage.has
    monkeypatch.setattr(Storage, "has", lambda self, sha256: sha256 != row.sha256 and there(self, sha256))
    found = formal.check(application)
    assert row.id in {file.row.id for _, file in found.unreadable}

    typed = Typed({"verdict": ["complete"], "despite_reason": [""], "gaps": [""]})
    [problem] = answering.finish(application, "completeness", typed, by=person("listing"), now=now)

    assert (problem.key, problem.params) == ("review.err.incomplete", {"n": found.count})


# Bundles of remarks


def test_the_panel_says_who_sends_the_remarks_to_those_who_do_not(browser, house, now):
    application = application_at("expertise")
    number = application.number
    approval.comment(application, by=person("lawyer"), comments={PLACE: "Мекенжайды анықтаңыз"}, now=now)
    db.session.commit()

    def tab(key):
        return browser(key).get(f"/applications/{number}/panel?tab=remarks")

    assert "review.remarks.sent_by" not in tab("listing").terms()
    for key in ("listing_head", "lawyer"):
        assert say("workflow.executor.listing", "kk") in tab(key).says(data_key="review.remarks.sent_by")


def sent_back(house: Any, now: Any) -> Any:
    """Return an application that was sent back to its author with two remarks."""
    application, teller = application_at("expertise"), Teller(house.config)
    approval.comment(application, by=person("lawyer"), comments={PLACE: "Мекенжайды анықтаңыз"}, now=now)
    approval.comment(application, by=person("analyst"), comments={"issuer.bin": "БСН-ді тексеріңіз"}, now=now)
    teller.fill(application, ("listing_review", "legal_review", "financial_review"))
    teller.fire(application, "send_remarks", "listing")
    return refetched(application)


def test_remarks_go_as_a_numbered_bundle_with_the_deadline_of_the_term(house, now):
    application = application_at("expertise")
    days, due = bundles.term_of_next(application, now=now)
    assert (days, due > now) == (10, True)

    application = sent_back(house, now)

    [bundle] = bundles.of(application)
    assert (bundle.number, bundle.row.process, bundle.row.by_id) == (1, "expertise", person("listing").id)
    assert {row.office for row in bundle.remarks} == {"lawyer", "analyst"}
    assert bundle.clock.due is not None
    assert bundle.clock.run.term.working_days == 10
    assert (len(bundle.answered), len(bundle.unanswered), bundle.returned_at) == (0, 2, None)


def test_answers_say_what_kind_they_are_and_a_reopened_remark_goes_with_the_next_bundle(house, now):
    application, teller, author = sent_back(house, now), Teller(house.config), person("issuer")
    [bundle] = bundles.of(application)
    first, second = bundle.remarks
    kinds = {first.id: "changed", second.id: "explained"}
    approval.answer_all(application, {first.id: "Түзетілді"}, kinds=kinds, by=author, now=now)
    with pytest.raises(Conflict):
        teller.fire(application, "send_for_approval", "author")
    application = refetched(application)
    approval.answer_all(application, {second.id: "БСН дұрыс"}, kinds=kinds, by=author, now=now)
    assert {row.answered_as for row in bundles.of(application)[0].remarks} == {"changed", "explained"}
    teller.fire(application, "send_for_approval", "author")
    teller.agree_and_sign(application)
    teller.fire(application, "send_file", "first_head")

    application = refetched(application)
    [bundle] = bundles.of(application)
    assert bundle.returned_at is not None
    assert bundle.working_days == 0
    approval.resolve(application, first.id, by=person("lawyer"), now=now)
    with pytest.raises(Invalid):
        approval.reopen(application, second.id, " ", by=person("analyst"), now=now)
    approval.reopen(application, second.id, "Құжат жоқ", by=person("analyst"), now=now)
    teller.fill(application, ("listing_review", "legal_review", "financial_review"))
    teller.fire(application, "send_remarks", "listing")

    newest, oldest = bundles.of(refetched(application))
    assert [row.id for row in newest.remarks] == [second.id]
    assert (newest.number, oldest.number, len(oldest.resolved)) == (2, 1, 1)


@pytest.mark.parametrize("database", ["sqlite"])
def test_the_author_answers_a_bundle_on_its_page_remark_by_remark(browser, house, now):
    application = sent_back(house, now)
    first, second = (row.id for row in bundles.of(application)[0].remarks)
    author, path = browser("issuer"), address(application, "bundles", "1")
    page = author.get(path)
    assert page.one(data_unanswered="2") is not None
    assert "Мекенжайды анықтаңыз" in page.main
    assert person("lawyer").name not in page.main  # who wrote it stays with the Exchange

    half = author.send(page, path, press="save", **{f"answer-{first}": "Түзетілді"})
    assert (half.status, half.error(f"kind-{first}")) == (422, say("review.err.answer_kind", "kk"))
    saved = author.send(half, path, press="save", **{f"answer-{first}": "Түзетілді", f"kind-{first}": "changed"})
    assert saved.status == 303
    page = author.get(path)
    assert page.one(data_answered="1", data_total="2") is not None
    assert [link.get("href") for link in page.one(data_unanswered="1").iter("a")] == [f"#remark-{second}"]
    assert page.one(data_remark=str(first)).get("data-state") == "answered"
    refused = author.post(
        address(application, "transitions", "send_for_approval"), {"seen": str(refetched(application).version)}
    )
    assert refused.status == 409


# The conclusion


def at_conclusion(now: Any) -> Any:
    return application_at("conclusion")


def conclude(application: Any, now: Any, recommendation: str = "include") -> list[Any]:
    """Press «Дайын» on the conclusion with a recommendation; return what keeps it from being done."""
    newest = queries.latest(application, "conclusion")
    raw = {"recommendation": [recommendation], "conclusion_text-kk": ["Мәтін"], "conclusion_text-ru": ["Текст"]}
    typed = Typed(raw, seen=newest.revision if newest else 0)
    return answering.finish(application, "conclusion", typed, by=person("listing"), now=now)


def judged_as_met(application: Any, now: Any) -> None:
    judging.confirm(application, round_=application.round, by=person("listing"), now=now)
    for each in criteria.rulings(application):
        if not each.is_settled:
            judge(application, each.judged.criterion.key, "met", "Тексерілді", now=now)


def test_the_draft_says_in_two_languages_what_the_verdicts_remarks_and_opinions_come_to(house, now):
    application = at_conclusion(now)
    judged_as_met(application, now)
    judge(application, "free_float", "not_met", "Тізілім басқа", now=now)

    draft = concluding.write_draft(application, seen=0, replace=False, by=person("listing"), now=now)

    assert draft.recommendation == "refuse"
    kk, ru = draft.text["kk"], draft.text["ru"]
    assert "Қаралған критерийлер: 8. Орындалды: 7. Орындалмады: 1." in kk
    assert "Рассмотрено критериев: 8. Выполнено: 7. Не выполнено: 1." in ru
    assert "Түсіндірме: Тізілім басқа" in kk
    assert "Доля акций в свободном обращении не меньше требуемой." in ru
    assert say("draft.no_remarks", "kk") in kk
    assert "Ұсыным: Енгізуден бас тарту." in kk
    held = queries.latest(application, "conclusion").values["conclusion"]
    assert held["conclusion_text"] == draft.text
    with pytest.raises(Invalid):
        concluding.write_draft(application, seen=1, replace=False, by=person("listing"), now=now)
    with pytest.raises(Conflict):
        concluding.write_draft(application, seen=0, replace=True, by=person("listing"), now=now)


def test_a_conclusion_that_differs_from_the_criteria_must_be_argued(house, now):
    application = at_conclusion(now)
    assert [each.key for each in conclude(application, now)] == ["review.err.positive_unjudged"]
    judged_as_met(application, now)
    assert [each.key for each in conclude(application, now, "refuse")] == ["review.err.negative_despite"]
    judge(application, "equity", "not_met", "Капитал расталмаған", now=now)
    assert [each.key for each in conclude(application, now)] == ["review.err.positive_despite"]

    concluding.argue(application, "Капитал отырысқа дейін өседі", by=person("listing"), now=now)

    assert not conclude(application, now)


def test_the_head_returns_a_draft_with_words_or_approves_it(house, now):
    application = at_conclusion(now)
    head = person("listing_head")
    judged_as_met(application, now)
    with pytest.raises((Conflict, NotPermitted)):
        concluding.return_draft(application, "Ерте", seen=application.version, by=head, now=now)
    assert not conclude(application, now)
    told = messages_of(head)[0]
    assert (told.application_number, told.action_required) == (application.number, True)
    with pytest.raises(Invalid):
        concluding.return_draft(application, "  ", seen=application.version, by=head, now=now)
    with pytest.raises(NotPermitted):
        concluding.return_draft(application, "Өзім", seen=application.version, by=person("listing"), now=now)

    concluding.return_draft(application, SECRET, seen=application.version, by=head, now=now)

    standing = queries.position(application)
    assert (application.process, str(standing.status("conclusion"))) == ("conclusion", "filling")
    assert messages_of(person("listing"))[0].message == "notice.conclusion_returned"
    with pytest.raises(Conflict):
        moves.fire(application, "approve_conclusion", by=head, seen=application.version, now=now)
    assert not conclude(application, now)
    answering.finish(application, "conclusion_approval", Typed({}), by=head, now=now)
    Teller(house.config).issue(application)
    with pytest.raises(NotPermitted):
        moves.fire(application, "approve_conclusion", by=person("listing"), seen=application.version, now=now)
    moves.fire(application, "approve_conclusion", by=head, seen=application.version, now=now)
    assert application.process == "meeting"
    with pytest.raises(NotPermitted):
        judge(application, "equity", "met", now=now)  # what was approved stays as it was judged


# The page, and what never leaves the Exchange


@pytest.mark.parametrize("database", ["sqlite"])
def test_a_reviewer_judges_on_the_panel_and_makes_a_remark_of_what_is_not_met(browser, house, now):
    application = application_at("expertise")
    answered_otherwise(application, now, free_float="9.99")
    listing, path = browser("listing"), address(application, "panel")
    page = listing.get(f"{path}?tab=criteria")
    card = page.one(data_criterion=f"{ENTRY}.free_float")
    assert (card.get("data-finding"), card.get("data-verdict")) == ("not_met", "none")
    key = f"{ENTRY}.equity"

    bare = listing.send(page, f"{path}/criteria", press="save", **{f"verdict-{key}": "not_met"})
    assert (bare.status, bare.error(f"note-{key}")) == (422, say("review.err.note_override", "kk"))
    page = listing.get(f"{path}?tab=criteria")
    assert listing.send(page, f"{path}/criteria", press="confirm").status == 303
    page = listing.get(f"{path}?tab=criteria")
    assert page.one(data_criterion=key).get("data-verdict") == "met"
    assert page.one(data_criterion=f"{ENTRY}.free_float").get("data-verdict") == "not_met"

    page = listing.get(f"{path}?tab=remarks&criterion={ENTRY}.free_float")
    form = page.form(f"{path}/remarks")
    assert form["place"] == [f"requirements.{ENTRY}-free_float"]
    assert "9,99" in form["remark"][0]
    assert listing.send(page, f"{path}/remarks", press="write").status == 303
    page = listing.get(f"{path}?tab=remarks")
    assert page.one(data_waiting=str(bundles.waiting(refetched(application))[0].id)) is not None
    for tab in ("formal", "criteria", "remarks", "conclusion", "documents"):
        for who in ("lawyer", "listing_head", "secretary"):
            assert browser(who).get(f"{path}?tab={tab}").status == 200, (tab, who)


@pytest.mark.parametrize("database", ["sqlite"])
def test_nothing_of_the_review_reaches_the_applicant(browser, house, now):
    application = at_conclusion(now)
    judged_as_met(application, now)
    judge(application, "equity", "not_met", SECRET, now=now)
    concluding.write_draft(application, seen=0, replace=False, by=person("listing"), now=now)
    concluding.argue(application, SECRET, by=person("listing"), now=now)
    assert not conclude(application, now)
    concluding.return_draft(application, SECRET, seen=application.version, by=person("listing_head"), now=now)
    db.session.commit()

    verdicts, notes = (db.session.scalars(select(model)).all() for model in (CriterionVerdict, ConclusionNote))
    assert verdicts
    assert len(notes) == 2
    assert any(SECRET in row.words for row in db.session.scalars(select(History)))
    for key in ("issuer", "first_head", "adviser"):
        someone = browser(key)
        assert someone.get(address(application, "panel")).status in (403, 404)
        for rest in (
            (),
            ("timeline",),
            ("comments",),
            ("documents",),
            ("bundles",),
            ("summary",),
            ("map",),
            ("changes",),
        ):
            page = someone.get(address(application, *rest))
            assert page.status == 200
            assert SECRET not in page.text, (key, rest)
            assert say("history.return_conclusion", "kk") not in page.text
        for notice in messages_of(person(key)):
            assert SECRET not in str(notice.params)
    assert filing.answering_side(application, person("listing")) is None
