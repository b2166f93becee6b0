"""Files given in a form's field: looked into, kept by hash, never trusted by their name."""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from app import db
from app.accounts.models import User
from app.applications.models import Application, Attachment
from app.errors import Invalid, NotFound
from app.forms.definitions import Field
from app.forms.fields import FieldError, File
from app.web import here

FILE = File()
MEDIA_TYPES = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "zip": "application/zip",
}


@dataclass(frozen=True)
class Upload:
    """One file as it came: the name its sender gave it, and its bytes."""

    name: str
    content: bytes


class _Typed(Protocol):
    @property
    def uploads(self) -> Mapping[str, Sequence[Upload]]: ...
    @property
    def removals(self) -> frozenset[int]: ...


def safe_name(name: str) -> str:
    """Return a file name without folders, control signs and what other systems refuse."""
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(sign for sign in name if sign.isprintable())
    return re.sub(r'[<>:"|?*]+', "_", name).strip(" .")[-200:] or "file"


def kind_of(content: bytes) -> str | None:
    """Return what a file really is by its content: a key of ``MEDIA_TYPES``, or None."""
    if content.startswith(b"%PDF-"):
        return "pdf"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if content.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if content.startswith(b"PK\x03\x04"):
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                names = set(archive.namelist())
        except (zipfile.BadZipFile, ValueError, NotImplementedError):
            return None
        if "[Content_Types].xml" in names:
            return next((kind for kind, part in (("docx", "word/"), ("xlsx", "xl/")) if _has(names, part)), None)
        return "zip"
    return None


def _has(names: set[str], folder: str) -> bool:
    return any(name.startswith(folder) for name in names)


def check(item: Field, upload: Upload, held: int) -> str:
    """Return the media type of an upload that the field accepts; ``held`` is how many files it holds already.

    Raises:
        Invalid: empty, too large, one too many, or not one of the kinds the field accepts, by its
            name and by its content; nothing is kept.
    """
    name = safe_name(upload.name)
    try:
        FILE.check_upload(name, len(upload.content), held, item)
    except FieldError as error:
        raise Invalid(problems=[item.problem(error)]) from None
    kind = kind_of(upload.content)
    extension = name.rsplit(".", 1)[-1].casefold()
    if kind is None or not ({extension, kind} <= {"jpg", "jpeg"} or extension == kind):
        raise Invalid.at(item.key, "err.file_type", types=", ".join(item.accept))
    return MEDIA_TYPES[kind]


def apply(
    application: Application,
    stage: str,
    item: Field,
    present: Sequence[Mapping[str, Any]],
    typed: _Typed,
    *,
    by: User,
    now: datetime,
) -> list[dict[str, Any]]:
    """Return a file field's new value: what was there, less what is taken out, and the new uploads.

    Raises:
        Invalid: a file will not do, or there are too many.
    """
    kept = [dict(file) for file in present if int(file["id"]) not in typed.removals]
    given = typed.uploads.get(item.key, ())
    uploads = [(upload, check(item, upload, len(kept) + place)) for place, upload in enumerate(given)]
    for file in present:
        if int(file["id"]) in typed.removals:
            row = db.session.get(Attachment, int(file["id"]))
            if row is not None and row.application_id == application.id:
                row.removed_at = now
    for upload, media_type in uploads:
        sha256 = here.storage().put(upload.content)
        row = Attachment(
            application_id=application.id,
            stage=stage,
            field=item.key,
            name=safe_name(upload.name),
            media_type=media_type,
            size=len(upload.content),
            sha256=sha256,
            by_id=by.id,
            at=now,
        )
        db.session.add(row)
        db.session.flush()
        kept.append({"id": row.id, "name": row.name, "size": row.size, "sha256": sha256})
    return kept


def was_sent(application: Application, row: Attachment) -> bool:
    """Tell whether a file was among those last sent to the Exchange: given before, and not taken out before."""
    sent_at = application.sent_at
    return sent_at is not None and row.at <= sent_at and (row.removed_at is None or row.removed_at > sent_at)


def one(application: Application, attachment_id: int) -> Attachment:
    """Return an attachment of this application.

    Raises:
        NotFound: it has none of this id.
    """
    row = db.session.get(Attachment, attachment_id)
    if row is None or row.application_id != application.id:
        raise NotFound
    return row
