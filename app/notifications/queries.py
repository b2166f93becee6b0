"""What one may ask about messages, mails and choices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, select

from app import db
from app.notifications.models import Bounce, Mail, NoticeChoice, Notification


@dataclass(frozen=True)
class Filter:
    """Which messages of a person: unread ones, those that ask him to act, those about one application."""

    unread: bool = False
    action_required: bool = False
    application: str = ""

    def __bool__(self) -> bool:
        return bool(self.unread or self.action_required or self.application)

    def clauses(self, user_id: int) -> list[ColumnElement[bool]]:
        """Return the conditions for a query."""
        found: list[ColumnElement[bool]] = [Notification.user_id == user_id]
        if self.unread:
            found.append(Notification.read_at.is_(None))
        if self.action_required:
            found.append(Notification.action_required.is_(True))
        if self.application:
            found.append(Notification.application_number == self.application)
        return found


ALL = Filter()


def of(user_id: int, *, limit: int, offset: int = 0, only: Filter = ALL) -> Sequence[Notification]:
    """Return the user's messages, newest first."""
    return db.session.scalars(
        select(Notification)
        .where(*only.clauses(user_id))
        .order_by(Notification.at.desc(), Notification.id.desc())
        .limit(limit)
        .offset(offset)
    ).all()


def count(user_id: int, *, only: Filter = ALL) -> int:
    """Return how many messages the user has been sent."""
    return db.session.scalar(select(func.count()).select_from(Notification).where(*only.clauses(user_id))) or 0


def unread(user_id: int) -> int:
    """Return how many messages the user has not read."""
    return count(user_id, only=Filter(unread=True))


def applications_of(user_id: int, *, limit: int = 100) -> Sequence[str]:
    """Return the numbers of the applications that the user's messages are about, latest first."""
    number = Notification.application_number
    return db.session.scalars(
        select(number)
        .where(Notification.user_id == user_id, number != "")
        .group_by(number)
        .order_by(func.max(Notification.id).desc())
        .limit(limit)
    ).all()


class News(NamedTuple):
    """How a person's messages stand: the newest one's id (0: none) and how many are unread."""

    last: int
    unread: int


def news(user_id: int) -> News:
    """Return how the user's messages stand, in one query."""
    is_unread = func.count().filter(Notification.read_at.is_(None))
    row = db.session.execute(
        select(func.coalesce(func.max(Notification.id), 0), is_unread).where(Notification.user_id == user_id)
    ).one()
    return News(int(row[0]), int(row[1]))


def after(user_id: int, ident: int, *, limit: int) -> Sequence[Notification]:
    """Return the user's newest messages that came after the one of ``ident``, newest first."""
    return db.session.scalars(
        select(Notification)
        .where(Notification.user_id == user_id, Notification.id > ident, Notification.read_at.is_(None))
        .order_by(Notification.id.desc())
        .limit(limit)
    ).all()


def choices(user_ids: Iterable[int]) -> dict[int, dict[str, str]]:
    """Return what each of ``user_ids`` chose: user -> group -> channel, of the groups that he chose for."""
    wanted = list(user_ids)
    if not wanted:
        return {}
    statement = select(NoticeChoice.user_id, NoticeChoice.group, NoticeChoice.channel)
    found: dict[int, dict[str, str]] = {}
    for user_id, group, way in db.session.connection().execute(statement.where(NoticeChoice.user_id.in_(wanted))):
        found.setdefault(user_id, {})[group] = way
    return found


class Unsent(NamedTuple):
    """A mail that waits for its first try."""

    id: int
    message_id: str
    content: Mapping[str, Any]
    groups: list[str]
    language: str


def unsent(user_ids: Iterable[int], *, about: str, at: datetime) -> dict[int, Unsent]:
    """Return the mails about an application that were written at this very moment and have not gone, by reader."""
    statement = select(Mail.user_id, Mail.id, Mail.message_id, Mail.content, Mail.groups, Mail.language).where(
        Mail.user_id.in_(list(user_ids)),
        Mail.created_at == at,
        Mail.about == about,
        Mail.state == "waiting",
        Mail.tries == 0,
    )
    return {row[0]: Unsent(*row[1:]) for row in db.session.connection().execute(statement)}


def mails_of(message_ids: Iterable[str]) -> dict[str, Mail]:
    """Return mails by their Message-ID."""
    wanted = {ident for ident in message_ids if ident}
    if not wanted:
        return {}
    return {mail.message_id: mail for mail in db.session.scalars(select(Mail).where(Mail.message_id.in_(wanted)))}


def bounce(address: str) -> Bounce | None:
    """Return since when an address does not take mail; None when nothing is known against it."""
    return db.session.get(Bounce, address)


def mails(*, limit: int, offset: int = 0, state: str = "") -> Sequence[Mail]:
    """Return the mails of everybody, newest first."""
    statement = select(Mail).where(Mail.state == state) if state else select(Mail)
    return db.session.scalars(statement.order_by(Mail.id.desc()).limit(limit).offset(offset)).all()


def count_mails(state: str = "") -> int:
    """Return how many mails have been written."""
    statement = select(func.count()).select_from(Mail)
    return db.session.scalar(statement.where(Mail.state == state) if state else statement) or 0


def mail_states() -> dict[str, int]:
    """Return how many mails there are of each state."""
    counted = db.session.execute(select(Mail.state, func.count()).group_by(Mail.state))
    return dict(counted.all())
