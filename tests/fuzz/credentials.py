"""Certificates and revocation lists: as they come, and signed anew.

"Signed anew" means that an authority of bad will, or one whose software errs, has really signed whatever comes: then
nobody can say that it is wrong, but it must be read without an exception, in time, and as others read it.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from cryptography import x509

from app.signatures import asn1, certificates, identity, listed, names, ocsp, paths, revocation, signer
from app.signatures.asn1 import SEQUENCE, Malformed, tlv
from app.signatures.certificates import Certificate
from app.signatures.report import Findings, SignerReport
from app.signatures.signer import Signature
from app.signatures.trust import TrustStore
from tests.fuzz.sums import meaning
from tests.fuzz.target import Context, Target, Told, Wrong
from tests.fuzz.world import DAY, NOW, VECTORS, World, forge, nca_store, signed_by, tbs_of, vector_store


def der_of(place: str) -> bytes:
    """Return a file of the vectors; a certificate out of its PEM."""
    content = (VECTORS / place).read_bytes()
    return x509.load_pem_x509_certificate(content).public_bytes(forge.Encoding.DER) if content[:1] == b"-" else content


# --- certificates -----------------------------------------------------------------------------------


def _holder_report(
    certificate: Certificate, store: TrustStore, at: datetime, pool: Sequence[Certificate]
) -> SignerReport:
    """Judge a certificate as a signer's, in all that is asked of one."""
    identity.read(certificate, environment=store.environment)
    identity.read(certificate, environment="production")
    ocsp.request(certificate, certificate, b"\1" * 8)
    for one in (certificate.subject, certificate.issuer):
        names.display(one)
    report = signer.judge(Signature(certificate, b"", Findings(), pool=pool, signing_time=at), at=at, store=store)
    json.dumps(report.to_dict(), ensure_ascii=False).encode()
    return report


def _read(der: bytes) -> Certificate | None:
    try:
        return certificates.read(der)
    except Malformed:
        return None


def _as_it_came(name: str, seeds: Sequence[bytes], store: TrustStore, at: datetime) -> Context:
    def believed(der: bytes) -> SignerReport | None:
        found = _read(der)
        return None if found is None else _holder_report(found, store, at, pool)

    pool = tuple(found for found in map(_read, seeds) if found is not None)
    # The whole of a certificate is signed, and there is one way only to write it.
    known = {seed for seed in seeds if (report := believed(seed)) is not None and not report.reasons}

    def judge(data: bytes, _: bytes) -> Told:
        report = believed(data)
        if report is None:
            return Told("malformed")
        leads = not any(code.startswith("chain_") for code in report.reasons)
        if not report.reasons and data not in known:
            raise Wrong("a certificate without fault that nobody issued")
        if leads and data not in seeds:
            raise Wrong("a certificate of a faultless path that nobody issued")
        return Told("path" if leads else "no path")

    return Context(name, tuple(seeds), judge)


def _lasting(der: bytes) -> bytes:
    """Return what is signed of a certificate, with its validity in GeneralizedTime."""
    parts = [part.raw for part in asn1.parse(tbs_of(der)).children]
    ends = (tlv(asn1.GENERALIZED_TIME, written) for written in (b"20200101000000Z", b"20500101000000Z"))
    return tlv(SEQUENCE, *parts[:4], tlv(SEQUENCE, *ends), *parts[5:])


def _issued(world: World, seeds: Sequence[bytes]) -> Context:
    """Issue whatever comes: what we read in it must be what another library reads."""

    def judge(data: bytes, _: bytes) -> Told:
        found = _read(signed_by(world.ca, data))
        if found is None:
            return Told("malformed")
        report = _holder_report(found, world.store, NOW, ())
        if not report.reasons:
            with warnings.catch_warnings(action="ignore"):
                _compare(found)
        return Told("faults" if report.reasons else "no fault")

    return Context("issued anew", (*map(tbs_of, seeds), *map(_lasting, seeds)), judge)


def _compare(ours: Certificate) -> None:
    try:
        theirs = x509.load_der_x509_certificate(ours.der)
        serial = [one.value for one in theirs.subject.get_attributes_for_oid(x509.NameOID.SERIAL_NUMBER)]
        unit = [one.value for one in theirs.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATIONAL_UNIT_NAME)]
        usage = theirs.extensions.get_extension_for_class(x509.KeyUsage).value
        purposes = [one.dotted_string for one in theirs.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value]
    except (ValueError, TypeError, x509.ExtensionNotFound, x509.DuplicateExtension, x509.InvalidVersion):
        return  # it is stricter in things that mean nothing here
    who = identity.read(ours, environment="test")
    agreed = (
        theirs.serial_number == ours.serial
        and serial == [f"IIN{who.iin}"]
        and (unit == [f"BIN{who.bin}"] or not who.bin)
        and usage.content_commitment
        and list(ours.purposes or ()) == purposes
        and (theirs.not_valid_before_utc, theirs.not_valid_after_utc) == (ours.not_before, ours.not_after)
    )
    if not agreed:
        raise Wrong("another library reads other things in a certificate without fault")


def _authority(world: World) -> Context:
    """Put whatever comes between the root and the head."""
    store = replace(world.store, intermediates=())
    head, own = world.read(world.head), meaning(world.read(world.ca).key)

    def judge(data: bytes, _: bytes) -> Told:
        found = _read(signed_by(world.root, data))
        if found is None:
            return Told("malformed")
        path = paths.find_path(head, store=store, pool=(found,), at=NOW)
        report = _holder_report(head, store, NOW, (found,))
        if not path.faults and not (found.is_ca and meaning(found.key) == own):
            raise Wrong("a path by way of something that is no authority")
        return Told(", ".join(path.faults) or ("path" if not report.reasons else "no path"))

    everybody = x509.DirectoryName(x509.Name([]))
    bounded = forge.authority(
        "VECTOR ISSUING CA TEST", "ca", world.root, path_length=0,
        extensions=[
            (x509.NameConstraints([everybody, x509.DNSName("a.example")], [x509.RFC822Name("b")]), True),
            (x509.PolicyConstraints(1, 2), True), (x509.InhibitAnyPolicy(1), True),
            (x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("2.5.29.32.0"), None)]), False),
        ],
    )  # fmt: skip
    return Context("authority anew", (tbs_of(world.ca.der), tbs_of(bounded.der)), judge)


def of_certificates() -> Target:
    """Return the target of certificates."""
    world = World.made()
    made = [one.der for one in (world.root, world.ca, world.head, world.clerk, world.tsa, world.responder)]
    folder = "made-here/vector-pki/certs"
    vector = [der_of(f"{folder}/{one.name}") for one in sorted((VECTORS / folder).iterdir())]
    of_nca = [
        der_of(f"{place}/{one.name}")
        for place in ("ca-test", "ca-prod", "certs")
        for one in sorted((VECTORS / place).iterdir())
    ]
    people = [one.read_bytes() for one in sorted((VECTORS / "certs-from-p12").glob("keys-test-2026*"))]
    nca = nca_store("crl/nca_gost2022_test.2026-08-11.crl")
    return Target(
        "certificates",
        (
            _as_it_came("made", made, world.store, NOW),
            _as_it_came("vectors", vector, vector_store("vector-pki/crl/ca.crl"), NOW),
            _as_it_came("published", [*people, *of_nca], nca, NOW),
            _issued(world, [world.head.der, world.clerk.der]),
            _authority(world),
        ),
    )


# --- lists ------------------------------------------------------------------------------------------

Answered = tuple[object, ...]


def _listed(
    name: str, seeds: Sequence[bytes], people: Sequence[Certificate], issuer: Certificate, at: datetime,
    wrap: Callable[[bytes], bytes] | None = None, beside: Sequence[bytes] = (),
) -> Context:  # fmt: skip
    """Ask lists about certificates; ``wrap`` signs what comes, ``beside`` are lists that are there already."""
    others = tuple(map(revocation.read, beside))

    def asked(der: bytes) -> tuple[bytes, tuple[Answered, ...]] | None:
        try:
            found = revocation.read(der)
            for serial in (one.serial for one in people):
                revocation.entry(found, serial)
        except Malformed:
            found = None
        if found is None:
            return None
        told = [listed.status(one, issuer, lists=(*others, found), at=at, now=at) for one in people]
        # What was not said by the list itself was said by the others.
        spoke = [one for one in told if one.code in ("", "revoked") and found.der in one.used]
        return found.signed, tuple((one.code, one.revocation) for one in spoke)

    known = {heard for seed in seeds if wrap is None and (heard := asked(seed)) is not None}

    def judge(data: bytes, seed: bytes) -> Told:
        heard = asked(data if wrap is None else wrap(data))
        if heard is None:
            return Told("malformed")
        if wrap is None and heard[1] and heard not in known:
            raise Wrong("a list is believed that nobody signed so")
        codes = ", ".join(sorted({str(code or "good") for code, _ in heard[1]})) or "not believed"
        return Told(codes, "encoding" if wrap is None and heard[1] and data != seed else "")

    return Context(name, tuple(seeds), judge)


def _lists(world: World) -> tuple[list[bytes], list[bytes], bytes]:
    """Return lists, delta lists, and the base of these."""
    head, clerk = world.read(world.head).serial, world.read(world.clerk).serial
    reason, date = x509.CRLReason(x509.ReasonFlags.key_compromise), x509.InvalidityDate(NOW - 5 * DAY)
    lifted = x509.CRLReason(x509.ReasonFlags.remove_from_crl)
    named = x509.CertificateIssuer([x509.DirectoryName(world.ca.certificate.subject)])
    place = [x509.UniformResourceIdentifier("http://crl.example/ca.crl")]

    def scope(**how: bool) -> tuple[x509.ExtensionType, bool]:
        flags = {"only_contains_user_certs": False, "only_contains_ca_certs": False, "indirect_crl": False} | how
        return x509.IssuingDistributionPoint(
            full_name=place, relative_name=None, only_some_reasons=None, only_contains_attribute_certs=False, **flags
        ), True

    number, key = (
        (x509.CRLNumber(7), False),
        x509.AuthorityKeyIdentifier.from_issuer_public_key(world.ca.private.public_key()),
    )
    own = (key, False)
    entries = [(clerk, NOW - 2 * DAY, [reason, date]), (head + 1, NOW - DAY, []), (head, NOW + DAY, [reason])]
    base = forge.revocation_list(world.ca, entries[:2], extensions=[number, own])
    many = [(number, NOW - DAY, [reason]) for number in range(1, 60)]
    whole = [
        forge.revocation_list(world.ca),
        base,
        forge.revocation_list(world.ca, entries, extensions=[scope(only_contains_user_certs=True), number, own]),
        forge.revocation_list(world.ca, [(clerk, NOW - DAY, [named])], extensions=[scope(indirect_crl=True)]),
        forge.revocation_list(world.ca, [*many, *entries]),
    ]
    deltas = [
        forge.revocation_list(
            world.ca, more, extensions=[(x509.CRLNumber(9), False), (x509.DeltaCRLIndicator(7), True), own]
        )
        for more in ([(head, NOW - DAY, [reason])], [(clerk, NOW - DAY, [lifted])])
    ]
    return whole, deltas, base


def of_lists() -> Target:
    """Return the target of revocation lists."""
    world = World.made()
    whole, deltas, base = _lists(world)
    people, ca = [world.read(world.head), world.read(world.clerk)], world.read(world.ca)
    folder = "made-here/vector-pki"
    vector = [der_of(f"{folder}/crl/{one.name}") for one in sorted((VECTORS / folder / "crl").iterdir())]
    of_vector = [certificates.read(der_of(f"{folder}/certs/{one}.cer")) for one in ("head", "head2_revoked")]
    published = [der_of(f"crl/nca_gost2022_test.{day}.crl") for day in ("2022-07-27", "2026-08-11")]
    of_nca = [
        certificates.read(one.read_bytes()) for one in sorted((VECTORS / "certs-from-p12").glob("keys-test-2026*"))
    ]
    nca = certificates.read(der_of("ca-test/nca_gost2022_test.cer"))

    def wrap(data: bytes) -> bytes:
        return signed_by(world.ca, data)

    return Target(
        "crl",
        (
            _listed("made", whole, people, ca, NOW),
            _listed("made, delta", deltas, people, ca, NOW, beside=[base]),
            _listed("vectors", vector, of_vector, certificates.read(der_of(f"{folder}/certs/ca.cer")), NOW),
            _listed("published", published, of_nca, nca, NOW),
            _listed("signed anew", [tbs_of(one) for one in whole], people, ca, NOW, wrap),
            _listed("delta signed anew", [tbs_of(one) for one in deltas], people, ca, NOW, wrap, [base]),
        ),
    )
