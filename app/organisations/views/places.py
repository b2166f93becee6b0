"""«Ұйымдарым»: the organisations somebody works for, going from one to another, and what he is asked.

Whoever works nowhere any more has nothing else here, so these pages ask for no permission, but for who is signed in.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from flask import flash, redirect, render_template, request, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from app import db
from app.accounts.views.frame import PLACE, forget_pages, login_session
from app.errors import Conflict, NotFound
from app.organisations import inviting, joining
from app.organisations.models import Membership
from app.organisations.views.frame import Answer, blueprint, words_of
from app.permissions import Permission
from app.web import here
from app.web.access import allowed, safe_next
from app.web.inputs import whole_number
from app.web.templating import word
from app.web.transactions import READING

P = ParamSpec("P")
R = TypeVar("R")


def _signed_in(view: Callable[P, R]) -> Callable[P, R | Response]:
    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | Response:
        if not current_user.is_authenticated:
            target = request.path if request.method in READING else None
            return redirect(url_for("accounts.login", next=target), code=303)
        if current_user.exchange_roles:
            raise NotFound
        return view(*args, **kwargs)

    return guarded


def told() -> dict[str, Any]:
    """Return what every page knows of the reader's places: all of them where there are several, else none."""
    if not current_user.is_authenticated or current_user.exchange_roles:
        return {"work_places": []}
    found = current_user.places
    return {"work_places": [_place(each) for each in found] if len(found) > 1 else []}


def _place(member: Membership) -> dict[str, Any]:
    present = current_user.membership
    flags = {"role.org_admin": member.is_admin, "role.first_head": member.is_first_head}
    if member.stands_for(here.now()) is not None:
        flags["role.acting"] = True
    return {
        "id": member.id,
        "code": member.organisation.code,
        "name": member.organisation.names[here.language()],
        "position": member.works_as,
        "roles": [key for key, has in flags.items() if has],
        "is_present": present is not None and present.id == member.id,
    }


@blueprint.get("/places")
@allowed(Permission.PUBLIC)
@_signed_in
def own_places() -> Answer:
    return _page("")


def _page(refusal: str) -> str:
    language = here.language()
    return render_template(
        "organisations/places.html",
        own_places=[_place(each) for each in current_user.places],
        invitations=[
            {
                "id": row.id,
                "company": row.organisation.names[language],
                "bin": row.organisation.bin,
                "position": row.position,
                "roles": [
                    key for key, has in {"role.org_admin": row.is_admin, "role.first_head": row.as_head}.items() if has
                ],
                "by": word("app.exchange") if row.by.is_exchange else row.by.name,
                "at": row.at,
            }
            for row in inviting.waiting_for(current_user)
        ],
        refusal=refusal,
    )


@blueprint.post("/places")
@allowed(Permission.PUBLIC)
@_signed_in
def go() -> Answer:
    """Go to another organisation; whatever this browser had drawn before is too old from now on."""
    chosen = whole_number(request.form.get("place")) or 0
    member = joining.go(chosen, by=current_user, session=login_session(), now=here.now())
    session[PLACE] = member.id
    forget_pages()
    here.work_in(current_user.id, member.id)
    flash(word("place.now", company=member.organisation.names[here.language()]), "success")
    return redirect(safe_next(request.form.get("next")) or "/", code=303)


@blueprint.post("/places/invitations/<int:invitation_id>")
@allowed(Permission.PUBLIC)
@_signed_in
def answer_invitation(invitation_id: int) -> Answer:
    act, now = request.form.get("act", ""), here.now()
    try:
        if act == "agree":
            member = joining.agree(invitation_id, by=current_user, now=now)
            done = word("place.agreed", company=member.organisation.names[here.language()])
        elif act == "decline":
            row = joining.decline(invitation_id, by=current_user, now=now)
            done = word("place.declined", company=row.organisation.names[here.language()])
        else:
            raise NotFound
    except Conflict as refusal:
        db.session.rollback()
        return _page(words_of(refusal)), 409
    flash(done, "success")
    return redirect(url_for(".own_places"), code=303)


def elsewhere() -> tuple[str, int] | None:
    """Return the page that leads to the reader's own place where this address opens, or None; nobody else learns of it.

    Who works nowhere is told so, whatever he asks for.
    """
    if not current_user.is_authenticated or current_user.exchange_roles:
        return None
    if not current_user.roles:
        return _nowhere(), 404
    args = request.view_args or {}
    for member in _others():
        if any(opens for _, opens in joining.shown_in.send(member, args=args)):
            return _offer(member), 409
    return None


def _others() -> list[Membership]:
    present = current_user.membership
    return [each for each in current_user.places if present is None or each.id != present.id]


def ask_first() -> Answer | None:
    """Lead a message's address to the organisation it names (``place``), where its reader works elsewhere now."""
    named = whole_number(request.args.get("place")) if request.method == "GET" else None
    if named is None or not current_user.is_authenticated:
        return None
    member = next((each for each in _others() if each.organisation_id == named), None)
    return (_offer(member), 409) if member is not None else None


def _offer(member: Membership) -> str:
    present = current_user.organisation
    return render_template(
        "organisations/elsewhere.html",
        place=_place(member),
        present=present.names[here.language()] if present is not None else "",
        next=request.full_path.rstrip("?"),
    )


def _nowhere() -> str:
    return render_template("organisations/nowhere.html", has_invitations=bool(inviting.waiting_for(current_user)))
