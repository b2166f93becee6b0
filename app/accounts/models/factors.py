"""What is kept of second factors beside the generator of codes: other devices, codes by mail, lost generators."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models.access import LoginSession
from app.accounts.models.people import User
from app.db import Record, index_where


class DeviceRequest(Record):
    """A wish to open the security session of ``session`` by a confirmation on another device of the same user.

    Only the hash of the secret in the picture is kept.  ``browser`` asked, and alone may use the confirmation;
    ``number`` is what its screen shows, for the other device to compare; ``is_fresh``: for one of the most sensitive
    operations.  One that was confirmed, refused or used is never changed again, but for its use.
    """

    __tablename__ = "device_request"
    __table_args__ = (Index("ix_device_request_session_id", "session_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("login_session.id"))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    browser: Mapped[str] = mapped_column(String(100))
    number: Mapped[str] = mapped_column(String(2))
    is_fresh: Mapped[bool]
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    confirmed_in_id: Mapped[int | None] = mapped_column(ForeignKey("login_session.id"))
    refused_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]

    session: Mapped[LoginSession] = relationship(foreign_keys=[session_id], lazy="joined")

    def state_at(self, now: datetime) -> str:
        """Return how it stands: used, refused, over (its time), confirmed or waiting."""
        if self.used_at is not None:
            return "used"
        if self.refused_at is not None:
            return "refused"
        if now >= self.expires_at:
            return "over"
        return "waiting" if self.confirmed_at is None else "confirmed"


class MailCode(Record):
    """A one-time code that was mailed for one login session; only its hash is kept, and the newest alone is taken."""

    __tablename__ = "mail_code"
    __table_args__ = (Index("ix_mail_code_user_id_asked_at", "user_id", "asked_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    session_id: Mapped[int] = mapped_column(ForeignKey("login_session.id"))
    code_hash: Mapped[str] = mapped_column(String(64))
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class AuthenticatorReset(Record):
    """A lost generator of codes: one officer has identified its owner (``how``), a second one takes it away.

    It waits until it is done (``done_at``, by ``done_by``) or dropped (``dropped_at``); after it nothing guarded is
    done without a new generator, until ``replaced_at``.
    """

    __tablename__ = "authenticator_reset"
    __table_args__ = (
        index_where(
            "uq_authenticator_reset_waiting", "user_id", holds="done_at IS NULL AND dropped_at IS NULL", unique=True
        ),
        Index("ix_authenticator_reset_user_id", "user_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    how: Mapped[str] = mapped_column(String(300))
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    done_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    dropped_at: Mapped[datetime | None]
    dropped_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    replaced_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(foreign_keys=[user_id], lazy="joined")


class AccountQuestion(Record):
    """One time that somebody learned that an address has an account; kept for a day, for the bound of it."""

    __tablename__ = "account_question"
    __table_args__ = (Index("ix_account_question_by_id_at", "by_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]
