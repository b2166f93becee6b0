"""The reviewers' word on documents: accepted, or not accepted and why.

A decision is like a remark: the Exchange's people see it at once, the applicant's side when the process
in which it was made has ended.
"""

from __future__ import annotations

from datetime import datetime

from app import db
from app.accounts.models import User
from app.applications import attachments, checklist, facts, moves, queries
from app.applications.models import Application, AttachmentDecision, History
from app.audit import operations as audit
from app.errors import Conflict, Invalid, NotFound, NotPermitted
from app.workflows.parts import StageKind

LONGEST_REASON = 2000


def deciding_stage(application: Application, user: User) -> str | None:
    """Return the open stage of the Exchange's own work in which ``user`` may decide on documents now, or None."""
    procedure = queries.procedure(application)
    if not user.is_exchange or not application.sent_at:
        return None
    for stage in procedure.open_stages(queries.position(application), facts.of(application)):
        executor = procedure.executor_of(stage, application.process)
        if procedure.stages[stage].kind is StageKind.WORK and queries.acts_as(application, user, executor):
            return stage
    return None


def decide(
    application: Application,
    attachment_id: int,
    *,
    accepted: bool,
    reason: str,
    seen: int,
    by: User,
    now: datetime,
) -> AttachmentDecision:
    """Record that a document that was sent is accepted, or is not and why.

    ``seen`` is the id of the last decision on it that was on the screen, 0 if there was none.

    Raises:
        NotPermitted: ``by`` has no open work on this application.
        NotFound: it is not among the files last sent.
        Conflict: somebody else has decided meanwhile.
        Invalid: it is not accepted without a reason.
    """
    stage = deciding_stage(application, by)
    if stage is None:
        raise NotPermitted
    executor = queries.procedure(application).executor_of(stage, application.process)
    moves.require_executor(application, by, executor, now=now)
    row = attachments.one(application, attachment_id)
    if row.stage not in queries.applicant_stages(application) or application.sent_at is None:
        raise NotFound
    if not attachments.was_sent(row, [application.sent_at]):
        raise NotFound
    last = checklist.decisions(application).get(row.id)
    if (last.id if last else 0) != seen:
        raise Conflict("file.err.decided")
    reason = reason.strip()[:LONGEST_REASON]
    if not accepted and not reason:
        raise Invalid.at(f"reason-{row.id}", "file.err.reason")
    decision = AttachmentDecision(
        application_id=application.id,
        attachment_id=row.id,
        accepted=accepted,
        reason="" if accepted else reason,
        by=by,
        at=now,
    )
    db.session.add(decision)
    act = "accept_document" if accepted else "reject_document"
    words = row.name if accepted else f"{row.name}: {reason}"
    db.session.add(History(application_id=application.id, at=now, by_id=by.id, act=act, stage=stage, words=words))
    db.session.flush()
    audit.record(act, f"application {application.number}", by=by.id, at=now, attachment=row.id, sha256=row.sha256)
    return decision
