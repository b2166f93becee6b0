"""The documents of an application: what is asked for now and why, what is there, what reviewers say of it.

What is asked for is computed by ``app.forms.files``, through the same outline by which answers are judged: the
list and what «Дайын» demands cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app import catalogue, db
from app.applications import attachments, queries
from app.applications.models import Application, Attachment, AttachmentDecision
from app.forms.definitions import DynamicForm, Form
from app.forms.files import Wanted, unasked, wanted
from app.workflows.guards import StageStatus

MISSING, ATTACHED, REPLACED, REMOVED = "missing", "attached", "replaced", "removed"
ACCEPTED, REJECTED, UNNEEDED = "accepted", "rejected", "not_applicable"
"""The states of a document and of its files; the words are ``st.<state>``."""


@dataclass(frozen=True)
class FileState:
    """One file of a document: its row, the last decision on it that the reader may know, what it is now."""

    row: Attachment
    state: str
    decision: AttachmentDecision | None = None


@dataclass(frozen=True)
class Item:
    """One document asked for now.  ``form`` is that of the stage; ``wanted`` says why, and whether it must be there.

    ``older`` are the files that stood in its place before, newest first.
    """

    stage: str
    form: Form | DynamicForm
    wanted: Wanted
    files: tuple[FileState, ...]
    older: tuple[FileState, ...]

    @property
    def place(self) -> str:
        """The field within the whole application: "documents.charter"."""
        return f"{self.stage}.{self.wanted.path}"

    @property
    def state(self) -> str:
        """The state of the document: the least good one of its files."""
        states = {file.state for file in self.files}
        return next((state for state in (REJECTED, REPLACED, ATTACHED, ACCEPTED) if state in states), MISSING)


@dataclass(frozen=True)
class Checklist:
    """All documents of an application, in the order of its stages.

    ``unneeded`` are files that nothing asks for any more: a criterion has changed, an entry is gone.
    They stay until they are removed.
    """

    items: tuple[Item, ...]
    unneeded: tuple[FileState, ...]

    @property
    def required(self) -> tuple[Item, ...]:
        """The documents that must be there."""
        return tuple(item for item in self.items if item.wanted.required)

    @property
    def missing(self) -> tuple[Item, ...]:
        """The documents that must be there and are not: all gaps at once."""
        return tuple(item for item in self.items if item.wanted.is_missing)

    @property
    def rejected(self) -> tuple[Item, ...]:
        """The documents that a reviewer has not accepted and that have not been replaced since."""
        return tuple(item for item in self.items if item.state == REJECTED)


def of(application: Application, *, as_of: datetime | None = None, for_exchange: bool = False) -> Checklist:
    """Return the checklist of an application as it stands, or as it was sent at ``as_of``.

    ``for_exchange``: with all decisions of reviewers; the applicant's side learns of one when the
    process in which it was made has ended, as of remarks when they are sent.
    """
    answers = queries.answers(application, as_of=as_of)
    rows = attachments.rows(application)
    if for_exchange:
        moments = attachments.sent_moments(application)
        rows = [row for row in rows if attachments.was_sent(row, moments)]
    book = _Book(rows, decisions(application, until=None if for_exchange else application.entered_at))
    library = catalogue.present().forms
    standing = queries.position(application)
    items: list[Item] = []
    unneeded: list[FileState] = []
    for stage in queries.applicant_stages(application):
        if standing.status(stage) is StageStatus.SKIPPED:
            continue
        values = answers[stage].values if stage in answers else {}
        for key in queries.procedure(application).stages[stage].forms:
            form = library.get(key, application.forms.get(key))
            held = values.get(form.key, {})
            items += [book.item(stage, form, item) for item in wanted(form, held)]
            unneeded += book.states((file for _, file in unasked(form, held)), unneeded=True)
    if not for_exchange:
        shown = {file.row.id for item in items for file in item.files} | {file.row.id for file in unneeded}
        stages = set(queries.applicant_stages(application))
        left = (row for row in rows if row.removed_at is None and row.id not in shown and row.stage in stages)
        unneeded += [FileState(row, UNNEEDED) for row in left]
    return Checklist(tuple(items), tuple(unneeded))


def decisions(application: Application, *, until: datetime | None = None) -> dict[int, AttachmentDecision]:
    """Return the last decision on each file, by the file's id; with ``until`` only those made before."""
    statement = select(AttachmentDecision).where(AttachmentDecision.application_id == application.id)
    if until is not None:
        statement = statement.where(AttachmentDecision.at < until)
    return {row.attachment_id: row for row in db.session.scalars(statement.order_by(AttachmentDecision.id)).unique()}


class _Book:
    """The rows of all files, found by id and by place."""

    def __init__(self, rows: Sequence[Attachment], decided: Mapping[int, AttachmentDecision]) -> None:
        self._decided = decided
        self._rows = {row.id: row for row in rows}
        self._replaced = {row.replaces_id for row in rows}
        self._removed: dict[tuple[str, str], list[Attachment]] = {}
        for row in reversed(rows):
            if row.removed_at is not None:
                self._removed.setdefault((row.stage, row.field), []).append(row)

    def item(self, stage: str, form: Form | DynamicForm, item: Wanted) -> Item:
        files = self.states(item.files)
        present = {file.row.id for file in files}
        removed = (row for row in self._removed.get((stage, item.path), ()) if row.id not in present)
        older = tuple(self._file(row, REPLACED if row.id in self._replaced else REMOVED) for row in removed)
        return Item(stage, form, item, tuple(files), older)

    def states(self, files: Iterable[Mapping[str, Any]], *, unneeded: bool = False) -> list[FileState]:
        found = (self._rows.get(file["id"]) for file in files)
        present = [row for row in found if row is not None]
        return [self._file(row, UNNEEDED if unneeded else self._state(row)) for row in present]

    def _file(self, row: Attachment, state: str) -> FileState:
        return FileState(row, state, self._decided.get(row.id))

    def _state(self, row: Attachment) -> str:
        decision = self._decided.get(row.id)
        if decision is not None:
            return ACCEPTED if decision.accepted else REJECTED
        return ATTACHED if row.replaces_id is None else REPLACED
