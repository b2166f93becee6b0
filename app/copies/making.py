"""Making a copy while the installation runs."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import shutil
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, text

from app import db, schema
from app.config import ROOT, Config
from app.copies import parts, rows
from app.storage import Storage

NAMING_A_FILE = ("sha256", "cms_sha256")
"""Columns that name a stored file: its bytes must be there."""
OF_A_DEMO = ("sandbox", "clock")
"""What a demo keeps beside database and files; nothing of it is in production."""
NOT_COPIED = (".lock",)
_HASH = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


class NotCopied(Exception):
    """No copy was made; the message says why, a fault on a line."""


@dataclass
class _Named:
    """The stored files that rows name: those that must be there, with where they are named, and those that may."""

    needed: dict[str, str] = field(default_factory=dict)
    mentioned: set[str] = field(default_factory=set)


def make(
    place: Path, *, engine: Engine, storage: Storage, config: Config, now: datetime, say: Callable[[str], None]
) -> dict[str, Any]:
    """Copy everything of an installation into ``place``, and return the manifest.

    The rows are of one moment, whatever is written meanwhile; the files are those that these rows name, each
    read and compared with its hash.  ``place`` appears when all of it is on the disk, and not before.

    Raises:
        NotCopied: ``place`` holds something, or a file is missing or damaged.
    Source: ESRV-33.a.
    """
    place = place.absolute()
    if place.is_symlink() or place.is_file() or (place.is_dir() and next(place.iterdir(), None) is not None):
        raise NotCopied(f"{place}: not empty; name a folder that is empty or does not exist")
    if not place.parent.is_dir():
        raise NotCopied(f"{place.parent}: there is no such folder")
    folder = place.parent / f".{place.name}.unfinished-{secrets.token_hex(4)}"
    folder.mkdir(mode=0o700)
    try:
        writing = parts.Writing(folder)
        manifest = _database(writing, engine, storage, named := _Named(), say)
        manifest["files"] = _files(writing, storage, named, say)
        if config.is_demo:
            _of_a_demo(writing, config.var)
        manifest |= {"at": now.isoformat(timespec="seconds"), "env": config.env, "version": version()}
        manifest["secret_key"] = key_mark(config.secret_key, secrets.token_hex(16))
        writing.finish(manifest)
        writing.move(place)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return manifest


def version() -> str:
    """Return the version of the program."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def key_mark(key: str, salt: str) -> dict[str, str]:
    """Return a mark by which a key is known again and from which it cannot be learnt."""
    return {"salt": salt, "mark": hashlib.scrypt(key.encode(), salt=salt.encode(), n=2**14, r=8, p=1, dklen=16).hex()}


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """Read the database as of one moment, holding nobody up."""
    db.begin_writing(False)
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                take_your_time(connection)
                yield connection
    finally:
        db.begin_writing(True)


def take_your_time(connection: Connection) -> None:
    """Lift the limits of requests from this transaction; it still waits for nobody's lock longer than they do."""
    if connection.dialect.name == "postgresql":
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.execute(text(f"SET LOCAL {limit} = 0"))


def _database(
    writing: parts.Writing, engine: Engine, storage: Storage, named: _Named, say: Callable[[str], None]
) -> dict[str, Any]:
    chain, total = parts.Chain(), 0
    tables: dict[str, dict[str, Any]] = {}
    with snapshot(engine) as connection:
        revision = schema.revision(connection)
        if revision is None or not schema.knows(engine, revision):
            raise NotCopied(f"the database has the schema {revision}, which this program does not know")
        for shape in rows.shapes(connection):
            written = _Counted()
            watch = _watched(rows.lines(connection, shape), shape, named, written, chain)
            sha256 = writing.write(parts.table_part(shape.name), watch)
            total += written.rows
            tables[shape.name] = {"rows": written.rows, "sha256": sha256, "columns": [list(c) for c in shape.columns]}
    say(f"database: {len(tables)} tables, {total} rows")
    return {
        "database": engine.dialect.name,
        "revision": revision,
        "tables": tables,
        "log": {"entries": chain.entries, "chain": chain.head},
    }


@dataclass
class _Counted:
    rows: int = 0


def _watched(
    given: Iterator[bytes], shape: rows.Shape, named: _Named, written: _Counted, chain: parts.Chain
) -> Iterator[bytes]:
    """Yield the lines of a table; look on the way for files, and count."""
    naming = [(place, name) for place, (name, _) in enumerate(shape.columns) if name in NAMING_A_FILE]
    for line in given:
        written.rows += 1
        if shape.name == parts.LOG:
            chain.add(line)
        if naming:
            row = json.loads(line)
            for place, name in naming:
                if row[place]:
                    named.needed.setdefault(row[place], f"{shape.name}.{name}")
        named.mentioned.update(_HASH.findall(line.decode()))
        yield line


def _files(writing: parts.Writing, storage: Storage, named: _Named, say: Callable[[str], None]) -> dict[str, int]:
    """Copy what is stored under the hashes that rows name; also where a hash stands within other values."""
    faults, size = [], 0
    chosen = sorted(named.needed.keys() | {sha256 for sha256 in named.mentioned if storage.has(sha256)})
    for done, sha256 in enumerate(chosen, start=1):
        if not storage.has(sha256):
            faults.append(f"{parts.file_part(sha256)}: missing; {named.needed[sha256]} names it")
            continue
        if writing.write(parts.file_part(sha256), parts.pieces(storage.place(sha256))) != sha256:
            faults.append(f"{parts.file_part(sha256)}: damaged, its bytes are not those that were kept")
        size += storage.size(sha256) or 0
        if done % 1000 == 0 or done == len(chosen):
            say(f"files: {done} of {len(chosen)}")
    if faults:
        raise NotCopied("\n".join([*faults, "put these files back from an earlier copy, then copy again"]))
    return {"count": len(chosen), "size": size}


def _of_a_demo(writing: parts.Writing, var: Path) -> None:
    for name in OF_A_DEMO:
        top = var / name
        for path in sorted([top] if top.is_file() else top.rglob("*")):
            if path.is_file() and path.name not in NOT_COPIED:
                writing.write(f"kept/{path.relative_to(var)}", parts.pieces(path))
