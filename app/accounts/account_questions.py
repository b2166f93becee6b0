"""How often somebody may learn that an address has an account: whoever adds users is told so, and could ask on."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select

from app import db
from app.accounts import policy
from app.accounts.models import AccountQuestion, User
from app.audit import operations as audit
from app.errors import Conflict

KEPT = timedelta(days=1)


def require_room(by: User, *, now: datetime) -> None:
    """Refuse to say any more, whatever would be said, to whom it was said too often; his questions stand in line.

    Raises:
        Conflict: the hour's number is used up.
    """
    db.session.execute(select(User.id).where(User.id == by.id).with_for_update())
    most = policy.rules().account_questions.per_hour
    said = select(func.count()).where(AccountQuestion.by_id == by.id, AccountQuestion.at > now - timedelta(hours=1))
    if (db.session.scalar(said) or 0) >= most:
        raise Conflict("user.err.asked_often", n=most)


def note(by: User, *, now: datetime) -> None:
    """Note that ``by`` was told that an address has an account."""
    db.session.add(AccountQuestion(by_id=by.id, at=now))
    audit.record("account_learned", f"user {by.id}", by=by.id, at=now)


def forget(*, now: datetime) -> None:
    """Take away what is older than a day."""
    db.session.execute(delete(AccountQuestion).where(AccountQuestion.at < now - KEPT))
