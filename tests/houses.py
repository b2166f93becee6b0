"""Houses to test in: the application over a database of its own, SQLite always and PostgreSQL where there is one.

The demo is loaded once a run, whatever the number of workers, and copied; a test's day in a house is one
transaction that is taken back in the evening, commits of the application included (they end a savepoint).
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from flask import Flask
from sqlalchemy import Engine, create_engine, insert, make_url, select, text

from app import catalogue, config, db, demo, schema
from app.catalogue import Catalogue
from app.config import Config
from app.db import Record
from app.factory import create_app
from app.web import clock

POSTGRESQL = os.environ.get("KEZEN_TEST_PG", "")
DROPPERS = 4
DATABASES = ("sqlite", "postgresql") if POSTGRESQL else ("sqlite",)


def settings(var: Path, **environ: str) -> Config:
    """Return the configuration of a house that keeps everything in ``var``."""
    return config.read({"KEZEN_ENV": "test", "KEZEN_VAR": str(var), **environ})


@dataclass
class House:
    """One application, its settings and its database."""

    app: Flask
    config: Config
    engine: Engine
    definitions: Catalogue | None = None
    sandbox: dict[Path, tuple[int, bytes]] = field(default_factory=dict)
    """The files of the sandbox's authority at the house's first morning: when written, and what they hold."""

    @classmethod
    def build(cls, settings: Config) -> House:
        """Return a house over an existing or empty database."""
        app = create_app(settings)
        return cls(app, settings, app.extensions["kezen.engine"])

    def enter(self) -> None:
        """Make this the house that sessions and definitions belong to; several live in one process."""
        db.session.remove()
        db._factory.configure(bind=self.engine, join_transaction_mode="conditional_savepoint")
        if catalogue._shelf.config is not self.config:
            catalogue.configure(self.config)
            catalogue._shelf.catalogue = self.definitions

    @contextmanager
    def day(self) -> Iterator[House]:
        """Let a test do what it likes; in the evening all of it is taken back."""
        self.enter()
        if not self.sandbox:
            self.sandbox = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in self._sandbox_files()}
        with self.engine.connect() as connection:
            outer = connection.begin()
            db._factory.configure(bind=connection, join_transaction_mode="create_savepoint")
            try:
                with self.app.app_context():
                    yield self
            finally:
                db.session.remove()
                outer.rollback()
                clock.move(self.config, "reset")
                self.enter()
                self._restore_sandbox()
                self.definitions = catalogue._shelf.catalogue

    def _sandbox_files(self) -> list[Path]:
        return [path for path in (self.config.var / "sandbox").rglob("*") if path.is_file()]

    def _restore_sandbox(self) -> None:
        """A certificate revoked or renewed in one test is as it was in the next, whatever their order."""
        changed = False
        for path in {*self._sandbox_files(), *self.sandbox}:
            kept = self.sandbox.get(path)
            if kept is None:
                path.unlink()
            elif not path.exists() or path.stat().st_mtime_ns != kept[0]:
                path.write_bytes(kept[1])
                os.utime(path, ns=(kept[0], kept[0]))
            else:
                continue
            changed = True
        if changed:
            catalogue.configure(self.config)


def demo_var(shared: Path) -> Path:
    """Return the folder of a loaded demo (SQLite), loaded by whichever worker comes first."""
    folder, ready = shared / "demo", shared / "demo.ready"
    with (shared / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            house = House.build(settings(folder))
            schema.upgrade(house.engine)
            with house.app.app_context():
                demo.load()
            db.session.remove()
            with house.engine.connect() as connection:
                connection.exec_driver_sql("COMMIT")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.exec_driver_sql("BEGIN")
            house.engine.dispose()
            ready.touch()
    return folder


def copied(demo_folder: Path, folder: Path, url: str = "", **environ: str) -> House:
    """Return a house over a copy of the demo; over the database of ``url``, or SQLite."""
    shutil.copytree(demo_folder, folder)
    chosen = settings(folder, **environ)
    if url:
        (folder / "kezen.db").unlink()
        chosen = replace(chosen, database_url=url)
    return House.build(chosen)


def pour(demo_folder: Path, url: str) -> None:
    """Fill an empty PostgreSQL database with the rows of the demo."""
    source, target = create_engine(f"sqlite:///{demo_folder / 'kezen.db'}"), db.make_engine(url)
    schema.upgrade(target)
    with source.connect() as given, target.begin() as taken:
        for table in Record.metadata.sorted_tables:
            rows = [dict(row) for row in given.execute(select(table)).mappings()]
            if rows:
                taken.execute(insert(table), rows)
            if "id" in table.c:
                taken.execute(
                    text(
                        f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'),"
                        f" (SELECT coalesce(max(id), 0) + 1 FROM {table.name}), false)"
                    )
                )
    source.dispose()
    target.dispose()


class Server:
    """The PostgreSQL of the tests: databases with names of our own, dropped when they are done with.

    Each drop waits for a checkpoint: they are left to threads, several wait for one, and the tests go on.
    """

    def __init__(self, worker: str) -> None:
        self._engine = create_engine(POSTGRESQL, isolation_level="AUTOCOMMIT", pool_size=DROPPERS + 1)
        self._prefix = f"kezen_test_{os.getpid()}_{worker}"
        self._made: list[str] = []
        self._standing: set[str] = set()
        self._dropping: list[Future[None]] = []
        self._droppers = ThreadPoolExecutor(DROPPERS)

    def database(self, template: str = "") -> str:
        """Return the address of a new database; ``template`` is the address of one to copy."""
        name = f"{self._prefix}_{len(self._made)}"
        like = f' TEMPLATE "{make_url(template).database}"' if template else ""
        with self._engine.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"{like}'))
        self._made.append(name)
        self._standing.add(name)
        return make_url(POSTGRESQL).set(database=name).render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        """Let a database of this server go, soon."""
        name = make_url(url).database
        if name in self._standing:
            self._standing.remove(name)
            self._dropping.append(self._droppers.submit(self._drop, name))

    def _drop(self, name: str) -> None:
        with self._engine.connect() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))

    def close(self) -> None:
        """Drop what still stands."""
        self._dropping += [self._droppers.submit(self._drop, name) for name in self._standing]
        for each in self._dropping:
            each.result()
        self._droppers.shutdown()
        self._engine.dispose()
