"""Acts, their editions and clauses; insiders."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import Record


class Norm(Record):
    """A law, a normative legal act or an internal document of the Exchange (IS2IN-9.7, 10).

    ``key`` is its name in addresses and definition files.
    """

    __tablename__ = "norm"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(60), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    title_kk: Mapped[str] = mapped_column(String(500))
    title_ru: Mapped[str] = mapped_column(String(500))
    title_en: Mapped[str] = mapped_column(String(500))
    reference: Mapped[str] = mapped_column(String(200), default="")

    editions: Mapped[list[NormEdition]] = relationship(
        back_populates="norm", order_by="(NormEdition.starts_on, NormEdition.id)"
    )


class NormEdition(Record):
    """An act as it is in force from a day until the next edition's; rows are only added.

    Of two editions of one day the later entered one holds: that is how a mistake is put right.  ``is_repeal``:
    from this day the act is in force no more.
    """

    __tablename__ = "norm_edition"
    __table_args__ = (Index("ix_norm_edition_norm_id_starts_on", "norm_id", "starts_on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    norm_id: Mapped[int] = mapped_column(ForeignKey("norm.id"))
    starts_on: Mapped[date] = mapped_column(Date)
    is_repeal: Mapped[bool] = mapped_column(default=False)
    source: Mapped[str] = mapped_column(String(300), default="")
    note: Mapped[str] = mapped_column(String(500), default="")
    added_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    added_at: Mapped[datetime]

    norm: Mapped[Norm] = relationship(back_populates="editions")
    clauses: Mapped[list[NormClause]] = relationship(order_by="(NormClause.language, NormClause.place)")
    files: Mapped[list[NormFile]] = relationship(order_by="NormFile.id")


class NormClause(Record):
    """One clause of an edition in one language; ``folded`` is what a search looks at (``clauses.fold``)."""

    __tablename__ = "norm_clause"
    __table_args__ = (UniqueConstraint("edition_id", "language", "anchor"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    edition_id: Mapped[int] = mapped_column(ForeignKey("norm_edition.id"))
    language: Mapped[str] = mapped_column(String(2))
    place: Mapped[int]
    anchor: Mapped[str] = mapped_column(String(60))
    number: Mapped[str] = mapped_column(String(40))
    words: Mapped[str] = mapped_column(Text)
    folded: Mapped[str] = mapped_column(Text)


class NormFile(Record):
    """The published file of an edition in one language, kept by its hash."""

    __tablename__ = "norm_file"
    __table_args__ = (Index("ix_norm_file_edition_id", "edition_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    edition_id: Mapped[int] = mapped_column(ForeignKey("norm_edition.id"))
    language: Mapped[str] = mapped_column(String(2))
    name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))


class Insider(Record):
    """An employee of the Exchange with access to insider information, from a day until a day (IS2IN-9.8).

    Entered, and ended once; never changed otherwise and never deleted.
    """

    __tablename__ = "insider"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    position_kk: Mapped[str] = mapped_column(String(300))
    position_ru: Mapped[str] = mapped_column(String(300))
    position_en: Mapped[str] = mapped_column(String(300))
    since: Mapped[date] = mapped_column(Date)
    until: Mapped[date | None] = mapped_column(Date)
    added_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    added_at: Mapped[datetime | None]
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    ended_at: Mapped[datetime | None]
