"""What the present request stands on: the configuration, the catalogue's door, the moment, the language."""

from __future__ import annotations

from datetime import date, datetime

from flask import current_app, g, has_request_context, request, session
from flask_login import current_user

from app.config import Config
from app.storage import Storage
from app.terms import DEFAULT_LANGUAGE, LANGUAGES
from app.web import clock


def config() -> Config:
    """Return the configuration of the running application."""
    found: Config = current_app.extensions["kezen.config"]
    return found


def storage() -> Storage:
    """Return the file store of the running application."""
    found: Storage = current_app.extensions["kezen.storage"]
    return found


def work_in(user_id: int, place: int | None) -> None:
    """Say in which of his memberships the one who makes the present request works, to the request's very end."""
    g.place = (user_id, place)


def place_of(user_id: int) -> int | None:
    """Return the membership in which a person makes the present request; None: he does not, or has but one."""
    if not has_request_context():
        return None
    who, place = g.get("place", (None, None))
    return place if who == user_id else None


def now() -> datetime:
    """Return the moment of the present request: one for all its rows."""
    if not has_request_context():
        return clock.now(config())
    if "now" not in g:
        g.now = clock.now(config())
    moment: datetime = g.now
    return moment


def look_at_norms_of(day: date | None) -> None:
    """Say of which day the norms are that the present page quotes; None: of today."""
    g.norms_day = day


def norms_day() -> date | None:
    """Return of which day the norms are that the present page quotes; None: of today."""
    found: date | None = g.get("norms_day")
    return found


def now_again() -> datetime:
    """Return the moment after a long wait within the request; it is the request's from then on."""
    if has_request_context():
        g.pop("now", None)
    return now()


def language() -> str:
    """Return the language of the page: chosen now, chosen in the profile, the browser's, or Kazakh."""
    if not has_request_context():
        return DEFAULT_LANGUAGE
    if "language" not in g:
        g.language = (
            session.get("language")
            or (current_user.language if current_user and current_user.is_authenticated else "")
            or request.accept_languages.best_match(LANGUAGES)
            or DEFAULT_LANGUAGE
        )
    found: str = g.language
    return found
