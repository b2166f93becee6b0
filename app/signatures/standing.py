"""The standing of one certificate: does it lead to an anchor, and was it revoked?

Signers, responders and time-stamping authorities are asked the same two questions; whether the
answers are enough for what the key did is judged by those who ask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.signatures import names, paths, revocation
from app.signatures.certificates import Certificate
from app.signatures.trust import TrustStore


@dataclass(frozen=True)
class Standing:
    """What is known of a certificate as of one moment.

    ``path`` begins with the certificate and ends, without a finding of the chain, in an anchor.
    ``findings`` are codes of ``report.REASONS``, each with a few words or "".  ``revoked_at`` is
    set when a list names the certificate, also when that does not count yet.  ``used`` are the
    revocation lists relied upon, in DER: the evidence to be kept.
    """

    path: tuple[Certificate, ...]
    findings: tuple[tuple[str, str], ...]
    revoked_at: datetime | None = None
    used: tuple[bytes, ...] = ()
    chain_judged: bool = True
    revocation_judged: bool = False


def judge(
    certificate: Certificate,
    *,
    pool: Sequence[Certificate],
    store: TrustStore,
    at: datetime,
    revocation_required: bool = True,
) -> Standing:
    """Judge the path of a certificate and whether it or one of its issuers was revoked at ``at``.

    ``pool`` are certificates that came along and may stand between; they give no trust.  Without
    ``revocation_required`` a missing proof is only noted; a revocation counts in either case.
    """
    found = paths.find_path(certificate, store=store, pool=pool, at=at)
    findings = [(fault, found.detail) for fault in found.faults]
    if len(found.certificates) < 2:
        # Without an issuer that is proven nobody can say whether the certificate was revoked.
        findings.append(("revocation_unknown" if revocation_required else "revocation_not_required", ""))
        return Standing(found.certificates, tuple(findings))
    statuses = [
        revocation.status(one, issuer, lists=store.lists, at=at)
        for one, issuer in zip(found.certificates, found.certificates[1:], strict=False)
    ]
    findings += _own(statuses[0], required=revocation_required)
    for one, status in zip(found.certificates[1:], statuses[1:], strict=False):
        if status.code == "revoked":
            findings.append(("chain_revoked", names.display(one.subject)))
        elif status.code:
            findings.append(("chain_revocation_unknown", ""))
    own = statuses[0].revocation
    return Standing(
        path=found.certificates,
        findings=tuple(findings),
        revoked_at=own.since if own is not None else None,
        used=tuple(dict.fromkeys(der for status in statuses for der in status.used)),
        revocation_judged=True,
    )


def _own(status: revocation.Status, *, required: bool) -> list[tuple[str, str]]:
    if status.code == "revoked" and status.revocation is not None:
        since = status.revocation.since.strftime("%Y-%m-%dT%H:%M:%SZ")
        return [("revoked", f"{status.revocation.reason}, {since}")]
    if status.code:
        return [(status.code if required else "revocation_not_required", "")]
    return []
