"""The page on which an application is moved to a newer version of its procedure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_login import current_user

from app import catalogue, db
from app.applications import transfer
from app.applications.models import Application
from app.applications.views import frame
from app.applications.views.frame import Answer, blueprint
from app.errors import Conflict, NotFound, Problem
from app.permissions import Permission
from app.web import here
from app.web.access import allowed
from app.web.errors import problems_of
from app.web.inputs import whole_number
from app.web.templating import word
from app.workflows.machine import Procedure


@blueprint.get("/applications/<number>/procedure")
@allowed(Permission.MOVE_VERSION, Permission.BEGIN)
def transfer_page(number: str) -> Answer:
    application = frame.one(number)
    if not transfer.may_transfer(application, current_user):
        raise NotFound
    return _page(application, [])


@blueprint.post("/applications/<number>/procedure")
@allowed(Permission.MOVE_VERSION, Permission.BEGIN)
def carry_out_transfer(number: str) -> Answer:
    application = frame.one(number, for_update=True)
    if not transfer.may_transfer(application, current_user):
        raise NotFound
    version = whole_number(request.form.get("version")) or 0
    try:
        transfer.carry_out(application, seen=frame.seen(), version=version, by=current_user, now=here.now())
    except Conflict as refusal:
        db.session.rollback()
        return _page(frame.one(number), problems_of(refusal)), 409
    flash(word("transfer.done"), "success")
    return redirect(url_for(".hub", number=number), code=303)


def _page(application: Application, problems: Sequence[Problem]) -> str:
    found = transfer.transfer(application)
    shown: dict[str, Any] = {"found": None}
    if found is not None:
        moved = found.moved
        shown = {
            "found": found,
            "again": _titles(found.old, moved.again),
            "due": _titles(found.new, moved.due),
            "gone": _titles(found.old, moved.gone),
            "terms": [
                word("transfer.term", term=term.title[here.language()], days=term.working_days) for term in moved.terms
            ],
            "unasked": [
                {"stage": _title(found.old, stage), "forms": [_form(application, key) for key in keys]}
                for stage, keys in found.unasked.items()
            ],
            "is_harmless": moved.is_harmless and not found.unasked,
        }
    return render_template("applications/transfer.html", **frame.head(application), **shown, problems=problems)


def _titles(procedure: Procedure, stages: Iterable[str]) -> list[str]:
    return [_title(procedure, stage) for stage in stages]


def _title(procedure: Procedure, stage: str) -> str:
    return procedure.stages[stage].title[here.language()] if stage in procedure.stages else stage


def _form(application: Application, key: str) -> str:
    return catalogue.present().forms.get(key, application.forms.get(key)).title[here.language()]
