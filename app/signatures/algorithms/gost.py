"""The GOST signatures and digests of Kazakhstan: GOST R 34.10-2015 (512, 256) and GOST 34.310-2004.

Kazakhstan writes them the other way round than RFC 4491 and RFC 9215 (Russia) do: a signature is r, s
and not s, r, both little-endian, and the digest is read as a little-endian number.

The 256-bit variant of 2015 has been seen in no published data.  Its curve is the one that two programs
checked against Kalkan, the NCA's own library, name for 1.2.398.3.10.1.1.2.1.1: tc26 256 A (ncalayer-rs
from Kalkan's table of curves; edscheck-desktop).  CryptoPro-A, which serves the keys of 2004, is another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from app.signatures.algorithms import native
from app.signatures.algorithms.gost34311 import gost34311
from app.signatures.algorithms.gost_curve import CRYPTO_PRO_A, TC26_256_A, TC26_512_A, Curve, Point
from app.signatures.algorithms.refusals import TooSlow
from app.signatures.algorithms.streebog import streebog256, streebog512


@dataclass(frozen=True)
class GostDigest:
    """A digest; without a library it is computed for ``limit`` octets at most (some six seconds)."""

    name: str
    oids: tuple[str, ...]
    native_name: str
    pure: Callable[[bytes], bytes]
    limit: int

    def compute(self, content: bytes) -> bytes:
        """Return the digest of ``content``.

        Raises:
            TooSlow: it is too long to be computed without a library.
        """
        digest = native.digest(self.native_name, content)
        if digest is not None:
            return digest
        if len(content) > self.limit:
            raise TooSlow(self.oids[0], size=len(content), limit=self.limit)
        return self.pure(content)


_MIB = 1024 * 1024
STREEBOG_256 = GostDigest("GOST R 34.11-2012 (256)", ("1.2.398.3.10.1.3.2",), "streebog256", streebog256, 8 * _MIB)
STREEBOG_512 = GostDigest("GOST R 34.11-2012 (512)", ("1.2.398.3.10.1.3.3",), "streebog512", streebog512, 8 * _MIB)
GOST_34_311 = GostDigest("GOST 34.311-95", ("1.2.398.3.10.1.3.1",), "gost34311", gost34311, 4 * _MIB)
DIGESTS = (STREEBOG_256, STREEBOG_512, GOST_34_311)


@dataclass(frozen=True)
class GostSignature:
    """A signature algorithm with its only curve and its only digest.

    ``key_head`` is the DER of a SubjectPublicKeyInfo up to the coordinates: with the one curve, the one
    digest and the fixed length of both coordinates, there is but one way to write a key.
    """

    name: str
    oids: tuple[str, ...]
    keys: tuple[str, ...]
    digest: GostDigest
    curve: Curve
    key_head: bytes

    @property
    def digests(self) -> tuple[str, ...]:
        """Return the identifiers of the digest."""
        return self.digest.oids

    def verify(self, key: bytes, signature: bytes, signed: bytes) -> bool:
        """Return whether the signature over ``signed`` is that of the key.

        Raises:
            TooSlow: ``signed`` is too long to be hashed without a library.
        """
        return self.verify_digest(key, signature, self.digest.compute(signed))

    def verify_digest(self, key: bytes, signature: bytes, digest: bytes) -> bool:
        """Return whether the signature verifies; a key that is not of this kind verifies nothing.

        Source: RFC 7091, 6.2.
        """
        point, order, size = public_point(self, key), self.curve.order, self.curve.size
        if point is None or len(signature) != 2 * size:
            return False
        r, s = (int.from_bytes(half, "little") for half in (signature[:size], signature[size:]))
        if not (0 < r < order and 0 < s < order):
            return False
        inverse = pow(self.number(digest), -1, order)
        found = native.combine(self.curve, s * inverse % order, -r * inverse % order, point)
        return found is not None and found[0] % order == r

    def number(self, digest: bytes) -> int:
        """Return a digest as the number e of the formulas, between 1 and the order."""
        return int.from_bytes(digest, "little") % self.curve.order or 1


@lru_cache(maxsize=256)
def public_point(algorithm: GostSignature, key: bytes) -> Point | None:
    """Return the point of a SubjectPublicKeyInfo, None for one that is no key of this algorithm.

    The neutral point has no coordinates, so it cannot be written down.
    """
    size, head = algorithm.curve.size, algorithm.key_head
    if len(key) != len(head) + 2 * size or not key.startswith(head):
        return None
    x, y = key[len(head) : len(head) + size], key[len(head) + size :]
    point = int.from_bytes(x, "little"), int.from_bytes(y, "little")
    return point if algorithm.curve.has(point) else None


# Key identifier and, as its parameters, curve and digest; then a BIT STRING with an OCTET STRING in it.
GOST_2015_512 = GostSignature(
    name="GOST R 34.10-2015 (512)",
    oids=("1.2.398.3.10.1.1.2.3.2",),
    keys=("1.2.398.3.10.1.1.2.2",),
    digest=STREEBOG_512,
    curve=TC26_512_A,
    key_head=bytes.fromhex(
        "3081ac 3023 06092a830e030a01010202 3016 060a2a830e030a0101020201 06082a830e030a010303 03818400 048180"
    ),
)
GOST_2015_256 = GostSignature(
    name="GOST R 34.10-2015 (256)",
    oids=("1.2.398.3.10.1.1.2.3.1",),
    keys=("1.2.398.3.10.1.1.2.1",),
    digest=STREEBOG_256,
    curve=TC26_256_A,
    key_head=bytes.fromhex(
        "306a 3023 06092a830e030a01010201 3016 060a2a830e030a0101020101 06082a830e030a010302 034300 0440"
    ),
)
GOST_2004 = GostSignature(
    name="GOST 34.310-2004",
    oids=("1.2.398.3.10.1.1.1.2",),
    keys=("1.2.398.3.10.1.1.1.1",),
    digest=GOST_34_311,
    curve=CRYPTO_PRO_A,
    key_head=bytes.fromhex(
        "306c 3025 06092a830e030a01010101 3018 060a2a830e030a0101010101 060a2a830e030a0103010100 034300 0440"
    ),
)
SIGNATURES = (GOST_2015_512, GOST_2015_256, GOST_2004)
