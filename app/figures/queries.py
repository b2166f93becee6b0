"""The cases of all applications a reader sees, kept at hand: only what has moved since is read again.

An application's moves never change, so its case is made once for each version of it.  Where there are many, what
was counted serves for some minutes (``LASTS``), and the pages say of which moment it is.  Every process that serves
pages keeps its own cases; the first page after its start reads all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from threading import Lock
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from flask import Flask, current_app
from sqlalchemy import String, select
from sqlalchemy import cast as cast_to

from app import catalogue, db
from app.accounts.models import User
from app.applications import cabinet, clocks, queries
from app.applications.models import Answers, Application, History, Holding
from app.business_calendar.hours import ServiceHours
from app.business_calendar.totals import OpenTotals
from app.figures.cases import NONE, Case, Kept, returns, told
from app.figures.counting import Holders
from app.statements import Statement
from app.workflows.machine import Procedure
from app.workflows.running import Move, Run, runs

AT_ONCE = 500
"""Applications whose history is read with one query."""

MANY = 3_000
"""From so many cases on a fold serves for a while."""
LASTS = timedelta(minutes=10)
"""How long it serves then."""

REFUSED = "refused"
"""The outcome of an application that went to its end and was refused there; it is the word of a state."""


class Mark(NamedTuple):
    """What tells whether a case is still as it was made: any move makes another version."""

    version: int
    entered_at: object


@dataclass
class Fold:
    """The cases that a reader sees, as of a moment, and what has been counted of them by then."""

    cases: list[Case]
    at: datetime
    holders: Holders = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    counted: dict[object, Any] = field(default_factory=dict)


@dataclass
class Shelf:
    """The cases at hand, by the ids of their applications, and the folds that still serve, by who sees them."""

    cases: dict[int, tuple[Mark, Case]] = field(default_factory=dict)
    folds: dict[str, Fold] = field(default_factory=dict)
    paths: dict[object, Any] = field(default_factory=dict)
    totals: OpenTotals | None = None
    hours: ServiceHours | None = None
    lock: Lock = field(default_factory=Lock)


_shelves: WeakKeyDictionary[Flask, Shelf] = WeakKeyDictionary()


def shelf() -> Shelf:
    """Return the shelf of the running application."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    return _shelves.setdefault(app, Shelf())


def fold(user: User, *, now: datetime) -> Fold:
    """Return the cases that ``user`` sees as they stand now, or as they stood ``LASTS`` ago where there are many."""
    found = shelf()
    sight = queries._sight_of(user)
    known = found.folds.get(sight)
    if known is not None and len(known.cases) >= MANY and known.at <= now < known.at + LASTS:
        return known
    found.folds[sight] = Fold(cases(user), now, *_holders())
    return found.folds[sight]


def _holders() -> tuple[Holders, dict[str, str]]:
    """Return who holds which application as what, since when; and the names of these people by their ids."""
    row = db.table_of(Holding).c
    held: dict[int, dict[str, tuple[str, float]]] = {}
    for ident, executor, user_id, at in db.session.execute(
        select(row.application_id, row.executor, row.user_id, row.at).where(row.ended_at.is_(None))
    ):
        held.setdefault(ident, {})[executor] = (str(user_id), at.timestamp())
    ids = {int(person) for each in held.values() for person, _ in each.values()}
    people = db.session.scalars(select(User).where(User.id.in_(ids))).unique()
    return held, {str(person.id): person.name for person in people}


def cases(user: User) -> list[Case]:
    """Return the cases of the applications that ``user`` sees and that have come to the Exchange, oldest first.

    What has never been sent to it, and what was deleted, is no case.
    """
    table = db.table_of(Application)
    columns = (table.c.id, table.c.version, cast_to(table.c.entered_at, String))
    sent = (Application.submitted_at.is_not(None)) | (Application.author_id.in_(_colleagues()))
    seen = Statement(select(*columns).where(queries.visible_to(user), sent).order_by(table.c.id)).rows({})
    found = shelf()
    with found.lock:
        known = found.cases
        wanted = [(ident, Mark(version, at)) for ident, version, at in seen]
        new = {ident: mark for ident, mark in wanted if ident not in known or known[ident][0] != mark}
        if clocks.hours() is not found.hours:
            found.hours, found.totals, new = clocks.hours(), OpenTotals(clocks.hours()), dict(wanted)
        idents = list(new)
        for start in range(0, len(idents), AT_ONCE):
            for case in _made(idents[start : start + AT_ONCE], found):
                known[case.ident] = (new[case.ident], case)
        return [known[ident][1] for ident, _ in wanted if ident in known]


def _colleagues() -> Any:
    return select(User.id).where(cast_to(User.exchange_roles, String) != "[]")


def _made(idents: Sequence[int], found: Shelf) -> Iterator[Case]:
    """Yield the cases of these applications, as the database tells of them now."""
    table = db.table_of(Application)
    columns = (
        table.c.id, table.c.number, table.c.procedure, table.c.procedure_sha256, table.c.process, table.c.submitted_at,
        table.c.entered_at, table.c.decided_at, cast_to(table.c.stages, String),
    )  # fmt: skip
    rows = db.session.execute(select(*columns).where(table.c.id.in_(idents))).all()
    moved = _moves(idents)
    refused = _refused([row.id for row in rows if row.decided_at is not None], rows)
    assert found.totals is not None
    for ident, number, name, sha256, process, submitted_at, entered_at, _, stages in rows:
        procedure = _procedure(name)
        # A history may be missing where rows were brought in from elsewhere: then only the present stay is known.
        moves = moved.get(ident) or [(0, "", "", process, entered_at)]
        since = submitted_at if procedure.started_by is None and submitted_at is not None else moves[0][4]
        said = ((act, source, target, at.timestamp()) for _, act, source, target, at in moves)
        path, at, open_ = told(procedure, said, min(since, moves[-1][4]).timestamp(), found.totals.until)
        path = found.paths.setdefault((name, path), path)
        final = procedure.processes[process].final
        yield Case(
            ident,
            number,
            procedure,
            path,
            at,
            open_,
            outcome=_outcome(procedure, process, ident in refused) if final else "",
            waits=() if final else cabinet.executors_at(name, sha256, process, stages),
            kept=tuple(_kept(procedure, moves, final)),
            returns=returns(procedure, [entered.process for entered in path]),
        )


def _procedure(name: str) -> Procedure:
    return catalogue.present().procedures.procedures[name]


def _outcome(procedure: Procedure, process: str, is_refused: bool) -> str:
    state = procedure.processes[process].state
    return REFUSED if is_refused and state == procedure.processes[procedure.main_road[-1]].state else state


def _moves(idents: Sequence[int]) -> dict[int, list[tuple[int, str, str, str, datetime]]]:
    """Return the moves of applications: the history row's id, act, source, target and moment, in their order."""
    row = db.table_of(History).c
    columns = (row.application_id, row.id, row.act, row.source, row.target, row.at)
    found: dict[int, list[tuple[int, str, str, str, datetime]]] = {}
    statement = select(*columns).where(row.application_id.in_(idents), row.target != "").order_by(row.id)
    for application_id, *move in db.session.execute(statement):
        found.setdefault(application_id, []).append(tuple(move))
    return found


def _kept(procedure: Procedure, moves: Iterable[tuple[int, str, str, str, datetime]], final: bool) -> Iterator[Kept]:
    """Yield how the terms were kept, by the clocks that the application's pages show."""
    if not procedure.terms:
        return
    for run in runs(procedure, [Move(ident, target, at) for ident, _, _, target, at in moves]):
        yield kept(run)


def kept(run: Run) -> Kept:
    """Return how one run of a term was kept."""
    clock = clocks.clock(run)
    end = run.end.timestamp() if run.end else NONE
    due = clock.due.timestamp() if clock.due else NONE
    return Kept(run.term.key, run.start.timestamp(), end, due, clock.missing is None)


def _refused(idents: Sequence[int], rows: Iterable[Any]) -> set[int]:
    """Return which of these applications were refused by the decision: the answer ``outcome`` says so."""
    stages = {stage for name in {row.procedure for row in rows} for stage in _deciding(name, _procedure(name).sha256)}
    if not idents or not stages:
        return set()
    row = db.table_of(Answers).c
    statement = (
        select(row.application_id, row["values"])
        .where(row.application_id.in_(idents), row.stage.in_(stages))
        .order_by(row.revision)
    )
    last: dict[int, Any] = dict(db.session.execute(statement).all())
    return {
        ident
        for ident, values in last.items()
        if any(isinstance(form, dict) and form.get("outcome") == "refuse" for form in values.values())
    }


@lru_cache(maxsize=500)
def _deciding(name: str, sha256: str) -> frozenset[str]:
    """Return the stages whose forms ask for the decision."""
    stages = _procedure(name).stages.items()
    return frozenset(key for key, stage in stages if any(map(_asks_outcome, stage.forms)))


def _asks_outcome(key: str) -> bool:
    fields = getattr(catalogue.present().forms.outline(key, None), "fields", ())
    return any(each.key == "outcome" and "refuse" in (each.options or {}) for each in fields)
