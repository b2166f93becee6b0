"""Telling everybody something.  Source: rules of electronic services, paragraphs 17, 46 and 47."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from app import db
from app.accounts.models import User
from app.audit import operations as audit
from app.errors import Invalid, NotPermitted, Problem
from app.news.models import KINDS, Announcement
from app.notifications import operations as notifications
from app.permissions import Permission
from app.terms import LANGUAGES
from app.web.inputs import is_address, line_fault
from app.web.templating import ZONE

LONGEST_TITLE = 200
LONGEST_TEXT = 4000
TWICE = timedelta(hours=1)
"""Within this time the same words of the same person are a form sent twice; nothing that is announced can be undone."""
PHONE = re.compile(r"\+?[0-9 ()\-]{5,30}")
FEWEST_DIGITS = 5


def announce(
    *,
    kind: str,
    titles: Mapping[str, str],
    texts: Mapping[str, str],
    phones: Sequence[str] = (),
    email: str = "",
    holds_from: date | None = None,
    by: User,
    now: datetime,
) -> Announcement:
    """Publish an announcement and tell everybody who has an account; the same words said twice are one announcement.

    Contacts are announced before they hold: ``holds_from`` is a later day than today (ESRV-47).

    Raises:
        NotPermitted: ``by`` is not one of those who announce.
        Invalid: words are missing or too long, or the contacts will not do.
    """
    if not by.may(Permission.ANNOUNCE):
        raise NotPermitted
    problems = _faults(kind, titles, texts)
    contacts: dict[str, Any] | None = None
    if kind == "contacts":
        contacts = {"phones": _once_each(phones), "email": email.strip()}
        problems += _contact_faults(contacts, holds_from, now.astimezone(ZONE).date())
    if problems:
        raise Invalid(problems=problems)
    said_already = _twin(kind, titles, texts, contacts, holds_from, by, now)
    if said_already is not None:
        return said_already
    row = Announcement(
        kind=kind,
        titles={code: titles[code].strip() for code in LANGUAGES},
        texts={code: texts[code].strip() for code in LANGUAGES},
        contacts=contacts,
        holds_from=holds_from if contacts else None,
        by_id=by.id,
        at=now,
    )
    db.session.add(row)
    db.session.flush()
    audit.record("announced", f"announcement {row.id}", by=by.id, at=now, kind=kind, contacts=contacts)
    everybody = db.session.scalars(select(User).where(User.is_active, User.id != by.id)).unique().all()
    notifications.notify(
        everybody, "notice.announced", about=notifications.About(), params={"title": row.titles}, now=now
    )
    return row


def _twin(
    kind: str,
    titles: Mapping[str, str],
    texts: Mapping[str, str],
    contacts: Mapping[str, Any] | None,
    holds_from: date | None,
    by: User,
    now: datetime,
) -> Announcement | None:
    """Return what the same person has just announced in the same words, be it at this very moment: a second click."""
    db.session.execute(select(User.id).where(User.id == by.id).with_for_update())
    last = select(Announcement).where(Announcement.by_id == by.id, Announcement.at > now - TWICE)
    for row in db.session.scalars(last.order_by(Announcement.id.desc())).unique():
        if (row.kind, row.contacts, row.holds_from) == (kind, contacts, holds_from if contacts else None) and all(
            row.titles[code] == titles[code].strip() and row.texts[code] == texts[code].strip() for code in LANGUAGES
        ):
            return row
    return None


def _faults(kind: str, titles: Mapping[str, str], texts: Mapping[str, str]) -> list[Problem]:
    found = [] if kind in KINDS else [Problem("kind", "err.required")]
    for name, given, most in (("title", titles, LONGEST_TITLE), ("text", texts, LONGEST_TEXT)):
        for code in LANGUAGES:
            words = given.get(code, "").strip()
            if not words:
                found.append(Problem(f"{name}_{code}", "err.required"))
            elif len(words) > most:
                found.append(Problem(f"{name}_{code}", "news.err.long", {"max": most}))
            elif name == "title" and line_fault(words):
                found.append(Problem(f"{name}_{code}", line_fault(words)))
    return found


def _is_phone(text: str) -> bool:
    return PHONE.fullmatch(text) is not None and len(_digits(text)) >= FEWEST_DIGITS


def _digits(text: str) -> str:
    return re.sub(r"[^0-9]", "", text)


def _once_each(phones: Sequence[str]) -> list[str]:
    """Return what was typed, without a number that stands there already in whatever writing."""
    found: dict[str, str] = {}
    for each in filter(None, (phone.strip() for phone in phones)):
        found.setdefault(_digits(each) or each, each)
    return list(found.values())


def _contact_faults(contacts: Mapping[str, Any], holds_from: date | None, today: date) -> list[Problem]:
    found = []
    if not contacts["phones"] or not all(_is_phone(each) for each in contacts["phones"]):
        found.append(Problem("phones", "news.err.phones"))
    if not is_address(contacts["email"]):
        found.append(Problem("email", "news.err.email"))
    if holds_from is None or holds_from <= today:
        found.append(Problem("holds_from", "news.err.day"))
    return found
