"""A lost generator of codes, with no recovery code left: two officers take it away, and a new one is set up.

One officer records how he identified the owner, as for an unblocking; a second one confirms.  Nobody does either for
himself.  The owner is told of both steps, his sessions end, and nothing guarded is done without a new generator.
Source: e-services rules, paragraphs 20, 23 and 31; the two officers are ours, after design of neighbouring rules, 4.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from app import db
from app.accounts import authenticators, blocking, queries, sessions, signals
from app.accounts.models import AuthenticatorReset, User
from app.audit import operations as audit
from app.errors import Conflict, NotFound, NotPermitted


def record(user_id: int, *, how: str, by: User, now: datetime) -> AuthenticatorReset:
    """Record, as the first officer, that a client who has lost his generator has been identified, and how.

    Raises:
        NotPermitted: ``by`` does not guard accounts, or the account is his own.
        NotFound: there is no such account.
        Conflict: it has no generator, or this is recorded.
        Invalid: it is not said how.
    """
    blocking.require_officer(by, user_id)
    user = queries.by_id(user_id)
    if not authenticators.has(user):
        raise Conflict("lost.err.none")
    if any(row.user_id == user.id for row in waiting()):
        raise Conflict("err.already_done")
    row = AuthenticatorReset(user_id=user.id, how=blocking.sentence("how", how), by_id=by.id, at=now, user=user)
    db.session.add(row)
    db.session.flush()
    audit.record("generator_lost", f"user {user.id}", by=by.id, at=now, how=row.how)
    signals.generator_lost.send(user, by=by, now=now)
    return row


def waiting() -> Sequence[AuthenticatorReset]:
    """Return what waits for a second officer, the oldest first."""
    found = select(AuthenticatorReset).where(
        AuthenticatorReset.done_at.is_(None), AuthenticatorReset.dropped_at.is_(None)
    )
    return db.session.scalars(found.order_by(AuthenticatorReset.id)).unique().all()


def confirm(reset_id: int, *, by: User, now: datetime) -> None:
    """Take the generator away, as the second officer.

    Raises:
        NotPermitted: ``by`` does not guard accounts, the account is his own, or he is the first officer.
        NotFound: nothing such waits.
    """
    row = _waiting(reset_id, by)
    if row.by_id == by.id:
        raise NotPermitted("lost.err.same_officer")
    row.done_at, row.done_by_id = now, by.id
    authenticators.take_away(row.user)
    sessions.end_all(row.user, ending="generator", now=now)
    audit.record("generator_taken_away", f"user {row.user_id}", by=by.id, at=now, how=row.how)
    signals.generator_taken_away.send(row.user, now=now)


def drop(reset_id: int, *, by: User, now: datetime) -> None:
    """Leave the generator where it is: the record was a mistake.

    Raises:
        NotPermitted: ``by`` does not guard accounts, or the account is his own.
        NotFound: nothing such waits.
    """
    row = _waiting(reset_id, by)
    row.dropped_at, row.dropped_by_id = now, by.id
    audit.record("generator_kept", f"user {row.user_id}", by=by.id, at=now)


def _waiting(reset_id: int, by: User) -> AuthenticatorReset:
    found = select(AuthenticatorReset).where(
        AuthenticatorReset.id == reset_id,
        AuthenticatorReset.done_at.is_(None),
        AuthenticatorReset.dropped_at.is_(None),
    )
    held = found.with_for_update(of=AuthenticatorReset).execution_options(populate_existing=True)
    row = db.session.scalars(held).unique().one_or_none()
    blocking.require_officer(by, row.user_id if row else 0)
    if row is None:
        raise NotFound
    return row
