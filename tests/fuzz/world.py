"""A small PKI that is the same in every run, and the published one: what the inputs of a run are judged against.

The keys follow from their owners' names, RSA signatures of this kind leave nothing to chance, and all dates are fixed:
an input that failed on one machine is the same input on another.  Nothing here protects anything.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "engines" / "signatures"))  # as pytest does: the forgers know each other by bare names

import forged_answers as answers  # noqa: E402
import forged_messages as forge  # noqa: E402
import forged_tokens as tokens  # noqa: E402
import forged_xml  # noqa: E402
from forged_messages import NOW, VECTORS, Holder  # noqa: E402

from app.signatures import asn1, certificates, revocation, trust  # noqa: E402
from app.signatures.asn1 import BITS, SEQUENCE, tlv  # noqa: E402
from app.signatures.certificates import Certificate  # noqa: E402
from app.signatures.trust import Anchor, TrustStore  # noqa: E402

__all__ = [
    "DAY", "MADE", "NOW", "VECTORS", "World", "answers", "forge", "forged_xml", "moment", "nca_store", "signed_by",
    "tbs_of", "tokens", "vector_store",
]  # fmt: skip

MADE = VECTORS / "made-here"
_SMALL = [number for number in range(3, 3000, 2) if all(number % other for other in range(3, number, 2))]


def _prime(dice: random.Random, bits: int) -> int:
    """Return a number of which chance says that it is a prime, always the same one."""
    while True:
        number = dice.getrandbits(bits) | 3 << (bits - 2) | 1
        if all(number % small for small in _SMALL) and all(
            pow(base, number - 1, number) == 1 for base in (2, 3, 5, 7)
        ):  # a number that only seems prime would show at the first signature
            return number


@cache
def _key(owner: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    dice = random.Random(f"fuzz key of {owner}")
    while True:
        p, q = (_prime(dice, bits // 2) for _ in range(2))
        if (p - 1) % 65537 and (q - 1) % 65537:
            break
    d = pow(65537, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(65537, p * q)
    )
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)


forge.key = _key


@dataclass(frozen=True)
class World:
    """An authority and the people it serves."""

    root: Holder
    ca: Holder
    head: Holder
    clerk: Holder
    tsa: Holder
    responder: Holder

    @classmethod
    @cache
    def made(cls) -> World:
        """Return the one world of this process."""
        root = forge.authority("VECTOR ROOT TEST", "root", None)
        ca = forge.authority("VECTOR ISSUING CA TEST", "ca", root, path_length=0)
        responder = forge.certificate(
            forge.name((forge.NameOID.COMMON_NAME, "VECTOR OCSP"), (forge.NameOID.COUNTRY_NAME, "KZ")),
            "responder",
            ca,
            usages=("digital_signature",),
            purposes=(answers.OCSP_SIGNING,),
            extensions=[(x509.OCSPNoCheck(), False)],
        )
        clerk = forge.certificate(
            forge.subject(iin="IIN900202400123"), "clerk", ca, purposes=forge.CAN_SIGN, extensions=_rich()
        )
        return cls(root, ca, forge.certificate(forge.subject(), "head", ca), clerk, tokens.authority(ca), responder)

    @cached_property
    def store(self) -> TrustStore:
        """Return what trusts the root, with its lists."""
        return self.trusting(lists=[forge.revocation_list(self.root), forge.revocation_list(self.ca)])

    def trusting(self, *, lists: Sequence[bytes] = ()) -> TrustStore:
        return TrustStore(
            anchors=(Anchor.of(self.root.der),),
            intermediates=(certificates.read(self.ca.der),),
            lists=tuple(map(revocation.read, lists)),
            environment="test",
        )

    def read(self, holder: Holder) -> Certificate:
        return certificates.read(holder.der)


def _rich() -> list[tuple[x509.ExtensionType, bool]]:
    """Return extensions of every kind that is read, so that inputs are made of them."""
    place = x509.UniformResourceIdentifier("http://crl.example/ca.crl")
    point = x509.DistributionPoint([place], None, frozenset({x509.ReasonFlags.key_compromise}), None)
    policy = x509.PolicyInformation(x509.ObjectIdentifier("1.2.398.3.3.2"), ["http://example/cps"])
    named = [
        x509.RFC822Name("a@b.example"),
        x509.DNSName("b.example"),
        x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
    ]
    return [
        (x509.CRLDistributionPoints([x509.DistributionPoint([place], None, None, None), point]), False),
        (x509.FreshestCRL([point]), False),
        (x509.CertificatePolicies([policy]), False),
        (x509.SubjectAlternativeName([*named, x509.DirectoryName(forge.subject())]), False),
    ]


def signed_by(holder: Holder, tbs: bytes) -> bytes:
    """Return a certificate or list around what is to be signed, whatever that is."""
    value = holder.private.sign(tbs, padding.PKCS1v15(), hashes.SHA256())
    return tlv(SEQUENCE, tbs, forge.SHA256_WITH_RSA, tlv(BITS, b"\0" + value))


def tbs_of(der: bytes) -> bytes:
    """Return what is signed of a certificate or list."""
    return asn1.parse(der).children[0].raw


@cache
def nca_store(*lists: str) -> TrustStore:
    """Return what trusts the NCA's test authority of 2022, with lists of the vectors."""
    return trust.read_store(
        [VECTORS / "ca-test/root_test_gost_2022.cer"],
        intermediates=[VECTORS / "ca-test/nca_gost2022_test.cer"],
        lists=[VECTORS / one for one in lists],
        environment="test",
    )


@cache
def vector_store(*lists: str) -> TrustStore:
    """Return what trusts the made PKI of the vectors, with its lists."""
    certs = MADE / "vector-pki/certs"
    return trust.read_store(
        [certs / "root.cer"], intermediates=[certs / "ca.cer"], lists=[MADE / one for one in lists], environment="test"
    )


def moment(written: str) -> datetime:
    """Return a moment that is written with its zone."""
    return datetime.fromisoformat(written)


DAY = timedelta(days=1)
