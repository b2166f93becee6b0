"""Reuse: questionnaires and the organisation's record fill new applications (IS2IN-9.6).

A questionnaire is what the forms of an archived application say.  Each answer is offered beside what
stands in the stage and is taken only when it is picked; where it came from is kept with it until it
is edited.  Files are not taken over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from app import catalogue
from app.accounts.models import User
from app.applications import answering, cabinet, queries
from app.applications.answering import StageConflict
from app.applications.models import Answers, Application
from app.errors import Invalid, NotFound
from app.forms import origins, taking
from app.forms.definitions import DynamicForm, Form
from app.forms.outline import Asked, leaves
from app.forms.parts import Field, is_empty
from app.forms.taking import Offers
from app.organisations import queries as organisations
from app.terms import say
from app.web.templating import ZONE, date_text
from app.workflows.parents import Carry

Values = Mapping[str, Any]

RECORD = "record"
"""What stands for the organisation's record where a questionnaire's number would."""


@dataclass(frozen=True)
class FormOffers:
    """What an origin holds for one form of a stage; ``older`` is the version it was filled in, if another."""

    form: Form | DynamicForm
    found: Offers
    older: int | None = None


def record(application: Application) -> dict[str, Any]:
    """Return what is known of the applicant without asking: field key -> canonical value."""
    author = queries.filed_by(application)
    contact = {"contact_name": author.full_name, "contact_phone": author.phone, "contact_email": author.email}
    return {key: value for key, value in {**contact, **organisations.record(application.organisation)}.items() if value}


def offers(
    application: Application,
    stage: str,
    origin: Application | None,
    *,
    language: str,
    now: Mapping[str, Any] | None = None,
) -> list[FormOffers]:
    """Return what an archived application (None: the organisation's record) holds for each form of a stage.

    ``now``: the answers that stand there; those of the newest revision unless given.

    Raises:
        NotFound: the archived application is another company's (A12).
    """
    if origin is not None and origin.organisation_id != application.organisation_id:
        raise NotFound
    if now is None:
        newest = queries.latest(application, stage)
        now = newest.values if newest else {}
    known = record(application) if origin is None else {}
    then = {} if origin is None else filled(origin)
    found = []
    for form in answering.forms(application, stage):
        standing = now.get(form.key, {})
        if origin is None:
            if isinstance(form, Form):
                found.append(FormOffers(form, taking.of_record(form, known, standing)))
            continue
        if form.key in then:
            found += _held(form, origin, then[form.key], standing, language)
    return found


def _held(
    form: Form | DynamicForm, origin: Application, then: Values, standing: Values, language: str
) -> list[FormOffers]:
    """Return what answers of an application hold for a form of today, in which ``standing`` stands."""
    old = catalogue.present().forms.get(form.key, origin.forms.get(form.key))
    older = old.version if old.version != form.version else None
    if isinstance(form, DynamicForm) and isinstance(old, DynamicForm):
        return [FormOffers(form, taking.of_dynamic_form(old, form, then, standing, language), older)]
    if isinstance(form, Form) and isinstance(old, Form):
        return [FormOffers(form, taking.of_form(old, form, then, standing, language), older)]
    return []


def filled(origin: Application) -> dict[str, dict[str, Any]]:
    """Return the answers of an application's own stages, form key -> values, whatever their stages."""
    stages = set(queries.applicant_stages(origin))
    rows = (row for stage, row in queries.answers(origin).items() if stage in stages)
    return {key: values for row in rows for key, values in row.values.items()}


def questionnaires_for(application: Application, stage: str, user: User) -> list[Application]:
    """Return the archived applications whose forms ``user`` may use to fill a stage, newest first."""
    wanted = set(queries.procedure(application).stages[stage].forms)
    return [
        item
        for item in cabinet.questionnaires(user)
        if item.organisation_id == application.organisation_id and wanted & set(item.forms)
        if wanted & set(filled(item))
    ]


def take(
    application: Application,
    stage: str,
    origin: Application | None,
    *,
    picked: Collection[str] | None,
    by: User,
    now: datetime,
    seen: int | None = None,
    language: str = "",
) -> int:
    """Put the picked answers into a stage (``None``: those chosen beforehand); the stage stays to be checked.

    ``picked`` are paths of offers, ``seen`` the revision on the screen.  Returns how many were taken.
    Source: IS2IN-9.6.

    Raises:
        NotFound: the archived application is another company's (A12).
        StageConflict: somebody saved the stage since ``seen``.
        Invalid: a picked answer is offered no more.
    """
    answering.require_stage(application, stage, by)
    newest = queries.latest(application, stage)
    if seen is not None and newest is not None and newest.revision != seen:
        raise StageConflict(newest, by=by)
    values: dict[str, Any] = dict(newest.values) if newest else {}
    day = now if origin is None else origin.archived_at or now
    origin_ = {"number": origin.number if origin else "", "on": day.astimezone(ZONE).date().isoformat()}
    taken: dict[str, Any] = {}
    given = offers(application, stage, origin, language=language or application.language, now=values)
    known = {offer.path for each in given for offer in each.found.offers}
    if picked is not None and not set(picked) <= known:
        raise Invalid.at("", "reuse.err.gone")
    for each in given:
        wanted = {
            offer.path for offer in each.found.offers if (offer.is_chosen if picked is None else offer.path in picked)
        }
        if not wanted:
            continue
        standing = values.get(each.form.key, {})
        values[each.form.key], paths = taking.take(each.form, standing, each.found.offers, wanted)
        taken.update(dict.fromkeys(paths, origin_))
    if taken:
        words = origin.number if origin else ""
        act = "fill_from" if origin else "fill_from_record"
        answering.store(application, stage, values, act=act, by=by, now=now, words=words, taken=taken)
    return len(taken)


def carry(application: Application, *, by: User, now: datetime) -> int:
    """Take over what the procedure carries from the parent, as it was sent; return how many answers.

    Only into stages that ``by`` may fill in, and only where nothing stands; where it came from is kept with it.
    """
    procedure, parent = queries.procedure(application), application.parent
    if parent is None or procedure.parent is None:
        return 0
    said = queries.answers(parent, as_of=parent.sent_at)
    day = (parent.archived_at or parent.sent_at or now).astimezone(ZONE).date()
    origin = {"number": parent.number, "on": day.isoformat()}
    count = 0
    for stage in dict.fromkeys(each.target[0] for each in procedure.parent.carries):
        executor = procedure.executor_of(stage, application.process)
        if stage not in procedure.processes[application.process].stages:
            continue
        if not queries.acts_as(application, by, executor):
            continue
        newest = queries.latest(application, stage)
        values: dict[str, Any] = dict(newest.values) if newest else {}
        taken: list[str] = []
        for each in procedure.parent.carries:
            row = said.get(each.source[0])
            if each.target[0] == stage and row is not None:
                given = _carried(application, parent, each, row.values, values)
                for key, answers, paths in given:
                    values[key] = answers
                    taken += paths
        if taken:
            words = {"act": "carry", "words": parent.number}
            answering.store(application, stage, values, by=by, now=now, taken=dict.fromkeys(taken, origin), **words)
        count += len(taken)
    return count


def has_carried(application: Application, parent: Application) -> bool:
    """Tell whether something in an application still stands as it was taken over from ``parent``."""
    rows = queries.answers(application).values()
    return any(origin.get("number") == parent.number for row in rows for origin in (row.origins or {}).values())


def _carried(
    application: Application, parent: Application, carry: Carry, then: Values, standing: Values
) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    """Yield for each form that a carry fills its key, its answers and the paths of those taken over."""
    (stage, field), (_, asked) = carry.target, carry.source
    for form in answering.forms(application, stage):
        own = standing.get(form.key, {})
        if not field and form.key in then:
            for each in _held(form, parent, then[form.key], own, application.language):
                chosen = {offer.path for offer in each.found.offers if offer.is_chosen}
                yield (form.key, *taking.take(form, own, each.found.offers, chosen))
        elif field and isinstance(form, Form) and field in {one.key for one in form.fields}:
            value = _answer(parent, asked, then)
            new = form.field(field)
            if value is not None and is_empty(own.get(field)):
                fitting = taking.fitted(value[0], new, value[1])
                if fitting is not None:
                    yield form.key, form.settled({**own, field: fitting}), [field]


def _answer(parent: Application, field: str, then: Values) -> tuple[Field, Any] | None:
    """Return what an application answers to a field of its simple forms, with that field; None for nothing."""
    for key, values in then.items():
        form = catalogue.present().forms.get(key, parent.forms.get(key))
        if isinstance(form, Form) and field in {one.key for one in form.fields} and not is_empty(values.get(field)):
            return form.field(field), values[field]
    return None


def untaken(application: Application, stage: str, origin: Application, *, language: str) -> int:
    """Return how many answers of a questionnaire stand nowhere in a stage: not picked, or without a place."""
    given = offers(application, stage, origin, language=language)
    return sum(len(each.found.offers) + len(each.found.left) for each in given)


def line(origin: Mapping[str, Any], language: str) -> str:
    """Return where an answer comes from, in words: "LP-2026-000001, 05.10.2026"."""
    day = date.fromisoformat(origin["on"])
    name = origin["number"] or say("reuse.record", language)
    return f"{name}, {date_text(day)}"


@dataclass(frozen=True)
class Lines:
    """What is said below the fields of a stage: where the answer comes from, what the record says otherwise.

    Both map field paths to words.
    """

    sources: Mapping[str, str]
    otherwise: Mapping[str, str]


def lines(application: Application, row: Answers | None, language: str) -> Lines:
    """Return what is to be said of where the answers of a revision come from.

    An answer taken from elsewhere that the organisation's record now tells otherwise is never left
    without a word.
    """
    if row is None or not row.origins:
        return Lines({}, {})
    known = record(application)
    sources: dict[str, str] = {}
    otherwise: dict[str, str] = {}
    for form in answering.forms(application, row.stage):
        values = row.values.get(form.key, {})
        parts = (
            [part for _, each in form.outline(values) for part in each]
            if isinstance(form, DynamicForm)
            else form.outline(values)
        )
        for asked in leaves(parts):
            origin = origins.of(row.origins, asked.path)
            if origin is None:
                continue
            sources[asked.path] = line(origin, language)
            if _differs(asked, known.get(asked.path)):
                otherwise[asked.path] = asked.field.text(known[asked.path], language)
    return Lines(sources, otherwise)


def _differs(asked: Asked, known: Any) -> bool:
    return known is not None and known != asked.value and not asked.field.problems(known)
