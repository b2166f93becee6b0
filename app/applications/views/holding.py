"""Who of the Exchange holds an application, as its page shows it to the Exchange's people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask_login import current_user

from app.accounts import queries as people
from app.applications import holders, queries, queueing
from app.applications.models import Application
from app.permissions import queues_of
from app.web import here


@dataclass(frozen=True)
class HolderView:
    """One queue of the present process: who holds it since when, and what the reader may do about that.

    ``held`` is the id of the holder, 0 while nobody has taken it; ``people`` are those it may be handed over to.
    """

    executor: str
    is_turn: bool
    holder: str
    held: int
    since: datetime | None
    substitute: str
    is_mine: bool
    may_take: bool
    may_take_over: bool
    may_give_back: bool
    people: list[tuple[int, str]]


def panel(application: Application) -> list[HolderView]:
    """Return the queues of the present process; to anybody but the Exchange's people nothing."""
    if not current_user.is_exchange:
        return []
    now = here.now()
    acting = queries.current_executors(application)
    found = []
    for executor in queueing.queues_here(application):
        row = holders.holding(application, executor)
        has_role = executor in queues_of(current_user.roles)
        acts = has_role and queries.acts_as(application, current_user, executor, now=now)
        may_hand_over = queueing.may_hand_over(application, executor, current_user, now=now)
        standing_in = people.substitutes_of([row.user_id], now=now).get(row.user_id) if row else None
        found.append(
            HolderView(
                executor,
                executor in acting,
                row.user.name if row else "",
                row.user_id if row else 0,
                row.at if row else None,
                standing_in.name if standing_in else "",
                row is not None and row.user_id == current_user.id,
                row is None and has_role,
                row is not None and has_role and row.user_id != current_user.id and not acts,
                row is not None and may_hand_over,
                [
                    (user.id, user.name)
                    for user in (queueing.colleagues(executor) if may_hand_over else ())
                    if row is None or user.id != row.user_id
                ],
            )
        )
    return found
