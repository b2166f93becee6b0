"""What is kept of meetings: members, agendas, votes, conditions, minutes."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Date, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import User
from app.applications.models import Application
from app.bodies.voting import Presence
from app.db import Record
from app.errors import Conflict


class Office(StrEnum):
    """What a member of a body is; the secretary keeps the minutes and has no vote."""

    CHAIR = "chair"
    MEMBER = "member"
    SECRETARY = "secretary"

    @property
    def votes(self) -> bool:
        """Whether it carries a vote."""
        return self is not Office.SECRETARY


class MeetingState(StrEnum):
    """``draft``: being prepared, nobody has been told; ``held``: over, its minutes are made; ``discarded``: a draft
    that was thrown away, kept for its history alone.
    """

    DRAFT = "draft"
    APPOINTED = "appointed"
    HELD = "held"
    DISCARDED = "discarded"


class ItemState(StrEnum):
    """What has become of an item; the last three are no longer on this agenda."""

    OPEN = "open"
    DECIDED = "decided"
    POSTPONED = "postponed"  # at the meeting itself: it waits for another one
    MOVED = "moved"  # before it, to another meeting
    TAKEN_OFF = "taken_off"

    @property
    def is_on_agenda(self) -> bool:
        """Whether the meeting has, or had, this matter before it."""
        return self not in (ItemState.MOVED, ItemState.TAKEN_OFF)


class DecidingBody(Record):
    """A body as acts on it stand in line for it: one row of each, held by whoever changes its members or a meeting."""

    __tablename__ = "deciding_body"

    key: Mapped[str] = mapped_column(String(60), primary_key=True)


class BodyMember(Record):
    """Somebody's office in a body from a day on: one of the Exchange's people, or an outsider by his name.

    ``until`` is the first day on which it is over; empty while it lasts.
    """

    __tablename__ = "body_member"
    __table_args__ = (Index("ix_body_member_body", "body"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str] = mapped_column(String(60))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    name: Mapped[str] = mapped_column(String(200))
    position: Mapped[str] = mapped_column(String(200), default="")
    office: Mapped[str] = mapped_column(String(10))
    since: Mapped[date] = mapped_column(Date)
    until: Mapped[date | None] = mapped_column(Date)
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]

    def is_in_office(self, day: date) -> bool:
        """Tell whether the office is held on ``day``."""
        return self.since <= day and (self.until is None or day < self.until)


class Meeting(Record):
    """A meeting of a body.  ``number`` counts the body's appointed meetings of a year, empty for a draft.

    ``starts`` is the time of the day in Kazakhstan ("15:00"); ``paper_reason`` says why a meeting was entered
    after it was held on paper.  ``version`` grows with every act on the meeting or its agenda.
    """

    __tablename__ = "meeting"

    id: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str] = mapped_column(String(60), index=True)
    number: Mapped[str] = mapped_column(String(20), default="")
    day: Mapped[date] = mapped_column(Date, index=True)
    starts: Mapped[str] = mapped_column(String(5), default="")
    place: Mapped[str] = mapped_column(String(200), default="")
    is_remote: Mapped[bool] = mapped_column(default=False)
    paper_reason: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(10), default=MeetingState.DRAFT)
    version: Mapped[int] = mapped_column(default=1)
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]
    appointed_at: Mapped[datetime | None]
    held_at: Mapped[datetime | None]

    items: Mapped[list[AgendaItem]] = relationship(
        back_populates="meeting", lazy="selectin", order_by=lambda: (AgendaItem.place, AgendaItem.id)
    )
    attendance: Mapped[list[Attendance]] = relationship(lazy="selectin")
    minutes: Mapped[list[Minutes]] = relationship(lazy="selectin", order_by=lambda: Minutes.version)
    events: Mapped[list[MeetingEvent]] = relationship(lazy="select", order_by=lambda: MeetingEvent.id)

    @property
    def agenda(self) -> list[AgendaItem]:
        """The items that are, or were at the end, before the meeting, in their order."""
        return [item for item in self.items if ItemState(item.state).is_on_agenda]

    @property
    def has_begun(self) -> bool:
        """Whether it has been held, or votes have been cast, or an item is decided or postponed."""
        return self.state == MeetingState.HELD or any(item.votes or not item.is_open for item in self.agenda)

    def require_version(self, seen: int) -> None:
        """Refuse an act that was decided on an older state of the meeting.

        Raises:
            Conflict: somebody has acted on it since ``seen`` was on the screen.
        """
        if seen != self.version:
            raise Conflict("meetings.err.moved")

    def presence(self, member_id: int) -> Presence:
        """Return whether a member takes part; who was not recorded is absent."""
        found = next((row.presence for row in self.attendance if row.member_id == member_id), Presence.ABSENT)
        return Presence(found)


class AgendaItem(Record):
    """An application before a meeting.  ``place`` orders the agenda; ``words`` say why it left it.

    ``proposal`` is the outcome that is voted on, a key of the decision form's options; ``ballot`` counts the
    proposals put to the vote.  ``outcome`` is the decision recorded.
    """

    __tablename__ = "agenda_item"
    __table_args__ = (UniqueConstraint("meeting_id", "application_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meeting.id"), index=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    place: Mapped[int]
    state: Mapped[str] = mapped_column(String(10), default=ItemState.OPEN)
    proposal: Mapped[str] = mapped_column(String(60), default="")
    ballot: Mapped[int] = mapped_column(default=1)
    outcome: Mapped[str] = mapped_column(String(60), default="")
    words: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime]
    decided_at: Mapped[datetime | None]

    meeting: Mapped[Meeting] = relationship(back_populates="items", lazy="joined")
    application: Mapped[Application] = relationship(lazy="joined")
    conflicts: Mapped[list[InterestConflict]] = relationship(lazy="selectin", cascade="all, delete-orphan")
    votes: Mapped[list[Vote]] = relationship(lazy="selectin", cascade="all, delete-orphan", order_by=lambda: Vote.id)
    conditions: Mapped[list[DecisionCondition]] = relationship(
        back_populates="item", lazy="selectin", cascade="all, delete-orphan", order_by=lambda: DecisionCondition.id
    )

    @property
    def is_open(self) -> bool:
        """Whether it still waits for its decision."""
        return self.state == ItemState.OPEN


class Attendance(Record):
    """Whether a member takes part in a meeting."""

    __tablename__ = "attendance"
    __table_args__ = (UniqueConstraint("meeting_id", "member_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meeting.id"))
    member_id: Mapped[int] = mapped_column(ForeignKey("body_member.id"))
    presence: Mapped[str] = mapped_column(String(10))


class InterestConflict(Record):
    """A member's conflict of interest in one matter: he is out of its vote and quorum."""

    __tablename__ = "interest_conflict"
    __table_args__ = (UniqueConstraint("item_id", "member_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("agenda_item.id"))
    member_id: Mapped[int] = mapped_column(ForeignKey("body_member.id"))
    reason: Mapped[str] = mapped_column(Text)
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]

    member: Mapped[BodyMember] = relationship(lazy="joined")


class Vote(Record):
    """A member's vote on the proposal of a ballot; ``opinion`` is his dissenting opinion."""

    __tablename__ = "vote"
    __table_args__ = (UniqueConstraint("item_id", "ballot", "member_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("agenda_item.id"))
    ballot: Mapped[int]
    proposal: Mapped[str] = mapped_column(String(60))
    member_id: Mapped[int] = mapped_column(ForeignKey("body_member.id"))
    choice: Mapped[str] = mapped_column(String(10))
    opinion: Mapped[str] = mapped_column(Text, default="")
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]

    member: Mapped[BodyMember] = relationship(lazy="joined")


class DecisionCondition(Record):
    """A condition under which an application was granted; the applicant reads it once the letter is delivered.

    ``texts`` are its words in each language of the letter (``app.bilingual``).
    """

    __tablename__ = "decision_condition"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("agenda_item.id"), index=True)
    texts: Mapped[dict[str, Any]]
    due: Mapped[date | None] = mapped_column(Date)
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]
    met_at: Mapped[datetime | None]
    met_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    met_words: Mapped[str] = mapped_column(Text, default="")
    reminded_at: Mapped[datetime | None]
    overdue_told_at: Mapped[datetime | None]

    item: Mapped[AgendaItem] = relationship(back_populates="conditions", lazy="joined")
    met_by: Mapped[User | None] = relationship(foreign_keys=[met_by_id], lazy="joined")


class Minutes(Record):
    """The minutes of a meeting as PDF, kept by hash; a correction is a new version with its reason.

    Rows are only added, and the database refuses anything else.
    """

    __tablename__ = "meeting_minutes"
    __table_args__ = (UniqueConstraint("meeting_id", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meeting.id"))
    version: Mapped[int]
    reason: Mapped[str] = mapped_column(Text, default="")
    text: Mapped[str] = mapped_column(Text, default="")
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    at: Mapped[datetime]

    by: Mapped[User] = relationship(lazy="joined")


class MeetingEvent(Record):
    """One act on a meeting; ``item_id`` where it was on one matter.  Rows are only added, the database sees to it."""

    __tablename__ = "meeting_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meeting.id"), index=True)
    item_id: Mapped[int | None] = mapped_column(ForeignKey("agenda_item.id"))
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    act: Mapped[str] = mapped_column(String(40))
    words: Mapped[str] = mapped_column(Text, default="")

    by: Mapped[User] = relationship(lazy="joined")
