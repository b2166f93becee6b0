"""What one may do with organisations, their people and partnerships.

Source: user manual, paragraphs 9.2 and 9.3; readings A8, A9, A14.
"""

from __future__ import annotations

from datetime import datetime

from app import db
from app.accounts import operations as accounts
from app.accounts.models import User
from app.audit import operations as audit
from app.errors import Conflict, Invalid, NotFound, NotPermitted
from app.notifications import operations as notifications
from app.organisations import queries
from app.organisations.models import Membership, Organisation, Partnership
from app.permissions import Permission


def add_user(
    organisation: Organisation,
    *,
    by: User,
    email: str,
    last_name: str,
    first_name: str,
    patronymic: str,
    position: str,
    phone: str,
    is_admin: bool,
    now: datetime,
) -> User:
    """Add a person to the organisation of ``by`` and mail the issued password.

    Raises:
        NotPermitted: ``by`` is not an administrator of ``organisation`` (IS2IN-9.2.c).
        Conflict: the address already has an account.
    """
    if not by.may(Permission.MANAGE_USERS) or by.organisation is not organisation:
        raise NotPermitted
    user, issued = accounts.create(
        email=email,
        last_name=last_name,
        first_name=first_name,
        patronymic=patronymic,
        position=position,
        phone=phone,
        by=by.id,
        now=now,
    )
    db.session.add(Membership(user=user, organisation=organisation, is_admin=is_admin))
    audit.record("member_added", f"organisation {organisation.id}", by=by.id, at=now, user=user.id, admin=is_admin)
    notifications.notify(
        [user],
        "notice.account_created",
        about=notifications.About(author=by.name),
        params={"company": organisation.names},
        mail_only={"obj.email": user.email, "mail.issued_password": issued},
        now=now,
    )
    return user


def add_partner(organisation: Organisation, partner_id: int | None, *, by: User, now: datetime) -> Partnership:
    """Make an active adviser or audit organisation a partner; it works at once and the partner is told.

    Raises:
        NotPermitted: ``by`` may not do this for ``organisation``.
        Invalid: the chosen company is not among those offered.
    """
    if not by.may(Permission.MANAGE_PARTNERS) or by.organisation is not organisation:
        raise NotPermitted
    partner = next((item for item in queries.possible_partners(organisation) if item.id == partner_id), None)
    if partner is None:
        raise Invalid.at("partner_id", "partner.err.choose")
    partnership = Partnership(issuer=organisation, partner=partner, added_by_id=by.id, added_at=now)
    db.session.add(partnership)
    db.session.flush()
    audit.record("partner_added", f"organisation {organisation.id}", by=by.id, at=now, partner=partner.id)
    notifications.notify(
        [member.user for member in queries.people(partner) if member.is_admin or member.is_first_head],
        "notice.partner_added",
        about=notifications.About(author=by.name),
        params={"company": organisation.names},
        now=now,
    )
    return partnership


def request_removal(organisation: Organisation, partnership_id: int, *, by: User, now: datetime) -> Partnership:
    """Record the request to end a partnership; only the Exchange ends it (IS2IN-9.3.f).

    Raises:
        NotFound: the organisation has no such standing partnership.
        Conflict: it has been requested before.
    """
    partnership = next((item for item in queries.partnerships(organisation) if item.id == partnership_id), None)
    if partnership is None:
        raise NotFound
    if not by.may(Permission.MANAGE_PARTNERS):
        raise NotPermitted
    if partnership.removal_requested_at is not None:
        raise Conflict("err.already_done")
    partnership.removal_requested_at = now
    audit.record("partner_removal_requested", f"organisation {organisation.id}", by=by.id, at=now, id=partnership_id)
    return partnership
