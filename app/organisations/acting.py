"""The acting first head: named with a basis and a period, worth nothing one second after its end (A26).

The organisation's first head or administrator names him; the Exchange's desk is told at once, sees the order, and may
take the appointment back.  He signs with his own key.  Both names stand in every trace.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from app import db
from app.accounts import queries as people
from app.accounts import sessions
from app.accounts.models import User
from app.audit import operations as audit
from app.errors import Conflict, Invalid, NotFound, NotPermitted, Problem
from app.notifications import operations as notifications
from app.organisations import asked, queries
from app.organisations.access import DESK_ROLES
from app.organisations.models import ActingHead, Membership, Organisation
from app.permissions import Permission
from app.web import here
from app.web.templating import date_time_text

LONGEST = timedelta(days=366)
FARTHEST = timedelta(days=366)
"""How far ahead an appointment may begin."""
LONGEST_BASIS = 300


def may_appoint(organisation: Organisation, by: User) -> bool:
    """Tell whether ``by`` may name an acting first head: the first head himself, or an administrator; none for him."""
    member = by.membership
    if member is None or by.organisation is not organisation:
        return False
    return member.is_first_head or member.is_admin


def candidates(organisation: Organisation, by: User) -> list[User]:
    """Return whom ``by`` may let act for the first head: his active colleagues; nobody names himself."""
    found = (member.user for member in queries.people(organisation) if not member.is_first_head)
    return [user for user in found if user.id != by.id]


def appoint(
    organisation: Organisation,
    *,
    user_id: int | None,
    iin: str,
    starts_at: datetime | None,
    ends_at: datetime | None,
    basis: str,
    file_name: str,
    sha256: str,
    by: User,
    now: datetime,
) -> ActingHead:
    """Let a colleague do the first head's acts from ``starts_at`` until before ``ends_at``.

    ``iin`` is whose key he signs with; the order lies in the store under ``sha256``.  The head, the colleague and
    the Exchange's desk are told.

    Raises:
        NotPermitted: ``by`` may not name anybody.
        Conflict: the organisation has no first head.
        Invalid: nobody or the wrong one is chosen, the number will not do, the period is past, wrong, too long or
            taken, or there is no ground or no file.
    """
    if not may_appoint(organisation, by):
        raise NotPermitted
    head = queries.first_head(organisation)
    if head is None:
        raise Conflict("app.err.no_first_head")
    rows = select(Membership.id).where(Membership.organisation_id == organisation.id).order_by(Membership.id)
    db.session.execute(rows.with_for_update())  # two who name somebody at once stand in line
    user = next((each for each in candidates(organisation, by) if each.id == user_id), None)
    member = user.member_of(organisation.id) if user is not None else None
    problems = _faults(organisation, user, head, iin, starts_at, ends_at, basis.strip(), sha256, now)
    if problems or user is None or member is None or starts_at is None or ends_at is None:
        raise Invalid(problems=problems)
    row = ActingHead(
        organisation_id=organisation.id,
        user=user,
        head=head,
        starts_at=starts_at,
        ends_at=ends_at,
        basis=basis.strip(),
        file_name=file_name,
        sha256=sha256,
        by=by,
        at=now,
    )
    db.session.add(row)
    user.iin = iin
    db.session.flush()
    member.acting_until = max(filter(None, (member.acting_until, ends_at)))
    db.session.flush()
    db.session.expire(member, ["actings"])
    sessions.end_all(user, ending="roles", now=now, place_id=member.id)
    details = {"acting": user.id, "from": starts_at.isoformat(), "until": ends_at.isoformat()}
    audit.record("acting_head_appointed", f"organisation {organisation.id}", by=by.id, at=now, **details)
    _tell(row, organisation, "notice.acting", by=by, now=now)
    return row


def end(
    organisation: Organisation, acting_id: int, *, reason: str = "", session: int | None = None, by: User, now: datetime
) -> ActingHead:
    """End an appointment early: the organisation's own, or the Exchange's desk, which says why; twice is once.

    Whoever acted signs in anew; ``session`` is the present one, which goes on where he ends it himself.

    Raises:
        NotFound: the organisation has none of this number.
        NotPermitted: ``by`` may not.
        Conflict: it is over by itself.
        Invalid: the Exchange takes it back without a reason.
    """
    row = db.session.get(ActingHead, acting_id, with_for_update=True, populate_existing=True)
    if row is None or row.organisation_id != organisation.id:
        raise NotFound
    is_desk = by.may(Permission.ADMIT)
    if not is_desk and not may_appoint(organisation, by):
        raise NotPermitted
    if row.ended_at is not None:
        return row
    if row.ends_at <= now:
        raise Conflict("acting.err.past")
    if is_desk and not reason.strip():
        raise Invalid.at("reason", "err.reason_required")
    row.ended_at, row.ended_by_id, row.end_reason = now, by.id, reason.strip()[:300]
    db.session.flush()
    member, but = row.user.member_of(organisation.id), session if row.user_id == by.id else None
    sessions.end_all(row.user, ending="roles", now=now, but=but, place_id=member.id if member is not None else None)
    audit.record("acting_head_ended", f"organisation {organisation.id}", by=by.id, at=now, acting=row.user_id)
    _tell(row, organisation, "notice.acting_revoked" if is_desk else "notice.acting_ended", by=by, now=now)
    return row


def _tell(row: ActingHead, organisation: Organisation, message: str, *, by: User, now: datetime) -> None:
    params = {
        "acting": row.user.full_name,
        "head": row.head.full_name,
        "company": organisation.names,
        "first": date_time_text(row.starts_at),
        "last": date_time_text(row.ends_at),
        "words": row.end_reason,
    }
    author, site = "" if by.is_exchange else by.name, here.config().base_url
    own = {user.id: user for user in (row.user, row.head) if user.id != by.id}
    if by.is_exchange:
        own |= {each.user_id: each.user for each in queries.people(organisation) if each.is_admin}
    about = notifications.About(
        author=author, url=f"{site}/users/head?place={organisation.id}", company=organisation.names
    )
    notifications.notify(own.values(), message, about=about, params=params, now=now)
    if not by.is_exchange:
        about = notifications.About(author=author, url=f"{site}/orgs/{organisation.id}")
        notifications.notify(people.holders(*DESK_ROLES), message, about=about, params=params, now=now)


def _faults(
    organisation: Organisation,
    user: User | None,
    head: User,
    iin: str,
    starts_at: datetime | None,
    ends_at: datetime | None,
    basis: str,
    sha256: str,
    now: datetime,
) -> list[Problem]:
    found = [] if user is not None else [Problem("user", "acting.err.user")]
    found += asked.iin_faults("iin", iin)
    if user is not None and iin and ((user.iin and user.iin != iin) or iin == head.iin):
        found.append(Problem("iin", "acting.err.iin"))
    elif user is not None and (holder := queries.holder_of_iin(organisation, iin, but=user)) is not None:
        found.append(Problem("iin", "org.err.iin_taken", {"name": holder.full_name}))
    if starts_at is None:
        found.append(Problem("starts", "acting.err.moment"))
    elif starts_at - now > FARTHEST:
        found.append(Problem("starts", "acting.err.far", {"days": FARTHEST.days}))
    if ends_at is None:
        found.append(Problem("ends", "acting.err.moment"))
    elif ends_at <= now:
        found.append(Problem("ends", "acting.err.past"))
    elif starts_at is not None and ends_at <= starts_at:
        found.append(Problem("ends", "acting.err.order"))
    elif starts_at is not None and ends_at - starts_at > LONGEST:
        found.append(Problem("ends", "acting.err.long", {"days": LONGEST.days}))
    if not basis:
        found.append(Problem("basis", "acting.err.basis"))
    elif len(basis) > LONGEST_BASIS:
        found.append(Problem("basis", "access.err.long", {"max": LONGEST_BASIS}))
    if not sha256:
        found.append(Problem("file", "acting.err.file"))
    if not found and starts_at is not None and ends_at is not None:
        found += _overlap(organisation, starts_at, ends_at)
    return found


def _overlap(organisation: Organisation, starts_at: datetime, ends_at: datetime) -> list[Problem]:
    for row in queries.actings(organisation):
        if row.starts_at < ends_at and starts_at < row.over_at:
            params: dict[str, object] = {
                "name": row.user.name,
                "first": date_time_text(row.starts_at),
                "last": date_time_text(row.over_at),
            }
            return [Problem("starts", "acting.err.overlap", params)]
    return []
