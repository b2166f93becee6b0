"""One exchange with a hostile server: whatever it does, there is an end, and a word why."""

from __future__ import annotations

import socket
import ssl
import time

import pytest
from loopback import Loopback, drip, hang_up, raw, reply, silence

from app.authorities import addresses, exchange
from app.authorities.exchange import NoAnswer, Patience, Question, Reply
from app.sandbox.pki import tls_pair

PATIENCE = Patience(connect=9.0, silence=9.0)
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\n"


GET = Question(1000)


def ask(server: Loopback, question: Question = GET, *, path: str = "/", seconds: float = 20.0) -> Reply:
    return exchange.ask(addresses.read(server.url + path), question, seconds=seconds, patience=PATIENCE)


def test_a_whole_answer_is_given_back_as_it_came():
    with Loopback(reply(b"\x30\x00", ETag='"1"', Last_Modified="yesterday")) as server:
        given = ask(server, Question(2, b"question", {"Content-Type": "application/ocsp-request"}), path="/ocsp?x=1")

    assert given == Reply(b"\x30\x00", '"1"', "yesterday")
    (request,) = server.requests
    assert request.line == "POST /ocsp?x=1 HTTP/1.1"
    assert request.body == b"question"
    assert request.headers["host"] == f"127.0.0.1:{server.port}"
    assert request.headers["content-type"] == "application/ocsp-request"


@pytest.mark.parametrize(
    "kind", ["application/pkix-crl", "application/x-pkcs7-crl; charset=x", "binary/octet-stream", ""]
)
def test_services_may_call_their_answers_many_things(kind):
    with Loopback(reply(b"list", Content_Type=kind)) as server:
        assert ask(server).content == b"list"


def test_an_answer_in_chunks_or_until_the_line_is_closed_is_whole_too():
    chunks = OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    with Loopback(raw(chunks), raw(OK + b"\r\nabc")) as server:
        assert [ask(server).content, ask(server).content] == [b"abc", b"abc"]


MISDEEDS = {
    "redirect": (reply(status="302 Found", Location="http://127.0.0.1:1/"), "redirect", False),
    "not modified, unasked": (reply(status="304 Not Modified"), "redirect", False),
    "not found": (reply(status="404 Not Found"), "status 404", False),
    "out of order": (reply(status="500 Internal Server Error"), "status 500", True),
    "too many": (reply(status="429 Too Many Requests"), "status 429", True),
    "a page": (reply(b"<html>", Content_Type="text/html"), "content_type", False),
    "packed": (reply(b"\x1f\x8b", Content_Encoding="gzip"), "content_encoding", False),
    "too large, as it says": (reply(b"", length=1001), "too_large", False),
    "too large by an absurd number": (reply(b"", length=10**4000), "too_large", False),
    "too large without saying": (raw(OK + b"\r\n" + b"x" * 1001), "too_large", False),
    "too large in chunks": (raw(OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"64\r\n" + b"x" * 100 + b"\r\n"
                                + b"ffff\r\n" + b"x" * 65535), "too_large", False),
    "cut short": (reply(b"abc", length=10), "connection", True),
    "cut short in chunks": (raw(OK + b"Transfer-Encoding: chunked\r\n\r\n9\r\nabc"), "connection", True),
    "chunks of nonsense": (raw(OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nabc"), "connection", True),
    "two lengths": (reply(b"abc", Content_length="5"), "connection", True),
    "no HTTP": (raw(b"SSH-2.0-OpenSSH_9.2\r\n"), "connection", True),
    "a status of nonsense": (raw(b"HTTP/1.1 2x0 OK\r\n\r\n"), "connection", True),
    "a header without end": (raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000), "connection", True),
    "headers without end": (raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200), "connection", True),
    "hangs up": (hang_up, "connection", True),
}  # fmt: skip


@pytest.mark.parametrize("misdeed", MISDEEDS)
def test_a_misdeed_is_no_answer_with_a_word_why(misdeed):
    script, why, is_passing = MISDEEDS[misdeed]

    with Loopback(script) as server, pytest.raises(NoAnswer) as refused:
        ask(server)

    assert (refused.value.why, refused.value.is_passing) == (why, is_passing)
    assert len(server.requests) == 1


def test_a_silence_is_waited_for_no_longer_than_patience_lasts():
    with Loopback(silence) as server:
        started = time.monotonic()
        with pytest.raises(NoAnswer, match="timeout"):
            exchange.ask(addresses.read(server.url), GET, seconds=20.0, patience=Patience(9.0, 0.5))

    assert time.monotonic() - started < 9


@pytest.mark.parametrize(
    "script",
    [
        drip(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n", every=0.3),
        drip(b"HTTP/1.1 200 OK\r\nX: ", b"y"),
        drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        drip(OK + b"\r\n", b"x"),
        drip(OK + b"Connection: close\r\n\r\n", b"x"),
        drip(OK + b"Content-Length: 999\r\n\r\n", b"x"),
        drip(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
)
def test_a_line_that_drips_is_cut_when_the_time_is_over(script):
    with Loopback(script) as server:
        started = time.monotonic()
        with pytest.raises(NoAnswer, match="timeout"):
            ask(server, seconds=1.0)

    assert time.monotonic() - started < 4


def test_nobody_there_is_told_at_once():
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        address = addresses.read(f"http://127.0.0.1:{door.getsockname()[1]}/")

    with pytest.raises(NoAnswer, match="connection"):
        exchange.ask(address, Question(10), seconds=2.0)


def test_a_name_that_is_not_known_is_told(monkeypatch):
    def resolve(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    with pytest.raises(NoAnswer, match="name"):
        exchange.ask(addresses.read("http://nowhere.invalid/"), Question(10), seconds=5.0)


def test_a_server_whose_certificate_nobody_vouches_for_is_not_asked(tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*tls_pair(tmp_path))

    with Loopback(reply(b"list"), tls=context) as server, pytest.raises(NoAnswer, match="tls"):
        ask(server)

    assert server.requests == []


def test_no_proxy_is_taken_from_the_environment(monkeypatch):
    with Loopback(reply(b"of the proxy")) as proxy, Loopback(reply(b"of the service")) as server:
        for variable in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(variable, proxy.url)
        given = ask(server)

    assert given.content == b"of the service"
    assert proxy.requests == []


def test_nothing_new_is_an_answer_only_to_who_asked_for_that():
    with Loopback(reply(status="304 Not Modified", length=None)) as server:
        given = ask(server, Question(10, headers={"If-None-Match": '"1"'}))

    assert given.content is None
    assert server.requests[0].headers["if-none-match"] == '"1"'
