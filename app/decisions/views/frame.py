"""What every page of a meeting shows, and how its acts are answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, flash, request
from flask_login import current_user
from werkzeug.wrappers import Response

from app import db
from app.decisions import queries
from app.decisions.models import AgendaItem, Meeting, MeetingState
from app.errors import Conflict, Invalid, NotFound, NotPermitted, Problem
from app.permissions import Permission
from app.web import here
from app.web.errors import code_of, problems_of
from app.web.inputs import whole_number
from app.web.templating import date_text, word

blueprint = Blueprint("decisions", __name__)
Answer = str | Response | tuple[str, int]


def seen() -> int:
    """Return the version of the meeting that was on the screen."""
    return whole_number(request.form.get("seen")) or 0


def typed(name: str) -> str:
    """Return what was typed into a box, "" for nothing."""
    return request.form.get(name, "")


def require_reader(meeting: Meeting) -> None:
    """Refuse somebody who may know that there is a meeting, and no more.

    Raises:
        NotPermitted: it is one.
    """
    if not queries.may_read(meeting, current_user):
        raise NotPermitted


def require_papers(meeting: Meeting) -> None:
    """Refuse the archive in which a reader would find nothing.

    Raises:
        NotFound: nothing is on the agenda.
        NotPermitted: he has a conflict of interest in every item of it.
    """
    if not meeting.agenda:
        raise NotFound("meetings.err.packet_empty")
    if not any(queries.may_read_item(item, current_user) for item in meeting.agenda):
        raise NotPermitted("meetings.err.packet_conflict")


def title(meeting: Meeting) -> str:
    """Return what a meeting is called: its body, its number once it has one, its day."""
    number = f" № {meeting.number}" if meeting.number else ""
    return f"{queries.body(meeting.body).short_title[here.language()]}{number}, {date_text(meeting.day)}"


def head(meeting: Meeting) -> dict[str, Any]:
    """Return what the head of every page of a meeting needs."""
    return {
        "meeting": meeting,
        "body": queries.body(meeting.body),
        "meeting_title": title(meeting),
        "state_key": f"st.meeting_{meeting.state}",
        "may_manage": current_user.may(Permission.MEETINGS) and meeting.state != MeetingState.HELD,
        "may_read": queries.may_read(meeting, current_user),
        "has_come": queries.local_day(here.now()) >= meeting.day,
        "typed": request.form,
    }


def acted(
    verbs: Mapping[str, Callable[[], str]], again: Callable[[list[Problem]], str], after: Callable[[], Response]
) -> Answer:
    """Do what the pressed button says; a refusal is the same page with its faults, 422 or 409.

    ``verbs`` maps the button's value to a verb that returns the key of what is said when it is done.
    """
    verb = verbs.get(typed("act"))
    if verb is None:
        raise NotFound
    try:
        said = verb()
    except (Conflict, Invalid) as refusal:
        db.session.rollback()
        return again(problems_of(refusal)), code_of(refusal)
    flash(word(said), "success")
    return after()


def item_of(meeting: Meeting, item_id: int) -> AgendaItem:
    """Return an item of a meeting that is read by the present user; to others it is not found."""
    found = queries.item(meeting, item_id)
    if not queries.may_read_item(found, current_user):
        raise NotPermitted("meetings.err.conflicted" if queries.may_read(meeting, current_user) else "err.forbidden")
    return found
