"""Times in which the system cannot be used: declared, told to everybody, ended (IS2IN-27.a).

They are rows of their own, so that what came on paper meanwhile can say during which one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_, select

from app import db
from app.accounts.models import User
from app.applications.models import Application, Outage, PaperIntake
from app.audit import operations as audit
from app.errors import Conflict, Invalid, NotFound

LONGEST_REASON = 2000


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
        Invalid: there is no reason, or it ends before it begins.
        Conflict: another one goes on already.
    """
    reason = reason.strip()[:LONGEST_REASON]
    if not reason:
        raise Invalid.at("reason", "err.reason_required")
    if ends_at is not None and ends_at <= begins_at:
        raise Invalid.at("ends", "paper.err.ends_before")
    going_on = db.session.scalar(select(Outage.id).where(Outage.ends_at.is_(None)).limit(1))
    if going_on is not None and ends_at is None:
        raise Conflict("paper.err.outage_on")
    row = Outage(begins_at=begins_at, ends_at=ends_at, reason=reason, by_id=by.id, at=now)
    db.session.add(row)
    db.session.flush()
    audit.record("declare_outage", f"outage {row.id}", by=by.id, at=now)
    return row


def end(outage: Outage, *, by: User, now: datetime) -> None:
    """End an outage now; one that is over already stays as it is.

    Raises:
        Conflict: it has not begun yet.
    """
    if outage.ends_at is not None and outage.ends_at <= now:
        return
    if outage.begins_at > now:
        raise Conflict("paper.err.not_begun")
    outage.ends_at = now
    db.session.flush()
    audit.record("end_outage", f"outage {outage.id}", by=by.id, at=now)
