"""The acts that are measured, and the applications they are done to."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import select

from app import db, demo
from app.accounts.models import User
from app.applications import answering, moves, queries
from app.applications.answering import Typed
from app.applications.models import Application
from tests import herd
from tests.houses import House

Do = Callable[[str, User], None]
"""Do an act to the application of a number, as a user who is signed in already."""


@dataclass
class Act:
    """An act, the application whose copies it is done to, and how many copies there are, from which id."""

    name: str
    original: int
    user: User
    first_id: int
    do: Do
    count: int = 0
    unused: int = field(default=0)

    @staticmethod
    def number(ident: int) -> str:
        """Return the number of a copy."""
        return f"XC-{ident}"

    def grow(self, house: House, count: int) -> None:
        """Let there be ``count`` copies."""
        with house.engine.begin() as connection:
            herd.multiply(connection, self.original, first_id=self.first_id + self.count, count=count - self.count)
        self.count = count

    def some(self, chance: random.Random, count: int) -> range:
        """Return the ids of ``count`` neighbours among the copies."""
        first = self.first_id + chance.randrange(self.count - count + 1)
        return range(first, first + count)

    def put_back(self, house: House, ids: range) -> None:
        """Let copies stand again where they stood."""
        with house.engine.begin() as connection:
            herd.put_back(connection, self.original, first_id=ids[0], count=len(ids))


TRANSITIONS: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    # from the process, after these stages, this transition, by whom
    ("registration", ("registration",), "register", "chancery"),
    ("completeness", ("completeness",), "accept", "listing"),
    ("expertise", ("listing_review", "legal_review", "financial_review"), "finish_expertise", "listing"),
    ("conclusion", (), "withdraw", "issuer"),
    ("meeting", ("meeting",), "schedule_meeting", "secretary"),
    ("result", (), "archive", "listing"),
)


def transitions(house: House) -> list[Act]:
    """Return the transitions that are measured, with their originals ready."""
    acts = []
    for place, (process, stages, trigger, key) in enumerate(TRANSITIONS, start=1):
        with house.app.app_context(), db.transaction() as session:
            application = _original(process)
            for stage in stages:
                _finish(application, stage)
                session.expire(application)
            acts.append(Act(trigger, application.id, demo.user(key), place * 100_000, _firing(trigger)))
    return acts


def stage_save(house: House) -> Act:
    """Return the saving of a stage with its answers."""
    with house.app.app_context(), db.transaction():
        application = _original("registration", newest=True)
        raw = _raw(application, "registration")

        def do(number: str, user: User) -> None:
            with db.transaction():
                found = queries.by_number(number, user=user, for_update=True)
                answering.save(found, "registration", Typed(raw), by=user, done=True, now=datetime.now(UTC))

        return Act("save", application.id, demo.user("chancery"), 900_000, do)


def _original(process: str, *, newest: bool = False) -> Application:
    order = Application.id.desc() if newest else Application.id
    found = db.session.scalars(
        select(Application).where(Application.process == process, Application.id < 100_000).order_by(order)
    ).unique()
    return next(iter(found))


def _raw(application: Application, stage: str) -> dict[str, list[str]]:
    return {path: words for form in answering.forms(application, stage) for path, words in herd.raw_of(form).items()}


def _finish(application: Application, stage: str) -> None:
    by = demo.user(queries.procedure(application).executor_of(stage, application.process))
    answering.save(application, stage, Typed(_raw(application, stage)), by=by, done=True, now=datetime.now(UTC))


def _firing(trigger: str) -> Do:
    def do(number: str, user: User) -> None:
        with db.transaction():
            application = queries.by_number(number, user=user, for_update=True)
            moves.fire(
                application, trigger, by=user, seen=application.version, words="Эмиссия өзгерді.", now=datetime.now(UTC)
            )

    return do
