"""Keeping queries: under a name, private or the organisation's; what is kept gives nobody more to see."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, func, select
from sqlalchemy import cast as cast_to

from app import db
from app.accounts.models import User
from app.applications.queries import place_id
from app.audit import operations as audit
from app.errors import Conflict, Invalid, NotPermitted
from app.organisations.models import Organisation
from app.search import queries
from app.search.models import SavedQuery

MOST = 100
"""Queries that a person keeps in one place, and as many that an organisation shares."""
LONGEST_NAME = 100


def save(name: str, asked: str, *, is_shared: bool, by: User, now: datetime) -> SavedQuery:
    """Keep a query under a name; the same one sent again is the one that is kept already.

    Raises:
        Invalid: the name will not do or is taken, or as many are kept as may be.
    """
    name = _named(name)
    _in_line(by)
    same = _called(name, place_id(by), by.id, is_shared=is_shared)
    if same is not None and same.asked == asked and same.owner_id == by.id:
        return same
    if same is not None:
        raise Invalid.at("name", "search.err.taken")
    _require_room(is_shared, by)
    row = SavedQuery(
        name=name,
        owner_id=by.id,
        organisation_id=place_id(by),
        is_shared=is_shared,
        asked=asked,
        created_at=now,
        changed_at=now,
        changed_by_id=by.id,
    )
    db.session.add(row)
    db.session.flush()
    audit.record("query_saved", f"query {row.id}", by=by.id, at=now, is_shared=is_shared)
    return row


def rename(row: SavedQuery, name: str, *, seen: int | None, by: User, now: datetime) -> None:
    """Give a query another name.

    Raises:
        NotPermitted: it is another's.
        Conflict: somebody has changed it since ``seen`` was on the screen.
        Invalid: the name will not do or is taken.
    """
    _require(row, seen, by)
    name = _named(name)
    _in_line(by)
    other = _called(name, row.organisation_id, row.owner_id, is_shared=row.is_shared)
    if other is not None and other.id != row.id:
        raise Invalid.at("name", "search.err.taken")
    _changed(row, "query_renamed", by=by, now=now, name=name)


def overwrite(row: SavedQuery, asked: str, *, seen: int | None, by: User, now: datetime) -> None:
    """Let a query ask for something else.

    Raises:
        NotPermitted: it is another's.
        Conflict: somebody has changed it since ``seen`` was on the screen.
    """
    _require(row, seen, by)
    _changed(row, "query_overwritten", by=by, now=now, asked=asked)


def delete(row: SavedQuery, *, seen: int | None, by: User, now: datetime) -> None:
    """Keep a query no longer.

    Raises:
        NotPermitted: it is another's.
        Conflict: somebody has changed it since ``seen`` was on the screen.
    """
    _require(row, seen, by)
    audit.record("query_deleted", f"query {row.id}", by=by.id, at=now, is_shared=row.is_shared)
    db.session.delete(row)
    db.session.flush()


def _changed(row: SavedQuery, act: str, *, by: User, now: datetime, **changed: str) -> None:
    for name, value in changed.items():
        setattr(row, name, value)
    row.changed_at, row.changed_by_id = now, by.id
    db.session.flush()
    audit.record(act, f"query {row.id}", by=by.id, at=now, is_shared=row.is_shared)


def _require(row: SavedQuery, seen: int | None, by: User) -> None:
    if not queries.may_change(row, by):
        raise NotPermitted("search.err.others")
    if seen != row.version:
        raise Conflict("search.err.changed", name=row.name, user=row.changed_by.name)


def _named(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise Invalid.at("name", "search.err.name")
    if len(name) > LONGEST_NAME:
        raise Invalid.at("name", "search.err.long", max=LONGEST_NAME)
    return name


def _in_line(by: User) -> None:
    """Let those who keep queries in one place stand in line, so that names and numbers are counted one by one.

    At the Exchange the first of its people stands for the place.
    """
    place = place_id(by)
    first = select(func.min(User.id)).where(cast_to(User.exchange_roles, String) != "[]").scalar_subquery()
    one = select(Organisation.id).where(Organisation.id == place) if place else select(User.id).where(User.id == first)
    db.session.execute(one.with_for_update())


def _called(name: str, place: int | None, owner_id: int, *, is_shared: bool) -> SavedQuery | None:
    """Return the query of a name among those it would stand beside: all that are shared there, or the owner's own."""
    beside = SavedQuery.is_shared if is_shared else (~SavedQuery.is_shared & (SavedQuery.owner_id == owner_id))
    here = SavedQuery.organisation_id.is_not_distinct_from(place)
    rows = db.session.scalars(select(SavedQuery).where(here, beside)).unique()
    return next((row for row in rows if row.name.casefold() == name.casefold()), None)


def _require_room(is_shared: bool, by: User) -> None:
    beside = SavedQuery.is_shared if is_shared else (~SavedQuery.is_shared & (SavedQuery.owner_id == by.id))
    here = SavedQuery.organisation_id.is_not_distinct_from(place_id(by))
    if (db.session.scalar(select(func.count(SavedQuery.id)).where(here, beside)) or 0) >= MOST:
        raise Invalid.at("name", "search.err.full_shared" if is_shared else "search.err.full", max=MOST)
