"""Who else may sign a revocation list: another key of the authority, or one it has charged with that.

Such a signer's certificate must lead to the same anchor as the certificate in question, and must
not be revoked itself (RFC 5280, 6.3.3 f).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.signatures import listed, paths
from app.signatures.certificates import Certificate
from app.signatures.listed import Status
from app.signatures.revocation import RevocationList
from app.signatures.trust import TrustStore

DEEPEST = 2
"""Signers of lists about signers of lists, asked one within the other at most."""


@dataclass
class ListIssuers:
    """Answers ``listed.status`` for the certificates of one path, which ends in ``anchor``."""

    store: TrustStore
    pool: Sequence[Certificate]
    anchor: Certificate
    at: datetime
    now: datetime
    asked: set[Certificate] = field(default_factory=set)
    proven: dict[tuple[Certificate, RevocationList], bool] = field(default_factory=dict)
    candidates: tuple[Certificate, ...] = field(init=False)

    def __post_init__(self) -> None:
        anchors = (anchor.certificate for anchor in self.store.anchors)
        self.candidates = tuple(dict.fromkeys((*anchors, *self.store.intermediates, *self.pool)))

    @property
    def forgets_expired(self) -> bool:
        """Whether the authorities of this path are known to take expired certificates off their lists."""
        return any(anchor.forgets_expired for anchor in self.store.anchors if anchor.certificate == self.anchor)

    def status(self, certificate: Certificate, issuer: Certificate, *, at: datetime | None = None) -> Status:
        """Return what the store's lists say of a certificate, whoever may have signed them."""
        return listed.status(
            certificate,
            issuer,
            lists=self.store.lists,
            at=self.at if at is None else at,
            now=self.now,
            candidates=self.candidates,
            is_proven=self.is_proven,
        )

    def is_proven(self, authority: Certificate, revoked: RevocationList) -> bool:
        """Whether an authority leads to the anchor and was not revoked when it signed or is asked for."""
        if authority == self.anchor:
            return True
        if authority in self.asked or len(self.asked) == DEEPEST:
            return False  # a list cannot speak for the key that signed it
        known = (authority, revoked)
        if known in self.proven:
            return self.proven[known]
        self.asked.add(authority)
        is_proven = self._is_proven(authority, max(self.at, revoked.this_update))
        self.asked.discard(authority)
        if not self.asked:  # within another question the answer is not a whole one
            self.proven[known] = is_proven
        return is_proven

    def _is_proven(self, authority: Certificate, at: datetime) -> bool:
        path = paths.find_path(authority, store=self.store, pool=self.pool, at=at)
        if path.faults or path.certificates[-1] != self.anchor or not authority.is_valid_at(at):
            return False
        steps = zip(path.certificates, path.certificates[1:], strict=False)
        return all(self.status(one, issuer, at=at).code != "revoked" for one, issuer in steps)
