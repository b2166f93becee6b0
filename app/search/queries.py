"""Which saved queries somebody finds, and which he may change."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, false, or_, select

from app import db
from app.accounts.models import User
from app.applications.queries import place_id
from app.errors import NotFound
from app.permissions import Permission, queues_headed_by
from app.search.models import SavedQuery
from app.terms.ordering import place


def visible_to(user: User) -> ColumnElement[bool]:
    """Return the condition under which ``user`` finds a saved query: of the place where he works now, and no other.

    His own, and what is shared with the organisation; the Exchange's people share theirs with the Exchange.
    """
    if user.organisation is None and not user.is_exchange:
        return false()
    here = SavedQuery.organisation_id.is_not_distinct_from(place_id(user))
    return and_(here, or_(SavedQuery.owner_id == user.id, SavedQuery.is_shared))


def saved(user: User) -> Sequence[SavedQuery]:
    """Return the saved queries that ``user`` finds, by name, his own first."""
    found = db.session.scalars(select(SavedQuery).where(visible_to(user))).unique()
    return sorted(found, key=lambda row: (row.is_shared, place(row.name), row.id))


def one(ident: int | None, *, user: User, for_update: bool = False) -> SavedQuery:
    """Return a saved query; ``for_update`` lets acts on it stand in line.

    Raises:
        NotFound: there is none, or not for this user.
    """
    statement = select(SavedQuery).where(SavedQuery.id == ident, visible_to(user))
    found = db.session.scalars(statement.with_for_update(of=SavedQuery) if for_update else statement).one_or_none()
    if found is None:
        raise NotFound
    return found


def may_change(row: SavedQuery, user: User) -> bool:
    """Tell whether ``user`` may rename, overwrite and delete it: his own; what is shared also an administrator.

    At the Exchange that is the head of a unit.
    """
    if row.owner_id == user.id:
        return True
    tends = bool(queues_headed_by(user.roles)) if user.is_exchange else user.may(Permission.MANAGE_USERS)
    return row.is_shared and tends
