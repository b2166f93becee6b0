"""The deciding bodies: their rules, and who sits in them."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_login import current_user

from app import db
from app.accounts import queries as people
from app.decisions import membership, queries
from app.decisions.models import Office
from app.decisions.views.frame import Answer, blueprint, typed
from app.errors import Conflict, Invalid, NotFound, Problem
from app.permissions import EXCHANGE_ROLES, Permission
from app.web import here
from app.web.access import allowed
from app.web.errors import code_of, problems_of
from app.web.inputs import day, whole_number
from app.web.templating import word


@blueprint.get("/meetings/bodies")
@allowed(Permission.VIEW_MEETINGS)
def bodies_page() -> Answer:
    return _page([])


def _page(problems: list[Problem]) -> str:
    today = queries.local_day(here.now())
    return render_template(
        "decisions/bodies.html",
        bodies=[
            {
                "body": body,
                "rule": body.rule(today),
                "members": [row for row in queries.members(body.key) if row.until is None or row.until > today],
                "former": [row for row in queries.members(body.key) if row.until is not None and row.until <= today],
            }
            for body in queries.bodies()
        ],
        body_options=[(body.key, body.short_title[here.language()]) for body in queries.bodies()],
        offices=[str(office) for office in Office],
        staff=[(user.id, user.full_name) for user in people.holders(*sorted(EXCHANGE_ROLES))],
        may_manage=current_user.may(Permission.MEETINGS),
        today=today.isoformat(),
        typed=request.form,
        problems=problems,
    )


@blueprint.post("/meetings/bodies")
@allowed(Permission.MEETINGS)
def change_members() -> Answer:
    act, now = typed("act"), here.now()
    try:
        if act == "add":
            if typed("body") not in {body.key for body in queries.bodies()}:
                raise Invalid.at("body", "err.required")
            membership.add_member(
                typed("body"),
                user_id=whole_number(typed("user")),
                name=typed("name"),
                position=typed("position"),
                office=typed("office"),
                since=day(typed("since")),
                by=current_user,
                now=now,
            )
        elif act == "end":
            member = whole_number(typed("member")) or 0
            membership.end_membership(member, until=day(typed(f"until-{member}")), by=current_user, now=now)
        else:
            raise NotFound
    except (Conflict, Invalid) as refusal:
        db.session.rollback()
        return _page(problems_of(refusal)), code_of(refusal)
    flash(word("msg.saved"), "success")
    return redirect(url_for(".bodies_page"), code=303)
