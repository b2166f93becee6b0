"""One announcement; the database refuses to change or delete it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Date, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import User
from app.db import Record

KINDS = ("functions", "contacts", "other")


class Announcement(Record):
    """Words to everybody, ``titles`` and ``texts`` by language.

    ``contacts`` of the kind ``contacts``: ``{"phones": [...], "email": ...}``, which hold from the day ``holds_from``.
    """

    __tablename__ = "announcement"
    __table_args__ = (Index("ix_announcement_holds_from", "holds_from"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    titles: Mapped[dict[str, Any]]
    texts: Mapped[dict[str, Any]]
    contacts: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    holds_from: Mapped[date | None] = mapped_column(Date)
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]

    by: Mapped[User] = relationship(lazy="joined")
