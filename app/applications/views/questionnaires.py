"""Questionnaires: the filled forms of archived applications, and a stage filled from them (IS2IN-9.6)."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.datastructures import MultiDict

from app import catalogue, db
from app.applications import cabinet, facts, queries, reuse, summary
from app.applications.answering import StageConflict
from app.applications.models import Application
from app.applications.summary import Drawing
from app.applications.views import frame
from app.applications.views.frame import Answer, blueprint
from app.applications.views.lists import row
from app.errors import Invalid, NotFound, Problem
from app.forms.definitions import DynamicForm, Form
from app.forms.outline import leaves
from app.forms.parts import is_empty
from app.forms.taking import Offer
from app.permissions import Permission
from app.web import here
from app.web.access import allowed
from app.web.errors import problems_of
from app.web.inputs import whole_number
from app.web.templating import date_text, word


@blueprint.get("/questionnaires")
@allowed(Permission.FILE)
def questionnaires() -> Answer:
    return render_template(
        "applications/questionnaires.html",
        rows=[item for application in cabinet.questionnaires(current_user) for item in _form_rows(application)],
    )


def _form_rows(application: Application) -> list[dict[str, Any]]:
    """Return the filled forms of an archived application as the list of questionnaires shows them."""
    head = row(application)
    is_seen = bool(queries.sees(application, current_user))
    answers = reuse.filled(application)
    library = catalogue.present().forms
    forms = [
        library.get(form, application.forms.get(form))
        for stage in queries.applicant_stages(application)
        for form in queries.procedure(application).stages[stage].forms
        if form in answers
    ]
    return [
        {
            **head,
            "id": f"{application.number}-{form.key}",
            "form": form.title[here.language()],
            "version": form.version,
            "application_href": head["href"] if is_seen else None,
            "completeness": _completeness(form, answers[form.key]),
            "preview_href": f"{url_for('applications.questionnaire', number=application.number)}#form-{form.key}",
            "use_href": _use_href(application),
        }
        for form in forms
    ]


def _use_href(application: Application) -> str | None:
    """Return where a new application is filled from an archived one; None where the Exchange begins the procedure."""
    procedure = queries.procedure(application)
    if procedure.started_by is not None:
        return None
    return f"{url_for('applications.new', key=procedure.key)}?from={application.number}"


def _completeness(form: Form | DynamicForm, values: dict[str, Any]) -> str:
    """Return how many of the questions are answered, in words."""
    parts = (
        [part for _, each in form.outline(values) for part in each]
        if isinstance(form, DynamicForm)
        else form.outline(values)
    )
    asked = [item for item in leaves(parts) if item.field.type not in ("note", "computed")]
    answered = sum(not is_empty(item.value) for item in asked)
    return word("reuse.completeness", answered=answered, asked=len(asked))


@blueprint.get("/questionnaires/<number>")
@allowed(Permission.FILE)
def questionnaire(number: str) -> Answer:
    application = cabinet.questionnaire(number, user=current_user)
    return render_template(
        "applications/questionnaire.html",
        application=row(application),
        stages=summary.stages(application, Drawing(here.language())),
        use_href=_use_href(application),
    )


@blueprint.get("/applications/<number>/stages/<stage>/questionnaire")
@allowed(Permission.FILE)
def choose_answers(number: str, stage: str) -> Answer:
    application = frame.one(number)
    require_writable(application, stage)
    return _choosing(application, stage, _origin(request.args), [])


def require_writable(application: Application, stage: str) -> None:
    """Find nothing where the present user may not fill the stage now."""
    procedure = queries.procedure(application)
    process = procedure.processes[application.process]
    if stage not in process.stages or not procedure.stages[stage].forms:
        raise NotFound
    is_open = stage in procedure.open_stages(queries.position(application), facts.of(application))
    if not is_open or not queries.acts_as(application, current_user, procedure.executor_of(stage, process.key)):
        raise NotFound


def _origin(given: MultiDict[str, str]) -> Application | None:
    """Return the archived application that was chosen, None for the organisation's record."""
    chosen = given.get("from", "")
    return None if chosen == reuse.RECORD else cabinet.questionnaire(chosen, user=current_user)


def _choosing(application: Application, stage: str, origin: Application | None, problems: list[Problem]) -> str:
    language = here.language()
    newest = queries.latest(application, stage)
    given = reuse.offers(application, stage, origin, language=language)
    known = reuse.record(application)
    ticked = set(request.form.getlist("pick")) if request.method == "POST" else None
    return render_template(
        "applications/choosing.html",
        **frame.head(application),
        stage=stage,
        stage_title=queries.procedure(application).stages[stage].title[language],
        origin=origin.number if origin else reuse.RECORD,
        source=f"{origin.number}, {date_text(origin.archived_at)}" if origin else word("reuse.record"),
        revision=newest.revision if newest else 0,
        forms=[
            {
                "key": each.form.key,
                "title": each.form.title[language],
                "older": each.older,
                "newer": each.form.version,
                "offers": [_offered(offer, language, known if origin else {}, ticked) for offer in each.found.offers],
                "left": each.found.left,
                "same": each.found.same,
            }
            for each in given
            if each.found.offers or each.found.left or each.found.same
        ],
        has_offers=any(each.found.offers for each in given),
        problems=problems,
    )


def _offered(offer: Offer, language: str, known: dict[str, Any], ticked: set[str] | None) -> dict[str, Any]:
    """Return an offer as the page shows it, with what the organisation's record says where that differs."""
    asked = offer.asked
    record = known.get(offer.path)
    differs = asked is not None and not is_empty(record) and record != offer.then and not asked.problems(record)
    is_row = bool(offer.title)
    return {
        "path": offer.path,
        "label": offer.label[language],
        "now": "" if is_row or asked is None else asked.text(offer.now, language),
        "then": offer.title or (asked.text(offer.then, language) if asked else ""),
        "words": {} if is_row or asked is None or not asked.parts else _tongues(offer.then),
        "is_row": is_row,
        "reason": offer.reason,
        "before": offer.before[language] if offer.before else "",
        "record": asked.text(record, language) if differs and asked is not None else "",
        "chosen": offer.is_chosen if ticked is None else offer.path in ticked,
    }


def _tongues(value: Any) -> dict[str, str]:
    return {part: str(words) for part, words in value.items()} if isinstance(value, dict) else {}


@blueprint.post("/applications/<number>/stages/<stage>/questionnaire")
@allowed(Permission.FILE)
def use_questionnaire(number: str, stage: str) -> Answer:
    application = queries.by_number(number, user=current_user, for_update=True)
    origin = _origin(request.form)
    if stage not in queries.procedure(application).stages:
        raise NotFound
    try:
        taken = reuse.take(
            application,
            stage,
            origin,
            picked=request.form.getlist("pick"),
            seen=whole_number(request.form.get("revision")) or 0,
            language=here.language(),
            by=current_user,
            now=here.now(),
        )
    except (StageConflict, Invalid) as refusal:
        db.session.rollback()
        application = frame.one(number)
        require_writable(application, stage)
        drawn = _choosing(application, stage, _origin(request.form), problems_of(refusal))
        return drawn, 409 if isinstance(refusal, StageConflict) else 422
    if taken:
        flash(word("reuse.taken", n=taken), "success")
        flash(word("msg.prefill_check"), "info")
    else:
        flash(word("reuse.none_taken"), "info")
    return redirect(url_for(".stage_page", number=number, stage=stage), code=303)
