"""The tab «Хабарламалар»; in the demo also the page of mails."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from app.errors import NotFound
from app.notifications import operations, queries
from app.permissions import Permission
from app.web import here, paging
from app.web.access import allowed
from app.web.inputs import whole_number

blueprint = Blueprint("notifications", __name__)

PAGE = 50


def register(app: Flask) -> None:
    """Give ``app`` the screens of messages and every page its count of unread ones."""
    app.register_blueprint(blueprint)

    @app.context_processor
    def _unread() -> dict[str, int]:
        return {"unread": queries.unread(current_user.id) if current_user.is_authenticated else 0}


def rows(user_id: int, *, limit: int, offset: int = 0) -> list[dict[str, Any]]:
    """Return the user's messages as a list shows them."""
    language = here.language()
    return [
        {
            "id": item.id,
            "procedure": item.procedure.get(language, ""),
            "text": operations.words(item.message, item.params, language),
            "executor": item.executor.get(language, ""),
            "author": item.author,
            "at": item.at,
            "number": item.application_number,
            "href": f"/applications/{item.application_number}" if item.application_number else "",
            "unread": item.read_at is None,
            "action_required": item.action_required,
        }
        for item in queries.of(user_id, limit=limit, offset=offset)
    ]


@blueprint.get("/notifications")
@allowed(Permission.OWN_CABINET)
def index() -> str:
    page = paging.asked_for(".index", queries.count(current_user.id), size=PAGE)
    found = rows(current_user.id, limit=page.size, offset=page.start)
    return render_template("notifications/list.html", rows=found, page=page)


@blueprint.post("/notifications/read")
@allowed(Permission.OWN_CABINET)
def read() -> Response:
    chosen = [found for value in request.form.getlist("id") if (found := whole_number(value)) is not None]
    operations.mark_read(current_user.id, now=here.now(), ids=chosen or None)
    return redirect(url_for(".index"), code=303)


@blueprint.get("/demo/mail")
@allowed(Permission.PUBLIC)
def demo_mail() -> str:
    if not here.config().is_demo:
        raise NotFound
    page = paging.asked_for(".demo_mail", queries.count_mails(), size=PAGE)
    mails = queries.mails(limit=page.size, offset=page.start)
    return render_template("notifications/demo_mail.html", mails=mails, page=page)
