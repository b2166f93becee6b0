"""The named consequences of transitions (``EFFECTS`` of the engine), and what they share with the verbs.

Each runs inside the transition's transaction, just before the application moves, and returns what it
changes of the application itself: columns that are written together with the new position.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask import has_app_context
from sqlalchemy import Dialect, select
from sqlalchemy.dialects import postgresql, sqlite

from app import db
from app.accounts.models import User
from app.applications import bundles, comments, criteria, letters, merging, queries, verifying, versions
from app.applications.models import (
    Answers,
    Application,
    Assignment,
    Comment,
    Counter,
    HeadComment,
    Letter,
    Remark,
)
from app.audit import operations as audit
from app.bilingual import Texts
from app.errors import Conflict, Said
from app.forms import origins
from app.forms.compare import compare
from app.organisations import queries as organisations
from app.organisations.models import Organisation
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


def assign(
    application: Application, user: User, executor: str, *, now: datetime, place: Organisation | None = None
) -> None:
    """Make ``user`` an executor; a former one of the same kind keeps his sight (A11), colleagues act together.

    ``place`` is the organisation for which he is to work on it, None: the one that follows from what he becomes.
    """
    known, works_for = False, place.id if place is not None else _works_for(application, user, executor)
    for row in application.assignments:
        if row.executor != executor:
            continue
        if row.user_id == user.id:
            row.is_current = known = True
            row.organisation_id = works_for
        elif executor not in ANSWERING:
            row.is_current = False
    if not known:
        row = Assignment(user=user, organisation_id=works_for, executor=executor, at=now, is_current=True)
        application.assignments.append(row)
    db.session.flush()


def _works_for(application: Application, user: User, executor: str) -> int | None:
    """Return for which of his organisations somebody becomes an executor: the applicant, or else its partner."""
    found = {member.organisation_id: member.organisation for member in user.memberships if member.is_active}
    own = application.organisation_id
    if own in found and executor != "adviser":
        return own
    partners = [row.partner_id for row in organisations.partnerships(application.organisation)] if found else []
    theirs = [ident for ident in partners if ident in found and ident != own]
    theirs.sort(key=lambda ident: (executor == "adviser") != (found[ident].kind == "adviser"))
    return next(iter([*theirs, *found]), None)


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
    if application.parent_id is not None:  # in line with the parent's own acts, which may wait for what is within it
        db.session.execute(select(Application.id).where(Application.id == application.parent_id).with_for_update())
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


def _paper(application: Application, kind: str) -> Letter | None:
    """Return the signed paper of a kind that has not left yet; newest first."""
    return next((each for each in letters.of(application) if _is_ready(each, kind)), None)


def _is_ready(letter: Letter, kind: str) -> bool:
    if letter.kind != kind or not letter.stage or letter.sent_at is not None or not letter.signatures:
        return False
    return letters.present(letter.application, letter.stage) is letter


def send_paper(letter: Letter, *, by: User | None, now: datetime) -> None:
    """Give a letter its outgoing number and send it; its signature is verified once more before.

    Raises:
        Conflict: the signature no longer holds.
    """
    if letter.document is not None:
        verifying.require_holding(letter.document)
    year = letters.year_of(now)
    number = f"{year}/{next_number(f'letter-{year}'):05d}" if letter.kind == "letter" else ""
    letters.send(letter, number=number, by=by, now=now)


def _make_letter(application: Application, *, by: User, now: datetime) -> Values:
    """Send the signed letter; a page of paper takes less than a tenth of a second."""
    letter = _paper(application, "letter")
    if letter is None:
        raise Conflict("letter.err.not_signed")
    send_paper(letter, by=by, now=now)
    return {}


def _deliver_conclusion(application: Application, *, by: User, now: datetime) -> Values:
    """Give the organisation the signed conclusion, where the procedure has come to one."""
    conclusion = _paper(application, "conclusion")
    if conclusion is not None:
        send_paper(conclusion, by=by, now=now)
    return {}


LETTERS = {
    "letter_refused": "refused",
    "letter_incomplete": "incomplete",
    "letter_remarks": "remarks",
    "letter_withdrawn": "withdrawn",
    "letter_discontinued": "discontinued",
    "letter_unanswered": "unanswered",
}
"""Effect -> the template of the letter that it writes."""


def _write_letter(
    application: Application, effect: str, *, by: User | None, words: str | Texts, now: datetime
) -> Values:
    """Write a letter of its template: for the authorised person to sign, or sent by the system where nobody acts."""
    letter = letters.write(application, LETTERS[effect], by=by, reason=words, now=now)
    if by is None:
        letter.is_automatic = True
        send_paper(letter, by=None, now=now)
    return {}


def carry_out(name: str, application: Application, *, by: User | None, words: str | Texts, now: datetime) -> Values:
    """Carry out an effect; ``words`` are the reason that was given with the transition."""
    if name in LETTERS:
        return _write_letter(application, name, by=by, words=words, now=now)
    return EFFECTS[name](application, by=by, now=now)


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
    "deliver_letter": _nothing_more,  # it is delivered as soon as it is sent: the organisation finds it here
    "deliver_conclusion": _deliver_conclusion,
    "archive": _archive,
    "close": _nothing_more,
    "delete": _nothing_more,
    "call_respondent": _call_respondent,
}
