"""What one may ask about people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import String, cast, func, or_, select
from sqlalchemy.orm import lazyload

from app import db
from app.accounts.models import Block, Substitution, User
from app.errors import NotFound
from app.permissions import EXCHANGE_ROLES, EXECUTOR_ROLES, UNIT_HEADS, Role


def normalised(email: str) -> str:
    """Return the one spelling under which an address is kept and compared."""
    return email.strip().casefold()


def by_email(email: str) -> User | None:
    """Return the user of an address in any spelling, or None."""
    return db.session.scalars(select(User).where(User.email == normalised(email))).unique().one_or_none()


def by_iin(iin: str) -> Sequence[User]:
    """Return the active people with an IIN; one person has one account, older rows may know better."""
    if not iin:
        return []
    return db.session.scalars(select(User).where(User.iin == iin, User.is_active.is_(True))).unique().all()


def credentials(email: str) -> tuple[int, str] | None:
    """Return the id and the password's hash of an active account; columns alone, so that it costs what none costs."""
    found = db.session.execute(
        select(User.id, User.password_hash).where(User.email == normalised(email), User.is_active.is_(True))
    ).one_or_none()
    return (found.id, found.password_hash) if found else None


def matching(words: str, *, limit: int) -> Sequence[User]:
    """Return the active people whose address or name holds every one of ``words``."""
    found = select(User).where(User.is_active.is_(True))
    for part in words.split():
        like = f"%{_escaped(part.lower())}%"
        places = (User.email, func.lower(User.last_name), func.lower(User.first_name))
        found = found.where(or_(*(place.like(like, escape="\\") for place in places)))
    return db.session.scalars(found.order_by(User.last_name, User.first_name, User.id).limit(limit)).unique().all()


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def blocked(user_ids: Iterable[int]) -> frozenset[int]:
    """Return those of ``user_ids`` whose account is blocked."""
    return frozenset(
        db.session.scalars(select(Block.user_id).where(Block.user_id.in_(list(user_ids)), Block.ended_at.is_(None)))
    )


def standing_block(user_id: int) -> Block | None:
    """Return the block of an account, None where it may be used."""
    return db.session.scalars(select(Block).where(Block.user_id == user_id, Block.ended_at.is_(None))).unique().first()


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
    return db.session.scalars(active.order_by(User.id).options(lazyload(User.usual))).all()


def substituted_by(user_id: int, *, now: datetime) -> frozenset[int]:
    """Return the ids of the people for whom ``user_id`` acts at this moment."""
    standing = select(Substitution.user_id).where(
        Substitution.substitute_id == user_id,
        Substitution.ended_at.is_(None),
        Substitution.starts_at <= now,
        Substitution.ends_at > now,
    )
    return frozenset(db.session.scalars(standing))


def substitutes_of(user_ids: Iterable[int], *, now: datetime) -> dict[int, User]:
    """Return who acts for each of ``user_ids`` at this moment, by the absent one's id."""
    standing = select(Substitution).where(
        Substitution.user_id.in_(list(user_ids)),
        Substitution.ended_at.is_(None),
        Substitution.starts_at <= now,
        Substitution.ends_at > now,
    )
    return {row.user_id: row.substitute for row in db.session.scalars(standing).unique()}


def substitutions(*, now: datetime, people: Iterable[User] | None = None) -> Sequence[Substitution]:
    """Return the substitutions that hold or are still to come, of and by ``people`` (None: of everybody), by day."""
    found = select(Substitution).where(Substitution.ended_at.is_(None), Substitution.ends_at > now)
    if people is not None:
        ids = [user.id for user in people]
        found = found.where(or_(Substitution.user_id.in_(ids), Substitution.substitute_id.in_(ids)))
    return db.session.scalars(found.order_by(Substitution.starts_at, Substitution.id)).unique().all()


def overlapping(user_id: int, starts_at: datetime, ends_at: datetime) -> Sequence[Substitution]:
    """Return the standing substitutions of ``user_id``, as absent or as substitute, that touch a period."""
    found = select(Substitution).where(
        or_(Substitution.user_id == user_id, Substitution.substitute_id == user_id),
        Substitution.ended_at.is_(None),
        Substitution.starts_at < ends_at,
        Substitution.ends_at > starts_at,
    )
    return db.session.scalars(found.order_by(Substitution.starts_at)).unique().all()


def possible_substitutes(user: User) -> list[User]:
    """Return who may act for ``user``: at the Exchange whoever shares one of his roles, else a colleague."""
    shared = user.roles & EXCHANGE_ROLES
    if shared:
        found: Iterable[User] = holders(*sorted(shared))
    else:
        company = user.organisation  # of the place in which he works now: substitutes are named by himself
        found = [member.user for member in company.memberships if member.is_active] if company else []
    return sorted((each for each in found if each.id != user.id and each.is_active), key=lambda each: each.name)


def led_by(head: User) -> list[User]:
    """Return the people whose work ``head`` gives out, himself not among them."""
    roles = {EXECUTOR_ROLES[executor] for executor, role in UNIT_HEADS.items() if role in head.roles}
    return [user for user in holders(*sorted(roles)) if user.id != head.id] if roles else []
