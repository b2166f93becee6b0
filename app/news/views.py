"""The page of announcements and contacts, open to everybody; what other pages show of them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from app.accounts import queries as people
from app.errors import Invalid, Problem
from app.news import operations, queries
from app.news.models import KINDS, Announcement
from app.permissions import Permission
from app.terms import LANGUAGES
from app.web import here, paging, transactions
from app.web.access import allowed
from app.web.inputs import day
from app.web.templating import BOARD, ZONE, word

blueprint = Blueprint("news", __name__)
Answer = str | Response | tuple[str, int]

PAGE = 20


def register(app: Flask) -> None:
    """Give ``app`` the page, and every page the contacts that hold and what is new."""
    app.register_blueprint(blueprint)
    app.extensions[BOARD] = Board()


class Board:
    """What the frame of every page and the home page ask."""

    def contacts(self) -> dict[str, Any] | None:
        """Return the contacts that hold today, None where none were announced."""
        return queries.contacts(here.now().astimezone(ZONE).date())

    def fresh(self) -> list[dict[str, Any]]:
        """Return what was announced lately, in the language of the page."""
        return [_row(row) for row in queries.fresh(here.now())]


def _row(row: Announcement) -> dict[str, Any]:
    language = here.language()
    return {
        "id": row.id,
        "kind": row.kind,
        "title": row.titles[language],
        "text": row.texts[language],
        "contacts": row.contacts,
        "holds_from": row.holds_from,
        "at": row.at,
    }


@blueprint.get("/news")
@allowed(Permission.PUBLIC)
def index() -> Answer:
    return _page([])


def _page(problems: list[Problem]) -> str:
    page = paging.asked_for("news.index", queries.count(), size=PAGE)
    may_announce = current_user.is_authenticated and current_user.may(Permission.ANNOUNCE)
    return render_template(
        "news/list.html",
        rows=[_row(row) for row in queries.newest(start=page.start, most=PAGE)],
        page=page,
        may_announce=may_announce,
        kinds=[(kind, word(f"news.kind.{kind}")) for kind in KINDS],
        typed=request.form,
        problems=problems,
    )


@blueprint.post("/news")
@allowed(Permission.ANNOUNCE)
def announce() -> Answer:
    form = request.form
    try:
        operations.announce(
            kind=form.get("kind", ""),
            titles={code: form.get(f"title_{code}", "") for code in LANGUAGES},
            texts={code: form.get(f"text_{code}", "") for code in LANGUAGES},
            phones=form.get("phones", "").splitlines()[:5],
            email=form.get("email", ""),
            holds_from=day(form.get("holds_from")),
            by=people.by_id(current_user.id),
            now=here.now(),
        )
    except Invalid as refusal:
        transactions.between(writing=False)
        return _page(list(refusal.problems)), 422
    flash(word("news.announced"), "success")
    return redirect(url_for(".index"), code=303)
