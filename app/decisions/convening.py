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
from app.applications import answering, effects, facts, moves
from app.applications import queries as applications
from app.applications.models import Application
from app.audit import operations as audit
from app.bodies.definitions import Body
from app.decisions import queries
from app.decisions.models import AgendaItem, BodyMember, ItemState, Meeting, MeetingEvent, MeetingState, Office
from app.errors import Conflict, Invalid, NotFound, Problem
from app.notifications import operations as notifications
from app.web import here
from app.web.templating import date_text
from app.workflows.guards import APPLICANT
from app.workflows.parts import Transition

LONGEST_WORDS = 2000
EARLIEST_OFFICE = date(2000, 1, 1)
"""An office that began earlier is a slip of the pen."""
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


# Members


def add_member(
    body: str,
    *,
    user_id: int | None,
    name: str,
    position: str,
    office: str,
    since: date | None,
    by: User,
    now: datetime,
) -> BodyMember:
    """Give somebody an office in a body: one of the Exchange's people (``user_id``), or an outsider by ``name``.

    Raises:
        Invalid: nobody is named, there is no such office, he or another holds it already or is to hold it, or the
            day will not do: before 2000, over a year ahead, or before a meeting that has been held.
        NotFound: there is no such body or user.
    """
    found = queries.body(body)
    user = people.by_id(user_id) if user_id is not None else None
    if user is not None and not user.is_exchange:
        raise NotFound
    name, position = " ".join(name.split())[:200], " ".join(position.split())[:200]
    problems = []
    if user is None and not name:
        problems.append(Problem("name", "meetings.err.member"))
    if office not in set(Office):
        problems.append(Problem("office", "err.required"))
    if since is None:
        problems.append(Problem("since", "meetings.err.day"))
    elif not EARLIEST_OFFICE <= since <= queries.local_day(now) + queries.YEAR:
        problems.append(Problem("since", "meetings.err.since"))
    if problems or since is None:
        raise Invalid(problems=problems)
    name = user.full_name if user else name
    for other in queries.members(found.key):
        if other.until is not None and other.until <= since:
            continue
        if _is_same(other, user_id, name):
            raise Invalid.at("name", "meetings.err.member_twice", name=name)
        if other.office == office and office != Office.MEMBER:
            raise Invalid.at("office", "meetings.err.office_held", name=other.name)
    _require_unsat(found.key, since, "since")
    row = BodyMember(
        body=found.key,
        user_id=user.id if user else None,
        name=name,
        position=position or (user.position if user else ""),
        office=office,
        since=since,
        by_id=by.id,
        at=now,
    )
    db.session.add(row)
    db.session.flush()
    audit.record("body_member_added", f"body {found.key}", by=by.id, at=now, member=row.id, office=office)
    return row


def _is_same(other: BodyMember, user_id: int | None, name: str) -> bool:
    if other.user_id is not None and user_id is not None:
        return other.user_id == user_id
    return other.name.casefold() == name.casefold()


def _require_unsat(body: str, day: date, path: str) -> None:
    """Refuse an office that would begin or end before a meeting that has been held: its votes are counted by its day.

    Raises:
        Invalid: there is such a meeting, named with its number and day.
    """
    sat = queries.sat_since(body, day)
    if sat is not None:
        raise Invalid.at(path, "meetings.err.sat", number=sat.number, date=date_text(sat.day))


def end_membership(member_id: int, *, until: date | None, by: User, now: datetime) -> BodyMember:
    """End an office: ``until`` is the first day on which it is no longer held.

    Raises:
        NotFound: there is no such office.
        Conflict: it has ended already.
        Invalid: the day is missing, or before the office began, or not after the last meeting held.
    """
    row = db.session.get(BodyMember, member_id, with_for_update=True)
    if row is None:
        raise NotFound
    if row.until is not None:
        raise Conflict("err.already_done")
    if until is None or until <= row.since:
        raise Invalid.at(f"until-{row.id}", "meetings.err.until")
    _require_unsat(row.body, until, f"until-{row.id}")
    row.until = until
    audit.record("body_member_ended", f"body {row.body}", by=by.id, at=now, member=row.id)
    return row


# Meetings


def create(
    body: str,
    *,
    day: date | None,
    starts: str,
    place: str,
    is_remote: bool,
    paper_reason: str = "",
    by: User,
    now: datetime,
) -> Meeting:
    """Prepare a meeting of a body; nobody is told before it is appointed.

    ``paper_reason``: why a meeting that was held on paper is entered afterwards.

    Raises:
        Invalid: there is no such body, or it has no rules on that day; the day is missing, past or over a year ahead,
            the time or the place will not do.
    """
    paper_reason = paper_reason.strip()[:LONGEST_WORDS]
    known = {each.key for each in queries.bodies()}
    problems = [] if body in known else [Problem("body", "err.required")]
    day = _checked(day, starts, place, is_remote, is_paper=bool(paper_reason), now=now, problems=problems)
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


def _checked(
    day: date | None,
    starts: str,
    place: str,
    is_remote: bool,
    *,
    is_paper: bool,
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
    new = _checked(day, starts, place, is_remote, is_paper=bool(meeting.paper_reason), now=now)
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
    way = queries.road(applications.procedure(application))
    if way is None or application.process not in (way.appoint.source, way.decide.source):
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
    around = applications.around(application)
    addressed = {person for executor in APPLICANT for person in around.get(executor, ())}
    said = notifications.Message(message, {"number": application.number, **params})
    told = [(person, said) for person in sorted(addressed, key=lambda each: each.id)]
    notifications.post(told, about=moves.about(application), now=now)


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
