"""Passwords: their rules, how they are kept and compared.

Source: user manual, paragraph 8.2; readings A4 to A6.
"""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import select

from app import db
from app.accounts import lockouts, policy, sessions
from app.accounts.models import FormerPassword, LoginSession, User
from app.audit import operations as audit
from app.errors import Invalid, Problem


def faults_of(user: User, password: str) -> list[Problem]:
    """Return the rules that ``password`` breaks as a password of ``user``."""
    names = (user.last_name, user.first_name)
    return policy.faults(password, login=user.email, names=names, policy=policy.password_policy())


def hash_password(password: str) -> str:
    """Return the Argon2id hash under which a password is kept."""
    return _hasher().hash(unicodedata.normalize("NFC", password))


def needs_rehash(hashed: str) -> bool:
    """Tell whether a password is kept with other figures than those in force."""
    return _hasher().check_needs_rehash(hashed)


def _hasher() -> PasswordHasher:
    return _made(policy.rules().hashing)


@cache
def _made(given: policy.Hashing) -> PasswordHasher:
    return PasswordHasher(time_cost=given.time_cost, memory_cost=given.memory_kib, parallelism=given.parallelism)


@cache
def _nobody(given: policy.Hashing) -> str:
    return _made(given).hash(secrets.token_urlsafe(16))


def matches(hashed: str, password: str) -> bool:
    """Tell whether ``password`` is the one of ``hashed``; without a hash it is not, after as long a time."""
    try:
        compared = hashed or _nobody(policy.rules().hashing)
        return _hasher().verify(compared, unicodedata.normalize("NFC", password)) and bool(hashed)
    except (VerifyMismatchError, InvalidHashError):
        return False


def problems_of(user: User, new: str, repeated: str) -> list[Problem]:
    """Return what speaks against a new password of ``user``; the current and the last ones are not taken again (A5)."""
    problems = faults_of(user, new)
    if not problems and matches(user.password_hash, new):
        problems.append(Problem("new_password", "password.err.same"))
    if not problems and any(matches(row.password_hash, new) for row in _former(user)):
        problems.append(Problem("new_password", "password.err.former", {"n": policy.password_policy().remembered}))
    if new != repeated:
        problems.append(Problem("repeat_password", "password.err.repeat"))
    return problems


def _former(user: User) -> Sequence[FormerPassword]:
    kept = select(FormerPassword).where(FormerPassword.user_id == user.id).order_by(FormerPassword.id.desc())
    return db.session.scalars(kept.limit(policy.password_policy().remembered)).all()


def store(user: User, new: str, *, now: datetime, session: int | None = None) -> None:
    """Keep ``new``, which has been judged, as the password of ``user``, and end his sessions but ``session``."""
    if user.password_hash:
        db.session.add(FormerPassword(user_id=user.id, password_hash=user.password_hash, until=now))
    user.password_hash = hash_password(new)
    user.password_changed_at = now
    user.must_change_password = False
    sessions.end_all(user, ending="password", now=now, but=session)


def current_problems(user: User, typed: str, *, now: datetime, session: LoginSession | None) -> list[Problem]:
    """Return what speaks against ``typed`` as the current password of ``user``, typed within ``session``.

    A wrong one counts as a failure of the account, together with those at the door (ESRV-42): else an open session
    that somebody found would let him guess without end.  The last that is allowed ends that session; while the door
    is shut nothing is right.  The caller commits, though it refuses.
    """
    attempt = lockouts.begin(user.email, user.id, address="", now=now)
    if not attempt.is_shut and matches(user.password_hash, typed):
        lockouts.succeed(attempt)
        return []
    lockouts.fail(attempt)
    audit.record("password_refused", f"user {user.id}", by=user.id, at=now)
    if attempt.is_shut:
        return [Problem("current_password", "password.err.shut")]
    if session is not None and attempt.counter.locked_until is not None:
        sessions.close(session, ending="guesses", now=now)
    return [Problem("current_password", "password.err.current")]


def change(
    user: User, *, current: str, new: str, repeated: str, now: datetime, session: LoginSession | None = None
) -> None:
    """Set a new password and end the user's sessions but ``session``, the one in which he does it.

    Raises:
        Invalid: the current password is wrong (the caller commits the counted failure), the new one breaks a rule,
            equals the current one or one of the last, or was not repeated exactly.
    Source: user manual, paragraph 8.2; readings A4, A5, A6.
    """
    problems = current_problems(user, current, now=now, session=session)
    problems += problems_of(user, new, repeated)
    if problems:
        raise Invalid(problems=problems)
    store(user, new, now=now, session=session.id if session else None)
    audit.record("password_changed", f"user {user.id}", by=user.id, at=now)
