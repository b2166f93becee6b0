"""Statements that are compiled once and sent by the driver itself, inside the session's transaction.

For the few that every act sends: there SQLAlchemy's way of executing costs several times what the
database does (docs/bench.md).  They are written with its expressions all the same, and parameters
and rows pass through the types of their columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Dialect, SelectBase
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler

from app import db

Row = Mapping[str, Any]
Making = Callable[[Dialect], Executable]
_Process = Callable[[Any], Any] | None


class _Compiled(NamedTuple):
    """What the driver gets: the words, and how each parameter and each column of a row is translated."""

    words: str
    bound: tuple[tuple[str, Any, _Process], ...]
    is_positional: bool
    columns: tuple[_Process, ...]

    def parameters(self, row: Row) -> Any:
        """Return the parameters as the driver takes them; what ``row`` does not give is the statement's own."""
        given = [
            (name, value if process is None else process(value))
            for name, value, process in ((name, row.get(name, own), process) for name, own, process in self.bound)
        ]
        return tuple(value for _, value in given) if self.is_positional else dict(given)


def _default_of(column: Any) -> Any:
    """Return what a column holds where nothing is given: a plain value, or what its function makes (``dict``)."""
    default = column.default
    if default is None:
        return None
    return default.arg(None) if default.is_callable else default.arg


def send(cursor: Any, words: str, parameters: Sequence[Any]) -> None:
    """Hand one statement to the driver, for each of its sets of parameters."""
    if len(parameters) == 1:
        cursor.execute(words, parameters[0])
    else:
        cursor.executemany(words, parameters)


class Statement:
    """One statement for every database; ``keys`` are the columns that an INSERT or UPDATE sets by parameters."""

    def __init__(self, made: Executable | Making, keys: Sequence[str] | None = None) -> None:
        self._made = made
        self._keys = list(keys) if keys is not None else None
        self._compiled: dict[str, _Compiled] = {}

    def rows(self, parameters: Row) -> Sequence[Sequence[Any]]:
        """Return the rows of a query, each value as its column's type gives it."""
        with self._sent(parameters) as (cursor, compiled):
            found: Sequence[Sequence[Any]] = cursor.fetchall()
        translated = [(place, process) for place, process in enumerate(compiled.columns) if process is not None]
        if not translated:
            return found
        rows: list[list[Any]] = [list(row) for row in found]
        for row in rows:
            for place, process in translated:
                row[place] = process(row[place])
        return rows

    def run(self, parameters: Row) -> int:
        """Send it; return how many rows it touched."""
        with self._sent(parameters) as (cursor, _):
            return int(cursor.rowcount)

    def run_many(self, parameters: Sequence[Row]) -> None:
        """Send it once for each of ``parameters``."""
        with self._sent(*parameters):
            pass

    @contextmanager
    def _sent(self, *rows: Row) -> Iterator[tuple[Any, _Compiled]]:
        connection = db.session.connection()
        dialect = connection.dialect
        compiled = self._compiled.get(dialect.name) or self._compile(dialect)
        cursor = connection.connection.cursor()
        parameters = [compiled.parameters(row) for row in rows]
        try:
            send(cursor, compiled.words, parameters)
            yield cursor, compiled
        except dialect.loaded_dbapi.Error as error:
            raise DBAPIError.instance(
                compiled.words, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, dialect=dialect
            ) from error
        finally:
            cursor.close()

    def _compile(self, dialect: Dialect) -> _Compiled:
        statement = self._made(dialect) if callable(self._made) else self._made
        compiled = statement.compile(dialect=dialect, column_keys=self._keys)  # type: ignore[attr-defined]
        assert isinstance(compiled, SQLCompiler)

        def processor(kind: Any, which: str) -> _Process:
            found: _Process = getattr(kind.dialect_impl(dialect), which)(dialect, *([None] * (which[0] == "r")))
            return found

        own = {name: bound.effective_value for name, bound in compiled.binds.items()}
        for column in compiled.insert_prefetch:
            own[column.key] = _default_of(column)  # one for every row: it is only read
        names = compiled.positiontup if compiled.positional else list(compiled.binds)
        shown = (*statement.selected_columns,) if isinstance(statement, SelectBase) else ()
        made = _Compiled(
            compiled.string,
            tuple((name, own[name], processor(compiled.binds[name].type, "bind_processor")) for name in names or ()),
            compiled.positional,
            tuple(processor(column.type, "result_processor") for column in shown),
        )
        self._compiled[dialect.name] = made
        return made
