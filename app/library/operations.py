"""Keeping the library: acts and their editions, insiders.  What has been entered is never changed.

Permission ``EDIT_LIBRARY``: compliance, which answers for insiders and internal documents, and the head of listing,
whose procedures stand on them.  Source: user manual, paragraphs 9.7 and 9.8.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.exc import IntegrityError

from app import db
from app.accounts.models import User
from app.audit import operations as audit
from app.errors import Conflict, Invalid, NotPermitted, Problem, Said, Term
from app.files.aside import look_aside
from app.files.findings import Look, Refusal
from app.files.names import safe_name
from app.library import clauses, queries
from app.library.models import Insider, Norm, NormClause, NormEdition, NormFile
from app.permissions import Permission
from app.storage import Storage, TooLarge
from app.terms import LANGUAGES, say

LARGEST_FILE = 20 * 1024 * 1024
LARGEST_TEXT = 2_000_000
"""Signs of one edition in one language; the longest code of the Republic has about a million."""
KINDS = ("pdf", "docx")
KEY = re.compile(r"[a-z][a-z0-9_]{2,59}")


@dataclass(frozen=True)
class Upload:
    """A file as it came: the language it is in, its name and bytes."""

    language: str
    name: str
    content: bytes


def _require_keeper(by: User) -> None:
    if not by.may(Permission.EDIT_LIBRARY):
        raise NotPermitted


def add_norm(*, by: User, key: str, kind: str, titles: Mapping[str, str], reference: str, now: datetime) -> Norm:
    """Add an act; its text comes with its first edition.

    Raises:
        NotPermitted: ``by`` does not keep the library.
        Invalid: a title is missing, or the key is no key or taken already.
    """
    _require_keeper(by)
    problems = [Problem(f"title_{language}", "err.required") for language in LANGUAGES if not titles[language].strip()]
    if kind not in queries.NORM_KINDS:
        problems.append(Problem("kind", "err.required"))
    if key == "new" or not KEY.fullmatch(key):  # /norms/new is the form
        problems.append(Problem("key", "library.err.key"))
    if problems:
        raise Invalid(problems=problems)
    norm = Norm(key=key, kind=kind, reference=reference.strip())
    for language in LANGUAGES:
        setattr(norm, f"title_{language}", " ".join(titles[language].split()))
    try:
        with db.session.begin_nested():
            db.session.add(norm)
            db.session.flush()
    except IntegrityError as error:
        raise Invalid.at("key", "library.err.key_taken") from error
    audit.record("norm_added", f"norm {norm.key}", by=by.id, at=now)
    return norm


def add_edition(
    norm: Norm,
    *,
    by: User,
    starts_on: date,
    texts: Mapping[str, str],
    uploads: Sequence[Upload] = (),
    is_repeal: bool = False,
    source: str = "",
    note: str = "",
    storage: Storage,
    now: datetime,
) -> NormEdition:
    """Add an edition of an act, in force from ``starts_on``; ``texts`` maps languages to what was published.

    A mistake in an edition is put right by another of the same day: the later entered one holds, both stay.
    A repeal needs no text.

    Raises:
        NotPermitted: ``by`` does not keep the library.
        Invalid: neither text nor file, a file that will not do, a source that is no address.
    """
    _require_keeper(by)
    texts = {language: text for language in LANGUAGES if (text := texts.get(language, "").strip())}
    problems = [
        Problem(f"text_{language}", "library.err.long", {"n": LARGEST_TEXT})
        for language, text in texts.items()
        if len(text) > LARGEST_TEXT
    ]
    if source and not source.startswith(("https://", "http://")):
        problems.append(Problem("source", "library.err.source"))
    if not is_repeal and not texts and not uploads:
        problems.append(Problem("text_kk", "library.err.empty"))
    if problems:
        raise Invalid(problems=problems)
    row = NormEdition(
        norm=norm,
        starts_on=starts_on,
        is_repeal=is_repeal,
        source=source,
        note=note.strip(),
        added_by_id=by.id,
        added_at=now,
        files=[_keep(upload, storage) for upload in uploads],
        clauses=[
            NormClause(
                language=language,
                place=place,
                anchor=clause.anchor[:60],
                number=clause.number[:40],
                words=clause.words,
                folded=clauses.fold(clause.words),
            )
            for language, text in texts.items()
            for place, clause in enumerate(clauses.split(text))
        ],
    )
    db.session.add(row)
    db.session.flush()
    audit.record("edition_added", f"norm {norm.key}", by=by.id, at=now, edition=row.id, starts_on=starts_on.isoformat())
    return row


def _keep(upload: Upload, storage: Storage) -> NormFile:
    """Keep one file, judged by all of it."""
    path = f"file_{upload.language}"
    name = safe_name(upload.name)
    try:
        draft = storage.draft(io.BytesIO(upload.content), most=LARGEST_FILE)
    except TooLarge as error:
        raise Invalid.at(path, "library.err.file_size", n=LARGEST_FILE // 1024 // 1024) from error
    try:
        found: Look = look_aside(draft.path, draft.sha256)
    except Refusal as refusal:
        draft.drop()
        params = {"types": "PDF, DOCX", **refusal.params}
        if "why" in params:
            params["why"] = Term(str(params["why"]))
        why = {language: say(refusal.key, language, **params) for language in LANGUAGES}
        raise Invalid.at(path, "file.err.named", name=name, why=Said(why)) from refusal
    if found.kind not in KINDS:
        draft.drop()
        raise Invalid.at(path, "library.err.file_kind")
    storage.keep(draft)
    return NormFile(
        language=upload.language, name=name, media_type=found.media_type, size=draft.size, sha256=draft.sha256
    )


def add_insider(*, by: User, name: str, positions: Mapping[str, str], since: date, now: datetime) -> Insider:
    """Enter an employee with access to insider information.

    Raises:
        NotPermitted: ``by`` does not keep the library.
        Invalid: a name or position is missing.
        Conflict: the person is in the list on that day already.
    """
    _require_keeper(by)
    name = " ".join(name.split())
    problems = [] if name else [Problem("name", "err.required")]
    problems += [Problem(f"position_{each}", "err.required") for each in LANGUAGES if not positions[each].strip()]
    if problems:
        raise Invalid(problems=problems)
    if any(row.name == name and (row.until is None or row.until >= since) for row in queries.every_insider()):
        raise Conflict("library.err.insider_stands")
    row = Insider(name=name, since=since, added_by_id=by.id, added_at=now)
    for language in LANGUAGES:
        setattr(row, f"position_{language}", " ".join(positions[language].split()))
    db.session.add(row)
    db.session.flush()
    audit.record("insider_added", f"insider {row.id}", by=by.id, at=now, name=name, since=since.isoformat())
    return row


def end_insider(row: Insider, *, by: User, until: date, now: datetime) -> None:
    """End an insider's access: ``until`` is the last day he has it.

    Raises:
        NotPermitted: ``by`` does not keep the library.
        Invalid: the day is before the first one.
        Conflict: it has been ended already.
    """
    _require_keeper(by)
    db.session.refresh(row, with_for_update=True)
    if row.until is not None:
        raise Conflict("library.err.insider_ended")
    if until < row.since:
        raise Invalid.at("until", "library.err.until")
    row.until, row.ended_by_id, row.ended_at = until, by.id, now
    audit.record("insider_ended", f"insider {row.id}", by=by.id, at=now, until=until.isoformat())
