"""Why an algorithm is not computed, and what the algorithms are called in reports."""

from __future__ import annotations

NAMES = {
    "1.2.398.3.10.1.1.1.1": "GOST 34.310-2004",
    "1.2.398.3.10.1.1.1.2": "GOST 34.310-2004",
    "1.2.398.3.10.1.3.1": "GOST 34.311-95",
    "1.2.398.3.10.1.1.2.1": "GOST R 34.10-2015 (256)",
    "1.2.398.3.10.1.1.2.2": "GOST R 34.10-2015 (512)",
    "1.2.398.3.10.1.1.2.3.1": "GOST R 34.10-2015 (256)",
    "1.2.398.3.10.1.1.2.3.2": "GOST R 34.10-2015 (512)",
    "1.2.398.3.10.1.3.2": "GOST R 34.11-2012 (256)",
    "1.2.398.3.10.1.3.3": "GOST R 34.11-2012 (512)",
    "1.2.840.113549.1.1.10": "RSASSA-PSS",
    "1.2.840.10045.2.1": "EC",
    "1.2.840.10045.4.3.2": "ECDSA with SHA-256",
    "1.2.840.113549.1.1.4": "MD5 with RSA",
    "1.2.840.113549.1.1.5": "SHA-1 with RSA",
    "1.3.14.3.2.26": "SHA-1",
    "1.2.840.113549.2.5": "MD5",
}
"""Identifier -> name, for reports."""


class Unsupported(Exception):
    """An algorithm that is not in the tables; ``oid`` and, where known, its ``name``."""

    def __init__(self, oid: str) -> None:
        super().__init__(oid)
        self.oid = oid
        self.name = NAMES.get(oid, oid)


class TooSlow(Unsupported):
    """A digest over ``size`` bytes, more than the ``limit`` that is computed without a native library."""

    def __init__(self, oid: str, *, size: int, limit: int) -> None:
        super().__init__(oid)
        self.size = size
        self.limit = limit

    def __str__(self) -> str:
        return f"{self.name}: {self.size:,} bytes, at most {self.limit:,}"


class Weak(Exception):
    """An algorithm that no longer proves anything."""

    def __init__(self, oid: str) -> None:
        super().__init__(oid)
        self.oid = oid
        self.name = NAMES.get(oid, oid)


class WeakKey(Exception):
    """A key that proves nothing: too short, or with an exponent that invites forgery."""


class Mismatch(Exception):
    """Key, signature and digest algorithm that do not belong together."""
