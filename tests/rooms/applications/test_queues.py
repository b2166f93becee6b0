"""The queues of the Exchange: take, give back, hand over, take over; who stands in for whom (docs/queues.md)."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from factories import Teller, application_at, messages_of, person, refetched, user
from sqlalchemy import select

from app import db
from app.applications import addressees, approval, holders, moves, queries, queueing
from app.applications.models import Application, History
from app.applications.taking import Held
from app.audit.models import AuditEntry
from app.errors import AppError, Conflict, Invalid, NotPermitted
from app.organisations import substituting
from app.permissions import queues_headed_by
from app.web.templating import ZONE


def acts(application: Application, source: str = "completeness") -> list[str]:
    """Return what the history says of queues in a process, oldest first."""
    rows = select(History.act).where(
        History.application_id == application.id, History.act.in_(holders.ACTS), History.source == source
    )
    return list(db.session.scalars(rows.order_by(History.id)))


def holder(application: Application, executor: str = "listing") -> str:
    """Return the surname of who holds it, or nothing."""
    found = holders.holder(application, executor)
    return found.last_name if found else ""


def test_taking_giving_back_and_taking_twice(house, now):
    application, one, two = application_at("completeness"), person("listing"), person("officer")
    version = application.version

    queueing.take(application, "listing", by=one, now=now)
    queueing.take(application, "listing", by=one, now=now)
    with pytest.raises(Held) as refused:
        queueing.take(application, "listing", by=two, now=now)
    with pytest.raises(NotPermitted):
        queueing.take(application, "listing", by=person("lawyer"), now=now)
    with pytest.raises(Conflict):
        queueing.take(application, "lawyer", by=person("lawyer"), now=now)  # no lawyer works here
    with pytest.raises(NotPermitted):
        queueing.give_back(application, "listing", by=two, now=now)

    assert refused.value.params["user"] == one.name
    assert (holder(application), application.version) == (one.last_name, version)
    queueing.give_back(application, "listing", by=one, now=now)
    queueing.give_back(application, "listing", by=one, now=now)
    assert holder(application) == ""
    assert acts(application) == ["take", "give_back"]
    kept = db.session.scalars(select(AuditEntry).where(AuditEntry.act == "take").order_by(AuditEntry.id.desc())).first()
    assert (kept.user_id, kept.details["executor"], kept.details["holder"]) == (one.id, "listing", one.id)


def test_who_acts_on_what_nobody_has_taken_takes_it_and_a_colleague_is_refused(house, now):
    application, teller = application_at("completeness"), Teller(house.config)
    one, two = person("listing"), person("officer")

    teller.fill(application, ("completeness",))
    assert (holder(application), acts(application)) == (one.last_name, ["take"])
    assert queries.acts_as(application, one, "listing", now=now)
    assert not queries.acts_as(application, two, "listing", now=now)
    with pytest.raises(Held):
        moves.fire(application, "accept", by=two, seen=application.version, now=now)

    queueing.take_over(application, "listing", seen=one.id, by=two, now=now, words="Арман демалыста")
    moves.fire(application, "accept", by=two, seen=application.version, now=now)

    assert application.process == "expertise"
    assert holder(application) == ""  # another process is another work
    told = next(found for found in messages_of(one) if found.message == "notice.work_taken_over")
    assert (told.params["who"], told.params["words"]) == (two.name, "Арман демалыста")
    assert acts(application) == ["take", "take_over"]


def test_taking_over_needs_a_reason_and_the_holder_who_was_on_the_screen(house, now):
    application, one, two = application_at("completeness"), person("listing"), person("officer")
    queueing.take(application, "listing", by=one, now=now)

    with pytest.raises(Invalid) as bare:
        queueing.take_over(application, "listing", seen=one.id, by=two, now=now, words="  ")
    with pytest.raises(Held):
        queueing.take_over(application, "listing", seen=person("lawyer").id, by=two, now=now, words="керек")
    queueing.give_back(application, "listing", by=one, now=now)
    with pytest.raises(Conflict) as free:
        queueing.take_over(application, "listing", seen=one.id, by=two, now=now, words="керек")

    assert [problem.path for problem in bare.value.problems] == ["words"]
    assert free.value.key == "queues.err.free_now"
    assert holder(application) == ""


def test_the_head_gives_out_the_work_and_a_holder_passes_it_on(house, now):
    application, one, two, head = (
        application_at("completeness"),
        person("listing"),
        person("officer"),
        person("listing_head"),
    )
    with pytest.raises(NotPermitted):
        queueing.hand_over(application, "listing", two.id, seen=0, by=one, now=now)
    with pytest.raises(Invalid):
        queueing.hand_over(application, "listing", person("lawyer").id, seen=0, by=head, now=now)

    queueing.hand_over(application, "listing", one.id, seen=0, by=head, now=now, words="шұғыл")
    with pytest.raises(Held):
        queueing.hand_over(application, "listing", two.id, seen=0, by=head, now=now)
    queueing.hand_over(application, "listing", two.id, seen=one.id, by=one, now=now)

    assert holder(application) == two.last_name
    assert messages_of(one)[0].message == "notice.work_given"
    assert messages_of(two)[0].action_required
    queueing.hand_over(application, "listing", one.id, seen=two.id, by=head, now=now)
    assert messages_of(two)[0].message == "notice.work_reassigned"
    assert queues_headed_by(head.roles) >= {"listing", "lawyer", "analyst"}


def test_after_rework_it_comes_back_to_who_had_it_if_he_is_still_there(house, now):
    application, teller = application_at("expertise"), Teller(house.config)
    colleague = user(exchange_roles=["analyst"])
    for key in ("listing", "lawyer"):
        queueing.take(application, key, by=person(key), now=now)
    queueing.take(application, "analyst", by=colleague, now=now)
    queueing.give_back(application, "listing", by=person("listing"), now=now)
    queueing.take(application, "listing", by=person("officer"), now=now)
    approval.comment(application, by=person("lawyer"), comments={"application": "Мекенжай?"}, now=now)
    for stage, by in (("listing_review", "officer"), ("legal_review", "lawyer")):
        teller.person = lambda part, by=by: person(by)
        teller.fill(application, (stage,))
    teller.person = lambda part: colleague
    teller.fill(application, ("financial_review",))
    moves.fire(application, "send_remarks", by=person("officer"), seen=application.version, now=now)
    assert application.holdings == []
    colleague.is_active = False
    db.session.flush()

    teller = Teller(house.config)
    teller.answer(application)
    teller.sign_and_send(application)

    assert application.process == "expertise"
    assert {row.executor: row.user.last_name for row in application.holdings} == {
        "listing": person("officer").last_name,
        "lawyer": person("lawyer").last_name,
    }
    assert acts(application, "expertise")[-2:] == ["hold_again", "hold_again"]
    assert messages_of(person("officer"))[0].application_number == application.number
    assert messages_of(person("listing"))[0].application_number != application.number


def test_word_goes_to_who_holds_it_and_to_his_substitute_else_to_the_role(house, now):
    application, one, two = application_at("completeness"), person("listing"), person("officer")
    third = user(exchange_roles=["listing"])

    def told() -> set[str]:
        return {found.name for found in addressees.around(application)["listing"]}

    assert told() == {one.name, two.name, third.name}
    queueing.take(application, "listing", by=one, now=now)
    assert told() == {one.name}
    today = now.astimezone(ZONE).date()
    substituting.appoint(one, substitute_id=two.id, first_day=today, last_day=today, basis="демалыс", by=one, now=now)
    assert told() == {one.name, two.name}


def test_a_substitute_acts_for_the_absent_until_the_last_second_and_both_are_named(house, now):
    application, teller = application_at("completeness"), Teller(house.config)
    one, two = person("listing"), person("officer")
    queueing.take(application, "listing", by=one, now=now)
    today = now.astimezone(ZONE).date()
    row = substituting.appoint(
        one, substitute_id=two.id, first_day=today, last_day=today, basis="№ 7 бұйрық", by=one, now=now
    )
    midnight = datetime.combine(today + timedelta(days=1), datetime.min.time(), ZONE).astimezone(UTC)

    assert row.ends_at == midnight
    assert queries.acts_as(application, two, "listing", now=midnight - timedelta(seconds=1))
    assert not queries.acts_as(application, two, "listing", now=midnight)
    teller.person = lambda part: two
    teller.fill(application, ("completeness",))
    with pytest.raises(Held):
        moves.fire(application, "accept", by=two, seen=application.version, now=midnight)
    moves.fire(application, "accept", by=two, seen=application.version, now=midnight - timedelta(seconds=1))

    last = queries.history(application)[0]
    assert (last.act, last.by, last.on_behalf_of) == ("accept", two, one)
    kept = db.session.scalars(select(AuditEntry).where(AuditEntry.act == "accept").order_by(AuditEntry.id.desc()))
    assert kept.first().details["on_behalf_of"] == one.id
    assert acts(application) == ["take"]  # who stands in takes nothing away


def test_substitutes_do_not_overlap_and_are_nobodys_own(house, now):
    one, two, head = person("listing"), person("officer"), person("listing_head")
    third = user(exchange_roles=["listing"])
    today = now.astimezone(ZONE).date()
    week = today + timedelta(days=6)

    def appoint(who, whom, first=today, last=week, basis="демалыс", by=head):
        return substituting.appoint(
            who, substitute_id=whom.id, first_day=first, last_day=last, basis=basis, by=by, now=now
        )

    def refusal(*args, **kwargs) -> list[tuple[str, str]]:
        with pytest.raises(Invalid) as refused:
            appoint(*args, **kwargs)
        return [(problem.path, problem.key) for problem in refused.value.problems]

    assert refusal(one, one) == [("substitute", "substitute.err.self")]
    assert refusal(one, person("lawyer")) == [("substitute", "substitute.err.choose")]
    assert refusal(one, two, basis=" ") == [("basis", "substitute.err.basis")]
    assert refusal(one, two, last=today - timedelta(days=1)) == [("last_day", "substitute.err.order")]
    assert refusal(one, two, first=today - timedelta(days=1)) == [("first_day", "substitute.err.past")]
    with pytest.raises(NotPermitted):
        appoint(one, two, by=two)
    row = appoint(one, two)
    assert messages_of(two)[0].message == messages_of(one)[0].message == "notice.substitute"
    assert refusal(one, third, first=week) == [("first_day", "substitute.err.overlap")]
    assert refusal(two, third) == [("first_day", "substitute.err.stands_in")]
    assert refusal(third, one) == [("substitute", "substitute.err.away")]
    appoint(one, third, first=week + timedelta(days=1), last=week + timedelta(days=3))
    substituting.end(row.id, by=one, now=now)
    assert appoint(one, third).substitute == third


def test_rows_done_at_once_stand_each_for_itself(house, now):
    two, head = person("officer"), person("listing_head")
    first, second, third = (application_at(process) for process in ("completeness", "expertise", "meeting"))
    queueing.take(first, "listing", by=person("listing"), now=now)

    verdicts = queueing.each(
        [(first.id, "listing"), (second.id, "listing"), (third.id, "listing"), (9_999_999, "listing")],
        lambda application, executor: queueing.take(application, executor, by=two, now=now),
        by=two,
    )

    assert [verdict.refusal.key if verdict.refusal else "" for verdict in verdicts] == [
        "queues.err.held",
        "",
        "queues.err.not_here",
        "err.not_found",
    ]
    assert (holder(first), holder(second)) == (person("listing").last_name, two.last_name)
    with pytest.raises(Invalid):
        queueing.each([(ident, "listing") for ident in range(51)], lambda *_: None, by=head)
    with pytest.raises(Invalid):
        queueing.each([], lambda *_: None, by=head)


def test_two_who_press_take_at_once_one_holds_it_and_the_other_is_told_who(live):
    number = application_at("completeness").number
    db.session.commit()
    db.session.remove()
    outcome: dict[str, str] = {}
    gate = threading.Barrier(2)

    def press(key: str) -> None:
        with live.app.app_context():
            try:
                with db.transaction():
                    by = person(key)
                    gate.wait(timeout=30)
                    application = queries.by_number(number, user=by, for_update=True)
                    queueing.take(application, "listing", by=by, now=datetime(2026, 11, 20, 9, tzinfo=UTC))
                outcome[key] = "held"
            except AppError as refusal:
                outcome[key] = str(refusal.params["user"])

    def begin(key: str) -> threading.Thread:
        thread = threading.Thread(target=press, args=(key,))
        thread.start()
        return thread

    db.begin_writing(True)
    if live.engine.dialect.name == "sqlite":
        gate = threading.Barrier(1)  # the database itself lets them write one after the other
    for thread in [begin("listing"), begin("officer")]:
        thread.join(timeout=60)

    [row] = refetched(number).holdings
    winner, loser = ("listing", "officer") if outcome["listing"] == "held" else ("officer", "listing")
    assert (outcome[winner], outcome[loser], row.user_id) == ("held", person(winner).name, person(winner).id)
    assert acts(refetched(number)) == ["take"]
