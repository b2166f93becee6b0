"""A table as lines of JSON, one row each, and back; the shape is asked of the database and not of the records.

So a copy of an older schema is read and restored by a newer program.  Moments are UTC; JSON columns are kept
letter by letter, as text within the line, so that nothing of them is read anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    bindparam,
    cast,
    func,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import TypeEngine

REVISIONS = "alembic_version"
AT_ONCE = 500

_KINDS: tuple[tuple[type[TypeEngine[Any]], str], ...] = (
    (Boolean, "boolean"),
    (Integer, "integer"),
    (DateTime, "moment"),
    (Date, "date"),
    (JSON, "json"),
    (String, "text"),
)
_TYPES: dict[str, TypeEngine[Any]] = {
    "boolean": Boolean(),
    "integer": BigInteger(),
    "moment": DateTime(),
    "date": Date(),
    "json": Text(),
    "text": Text(),
}
_WRITTEN: dict[str, Callable[[Any], Any]] = {"moment": datetime.isoformat, "date": date.isoformat}
_READ: dict[str, Callable[[Any], Any]] = {"moment": datetime.fromisoformat, "date": date.fromisoformat}


class UnknownType(Exception):
    """A column whose type a copy has no words for; the message names table and column."""


@dataclass(frozen=True)
class Shape:
    """A table: its columns with the kind of each, and the columns that its rows are put in order by."""

    name: str
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...]

    def table(self) -> Table:
        """Return the table for statements."""
        return Table(self.name, MetaData(), *(Column(name, _TYPES[kind]) for name, kind in self.columns))


def shapes(connection: Connection) -> list[Shape]:
    """Return every table of the database but that of the schema's revision, by name.

    Raises:
        UnknownType: a column has a type that a copy cannot hold.
    """
    asked = inspect(connection)
    found = []
    for name in sorted(asked.get_table_names()):
        if name == REVISIONS:
            continue
        columns = tuple((each["name"], _kind(name, each["name"], each["type"])) for each in asked.get_columns(name))
        key = tuple(asked.get_pk_constraint(name)["constrained_columns"])
        found.append(Shape(name, columns, key or tuple(column for column, _ in columns)))
    return found


def _kind(table: str, column: str, given: TypeEngine[Any]) -> str:
    for known, kind in _KINDS:
        if isinstance(given, known) and not getattr(given, "timezone", False):
            return kind
    raise UnknownType(f"{table}.{column}: a copy cannot hold {given!r}")


def count(connection: Connection, shape: Shape) -> int:
    """Return how many rows a table has."""
    return connection.scalar(select(func.count()).select_from(shape.table())) or 0


def lines(connection: Connection, shape: Shape) -> Iterator[bytes]:
    """Yield a table's rows in the order of its key, the same bytes from whichever database."""
    table = shape.table()
    asked = [cast(table.c[name], Text) if kind == "json" else table.c[name] for name, kind in shape.columns]
    query = select(*asked).order_by(*(_ordered(connection, table, shape, name) for name in shape.key))
    writers = [_WRITTEN.get(kind) for _, kind in shape.columns]
    for row in connection.execute(query, execution_options={"yield_per": AT_ONCE}):
        values = [
            write(value) if write and value is not None else value for write, value in zip(writers, row, strict=True)
        ]
        yield json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _ordered(connection: Connection, table: Table, shape: Shape, name: str) -> ColumnElement[Any]:
    column: ColumnElement[Any] = table.c[name]
    if dict(shape.columns)[name] in ("text", "json") and connection.dialect.name == "postgresql":
        return cast(column, Text).collate("C")  # byte by byte, as SQLite does
    return column


def load(connection: Connection, shape: Shape, given: Iterable[bytes]) -> None:
    """Add rows to a table, as ``lines`` gives them."""
    table, columns = shape.table(), shape.columns
    statement = insert(table)
    if connection.dialect.name == "postgresql":
        as_json = {name: cast(bindparam(name, type_=Text()), JSON) for name, kind in columns if kind == "json"}
        plain = {name: bindparam(name, type_=_TYPES[kind]) for name, kind in columns if kind != "json"}
        statement = statement.values({**plain, **as_json})
    readers = [(name, _READ.get(kind)) for name, kind in columns]
    rows = (
        {
            name: read(value) if read and value is not None else value
            for (name, read), value in zip(readers, row, strict=True)
        }
        for row in map(json.loads, given)
    )
    while some := list(islice(rows, AT_ONCE)):
        connection.execute(statement, some)


def put_off_references(connection: Connection) -> None:
    """Let rows of this transaction name others that come after them."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("PRAGMA defer_foreign_keys=ON"))
        return
    _make_references(connection, "DEFERRABLE INITIALLY DEFERRED")


def check_references(connection: Connection) -> None:
    """See that every row that is named is there, and have it so for each statement from now on.

    Raises:
        IntegrityError: one is not (SQLite tells it when the transaction is committed).
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        _make_references(connection, "NOT DEFERRABLE")


def _make_references(connection: Connection, how: str) -> None:
    asked = (
        "SELECT conrelid::regclass::text, quote_ident(conname) FROM pg_constraint"
        " WHERE contype = 'f' AND connamespace = current_schema()::regnamespace"
    )
    for table, name in connection.execute(text(asked)).all():
        connection.execute(text(f"ALTER TABLE {table} ALTER CONSTRAINT {name} {how}"))


def count_on(connection: Connection, shape: Shape) -> None:
    """Let a table's next row get a number of its own (PostgreSQL: its sequence; SQLite does so anyway)."""
    if connection.dialect.name != "postgresql":
        return
    table = shape.table()
    for name, kind in shape.columns:
        asked = select(func.pg_get_serial_sequence(f'"{shape.name}"', name))
        if kind == "integer" and (sequence := connection.scalar(asked)):
            following = select(func.coalesce(func.max(table.c[name]), 0) + 1).scalar_subquery()
            connection.execute(select(func.setval(sequence, following, False)))
