"""The tab «Үзінділер мен есептер», and the public page on which a paper is checked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from app.errors import Conflict, Invalid, NotFound, Problem
from app.outputs import operations, queries
from app.outputs.models import KINDS, OutputDocument
from app.outputs.operations import Order
from app.permissions import Permission
from app.terms import LANGUAGES
from app.web import here, paging, transactions
from app.web.access import allowed
from app.web.errors import code_of, problems_of
from app.web.giving import give
from app.web.inputs import day, once, whole_number
from app.web.pace import Pace
from app.web.templating import ZONE, word

blueprint = Blueprint("outputs", __name__)
Answer = str | Response | tuple[str, int] | tuple[str, int, dict[str, str]]

PAGE = 50
TRIES = 5
"""How often a paper is laid out anew where others take its number meanwhile."""

CHECKS = Pace(30, timedelta(minutes=1))
"""Codes that one address may try; 128 bits would need more than all the time there is."""


def register(app: Flask) -> None:
    """Give ``app`` the pages."""
    app.register_blueprint(blueprint)


@blueprint.get("/outputs")
@allowed(Permission.VIEW_OUTPUTS)
def index() -> Answer:
    return _page([])


def _page(problems: list[Problem]) -> str:
    page = paging.asked_for("outputs.index", queries.count(current_user), size=PAGE)
    found = queries.seen_by(current_user, start=page.start, most=PAGE)
    corrections = queries.corrections([row.id for row in found])
    may_order = current_user.may(Permission.ORDER_OUTPUTS)
    today = here.now().astimezone(ZONE).date()
    typed = {
        "kind": request.form.get("kind", "extract"),
        "since": request.form.get("since", today.replace(day=1).strftime("%d.%m.%Y")),
        "until": request.form.get("until", today.strftime("%d.%m.%Y")),
        "number": request.form.get("number", ""),
        "language": request.form.get("language", here.language()),
        "corrects": request.form.get("corrects", ""),
        "reason": request.form.get("reason", ""),
    }
    return render_template(
        "outputs/list.html",
        rows=[_row(row, corrections.get(row.id)) for row in found],
        page=page,
        may_order=may_order,
        kinds=[(kind, word(f"outputs.kind.{kind}")) for kind in KINDS],
        applications=[(each.number, each.number) for each in queries.own_applications(current_user)]
        if may_order
        else [],
        tongues=[(code, word(f"look.language.{code}")) for code in LANGUAGES],
        typed=typed,
        once=once(),
        problems=problems,
    )


def _row(row: OutputDocument, newer: OutputDocument | None) -> dict[str, Any]:
    return {
        "id": row.id,
        "number": row.number,
        "kind": row.kind,
        "company": row.organisation.names_at(row.at)[here.language()],
        "since": row.since,
        "until": row.until,
        "on": (row.facts.get("applications") or [{}])[0].get("number", "") if row.kind == "reference" else "",
        "language": row.language,
        "at": row.at,
        "by": row.by.name,
        "sha256": row.sha256,
        "code": operations.grouped(row.code),
        "check": url_for("outputs.check", code=row.code),
        "state": "superseded" if newer is not None else "valid",
        "newer": newer.number if newer is not None else "",
        "corrects": row.corrects.number if row.corrects is not None else "",
        "reason": row.reason,
        "may_correct": newer is None and current_user.may(Permission.ORDER_OUTPUTS),
    }


@blueprint.post("/outputs")
@allowed(Permission.ORDER_OUTPUTS, secured=True)
def order() -> Answer:
    """Have a paper made; what is laid out does not hold the database, and gets its number in one short act."""
    corrects = request.form.get("corrects", "")
    asked = Order(
        kind=request.form.get("kind", ""),
        since=day(request.form.get("since")),
        until=day(request.form.get("until")),
        number=request.form.get("number", "")[:20],
        language=request.form.get("language") or here.language(),
        corrects=_ident(corrects) if corrects else None,
        reason=request.form.get("reason", ""),
    )
    try:
        row = _issued(asked, operations.code_of(once(), asked, by=current_user))
    except (Invalid, Conflict) as refusal:
        transactions.between(writing=False)
        return _page(problems_of(refusal)), code_of(refusal)
    flash(word("outputs.issued", number=row.number), "success")
    return redirect(url_for(".index"), code=303)


def _ident(typed: str) -> int:
    """Return the id of the paper to correct; what is no id names no paper, and makes none."""
    found = whole_number(typed)
    if found is None:
        raise NotFound
    return found


def _issued(asked: Order, code: str) -> OutputDocument:
    """Have the paper made; the same form sent again, be it at the same moment, gets what the first one made."""
    for attempt in range(TRIES):
        transactions.between(writing=False)
        made_already = queries.by_code(code)
        if made_already is not None:
            return made_already
        try:
            made = operations.draft(asked, by=current_user, now=here.now(), code=code)
            transactions.between(writing=True)
            return operations.issue(made, by=current_user, now=here.now())
        except Conflict as refusal:
            transactions.between(writing=False)
            twin = queries.by_code(code)
            if twin is not None:
                return twin
            if refusal.key != "outputs.err.number_taken" or attempt == TRIES - 1:
                raise
    raise Conflict("outputs.err.number_taken")


@blueprint.get("/outputs/<int:ident>/file")
@allowed(Permission.VIEW_OUTPUTS)
def file(ident: int) -> Answer:
    """Give the very bytes that were issued."""
    row = queries.one(ident, user=current_user)
    return give(here.storage().get(row.sha256), f"{row.number}.pdf", "application/pdf")


@blueprint.get("/verify/document")
@allowed(Permission.PUBLIC)
def check_by_hand() -> Answer:
    """Show where a code is typed, or what it stands for."""
    typed = request.args.get("code", "")
    return _checked(typed) if typed else render_template("outputs/check.html", found=None, asked=False, typed="")


@blueprint.get("/verify/<code>")
@allowed(Permission.PUBLIC)
def check(code: str) -> Answer:
    """Say what the paper of a code is, and nothing of what it says."""
    return _checked(code)


def _checked(typed: str) -> Answer:
    if not CHECKS.allows(request.remote_addr or "", now=here.now()):
        return (
            render_template("outputs/check.html", found=None, asked=False, typed="", too_often=True),
            429,
            {"Retry-After": "60"},
        )
    code = "".join(sign for sign in typed.lower() if sign.isascii() and sign.isalnum())[:40]
    row = queries.by_code(code) if len(code) == 26 else None
    return render_template("outputs/check.html", found=_claimed(row) if row else None, asked=True, typed=typed[:60]), (
        200 if row else 404
    )


def _claimed(row: OutputDocument) -> dict[str, Any]:
    """Return what anybody with the code may know."""
    newer = queries.corrections([row.id]).get(row.id)
    names = row.organisation.names_at(row.at)
    return {
        "kind": row.kind,
        "number": row.number,
        "at": row.at,
        "company": names[here.language()],
        "sha256": row.sha256,
        "state": "superseded" if newer is not None else "valid",
        "newer": newer.number if newer is not None else "",
        "newer_on": newer.at if newer is not None else None,
    }
