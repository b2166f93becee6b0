"""What is kept of an application."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import User
from app.db import Record
from app.errors import Conflict
from app.organisations.models import Organisation


class Application(Record):
    """One application: where it stands, and the moments that matter.

    ``process`` and ``stages`` are its position: the process, and the status of each stage that has
    been touched (``{"issuer": "filled"}``); who did that, and when, is in its history.
    ``procedure`` and ``forms`` pin the versions it began with (``share_listing.v1``).  ``version``
    grows with every change of position; the database refuses an update of an older one.
    ``round`` counts the sendings to the first head; ``submitted_at`` is the first sending to the
    Exchange, ``sent_at`` the last: the Exchange reads the answers as they were at that moment.
    """

    __tablename__ = "application"
    __table_args__ = (Index("ix_application_process_id", "process", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    procedure: Mapped[str] = mapped_column(String(80))
    procedure_sha256: Mapped[str] = mapped_column(String(64))
    forms: Mapped[dict[str, Any]] = mapped_column(default=dict)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    process: Mapped[str] = mapped_column(String(60))
    stages: Mapped[dict[str, Any]] = mapped_column(default=dict)
    language: Mapped[str] = mapped_column(String(2), default="kk")
    version: Mapped[int] = mapped_column(default=1)
    round: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    registered_at: Mapped[datetime | None]
    registration_number: Mapped[str] = mapped_column(String(40), default="")
    meeting_at: Mapped[str] = mapped_column(String(20), default="")
    decided_at: Mapped[datetime | None]
    archived_at: Mapped[datetime | None]
    entered_at: Mapped[datetime]

    organisation: Mapped[Organisation] = relationship(lazy="joined")
    author: Mapped[User] = relationship(lazy="select")
    assignments: Mapped[list[Assignment]] = relationship(cascade="all", lazy="select", order_by=lambda: Assignment.id)

    __mapper_args__ = {"version_id_col": version}

    def require_version(self, seen: int) -> None:
        """Refuse an act that was decided on an older state of the application.

        Raises:
            Conflict: the application has moved since ``seen`` was on the screen.
        """
        if seen != self.version:
            raise Conflict("app.err.moved", number=self.number)


class Answers(Record):
    """One saved revision of a stage's answers: ``values`` maps form keys to canonical values.

    ``source`` is the number of the archived application they were taken from (IS2IN-9.6.a).
    """

    __tablename__ = "answers"
    __table_args__ = (UniqueConstraint("application_id", "stage", "revision"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"))
    stage: Mapped[str] = mapped_column(String(60))
    revision: Mapped[int]
    values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    source: Mapped[str] = mapped_column(String(20), default="")
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]

    by: Mapped[User] = relationship(lazy="joined")


class Assignment(Record):
    """A person made executor of an application; it gives sight of it for good (IS2IN-9.4.c, A11)."""

    __tablename__ = "assignment"
    __table_args__ = (UniqueConstraint("application_id", "user_id", "executor"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    executor: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]
    is_current: Mapped[bool] = mapped_column(default=True)

    user: Mapped[User] = relationship(lazy="joined")


class Comment(Record):
    """Words on one field of a sent version, with their moment (IS2IN-20.f to i).

    ``kind`` is ``comment`` (the first head's) or ``remark`` (the Exchange's).  Not published while
    ``published_at`` is empty: only its author sees it.  ``quoted`` is the field's text as it was.
    """

    __tablename__ = "comment"
    __table_args__ = (Index("ix_comment_application_id_stage", "application_id", "stage"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(10))
    stage: Mapped[str] = mapped_column(String(60))
    field: Mapped[str] = mapped_column(String(160))
    words: Mapped[str] = mapped_column(Text)
    quoted: Mapped[str] = mapped_column(Text, default="")
    round: Mapped[int]
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    answer: Mapped[str] = mapped_column(Text, default="")
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    answered_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]

    by: Mapped[User] = relationship(foreign_keys=[by_id], lazy="joined")

    @property
    def state(self) -> str:
        """Return pending, open, answered or resolved."""
        if self.published_at is None:
            return "pending"
        if self.resolved_at is not None:
            return "resolved"
        return "answered" if self.answered_at is not None else "open"


class Attachment(Record):
    """A file given in a field; a removed one stays for the history."""

    __tablename__ = "attachment"

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"), index=True)
    stage: Mapped[str] = mapped_column(String(60))
    field: Mapped[str] = mapped_column(String(160))
    name: Mapped[str] = mapped_column(String(255))
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


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
    """An accepted signature over a document: the CMS bytes by hash, and what was found of it then."""

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


class History(Record):
    """One act on an application; rows are only added, and the database refuses anything else."""

    __tablename__ = "history"

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(index=True)
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    act: Mapped[str] = mapped_column(String(60))
    stage: Mapped[str] = mapped_column(String(60), default="")
    source: Mapped[str] = mapped_column(String(60), default="")
    target: Mapped[str] = mapped_column(String(60), default="")
    words: Mapped[str] = mapped_column(Text, default="")

    by: Mapped[User | None] = relationship(lazy="joined")


class Counter(Record):
    """The last number given of a series (``LP-2026``); a number is taken in the act's own transaction."""

    __tablename__ = "counter"

    series: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[int] = mapped_column(default=0)
