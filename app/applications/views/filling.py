"""What the page of a stage shows: its forms to be filled, or only to be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import current_app, render_template, request, url_for
from flask_login import current_user

from app import letter_templates
from app.applications import answering, composing, facts, merging, moves, queries, reuse, summary
from app.applications.drawing import Drawing
from app.applications.models import Answers, Application
from app.applications.sheets import SheetView
from app.applications.views import dynamics, faults, frame, live
from app.applications.views.dynamics import DynamicView
from app.applications.views.meanwhile import Contest
from app.applications.views.reading import drawing
from app.bilingual import LANGUAGES
from app.errors import Problem
from app.forms.definitions import DynamicForm
from app.web import here
from app.web.templating import date_text, word
from app.workflows.parts import StageKind


def page(
    application: Application,
    stage: str,
    *,
    raw: Mapping[str, Sequence[str]] | None = None,
    problems: Sequence[Problem] = (),
    seen: int | None = None,
    contest: Contest | None = None,
    adding: Mapping[str, Sequence[str]] | None = None,
    is_checked: bool = False,
    has_lost_files: bool = False,
    is_choosing: bool = False,
    focus: str = "",
    entry: str = "",
    template: str = "",
) -> str:
    """Draw the page of a stage, or of one ``entry`` of it.

    ``raw`` is what was typed and not kept; ``seen`` the revision that it was typed over, which the
    page then goes on showing: what others have saved since is merged when this is sent again.
    ``adding``: all was kept but this, chosen for an entry that could not be added.
    ``contest`` is what the two of them must choose between.  ``is_checked``: with everything that
    «Дайын» refuses.  ``has_lost_files``: files came with what was refused, and have to be chosen again.

    ``template``: the letter of the stage is drawn anew from the template of this key.

    Raises:
        NotFound: there is no such entry.
    """
    procedure = queries.procedure(application)
    standing, known = queries.position(application), facts.of(application)
    process = procedure.processes[application.process]
    executor = procedure.executor_of(stage, process.key) if stage in process.stages else ""
    may_write = (
        stage in process.stages
        and stage in procedure.open_stages(standing, known)
        and queries.acts_as(application, current_user, executor)
    )
    sent_only = current_user.is_exchange and procedure.stages[stage].kind is StageKind.FILL
    newest = queries.answers(application, as_of=application.sent_at if sent_only else None).get(stage)
    shown = newest if seen is None else _over(application, stage, seen, newest)
    values: dict[str, Any] = shown.values if shown else {}
    writes = composing.kind_of(application, stage) if may_write else None
    if writes == "letter" and raw is None and (template or newest is None):
        key = template or composing.occasion(application, stage)
        raw = {**(merging.texts(shown) if shown else {}), **composing.typed(application, stage, key)}
    is_prefilled = writes is not None and raw is not None and not template and newest is None and contest is None
    is_typed = (raw is not None and not (is_prefilled and not problems)) or contest is not None
    if raw is None and shown is not None and may_write:
        raw = {**merging.texts(shown), **(contest.raw if contest is not None else adding or {})}
    elif adding:
        raw = adding
    note = "answers.contest.kept" if problems and not is_typed else ""
    if may_write and (contest is not None or not is_typed):
        is_kept = "answers.kept_unfinished" if newest is not None else ""  # of an empty page nothing was kept
        note = note or (is_kept if is_checked else "answers.unread_here")
        problems = [*problems, *faults.standing(application, stage, shown, entry=entry, in_full=is_checked)]
    draw = drawing(application)
    draw.names = _names(application, values)
    draw.raw, draw.problems, draw.is_reading = raw, problems, not may_write
    draw.theirs = contest.theirs if contest else {}
    if application.archived_at is None:
        said = reuse.lines(application, newest, here.language())
        draw.sources, draw.otherwise = said.sources, said.otherwise
    if raw is not None:
        values = _with_typed(application, stage, raw, values)
    if newest is not None and may_write and not is_typed:
        draw.gaps = faults.gaps(application, stage, values, entry)
        draw.notes = faults.notes(application, stage, draw.gaps, values, problems)
    sheets, found = _drawn(application, stage, values, draw, entry=entry, is_choosing=is_choosing)
    dynamics.require_opened(found, entry)
    return render_template(
        "applications/stage.html",
        **frame.head(application),
        stage=stage,
        stage_title=procedure.stages[stage].title[here.language()],
        stage_status=standing.status(stage),
        is_work=procedure.stages[stage].kind is StageKind.WORK,
        sheets=sheets,
        dynamics=[item for item in found if item.opened] if entry else found,
        opened=next((item.opened for item in found if item.opened), None),
        drives=live.drivers(answering.forms(application, stage), values) if may_write else [],
        may_write=may_write,
        may_skip=may_write and procedure.may_skip(standing, stage, known),
        read_only_reason=_reason(application, stage, executor, may_write),
        revision=shown.revision if shown else 0,
        saved=newest,
        offers=[
            {"offer": offer, "words": frame.offer_words(offer)}
            for offer in frame.offers_for(application, current_user)
            if offer.transition.stage == stage
        ],
        contest=contest,
        is_typed=is_typed,
        note=note,
        answered=request.form.get("key", "") if contest is not None or not is_typed else "",
        kept=frame.kept_words(application, stage, standing.status(stage), newest, with_name=True),
        keeping=_keeping(application, stage) if may_write else {},
        origins=_origins(application, stage) if may_write else [],
        problems=faults.labelled(problems, sheets, found),
        has_lost_files=has_lost_files,
        letter=_letter(application, stage, raw, template) if writes else None,
        checked_at=_check_address(application, stage, entry) if is_checked else "",
        focus=focus,
    )


def _letter(
    application: Application, stage: str, raw: Mapping[str, Sequence[str]] | None, template: str
) -> dict[str, Any]:
    """Return what the page of a letter's text says beside it: what is left empty, and the templates."""
    texts = [text for each in (raw or {}).values() for text in each]
    if not texts:
        texts = [text for each in composing.words_of(application, stage).values() for text in each.values()]
    missing = dict.fromkeys(name for text in texts for name in letter_templates.left_empty(text))
    language = here.language() if here.language() in LANGUAGES else "ru"
    known = letter_templates.templates()
    return {
        "missing": [composing.fact_name(name) for name in missing],
        "templates": [(key, known[key][language].subject) for key in composing.templates_of(application, stage)],
        "chosen": template or composing.occasion(application, stage),
        "is_redrawn": bool(template),
        "has_saved": queries.latest(application, stage) is not None,
    }


def _over(application: Application, stage: str, seen: int, newest: Answers | None) -> Answers | None:
    """Return the revision that something was typed over; the newest where there never was such a one."""
    return (merging.revision(application, stage, seen) or newest) if seen else None


def chosen_to_add(application: Application, stage: str, raw: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """Return what was chosen for entries that are to be added: input name -> texts."""
    chosen: dict[str, Sequence[str]] = {}
    for form in answering.forms(application, stage):
        if isinstance(form, DynamicForm):
            chosen |= dynamics.adder_inputs(form, raw)
    return chosen


def _check_address(application: Application, stage: str, entry: str) -> str:
    """Return where the same faults are shown again, as far as they still stand."""
    return url_for(".stage_page", number=application.number, stage=stage, entry=entry or None, check="done")


def _keeping(application: Application, stage: str) -> dict[str, Any]:
    """Return what the page needs to save by itself: whose it is, where to, and the forms' versions."""
    return {
        "user": current_user.id,
        "forms": " ".join(form.name for form in answering.forms(application, stage)),
        "address": url_for(".autosave", number=application.number, stage=stage),
        "minutes": int(current_app.permanent_session_lifetime.total_seconds() // 60),
    }


def _drawn(
    application: Application,
    stage: str,
    values: Mapping[str, Any],
    draw: Drawing,
    *,
    entry: str,
    is_choosing: bool,
) -> tuple[list[SheetView], list[DynamicView]]:
    """Draw the simple forms of a stage, and its dynamic ones."""
    sheets: list[SheetView] = []
    found: list[DynamicView] = []
    for form in answering.forms(application, stage):
        answers = values.get(form.key, {})
        if isinstance(form, DynamicForm):
            opened = dynamics.opened_entry(form, answers, entry) if entry else ""
            found.append(dynamics.view(application, stage, form, answers, draw, opened=opened, is_choosing=is_choosing))
        elif not entry:
            sheets.append(summary.form_sheet(form, answers, draw, stage=stage))
    return sheets, found


def _with_typed(
    application: Application, stage: str, raw: Mapping[str, Sequence[str]], values: Mapping[str, Any]
) -> dict[str, Any]:
    """Return ``values`` with what was typed, as far as it can be read: so the page asks what the answers call for."""
    given = answering.choices(application)
    found: dict[str, Any] = {}
    for form in answering.forms(application, stage):
        before = values.get(form.key, {})
        if isinstance(form, DynamicForm):
            found[form.key] = form.settled(form.parse(raw, before, given).values)
        else:
            found[form.key] = form.settled(form.parse(raw, choices=given, before=before).values)
    return found


def _names(application: Application, values: Mapping[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """Return the options a form leaves to the room, with those chosen before that are offered no more."""
    language = here.language()
    offered = answering.choices(application, language)
    chosen = summary.person_names([values], language)
    return {
        source: [*options, *(item for item in chosen.get(source, []) if item[0] not in dict(options))]
        for source, options in offered.items()
    }


def _reason(application: Application, stage: str, executor: str, may_write: bool) -> str:
    if may_write:
        return ""
    if application.archived_at is not None:
        return word("st.archived")
    if executor and not queries.acts_as(application, current_user, executor):
        names = moves.executor_words(application, (executor,), here.language(), reader=current_user)
        return word("app.read_only_executor", who=", ".join(names))
    return word("app.read_only")


def address_of_entry(application: Application, stage: str, key: str, entry: str) -> str:
    """Return where an entry of the form ``key`` is filled in: where there are many, on its own page."""
    form = next(form for form in answering.forms(application, stage) if form.key == key)
    newest = queries.latest(application, stage)
    address = url_for(".stage_page", number=application.number, stage=stage)
    if isinstance(form, DynamicForm) and newest and dynamics.is_many(form, newest.values[key]):
        return f"{address}?entry={key}-{entry}"
    return f"{address}#entry-{key}-{entry}"


def _origins(application: Application, stage: str) -> list[tuple[str, str]]:
    """Return what the stage may be filled from: the organisation's record where it holds more, questionnaires."""
    given = reuse.offers(application, stage, None, language=here.language())
    found = [(reuse.RECORD, word("reuse.record"))] if any(each.found.offers for each in given) else []
    for item in reuse.questionnaires_for(application, stage, current_user):
        words = f"{item.number} – {item.organisation.names[here.language()]}, {date_text(item.archived_at)}"
        found.append((item.number, words))
    return found
