"""The conclusion of the Exchange: drafted from verdicts, remarks and opinions, argued, returned by the head.

Its text is the answers of the stage ``conclusion``; here it is composed, in whole sentences, for the listing
officer to edit.  What is said of a draft stays with the Exchange.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app import db
from app.accounts.models import User
from app.applications import addressees, answering, criteria, facts, moves, queries
from app.applications.criteria import NOT_APPLICABLE, NOT_MET, Subject
from app.applications.models import Application, ConclusionNote, History, Remark
from app.audit import operations as audit
from app.errors import Conflict, Invalid
from app.forms.criteria import Datum
from app.forms.definitions import Form
from app.notifications import operations as notifications
from app.terms import say
from app.web.templating import date_text
from app.workflows.guards import StageStatus
from app.workflows.machine import Procedure
from app.workflows.parts import StageKind

STAGE, APPROVAL = "conclusion", "conclusion_approval"
TEXT, RECOMMENDATION = "conclusion_text", "recommendation"
LONGEST_WORDS = 4000
LONGEST_DRAFT = 9_500
"""Signs of a draft in one language; the form takes a little more, for the officer's own words."""


@dataclass(frozen=True)
class Draft:
    """A composed conclusion: its text by language, and the recommendation that the verdicts suggest."""

    text: dict[str, str]
    recommendation: str


def form_of(application: Application) -> Form | None:
    """Return the form that holds the text of the conclusion; None where the procedure has none."""
    if STAGE not in queries.procedure(application).stages:
        return None
    forms = answering.simple_forms(application, STAGE)
    return next((form for form in forms if any(asked.key == TEXT for asked in form.fields)), None)


def is_here(application: Application) -> bool:
    """Tell whether the application stands in the process in which its conclusion is drafted and approved."""
    procedure = queries.procedure(application)
    return STAGE in procedure.processes[application.process].stages


def may_draft(application: Application, user: User) -> bool:
    """Tell whether ``user`` drafts the conclusion now."""
    if not is_here(application) or form_of(application) is None:
        return False
    procedure = queries.procedure(application)
    opened = procedure.open_stages(queries.position(application), facts.of(application))
    return STAGE in opened and queries.acts_as(application, user, procedure.executor_of(STAGE, application.process))


def may_return(application: Application, user: User) -> bool:
    """Tell whether ``user`` may return the draft now: the head, once it was sent to him."""
    procedure = queries.procedure(application)
    if not is_here(application) or APPROVAL not in procedure.processes[application.process].stages:
        return False
    is_sent = queries.position(application).status(STAGE) is StageStatus.FILLED
    executor = procedure.executor_of(APPROVAL, application.process)
    return is_sent and queries.acts_as(application, user, executor)


def compose(application: Application) -> Draft:
    """Return the draft that verdicts, remarks and opinions give now, in Kazakh and Russian."""
    subjects = criteria.of(application)
    form = form_of(application)
    failed = any(ruling.verdict == NOT_MET for subject in subjects for ruling in subject.rulings)
    options: dict[str, Any] = {}
    if form is not None:
        options = next((dict(asked.options or {}) for asked in form.fields if asked.key == RECOMMENDATION), {})
    wanted = criteria.NEGATIVE if failed else criteria.POSITIVE
    recommendation = next((key for key in options if key in wanted), "")
    text = {}
    for language in ("kk", "ru"):
        words = options[recommendation][language] if recommendation else ""
        text[language] = "\n".join(_lines(application, subjects, language, words))[:LONGEST_DRAFT]
    return Draft(text, recommendation)


def _lines(application: Application, subjects: Iterable[Subject], language: str, recommendation: str) -> list[str]:
    procedure = queries.procedure(application)
    lines = [
        say("draft.title", language),
        say("draft.procedure", language, title=procedure.title[language]),
        say("draft.company", language, company=application.organisation.names[language]),
        say("draft.application", language, number=application.number),
    ]
    if application.registration_number:
        at = date_text(application.registered_at)
        lines.append(say("draft.registered", language, number=application.registration_number, date=at))
    for subject in subjects:
        lines += ["", *_of_subject(subject, language)]
    lines += ["", *_of_remarks(application, language)]
    lines += _of_opinions(application, procedure, language)
    if recommendation:
        lines += ["", say("draft.recommendation", language, words=recommendation)]
    return lines


def _of_subject(subject: Subject, language: str) -> list[str]:
    keys = [asked.text(subject.keys.get(asked.key), language) for asked in subject.form.keys]
    named = [subject.form.path_text(subject.path, language), *(words for words in keys if words)]
    lines = [say("draft.security", language, words=", ".join(named))]
    counted = dict.fromkeys((*criteria.VERDICTS, ""), 0)
    for ruling in subject.rulings:
        counted[ruling.verdict] += 1
    lines.append(
        say(
            "draft.counts",
            language,
            total=len(subject.rulings),
            met=counted[criteria.MET],
            not_met=counted[NOT_MET],
            not_applicable=counted[NOT_APPLICABLE],
            waiting=counted[""],
        )
    )
    for verdict, heading in (
        (NOT_MET, "draft.not_met"),
        (NOT_APPLICABLE, "draft.not_applicable"),
        ("", "draft.waiting"),
    ):
        told = [ruling for ruling in subject.rulings if ruling.verdict == verdict]
        if told:
            lines.append(say(heading, language))
        for number, ruling in enumerate(told, 1):
            line = f"{number}) {ruling.judged.criterion.title[language]}."
            data = _data(ruling.judged.data, ruling.judged.threshold, language)
            if verdict == NOT_MET and data:
                line += " " + say("draft.data", language, words=data)
            if verdict and ruling.last is not None and ruling.last.note:
                line += " " + say("draft.note", language, words=ruling.last.note)
            lines.append(line)
    return lines


def _data(data: Iterable[Datum], threshold: Datum | None, language: str) -> str:
    shown = [*data, *([threshold] if threshold is not None else [])]
    return "; ".join(f"{each.field.label[language]} – {each.text(language) or '—'}" for each in shown)


def _of_remarks(application: Application, language: str) -> list[str]:
    sent = (Remark.application_id == application.id, Remark.published_at.is_not(None))
    rows = db.session.scalars(select(Remark).where(*sent)).unique().all()
    if not rows:
        return [say("draft.no_remarks", language)]
    resolved = sum(1 for row in rows if row.resolved_at is not None)
    return [say("draft.remarks", language, total=len(rows), resolved=resolved, left=len(rows) - resolved)]


def _of_opinions(application: Application, procedure: Procedure, language: str) -> list[str]:
    """Return the opinions of the departments, as the last round of review left them."""
    standing, answers = queries.position(application), queries.answers(application)
    lines = []
    for key, stage in procedure.stages.items():
        if stage.kind is not StageKind.WORK or key not in answers or standing.status(key) is not StageStatus.FILLED:
            continue
        for form in answering.simple_forms(application, key):
            asked = next((each for each in form.fields if each.key == "opinion"), None)
            value = answers[key].values.get(form.key, {}).get("opinion")
            if asked is not None and value:
                words = asked.text(value, language)
                lines.append(say("draft.opinion", language, stage=stage.title[language], words=words))
    return lines


def write_draft(application: Application, *, seen: int, replace: bool, by: User, now: datetime) -> Draft:
    """Put the composed draft into the stage of the conclusion, for its executor to edit.

    ``seen`` is the revision of the stage's answers that was on the screen; ``replace``: a text that stands there
    may be given up (it stays among the revisions).

    Raises:
        NotPermitted, Conflict: the stage is not ``by``'s or not open, or was changed since.
        Invalid: a text stands there and may not be given up.
    """
    answering.require_stage(application, STAGE, by)
    form = form_of(application)
    if form is None:
        raise Conflict("app.err.stage_not_here")
    newest = queries.latest(application, STAGE)
    if (newest.revision if newest else 0) != seen:
        raise Conflict("review.err.draft_changed", user=newest.by.name if newest else "")
    held = dict(newest.values) if newest else {}
    own = dict(held.get(form.key, {}))
    if own.get(TEXT) and not replace:
        raise Invalid.at("replace", "review.err.draft_stands")
    draft = compose(application)
    own[TEXT] = draft.text
    if draft.recommendation:
        own[RECOMMENDATION] = draft.recommendation
    answering.store(application, STAGE, {**held, form.key: form.settled(own)}, act="draft_conclusion", by=by, now=now)
    return draft


def argue(application: Application, words: str, *, by: User, now: datetime) -> ConclusionNote:
    """Say why the conclusion differs from the verdicts on the criteria; only the Exchange reads it.

    Raises:
        NotPermitted, Conflict: the stage of the conclusion is not ``by``'s or not open.
        Invalid: nothing is said, or too much.
    """
    answering.require_stage(application, STAGE, by)
    return _note(application, "argued", words, "argument", STAGE, by=by, now=now)


def return_draft(application: Application, words: str, *, seen: int, by: User, now: datetime) -> ConclusionNote:
    """Give the draft back to the listing officer with words, which only the Exchange reads.

    Raises:
        NotPermitted: ``by`` does not approve it.
        Conflict: the application has moved since, or no draft was sent.
        Invalid: nothing is said, or too much.
    """
    application.require_version(seen)
    if APPROVAL not in queries.procedure(application).stages:
        raise Conflict("app.err.stage_not_here")
    answering.require_stage(application, APPROVAL, by)
    if not may_return(application, by):
        raise Conflict("review.err.no_draft_sent")
    row = _note(application, "returned", words, "return-words", APPROVAL, by=by, now=now)
    after = queries.procedure(application).save(queries.position(application), STAGE, facts.of(application))
    moves.stand_at(application, after, act="return_conclusion", by=by, now=now, stage=APPROVAL, words=row.words)
    executor = queries.procedure(application).executor_of(STAGE, application.process)
    params = {"number": application.number, "user": by.name}
    told = [
        (person, notifications.Message("notice.conclusion_returned", params, action_required=True))
        for person in addressees.around(application).get(executor, ())
    ]
    notifications.post(told, about=moves.about(application), now=now)
    return row


def _note(
    application: Application, act: str, words: str, field: str, stage: str, *, by: User, now: datetime
) -> ConclusionNote:
    said = words.strip()
    if not said:
        raise Invalid.at(field, "err.reason_required")
    if len(said) > LONGEST_WORDS:
        raise Invalid.at(field, "app.err.comment_long", max=LONGEST_WORDS)
    row = ConclusionNote(application_id=application.id, act=act, words=said, by=by, at=now)
    db.session.add(row)
    if act == "argued":
        told = History(
            application_id=application.id, at=now, by_id=by.id, act="argue_conclusion", stage=stage, words=said
        )
        db.session.add(told)
    db.session.flush()
    audit.record(f"conclusion_{act}", f"application {application.number}", by=by.id, at=now)
    return row
