"""The page of one's generator of one-time codes: set up, recovery codes, remove; and the block of oneself."""

from __future__ import annotations

import segno
from flask import flash, redirect, render_template, request, url_for
from flask_login import current_user, logout_user

from app import db
from app.accounts import authenticators, blocking, one_time_codes, passwords, queries, security_sessions
from app.accounts.views.frame import Answer, blueprint, guessed_too_often, login_session
from app.errors import Conflict, Invalid, Problem
from app.permissions import Permission
from app.web import clock, here
from app.web.access import allowed
from app.web.templating import word

ISSUER = "is2in"


@blueprint.get("/profile/authenticator")
@allowed(Permission.OWN_CABINET)
def authenticator() -> Answer:
    return _page([])


@blueprint.post("/profile/authenticator")
@allowed(Permission.OWN_CABINET)
def begin_authenticator() -> Answer:
    """Begin to set up; whoever found the session open and does not know the password gets no further."""
    user = queries.by_id(current_user.id)
    typed = request.form.get("current_password", "")[:256]
    problems = passwords.current_problems(user, typed, now=here.now(), session=login_session())
    if problems:
        db.session.commit()  # the failure stays counted
        return guessed_too_often() or (_page(problems), 422)
    authenticators.begin(user, now=here.now())
    return redirect(url_for(".authenticator"), code=303)


@blueprint.post("/profile/authenticator/confirm")
@allowed(Permission.OWN_CABINET)
def confirm_authenticator() -> Answer:
    user = queries.by_id(current_user.id)
    try:
        codes = authenticators.confirm(user, request.form.get("code", ""), now=clock.unmoved())
    except Invalid as refusal:
        db.session.rollback()
        return _page(list(refusal.problems)), 422
    return _page([], codes)


@blueprint.post("/profile/authenticator/codes")
@allowed(Permission.OWN_CABINET, fresh=True)
def renew_recovery_codes() -> Answer:
    user = queries.by_id(current_user.id)
    if not authenticators.has(user):
        raise Conflict("err.already_done")
    return _page([], authenticators.new_recovery_codes(user, now=here.now()))


@blueprint.post("/profile/authenticator/remove")
@allowed(Permission.OWN_CABINET, fresh=True)
def remove_authenticator() -> Answer:
    user = queries.by_id(current_user.id)
    authenticators.remove(user, by=user, now=here.now())
    security_sessions.close(login_session())
    flash(word("codes.removed"), "success")
    return redirect(url_for(".authenticator"), code=303)


@blueprint.post("/profile/block")
@allowed(Permission.OWN_CABINET, secured=True, fresh=True)
def block_oneself() -> Answer:
    user = queries.by_id(current_user.id)
    blocking.block_oneself(user, reason=request.form.get("reason", "").strip() or word("guard.self"), now=here.now())
    logout_user()
    flash(word("guard.self_done"), "success")
    return redirect(url_for(".login"), code=303)


def _page(problems: list[Problem], codes: list[str] | None = None) -> str:
    found = authenticators.of(current_user)
    is_pending = found is not None and found.confirmed_at is None
    secret = authenticators.secret_of(found) if found is not None and is_pending else ""
    address = one_time_codes.address_of(secret, account=current_user.email, issuer=ISSUER)
    return render_template(
        "accounts/authenticator.html",
        problems=problems,
        is_set=found is not None and not is_pending,
        since=found.confirmed_at if found else None,
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        picture=segno.make(address, error="m").svg_data_uri(scale=5, border=4, light="#fff") if secret else "",
        codes=codes or [],
        codes_left=authenticators.recovery_codes_left(current_user),
        is_lost=authenticators.must_set_up(current_user),
        is_asked=security_sessions.is_asked_of(current_user),
    )
