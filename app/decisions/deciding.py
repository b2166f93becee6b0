"""The decision on a matter, as it was voted, and the conditions it is bound to.

What is recorded is the application's own stage ``decision`` and its transition: the agenda adds nothing to it
that could differ.  The applicant learns of it, and of its conditions, when the letter is delivered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import structlog

from app import bilingual, db
from app.accounts import queries as people
from app.accounts.models import User
from app.applications import answering, moves
from app.applications import queries as applications
from app.applications.answering import Typed
from app.applications.models import Application
from app.bilingual import LANGUAGES, Texts
from app.bodies.voting import Result
from app.decisions import queries
from app.decisions.convening import LONGEST_WORDS, note
from app.decisions.models import AgendaItem, DecisionCondition, ItemState
from app.decisions.sitting import decision_form, outcome_field, require_open, require_sitting
from app.errors import Conflict, Invalid, NotFound, Problem
from app.notifications import operations as notifications
from app.permissions import Role
from app.terms import say
from app.web.templating import date_text

log = structlog.get_logger()

SOON = timedelta(days=7)
"""How long before its day a condition is reminded of."""

LONGEST_TERM = 10 * queries.YEAR
"""How long after the meeting a condition may be due."""

LONGEST_CONDITION = 1000
"""How many characters a condition may have, in each language."""

_REFUSALS = {
    Result.NO_QUORUM: "meetings.err.no_quorum",
    Result.INCOMPLETE: "meetings.err.not_voted",
    Result.NOT_ADOPTED: "meetings.err.not_adopted",
}


def add_condition(
    item: AgendaItem,
    *,
    texts: Texts,
    due: date | None,
    has_wrong_day: bool = False,
    seen: int,
    by: User,
    now: datetime,
) -> DecisionCondition:
    """Add a condition, in both languages of the letter, to the decision that is being prepared.

    ``due`` is its day, None where it has none.

    Raises:
        Conflict: the meeting has moved or is not sitting, or the matter is closed.
        Invalid: a language has no words, or the day is none (``has_wrong_day``), not after the meeting's, or over
            ten years after it.
    """
    item.meeting.require_version(seen)
    require_sitting(item.meeting, now)
    require_open(item)
    keys = {"missing": "err.required", "long": "app.err.comment_long"}
    problems = bilingual.faults(texts, "condition", **keys, most=LONGEST_CONDITION)
    if has_wrong_day:
        problems.append(Problem("due", "meetings.err.day"))
    elif due is not None and due <= item.meeting.day:
        problems.append(Problem("due", "meetings.err.due"))
    elif due is not None and due > item.meeting.day + LONGEST_TERM:
        problems.append(Problem("due", "meetings.err.due_far"))
    if problems:
        raise Invalid(problems=problems)
    row = DecisionCondition(texts=dict(texts), due=due, by_id=by.id, at=now, met_words="")
    item.conditions.append(row)
    db.session.flush()
    words = bilingual.said(texts, item.application.language)
    note(item.meeting, "condition_added", by=by, now=now, item=item, words=words)
    return row


def remove_condition(item: AgendaItem, condition_id: int | None, *, seen: int, by: User, now: datetime) -> None:
    """Take a condition out again, as long as the decision is not recorded.

    Raises:
        Conflict: the meeting has moved or is not sitting, or the matter is closed.
        NotFound: there is no such condition.
    """
    item.meeting.require_version(seen)
    require_sitting(item.meeting, now)
    require_open(item)
    row = next((each for each in item.conditions if each.id == condition_id), None)
    if row is None:
        raise NotFound
    item.conditions.remove(row)
    db.session.flush()
    words = bilingual.said(row.texts, item.application.language)
    note(item.meeting, "condition_removed", by=by, now=now, item=item, words=words)


def own_fields(item: AgendaItem) -> frozenset[str]:
    """Return the fields of the decision form that the agenda itself answers."""
    given = {*queries.OUTCOMES, queries.MINUTES_NUMBER, queries.DECISION_DATE}
    if item.proposal.endswith(queries.CONDITIONAL):
        given.add(queries.CONDITIONS)
    return frozenset(given)


def decide(item: AgendaItem, raw: Mapping[str, Sequence[str]], *, seen: int, by: User, now: datetime) -> None:
    """Record the decision that was voted, in the application's stage ``decision``, and take its transition.

    ``raw`` is what was typed into the decision form: input name -> texts; what the agenda knows (the outcome, the
    number and day of the minutes, the conditions) is put in here.

    Raises:
        Conflict: the meeting or the application has moved, the matter is closed, no proposal was adopted, the outcome
            typed is another one, or conditions stand beside an outcome that has none.
        Invalid: a condition is missing, or what the form refuses.
    """
    meeting, application = item.meeting, item.application
    meeting.require_version(seen)
    require_sitting(meeting, now)
    require_open(item)
    result = queries.tally(item).result
    if result is not Result.ADOPTED:
        raise Conflict(_REFUSALS[result])
    asked = outcome_field(application)
    said = next(iter(raw.get(asked.key, ())), item.proposal)
    if said != item.proposal:
        raise Conflict("meetings.err.contradicts")
    is_conditional = item.proposal.endswith(queries.CONDITIONAL)
    if is_conditional and not item.conditions:
        raise Invalid.at("condition", "meetings.err.no_conditions")
    if item.conditions and not is_conditional:
        raise Conflict("meetings.err.conditions_left")
    way = queries.road(applications.procedure(application))
    if way is None or application.process != way.decide.source or way.decide.stage is None:
        raise Conflict("app.err.moved", number=application.number)
    stage = way.decide.stage
    given = {
        asked.key: item.proposal,
        queries.MINUTES_NUMBER: meeting.number,
        queries.DECISION_DATE: date_text(meeting.day),
    }
    if is_conditional:
        given |= _conditions(item)
    newest = applications.latest(application, stage)
    own = {name: list(texts) for name, texts in raw.items() if name.partition("-")[0] not in own_fields(item)}
    typed = Typed(own | {name: [text] for name, text in given.items()}, seen=newest.revision if newest else 0)
    problems = answering.finish(application, stage, typed, by=by, now=now)
    if problems:
        raise Invalid(problems=problems)
    moves.fire(application, way.decide.trigger, by=by, seen=application.version, now=now)
    item.state, item.outcome, item.decided_at = ItemState.DECIDED, item.proposal, now
    db.session.flush()
    note(meeting, "decided", by=by, now=now, item=item, words=item.proposal)


def _conditions(item: AgendaItem) -> dict[str, str]:
    """Return the conditions as the decision form asks for them; its first version asks for one language."""
    asked = next(each for each in decision_form(item.application).fields if each.key == queries.CONDITIONS)
    if not asked.parts:
        return {asked.key: conditions_text(item, item.application.language)}
    return {f"{asked.key}-{language}": conditions_text(item, language) for language in LANGUAGES}


def conditions_text(item: AgendaItem, language: str) -> str:
    """Return the conditions as one text in ``language``, numbered, each with its day."""
    lines = []
    for number, row in enumerate(item.conditions, start=1):
        until = f" ({say('meetings.condition_due', language, date=date_text(row.due))})" if row.due else ""
        lines.append(f"{number}. {bilingual.said(row.texts, language)}{until}")
    return "\n".join(lines)


# After the decision


def meet(condition: DecisionCondition, *, words: str, by: User, now: datetime) -> None:
    """Record that a condition is met, and by what (``words``); the applicant is told.

    Raises:
        Conflict: somebody has recorded it, or the applicant has not been told the decision yet.
        Invalid: nothing says by what.
    """
    if condition.met_at is not None:
        raise Conflict("err.already_done")
    if not queries.is_communicated(condition.item):
        raise Conflict("meetings.err.not_communicated")
    words = words.strip()[:LONGEST_WORDS]
    if not words:
        raise Invalid.at("met_words", "meetings.err.met_words")
    condition.met_at, condition.met_by_id, condition.met_words = now, by.id, words
    application = condition.item.application
    moves.note(application, "condition_met", words=condition.texts, by=by, now=now)
    _tell(application, "notice.condition_met", condition, now=now, action_required=False)


def remind_due(*, now: datetime) -> int:
    """Remind of the conditions whose day comes near or has passed, each once, in one transaction each.

    The applicant's people are told once they know the decision, the listing department when a day has passed.
    Returns how many were told of.
    """
    done = 0
    with db.transaction(writing=False):
        waiting = [row.id for row in queries.open_conditions() if _is_due(row, now)]
    for ident in waiting:
        with db.transaction():
            row = queries.condition(ident, for_update=True)
            if row.met_at is not None or not _is_due(row, now) or not queries.is_communicated(row.item):
                continue
            _remind(row, now=now)
            done += 1
            log.info("condition_reminded", application=row.item.application.number, condition=row.id)
    return done


def _is_due(row: DecisionCondition, now: datetime) -> bool:
    today = queries.local_day(now)
    if row.due is None or row.overdue_told_at is not None:
        return False
    return row.due < today or (row.reminded_at is None and row.due - SOON <= today)


def _remind(row: DecisionCondition, *, now: datetime) -> None:
    application = row.item.application
    row.reminded_at = row.reminded_at or now
    if row.due is not None and row.due >= queries.local_day(now):
        _tell(application, "notice.condition_soon", row, now=now, action_required=True)
        return
    row.overdue_told_at = now
    _tell(application, "notice.condition_overdue", row, now=now, action_required=True)
    staff = [(user, _message("notice.condition_overdue", application, row, True)) for user in _listing()]
    notifications.post(staff, about=moves.about(application), now=now)


def _listing() -> Sequence[User]:
    return people.holders(Role.LISTING, Role.LISTING_HEAD)


def _tell(
    application: Application, message: str, row: DecisionCondition, *, now: datetime, action_required: bool
) -> None:
    moves.tell_applicant(application, _message(message, application, row, action_required), now=now)


def _message(
    message: str, application: Application, row: DecisionCondition, action_required: bool
) -> notifications.Message:
    words = bilingual.everywhere(row.texts)
    params = {"number": application.number, "condition": words, "date": date_text(row.due) or "–"}
    return notifications.Message(message, params, action_required=action_required)
