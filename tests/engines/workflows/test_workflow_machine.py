"""Where an application stands, and where it may go."""

from __future__ import annotations

import json
import timeit
from dataclasses import replace

import pytest

from app.errors import NotFound
from app.terms import LANGUAGES, say
from app.workflows.guards import EFFECTS, GUARDS, Facts, Position, StageStatus
from app.workflows.machine import Procedure
from app.workflows.parts import Transition, TransitionNotAllowed

NEW, FILLING, FILLED, SKIPPED = StageStatus
DATA = ("issuer", "requirements", "adviser_choice", "adviser_statement", "documents")
REVIEWS = ("listing_review", "legal_review", "financial_review")
UNSENT = Facts()
SIGNED = Facts(signature_valid=True)
RIGHT_BODY = {"meeting.body == body.body or not filled(body.body)": True}
SENT = Facts(sent=True, signature_valid=True, conditions=RIGHT_BODY)
COMPLETE = Facts(sent=True, answers={"completeness": {"verdict": "complete"}})
INCOMPLETE = Facts(sent=True, remarks=1, answers={"completeness": {"verdict": "incomplete"}})
APPOINTED = Facts(sent=True, meeting_appointed=True)


def finish(procedure: Procedure, position: Position, *stages: str, facts: Facts = UNSENT) -> Position:
    for stage in stages:
        position = procedure.finish(position, stage, replace(facts, issued=frozenset([stage])))
    return position


@pytest.fixture
def filled(listing: Procedure) -> Position:
    return finish(listing, listing.start(), *DATA)


@pytest.fixture
def at_first_head(listing: Procedure, filled: Position) -> Position:
    return listing.fire(filled, "send_for_approval", UNSENT).position


@pytest.fixture
def at_registration(listing: Procedure, at_first_head: Position) -> Position:
    signed = finish(listing, at_first_head, "approval", "signing", facts=SIGNED)
    return listing.fire(signed, "send_file", SIGNED).position


@pytest.fixture
def at_completeness(listing: Procedure, at_registration: Position) -> Position:
    return listing.fire(finish(listing, at_registration, "registration"), "register", SENT).position


@pytest.fixture
def at_expertise(listing: Procedure, at_completeness: Position) -> Position:
    return listing.fire(finish(listing, at_completeness, "completeness"), "accept", COMPLETE).position


@pytest.fixture
def at_rework(listing: Procedure, at_expertise: Position) -> Position:
    facts = Facts(sent=True, remarks=1, unresolved_remarks=1)
    return listing.fire(finish(listing, at_expertise, *REVIEWS), "send_remarks", facts).position


@pytest.fixture
def at_decision(listing: Procedure, at_expertise: Position) -> Position:
    position = listing.fire(finish(listing, at_expertise, *REVIEWS), "finish_expertise", SENT).position
    signed = finish(listing, position, "conclusion", "conclusion_approval", "conclusion_signing")
    position = listing.fire(signed, "approve_conclusion", SENT).position
    return listing.fire(finish(listing, position, "meeting"), "schedule_meeting", SENT).position


# filling


def test_an_application_begins_in_filling_with_every_stage_not_started(listing):
    start = listing.start()

    assert start == Position("filling")
    assert [listing.status(start, stage) for stage in DATA] == [NEW] * 5


@pytest.mark.req("IS2IN-14.d")
@pytest.mark.parametrize(
    ("done", "blue"),
    [
        ([], ["issuer", "requirements", "adviser_choice", "documents"]),
        (["issuer"], ["issuer", "requirements", "adviser_choice", "documents"]),
        (["adviser_choice"], list(DATA)),
        (list(DATA), [*DATA, "summary"]),
    ],
)
def test_the_stages_in_blue_are_the_filled_ones_and_those_whose_predecessors_are_filled(listing, done, blue):
    position = finish(listing, listing.start(), *done)

    assert list(listing.reachable(position, UNSENT)) == blue


@pytest.mark.req("IS2IN-14.d")
@pytest.mark.parametrize("stage", ["adviser_statement", "summary", "approval", "registration", "view_sent", "nosuch"])
@pytest.mark.parametrize("verb", ["save", "finish", "skip"])
def test_a_stage_that_is_not_open_can_neither_be_saved_nor_finished_nor_skipped(listing, stage, verb):
    with pytest.raises(TransitionNotAllowed):
        getattr(listing, verb)(listing.start(), stage, UNSENT)


@pytest.mark.req("IS2IN-14.f")
@pytest.mark.parametrize(("verb", "status"), [("save", FILLING), ("finish", FILLED)])
def test_a_button_changes_the_status_of_its_stage_and_of_no_other(listing, verb, status):
    start = listing.start()

    after = getattr(listing, verb)(start, "issuer", UNSENT)

    assert after.stages == {"issuer": status}
    assert start.stages == {}


def test_a_filled_stage_that_is_saved_again_is_being_filled(listing, filled):
    after = listing.save(filled, "issuer", UNSENT)

    assert after.status("issuer") is FILLING
    assert "summary" not in listing.open_stages(after, UNSENT)


def test_the_adviser_fills_his_stage_beside_the_author(listing):
    position = finish(listing, listing.start(), "adviser_choice")

    assert listing.executor_of("adviser_statement", "filling") == "adviser"
    assert listing.executors(position) == ("author", "adviser")
    assert listing.next_stage(position, UNSENT, after="adviser_choice", executor="author") == "documents"


@pytest.mark.req("IS2IN-14.2.b")
def test_after_the_last_stage_the_next_is_the_first_that_is_not_done(listing):
    position = finish(listing, listing.start(), "requirements", "adviser_choice", "documents")

    assert listing.next_stage(position, UNSENT, after="documents", executor="author") == "issuer"
    assert listing.next_stage(finish(listing, position, "issuer"), UNSENT, after="issuer", executor="author") is None


@pytest.mark.req("IS2IN-14.i")
@pytest.mark.parametrize(
    ("financial", "adviser", "may"),
    [(True, False, True), (True, True, False), (False, False, False), (False, True, False)],
)
def test_a_stage_is_skipped_only_by_a_financial_organisation_without_an_adviser(listing, financial, adviser, may):
    facts = Facts(financial_organisation=financial, adviser_chosen=adviser)

    assert listing.may_skip(listing.start(), "adviser_choice", facts) is may
    if may:
        after = listing.skip(listing.start(), "adviser_choice", facts)
        assert after.stages == {"adviser_choice": SKIPPED, "adviser_statement": SKIPPED}
    else:
        with pytest.raises(TransitionNotAllowed) as refusal:
            listing.skip(listing.start(), "adviser_choice", facts)
        assert refusal.value.key == "workflow.err.cannot_skip"


@pytest.mark.parametrize("stage", ["issuer", "documents"])
def test_a_stage_without_a_condition_of_skipping_is_never_skipped(listing, stage):
    with pytest.raises(TransitionNotAllowed):
        listing.skip(listing.start(), stage, Facts(financial_organisation=True))


def test_a_skipped_stage_counts_as_complete(listing):
    facts = Facts(financial_organisation=True)
    position = listing.skip(listing.start(), "adviser_choice", facts)

    position = finish(listing, position, "issuer", "requirements", "documents")

    assert "summary" in listing.open_stages(position, facts)
    assert listing.fire(position, "send_for_approval", facts).position.process == "first_head"


def test_a_skipped_stage_taken_up_again_wakes_the_one_that_follows_it(listing):
    skipped = listing.skip(listing.start(), "adviser_choice", Facts(financial_organisation=True))

    after = listing.finish(skipped, "adviser_choice", UNSENT)

    assert after.status("adviser_statement") is NEW
    assert "adviser_statement" in listing.open_stages(after, UNSENT)


@pytest.mark.req("IS2IN-14.j")
@pytest.mark.parametrize("missing", DATA)
def test_sending_with_an_unfinished_stage_is_refused_and_names_it(listing, missing, filled):
    position = Position("filling", {**filled.stages, missing: FILLING})

    with pytest.raises(TransitionNotAllowed) as refusal:
        listing.fire(position, "send_for_approval", UNSENT)

    assert refusal.value.params["unfinished"] == (missing,)
    for language in LANGUAGES:
        told = say(refusal.value.key, language, **refusal.value.params)
        assert listing.stages[missing].title[language] in told
    assert "summary" not in listing.reachable(position, UNSENT)


@pytest.mark.req("IS2IN-19.c")
def test_sending_moves_the_application_to_the_first_head(listing, filled):
    fired = listing.fire(filled, "send_for_approval", UNSENT)

    assert fired.position.process == "first_head"
    assert fired.position.status("summary") is FILLED
    assert fired.transition.notify == ("first_head",)
    assert listing.executors(fired.position) == ("first_head",)


# the first head


@pytest.mark.req("IS2IN-20.b")
def test_the_first_head_saves_returns_or_agrees_and_nothing_else(listing, at_first_head):
    facts = Facts(comments=1)

    offers = {offer.transition.trigger: offer for offer in listing.offers(at_first_head, facts)}

    assert listing.open_stages(at_first_head, facts) == ("approval",)
    mine = {name for name, offer in offers.items() if offer.allowed and offer.transition.by == "first_head"}
    assert mine == {"return_for_rework"}
    assert listing.save(at_first_head, "approval", facts).process == "first_head"
    assert listing.finish(at_first_head, "approval", facts).status("approval") is FILLED


@pytest.mark.req("IS2IN-20.e")
def test_agreeing_opens_the_stage_of_signing_in_the_same_process(listing, at_first_head):
    after = listing.finish(at_first_head, "approval", UNSENT)

    assert after.process == "first_head"
    assert listing.open_stages(after, UNSENT) == ("approval", "signing")
    assert listing.next_stage(after, UNSENT, after="approval") == "signing"


@pytest.mark.req("IS2IN-20.d")
def test_returning_brings_the_application_back_with_its_stages_filled_and_open(listing, at_first_head):
    agreed = finish(listing, at_first_head, "approval")

    fired = listing.fire(agreed, "return_for_rework", Facts(comments=2))

    assert fired.position.process == "filling"
    assert [fired.position.status(stage) for stage in DATA] == [FILLED] * 5
    assert fired.position.status("summary") is NEW
    assert set(DATA) <= set(listing.open_stages(fired.position, UNSENT))
    assert fired.transition.notify == ("author",)
    assert "publish_comments" in fired.transition.effects


def test_returning_without_a_comment_is_refused(listing, at_first_head):
    with pytest.raises(TransitionNotAllowed) as refusal:
        listing.fire(at_first_head, "return_for_rework", UNSENT)

    assert refusal.value.key == "err.comment_required"


def test_after_a_return_the_first_head_must_agree_and_sign_anew(listing, at_first_head):
    signed = finish(listing, at_first_head, "approval", "signing", facts=SIGNED)
    returned = listing.fire(signed, "return_for_rework", Facts(comments=1, signature_valid=True)).position

    again = listing.fire(returned, "send_for_approval", UNSENT).position

    assert (again.status("approval"), again.status("signing")) == (NEW, NEW)
    assert listing.open_stages(again, UNSENT) == ("approval",)


def test_taking_the_approval_up_again_lets_the_signing_lapse(listing, at_first_head):
    signed = finish(listing, at_first_head, "approval", "signing", facts=SIGNED)

    after = listing.save(signed, "approval", SIGNED)

    assert (after.status("approval"), after.status("signing")) == (FILLING, NEW)


def test_the_signing_is_not_done_without_a_valid_signature(listing, at_first_head):
    agreed = finish(listing, at_first_head, "approval")

    with pytest.raises(TransitionNotAllowed) as refusal:
        listing.finish(agreed, "signing", UNSENT)

    assert refusal.value.key == "workflow.err.unsigned"


@pytest.mark.req("IS2IN-23.a")
@pytest.mark.parametrize("facts", [UNSENT, Facts(sent=True)])
def test_a_file_without_a_valid_signature_is_not_sent(listing, at_first_head, facts):
    signed = finish(listing, at_first_head, "approval", "signing", facts=SIGNED)

    with pytest.raises(TransitionNotAllowed) as refusal:
        listing.fire(signed, "send_file", facts)

    assert refusal.value.key == "workflow.err.unsigned"


@pytest.mark.req("IS2IN-23.a", "IS2IN-23.b", "IS2IN-23.c")
def test_the_signed_file_goes_to_the_chancery_for_registration(listing, at_first_head):
    signed = finish(listing, at_first_head, "approval", "signing", facts=SIGNED)

    fired = listing.fire(signed, "send_file", SIGNED)

    process = listing.process(fired.position)
    assert process.title.kk == "Биржа кеңсесінің рұқсаттама бастамашысынан өтінішті тіркеуі"
    assert listing.executors(fired.position) == ("chancery",)
    assert "send_file" in fired.transition.effects


# the Exchange


def test_three_departments_work_at_the_same_time(listing, at_expertise):
    assert listing.open_stages(at_expertise, COMPLETE)[:3] == REVIEWS
    assert listing.executors(at_expertise) == ("listing", "lawyer", "analyst")

    after = finish(listing, at_expertise, "legal_review")

    assert listing.executors(after) == ("listing", "analyst")


def test_the_executor_of_the_process_is_not_awaited_while_all_that_is_due_is_others(listing, at_expertise):
    assert listing.awaited(at_expertise) == ("listing", "lawyer", "analyst")
    own_done = finish(listing, at_expertise, "listing_review")
    assert listing.executors(own_done) == ("listing", "lawyer", "analyst")
    assert listing.awaited(own_done) == ("lawyer", "analyst")

    all_done = finish(listing, finish(listing, own_done, "legal_review"), "financial_review")

    assert listing.awaited(all_done) == ("listing",)


@pytest.mark.parametrize("trigger", ["send_remarks", "finish_expertise"])
def test_the_expertise_ends_only_when_every_department_is_done(listing, at_expertise, trigger):
    position = finish(listing, at_expertise, "listing_review", "financial_review")

    with pytest.raises(TransitionNotAllowed) as refusal:
        listing.fire(position, trigger, Facts(sent=True, remarks=1))

    assert refusal.value.params["unfinished"] == ("legal_review",)


@pytest.mark.parametrize(
    ("trigger", "facts", "refusal"),
    [
        ("send_remarks", Facts(sent=True), "workflow.err.no_remarks"),
        ("finish_expertise", Facts(sent=True, unresolved_remarks=2), "workflow.err.remarks_unresolved"),
        ("accept", Facts(sent=True), "workflow.err.not_here"),
    ],
)
def test_remarks_decide_where_the_expertise_leads(listing, at_expertise, trigger, facts, refusal):
    position = finish(listing, at_expertise, *REVIEWS)

    with pytest.raises(TransitionNotAllowed) as told:
        listing.fire(position, trigger, facts)

    assert told.value.key == refusal


@pytest.mark.parametrize(
    ("facts", "allowed", "refused"),
    [(COMPLETE, "accept", "return_incomplete"), (INCOMPLETE, "return_incomplete", "accept")],
)
def test_the_verdict_on_completeness_opens_one_of_two_ways(listing, at_completeness, facts, allowed, refused):
    position = finish(listing, at_completeness, "completeness")

    offers = {offer.transition.trigger: offer for offer in listing.offers(position, facts)}

    assert offers[allowed].allowed
    assert not offers[refused].allowed
    assert offers[refused].refusal == "workflow.err.outcome"


def test_remarks_must_be_answered_before_the_application_is_sent_again(listing, at_rework):
    with pytest.raises(TransitionNotAllowed) as refusal:
        listing.fire(at_rework, "send_for_approval", Facts(sent=True, open_remarks=3, unresolved_remarks=3))

    assert refusal.value.key == "workflow.err.remarks_unanswered"
    assert refusal.value.params["count"] == 3


def resend(listing: Procedure, position: Position) -> Position:
    position = listing.fire(position, "send_for_approval", SENT).position
    position = finish(listing, position, "approval", "signing", facts=SENT)
    [offer] = [offer for offer in listing.offers(position, SENT) if offer.transition.trigger == "send_file"]
    fired = listing.fire(position, "send_file", SENT)
    assert offer.allowed
    assert offer.transition == fired.transition
    return fired.position


def test_after_remarks_the_application_comes_back_to_the_departments_who_review_it_anew(listing, at_rework):
    after = resend(listing, at_rework)

    assert after.process == "expertise"
    assert [after.status(stage) for stage in REVIEWS] == [NEW] * 3


def test_after_a_return_as_incomplete_the_application_comes_back_to_the_completeness_check(listing, at_completeness):
    judged = finish(listing, at_completeness, "completeness")
    returned = listing.fire(judged, "return_incomplete", INCOMPLETE).position

    after = resend(listing, returned)

    assert after.process == "completeness"
    assert after.status("completeness") is NEW


def test_the_unsigned_reworked_file_is_refused_for_its_signature_whatever_its_road(listing, at_rework):
    position = listing.fire(at_rework, "send_for_approval", SENT).position

    [offer] = [each for each in listing.offers(position, SENT) if each.transition.trigger == "send_file"]

    assert not offer.allowed
    assert offer.transition.target == "expertise"
    assert offer.refusal == "workflow.err.unfinished"


def test_the_procedure_ends_in_the_archive(listing, at_decision):
    position = listing.fire(finish(listing, at_decision, "decision"), "record_decision", APPOINTED).position
    with pytest.raises(TransitionNotAllowed):
        listing.finish(finish(listing, position, "letter"), "letter_signing", APPOINTED)
    signed = finish(listing, position, "letter", "letter_signing")
    position = listing.fire(signed, "send_letter", APPOINTED).position
    fired = listing.fire(position, "archive", APPOINTED)

    assert fired.position.process == "archived"
    assert listing.process(fired.position).state_key == "st.archived"
    assert listing.offers(fired.position, APPOINTED) == ()
    assert listing.executors(fired.position) == ()


# interruptions and what stands in every process


@pytest.mark.req("IS2IN-15.b")
def test_an_application_can_be_deleted_until_it_is_sent(listing, filled, at_first_head):
    for position in (listing.start(), filled, at_first_head):
        assert listing.fire(position, "delete", UNSENT).position.process == "deleted"


@pytest.mark.req("IS2IN-15.b")
def test_an_application_cannot_be_deleted_after_it_is_sent(
    listing, at_registration, at_completeness, at_expertise, at_rework, at_decision
):
    for position in (at_registration, at_completeness, at_expertise, at_rework, at_decision):
        assert "delete" not in {offer.transition.trigger for offer in listing.offers(position, SENT)}
        with pytest.raises(TransitionNotAllowed) as refusal:
            listing.fire(position, "delete", SENT)
        assert refusal.value.key == "workflow.err.sent"


@pytest.mark.req("IS2IN-26.b")
def test_an_application_can_be_withdrawn_until_the_meeting_is_appointed(
    listing, at_registration, at_completeness, at_expertise, at_rework
):
    for position in (at_registration, at_completeness, at_expertise, at_rework):
        assert "withdrawal" in {each.key for each in listing.standing_now(position, SENT)}
        assert listing.fire(position, "withdraw", SENT).position.process == "withdrawn"


@pytest.mark.req("IS2IN-26.b")
def test_an_application_cannot_be_withdrawn_after_the_meeting_is_appointed(listing, at_rework, at_decision):
    for position in (at_rework, at_decision):
        assert "withdrawal" not in {each.key for each in listing.standing_now(position, APPOINTED)}
        with pytest.raises(TransitionNotAllowed) as refusal:
            listing.fire(position, "withdraw", APPOINTED)
        assert refusal.value.key == "err.withdraw_late"


def test_an_application_not_sent_is_deleted_and_not_withdrawn(listing, filled):
    assert listing.standing_now(filled, UNSENT) == ()
    with pytest.raises(TransitionNotAllowed) as refusal:
        listing.fire(filled, "withdraw", UNSENT)
    assert refusal.value.key == "workflow.err.not_sent"


@pytest.mark.req("IS2IN-25.a")
def test_what_was_sent_can_be_seen_in_every_process_after_sending(listing, filled):
    assert "view_sent" not in listing.open_stages(filled, UNSENT)
    for process in listing.processes:
        position = Position(process)
        assert "view_sent" in listing.open_stages(position, SENT)
        assert "view_sent" in listing.reachable(position, SENT)
        assert listing.standing_now(position, SENT)[0].title.kk == "Биржаға жіберілген өтініштер мен құжаттарды қарау"


# a second procedure, and the tables


@pytest.mark.req("IS2IN-11.1", "IS2IN-11.2", "IS2IN-11.3")
def test_a_procedure_made_by_a_file_alone_runs_to_its_end(tiny):
    position = tiny.start()
    assert tiny.open_stages(position, UNSENT) == ("first",)
    position = finish(tiny, position, "first")
    assert tiny.open_stages(position, UNSENT) == ("first", "second")
    position = finish(tiny, position, "second")
    assert tiny.open_stages(position, UNSENT) == ("first", "second", "extra")
    position = tiny.fire(position, "hand_in", UNSENT).position
    position = finish(tiny, position, "look")

    assert tiny.fire(position, "archive", UNSENT).position.process in tiny.final


def test_an_interruption_declared_everywhere_begins_in_every_process_but_the_final_ones(tiny):
    assert {each.source for each in tiny.interruptions} == {"writing", "reading"}


def test_the_words_of_every_refusal_stand_in_three_languages(listing):
    for guard in GUARDS.values():
        for language in LANGUAGES:
            assert say(guard.refusal, language, stages="", stage="", count=0, words="-", parent="-")


def test_every_effect_is_used_by_the_shipped_procedures(shipped):
    transitions = (each for procedure in shipped.procedures.values() for each in procedure.transitions)
    used = {effect for transition in transitions for effect in transition.effects}

    assert used == EFFECTS


def test_a_position_comes_back_from_storage_as_it_was(filled):
    assert Position.from_dict(json.loads(json.dumps(filled.to_dict()))) == filled


def test_a_version_that_does_not_exist_is_not_found(shipped):
    for key, version in (("share_listing", 99), ("nosuch", None)):
        with pytest.raises(NotFound):
            shipped.get(key, version)


def test_a_transition_costs_microseconds(listing, filled):
    def one() -> Transition:
        return listing.fire(listing.finish(filled, "summary", UNSENT), "send_for_approval", UNSENT).transition

    best = min(timeit.repeat(one, number=200, repeat=5)) / 200

    assert best < 300e-6  # about 25 µs on an idle core; the rest is room for a busy machine


def test_an_incomplete_package_is_returned_only_with_a_remark_that_says_what_is_missing(listing, at_completeness):
    judged = finish(listing, at_completeness, "completeness")
    silent = Facts(sent=True, answers={"completeness": {"verdict": "incomplete"}})

    with pytest.raises(TransitionNotAllowed) as refusal:
        listing.fire(judged, "return_incomplete", silent)

    assert refusal.value.key == "workflow.err.no_remarks"


def test_the_main_road_leads_from_filling_to_the_archive_without_side_ways(listing):
    assert listing.main_road[0] == "filling"
    assert listing.main_road[-1] == "archived"
    assert not {"rework", "rework_approval", "refused", "withdrawn"} & set(listing.main_road)
