"""Who may call a route: each view names its permission, and a view without one stops the start."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from flask import Flask, current_app, jsonify, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from app.errors import NotFound
from app.permissions import Permission

P = ParamSpec("P")
R = TypeVar("R")


GATE = "kezen.security_gate"
"""Key of ``app.extensions``: ``gate(fresh, always)`` answers a guarded request itself, or lets it pass by None."""

Guarded = bool | Callable[..., bool]


def allowed(
    *permissions: Permission, secured: Guarded = False, fresh: bool = False, by_code: Guarded = False
) -> Callable[[Callable[P, R]], Callable[P, R | Response]]:
    """Let a view be called by those who hold one of ``permissions``.

    The anonymous are led to the sign-in page and back, a script is told so; to the rest the page does not exist.
    ``secured``: it is a guarded operation, which needs a security session; a function tells it of the view's
    arguments.  ``fresh``: it is one that needs a one-time code given just now.  ``by_code``: that code is itself the
    person's word, so it is asked whatever the settings of his organisation, and whether or not he has a generator;
    a function may refuse at once those to whom the thing does not exist.
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R | Response]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R | Response:
            if Permission.PUBLIC not in permissions:
                if not current_user.is_authenticated:
                    if request.accept_mimetypes.best == "application/json":
                        return unauthorised()
                    return redirect(url_for("accounts.login", next=_here()), code=303)
                if not any(current_user.may(permission) for permission in permissions):
                    raise NotFound
                always = by_code(**kwargs) if callable(by_code) else by_code
                is_guarded = secured(**kwargs) if callable(secured) else secured or fresh
                if is_guarded or always:
                    answer = current_app.extensions[GATE](fresh or always, always)
                    if answer is not None:
                        return cast(Response, answer)
            return view(*args, **kwargs)

        guarded.permissions = permissions  # type: ignore[attr-defined]
        guarded.secured = secured or fresh or by_code  # type: ignore[attr-defined]
        return guarded

    return decorate


def unauthorised() -> Response:
    """Tell a script that nobody is signed in."""
    answer: Response = jsonify({"error": "signed_out"})
    answer.status_code = 401
    return answer


def _here() -> str | None:
    return request.full_path.rstrip("?") if request.method == "GET" and request.path != "/" else None


def safe_next(target: str | None) -> str | None:
    """Return ``target`` if it is a path of this site, else None: no sign-in leads to another host."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target:
        return None
    return target if all(sign.isprintable() for sign in target) else None


def asked_by(app: Flask, endpoint: str) -> tuple[Permission, ...]:
    """Return the permissions of which a route asks one; none where it names none."""
    return getattr(app.view_functions[endpoint], "permissions", ())


def require_permissions_named(app: Flask) -> None:
    """Refuse to start while a route names no permission.

    Raises:
        RuntimeError: names every such route.
    """
    open_routes = [
        rule.rule for rule in app.url_map.iter_rules() if rule.endpoint != "static" and not asked_by(app, rule.endpoint)
    ]
    if open_routes:
        raise RuntimeError(f"routes without a permission: {', '.join(sorted(open_routes))}")
