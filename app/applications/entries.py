"""The entries of a stage's dynamic forms: added for chosen criteria, taken out.

Source: user manual, paragraph 16.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.accounts.models import User
from app.applications import answering, queries
from app.applications.answering import StageConflict, Typed
from app.applications.models import Application
from app.errors import Invalid, NotFound, Problem
from app.forms.definitions import DynamicForm

MOST_ENTRIES = 200


def dynamic_form(application: Application, stage: str, key: str) -> DynamicForm:
    """Return a dynamic form of a stage.

    Raises:
        NotFound: the stage has none of this key.
    """
    for form in answering.forms(application, stage):
        if isinstance(form, DynamicForm) and form.key == key:
            return form
    raise NotFound


def add_entry(application: Application, stage: str, key: str, typed: Typed, *, by: User, now: datetime) -> str:
    """Add an entry for the chosen criteria, save what else was typed, and return the entry's id.

    Raises:
        Invalid: the chain is not complete, no forms are provided for it, a free key is faulty, or
            the same criteria and keys stand there already.
        StageConflict: as for ``save``.
    Source: user manual, paragraph 16.
    """
    answering.require_stage(application, stage, by)
    form = dynamic_form(application, stage, key)
    values = answering.read(application, stage, typed, by=by, now=now)
    problems: list[Problem] = []
    path = form.path_of(typed.raw)
    keys = form.parse_keys(typed.raw)
    standing = form.entries(values[key])
    if form.offered(path) is not None:
        problems.append(Problem(key, "app.err.criteria"))
    elif len(standing) >= MOST_ENTRIES:
        problems.append(Problem(key, "app.err.too_many_entries", {"max": MOST_ENTRIES}))
    elif any(tuple(entry["path"]) == path and entry["keys"] == keys.values for entry in standing):
        problems.append(Problem(key, "app.err.same_entry"))
    problems += keys.problems
    if problems:
        raise Invalid(problems=problems)
    values[key] = form.add(values[key], path, keys.values)
    answering.store(application, stage, values, act="add_entry", by=by, now=now, key=typed.key)
    return str(values[key]["entries"][-1]["id"])


def remove_entry(
    application: Application, stage: str, key: str, entry_id: str, typed: Typed, *, by: User, now: datetime
) -> None:
    """Take an entry out and save what else was typed; earlier revisions keep it.

    Raises:
        Invalid: there is no such entry.
        StageConflict: as for ``save``.
    """
    answering.require_stage(application, stage, by)
    form = dynamic_form(application, stage, key)
    answering.act_on(
        application, stage, key, lambda values: form.remove(values, entry_id), typed, act="remove_entry", by=by, now=now
    )


def change_criteria(
    application: Application,
    stage: str,
    key: str,
    entry_id: str,
    path: Sequence[str],
    *,
    seen: int,
    by: User,
    now: datetime,
) -> None:
    """Give an entry other criteria; answers that these do not ask for are parked, parked ones may return.

    ``seen`` is the revision that the preview was made of: what it promised is done, or nothing.

    Raises:
        Invalid: there is no such entry, no forms are provided for ``path``, the entry has it already,
            or another entry stands there with the same criteria and keys.
        StageConflict: somebody saved the stage since ``seen``.
    Source: user manual, paragraph 16.
    """
    answering.require_stage(application, stage, by)
    form = dynamic_form(application, stage, key)
    newest = queries.latest(application, stage)
    if newest is not None and newest.revision != seen:
        raise StageConflict(newest, by=by)
    values = answering.read(application, stage, Typed({}, seen=seen), by=by, now=now)
    standing = form.entries(values[key])
    changed = form.change(values[key], entry_id, path)
    after = form.entries(changed)
    own = next(entry for entry in after if entry["id"] == entry_id)
    if any(entry["id"] == entry_id and list(entry["path"]) == list(path) for entry in standing):
        raise Invalid.at(key, "form.criteria_same")
    if any(entry is not own and list(entry["path"]) == list(path) and entry["keys"] == own["keys"] for entry in after):
        raise Invalid.at(key, "app.err.same_entry")
    values[key] = changed
    answering.store(application, stage, values, act="change_criteria", by=by, now=now)
