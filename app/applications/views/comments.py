"""All that was said of an application, with its answers: to be filtered, gone through and settled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_login import current_user

from app import db
from app.applications import answering, approval, places, queries, versions
from app.applications.models import WHOLE, AnyComment, Application, InternalNote
from app.applications.places import Place
from app.applications.summary import comment_view
from app.applications.views import frame
from app.applications.views.frame import Answer, blueprint
from app.applications.views.reading import said
from app.errors import Conflict, Invalid, Problem
from app.forms.definitions import DynamicForm
from app.permissions import Permission
from app.terms import say
from app.web import here
from app.web.access import allowed
from app.web.errors import code_of, problems_of
from app.web.inputs import whole_number
from app.web.templating import named, word
from app.workflows.guards import ANSWERING

STATES = ("pending", "open", "answered", "reopened", "resolved")
UNSETTLED = "unsettled"


@dataclass(frozen=True)
class Filter:
    """Which comments are shown; empty parts let all through.  Kept in the address."""

    state: str = ""
    stage: str = ""
    author: str = ""

    def shows(self, row: AnyComment) -> bool:
        """Tell whether a comment is shown."""
        state = row.state in ("open", "answered", "reopened") if self.state == UNSETTLED else row.state == self.state
        return (
            (not self.state or state)
            and (not self.stage or (row.stage or WHOLE) == self.stage)
            and (not self.author or str(row.by_id) == self.author)
        )

    def __bool__(self) -> bool:
        return bool(self.state or self.stage or self.author)


def _asked_for() -> Filter:
    given = request.values
    return Filter(given.get("state", ""), given.get("stage", ""), given.get("author", ""))


@blueprint.get("/applications/<number>/comments")
@allowed(Permission.VIEW_APPLICATIONS)
def comments(number: str) -> Answer:
    return _page(frame.one(number), [])


def _page(application: Application, problems: list[Problem]) -> str:
    procedure = queries.procedure(application)
    language = here.language()
    chosen = _asked_for()
    found = said(application)
    shown = [row for row in found if chosen.shows(row)]
    asked = _asked_now(application) if shown else {}
    order = [row.id for row in shown]
    quoted = places.quoted(application, shown, versions.sent(application, user=current_user), language=language)
    stages = {row.stage or WHOLE for row in found}
    return render_template(
        "applications/comments.html",
        **frame.head(application),
        comments=[
            _view(
                application,
                row,
                asked,
                quoted.get(row.id, ""),
                previous=order[at - 1 : at][:1],
                following=order[at + 1 : at + 2],
            )
            for at, row in enumerate(shown)
        ],
        total=len(found),
        filter=chosen,
        states=[("", "rounds.all"), (UNSETTLED, "rounds.unsettled")]
        + [(state, _state_term(state)) for state in STATES if any(row.state == state for row in found)],
        stages=[
            (key, word("obj.application") if key == WHOLE else procedure.stages[key].title[language])
            for key in (WHOLE, *procedure.stages)
            if key in stages
        ],
        authors=list({str(row.by_id): named(row.by, row.office) for row in found}.items()),
        may_answer=_may_answer(application),
        why_no_answer=_why_no_answer(application) if any(row.is_unsettled for row in shown) else "",
        may_note=approval.may_note(application, current_user),
        typed=request.form,
        problems=problems,
    )


def _state_term(state: str) -> str:
    return "look.pending" if state == "pending" else f"st.{state}"


def _may_answer(application: Application) -> bool:
    process = queries.procedure(application).processes[application.process]
    return process.executor in ANSWERING and queries.acts_as(application, current_user, process.executor)


def _why_no_answer(application: Application) -> str:
    """Return the term that says why an open comment has no box for an answer; empty where that needs no word."""
    procedure = queries.procedure(application)
    if current_user.is_exchange or procedure.processes[application.process].final or _may_answer(application):
        return ""
    if any(queries.acts_as(application, current_user, executor) for executor in ANSWERING):
        return "rounds.answer_when_returned"
    return "" if queries.acts_as(application, current_user, "first_head") else "rounds.answered_by_author"


def _asked_now(application: Application) -> dict[str, Place]:
    """Return the places that are asked for in the version the user reads, by their names."""
    reading = versions.on_the_table(application, user=current_user) or versions.now_standing(application)
    [answers] = versions.values(application, [reading])
    return {
        place.name: place
        for stage in queries.applicant_stages(application)
        for place in places.of_stage(application, stage, answers.get(stage, {}), reading.forms)
    }


def _view(
    application: Application,
    row: AnyComment,
    asked: dict[str, Place],
    quoted: str,
    *,
    previous: list[int],
    following: list[int],
) -> dict[str, Any]:
    procedure, language = queries.procedure(application), here.language()
    is_note = isinstance(row, InternalNote)
    may_settle = approval.may_settle(application, row, current_user)
    may_answer = approval.may_note(application, current_user) if is_note else _may_answer(application)
    stage = procedure.stages[row.stage].title[language] if row.stage in procedure.stages else row.stage
    place = asked.get(row.place)
    return {
        "view": comment_view(row),
        "kind": row.kind,
        "stage": stage,
        "place": row.place,
        "label": row.labels.get(language) or (place.label(language) if place else say("obj.field", language)),
        "is_asked": row.place == WHOLE or place is not None,
        "anchor": f"f-{row.place}" if place is not None else "",
        "edit_href": _edit_address(application, row) if place is not None and not is_note and may_answer else "",
        "quoted": quoted,
        "round": row.round,
        "state": row.state,
        "steps": row.events,
        "may_answer": may_answer and row.is_unsettled,
        "may_resolve": may_settle and row.is_unsettled,
        "may_reopen": may_settle and row.state in ("answered", "resolved"),
        "previous": previous[0] if previous else None,
        "following": following[0] if following else None,
    }


def _edit_address(application: Application, row: AnyComment) -> str:
    """Return where the place of a comment is filled in; an entry of a dynamic form has a page of its own."""
    is_dynamic = any(isinstance(form, DynamicForm) for form in answering.forms(application, row.stage))
    entry = "-".join(row.field.split("-")[:2]) if is_dynamic else None
    address = url_for(".stage_page", number=application.number, stage=row.stage, entry=entry)
    return f"{address}#f-{row.field}"


@blueprint.post("/applications/<number>/comments")
@allowed(Permission.VIEW_APPLICATIONS)
def answer_comments(number: str) -> Answer:
    application = frame.one(number, for_update=True)
    now, by = here.now(), current_user
    resolved, reopened = (whole_number(request.form.get(name)) for name in ("resolve", "reopen"))
    try:
        if by.is_exchange and (resolved or reopened) and approval.may_note(application, by):
            approval.answer_notes(application, _numbered("answer"), seen=_seen(), by=by, now=now)  # typed beside it
        if resolved is not None:
            approval.resolve(application, resolved, by=by, now=now)
        elif reopened is not None:
            approval.reopen(application, reopened, request.form.get(f"why-{reopened}", ""), by=by, now=now)
        elif "note" in request.form:
            approval.note(application, by=by, notes={WHOLE: request.form.get("note-words", "")}, now=now)
        elif by.is_exchange:
            approval.answer_notes(application, _numbered("answer"), seen=_seen(), by=by, now=now)
        else:
            approval.answer_all(application, _numbered("answer"), seen=_seen(), by=by, now=now)
    except (Conflict, Invalid) as refusal:
        db.session.rollback()
        return _page(frame.one(number), problems_of(refusal)), code_of(refusal)
    flash(word("msg.saved"), "success")
    settled = resolved or reopened
    chosen = _asked_for()
    return redirect(
        url_for(
            ".comments",
            number=number,
            state=chosen.state or None,
            stage=chosen.stage or None,
            author=chosen.author or None,
            _anchor=f"comment-{settled}" if settled else None,
        ),
        code=303,
    )


def _numbered(prefix: str) -> dict[int, str]:
    """Return what was typed into ``<prefix>-<id of a comment>``."""
    return {
        found: text
        for name, text in request.form.items()
        if name.startswith(f"{prefix}-") and (found := whole_number(name.removeprefix(f"{prefix}-"))) is not None
    }


def _seen() -> dict[int, int]:
    """Return how many steps of each comment were on the screen."""
    return {found: whole_number(number) or 0 for found, number in _numbered("steps").items()}
