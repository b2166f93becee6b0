"""A table of a spreadsheet taken into a group: given, looked at, confirmed."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from app import db, spreadsheets
from app.applications import answering, importing, queries
from app.applications.answering import StageConflict
from app.applications.importing import Table, Target
from app.applications.models import Application
from app.applications.views import frame
from app.applications.views.exporting import XLSX
from app.applications.views.frame import Answer, blueprint
from app.applications.views.questionnaires import require_writable
from app.errors import Invalid, Problem
from app.forms import tabular
from app.forms.headings import Column
from app.forms.tabular import Row
from app.permissions import Permission
from app.web import here
from app.web.access import allowed
from app.web.errors import problems_of
from app.web.giving import give
from app.web.inputs import whole_number
from app.web.templating import word


def _goal(number: str, stage: str, *, for_update: bool = False) -> tuple[Application, Target]:
    application = frame.one(number, for_update=for_update)
    require_writable(application, stage)
    return application, importing.target(application, stage, request.values.get("group", ""))


@blueprint.get("/applications/<number>/stages/<stage>/table")
@allowed(Permission.FILE, Permission.PROCESS)
def table_page(number: str, stage: str) -> Answer:
    application, goal = _goal(number, stage)
    return _page(application, stage, goal)


@blueprint.get("/applications/<number>/stages/<stage>/table/template.xlsx")
@allowed(Permission.FILE, Permission.PROCESS)
def table_template(number: str, stage: str) -> Response:
    _application, goal = _goal(number, stage)
    name = f"{goal.group.label[here.language()]}.xlsx"
    return give(importing.template(goal, here.language(), now=here.now()), name, XLSX)


@blueprint.get("/applications/<number>/stages/<stage>/table/template.csv")
@allowed(Permission.FILE, Permission.PROCESS)
def table_template_csv(number: str, stage: str) -> Response:
    _application, goal = _goal(number, stage)
    name = f"{goal.group.label[here.language()]}.csv"
    return give(importing.template_csv(goal, here.language()), name, "text/csv; charset=utf-8")


@blueprint.post("/applications/<number>/stages/<stage>/table")
@allowed(Permission.FILE, Permission.PROCESS)
def take_table(number: str, stage: str) -> Answer:
    """Show what a table would bring, or store it; the page carries the table in between."""
    application, goal = _goal(number, stage, for_update=True)
    table: Table | None = None
    try:
        table = _given(goal)
        if "take" not in request.form:
            return _page(application, stage, goal, table)
        taken = importing.take(
            application,
            stage,
            goal.path,
            table,
            how=request.form.get("how", importing.APPEND),
            seen=whole_number(request.form.get("revision")) or 0,
            by=current_user,
            now=here.now(),
            language=here.language(),
        )
    except (StageConflict, Invalid) as refusal:
        db.session.rollback()
        application, goal = _goal(number, stage)
        drawn = _page(application, stage, goal, table, problems_of(refusal))
        return drawn, 409 if isinstance(refusal, StageConflict) else 422
    flash(word("table.taken", n=taken), "success")
    return redirect(f"{url_for('.stage_page', number=number, stage=stage)}#f-{goal.path}", code=303)


def _given(goal: Target) -> Table:
    """Return the table that came: a file, pasted words, or the one that the page carried with what was mended."""
    file = request.files.get("file")
    if file is not None and file.filename:
        return importing.uploaded(file.filename, file.read(spreadsheets.LARGEST_FILE + 1), goal)
    carried = request.form.get("table")
    if carried is None:
        return importing.pasted(request.form.get("text", ""), goal)
    lines = _carried(carried)
    importing.require_bounds(lines, goal)
    width = max(map(len, lines))
    for name, words in request.form.items():
        kind, _, place = name.partition("-")
        line, _, column = place.partition("-")
        at, across = whole_number(line), whole_number(column)
        if kind != "cell" or at is None or across is None or not 0 < at <= len(lines) or across >= width:
            continue
        lines[at - 1] += [""] * (across + 1 - len(lines[at - 1]))
        lines[at - 1][across] = words
    known = {column.key for column in goal.columns}
    chosen = [request.form.get(f"column-{place}", "") for place in range(width)]
    chosen = [key if key in known else "" for key in chosen]
    return Table(lines, chosen, "headed" in request.form, request.form.get("sheet", ""))


def _carried(text: str) -> list[list[str]]:
    try:
        return [list(line) for line in csv.reader(io.StringIO(text, newline=""))]
    except csv.Error:
        raise Invalid.at("text", "table.err.no_text") from None


def _carry(lines: Sequence[Sequence[str]]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([line or [""] for line in lines])
    return out.getvalue()


def _page(
    application: Application,
    stage: str,
    goal: Target,
    table: Table | None = None,
    problems: Sequence[Problem] = (),
) -> str:
    language = here.language()
    newest = queries.latest(application, stage)
    seen = whole_number(request.form.get("revision"))
    context: dict[str, Any] = {
        "stage": stage,
        "stage_title": queries.procedure(application).stages[stage].title[language],
        "group": {"path": goal.path, "label": goal.group.label[language], "most": goal.group.max_entries},
        "standing": goal.standing,
        "files": goal.files,
        "how": request.form.get("how", importing.APPEND),
        "apart": ", ".join(asked.label[language] for asked in goal.not_in_a_table),
        "revision": (newest.revision if newest else 0) if seen is None or problems else seen,
        "fields": [(column.key, column.title(language)) for column in goal.columns],
        "text": request.form.get("text", ""),
        "look": None,
        "problems": [_labelled(problem, table, goal, language) for problem in problems],
    }
    if table is not None:
        context |= _looked(application, stage, table, goal, language)
    return render_template("applications/table.html", **frame.head(application), **context)


def _labelled(problem: Problem, table: Table | None, goal: Target, language: str) -> dict[str, str]:
    """Return a problem with the row and the column it is about."""
    kind, _, place = problem.path.partition("-")
    label = ""
    if kind == "cell" and table is not None:
        line, _, column = place.partition("-")
        titles = {each.key: each.title(language) for each in goal.columns}
        label = f"{word('table.line')} {line}, {titles.get(table.chosen[int(column)], '')}"
    return {"path": problem.path, "label": label, "text": word(problem.key, **problem.params)}


def _looked(application: Application, stage: str, table: Table, goal: Target, language: str) -> dict[str, Any]:
    """Return what the page says of a table: its columns, the rows as they were read, the cells that will not do."""
    columns = {column.key: column for column in goal.columns}
    once = [key if key not in table.chosen[:place] else "" for place, key in enumerate(table.chosen)]
    table = replace(table, chosen=once) if once != table.chosen else table
    how = request.form.get("how", importing.APPEND)
    found = importing.look(application, stage, table, goal, how=how, language=language)
    names = answering.choices(application, language)
    shown = [place for place, key in enumerate(table.chosen) if key]
    missing = tabular.lost(goal.columns, table.chosen)
    places = [
        {"place": place, "chosen": key, "first": table.lines[0][place] if place < len(table.lines[0]) else ""}
        for place, key in enumerate(table.chosen)
    ]
    return {
        "look": found,
        "table": _carry(table.lines),
        "sheet": table.sheet,
        "others": ", ".join(table.others),
        "is_headed": table.is_headed,
        "places": places,
        "unknown": ", ".join(_name(at, table) for at in places if not at["chosen"] and _says_anything(table, at)),
        "heads": [columns[table.chosen[place]].title(language) for place in shown],
        "rows": [
            {
                "line": row.line,
                "cells": [_cell(row, place, columns[table.chosen[place]], table, language, names) for place in shown],
            }
            for row in found.rows
        ],
        "missing": ", ".join(said.words[language] for said in missing),
    }


def _says_anything(table: Table, at: dict[str, Any]) -> bool:
    return any(line[at["place"]].strip() for line in table.lines if at["place"] < len(line))


def _name(at: dict[str, Any], table: Table) -> str:
    """Return what a column of the table is called there: by its heading, else by its number."""
    heading = " ".join(at["first"].split()) if table.is_headed else ""
    return f"«{heading}»" if heading else word("table.column_n", n=at["place"] + 1)


def _cell(row: Row, place: int, column: Column, table: Table, language: str, names: Any) -> dict[str, Any]:
    fault, note = row.faults.get(place), row.notes.get(place)
    line = table.lines[row.line - 1]
    typed = line[place] if place < len(line) else ""
    value = row.values.get(column.field.key)
    if column.part:
        words = column.field.entry(value, column.part)
    else:
        words = column.field.text(value, language, dict(names.get(column.field.source or "", ())))
    return {
        "name": f"cell-{row.line}-{place}",
        "typed": typed,
        "text": words,
        "fault": word(fault.key, **fault.params) if fault else "",
        "note": word(note.key, **note.params) if note else "",
    }
