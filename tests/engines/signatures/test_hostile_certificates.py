"""Certificates and lists that say absurd things: read or malformed, judged, never a traceback, and soon."""

from __future__ import annotations

import random
import time

import forged_messages as forge
import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from forged_messages import NOW, VECTORS
from test_hostile_bytes import _mutants

from app.signatures import asn1, certificates, constraints, distribution, identity, names, policies, revocation
from app.signatures.asn1 import Malformed, tlv
from app.signatures.report import Verdict

SEQUENCE, SET, INTEGER, OCTETS = asn1.SEQUENCE, asn1.SET, asn1.INTEGER, asn1.OCTETS


def _oids(count: int) -> list[bytes]:
    return [asn1.oid(f"1.2.398.{number}") for number in range(count)]


def _directory(*texts: str) -> bytes:
    pairs = (tlv(SET, tlv(SEQUENCE, asn1.oid("2.5.4.11"), tlv(0x0C, text.encode()))) for text in texts)
    return tlv(0xA4, tlv(SEQUENCE, *pairs))


VALUES = {
    "2.5.29.14": tlv(OCTETS, bytes(20)),
    "2.5.29.15": b"\x03\x02\x01\x06",
    "2.5.29.17": tlv(SEQUENCE, tlv(0x81, b"a@kase.kz"), tlv(0x82, b"kase.kz"), tlv(0x86, b"https://kase.kz/"),
                     tlv(0x87, bytes(4)), _directory("x"), tlv(0x88, b"\x2a\x03"), tlv(0xA0, asn1.oid("1.2"))),
    "2.5.29.19": tlv(SEQUENCE, b"\x01\x01\xff", b"\x02\x01\x03"),
    "2.5.29.30": tlv(SEQUENCE, tlv(0xA0, tlv(SEQUENCE, tlv(0x82, b"kase.kz")), tlv(SEQUENCE, _directory("y"))),
                     tlv(0xA1, tlv(SEQUENCE, tlv(0x87, bytes(8))))),
    "2.5.29.31": tlv(SEQUENCE, tlv(SEQUENCE, tlv(0xA0, tlv(0xA0, tlv(0x86, b"http://crl.pki.gov.kz/a.crl"))),
                                   tlv(0x81, b"\x05\x60"), tlv(0xA2, _directory("z")))),
    "2.5.29.32": tlv(SEQUENCE, *(tlv(SEQUENCE, oid) for oid in _oids(3))),
    "2.5.29.33": tlv(SEQUENCE, tlv(SEQUENCE, *_oids(2))),
    "2.5.29.35": tlv(SEQUENCE, tlv(0x80, bytes(20))),
    "2.5.29.36": tlv(SEQUENCE, tlv(0x80, b"\0"), tlv(0x81, b"\1")),
    "2.5.29.37": tlv(SEQUENCE, *_oids(2)),
    "2.5.29.54": tlv(INTEGER, b"\1"),
}  # fmt: skip
"""A value in good order of every extension that is understood."""


def _holder_with(world, oid: str, value: bytes, *, critical: bool, is_authority: bool) -> forge.Holder:
    """Return a truly signed certificate with one extension of any value; those that we make otherwise step aside."""
    extensions = [(x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value), critical)]
    own = {"2.5.29.14", "2.5.29.35"}
    how = {"extensions": extensions if oid not in own else []}
    if oid == "2.5.29.15":
        how["usages"] = None
    if oid == "2.5.29.37":
        how["purposes"] = None
    if oid == "2.5.29.19":
        how["ca"] = None
    if is_authority:
        return forge.authority("ODD CA TEST", "odd", world.root, **how)
    how.pop("ca", None)
    return world.issue(**how)


@pytest.mark.parametrize("oid", VALUES)
def test_a_signed_certificate_may_say_what_it_will(oid, world):
    dice = random.Random(oid)
    mutants = [*_mutants(VALUES[oid], 40, seed=dice.randrange(999)), b"", b"\x30\x80", dice.randbytes(30)]
    for value in mutants:
        critical, is_authority = dice.random() < 0.5, dice.random() < 0.5
        odd = _holder_with(world, oid, value, critical=critical, is_authority=is_authority)
        signer = world.issue(owner="below", issuer=odd) if is_authority else odd
        message = forge.message(signer, certificates=[signer.der, odd.der])

        start = time.process_time()
        report = world.verify(message, at=NOW)

        assert report.verdict in set(Verdict)
        assert time.process_time() - start < 5  # a fraction of it on an idle machine


READERS = {
    "2.5.29.17": lambda value: names.general_names(asn1.parse(value)),
    "2.5.29.28": distribution.read_scope,
    "2.5.29.30": constraints.read,
    "2.5.29.31": distribution.read_points,
    "2.5.29.32": lambda value: policies.read(value, None, None, None),
    "2.5.29.33": lambda value: policies.read(None, value, None, None),
    "2.5.29.36": lambda value: policies.read(None, None, value, None),
    "2.5.29.54": lambda value: policies.read(None, None, None, value),
}
SCOPE = tlv(
    SEQUENCE,
    tlv(0xA0, tlv(0xA1, tlv(SEQUENCE, asn1.oid("2.5.4.3"), tlv(0x0C, b"x")))),
    b"\x81\1\xff\x83\2\5\x60\x84\1\0",
)


@pytest.mark.parametrize("oid", READERS)
def test_an_extension_is_read_or_malformed(oid):
    for mutant in _mutants(VALUES.get(oid, SCOPE), 3000, seed=3):
        try:
            READERS[oid](mutant)
        except Malformed:
            continue


def test_a_published_certificate_changed_anywhere_is_read_or_malformed():
    for path in sorted((VECTORS / "certs-from-p12").glob("*2026__valid*.cer")):
        for mutant in _mutants(path.read_bytes(), 400, seed=4):
            try:
                changed = certificates.read(mutant)
            except Malformed:
                continue
            identity.read(changed)
            names.display(changed.issuer)


def test_a_published_list_changed_anywhere_is_read_or_malformed():
    for path in sorted((VECTORS / "crl").glob("*.crl")):
        original = path.read_bytes()
        first = revocation.read(original)
        serials = [int.from_bytes(original[at + 2 : at + 22], "big") for at in (first.entries[0] + 2,)]
        for mutant in _mutants(original, 400, seed=5):
            try:
                changed = revocation.read.__wrapped__(mutant)
                for serial in (1, *serials):
                    revocation.entry(changed, serial)
                assert changed.is_understood in (True, False)
            except Malformed:
                continue


# --- made to multiply ---------------------------------------------------------------------------------

MULTIPLIERS = {
    "alternative names": [("2.5.29.17", tlv(SEQUENCE, *(tlv(0x82, b"a%d.kase.kz" % number) for number in range(490))))],
    "policies": [("2.5.29.32", tlv(SEQUENCE, *(tlv(SEQUENCE, oid) for oid in _oids(240))))],
    "policy mappings": [
        ("2.5.29.32", tlv(SEQUENCE, *(tlv(SEQUENCE, oid) for oid in _oids(240)))),
        ("2.5.29.33", tlv(SEQUENCE, *(tlv(SEQUENCE, one, other) for one in _oids(12) for other in _oids(12)))),
    ],
    "name constraints": [
        ("2.5.29.30", tlv(SEQUENCE, tlv(0xA0, *(tlv(SEQUENCE, _directory(f"{n}", "a")) for n in range(40))))),
        ("2.5.29.17", tlv(SEQUENCE, *(_directory(f"{n}", "c") for n in range(45)))),
    ],
    "distribution points": [
        ("2.5.29.31", tlv(SEQUENCE, *(
            tlv(SEQUENCE, tlv(0xA0, tlv(0xA0, *(_directory(f"{n}", f"{m}") for m in range(8))))) for n in range(5)))),
    ],
    "more than is read": [("2.5.29.32", tlv(SEQUENCE, *(tlv(SEQUENCE, oid) for oid in _oids(5000))))],
    "unknown extensions": [("1.2.398.9.1", b"\5\0")] + [(f"1.2.398.9.{number}", b"\5\0") for number in range(2, 55)],
}  # fmt: skip


@pytest.mark.parametrize("case", MULTIPLIERS)
def test_sixty_certificates_made_to_multiply_are_judged_within_a_second(case, world):
    said = [(x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value), False) for oid, value in MULTIPLIERS[case]]
    chain = [world.root]
    for number in range(6):
        chain.append(forge.authority(f"MANY {number} TEST", f"many {number}", chain[-1], extensions=said))
    namesakes = [
        forge.authority("MANY 5 TEST", "many 5", chain[5], extensions=said, serial=9000 + number)
        for number in range(50)
    ]
    of_a_signer = [one for one in said if one[0].oid.dotted_string != "2.5.29.33"]
    signer = world.issue(owner="below many", issuer=chain[-1], extensions=of_a_signer)
    message = forge.message(signer, certificates=[one.der for one in (signer, *chain[1:], *namesakes)])
    certificates.read.cache_clear()

    start = time.process_time()
    report = world.verify(message, intermediates=())

    assert time.process_time() - start < 5  # a fraction of it on an idle machine
    assert report.verdict is not Verdict.VALID


def test_a_name_without_end_is_no_persons(world):
    whose = forge.subject(extra=[(NameOID.GIVEN_NAME, f"name {number} " * 20) for number in range(150)])

    report = world.verify(forge.message(world.issue(whose=whose)))

    assert "identity_malformed" in report.reasons
