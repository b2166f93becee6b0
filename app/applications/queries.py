"""What one may ask about applications, and who sees which.

The visibility rule (IS2IN-9.4.c; readings A9, A11) stands in one place: ``visible_to``.  Every
list, counter and direct address goes through it, and an outsider finds nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    bindparam,
    exists,
    false,
    func,
    or_,
    select,
)
from sqlalchemy import cast as cast_to
from sqlalchemy.orm import lazyload

from app import catalogue, db
from app.accounts.models import User
from app.applications import holders
from app.applications.models import (
    Answers,
    Application,
    Assignment,
    AssistedDraft,
    CalendarBegin,
    Comment,
    Document,
    History,
    InternalNote,
    PaperIntake,
    Remark,
)
from app.db import UtcDateTime
from app.errors import NotFound
from app.organisations import joining
from app.organisations import queries as organisations
from app.organisations.models import Membership, Partnership, PartnershipScope
from app.permissions import EXECUTOR_ROLES, Permission, Role, desks
from app.web import here
from app.workflows.guards import Position
from app.workflows.machine import Procedure
from app.workflows.parts import StageKind

DELETED = "deleted"


def visible_to(user: User) -> ColumnElement[bool]:
    """Return the condition under which ``user`` sees an application at all.

    A client's person sees the applications he created or was made executor of, for good; an
    adviser only while the issuer's partnership stands.  What an officer has prepared for a client is seen by the one
    person to whom it is offered, while it is offered.  The Exchange sees what has been sent to
    it, and what it has itself begun; compliance what is archived.
    """
    sight, given = sight_of(user)
    return _visible(sight, given["user_id"], given["organisation_id"], given["now"])


@cache
def condition_of(sight: str) -> ColumnElement[bool]:
    """Return the condition of a sight for statements that are made once; ``sight_of`` gives its parameters."""
    return _visible(sight, bindparam("user_id"), bindparam("organisation_id"), bindparam("now", type_=UtcDateTime()))


def sight_of(user: User) -> tuple[str, dict[str, Any]]:
    """Return by which rule ``user`` sees applications, and the parameters of its condition."""
    return _sight_of(user), {"user_id": user.id, "organisation_id": place_id(user), "now": here.now()}


@joining.shown_in.connect
def opens_in(member: Membership, *, args: Mapping[str, Any]) -> bool:
    """Tell whether the application that an address names is seen from this place of somebody, present or not."""
    number = args.get("number")
    if not isinstance(number, str):
        return False
    now = here.now()
    sight = "client" if member.stands_for(now) is None else "acting"
    seen = _visible(sight, member.user_id, member.organisation_id, now)
    return db.session.scalar(select(Application.id).where(Application.number == number, seen)) is not None


def _sight_of(user: User) -> str:
    if user.may(Permission.PROCESS):
        return "exchange"
    if Role.COMPLIANCE in user.roles:
        return "compliance"
    if user.organisation is None:
        return ""
    return "client" if acting_for(user) is None else "acting"


def acting_for(user: User, *, now: datetime | None = None) -> User | None:
    """Return the first head for whom ``user`` acts at a moment, None for everybody else (A26)."""
    return user.membership.stands_for(now or here.now()) if user.membership is not None else None


def _visible(sight: str, user_id: Any, organisation_id: Any, now: Any) -> ColumnElement[bool]:
    alive = Application.process != DELETED
    if sight == "exchange":
        colleagues = select(User.id).where(cast_to(User.exchange_roles, String) != "[]")
        return and_(alive, or_(Application.submitted_at.is_not(None), Application.author_id.in_(colleagues)))
    if sight == "compliance":
        return and_(alive, Application.archived_at.is_not(None))
    if sight not in ("client", "acting"):
        return false()
    assigned = exists().where(
        Assignment.application_id == Application.id,
        Assignment.user_id == user_id,
        Assignment.organisation_id == organisation_id,  # what he is for another place of his stays there
    )
    known = or_(and_(Application.author_id == user_id, Application.author_for_id == organisation_id), assigned)
    if sight == "acting":  # while he acts, he sees what lies with the first head
        heads = exists().where(Assignment.application_id == Application.id, Assignment.executor == "first_head")
        known = or_(known, and_(Application.organisation_id == organisation_id, heads))
    offered = exists().where(
        AssistedDraft.application_id == Application.id,
        AssistedDraft.person_id == user_id,
        AssistedDraft.confirmed_at.is_(None),
        AssistedDraft.lapses_at > now,
        Application.organisation_id == organisation_id,
    )
    known = or_(known, offered)
    return and_(alive, known, or_(Application.organisation_id == organisation_id, partner_at(organisation_id, now)))


def partner_at(organisation_id: Any, now: Any) -> ColumnElement[bool]:
    """Return the condition that an organisation is the applicant's partner at a moment, for this procedure.

    What each part takes from the statement around it is said: by itself SQLAlchemy looks one statement up, no further.
    """
    scope = select(PartnershipScope.procedure).where(PartnershipScope.partnership_id == Partnership.id)
    scope = scope.correlate(Partnership, Application)
    prefix = PartnershipScope.procedure.concat(".v")
    covers = scope.where(func.substr(Application.procedure, 1, func.length(prefix)) == prefix)
    return exists().where(
        Partnership.issuer_id == Application.organisation_id,
        Partnership.partner_id == organisation_id,
        organisations.stands(now),
        or_(~scope.exists(), covers.exists()),
    )


def is_inside(application: Application, user: User, *, now: datetime | None = None) -> bool:
    """Tell whether ``user`` is of the applicant's side now: its own person, the Exchange's, or a standing partner's."""
    company = user.organisation
    if company is None or company.id == application.organisation_id:
        return True
    statement = select(Application.id).where(
        Application.id == application.id, partner_at(company.id, now or here.now())
    )
    return db.session.scalar(statement) is not None


@cache
def _one(sight: str, for_update: bool) -> Select[Application]:
    """Return the statement for one visible application; made once, since every page begins with it."""
    statement = select(Application).where(Application.number == bindparam("number"), condition_of(sight))
    return statement.options(lazyload(Application.organisation)).with_for_update() if for_update else statement


def by_number(number: str, *, user: User, for_update: bool = False) -> Application:
    """Return the application of a number, if ``user`` sees it.

    ``for_update`` holds the row until the transaction ends, so that acts on one application
    stand in line.

    Raises:
        NotFound: there is none, or not for this user.
    """
    sight, given = sight_of(user)
    application = db.session.scalars(_one(sight, for_update), {**given, "number": number}).one_or_none()
    if application is None:
        raise NotFound
    return application


def sees(application: Application, user: User) -> bool:
    """Tell whether ``user`` sees an application that is at hand."""
    statement = select(Application.id).where(Application.id == application.id, visible_to(user))
    return db.session.scalar(statement) is not None


# Where it stands


def procedure(application: Application) -> Procedure:
    """Return the procedure in the version that the application began with."""
    key, _, version = application.procedure.rpartition(".v")
    return catalogue.present().procedures.get(key, int(version))


def received_at(application: Application) -> datetime | None:
    """Return when the organisation's paper came to the Exchange: its application first, its answer last; or None.

    What the Exchange begins counts as sent from the call of the organisation on: both moments are the same until
    the organisation itself sends something.
    """
    if procedure(application).started_by is None:
        return application.submitted_at
    return application.sent_at if application.sent_at != application.submitted_at else None


def versions_of(found: Procedure) -> list[Procedure]:
    """Return ``found`` and the other versions of that procedure: an application may have acted under each."""
    known = catalogue.present().procedures.procedures.values()
    others = sorted((each for each in known if each.key == found.key), key=lambda each: -each.version)
    return [found, *(each for each in others if each.version != found.version)]


def position(application: Application) -> Position:
    """Return where the application stands, as the engine takes it."""
    return Position.from_dict({"process": application.process, "stages": application.stages})


def latest(application: Application, stage: str) -> Answers | None:
    """Return the newest revision of a stage's answers, or None."""
    return db.session.scalars(
        select(Answers)
        .where(Answers.application_id == application.id, Answers.stage == stage)
        .order_by(Answers.revision.desc())
        .limit(1)
    ).one_or_none()


def answers(application: Application, *, as_of: datetime | None = None) -> dict[str, Answers]:
    """Return the newest answers of every stage, by stage.

    ``as_of``: of the stages the applicant fills, the newest of that moment: what the Exchange
    reads is what had been sent to it, whatever the applicant has changed since.
    """
    newest = func.max(Answers.revision)
    statement = select(Answers.stage, newest).where(Answers.application_id == application.id).group_by(Answers.stage)
    if as_of is not None:
        stages = applicant_stages(application)
        statement = statement.where(or_(Answers.stage.not_in(stages), Answers.at <= as_of))
    found = db.session.execute(statement).all()
    rows = db.session.scalars(
        select(Answers).where(
            Answers.application_id == application.id,
            or_(false(), *(and_(Answers.stage == stage, Answers.revision == number) for stage, number in found)),
        )
    ).unique()
    return {row.stage: row for row in rows}


def applicant_stages(application: Application) -> list[str]:
    """Return the keys of the stages that the applicant's side fills, in the order of the procedure."""
    found = procedure(application)
    return [key for key, stage in found.stages.items() if stage.kind is StageKind.FILL]


def assignments(application: Application) -> Sequence[Assignment]:
    """Return who has been made executor, oldest first."""
    return application.assignments


def assigned(application: Application, executor: str) -> list[User]:
    """Return the present executors of a kind."""
    return [row.user for row in application.assignments if row.executor == executor and row.is_current]


def intake(application: Application) -> PaperIntake | None:
    """Return how an application came on paper, or None where it did not."""
    statement = select(PaperIntake).where(PaperIntake.application_id == application.id)
    return db.session.scalars(statement).unique().one_or_none()


def assisted(application: Application) -> AssistedDraft | None:
    """Return how an officer has prepared an application for a client, or None where the client began it himself."""
    statement = select(AssistedDraft).where(AssistedDraft.application_id == application.id)
    return db.session.scalars(statement).unique().one_or_none()


def entering(application: Application) -> PaperIntake | AssistedDraft | None:
    """Return for what the Exchange's people enter an application that is somebody else's, None where they do not.

    From paper until it is handed in, for a client until he has confirmed it.
    """
    if application.submitted_at is not None or application.author_for_id is not None:
        return None  # so it is with nearly everything, and nothing is asked of the database
    paper = intake(application)
    if paper is not None and paper.entered_at is None:
        return paper
    draft = assisted(application)
    return draft if draft is not None and draft.confirmed_at is None else None


def is_being_entered(application: Application) -> bool:
    """Tell whether the Exchange's people enter it for somebody, and it is not his yet."""
    return entering(application) is not None


def offer(application: Application, *, now: datetime | None = None) -> AssistedDraft | None:
    """Return the offer of a prepared application that lies with its person now, or None."""
    found = entering(application)
    return found if isinstance(found, AssistedDraft) and found.is_offered_at(now or here.now()) else None


def offers_among(ids: Sequence[int] | None = None, *, now: datetime) -> dict[int, int]:
    """Return which of these applications (None: of all) lie with somebody to be confirmed: id -> his."""
    statement = select(AssistedDraft.application_id, AssistedDraft.person_id).where(
        AssistedDraft.confirmed_at.is_(None), AssistedDraft.lapses_at > now
    )
    if ids is not None:
        statement = statement.where(AssistedDraft.application_id.in_(ids))
    return {row[0]: row[1] for row in db.session.execute(statement).all()}


def answers_offer(application: Application, user: User, *, now: datetime | None = None) -> bool:
    """Tell whether ``user`` is the one who may confirm what was prepared: the person named, at that company."""
    found = offer(application, now=now)
    return found is not None and found.person_id == user.id and place_id(user) == application.organisation_id


def filed_by(application: Application) -> User:
    """Return the person in whose name an application is: for whom it is prepared, else its author."""
    found = entering(application)
    return found.person if isinstance(found, AssistedDraft) else application.author


def is_duty(application: Application) -> bool:
    """Tell whether the calendar has begun it, once for its organisation and day: a duty that nobody throws away."""
    statement = select(CalendarBegin.id).where(CalendarBegin.application_id == application.id).limit(1)
    return db.session.scalar(statement) is not None


def enters(application: Application, user: User) -> bool:
    """Tell whether ``user`` may fill in and hand on what the Exchange enters: a colleague of the desk that began it.

    Not while it is offered to the client: then nobody changes it.
    """
    if not user.is_exchange or not application.author.is_exchange:
        return False
    found = entering(application)
    if found is None or offer(application) is not None:
        return False
    return is_at_its_desk(application, user, found)


def is_at_its_desk(application: Application, user: User, entered: PaperIntake | AssistedDraft) -> bool:
    """Tell whether ``user`` works at the desk whose people enter the application."""
    needed = Permission.RECEIVE_PAPER if isinstance(entered, PaperIntake) else Permission.ASSIST
    is_same_desk = bool(desks(user.roles, needed) & desks(application.author.roles, needed))
    return is_same_desk and user.may(needed)


def on_paper(ids: Sequence[int]) -> set[int]:
    """Return which of these applications came on paper."""
    statement = select(PaperIntake.application_id).where(PaperIntake.application_id.in_(ids))
    return set(db.session.scalars(statement)) if ids else set()


def acts_as(application: Application, user: User, executor: str, *, now: datetime | None = None) -> bool:
    """Tell whether ``user`` is the given executor of the application, and no colleague of the Exchange holds it."""
    if executor in EXECUTOR_ROLES:
        return holders.may_act(application, user, executor, now=now)
    if executor == "first_head":
        return _acts_as_head(application, user, now=now or here.now())
    if executor == "author" and offer(application, now=now) is not None:
        return False  # nobody changes it until he has answered
    if executor == "author" and (is_author(application, user) or enters(application, user)):
        return is_inside(application, user, now=now)
    place = place_id(user)
    is_named = any(
        row.user_id == user.id and row.executor == executor and row.is_current and row.organisation_id == place
        for row in application.assignments
    )
    return is_named and is_inside(application, user, now=now)


def place_id(user: User) -> int | None:
    """Return the organisation for which ``user`` works now; None at the Exchange."""
    company = user.organisation
    return company.id if company is not None else None


def is_author(application: Application, user: User) -> bool:
    """Tell whether ``user`` has begun it, for the organisation in which he works now."""
    return application.author_id == user.id and application.author_for_id in (None, place_id(user))


def _acts_as_head(application: Application, user: User, *, now: datetime) -> bool:
    """Tell whether ``user`` does the first head's acts on it: the head to whom it was sent, or who acts for him now."""
    member = user.membership
    if member is None or user.organisation is None or member.organisation_id != application.organisation_id:
        return False
    heads = assigned(application, "first_head")
    return user in heads if member.is_first_head else bool(heads) and member.stands_for(now) is not None


def comments(application: Application, *, user: User) -> Sequence[Comment]:
    """Return the comments that ``user`` may read, oldest first: published ones and his own pending ones.

    What the first head says to his own people is not the Exchange's: its people read remarks alone.
    Internal notes are no comments; see ``notes``.
    """
    kind: type[Comment] = Remark if user.is_exchange else Comment
    statement = (
        select(kind)
        .where(
            kind.application_id == application.id,
            or_(kind.published_at.is_not(None), kind.by_id == user.id),
        )
        .order_by(kind.id)
    )
    return db.session.scalars(statement).unique().all()


def waiting_remarks(application: Application, *, user: User) -> dict[str, int]:
    """Return who of the Exchange's people has written remarks that are not sent yet, and how many; else nothing."""
    if not user.is_exchange:
        return {}
    statement = select(Remark).where(Remark.application_id == application.id, Remark.published_at.is_(None))
    return Counter(row.by.name for row in db.session.scalars(statement.order_by(Remark.id)).unique())


def notes(application: Application, *, user: User) -> Sequence[InternalNote]:
    """Return what the Exchange's people have said to each other, oldest first; to anybody else nothing."""
    if not user.is_exchange:
        return []
    statement = select(InternalNote).where(InternalNote.application_id == application.id).order_by(InternalNote.id)
    return db.session.scalars(statement).unique().all()


def history(application: Application) -> Sequence[History]:
    """Return what has happened, newest first."""
    return (
        db.session.scalars(select(History).where(History.application_id == application.id).order_by(History.id.desc()))
        .unique()
        .all()
    )


def was_pressed(application: Application, stage: str) -> bool:
    """Tell whether somebody has pressed «Сақтау» or «Дайын» in a stage: more than filling in, or adding a row."""
    pressed = select(History.id).where(
        History.application_id == application.id, History.stage == stage, History.act.in_(("save", "finish"))
    )
    return db.session.scalar(pressed.limit(1)) is not None


def documents(application: Application) -> Sequence[Document]:
    """Return the documents the system has made, newest first."""
    return db.session.scalars(
        select(Document).where(Document.application_id == application.id).order_by(Document.id.desc())
    ).all()


def sent_rounds(application: Application) -> set[int]:
    """Return the rounds whose signed document has been sent to the Exchange; signing alone sends nothing (A25)."""
    sent_at = application.sent_at
    return {
        item.round
        for item in documents(application)
        if item.kind == "application" and item.signatures and sent_at is not None and item.at <= sent_at
    }


def document(application: Application, kind: str) -> Document | None:
    """Return the newest document of a kind, or None."""
    return next((item for item in documents(application) if item.kind == kind), None)


def present_document(application: Application) -> Document | None:
    """Return the document of the present round that is offered for signing, or None."""
    return db.session.scalars(
        select(Document).where(
            Document.application_id == application.id,
            Document.kind == "application",
            Document.round == application.round,
        )
    ).one_or_none()


def current_executors(application: Application) -> tuple[str, ...]:
    """Return the executors who may act now: those of the open unfinished stages, and the process's own."""
    return procedure(application).executors(position(application))


def executor_people(application: Application, executor: str) -> list[User]:
    """Return the named people who are the given executor; empty for a role of the Exchange."""
    if executor == "author":
        offered = offer(application)
        if offered is not None:
            return [offered.person]
        return [application.author, *(user for user in assigned(application, "author"))]
    return assigned(application, executor)
