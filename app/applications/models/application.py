"""What is kept of an application itself: where it stands, what it says, who works on it, what happened."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from app.accounts.models import User
from app.db import Record, index_where
from app.errors import Conflict
from app.organisations.models import Organisation


class Application(Record):
    """One application: where it stands, and the moments that matter.

    ``process`` and ``stages`` are its position: the process, and the status of each stage that has
    been touched (``{"issuer": "filled"}``); who did that, and when, is in its history.
    ``procedure`` and ``forms`` pin the versions it began with (``share_listing.v1``).  ``version``
    grows with every change of position; the database refuses an update of an older one.
    ``author_for_id`` is the organisation for which its author worked when he began it, empty for the Exchange's
    people: an adviser's is not the applicant.  ``parent_id`` is the application to which it belongs,
    an issue to its programme.
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
    author_for_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("application.id"), index=True)
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

    organisation: Mapped[Organisation] = relationship(foreign_keys=[organisation_id], lazy="joined")
    author: Mapped[User] = relationship(lazy="select")
    parent: Mapped[Application | None] = relationship(remote_side=[id], lazy="select")
    assignments: Mapped[list[Assignment]] = relationship(cascade="all", lazy="select", order_by=lambda: Assignment.id)
    holdings: Mapped[list[Holding]] = relationship(
        primaryjoin="and_(Holding.application_id == Application.id, Holding.ended_at.is_(None))",
        viewonly=True,
        lazy="select",
        order_by=lambda: Holding.id,
    )

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

    ``unread`` holds texts that are no values yet: field path -> input name -> text.  ``is_autosaved``:
    the page saved it by itself, and nobody has pressed a button since.  ``key`` is the mark that the
    page gave its save, so that the same save coming twice is known.
    ``origins`` says where answers come from until they are edited (``app.forms.origins``): path ->
    ``{"number": the archived application, "" for the organisation's record; "on": the day it stands for}``
    (IS2IN-9.6.a).
    """

    __tablename__ = "answers"
    __table_args__ = (
        UniqueConstraint("application_id", "stage", "revision"),
        Index("ix_answers_application_id_stage_by_id_key", "application_id", "stage", "by_id", "key", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"))
    stage: Mapped[str] = mapped_column(String(60))
    revision: Mapped[int]
    values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    unread: Mapped[dict[str, Any]] = mapped_column(default=dict)
    is_autosaved: Mapped[bool] = mapped_column(default=False)
    key: Mapped[str | None] = mapped_column(String(40))
    origins: Mapped[dict[str, Any]] = mapped_column(default=dict)
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]

    by: Mapped[User] = relationship(lazy="joined")


class Assignment(Record):
    """A person made executor of an application; it gives sight of it for good (IS2IN-9.4.c, A11).

    ``organisation_id`` is for whom he works on it: he sees it from that place of his, and from no other.
    """

    __tablename__ = "assignment"
    __table_args__ = (UniqueConstraint("application_id", "user_id", "executor"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    executor: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]
    is_current: Mapped[bool] = mapped_column(default=True)

    user: Mapped[User] = relationship(lazy="joined")


class Holding(Record):
    """A person of the Exchange who has taken an application out of his role's queue, or was given it.

    It stands while ``ended_at`` is empty; of one ``executor`` at most one does, and the database refuses a
    second.  ``process`` is where the application stood.  ``by_id`` is who made him the holder: himself, the
    head, a colleague; empty where it came back to him.  ``ending`` says why it is over: moved, given_back,
    reassigned or taken_over.
    """

    __tablename__ = "holding"
    __table_args__ = (
        index_where("uq_holding_standing", "application_id", "executor", holds="ended_at IS NULL", unique=True),
        Index("ix_holding_application_id_process", "application_id", "process"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"))
    executor: Mapped[str] = mapped_column(String(40))
    process: Mapped[str] = mapped_column(String(60))
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ending: Mapped[str] = mapped_column(String(12), default="")

    user: Mapped[User] = relationship(foreign_keys=[user_id], lazy="joined")


class SentVersion(Record):
    """What an application said at the moment it was sent; the answers are revisions, which never change.

    ``addressee``: ``first_head`` or ``exchange``.  ``revisions`` maps stages to the revision of their
    answers, ``skipped`` names the stages that were passed over, ``forms`` the versions of the forms
    then.  Rows are only added, and the database refuses anything else.
    """

    __tablename__ = "sent_version"

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    addressee: Mapped[str] = mapped_column(String(20))
    round: Mapped[int]
    revisions: Mapped[dict[str, Any]]
    skipped: Mapped[list[str]]
    forms: Mapped[dict[str, Any]]
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]

    by: Mapped[User] = relationship(lazy="joined")


class History(Record):
    """One act on an application; rows are only added, and the database refuses anything else.

    ``for_id`` is the absent colleague on whose behalf ``by`` acted as his substitute.  ``texts`` are the words in
    each language (``app.bilingual``) where a letter quotes them; ``words`` then is the one of the application's.
    """

    __tablename__ = "history"
    __table_args__ = (Index("ix_history_application_id_id", "application_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int]
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    act: Mapped[str] = mapped_column(String(60))
    stage: Mapped[str] = mapped_column(String(60), default="")
    source: Mapped[str] = mapped_column(String(60), default="")
    target: Mapped[str] = mapped_column(String(60), default="")
    words: Mapped[str] = mapped_column(Text, default="")
    texts: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    for_id: Mapped[int | None]

    by: Mapped[User | None] = relationship(lazy="joined")
    on_behalf_of: Mapped[User | None] = relationship(
        primaryjoin=lambda: foreign(History.for_id) == User.id, viewonly=True, lazy="select"
    )


class ClockEvent(Record):
    """What has happened of one run of a term, each once: reminded, over, the timer's outcome.

    ``run`` is the history row that began it; ``due_at`` the moment it was due, ``at`` when it was done.
    It says nothing of how the clock stands: that is told from the history.  Rows are only added, and the
    database refuses anything else.
    """

    __tablename__ = "clock_event"
    __table_args__ = (UniqueConstraint("application_id", "term", "run", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    term: Mapped[str] = mapped_column(String(60))
    run: Mapped[int]
    kind: Mapped[str] = mapped_column(String(10))
    due_at: Mapped[datetime]
    at: Mapped[datetime]


class CalendarBegin(Record):
    """An application that the calendar has begun: of each procedure for each organisation and day one.

    Rows are only added, and the database refuses anything else.
    """

    __tablename__ = "calendar_begin"
    __table_args__ = (UniqueConstraint("procedure", "organisation_id", "due_on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    procedure: Mapped[str] = mapped_column(String(60))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    due_on: Mapped[str] = mapped_column(String(10))
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    at: Mapped[datetime]


class Counter(Record):
    """The last number given of a series (``LP-2026``); a number is taken in the act's own transaction."""

    __tablename__ = "counter"

    series: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[int] = mapped_column(default=0)
