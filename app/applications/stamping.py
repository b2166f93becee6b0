"""A time-stamp for every accepted signature, as soon as the authority gives one (CAdES-T).

The signer's agent may have added one; if not, the worker asks for it.  Then the signature outlives
its certificate: what is revoked or expires later no longer touches it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app import catalogue, db
from app.applications.models import Document, Signature, SignatureStamp
from app.authorities.gathering import judged
from app.authorities.online import Online, Unavailable
from app.errors import NotFound
from app.signatures import upgrade
from app.signatures.asn1 import Malformed
from app.signatures.report import SignatureReport, Verdict
from app.storage import Damaged, Storage

SOON = timedelta(days=7)
"""How long after its acceptance a signature is still offered for stamping."""

log = structlog.get_logger()


def stamp_due(online: Online, *, storage: Storage, now: datetime, at_most: int = 50) -> int:
    """Stamp what has no stamp yet and return how many were; each is a transaction of its own.

    Nothing is held while the authority is asked; two workers that stamp the same one keep one stamp.
    """
    if not online.stampers:
        return 0
    with db.transaction(writing=False) as session:
        due = session.execute(
            select(Signature.id, Signature.cms_sha256, Document.sha256)
            .join(Document, Document.id == Signature.document_id)
            .outerjoin(SignatureStamp, SignatureStamp.signature_id == Signature.id)
            .where(SignatureStamp.id.is_(None), Signature.at > now - SOON)
            .order_by(Signature.id)
            .limit(at_most)
        ).all()
    stamped = 0
    for ident, cms_sha256, sha256 in due:
        done = _stamp_one(ident, cms_sha256, sha256, online, storage, now)
        if done is None:
            break
        stamped += done
    return stamped


def _stamp_one(
    ident: int, cms_sha256: str, document_sha256: str, online: Online, storage: Storage, now: datetime
) -> bool | None:
    """Return whether the signature was stamped now, None when no authority answers."""
    try:
        message, content = storage.get(cms_sha256), storage.get(document_sha256)
        value, digest = upgrade.to_stamp(message)
        token = online.timestamp(value, digest=digest)
        if isinstance(token, Unavailable):
            return None
        message = upgrade.with_time_stamp(message, token)
    except (NotFound, Damaged, Malformed) as fault:
        log.error("signature_not_stamped", signature=ident, why=type(fault).__name__)
        return False
    report = judged(message, content, at=now, trust=catalogue.present().trust, online=online)
    if report.verdict is not Verdict.VALID or report.signers[0].timestamp is None:
        log.warning("signature_not_stamped", signature=ident, why=list(report.reasons) or "no proven time")
        return False
    kept = row(report, message, storage, now=now)
    kept.signature_id = ident
    try:
        with db.transaction() as session:
            session.add(kept)
    except IntegrityError:
        return False  # another worker was faster
    return True


def row(report: SignatureReport, message: bytes, storage: Storage, *, now: datetime) -> SignatureStamp:
    """Return the row of a proven stamp; what its verdict relied upon is kept with it."""
    signer = report.signers[0]
    assert signer.timestamp is not None
    for one in signer.evidence:
        storage.put(one.der)
    return SignatureStamp(
        at=now,
        proven_at=signer.timestamp.at.astimezone(UTC),
        cms_sha256=storage.put(message),
        report=report.to_dict(),
    )
