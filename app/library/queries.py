"""What one may ask of the library."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import or_, select

from app import db
from app.library.models import Insider, Norm

NORM_KINDS = ("law", "act", "internal")


def norms(words: str = "") -> Sequence[Norm]:
    """Return the normative base in its order; with ``words`` only what holds them in any language."""
    statement = select(Norm).order_by(Norm.id)
    if words:
        columns = (Norm.title_kk, Norm.title_ru, Norm.title_en, Norm.reference)
        statement = statement.where(or_(*(column.icontains(words, autoescape=True) for column in columns)))
    return db.session.scalars(statement).all()


def insiders(on: date) -> Sequence[Insider]:
    """Return who had access to insider information on a day, by name."""
    return db.session.scalars(
        select(Insider)
        .where(Insider.since <= on, or_(Insider.until.is_(None), Insider.until >= on))
        .order_by(Insider.name)
    ).all()
