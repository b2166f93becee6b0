"""An application that an officer prepares at a client's request, and that the client confirms by a one-time code.

Until he offers it nobody of the organisation sees it; then one named person does, and nobody changes it before he has
answered.  Confirmed, it is that person's own, as if he had begun it; the officer never confirms, sends or signs.
Source: rules of e-services, paragraph 35.3; ESRV-35.3.a and 35.3.b.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import structlog
from sqlalchemy import func, or_, select
from sqlalchemy.orm import lazyload

from app import db
from app.accounts.models import User
from app.applications import answering, effects, entering, filing, moves, queries
from app.applications.models import Application, AssistedDraft
from app.errors import AppError, Conflict, Invalid, NotPermitted
from app.notifications import operations as notifications
from app.organisations.models import Organisation
from app.terms import DEFAULT_LANGUAGE
from app.web import here
from app.web.templating import ZONE, date_time_text
from app.workflows.machine import Procedure

log = structlog.get_logger()

STANDS = timedelta(days=30)
"""How long an offer waits for its answer."""
LONGEST_BASIS = 300
LONGEST_REASON = 1000
PAGE = "/assisted"
UNANSWERED = ("assist_declined", "assist_taken_back", "assist_lapsed", "assist_left")
"""How offers ended that nobody confirmed: between the Exchange and the one to whom each was made."""


def begin(
    *,
    procedure_key: str,
    company_id: int | None,
    person_id: int | None,
    basis: str,
    asked_on: date | None,
    once: str,
    by: User,
    now: datetime,
) -> Application:
    """Begin an application in a client's name; the same form sent again gives the same application.

    Raises:
        Invalid: the procedure, company or person is not among those offered, it is not said how the client asked,
            or the day is none or lies ahead.
    """
    same = begun_by(once, by)
    if same is not None:
        return same
    procedure = entering.chosen_procedure(procedure_key, "assisted.err.procedure")
    company = entering.chosen_company(procedure, company_id)
    person = _chosen(procedure, company, person_id)
    basis = " ".join(basis.split())
    if not basis:
        raise Invalid.at("basis", "assisted.err.basis")
    if len(basis) > LONGEST_BASIS:
        raise Invalid.at("basis", "assisted.err.long", n=LONGEST_BASIS)
    if asked_on is None:
        raise Invalid.at("asked_on", "assisted.err.day")
    if asked_on > now.astimezone(ZONE).date():
        raise Invalid.at("asked_on", "assisted.err.future")
    spoken = person.language or DEFAULT_LANGUAGE
    application = filing.begin(
        procedure, company, author=by, by=by, act="assist", words=basis, now=now, language=spoken
    )
    given = {"basis": basis, "asked_on": asked_on, "by_id": by.id, "at": now, "once": once}
    db.session.add(AssistedDraft(application_id=application.id, person_id=person.id, **given))
    db.session.flush()
    return application


def begun_by(once: str, by: User) -> Application | None:
    """Return what ``by`` has begun by the form of this mark, or None."""
    statement = select(Application).join(AssistedDraft, AssistedDraft.application_id == Application.id)
    return db.session.scalars(statement.where(AssistedDraft.once == once, AssistedDraft.by_id == by.id)).first()


def _chosen(procedure: Procedure, company: Organisation, person_id: int | None) -> User:
    found = next((each for each in entering.people(procedure, company) if each.id == person_id), None)
    if found is None:
        raise Invalid.at("person", "assisted.err.person")
    return found


def _prepared(application: Application, by: User, seen: int) -> AssistedDraft:
    """Return the draft that an officer acts on.

    Raises:
        Conflict: it has moved since ``seen``, was not prepared for a client, or is confirmed already.
        NotPermitted: another desk prepares it.
    """
    application.require_version(seen)
    found = queries.entering(application)
    if not isinstance(found, AssistedDraft):
        raise Conflict("assisted.err.over")
    if not queries.is_at_its_desk(application, by, found):
        raise NotPermitted("assisted.err.desk", who=application.author.name)
    return found


def offer(application: Application, *, person_id: int | None, by: User, seen: int, now: datetime) -> None:
    """Lay a prepared application before the client's person, another than before where one is chosen.

    Raises:
        Conflict: it has moved since ``seen``, is offered or confirmed already, or nothing is filled in yet.
        NotPermitted: another desk prepares it.
        Invalid: the person is not among those who could begin it themselves.
    """
    draft = _prepared(application, by, seen)
    if draft.is_offered_at(now):
        raise Conflict("assisted.err.offered")
    person = _chosen(queries.procedure(application), application.organisation, person_id)
    if not queries.answers(application):
        raise Conflict("assisted.err.empty")
    moves.touch(application)
    draft.person, draft.offered_at, draft.offered_by, draft.lapses_at = person, now, by, now + STANDS
    draft.returned, draft.returned_at, draft.reason = "", None, ""
    db.session.flush()
    _note(application, draft, "assist_offered", words=person.name, by=by, now=now)
    params = {"number": application.number, "user": by.name, "until": date_time_text(draft.lapses_at)}
    about = _about(application, draft, effects.url(application))
    notifications.notify([person], "notice.assisted_offered", about=about, params=params, action_required=True, now=now)


def take_back(application: Application, *, by: User, seen: int, now: datetime) -> None:
    """Take an offer back that is not answered; it may be changed, offered again or deleted.

    Raises:
        Conflict: it has moved since ``seen``, or does not lie with the client.
        NotPermitted: another desk prepares it.
    """
    draft = _prepared(application, by, seen)
    if not draft.is_offered_at(now):
        raise Conflict("assisted.err.not_offered")
    _come_back(application, draft, "taken_back", by=by, now=now)


def _offered_to(application: Application, by: User, seen: int, now: datetime) -> AssistedDraft:
    """Return the offer that ``by`` answers.

    Raises:
        Conflict: it has moved since ``seen``, or does not lie with a client.
        NotPermitted: ``by`` is not the person to whom it is offered, at the company for which it is, or could not
            begin it himself.
    """
    application.require_version(seen)
    draft = queries.offer(application, now=now)
    if draft is None:
        raise Conflict("assisted.err.not_offered")
    companies = filing.companies(by, queries.procedure(application))
    if not queries.answers_offer(application, by, now=now) or application.organisation not in companies:
        raise NotPermitted("assisted.err.answerer", who=draft.person.name)
    return draft


def confirm(application: Application, *, by: User, seen: int, now: datetime) -> None:
    """Make a prepared application the client's own, as if he had begun it; the caller has taken his code.

    Raises:
        Conflict: it has moved since ``seen``, or does not lie with a client any more.
        NotPermitted: ``by`` is not the person to whom it is offered.
    """
    draft = _offered_to(application, by, seen, now)
    draft.confirmed_at = now
    moves.stand_at(
        application,
        queries.position(application),
        act="assist_confirmed",
        by=by,
        now=now,
        words=draft.by.name,
        also={"author_id": by.id, "author_for_id": application.organisation_id},
        also_told=_facts(draft),
    )
    db.session.expire(application, ["author"])
    answering.call_advisers(application, now=now)
    _tell_officers(application, draft, "notice.assisted_confirmed", seen_by_them=False, now=now)


def decline(application: Application, *, reason: str, by: User, seen: int, now: datetime) -> None:
    """Give a prepared application back to who prepared it, with a reason; the client sees it no more.

    Raises:
        Conflict, NotPermitted: as for ``confirm``.
        Invalid: no reason is given, or it is too long.
    """
    draft = _offered_to(application, by, seen, now)
    reason = reason.strip()
    if not reason:
        raise Invalid.at("decline_reason", "err.reason_required")
    if len(reason) > LONGEST_REASON:
        raise Invalid.at("decline_reason", "assisted.err.long", n=LONGEST_REASON)
    _come_back(application, draft, "declined", by=by, now=now, reason=reason)


def _come_back(
    application: Application, draft: AssistedDraft, returned: str, *, by: User | None, now: datetime, reason: str = ""
) -> None:
    """End an offer without its being confirmed, and tell those who did not end it themselves."""
    moves.touch(application)
    draft.offered_at = draft.lapses_at = None
    draft.returned, draft.returned_at, draft.reason = returned, now, reason
    db.session.flush()
    _note(application, draft, f"assist_{returned}", words=reason, by=by, now=now)
    if returned != "taken_back":
        _tell_officers(application, draft, f"notice.assisted_{returned}", now=now, reason=reason)
    if returned in ("taken_back", "lapsed"):
        about, params = _about(application, draft, ""), {"number": application.number}
        notifications.notify([draft.person], "notice.assisted_gone", about=about, params=params, now=now)


def _facts(draft: AssistedDraft) -> dict[str, object]:
    """Return what the audit says of each act: who prepares, for whom, and why."""
    return {"officer": draft.by_id, "person": draft.person_id, "basis": draft.basis}


def _note(
    application: Application, draft: AssistedDraft, act: str, *, words: str, by: User | None, now: datetime
) -> None:
    moves.note(application, act, words=words, by=by, also_told=_facts(draft), now=now)


def _about(application: Application, draft: AssistedDraft, url: str) -> notifications.About:
    """Return what a message says of a prepared application; without an address it leads nowhere."""
    return notifications.About(
        number=application.number if url == effects.url(application) else "",
        url=url,
        procedure=queries.procedure(application).title.model_dump(),
        author=draft.by.name,
        company=application.organisation.names,
    )


def _tell_officers(
    application: Application,
    draft: AssistedDraft,
    message: str,
    *,
    now: datetime,
    seen_by_them: bool = True,
    reason: str = "",
) -> None:
    """Tell who has prepared it and who has offered it; what they see no more leads to their list."""
    officers = {each.id: each for each in (draft.by, draft.offered_by, application.author) if each is not None}
    people = [each for each in officers.values() if each.is_exchange]
    url = effects.url(application) if seen_by_them else f"{here.config().base_url}{PAGE}"
    params = {"number": application.number, "user": draft.person.name, "reason": reason}
    about = _about(application, draft, url)
    notifications.notify(people, message, about=about, params=params, action_required=seen_by_them, now=now)


# What becomes of offers that nobody answers


def keep(*, now: datetime) -> int:
    """Take back the offers that have lapsed, and those whose person cannot answer any more; return how many."""
    statement = select(AssistedDraft.application_id).where(
        AssistedDraft.confirmed_at.is_(None), AssistedDraft.lapses_at.is_not(None)
    )
    statement = statement.join(Application, AssistedDraft.application_id == Application.id)
    statement = statement.where(Application.process != queries.DELETED)
    with db.transaction(writing=False) as session:
        waiting = list(session.scalars(statement))
    done = 0
    for ident in waiting:
        try:
            done += _judge(ident, now=now)
        except AppError:
            log.exception("offer_not_judged", application=ident)
    return done


def _judge(ident: int, *, now: datetime) -> bool:
    with db.transaction() as session:
        one = select(Application).where(Application.id == ident).with_for_update()
        application = session.scalars(one.options(lazyload(Application.organisation))).one()
        draft = session.scalars(select(AssistedDraft).where(AssistedDraft.application_id == ident)).unique().one()
        if draft.confirmed_at is not None or draft.lapses_at is None or application.process == queries.DELETED:
            return False
        if draft.lapses_at <= now:
            _come_back(application, draft, "lapsed", by=None, now=now)
        elif draft.person not in entering.people(queries.procedure(application), application.organisation):
            _come_back(application, draft, "left", by=None, now=now)
        else:
            return False
        log.info("offer_ended", application=application.number, why=draft.returned)
    return True


# What lists show


def in_hand(user: User, *, now: datetime) -> frozenset[int]:
    """Return the ids of what ``user`` has prepared or offered and must go on with: no client has it before him."""
    lies = or_(AssistedDraft.lapses_at.is_(None), AssistedDraft.lapses_at <= now)
    own = or_(AssistedDraft.by_id == user.id, AssistedDraft.offered_by_id == user.id)
    return frozenset(
        db.session.scalars(select(AssistedDraft.application_id).where(AssistedDraft.confirmed_at.is_(None), lies, own))
    )


def count() -> int:
    """Return how many applications have been prepared for clients and not deleted."""
    statement = select(func.count(AssistedDraft.id)).join(Application, AssistedDraft.application_id == Application.id)
    return db.session.scalar(statement.where(Application.process != queries.DELETED)) or 0


def listed(*, start: int, most: int) -> Sequence[AssistedDraft]:
    """Return some of them, newest first."""
    statement = (
        select(AssistedDraft)
        .join(Application, AssistedDraft.application_id == Application.id)
        .where(Application.process != queries.DELETED)
        .order_by(AssistedDraft.id.desc())
    )
    return db.session.scalars(statement.offset(start).limit(most)).unique().all()
