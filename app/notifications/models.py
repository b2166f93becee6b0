"""A message in the cabinet, the mail that goes with it, and how a person wants to be told."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Date, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Record, index_where

PATIENCE = timedelta(days=3)
"""How long a mail is tried before it is given up."""

MAIL_STATES = ("waiting", "sent", "bounced", "failed", "stopped")

_AWAITS_DIGEST = "channel = 'digest' AND message_id = ''"


class Notification(Record):
    """One message in a user's «Хабарламалар» (IS2IN-8.1).

    ``procedure`` is the title in three languages, ``executor`` and ``author`` are names as they
    were then, ``company`` the organisation it is of (in the three languages), ``message`` is the key of a
    term with its ``params``; it is said in the reader's language of the moment.  ``path`` is where it leads
    when it is about no application.  ``channel`` is how it is told beside the cabinet, decided when it was
    written; ``message_id`` names the mail that told it.
    """

    __tablename__ = "notification"
    __table_args__ = (
        Index("ix_notification_user_id_at", "user_id", "at"),
        index_where("ix_notification_awaits_digest", "user_id", holds=_AWAITS_DIGEST),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]
    application_number: Mapped[str] = mapped_column(String(20), default="")
    procedure: Mapped[dict[str, Any]] = mapped_column(default=dict)
    executor: Mapped[dict[str, Any]] = mapped_column(default=dict)
    author: Mapped[str] = mapped_column(String(200), default="")
    company: Mapped[dict[str, Any]] = mapped_column(default=dict)
    message: Mapped[str] = mapped_column(String(60))
    params: Mapped[dict[str, Any]] = mapped_column(default=dict)
    action_required: Mapped[bool] = mapped_column(default=False)
    path: Mapped[str] = mapped_column(String(200), default="")
    channel: Mapped[str] = mapped_column(String(10), default="at_once")
    message_id: Mapped[str] = mapped_column(String(120), default="")
    read_at: Mapped[datetime | None]


class NoticeChoice(Record):
    """How a person wants to be told of a group of events; without a row the catalogue's way holds."""

    __tablename__ = "notice_choice"

    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    group: Mapped[str] = mapped_column(String(20), primary_key=True)
    channel: Mapped[str] = mapped_column(String(10))
    at: Mapped[datetime]


class Mail(Record):
    """One mail on its way.

    ``waiting`` until it is ``sent``; ``failed`` when it was given up, ``bounced`` when there is no such
    address, ``stopped`` when its reader had been switched off before it went.  ``message_id`` is fixed
    when the row is written, so that a mail sent twice after a crash is one mail to its reader.
    ``content`` is what ``wording`` makes both texts from, ``body`` the plain one; ``groups`` are the groups
    that may be unsubscribed from by it (none: it tells something that nobody may miss).
    """

    __tablename__ = "mail"
    __table_args__ = (
        Index("ix_mail_state_next_try_at", "state", "next_try_at"),
        Index("ix_mail_user_id_created_at", "user_id", "created_at"),
        Index("ix_mail_to", "to"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    about: Mapped[str] = mapped_column(String(20), default="")
    to: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(Text)
    content: Mapped[dict[str, Any]] = mapped_column(default=dict)
    groups: Mapped[list[str]] = mapped_column(default=list)
    language: Mapped[str] = mapped_column(String(2))
    message_id: Mapped[str] = mapped_column(String(120), unique=True)
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    tries: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(String(300), default="")


class Digest(Record):
    """That a person has had his digest of a day (in Kazakhstan): written with its mail, so that no day has two."""

    __tablename__ = "digest"
    __table_args__ = (UniqueConstraint("user_id", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    day: Mapped[date] = mapped_column(Date)
    message_id: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime]


class Bounce(Record):
    """An address that a server has refused for good, since when, and in which words; mended, the row goes."""

    __tablename__ = "bounce"

    address: Mapped[str] = mapped_column(String(254), primary_key=True)
    at: Mapped[datetime]
    reply: Mapped[str] = mapped_column(String(300))
