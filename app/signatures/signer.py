"""The judgement of one signer, whatever the signature is wrapped in.

Whoever takes a signature apart (CMS in ``cms_signature``, XML) judges its integrity and hands over
a ``Signature``: whose certificate it names, what a time-stamp of it covers, what came along, and
what was found so far.  Everything after that is the same for all and is judged here: time-stamp,
chain, revocation, key and holder, validity.

    findings = Findings()
    ...                             # integrity: findings.add(...), findings.judged.add(Stage.INTEGRITY)
    signature = Signature(certificate=..., stamped=value, tokens=..., pool=..., findings=findings)
    report = judge(signature, at=now, store=store)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.signatures import identity as identities
from app.signatures import names, standing, timestamps
from app.signatures import policy as policies
from app.signatures.certificates import EMAIL_PROTECTION, Certificate
from app.signatures.identity import Identity
from app.signatures.policy import Demand, Policy
from app.signatures.report import Evidence, Findings, SignerReport, Stage, TimeStamp
from app.signatures.trust import TrustStore


@dataclass(frozen=True)
class Signature:
    """One signature whose integrity is judged.

    ``certificate`` is the one whose key made it, else the one it names; None when it is missing.
    ``stamped`` are the octets that a time-stamp of it covers (CMS: the signature value; XML: the
    canonical SignatureValue element), ``tokens`` the time-stamps as they came.  ``pool`` are the
    certificates that came along; they give no trust.  ``signing_time`` is the signer's own claim.
    """

    certificate: Certificate | None
    stamped: bytes
    findings: Findings
    tokens: Sequence[bytes] = ()
    pool: Sequence[Certificate] = ()
    signing_time: datetime | None = None
    algorithm: str | None = None


def judge(signature: Signature, *, at: datetime, store: TrustStore, policy: Policy | None = None) -> SignerReport:
    """Judge a signer as of the moment ``at``.

    The moment the certificate is judged for is that of the earliest time-stamp which may be relied
    upon, else ``at``; never the time the signer claims.  Without a ``policy`` the law of that
    moment rules.
    """
    findings = signature.findings
    stamp, evidence = _time_stamps(signature, at=at, store=store, policy=policy or policies.at(at))
    moment = stamp.at if stamp is not None else at
    rules = policy or policies.at(moment)
    if stamp is None and rules.require_timestamp is not Demand.NO:
        findings.add("timestamp_required" if rules.require_timestamp is Demand.YES else "timestamp_absent")
    certificate = signature.certificate
    if certificate is None:
        return SignerReport(
            tuple(findings.codes),
            findings.stages(),
            signing_time=signature.signing_time,
            reference_time=moment,
            timestamp=stamp,
            policy=rules.name,
            details=findings.details,
        )
    known = standing.judge(certificate, pool=signature.pool, store=store, at=moment, now=at, policy=rules)
    for code, detail in known.findings:
        findings.add(code, detail)
    if "timestamp_revocation_unknown" in findings.codes and (known.revocation or at > certificate.not_after):
        # All rests on the token then, and whoever holds a revoked authority's key can stamp any time.
        findings.add("timestamp_unproven")
    findings.judged |= {Stage.CHAIN, Stage.REVOCATION} if known.revocation_judged else {Stage.CHAIN}
    whose = identities.read(certificate, environment=store.environment)
    _key_usage(certificate, whose, rules, findings)
    _validity(signature, certificate, moment, at, rules, findings, is_stamped=stamp is not None)
    return SignerReport(
        findings=tuple(findings.codes),
        stages=findings.stages(),
        iin=whose.iin,
        bin=whose.bin,
        name=whose.name,
        organisation=whose.organisation,
        roles=whose.roles,
        certificate=certificate.der,
        serial=f"{certificate.serial:x}",
        issuer=names.display(certificate.issuer),
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        signing_time=signature.signing_time,
        revoked_at=known.revocation.since if known.revocation is not None else None,
        algorithm=signature.algorithm,
        reference_time=moment,
        timestamp=stamp,
        policy=rules.name,
        evidence=tuple(dict.fromkeys((*known.evidence, *evidence))),
        details=findings.details,
    )


def _time_stamps(
    signature: Signature, *, at: datetime, store: TrustStore, policy: Policy
) -> tuple[TimeStamp | None, tuple[Evidence, ...]]:
    """Return the earliest time-stamp that may be relied upon; what is wrong with the others is told."""
    findings = signature.findings
    good: list[timestamps.Judged] = []
    for token in signature.tokens[: timestamps.MOST_TOKENS]:
        judged = timestamps.judge(token, signature.stamped, pool=signature.pool, store=store, at=at, policy=policy)
        if judged.stamp is not None:
            good.append(judged)
        for code, detail in judged.faults:
            findings.add(code, detail)
    if len(signature.tokens) > timestamps.MOST_TOKENS:
        findings.add("timestamp_not_verified")
    if not good:
        return None, ()
    findings.judged.add(Stage.TIMESTAMP)
    first = min(good, key=lambda one: one.stamp.at if one.stamp is not None else at)
    for code, detail in first.notes:
        findings.add(code, detail)
    return first.stamp, first.evidence


def _key_usage(certificate: Certificate, whose: Identity, policy: Policy, findings: Findings) -> None:
    """Judge what the key may do and whose it is."""
    if certificate.is_ca and policy.person_required:
        findings.add("signer_is_ca")
    if policy.signing_key_required:
        if "nonRepudiation" not in (certificate.key_usage or ()):
            findings.add("key_usage")
        if EMAIL_PROTECTION not in (certificate.purposes or ()):
            findings.add("key_purpose")
    for fault in whose.faults if policy.person_required else ():
        findings.add(fault)
    findings.judged.add(Stage.KEY_USAGE)


def _validity(
    signature: Signature,
    certificate: Certificate,
    moment: datetime,
    at: datetime,
    policy: Policy,
    findings: Findings,
    *,
    is_stamped: bool,
) -> None:
    if moment < certificate.not_before:
        findings.add("not_yet_valid")
    if moment > certificate.not_after:
        findings.add("expired")
    claimed = signature.signing_time  # differences are taken, for sums can leave the calendar
    if claimed is not None:
        # The signer's own claim proves nothing for the signature, but may speak against it.
        if certificate.not_before - claimed > policy.skew or claimed > certificate.not_after:
            findings.add("signing_time_outside")
        if claimed - at > policy.skew:
            findings.add("signing_time_ahead")
        elif is_stamped and claimed - moment > policy.skew:
            findings.add("signing_time_after_timestamp")
    findings.judged.add(Stage.VALIDITY)
