"""The demo's past year: applications of former clients, of which only the course is known, and no papers.

They give the figures something to show.  Rows alone, written at once: nothing of them is filled in or signed,
and nobody who signs in to the demo is their applicant.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select

from app import catalogue, db
from app.accounts import passwords
from app.accounts.models import User
from app.applications import clocks
from app.applications.models import Answers, Application, History
from app.business_calendar.days import CalendarMissing
from app.organisations.models import Membership, Organisation
from app.web import here
from app.workflows.guards import APPLICANT
from app.workflows.machine import Procedure

CODE = "BRYN"
MARK = 900_000
"""Where the numbers of the past begin, so that no number of the demo's own is taken."""

MADE = {"share_listing": 16, "bond_listing": 14, "commercial_bonds": 9, "depositary_receipts": 5, "fund_units": 3}
"""Procedure -> how many of its applications ended in the last year."""

DAYS = {
    "filling": (1, 8), "first_head": (0.3, 2), "registration": (0.2, 2.4), "completeness": (1, 5.5),
    "expertise": (4, 17), "rework": (2, 9), "rework_approval": (0.3, 2.5), "conclusion": (0.5, 3), "meeting": (1, 6),
    "decision": (3, 9), "letter": (0.5, 3.6), "result": (0.1, 1),
}  # fmt: skip
"""Process -> the shortest and the longest stay in working days; a few take twice as long."""


@dataclass(frozen=True)
class Course:
    """How an application went: the processes in their order, and whether the decision was a refusal."""

    path: tuple[str, ...]
    is_refused: bool = False


def load() -> None:
    """Write the past once; nothing where a calendar of its year is missing."""
    with db.transaction() as session:
        if session.scalars(select(Organisation.id).where(Organisation.code == CODE)).first() is not None:
            return
        now = here.now()
        try:
            told = list(_told(now))
        except CalendarMissing:
            return
        company, author = _client(now)
        staff = {role: user.id for user in session.scalars(select(User)).unique() for role in user.exchange_roles}
        session.flush()
        for procedure, course, moments, number in told:
            _write(procedure, course, moments, number, company, author, staff)


def _client(now: datetime) -> tuple[Organisation, User]:
    """Return the former client and its author, who no longer signs in."""
    company = Organisation(
        code=CODE, bin="030240009994", kind="initiator", name_kk="«Бұрынғы Эмитент» АҚ", name_ru="АО «Прежний Эмитент»",
        name_en="Former Issuer JSC", is_active=False, created_at=now,
    )  # fmt: skip
    author = User(
        email="author@bryn.example", last_name="Бекмағамбетов", first_name="Руслан", is_active=False, created_at=now,
        password_hash=passwords.hash_password(secrets.token_urlsafe()), password_changed_at=now,
    )  # fmt: skip
    db.session.add(Membership(user=author, organisation=company))
    db.session.flush()
    return company, author


def _told(now: datetime) -> Iterator[tuple[Procedure, Course, list[datetime], str]]:
    """Yield each application's procedure, course, the moments of its moves, and its number."""
    chance = random.Random(2026)  # noqa: S311 - the same past everywhere, nothing secret
    hours = clocks.hours()
    for key, count in MADE.items():
        procedure = catalogue.present().procedures.get(key)
        for number in range(count):
            course = _course(procedure, chance)
            begun = now - timedelta(
                days=int(410 - (330 / count) * (number + chance.random())), hours=chance.randint(0, 5)
            )
            at, moments = hours.accepted(begun), []
            for process in course.path:
                moments.append(at)
                low, high = DAYS.get(process, (1, 4))
                days = chance.uniform(low, high) * (2 if chance.random() < 0.08 else 1)
                at = hours.accepted(hours.advance(at, hours.day_length * days))
            if moments[-1] < now:
                name = f"{procedure.number_prefix}-{moments[0].year}-{MARK + number + 1}"
                yield procedure, course, moments, name


def _course(procedure: Procedure, chance: random.Random) -> Course:
    """Return a course by chance: mostly to the end, with returns for rework; some end before."""
    road = list(procedure.main_road)
    drawn = chance.random()
    for process in ("completeness", "expertise"):
        loop = [process, "rework", "rework_approval", process]
        while process in road and "rework" in procedure.processes and chance.random() < 0.3 and len(road) < 22:
            place = road.index(process)
            road[place : place + 1] = loop
    if drawn < 0.06:
        return Course((*road[: road.index("registration") + 1], "refused"))
    if drawn < 0.12 and "withdrawn" in procedure.processes:
        return Course((*road[: road.index("expertise") + 1], "withdrawn"))
    if drawn < 0.16 and "rework" in road:
        return Course((*road[: road.index("rework") + 1], "unanswered"))
    return Course(tuple(road), is_refused=drawn > 0.93)


def _write(
    procedure: Procedure,
    course: Course,
    moments: list[datetime],
    number: str,
    company: Organisation,
    author: User,
    staff: dict[str, int],
) -> None:
    at = dict(zip(course.path, moments, strict=True))
    forms = {key: catalogue.present().forms.get(key).version for key in procedure.forms}
    application = Application(
        number=number, procedure=procedure.name, procedure_sha256=procedure.sha256, forms=forms,
        organisation_id=company.id, author_id=author.id,
        author_for_id=company.id, process=course.path[-1], stages={}, round=1,
        created_at=moments[0], submitted_at=at["registration"], sent_at=at["registration"],
        registered_at=at.get("completeness"), decided_at=at.get("letter"), archived_at=moments[-1],
        entered_at=moments[-1],
    )  # fmt: skip
    db.session.add(application)
    db.session.flush()
    moves = zip(("", *course.path), course.path, moments, strict=False)
    rows = [_move(procedure, application.id, *move, author=author.id, staff=staff) for move in moves]
    db.session.execute(insert(db.table_of(History)), rows)
    if course.is_refused:
        by = staff["secretary"]
        values = {"decision": {"outcome": "refuse"}}
        row = {"stage": "decision", "revision": 1, "values": values, "by_id": by, "at": at["letter"]}
        db.session.add(Answers(application_id=application.id, **row))


def _move(
    procedure: Procedure, ident: int, source: str, target: str, at: datetime, *, author: int, staff: dict[str, int]
) -> dict[str, Any]:
    way = next((each for each in procedure.transitions if (each.source, each.target) == (source, target)), None)
    by = author if way is None or way.by in APPLICANT else staff.get(way.by)  # of a timer's act nobody
    act = way.trigger if way else "create"
    row = {"application_id": ident, "at": at, "by_id": by, "act": act, "source": source, "target": target}
    return row | {"stage": "", "words": ""}
