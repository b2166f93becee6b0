"""Kept signatures: what leaves the house of them, and whether they still hold.

Source: user manual, paragraph 25; reading A26.
"""

from __future__ import annotations

from typing import Any

from app import catalogue
from app.applications.models import Document, Signature
from app.errors import Conflict, NotFound
from app.signatures.asn1 import Malformed
from app.signatures.evidence import evidence_store
from app.signatures.report import Evidence, SignatureReport, Verdict
from app.signatures.verify import verify
from app.storage import Damaged
from app.web import here


def as_kept(signature: Signature) -> bytes:
    """Return the signature as it leaves the house: with its time-stamp, once it has one.

    Raises:
        NotFound, Damaged: it is missing or no longer what it was.
    """
    return here.storage().get(signature.stamp.cms_sha256 if signature.stamp else signature.cms_sha256)


def last_report(signature: Signature) -> dict[str, Any]:
    """Return what was found of the signature last: when it was stamped, else when it was accepted."""
    return signature.stamp.report if signature.stamp else signature.report


def evidence(signature: Signature) -> list[Evidence]:
    """Return what the last verdict relied upon: certificates, lists, answers and tokens, as they came.

    Raises:
        NotFound, Damaged: a piece is missing or no longer what it was.
    """
    named = [one for signer in last_report(signature).get("signers", ()) for one in signer.get("evidence", ())]
    return [Evidence(one["kind"], here.storage().get(one["sha256"])) for one in named]


def verified_again(document: Document, signature: Signature) -> SignatureReport | None:
    """Judge a kept signature anew, as of its last judgement, against nothing but the evidence kept with it.

    The anchors are those trusted today.  None: some of the kept bytes are missing or damaged.
    """
    try:
        trusted = catalogue.present().trust
        store = evidence_store(evidence(signature), trusted.anchors, environment=trusted.environment)
        message, content = as_kept(signature), here.storage().get(document.sha256)
    except (NotFound, Damaged, Malformed):
        return None
    return verify(message, content, at=signature.stamp.at if signature.stamp else signature.at, trust=store)


def require_holding(document: Document) -> None:
    """Let nothing leave as signed whose kept signature no longer verifies against its evidence.

    Raises:
        Conflict: it does not.
    """
    for found in document.signatures:
        report = verified_again(document, found)
        if report is None or report.verdict is not Verdict.VALID:
            raise Conflict("verify.broken")
