"""The work queue of the Exchange's people: ten thousand live applications looked over in the time of one page.

Columns alone are read, no records; ``cabinet.of_glances`` loads those that are shown.  When an application is
due is told from its history (``clocks``) and remembered while it does not move.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Select, String, func, select
from sqlalchemy import cast as cast_to

from app import catalogue, db
from app.accounts import queries as people
from app.accounts.models import User
from app.applications import cabinet, clocks, queries
from app.applications.models import Application, History, Holding
from app.organisations.models import Organisation
from app.permissions import EXECUTOR_ROLES, queues_headed_by, queues_of

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

    def dues(self, standing: Mapping[int, tuple[object, str]]) -> dict[int, Due]:
        """Return when each is due; ``standing`` maps ids to what changes when one moves, and to the procedure."""
        calendars = catalogue.present().calendars
        if self._calendars is not calendars or len(self._known) > MOST_REMEMBERED:
            self._known, self._calendars = {}, calendars
        known = self._known
        missing = [ident for ident, (mark, _) in standing.items() if known.get(ident, _UNKNOWN)[0] != mark]
        procedures = catalogue.present().procedures.procedures
        rest = iter(missing)
        while some := list(islice(rest, AT_ONCE)):
            runs = clocks.standing({ident: procedures[standing[ident][1]] for ident in some})
            for ident in some:
                read = [clocks.clock(run) for run in runs.get(ident, ())]
                at = min((each.due for each in read if each.due is not None), default=None)
                paused = at is None and any(each.run.is_paused for each in read)
                known[ident] = (standing[ident][0], Due(at, paused))
        return {ident: known[ident][1] for ident in standing}


_UNKNOWN: tuple[object, Due] = (None, _NOTHING_RUNS)
_memory = _Memory()


class Entry(NamedTuple):
    """One live application as the queue sorts and filters it.

    ``arrived`` is when it was last sent, as the database writes it: only to be compared.
    ``executors`` may act now, the ``awaited`` of them must; ``holders`` maps those of the Exchange that have been
    taken to who holds them.
    ``ours`` are the reader's queues and those he heads whose turn it is, ``mine`` those in which he holds it,
    himself or as a substitute; ``is_waiting``: the turn is with the applicant's side.
    """

    id: int
    number: str
    organisation_id: int
    procedure: str
    process: str
    executors: tuple[str, ...]
    holders: Mapping[str, int]
    ours: tuple[str, ...]
    mine: tuple[str, ...]
    is_waiting: bool
    arrived: str
    due: Due
    awaited: tuple[str, ...]

    @property
    def untaken(self) -> tuple[str, ...]:
        """The reader's queues in which it lies and nobody has taken it."""
        return tuple(each for each in self.ours if each not in self.holders)

    def is_overdue(self, now: datetime) -> bool:
        """Tell whether its time is used up."""
        return self.due.at is not None and self.due.at <= now


def entries(user: User, *, now: datetime) -> list[Entry]:
    """Return the applications that ``user`` sees and that wait on anybody, newest first."""
    own = queues_of(user.roles)
    ours = own | queues_headed_by(user.roles)
    mine_ids = {user.id, *people.substituted_by(user.id, now=now)}
    held: dict[int, dict[str, int]] = {}
    taken = select(Holding.application_id, Holding.executor, Holding.user_id).where(Holding.ended_at.is_(None))
    connection = db.session.connection()  # ten thousand plain rows: the session would wrap each once more
    for ident, executor, user_id in connection.execute(taken):
        held.setdefault(ident, {})[executor] = user_id
    rows = []
    awaited: dict[int, tuple[str, ...]] = {}
    marks: dict[int, tuple[object, str]] = {}
    for row in connection.execute(_live(user)):
        executors = cabinet.executors_at(*row[6:])
        if executors:
            rows.append((row, executors))
            awaited[row[0]] = cabinet.awaited_at(*row[6:])
            marks[row[0]] = ((row[3], row[4], row[6]), row[6])
    dues = _memory.dues(marks)
    kinds: dict[tuple[str, ...], tuple[tuple[str, ...], bool]] = {}
    nobody: dict[str, int] = {}
    found = []
    for (ident, number, organisation_id, _, entered, sent, procedure, _, process, _), executors in rows:
        kind = kinds.get(executors)
        if kind is None:
            is_waiting = EXECUTOR_ROLES.keys().isdisjoint(executors)
            kind = kinds[executors] = (tuple(each for each in executors if each in ours), is_waiting)
        holders = held.get(ident, nobody)
        mine = tuple(each for each in kind[0] if holders.get(each) in mine_ids and each in own) if holders else ()
        standing = (ident, number, organisation_id, procedure, process, executors, holders)
        found.append(Entry(*standing, kind[0], mine, kind[1], sent or entered, dues[ident], awaited[ident]))
    return found


def _live(user: User) -> Select[Any]:
    """Return the statement for what ``user`` sees and is not archived; moments as texts, which are not converted."""
    table = db.table_of(Application)
    names = ("id", "number", "organisation_id", "version")
    moments = [cast_to(table.c[name], String) for name in ("entered_at", "sent_at")]
    standing = [table.c[name] for name in ("procedure", "procedure_sha256", "process")]
    return (
        select(*(table.c[name] for name in names), *moments, *standing, cast_to(table.c.stages, String))
        .where(queries.visible_to(user), Application.archived_at.is_(None))
        .order_by(table.c.id.desc())
    )


def dues_of(user: User, ids: set[int]) -> dict[int, Due]:
    """Return when applications that ``user`` sees are due."""
    table = db.table_of(Application)
    columns = (table.c.id, table.c.version, cast_to(table.c.entered_at, String), table.c.procedure)
    rows = db.session.connection().execute(
        select(*columns).where(queries.visible_to(user), Application.archived_at.is_(None))
    )
    return _memory.dues({ident: ((version, at, name), name) for ident, version, at, name in rows if ident in ids})


def companies() -> dict[int, dict[str, str]]:
    """Return the codes and names of all organisations, by id: ``{"code", "kk", "ru", "en"}``."""
    table = db.table_of(Organisation)
    columns = (table.c.id, table.c.code, table.c.name_kk, table.c.name_ru, table.c.name_en)
    rows = db.session.execute(select(*columns))
    return {ident: {"code": code, "kk": kk, "ru": ru, "en": en} for ident, code, kk, ru, en in rows}


def last_events(ids: list[int] | None = None) -> dict[int, int]:
    """Return the id of the newest history row of each application, of all where ``ids`` is None."""
    statement = select(History.application_id, func.max(History.id)).group_by(History.application_id)
    if ids is not None:
        statement = statement.where(History.application_id.in_(ids))
    return {row[0]: row[1] for row in db.session.connection().execute(statement)}


def events(ids: list[int]) -> dict[int, History]:
    """Return history rows by their application."""
    found = db.session.scalars(select(History).where(History.id.in_(ids))).unique()
    return {row.application_id: row for row in found}
