"""The one door to the database: sessions, the base of all records, and the transaction rule.

The rule: one user action is one transaction.  A request other than GET begins writing at once
(SQLite: BEGIN IMMEDIATE, so that two writers wait for each other and never fail half-way);
``app.web`` commits an answer below 400 and rolls everything else back.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import JSON, DateTime, Dialect, Engine, Index, MetaData, Table, create_engine, event, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Session, SessionTransaction, scoped_session, sessionmaker
from sqlalchemy.types import TypeDecorator

from app.config import Config

NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment in UTC; a naive one is refused."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store as UTC without zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a moment without a time zone: {value!r}")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back as aware UTC."""
        return value.replace(tzinfo=UTC) if value is not None else None


class Record(DeclarativeBase):
    """The base of all records."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {datetime: UtcDateTime(), dict[str, Any]: JSON(), list[str]: JSON(), list[Any]: JSON()}


def table_of(record: type[Record]) -> Table:
    """Return the table of a record, for rows that are written without making objects of them."""
    return cast(Table, record.__table__)


def index_where(name: str, *columns: str, holds: str, unique: bool = False) -> Index:
    """Return an index of the rows for which ``holds`` (SQL) is true, the same in both databases.

    ``unique``: at most one such row for the columns: one block stands at a time, however many have ended.
    """
    return Index(name, *columns, unique=unique, sqlite_where=text(holds), postgresql_where=text(holds))


_factory: sessionmaker[Session] = sessionmaker(expire_on_commit=False)
session: scoped_session[Session] = scoped_session(_factory)
"""The session of the present request, command or test."""

_OUTCOMES = "outcomes"


def on_outcome(*, commit: Callable[[], object], rollback: Callable[[], object]) -> None:
    """Do ``commit`` just before the present transaction is committed, or ``rollback`` once it is taken back.

    For what stands outside the database and must be there exactly when the rows are: if ``commit``
    fails, nothing is committed.
    """
    session().info.setdefault(_OUTCOMES, []).append((commit, rollback))


@event.listens_for(_factory, "before_commit")
def _commits(ending: Session) -> None:
    if ending.in_nested_transaction():
        return  # only a savepoint ends
    for commit, _ in ending.info.get(_OUTCOMES, ()):
        commit()
    ending.info.pop(_OUTCOMES, None)


@event.listens_for(_factory, "after_soft_rollback")
def _rolled_back(ended: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        return
    for _, rollback in ended.info.pop(_OUTCOMES, ()):
        rollback()


_intent = threading.local()
_WAITED_IN_VAIN = {"55P03", "40P01", "40001", "57014"}
"""SQLSTATE of PostgreSQL: lock not available, deadlock, serialisation failure, time limit of a statement."""


def begin_writing(writing: bool) -> None:
    """Say whether the transactions that this thread begins from now on may write."""
    _intent.writing = writing


def is_busy(error: BaseException) -> bool:
    """Tell whether the database gave up waiting for others (locks, deadlocks, time limits): trying again helps."""
    if not isinstance(error, OperationalError):
        return False
    if isinstance(error.orig, sqlite3.OperationalError):
        return error.orig.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return getattr(error.orig, "sqlstate", "") in _WAITED_IN_VAIN


def make_engine(url: str) -> Engine:
    """Return an engine with the settings under which nothing acknowledged is lost.

    SQLite: WAL, ``synchronous=FULL``, foreign keys on.  PostgreSQL: connections are tried before
    use, and nothing waits for ever.
    """
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(
            url,
            hide_parameters=True,  # errors are logged: they may name a statement, never what was in the row
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": 5,
                "options": "-c statement_timeout=30000 -c lock_timeout=10000"
                " -c idle_in_transaction_session_timeout=60000",
            },
        )
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": 15})

    @event.listens_for(engine, "connect")
    def _settings(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.create_function("lower", 1, _lower, deterministic=True)  # its own knows Latin letters alone
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=15000", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if getattr(_intent, "writing", True) else "BEGIN")

    return engine


def _lower(text: object) -> object:
    return text.lower() if isinstance(text, str) else text


def connect(config: Config) -> Engine:
    """Bind the sessions of this process to the configured database."""
    engine = make_engine(config.database_url)
    session.remove()
    _factory.configure(bind=engine)
    return engine


@contextmanager
def transaction(*, writing: bool = True) -> Iterator[Session]:
    """Do one unit of work outside a request: commit at the end, roll back on any error."""
    begin_writing(writing)
    try:
        yield session()
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.remove()
        begin_writing(True)
