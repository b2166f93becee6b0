"""What we can compute, by object identifier.

A new algorithm is one file beside this one and its entries in the two tables.  What stands in
neither table is not guessed: it is ``unsupported`` (INDETERMINATE) or, when it is known to be
broken, ``weak`` (INVALID).  GOST is computed in plain Python, or by libraries of the system where
they are there (``in_use`` tells).
"""

from __future__ import annotations

from typing import Protocol

from app.signatures.algorithms import gost, rsa
from app.signatures.algorithms.native import in_use
from app.signatures.algorithms.refusals import NAMES, Mismatch, TooSlow, Unsupported, Weak, WeakKey

__all__ = [
    "ALGORITHMS", "DIGESTS", "NAMES", "Algorithm", "Digest", "Mismatch", "TooSlow", "Unsupported", "Weak", "WeakKey",
    "digest", "in_use", "signature",
]  # fmt: skip


class Digest(Protocol):
    """A digest algorithm."""

    @property
    def name(self) -> str: ...
    @property
    def oids(self) -> tuple[str, ...]: ...

    def compute(self, content: bytes) -> bytes:
        """Return the digest of ``content``.

        Raises:
            TooSlow: it is too long for what is at hand.
        """
        ...


class Algorithm(Protocol):
    """A signature algorithm: which keys and which digests it goes with, and how it verifies.

    ``named_by`` are the identifiers a message or certificate may give it, ``keys`` those of the
    public key, ``digests`` those that a message's digestAlgorithm may be.
    """

    @property
    def name(self) -> str: ...
    @property
    def oids(self) -> tuple[str, ...]: ...
    @property
    def keys(self) -> tuple[str, ...]: ...
    @property
    def digests(self) -> tuple[str, ...]: ...
    @property
    def digest(self) -> Digest: ...

    def verify(self, key: bytes, signature: bytes, signed: bytes) -> bool:
        """Return whether ``signature`` over ``signed`` is that of ``key`` (SubjectPublicKeyInfo, DER).

        Raises:
            WeakKey: the key is too short to prove anything.
            TooSlow: ``signed`` is too long for what is at hand.
        """
        ...

    def verify_digest(self, key: bytes, signature: bytes, digest: bytes) -> bool:
        """Do as ``verify`` with the digest already computed."""
        ...


_SIGNATURES: tuple[Algorithm, ...] = (*rsa.SIGNATURES, *gost.SIGNATURES)
_DIGESTS: tuple[Digest, ...] = (*rsa.DIGESTS, *gost.DIGESTS)


ALGORITHMS = {
    oid: tuple(algorithm for algorithm in _SIGNATURES if oid in algorithm.oids)
    for known in _SIGNATURES
    for oid in known.oids
}
"""By the identifier of the signature; rsaEncryption alone (as OpenSSL writes) leaves the digest to choose."""

DIGESTS = {oid: known for known in _DIGESTS for oid in known.oids}

WEAK = frozenset(
    {
        "1.2.840.113549.1.1.2",  # MD2 with RSA
        "1.2.840.113549.1.1.4",  # MD5 with RSA
        "1.2.840.113549.1.1.5",  # SHA-1 with RSA
        "1.3.14.3.2.29",  # SHA-1 with RSA, older name
        "1.3.14.3.2.26",  # SHA-1
        "1.2.840.113549.2.2",  # MD2
        "1.2.840.113549.2.5",  # MD5
    }
)


def digest(oid: str) -> Digest:
    """Return the digest algorithm.

    Raises:
        Weak, Unsupported: it will not do, or is not known.
    """
    if oid in WEAK:
        raise Weak(oid)
    if oid not in DIGESTS:
        raise Unsupported(oid)
    return DIGESTS[oid]


def signature(oid: str, *, key: str, digest: str | None = None) -> Algorithm:
    """Return the signature algorithm of an allowed triple.

    ``digest`` is None for certificates and lists, whose signature identifier names it.

    Raises:
        Weak, Unsupported: one of the three will not do, or is not known.
        Mismatch: the three do not belong together.
    """
    for part in (oid, digest):
        if part is not None and part in WEAK:
            raise Weak(part)
    candidates = ALGORITHMS.get(oid)
    if candidates is None:
        raise Unsupported(oid)
    if digest is not None and digest not in DIGESTS:
        raise Unsupported(digest)
    fitting = [known for known in candidates if key in known.keys and (digest is None or digest in known.digests)]
    if len(fitting) != 1:
        raise Mismatch
    return fitting[0]
