"""Refusals as pages; this file alone knows the HTTP codes."""

from __future__ import annotations

import structlog
from flask import Flask, current_app, g, render_template, request, session
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from app import db
from app.errors import AppError, Conflict, Invalid, NotFound, NotPermitted, Problem
from app.terms import say
from app.web import here

CODES: dict[type[AppError], int] = {NotFound: 404, NotPermitted: 403, Conflict: 409, Invalid: 422}

MOVED_PLACE = "moved"
"""Under which name the browser's session keeps that pages of it were drawn in another organisation."""

ELSEWHERE = "kezen.elsewhere"
"""Key of ``app.extensions``: returns the page of another place of the reader with its code, or None."""

log = structlog.get_logger()


def register(app: Flask) -> None:
    """Answer every refusal of ``app`` with a page in the reader's language, and roll its act back."""
    app.register_error_handler(AppError, _refused)
    app.register_error_handler(CSRFError, _stale_page)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _failed)


def code_of(error: AppError) -> int:
    """Return the HTTP code of a refusal."""
    return next(code for kind, code in CODES.items() if isinstance(error, kind))


def problems_of(refusal: AppError) -> list[Problem]:
    """Return a refusal as the problems of a page that is shown again with what was typed."""
    if isinstance(refusal, Invalid) and refusal.problems:
        return list(refusal.problems)
    return [Problem("", refusal.key, {name: value for name, value in refusal.params.items() if name != "unfinished"})]


def _page(code: int, sentence: str, problems: list[str] | None = None) -> tuple[str, int]:
    g.failed = True
    return render_template("errors/error.html", code=code, sentence=sentence, problems=problems or []), code


def _refused(error: AppError) -> tuple[str, int]:
    db.session.rollback()
    is_page = request.method == "GET" and request.accept_mimetypes.best != "application/json"
    if isinstance(error, NotFound) and is_page:
        offer: tuple[str, int] | None = (
            current_app.extensions[ELSEWHERE]() if ELSEWHERE in current_app.extensions else None
        )
        if offer is not None:
            g.failed = True
            return offer
    language = here.language()
    problems = []
    if isinstance(error, Invalid):
        problems = [say(problem.key, language, **problem.params) for problem in error.problems]
    return _page(code_of(error), say(error.key, language, **error.params), problems)


def _stale_page(_error: CSRFError) -> tuple[str, int]:
    db.session.rollback()
    key = "place.err.stale" if session.get(MOVED_PLACE) else "err.stale_page"
    return _page(400, say(key, here.language()))


def _http(error: HTTPException) -> tuple[str, int] | HTTPException:
    code = error.code or 500
    if code < 400:
        return error
    db.session.rollback()
    keys = {403: "err.forbidden", 404: "err.not_found", 405: "err.not_found", 413: "err.too_large"}
    page, code = _page(code, say(keys.get(code, "err.request"), here.language()))
    return page, code


def _failed(error: Exception) -> tuple[str, int] | tuple[str, int, dict[str, str]]:
    db.session.rollback()  # before anything is asked of the database: even the reader's language is kept there
    db.begin_writing(False)
    if db.is_busy(error):
        log.warning("database_busy", error=type(error).__name__)
        return *_page(503, say("err.busy", here.language())), {"Retry-After": "5"}
    log.exception("request_failed", error=type(error).__name__)
    return _page(500, say("err.server", here.language()))
