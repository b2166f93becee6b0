"""The page of a stage saves by itself: what was typed since it last did, answered in JSON.

Nothing but the answers changes: no status, no history, no message to anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask, current_app, jsonify, request
from flask_login import current_user
from flask_wtf.csrf import CSRFError, generate_csrf
from werkzeug.wrappers import Response

from app import db
from app.applications import answering, merging, queries
from app.applications.answering import Autosaved, TooOften, Typed
from app.applications.merging import LONGEST_KEY
from app.applications.models import Application
from app.applications.views import frame, meanwhile
from app.applications.views.frame import blueprint
from app.applications.views.meanwhile import Named
from app.errors import AppError, NotFound
from app.permissions import Permission
from app.web import here
from app.web.access import allowed
from app.web.errors import code_of
from app.web.inputs import judges_signs, whole_number
from app.web.templating import ZONE, date_time_text, word

OWN = frozenset({"csrf_token", "revision", "key", "unsure", "user"})
"""What the page says of its save beside what was typed."""

Said = tuple[Response, int]


def register(app: Flask) -> None:
    """Let ``autosave`` tell somebody whose session has ended from somebody whose page is old: both lack the token."""
    app.extensions["csrf"].exempt(autosave)


@blueprint.get("/applications/<number>/stages/<stage>/autosave")
@allowed(Permission.FILE, Permission.PROCESS)
def autosave_state(number: str, stage: str) -> Said:
    """Say who is signed in now and what stands in the stage, so that a page can take its saves up again."""
    application = frame.one(number)
    if stage not in queries.procedure(application).stages or not frame.may_enter(application, current_user, stage):
        raise NotFound
    newest = queries.latest(application, stage)
    state = {"user": current_user.id, "csrf_token": generate_csrf(), "revision": newest.revision if newest else 0}
    return jsonify(state), 200


@blueprint.post("/applications/<number>/stages/<stage>/autosave")
@allowed(Permission.FILE, Permission.PROCESS)
@judges_signs
def autosave(number: str, stage: str) -> Said:
    try:
        current_app.extensions["csrf"].protect()
    except CSRFError:
        return _refusal("stale", word("err.stale_page"), 400)
    if request.form.get("user") != str(current_user.id):
        # The code of what is not there: one who guesses at addresses learns nothing of them here.
        return _refusal("other_user", word("answers.err.other_user"), 404)
    key = request.form.get("key", "")
    if not key or len(key) > LONGEST_KEY:
        return _refusal("key", word("err.request"), 400)
    try:
        application = frame.one(number, for_update=True)
        if stage not in queries.procedure(application).stages:
            raise NotFound
        frame.require_filled_here(application, stage)
        done = answering.autosave(application, stage, _typed(), key=key, by=current_user, now=here.now())
    except TooOften as refusal:
        db.session.rollback()
        return _refusal("too_often", word(refusal.key), 429)
    except AppError as refusal:
        db.session.rollback()
        return _refusal("refused", word(refusal.key, **refusal.params), code_of(refusal))
    return jsonify(_told(application, stage, done)), 200


def _refusal(error: str, said: str, code: int) -> Said:
    return jsonify({"error": error, "said": said}), code


def _typed() -> Typed:
    raw = {name: texts for name, texts in request.form.lists() if name not in OWN}
    unsure = frozenset(request.form.get("unsure", "").split())
    return Typed(raw, seen=whole_number(request.form.get("revision")) or 0, unsure=unsure)


def _told(application: Application, stage: str, done: Autosaved) -> dict[str, Any]:
    """Return what the page must know: where it stands now, what came from others, what is to be chosen."""
    row = done.row
    at = row.at if row else here.now()
    told: dict[str, Any] = {
        "revision": row.revision if row else 0,
        "at": date_time_text(at),
        "said": word("msg.autosaved", time=f"{at.astimezone(ZONE):%H:%M}"),
        "merged": [],
        "reload": [],
        "sentences": [],
        "conflicts": [],
        "faults": [{"path": problem.path, "text": word(problem.key, **problem.params)} for problem in done.faults],
    }
    if row is None or not (done.theirs or done.clashes):
        return told
    names = meanwhile.named(application, stage, done.values)
    until = row.revision - 1 if done.mine else row.revision
    authors = merging.who_changed(application, stage, done.since, until)
    brought = {change.path: change.kind for change in done.theirs}
    changed = {path: author for path, author in authors.items() if path in brought}
    told["sentences"] = meanwhile.sentences(application, stage, changed, names)
    for path, kind in brought.items():
        known = names.get(path)
        if known is not None and known.field is not None and known.field.kind.typed:
            words = meanwhile.said_in(application, known, done.values.unread.get(path))
            told["merged"].append({"path": path, "inputs": _boxes(done, path, known), "text": words})
        else:
            told["reload"].append({"path": path, "kind": kind})
    told["conflicts"] = [
        {
            "path": clash.path,
            "kind": clash.kind,
            "label": names[clash.path].label if clash.path in names else "",
            "theirs": meanwhile.said_in(application, names[clash.path], done.values.unread.get(clash.path))
            if clash.kind == "field" and clash.path in names
            else "",
            "by": meanwhile.by_words(authors, clash.path, row),
            "inputs": _boxes(done, clash.path, names[clash.path]) if clash.path in names else {},
        }
        for clash in done.clashes
    ]
    return told


def _boxes(done: Autosaved, path: str, known: Named) -> Mapping[str, str]:
    if known.field is None:
        return {}
    return meanwhile.boxes(known.field, path, known.value, done.values.unread.get(path))
