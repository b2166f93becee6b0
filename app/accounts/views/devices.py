"""The page that a picture leads to: one's other device, on which a security session is confirmed."""

from __future__ import annotations

from flask import render_template, request
from flask_login import current_user
from werkzeug.wrappers import Response

from app import db
from app.accounts import second_devices
from app.accounts.models import DeviceRequest
from app.accounts.views.frame import Answer, blueprint, login_session
from app.accounts.views.gate import prove
from app.errors import Conflict, Invalid, NotFound, Problem
from app.permissions import Permission
from app.web import clock
from app.web.access import allowed


@blueprint.get("/confirm/<token>")
@allowed(Permission.OWN_CABINET)
def device(token: str) -> Answer:
    """Show what is to be confirmed, or why it cannot be."""
    try:
        row = second_devices.on_other_device(login_session(), token, now=clock.unmoved())
    except (Conflict, NotFound) as refusal:
        return _refused(refusal)
    return _page(row, token)


@blueprint.post("/confirm/<token>")
@allowed(Permission.OWN_CABINET)
def answer_device(token: str) -> Answer | Response:
    """Confirm by the number, after a code if none has been typed on this device yet; or refuse."""
    session, now = login_session(), clock.unmoved()
    try:
        row = second_devices.on_other_device(session, token, now=now)
        if request.form.get("answer") == "no":
            second_devices.refuse(session, token, now=now)
            return _page(None, token, done="refused")
        asked = prove(row.is_fresh)
        if asked is not None:
            return asked
        second_devices.confirm(session, token, request.form.get("number", ""), now=now)
    except Invalid as refusal:
        db.session.commit()  # that the number was wrong stays
        return _page(None, token, problems=[Problem("", each.key, each.params) for each in refusal.problems]), 422
    except (Conflict, NotFound) as refusal:
        db.session.rollback()
        return _refused(refusal)
    return _page(None, token, done="confirmed")


def _refused(refusal: Conflict | NotFound) -> tuple[str, int]:
    if isinstance(refusal, NotFound):
        return _page(None, "", problems=[Problem("", "device.err.wrong_link")]), 404
    return _page(None, "", problems=[Problem("", refusal.key, refusal.params)]), 409


def _page(row: DeviceRequest | None, token: str, *, done: str = "", problems: list[Problem] | None = None) -> str:
    return render_template(
        "accounts/device.html",
        row=row,
        action=second_devices.path(token),
        numbers=second_devices.numbers(row) if row else [],
        is_proved=row is not None
        and second_devices.has_proved(login_session(), fresh=row.is_fresh, now=clock.unmoved()),
        owner=current_user.full_name,
        done=done,
        problems=problems or [],
    )
