"""What a person does about the organisations he works for: agree to work for one, decline, go from one to another."""

from __future__ import annotations

from datetime import datetime

from blinker import Signal

from app import db
from app.accounts import sessions
from app.accounts.models import LoginSession, User
from app.audit import operations as audit
from app.errors import Conflict, NotFound
from app.notifications import operations as notifications
from app.organisations import admitting, inviting, queries
from app.organisations.models import Invitation, Membership
from app.web import here

shown_in = Signal("Sent with a membership and the ``args`` of an address; receivers tell whether it opens there.")


def agree(invitation_id: int, *, by: User, now: datetime) -> Membership:
    """Begin to work for the organisation that has asked; what one does for others stays as it is.

    Raises:
        NotFound: ``by`` was not asked.
        Conflict: it is answered or has lapsed, the organisation is a client no more, or a colleague there has the
            same IIN.
    """
    row = _own(invitation_id, by)
    organisation = row.organisation
    if row.answered_at is None and inviting.has_lapsed(row, now=now):
        raise Conflict("place.err.lapsed", days=inviting.LIFE.days)
    if not organisation.is_active:
        raise Conflict("place.err.closed")
    holder = queries.holder_of_iin(organisation, _iin(row), but=by)
    if holder is not None:
        raise Conflict("org.err.iin_taken", name=holder.full_name)
    inviting.answer(row, "agreed", by=by, now=now)
    is_first = not any(each.is_active for each in by.memberships)
    member = by.member_of(organisation.id) or Membership(user=by, organisation=organisation, is_usual=False)
    member.is_active, member.is_admin = True, row.is_admin
    member.position = "" if row.position == by.position else row.position
    db.session.add(member)
    db.session.flush()
    if is_first:
        inviting.work_usually_in(member)
    if row.as_head and row.request is not None:
        admitting.install_head(member, row.request, key_note=row.key_note, by=row.by, now=now)
        admitting.tell_registered(row.request, now=now)
    details = {"user": by.id, "admin": row.is_admin, "head": row.as_head}
    audit.record("member_added", f"organisation {organisation.id}", by=by.id, at=now, **details)
    _tell(row, "notice.invitation_agreed", by=by, now=now)
    return member


def decline(invitation_id: int, *, by: User, now: datetime) -> Invitation:
    """Say that one will not work for the organisation that has asked; who works nowhere then opens nothing more.

    Raises:
        NotFound: ``by`` was not asked.
        Conflict: it is answered.
    """
    row = _own(invitation_id, by)
    inviting.answer(row, "declined", by=by, now=now)
    _tell(row, "notice.invitation_declined", by=by, now=now)
    inviting.shut_if_nowhere(by)
    return row


def _own(invitation_id: int, by: User) -> Invitation:
    row = inviting.one(invitation_id)
    if row.user_id != by.id:
        raise NotFound
    return row


def _iin(row: Invitation) -> str:
    asked = row.request.said["head"]["iin"] if row.as_head and row.request is not None else ""
    return row.user.iin or asked


def _tell(row: Invitation, message: str, *, by: User, now: datetime) -> None:
    """Tell who has asked, and the organisation's administrators."""
    organisation, site = row.organisation, here.config().base_url
    told = {each.user_id: each.user for each in queries.people(organisation) if each.is_admin and each.user_id != by.id}
    params = {"user": row.name, "company": organisation.names}
    url = f"{site}/users?place={organisation.id}"
    about = notifications.About(author=by.name, url=url, company=organisation.names)
    notifications.notify(told.values(), message, about=about, params=params, now=now)
    if row.by.is_exchange:
        about = notifications.About(url=f"{site}/orgs/{organisation.id}")
        notifications.notify([row.by], message, about=about, params=params, now=now)


def go(member_id: int, *, by: User, session: LoginSession, now: datetime) -> Membership:
    """Work in another organisation from now on, in this login session and in those that begin later.

    Raises:
        NotFound: ``by`` does not work there.
    """
    member = next((each for each in by.places if each.id == member_id), None)
    if member is None:
        raise NotFound
    inviting.work_usually_in(member)
    sessions.move(session, member.id)
    db.session.flush()
    audit.record("place_changed", f"user {by.id}", by=by.id, at=now, organisation=member.organisation_id)
    return member
