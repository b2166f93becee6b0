"""Signing in with an NCA key: the text to be signed, and the signature that comes back."""

from __future__ import annotations

from flask import make_response, request, session
from werkzeug.wrappers import Response

from app import db
from app.accounts import key_entrance
from app.accounts.views.entrance import let_in, login_page
from app.accounts.views.frame import Answer, blueprint
from app.errors import Conflict, Invalid, Problem
from app.permissions import Permission
from app.web import here, transactions
from app.web.access import allowed

_TEXT = "key_challenge"


@blueprint.get("/login/key/challenge")
@allowed(Permission.PUBLIC)
def key_challenge() -> Response:
    """Give this browser, and no other, a text to be signed."""
    session[_TEXT] = key_entrance.challenge(request.host, now=here.now())
    answer = make_response(session[_TEXT])
    answer.mimetype = "text/plain"
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.post("/login/key")
@allowed(Permission.PUBLIC)
def enter_by_key() -> Answer:
    """Verify what was signed, then let its signer in; nobody waits for the database while it is verified."""
    text, now = session.pop(_TEXT, ""), here.now()
    try:
        key_entrance.require_standing(text, request.host, now=now)
        transactions.between(writing=False)
        report = key_entrance.judge(_given(), text, now=now)
        transactions.between(writing=True)
        user = key_entrance.enter(report, text, address=request.remote_addr or "", now=now)
    except Invalid as refusal:
        db.session.rollback()
        return login_page(list(refusal.problems), ""), 422
    except Conflict as refusal:
        db.session.commit()  # that somebody tried, and that the text is used, stays
        return login_page([Problem("cms", refusal.key, refusal.params)], ""), 422
    return let_in(user, way="key", place_id=key_entrance.place_of(user, report))


def _given() -> bytes:
    """Return the signature as the agent gives it: PEM or base64, which the engine reads both."""
    return request.form.get("cms", "").strip().encode()
