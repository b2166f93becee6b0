"""The databases that are measured on: the demo's rows on PostgreSQL, where one answers, then on SQLite."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg

from app import db
from tests.houses import House, demo_var, pour, settings
from tests.serving import postgresql

POSTGRESQL = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"


def say(words: str) -> None:
    """Tell the progress."""
    print(f"bench: {words}", file=sys.stderr, flush=True)


def houses(**environ: str) -> Iterator[tuple[str, House]]:
    """Yield the name of each database there is with a house over the loaded demo, and close it afterwards."""
    with tempfile.TemporaryDirectory(prefix="kezen-bench-", ignore_cleanup_errors=True) as folder:
        say("loading the demo")
        loaded = demo_var(Path(folder))
        chosen = settings(loaded, **environ)
        server = os.environ.get("KEZEN_TEST_PG") or POSTGRESQL
        if _answers(server):
            with postgresql(server) as url:
                pour(loaded, url)
                yield from _closing("postgresql", House.build(replace(chosen, database_url=url)))
        yield from _closing("sqlite", House.build(chosen))


def analyse(house: House) -> None:
    """Let PostgreSQL look at what has been put into it, as its autovacuum would soon."""
    if house.engine.dialect.name == "postgresql":
        with house.engine.connect() as connection:
            connection.exec_driver_sql("ANALYZE")
            connection.commit()


def _answers(server: str) -> bool:
    try:
        psycopg.connect(server.replace("postgresql+psycopg://", "postgresql://", 1)).close()
    except psycopg.OperationalError as error:
        say(f"PostgreSQL skipped, not reachable: {str(error).splitlines()[0]}")
        return False
    return True


def _closing(name: str, house: House) -> Iterator[tuple[str, House]]:
    try:
        yield name, house
    finally:
        db.session.remove()
        house.engine.dispose()
