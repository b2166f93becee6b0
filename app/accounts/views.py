"""Signing in and out, the user agreement, the profile, language and theme."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Flask, current_app, flash, g, redirect, render_template, request, session, url_for
from flask_login import LoginManager, current_user, login_user, logout_user
from werkzeug.wrappers import Response

from app import db
from app.accounts import operations, queries
from app.accounts.inputs import ContactsInput, LoginInput, PasswordInput
from app.accounts.models import PASSWORD_LIFE, User
from app.audit import operations as audit
from app.errors import Invalid, Problem
from app.permissions import Permission
from app.terms import LANGUAGES
from app.web import here
from app.web.access import allowed, safe_next
from app.web.templating import word

blueprint = Blueprint("accounts", __name__)
Answer = str | Response | tuple[str, int]

DEMO_ACCOUNTS = "kezen.demo_accounts"
"""Key of ``app.extensions``: a function that lists the demo's accounts, given by the demo alone."""

_OPEN_WHILE_RENEWING = frozenset(
    {"accounts.profile", "accounts.password", "accounts.logout", "accounts.theme", "accounts.agreement", "static"}
)


def register(app: Flask) -> None:
    """Give ``app`` its sign-in and the rule that an issued or expired password opens nothing but its change."""
    manager = LoginManager(app)
    manager.session_protection = None  # the session names its round; an address may change under a phone

    @manager.user_loader  # type: ignore[untyped-decorator]
    def _load(name: str) -> User | None:
        ident, _, round_ = name.partition(".")
        user = db.session.get(User, int(ident)) if ident.isdigit() else None
        if user is None or not user.is_active or str(user.session_round) != round_:
            return None
        return user

    app.before_request(_choose_language)
    app.before_request(_renew_password_first)
    app.register_blueprint(blueprint)


def _choose_language() -> None:
    if request.args.get("lang") in LANGUAGES:
        session["language"] = request.args["lang"]
        g.pop("language", None)


def _renew_password_first() -> Response | None:
    if (
        current_user.is_authenticated
        and request.endpoint not in _OPEN_WHILE_RENEWING
        and current_user.must_renew_password(here.now())
    ):
        return redirect(url_for("accounts.profile"), code=303)
    return None


@blueprint.get("/login")
@allowed(Permission.PUBLIC)
def login() -> Answer:
    if current_user.is_authenticated:
        return redirect("/", code=303)
    return _login_page([], "")


@blueprint.post("/login")
@allowed(Permission.PUBLIC)
def enter() -> Answer:
    form = LoginInput()
    if not form.validate():
        return _login_page(form.problems(), form.email.data or ""), 422
    user = operations.sign_in(form.email.data, form.password.data, now=here.now())
    if user is None:
        db.session.commit()  # the counted failure and its audit row stay, though the answer is a refusal
        return _login_page([Problem("email", "err.login")], form.email.data), 422
    language = session.get("language")
    session.clear()
    if language:
        session["language"] = language
        user.language = user.language or language  # mails speak it too
    session.permanent = True
    login_user(user)
    return redirect(safe_next(request.values.get("next")) or "/", code=303)


def _login_page(problems: list[Problem], email: str) -> str:
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
        audit.record("signed_out", f"user {current_user.id}", by=current_user.id, at=here.now())
    logout_user()
    return redirect(url_for("accounts.login"), code=303)


@blueprint.get("/agreement")
@allowed(Permission.PUBLIC)
def agreement() -> Answer:
    return render_template("accounts/agreement.html", version=operations.AGREEMENT_VERSION)


@blueprint.get("/profile")
@allowed(Permission.OWN_CABINET)
def profile() -> Answer:
    return _profile_page([], ContactsInput(formdata=None, obj=current_user))


@blueprint.post("/profile")
@allowed(Permission.OWN_CABINET)
def save_contacts() -> Answer:
    form = ContactsInput()
    if not form.validate():
        return _profile_page(form.problems(), form), 422
    data = {name: (value or "").strip() for name, value in form.data.items() if name != "csrf_token"}
    operations.update_contacts(queries.by_id(current_user.id), **data, now=here.now())
    session.pop("language", None)
    g.pop("language", None)
    flash(word("msg.saved"), "success")
    return redirect(url_for(".profile"), code=303)


@blueprint.post("/profile/password")
@allowed(Permission.OWN_CABINET)
def password() -> Answer:
    form = PasswordInput()
    contacts = ContactsInput(formdata=None, obj=current_user)
    if not form.validate():
        return _profile_page(form.problems(), contacts), 422
    user = queries.by_id(current_user.id)
    try:
        operations.change_password(
            user,
            current=form.current_password.data,
            new=form.new_password.data,
            repeated=form.repeat_password.data,
            now=here.now(),
        )
    except Invalid as refusal:
        db.session.rollback()
        return _profile_page(list(refusal.problems), contacts), 422
    login_user(user)
    flash(word("msg.saved"), "success")
    return redirect("/", code=303)


def _profile_page(problems: list[Problem], contacts: ContactsInput) -> str:
    user: User = current_user
    changed = user.password_changed_at
    left = (changed + PASSWORD_LIFE - here.now()) if changed else timedelta()
    must_change = user.must_renew_password(here.now())
    return render_template(
        "accounts/profile.html",
        problems=problems,
        contacts=contacts.data,
        email=user.email,
        must_change=must_change,
        reason=(word("msg.first_login") if user.must_change_password else word("password.expired"))
        if must_change
        else "",
        expires_on=changed + PASSWORD_LIFE if changed else None,
        days_left=max(0, left.days),
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
