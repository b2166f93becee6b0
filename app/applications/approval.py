"""The first head's approval: comment, save, return for rework, agree.  The reviewers' remarks and notes too.

Source: user manual, paragraph 20; readings A22, A24.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import select

from app import db
from app.accounts.models import User
from app.applications import comments as talk
from app.applications import facts, moves, places, queries, versions
from app.applications.models import WHOLE, AnyComment, Application, Comment, HeadComment, InternalNote, Remark
from app.applications.places import Quote
from app.audit import operations as audit
from app.errors import Conflict, Invalid, NotFound, NotPermitted
from app.permissions import Permission
from app.workflows.guards import ANSWERING
from app.workflows.parts import StageKind

LONGEST_COMMENT = 4000
NOTHING: Mapping[str, str] = MappingProxyType({})


def commenting_office(application: Application, user: User) -> tuple[type[Comment], str] | None:
    """Return what ``user`` may write now, comments or remarks, and as which executor; None if neither."""
    procedure = queries.procedure(application)
    known = facts.of(application)
    for stage in procedure.open_stages(queries.position(application), known):
        kind = procedure.stages[stage].kind
        if kind not in (StageKind.APPROVAL, StageKind.WORK):
            continue
        executor = procedure.executor_of(stage, application.process)
        if queries.acts_as(application, user, executor):
            if kind is StageKind.APPROVAL:
                return HeadComment, executor
            from_here = (item for item in procedure.transitions if item.source == application.process)
            if any("publish_remarks" in item.effects for item in from_here):
                return Remark, executor
    return None


def commenting_kind(application: Application, user: User) -> str | None:
    """Return which kind of comment ``user`` may write now: the first head's, a reviewer's remark, or none."""
    office = commenting_office(application, user)
    return None if office is None else "comment" if office[0] is HeadComment else "remark"


def may_note(application: Application, user: User) -> bool:
    """Tell whether ``user`` may write to the Exchange's people alone: while the application is with them at all."""
    process = queries.procedure(application).processes[application.process]
    return user.may(Permission.PROCESS) and application.submitted_at is not None and not process.final


def comment(
    application: Application,
    *,
    by: User,
    comments: Mapping[str, str],
    suggested: Mapping[str, str] = NOTHING,
    now: datetime,
) -> int:
    """Keep what was written in the comment windows, not yet published («Жалғастыру»); return how many.

    ``comments`` maps places of the summary form (``stage.path`` of a field, a row or an entry, or
    ``WHOLE``) to words, ``suggested`` to the value proposed instead; an empty comment takes a pending
    one of the same author back.

    Raises:
        Invalid: a comment names no place of the summary form, is too long, or proposes without words.
        NotPermitted: ``by`` may not comment now.
    """
    office = commenting_office(application, by)
    if office is None:
        raise NotPermitted
    kind, executor = office
    moves.require_executor(application, by, executor, now=now)
    pending = {
        row.place: row
        for row in queries.comments(application, user=by)
        if row.by_id == by.id and row.published_at is None
    }
    typed = {place: (words.strip(), suggested.get(place, "").strip()) for place, words in comments.items()}
    _require_sayable(typed)
    quotes = _quotes(application, by, [place for place, (words, _) in typed.items() if words])
    round_ = _round(application, by)
    written = 0
    for place, (words, proposal) in typed.items():
        own = pending.get(place)
        if own is not None and not words:
            db.session.delete(own)
        elif own is not None and (words, proposal) != (own.words, own.suggested):
            own.words, own.suggested, own.at = words, proposal, now
        elif own is None and words:
            row = _row(kind, application, place, quotes[place], words, round_=round_, office=executor, by=by, now=now)
            row.suggested = proposal
            db.session.add(row)
        else:
            continue
        written += 1
    db.session.flush()
    return written


def note(application: Application, *, by: User, notes: Mapping[str, str], now: datetime) -> int:
    """Say something to the Exchange's people alone, on places of the application; return how much was said.

    It stands at once: there is nobody it would have to be kept from until it is sent.

    Raises:
        Invalid: a note names no place, or is too long.
        NotPermitted: ``by`` is not of the Exchange, or the application has ended.
    """
    if not may_note(application, by):
        raise NotPermitted
    typed = {place: (words.strip(), "") for place, words in notes.items() if words.strip()}
    _require_sayable(typed)
    quotes = _quotes(application, by, list(typed))
    office = next(iter(_offices(application, by)), "")
    round_ = _round(application, by)
    rows = [
        _row(InternalNote, application, place, quotes[place], words, round_=round_, office=office, by=by, now=now)
        for place, (words, _) in typed.items()
    ]
    db.session.add_all(rows)
    db.session.flush()
    talk.publish(rows, round_=round_, by=by, now=now)
    if rows:
        audit.record("noted", f"application {application.number}", by=by.id, at=now)
    return len(rows)


def _require_sayable(typed: Mapping[str, tuple[str, str]]) -> None:
    for place, (words, proposal) in typed.items():
        if max(len(words), len(proposal)) > LONGEST_COMMENT:
            raise Invalid.at(place, "app.err.comment_long", max=LONGEST_COMMENT)
        if proposal and not words:
            raise Invalid.at(place, "rounds.err.suggestion_alone")


def _quotes(application: Application, by: User, wanted: Sequence[str]) -> dict[str, Quote]:
    """Return what each place was called and said: in the version before the user, else in an earlier one."""
    known = versions.sent(application, user=by)
    found = places.quotes(application, reversed(known), wanted, language=application.language)
    for place in wanted:
        if place not in found:
            raise Invalid.at(place, "app.err.comment_field", field=place)
    return found


def _row(
    kind: type[AnyComment],
    application: Application,
    place: str,
    quote: Quote,
    words: str,
    *,
    round_: int,
    office: str,
    by: User,
    now: datetime,
) -> AnyComment:
    stage, _, path = ("", "", "") if place == WHOLE else place.partition(".")
    return kind(
        application_id=application.id,
        stage=stage,
        field=path,
        words=words,
        labels=dict(quote.labels),
        quoted=quote.text,
        round=round_,
        office=office,
        by_id=by.id,
        at=now,
    )


def _round(application: Application, by: User) -> int:
    """Return the round of the version that ``by`` reads: the Exchange's people that last sent to them."""
    if not by.is_exchange:
        return application.round
    known = versions.sent(application, user=by)
    return known[-1].round if known else application.round


def _offices(application: Application, by: User) -> list[str]:
    """Return the executors of this application that ``by`` is, those who may act now first."""
    procedure = queries.procedure(application)
    executors = (
        *queries.current_executors(application),
        *(process.executor for process in procedure.processes.values()),
    )
    own = (executor for executor in executors if executor and queries.acts_as(application, by, executor))
    return list(dict.fromkeys(own))


def save(
    application: Application,
    *,
    by: User,
    comments: Mapping[str, str],
    suggested: Mapping[str, str] = NOTHING,
    now: datetime,
) -> None:
    """Publish the first head's comments with their moment, and stay («Сақтау», IS2IN-20.c, 20.i)."""
    _require_approval(application, by, now=now)
    _publish(application, by, comments, suggested, now)
    audit.record("comments_saved", f"application {application.number}", by=by.id, at=now)


def return_for_rework(
    application: Application,
    *,
    by: User,
    comments: Mapping[str, str],
    suggested: Mapping[str, str] = NOTHING,
    seen: int,
    now: datetime,
) -> None:
    """Give the application back to its author with at least one comment (IS2IN-20.d).

    Raises:
        Conflict: no comment has been left in this round.
    """
    _require_approval(application, by, now=now)
    _publish(application, by, comments, suggested, now)
    moves.fire(application, "return_for_rework", by=by, seen=seen, now=now)


def agree(
    application: Application,
    *,
    by: User,
    comments: Mapping[str, str],
    suggested: Mapping[str, str] = NOTHING,
    seen: int,
    now: datetime,
) -> None:
    """Record that the first head agrees, and open the signing (IS2IN-20.e).

    Open comments do not hold the application back (A24); pending ones are published.

    Raises:
        Conflict: the application has moved since, or does not stand in this stage.
    """
    application.require_version(seen)
    stage = _require_approval(application, by, now=now)
    _publish(application, by, comments, suggested, now)
    after = queries.procedure(application).finish(queries.position(application), stage, facts.of(application))
    moves.stand_at(application, after, act="agree", by=by, now=now, stage=stage)


def _require_approval(application: Application, by: User, *, now: datetime) -> str:
    procedure = queries.procedure(application)
    for stage in procedure.open_stages(queries.position(application), facts.of(application)):
        if procedure.stages[stage].kind is StageKind.APPROVAL:
            moves.require_executor(application, by, procedure.executor_of(stage, application.process), now=now)
            return stage
    raise Conflict("app.err.stage_not_here")


def _publish(
    application: Application, by: User, comments: Mapping[str, str], suggested: Mapping[str, str], now: datetime
) -> None:
    """Keep what was written, and publish it with all that waited."""
    comment(application, by=by, comments=comments, suggested=suggested, now=now)
    own = select(HeadComment).where(
        HeadComment.application_id == application.id, HeadComment.by_id == by.id, HeadComment.published_at.is_(None)
    )
    talk.publish(db.session.scalars(own).unique(), round_=application.round, by=by, now=now)


def _one(application: Application, comment_id: int, by: User) -> AnyComment:
    """Return a comment or note that ``by`` may read.

    Raises:
        NotFound: there is none.
    """
    readable = (*queries.comments(application, user=by), *queries.notes(application, user=by))
    row = next((item for item in readable if item.id == comment_id), None)
    if row is None:
        raise NotFound
    return row


def answer_all(
    application: Application,
    answers: Mapping[int, str],
    *,
    seen: Mapping[int, int] = MappingProxyType({}),
    kinds: Mapping[int, str] = MappingProxyType({}),
    by: User,
    now: datetime,
) -> int:
    """Answer published comments and remarks on the applicant's behalf; return how many answers are new.

    ``answers`` maps ids of comments to words; an empty one leaves its comment unanswered.  ``seen``
    maps ids to how many steps of the comment were on the screen: what was not touched since stays.
    ``kinds`` says of an answer whether the thing was ``changed`` or is ``explained``.

    Raises:
        Invalid: an answer is too long.
        Conflict: the application is not in the author's hands, a comment is resolved, or somebody
            else has answered meanwhile.
        NotFound: there is no such comment.
    """
    process = queries.procedure(application).processes[application.process]
    if process.executor not in ANSWERING:
        raise Conflict("app.err.stage_not_here")
    moves.require_executor(application, by, process.executor)
    readable = queries.comments(application, user=by)
    return _answer(application, answers, readable, seen=seen, kinds=kinds, by=by, now=now)


def answer_notes(
    application: Application,
    answers: Mapping[int, str],
    *,
    seen: Mapping[int, int] = MappingProxyType({}),
    by: User,
    now: datetime,
) -> int:
    """Answer internal notes among colleagues; as ``answer_all``.

    Raises:
        NotPermitted: ``by`` is not of the Exchange, or the application has ended.
    """
    if not may_note(application, by):
        raise NotPermitted
    return _answer(application, answers, queries.notes(application, user=by), seen=seen, by=by, now=now)


def _answer(
    application: Application,
    answers: Mapping[int, str],
    readable: Sequence[AnyComment],
    *,
    seen: Mapping[int, int],
    kinds: Mapping[int, str] = MappingProxyType({}),
    by: User,
    now: datetime,
) -> int:
    rows = {row.id: row for row in readable}
    round_ = _round(application, by)
    written = 0
    for comment_id, raw in answers.items():
        row = rows.get(comment_id)
        if row is None:
            raise NotFound
        words, on_screen = raw.strip(), seen.get(comment_id, len(row.events))
        kind = kinds.get(comment_id, row.answered_as or "") or None
        if not words or (words in (row.answer, talk.answer_after(row, on_screen)) and kind == row.answered_as):
            continue
        if not row.is_unsettled:
            raise Conflict("err.already_done")
        if len(words) > LONGEST_COMMENT:
            raise Invalid.at(f"answer-{comment_id}", "app.err.comment_long", max=LONGEST_COMMENT)
        if len(row.events) > on_screen:
            raise Conflict("rounds.err.answered_meanwhile", user=row.events[-1].by.name)
        talk.answer(row, words, round_=round_, by=by, now=now, kind=kind)
        audit.record("comment_answered", f"application {application.number}", by=by.id, at=now, comment=comment_id)
        written += 1
    return written


def is_left(row: AnyComment, user: User) -> bool:
    """Tell whether a comment still waits for something that the side of ``user`` can do.

    A remark that was answered waits for the Exchange alone.
    """
    return row.is_unsettled and (user.is_exchange or row.kind != "remark" or row.state != "answered")


def may_settle(application: Application, row: AnyComment, user: User) -> bool:
    """Tell whether ``user`` may resolve and reopen a comment: who holds the office it was written in."""
    if row.published_at is None or queries.procedure(application).processes[application.process].final:
        return False
    if row.office:
        return queries.acts_as(application, user, row.office)
    return row.by_id == user.id or commenting_kind(application, user) == row.kind


def resolve(application: Application, comment_id: int, *, by: User, now: datetime) -> None:
    """Mark a comment as resolved: its author, or whoever holds his office now.

    Raises:
        NotPermitted: ``by`` does not hold the office in which it was written.
        Conflict: it is resolved already, or the application has ended.
    """
    row = _one(application, comment_id, by)
    _require_settling(application, row, by)
    if row.resolved_at is not None:
        raise Conflict("err.already_done")
    talk.resolve(row, round_=_round(application, by), by=by, now=now)
    audit.record("comment_resolved", f"application {application.number}", by=by.id, at=now, comment=comment_id)


def reopen(application: Application, comment_id: int, why: str, *, by: User, now: datetime) -> None:
    """Open an answered or resolved comment again, with the reason: its author, or whoever holds his office now.

    Raises:
        Invalid: no reason is given, or it is too long.
        NotPermitted: ``by`` does not hold the office in which it was written.
        Conflict: it is open, or the application has ended.
    """
    row = _one(application, comment_id, by)
    _require_settling(application, row, by)
    words, at = why.strip(), f"why-{comment_id}"
    if row.state not in ("answered", "resolved"):
        raise Conflict("err.already_done")
    if not words:
        raise Invalid.at(at, "err.reason_required")
    if len(words) > LONGEST_COMMENT:
        raise Invalid.at(at, "app.err.comment_long", max=LONGEST_COMMENT)
    talk.reopen(row, words, round_=_round(application, by), by=by, now=now)
    audit.record("comment_reopened", f"application {application.number}", by=by.id, at=now, comment=comment_id)


def _require_settling(application: Application, row: AnyComment, by: User) -> None:
    if queries.procedure(application).processes[application.process].final:
        raise Conflict("app.err.ended")
    if not may_settle(application, row, by):
        raise NotPermitted
