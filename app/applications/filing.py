"""Filing: create, skip a stage, send on, call in colleagues.

Source: user manual, paragraphs 9.4, 13 and 14; readings A13, A14, A18.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from app import catalogue, db
from app.accounts.models import User
from app.applications import answering, cabinet, changes, effects, facts, moves, parents, queries, reuse
from app.applications.models import AnyComment, Application, AssistedDraft, History
from app.audit import operations as audit
from app.bilingual import Texts
from app.errors import Conflict, Invalid, NotPermitted, Said
from app.notifications import operations as notifications
from app.organisations import queries as organisations
from app.organisations.models import Organisation
from app.permissions import EXECUTOR_ROLES
from app.terms import DEFAULT_LANGUAGE
from app.web.templating import ZONE
from app.workflows.guards import ANSWERING
from app.workflows.machine import Procedure
from app.workflows.parts import Transition

DESPITE = "send_despite"
"""The act in the history of one who sends on and leaves comments open."""


def companies(user: User, procedure: Procedure) -> list[Organisation]:
    """Return the companies for which ``user`` may begin a procedure, by its kinds.

    An organisation's person files for the own one, an adviser's for his clients (IS2IN-13.c, 13.d); what the
    Exchange begins, the holders of its role begin for any organisation in whose name somebody can answer.
    """
    if procedure.started_by is not None:
        role = EXECUTOR_ROLES[procedure.started_by]
        return organisations.answerable(procedure.open_to) if role in user.roles else []
    own = user.organisation
    if own is None:
        return []
    found = [own, *(organisations.clients_of(own, procedure=procedure.key) if own.kind == "adviser" else [])]
    return [item for item in found if item.kind in procedure.open_to]


def create(
    procedure_key: str,
    *,
    company_id: int | None,
    author: User,
    now: datetime,
    source: str = "",
    language: str = "",
    parent: str = "",
) -> Application:
    """Create an application for a company; ``source`` names an archived one whose forms are used again.

    ``parent`` names the one to which it belongs, where its procedure says so; what is carried over fills it first.

    The author is who creates it, at the Exchange too: then nobody of the company sees it until it is sent there.

    ``language`` is that of its documents: what the author works in, else what the profile says.

    Raises:
        NotFound: there is no such procedure, or no such questionnaire for this user.
        Invalid: the company is not among those offered, or the parent, or one is needed.
    """
    procedure = catalogue.present().procedures.get(procedure_key)
    company = next((item for item in companies(author, procedure) if item.id == company_id), None)
    if company is None:
        raise Invalid.at("company", "app.err.company")
    origin = cabinet.questionnaire(source, user=author) if source else None
    if origin is not None and origin.organisation_id != company.id:
        raise Invalid.at("company", "app.err.questionnaire_company", company=Said(origin.organisation.names))
    chosen = language or author.language
    within = _chosen_parent(procedure, company, parent, user=author)
    application = begin(procedure, company, author=author, by=author, act="create", language=chosen, now=now)
    notifications.notify([author], "notice.created", about=moves.about(application), now=now)
    if within is not None:
        _belong(application, within, by=author, now=now)
    if origin is not None:
        for stage in queries.applicant_stages(application):
            if queries.acts_as(application, author, procedure.executor_of(stage, application.process)):
                reuse.take(application, stage, origin, picked=None, by=author, now=now)
    return application


def _chosen_parent(procedure: Procedure, company: Organisation, number: str, *, user: User) -> Application | None:
    if not number:
        if procedure.parent is not None and procedure.parent.is_needed:
            raise Invalid.at("parent", "parents.err.needed")
        return None
    found = parents.choices(procedure, [company], user=user)
    chosen = next((item for item in found if item.number == number), None)
    if chosen is None:
        raise Invalid.at("parent", "parents.err.choice")
    return chosen


def _belong(application: Application, parent: Application | None, *, by: User, now: datetime) -> None:
    """Let an application belong to ``parent``, None: to none, with its row of history; take over what is carried."""
    act, words = ("within", parent.number) if parent is not None else ("within_none", "")
    also = {"parent_id": parent.id if parent is not None else None}
    moves.stand_at(application, queries.position(application), act=act, by=by, now=now, words=words, also=also)
    db.session.expire(application, ["parent"])
    reuse.carry(application, by=by, now=now)


def may_name_parent(application: Application, user: User) -> bool:
    """Tell whether ``user`` may still say to which application this one belongs: its author, before it is sent.

    Not the officer who prepares it for a client: what is carried over from there only the client may see.
    """
    procedure = queries.procedure(application)
    if isinstance(queries.entering(application), AssistedDraft):
        return False
    is_early = application.submitted_at is None and application.process == procedure.initial
    return procedure.parent is not None and is_early and queries.acts_as(application, user, "author")


def name_parent(application: Application, number: str, *, by: User, seen: int, now: datetime) -> None:
    """Let an application that is being filled in belong to the one of a number, or to none ("").

    What has been carried over from another one before stays.

    Raises:
        Conflict: it has moved since ``seen``, or is no longer with its author.
        NotPermitted: ``by`` is not its author.
        Invalid: the parent is not among those offered, or one is needed.
    """
    application.require_version(seen)
    procedure = queries.procedure(application)
    if not queries.acts_as(application, by, "author"):
        raise NotPermitted
    if isinstance(queries.entering(application), AssistedDraft):
        raise Conflict("parents.err.prepared")
    if not may_name_parent(application, by):
        raise Conflict("parents.err.late")
    if application.parent is not None and application.parent.number == number:
        return  # as it is, even where it is not offered any more
    parent = _chosen_parent(procedure, application.organisation, number, user=by)
    if (parent.id if parent is not None else None) != application.parent_id:
        _belong(application, parent, by=by, now=now)


def _author_for(company: Organisation, author: User, by: User | None) -> int | None:
    """Return the organisation for which an author works: where he stands now; for the calendar, the applicant."""
    if author.is_exchange:
        return None
    if by is author and author.organisation is not None:
        return author.organisation.id
    return company.id


def begin(
    procedure: Procedure,
    company: Organisation,
    *,
    author: User,
    by: User | None,
    act: str,
    now: datetime,
    words: str = "",
    language: str = "",
) -> Application:
    """Add an application with its number and the row of history ``act``; ``by`` None: the calendar begins it."""
    year = now.astimezone(ZONE).year
    standing = procedure.start()
    library = catalogue.present().forms
    application = Application(
        number=f"{procedure.number_prefix}-{year}-{effects.next_number(f'{procedure.number_prefix}-{year}'):06d}",
        procedure=procedure.name,
        procedure_sha256=procedure.sha256,
        forms={key: library.get(key).version for key in procedure.forms},
        organisation=company,
        author=author,
        author_for_id=_author_for(company, author, by),
        process=standing.process,
        stages=standing.to_dict()["stages"],
        language=language or author.language or DEFAULT_LANGUAGE,
        created_at=now,
        entered_at=now,
    )
    db.session.add(application)
    db.session.flush()
    by_id = by.id if by else None
    row = {"at": now, "by_id": by_id, "act": act, "target": standing.process, "words": words}
    db.session.add(History(application_id=application.id, **row))
    audit.record(act, f"application {application.number}", by=by_id, at=now, company=company.id)
    return application


def skip(application: Application, stage: str, *, by: User, now: datetime) -> None:
    """Skip a stage where both conditions of reading A18 hold (IS2IN-14.i).

    Raises:
        Conflict: the stage is not open, or may not be skipped.
    """
    answering.require_stage(application, stage, by)
    procedure = queries.procedure(application)
    after = procedure.skip(queries.position(application), stage, facts.of(application))
    moves.stand_at(application, after, act="skip", by=by, now=now, stage=stage)


def answering_side(application: Application, user: User) -> str | None:
    """Return as which executor ``user`` answers for the organisation, author or respondent; None if as neither."""
    if user.is_exchange:
        return None  # who began it there answers nothing
    return next((executor for executor in sorted(ANSWERING) if queries.acts_as(application, user, executor)), None)


def unheeded(application: Application, transition: Transition, user: User) -> list[AnyComment]:
    """Return the comments that the author would send the application on without having done anything about.

    Empty for a transition that sends no new version.  Comments advise and hold nothing back (A24), so
    this is only asked about.
    """
    if "freeze_document" not in transition.effects:
        return []
    return changes.unheeded(application, queries.comments(application, user=user), user=user)


def send(
    application: Application,
    trigger: str,
    *,
    by: User,
    seen: int,
    now: datetime,
    words: str | Texts = "",
    despite: bool = False,
) -> Transition:
    """Take the transition ``trigger``; a new version goes off with unheeded comments only ``despite`` them.

    The history then says which they were.

    Raises:
        Invalid: there are such comments, and nobody has said that it is to be sent despite them.
    """
    application.require_version(seen)
    position, known = queries.position(application), facts.of(application)
    offers = queries.procedure(application).offers(position, known)
    offer = next((item for item in offers if item.transition.trigger == trigger and item.allowed), None)
    left = []
    if offer is not None and queries.acts_as(application, by, offer.transition.by):
        left = unheeded(application, offer.transition, by)
    if left and not despite:
        raise Invalid.at("despite", "rounds.err.unheeded", n=len(left))
    if left:
        act = History(application_id=application.id, at=now, by_id=by.id, act=DESPITE, words=_marks(left))
        db.session.add(act)
        db.session.flush()
    return moves.fire(application, trigger, by=by, seen=seen, words=words, now=now)


def _marks(rows: Iterable[AnyComment]) -> str:
    """Return what the history keeps of comments: "#12 #15"; their places are told in the language of who reads."""
    return " ".join(f"#{row.id}" for row in rows)


def marked(row: History) -> list[int]:
    """Return the ids of the comments left open in this act; none where an older row keeps their labels in words."""
    is_marks = row.act == DESPITE and re.fullmatch(r"#\d+(?: #\d+)*", row.words)
    return [int(mark.removeprefix("#")) for mark in row.words.split()] if is_marks else []


def callable_people(application: Application, user: User) -> list[User]:
    """Return who may be made executor beside ``user``: his colleagues, and for an adviser the issuer's people."""
    side = answering_side(application, user)
    if side is None:
        return []
    companies = {item.id: item for item in (user.organisation, application.organisation) if item is not None}
    taken = {found.id for found in queries.executor_people(application, side)}
    people = [member.user for company in companies.values() for member in organisations.people(company)]
    return [found for found in people if found.id not in taken]


def assign_colleague(application: Application, user_id: int | None, *, by: User, now: datetime) -> None:
    """Make a colleague executor beside ``by``; from now on he sees the application (IS2IN-9.4.c).

    Raises:
        NotPermitted: ``by`` does not answer for the organisation.
        Invalid: the chosen person is not among those offered.
    """
    side = answering_side(application, by)
    if side is None:
        raise NotPermitted
    if queries.procedure(application).processes[application.process].final:
        raise Conflict("app.err.ended")
    colleague = next((found for found in callable_people(application, by) if found.id == user_id), None)
    if colleague is None:
        raise Invalid.at("colleague", "app.err.choice")
    own = queries.place_id(by)
    place = (
        by.organisation if any(each.organisation_id == own for each in colleague.places) else application.organisation
    )
    effects.assign(application, colleague, side, now=now, place=place)
    db.session.add(History(application_id=application.id, at=now, by_id=by.id, act="assign", words=colleague.name))
    audit.record("assign", f"application {application.number}", by=by.id, at=now, user=colleague.id)
    notifications.notify([colleague], "notice.assigned", about=moves.about(application), action_required=True, now=now)
