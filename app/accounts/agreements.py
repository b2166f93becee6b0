"""The user agreement: which version is in force, and who has accepted it (IS2IN-4.c, reading A7)."""

from __future__ import annotations

from datetime import datetime

from app import db
from app.accounts.models import AgreementAcceptance, User

VERSION = "2026-11"
"""The version in force; its words are the terms ``look.agreement.*``."""


def is_new_to(user: User) -> bool:
    """Tell whether the version in force must be shown to ``user`` before he goes on."""
    return user.agreement_version != VERSION


def accept(user: User, *, now: datetime) -> None:
    """Record that ``user`` has accepted the version in force; a second time changes nothing."""
    if not is_new_to(user):
        return
    db.session.add(AgreementAcceptance(user_id=user.id, version=VERSION, at=now))
    user.agreement_version = VERSION
    user.agreement_at = now
