"""Certificates, lists and messages with one thing wrong each: the workshop of these tests."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from app.sandbox import signing
from app.sandbox.pki import key_usage
from app.signatures import cms
from app.signatures.asn1 import OCTETS, SEQUENCE, SET, parse, tlv

VECTORS = Path(__file__).parent / "vectors"
NOW = datetime(2026, 11, 20, 8, 1, tzinfo=UTC)
CONTENT = "Акцияларды листингке енгізу туралы өтініш".encode()
IIN, BIN = "800101300123", "123456789021"
FIRST_HEAD = ("1.3.6.1.5.5.7.3.4", "1.2.398.3.3.4.1.2", "1.2.398.3.3.4.1.2.1")
CAN_SIGN = ("1.3.6.1.5.5.7.3.4", "1.2.398.3.3.4.1.2", "1.2.398.3.3.4.1.2.2")


@cache
def key(owner: str, bits: int = 2048) -> RSAPrivateKey:
    """Return the owner's key, made once in a run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@dataclass(frozen=True)
class Holder:
    private: RSAPrivateKey
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


def name(*pairs: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(oid, text, None if text.isascii() else _ASN1Type.UTF8String, _validate=False)
            for oid, text in pairs
        ]
    )


def subject(*, iin: str | None = f"IIN{IIN}", unit: str | None = f"BIN{BIN}", extra: Sequence = ()) -> x509.Name:
    pairs = [(NameOID.COMMON_NAME, "АХМЕТОВ ДАРХАН"), (NameOID.COUNTRY_NAME, "KZ")]
    pairs += [(NameOID.SERIAL_NUMBER, iin)] if iin else []
    pairs += [(NameOID.ORGANIZATIONAL_UNIT_NAME, unit)] if unit else []
    return name(*pairs, (NameOID.ORGANIZATION_NAME, "АҚ «Қазына»"), *extra)


def certificate(
    whose: x509.Name,
    owner: str,
    issuer: Holder | None,
    *,
    ca: bool | None = None,
    path_length: int | None = None,
    usages: Sequence[str] | None = ("digital_signature", "content_commitment"),
    purposes: Sequence[str] | None = FIRST_HEAD,
    not_before: datetime = NOW - timedelta(days=100),
    not_after: datetime = NOW + timedelta(days=265),
    serial: int | None = None,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    bits: int = 2048,
    hash: hashes.HashAlgorithm | None = None,
) -> Holder:
    """Issue a certificate; ``ca`` None leaves basicConstraints out."""
    private = key(owner, bits)
    builder = (
        x509.CertificateBuilder()
        .subject_name(whose)
        .issuer_name(issuer.certificate.subject if issuer else whose)
        .public_key(private.public_key())
        .serial_number(serial or int.from_bytes(hashlib.sha256(f"{owner}{whose}".encode()).digest()[:16], "big"))
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
    )
    if issuer:
        own = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.private.public_key())
        builder = builder.add_extension(own, critical=False)
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=path_length), critical=True)
    if usages is not None:
        builder = builder.add_extension(key_usage(*usages), critical=True)
    if purposes is not None:
        oids = [x509.ObjectIdentifier(oid) for oid in purposes]
        builder = builder.add_extension(x509.ExtendedKeyUsage(oids), critical=False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return Holder(private, builder.sign(issuer.private if issuer else private, hash or hashes.SHA256()))


def authority(
    common_name: str, owner: str, issuer: Holder | None, *, path_length: int | None = None, **others
) -> Holder:
    values = {"ca": True, "usages": ("key_cert_sign", "crl_sign"), "purposes": None} | others
    values |= {"not_before": values.get("not_before", NOW - timedelta(days=1000))}
    values |= {"not_after": values.get("not_after", NOW + timedelta(days=3000))}
    whose = name((NameOID.COMMON_NAME, common_name), (NameOID.COUNTRY_NAME, "KZ"))
    return certificate(whose, owner, issuer, path_length=path_length, **values)


def revocation_list(
    issuer: Holder,
    revoked: Sequence[tuple[int, datetime, Sequence[x509.ExtensionType]]] = (),
    *,
    this_update: datetime = NOW - timedelta(days=1),
    next_update: datetime = NOW + timedelta(days=6),
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    signed_by: Holder | None = None,
) -> bytes:
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.certificate.subject)
    builder = builder.last_update(this_update).next_update(next_update)
    for serial, since, more in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(since)
        for extension in more:
            entry = entry.add_extension(extension, critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign((signed_by or issuer).private, hashes.SHA256()).public_bytes(Encoding.DER)


# --- messages ---------------------------------------------------------------------------------------

SHA256 = signing.algorithm(signing.SHA256)
SHA256_WITH_RSA = signing.algorithm(signing.SHA256_WITH_RSA)


def attributes(holder: Holder, content: bytes = CONTENT, *, at: datetime = NOW) -> list[bytes]:
    """Return the four attributes of createCAdES: contentType, signingTime, messageDigest, signingCertificateV2."""
    return signing.signed_attributes(hashlib.sha256(content).digest(), holder.der, at=at)


def signer(
    holder: Holder,
    signed: Sequence[bytes] | None,
    *,
    content: bytes = CONTENT,
    digest: bytes = SHA256,
    signature: bytes = SHA256_WITH_RSA,
    hash: hashes.HashAlgorithm | None = None,
    sid: bytes | None = None,
    in_order: bool = True,
    change: Callable[[bytes], bytes] = bytes,
    unsigned: bytes = b"",
) -> bytes:
    """Return a SignerInfo really signed with the holder's key; ``signed`` None leaves the attributes out."""
    ordered = None if signed is None else sorted(signed) if in_order else list(signed)
    covered = content if ordered is None else tlv(SET, *ordered)
    value = change(holder.private.sign(covered, padding.PKCS1v15(), hash or hashes.SHA256()))
    named = tlv(SEQUENCE, holder.certificate.issuer.public_bytes(), signing.integer(holder.certificate.serial_number))
    return tlv(
        SEQUENCE,
        signing.integer(1 if sid is None else 3),
        sid or named,
        digest,
        b"" if ordered is None else tlv(0xA0, *ordered),
        signature,
        tlv(OCTETS, value),
        unsigned,
    )


def message(
    holder: Holder,
    signed: Sequence[bytes] | None = None,
    *,
    content: bytes = CONTENT,
    attached: bool = True,
    certificates: Sequence[bytes] | None = None,
    content_type: str = cms.ID_DATA,
    **how,
) -> bytes:
    """Return a message with one signer; ``signed`` None takes the attributes of createCAdES."""
    one = signer(holder, attributes(holder, content) if signed is None else signed, content=content, **how)
    enclosed = [holder.der] if certificates is None else certificates
    return signing.signed_data(
        [one], content=content if attached else None, certificates=enclosed, content_type=content_type
    )


def as_ber(der: bytes, *, segment: int = 10) -> bytes:
    """Return a message as a streaming encoder writes it: indefinite lengths outside, the content in segments."""
    data = parse(der).children[1].children[0]
    version, digests, encapsulated, *rest = data.children
    content = encapsulated.children[1].children[0].content
    segments = [tlv(OCTETS, content[at : at + segment]) for at in range(0, len(content), segment)]

    def open_ended(tag: int, *parts: bytes) -> bytes:
        return bytes((tag, 0x80)) + b"".join(parts) + b"\0\0"

    return open_ended(
        SEQUENCE,
        parse(der).children[0].raw,
        open_ended(
            0xA0,
            open_ended(
                SEQUENCE,
                version.raw,
                digests.raw,
                open_ended(
                    SEQUENCE, encapsulated.children[0].raw, open_ended(0xA0, open_ended(OCTETS | 0x20, *segments))
                ),
                *(part.raw for part in rest),
            ),
        ),
    )
