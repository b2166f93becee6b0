"""What the letters and conclusions of the Exchange say: templates filled with what is known of an application."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from app import bilingual, db, letter_templates
from app.applications import queries, summary
from app.applications.models import Application, Remark
from app.applications.summary import Drawing
from app.bilingual import LANGUAGES, Texts
from app.errors import Said, Term
from app.terms import terms
from app.web.templating import date_text
from app.workflows.parts import StageKind

Words = dict[str, dict[str, str]]
"""``{"subject": {language: text}, "text": {language: text}}``."""

_FIELDS = {
    "body": "body",
    "meeting_date": "meeting_date",
    "minutes_number": "minutes_number",
    "decision_date": "decision_date",
    "effective_date": "effective_date",
    "measure": "measure",
    "remedy_by": "remedy_date",
    "refusal_ground": "ground",
    "decision_conditions": "conditions",
    "decision_reasons": "conditions",
    "gaps": "gaps",
}
"""Field of the Exchange's own forms -> the fact that it gives."""

_ANSWERING_TERMS = ("rework", "answer")


def kind_of(application: Application, stage: str) -> str | None:
    """Return ``letter`` or ``conclusion`` where a stage writes such a paper, else None."""
    found = queries.procedure(application).stages.get(stage)
    if found is None or found.kind is not StageKind.WORK:
        return None
    if "letter" in found.forms:
        return "letter"
    return "conclusion" if any(form.endswith("conclusion") for form in found.forms) else None


def occasion(application: Application, stage: str) -> str:
    """Return the key of the template for the paper of a stage: by the decision, procedure and category."""
    if kind_of(application, stage) == "conclusion":
        return "conclusion"
    procedure = queries.procedure(application)
    if procedure.started_by is not None and stage in procedure.processes[procedure.initial].stages:
        return letter_templates.chosen(f"notice.{procedure.key}", "notice")
    if "decision" not in procedure.stages:
        return letter_templates.chosen(f"letter.{procedure.key}", "letter.accepted")
    decided = queries.latest(application, "decision")
    outcome = next(
        (str(form["outcome"]) for form in (decided.values.values() if decided else ()) if form.get("outcome")), ""
    )
    ends = [f".{outcome}"] if outcome else []
    keys = [f"letter.{of}{end}" for end in ends for of in (procedure.key, procedure.category)]
    return letter_templates.chosen(*keys, *(f"letter{end}" for end in ends), "letter")


def facts_of(
    application: Application, language: str, *, reason: str | Texts = "", now: datetime | None = None
) -> dict[str, str]:
    """Return what is known of an application, as templates name it; ``now``: the remarks sent at this moment."""
    procedure = queries.procedure(application)
    found = {
        "number": application.number,
        "sent_date": date_text(application.submitted_at),
        "registration_number": application.registration_number,
        "registration_date": date_text(application.registered_at),
        "company": application.organisation.names[language],
        "bin": application.organisation.bin,
        "procedure": procedure.title[language],
        "meeting_date": date_text(application.meeting_at),
        "reason": bilingual.said(reason, language),
        "remarks": _remarks(application, language, now) if now else "",
        "answer_days": next((str(each.working_days) for each in procedure.terms if each.key in _ANSWERING_TERMS), ""),
    }
    drawing = Drawing(language)
    isins, criteria = [], []
    for stage in summary.stages(application, drawing, kinds=(StageKind.FILL, StageKind.WORK)):
        is_work = procedure.stages[stage.key].kind is StageKind.WORK
        for sheet in stage.sheets:
            criteria += [sheet.criteria] if sheet.criteria and not is_work else []
            for field in (field for section in sheet.sections for field in section.fields):
                if is_work and field.key in _FIELDS and field.text:
                    found[_FIELDS[field.key]] = field.text
                elif not is_work and field.kind == "isin" and field.text:
                    isins.append(f"ISIN {field.text}")
    grounds = [found.pop("ground", ""), found.get("conditions", "")]
    found["conditions"] = "\n".join(filter(None, grounds))
    found["security"] = "; ".join(dict.fromkeys([*criteria, *isins]))
    return found


def _remarks(application: Application, language: str, now: datetime) -> str:
    sent = select(Remark).where(Remark.application_id == application.id, Remark.published_at == now).order_by(Remark.id)
    rows = db.session.scalars(sent).unique()
    return "\n".join(
        f"{n}. {f'{label}: ' if (label := row.labels.get(language)) else ''}{row.words}"
        for n, row in enumerate(rows, 1)
    )


def drawn(application: Application, key: str, *, reason: str | Texts = "", now: datetime | None = None) -> Words:
    """Return the words of the template ``key`` with the application's facts put in."""
    found: Words = {"subject": {}, "text": {}}
    for language in LANGUAGES:
        template = letter_templates.templates()[key][language]
        known = facts_of(application, language, reason=reason, now=now)
        found["subject"][language], found["text"][language] = template.subject, template.filled(known)
    return found


def typed(application: Application, stage: str, key: str) -> dict[str, list[str]]:
    """Return a template's words as the inputs of the stage's form hold them: input name -> texts."""
    words = drawn(application, key)
    subject, text = ("subject", "text") if kind_of(application, stage) == "letter" else ("", "conclusion_text")
    found = {f"{text}-{language}": [words["text"][language]] for language in LANGUAGES}
    return found | (
        {f"{subject}-{language}": [words["subject"][language]] for language in LANGUAGES} if subject else {}
    )


def templates_of(application: Application, stage: str) -> list[str]:
    """Return the keys of the templates that the text of a stage may be drawn from; none where it writes no paper."""
    if kind_of(application, stage) != "letter":
        return []  # a conclusion is drawn from what was judged
    family = occasion(application, stage).partition(".")[0]
    return [key for key in letter_templates.templates() if key.partition(".")[0] == family]


def missing(words: Words) -> list[str]:
    """Return the names of the facts that stand in a text in braces, not put in."""
    found: dict[str, None] = {}
    for texts in words.values():
        for text in texts.values():
            found.update(dict.fromkeys(letter_templates.left_empty(text)))
    return list(found)


def fact_name(name: str) -> Term | Said:
    """Return what a fact is called; what a person put in braces himself is called as it is written."""
    key = f"letter.fact.{name}"
    return Term(key) if key in terms() else Said(dict.fromkeys(("kk", "ru", "en"), name))


def words_of(application: Application, stage: str) -> Words:
    """Return what a stage says now, as the words of a paper."""
    newest = queries.latest(application, stage)
    values: dict[str, Any] = {
        key: value for form in (newest.values if newest else {}).values() for key, value in form.items()
    }
    if kind_of(application, stage) == "letter":
        subject, text = values.get("subject") or {}, values.get("text") or {}
    else:
        template = letter_templates.templates()["conclusion"]
        subject = {language: template[language].subject for language in LANGUAGES}
        text = values.get("conclusion_text") or {}
    return {
        "subject": {language: str(subject.get(language, "")) for language in LANGUAGES},
        "text": {language: str(text.get(language, "")) for language in LANGUAGES},
    }
