"""The real application for tests: granian serving ``wsgi:app`` on a free port, with data of its own.

``loaded`` is the demo, loaded once a test session; ``copy_of`` gives each test a copy in a moment, on
SQLite or on PostgreSQL; ``serving`` starts the application, and the worker if asked, and stops them::

    def test_something(loaded, tmp_path):
        with serving(copy_of(loaded, tmp_path / "var"), worker=True) as served:
            visit(served.address)
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.houses import pour

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = os.environ.get("KEZEN_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chromium-headless-shell"))), None
)
"""The browser of the tests, None where there is none."""
PROGRAMS = Path(sys.executable).parent
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


@dataclass(frozen=True)
class Installation:
    """A folder of kept files and a database; without ``database_url`` SQLite in the folder."""

    var: Path
    database_url: str = ""
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def variables(self) -> dict[str, str]:
        """The environment of its processes."""
        mine = {"KEZEN_ENV": "test", "KEZEN_VAR": str(self.var), "DATABASE_URL": self.database_url, **self.environ}
        return {**os.environ, **mine, "PYTHONUNBUFFERED": "1"}

    def flask(self, *words: str) -> str:
        """Run a ``flask`` command and return what it printed.

        Raises:
            RuntimeError: it failed; the message is what it said.
        """
        command = [str(PROGRAMS / "flask"), "--app", "wsgi", *words]
        done = subprocess.run(command, cwd=ROOT, env=self.variables, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"flask {' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def accounts(self) -> dict[str, dict[str, Any]]:
        """Return the demo's accounts by their keys."""
        return {item["key"]: item for item in json.loads(self.flask("demo", "accounts", "--json"))}


@pytest.fixture(scope="session")
def loaded(demo_folder: Path) -> Installation:
    """Return the session's loaded installation on SQLite; never serve it, serve a ``copy_of`` it."""
    return Installation(demo_folder)


def copy_of(original: Installation, var: Path, *, database_url: str = "", **environ: str) -> Installation:
    """Return a copy of ``original`` (on SQLite) whose files are under ``var``.

    ``database_url``: an empty PostgreSQL database for the copy; without it SQLite.
    """
    shutil.copytree(original.var, var)
    if database_url:
        pour(original.var, database_url)
    return Installation(var, database_url, environ)


@contextmanager
def postgresql(server: str) -> Iterator[str]:
    """Make an empty database on ``server`` (a URL) and give its URL; drop it at the end."""
    name = f"kezen_test_{secrets.token_hex(6)}"
    address = server.replace("postgresql+psycopg://", "postgresql://", 1)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{server.rsplit('/', 1)[0]}/{name}"
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@dataclass
class Served:
    """The running application."""

    installation: Installation
    port: int
    web: subprocess.Popen[bytes]

    @property
    def address(self) -> str:
        """Where it answers, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """End the whole group of web processes with SIGKILL."""
        with suppress(ProcessLookupError):
            os.killpg(self.web.pid, signal.SIGKILL)
        self.web.wait()


def wait_until_ready(port: int, *, process: subprocess.Popen[bytes] | None = None, seconds: float = 60) -> None:
    """Wait until ``/health`` answers 200.

    Raises:
        RuntimeError: it has not within ``seconds``, or the process has ended.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process is not None and process.poll() is not None:
            raise RuntimeError(f"the web server has ended: {process.returncode}")
        with (
            suppress(OSError, urllib.error.URLError),
            _DIRECT.open(f"http://127.0.0.1:{port}/health", timeout=5) as answer,
        ):
            if answer.status == 200:
                return
        time.sleep(0.05)
    raise RuntimeError("the web server is not ready")


@contextmanager
def serving(installation: Installation, *, workers: int = 1, port: int = 0, worker: bool = False) -> Iterator[Served]:
    """Serve an installation; with ``worker`` the mails go out too."""
    port = port or free_port()
    variables = {**installation.variables, "HOST": "127.0.0.1", "PORT": str(port)}
    command = [str(PROGRAMS / "granian"), "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", str(workers), "--blocking-threads", "2", "--log-level", "warning", "wsgi:app"]
    with _running(command, variables, installation.var / "web.log") as web:
        wait_until_ready(port, process=web)
        served = Served(installation, port, web)
        if not worker:
            yield served
            return
        command = [str(PROGRAMS / "flask"), "--app", "wsgi", "worker"]
        with _running(command, variables, installation.var / "worker.log"):
            yield served


@contextmanager
def ncalayer(
    installation: Installation,
    *,
    key: str = "first_head",
    behaviour: str = "ok",
    port: int = 13579,
    gost: bool = False,
) -> Iterator[int]:
    """Run the signing emulator with the key of a demo account; give its port once it listens."""
    command = [str(PROGRAMS / "flask"), "--app", "wsgi", "sandbox", "ncalayer"]
    command += ["--port", str(port), "--as", key, "--behaviour", behaviour, *(["--gost"] if gost else [])]
    with _running(command, installation.variables, installation.var / "ncalayer.log") as process:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if process.poll() is not None:
                raise RuntimeError((installation.var / "ncalayer.log").read_text(errors="replace"))
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        else:
            raise RuntimeError("the signing emulator does not listen")
        yield port


@contextmanager
def authority(installation: Installation, *, behaviour: str = "ok", port: int = 0) -> Iterator[dict[str, str]]:
    """Run the sandbox authority's services; give the variables by which an installation asks them."""
    command = [str(PROGRAMS / "flask"), "--app", "wsgi", "sandbox", "authority"]
    command += ["--port", str(port), "--behaviour", behaviour]
    log = installation.var / f"authority.{secrets.token_hex(4)}.log"
    with _running(command, installation.variables, log) as process:
        end = time.monotonic() + 30
        while time.monotonic() < end and process.poll() is None:
            told = dict(re.findall(r"^(KEZEN_\w+)='(.*)'$", log.read_text(errors="replace"), re.MULTILINE))
            if len(told) == 3:
                yield told
                return
            time.sleep(0.05)
        raise RuntimeError(log.read_text(errors="replace"))


@contextmanager
def _running(command: list[str], variables: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in a process group of its own; end the group: politely, then for certain."""
    with log.open("ab") as said:
        process = subprocess.Popen(
            command, cwd=ROOT, env=variables, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
