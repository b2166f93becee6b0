"""What every answer tells the browser: nothing from elsewhere, nothing sniffed, nothing kept."""

from __future__ import annotations

from typing import cast

from flask import Flask, Response, current_app, redirect, request, session
from flask_login import current_user

from app.web import here

CONTENT_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; frame-ancestors 'none'; base-uri 'none';"
    " form-action 'self'; connect-src 'self' wss://127.0.0.1:13579"
)
"""The signing application of the user's own machine is the one address beside this site."""


def register(app: Flask) -> None:
    """Give every answer of ``app`` its headers."""
    app.before_request(_only_over_tls)
    app.after_request(_headers)
    app.after_request(_no_session_for_scripts)


def _only_over_tls() -> Response | None:
    """Refuse what comes in plain where cookies are for TLS only: nothing is answered that could be read on its way.

    What is read is led to the same address over TLS; a form in plain has been read already, and is refused.
    """
    if request.is_secure or request.path == "/health" or not current_app.config["SESSION_COOKIE_SECURE"]:
        return None
    root = here.config().base_url
    if request.method not in ("GET", "HEAD") or not root.startswith("https://"):
        return Response("HTTPS only\n", 403, mimetype="text/plain")  # no page: nothing is asked of the database
    return cast(Response, redirect(root + request.full_path.rstrip("?"), code=308))


def _headers(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if request.endpoint != "static" and current_user.is_authenticated:
        headers.setdefault("Cache-Control", "private, no-store")
    if request.is_secure:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response


def _no_session_for_scripts(response: Response) -> Response:
    """Begin no session for what a page fetches by itself when nobody is signed in.

    An open page whose session has ended goes on asking; a new session in the answer would take the place of the one
    in which the sign-in page was drawn beside it, and its token would no longer be known.
    """
    if request.accept_mimetypes.best == "application/json" and not current_user.is_authenticated:
        session.modified = False
    return response
