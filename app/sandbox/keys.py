"""Private keys of the sandbox: RSA, and GOST as Kazakhstan writes it.

Only here does the project sign.  The GOST arithmetic is the verifier's and takes no care to hide
the key from whoever measures its time: fit for keys that protect nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from functools import cached_property

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from app.sandbox.der import integer, oid
from app.signatures import asn1
from app.signatures.algorithms import native
from app.signatures.algorithms.gost import GOST_2015_512, SIGNATURES, GostSignature
from app.signatures.algorithms.rsa import RSA_ENCRYPTION
from app.signatures.asn1 import OCTETS, SEQUENCE, Malformed, tlv

SHA256 = "2.16.840.1.101.3.4.2.1"
SHA256_WITH_RSA = "1.2.840.113549.1.1.11"
_RSA_BITS = 2048


@dataclass(frozen=True)
class RsaKey:
    """An RSA key that signs SHA-256."""

    private: RSAPrivateKey

    kalkan_name = "RSA"
    digest_oid, signature_oid = SHA256, SHA256_WITH_RSA

    @classmethod
    def new(cls) -> RsaKey:
        """Return a key of 2048 bits."""
        return cls(rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS))

    @cached_property
    def public(self) -> bytes:
        """Return the SubjectPublicKeyInfo."""
        return self.private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def digest(self, content: bytes) -> bytes:
        """Return the digest that the signature goes with."""
        return hashlib.sha256(content).digest()

    def sign(self, signed: bytes) -> bytes:
        """Return the signature over ``signed``."""
        return self.private.sign(signed, padding.PKCS1v15(), hashes.SHA256())

    def pkcs8(self) -> bytes:
        """Return the key as an unencrypted PrivateKeyInfo."""
        return self.private.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


@dataclass(frozen=True)
class GostKey:
    """A GOST key: the secret number and the algorithm it signs with."""

    number: int = field(repr=False)
    kind: GostSignature = GOST_2015_512

    kalkan_name = "ECGOST3410-2015-512"

    @classmethod
    def new(cls, kind: GostSignature = GOST_2015_512) -> GostKey:
        """Return a new key."""
        return cls(1 + secrets.randbelow(kind.curve.order - 1), kind)

    @property
    def digest_oid(self) -> str:
        """Return the identifier of the digest."""
        return self.kind.digests[0]

    @property
    def signature_oid(self) -> str:
        """Return the identifier of the signature."""
        return self.kind.oids[0]

    @cached_property
    def public(self) -> bytes:
        """Return the SubjectPublicKeyInfo."""
        curve = self.kind.curve
        point = native.combine(curve, self.number, 0, curve.generator)
        assert point is not None
        return self.kind.key_head + b"".join(coordinate.to_bytes(curve.size, "little") for coordinate in point)

    def digest(self, content: bytes) -> bytes:
        """Return the digest that the signature goes with."""
        return self.kind.digest.compute(content)

    def sign(self, signed: bytes) -> bytes:
        """Return the signature over ``signed``: r and s, little-endian.  Source: RFC 7091, 6.1."""
        curve, e = self.kind.curve, self.kind.number(self.digest(signed))
        while True:
            k = 1 + secrets.randbelow(curve.order - 1)
            point = native.combine(curve, k, 0, curve.generator)
            assert point is not None
            r = point[0] % curve.order
            s = (r * self.number + k * e) % curve.order
            if r and s:
                return r.to_bytes(curve.size, "little") + s.to_bytes(curve.size, "little")

    def pkcs8(self) -> bytes:
        """Return the key as an unencrypted PrivateKeyInfo, as the NCA writes it."""
        written = tlv(OCTETS, self.number.to_bytes(self.kind.curve.size, "little"))
        named = asn1.parse(self.public).children[0].raw
        return tlv(SEQUENCE, integer(0), named, tlv(OCTETS, written))


Key = RsaKey | GostKey


def read(pkcs8: bytes) -> Key:
    """Read an unencrypted PrivateKeyInfo.

    Raises:
        Malformed: it is none, or of a kind that the sandbox does not sign with.
    """
    whole = asn1.parse(pkcs8)
    if len(whole.children) < 3 or not whole.children[1].children:
        raise Malformed(detail="private key")
    named = whole.children[1]
    for kind in SIGNATURES:
        if named.children[0].raw == oid(kind.keys[0]):
            if named.der() not in kind.key_head:  # curve and digest other than the only ones
                raise Malformed(detail="parameters of a private key")
            return GostKey(_number(whole.children[2].content, kind), kind)
    if named.children[0].raw != oid(RSA_ENCRYPTION):
        raise Malformed(detail="kind of a private key")
    private = serialization.load_der_private_key(whole.der(), password=None)
    assert isinstance(private, RSAPrivateKey)
    return RsaKey(private)


def _number(written: bytes, kind: GostSignature) -> int:
    """Return the secret number: keys of 2015 have it little-endian, keys of 2004 as an INTEGER."""
    inner = asn1.parse(written)
    number = int.from_bytes(inner.content, "little" if inner.tag == OCTETS else "big")
    if inner.tag not in (OCTETS, asn1.INTEGER) or not 0 < number < kind.curve.order:
        raise Malformed(detail="number of a private key")
    return number
