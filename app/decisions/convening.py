"""Meetings and their agendas: who sits when, and what is before them.

An item of an appointed meeting has its application's meeting appointed by the procedure's own transition, in
the same transaction; from then on it cannot be withdrawn (IS2IN-26.b; reading A28), and its people are told
the date.  That closes for good: postponing a meeting or taking an item off gives no right back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime

from flask import has_app_context
from sqlalchemy import select

from app import db
from app.accounts import queries as people
from app.accounts.models import User
from app.applications import answering, clocks, effects, facts, moves
from app.applications import queries as applications
from app.applications.models import Application
from app.audit import operations as audit
from app.bodies.definitions import Body
from app.business_calendar.days import CalendarMissing
from app.decisions import queries
from app.decisions.models import AgendaItem, ItemState, Meeting, MeetingEvent, MeetingState, Office
from app.errors import Conflict, Invalid, NotFound, Problem
from app.notifications import operations as notifications
from app.web import here
from app.web.templating import date_text
from app.workflows.parts import Transition

LONGEST_WORDS = 2000
DAY_OFF = "day_off"
"""The box that confirms a meeting on a day that is no working day."""

_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def note(
    meeting: Meeting, act: str, *, by: User, now: datetime, item: AgendaItem | None = None, words: str = ""
) -> None:
    """Write an act into the meeting's history and the audit, and count its version up."""
    meeting.version += 1
    db.session.flush()
    row = MeetingEvent(meeting_id=meeting.id, item_id=item.id if item else None, at=now, by_id=by.id, act=act)
    row.words = words
    db.session.add(row)
    db.session.flush()
    about = {"application": item.application.number} if item else {}
    audit.record(f"meeting_{act}", f"meeting {meeting.id}", by=by.id, at=now, **about)


# Meetings


def create(
    body: str,
    *,
    day: date | None,
    starts: str,
    place: str,
    is_remote: bool,
    paper_reason: str = "",
    on_day_off: bool = False,
    by: User,
    now: datetime,
) -> Meeting:
    """Prepare a meeting of a body; nobody is told before it is appointed.

    ``paper_reason``: why a meeting that was held on paper is entered afterwards; ``on_day_off``: it has been
    confirmed that it is held on a day that is no working day.

    Raises:
        Invalid: there is no such body, or it has no rules on that day; the day is missing, past, over a year ahead,
            or no working day and not confirmed; the time or the place will not do.
    """
    paper_reason = paper_reason.strip()[:LONGEST_WORDS]
    known = {each.key for each in queries.bodies()}
    problems = [] if body in known else [Problem("body", "err.required")]
    is_paper = bool(paper_reason)
    day = _checked(day, starts, place, is_remote, is_paper, on_day_off=on_day_off, now=now, problems=problems)
    found = queries.body(body)
    _require_rules(found, day)
    meeting = Meeting(
        body=found.key,
        day=day,
        starts=starts.strip(),
        place=" ".join(place.split()),
        is_remote=is_remote,
        paper_reason=paper_reason,
        state=MeetingState.DRAFT,
        version=0,
        number="",
        by_id=by.id,
        at=now,
        items=[],
        attendance=[],
        minutes=[],
    )
    db.session.add(meeting)
    note(meeting, "created", by=by, now=now, words=date_text(day))
    return meeting


def _require_rules(body: Body, day: date) -> None:
    try:
        body.rule(day)
    except NotFound:
        raise Invalid.at("day", "meetings.err.no_rules") from None


def _day_off(day: date) -> list[Problem]:
    """Return the question that a day off asks; of a year without a table nothing is known."""
    try:
        is_open = clocks.hours().is_open_on(day)
    except CalendarMissing:
        return []
    return [] if is_open else [Problem(DAY_OFF, "meetings.err.day_off", {"date": date_text(day)})]


def discard(meeting: Meeting, *, seen: int, by: User, now: datetime) -> None:
    """Throw away a meeting that is only prepared: what was on its agenda waits for another one, nobody is told.

    Its history and the audit stay.

    Raises:
        Conflict: it has moved, or is appointed already.
    """
    meeting.require_version(seen)
    if meeting.state != MeetingState.DRAFT:
        raise Conflict("meetings.err.no_draft")
    for item in meeting.agenda:
        item.state = ItemState.TAKEN_OFF
    meeting.state = MeetingState.DISCARDED
    note(meeting, "discarded", by=by, now=now, words=date_text(meeting.day))


def _checked(
    day: date | None,
    starts: str,
    place: str,
    is_remote: bool,
    is_paper: bool,
    *,
    on_day_off: bool,
    now: datetime,
    problems: Iterable[Problem] = (),
) -> date:
    problems = list(problems)
    today = queries.local_day(now)
    if day is None:
        problems.append(Problem("day", "meetings.err.day"))
    elif day < today and not is_paper:
        problems.append(Problem("day", "meetings.err.day_past"))
    elif day > today and is_paper:
        problems.append(Problem("day", "meetings.err.paper_future"))
    elif day > today + queries.YEAR:
        problems.append(Problem("day", "meetings.err.day_far"))
    elif not is_paper and not on_day_off:
        problems += _day_off(day)
    if starts.strip() and _TIME.fullmatch(starts.strip()) is None:
        problems.append(Problem("starts", "meetings.err.time"))
    if not place.strip() and not is_remote:
        problems.append(Problem("place", "meetings.err.place"))
    elif len(place) > 200:
        problems.append(Problem("place", "meetings.err.too_long", {"most": 200}))
    if problems or day is None:
        raise Invalid(problems=problems)
    return day


def _require_before(meeting: Meeting) -> None:
    """Refuse to change the agenda of a meeting that is over.

    Raises:
        Conflict: it has been held.
    """
    if meeting.state == MeetingState.HELD:
        raise Conflict("meetings.err.held")


def appoint(meeting: Meeting, *, seen: int, by: User, now: datetime) -> None:
    """Appoint a meeting: it gets its number, and the meeting of every application on its agenda is appointed.

    Raises:
        Conflict: it has moved, is appointed already, has no agenda or no members, or its day has passed meanwhile.
    """
    meeting.require_version(seen)
    if meeting.state != MeetingState.DRAFT:
        raise Conflict("err.already_done")
    if not meeting.agenda:
        raise Conflict("meetings.err.no_items")
    if not any(member.office == Office.CHAIR for member in queries.members(meeting.body, meeting.day)):
        raise Conflict("meetings.err.no_members")
    if meeting.day < queries.local_day(now) and not meeting.paper_reason:
        raise Conflict("meetings.err.day_past")
    meeting.number = str(effects.next_number(f"meeting-{meeting.body}-{meeting.day.year}"))
    meeting.state, meeting.appointed_at = MeetingState.APPOINTED, now
    for item in meeting.agenda:
        _appoint_item(item, by=by, now=now)
    note(meeting, "appointed", by=by, now=now, words=date_text(meeting.day))
    _invite(meeting, by=by, now=now)


def postpone(
    meeting: Meeting,
    *,
    day: date | None,
    starts: str,
    place: str,
    is_remote: bool,
    reason: str,
    on_day_off: bool = False,
    seen: int,
    by: User,
    now: datetime,
) -> None:
    """Hold a meeting at another time or place; of an appointed one with a reason, and the applicants are told.

    Raises:
        Conflict: it has moved, or has been held, or votes have been cast.
        Invalid: as for ``create``; there is no reason.
    """
    meeting.require_version(seen)
    _require_before(meeting)
    if meeting.has_begun:
        raise Conflict("meetings.err.begun")
    is_known, is_paper = day == meeting.day, bool(meeting.paper_reason)
    new = _checked(day, starts, place, is_remote, is_paper, on_day_off=on_day_off or is_known, now=now)
    reason = reason.strip()[:LONGEST_WORDS]
    is_appointed = meeting.state == MeetingState.APPOINTED
    if is_appointed and not reason:
        raise Invalid.at("reason", "err.reason_required")
    if is_appointed and new.year != meeting.day.year:
        raise Invalid.at("day", "meetings.err.other_year")
    _require_rules(queries.body(meeting.body), new)
    old, meeting.day = meeting.day, new
    meeting.starts, meeting.place, meeting.is_remote = starts.strip(), " ".join(place.split()), is_remote
    words = f"{date_text(old)} → {date_text(new)}" + (f". {reason}" if reason else "")
    note(meeting, "postponed" if is_appointed else "changed", by=by, now=now, words=words)
    if is_appointed:
        for item in meeting.agenda:
            _appoint_item(item, by=by, now=now)
        _invite(meeting, by=by, now=now)


def _invite(meeting: Meeting, *, by: User, now: datetime) -> None:
    """Tell the members who are the Exchange's own people when they sit, and where the packet is."""
    found = people.by_ids(row.user_id for row in queries.members(meeting.body, meeting.day) if row.user_id is not None)
    starts = f" {meeting.starts}" if meeting.starts else ""
    params = {"body": queries.body(meeting.body).title.model_dump(), "date": f"{date_text(meeting.day)}{starts}"}
    url = f"{here.config().base_url}/meetings/{meeting.id}/packet" if has_app_context() else ""
    invited = [user for user in found.values() if user.id != by.id]
    notifications.notify(invited, "notice.meeting_invited", about=notifications.About(url=url), params=params, now=now)


# The agenda


def put_on(meeting: Meeting, application: Application, *, seen: int, by: User, now: datetime) -> AgendaItem:
    """Put an application at the end of an agenda; of an appointed meeting its own meeting is appointed with that.

    Raises:
        Conflict: the meeting has moved or is over; the application does not wait for this body, or is on an agenda.
    """
    meeting.require_version(seen)
    _require_before(meeting)
    return _put_on(meeting, application, by=by, now=now)


def _put_on(meeting: Meeting, application: Application, *, by: User, now: datetime) -> AgendaItem:
    if not queries.waits(application):
        raise Conflict("meetings.err.not_waiting", number=application.number)
    db.session.execute(select(Application.id).where(Application.id == application.id).with_for_update())
    if queries.live_item(application) is not None:
        raise Conflict("meetings.err.on_agenda", number=application.number)
    if meeting.body not in queries.bodies_of(application):
        raise Conflict("meetings.err.other_body", number=application.number)
    if meeting.state == MeetingState.APPOINTED and meeting.day < queries.local_day(now) and not meeting.paper_reason:
        raise Conflict("meetings.err.day_past")
    item = next((each for each in meeting.items if each.application_id == application.id), None)
    place = max((each.place for each in meeting.items), default=0) + 1
    if item is not None and not ItemState(item.state).is_on_agenda:
        item.state, item.place, item.words = ItemState.OPEN, place, ""
    elif item is not None:
        raise Conflict("meetings.err.on_agenda", number=application.number)
    else:
        item = AgendaItem(
            meeting=meeting,
            application=application,
            place=place,
            at=now,
            state=ItemState.OPEN,
            ballot=1,
            proposal="",
            conflicts=[],
            votes=[],
            conditions=[],
        )
        db.session.add(item)
    db.session.flush()
    if meeting.state == MeetingState.APPOINTED:
        _appoint_item(item, by=by, now=now)
    note(meeting, "item_added", by=by, now=now, item=item)
    return item


def _appoint_item(item: AgendaItem, *, by: User, now: datetime) -> None:
    """Let the application have its meeting on this day: by its own transition, or anew where it has had one."""
    application, meeting = item.application, item.meeting
    way = queries.road(applications.procedure(application))
    if way is None or application.process not in (way.appoint.source, way.decide.source):
        raise Conflict("meetings.err.not_waiting", number=application.number)
    is_new = application.process == way.appoint.source
    _say_when(application, way.appoint, meeting, is_new=is_new, by=by, now=now)
    if is_new:
        moves.fire(application, way.appoint.trigger, by=by, seen=application.version, now=now)


def _say_when(
    application: Application, way: Transition, meeting: Meeting, *, is_new: bool, by: User, now: datetime
) -> None:
    """Fill the stage that appoints the meeting as the agenda has it; where it was filled before, tell the new date."""
    stage = way.stage or ""
    procedure, known = applications.procedure(application), facts.of(application)
    moves.require_executor(application, by, procedure.executor_of(stage, way.source))
    [form] = answering.simple_forms(application, stage)
    given = {queries.MEETING_DATE: meeting.day.isoformat(), queries.BODY: meeting.body, queries.PLACE: meeting.place}
    values = form.settled({key: value for key, value in given.items() if value})
    problems = form.check(values)
    if problems:
        raise Invalid(problems=problems)
    also = {"meeting_at": meeting.day.isoformat()}
    position = applications.position(application)
    if is_new:
        position = procedure.save(position, stage, known)
    effects.save_answers(application, stage, {form.key: values}, by=by, now=now)
    if is_new:
        position = procedure.finish(position, stage, facts.of(application))
        moves.stand_at(application, position, act="finish", by=by, now=now, stage=stage, also=also)
        return
    if application.meeting_at == meeting.day.isoformat():
        return
    day = date_text(meeting.day)
    moves.stand_at(application, position, act="meeting_moved", by=by, now=now, words=day, also=also)
    _tell(application, "notice.meeting_moved", {"date": day}, now=now)


def _tell(application: Application, message: str, params: dict[str, str], *, now: datetime) -> None:
    """Tell the applicant's people of the meeting; its date is all they learn of it."""
    said = notifications.Message(message, {"number": application.number, **params})
    moves.tell_applicant(application, said, now=now)


def shift(item: AgendaItem, steps: int, *, seen: int, by: User, now: datetime) -> None:
    """Put an item earlier (-1) or later (+1) on the agenda; at its end nothing changes.

    Raises:
        Conflict: the meeting has moved, or is over.
    """
    meeting = item.meeting
    meeting.require_version(seen)
    _require_before(meeting)
    order = meeting.agenda
    place = order.index(item)
    target = min(max(place + steps, 0), len(order) - 1)
    if target == place:
        return
    order.insert(target, order.pop(place))
    for number, each in enumerate(order, start=1):
        each.place = number
    note(meeting, "item_shifted", by=by, now=now, item=item)


def take_off(item: AgendaItem, *, reason: str, seen: int, by: User, now: datetime) -> None:
    """Take an item off the agenda: it waits for another one; the applicants of an appointed meeting are told.

    Raises:
        Conflict: the meeting has moved or is over, or the item is decided.
        Invalid: there is no reason.
    """
    _leave(item, ItemState.TAKEN_OFF, reason, seen=seen, by=by, now=now)
    if item.meeting.state == MeetingState.APPOINTED:
        application, day = item.application, date_text(item.meeting.day)
        moves.stand_at(application, applications.position(application), act="meeting_off", by=by, now=now, words=day)
        _tell(application, "notice.meeting_off", {"date": day}, now=now)


def move_to(item: AgendaItem, other: Meeting, *, reason: str, seen: int, by: User, now: datetime) -> AgendaItem:
    """Move an item to another meeting of the body, where it is put last; the applicant is told the new date.

    Raises:
        Conflict: as for ``take_off`` and ``put_on``; the other is of another body, or only prepared while this one
            is appointed: nobody could be told when.
        Invalid: there is no reason.
    """
    if other.body != item.meeting.body:
        raise Conflict("meetings.err.other_body", number=item.application.number)
    if other.state == MeetingState.DRAFT and item.meeting.state == MeetingState.APPOINTED:
        raise Conflict("meetings.err.not_appointed")
    _leave(item, ItemState.MOVED, reason, seen=seen, by=by, now=now)
    _require_before(other)
    return _put_on(other, item.application, by=by, now=now)


def _leave(item: AgendaItem, state: ItemState, reason: str, *, seen: int, by: User, now: datetime) -> None:
    meeting = item.meeting
    meeting.require_version(seen)
    _require_before(meeting)
    if not item.is_open:
        raise Conflict("meetings.err.item_closed")
    if item.votes:
        raise Conflict("meetings.err.begun")
    reason = reason.strip()[:LONGEST_WORDS]
    if not reason and meeting.state == MeetingState.APPOINTED:
        raise Invalid.at("reason", "err.reason_required")
    item.state, item.words = state, reason
    db.session.flush()
    note(meeting, f"item_{state}", by=by, now=now, item=item, words=reason)
