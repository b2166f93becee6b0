"""The first head's approval: comment, save, return for rework, agree.  The reviewers' remarks too.

Source: user manual, paragraph 20; readings A22, A24.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import update

from app import db
from app.accounts.models import User
from app.applications import facts, moves, queries, summary
from app.applications.models import Application, Comment
from app.audit import operations as audit
from app.errors import Conflict, Invalid, NotFound, NotPermitted
from app.workflows.parts import StageKind

LONGEST_COMMENT = 4000


def commenting_kind(application: Application, user: User) -> str | None:
    """Return which kind of comment ``user`` may write now: the first head's, a reviewer's remark, or none."""
    procedure = queries.procedure(application)
    known = facts.of(application)
    for stage in procedure.open_stages(queries.position(application), known):
        kind = procedure.stages[stage].kind
        if kind not in (StageKind.APPROVAL, StageKind.WORK):
            continue
        if queries.acts_as(application, user, procedure.executor_of(stage, application.process)):
            if kind is StageKind.APPROVAL:
                return "comment"
            from_here = (item for item in procedure.transitions if item.source == application.process)
            if any("publish_remarks" in item.effects for item in from_here):
                return "remark"
    return None


def comment(application: Application, *, by: User, comments: Mapping[str, str], now: datetime) -> int:
    """Keep what was written in the comment windows, not yet published («Жалғастыру»); return how many.

    ``comments`` maps ``stage.field path`` of the summary form to words; an empty one takes a
    pending comment of the same author back.

    Raises:
        Invalid: a comment names no field of the summary form, or is too long.
        NotPermitted: ``by`` may not comment now.
    """
    kind = commenting_kind(application, by)
    if kind is None:
        raise NotPermitted
    fields = summary.texts(application, as_of=application.sent_at if kind == "remark" else None)
    pending = {
        f"{row.stage}.{row.field}": row
        for row in queries.comments(application, user=by)
        if row.by_id == by.id and row.published_at is None
    }
    written = 0
    for place, raw in comments.items():
        words, own = raw.strip(), pending.get(place)
        if place not in fields and words:
            raise Invalid.at(place, "app.err.comment_field", field=place)
        if len(words) > LONGEST_COMMENT:
            raise Invalid.at(place, "app.err.comment_long", max=LONGEST_COMMENT)
        if own is not None and not words:
            db.session.delete(own)
        elif own is not None and words != own.words:
            own.words, own.at = words, now
        elif own is None and words:
            stage, _, field = place.partition(".")
            row = Comment(
                application_id=application.id,
                kind=kind,
                stage=stage,
                field=field,
                words=words,
                quoted=fields[place],
                round=application.round,
                by_id=by.id,
                at=now,
            )
            db.session.add(row)
        else:
            continue
        written += 1
    db.session.flush()
    return written


def save(application: Application, *, by: User, comments: Mapping[str, str], now: datetime) -> None:
    """Publish the first head's comments with their moment, and stay («Сақтау», IS2IN-20.c, 20.i)."""
    _require_approval(application, by)
    comment(application, by=by, comments=comments, now=now)
    _publish(application, by, now)
    audit.record("comments_saved", f"application {application.number}", by=by.id, at=now)


def return_for_rework(
    application: Application, *, by: User, comments: Mapping[str, str], seen: int, now: datetime
) -> None:
    """Give the application back to its author with at least one comment (IS2IN-20.d).

    Raises:
        Conflict: no comment has been left in this round.
    """
    _require_approval(application, by)
    comment(application, by=by, comments=comments, now=now)
    _publish(application, by, now)
    moves.fire(application, "return_for_rework", by=by, seen=seen, now=now)


def agree(application: Application, *, by: User, comments: Mapping[str, str], seen: int, now: datetime) -> None:
    """Record that the first head agrees, and open the signing (IS2IN-20.e).

    Open comments do not hold the application back (A24); pending ones are published.

    Raises:
        Conflict: the application has moved since, or does not stand in this stage.
    """
    application.require_version(seen)
    stage = _require_approval(application, by)
    comment(application, by=by, comments=comments, now=now)
    _publish(application, by, now)
    after = queries.procedure(application).finish(queries.position(application), stage, facts.of(application))
    moves.stand_at(application, after, act="agree", by=by, now=now, stage=stage)


def _require_approval(application: Application, by: User) -> str:
    procedure = queries.procedure(application)
    for stage in procedure.open_stages(queries.position(application), facts.of(application)):
        if procedure.stages[stage].kind is StageKind.APPROVAL:
            moves.require_executor(application, by, procedure.executor_of(stage, application.process))
            return stage
    raise Conflict("app.err.stage_not_here")


def _publish(application: Application, by: User, now: datetime) -> None:
    db.session.execute(
        update(Comment)
        .where(
            Comment.application_id == application.id,
            Comment.kind == "comment",
            Comment.by_id == by.id,
            Comment.published_at.is_(None),
        )
        .values(published_at=now, at=now),
        execution_options={"synchronize_session": False},
    )
    db.session.expire_all()


def _comment(application: Application, comment_id: int, by: User) -> Comment:
    row = next((item for item in queries.comments(application, user=by) if item.id == comment_id), None)
    if row is None:
        raise NotFound
    return row


def answer_all(application: Application, answers: Mapping[int, str], *, by: User, now: datetime) -> int:
    """Answer published comments and remarks on the applicant's behalf; return how many answers are new.

    ``answers`` maps ids of comments to words; an empty one leaves its comment unanswered.

    Raises:
        Invalid: an answer is too long.
        Conflict: the application is not in the author's hands, or a comment is resolved.
        NotFound: there is no such comment.
    """
    process = queries.procedure(application).processes[application.process]
    if process.executor != "author":
        raise Conflict("app.err.stage_not_here")
    moves.require_executor(application, by, "author")
    written = 0
    for comment_id, raw in answers.items():
        row = _comment(application, comment_id, by)
        words = raw.strip()
        if not words or words == row.answer:
            continue
        if row.state not in ("open", "answered"):
            raise Conflict("err.already_done")
        if len(words) > LONGEST_COMMENT:
            raise Invalid.at(f"answer-{comment_id}", "app.err.comment_long", max=LONGEST_COMMENT)
        row.answer, row.answered_by_id, row.answered_at = words, by.id, now
        audit.record("comment_answered", f"application {application.number}", by=by.id, at=now, comment=comment_id)
        written += 1
    return written


def resolve(application: Application, comment_id: int, *, by: User, now: datetime) -> None:
    """Mark a comment as resolved: its author, or whoever holds his office now.

    Raises:
        NotPermitted: ``by`` neither wrote it nor may write such comments now.
        Conflict: it is resolved already.
    """
    row = _comment(application, comment_id, by)
    if queries.procedure(application).processes[application.process].final:
        raise Conflict("app.err.ended")
    if row.by_id != by.id and commenting_kind(application, by) != row.kind:
        raise NotPermitted
    if row.resolved_at is not None:
        raise Conflict("err.already_done")
    row.resolved_at = now
    audit.record("comment_resolved", f"application {application.number}", by=by.id, at=now, comment=comment_id)
