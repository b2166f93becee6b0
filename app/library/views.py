"""The tabs «Нормативтік база» and «Биржа инсайдерлері»."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Flask, render_template, request

from app.library import queries
from app.library.queries import NORM_KINDS
from app.permissions import Permission
from app.web import here
from app.web.access import allowed
from app.web.templating import ZONE, word

blueprint = Blueprint("library", __name__)


def register(app: Flask) -> None:
    """Give ``app`` the screens of the library."""
    app.register_blueprint(blueprint)


@blueprint.get("/norms")
@allowed(Permission.VIEW_LIBRARY)
def norms() -> str:
    query = request.args.get("q", "").strip()[:100]
    found = queries.norms(query)
    language = here.language()
    groups = [
        {
            "key": f"norm.{kind}",
            "documents": [
                {
                    "title": getattr(item, f"title_{language}"),
                    "number": item.reference,
                    "edition": item.edition,
                    "url": item.source,
                }
                for item in found
                if item.kind == kind
            ],
        }
        for kind in NORM_KINDS
    ]
    return render_template("library/norms.html", groups=groups, query=query)


@blueprint.get("/insiders")
@allowed(Permission.VIEW_LIBRARY)
def insiders() -> str:
    today = here.now().astimezone(ZONE).date()
    try:
        day = date.fromisoformat(request.args.get("on", ""))
    except ValueError:
        day = today
    language = here.language()
    people = [
        {
            "name": item.name,
            "position": getattr(item, f"position_{language}"),
            "since": item.since,
            "until": item.until,
        }
        for item in queries.insiders(day)
    ]
    return render_template(
        "library/insiders.html", people=people, as_of=day.isoformat(), ground=word("insiders.ground")
    )
