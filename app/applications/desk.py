"""The registration desk of the chancery: what is known of an application that has come, and the two answers to it.

Source: user manual, paragraph 23; IS2IN-23, 24.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import String, func, or_, select
from sqlalchemy import cast as cast_to

from app import bilingual, catalogue, db
from app.accounts.models import User
from app.applications import answering, attachments, checklist, effects, moves, queries, queueing, queues, verifying
from app.applications.answering import Typed
from app.applications.models import Answers, Application, Attachment, Document
from app.applications.queues import Entry
from app.bilingual import LANGUAGES, Texts
from app.errors import Conflict, Invalid, Problem
from app.organisations import queries as organisations
from app.signatures.report import Verdict
from app.terms import say, terms
from app.web import here
from app.workflows.machine import Procedure
from app.workflows.parts import Transition

REGISTER, REFUSE = "register", "refuse_registration"
LATELY = timedelta(days=180)
"""How long ago a registration still counts as another one of the same kind."""

LONGEST_TEXT = 4000
_REASON = "desk.reason."
_ISIN = re.compile(r'"([A-Z]{2}[A-Z0-9]{9}[0-9])"')


def reasons() -> list[str]:
    """Return the codes of the reasons for which registration is refused; what they say stands in the words."""
    return [key.removeprefix(_REASON) for key in terms() if key.startswith(_REASON)]


def way(procedure: Procedure, process: str, trigger: str = REGISTER) -> Transition | None:
    """Return the transition of the desk that begins in a process, None where there is none."""
    found = (each for each in procedure.transitions if (each.source, each.trigger) == (process, trigger))
    return next(found, None)


def is_at_desk(application: Application) -> bool:
    """Tell whether the application waits for its registration."""
    return way(queries.procedure(application), application.process) is not None


def arrivals(user: User, *, now: datetime) -> list[Entry]:
    """Return the applications that wait for their registration, in the order in which they came."""
    procedures = catalogue.present().procedures.procedures
    found = [each for each in queues.entries(user, now=now) if way(procedures[each.procedure], each.process)]
    return sorted(found, key=lambda entry: (entry.arrived, entry.id))


# What is known of one


@dataclass(frozen=True)
class SignatureState:
    """One signature of the document that was sent, judged anew; ``verdict`` is None where bytes are missing."""

    document: Document
    signature_id: int
    signer: str
    for_name: str | None
    at: datetime
    verdict: Verdict | None


@dataclass(frozen=True)
class Checks:
    """What the desk looks at.

    ``undone``: stages that are not done; ``missing``: documents that are asked for and not there; ``lost``: files
    whose bytes are gone or cut short.  ``same``: other applications of the organisation in the same procedure,
    live or registered lately; ``sisters``: those of them within the same other application, as is usual of the issues
    of a programme: told, and not warned of; ``isins``: each ISIN in its answers -> other applications that name it.
    ``past``: how many of the organisation's applications are live, archived and refused.
    """

    signatures: Sequence[SignatureState]
    undone: Sequence[str]
    missing: Sequence[str]
    lost: Sequence[str]
    files: int
    same: Sequence[Application]
    sisters: Sequence[Application]
    isins: dict[str, list[Application]]
    is_active: bool
    first_head: str
    past: dict[str, int]


def checks(application: Application, *, user: User, now: datetime, language: str) -> Checks:
    """Return what is known of an application that has come, as it was sent."""
    procedure = queries.procedure(application)
    standing = queries.position(application)
    first = procedure.processes[procedure.initial].stages
    rows = [row for row in attachments.rows(application) if _was_sent(application, row)]
    head = organisations.first_head(application.organisation)
    same = _same(application, user, now)
    sisters = [each for each in same if each.parent_id is not None and each.parent_id == application.parent_id]
    return Checks(
        signatures=_signatures(application),
        undone=[
            procedure.stages[key].title[language]
            for key in queries.applicant_stages(application)
            if key in first and not procedure.stages[key].optional and not standing.status(key).is_done
        ],
        missing=[
            item.wanted.field.label[language]
            for item in checklist.of(application, as_of=application.sent_at, for_exchange=True).missing
        ],
        lost=[row.name for row in rows if here.storage().size(row.sha256) != row.size],
        files=len(rows),
        same=[each for each in same if each not in sisters],
        sisters=sisters,
        isins={isin: _naming(isin, application, user) for isin in _isins(application)},
        is_active=application.organisation.is_active,
        first_head=head.name if head else "",
        past=_past(application, user),
    )


def _was_sent(application: Application, row: Attachment) -> bool:
    return application.sent_at is not None and attachments.was_sent(row, [application.sent_at])


def _signatures(application: Application) -> list[SignatureState]:
    document = next(
        (item for item in queries.documents(application) if item.kind == "application" and item.signatures), None
    )
    if document is None:
        return []
    found = []
    for signature in document.signatures:
        report = verifying.verified_again(document, signature)
        verdict = report.verdict if report else None
        signer, for_name = signature.signer_name, signature.for_name
        found.append(SignatureState(document, signature.id, signer, for_name, signature.at, verdict))
    return found


def _same(application: Application, user: User, now: datetime) -> list[Application]:
    procedure = queries.procedure(application)
    others = (
        select(Application)
        .where(
            queries.visible_to(user),
            Application.organisation_id == application.organisation_id,
            Application.id != application.id,
            Application.procedure.like(f"{procedure.key}.v%"),
            or_(Application.process.not_in(procedure.final), Application.registered_at >= now - LATELY),
        )
        .order_by(Application.id.desc())
        .limit(20)
    )
    return list(db.session.scalars(others).unique())


def _isins(application: Application) -> list[str]:
    """Return the ISINs that the application names, as it was sent."""
    stages = queries.applicant_stages(application)
    found: dict[str, None] = {}
    for stage, row in queries.answers(application, as_of=application.sent_at).items():
        if stage in stages:
            found |= dict.fromkeys(_ISIN.findall(json.dumps(row.values)))
    return list(found)[:10]


def _naming(isin: str, application: Application, user: User) -> list[Application]:
    """Return the other applications that the Exchange sees whose sent answers name a security."""
    named = select(Answers.application_id).where(
        Answers.application_id == Application.id,
        Answers.at <= Application.sent_at,
        cast_to(Answers.values, String).contains(f'"{isin}"', autoescape=True),
    )
    others = (
        select(Application)
        .where(queries.visible_to(user), Application.id != application.id, named.exists())
        .order_by(Application.id.desc())
        .limit(10)
    )
    return list(db.session.scalars(others).unique())


def _past(application: Application, user: User) -> dict[str, int]:
    own = (queries.visible_to(user), Application.organisation_id == application.organisation_id)
    refused = func.count().filter(Application.process == "refused")
    archived = func.count().filter(Application.archived_at.is_not(None))
    ends = {key for each in catalogue.present().procedures.procedures.values() for key in each.final}
    live = func.count().filter(Application.process.not_in(ends))
    row = db.session.execute(select(live, archived, refused).select_from(Application).where(*own)).one()
    return {"live": row[0], "archived": row[1], "refused": row[2]}


# The two answers


def register(
    application: Application, *, by: User, note: str, next_holder: int | None, seen: int, now: datetime
) -> None:
    """Register the application: its number and moment, and who takes up what comes next where one was chosen.

    Raises:
        Conflict: it has moved meanwhile, or does not wait here.
        Invalid: the note is too long, or the person chosen is not of the role.
        Held: a colleague holds it.
    """
    taken = _way(application, REGISTER, seen)
    stage = taken.stage or ""
    newest = queries.latest(application, stage)
    typed = Typed({"arrival_note": [note]}, seen=newest.revision if newest else 0)
    problems = answering.finish(application, stage, typed, by=by, now=now)
    if problems:
        raise Invalid(problems=problems)
    moves.fire(application, REGISTER, by=by, seen=application.version, now=now)
    queueing.choose_next(application, next_holder, by=by, now=now)


def refuse(application: Application, *, by: User, reason: str, texts: Texts, seen: int, now: datetime) -> None:
    """Refuse the registration, with a reason of the list and a text; the applicant reads both.

    ``texts`` are in both languages of the letter that quotes them.  They stand in the answers of the registration
    (``refusal_reason``, ``refusal_text``), and together in the history.

    Raises:
        Conflict: it has moved meanwhile, or does not wait here.
        Invalid: the reason is none of the list, or a language has no text, or too long a one.
        Held: a colleague holds it.
    """
    _way(application, REFUSE, seen)
    problems = [] if reason in reasons() else [Problem("reason", "desk.err.reason")]
    problems += bilingual.faults(texts, "text", missing="desk.err.text", long="app.err.comment_long", most=LONGEST_TEXT)
    if problems:
        raise Invalid(problems=problems)
    stage = _stage(queries.procedure(application), application.process)
    moves.require_executor(application, by, _executor(application), now=now)
    newest = queries.latest(application, stage)
    values = {**(newest.values if newest else {}), "refusal": {"refusal_reason": reason, "refusal_text": dict(texts)}}
    effects.save_answers(application, stage, values, by=by, now=now)
    words = {language: f"{say(_REASON + reason, language)}. {texts[language]}" for language in LANGUAGES}
    moves.fire(application, REFUSE, by=by, seen=seen, words=words, now=now)


@dataclass(frozen=True)
class Refusal:
    """Why a registration was refused: the code of the list, and the grounds in both languages."""

    reason: str
    texts: Texts


def refusal(application: Application) -> Refusal | None:
    """Return why the registration was refused, None where it was not."""
    procedure = queries.procedure(application)
    refused = next((each for each in procedure.transitions if each.trigger == REFUSE), None)
    if refused is None or application.process != refused.target:
        return None
    kept = queries.latest(application, _stage(procedure, refused.source))
    said = kept.values.get("refusal") if kept is not None else None
    if said is None:
        return None
    text = said["refusal_text"]  # a plain text where it was refused before both languages were asked
    return Refusal(said["refusal_reason"], bilingual.alike(text) if isinstance(text, str) else text)


def _stage(procedure: Procedure, process: str) -> str:
    registering = way(procedure, process)
    return (registering.stage if registering else None) or "registration"


def next_executor(application: Application) -> str:
    """Return who works on it once it is registered."""
    procedure = queries.procedure(application)
    found = way(procedure, application.process)
    return (procedure.processes[found.target].executor or "") if found else ""


def _executor(application: Application) -> str:
    found = way(queries.procedure(application), application.process)
    return found.by if found else ""


def _way(application: Application, trigger: str, seen: int) -> Transition:
    application.require_version(seen)
    found = way(queries.procedure(application), application.process, trigger)
    if found is None:
        raise Conflict("desk.err.not_here")
    return found
