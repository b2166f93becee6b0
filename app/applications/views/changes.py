"""What changed between two versions that were sent, or since the present user's last act."""

from __future__ import annotations

from dataclasses import dataclass

from flask import render_template, request
from flask_login import current_user

from app.applications import changes, queries, versions
from app.applications.changes import Comparison
from app.applications.models import Application
from app.applications.versions import Version
from app.applications.views import frame
from app.applications.views.frame import Answer, blueprint
from app.applications.views.reading import drawing, said
from app.permissions import Permission
from app.web import here
from app.web.access import allowed
from app.web.inputs import whole_number
from app.workflows.guards import ANSWERING

SHOWN = ("all", "unasked", "asked")


@dataclass(frozen=True)
class Choice:
    """Which two versions are compared; ``mine``: from the last one the user worked on."""

    known: list[Version]
    old: Version | None
    new: Version | None
    mine: Version | None
    is_mine: bool


def _choice(application: Application) -> Choice:
    known = versions.sent(application, user=current_user)
    if _is_draft_visible(application):
        known = [*known, versions.now_standing(application)]
    if len(known) < 2:
        return Choice(known, None, None, None, False)
    numbered = {item.number: item for item in known}
    new = numbered.get(whole_number(request.args.get("to", "")) or 0) if "to" in request.args else None
    new = new if new in known[1:] else known[-1]
    before = known[: known.index(new)]
    mine = versions.last_worked_on(application, user=current_user, before=new)
    asked = numbered.get(whole_number(request.args.get("from", "")) or 0)
    is_mine = mine is not None and request.args.get("since") == "mine"
    old = mine if is_mine else asked if asked in before else before[-1]
    return Choice(known, old, new, mine, is_mine)


def _is_draft_visible(application: Application) -> bool:
    """Tell whether what is not sent yet is the user's to read: the applicant's people, while they rework it."""
    process = queries.procedure(application).processes[application.process]
    return not current_user.is_exchange and process.executor in ANSWERING and not process.final


@blueprint.get("/applications/<number>/changes")
@allowed(Permission.VIEW_APPLICATIONS)
def changes_page(number: str) -> Answer:
    application = frame.one(number)
    choice = _choice(application)
    compared: Comparison | None = None
    if choice.old is not None and choice.new is not None:
        compared = changes.between(
            application, choice.old, choice.new, drawing=drawing(application), said=said(application)
        )
    shown = request.args.get("show", "all")
    return render_template(
        "applications/changes.html",
        **frame.head(application),
        choice=choice,
        compared=compared,
        show=shown if shown in SHOWN else "all",
        only_stage=request.args.get("stage", ""),
        printed_at=here.now(),
        problems=[],
    )
