"""How much one request may bring: refused by its length, before a byte of it is read into memory or onto the disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import Flask, current_app, request, session

OF_A_STRANGER = 1024 * 1024
"""Nobody who has not signed in sends files."""

V = TypeVar("V", bound=Callable[..., object])


def takes(most: int) -> Callable[[V], V]:
    """Let a view take requests of another size than the rest (``MAX_CONTENT_LENGTH``), in bytes."""

    def decorate(view: V) -> V:
        view.takes = most  # type: ignore[attr-defined]
        return view

    return decorate


def register(app: Flask) -> None:
    """Bound every request of ``app``; to be registered before whatever reads its body."""
    app.before_request(_bound)


def _bound() -> None:
    if "_user_id" not in session:
        request.max_content_length = OF_A_STRANGER
        return
    view = current_app.view_functions.get(request.endpoint or "")
    most = getattr(view, "takes", None)
    if most is not None:
        request.max_content_length = most
