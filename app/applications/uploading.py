"""Files as acts of their own: attached, replaced, removed at once, whatever else stands typed in the page.

Each is one transaction with its revision, history and audit rows.  Two people who attach to one field
both see their files stay: the application's row is held while the list is read and written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.accounts.models import User
from app.applications import answering, attachments, effects, facts, moves, queries
from app.applications.attachments import Received
from app.applications.models import Application
from app.audit import operations as audit
from app.errors import Conflict, Invalid
from app.forms.definitions import DynamicForm, Form
from app.forms.files import Wanted, every, wanted, without
from app.forms.paths import put


@dataclass(frozen=True)
class Done:
    """What an act on files has made: the stage's revision before (0: none) and now."""

    before: int
    revision: int


def attach(
    application: Application,
    stage: str,
    path: str,
    given: Sequence[Received],
    *,
    by: User,
    now: datetime,
    replaces: int | None = None,
) -> Done:
    """Put files into the field at ``path``; with ``replaces`` one file in the place of the one of that id.

    The newest answers are what they are added to: what others have saved meanwhile stands.

    Raises:
        Invalid: the field is not asked for now, or a file will not do; nothing is kept then.
        Conflict: the stage is not open, or the file to be replaced is there no more.
        NotPermitted: the stage is not this user's.
    """
    answering.require_stage(application, stage, by)
    newest, values = _standing(application, stage)
    form, item = _field(application, stage, values, path)
    kept = [dict(file) for file in item.files]
    place = len(kept)
    if replaces is not None:
        place = next((place for place, file in enumerate(kept) if file["id"] == replaces), -1)
        if place < 0:
            raise Conflict("file.err.gone")
        del kept[place]
    if not given:
        raise Invalid.at(path, "file.err.none_given")
    attachments.check(item.field, path, given, kept)
    attachments.require_room(application, given)
    if replaces is not None:
        attachments.take_out(application, replaces, by=by, now=now)
    new = [
        attachments.keep(application, stage, path, file, by=by, now=now, replaces=None if number else replaces)
        for number, file in enumerate(given)
    ]
    kept[place:place] = new
    answers = put(values.get(form.key, {}), _within(form, path), kept)
    values = {**values, form.key: form.settled(answers)}
    names = ", ".join(file["name"] for file in new)
    act = "attach" if replaces is None else "replace_file"
    row = _store(application, stage, values, act=act, words=names, by=by, now=now)
    hashes = [file["sha256"] for file in new]
    subject = f"application {application.number}"
    audit.record("files", subject, by=by.id, at=now, stage=stage, field=path, sha256=hashes, replaces=replaces)
    return Done(newest, row)


def remove(application: Application, stage: str, attachment_id: int, *, by: User, now: datetime) -> Done:
    """Take a file out of a stage, wherever it stands: in its field, hidden, or left by an entry that is gone.

    Raises:
        NotFound: the application has no such file.
        Conflict: the stage is not open, or the file has been replaced or removed already.
        NotPermitted: the stage is not this user's.
    """
    answering.require_stage(application, stage, by)
    if attachments.one(application, attachment_id).stage != stage:
        raise Conflict("file.err.gone")
    row = attachments.take_out(application, attachment_id, by=by, now=now)
    newest, values = _standing(application, stage)
    changed = dict(values)
    is_asked = False
    for form in answering.forms(application, stage):
        held = values.get(form.key, {})
        is_asked |= any(file["id"] == attachment_id for item in wanted(form, held) for file in item.files)
        if any(file["id"] == attachment_id for _, file in every(held)):
            changed[form.key] = form.settled(without(held, attachment_id))
    kept = _store(application, stage, changed, act="remove_file", words=row.name, by=by, now=now, reopens=is_asked)
    return Done(newest, kept)


def _standing(application: Application, stage: str) -> tuple[int, dict[str, Any]]:
    newest = queries.latest(application, stage)
    return (newest.revision, dict(newest.values)) if newest else (0, {})


def _field(
    application: Application, stage: str, values: dict[str, Any], path: str
) -> tuple[Form | DynamicForm, Wanted]:
    for form in answering.forms(application, stage):
        for item in wanted(form, values.get(form.key, {})):
            if item.path == path:
                return form, item
    raise Invalid.at("", "file.err.no_field")


def _within(form: Form | DynamicForm, path: str) -> str:
    return path.removeprefix(f"{form.key}-") if isinstance(form, DynamicForm) else path


def _store(
    application: Application,
    stage: str,
    values: dict[str, Any],
    *,
    act: str,
    words: str,
    by: User,
    now: datetime,
    reopens: bool = True,
) -> int:
    """Add the revision and the history row, and return the revision that stands.

    As after every save the stage is to be finished again; not so (``reopens``) when only a file goes
    that nobody asked for.
    """
    before = queries.position(application)
    after = queries.procedure(application).save(before, stage, facts.of(application))
    newest = queries.latest(application, stage)
    is_changed = newest.values != values if newest else bool(values)
    is_open = newest is not None and newest.is_autosaved  # a file confirms nothing else
    row = newest
    if is_changed:
        row = effects.save_answers(application, stage, values, by=by, now=now, is_autosaved=is_open)
    moves.stand_at(application, after if reopens else before, act=act, by=by, now=now, stage=stage, words=words)
    return row.revision if row else 0
