"""Runs the migrations over the engine that ``app.schema`` gives."""

from __future__ import annotations

import os

from alembic import context
from sqlalchemy import Engine

from app.accounts import models as _accounts
from app.applications import models as _applications
from app.audit import models as _audit
from app.db import Record, UtcDateTime
from app.decisions import models as _decisions
from app.library import models as _library
from app.news import models as _news
from app.notifications import models as _notifications
from app.organisations import models as _organisations
from app.outputs import models as _outputs
from app.search import models as _search

ROOMS = (
    _accounts,
    _applications,
    _audit,
    _decisions,
    _library,
    _news,
    _notifications,
    _organisations,
    _outputs,
    _search,
)

engine: Engine = context.config.attributes["engine"]
only = set(filter(None, os.environ.get("KEZEN_TABLES", "").split(",")))


def include(obj, name, type_, reflected, compare_to):
    """Leave out what a migration being written is not about."""
    return type_ != "table" or not only or name in only


def render(type_, obj, _autogen):
    """Write our own column types as what the database has, so that migrations stand alone."""
    return "sa.DateTime()" if type_ == "type" and isinstance(obj, UtcDateTime) else False


with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Record.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        include_object=include,
        render_item=render,
    )
    with context.begin_transaction():
        context.run_migrations()
