"""What was sent and what came of it; every paper leaves by these doors."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence

import structlog
from flask import Response, render_template, request
from flask_login import current_user

from app import catalogue, db
from app.applications import document, letters, queries, verifying, versions
from app.applications.models import Application, Document, Signature
from app.applications.views import checking, frame
from app.applications.views.frame import Answer, blueprint
from app.applications.views.hub import results
from app.applications.views.reading import reading, workings
from app.errors import Conflict, NotFound, Problem
from app.permissions import Permission
from app.signatures.report import Verdict
from app.terms import LANGUAGES
from app.terms.sizes import size_words
from app.web import here
from app.web.access import allowed
from app.web.giving import give
from app.workflows.parts import StageKind

log = structlog.get_logger()

SUFFIXES = {"certificate": ".cer", "list": ".crl", "ocsp": ".ocsp", "token": ".tst"}
"""Of the files of evidence, by its kind."""

ISSUED = ("letter", "letter_copy", "conclusion", "conclusion_copy")
"""Kinds of documents that the Exchange writes: they are the organisation's only once they have been delivered."""

PACKAGE = """{name}        the document
{name}.cms    its signature
anchors/      the root certificates that were trusted: compare them with those the authority publishes
evidence/     certificates, revocation lists, OCSP answers and time-stamps that the verdict relied upon
report.json   what was found

To check it again, with no network:

flask verify {name}.cms --content {name} --at {at} --anchors anchors --intermediates evidence --revocation evidence
"""


def _may_read(application: Application, row: Document) -> bool:
    if row.kind in ISSUED:
        return current_user.is_exchange or row.delivered_at is not None
    return not current_user.is_exchange or row.round in queries.sent_rounds(application)


@blueprint.get("/applications/<number>/documents/<int:document_id>/file")
@allowed(Permission.VIEW_APPLICATIONS)
def file(number: str, document_id: int) -> Response:
    application = frame.one(number)
    row = db.session.get(Document, document_id)
    if row is None or row.application_id != application.id or not _may_read(application, row):
        raise NotFound
    content = here.storage().get(row.sha256)
    _require_signatures(application, row)
    row = _marked_as_read(row) if row.kind in ISSUED and not current_user.is_exchange else row
    return give(content, row.name, "application/pdf", inline="inline" in request.args)


def _marked_as_read(row: Document) -> Document:
    """Note who of the organisation has opened a paper of the Exchange first, and when."""
    letter = letters.by_document(row)
    if letter is None or letter.read_at is not None:
        return row
    ident, user = row.id, current_user
    db.session.rollback()
    db.begin_writing(True)
    found = letters.by_document(db.session.get_one(Document, ident))
    if found is not None and letters.read(found, by=user, now=here.now()):
        db.session.commit()
    return db.session.get_one(Document, ident)


def _signed(number: str, document_id: int, signature_id: int) -> tuple[Application, Document, Signature]:
    """Return the signature of an address, if the present user may read its document."""
    application = frame.one(number)
    row = db.session.get(Document, document_id)
    if row is None or row.application_id != application.id or not _may_read(application, row):
        raise NotFound
    found = next((item for item in row.signatures if item.id == signature_id), None)
    if found is None:
        raise NotFound
    return application, row, found


def _require_signatures(application: Application, row: Document) -> None:
    """Let nothing out as signed whose kept signature no longer verifies against its evidence.

    Raises:
        Conflict: it does not; the fault is logged.
    """
    signed = row
    if row.kind == "signed_copy":
        originals = (item for item in queries.documents(application) if item.kind == "application")
        signed = next((item for item in originals if item.round == row.round), row)
    elif row.kind in ISSUED:
        letter = letters.by_document(row)
        signed = letter.document if letter is not None and letter.document is not None else row
    for found in signed.signatures:
        report = verifying.verified_again(signed, found)
        if report is None or report.verdict is not Verdict.VALID:
            reasons = list(report.reasons) if report else ["damaged"]
            log.error("signature_broken", application=application.number, signature=found.id, reasons=reasons)
            raise Conflict("verify.broken")


@blueprint.get("/applications/<number>/documents/<int:document_id>/signature/<int:signature_id>")
@allowed(Permission.VIEW_APPLICATIONS)
def signature(number: str, document_id: int, signature_id: int) -> Response:
    application, row, found = _signed(number, document_id, signature_id)
    _require_signatures(application, row)
    return give(verifying.as_kept(found), f"{row.name}.cms", "application/pkcs7-signature")


@blueprint.get("/applications/<number>/documents/<int:document_id>/signature/<int:signature_id>/report")
@allowed(Permission.VIEW_APPLICATIONS)
def signature_report(number: str, document_id: int, signature_id: int) -> Answer:
    """Show what was found of a signature when it was accepted, and what is found now of the kept evidence."""
    application, row, found = _signed(number, document_id, signature_id)
    again = verifying.verified_again(row, found)
    kept = [one for signer in verifying.last_report(found).get("signers", ()) for one in signer.get("evidence", ())]
    return render_template(
        "applications/signature.html",
        **frame.head(application),
        document=row,
        signature=found,
        again=again.to_dict() if again else None,
        evidence=kept,
        problems=[],
    )


@blueprint.get("/applications/<number>/documents/<int:document_id>/signature/<int:signature_id>/evidence")
@allowed(Permission.VIEW_APPLICATIONS)
def signature_evidence(number: str, document_id: int, signature_id: int) -> Response:
    """Give the document, its signature and all the evidence in one archive, for a check without this system."""
    application, row, found = _signed(number, document_id, signature_id)
    _require_signatures(application, row)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(row.name, here.storage().get(row.sha256))
        archive.writestr(f"{row.name}.cms", verifying.as_kept(found))
        trusted = {anchor.certificate.der for anchor in catalogue.present().trust.anchors}
        for place, one in enumerate(verifying.evidence(found), start=1):
            folder = "anchors" if one.der in trusted else "evidence"
            archive.writestr(f"{folder}/{place:02d}-{one.kind}{SUFFIXES[one.kind]}", one.der)
        at = (found.stamp.at if found.stamp else found.at).strftime("%Y-%m-%dT%H:%M:%SZ")
        archive.writestr("README.txt", PACKAGE.format(name=row.name, at=at))
        archive.writestr("report.json", json.dumps(verifying.last_report(found), ensure_ascii=False, indent=1))
    return give(packed.getvalue(), f"{row.name}.zip", "application/zip")


@blueprint.get("/applications/<number>/summary.pdf")
@allowed(Permission.VIEW_APPLICATIONS)
def draft_pdf(number: str) -> Response:
    application = frame.one(number)
    if current_user.is_exchange:
        raise NotFound  # the Exchange reads what was signed
    language = request.args.get("language", "")
    language = language if language in LANGUAGES else here.language()
    content = document.draft(application, language, of=versions.standing_as_sent(application, user=current_user))
    return give(content, f"{application.number}.pdf", "application/pdf")


@blueprint.get("/applications/<number>/documents")
@allowed(Permission.VIEW_APPLICATIONS)
def sent(number: str) -> Answer:
    """Show the checklist; once sent, «Биржаға жіберілген өтініштер мен құжаттарды қарау» (IS2IN-25.a, 25.b)."""
    application = frame.one(number)
    if application.submitted_at is not None:
        _make_signed_copy(application)
        application = frame.one(number)
    return page(application)


def page(application: Application, *, problems: Sequence[Problem] = ()) -> str:
    """Draw the page of documents; ``problems`` are why the last act on it was refused."""
    is_sent = queries.received_at(application) is not None
    return render_template(
        "applications/documents.html",
        **frame.head(application),
        **frame.stage_of(application, StageKind.VIEW),
        is_sent=is_sent,
        is_answer=queries.procedure(application).started_by is not None,
        checklist=checking.view(application),
        results=results(application) if application.submitted_at else [],
        documents=[
            {
                "id": row.id,
                "kind": row.kind,
                "name": row.name,
                "size": size_words(row.size, here.language()),
                "sha256": row.sha256,
                "at": row.at,
                "signatures": row.signatures,
            }
            for row in queries.documents(application)
            if is_sent and _may_read(application, row) and row.kind in ("application", "signed_copy")
        ],
        stages=reading(application) if is_sent else [],
        workings=workings(application) if application.submitted_at else [],
        typed=request.form,
        problems=problems,
    )


def _make_signed_copy(application: Application) -> None:
    """Make the copy with the visible signature when this page is the first to ask for it."""
    kinds = {(row.kind, row.round) for row in queries.documents(application)}
    signed = {row.round for row in queries.documents(application) if row.kind == "application" and row.signatures}
    if not signed or ("signed_copy", max(signed)) in kinds:
        return
    number, user = application.number, current_user
    db.session.rollback()
    db.begin_writing(True)
    document.signed_copy(queries.by_number(number, user=user))
    db.session.commit()
