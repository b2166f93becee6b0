"""Another path of criteria for an entry of a dynamic form: first shown, then confirmed (user manual, paragraph 16)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import flash, redirect, render_template, request
from flask_login import current_user

from app import db
from app.applications import answering, entries, queries
from app.applications.answering import StageConflict
from app.applications.drawing import Drawing, piece_view
from app.applications.models import Application
from app.applications.views import dynamics, filling, frame
from app.applications.views.frame import Answer, blueprint
from app.applications.views.reading import file_url
from app.errors import Conflict, Invalid, NotFound, Problem
from app.forms.carrying import Carried
from app.forms.definitions import DynamicForm
from app.permissions import Permission
from app.web import here
from app.web.access import allowed
from app.web.errors import code_of, problems_of
from app.web.inputs import whole_number
from app.web.templating import word


@blueprint.get("/applications/<number>/stages/<stage>/criteria")
@allowed(Permission.FILE, Permission.PROCESS)
def criteria_page(number: str, stage: str) -> Answer:
    application = frame.one(number)
    _require_stage(application, stage)
    _entry(application, stage)
    answering.require_stage(application, stage, current_user, takes=False)
    return _page(application, stage)


@blueprint.post("/applications/<number>/stages/<stage>/criteria")
@allowed(Permission.FILE, Permission.PROCESS)
def change_criteria(number: str, stage: str) -> Answer:
    application = frame.one(number, for_update=True)
    _require_stage(application, stage)
    form, entry = _entry(application, stage)
    path = form.path_of(dict(request.form.lists()))
    seen = whole_number(request.form.get("revision")) or 0
    try:
        entries.change_criteria(
            application, stage, form.key, entry["id"], path, seen=seen, by=current_user, now=here.now()
        )
    except (StageConflict, Conflict, Invalid) as refusal:
        db.session.rollback()
        drawn = _page(frame.one(number), stage, problems=problems_of(refusal))
        return drawn, code_of(refusal)
    flash(word("form.criteria_changed"), "success")
    return redirect(filling.address_of_entry(application, stage, form.key, entry["id"]), code=303)


def _require_stage(application: Application, stage: str) -> None:
    if stage not in queries.procedure(application).stages or not frame.may_enter(application, current_user, stage):
        raise NotFound


def _entry(application: Application, stage: str) -> tuple[DynamicForm, Mapping[str, Any]]:
    """Return the entry that the address names, and its form.

    Raises:
        NotFound: there is none.
    """
    wanted = request.args.get("entry", "")
    newest = queries.latest(application, stage)
    for form in answering.forms(application, stage):
        if isinstance(form, DynamicForm) and newest is not None:
            for entry in form.entries(newest.values.get(form.key, {})):
                if wanted in (entry["id"], form.entry_path(entry)):
                    return form, entry
    raise NotFound


def _page(application: Application, stage: str, problems: Sequence[Problem] = ()) -> str:
    """Draw the lists as they are chosen, and what the change would do to the entry's answers."""
    form, entry = _entry(application, stage)
    language = here.language()
    newest = queries.latest(application, stage)
    values = newest.values[form.key] if newest else {}
    chosen = {name: texts for name, texts in request.values.lists() if name.startswith(f"{form.key}-")}
    if not chosen:
        pairs = zip(form.levels, entry["path"], strict=False)
        chosen = {f"{form.key}-{level.key}": [option] for level, option in pairs}
    chain = dynamics.chain(form, chosen, language)
    is_same = list(chain.path) == list(entry["path"])
    has_form = not (chain.has_more or chain.no_forms)
    draw = Drawing(language, file_url=file_url(application))
    line = next(item for item in dynamics.lines(application, stage, form, values, draw) if item.id == entry["id"])
    shown = has_form and not is_same
    return render_template(
        "applications/criteria.html",
        **frame.head(application),
        stage=stage,
        stage_title=queries.procedure(application).stages[stage].title[language],
        form_key=form.key,
        line=line,
        back=filling.address_of_entry(application, stage, form.key, entry["id"]),
        chain=chain,
        is_same=is_same,
        new_criteria=form.path_text(chain.path, language),
        moves=_moves(form.preview(values, entry["id"], chain.path), draw, stage) if shown else [],
        may_confirm=shown,
        revision=newest.revision if newest else 0,
        problems=[{"path": "", "text": word(item.key, **item.params)} for item in problems],
    )


def _moves(carried: Carried, draw: Drawing, stage: str) -> list[dict[str, Any]]:
    """Return what the change does, kind by kind: the words of the kind, and its answers."""
    kinds = (
        ("kept", carried.kept),
        ("restored", carried.restored),
        ("parked", carried.parked),
    )
    return [
        {"kind": kind, "fields": [piece_view(piece, draw, stage=stage) for piece in pieces]}
        for kind, pieces in kinds
        if pieces
    ]
