"""One-time codes by mail, where the figures of access offer them (they do not by default).

A mailbox is a weak second factor: whoever has it can set the password too.  So codes by mail are for installations
that have decided so, and for people who have no generator; wrong ones count as wrong codes of a generator do.
Source: e-services rules, paragraphs 22 (2) and 40; design of neighbouring rules, 4.1.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from app import db
from app.accounts import policy, signals
from app.accounts.models import LoginSession, MailCode, User
from app.audit import operations as audit
from app.errors import Conflict
from app.web import here

KEPT = timedelta(days=1)


def are_offered() -> bool:
    """Tell whether a code by mail may stand for that of a generator."""
    return policy.rules().mail_codes.offered


def send(session: LoginSession, *, now: datetime) -> None:
    """Mail a new code for ``session``; older ones of it die.

    Raises:
        Conflict: none are offered, one was sent a moment ago, or too many within the hour.
    """
    rule, user = policy.rules().mail_codes, session.user
    if not rule.offered:
        raise Conflict("codes.err.mail_off")
    asked = db.session.scalars(
        select(MailCode.asked_at)
        .where(MailCode.user_id == user.id, MailCode.asked_at > now - timedelta(hours=1))
        .order_by(MailCode.asked_at.desc())
    ).all()
    if rule.is_too_soon(asked, now=now):
        raise Conflict("codes.err.mail_soon", seconds=rule.resend_seconds)
    if rule.is_too_often(asked):
        raise Conflict("codes.err.mail_often", n=rule.per_hour)
    standing = (MailCode.session_id == session.id, MailCode.used_at.is_(None), MailCode.expires_at > now)
    db.session.execute(update(MailCode).where(*standing).values(expires_at=now))
    code = f"{secrets.randbelow(10**6):06d}"
    db.session.add(
        MailCode(
            user_id=user.id,
            session_id=session.id,
            code_hash=_hashed(session, code),
            asked_at=now,
            expires_at=now + timedelta(minutes=rule.life_minutes),
        )
    )
    db.session.flush()
    audit.record("code_mailed", f"user {user.id}", by=user.id, at=now)
    signals.code_asked.send(user, code=code, minutes=rule.life_minutes, now=now)


def takes(session: LoginSession, code: str, *, now: datetime) -> bool:
    """Tell whether ``code`` is the one that was mailed for ``session``, and use it up."""
    if not are_offered():
        return False
    hashed = _hashed(session, "".join(code.split()))
    standing = (MailCode.session_id == session.id, MailCode.used_at.is_(None), MailCode.expires_at > now)
    for row in db.session.scalars(select(MailCode).where(*standing).with_for_update()):
        if hmac.compare_digest(row.code_hash, hashed):
            row.used_at = now
            return True
    return False


def forget(*, now: datetime) -> None:
    """Take away what is older than a day."""
    db.session.execute(delete(MailCode).where(MailCode.asked_at < now - KEPT))


def hint_of(user: User) -> str:
    """Return an address so that its owner knows it and nobody else learns it: ``s…@altn.example``."""
    name, _, domain = user.email.partition("@")
    return f"{name[:1]}…@{domain}"


def _hashed(session: LoginSession, code: str) -> str:
    key = here.config().secret_key.encode()
    return hmac.new(key, f"mail code {session.id} {code}".encode(), "sha256").hexdigest()
