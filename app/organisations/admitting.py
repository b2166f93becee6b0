"""The desk of requests: the Exchange's officers check, ask, refuse, or create what was asked for (IS2IN-3.k; A8, A31).

Two officers at one request: the first one's act stands, the second is told so (``seen`` is the version on the screen).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from blinker import Signal
from sqlalchemy import func, select

from app import catalogue, db
from app.accounts import links, sessions
from app.accounts import operations as accounts
from app.accounts import queries as people
from app.accounts.models import User
from app.audit import operations as audit
from app.errors import Conflict, Invalid, NotPermitted, Problem
from app.notifications import operations as notifications
from app.organisations import access, asked, inviting, queries
from app.organisations.models import AccessRequest, Membership, Organisation, RequestState
from app.permissions import Permission
from app.terms.folding import are_alike
from app.web import here

head_changed = Signal("Sent with an organisation, its ``old`` (or None) and ``new`` first head, ``by`` whom, ``now``.")

_CODE = re.compile(r"[A-Z0-9]{2,20}")


@dataclass(frozen=True)
class Check:
    """What the desk knows of a request beside its own words; nothing of it is told to the requester."""

    same_bin: Organisation | None
    other_requests: Sequence[AccessRequest]
    known_people: Mapping[str, User]
    known_iin: Sequence[User]
    alike: Sequence[Organisation]


def all_requests() -> Sequence[AccessRequest]:
    """Return the requests, those that wait first, then the newest."""
    found = db.session.scalars(select(AccessRequest).order_by(AccessRequest.id.desc())).unique().all()
    return sorted(found, key=lambda row: RequestState(row.state).is_over)


def due(row: AccessRequest) -> datetime | None:
    """Return by when a client's order to change its data is to be done: three working days by the policy.

    None for newcomers, while the client's answer is awaited, and once all is over.
    Source: rules of electronic services, paragraph 7.2; policy ``profile-change``.
    """
    if row.purpose != access.HEAD or row.state not in (RequestState.RECEIVED, RequestState.IN_CHECK):
        return None
    return catalogue.present().calendars.policies["profile-change"].due("change", row.at, []).resolution_due


def count_waiting() -> int:
    """Return how many requests wait for an officer."""
    waits = (RequestState.RECEIVED.value, RequestState.IN_CHECK.value)
    return db.session.scalar(select(func.count()).where(AccessRequest.state.in_(waits))) or 0


def one(request_id: int, *, for_update: bool = False) -> AccessRequest:
    """Return a request.

    Raises:
        NotFound: there is none.
    """
    return access.found(AccessRequest.id == request_id, for_update=for_update)


def check(row: AccessRequest) -> Check:
    """Return what speaks against a request: its BIN, its addresses and its names are looked for."""
    others = select(AccessRequest).where(AccessRequest.bin == row.bin, AccessRequest.id != row.id)
    known = {person["email"]: people.by_email(person["email"]) for person in row.people}
    every = queries.everybody()
    names = list(row.names.values())
    return Check(
        same_bin=next((each for each in every if each.bin == row.bin and each.id != row.organisation_id), None),
        other_requests=db.session.scalars(others.order_by(AccessRequest.id.desc())).unique().all(),
        known_people={email: user for email, user in known.items() if user is not None},
        known_iin=[user for user in people.by_iin(row.said["head"]["iin"]) if user not in known.values()],
        alike=[
            each
            for each in every
            if each.id != row.organisation_id
            and each.bin != row.bin
            and any(are_alike(one, other) for one in names for other in queries.all_names(each))
        ],
    )


def take(row: AccessRequest, *, seen: int, by: User, now: datetime) -> None:
    """Take a request for checking; from now on its page says so.

    Raises:
        Conflict: it does not stand so any more.
    """
    _require(row, seen, by, RequestState.RECEIVED)
    row.officer_id = by.id
    access.move(row, RequestState.IN_CHECK, "taken", by=by, now=now)


def ask_more(row: AccessRequest, *, words: str, seen: int, by: User, site: str, now: datetime) -> None:
    """Ask a newcomer for more; he is mailed, and answers on his page.

    Raises:
        Invalid: nothing is asked.
        Conflict: it does not stand so any more.
    """
    _require(row, seen, by, RequestState.RECEIVED, RequestState.IN_CHECK, purpose=access.ACCESS)
    row.officer_id = by.id
    access.move(row, RequestState.MORE_ASKED, "more_asked", by=by, words=_said(words, "words"), now=now)
    _tell(row, "access.mail.more_asked", site=site, now=now, words=words.strip())


def refuse(row: AccessRequest, *, words: str, seen: int, by: User, site: str, now: datetime) -> None:
    """Refuse a request with the reason, which the requester reads.

    Raises:
        Invalid: no reason is given.
        Conflict: it is over, or has moved.
    """
    _require(row, seen, by, RequestState.RECEIVED, RequestState.IN_CHECK, RequestState.MORE_ASKED)
    row.officer_id = by.id
    access.move(row, RequestState.REFUSED, "refused", by=by, words=_said(words, "words"), now=now)
    _tell(row, "access.mail.refused", site=site, now=now, words=words.strip())


def accept(
    row: AccessRequest,
    *,
    code: str,
    names: Mapping[str, str],
    is_financial: bool,
    administrator: str,
    key_note: str,
    seen: int,
    by: User,
    site: str,
    now: datetime,
) -> Organisation:
    """Create the organisation and the accounts that were asked for, all at once, and mail each his one-time link.

    Whoever has an account already is asked instead, and works for it too once he agrees.

    ``administrator`` is the address of the first administrator, one of those people (A8).  ``key_note`` says how an
    officer has checked the first head's key where no test signature has; without either he may not sign yet.

    Raises:
        Invalid: the code or a name will not do, an address is somebody else's or one of the Exchange's, or no
            administrator is chosen.
        Conflict: the BIN is a client's already, or the request has moved.
    """
    _require(row, seen, by, RequestState.RECEIVED, RequestState.IN_CHECK, purpose=access.ACCESS)
    known = queries.by_bin(row.bin)
    if known is not None:
        raise Conflict("access.err.bin_known", company=known.code)
    problems = _naming_faults(code, names)
    persons = row.people
    for number, person in enumerate(persons):
        problems += _account_faults(f"person-{number}", person)
    if administrator.casefold() not in {person["email"].casefold() for person in persons}:
        problems.append(Problem("administrator", "access.err.administrator"))
    if problems:
        raise Invalid(problems=problems)
    organisation = Organisation(
        code=code,
        bin=row.bin,
        kind=row.kind,
        is_financial=is_financial,
        created_at=now,
        **{f"name_{language}": name.strip() for language, name in names.items()},
    )
    db.session.add(organisation)
    db.session.flush()
    head = row.said["head"]["email"].casefold()
    for person in persons:
        email, known_user = person["email"].casefold(), people.by_email(person["email"])
        is_admin = email == administrator.casefold()
        if known_user is not None:
            _invite(row, organisation, known_user, person, is_admin, email == head, key_note, by=by, site=site, now=now)
            continue
        member = _open_account(organisation, person, by=by, site=site, language=row.language, now=now)
        member.is_admin = is_admin
        if email == head:
            member.user.iin = row.said["head"]["iin"]
            member.is_first_head = True
            _register_key(member, row, key_note=key_note, by=by, now=now)
    row.officer_id, row.organisation_id = by.id, organisation.id
    db.session.flush()
    audit.record("organisation_created", f"organisation {organisation.id}", by=by.id, at=now, request=row.number)
    access.move(row, RequestState.ACCEPTED, "accepted", by=by, now=now)
    _tell(row, "access.mail.accepted", site=site, now=now)
    return organisation


def _account_faults(path: str, person: Mapping[str, str]) -> list[Problem]:
    """Return what speaks against a person of a request being the one whose account has his address."""
    user = people.by_email(person["email"])
    if user is None:
        return []
    if user.exchange_roles:
        return [Problem(path, "access.err.email_known", {"email": person["email"]})]
    faults = access.colleague_faults(user, person)
    return [Problem(path, key, {"name": user.full_name}) for key in faults.values()]


def _invite(
    row: AccessRequest,
    organisation: Organisation,
    user: User,
    person: Mapping[str, str],
    is_admin: bool,
    as_head: bool,
    key_note: str,
    *,
    by: User,
    site: str,
    now: datetime,
) -> None:
    inviting.invite(
        organisation,
        user,
        name=" ".join(person[key] for key in ("last_name", "first_name", "patronymic") if person.get(key)),
        position=person.get("position", ""),
        is_admin=is_admin,
        as_head=as_head,
        request=row,
        key_note=key_note,
        by=by,
        site=site,
        now=now,
    )


def accept_head(
    row: AccessRequest, *, key_note: str, seen: int, by: User, site: str, now: datetime
) -> Membership | None:
    """Register another first head of a client, as its request says; the former one keeps his account.

    Whoever acted for the former one no longer does.  Somebody who works for others alone is asked first, and
    registered when he agrees: then None is returned, and until then the former head stays.

    Raises:
        Invalid: the address is one of the Exchange's, another name or number stands with it, or the number is
            somebody else's.
        Conflict: the request has moved.
    """
    _require(row, seen, by, RequestState.RECEIVED, RequestState.IN_CHECK, purpose=access.HEAD)
    organisation = row.organisation
    assert organisation is not None  # a request of this kind is a client's
    person = row.said["head"]
    user = people.by_email(person["email"])
    holder = queries.holder_of_iin(organisation, person["iin"], but=user)
    if holder is not None:
        raise Invalid.at("person-0", "org.err.iin_taken", name=holder.full_name)
    if problems := _account_faults("person-0", person):
        raise Invalid(problems=problems)
    known = user.member_of(organisation.id) if user is not None else None
    if known is not None and not known.is_active and known.user.places:
        known = None  # he has left, and works for others alone
    if user is not None and known is None:
        _invite(row, organisation, user, person, False, True, key_note, by=by, site=site, now=now)
        row.officer_id = by.id
        access.move(row, RequestState.ACCEPTED, "accepted", by=by, now=now)
        return None
    if user is None or known is None:
        member = _open_account(organisation, person, by=by, site=site, language=row.language, now=now)
    else:
        member = known
        member.is_active = user.is_active = True
        if member.position or any(each.is_active and each is not member for each in user.memberships):
            member.position = person["position"]
        else:
            user.position = person["position"]
    row.officer_id = by.id
    access.move(row, RequestState.ACCEPTED, "accepted", by=by, now=now)
    install_head(member, row, key_note=key_note, by=by, now=now)
    if row.purpose == access.HEAD:
        _tell(row, "access.mail.head_accepted", site=site, now=now)
    return member


def install_head(member: Membership, row: AccessRequest, *, key_note: str, by: User, now: datetime) -> None:
    """Make somebody the first head of his organisation, as a request that an officer (``by``) has accepted says.

    What lay with the former one goes to him; the sessions of both in this organisation end.

    Raises:
        Conflict: another name or IIN than his stands in the request by now.
    """
    organisation, person = member.organisation, row.said["head"]
    for fault in access.colleague_faults(member.user, person).values():
        raise Conflict(fault, name=member.user.full_name)
    former = queries.first_head(organisation)
    for other in queries.people(organisation):
        if other.is_first_head:
            other.is_first_head = other.may_sign = False
    moved = {member.user, *([former] if former is not None else [])}
    for acting in queries.actings(organisation):
        if acting.over_at > now:
            acting.ended_at, acting.ended_by_id, acting.end_reason = now, by.id, row.number
            moved.add(acting.user)
    for invitation in inviting.waiting_at(organisation):
        if invitation.as_head:  # whom an earlier request had named
            inviting.answer(invitation, "withdrawn", by=by, now=now)
            inviting.shut_if_nowhere(invitation.user)
    member.user.iin = person["iin"]
    member.is_first_head = True
    _register_key(member, row, key_note=key_note, by=by, now=now)
    db.session.flush()
    for each in moved:
        place = each.member_of(organisation.id)
        sessions.end_all(each, ending="roles", now=now, place_id=place.id if place is not None else None)
    audit.record("first_head_changed", f"organisation {organisation.id}", by=by.id, at=now, user=member.user_id)
    if row.purpose == access.HEAD:
        head_changed.send(organisation, old=former, new=member.user, by=by, now=now)


def tell_registered(row: AccessRequest, *, now: datetime) -> None:
    """Tell who asked for another first head that he is registered."""
    if row.purpose == access.HEAD:
        _tell(row, "access.mail.head_accepted", site=here.config().base_url, now=now)


def confirm_key(member: Membership, *, note: str, by: User, now: datetime) -> None:
    """Record that an officer has checked the first head's key; from now on he may sign.

    Raises:
        NotPermitted: ``by`` is not of this desk.
        Invalid: it is not said how the key was checked.
        Conflict: it is confirmed already, or this is not the first head.
    """
    if not by.may(Permission.ADMIT):
        raise NotPermitted
    if not member.is_first_head or member.key_confirmed_at is not None:
        raise Conflict("err.already_done")
    note = note.strip()[:300]
    if not note:
        raise Invalid.at("key_note", "key.err.note")
    _checked(member, note, by=by, now=now)


def correct_iin(member: Membership, iin: str, *, basis: str, seen: str, by: User, now: datetime) -> None:
    """Give a person the IIN that is his, where another stood; whatever was confirmed of his key lapses everywhere.

    ``seen`` is the number on the screen.  He and the administrators are told; he signs in anew.

    Raises:
        NotPermitted: ``by`` is not of this desk.
        Conflict: another number stands there by now.
        Invalid: it is no IIN, the same one or a colleague's, or there is no ground.
    """
    if not by.may(Permission.ADMIT):
        raise NotPermitted
    user, organisation = member.user, member.organisation
    if user.iin != seen:
        raise Conflict("org.err.iin_moved")
    problems = list(asked.iin_faults("iin", iin))
    holder = queries.holder_of_iin(organisation, iin, but=user)
    if holder is not None:
        problems.append(Problem("iin", "org.err.iin_taken", {"name": holder.full_name}))
    if not problems and iin == user.iin:
        problems.append(Problem("iin", "org.err.iin_same"))
    if not basis.strip():
        problems.append(Problem("iin_basis", "org.err.basis"))
    if problems:
        raise Invalid(problems=problems)
    user.iin = iin
    for place in user.memberships:
        place.may_sign, place.key_confirmed_at = False, None
        place.key_checked_by_id = place.key_note = None
    db.session.flush()
    sessions.end_all(user, ending="roles", now=now)
    audit.record("iin_corrected", f"user {user.id}", by=by.id, at=now, basis=basis.strip()[:300])
    told = {user.id: user}
    for place in (member, *(each for each in user.places if each is not member)):
        admins = {each.user_id: each.user for each in queries.people(place.organisation) if each.is_admin}
        told = {**told, **admins} if place is member else admins
        url = f"{here.config().base_url}/users?place={place.organisation_id}"
        about, params = notifications.About(url=url, company=place.organisation.names), {"user": user.full_name}
        notifications.notify(told.values(), "notice.iin_corrected", about=about, params=params, now=now)


def _register_key(member: Membership, row: AccessRequest, *, key_note: str, by: User, now: datetime) -> None:
    tested = row.key_report
    if tested and tested.get("iin") == row.said["head"]["iin"] and tested.get("bin") == row.bin:
        member.may_sign, member.key_confirmed_at = True, now
        audit.record("key_confirmed", f"user {member.user_id}", by=by.id, at=now, serial=tested.get("serial"))
    elif key_note.strip():
        _checked(member, key_note.strip()[:300], by=by, now=now)
    else:
        member.may_sign, member.key_confirmed_at = False, None


def _checked(member: Membership, note: str, *, by: User, now: datetime) -> None:
    member.may_sign, member.key_confirmed_at = True, now
    member.key_checked_by_id, member.key_note = by.id, note
    db.session.flush()
    audit.record("key_checked", f"user {member.user_id}", by=by.id, at=now)


def _open_account(
    organisation: Organisation, person: Mapping[str, str], *, by: User, site: str, language: str, now: datetime
) -> Membership:
    """Create a person's account and mail him the link that sets his first password."""
    keys = ("email", "last_name", "first_name", "patronymic", "position", "phone")
    given: dict[str, Any] = {key: person.get(key, "") for key in keys}
    user, token = accounts.create(**given, by=by.id, now=now)
    user.language = language
    member = Membership(user=user, organisation=organisation)
    db.session.add(member)
    db.session.flush()
    notifications.notify(
        [user],
        "notice.account_created",
        about=notifications.About(company=organisation.names),
        params={"company": organisation.names},
        mail_only={"obj.email": user.email, "mail.first_password": site + links.path(token)},
        now=now,
    )
    return member


def _naming_faults(code: str, names: Mapping[str, str]) -> list[Problem]:
    found = []
    if not _CODE.fullmatch(code):
        found.append(Problem("code", "access.err.code"))
    elif queries.by_code(code) is not None:
        found.append(Problem("code", "access.err.code_taken", {"code": code}))
    for language, name in names.items():
        if not name.strip():
            found.append(Problem(f"name_{language}", "err.required"))
        elif len(name.strip()) > 300:
            found.append(Problem(f"name_{language}", "access.err.long", {"max": 300}))
    return found


def _require(row: AccessRequest, seen: int, by: User, *states: RequestState, purpose: str = "") -> None:
    if not by.may(Permission.ADMIT):
        raise NotPermitted
    if row.version != seen or row.state not in states or (purpose and row.purpose != purpose):
        raise Conflict("access.err.moved", number=row.number)


def _said(words: str, path: str) -> str:
    words = words.strip()
    if not words:
        raise Invalid.at(path, "access.err.words")
    if len(words) > access.LONGEST_WORDS:
        raise Invalid.at(path, "access.err.long", max=access.LONGEST_WORDS)
    return words


def _tell(row: AccessRequest, message: str, *, site: str, now: datetime, **params: object) -> None:
    """Tell the requester: a stranger by mail, a client's person in the cabinet."""
    if row.by_id is None:
        access.tell_requester(row, message, site=site, now=now, **params)
        return
    organisation = row.organisation
    place = f"?place={organisation.id}" if organisation is not None else ""
    company = organisation.names if organisation is not None else {}
    about = notifications.About(url=f"{site}/users/head{place}", company=company)
    said = {"number": row.number, **params}
    notifications.notify([people.by_id(row.by_id)], _TO_CLIENTS[message], about=about, params=said, now=now)


_TO_CLIENTS = {"access.mail.refused": "notice.head_refused", "access.mail.head_accepted": "notice.head_registered"}
"""What a client's person reads in the cabinet, where a newcomer would be mailed."""
