"""Outages, what came on paper meanwhile, and the forms to be filled in by hand."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any, BinaryIO, cast

from flask import flash, has_request_context, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from app import catalogue, db, pdf
from app.applications import attachments, blank, entering, intake, outages
from app.applications.attachments import Upload
from app.applications.models import Outage
from app.applications.views import frame
from app.applications.views.attachments import LARGEST_UPLOAD
from app.applications.views.frame import Answer, blueprint
from app.errors import Conflict, Invalid, NotFound, Problem
from app.permissions import Permission
from app.web import here
from app.web.access import allowed
from app.web.errors import code_of, problems_of
from app.web.giving import give
from app.web.inputs import day as typed_day
from app.web.inputs import whole_number
from app.web.sizes import takes
from app.web.templating import ZONE, word


def banner() -> dict[str, Any]:
    """Return the outage that is on, for every page to say so."""
    return {"outage": outages.present(here.now()) if has_request_context() else None}


def _moment(day: str, time: str, path: str) -> datetime:
    """Return the moment of a day and a time typed, in Kazakhstan's time.

    Raises:
        Invalid: they are none.
    """
    date = typed_day(day)
    try:
        clock = datetime.strptime(time.strip(), "%H:%M").time()  # noqa: DTZ007 - the zone follows
    except ValueError:
        clock = None
    if date is None or clock is None:
        raise Invalid.at(path, "paper.err.moment")
    return datetime.combine(date, clock, ZONE).astimezone(UTC)


@blueprint.get("/outages", endpoint="outages")
@allowed(Permission.RECEIVE_PAPER)
def all_outages() -> Answer:
    return _page([])


def _page(problems: list[Problem]) -> str:
    now = here.now()
    found = outages.every()
    language = here.language()
    return render_template(
        "applications/outages.html",
        rows=[
            {
                "outage": each,
                "state": _state(each, now),
                "intakes": [
                    {
                        "number": application.number,
                        "company": application.organisation.names[language],
                        "received_at": row.received_at,
                        "entered_at": row.entered_at,
                    }
                    for row, application in outages.intakes(each)
                ],
            }
            for each in found
        ],
        typed=request.form,
        problems=problems,
    )


def _state(outage: Outage, now: datetime) -> str:
    """Return called_off, ahead, on or over."""
    if outages.is_called_off(outage):
        return "called_off"
    if outage.begins_at > now:
        return "ahead"
    return "on" if outage.ends_at is None or outage.ends_at > now else "over"


@blueprint.post("/outages")
@allowed(Permission.RECEIVE_PAPER)
def declare_outage() -> Answer:
    form = request.form
    try:
        begins = _moment(form.get("begins_on", ""), form.get("begins_at", ""), "begins_on")
        has_end = form.get("ends_on", "").strip() or form.get("ends_at", "").strip()
        ends = _moment(form.get("ends_on", ""), form.get("ends_at", ""), "ends_on") if has_end else None
        outages.declare(begins, ends, reason=form.get("reason", ""), by=current_user, now=here.now())
    except (Conflict, Invalid) as refusal:
        db.session.rollback()
        return _page(problems_of(refusal)), code_of(refusal)
    flash(word("paper.declared"), "success")
    return redirect(url_for(".outages"), code=303)


@blueprint.post("/outages/<int:ident>/end")
@allowed(Permission.RECEIVE_PAPER)
def end_outage(ident: int) -> Answer:
    outage = outages.one(ident)
    outages.end(outage, by=current_user, now=here.now())
    flash(word("paper.called_off" if outages.is_called_off(outage) else "paper.ended"), "success")
    return redirect(url_for(".outages"), code=303)


@blueprint.get("/outages/<int:ident>/intake")
@allowed(Permission.RECEIVE_PAPER)
def intake_page(ident: int) -> Answer:
    return _intake_page(outages.one(ident), [])


def _intake_page(outage: Outage, problems: list[Problem]) -> str:
    language = here.language()
    return render_template(
        "applications/intake.html",
        of_outage=outage,
        procedures=frame.procedure_choices(entering.procedures()),
        companies=[(each.id, f"{each.code} – {each.names[language]}") for each in entering.companies()],
        typed=request.form,
        problems=problems,
    )


@blueprint.post("/outages/<int:ident>/intake")
@takes(LARGEST_UPLOAD)
@allowed(Permission.RECEIVE_PAPER)
def take_in(ident: int) -> Answer:
    """Begin an application that came on paper; its scans are looked into while nobody waits for the database."""
    outages.one(ident)
    db.session.rollback()
    form, now = request.form, here.now()
    uploads = [
        Upload(each.filename, cast(BinaryIO, each.stream)) for each in request.files.getlist("scans") if each.filename
    ]
    try:
        with ExitStack() as stack:
            scans = stack.enter_context(attachments.received(uploads))
            db.begin_writing(True)
            application = intake.begin(
                outages.one(ident),
                procedure_key=form.get("procedure", ""),
                company_id=whole_number(form.get("company")),
                received_at=_moment(form.get("received_on", ""), form.get("received_at", ""), "received_on"),
                brought_by=form.get("brought_by", ""),
                scans=scans,
                by=current_user,
                now=now,
            )
            number = application.number
    except (Conflict, Invalid) as refusal:
        db.session.rollback()
        return _intake_page(outages.one(ident), problems_of(refusal)), code_of(refusal)
    flash(word("paper.taken_in", number=number), "success")
    return redirect(url_for(".hub", number=number), code=303)


@blueprint.post("/applications/<number>/paper")
@allowed(Permission.RECEIVE_PAPER)
def enter_paper(number: str) -> Answer:
    application = frame.one(number, for_update=True)
    try:
        intake.enter(application, by=current_user, seen=frame.seen(), now=here.now())
    except Conflict as refusal:
        db.session.rollback()
        flash(word(refusal.key, **refusal.params), "error")
        return redirect(url_for(".hub", number=number), code=303)
    flash(word("paper.entered"), "success")
    return redirect(url_for(".hub", number=number), code=303)


@blueprint.get("/paper")
@allowed(Permission.PUBLIC)
def paper_pack() -> Answer:
    """List the forms of the procedures to be filled in by hand; to anybody, since signing in may not work."""
    found = frame.procedure_choices(entering.procedures())
    return render_template("applications/paper_pack.html", procedures=found)


@blueprint.get("/paper/<key>.pdf")
@allowed(Permission.PUBLIC)
def blank_form(key: str) -> Response:
    procedure = next((each for each in entering.procedures() if each.key == key), None)
    if procedure is None:
        raise NotFound
    language = here.language()
    content = pdf.render(blank.page(procedure, language, library=catalogue.present().forms))
    return give(content, f"{key}-{language}.pdf", "application/pdf")
