"""One request, one transaction: an answer below 400 is committed before it is given, the rest never was."""

from __future__ import annotations

from flask import Flask, Response, request

from app import db

READING = frozenset({"GET", "HEAD", "OPTIONS"})


def register(app: Flask) -> None:
    """Put every request of ``app`` into one transaction."""
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_appcontext(_leave)


def _begin() -> None:
    db.begin_writing(request.method not in READING)


def _end(response: Response) -> Response:
    if response.status_code < 400:
        db.session.commit()
    else:
        db.session.rollback()
    return response


def between(*, writing: bool) -> None:
    """End the transaction that only read, so that nobody waits for it meanwhile; the next question begins another."""
    db.session.rollback()
    db.begin_writing(writing)


def _leave(_error: BaseException | None) -> None:
    db.session.remove()
    db.begin_writing(True)
