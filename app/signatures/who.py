"""May this signer sign for this organisation?  (user manual, paragraph 22; assumption A26)

A valid signature is not enough: it must be the one signature of a person whom the organisation
has registered as signing for it, made with a certificate that names that organisation.
"""

from __future__ import annotations

from collections.abc import Collection

from app.signatures.report import SignatureReport, Verdict

SIGNING_ROLES = frozenset({"FIRST_HEAD", "CAN_SIGN"})

_TOLD_AS = {
    "content_changed": "err.doc_changed",
    "content_differs": "err.doc_changed",
    "expired": "err.cert_expired",
    "revoked": "err.cert_revoked",
    "revocation_unknown": "err.ocsp",
    "revocation_stale": "err.ocsp",
    "revocation_unavailable": "err.ocsp",
}
"""Reasons for which the screens have a sentence of their own."""


def refusals(report: SignatureReport, *, bin: str, signing_iins: Collection[str]) -> list[str]:
    """Return the terms of everything that forbids accepting the signature; an empty list accepts it.

    ``bin`` is the applicant's, ``signing_iins`` are the persons registered with the right to sign
    for it.  More than one signer is refused: the manual knows one.
    Source: user manual, paragraph 22.2 and assumption A26.
    """
    found: list[str] = []
    if len(report.signers) > 1:
        found.append("sig.refusal.one_signer")
    found += [_TOLD_AS.get(code, f"sig.reason.{code}") for code in report.reasons]
    for signer in report.signers[:1]:
        if signer.certificate is None:
            continue
        if signer.bin is None or signer.bin != bin:
            found.append("err.cert_org")
        if signer.iin is None or signer.iin not in signing_iins:
            found.append("err.cert_person")
        elif not SIGNING_ROLES & set(signer.roles):
            found.append("sig.refusal.role")
    if not found and report.verdict is not Verdict.VALID:
        found.append("sig.refusal.not_valid")
    return list(dict.fromkeys(found))
