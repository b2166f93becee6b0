"""«Бейінді редакциялау»: contact data and the password."""

from __future__ import annotations

from typing import Any

from flask import flash, g, redirect, render_template, session, url_for
from flask_login import current_user

from app import db
from app.accounts import authenticators, operations, passwords, policy, queries, security_sessions, sessions
from app.accounts.inputs import ContactsInput, PasswordInput
from app.accounts.models import User
from app.accounts.views.frame import Answer, blueprint, guessed_too_often, login_session, new_password
from app.audit import operations as audit
from app.errors import Conflict, Invalid, Problem
from app.permissions import Permission
from app.web import clock, here
from app.web.access import allowed
from app.web.templating import word


@blueprint.get("/profile")
@allowed(Permission.OWN_CABINET)
def profile() -> Answer:
    return _profile_page([], ContactsInput(formdata=None, obj=current_user))


@blueprint.post("/profile")
@allowed(Permission.OWN_CABINET, secured=True)
def save_contacts() -> Answer:
    form = ContactsInput()
    if not form.validate():
        return _profile_page(form.problems(), form), 422
    data = {name: (value or "").strip() for name, value in form.data.items() if name != "csrf_token"}
    try:
        operations.update_contacts(queries.by_id(current_user.id), **data, now=here.now())
    except Conflict as refusal:
        db.session.rollback()
        kept = ContactsInput(formdata=None, obj=current_user)
        return _profile_page([Problem("last_name", refusal.key, refusal.params)], kept), 409
    session.pop("language", None)
    g.pop("language", None)
    flash(word("msg.saved"), "success")
    return redirect(url_for(".profile"), code=303)


def _is_free(**_given: object) -> bool:
    """Tell whether the password is changed freely, not because nothing else may be done."""
    return not current_user.must_renew_password(here.now())


@blueprint.post("/profile/password")
@allowed(Permission.OWN_CABINET, secured=_is_free, fresh=True)
def password() -> Answer:
    form = PasswordInput()
    contacts = ContactsInput(formdata=None, obj=current_user)
    if not form.validate():
        return _profile_page(form.problems(), contacts), 422
    user = queries.by_id(current_user.id)
    try:
        passwords.change(
            user,
            current=form.current_password.data,
            new=form.new_password.data,
            repeated=form.repeat_password.data,
            now=here.now(),
            session=login_session(),
        )
    except Invalid as refusal:
        db.session.commit()  # nothing was changed, but a wrong current password stays counted
        return guessed_too_often() or (_profile_page(list(refusal.problems), contacts), 422)
    flash(word("msg.saved"), "success")
    return redirect("/", code=303)


def _profile_page(problems: list[Problem], contacts: ContactsInput) -> str:
    user: User = current_user
    ends = user.password_ends
    session_, real = login_session(), clock.unmoved()
    must_change = user.must_renew_password(here.now())
    days = policy.password_policy().days
    expired = word("password.expired", n=days) if user.password_changed_at else word("msg.first_login")
    return render_template(
        "accounts/profile.html",
        problems=problems,
        contacts=contacts.data,
        email=user.email,
        is_name_registered=operations.has_registered_name(user),
        must_change=must_change,
        reason=(word("msg.first_login") if user.must_change_password else expired) if must_change else "",
        expires_on=ends,
        days_left=max(0, (ends - here.now()).days) if ends else None,
        sessions=[] if must_change else _sessions(user),
        has_authenticator=authenticators.has(user),
        secure_until=security_sessions.ends_at(session_) if security_sessions.is_open(session_, now=real) else None,
        **new_password(),
    )


def _sessions(user: User) -> list[dict[str, Any]]:
    rows = sessions.standing_of(user, now=clock.unmoved())
    return [
        {
            "id": row.id,
            "browser": row.browser,
            "address": row.address,
            "begun_at": row.begun_at,
            "last_seen_at": row.last_seen_at,
            "by_key": row.way == "key",
            "is_this": row.id == login_session().id,
        }
        for row in rows
    ]


@blueprint.post("/profile/sessions/<int:session_id>/end")
@allowed(Permission.OWN_CABINET)
def end_session(session_id: int) -> Answer:
    sessions.end(queries.by_id(current_user.id), session_id, now=clock.unmoved())
    flash(word("sessions.ended"), "success")
    return redirect(f"{url_for('.profile')}#sessions", code=303)


@blueprint.post("/profile/sessions/end")
@allowed(Permission.OWN_CABINET)
def end_other_sessions() -> Answer:
    user = queries.by_id(current_user.id)
    sessions.end_all(user, ending="owner", now=clock.unmoved(), but=login_session().id)
    audit.record("sessions_ended", f"user {user.id}", by=user.id, at=here.now())
    flash(word("sessions.others_ended"), "success")
    return redirect(f"{url_for('.profile')}#sessions", code=303)
