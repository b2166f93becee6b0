"""Taking a copy into an empty place, and proving that what stands there is what was copied."""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine

from app import schema
from app.config import Config
from app.copies import parts, rows
from app.copies.making import OF_A_DEMO, key_mark, snapshot, take_your_time
from app.copies.parts import BadCopy, Chain, Copy
from app.storage import Storage


class NotRestored(Exception):
    """Nothing was restored; the message says why."""


def restore(
    folder: Path, *, engine: Engine, storage: Storage, config: Config, say: Callable[[str], None]
) -> dict[str, Any]:
    """Bring a copy into the empty database and the empty storage of this installation, and return its manifest.

    The copy is read whole first.  Files come before the rows that name them; all rows are one transaction, which
    is committed only when the tables, read again, are byte for byte those of the copy, the log's chain ends in
    the same link, and every file has its hash.  A copy of an older schema is brought to the newest afterwards.

    Raises:
        BadCopy: the copy is unfinished or broken.
        NotRestored: this place is not empty, or the copy is not for it.
    Source: ESRV-33.a.
    """
    copy = parts.read(folder)
    say(f"copy: whole, {len(copy.sums)} parts, made at {copy.manifest['at']}")
    revision = copy.manifest["revision"]
    if not schema.knows(engine, revision):
        raise NotRestored(f"the copy has the schema {revision}, which this program does not know; take a newer Kezen")
    if not config.is_demo and copy.manifest["env"] != config.env:
        raise NotRestored("this is a copy of a demo, whose passwords everybody knows; it is not restored in production")
    _require_empty_storage(copy, storage)
    with snapshot(engine) as connection:
        standing = schema.revision(connection)
        _require_empty_database(connection)
    if standing != revision:
        if standing is not None:
            schema.downgrade(engine, "base")
        schema.upgrade(engine, revision)
    _put_files(copy, storage, say)
    with engine.connect() as connection, connection.begin():
        take_your_time(connection)
        _put_rows(connection, copy, say)
        _check_rows(connection, copy, say)
        _check_files(copy, storage, say)
    _put_kept(copy, config.var)
    schema.upgrade(engine)
    return copy.manifest


def is_same_key(manifest: dict[str, Any], key: str) -> bool:
    """Tell whether a key is the SECRET_KEY of the installation that was copied."""
    told: dict[str, str] = manifest["secret_key"]
    return key_mark(key, str(told["salt"])) == dict(told)


def _require_empty_storage(copy: Copy, storage: Storage) -> None:
    """Refuse a storage with files, but for those that a restore of this copy left when it was cut off."""
    ours = set(copy.files())
    if strange := next((sha256 for sha256 in storage.kept() if sha256 not in ours), None):
        raise NotRestored(f"{storage.place(strange)}: the storage is not empty; give KEZEN_VAR an empty folder")


def _require_empty_database(connection: Connection) -> None:
    for shape in rows.shapes(connection):
        if found := rows.count(connection, shape):
            raise NotRestored(f"the database is not empty: {shape.name} has {found} rows; give it an empty one")


def _put_files(copy: Copy, storage: Storage, say: Callable[[str], None]) -> None:
    chosen = copy.files()
    for done, sha256 in enumerate(chosen, start=1):
        path = copy.file(sha256)
        with path.open("rb") as file:
            draft = storage.draft(file, most=path.stat().st_size)
        if draft.sha256 != sha256:
            draft.drop()
            raise BadCopy(f"{parts.file_part(sha256)}: broken, its bytes are not those of its name")
        storage.keep(draft)
        if done % 1000 == 0 or done == len(chosen):
            say(f"files: {done} of {len(chosen)}")


def _put_rows(connection: Connection, copy: Copy, say: Callable[[str], None]) -> None:
    """Fill the tables; whoever has written to them meanwhile is found here."""
    tables = copy.manifest["tables"]
    rows.put_off_references(connection)
    standing = {shape.name: shape for shape in rows.shapes(connection)}
    if standing.keys() != tables.keys():
        name = min(standing.keys() ^ tables.keys())
        raise NotRestored(f"the table {name} is only in one of the copy and the schema {copy.manifest['revision']}")
    _require_empty_database(connection)
    for name, told in tables.items():
        told_columns = tuple((column, kind) for column, kind in told["columns"])
        if set(told_columns) != set(standing[name].columns):
            raise NotRestored(f"the table {name} has other columns than in the copy")
        rows.load(connection, rows.Shape(name, told_columns, standing[name].key), copy.lines(name))
        rows.count_on(connection, standing[name])
    rows.check_references(connection)
    say(f"database: {len(tables)} tables, {sum(told['rows'] for told in tables.values())} rows")


def _check_rows(connection: Connection, copy: Copy, say: Callable[[str], None]) -> None:
    """Read every table again and compare it with the copy: its rows, its bytes, the chain of the log."""
    chain, keys = Chain(), {shape.name: shape.key for shape in rows.shapes(connection)}
    for name, told in copy.manifest["tables"].items():
        shape = rows.Shape(name, tuple((c, kind) for c, kind in told["columns"]), keys[name])
        digest, found = hashlib.sha256(), 0
        for line in rows.lines(connection, shape):
            digest.update(line)
            found += 1
            if name == parts.LOG:
                chain.add(line)
        if found != told["rows"]:
            raise NotRestored(f"{name}: {found} rows stand there, {told['rows']} were copied")
        if digest.hexdigest() != told["sha256"]:
            raise NotRestored(f"{name}: its rows are not as they were copied")
    if {"entries": chain.entries, "chain": chain.head} != copy.manifest["log"]:
        raise NotRestored("the chain of the log does not end as it was copied")
    say(f"checked: every row of every table; the log's {chain.entries} entries, chain {chain.head}")


def _check_files(copy: Copy, storage: Storage, say: Callable[[str], None]) -> None:
    chosen = copy.files()
    for sha256 in chosen:
        digest = hashlib.sha256()
        for piece in parts.pieces(storage.place(sha256)):
            digest.update(piece)
        if digest.hexdigest() != sha256:
            raise NotRestored(f"{storage.place(sha256)}: damaged, its bytes are not those that were put there")
    if len(chosen) != copy.manifest["files"]["count"]:
        raise NotRestored(f"{len(chosen)} files stand there, {copy.manifest['files']['count']} were copied")
    say(f"checked: {len(chosen)} files have their hashes")


def _put_kept(copy: Copy, var: Path) -> None:
    """Put the sandbox and the clock of a demo in their places; what an empty demo has made for itself goes."""
    if not copy.kept():
        return
    draft = var / f".restored-{secrets.token_hex(4)}"
    for name in copy.kept():
        path = draft / name
        parts.make_folder(path.parent)
        path.touch(0o600)
        path.write_bytes((copy.folder / "kept" / name).read_bytes())
    for name in OF_A_DEMO:
        if (draft / name).exists():
            if (var / name).is_dir():
                shutil.rmtree(var / name)
            (draft / name).rename(var / name)
    draft.rmdir()
