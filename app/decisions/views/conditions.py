"""The conditions of a decision: on the hub of the application, and marked as met."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, url_for
from flask_login import current_user

from app import bilingual
from app.applications import queries as applications
from app.applications.models import Application
from app.decisions import deciding, queries
from app.decisions.views.frame import Answer, blueprint, typed
from app.errors import Conflict, Invalid, NotFound
from app.permissions import Permission
from app.web import here
from app.web.access import allowed
from app.web.errors import problems_of
from app.web.templating import word


def panel(application: Application) -> dict[str, Any] | None:
    """Return the conditions that the present user may know of, for the hub of an application."""
    found = queries.conditions(application, current_user)
    if not found:
        return None
    today = queries.local_day(here.now())
    return {
        "template": "decisions/_conditions.html",
        "rows": [
            {
                "condition": row,
                "said": bilingual.passage(row.texts, here.language()),
                "state": "met" if row.met_at else "overdue" if row.due and row.due < today else "open",
                "may_meet": row.met_at is None
                and current_user.may(Permission.MEET_CONDITIONS)
                and queries.is_communicated(row.item),
            }
            for row in found
        ],
        "is_internal": not all(queries.is_communicated(row.item) for row in found),
    }


@blueprint.post("/meetings/conditions/<int:condition_id>")
@allowed(Permission.MEET_CONDITIONS)
def meet(condition_id: int) -> Answer:
    condition = queries.condition(condition_id, for_update=True)
    application = condition.item.application
    if not applications.sees(application, current_user):
        raise NotFound
    try:
        deciding.meet(condition, words=typed(f"met_words-{condition_id}"), by=current_user, now=here.now())
    except (Conflict, Invalid) as refusal:
        [problem, *_] = problems_of(refusal)
        flash(word(problem.key, **problem.params), "error")
    else:
        flash(word("meetings.done.met"), "success")
    return redirect(url_for("applications.hub", number=application.number) + "#conditions", code=303)
