"""What one may ask about announcements."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from app import db
from app.news.models import Announcement

FRESH = timedelta(days=14)
"""How long the home page shows an announcement."""


def count() -> int:
    """Return how many there are."""
    return db.session.scalar(select(func.count(Announcement.id))) or 0


def newest(*, start: int = 0, most: int) -> Sequence[Announcement]:
    """Return announcements, newest first."""
    statement = select(Announcement).order_by(Announcement.id.desc()).offset(start).limit(most)
    return db.session.scalars(statement).unique().all()


def fresh(now: datetime, *, most: int = 3) -> Sequence[Announcement]:
    """Return those of the last two weeks, newest first."""
    statement = select(Announcement).where(Announcement.at > now - FRESH).order_by(Announcement.id.desc())
    return db.session.scalars(statement.limit(most)).unique().all()


def contacts(day: date) -> dict[str, Any] | None:
    """Return the contacts announced that hold on a day, the last announced of several; None where none were."""
    statement = (
        select(Announcement.contacts)
        .where(Announcement.holds_from <= day)
        .order_by(Announcement.holds_from.desc(), Announcement.id.desc())
    )
    return db.session.scalar(statement.limit(1))
