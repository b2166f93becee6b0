"""What a person may ask of the audit log: his own rows, and nothing of anybody else's."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, func, or_, select

from app import db
from app.audit.models import AuditEntry


def _own(user_id: int) -> ColumnElement[bool]:
    """What he did himself, and what happened at his door while nobody had signed in: refused sign-ins."""
    at_his_door = and_(AuditEntry.subject == f"user {user_id}", AuditEntry.user_id.is_(None))
    return or_(AuditEntry.user_id == user_id, at_his_door)


def own(user_id: int, *, limit: int, offset: int = 0) -> Sequence[AuditEntry]:
    """Return a person's own rows, newest first."""
    return db.session.scalars(
        select(AuditEntry).where(_own(user_id)).order_by(AuditEntry.id.desc()).limit(limit).offset(offset)
    ).all()


def count_own(user_id: int) -> int:
    """Return how many rows are a person's own."""
    return db.session.scalar(select(func.count()).select_from(AuditEntry).where(_own(user_id))) or 0
