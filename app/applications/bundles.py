"""Bundles: the remarks of the Exchange's departments that went to the applicant together, with their deadline.

A bundle is written down at its sending.  Its deadline is the term of the process that answers it, told from the
history as all terms are; what was answered and resolved since is told by the remarks themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select

from app import db
from app.accounts.models import User
from app.applications import clocks, queries
from app.applications.clocks import Clock
from app.applications.models import (
    Application,
    BundledRemark,
    History,
    Remark,
    RemarkBundle,
    SentVersion,
)
from app.business_calendar.clocks import Target, Unit, read
from app.business_calendar.days import CalendarMissing
from app.business_calendar.hours import local_date
from app.workflows.running import Move, runs

CHANGED, EXPLAINED = "changed", "explained"
KINDS = (CHANGED, EXPLAINED)
"""How a remark is answered: what it is about was changed, or explained as it stands."""


@dataclass(frozen=True)
class Bundle:
    """One bundle as it stands.

    ``clock`` is that of the term in which it is to be answered, None where its procedure has none.
    ``returned_at``: when the application came back to the Exchange after it.
    """

    row: RemarkBundle
    remarks: tuple[Remark, ...]
    clock: Clock | None
    returned_at: datetime | None

    @property
    def number(self) -> int:
        """Its number within the application, from 1."""
        return self.row.number

    @property
    def answered(self) -> tuple[Remark, ...]:
        """The remarks that were answered, or resolved without an answer."""
        return tuple(each for each in self.remarks if each.answered_at is not None or each.resolved_at is not None)

    @property
    def unanswered(self) -> tuple[Remark, ...]:
        """The remarks that still wait for an answer."""
        return tuple(each for each in self.remarks if each.answered_at is None and each.resolved_at is None)

    @property
    def resolved(self) -> tuple[Remark, ...]:
        """The remarks that a reviewer has resolved."""
        return tuple(each for each in self.remarks if each.resolved_at is not None)

    @property
    def working_days(self) -> int | None:
        """How many working days the applicant took; None while it is with him, or where they cannot be counted."""
        if self.returned_at is None:
            return None
        try:
            return clocks.hours().open_days_between(local_date(self.row.at), local_date(self.returned_at))
        except CalendarMissing:
            return None


def waiting(application: Application) -> Sequence[Remark]:
    """Return the remarks that would go with the next bundle: those not sent yet, and those reopened and unanswered.

    In the order in which they were written.
    """
    reopened = Remark.reopened_at.is_not(None) & Remark.answered_at.is_(None) & Remark.resolved_at.is_(None)
    mine = (Remark.application_id == application.id, or_(Remark.published_at.is_(None), reopened))
    return db.session.scalars(select(Remark).where(*mine).order_by(Remark.id)).unique().all()


def record(application: Application, remarks: Iterable[Remark], *, by: User, now: datetime) -> RemarkBundle:
    """Write down a bundle of ``remarks`` under the next number."""
    mine = RemarkBundle.application_id == application.id
    last = db.session.scalar(select(func.max(RemarkBundle.number)).where(mine)) or 0
    row = RemarkBundle(application_id=application.id, number=last + 1, process=application.process, by_id=by.id, at=now)
    db.session.add(row)
    db.session.flush()
    db.session.add_all([BundledRemark(bundle_id=row.id, comment_id=each.id) for each in remarks])
    db.session.flush()
    return row


def count(application: Application) -> int:
    """Return how many bundles were sent."""
    return db.session.scalar(select(func.count(RemarkBundle.id)).where(_mine(application))) or 0


def of(application: Application) -> list[Bundle]:
    """Return the bundles of an application, newest first."""
    rows = db.session.scalars(select(RemarkBundle).where(_mine(application)).order_by(RemarkBundle.id.desc()))
    found = rows.unique().all()
    if not found:
        return []
    known = _clocks(application)
    sendings = _sendings(application)
    return [
        Bundle(
            row,
            tuple(item.remark for item in row.items),
            known.get(row.at),
            next((at for at in sendings if at > row.at), None),
        )
        for row in found
    ]


def one(application: Application, number: int) -> Bundle | None:
    """Return the bundle of a number, None when there is none."""
    return next((bundle for bundle in of(application) if bundle.number == number), None)


def term_of_next(application: Application, *, now: datetime) -> tuple[int, datetime | None] | None:
    """Return the working days in which a bundle sent now is to be answered, and when they end.

    None where no term begins with it; no moment where the calendar lacks a year.
    """
    procedure = queries.procedure(application)
    sending = (item for item in procedure.transitions if "publish_remarks" in item.effects)
    targets = {item.target for item in sending if item.source == application.process}
    for term in procedure.terms:
        if targets & set(term.processes) and application.process not in term.processes:
            try:
                accepted = clocks.hours().accepted(now)
                target = Target(Unit.WORKING_DAYS, term.working_days)
                return term.working_days, read(target, accepted, [], clocks.hours()).due
            except CalendarMissing:
                return term.working_days, None
    return None


def _mine(application: Application) -> ColumnElement[bool]:
    return RemarkBundle.application_id == application.id


def _clocks(application: Application) -> dict[datetime, Clock]:
    """Return the clocks of the terms in which remarks are answered, by the moment each began."""
    procedure = queries.procedure(application)
    targets = {item.target for item in procedure.transitions if "publish_remarks" in item.effects}
    columns = (History.id, History.target, History.at)
    moved = select(*columns).where(History.application_id == application.id, History.target != "")
    moves = [Move(ident, target, at) for ident, target, at in db.session.execute(moved.order_by(History.id))]
    answering = [run for run in runs(procedure, moves) if targets & set(run.term.processes)]
    return {run.start: clocks.clock(run) for run in answering}


def _sendings(application: Application) -> list[datetime]:
    mine = (SentVersion.application_id == application.id, SentVersion.addressee == "exchange")
    return list(db.session.scalars(select(SentVersion.at).where(*mine).order_by(SentVersion.id)))
