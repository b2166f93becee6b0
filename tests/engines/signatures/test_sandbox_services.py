"""The sandbox authority's services: what they say, to our own verifier and to OpenSSL."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import forged_messages as forge
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.sandbox.people import Person
from app.sandbox.pki import ISSUERS
from app.sandbox.services import Authority, Behaviour, Services
from app.signatures import certificates, ocsp, revocation, timestamps
from app.signatures.ocsp import State
from app.signatures.policy import STRICT

DAY = timedelta(days=1)
SHA256, STREEBOG_512 = "2.16.840.1.101.3.4.2.1", "1.2.398.3.10.1.3.3"
HEAD = Person("АХМЕТОВ ДАРХАН", forge.IIN, forge.BIN, "АҚ", ("first_head",))
openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


@dataclass
class Clock:
    at: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def authority(sandbox, clock) -> Authority:
    return Authority(sandbox, clock)


def read(certificate: x509.Certificate) -> certificates.Certificate:
    return certificates.read(certificate.public_bytes(Encoding.DER))


def said(authority: Authority, certificate: x509.Certificate, issuer: x509.Certificate, **how) -> ocsp.Finding:
    question = ocsp.request(read(certificate), read(issuer), b"12345678")
    at = how.pop("at", authority.now())
    return ocsp.judge(authority.ocsp(question), read(certificate), read(issuer), at=at, nonce=b"12345678", **how)


# --- OCSP -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gost", [False, True])
def test_a_certificate_that_was_issued_is_good(gost, sandbox, authority, clock):
    key = sandbox.key_for("clerk", gost=gost)

    found = said(authority, key.certificate, *key.chain)

    assert (found.state, found.this_update) == (State.GOOD, clock.at)


@pytest.mark.parametrize("name", ["ca", "gost_ca"])
def test_an_issuing_ca_is_good_by_its_root(name, sandbox, authority):
    root = sandbox.issuer(name.replace("ca", "root")).certificate

    assert said(authority, sandbox.issuer(name).certificate, root).state is State.GOOD


@pytest.mark.parametrize("gost", [False, True])
def test_a_certificate_never_issued_is_answered_as_the_nca_answers(gost, sandbox, authority):
    key = sandbox.issue(HEAD, gost=gost, is_noted=False)

    assert said(authority, key.certificate, *key.chain).state is State.NOT_ISSUED


@pytest.mark.parametrize("reason", [x509.ReasonFlags.key_compromise, x509.ReasonFlags.certificate_hold])
@pytest.mark.parametrize("gost", [False, True])
def test_what_is_revoked_shows_in_the_next_answer_and_in_the_next_list(gost, reason, pki, clock):
    authority, key = Authority(pki, clock), pki.key_for("clerk", gost=gost)
    name, (issuer,) = "gost_ca" if gost else "ca", key.chain
    before = authority.revocation_list(name)

    pki.revoke("clerk", at=clock.at, reason=reason, gost=gost)

    found = said(authority, key.certificate, issuer).revocation
    assert (found.since, found.reason) == (clock.at, reason.value)
    assert revocation.entry(revocation.read(before), key.certificate.serial_number) is None
    after = revocation.read(authority.revocation_list(name))
    assert revocation.entry(after, key.certificate.serial_number) == found
    assert after.is_signed_by(read(issuer))


def test_revoking_twice_leaves_one_entry(pki, clock):
    for reason in (x509.ReasonFlags.certificate_hold, x509.ReasonFlags.superseded):
        pki.revoke("clerk", at=clock.at, reason=reason)

    assert [one.reason for one in pki.revoked("ca")] == [x509.ReasonFlags.superseded]


def test_the_answer_is_a_delegated_responder_s_and_its_certificate_stays_the_same(sandbox, authority, clock):
    key = sandbox.key_for("clerk")
    answers = [
        ocsp.read(one.ocsp(ocsp.request(read(key.certificate), read(key.chain[0]), None)))
        for one in (authority, Authority(sandbox, clock))
    ]

    first, second = (x509.load_der_x509_certificate(answer.certificates[0]) for answer in answers)
    assert first == second
    assert first.extensions.get_extension_for_class(x509.OCSPNoCheck)
    assert [usage.dotted_string for usage in first.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value] == [
        "1.3.6.1.5.5.7.3.9"
    ]


def test_the_services_own_certificates_are_good(sandbox, authority):
    for policy in ("1.2.398.3.3.2.6.2", "1.2.398.3.3.2.6.4"):
        token = timestamps.read(timestamps.token_in(authority.timestamp(_wish(policy=policy))))
        certificate = certificates.read(token.message.certificates[0])
        issuer = read(sandbox.issuer("ca" if policy.endswith("2") else "gost_ca").certificate)
        found = ocsp.judge(authority.ocsp(ocsp.request(certificate, issuer)), certificate, issuer, at=authority.now())

        assert found.state is State.GOOD


def test_another_authority_s_certificate_is_none_of_its_business(world, authority):
    question = ocsp.request(certificates.read(world.head.der), certificates.read(world.ca.der))

    assert ocsp.read(authority.ocsp(question)).status == "unauthorized"


@pytest.mark.parametrize("question", [b"", b"\x30\x00", b"\x30\x80" * 50, b"GET / HTTP/1.1", bytes(64 * 1024)])
def test_a_question_that_cannot_be_read_is_answered_with_a_status(question, authority):
    assert ocsp.read(authority.ocsp(question)).status == "malformedRequest"
    with pytest.raises(timestamps.Refused):
        timestamps.token_in(authority.timestamp(question))


@pytest.fixture(scope="module")
def questions(sandbox) -> list[bytes]:
    key = sandbox.key_for("clerk", gost=True)
    return [ocsp.request(read(key.certificate), read(key.chain[0]), b"12345678"), _wish(policy="1.2.398.3.3.2.6.4")]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 400), octet=st.integers(0, 255), is_inserted=st.booleans())
def test_a_question_changed_anywhere_is_answered_all_the_same(at, octet, is_inserted, questions, authority):
    for question in questions:
        place = at % len(question)
        changed = question[:place] + bytes((octet,)) + question[place + (not is_inserted) :]

        ocsp.read(authority.ocsp(changed))
        with contextlib.suppress(timestamps.Refused):
            timestamps.read(timestamps.token_in(authority.timestamp(changed)))


def test_the_clock_is_the_demo_s(sandbox, authority, clock):
    key = sandbox.key_for("clerk")
    clock.at += 30 * DAY

    assert said(authority, key.certificate, *key.chain).state is State.GOOD
    assert revocation.read(authority.revocation_list("ca")).this_update == clock.at
    assert timestamps.read(timestamps.token_in(authority.timestamp(_wish()))).at == clock.at


# --- lists ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ISSUERS)
def test_a_list_serves_for_a_day_and_lasts_for_seven(name, sandbox, authority, clock):
    first = revocation.read(authority.revocation_list(name))
    clock.at += DAY / 2
    same = revocation.read(authority.revocation_list(name))
    clock.at += DAY
    newer = revocation.read(authority.revocation_list(name))
    clock.at -= 20 * DAY
    put_right = revocation.read(authority.revocation_list(name))

    assert first.is_signed_by(read(sandbox.issuer(name).certificate))
    assert first.next_update - first.this_update == timedelta(days=7)
    assert same is first
    assert newer.this_update == first.this_update + 1.5 * DAY
    assert newer.number > first.number
    assert put_right.this_update == clock.at


def test_there_is_no_list_of_anybody_else(authority):
    assert authority.revocation_list("nca_test") is None


# --- time-stamps ------------------------------------------------------------------------------------


def _wish(value: bytes = b"value", *, digest: str = SHA256, nonce: int | None = 7, policy: str | None = None) -> bytes:
    compute = hashlib.sha256 if digest == SHA256 else hashlib.sha1
    return timestamps.request(compute(value).digest(), digest=digest, nonce=nonce, policy=policy)


@pytest.mark.parametrize(
    ("policy", "given", "who"),
    [
        (None, "1.2.398.3.3.2.6.2", "(CA)"),
        ("1.2.398.3.3.2.6.2", "1.2.398.3.3.2.6.2", "(CA)"),
        ("1.2.398.3.3.2.6.4", "1.2.398.3.3.2.6.4", "(GOST_CA)"),
    ],
)
def test_a_token_proves_its_time(policy, given, who, sandbox, authority, clock):
    token = timestamps.token_in(authority.timestamp(_wish(policy=policy)))

    judged = timestamps.judge(token, b"value", store=sandbox.trust_store(), at=clock.at, policy=STRICT, nonce=7)

    assert judged.faults == judged.notes == ()
    assert (judged.stamp.at, judged.stamp.policy) == (clock.at, given)
    assert who in judged.stamp.authority


def test_a_gost_digest_is_stamped_with_the_gost_key(sandbox, authority, clock):
    imprint = timestamps.algorithms.digest(STREEBOG_512).compute(b"value")
    token = timestamps.token_in(authority.timestamp(timestamps.request(imprint, digest=STREEBOG_512)))

    judged = timestamps.judge(token, b"value", store=sandbox.trust_store(), at=clock.at, policy=STRICT)

    assert judged.stamp.policy == "1.2.398.3.3.2.6.4"


@pytest.mark.parametrize(
    "wish",
    [
        _wish(digest="1.3.14.3.2.26"),
        timestamps.request(b"short", digest=SHA256),
        _wish(policy="1.2.3.4"),
    ],
    ids=["a weak digest", "a digest of another length", "a policy of nobody's"],
)
def test_a_token_is_refused(wish, authority):
    with pytest.raises(timestamps.Refused):
        timestamps.token_in(authority.timestamp(wish))


# --- on the network ---------------------------------------------------------------------------------


@pytest.fixture
def serve(pki, clock):
    running: list[Services] = []

    def serve(behaviour: Behaviour = Behaviour.OK) -> Services:
        found = Services(Authority(pki, clock, behaviour=behaviour), port=0, slow_seconds=0.3)
        running.append(found)
        threading.Thread(target=found.run, daemon=True).start()
        return found

    yield serve
    for found in running:
        found.close()


def fetch(services: Services, path: str, body: bytes | None = None, **headers: str) -> http.client.HTTPResponse:
    line = http.client.HTTPConnection("127.0.0.1", services.port, timeout=5)
    line.request("GET" if body is None else "POST", path, body=body, headers=headers)
    return line.getresponse()


def test_the_three_services_answer_at_the_addresses_that_are_told(pki, serve):
    services, key = serve(), pki.key_for("clerk")
    question = ocsp.request(read(key.certificate), read(key.chain[0]))

    told = services.environ
    assert told["KEZEN_OCSP_URLS"] == f"{services.url}/ocsp"
    assert len(told["KEZEN_CRL_URLS"].split()) == len(ISSUERS)
    posted, got = fetch(services, "/ocsp", question), fetch(services, f"/ocsp/{quote(base64.b64encode(question), '')}")
    for answer in (posted, got):
        assert answer.headers["Content-Type"] == "application/ocsp-response"
        assert (
            ocsp.judge(answer.read(), read(key.certificate), read(key.chain[0]), at=datetime.now(UTC)).state == "GOOD"
        )
    stamped = fetch(services, "/tsp", _wish())
    assert stamped.headers["Content-Type"] == "application/timestamp-reply"
    assert timestamps.token_in(stamped.read())


def test_a_list_that_has_not_changed_is_not_sent_again(serve):
    services = serve()
    first = fetch(services, "/crl/ca.crl")

    again = fetch(services, "/crl/ca.crl", **{"If-None-Match": first.headers["ETag"]})

    assert (first.status, first.headers["Content-Type"]) == (200, "application/pkix-crl")
    assert (again.status, again.read()) == (304, b"")


@pytest.mark.parametrize(
    "path", ["/", "/crl/", "/crl/nca_test.crl", "/crl/../private/ca.pem", "/private/ca.pem", "/ca"]
)
def test_nothing_else_lies_there(path, serve):
    assert fetch(serve(), path).status == 404


def test_a_question_too_large_is_not_read(serve):
    assert fetch(serve(), "/ocsp", bytes(64 * 1024 + 1)).status == 413


def test_only_this_machine_is_served(serve):
    assert serve()._server.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize(
    ("behaviour", "state", "why"),
    [
        (Behaviour.TRY_LATER, State.UNAVAILABLE, "tryLater"),
        (Behaviour.WRONG_NONCE, State.REFUSED, "nonce"),
        (Behaviour.STALE, State.REFUSED, "stale"),
        (Behaviour.UNKNOWN, State.UNKNOWN, ""),
    ],
)
def test_a_responder_can_misbehave(behaviour, state, why, sandbox, clock):
    key = sandbox.key_for("clerk")

    found = said(Authority(sandbox, clock, behaviour=behaviour), key.certificate, *key.chain)

    assert (found.state, found.why) == (state, why)


def test_a_list_can_be_stale_and_a_token_s_nonce_wrong(sandbox, clock):
    stale = revocation.read(Authority(sandbox, clock, behaviour=Behaviour.STALE).revocation_list("ca"))
    token = Authority(sandbox, clock, behaviour=Behaviour.WRONG_NONCE).timestamp(_wish(nonce=7))

    assert stale.next_update < clock.at
    assert timestamps.read(timestamps.token_in(token)).nonce != 7


def test_services_that_are_down_cut_the_line_slow_ones_take_their_time_busy_ones_say_so(serve):
    with pytest.raises((http.client.HTTPException, OSError)):
        fetch(serve(Behaviour.DOWN), "/crl/ca.crl")
    started = time.monotonic()
    assert fetch(serve(Behaviour.SLOW), "/tsp", _wish()).status == 200
    assert time.monotonic() - started >= 0.3
    busy = serve(Behaviour.TRY_LATER)
    assert fetch(busy, "/crl/ca.crl").status == fetch(busy, "/tsp", _wish()).status == 503


# --- to another's eyes ------------------------------------------------------------------------------


@openssl
def test_openssl_believes_the_answers_and_the_tokens(pki, serve, tmp_path):
    services = serve()
    ca, root = pki.issuer("ca").certificate, pki.issuer("root").certificate
    head, clerk = pki.key_for("first_head").certificate, pki.key_for("clerk").certificate
    stranger = pki.issue(HEAD, is_noted=False).certificate
    pki.revoke("clerk", reason=x509.ReasonFlags.key_compromise)
    for name, one in {"ca": ca, "root": root, "head": head, "clerk": clerk, "stranger": stranger}.items():
        (tmp_path / f"{name}.pem").write_bytes(one.public_bytes(Encoding.PEM))

    def call(*words: str) -> str:
        done = subprocess.run(["openssl", *words], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def asked(name: str, issuer: str = "ca") -> str:
        return call(
            "ocsp", "-issuer", f"{issuer}.pem", "-cert", f"{name}.pem", "-url", f"{services.url}/ocsp",
            "-CAfile", "root.pem", "-verify_other", "ca.pem", "-timeout", "10",
        )  # fmt: skip

    for name, word in {"head": "good", "clerk": "revoked", "stranger": "revoked"}.items():
        assert f"{name}.pem: {word}" in asked(name)
        assert "Response verify OK" in asked(name)
    assert "keyCompromise" in asked("clerk")
    assert "Jan  1 00:00:00 1970" in asked("stranger")
    assert "ca.pem: good" in asked("ca", "root")

    (tmp_path / "document").write_bytes(b"document")
    call("ts", "-query", "-data", "document", "-sha256", "-cert", "-out", "query")
    (tmp_path / "reply").write_bytes(fetch(services, "/tsp", (tmp_path / "query").read_bytes()).read())
    told = call("ts", "-verify", "-queryfile", "query", "-in", "reply", "-CAfile", "root.pem", "-untrusted", "ca.pem")
    assert "Verification: OK" in told

    (tmp_path / "ca.crl").write_bytes(fetch(services, "/crl/ca.crl").read())
    assert "verify OK" in call("crl", "-inform", "DER", "-in", "ca.crl", "-CAfile", "ca.pem", "-noout")
