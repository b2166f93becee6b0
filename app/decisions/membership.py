"""Who sits in the deciding bodies: offices begin on a day and end on a day, and never reach back over a meeting."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select

from app import db
from app.accounts import queries as people
from app.accounts.models import User
from app.audit import operations as audit
from app.decisions import queries
from app.decisions.models import BodyMember, Office
from app.errors import Conflict, Invalid, NotFound, Problem
from app.web.templating import date_text

EARLIEST_OFFICE = date(2000, 1, 1)
"""An office that began earlier is a slip of the pen."""


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
    queries.hold_body(found.key)
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
    body = db.session.scalar(select(BodyMember.body).where(BodyMember.id == member_id))
    if body is None:
        raise NotFound
    queries.hold_body(body)
    row = db.session.get_one(BodyMember, member_id, populate_existing=True)
    if row.until is not None:
        raise Conflict("err.already_done")
    if until is None or until <= row.since:
        raise Invalid.at(f"until-{row.id}", "meetings.err.until")
    _require_unsat(row.body, until, f"until-{row.id}")
    row.until = until
    audit.record("body_member_ended", f"body {row.body}", by=by.id, at=now, member=row.id)
    return row
