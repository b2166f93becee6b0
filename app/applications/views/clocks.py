"""The clocks of an application in words: what is due when, how much is left, whether it stands still."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.applications import clocks, queries
from app.applications.clocks import Clock
from app.applications.models import Application
from app.business_calendar.days import CalendarMissing
from app.business_calendar.hours import local_date
from app.web import here
from app.web.templating import word
from app.workflows.machine import Procedure


@dataclass(frozen=True)
class ClockView:
    """One clock as pages show it.

    ``state`` is running, today, overdue, paused or unknown; ``tag`` the key of the status shown beside it,
    "" for none; ``key`` and ``words`` the sentence on how much is left.  ``then`` is what the system makes
    of the application once it is over, "" for nothing.
    """

    term: str
    title: str
    state: str
    tag: str
    due: datetime | None
    key: str
    words: str
    then: str


def of_one(application: Application) -> list[ClockView]:
    """Return the clocks of an application, the one that is due first at the head."""
    return of([application]).get(application.id, [])


def of(applications: Sequence[Application]) -> dict[int, list[ClockView]]:
    """Return the clocks of applications by their ids."""
    now = here.now()
    found = clocks.of(applications)
    procedures = {item.id: queries.procedure(item) for item in applications}
    return {ident: [_view(clock, procedures[ident], now) for clock in each] for ident, each in found.items()}


def chief(found: Sequence[ClockView]) -> ClockView | None:
    """Return the clock that a list shows of an application."""
    return found[0] if found else None


def _view(found: Clock, procedure: Procedure, now: datetime) -> ClockView:
    term = found.run.term
    try:
        state, tag, key, words = _state(found, now)
    except CalendarMissing as missing:
        state, tag, key, words = _unknown(missing)
    language = here.language()
    target = next((each.target for each in procedure.transitions if each.trigger == term.trigger), None)
    then = procedure.processes[target].short_title[language] if target else ""
    return ClockView(term.key, term.title[language], state, tag, found.due, key, words, then)


def _state(found: Clock, now: datetime) -> tuple[str, str, str, str]:
    if found.missing is not None:
        return _unknown(found.missing)
    days = found.working_days(now)
    if found.due is None:
        return ("paused", "st.clock_paused", "sla.left", word("sla.left", n=days))
    if found.is_over(now):
        return ("overdue", "st.overdue", "sla.over", word("sla.over", n=days) if days else "")
    if local_date(found.due) == local_date(now):
        return ("today", "st.due_today", "sla.left", "")
    return ("running", "", "sla.left", word("sla.left", n=days))


def _unknown(missing: CalendarMissing) -> tuple[str, str, str, str]:
    return ("unknown", "", missing.key, word(missing.key, **missing.params))
