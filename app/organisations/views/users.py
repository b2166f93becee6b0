"""The tab «Пайдаланушылар»: who works for the organisation, and what its administrators do with them."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_login import current_user

from app import db
from app.accounts import account_questions
from app.accounts import queries as accounts
from app.errors import Conflict, Invalid, Problem
from app.organisations import inviting, operations, queries, staffing
from app.organisations.inputs import PersonInput, UserInput
from app.organisations.models import Invitation, Membership
from app.organisations.views.frame import Answer, blueprint, own, person_row, site
from app.permissions import Permission
from app.web import here
from app.web.access import allowed
from app.web.errors import code_of, problems_of
from app.web.inputs import whole_number
from app.web.templating import word

TELL_OF_ACCOUNTS = frozenset({"user.err.exists", "place.err.exchange", "place.err.invited"})
"""The refusals from which who adds a user learns that an address has an account."""


@blueprint.get("/users")
@allowed(Permission.VIEW_ORGANISATION)
def users() -> Answer:
    may_add = current_user.may(Permission.MANAGE_USERS)
    members = queries.people(own())
    blocked = accounts.blocked(member.user_id for member in members)
    return render_template(
        "organisations/users.html",
        people=[
            _person(member) | ({"status": "st.blocked"} if member.user_id in blocked else {}) for member in members
        ],
        off=[_person(member) for member in queries.switched_off(own())] if may_add else [],
        invited=inviting.waiting_at(own()) if may_add else [],
        may_add=may_add,
    )


def _person(member: Membership) -> dict[str, Any]:
    head = member.stands_for(here.now())
    return person_row(member) | {
        "acting_for": head.name if head else "",
        "is_you": member.user_id == current_user.id,
    }


@blueprint.get("/users/new")
@allowed(Permission.MANAGE_USERS)
def new_user() -> Answer:
    return render_template("organisations/user_new.html", typed={}, problems=[])


@blueprint.post("/users/new")
@allowed(Permission.MANAGE_USERS, secured=True)
def add_user() -> Answer:
    form = UserInput()
    problems = [] if form.validate() else form.problems()
    data = {name: value for name, value in form.data.items() if name != "csrf_token"}
    if not problems:
        cleaned: dict[str, Any] = {
            name: value.strip() if isinstance(value, str) else value for name, value in data.items()
        }
        try:
            account_questions.require_room(current_user, now=here.now())
            found = operations.add_user(own(), by=current_user, **cleaned, site=site(), now=here.now())
        except Conflict as refusal:
            db.session.rollback()
            if refusal.key in TELL_OF_ACCOUNTS:
                account_questions.note(current_user, now=here.now())
                db.session.commit()
            problems = [Problem("email", refusal.key, refusal.params)]
        else:
            if isinstance(found, Invitation):
                account_questions.note(current_user, now=here.now())
                flash(word("place.asked", name=found.name, email=found.user.email), "success")
            else:
                flash(word("user.added", name=found.name, email=found.email), "success")
            return redirect(url_for(".users"), code=303)
    return render_template("organisations/user_new.html", typed=data, problems=problems), 422


@blueprint.post("/users/invitations/<int:invitation_id>/withdraw")
@allowed(Permission.MANAGE_USERS, secured=True)
def withdraw_invitation(invitation_id: int) -> Answer:
    row = inviting.withdraw(own(), invitation_id, by=current_user, now=here.now())
    flash(word("place.withdrawn", name=row.name), "success")
    return redirect(url_for(".users"), code=303)


@blueprint.get("/users/<int:user_id>")
@allowed(Permission.MANAGE_USERS)
def edit_user(user_id: int) -> Answer:
    return _edit_page(staffing.of(own(), user_id), {}, [])


def _edit_page(member: Membership, typed: dict[str, Any], problems: list[Problem]) -> str:
    kept = {key: getattr(member.user, key) for key in staffing.EDITABLE} | {"position": member.works_as}
    return render_template(
        "organisations/user.html",
        person=_person(member),
        typed=typed or kept,
        is_on=staffing.is_on(member),
        is_admin=member.is_admin,
        has_password=bool(member.user.password_hash),
        is_shared=staffing.works_elsewhere(member),
        places=staffing.executor_places(member) if staffing.is_on(member) else [],
        successors=[(user.id, user.name) for user in staffing.successors(member)],
        successor=request.form.get("successor", ""),
        problems=problems,
    )


@blueprint.post("/users/<int:user_id>")
@allowed(Permission.MANAGE_USERS, secured=True)
def save_user(user_id: int) -> Answer:
    member, form = staffing.of(own(), user_id), PersonInput()
    data = {key: (getattr(form, key).data or "").strip() for key in staffing.EDITABLE}
    if not form.validate():
        return _edit_page(member, data, form.problems()), 422
    try:
        staffing.edit(member, data, by=current_user, now=here.now())
    except Conflict as refusal:
        return _refused(user_id, refusal)
    flash(word("msg.saved"), "success")
    return redirect(url_for(".users"), code=303)


def _refused(user_id: int, refusal: Conflict | Invalid) -> Answer:
    db.session.rollback()
    page = _edit_page(staffing.of(own(), user_id), {}, problems_of(refusal))
    return page, code_of(refusal)


@blueprint.post("/users/<int:user_id>/rights")
@allowed(Permission.MANAGE_USERS, secured=True)
def set_rights(user_id: int) -> Answer:
    member, is_admin = staffing.of(own(), user_id), request.form.get("is_admin") == "yes"
    try:
        staffing.set_administrator(member, is_admin=is_admin, by=current_user, now=here.now())
    except Conflict as refusal:
        return _refused(user_id, refusal)
    flash(word("user.admin_given" if is_admin else "user.admin_withdrawn", name=member.user.name), "success")
    return redirect(url_for(".users"), code=303)


@blueprint.post("/users/<int:user_id>/off")
@allowed(Permission.MANAGE_USERS, secured=True)
def switch_off(user_id: int) -> Answer:
    member = staffing.of(own(), user_id)
    try:
        staffing.switch_off(
            member,
            successor_id=whole_number(request.form.get("successor")),
            despite=request.form.get("despite") == "yes",
            by=current_user,
            now=here.now(),
        )
    except (Conflict, Invalid) as refusal:
        return _refused(user_id, refusal)
    flash(word("user.switched_off", name=member.user.name), "success")
    return redirect(url_for(".users"), code=303)


@blueprint.post("/users/<int:user_id>/on")
@allowed(Permission.MANAGE_USERS, secured=True)
def switch_on(user_id: int) -> Answer:
    member = staffing.of(own(), user_id)
    try:
        asked = staffing.switch_on(member, by=current_user, site=site(), now=here.now())
    except Conflict as refusal:
        return _refused(user_id, refusal)
    if asked is not None:
        flash(word("place.asked", name=asked.name, email=asked.user.email), "success")
    else:
        flash(word("user.switched_on", name=member.user.name), "success")
    return redirect(url_for(".users"), code=303)
