"""Filing: create, save, finish, skip, choose an adviser, reuse, entries of dynamic forms, colleagues.

Source: user manual, paragraphs 9.6, 13 to 16; readings A13, A14, A16 to A20.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app import catalogue, db
from app.accounts.models import User
from app.applications import attachments, effects, facts, moves, queries, summary
from app.applications.attachments import Upload
from app.applications.models import Answers, Application, History
from app.audit import operations as audit
from app.errors import Conflict, Invalid, NotFound, NotPermitted, Problem, Said
from app.forms.definitions import DynamicForm, Form
from app.notifications import operations as notifications
from app.organisations import queries as organisations
from app.organisations.models import Organisation
from app.terms import DEFAULT_LANGUAGE
from app.web.templating import ZONE, date_time_text
from app.workflows.machine import Procedure
from app.workflows.parts import StageKind

MOST_ENTRIES = 200


@dataclass(frozen=True)
class Typed:
    """What came with one press of a button in a stage.

    ``raw`` maps input names to texts, ``uploads`` field paths to new files, ``removals`` are ids
    of attachments to take out, ``seen`` is the revision that was on the screen (0: none yet).
    """

    raw: Mapping[str, Sequence[str]]
    uploads: Mapping[str, Sequence[Upload]] = field(default_factory=dict)
    removals: frozenset[int] = frozenset()
    seen: int = 0


class StageConflict(Conflict):
    """Somebody saved the same stage meanwhile; ``theirs`` is what stands now, nothing was overwritten."""

    def __init__(self, theirs: Answers) -> None:
        super().__init__("app.err.stage_conflict", user=theirs.by.name, time=date_time_text(theirs.at))
        self.theirs = theirs


def companies(user: User, procedure: Procedure) -> list[Organisation]:
    """Return the companies for which ``user`` may file: the own one, an adviser's clients (IS2IN-13.c, 13.d)."""
    own = user.organisation
    if own is None:
        return []
    found = [own, *(organisations.clients_of(own) if own.kind == "adviser" else [])]
    return [item for item in found if item.kind in procedure.open_to]


def create(
    procedure_key: str,
    *,
    company_id: int | None,
    author: User,
    now: datetime,
    source: str = "",
    language: str = "",
) -> Application:
    """Create an application for a company; ``source`` names an archived one whose forms are used again.

    ``language`` is that of its documents: what the author works in, else what the profile says.

    Raises:
        NotFound: there is no such procedure, or no such questionnaire for this user.
        Invalid: the company is not among those offered.
    """
    procedure = catalogue.present().procedures.get(procedure_key)
    company = next((item for item in companies(author, procedure) if item.id == company_id), None)
    if company is None:
        raise Invalid.at("company", "app.err.company")
    origin = queries.questionnaire(source, user=author) if source else None
    if origin is not None and origin.organisation_id != company.id:
        raise Invalid.at("company", "app.err.questionnaire_company", company=Said(origin.organisation.names))
    year = now.astimezone(ZONE).year
    standing = procedure.start()
    library = catalogue.present().forms
    application = Application(
        number=f"{procedure.number_prefix}-{year}-{effects.next_number(f'{procedure.number_prefix}-{year}'):06d}",
        procedure=procedure.name,
        procedure_sha256=procedure.sha256,
        forms={key: library.get(key).version for key in procedure.forms},
        organisation=company,
        author=author,
        process=standing.process,
        language=language or author.language or DEFAULT_LANGUAGE,
        created_at=now,
        entered_at=now,
    )
    db.session.add(application)
    db.session.flush()
    db.session.add(
        History(application_id=application.id, at=now, by_id=author.id, act="create", target=standing.process)
    )
    audit.record("create", f"application {application.number}", by=author.id, at=now, company=company.id)
    notifications.notify([author], "notice.created", about=moves.about(application), now=now)
    if origin is not None:
        for stage in queries.applicant_stages(application):
            if queries.acts_as(application, author, procedure.executor_of(stage, standing.process)):
                fill_from(application, stage, origin, by=author, now=now)
    return application


def simple_forms(application: Application, stage: str) -> list[Form]:
    """Return the simple forms of a stage."""
    return [form for form in forms(application, stage) if isinstance(form, Form)]


def forms(application: Application, stage: str) -> list[Form | DynamicForm]:
    """Return all forms of a stage in the versions the application began with."""
    library = catalogue.present().forms
    return [library.get(key, application.forms.get(key)) for key in queries.procedure(application).stages[stage].forms]


def choices(application: Application, language: str = DEFAULT_LANGUAGE) -> dict[str, list[tuple[str, str]]]:
    """Return the options that a form leaves to the room, by the source's name (IS2IN-14.g)."""
    employees = organisations.adviser_employees(application.organisation)
    return {"partner_advisers": [(str(user.id), summary.person_words(user, language)) for user in employees]}


def _stage(application: Application, stage: str, by: User) -> None:
    """Refuse what is not a form stage of the present process, or not this user's."""
    procedure = queries.procedure(application)
    process = procedure.processes[application.process]
    if stage not in process.stages or procedure.stages[stage].kind not in (StageKind.FILL, StageKind.WORK):
        raise Conflict("app.err.stage_not_here")
    moves.require_executor(application, by, procedure.executor_of(stage, process.key))


def _read(
    application: Application, stage: str, typed: Typed, *, by: User, now: datetime, in_full: bool = False
) -> tuple[dict[str, Any], list[Problem]]:
    """Return the stage's values with what was typed put in, and the faults of what could not be read.

    ``in_full``: and of all that is missing or will not do.

    Raises:
        StageConflict: somebody saved the stage since ``typed.seen``.
    """
    newest = queries.latest(application, stage)
    if newest is not None and newest.revision != typed.seen:
        raise StageConflict(newest)
    values: dict[str, Any] = dict(newest.values) if newest else {}
    problems: list[Problem] = []
    given = choices(application)
    for form in forms(application, stage):
        before = values.get(form.key, {})
        if isinstance(form, DynamicForm):
            parsed = form.parse(typed.raw, before, given)
            values[form.key] = parsed.values
        else:
            parsed = form.parse(typed.raw, choices=given)
            answers = {**before, **parsed.values}
            for item in form.fields:
                if item.type == "file":
                    answers[item.key] = attachments.apply(
                        application, stage, item, before.get(item.key) or [], typed, by=by, now=now
                    )
            values[form.key] = {key: value for key, value in answers.items() if value is not None and value != []}
        problems += parsed.and_judged(form.check(values[form.key]) if in_full else ())
    return values, problems


def gaps(application: Application, stage: str, values: Mapping[str, Any]) -> list[Problem]:
    """Return what still keeps a stage from being done, as notes."""
    return [found for form in forms(application, stage) for found in form.gaps(values.get(form.key, {}))]


def save(application: Application, stage: str, typed: Typed, *, by: User, done: bool, now: datetime) -> Answers:
    """Store a stage's answers: «Сақтау» with gaps allowed, «Дайын» after every check.

    Raises:
        StageConflict: somebody saved the stage since ``typed.seen``.
        Invalid: values that cannot be read, and for «Дайын» everything that is missing.
        NotPermitted, Conflict: the stage is not this user's, or not open.
    Source: user manual, paragraphs 14.1 and 14.2; readings A17, A20.
    """
    _stage(application, stage, by)
    procedure = queries.procedure(application)
    known = facts.of(application)
    after = procedure.save(queries.position(application), stage, known)
    values, problems = _read(application, stage, typed, by=by, now=now, in_full=done)
    if done and not problems:
        problems = _rules(application, stage, values, now)
    if problems:
        raise Invalid(problems=problems)
    row = effects.save_answers(application, stage, values, by=by, now=now)
    act, also = "save", {}
    if done:
        act, also = "finish", _meeting(values)
        after = procedure.finish(after, stage, known)
        _choose_adviser(application, stage, values, now=now)
    moves.stand_at(application, after, act=act, by=by, now=now, stage=stage, also=also)
    return row


def _rules(application: Application, stage: str, values: Mapping[str, Any], now: datetime) -> list[Problem]:
    """Return what a finished stage says against what is known without it."""
    problems = []
    given = {key: value for form in values.values() for key, value in form.items()}
    if queries.procedure(application).stages[stage].kind is StageKind.FILL:
        bin_ = given.get("bin")
        if bin_ is not None and bin_ != application.organisation.bin:
            problems.append(Problem("bin", "app.err.bin_other", {"bin": application.organisation.bin}))
    meeting = given.get("meeting_date")
    if meeting is not None and meeting < now.astimezone(ZONE).date().isoformat():
        problems.append(Problem("meeting_date", "app.err.meeting_past"))
    return problems


def _meeting(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the date of the meeting for the application's row: from then on nothing is withdrawn (IS2IN-26.b; A28)."""
    dates = [form["meeting_date"] for form in values.values() if form.get("meeting_date")]
    return {"meeting_at": dates[-1]} if dates else {}


def _choose_adviser(application: Application, stage: str, values: Mapping[str, Any], *, now: datetime) -> None:
    """Make the chosen adviser executor, and tell him by mail and in the cabinet (IS2IN-14.h)."""
    for form in simple_forms(application, stage):
        for item in form.fields:
            chosen = values.get(form.key, {}).get(item.key)
            if item.source != "partner_advisers" or not chosen:
                continue
            adviser = next(
                user for user in organisations.adviser_employees(application.organisation) if str(user.id) == chosen
            )
            if adviser in queries.assigned(application, "adviser"):
                continue
            effects.assign(application, adviser, "adviser", now=now)
            notifications.notify(
                [adviser],
                "notice.adviser_chosen",
                about=moves.about(application),
                params={"company": application.organisation.names},
                action_required=True,
                now=now,
            )


def skip(application: Application, stage: str, *, by: User, now: datetime) -> None:
    """Skip a stage where both conditions of reading A18 hold (IS2IN-14.i).

    Raises:
        Conflict: the stage is not open, or may not be skipped.
    """
    _stage(application, stage, by)
    procedure = queries.procedure(application)
    after = procedure.skip(queries.position(application), stage, facts.of(application))
    moves.stand_at(application, after, act="skip", by=by, now=now, stage=stage)


def fill_from(application: Application, stage: str, origin: Application, *, by: User, now: datetime) -> bool:
    """Fill a stage with the answers of an archived application's same forms; the stage stays to be checked.

    Files are not taken over.  Returns whether anything was there to take.  Source: IS2IN-9.6.

    Raises:
        NotFound: the archived application is another company's (A12).
    """
    _stage(application, stage, by)
    if origin.organisation_id != application.organisation_id:
        raise NotFound
    old = queries.answers(origin)
    found = {key: value for row in old.values() for key, value in row.values.items()}
    newest = queries.latest(application, stage)
    values: dict[str, Any] = dict(newest.values) if newest else {}
    taken = False
    for form in forms(application, stage):
        if form.key not in found:
            continue
        if isinstance(form, DynamicForm):
            values[form.key] = found[form.key]
            taken = True
            continue
        kept = {
            item.key: found[form.key][item.key]
            for item in form.fields
            if item.type != "file" and not item.source and item.key in found[form.key]
        }
        kept = {key: value for key, value in kept.items() if not form.field(key).problems(value)}
        taken = taken or bool(kept)
        values[form.key] = {**values.get(form.key, {}), **kept}
    if not taken:
        return False
    procedure = queries.procedure(application)
    effects.save_answers(application, stage, values, by=by, now=now, source=origin.number)
    after = procedure.save(queries.position(application), stage, facts.of(application))
    moves.stand_at(application, after, act="fill_from", by=by, now=now, stage=stage, words=origin.number)
    return True


# Dynamic forms (IS2IN-16)


def dynamic_form(application: Application, stage: str, key: str) -> DynamicForm:
    """Return a dynamic form of a stage.

    Raises:
        NotFound: the stage has none of this key.
    """
    for form in forms(application, stage):
        if isinstance(form, DynamicForm) and form.key == key:
            return form
    raise NotFound


def add_entry(application: Application, stage: str, key: str, typed: Typed, *, by: User, now: datetime) -> str:
    """Add an entry for the chosen criteria, save what else was typed, and return the entry's id.

    Raises:
        Invalid: the chain is not complete, no forms are provided for it, a free key is faulty, or
            the same criteria and keys stand there already.
        StageConflict: as for ``save``.
    Source: user manual, paragraph 16.
    """
    _stage(application, stage, by)
    form = dynamic_form(application, stage, key)
    values, problems = _read(application, stage, typed, by=by, now=now)
    path = form.path_of(typed.raw)
    keys = form.parse_keys(typed.raw)
    standing = form.entries(values[key])
    if form.offered(path) is not None:
        problems.append(Problem(key, "app.err.criteria"))
    elif len(standing) >= MOST_ENTRIES:
        problems.append(Problem(key, "app.err.too_many_entries", {"max": MOST_ENTRIES}))
    elif any(tuple(entry["path"]) == path and entry["keys"] == keys.values for entry in standing):
        problems.append(Problem(key, "app.err.same_entry"))
    problems += keys.problems
    if problems:
        raise Invalid(problems=problems)
    values[key] = form.add(values[key], path, keys.values)
    _store(application, stage, values, act="add_entry", by=by, now=now)
    return str(values[key]["entries"][-1]["id"])


def remove_entry(
    application: Application, stage: str, key: str, entry_id: str, typed: Typed, *, by: User, now: datetime
) -> None:
    """Take an entry out and save what else was typed; earlier revisions keep it.

    Raises:
        Invalid: there is no such entry, or something typed cannot be read.
        StageConflict: as for ``save``.
    """
    _stage(application, stage, by)
    form = dynamic_form(application, stage, key)
    values, problems = _read(application, stage, typed, by=by, now=now)
    problems = [found for found in problems if not found.path.startswith(f"{key}-{entry_id}-")]
    if problems:
        raise Invalid(problems=problems)
    values[key] = form.remove(values[key], entry_id)
    _store(application, stage, values, act="remove_entry", by=by, now=now)


def _store(application: Application, stage: str, values: dict[str, Any], *, act: str, by: User, now: datetime) -> None:
    after = queries.procedure(application).save(queries.position(application), stage, facts.of(application))
    effects.save_answers(application, stage, values, by=by, now=now)
    moves.stand_at(application, after, act=act, by=by, now=now, stage=stage)


# Colleagues


def callable_people(application: Application, user: User) -> list[User]:
    """Return who may be made executor beside the author: his colleagues, and for an adviser the issuer's people."""
    companies = {item.id: item for item in (user.organisation, application.organisation) if item is not None}
    taken = {application.author_id, *(found.id for found in queries.assigned(application, "author"))}
    people = [member.user for company in companies.values() for member in organisations.people(company)]
    return [found for found in people if found.id not in taken]


def assign_colleague(application: Application, user_id: int | None, *, by: User, now: datetime) -> None:
    """Make a colleague of the author executor; from now on he sees the application (IS2IN-9.4.c).

    Raises:
        NotPermitted: ``by`` is not the author's side.
        Invalid: the chosen person is not among those offered.
    """
    if not queries.acts_as(application, by, "author"):
        raise NotPermitted
    if queries.procedure(application).processes[application.process].final:
        raise Conflict("app.err.ended")
    colleague = next((found for found in callable_people(application, by) if found.id == user_id), None)
    if colleague is None:
        raise Invalid.at("colleague", "app.err.choice")
    effects.assign(application, colleague, "author", now=now)
    db.session.add(History(application_id=application.id, at=now, by_id=by.id, act="assign", words=colleague.name))
    audit.record("assign", f"application {application.number}", by=by.id, at=now, user=colleague.id)
    notifications.notify([colleague], "notice.assigned", about=moves.about(application), action_required=True, now=now)
