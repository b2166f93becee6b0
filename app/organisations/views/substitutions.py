"""Who acts for whom at the Exchange."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_login import current_user

from app import db
from app.accounts import queries as people
from app.errors import Invalid, NotPermitted, Problem
from app.organisations import substituting
from app.organisations.views.frame import Answer, blueprint
from app.permissions import Permission
from app.web import here
from app.web.access import allowed
from app.web.inputs import day, whole_number
from app.web.templating import ZONE, word


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
