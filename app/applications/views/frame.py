"""What every page of one application shows: its head, processes, and whose turn it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from flask import Blueprint, current_app, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from app.accounts.models import User
from app.applications import approval, bundles, durations, facts, moves, queries
from app.applications.models import Answers, Application
from app.applications.views import clocks
from app.errors import Conflict
from app.organisations import queries as organisations
from app.permissions import EXECUTOR_ROLES, Permission
from app.web import here
from app.web.inputs import whole_number
from app.web.templating import ZONE, date_text, date_time_text, word
from app.workflows.guards import StageStatus
from app.workflows.machine import Procedure
from app.workflows.parts import Offer, Process, StageKind

blueprint = Blueprint("applications", __name__)
INTERNAL = (StageKind.WORK, StageKind.ISSUING)
"""Kinds of stage that are the Exchange's own."""

Answer = str | Response | tuple[str, int]

DRAFTED = frozenset({"conclusion", "conclusion_approval", "conclusion_signing"})
"""Stages whose progress the organisation does not see: a draft, its return and its approval are the Exchange's own."""


def one(number: str, *, for_update: bool = False) -> Application:
    """Return the application of the address, if the present user sees it; else it is not found."""
    found = queries.by_number(number, user=current_user, for_update=for_update)
    here.look_at_norms_of(found.submitted_at.astimezone(ZONE).date() if found.submitted_at else None)
    return found


STAGE_DOORS, PANELS = "kezen.stage_doors", "kezen.panels"
"""What rooms above add to the pages of an application, as extensions of the running application.

``STAGE_DOORS``: functions that name the address where a stage is filled instead of on its own page.
``PANELS``: functions that give what the hub shows besides: a mapping with its ``template``, or None.
"""


def filled_elsewhere(application: Application, stage: str) -> str | None:
    """Return the address where a stage is filled now, if that is not its own page."""
    doors: list[Callable[[Application, str], str | None]] = current_app.extensions.get(STAGE_DOORS, [])
    return next(filter(None, (door(application, stage) for door in doors)), None)


def require_filled_here(application: Application, stage: str) -> None:
    """Refuse to fill a stage on its own page that is filled elsewhere.

    Raises:
        Conflict: says so.
    """
    if filled_elsewhere(application, stage) is not None:
        raise Conflict("app.err.filled_elsewhere")


def panels(application: Application) -> list[dict[str, Any]]:
    """Return what other rooms show on the hub of an application."""
    found: list[Callable[[Application], dict[str, Any] | None]] = current_app.extensions.get(PANELS, [])
    return [panel for make in found if (panel := make(application)) is not None]


def procedure_choices(found: Iterable[Procedure]) -> list[tuple[str, str]]:
    """Return procedures as a list to choose from shows them, by title."""
    return sorted(((each.key, each.title[here.language()]) for each in found), key=lambda pair: pair[1])


def seen() -> int:
    """Return the version of the application that was on the screen."""
    return whole_number(request.form.get("seen")) or 0


@dataclass(frozen=True)
class ProcessView:
    """One step of the stepper."""

    key: str
    title: str
    full_title: str
    executor: str
    at: str
    current: bool
    done: bool
    state: str
    usual: str
    is_next: bool


@dataclass(frozen=True)
class StageRow:
    """One stage in the list of a subprocess; without ``href`` it cannot be entered (IS2IN-14.d).

    ``kept`` says what is saved there that the status does not tell.
    """

    key: str
    title: str
    href: str | None
    hint: str
    status: str
    state: str
    reason: str
    kept: str = ""


@dataclass(frozen=True)
class SubprocessView:
    """A subprocess with its stages, and the offers whose buttons stand in it."""

    key: str
    title: str
    stages: list[StageRow]
    offers: list[Offer]


def head(application: Application) -> dict[str, Any]:
    """Return what the head of every page of an application needs."""
    language = here.language()
    procedure = queries.procedure(application)
    process = procedure.processes[application.process]
    executors = procedure.awaited(queries.position(application))
    return {
        "application": application,
        "procedure": procedure,
        "process": process,
        "paper": queries.intake(application),
        "assisted": queries.assisted(application),
        "process_title": process.title[language],
        "procedure_title": procedure.title[language],
        "company": application.organisation.names[language],
        "state_key": process.state_key,
        "executor": ", ".join(moves.executor_words(application, executors, language, reader=current_user)),
        "clocks": clocks.of_one(application),
        "sent_key": "app.sent_to_organisation" if procedure.started_by else "col.submitted_at",
        "not_sent_key": "app.not_sent_to_organisation" if procedure.started_by else "msg.not_sent_yet",
        "next_process": next_process(application),
        "your_turn": queries.answers_offer(application, current_user)
        or any(queries.acts_as(application, current_user, executor) for executor in executors),
        "may_comment": approval.commenting_kind(application, current_user),
        "may_open_panel": current_user.may(Permission.PROCESS) and queries.received_at(application) is not None,
        "bundles_sent": bundles.count(application) if application.sent_at is not None else 0,
    }


def stage_of(application: Application, kind: StageKind) -> dict[str, str]:
    """Return which stage a page of its own kind stands for, and its official title; empty if there is none now."""
    procedure = queries.procedure(application)
    own = procedure.processes[application.process].stages
    key = next((key for key in (*own, *procedure.stages) if procedure.stages[key].kind is kind), "")
    return {"stage": key, "stage_title": procedure.stages[key].title[here.language()] if key else ""}


def offers_for(application: Application, user: User) -> list[Offer]:
    """Return the transitions of the present process that ``user`` may take, allowed or refused and why."""
    procedure = queries.procedure(application)
    return [
        _less_duties(application, offer)
        for offer in procedure.offers(queries.position(application), facts.of(application))
        if queries.acts_as(application, user, offer.transition.by)
        and (offer.transition.trigger == "delete" or not queries.is_being_entered(application))
    ]


def goes_to_registration(application: Application, process: str) -> bool:
    """Tell whether what is sent to a process comes to the chancery; what is registered already does not."""
    return queries.procedure(application).processes[process].executor == "chancery"


def _less_duties(application: Application, offer: Offer) -> Offer:
    """Return an offer as the verbs will have it: what the calendar has begun is not deleted."""
    if offer.transition.trigger != "delete" or not offer.allowed or not queries.is_duty(application):
        return offer
    return replace(offer, allowed=False, refusal="app.err.duty")


def offer_words(offer: Offer) -> str:
    """Return what the button of a transition says."""
    transition = offer.transition
    if transition.title is not None:
        return transition.title[here.language()]
    return word(transition.key or "act.continue")


def kind_of(application: Application, stage: str) -> StageKind:
    """Return the kind of a stage of the application's procedure."""
    return queries.procedure(application).stages[stage].kind


def stepper(application: Application) -> list[ProcessView]:
    """Return the processes of the procedure in their order; side ways only once they were entered."""
    language = here.language()
    procedure = queries.procedure(application)
    entered = {row.target: row.at for row in reversed(queries.history(application)) if row.target}
    road = procedure.main_road
    order = [key for key in procedure.processes if key in road or key in entered]
    ended = procedure.processes[application.process].final and application.process not in road
    views = []
    here_now = order.index(application.process)
    usual = durations.usual(procedure)
    following = procedure.road_from(application.process)[1:2]
    for place, key in enumerate(order):
        process = procedure.processes[key]
        if ended and key not in entered:
            continue
        views.append(
            ProcessView(
                key=key,
                title=process.short_title[language],
                full_title=process.title[language],
                executor=word(f"workflow.executor.{process.executor}") if process.executor else "",
                at=date_text(entered.get(key)),
                current=key == application.process,
                done=key in entered and key != application.process and (key not in road or place < here_now),
                state=process.state_key,
                usual=usual_words(usual.get(key)),
                is_next=key in following,
            )
        )
    return views


def usual_words(stay: timedelta | None) -> str:
    """Say how long a process usually takes; nothing where that is not known."""
    if stay is None:
        return ""
    days = round(stay / timedelta(days=1))
    return word("map.usual", n=days) if days else word("map.usual_short")


def next_process(application: Application) -> str:
    """Say what comes next on the shortest way to the end, and with whom; nothing where all is over."""
    procedure = queries.procedure(application)
    for key in procedure.road_from(application.process)[1:2]:
        process = procedure.processes[key]
        title = process.short_title[here.language()]
        if process.executor is None:
            return word("map.next_end", process=title)
        who = _who_comes(application, process.executor)
        return word("map.next", process=title, who=who)
    return ""


def _who_comes(application: Application, executor: str) -> str:
    """Return who will act in words: the first head is known from the organisation before the application is his."""
    if executor == "first_head" and not queries.assigned(application, executor):
        first_head = organisations.first_head(application.organisation)
        if first_head is not None:
            return first_head.name
    return ", ".join(moves.executor_words(application, (executor,), here.language(), reader=current_user))


def subprocesses(application: Application) -> list[SubprocessView]:
    """Return the subprocesses of the present process, and the standing ones, as the hub lists them."""
    language = here.language()
    procedure = queries.procedure(application)
    process = procedure.processes[application.process]
    standing, known = queries.position(application), facts.of(application)
    blue = procedure.reachable(standing, known)
    offers = {offer.transition.trigger: offer for offer in offers_for(application, current_user)}
    kept = queries.answers(application)
    views = []
    for subprocess in (*process.subprocesses, *procedure.standing_now(standing, known)):
        if not subprocess.stages and not any(trigger in offers for trigger in subprocess.offers):
            continue  # nothing in it for this person
        is_standing = subprocess not in process.subprocesses
        hidden = frozenset() if current_user.is_exchange else DRAFTED
        views.append(
            SubprocessView(
                subprocess.key,
                subprocess.title[language],
                [
                    _stage_row(
                        application,
                        procedure,
                        process,
                        stage,
                        stage in blue,
                        standing.status(stage),
                        is_standing,
                        kept.get(stage),
                    )
                    for stage in subprocess.stages
                    if stage not in hidden
                ],
                [offers[trigger] for trigger in subprocess.offers if trigger in offers],
            )
        )
    return views


def written(application: Application) -> list[StageRow]:
    """Return what the Exchange has written in other processes, to its own people: each a page to read."""
    procedure = queries.procedure(application)
    process = procedure.processes[application.process]
    standing, kept = queries.position(application), queries.answers(application)
    return [
        replace(
            _stage_row(application, procedure, process, key, True, standing.status(key), False, kept.get(key)), hint=""
        )
        for key, stage in procedure.stages.items()
        if current_user.is_exchange
        and stage.kind is StageKind.WORK
        and key not in process.stages
        and standing.status(key).is_done
    ]


def may_enter(application: Application, user: User, stage: str) -> bool:
    """Tell whether ``user`` may open the page of a stage: the applicant's people theirs, the Exchange its own."""
    procedure = queries.procedure(application)
    kind = procedure.stages[stage].kind
    if kind is StageKind.VIEW:
        return True
    if user.is_exchange:
        return kind in INTERNAL or application.submitted_at is not None or queries.is_being_entered(application)
    return kind not in INTERNAL


def _stage_row(
    application: Application,
    procedure: Procedure,
    process: Process,
    key: str,
    is_blue: bool,
    status: StageStatus,
    is_standing: bool,
    newest: Answers | None,
) -> StageRow:
    stage = procedure.stages[key]
    executor = procedure.executor_of(key, process.key)
    enterable = is_blue and may_enter(application, current_user, key)
    if stage.when is not None and status is StageStatus.SKIPPED:
        words = stage.when.otherwise[here.language()] if stage.when.otherwise else ""
        return StageRow(key, stage.title[here.language()], None, "", "st.not_needed", "skipped", words)
    term = f"st.{status}" if is_blue or status is not StageStatus.NOT_STARTED else "st.cannot_start"
    if is_standing:
        return StageRow(key, stage.title[here.language()], _href(application, key), "", "st.sent", "open", "")
    who = ", ".join(moves.executor_words(application, (executor,), here.language(), reader=current_user))
    is_own = executor == process.executor
    reason = ""
    if not is_blue and status is StageStatus.NOT_STARTED:
        reason = word("app.stage_waits")
    return StageRow(
        key,
        stage.title[here.language()],
        _href(application, key) if enterable else None,
        word("st.optional") if stage.optional else "" if is_own and executor not in EXECUTOR_ROLES else who,
        term,
        term.removeprefix("st."),
        reason,
        kept_words(application, key, status, newest) if enterable else "",
    )


def kept_words(
    application: Application, stage: str, status: StageStatus, newest: Answers | None, *, with_name: bool = False
) -> str:
    """Return what the status of a stage does not tell those who fill it in: what its page has saved by itself.

    Such a save changes no status, so a stage that is not started may hold answers, and a filled one
    changes that nobody has confirmed.
    """
    key = {StageStatus.NOT_STARTED: "answers.kept", StageStatus.FILLED: "answers.unconfirmed"}.get(status)
    if key is None or newest is None or not (newest.is_autosaved or status is StageStatus.NOT_STARTED):
        return ""
    executor = queries.procedure(application).executor_of(stage, application.process)
    if not queries.acts_as(application, current_user, executor):
        return ""
    if with_name:
        return word(f"{key}_by", at=date_time_text(newest.at), user=newest.by.name)
    return word(key, at=date_time_text(newest.at))


def _href(application: Application, stage: str) -> str:
    return url_for("applications.stage_page", number=application.number, stage=stage)
