"""Revocation lists (CRL, RFC 5280 section 5), judged without any network.

A list speaks only when its issuer signed it, for certificates of that issuer, and until its
nextUpdate.  Lists that speak for a part only (delta, indirect, by reason) are not used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from app.signatures import algorithms, asn1, certificates, names
from app.signatures.asn1 import Malformed
from app.signatures.certificates import Certificate

LARGEST_LIST = 64 * 1024 * 1024
_CRL_NUMBER, _AUTHORITY_KEY_ID, _FRESHEST = "2.5.29.20", "2.5.29.35", "2.5.29.46"
_UNDERSTOOD = frozenset({_CRL_NUMBER, _AUTHORITY_KEY_ID, _FRESHEST})
_DELTA = "2.5.29.27"
_REASON, _INVALIDITY_DATE = "2.5.29.21", "2.5.29.24"
REMOVED, KEY_COMPROMISE = 8, 1
REASON_NAMES = {
    0: "unspecified", 1: "keyCompromise", 2: "cACompromise", 3: "affiliationChanged", 4: "superseded",
    5: "cessationOfOperation", 6: "certificateHold", 8: "removeFromCRL", 9: "privilegeWithdrawn", 10: "aACompromise",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class RevocationList:
    """A list as read; ``entries`` is where its entries lie in ``der``."""

    der: bytes
    issuer: bytes
    this_update: datetime
    next_update: datetime | None
    signed: bytes
    signature_algorithm: str
    signature: bytes
    entries: tuple[int, int]
    is_usable: bool


@dataclass(frozen=True)
class Revocation:
    """One entry: since when, and why (a word of RFC 5280)."""

    since: datetime
    reason: str


@lru_cache(maxsize=8)
def read(der: bytes) -> RevocationList:
    """Read a revocation list; its signature is not judged yet.

    Raises:
        Malformed: it is none.
    """
    if len(der) > LARGEST_LIST:
        raise Malformed("too_large")
    try:
        return _read(der)
    except (IndexError, ValueError):
        raise Malformed from None


def _read(der: bytes) -> RevocationList:
    whole = list(asn1.shallow(der, 0, len(der)))
    if len(whole) != 1 or whole[0][0] != asn1.SEQUENCE:
        raise Malformed
    tbs, algorithm, signature = asn1.shallow(der, whole[0][2], whole[0][3])
    if tbs[0] != asn1.SEQUENCE or algorithm[0] != asn1.SEQUENCE or signature[0] != asn1.BITS:
        raise Malformed
    parts = list(asn1.shallow(der, tbs[2], tbs[3]))
    if parts[0][0] == asn1.INTEGER:
        parts.pop(0)
    inner, issuer, this_update, *rest = parts
    named = asn1.decode(_raw(der, algorithm), asn1.ALGORITHM_IDENTIFIER)
    # Only the identifiers must agree: the NCA writes NULL parameters in one of the two places.
    if str(asn1.decode(_raw(der, inner), asn1.ALGORITHM_IDENTIFIER)["algorithm"]) != str(named["algorithm"]):
        raise Malformed
    next_update = None
    if rest and rest[0][0] in (0x17, 0x18):
        next_update = asn1.moment(rest[0][0], der[rest[0][2] : rest[0][3]])
        rest = rest[1:]
    entries = (0, 0)
    if rest and rest[0][0] == asn1.SEQUENCE:
        entries = rest[0][2:]
        rest = rest[1:]
    is_usable = True
    for extensions in rest:
        if extensions[0] != 0xA0:
            raise Malformed
        for extension in asn1.decode(der[extensions[2] : extensions[3]], asn1.EXTENSIONS):
            oid = str(extension["extnID"])
            is_usable = is_usable and oid != _DELTA and (not extension["critical"] or oid in _UNDERSTOOD)
    return RevocationList(
        der=der,
        issuer=_raw(der, issuer),
        this_update=asn1.moment(this_update[0], der[this_update[2] : this_update[3]]),
        next_update=next_update,
        signed=_raw(der, tbs),
        signature_algorithm=str(named["algorithm"]),
        signature=certificates.whole_octets(der[signature[2] : signature[3]]),
        entries=entries,
        is_usable=is_usable,
    )


def _raw(der: bytes, place: tuple[int, int, int, int]) -> bytes:
    return der[place[1] : place[3]]


def entry(revoked: RevocationList, serial: int) -> Revocation | None:
    """Return the entry of a serial number, None when the list does not name it.

    With the reason keyCompromise the invalidity date counts if it is the earlier one.

    Raises:
        Malformed: an entry cannot be read; the list then proves nothing.
    """
    for _, _, body, end in asn1.shallow(revoked.der, *revoked.entries):
        number, since, *extensions = asn1.shallow(revoked.der, body, end)
        if int.from_bytes(revoked.der[number[2] : number[3]], "big", signed=True) != serial:
            continue
        moment = asn1.moment(since[0], revoked.der[since[2] : since[3]])
        reason, invalid_from = 0, moment
        for place in extensions:
            for extension in asn1.decode(_raw(revoked.der, place), asn1.EXTENSIONS):
                oid, value = str(extension["extnID"]), asn1.parse(bytes(extension["extnValue"]))
                if oid == _REASON:
                    reason = int.from_bytes(value.content, "big")
                elif oid == _INVALIDITY_DATE:
                    invalid_from = asn1.moment(value.tag, value.content)
                elif extension["critical"]:
                    raise Malformed(detail="critical extension of an entry")
        if reason == REMOVED:
            return None
        if reason == KEY_COMPROMISE:
            moment = min(moment, invalid_from)
        return Revocation(moment, REASON_NAMES.get(reason, str(reason)))
    return None


def _is_authentic(revoked: RevocationList, issuer: Certificate) -> bool:
    try:
        return certificates.is_signed_by(revoked.signature_algorithm, revoked.signature, revoked.signed, issuer)
    except algorithms.Unsupported:
        return False


@dataclass(frozen=True)
class Status:
    """What the lists say of one certificate: ``code`` of ``report.REASONS`` or "" for good.

    ``used`` are the lists relied upon, in DER.
    """

    code: str
    revocation: Revocation | None = None
    used: tuple[bytes, ...] = ()


def status(
    certificate: Certificate,
    issuer: Certificate,
    *,
    lists: Sequence[RevocationList],
    at: datetime,
) -> Status:
    """Return what the newest authentic list of the issuer says of a certificate at ``at``.

    A revocation after ``at`` does not yet count.  A list past its nextUpdate still proves that a
    certificate was revoked, but no longer that it was not.
    """
    if issuer.key_usage is not None and "cRLSign" not in issuer.key_usage:
        return Status("revocation_unknown")
    own = [
        revoked
        for revoked in lists
        if revoked.is_usable and names.same_name(revoked.issuer, issuer.subject) and _is_authentic(revoked, issuer)
    ]
    if not own:
        return Status("revocation_unknown")
    newest = max(own, key=lambda revoked: revoked.this_update)
    try:
        found = entry(newest, certificate.serial)
    except (Malformed, ValueError):
        return Status("revocation_unknown")
    if found is not None and found.since <= at:
        return Status("revoked", found, (newest.der,))
    if newest.next_update is None or newest.next_update < at:
        return Status("revocation_stale", None, (newest.der,))
    return Status("", found, (newest.der,))
