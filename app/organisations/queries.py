"""What one may ask about organisations."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import or_, select

from app import db
from app.accounts.models import User
from app.organisations.models import PARTNER_KINDS, Membership, Organisation, Partnership


def by_id(organisation_id: int) -> Organisation:
    """Return an organisation that is known to exist."""
    return db.session.get_one(Organisation, organisation_id)


def people(organisation: Organisation) -> Sequence[Membership]:
    """Return the active people of ``organisation``, by name."""
    found = db.session.scalars(
        select(Membership)
        .join(User)
        .where(Membership.organisation_id == organisation.id, Membership.is_active, User.is_active)
        .order_by(User.last_name, User.first_name)
    )
    return found.unique().all()


def first_head(organisation: Organisation) -> User | None:
    """Return the active first head of ``organisation``, or None where none is registered."""
    return next((member.user for member in people(organisation) if member.is_first_head), None)


def record(organisation: Organisation) -> dict[str, Any]:
    """Return what is known of an organisation, as fields of forms keep it: field key -> canonical value."""
    head = first_head(organisation)
    known = {
        "bin": organisation.bin,
        "full_name": dict(organisation.names),
        "head_name": head.full_name if head else "",
        "head_iin": head.iin if head else "",
        "head_position": head.position if head else "",
    }
    return {**{key: value for key, value in known.items() if value}, **organisation.details}


def signing_iins(organisation: Organisation) -> frozenset[str]:
    """Return the IINs of the people registered with the right to sign for ``organisation``."""
    return frozenset(
        member.user.iin
        for member in people(organisation)
        if (member.may_sign or member.is_first_head) and member.user.iin
    )


def partnerships(organisation: Organisation) -> Sequence[Partnership]:
    """Return the standing partnerships that ``organisation`` has added, by partner."""
    found = db.session.scalars(
        select(Partnership)
        .where(Partnership.issuer_id == organisation.id, Partnership.ended_at.is_(None))
        .order_by(Partnership.added_at)
    )
    return [item for item in found.unique() if item.partner.is_active]


def clients_of(partner: Organisation) -> Sequence[Organisation]:
    """Return the active organisations that have made ``partner`` their partner (IS2IN-13.d)."""
    found = db.session.scalars(
        select(Organisation)
        .join(Partnership, Partnership.issuer_id == Organisation.id)
        .where(Partnership.partner_id == partner.id, Partnership.ended_at.is_(None), Organisation.is_active)
        .order_by(Organisation.code)
    )
    return found.unique().all()


def answerable(kinds: Collection[str]) -> list[Organisation]:
    """Return the active organisations of these kinds that have an active administrator or first head, by code."""
    found = db.session.scalars(
        select(Organisation)
        .join(Membership)
        .join(User)
        .where(
            Organisation.is_active,
            Organisation.kind.in_(kinds),
            Membership.is_active,
            or_(Membership.is_admin, Membership.is_first_head),
            User.is_active,
        )
        .order_by(Organisation.code)
    )
    return list(found.unique())


def partnerships_with(partner: Organisation) -> Sequence[Partnership]:
    """Return the standing partnerships in which ``partner`` was added, oldest first."""
    found = db.session.scalars(
        select(Partnership)
        .where(Partnership.partner_id == partner.id, Partnership.ended_at.is_(None))
        .order_by(Partnership.added_at)
    )
    return found.unique().all()


def possible_partners(organisation: Organisation) -> Sequence[Organisation]:
    """Return the active advisers and audit organisations that are not partners yet (IS2IN-9.3.c)."""
    taken = {item.partner_id for item in partnerships(organisation)} | {organisation.id}
    found = db.session.scalars(
        select(Organisation)
        .where(Organisation.is_active, Organisation.kind.in_(PARTNER_KINDS))
        .order_by(Organisation.kind, Organisation.code)
    )
    return [item for item in found.unique() if item.id not in taken]


def adviser_employees(organisation: Organisation) -> list[User]:
    """Return the active people of the organisation's adviser partners (IS2IN-14.g)."""
    return [
        member.user
        for item in partnerships(organisation)
        if item.partner.kind == "adviser"
        for member in people(item.partner)
    ]
