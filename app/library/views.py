"""The tabs «Нормативтік база» and «Биржа инсайдерлері»; their pages for whoever keeps them."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from app import db
from app.accounts import queries as accounts
from app.accounts.models import User
from app.errors import Invalid, NotFound, Problem
from app.library import clauses, exporting, operations, queries
from app.library.inputs import EditionInput, InsiderInput, NormInput
from app.library.models import Norm, NormEdition
from app.library.operations import Upload
from app.library.queries import NORM_KINDS, Found
from app.permissions import Permission
from app.terms import LANGUAGES
from app.web import here
from app.web.access import allowed
from app.web.giving import give
from app.web.inputs import day as typed_day
from app.web.templating import ZONE, word

blueprint = Blueprint("library", __name__)
Answer = str | Response | tuple[str, int]

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def register(app: Flask) -> None:
    """Give ``app`` the screens of the library."""
    app.register_blueprint(blueprint)


def _today() -> date:
    return here.now().astimezone(ZONE).date()


def _as_of() -> date:
    return typed_day(request.args.get("on")) or _today()


def _keeper() -> User:
    return accounts.by_id(current_user.id)


def _title(norm: Norm) -> str:
    found: str = getattr(norm, f"title_{here.language()}")
    return found


# The normative base


@blueprint.get("/norms")
@allowed(Permission.VIEW_LIBRARY)
def norms() -> str:
    query, day = request.args.get("q", "").strip()[:100], _as_of()
    if query:
        found = queries.search(query, day)
    else:
        found = [Found(norm, queries.edition_on(norm, day), ()) for norm in queries.norms()]
    begun = clauses.beginnings(query)
    groups = [
        {"key": f"norm.{kind}", "documents": [_document(item, begun) for item in found if item.norm.kind == kind]}
        for kind in NORM_KINDS
    ]
    return render_template(
        "library/norms.html",
        groups=groups,
        query=query,
        as_of=day.isoformat(),
        on=request.args.get("on", "") and day.isoformat(),
        is_cut=any(item.is_cut for item in found),
        may_edit=current_user.may(Permission.EDIT_LIBRARY),
    )


def _document(found: Found, begun: list[str]) -> dict[str, Any]:
    """Return an act as the list shows it; of the clauses found first those in the reader's language."""
    edition = found.edition
    mine = [row for row in found.clauses if row.language == here.language()] or found.clauses
    return {
        "key": found.norm.key,
        "title": _title(found.norm),
        "number": found.norm.reference,
        "edition": edition.starts_on if edition and not edition.is_repeal else None,
        "repealed": edition.starts_on if edition and edition.is_repeal else None,
        "url": edition.source if edition else "",
        "clauses": [
            {
                "anchor": row.anchor,
                "number": row.number,
                "language": row.language,
                "pieces": list(clauses.marked(row.words.removeprefix(row.number).lstrip(".) "), begun)),
            }
            for row in mine[:5]
        ],
        "more": max(0, len(mine) - 5),
    }


@blueprint.get("/norms/<key>")
@allowed(Permission.VIEW_LIBRARY)
def norm(key: str) -> str:
    """Show an act as it was in force on a day: an application's links name the application's."""
    row, day = queries.by_key(key), _as_of()
    return _norm_page(row, queries.edition_on(row, day), day)


@blueprint.get("/norms/<key>/editions/<int:ident>")
@allowed(Permission.VIEW_LIBRARY)
def edition(key: str, ident: int) -> str:
    row = queries.by_key(key)
    found = queries.edition(row, ident)
    return _norm_page(row, found, found.starts_on)


def _norm_page(row: Norm, shown: NormEdition | None, day: date) -> str:
    present = queries.edition_on(row, _today())
    language = request.args.get("text", "")
    has = sorted({clause.language for clause in shown.clauses}, key=LANGUAGES.index) if shown else []
    if language not in has:
        language = here.language() if here.language() in has else (has[0] if has else "")
    return render_template(
        "library/norm.html",
        norm=row,
        title=_title(row),
        shown=shown,
        ends_on=queries.ends_on(row, shown) if shown else None,
        is_superseded=shown is not None and queries.edition_on(row, shown.starts_on) is not shown,
        is_present=shown is present,
        present=present,
        editions=sorted(row.editions, key=lambda each: (each.starts_on, each.id), reverse=True),
        clauses=[clause for clause in shown.clauses if clause.language == language] if shown else [],
        text_language=language,
        text_languages=has,
        as_of=day.isoformat(),
        may_edit=current_user.may(Permission.EDIT_LIBRARY),
    )


@blueprint.get("/norms/<key>/files/<int:ident>")
@allowed(Permission.VIEW_LIBRARY)
def norm_file(key: str, ident: int) -> Response:
    found = queries.file(queries.by_key(key), ident)
    return give(here.storage().get(found.sha256), found.name, found.media_type)


@blueprint.get("/norms/new")
@allowed(Permission.EDIT_LIBRARY)
def new_norm() -> Answer:
    return _norm_form([], NormInput(formdata=None))


@blueprint.post("/norms/new")
@allowed(Permission.EDIT_LIBRARY)
def add_norm() -> Answer:
    form = NormInput()
    if not form.validate():
        return _norm_form(form.problems(), form), 422
    try:
        row = operations.add_norm(
            by=_keeper(),
            key=form.key.data.strip(),
            kind=form.kind.data,
            titles={language: form[f"title_{language}"].data for language in LANGUAGES},
            reference=form.reference.data or "",
            now=here.now(),
        )
    except Invalid as refusal:
        db.session.rollback()
        return _norm_form(list(refusal.problems), form), 422
    flash(word("library.norm_added"), "success")
    return redirect(url_for(".new_edition", key=row.key), code=303)


def _norm_form(problems: list[Problem], form: NormInput) -> str:
    kinds = [(kind, word(f"norm.{kind}")) for kind in NORM_KINDS]
    return render_template("library/norm_form.html", problems=problems, typed=form.data, kinds=kinds)


@blueprint.get("/norms/<key>/editions/new")
@allowed(Permission.EDIT_LIBRARY)
def new_edition(key: str) -> Answer:
    return _edition_form(queries.by_key(key), [], EditionInput(formdata=None))


@blueprint.post("/norms/<key>/editions/new")
@allowed(Permission.EDIT_LIBRARY)
def add_edition(key: str) -> Answer:
    row, form = queries.by_key(key), EditionInput()
    problems = [] if form.validate() else form.problems()
    starts_on = typed_day(form.starts_on.data)
    if starts_on is None and not any(problem.path == "starts_on" for problem in problems):
        problems.append(Problem("starts_on", "err.date"))
    if problems or starts_on is None:
        return _edition_form(row, problems, form), 422
    try:
        made = operations.add_edition(
            row,
            by=_keeper(),
            starts_on=starts_on,
            texts={language: form[f"text_{language}"].data or "" for language in LANGUAGES},
            uploads=_uploads(),
            is_repeal=form.is_repeal.data,
            source=(form.source.data or "").strip(),
            note=form.note.data or "",
            storage=here.storage(),
            now=here.now(),
        )
    except Invalid as refusal:
        db.session.rollback()
        return _edition_form(queries.by_key(key), list(refusal.problems), form), 422
    flash(word("library.edition_added"), "success")
    return redirect(url_for(".edition", key=key, ident=made.id), code=303)


def _uploads() -> list[Upload]:
    given = [(language, request.files.get(f"file_{language}")) for language in LANGUAGES]
    return [Upload(language, file.filename, file.read()) for language, file in given if file and file.filename]


def _edition_form(row: Norm, problems: list[Problem], form: EditionInput) -> str:
    return render_template("library/edition_form.html", norm=row, title=_title(row), problems=problems, typed=form.data)


# The Exchange's insiders


@blueprint.get("/insiders")
@allowed(Permission.VIEW_LIBRARY)
def insiders() -> Answer:
    return _insiders_page([], InsiderInput(formdata=None))


def _insiders_page(problems: list[Problem], form: InsiderInput, *, ending: int = 0) -> str:
    day, language = _as_of(), here.language()
    may_edit = current_user.may(Permission.EDIT_LIBRARY)
    keeps_history = may_edit and request.args.get("all") == "yes"
    found = queries.every_insider() if keeps_history else queries.insiders(day)
    people = [
        {
            "id": item.id,
            "name": item.name,
            "position": getattr(item, f"position_{language}"),
            "since": item.since,
            "until": item.until,
        }
        for item in found
    ]
    return render_template(
        "library/insiders.html",
        people=people,
        as_of=day.isoformat(),
        ground=word("insiders.ground"),
        may_edit=may_edit,
        keeps_history=keeps_history,
        problems=problems,
        typed=form.data,
        ending=ending,
    )


@blueprint.post("/insiders/new")
@allowed(Permission.EDIT_LIBRARY)
def add_insider() -> Answer:
    form = InsiderInput()
    problems = [] if form.validate() else form.problems()
    since = typed_day(form.since.data)
    if since is None and not any(problem.path == "since" for problem in problems):
        problems.append(Problem("since", "err.date"))
    if problems or since is None:
        return _insiders_page(problems, form), 422
    positions = {language: form[f"position_{language}"].data for language in LANGUAGES}
    operations.add_insider(by=_keeper(), name=form.name.data, positions=positions, since=since, now=here.now())
    flash(word("library.insider_added"), "success")
    return redirect(url_for(".insiders"), code=303)


@blueprint.post("/insiders/<int:ident>/end")
@allowed(Permission.EDIT_LIBRARY)
def end_insider(ident: int) -> Answer:
    row, until = queries.insider(ident), typed_day(request.form.get("until"))
    try:
        if until is None:
            raise Invalid.at("until", "err.date")
        operations.end_insider(row, by=_keeper(), until=until, now=here.now())
    except Invalid as refusal:
        db.session.rollback()
        return _insiders_page(list(refusal.problems), InsiderInput(formdata=None), ending=ident), 422
    flash(word("library.insider_ended"), "success")
    return redirect(url_for(".insiders"), code=303)


@blueprint.get("/insiders.<kind>")
@allowed(Permission.VIEW_LIBRARY)
def export(kind: str) -> Response:
    day, language = _as_of(), here.language()
    people = queries.insiders(day)
    name = f"insiders-{day}.{kind}"
    if kind == "xlsx":
        return give(exporting.as_workbook(people, day, language, now=here.now()), name, XLSX)
    if kind == "csv":
        return give(exporting.as_csv(people, language), name, "text/csv")
    raise NotFound
