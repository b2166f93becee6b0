"""Organisations, memberships, partnerships."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import User
from app.db import Record

PARTNER_KINDS = ("adviser", "audit_org")


class Organisation(Record):
    """A client of the Exchange.

    ``details`` are what the Exchange knows of it by keys of form fields, for prefilling.
    ``is_financial`` and the absence of an adviser together allow a stage to be skipped (A18).
    """

    __tablename__ = "organisation"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    bin: Mapped[str] = mapped_column(String(12), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    name_kk: Mapped[str] = mapped_column(String(300))
    name_ru: Mapped[str] = mapped_column(String(300))
    name_en: Mapped[str] = mapped_column(String(300))
    is_financial: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]

    memberships: Mapped[list[Membership]] = relationship(back_populates="organisation")

    @property
    def names(self) -> dict[str, str]:
        """The name in the three languages."""
        return {"kk": self.name_kk, "ru": self.name_ru, "en": self.name_en}


class Membership(Record):
    """A person's work for one organisation; ``may_sign`` is the right registered with the Exchange (A26)."""

    __tablename__ = "membership"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), unique=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    is_admin: Mapped[bool] = mapped_column(default=False)
    is_first_head: Mapped[bool] = mapped_column(default=False)
    may_sign: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)

    user: Mapped[User] = relationship(back_populates="membership", lazy="joined")
    organisation: Mapped[Organisation] = relationship(back_populates="memberships", lazy="joined")


class Partnership(Record):
    """An issuer's adviser or auditor: works at once, ended by the Exchange alone (A9, A14)."""

    __tablename__ = "partnership"
    __table_args__ = (
        Index(
            "uq_partnership_standing",
            "issuer_id",
            "partner_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    issuer_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    partner_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    added_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    added_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    removal_requested_at: Mapped[datetime | None]

    partner: Mapped[Organisation] = relationship(foreign_keys=[partner_id], lazy="joined")
    issuer: Mapped[Organisation] = relationship(foreign_keys=[issuer_id], lazy="joined")
