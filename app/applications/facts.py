"""What the guards of transitions may ask of an application; each fact is looked up only when it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, cached_property
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, func, or_, select

from app import db
from app.applications import parents, queries
from app.applications.conditions import Conditions
from app.applications.models import (
    Answers,
    Application,
    Comment,
    CommentEvent,
    Document,
    HeadComment,
    Letter,
    Remark,
    Signature,
)
from app.workflows.guards import Facts, ParentState
from app.workflows.parts import StageKind


class ApplicationFacts:
    """The facts of one application, in the shape of the engine's ``Facts``."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def _count(self, kind: type[Comment], *conditions: ColumnElement[bool]) -> int:
        own = kind.application_id == self._application.id
        return db.session.scalar(select(func.count(kind.id)).where(own, *conditions)) or 0

    @property
    def sent(self) -> bool:
        """Whether it has ever been sent to the Exchange."""
        return self._application.submitted_at is not None

    @property
    def answer_sent(self) -> bool:
        """Whether what the applicant's side signs has ever come to the Exchange."""
        return queries.received_at(self._application) is not None

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
        """How many comments on a place the first head has written or reopened in this round."""
        reopened = exists().where(
            CommentEvent.comment_id == HeadComment.id,
            CommentEvent.act == "reopened",
            CommentEvent.round == self._application.round,
        )
        in_this_round = or_(HeadComment.round == self._application.round, reopened)
        return self._count(HeadComment, HeadComment.stage != "", in_this_round, HeadComment.resolved_at.is_(None))

    @cached_property
    def remarks(self) -> int:
        """How many remarks the Exchange has written and not yet sent, or reopened."""
        reopened = and_(Remark.reopened_at.is_not(None), Remark.answered_at.is_(None), Remark.resolved_at.is_(None))
        return self._count(Remark, or_(Remark.published_at.is_(None), reopened))

    @cached_property
    def unresolved_remarks(self) -> int:
        """How many remarks no reviewer has resolved, sent or not."""
        return self._count(Remark, Remark.resolved_at.is_(None))

    @cached_property
    def open_remarks(self) -> int:
        """How many published remarks the applicant has not answered."""
        return self._count(
            Remark, Remark.published_at.is_not(None), Remark.answered_at.is_(None), Remark.resolved_at.is_(None)
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
    def unconfirmed(self) -> frozenset[str]:
        """The stages whose newest answers the page saved by itself."""
        given = {"application_id": self._application.id}
        return frozenset(db.session.scalars(_newest_autosaved(), given))

    @cached_property
    def issued(self) -> frozenset[str]:
        """The issuing stages whose paper, made of the newest answers, carries the Exchange's signature."""
        found = queries.procedure(self._application).stages.items()
        signing = [(key, each.follows or "") for key, each in found if each.kind is StageKind.ISSUING]
        return frozenset(key for key, stage in signing if self._is_issued(stage))

    def _is_issued(self, stage: str) -> bool:
        newest = queries.latest(self._application, stage)
        statement = (
            select(func.count())
            .select_from(Signature)
            .join(Letter, Letter.document_id == Signature.document_id)
            .where(Letter.application_id == self._application.id, Letter.stage == stage)
            .where(Letter.revision == (newest.revision if newest else 0))
        )
        return bool(db.session.scalar(statement))

    @cached_property
    def answers(self) -> Mapping[str, Mapping[str, Any]]:
        """The newest answers of every stage: stage -> field -> canonical value, of all its simple forms."""
        found = db.session.execute(_newest_values(), {"application_id": self._application.id})
        return {stage: _flat(values) for stage, values in found}

    @cached_property
    def conditions(self) -> Mapping[str, bool | None]:
        """What the procedure's conditions say of the newest answers."""
        return Conditions(self._application)

    @cached_property
    def parent(self) -> ParentState:
        """How it stands with the application to which this one belongs."""
        return parents.state(self._application)

    @cached_property
    def open_children(self) -> int:
        """How many applications within this one have been sent and have not ended."""
        return parents.open_children(self._application)


@cache
def _newest_values() -> Select[str, dict[str, Any]]:
    table = db.table_of(Answers)
    here = table.c.application_id == bindparam("application_id")
    newest = select(table.c.stage, func.max(table.c.revision).label("revision")).where(here).group_by(table.c.stage)
    last = newest.subquery()
    found = select(table.c.stage, table.c["values"]).where(here)
    return found.join(last, and_(table.c.stage == last.c.stage, table.c.revision == last.c.revision))


@cache
def _newest_autosaved() -> Select[str]:
    table = db.table_of(Answers)
    here = table.c.application_id == bindparam("application_id")
    newest = select(table.c.stage, func.max(table.c.revision).label("revision")).where(here).group_by(table.c.stage)
    last = newest.subquery()
    found = select(table.c.stage).where(here, table.c.is_autosaved)
    return found.join(last, and_(table.c.stage == last.c.stage, table.c.revision == last.c.revision))


def _flat(values: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {field: value for form in values.values() for field, value in form.items()}


def once_answered(application: Application, stage: str, given: Mapping[str, Any]) -> Facts:
    """Return what the guards would find once these fields of a stage were answered so; conditions are as they are."""
    found = ApplicationFacts(application)
    answers = found.answers
    found.answers = {**answers, stage: {**answers.get(stage, {}), **given}}
    return cast(Facts, found)


def of(application: Application) -> Facts:
    """Return what the guards may ask of an application.

    Lazy, so that a transition costs only the look-ups its own guards need; the shape is the engine's.
    """
    return cast(Facts, ApplicationFacts(application))
