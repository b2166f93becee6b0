"""The security session: the time after a one-time code in which guarded operations may be done.

It lies within one login session, ends by itself, and with that session; nothing guarded changes anything without it.
Source: e-services rules, paragraphs 21, 25, 35, 36, 38; design of neighbouring rules, 4.2.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from app.accounts import authenticators, lockouts, mail_codes, policy, sessions
from app.accounts.models import LoginSession, User
from app.audit import operations as audit
from app.errors import Conflict, Invalid
from app.permissions import Role
from app.web import here

CODES = "codes"
"""The purpose under which wrong codes are counted: nobody who lacks the password can stop another's work."""


def is_asked_of(user: User) -> bool:
    """Tell whether guarded operations of ``user`` need a code: by the setting of his organisation or the Exchange.

    Whose lost generator was taken away is asked in any case: he sets up a new one first.
    """
    if authenticators.must_set_up(user):
        return True
    if user.is_exchange:
        return here.config().exchange_codes
    organisation = user.organisation
    if organisation is None or organisation.codes == "none":
        return False
    return organisation.codes == "everybody" or Role.FIRST_HEAD in user.roles


def is_open(session: LoginSession, *, now: datetime, fresh: bool = False) -> bool:
    """Tell whether a security session stands; ``fresh``: and whether a code has been given in the last minutes."""
    if session.opened_at is None or session.used_at is None or session.code_at is None:
        return False
    given = policy.rules().security_session
    if fresh and now - session.code_at >= timedelta(minutes=given.fresh_minutes):
        return False
    return now < ends_at(session)


def ends_at(session: LoginSession) -> datetime:
    """Return when an opened security session ends by itself if nothing guarded is done."""
    given = policy.rules().security_session
    assert session.opened_at is not None
    assert session.used_at is not None
    absolute = session.opened_at + timedelta(minutes=given.absolute_minutes)
    return min(absolute, session.used_at + timedelta(minutes=given.idle_minutes))


def note_use(session: LoginSession, *, now: datetime) -> None:
    """Note that something guarded is done, which prolongs the session up to its absolute end."""
    session.used_at = now


def can_give_codes(user: User) -> bool:
    """Tell whether ``user`` has something that gives him codes: a generator, or the mails where these are offered."""
    return authenticators.has(user) or (mail_codes.are_offered() and not authenticators.must_set_up(user))


def open_by_code(session: LoginSession, code: str, *, now: datetime) -> None:
    """Open the security session by a one-time code, or give an open one a fresh code.

    Raises:
        Conflict: the user has nothing that gives him codes.
        Invalid: the code is wrong, used, or no code is taken now.  The failure is counted; with the last that is
            allowed no code is taken for an hour, and the login session ends.
    """
    user = session.user
    if not can_give_codes(user):
        raise Conflict("codes.err.none")
    attempt = lockouts.begin(user.email, user.id, address="", now=now, purpose=CODES)
    is_right = not attempt.is_shut and (
        authenticators.takes(user, code, now=now) or mail_codes.takes(session, code, now=now)
    )
    if not is_right:
        lockouts.fail(attempt)
        audit.record("code_refused", f"user {user.id}", by=user.id, at=now)
        if not attempt.is_shut and attempt.counter.locked_until is not None:
            sessions.close(session, ending="codes", now=now)
        raise Invalid.at("security_code", "codes.err.shut" if attempt.is_shut else "codes.err.wrong")
    lockouts.succeed(attempt)
    session.proved_at = now
    _open(session, code_at=now, now=now)


def open_by_device(session: LoginSession, *, code_at: datetime, now: datetime) -> None:
    """Open the security session because another device has confirmed; ``code_at``: the code that stands behind it."""
    _open(session, code_at=code_at, now=now)


def _open(session: LoginSession, *, code_at: datetime, now: datetime) -> None:
    if not is_open(session, now=now):
        session.opened_at = now
    session.used_at = now
    session.code_at = max(code_at, session.code_at) if session.code_at else code_at
    audit.record("security_session_opened", f"user {session.user_id}", by=session.user_id, at=now)


def close(session: LoginSession) -> None:
    """End the security session; the login session goes on."""
    session.opened_at = session.used_at = session.code_at = session.proved_at = None
