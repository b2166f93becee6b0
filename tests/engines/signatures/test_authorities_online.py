"""The clients of OCSP, lists and time-stamps: whom they ask, what they take, what they keep."""

from __future__ import annotations

import json
import os
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
from forged_messages import NOW, VECTORS
from loopback import Loopback, Request, hang_up, reply, silence
from structlog.testing import capture_logs

from app import config
from app.authorities import addresses
from app.authorities.addresses import BadAddress
from app.authorities.exchange import Patience
from app.authorities.kept_lists import KeptLists
from app.authorities.online import Online, Unavailable
from app.config import BadConfiguration
from app.sandbox.answers import read_inquiry, read_wish
from app.signatures import asn1, certificates, ocsp, revocation
from app.signatures.asn1 import tlv

SHA256 = "2.16.840.1.101.3.4.2.1"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def client(tmp_path):
    def client(*, ocsp: tuple[str, ...] = (), tsp: tuple[str, ...] = (), crl: tuple[str, ...] = (), **how) -> Online:
        settings = config.read(
            {
                "KEZEN_ENV": "test",
                "KEZEN_VAR": str(tmp_path),
                "KEZEN_OCSP_URLS": " ".join(ocsp),
                "KEZEN_TSP_URLS": " ".join(tsp),
                "KEZEN_CRL_URLS": " ".join(crl),
            }
        )
        found = Online.of(settings, tmp_path / "authorities")
        found.patience, found.pauses = Patience(0.5, 0.5), (0.01, 0.01)
        for name, value in how.items():
            setattr(found, name, value)
        return found

    return client


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


# --- addresses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("http://ocsp.pki.gov.kz", "http://ocsp.pki.gov.kz/"),
        ("HTTP://OCSP.PKI.GOV.KZ:80/a?b=c", "http://ocsp.pki.gov.kz/a?b=c"),
        ("https://127.0.0.1:8013/crl/ca.crl", "https://127.0.0.1:8013/crl/ca.crl"),
        ("http://host:443/", "http://host:443/"),
    ],
)
def test_an_address_is_read_into_its_parts(url, read):
    assert str(addresses.read(url)) == read


@pytest.mark.parametrize(
    "url",
    [
        "", "ocsp.pki.gov.kz", "ftp://host/", "file:///etc/passwd", "http://", "http:///path", "http://host:0/",
        "http://host:65536/", "http://user@host/", "http://host@evil/", "http://host\\@evil/", "http://host /",
        "http://host/\r\nX: y", "http://host/#part", "http://хост/", "http://host?query", "http://-host/",
        "ldap://host/cn=ca", "http://[::1]/", "http://host/ы", " http://host/",
    ],
)  # fmt: skip
def test_what_could_be_understood_in_two_ways_is_no_address(url):
    with pytest.raises(BadAddress):
        addresses.read(url)


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("http://ocsp.pki.gov.kz/other", True),
        ("http://OCSP.pki.gov.kz:80", True),
        ("https://ocsp.pki.gov.kz/", False),
        ("http://ocsp.pki.gov.kz:8080/", False),
        ("http://ocsp.pki.gov.kz.evil/", False),
        ("http://127.0.0.1/", False),
        ("http://ocsp.pki.gov.kz@127.0.0.1/", False),
    ],
)
def test_what_a_certificate_names_is_asked_only_at_a_configured_scheme_host_and_port(url, is_allowed):
    configured = (addresses.read("http://ocsp.pki.gov.kz/"),)

    assert bool(addresses.allowed([url], configured)) is is_allowed


def test_a_certificate_of_the_nca_names_its_responder_its_list_and_the_newest_delta():
    der = (VECTORS / "certs-from-p12/keys-test-2022__KEY_INDIVIDUAL_VALID_2015.cer").read_bytes()
    certificate = certificates.read(der)

    assert addresses.responders(certificate) == ("http://test.pki.gov.kz/ocsp/",)
    assert addresses.lists(certificate) == (
        ("http://test.pki.gov.kz/crl/nca_gost2022_test.crl",),
        ("http://test.pki.gov.kz/crl/nca_gost2022_d_test.crl",),
    )


def test_a_certificate_cannot_name_addresses_without_end(world):
    places = [
        x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(f"http://h/{n}"))
        for n in range(50)
    ]
    points = [
        x509.DistributionPoint([x509.UniformResourceIdentifier(f"http://h/{n}")], None, None, None) for n in range(50)
    ]
    extensions = [(x509.AuthorityInformationAccess(places), False), (x509.CRLDistributionPoints(points), False)]
    certificate = read(world.issue(owner="talker", extensions=extensions))

    assert len(addresses.responders(certificate)) == len(addresses.lists(certificate)) == addresses.MOST_NAMED


def test_what_cannot_be_read_names_nothing(world):
    nonsense = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.1"), tlv(0x30, tlv(0x30)))
    certificate = read(world.issue(owner="mumbler", extensions=[(nonsense, False)]))

    assert addresses.responders(certificate) == ()


def test_production_asks_the_nca_and_nobody_else_where_nothing_is_set(tmp_path):
    secret = {"KEZEN_VAR": str(tmp_path), "SECRET_KEY": "x" * 32}

    production = config.read({"KEZEN_ENV": "production", **secret})
    demo = config.read({"KEZEN_ENV": "demo", **secret})
    silenced = config.read({"KEZEN_ENV": "production", "KEZEN_OCSP_URLS": "", **secret})

    assert production.ocsp_urls == ("http://ocsp.pki.gov.kz/",)
    assert production.tsp_urls == ("http://tsp.pki.gov.kz/",)
    assert {str(one) for one in Online.of(production, tmp_path).lists} == {
        "http://crl.pki.gov.kz/", "http://crl1.pki.gov.kz/", "http://crl.root.gov.kz/",
    }  # fmt: skip
    assert demo.ocsp_urls == demo.tsp_urls == demo.crl_urls == silenced.ocsp_urls == ()


def test_an_address_that_will_not_do_stops_the_start(client):
    with pytest.raises(BadConfiguration, match=r"KEZEN_TSP_URLS: 'tsp\.pki\.gov\.kz'"):
        client(tsp=("tsp.pki.gov.kz",))


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
    assert time.monotonic() - started < 1.2


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


# --- lists ------------------------------------------------------------------------------------------


def listing(world, *, at=NOW - HOUR, until=NOW + DAY, issuer=None) -> bytes:
    return forge.revocation_list(issuer or world.ca, this_update=at, next_update=until)


@pytest.fixture
def age(tmp_path):
    """Return what makes all lists kept look as if they had been asked for long ago."""

    def age() -> None:
        for path in (tmp_path / "authorities").iterdir():
            os.utime(path, (1, 1))

    return age


def test_a_list_is_fetched_once_and_kept_for_other_processes(world, client):
    with Loopback(reply(listing(world))) as server:
        address = addresses.read(f"{server.url}/ca.crl")
        got = [client(crl=(server.url,)).revocation_list(address, at=NOW) for _ in range(2)]

    assert got == [listing(world)] * 2
    assert len(server.requests) == 1


def test_a_kept_list_is_asked_for_again_by_its_mark_after_a_while(world, client, age):
    newer = listing(world, at=NOW - timedelta(minutes=1))
    mark = {"ETag": '"7"'}
    with Loopback(reply(listing(world), **mark), reply(status="304 Not Modified"), reply(newer)) as server:
        online, address = client(), addresses.read(f"{server.url}/ca.crl")
        got = [online.revocation_list(address, at=NOW)]
        for _ in range(2):
            age()
            got.append(online.revocation_list(address, at=NOW))
        got.append(online.revocation_list(address, at=NOW))

    assert got == [listing(world), listing(world), newer, newer]
    assert [request.headers.get("if-none-match") for request in server.requests] == [None, '"7"', '"7"']


def test_a_kept_list_is_asked_for_by_its_date_where_it_has_no_mark(world, client, age):
    with Loopback(reply(listing(world), Last_Modified="Fri, 20 Nov 2026 07:01:00 GMT")) as server:
        online, address = client(), addresses.read(f"{server.url}/ca.crl")
        online.revocation_list(address, at=NOW)
        age()
        online.revocation_list(address, at=NOW)

    assert server.requests[1].headers["if-modified-since"] == "Fri, 20 Nov 2026 07:01:00 GMT"


@pytest.mark.parametrize("later", [DAY - timedelta(minutes=4), DAY + HOUR, -2 * HOUR])
def test_a_kept_list_about_to_end_or_from_later_is_fetched_anew_whatever_its_mark(world, client, later):
    with Loopback(reply(listing(world), ETag='"7"')) as server:
        online, address = client(), addresses.read(f"{server.url}/ca.crl")
        online.revocation_list(address, at=NOW)
        online.revocation_list(address, at=NOW + later)

    assert [request.headers.get("if-none-match") for request in server.requests] == [None, None]


def test_a_kept_list_serves_on_while_its_address_does_not_answer(world, client, age):
    with Loopback(reply(listing(world)), hang_up) as server:
        online, address = client(), addresses.read(f"{server.url}/ca.crl")
        online.revocation_list(address, at=NOW)
        age()
        again = online.revocation_list(address, at=NOW)
        ended = online.revocation_list(address, at=NOW + 2 * DAY)

    assert again == listing(world)
    assert isinstance(ended, Unavailable)


REFUSED_LISTS = {
    "older than the kept one": (lambda w: listing(w, at=NOW - 2 * HOUR), "older"),
    "signed by another": (lambda w: listing(w, issuer=forge.authority("VECTOR ISSUING CA TEST", "liar", None)),
                          "signature"),
    "of another authority": (lambda w: listing(w, issuer=forge.authority("ELSE", "else", None)), "signature"),
    "no list": (lambda w: w.head.der, "malformed"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED_LISTS)
def test_a_list_that_is_worse_than_the_kept_one_does_not_push_it_out(kind, world, client, age):
    make, why = REFUSED_LISTS[kind]
    with Loopback(reply(listing(world)), reply(make(world))) as server, capture_logs() as said:
        online, address = client(), addresses.read(f"{server.url}/ca.crl")
        online.revocation_list(address, at=NOW, signers=[read(world.ca)])
        age()
        again = online.revocation_list(address, at=NOW, signers=[read(world.ca)])

    assert again == listing(world)
    assert [line["why"] for line in said] == [why]
    assert KeptLists(online.kept.folder).get(address).revoked.der == listing(world)


@pytest.mark.parametrize("damage", [b"", b"{}\n", b"not json\n\x30\x00", b'{"etag":"","last_modified":""}\n\x30\x00'])
def test_a_kept_file_that_is_damaged_is_fetched_anew(damage, world, client):
    with Loopback(reply(listing(world))) as server:
        online, address = client(), addresses.read(f"{server.url}/ca.crl")
        online.revocation_list(address, at=NOW)
        (file,) = online.kept.folder.iterdir()
        file.write_bytes(damage)

        assert online.revocation_list(address, at=NOW) == listing(world)

    assert len(server.requests) == 2


def test_a_folder_that_cannot_be_written_keeps_nothing_and_harms_nothing(world, client, tmp_path):
    (tmp_path / "authorities").write_text("a file in the way")
    with Loopback(reply(listing(world))) as server:
        got = client().revocation_list(addresses.read(server.url), at=NOW)

    assert got == listing(world)


def test_the_list_and_the_delta_that_a_certificate_names_are_fetched_at_the_first_address_that_answers(world, client):
    with Loopback(reply(status="404 Not Found"), reply(listing(world)), reply(b"delta")) as server:
        urls = [x509.UniformResourceIdentifier(f"{server.url}/{name}") for name in ("gone.crl", "ca.crl", "same.crl")]
        newest = [x509.UniformResourceIdentifier(f"{server.url}/delta.crl")]
        holder = world.issue(
            owner="listed",
            extensions=[
                (x509.CRLDistributionPoints([x509.DistributionPoint(urls, None, None, None)]), False),
                (x509.FreshestCRL([x509.DistributionPoint(newest, None, None, None)]), False),
            ],
        )
        lists, missing = client(crl=(server.url,)).lists_for(read(holder), at=NOW)

    assert [request.line.split()[1] for request in server.requests] == ["/gone.crl", "/ca.crl", "/delta.crl"]
    assert lists == (listing(world),)
    assert [one.why for one in missing] == ["status 404", "malformed"]


def test_a_certificate_that_names_no_list_has_that_of_its_issuer_among_the_configured(world, client):
    of_root, of_ca = listing(world, issuer=world.root), listing(world)
    by_path = {"/root.crl": of_root, "/ca.crl": of_ca}
    with Loopback(reply(lambda request: by_path[request.line.split()[1]])) as server:
        online = client(crl=(server.url, *(server.url + path for path in by_path)))
        first = online.lists_for(read(world.head), at=NOW)
        online.again_after = timedelta()
        second = online.lists_for(read(world.head), at=NOW)

    assert first == second == ((of_ca,), ())
    # The second time it is known that the other list is the root's.
    assert [request.line.split()[1] for request in server.requests] == ["/root.crl", "/ca.crl", "/ca.crl"]


def test_a_list_larger_than_any_is_not_read(world, client, monkeypatch):
    monkeypatch.setattr(revocation, "LARGEST_LIST", 100)
    with Loopback(reply(listing(world))) as server:
        got = client().revocation_list(addresses.read(server.url), at=NOW)

    assert got.why == "too_large"


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
