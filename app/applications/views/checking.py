"""The checklist of documents as the present user reads it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from flask_login import current_user

from app.applications import accepting, answering, checklist, facts, queries
from app.applications.checklist import Checklist, FileState, Item
from app.applications.models import Application
from app.errors import AppError
from app.forms.definitions import DynamicForm
from app.terms.sizes import size_words
from app.web import here
from app.web.templating import word


@dataclass(frozen=True)
class FileRow:
    """A file as the checklist shows it; ``decided`` is the id of the last decision, 0 if there is none."""

    id: int
    stage: str
    name: str
    size: str
    sha256: str
    at: datetime
    by: str
    url: str
    state: str
    reason: str
    reviewer: str
    decided: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ItemRow:
    """A document as the checklist shows it: why it is asked for, and what stands there."""

    stage: str
    path: str
    place: str
    label: str
    why: str
    norm: str
    hint: str
    required: bool
    demo_data: bool
    state: str
    may_write: bool
    accept: str
    max_files: int
    max_size: str
    files: tuple[FileRow, ...]
    older: tuple[FileRow, ...]
    has_room: bool


@dataclass(frozen=True)
class ChecklistView:
    """The checklist of one application; ``groups`` are (stage title, its documents)."""

    groups: tuple[tuple[str, tuple[ItemRow, ...]], ...]
    unneeded: tuple[FileRow, ...]
    writable: frozenset[str]
    missing: tuple[ItemRow, ...]
    rejected: tuple[ItemRow, ...]
    done: int
    total: int
    may_decide: bool


def view(application: Application) -> ChecklistView:
    """Return the checklist: the Exchange's people see it as it was sent, with all decisions."""
    is_exchange = bool(current_user.is_exchange)
    as_of = application.sent_at if is_exchange else None
    found = checklist.of(application, as_of=as_of, for_exchange=is_exchange)
    writable = _writable(application, found)
    rows = {item.place: _item(application, item, item.stage in writable) for item in found.items}
    stages = queries.procedure(application).stages
    language = here.language()
    groups = {item.stage: stages[item.stage].title[language] for item in found.items}
    return ChecklistView(
        groups=tuple(
            (title, tuple(row for row in rows.values() if row.stage == stage)) for stage, title in groups.items()
        ),
        unneeded=tuple(_files(application, found.unneeded)),
        writable=writable,
        missing=tuple(rows[item.place] for item in found.missing),
        rejected=tuple(rows[item.place] for item in found.rejected),
        done=len(found.required) - len(found.missing),
        total=len(found.required),
        may_decide=accepting.deciding_stage(application, current_user) is not None,
    )


def _writable(application: Application, found: Checklist) -> frozenset[str]:
    """Return the stages whose files the present user may change now."""
    stages = {item.stage for item in found.items} | {file.row.stage for file in found.unneeded}
    return frozenset(stage for stage in stages if _may_write(application, stage))


def _may_write(application: Application, stage: str) -> bool:
    try:
        answering.require_stage(application, stage, current_user, takes=False)
    except AppError:
        return False
    procedure = queries.procedure(application)
    return stage in procedure.open_stages(queries.position(application), facts.of(application))


def _item(application: Application, item: Item, may_write: bool) -> ItemRow:
    language = here.language()
    field = item.wanted.field
    where = [item.form.title[language]]
    if isinstance(item.form, DynamicForm):
        where = [item.form.path_text(item.wanted.criteria, language)]
    where.append(item.wanted.section.title[language])
    return ItemRow(
        stage=item.stage,
        path=item.wanted.path,
        place=item.place,
        label=field.label[language],
        why=" · ".join(dict.fromkeys(where)),
        norm=field.norm[language] if field.norm else "",
        hint=field.hint[language] if field.hint else "",
        required=item.wanted.required,
        demo_data=item.wanted.form.demo_data,
        state=item.state,
        may_write=may_write,
        accept=", ".join(field.accept),
        max_files=field.max_files,
        max_size=size_words(field.max_size_mb * 1024 * 1024, language),
        files=tuple(_files(application, item.files)),
        older=tuple(_files(application, item.older)),
        has_room=len(item.files) < field.max_files,
    )


def _files(application: Application, files: Iterable[FileState]) -> Iterable[FileRow]:
    for file in files:
        row, decision = file.row, file.decision
        yield FileRow(
            id=row.id,
            stage=row.stage,
            name=row.name,
            size=size_words(row.size, here.language()),
            sha256=row.sha256,
            at=row.at,
            by=row.by.name,
            url=url_for("applications.attachment", number=application.number, attachment_id=row.id),
            state=file.state,
            reason=decision.reason if decision else "",
            reviewer=decision.by.name if decision and current_user.is_exchange else "",
            decided=decision.id if decision else 0,
            notes=tuple(note_words(row.notes)),
        )


def note_words(notes: Iterable[Any]) -> Iterable[str]:
    """Return in words what the look into a file has found."""
    return (word(key, **params) for key, params in notes)
