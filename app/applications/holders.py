"""Who of the Exchange holds an application: what may be read of it, before any rule of the queues.

An executor of the Exchange (``EXECUTOR_ROLES``) is a queue: any holder of the role may take the application
out of it, and is its named executor from then on.  Nothing here is ever shown to the applicant's people.
"""

from __future__ import annotations

from datetime import datetime

from app.accounts import queries as people
from app.accounts.models import User
from app.applications.models import Application, Holding
from app.permissions import EXECUTOR_ROLES
from app.web import here

ACTS = frozenset({"take", "give_back", "hand_over", "take_over", "hold_again"})
"""What the history says of queues; for the Exchange's people alone, and no work on the application itself."""


def holding(application: Application, executor: str) -> Holding | None:
    """Return by whom ``executor``'s queue has been relieved of the application, None while it lies there."""
    return next((row for row in application.holdings if row.executor == executor), None)


def holder(application: Application, executor: str) -> User | None:
    """Return the named executor, None while nobody has taken it."""
    found = holding(application, executor)
    return found.user if found else None


def may_act(application: Application, user: User, executor: str, *, now: datetime | None = None) -> bool:
    """Tell whether ``user`` holds the role of ``executor``, and no colleague the application.

    Who stands in for the colleague that holds it may act as he would.
    """
    role = EXECUTOR_ROLES.get(executor)
    if role is None or role not in user.roles:
        return False
    held_by = holder(application, executor)
    return held_by is None or held_by.id == user.id or stands_in(user, held_by, now=now)


def stands_in(user: User, absent: User, *, now: datetime | None = None) -> bool:
    """Tell whether ``user`` is the substitute of ``absent`` at this moment."""
    return absent.id in people.substituted_by(user.id, now=now or here.now())


def acted_for(application: Application, user: User, executor: str, *, now: datetime) -> User | None:
    """Return the absent colleague on whose behalf ``user`` acts as ``executor``, None if for himself."""
    held_by = holder(application, executor)
    if held_by is None or held_by.id == user.id or not may_act(application, user, executor, now=now):
        return None
    return held_by
