"""Blocks that people wish: their own, by a button or through an officer, and what ends them; suspected compromise.

Source: e-services rules, paragraphs 27 to 29, 31 and 44.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from app import db
from app.accounts import links, policy, queries, sessions, signals
from app.accounts.models import Block, BlockRequest, User
from app.audit import operations as audit
from app.errors import Conflict, Invalid, NotFound, NotPermitted
from app.permissions import Permission


def block_oneself(user: User, *, reason: str, now: datetime) -> Block:
    """Block the account of ``user`` at once, as he wishes, and end his sessions.

    Raises:
        Conflict: it is blocked.
        Invalid: no reason is given.
    """
    return _block(user, kind="self", reason=reason, by=user, identified_at=None, now=now)


def identify(user_id: int, *, how: str, by: User, now: datetime) -> BlockRequest:
    """Record that a client who asks to be blocked has been identified, and how; the time for the block runs from now.

    Raises:
        NotPermitted: ``by`` does not guard accounts, or the account is his own (he has his profile for that).
        NotFound: there is no such account.
        Conflict: it is blocked, or such a wish waits.
        Invalid: it is not said how.
    """
    require_officer(by, user_id)
    user = queries.by_id(user_id)
    if queries.standing_block(user.id) is not None or any(row.user_id == user.id for row in waiting()):
        raise Conflict("err.already_done")
    due = now + timedelta(minutes=policy.rules().block.minutes)
    row = BlockRequest(user_id=user.id, identified_at=now, how=sentence("how", how), by_id=by.id, due_at=due, user=user)
    db.session.add(row)
    db.session.flush()
    audit.record("block_asked", f"user {user.id}", by=by.id, at=now, how=row.how)
    return row


def block(request_id: int, *, reason: str, by: User, now: datetime) -> Block:
    """Block the account of a client who has been identified.

    Raises:
        NotPermitted, NotFound, Conflict, Invalid: as above.
    """
    require_officer(by)
    request = next((row for row in waiting() if row.id == request_id), None)
    if request is None:
        raise NotFound
    found = _block(request.user, kind="request", reason=reason, by=by, identified_at=request.identified_at, now=now)
    request.done_at = now
    return found


def waiting() -> Sequence[BlockRequest]:
    """Return the wishes that wait for their block, the most urgent first."""
    rows = select(BlockRequest).where(BlockRequest.done_at.is_(None)).order_by(BlockRequest.due_at)
    return db.session.scalars(rows).unique().all()


def standing() -> Sequence[Block]:
    """Return the blocks that stand, the newest first."""
    rows = select(Block).where(Block.ended_at.is_(None)).order_by(Block.at.desc())
    return db.session.scalars(rows).unique().all()


def record_presence(block_id: int, *, note: str, by: User, now: datetime) -> Block:
    """Record that the owner of a blocked account is personally there, and how he was identified.

    Raises:
        NotPermitted: ``by`` does not guard accounts, or the account is his own.
        NotFound: there is no such standing block.
        Conflict: his presence is recorded.
        Invalid: nothing is noted.
    """
    found = _standing(block_id, by)
    if found.presence_at is not None:
        raise Conflict("err.already_done")
    found.presence_note = sentence("note", note)
    found.presence_at, found.presence_by_id = now, by.id
    audit.record("presence_recorded", f"user {found.user_id}", by=by.id, at=now, note=found.presence_note)
    signals.presence_recorded.send(found.user, by=by, now=now)
    return found


def unblock(block_id: int, *, by: User, now: datetime) -> Block:
    """End a block, as the second officer, after the first has recorded the owner's presence.

    Raises:
        NotPermitted: ``by`` does not guard accounts, the account is his own, or he is the first officer.
        NotFound: there is no such standing block.
        Conflict: no presence is recorded.
    """
    found = _standing(block_id, by)
    if found.presence_at is None:
        raise Conflict("guard.err.no_presence")
    if found.presence_by_id == by.id:
        raise NotPermitted("guard.err.same_officer")
    found.ended_at, found.ended_by_id = now, by.id
    audit.record("account_unblocked", f"user {found.user_id}", by=by.id, at=now)
    signals.unblocked.send(found.user, now=now)
    return found


def suspect(user_id: int, *, reason: str, by: User, now: datetime) -> None:
    """Reset the password of an account that others may know: sessions end, a link to set a new one is mailed.

    Raises:
        NotPermitted: ``by`` does not guard accounts, or the account is his own.
        NotFound: there is no such account.
        Invalid: no reason is given.
    """
    require_officer(by, user_id)
    user = queries.by_id(user_id)
    said = sentence("reason", reason)
    user.password_hash, user.must_change_password = "", True
    sessions.end_all(user, ending="compromise", now=now)
    token = links.issue(user, links.FIRST_PASSWORD, now=now, by=by.id)
    audit.record("password_reset", f"user {user.id}", by=by.id, at=now, reason=said)
    signals.compromised.send(user, path=links.path(token), now=now)


def _block(user: User, *, kind: str, reason: str, by: User, identified_at: datetime | None, now: datetime) -> Block:
    if queries.standing_block(user.id) is not None:
        raise Conflict("err.already_done")
    found = Block(
        user_id=user.id, kind=kind, reason=sentence("reason", reason), by_id=by.id, identified_at=identified_at,
        at=now, user=user,
    )  # fmt: skip
    db.session.add(found)
    db.session.flush()
    sessions.end_all(user, ending="block", now=now)
    links.revoke(user, now=now)
    audit.record("account_blocked", f"user {user.id}", by=by.id, at=now, kind=kind, reason=found.reason)
    signals.blocked.send(user, reason=found.reason, now=now)
    return found


def _standing(block_id: int, by: User) -> Block:
    require_officer(by)
    found = db.session.scalars(
        select(Block).where(Block.id == block_id, Block.ended_at.is_(None)).with_for_update(of=Block)
        .execution_options(populate_existing=True)
    ).unique().one_or_none()  # fmt: skip
    if found is None:
        raise NotFound
    if found.user_id == by.id:
        raise NotPermitted
    return found


def require_officer(by: User, user_id: int = 0) -> None:
    """Refuse who does not guard accounts, or acts upon his own (``user_id``).

    Raises:
        NotPermitted: says so.
    """
    if not by.may(Permission.GUARD_ACCOUNTS):
        raise NotPermitted
    if by.id == user_id:
        raise NotPermitted("guard.err.self")


def sentence(field: str, text: str) -> str:
    """Return what an officer has noted, in one line.

    Raises:
        Invalid: nothing, or more than 300 signs.
    """
    said = " ".join(text.split())
    if not said:
        raise Invalid.at(field, "err.required")
    if len(said) > 300:
        raise Invalid.at(field, "err.format")
    return said
