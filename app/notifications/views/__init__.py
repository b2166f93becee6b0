"""The screens of messages: «Хабарламалар» (``cabinet``), one's choices (``choosing``), mails (``mailing``)."""

from __future__ import annotations

from flask import Flask
from flask_login import current_user

from app.notifications import guarding, queries
from app.notifications.views import cabinet, choosing, mailing
from app.notifications.views.cabinet import rows
from app.notifications.views.frame import blueprint

__all__ = ["register", "rows"]

MODULES = (cabinet, choosing, mailing)


def register(app: Flask) -> None:
    """Give ``app`` the screens of messages and every page its count of unread ones."""
    guarding.listen()
    app.register_blueprint(blueprint)
    app.extensions["csrf"].exempt(choosing.leave)

    @app.context_processor
    def _unread() -> dict[str, int]:
        return {"unread": queries.unread(current_user.id) if current_user.is_authenticated else 0}
