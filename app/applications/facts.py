"""What the guards of transitions may ask of an application; each fact is looked up only when it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, cached_property
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, select

from app import db
from app.applications import queries
from app.applications.models import Answers, Application, Comment, Document, Signature
from app.workflows.guards import Facts


class ApplicationFacts:
    """The facts of one application, in the shape of the engine's ``Facts``."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def _count(self, *conditions: ColumnElement[bool]) -> int:
        statement = (
            select(func.count()).select_from(Comment).where(Comment.application_id == self._application.id, *conditions)
        )
        return db.session.scalar(statement) or 0

    @property
    def sent(self) -> bool:
        """Whether it has ever been sent to the Exchange."""
        return self._application.submitted_at is not None

    @property
    def meeting_appointed(self) -> bool:
        """Whether a meeting date is recorded: from the moment its stage is finished (A28)."""
        return bool(self._application.meeting_at)

    @property
    def decided(self) -> bool:
        """Whether a decision is recorded."""
        return self._application.decided_at is not None

    @cached_property
    def signature_valid(self) -> bool:
        """Whether the document of this round carries an accepted signature."""
        statement = (
            select(func.count())
            .select_from(Signature)
            .join(Document, Document.id == Signature.document_id)
            .where(
                Document.application_id == self._application.id,
                Document.kind == "application",
                Document.round == self._application.round,
            )
        )
        return bool(db.session.scalar(statement))

    @cached_property
    def comments(self) -> int:
        """How many comments the first head has written in this round."""
        return self._count(Comment.kind == "comment", Comment.round == self._application.round)

    @cached_property
    def remarks(self) -> int:
        """How many remarks the Exchange has written and not yet sent."""
        return self._count(Comment.kind == "remark", Comment.published_at.is_(None))

    @cached_property
    def unresolved_remarks(self) -> int:
        """How many remarks no reviewer has resolved, sent or not."""
        return self._count(Comment.kind == "remark", Comment.resolved_at.is_(None))

    @cached_property
    def open_remarks(self) -> int:
        """How many published remarks the applicant has not answered."""
        return self._count(
            Comment.kind == "remark",
            Comment.published_at.is_not(None),
            Comment.answered_at.is_(None),
            Comment.resolved_at.is_(None),
        )

    @cached_property
    def financial_organisation(self) -> bool:
        """Whether the applicant is a financial organisation (A18)."""
        return self._application.organisation.is_financial

    @cached_property
    def adviser_chosen(self) -> bool:
        """Whether an adviser has been made executor."""
        return bool(queries.assigned(self._application, "adviser"))

    @cached_property
    def answers(self) -> Mapping[str, Mapping[str, Any]]:
        """The newest answers of every stage: stage -> field -> canonical value, of all its simple forms."""
        found = db.session.execute(_newest_values(), {"application_id": self._application.id})
        return {stage: _flat(values) for stage, values in found}


@cache
def _newest_values() -> Select[str, dict[str, Any]]:
    table = db.table_of(Answers)
    here = table.c.application_id == bindparam("application_id")
    newest = select(table.c.stage, func.max(table.c.revision).label("revision")).where(here).group_by(table.c.stage)
    last = newest.subquery()
    found = select(table.c.stage, table.c["values"]).where(here)
    return found.join(last, and_(table.c.stage == last.c.stage, table.c.revision == last.c.revision))


def _flat(values: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {field: value for form in values.values() for field, value in form.items()}


def of(application: Application) -> Facts:
    """Return what the guards may ask of an application.

    Lazy, so that a transition costs only the look-ups its own guards need; the shape is the engine's.
    """
    return cast(Facts, ApplicationFacts(application))
