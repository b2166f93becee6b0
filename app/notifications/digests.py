"""The daily digest: what a person wanted to hear of once a day, in one mail.

A day's digest is one transaction: the row that says the day has had it, the mail, and the messages it tells.  Killed
anywhere, the worker has done all of it or nothing; and no day (in Kazakhstan) has two for one person.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time

import structlog
from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.exc import IntegrityError

from app import db
from app.accounts import queries as people
from app.accounts.models import User
from app.business_calendar.days import ZONE
from app.notifications import operations, wording
from app.notifications.events import CHOSEN, Channel
from app.notifications.models import Digest, Mail, Notification
from app.terms import DEFAULT_LANGUAGE, say
from app.web import here

log = structlog.get_logger()


def write_due(*, hour: int, now: datetime) -> int:
    """Write the digests that are due at ``now`` and return how many.

    From ``hour`` o'clock on, everybody gets what was written for him before that hour and what he has not read
    in his cabinet meanwhile.  After a day on which nothing ran, one digest tells of both days.
    """
    local = now.astimezone(ZONE)
    cutoff = datetime.combine(local.date(), time(hour), ZONE)
    if local < cutoff:
        return 0
    with db.transaction(writing=False) as session:
        has_had = select(Digest.user_id).where(Digest.day == local.date())
        waiting = select(Notification.user_id).where(*_awaiting(cutoff), Notification.user_id.not_in(has_had))
        due = session.scalars(
            waiting.join(User, User.id == Notification.user_id)
            .where(User.is_active.is_(True))
            .distinct()
            .order_by(Notification.user_id)
        ).all()
    written = 0
    for user_id in due:
        try:
            with db.transaction():
                written += _write(user_id, local.date(), cutoff, now)
        except IntegrityError:
            log.info("digest_written_by_another", user=user_id)
    return written


def _awaiting(cutoff: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        Notification.channel == Channel.DIGEST.value,
        Notification.message_id == "",
        Notification.read_at.is_(None),
        Notification.at < cutoff,
    )


def _write(user_id: int, day: date, cutoff: datetime, now: datetime) -> bool:
    user = people.by_id(user_id)
    told = db.session.scalars(
        select(Notification)
        .where(Notification.user_id == user_id, *_awaiting(cutoff))
        .order_by(Notification.id)
        .with_for_update()
    ).all()
    if not told:  # read, or told by another worker, since we looked
        return False
    language = user.language or DEFAULT_LANGUAGE
    subject = say("mail.digest", language, date=day.strftime("%d.%m.%Y"))
    content = operations.letter(_sections(told, language), language)
    groups = [group for group in CHOSEN if group in {operations.group_of(row.message) for row in told}]
    mail = operations.mail_row(user, f"is2in: {subject}", content, language=language, groups=groups, now=now)
    db.session.execute(insert(Digest).values(user_id=user_id, day=day, message_id=mail["message_id"], at=now))
    db.session.execute(insert(Mail).values(**mail))
    db.session.execute(
        update(Notification).where(Notification.id.in_([row.id for row in told])).values(message_id=mail["message_id"]),
        execution_options={"synchronize_session": False},
    )
    return True


def _sections(told: Sequence[Notification], language: str) -> list[dict[str, object]]:
    """Return a section for each application, in the order of their first message; what is about none comes last."""
    by_number: dict[str, list[Notification]] = {}
    for row in told:
        by_number.setdefault(row.application_number, []).append(row)
    base = here.config().base_url
    sections = []
    for number in sorted(by_number, key=lambda number: not number):
        rows = by_number[number]
        newest = rows[-1]
        sentences = [operations.words(row.message, row.params, language) for row in rows]
        procedure = newest.procedure.get(language, "")
        title = f"{number} · {procedure}" if number else say("mail.digest_other", language)
        about = (newest.procedure, newest.executor, newest.author, newest.company)
        facts = operations.facts_of(number, *about, language)[2:]
        url = f"{base}/applications/{number}" if number else f"{base}/notifications"
        sections.append(wording.section(list(dict.fromkeys(sentences)), title=title, facts=facts, url=url))
    return sections
