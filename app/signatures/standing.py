"""The standing of one certificate: does it lead to an anchor, and was it revoked?

Signers, responders and time-stamping authorities are asked the same two questions; whether the
answers are enough for what the key did is judged by those who ask.

Two moments count.  ``at`` is the one the certificate is judged for: a proven time of signing, or
simply now.  ``now`` is when the judgement is made: what is known by then of ``at`` counts, so an
answer or a list younger than ``at`` is welcome, and a revocation after ``at`` does no harm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.signatures import names, ocsp, paths, revocation
from app.signatures.certificates import Certificate
from app.signatures.list_issuers import ListIssuers
from app.signatures.ocsp import State
from app.signatures.policy import Policy, Sources
from app.signatures.report import Evidence
from app.signatures.revocation import Revocation
from app.signatures.trust import TrustStore


@dataclass(frozen=True)
class Standing:
    """What is known of a certificate as of one moment.

    ``path`` begins with the certificate and ends, without a finding of the chain, in an anchor.
    ``findings`` are codes of ``report.REASONS``, each with a few words or "".  ``revocation`` is
    set when the certificate was revoked, also when that does not count yet.  ``evidence`` are the
    certificates, lists and answers relied upon.
    """

    path: tuple[Certificate, ...]
    findings: tuple[tuple[str, str], ...]
    revocation: Revocation | None = None
    evidence: tuple[Evidence, ...] = ()
    revocation_judged: bool = False


def judge(
    certificate: Certificate,
    *,
    pool: Sequence[Certificate],
    store: TrustStore,
    at: datetime,
    now: datetime,
    policy: Policy,
) -> Standing:
    """Judge the path of a certificate and whether it or one of its issuers was revoked at ``at``.

    ``pool`` are certificates that came along and may stand between; they give no trust.
    """
    found = paths.find_path(certificate, store=store, pool=pool, at=at, demand=policy.certificate_policies)
    findings = [(fault, found.detail) for fault in found.faults]
    chain = tuple(Evidence("certificate", one.der) for one in found.certificates)
    if len(found.certificates) < 2:
        # Without an issuer that is proven nobody can say whether the certificate was revoked.
        findings.append(("revocation_unknown" if policy.revocation_required else "revocation_not_required", ""))
        return Standing(found.certificates, tuple(findings), evidence=chain)
    lists = ListIssuers(store, pool, found.certificates[-1], at=at, now=now)
    words = [
        _heard(one, issuer, lists=lists, policy=policy)
        for one, issuer in zip(found.certificates, found.certificates[1:], strict=False)
    ]
    findings += words[0].findings(policy)
    for one, heard in zip(found.certificates[1:], words[1:], strict=False):
        if heard.counting is not None or heard.is_not_issued:
            findings.append(("chain_revoked", names.display(one.subject)))
        elif not heard.sources:
            findings.append(("chain_revocation_unknown", ""))
    relied = (evidence for heard in words for evidence in heard.evidence)
    return Standing(
        path=found.certificates,
        findings=tuple(findings),
        revocation=words[0].revocation,
        evidence=tuple(dict.fromkeys((*chain, *relied))),
        revocation_judged=True,
    )


# --- what lists and answers say of one certificate -------------------------------------------------


@dataclass(frozen=True)
class _Word:
    """One authentic word on a certificate: a list or an answer, made at ``made``; not revoked if None."""

    source: Sources
    made: datetime
    revocation: Revocation | None
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class _Heard:
    """All that is heard of one certificate; ``lacks`` are codes for what is missing or may not be relied upon."""

    certificate: Certificate
    at: datetime
    words: tuple[_Word, ...]
    lacks: tuple[tuple[str, str], ...]
    is_not_issued: bool = False
    is_unknown: bool = False

    @property
    def sources(self) -> frozenset[Sources]:
        """Return from whom there is a word."""
        return frozenset(word.source for word in self.words)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Return what the words stand in."""
        return tuple(evidence for word in self.words for evidence in word.evidence)

    @property
    def revocation(self) -> Revocation | None:
        """Return the revocation that holds, the earliest: a final one always, a hold while no newer word lifts it."""
        newest = max((word.made for word in self.words), default=self.at)
        held = [
            word.revocation
            for word in self.words
            if word.revocation is not None and (word.revocation.reason != ocsp.HOLD or word.made == newest)
        ]
        return min(held, key=lambda one: one.since, default=None)

    @property
    def counting(self) -> Revocation | None:
        """Return the revocation if it had happened by the moment judged for."""
        revoked = self.revocation
        return revoked if revoked is not None and revoked.since <= self.at else None

    def findings(self, policy: Policy) -> Iterator[tuple[str, str]]:
        """Yield what this says of a signer under the policy."""
        if self.is_not_issued:
            yield "not_issued", ""
        if self.counting is not None:
            yield "revoked", _told(self.counting)
        elif self.revocation is not None:
            yield "revoked_later", _told(self.revocation)
        if self.is_unknown:
            yield "status_unknown", ""
        elif self.counting is None and not self.is_not_issued:
            yield from self._shortage(policy)

    def _shortage(self, policy: Policy) -> Iterator[tuple[str, str]]:
        if not self.words:
            yield (self.lacks or (("revocation_unknown", ""),))[0] if policy.revocation_required else (
                "revocation_not_required", ""
            )  # fmt: skip
            return
        if not _is_enough(self.sources, policy.revocation):
            yield "revocation_incomplete" if policy.revocation_required else "revocation_not_required", ""
        elif not _is_enough(self.sources, policy.revocation_wanted):
            yield "revocation_one_source", ""
        for code, detail in self.lacks:
            if code == "revocation_refused":
                yield "revocation_answer_refused", detail
            elif code == "revocation_of_expired":
                yield code, detail


def _told(revoked: Revocation) -> str:
    return f"{revoked.reason}, {revoked.since:%Y-%m-%dT%H:%M:%SZ}"


def _is_enough(sources: frozenset[Sources], demand: Sources) -> bool:
    if demand is Sources.EITHER:
        return bool(sources)
    wanted = {Sources.OCSP, Sources.CRL} if demand is Sources.BOTH else {demand}
    return wanted <= sources


def _heard(certificate: Certificate, issuer: Certificate, *, lists: ListIssuers, policy: Policy) -> _Heard:
    store, at, now = lists.store, lists.at, lists.now
    words: list[_Word] = []
    lacks: list[tuple[str, str]] = []
    states: set[State] = set()
    late = ("revocation_after_expiry" if lists.forgets_expired else "revocation_of_expired", "")
    for answer in store.answers:
        if not answer.status and not ocsp.is_about(answer, certificate, issuer):
            continue
        found = ocsp.judge(
            answer,
            certificate,
            issuer,
            at=now,
            proven=at if at < now else None,
            window=policy.ocsp_window,
            skew=policy.skew,
            lists=store.lists,
        )
        states.add(found.state)
        is_late = found.state is State.GOOD and _is_forgetful(found, certificate, at)
        if is_late:
            lacks.insert(0, late)
        if is_late and lists.forgets_expired:
            continue
        if found.state in (State.GOOD, State.REVOKED) and found.this_update is not None:
            words.append(_Word(Sources.OCSP, found.this_update, found.revocation, (Evidence("ocsp", answer.der),)))
        elif found.state is State.UNAVAILABLE:
            lacks.append(("revocation_unavailable", found.why))
        elif found.state is State.REFUSED:
            lacks.append(("revocation_refused", found.why))
    listed = lists.status(certificate, issuer)
    is_late = listed.code == "revocation_after_expiry"
    if is_late:
        lacks.insert(0, late)
    if listed.code in ("", "revoked") or (is_late and not lists.forgets_expired):
        made = max((revocation.read(der).this_update for der in listed.used), default=at)
        relied = [Evidence("list", der) for der in listed.used]
        relied += [Evidence("certificate", authority.der) for authority in listed.authorities]
        words.append(_Word(Sources.CRL, made, listed.revocation, tuple(relied)))
    elif listed.code == "revocation_stale":
        lacks.insert(0, (listed.code, ""))
    return _Heard(
        certificate=certificate,
        at=at,
        words=tuple(words),
        lacks=tuple(lacks),
        is_not_issued=State.NOT_ISSUED in states,
        is_unknown=State.UNKNOWN in states,
    )


def _is_forgetful(found: ocsp.Finding, certificate: Certificate, at: datetime) -> bool:
    """Whether a responder may have forgotten a certificate that was in force at ``at`` (RFC 6960, 4.4.4)."""
    if found.this_update is None or not at <= certificate.not_after < found.this_update:
        return False
    return found.archive_cutoff is None or found.archive_cutoff > certificate.not_after
