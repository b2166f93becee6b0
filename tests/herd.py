"""Many live applications at once: copies of a demo application, made by the database itself.

A copy has the answers, executors, comments, documents and sent versions of its original and stands where it
stands; it has no history of its own and no signatures.  Ten thousand take a second or two.
"""

from __future__ import annotations

from sqlalchemy import Connection, Table, func, insert, literal, select, update

from app.applications.models import Answers, Application, Assignment, Comment, Document, SentVersion
from app.db import Record

COPIED_WITH_IT: tuple[type[Record], ...] = (Answers, Assignment, Comment, Document, SentVersion)


def multiply(connection: Connection, original: int, *, first_id: int, count: int, prefix: str = "XC") -> list[str]:
    """Add ``count`` copies of the application of id ``original``, with ids from ``first_id``; return their numbers.

    ``prefix`` and the id make the number of a copy, which must be new.
    """
    counter = select(literal(first_id).label("id")).cte("counter", recursive=True)
    counter = counter.union_all(select(counter.c.id + 1).where(counter.c.id < first_id + count - 1))
    table = _table(Application)
    kept = [column for column in table.c if column.name not in ("id", "number")]
    number = literal(f"{prefix}-") + func.cast(counter.c.id, table.c.number.type)
    rows = select(counter.c.id, number, *kept).select_from(counter.join(table, table.c.id == original))
    connection.execute(insert(table).from_select(["id", "number", *(column.name for column in kept)], rows))
    for kind in COPIED_WITH_IT:
        _copy_rows(connection, _table(kind), original, first_id, count)
    return [f"{prefix}-{ident}" for ident in range(first_id, first_id + count)]


def copy_also(connection: Connection, kind: type[Record], original: int, *, first_id: int, count: int) -> None:
    """Give copies the rows of another table that their original has: its history, who holds it."""
    _copy_rows(connection, _table(kind), original, first_id, count)


def put_back(connection: Connection, original: int, *, first_id: int, count: int) -> None:
    """Let copies stand again where their original stands; what was written about them meanwhile stays."""
    table = _table(Application)
    row = connection.execute(select(table).where(table.c.id == original)).one()._mapping
    values = {name: value for name, value in row.items() if name not in ("id", "number")}
    connection.execute(update(table).where(table.c.id.between(first_id, first_id + count - 1)).values(values))


def _copy_rows(connection: Connection, table: Table, original: int, first_id: int, count: int) -> None:
    new = _table(Application).alias("new")
    kept = [column for column in table.c if column.name not in ("id", "application_id")]
    copies = new.c.id.between(first_id, first_id + count - 1)
    rows = select(new.c.id, *kept).select_from(table.join(new, copies)).where(table.c.application_id == original)
    connection.execute(insert(table).from_select(["application_id", *(column.name for column in kept)], rows))


def _table(kind: type[Record]) -> Table:
    table = kind.__table__
    assert isinstance(table, Table)
    return table


def raw_of(form: object) -> dict[str, list[str]]:
    """Return what a person would type into a simple form: its fields' examples."""
    return {
        path: [item.entry(item.example_value(), part)]
        for item in form.fields  # type: ignore[attr-defined]
        if item.type != "file" and not item.source
        for path, part in zip(item.paths(""), item.parts or ("",), strict=True)
    }
