"""The first head's page of review, and the reviewers' page of remarks."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_login import current_user

from app import db
from app.applications import approval, queries
from app.applications.models import Application
from app.applications.views import frame
from app.applications.views.frame import Answer, blueprint, problems_of
from app.applications.views.reading import reading
from app.errors import Conflict, Invalid, Problem
from app.permissions import Permission
from app.web import here
from app.web.access import allowed
from app.web.templating import word
from app.workflows.parts import StageKind


@blueprint.get("/applications/<number>/review")
@allowed(Permission.VIEW_APPLICATIONS)
def review(number: str) -> Answer:
    return _page(frame.one(number), [])


def _page(application: Application, problems: list[Problem]) -> str:
    kind = approval.commenting_kind(application, current_user)
    comments = queries.comments(application, user=current_user)
    return render_template(
        "applications/review.html",
        **frame.head(application),
        **frame.stage_of(application, StageKind.APPROVAL),
        stages=reading(application, may_comment=kind is not None),
        kind=kind,
        pending=sum(1 for item in comments if item.state == "pending"),
        open_comments=sum(1 for item in comments if item.state in ("open", "answered")),
        typed=request.form,
        problems=problems,
    )


def _typed_comments(application: Application) -> dict[str, str]:
    """Return what stands in the comment windows; an emptied one only where a pending comment is to be taken back."""
    standing = queries.comments(application, user=current_user)
    pending = {f"{item.stage}.{item.field}" for item in standing if item.state == "pending"}
    typed = {name.removeprefix("comment-"): text for name, text in request.form.items() if name.startswith("comment-")}
    return {place: text for place, text in typed.items() if text.strip() or place in pending}


@blueprint.post("/applications/<number>/review")
@allowed(Permission.APPROVE, Permission.PROCESS)
def act_on_review(number: str) -> Answer:
    application = frame.one(number, for_update=True)
    comments = _typed_comments(application)
    now = here.now()
    try:
        if "return" in request.form:
            approval.return_for_rework(application, by=current_user, comments=comments, seen=frame.seen(), now=now)
            flash(word("st.returned"), "success")
            return redirect(url_for(".hub", number=number), code=303)
        if "agree" in request.form:
            approval.agree(application, by=current_user, comments=comments, seen=frame.seen(), now=now)
            flash(word("st.approved"), "success")
            return redirect(url_for(".sign", number=number), code=303)
        if "save" in request.form and approval.commenting_kind(application, current_user) == "comment":
            approval.save(application, by=current_user, comments=comments, now=now)
            flash(word("msg.saved"), "success")
        else:
            approval.comment(application, by=current_user, comments=comments, now=now)
            flash(word("app.remark_kept" if "save" in request.form else "app.comment_kept"), "info")
    except (Conflict, Invalid) as refusal:
        db.session.rollback()
        code = 422 if isinstance(refusal, Invalid) else 409
        return _page(frame.one(number), problems_of(refusal)), code
    place = request.form.get("comment", "")
    return redirect(url_for(".review", number=number) + (f"#f-{place}" if place else ""), code=303)
