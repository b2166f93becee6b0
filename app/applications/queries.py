"""What one may ask about applications, and who sees which.

The visibility rule (IS2IN-9.4.c; readings A9, A11) stands in one place: ``visible_to``.  Every
list, counter and direct address goes through it, and an outsider finds nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, Protocol

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    bindparam,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy import cast as cast_to
from sqlalchemy.orm import joinedload, lazyload, selectinload

from app import catalogue, db
from app.accounts import queries as people
from app.accounts.models import User
from app.applications import holders
from app.applications.models import (
    Answers,
    Application,
    Assignment,
    Comment,
    Document,
    History,
    Holding,
    InternalNote,
    PaperIntake,
    Remark,
)
from app.errors import NotFound
from app.notifications.operations import Addressee
from app.organisations.models import Partnership
from app.permissions import EXECUTOR_ROLES, Permission, Role
from app.statements import Statement
from app.web import here
from app.workflows.guards import Position
from app.workflows.machine import Procedure
from app.workflows.parts import StageKind

DELETED = "deleted"


_LOOK_ALIKES = str.maketrans("әғқңөұүһі", "агкноуухи")


def folded(words: str) -> str:
    """Return words as a search compares them."""
    return " ".join(words.casefold().translate(_LOOK_ALIKES).split())


def visible_to(user: User) -> ColumnElement[bool]:
    """Return the condition under which ``user`` sees an application at all.

    A client's person sees the applications he created or was made executor of, for good; an
    adviser only while the issuer's partnership stands.  The Exchange sees what has been sent to
    it, and what it has itself begun; compliance what is archived.
    """
    organisation = user.organisation
    return _visible(_sight_of(user), user.id, organisation.id if organisation else None)


def _sight_of(user: User) -> str:
    if user.may(Permission.PROCESS):
        return "exchange"
    if Role.COMPLIANCE in user.roles:
        return "compliance"
    return "client" if user.organisation is not None else ""


def _visible(sight: str, user_id: Any, organisation_id: Any) -> ColumnElement[bool]:
    alive = Application.process != DELETED
    if sight == "exchange":
        colleagues = select(User.id).where(cast_to(User.exchange_roles, String) != "[]")
        return and_(alive, or_(Application.submitted_at.is_not(None), Application.author_id.in_(colleagues)))
    if sight == "compliance":
        return and_(alive, Application.archived_at.is_not(None))
    if sight != "client":
        return false()
    assigned = exists().where(Assignment.application_id == Application.id, Assignment.user_id == user_id)
    partner = exists().where(
        Partnership.issuer_id == Application.organisation_id,
        Partnership.partner_id == organisation_id,
        Partnership.ended_at.is_(None),
    )
    return and_(
        alive,
        or_(Application.author_id == user_id, assigned),
        or_(Application.organisation_id == organisation_id, partner),
    )


@cache
def _one(sight: str, for_update: bool) -> Select[Application]:
    """Return the statement for one visible application; made once, since every page begins with it."""
    visible = _visible(sight, bindparam("user_id"), bindparam("organisation_id"))
    statement = select(Application).where(Application.number == bindparam("number"), visible)
    return statement.options(lazyload(Application.organisation)).with_for_update() if for_update else statement


def by_number(number: str, *, user: User, for_update: bool = False) -> Application:
    """Return the application of a number, if ``user`` sees it.

    ``for_update`` holds the row until the transaction ends, so that acts on one application
    stand in line.

    Raises:
        NotFound: there is none, or not for this user.
    """
    company = user.organisation
    given = {"number": number, "user_id": user.id, "organisation_id": company.id if company else None}
    application = db.session.scalars(_one(_sight_of(user), for_update), given).one_or_none()
    if application is None:
        raise NotFound
    return application


def sees(application: Application, user: User) -> bool:
    """Tell whether ``user`` sees an application that is at hand."""
    statement = select(Application.id).where(Application.id == application.id, visible_to(user))
    return db.session.scalar(statement) is not None


@dataclass(frozen=True)
class Glance:
    """What a list must know of an application to sort it: whether it waits on the reader, or on anybody."""

    id: int
    is_mine: bool
    is_awaited: bool


def under_review(user: User) -> list[Glance]:
    """Return the active applications that ``user`` sees, newest first (IS2IN-9.4.a; A29).

    Columns alone, no records: ten thousand of them are sorted in the time of one page; ``of_glances`` loads those
    that are shown.
    """
    table = db.table_of(Application)
    columns = (table.c.id, table.c.author_id, table.c.procedure, table.c.procedure_sha256, table.c.process)
    statement = (
        select(*columns, cast_to(table.c.stages, String))
        .where(visible_to(user), Application.archived_at.is_(None))
        .order_by(table.c.id.desc())
    )
    held = select(Assignment.application_id, Assignment.executor).where(
        Assignment.user_id == user.id, Assignment.is_current
    )
    named = {(row.application_id, row.executor) for row in db.session.execute(held)}
    roles = {executor for executor, role in EXECUTOR_ROLES.items() if role in user.roles}
    user_id, is_head = user.id, Role.FIRST_HEAD in user.roles
    taken = taken_from(user, now=here.now()) if roles else frozenset()

    def is_theirs(ident: int, author_id: int, executors: tuple[str, ...]) -> bool:
        if any(each in roles and (ident, each) not in taken for each in executors):
            return True
        if author_id == user_id and "author" in executors:
            return True
        return any((ident, each) in named for each in executors if is_head or each != "first_head")

    found = []
    for ident, author_id, *standing in db.session.execute(statement):
        executors = executors_at(*standing)
        found.append(Glance(ident, is_theirs(ident, author_id, executors), bool(executors)))
    return found


def taken_from(user: User, *, now: datetime) -> frozenset[tuple[int, str]]:
    """Return what colleagues hold and ``user`` may not act on: application and executor."""
    own = {user.id, *people.substituted_by(user.id, now=now)}
    held = select(Holding.application_id, Holding.executor).where(
        Holding.ended_at.is_(None), Holding.user_id.not_in(own)
    )
    return frozenset((ident, executor) for ident, executor in db.session.execute(held))


@lru_cache(maxsize=20_000)
def executors_at(name: str, sha256: str, process: str, stages: str) -> tuple[str, ...]:
    """Return who must act on what stands so; ``stages`` as the database keeps them, ``sha256`` tells files apart."""
    key, _, version = name.rpartition(".v")
    standing = Position.from_dict({"process": process, "stages": json.loads(stages)})
    return catalogue.present().procedures.get(key, int(version)).executors(standing)


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

    ``words`` are looked for in the number and in the company's code and names; capitals do not
    matter, and Kazakh letters are found by their Russian look-alikes and the other way round.
    """
    statement = (
        select(Application)
        .where(visible_to(user), Application.archived_at.is_not(None))
        .order_by(Application.archived_at.desc(), Application.id.desc())
    )
    wanted = folded(words)
    return [
        item
        for item in db.session.scalars(statement).unique()
        if wanted in folded(" ".join((item.number, item.organisation.code, *item.organisation.names.values())))
    ]


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
            Application.submitted_at.is_(None),
            Application.procedure.like(f"{procedure_key}.v%"),
        )
        .order_by(Application.id.desc())
    )
    return db.session.scalars(statement).unique().all()


# Where it stands


def procedure(application: Application) -> Procedure:
    """Return the procedure in the version that the application began with."""
    key, _, version = application.procedure.rpartition(".v")
    return catalogue.present().procedures.get(key, int(version))


def received_at(application: Application) -> datetime | None:
    """Return when the organisation's paper came to the Exchange: its application first, its answer last; or None.

    What the Exchange begins counts as sent from the call of the organisation on: both moments are the same until
    the organisation itself sends something.
    """
    if procedure(application).started_by is None:
        return application.submitted_at
    return application.sent_at if application.sent_at != application.submitted_at else None


def versions_of(found: Procedure) -> list[Procedure]:
    """Return ``found`` and the other versions of that procedure: an application may have acted under each."""
    known = catalogue.present().procedures.procedures.values()
    others = sorted((each for each in known if each.key == found.key), key=lambda each: -each.version)
    return [found, *(each for each in others if each.version != found.version)]


def position(application: Application) -> Position:
    """Return where the application stands, as the engine takes it."""
    return Position.from_dict({"process": application.process, "stages": application.stages})


def latest(application: Application, stage: str) -> Answers | None:
    """Return the newest revision of a stage's answers, or None."""
    return db.session.scalars(
        select(Answers)
        .where(Answers.application_id == application.id, Answers.stage == stage)
        .order_by(Answers.revision.desc())
        .limit(1)
    ).one_or_none()


def answers(application: Application, *, as_of: datetime | None = None) -> dict[str, Answers]:
    """Return the newest answers of every stage, by stage.

    ``as_of``: of the stages the applicant fills, the newest of that moment: what the Exchange
    reads is what had been sent to it, whatever the applicant has changed since.
    """
    newest = func.max(Answers.revision)
    statement = select(Answers.stage, newest).where(Answers.application_id == application.id).group_by(Answers.stage)
    if as_of is not None:
        stages = applicant_stages(application)
        statement = statement.where(or_(Answers.stage.not_in(stages), Answers.at <= as_of))
    found = db.session.execute(statement).all()
    rows = db.session.scalars(
        select(Answers).where(
            Answers.application_id == application.id,
            or_(false(), *(and_(Answers.stage == stage, Answers.revision == number) for stage, number in found)),
        )
    ).unique()
    return {row.stage: row for row in rows}


def applicant_stages(application: Application) -> list[str]:
    """Return the keys of the stages that the applicant's side fills, in the order of the procedure."""
    found = procedure(application)
    return [key for key, stage in found.stages.items() if stage.kind is StageKind.FILL]


def assignments(application: Application) -> Sequence[Assignment]:
    """Return who has been made executor, oldest first."""
    return application.assignments


def assigned(application: Application, executor: str) -> list[User]:
    """Return the present executors of a kind."""
    return [row.user for row in application.assignments if row.executor == executor and row.is_current]


def intake(application: Application) -> PaperIntake | None:
    """Return how an application came on paper, or None where it did not."""
    statement = select(PaperIntake).where(PaperIntake.application_id == application.id)
    return db.session.scalars(statement).unique().one_or_none()


def is_being_entered(application: Application) -> bool:
    """Tell whether the Exchange's people are entering it from paper, and it is not handed in yet."""
    if application.submitted_at is not None:
        return False
    found = intake(application)
    return found is not None and found.entered_at is None


def on_paper(ids: Sequence[int]) -> set[int]:
    """Return which of these applications came on paper."""
    statement = select(PaperIntake.application_id).where(PaperIntake.application_id.in_(ids))
    return set(db.session.scalars(statement)) if ids else set()


def acts_as(application: Application, user: User, executor: str, *, now: datetime | None = None) -> bool:
    """Tell whether ``user`` is the given executor of the application, and no colleague of the Exchange holds it."""
    if executor in EXECUTOR_ROLES:
        return holders.may_act(application, user, executor, now=now)
    if executor == "author" and application.author_id == user.id:
        return True
    if executor == "first_head" and (
        Role.FIRST_HEAD not in user.roles or user.organisation is not application.organisation
    ):
        return False
    return user in assigned(application, executor)


def comments(application: Application, *, user: User) -> Sequence[Comment]:
    """Return the comments that ``user`` may read, oldest first: published ones and his own pending ones.

    What the first head says to his own people is not the Exchange's: its people read remarks alone.
    Internal notes are no comments; see ``notes``.
    """
    kind: type[Comment] = Remark if user.is_exchange else Comment
    statement = (
        select(kind)
        .where(
            kind.application_id == application.id,
            or_(kind.published_at.is_not(None), kind.by_id == user.id),
        )
        .order_by(kind.id)
    )
    return db.session.scalars(statement).unique().all()


def waiting_remarks(application: Application, *, user: User) -> dict[str, int]:
    """Return who of the Exchange's people has written remarks that are not sent yet, and how many; else nothing."""
    if not user.is_exchange:
        return {}
    statement = select(Remark).where(Remark.application_id == application.id, Remark.published_at.is_(None))
    return Counter(row.by.name for row in db.session.scalars(statement.order_by(Remark.id)).unique())


def notes(application: Application, *, user: User) -> Sequence[InternalNote]:
    """Return what the Exchange's people have said to each other, oldest first; to anybody else nothing."""
    if not user.is_exchange:
        return []
    statement = select(InternalNote).where(InternalNote.application_id == application.id).order_by(InternalNote.id)
    return db.session.scalars(statement).unique().all()


def history(application: Application) -> Sequence[History]:
    """Return what has happened, newest first."""
    return (
        db.session.scalars(select(History).where(History.application_id == application.id).order_by(History.id.desc()))
        .unique()
        .all()
    )


def was_pressed(application: Application, stage: str) -> bool:
    """Tell whether somebody has pressed «Сақтау» or «Дайын» in a stage: more than filling in, or adding a row."""
    pressed = select(History.id).where(
        History.application_id == application.id, History.stage == stage, History.act.in_(("save", "finish"))
    )
    return db.session.scalar(pressed.limit(1)) is not None


def documents(application: Application) -> Sequence[Document]:
    """Return the documents the system has made, newest first."""
    return db.session.scalars(
        select(Document).where(Document.application_id == application.id).order_by(Document.id.desc())
    ).all()


def sent_rounds(application: Application) -> set[int]:
    """Return the rounds whose signed document has been sent to the Exchange; signing alone sends nothing (A25)."""
    sent_at = application.sent_at
    return {
        item.round
        for item in documents(application)
        if item.kind == "application" and item.signatures and sent_at is not None and item.at <= sent_at
    }


def document(application: Application, kind: str) -> Document | None:
    """Return the newest document of a kind, or None."""
    return next((item for item in documents(application) if item.kind == kind), None)


def present_document(application: Application) -> Document | None:
    """Return the document of the present round that is offered for signing, or None."""
    return db.session.scalars(
        select(Document).where(
            Document.application_id == application.id,
            Document.kind == "application",
            Document.round == application.round,
        )
    ).one_or_none()


def current_executors(application: Application) -> tuple[str, ...]:
    """Return the executors who may act now: those of the open unfinished stages, and the process's own."""
    return procedure(application).executors(position(application))


def around(application: Application) -> dict[str, list[Addressee]]:
    """Return who is who around an application, by executor: its own people, and the Exchange's by their roles.

    Where somebody holds it, he and his substitute stand for the role.

    The same people as ``executor_people`` and the holders of roles, as messages need them, all at once.
    """
    found: dict[str, list[Addressee]] = {}
    given = {"application_id": application.id, "author_id": application.author_id}
    for ident, email, language, last_name, first_name, is_active, roles, executor, _place in _around().rows(given):
        person = Addressee(ident, email, language, f"{last_name} {first_name}", is_active)
        for each in [executor] if executor else _executors(roles):
            found.setdefault(each, []).append(person)
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
    author = select(*shown, literal("author").label("executor"), literal(0).label("place"))
    named = select(*shown, assigned_.executor, literal(1)).join(Assignment, assigned_.user_id == users.id)
    exchange = select(*shown, literal(""), literal(2))
    people = union_all(
        author.where(users.id == bindparam("author_id")),
        named.where(assigned_.application_id == bindparam("application_id"), assigned_.is_current),
        exchange.where(users.is_active, roles != "[]"),
    )
    return Statement(people.order_by("place", "id"))


def executor_people(application: Application, executor: str) -> list[User]:
    """Return the named people who are the given executor; empty for a role of the Exchange."""
    if executor == "author":
        return [application.author, *(user for user in assigned(application, "author"))]
    return assigned(application, executor)
