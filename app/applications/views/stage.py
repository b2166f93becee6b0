"""The page of a stage with forms: save, done, skip, entries of dynamic forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_login import current_user

from app import db
from app.applications import facts, filing, moves, queries, summary
from app.applications.attachments import Upload
from app.applications.filing import StageConflict, Typed
from app.applications.models import Answers, Application
from app.applications.summary import SheetView
from app.applications.views import frame
from app.applications.views.frame import Answer, blueprint, problems_of
from app.applications.views.reading import drawing
from app.errors import AppError, Conflict, Invalid, NotFound, Problem
from app.forms.definitions import DynamicForm
from app.permissions import Permission
from app.web import here
from app.web.access import allowed
from app.web.inputs import whole_number
from app.web.templating import word
from app.workflows.parts import StageKind

PAGES = {
    StageKind.SUMMARY: "applications.summary_page",
    StageKind.APPROVAL: "applications.review",
    StageKind.SIGNING: "applications.sign",
    StageKind.VIEW: "applications.sent",
}
"""The kind of a stage picks its page; the rest are filled here."""


@dataclass(frozen=True)
class ListView:
    """One drop-down list of the criteria of a dynamic form."""

    name: str
    label: str
    options: list[tuple[str, str]]
    chosen: str


@dataclass(frozen=True)
class DynamicView:
    """A dynamic form: its entries, and the chain of lists that adds one."""

    key: str
    title: str
    add_label: str
    entries: list[SheetView]
    lists: list[ListView]
    keys: list[summary.FieldView]
    has_more: bool
    no_forms: bool
    is_choosing: bool
    errors: list[str]


@blueprint.get("/applications/<number>/stages/<stage>")
@allowed(Permission.VIEW_APPLICATIONS)
def stage_page(number: str, stage: str) -> Answer:
    application = frame.one(number)
    procedure = queries.procedure(application)
    if stage not in procedure.stages or not frame.may_enter(application, current_user, stage):
        raise NotFound
    kind = procedure.stages[stage].kind
    if kind in PAGES:
        return redirect(url_for(PAGES[kind], number=number), code=303)
    return _page(application, stage)


def _page(
    application: Application,
    stage: str,
    *,
    raw: Mapping[str, Sequence[str]] | None = None,
    problems: Sequence[Problem] = (),
    theirs: Answers | None = None,
    is_choosing: bool = False,
    focus: str = "",
) -> str:
    procedure = queries.procedure(application)
    standing, known = queries.position(application), facts.of(application)
    process = procedure.processes[application.process]
    executor = procedure.executor_of(stage, process.key) if stage in process.stages else ""
    may_write = (
        stage in process.stages
        and stage in procedure.open_stages(standing, known)
        and queries.acts_as(application, current_user, executor)
    )
    sent_only = current_user.is_exchange and procedure.stages[stage].kind is StageKind.FILL
    newest = queries.answers(application, as_of=application.sent_at if sent_only else None).get(stage)
    values: dict[str, Any] = newest.values if newest else {}
    draw = drawing(application)
    draw.names = _names(application, values)
    draw.raw, draw.problems = raw, problems
    draw.source = newest.source if newest else ""
    if newest is not None and may_write and raw is None:
        draw.notes = filing.gaps(application, stage, values)
    if theirs is not None:
        draw.theirs = {key: value for form in theirs.values.values() for key, value in form.items()}
        values = _mine(application, stage, raw or {}, values)
    sheets: list[SheetView] = []
    dynamics: list[DynamicView] = []
    for form in filing.forms(application, stage):
        if isinstance(form, DynamicForm):
            dynamics.append(_dynamic(form, values.get(form.key, {}), draw, stage, raw, is_choosing))
        else:
            sheets.append(summary.form_sheet(form, values.get(form.key, {}), draw, stage=stage))
    labels = {
        view.path: view.label
        for sheet in [*sheets, *(e for d in dynamics for e in d.entries)]
        for s in sheet.sections
        for view in s.fields
    }
    return render_template(
        "applications/stage.html",
        **frame.head(application),
        stage=stage,
        stage_title=procedure.stages[stage].title[here.language()],
        stage_status=standing.status(stage),
        is_work=procedure.stages[stage].kind is StageKind.WORK,
        sheets=sheets,
        dynamics=dynamics,
        may_write=may_write,
        may_skip=may_write and procedure.may_skip(standing, stage, known),
        read_only_reason=_reason(application, stage, executor, may_write),
        revision=newest.revision if newest else 0,
        saved=newest,
        offers=[
            {"offer": offer, "words": frame.offer_words(offer)}
            for offer in frame.offers_for(application, current_user)
            if offer.transition.stage == stage
        ],
        theirs=theirs,
        questionnaires=_questionnaires(application, stage) if may_write else [],
        problems=[_labelled(problem, labels) for problem in problems],
        focus=focus,
    )


def _names(application: Application, values: Mapping[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """Return the options a form leaves to the room, with those chosen before that are offered no more."""
    language = here.language()
    offered = filing.choices(application, language)
    chosen = summary.person_names([values], language)
    return {
        source: [*options, *(item for item in chosen.get(source, []) if item[0] not in dict(options))]
        for source, options in offered.items()
    }


def _labelled(problem: Problem, labels: Mapping[str, str]) -> dict[str, Any]:
    path = problem.path
    label = labels.get(path) or labels.get(path.rsplit("-", 1)[0], "")
    return {"path": path, "label": label, "text": word(problem.key, **problem.params)}


def _reason(application: Application, stage: str, executor: str, may_write: bool) -> str:
    if may_write:
        return ""
    if application.archived_at is not None:
        return word("st.archived")
    if executor and not queries.acts_as(application, current_user, executor):
        names = moves.executor_words(application, (executor,), here.language())
        return word("app.read_only_executor", who=", ".join(names))
    return word("app.read_only")


def _mine(
    application: Application, stage: str, raw: Mapping[str, Sequence[str]], theirs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the values that were typed, as far as they can be read, to be shown beside the others'."""
    return {
        form.key: {**theirs.get(form.key, {}), **form.parse(raw).values}
        if not isinstance(form, DynamicForm)
        else theirs.get(form.key, {})
        for form in filing.forms(application, stage)
    }


def _dynamic(
    form: DynamicForm,
    values: Mapping[str, Any],
    draw: summary.Drawing,
    stage: str,
    raw: Mapping[str, Sequence[str]] | None,
    is_choosing: bool,
) -> DynamicView:
    language = draw.language
    path: list[str] = []
    lists = []
    level = form.offered(())
    errors: list[str] = []
    while level is not None:
        name = f"{form.key}-{level.key}"
        chosen = next(iter((raw or {}).get(name, ())), "") if is_choosing else ""
        options = [(key, words[language]) for key, words in level.options.items()]
        lists.append(ListView(name, level.label[language], options, chosen if chosen in level.options else ""))
        if chosen not in level.options:
            break
        path.append(chosen)
        level = form.offered(path)
    at_end = level is None and bool(path)
    if draw.problems:
        errors = [word(item.key, **item.params) for item in draw.problems if item.path == form.key]
    keys = [summary.field_view(item, None, draw, stage=stage, prefix=f"{form.key}-") for item in form.keys]
    return DynamicView(
        key=form.key,
        title=form.title[language],
        add_label=form.add_label[language],
        entries=summary.dynamic_sheets(form, values, draw, stage=stage),
        lists=lists,
        keys=keys,
        has_more=not at_end,
        no_forms=at_end and form.form_at(path) is None,
        is_choosing=is_choosing,
        errors=errors,
    )


def _questionnaires(application: Application, stage: str) -> list[tuple[str, str]]:
    wanted = set(queries.procedure(application).stages[stage].forms)
    found = []
    for item in queries.questionnaires(current_user):
        filled = {key for row in queries.answers(item).values() for key in row.values}
        if wanted & filled and item.organisation_id == application.organisation_id:
            found.append((item.number, f"{item.number} – {item.organisation.names[here.language()]}"))
    return found


def _typed() -> Typed:
    uploads = {
        name: [Upload(file.filename or "", file.read()) for file in files if file.filename]
        for name, files in request.files.lists()
    }
    removals = frozenset(
        found
        for name in request.form
        if name.startswith("remove-") and (found := whole_number(name.removeprefix("remove-"))) is not None
    )
    seen = whole_number(request.form.get("revision")) or 0
    return Typed(dict(request.form.lists()), uploads, removals, seen)


@blueprint.post("/applications/<number>/stages/<stage>")
@allowed(Permission.FILE, Permission.PROCESS)
def save_stage(number: str, stage: str) -> Answer:
    application = frame.one(number, for_update=True)
    if stage not in queries.procedure(application).stages:
        raise NotFound
    typed = _typed()
    if "chain" in request.form:
        return _page(application, stage, raw=typed.raw, is_choosing=True, focus=request.form["chain"])
    try:
        return _act(application, stage, typed)
    except StageConflict as conflict:
        db.session.rollback()
        page = _page(frame.one(number), stage, raw=typed.raw, problems=problems_of(conflict), theirs=conflict.theirs)
        return page, 409
    except (Conflict, Invalid) as refusal:
        return _refused(number, stage, typed, refusal)


def _refused(number: str, stage: str, typed: Typed, refusal: AppError) -> Answer:
    db.session.rollback()
    page = _page(
        frame.one(number),
        stage,
        raw=typed.raw,
        problems=problems_of(refusal),
        is_choosing="add" in request.form,
    )
    return page, 422 if isinstance(refusal, Invalid) else 409


def _act(application: Application, stage: str, typed: Typed) -> Answer:
    """Do what the pressed button says, and answer with where to go next."""
    now, form = here.now(), request.form
    here_again = url_for(".stage_page", number=application.number, stage=stage)
    hub = url_for(".hub", number=application.number)
    if "skip" in form:
        filing.skip(application, stage, by=current_user, now=now)
        return redirect(_next_stage(application, stage) or hub, code=303)
    if "add" in form:
        entry = filing.add_entry(application, stage, form["add"], typed, by=current_user, now=now)
        return redirect(f"{here_again}#entry-{form['add']}-{entry}", code=303)
    if "remove" in form:
        key, _, entry = form["remove"].rpartition("-")
        filing.remove_entry(application, stage, key, entry, typed, by=current_user, now=now)
        return redirect(here_again, code=303)
    if "trigger" in form:
        version = frame.seen()
        application.require_version(version)
        filing.save(application, stage, typed, by=current_user, done=True, now=now)
        taken = moves.fire(application, form["trigger"], by=current_user, seen=application.version, now=now)
        target = queries.procedure(application).processes[taken.target]
        flash(word("app.moved", process=target.short_title[here.language()]), "success")
        return redirect(hub, code=303)
    done = "done" in form
    filing.save(application, stage, typed, by=current_user, done=done, now=now)
    flash(word("st.filled" if done else "msg.saved"), "success")
    return redirect((_next_stage(application, stage) or hub) if done else here_again, code=303)


def _next_stage(application: Application, stage: str) -> str | None:
    """Return the address of the next stage that waits for the same executor (IS2IN-14.2.b)."""
    procedure = queries.procedure(application)
    standing = queries.position(application)
    executor = procedure.executor_of(stage, application.process)
    following = procedure.next_stage(standing, facts.of(application), stage, executor)
    if following is None:
        return None
    return url_for(".stage_page", number=application.number, stage=following)
