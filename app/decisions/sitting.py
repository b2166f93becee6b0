"""What happens at a meeting: who is there, who has a conflict of interest, how each votes.

The secretary records it; the rules of quorum and majority are the body's (``app.bodies``).  Nothing here moves
an application, and nothing of it is ever told to an applicant.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from app import catalogue, db
from app.accounts.models import User
from app.applications import facts
from app.applications import queries as applications
from app.applications.models import Application
from app.bodies.voting import Choice, Presence, Result
from app.decisions import queries
from app.decisions.convening import LONGEST_WORDS, note
from app.decisions.models import (
    AgendaItem,
    Attendance,
    InterestConflict,
    ItemState,
    Meeting,
    MeetingState,
    Vote,
)
from app.errors import Conflict, Invalid, NotFound, Problem, Said
from app.forms.definitions import Field, Form
from app.workflows.guards import GUARDS, Asked
from app.workflows.parts import GuardUse

_WITH_THE_DECISION = frozenset({"every_stage_done", "when"})
"""The guards that look at what is answered only together with the decision: nothing is held against it before."""


def require_sitting(meeting: Meeting, now: datetime) -> None:
    """Refuse what is done at a meeting alone.

    Raises:
        Conflict: it is not appointed, over, or its day has not come.
    """
    if meeting.state == MeetingState.DRAFT:
        raise Conflict("meetings.err.not_appointed")
    if meeting.state == MeetingState.HELD:
        raise Conflict("meetings.err.held")
    if queries.local_day(now) < meeting.day:
        raise Conflict("meetings.err.not_yet")


def require_open(item: AgendaItem) -> None:
    """Refuse to act on a matter that is decided, postponed or gone.

    Raises:
        Conflict: it is.
    """
    if not item.is_open:
        raise Conflict("meetings.err.item_closed")


def decision_form(application: Application) -> Form:
    """Return the form in which the decision on an application is recorded."""
    procedure = applications.procedure(application)
    way = queries.road(procedure)
    assert way is not None and way.decide.stage is not None  # noqa: PT018 - it stands on an agenda
    [key] = procedure.stages[way.decide.stage].forms
    form = catalogue.present().forms.get(key, application.forms.get(key))
    assert isinstance(form, Form)
    return form


def outcome_field(application: Application) -> Field:
    """Return the field of the decision form that says what was decided."""
    return next(asked for asked in decision_form(application).fields if asked.key in queries.OUTCOMES)


def outcomes(application: Application) -> dict[str, Said]:
    """Return what may be decided on an application, with its words."""
    options = outcome_field(application).options or {}
    return {key: Said({"kk": words.kk, "ru": words.ru, "en": words.en}) for key, words in options.items()}


def barrier(application: Application, proposal: str) -> Conflict | None:
    """Return why a decision for this proposal could not be recorded now, in the words of what holds it; else None.

    An issue, for one, is not included before its programme is: a body that adopts that would be left with a matter
    that it can neither record nor postpone.
    """
    procedure, position = applications.procedure(application), applications.position(application)
    way = queries.road(procedure)
    if way is None or application.process != way.decide.source or way.decide.stage is None:
        return Conflict("app.err.moved", number=application.number)
    known = facts.once_answered(application, way.decide.stage, {outcome_field(application).key: proposal})
    held: list[list[GuardUse]] = []
    for road in procedure.transitions:
        if (road.source, road.trigger) == (way.decide.source, way.decide.trigger):
            asked = [use for use in road.guards if use.name not in _WITH_THE_DECISION]
            held.append([use for use in asked if not use.holds(known, position, procedure)])
    if not all(held):
        return None
    # what is told is of the road that this outcome takes
    [use, *_] = next((each for each in held if all(use.outcome is None for use in each)), held[0])
    of = Asked(known, position, procedure, use.stage, use.outcome, use.condition)
    return Conflict(GUARDS[use.name].sentence(of), **GUARDS[use.name].params(of))


def recommended(application: Application) -> str:
    """Return the outcome that the Exchange's conclusion recommends, where it is one that may be decided; else ""."""
    possible = outcomes(application)
    row = applications.latest(application, "conclusion")
    found = [value for form in (row.values if row else {}).values() for value in form.values()]
    return next((value for value in found if isinstance(value, str) and value in possible), "")


def record_attendance(meeting: Meeting, presences: Mapping[int, str], *, seen: int, by: User, now: datetime) -> None:
    """Record who takes part: member id -> present, remote or absent; every member with a vote is named.

    The votes of who turns out to be absent are taken out of the matters that are still open.

    Raises:
        Conflict: the meeting has moved, or is not sitting; it would undo the quorum of a decision made.
        Invalid: somebody's presence is none.
    """
    meeting.require_version(seen)
    require_sitting(meeting, now)
    voters = {member.id for member in queries.voters(meeting)}
    wrong = [Problem(f"presence-{key}", "err.required") for key in voters if presences.get(key) not in set(Presence)]
    if wrong:
        raise Invalid(problems=wrong)
    if any(not item.is_open for item in meeting.agenda) and any(
        meeting.presence(key).is_there != Presence(presences[key]).is_there for key in voters
    ):
        raise Conflict("meetings.err.decided_already")
    away = {key for key in voters if not Presence(presences[key]).is_there}
    for item in meeting.agenda:
        if item.is_open:
            item.votes[:] = [row for row in item.votes if row.member_id not in away]
    known = {row.member_id: row for row in meeting.attendance}
    for key in sorted(voters):
        if key in known:
            known[key].presence = presences[key]
        else:
            meeting.attendance.append(Attendance(member_id=key, presence=presences[key]))
    note(meeting, "attendance", by=by, now=now)


def declare_conflict(
    item: AgendaItem, member_id: int | None, *, reason: str, seen: int, by: User, now: datetime
) -> None:
    """Record that a member has a conflict of interest in a matter, from the agenda on; his vote is taken out.

    Raises:
        Conflict: the meeting has moved, the matter is closed, or it is known already.
        Invalid: no member with a vote is named, or no reason.
    """
    item.meeting.require_version(seen)
    require_open(item)
    reason = reason.strip()[:LONGEST_WORDS]
    problems = []
    if member_id not in {member.id for member in queries.voters(item.meeting)}:
        problems.append(Problem("member", "err.required"))
    if not reason:
        problems.append(Problem("conflict_reason", "err.reason_required"))
    if problems or member_id is None:
        raise Invalid(problems=problems)
    if any(row.member_id == member_id for row in item.conflicts):
        raise Conflict("err.already_done")
    item.conflicts.append(InterestConflict(member_id=member_id, reason=reason, by_id=by.id, at=now))
    for vote in [row for row in item.votes if row.member_id == member_id]:
        item.votes.remove(vote)
    db.session.flush()
    note(item.meeting, "conflict_declared", by=by, now=now, item=item, words=reason)


def take_back_conflict(item: AgendaItem, member_id: int | None, *, seen: int, by: User, now: datetime) -> None:
    """Take a conflict of interest back that was recorded by mistake; its history stays.

    Raises:
        Conflict: the meeting has moved, or the matter is closed.
        NotFound: there is none of that member.
    """
    item.meeting.require_version(seen)
    require_open(item)
    row = next((each for each in item.conflicts if each.member_id == member_id), None)
    if row is None:
        raise NotFound
    item.conflicts.remove(row)
    db.session.flush()
    note(item.meeting, "conflict_taken_back", by=by, now=now, item=item, words=row.reason)


def vote(
    item: AgendaItem,
    *,
    proposal: str,
    choices: Mapping[int, str],
    opinions: Mapping[int, str],
    seen: int,
    by: User,
    now: datetime,
) -> None:
    """Record the votes of all who may vote on a proposal: an outcome of the decision form.

    Another proposal than the one voted on before is a new ballot; the votes of the old one stay for the minutes.

    Raises:
        Conflict: the meeting has moved, is not sitting, the matter is closed, there is no quorum, or what is proposed
            could not be recorded now.
        Invalid: no proposal, somebody's vote is missing, an opinion stands beside a vote for.
    """
    meeting = item.meeting
    meeting.require_version(seen)
    require_sitting(meeting, now)
    require_open(item)
    if not queries.tally(item).has_quorum:
        raise Conflict("meetings.err.no_quorum")
    may_vote = [seat.member for seat in queries.seats(item) if seat.is_there and not seat.has_conflict]
    problems = []
    if proposal not in outcomes(item.application):
        problems.append(Problem("proposal", "meetings.err.proposal"))
    for key in may_vote:
        if choices.get(key) not in set(Choice):
            problems.append(Problem(f"vote-{key}", "meetings.err.vote"))
        elif opinions.get(key, "").strip() and choices[key] == Choice.FOR:
            problems.append(Problem(f"opinion-{key}", "meetings.err.opinion"))
    if problems:
        raise Invalid(problems=problems)
    if refusal := barrier(item.application, proposal):
        raise refusal
    standing = [row for row in item.votes if row.ballot == item.ballot]
    if standing and item.proposal != proposal:
        item.ballot += 1
    else:
        for row in standing:
            item.votes.remove(row)
        db.session.flush()
    item.proposal = proposal
    for key in may_vote:
        opinion = opinions.get(key, "").strip()[:LONGEST_WORDS]
        row = Vote(ballot=item.ballot, proposal=proposal, member_id=key, choice=choices[key], by_id=by.id, at=now)
        row.opinion = opinion
        item.votes.append(row)
    db.session.flush()
    db.session.expire(item, ["votes"])
    note(meeting, "voted", by=by, now=now, item=item, words=proposal)


def put_off(item: AgendaItem, *, reason: str, seen: int, by: User, now: datetime) -> None:
    """Postpone a matter at the meeting itself: it waits for another one.

    Raises:
        Conflict: the meeting has moved, is not sitting, the matter is closed, or a proposal has been adopted that can
            be recorded.
        Invalid: there is no reason.
    """
    item.meeting.require_version(seen)
    require_sitting(item.meeting, now)
    require_open(item)
    if queries.tally(item).result is Result.ADOPTED and barrier(item.application, item.proposal) is None:
        raise Conflict("meetings.err.adopted")
    reason = reason.strip()[:LONGEST_WORDS]
    if not reason:
        raise Invalid.at("postpone_reason", "err.reason_required")
    item.state, item.words = ItemState.POSTPONED, reason
    db.session.flush()
    note(item.meeting, "item_postponed", by=by, now=now, item=item, words=reason)
