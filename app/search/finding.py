"""The applications that a query finds: of those its reader sees, as they stand or stood at the end of a day.

Columns alone are read, no records: ten thousand are answered in the time of one page.  What the database can tell
by itself narrows what is read; ``matching`` judges every row, so that both never disagree.  Who must act is told
from where a row stands (``cabinet.executors_at``); where it stood on a past day, from its history.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, String, func, select
from sqlalchemy import cast as cast_to

from app import catalogue, db
from app.accounts.models import User
from app.applications import cabinet
from app.applications import queries as applications
from app.applications.models import Application, Assignment, History, Letter, PaperIntake, SentVersion
from app.business_calendar.days import ZONE
from app.organisations import queries as organisations
from app.organisations.models import Organisation
from app.permissions import EXECUTOR_ROLES
from app.search.grammar import Criterion, Kind, Query, period
from app.search.matching import Adviser, Company, Found, bound, test_of
from app.terms import say
from app.workflows.machine import Procedure

MOST_NAMED = 400
"""Organisations that are named one by one to the database; more of them are told apart here."""

_MOMENTS = ("created_at", "submitted_at", "sent_at", "registered_at", "decided_at", "entered_at", "archived_at")


def find(query: Query, user: User, *, now: datetime, language: str) -> list[Found]:
    """Return what ``user`` sees of what is asked for, newest first: all of it, however much it is.

    Whose sight it is, today's rights say, also of a past day; relative days count from the day that is looked at.
    """
    today = query.as_of or now.astimezone(ZONE).date()
    is_asked_for = test_of(query, today)
    return [each for each in _Reading(query, user, today, language).rows() if is_asked_for(each)]


class _Stay(NamedTuple):
    process: str
    at: str


class _Reading:
    """One look at the database for one query: what every row needs beside its own columns, each read once."""

    def __init__(self, query: Query, user: User, today: date, language: str) -> None:
        self.query, self.user, self.today, self.language = query, user, today, language
        self.end = bound(query.as_of + timedelta(days=1)) if query.as_of else ""
        self.moment = _begin(query.as_of + timedelta(days=1)) if query.as_of else None
        self.procedures = catalogue.present().procedures.procedures
        self._places: dict[tuple[str, str], str] = {}
        self.companies = _companies(self.moment)

    def rows(self) -> Iterable[Found]:
        """Yield what the reader sees, newest first."""
        table = db.table_of(Application)
        names = ("id", "number", "registration_number", "organisation_id", "author_id")
        standing = ("procedure", "procedure_sha256", "process")
        columns = (
            *(table.c[name] for name in (*names, *standing)),
            cast_to(table.c.stages, String),
            *(cast_to(table.c[name], String) for name in _MOMENTS),
        )
        statement = select(*columns).where(applications.visible_to(self.user), *self._narrowed())
        rows = db.session.connection().execute(statement.order_by(table.c.id.desc())).all()
        authors, papers = self._authors(), self._papers()
        advisers = self._advisers() if "adviser" in self.query.fields else {}
        letters = self._letters() if "letter" in self.query.fields or self.query.words else {}
        stays = self._stays() if self.end else {}
        answers = self._answers() if self.end else {}
        for ident, number, given, company, author, name, sha256, process, stages, *moments in rows:
            created, submitted, sent, registered, decided, entered, archived = moments
            procedure = self.procedures[name]
            if procedure.started_by is not None:  # what the Exchange began: sent is what the organisation answered
                submitted = sent if sent != submitted else None
                if submitted and self.end and submitted >= self.end:
                    submitted = answers.get(ident)
            executors: tuple[str, ...] = ()
            if self.end:
                if ident in stays or entered >= self.end:  # without a history only the present stay is known
                    process, entered = stays.get(ident, _Stay("", ""))
                submitted, registered, decided, archived = map(
                    self._by_then, (submitted, registered, decided, archived)
                )
            else:
                executors = cabinet.executors_at(name, sha256, process, stages)
            yield Found(
                ident, number, given if registered else "", self.companies[company], name, procedure.key,
                procedure.category, process, self._state(procedure, process), executors, authors.get(author, ""),
                advisers.get(ident, ()), letters.get(ident, ()), created, submitted, registered, decided,
                entered or None, archived, ident in papers,
            )  # fmt: skip

    def _by_then(self, at: str | None) -> str | None:
        return at if at is not None and at < self.end else None

    def _state(self, procedure: Procedure, process: str) -> str:
        """Return the state that a process shows; one of the past may stand in another version of the procedure."""
        key = (procedure.name, process)
        if key not in self._places:
            known = (each.processes.get(process) for each in applications.versions_of(procedure))
            self._places[key] = next((each.state for each in known if each is not None), "")
        return self._places[key]

    # What is read beside the rows

    def _stays(self) -> dict[int, _Stay]:
        """Return the process that each application stood in at the end of the day, and since when, from its history."""
        row = db.table_of(History).c
        last = select(func.max(row.id)).where(row.target != "", row.at < self.moment).group_by(row.application_id)
        statement = select(row.application_id, row.target, cast_to(row.at, String)).where(row.id.in_(last))
        found = db.session.connection().execute(statement).all()
        return {ident: _Stay(process, at) for ident, process, at in found}

    def _answers(self) -> dict[int, str]:
        """Return when organisations had last sent something by the end of the day."""
        row = db.table_of(SentVersion).c
        statement = select(row.application_id, func.max(cast_to(row.at, String))).where(
            row.addressee == "exchange", row.at < self.moment
        )
        rows = db.session.connection().execute(statement.group_by(row.application_id)).all()
        return {ident: at for ident, at in rows}  # noqa: C416 - a row is no pair to the type checker

    def _authors(self) -> dict[int, str]:
        """Return the names of authors by their ids; of the Exchange's people a client reads the unit alone."""
        row = db.table_of(User).c
        written = select(db.table_of(Application).c.author_id)
        statement = select(row.id, row.last_name, row.first_name, row.exchange_roles).where(row.id.in_(written))
        found = {}
        for ident, last, first, roles in db.session.execute(statement):
            if roles and not self.user.is_exchange:
                executor = next((each for each, role in EXECUTOR_ROLES.items() if role.value in roles), "")
                key = f"workflow.executor.{executor}" if executor else "app.exchange"
                found[ident] = say(key, self.language)
            else:
                found[ident] = f"{last} {first}"
        return found

    def _papers(self) -> set[int]:
        statement = select(PaperIntake.application_id)
        if self.moment:
            statement = statement.where(PaperIntake.at < self.moment)
        return set(db.session.scalars(statement))

    def _advisers(self) -> dict[int, tuple[Adviser, ...]]:
        """Return who is the adviser of applications at present, and for which organisation."""
        person = db.table_of(User).c
        statement = (
            select(Assignment.application_id, person.last_name, person.first_name, Assignment.organisation_id)
            .join(User, User.id == Assignment.user_id)
            .where(Assignment.executor == "adviser", Assignment.is_current)
            .order_by(Assignment.id)
        )
        found: dict[int, tuple[Adviser, ...]] = {}
        for ident, last, first, firm in db.session.execute(statement):
            found[ident] = (*found.get(ident, ()), Adviser(f"{last} {first}", self.companies.get(firm)))
        return found

    def _letters(self) -> dict[int, tuple[str, ...]]:
        """Return the outgoing numbers of the letters and conclusions that were sent, oldest first."""
        row = db.table_of(Letter).c
        statement = select(row.application_id, row.number).where(row.number != "", row.sent_at.is_not(None))
        if self.moment:
            statement = statement.where(row.sent_at < self.moment)
        found: dict[int, tuple[str, ...]] = {}
        for ident, number in db.session.execute(statement.order_by(row.id)):
            found[ident] = (*found.get(ident, ()), number)
        return found

    # What the database tells by itself

    def _narrowed(self) -> Iterable[ColumnElement[bool]]:
        """Yield conditions that everything asked for fulfils."""
        if self.moment:
            yield Application.created_at < self.moment
        for group in self.query.groups if not self.query.is_any or len(self.query.groups) == 1 else ():
            if len(group) == 1:
                yield from self._condition(group[0])

    def _condition(self, criterion: Criterion) -> Iterable[ColumnElement[bool]]:
        key, operator = criterion.field.key, criterion.operator
        if key in ("company", "code", "bin") and operator in ("has", "is", "begins"):
            named = test_of(Query(criteria=(criterion,)), self.today)
            idents = [ident for ident, company in self.companies.items() if named(_of(company))]
            if len(idents) <= MOST_NAMED:
                yield Application.organisation_id.in_(idents)
        elif key in ("procedure", "category") and operator == "is":
            value = criterion.values[0]
            yield Application.procedure.in_(
                [name for name, each in self.procedures.items() if value in (each.key, each.category)]
            )
        elif key == "created" and criterion.field.kind is Kind.DAY:
            since, until = period(criterion, self.today)
            if since:
                yield Application.created_at >= _begin(since)
            if until:
                yield Application.created_at < _begin(until)
        elif self.moment:
            return  # the rest tells how things stand now
        elif key == "process" and operator == "is":
            yield Application.process == criterion.values[0]
        elif key == "is_archived":
            is_there = Application.archived_at.is_not(None)
            yield is_there if operator == "yes" else ~is_there
        elif key in _COLUMNS and operator not in ("filled", "empty"):
            since, until = period(criterion, self.today)
            if since:
                yield _COLUMNS[key] >= _begin(since)
            if until:
                yield _COLUMNS[key] < _begin(until)


_COLUMNS: Mapping[str, Any] = {
    "registered": Application.registered_at,
    "decided": Application.decided_at,
    "entered": Application.entered_at,
    "archived": Application.archived_at,
}


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), ZONE).astimezone(UTC)


def _of(company: Company) -> Found:
    """Return a row of which nothing is known but the company."""
    return Found(0, "", "", company, "", "", "", "", "", (), "", (), (), "", None, None, None, None, None, False)


def _companies(moment: datetime | None) -> dict[int, Company]:
    """Return all organisations by id; shown by the names of a moment (None: now), found by all they ever had."""
    row = db.table_of(Organisation).c
    then = organisations.names_at(moment) if moment else {}
    former = organisations.former_names()
    found = {}
    for ident, code, number, *names in db.session.execute(
        select(row.id, row.code, row.bin, row.name_kk, row.name_ru, row.name_en)
    ):
        shown = then.get(ident) or dict(zip(("kk", "ru", "en"), names, strict=True))
        found[ident] = Company(code, number, shown, (code, *names, *former.get(ident, ())))
    return found
