"""The desk of requests: newcomers, other first heads, ends of partnerships."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_login import current_user

from app import db
from app.errors import Conflict, Invalid, NotFound, Problem
from app.organisations import access, admitting, asked, inviting, operations, queries
from app.organisations.models import AccessRequest, Partnership, RequestState
from app.organisations.views.frame import Answer, blueprint, seen, site
from app.permissions import Permission
from app.terms import LANGUAGES
from app.web import here
from app.web.access import allowed
from app.web.errors import code_of, problems_of
from app.web.giving import give
from app.web.templating import word


@blueprint.get("/orgs/requests")
@allowed(Permission.ADMIT)
def requests() -> Answer:
    chosen = request.args.get("desk", "")
    chosen = chosen if chosen in asked.MAILBOXES else ""
    language = here.language()
    rows = admitting.all_requests()
    waiting = [row for row in rows if not RequestState(row.state).is_over]
    return render_template(
        "organisations/requests.html",
        tabs=[
            {
                "href": url_for(".requests", desk=desk or None),
                "key": f"access.desk.{desk or 'all'}",
                "current": desk == chosen,
                "count": sum(1 for row in waiting if not desk or asked.DESKS[row.kind] == desk),
            }
            for desk in ("", *asked.MAILBOXES)
        ],
        mailbox=asked.MAILBOXES.get(chosen, ""),
        rows=[_row(row, language) for row in rows if not chosen or asked.DESKS[row.kind] == chosen],
        removals=[_removal(item, language) for item in queries.removals()],
    )


def _row(row: AccessRequest, language: str) -> dict[str, Any]:
    return {
        "id": row.id,
        "number": row.number,
        "purpose": row.purpose,
        "name": row.names[language],
        "bin": row.bin,
        "kind": row.kind,
        "at": row.at,
        "state": row.state,
        "officer": row.officer.name if row.officer else "",
        "is_tested": bool(row.key_report),
        "due": (due := admitting.due(row)),
        "is_late": due is not None and due <= here.now(),
    }


def _removal(item: Partnership, language: str) -> dict[str, Any]:
    return {
        "id": item.id,
        "issuer": item.issuer.names[language],
        "partner": item.partner.names[language],
        "at": item.removal_requested_at,
        "reason": item.removal_reason,
    }


@blueprint.get("/orgs/requests/<int:request_id>")
@allowed(Permission.ADMIT)
def request_page(request_id: int) -> Answer:
    return _page(admitting.one(request_id), [])


def _page(row: AccessRequest, problems: list[Problem]) -> str:
    known = admitting.check(row)
    head = queries.first_head(row.organisation) if row.organisation is not None else None
    return render_template(
        "organisations/request.html",
        awaited=inviting.waiting_of(row),
        awaited_days=inviting.LIFE.days,
        row=row,
        said=row.said,
        persons=row.people,
        admins=[(person["email"], f"{person['last_name']} {person['first_name']}") for person in row.people],
        check=known,
        is_over=RequestState(row.state).is_over,
        is_head=row.purpose == access.HEAD,
        mailbox=asked.MAILBOXES[asked.DESKS[row.kind]],
        former_head=head,
        steps=list(reversed(row.steps)),
        names={language: request.form.get(f"name_{language}", row.names[language]) for language in LANGUAGES},
        typed=request.form,
        problems=problems,
    )


@blueprint.get("/orgs/requests/<int:request_id>/file")
@allowed(Permission.ADMIT)
def request_file(request_id: int) -> Answer:
    row = admitting.one(request_id)
    if not row.sha256:
        raise NotFound
    return give(here.storage().get(row.sha256), row.file_name, "application/octet-stream")


@blueprint.post("/orgs/requests/<int:request_id>")
@allowed(Permission.ADMIT, secured=True)
def decide_request(request_id: int) -> Answer:
    row = admitting.one(request_id, for_update=True)
    act = request.form.get("act", "")
    try:
        done = _decide(row, act)
    except (Conflict, Invalid) as refusal:
        db.session.rollback()
        return _page(admitting.one(request_id), problems_of(refusal)), code_of(refusal)
    flash(word(done, number=row.number), "success")
    return redirect(url_for(".request_page", request_id=row.id), code=303)


def _decide(row: AccessRequest, act: str) -> str:
    """Do what was pressed; return the term of what was done."""
    now, form = here.now(), request.form
    common: dict[str, Any] = {"seen": seen(), "by": current_user, "now": now}
    words = form.get("words", "")
    if act == "take":
        admitting.take(row, **common)
        return "access.done.taken"
    if act == "ask":
        admitting.ask_more(row, words=words, site=site(), **common)
        return "access.done.asked"
    if act == "refuse":
        admitting.refuse(row, words=words, site=site(), **common)
        return "access.done.refused"
    if act != "accept":
        raise NotFound
    note = form.get("key_note", "")
    if row.purpose == access.HEAD:
        member = admitting.accept_head(row, key_note=note, site=site(), **common)
        return "access.done.head" if member is not None else "access.done.head_asked"
    admitting.accept(
        row,
        code=form.get("code", "").strip().upper(),
        names={language: form.get(f"name_{language}", "") for language in LANGUAGES},
        is_financial=form.get("is_financial") == "yes",
        administrator=form.get("administrator", ""),
        key_note=note,
        site=site(),
        **common,
    )
    return "access.done.accepted"


@blueprint.get("/orgs/partnerships/<int:partnership_id>")
@allowed(Permission.ADMIT)
def removal_page(partnership_id: int) -> Answer:
    return _removal_page(_partnership(partnership_id), [])


def _partnership(partnership_id: int) -> Partnership:
    found = queries.partnership(partnership_id)
    if found is None:
        raise NotFound
    return found


def _removal_page(item: Partnership, problems: list[Problem]) -> str:
    holds = item.holds_at(here.now())
    return render_template(
        "organisations/removal.html",
        item=item,
        holds=holds,
        running=operations.running_of(item) if holds else [],
        typed=request.form,
        problems=problems,
    )


@blueprint.post("/orgs/partnerships/<int:partnership_id>")
@allowed(Permission.ADMIT, secured=True)
def decide_removal(partnership_id: int) -> Answer:
    now, reason, act = here.now(), request.form.get("reason", ""), request.form.get("act", "")
    if act not in ("keep", "end"):
        raise NotFound
    try:
        item = operations.standing(partnership_id, now=now, for_update=True)
        if act == "keep":
            operations.keep_partnership(item, reason=reason, by=current_user, now=now)
            done = "partner.kept"
        else:
            named = request.form.getlist("running")
            operations.end_partnership(item, reason=reason, seen=named, by=current_user, now=now)
            done = "partner.ended"
    except (Conflict, Invalid) as refusal:
        db.session.rollback()
        return _removal_page(_partnership(partnership_id), problems_of(refusal)), code_of(refusal)
    flash(word(done, company=item.partner.names[here.language()]), "success")
    return redirect(url_for(".requests"), code=303)
