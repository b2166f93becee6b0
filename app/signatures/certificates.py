"""Certificates: what they say (RFC 5280, section 4)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from app.signatures import algorithms, asn1, cms, constraints, distribution, effort, extensions, names, policies
from app.signatures.asn1 import Element, Malformed
from app.signatures.constraints import NameConstraints
from app.signatures.distribution import Point
from app.signatures.extensions import Extensions
from app.signatures.names import GeneralName
from app.signatures.policies import Statements

MOST_ELEMENTS = 1_000

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
    if len(der) > cms.LARGEST_CERTIFICATE:
        raise Malformed("certificate_malformed", "too large")
    try:
        root = asn1.parse(der, elements=MOST_ELEMENTS)
        if not root.is_der:
            raise Malformed(detail="not DER")
        return _read(root)
    except Malformed as error:
        raise Malformed("certificate_malformed", error.detail) from None


def _read(root: Element) -> Certificate:
    tbs, signature_algorithm, signature = _exactly(3, root)
    parts = list(extensions.sequence(tbs))
    version = 1
    if parts and parts[0].tag == 0xA0:
        version = extensions.integer(_exactly(1, parts.pop(0), tag=0xA0)[0]) + 1
    if len(parts) < 6:
        raise Malformed(detail="certificate cut short")
    serial, algorithm, issuer, validity, subject, key, *more = parts
    if algorithm.raw != signature_algorithm.raw:
        raise Malformed(detail="two signature algorithms")
    if issuer.tag != asn1.SEQUENCE or subject.tag != asn1.SEQUENCE or signature.tag != asn1.BITS:
        raise Malformed(detail="certificate")
    since, until = _exactly(2, validity)
    own = _optional(more)
    is_ca, path_length = _basic_constraints(own)
    return Certificate(
        der=root.source,
        fingerprint=hashlib.sha256(root.source).hexdigest(),
        version=version,
        serial=extensions.integer(serial),
        issuer=issuer.raw,
        subject=subject.raw,
        not_before=asn1.moment(since.tag, since.content),
        not_after=asn1.moment(until.tag, until.content),
        key=key.raw,
        key_algorithm=_algorithm(_exactly(2, key)[0]),
        signed=tbs.raw,
        signature_algorithm=_algorithm(algorithm),
        signature=whole_octets(signature.content),
        is_ca=is_ca,
        path_length=path_length,
        key_usage=_key_usage(own),
        purposes=_purposes(own),
        key_identifier=_key_identifier(own),
        issuer_key_identifier=_issuer_key_identifier(own),
        alternative_names=_alternative_names(own),
        constraints=constraints.read(own[_NAME_CONSTRAINTS][1]) if _NAME_CONSTRAINTS in own else None,
        policy=policies.read(
            *(own[oid][1] if oid in own else None for oid in (_POLICIES, _MAPPINGS, _POLICY_CONSTRAINTS, _INHIBIT_ANY))
        ),
        points=distribution.read_points(own[_POINTS][1]) if _POINTS in own else (),
        not_understood=frozenset(oid for oid, (critical, _) in own.items() if critical and oid not in _UNDERSTOOD),
    )


def _exactly(count: int, element: Element, *, tag: int = asn1.SEQUENCE) -> tuple[Element, ...]:
    if element.tag != tag or len(element.children) != count:
        raise Malformed(detail="certificate")
    return element.children


def _algorithm(identifier: Element) -> str:
    if identifier.tag != asn1.SEQUENCE or len(identifier.children) not in (1, 2):
        raise Malformed(detail="algorithm")
    return asn1.dotted(identifier.children[0])


_ISSUER_ID, _SUBJECT_ID, _EXTENSIONS = 0x81, 0x82, 0xA3


def _optional(parts: Sequence[Element]) -> Extensions:
    """Return the extensions; the unique identifiers before them are not in use."""
    tags = [part.tag for part in parts]
    if tags != sorted(set(tags)) or not set(tags) <= {_ISSUER_ID, _SUBJECT_ID, _EXTENSIONS}:
        raise Malformed(detail="certificate")
    if not parts or parts[-1].tag != _EXTENSIONS:
        return {}
    return extensions.read(_exactly(1, parts[-1], tag=_EXTENSIONS)[0])


def extension(certificate: Certificate, oid: str) -> tuple[bool, bytes] | None:
    """Return whether an extension is critical, and its value in DER; None when the certificate has none such."""
    parts = [part for part in asn1.parse(certificate.signed).children if part.tag != 0xA0][6:]
    return _optional(parts).get(oid)


def whole_octets(bits: bytes) -> bytes:
    """Return a BIT STRING's content as octets; a signature has no odd bits."""
    if not bits or bits[0] != 0:
        raise Malformed(detail="odd bits")
    return bits[1:]


def _basic_constraints(own: Extensions) -> tuple[bool, int | None]:
    stated = extensions.value(own, _BASIC_CONSTRAINTS)
    if stated is None:
        return False, None
    parts = list(extensions.sequence(stated))
    is_ca = bool(parts) and parts[0].tag == asn1.BOOLEAN and extensions.flag(parts.pop(0))
    length = extensions.integer(parts.pop(0)) if parts else None
    if parts or (length is not None and length < 0):
        raise Malformed(detail="basic constraints")
    return is_ca, length


def _key_usage(own: Extensions) -> frozenset[str] | None:
    stated = extensions.value(own, _KEY_USAGE)
    if stated is None:
        return None
    if stated.tag != asn1.BITS or not stated.content or stated.content[0] > 7:
        raise Malformed(detail="key usage")
    octets = stated.content[1:]
    return frozenset(
        usage
        for bit, usage in enumerate(_KEY_USAGES)
        if bit // 8 < len(octets) and octets[bit // 8] & (0x80 >> bit % 8)
    )


def _purposes(own: Extensions) -> tuple[str, ...] | None:
    stated = extensions.value(own, _PURPOSES)
    return None if stated is None else tuple(map(asn1.dotted, extensions.sequence(stated)))


def _alternative_names(own: Extensions) -> tuple[GeneralName, ...]:
    stated = extensions.value(own, _ALTERNATIVE_NAMES)
    return () if stated is None else tuple(map(names.general_name, extensions.sequence(stated)))


def _key_identifier(own: Extensions) -> bytes | None:
    return cms.octets(own[_SUBJECT_KEY_ID][1]) if _SUBJECT_KEY_ID in own else None


def _issuer_key_identifier(own: Extensions) -> bytes | None:
    stated = extensions.value(own, _AUTHORITY_KEY_ID)
    if stated is None:
        return None
    return next((part.content for part in extensions.sequence(stated) if part.tag == 0x80), None)


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
