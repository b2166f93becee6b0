"""Times in which the system cannot be used: declared, told to everybody, ended (IS2IN-27.a).

They are rows of their own, so that what came on paper meanwhile can say during which one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import or_, select

from app import db
from app.accounts.models import User
from app.applications.models import Application, Outage, PaperIntake
from app.audit import operations as audit
from app.errors import Conflict, Invalid, NotFound
from app.web.templating import date_time_text

LONGEST_REASON = 2000
FURTHEST_AHEAD = timedelta(days=30)
FURTHEST_BACK = timedelta(days=365)


def present(now: datetime) -> Outage | None:
    """Return the outage that is on at a moment, the newest where there are several; or None."""
    going_on = or_(Outage.ends_at.is_(None), Outage.ends_at > now)
    statement = select(Outage).where(Outage.begins_at <= now, going_on).order_by(Outage.begins_at.desc()).limit(1)
    return db.session.scalars(statement).unique().one_or_none()


def every() -> Sequence[Outage]:
    """Return all outages, newest first."""
    return db.session.scalars(select(Outage).order_by(Outage.begins_at.desc(), Outage.id.desc())).unique().all()


def one(ident: int) -> Outage:
    """Return an outage.

    Raises:
        NotFound: there is none of this id.
    """
    found = db.session.get(Outage, ident)
    if found is None:
        raise NotFound
    return found


def intakes(outage: Outage) -> Sequence[tuple[PaperIntake, Application]]:
    """Return what came on paper during an outage, newest first."""
    statement = (
        select(PaperIntake, Application)
        .join(Application, Application.id == PaperIntake.application_id)
        .where(PaperIntake.outage_id == outage.id)
        .order_by(PaperIntake.id.desc())
    )
    return [(intake, application) for intake, application in db.session.execute(statement).unique()]


def declare(begins_at: datetime, ends_at: datetime | None, *, reason: str, by: User, now: datetime) -> Outage:
    """Declare an outage; without an end it goes on until it is ended.

    Raises:
        Invalid: there is no reason, it begins too far ahead or back, or it ends before it begins.
        Conflict: it overlaps another one, which is named.
    """
    reason = reason.strip()[:LONGEST_REASON]
    if not reason:
        raise Invalid.at("reason", "err.reason_required")
    if begins_at - now > FURTHEST_AHEAD:
        raise Invalid.at("begins_on", "paper.err.far_ahead", days=FURTHEST_AHEAD.days)
    if now - begins_at > FURTHEST_BACK:
        raise Invalid.at("begins_on", "paper.err.far_back", days=FURTHEST_BACK.days)
    if ends_at is not None and ends_at <= begins_at:
        raise Invalid.at("ends_on", "paper.err.ends_before")
    other = _overlapping(begins_at, ends_at)
    if other is not None:
        since = date_time_text(other.begins_at)
        if other.ends_at is None:
            raise Conflict("paper.err.outage_on", since=since, reason=other.reason)
        raise Conflict("paper.err.overlap", since=since, until=date_time_text(other.ends_at), reason=other.reason)
    row = Outage(begins_at=begins_at, ends_at=ends_at, reason=reason, by_id=by.id, at=now)
    db.session.add(row)
    db.session.flush()
    audit.record("declare_outage", f"outage {row.id}", by=by.id, at=now)
    return row


def _overlapping(begins_at: datetime, ends_at: datetime | None) -> Outage | None:
    """Return an outage that shares a moment with these, or None; those called off share none."""
    statement = select(Outage).where(
        or_(Outage.ends_at.is_(None), (Outage.ends_at > begins_at) & (Outage.ends_at > Outage.begins_at)),
        *([Outage.begins_at < ends_at] if ends_at else []),
    )
    return db.session.scalars(statement.order_by(Outage.begins_at).limit(1)).unique().one_or_none()


def is_called_off(outage: Outage) -> bool:
    """Tell whether an outage was ended before it began: it has lasted no moment."""
    return outage.ends_at is not None and outage.ends_at <= outage.begins_at


def end(outage: Outage, *, by: User, now: datetime) -> None:
    """End an outage now, or call off one that has not begun yet; one that is over already stays as it is."""
    if is_called_off(outage) or (outage.ends_at is not None and outage.ends_at <= now):
        return
    outage.ends_at = max(now, outage.begins_at)
    db.session.flush()
    act = "call_off_outage" if is_called_off(outage) else "end_outage"
    audit.record(act, f"outage {outage.id}", by=by.id, at=now)
