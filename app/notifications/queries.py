"""What one may ask about messages."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from app import db
from app.notifications.models import Mail, Notification


def of(user_id: int, *, limit: int, offset: int = 0) -> Sequence[Notification]:
    """Return the user's messages, newest first."""
    return db.session.scalars(
        select(Notification)
        .where(Notification.user_id == user_id)
        .order_by(Notification.at.desc(), Notification.id.desc())
        .limit(limit)
        .offset(offset)
    ).all()


def count(user_id: int) -> int:
    """Return how many messages the user has been sent."""
    return db.session.scalar(select(func.count()).where(Notification.user_id == user_id)) or 0


def unread(user_id: int) -> int:
    """Return how many messages the user has not read."""
    return (
        db.session.scalar(
            select(func.count())
            .select_from(Notification)
            .where(Notification.user_id == user_id, Notification.read_at.is_(None))
        )
        or 0
    )


def mails(*, limit: int, offset: int = 0) -> Sequence[Mail]:
    """Return the mails of everybody, newest first; the demo's page alone shows them."""
    return db.session.scalars(select(Mail).order_by(Mail.id.desc()).limit(limit).offset(offset)).all()


def count_mails() -> int:
    """Return how many mails have been written."""
    return db.session.scalar(select(func.count()).select_from(Mail)) or 0
