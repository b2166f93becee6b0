"""What one may ask about people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import String, cast, or_, select
from sqlalchemy.orm import lazyload

from app import db
from app.accounts.models import User
from app.errors import NotFound
from app.permissions import Role


def normalised(email: str) -> str:
    """Return the one spelling under which an address is kept and compared."""
    return email.strip().casefold()


def by_email(email: str) -> User | None:
    """Return the user of an address in any spelling, or None."""
    return db.session.scalars(select(User).where(User.email == normalised(email))).unique().one_or_none()


def by_id(user_id: int) -> User:
    """Return a user.

    Raises:
        NotFound: there is none.
    """
    user = db.session.get(User, user_id)
    if user is None:
        raise NotFound
    return user


def by_ids(ids: Iterable[int]) -> dict[int, User]:
    """Return the users of ``ids`` by their id, in one query."""
    wanted = set(ids)
    if not wanted:
        return {}
    return {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(wanted))).unique()}


def holders(*roles: Role) -> Sequence[User]:
    """Return the active people of the Exchange who hold one of ``roles``."""
    named = cast(User.exchange_roles, String)
    active = select(User).where(User.is_active.is_(True), or_(*(named.contains(f'"{role}"') for role in roles)))
    return db.session.scalars(active.order_by(User.id).options(lazyload(User.membership))).all()
