"""A web server, or a worker, that is started again within milliseconds: for tests that kill it many times.

``python -m tests.forks PORT`` loads the application once and then obeys its standard input:
``start`` forks a child that serves on PORT, ``work`` one that is the worker; each says ``ready PID``;
``reap`` waits for the end of the child and says ``reaped``.  Each child is a process of its own with
its own connections.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.serving import ROOT, Installation, free_port


class Forks:
    """The caller's side."""

    def __init__(self, port: int, parent: subprocess.Popen[str]) -> None:
        self.port, self.parent = port, parent
        self.child = 0

    def _ask(self, verb: str) -> list[str]:
        assert self.parent.stdin is not None
        assert self.parent.stdout is not None
        self.parent.stdin.write(f"{verb}\n")
        self.parent.stdin.flush()
        return self.parent.stdout.readline().split()

    def start(self) -> None:
        """Start the server; it answers when this returns."""
        self._start("start")

    def work(self) -> None:
        """Start the worker."""
        self._start("work")

    def _start(self, verb: str) -> None:
        word, pid = self._ask(verb)
        assert word == "ready"
        self.child = int(pid)

    def kill(self) -> None:
        """End the server with SIGKILL, now."""
        if self.child:
            os.kill(self.child, signal.SIGKILL)
            assert self._ask("reap") == ["reaped"]
            self.child = 0


@contextmanager
def forks(installation: Installation) -> Iterator[Forks]:
    """Load the application of ``installation``, ready to be served."""
    port = free_port()
    with (installation.var / "forks.log").open("ab") as log:
        parent = subprocess.Popen(
            [sys.executable, "-m", "tests.forks", str(port)],
            cwd=ROOT,
            env=installation.variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    with parent:
        server = Forks(port, parent)
        try:
            yield server
        finally:
            if server.child:
                with suppress(ProcessLookupError):
                    os.kill(server.child, signal.SIGKILL)
            parent.kill()


def _serve(port: int, ready: int) -> None:
    from werkzeug.serving import make_server

    from wsgi import app

    server = make_server("127.0.0.1", port, app, threaded=True)
    os.write(ready, f"ready {os.getpid()}\n".encode())
    server.serve_forever()


def _work(_port: int, ready: int) -> None:
    from flask.cli import ScriptInfo

    from app.cli.installation import worker
    from wsgi import app

    os.write(ready, f"ready {os.getpid()}\n".encode())
    worker.main(args=[], obj=ScriptInfo(create_app=lambda: app), standalone_mode=False)


KINDS = {"start": _serve, "work": _work}


def main() -> None:
    """Obey the standard input until it ends."""
    import wsgi  # noqa: F401 - loaded before any fork

    port, child = int(sys.argv[1]), 0
    said = os.dup(1)
    os.dup2(2, 1)
    for line in sys.stdin:
        kind = KINDS.get(line.strip())
        if kind is not None:
            child = os.fork()
            if child == 0:
                os.close(0)
                try:
                    kind(port, said)
                finally:
                    os._exit(1)
        else:
            os.waitpid(child, 0)
            os.write(said, b"reaped\n")


if __name__ == "__main__":
    main()
