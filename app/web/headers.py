"""What every answer tells the browser: nothing from elsewhere, nothing sniffed, nothing kept."""

from __future__ import annotations

from flask import Flask, Response, request
from flask_login import current_user

CONTENT_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; frame-ancestors 'none'; base-uri 'none';"
    " form-action 'self'; connect-src 'self' wss://127.0.0.1:13579"
)
"""The signing application of the user's own machine is the one address beside this site."""


def register(app: Flask) -> None:
    """Give every answer of ``app`` its headers."""
    app.after_request(_headers)


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
