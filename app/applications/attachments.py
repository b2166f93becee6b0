"""Files given in a form's field: looked into, kept by hash, never trusted by their name."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, Protocol

import structlog
from sqlalchemy import func, select

from app import db
from app.accounts.models import User
from app.applications import queries
from app.applications.models import Application, Attachment
from app.errors import Conflict, Invalid, NotFound, Problem, Said, Term
from app.files.aside import look_aside
from app.files.findings import MEDIA_TYPES, Look, Refusal
from app.files.names import ending_of, safe_name
from app.forms.definitions import DynamicForm, Field, Form
from app.forms.fields import FieldError, File
from app.forms.files import Stored, wanted
from app.forms.paths import put
from app.storage import Draft, TooLarge
from app.terms import LANGUAGES, say
from app.terms.sizes import size_said
from app.web import here

log = structlog.get_logger()

FILE = File()
PAPER = "paper"
"""Stands for the stage of the scans of what came on paper."""
LARGEST_FILE = 200 * 1024 * 1024
"""Bytes; no field may allow more, and no stream is read further."""
IN_ARCHIVES = tuple(kind for kind in MEDIA_TYPES if kind != "zip")
"""The kinds of files that may stand in an archive."""
MOST_FILES = 500
"""That stand in one application at a time."""
MOST_BYTES = 4 * 1024**3
"""Of all files ever given in one application, those replaced and removed too: they are kept for the history."""


@dataclass(frozen=True)
class Upload:
    """One file as it came: the name its sender gave it, and its bytes or the stream of them."""

    name: str
    content: bytes | BinaryIO


@dataclass
class Received:
    """A file that is on the disk and has been looked into.

    ``found`` is what it is, or the refusal; a file of no bytes has none, one of too many no ``draft``
    either.  ``is_taken``: it belongs to the present transaction, and is kept or dropped with it.
    """

    name: str
    size: int
    draft: Draft | None = None
    found: Look | Refusal | None = None
    is_taken: bool = False


Given = Upload | Received


class _Typed(Protocol):
    @property
    def uploads(self) -> Mapping[str, Sequence[Given]]: ...
    @property
    def removals(self) -> frozenset[int]: ...


@contextmanager
def received(uploads: Sequence[Given]) -> Iterator[list[Received]]:
    """Write uploads to the disk and look into them; what is not put into the transaction leaves nothing behind.

    A look may take a second: do it while no transaction is open.

    Raises:
        Conflict: the disk does not take them.
    """
    found: list[Received] = []
    try:
        for upload in uploads:
            found += [upload if isinstance(upload, Received) else _receive(upload)]
        yield found
    finally:
        for file in found:
            if file.draft is not None and not file.is_taken:
                file.draft.drop()


def _receive(upload: Upload) -> Received:
    name = safe_name(upload.name)
    stream = io.BytesIO(upload.content) if isinstance(upload.content, bytes) else upload.content
    try:
        draft = here.storage().draft(stream, most=LARGEST_FILE)
    except TooLarge:
        return Received(name, LARGEST_FILE + 1)
    except OSError as error:
        log.error("file_not_kept", error=type(error).__name__, errno=error.errno)
        raise Conflict("file.err.not_kept") from None
    received = Received(name, draft.size, draft)
    try:
        received.found = look_aside(draft.path, draft.sha256) if draft.size else None
    except Refusal as refusal:
        received.found = refusal
    if isinstance(received.found, Look) and received.found.kind == "jpg" and ending_of(name) == "jpg":
        received.name = f"{name.rpartition('.')[0]}.jpg"
    return received


def check(field: Field, path: str, given: Sequence[Received], standing: Sequence[Stored]) -> None:
    """Judge new files of a field that holds ``standing`` ones.

    Raises:
        Invalid: empty, too large, too many, given before, or not what the field accepts, by name and by
            content; every fault of every file is told, with its name where several came.
    """
    if len(standing) + len(given) > field.max_files:
        raise Invalid(problems=[field.problem(FieldError("field.err.files", most=field.max_files), path)])
    problems = []
    hashes = {file["sha256"] for file in standing}
    for file in given:
        problem = _fault(field, path, file, hashes)
        if problem is not None:
            problems.append(_named(problem, file.name) if len(given) > 1 else problem)
        elif file.draft is not None:
            hashes.add(file.draft.sha256)
    if problems:
        raise Invalid(problems=problems)


def _fault(field: Field, path: str, file: Received, hashes: set[str]) -> Problem | None:
    try:
        FILE.check_upload(f"file.{ending_of(file.name)}" if ending_of(file.name) else "file", file.size, 0, field)
    except FieldError as error:
        return field.problem(error, path)
    if file.draft is None or file.found is None:
        return Problem(path, "field.err.file_empty")
    if isinstance(file.found, Refusal):
        return Problem(path, file.found.key, _params(file.found, field))
    if file.found.kind != ending_of(file.name):
        kind = Term(f"file.kind.{file.found.kind}")
        return Problem(path, "file.err.content", {"kind": kind, "types": _kinds(field.accept)})
    if file.draft.sha256 in hashes:
        return Problem(path, "file.err.same")
    return None


def _params(refusal: Refusal, field: Field) -> dict[str, object]:
    """Return the parameters of a refusal, with the kinds that would do: those of the field, or of an archive."""
    params: dict[str, object] = {"types": _kinds(field.accept), **refusal.params}
    if "why" in params:
        why, types = str(params["why"]), _kinds(IN_ARCHIVES)
        params["why"] = Said({language: say(why, language, types=types) for language in LANGUAGES})
    return params


def _kinds(kinds: Sequence[str]) -> Said:
    """Return kinds of files in words: "PDF, DOCX or XLSX"."""
    *others, last = [kind.upper() for kind in kinds]
    before = ", ".join(others)
    return Said({tongue: say("file.or", tongue, one=before, other=last) if before else last for tongue in LANGUAGES})


def _named(problem: Problem, name: str) -> Problem:
    why = {language: say(problem.key, language, **problem.params) for language in LANGUAGES}
    return Problem(problem.path, "file.err.named", {"name": name, "why": Said(why)})


def require_room(application: Application, given: Sequence[Received]) -> None:
    """Refuse what would make an application's files too many or too large; asked while its row is held.

    Raises:
        Invalid: with the limit.
    """
    mine = Attachment.application_id == application.id
    standing = db.session.scalar(select(func.count()).where(mine, Attachment.removed_at.is_(None))) or 0
    size = db.session.scalar(select(func.coalesce(func.sum(Attachment.size), 0)).where(mine)) or 0
    if standing + len(given) > MOST_FILES:
        raise Invalid.at("", "file.err.application_files", most=MOST_FILES)
    if size + sum(file.size for file in given) > MOST_BYTES:
        raise Invalid.at("", "file.err.application_size", max=size_said(MOST_BYTES))


_AWAITED = "awaited_files"
"""Where a transaction remembers the hashes of the files whose bytes are put into their place with its commit."""


def is_there(sha256: str) -> bool:
    """Tell whether the bytes of a file are kept, or will be with the present transaction."""
    return here.storage().has(sha256) or sha256 in db.session().info.get(_AWAITED, ())


def keep(
    application: Application,
    stage: str,
    path: str,
    file: Received,
    *,
    by: User,
    now: datetime,
    replaces: int | None = None,
) -> dict[str, Any]:
    """Add a checked file and return it as answers hold it: id, name, size, sha256.

    Its bytes are put into their place when the transaction is committed, and dropped when it is taken back.
    """
    storage, draft = here.storage(), file.draft
    if draft is None or not isinstance(file.found, Look):
        raise ValueError(f"{file.name} has not been checked")
    awaited: set[str] = db.session().info.setdefault(_AWAITED, set())
    awaited.add(draft.sha256)

    def put() -> None:
        storage.keep(draft)
        awaited.discard(draft.sha256)

    def drop() -> None:
        draft.drop()
        awaited.discard(draft.sha256)

    db.on_outcome(commit=put, rollback=drop)
    file.is_taken = True
    row = Attachment(
        application_id=application.id,
        stage=stage,
        field=path,
        name=file.name,
        media_type=file.found.media_type,
        size=file.size,
        sha256=draft.sha256,
        notes=[[note.key, dict(note.params)] for note in file.found.notes],
        by_id=by.id,
        at=now,
        replaces_id=replaces,
    )
    db.session.add(row)
    db.session.flush()
    return {"id": row.id, "name": row.name, "size": row.size, "sha256": row.sha256}


def take_out(application: Application, attachment_id: int, *, by: User, now: datetime) -> Attachment:
    """Mark a file as removed; it stays for the history.

    Raises:
        Conflict: it has been replaced or removed already.
        NotFound: the application has none of this id.
    """
    row = one(application, attachment_id)
    if row.removed_at is not None:
        raise Conflict("file.err.gone")
    row.removed_at, row.removed_by_id = now, by.id
    db.session.flush()
    return row


def put_in(
    application: Application,
    stage: str,
    form: Form | DynamicForm,
    answers: dict[str, Any],
    typed: _Typed,
    *,
    by: User,
    now: datetime,
) -> dict[str, Any]:
    """Return a form's answers with the files that came with them: new ones put in, ticked ones taken out.

    In a field of one file a new one takes the place of the one that stands there.
    Files for fields that are not asked for now are left alone, and so are removals of other fields' files.

    Raises:
        Invalid: a file will not do, or there are too many; nothing is kept then.
    """
    if not typed.uploads and not typed.removals:
        return answers
    for item in wanted(form, answers):
        uploads = typed.uploads.get(item.path, ())
        removed = [file for file in item.files if file["id"] in typed.removals]
        if not uploads and not removed:
            continue
        if item.field.max_files == len(item.files) == len(uploads) == 1:
            removed = list(item.files)  # beside the input stands that a new file replaces this one
        kept = [dict(file) for file in item.files if file not in removed]
        with received(uploads) as given:
            check(item.field, item.path, given, kept)
            require_room(application, given)
            for file in removed:
                take_out(application, file["id"], by=by, now=now)
            replaced = removed[0]["id"] if len(removed) == len(given) == 1 else None
            kept += [keep(application, stage, item.path, file, by=by, now=now, replaces=replaced) for file in given]
        within = item.path.removeprefix(f"{form.key}-") if isinstance(form, DynamicForm) else item.path
        answers = put(answers, within, kept or None)
    return answers


def rows(application: Application) -> Sequence[Attachment]:
    """Return all files ever given in an application, oldest first."""
    statement = select(Attachment).where(Attachment.application_id == application.id).order_by(Attachment.id)
    return db.session.scalars(statement).unique().all()


def replaced_since(application: Application, last: int) -> list[tuple[str, str]]:
    """Return old and new names of the files replaced by those whose ids are above ``last``."""
    names = {row.id: row.name for row in rows(application)}
    new = (row for row in rows(application) if row.id > last and row.replaces_id is not None)
    return [(names[row.replaces_id], row.name) for row in new if row.replaces_id in names]


def sent_moments(application: Application) -> list[datetime]:
    """Return when the application was sent to the Exchange, oldest first."""
    sending = {
        transition.trigger
        for transition in queries.procedure(application).transitions
        if "send_file" in transition.effects
    }
    moments = {row.at for row in queries.history(application) if row.act in sending and row.target}
    return sorted(moments | ({application.sent_at} if application.sent_at else set()))


def was_sent(row: Attachment, moments: Sequence[datetime]) -> bool:
    """Tell whether a file was among those sent at one of ``moments``: given before, and not taken out before."""
    return any(row.at <= sent_at and (row.removed_at is None or row.removed_at > sent_at) for sent_at in moments)


def was_withheld(row: Attachment) -> bool:
    """Tell whether the Exchange's people took a file out while they entered it: nobody else was to see it."""
    remover = db.session.get(User, row.removed_by_id) if row.removed_by_id is not None else None
    return remover is not None and remover.is_exchange


def one(application: Application, attachment_id: int) -> Attachment:
    """Return an attachment of this application.

    Raises:
        NotFound: it has none of this id.
    """
    row = db.session.get(Attachment, attachment_id)
    if row is None or row.application_id != application.id:
        raise NotFound
    return row
