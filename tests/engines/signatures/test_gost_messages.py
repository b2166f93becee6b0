"""Messages forged with the NCA's published test key of a first head, and GOST time-stamps."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import timedelta

import forged_messages as forge
import forged_tokens as tokens
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from forged_messages import CONTENT, NOW, VECTORS

from app.sandbox import certificates as issuing
from app.sandbox import nca, signing
from app.sandbox.certificates import Issuer
from app.sandbox.keys import GostKey
from app.signatures import asn1, certificates, cms, timestamps, trust
from app.signatures.algorithms.gost import GOST_2004, GOST_2015_512
from app.signatures.asn1 import OCTETS, SEQUENCE, SET, tlv
from app.signatures.policy import STRICT
from app.signatures.report import Verdict
from app.signatures.trust import Anchor, TrustStore
from app.signatures.verify import verify

pytestmark = pytest.mark.filterwarnings("ignore:Attribute's length must be:UserWarning")
"""Names of the NCA's authorities are longer than X.520 allows; the library that builds certificates says so."""

BAD, OPEN = Verdict.INVALID, Verdict.INDETERMINATE
HEAD = nca.key("nca:head")
Q = GOST_2015_512.curve.order
STREEBOG_512, GOST_34_311 = "1.2.398.3.10.1.3.3", "1.2.398.3.10.1.3.1"


@pytest.fixture(scope="module")
def store() -> TrustStore:
    return trust.read_store(
        [VECTORS / "ca-test/root_test_gost_2022.cer"],
        intermediates=[VECTORS / "ca-test/nca_gost2022_test.cer"],
        lists=[VECTORS / "crl/nca_gost2022_test.2026-08-11.crl"],
        environment="test",
    )


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def message(
    *,
    attributes: Sequence[bytes] | None = None,
    content: bytes = CONTENT,
    change: Callable[[bytes], bytes] = bytes,
    value: bytes | None = None,
    digest: str = STREEBOG_512,
    signature: str = HEAD.private.signature_oid,
    enclosed: Sequence[bytes] | None = None,
    key: GostKey | None = None,
) -> bytes:
    """Return a message of the first head; ``value`` stands in place of a signature, () leaves attributes out."""
    own = certificates.read(_der(HEAD.certificate))
    standard = signing.signed_attributes(HEAD.private.digest(content), own.der, at=NOW)
    ordered = sorted(standard if attributes is None else attributes)
    signed = tlv(SET, *ordered) if ordered else content
    made = change((key or HEAD.private).sign(signed)) if value is None else value
    info = tlv(
        SEQUENCE,
        signing.integer(1),
        tlv(SEQUENCE, own.issuer, signing.integer(own.serial)),
        signing.algorithm(digest),
        tlv(0xA0, *ordered) if ordered else b"",
        signing.algorithm(signature),
        tlv(OCTETS, made),
    )
    certs = [own.der] if enclosed is None else enclosed
    return signing.signed_data([info], content=content, certificates=certs, digests=[digest])


def _attributes(content: bytes = CONTENT, **changes: bytes | None) -> list[bytes]:
    kinds = ("content_type", "time", "digest", "certificate")
    standard = signing.signed_attributes(HEAD.private.digest(content), _der(HEAD.certificate), at=NOW)
    return [part for part in ({**dict(zip(kinds, standard, strict=True)), **changes}).values() if part is not None]


def _halves(value: bytes) -> tuple[bytes, bytes]:
    return value[:64], value[64:]


def _with(r: Callable[[bytes], bytes] = bytes, s: Callable[[bytes], bytes] = bytes):
    return lambda value: r(_halves(value)[0]) + s(_halves(value)[1])


def _little(number: int) -> bytes:
    return number.to_bytes(64, "little")


def _plus_order(half: bytes) -> bytes:
    return _little((int.from_bytes(half, "little") + Q) % (1 << 512))


ENCODINGS = {
    "as it should be": (bytes, None),
    "each half turned round": (_with(lambda r: r[::-1], lambda s: s[::-1]), "signature_wrong"),
    "the whole turned round": (lambda value: value[::-1], "signature_wrong"),
    "the halves exchanged": (lambda value: value[64:] + value[:64], "signature_wrong"),
    "r is zero": (_with(r=lambda _: bytes(64)), "signature_wrong"),
    "s is zero": (_with(s=lambda _: bytes(64)), "signature_wrong"),
    "both are zero": (lambda _: bytes(128), "signature_wrong"),
    "r is the order": (_with(r=lambda _: _little(Q)), "signature_wrong"),
    "s is the order": (_with(s=lambda _: _little(Q)), "signature_wrong"),
    "r is beyond the order": (_with(r=_plus_order), "signature_wrong"),
    "s is beyond the order": (_with(s=_plus_order), "signature_wrong"),
    "s is turned to its negative": (
        _with(s=lambda s: _little(Q - int.from_bytes(s, "little"))), "signature_wrong"),
    "all ones": (lambda _: b"\xff" * 128, "signature_wrong"),
    "an octet too many": (lambda value: value + b"\0", "signature_wrong"),
    "an octet too few": (lambda value: value[:-1], "signature_wrong"),
    "nothing": (lambda _: b"", "signature_wrong"),
    "twice": (lambda value: value * 2, "signature_wrong"),
    "as a sequence of two integers": (
        lambda value: tlv(SEQUENCE, *(
            signing.integer(int.from_bytes(half, "little")) for half in _halves(value))), "signature_wrong"),
}  # fmt: skip


@pytest.mark.req("IS2IN-1.4")
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_gost_signature_has_one_encoding(encoding, store):
    change, reason = ENCODINGS[encoding]

    report = verify(message(change=change), at=NOW, trust=store)

    assert report.reasons == ((reason,) if reason else ())


def _stolen() -> bytes:
    """Pass the attributes of a real signature off as a document that was signed without attributes."""
    attributes = sorted(_attributes())
    real = HEAD.private.sign(tlv(SET, *attributes))
    return message(content=tlv(SET, *attributes), attributes=(), value=real)


def _two_values() -> bytes:
    values = sorted(tlv(OCTETS, HEAD.private.digest(one)) for one in (CONTENT, b"other"))
    return message(attributes=_attributes(digest=signing.attribute(cms.MESSAGE_DIGEST, *values)))


def _own_certificate(key: GostKey, *, issuer: Issuer | None = None) -> x509.Certificate:
    """Return a certificate with the head's names, made by whoever has ``key``."""
    real = HEAD.certificate
    return issuing.certificate(
        real.subject,
        key.public,
        issuer,
        issuer.private if issuer else key,
        not_before=NOW - timedelta(days=30),
        not_after=NOW + timedelta(days=30),
        extensions=[(one.value, one.critical) for one in real.extensions],
    )


def _impostor() -> bytes:
    key = GostKey.new()
    return signing.sign(key, _own_certificate(key), CONTENT, attached=True, at=NOW)


def _impostor_with_an_authority() -> bytes:
    own, key = GostKey.new(), GostKey.new()
    authority = issuing.certificate(
        HEAD.certificate.issuer,
        own.public,
        None,
        own,
        not_before=NOW - timedelta(days=900),
        not_after=NOW + timedelta(days=900),
        extensions=[
            (x509.BasicConstraints(ca=True, path_length=0), True),
            (issuing.key_usage("key_cert_sign", "crl_sign"), True),
        ],
    )
    certificate = _own_certificate(key, issuer=Issuer(own, authority))
    return signing.sign(key, certificate, CONTENT, attached=True, at=NOW, chain=[authority])


FORGED = {
    "attributes passed off as a document": (_stolen, "content_is_attributes", BAD),
    "a digest with two values": (_two_values, "attribute_duplicate", BAD),
    "another content type signed": (
        lambda: message(attributes=_attributes(content_type=signing.attribute(
            cms.CONTENT_TYPE, signing.oid("1.2.840.113549.1.9.16.1.4")))), "attribute_content_type", BAD),
    "the digest of another algorithm": (
        lambda: message(digest=cms.SHA256, attributes=_attributes(digest=signing.attribute(
            cms.MESSAGE_DIGEST, tlv(OCTETS, hashlib.sha256(CONTENT).digest())))), "algorithm_mismatch", BAD),
    "34.311-95 with a key of 2015": (lambda: message(digest=GOST_34_311), "algorithm_mismatch", BAD),
    "Streebog of 256 bits with a key of 512": (
        lambda: message(digest="1.2.398.3.10.1.3.2"), "algorithm_mismatch", BAD),
    "named as a signature of 2004": (
        lambda: message(signature="1.2.398.3.10.1.1.1.2"), "algorithm_mismatch", BAD),
    "named as an RSA signature": (lambda: message(signature=signing.SHA256_WITH_RSA), "algorithm_mismatch", BAD),
    "named by a key's identifier": (
        lambda: message(signature="1.2.398.3.10.1.1.2.2"), "algorithm_mismatch", BAD),
    "named as nobody knows what": (lambda: message(signature="1.2.398.9.9.9"), "algorithm_unsupported", OPEN),
    "made by another key": (lambda: message(key=GostKey.new()), "signature_wrong", BAD),
    "another person's certificate enclosed": (
        lambda: message(enclosed=[_der(nca.key("nca:employee_signright").certificate)]), "certificate_foreign", BAD),
    "an impostor's own certificate": (_impostor, "chain_untrusted", BAD),
    "an impostor's own authority of the same name": (_impostor_with_an_authority, "chain_untrusted", BAD),
}  # fmt: skip


@pytest.mark.req("IS2IN-1.4")
@pytest.mark.parametrize("fault", FORGED)
def test_a_forged_gost_message_is_never_valid_and_the_report_says_why(fault, store):
    make, reason, verdict = FORGED[fault]

    report = verify(make(), at=NOW, trust=store)

    assert reason in report.reasons
    assert report.verdict is verdict, report.reasons


# --- time-stamps of both generations ----------------------------------------------------------------


@pytest.fixture(scope="module", params=[GOST_2004, GOST_2015_512], ids=lambda kind: kind.name)
def authority(request):
    """A root and a time-stamping authority of one generation."""
    term = {"not_before": NOW - timedelta(days=900), "not_after": NOW + timedelta(days=900)}
    root, tsa = GostKey.new(request.param), GostKey.new(request.param)
    certificate = issuing.of_authority("VECTOR GOST ROOT TEST", root, None, path_length=None, **term)
    issuer = Issuer(root, certificate)
    name = forge.name((forge.NameOID.COMMON_NAME, "VECTOR GOST TSA"))
    purposes = x509.ExtendedKeyUsage([tokens.TIME_STAMPING])
    own = issuing.certificate(name, tsa.public, issuer, root, extensions=[(purposes, True)], **term)
    store = TrustStore(anchors=(Anchor.of(_der(certificate)),), environment="test")
    return tsa, own, store


def _token(tsa: GostKey, certificate: x509.Certificate, stamped: bytes, *, digest: str) -> bytes:
    imprint = {GOST_34_311: GOST_2004.digest, STREEBOG_512: GOST_2015_512.digest}[digest].compute(stamped)
    content = tokens.info(stamped, digest=digest, imprint=imprint)
    attributes = [
        signing.attribute(cms.CONTENT_TYPE, asn1.oid(tokens.TST_INFO)),
        signing.attribute(cms.MESSAGE_DIGEST, tlv(OCTETS, tsa.digest(content))),
        signing.attribute(
            cms.SIGNING_CERTIFICATE,
            tlv(SEQUENCE, tlv(SEQUENCE, tlv(SEQUENCE, tlv(OCTETS, hashlib.sha1(_der(certificate)).digest())))),
        ),
    ]
    return signing.signed_data(
        [signing.signer_info(tsa, certificate, attributes)],
        content=content,
        certificates=[_der(certificate)],
        content_type=tokens.TST_INFO,
        digests=[tsa.digest_oid],
    )


@pytest.mark.parametrize("digest", [GOST_34_311, STREEBOG_512])
def test_a_34_311_imprint_goes_with_a_key_of_2004_only(digest, authority):
    tsa, certificate, store = authority
    stamped = b"the value of a signature"

    judged = timestamps.judge(
        _token(tsa, certificate, stamped, digest=digest), stamped, store=store, at=NOW, policy=STRICT
    )

    if digest == GOST_34_311 and tsa.kind is GOST_2015_512:
        assert judged.faults == (("timestamp_algorithm", "GOST 34.311-95"),)
    else:
        assert judged.faults == ()
        assert judged.stamp.at == tokens.STAMPED
