"""Signing: the document is offered, the signature is verified and accepted, then the file may be sent.

The bytes on the page are the bytes that are signed; nothing moves before the server has verified.
Source: user manual, paragraphs 21 to 23; readings A25, A26.
"""

from __future__ import annotations

from datetime import UTC, datetime

from app import catalogue, db
from app.accounts.models import User
from app.applications import facts, moves, queries
from app.applications.models import Application, Signature
from app.audit import operations as audit
from app.errors import Conflict, Invalid, Problem
from app.organisations import queries as organisations
from app.signatures.verify import verify
from app.signatures.who import refusals
from app.web import here
from app.workflows.parts import StageKind

LARGEST_CMS = 256 * 1024


def stage_of(application: Application) -> str | None:
    """Return the open signing stage, or None."""
    procedure = queries.procedure(application)
    for stage in procedure.open_stages(queries.position(application), facts.of(application)):
        if procedure.stages[stage].kind is StageKind.SIGNING:
            return stage
    return None


def accept(application: Application, *, cms: bytes, sha256: str, by: User, now: datetime) -> Signature:
    """Verify a signature over the offered document and accept it.

    ``sha256`` is the hash of the document that was on the page.  Pressing twice signs once.

    Raises:
        Conflict: the application does not stand in signing, or another document is offered now.
        Invalid: the signature does not hold, or is not by the first head of this organisation;
            each reason is told, nothing has moved.
    """
    stage = stage_of(application)
    if stage is None:
        raise Conflict("app.err.stage_not_here")
    moves.require_executor(application, by, queries.procedure(application).executor_of(stage, application.process))
    offered = queries.present_document(application)
    if offered is None or offered.sha256 != sha256:
        raise Conflict("err.doc_changed")
    if not cms:
        raise Invalid.at("cms", "sign.err.no_file")
    if len(cms) > LARGEST_CMS:
        raise Invalid.at("cms", "err.file_size", max="256 KB")
    report = verify(cms, here.storage().get(offered.sha256), at=now, trust=catalogue.present().trust)
    company = application.organisation
    found = refusals(report, bin=company.bin, signing_iins=organisations.signing_iins(company))
    if found:
        raise Invalid(problems=[Problem("cms", key) for key in found])
    signer = report.signers[0]
    already = next((item for item in offered.signatures if item.signer_iin == signer.iin), None)
    if already is not None:
        return already
    row = Signature(
        document_id=offered.id,
        by_id=by.id,
        at=now,
        cms_sha256=here.storage().put(cms),
        signer_iin=signer.iin or "",
        signer_bin=signer.bin or "",
        signer_name=signer.name,
        certificate_serial=(signer.serial or "")[:80],
        valid_from=(signer.not_before or now).astimezone(UTC),
        valid_to=(signer.not_after or now).astimezone(UTC),
        report=report.to_dict(),
    )
    db.session.add(row)
    db.session.flush()
    db.session.expire(offered, ["signatures"])
    after = queries.procedure(application).finish(queries.position(application), stage, facts.of(application))
    moves.stand_at(application, after, act="sign", by=by, now=now, stage=stage)
    audit.record("signed", f"document {offered.sha256}", by=by.id, at=now, cms=row.cms_sha256)
    return row
