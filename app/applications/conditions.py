"""What the conditions of a procedure say of an application, and the rows that decision tables gave it.

A row is fixed in the history at the moment a transition asks its table, with the version of the table; from
then on it stands, whatever becomes of the answers or the table, until a transition asks again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import select

from app import catalogue, db
from app.applications import queries
from app.applications.models import Answers, Application, History
from app.expressions.language import Expression, ExpressionError
from app.expressions.scopes import Scope
from app.forms.simple import Form
from app.web.templating import ZONE
from app.workflows.conditions import Answered, Fields, Given, compiled
from app.workflows.machine import Procedure
from app.workflows.parts import Transition
from app.workflows.tables import Row, Table, TableUse, in_force

DECIDE = "decide"
"""The act in the history of a table that has been asked; its words are ``<table>:<row>``."""


@dataclass(frozen=True)
class Chosen:
    """The row of a table that was taken, and when."""

    use: TableUse
    table: Table
    row: Row
    at: datetime


def chosen(application: Application) -> dict[str, Chosen]:
    """Return the rows that stand, by the key of the table's use."""
    procedure = queries.procedure(application)
    if not procedure.tables:
        return {}
    rows = select(History).where(History.application_id == application.id, History.act == DECIDE).order_by(History.id)
    found = (read(procedure, row) for row in db.session.scalars(rows).unique())
    return {each.use.key: each for each in found if each is not None}


def read(procedure: Procedure, row: History) -> Chosen | None:
    """Return what a row of history says of a table; None where the procedure knows it no more."""
    return next((Chosen(*each, row.at) for each in _rows(procedure, row.stage, row.words)), None)


def row_of(procedure: Procedure, use: str, words: str) -> Row | None:
    """Return the row that the words of a row of history name."""
    return next((row for _, _, row in _rows(procedure, use, words)), None)


def _rows(procedure: Procedure, use: str, words: str) -> Iterator[tuple[TableUse, Table, Row]]:
    name, _, key = words.partition(":")
    for asked in procedure.tables:
        for table in asked.versions:
            for row in table.rows:
                if (asked.key, table.name, row.key) == (use, name, key):
                    yield asked, table, row


def decide(application: Application, transition: Transition, *, now: datetime) -> Iterator[tuple[str, str]]:
    """Yield for each table that a transition asks its key and the row that fits now, as the history keeps them.

    The version is the one in force today; one that says what stands already is not told again.
    """
    uses = [use for use in queries.procedure(application).tables if use.key in transition.decides]
    if not uses:
        return
    standing, answered = chosen(application), scope(application, {})
    for use in uses:
        table = in_force(use.versions, now.astimezone(ZONE).date())
        values = {key: _value(given, answered) for key, given in use.given.items()}
        row, before = table.row(values), standing.get(use.key)
        if before is None or (before.table, before.row) != (table, row):
            yield use.key, f"{table.name}:{row.key}"


def _value(given: Any, answered: Answered) -> Any:
    if not isinstance(given, tuple):
        return given
    stage, (key, _, part) = given[0], given[1].partition(".")
    found = answered.operand(f"{stage}.{key}")
    return found.get(part) or None if part and isinstance(found, dict) else None if part else found


def scope(application: Application, decided: Mapping[str, Chosen]) -> Answered:
    """Return the newest answers, with the versions of the forms that the application keeps, as conditions see them."""
    procedure, sheets = queries.procedure(application), dict[str, Mapping[str, Scope]]()

    def sheet(place: str, name: str) -> Scope | None:
        if place in decided:
            return Given(decided[place].row.then)
        if place not in sheets:
            sheets[place] = _sheets(application, procedure, place) if place in procedure.stages else {}
        return sheets[place].get(name)

    return Answered(sheet)


def _sheets(application: Application, procedure: Procedure, stage: str) -> dict[str, Scope]:
    newest = select(Answers.values).where(Answers.application_id == application.id, Answers.stage == stage)
    values = db.session.scalars(newest.order_by(Answers.revision.desc()).limit(1)).first() or {}
    found: dict[str, Scope] = {}
    for form in _forms(procedure, stage, application.forms):
        sheet = form.plan.sheet(values.get(form.key, {}))
        found |= dict.fromkeys((asked.key for asked in form.fields), sheet)
    return found


def _forms(procedure: Procedure, stage: str, versions: Mapping[str, int]) -> list[Form]:
    library = catalogue.present().forms
    found = [library.get(key, versions.get(key)) for key in procedure.stages[stage].forms]
    return [form for form in found if isinstance(form, Form)]


class Conditions(Mapping[str, bool | None]):
    """Condition -> what it says of an application; each is looked up only when it is asked."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._scope: Answered | None = None
        self._found: dict[str, bool | None] = {}

    def __getitem__(self, text: str) -> bool | None:
        if text not in self._found:
            application = self._application
            if self._scope is None:
                self._scope = scope(application, chosen(application))
            versions = tuple(sorted(application.forms.items()))
            expression = _expression(text, queries.procedure(application), versions)
            self._found[text] = None if expression is None else expression.read(self._scope)
        return self._found[text]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


class _ByName:
    """A procedure as a key of what is remembered: by its name and hash."""

    def __init__(self, procedure: Procedure) -> None:
        self.procedure = procedure
        self.name = (procedure.name, procedure.sha256)

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByName) and other.name == self.name


def _expression(text: str, procedure: Procedure, versions: tuple[tuple[str, int], ...]) -> Expression | None:
    return _compiled(text, _ByName(procedure), versions)


@lru_cache(maxsize=2000)
def _compiled(text: str, procedure: _ByName, versions: tuple[tuple[str, int], ...]) -> Expression | None:
    """Return a condition ready to be read; None where an older version of a form does not ask what it names."""
    known, found = dict(versions), procedure.procedure
    places: dict[str, Fields] = {
        stage: {asked.key: asked for form in _forms(found, stage, known) for asked in form.fields}
        for stage in found.stages
    }
    places |= {use.key: use.fields() for use in found.tables}
    try:
        return compiled(text, places)
    except ExpressionError:
        return None
