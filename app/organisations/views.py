"""The tabs «Пайдаланушылар» and «Әріптестік»."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from app import db
from app.accounts import queries as people
from app.accounts.models import User
from app.errors import AppError, Conflict, Invalid, NotFound, NotPermitted, Problem
from app.organisations import operations, queries, substituting
from app.organisations.inputs import UserInput
from app.organisations.models import PARTNER_KINDS, Membership, Organisation
from app.permissions import Permission
from app.web import here
from app.web.access import allowed
from app.web.inputs import day, whole_number
from app.web.templating import ZONE, word

blueprint = Blueprint("organisations", __name__)
Answer = str | Response | tuple[str, int]


def register(app: Flask) -> None:
    """Give ``app`` the screens of organisations."""
    app.register_blueprint(blueprint)


def _own() -> Organisation:
    user: User = current_user
    if user.organisation is None:
        raise NotFound
    return user.organisation


@blueprint.get("/users")
@allowed(Permission.VIEW_ORGANISATION)
def users() -> Answer:
    return render_template(
        "organisations/users.html",
        people=[_person(member) for member in queries.people(_own())],
        may_add=current_user.may(Permission.MANAGE_USERS),
    )


def _person(member: Membership) -> dict[str, Any]:
    flags = {"role.org_admin": member.is_admin, "role.first_head": member.is_first_head}
    return {
        "name": member.user.full_name,
        "position": member.user.position,
        "email": member.user.email,
        "phone": member.user.phone,
        "roles": [key for key, has in flags.items() if has],
        "last_sign_in": member.user.last_sign_in,
        "status": "st.active",
        "is_you": member.user_id == current_user.id,
    }


@blueprint.get("/users/new")
@allowed(Permission.MANAGE_USERS)
def new_user() -> Answer:
    return render_template("organisations/user_new.html", typed={}, problems=[])


@blueprint.post("/users/new")
@allowed(Permission.MANAGE_USERS)
def add_user() -> Answer:
    form = UserInput()
    problems = [] if form.validate() else form.problems()
    data = {name: value for name, value in form.data.items() if name != "csrf_token"}
    if not problems:
        cleaned: dict[str, Any] = {
            name: value.strip() if isinstance(value, str) else value for name, value in data.items()
        }
        try:
            user = operations.add_user(_own(), by=current_user, **cleaned, now=here.now())
        except Conflict as refusal:
            db.session.rollback()
            problems = [Problem("email", refusal.key, refusal.params)]
        else:
            flash(word("user.added", name=user.name, email=user.email), "success")
            return redirect(url_for(".users"), code=303)
    return render_template("organisations/user_new.html", typed=data, problems=problems), 422


@blueprint.get("/partnership")
@allowed(Permission.VIEW_ORGANISATION)
def partnership() -> Answer:
    own = _own()
    language = here.language()
    standing = queries.partnerships(own)
    adders = people.by_ids(item.added_by_id for item in standing)
    partners = [
        {
            "id": item.id,
            "kind": item.partner.kind,
            "code": item.partner.code,
            "name": item.partner.names[language],
            "bin": item.partner.bin,
            "added_at": item.added_at,
            "added_by": adders[item.added_by_id].name,
            "removal_requested_at": item.removal_requested_at,
        }
        for item in standing
    ]
    is_partner = own.kind in PARTNER_KINDS
    return render_template(
        "organisations/partnership.html",
        groups=[]
        if is_partner
        else [
            {"key": f"role.{kind}", "partners": [item for item in partners if item["kind"] == kind]}
            for kind in PARTNER_KINDS
        ],
        clients=[
            {"code": item.issuer.code, "name": item.issuer.names[language], "since": item.added_at}
            for item in queries.partnerships_with(own)
        ]
        if is_partner
        else [],
        may_add=current_user.may(Permission.MANAGE_PARTNERS) and not is_partner,
    )


@blueprint.get("/partnership/new")
@allowed(Permission.MANAGE_PARTNERS)
def new_partner() -> Answer:
    return _new_partner_page([])


def _new_partner_page(problems: list[Problem]) -> str:
    language = here.language()
    found = queries.possible_partners(_own())
    return render_template(
        "organisations/partner_new.html",
        groups=[
            {
                "key": f"role.{kind}",
                "options": [(item.id, f"{item.code} – {item.names[language]}") for item in found if item.kind == kind],
            }
            for kind in PARTNER_KINDS
        ],
        chosen=request.form.get("partner_id", ""),
        problems=problems,
    )


@blueprint.post("/partnership/new")
@allowed(Permission.MANAGE_PARTNERS)
def add_partner() -> Answer:
    chosen = request.form.get("partner_id", "")
    try:
        added = operations.add_partner(_own(), whole_number(chosen), by=current_user, now=here.now())
    except Invalid as refusal:
        db.session.rollback()
        return _new_partner_page(list(refusal.problems)), 422
    flash(word("partner.added", company=added.partner.names[here.language()]), "success")
    return redirect(url_for(".partnership"), code=303)


@blueprint.post("/partnership/<int:partnership_id>/removal")
@allowed(Permission.MANAGE_PARTNERS)
def request_removal(partnership_id: int) -> Answer:
    try:
        operations.request_removal(_own(), partnership_id, by=current_user, now=here.now())
    except Conflict as refusal:
        db.session.rollback()
        flash(_words(refusal), "info")
    else:
        flash(word("partner.removal_requested"), "success")
    return redirect(url_for(".partnership"), code=303)


def _words(refusal: AppError) -> str:
    return word(refusal.key, **refusal.params)


# Substitutes


@blueprint.get("/substitutions")
@allowed(Permission.PROCESS)
def substitutions() -> Answer:
    return _substitutions_page([])


def _substitutions_page(problems: list[Problem]) -> str:
    now = here.now()
    absentees = substituting.absentees(current_user)
    rows = people.substitutions(now=now, people=absentees)
    mates = {mate.id: mate for user in absentees for mate in people.possible_substitutes(user)}
    return render_template(
        "organisations/substitutions.html",
        problems=problems,
        typed=request.form,
        absentees=[(user.id, user.name) for user in absentees],
        substitutes=sorted(((user.id, user.name) for user in mates.values()), key=lambda pair: pair[1]),
        today=now.astimezone(ZONE).date().isoformat(),
        rows=[
            {
                "id": row.id,
                "user": row.user.name,
                "substitute": row.substitute.name,
                "first": row.starts_at,
                "last": substituting.last_day(row),
                "basis": row.basis,
                "by": row.by.name,
                "status": "st.active" if row.holds_at(now) else "substitute.to_come",
                "may_end": substituting.may_appoint(row.user, current_user),
            }
            for row in rows
        ],
    )


@blueprint.post("/substitutions")
@allowed(Permission.PROCESS)
def appoint_substitute() -> Answer:
    form = request.form
    absentees = {user.id: user for user in substituting.absentees(current_user)}
    chosen = whole_number(form.get("user")) or current_user.id
    user = absentees.get(chosen)
    if user is None:
        raise NotPermitted
    try:
        substituting.appoint(
            people.by_id(user.id),
            substitute_id=whole_number(form.get("substitute")),
            first_day=day(form.get("first_day")),
            last_day=day(form.get("last_day")),
            basis=form.get("basis", ""),
            by=current_user,
            now=here.now(),
        )
    except Invalid as refusal:
        db.session.rollback()
        return _substitutions_page(list(refusal.problems)), 422
    flash(word("substitute.done"), "success")
    return redirect(url_for(".substitutions"), code=303)


@blueprint.post("/substitutions/<int:substitution_id>/end")
@allowed(Permission.PROCESS)
def end_substitution(substitution_id: int) -> Answer:
    substituting.end(substitution_id, by=current_user, now=here.now())
    flash(word("substitute.ended"), "success")
    return redirect(url_for(".substitutions"), code=303)
