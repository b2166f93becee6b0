"""Whose certificate, what for, by whom, and when."""

from __future__ import annotations

from datetime import timedelta

import forged_messages as forge
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.x509.oid import NameOID
from forged_messages import NOW

from app.sandbox import signing
from app.signatures import asn1
from app.signatures.report import Outcome, Stage, Verdict
from app.signatures.trust import Anchor, TestAnchorRefused, TrustStore, Unreadable, read_store

UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.398.3.3.9.9"), b"\x05\x00")
ABROAD = x509.DirectoryName(forge.name((NameOID.COUNTRY_NAME, "RU")))
CONSTRAINED = x509.NameConstraints(permitted_subtrees=[ABROAD], excluded_subtrees=None)

SIGNERS = {
    "an authentication key": (
        {"purposes": ("1.3.6.1.5.5.7.3.2", "1.2.398.3.3.4.1.2.1"), "usages": ("digital_signature", "key_encipherment")},
        {"key_usage", "key_purpose"}),
    "no nonRepudiation": ({"usages": ("digital_signature",)}, {"key_usage"}),
    "no key usage at all": ({"usages": None}, {"key_usage"}),
    "no extended key usage": ({"purposes": None}, {"key_purpose"}),
    "an authority's certificate": (
        {"ca": True, "usages": ("digital_signature", "content_commitment", "key_cert_sign")}, {"signer_is_ca"}),
    "an information system": ({"whose": forge.subject(iin=None)}, {"identity_missing"}),
    "two serial numbers": (
        {"whose": forge.subject(extra=[(NameOID.SERIAL_NUMBER, "IIN900202400123")])}, {"identity_ambiguous"}),
    "two organisation units": (
        {"whose": forge.subject(extra=[(NameOID.ORGANIZATIONAL_UNIT_NAME, "BIN000000000000")])},
        {"identity_ambiguous"}),
    "a BIN with a hidden character": ({"whose": forge.subject(unit="BIN123456789021\0")}, {"identity_malformed"}),
    "a BIN of 13 digits": ({"whose": forge.subject(unit="BIN1234567890210")}, {"identity_malformed"}),
    "an IIN in Arabic digits": (
        {"whose": forge.subject(iin="IIN\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669\u0660\u0661\u0662")},
        {"identity_malformed", "identity_missing"}),
    "a right-to-left mark in the name": (
        {"whose": forge.subject(extra=[(NameOID.GIVEN_NAME, "САПАРҰЛЫ\u202e")])}, {"identity_malformed"}),
    "an unknown critical extension": ({"extensions": [(UNKNOWN, True)]}, {"chain_critical_extension"}),
    "a key of 1024 bits": ({"owner": "weak", "bits": 1024}, {"key_weak"}),
    "expired": ({"not_before": NOW - timedelta(days=400), "not_after": NOW - timedelta(seconds=1)},
                {"expired", "signing_time_outside"}),
    "not yet valid": ({"not_before": NOW + timedelta(days=1), "not_after": NOW + timedelta(days=90)},
                      {"not_yet_valid", "signing_time_outside"}),
}  # fmt: skip


@pytest.mark.parametrize("fault", SIGNERS)
def test_a_certificate_that_may_not_sign_documents_is_refused(fault, world):
    how, reasons = SIGNERS[fault]
    signer = world.issue(**how)

    report = world.verify(forge.message(signer))

    assert report.verdict is Verdict.INVALID
    assert set(report.reasons) == reasons


@pytest.mark.parametrize(
    ("how", "iin", "bin", "roles"),
    [
        ({}, forge.IIN, forge.BIN, ("ORGANISATION", "FIRST_HEAD")),
        ({"purposes": forge.CAN_SIGN}, forge.IIN, forge.BIN, ("ORGANISATION", "CAN_SIGN")),
        (
            {"whose": forge.subject(unit=None), "purposes": ("1.3.6.1.5.5.7.3.4", "1.2.398.3.3.4.1.1")},
            forge.IIN,
            None,
            ("INDIVIDUAL",),
        ),
        (
            {
                "whose": forge.name(
                    (NameOID.COMMON_NAME, "X, SERIALNUMBER=IIN000000000000, OU=BIN000000000000"),
                    (NameOID.SERIAL_NUMBER, f"IIN{forge.IIN}"),
                )
            },
            forge.IIN,
            None,
            ("ORGANISATION", "FIRST_HEAD"),
        ),
        ({"extensions": [(UNKNOWN, False)]}, forge.IIN, forge.BIN, ("ORGANISATION", "FIRST_HEAD")),
    ],
    ids=["first head", "right to sign", "natural person", "spoofed CN", "unknown extension, not critical"],
)
def test_the_report_names_the_person_the_organisation_and_the_roles(how, iin, bin, roles, world):
    report = world.verify(forge.message(world.issue(**how)))

    assert report.verdict is Verdict.VALID, report.reasons
    assert (report.signers[0].iin, report.signers[0].bin, report.signers[0].roles) == (iin, bin, roles)


def test_a_signing_time_from_before_the_certificate_speaks_against_the_signature(world):
    attributes = forge.attributes(world.head, at=NOW - timedelta(days=200))

    report = world.verify(forge.message(world.head, attributes))

    assert report.reasons == ("signing_time_outside",)


def test_a_backdated_signing_time_does_not_save_an_expired_certificate(world):
    expired = world.issue(not_before=NOW - timedelta(days=400), not_after=NOW - timedelta(days=30))
    message = forge.message(expired, forge.attributes(expired, at=NOW - timedelta(days=60)))

    report = world.verify(message)

    assert report.reasons == ("expired",)
    assert report.signers[0].stages[Stage.VALIDITY] is Outcome.FAIL


# --- paths ------------------------------------------------------------------------------------------


def _chain_below(world, *authorities: forge.Holder):
    signer = forge.certificate(forge.subject(), "deep", authorities[-1])
    return forge.message(signer, certificates=[signer.der, *(one.der for one in authorities)])


PATHS = {
    "a leaf as issuer": (
        lambda w: _chain_below(w, w.ca, w.head), {"chain_not_ca", "chain_key_usage", "chain_path_length"}),
    "an issuer without basicConstraints": (
        lambda w: _chain_below(w, forge.authority("NO BC TEST", "other", w.root, ca=None)), {"chain_not_ca"}),
    "an issuer that is no CA": (
        lambda w: _chain_below(w, forge.authority("NOT CA TEST", "other", w.root, ca=False)), {"chain_not_ca"}),
    "an issuer without keyCertSign": (
        lambda w: _chain_below(w, forge.authority("NO SIGN TEST", "other", w.root, usages=("crl_sign",))),
        {"chain_key_usage"}),
    "an authority below path length 0": (
        lambda w: _chain_below(w, w.ca, forge.authority("SUB CA TEST", "sub", w.ca)), {"chain_path_length"}),
    "an issuer with an unknown critical extension": (
        lambda w: _chain_below(w, forge.authority("ODD CA TEST", "odd", w.root, extensions=[(UNKNOWN, True)])),
        {"chain_critical_extension"}),
    "an issuer for other names": (
        lambda w: _chain_below(w, forge.authority("BOUND CA TEST", "odd", w.root, extensions=[(CONSTRAINED, False)])),
        {"chain_names"}),
    "an expired issuer": (
        lambda w: _chain_below(w, forge.authority("OLD CA TEST", "old", w.root, not_after=NOW - timedelta(days=1))),
        {"chain_expired"}),
    "an issuer with the CA's name and another key": (
        lambda w: _chain_below(w, forge.authority("VECTOR ISSUING CA TEST", "fake", None)), {"chain_untrusted"}),
    "a whole chain of its own": (
        lambda w: _chain_below(w, forge.authority("OTHER ROOT", "fake root", None), forge.authority(
            "OTHER CA", "fake ca", forge.authority("OTHER ROOT", "fake root", None))), {"chain_untrusted"}),
    "a self-signed signer": (
        lambda w: forge.message(forge.certificate(forge.subject(), "self", None)), {"chain_untrusted"}),
    "an issuer with a weak key": (
        lambda w: _chain_below(w, forge.authority("WEAK CA TEST", "weak ca", w.root, bits=1024)), {"chain_untrusted"}),
    "a signature of the wrong root under the root's name": (
        lambda w: _chain_below(w, forge.authority("VECTOR ROOT TEST", "fake root 2", None)), {"chain_untrusted"}),
}  # fmt: skip


@pytest.mark.parametrize("fault", PATHS)
def test_a_path_that_breaks_the_rules_gives_no_trust(fault, world):
    make, reasons = PATHS[fault]

    report = world.verify(make(world), intermediates=())

    assert report.verdict is Verdict.INVALID
    assert reasons <= set(report.reasons) <= reasons | {"revocation_unknown"}
    assert report.signers[0].stages[Stage.CHAIN] is Outcome.FAIL


def test_a_longer_path_within_its_length_is_trusted(world):
    middle = forge.authority("MIDDLE CA TEST", "middle", world.root, path_length=1)
    issuing = forge.authority("LOW CA TEST", "low", middle, path_length=0)
    lists = tuple(forge.revocation_list(one) for one in (world.root, middle, issuing))

    report = world.verify(_chain_below(world, middle, issuing), lists=lists)

    assert report.verdict is Verdict.VALID, report.reasons


def test_names_that_differ_in_case_and_spaces_only_are_one_name(world):
    other = forge.authority("vector  issuing ca TEST", "ca", world.root)
    signer = forge.certificate(forge.subject(), "head", other)

    report = world.verify(forge.message(signer))

    assert report.verdict is Verdict.VALID, report.reasons


def test_cross_certified_authorities_in_a_ring_end_the_search(world):
    ring = [forge.authority(f"RING {at} TEST", f"ring {at}", None) for at in range(6)]
    ring += [
        forge.authority(f"RING {at} TEST", f"ring {at}", ring[other], serial=1000 + 10 * at + other)
        for at in range(6)
        for other in range(6)
        if at != other
    ]

    report = world.verify(_chain_below(world, *ring[6:], ring[0]))

    assert "chain_untrusted" in report.reasons


def _with_sha1(holder: forge.Holder, issuer: forge.Holder) -> bytes:
    """Return the certificate signed again with SHA-1, as authorities did long ago."""
    sha256, sha1 = (signing.oid(f"1.2.840.113549.1.1.{number}") for number in (11, 5))
    tbs, algorithm, _ = (part.raw.replace(sha256, sha1) for part in asn1.parse(holder.der).children)
    value = issuer.private.sign(tbs, padding.PKCS1v15(), hashes.SHA1())
    return asn1.tlv(asn1.SEQUENCE, tbs, algorithm, asn1.tlv(asn1.BITS, b"\0", value))


def test_the_signatures_of_certificates_need_a_sound_digest(world):
    der = _with_sha1(world.head, world.ca)
    signer = forge.Holder(world.head.private, x509.load_der_x509_certificate(der))

    report = world.verify(forge.message(signer))

    assert report.reasons == ("chain_untrusted", "revocation_unknown")


# --- the store --------------------------------------------------------------------------------------


def test_production_refuses_a_test_anchor_by_its_name_wherever_it_lay(world):
    with pytest.raises(TestAnchorRefused, match="VECTOR ROOT TEST"):
        TrustStore((Anchor.of(world.root.der, is_test=False),), environment="production")


def test_production_refuses_whatever_lies_in_a_folder_for_tests(tmp_path):
    folder = tmp_path / "sandbox"
    folder.mkdir()
    (folder / "root.cer").write_bytes(forge.authority("HARMLESS", "harmless", None).der)

    with pytest.raises(TestAnchorRefused):
        read_store([folder], environment="production")


def test_a_store_reads_der_and_pem_and_names_the_file_it_cannot(world, tmp_path):
    (tmp_path / "root.cer").write_bytes(world.root.der)
    (tmp_path / "more.pem").write_bytes(world.ca.certificate.public_bytes(forge.Encoding.PEM))
    (tmp_path / "notes.txt").write_text("not a certificate")

    store = read_store([tmp_path], environment="test")

    assert len(store.anchors) == 2
    (tmp_path / "broken.crt").write_bytes(b"0\x03abc")
    with pytest.raises(Unreadable, match=r"broken\.crt"):
        read_store([tmp_path], environment="test")
