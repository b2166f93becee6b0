"""A message in the cabinet, and the mail that goes with it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Record


class Notification(Record):
    """One message in a user's «Хабарламалар» (IS2IN-8.1).

    ``procedure`` is the title in three languages, ``executor`` and ``author`` are names as they
    were then, ``message`` is the key of a term with its ``params``.
    """

    __tablename__ = "notification"
    __table_args__ = (Index("ix_notification_user_id_at", "user_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]
    application_number: Mapped[str] = mapped_column(String(20), default="")
    procedure: Mapped[dict[str, Any]] = mapped_column(default=dict)
    executor: Mapped[dict[str, Any]] = mapped_column(default=dict)
    author: Mapped[str] = mapped_column(String(200), default="")
    message: Mapped[str] = mapped_column(String(60))
    params: Mapped[dict[str, Any]] = mapped_column(default=dict)
    action_required: Mapped[bool] = mapped_column(default=False)
    read_at: Mapped[datetime | None]


class Mail(Record):
    """One mail on its way: ``waiting`` until it is ``sent``, or ``failed`` after the last try.

    ``message_id`` is fixed when the row is written, so that a mail sent twice after a crash is
    one mail to its reader.
    """

    __tablename__ = "mail"
    __table_args__ = (Index("ix_mail_state_next_try_at", "state", "next_try_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    to: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(2))
    message_id: Mapped[str] = mapped_column(String(120), unique=True)
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    tries: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(String(300), default="")
