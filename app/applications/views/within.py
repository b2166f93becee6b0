"""Naming the application to which one belongs."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask_login import current_user

from app import db
from app.applications import filing, reuse
from app.applications.views import frame, hub
from app.applications.views.frame import Answer, blueprint
from app.errors import Conflict, Invalid
from app.permissions import Permission
from app.web import here
from app.web.access import allowed
from app.web.errors import problems_of
from app.web.templating import word


@blueprint.get("/applications/<number>/parent")
@allowed(Permission.VIEW_APPLICATIONS)
def after_naming(number: str) -> Answer:
    """Lead to the application: a refusal stands at this address, and may be opened again or kept as a bookmark."""
    return redirect(url_for(".hub", number=frame.one(number).number), code=303)


@blueprint.post("/applications/<number>/parent")
@allowed(Permission.VIEW_APPLICATIONS)
def name_parent(number: str) -> Answer:
    application = frame.one(number, for_update=True)
    chosen = request.form.get("parent", "")[:20]
    former = application.parent
    try:
        filing.name_parent(application, chosen, by=current_user, seen=frame.seen(), now=here.now())
    except (Conflict, Invalid) as refusal:
        db.session.rollback()
        status = 409 if isinstance(refusal, Conflict) else 422
        return hub.page_of(frame.one(number), problems_of(refusal)), status
    said = word("parents.named" if chosen else "parents.named_none")
    if former is not None and former is not application.parent and reuse.has_carried(application, former):
        said = f"{said}. {word('parents.kept')}"
    flash(said, "success")
    return redirect(url_for(".hub", number=number), code=303)
