"""The first head: who he is, who acts for him, his key, and the request for another one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_login import current_user

from app import db
from app.accounts.models import User
from app.accounts.views.frame import login_session
from app.errors import Conflict, Invalid, NotFound, Problem
from app.organisations import acting, asked, heads, queries
from app.organisations.models import Organisation
from app.organisations.views import access as doors
from app.organisations.views.frame import Answer, blueprint, order, own, site
from app.organisations.views.orgs import acting_row, give_order
from app.permissions import Permission
from app.web import here
from app.web.access import allowed
from app.web.errors import code_of, problems_of
from app.web.inputs import YEARS, whole_number
from app.web.templating import ZONE, word


@blueprint.get("/users/head")
@allowed(Permission.VIEW_ORGANISATION)
def head() -> Answer:
    return _page([])


def _page(problems: list[Problem]) -> str:
    organisation = own()
    member = queries.first_head_of(organisation)
    user = member.user if member is not None else None
    waiting = heads.waiting(organisation)
    return render_template(
        "organisations/head.html",
        head=user,
        member=member,
        is_you=user is not None and user.id == current_user.id,
        actings=[acting_row(row) for row in queries.actings(organisation)],
        candidates=[
            (each.id, f"{each.name}, {_position(each, organisation)}".strip(", "))
            for each in acting.candidates(organisation, current_user)
        ],
        may_appoint=acting.may_appoint(organisation, current_user) and user is not None,
        may_ask=heads.may_ask(organisation, current_user) and waiting is None,
        waiting=waiting,
        may_withdraw=heads.may_ask(organisation, current_user),
        requests=[row for row in queries.requests_of(organisation) if row.purpose == "head"],
        typed=request.form,
        problems=problems,
    )


def _position(user: User, organisation: Organisation) -> str:
    member = user.member_of(organisation.id)
    return member.works_as if member is not None else ""


def _moment(name: str) -> datetime | None:
    """Return the moment of a date and an hour as typed, in Kazakhstan's time; None where they are none."""
    text = " ".join(request.form.get(name, "").replace("T", " ").split())
    for pattern in ("%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M"):
        try:
            found = datetime.strptime(text, pattern)  # noqa: DTZ007 - its zone is put on below
        except ValueError:
            continue
        return found.replace(tzinfo=ZONE) if found.year in YEARS else None
    return None


@blueprint.post("/users/head/acting")
@allowed(Permission.VIEW_ORGANISATION, secured=True)
def appoint_acting() -> Answer:
    form = request.form
    try:
        with order("file") as file:
            acting.appoint(
                own(),
                user_id=whole_number(form.get("user")),
                iin=form.get("iin", "").strip(),
                starts_at=_moment("starts"),
                ends_at=_moment("ends"),
                basis=form.get("basis", ""),
                file_name=file.name,
                sha256=file.sha256,
                by=current_user,
                now=here.now(),
            )
            file.keep()
    except (Conflict, Invalid) as refusal:
        return _refused(refusal)
    flash(word("acting.done"), "success")
    return redirect(url_for(".head"), code=303)


def _refused(refusal: Conflict | Invalid) -> Answer:
    db.session.rollback()
    return _page(problems_of(refusal)), code_of(refusal)


@blueprint.post("/users/head/acting/<int:acting_id>/end")
@allowed(Permission.VIEW_ORGANISATION, secured=True)
def end_acting(acting_id: int) -> Answer:
    try:
        acting.end(own(), acting_id, session=login_session().id, by=current_user, now=here.now())
    except (Conflict, Invalid) as refusal:
        return _refused(refusal)
    flash(word("acting.ended"), "success")
    return redirect(url_for(".head"), code=303)


@blueprint.get("/users/head/acting/<int:acting_id>/file")
@allowed(Permission.VIEW_ORGANISATION)
def acting_file(acting_id: int) -> Answer:
    return give_order(own(), acting_id)


@blueprint.post("/users/head/change")
@allowed(Permission.VIEW_ORGANISATION, secured=True)
def ask_head() -> Answer:
    form = request.form
    person: dict[str, Any] = asked.person(form.to_dict(), "head", is_head=True)
    try:
        with order("change_file") as file:
            heads.ask(
                own(),
                person,
                basis=form.get("change_basis", ""),
                file_name=file.name,
                sha256=file.sha256,
                by=current_user,
                site=site(),
                now=here.now(),
            )
            file.keep()
    except (Conflict, Invalid) as refusal:
        db.session.rollback()
        names = {"basis": "change_basis", "file": "change_file"}
        found = [Problem(names.get(each.path, each.path), each.key, each.params) for each in problems_of(refusal)]
        return _page(found), code_of(refusal)
    flash(word("head.asked"), "success")
    return redirect(url_for(".head"), code=303)


@blueprint.post("/users/head/change/<int:request_id>/withdraw")
@allowed(Permission.VIEW_ORGANISATION, secured=True)
def withdraw_head(request_id: int) -> Answer:
    try:
        heads.withdraw(own(), request_id, by=current_user, site=site(), now=here.now())
    except Conflict as refusal:
        return _refused(refusal)
    flash(word("head.withdrawn"), "success")
    return redirect(url_for(".head"), code=303)


@blueprint.get("/users/head/challenge")
@allowed(Permission.APPROVE)
def key_challenge() -> Answer:
    return doors.give_challenge()


@blueprint.post("/users/head/key")
@allowed(Permission.APPROVE, secured=True)
def test_key() -> Answer:
    """Take the first head's test signature: from now on he may sign."""
    organisation, user = own(), current_user
    if user.membership is None or not user.membership.is_first_head:
        raise NotFound
    tested, problems = doors.judged(bin=organisation.bin, iin=user.iin)
    if tested is None:
        return _page(problems), 422
    try:
        member = queries.first_head_of(own())
        if member is None or member.user_id != user.id:
            raise NotFound
        heads.confirm_own_key(member, tested, now=here.now())
    except (Conflict, Invalid) as refusal:
        return _refused(refusal)
    flash(word("key.confirmed"), "success")
    return redirect(url_for(".head"), code=303)
