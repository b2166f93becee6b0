"""The lists of a cabinet: under review, the archive, questionnaires; who sees which, ``queries.visible_to`` says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, NamedTuple, Protocol

from sqlalchemy import String, bindparam, case, func, or_, select
from sqlalchemy import cast as cast_to
from sqlalchemy.orm import joinedload, selectinload

from app import catalogue, db
from app.accounts import queries as people
from app.accounts.models import User
from app.applications.models import Application, Assignment, Holding
from app.applications.queries import DELETED, acting_for, condition_of, offers_among, place_id, sight_of, visible_to
from app.errors import NotFound
from app.organisations import queries as organisations
from app.permissions import EXECUTOR_ROLES, Role
from app.statements import Statement
from app.terms.folding import folded
from app.web import here
from app.workflows.guards import Position
from app.workflows.machine import Procedure


class Glance(NamedTuple):
    """What a list must know of an application to sort it: whether it waits on the reader, or on anybody.

    ``mark``: see ``mark_of``.
    """

    id: int
    is_mine: bool
    is_awaited: bool
    mark: tuple[Any, ...]


def under_review(user: User) -> list[Glance]:
    """Return the active applications that ``user`` sees, newest first (IS2IN-9.4.a; A29).

    Columns alone, no records: ten thousand of them are sorted in the time of one page; ``of_glances`` loads those
    that are shown.
    """
    place = place_id(user)
    held = select(Assignment.application_id, Assignment.executor).where(
        Assignment.user_id == user.id, Assignment.is_current, Assignment.organisation_id.is_not_distinct_from(place)
    )
    named = {(row.application_id, row.executor) for row in db.session.execute(held)}
    if acting_for(user) is not None and user.organisation is not None:
        of_head = (
            select(Assignment.application_id)
            .join(Application, Application.id == Assignment.application_id)
            .where(
                Application.organisation_id == user.organisation.id,
                Assignment.executor == "first_head",
                Assignment.is_current,
            )
        )
        named |= {(ident, "first_head") for ident in db.session.scalars(of_head)}
    roles = {executor for executor, role in EXECUTOR_ROLES.items() if role in user.roles}
    user_id, is_head = user.id, Role.FIRST_HEAD in user.roles
    taken = taken_from(user, now=here.now()) if roles else frozenset()
    offered = offers_among(now=here.now())

    def is_theirs(ident: int, author_id: int | None, executors: tuple[str, ...]) -> bool:
        if any(each in roles and (ident, each) not in taken for each in executors):
            return True
        if ident in offered:  # it is the author's turn, who is not the author yet
            return offered[ident] == user_id and "author" in executors
        if author_id == user_id and "author" in executors:
            return True
        return any((ident, each) in named for each in executors if is_head or each != "first_head")

    sight, given = sight_of(user)
    found = []
    for ident, author_id, version, arrived, *standing in _seen(sight, place is not None).rows(
        {**given, "place": place}
    ):
        executors = executors_at(*standing)
        mark = mark_of(version, arrived, standing[2], standing[0])
        found.append(Glance(ident, is_theirs(ident, author_id, executors), bool(executors), mark))
    return found


def mark_of(version: int, arrived: str, process: str, procedure: str) -> tuple[Any, ...]:
    """Return what changes when an application moves; its last part is the name of the procedure."""
    return version, arrived, process, procedure


@cache
def _seen(sight: str, has_place: bool) -> Statement:
    """Return the statement for what is seen and not archived; a moment as text, which is not converted."""
    row = db.table_of(Application).c
    author = case((row.author_for_id == bindparam("place"), row.author_id), else_=None) if has_place else row.author_id
    columns = (row.id, author, row.version, cast_to(func.coalesce(row.sent_at, row.entered_at), String))
    standing = (row.procedure, row.procedure_sha256, row.process, cast_to(row.stages, String))
    seen = select(*columns, *standing).where(condition_of(sight), Application.archived_at.is_(None))
    return Statement(seen.order_by(row.id.desc()))


def taken_from(user: User, *, now: datetime) -> frozenset[tuple[int, str]]:
    """Return what colleagues hold and ``user`` may not act on: application and executor."""
    own = {user.id, *people.substituted_by(user.id, now=now)}
    held = select(Holding.application_id, Holding.executor).where(
        Holding.ended_at.is_(None), Holding.user_id.not_in(own)
    )
    return frozenset((ident, executor) for ident, executor in db.session.connection().execute(held).all())


@lru_cache(maxsize=20_000)
def executors_at(name: str, sha256: str, process: str, stages: str) -> tuple[str, ...]:
    """Return who may act on what stands so; ``stages`` as the database keeps them, ``sha256`` tells files apart."""
    return _procedure(name).executors(_standing(process, stages))


@lru_cache(maxsize=20_000)
def awaited_at(name: str, sha256: str, process: str, stages: str) -> tuple[str, ...]:
    """Return who of ``executors_at`` must act: not the process's own while all that is due is others'."""
    return _procedure(name).awaited(_standing(process, stages))


def _procedure(name: str) -> Procedure:
    key, _, version = name.rpartition(".v")
    return catalogue.present().procedures.get(key, int(version))


def _standing(process: str, stages: str) -> Position:
    return Position.from_dict({"process": process, "stages": json.loads(stages)})


class _Known(Protocol):
    """What names an application in a list."""

    @property
    def id(self) -> int: ...


def of_glances(glances: Sequence[_Known]) -> Sequence[Application]:
    """Return the applications of these glances in their order, with the people that lists name."""
    statement = (
        select(Application)
        .where(Application.id.in_([each.id for each in glances]))
        .options(
            joinedload(Application.author), selectinload(Application.assignments), selectinload(Application.holdings)
        )
    )
    found = {item.id: item for item in db.session.scalars(statement).unique()}
    return [found[each.id] for each in glances if each.id in found]


def archive(user: User, *, words: str = "") -> Sequence[Application]:
    """Return the archived applications that ``user`` sees, newest first (IS2IN-9.5.a).

    ``words`` are looked for in the number and in the company's code and names, former ones too (ESRV-16.1.a);
    capitals do not matter, and Kazakh letters are found by their Russian look-alikes and the other way round.
    """
    statement = (
        select(Application)
        .where(visible_to(user), Application.archived_at.is_not(None))
        .order_by(Application.archived_at.desc(), Application.id.desc())
    )
    wanted, former = folded(words), organisations.former_names()

    def said(item: Application) -> str:
        company = item.organisation
        return folded(" ".join((item.number, company.code, *company.names.values(), *former.get(company.id, ()))))

    return [item for item in db.session.scalars(statement).unique() if wanted in said(item)]


def questionnaires(user: User) -> Sequence[Application]:
    """Return the archived applications whose filled forms ``user`` may use again.

    Those of the own organisation; for an adviser those he was executor of, for companies that
    are still his partners.  Source: IS2IN-9.6; reading A12.
    """
    organisation = user.organisation
    if organisation is None:
        return []
    condition = Application.organisation_id == organisation.id
    if organisation.kind == "adviser":
        condition = or_(condition, visible_to(user))
    statement = (
        select(Application)
        .where(Application.archived_at.is_not(None), Application.process != DELETED, condition)
        .order_by(Application.archived_at.desc(), Application.id.desc())
    )
    return db.session.scalars(statement).unique().all()


def questionnaire(number: str, *, user: User) -> Application:
    """Return one of ``questionnaires``.

    Raises:
        NotFound: its forms may not be used by this user.
    """
    for application in questionnaires(user):
        if application.number == number:
            return application
    raise NotFound


def unfinished_of(procedure_key: str, user: User) -> Sequence[Application]:
    """Return the user's own applications of a procedure that have not been sent yet."""
    statement = (
        select(Application)
        .where(
            visible_to(user),
            Application.author_id == user.id,
            Application.author_for_id.is_not_distinct_from(place_id(user)),
            Application.submitted_at.is_(None),
            Application.procedure.like(f"{procedure_key}.v%"),
        )
        .order_by(Application.id.desc())
    )
    return db.session.scalars(statement).unique().all()
