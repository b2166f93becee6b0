"""What comes on paper during an outage: entered by the Exchange's people, received at the paper's own moment.

The officer who enters it is its author until it is handed in for registration; nobody of the organisation
sees it before.  From then on it is the organisation's own, and every further round goes electronically.
Source: user manual, paragraph 27; IS2IN-27.a.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app import db
from app.accounts.models import User
from app.applications import answering, attachments, effects, entering, filing, moves, queries, versions
from app.applications.attachments import Received
from app.applications.models import Application, Attachment, History, Outage, PaperIntake
from app.audit import operations as audit
from app.errors import Conflict, Invalid, NotPermitted
from app.forms.parts import Field
from app.organisations import queries as organisations
from app.organisations.models import Organisation
from app.workflows.guards import Position
from app.workflows.machine import Procedure
from app.workflows.parts import Transition

LONGEST_NAME = 300

_WORDS = {"kk": "Сканерленген көшірмелер", "ru": "Сканированные копии", "en": "Scans"}
SCANS = Field.model_validate(
    {
        "key": "scans",
        "type": "file",
        "label": _WORDS,
        "accept": ["pdf", "jpg", "png"],
        "max_files": 20,
        "max_size_mb": 50,
        "example": "scan.pdf",
    }
)
"""The scans of a paper, judged as the files of any field are."""


def begin(
    outage: Outage,
    *,
    procedure_key: str,
    company_id: int | None,
    received_at: datetime,
    brought_by: str,
    scans: Sequence[Received],
    by: User,
    now: datetime,
) -> Application:
    """Begin an application that came on paper; its scans are kept as the signed original.

    Raises:
        Invalid: the procedure or company is not among those offered, the moment lies outside the outage, nobody
            is said to have brought it, or the scans are missing or will not do.
        Conflict: the same paper has been entered already.
    """
    procedure = entering.chosen_procedure(procedure_key, "paper.err.procedure")
    company = entering.chosen_company(procedure, company_id)
    if received_at > now:
        raise Invalid.at("received_on", "paper.err.future")
    if received_at < outage.begins_at or (outage.ends_at is not None and received_at > outage.ends_at):
        raise Invalid.at("received_on", "paper.err.outside")
    brought_by = brought_by.strip()[:LONGEST_NAME]
    if not brought_by:
        raise Invalid.at("brought_by", "paper.err.brought_by")
    if not scans:
        raise Invalid.at("scans", "paper.err.scans")
    attachments.check(SCANS, "scans", scans, [])
    number = _entered_as(procedure, company, received_at, scans)
    if number is not None:
        raise Conflict("paper.err.twice", number=number)
    application = filing.begin(procedure, company, author=by, by=by, act="create", now=now, language=by.language)
    for file in scans:
        attachments.keep(application, attachments.PAPER, "scans", file, by=by, now=now)
    db.session.add(
        PaperIntake(
            application_id=application.id,
            outage_id=outage.id,
            received_at=received_at,
            brought_by=brought_by,
            by_id=by.id,
            at=now,
        )
    )
    _note(application, "receive_paper", brought_by, by=by, now=now)
    return application


def _entered_as(
    procedure: Procedure, company: Organisation, received_at: datetime, scans: Sequence[Received]
) -> str | None:
    """Return the number under which the same paper stands; two papers of one minute differ in their scans."""
    given = [file.draft.sha256 for file in scans if file.draft is not None]
    statement = (
        select(Application.number)
        .join(PaperIntake, PaperIntake.application_id == Application.id)
        .join(Attachment, Attachment.application_id == Application.id)
        .where(
            PaperIntake.received_at == received_at,
            Application.organisation_id == company.id,
            Application.procedure == procedure.name,
            Attachment.stage == attachments.PAPER,
            Attachment.sha256.in_(given),
        )
    )
    return db.session.scalar(statement.limit(1))


def _note(application: Application, act: str, words: str, *, by: User, now: datetime, **facts: Any) -> None:
    db.session.add(History(application_id=application.id, at=now, by_id=by.id, act=act, words=words))
    db.session.flush()
    audit.record(act, f"application {application.number}", by=by.id, at=now, **facts)


def scans(application: Application) -> list[Attachment]:
    """Return the scans of an application's paper."""
    return [row for row in attachments.rows(application) if row.stage == attachments.PAPER]


def _sending(procedure: Procedure) -> Transition:
    """Return the transition by which an application first comes to the Exchange."""
    road = procedure.main_road
    return next(each for each in procedure.transitions if "send_file" in each.effects and each.source in road)


def enter(application: Application, *, by: User, seen: int, now: datetime) -> None:
    """Hand an entered paper in for registration, as received at its own moment: the terms count from then.

    It becomes the application of the organisation's administrator, or else of its first head, who are told.

    Raises:
        NotPermitted: another desk enters it.
        Conflict: it did not come on paper, was handed in already, has moved since, or nobody of the
            organisation can act.
    """
    application.require_version(seen)
    intake = queries.intake(application)
    if intake is None or intake.entered_at is not None:
        raise Conflict("paper.err.entered")
    if not queries.enters(application, by):
        raise NotPermitted("paper.err.entered_by", who=application.author.name)
    people = organisations.people(application.organisation)
    owners = [one.user for one in people if one.is_admin] or [one.user for one in people if one.is_first_head]
    if not owners:
        raise Conflict("app.err.no_first_head")
    procedure = queries.procedure(application)
    way = _sending(procedure)
    for owner in owners:
        effects.assign(application, owner, "author", now=now)
    head = organisations.first_head(application.organisation)
    if head is not None:
        effects.assign(application, head, "first_head", now=now)
    intake.entered_at = now
    moves.stand_at(
        application,
        Position(way.target, queries.position(application).stages),
        act="enter_paper",
        by=by,
        now=intake.received_at,
        words=intake.brought_by,
        also={
            "author_id": owners[0].id,
            "author_for_id": application.organisation_id,
            "submitted_at": intake.received_at,
            "sent_at": now,
        },
    )
    db.session.expire(application, ["author"])
    answering.call_advisers(application, now=now)
    versions.record(application, "exchange", round_=application.round, by=by, now=now)
    _note(application, "entered_paper", "", by=by, now=now)
    moves.tell(application, [*way.notify, "first_head"], now=now, besides=by)
