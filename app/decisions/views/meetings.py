"""The calendar of meetings, a new one, and the page of one: its agenda, its attendance, its minutes."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from app import db
from app.applications import queries as applications
from app.applications.models import Application
from app.applications.views import belonging
from app.bodies.voting import Presence
from app.decisions import convening, minutes, queries, sitting
from app.decisions.inputs import by_member
from app.decisions.models import AgendaItem, Meeting, MeetingEvent, MeetingState, Office
from app.decisions.views import frame
from app.decisions.views.frame import Answer, blueprint, seen, typed
from app.errors import Conflict, Invalid, NotFound, NotPermitted, Problem
from app.permissions import Permission
from app.web import here
from app.web.access import allowed
from app.web.errors import code_of, problems_of
from app.web.giving import give
from app.web.inputs import day, whole_number


@blueprint.get("/meetings")
@allowed(Permission.VIEW_MEETINGS)
def calendar() -> Answer:
    today = queries.local_day(here.now())
    rows = [_row(meeting) for meeting in queries.calendar() if _is_shown(meeting)]
    coming = [row for row in rows if row["day"] >= today and row["state"] != MeetingState.HELD]
    waiting = queries.waiting() if current_user.may(Permission.READ_MEETINGS) else []
    return render_template(
        "decisions/calendar.html",
        coming=sorted(coming, key=lambda row: (row["day"], row["starts"])),
        past=[row for row in rows if row not in coming],
        waiting=[_application_row(each) for each in waiting],
        may_manage=current_user.may(Permission.MEETINGS),
    )


def _is_shown(meeting: Meeting) -> bool:
    """Tell whether the present user's calendar has a meeting: one that is only prepared is its readers' alone."""
    return meeting.state != MeetingState.DRAFT or queries.may_read(meeting, current_user)


def _row(meeting: Meeting) -> dict[str, Any]:
    return {
        "id": meeting.id,
        "title": queries.body(meeting.body).short_title[here.language()],
        "number": meeting.number,
        "day": meeting.day,
        "starts": meeting.starts,
        "place": meeting.place,
        "is_remote": meeting.is_remote,
        "state": meeting.state,
        "count": len(meeting.agenda),
    }


def _application_row(application: Application) -> dict[str, Any]:
    language = here.language()
    keys = queries.bodies_of(application)
    return {
        "number": application.number,
        "company": application.organisation.names[language],
        "procedure": applications.procedure(application).title[language],
        "bodies": ", ".join(queries.body(key).short_title[language] for key in keys),
        "at": application.entered_at,
    }


@blueprint.get("/meetings/new")
@allowed(Permission.MEETINGS)
def new() -> Answer:
    return _new_page([])


def _new_page(problems: list[Problem]) -> str:
    language = here.language()
    number = request.values.get("application", "")
    application = _named(number) if number else None
    keys = queries.bodies_of(application) if application else tuple(each.key for each in queries.bodies())
    return render_template(
        "decisions/new.html",
        bodies=[(key, queries.body(key).title[language]) for key in keys],
        application=application,
        typed=request.form,
        problems=problems,
    )


@blueprint.post("/meetings/new")
@allowed(Permission.MEETINGS)
def create() -> Answer:
    try:
        meeting = convening.create(
            typed("body"),
            day=day(typed("day")),
            starts=typed("starts"),
            place=typed("place"),
            is_remote="is_remote" in request.form,
            paper_reason=typed("paper_reason"),
            on_day_off=convening.DAY_OFF in request.form,
            by=current_user,
            now=here.now(),
        )
        if typed("application"):
            application = _named(typed("application"))
            convening.put_on(meeting, application, seen=meeting.version, by=current_user, now=here.now())
    except (Conflict, Invalid) as refusal:
        db.session.rollback()
        return _new_page(problems_of(refusal)), code_of(refusal)
    return redirect(url_for(".page", meeting_id=meeting.id), code=303)


def _named(number: str) -> Application:
    return applications.by_number(number, user=current_user)


@blueprint.get("/meetings/<int:meeting_id>")
@allowed(Permission.VIEW_MEETINGS)
def page(meeting_id: int) -> Answer:
    meeting = queries.meeting(meeting_id)
    if not _is_shown(meeting):
        raise NotFound
    return _page(meeting, [])


def _page(meeting: Meeting, problems: list[Problem]) -> str:
    head = frame.head(meeting)
    may_read = head["may_read"]
    order = meeting.agenda
    minutes_closed = _minutes_closed(meeting)
    sees_agenda = may_read or current_user.may(Permission.PROCESS)
    return render_template(
        "decisions/meeting.html",
        **head,
        agenda=[_item_row(item) for item in order] if sees_agenda else [],
        sees_agenda=sees_agenda,
        members=[
            {"member": member, "presence": _presence(meeting, member.id)}
            for member in queries.voters(meeting)
            if may_read
        ],
        presences=[str(each) for each in Presence],
        secretary=queries.holder(meeting, Office.SECRETARY),
        tally=queries.tally_of_meeting(meeting) if may_read else None,
        candidates=_candidates(meeting) if head["may_manage"] else [],
        left=[item for item in meeting.items if item not in order] if may_read else [],
        begun=meeting.has_begun,
        versions=list(reversed(meeting.minutes)) if minutes_closed is None else [],
        minutes_closed=minutes_closed if meeting.minutes else None,
        may_correct=current_user.may(Permission.MEETINGS) and meeting.state == MeetingState.HELD,
        events=_events(meeting) if may_read else [],
        outcomes=_outcomes(meeting),
        problems=problems,
    )


def _minutes_closed(meeting: Meeting) -> str | None:
    """Return the key of why the present user does not read the minutes, None if he does."""
    try:
        queries.require_minutes(meeting, current_user)
    except NotPermitted as refusal:
        return refusal.key
    return None


def _events(meeting: Meeting) -> list[MeetingEvent]:
    """Return what has happened, newest first; not what was said of items in which the reader has a conflict."""
    closed = {item.id for item in meeting.items if not queries.may_read_item(item, current_user)}
    return [row for row in reversed(meeting.events) if row.item_id not in closed]


def _outcomes(meeting: Meeting) -> dict[str, str]:
    """Return the words of all outcomes that may be decided on the items of a meeting."""
    language = here.language()
    found: dict[str, str] = {}
    for item in meeting.items:
        found |= {key: said.words[language] for key, said in sitting.outcomes(item.application).items()}
    return found


def _presence(meeting: Meeting, member_id: int) -> str:
    sent = request.form.get(f"presence-{member_id}")
    recorded = next((row.presence for row in meeting.attendance if row.member_id == member_id), "")
    return sent or recorded


def _candidates(meeting: Meeting) -> list[tuple[str, str]]:
    """Return what may be put on the agenda, as options."""
    rows = (_application_row(each) for each in queries.waiting(meeting.body))
    return [(row["number"], f"{row['number']} · {row['company']} · {row['procedure']}") for row in rows]


def _item_row(item: AgendaItem) -> dict[str, Any]:
    words = sitting.outcomes(item.application)
    outcome = words[item.outcome].words[here.language()] if item.outcome in words else ""
    may_open = queries.may_read_item(item, current_user)
    return _application_row(item.application) | {
        "id": item.id,
        "state": item.state,
        "state_key": f"st.item_{item.state}",
        "outcome": outcome if may_open else "",
        "may_open": may_open,
    }


@blueprint.post("/meetings/<int:meeting_id>")
@allowed(Permission.MEETINGS)
def act(meeting_id: int) -> Answer:
    meeting = queries.meeting(meeting_id, for_update=True)
    by, now = current_user, here.now()

    def appoint() -> str:
        convening.appoint(meeting, seen=seen(), by=by, now=now)
        return "meetings.done.appointed"

    def put_on() -> str:
        if not typed("application"):
            raise Invalid.at("application", "err.required")
        application = applications.by_number(typed("application"), user=by, for_update=True)
        convening.put_on(meeting, application, seen=seen(), by=by, now=now)
        return "meetings.done.put_on"

    def change() -> str:
        convening.postpone(
            meeting,
            day=day(typed("day")),
            starts=typed("starts"),
            place=typed("place"),
            is_remote="is_remote" in request.form,
            reason=typed("reason"),
            on_day_off=convening.DAY_OFF in request.form,
            seen=seen(),
            by=by,
            now=now,
        )
        return "meetings.done.changed"

    def discard() -> str:
        convening.discard(meeting, seen=seen(), by=by, now=now)
        return "meetings.done.discarded"

    def shift() -> str:
        name = "up" if typed("up") else "down"
        item = queries.item(meeting, whole_number(typed(name)) or 0)
        convening.shift(item, -1 if name == "up" else 1, seen=seen(), by=by, now=now)
        return "msg.saved"

    def attend() -> str:
        sitting.record_attendance(meeting, by_member(request.form, "presence"), seen=seen(), by=by, now=now)
        return "msg.saved"

    def close() -> str:
        minutes.close(meeting, seen=seen(), by=by, now=now)
        return "meetings.done.closed"

    def correct() -> str:
        minutes.correct(meeting, reason=typed("reason"), text=typed("text"), seen=seen(), by=by, now=now)
        return "meetings.done.corrected"

    def after() -> Response:
        if typed("act") == "discard":
            return redirect(url_for(".calendar"), code=303)
        return redirect(url_for(".page", meeting_id=meeting_id), code=303)

    verbs = {each.__name__: each for each in (appoint, put_on, change, shift, attend, close, correct, discard)}
    return frame.acted(verbs, lambda problems: _page(queries.meeting(meeting_id), problems), after)


@blueprint.get("/meetings/<int:meeting_id>/minutes/<int:version>")
@allowed(Permission.READ_MINUTES, Permission.VIEW_MEETINGS)
def minutes_file(meeting_id: int, version: int) -> Response:
    meeting = queries.meeting(meeting_id)
    queries.require_minutes(meeting, current_user)
    row = minutes.version(meeting, version)
    content = here.storage().get(row.sha256)
    return give(content, minutes.name(meeting, row), "application/pdf", inline="inline" in request.args)


# From the pages of an application


def door(application: Application, stage: str) -> str | None:
    """Return where the meeting of an application, or its decision, is recorded instead of on the stage's own page."""
    procedure = applications.procedure(application)
    way = queries.road(procedure)
    if way is None or not current_user.may(Permission.MEETINGS):
        return None
    if (application.process, stage) not in {
        (way.appoint.source, way.appoint.stage),
        (way.decide.source, way.decide.stage),
    }:
        return None
    item = queries.live_item(application)
    if item is not None:
        return url_for("decisions.item_page", meeting_id=item.meeting_id, item_id=item.id)
    return url_for("decisions.of_application", number=application.number)


@blueprint.get("/meetings/of/<number>")
@allowed(Permission.MEETINGS)
def of_application(number: str) -> Answer:
    """Show on which agenda an application may be put."""
    application = _named(number)
    keys = queries.bodies_of(application)
    found = [each for each in queries.calendar() if each.body in keys and each.state != MeetingState.HELD]
    today = queries.local_day(here.now())
    return render_template(
        "decisions/of.html",
        application=application,
        row=_application_row(application),
        item=queries.live_item(application),
        is_waiting=queries.waits(application),
        belonging=belonging.panel(application),
        meetings=[
            _row(each) | {"version": each.version, "state_key": f"st.meeting_{each.state}"}
            for each in sorted(found, key=lambda each: each.day)
            if each.day >= today or each.paper_reason
        ],
        is_appointed=bool(application.meeting_at),
        problems=[],
    )
