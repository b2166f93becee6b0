"""The page of whoever guards accounts: blocks, shut doors, suspected compromise, declared networks, rules in force."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_login import current_user

from app import db
from app.accounts import addresses, authenticators, blocking, lockouts, lost_generators, policy, queries
from app.accounts.models import User
from app.accounts.views.frame import Answer, blueprint
from app.errors import Conflict, Invalid, NotPermitted, Problem
from app.permissions import Permission
from app.web import here
from app.web.access import allowed
from app.web.errors import code_of, problems_of
from app.web.inputs import whole_number
from app.web.templating import word

MOST_FOUND = 20


@blueprint.get("/guard")
@allowed(Permission.GUARD_ACCOUNTS)
def guard() -> Answer:
    return _page([])


@blueprint.post("/guard/requests")
@allowed(Permission.GUARD_ACCOUNTS, fresh=True)
def identify_client() -> Answer:
    user_id = whole_number(request.form.get("user_id")) or 0
    return _done(
        "guard.identified",
        lambda now: blocking.identify(user_id, how=request.form.get("how", ""), by=current_user, now=now),
    )


@blueprint.post("/guard/requests/<int:request_id>/block")
@allowed(Permission.GUARD_ACCOUNTS, fresh=True)
def block_client(request_id: int) -> Answer:
    return _done(
        "guard.blocked",
        lambda now: blocking.block(request_id, reason=request.form.get("reason", ""), by=current_user, now=now),
    )


@blueprint.post("/guard/blocks/<int:block_id>/presence")
@allowed(Permission.GUARD_ACCOUNTS, fresh=True)
def record_presence(block_id: int) -> Answer:
    return _done(
        "guard.presence_done",
        lambda now: blocking.record_presence(block_id, note=request.form.get("note", ""), by=current_user, now=now),
    )


@blueprint.post("/guard/blocks/<int:block_id>/end")
@allowed(Permission.GUARD_ACCOUNTS, fresh=True)
def unblock(block_id: int) -> Answer:
    return _done("guard.unblocked", lambda now: blocking.unblock(block_id, by=current_user, now=now))


@blueprint.post("/guard/users/<int:user_id>/suspect")
@allowed(Permission.GUARD_ACCOUNTS, fresh=True)
def suspect(user_id: int) -> Answer:
    return _done(
        "guard.reset",
        lambda now: blocking.suspect(user_id, reason=request.form.get("reason", ""), by=current_user, now=now),
    )


@blueprint.post("/guard/users/<int:user_id>/generator")
@allowed(Permission.GUARD_ACCOUNTS, fresh=True)
def record_lost_generator(user_id: int) -> Answer:
    return _done(
        "lost.recorded",
        lambda now: lost_generators.record(user_id, how=request.form.get("how", ""), by=current_user, now=now),
    )


@blueprint.post("/guard/generators/<int:reset_id>/confirm")
@allowed(Permission.GUARD_ACCOUNTS, fresh=True)
def take_generator_away(reset_id: int) -> Answer:
    try:
        return _done("lost.done", lambda now: lost_generators.confirm(reset_id, by=current_user, now=now))
    except NotPermitted as refusal:
        if refusal.key != "lost.err.same_officer":
            raise
        db.session.rollback()
        return _page([Problem("", refusal.key)]), 403


@blueprint.post("/guard/generators/<int:reset_id>/drop")
@allowed(Permission.GUARD_ACCOUNTS, fresh=True)
def leave_generator(reset_id: int) -> Answer:
    return _done("lost.dropped", lambda now: lost_generators.drop(reset_id, by=current_user, now=now))


@blueprint.post("/guard/users/<int:user_id>/open")
@allowed(Permission.GUARD_ACCOUNTS, fresh=True)
def open_door(user_id: int) -> Answer:
    blocking.require_officer(current_user, user_id)
    user = queries.by_id(user_id)
    return _done("guard.opened", lambda now: lockouts.open_door(user, by=current_user, now=now))


@blueprint.post("/guard/addresses")
@allowed(Permission.GUARD_ACCOUNTS, secured=True)
def declare_address() -> Answer:
    form = request.form
    return _done(
        "addresses.declared",
        lambda now: addresses.declare(form.get("network", ""), note=form.get("note", ""), by=current_user, now=now),
    )


@blueprint.post("/guard/addresses/<int:declared_id>/withdraw")
@allowed(Permission.GUARD_ACCOUNTS, secured=True)
def withdraw_address(declared_id: int) -> Answer:
    return _done("addresses.withdrawn", lambda now: addresses.withdraw(declared_id, by=current_user, now=now))


def _done(told: str, verb: Callable[[datetime], object]) -> Answer:
    """Call a verb and lead back to the page, or show it with what was wrong and what was typed."""
    try:
        verb(here.now())
    except (Invalid, Conflict) as refusal:
        db.session.rollback()
        return _page(problems_of(refusal)), code_of(refusal)
    flash(word(told), "success")
    return redirect(url_for(".guard"), code=303)


def _page(problems: list[Problem]) -> str:
    now, config = here.now(), here.config()
    words = " ".join((request.values.get("q") or "").split())[:100]
    counters, blocks = lockouts.shut(now=now)
    standing, waiting, lost = blocking.standing(), blocking.waiting(), lost_generators.waiting()
    known = queries.by_ids(
        {
            *(row.user_id for row in counters if row.user_id),
            *(row.user_id for row in blocks),
            *(row.by_id for row in standing),
            *(row.by_id for row in waiting),
            *(row.by_id for row in lost),
            *(row.presence_by_id for row in standing if row.presence_by_id),
        }
    )
    return render_template(
        "accounts/guard.html",
        problems=problems,
        typed=request.form,
        acted_on=request.path if request.method == "POST" else "",
        q=words,
        found=[
            _person(user) | {"has_generator": authenticators.has(user)}
            for user in (queries.matching(words, limit=MOST_FOUND) if words else [])
        ],
        rule=config.address_rule,
        rule_figures=policy.rules().address_rule.model_dump(),
        lockout=policy.rules().lockout.model_dump(),
        fronts=config.trusted_proxies,
        passwords=config.passwords,
        exchange_codes=config.exchange_codes,
        waiting=[
            {
                "id": row.id,
                "user": _person(row.user),
                "how": row.how,
                "by": known[row.by_id].name,
                "due_at": row.due_at,
                "minutes_left": int((row.due_at - now).total_seconds() // 60),
                "is_late": now >= row.due_at,
            }
            for row in waiting
        ],
        blocks=[
            {
                "id": row.id,
                "user": _person(row.user),
                "kind": row.kind,
                "reason": row.reason,
                "at": row.at,
                "by": known[row.by_id].name,
                "presence_at": row.presence_at,
                "presence_by": known[row.presence_by_id].name if row.presence_by_id else "",
                "presence_note": row.presence_note,
                "may_confirm": row.presence_by_id not in (None, current_user.id),
            }
            for row in standing
        ],
        lost=[
            {
                "id": row.id,
                "user": _person(row.user),
                "how": row.how,
                "at": row.at,
                "by": known[row.by_id].name,
                "may_confirm": row.by_id != current_user.id,
            }
            for row in lost
        ],
        doors=[
            {"user": _person(known[row.user_id]), "reason": row.reason, "address": "", "until": row.locked_until}
            for row in counters
            if row.user_id
        ]
        + [
            {"user": _person(known[row.user_id]), "reason": "guarded", "address": row.address, "until": row.until}
            for row in blocks
        ],
        declared=addresses.declared(),
    )


def _person(user: User) -> dict[str, Any]:
    companies = [each.organisation.names[here.language()] for each in user.places]
    return {
        "id": user.id,
        "name": user.full_name,
        "email": user.email,
        "organisation": ", ".join(companies) if companies else word("app.exchange") if user.exchange_roles else "–",
        "is_you": user.id == current_user.id,
    }
