"""Hangs everything up: ``create_app`` makes the running application; ``wsgi.py`` alone imports it."""

from __future__ import annotations

import gc
import os
from datetime import timedelta

from flask import Flask, current_app, jsonify
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.middleware.proxy_fix import ProxyFix

from app import catalogue, config, db, demo, schema
from app.accounts import views as accounts
from app.applications import views as applications
from app.audit import views as audit
from app.authorities import refreshing
from app.cli import register as register_commands
from app.decisions import views as decisions
from app.figures import views as figures
from app.library import views as library
from app.news import views as news
from app.notifications import views as notifications
from app.organisations import views as organisations
from app.outputs import views as outputs
from app.permissions import Permission
from app.rights import views as rights
from app.search import views as search
from app.signatures import algorithms
from app.storage import Storage
from app.verification import views as verification
from app.web import access, errors, headers, inputs, logs, sizes, templating, transactions
from app.web.inputs import ShortNumber

LARGEST_REQUEST = 64 * 1024 * 1024
MADE_BEFORE_COLLECTING = 50_000


def settle() -> None:
    """Spare the collector of garbage what the start has read: it lives as long as the process.

    A list of ten thousand applications makes some fifty thousand small things that all go again with the answer;
    Python's own threshold of 700 walks through them seventy times, a third of the page's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(MADE_BEFORE_COLLECTING)


def create_app(settings: config.Config | None = None) -> Flask:
    """Return the application of one installation; without ``settings`` they are read from the environment.

    Raises:
        BadConfiguration: a setting will not do.
        FaultyDefinitions: a definition file is faulty (told at once by a server; commands ask later).
    """
    settings = settings or config.read()
    app = Flask(
        "app",
        root_path=str(config.ROOT),
        static_folder="static",
        template_folder="templates",
        static_url_path="/static",
    )
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_NAME="is2in",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=12),
        MAX_CONTENT_LENGTH=LARGEST_REQUEST,
        MAX_FORM_MEMORY_SIZE=8 * 1024 * 1024,
        MAX_FORM_PARTS=20_000,
        WTF_CSRF_TIME_LIMIT=None,
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(hours=1),
    )
    if settings.trusted_proxies:
        fronts = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=fronts, x_proto=fronts, x_host=0)  # type: ignore[method-assign]
    logs.configure()
    app.extensions["kezen.config"] = settings
    app.extensions["kezen.storage"] = Storage(settings.var / "files")
    app.extensions["kezen.engine"] = db.connect(settings)
    catalogue.configure(settings)
    if os.environ.get("FLASK_RUN_FROM_CLI") != "true":
        catalogue.present()

    app.url_map.converters["int"] = ShortNumber
    transactions.register(app)
    headers.register(app)
    sizes.register(app)
    CSRFProtect(app)
    inputs.register(app)
    errors.register(app)
    templating.register(app)
    rooms = (audit, accounts, notifications, organisations, applications, decisions, figures, library, verification)
    for room in (*rooms, rights, outputs, news, search):
        room.register(app)
    app.add_url_rule("/health", view_func=access.allowed(Permission.PUBLIC)(health))
    register_commands(app)
    if settings.is_demo:
        demo.register(app)
    access.require_permissions_named(app)
    return app


def health() -> ResponseReturnValue:
    """Answer 200 when the application is ready, 503 when a part it needs is not.

    ``signatures`` tells what computes GOST: without a library of the system it is slow, but right.
    ``lists`` tells whether the worker keeps the revocation lists fresh; without them signatures are
    still judged, by asking while somebody waits.
    """
    parts = {"definitions": "ok", "database": "ok", "storage": "ok"}
    try:
        catalogue.present()
    except Exception as error:  # noqa: BLE001 - whatever it is, the answer is "not ready"
        parts["definitions"] = type(error).__name__
    try:
        db.session.execute(text("SELECT 1"))
        if not schema.is_current(current_app.extensions["kezen.engine"]):
            parts["database"] = "migrations are missing: flask db upgrade"
    except SQLAlchemyError as error:
        parts["database"] = type(error).__name__
    if not os.access(current_app.extensions["kezen.config"].var, os.W_OK):
        parts["storage"] = "not writable"
    is_ready = all(state == "ok" for state in parts.values())
    answer = {"ready": is_ready, "parts": parts, "signatures": algorithms.in_use()}
    answer["lists"] = refreshing.state(current_app.extensions["kezen.config"].var / "authorities")
    return jsonify(answer), 200 if is_ready else 503
