"""The folder of a copy: what lies in it, how a part is written, and whether all of it is as it was written.

    manifest.json     what was copied, when, from which schema; each table with its rows and SHA-256
    manifest.sha256   the sum of the manifest, written last: without it a copy is unfinished
    SHA256SUMS        the sum of every other part; ``sha256sum -c manifest.sha256 SHA256SUMS`` needs no Kezen
    tables/NAME.jsonl a table, a row a line
    files/ab/cd/…     the stored files, under their SHA-256
    kept/…            of a demo: its sandbox authority and its clock

Only the owner may read any of it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

FORMAT = 1
MANIFEST, OF_THE_MANIFEST, SUMS = "manifest.json", "manifest.sha256", "SHA256SUMS"
LOG = "audit_entry"
_PIECE = 1024 * 1024


class BadCopy(Exception):
    """A copy that is not whole; the message names the first part that is wrong, and what is."""


def pieces(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes, a megabyte at a time."""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


@dataclass
class Chain:
    """The log as a chain: each link is the SHA-256 of the one before and of its entry."""

    head: str = "0" * 64
    entries: int = 0

    def add(self, line: bytes) -> None:
        """Add the next entry."""
        self.head = hashlib.sha256(self.head.encode() + line).hexdigest()
        self.entries += 1


@dataclass
class Writing:
    """A folder in which a copy is being written."""

    folder: Path
    sums: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, given: Iterable[bytes]) -> str:
        """Write a part, flushed to the disk, and return its SHA-256."""
        path = self.folder / name
        make_folder(path.parent)
        digest = hashlib.sha256()
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for piece in given:
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        self.sums[name] = digest.hexdigest()
        return self.sums[name]

    def finish(self, manifest: dict[str, Any]) -> None:
        """Write the sums, the manifest and the manifest's own sum; from then on the copy is whole."""
        told = "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(self.sums.items()))
        manifest = {**manifest, "format": FORMAT, "parts": len(self.sums), "sums": self.write(SUMS, [told.encode()])}
        content = json.dumps(manifest, ensure_ascii=False, indent=1).encode() + b"\n"
        self.write(OF_THE_MANIFEST, [f"{self.write(MANIFEST, [content])}  {MANIFEST}\n".encode()])
        for folder, _, _ in os.walk(self.folder):
            _settle(Path(folder))

    def move(self, place: Path) -> None:
        """Give the folder its name; an empty folder of that name makes room."""
        self.folder.rename(place)
        _settle(place.parent)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, for the owner only."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(mode=0o700)


def _settle(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@dataclass(frozen=True)
class Copy:
    """A copy that is whole: its manifest, and the sum of each part."""

    folder: Path
    manifest: dict[str, Any]
    sums: dict[str, str]

    def files(self) -> list[str]:
        """Return the SHA-256 of each stored file."""
        return [PurePosixPath(name).name for name in self.sums if name.startswith("files/")]

    def file(self, sha256: str) -> Path:
        """Return where a stored file lies."""
        return self.folder / file_part(sha256)

    def kept(self) -> list[str]:
        """Return the names of what else is kept, under ``kept/``."""
        return [name.removeprefix("kept/") for name in self.sums if name.startswith("kept/")]

    def lines(self, table: str) -> Iterator[bytes]:
        """Yield a table's rows."""
        with (self.folder / table_part(table)).open("rb") as file:
            yield from file


def table_part(table: str) -> str:
    """Return the name of a table's part."""
    return f"tables/{table}.jsonl"


def file_part(sha256: str) -> str:
    """Return the name of a stored file's part."""
    return f"files/{sha256[:2]}/{sha256[2:4]}/{sha256}"


def read(folder: Path) -> Copy:
    """Return a copy after every byte of it was read and found to be the one that was written.

    Raises:
        BadCopy: it is unfinished, of another format, or a part is missing or changed.
    """
    if not (folder / OF_THE_MANIFEST).is_file():
        raise BadCopy(f"{OF_THE_MANIFEST}: missing; this is no copy, or one that was never finished")
    said = (folder / OF_THE_MANIFEST).read_text(encoding="ascii", errors="replace")
    _require(folder, MANIFEST, None)
    if said != f"{_sum(folder / MANIFEST)}  {MANIFEST}\n":
        raise BadCopy(f"{MANIFEST}: its bytes are not those that {OF_THE_MANIFEST} names; one of the two is broken")
    manifest = json.loads((folder / MANIFEST).read_bytes())
    if manifest.get("format") != FORMAT:
        raise BadCopy(f"{MANIFEST}: format {manifest.get('format')} is unknown; restore with the Kezen that made it")
    _require(folder, SUMS, manifest["sums"])
    sums = {}
    for line in (folder / SUMS).read_text(encoding="utf-8").splitlines():
        sha256, _, name = line.partition("  ")
        sums[_safe(name)] = sha256
    for name, sha256 in sums.items():
        _require(folder, name, sha256)
    return Copy(folder, manifest, sums)


def _safe(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or path.parts[:1] not in {("tables",), ("files",), ("kept",)}:
        raise BadCopy(f"{SUMS}: names {name!r}, which is no part of a copy")
    return name


def _require(folder: Path, name: str, sha256: str | None) -> None:
    path = folder / name
    if path.is_symlink() or not path.is_file():
        raise BadCopy(f"{name}: missing")
    if sha256 is not None and _sum(path) != sha256:
        raise BadCopy(f"{name}: broken, its bytes are not those that were written")


def _sum(path: Path) -> str:
    digest = hashlib.sha256()
    for piece in pieces(path):
        digest.update(piece)
    return digest.hexdigest()
