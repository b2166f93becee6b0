"""Signing in with an NCA key: a text given to one browser is signed by the key, and the key's owner is let in.

The text begins as ``app.signatures.purpose`` says, so that it never passes for a document, and names host and purpose,
so that what was signed at another door, or for a test of a key, opens nothing here.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from app import catalogue, db
from app.accounts import lockouts, operations, queries
from app.accounts.models import UsedChallenge, User
from app.audit import operations as audit
from app.authorities.gathering import judged
from app.errors import Conflict, Invalid, Problem
from app.signatures.purpose import CHALLENGE
from app.signatures.report import SignatureReport, Verdict
from app.web import here

LIFE = timedelta(minutes=2)
LARGEST_CMS = 256 * 1024
KEPT = timedelta(days=1)
_PURPOSE = "sign in"


def challenge(host: str, *, now: datetime) -> str:
    """Return a text to be signed at the door of ``host``; the browser's session keeps it until it comes back."""
    lines = (host, _PURPOSE, secrets.token_hex(32), now.isoformat())
    return CHALLENGE.decode() + "\n".join(lines) + "\n"


def require_standing(text: str, host: str, *, now: datetime) -> None:
    """Refuse a text that was not given out for this door within the last two minutes.

    Raises:
        Conflict: it was not.
    """
    lines = text.removeprefix(CHALLENGE.decode()).splitlines() if text.startswith(CHALLENGE.decode()) else []
    if len(lines) != 4 or lines[:2] != [host, _PURPOSE]:
        raise Conflict("entrance.err.stale")
    if not timedelta() <= now - datetime.fromisoformat(lines[3]) < LIFE:
        raise Conflict("entrance.err.stale")


def judge(cms: bytes, text: str, *, now: datetime) -> SignatureReport:
    """Verify the signature over the text.  This may take a while: hold no transaction meanwhile.

    Raises:
        Invalid: there is none, or it is larger than any.
    """
    if not cms or len(cms) > LARGEST_CMS:
        raise Invalid.at("cms", "entrance.err.no_signature")
    present = catalogue.present()
    return judged(cms, text.encode(), at=now, trust=present.trust, online=present.online)


def enter(report: SignatureReport, text: str, *, address: str, now: datetime) -> User:
    """Let in the owner of the key with which ``text`` was signed; the rules of shut doors and blocks hold.

    Raises:
        Invalid: the signature does not hold; each reason is told.
        Conflict: the text was used, no account belongs to the key or several do, the door is shut, or the account
            is blocked.
    """
    if report.verdict is not Verdict.VALID or len(report.signers) != 1:
        told = [f"sig.reason.{code}" for code in report.reasons] or ["sig.refusal.not_valid"]
        raise Invalid(problems=[Problem("cms", key) for key in told])
    _use_up(text, now=now)
    signer = report.signers[0]
    owners = [user for user in queries.by_iin(signer.iin or "") if _is_of(user, signer.bin)]
    if len(owners) != 1:
        audit.record("key_refused", "user unknown" if not owners else "several users", by=None, at=now)
        raise Conflict("entrance.err.nobody" if not owners else "entrance.err.several")
    user = owners[0]
    attempt = lockouts.begin(user.email, user.id, address=address, now=now)
    if attempt.is_shut:
        lockouts.fail(attempt)
        audit.record("sign_in_locked", f"user {user.id}", by=None, at=now)
        raise Conflict("entrance.err.shut")
    lockouts.succeed(attempt)
    operations.welcome(user, now=now)
    return user


def place_of(user: User, report: SignatureReport) -> int | None:
    """Return the membership of ``user`` that a verified key is for, None where it names no organisation."""
    bins = {signer.bin for signer in report.signers}
    return next((each.id for each in user.places if each.organisation.bin in bins), None)


def forget(*, now: datetime) -> None:
    """Take away texts that were used long ago."""
    db.session.execute(delete(UsedChallenge).where(UsedChallenge.at < now - KEPT))


def _use_up(text: str, *, now: datetime) -> None:
    used = UsedChallenge(token_hash=hashlib.sha256(text.encode()).hexdigest(), at=now)
    try:
        with db.session.begin_nested():
            db.session.add(used)
    except IntegrityError:
        raise Conflict("entrance.err.stale") from None


def _is_of(user: User, bin: str | None) -> bool:
    """Tell whether the organisation in a key, if one stands there, is one for which ``user`` works."""
    if bin is None:
        return True
    if user.is_exchange:
        return bin == here.config().exchange_bin
    return any(member.is_active and member.organisation.bin == bin for member in user.memberships)
