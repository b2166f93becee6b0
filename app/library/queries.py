"""What one may ask of the library: acts and their editions by date, words in them, insiders of a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import or_, select
from sqlalchemy.orm import selectinload

from app import db
from app.errors import NotFound
from app.library import clauses
from app.library.models import Insider, Norm, NormClause, NormEdition, NormFile

NORM_KINDS = ("law", "act", "internal")
MOST_FOUND = 100
"""So many clauses a search shows; whoever has more says more."""


def norms() -> Sequence[Norm]:
    """Return the normative base in its order, with the editions of each act."""
    return db.session.scalars(select(Norm).order_by(Norm.id).options(selectinload(Norm.editions))).all()


def by_key(key: str) -> Norm:
    """Return an act.

    Raises:
        NotFound: there is none of that name.
    """
    found = db.session.scalars(select(Norm).where(Norm.key == key)).one_or_none()
    if found is None:
        raise NotFound
    return found


def edition_on(norm: Norm, day: date) -> NormEdition | None:
    """Return the edition that holds on a day: the last begun by then, of several of one day the last entered.

    None before the first, and where none was entered; a repeal is returned as what it is.
    """
    begun = [edition for edition in norm.editions if edition.starts_on <= day]
    return max(begun, key=lambda edition: (edition.starts_on, edition.id), default=None)


def ends_on(norm: Norm, edition: NormEdition) -> date | None:
    """Return the day from which an edition holds no more; None while nothing follows it."""
    later = [each.starts_on for each in norm.editions if each.starts_on > edition.starts_on]
    return min(later, default=None)


def edition(norm: Norm, ident: int) -> NormEdition:
    """Return an edition of an act.

    Raises:
        NotFound: the act has no such edition.
    """
    found = next((each for each in norm.editions if each.id == ident), None)
    if found is None:
        raise NotFound
    return found


def file(norm: Norm, ident: int) -> NormFile:
    """Return a file of one of an act's editions.

    Raises:
        NotFound: the act has no such file.
    """
    found = db.session.get(NormFile, ident)
    if found is None or found.edition_id not in {each.id for each in norm.editions}:
        raise NotFound
    return found


@dataclass(frozen=True)
class Found:
    """An act that a search found: its edition of the day (None: none holds), and the clauses that hold the words."""

    norm: Norm
    edition: NormEdition | None
    clauses: Sequence[NormClause]
    is_cut: bool = False


def search(words: str, day: date) -> list[Found]:
    """Return the acts whose title, number, or text in force on ``day`` holds every one of ``words``, in any language.

    A word is looked for by its beginning (``clauses.beginnings``); within a text all must stand in one clause.
    """
    begun = clauses.beginnings(words)
    if not begun:
        return []
    standing = {norm.id: (norm, edition_on(norm, day)) for norm in norms()}
    in_force = [held.id for _, held in standing.values() if held is not None and not held.is_repeal]
    rows = db.session.scalars(
        select(NormClause)
        .where(
            NormClause.edition_id.in_(in_force),
            *(NormClause.folded.contains(f" {begin}", autoescape=True) for begin in begun),
        )
        .order_by(NormClause.edition_id, NormClause.language, NormClause.place)
        .limit(MOST_FOUND + 1)
    ).all()
    found = []
    for norm, held in standing.values():
        inside = [row for row in rows[:MOST_FOUND] if held is not None and row.edition_id == held.id]
        about = clauses.fold(f"{norm.title_kk} {norm.title_ru} {norm.title_en} {norm.reference}")
        if inside or all(f" {begin}" in about for begin in begun):
            found.append(Found(norm, held, inside, is_cut=len(rows) > MOST_FOUND))
    return found


def insiders(on: date) -> Sequence[Insider]:
    """Return who had access to insider information on a day, by name."""
    return db.session.scalars(
        select(Insider)
        .where(Insider.since <= on, or_(Insider.until.is_(None), Insider.until >= on))
        .order_by(Insider.name, Insider.id)
    ).all()


def every_insider() -> Sequence[Insider]:
    """Return everybody who has ever been entered, by name."""
    return db.session.scalars(select(Insider).order_by(Insider.name, Insider.since, Insider.id)).all()


def insider(ident: int) -> Insider:
    """Return one entry of the list.

    Raises:
        NotFound: there is none.
    """
    found = db.session.get(Insider, ident)
    if found is None:
        raise NotFound
    return found
