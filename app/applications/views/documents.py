"""What was sent and what came of it; every file leaves by these doors alone."""

from __future__ import annotations

from urllib.parse import quote

from flask import Response, render_template, request
from flask_login import current_user

from app import db
from app.applications import attachments, document, queries
from app.applications.models import Application, Document
from app.applications.summary import size_words
from app.applications.views import frame
from app.applications.views.frame import Answer, blueprint
from app.applications.views.hub import results
from app.applications.views.reading import reading, workings
from app.errors import NotFound
from app.permissions import Permission
from app.terms import LANGUAGES
from app.web import here
from app.web.access import allowed
from app.workflows.parts import StageKind


def _give(content: bytes, name: str, media_type: str, *, inline: bool = False) -> Response:
    """Answer with a file: downloaded, never opened as a page of this site; ``inline`` for PDFs made here."""
    answer = Response(content, mimetype=media_type)
    how = "inline" if inline else "attachment"
    answer.headers["Content-Disposition"] = f"{how}; filename*=UTF-8''{quote(name)}"
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["Content-Security-Policy"] = (
        "default-src 'none'; frame-ancestors 'self'; plugin-types application/pdf"
        if inline
        else "default-src 'none'; sandbox; frame-ancestors 'none'"
    )
    return answer


@blueprint.get("/applications/<number>/attachments/<int:attachment_id>")
@allowed(Permission.VIEW_APPLICATIONS)
def attachment(number: str, attachment_id: int) -> Response:
    application = frame.one(number)
    row = attachments.one(application, attachment_id)
    if current_user.is_exchange and not attachments.was_sent(application, row):
        raise NotFound
    return _give(here.storage().get(row.sha256), row.name, row.media_type)


def _may_read(application: Application, row: Document) -> bool:
    if row.kind in ("letter", "conclusion"):
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
    return _give(content, row.name, "application/pdf", inline="inline" in request.args)


@blueprint.get("/applications/<number>/documents/<int:document_id>/signature/<int:signature_id>")
@allowed(Permission.VIEW_APPLICATIONS)
def signature(number: str, document_id: int, signature_id: int) -> Response:
    application = frame.one(number)
    row = db.session.get(Document, document_id)
    if row is None or row.application_id != application.id or not _may_read(application, row):
        raise NotFound
    found = next((item for item in row.signatures if item.id == signature_id), None)
    if found is None:
        raise NotFound
    return _give(here.storage().get(found.cms_sha256), f"{row.name}.cms", "application/pkcs7-signature")


@blueprint.get("/applications/<number>/summary.pdf")
@allowed(Permission.VIEW_APPLICATIONS)
def draft_pdf(number: str) -> Response:
    application = frame.one(number)
    if current_user.is_exchange:
        raise NotFound  # the Exchange reads what was signed
    language = request.args.get("language", "")
    language = language if language in LANGUAGES else here.language()
    return _give(document.draft(application, language), f"{application.number}.pdf", "application/pdf")


@blueprint.get("/applications/<number>/documents")
@allowed(Permission.VIEW_APPLICATIONS)
def sent(number: str) -> Answer:
    """Show «Биржаға жіберілген өтініштер мен құжаттарды қарау» (IS2IN-25.a, 25.b)."""
    application = frame.one(number)
    if application.submitted_at is None:
        raise NotFound
    _make_signed_copy(application)
    application = frame.one(number)
    return render_template(
        "applications/documents.html",
        **frame.head(application),
        **frame.stage_of(application, StageKind.VIEW),
        results=results(application),
        documents=[
            {
                "id": row.id,
                "kind": row.kind,
                "name": row.name,
                "size": size_words(row.size),
                "sha256": row.sha256,
                "at": row.at,
                "signatures": row.signatures,
            }
            for row in queries.documents(application)
            if _may_read(application, row) and row.kind in ("application", "signed_copy")
        ],
        stages=reading(application),
        workings=workings(application),
        problems=[],
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
