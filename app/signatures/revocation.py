"""Revocation lists (CRL, RFC 5280 section 5) as they are read; ``listed`` judges what they prove.

A list may have a million entries: they are never taken apart as a whole.  A serial number is
looked for as bytes, and only the entries in which the bytes occur are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from app.signatures import algorithms, asn1, certificates, distribution, extensions, names
from app.signatures.asn1 import Malformed
from app.signatures.certificates import Certificate
from app.signatures.distribution import EVERYTHING, Scope
from app.signatures.extensions import Extensions
from app.signatures.names import DIRECTORY

LARGEST_LIST = 64 * 1024 * 1024
MOST_ELEMENTS = 1_000
MOST_KNOWN = 64

_NUMBER, _DELTA, _SCOPE, _AUTHORITY_KEY_ID = "2.5.29.20", "2.5.29.27", "2.5.29.28", "2.5.29.35"
_EXPIRED_STAY = "2.5.29.60"
_UNDERSTOOD = frozenset(
    {
        _NUMBER, _DELTA, _SCOPE, _AUTHORITY_KEY_ID, _EXPIRED_STAY,
        "2.5.29.18",  # other names of the issuer
        "2.5.29.46",  # where the newest delta list lies
    }
)  # fmt: skip
_REASON, _HOLD_INSTRUCTION, _INVALIDITY_DATE, _ISSUER = "2.5.29.21", "2.5.29.23", "2.5.29.24", "2.5.29.29"
_UNDERSTOOD_OF_AN_ENTRY = frozenset({_REASON, _HOLD_INSTRUCTION, _INVALIDITY_DATE})
KEY_COMPROMISE, REMOVED = 1, 8
REASON_NAMES = {
    0: "unspecified", 1: "keyCompromise", 2: "cACompromise", 3: "affiliationChanged", 4: "superseded",
    5: "cessationOfOperation", 6: "certificateHold", 8: "removeFromCRL", 9: "privilegeWithdrawn", 10: "aACompromise",
}  # fmt: skip


@dataclass(frozen=True)
class Revocation:
    """One entry: since when, and why (a word of RFC 5280)."""

    since: datetime
    reason: str

    @property
    def is_removed(self) -> bool:
        """Whether the entry takes back an earlier one."""
        return self.reason == REASON_NAMES[REMOVED]


@dataclass(frozen=True, eq=False)
class RevocationList:
    """A list as read; ``body``, which is signed, and ``entries`` are where these lie in ``der``.

    ``base`` is set for a delta list: the number of the list that it continues.  ``is_usable``:
    every critical extension of the list is one we know.  Certificates that expired at
    ``expired_stay_since`` or later stay on the list; None: it may forget them (X.509, expiredCertsOnCRL).
    """

    der: bytes
    issuer: bytes
    this_update: datetime
    next_update: datetime | None
    body: tuple[int, int]
    signature_algorithm: str
    signature: bytes
    entries: tuple[int, int]
    issuer_key_identifier: bytes | None
    number: int | None
    base: int | None
    scope: Scope
    is_usable: bool
    expired_stay_since: datetime | None = None
    known: dict[str, bool] = field(default_factory=dict, repr=False)
    """What was computed of the list, kept for the next question: hashing it is not cheap."""

    @property
    def signed(self) -> bytes:
        """Return what the signature covers; cut out when it is asked for, not kept beside ``der``."""
        return self.der[slice(*self.body)]

    def is_signed_by(self, issuer: Certificate) -> bool:
        """Whether the list's signature is that of a certificate's key; one we cannot compute is not."""
        known = self.known.get(issuer.fingerprint)
        if known is None:
            try:
                known = certificates.is_signed_by(self.signature_algorithm, self.signature, self.signed, issuer)
            except algorithms.Unsupported:
                return False
            if len(self.known) >= MOST_KNOWN:
                self.known.clear()
            self.known[issuer.fingerprint] = known
        return known

    def speaks_of(self, certificate: Certificate) -> bool:
        """Whether it would still name the certificate: authorities take expired ones off their lists.

        Source: RFC 5280, 3.3; ETSI EN 319 102-1, 5.2.5.
        """
        if self.this_update <= certificate.not_after:
            return True
        return self.expired_stay_since is not None and self.expired_stay_since <= certificate.not_after

    @property
    def is_understood(self) -> bool:
        """Whether no entry has a critical extension that we do not know: one is enough to void the list.

        Source: RFC 5280, 5.3.
        """
        known = self.known.get("understood")
        if known is None:
            known = self.known["understood"] = _is_understood(self)
        return known


# --- reading --------------------------------------------------------------------------------------


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
    if len(rest) > 1 or any(place[0] != 0xA0 for place in rest):
        raise Malformed
    own = _extensions(der[rest[0][2] : rest[0][3]]) if rest else {}
    return RevocationList(
        der=der,
        issuer=_raw(der, issuer),
        this_update=asn1.moment(this_update[0], der[this_update[2] : this_update[3]]),
        next_update=next_update,
        body=(tbs[1], tbs[3]),
        signature_algorithm=str(named["algorithm"]),
        signature=certificates.whole_octets(der[signature[2] : signature[3]]),
        entries=entries,
        issuer_key_identifier=_key_identifier(own),
        number=_integer(own, _NUMBER),
        base=_integer(own, _DELTA),
        scope=distribution.read_scope(own[_SCOPE][1]) if _SCOPE in own else EVERYTHING,
        is_usable=all(oid in _UNDERSTOOD for oid, (critical, _) in own.items() if critical),
        expired_stay_since=_moment(own, _EXPIRED_STAY),
    )


def _raw(der: bytes, place: tuple[int, int, int, int]) -> bytes:
    return der[place[1] : place[3]]


def _extensions(der: bytes) -> Extensions:
    return extensions.read(asn1.parse(der, elements=MOST_ELEMENTS))


def _integer(own: Extensions, oid: str) -> int | None:
    stated = extensions.value(own, oid)
    return None if stated is None else extensions.integer(stated)


def _moment(own: Extensions, oid: str) -> datetime | None:
    stated = extensions.value(own, oid)
    return None if stated is None else asn1.moment(stated.tag, stated.content)


def _key_identifier(own: Extensions) -> bytes | None:
    stated = extensions.value(own, _AUTHORITY_KEY_ID)
    if stated is None:
        return None
    return next((part.content for part in extensions.sequence(stated) if part.tag == 0x80), None)


# --- entries --------------------------------------------------------------------------------------


def entry(revoked: RevocationList, serial: int, issuer: bytes | None = None) -> Revocation | None:
    """Return the entry of a certificate, None when the list does not name it.

    ``issuer`` is the Name of the certificate's issuer; without it the list's own.  The dates of
    ``_when`` count.

    Raises:
        Malformed: the entries cannot be read; the list then proves nothing.
    """
    wanted = asn1.integer(serial)
    if len(wanted) >= 6:
        wanted = wanted[2:]  # found even where the number has been padded
    if revoked.der.find(wanted, *revoked.entries) < 0:
        return None
    try:
        return _entry(revoked, serial, revoked.issuer if issuer is None else issuer, wanted)
    except (IndexError, ValueError):
        raise Malformed(detail="entry of a list") from None


def _entry(revoked: RevocationList, serial: int, issuer: bytes, wanted: bytes) -> Revocation | None:
    der = revoked.der
    of = revoked.issuer  # an entry belongs to the issuer that was named last (RFC 5280, 5.3.3)
    for start, end in _holding(revoked, wanted, *([asn1.oid(_ISSUER)] if revoked.scope.is_indirect else [])):
        ((tag, _, body, _),) = asn1.shallow(der, start, end)
        number, since, *more = asn1.shallow(der, body, end)
        if tag != asn1.SEQUENCE or number[0] != asn1.INTEGER or len(more) > 1:
            raise Malformed(detail="entry of a list")
        own = _extensions(_raw(der, more[0])) if more else {}
        if revoked.scope.is_indirect and _ISSUER in own:
            of = _named_issuer(own[_ISSUER][1])
        if int.from_bytes(der[number[2] : number[3]], "big", signed=True) != serial or not names.same_name(of, issuer):
            continue
        return _when(asn1.moment(since[0], der[since[2] : since[3]]), own)
    return None


def _holding(revoked: RevocationList, *needles: bytes) -> Iterator[tuple[int, int]]:
    """Yield start and end of the entries in which one of the needles occurs."""
    der, (position, stop) = revoked.der, revoked.entries
    hits = {needle: der.find(needle, position, stop) for needle in needles}
    while hits := {needle: at for needle, at in hits.items() if at >= 0}:
        nearest = min(hits.values())
        while True:
            size = der[position + 1]
            start, position = position, position + 2 + size
            if size >= 0x80:
                position = next(asn1.shallow(der, start, stop))[3]
            if position > nearest:
                break
        if position > stop:
            raise Malformed(detail="entry of a list")
        yield start, position
        hits = {needle: at if at >= position else der.find(needle, position, stop) for needle, at in hits.items()}


def _named_issuer(value: bytes) -> bytes:
    for name in names.general_names(asn1.parse(value, elements=MOST_ELEMENTS)):
        if name.kind == DIRECTORY:
            return name.value
    raise Malformed(detail="issuer of an entry")


def _when(since: datetime, own: Extensions) -> Revocation:
    """Return an entry; with the reason keyCompromise the invalidity date counts if it is the earlier one."""
    reason, invalid_from = 0, since
    stated, date = extensions.value(own, _REASON), extensions.value(own, _INVALIDITY_DATE)
    if stated is not None:
        reason = int.from_bytes(stated.content, "big")
    if date is not None:
        invalid_from = asn1.moment(date.tag, date.content)
    if reason == KEY_COMPROMISE:
        since = min(since, invalid_from)
    return Revocation(since, REASON_NAMES.get(reason, str(reason)))


_TRUE = b"\x01\x01\xff"
_CRITICAL = {
    False: re.compile(re.escape(_TRUE)),
    True: re.compile(b"(?<!%s)%s" % (re.escape(asn1.oid(_ISSUER)), re.escape(_TRUE))),
}
"""Bytes that may be the mark of a critical extension, by whether the list may name issuers."""


def _is_understood(revoked: RevocationList) -> bool:
    if _CRITICAL[revoked.scope.is_indirect].search(revoked.der, *revoked.entries) is None:
        return True
    known = _UNDERSTOOD_OF_AN_ENTRY | ({_ISSUER} if revoked.scope.is_indirect else set())
    try:
        for start, end in _holding(revoked, _TRUE):
            ((_, _, body, _),) = asn1.shallow(revoked.der, start, end)
            for place in list(asn1.shallow(revoked.der, body, end))[2:]:
                own = _extensions(_raw(revoked.der, place))
                if any(critical and oid not in known for oid, (critical, _) in own.items()):
                    return False
    except (IndexError, ValueError, Malformed):
        return False
    return True
