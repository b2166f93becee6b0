"""The rows of a stage's repeating groups: added, taken out, moved.

A row is named by its path: "directors-e1", "directors-e1-shares-e2", inside an entry of a dynamic
form "extra_listing_requirements-e1-directors-e2".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from app.accounts.models import User
from app.applications import answering
from app.applications.answering import Typed
from app.applications.models import Application
from app.errors import NotFound
from app.forms import rows
from app.forms.definitions import DynamicForm, Form


def form_at(application: Application, stage: str, path: str) -> Form | DynamicForm:
    """Return the form of a stage that ``path`` (of a group, a row or an entry) belongs to.

    Raises:
        NotFound: none of them.
    """
    first = path.partition("-")[0]
    for form in answering.forms(application, stage):
        if first == form.key if isinstance(form, DynamicForm) else any(item.key == first for item in form.fields):
            return form
    raise NotFound


def add_row(application: Application, stage: str, path: str, typed: Typed, *, by: User, now: datetime) -> str:
    """Add a row at the end of a group, save what else was typed, and return the row's path.

    Raises:
        NotFound: the stage has no such group.
        Invalid: the group is full.
        StageConflict: as for ``answering.save``.
    """
    answering.require_stage(application, stage, by)
    form = form_at(application, stage, path)
    values = answering.read(application, stage, typed, by=by, now=now)
    values[form.key], row = rows.add(form, values[form.key], path)
    answering.store(application, stage, values, act="add_row", by=by, now=now, key=typed.key)
    return f"{path}-{row}"


def remove_row(application: Application, stage: str, path: str, typed: Typed, *, by: User, now: datetime) -> None:
    """Take a row out and save what else was typed; earlier revisions keep it.

    Raises:
        NotFound: the stage has no such group.
        Invalid: there is no such row.
        StageConflict: as for ``answering.save``.
    """
    _done(application, stage, path, rows.remove, typed, act="remove_row", by=by, now=now)


def move_row(
    application: Application, stage: str, path: str, steps: int, typed: Typed, *, by: User, now: datetime
) -> None:
    """Move a row among its neighbours, up if ``steps`` is negative, and save what else was typed.

    Raises:
        NotFound: the stage has no such group.
        Invalid: there is no such row.
        StageConflict: as for ``answering.save``.
    """
    _done(application, stage, path, partial(rows.move, by=steps), typed, act="move_row", by=by, now=now)


def _done(
    application: Application,
    stage: str,
    path: str,
    verb: Callable[[Form | DynamicForm, Mapping[str, Any], str], dict[str, Any]],
    typed: Typed,
    *,
    act: str,
    by: User,
    now: datetime,
) -> None:
    """Do something to a row as it was on the screen, so that it meets what others did to it, and keep the outcome."""
    answering.require_stage(application, stage, by)
    form = form_at(application, stage, path)
    answering.act_on(
        application, stage, form.key, lambda values: verb(form, values, path), typed, act=act, by=by, now=now
    )
