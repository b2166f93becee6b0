"""What the worker does for accounts: tells of shut doors, sends the links that were asked for, forgets old tries."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import exists, or_, select

from app import db
from app.accounts import account_questions, key_entrance, lockouts, mail_codes, recovery, second_devices
from app.accounts.models import AddressBlock, RecoveryRequest, SignInCounter


def run(*, now: datetime) -> int:
    """Do what waits, in one transaction, and return how much it was; where nothing waits nothing is written."""
    with db.transaction(writing=False) as session:
        waits = session.scalar(
            select(
                or_(
                    exists().where(SignInCounter.is_told.is_(False)),
                    exists().where(AddressBlock.is_told.is_(False)),
                    exists().where(RecoveryRequest.answered_at.is_(None)),
                )
            )
        )
    if not waits:
        return 0
    with db.transaction():
        return lockouts.tell_due(now=now) + recovery.answer_due(now=now)


def forget(*, now: datetime) -> None:
    """Take away tries, requests, codes, questions and used texts that are older than a day."""
    with db.transaction():
        lockouts.forget(now=now)
        recovery.forget(now=now)
        key_entrance.forget(now=now)
        mail_codes.forget(now=now)
        second_devices.forget(now=now)
        account_questions.forget(now=now)
