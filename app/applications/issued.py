"""What one may ask about the Exchange's papers: the journal of what was sent, and what waits for a signature."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, select

from app import db
from app.applications.models import Application, Letter


def _of_period(since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    found = [Letter.kind == "letter", Letter.sent_at.is_not(None)]
    found += [Letter.sent_at >= since] if since else []
    return found + ([Letter.sent_at < until] if until else [])


def count(since: datetime | None, until: datetime | None) -> int:
    """Return how many letters were sent in a period; an end that is None is open."""
    return db.session.scalar(select(func.count(Letter.id)).where(*_of_period(since, until))) or 0


def sent(
    since: datetime | None, until: datetime | None, *, start: int = 0, most: int | None = None
) -> Sequence[Letter]:
    """Return the letters sent in a period, newest first."""
    statement = select(Letter).where(*_of_period(since, until)).order_by(Letter.sent_at.desc(), Letter.id.desc())
    return db.session.scalars(statement.offset(start).limit(most)).unique().all()


def waiting(application: Application | None = None) -> Sequence[Letter]:
    """Return the letters of a template alone that nobody has signed yet, oldest first; of one application or of all."""
    statement = select(Letter).where(Letter.stage == "", Letter.sent_at.is_(None)).order_by(Letter.id)
    if application is not None:
        statement = statement.where(Letter.application_id == application.id)
    return db.session.scalars(statement).unique().all()
