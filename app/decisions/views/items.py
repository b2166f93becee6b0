"""The page of one item of an agenda: conflicts of interest, the vote, conditions, the decision."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from app import bilingual
from app.applications import queries as applications
from app.applications.drawing import Drawing, form_sheet
from app.applications.views import belonging
from app.bodies.voting import Choice, Result
from app.decisions import convening, deciding, minutes, queries, sitting
from app.decisions.inputs import by_member
from app.decisions.models import AgendaItem, MeetingState
from app.decisions.views import frame
from app.decisions.views.frame import Answer, blueprint, seen, typed
from app.errors import Invalid, Problem
from app.permissions import Permission
from app.web import here
from app.web.access import allowed
from app.web.inputs import day, whole_number


@blueprint.get("/meetings/<int:meeting_id>/items/<int:item_id>")
@allowed(Permission.VIEW_MEETINGS)
def item_page(meeting_id: int, item_id: int) -> Answer:
    return _page(frame.item_of(queries.meeting(meeting_id), item_id), [])


def _page(item: AgendaItem, problems: list[Problem]) -> str:
    language = here.language()
    meeting, application = item.meeting, item.application
    head = frame.head(meeting)
    tally = queries.tally(item)
    words = {key: said.words[language] for key, said in sitting.outcomes(application).items()}
    proposal = typed("proposal") or item.proposal or sitting.recommended(application)
    may_act = head["may_manage"] and item.is_open
    sits = may_act and meeting.state == MeetingState.APPOINTED and head["has_come"]
    is_adopted = tally.result is Result.ADOPTED
    held = sitting.barrier(application, item.proposal) if sits and is_adopted else None
    return render_template(
        "decisions/item.html",
        **head,
        item=item,
        application=application,
        company=application.organisation.names[language],
        procedure_title=applications.procedure(application).title[language],
        recommended=words.get(sitting.recommended(application), ""),
        outcomes=list(words.items()),
        outcome=words.get(item.outcome, ""),
        proposal=proposal,
        proposal_words=words.get(item.proposal, ""),
        tally=tally,
        result_key=f"meetings.result.{tally.result}",
        has_votes=any(row.ballot == item.ballot for row in item.votes),
        ballots=[ballot for each in minutes.matters(meeting) if each.item is item for ballot in each.ballots],
        seats=_seats(item, head["typed"]),
        choices=[str(each) for each in Choice],
        eligible=[(member.id, member.name) for member in _without_conflict(item)],
        may_act=may_act,
        sits=sits,
        is_adopted=is_adopted,
        is_conditional=item.proposal.endswith(queries.CONDITIONAL),
        held=Problem("", held.key, held.params) if held is not None else None,
        belonging=belonging.panel(application),
        fields=_fields(item, problems) if sits and is_adopted and held is None else [],
        others=[(each.id, frame.title(each)) for each in queries.others(meeting)] if may_act else [],
        communicated=queries.is_communicated(item),
        problems=problems,
    )


def _without_conflict(item: AgendaItem) -> list[Any]:
    conflicted = {row.member_id for row in item.conflicts}
    return [member for member in queries.voters(item.meeting) if member.id not in conflicted]


def _seats(item: AgendaItem, sent: Any) -> list[dict[str, Any]]:
    """Return the members with a vote as the form of the vote shows them."""
    cast = {row.member_id: row for row in item.votes if row.ballot == item.ballot}
    found = []
    for member, seat in zip(queries.voters(item.meeting), queries.seats(item), strict=True):
        row = cast.get(member.id)
        found.append(
            {
                "member": member,
                "seat": seat,
                "choice": sent.get(f"vote-{member.id}") or (row.choice if row else ""),
                "opinion": sent.get(f"opinion-{member.id}", row.opinion if row else ""),
            }
        )
    return found


def _fields(item: AgendaItem, problems: list[Problem]) -> list[Any]:
    """Return the fields of the decision form that the agenda does not answer itself."""
    form = sitting.decision_form(item.application)
    sent = dict(request.form.lists()) if typed("act") == "decide" else None
    drawing = Drawing(here.language(), raw=sent, problems=problems)
    values = {sitting.outcome_field(item.application).key: item.proposal}
    sheet = form_sheet(form, values, drawing, stage="decision")
    return [view for section in sheet.sections for view in section.fields if view.path not in deciding.own_fields(item)]


@blueprint.post("/meetings/<int:meeting_id>/items/<int:item_id>")
@allowed(Permission.MEETINGS)
def item_act(meeting_id: int, item_id: int) -> Answer:
    meeting = queries.meeting(meeting_id, for_update=True)
    item = frame.item_of(meeting, item_id)
    by, now = current_user, here.now()

    def declare() -> str:
        member = whole_number(typed("member"))
        reason = typed("conflict_reason")
        sitting.declare_conflict(item, member, reason=reason, seen=seen(), by=by, now=now)
        return "meetings.done.conflict"

    def undeclare() -> str:
        sitting.take_back_conflict(item, whole_number(typed("member")), seen=seen(), by=by, now=now)
        return "msg.saved"

    def vote() -> str:
        choices, opinions = by_member(request.form, "vote"), by_member(request.form, "opinion")
        proposal = typed("proposal")
        sitting.vote(item, proposal=proposal, choices=choices, opinions=opinions, seen=seen(), by=by, now=now)
        return "meetings.done.voted"

    def add_condition() -> str:
        due = day(typed("due"))
        is_wrong = due is None and bool(typed("due").strip())
        texts = bilingual.typed(request.form, "condition")
        deciding.add_condition(item, texts=texts, due=due, has_wrong_day=is_wrong, seen=seen(), by=by, now=now)
        return "msg.saved"

    def remove_condition() -> str:
        deciding.remove_condition(item, whole_number(typed("condition_id")), seen=seen(), by=by, now=now)
        return "msg.saved"

    def decide() -> str:
        deciding.decide(item, dict(request.form.lists()), seen=seen(), by=by, now=now)
        return "meetings.done.decided"

    def put_off() -> str:
        sitting.put_off(item, reason=typed("postpone_reason"), seen=seen(), by=by, now=now)
        return "meetings.done.put_off"

    def take_off() -> str:
        convening.take_off(item, reason=typed("reason"), seen=seen(), by=by, now=now)
        return "meetings.done.taken_off"

    def move() -> str:
        target = whole_number(typed("target"))
        if target is None:
            raise Invalid.at("target", "err.required")
        other = queries.meeting(target, for_update=True)
        convening.move_to(item, other, reason=typed("reason"), seen=seen(), by=by, now=now)
        return "meetings.done.moved"

    leaves = {"take_off", "move"}

    def after() -> Response:
        if typed("act") in leaves:
            return redirect(url_for(".page", meeting_id=meeting_id), code=303)
        return redirect(url_for(".item_page", meeting_id=meeting_id, item_id=item_id), code=303)

    def again(problems: list[Problem]) -> str:
        return _page(queries.item(queries.meeting(meeting_id), item_id), problems)

    every = (declare, undeclare, vote, add_condition, remove_condition, decide, put_off, take_off, move)
    return frame.acted({each.__name__: each for each in every}, again, after)
