"""A house that also has the procedure of deep forms (tests/deep)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import houses
import pytest
from houses import House

from tests.deep import definitions


@pytest.fixture(scope="module")
def deep_var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the deep house, one for a file of tests."""
    return tmp_path_factory.mktemp("deep")


@pytest.fixture(scope="module")
def deep_houses(deep_var: Path) -> Iterator[dict[str, House]]:
    """The deep houses that stand, by the kind of database."""
    found: dict[str, House] = {}
    yield found
    for house in found.values():
        house.engine.dispose()


@pytest.fixture
def deep(
    database: str,
    demo_folder: Path,
    deep_var: Path,
    deep_houses: dict[str, House],
    request: pytest.FixtureRequest,
    built: Callable[[str], House],
) -> Iterator[House]:
    """A house with the demo and the deep procedure, for one day."""
    if database not in deep_houses:
        url = ""
        if database == "postgresql":
            url = request.getfixturevalue("server").database(request.getfixturevalue("poured"))
        named = definitions(deep_var / database)
        deep_houses[database] = houses.copied(demo_folder, deep_var / database / "var", url, **named)
    with deep_houses[database].day() as found:
        yield found
    built(database).enter()
