"""Organisations, their people and former names, partnerships, and what is asked of the Exchange about them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship
from sqlalchemy.orm.attributes import set_committed_value

from app.accounts.models import User
from app.db import Record, index_where

KINDS = ("initiator", "adviser", "audit_org", "candidate")
"""The four kinds of client (IS2IN-1.2.b)."""
CODES = ("none", "first_heads", "everybody")
PARTNER_KINDS = ("adviser", "audit_org")


class Organisation(Record):
    """A client of the Exchange.

    ``details`` are what the Exchange knows of it by keys of form fields, for prefilling.
    ``codes`` says whose guarded operations need a one-time code: ``none``, ``first_heads`` or ``everybody``.
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
    codes: Mapped[str] = mapped_column(String(12), default="first_heads", server_default="first_heads")
    created_at: Mapped[datetime]

    memberships: Mapped[list[Membership]] = relationship(back_populates="organisation")
    former_names: Mapped[list[FormerName]] = relationship(order_by=lambda: FormerName.until.desc(), lazy="select")

    @property
    def names(self) -> dict[str, str]:
        """The name in the three languages."""
        return {"kk": self.name_kk, "ru": self.name_ru, "en": self.name_en}

    def names_at(self, moment: datetime | None) -> dict[str, str]:
        """Return what it was called at a moment (None: now): documents of that time say so (ESRV-16.1)."""
        later = [row for row in self.former_names if moment is not None and moment < row.until]
        return min(later, key=lambda row: row.until).names if later else self.names


class FormerName(Record):
    """What an organisation was called until a moment; rows are only added, and the database refuses anything else."""

    __tablename__ = "former_name"

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    name_kk: Mapped[str] = mapped_column(String(300))
    name_ru: Mapped[str] = mapped_column(String(300))
    name_en: Mapped[str] = mapped_column(String(300))
    until: Mapped[datetime]
    basis: Mapped[str] = mapped_column(String(300), default="")
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))

    @property
    def names(self) -> dict[str, str]:
        """The name in the three languages."""
        return {"kk": self.name_kk, "ru": self.name_ru, "en": self.name_en}


class ActingHead(Record):
    """Somebody who does the first head's acts from ``starts_at`` until before ``ends_at`` (A26).

    ``head`` is the first head of that time: both names stand in every trace.  ``basis`` is the order, its file
    kept by ``sha256``.  One that was taken back early has ``ended_at``, by whom and why; nothing else changes.
    """

    __tablename__ = "acting_head"
    __table_args__ = (
        Index("ix_acting_head_organisation_id", "organisation_id"),
        Index("ix_acting_head_user_id", "user_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    head_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    basis: Mapped[str] = mapped_column(String(300))
    file_name: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64))
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    end_reason: Mapped[str] = mapped_column(String(300), default="")

    user: Mapped[User] = relationship(foreign_keys=[user_id], lazy="select")
    head: Mapped[User] = relationship(foreign_keys=[head_id], lazy="select")
    by: Mapped[User] = relationship(foreign_keys=[by_id], lazy="select")
    organisation: Mapped[Organisation] = relationship(lazy="select")

    @property
    def over_at(self) -> datetime:
        """The moment from which it is worth nothing."""
        return min(self.ends_at, self.ended_at) if self.ended_at else self.ends_at

    def holds_at(self, now: datetime) -> bool:
        """Tell whether it holds at a moment; one second after its end it does not."""
        return self.starts_at <= now < self.over_at


class Membership(Record):
    """A person's work for one organisation; he may work for several, with other rights in each.

    ``is_usual`` is the one in which his next login session begins; one of his memberships always is.  ``position``
    is what he is called there, empty while it is what his account says.

    ``may_sign`` is the right registered with the Exchange (A26): the first head has it once a key of his is
    confirmed (``key_confirmed_at``), by his own test signature or by an officer's check (``key_checked_by_id``).
    ``acting_until`` is the latest end of his appointments as acting first head (``actings``), if there was one.
    """

    __tablename__ = "membership"
    __table_args__ = (
        UniqueConstraint("user_id", "organisation_id"),
        index_where("uq_membership_usual", "user_id", holds="is_usual", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    is_admin: Mapped[bool] = mapped_column(default=False)
    is_first_head: Mapped[bool] = mapped_column(default=False)
    may_sign: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)
    is_usual: Mapped[bool] = mapped_column(default=True)
    position: Mapped[str] = mapped_column(String(200), default="")
    key_confirmed_at: Mapped[datetime | None]
    key_checked_by_id: Mapped[int | None]
    key_note: Mapped[str | None] = mapped_column(String(300))
    acting_until: Mapped[datetime | None]

    user: Mapped[User] = relationship(back_populates="memberships", lazy="joined")
    organisation: Mapped[Organisation] = relationship(back_populates="memberships", lazy="joined")
    actings: Mapped[list[ActingHead]] = relationship(
        primaryjoin=lambda: foreign(ActingHead.user_id) == Membership.user_id, viewonly=True, lazy="select"
    )

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        if given.get("user") is not None and given.get("is_usual", True):
            set_committed_value(self.user, "usual", self)  # what the next question to the database would find

    @property
    def works_as(self) -> str:
        """What this person is called in the organisation."""
        return self.position or self.user.position

    def acting_at(self, now: datetime) -> ActingHead | None:
        """Return the appointment under which this person does the first head's acts at a moment, or None."""
        if self.acting_until is None or self.acting_until <= now:
            return None  # so it is with nearly everybody, and nothing is asked of the database
        own = (row for row in self.actings if row.organisation_id == self.organisation_id)
        return next((row for row in own if row.holds_at(now)), None)

    def stands_for(self, now: datetime) -> User | None:
        """Return the first head for whom this person acts at a moment, None for the head himself and others."""
        acting = self.acting_at(now)
        return acting.head if acting is not None else None


class Invitation(Record):
    """An organisation's wish that a person who has an account already works for it too.

    He becomes a member when he agrees, and only then.  ``name`` and ``position`` are what was typed: who invites
    reads nothing of the account.  ``as_head`` makes him the first head, under the ``request`` that asked for him;
    ``key_note`` is how an officer has checked his key.  ``answer`` is agreed, declined or withdrawn; empty: it waits.
    """

    __tablename__ = "invitation"
    __table_args__ = (
        index_where("uq_invitation_standing", "organisation_id", "user_id", holds="answered_at IS NULL", unique=True),
        Index("ix_invitation_user_id", "user_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    name: Mapped[str] = mapped_column(String(310))
    position: Mapped[str] = mapped_column(String(200), default="")
    is_admin: Mapped[bool] = mapped_column(default=False)
    as_head: Mapped[bool] = mapped_column(default=False)
    request_id: Mapped[int | None] = mapped_column(ForeignKey("access_request.id"))
    key_note: Mapped[str] = mapped_column(String(300), default="")
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    answered_at: Mapped[datetime | None]
    answer: Mapped[str] = mapped_column(String(10), default="")

    user: Mapped[User] = relationship(foreign_keys=[user_id], lazy="joined")
    organisation: Mapped[Organisation] = relationship(lazy="joined")
    by: Mapped[User] = relationship(foreign_keys=[by_id], lazy="select")
    request: Mapped[AccessRequest | None] = relationship(lazy="select")


class Partnership(Record):
    """An issuer's adviser or auditor: works at once, ended by the Exchange alone (A9, A14).

    ``until`` is the moment it ends by itself, ``procedures`` what it is for (keys; empty: everything): both as they
    were chosen when it was added.  Rows stay for ever.
    """

    __tablename__ = "partnership"
    __table_args__ = (
        index_where("uq_partnership_standing", "issuer_id", "partner_id", holds="ended_at IS NULL", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    issuer_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    partner_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    added_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    added_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    removal_requested_at: Mapped[datetime | None]
    removal_requested_by_id: Mapped[int | None]
    removal_reason: Mapped[str | None] = mapped_column(String(500))
    until: Mapped[datetime | None]
    ended_by_id: Mapped[int | None]
    end_reason: Mapped[str | None] = mapped_column(String(500))

    partner: Mapped[Organisation] = relationship(foreign_keys=[partner_id], lazy="joined")
    issuer: Mapped[Organisation] = relationship(foreign_keys=[issuer_id], lazy="joined")
    scope: Mapped[list[PartnershipScope]] = relationship(
        lazy="selectin", cascade="all", order_by=lambda: PartnershipScope.procedure
    )

    @property
    def procedures(self) -> list[str]:
        """The keys of the procedures it is for; empty: of all."""
        return [row.procedure for row in self.scope]

    def holds_at(self, now: datetime) -> bool:
        """Tell whether it stands at a moment."""
        return self.ended_at is None and (self.until is None or now < self.until)

    def covers(self, procedure: str) -> bool:
        """Tell whether it is for a procedure."""
        return not self.scope or procedure in self.procedures


class PartnershipScope(Record):
    """One procedure that a partnership is for."""

    __tablename__ = "partnership_scope"

    partnership_id: Mapped[int] = mapped_column(ForeignKey("partnership.id", ondelete="CASCADE"), primary_key=True)
    procedure: Mapped[str] = mapped_column(String(60), primary_key=True)


class RequestState(StrEnum):
    """Where a request to the Exchange stands."""

    RECEIVED = "received"
    IN_CHECK = "in_check"
    MORE_ASKED = "more_asked"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"

    @property
    def is_over(self) -> bool:
        """Whether nothing follows."""
        return self in (RequestState.ACCEPTED, RequestState.REFUSED, RequestState.WITHDRAWN)


class AccessRequest(Record):
    """A newcomer's request for an organisation and accounts, or a client's for another first head (IS2IN-3).

    ``said`` is what was asked for: ``legal_form``, ``name_kk`` …, ``bin``, ``head`` and ``contacts``, each person with
    ``last_name``, ``first_name``, ``patronymic``, ``position``, ``email``, ``phone`` (the head ``iin`` too).
    ``token_hash`` is of the secret of its page, which the installation's key makes of ``seed``.  ``key_report`` is what
    is known of the head's test signature; empty: his key was declared valid and is still to be checked.
    ``organisation_id``: whose head is to change, or what was created.
    """

    __tablename__ = "access_request"
    __table_args__ = (
        Index("ix_access_request_state", "state"),
        Index("ix_access_request_address_at", "address", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    seed: Mapped[str] = mapped_column(String(64), default="")
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    purpose: Mapped[str] = mapped_column(String(12))
    kind: Mapped[str] = mapped_column(String(20))
    bin: Mapped[str] = mapped_column(String(12), index=True)
    said: Mapped[dict[str, Any]]
    key_report: Mapped[dict[str, Any]] = mapped_column(default=dict)
    basis: Mapped[str] = mapped_column(String(300), default="")
    file_name: Mapped[str] = mapped_column(String(200), default="")
    sha256: Mapped[str] = mapped_column(String(64), default="")
    state: Mapped[str] = mapped_column(String(12), default=RequestState.RECEIVED.value)
    version: Mapped[int] = mapped_column(default=1)
    language: Mapped[str] = mapped_column(String(2))
    address: Mapped[str] = mapped_column(String(64), default="")
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    officer_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))

    steps: Mapped[list[RequestStep]] = relationship(order_by=lambda: RequestStep.id, lazy="select")
    officer: Mapped[User | None] = relationship(foreign_keys=[officer_id], lazy="joined")
    organisation: Mapped[Organisation | None] = relationship(lazy="joined")

    @property
    def names(self) -> dict[str, str]:
        """What the organisation is to be called, with its legal form, in the three languages."""
        return {language: str(self.said[f"name_{language}"]) for language in ("kk", "ru", "en")}

    @property
    def people(self) -> list[dict[str, str]]:
        """The people accounts are asked for, the first head first; one who is named twice once."""
        found: dict[str, dict[str, str]] = {}
        for person in (self.said["head"], *self.said["contacts"]):
            found.setdefault(person["email"].strip().casefold(), person)
        return list(found.values())


class RequestStep(Record):
    """What has happened to a request; rows are only added, and the database refuses anything else.

    ``by`` is the officer; nobody: the requester himself.  ``words`` are for the requester to read.
    """

    __tablename__ = "request_step"

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("access_request.id"), index=True)
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    act: Mapped[str] = mapped_column(String(20))
    words: Mapped[str] = mapped_column(Text, default="")

    by: Mapped[User | None] = relationship(lazy="joined")
