"""The question itself: what is this file?"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import BinaryIO

from app.files import images, pdf
from app.files.archives import Archive, Bounds
from app.files.findings import Look, Note, Refusal
from app.files.names import ending_of
from app.files.office import is_office, look_office

MOST_FILES_IN_ARCHIVE = 100
_MEGABYTE = 1024 * 1024
_OFFICE = Bounds(parts=10_000, part_bytes=256 * _MEGABYTE, bytes=384 * _MEGABYTE)
_ARCHIVE = Bounds(parts=10_000, part_bytes=200 * _MEGABYTE, bytes=400 * _MEGABYTE)

_MARKS: tuple[tuple[bytes, Callable[[BinaryIO], Look]], ...] = (
    (b"%PDF-", pdf.look_pdf),
    (b"\x89PNG\r\n\x1a\n", images.look_png),
    (b"\xff\xd8\xff", images.look_jpg),
    (b"PK\x03\x04", lambda file: _look_archive(file, 0)),
)
"""What the first bytes say, and who judges the rest.  Nothing else is taken."""


def look(file: BinaryIO) -> Look:
    """Return what ``file`` is, judged by all of it.

    Raises:
        Refusal: none of the known kinds, broken, or harmful; the sentence says what would mend it.
    """
    file.seek(0)
    first = file.read(8)
    for mark, judge in _MARKS:
        if first.startswith(mark):
            return judge(file)
    raise Refusal("file.err.unknown")


def _look_archive(file: BinaryIO, depth: int) -> Look:
    """Judge an archive and, one by one, the files in it; only documents and pictures may be there."""
    archive = Archive(file, _ARCHIVE)
    if is_office(archive):
        if depth > 1:
            raise Refusal("file.err.embedded")
        return look_office(Archive(file, _OFFICE), lambda within: _look_archive(within, depth + 1))
    if depth:
        raise Refusal("file.err.nested")
    if not archive.names:
        raise Refusal("file.err.empty_archive")
    if len(archive.names) > MOST_FILES_IN_ARCHIVE:
        raise Refusal("file.err.too_many_parts", most=MOST_FILES_IN_ARCHIVE)
    scans = 0
    for name, content in archive.unpacked():
        kind = _look_within(name, content)
        scans += any(note.key == "file.note.image_only" for note in kind.notes)
    return Look("zip", (Note("file.note.scans_within", {"n": scans}),) if scans else ())


def _look_within(name: str, content: bytes) -> Look:
    shown = name.rpartition("/")[2][:80]
    try:
        is_archive = content.startswith(b"PK\x03\x04")
        found = _look_archive(BytesIO(content), 1) if is_archive else look(BytesIO(content))
    except Refusal as refusal:
        if refusal.key == "file.err.nested":
            raise
        raise Refusal("file.err.within", part=shown, why=refusal.key) from None
    if found.kind != ending_of(name):
        raise Refusal("file.err.within", part=shown, why="file.err.unknown")
    return found
