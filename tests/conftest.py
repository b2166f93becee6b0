"""What the tests of the rooms stand in: a house with the demo, a day in it, browsers, the present moment.

Every test that asks for ``house`` or ``live`` runs on SQLite, and on PostgreSQL too where ``KEZEN_TEST_PG``
names a server (``postgresql+psycopg://…``) on which databases may be created.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import houses
import pytest
from browser import Browser, signed_in
from houses import DATABASES, House, Server
from hypothesis import HealthCheck, settings

from app import db
from app.web import clock

# No test is judged by the clock: a busy machine is not a fault.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


LONGEST_FIRST = ("journeys", "rooms", "deep", "shipped", "fuzz", "engines")
"""The folders in the order in which their files take long, so that no process waits for another at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take long first; within a folder everything stays in its order."""
    here = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        folder = item.path.relative_to(here).parts[0] if item.path.is_relative_to(here) else ""
        return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)

    items.sort(key=place)


@pytest.fixture(scope="session")
def worker() -> str:
    """The name of this process among those of the run."""
    return os.environ.get("PYTEST_XDIST_WORKER", "gw0")


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the loaded demo, one for the whole run; only to be copied."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    return houses.demo_var(shared)


@pytest.fixture(scope="session")
def server(worker: str) -> Iterator[Server]:
    """The PostgreSQL of the tests."""
    found = Server(worker)
    yield found
    found.close()


@pytest.fixture(scope="session")
def poured(server: Server, demo_folder: Path) -> str:
    """The address of a PostgreSQL database with the demo; only to be copied."""
    url = server.database()
    houses.pour(demo_folder, url)
    return url


@pytest.fixture(scope="session")
def built(
    demo_folder: Path, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], House]]:
    """Return the standing house over a kind of database, built when it is first asked for."""
    found: dict[str, House] = {}

    def build(kind: str) -> House:
        if kind not in found:
            url = ""
            if kind == "postgresql":
                url = request.getfixturevalue("server").database(request.getfixturevalue("poured"))
            found[kind] = houses.copied(demo_folder, tmp_path_factory.mktemp(kind) / "var", url)
        return found[kind]

    yield build
    for house in found.values():
        house.engine.dispose()


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> str:
    """The kind of database of this test."""
    return str(request.param)


@pytest.fixture
def house(database: str, built: Callable[[str], House]) -> Iterator[House]:
    """A house with the demo, for one day: what the test does is taken back, its commits too."""
    with built(database).day() as found:
        yield found


@pytest.fixture
def fresh_url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database."""
    if database == "postgresql":
        server: Server = request.getfixturevalue("server")
        url = server.database()
        yield url
        server.drop(url)
    else:
        yield f"sqlite:///{tmp_path / 'empty.db'}"


@pytest.fixture
def live(
    database: str, demo_folder: Path, request: pytest.FixtureRequest, tmp_path: Path, built: Callable[[str], House]
) -> Iterator[House]:
    """A house of the test's own where commits are real, for several threads at once."""
    url = ""
    if database == "postgresql":
        url = request.getfixturevalue("server").database(request.getfixturevalue("poured"))
    house = houses.copied(demo_folder, tmp_path / "var", url)
    house.enter()
    with house.app.app_context():
        yield house
    db.session.remove()
    house.engine.dispose()
    built(database).enter()
    if url:
        request.getfixturevalue("server").drop(url)


@pytest.fixture
def now(house: House) -> datetime:
    """The present moment of the house."""
    return clock.now(house.config)


@pytest.fixture
def browser(house: House) -> Callable[..., Browser]:
    """Return a browser, of an account of the demo that has signed in, or of nobody."""
    return lambda key="", language="kk": signed_in(house, key, language)
