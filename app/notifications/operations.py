"""Writing messages; ``delivery`` sends them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import insert, update

from app import db
from app.accounts import operations as accounts
from app.accounts.models import User
from app.errors import Said
from app.notifications.models import Mail, Notification
from app.statements import Statement
from app.terms import DEFAULT_LANGUAGE, LANGUAGES, say
from app.web.templating import date_time_text


@dataclass(frozen=True)
class About:
    """What a message is about: the application's number and address, procedure, executor, author."""

    number: str = ""
    url: str = ""
    procedure: Mapping[str, str] = field(default_factory=dict)
    executor: Mapping[str, str] = field(default_factory=dict)
    author: str = ""


class Addressee(NamedTuple):
    """Somebody to whom a message is written; one who has been switched off gets none."""

    id: int
    email: str
    language: str
    name: str
    is_active: bool = True


@dataclass(frozen=True)
class Message:
    """A sentence to somebody: the key of a term, its JSON ``params`` (see ``notify``), and whether he must act."""

    key: str
    params: Mapping[str, Any] = field(default_factory=dict)
    action_required: bool = False


_ABOUT = ("application_number", "procedure", "executor", "author")
_ADD_NOTIFICATIONS = Statement(
    insert(db.table_of(Notification)), (*_ABOUT, "user_id", "at", "message", "params", "action_required")
)
_ADD_MAILS = Statement(
    insert(db.table_of(Mail)),
    ("to", "subject", "body", "language", "message_id", "next_try_at", "created_at"),
)


def notify(
    users: Iterable[User],
    message: str,
    *,
    about: About,
    now: datetime,
    action_required: bool = False,
    params: Mapping[str, Any] | None = None,
    mail_only: Mapping[str, Any] | None = None,
) -> None:
    """Write a message and a mail for each of ``users``, in the caller's transaction.

    ``message`` is the key of a term; ``params`` are JSON values, a mapping of the three
    languages is said in the reader's.  ``mail_only`` are lines (key of a term -> value) that
    stand in the mail and nowhere else: an issued password.
    """
    said = Message(message, dict(params or {}), action_required)
    post([(user, said) for user in users], about=about, now=now, mail_only=mail_only)


def post(
    addressed: Iterable[tuple[User | Addressee, Message]],
    *,
    about: About,
    now: datetime,
    mail_only: Mapping[str, Any] | None = None,
) -> None:
    """Write each active user his message and its mail, as ``notify`` does; one message a user, the last one."""
    subject = {
        "application_number": about.number,
        "procedure": dict(about.procedure),
        "executor": dict(about.executor),
        "author": about.author,
    }
    rows, mails = [], []
    for user, message in {user.id: (user, message) for user, message in addressed if user.is_active}.values():
        language = user.language or DEFAULT_LANGUAGE
        rows.append(
            {
                **subject,
                "user_id": user.id,
                "at": now,
                "message": message.key,
                "params": message.params,
                "action_required": message.action_required,
            }
        )
        mails.append(
            {
                "to": user.email,
                "subject": _subject(about, language),
                "body": _body(message, about, language, mail_only or {}),
                "language": language,
                "message_id": f"<{secrets.token_hex(16)}@is2in>",
                "next_try_at": now,
                "created_at": now,
            }
        )
    if rows:
        _ADD_NOTIFICATIONS.run_many(rows)
        _ADD_MAILS.run_many(mails)


def words(message: str, params: Mapping[str, Any], language: str) -> str:
    """Return a message's sentence in ``language``."""
    said = {
        name: Said(value) if isinstance(value, dict) and set(value) == set(LANGUAGES) else value
        for name, value in params.items()
    }
    return say(message, language, **said)


def _subject(about: About, language: str) -> str:
    what = about.procedure.get(language, "")
    number = f"{about.number} · " if about.number else ""
    return " ".join(f"is2in: {number}{what or say('nav.notifications', language)}".split())[:290]


def _body(message: Message, about: About, language: str, mail_only: Mapping[str, Any]) -> str:
    lines = [words(message.key, message.params, language), ""]
    if about.number:
        lines += [
            f"{say('col.app_number', language)}: {about.number}",
            f"{say('obj.procedure', language)}: {about.procedure.get(language, '')}",
            f"{say('role.executor', language)}: {about.executor.get(language, '')}",
            f"{say('role.author', language)}: {about.author}",
        ]
    lines += [f"{say(key, language)}: {value}" for key, value in mail_only.items()]
    if about.url:
        lines += ["", say("mail.link", language), about.url]
    lines += ["", say("mail.footer", language)]
    return "\n".join(lines)


@accounts.locked.connect
def tell_locked(user: User, *, until: datetime, now: datetime) -> None:
    """Tell the owner of an account that it is locked, and until when."""
    notify([user], "notice.locked", about=About(), params={"time": date_time_text(until)}, now=now)


def mark_read(user_id: int, *, now: datetime, ids: Iterable[int] | None = None) -> None:
    """Mark the user's messages as read; all of them when ``ids`` is None."""
    statement = update(Notification).where(Notification.user_id == user_id, Notification.read_at.is_(None))
    if ids is not None:
        statement = statement.where(Notification.id.in_(list(ids)))
    db.session.execute(statement.values(read_at=now), execution_options={"synchronize_session": False})
