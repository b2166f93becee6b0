"""The page of a stage with forms: save, done, skip, entries of dynamic forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import flash, redirect, request, url_for
from flask_login import current_user

from app import db
from app.applications import answering, composing, entries, facts, filing, moves, queries, rows
from app.applications.answering import StageConflict, Typed
from app.applications.attachments import Given
from app.applications.merging import LONGEST_KEY
from app.applications.models import Application
from app.applications.views import attachments, filling, frame, meanwhile
from app.applications.views.frame import Answer, blueprint
from app.errors import AppError, Conflict, Invalid, NotFound
from app.permissions import Permission
from app.web import here
from app.web.access import allowed
from app.web.errors import code_of, problems_of
from app.web.inputs import judges_signs, whole_number
from app.web.templating import word
from app.workflows.parts import StageKind

PAGES = {
    StageKind.SUMMARY: "applications.summary_page",
    StageKind.APPROVAL: "applications.review",
    StageKind.SIGNING: "applications.sign",
    StageKind.ISSUING: "applications.issue_page",
    StageKind.VIEW: "applications.sent",
}
"""The kind of a stage picks its page; the rest are filled here."""


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
    elsewhere = frame.filled_elsewhere(application, stage)
    if elsewhere is not None:
        return redirect(elsewhere, code=303)
    template = request.args.get("template", "")
    if template not in composing.templates_of(application, stage):
        template = ""
    return filling.page(application, stage, entry=_entry(), is_checked="check" in request.args, template=template)


def _entry() -> str:
    """Return the entry that the page is for, by its path; empty for the whole stage."""
    return request.args.get("entry", "")


def _typed(uploads: Mapping[str, Sequence[Given]]) -> Typed:
    removals = frozenset(
        found
        for name in request.form
        if name.startswith("remove-") and (found := whole_number(name.removeprefix("remove-"))) is not None
    )
    seen = whole_number(request.form.get("revision")) or 0
    unsure = frozenset(request.form.get("unsure", "").split())
    key = request.form.get("key", "")[:LONGEST_KEY] or None
    return Typed(_chosen(), uploads, removals, seen, _restored(), unsure, key, _undecided())


def _chosen() -> dict[str, list[str]]:
    """Return what was typed, less what was in dispute and is to stay as the other has it."""
    given_up = {
        name.removeprefix("pick-")
        for name, choice in request.form.items()
        if name.startswith("pick-") and choice == "theirs"
    }
    return {
        name: texts
        for name, texts in request.form.lists()
        if not any(name == path or name.startswith(f"{path}-") for path in given_up)
    }


def _undecided() -> frozenset[str]:
    """Return the fields in dispute that the page has shown for a choice, and that came without one."""
    asked = {name.removeprefix("asked-") for name in request.form if name.startswith("asked-")}
    return frozenset(path for path in asked if f"pick-{path}" not in request.form)


def _restored() -> dict[str, int]:
    """Return the rows that somebody took out and that are to stand again: path -> a revision that has them."""
    found = {}
    for name, text in request.form.items():
        path, number = name.removeprefix("restore-"), whole_number(text)
        if name.startswith("restore-") and number and request.form.get(f"pick-{path}") == "mine":
            found[path] = number
    return found


@blueprint.post("/applications/<number>/stages/<stage>")
@allowed(Permission.FILE, Permission.PROCESS)
@judges_signs
def save_stage(number: str, stage: str) -> Answer:
    if not attachments.has_files():
        return _save(number, stage, _typed({}))
    try:
        with attachments.incoming(number, stage) as uploads:
            return _save(number, stage, _typed(uploads))
    except (Conflict, Invalid) as refusal:
        return _refused(number, stage, _typed({}), refusal)


def _save(number: str, stage: str, typed: Typed) -> Answer:
    application = frame.one(number, for_update=True)
    if stage not in queries.procedure(application).stages:
        raise NotFound
    frame.require_filled_here(application, stage)
    if "chain" in request.form:
        return filling.page(
            application, stage, raw=typed.raw, seen=typed.seen, is_choosing=True, focus=request.form["chain"]
        )
    if "redraw" in request.form:
        return filling.page(application, stage, raw=typed.raw, seen=typed.seen, entry=_entry())
    before = queries.latest(application, stage)
    last = attachments.newest(application) if typed.uploads else 0
    try:
        answer = _act(application, stage, typed)
    except StageConflict as conflict:
        return _contested(number, stage, typed, conflict)
    except (Conflict, Invalid) as refusal:
        return _refused(number, stage, typed, refusal)
    meanwhile.tell(application, stage, typed, before)
    if typed.uploads:
        attachments.tell_replaced(application, last)
    if answer is None:
        db.session.commit()  # what was typed is kept, though the answer is a refusal
        return filling.page(application, stage, is_checked=True, entry=_entry()), 422
    return answer


def _contested(number: str, stage: str, typed: Typed, conflict: StageConflict) -> Answer:
    """Keep what nobody disputes, and show the rest side by side; what was pressed waits for the choice."""
    db.session.rollback()
    application = frame.one(number, for_update=True)
    contest = meanwhile.contest(application, stage, typed, conflict, is_save="save" in request.form)
    answering.keep_undisputed(application, stage, typed, by=current_user, now=here.now())
    db.session.commit()  # as above
    is_gone = any(row.path == _entry() for row in contest.lost)
    return filling.page(application, stage, contest=contest, entry="" if is_gone else _entry()), 409


def _refused(number: str, stage: str, typed: Typed, refusal: AppError) -> Answer:
    """Keep what was typed, and show why what was pressed is refused."""
    db.session.rollback()
    code, problems = code_of(refusal), problems_of(refusal)
    is_choosing, entry = "add" in request.form, _entry()
    application = frame.one(number, for_update=True)
    try:
        answering.keep(application, stage, typed, by=current_user, now=here.now())
    except StageConflict as conflict:
        return _contested(number, stage, typed, conflict)
    except AppError:  # nothing can be kept here any more: it stays on the page
        db.session.rollback()
        drawn = filling.page(
            frame.one(number),
            stage,
            raw=typed.raw,
            seen=typed.seen,
            problems=problems,
            is_choosing=is_choosing,
            entry=entry,
        )
        return drawn, code
    db.session.commit()  # as above
    adding = filling.chosen_to_add(application, stage, typed.raw)
    drawn = filling.page(
        application,
        stage,
        problems=problems,
        adding=adding,
        has_lost_files=bool(typed.uploads),
        is_choosing=is_choosing,
        entry=entry,
    )
    return drawn, code


def _act(application: Application, stage: str, typed: Typed) -> Answer | None:
    """Do what the pressed button says, and answer with where to go next; None: the stage cannot be finished yet."""
    now, form = here.now(), request.form
    here_again = _address(application, stage, _entry())
    hub = url_for(".hub", number=application.number)
    if "skip" in form:
        filing.skip(application, stage, by=current_user, now=now)
        return redirect(_next_stage(application, stage) or hub, code=303)
    on_entries = _act_on_entries(application, stage, typed) or _act_on_rows(application, stage, typed)
    if on_entries is not None:
        return on_entries
    if "trigger" in form:
        version = frame.seen()
        application.require_version(version)
        if answering.finish(application, stage, typed, by=current_user, now=now):
            return None
        taken = moves.fire(application, form["trigger"], by=current_user, seen=application.version, now=now)
        target = queries.procedure(application).processes[taken.target]
        flash(word("app.moved", process=target.short_title[here.language()]), "success")
        return redirect(hub, code=303)
    if "done" in form:
        if answering.finish(application, stage, typed, by=current_user, now=now):
            return None
        flash(word("st.filled"), "success")
        return redirect(_next_stage(application, stage) or hub, code=303)
    answering.save(application, stage, typed, by=current_user, done=False, now=now)
    if "row-table" in form:
        address = url_for(".table_page", number=application.number, stage=stage, group=form["row-table"])
        return _leaving(application, stage, typed, address)
    flash(word("msg.saved"), "success")
    return redirect(here_again, code=303)


def _leaving(application: Application, stage: str, typed: Typed, address: str) -> Answer:
    """Lead to another page, and say there what could not be read on this one."""
    meanwhile.tell_unreadable(application, stage, typed)
    return redirect(address, code=303)


def _act_on_entries(application: Application, stage: str, typed: Typed) -> Answer | None:
    """Add or remove an entry of a dynamic form, or save and go to another one, if that is what was pressed."""
    now, form = here.now(), request.form
    if "add" in form:
        key = form["add"]
        entry = entries.add_entry(application, stage, key, typed, by=current_user, now=now)
        address = filling.address_of_entry(application, stage, key, entry)
        return _leaving(application, stage, typed, address) if "?" in address else redirect(address, code=303)
    if "remove" in form:
        key, _, entry = form["remove"].rpartition("-")
        entries.remove_entry(application, stage, key, entry, typed, by=current_user, now=now)
        flash(word("history.remove_entry"), "success")
        return redirect(f"{_address(application, stage)}#f-{key}", code=303)
    if "goto" in form:
        answering.save(application, stage, typed, by=current_user, done=False, now=now)
        return _leaving(application, stage, typed, _address(application, stage, form["goto"]))
    if "criteria" in form:
        answering.save(application, stage, typed, by=current_user, done=False, now=now)
        address = url_for(".criteria_page", number=application.number, stage=stage, entry=form["criteria"])
        return _leaving(application, stage, typed, address)
    return None


def _act_on_rows(application: Application, stage: str, typed: Typed) -> Answer | None:
    """Add, remove or move a row of a group, if that is what was pressed, and lead to where it stands."""
    now, form = here.now(), request.form
    if "row-add" in form:
        path = rows.add_row(application, stage, form["row-add"], typed, by=current_user, now=now)
    elif "row-remove" in form:
        path = form["row-remove"]
        rows.remove_row(application, stage, path, typed, by=current_user, now=now)
        path = path.rpartition("-")[0]
    elif "row-up" in form or "row-down" in form:
        path, steps = (form["row-up"], -1) if "row-up" in form else (form["row-down"], 1)
        rows.move_row(application, stage, path, steps, typed, by=current_user, now=now)
    else:
        return None
    return redirect(f"{_address(application, stage, _entry())}#f-{path}", code=303)


def _address(application: Application, stage: str, entry: str = "") -> str:
    """Return the address of a stage, or of the page of one entry in it."""
    return url_for(".stage_page", number=application.number, stage=stage, entry=entry or None)


def _next_stage(application: Application, stage: str) -> str | None:
    """Return the address of the next stage that waits for the same executor (IS2IN-14.2.b)."""
    procedure = queries.procedure(application)
    standing = queries.position(application)
    executor = procedure.executor_of(stage, application.process)
    following = procedure.next_stage(standing, facts.of(application), stage, executor)
    if following is None:
        return None
    return url_for(".stage_page", number=application.number, stage=following)
