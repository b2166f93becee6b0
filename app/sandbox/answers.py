"""Questions to an OCSP responder and to a time-stamping authority, and their answers as the NCA writes them.

Bytes in, bytes out; who may answer and what is true is decided in ``services``.
Source: RFC 6960 and RFC 3161.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from app.sandbox import signing
from app.sandbox.certificates import Revoked
from app.sandbox.der import GENERALIZED_TIME, algorithm
from app.sandbox.people import SigningKey
from app.signatures import asn1, cms
from app.signatures.asn1 import (
    BITS,
    BOOLEAN,
    ENUMERATED,
    INTEGER,
    OCTETS,
    OID,
    SEQUENCE,
    Element,
    Malformed,
    integer,
    oid,
    tlv,
)  # fmt: skip
from app.signatures.timestamps import ID_TST_INFO

MOST_ASKED = 16
"""Certificates in one question."""
MALFORMED_REQUEST, TRY_LATER, UNAUTHORIZED = 1, 3, 6
"""Statuses of an OCSP answer that says nothing.  Source: RFC 6960, 4.2.1."""
BAD_ALGORITHM, BAD_FORMAT, UNACCEPTED_POLICY = 0, 5, 15
"""Bits of a refusal by a time-stamping authority.  Source: RFC 3161, 2.4.2."""

_BASIC, _NONCE, _EXTENDED_REVOKE = "1.3.6.1.5.5.7.48.1.1", "1.3.6.1.5.5.7.48.1.2", "1.3.6.1.5.5.7.48.1.9"
_REASONS = {
    x509.ReasonFlags.unspecified: 0, x509.ReasonFlags.key_compromise: 1, x509.ReasonFlags.ca_compromise: 2,
    x509.ReasonFlags.affiliation_changed: 3, x509.ReasonFlags.superseded: 4,
    x509.ReasonFlags.cessation_of_operation: 5, x509.ReasonFlags.certificate_hold: 6,
    x509.ReasonFlags.privilege_withdrawn: 9, x509.ReasonFlags.aa_compromise: 10,
}  # fmt: skip
GOOD, UNKNOWN = tlv(0x80), tlv(0x82)
NEVER_ISSUED = Revoked(0, datetime(1970, 1, 1, tzinfo=UTC), x509.ReasonFlags.certificate_hold)
"""How a certificate is answered that its issuer never issued.  Source: RFC 6960, 2.2."""


def _whole(question: bytes) -> Element:
    """Return a question as it lies there; parts of it go into the answer, which is DER."""
    root = asn1.parse(question)
    if not root.is_der:
        raise Malformed(detail="not DER")
    return root


# --- OCSP -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """One certificate asked about: ``named`` is the CertID as it came."""

    named: bytes
    digest: str
    name_hash: bytes
    key_hash: bytes
    serial: int


@dataclass(frozen=True)
class Inquiry:
    """A question to a responder; ``nonce`` is the value of its extension, as it came."""

    asked: tuple[Asked, ...]
    nonce: bytes | None


def read_inquiry(der: bytes) -> Inquiry:
    """Read a question to a responder.

    Raises:
        Malformed: it is none.
    """
    try:
        parts = {part.tag: part for part in _whole(der).children[0].children}
        requests = parts[SEQUENCE].children
        if not 0 < len(requests) <= MOST_ASKED:
            raise Malformed(detail="requests")
        nonce = None
        for extension in parts[0xA2].children[0].children if 0xA2 in parts else ():
            if extension.children[0].raw == oid(_NONCE):
                nonce = extension.children[-1].content
        return Inquiry(tuple(map(_asked, requests)), nonce)
    except (IndexError, KeyError, ValueError):
        raise Malformed from None


def _asked(request: Element) -> Asked:
    named = request.children[0]
    digest, name_hash, key_hash, serial = named.children
    if (named.tag, serial.tag) != (SEQUENCE, INTEGER):
        raise Malformed(detail="certificate asked about")
    return Asked(
        named=named.raw,
        digest=str(asn1.decode(digest.raw, asn1.ALGORITHM_IDENTIFIER)["algorithm"]),
        name_hash=cms.octets(name_hash.raw),
        key_hash=cms.octets(key_hash.raw),
        serial=int.from_bytes(serial.content, "big", signed=True),
    )


def status_only(status: int) -> bytes:
    """Return the answer of a responder that says nothing."""
    return tlv(SEQUENCE, tlv(ENUMERATED, bytes((status,))))


def revoked(entry: Revoked) -> bytes:
    """Return the status of a revoked certificate."""
    return tlv(0xA1, _time(entry.at), tlv(0xA0, tlv(ENUMERATED, bytes((_REASONS[entry.reason],)))))


def ocsp_answer(
    statuses: Sequence[tuple[Asked, bytes]],
    responder: SigningKey,
    *,
    at: datetime,
    this_update: datetime,
    nonce: bytes | None,
    never_issued: bool,
) -> bytes:
    """Return a responder's answer, without nextUpdate, as the NCA's has none.

    ``never_issued`` says that certificates never issued are answered as revoked.
    """
    extensions = [_extension(_NONCE, nonce)] if nonce is not None else []
    extensions += [_extension(_EXTENDED_REVOKE, tlv(asn1.NULL))] if never_issued else []
    data = tlv(
        SEQUENCE,
        tlv(0xA1, responder.certificate.subject.public_bytes()),
        _time(at),
        tlv(SEQUENCE, *(tlv(SEQUENCE, asked.named, status, _time(this_update)) for asked, status in statuses)),
        tlv(0xA1, tlv(SEQUENCE, *extensions)) if extensions else b"",
    )
    basic = tlv(
        SEQUENCE,
        data,
        algorithm(responder.private.signature_oid),
        tlv(BITS, b"\0", responder.private.sign(data)),
        tlv(0xA0, tlv(SEQUENCE, responder.certificate.public_bytes(Encoding.DER))),
    )
    held = tlv(SEQUENCE, oid(_BASIC), tlv(OCTETS, basic))
    return tlv(SEQUENCE, tlv(ENUMERATED, b"\0"), tlv(0xA0, held))


def _extension(dotted: str, value: bytes) -> bytes:
    return tlv(SEQUENCE, oid(dotted), tlv(OCTETS, value))


def _time(at: datetime) -> bytes:
    return tlv(GENERALIZED_TIME, at.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())


# --- time-stamps ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wish:
    """What a time-stamp is wished for: ``imprint`` is the MessageImprint as it came."""

    imprint: bytes
    digest: str
    value: bytes
    policy: str | None
    nonce: int | None
    wants_certificate: bool


def read_wish(der: bytes) -> Wish:
    """Read a question to a time-stamping authority.

    Raises:
        Malformed: it is none.
    """
    try:
        version, imprint, *rest = _whole(der).children
        digest, value = imprint.children
        by_tag = {part.tag: part for part in rest}
        if version.raw != integer(1) or not by_tag.keys() <= {OID, INTEGER, BOOLEAN}:
            raise Malformed(detail="version or parts")
        return Wish(
            imprint=imprint.raw,
            digest=str(asn1.decode(digest.raw, asn1.ALGORITHM_IDENTIFIER)["algorithm"]),
            value=cms.octets(value.raw),
            policy=cms.identifier(by_tag[OID].raw) if OID in by_tag else None,
            nonce=int.from_bytes(by_tag[INTEGER].content, "big", signed=True) if INTEGER in by_tag else None,
            wants_certificate=BOOLEAN in by_tag and by_tag[BOOLEAN].content != b"\0",
        )
    except (IndexError, ValueError):
        raise Malformed from None


def refusal(bit: int) -> bytes:
    """Return the answer of an authority that gives no token; ``bit`` says why."""
    octets = bytearray(bit // 8 + 1)
    octets[-1] = 0x80 >> bit % 8
    return tlv(SEQUENCE, tlv(SEQUENCE, integer(2), tlv(BITS, bytes((7 - bit % 8,)), bytes(octets))))


def granted(token: bytes) -> bytes:
    """Return the answer that holds a token."""
    return tlv(SEQUENCE, tlv(SEQUENCE, integer(0)), token)


def token(wish: Wish, authority: SigningKey, *, policy: str, at: datetime, nonce: int | None) -> bytes:
    """Return the token over what was sent."""
    info = tlv(
        SEQUENCE,
        integer(1),
        oid(policy),
        wish.imprint,
        integer(secrets.randbits(63)),
        _time(at),
        tlv(SEQUENCE, integer(1)),  # one second more or less
        integer(nonce) if nonce is not None else b"",
    )
    certificate = authority.certificate.public_bytes(Encoding.DER)
    attributes = signing.signed_attributes(authority.private.digest(info), certificate, at=at, content_type=ID_TST_INFO)
    return signing.signed_data(
        [signing.signer_info(authority.private, authority.certificate, attributes)],
        content=info,
        certificates=[certificate] if wish.wants_certificate else [],
        content_type=ID_TST_INFO,
        digests=[authority.private.digest_oid],
    )
