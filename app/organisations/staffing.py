"""The people of an organisation after they were added: mend, pass rights, switch off and on (IS2IN-9.2; A8).

Nobody is ever deleted: who is switched off keeps his name in every trace.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from blinker import Signal
from sqlalchemy import select

from app import db
from app.accounts import links, sessions
from app.accounts.models import User
from app.audit import operations as audit
from app.errors import Conflict, Invalid, NotFound, NotPermitted
from app.notifications import operations as notifications
from app.organisations import inviting, queries
from app.organisations.models import Invitation, Membership, Organisation
from app.permissions import Permission

EDITABLE = ("last_name", "first_name", "patronymic", "position", "phone")

work_of = Signal("Sent with a user, ``organisation``; receivers return the running applications where he acts for it.")
left = Signal(
    "Sent with a user who was switched off in ``organisation``, ``successor`` (or None), ``by`` whom, ``now``."
)


def of(organisation: Organisation, user_id: int) -> Membership:
    """Return a person of the organisation, one who is switched off too; the row is held until the act is done.

    Raises:
        NotFound: nobody of this organisation.
    """
    statement = (
        select(Membership)
        .where(Membership.organisation_id == organisation.id, Membership.user_id == user_id)
        .with_for_update(of=Membership)
    )
    member = db.session.scalars(statement).unique().one_or_none()
    if member is None:
        raise NotFound
    return member


def is_on(member: Membership) -> bool:
    """Tell whether the account of a person opens."""
    return member.is_active and member.user.is_active


def _require_administrator(member: Membership, by: User) -> None:
    if not by.may(Permission.MANAGE_USERS) or by.organisation is not member.organisation:
        raise NotPermitted


def works_elsewhere(member: Membership) -> bool:
    """Tell whether a person works for another organisation too."""
    return any(each.is_active and each is not member for each in member.user.memberships)


def edit(member: Membership, values: Mapping[str, str], *, by: User, now: datetime) -> None:
    """Mend a person's name, position and phone; the address is his sign-in and stays.

    The first head's name is registered with the Exchange: his position and phone alone are mended here.

    Of somebody who works for others too the position in this organisation alone: the rest is his own to mend.

    Raises:
        NotPermitted: ``by`` is no administrator of the organisation.
        Conflict: a name is not mended here.
    """
    _require_administrator(member, by)
    changed, is_shared = [], works_elsewhere(member)
    for key in EDITABLE:
        kept = member.works_as if key == "position" else getattr(member.user, key)
        if key in values and kept != values[key]:
            if member.is_first_head and key.endswith(("name", "patronymic")):
                raise Conflict("user.err.head_name")
            if key == "position" and (is_shared or member.position):
                member.position = values[key]
            elif is_shared:
                raise Conflict("place.err.shared")
            else:
                setattr(member.user, key, values[key])
            changed.append(key)
    if changed:
        audit.record("member_changed", f"user {member.user_id}", by=by.id, at=now, changed=changed)


def set_administrator(member: Membership, *, is_admin: bool, by: User, now: datetime) -> None:
    """Pass administrator rights on, or withdraw them; the last administrator keeps them.

    Raises:
        NotPermitted: ``by`` is no administrator of the organisation.
        Conflict: the person is switched off, or the last administrator.
    """
    _require_administrator(member, by)
    if member.is_admin == is_admin:
        return
    if is_admin and not is_on(member):
        raise Conflict("user.err.is_off", name=member.user.name)
    if not is_admin:
        _require_another_administrator(member)
        inviting.withdraw_all_by(member, by=by, now=now)
    member.is_admin = is_admin
    act = "admin_given" if is_admin else "admin_withdrawn"
    sessions.end_all(member.user, ending="roles", now=now, place_id=member.id)
    audit.record(act, f"user {member.user_id}", by=by.id, at=now)
    if member.user_id != by.id:
        key = "notice.admin_given" if is_admin else "notice.admin_withdrawn"
        params = {"company": member.organisation.names}
        about = notifications.About(author=by.name, company=member.organisation.names)
        notifications.notify([member.user], key, about=about, params=params, now=now)


def _require_another_administrator(member: Membership) -> None:
    """Refuse to leave an organisation without an administrator; its people stand in line meanwhile.

    Raises:
        Conflict: says so.
    """
    everybody = (
        select(Membership.id).where(Membership.organisation_id == member.organisation_id).order_by(Membership.id)
    )
    db.session.execute(everybody.with_for_update())
    others = [each for each in queries.people(member.organisation) if each.is_admin and each.id != member.id]
    if member.is_admin and not others:
        raise Conflict("user.err.last_admin")


def executor_places(member: Membership) -> list[str]:
    """Return the numbers of the running applications that would lose an executor with this person."""
    return sorted(
        {number for _, found in work_of.send(member.user, organisation=member.organisation) for number in found}
    )


def successors(member: Membership) -> list[User]:
    """Return to whom a person's executor places may be handed on: his active colleagues."""
    return [each.user for each in queries.people(member.organisation) if each.id != member.id]


def switch_off(member: Membership, *, successor_id: int | None, despite: bool, by: User, now: datetime) -> None:
    """Switch a person off: his sessions end, his account no longer opens, his name stays in every trace.

    Who works for another organisation too goes on there: his account opens, and what he did here now lies elsewhere.

    His executor places go to ``successor_id``; with nobody named they are left, if ``despite`` says so.

    Raises:
        NotPermitted: ``by`` is no administrator of the organisation.
        Conflict: it is himself, the first head, the last administrator, or he is off already.
        Invalid: places would be left and nobody has said so, or the successor is no colleague.
    """
    _require_administrator(member, by)
    if not is_on(member):
        raise Conflict("err.already_done")
    if member.user_id == by.id:
        raise Conflict("user.err.yourself")
    if member.is_first_head:
        raise Conflict("user.err.first_head")
    _require_another_administrator(member)
    successor = next((user for user in successors(member) if user.id == successor_id), None)
    if successor_id is not None and successor is None:
        raise Invalid.at("successor", "app.err.choice")
    places = executor_places(member)
    if places and successor is None and not despite:
        raise Invalid.at("successor", "user.err.places", numbers=", ".join(places))
    inviting.withdraw_all_by(member, by=by, now=now)
    member.is_active = member.is_admin = False
    for row in member.actings:
        if row.over_at > now:
            row.ended_at, row.ended_by_id = now, by.id
    db.session.flush()
    handed = {"successor": successor.id if successor else None, "places": places}
    _leave(member, by=by, now=now)
    audit.record("member_switched_off", f"user {member.user_id}", by=by.id, at=now, **handed)
    left.send(member.user, organisation=member.organisation, successor=successor, by=by, now=now)


def _leave(member: Membership, *, by: User, now: datetime) -> None:
    """Let somebody work here no longer: elsewhere, if he works elsewhere; else nowhere, and his account is shut."""
    user = member.user
    others = user.places
    if others:
        if member.is_usual:
            inviting.work_usually_in(others[0])
        sessions.move_all(user, member.id, to=next((each for each in others if each.is_usual), others[0]).id)
        about = notifications.About(author=by.name, company=member.organisation.names)
        params = {"company": member.organisation.names}
        notifications.notify([user], "notice.place_lost", about=about, params=params, now=now)
        return
    sessions.end_all(user, ending="roles", now=now)
    inviting.shut_if_nowhere(user)


def switch_on(member: Membership, *, by: User, site: str, now: datetime) -> Invitation | None:
    """Let a person who was switched off sign in again; his password is asked for as before.

    One who has none is mailed a new link to set it: the old one may have run out.  Who works for others now is asked
    first, and works here again when he agrees: then the invitation is returned.

    Raises:
        NotPermitted: ``by`` is no administrator of the organisation.
        Conflict: he is on or asked already, or a colleague has his IIN by now.
    """
    _require_administrator(member, by)
    if is_on(member):
        raise Conflict("err.already_done")
    holder = queries.holder_of_iin(member.organisation, member.user.iin, but=member.user)
    if holder is not None:
        raise Conflict("org.err.iin_taken", name=holder.full_name)
    if works_elsewhere(member):
        name, position = member.user.full_name, member.works_as
        return inviting.invite(
            member.organisation, member.user, name=name, position=position, by=by, site=site, now=now
        )
    member.is_active = member.user.is_active = True
    if not any(each.is_usual and each.is_active for each in member.user.memberships):
        inviting.work_usually_in(member)
    audit.record("member_switched_on", f"user {member.user_id}", by=by.id, at=now)
    params = {"company": member.organisation.names}
    about = notifications.About(author=by.name, company=member.organisation.names)
    secret = {}
    if not member.user.password_hash:
        token = links.issue(member.user, links.FIRST_PASSWORD, now=now, by=by.id)
        secret = {"obj.email": member.user.email, "mail.first_password": site + links.path(token)}
    notifications.notify([member.user], "notice.switched_on", about=about, params=params, mail_only=secret, now=now)
    return None
