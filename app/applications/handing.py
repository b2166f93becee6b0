"""What becomes of applications when a person, a first head or a partner goes: handed on, never left unnoticed.

The room of organisations, which is beneath this one, says who goes; here it is answered on which applications he
works, and they are given to whoever follows.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import and_, or_, select

from app import db
from app.accounts.models import User
from app.applications import effects, moves, queries
from app.applications.models import Application, Assignment
from app.notifications import operations as notifications
from app.organisations import operations as organisations
from app.organisations import queries as companies
from app.organisations import staffing
from app.organisations.admitting import head_changed
from app.organisations.models import Organisation, Partnership


def _running(*conditions: object) -> list[Application]:
    """Return the applications that have not ended, oldest first."""
    statement = (
        select(Application)
        .where(Application.archived_at.is_(None), Application.process != queries.DELETED, *conditions)  # type: ignore[arg-type]
        .order_by(Application.id)
    )
    rows = db.session.scalars(statement).unique()
    return [row for row in rows if not queries.procedure(row).processes[row.process].final]


def _of(people: Iterable[User], place: Organisation) -> list[Application]:
    """Return the running applications that these people have begun for ``place``, or act on for it."""
    ids = [user.id for user in people]
    executor = select(Assignment.application_id).where(
        Assignment.user_id.in_(ids), Assignment.organisation_id == place.id, Assignment.is_current
    )
    begun = and_(Application.author_id.in_(ids), Application.author_for_id == place.id)
    return _running(or_(begun, Application.id.in_(executor)))


@staffing.work_of.connect
def work_of(user: User, *, organisation: Organisation) -> list[str]:
    """Return the numbers of the running applications where ``user`` must act for an organisation, or may."""
    return [application.number for application in _of([user], organisation)]


@staffing.left.connect
def hand_on(user: User, *, organisation: Organisation, successor: User | None, by: User, now: datetime) -> None:
    """Give the executor places of one who was switched off to ``successor``; with nobody named they are left.

    What he does for another organisation stays his.
    """
    for application in _of([user], organisation):
        rows = [row for row in application.assignments if row.user_id == user.id and row.is_current]
        places = {row.executor for row in rows if row.organisation_id == organisation.id}
        if application.author_id == user.id and application.author_for_id == organisation.id:
            places.add("author")
        for executor in sorted(places - {"acting_head"}):
            if successor is not None:
                effects.assign(application, successor, executor, now=now, place=organisation)
        _step_down(application, [user], organisation)
        words = f"{user.name} → {successor.name}" if successor is not None else user.name
        moves.note(application, "hand_on", by=by, words=words, now=now)
        if successor is not None:
            _call(application, [successor], now=now)


def _step_down(application: Application, people: Iterable[User], place: Organisation) -> None:
    """End the executor places that these people have on an application for ``place``; the rows stay."""
    ids = {user.id for user in people}
    for row in application.assignments:
        if row.user_id in ids and row.organisation_id == place.id:
            row.is_current = False
    db.session.flush()


def _call(application: Application, people: Iterable[User], *, now: datetime) -> None:
    about = moves.about(application)
    notifications.notify(people, "notice.assigned", about=about, action_required=True, now=now)


@head_changed.connect
def head_follows(organisation: Organisation, *, old: User | None, new: User, by: User, now: datetime) -> None:
    """Give the new first head what lies with the former one, who keeps his sight of it (A11)."""
    for application in _running(Application.organisation_id == organisation.id):
        if not queries.assigned(application, "first_head"):
            continue
        effects.assign(application, new, "first_head", now=now, place=organisation)
        moves.note(application, "hand_on", by=by, words=f"{old.name if old else '—'} → {new.name}", now=now)
        if "first_head" in queries.current_executors(application):
            params = {"company": organisation.names}
            about = moves.about(application)
            key = "notice.head_changed"
            notifications.notify([new], key, about=about, params=params, action_required=True, now=now)


def _carried(partnership: Partnership) -> list[Application]:
    """Return the issuer's running applications on which the partner's people work."""
    people = [member.user for member in partnership.partner.memberships]
    return [row for row in _of(people, partnership.partner) if row.organisation_id == partnership.issuer_id]


@organisations.work_between.connect
def work_between(partnership: Partnership) -> list[str]:
    """Return the numbers of the running applications that a partnership carries."""
    return [application.number for application in _carried(partnership)]


@organisations.partnership_ended.connect
def go_back(partnership: Partnership, *, by: User, now: datetime) -> None:
    """Take the partner's people off the issuer's running applications.

    What they have begun goes to the issuer's administrators, or else to its first head, so that somebody can go on.
    """
    members = companies.people(partnership.issuer)
    owners = [each.user for each in members if each.is_admin] or [each.user for each in members if each.is_first_head]
    partners = [member.user for member in partnership.partner.memberships]
    for application in _carried(partnership):
        is_theirs = application.author_for_id == partnership.partner_id
        _step_down(application, partners, partnership.partner)
        if is_theirs and not queries.assigned(application, "author"):
            for owner in owners:
                effects.assign(application, owner, "author", now=now, place=partnership.issuer)
            _call(application, owners, now=now)
        words = partnership.partner.names[application.language]
        moves.note(application, "adviser_left", by=by, words=words, now=now)
