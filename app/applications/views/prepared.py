"""What the page of an application says of its having been prepared for a client."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_login import current_user

from app.applications import entering, queries
from app.applications.models import Application
from app.web import here


def panel(application: Application) -> dict[str, Any] | None:
    """Return what the page of an application says of its having been prepared for a client, None where it was not.

    ``may_answer``: the present user confirms or declines; ``may_offer``: he offers it, to one of ``people``;
    ``may_take_back``: he takes the offer back.
    """
    draft = queries.assisted(application)
    if draft is None:
        return None
    state = draft.state_at(here.now())
    is_desk = state != "confirmed" and queries.is_at_its_desk(application, current_user, draft)
    may_offer = is_desk and state != "offered"
    people = entering.people(queries.procedure(application), application.organisation) if may_offer else []
    return {
        "draft": draft,
        "state": state,
        "person": draft.person.full_name,
        "may_answer": queries.answers_offer(application, current_user),
        "may_take_back": is_desk and state == "offered",
        "may_offer": may_offer,
        "people": [(each.id, each.full_name) for each in people],
        "chosen": request.form.get("person") or (draft.person_id if draft.person in people else ""),
        "reason": request.form.get("decline_reason", ""),
    }
