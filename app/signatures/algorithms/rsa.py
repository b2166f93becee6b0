"""RSA with PKCS #1 v1.5 padding and SHA-2 (RFC 8017, 8.2; RFC 5754)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from app.signatures.algorithms.refusals import WeakKey

RSA_ENCRYPTION = "1.2.840.113549.1.1.1"
SHORTEST_KEY, LONGEST_KEY = 2048, 8192
"""Bits; longer keys only cost the verifier's time."""
SMALLEST_EXPONENT, LONGEST_EXPONENT = 0x10001, 256
"""The least public exponent, and the bits of the greatest: a long one costs as much as signing.  Source: FIPS 186-5."""


@dataclass(frozen=True)
class Sha2:
    """A digest of the SHA-2 family."""

    name: str
    oids: tuple[str, ...]

    def compute(self, content: bytes) -> bytes:
        """Return the digest of ``content``."""
        return hashlib.new(self.name.replace("-", "").lower(), content).digest()


@dataclass(frozen=True)
class Pkcs1:
    """An RSA signature with one digest."""

    name: str
    oids: tuple[str, ...]
    digest: Sha2
    hash: hashes.HashAlgorithm
    keys: tuple[str, ...] = (RSA_ENCRYPTION,)

    @property
    def digests(self) -> tuple[str, ...]:
        """Return the identifiers of the digest."""
        return self.digest.oids

    def verify(self, key: bytes, signature: bytes, signed: bytes) -> bool:
        """Return whether the signature over ``signed`` is that of the key."""
        return self.verify_digest(key, signature, self.digest.compute(signed))

    def verify_digest(self, key: bytes, signature: bytes, digest: bytes) -> bool:
        """Return whether the signature verifies; a key that cannot be read verifies nothing."""
        try:
            public = serialization.load_der_public_key(key)
        except (ValueError, UnsupportedAlgorithm):
            return False
        if not isinstance(public, RSAPublicKey):
            return False
        exponent = public.public_numbers().e
        if not SHORTEST_KEY <= public.key_size <= LONGEST_KEY or exponent < SMALLEST_EXPONENT:
            raise WeakKey(public.key_size)
        if exponent.bit_length() > LONGEST_EXPONENT:
            raise WeakKey(public.key_size)
        if len(signature) != (public.key_size + 7) // 8:
            return False
        try:
            public.verify(signature, digest, padding.PKCS1v15(), Prehashed(self.hash))
        except InvalidSignature:
            return False
        return True


SHA256 = Sha2("SHA-256", ("2.16.840.1.101.3.4.2.1",))
SHA384 = Sha2("SHA-384", ("2.16.840.1.101.3.4.2.2",))
SHA512 = Sha2("SHA-512", ("2.16.840.1.101.3.4.2.3",))
DIGESTS = (SHA256, SHA384, SHA512)


def _with(digest: Sha2, oid: str, algorithm: hashes.HashAlgorithm) -> Pkcs1:
    return Pkcs1(f"RSA with {digest.name}", (oid, RSA_ENCRYPTION), digest, algorithm)


SIGNATURES = (
    _with(SHA256, "1.2.840.113549.1.1.11", hashes.SHA256()),
    _with(SHA384, "1.2.840.113549.1.1.12", hashes.SHA384()),
    _with(SHA512, "1.2.840.113549.1.1.13", hashes.SHA512()),
)
