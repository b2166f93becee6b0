"""What one sees of accounts: signing in, the profile, one-time links.

Each file adds its routes to the one blueprint; each view reads the request, calls one verb, answers.
"""

from __future__ import annotations

from flask import Flask

from app.accounts import policy
from app.accounts.views import authenticators, devices, entrance, gate, guard, key_entrance, links, profile
from app.accounts.views.entrance import DEMO_ACCOUNTS
from app.accounts.views.frame import blueprint, stand_before
from app.web.access import GATE

__all__ = ["DEMO_ACCOUNTS", "register"]

MODULES = (entrance, profile, links, gate, devices, authenticators, guard, key_entrance)


def register(app: Flask) -> None:
    """Give ``app`` its sign-in and the rule that an issued or expired password opens nothing but its change."""
    policy.register(app)
    stand_before(app)
    app.extensions[GATE] = gate.gate
    app.register_blueprint(blueprint)
