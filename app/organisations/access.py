"""What a newcomer does: ask for access, follow his request, answer what the Exchange asks (IS2IN-3).

Nothing here looks whether a BIN or an address is known already: the answer would tell strangers who is a client.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select

from app import db
from app.accounts import queries as people
from app.accounts.models import User
from app.audit import operations as audit
from app.errors import Conflict, Invalid, NotFound
from app.notifications import operations as notifications
from app.organisations import asked
from app.organisations.models import AccessRequest, RequestState, RequestStep
from app.permissions import Role
from app.web import here
from app.web.templating import ZONE

ACCESS, HEAD = "access", "head"
"""What a request is for: a newcomer's organisation and accounts, or another first head of a client."""

MOST_AN_HOUR = 5
"""How many requests are taken from one address of the network within an hour."""
MOST_MAILS = 3
"""How many confirmations one mail address is sent within a day: the form is open to everybody."""
LONGEST_WORDS = 2000

DESK_ROLES = (Role.LISTING, Role.LISTING_HEAD)
"""Who is told of a new request."""


def submit(
    said: Mapping[str, Any],
    *,
    key_report: Mapping[str, Any] | None = None,
    language: str,
    address: str,
    site: str,
    now: datetime,
    seed: str = "",
) -> AccessRequest:
    """Keep a newcomer's request, confirm it to its first contact person, and tell the desk.

    ``key_report`` is what is known of the first head's test signature (``keys.kept``); without it his key is only
    declared.  ``address`` is the sender's in the network, ``site`` this installation's; ``seed`` is of ``seed_of``.

    Raises:
        Invalid: names every field that will not do.
        Conflict: too many requests came from that address.
    """
    problems = asked.faults(said)
    if problems:
        raise Invalid(problems=problems)
    since = now - timedelta(hours=1)
    recent = select(func.count()).where(AccessRequest.address == address, AccessRequest.at > since)
    if address and (db.session.scalar(recent) or 0) >= MOST_AN_HOUR:
        raise Conflict("access.err.many")
    row = add(
        ACCESS,
        {**said, **{f"name_{key}": name for key, name in asked.full_names(said).items()}},
        kind=said["kind"],
        language=language,
        address=address,
        key_report=key_report,
        now=now,
        seed=seed,
    )
    _confirm(row, site=site, now=now)
    tell_desk(row, site=site, now=now)
    return row


def add(
    purpose: str,
    said: Mapping[str, Any],
    *,
    kind: str,
    language: str,
    now: datetime,
    address: str = "",
    key_report: Mapping[str, Any] | None = None,
    by: User | None = None,
    seed: str = "",
    **also: Any,
) -> AccessRequest:
    """Add a request with its number, its secret and its first step; ``also`` are further columns."""
    seed = seed or secrets.token_hex(32)
    row = AccessRequest(
        number=secrets.token_hex(8),
        seed=seed,
        token_hash=_hashed(_token(seed)),
        purpose=purpose,
        kind=kind,
        bin=said["bin"],
        said=dict(said),
        key_report=dict(key_report or {}),
        language=language,
        address=address,
        at=now,
        by_id=by.id if by else None,
        **also,
    )
    db.session.add(row)
    db.session.flush()
    row.number = f"AR-{now.astimezone(ZONE).year}-{row.id:06d}"
    note(row, "received", by=by, now=now)
    db.session.flush()
    return row


def seed_of(once: str, said: Mapping[str, Any]) -> str:
    """Return what names one sending of the form: its hidden ``once`` and what was said; "" where that is none of ours.

    The same form sent twice, by a double click or by reloading, is one request; what differs is another.
    """
    if not re.fullmatch(r"[\w-]{32,64}", once, re.ASCII):
        return ""
    return hashlib.sha256(json.dumps([once, said], sort_keys=True).encode()).hexdigest()


def sent_already(seed: str) -> AccessRequest | None:
    """Return the request that this very form has made, None where it has made none."""
    if not seed:
        return None
    made = select(AccessRequest).where(AccessRequest.token_hash == _hashed(_token(seed)))
    return db.session.scalars(made).unique().one_or_none()


def token_of(row: AccessRequest) -> str:
    """Return the secret of a request's page, which is kept nowhere; "" where the installation's key has changed."""
    token = _token(row.seed)
    return token if row.seed and hmac.compare_digest(_hashed(token), row.token_hash) else ""


def _token(seed: str) -> str:
    """Return the secret that the key of this installation makes of a seed: without the key nobody can."""
    return hmac.new(here.config().secret_key.encode(), f"access request {seed}".encode(), "sha256").hexdigest()


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _confirm(row: AccessRequest, *, site: str, now: datetime) -> None:
    to = row.said["contacts"][0]["email"]
    if notifications.mails_since(to, now - timedelta(days=1)) < MOST_MAILS:
        tell_requester(row, "access.mail.received", site=site, now=now)


def tell_requester(row: AccessRequest, message: str, *, site: str, now: datetime, **params: object) -> None:
    """Mail the first contact person how the request stands, with the link to its page where it is still known."""
    token = token_of(row)
    notifications.mail(
        row.said["contacts"][0]["email"],
        message,
        subject="access.title",
        params={"number": row.number, **params},
        language=row.language,
        url=f"{site}/access/{token}" if token else "",
        now=now,
    )


def tell_desk(row: AccessRequest, *, site: str, now: datetime) -> None:
    """Tell the officers in their cabinet, and the desk's mailbox, that a request waits."""
    params = {"number": row.number, "company": row.names}
    about = notifications.About(url=f"{site}/orgs/requests/{row.id}")
    notifications.notify(
        people.holders(*DESK_ROLES), "notice.access_waits", about=about, params=params, action_required=True, now=now
    )
    mailbox = asked.MAILBOXES[asked.DESKS[row.kind]]
    key = "notice.access_waits"
    notifications.mail(mailbox, key, subject="access.title", params=params, language="ru", url=about.url, now=now)


def by_token(token: str, *, for_update: bool = False) -> AccessRequest:
    """Return the request whose page has this secret.

    Raises:
        NotFound: there is none.
    """
    return found(AccessRequest.token_hash == _hashed(token), for_update=for_update)


def found(condition: ColumnElement[bool], *, for_update: bool = False) -> AccessRequest:
    """Return the one request that a condition names.

    Raises:
        NotFound: there is none.
    """
    statement = select(AccessRequest).where(condition)
    if for_update:
        statement = statement.with_for_update(of=AccessRequest).execution_options(populate_existing=True)
    row = db.session.scalars(statement).unique().one_or_none()
    if row is None:
        raise NotFound
    return row


def answer(
    row: AccessRequest,
    said: Mapping[str, Any],
    *,
    words: str,
    key_report: Mapping[str, Any] | None = None,
    site: str,
    now: datetime,
) -> None:
    """Answer what the Exchange has asked: with words, and with the request as it should be.

    Raises:
        Conflict: nothing is asked (any more).
        Invalid: a field will not do, or nothing is said and nothing changed.
    """
    if row.state != RequestState.MORE_ASKED:
        raise Conflict("access.err.nothing_asked")
    given = {**said, "legal_form": "other"}  # the names stand with their form already
    problems = asked.faults(given, longest=asked.LONGEST_WHOLE_NAME)
    if problems:
        raise Invalid(problems=problems)
    whole = {**row.said, **given, "legal_form": row.said["legal_form"]}
    if not words.strip() and whole == row.said and not key_report:
        raise Invalid.at("words", "access.err.answer")
    same = all(whole["head"][key] == row.said["head"][key] for key in ("iin",)) and whole["bin"] == row.bin
    row.said, row.bin, row.kind = whole, whole["bin"], whole["kind"]
    row.key_report = dict(key_report or (row.key_report if same else {}))
    move(row, RequestState.IN_CHECK, "answered", by=None, words=words.strip()[:LONGEST_WORDS], now=now)
    tell_desk(row, site=site, now=now)


def move(row: AccessRequest, state: RequestState, act: str, *, by: User | None, now: datetime, words: str = "") -> None:
    """Let a request stand in ``state``, with the step that led there and the audit row."""
    row.state = state.value
    row.version += 1
    note(row, act, by=by, words=words, now=now)
    db.session.flush()


def note(row: AccessRequest, act: str, *, by: User | None, now: datetime, words: str = "") -> None:
    """Add a step to a request's history, and to the audit."""
    row.steps.append(RequestStep(at=now, by=by, act=act, words=words))
    audit.record(f"request_{act}", f"request {row.number}", by=by.id if by else None, at=now, purpose=row.purpose)


def colleague_faults(user: User, person: Mapping[str, str]) -> dict[str, str]:
    """Return why ``person`` of a request is not the one who has that address, ``user``: field -> term.

    Nobody becomes first head under a name that no officer has read.
    """
    found = {}
    same = all(_plain(getattr(user, key)) == _plain(person[key]) for key in ("last_name", "first_name", "patronymic"))
    if not same:
        found["last_name"] = "access.err.name_other"
    if user.iin and user.iin != person.get("iin", user.iin):
        found["iin"] = "access.err.iin_other"
    return found


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()
