"""What one may do with organisations, their people and partnerships.

Source: user manual, paragraphs 9.2 and 9.3; readings A8, A9, A13, A14.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from blinker import Signal
from sqlalchemy import select

from app import catalogue, db
from app.accounts import links
from app.accounts import operations as accounts
from app.accounts import queries as people
from app.accounts.models import User
from app.audit import operations as audit
from app.errors import Conflict, Invalid, NotFound, NotPermitted, Problem
from app.notifications import delivery
from app.notifications import operations as notifications
from app.organisations import inviting, queries
from app.organisations.access import DESK_ROLES
from app.organisations.models import (
    CODES,
    FormerName,
    Invitation,
    Membership,
    Organisation,
    Partnership,
    PartnershipScope,
)
from app.permissions import Permission
from app.terms import LANGUAGES
from app.web import here

LONGEST_REASON = 500

work_between = Signal("Sent with a partnership; receivers return the numbers of running applications it carries.")
partnership_ended = Signal("Sent with a partnership the Exchange has ended, ``by`` whom, ``now``.")


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
    site: str,
    now: datetime,
) -> User | Invitation:
    """Add a person to the organisation of ``by`` and mail the link that sets the first password (reading A31).

    Where the address has an account of other organisations, its owner is asked, and nothing of it is told or changed.
    ``site`` is the address of this installation.

    Raises:
        NotPermitted: ``by`` is not an administrator of ``organisation`` (IS2IN-9.2.c).
        Conflict: the address is a colleague's, or one of the Exchange's, or its owner is asked already.
    """
    if not by.may(Permission.MANAGE_USERS) or by.organisation is not organisation:
        raise NotPermitted
    known = people.by_email(email)
    if known is not None:
        name = " ".join(part for part in (last_name, first_name, patronymic) if part)
        return inviting.invite(
            organisation, known, name=name, position=position, is_admin=is_admin, by=by, site=site, now=now
        )
    user, token = accounts.create(
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
        about=notifications.About(author=by.name, company=organisation.names),
        params={"company": organisation.names},
        mail_only={"obj.email": user.email, "mail.first_password": site + links.path(token)},
        now=now,
    )
    return user


def add_partner(
    organisation: Organisation,
    partner_id: int | None,
    *,
    until: datetime | None = None,
    procedures: Collection[str] = (),
    by: User,
    now: datetime,
) -> Partnership:
    """Make an active adviser or audit organisation a partner; it works at once and the partner is told.

    ``until`` is the moment it ends by itself, ``procedures`` the keys it is for; without them it is for all, and
    until the Exchange ends it.

    Raises:
        NotPermitted: ``by`` may not do this for ``organisation``.
        Invalid: the chosen company is not among those offered, the end is past, or a procedure is unknown.
    """
    if not by.may(Permission.MANAGE_PARTNERS) or by.organisation is not organisation:
        raise NotPermitted
    partner = next((item for item in queries.possible_partners(organisation) if item.id == partner_id), None)
    problems = [] if partner is not None else [Problem("partner_id", "partner.err.choose")]
    if until is not None and until <= now:
        problems.append(Problem("until", "partner.err.until"))
    if not set(procedures) <= {each.key for each in catalogue.present().procedures.procedures.values()}:
        problems.append(Problem("procedures", "partner.err.procedures"))
    if problems or partner is None:
        raise Invalid(problems=problems)
    _close_lapsed(organisation, partner, now=now)
    partnership = Partnership(issuer=organisation, partner=partner, added_by_id=by.id, added_at=now, until=until)
    partnership.scope = [PartnershipScope(procedure=key) for key in sorted(set(procedures))]
    db.session.add(partnership)
    db.session.flush()
    details = {"until": until.isoformat() if until else None, "procedures": sorted(set(procedures))}
    audit.record("partner_added", f"organisation {organisation.id}", by=by.id, at=now, partner=partner.id, **details)
    _tell(partner, "notice.partner_added", by=by, params={"company": organisation.names}, now=now)
    return partnership


def _close_lapsed(issuer: Organisation, partner: Organisation, *, now: datetime) -> None:
    """Write the end of a partnership that has ended by itself, so that the two may begin another."""
    lapsed = select(Partnership).where(
        Partnership.issuer_id == issuer.id,
        Partnership.partner_id == partner.id,
        Partnership.ended_at.is_(None),
        Partnership.until <= now,
    )
    for row in db.session.scalars(lapsed).unique():
        row.ended_at = row.until
    db.session.flush()


def _tell(organisation: Organisation, message: str, *, by: User, params: Mapping[str, object], now: datetime) -> None:
    """Tell the administrators and the first head of an organisation of its partnerships."""
    told = [member.user for member in queries.people(organisation) if member.is_admin or member.is_first_head]
    author = "" if by.is_exchange else by.name
    url = f"{here.config().base_url}/partnership?place={organisation.id}"
    about = notifications.About(author=author, url=url, company=organisation.names)
    notifications.notify(told, message, about=about, params=params, now=now)


def request_removal(
    organisation: Organisation, partnership_id: int, *, reason: str = "", by: User, now: datetime
) -> Partnership:
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
    partnership.removal_requested_at, partnership.removal_requested_by_id = now, by.id
    partnership.removal_reason = reason.strip()[:LONGEST_REASON]
    audit.record("partner_removal_requested", f"organisation {organisation.id}", by=by.id, at=now, id=partnership_id)
    params = {"company": organisation.names, "partner": partnership.partner.names}
    url = f"{here.config().base_url}/orgs/partnerships/{partnership_id}"
    about = notifications.About(author=by.name, url=url)
    officers = people.holders(*DESK_ROLES)
    notifications.notify(officers, "notice.removal_asked", about=about, params=params, action_required=True, now=now)
    return partnership


@delivery.bounced.connect
def tell_administrators(user: User, *, reply: str, now: datetime) -> None:
    """Tell the administrators of somebody's organisations that his address takes no mail."""
    params = {"user": user.name, "email": user.email, "reply": reply}
    for place in user.places:
        found = [each.user for each in queries.people(place.organisation) if each.is_admin and each.user_id != user.id]
        about = notifications.About(company=place.organisation.names)
        notifications.notify(found, "notice.address_bounced", about=about, params=params, now=now)


def standing(partnership_id: int, *, now: datetime, for_update: bool = False) -> Partnership:
    """Return a partnership that holds, for the desk.

    Raises:
        NotFound: there is none of this number.
        Conflict: it is over.
    """
    statement = select(Partnership).where(Partnership.id == partnership_id)
    if for_update:
        statement = statement.with_for_update(of=Partnership).execution_options(populate_existing=True)
    partnership = db.session.scalars(statement).unique().one_or_none()
    if partnership is None:
        raise NotFound
    if not partnership.holds_at(now):
        raise Conflict("partner.err.over")
    return partnership


def running_of(partnership: Partnership) -> list[str]:
    """Return the numbers of the issuer's running applications on which the partner's people work."""
    return sorted({number for _, found in work_between.send(partnership) for number in found})


def end_partnership(
    partnership: Partnership, *, reason: str, seen: Collection[str], by: User, now: datetime
) -> Partnership:
    """End a partnership: from now on it grants nothing; what its people did stays, and both sides are told.

    ``seen`` are the running applications that were named before it was confirmed (``running_of``).

    Raises:
        NotPermitted: ``by`` is not of the desk.
        Conflict: it is over, or other applications run now than were named.
        Invalid: no reason is given.
    """
    if not by.may(Permission.ADMIT):
        raise NotPermitted
    if not partnership.holds_at(now):
        raise Conflict("partner.err.over")
    if not reason.strip():
        raise Invalid.at("reason", "err.reason_required")
    running = running_of(partnership)
    if set(running) != set(seen):
        raise Conflict("partner.err.running_moved")
    partnership.ended_at, partnership.ended_by_id = now, by.id
    partnership.end_reason = reason.strip()[:LONGEST_REASON]
    db.session.flush()
    subject = f"organisation {partnership.issuer_id}"
    audit.record("partnership_ended", subject, by=by.id, at=now, partner=partnership.partner_id, running=running)
    partnership_ended.send(partnership, by=by, now=now)
    issuer, partner = partnership.issuer, partnership.partner
    params = {"issuer": issuer.names, "partner": partner.names, "numbers": ", ".join(running) or "–"}
    for side in (issuer, partner):
        _tell(side, "notice.partnership_ended", by=by, params=params, now=now)
    return partnership


def keep_partnership(partnership: Partnership, *, reason: str, by: User, now: datetime) -> None:
    """Decline a request for removal with the reason; the partnership stands on, and it may be asked for again.

    Raises:
        NotPermitted: ``by`` is not of the desk.
        Conflict: nothing is asked.
        Invalid: no reason is given.
    """
    if not by.may(Permission.ADMIT):
        raise NotPermitted
    if partnership.removal_requested_at is None or not partnership.holds_at(now):
        raise Conflict("err.already_done")
    if not reason.strip():
        raise Invalid.at("reason", "err.reason_required")
    partnership.removal_requested_at = partnership.removal_requested_by_id = partnership.removal_reason = None
    subject = f"organisation {partnership.issuer_id}"
    audit.record("partner_removal_declined", subject, by=by.id, at=now, partner=partnership.partner_id)
    params = {"partner": partnership.partner.names, "words": reason.strip()[:LONGEST_REASON]}
    _tell(partnership.issuer, "notice.removal_declined", by=by, params=params, now=now)


def rename(
    organisation: Organisation,
    names: Mapping[str, str],
    *,
    basis: str,
    seen: Mapping[str, str],
    by: User,
    now: datetime,
) -> None:
    """Give an organisation another name; the former one is kept with its end (ESRV-16.1).

    Documents that were made before keep the name that stands in them: they are bytes, and nothing makes them anew.
    ``seen`` is the name on the screen.

    Raises:
        NotPermitted: ``by`` is not of the desk.
        Conflict: somebody has renamed it meanwhile, or nothing would change.
        Invalid: a name is missing or too long, or there is no ground.
    """
    if not by.may(Permission.ADMIT):
        raise NotPermitted
    if dict(seen) != organisation.names:
        raise Conflict("org.err.renamed")
    new = {language: " ".join(names.get(language, "").split()) for language in LANGUAGES}
    problems = [Problem(f"name_{language}", "err.required") for language, name in new.items() if not name]
    problems += [
        Problem(f"name_{language}", "access.err.long", {"max": 300})
        for language, name in new.items()
        if len(name) > 300
    ]
    if not basis.strip():
        problems.append(Problem("basis", "org.err.basis"))
    if not problems and new == organisation.names:
        problems.append(Problem("name_kk", "org.err.same_name"))
    if problems:
        raise Invalid(problems=problems)
    former = {f"name_{language}": name for language, name in organisation.names.items()}
    db.session.add(
        FormerName(organisation_id=organisation.id, **former, until=now, basis=basis.strip()[:300], by_id=by.id)
    )
    organisation.name_kk, organisation.name_ru, organisation.name_en = new["kk"], new["ru"], new["en"]
    db.session.flush()
    db.session.expire(organisation, ["former_names"])
    audit.record("organisation_renamed", f"organisation {organisation.id}", by=by.id, at=now)


def set_codes(organisation: Organisation, codes: str, *, by: User, now: datetime) -> None:
    """Say whose guarded operations need a one-time code: ``none``, ``first_heads`` or ``everybody``.

    Raises:
        NotPermitted: ``by`` does not guard accounts.
        Invalid: it is none of the three.
    """
    if not by.may(Permission.GUARD_ACCOUNTS):
        raise NotPermitted
    if codes not in CODES:
        raise Invalid.at("codes", "app.err.choice")
    audit.record(
        "codes_set", f"organisation {organisation.id}", by=by.id, at=now, codes=codes, before=organisation.codes
    )
    organisation.codes = codes
