"""What one may ask about meetings, and who reads what of them.

The calendar is everybody's at the Exchange; what was said and voted is read by those who hold the permission,
and by the members of the body themselves.  Nothing here is an applicant's.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import and_, exists, false, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from app import catalogue, db
from app.accounts.models import User
from app.applications import conditions as conditions_of
from app.applications import facts
from app.applications import queries as applications
from app.applications.models import Application, Document
from app.bodies import voting
from app.bodies.definitions import Body
from app.bodies.voting import Choice, Seat, Tally
from app.decisions.models import (
    AgendaItem,
    BodyMember,
    DecidingBody,
    DecisionCondition,
    ItemState,
    Meeting,
    MeetingState,
    Office,
)
from app.errors import NotFound, NotPermitted
from app.permissions import Permission
from app.web.templating import ZONE
from app.workflows.machine import Procedure
from app.workflows.parts import Transition

BODY, MEETING_DATE, PLACE = "body", "meeting_date", "place"
"""The fields of a form that appoints a meeting."""
OUTCOMES = ("outcome", "measure")
"""The field of a decision form that says what was decided."""
MINUTES_NUMBER, DECISION_DATE, CONDITIONS = "minutes_number", "decision_date", "decision_conditions"
CONDITIONAL = "_with_conditions"
"""How the outcomes end that are bound to conditions."""

YEAR = timedelta(days=366)
"""How far ahead a meeting is appointed and an office begun."""


def local_day(moment: datetime) -> date:
    """Return the day in Kazakhstan."""
    return moment.astimezone(ZONE).date()


# Bodies


def body(key: str) -> Body:
    """Return a body; NotFound if there is none."""
    return catalogue.present().bodies.get(key)


def bodies() -> Sequence[Body]:
    """Return all bodies."""
    return list(catalogue.present().bodies.bodies.values())


def members(body_key: str, day: date | None = None) -> list[BodyMember]:
    """Return who holds an office in a body on a day (None: ever), the chair first, the secretary last."""
    rows = db.session.scalars(select(BodyMember).where(BodyMember.body == body_key).order_by(BodyMember.id)).all()
    order = list(Office)
    found = [row for row in rows if day is None or row.is_in_office(day)]
    return sorted(found, key=lambda row: (order.index(Office(row.office)), row.id))


_BODY = db.table_of(DecidingBody)
_HOLD = {
    dialect: insert(_BODY).on_conflict_do_update(index_elements=["key"], set_={"key": _BODY.c.key})
    for dialect, insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}
"""The row of a body added, or held where it is, in the words of each database."""


def hold_body(key: str) -> None:
    """Hold a body until the transaction ends, so that changes of its members and acts on its meetings stand in line.

    A vote is counted by the offices of its day, and an office may not begin or end before it: whichever of the two
    comes second has to see the first.  The one order of holding is body, meeting, application.
    """
    dialect = db.session.get_bind().dialect.name
    db.session.execute(_HOLD[dialect], {"key": key})


def sat_since(body_key: str, day: date) -> Meeting | None:
    """Return the latest meeting of a body on or after ``day`` that has been held, or has come to its votes, or None.

    Who sat in it is read from the offices of its day: they stand fast from then on.
    """
    statement = select(Meeting).where(Meeting.body == body_key, Meeting.day >= day)
    statement = statement.order_by(Meeting.day.desc(), Meeting.id.desc()).execution_options(populate_existing=True)
    return next((each for each in db.session.scalars(statement) if each.has_begun), None)


def voters(meeting: Meeting) -> list[BodyMember]:
    """Return the members with a vote on the meeting's day."""
    return [row for row in members(meeting.body, meeting.day) if Office(row.office).votes]


def holder(meeting_: Meeting, office: Office) -> BodyMember | None:
    """Return who holds an office of one person on the meeting's day: the chair, the secretary."""
    return next((row for row in members(meeting_.body, meeting_.day) if row.office == office), None)


def membership(meeting: Meeting, user: User) -> BodyMember | None:
    """Return the office that ``user`` himself holds in the body on the meeting's day, or None."""
    return next((row for row in members(meeting.body, meeting.day) if row.user_id == user.id), None)


# Meetings


def calendar() -> Sequence[Meeting]:
    """Return all meetings but the drafts that were thrown away, the latest day first."""
    statement = select(Meeting).where(Meeting.state != MeetingState.DISCARDED)
    return db.session.scalars(statement.order_by(Meeting.day.desc(), Meeting.id.desc())).all()


def meeting(meeting_id: int, *, for_update: bool = False) -> Meeting:
    """Return a meeting; ``for_update`` holds its body and it until the transaction ends (``hold_body``).

    Raises:
        NotFound: there is none, or it was a draft that was thrown away.
    """
    if for_update and (key := db.session.scalar(select(Meeting.body).where(Meeting.id == meeting_id))):
        hold_body(key)
    known = (Meeting.id == meeting_id, Meeting.state != MeetingState.DISCARDED)
    statement = select(Meeting).where(*known).execution_options(populate_existing=for_update)
    found = db.session.scalars(statement.with_for_update() if for_update else statement).one_or_none()
    if found is None:
        raise NotFound
    return found


def item(meeting_: Meeting, item_id: int) -> AgendaItem:
    """Return an item of a meeting; NotFound if it has none such."""
    found = next((each for each in meeting_.items if each.id == item_id), None)
    if found is None:
        raise NotFound
    return found


def live_item(application: Application) -> AgendaItem | None:
    """Return the item of an agenda on which the application waits for its decision, or None."""
    statement = select(AgendaItem).where(
        AgendaItem.application_id == application.id, AgendaItem.state == ItemState.OPEN
    )
    return db.session.scalars(statement).one_or_none()


def others(meeting_: Meeting) -> list[Meeting]:
    """Return the meetings of the same body to which an item may be moved."""
    return [
        each
        for each in calendar()
        if each.body == meeting_.body and each.id != meeting_.id and each.state != MeetingState.HELD
    ]


def may_read(meeting_: Meeting, user: User) -> bool:
    """Tell whether ``user`` reads what is before the meeting and what was voted."""
    return user.may(Permission.READ_MEETINGS) or (
        user.may(Permission.VIEW_MEETINGS) and membership(meeting_, user) is not None
    )


def may_read_item(found: AgendaItem, user: User) -> bool:
    """Tell whether ``user`` may have the papers of an item: not who has declared a conflict of interest in it."""
    own = membership(found.meeting, user)
    return may_read(found.meeting, user) and not (own and own.id in {row.member_id for row in found.conflicts})


def require_minutes(meeting_: Meeting, user: User) -> None:
    """Refuse the minutes to whoever may not read everything in them.

    They tell every item: who has a conflict of interest in one of them does not read them.  Who reads the minutes
    alone (compliance) reads them once each item is told to its applicant, or in the archive.

    Raises:
        NotPermitted: ``user`` does not read this meeting's minutes, or not yet.
    """
    if not may_read(meeting_, user) and not user.may(Permission.READ_MINUTES):
        raise NotPermitted
    if any(row.member.user_id == user.id for found in meeting_.agenda for row in found.conflicts):
        raise NotPermitted("meetings.err.minutes_conflict")
    if not may_read(meeting_, user) and not all(_is_told(found) for found in meeting_.agenda):
        raise NotPermitted("meetings.err.minutes_early")


def _is_told(found: AgendaItem) -> bool:
    is_archived = found.application.archived_at is not None
    return is_archived or _has_letter_since(found, found.decided_at or found.meeting.held_at)


# Applications and their bodies


@dataclass(frozen=True)
class Road:
    """How a procedure comes to its decision: the transition that appoints the meeting, the one that records it."""

    appoint: Transition
    decide: Transition


def road(procedure: Procedure) -> Road | None:
    """Return how a procedure is decided by a body, or None where no body decides."""
    appoint = next((each for each in procedure.transitions if "record_meeting" in each.effects), None)
    if appoint is None or appoint.stage is None:
        return None
    decide = next(
        (
            each
            for each in procedure.transitions
            if "record_decision" in each.effects and each.source == appoint.target and each.stage is not None
        ),
        None,
    )
    return Road(appoint, decide) if decide is not None else None


def waits(application: Application) -> bool:
    """Tell whether an application has come to where it is put on an agenda, or stands there for its decision."""
    way = road(applications.procedure(application))
    return way is not None and application.process in (way.appoint.source, way.decide.source)


def bodies_of(application: Application) -> tuple[str, ...]:
    """Return the bodies that may decide on an application: by decision table, by procedure, or as its form has it."""
    procedure = applications.procedure(application)
    way = road(procedure)
    if way is None:
        return ()
    if application.process == way.decide.source:
        chosen = facts.of(application).answers.get(way.appoint.stage or "", {}).get(BODY)
        if isinstance(chosen, str):
            return (chosen,)
    tabled = tuple(each.row.then[BODY] for each in conditions_of.chosen(application).values() if BODY in each.row.then)
    if tabled:
        return tabled
    named = tuple(use.outcome.value for use in way.appoint.guards if use.outcome is not None)
    if named:
        return named
    library = catalogue.present().forms
    for key in procedure.stages[way.appoint.stage or ""].forms:
        form = library.get(key, application.forms.get(key))
        options = next((asked.options for asked in getattr(form, "fields", ()) if asked.key == BODY), None)
        if options:
            return tuple(options)
    return ()


def waiting(body_key: str | None = None) -> list[Application]:
    """Return the applications that wait for an agenda (of one body), those that wait longest first."""
    roads = {name: way for name, one in catalogue.present().procedures.procedures.items() if (way := road(one))}
    places = [
        and_(Application.procedure == name, Application.process.in_((way.appoint.source, way.decide.source)))
        for name, way in roads.items()
    ]
    live = exists().where(AgendaItem.application_id == Application.id, AgendaItem.state == ItemState.OPEN)
    statement = select(Application).where(or_(false(), *places), ~live).order_by(Application.entered_at, Application.id)
    found = db.session.scalars(statement).unique().all()
    return [each for each in found if body_key is None or body_key in bodies_of(each)]


# Votes


def seats(found: AgendaItem) -> list[Seat]:
    """Return how the members with a vote take part in a matter."""
    conflicted = {row.member_id for row in found.conflicts}
    choices = {row.member_id: Choice(row.choice) for row in found.votes if row.ballot == found.ballot}
    return [
        Seat(
            member.id,
            is_chair=member.office == Office.CHAIR,
            is_there=found.meeting.presence(member.id).is_there,
            has_conflict=member.id in conflicted,
            choice=choices.get(member.id),
        )
        for member in voters(found.meeting)
    ]


def tally(found: AgendaItem) -> Tally:
    """Return what the votes of the present ballot amount to."""
    return voting.tally(body(found.meeting.body).rule(found.meeting.day), seats(found))


def tally_of_meeting(meeting_: Meeting) -> Tally:
    """Return the quorum of the meeting itself: nobody votes, nobody has a conflict."""
    there = [Seat(each.id, is_there=meeting_.presence(each.id).is_there) for each in voters(meeting_)]
    return voting.tally(body(meeting_.body).rule(meeting_.day), there)


# Conditions


def is_communicated(found: AgendaItem) -> bool:
    """Tell whether the applicant knows the decision: its letter has been delivered."""
    return _has_letter_since(found, found.decided_at)


def _has_letter_since(found: AgendaItem, moment: datetime | None) -> bool:
    if moment is None:
        return False
    letter = exists().where(
        Document.application_id == found.application_id,
        Document.kind == "letter",
        Document.delivered_at >= moment,
    )
    return bool(db.session.scalar(select(letter)))


def conditions(application: Application, user: User) -> list[DecisionCondition]:
    """Return the conditions of an application's decision that ``user`` may know of."""
    statement = (
        select(DecisionCondition)
        .join(AgendaItem, AgendaItem.id == DecisionCondition.item_id)
        .where(AgendaItem.application_id == application.id, AgendaItem.state == ItemState.DECIDED)
        .order_by(DecisionCondition.id)
    )
    found = db.session.scalars(statement).all()
    return [row for row in found if user.is_exchange or is_communicated(row.item)]


def condition(condition_id: int, *, for_update: bool = False) -> DecisionCondition:
    """Return a condition of a decision; NotFound if there is none."""
    statement = select(DecisionCondition).where(DecisionCondition.id == condition_id)
    if for_update:
        statement = statement.with_for_update(of=DecisionCondition)
    found = db.session.scalars(statement).unique().one_or_none()
    if found is None or found.item.state != ItemState.DECIDED:
        raise NotFound
    return found


def open_conditions(states: Collection[str] = (ItemState.DECIDED,)) -> Sequence[DecisionCondition]:
    """Return the conditions with a day that nobody has marked as met."""
    statement = (
        select(DecisionCondition)
        .join(AgendaItem, AgendaItem.id == DecisionCondition.item_id)
        .where(AgendaItem.state.in_(states), DecisionCondition.met_at.is_(None), DecisionCondition.due.is_not(None))
        .order_by(DecisionCondition.id)
    )
    return db.session.scalars(statement).unique().all()
