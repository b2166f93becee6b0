"""Signing in and out, the user agreement, language and theme."""

from __future__ import annotations

from flask import current_app, redirect, render_template, request, session, url_for
from flask_login import current_user, login_user, logout_user

from app import db
from app.accounts import agreements, operations, policy, queries, sessions
from app.accounts import recovery as recovering
from app.accounts.inputs import LoginInput, RecoveryInput
from app.accounts.models import User
from app.accounts.views.frame import SECRET, Answer, blueprint, login_session
from app.audit import operations as audit
from app.errors import Conflict, Problem
from app.permissions import Permission
from app.web import clock, here
from app.web.access import allowed, safe_next

DEMO_ACCOUNTS = "kezen.demo_accounts"
"""Key of ``app.extensions``: a function that lists the demo's accounts, given by the demo alone."""


@blueprint.get("/login")
@allowed(Permission.PUBLIC)
def login() -> Answer:
    if current_user.is_authenticated:
        return redirect("/", code=303)
    return login_page([], "")


@blueprint.post("/login")
@allowed(Permission.PUBLIC)
def enter() -> Answer:
    form = LoginInput()
    if not form.validate():
        return login_page(form.problems(), form.email.data or ""), 422
    try:
        user = operations.sign_in(
            form.email.data, form.password.data, now=here.now(), address=request.remote_addr or ""
        )
    except Conflict as refusal:
        db.session.commit()  # that somebody tried stays
        return login_page([Problem("email", refusal.key, refusal.params)], form.email.data), 422
    if user is None:
        db.session.commit()  # the counted failure and its audit row stay, though the answer is a refusal
        return login_page([Problem("email", "err.login")], form.email.data), 422
    return let_in(user)


def let_in(user: User, way: str = "password", place_id: int | None = None) -> Answer:
    """Begin the session of a user who has shown who he is, and lead him where he wanted to go.

    ``place_id`` is the membership in which it begins, None: his usual one.
    """
    language = session.get("language")
    session.clear()
    if language:
        session["language"] = language
        user.language = user.language or language  # mails speak it too
    session.permanent = True
    session[SECRET] = sessions.begin(
        user,
        address=request.remote_addr or "",
        agent=request.user_agent.string,
        now=clock.unmoved(),
        way=way,
        place_id=place_id,
    )
    login_user(user)
    return redirect(safe_next(request.values.get("next")) or "/", code=303)


def login_page(problems: list[Problem], email: str) -> str:
    """Return the page of the door."""
    accounts = current_app.extensions.get(DEMO_ACCOUNTS)
    return render_template(
        "accounts/login.html",
        problems=problems,
        email=email,
        next=safe_next(request.values.get("next")) or "",
        notice="",
        demo_accounts=accounts() if accounts and here.config().is_demo else [],
    )


@blueprint.post("/logout")
@allowed(Permission.PUBLIC)
def logout() -> Answer:
    if current_user.is_authenticated:
        sessions.close(login_session(), ending="logout", now=clock.unmoved())
        audit.record("signed_out", f"user {current_user.id}", by=current_user.id, at=here.now())
    logout_user()
    session.pop(SECRET, None)
    return redirect(url_for("accounts.login"), code=303)


@blueprint.get("/agreement")
@allowed(Permission.PUBLIC)
def agreement() -> Answer:
    return render_template(
        "accounts/agreement.html",
        version=agreements.VERSION,
        to_accept=current_user.is_authenticated and agreements.is_new_to(current_user),
    )


@blueprint.post("/agreement")
@allowed(Permission.OWN_CABINET)
def agree() -> Answer:
    agreements.accept(queries.by_id(current_user.id), now=here.now())
    return redirect("/", code=303)


@blueprint.get("/recovery")
@allowed(Permission.PUBLIC)
def recovery() -> Answer:
    return render_template("accounts/recovery.html", problems=[], asked=False)


@blueprint.post("/recovery")
@allowed(Permission.PUBLIC)
def ask_recovery() -> Answer:
    form = RecoveryInput()
    if not form.validate():
        return render_template("accounts/recovery.html", problems=form.problems(), asked=False), 422
    recovering.ask(form.email.data, now=here.now())
    return render_template(
        "accounts/recovery.html",
        problems=[],
        asked=True,
        minutes=policy.rules().links.recovery_minutes,
        seconds=policy.rules().recovery.resend_seconds,
    )


@blueprint.post("/theme")
@allowed(Permission.PUBLIC)
def theme() -> Answer:
    answer = redirect(safe_next(request.form.get("next")) or "/", code=303)
    chosen = request.form.get("theme", "")
    if chosen in ("light", "dark"):
        answer.set_cookie("theme", chosen, max_age=365 * 24 * 3600, samesite="Lax", httponly=True)
    else:
        answer.delete_cookie("theme")
    return answer
