"""The page «Тапсырмалар» of the demonstration: what to try, as whom, and where one sees that it worked (ESRV-4)."""

from __future__ import annotations

from flask import Blueprint, render_template

from app.demo.people import PASSWORD, PEOPLE
from app.errors import NotFound
from app.permissions import Permission
from app.web import here
from app.web.access import allowed

blueprint = Blueprint("demo", __name__)

TASKS: tuple[tuple[str, str, str], ...] = (
    ("fill", "issuer", "/procedures"),
    ("approve", "first_head", "/"),
    ("register", "chancery", "/registration"),
    ("review", "listing", "/queue"),
    ("meeting", "secretary", "/meetings"),
    ("extract", "issuer", "/outputs"),
    ("users", "issuer", "/users"),
)
"""What to do, as which account of the demo, and where it begins."""


@blueprint.get("/demo/tasks")
@allowed(Permission.PUBLIC)
def tasks() -> str:
    if not here.config().is_demo:
        raise NotFound
    emails = {person.key: person.email for person in PEOPLE}
    rows = [{"key": key, "email": emails[who], "href": href} for key, who, href in TASKS]
    return render_template("demo/tasks.html", rows=rows, password=PASSWORD)
