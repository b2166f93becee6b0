"""Certificates and revocation lists in the NCA's profile, for RSA and GOST keys alike.

`cryptography` writes none for GOST keys, so both are written here; names and extensions are its.
Source: RFC 5280.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.x509.extensions import ExtensionType
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from app.sandbox.der import algorithm, integer, moment, oid
from app.sandbox.keys import GostKey, Key
from app.signatures import asn1
from app.signatures.asn1 import BITS, BOOLEAN, OCTETS, SEQUENCE, tlv

POLICY = "1.2.398.3.3.2"
KEY_STORE = "1.2.398.3.3.5"
CPS = "http://pki.gov.kz/cps"

Extensions = Sequence[tuple[ExtensionType, bool]]
"""Extensions, each with whether it is critical."""


@dataclass(frozen=True)
class Issuer:
    """A key and the certificate under which it issues."""

    private: Key
    certificate: x509.Certificate


@dataclass(frozen=True)
class Revoked:
    """An entry of a revocation list."""

    serial: int
    at: datetime
    reason: x509.ReasonFlags


def _signed(private: Key, tbs: bytes) -> bytes:
    named = algorithm(private.signature_oid)
    return tlv(SEQUENCE, tbs, named, tlv(BITS, b"\0", private.sign(tbs)))


def _extensions(extensions: Extensions) -> bytes:
    written = [
        tlv(
            SEQUENCE,
            oid(value.oid.dotted_string),
            tlv(BOOLEAN, b"\xff") if critical else b"",
            tlv(OCTETS, value.public_bytes()),
        )
        for value, critical in extensions
    ]
    return tlv(SEQUENCE, *written)


def certificate(
    subject: x509.Name,
    public: bytes,
    issuer: Issuer | None,
    private: Key,
    *,
    not_before: datetime,
    not_after: datetime,
    extensions: Extensions,
) -> x509.Certificate:
    """Return a certificate of a key (SubjectPublicKeyInfo), signed by ``private``; no issuer: self-signed."""
    tbs = tlv(
        SEQUENCE,
        tlv(0xA0, integer(2)),
        integer(serial_of(public)),
        algorithm(private.signature_oid),
        (issuer.certificate.subject if issuer else subject).public_bytes(),
        tlv(SEQUENCE, moment(not_before), moment(not_after)),
        subject.public_bytes(),
        public,
        tlv(0xA3, _extensions(extensions)),
    )
    return x509.load_der_x509_certificate(_signed(private, tbs))


def revocation_list(
    issuer: Issuer, revoked: Iterable[Revoked], *, at: datetime, until: datetime | None = None
) -> bytes:
    """Return the issuer's list as of ``at``, good ``until`` then; without that, until the issuer expires."""
    entries = [
        tlv(SEQUENCE, integer(one.serial), moment(one.at), _extensions([(x509.CRLReason(one.reason), False)]))
        for one in revoked
    ]
    number = x509.CRLNumber(int(at.timestamp()))
    tbs = tlv(
        SEQUENCE,
        integer(1),
        algorithm(issuer.private.signature_oid),
        issuer.certificate.subject.public_bytes(),
        moment(at),
        moment(until or issuer.certificate.not_valid_after_utc),
        tlv(SEQUENCE, *entries) if entries else b"",
        tlv(0xA0, _extensions([(number, False), (_authority(issuer.private.public), False)])),
    )
    return _signed(issuer.private, tbs)


def revoked_in(written: bytes) -> list[Revoked]:
    """Return the entries of a list."""
    return [
        Revoked(
            one.serial_number,
            one.revocation_date_utc,
            one.extensions.get_extension_for_class(x509.CRLReason).value.reason,
        )
        for one in x509.load_der_x509_crl(written)
    ]


# --- the NCA's profile ------------------------------------------------------------------------------


def _identifier(public: bytes) -> bytes:
    """Return the SHA-1 of the key's BIT STRING, without its count of odd bits."""
    bits = asn1.parse(public).children[1].content[1:]
    return hashlib.sha1(bits, usedforsecurity=False).digest()


def serial_of(public: bytes) -> int:
    """Return the serial number as the NCA forms it: the key's identifier with its top bit cleared."""
    return int.from_bytes(_identifier(public), "big") & ((1 << 159) - 1) or 1


def _authority(public: bytes) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier(_identifier(public), None, None)


def key_usage(*named: str) -> x509.KeyUsage:
    """Return the key usage extension with the named bits set."""
    bits = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{bit: bit in named for bit in bits})


def _policy() -> x509.CertificatePolicies:
    return x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier(POLICY), [CPS])])


def of_authority(
    name: str,
    private: Key,
    issuer: Issuer | None,
    *,
    not_before: datetime,
    not_after: datetime,
    path_length: int | None,
) -> x509.Certificate:
    """Return the certificate of a root (no issuer) or of an issuing CA."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name), x509.NameAttribute(NameOID.COUNTRY_NAME, "KZ")])
    signer = issuer.private if issuer else private
    return certificate(
        subject,
        private.public,
        issuer,
        signer,
        not_before=not_before,
        not_after=not_after,
        extensions=(
            (x509.BasicConstraints(ca=True, path_length=path_length), True),
            (key_usage("key_cert_sign", "crl_sign"), True),
            (x509.SubjectKeyIdentifier(_identifier(private.public)), False),
            (_authority(signer.public), False),
            (_policy(), False),
        ),
    )


def of_person(
    subject: x509.Name,
    private: Key,
    issuer: Issuer,
    *,
    purposes: Sequence[str],
    not_before: datetime,
    not_after: datetime,
) -> x509.Certificate:
    """Return a signing certificate; the key usage of GOST keys has key agreement beside it."""
    usages = ["digital_signature", "content_commitment"]
    usages += ["key_agreement"] if isinstance(private, GostKey) else []
    in_a_file = tlv(SEQUENCE, oid(f"{KEY_STORE}.1.1"))
    return certificate(
        subject,
        private.public,
        issuer,
        issuer.private,
        not_before=not_before,
        not_after=not_after,
        extensions=(
            (key_usage(*usages), True),
            (x509.ExtendedKeyUsage([x509.ObjectIdentifier(purpose) for purpose in purposes]), False),
            (_policy(), False),
            (x509.SubjectKeyIdentifier(_identifier(private.public)), False),
            (_authority(issuer.private.public), False),
            (x509.UnrecognizedExtension(x509.ObjectIdentifier(KEY_STORE), in_a_file), False),
        ),
    )


def of_service(name: str, private: Key, issuer: Issuer, *, purpose: x509.ObjectIdentifier) -> x509.Certificate:
    """Return the certificate of an OCSP responder or a time-stamping authority, as long as its issuer's.

    The purpose stands alone, and critically for time-stamping (RFC 3161, 2.3); whether a responder
    was revoked is not to be asked (RFC 6960, 4.2.2.2.1).
    """
    is_responder = purpose == ExtendedKeyUsageOID.OCSP_SIGNING
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name), x509.NameAttribute(NameOID.COUNTRY_NAME, "KZ")])
    return certificate(
        subject,
        private.public,
        issuer,
        issuer.private,
        not_before=issuer.certificate.not_valid_before_utc,
        not_after=issuer.certificate.not_valid_after_utc,
        extensions=(
            (key_usage("digital_signature"), True),
            (x509.ExtendedKeyUsage([purpose]), not is_responder),
            (x509.SubjectKeyIdentifier(_identifier(private.public)), False),
            (_authority(issuer.private.public), False),
            *([(x509.OCSPNoCheck(), False)] if is_responder else []),
        ),
    )
