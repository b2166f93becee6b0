"""What the calendar begins: each procedure for each organisation that is subject to it, on each of its days once.

Each is one transaction with its row in ``calendar_begin``, so it happens once, however often the worker was
killed; a day that passed while the worker was away is made up for as long as the file says.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time

import structlog
from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError

from app import catalogue, db
from app.accounts import queries as accounts
from app.accounts.models import User
from app.applications import filing, moves
from app.applications.conditions import Conditions
from app.applications.models import Application, CalendarBegin
from app.errors import AppError
from app.organisations import queries as organisations
from app.organisations.models import Organisation
from app.permissions import EXECUTOR_ROLES
from app.web.templating import ZONE
from app.workflows.calendar import Beginning, Outcome
from app.workflows.machine import Procedure

log = structlog.get_logger()

BEGUN = "begun_by_calendar"
"""The act in the history; its words are the day."""


class Beginner:
    """Begins what is due.  Who is subject to it on a day does not change after, so it looks once a day."""

    def __init__(self) -> None:
        self._looked: date | None = None

    def keep(self, *, now: datetime) -> int:
        """Begin everything whose day has come, oldest day first; return how much was begun."""
        today = now.astimezone(ZONE).date()
        if self._looked == today:
            return 0
        found = [
            (day, procedure, organisation)
            for procedure in catalogue.present().procedures.newest()
            if procedure.begins is not None
            for day in procedure.begins.due(today)
            for organisation in waiting(procedure, day)
        ]
        begun = 0
        for day, procedure, organisation in sorted(found, key=lambda each: (each[0], each[1].key, each[2])):
            try:
                begun += _begin(procedure, organisation, day, now=now)
            except IntegrityError:
                log.info("begun_elsewhere", procedure=procedure.key, organisation=organisation, day=str(day))
            except AppError:
                log.exception("not_begun", procedure=procedure.key, organisation=organisation, day=str(day))
        self._looked = today
        return begun


def waiting(procedure: Procedure, day: date) -> list[int]:
    """Return the ids of the organisations for which the procedure is still to be begun for a day."""
    if procedure.begins is None:
        return []
    with db.transaction(writing=False) as session:
        done = select(CalendarBegin.organisation_id).where(
            CalendarBegin.procedure == procedure.key, CalendarBegin.due_on == day.isoformat()
        )
        begun = set(session.scalars(done))
        return sorted(_subject(procedure.begins, procedure.open_to, day) - begun)


def _subject(begins: Beginning, kinds: Iterable[str], day: date) -> set[int]:
    """Return the ids of the organisations that are subject to what the calendar begins on a day."""
    before = datetime.combine(day, time.min, ZONE)
    admitted = _counted(begins.admitted_by, before)
    for organisation, count in _counted(begins.ended_by, before).items():
        admitted[organisation] = admitted.get(organisation, 0) - count
    rows = select(Organisation.id).where(
        Organisation.id.in_([ident for ident, count in admitted.items() if count > 0]),
        Organisation.is_active,
        Organisation.kind.in_(list(kinds)),
    )
    return set(db.session.scalars(rows))


def _counted(outcomes: Iterable[Outcome], before: datetime) -> dict[int, int]:
    found: dict[int, int] = {}
    for outcome in outcomes:
        versions = [name for name in catalogue.present().procedures.procedures if _is_of(name, outcome.procedure)]
        rows = select(Application).where(
            Application.archived_at < before, or_(*(Application.procedure == name for name in versions))
        )
        for application in db.session.scalars(rows).unique() if versions else ():
            if outcome.when is None or Conditions(application)[outcome.when] is True:
                found[application.organisation_id] = found.get(application.organisation_id, 0) + 1
    return found


def _is_of(name: str, procedure: str) -> bool:
    return name.rpartition(".v")[0] == procedure


def _begin(procedure: Procedure, organisation_id: int, day: date, *, now: datetime) -> bool:
    with db.transaction() as session:
        organisation = organisations.by_id(organisation_id)
        author = _author(procedure, organisation)
        if author is None:
            log.warning("nobody_to_begin_for", procedure=procedure.key, organisation=organisation.code)
            return False
        told = day.isoformat()
        application = filing.begin(procedure, organisation, author=author, by=None, act=BEGUN, words=told, now=now)
        row = {"procedure": procedure.key, "organisation_id": organisation.id, "due_on": told, "at": now}
        session.add(CalendarBegin(application_id=application.id, **row))
        session.flush()
        executor = procedure.processes[procedure.initial].executor or "author"
        moves.tell(application, [executor], now=now)
        log.info("begun_by_calendar", application=application.number, day=told)
    return True


def _author(procedure: Procedure, organisation: Organisation) -> User | None:
    """Return in whose name it is begun: a holder of the role at the Exchange, else who files for the organisation."""
    if procedure.started_by is not None:
        holders = accounts.holders(EXECUTOR_ROLES[procedure.started_by])
        return holders[0] if holders else None
    people = organisations.people(organisation)
    chief = [member.user for member in people if member.is_admin]
    return next(iter([*chief, *(member.user for member in people)]), None)
