"""Taking out of a queue and what becomes of it when the application moves: the rows, without a word to anybody.

The verbs with which people do it (take, give back, hand over, take over) are in ``queueing``.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from app import db
from app.accounts.models import User
from app.applications import holders, queries
from app.applications.models import Application, History, Holding
from app.audit import operations as audit
from app.errors import Conflict, Term
from app.permissions import EXECUTOR_ROLES
from app.statements import Statement
from app.web.templating import date_time_text
from app.workflows.machine import Procedure

_TABLE = db.table_of(Holding)
_END_ALL = Statement(
    update(_TABLE).where(_TABLE.c.application_id == bindparam("ident"), _TABLE.c.ended_at.is_(None)),
    ("ended_at", "ending"),
)
_ADD = Statement(
    insert(_TABLE), ("application_id", "executor", "process", "user_id", "by_id", "at", "ended_at", "ending")
)


class Held(Conflict):
    """A colleague holds it; he may be asked, or it may be taken over with a reason."""

    def __init__(self, held: Holding) -> None:
        super().__init__(
            "queues.err.held",
            user=held.user.name,
            since=date_time_text(held.at),
            role=Term(f"workflow.executor.{held.executor}"),
        )
        self.held = held


def queues_at(procedure: Procedure, process: str) -> tuple[str, ...]:
    """Return the executors of the Exchange who work in a process, whether their turn has come or not."""
    found = procedure.processes[process]
    if found.executor is None:
        return ()
    executors = dict.fromkeys([found.executor, *(procedure.executor_of(stage, process) for stage in found.stages)])
    return tuple(executor for executor in executors if executor in EXECUTOR_ROLES)


def take(application: Application, executor: str, *, by: User, now: datetime) -> bool:
    """Make ``by`` the holder if nobody is; return whether he became it now.

    Nothing happens where ``by`` holds it already or stands in for who does, and for an executor who does not
    work in the present process.

    Raises:
        Held: a colleague holds it.
    """
    if executor not in queues_at(queries.procedure(application), application.process):
        return False
    held = holders.holding(application, executor)
    if held is not None:
        if held.user_id != by.id and not holders.stands_in(by, held.user, now=now):
            raise Held(held)
        return False
    begin(application, executor, by, by=by, now=now)
    note(application, "take", by=by, now=now, executor=executor, holder=by)
    return True


def begin(application: Application, executor: str, user: User, *, by: User | None, now: datetime) -> None:
    """Write that ``user`` holds the application from now on.

    Raises:
        Held: somebody else has taken it in the same moment.
    """
    try:
        with db.session.begin_nested():
            _ADD.run(
                {
                    "application_id": application.id,
                    "executor": executor,
                    "process": application.process,
                    "user_id": user.id,
                    "by_id": by.id if by else None,
                    "at": now,
                    "ended_at": None,
                    "ending": "",
                }
            )
    except IntegrityError:
        db.session.expire(application, ["holdings"])
        held = holders.holding(application, executor)
        if held is None:
            raise
        raise Held(held) from None
    db.session.expire(application, ["holdings"])


def end(application: Application, held: Holding, ending: str, *, now: datetime) -> None:
    """Write that somebody holds the application no longer: given_back, reassigned or taken_over."""
    held.ended_at, held.ending = now, ending
    db.session.flush()
    db.session.expire(application, ["holdings"])


def note(
    application: Application,
    act: str,
    *,
    by: User | None,
    now: datetime,
    executor: str,
    holder: User | None,
    words: str = "",
) -> None:
    """Write an act on a queue into the history and the audit log; the application's own version does not grow."""
    row = History(application_id=application.id, at=now, by_id=by.id if by else None, act=act, words=words)
    row.source = application.process
    db.session.add(row)
    db.session.flush()
    subject, holder_id = f"application {application.number}", holder.id if holder else None
    audit.record(act, subject, by=by.id if by else None, at=now, executor=executor, holder=holder_id, words=words)


def settle(application: Application, source: str, *, now: datetime) -> None:
    """End what was held in the process that the application has left, and give back what returns to its holder.

    It returns to who held it when it left that process last, if he is still there and holds the role.
    """
    procedure = queries.procedure(application)
    if queues_at(procedure, source) if source in procedure.processes else True:
        _END_ALL.run({"ident": application.id, "ended_at": now, "ending": "moved"})
        db.session.expire(application, ["holdings"])
    queues = queues_at(procedure, application.process)
    if not queues:
        return
    earlier = select(Holding).where(
        Holding.application_id == application.id, Holding.process == application.process, Holding.executor.in_(queues)
    )
    last = {row.executor: row for row in db.session.scalars(earlier.order_by(Holding.id)).unique()}
    for executor, row in last.items():
        if row.ending == "moved" and row.user.is_active and EXECUTOR_ROLES[executor] in row.user.roles:
            begin(application, executor, row.user, by=None, now=now)
            note(
                application,
                "hold_again",
                by=None,
                now=now,
                executor=executor,
                holder=row.user,
                words=row.user.name,
            )
