"""What one may ask about organisations."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select

from app import db
from app.accounts.models import User
from app.organisations.models import (
    PARTNER_KINDS,
    AccessRequest,
    ActingHead,
    FormerName,
    Membership,
    Organisation,
    Partnership,
)
from app.terms.folding import folded
from app.web import here


def by_id(organisation_id: int) -> Organisation:
    """Return an organisation that is known to exist."""
    return db.session.get_one(Organisation, organisation_id)


def by_bin(number: str) -> Organisation | None:
    """Return the organisation of a BIN, or None."""
    return db.session.scalars(select(Organisation).where(Organisation.bin == number)).unique().one_or_none()


def by_code(code: str) -> Organisation | None:
    """Return the organisation of a code, or None."""
    return db.session.scalars(select(Organisation).where(Organisation.code == code)).unique().one_or_none()


def everybody() -> Sequence[Organisation]:
    """Return every client, former ones too, by code."""
    return db.session.scalars(select(Organisation).order_by(Organisation.code)).unique().all()


def all_names(organisation: Organisation) -> Iterator[str]:
    """Yield what an organisation is and was called, in the three languages (ESRV-16.1.a)."""
    yield from organisation.names.values()
    for former in organisation.former_names:
        yield from former.names.values()


def former_names() -> dict[int, list[str]]:
    """Return what organisations were called, by their id; those that never changed their name are not in it."""
    found: dict[int, list[str]] = {}
    for row in db.session.scalars(select(FormerName)):
        found.setdefault(row.organisation_id, []).extend(row.names.values())
    return found


def names_at(moment: datetime) -> dict[int, dict[str, str]]:
    """Return what organisations were called at a moment, by id: of those that have changed their name since."""
    later = select(FormerName).where(FormerName.until > moment).order_by(FormerName.until.desc(), FormerName.id.desc())
    return {row.organisation_id: row.names for row in db.session.scalars(later)}


def search(words: str) -> list[Organisation]:
    """Return the clients whose code, BIN, present or former name holds ``words`` (ESRV-16.1.a)."""
    wanted, former = folded(words), former_names()
    return [
        each
        for each in everybody()
        if wanted in folded(" ".join((each.code, each.bin, *each.names.values(), *former.get(each.id, ()))))
    ]


def people(organisation: Organisation) -> Sequence[Membership]:
    """Return the active people of ``organisation``, by name."""
    found = db.session.scalars(
        select(Membership)
        .join(User)
        .where(Membership.organisation_id == organisation.id, Membership.is_active, User.is_active)
        .order_by(User.last_name, User.first_name)
    )
    return found.unique().all()


def switched_off(organisation: Organisation) -> Sequence[Membership]:
    """Return the people of ``organisation`` whose account no longer opens, by name."""
    found = db.session.scalars(
        select(Membership)
        .join(User)
        .where(
            Membership.organisation_id == organisation.id,
            or_(Membership.is_active.is_(False), User.is_active.is_(False)),
        )
        .order_by(User.last_name, User.first_name)
    )
    return found.unique().all()


def first_head(organisation: Organisation) -> User | None:
    """Return the active first head of ``organisation``, or None where none is registered."""
    found = first_head_of(organisation)
    return found.user if found is not None else None


def first_head_of(organisation: Organisation) -> Membership | None:
    """Return the first head's membership in ``organisation``, or None."""
    return next((member for member in people(organisation) if member.is_first_head), None)


def holder_of_iin(organisation: Organisation, iin: str, *, but: User | None = None) -> User | None:
    """Return the active person of ``organisation`` whose IIN this is, other than ``but``, or None."""
    others = (member.user for member in people(organisation) if member.user is not but)
    return next((user for user in others if iin and user.iin == iin), None)


def requests_of(organisation: Organisation) -> Sequence[AccessRequest]:
    """Return what was asked of the Exchange for ``organisation``, newest first."""
    found = select(AccessRequest).where(AccessRequest.organisation_id == organisation.id)
    return db.session.scalars(found.order_by(AccessRequest.id.desc())).unique().all()


def actings(organisation: Organisation) -> Sequence[ActingHead]:
    """Return who acts, will act and has acted as first head of ``organisation``, newest first."""
    found = select(ActingHead).where(ActingHead.organisation_id == organisation.id)
    return db.session.scalars(found.order_by(ActingHead.starts_at.desc(), ActingHead.id.desc())).all()


def acting_head(organisation: Organisation, *, now: datetime | None = None) -> ActingHead | None:
    """Return who acts as first head at a moment, or None (A26)."""
    moment = now or here.now()
    standing = select(ActingHead).where(
        ActingHead.organisation_id == organisation.id,
        ActingHead.starts_at <= moment,
        ActingHead.ends_at > moment,
        or_(ActingHead.ended_at.is_(None), ActingHead.ended_at > moment),
    )
    return db.session.scalars(standing.order_by(ActingHead.id.desc()).limit(1)).one_or_none()


def record(organisation: Organisation) -> dict[str, Any]:
    """Return what is known of an organisation, as fields of forms keep it: field key -> canonical value."""
    head = first_head_of(organisation)
    known = {
        "bin": organisation.bin,
        "full_name": dict(organisation.names),
        "head_name": head.user.full_name if head else "",
        "head_iin": head.user.iin if head else "",
        "head_position": head.works_as if head else "",
    }
    return {**{key: value for key, value in known.items() if value}, **organisation.details}


def signing_iins(organisation: Organisation, *, by: User | None = None, now: datetime | None = None) -> frozenset[str]:
    """Return the IINs of the people registered with the right to sign for ``organisation`` at a moment (A26).

    Who acts for the first head signs with his own key and no other (``by``).
    """
    moment = now or here.now()
    own = by.member_of(organisation.id) if by is not None else None
    if by is not None and own is not None and own.stands_for(moment) is not None:
        return frozenset({by.iin} - {""})
    return frozenset(member.user.iin for member in people(organisation) if member.may_sign and member.user.iin)


def stands(moment: Any) -> ColumnElement[bool]:
    """Return the condition under which a partnership holds at a moment."""
    return and_(Partnership.ended_at.is_(None), or_(Partnership.until.is_(None), Partnership.until > moment))


def partnerships(organisation: Organisation, *, now: datetime | None = None) -> Sequence[Partnership]:
    """Return the standing partnerships that ``organisation`` has added, by partner."""
    found = db.session.scalars(
        select(Partnership)
        .where(Partnership.issuer_id == organisation.id, stands(now or here.now()))
        .order_by(Partnership.added_at)
    )
    return [item for item in found.unique() if item.partner.is_active]


def past_partnerships(organisation: Organisation, *, now: datetime | None = None) -> Sequence[Partnership]:
    """Return the partnerships of ``organisation``, on either side, that are over, newest first; they stay for ever."""
    found = db.session.scalars(
        select(Partnership)
        .where(
            or_(Partnership.issuer_id == organisation.id, Partnership.partner_id == organisation.id),
            ~stands(now or here.now()),
        )
        .order_by(Partnership.id.desc())
    )
    return found.unique().all()


def partnership(partnership_id: int) -> Partnership | None:
    """Return a partnership, or None."""
    return db.session.get(Partnership, partnership_id)


def removals() -> Sequence[Partnership]:
    """Return the standing partnerships whose end is asked for, oldest request first (A9)."""
    found = select(Partnership).where(Partnership.removal_requested_at.is_not(None), stands(here.now()))
    return db.session.scalars(found.order_by(Partnership.removal_requested_at)).unique().all()


def clients_of(partner: Organisation, *, procedure: str = "", now: datetime | None = None) -> Sequence[Organisation]:
    """Return the active organisations whose partner ``partner`` is (IS2IN-13.d), for a procedure if one is named."""
    return [
        item.issuer
        for item in sorted(partnerships_with(partner, now=now), key=lambda item: item.issuer.code)
        if item.issuer.is_active and (not procedure or item.covers(procedure))
    ]


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


def partnerships_with(partner: Organisation, *, now: datetime | None = None) -> Sequence[Partnership]:
    """Return the standing partnerships in which ``partner`` was added, oldest first."""
    found = db.session.scalars(
        select(Partnership)
        .where(Partnership.partner_id == partner.id, stands(now or here.now()))
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


def adviser_employees(organisation: Organisation, *, procedure: str = "") -> list[User]:
    """Return the active people of the organisation's adviser partners, for a procedure if one is named (IS2IN-14.g)."""
    return [
        member.user
        for item in partnerships(organisation)
        if item.partner.kind == "adviser" and (not procedure or item.covers(procedure))
        for member in people(item.partner)
    ]
