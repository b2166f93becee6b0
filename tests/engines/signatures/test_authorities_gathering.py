"""The whole judgement with fresh evidence: who is asked for what, and what comes of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import forged_messages as forge
import pytest
from cryptography import x509
from loopback import Loopback, reply, silence

from app.authorities.exchange import Patience
from app.authorities.gathering import gather, judged
from app.authorities.online import Online, Unavailable
from app.sandbox import answers as sandbox_answers
from app.sandbox import signing
from app.sandbox.pki import SandboxPki, sign_with
from app.sandbox.services import Authority, Behaviour, Services
from app.signatures import asn1, cms, policy
from app.signatures.asn1 import tlv
from app.signatures.evidence import evidence_store
from app.signatures.policy import STRICT, Sources
from app.signatures.report import SignatureReport, Verdict
from app.signatures.trust import TrustStore
from app.signatures.verify import verify

DOCUMENT = b"%PDF-1.7 the application"
DAY = timedelta(days=1)
OCSP_ONLY, LIST_ONLY, BOTH = (
    replace(STRICT, revocation=one, revocation_wanted=one) for one in (Sources.OCSP, Sources.CRL, Sources.BOTH)
)


@pytest.fixture
def bare(pki) -> TrustStore:
    """Trust without lists: whatever is known of revocation comes over the network."""
    return replace(pki.trust_store(), lists=())


@pytest.fixture
def asked() -> list[str]:
    """What the services were asked, in words."""
    return []


@pytest.fixture
def online(pki, client, asked):
    """Return what starts the services, well-behaved or not, and their clients."""
    running: list[Services] = []

    class Overheard(Authority):
        def ocsp(self, question: bytes) -> bytes:
            asked.append("ocsp")
            return super().ocsp(question)

        def revocation_list(self, name: str) -> bytes | None:
            asked.append(name)
            return super().revocation_list(name)

    def online(behaviour: Behaviour = Behaviour.OK, *, lists: bool = True, **how) -> Online:
        authority = Overheard(pki, lambda: datetime.now(UTC), behaviour=behaviour)
        services = Services(authority, port=0, slow_seconds=5)
        running.append(services)
        threading.Thread(target=services.run, daemon=True).start()
        told = {name[6:10].lower().strip("_"): urls.split() for name, urls in services.environ.items()}
        crl = tuple(told["crl"]) if lists else ()
        if behaviour is Behaviour.SLOW:
            how["patience"] = Patience(2.0, 0.3)
        return client(ocsp=tuple(told["ocsp"]), tsp=tuple(told["tsp"]), crl=crl, **how)

    yield online
    for services in running:
        services.close()


def judge(message: bytes, trust: TrustStore, online: Online | None, **how) -> SignatureReport:
    return judged(message, **({"at": datetime.now(UTC), "trust": trust, "policy": STRICT} | how), online=online)


# --- what comes of it -------------------------------------------------------------------------------


@pytest.mark.parametrize("gost", [False, True])
def test_a_good_signature_is_valid_by_a_fresh_answer_which_is_kept_as_evidence(gost, pki, bare, online, asked):
    message = pki.sign("first_head", DOCUMENT, attached=True, gost=gost)
    now = datetime.now(UTC)

    report = judge(message, bare, online(), at=now)

    assert (report.verdict, report.notes) == (Verdict.VALID, ())
    (signer,) = report.signers
    assert [one.kind for one in signer.evidence] == ["certificate", "certificate", "certificate", "ocsp", "list"]
    assert asked.count("ocsp") == 1
    again = verify(message, at=now, trust=evidence_store(signer.evidence, bare.anchors, environment="test"))
    assert again.verdict is Verdict.VALID


def test_without_the_network_only_the_store_counts(pki, bare):
    message = pki.sign("first_head", DOCUMENT, attached=True)

    assert judge(message, bare, None).reasons == ("revocation_unknown",)
    assert judge(message, pki.trust_store(), None).verdict is Verdict.VALID


@pytest.mark.parametrize("gost", [False, True])
@pytest.mark.parametrize("rules", [STRICT, OCSP_ONLY, LIST_ONLY, BOTH], ids=["either", "ocsp", "list", "both"])
def test_what_was_revoked_after_the_store_was_read_is_refused_at_once(rules, gost, pki, online):
    at_start, message = pki.trust_store(), pki.sign("first_head", DOCUMENT, attached=True, gost=gost)
    services = online(again_after=timedelta())
    assert judge(message, at_start, services, policy=rules).verdict is Verdict.VALID

    pki.revoke("first_head", at=datetime.now(UTC) - timedelta(minutes=1), gost=gost)

    report = judge(message, at_start, services, policy=rules)
    assert report.reasons == ("revoked",)
    assert report.signers[0].revoked_at is not None


def make_hold(pki: SandboxPki) -> bytes:
    pki.revoke("clerk", at=datetime.now(UTC) - DAY, reason=x509.ReasonFlags.certificate_hold)
    return pki.sign("clerk", DOCUMENT, attached=True)


def make_not_issued(pki: SandboxPki) -> bytes:
    key = pki.issue(pki.accounts()["clerk"], is_noted=False)
    return sign_with(key, DOCUMENT, attached=True)


def make_good(pki: SandboxPki) -> bytes:
    return pki.sign("clerk", DOCUMENT, attached=True)


@pytest.mark.parametrize(
    ("make", "behaviour", "reasons"),
    [
        (make_hold, Behaviour.OK, ("revoked",)),
        (make_not_issued, Behaviour.OK, ("not_issued",)),
        (make_good, Behaviour.UNKNOWN, ("status_unknown",)),
        (make_good, Behaviour.STALE, ("revocation_stale",)),
        (make_good, Behaviour.WRONG_NONCE, ("revocation_unavailable",)),
        (make_good, Behaviour.TRY_LATER, ("revocation_unavailable",)),
        (make_good, Behaviour.DOWN, ("revocation_unavailable",)),
        (make_good, Behaviour.SLOW, ("revocation_unavailable",)),
    ],
)
def test_each_state_has_a_reason_of_its_own(make, behaviour, reasons, pki, bare, online):
    lists = behaviour is Behaviour.STALE

    report = judge(make(pki), bare, online(behaviour, lists=lists))

    assert report.reasons == reasons


def test_the_word_why_is_in_the_report(pki, bare, online):
    message = make_good(pki)

    details = [
        judge(message, bare, online(one, lists=False)).signers[0].details["revocation_unavailable"]
        for one in (Behaviour.DOWN, Behaviour.TRY_LATER, Behaviour.WRONG_NONCE, Behaviour.SLOW)
    ]

    assert details == ["connection", "tryLater", "nonce", "timeout"]


def test_when_the_responder_has_no_word_the_list_decides(pki, bare, client, online):
    crl = online().lists
    with Loopback(reply(sandbox_answers.status_only(sandbox_answers.TRY_LATER))) as busy:
        mixed = client(ocsp=(busy.url,), crl=tuple(map(str, crl)))
        good = judge(make_good(pki), bare, mixed)
        mixed.again_after = timedelta()
        pki.revoke("clerk", at=datetime.now(UTC) - timedelta(minutes=1))
        revoked = judge(make_good(pki), bare, mixed)

    assert (good.verdict, [one.kind for one in good.signers[0].evidence].count("list")) == (Verdict.VALID, 2)
    assert revoked.reasons == ("revoked",)


@pytest.mark.parametrize("behaviour", [Behaviour.DOWN, Behaviour.TRY_LATER, Behaviour.STALE])
def test_when_nobody_answers_the_lists_at_hand_count(behaviour, pki, online):
    report = judge(make_good(pki), pki.trust_store(), online(behaviour))

    assert report.verdict is Verdict.VALID


# --- who is asked -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "kinds"),
    [(STRICT, {"ocsp"}), (OCSP_ONLY, {"ocsp"}), (LIST_ONLY, {"list"}), (BOTH, {"ocsp", "list"})],
    ids=["either", "ocsp", "list", "both"],
)
def test_the_policy_says_who_is_asked_about_the_signer(rules, kinds, pki, bare, online):
    message = make_good(pki)
    report = verify(message, at=datetime.now(UTC), trust=bare, policy=rules)
    ca = pki.issuer("ca").certificate

    gathered = gather(report, at=datetime.now(UTC), trust=bare, policy=rules, online=online())

    issuers = {asn1.parse(der).children[0].children[2].raw for der in gathered.lists}
    assert (bool(gathered.answers), ca.subject.public_bytes() in issuers) == ("ocsp" in kinds, "list" in kinds)
    assert ca.issuer.public_bytes() in issuers
    assert gathered.failures == ()


def test_without_a_policy_the_law_of_the_day_says_it(pki, bare, online):
    report = judge(make_good(pki), bare, online(), policy=None)

    assert report.verdict is Verdict.VALID
    assert report.signers[0].policy == policy.at(datetime.now(UTC)).name


def _changed(pki: SandboxPki) -> bytes:
    return make_good(pki).replace(DOCUMENT, DOCUMENT[::-1])


def _expired(pki: SandboxPki) -> bytes:
    return sign_with(pki.expire("clerk"), DOCUMENT, attached=True)


def _untrusted(pki: SandboxPki) -> bytes:
    stranger = forge.authority("STRANGER TEST", "stranger", None)
    return forge.message(forge.certificate(forge.subject(), "subject of a stranger", stranger))


HOPELESS: dict[str, Callable[[SandboxPki], bytes]] = {
    "no message": lambda pki: b"nonsense",
    "no signer": lambda pki: signing.signed_data([], content=DOCUMENT, certificates=[]),
    "a changed document": _changed,
    "an expired certificate": _expired,
    "a certificate of nobody we trust": _untrusted,
}


@pytest.mark.parametrize("kind", HOPELESS)
def test_what_no_answer_could_save_sends_nobody_anywhere(kind, pki, bare, online, asked):
    message = HOPELESS[kind](pki)

    report = judge(message, bare, online())

    assert report.verdict is Verdict.INVALID
    assert asked == []


def test_several_signers_are_asked_about_in_one_go(pki, bare, online, asked):
    keys = [pki.key_for(account, gost=gost) for account, gost in (("first_head", False), ("clerk", True))]
    signers = [
        signing.signer_info(
            key.private,
            key.certificate,
            signing.signed_attributes(key.private.digest(DOCUMENT), _der(key.certificate), at=datetime.now(UTC)),
        )
        for key in keys
    ]
    message = signing.signed_data(
        signers,
        content=DOCUMENT,
        certificates=[_der(key.certificate) for key in keys],
        digests=[key.private.digest_oid for key in keys],
    )

    report = judge(message, bare, online())

    assert report.verdict is Verdict.VALID
    assert asked.count("ocsp") == 2


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(forge.Encoding.DER)


@pytest.mark.parametrize("gost", [False, True])
def test_the_authority_of_a_time_stamp_is_asked_about_too(gost, pki, bare, online, asked):
    services, key = online(), pki.key_for("clerk", gost=gost)
    signed = signing.signed_attributes(key.private.digest(DOCUMENT), _der(key.certificate), at=datetime.now(UTC))
    bare_signer = signing.signer_info(key.private, key.certificate, signed)
    value = asn1.parse(bare_signer).children[-1].content
    token = services.timestamp(value, digest=key.private.digest_oid)
    assert isinstance(token, bytes)
    whole = asn1.parse(bare_signer)
    stamps = tlv(0xA1, signing.attribute(cms.TIMESTAMP_TOKEN, token))
    message = signing.signed_data(
        [tlv(asn1.SEQUENCE, whole.content, stamps)],
        content=DOCUMENT,
        certificates=[_der(key.certificate)],
        digests=[key.private.digest_oid],
    )

    report = judge(message, bare, services)

    (signer,) = report.signers
    assert (report.verdict, report.notes) == (Verdict.VALID, ())
    assert signer.timestamp is not None
    assert [one.kind for one in signer.evidence].count("ocsp") == 2
    assert asked.count("ocsp") == 2


# --- how long it takes ------------------------------------------------------------------------------


def test_the_time_given_ends_it_whatever_the_services_do(pki, bare, client):
    report = verify(make_good(pki), at=datetime.now(UTC), trust=bare, policy=STRICT)
    with Loopback(silence) as server:
        asking = client(ocsp=(server.url,), crl=(f"{server.url}/ca.crl",))
        asking.patience = replace(asking.patience, silence=9)
        started = time.monotonic()
        gathered = gather(report, at=datetime.now(UTC), trust=bare, online=asking, seconds=1.0)

    assert time.monotonic() - started < 4
    assert not gathered.answers
    assert {one.why for one in gathered.failures} <= {"timeout", "resting"}


def test_a_name_server_that_hangs_does_not_hold_the_judgement(pki, bare, client, monkeypatch):
    released = threading.Event()

    def resolve(*_: object, **__: object) -> None:
        released.wait(10)
        raise OSError

    monkeypatch.setattr("urllib3.util.connection.socket.getaddrinfo", resolve)
    report = verify(make_good(pki), at=datetime.now(UTC), trust=bare, policy=STRICT)
    started = time.monotonic()

    gathered = gather(
        report, at=datetime.now(UTC), trust=bare, online=client(ocsp=("http://ocsp.invalid/",)), seconds=0.5
    )

    assert time.monotonic() - started < 4
    assert gathered.failures == (Unavailable("ocsp", "", "timeout"),)
    released.set()
