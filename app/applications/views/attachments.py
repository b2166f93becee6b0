"""Files come in and go out by these doors: attached, replaced, removed, given out, accepted or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, BinaryIO, cast

from flask import Response, flash, jsonify, redirect, render_template, request, url_for
from flask_login import current_user

from app import db
from app.applications import accepting, answering, attachments, queries, uploading
from app.applications.attachments import Received, Upload
from app.applications.models import Application, Attachment
from app.applications.sheets import FileView
from app.applications.views import documents, frame
from app.applications.views.frame import Answer, blueprint
from app.errors import AppError, Conflict, Invalid, NotFound, Problem
from app.forms.files import wanted
from app.permissions import Permission
from app.terms.sizes import size_words
from app.web import here
from app.web.access import allowed
from app.web.errors import code_of, problems_of
from app.web.giving import give
from app.web.inputs import whole_number
from app.web.sizes import takes
from app.web.templating import word
from app.workflows.parts import StageKind

LARGEST_UPLOAD = attachments.LARGEST_FILE + 1024 * 1024
"""One file of the largest kind, and what a form sends beside it."""


@contextmanager
def incoming(number: str, stage: str) -> Iterator[dict[str, list[Received]]]:
    """Give the files of the request by their fields, on the disk and looked into, while nobody waits for the database.

    To outsiders, and to those whose stage it is not, nothing is looked into.

    Raises:
        NotFound, NotPermitted, Conflict: as for any act in the stage.
    """
    application = frame.one(number)
    _require_stage(application, stage)
    answering.require_stage(application, stage, current_user, takes=False)
    db.session.rollback()
    with ExitStack() as stack:
        found = {}
        for name, files in request.files.lists():
            given = [Upload(file.filename, cast(BinaryIO, file.stream)) for file in files if file.filename]
            if given:
                found[name] = stack.enter_context(attachments.received(given))
        yield found


def has_files() -> bool:
    """Tell whether the request brings any file."""
    return any(file.filename for _, files in request.files.lists() for file in files)


def _require_stage(application: Application, stage: str) -> None:
    if stage not in queries.procedure(application).stages:
        raise NotFound


@blueprint.post("/applications/<number>/stages/<stage>/files")
@takes(LARGEST_UPLOAD)
@allowed(Permission.FILE, Permission.PROCESS)
def attach(number: str, stage: str) -> Answer | tuple[Response, int]:
    """Attach the files sent as ``file`` to the field ``field``; with ``replaces`` in the place of that one."""
    path = request.form.get("field", "")
    try:
        with incoming(number, stage) as found:
            application = frame.one(number, for_update=True)
            last = newest(application)
            done = uploading.attach(
                application,
                stage,
                path,
                found.get("file", []),
                replaces=whole_number(request.form.get("replaces")),
                by=current_user,
                now=here.now(),
            )
    except (Conflict, Invalid) as refusal:
        return _refused(number, refusal)
    return _done(application, stage, path, done, last)


@blueprint.post("/applications/<number>/stages/<stage>/files/<int:attachment_id>/remove")
@allowed(Permission.FILE, Permission.PROCESS)
def remove_file(number: str, stage: str, attachment_id: int) -> Answer | tuple[Response, int]:
    application = frame.one(number, for_update=True)
    _require_stage(application, stage)
    try:
        path = attachments.one(application, attachment_id).field
        done = uploading.remove(application, stage, attachment_id, by=current_user, now=here.now())
    except (Conflict, Invalid) as refusal:
        return _refused(number, refusal)
    return _done(application, stage, path, done, newest(application))


def _wants_json() -> bool:
    return request.accept_mimetypes.best == "application/json"


def newest(application: Application) -> int:
    """Return the id of the file given last, 0 when there is none."""
    return max((row.id for row in attachments.rows(application)), default=0)


def tell_replaced(application: Application, last: int) -> bool:
    """Say on the next page which files were replaced by those given since the one of id ``last``; tell whether any."""
    replaced = attachments.replaced_since(application, last)
    for old, new in replaced:
        flash(word("upload.replaced_by", old=old, new=new), "success")
    return bool(replaced)


def _done(
    application: Application, stage: str, path: str, done: uploading.Done, last: int
) -> Answer | tuple[Response, int]:
    """Answer with the field's files as they now stand: to a script, or on the page they were sent from."""
    files = _files_at(application, stage, path)
    notes = [(row.name, key, params) for row in files for key, params in row.notes]
    if not _wants_json():
        for name, key, params in notes:
            flash(word("file.err.named", name=name, why=word(key, **params)), "warning")
        if not tell_replaced(application, last):
            flash(word("msg.saved"), "success")
        return redirect(url_for(".sent", number=application.number, _anchor=f"f-{stage}.{path}"), code=303)
    views = [
        FileView(row.id, row.name, size_words(row.size, here.language()), _url(application, row), row.sha256)
        for row in files
    ]
    return jsonify(
        before=done.before,
        revision=done.revision,
        files=[{"id": row.id, "name": row.name, "sha256": row.sha256} for row in files],
        notes=[{"name": name, "text": word(key, **params)} for name, key, params in notes],
        html=render_template("applications/_files.html", files=views),
    ), 200


def _files_at(application: Application, stage: str, path: str) -> list[Attachment]:
    newest = queries.latest(application, stage)
    held: Mapping[str, Any] = newest.values if newest else {}
    ids = [
        file["id"]
        for form in answering.forms(application, stage)
        for item in wanted(form, held.get(form.key) or {})
        if item.path == path
        for file in item.files
    ]
    return [attachments.one(application, file_id) for file_id in ids]


def _url(application: Application, row: Attachment) -> str:
    return url_for(".attachment", number=application.number, attachment_id=row.id)


def _refused(number: str, refusal: AppError) -> Answer | tuple[Response, int]:
    """Roll the act back, and say why: to a script, or on the page of documents."""
    db.session.rollback()
    problems = problems_of(refusal)
    if _wants_json():
        told = [{"path": problem.path, "text": word(problem.key, **problem.params)} for problem in problems]
        return jsonify(problems=told), code_of(refusal)
    page = documents.page(frame.one(number), problems=[Problem("", item.key, item.params) for item in problems])
    return page, code_of(refusal)


@blueprint.get("/applications/<number>/attachments/<int:attachment_id>")
@allowed(Permission.VIEW_APPLICATIONS)
def attachment(number: str, attachment_id: int) -> Response:
    """Give a file out, to be saved and never opened as a page of this site."""
    application = frame.one(number)
    row = attachments.one(application, attachment_id)
    if not _may_read(application, row):
        raise NotFound
    return give(here.storage().get(row.sha256), row.name, row.media_type)


def _may_read(application: Application, row: Attachment) -> bool:
    """Tell whether the present user may have a file: the Exchange what was sent and its own, the applicant the rest."""
    stage = queries.procedure(application).stages.get(row.stage)
    if stage is not None and stage.kind is StageKind.WORK:
        return bool(current_user.is_exchange)
    if not current_user.is_exchange and attachments.was_withheld(row):
        return False
    if current_user.is_exchange and (row.stage == attachments.PAPER or queries.is_being_entered(application)):
        return True  # the Exchange's own people have entered it
    return not current_user.is_exchange or attachments.was_sent(row, attachments.sent_moments(application))


@blueprint.post("/applications/<number>/attachments/<int:attachment_id>/decision")
@allowed(Permission.PROCESS)
def decide(number: str, attachment_id: int) -> Answer:
    """Record a reviewer's word on a document: the pressed button says which."""
    application = frame.one(number, for_update=True)
    given = request.form.get("decision", "")
    if given not in ("accept", "reject"):
        raise NotFound
    try:
        accepting.decide(
            application,
            attachment_id,
            accepted=given == "accept",
            reason=request.form.get(f"reason-{attachment_id}", ""),
            seen=whole_number(request.form.get("decided")) or 0,
            by=current_user,
            now=here.now(),
        )
    except (Conflict, Invalid) as refusal:
        db.session.rollback()
        return documents.page(frame.one(number), problems=problems_of(refusal)), code_of(refusal)
    flash(word("msg.saved"), "success")
    if request.form.get("from") == "panel":
        return redirect(url_for(".panel", number=number, tab="documents", _anchor=f"file-{attachment_id}"), code=303)
    return redirect(url_for(".sent", number=number, _anchor=f"file-{attachment_id}"), code=303)
