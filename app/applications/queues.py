"""The work queue of the Exchange's people: ten thousand live applications looked over in the time of one page.

Columns alone are read, no records; ``cabinet.of_glances`` loads those that are shown.  When an application is
due is told from its history (``clocks``) and remembered while it does not move.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, ColumnElement, Integer, String, any_, func, literal, select
from sqlalchemy import cast as cast_to
from sqlalchemy.orm import InstrumentedAttribute

from app import catalogue, db
from app.accounts import queries as people
from app.accounts.models import User
from app.applications import cabinet, clocks, queries
from app.applications.models import Application, History, Holding
from app.organisations.models import Organisation
from app.permissions import EXECUTOR_ROLES, queues_headed_by, queues_of
from app.statements import Statement

AT_ONCE = 500
MOST_REMEMBERED = 100_000


class Due(NamedTuple):
    """When an application is due, None while nothing runs; ``is_paused``: a term stands still."""

    at: datetime | None
    is_paused: bool


_NOTHING_RUNS = Due(None, False)


class _Memory:
    """When applications are due, as long as they stand where they stood; a moved one is reckoned anew."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[object, Due]] = {}
        self._calendars: object = None

    def dues(self, standing: Mapping[int, tuple[Any, ...]]) -> Mapping[int, tuple[object, Due]]:
        """Return when each is due, beside its mark; ``standing`` maps ids to marks.

        A mark changes when an application moves; its last part is the name of the procedure.
        """
        calendars = catalogue.present().calendars
        if self._calendars is not calendars or len(self._known) > MOST_REMEMBERED:
            self._known, self._calendars = {}, calendars
        known = self._known
        missing = [ident for ident, mark in standing.items() if known.get(ident, _UNKNOWN)[0] != mark]
        procedures = catalogue.present().procedures.procedures
        rest = iter(missing)
        while some := list(islice(rest, AT_ONCE)):
            runs = clocks.standing({ident: procedures[standing[ident][-1]] for ident in some})
            for ident in some:
                read = [clocks.clock(run) for run in runs.get(ident, ())]
                at = min((each.due for each in read if each.due is not None), default=None)
                paused = at is None and any(each.run.is_paused for each in read)
                known[ident] = (standing[ident], Due(at, paused))
        return known


_UNKNOWN: tuple[object, Due] = (None, _NOTHING_RUNS)
_memory = _Memory()


class Standing(NamedTuple):
    """Where an application stands, to its reader: one for all that stand alike.

    ``executors`` may act now, the ``awaited`` of them must.  ``ours`` are the reader's queues and those he heads
    whose turn it is; ``awaits_us``: one of his own queues must act; ``is_waiting``: the turn is with the
    applicant's side.
    """

    procedure: str
    process: str
    executors: tuple[str, ...]
    awaited: tuple[str, ...]
    ours: tuple[str, ...]
    awaits_us: bool
    is_waiting: bool


class Entry(NamedTuple):
    """One live application as the queue sorts and filters it.

    ``arrived`` is when it was last sent, as the database writes it: only to be compared.
    ``holders`` maps the executors of the Exchange that have been taken to who holds them; ``mine`` are the reader's
    queues in which he holds it, himself or as a substitute.
    """

    id: int
    number: str
    organisation_id: int
    standing: Standing
    holders: Mapping[str, int]
    mine: tuple[str, ...]
    arrived: str
    due: Due

    @property
    def procedure(self) -> str:
        """The name of its procedure's version."""
        return self.standing.procedure

    @property
    def process(self) -> str:
        """The key of the process it is in."""
        return self.standing.process

    @property
    def untaken(self) -> tuple[str, ...]:
        """The reader's queues in which it lies and nobody has taken it."""
        ours, holders = self.standing.ours, self.holders
        return tuple(each for each in ours if each not in holders) if holders else ours

    def is_overdue(self, now: datetime) -> bool:
        """Tell whether its time is used up."""
        return self.due.at is not None and self.due.at <= now


def entries(user: User, *, now: datetime) -> list[Entry]:
    """Return the applications that ``user`` sees and that wait on anybody, newest first."""
    own, headed = queues_of(user.roles), queues_headed_by(user.roles)
    mine_ids = {user.id, *people.substituted_by(user.id, now=now)}
    held: dict[int, dict[str, int]] = {}
    taken = select(Holding.application_id, Holding.executor, Holding.user_id).where(Holding.ended_at.is_(None))
    connection = db.session.connection()  # ten thousand plain rows: the session would wrap each once more
    for ident, executor, user_id in connection.execute(taken).all():
        held.setdefault(ident, {})[executor] = user_id
    alike: dict[tuple[str, ...], Standing | None] = {}
    rows = []
    marks: dict[int, tuple[Any, ...]] = {}
    sight, given = queries.sight_of(user)
    for row in _live(sight).rows(given):
        where = tuple(row[5:])
        if where not in alike:
            alike[where] = _standing(*where, own=own, headed=headed)
        standing = alike[where]
        if standing is not None:
            rows.append((row, standing))
            marks[row[0]] = cabinet.mark_of(row[3], row[4], standing.process, standing.procedure)
    dues = _memory.dues(marks)
    nobody: dict[str, int] = {}
    found = []
    for (ident, number, organisation_id, _, arrived, *_), standing in rows:
        holders = held.get(ident, nobody)
        mine = tuple(each for each in standing.ours if holders.get(each) in mine_ids and each in own) if holders else ()
        found.append(Entry(ident, number, organisation_id, standing, holders, mine, arrived, dues[ident][1]))
    return found


def _standing(
    procedure: str, sha256: str, process: str, stages: str, *, own: frozenset[str], headed: frozenset[str]
) -> Standing | None:
    """Return where those stand that stand so, None where nobody can act."""
    executors = cabinet.executors_at(procedure, sha256, process, stages)
    if not executors:
        return None
    awaited = cabinet.awaited_at(procedure, sha256, process, stages)
    ours = tuple(each for each in executors if each in own or each in headed)
    is_waiting = EXECUTOR_ROLES.keys().isdisjoint(executors)
    return Standing(procedure, process, executors, awaited, ours, not own.isdisjoint(awaited), is_waiting)


@cache
def _live(sight: str) -> Statement:
    """Return the statement for what is seen and not archived; a moment as text, which is not converted."""
    row = db.table_of(Application).c
    columns = (row.id, row.number, row.organisation_id, row.version)
    arrived = cast_to(func.coalesce(row.sent_at, row.entered_at), String)
    standing = (row.procedure, row.procedure_sha256, row.process, cast_to(row.stages, String))
    seen = select(*columns, arrived, *standing).where(queries.condition_of(sight), Application.archived_at.is_(None))
    return Statement(seen.order_by(row.id.desc()))


def dues_of(glances: Iterable[cabinet.Glance]) -> dict[int, Due]:
    """Return when applications are due."""
    marks = {each.id: each.mark for each in glances}
    dues = _memory.dues(marks)
    return {ident: dues[ident][1] for ident in marks}


def companies() -> dict[int, dict[str, str]]:
    """Return the codes and names of all organisations, by id: ``{"code", "kk", "ru", "en"}``."""
    table = db.table_of(Organisation)
    columns = (table.c.id, table.c.code, table.c.name_kk, table.c.name_ru, table.c.name_en)
    rows = db.session.execute(select(*columns))
    return {ident: {"code": code, "kk": kk, "ru": ru, "en": en} for ident, code, kk, ru, en in rows}


def last_events(ids: list[int] | None = None) -> dict[int, int]:
    """Return the id of the newest history row of each application, of all live ones where ``ids`` is None.

    By the index, application by application: to group all that ever happened takes several times as long.
    """
    newest = select(func.max(History.id)).where(History.application_id == Application.id).scalar_subquery()
    named = Application.archived_at.is_(None) if ids is None else _among(Application.id, ids)
    rows = db.session.connection().execute(select(Application.id, newest).where(named)).all()
    return {row[0]: row[1] for row in rows if row[1] is not None}


def _among(column: InstrumentedAttribute[int], ids: list[int]) -> ColumnElement[bool]:
    """Return that a column is one of these; PostgreSQL takes them as one array, not as thousands of parameters."""
    if db.session.connection().dialect.name == "postgresql":
        return column == any_(literal(ids, ARRAY(Integer)))
    return column.in_(ids)


def events(ids: list[int]) -> dict[int, History]:
    """Return history rows by their application."""
    found = db.session.scalars(select(History).where(History.id.in_(ids))).unique()
    return {row.application_id: row for row in found}
