"""The tab «Хабарламалар»: the list with its filters, reading, and what is new since the page was opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Response as FlaskResponse
from flask import jsonify, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from app.notifications import operations, queries
from app.notifications.models import Mail, Notification
from app.notifications.queries import ALL, Filter
from app.notifications.views.frame import blueprint
from app.permissions import Permission
from app.web import here, paging
from app.web.access import allowed
from app.web.inputs import whole_number
from app.web.templating import date_time_text, word

PAGE = 50
MOST_NEWS = 3
"""So many new messages are told at once in a page; of more than that only how many there are."""


def rows(user_id: int, *, limit: int, offset: int = 0, only: Filter = ALL) -> list[dict[str, Any]]:
    """Return the user's messages as a list shows them."""
    found = queries.of(user_id, limit=limit, offset=offset, only=only)
    mails = queries.mails_of(row.message_id for row in found)
    return [{**_row(row), **_delivery(row, mails.get(row.message_id))} for row in found]


def _row(row: Notification) -> dict[str, Any]:
    language = here.language()
    number = row.application_number
    return {
        "id": row.id,
        "procedure": row.procedure.get(language, ""),
        "text": operations.words(row.message, row.params, language),
        "executor": row.executor.get(language, ""),
        "author": row.author,
        "company": row.company.get(language, ""),
        "at": row.at,
        "number": number,
        "href": f"/applications/{number}" if number else row.path,
        "unread": row.read_at is None,
        "action_required": row.action_required,
    }


def _delivery(row: Notification, mail: Mail | None) -> dict[str, str]:
    """Return how a message was told beside the cabinet: a word for it and the sentence."""
    if mail is not None:
        state, at = mail.state, date_time_text(mail.sent_at)
    else:  # what was read in the cabinet is in no digest
        state, at = row.channel if row.channel == "cabinet" or row.read_at is None else "", ""
    if state == "at_once":  # of before mails were remembered with their messages
        state = ""
    return {"delivery": state, "delivery_text": word(f"notices.mail.{state}", at=at) if state else ""}


@blueprint.get("/notifications")
@allowed(Permission.OWN_CABINET)
def index() -> str:
    user_id = current_user.id
    only = _only()
    query = _query(only)
    page = paging.asked_for(".index", queries.count(user_id, only=only), size=PAGE, **query)
    return render_template(
        "notifications/list.html",
        rows=rows(user_id, limit=page.size, offset=page.start, only=only),
        page=page,
        only=only,
        query=query,
        applications=queries.applications_of(user_id),
        is_live=page.number == 1 and not only,
    )


def _only() -> Filter:
    return Filter(
        unread=request.args.get("unread") == "yes",
        action_required=request.args.get("action") == "yes",
        application=request.args.get("application", "").strip()[:20],
    )


def _query(only: Filter) -> dict[str, str | list[str]]:
    found: dict[str, str | list[str]] = {}
    if only.unread:
        found["unread"] = "yes"
    if only.action_required:
        found["action"] = "yes"
    if only.application:
        found["application"] = only.application
    return found


@blueprint.post("/notifications/read")
@allowed(Permission.OWN_CABINET)
def read() -> Response:
    chosen = [found for value in request.form.getlist("id") if (found := whole_number(value)) is not None]
    wants_all = not request.form.getlist("id")
    operations.mark_read(current_user.id, now=here.now(), ids=None if wants_all else chosen)
    query = urlencode(_query(_only()), doseq=True)
    return redirect(f"{url_for('.index')}?{query}" if query else url_for(".index"), code=303)


@blueprint.get("/notifications/since")
@allowed(Permission.OWN_CABINET)
def since() -> FlaskResponse:
    """Say how many messages are unread, and the newest that came after the one of ``id``; 304 while nothing changed.

    A page asks every half minute, one for all the tabs of a browser (static/js/news.js).
    """
    user_id = current_user.id
    standing = queries.news(user_id)
    tag = f"{user_id}-{standing.last}-{standing.unread}-{here.language()}"
    if request.if_none_match.contains_weak(tag):
        answer = FlaskResponse(status=304)
    else:
        seen = whole_number(request.args.get("id"))
        fresh = queries.after(user_id, seen, limit=MOST_NEWS + 1) if seen is not None else ()
        answer = jsonify({"last": standing.last, "unread": standing.unread, "news": _news(fresh)})
    answer.set_etag(tag, weak=True)
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.vary.add("Cookie")
    return answer


def _news(fresh: Sequence[Notification]) -> list[dict[str, Any]]:
    if len(fresh) > MOST_NEWS:
        return [{"id": fresh[0].id, "text": word("notices.several"), "about": "", "href": url_for(".index")}]
    found = []
    for shown in map(_row, fresh):
        about = " · ".join(part for part in (shown["number"], shown["procedure"]) if part)
        href = shown["href"] or url_for(".index")
        found.append({"id": shown["id"], "text": shown["text"], "about": about, "href": href})
    return found
