"""One question and its answer over HTTP, with an end in time and in size.

Every exchange has a connection of its own and closes it, so threads and forked processes share
nothing.  No redirect is followed, no proxy is taken from the environment, no coding is undone.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

from app.authorities.addresses import Address

_PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS, *range(500, 600)})
_BINARY = ("application/", "binary/")
_SHORTEST = 0.001


class NoAnswer(Exception):
    """There is no answer: ``why`` is a word or two; ``is_passing``: asking again may help."""

    def __init__(self, why: str, *, is_passing: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.is_passing = is_passing


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds: for the connection, and for each silence of the other side."""

    connect: float = 3.0
    silence: float = 10.0


PATIENCE = Patience()


@dataclass(frozen=True)
class Question:
    """What is sent; without ``body`` it is a GET.  More than ``largest`` bytes of answer are refused."""

    largest: int
    body: bytes | None = None
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Reply:
    """An answer; ``content`` is None when the other side says that nothing has changed."""

    content: bytes | None
    etag: str = ""
    last_modified: str = ""


def ask(address: Address, question: Question, *, seconds: float, patience: Patience = PATIENCE) -> Reply:
    """Ask one address once; it is over after ``seconds``, whatever the other side does.

    Raises:
        NoAnswer: there is none that can be used.
    """
    end = time.monotonic() + seconds
    kind = HTTPSConnection if address.scheme == "https" else HTTPConnection
    connection = kind(address.host, address.port, timeout=max(min(patience.connect, seconds), _SHORTEST))
    try:
        connection.connect()
        left = max(end - time.monotonic(), _SHORTEST)
        with _cut_after(connection, left):
            return _exchange(connection, address, question, silence=min(patience.silence, left))
    except NameResolutionError:
        raise NoAnswer("name", is_passing=True) from None
    except NewConnectionError:  # urllib3 counts it among the time-outs
        raise NoAnswer("connection", is_passing=True) from None
    except (ssl.SSLError, SSLError):
        raise NoAnswer("tls") from None
    except (TimeoutError, ConnectTimeoutError, ReadTimeoutError):
        raise NoAnswer("timeout", is_passing=True) from None
    except (OSError, HTTPError, HTTPException, ValueError):
        raise NoAnswer("connection", is_passing=True) from None
    finally:
        connection.close()


def _exchange(connection: HTTPConnection, address: Address, question: Question, *, silence: float) -> Reply:
    connection.timeout = silence
    assert connection.sock is not None
    connection.sock.settimeout(silence)
    connection.request(
        "GET" if question.body is None else "POST",
        address.path,
        body=question.body,
        headers={"Accept-Encoding": "identity", "User-Agent": "Kezen", **(question.headers or {})},
        preload_content=False,
        decode_content=False,
    )
    answer = connection.getresponse()
    _require_usable(answer.status, answer.headers, question)
    if answer.status == HTTPStatus.NOT_MODIFIED:
        return Reply(None)
    content = answer.read(question.largest + 1)
    if len(content) > question.largest:
        raise NoAnswer("too_large")
    if answer.length_remaining:
        raise NoAnswer("connection", is_passing=True)  # cut short
    return Reply(content, answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", ""))


def _require_usable(status: int, headers: Mapping[str, str], question: Question) -> None:
    is_conditional = "If-None-Match" in (question.headers or {}) or "If-Modified-Since" in (question.headers or {})
    if status == HTTPStatus.NOT_MODIFIED and is_conditional:
        return
    if 300 <= status < 400:
        raise NoAnswer("redirect")
    if status != HTTPStatus.OK:
        raise NoAnswer(f"status {status}", is_passing=status in _PASSING)
    if headers.get("Content-Encoding", "identity") != "identity":
        raise NoAnswer("content_encoding")
    # Services call their answers many things; a page for people is none of them.
    if not headers.get("Content-Type", _BINARY[0]).lower().startswith(_BINARY):
        raise NoAnswer("content_type")
    length = headers.get("Content-Length", "")
    if length.isdecimal() and int(length[:20]) > question.largest:
        raise NoAnswer("too_large")


@contextmanager
def _cut_after(connection: HTTPConnection, seconds: float) -> Iterator[None]:
    """Cut the line after ``seconds``: one that drips is never silent for long.

    Raises:
        TimeoutError: the line was cut; what had come by then may look like a whole answer.
    """
    line, is_cut = connection.sock, threading.Event()

    def cut() -> None:
        is_cut.set()
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)

    watch = threading.Timer(seconds, cut)
    watch.daemon = True
    watch.start()
    try:
        yield
    except Exception:
        if not is_cut.is_set():
            raise
    finally:
        watch.cancel()
    if is_cut.is_set():
        raise TimeoutError
