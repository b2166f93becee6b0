"""A signed message as NCALayer makes it (CAdES-BES: ``createCAdESFromBase64``).

SignedData version 1, one SignerInfo by issuer and serial number, eContent only when attached,
the signer's certificate and its issuer enclosed, signed attributes contentType, signingTime,
messageDigest and signingCertificateV2 (SHA-256 by default, so the algorithm is omitted).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from pyasn1.codec.der import encoder
from pyasn1.type import univ

from app.signatures import asn1, cms
from app.signatures.asn1 import INTEGER, OCTETS, OID, SEQUENCE, SET, tlv

SHA256 = "2.16.840.1.101.3.4.2.1"
SHA256_WITH_RSA = "1.2.840.113549.1.1.11"
_NULL = b"\x05\x00"


def oid(dotted: str) -> bytes:
    """Return an object identifier as DER."""
    der = bytes(encoder.encode(univ.ObjectIdentifier(dotted)))
    assert der[0] == OID
    return der


def algorithm(dotted: str) -> bytes:
    """Return an AlgorithmIdentifier with NULL parameters, as NCALayer writes all of them."""
    return tlv(SEQUENCE, oid(dotted), _NULL)


def integer(number: int) -> bytes:
    """Return an INTEGER as DER."""
    return tlv(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))


def attribute(dotted: str, *values: bytes) -> bytes:
    """Return an Attribute."""
    return tlv(SEQUENCE, oid(dotted), tlv(SET, *values))


def signed_attributes(digest: bytes, certificate: bytes, *, at: datetime) -> list[bytes]:
    """Return the four signed attributes of createCAdES, each as DER."""
    moment = at.astimezone(UTC).strftime("%y%m%d%H%M%SZ").encode()
    certificate_name = tlv(SEQUENCE, tlv(OCTETS, hashlib.sha256(certificate).digest()))
    return [
        attribute(cms.CONTENT_TYPE, oid(cms.ID_DATA)),
        attribute(cms.SIGNING_TIME, tlv(0x17, moment)),
        attribute(cms.MESSAGE_DIGEST, tlv(OCTETS, digest)),
        attribute(cms.SIGNING_CERTIFICATE_V2, tlv(SEQUENCE, tlv(SEQUENCE, certificate_name))),
    ]


def signer_info(private: RSAPrivateKey, certificate: x509.Certificate, attributes: Sequence[bytes]) -> bytes:
    """Return the SignerInfo over the attributes."""
    ordered = sorted(attributes)
    value = private.sign(tlv(SET, *ordered), padding.PKCS1v15(), hashes.SHA256())
    issuer = certificate.issuer.public_bytes()
    return tlv(
        SEQUENCE,
        integer(1),
        tlv(SEQUENCE, issuer, integer(certificate.serial_number)),
        algorithm(SHA256),
        tlv(0xA0, *ordered),
        algorithm(SHA256_WITH_RSA),
        tlv(OCTETS, value),
    )


def signed_data(
    signers: Sequence[bytes], *, content: bytes | None, certificates: Sequence[bytes], content_type: str = cms.ID_DATA
) -> bytes:
    """Return a whole message; ``content`` None makes it detached."""
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
                integer(1),
                tlv(SET, algorithm(SHA256)),
                tlv(SEQUENCE, *encapsulated),
                tlv(0xA0, *sorted(certificates)) if certificates else b"",
                tlv(SET, *sorted(signers)),
            ),
        ),
    )


def sign(
    private: RSAPrivateKey,
    certificate: x509.Certificate,
    content: bytes,
    *,
    attached: bool,
    at: datetime,
    chain: Sequence[x509.Certificate] = (),
) -> bytes:
    """Return the signed message over ``content``."""
    digest = hashlib.sha256(content).digest()
    return sign_digest(private, certificate, digest, content=content if attached else None, at=at, chain=chain)


def sign_digest(
    private: RSAPrivateKey,
    certificate: x509.Certificate,
    digest: bytes,
    *,
    content: bytes | None,
    at: datetime,
    chain: Sequence[x509.Certificate] = (),
) -> bytes:
    """Return the signed message over a digest computed elsewhere."""
    der = certificate.public_bytes(serialization.Encoding.DER)
    enclosed = [der, *(one.public_bytes(serialization.Encoding.DER) for one in chain)]
    signer = signer_info(private, certificate, signed_attributes(digest, der, at=at))
    return signed_data([signer], content=content, certificates=enclosed)


def armour(der: bytes) -> str:
    """Return the message in the armour that basics and Kalkan write."""
    return asn1.armour(der, "CMS")
