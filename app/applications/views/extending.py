"""The terms that the present user may make longer, as the page of an application offers it."""

from __future__ import annotations

from typing import Any

from flask_login import current_user

from app.applications import clocks, extending
from app.applications.models import Application
from app.web import here


def offers(application: Application) -> list[dict[str, Any]]:
    """Return each term that may be extended now: its key and title, by how many days, how often still."""
    if not current_user.is_exchange:
        return []
    found = []
    for clock in clocks.of([application]).get(application.id, []):
        extension = extending.may_extend(application, clock, current_user, now=here.now())
        if extension is not None:
            term, left = clock.run.term, extension.times - len(clock.run.extensions)
            title = term.title[here.language()]
            found.append({"term": term.key, "title": title, "days": extension.working_days, "left": left})
    return found
