"""Signing in, passwords, contact data.

Source: user manual, paragraphs 4 and 8; readings A4 to A7, A31.  The lock-out figures are the
house's own (reading A41): five failures lock for an hour.
"""

from __future__ import annotations

import secrets
import unicodedata
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from blinker import Signal
from sqlalchemy import update

from app import db
from app.accounts import queries
from app.accounts.models import User
from app.audit import operations as audit
from app.errors import Conflict, Invalid, Problem

MOST_FAILURES = 5
LOCK = timedelta(hours=1)
AGREEMENT_VERSION = "2026-11"
SHORTEST, LONGEST = 8, 12

locked = Signal("Sent with a user whose account has just been locked, ``until`` when, in the same transaction.")

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_nobody = _hasher.hash(secrets.token_urlsafe(16))


def password_faults(password: str) -> list[str]:
    """Return the keys of the rules that ``password`` breaks, in the manual's order (IS2IN-8.2.c to g).

    Counted in characters after NFC; a symbol is printable, neither letter nor digit nor space.
    """
    text = unicodedata.normalize("NFC", password)
    faults = []
    if len(text) < SHORTEST:
        faults.append("password.err.short")
    if len(text) > LONGEST:
        faults.append("password.err.long")
    if not any(sign.isdigit() for sign in text):
        faults.append("password.err.digit")
    if not (any(sign.isupper() for sign in text) and any(sign.islower() for sign in text)):
        faults.append("password.err.case")
    if not any(sign.isprintable() and not sign.isalnum() and not sign.isspace() for sign in text):
        faults.append("password.err.symbol")
    return faults


def hash_password(password: str) -> str:
    """Return the Argon2id hash under which a password is kept."""
    return _hasher.hash(unicodedata.normalize("NFC", password))


def _matches(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed or _nobody, unicodedata.normalize("NFC", password)) and bool(hashed)
    except (VerifyMismatchError, InvalidHashError):
        return False


def sign_in(email: str, password: str, *, now: datetime) -> User | None:
    """Return the user whose address and password these are, or None; never say which was wrong.

    A failure is counted before the password is hashed, and the row is held from then on, so that
    guesses in parallel stand in line and each counts.
    An unknown address costs the same time as a known one.
    """
    user = queries.by_email(email)
    if user is None or not user.is_active:
        _matches("", password)
        audit.record("sign_in_failed", "user unknown" if user is None else f"user {user.id}", by=None, at=now)
        return None
    db.session.refresh(user, ["failures", "locked_until", "password_hash"], with_for_update=True)
    if user.locked_until and user.locked_until > now:
        _matches("", password)
        audit.record("sign_in_locked", f"user {user.id}", by=None, at=now)
        return None
    failures = 1 if user.locked_until else user.failures + 1
    locked_until = now + LOCK if failures >= MOST_FAILURES else None
    db.session.execute(
        update(User).where(User.id == user.id).values(failures=failures, locked_until=locked_until),
        execution_options={"synchronize_session": "evaluate"},
    )
    if not _matches(user.password_hash, password):
        audit.record("sign_in_failed", f"user {user.id}", by=None, at=now)
        if locked_until is not None:
            locked.send(user, until=locked_until, now=now)
        return None
    user.failures = 0
    user.locked_until = None
    user.last_sign_in = now
    if user.agreement_version != AGREEMENT_VERSION:
        user.agreement_version = AGREEMENT_VERSION
        user.agreement_at = now
    audit.record("signed_in", f"user {user.id}", by=user.id, at=now)
    return user


def change_password(user: User, *, current: str, new: str, repeated: str, now: datetime) -> None:
    """Set a new password and end the user's other sessions.

    Raises:
        Invalid: the current password is wrong, the new one breaks a rule, equals the current one,
            or was not repeated exactly.
    Source: user manual, paragraph 8.2; readings A4, A5, A6.
    """
    problems = []
    if not _matches(user.password_hash, current):
        problems.append(Problem("current_password", "password.err.current"))
    problems += [Problem("new_password", key) for key in password_faults(new)]
    if not problems and _matches(user.password_hash, new):
        problems.append(Problem("new_password", "password.err.same"))
    if new != repeated:
        problems.append(Problem("repeat_password", "password.err.repeat"))
    if problems:
        raise Invalid(problems=problems)
    user.password_hash = hash_password(new)
    user.password_changed_at = now
    user.must_change_password = False
    user.session_round += 1
    audit.record("password_changed", f"user {user.id}", by=user.id, at=now)


def update_contacts(
    user: User,
    *,
    last_name: str,
    first_name: str,
    patronymic: str,
    position: str,
    phone: str,
    language: str,
    now: datetime,
) -> None:
    """Store the user's own contact data (IS2IN-8.2.a); the values are checked by the input."""
    user.last_name, user.first_name, user.patronymic = last_name, first_name, patronymic
    user.position, user.phone, user.language = position, phone, language
    audit.record("contacts_changed", f"user {user.id}", by=user.id, at=now)


def create(
    *,
    email: str,
    last_name: str,
    first_name: str,
    patronymic: str = "",
    position: str = "",
    phone: str = "",
    iin: str = "",
    exchange_roles: tuple[str, ...] = (),
    by: int | None,
    now: datetime,
) -> tuple[User, str]:
    """Create an account and return it with its issued password.

    The issued password opens nothing but the page where a new one is set (readings A6, A31).

    Raises:
        Conflict: the address already has an account.
    """
    if queries.by_email(email) is not None:
        raise Conflict("user.err.exists", email=email)
    issued = issue_password()
    user = User(
        email=queries.normalised(email),
        last_name=last_name,
        first_name=first_name,
        patronymic=patronymic,
        position=position,
        phone=phone,
        iin=iin,
        exchange_roles=list(exchange_roles),
        password_hash=hash_password(issued),
        password_changed_at=now,
        must_change_password=True,
        created_at=now,
    )
    db.session.add(user)
    db.session.flush()
    audit.record("user_created", f"user {user.id}", by=by, at=now)
    return user, issued


def issue_password() -> str:
    """Return a random password that keeps every rule."""
    while True:
        password = secrets.token_urlsafe(6)[:8] + secrets.choice("!#%+=") + secrets.choice("23456789") + "aK"
        if not password_faults(password):
            return password
