"""The reviewers' verdicts on the listing criteria of an application."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app import db
from app.accounts.models import User
from app.applications import criteria, facts, moves, queries
from app.applications.criteria import Ruling
from app.applications.models import Application, CriterionVerdict, History
from app.audit import operations as audit
from app.errors import Conflict, Invalid, NotFound, NotPermitted, Problem
from app.forms.criteria import Finding
from app.terms import say
from app.workflows.parts import StageKind

LONGEST_NOTE = 2000
REVIEWERS = frozenset({"listing", "lawyer", "analyst", "listing_head"})
"""The executors who review; the chancery and the secretary only handle what was reviewed."""


@dataclass(frozen=True)
class Word:
    """What a reviewer says of a criterion; ``seen`` is the id of the last verdict on the screen, 0 if none."""

    verdict: str
    note: str
    seen: int


def reviewing_stage(application: Application, user: User) -> str | None:
    """Return the open stage of the Exchange's work in which ``user`` reviews now; None once a meeting is appointed."""
    if not user.is_exchange or application.sent_at is None or application.meeting_at or application.decided_at:
        return None
    procedure = queries.procedure(application)
    for stage in procedure.open_stages(queries.position(application), facts.of(application)):
        executor = procedure.executor_of(stage, application.process)
        is_work = procedure.stages[stage].kind is StageKind.WORK and executor in REVIEWERS
        if is_work and queries.acts_as(application, user, executor):
            return stage
    return None


def judge(
    application: Application, words: Mapping[str, Word], *, round_: int, by: User, now: datetime
) -> list[CriterionVerdict]:
    """Record verdicts on criteria (``Ruling.key`` -> word); what says nothing new is left out.

    ``round_`` is the round of the version that was on the screen.

    Raises:
        NotPermitted: ``by`` does not review the application now.
        NotFound: it has no such criterion.
        Conflict: it was sent anew, or somebody else has judged meanwhile.
        Invalid: a verdict is none, or differs from what the answers say without a note.
    """
    stage = reviewing_stage(application, by)
    if stage is None:
        raise NotPermitted
    executor = queries.procedure(application).executor_of(stage, application.process)
    moves.require_executor(application, by, executor, now=now)
    if round_ != application.round:
        raise Conflict("review.err.new_round")
    known = {ruling.key: ruling for ruling in criteria.rulings(application)}
    given: list[tuple[Ruling, Word]] = []
    problems: list[Problem] = []
    for key, word in words.items():
        ruling = known.get(key)
        if ruling is None:
            raise NotFound
        last = ruling.last
        if (word.verdict, word.note.strip()) == (ruling.verdict, last.note if last and ruling.is_settled else ""):
            continue
        if (last.id if last else 0) != word.seen:
            raise Conflict("review.err.judged", user=last.by.name if last else "")
        problems += _faults(ruling, word)
        given.append((ruling, word))
    if problems:
        raise Invalid(problems=problems)
    return [_add(application, ruling, word, stage=stage, by=by, now=now) for ruling, word in given]


def confirm(application: Application, *, round_: int, by: User, now: datetime) -> list[CriterionVerdict]:
    """Take over, for every criterion without a verdict that holds, what judging by the answers gives by itself.

    Raises:
        NotPermitted, Conflict: as for ``judge``.
    """
    waiting = [each for each in criteria.rulings(application) if not each.is_settled and criteria.default_of(each)]
    words = {each.key: Word(criteria.default_of(each), "", each.last.id if each.last else 0) for each in waiting}
    return judge(application, words, round_=round_, by=by, now=now)


def _faults(ruling: Ruling, word: Word) -> list[Problem]:
    if word.verdict not in criteria.VERDICTS:
        return [Problem(f"verdict-{ruling.key}", "review.err.verdict")]
    note, at = word.note.strip(), f"note-{ruling.key}"
    if len(note) > LONGEST_NOTE:
        return [Problem(at, "app.err.comment_long", {"max": LONGEST_NOTE})]
    if note:
        return []
    if word.verdict == criteria.NOT_APPLICABLE:
        return [Problem(at, "review.err.note_not_applicable")]
    expected = criteria.default_of(ruling)
    if expected and word.verdict != expected:
        return [Problem(at, "review.err.note_override")]
    if ruling.judged.finding is Finding.MISSING:
        return [Problem(at, "review.err.note_missing")]
    return []


def _add(
    application: Application, ruling: Ruling, word: Word, *, stage: str, by: User, now: datetime
) -> CriterionVerdict:
    criterion = ruling.judged.criterion
    row = CriterionVerdict(
        application_id=application.id,
        entry=ruling.entry,
        criteria=ruling.criteria,
        version=ruling.version,
        criterion=criterion.key,
        finding=str(ruling.judged.finding),
        basis=ruling.judged.basis,
        verdict=word.verdict,
        note=word.note.strip(),
        round=application.round,
        stage=stage,
        by=by,
        at=now,
    )
    language = application.language
    said = f"{criterion.title[language]} – {say(f'review.verdict.{word.verdict}', language)}"
    told = f"{said}: {row.note}" if row.note else said
    act = History(application_id=application.id, at=now, by_id=by.id, act="judge", stage=stage, words=told)
    db.session.add_all([row, act])
    db.session.flush()
    audit.record(
        "judged",
        f"application {application.number}",
        by=by.id,
        at=now,
        criterion=ruling.key,
        verdict=word.verdict,
        finding=row.finding,
    )
    return row
