"""A signed message as NCALayer makes it (CAdES-BES: ``createCAdESFromBase64``).

SignedData version 1, one SignerInfo by issuer and serial number, eContent only when attached,
the signer's certificate and its issuer enclosed, signed attributes contentType, signingTime,
messageDigest and signingCertificateV2 (SHA-256 by default, so the algorithm is omitted).  The digest is
that of the key: SHA-256 with RSA, Streebog-512 with GOST R 34.10-2015.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from app.sandbox.der import algorithm, integer, moment, oid
from app.sandbox.keys import SHA256, SHA256_WITH_RSA, Key
from app.signatures import asn1, certificates, cms
from app.signatures.asn1 import OCTETS, SEQUENCE, SET, tlv

__all__ = [
    "SHA256", "SHA256_WITH_RSA", "algorithm", "armour", "attribute", "integer", "oid", "sign", "sign_digest",
    "signed_attributes", "signed_data", "signer_info",
]  # fmt: skip


def attribute(dotted: str, *values: bytes) -> bytes:
    """Return an Attribute."""
    return tlv(SEQUENCE, oid(dotted), tlv(SET, *values))


def signed_attributes(
    digest: bytes, certificate: bytes, *, at: datetime, content_type: str = cms.ID_DATA
) -> list[bytes]:
    """Return the four signed attributes of createCAdES, each as DER."""
    certificate_name = tlv(SEQUENCE, tlv(OCTETS, hashlib.sha256(certificate).digest()))
    return [
        attribute(cms.CONTENT_TYPE, oid(content_type)),
        attribute(cms.SIGNING_TIME, moment(at)),
        attribute(cms.MESSAGE_DIGEST, tlv(OCTETS, digest)),
        attribute(cms.SIGNING_CERTIFICATE_V2, tlv(SEQUENCE, tlv(SEQUENCE, certificate_name))),
    ]


def signer_info(private: Key, certificate: x509.Certificate, attributes: Sequence[bytes]) -> bytes:
    """Return the SignerInfo over the attributes."""
    ordered = sorted(attributes)
    read = certificates.read(certificate.public_bytes(Encoding.DER))
    return tlv(
        SEQUENCE,
        integer(1),
        tlv(SEQUENCE, read.issuer, integer(read.serial)),
        algorithm(private.digest_oid),
        tlv(0xA0, *ordered),
        algorithm(private.signature_oid),
        tlv(OCTETS, private.sign(tlv(SET, *ordered))),
    )


def signed_data(
    signers: Sequence[bytes],
    *,
    content: bytes | None,
    certificates: Sequence[bytes],
    content_type: str = cms.ID_DATA,
    digests: Sequence[str] = (SHA256,),
) -> bytes:
    """Return a whole message; ``content`` None makes it detached, ``digests`` are the signers'."""
    encapsulated = [oid(content_type)]
    if content is not None:
        encapsulated.append(tlv(0xA0, tlv(OCTETS, content)))
    return tlv(
        SEQUENCE,
        oid(cms.ID_SIGNED_DATA),
        tlv(
            0xA0,
            tlv(
                SEQUENCE,
                integer(1 if content_type == cms.ID_DATA else 3),
                tlv(SET, *sorted(map(algorithm, digests))),
                tlv(SEQUENCE, *encapsulated),
                tlv(0xA0, *sorted(certificates)) if certificates else b"",
                tlv(SET, *sorted(signers)),
            ),
        ),
    )


def sign(
    private: Key,
    certificate: x509.Certificate,
    content: bytes,
    *,
    attached: bool,
    at: datetime,
    chain: Sequence[x509.Certificate] = (),
) -> bytes:
    """Return the signed message over ``content``."""
    digest = private.digest(content)
    return sign_digest(private, certificate, digest, content=content if attached else None, at=at, chain=chain)


def sign_digest(
    private: Key,
    certificate: x509.Certificate,
    digest: bytes,
    *,
    content: bytes | None,
    at: datetime,
    chain: Sequence[x509.Certificate] = (),
) -> bytes:
    """Return the signed message over a digest computed elsewhere."""
    der = certificate.public_bytes(Encoding.DER)
    enclosed = [der, *(one.public_bytes(Encoding.DER) for one in chain)]
    signer = signer_info(private, certificate, signed_attributes(digest, der, at=at))
    return signed_data([signer], content=content, certificates=enclosed, digests=[private.digest_oid])


def armour(der: bytes) -> str:
    """Return the message in the armour that basics and Kalkan write."""
    return asn1.armour(der, "CMS")
