"""Opening a security session by a picture that the user reads and confirms on his other signed-in device.

The asking browser shows a picture with a secret, and a number.  Whoever opens the address in it must be signed in
as the same user in another login session, in which he himself has typed a one-time code (else a stolen password
alone, used twice, would do), and must find the number among three.  A request lives two minutes and serves once.
Source: e-services rules, paragraph 35 (2); design of neighbouring rules, 4.2.  Moments are the real ones.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from app import db
from app.accounts import lockouts, policy, security_sessions, sessions, signals
from app.accounts.models import DeviceRequest, LoginSession
from app.audit import operations as audit
from app.errors import Conflict, Invalid, NotFound
from app.web import here

KEPT = timedelta(days=1)
CHOICES = 3
"""How many numbers the other device chooses from."""


def ask(session: LoginSession, *, browser: str, fresh: bool, now: datetime) -> tuple[DeviceRequest, str]:
    """Make a request for ``session`` and return it with its secret, which is told this once; its older ones die.

    ``browser`` is the name of the asking one; ``fresh``: the other device must give a code just now.
    """
    waiting = (DeviceRequest.session_id == session.id, DeviceRequest.used_at.is_(None), DeviceRequest.expires_at > now)
    db.session.execute(update(DeviceRequest).where(*waiting).values(expires_at=now))
    token = secrets.token_urlsafe(32)
    row = DeviceRequest(
        session_id=session.id,
        token_hash=_hashed(token),
        browser=browser[:100],
        number=f"{10 + secrets.randbelow(90)}",
        is_fresh=fresh,
        asked_at=now,
        expires_at=now + timedelta(minutes=policy.rules().security_session.device_minutes),
        session=session,
    )
    db.session.add(row)
    db.session.flush()
    audit.record("device_asked", f"user {session.user_id}", by=session.user_id, at=now, session=session.id)
    return row, token


def path(token: str) -> str:
    """Return the path of the page that the picture leads to."""
    return f"/confirm/{token}"


def of_asker(session: LoginSession, token: str) -> DeviceRequest:
    """Return the request of a secret to the session that made it.

    Raises:
        NotFound: this session made none such.
    """
    row = _found(token)
    if row is None or row.session_id != session.id:
        raise NotFound
    return row


def on_other_device(session: LoginSession, token: str, *, now: datetime) -> DeviceRequest:
    """Return the request of a secret to another session of the same user, in which it may be judged.

    Raises:
        NotFound: there is none such, or it is another user's.
        Conflict: it is this very session's, it is used, refused, confirmed or over, or the session that asked is.
    """
    row = _found(token)
    if row is None or row.session.user_id != session.user_id:
        raise NotFound
    if row.session_id == session.id:
        raise Conflict("device.err.same")
    state = row.state_at(now)
    if state != "waiting":
        raise Conflict("device.err.used" if state == "confirmed" else f"device.err.{state}")
    if not sessions.stands(row.session, now=now):
        raise Conflict("device.err.over")
    return row


def numbers(row: DeviceRequest) -> list[str]:
    """Return the numbers among which the right one is to be found, the same however often the page is opened."""
    key, found, turn = here.config().secret_key.encode(), {row.number}, 0
    while len(found) < CHOICES:
        drawn = hmac.new(key, f"device {row.token_hash} {turn}".encode(), "sha256").digest()
        found.add(f"{10 + int.from_bytes(drawn[:4], 'big') % 90}")
        turn += 1
    return sorted(found)


def has_proved(session: LoginSession, *, fresh: bool, now: datetime) -> bool:
    """Tell whether a code has been typed in ``session`` itself; ``fresh``: within the last minutes."""
    if session.proved_at is None:
        return False
    life = timedelta(minutes=policy.rules().security_session.fresh_minutes)
    return not fresh or now - session.proved_at < life


def confirm(session: LoginSession, token: str, number: str, *, now: datetime) -> DeviceRequest:
    """Confirm a request on another device, by the number that its screen shows.

    Raises:
        NotFound, Conflict: as for ``on_other_device``; no code has been typed here, or none is taken now.
        Invalid: the number is another: the request is refused, and the failure counted as a wrong code.
    """
    row = on_other_device(session, token, now=now)
    user = session.user
    if not has_proved(session, fresh=row.is_fresh, now=now):
        raise Conflict("device.err.no_code")
    if lockouts.is_shut(user.email, now=now, purpose=security_sessions.CODES):
        raise Conflict("codes.err.shut")
    if not hmac.compare_digest(row.number.encode(), number.encode()):
        lockouts.fail(lockouts.begin(user.email, user.id, address="", now=now, purpose=security_sessions.CODES))
        _refuse(row, "device_wrong_number", now=now)
        raise Invalid.at("number", "device.err.wrong")
    row.confirmed_at, row.confirmed_in_id = now, session.id
    audit.record(
        "device_confirmed", f"user {user.id}", by=user.id, at=now, session=row.session_id, by_session=session.id
    )
    signals.device_confirmed.send(user, browser=row.browser, address=row.session.address, at=row.asked_at, now=now)
    return row


def refuse(session: LoginSession, token: str, *, now: datetime) -> None:
    """Refuse a request on another device: its owner did not make it.

    Raises:
        NotFound, Conflict: as for ``on_other_device``.
    """
    _refuse(on_other_device(session, token, now=now), "device_refused", now=now)


def use(session: LoginSession, token: str, *, browser: str, now: datetime) -> bool:
    """Open the security session of the asker if its request has been confirmed; False while it waits.

    Raises:
        NotFound: this session made no such request.
        Conflict: it is used, refused or over, another browser asked, or no code is taken now.
    """
    row = of_asker(session, token)
    state = row.state_at(now)
    if browser[:100] != row.browser:
        raise Conflict("device.err.browser")
    if state in ("used", "refused", "over"):
        raise Conflict(f"device.err.{state}")
    if state == "waiting":
        return False
    other = db.session.get(LoginSession, row.confirmed_in_id)
    if other is None or other.proved_at is None or not sessions.stands(other, now=now):
        raise Conflict("device.err.over")  # the other device has been signed out since
    if lockouts.is_shut(session.user.email, now=now, purpose=security_sessions.CODES):
        raise Conflict("codes.err.shut")
    row.used_at = now
    given_at = row.confirmed_at if row.is_fresh and row.confirmed_at is not None else other.proved_at
    security_sessions.open_by_device(session, code_at=given_at, now=now)
    return True


def forget(*, now: datetime) -> None:
    """Take away what is older than a day; the audit knows it still."""
    db.session.execute(delete(DeviceRequest).where(DeviceRequest.asked_at < now - KEPT))


def _refuse(row: DeviceRequest, act: str, *, now: datetime) -> None:
    row.refused_at = now
    user = row.session.user
    audit.record(act, f"user {user.id}", by=user.id, at=now, session=row.session_id)
    signals.device_refused.send(user, browser=row.browser, address=row.session.address, at=row.asked_at, now=now)


def _found(token: str) -> DeviceRequest | None:
    """Return the request of a secret; its row is held, so that two answers stand in line."""
    statement = select(DeviceRequest).where(DeviceRequest.token_hash == _hashed(token))
    held = statement.with_for_update(of=DeviceRequest).execution_options(populate_existing=True)
    return db.session.scalars(held).unique().one_or_none()


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
