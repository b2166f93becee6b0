"""The database's shape: migrations make it from empty, take it back, and agree with the models."""

from __future__ import annotations

from datetime import datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, Table, insert, inspect, text

from app import db, schema
from app.db import Record


@pytest.fixture
def engine(fresh_url):
    """An engine over an empty database."""
    found = db.make_engine(fresh_url)
    yield found
    found.dispose()


def tables(engine) -> set[str]:
    """Return the tables of a database, Alembic's own apart."""
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def shape(engine) -> dict[str, object]:
    """Return all that can be seen of a database's shape."""
    found: dict[str, object] = {}
    look = inspect(engine)
    for table in sorted(tables(engine)):
        found[table] = (
            sorted((column["name"], str(column["type"]), column["nullable"]) for column in look.get_columns(table)),
            sorted((index["name"], index["column_names"], bool(index["unique"])) for index in look.get_indexes(table)),
            sorted((key["name"], key["constrained_columns"]) for key in look.get_foreign_keys(table)),
            sorted((key["name"], key["column_names"]) for key in look.get_unique_constraints(table)),
        )
    return found


def rules(engine) -> set[str]:
    """Return the names of triggers and functions of ours."""
    question = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if engine.dialect.name == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
        " UNION ALL SELECT proname FROM pg_proc WHERE proname LIKE 'kezen%'"
    )
    with engine.connect() as connection:
        return set(connection.execute(text(question)).scalars())


def test_migrations_make_the_database_take_it_back_and_make_it_again(engine):
    assert not schema.is_current(engine)

    schema.upgrade(engine)
    first, guards = shape(engine), rules(engine)
    assert schema.is_current(engine)
    assert set(first) == set(Record.metadata.tables)
    assert guards

    schema.downgrade(engine, "base")
    assert tables(engine) == set()
    assert rules(engine) == set()
    assert not schema.is_current(engine)

    schema.upgrade(engine)
    assert shape(engine) == first
    assert rules(engine) == guards


def test_each_step_can_be_taken_alone_and_back(engine):
    steps = ["0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010", "0011"]
    shapes = []
    for step in steps:
        schema.upgrade(engine, step)
        shapes.append(shape(engine))

    for number in range(len(steps) - 1, 0, -1):
        schema.downgrade(engine, steps[number - 1])
        assert shape(engine) == shapes[number - 1], steps[number]


def test_models_and_migrations_agree(engine):
    schema.upgrade(engine)

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Record.metadata) == []


def test_upgrading_what_is_up_to_date_changes_nothing(engine):
    schema.upgrade(engine)
    before = shape(engine)

    schema.upgrade(engine)

    assert shape(engine) == before


def test_a_moment_without_a_zone_is_refused_and_others_come_back_in_utc(house):
    from datetime import UTC, datetime, timedelta, timezone

    from factories import person
    from sqlalchemy.exc import StatementError

    almaty = timezone(timedelta(hours=5))
    who = person("clerk")
    who.agreement_at = datetime(2026, 3, 1, 4, 30, tzinfo=almaty)
    db.session.flush()
    db.session.expire(who)
    assert who.agreement_at == datetime(2026, 2, 28, 23, 30, tzinfo=UTC)

    who.agreement_at = datetime(2026, 3, 1, 4, 30)
    with pytest.raises(StatementError):
        db.session.flush()
    db.session.rollback()


def test_everybodys_one_organisation_becomes_his_usual_place_and_is_the_one_that_stays(engine):
    schema.upgrade(engine, "0022")
    with engine.begin() as connection:
        for table, given in (
            ("user_account", {"email": "bir@synq.example"}),
            ("organisation", {"code": "BIR", "bin": "1"}),
            ("organisation", {"code": "EKI", "bin": "2"}),
            ("membership", {"user_id": 1, "organisation_id": 1}),
            ("login_session", {"user_id": 1}),
        ):
            _insert(connection, table, given)

    schema.upgrade(engine, "0023")

    with engine.begin() as connection:
        assert connection.execute(text("SELECT place_id FROM login_session")).scalars().all() == [1]
        _insert(connection, "membership", {"user_id": 1, "organisation_id": 2, "is_usual": False})
        usual = text("SELECT organisation_id FROM membership WHERE is_usual")
        assert connection.execute(usual).scalars().all() == [1]
    schema.downgrade(engine, "0022")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT organisation_id FROM membership")).scalars().all() == [1]


def _insert(connection, table: str, given: dict[str, object]) -> None:
    """Add a row as the database stands at some step, with something in every column that needs it."""
    found = Table(table, MetaData(), autoload_with=connection)
    plain = {"VARCHAR": "-", "TEXT": "-", "INTEGER": 1, "BOOLEAN": True, "JSON": {}}
    needed = {
        column.name: plain.get(str(column.type).split("(")[0], datetime(2026, 1, 1))
        for column in found.columns
        if not column.nullable and not column.primary_key
    }
    connection.execute(insert(found).values(**{**needed, **given}))
