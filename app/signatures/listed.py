"""What do revocation lists say of a certificate?  (RFC 5280, section 6.3, without any network)

A list speaks when it is of the right scope, when one who may signed it, and until its nextUpdate.
Delta lists continue a base; indirect ones speak for other authorities; a list for some reasons
only needs others beside it.  Of a certificate that had expired before it was made, a list proves a
revocation but not its absence, unless it says that such certificates stay on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.signatures import names, revocation
from app.signatures.asn1 import Malformed
from app.signatures.certificates import Certificate
from app.signatures.distribution import ALL_REASONS, Place, Point
from app.signatures.names import DIRECTORY, GeneralName
from app.signatures.revocation import Revocation, RevocationList

CLOCK_SKEW = timedelta(minutes=5)
MOST_POINTS = 32
"""Distribution points of one certificate that are looked at."""
MOST_SIGNERS = 4
"""Certificates tried as the signer of one list."""

Proof = Callable[[Certificate, RevocationList], bool]
"""Tells whether a certificate that signed a list may be believed: it leads to the same anchor, unrevoked."""


def _not_proven(authority: Certificate, revoked: RevocationList) -> bool:
    return False


@dataclass(frozen=True)
class Status:
    """What the lists say of one certificate: ``code`` of ``report.REASONS`` or "" for good.

    ``revocation`` is set when a list names the certificate, also when that does not count yet.
    ``used`` are the lists relied upon, in DER; ``authorities`` who signed them, other than the issuer.
    """

    code: str
    revocation: Revocation | None = None
    used: tuple[bytes, ...] = ()
    authorities: tuple[Certificate, ...] = ()


def status(
    certificate: Certificate,
    issuer: Certificate,
    *,
    lists: Sequence[RevocationList],
    at: datetime,
    now: datetime | None = None,
    candidates: Sequence[Certificate] = (),
    is_proven: Proof = _not_proven,
) -> Status:
    """Return what the newest authentic lists say of a certificate at ``at``.

    A revocation after ``at`` does not yet count.  A list past its nextUpdate still proves that a
    certificate was revoked, but no longer that it was not.  ``now`` is when the question is asked,
    ``at`` if it is not given; a list from later than that is none.  Besides the issuer, whose path
    the caller has judged, any of ``candidates`` may have signed a list if ``is_proven`` says so.
    """
    inquiry = _Inquiry(certificate, issuer, lists, at, at if now is None else now, candidates, is_proven)
    whole = Point(place=Place(full=(GeneralName(DIRECTORY, certificate.issuer),)))
    for point in (*certificate.points[:MOST_POINTS], whole):
        for revoked, authority in inquiry.speaking(point):
            found = inquiry.ask(revoked, authority, point)
            if found is not None:
                return found
    return inquiry.conclusion()


@dataclass
class _Inquiry:
    """One question on its way through the lists (RFC 5280, 6.3.3)."""

    certificate: Certificate
    issuer: Certificate
    lists: Sequence[RevocationList]
    at: datetime
    now: datetime
    candidates: Sequence[Certificate]
    is_proven: Proof
    covered: frozenset[int] = frozenset()
    is_stale: bool = False
    is_forgetful: bool = False
    later: Revocation | None = None
    used: list[bytes] = field(default_factory=list)
    authorities: list[Certificate] = field(default_factory=list)

    def conclusion(self) -> Status:
        """Return what is known when no list said that the certificate is revoked."""
        used, authorities = tuple(dict.fromkeys(self.used)), tuple(dict.fromkeys(self.authorities))
        if self.covered == ALL_REASONS:
            return Status("", self.later, used, authorities)
        if self.is_forgetful:
            return Status("revocation_after_expiry", None, used, authorities)
        return Status("revocation_stale" if self.is_stale else "revocation_unknown", None, used, authorities)

    def speaking(self, point: Point) -> Iterator[tuple[RevocationList, Certificate]]:
        """Yield the newest list of each scope and each signer that speaks for the point, with the signer.

        Authorities that have changed their key are known to keep a list for either: one that knows
        nothing of a certificate must not silence the other.
        """
        heard: set[tuple[bytes, bytes, Certificate]] = set()
        for revoked in sorted(self.lists, key=lambda one: one.this_update, reverse=True):
            if revoked.base is not None or not self._is_issued(revoked) or not self._speaks(revoked, point):
                continue
            authority = self._authority(revoked)
            if authority is not None and (revoked.issuer, revoked.scope.der, authority) not in heard:
                if not self._is_forgetful(revoked):  # else an older one must be heard as well
                    heard.add((revoked.issuer, revoked.scope.der, authority))
                yield revoked, authority

    def ask(self, revoked: RevocationList, authority: Certificate, point: Point) -> Status | None:
        """Return the revocation that a list tells of; else note what the list covers."""
        delta = self._delta(revoked, authority)
        used = [one.der for one in (revoked, delta) if one is not None]
        others = [authority] if authority != self.issuer else []
        try:
            found = self._entry(revoked, delta)
        except Malformed:
            return None
        if found is not None and found.since <= self.at:
            return Status("revoked", found, tuple(used), tuple(others))
        if found is None and self._is_forgetful(revoked):
            self.is_forgetful = True
            return None
        self.used += used
        self.authorities += others
        ends = [one.next_update for one in (revoked, delta) if one is not None and one.next_update is not None]
        if not any(self.at <= end for end in ends):
            self.is_stale = True
            return None
        self.later = self.later or found
        self.covered |= point.reasons & revoked.scope.reasons
        return None

    def _is_forgetful(self, revoked: RevocationList) -> bool:
        """Whether a list may have forgotten the certificate, which was in force at the moment asked about."""
        return self.at <= self.certificate.not_after and not revoked.speaks_of(self.certificate)

    def _is_issued(self, revoked: RevocationList) -> bool:
        return revoked.is_usable and revoked.this_update - self.now <= CLOCK_SKEW

    def _speaks(self, revoked: RevocationList, point: Point) -> bool:
        """Whether a list is of the scope that a distribution point means (6.3.3 b)."""
        scope = revoked.scope
        own = GeneralName(DIRECTORY, revoked.issuer)
        base = self.certificate.issuer
        if point.issuers:
            if not scope.is_indirect or not names.share_one((own,), point.issuers):
                return False
            base = revoked.issuer
        elif not names.same_name(revoked.issuer, self.certificate.issuer):
            return False
        if scope.place is not None:
            wanted = point.issuers if point.place is None else point.place.names(base)
            if not names.share_one(scope.place.names(revoked.issuer), wanted):
                return False
        is_ca = self.certificate.is_ca
        return not (scope.attributes_only or (scope.users_only and is_ca) or (scope.authorities_only and not is_ca))

    def _authority(self, revoked: RevocationList) -> Certificate | None:
        """Return the certificate whose key signed a list and may sign lists (6.3.3 f and g)."""
        named = dict.fromkeys(
            one for one in (self.issuer, *self.candidates) if names.same_name(one.subject, revoked.issuer)
        )
        fitting = sorted(named, key=lambda one: one.key_identifier != revoked.issuer_key_identifier)
        for one in fitting[:MOST_SIGNERS]:
            if one.key_usage is not None and "cRLSign" not in one.key_usage:
                continue
            if not revoked.is_signed_by(one) or not revoked.is_understood:
                continue
            if one == self.issuer or self.is_proven(one, revoked):
                return one
        return None

    def _delta(self, revoked: RevocationList, authority: Certificate) -> RevocationList | None:
        """Return the newest delta list that continues a list, if there is one (6.3.3 c and h)."""
        if revoked.number is None:
            return None
        continuing = [
            one
            for one in self.lists
            if one.base is not None
            and one.number is not None
            and one.base <= revoked.number < one.number
            and one.scope.der == revoked.scope.der
            and one.issuer_key_identifier == revoked.issuer_key_identifier
            and names.same_name(one.issuer, revoked.issuer)
            and self._is_issued(one)
        ]
        for one in sorted(continuing, key=lambda one: one.number or 0, reverse=True):
            if one.is_signed_by(authority) and one.is_understood:
                return one
        return None

    def _entry(self, revoked: RevocationList, delta: RevocationList | None) -> Revocation | None:
        """Return what a list and its delta say: the earlier of two entries, none that had been taken back."""
        found = []
        for one in (revoked, delta):
            entry = None if one is None else revocation.entry(one, self.certificate.serial, self.certificate.issuer)
            if entry is None:
                continue
            if not entry.is_removed:
                found.append(entry)
            elif entry.since <= self.at or one is revoked:
                return None
        return min(found, key=lambda entry: entry.since, default=None)
