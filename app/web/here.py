"""What the present request stands on: the configuration, the catalogue's door, the moment, the language."""

from __future__ import annotations

from datetime import datetime

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


def now() -> datetime:
    """Return the moment of the present request: one for all its rows."""
    if not has_request_context():
        return clock.now(config())
    if "now" not in g:
        g.now = clock.now(config())
    moment: datetime = g.now
    return moment


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
