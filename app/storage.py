"""The one door to stored files: kept by the SHA-256 of their bytes, never changed.

A file is on the disk, flushed, before the row that names it is written: write, fsync, rename,
fsync of the folder.  A file without a row is harmless; a row without its file cannot happen.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from app.errors import NotFound


class Damaged(Exception):
    """A stored file whose bytes no longer have their hash; it is never given out."""


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
        draft.rename(path)
        for folder in (path.parent, path.parent.parent, self.folder):
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        return sha256

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
