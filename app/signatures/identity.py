"""Whose certificate is it, and in which capacity does the holder sign?  (profile of the NCA of the RK)

What an object identifier means is the authority's own affair: an authority that the state has
accredited for something else must not make first heads by writing the NCA's numbers.  The meanings
lie beside this file, by authority: ``profiles/authorities.csv`` and ``profiles/identifiers.csv``.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from app.signatures import names
from app.signatures.asn1 import Malformed
from app.signatures.certificates import Certificate
from app.signatures.names import CN, ORGANISATION, SERIAL_NUMBER, UNIT

PROFILES = Path(__file__).parent / "profiles"
NCA = "nca"

_IIN = re.compile(r"IIN([0-9]{12})")
_BIN = re.compile(r"BIN([0-9]{12})")


@dataclass(frozen=True)
class Identity:
    """Whom a certificate names; ``faults`` are codes of ``report.REASONS``.

    ``roles`` and ``policies`` are words of the profile of the certificate's authority.  The check
    digits of the numbers are not asked: the NCA's own test numbers fail them.
    """

    iin: str | None
    bin: str | None
    name: str | None
    organisation: str | None
    roles: tuple[str, ...]
    policies: tuple[str, ...]
    faults: tuple[str, ...]


def read(certificate: Certificate, *, environment: str = "production") -> Identity:
    """Read IIN, BIN, names and roles of a certificate.

    One serialNumber and one OU at most, each wholly of the pattern: a second one, or hidden
    characters, could show one person to the reader and another to the program.  An authority that
    no profile knows gives no roles in production; elsewhere it is taken to imitate the NCA, as
    sandboxes do.
    """
    profile = _authorities().get(_authority_of(certificate), "" if environment == "production" else NCA)
    roles = _meanings(profile, "role", certificate.purposes or ())
    policies = _meanings(profile, "policy", sorted(certificate.policy.policies or ()))
    try:
        pairs = [pair for relative in names.attributes(certificate.subject) for pair in relative]
    except Malformed:
        return Identity(None, None, None, None, roles, policies, ("identity_malformed",))
    faults: list[str] = []
    found: dict[str, list[str]] = {}
    for oid, text in pairs:
        found.setdefault(oid, []).append(text)
        if names.shown(text) != text:
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
        name=names.shown(found[CN][0]) if CN in found else None,
        organisation=names.shown(found[ORGANISATION][0]) if ORGANISATION in found else None,
        roles=roles,
        policies=policies,
        faults=tuple(dict.fromkeys(faults)),
    )


# --- what numbers mean ----------------------------------------------------------------------------


def _authority_of(certificate: Certificate) -> tuple[str, str]:
    """Return common name and organisation of the issuer, "" where it does not name exactly one."""
    found = []
    for oid in (CN, ORGANISATION):
        try:
            texts = names.texts(certificate.issuer, oid)
        except Malformed:
            texts = []
        found.append(texts[0] if len(texts) == 1 else "")
    return found[0], found[1]


@lru_cache(maxsize=1)
def _authorities() -> Mapping[tuple[str, str], str]:
    with (PROFILES / "authorities.csv").open(encoding="utf-8", newline="") as file:
        return {(row["common_name"], row["organisation"]): row["profile"] for row in csv.DictReader(file)}


@lru_cache(maxsize=1)
def _identifiers() -> Mapping[tuple[str, str, str], str]:
    with (PROFILES / "identifiers.csv").open(encoding="utf-8", newline="") as file:
        return {(row["profile"], row["kind"], row["oid"]): row["meaning"] for row in csv.DictReader(file)}


def _meanings(profile: str, kind: str, oids: Iterable[str]) -> tuple[str, ...]:
    """Return the words of a profile for object identifiers, each once; ``….*`` stands for any last arc."""
    known = _identifiers()
    found = (
        known.get((profile, kind, oid)) or known.get((profile, kind, f"{oid.rpartition('.')[0]}.*")) for oid in oids
    )
    return tuple(dict.fromkeys(word for word in found if word))
