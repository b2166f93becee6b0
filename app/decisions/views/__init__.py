"""What one sees of meetings: the calendar, a meeting, an item, its packet, the bodies, conditions on the hub."""

from __future__ import annotations

from flask import Flask

from app.applications.views import frame as applications
from app.decisions.views import bodies, conditions, items, meetings, packets
from app.decisions.views.frame import blueprint

__all__ = ["register"]

MODULES = (meetings, items, packets, bodies, conditions)


def register(app: Flask) -> None:
    """Give ``app`` the screens of meetings; the pages of an application lead to its agenda, and show its conditions."""
    app.register_blueprint(blueprint)
    app.extensions.setdefault(applications.STAGE_DOORS, []).append(meetings.door)
    app.extensions.setdefault(applications.PANELS, []).append(conditions.panel)
