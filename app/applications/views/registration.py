"""The registration desk: what has come, in its order, and one application beside the checks of it."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_login import current_user

from app import bilingual, db
from app.applications import cabinet, desk, holders, queries, queueing
from app.applications.models import Application
from app.applications.views import belonging, checking, frame, holding, hub, lists
from app.applications.views.frame import Answer, blueprint
from app.applications.views.reading import reading
from app.errors import Conflict, Invalid, Problem
from app.permissions import Permission
from app.web import here, paging
from app.web.access import allowed
from app.web.errors import code_of, problems_of
from app.web.inputs import whole_number
from app.web.templating import date_text, word

PAGE = 50


@blueprint.get("/registration")
@allowed(Permission.REGISTER)
def arrivals() -> Answer:
    found = desk.arrivals(current_user, now=here.now())
    page = paging.asked_for("applications.arrivals", len(found), size=PAGE)
    shown = cabinet.of_glances(found[page.start : page.start + PAGE])
    return render_template(
        "queue/arrivals.html",
        rows=[
            {
                **row,
                "href": url_for(".registration", number=row["number"]),
                "sent_at": application.sent_at,
                "holder": _holder(application),
            }
            for row, application in zip(lists.rows(shown), shown, strict=True)
        ],
        page=page,
    )


def _holder(application: Application) -> str:
    found = holders.holder(application, queries.procedure(application).processes[application.process].executor or "")
    return found.name if found else ""


@blueprint.get("/applications/<number>/registration")
@allowed(Permission.REGISTER)
def registration(number: str) -> Answer:
    application = frame.one(number)
    if not desk.is_at_desk(application):
        return hub.page_of(application, [Problem("", "desk.err.not_here")])
    return _page(application, [])


def _page(application: Application, problems: list[Problem]) -> str:
    head = frame.head(application)
    return render_template(
        "queue/registration.html",
        **head,
        problems=problems,
        typed=request.form,
        stages=reading(application),
        checklist=checking.view(application),
        holders=holding.panel(application),
        belonging=belonging.panel(application),
        checks=desk.checks(application, user=current_user, now=here.now(), language=here.language()),
        reasons=[(code, word(f"desk.reason.{code}")) for code in desk.reasons()],
        next_role=desk.next_executor(application),
        next_people=[(user.id, user.name) for user in queueing.colleagues(desk.next_executor(application))],
        may_act=head["your_turn"],
        row_of=lists.row,
    )


@blueprint.post("/applications/<number>/registration")
@allowed(Permission.REGISTER)
def answer_registration(number: str) -> Answer:
    application = frame.one(number, for_update=True)
    form, now = request.form, here.now()
    try:
        if form.get("act") == "refuse":
            desk.refuse(
                application,
                by=current_user,
                reason=form.get("reason", ""),
                texts=bilingual.typed(form, "text"),
                seen=frame.seen(),
                now=now,
            )
            flash(word("desk.refused", number=number), "success")
        else:
            desk.register(
                application,
                by=current_user,
                note=form.get("note", ""),
                next_holder=whole_number(form.get("to")),
                seen=frame.seen(),
                now=now,
            )
            given = application.registration_number
            flash(
                word("desk.registered", number=number, given=given, date=date_text(application.registered_at)),
                "success",
            )
    except (Conflict, Invalid) as refusal:
        db.session.rollback()
        application = frame.one(number)
        if not desk.is_at_desk(application):
            raise
        return _page(application, problems_of(refusal)), code_of(refusal)
    return redirect(url_for(".arrivals"), code=303)
