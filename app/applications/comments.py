"""The life of a comment, step by step: published, answered, resolved, reopened; each with who, when and why.

Not published → open → answered → resolved → reopened (and answered again).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from app import db
from app.accounts.models import User
from app.applications.models import AnyComment, CommentEvent


def step(row: AnyComment, act: str, *, round_: int, by: User, now: datetime, words: str = "") -> None:
    """Write down a step in the life of a comment."""
    row.events.append(CommentEvent(comment_id=row.id, act=act, words=words, round=round_, by_id=by.id, at=now))


def publish(rows: Iterable[AnyComment], *, round_: int, by: User, now: datetime) -> None:
    """Show comments to those they are for, with the present moment (IS2IN-20.i)."""
    for row in rows:
        row.published_at = now
        step(row, "published", round_=round_, by=by, now=now)
    db.session.flush()


def answer(row: AnyComment, words: str, *, round_: int, by: User, now: datetime, kind: str | None = None) -> None:
    """Answer a comment, or answer it anew; what was answered before stays among its steps.

    ``kind``: ``changed`` or ``explained``, None where the answer does not say which.
    """
    row.answer, row.answered_by_id, row.answered_at, row.answered_as = words, by.id, now, kind
    step(row, "answered", round_=round_, by=by, now=now, words=words)
    db.session.flush()


def resolve(row: AnyComment, *, round_: int, by: User, now: datetime) -> None:
    """Mark a comment as resolved."""
    row.resolved_at = now
    step(row, "resolved", round_=round_, by=by, now=now)
    db.session.flush()


def reopen(row: AnyComment, why: str, *, round_: int, by: User, now: datetime) -> None:
    """Open a resolved or answered comment again: it waits for an answer as if there had been none."""
    row.resolved_at, row.reopened_at = None, now
    row.answer, row.answered_by_id, row.answered_at, row.answered_as = "", None, None, None
    step(row, "reopened", round_=round_, by=by, now=now, words=why)
    db.session.flush()


def answer_after(row: AnyComment, steps: int) -> str:
    """Return what the answer was after the first ``steps`` steps: what a page made then has shown."""
    said = ""
    for event in row.events[:steps]:
        if event.act in ("answered", "reopened"):
            said = event.words if event.act == "answered" else ""
    return said
