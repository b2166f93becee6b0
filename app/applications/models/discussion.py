"""What is kept of what is said about an application: comments, remarks in bundles, verdicts on criteria."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import User
from app.db import Record

WHOLE = "application"
"""The place of a comment on the whole application; the place of a field has a dot in it."""


class AnyComment(Record):
    """Words on a sent version, with their moment: what the comments of all kinds share (IS2IN-20.f to i).

    Ask the database for ``Comment`` and ``InternalNote``, which know who may read them; for this one
    only where nobody reads.  ``stage`` and ``field`` say where: the path of a field, a row or an entry
    (``issuer``, ``directors-e1-name``); both empty mean the whole application.  ``labels`` (language ->
    words) and ``quoted`` keep what that place was called and said in the version ``round``, whatever
    becomes of it.  Not published while ``published_at`` is empty: only its author sees it.
    ``answered_as``: ``changed`` or ``explained``, where the answer says which.
    ``suggested`` is the value proposed instead, where one is.  ``office`` is the executor as whom it
    was written: whoever holds it now settles the comment.
    """

    __tablename__ = "comment"
    __table_args__ = (Index("ix_comment_application_id_stage", "application_id", "stage"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(10))
    stage: Mapped[str] = mapped_column(String(60))
    field: Mapped[str] = mapped_column(String(400))
    words: Mapped[str] = mapped_column(Text)
    suggested: Mapped[str] = mapped_column(Text, default="")
    labels: Mapped[dict[str, Any]] = mapped_column(default=dict)
    quoted: Mapped[str] = mapped_column(Text, default="")
    round: Mapped[int]
    office: Mapped[str] = mapped_column(String(40), default="")
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    answer: Mapped[str] = mapped_column(Text, default="")
    answered_as: Mapped[str | None] = mapped_column(String(10))
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    answered_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    reopened_at: Mapped[datetime | None]

    by: Mapped[User] = relationship(foreign_keys=[by_id], lazy="joined")
    events: Mapped[list[CommentEvent]] = relationship(lazy="selectin", order_by=lambda: CommentEvent.id)

    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_abstract": True}

    @property
    def place(self) -> str:
        """The place as pages name it: ``stage.path``, or ``WHOLE``."""
        return f"{self.stage}.{self.field}" if self.stage else WHOLE

    @property
    def state(self) -> str:
        """Return pending, open, answered, resolved or reopened."""
        if self.published_at is None:
            return "pending"
        if self.resolved_at is not None:
            return "resolved"
        if self.answered_at is not None:
            return "answered"
        return "open" if self.reopened_at is None else "reopened"

    @property
    def is_unsettled(self) -> bool:
        """Whether it is published and nobody has resolved it."""
        return self.published_at is not None and self.resolved_at is None


class Comment(AnyComment):
    """What the applicant's people read: the first head's comments and the Exchange's remarks."""

    __mapper_args__ = {"polymorphic_abstract": True}


class HeadComment(Comment):
    """The first head's comment to his own people; the Exchange does not read it."""

    __mapper_args__ = {"polymorphic_identity": "comment"}


class Remark(Comment):
    """The Exchange's remark, which the applicant answers."""

    __mapper_args__ = {"polymorphic_identity": "remark"}


class InternalNote(AnyComment):
    """Words of the Exchange's people to each other: never in a page, mail or export of the applicant.

    No ``Comment``, so that no question for comments can find one.
    """

    __mapper_args__ = {"polymorphic_identity": "internal"}


class CommentEvent(Record):
    """One step in the life of a comment: published, answered, resolved, reopened, with who, when and why.

    ``round`` is the version that stood then.  Rows are only added, and the database refuses anything else.
    """

    __tablename__ = "comment_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id"), index=True)
    act: Mapped[str] = mapped_column(String(20))
    words: Mapped[str] = mapped_column(Text, default="")
    round: Mapped[int]
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]

    by: Mapped[User] = relationship(lazy="joined")


class RemarkBundle(Record):
    """The remarks that the Exchange sent together, numbered within the application; rows are only added.

    ``process`` is the one in which they were written.
    """

    __tablename__ = "remark_bundle"
    __table_args__ = (UniqueConstraint("application_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    number: Mapped[int]
    process: Mapped[str] = mapped_column(String(60))
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]

    by: Mapped[User] = relationship(lazy="joined")
    items: Mapped[list[BundledRemark]] = relationship(lazy="selectin", order_by=lambda: BundledRemark.id)


class BundledRemark(Record):
    """One remark of a bundle; one that was reopened goes with a later bundle too.  Rows are only added."""

    __tablename__ = "bundled_remark"
    __table_args__ = (UniqueConstraint("bundle_id", "comment_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    bundle_id: Mapped[int] = mapped_column(ForeignKey("remark_bundle.id"))
    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id"))

    remark: Mapped[Remark] = relationship(lazy="selectin")


class CriteriaPin(Record):
    """The version of a set of criteria by which an application is judged: the one in force when it was first sent."""

    __tablename__ = "criteria_pin"
    __table_args__ = (UniqueConstraint("application_id", "criteria"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    criteria: Mapped[str] = mapped_column(String(60))
    version: Mapped[int]
    at: Mapped[datetime]


class CriterionVerdict(Record):
    """A reviewer's word on one criterion of one entry ("equity_package-e1"); rows are only added, the last one holds.

    ``verdict``: met, not_met or not_applicable.  ``finding`` is what judging by the answers came to,
    ``basis`` the answers it was judged by: once these are others, the verdict is unsettled.
    """

    __tablename__ = "criterion_verdict"
    __table_args__ = (Index("ix_criterion_verdict_application_id", "application_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    entry: Mapped[str] = mapped_column(String(120))
    criteria: Mapped[str] = mapped_column(String(60))
    version: Mapped[int]
    criterion: Mapped[str] = mapped_column(String(60))
    finding: Mapped[str] = mapped_column(String(10))
    basis: Mapped[dict[str, Any]]
    verdict: Mapped[str] = mapped_column(String(20))
    note: Mapped[str] = mapped_column(Text, default="")
    round: Mapped[int]
    stage: Mapped[str] = mapped_column(String(60))
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]

    by: Mapped[User] = relationship(lazy="joined")


class ConclusionNote(Record):
    """Words of the Exchange's people on the draft of a conclusion; rows are only added.

    ``act``: ``argued`` (why it differs from the criteria) or ``returned`` (what the head wants mended).
    """

    __tablename__ = "conclusion_note"

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    act: Mapped[str] = mapped_column(String(10))
    words: Mapped[str] = mapped_column(Text)
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]

    by: Mapped[User] = relationship(lazy="joined")
