"""Substitutes: a colleague acts for an absent person within a period and on a ground.

What a substitute may do the rooms above say; here stands who, for whom, from which day to which.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from sqlalchemy import select

from app import db
from app.accounts import queries as people
from app.accounts.models import Substitution, User
from app.audit import operations as audit
from app.errors import Conflict, Invalid, NotFound, NotPermitted, Problem
from app.notifications import operations as notifications
from app.permissions import Permission
from app.web.templating import ZONE, date_text

LONGEST_BASIS = 300
LONGEST = timedelta(days=366)


def absentees(by: User) -> list[User]:
    """Return for whom ``by`` may name a substitute: himself, and those whose work he gives out."""
    return [by, *sorted(people.led_by(by), key=lambda user: user.name)]


def may_appoint(user: User, by: User) -> bool:
    """Tell whether ``by`` may name a substitute for ``user``: himself, his head, his organisation's administrator."""
    if user.id == by.id or user.id in {each.id for each in people.led_by(by)}:
        return True
    own = by.organisation
    return own is not None and own is user.organisation and by.may(Permission.MANAGE_USERS)


def appoint(
    user: User,
    *,
    substitute_id: int | None,
    first_day: date | None,
    last_day: date | None,
    basis: str,
    by: User,
    now: datetime,
) -> Substitution:
    """Let a colleague act for ``user`` from the beginning of the first day to the end of the last one.

    The days are Kazakhstan's.  The substitute is told, and ``user`` where somebody else has named him.

    Raises:
        NotPermitted: ``by`` may not name a substitute for ``user``.
        Invalid: it is oneself or nobody of the same role, a day is missing, past or in the wrong order, there is
            no ground, or one of the two is away or stands in for another within these days.
    """
    if not may_appoint(user, by):
        raise NotPermitted
    problems = _faults(first_day, last_day, basis.strip(), now)
    substitute = next((each for each in people.possible_substitutes(user) if each.id == substitute_id), None)
    if substitute_id == user.id:
        problems.insert(0, Problem("substitute", "substitute.err.self"))
    elif substitute is None:
        problems.insert(0, Problem("substitute", "substitute.err.choose"))
    if problems or substitute is None or first_day is None or last_day is None:
        raise Invalid(problems=problems)
    starts_at, ends_at = _midnight(first_day), _midnight(last_day + timedelta(days=1))
    _require_free(user, substitute, starts_at, ends_at)
    row = Substitution(
        user=user, substitute=substitute, starts_at=starts_at, ends_at=ends_at, basis=basis.strip(), by=by, at=now
    )
    db.session.add(row)
    db.session.flush()
    audit.record(
        "substitute_appointed",
        f"user {user.id}",
        by=by.id,
        at=now,
        substitute=substitute.id,
        first_day=first_day.isoformat(),
        last_day=last_day.isoformat(),
        basis=row.basis,
    )
    params = {"user": user.name, "substitute": substitute.name, "first": date_text(first_day), "last": _last(row)}
    told = {each.id: each for each in (substitute, user) if each.id != by.id}
    about = notifications.About(author=by.name)
    notifications.notify(told.values(), "notice.substitute", about=about, params=params, now=now)
    return row


def end(substitution_id: int, *, by: User, now: datetime) -> Substitution:
    """End a substitution before its last day; twice is once.

    Raises:
        NotFound: there is none that ``by`` could have made.
    """
    row = db.session.get(Substitution, substitution_id)
    if row is None or not may_appoint(row.user, by):
        raise NotFound
    if row.ended_at is not None:
        return row
    if row.ends_at <= now:
        raise Conflict("err.already_done")
    row.ended_at, row.ended_by_id = now, by.id
    audit.record("substitute_ended", f"user {row.user_id}", by=by.id, at=now, substitute=row.substitute_id)
    params = {"user": row.user.name, "substitute": row.substitute.name}
    told = {each.id: each for each in (row.substitute, row.user) if each.id != by.id}
    about = notifications.About(author=by.name)
    notifications.notify(told.values(), "notice.substitute_ended", about=about, params=params, now=now)
    return row


def last_day(row: Substitution) -> date:
    """Return the last day of a substitution, in Kazakhstan's calendar."""
    return (row.ends_at - timedelta(seconds=1)).astimezone(ZONE).date()


def _last(row: Substitution) -> str:
    return date_text(last_day(row))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ZONE)


def _faults(first_day: date | None, last_day: date | None, basis: str, now: datetime) -> list[Problem]:
    problems = []
    today = now.astimezone(ZONE).date()
    if first_day is None:
        problems.append(Problem("first_day", "substitute.err.day"))
    elif first_day < today:
        problems.append(Problem("first_day", "substitute.err.past", {"today": date_text(today)}))
    if last_day is None:
        problems.append(Problem("last_day", "substitute.err.day"))
    elif first_day is not None and last_day < first_day:
        problems.append(Problem("last_day", "substitute.err.order"))
    elif first_day is not None and last_day - first_day > LONGEST:
        problems.append(Problem("last_day", "substitute.err.long", {"days": LONGEST.days}))
    if not basis:
        problems.append(Problem("basis", "substitute.err.basis"))
    elif len(basis) > LONGEST_BASIS:
        problems.append(Problem("basis", "app.err.comment_long", {"max": LONGEST_BASIS}))
    return problems


def _require_free(user: User, substitute: User, starts_at: datetime, ends_at: datetime) -> None:
    """Refuse a second substitute within the same days, and a chain of them.

    Raises:
        Invalid: names who is away or stands in for whom, and until when.
    """
    both = select(User.id).where(User.id.in_([user.id, substitute.id])).order_by(User.id)
    db.session.execute(both.with_for_update())  # two who appoint at once stand in line
    for row in people.overlapping(user.id, starts_at, ends_at):
        params = {"user": row.user.name, "substitute": row.substitute.name}
        params |= {"first": date_text(row.starts_at), "last": _last(row)}
        key = "substitute.err.overlap" if row.user_id == user.id else "substitute.err.stands_in"
        raise Invalid.at("first_day", key, **params)
    for row in people.overlapping(substitute.id, starts_at, ends_at):
        if row.user_id == substitute.id:
            params = {"user": row.user.name, "first": date_text(row.starts_at), "last": _last(row)}
            raise Invalid.at("substitute", "substitute.err.away", **params)
