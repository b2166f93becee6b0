"""A lost password: a link to set a new one, without telling who has an account (ESRV-22.2, reading A9 there).

Asking writes one row, whoever is named; whether there is such an account is looked up by the worker alone.  So known,
unknown and inactive are answered alike, and as fast.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select

from app import db
from app.accounts import links, lockouts, policy, queries, signals
from app.accounts.models import RecoveryRequest
from app.audit import operations as audit

KEPT = timedelta(days=1)


def ask(email: str, *, now: datetime) -> None:
    """Take down the wish for a link; what is asked too often is not written down, and the answer is the same."""
    rule = policy.rules().recovery
    login = lockouts.digest(email)
    asked = db.session.scalars(
        select(RecoveryRequest.at)
        .where(RecoveryRequest.login == login, RecoveryRequest.at > now - timedelta(hours=1))
        .order_by(RecoveryRequest.at.desc())
    ).all()
    if rule.is_too_soon(asked, now=now) or rule.is_too_often(asked):
        return
    db.session.add(RecoveryRequest(login=login, email=queries.normalised(email), at=now))


def answer_due(*, now: datetime) -> int:
    """Send the links that were asked for by those who have an account, and return how many were."""
    waiting = db.session.scalars(
        select(RecoveryRequest).where(RecoveryRequest.answered_at.is_(None)).order_by(RecoveryRequest.id)
        .limit(100).with_for_update()
    ).all()  # fmt: skip
    sent = 0
    for request in waiting:
        request.answered_at = now
        user = queries.by_email(request.email)
        request.email = ""  # nobody's address is kept for longer than it is needed
        if user is None or not user.is_active or queries.standing_block(user.id) is not None:
            audit.record("recovery_refused", "user unknown" if user is None else f"user {user.id}", by=None, at=now)
            continue
        token = links.issue(user, links.RECOVERY, now=now)
        signals.recovery_asked.send(user, path=links.path(token), now=now)
        sent += 1
    return sent


def forget(*, now: datetime) -> None:
    """Take away what is older than a day."""
    db.session.execute(delete(RecoveryRequest).where(RecoveryRequest.at < now - KEPT))
