"""The versions of an application that have been sent: which there are, and what each of them says.

A version is a set of revisions of answers, written down at its sending; revisions never change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import and_, false, func, or_, select

from app import db
from app.accounts.models import User
from app.applications import holders, queries
from app.applications.models import Answers, AnyComment, Application, CommentEvent, History, SentVersion
from app.workflows.guards import ANSWERING, StageStatus

SENDINGS = {"freeze_document": "first_head", "send_file": "exchange"}
"""The effects of the transitions that send a version, and to whom."""


@dataclass(frozen=True)
class Version:
    """What an application said at one moment; ``number`` counts its versions from 1, 0 is what stands now.

    ``revisions`` maps stages to the revision of their answers, ``skipped`` are the stages passed over,
    ``forms`` the versions of the forms.  ``exchange_at`` is empty while the Exchange has not been sent it.
    """

    number: int
    round: int
    revisions: Mapping[str, int]
    skipped: frozenset[str]
    forms: Mapping[str, int]
    at: datetime | None = None
    by: str = ""
    exchange_at: datetime | None = None
    rows: frozenset[int] = field(default=frozenset(), compare=False)


def record(application: Application, addressee: str, *, round_: int, by: User, now: datetime) -> SentVersion:
    """Write down what the application says as it is sent to ``addressee``: first_head or exchange."""
    present = now_standing(application)
    row = SentVersion(
        application_id=application.id,
        addressee=addressee,
        round=round_,
        revisions=dict(present.revisions),
        skipped=sorted(present.skipped),
        forms=dict(present.forms),
        by_id=by.id,
        at=now,
    )
    db.session.add(row)
    db.session.flush()
    return row


def now_standing(application: Application) -> Version:
    """Return what the application says now, sent or not."""
    stages = queries.applicant_stages(application)
    statement = (
        select(Answers.stage, func.max(Answers.revision))
        .where(Answers.application_id == application.id, Answers.stage.in_(stages))
        .group_by(Answers.stage)
    )
    revisions = {stage: int(number) for stage, number in db.session.execute(statement)}
    standing = queries.position(application)
    skipped = frozenset(stage for stage in stages if standing.status(stage) is StageStatus.SKIPPED)
    return Version(0, application.round, revisions, skipped, application.forms)


def sent(application: Application, *, user: User) -> list[Version]:
    """Return the versions that ``user`` may read, oldest first.

    The applicant's people read all that went to their first head; the Exchange's what was sent to it.
    """
    rows = db.session.scalars(
        select(SentVersion).where(SentVersion.application_id == application.id).order_by(SentVersion.id)
    ).unique()
    found: list[Version] = []
    for row in rows:
        to_exchange = row.addressee == "exchange"
        last = found[-1] if found else None
        if to_exchange and last is not None and last.round == row.round and last.exchange_at is None:
            found[-1] = _version(row, last.number, last.at, last.by, row.at, last.rows)
        else:
            found.append(_version(row, len(found) + 1, row.at, row.by.name, row.at if to_exchange else None))
    return [version for version in found if version.exchange_at is not None or not user.is_exchange]


def _version(
    row: SentVersion,
    number: int,
    at: datetime | None,
    by: str,
    exchange_at: datetime | None,
    rows: frozenset[int] = frozenset(),
) -> Version:
    return Version(
        number, row.round, row.revisions, frozenset(row.skipped), row.forms, at, by, exchange_at, rows | {row.id}
    )


def values(application: Application, versions: Sequence[Version]) -> list[dict[str, Mapping[str, Any]]]:
    """Return what each of ``versions`` says, stage -> form key -> values; a stage passed over says nothing."""
    wanted = {(stage, revision) for version in versions for stage, revision in version.revisions.items()}
    rows = db.session.execute(
        select(Answers.stage, Answers.revision, Answers.values).where(
            Answers.application_id == application.id,
            or_(false(), *(and_(Answers.stage == stage, Answers.revision == number) for stage, number in wanted)),
        )
    )
    found = {(stage, revision): said for stage, revision, said in rows}
    return [
        {
            stage: found[stage, revision]
            for stage, revision in version.revisions.items()
            if stage not in version.skipped and (stage, revision) in found
        }
        for version in versions
    ]


def on_the_table(application: Application, *, user: User) -> Version | None:
    """Return the version that ``user`` reads now: the Exchange's people and the first head the last one sent
    to them, the author, while the application is in his hands, what stands now."""
    known = sent(application, user=user)
    if not user.is_exchange and queries.procedure(application).processes[application.process].executor in ANSWERING:
        return now_standing(application)
    return known[-1] if known else None


def standing_as_sent(application: Application, *, user: User) -> Version | None:
    """Return the last version that ``user`` may read, if what the application says now is still that.

    None while the author has it in hand, and for what he changed and never sent, then withdrew.
    """
    if queries.procedure(application).processes[application.process].executor in ANSWERING:
        return None
    known, now = sent(application, user=user), now_standing(application)
    last = known[-1] if known else None
    is_same = last is not None and (last.revisions, last.skipped, last.forms) == (now.revisions, now.skipped, now.forms)
    return last if is_same else None


def last_worked_on(application: Application, *, user: User, before: Version) -> Version | None:
    """Return the last version before ``before`` that ``user`` did anything about, None if there is none.

    A look alone leaves no trace; whoever has done nothing yet is shown everything.
    """
    known = [item for item in sent(application, user=user) if not before.number or item.number < before.number]
    rounds = _rounds_of_words(application, user)
    mine = _sendings_before_acts(application, user)
    for version in reversed(known):
        if version.round in rounds or any(row in mine for row in version.rows):
            return version
    return None


def _rounds_of_words(application: Application, user: User) -> set[int]:
    """Return the rounds in which ``user`` wrote, answered or settled a comment."""
    written = select(AnyComment.round).where(AnyComment.application_id == application.id, AnyComment.by_id == user.id)
    settled = (
        select(CommentEvent.round)
        .join(AnyComment, AnyComment.id == CommentEvent.comment_id)
        .where(AnyComment.application_id == application.id, CommentEvent.by_id == user.id)
    )
    return {*db.session.scalars(written), *db.session.scalars(settled)}


def _sendings_before_acts(application: Application, user: User) -> set[int]:
    """Return the ids of the sendings that were the last to reach ``user`` when he acted; acts stand in their order."""
    sendings = {
        (item.trigger, item.source): SENDINGS[effect]
        for procedure in reversed(queries.versions_of(queries.procedure(application)))
        for item in procedure.transitions
        for effect in item.effects
        if effect in SENDINGS
    }
    waiting: dict[str, list[int]] = {}
    for ident, addressee in db.session.execute(
        select(SentVersion.id, SentVersion.addressee)
        .where(SentVersion.application_id == application.id)
        .order_by(SentVersion.id.desc())
    ):
        waiting.setdefault(addressee, []).append(ident)
    last: dict[str, int] = {}
    found: set[int] = set()
    acts = select(History.act, History.source, History.by_id).where(History.application_id == application.id)
    for act, source, by_id in db.session.execute(acts.order_by(History.id)):
        reader = sendings.get((act, source))
        if reader is not None and waiting.get(reader):
            last[reader] = waiting[reader].pop()
        if by_id == user.id and act not in holders.ACTS:
            reached = [last.get("exchange")] if user.is_exchange else [*last.values()]
            found |= {ident for ident in reached if ident is not None}
    return found
