"""OCSP answers with one thing wrong each, signed with the keys of ``forged_messages``."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from forged_messages import NOW, Holder

from app.signatures import asn1
from app.signatures.asn1 import BITS, BOOLEAN, ENUMERATED, GENERALIZED_TIME, NULL, OCTETS, SEQUENCE, tlv

SHA1, SHA256, SHA256_WITH_RSA = "1.3.14.3.2.26", "2.16.840.1.101.3.4.2.1", "1.2.840.113549.1.1.11"
NONCE = bytes(range(1, 9))
OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"
NO_CHECK = "1.3.6.1.5.5.7.48.1.5"

GOOD, UNKNOWN = tlv(0x80), tlv(0x82)


def revoked(since: datetime, reason: int | None = None) -> bytes:
    why = b"" if reason is None else tlv(0xA0, tlv(ENUMERATED, bytes((reason,))))
    return tlv(0xA1, time(since), why)


def time(moment: datetime) -> bytes:
    return tlv(GENERALIZED_TIME, f"{moment.year:04}{moment:%m%d%H%M%SZ}".encode())


def algorithm(oid: str) -> bytes:
    return tlv(SEQUENCE, asn1.oid(oid), tlv(NULL))


def extension(oid: str, value: bytes, *, critical: bool = False) -> bytes:
    return tlv(SEQUENCE, asn1.oid(oid), tlv(BOOLEAN, b"\xff") if critical else b"", tlv(OCTETS, value))


def nonce(value: bytes = NONCE) -> bytes:
    return extension("1.3.6.1.5.5.7.48.1.2", tlv(OCTETS, value))


def key_bits(holder: Holder) -> bytes:
    spki = asn1.parse(holder.der).children[0]
    return next(
        part.children[1].content[1:] for part in spki.children if part.children and part.children[-1].tag == BITS
    )


def named(
    certificate: Holder, issuer: Holder, *, digest: str = SHA256, named_as: str | None = None, serial: int | None = None
) -> bytes:
    compute = hashlib.sha1 if digest == SHA1 else hashlib.sha256
    return tlv(
        SEQUENCE,
        algorithm(named_as or digest),
        tlv(OCTETS, compute(issuer.certificate.subject.public_bytes()).digest()),
        tlv(OCTETS, compute(key_bits(issuer)).digest()),
        asn1.integer(certificate.certificate.serial_number if serial is None else serial),
    )


def single(
    about: bytes,
    status: bytes = GOOD,
    *,
    this_update: datetime = NOW - timedelta(minutes=1),
    next_update: datetime | None = None,
    extensions: Sequence[bytes] = (),
) -> bytes:
    return tlv(
        SEQUENCE,
        about,
        status,
        time(this_update),
        b"" if next_update is None else tlv(0xA0, time(next_update)),
        tlv(0xA1, tlv(SEQUENCE, *extensions)) if extensions else b"",
    )


def answer(
    singles: Sequence[bytes],
    responder: Holder,
    *,
    enclosed: Sequence[bytes] | None = None,
    by_key: bool = False,
    name: bytes | None = None,
    produced_at: datetime = NOW - timedelta(minutes=1),
    extensions: Sequence[bytes] = (),
    signed_by: Holder | None = None,
    signature_algorithm: str = SHA256_WITH_RSA,
) -> bytes:
    """Return a whole answer; ``enclosed`` None puts the responder's own certificate in."""
    if by_key:
        who = tlv(0xA2, tlv(OCTETS, hashlib.sha1(key_bits(responder)).digest()))
    else:
        who = tlv(0xA1, name or responder.certificate.subject.public_bytes())
    data = tlv(
        SEQUENCE,
        who,
        time(produced_at),
        tlv(SEQUENCE, *singles),
        tlv(0xA1, tlv(SEQUENCE, *extensions)) if extensions else b"",
    )
    value = (signed_by or responder).private.sign(data, padding.PKCS1v15(), hashes.SHA256())
    certificates = [responder.der] if enclosed is None else list(enclosed)
    basic = tlv(
        SEQUENCE,
        data,
        algorithm(signature_algorithm),
        tlv(BITS, b"\0" + value),
        tlv(0xA0, tlv(SEQUENCE, *certificates)) if certificates else b"",
    )
    return response(tlv(SEQUENCE, asn1.oid("1.3.6.1.5.5.7.48.1.1"), tlv(OCTETS, basic)))


def response(held: bytes | None, status: int = 0) -> bytes:
    return tlv(SEQUENCE, tlv(ENUMERATED, bytes((status,))), b"" if held is None else tlv(0xA0, held))
