"""What the worker does when time passes: reminders, word to the head, and the outcomes of timers.

Each mark of a run is a row of ``clock_event``, written in one transaction with what follows from it:
so each happens once, in the order of their moments, however long the worker was away or whenever it
was killed.  What lies in the past by then still happens, one after the other; a term that has ended or
stands still gets none.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from itertools import islice

import structlog
from sqlalchemy import Select, and_, false, or_, select
from sqlalchemy.orm import lazyload

from app import catalogue, db
from app.applications import addressees, clocks, moves, queries
from app.applications.models import Application, ClockEvent
from app.business_calendar.days import CalendarMissing
from app.errors import AppError
from app.notifications import operations as notifications
from app.notifications.operations import Addressee, Message
from app.web.templating import date_time_text
from app.workflows.machine import Procedure
from app.workflows.running import Run

log = structlog.get_logger()

AT_ONCE = 500
"""Applications whose history is read with one query."""


class Kind(StrEnum):
    """The marks of a run, in their order."""

    SOON = "soon"  # three quarters of the time are used up: who must act is reminded
    OVER = "over"  # it is over: who must act is reminded, the head is told
    OUTCOME = "outcome"  # it is over: the timer's transition is taken


SHARES = {Kind.SOON: Fraction(3, 4), Kind.OVER: clocks.WHOLE, Kind.OUTCOME: clocks.WHOLE}
_ORDER = list(Kind)


@dataclass(frozen=True)
class Mark:
    """A moment at which something is to happen once, of one run of one application."""

    at: datetime
    application_id: int
    run: Run
    kind: Kind

    @property
    def name(self) -> tuple[str, int, str]:
        """What tells it apart from all others."""
        return (self.run.term.key, self.run.ident, str(self.kind))

    @property
    def place(self) -> tuple[datetime, int, int, str]:
        """Where it stands among all marks."""
        return (self.at, self.application_id, _ORDER.index(self.kind), self.run.term.key)


class Timekeeper:
    """Does what is due.  What it remembers of an application is dropped as soon as that has moved."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, list[Mark]]] = {}

    def keep(self, *, now: datetime) -> int:
        """Do everything that is due, in order, each in a transaction of its own; return how much was done."""
        self._look()
        waiting = (mark for _, marks in self._known.values() for mark in marks)
        due = sorted((mark for mark in waiting if mark.at <= now), key=lambda mark: mark.place)
        done, stuck = 0, set[int]()
        for mark in due:
            if mark.application_id in stuck:
                continue  # what comes after waits for what comes before
            self._known.pop(mark.application_id, None)
            try:
                done += _do(mark, now=now)
            except AppError:
                log.exception("mark_not_done", application=mark.application_id, term=mark.run.term.key, kind=mark.kind)
                stuck.add(mark.application_id)
        return done

    def _look(self) -> None:
        with db.transaction(writing=False) as session:
            here = session.execute(_timed()).all()
            known = {ident: self._known[ident] for ident, version, _ in here if self._remembers(ident, version)}
            new = {ident: (version, _procedure(name)) for ident, version, name in here if ident not in known}
            found: dict[int, list[Run]] = {}
            happened: set[tuple[str, int, str]] = set()
            for some in _portions(new):
                found |= clocks.standing({ident: new[ident][1] for ident in some})
                happened |= _happened(some)
        for ident, runs in found.items():
            known[ident] = (new[ident][0], list(_marks(ident, runs, happened)))
        self._known = known

    def _remembers(self, ident: int, version: int) -> bool:
        return ident in self._known and self._known[ident][0] == version


def _procedure(name: str) -> Procedure:
    return catalogue.present().procedures.procedures[name]


def _timed() -> Select[int, int, str]:
    """Return the statement for the applications that stand in a process with a term: id, version, procedure."""
    procedures = catalogue.present().procedures.procedures
    places = [
        and_(Application.procedure == name, Application.process.in_(_processes(found)))
        for name, found in procedures.items()
        if found.terms
    ]
    return select(Application.id, Application.version, Application.procedure).where(or_(false(), *places))


def _processes(procedure: Procedure) -> set[str]:
    return {key for term in procedure.terms for key in term.processes}


def _portions(idents: Iterable[int]) -> Iterator[list[int]]:
    rest = iter(idents)
    while some := list(islice(rest, AT_ONCE)):
        yield some


def _happened(idents: Iterable[int]) -> set[tuple[str, int, str]]:
    """Return the names of the marks that have happened."""
    rows = select(ClockEvent.term, ClockEvent.run, ClockEvent.kind).where(ClockEvent.application_id.in_(list(idents)))
    return {(term, run, kind) for term, run, kind in db.session.execute(rows)}


def _marks(ident: int, runs: Iterable[Run], happened: Container[tuple[str, int, str]]) -> Iterator[Mark]:
    """Yield the marks of an application that have not happened yet; none of a run that stands still."""
    for run in runs:
        if run.is_paused:
            continue
        try:
            at = {share: clocks.reading(run, share=share).due for share in set(SHARES.values())}
        except CalendarMissing as missing:
            log.warning("calendar_missing", application=ident, term=run.term.key, year=missing.year)
            continue
        for kind, share in SHARES.items():
            moment = at[share]
            mark = Mark(moment, ident, run, kind) if moment is not None else None
            if mark is not None and mark.name not in happened and (kind is not Kind.OUTCOME or run.term.trigger):
                yield mark


def _do(mark: Mark, *, now: datetime) -> bool:
    """Let a mark happen, if it still is to; return whether it did."""
    with db.transaction() as session:
        one = select(Application).where(Application.id == mark.application_id).with_for_update()
        application = session.scalars(one.options(lazyload(Application.organisation))).one()
        ident, procedure = application.id, queries.procedure(application)
        runs = clocks.standing({ident: procedure}).get(ident, [])
        still = {each.name: each for each in _marks(ident, runs, _happened([ident]))}.get(mark.name)
        if still is None or still.at > now:
            return False
        term, run = mark.run.term, mark.run.ident
        event = {"term": term.key, "run": run, "kind": mark.kind, "due_at": still.at, "at": now}
        session.add(ClockEvent(application_id=ident, **event))
        session.flush()
        if mark.kind is Kind.OUTCOME:
            assert term.trigger is not None
            moves.fire_by_system(application, term.trigger, now=now)
        else:
            _tell(application, still, now=now)
        log.info("time_kept", application=application.number, term=term.key, kind=mark.kind)
    return True


def _tell(application: Application, mark: Mark, *, now: datetime) -> None:
    term = mark.run.term
    due = clocks.reading(mark.run).due
    params = {"term": term.title.model_dump(), "number": application.number, "due": date_time_text(due)}
    around = addressees.around(application)
    told: dict[Addressee, Message] = {}
    if mark.kind is Kind.OVER and term.escalate is not None:
        told.update(dict.fromkeys(around.get(term.escalate, ()), Message("notice.term_escalated", params)))
    may_act = mark.kind is Kind.SOON or term.trigger is None  # else the system is about to act, and nobody may
    reminder = Message(f"notice.term_{mark.kind}", params, action_required=may_act)
    for executor in queries.current_executors(application):
        told.update(dict.fromkeys(around.get(executor, ()), reminder))
    notifications.post(told.items(), about=moves.about(application), now=now)
