"""A person's generator of one-time codes, and the recovery codes for the day he loses it.

The secret is kept encrypted with a key derived from that of the installation; recovery codes are kept as hashes.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import datetime

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Select, delete, func, select

from app import db
from app.accounts import one_time_codes, signals
from app.accounts.models import Authenticator, AuthenticatorReset, RecoveryCode, User
from app.audit import operations as audit
from app.errors import Conflict, Invalid
from app.web import here

RECOVERY_CODES = 10
_SIGNS = "23456789abcdefghjkmnpqrstuvwxyz"
"""Without those that look alike."""


def of(user: User) -> Authenticator | None:
    """Return the authenticator of ``user``, confirmed or being set up."""
    return db.session.get(Authenticator, user.id)


def has(user: User) -> bool:
    """Tell whether ``user`` has an authenticator in force."""
    found = of(user)
    return found is not None and found.confirmed_at is not None


def begin(user: User, *, now: datetime) -> str:
    """Make a new secret for ``user`` and return it; it is in force once a code of it has been given.

    Raises:
        Conflict: he has an authenticator; it is removed first.
    """
    found = of(user)
    if found is not None and found.confirmed_at is not None:
        raise Conflict("err.already_done")
    secret = one_time_codes.new_secret()
    if found is None:
        found = Authenticator(user_id=user.id, secret="", created_at=now)
        db.session.add(found)
    found.secret, found.created_at, found.last_step = _box().encrypt(secret.encode()).decode(), now, 0
    db.session.flush()
    return secret


def secret_of(authenticator: Authenticator) -> str:
    """Return the secret of an authenticator, to be shown while it is being set up."""
    return _box().decrypt(authenticator.secret.encode()).decode()


def confirm(user: User, code: str, *, now: datetime) -> list[str]:
    """Put the authenticator in force by its first code, and return the recovery codes, which are told this once.

    Raises:
        Conflict: none is being set up.
        Invalid: the code is not of it.
    """
    found = of(user)
    if found is None or found.confirmed_at is not None:
        raise Conflict("err.already_done")
    step = one_time_codes.step_of(secret_of(found), _typed(code), now=now, after=found.last_step)
    if step is None:
        raise Invalid.at("code", "codes.err.wrong")
    found.confirmed_at, found.last_step = now, step
    for taken in db.session.scalars(_taken_away(user.id)).unique():
        taken.replaced_at = now
    audit.record("authenticator_added", f"user {user.id}", by=user.id, at=now)
    signals.authenticator_changed.send(user, added=True, now=now)
    return new_recovery_codes(user, now=now)


def new_recovery_codes(user: User, *, now: datetime) -> list[str]:
    """Return ten new recovery codes, which are told this once; the old ones die."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    codes = [
        "-".join("".join(secrets.choice(_SIGNS) for _ in range(5)) for _ in range(2)) for _ in range(RECOVERY_CODES)
    ]
    db.session.add_all(RecoveryCode(user_id=user.id, code_hash=_hashed(user, code)) for code in codes)
    db.session.flush()
    audit.record("recovery_codes_issued", f"user {user.id}", by=user.id, at=now)
    return codes


def recovery_codes_left(user: User) -> int:
    """Return how many recovery codes of ``user`` have not been used."""
    unused = select(func.count()).where(RecoveryCode.user_id == user.id, RecoveryCode.used_at.is_(None))
    return db.session.scalar(unused) or 0


def remove(user: User, *, by: User, now: datetime) -> None:
    """Take the authenticator of ``user`` away, with his recovery codes.

    Raises:
        Conflict: he has none.
    """
    found = of(user)
    if found is None or found.confirmed_at is None:
        raise Conflict("err.already_done")
    take_away(user)
    audit.record("authenticator_removed", f"user {user.id}", by=by.id, at=now)
    signals.authenticator_changed.send(user, added=False, now=now)


def take_away(user: User) -> None:
    """Let ``user`` have neither authenticator nor recovery codes; who does it records and tells it."""
    db.session.execute(delete(Authenticator).where(Authenticator.user_id == user.id))
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))


def must_set_up(user: User) -> bool:
    """Tell whether officers have taken the lost authenticator of ``user`` away, and he has no new one yet."""
    return bool(db.session.scalar(select(_taken_away(user.id).exists())))


def _taken_away(user_id: int) -> Select[AuthenticatorReset]:
    return select(AuthenticatorReset).where(
        AuthenticatorReset.user_id == user_id,
        AuthenticatorReset.done_at.is_not(None),
        AuthenticatorReset.replaced_at.is_(None),
    )


def takes(user: User, code: str, *, now: datetime) -> bool:
    """Tell whether ``code`` is right, and use it up: a code of the present step or a neighbour, or a recovery code."""
    found = db.session.scalars(
        select(Authenticator)
        .where(Authenticator.user_id == user.id, Authenticator.confirmed_at.is_not(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        return False
    typed = _typed(code)
    step = one_time_codes.step_of(secret_of(found), typed, now=now, after=found.last_step)
    if step is not None:
        found.last_step = step
        return True
    hashed = _hashed(user, typed)
    for kept in db.session.scalars(
        select(RecoveryCode).where(RecoveryCode.user_id == user.id, RecoveryCode.used_at.is_(None)).with_for_update()
    ):
        if hmac.compare_digest(kept.code_hash, hashed):
            kept.used_at = now
            audit.record("recovery_code_used", f"user {user.id}", by=user.id, at=now)
            return True
    return False


def _random() -> str:
    return "".join(secrets.choice(_SIGNS) for _ in range(5))


def _typed(code: str) -> str:
    return "".join(code.split()).casefold()


def _hashed(user: User, code: str) -> str:
    key = here.config().secret_key.encode()
    return hmac.new(key, f"recovery code {user.id} {code}".encode(), "sha256").hexdigest()


def _box() -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"kezen authenticator secrets")
    return Fernet(base64.urlsafe_b64encode(derived.derive(here.config().secret_key.encode())))
