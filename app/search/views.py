"""The page of search: the request, its criteria, what it finds, the kept queries, and the whole result as a file."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from app import db
from app.audit import operations as audit
from app.errors import Conflict, Invalid, Problem
from app.permissions import Permission
from app.search import exporting, finding, operations, queries
from app.search.grammar import (
    COLUMNS,
    FIELDS,
    GROUPS,
    LONGEST,
    MOST_CRITERIA,
    MOST_SORTS,
    USUAL_COLUMNS,
    VALUES,
    Asked,
    Ground,
    Kind,
    Query,
    understood,
)
from app.search.matching import Found
from app.search.models import SavedQuery
from app.search.wording import Wording
from app.web import here, paging, transactions
from app.web.access import allowed
from app.web.errors import code_of, problems_of
from app.web.giving import give
from app.web.inputs import day, require_plain, whole_number
from app.web.templating import ZONE, word

blueprint = Blueprint("search", __name__)
Answer = str | Response | tuple[str, int]

PAGE = 50


def register(app: Flask) -> None:
    """Give ``app`` the pages."""
    app.register_blueprint(blueprint)


def _asked() -> Asked:
    """Return what the address asks for; a form that was sent carries the query of the page it stood on."""
    if request.method == "POST":
        try:
            given = parse_qs(request.form.get("asked", ""), max_num_fields=500)
        except ValueError:
            raise Invalid("search.err.asked") from None
        require_plain(text for values in given.values() for text in values)
        return Asked.read(given)
    return Asked.read(request.args.to_dict(flat=False))


def _read(asked: Asked) -> tuple[Query, list[Problem], Wording]:
    wording = Wording(here.language(), is_past=bool(asked.as_of))
    choices = {field: [value for value, _ in pairs] for field, pairs in wording.choices.items()}
    ground = Ground(here.now().astimezone(ZONE).date(), choices, day)
    return *understood(asked, ground), wording


def address(asked: Asked, **more: str | int | None) -> str:
    """Return the address of a query."""
    said = [*asked.pairs(), *((name, str(value)) for name, value in more.items() if value)]
    return f"{url_for('search.index')}?{urlencode(said)}" if said else url_for("search.index")


@blueprint.get("/search")
@allowed(Permission.VIEW_APPLICATIONS)
def index() -> Answer:
    asked, act = _asked(), request.args.get("do", "")
    saved = whole_number(request.args.get("saved"))
    if act.startswith("drop-"):
        return redirect(address(asked.without(whole_number(act[5:]) or 0), saved=saved), code=303)
    if act == "add":
        field = request.args.get("new", "")
        if field not in FIELDS:
            return _page(asked, [Problem("new", "search.err.choose_field")], is_draft=True), 422
        if len(asked.rows) >= MOST_CRITERIA:
            many = Problem("new", "search.err.many", {"n": len(asked.rows) + 1, "max": MOST_CRITERIA})
            return _page(asked, [many], is_draft=True), 422
        return redirect(f"{address(asked.with_one(field), saved=saved, draft=1)}#f-o{len(asked.rows) + 1}", code=303)
    if request.args.get("draft"):
        return _page(asked, [], is_draft=True)
    problems = _read(asked)[1]
    page = _page(asked, problems)
    return (page, 422) if problems else page


def _page(asked: Asked, problems: list[Problem], *, is_draft: bool = False) -> str:
    """Return the page; ``is_draft``: a criterion waits for its value, and nothing is looked for yet."""
    query, faults, wording = _read(asked)
    found: list[Found] = []
    if not faults and not is_draft:
        found = finding.find(query, current_user, now=here.now(), language=here.language())
        found = wording.ordered(found, query)
    opened, text = _opened(), urlencode(asked.pairs())
    shown_as: dict[str, list[str]] = {}
    for name, value in asked.pairs():
        shown_as.setdefault(name, []).append(value)
    page = paging.asked_for("search.index", len(found), size=PAGE, **_kept(shown_as, opened))
    shown = found[page.start : page.start + PAGE]
    return render_template(
        "search/page.html",
        problems=problems,
        asked=asked,
        asked_text=text,
        is_draft=is_draft,
        is_sound=not faults and not is_draft,
        is_anything=bool(asked.words or asked.rows or asked.as_of),
        criteria=[_criterion(number, row, wording) for number, row in enumerate(asked.rows, start=1)],
        fields=[(key, wording.field(key)) for key in FIELDS],
        columns=[(key, wording.field(key), key in (asked.columns or USUAL_COLUMNS)) for key in COLUMNS],
        sorts=[asked.sort[place] if place < len(asked.sort) else ("", "") for place in range(MOST_SORTS)],
        matches=[(each, word(f"search.match.{each}")) for each in ("all", "any")],
        directions=[("", word("queues.ascending")), ("desc", word("queues.descending"))],
        longest=LONGEST,
        told=list(wording.told(query)) if not faults else [],
        untold=[wording.field(key) for key in query.columns if not wording.is_told(key)],
        heads=[_head(key, asked, query, wording) for key in query.columns],
        rows=[_row(each, query, wording) for each in shown],
        found=len(found),
        page=page,
        files={kind: f"{url_for('.result', kind=kind)}?{text}" for kind in exporting.MEDIA_TYPES},
        saved=[_saved(row) for row in queries.saved(current_user)],
        opened=opened,
        typed={name: request.form.get(name, "") for name in ("act", "saved", "name", "is_shared")},
        shares_with="search.shared.exchange" if current_user.is_exchange else "search.shared.organisation",
        most=operations.MOST,
    )


def _kept(shown_as: dict[str, list[str]], opened: SavedQuery | None) -> dict[str, str | list[str]]:
    return {**shown_as, **({"saved": str(opened.id)} if opened is not None else {})}


def _opened() -> SavedQuery | None:
    """Return the kept query that the address names, if its reader finds it."""
    ident = whole_number(request.values.get("saved"))
    return next((row for row in queries.saved(current_user) if row.id == ident), None)


def _criterion(number: int, row: Any, wording: Wording) -> dict[str, Any]:
    field = FIELDS.get(row.field)
    operators = [(each, word(f"search.op.{each}")) for each in field.operators] if field else []
    if row.operator and row.operator not in dict(operators):
        operators = [*operators, (row.operator[:40], row.operator[:40])]  # what was typed stays to be seen
    choices = wording.choices.get(row.field, [])
    if field and field.kind is Kind.CHOICE and row.value and row.value not in dict(choices):
        choices = [*choices, (row.value, row.value[:40])]
    return {
        "number": number,
        "field": row.field,
        "words": wording.field(row.field) if field else row.field[:40] or "–",
        "kind": str(field.kind) if field else "text",
        "operators": operators,
        "operator": row.operator,
        "value": row.value,
        "other": row.other,
        "wants": VALUES.get(row.operator, 1),
        "choices": choices,
        "groups": [("", word("search.group.none")), *((each, each.upper()) for each in GROUPS)],
        "group": row.group,
    }


def _head(key: str, asked: Asked, query: Query, wording: Wording) -> dict[str, Any]:
    """Return the heading of a column: a link that sorts by it, or turns the order round."""
    is_first = bool(query.sort) and query.sort[0][0] == key
    way = ("descending" if query.sort[0][1] else "ascending") if is_first else None
    href = address(asked.sorted_by(key)) if wording.is_told(key) else ""
    return {"name": key, "words": wording.field(key), "href": href, "sort": way}


def _row(found: Found, query: Query, wording: Wording) -> dict[str, Any]:
    return {
        "number": found.number,
        "href": url_for("applications.hub", number=found.number),
        "state": found.state,
        "cells": [(key, wording.field(key), wording.cell(found, key)) for key in query.columns if key != "number"],
    }


def _saved(row: SavedQuery) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "is_shared": row.is_shared,
        "owner": row.owner.name,
        "changed_at": row.changed_at,
        "version": row.version,
        "href": f"{url_for('search.index')}?{row.asked}&saved={row.id}",
        "may_change": queries.may_change(row, current_user),
    }


@blueprint.post("/search")
@allowed(Permission.VIEW_APPLICATIONS)
def keep() -> Answer:
    """Keep the query of the page, or change one that is kept."""
    asked = _asked()
    try:
        opened = _act(asked)
    except (Invalid, Conflict) as refusal:
        db.session.rollback()
        return _page(asked, problems_of(refusal)), code_of(refusal)
    if opened is not None and request.form.get("act") == "rename":
        return redirect(_saved(opened)["href"], code=303)
    return redirect(address(asked, saved=opened.id if opened is not None else None), code=303)


def _act(asked: Asked) -> SavedQuery | None:
    """Do what was asked for; return the kept query that the page then shows as opened.

    Raises:
        Invalid: no act was chosen, the query is not sound, or the verb says so.
        Conflict: the kept query has changed meanwhile.
    """
    form, by, now = request.form, current_user, here.now()
    act, seen = form.get("act", ""), whole_number(form.get("seen"))
    if act not in ("save", "rename", "overwrite", "delete"):
        raise Invalid.at("", "search.err.no_act")
    text = urlencode(asked.pairs())
    if act in ("save", "overwrite") and (problems := _read(asked)[1]):
        raise Invalid(problems=problems)
    if act == "save":
        row = operations.save(form.get("name", ""), text, is_shared=bool(form.get("is_shared")), by=by, now=now)
    else:
        row = queries.one(whole_number(form.get("saved")), user=by, for_update=True)
        if act == "rename":
            operations.rename(row, form.get("name", ""), seen=seen, by=by, now=now)
        elif act == "overwrite":
            operations.overwrite(row, text, seen=seen, by=by, now=now)
        else:
            operations.delete(row, seen=seen, by=by, now=now)
    flash(word(f"search.done.{act}", name=row.name), "success")
    return row if act != "delete" else None


@blueprint.get("/search/result.<any(csv,xlsx):kind>")
@allowed(Permission.VIEW_APPLICATIONS, secured=True)
def result(kind: str) -> Answer:
    """Give everything that a query finds as a file; of one that is not sound the page says so."""
    asked = _asked()
    query, problems, wording = _read(asked)
    if problems:
        return redirect(address(asked), code=303)
    by, now = current_user, here.now()
    found = wording.ordered(finding.find(query, by, now=now, language=here.language()), query)
    content = exporting.written(kind, query, found, wording, by=by.name, now=now)
    transactions.between(writing=True)
    audit.record(
        "search_exported", "search", by=by.id, at=now, kind=kind, n=len(found), columns=list(query.columns),
        criteria=[f"{each.field.key} {each.operator}" for each in query.criteria],
        as_of=query.as_of.isoformat() if query.as_of else "",
    )  # fmt: skip
    name = f"search-{query.as_of or now.astimezone(ZONE).date()}.{kind}"
    return give(content, name, exporting.MEDIA_TYPES[kind])
