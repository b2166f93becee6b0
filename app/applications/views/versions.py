"""The page on which an author moves his draft to newer versions of its forms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_login import current_user

from app import db
from app.applications import queries, renewal
from app.applications.models import Application
from app.applications.renewal import Renewal
from app.applications.views import frame
from app.applications.views.frame import Answer, blueprint
from app.errors import Conflict, NotFound, Problem
from app.forms.carrying import Piece
from app.forms.definitions import DynamicForm, Form
from app.forms.interchange import parts_of
from app.forms.outline import leaves
from app.permissions import Permission
from app.web import here
from app.web.access import allowed
from app.web.errors import problems_of
from app.web.inputs import whole_number
from app.web.templating import word


@blueprint.get("/applications/<number>/versions")
@allowed(Permission.FILE)
def versions_page(number: str) -> Answer:
    application = frame.one(number)
    if not renewal.may_renew(application, current_user):
        raise NotFound
    return _page(application, [])


@blueprint.post("/applications/<number>/versions")
@allowed(Permission.FILE)
def renew(number: str) -> Answer:
    application = frame.one(number, for_update=True)
    revisions = {
        name.removeprefix("revision-"): whole_number(text) or 0
        for name, text in request.form.items()
        if name.startswith("revision-")
    }
    try:
        renewal.renew(application, seen=frame.seen(), revisions=revisions, by=current_user, now=here.now())
    except Conflict as refusal:
        db.session.rollback()
        application = frame.one(number)
        if not renewal.may_renew(application, current_user):
            raise
        return _page(application, problems_of(refusal)), 409
    flash(word("renew.done"), "success")
    return redirect(url_for(".hub", number=number), code=303)


def _page(application: Application, problems: Sequence[Problem]) -> str:
    language = here.language()
    procedure = queries.procedure(application)
    found = renewal.renewals(application)
    return render_template(
        "applications/versions.html",
        **frame.head(application),
        forms=[
            {
                "key": each.new.key,
                "title": each.new.title[language],
                "stage": procedure.stages[each.stage].title[language],
                "old": each.old.version,
                "new": each.new.version,
                "is_safe": each.is_safe,
                "kept": len(each.carried.kept),
                "parked": _pieces(each.carried.parked, language),
                "restored": _pieces(each.carried.restored, language),
                "unplaced": _entries(each, each.carried.unplaced, language),
                "required": _labels(each.new, each.carried.values, each.carried.required, language),
            }
            for each in found
        ],
        revisions={each.stage: each.revision for each in found},
        problems=problems,
    )


def _pieces(pieces: Iterable[Piece], language: str) -> list[dict[str, str]]:
    return [
        {
            "path": piece.path,
            "label": piece.asked.label[language] if piece.asked else "",
            "text": piece.text(language),
            "reason": f"carry.{piece.reason}" if piece.reason else "",
        }
        for piece in pieces
    ]


def _entries(each: Renewal, pieces: Iterable[Piece], language: str) -> list[dict[str, str]]:
    """Return entries that have no form in the new version, by their criteria."""
    form = each.old
    return [
        {
            "path": piece.path,
            "label": form.path_text(piece.value.get("path", ()), language) if isinstance(form, DynamicForm) else "",
            "text": "",
            "reason": f"carry.{piece.reason}" if piece.reason else "",
        }
        for piece in pieces
    ]


def _labels(form: Form | DynamicForm, values: dict[str, Any], paths: Iterable[str], language: str) -> list[str]:
    known = {asked.path: asked.field.label[language] for asked in leaves(parts_of(form, values))}
    return list(dict.fromkeys(known.get(path, path) for path in paths))
