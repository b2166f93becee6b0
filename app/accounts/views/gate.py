"""The gate before guarded operations: it asks for a one-time code, and the operation goes on with what was typed.

The page that asks carries everything that was sent, and sends it again to the same address with the code: nothing is
kept here meanwhile, and nothing changes before.  It offers other ways too: a confirmation on another device of the
user, and, where it is offered, a code by mail.  Sessions and codes live in real time.
"""

from __future__ import annotations

from typing import Any

import segno
from flask import flash, jsonify, make_response, redirect, render_template, request, url_for
from flask_login import current_user, logout_user
from werkzeug.wrappers import Response

from app import db
from app.accounts import authenticators, mail_codes, policy, second_devices, security_sessions, sessions
from app.accounts.models import DeviceRequest
from app.accounts.views.frame import Answer, blueprint, login_session
from app.errors import Conflict, Invalid, NotFound, Problem
from app.permissions import Permission
from app.web import clock, here
from app.web.access import allowed, safe_next
from app.web.templating import word
from app.web.transactions import READING

CODE = "security_code"
WAY = "security_way"
"""Which other way was chosen: ``device``, ``mail``, or ``code`` to come back to typing one."""
DEVICE = "security_device"
"""The secret of the request that waits for another device."""
FRESH = "security_fresh"
OWN = (CODE, WAY, DEVICE, FRESH)
ACR = "urn:kezen:acr:one-time-code"


def gate(fresh: bool, always: bool = False) -> Response | None:
    """Answer a guarded request itself, or return None and let it pass; ``fresh``: a code given just now is needed.

    ``always``: of everybody, whatever the settings, and for this very act: no code that was given before will do.
    """
    is_asked = always or security_sessions.is_asked_of(current_user)
    if not is_asked and not (fresh and authenticators.has(current_user)):
        return None
    if WAY in request.form or DEVICE in request.form or CODE in request.form:
        return _answered(fresh)
    session, now = login_session(), clock.unmoved()
    if not always and security_sessions.is_open(session, now=now, fresh=fresh):
        if request.method not in READING:
            security_sessions.note_use(session, now=now)
        return None
    return _ask(fresh, [])


def prove(fresh: bool) -> Response | None:
    """As ``gate``, but only a code typed in this very session will do: no other device answers for it."""
    if WAY in request.form or CODE in request.form:
        return _answered(fresh, devices=False)
    if second_devices.has_proved(login_session(), fresh=fresh, now=clock.unmoved()):
        return None
    return _ask(fresh, [], devices=False)


def _answered(fresh: bool, *, devices: bool = True) -> Response | None:
    """Go the chosen way: None where the security session is open now, else the page that asks or waits."""
    way = request.form.get(WAY, "")
    if way == "mail":
        return _mailed(fresh, devices=devices)
    if way == "device" and devices:
        return _asked_device(fresh)
    if way != "code" and devices and DEVICE in request.form:
        return _by_device(fresh)
    if way == "code" or CODE not in request.form:
        return _ask(fresh, [], devices=devices)
    return _opened(request.form[CODE], fresh, devices=devices)


def _opened(code: str, fresh: bool, *, devices: bool) -> Response | None:
    """Open the security session, as an act of its own: what the operation does may yet be refused."""
    session = login_session()
    if not security_sessions.can_give_codes(current_user):
        return _ask(fresh, [Problem(CODE, "codes.err.none")], devices=devices)
    try:
        security_sessions.open_by_code(session, code, now=clock.unmoved())
    except Invalid as refusal:
        db.session.commit()  # the counted failure stays
        if session.ended_at is not None:
            logout_user()
            flash(word("codes.err.over"), "error")
            return redirect(url_for("accounts.login"), code=303)
        return _ask(fresh, list(refusal.problems), devices=devices)
    db.session.commit()
    return None


def _mailed(fresh: bool, *, devices: bool) -> Response:
    try:
        mail_codes.send(login_session(), now=clock.unmoved())
    except Conflict as refusal:
        db.session.rollback()
        return _ask(fresh, [Problem(CODE, refusal.key, refusal.params)], devices=devices)
    db.session.commit()
    return _ask(fresh, [], devices=devices, mailed_to=mail_codes.hint_of(current_user))


def _asked_device(fresh: bool) -> Response:
    row, token = second_devices.ask(login_session(), browser=_browser(), fresh=fresh, now=clock.unmoved())
    db.session.commit()
    return _challenged(fresh, _waiting(row, token, fresh, is_checked=False))


def _by_device(fresh: bool) -> Response | None:
    """Let the operation go on if the other device has confirmed; else wait on, or ask anew and say why."""
    session, token = login_session(), request.form[DEVICE]
    try:
        is_open = second_devices.use(session, token, browser=_browser(), now=clock.unmoved())
    except (Conflict, NotFound) as refusal:
        db.session.rollback()
        key = "device.err.wrong_link" if isinstance(refusal, NotFound) else refusal.key
        return _ask(fresh, [Problem("", key)])
    db.session.commit()
    if is_open:
        return None
    return _challenged(fresh, _waiting(second_devices.of_asker(session, token), token, fresh, is_checked=True))


def _browser() -> str:
    return sessions.browser_name(request.user_agent.string)


def _ask(fresh: bool, problems: list[Problem], *, devices: bool = True, mailed_to: str = "") -> Response:
    return _challenged(fresh, _page(fresh, problems, devices=devices, mailed_to=mailed_to))


def _challenged(fresh: bool, page: str) -> Response:
    """Return a page, or what a script is told, with the challenge of RFC 9470."""
    given = policy.rules().security_session
    minutes = given.fresh_minutes if fresh else given.absolute_minutes
    challenge = (
        'Bearer error="insufficient_user_authentication", error_description="A one-time code is required", '
        f'acr_values="{ACR}", max_age={minutes * 60}'
    )
    answer: Response
    if request.is_json or request.accept_mimetypes.best == "application/json":
        answer = jsonify({"code": "step_up_required", "acr_values": ACR, "max_age": minutes * 60})
    else:
        answer = make_response(page)
    answer.status_code = 401
    answer.headers["WWW-Authenticate"] = challenge
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _carried(fresh: bool) -> dict[str, Any]:
    """Return what goes on with the code; files cannot be carried, so with one the page before is led to and says so."""
    if request.endpoint == "accounts.open_security_session":
        target = safe_next(request.form.get("next")) or url_for(".profile")
        return {"action": request.path, "kept": [], "next": target, "has_files": False, "fresh": fresh}
    has_files = any(file.filename for file in request.files.values())
    repeats = request.method == "POST" and not has_files
    came_from = safe_next(request.referrer.removeprefix(request.host_url.rstrip("/"))) if request.referrer else None
    target = request.full_path.rstrip("?")
    sent = [pair for pair in request.form.items(multi=True) if pair[0] not in ("csrf_token", *OWN)]
    return {
        "action": target if repeats else url_for("accounts.open_security_session"),
        "kept": sent if repeats else [],
        "next": "" if repeats else (came_from or "/") if request.method == "POST" else target,
        "has_files": has_files,
        "fresh": fresh,
    }


def _page(fresh: bool, problems: list[Problem], *, devices: bool, mailed_to: str) -> str:
    """Return the page that asks for a code and offers the other ways."""
    can_give = security_sessions.can_give_codes(current_user)
    return render_template(
        "accounts/code.html",
        **_carried(fresh),
        minutes=policy.rules().security_session.fresh_minutes,
        has_authenticator=authenticators.has(current_user),
        can_give=can_give,
        by_device=devices and can_give,
        by_mail=can_give and mail_codes.are_offered(),
        mailed_to=mailed_to,
        mail_minutes=policy.rules().mail_codes.life_minutes,
        problems=problems,
    )


def _waiting(row: DeviceRequest, token: str, fresh: bool, *, is_checked: bool) -> str:
    """Return the page with the picture for the other device."""
    address = here.config().base_url + second_devices.path(token)
    return render_template(
        "accounts/device_wait.html",
        **_carried(fresh),
        token=token,
        number=row.number,
        address=address,
        until=row.expires_at,
        seconds=int((row.expires_at - clock.unmoved()).total_seconds()),
        picture=segno.make(address, error="m").svg_data_uri(scale=5, border=4, light="#fff"),
        is_checked=is_checked,
        problems=[],
    )


@blueprint.get("/security-session/devices/<token>")
@allowed(Permission.OWN_CABINET)
def device_state(token: str) -> Answer:
    """Say to the page that waits how its request stands; it asks every few seconds while it is looked at."""
    row = second_devices.of_asker(login_session(), token)
    answer: Response = jsonify({"state": row.state_at(clock.unmoved())})
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@blueprint.post("/security-session")
@allowed(Permission.OWN_CABINET)
def open_security_session() -> Answer:
    """Open the security session, then lead on to the guarded page that was asked for."""
    answer = _answered(request.form.get(FRESH) == "yes")
    if answer is not None:
        return answer
    return redirect(safe_next(request.form.get("next")) or url_for(".profile"), code=303)


@blueprint.post("/security-session/end")
@allowed(Permission.OWN_CABINET)
def end_security_session() -> Answer:
    security_sessions.close(login_session())
    flash(word("codes.closed"), "success")
    return redirect(url_for(".profile"), code=303)
