"""Refusals as pages; this file alone knows the HTTP codes."""

from __future__ import annotations

import structlog
from flask import Flask, g, render_template
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from app import db
from app.errors import AppError, Conflict, Invalid, NotFound, NotPermitted
from app.terms import say
from app.web import here

CODES: dict[type[AppError], int] = {NotFound: 404, NotPermitted: 403, Conflict: 409, Invalid: 422}

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


def _page(code: int, sentence: str, problems: list[str] | None = None) -> tuple[str, int]:
    g.failed = True
    return render_template("errors/error.html", code=code, sentence=sentence, problems=problems or []), code


def _refused(error: AppError) -> tuple[str, int]:
    db.session.rollback()
    language = here.language()
    problems = []
    if isinstance(error, Invalid):
        problems = [say(problem.key, language, **problem.params) for problem in error.problems]
    return _page(code_of(error), say(error.key, language, **error.params), problems)


def _stale_page(_error: CSRFError) -> tuple[str, int]:
    db.session.rollback()
    return _page(400, say("err.stale_page", here.language()))


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
