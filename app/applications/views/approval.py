"""The first head's page of review, and the reviewers' page of remarks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_login import current_user

from app import db
from app.applications import approval, changes, places, queries, versions
from app.applications.models import WHOLE, AnyComment, Application
from app.applications.places import Place
from app.applications.summary import comment_view
from app.applications.versions import Version
from app.applications.views import frame
from app.applications.views.frame import Answer, blueprint
from app.applications.views.reading import drawing, reading, said
from app.errors import Conflict, Invalid, Problem
from app.permissions import Permission
from app.web import here
from app.web.access import allowed
from app.web.errors import code_of, problems_of
from app.web.templating import word
from app.workflows.parts import StageKind


@blueprint.get("/applications/<number>/review")
@allowed(Permission.VIEW_APPLICATIONS)
def review(number: str) -> Answer:
    return _page(frame.one(number), [])


def _page(application: Application, problems: list[Problem]) -> str:
    kind = approval.commenting_kind(application, current_user)
    found = said(application)
    return render_template(
        "applications/review.html",
        **frame.head(application),
        **frame.stage_of(application, StageKind.APPROVAL),
        **_round(application, kind),
        kind=kind,
        pending=sum(1 for item in found if item.state == "pending"),
        open_comments=sum(1 for item in found if approval.is_left(item, current_user)),
        settles={item.id for item in found if approval.may_settle(application, item, current_user)},
        typed=request.form,
        problems=problems,
    )


def _round(application: Application, kind: str | None) -> dict[str, Any]:
    """Return what the page shows: only what changed since the reader's last work on it, or everything.

    A second look opens on the changes; whoever has done nothing about an earlier version reads it all.
    """
    now = versions.on_the_table(application, user=current_user) if kind is not None else None
    known = versions.sent(application, user=current_user) if now is not None else []
    mine = versions.last_worked_on(application, user=current_user, before=now) if now is not None else None
    earlier = [item for item in known if now is not None and item.number < now.number]
    base = mine or (earlier[-1] if earlier else None)
    default = "changed" if mine is not None else "all"
    show = request.values.get("show", default)
    show = show if base is not None and show in ("changed", "all") else "all"
    first = "" if mine is not None else "_first"  # why one reads it all, or what "changed" means, is said
    shown_key = f"rounds.changed_since{first}" if show == "changed" else f"rounds.all_shown{first}"
    found: dict[str, Any] = {"show": show, "shown_key": shown_key, "base": base, "version": now}
    asked = _places(application, now) if now is not None else []
    found["wholes"] = [(WHOLE, word("rounds.whole"))]
    if show == "changed":  # what did not change is not on the page
        found["wholes"] += [(place.name, place.label(here.language())) for place in asked if place.kind != "field"]
    if base is None or now is None:
        stages = reading(application, may_comment=kind is not None)
        return {**found, "compared": None, "stages": stages, "elsewhere": _elsewhere(application, asked)}
    draw = drawing(application, may_comment=kind is not None)
    compared = changes.between(application, base, now, drawing=draw, said=said(application))
    quoted = places.quoted(application, compared.unanswered, known, language=here.language())
    return {
        **found,
        "compared": compared,
        "unanswered": [
            {
                "row": item,
                "view": comment_view(item),
                "label": item.labels.get(here.language(), ""),
                "quoted": quoted.get(item.id, ""),
            }
            for item in compared.unanswered
        ],
        "stages": [] if show == "changed" else reading(application, may_comment=kind is not None),
        "elsewhere": _elsewhere(application, asked, compared if show == "changed" else None),
    }


def _places(application: Application, version: Version) -> list[Place]:
    [answers] = versions.values(application, [version])
    return [
        place
        for stage in queries.applicant_stages(application)
        for place in places.of_stage(application, stage, answers.get(stage, {}), version.forms)
    ]


def _elsewhere(
    application: Application, asked: Sequence[Place], compared: changes.Comparison | None = None
) -> list[dict[str, Any]]:
    """Return the comments for which the page has no place: on the whole, and on what is asked no more.

    Where only changes are shown (``compared``), what stands beside them, and what is settled, is left out.
    """
    places_shown = {place.name for place in asked}
    found: dict[str, list[AnyComment]] = {}
    if compared is None:
        left = [row for row in said(application) if row.place not in places_shown]
    else:
        shown = {item.id for stage in compared.stages for change in stage.changes for item in change.comments}
        shown |= {row.id for row in compared.unanswered}
        unsettled = (row for row in said(application) if row.is_unsettled or row.published_at is None)
        left = [row for row in unsettled if row.id not in shown]
    for row in left:
        found.setdefault(row.place, []).append(row)
    return [
        {
            "place": place,
            "label": rows[0].labels.get(here.language(), ""),
            "comments": [comment_view(row) for row in rows],
        }
        for place, rows in found.items()
    ]


def _typed(application: Application) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Return what stands in the comment windows: comments, suggested values, and internal notes.

    An emptied comment is taken only where a pending one is to be taken back.
    """
    own = (item for item in said(application) if item.state == "pending")
    pending = {item.place for item in own}
    written = {
        name.removeprefix("comment-"): text for name, text in request.form.items() if name.startswith("comment-")
    }
    other = request.form.get("other-words", "")
    if other.strip():
        written[request.form.get("other-place", "")] = other
    kinds = {place: request.form.get(f"kind-{place}") for place in written}
    if other.strip():
        kinds[request.form.get("other-place", "")] = request.form.get("other-kind")
    notes = {place: text for place, text in written.items() if kinds[place] == "internal"}
    comments = {
        place: text
        for place, text in written.items()
        if place not in notes and (text.strip() or place in pending or request.form.get(f"suggest-{place}", "").strip())
    }
    return comments, {place: request.form.get(f"suggest-{place}", "") for place in comments}, notes


@blueprint.post("/applications/<number>/review")
@allowed(Permission.APPROVE, Permission.PROCESS)
def act_on_review(number: str) -> Answer:
    application = frame.one(number, for_update=True)
    comments, suggested, notes = _typed(application)
    now, by, seen = here.now(), current_user, frame.seen()
    show = request.form.get("show") or None
    try:
        if notes:
            approval.note(application, by=by, notes=notes, now=now)
        if "return" in request.form:
            approval.return_for_rework(application, by=by, comments=comments, suggested=suggested, seen=seen, now=now)
            flash(word("st.returned"), "success")
            return redirect(url_for(".hub", number=number), code=303)
        if "agree" in request.form:
            approval.agree(application, by=by, comments=comments, suggested=suggested, seen=seen, now=now)
            flash(word("st.approved"), "success")
            return redirect(url_for(".sign", number=number), code=303)
        if "save" in request.form and approval.commenting_kind(application, by) == "comment":
            approval.save(application, by=by, comments=comments, suggested=suggested, now=now)
            flash(word("msg.saved"), "success")
        else:
            kept = approval.comment(application, by=by, comments=comments, suggested=suggested, now=now)
            if kept or not notes:
                flash(word("app.remark_kept" if "save" in request.form else "app.comment_kept"), "info")
            if notes:
                flash(word("rounds.note_kept"), "info")
    except (Conflict, Invalid) as refusal:
        db.session.rollback()
        return _page(frame.one(number), problems_of(refusal)), code_of(refusal)
    place = request.form.get("comment", "")
    return redirect(url_for(".review", number=number, show=show, _anchor=f"f-{place}" if place else None), code=303)
