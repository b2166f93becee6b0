"""Certificates: what they say (RFC 5280, section 4)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from app.signatures import algorithms, asn1, cms, constraints, distribution, effort, names, policies
from app.signatures.asn1 import Malformed
from app.signatures.constraints import NameConstraints
from app.signatures.distribution import Point
from app.signatures.names import GeneralName
from app.signatures.policies import Statements

MOST_ELEMENTS = 4_000

EMAIL_PROTECTION = "1.3.6.1.5.5.7.3.4"
"""Marks a signing certificate of the NCA; one for signing in carries clientAuth instead."""

_KEY_USAGES = (
    "digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement",
    "keyCertSign", "cRLSign", "encipherOnly", "decipherOnly",
)  # fmt: skip

_SUBJECT_KEY_ID, _KEY_USAGE, _ALTERNATIVE_NAMES = "2.5.29.14", "2.5.29.15", "2.5.29.17"
_BASIC_CONSTRAINTS, _NAME_CONSTRAINTS, _POINTS = "2.5.29.19", "2.5.29.30", "2.5.29.31"
_POLICIES, _MAPPINGS, _AUTHORITY_KEY_ID = "2.5.29.32", "2.5.29.33", "2.5.29.35"
_POLICY_CONSTRAINTS, _PURPOSES, _INHIBIT_ANY = "2.5.29.36", "2.5.29.37", "2.5.29.54"
_UNDERSTOOD = frozenset(
    {
        _SUBJECT_KEY_ID, _KEY_USAGE, _ALTERNATIVE_NAMES, _BASIC_CONSTRAINTS, _NAME_CONSTRAINTS, _POINTS,
        _POLICIES, _MAPPINGS, _AUTHORITY_KEY_ID, _POLICY_CONSTRAINTS, _PURPOSES, _INHIBIT_ANY,
        "2.5.29.18",  # issuerAltName: names more, restricts nothing
        "2.5.29.46",  # where the newest delta list lies
        "1.3.6.1.5.5.7.1.1",  # where the issuer's certificate lies
    }
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Certificate:
    """A certificate's statements.  Names and key are kept as DER; equal is what has the same bytes.

    ``key_usage`` and ``purposes`` are None when the extension is absent; ``points`` are where the
    certificate says its status is to be found; ``not_understood`` are critical extensions that
    cannot be judged.
    """

    der: bytes
    fingerprint: str
    version: int
    serial: int
    issuer: bytes
    subject: bytes
    not_before: datetime
    not_after: datetime
    key: bytes
    key_algorithm: str
    signed: bytes
    signature_algorithm: str
    signature: bytes
    is_ca: bool
    path_length: int | None
    key_usage: frozenset[str] | None
    purposes: tuple[str, ...] | None
    key_identifier: bytes | None
    issuer_key_identifier: bytes | None
    alternative_names: tuple[GeneralName, ...]
    constraints: NameConstraints | None
    policy: Statements
    points: tuple[Point, ...]
    not_understood: frozenset[str]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    @property
    def sha1(self) -> bytes:
        """Return the hash by which the older signing-certificate attribute names a certificate."""
        return hashlib.sha1(self.der, usedforsecurity=False).digest()

    @property
    def is_self_issued(self) -> bool:
        """Whether subject and issuer are the same name."""
        return names.same_name(self.subject, self.issuer)

    def is_valid_at(self, at: datetime) -> bool:
        """Whether ``at`` lies within the validity period, both ends included."""
        return self.not_before <= at <= self.not_after


@lru_cache(maxsize=256)
def read(der: bytes) -> Certificate:
    """Read a certificate.

    Raises:
        Malformed: it is not one, or not in DER.
    """
    if len(der) > cms.LARGEST_CERTIFICATE or not asn1.parse(der, elements=MOST_ELEMENTS).is_der:
        raise Malformed("certificate_malformed")
    try:
        return _read(der)
    except Malformed as error:
        raise Malformed("certificate_malformed", error.detail) from None


def _read(der: bytes) -> Certificate:
    outer = asn1.decode(der, asn1.CERTIFICATE)
    signed = bytes(outer["tbsCertificate"])
    tbs = asn1.decode(signed, asn1.TBS_CERTIFICATE)
    if bytes(outer["signatureAlgorithm"]) != bytes(tbs["signature"]):
        raise Malformed(detail="two signature algorithms")
    signature = asn1.decode(bytes(tbs["signature"]), asn1.ALGORITHM_IDENTIFIER)
    key = bytes(tbs["subjectPublicKeyInfo"])
    validity = asn1.parse(bytes(tbs["validity"])).children
    if len(validity) != 2:
        raise Malformed(detail="validity")
    extensions = _extensions(tbs)
    is_ca, path_length = _basic_constraints(extensions)
    return Certificate(
        der=der,
        fingerprint=hashlib.sha256(der).hexdigest(),
        version=int(tbs["version"]) + 1,
        serial=int(tbs["serialNumber"]),
        issuer=bytes(tbs["issuer"]),
        subject=bytes(tbs["subject"]),
        not_before=asn1.moment(validity[0].tag, validity[0].content),
        not_after=asn1.moment(validity[1].tag, validity[1].content),
        key=key,
        key_algorithm=str(asn1.decode(key, asn1.PUBLIC_KEY)["algorithm"]["algorithm"]),
        signed=signed,
        signature_algorithm=str(signature["algorithm"]),
        signature=whole_octets(asn1.parse(der).children[2].content),
        is_ca=is_ca,
        path_length=path_length,
        key_usage=_key_usage(extensions),
        purposes=_purposes(extensions),
        key_identifier=_octets(extensions, _SUBJECT_KEY_ID),
        issuer_key_identifier=_authority(extensions),
        alternative_names=_alternative_names(extensions),
        constraints=constraints.read(extensions[_NAME_CONSTRAINTS][1]) if _NAME_CONSTRAINTS in extensions else None,
        policy=policies.read(
            *(_value(extensions, oid) for oid in (_POLICIES, _MAPPINGS, _POLICY_CONSTRAINTS, _INHIBIT_ANY))
        ),
        points=distribution.read_points(extensions[_POINTS][1]) if _POINTS in extensions else (),
        not_understood=frozenset(
            oid for oid, (critical, _) in extensions.items() if critical and oid not in _UNDERSTOOD
        ),
    )


def extension(certificate: Certificate, oid: str) -> tuple[bool, bytes] | None:
    """Return whether an extension is critical, and its value in DER; None when the certificate has none such."""
    return _extensions(asn1.decode(certificate.signed, asn1.TBS_CERTIFICATE)).get(oid)


def whole_octets(bits: bytes) -> bytes:
    """Return a BIT STRING's content as octets; a signature has no odd bits."""
    if not bits or bits[0] != 0:
        raise Malformed(detail="odd bits")
    return bits[1:]


_Extensions = Mapping[str, tuple[bool, bytes]]


def _extensions(tbs: Any) -> _Extensions:
    found: dict[str, tuple[bool, bytes]] = {}
    if not tbs["extensions"].hasValue():
        return found
    for extension in tbs["extensions"]:
        oid = str(extension["extnID"])
        if oid in found:
            raise Malformed(detail=f"extension {oid} twice")
        found[oid] = (bool(extension["critical"]), bytes(extension["extnValue"]))
    return found


def _basic_constraints(extensions: _Extensions) -> tuple[bool, int | None]:
    if _BASIC_CONSTRAINTS not in extensions:
        return False, None
    constraints = asn1.decode(extensions[_BASIC_CONSTRAINTS][1], asn1.BASIC_CONSTRAINTS)
    length = constraints["pathLenConstraint"]
    if length.hasValue() and int(length) < 0:
        raise Malformed(detail="path length")
    return bool(constraints["cA"]), int(length) if length.hasValue() else None


def _key_usage(extensions: _Extensions) -> frozenset[str] | None:
    if _KEY_USAGE not in extensions:
        return None
    bits = asn1.decode(extensions[_KEY_USAGE][1], asn1.BIT_STRING)
    return frozenset(usage for usage, bit in zip(_KEY_USAGES, bits, strict=False) if bit)


def _purposes(extensions: _Extensions) -> tuple[str, ...] | None:
    if _PURPOSES not in extensions:
        return None
    return tuple(str(oid) for oid in asn1.decode(extensions[_PURPOSES][1], asn1.OBJECT_IDENTIFIERS))


def _value(extensions: _Extensions, oid: str) -> bytes | None:
    return extensions[oid][1] if oid in extensions else None


def _alternative_names(extensions: _Extensions) -> tuple[GeneralName, ...]:
    if _ALTERNATIVE_NAMES not in extensions:
        return ()
    stated = asn1.parse(extensions[_ALTERNATIVE_NAMES][1], elements=MOST_ELEMENTS)
    if stated.tag != asn1.SEQUENCE:
        raise Malformed(detail="alternative names")
    return names.general_names(stated)


def _octets(extensions: _Extensions, oid: str) -> bytes | None:
    return cms.octets(extensions[oid][1]) if oid in extensions else None


def _authority(extensions: _Extensions) -> bytes | None:
    if _AUTHORITY_KEY_ID not in extensions:
        return None
    identifier = asn1.decode(extensions[_AUTHORITY_KEY_ID][1], asn1.AUTHORITY_KEY_IDENTIFIER)["keyIdentifier"]
    return bytes(identifier) if identifier.hasValue() else None


def is_signed_by(algorithm: str, signature: bytes, signed: bytes, issuer: Certificate) -> bool:
    """Whether the signature of a certificate or list is its issuer's; a weak one proves nothing.

    Raises:
        Unsupported: it cannot be computed here.
        TooCostly: see ``effort``.
    """
    try:
        known = algorithms.signature(algorithm, key=issuer.key_algorithm)
        effort.spend()
        return known.verify(issuer.key, signature, signed)
    except (algorithms.Weak, algorithms.Mismatch, algorithms.WeakKey):
        return False
