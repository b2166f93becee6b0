"""The first head as his own organisation deals with him: ask the Exchange for another one, show that his key works."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app import db
from app.accounts import queries as people
from app.accounts.models import User
from app.audit import operations as audit
from app.errors import Conflict, Invalid, NotFound, NotPermitted, Problem
from app.notifications import operations as notifications
from app.organisations import access, asked, queries
from app.organisations.models import AccessRequest, Membership, Organisation, RequestState
from app.terms import DEFAULT_LANGUAGE


def may_ask(organisation: Organisation, by: User) -> bool:
    """Tell whether ``by`` may ask for another first head: the head himself, or an administrator."""
    member = by.membership
    return member is not None and by.organisation is organisation and (member.is_first_head or member.is_admin)


def waiting(organisation: Organisation) -> AccessRequest | None:
    """Return the request for another first head that the Exchange has not decided on, or None."""
    rows = queries.requests_of(organisation)
    return next((row for row in rows if row.purpose == access.HEAD and not RequestState(row.state).is_over), None)


def ask(
    organisation: Organisation,
    person: Mapping[str, str],
    *,
    basis: str,
    file_name: str,
    sha256: str,
    by: User,
    site: str,
    now: datetime,
) -> AccessRequest:
    """Ask the Exchange to register another first head, with the basis and its file.

    Raises:
        NotPermitted: ``by`` is neither administrator nor first head.
        Conflict: such a request waits already.
        Invalid: a field will not do, it is the present head, or there is no basis or file.
    """
    if not may_ask(organisation, by):
        raise NotPermitted
    if waiting(organisation) is not None:
        raise Conflict("head.err.waiting")
    problems = list(asked.person_faults(person, "head", is_head=True))
    present = queries.first_head(organisation)
    if present is not None and present.iin and present.iin == person["iin"]:
        problems.append(Problem("head-iin", "head.err.same"))
    problems += _account_faults(organisation, person)
    if not basis.strip():
        problems.append(Problem("basis", "acting.err.basis"))
    elif len(basis.strip()) > 300:
        problems.append(Problem("basis", "access.err.long", {"max": 300}))
    if not sha256:
        problems.append(Problem("file", "acting.err.file"))
    if problems:
        raise Invalid(problems=problems)
    names = {f"name_{language}": name for language, name in organisation.names.items()}
    row = access.add(
        access.HEAD,
        {"kind": organisation.kind, "bin": organisation.bin, **names, "head": dict(person), "contacts": []},
        kind=organisation.kind,
        language=by.language or DEFAULT_LANGUAGE,
        by=by,
        organisation_id=organisation.id,
        basis=basis.strip(),
        file_name=file_name,
        sha256=sha256,
        now=now,
    )
    access.tell_desk(row, site=site, now=now)
    return row


def _account_faults(organisation: Organisation, person: Mapping[str, str]) -> list[Problem]:
    """Return what of a new first head contradicts an account that there is: so the desk could only refuse."""
    user = people.by_email(person["email"])
    member = user.member_of(organisation.id) if user is not None else None
    if user is not None and user.exchange_roles:
        return [Problem("head-email", "head.err.email_taken")]
    found = []
    if user is not None and member is not None:  # what a stranger's account says the desk alone reads
        faults = access.colleague_faults(user, person)
        found = [Problem(f"head-{field}", key, {"name": user.full_name}) for field, key in faults.items()]
    holder = queries.holder_of_iin(organisation, person["iin"], but=user)
    if holder is not None and holder is not queries.first_head(organisation):  # of him other words speak
        found.append(Problem("head-iin", "org.err.iin_taken", {"name": holder.full_name}))
    return found


def withdraw(organisation: Organisation, request_id: int, *, by: User, site: str, now: datetime) -> AccessRequest:
    """Take a request for another first head back, while the Exchange has not decided on it.

    The officer who has taken it up is told.

    Raises:
        NotFound: the organisation has no such request.
        NotPermitted: ``by`` is neither administrator nor first head.
        Conflict: it is decided on, or taken back.
    """
    row = access.found(AccessRequest.id == request_id, for_update=True)
    if row.organisation_id != organisation.id or row.purpose != access.HEAD:
        raise NotFound
    if not may_ask(organisation, by):
        raise NotPermitted
    if RequestState(row.state).is_over:
        raise Conflict("access.err.moved", number=row.number)
    access.move(row, RequestState.WITHDRAWN, "withdrawn", by=by, now=now)
    if row.officer is not None:
        params = {"number": row.number, "company": organisation.names}
        about = notifications.About(author=by.name, url=f"{site}/orgs/requests/{row.id}")
        notifications.notify([row.officer], "notice.head_withdrawn", about=about, params=params, now=now)
    return row


def confirm_own_key(member: Membership, tested: Mapping[str, Any], *, now: datetime) -> None:
    """Let the first head sign from now on: ``tested`` is what is known of his test signature (``keys.kept``).

    Raises:
        NotPermitted: he is not the first head.
        Conflict: his key is confirmed already.
    """
    if not member.is_first_head:
        raise NotPermitted
    if member.key_confirmed_at is not None:
        raise Conflict("err.already_done")
    if tested.get("iin") != member.user.iin or tested.get("bin") != member.organisation.bin:
        raise Invalid.at("cms", "key.err.person")
    member.may_sign, member.key_confirmed_at = True, now
    db.session.flush()
    audit.record("key_confirmed", f"user {member.user_id}", by=member.user_id, at=now, serial=tested.get("serial"))
