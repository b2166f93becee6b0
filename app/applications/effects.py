"""The named consequences of transitions (``EFFECTS`` of the engine), and what they share with the verbs.

Each runs inside the transition's transaction, just before the application moves, and returns what it
changes of the application itself: columns that are written together with the new position.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask import has_app_context
from sqlalchemy import Dialect, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app import db
from app.accounts.models import User
from app.applications import bundles, comments, criteria, document, merging, queries, versions
from app.applications.models import (
    Answers,
    Application,
    Assignment,
    Comment,
    Counter,
    Document,
    HeadComment,
    Remark,
)
from app.audit import operations as audit
from app.errors import Conflict, Said
from app.forms import origins
from app.forms.compare import compare
from app.organisations import queries as organisations
from app.web import here
from app.web.templating import ZONE
from app.workflows.guards import ANSWERING

Values = Mapping[str, object]
"""Columns of the application."""

_COUNTER = db.table_of(Counter)
_COUNT = {
    dialect: insert(_COUNTER)
    .on_conflict_do_update(index_elements=["series"], set_={"value": _COUNTER.c.value + 1})
    .returning(_COUNTER.c.value)
    for dialect, insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}
"""The next number of a series, in the words of each database."""


def url(application: Application) -> str:
    """Return the address of the application's page, as mails give it."""
    return f"{here.config().base_url}/applications/{application.number}" if has_app_context() else ""


def next_number(series: str) -> int:
    """Take the next number of a series, from 1, without gaps: a rolled-back act gives its number back."""
    dialect: Dialect = db.session.get_bind().dialect
    return int(db.session.execute(_COUNT[dialect.name], {"series": series, "value": 1}).scalar_one())


def assign(application: Application, user: User, executor: str, *, now: datetime) -> None:
    """Make ``user`` an executor; a former one of the same kind keeps his sight (A11), colleagues act together."""
    known = False
    for row in application.assignments:
        if row.executor != executor:
            continue
        if row.user_id == user.id:
            row.is_current = known = True
        elif executor not in ANSWERING:
            row.is_current = False
    if not known:
        application.assignments.append(Assignment(user=user, executor=executor, at=now, is_current=True))
    db.session.flush()


def save_answers(
    application: Application,
    stage: str,
    values: dict[str, Any],
    *,
    by: User,
    now: datetime,
    unread: Mapping[str, Mapping[str, str]] | None = None,
    key: str | None = None,
    is_autosaved: bool = False,
    taken: Mapping[str, Any] | None = None,
) -> Answers:
    """Add a revision of a stage's answers; the database refuses the same revision twice.

    ``unread`` are the texts beside them that are no values yet (None: those that stand there, where no
    value was put).  ``key`` is the mark that the page gave its save.  ``taken`` maps paths to where their
    answers now come from; what else was known of that stays until the answer is edited.  What says the
    same adds no revision, unless a person now stands for what a page had saved by itself.  The audit
    says which fields changed, not what they say.
    """
    newest = queries.latest(application, stage)
    texts: dict[str, Any] = {path: dict(found) for path, found in (unread or {}).items()}
    if newest is not None and unread is None:
        texts = merging.standing_texts(newest.unread, newest.values, values)
    is_confirmed = newest is not None and newest.is_autosaved and not is_autosaved
    if newest is not None and (newest.values, newest.unread) == (values, texts) and not is_confirmed:
        return newest
    row = Answers(
        application_id=application.id,
        stage=stage,
        revision=(newest.revision if newest else 0) + 1,
        values=values,
        unread=texts,
        is_autosaved=is_autosaved,
        key=None if key is not None and merging.marked(application, stage, {key}, by) else key,
        origins={**origins.kept(newest.origins, newest.values, values), **(taken or {})} if newest else taken or {},
        by_id=by.id,
        at=now,
    )
    db.session.add(row)
    db.session.flush()
    changed = [change.path for change in compare(newest.values if newest else {}, values)]
    subject = f"answers {application.number} {stage}"
    audit.record("answered", subject, by=by.id, at=now, revision=row.revision, changed=changed)
    return row


def _freeze_document(application: Application, *, by: User, now: datetime) -> Values:
    """Begin a new round; the document of this round is made from the answers as they stand now."""
    versions.record(application, "first_head", round_=application.round + 1, by=by, now=now)
    return {"round": application.round + 1}


def _assign_first_head(application: Application, *, by: User, now: datetime) -> Values:
    first_head = organisations.first_head(application.organisation)
    if first_head is None:
        raise Conflict("app.err.no_first_head")
    assign(application, first_head, "first_head", now=now)
    return {}


def _call_respondent(application: Application, *, by: User, now: datetime) -> Values:
    """Make the organisation's administrators, or else its first head, executors of what the Exchange has begun.

    From now on it has been sent: it can no longer be deleted, and the Exchange reads what is sent back.
    """
    members = organisations.people(application.organisation)
    called = [member.user for member in members if member.is_admin] or [
        member.user for member in members if member.is_first_head
    ]
    if not called:
        raise Conflict("app.err.no_respondent", company=Said(application.organisation.names))
    for user in called:
        assign(application, user, "respondent", now=now)
    first_head = organisations.first_head(application.organisation)
    if first_head is not None:
        assign(application, first_head, "first_head", now=now)
    return {"submitted_at": application.submitted_at or now, "sent_at": now}


def _publish(application: Application, kind: type[Comment], by: User, now: datetime) -> Values:
    pending = select(kind).where(kind.application_id == application.id, kind.published_at.is_(None))
    comments.publish(db.session.scalars(pending).unique(), round_=application.round, by=by, now=now)
    return {}


def _publish_comments(application: Application, *, by: User, now: datetime) -> Values:
    return _publish(application, HeadComment, by, now)


def _publish_remarks(application: Application, *, by: User, now: datetime) -> Values:
    """Send the remarks that wait as one bundle, those that were reopened with the new ones."""
    together = bundles.waiting(application)
    _publish(application, Remark, by, now)
    if together:
        bundles.record(application, together, by=by, now=now)
    return {}


def _send_file(application: Application, *, by: User, now: datetime) -> Values:
    versions.record(application, "exchange", round_=application.round, by=by, now=now)
    criteria.pin(application, now=now)
    return {"submitted_at": application.submitted_at or now, "sent_at": now}


def _assign_number(application: Application, *, by: User, now: datetime) -> Values:
    year = now.astimezone(ZONE).year
    number = f"{year}/{next_number(f'registration-{year}'):05d}"
    return {"registration_number": number, "registered_at": now}


def _record_meeting(application: Application, *, by: User, now: datetime) -> Values:
    """Keep the date of the meeting: today's, unless its stage has recorded one."""
    return {"meeting_at": application.meeting_at or now.astimezone(ZONE).date().isoformat()}


def _record_decision(application: Application, *, by: User, now: datetime) -> Values:
    return {"decided_at": now}


def _deliver_letter(application: Application, *, by: User, now: datetime) -> Values:
    db.session.execute(
        update(Document)
        .where(Document.application_id == application.id, Document.kind == "letter", Document.delivered_at.is_(None))
        .values(delivered_at=now),
        execution_options={"synchronize_session": False},
    )
    return {}


def _make_letter(application: Application, *, by: User, now: datetime) -> Values:
    """Give the letter its outgoing number and make it; a page takes less than a tenth of a second."""
    year = now.astimezone(ZONE).year
    document.make_letter(application, by=by, number=f"{year}/{next_number(f'letter-{year}'):05d}", now=now)
    return {}


def _archive(application: Application, *, by: User, now: datetime) -> Values:
    return {"archived_at": now}


def _nothing_more(application: Application, *, by: User, now: datetime) -> Values:
    """The new process itself says it all: deleted, closed."""
    return {}


EFFECTS: dict[str, Callable[..., Values]] = {
    "freeze_document": _freeze_document,
    "assign_first_head": _assign_first_head,
    "publish_comments": _publish_comments,
    "publish_remarks": _publish_remarks,
    "send_file": _send_file,
    "assign_number": _assign_number,
    "record_meeting": _record_meeting,
    "record_decision": _record_decision,
    "make_letter": _make_letter,
    "deliver_letter": _deliver_letter,
    "archive": _archive,
    "close": _nothing_more,
    "delete": _nothing_more,
    "call_respondent": _call_respondent,
}
