"""Certificates: what they say (RFC 5280) and whom they name (profile of the NCA of the RK).

Names are read from the DER, attribute by attribute; a flattened "CN=…, OU=…" is never parsed:
the order differs between generations, and a CN may hold text that looks like another attribute.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from app.signatures import algorithms, asn1, cms
from app.signatures.asn1 import Malformed

MOST_ELEMENTS = 4_000

CN, SURNAME, SERIAL_NUMBER, COUNTRY = "2.5.4.3", "2.5.4.4", "2.5.4.5", "2.5.4.6"
ORGANISATION, UNIT, GIVEN_NAME = "2.5.4.10", "2.5.4.11", "2.5.4.42"

EMAIL_PROTECTION = "1.3.6.1.5.5.7.3.4"
"""Marks a signing certificate of the NCA; one for signing in carries clientAuth instead."""

ROLES = {
    "1.2.398.3.3.4.1.1": "INDIVIDUAL",
    "1.2.398.3.3.4.1.1.1": "INFORMATION_SYSTEM",
    "1.2.398.3.3.4.1.2": "ORGANISATION",
    "1.2.398.3.3.4.1.2.1": "FIRST_HEAD",
    "1.2.398.3.3.4.1.2.2": "CAN_SIGN",
    "1.2.398.3.3.4.1.2.3": "CAN_SIGN_FINANCIAL",
    "1.2.398.3.3.4.1.2.4": "HR",
    "1.2.398.3.3.4.1.2.5": "EMPLOYEE",
    "1.2.398.3.3.4.1.2.6": "INFORMATION_SYSTEM",
    "1.2.398.3.3.4.2.1": "NCA_ADMINISTRATOR",
    "1.2.398.3.3.4.2.2": "NCA_MANAGER",
    "1.2.398.3.3.4.2.3": "NCA_OPERATOR",
    "1.2.398.5.19.1.2.2.1": "TREASURY_CLIENT",
}
"""Extended key usages that say in which capacity the holder signs.  Source: root.gov.kz/oid."""

_NUMBERED_SYSTEM = "1.2.398.3.3.4.1.2.6."

_KEY_USAGES = (
    "digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement",
    "keyCertSign", "cRLSign", "encipherOnly", "decipherOnly",
)  # fmt: skip

_SUBJECT_KEY_ID, _KEY_USAGE, _BASIC_CONSTRAINTS = "2.5.29.14", "2.5.29.15", "2.5.29.19"
_AUTHORITY_KEY_ID, _PURPOSES = "2.5.29.35", "2.5.29.37"
_UNDERSTOOD = frozenset(
    {
        _SUBJECT_KEY_ID, _KEY_USAGE, _BASIC_CONSTRAINTS, _AUTHORITY_KEY_ID, _PURPOSES,
        "2.5.29.17",  # subjectAltName: names more, restricts nothing
        "2.5.29.31", "2.5.29.46",  # where revocation lists lie
        "2.5.29.32",  # certificatePolicies: every policy is acceptable while none is demanded
        "1.3.6.1.5.5.7.1.1",  # where the issuer's certificate lies
    }
)  # fmt: skip
_RESTRICTING = frozenset({"2.5.29.30", "2.5.29.36", "2.5.29.54"})
"""Constraints on names and policies: not evaluated here, so a certificate with one is refused even if not critical."""


@dataclass(frozen=True)
class Certificate:
    """A certificate's statements.  Names and key are kept as DER.

    ``key_usage`` and ``purposes`` are None when the extension is absent; ``not_understood`` are
    critical or restricting extensions that cannot be judged.
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
    not_understood: frozenset[str]

    @property
    def sha1(self) -> bytes:
        """Return the hash by which the older signing-certificate attribute names a certificate."""
        return hashlib.sha1(self.der, usedforsecurity=False).digest()

    @property
    def is_self_issued(self) -> bool:
        """Whether subject and issuer are the same name."""
        return same_name(self.subject, self.issuer)

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
        not_understood=frozenset(
            oid
            for oid, (critical, _) in extensions.items()
            if (critical and oid not in _UNDERSTOOD) or oid in _RESTRICTING
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


def _extensions(tbs: Any) -> dict[str, tuple[bool, bytes]]:
    found: dict[str, tuple[bool, bytes]] = {}
    if not tbs["extensions"].hasValue():
        return found
    for extension in tbs["extensions"]:
        oid = str(extension["extnID"])
        if oid in found:
            raise Malformed(detail=f"extension {oid} twice")
        found[oid] = (bool(extension["critical"]), bytes(extension["extnValue"]))
    return found


def _basic_constraints(extensions: dict[str, tuple[bool, bytes]]) -> tuple[bool, int | None]:
    if _BASIC_CONSTRAINTS not in extensions:
        return False, None
    constraints = asn1.decode(extensions[_BASIC_CONSTRAINTS][1], asn1.BASIC_CONSTRAINTS)
    length = constraints["pathLenConstraint"]
    if length.hasValue() and int(length) < 0:
        raise Malformed(detail="path length")
    return bool(constraints["cA"]), int(length) if length.hasValue() else None


def _key_usage(extensions: dict[str, tuple[bool, bytes]]) -> frozenset[str] | None:
    if _KEY_USAGE not in extensions:
        return None
    bits = asn1.decode(extensions[_KEY_USAGE][1], asn1.BIT_STRING)
    return frozenset(usage for usage, bit in zip(_KEY_USAGES, bits, strict=False) if bit)


def _purposes(extensions: dict[str, tuple[bool, bytes]]) -> tuple[str, ...] | None:
    if _PURPOSES not in extensions:
        return None
    return tuple(str(oid) for oid in asn1.decode(extensions[_PURPOSES][1], asn1.OBJECT_IDENTIFIERS))


def _octets(extensions: dict[str, tuple[bool, bytes]], oid: str) -> bytes | None:
    return cms.octets(extensions[oid][1]) if oid in extensions else None


def _authority(extensions: dict[str, tuple[bool, bytes]]) -> bytes | None:
    if _AUTHORITY_KEY_ID not in extensions:
        return None
    identifier = asn1.decode(extensions[_AUTHORITY_KEY_ID][1], asn1.AUTHORITY_KEY_IDENTIFIER)["keyIdentifier"]
    return bytes(identifier) if identifier.hasValue() else None


def is_signed_by(algorithm: str, signature: bytes, signed: bytes, issuer: Certificate) -> bool:
    """Whether the signature of a certificate or list is its issuer's; a weak one proves nothing.

    Raises:
        Unsupported: it cannot be computed here.
    """
    try:
        return algorithms.signature(algorithm, key=issuer.key_algorithm).verify(issuer.key, signature, signed)
    except (algorithms.Weak, algorithms.Mismatch, algorithms.WeakKey):
        return False


# --- names ----------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def attributes(name: bytes) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Return a Name as its relative names, each a tuple of (type, text)."""
    return tuple(
        tuple((str(pair["type"]), asn1.text(bytes(pair["value"]))) for pair in relative)
        for relative in asn1.decode(name, asn1.NAME)
    )


def same_name(one: bytes, other: bytes) -> bool:
    """Whether two names are the same: byte for byte, else by RFC 5280, 7.1 (case and spaces folded)."""
    if one == other:
        return True
    try:
        return _folded(one) == _folded(other)
    except Malformed:
        return False


def _folded(name: bytes) -> tuple[frozenset[tuple[str, str]], ...]:
    return tuple(
        frozenset((oid, " ".join(unicodedata.normalize("NFKC", text).casefold().split())) for oid, text in relative)
        for relative in attributes(name)
    )


def display(name: bytes) -> str:
    """Return the name for people: its common name, else its organisation, else nothing; never to be parsed."""
    try:
        texts = {oid: text for relative in attributes(name) for oid, text in relative}
    except Malformed:
        return ""
    return texts.get(CN) or texts.get(ORGANISATION) or ""


# --- whose certificate ----------------------------------------------------------------------------

_IIN = re.compile(r"IIN([0-9]{12})")
_BIN = re.compile(r"BIN([0-9]{12})")


@dataclass(frozen=True)
class Identity:
    """Whom a certificate names; ``faults`` are codes of ``report.REASONS``.

    The check digits of the numbers are not asked: the NCA's own test numbers fail them.
    """

    iin: str | None
    bin: str | None
    name: str | None
    organisation: str | None
    roles: tuple[str, ...]
    faults: tuple[str, ...]


def identity(certificate: Certificate) -> Identity:
    """Read IIN, BIN, names and roles from a subject.

    One serialNumber and one OU at most, each wholly of the pattern: a second one, or hidden
    characters, could show one person to the reader and another to the program.
    """
    roles = tuple(dict.fromkeys(role for role in map(_role, certificate.purposes or ()) if role))
    try:
        pairs = [pair for relative in attributes(certificate.subject) for pair in relative]
    except Malformed:
        return Identity(None, None, None, None, roles, ("identity_malformed",))
    faults: list[str] = []
    found: dict[str, list[str]] = {}
    for oid, text in pairs:
        found.setdefault(oid, []).append(text)
        if any(unicodedata.category(sign) in ("Cc", "Cf", "Cs") for sign in text):
            faults.append("identity_malformed")
    faults += ["identity_ambiguous" for oid in (SERIAL_NUMBER, UNIT, CN, ORGANISATION) if len(found.get(oid, ())) > 1]
    number, unit = (found.get(SERIAL_NUMBER) or [""])[0], (found.get(UNIT) or [""])[0]
    iin, own_bin, unit_bin = _IIN.fullmatch(number), _BIN.fullmatch(number), _BIN.fullmatch(unit)
    if (number and not iin and not own_bin) or (unit.upper().startswith("BIN") and not unit_bin):
        faults.append("identity_malformed")
    if own_bin and unit_bin and own_bin[1] != unit_bin[1]:
        faults.append("identity_ambiguous")
    if not iin:
        faults.append("identity_missing")
    organisation_number = unit_bin or own_bin
    return Identity(
        iin=iin[1] if iin else None,
        bin=organisation_number[1] if organisation_number else None,
        name=next(iter(found.get(CN, ())), None),
        organisation=next(iter(found.get(ORGANISATION, ())), None),
        roles=roles,
        faults=tuple(dict.fromkeys(faults)),
    )


def _role(oid: str) -> str | None:
    return "INFORMATION_SYSTEM" if oid.startswith(_NUMBERED_SYSTEM) else ROLES.get(oid)
