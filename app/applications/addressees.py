"""Who is told of what happens to an application: its own people, and the Exchange's by their roles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, String, and_, bindparam, exists, literal, or_, select, union_all
from sqlalchemy import cast as cast_to

from app import db
from app.accounts import queries as people
from app.accounts.models import User
from app.applications import queries
from app.applications.models import Application, Assignment
from app.db import UtcDateTime
from app.notifications.operations import Addressee
from app.organisations import queries as organisations
from app.organisations.models import Membership
from app.permissions import EXECUTOR_ROLES
from app.statements import Statement
from app.web import here


def around(application: Application) -> dict[str, list[Addressee]]:
    """Return who is who around an application, by executor: its own people, and the Exchange's by their roles.

    Where somebody holds it, he and his substitute stand for the role.

    The same people as ``executor_people`` and the holders of roles, as messages need them, all at once.
    """
    found: dict[str, list[Addressee]] = {}
    given = {"application_id": application.id, "author_id": application.author_id, "now": here.now()}
    for ident, email, language, last_name, first_name, is_active, roles, executor, _place in _around().rows(given):
        person = Addressee(ident, email, language, f"{last_name} {first_name}", is_active)
        for each in [executor] if executor else _executors(roles):
            found.setdefault(each, []).append(person)
    acting = organisations.acting_head(application.organisation) if "first_head" in found else None
    if acting is not None:
        user = acting.user
        person = Addressee(user.id, user.email, user.language, user.name, user.is_active)
        found["first_head"] = [*(each for each in found["first_head"] if each.id != user.id), person]
    return _named(application, found)


def _named(application: Application, found: dict[str, list[Addressee]]) -> dict[str, list[Addressee]]:
    """Return the same, with the holder of a queue's work and his substitute in place of the whole role."""
    held = {row.executor: row.user_id for row in application.holdings if row.executor in found}
    if not held:
        return found
    standing_in = people.substitutes_of(held.values(), now=here.now())
    for executor, user_id in held.items():
        meant = {user_id, *({standing_in[user_id].id} if user_id in standing_in else ())}
        there = [person for person in found[executor] if person.id in meant]
        found[executor] = there or found[executor]  # he has left, or has the role no more
    return found


_EXECUTORS: Mapping[str, str] = {role: executor for executor, role in EXECUTOR_ROLES.items()}
"""The executor that the holders of a role are."""


@cache
def _executors(roles: str) -> tuple[str, ...]:
    """Return the executors that the holder of these roles (a JSON list, as it is kept) is."""
    return tuple(_EXECUTORS[role] for role in json.loads(roles) if role in _EXECUTORS)


@cache
def _around() -> Statement:
    users, assigned_ = db.table_of(User).c, db.table_of(Assignment).c
    roles = cast_to(users.exchange_roles, String)
    shown = (users.id, users.email, users.language, users.last_name, users.first_name, users.is_active, roles)
    application, membership = db.table_of(Application).c, db.table_of(Membership).c
    now = bindparam("now", type_=UtcDateTime())

    def told(works_for: ColumnElement[Any]) -> tuple[ColumnElement[Any], ...]:
        # Who works for somebody else is told nothing once that company is no partner any more; who has left is not.
        stays = exists().where(
            membership.user_id == users.id, membership.organisation_id == works_for, membership.is_active
        )
        stays = stays.correlate(db.table_of(User), db.table_of(Application), db.table_of(Assignment))
        is_theirs = or_(works_for == application.organisation_id, queries.partner_at(works_for, now))
        is_inside = or_(works_for.is_(None), and_(stays, is_theirs))
        return (*shown[:5], and_(users.is_active, is_inside).label("is_active"), roles)

    one = application.id == bindparam("application_id")
    author = select(
        *told(application.author_for_id), literal("author").label("executor"), literal(0).label("place")
    ).join(Application, one)
    named = (
        select(*told(assigned_.organisation_id), assigned_.executor, literal(1))
        .join(Assignment, assigned_.user_id == users.id)
        .join(Application, one)
    )
    exchange = select(*shown, literal(""), literal(2))
    people = union_all(
        author.where(users.id == bindparam("author_id")),
        named.where(assigned_.application_id == bindparam("application_id"), assigned_.is_current),
        exchange.where(users.is_active, roles != "[]"),
    )
    return Statement(people.order_by("place", "id"))


def reached(application: Application, executor: str) -> list[User]:
    """Return the named people who are the given executor, those alone who still work where they became it."""
    rows = [
        (row.user, row.organisation_id)
        for row in application.assignments
        if row.executor == executor and row.is_current
    ]
    if executor == "author":
        rows.insert(0, (application.author, application.author_for_id))
    return [user for user, place in rows if place is None or _works_for(user, place)]


def _works_for(user: User, organisation_id: int) -> bool:
    member = user.member_of(organisation_id)
    return member is not None and member.is_active
