"""Servers on the loopback that answer as they are told to: right, wrong, slowly or not at all."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

Script = Callable[[socket.socket, "Request"], None]


@dataclass(frozen=True)
class Request:
    line: str
    headers: dict[str, str]
    body: bytes


class Loopback:
    """A server whose n-th visitor is served by the n-th script; the last serves all that follow."""

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None) -> None:
        self.scripts = list(scripts)
        self.requests: list[Request] = []
        self._tls = tls
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._door.accept()
                threading.Thread(target=self._talk, args=(line,), daemon=True).start()

    def _talk(self, line: socket.socket) -> None:
        with suppress(OSError, ValueError):
            line.settimeout(10)
            if self._tls is not None:
                line = self._tls.wrap_socket(line, server_side=True)
            request = _read(line)
            self.requests.append(request)
            self.scripts[min(len(self.requests), len(self.scripts)) - 1](line, request)
        line.close()

    def __enter__(self) -> Loopback:
        return self

    def __exit__(self, *_: object) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()


def _read(line: socket.socket) -> Request:
    file = line.makefile("rb")
    first = file.readline().decode().strip()
    headers = {}
    while pair := file.readline().decode().strip():
        key, _, value = pair.partition(":")
        headers[key.strip().lower()] = value.strip()
    return Request(first, headers, file.read(int(headers.get("content-length", 0))))


def reply(
    content: bytes | Callable[[Request], bytes] = b"",
    *,
    status: str = "200 OK",
    length: int | None = None,
    **headers: str,
) -> Script:
    """Return a script that gives a whole answer; ``length`` is said to be that of the content."""

    def script(line: socket.socket, request: Request) -> None:
        body = content(request) if callable(content) else content
        said = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(len(body) if length is None else length),
        }
        said |= {key.replace("_", "-"): value for key, value in headers.items()}
        lines = "".join(f"{key}: {value}\r\n" for key, value in said.items() if value)
        line.sendall(f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body)

    return script


def raw(*pieces: bytes, pause: float = 0.0) -> Script:
    """Return a script that sends pieces as they are, with pauses between."""

    def script(line: socket.socket, request: Request) -> None:
        for piece in pieces:
            line.sendall(piece)
            time.sleep(pause)

    return script


def drip(head: bytes, drop: bytes, *, every: float = 0.05) -> Script:
    """Return a script that never ends: one drop after another."""

    def script(line: socket.socket, request: Request) -> None:
        line.sendall(head)
        while True:
            line.sendall(drop)
            time.sleep(every)

    return script


def silence(line: socket.socket, request: Request) -> None:
    """Say nothing for longer than anyone waits."""
    time.sleep(30)


def hang_up(line: socket.socket, request: Request) -> None:
    """Cut the line."""
