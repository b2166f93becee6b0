"""An application as figures count it: which processes it entered when, and how its terms were kept.

Pure: moves go in, values come out.  Moments are POSIX timestamps, a missing one is not a number; the
open time of the Exchange stands beside each, so that a stretch is measured by a difference.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from app.workflows.guards import APPLICANT, SYSTEM
from app.workflows.machine import Procedure

NONE = math.nan


class Entered(NamedTuple):
    """An application entered ``process`` by the act ``act``; ``role`` is who took it, by the workflow file's words."""

    process: str
    act: str
    role: str


class Kept(NamedTuple):
    """One run of a term; ``due`` is not a number while it stands still or cannot be reckoned (``known`` false)."""

    term: str
    start: float
    end: float
    due: float
    known: bool

    def settled(self, now: float) -> tuple[float, bool] | None:
        """Return when it was settled and whether in time: met at its end, late when it was due; else None."""
        if self.due <= now and not self.end <= self.due:
            return self.due, False
        return (self.end, True) if self.known and self.end <= now else None


@dataclass(frozen=True, slots=True)
class Case:
    """One application since it first came to the Exchange; what its people did before is theirs alone.

    ``path`` are the processes it entered, ``at`` when, ``open`` the open time until then, in seconds.
    ``outcome`` is the word of the state it ended in, "" while it is alive; ``waits`` who must act now;
    ``returns`` how often it came back for rework.
    """

    ident: int
    number: str
    procedure: Procedure
    path: tuple[Entered, ...]
    at: tuple[float, ...]
    open: tuple[float, ...]
    outcome: str = ""
    waits: tuple[str, ...] = ()
    kept: tuple[Kept, ...] = ()
    returns: int = 0

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return not self.outcome


def told(
    procedure: Procedure, moves: Iterable[tuple[str, str, str, float]], since: float, until: Callable[[float], float]
) -> tuple[tuple[Entered, ...], tuple[float, ...], tuple[float, ...]]:
    """Return path, moments and open time out of moves: act, source, target, moment, in their order.

    What lies before ``since`` is left out; ``until`` gives the open time before a moment.
    """
    path: list[Entered] = []
    at: list[float] = []
    for act, source, target, moment in moves:
        if moment >= since:
            path.append(Entered(target, act, _role(procedure, act, source, target)))
            at.append(moment)
    return tuple(path), tuple(at), tuple(map(until, at))


_roles: dict[tuple[str, str, str, str, str], str] = {}


def _role(procedure: Procedure, act: str, source: str, target: str) -> str:
    """Return the executor whose act it is; of a beginning who begins, of a timer and of the calendar the system."""
    key = (procedure.name, procedure.sha256, act, source, target)
    if key not in _roles:
        _roles[key] = _role_of(procedure, act, source, target)
    return _roles[key]


def _role_of(procedure: Procedure, act: str, source: str, target: str) -> str:
    if not source:
        return (procedure.started_by or "author") if act == "create" else SYSTEM
    for way in procedure.transitions:
        if (way.source, way.trigger, way.target) == (source, act, target):
            return way.by
    return (procedure.processes[source].executor if source in procedure.processes else None) or SYSTEM


def is_with_applicant(procedure: Procedure, process: str) -> bool:
    """Tell whether the organisation's people have an application in hand in this process."""
    found = procedure.processes.get(process)
    return found is not None and found.executor in APPLICANT


def returns(procedure: Procedure, processes: Sequence[str]) -> int:
    """Return how often an application came back from the Exchange for rework.

    What the Exchange begins goes to the organisation once without being rework.
    """
    times = sum(
        is_with_applicant(procedure, target) and not is_with_applicant(procedure, source)
        for source, target in pairwise(processes)
    )
    return max(0, times - (procedure.started_by is not None))
