"""Shut doors: after failures in a row, and after several logins from one address.

Nothing here asks whether a login exists before it acts: what is typed is counted under a keyed hash, existing or not,
and costs the same.  Who must be told of a shut door is told afterwards, by the worker.
Source: e-services rules, paragraphs 42 and 43, readings A5 and A6 there.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from app import db
from app.accounts import addresses, policy, queries, signals
from app.accounts.models import AddressBlock, SignInAttempt, SignInCounter, User
from app.audit import operations as audit
from app.web import here

LOGIN = "login"
KEPT = timedelta(days=1)
"""How long tries are kept; the literal rule looks back so far."""


@dataclass
class Try:
    """One try to get in: with which login (its keyed hash), whose it is if anybody's, from which address.

    ``is_shut`` tells that the door was shut before, and nothing that is shown may open it.
    """

    login: str
    user_id: int | None
    address: str
    at: datetime
    counter: SignInCounter
    is_shut: bool


def digest(email: str, purpose: str = LOGIN) -> str:
    """Return the keyed hash under which the tries of a login are counted, those of another ``purpose`` apart."""
    key = here.config().secret_key.encode()
    return hmac.new(key, purpose.encode() + b" " + queries.normalised(email).encode(), hashlib.sha256).hexdigest()


def begin(email: str, user_id: int | None, *, address: str, now: datetime, purpose: str = LOGIN) -> Try:
    """Count a try as a failure before anything is judged; its row is held, so that parallel ones stand in line."""
    login = digest(email, purpose)
    counter = _counter(login, user_id, now)
    rule = policy.rules()
    _literal(counter, address, now)
    blocked = db.session.scalar(
        select(func.count())
        .select_from(AddressBlock)
        .where(AddressBlock.login == login, AddressBlock.address == address, AddressBlock.until > now)
    )
    is_shut = bool(blocked) or (counter.locked_until is not None and counter.locked_until > now)
    if not is_shut:
        counter.failures = 1 if counter.locked_until else counter.failures + 1
        counter.locked_until, counter.reason = None, ""
        if counter.failures >= rule.lockout.failures:
            counter.locked_until = now + timedelta(minutes=rule.lockout.minutes)
            counter.reason = "failures" if purpose == LOGIN else purpose
    counter.last_at = now
    db.session.flush()
    return Try(login, user_id, address, now, counter, is_shut)


def is_shut(email: str, *, now: datetime, purpose: str = LOGIN) -> bool:
    """Tell whether a door is shut by failures in a row, without counting a try."""
    found = db.session.get(SignInCounter, digest(email, purpose))
    return found is not None and found.locked_until is not None and found.locked_until > now


def succeed(attempt: Try) -> None:
    """Take the failure back: a success resets the count."""
    attempt.counter.failures, attempt.counter.locked_until, attempt.counter.reason = 0, None, ""
    attempt.counter.is_told = True
    _note(attempt, succeeded=True)


def fail(attempt: Try) -> None:
    """Let the failure stand; the owner of a door that has just been shut is to be told."""
    counter = attempt.counter
    if not attempt.is_shut and counter.locked_until is not None:
        counter.is_told = False
    _note(attempt, succeeded=False)
    if not attempt.is_shut:
        _guarded(attempt)


def _counter(login: str, user_id: int | None, now: datetime) -> SignInCounter:
    dialect = postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite
    row = {"login": login, "user_id": user_id, "failures": 0, "reason": "", "is_told": True, "last_at": now}
    db.session.execute(dialect.insert(SignInCounter).values(row).on_conflict_do_nothing())
    counter = db.session.scalars(
        select(SignInCounter)
        .where(SignInCounter.login == login)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    counter.user_id = user_id
    return counter


def _note(attempt: Try, *, succeeded: bool) -> None:
    db.session.add(
        SignInAttempt(
            login=attempt.login, user_id=attempt.user_id, address=attempt.address, at=attempt.at, succeeded=succeeded
        )
    )
    db.session.flush()


def _literal(counter: SignInCounter, address: str, now: datetime) -> None:
    """Mode ``literal``: a second login from an address shuts the door of the tried one, from everywhere."""
    if here.config().address_rule != "literal" or addresses.is_spared(address):
        return
    hours = timedelta(hours=policy.rules().address_rule.hours)
    others = db.session.scalar(
        select(func.count())
        .select_from(SignInAttempt)
        .where(SignInAttempt.address == address, SignInAttempt.at > now - hours, SignInAttempt.login != counter.login)
    )
    if others and not (counter.locked_until and counter.locked_until > now):
        counter.locked_until, counter.reason = now + hours, "address"
        counter.is_told = False


def _guarded(attempt: Try) -> None:
    """Mode ``guarded``: failures with several existing logins from one address shut their doors for this address."""
    if here.config().address_rule != "guarded" or addresses.is_spared(attempt.address):
        return
    rule = policy.rules().address_rule
    since = attempt.at - timedelta(minutes=rule.window_minutes)
    tried = db.session.execute(
        select(SignInAttempt.login, SignInAttempt.user_id)
        .where(
            SignInAttempt.address == attempt.address,
            SignInAttempt.at > since,
            SignInAttempt.succeeded.is_(False),
            SignInAttempt.user_id.is_not(None),
        )
        .distinct()
    ).all()
    if len(tried) < rule.logins:
        return
    shut = set(
        db.session.scalars(
            select(AddressBlock.login).where(AddressBlock.address == attempt.address, AddressBlock.until > attempt.at)
        )
    )
    for login, user_id in tried:
        if login not in shut:
            until = attempt.at + timedelta(hours=rule.hours)
            db.session.add(
                AddressBlock(login=login, user_id=user_id, address=attempt.address, at=attempt.at, until=until)
            )
            audit.record(
                "address_blocked", f"user {user_id}", by=None, at=attempt.at, address=attempt.address, until=str(until)
            )
    db.session.flush()


def tell_due(*, now: datetime) -> int:
    """Tell of the doors that were shut and not told of yet, and return how many they were."""
    counters = db.session.scalars(select(SignInCounter).where(SignInCounter.is_told.is_(False)).with_for_update()).all()
    blocks = db.session.scalars(select(AddressBlock).where(AddressBlock.is_told.is_(False)).with_for_update()).all()
    told = len(blocks)
    for counter in counters:
        counter.is_told = True
        if counter.locked_until is not None and counter.user_id is not None:
            user = db.session.get_one(User, counter.user_id)
            audit.record(
                "account_locked", f"user {user.id}", by=None, at=now,
                reason=counter.reason, until=str(counter.locked_until),
            )  # fmt: skip
            told += 1
            signals.locked.send(user, until=counter.locked_until, reason=counter.reason, now=now)
    for block in blocks:
        block.is_told = True
        user = db.session.get_one(User, block.user_id)
        signals.address_blocked.send(user, address=block.address, until=block.until, now=now)
    return told


def forget(*, now: datetime) -> None:
    """Take away what is older than a day."""
    db.session.execute(delete(SignInAttempt).where(SignInAttempt.at < now - KEPT))
    db.session.execute(
        delete(SignInCounter).where(
            SignInCounter.last_at < now - KEPT,
            or_(SignInCounter.locked_until.is_(None), SignInCounter.locked_until < now),
        )
    )


def open_door(user: User, *, by: User, now: datetime, codes_too: bool = True) -> None:
    """Let ``user`` try again at once, whatever had shut his door; where none was shut nothing is told.

    ``codes_too`` is said by an officer who knows whom he speaks with; a mailbox alone gives no new guesses of codes.
    """
    login, was_shut = digest(user.email), False
    counters = select(SignInCounter).where(SignInCounter.user_id == user.id)
    if not codes_too:
        counters = counters.where(SignInCounter.login == login)
    for counter in db.session.scalars(counters):
        was_shut = was_shut or (counter.locked_until is not None and counter.locked_until > now)
        counter.failures, counter.locked_until, counter.reason, counter.is_told = 0, None, "", True
    for block in db.session.scalars(select(AddressBlock).where(AddressBlock.login == login, AddressBlock.until > now)):
        block.until, was_shut = now, True
    if not was_shut:
        return
    audit.record("account_unlocked", f"user {user.id}", by=by.id, at=now)
    signals.unlocked.send(user, now=now)


def shut(*, now: datetime) -> tuple[list[SignInCounter], list[AddressBlock]]:
    """Return the doors of existing accounts that are shut now, and those shut for one address."""
    counters = db.session.scalars(
        select(SignInCounter)
        .where(SignInCounter.user_id.is_not(None), SignInCounter.locked_until > now)
        .order_by(SignInCounter.locked_until)
    )
    blocks = db.session.scalars(select(AddressBlock).where(AddressBlock.until > now).order_by(AddressBlock.until))
    return list(counters), list(blocks)
