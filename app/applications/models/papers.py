"""What is kept of papers: files given, documents made, signatures, letters, what the Exchange enters for others."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import User
from app.applications.models.application import Application
from app.db import Record, index_where


class Attachment(Record):
    """A file given in a field; a removed one stays for the history.

    ``field`` is the field's path in its stage, ``replaces_id`` the file it was put in the place of,
    ``notes`` what the look into it has found: ``[[key of the sentence, its parameters], ...]``.
    """

    __tablename__ = "attachment"

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"), index=True)
    stage: Mapped[str] = mapped_column(String(60))
    field: Mapped[str] = mapped_column(String(500))
    name: Mapped[str] = mapped_column(String(255))
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    notes: Mapped[list[Any]] = mapped_column(default=list)
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("attachment.id"))
    removed_at: Mapped[datetime | None]
    removed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))

    by: Mapped[User] = relationship(foreign_keys=[by_id], lazy="joined")


class AttachmentDecision(Record):
    """A reviewer's word on one file, accepted or not and why; rows are only added, the last one holds."""

    __tablename__ = "attachment_decision"

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    attachment_id: Mapped[int] = mapped_column(ForeignKey("attachment.id"), index=True)
    accepted: Mapped[bool]
    reason: Mapped[str] = mapped_column(Text, default="")
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]

    by: Mapped[User] = relationship(lazy="joined")


class Document(Record):
    """A PDF made by the system and kept by its hash.

    ``kind``: ``application`` (what is signed, one a round), ``signed_copy`` (the same with the
    visible signature), ``letter``, ``conclusion``.
    """

    __tablename__ = "document"
    __table_args__ = (UniqueConstraint("application_id", "kind", "round"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    round: Mapped[int] = mapped_column(default=0)
    number: Mapped[str] = mapped_column(String(40), default="")
    name: Mapped[str] = mapped_column(String(255))
    language: Mapped[str] = mapped_column(String(2))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]

    signatures: Mapped[list[Signature]] = relationship(lazy="selectin", cascade="all")


class Signature(Record):
    """An accepted signature over a document: the CMS bytes by hash, and what was found of it then.

    ``for_name`` is the first head for whom the signer acted, None where he signed as himself (A26).
    """

    __tablename__ = "signature"
    __table_args__ = (UniqueConstraint("document_id", "signer_iin"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id", ondelete="CASCADE"))
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]
    cms_sha256: Mapped[str] = mapped_column(String(64))
    signer_iin: Mapped[str] = mapped_column(String(12))
    signer_bin: Mapped[str] = mapped_column(String(12))
    signer_name: Mapped[str] = mapped_column(String(200))
    certificate_serial: Mapped[str] = mapped_column(String(80))
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime]
    report: Mapped[dict[str, Any]] = mapped_column(default=dict)
    for_name: Mapped[str | None] = mapped_column(String(200))

    stamp: Mapped[SignatureStamp | None] = relationship(lazy="joined", cascade="all")


class SignatureStamp(Record):
    """A time-stamp that stands beside an accepted signature, mostly added after its acceptance (CAdES-T).

    ``cms_sha256`` is the signature with the token, ``proven_at`` the token's time, ``report`` what
    was found of the two at ``at``.
    """

    __tablename__ = "signature_stamp"

    id: Mapped[int] = mapped_column(primary_key=True)
    signature_id: Mapped[int] = mapped_column(ForeignKey("signature.id", ondelete="CASCADE"), unique=True)
    at: Mapped[datetime]
    proven_at: Mapped[datetime]
    cms_sha256: Mapped[str] = mapped_column(String(64))
    report: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Letter(Record):
    """A paper of the Exchange for the organisation: its letter, or its conclusion; one row for each text signed.

    ``kind``: ``letter`` or ``conclusion``.  ``occasion`` is the key of its template.  ``stage`` and ``revision``
    say which answers it was made of; a letter of its template alone has no stage and counts in ``revision``.
    ``words``: ``{"subject": {language: text}, "text": {language: text}}``.  ``document`` is what is signed,
    ``copy`` the same with the outgoing number and the visible signature; both come into being on the way.
    ``is_automatic``: the system has sent it by itself, unsigned.  ``sent_at``: it has its number, and the
    organisation finds it from then on; ``read_at``: one of its people has opened it for the first time.
    """

    __tablename__ = "letter"
    __table_args__ = (
        UniqueConstraint("application_id", "kind", "stage", "revision"),
        Index("ix_letter_sent_at", "sent_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    kind: Mapped[str] = mapped_column(String(20))
    occasion: Mapped[str] = mapped_column(String(60))
    stage: Mapped[str] = mapped_column(String(60), default="")
    revision: Mapped[int]
    words: Mapped[dict[str, Any]]
    number: Mapped[str] = mapped_column(String(40), default="")
    is_automatic: Mapped[bool] = mapped_column(default=False)
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    made_at: Mapped[datetime]
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"))
    copy_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"))
    sent_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    sent_at: Mapped[datetime | None]
    read_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    read_at: Mapped[datetime | None]

    application: Mapped[Application] = relationship(lazy="joined")
    document: Mapped[Document | None] = relationship(foreign_keys=[document_id], lazy="joined")
    copy: Mapped[Document | None] = relationship(foreign_keys=[copy_id], lazy="joined")
    made_by: Mapped[User | None] = relationship(foreign_keys=[made_by_id], lazy="joined")
    sent_by: Mapped[User | None] = relationship(foreign_keys=[sent_by_id], lazy="joined")
    read_by: Mapped[User | None] = relationship(foreign_keys=[read_by_id], lazy="joined")

    @property
    def signatures(self) -> list[Signature]:
        """The accepted signatures over what is signed; none before."""
        return self.document.signatures if self.document else []

    @property
    def state(self) -> str:
        """Return unsigned, signed, sent or read."""
        if self.read_at is not None:
            return "read"
        if self.sent_at is not None:
            return "sent"
        return "signed" if self.signatures else "unsigned"


class Outage(Record):
    """A time in which the system could not be used, as the Exchange has declared it (IS2IN-27.a).

    ``ends_at`` empty: it goes on.  ``reason`` is told to everybody, in the words of who declared it.
    """

    __tablename__ = "outage"

    id: Mapped[int] = mapped_column(primary_key=True)
    begins_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(Text, default="")
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]

    by: Mapped[User] = relationship(lazy="joined")


class PaperIntake(Record):
    """An application that came on paper during an outage, and whose data the Exchange's people enter.

    ``entered_at`` empty: the data are still being entered, and nobody of the organisation sees it.
    ``received_at`` is the paper's own moment: from then on the terms run.
    """

    __tablename__ = "paper_intake"

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), unique=True)
    outage_id: Mapped[int] = mapped_column(ForeignKey("outage.id"))
    received_at: Mapped[datetime]
    brought_by: Mapped[str] = mapped_column(String(300))
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]
    entered_at: Mapped[datetime | None]

    outage: Mapped[Outage] = relationship(lazy="joined")
    by: Mapped[User] = relationship(lazy="joined")


class AssistedDraft(Record):
    """An application that an officer prepares at a client's request, for ``person`` of the company to confirm.

    ``basis`` is how the client asked and ``asked_on`` when.  ``lapses_at`` filled: it was offered at ``offered_at``
    and lies with the person, who may answer before; an offer that came back has neither, ``returned`` says how it
    ended (declined, taken_back, lapsed, left), with the ``reason`` of who declined.  ``confirmed_at``: it is the
    person's own.  ``once``: the mark of the form, by which one sent twice is known.
    """

    __tablename__ = "assisted_draft"
    __table_args__ = (
        index_where("ix_assisted_draft_offered", "person_id", holds="lapses_at IS NOT NULL AND confirmed_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    basis: Mapped[str] = mapped_column(String(300))
    asked_on: Mapped[date]
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]
    once: Mapped[str] = mapped_column(String(64), unique=True)
    offered_at: Mapped[datetime | None]
    offered_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    lapses_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    returned: Mapped[str] = mapped_column(String(12), default="")
    returned_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(Text, default="")

    application: Mapped[Application] = relationship(lazy="select")
    person: Mapped[User] = relationship(foreign_keys=[person_id], lazy="joined")
    by: Mapped[User] = relationship(foreign_keys=[by_id], lazy="joined")
    offered_by: Mapped[User | None] = relationship(foreign_keys=[offered_by_id], lazy="joined")

    def is_offered_at(self, now: datetime) -> bool:
        """Tell whether it lies with the person; at the second at which it lapses it does no more."""
        return self.confirmed_at is None and self.lapses_at is not None and now < self.lapses_at

    def state_at(self, now: datetime) -> str:
        """Return prepared, offered, confirmed, or how the last offer came back."""
        if self.confirmed_at is not None:
            return "confirmed"
        if self.lapses_at is not None:
            return "offered" if now < self.lapses_at else "lapsed"
        return self.returned or "prepared"
