"""What is accepted, and every way of being wrong that one RSA message can have."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess

import forged_messages as forge
import pytest
from cryptography.hazmat.primitives import hashes
from forged_messages import BIN, CONTENT, IIN, NOW

from app.sandbox import signing
from app.signatures import cms
from app.signatures.asn1 import OCTETS, SEQUENCE, SET, armour, parse, tlv
from app.signatures.report import Outcome, Stage, Verdict
from app.signatures.verify import verify

FORMS = {
    "attached": lambda world: (forge.message(world.head), None),
    "detached": lambda world: (forge.message(world.head, attached=False), CONTENT),
    "attached, with the document beside it": lambda world: (forge.message(world.head), CONTENT),
    "with the chain enclosed": lambda world: (
        forge.message(world.head, certificates=[world.head.der, world.ca.der]), None,
    ),
    "indefinite lengths and segments": lambda world: (forge.as_ber(forge.message(world.head)), None),
    "PEM": lambda world: (armour(forge.message(world.head), "CMS").encode(), None),
    "PKCS7 armour": lambda world: (armour(forge.message(world.head), "PKCS7"), None),
    "base64 text": lambda world: (base64.encodebytes(forge.message(world.head)).decode(), None),
    "without signing-certificate": lambda world: (
        forge.message(world.head, forge.attributes(world.head)[:3]), None,
    ),
    "signer named by key identifier": lambda world: (
        forge.message(world.head, sid=tlv(0x80, _key_identifier(world.head))), None,
    ),
    "rsaEncryption as signature algorithm": lambda world: (
        forge.message(world.head, signature=signing.algorithm("1.2.840.113549.1.1.1")), None,
    ),
    "empty document": lambda world: (forge.message(world.head, content=b""), None),
}  # fmt: skip


def _key_identifier(holder: forge.Holder) -> bytes:
    return forge.x509.SubjectKeyIdentifier.from_public_key(holder.private.public_key()).digest


@pytest.mark.req("IS2IN-1.4")
@pytest.mark.parametrize("form", FORMS)
def test_a_right_signature_is_valid_in_every_form(form, world):
    message, content = FORMS[form](world)

    report = world.verify(message, content)

    assert report.verdict is Verdict.VALID, report.reasons
    (signer,) = report.signers
    assert (signer.iin, signer.bin, signer.name) == (IIN, BIN, "АХМЕТОВ ДАРХАН")
    assert "FIRST_HEAD" in signer.roles
    assert signer.signing_time == NOW
    assert report.content == (b"" if form == "empty document" else CONTENT)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize("form", [form for form in FORMS if form not in ("PEM", "PKCS7 armour", "base64 text")])
def test_openssl_accepts_what_we_accept(form, world, tmp_path):
    message, content = FORMS[form](world)
    authorities = [one.certificate.public_bytes(forge.Encoding.PEM) for one in (world.root, world.ca)]
    (tmp_path / "authorities.pem").write_bytes(b"".join(authorities))
    (tmp_path / "message.cms").write_bytes(message)
    (tmp_path / "document").write_bytes(CONTENT)
    beside = ["-content", "document", "-binary"] if form == "detached" else ["-binary"]

    said = subprocess.run(
        ["openssl", "cms", "-verify", "-inform", "DER", "-in", "message.cms", "-CAfile", "authorities.pem",
         "-purpose", "any", "-attime", str(int(NOW.timestamp())), "-out", "out", *beside],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip

    assert said.returncode == 0, said.stderr
    assert (tmp_path / "out").read_bytes() == world.verify(message, content).content


@pytest.mark.parametrize(
    ("digest", "signature", "hash"),
    [
        ("2.16.840.1.101.3.4.2.2", "1.2.840.113549.1.1.12", hashes.SHA384()),
        ("2.16.840.1.101.3.4.2.3", "1.2.840.113549.1.1.13", hashes.SHA512()),
    ],
)
def test_the_longer_digests_of_the_family_are_valid_too(digest, signature, hash, world):
    attributes = forge.attributes(world.head)
    attributes[2] = signing.attribute(cms.MESSAGE_DIGEST, tlv(OCTETS, hashlib.new(hash.name, CONTENT).digest()))
    message = forge.message(
        world.head, attributes, digest=signing.algorithm(digest), signature=signing.algorithm(signature), hash=hash
    )

    report = world.verify(message)

    assert report.verdict is Verdict.VALID
    assert report.notes == ("digest_unlisted",)


def test_two_signers_of_one_document_are_valid_together(world):
    second = world.issue(whose=forge.subject(iin="IIN900202400123"), owner="second", purposes=forge.CAN_SIGN)
    signers = [forge.signer(one, forge.attributes(one)) for one in (world.head, second)]
    message = signing.signed_data(signers, content=CONTENT, certificates=[world.head.der, second.der])

    report = world.verify(message)

    assert report.verdict is Verdict.VALID
    assert {signer.iin for signer in report.signers} == {IIN, "900202400123"}


def test_a_bad_second_signer_spoils_the_message_but_not_the_first(world):
    second = world.issue(whose=forge.subject(iin="IIN900202400123"), owner="second")
    good = forge.signer(world.head, forge.attributes(world.head))
    bad = forge.signer(second, forge.attributes(second), change=lambda value: value[:-1] + bytes((value[-1] ^ 1,)))
    message = signing.signed_data([good, bad], content=CONTENT, certificates=[world.head.der, second.der])

    report = world.verify(message)

    assert report.verdict is Verdict.INVALID
    assert {signer.iin: signer.verdict for signer in report.signers} == {
        IIN: Verdict.VALID,
        "900202400123": Verdict.INVALID,
    }


def _attributes_with(world, **changes):
    """Return the attributes of createCAdES, some replaced, left out (None) or doubled."""
    kinds = ("content_type", "signing_time", "digest", "certificate")
    standard = dict(zip(kinds, forge.attributes(world.head), strict=True))
    parts = {kind: changes.get(kind, standard[kind]) for kind in standard}
    return [part for part in parts.values() if part is not None] + changes.get("more", [])


def _digest(content: bytes) -> bytes:
    return tlv(OCTETS, hashlib.sha256(content).digest())


def _without_certificates(world):
    return signing.signed_data(
        [forge.signer(world.head, forge.attributes(world.head))], content=CONTENT, certificates=[]
    )


def _ess(value: bytes, kind: str = cms.SIGNING_CERTIFICATE_V2) -> bytes:
    return signing.attribute(kind, tlv(SEQUENCE, tlv(SEQUENCE, tlv(SEQUENCE, tlv(OCTETS, value)))))


def _forged_from_attributes(world):
    """Pass the attributes of a real signature off as a document that was signed without attributes."""
    attributes = forge.attributes(world.head)
    stolen = forge.signer(world.head, attributes)
    value = parse(stolen).children[-1].content
    content = tlv(SET, *sorted(attributes))
    bare = forge.signer(world.head, None, content=content, change=lambda _: value)
    return signing.signed_data([bare], content=content, certificates=[world.head.der])


def _with_sha1(world):
    attributes = forge.attributes(world.head)
    attributes[2] = signing.attribute(cms.MESSAGE_DIGEST, tlv(OCTETS, hashlib.sha1(CONTENT).digest()))
    return forge.message(
        world.head,
        attributes,
        digest=signing.algorithm("1.3.14.3.2.26"),
        signature=signing.algorithm("1.2.840.113549.1.1.5"),
        hash=hashes.SHA1(),
    )


def _other(world):
    return world.issue(whose=forge.subject(iin="IIN900202400123"), owner="second")


def _sid(holder: forge.Holder) -> bytes:
    number = signing.integer(holder.certificate.serial_number)
    return tlv(SEQUENCE, holder.certificate.issuer.public_bytes(), number)


def _of_a_fake_authority(world):
    root = forge.authority("VECTOR ROOT TEST", "fake root", None)
    ca = forge.authority("VECTOR ISSUING CA TEST", "fake ca", root, path_length=0)
    head = forge.certificate(forge.subject(), "head", ca)
    return forge.message(head, certificates=[head.der, ca.der, root.der])


BAD, OPEN = Verdict.INVALID, Verdict.INDETERMINATE
WRONG = {
    "document changed after signing": (
        lambda w: forge.message(w.head, forge.attributes(w.head, b"another document")), "content_changed", BAD),
    "one bit of the signature": (
        lambda w: forge.message(w.head, change=lambda v: bytes((v[0] ^ 1,)) + v[1:]), "signature_wrong", BAD),
    "signature cut short": (lambda w: forge.message(w.head, change=lambda v: v[:-1]), "signature_wrong", BAD),
    "signature with a leading zero": (
        lambda w: forge.message(w.head, change=lambda v: b"\0" + v), "signature_wrong", BAD),
    "empty signature": (lambda w: forge.message(w.head, change=lambda v: b""), "signature_wrong", BAD),
    "made with another key": (
        lambda w: forge.message(forge.Holder(forge.key("stranger"), w.head.certificate)), "signature_wrong", BAD),
    "no signed attributes": (
        lambda w: signing.signed_data(
            [forge.signer(w.head, None)], content=CONTENT, certificates=[w.head.der]), "attributes_missing", BAD),
    "empty signed attributes": (lambda w: forge.message(w.head, []), "attributes_missing", BAD),
    "attributes passed off as a document": (_forged_from_attributes, "content_is_attributes", BAD),
    "attributes in another order": (
        lambda w: forge.message(w.head, sorted(forge.attributes(w.head))[::-1], in_order=False),
        "attributes_not_der", BAD),
    "two digests, one of them right": (
        lambda w: forge.message(w.head, _attributes_with(
            w, more=[signing.attribute(cms.MESSAGE_DIGEST, _digest(b"other"))])), "attribute_duplicate", BAD),
    "a digest with two values": (
        lambda w: forge.message(w.head, _attributes_with(w, digest=signing.attribute(
            cms.MESSAGE_DIGEST, *sorted([_digest(CONTENT), _digest(b"other")])))), "attribute_duplicate", BAD),
    "a digest without value": (
        lambda w: forge.message(w.head, _attributes_with(w, digest=signing.attribute(cms.MESSAGE_DIGEST))),
        "attribute_duplicate", BAD),
    "no digest": (lambda w: forge.message(w.head, _attributes_with(w, digest=None)), "attribute_required", BAD),
    "no content type": (
        lambda w: forge.message(w.head, _attributes_with(w, content_type=None)), "attribute_required", BAD),
    "two signing times": (
        lambda w: forge.message(w.head, _attributes_with(w, more=[forge.attributes(w.head)[1]])),
        "attribute_duplicate", BAD),
    "another content type signed": (
        lambda w: forge.message(w.head, _attributes_with(w, content_type=signing.attribute(
            cms.CONTENT_TYPE, signing.oid("1.2.840.113549.1.9.16.1.4")))), "attribute_content_type", BAD),
    "content that is not data": (
        lambda w: forge.message(w.head, content_type="1.2.840.113549.1.9.16.1.4"), "content_type", BAD),
    "a digest that is no octet string": (
        lambda w: forge.message(w.head, _attributes_with(w, digest=signing.attribute(
            cms.MESSAGE_DIGEST, tlv(0x0C, hashlib.sha256(CONTENT).digest())))), "attribute_malformed", BAD),
    "a signing time that is none": (
        lambda w: forge.message(w.head, _attributes_with(w, signing_time=signing.attribute(
            cms.SIGNING_TIME, tlv(0x17, b"261320080100Z")))), "attribute_malformed", BAD),
    "signing-certificate of another": (
        lambda w: forge.message(w.head, _attributes_with(w, certificate=_ess(hashlib.sha256(w.ca.der).digest()))),
        "signing_certificate_differs", BAD),
    "old signing-certificate of another": (
        lambda w: forge.message(w.head, _attributes_with(w, more=[
            _ess(hashlib.sha1(w.ca.der).digest(), cms.SIGNING_CERTIFICATE)])), "signing_certificate_differs", BAD),
    "signing-certificate that names none": (
        lambda w: forge.message(w.head, _attributes_with(w, certificate=signing.attribute(
            cms.SIGNING_CERTIFICATE_V2, tlv(SEQUENCE, tlv(SEQUENCE))))), "attribute_malformed", BAD),
    "signing-certificate by an unknown digest": (
        lambda w: forge.message(w.head, _attributes_with(w, certificate=signing.attribute(
            cms.SIGNING_CERTIFICATE_V2, tlv(SEQUENCE, tlv(SEQUENCE, tlv(
                SEQUENCE, signing.algorithm("2.16.840.1.101.3.4.2.8"), tlv(OCTETS, b"x" * 32))))))),
        "signing_certificate_unsupported", OPEN),
    "SHA-1": (_with_sha1, "algorithm_weak", BAD),
    "MD5 as digest": (
        lambda w: forge.message(w.head, digest=signing.algorithm("1.2.840.113549.2.5")), "algorithm_weak", BAD),
    "a digest that is not the signature's": (
        lambda w: forge.message(w.head, digest=signing.algorithm("2.16.840.1.101.3.4.2.3")), "algorithm_mismatch", BAD),
    "parameters in the algorithm": (
        lambda w: forge.message(w.head, signature=tlv(
            SEQUENCE, signing.oid(signing.SHA256_WITH_RSA), tlv(SEQUENCE))), "algorithm_mismatch", BAD),
    "GOST as signature algorithm of an RSA key": (
        lambda w: forge.message(w.head, signature=signing.algorithm("1.2.398.3.10.1.1.2.3.2")),
        "algorithm_mismatch", BAD),
    "RSASSA-PSS": (
        lambda w: forge.message(w.head, signature=signing.algorithm("1.2.840.113549.1.1.10")),
        "algorithm_unsupported", OPEN),
    "no signer": (
        lambda w: signing.signed_data([], content=CONTENT, certificates=[w.head.der]), "no_signers", BAD),
    "the same signer twice": (
        lambda w: signing.signed_data(
            [forge.signer(w.head, forge.attributes(w.head)),
             forge.signer(w.head, forge.attributes(w.head, at=NOW - forge.timedelta(hours=1)))],
            content=CONTENT, certificates=[w.head.der]), "duplicate_signer", BAD),
    "too many signers": (
        lambda w: signing.signed_data(
            [forge.signer(w.head, forge.attributes(w.head))] * 17, content=CONTENT, certificates=[w.head.der]),
        "too_many_signers", BAD),
    "no certificate": (_without_certificates, "certificate_missing", OPEN),
    "the certificate of somebody else in its place": (
        lambda w: forge.message(w.head, certificates=[_other(w).der, w.ca.der]), "certificate_foreign", BAD),
    "only an authority's certificate": (
        lambda w: forge.message(w.head, certificates=[w.ca.der]), "certificate_missing", OPEN),
    "another certificate named than the one whose key signed": (
        lambda w: forge.message(w.head, sid=_sid(_other(w))), "certificate_misnamed", BAD),
    "an impostor's certificate under the signer's name and number": (
        lambda w: forge.message(w.head, certificates=[w.issue(
            owner="impostor", serial=w.head.certificate.serial_number).der]), "signature_wrong", BAD),
    "another certificate of the same key": (
        lambda w: forge.message(w.head, certificates=[w.issue(
            whose=forge.subject(iin="IIN900202400123"), owner="head", serial=w.head.certificate.serial_number).der]),
        "signing_certificate_differs", BAD),
    "an impostor's own certificate with all the right names": (
        lambda w: forge.message(forge.certificate(forge.subject(), "impostor", None)), "chain_untrusted", BAD),
    "an impostor's own authority, enclosed": (_of_a_fake_authority, "chain_untrusted", BAD),
    "a damaged certificate beside the right one": (
        lambda w: forge.message(w.head, certificates=[w.head.der, tlv(SEQUENCE, b"\x02\x01\x01")]),
        "certificate_malformed", BAD),
    "bytes after the message": (lambda w: forge.message(w.head) + b"\0", "trailing_data", BAD),
    "cut short": (lambda w: forge.message(w.head)[:-10], "malformed", BAD),
    "nothing": (lambda w: b"", "empty", BAD),
    "white space": (lambda w: "  \n", "empty", BAD),
    "a certificate instead of a message": (lambda w: w.head.der, "malformed", BAD),
    "another kind of message": (
        lambda w: tlv(SEQUENCE, signing.oid(cms.ID_DATA), tlv(0xA0, tlv(OCTETS, CONTENT))), "not_signed_data", BAD),
    "plain text": (lambda w: "Қол қойылды".encode(), "malformed", BAD),
    "a PDF": (lambda w: b"%PDF-1.7 ...", "malformed", BAD),
    "armour around nothing": (lambda w: "-----BEGIN CMS-----\n-----END CMS-----\n", "empty", BAD),
    "two armoured messages": (lambda w: armour(forge.message(w.head), "CMS") * 2, "malformed", BAD),
    "an XML signature": (
        lambda w: b'<a><Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/></a>', "xml_structure", BAD),
}  # fmt: skip


@pytest.mark.req("IS2IN-1.4")
@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_message_is_never_valid_and_the_report_says_why(fault, world):
    make, reason, verdict = WRONG[fault]

    report = world.verify(make(world))

    assert reason in report.reasons
    assert report.verdict is verdict, report.reasons


@pytest.mark.req("IS2IN-1.4")
def test_a_detached_signature_checked_against_another_document_is_invalid(world):
    message = forge.message(world.head, attached=False)

    report = world.verify(message, b"another document")

    assert report.verdict is Verdict.INVALID
    assert report.reasons == ("content_changed",)
    assert report.signers[0].stages[Stage.INTEGRITY] is Outcome.FAIL


def test_an_attached_document_other_than_the_one_given_is_invalid(world):
    report = world.verify(forge.message(world.head), b"another document")

    assert report.verdict is Verdict.INVALID
    assert "content_differs" in report.reasons


def test_a_detached_signature_without_its_document_is_left_open(world):
    report = world.verify(forge.message(world.head, attached=False))

    assert report.verdict is Verdict.INDETERMINATE
    assert report.reasons == ("content_missing",)


def test_of_two_certificates_of_one_key_the_one_that_the_signer_named_is_meant(world):
    number = world.head.certificate.serial_number
    renewed = world.issue(whose=forge.subject(iin="IIN900202400123"), owner="head", serial=number)

    for order in ([renewed.der, world.head.der], [world.head.der, renewed.der]):
        message = signing.signed_data(
            [forge.signer(world.head, forge.attributes(world.head))], content=CONTENT, certificates=order
        )
        report = world.verify(message)

        assert report.verdict is Verdict.VALID
        assert (report.signers[0].iin, report.notes) == (IIN, ("several_certificates",))


def test_a_second_certificate_under_the_signers_number_does_not_hide_the_right_one(world):
    number = world.head.certificate.serial_number
    impostor = world.issue(whose=forge.subject(iin="IIN900202400123"), owner="impostor", serial=number)
    message = forge.message(world.head, certificates=[impostor.der, world.head.der])

    report = world.verify(message)

    assert report.verdict is Verdict.VALID
    assert report.signers[0].iin == IIN
    assert report.notes == ("several_certificates",)


def test_a_time_stamp_that_nobody_checked_proves_nothing_and_is_said(world):
    token = signing.attribute(cms.TIMESTAMP_TOKEN, tlv(SEQUENCE, signing.oid(cms.ID_DATA)))
    message = forge.message(world.head, unsigned=tlv(0xA1, token))

    report = world.verify(message)

    assert report.verdict is Verdict.VALID
    assert report.signers[0].stages[Stage.TIMESTAMP] is Outcome.WARN


def test_the_report_has_the_shape_of_the_contract(world):
    told = world.verify(forge.message(world.head)).to_dict()

    assert told["verdict"] == "VALID"
    assert told["reasons"] == []
    assert told["checked_at"] == "2026-11-20T08:01:00Z"
    (signer,) = told["signers"]
    assert {"iin", "bin", "name", "roles", "verdict", "stages"} <= set(signer)
    assert signer["stages"] == {
        "INTEGRITY": "PASS", "SIGNED_ATTRIBUTES": "PASS", "TIMESTAMP": "SKIP", "CHAIN": "PASS",
        "KEY_USAGE": "PASS", "VALIDITY": "PASS", "REVOCATION": "PASS",
    }  # fmt: skip


def test_the_moment_of_judgement_must_know_its_zone(world):
    with pytest.raises(ValueError, match="aware"):
        verify(b"", at=NOW.replace(tzinfo=None), trust=world.store)
