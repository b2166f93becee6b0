"""The few DER elements that keys, certificates and messages are written with."""

from __future__ import annotations

from datetime import UTC, datetime

from pyasn1.codec.der import encoder
from pyasn1.type import univ

from app.signatures.asn1 import INTEGER, OID, SEQUENCE, tlv

NULL = b"\x05\x00"
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18


def oid(dotted: str) -> bytes:
    """Return an object identifier as DER."""
    der = bytes(encoder.encode(univ.ObjectIdentifier(dotted)))
    assert der[0] == OID
    return der


def algorithm(dotted: str) -> bytes:
    """Return an AlgorithmIdentifier with NULL parameters, as NCALayer writes all of them."""
    return tlv(SEQUENCE, oid(dotted), NULL)


def integer(number: int) -> bytes:
    """Return an INTEGER as DER."""
    return tlv(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))


def moment(at: datetime) -> bytes:
    """Return a Time (RFC 5280, 4.1.2.5): UTCTime until 2049, GeneralizedTime from then on."""
    at = at.astimezone(UTC)
    if at.year < 2050:
        return tlv(UTC_TIME, at.strftime("%y%m%d%H%M%SZ").encode())
    return tlv(GENERALIZED_TIME, at.strftime("%Y%m%d%H%M%SZ").encode())
