"""The part «Менің әрекеттерім» of the profile: one's own rows of the audit log, in words."""

from __future__ import annotations

from flask import Blueprint, Flask, render_template
from flask_login import current_user

from app import catalogue
from app.audit import queries
from app.audit.models import AuditEntry
from app.permissions import Permission
from app.terms import terms
from app.web import here, paging
from app.web.access import allowed
from app.web.templating import word

blueprint = Blueprint("audit", __name__)

PAGE = 50
WARNINGS = frozenset(
    {
        "sign_in_failed",
        "sign_in_locked",
        "sign_in_blocked",
        "recovery_refused",
        "code_refused",
        "account_locked",
        "address_blocked",
        "address_bounced",
    }
)
"""What its owner should look at twice."""


def register(app: Flask) -> None:
    """Give ``app`` the page of one's own acts."""
    app.register_blueprint(blueprint)


@blueprint.get("/profile/activity")
@allowed(Permission.OWN_CABINET)
def activity() -> str:
    user_id = current_user.id
    page = paging.asked_for(".activity", queries.count_own(user_id), size=PAGE)
    entries = queries.own(user_id, limit=page.size, offset=page.start)
    return render_template("audit/activity.html", rows=[_row(entry) for entry in entries], page=page)


def _row(entry: AuditEntry) -> dict[str, object]:
    """Return a row in words: the act, and the application it was about, which is a way there and no promise."""
    kind, name, *_ = [*entry.subject.split(), ""]
    number = name if kind in ("application", "answers") else str(entry.details.get("application") or "")
    return {
        "id": entry.id,
        "act": entry.act,
        "text": act_words(entry.act),
        "at": entry.at,
        "address": entry.address,
        "number": number,
        "is_warning": entry.act in WARNINGS,
    }


def act_words(act: str) -> str:
    """Return what an act is called in the language of the page.

    An act of the code has a term; one that a procedure names is called as the procedure calls it.
    """
    of_meetings = f"meetings.act.{act.removeprefix('meeting_')}" if act.startswith("meeting_") else ""
    for key in (f"activity.{act}", f"history.{act}", of_meetings):
        if key in terms():
            return word(key)
    language = here.language()
    for procedure in catalogue.present().procedures.newest():
        for transition in procedure.transitions:
            if transition.trigger == act:
                return transition.title[language] if transition.title else word(str(transition.key))
    return word("activity.other")
