"""A term made longer: by whom the file names, as often as it says, with a reason that the applicant reads."""

from __future__ import annotations

from datetime import datetime

from app.accounts.models import User
from app.applications import addressees, clocks, moves, queries
from app.applications.clocks import Clock
from app.applications.models import Application
from app.errors import Conflict, Invalid, Said
from app.notifications import operations as notifications
from app.web.templating import date_time_text
from app.workflows.guards import APPLICANT
from app.workflows.parts import Extension

LONGEST_REASON = 1000


def may_extend(application: Application, clock: Clock, user: User, *, now: datetime) -> Extension | None:
    """Return how ``user`` may make a running term longer now; None if not, or not any more."""
    found = clock.run.term.extension
    if found is None or not user.is_exchange or not queries.acts_as(application, user, found.by):
        return None
    is_open = not clock.is_over(now) and len(clock.run.extensions) < found.times
    return found if is_open else None


def extend(application: Application, term: str, *, reason: str, by: User, seen: int, now: datetime) -> None:
    """Make a running term longer by what the file says; its due moment is reckoned anew from its start.

    Raises:
        Conflict: the application has moved, the term does not run, is over, or was extended as often as may be.
        NotPermitted: it is another's to extend.
        Invalid: there is no reason.
    """
    application.require_version(seen)
    clock = next((each for each in clocks.of([application])[application.id] if each.run.term.key == term), None)
    extension = clock.run.term.extension if clock is not None else None
    if clock is None or extension is None:
        raise Conflict("extension.err.none")
    moves.require_executor(application, by, extension.by)
    title = Said(clock.run.term.title.model_dump())
    if clock.is_over(now):
        raise Conflict("clock.err.over", term=title, due=date_time_text(clock.due))
    if len(clock.run.extensions) >= extension.times:
        raise Conflict("extension.err.used", term=title, n=extension.times)
    words = " ".join(reason.split())
    if not words:
        raise Invalid.at("reason", "err.reason_required")
    if len(words) > LONGEST_REASON:
        raise Invalid.at("reason", "extension.err.long", n=LONGEST_REASON)
    noted = f"{extension.working_days}: {words}"
    moves.touch(application)
    moves.note(application, clocks.EXTEND, stage=term, words=noted, by=by, now=now)
    after = next(each for each in clocks.of([application])[application.id] if each.run.term.key == term)
    params = {
        "term": title.words,
        "n": extension.working_days,
        "reason": words,
        "due": date_time_text(after.due) if after.due else "—",
    }
    people = [person for executor in APPLICANT for person in addressees.reached(application, executor)]
    told = list(dict.fromkeys(people))
    notifications.notify(told, "notice.term_extended", about=moves.about(application), params=params, now=now)
