"""Bundles of remarks: their history, and one of them with its remarks, to be answered one by one."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_login import current_user

from app import db
from app.applications import answering, approval, bundles, places, queries, versions
from app.applications.bundles import Bundle
from app.applications.models import Application, Remark
from app.applications.summary import comment_view
from app.applications.views import frame
from app.applications.views.frame import Answer, blueprint
from app.errors import Conflict, Invalid, NotFound, Problem
from app.forms.definitions import DynamicForm
from app.permissions import Permission
from app.web import here
from app.web.access import allowed
from app.web.errors import code_of, problems_of
from app.web.inputs import whole_number
from app.web.templating import word
from app.workflows.guards import ANSWERING


@blueprint.get("/applications/<number>/bundles")
@allowed(Permission.VIEW_APPLICATIONS)
def bundle_list(number: str) -> Answer:
    application = frame.one(number)
    return render_template(
        "applications/bundles.html",
        **frame.head(application),
        bundles=bundles.of(application),
        now=here.now(),
    )


@blueprint.get("/applications/<number>/bundles/<int:bundle>")
@allowed(Permission.VIEW_APPLICATIONS)
def bundle_page(number: str, bundle: int) -> Answer:
    application = frame.one(number)
    return _page(application, _one(application, bundle), [])


def _one(application: Application, number: int) -> Bundle:
    found = bundles.one(application, number)
    if found is None:
        raise NotFound
    return found


def _page(application: Application, bundle: Bundle, problems: list[Problem]) -> str:
    language = here.language()
    known = versions.sent(application, user=current_user)
    quoted = places.quoted(application, bundle.remarks, known, language=language)
    may_answer = _may_answer(application)
    return render_template(
        "applications/bundle.html",
        **frame.head(application),
        bundle=bundle,
        items=[_item(application, row, n, quoted.get(row.id, "")) for n, row in enumerate(bundle.remarks, 1)],
        may_answer=may_answer and bool(bundle.remarks),
        kinds=[(kind, f"bundle.kind.{kind}") for kind in bundles.KINDS],
        now=here.now(),
        typed=request.form,
        problems=problems,
    )


def _item(application: Application, row: Remark, number: int, quoted: str) -> dict[str, Any]:
    procedure, language = queries.procedure(application), here.language()
    stage = procedure.stages[row.stage].title[language] if row.stage in procedure.stages else ""
    return {
        "number": number,
        "row": row,
        "view": comment_view(row),
        "stage": stage,
        "label": row.labels.get(language) or word("obj.field"),
        "quoted": quoted,
        "office": word(f"workflow.executor.{row.office}") if row.office and current_user.is_exchange else "",
        "edit_href": _edit_address(application, row) if _may_answer(application) else "",
        "waits": row.is_unsettled and _may_answer(application),
    }


def _edit_address(application: Application, row: Remark) -> str:
    """Return where the place of a remark is filled in; empty for a remark on the whole."""
    stage = queries.procedure(application).stages.get(row.stage)
    if stage is None:
        return ""
    is_dynamic = any(isinstance(form, DynamicForm) for form in answering.forms(application, row.stage))
    entry = "-".join(row.field.split("-")[:2]) if is_dynamic else None
    return f"{url_for('.stage_page', number=application.number, stage=row.stage, entry=entry)}#f-{row.field}"


def _may_answer(application: Application) -> bool:
    process = queries.procedure(application).processes[application.process]
    return process.executor in ANSWERING and queries.acts_as(application, current_user, process.executor)


@blueprint.post("/applications/<number>/bundles/<int:bundle>")
@allowed(Permission.FILE)
def answer_bundle(number: str, bundle: int) -> Answer:
    application = frame.one(number, for_update=True)
    found = _one(application, bundle)
    form = request.form
    answers = {row.id: form.get(f"answer-{row.id}", "") for row in found.remarks if f"answer-{row.id}" in form}
    kinds = {row.id: form.get(f"kind-{row.id}", "") for row in found.remarks if f"kind-{row.id}" in form}
    seen = {row.id: whole_number(form.get(f"steps-{row.id}")) or 0 for row in found.remarks}
    try:
        _require_whole(answers, kinds)
        approval.answer_all(application, answers, seen=seen, kinds=kinds, by=current_user, now=here.now())
    except (Conflict, Invalid) as refusal:
        db.session.rollback()
        application = frame.one(number)
        page = _page(application, _one(application, bundle), problems_of(refusal))
        return page, code_of(refusal)
    flash(word("msg.saved"), "success")
    return redirect(url_for(".bundle_page", number=number, bundle=bundle), code=303)


def _require_whole(answers: dict[int, str], kinds: dict[int, str]) -> None:
    """Refuse answers of which only half was given: words without their kind, or a kind without words.

    Raises:
        Invalid: with a problem for each.
    """
    problems = []
    for ident, words in answers.items():
        kind = kinds.get(ident, "")
        if words.strip() and kind not in bundles.KINDS:
            problems.append(Problem(f"kind-{ident}", "review.err.answer_kind"))
        elif kind and not words.strip():
            problems.append(Problem(f"answer-{ident}", "review.err.answer_words"))
    if problems:
        raise Invalid(problems=problems)
