"""What is kept of an application."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from app.accounts.models import User
from app.db import Record
from app.errors import Conflict
from app.organisations.models import Organisation

WHOLE = "application"
"""The place of a comment on the whole application; the place of a field has a dot in it."""


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


class Holding(Record):
    """A person of the Exchange who has taken an application out of his role's queue, or was given it.

    It stands while ``ended_at`` is empty; of one ``executor`` at most one does, and the database refuses a
    second.  ``process`` is where the application stood.  ``by_id`` is who made him the holder: himself, the
    head, a colleague; empty where it came back to him.  ``ending`` says why it is over: moved, given_back,
    reassigned or taken_over.
    """

    __tablename__ = "holding"
    __table_args__ = (
        Index(
            "uq_holding_standing",
            "application_id",
            "executor",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
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
    """One act on an application; rows are only added, and the database refuses anything else.

    ``for_id`` is the absent colleague on whose behalf ``by`` acted as his substitute.
    """

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
