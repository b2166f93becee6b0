"""One-time links: how somebody who has no password yet, or has lost it, sets one (readings A31, A9).

No password is ever sent.  A link carries 256 random bits, of which only the hash is kept; it works once,
until its end, and while the account is active; a newer link of the same person ends it.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import select, update

from app import db
from app.accounts import lockouts, passwords, policy
from app.accounts.models import OneTimeLink, User
from app.audit import operations as audit
from app.errors import Conflict, Invalid

FIRST_PASSWORD = "first_password"  # noqa: S105 - the purpose of a link
RECOVERY = "recovery"
PURPOSES = (FIRST_PASSWORD, RECOVERY)


def life(purpose: str) -> timedelta:
    """Return how long a link of a purpose works."""
    given = policy.rules().links
    lives = {
        FIRST_PASSWORD: timedelta(hours=given.first_password_hours),
        RECOVERY: timedelta(minutes=given.recovery_minutes),
    }
    return lives[purpose]


def issue(user: User, purpose: str, *, now: datetime, by: int | None = None) -> str:
    """Return the secret of a new link for ``user``; his older ones die.

    ``purpose`` is one of ``PURPOSES``; ``by`` is who asked for it, None for the person himself.
    """
    revoke(user, now=now)
    token = secrets.token_urlsafe(32)
    db.session.add(
        OneTimeLink(
            user_id=user.id, purpose=purpose, token_hash=_hashed(token), issued_at=now, expires_at=now + life(purpose)
        )
    )
    db.session.flush()
    audit.record("link_issued", f"user {user.id}", by=by, at=now, purpose=purpose)
    return token


def path(token: str) -> str:
    """Return the path of the page that a link opens."""
    return f"/password/{token}"


def revoke(user: User, *, now: datetime) -> None:
    """End every link of ``user`` that would still work."""
    db.session.execute(
        update(OneTimeLink)
        .where(OneTimeLink.user_id == user.id, OneTimeLink.used_at.is_(None), OneTimeLink.revoked_at.is_(None))
        .values(revoked_at=now),
        execution_options={"synchronize_session": "fetch"},
    )


def standing(token: str, *, now: datetime, locked: bool = False) -> OneTimeLink | None:
    """Return the link of a secret if it still works; ``locked``: and hold its row until the transaction ends."""
    question = select(OneTimeLink).where(OneTimeLink.token_hash == _hashed(token))
    if locked:
        question = question.with_for_update(of=OneTimeLink).execution_options(populate_existing=True)
    link = db.session.scalars(question).unique().one_or_none()
    return link if link is not None and link.works_at(now) else None


def set_password(token: str, *, new: str, repeated: str, now: datetime) -> User:
    """Redeem a link: set the password of its user and end all his sessions and links.

    Raises:
        Conflict: the link does not work (any more).
        Invalid: the password breaks a rule or was not repeated exactly; the link still works.
    """
    link = standing(token, now=now, locked=True)
    if link is None:
        raise Conflict("link.err.dead")
    user = link.user
    problems = passwords.problems_of(user, new, repeated)
    if problems:
        raise Invalid(problems=problems)
    passwords.store(user, new, now=now)
    link.used_at = now
    db.session.flush()
    revoke(user, now=now)
    lockouts.open_door(user, by=user, now=now, codes_too=False)  # whoever reads the mail is no guesser
    audit.record("password_set_by_link", f"user {user.id}", by=user.id, at=now, purpose=link.purpose)
    return user


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
