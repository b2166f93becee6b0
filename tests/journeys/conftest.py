"""The browser of the journeys, and the rule that a story broken at one step is not told further."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

playwright = pytest.importorskip("playwright.sync_api")

from playwright.sync_api import Browser, sync_playwright  # noqa: E402 - after the check that it is there

from app.sandbox.ncalayer import PORT as NCALAYER  # noqa: E402
from tests.serving import CHROMIUM, free_port, loaded  # noqa: E402, F401 - loaded is a fixture


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what drives the browser, and skip it where there is none."""
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="no Chromium: install it, or name it in KEZEN_CHROMIUM"))


@pytest.fixture(scope="session")
def agent_port() -> int:
    """Return the port where this run's signing emulator listens; the browser takes it for NCALayer's own."""
    return free_port()


@pytest.fixture(scope="module")
def chromium(agent_port: int) -> Iterator[Browser]:
    """Return a headless Chromium, in which NCALayer's fixed port leads to this run's emulator.

    The page asks wss://127.0.0.1:13579 as always; so runs side by side, or a demo on this machine, do not meet.
    """
    with sync_playwright() as driver:
        options = ["--no-sandbox", "--ignore-certificate-errors"]
        options.append(f"--host-resolver-rules=MAP 127.0.0.1:{NCALAYER} 127.0.0.1:{agent_port}")
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Note where a story broke."""
    told = getattr(getattr(item, "module", None), "ONE_STORY", False)
    if told and call.excinfo is not None and not call.excinfo.errisinstance(pytest.skip.Exception):
        item.parent._broken_at = item.name  # type: ignore[union-attr]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what comes after the step where the story broke: that step fails the run."""
    broken_at = getattr(item.parent, "_broken_at", None)
    if broken_at is not None:
        pytest.skip(f"the story broke at {broken_at}")
