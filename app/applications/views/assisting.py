"""What officers prepare for clients: their list, the page on which one is begun, offers and answers."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_login import current_user
from sqlalchemy.exc import IntegrityError

from app import db
from app.applications import assisting, entering, queries
from app.applications.views import frame, hub
from app.applications.views.frame import Answer, blueprint
from app.errors import Conflict, Invalid, NotFound, Problem
from app.permissions import Permission
from app.web import here, paging
from app.web.access import allowed
from app.web.errors import code_of, problems_of
from app.web.inputs import day, once, whole_number
from app.web.templating import word

PAGE = 50


@blueprint.get("/assisted")
@allowed(Permission.ASSIST)
def assisted() -> Answer:
    """List what has been prepared for clients; what is theirs leads on only to who sees it again."""
    page = paging.asked_for(".assisted", assisting.count(), size=PAGE)
    found = assisting.listed(start=page.start, most=PAGE)
    language, now = here.language(), here.now()
    return render_template(
        "applications/assisted.html",
        rows=[
            {
                "number": draft.application.number,
                "href": url_for(".hub", number=draft.application.number)
                if queries.sees(draft.application, current_user)
                else None,
                "procedure": queries.procedure(draft.application).title[language],
                "company": draft.application.organisation.names[language],
                "person": draft.person.name,
                "basis": draft.basis,
                "asked_on": draft.asked_on,
                "by": draft.by.name,
                "at": draft.at,
                "state": draft.state_at(now),
                "until": draft.lapses_at,
                "confirmed_at": draft.confirmed_at,
            }
            for draft in found
        ],
        page=page,
    )


@blueprint.get("/assisted/new")
@allowed(Permission.ASSIST)
def new_assisted() -> Answer:
    return _new_page([])


def _new_page(problems: list[Problem]) -> str:
    """Ask for procedure and company first, then for the person of that company and the basis."""
    language, given = here.language(), request.values
    key, company_id = given.get("procedure", ""), whole_number(given.get("company"))
    procedure = company = None
    if key and company_id is not None:
        try:
            procedure = entering.chosen_procedure(key, "assisted.err.procedure")
            company = entering.chosen_company(procedure, company_id)
        except Invalid as refusal:
            db.session.rollback()
            procedure = None
            problems = problems or problems_of(refusal)
    elif {"procedure", "company"} <= request.args.keys():  # «Далее» with one of them left empty
        left = (("procedure", "paper.err.no_procedure", key), ("company", "app.err.company", company_id))
        problems = problems or [Problem(path, fault) for path, fault, value in left if not value]
    is_chosen = procedure is not None and company is not None
    return render_template(
        "applications/assisted_new.html",
        procedures=frame.procedure_choices(entering.procedures()),
        companies=[(each.id, f"{each.code} – {each.names[language]}") for each in entering.companies()],
        chosen={
            "procedure": procedure.title[language],
            "company": company.names[language],
            "people": [(each.id, each.full_name) for each in entering.people(procedure, company)],
        }
        if procedure is not None and company is not None
        else None,
        typed={name: given.get(name, "") for name in ("procedure", "company", "person", "basis", "asked_on")},
        once=once() if is_chosen else "",
        problems=problems,
    )


@blueprint.post("/assisted/new")
@allowed(Permission.ASSIST)
def begin_assisted() -> Answer:
    form, mark = request.form, once()
    try:
        application = assisting.begin(
            procedure_key=form.get("procedure", ""),
            company_id=whole_number(form.get("company")),
            person_id=whole_number(form.get("person")),
            basis=form.get("basis", ""),
            asked_on=day(form.get("asked_on")),
            once=mark,
            by=current_user,
            now=here.now(),
        )
    except IntegrityError:  # the same form, sent twice at once
        db.session.rollback()
        same = assisting.begun_by(mark, current_user)
        if same is None:
            raise
        application = same
    except Invalid as refusal:
        db.session.rollback()
        return _new_page(problems_of(refusal)), code_of(refusal)
    flash(word("assisted.begun", number=application.number), "success")
    return redirect(url_for(".hub", number=application.number), code=303)


def _refused(number: str, refusal: Conflict | Invalid) -> Answer:
    """Say on the application's page why not; what is not to be seen any more is told on the way home."""
    db.session.rollback()
    try:
        application = frame.one(number)
    except NotFound:
        flash(word(refusal.key, **refusal.params), "error")
        return redirect(url_for(".home"), code=303)
    return hub.page_of(application, problems_of(refusal)), code_of(refusal)


@blueprint.post("/applications/<number>/assisted/offer")
@allowed(Permission.ASSIST)
def offer_assisted(number: str) -> Answer:
    application = frame.one(number, for_update=True)
    person_id = whole_number(request.form.get("person"))
    try:
        assisting.offer(application, person_id=person_id, by=current_user, seen=frame.seen(), now=here.now())
    except (Conflict, Invalid) as refusal:
        return _refused(number, refusal)
    flash(word("assisted.offered"), "success")
    return redirect(url_for(".hub", number=number), code=303)


@blueprint.post("/applications/<number>/assisted/taking-back")
@allowed(Permission.ASSIST)
def take_back_assisted(number: str) -> Answer:
    application = frame.one(number, for_update=True)
    try:
        assisting.take_back(application, by=current_user, seen=frame.seen(), now=here.now())
    except Conflict as refusal:
        return _refused(number, refusal)
    flash(word("assisted.taken_back"), "success")
    return redirect(url_for(".hub", number=number), code=303)


def _is_there(number: str) -> bool:
    """Ask for a code only whoever sees the application: to the rest it is not found."""
    return frame.one(number).number == number


@blueprint.post("/applications/<number>/assisted/confirmation")
@allowed(Permission.FILE, by_code=_is_there)
def confirm_assisted(number: str) -> Answer:
    """Make it the client's own: his code, taken on the way here, is his word (ESRV-35.3.b)."""
    application = frame.one(number, for_update=True)
    try:
        assisting.confirm(application, by=current_user, seen=frame.seen(), now=here.now())
    except Conflict as refusal:
        return _refused(number, refusal)
    flash(word("assisted.confirmed", number=number), "success")
    return redirect(url_for(".hub", number=number), code=303)


@blueprint.post("/applications/<number>/assisted/refusal")
@allowed(Permission.FILE)
def decline_assisted(number: str) -> Answer:
    application = frame.one(number, for_update=True)
    reason = request.form.get("decline_reason", "")
    try:
        assisting.decline(application, reason=reason, by=current_user, seen=frame.seen(), now=here.now())
    except (Conflict, Invalid) as refusal:
        return _refused(number, refusal)
    flash(word("assisted.declined", number=number), "success")
    return redirect(url_for(".home"), code=303)
