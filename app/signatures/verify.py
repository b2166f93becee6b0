"""The judgement: a signed message, a moment and a trust store in, a report of facts out.

Every signer goes through the stages of ``report.Stage``; a stage adds findings and never stops
the others, so that a report says all that is wrong at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.signatures import asn1, certificates, cms, cms_signature, effort, enclosed, signer, xml_document, xml_signature
from app.signatures.asn1 import Malformed
from app.signatures.certificates import Certificate
from app.signatures.cms import SignedData, SignerInfo
from app.signatures.policy import STRICT, WITHOUT_REVOCATION, Policy
from app.signatures.report import Findings, SignatureReport, SignerReport
from app.signatures.trust import TrustStore

__all__ = ["STRICT", "WITHOUT_REVOCATION", "Policy", "verify"]


def verify(
    message: bytes | str,
    content: bytes | None = None,
    *,
    at: datetime,
    trust: TrustStore,
    policy: Policy | None = None,
) -> SignatureReport:
    """Judge a signed message (CMS in DER, BER, base64 or PEM; XML) over its attached or the given content.

    Whatever the bytes are, the answer is a report: what cannot be read is INVALID.  ``at`` is the
    moment of judgement, aware; a signer is judged for the time of a valid time-stamp, else for
    ``at``, never for its own signingTime.  Without a ``policy`` the law of that time rules.
    """
    if at.tzinfo is None:
        raise ValueError("at must be aware")
    if content is not None and len(content) > asn1.LARGEST_MESSAGE:
        return SignatureReport(("too_large",), (), at)
    if xml_document.is_xml(message):
        return xml_signature.judge(message, content, at=at, trust=trust, policy=policy)
    try:
        data = cms.read(cms.read_cms(message))
    except Malformed as malformed:
        details = {malformed.code: malformed.detail} if malformed.detail else {}
        return SignatureReport((malformed.code,), (), at, content, details=details)

    document = data.content if content is None else content
    findings = _whole(data, content)
    try:
        pool = [certificates.read(der) for der in data.certificates]
    except Malformed as malformed:
        findings.append("certificate_malformed")
        return SignatureReport(
            tuple(findings), (), at, document, data.content is not None, {malformed.code: malformed.detail}
        )
    digest_of = cms_signature.digests(document) if document is not None else None
    try:
        with effort.bounded():
            signers = tuple(
                _signer(data, one, digest_of, pool, at=at, trust=trust, policy=policy) for one in data.signers
            )
    except effort.TooCostly:
        return SignatureReport((*findings, "too_costly"), (), at, document, data.content is not None)
    return SignatureReport(tuple(findings), signers, at, document, data.content is not None)


def _whole(data: SignedData, content: bytes | None) -> list[str]:
    """Return what is wrong with the message before any signer is looked at."""
    findings = []
    if not data.signers:
        findings.append("no_signers")
    named = [(signer.issuer, signer.serial, signer.key_identifier) for signer in data.signers]
    if len(set(named)) != len(named):
        findings.append("duplicate_signer")
    if data.content_type != cms.ID_DATA:
        findings.append("content_type")
    if data.content is None and content is None:
        findings.append("content_missing")
    if data.content is not None and content is not None and data.content != content:
        findings.append("content_differs")
    signed = data.content if data.content is not None else content
    if signed is not None and cms.is_attributes(signed):
        findings.append("content_is_attributes")
    return findings


def _signer(
    data: SignedData,
    info: SignerInfo,
    digest_of: cms_signature.Digests | None,
    pool: Sequence[Certificate],
    *,
    at: datetime,
    trust: TrustStore,
    policy: Policy | None,
) -> SignerReport:
    findings = Findings()
    came = enclosed.read(data, info)
    if not came.is_whole:
        findings.add("evidence_unreadable")
    pool = [*pool, *(one for one in came.certificates if one not in pool)]
    made = cms_signature.judge(data, info, digest_of=digest_of, pool=pool, findings=findings)
    signature = signer.Signature(
        certificate=made.certificate,
        stamped=info.value,
        findings=findings,
        tokens=[
            value for attribute in info.unsigned if attribute.oid == cms.TIMESTAMP_TOKEN for value in attribute.values
        ],
        pool=pool,
        signing_time=made.signing_time,
        algorithm=made.algorithm,
    )
    return signer.judge(signature, at=at, store=came.joined(trust), policy=policy)
