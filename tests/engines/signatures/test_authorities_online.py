"""The clients of OCSP and time-stamps: whom they ask, and what they take."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import forged_answers as answers
import forged_messages as forge
import forged_tokens as tokens
import pytest
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID
from forged_messages import NOW
from loopback import Loopback, Request, hang_up, reply, silence
from structlog.testing import capture_logs

from app.authorities.exchange import Patience
from app.authorities.online import Unavailable
from app.sandbox.answers import read_inquiry, read_wish
from app.signatures import asn1, certificates, ocsp
from app.signatures.asn1 import tlv

SHA256 = "2.16.840.1.101.3.4.2.1"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def read(holder: forge.Holder) -> certificates.Certificate:
    return certificates.read(holder.der)


def good(world, holder: forge.Holder | None = None, *, with_nonce: bool = True, **how) -> Callable[[Request], bytes]:
    """Return what makes a right answer of the CA itself to the question that came."""

    def answer(request: Request) -> bytes:
        inquiry = read_inquiry(request.body)
        value = inquiry.nonce if with_nonce else None
        extensions = [answers.extension("1.3.6.1.5.5.7.48.1.2", value)] if value is not None else []
        about = answers.named(holder or world.head, world.ca)
        return answers.answer([answers.single(about, **how)], world.ca, enclosed=(), extensions=extensions)

    return answer


# --- OCSP -------------------------------------------------------------------------------------------


def test_an_answer_is_given_back_as_it_came_with_the_nonce_that_was_sent(world, client):
    with Loopback(reply(good(world), Content_Type="application/ocsp-response")) as server:
        got = client(ocsp=(server.url,)).ocsp_answer(read(world.head), read(world.ca), at=NOW)

    (request,) = server.requests
    sent = read_inquiry(request.body).nonce
    assert len(asn1.parse(sent).content) == 8
    assert ocsp.read(got).nonce == sent
    assert ocsp.judge(got, read(world.head), read(world.ca), at=NOW).state is ocsp.State.GOOD
    assert request.headers["content-type"] == "application/ocsp-request"


def test_every_question_has_a_nonce_of_its_own(world, client):
    with Loopback(reply(good(world))) as server:
        online = client(ocsp=(server.url,))
        for _ in range(2):
            online.ocsp_answer(read(world.head), read(world.ca), at=NOW)

    first, second = (read_inquiry(request.body).nonce for request in server.requests)
    assert first != second


NO_ANSWERS = {
    "another nonce": (lambda w: reply(lambda r: answers.answer(
        [answers.single(answers.named(w.head, w.ca))], w.ca, extensions=[answers.nonce(b"8 octets")])), "nonce", 1),
    "no nonce": (lambda w: reply(good(w, with_nonce=False)), "nonce", 1),
    "no answer by the responder's word": (lambda w: reply(answers.response(None, 6)), "unauthorized", 1),
    "try later": (lambda w: reply(answers.response(None, 3)), "tryLater", 3),
    "out of order": (lambda w: reply(status="503 Service Unavailable"), "status 503", 3),
    "garbage": (lambda w: reply(b"\x30\x80" * 900), "malformed", 1),
    "a redirect": (lambda w: reply(status="301 Moved", Location="http://127.0.0.1:9/"), "redirect", 1),
    "an answer too large": (lambda w: reply(b"\0" * 70_000), "too_large", 1),
    "cut off": (lambda w: hang_up, "connection", 3),
}  # fmt: skip


@pytest.mark.parametrize("kind", NO_ANSWERS)
def test_no_answer_is_a_state_with_a_word_why_and_passing_troubles_are_tried_again(kind, world, client):
    script, why, tries = NO_ANSWERS[kind]

    with Loopback(script(world)) as server:
        got = client(ocsp=(server.url,)).ocsp_answer(read(world.head), read(world.ca), at=NOW)

    assert got == Unavailable("ocsp", "127.0.0.1", why)
    assert len(server.requests) == tries


def test_a_responder_that_comes_back_is_heard(world, client):
    with Loopback(reply(status="500 Oops"), reply(answers.response(None, 3)), reply(good(world))) as server:
        got = client(ocsp=(server.url,)).ocsp_answer(read(world.head), read(world.ca), at=NOW)

    assert isinstance(got, bytes)
    assert len(server.requests) == 3


def test_the_next_responder_is_asked_when_the_first_has_no_word_on_the_certificate(world, client):
    other = world.issue(owner="other")
    with Loopback(reply(good(world, other))) as wrong, Loopback(reply(good(world))) as right:
        got = client(ocsp=(wrong.url, right.url)).ocsp_answer(read(world.head), read(world.ca), at=NOW)

    assert ocsp.judge(got, read(world.head), read(world.ca), at=NOW).state is ocsp.State.GOOD
    assert len(wrong.requests) == len(right.requests) == 1


def test_an_answer_that_may_not_be_relied_upon_is_given_back_when_there_is_no_better_one(world, client):
    with Loopback(reply(good(world, this_update=NOW - DAY))) as late, Loopback(hang_up) as gone:
        got = client(ocsp=(late.url, gone.url)).ocsp_answer(read(world.head), read(world.ca), at=NOW)

    assert ocsp.judge(got, read(world.head), read(world.ca), at=NOW).why == "stale"


def naming(world, *urls: str) -> forge.Holder:
    places = [
        x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(url)) for url in urls
    ]
    points = [x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None) for url in urls]
    extensions = [(x509.AuthorityInformationAccess(places), False), (x509.CRLDistributionPoints(points), False)]
    return world.issue(owner="namer", extensions=extensions)


def test_a_host_that_only_a_certificate_names_is_never_asked(world, client):
    with Loopback(reply(b"secret")) as inner, Loopback(reply(status="404 Not Found")) as server:
        holder = read(naming(world, f"{inner.url}/admin", f"{server.url}@127.0.0.1:{inner.port}/"))
        online = client(ocsp=(server.url,), crl=(f"{server.url}/ca.crl",))
        online.ocsp_answer(holder, read(world.ca), at=NOW)
        online.lists_for(holder, at=NOW)

    assert inner.requests == []
    assert [request.line.split()[0] for request in server.requests] == ["POST", "GET"]


def test_the_responder_that_the_certificate_names_goes_first_where_it_is_configured(world, client):
    with Loopback(reply(status="404 Not Found")) as first, Loopback(reply(status="404 Not Found")) as named:
        holder = read(naming(world, f"{named.url}/own"))
        client(ocsp=(first.url, named.url)).ocsp_answer(holder, read(world.ca), at=NOW)

    assert [request.line for request in named.requests] == ["POST /own HTTP/1.1", "POST / HTTP/1.1"]
    assert len(first.requests) == 1


def test_an_address_that_gave_no_answer_rests_for_a_while(world, client):
    with Loopback(hang_up, hang_up, hang_up, reply(good(world))) as server:
        online = client(ocsp=(server.url,), rest=0.3)
        said = [online.ocsp_answer(read(world.head), read(world.ca), at=NOW) for _ in range(2)]
        time.sleep(0.35)
        after = online.ocsp_answer(read(world.head), read(world.ca), at=NOW)

    assert [one.why for one in said] == ["connection", "resting"]
    assert isinstance(after, bytes)
    assert len(server.requests) == 4


def test_a_responder_that_refuses_one_question_is_asked_the_next(world, client):
    with Loopback(reply(answers.response(None, 6)), reply(good(world))) as server:
        online = client(ocsp=(server.url,))
        online.ocsp_answer(read(world.ca), read(world.root), at=NOW)

        assert isinstance(online.ocsp_answer(read(world.head), read(world.ca), at=NOW), bytes)


def test_silence_ends_with_the_time_that_was_given(world, client):
    with Loopback(silence) as server:
        started = time.monotonic()
        got = client(ocsp=(server.url,), patience=Patience(5, 5)).ocsp_answer(
            read(world.head), read(world.ca), at=NOW, seconds=0.6
        )

    assert got.why == "timeout"
    assert time.monotonic() - started < 4


def test_without_a_responder_there_is_nothing_to_ask(world, client):
    assert client().ocsp_answer(read(world.head), read(world.ca), at=NOW).why == "not_configured"
    assert client().timestamp(b"value", digest=SHA256).why == "not_configured"
    assert client().lists_for(read(world.head), at=NOW) == ((), ())


def test_the_log_tells_the_trouble_and_nobody_s_number(world, client):
    with Loopback(hang_up) as server, capture_logs() as said:
        client(ocsp=(server.url,)).ocsp_answer(read(world.head), read(world.ca), at=NOW)

    (line,) = said
    assert (line["event"], line["service"], line["host"], line["why"]) == (
        "authority_unavailable", "ocsp", "127.0.0.1", "connection",
    )  # fmt: skip
    written = json.dumps(said)
    for number in (forge.IIN, forge.BIN, f"{world.head.certificate.serial_number:x}"):
        assert number not in written


def test_threads_ask_at_once_without_meeting(world, client):
    with Loopback(reply(good(world))) as server:
        online = client(ocsp=(server.url,))
        got: list[object] = []
        threads = [
            threading.Thread(target=lambda: got.append(online.ocsp_answer(read(world.head), read(world.ca), at=NOW)))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(got) == 8
    assert all(isinstance(one, bytes) for one in got)


# --- time-stamps ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tsa(world):
    return tokens.authority(world.ca)


def stamping(tsa, *, nonce: int | None = None, stamped: bytes = b"value") -> Callable[[Request], bytes]:
    def answer(request: Request) -> bytes:
        wish = read_wish(request.body)
        given = wish.nonce if nonce is None else nonce
        token = tokens.token(stamped, tsa, more=asn1.integer(given))
        return tlv(0x30, tlv(0x30, asn1.integer(0)), token)

    return answer


def test_a_token_is_over_what_was_sent(client, tsa):
    with Loopback(reply(stamping(tsa), Content_Type="application/timestamp-reply")) as server:
        got = client(tsp=(server.url,)).timestamp(b"value", digest=SHA256, policy=tokens.POLICY)

    assert isinstance(got, bytes)
    wish = read_wish(server.requests[0].body)
    assert (wish.digest, wish.policy, wish.wants_certificate) == (SHA256, tokens.POLICY, True)


NO_TOKENS = {
    "of another time": (lambda t: stamping(t, nonce=5), "nonce"),
    "of another value": (lambda t: stamping(t, stamped=b"other"), "imprint"),
    "refused": (lambda t: tlv(0x30, tlv(0x30, asn1.integer(2))), "refused"),
    "granted without one": (lambda t: tlv(0x30, tlv(0x30, asn1.integer(0))), "malformed"),
    "something else": (lambda t: tlv(0x30, tlv(0x30, asn1.integer(0)), t.der), "malformed"),
    "garbage": (lambda t: b"\xff" * 100, "malformed"),
}


@pytest.mark.parametrize("kind", NO_TOKENS)
def test_what_is_no_token_over_what_was_sent_is_not_taken(kind, client, tsa):
    make, why = NO_TOKENS[kind]

    with Loopback(reply(make(tsa))) as server:
        got = client(tsp=(server.url,)).timestamp(b"value", digest=SHA256)

    assert got == Unavailable("timestamp", "127.0.0.1", why)


def test_the_next_authority_is_asked_when_the_first_gives_no_token(client, tsa):
    with Loopback(hang_up) as gone, Loopback(reply(stamping(tsa))) as server:
        got = client(tsp=(gone.url, server.url)).timestamp(b"value", digest=SHA256)

    assert isinstance(got, bytes)
