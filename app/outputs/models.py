"""What is kept of a paper that was issued; the database refuses to change or delete any of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import User
from app.db import Record
from app.organisations.models import Organisation

KINDS = ("extract", "report", "reference")
"""All applications of the organisation; what was done in a period; one application."""


class OutputDocument(Record):
    """A paper issued to an organisation: made once, kept by its SHA-256, and never changed (ESRV-45).

    ``since`` and ``until`` are the first and the last day of a report, else None.  ``facts``: what it was laid out of.
    ``code`` is the secret of its page of verification.  ``corrects_id`` is the paper it stands for from now on,
    ``reason`` why.  ``tells_of_people``: it also names what was done to the organisation's people and partners.
    """

    __tablename__ = "output_document"
    __table_args__ = (Index("ix_output_document_organisation_id_id", "organisation_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    code: Mapped[str] = mapped_column(String(26), unique=True)
    kind: Mapped[str] = mapped_column(String(12))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    since: Mapped[date | None] = mapped_column(Date)
    until: Mapped[date | None] = mapped_column(Date)
    language: Mapped[str] = mapped_column(String(2))
    facts: Mapped[dict[str, Any]]
    tells_of_people: Mapped[bool]
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("output_document.id"), unique=True)
    reason: Mapped[str] = mapped_column(String(500), default="")
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]

    by: Mapped[User] = relationship(lazy="joined")
    organisation: Mapped[Organisation] = relationship(lazy="joined")
    corrects: Mapped[OutputDocument | None] = relationship(remote_side=[id], lazy="select")


class OutputSubject(Record):
    """An application of which a paper tells: whoever does not see it does not see the paper."""

    __tablename__ = "output_subject"

    document_id: Mapped[int] = mapped_column(ForeignKey("output_document.id"), primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), primary_key=True, index=True)
