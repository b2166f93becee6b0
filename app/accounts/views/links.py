"""The page that a one-time link opens: nothing but a new password."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_login import logout_user

from app import db
from app.accounts import links
from app.accounts.inputs import NewPasswordInput
from app.accounts.views.frame import Answer, blueprint, new_password
from app.errors import Conflict, Invalid, Problem
from app.permissions import Permission
from app.web import here
from app.web.access import allowed
from app.web.templating import word


@blueprint.get("/password/<token>")
@allowed(Permission.PUBLIC)
def set_password(token: str) -> Answer:
    """Show the page and use nothing up: scanners of mail open links too."""
    return _page(token, [])


@blueprint.post("/password/<token>")
@allowed(Permission.PUBLIC)
def save_password(token: str) -> Answer:
    form = NewPasswordInput()
    if not form.validate():
        return _page(token, form.problems())
    try:
        links.set_password(token, new=form.new_password.data, repeated=form.repeat_password.data, now=here.now())
    except Invalid as refusal:
        db.session.rollback()
        return _page(token, list(refusal.problems))
    except Conflict:
        db.session.rollback()
        return _page(token, [])
    logout_user()
    flash(word("link.done"), "success")
    return redirect(url_for(".login"), code=303)


def _page(token: str, problems: list[Problem]) -> Answer:
    link = links.standing(token, now=here.now())
    page = render_template(
        "accounts/link.html",
        token=token,
        email=link.user.email if link else "",
        expires_at=link.expires_at if link else None,
        problems=problems,
        **new_password(),
    )
    if link is None:
        return page, 404
    return (page, 422) if request.method == "POST" else page
