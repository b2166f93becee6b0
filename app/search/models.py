"""What is kept of a query: what it asks for, never what it found."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import User
from app.db import Record


class SavedQuery(Record):
    """A query under a name: its owner's in one of his places, or shared with all of the organisation.

    ``organisation_id`` is that place, empty for the Exchange's people.  ``asked`` is the query as its address says it:
    whoever opens it asks anew, by his own rights.  ``version`` grows with every change.
    """

    __tablename__ = "saved_query"
    __table_args__ = (
        Index("ix_saved_query_owner_id", "owner_id"),
        Index("ix_saved_query_organisation_id_is_shared", "organisation_id", "is_shared"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    owner_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    is_shared: Mapped[bool] = mapped_column(default=False)
    asked: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    changed_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))

    owner: Mapped[User] = relationship(foreign_keys=[owner_id], lazy="joined")
    changed_by: Mapped[User] = relationship(foreign_keys=[changed_by_id], lazy="select")

    __mapper_args__ = {"version_id_col": version}
