"""Judging again later, against nothing but the evidence kept with a report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.signatures import certificates, ocsp, revocation
from app.signatures.report import Evidence
from app.signatures.trust import Anchor, TrustStore


def evidence_store(
    evidence: Iterable[Evidence], anchors: Sequence[Anchor], *, environment: str = "production"
) -> TrustStore:
    """Return a trust store of the evidence: its certificates, lists and answers, under the given anchors.

    Evidence gives no trust: the anchors are those that are trusted now.  Tokens are not in the
    store, they lie in the signature.  The same verdict comes of ``verify`` at the moment of the
    first judgement.

    Raises:
        Malformed: a piece of the evidence is not what it was.
        TestAnchorRefused: see ``TrustStore``.
    """
    kept: dict[str, list[bytes]] = {}
    for one in evidence:
        kept.setdefault(one.kind, []).append(one.der)
    trusted = {anchor.certificate.der for anchor in anchors}
    return TrustStore(
        anchors=tuple(anchors),
        intermediates=tuple(certificates.read(der) for der in kept.get("certificate", ()) if der not in trusted),
        lists=tuple(revocation.read(der) for der in kept.get("list", ())),
        answers=tuple(ocsp.read(der) for der in kept.get("ocsp", ())),
        environment=environment,
    )
