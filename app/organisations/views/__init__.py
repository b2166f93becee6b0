"""What one sees of organisations: access for newcomers, people, partnership, and the Exchange's desk of clients.

Each file adds its routes to the one blueprint; each view reads the request, calls one verb, answers.
"""

from __future__ import annotations

from flask import Flask

from app.organisations.views import access, desk, heads, orgs, partnership, places, substitutions, users
from app.organisations.views.frame import blueprint
from app.web.errors import ELSEWHERE

__all__ = ["register"]

MODULES = (access, desk, heads, orgs, partnership, places, substitutions, users)
"""Imported for the routes they add."""


def register(app: Flask) -> None:
    """Give ``app`` the screens of organisations."""
    app.register_blueprint(blueprint)
    app.extensions[ELSEWHERE] = places.elsewhere
    app.before_request(places.ask_first)
    app.context_processor(places.told)
