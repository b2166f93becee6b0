"""Where terms run: out of the moves of an application, when each term began, stood still and ended.

Nothing of a term is stored: it is told anew from the moves, every time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from app.workflows.guards import APPLICANT
from app.workflows.machine import Procedure
from app.workflows.parts import Term


@dataclass(frozen=True)
class Move:
    """An application entered the process ``target`` at this moment; ``ident`` tells moves apart.

    Without a target nothing moved: a table said how long terms take (``decided``: use and output of the
    table -> working days), or the term ``extended`` was made longer by ``days``.
    """

    ident: int
    target: str
    at: datetime
    decided: Mapping[tuple[str, str], int] = field(default_factory=dict)
    extended: str = ""
    days: int = 0


@dataclass(frozen=True)
class Stay:
    """A stretch of time; ``end`` None: it goes on."""

    start: datetime
    end: datetime | None = None


@dataclass(frozen=True)
class Run:
    """One run of a term: begun, or last made longer, by the move ``ident``.

    ``end`` None: it runs, or stands still in its last pause.
    ``decided``: the working days that a table gave, ``extensions``: those added by hand.
    """

    term: Term
    ident: int
    start: datetime
    pauses: tuple[Stay, ...] = ()
    end: datetime | None = None
    decided: int | None = None
    extensions: tuple[int, ...] = ()

    @property
    def working_days(self) -> int:
        """How long it runs: what the file says, or the table that was asked, and what was added."""
        return (self.term.working_days if self.decided is None else self.decided) + sum(self.extensions)

    @property
    def is_paused(self) -> bool:
        """Whether it stands still now."""
        return self.end is None and bool(self.pauses) and self.pauses[-1].end is None


def runs(procedure: Procedure, moves: Iterable[Move]) -> tuple[Run, ...]:
    """Return every run of every term, ended ones too; ``moves`` are in the order in which they happened."""
    told = tuple(moves)
    return tuple(run for term in procedure.terms for run in _runs_of(term, procedure, told))


def _runs_of(term: Term, procedure: Procedure, moves: Iterable[Move]) -> list[Run]:
    found: list[Run] = []
    decided: int | None = None
    for move in moves:
        run = found[-1] if found and found[-1].end is None else None
        if not move.target:
            decided = move.decided.get(term.table, decided) if term.table is not None else None
            added = (move.days,) if move.extended == term.key else ()
            if run is not None:
                ident = move.ident if added else run.ident  # what was reminded of before is reminded of again
                found[-1] = replace(run, ident=ident, decided=decided, extensions=(*run.extensions, *added))
        elif move.target in term.processes:
            if run is None:
                found.append(Run(term, move.ident, move.at, decided=decided))
            elif run.is_paused:
                found[-1] = replace(run, pauses=(*run.pauses[:-1], replace(run.pauses[-1], end=move.at)))
        elif run is not None and not (term.pauses_with_applicant and _is_with_applicant(procedure, move.target)):
            found[-1] = _ended(run, move.at)
        elif run is not None and not run.is_paused:
            found[-1] = replace(run, pauses=(*run.pauses, Stay(move.at)))
    return found


def _ended(run: Run, at: datetime) -> Run:
    pauses = run.pauses
    if run.is_paused:
        pauses = (*pauses[:-1], replace(pauses[-1], end=at))
    return replace(run, pauses=pauses, end=at)


def _is_with_applicant(procedure: Procedure, process: str) -> bool:
    found = procedure.processes.get(process)
    return found is not None and found.executor in APPLICANT
