"""How one wants to be told: the part of the profile, and the way out that a mail carries."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from app import db
from app.accounts import queries as accounts
from app.errors import Invalid, NotFound, Problem
from app.notifications import delivery, operations, queries
from app.notifications.events import CHOSEN, SECURITY, TASK, Channel
from app.notifications.views.frame import blueprint
from app.permissions import Permission
from app.web import here
from app.web.access import allowed
from app.web.templating import word

OF_THE_EXCHANGE = frozenset({"work"})
"""The groups that only the Exchange's people are told of."""


def _groups() -> list[str]:
    return [group for group in CHOSEN if group not in OF_THE_EXCHANGE or current_user.is_exchange]


@blueprint.get("/profile/notices")
@allowed(Permission.OWN_CABINET)
def choice() -> str:
    return _page([], queries.choices([current_user.id]).get(current_user.id, {}))


@blueprint.post("/profile/notices")
@allowed(Permission.OWN_CABINET)
def choose() -> Response | tuple[str, int]:
    chosen = {group: way for group in (*_groups(), TASK, SECURITY) if (way := request.form.get(group)) is not None}
    try:
        operations.choose(current_user.id, chosen, now=here.now())
    except Invalid as refusal:
        db.session.rollback()
        return _page(list(refusal.problems), chosen), 422
    flash(word("msg.saved"), "success")
    return redirect(url_for(".choice"), code=303)


def _page(problems: list[Problem], chosen: dict[str, str]) -> str:
    return render_template(
        "notifications/choice.html",
        groups=[{"key": group, "chosen": chosen.get(group, CHOSEN[group].value)} for group in _groups()],
        channels=[way.value for way in Channel],
        mandatory=(TASK, SECURITY),
        email=current_user.email,
        bounce=queries.bounce(current_user.email),
        hour=f"{here.config().digest_hour:02d}:00",
        problems=problems,
    )


@blueprint.post("/profile/notices/address")
@allowed(Permission.OWN_CABINET)
def try_address() -> Response:
    operations.try_address(accounts.by_id(current_user.id), now=here.now())
    flash(word("notices.trying", email=current_user.email), "success")
    return redirect(url_for(".choice"), code=303)


@blueprint.get("/unsubscribe/<sealed>")
@allowed(Permission.PUBLIC)
def leaving(sealed: str) -> str:
    """Ask before anything is changed: programs that look into mails open every address in them."""
    _, groups = _unsealed(sealed)
    return render_template("notifications/leave.html", groups=groups, sealed=sealed, is_done=False)


@blueprint.post("/unsubscribe/<sealed>")
@allowed(Permission.PUBLIC)
def leave(sealed: str) -> str:
    """Mute the groups of a mail: by its reader's button, or by his mail program (RFC 8058), which has no session."""
    user_id, groups = _unsealed(sealed)
    cabinet = Channel.CABINET.value
    operations.choose(user_id, dict.fromkeys(groups, cabinet), now=here.now(), by_link=True)
    return render_template("notifications/leave.html", groups=groups, sealed=sealed, is_done=True)


def _unsealed(sealed: str) -> tuple[int, list[str]]:
    found = delivery.unsealed(here.config(), sealed)
    if found is None or not found[1]:
        raise NotFound
    return found
