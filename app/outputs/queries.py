"""What one may ask about papers that were issued."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select, true

from app import db
from app.accounts.models import User
from app.applications import queries as applications
from app.applications.models import Application, AssistedDraft
from app.errors import NotFound
from app.outputs.models import OutputDocument, OutputSubject
from app.permissions import Permission


def speaks_for_all(user: User) -> bool:
    """Tell whether ``user`` may read what was done to his organisation's people: its administrator, its first head."""
    return user.may(Permission.MANAGE_USERS) or user.may(Permission.APPROVE)


def visible_to(user: User) -> ColumnElement[bool]:
    """Return the condition under which ``user`` sees a paper: no paper shows anybody more than he sees anyway.

    It is his organisation's, and he sees every application it tells of; what it tells of people only their
    administrators and first heads read.  The Exchange's people that may look into papers see them under the same rule.
    A draft that has been thrown away since shuts its paper to all but the person who had it made.
    """
    if not user.may(Permission.VIEW_OUTPUTS):
        return false()
    own: ColumnElement[bool] = true()
    of_people: ColumnElement[bool] = true()
    if not user.is_exchange:
        if user.organisation is None:
            return false()
        own = OutputDocument.organisation_id == user.organisation.id
        of_people = true() if speaks_for_all(user) else OutputDocument.tells_of_people.is_(False)
    thrown_away = and_(Application.process == applications.DELETED, OutputDocument.by_id == user.id)
    sight = or_(applications.visible_to(user), thrown_away)
    seen = (
        exists().where(Application.id == OutputSubject.application_id, sight).correlate(OutputSubject, OutputDocument)
    )
    hidden = exists().where(OutputSubject.document_id == OutputDocument.id, ~seen).correlate(OutputDocument)
    return and_(own, of_people, ~hidden)


def may_be_told(user: User) -> ColumnElement[bool]:
    """Return the condition that papers may tell ``user`` of an application: he sees it, and it is not only offered."""
    offered = exists().where(AssistedDraft.application_id == Application.id, AssistedDraft.confirmed_at.is_(None))
    return and_(applications.visible_to(user), ~offered)


def count(user: User) -> int:
    """Return how many papers ``user`` sees."""
    return db.session.scalar(select(func.count(OutputDocument.id)).where(visible_to(user))) or 0


def seen_by(user: User, *, start: int = 0, most: int | None = None) -> Sequence[OutputDocument]:
    """Return the papers that ``user`` sees, newest first."""
    statement = select(OutputDocument).where(visible_to(user)).order_by(OutputDocument.id.desc())
    return db.session.scalars(statement.offset(start).limit(most)).unique().all()


def one(ident: int, *, user: User) -> OutputDocument:
    """Return a paper.

    Raises:
        NotFound: there is none, or not for this user.
    """
    statement = select(OutputDocument).where(OutputDocument.id == ident, visible_to(user))
    found = db.session.scalars(statement).unique().one_or_none()
    if found is None:
        raise NotFound
    return found


def by_code(code: str) -> OutputDocument | None:
    """Return the paper of a code of verification, or None."""
    statement = select(OutputDocument).where(OutputDocument.code == code)
    return db.session.scalars(statement).unique().one_or_none()


def corrections(idents: Collection[int]) -> dict[int, OutputDocument]:
    """Return the papers that stand for others, by the id of the one each stands for."""
    statement = select(OutputDocument).where(OutputDocument.corrects_id.in_(idents))
    return {row.corrects_id: row for row in db.session.scalars(statement).unique() if row.corrects_id is not None}


def own_applications(user: User) -> Sequence[Application]:
    """Return the applications of his organisation that ``user`` sees, oldest first."""
    company = user.organisation
    if company is None:
        return []
    statement = select(Application).where(Application.organisation_id == company.id, may_be_told(user))
    return db.session.scalars(statement.order_by(Application.id)).unique().all()
