"""Asking a person who has an account already to work for an organisation too, and where he works usually.

One person has one account, one IIN and one address, however many organisations he works for.  Nobody makes him a
member but himself: he is asked, in the cabinet and by mail, and what he answers ``joining`` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, select

from app import db
from app.accounts import links
from app.accounts.models import User
from app.audit import operations as audit
from app.errors import Conflict, NotFound, NotPermitted
from app.notifications import operations as notifications
from app.organisations.models import AccessRequest, Invitation, Membership, Organisation
from app.permissions import Permission
from app.web import here

LIFE = timedelta(days=30)
"""How long an invitation waits for its answer."""


def invite(
    organisation: Organisation,
    user: User,
    *,
    name: str,
    position: str = "",
    is_admin: bool = False,
    as_head: bool = False,
    request: AccessRequest | None = None,
    key_note: str = "",
    by: User,
    site: str,
    now: datetime,
) -> Invitation:
    """Ask somebody to work for an organisation, as its administrator or first head if that is said.

    Who once worked there and works elsewhere now is asked again; to be first head goes before what he was asked.

    ``name`` and ``position`` are what was typed of him; ``request`` is the one at the desk that named him.  Somebody
    who has been switched off everywhere may sign in again from now on, to answer, and finds nothing else.

    Raises:
        Conflict: he works there, or was switched off there alone, is asked already, or is one of the Exchange's people.
    """
    if user.exchange_roles:
        raise Conflict("place.err.exchange")
    member = user.member_of(organisation.id)
    if member is not None and (member.is_active or not any(each.is_active for each in user.memberships)):
        raise Conflict("user.err.exists", email=user.email)
    unanswered = select(Invitation).where(
        Invitation.organisation_id == organisation.id, Invitation.user_id == user.id, Invitation.answered_at.is_(None)
    )
    standing = db.session.scalars(unanswered).unique().one_or_none()
    if standing is not None:
        if not has_lapsed(standing, now=now) and (standing.as_head or not as_head):
            raise Conflict("place.err.invited", email=user.email)
        answer(standing, "withdrawn", by=by, now=now)
    row = Invitation(
        organisation=organisation,
        user=user,
        name=name[:310],
        position=position[:200],
        is_admin=is_admin,
        as_head=as_head,
        request=request,
        key_note=key_note.strip()[:300],
        at=now,
        by=by,
    )
    db.session.add(row)
    secret = {}
    if not user.is_active and not any(member.is_active for member in user.memberships):
        user.is_active = True
        if not user.password_hash:
            token = links.issue(user, links.FIRST_PASSWORD, now=now, by=by.id)
            secret = {"obj.email": user.email, "mail.first_password": site + links.path(token)}
    db.session.flush()
    details = {"user": user.id, "admin": is_admin, "head": as_head}
    audit.record("member_invited", f"organisation {organisation.id}", by=by.id, at=now, **details)
    notifications.notify(
        [user],
        "notice.invited_head" if as_head else "notice.invited",
        about=notifications.About(
            author="" if by.is_exchange else by.name, url=f"{site}/places", company=organisation.names
        ),
        params={"company": organisation.names},
        mail_only=secret,
        action_required=True,
        now=now,
    )
    return row


def has_lapsed(row: Invitation, *, now: datetime) -> bool:
    """Tell whether an invitation has waited too long for its answer."""
    return row.at + LIFE <= now


def waiting_for(user: User) -> Sequence[Invitation]:
    """Return what a person has been asked and has not answered, oldest first."""
    found = select(Invitation).where(Invitation.user_id == user.id, _waits())
    return db.session.scalars(found.order_by(Invitation.id)).unique().all()


def waiting_at(organisation: Organisation) -> Sequence[Invitation]:
    """Return whom an organisation has asked and who has not answered, oldest first."""
    found = select(Invitation).where(Invitation.organisation_id == organisation.id, _waits())
    return db.session.scalars(found.order_by(Invitation.id)).unique().all()


def waiting_of(request: AccessRequest) -> Invitation | None:
    """Return the invitation that came of a request at the desk and waits for its answer, or None."""
    found = select(Invitation).where(Invitation.request_id == request.id, _waits())
    return db.session.scalars(found.order_by(Invitation.id.desc())).unique().first()


def _waits() -> ColumnElement[bool]:
    return and_(Invitation.answered_at.is_(None), Invitation.at > here.now() - LIFE)


def one(invitation_id: int) -> Invitation:
    """Return an invitation; its row is held until the act is done.

    Raises:
        NotFound: there is none.
    """
    statement = select(Invitation).where(Invitation.id == invitation_id)
    statement = statement.with_for_update(of=Invitation).execution_options(populate_existing=True)
    row = db.session.scalars(statement).unique().one_or_none()
    if row is None:
        raise NotFound
    return row


def withdraw(organisation: Organisation, invitation_id: int, *, by: User, now: datetime) -> Invitation:
    """Take an invitation back while it waits, that of a first head too: the organisation had asked for him.

    Raises:
        NotFound: the organisation has no such invitation.
        NotPermitted: ``by`` is no administrator of it.
        Conflict: it is answered.
    """
    row = one(invitation_id)
    if row.organisation_id != organisation.id:
        raise NotFound
    if not by.may(Permission.MANAGE_USERS) or by.organisation is not organisation:
        raise NotPermitted
    answer(row, "withdrawn", by=by, now=now)
    shut_if_nowhere(row.user)
    return row


def withdraw_all_by(member: Membership, *, by: User, now: datetime) -> None:
    """Take back whom somebody has asked who administers the organisation no longer."""
    for row in waiting_at(member.organisation):
        if row.by_id == member.user_id and not row.as_head:
            answer(row, "withdrawn", by=by, now=now)
            shut_if_nowhere(row.user)


def answer(row: Invitation, word: str, *, by: User, now: datetime) -> None:
    """Let an invitation be over: ``agreed``, ``declined`` or ``withdrawn``.

    Raises:
        Conflict: it is over already.
    """
    if row.answered_at is not None:
        raise Conflict("err.already_done")
    row.answered_at, row.answer = now, word
    db.session.flush()
    audit.record(f"invitation_{word}", f"organisation {row.organisation_id}", by=by.id, at=now, user=row.user_id)


def shut_if_nowhere(user: User) -> None:
    """Let an account open no longer whose owner works nowhere and is asked nowhere."""
    if user.exchange_roles or any(member.is_active for member in user.memberships) or waiting_for(user):
        return
    user.is_active = False
    db.session.flush()


def work_usually_in(member: Membership) -> None:
    """Let the next login sessions of somebody begin in this membership of his."""
    held = select(Membership.id).where(Membership.user_id == member.user_id).order_by(Membership.id)
    db.session.execute(held.with_for_update())  # two that change it at once stand in line
    for each in member.user.memberships:
        if each.is_usual and each is not member:
            each.is_usual = False
    db.session.flush()  # the database knows but one, at every moment
    member.is_usual = True
    db.session.flush()
    db.session.expire(member.user, ["usual"])
