"""Procedures, new application, under review, work queue, archive, questionnaires."""

from __future__ import annotations

import heapq
from collections.abc import Container, Sequence
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from flask import Response, flash, redirect, render_template, request, url_for
from flask_login import current_user

from app import catalogue, db
from app.applications import assisting, cabinet, entering, facts, filing, moves, parents, queries, queues, reuse
from app.applications.models import Application
from app.applications.queues import Due, Entry
from app.applications.views import clocks
from app.applications.views.clocks import ClockView
from app.applications.views.frame import Answer, blueprint
from app.errors import Invalid, Problem
from app.notifications.views import rows as notification_rows
from app.organisations.models import Organisation
from app.permissions import Permission, queues_headed_by, queues_of
from app.web import here, paging
from app.web.access import allowed
from app.web.errors import problems_of
from app.web.inputs import whole_number
from app.web.paging import Page
from app.web.templating import ZONE, named, word
from app.workflows.graph import draw
from app.workflows.guards import CATEGORIES
from app.workflows.machine import Procedure
from app.workflows.parts import StageKind

PAGE = 50
SHOWN = 20
"""Rows of what waits on the reader, or on others, on the home page; lists hold all."""
SHORT = 10
"""Rows of a block of a head of queues."""

Item = TypeVar("Item")
_NEVER = datetime.max.replace(tzinfo=UTC)


def row(
    application: Application,
    *,
    mine: bool = False,
    clock: ClockView | None = None,
    on_paper: bool = False,
    offered: bool = False,
) -> dict[str, Any]:
    """Return an application as lists show it (IS2IN-9.4.b; A10); ``mine``: it waits on the present user."""
    language = here.language()
    procedure = queries.procedure(application)
    process = procedure.processes[application.process]
    executors = queries.current_executors(application)
    return {
        "number": application.number,
        "href": url_for("applications.hub", number=application.number),
        "company": application.organisation.names[language],
        "procedure": procedure.title[language],
        "process": process.short_title[language],
        "process_key": process.key,
        "author": named(application.author),
        "executor": ", ".join(moves.executor_words(application, executors, language, reader=current_user)),
        "status": process.state_key,
        "state": process.state,
        "created_at": application.created_at,
        "entered_at": application.entered_at,
        "submitted_at": queries.received_at(application),
        "archived_at": application.archived_at,
        "registration_number": application.registration_number,
        "mine": mine,
        "on_paper": on_paper,
        "offered": offered,
        "clock": clock,
    }


def rows(applications: Sequence[Application], mine: Container[int] = ()) -> list[dict[str, Any]]:
    """Return applications as lists show them; ``mine`` are the ids of those that wait on the present user."""
    ids = [item.id for item in applications]
    ticking, papers, offered = clocks.of(applications), queries.on_paper(ids), queries.offers_among(ids, now=here.now())
    return [
        row(
            item,
            mine=item.id in mine,
            clock=clocks.chief(ticking.get(item.id, ())),
            on_paper=item.id in papers,
            offered=item.id in offered,
        )
        for item in applications
    ]


def _page_of(found: Sequence[Item], endpoint: str, **query: str) -> tuple[Sequence[Item], Page]:
    """Return the items of the page that was asked for, and the page."""
    page = paging.asked_for(endpoint, len(found), size=PAGE, **query)
    return found[page.start : page.start + PAGE], page


@blueprint.get("/procedures")
@allowed(Permission.BEGIN)
def procedures() -> Answer:
    language = here.language()
    found = sorted(catalogue.present().procedures.newest(), key=lambda item: item.title[language])
    categories = []
    for category in CATEGORIES:
        listed = [_procedure_row(item) for item in found if item.category == category]
        theirs = [item for item in listed if item["apply_href"]]
        others = [item for item in listed if not item["apply_href"]]
        keys = {"key": f"cat.{category}", "rules_key": f"rules.{category}"}
        categories.append({**keys, "procedures": theirs, "others": others})
    return render_template("procedures/list.html", categories=categories)


def _procedure_row(procedure: Procedure) -> dict[str, Any]:
    drafts = cabinet.unfinished_of(procedure.key, current_user)
    kinds = [word("role.issuer" if kind == "initiator" else f"role.{kind}") for kind in procedure.open_to]
    may_begin = bool(filing.companies(current_user, procedure))
    is_begun_here = procedure.started_by is not None
    may_assist = current_user.may(Permission.ASSIST) and procedure in entering.procedures()
    who = "look.procedures.concerning" if is_begun_here else "look.procedures.open_to"
    return {
        "key": procedure.key,
        "title": procedure.title[here.language()],
        "begins_on": _begins_on(procedure),
        "summary": word(who, who=", ".join(kinds)),
        "begins_key": _begins_key(procedure),
        "apply_key": "act.begin" if is_begun_here else "act.apply",
        "stages": sum(1 for stage in procedure.stages.values() if stage.kind is StageKind.FILL),
        "version": procedure.version,
        "apply_href": url_for("applications.new", key=procedure.key) if may_begin else None,
        "graph_href": url_for("applications.graph", key=procedure.key),
        "draft_href": url_for("applications.hub", number=drafts[0].number) if drafts else None,
        "draft_number": drafts[0].number if drafts else None,
        "assist_href": url_for("applications.new_assisted", procedure=procedure.key) if may_assist else None,
    }


def _begins_on(procedure: Procedure) -> date | None:
    """Return when the calendar begins it next, to the Exchange's people."""
    is_told = procedure.begins is not None and current_user.is_exchange
    return procedure.begins.next(here.now().astimezone(ZONE).date()) if procedure.begins and is_told else None


def _begins_key(procedure: Procedure) -> str:
    """Return the term that says why the present user does not begin it."""
    if procedure.started_by is not None:
        return "look.procedures.started_by_exchange"
    return "look.procedures.filed_by_clients" if current_user.is_exchange else "look.procedures.not_open"


def _none_key(procedure: Procedure) -> str:
    """Return the term that says why there is no company for which the present user could begin it."""
    own = current_user.organisation
    has_clients = own is not None and own.kind == "adviser" and "initiator" in procedure.open_to
    return "look.procedures.no_company" if has_clients and not procedure.started_by else _begins_key(procedure)


@blueprint.get("/procedures/<key>/map.svg")
@allowed(Permission.VIEW_LIBRARY)
def graph(key: str) -> Answer:
    answer = Response(draw(catalogue.present().procedures.get(key), here.language(), word), mimetype="image/svg+xml")
    answer.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
    return answer


@blueprint.get("/procedures/<key>/new")
@allowed(Permission.BEGIN)
def new(key: str) -> Answer:
    return _new_page(key, [])


def _new_page(key: str, problems: list[Problem]) -> str:
    procedure = catalogue.present().procedures.get(key)
    language = here.language()
    companies = filing.companies(current_user, procedure)
    source = request.values.get("from", "")
    origin = cabinet.questionnaire(source, user=current_user) if source else None
    default = origin.organisation_id if origin else companies[0].id if len(companies) == 1 else ""  # A13
    within = _within(procedure, companies)
    named = next((item for item in within["found"] if item.number == within["chosen"]), None) if within else None
    default = named.organisation_id if named is not None else default
    return render_template(
        "procedures/new.html",
        procedure={"key": procedure.key, "title": procedure.title[language]},
        action=url_for("applications.create", key=key),
        companies=[(item.id, f"{item.code} – {item.names[language]}") for item in companies],
        chosen=request.form.get("company") or default,
        drafts=rows(cabinet.unfinished_of(procedure.key, current_user)),
        source=row(origin) if origin else None,
        within=within,
        begins_on=_begins_on(procedure),
        none_key=_none_key(procedure),
        problems=problems,
    )


def _within(procedure: Procedure, companies: Sequence[Organisation]) -> dict[str, Any] | None:
    """Return the applications within which a procedure may be begun, as the page offers them; None where none is asked.

    ``found`` are those of all companies; the words name the company where there are several.
    """
    if procedure.parent is None:
        return None
    found = parents.choices(procedure, companies, user=current_user)
    options = [(item.number, words_within(item, with_company=len(companies) > 1)) for item in found]
    return {
        "title": procedure.parent.title[here.language()],
        "is_needed": procedure.parent.is_needed,
        "found": found,
        "options": options,
        "chosen": request.values.get("parent", "")[:20],
    }


def words_within(application: Application, *, with_company: bool = False) -> str:
    """Return an application to which another may belong, as a list to choose from shows it."""
    process = queries.procedure(application).processes[application.process]
    company = f"{application.organisation.code}, " if with_company else ""
    return f"{company}{application.number} – {process.short_title[here.language()]}"


@blueprint.post("/procedures/<key>/new")
@allowed(Permission.BEGIN)
def create(key: str) -> Answer:
    chosen = request.form.get("company", "")
    try:
        application = filing.create(
            key,
            company_id=whole_number(chosen),
            author=current_user,
            source=request.form.get("from", ""),
            parent=request.form.get("parent", "")[:20],
            language=here.language(),
            now=here.now(),
        )
    except Invalid as refusal:
        db.session.rollback()
        return _new_page(key, problems_of(refusal)), 422
    if request.form.get("from"):
        origin = cabinet.questionnaire(request.form["from"], user=current_user)
        stages = queries.applicant_stages(application)
        left = sum(reuse.untaken(application, stage, origin, language=here.language()) for stage in stages)
        if left:
            flash(word("reuse.untaken", n=left), "info")
    return redirect(url_for(".hub", number=application.number), code=303)


def _tabs(endpoint: str, chosen: str, counts: dict[str, int]) -> list[dict[str, Any]]:
    keys = {"mine": "look.tab.mine", "waiting": "look.tab.waiting", "all": "look.tab.all"}
    return [
        {"href": url_for(endpoint, tab=tab), "key": key, "current": tab == chosen, "count": counts[tab]}
        for tab, key in keys.items()
    ]


def _list_page(endpoint: str, title_key: str, default: str) -> str:
    found = cabinet.under_review(current_user)
    sorted_ = {
        "mine": [item for item in found if item.is_mine],
        "waiting": [item for item in found if item.is_awaited and not item.is_mine],
        "all": found,
    }
    tab = request.args.get("tab", default)
    tab = tab if tab in sorted_ else default
    shown, page = _page_of(sorted_[tab], endpoint, tab=tab)
    return render_template(
        "applications/list.html",
        heading_key=title_key,
        may_file=current_user.may(Permission.FILE),
        tabs=_tabs(endpoint, tab, {name: len(items) for name, items in sorted_.items()}),
        rows=rows(cabinet.of_glances(shown), {item.id for item in shown if item.is_mine}),
        page=page,
    )


@blueprint.get("/applications")
@allowed(Permission.VIEW_APPLICATIONS)
def under_review() -> Answer:
    return _list_page("applications.under_review", "nav.under_review", "all")


@blueprint.get("/archive")
@allowed(Permission.VIEW_ARCHIVE)
def archive() -> Answer:
    words = request.args.get("q", "").strip()[:100]
    shown, page = _page_of(cabinet.archive(current_user, words=words), "applications.archive", q=words)
    found = [{**item, "outcome": _outcome(application)} for item, application in zip(rows(shown), shown, strict=True)]
    return render_template("applications/archive.html", rows=found, query=words, page=page)


def _outcome(application: Application) -> str:
    """Return the term of what was decided, or "" where nothing was."""
    answers = facts.of(application).answers.values()
    decided = next((str(values["outcome"]) for values in answers if "outcome" in values), "")
    return {"": "", "refuse": "st.refused"}.get(decided, "st.positive")


@blueprint.get("/")
@allowed(Permission.OWN_CABINET)
def home() -> Answer:
    blocks = _blocks_of_exchange() if current_user.may(Permission.PROCESS) else _blocks_of_client()
    return render_template(
        "home.html",
        recent=notification_rows(current_user.id, limit=5),
        may_file=current_user.may(Permission.FILE),
        **blocks,
    )


def _blocks_of_client() -> dict[str, Any]:
    """Return what waits on the present user, what is due first at the head, his drafts, and what he waits for.

    What somebody has prepared for him stands before all: nothing else tells of its end.
    """
    found = cabinet.under_review(current_user) if current_user.may(Permission.VIEW_APPLICATIONS) else []
    mine = [item for item in found if item.is_mine]
    waiting = [item for item in found if item.is_awaited and not item.is_mine]
    dues, offered = queues.dues_of(mine), queries.offers_among(now=here.now()) if mine else {}
    procedures_ = catalogue.present().procedures.procedures

    def is_draft(item: cabinet.Glance) -> bool:
        *_, process, name = item.mark
        return item.id not in offered and procedures_[name].processes[process].state == "filling"

    drafts, others = [item for item in mine if is_draft(item)], [item for item in mine if not is_draft(item)]
    first = heapq.nsmallest(SHOWN, others, key=lambda item: (item.id not in offered, _urgency(dues[item.id])))
    own = url_for(".under_review", tab="mine")
    return {
        "mine": _home_rows(first),
        "drafts": _home_rows(drafts[:SHOWN]),
        "waiting": _home_rows(waiting[:SHOWN]),
        "more": {
            "mine": own if len(others) > SHOWN else "",
            "drafts": own if len(drafts) > SHOWN else "",
            "waiting": url_for(".under_review", tab="waiting") if len(waiting) > SHOWN else "",
        },
    }


def _blocks_of_exchange() -> dict[str, Any]:
    """Return the same for the Exchange's people: what they hold, what lies in their queues, what they prepare.

    To the head of queues also what nobody has taken there, and what is late.
    """
    now = here.now()
    found = queues.entries(current_user, now=now)
    own, headed = queues_of(current_user.roles), queues_headed_by(current_user.roles)
    prepared = assisting.in_hand(current_user, now=now)
    mine = [
        item
        for item in found
        if item.id in prepared or (item.standing.awaits_us and (item.mine or not own.isdisjoint(item.untaken)))
    ]
    theirs = {item.id for item in mine}
    untaken = [item for item in found if item.id not in theirs and not headed.isdisjoint(item.untaken)]
    late = [item for item in found if item.is_overdue(now) and not headed.isdisjoint(item.standing.ours)]
    waiting = [item for item in found if item.id not in theirs]
    free = {item.id for item in mine if not item.mine and item.id not in prepared}
    blocks: dict[str, Any] = {
        "mine": _home_rows(_first_due(mine, SHOWN), free=free),
        "drafts": [],
        "waiting": _home_rows(waiting[:SHOWN]),
        "more": {
            "mine": url_for(".queue") if len(mine) > SHOWN else "",
            "waiting": url_for(".under_review", tab="waiting") if len(waiting) > SHOWN else "",
        },
    }
    if headed:
        blocks["unit"] = [
            {"key": f"queues.home.{tab}", "tab": tab, "count": len(items), "rows": _home_rows(_first_due(items, SHORT))}
            for tab, items in (("unassigned", untaken), ("overdue", late))
        ]
    return blocks


def _urgency(due: Due) -> tuple[bool, datetime]:
    return (False, due.at) if due.at is not None else (True, _NEVER)


def _first_due(found: Sequence[Entry], most: int) -> list[Entry]:
    return heapq.nsmallest(most, found, key=lambda item: _urgency(item.due))


def _home_rows(found: Sequence[cabinet.Glance] | Sequence[Entry], free: Container[int] = ()) -> list[dict[str, Any]]:
    """Return applications as the home page shows them, ``free`` as taken by nobody."""
    shown = cabinet.of_glances(found)
    untaken = {item.number for item in shown if item.id in free}
    return [
        {
            **item,
            "what": word("assisted.answer_it") if item["mine"] and item["offered"] else item["process"],
            "who": item["executor"],
            "at": item["entered_at"],
            "untaken": item["number"] in untaken,
        }
        for item in rows(shown, {each.id for each in found if isinstance(each, cabinet.Glance) and each.is_mine})
    ]
