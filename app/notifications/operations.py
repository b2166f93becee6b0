"""Writing messages; ``delivery`` sends them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from flask import has_app_context
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app import db
from app.accounts.models import User
from app.audit import operations as audit
from app.errors import Conflict, Invalid, Problem, Said
from app.notifications import queries, wording
from app.notifications.events import CHOSEN, Channel, channel, event
from app.notifications.models import PATIENCE, Bounce, Mail, NoticeChoice, Notification
from app.statements import Statement
from app.terms import DEFAULT_LANGUAGE, LANGUAGES, say
from app.web import here


@dataclass(frozen=True)
class About:
    """What a message is about: the application's number and address, procedure, executor, author, and whose it is.

    ``company`` is the organisation in the three languages, for those who work for several.
    """

    number: str = ""
    url: str = ""
    procedure: Mapping[str, str] = field(default_factory=dict)
    executor: Mapping[str, str] = field(default_factory=dict)
    author: str = ""
    company: Mapping[str, str] = field(default_factory=dict)


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


_ABOUT = ("application_number", "procedure", "executor", "author", "company")
_ADD_NOTIFICATIONS = Statement(
    insert(db.table_of(Notification)),
    (*_ABOUT, "user_id", "at", "message", "params", "action_required", "path", "channel", "message_id"),
)
_ADD_MAILS = Statement(
    insert(db.table_of(Mail)),
    (
        "user_id",
        "about",
        "to",
        "subject",
        "body",
        "content",
        "groups",
        "language",
        "message_id",
        "next_try_at",
        "created_at",
    ),
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
    """Write a message for each of ``users``, and the mail that he chose, in the caller's transaction.

    ``message`` is the key of a term in the catalogue (``events``); ``params`` are JSON values, a mapping of the
    three languages is said in the reader's.  ``mail_only`` are lines (key of a term -> value) that
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
    """Write each active user his message, as ``notify`` does; one message a user, the last one.

    What is mailed at once joins the mail about the same application that was written for him at this very
    moment and has not gone yet: one act is one mail, however many things it tells.
    """
    told = {user.id: (user, message) for user, message in addressed if user.is_active}
    if not told:
        return
    subject = {
        "application_number": about.number,
        "procedure": dict(about.procedure),
        "executor": dict(about.executor),
        "author": about.author,
        "company": dict(about.company),
        "path": _path(about.url),
    }
    chosen = queries.choices(
        ident for ident, (_, said) in told.items() if not (said.action_required or event(said.key).is_mandatory)
    )
    waiting = queries.unsent(told, about=about.number, at=now) if about.number and not mail_only else {}
    rows, mails = [], []
    for ident, (user, message) in told.items():
        way = channel(message.key, chosen.get(ident, {}), action_required=message.action_required)
        message_id = ""
        if way is Channel.AT_ONCE:
            message_id = _joined(waiting.get(ident), message, at=now)
            if not message_id:
                made = _mail(user, message, about=about, mail_only=mail_only or {}, now=now)
                mails.append(made)
                message_id = made["message_id"]
        rows.append(
            {
                **subject,
                "user_id": ident,
                "at": now,
                "message": message.key,
                "params": message.params,
                "action_required": message.action_required,
                "channel": way.value,
                "message_id": message_id,
            }
        )
    _ADD_NOTIFICATIONS.run_many(rows)
    if mails:
        _ADD_MAILS.run_many(mails)


def _path(url: str) -> str:
    """Return where an address of this house leads, without the house's own name."""
    found = urlsplit(url)
    return (found.path + (f"?{found.query}" if found.query else ""))[:200]


def _joined(waiting: queries.Unsent | None, message: Message, *, at: datetime) -> str:
    """Add a message to a mail that has not gone yet and return the mail's Message-ID; "" when it cannot join."""
    if waiting is None:
        return ""
    content = wording.with_sentence(waiting.content, words(message.key, message.params, waiting.language))
    groups = sorted({*waiting.groups, *_groups(message)}) if waiting.groups and _groups(message) else []
    joined = db.session.connection().execute(
        update(Mail)
        .where(Mail.id == waiting.id, Mail.state == "waiting", Mail.tries == 0, Mail.created_at == at)
        .values(content=content, body=wording.text(content), groups=groups)
    )
    return waiting.message_id if joined.rowcount else ""


def group_of(key: str) -> str:
    """Return the group of a message."""
    return event(key).group


def _groups(message: Message) -> list[str]:
    """Return the groups that may be unsubscribed from by a mail of this message."""
    found = event(message.key)
    return [] if message.action_required or found.is_mandatory else [found.group]


def _mail(
    user: User | Addressee, message: Message, *, about: About, mail_only: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    language = user.language or DEFAULT_LANGUAGE
    content = letter([_section(message, about, language, mail_only)], language)
    subject, groups = _subject(about, language), _groups(message)
    return mail_row(user, subject, content, language=language, about=about.number, groups=groups, now=now)


def mail_row(
    user: User | Addressee,
    subject: str,
    content: Mapping[str, Any],
    *,
    language: str,
    about: str = "",
    groups: Sequence[str],
    now: datetime,
) -> dict[str, Any]:
    """Return the columns of a mail to ``user`` that waits to be sent; its Message-ID is fixed with them."""
    return {
        "user_id": user.id,
        "about": about,
        "to": user.email,
        "subject": subject,
        "body": wording.text(content),
        "content": content,
        "groups": list(groups),
        "language": language,
        "message_id": f"<{secrets.token_hex(16)}@is2in>",
        "next_try_at": now,
        "created_at": now,
    }


def letter(sections: Sequence[Mapping[str, Any]], language: str) -> dict[str, Any]:
    """Return a mail's content: its sections, and the foot with the way to one's own choice."""
    choice = f"{here.config().base_url}/profile/notices" if has_app_context() else ""
    foot = [[say("mail.choice", language), choice], [say("mail.footer", language), ""]]
    return {"sections": list(sections), "foot": foot}


def mail(
    to: str,
    message: str,
    *,
    subject: str,
    params: Mapping[str, Any],
    language: str,
    url: str,
    now: datetime,
) -> None:
    """Write a mail to an address that has no account, in the caller's transaction; ``subject`` is the key of a term.

    ``message`` and ``params`` as ``notify`` takes them; ``url`` is where it leads.
    """
    section = wording.section([words(message, params, language)], link=say("mail.open", language), url=url)
    content = {"sections": [section], "foot": [[say("mail.footer", language), ""]]}
    named = Addressee(0, to, language, "")
    row = mail_row(named, f"is2in: {say(subject, language)}", content, language=language, groups=(), now=now)
    _ADD_MAILS.run_many([row | {"user_id": None}])


def mails_since(to: str, moment: datetime) -> int:
    """Return how many mails an address has been written since a moment."""
    written = select(func.count()).where(func.lower(Mail.to) == to.lower(), Mail.created_at > moment)
    return db.session.scalar(written) or 0


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


def _section(message: Message, about: About, language: str, mail_only: Mapping[str, Any]) -> dict[str, Any]:
    facts = facts_of(about.number, about.procedure, about.executor, about.author, about.company, language)
    facts += [(say(key, language), str(value)) for key, value in mail_only.items()]
    link = say("mail.link" if about.number else "mail.open", language) if about.url else ""
    return wording.section([words(message.key, message.params, language)], facts=facts, link=link, url=about.url)


def facts_of(
    number: str,
    procedure: Mapping[str, str],
    executor: Mapping[str, str],
    author: str,
    company: Mapping[str, str],
    language: str,
) -> list[tuple[str, str]]:
    """Return what stands under a message about an application; nothing when it is about none."""
    if not number:
        return []
    whose = [(say("obj.company", language), company[language])] if language in company else []
    return [
        (say("col.app_number", language), number),
        (say("obj.procedure", language), procedure.get(language, "")),
        *whose,
        (say("role.executor", language), executor.get(language, "")),
        (say("role.author", language), author),
    ]


def mark_read(user_id: int, *, now: datetime, ids: Iterable[int] | None = None) -> None:
    """Mark the user's messages as read; all of them when ``ids`` is None."""
    statement = update(Notification).where(Notification.user_id == user_id, Notification.read_at.is_(None))
    if ids is not None:
        statement = statement.where(Notification.id.in_(list(ids)))
    db.session.execute(statement.values(read_at=now), execution_options={"synchronize_session": False})


def choose(user_id: int, chosen: Mapping[str, str], *, now: datetime, by_link: bool = False) -> None:
    """Keep how a person wants to be told of each group in ``chosen`` (group -> channel); others stay as they are.

    ``by_link``: he pressed «unsubscribe» in his mail program, and nobody has signed in.

    Raises:
        Invalid: a group that nobody may mute, or no such group or channel; nothing is kept then.
    """
    problems = [
        Problem(group, "notices.err.mandatory" if group not in CHOSEN else "notices.err.channel")
        for group, way in chosen.items()
        if group not in CHOSEN or way not in tuple(Channel)
    ]
    if problems:
        raise Invalid(problems=problems)
    before = queries.choices([user_id]).get(user_id, {})
    changed = {group: way for group, way in chosen.items() if before.get(group, CHOSEN[group]) != way}
    if not changed:
        return
    connection = db.session.connection()
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    for group, way in changed.items():
        adding = dialect.insert(NoticeChoice).values(user_id=user_id, group=group, channel=way, at=now)
        connection.execute(
            adding.on_conflict_do_update(index_elements=["user_id", "group"], set_={"channel": way, "at": now})
        )
    audit.record("notices_chosen", f"user {user_id}", by=user_id, at=now, chosen=changed, by_link=by_link)


def try_address(user: User, *, now: datetime) -> None:
    """Believe again in an address that was refused: send it a first mail, and what was held back of late.

    Raises:
        Conflict: nothing says that the address does not take mail.
    """
    mended = db.session.execute(delete(Bounce).where(Bounce.address == user.email))
    if not mended.rowcount:  # type: ignore[attr-defined]
        raise Conflict("notices.err.not_bouncing")
    db.session.execute(
        update(Mail)
        .where(Mail.to == user.email, Mail.state == "bounced", Mail.created_at > now - PATIENCE)
        .values(state="waiting", next_try_at=now),
        execution_options={"synchronize_session": False},
    )
    audit.record("address_tried", f"user {user.id}", by=user.id, at=now)
    notify([user], "notice.address_tried", about=About(), now=now)
