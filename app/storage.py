"""The one door to stored files: kept by the SHA-256 of their bytes, never changed.

A file is on the disk, flushed, before the row that names it is written: write, fsync, rename,
fsync of the folder.  A file without a row is harmless; a row without its file cannot happen.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from app.errors import NotFound


class Damaged(Exception):
    """A stored file whose bytes no longer have their hash; it is never given out."""


class TooLarge(Exception):
    """More bytes came than were allowed; what had been written is taken away again."""


DRAFTS = ".incoming"
_PIECE = 256 * 1024


@dataclass
class Draft:
    """Bytes on the disk, flushed, that are not kept yet: they may be looked into, then kept or dropped."""

    path: Path
    sha256: str
    size: int

    def drop(self) -> None:
        """Take the bytes away; nothing happens if they have been kept."""
        self.path.unlink(missing_ok=True)


class Storage:
    """Files under one folder, two levels of two hex digits deep."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _path(self, sha256: str) -> Path:
        if len(sha256) != 64 or not all(sign in "0123456789abcdef" for sign in sha256):
            raise NotFound
        return self.folder / sha256[:2] / sha256[2:4] / sha256

    def put(self, content: bytes) -> str:
        """Keep ``content`` and return its SHA-256 in hex; keeping the same bytes twice keeps them once."""
        sha256 = hashlib.sha256(content).hexdigest()
        path = self._path(sha256)
        if path.exists():
            return sha256
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{secrets.token_hex(8)}")
        with draft.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        self._into_place(draft, path)
        return sha256

    def draft(self, content: BinaryIO, *, most: int) -> Draft:
        """Write a stream of at most ``most`` bytes to the disk, piece by piece.

        Raises:
            TooLarge: more bytes came; none remain.
            OSError: the disk does not take them; none remain.
        """
        folder = self.folder / DRAFTS
        folder.mkdir(parents=True, exist_ok=True)
        draft, digest = Draft(folder / secrets.token_hex(16), "", 0), hashlib.sha256()
        try:
            with draft.path.open("xb") as file:
                while piece := content.read(_PIECE):
                    draft.size += len(piece)
                    if draft.size > most:
                        raise TooLarge
                    digest.update(piece)
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            draft.drop()
            raise
        draft.sha256 = digest.hexdigest()
        return draft

    def keep(self, draft: Draft) -> None:
        """Keep a draft's bytes under their SHA-256; the draft itself is gone then."""
        path = self._path(draft.sha256)
        if path.exists():
            draft.drop()
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        self._into_place(draft.path, path)

    def _into_place(self, draft: Path, path: Path) -> None:
        draft.rename(path)
        for folder in (path.parent, path.parent.parent, self.folder):
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def sweep(self, *, before: float) -> int:
        """Take away drafts that a killed process has left, last written before a moment (seconds since 1970)."""
        left = [path for path in (self.folder / DRAFTS).glob("*") if path.stat().st_mtime < before]
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def place(self, sha256: str) -> Path:
        """Return where the bytes of a hash lie, or would; for what reads them piece by piece."""
        return self._path(sha256)

    def kept(self) -> Iterator[str]:
        """Yield the hash of every file that is kept."""
        for path in self.folder.glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*"):
            if len(path.name) == 64:
                yield path.name

    def size(self, sha256: str) -> int | None:
        """Return how many bytes are kept under a hash, None if there are none; they are not read."""
        path = self._path(sha256)
        return path.stat().st_size if path.is_file() else None

    def has(self, sha256: str) -> bool:
        """Tell whether the bytes of a hash are kept."""
        return self._path(sha256).is_file()

    def get(self, sha256: str) -> bytes:
        """Return the bytes kept under ``sha256``.

        Raises:
            NotFound: nothing is kept under it.
            Damaged: the bytes on the disk are not the ones that were kept.
        """
        try:
            content = self._path(sha256).read_bytes()
        except FileNotFoundError:
            raise NotFound from None
        if hashlib.sha256(content).hexdigest() != sha256:
            raise Damaged(sha256)
        return content
