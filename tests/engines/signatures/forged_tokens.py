"""Time-stamp tokens with one thing wrong each, and messages that carry them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import forged_messages as forge
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from forged_messages import NOW, Holder

from app.sandbox import signing
from app.signatures import asn1, cms
from app.signatures.asn1 import GENERALIZED_TIME, NULL, OCTETS, SEQUENCE, parse, tlv

TST_INFO = "1.2.840.113549.1.9.16.1.4"
TIME_STAMPING = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.8")
SHA256, POLICY = "2.16.840.1.101.3.4.2.1", "1.2.398.3.3.2.6.4"
STAMPED = NOW - timedelta(days=11)


def authority(
    ca: Holder, *, owner: str = "tsa", critical: bool = True, purposes: Sequence = (TIME_STAMPING,), **how
) -> Holder:
    name = forge.name((forge.NameOID.COMMON_NAME, "VECTOR TSA"), (forge.NameOID.COUNTRY_NAME, "KZ"))
    extensions = [(x509.ExtendedKeyUsage(list(purposes)), critical)] if purposes else []
    return forge.certificate(name, owner, ca, purposes=None, extensions=extensions, **how)


def info(
    stamped: bytes,
    *,
    at: datetime | bytes = STAMPED,
    policy: str = POLICY,
    digest: str = SHA256,
    imprint: bytes | None = None,
    version: int = 1,
    more: bytes = b"",
) -> bytes:
    """Return a TSTInfo; ``more`` are the optional parts as they come."""
    written = at if isinstance(at, bytes) else at.strftime("%Y%m%d%H%M%SZ").encode()
    value = hashlib.sha256(stamped).digest() if imprint is None else imprint
    return tlv(
        SEQUENCE,
        asn1.integer(version),
        asn1.oid(policy),
        tlv(SEQUENCE, tlv(SEQUENCE, asn1.oid(digest), tlv(NULL)), tlv(OCTETS, value)),
        asn1.integer(0x5E846DD7),
        tlv(GENERALIZED_TIME, written),
        more,
    )


def token(
    stamped: bytes,
    tsa: Holder,
    *,
    content: bytes | None = None,
    content_type: str = TST_INFO,
    signed_type: str | None = None,
    named: Holder | None = None,
    without: str | None = None,
    enclosed: Sequence[Holder] | None = None,
    signers: int = 1,
    change: Callable[[bytes], bytes] = bytes,
    **of_info,
) -> bytes:
    """Return a token over ``stamped``; ``named`` is whom signing-certificate names, ``without`` leaves one out."""
    said = info(stamped, **of_info) if content is None else content
    attributes = {
        "content type": signing.attribute(cms.CONTENT_TYPE, asn1.oid(signed_type or content_type)),
        "digest": signing.attribute(cms.MESSAGE_DIGEST, tlv(OCTETS, hashlib.sha256(said).digest())),
        "certificate": signing.attribute(
            cms.SIGNING_CERTIFICATE_V2,
            tlv(SEQUENCE, tlv(SEQUENCE, tlv(SEQUENCE, tlv(OCTETS, hashlib.sha256((named or tsa).der).digest())))),
        ),
    }
    attributes.pop(without, None)
    signed = None if without == "all" else list(attributes.values())
    one = forge.signer(tsa, signed, content=said, change=change)
    return signing.signed_data(
        [one] * signers,
        content=said,
        certificates=[holder.der for holder in ([tsa] if enclosed is None else enclosed)],
        content_type=content_type,
    )


def message(holder: Holder, *tokens: Callable[[bytes], bytes], at: datetime = STAMPED, **how) -> bytes:
    """Return a message whose signature carries tokens; each is made of the signature's value."""
    attributes = forge.attributes(holder, at=at)
    bare = forge.signer(holder, attributes, hash=hashes.SHA256())
    value = parse(bare).children[-1].content
    stamps = signing.attribute(cms.TIMESTAMP_TOKEN, *(make(value) for make in tokens))
    return forge.message(holder, attributes, unsigned=tlv(0xA1, stamps), **how)
