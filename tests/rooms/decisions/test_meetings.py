"""Meetings by the room's verbs: agendas, the end of withdrawal, votes, decisions, conditions, minutes."""

from __future__ import annotations

import subprocess
from datetime import date, timedelta

import pytest
from factories import Teller, application_at, messages_of, person, refetched, values
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from app import db
from app.applications import moves, queries
from app.applications.models import History
from app.audit.models import AuditEntry
from app.bodies.voting import Result
from app.decisions import convening, deciding, membership, minutes, sitting
from app.decisions import queries as meetings
from app.decisions.models import ItemState, MeetingState
from app.errors import Conflict, Invalid, NotFound
from app.terms import say
from app.web import here
from app.web.templating import date_text


def refused(kind, act, *args, **kwargs):
    """Return the refusal of an act, with everything as it was before it."""
    with pytest.raises(kind) as caught, db.session.begin_nested():
        act(*args, **kwargs)
    return caught.value


def withdraw(application, now):
    moves.fire(application, "withdraw", by=person("issuer"), seen=application.version, words="Себебі", now=now)


def told_of(application, key, kind):
    """Return what somebody was told of an application in messages of a kind, newest first."""
    rows = messages_of(person(key))
    return [row for row in rows if row.application_number == application.number and row.message.startswith(kind)]


# The agenda and the end of withdrawal


@pytest.mark.req("IS2IN-26.b")
def test_withdrawal_ends_the_moment_the_meeting_is_appointed(secretary, now):
    application = application_at("meeting")
    meeting = secretary.meeting(application, days=5, appointed=False)
    assert application.process == "meeting"
    assert not told_of(application, "issuer", "notice.meeting")
    before = db.session.begin_nested()
    withdraw(application, now)
    assert application.process == "withdrawn"
    before.rollback()
    db.session.expire_all()
    application = refetched(application)

    secretary.appoint(meeting)

    late = refused(Conflict, withdraw, application, now + timedelta(seconds=1))
    assert late.key == "err.withdraw_late"
    application = refetched(application)
    assert (application.process, application.meeting_at) == ("decision", meeting.day.isoformat())
    assert values(application, "meeting") == {
        "meeting_date": meeting.day.isoformat(),
        "body": "listing_commission",
        "place": "Бас зал",
    }
    assert meeting.number
    told = [messages_of(person(key))[0] for key in ("issuer", "first_head", "adviser")]
    assert {row.message for row in told} == {"notice.meeting_appointed"}
    assert {row.params["date"] for row in told} == {date_text(meeting.day)}
    assert [row.act for row in meeting.events] == ["created", "item_added", "appointed"]
    assert db.session.scalar(select(AuditEntry.id).where(AuditEntry.act == "meeting_appointed")) is not None


def test_an_item_of_an_appointed_meeting_is_appointed_at_once_and_stands_on_one_agenda_alone(secretary):
    application = application_at("meeting")
    meeting = secretary.meeting(refetched(application_at("decision")), days=3)
    other = secretary.meeting(days=4, appointed=False)

    item = secretary.put_on(meeting, application)

    assert (application.process, item.place) == ("decision", 2)
    assert refused(Conflict, secretary.put_on, other, application).key == "meetings.err.on_agenda"
    assert refused(Conflict, secretary.put_on, meeting, application).key == "meetings.err.on_agenda"
    assert refused(Conflict, secretary.put_on, other, application_at("expertise")).key == "meetings.err.not_waiting"
    committee = secretary.meeting(days=4, body="audit_committee", appointed=False)
    taken = convening.take_off(item, reason="Қайта тексеру", seen=meeting.version, by=secretary.user, now=secretary.now)
    assert taken is None
    assert refused(Conflict, secretary.put_on, committee, application).key == "meetings.err.other_body"
    assert refused(Conflict, secretary.appoint, committee).key == "meetings.err.no_items"


@pytest.mark.parametrize(
    ("days", "paper", "fault"),
    [
        (-1, "", "meetings.err.day_past"),
        (367, "", "meetings.err.day_far"),
        (None, "", "meetings.err.day"),
        (1, "Қағаз хаттама", "meetings.err.paper_future"),
    ],
)
def test_a_day_that_will_not_do_is_refused(secretary, days, paper, fault):
    day = secretary.today + timedelta(days=days) if days is not None else None
    given = {"day": day, "starts": "", "place": "Зал", "is_remote": False, "on_day_off": True, "paper_reason": paper}

    refusal = refused(Invalid, convening.create, "listing_commission", by=secretary.user, now=secretary.now, **given)

    assert [(problem.path, problem.key) for problem in refusal.problems] == [("day", fault)]


def test_a_meeting_on_a_day_off_is_asked_about_and_held_once_that_is_confirmed(secretary):
    sunday = secretary.today + timedelta(days=13 - secretary.today.weekday())
    given = {
        "day": sunday,
        "starts": "",
        "place": "Зал",
        "is_remote": False,
        "by": secretary.user,
        "now": secretary.now,
    }

    [asked] = refused(Invalid, convening.create, "listing_commission", **given).problems
    assert (asked.path, asked.key, asked.params["date"]) == ("day_off", "meetings.err.day_off", date_text(sunday))
    meeting = convening.create("listing_commission", on_day_off=True, **given)

    assert meeting.day == sunday
    same = given | {"place": "Басқа зал", "reason": ""}
    convening.postpone(meeting, seen=meeting.version, **same)
    assert meeting.place == "Басқа зал", "the day that was confirmed is not asked about again"
    other = given | {"day": sunday + timedelta(days=7), "reason": ""}
    [again] = refused(Invalid, convening.postpone, meeting, seen=meeting.version, **other).problems
    assert again.path == "day_off"


def test_only_a_draft_is_thrown_away_and_its_items_wait_for_another_meeting(secretary):
    application = application_at("meeting")
    draft = secretary.meeting(application, days=3, appointed=False)
    given = {"by": secretary.user, "now": secretary.now}
    assert refused(Conflict, convening.discard, draft, seen=draft.version - 1, **given).key == "meetings.err.moved"

    convening.discard(draft, seen=draft.version, **given)

    assert draft not in meetings.calendar()
    with pytest.raises(NotFound):
        meetings.meeting(draft.id)
    row = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert (row.act, row.subject) == ("meeting_discarded", f"meeting {draft.id}")
    assert not told_of(application, "issuer", "notice.meeting")
    appointed = secretary.meeting(application, days=3)
    assert refused(Conflict, convening.discard, appointed, seen=appointed.version, **given).key == (
        "meetings.err.no_draft"
    )


def test_minutes_on_paper_are_entered_afterwards_with_their_reason(secretary):
    application = application_at("meeting")
    day = secretary.today - timedelta(days=3)
    given = {"day": day, "starts": "", "place": "", "is_remote": True, "paper_reason": "Жүйе істемеді"}
    meeting = convening.create("listing_commission", by=secretary.user, now=secretary.now, **given)
    secretary.put_on(meeting, application)

    secretary.appoint(meeting)

    assert (application.process, application.meeting_at) == ("decision", day.isoformat())


def test_postponing_and_moving_tell_the_new_date_and_give_no_right_back(secretary, now):
    application = application_at("meeting")
    meeting = secretary.meeting(application, days=2)
    new = secretary.today + timedelta(days=6)
    where = {"day": new, "starts": "16:00", "place": "Зал", "is_remote": False, "on_day_off": True}
    given = where | {"by": secretary.user, "now": now}
    assert refused(Invalid, convening.postpone, meeting, reason=" ", seen=meeting.version, **given).problems
    far = given | {"day": secretary.today + timedelta(days=367), "reason": "Алыс", "seen": meeting.version}
    assert refused(Invalid, convening.postpone, meeting, **far).problems[0].key == "meetings.err.day_far"

    convening.postpone(meeting, reason="belgisyr", seen=meeting.version, **given)

    told = messages_of(person("issuer"))[0]
    assert (told.message, told.params["date"]) == ("notice.meeting_moved", date_text(new))
    assert application.meeting_at == values(application, "meeting")["meeting_date"] == new.isoformat()
    [item] = meeting.agenda
    draft = secretary.meeting(days=8, appointed=False)
    last = secretary.meeting(application_at("decision"), days=9)
    leave = {"reason": "belgisyr", "by": secretary.user, "now": now}
    seen = meeting.version
    assert refused(Conflict, convening.move_to, item, draft, seen=seen, **leave).key == "meetings.err.not_appointed"

    moved = convening.move_to(item, last, seen=meeting.version, **leave)

    assert (item.state, moved.meeting_id) == (ItemState.MOVED, last.id)
    assert messages_of(person("issuer"))[0].params["date"] == date_text(last.day)
    convening.take_off(moved, seen=last.version, **leave)
    assert messages_of(person("issuer"))[0].message == "notice.meeting_off"
    assert refused(Conflict, withdraw, application, now).key == "err.withdraw_late"
    assert not [row for row in messages_of(person("issuer")) if "belgisyr" in str(row.params)]
    own = db.session.scalars(select(History).where(History.application_id == application.id)).unique().all()
    assert not [row for row in own if "belgisyr" in row.words]
    assert application in meetings.waiting("listing_commission")


def test_what_was_decided_on_an_older_screen_is_refused(secretary):
    meeting = secretary.meeting(application_at("meeting"), days=2, appointed=False)
    stale = meeting.version - 1

    with pytest.raises(Conflict) as refusal:
        convening.appoint(meeting, seen=stale, by=secretary.user, now=secretary.now)
    assert refusal.value.key == "meetings.err.moved"
    secretary.appoint(meeting)
    with pytest.raises(Conflict):  # a double click
        convening.appoint(meeting, seen=meeting.version, by=secretary.user, now=secretary.now)


# Votes


@pytest.fixture
def sitting_item(secretary):
    """An item of a meeting that sits today; nobody is recorded as present."""
    [item] = secretary.meeting(application_at("meeting")).agenda
    return item


def test_nobody_votes_before_the_day_nor_without_a_quorum(secretary, sitting_item):
    [early] = secretary.meeting(application_at("decision"), days=1).agenda

    assert refused(Conflict, secretary.attend, early.meeting).key == "meetings.err.not_yet"
    assert refused(Conflict, secretary.vote, sitting_item, "include").key == "meetings.err.no_quorum"
    secretary.attend(sitting_item.meeting, there=2)
    assert refused(Conflict, secretary.vote, sitting_item, "include").key == "meetings.err.no_quorum"
    assert refused(Conflict, secretary.decide, sitting_item).key == "meetings.err.no_quorum"
    secretary.attend(sitting_item.meeting, there=3)
    secretary.vote(sitting_item, "include", "++-")
    assert meetings.tally(sitting_item).result is Result.ADOPTED


def test_a_conflict_of_interest_takes_a_member_out_of_vote_and_quorum(secretary, sitting_item):
    secretary.attend(sitting_item.meeting, there=3)
    secretary.vote(sitting_item, "include", "+++")
    member = meetings.voters(sitting_item.meeting)[1]
    given = {"seen": sitting_item.meeting.version, "by": secretary.user, "now": secretary.now}
    faults = refused(Invalid, sitting.declare_conflict, sitting_item, None, reason="", **given).problems
    assert {problem.path for problem in faults} == {"member", "conflict_reason"}

    sitting.declare_conflict(sitting_item, member.id, reason="Акция иесі", **given)

    tally = meetings.tally(sitting_item)
    assert (tally.present, tally.votes_for, tally.result) == (2, 2, Result.NO_QUORUM)
    given["seen"] = sitting_item.meeting.version
    sitting.take_back_conflict(sitting_item, member.id, **given)
    assert meetings.tally(sitting_item).missing == (member.id,)
    secretary.attend(sitting_item.meeting, there=0)
    assert not sitting_item.votes


def test_every_vote_is_asked_and_an_opinion_dissents(secretary, sitting_item):
    secretary.attend(sitting_item.meeting)
    ids = [row.id for row in meetings.voters(sitting_item.meeting)]

    faults = refused(Invalid, secretary.vote, sitting_item, "nosuch", "+++", {ids[0]: "пікір"}).problems

    assert {problem.path for problem in faults} == {
        "proposal",
        f"opinion-{ids[0]}",
        f"vote-{ids[3]}",
        f"vote-{ids[4]}",
    }


def test_a_decision_that_contradicts_the_votes_is_refused_and_another_proposal_is_a_new_ballot(secretary, sitting_item):
    meeting, application = sitting_item.meeting, sitting_item.application
    secretary.attend(meeting)
    assert refused(Conflict, secretary.decide, sitting_item).key == "meetings.err.not_voted"
    secretary.vote(sitting_item, "include", "+----")
    assert refused(Conflict, secretary.decide, sitting_item).key == "meetings.err.not_adopted"
    assert refused(Conflict, minutes.close, meeting, seen=meeting.version, by=secretary.user, now=secretary.now)

    secretary.vote(sitting_item, "refuse", "-++++", {meetings.voters(meeting)[0].id: "Енгізу керек"})

    assert sitting_item.ballot == 2
    assert refused(Conflict, secretary.decide, sitting_item, outcome="include").key == "meetings.err.contradicts"
    seen, by, now = meeting.version, secretary.user, secretary.now
    assert refused(Conflict, sitting.put_off, sitting_item, reason="?", seen=seen, by=by, now=now).key == (
        "meetings.err.adopted"
    )
    secretary.decide(
        sitting_item,
        **{"refusal_ground": "requirements", "decision_conditions-kk": "Капитал аз.", "decision_conditions-ru": "Мал."},
    )
    said = values(application, "decision")
    assert (said["outcome"], said["minutes_number"]) == ("refuse", meeting.number)
    assert said["decision_date"] == meeting.day.isoformat()
    assert application.process == "letter"
    assert len(sitting_item.votes) == 10
    assert refused(Conflict, secretary.attend, meeting, 1).key == "meetings.err.decided_already"


def test_a_postponed_item_goes_to_the_next_meeting(secretary, sitting_item):
    meeting = sitting_item.meeting
    secretary.attend(meeting)
    sitting.put_off(sitting_item, reason="belgisyr", seen=meeting.version, by=secretary.user, now=secretary.now)
    minutes.close(meeting, seen=meeting.version, by=secretary.user, now=secretary.now)

    [again] = secretary.meeting(sitting_item.application, days=7).agenda

    assert (meeting.state, sitting_item.state, again.state) == (MeetingState.HELD, ItemState.POSTPONED, ItemState.OPEN)
    assert messages_of(person("issuer"))[0].message == "notice.meeting_moved"
    assert refused(Conflict, secretary.put_on, meeting, application_at("conclusion")).key == "meetings.err.held"


# The decision and its conditions


@pytest.fixture
def granted(secretary, sitting_item):
    """An item decided with a condition of ten days, the only one that is open; the letter is not sent yet."""
    for row in meetings.open_conditions():
        row.met_at = secretary.now
    secretary.attend(sitting_item.meeting)
    secretary.vote(sitting_item, "include_with_conditions", "++++0")
    secretary.condition(sitting_item, "Маркет-мейкер шартын ұсыну belgisyr")
    secretary.decide(sitting_item)
    return sitting_item


def test_conditions_belong_to_a_decision_with_conditions_and_become_its_text(secretary, sitting_item):
    secretary.attend(sitting_item.meeting)
    secretary.vote(sitting_item, "include_with_conditions")
    [fault] = refused(Invalid, secretary.decide, sitting_item).problems
    assert fault.key == "meetings.err.no_conditions"
    [fault] = refused(Invalid, secretary.condition, sitting_item, "Кеш", days=0).problems
    assert (fault.path, fault.key) == ("due", "meetings.err.due")
    [fault] = refused(Invalid, secretary.condition, sitting_item, "Алыс", days=3661).problems
    assert (fault.path, fault.key) == ("due", "meetings.err.due_far")
    faults = refused(Invalid, secretary.condition, sitting_item, {"kk": "Бірінші", "ru": " "}).problems
    assert [(fault.path, fault.key) for fault in faults] == [("condition-ru", "err.required")]
    secretary.condition(sitting_item, {"kk": "Бірінші", "ru": "Первое"}, days=10)
    secretary.condition(sitting_item, "Екінші", days=None)
    secretary.vote(sitting_item, "include")
    assert refused(Conflict, secretary.decide, sitting_item).key == "meetings.err.conditions_left"
    secretary.vote(sitting_item, "include_with_conditions")

    secretary.decide(sitting_item, **{"decision_conditions-kk": "басқа сөз", "decision_conditions-ru": "другое"})

    due = date_text(secretary.today + timedelta(days=10))
    said = values(sitting_item.application, "decision")["decision_conditions"]
    assert said["kk"] == f"1. Бірінші (мерзімі: {due})\n2. Екінші"
    assert said["ru"] == f"1. Первое ({say('meetings.condition_due', 'ru', date=due)})\n2. Екінші"


def test_nothing_of_the_decision_is_the_applicants_before_the_letter_is_delivered(house, secretary, granted, now):
    application, issuer = granted.application, person("issuer")
    [condition] = granted.conditions
    assert meetings.conditions(application, issuer) == []
    assert meetings.conditions(application, person("listing")) == [condition]
    assert not [row for row in messages_of(issuer) if "belgisyr" in str(row.params)]
    given = {"words": "Шарт", "by": person("listing"), "now": now}
    assert refused(Conflict, deciding.meet, condition, **given).key == "meetings.err.not_communicated"
    db.session.commit()
    assert deciding.remind_due(now=now + timedelta(days=30)) == 0

    teller = Teller(house.config)
    teller.work(refetched(application), "letter", "listing", "send_letter")

    application = refetched(application)
    [condition] = meetings.conditions(application, issuer)
    given["words"] = " "
    assert refused(Invalid, deciding.meet, condition, **given).problems[0].key == "meetings.err.met_words"
    given["words"] = "Шарттың көшірмесі"
    deciding.meet(condition, **given)
    assert messages_of(issuer)[0].message == "notice.condition_met"
    assert refused(Conflict, deciding.meet, condition, **given).key == "err.already_done"
    assert queries.history(application)[0].act == "condition_met"


def test_a_condition_is_reminded_of_once_and_once_more_when_it_is_over(house, granted, now):
    teller = Teller(house.config)
    teller.work(refetched(granted.application), "letter", "listing", "send_letter")
    db.session.commit()

    did = [deciding.remind_due(now=now + timedelta(days=days)) for days in (1, 4, 4, 12, 13)]

    assert did == [0, 1, 0, 1, 0]
    told = told_of(granted.application, "issuer", "notice.condition")
    assert [row.message for row in told] == ["notice.condition_overdue", "notice.condition_soon"]
    assert messages_of(person("listing"))[0].message == "notice.condition_overdue"


# Minutes


def test_the_minutes_say_what_happened_in_two_languages_and_are_corrected_by_a_new_version(secretary, granted):
    meeting = granted.meeting
    first = minutes.close(meeting, seen=meeting.version, by=secretary.user, now=secretary.now)
    given = {"seen": meeting.version, "by": secretary.user, "now": secretary.now}
    assert refused(Invalid, minutes.correct, meeting, reason="", text="x", **given).problems[0].path == "reason"

    second = minutes.correct(meeting, reason="Қате", text="Зал өзгерді", **given)

    said = [words_of(row) for row in (first, second)]
    voters = meetings.voters(meeting)
    for expected in (
        meeting.number,
        date_text(meeting.day),
        *(member.name for member in voters),
        "Шарттармен енгізу",
        "Включить с условиями",
        "Маркет-мейкер шартын ұсыну",
        "Кворум бар",
        "Кворум есть",
        granted.application.number,
        "Председатель",
        "Төраға",
    ):
        assert expected in said[0], expected
    assert "Зал өзгерді" not in said[0]
    assert "Зал өзгерді" in said[1]
    assert (meeting.state, [row.version for row in meeting.minutes]) == (MeetingState.HELD, [1, 2])
    with pytest.raises(DBAPIError), db.session.begin_nested():
        db.session.execute(text("UPDATE meeting_minutes SET reason = 'x'"))


def words_of(row) -> str:
    """Return what the PDF of minutes says."""
    content = here.storage().get(row.sha256)
    done = subprocess.run(["pdftotext", "-layout", "-", "-"], input=content, capture_output=True, check=True)
    return " ".join(done.stdout.decode("utf-8").split())


# Members


def test_members_come_and_go_by_day_and_one_holds_the_chair(secretary):
    given = {"user_id": None, "position": "", "by": secretary.user, "now": secretary.now}
    since = secretary.today
    held = refused(
        Invalid, membership.add_member, "listing_commission", name="Жаңа", office="chair", since=since, **given
    )
    assert [problem.key for problem in held.problems] == ["meetings.err.office_held"]
    wrong = refused(Invalid, membership.add_member, "listing_commission", name=" ", office="?", since=None, **given)
    assert {problem.path for problem in wrong.problems} == {"name", "office", "since"}
    [chair, *_] = meetings.members("listing_commission", since)
    until = since + timedelta(days=2)

    membership.end_membership(chair.id, until=until, by=secretary.user, now=secretary.now)
    new = membership.add_member("listing_commission", name="Жаңа", office="chair", since=until, **given)

    assert meetings.members("listing_commission", since)[0] is chair
    assert meetings.members("listing_commission", until)[0] is new


def test_an_office_neither_begins_nor_ends_before_a_meeting_that_was_held(secretary, granted):
    meeting = granted.meeting  # it has voted and decided, and is not over yet
    coming = secretary.meeting(application_at("decision"), days=3)
    [chair, member, *_] = meetings.voters(meeting)
    before = (meetings.voters(meeting), meetings.tally(granted), meetings.tally_of_meeting(meeting))
    given = {"by": secretary.user, "now": secretary.now}
    new = given | {"user_id": None, "name": "Жаңа", "position": "", "office": "member"}

    for day in (meeting.day, meeting.day - timedelta(days=30)):
        [ended] = refused(Invalid, membership.end_membership, member.id, until=day, **given).problems
        [begun] = refused(Invalid, membership.add_member, meeting.body, since=day, **new).problems
        assert [(each.path, each.key) for each in (ended, begun)] == [
            (f"until-{member.id}", "meetings.err.sat"),
            ("since", "meetings.err.sat"),
        ]
        assert ended.params == {"number": meeting.number, "date": date_text(meeting.day)}
    after = meeting.day + timedelta(days=1)
    membership.end_membership(member.id, until=after, **given)
    membership.add_member(meeting.body, since=after, **new)

    assert (meetings.voters(meeting), meetings.tally(granted), meetings.tally_of_meeting(meeting)) == before
    assert "Жаңа" in {row.name for row in meetings.voters(coming)}
    assert member not in meetings.voters(coming)
    assert chair in meetings.voters(coming)


def test_offices_of_one_person_and_one_chair_do_not_overlap_on_any_day(secretary):
    given = {"user_id": None, "position": "", "by": secretary.user, "now": secretary.now}
    day = secretary.today + timedelta(days=1)
    body = "listing_commission"
    [chair, *_] = meetings.members(body, day)
    membership.end_membership(chair.id, until=day, by=secretary.user, now=secretary.now)
    later = day + timedelta(days=60)
    membership.add_member(body, name="Бірінші Төраға", office="chair", since=later, **given)

    def fault(name, office, since, **also):
        return refused(Invalid, membership.add_member, body, name=name, office=office, since=since, **given | also)

    assert fault("Екінші Төраға", "chair", day).problems[0].key == "meetings.err.office_held"
    assert fault("БІРІНШІ төраға", "member", day).problems[0].key == "meetings.err.member_twice"
    lawyer = person("lawyer")
    assert fault("", "member", later, user_id=lawyer.id).problems[0].key == "meetings.err.member_twice"
    for since in (secretary.today + timedelta(days=367), date(1999, 12, 31)):
        assert [(each.path, each.key) for each in fault("Жаңа", "member", since).problems] == [
            ("since", "meetings.err.since")
        ]
