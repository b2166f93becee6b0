"""What the page of a stage shows: its forms to be filled, or only to be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from flask import current_app, render_template, url_for
from flask_login import current_user

from app.applications import answering, facts, merging, moves, queries, reuse, summary
from app.applications.drawing import Drawing
from app.applications.models import Answers, Application
from app.applications.sheets import FieldView, RowsView, SheetView
from app.applications.views import dynamics, frame, live
from app.applications.views.dynamics import DynamicView
from app.applications.views.meanwhile import Contest
from app.applications.views.reading import drawing
from app.errors import Problem
from app.forms.definitions import DynamicForm
from app.web import here
from app.web.templating import date_text, word
from app.workflows.parts import StageKind

MOST_FAULTY_ENTRIES = 20
"""Entries that the faults at the top of a page name one by one; the rest are counted."""


def page(
    application: Application,
    stage: str,
    *,
    raw: Mapping[str, Sequence[str]] | None = None,
    problems: Sequence[Problem] = (),
    seen: int | None = None,
    contest: Contest | None = None,
    is_choosing: bool = False,
    focus: str = "",
    entry: str = "",
) -> str:
    """Draw the page of a stage, or of one ``entry`` of it.

    ``raw`` is what was typed and not kept; ``seen`` the revision that it was typed over, which the
    page then goes on showing: what others have saved since is merged when this is sent again.
    ``contest`` is what the two of them must choose between.

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
    is_typed = raw is not None or contest is not None
    if contest is not None:
        raw = contest.raw
    elif raw is None and shown is not None and may_write:
        raw = merging.texts(shown)
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
        draw.notes = _gaps(application, stage, values, entry)
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
        keeping=_keeping(application, stage) if may_write else {},
        origins=_origins(application, stage) if may_write else [],
        problems=_labelled(problems, sheets, found),
        focus=focus,
    )


def _over(application: Application, stage: str, seen: int, newest: Answers | None) -> Answers | None:
    """Return the revision that something was typed over; the newest where there never was such a one."""
    return (merging.revision(application, stage, seen) or newest) if seen else None


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


def _gaps(application: Application, stage: str, values: Mapping[str, Any], entry: str) -> list[Problem]:
    """Return what is missing on the page: in the whole stage, or in its one entry."""
    if not entry:
        return answering.gaps(application, stage, values)
    found: list[Problem] = []
    for form in answering.forms(application, stage):
        if isinstance(form, DynamicForm):
            answers = values.get(form.key, {})
            own = dynamics.opened_entry(form, answers, entry)
            entries = [item for item in form.entries(answers) if item["id"] == own]
            found += form.gaps({**answers, "entries": entries}) if entries else ()
    return found


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


def _labelled(
    problems: Sequence[Problem], sheets: Sequence[SheetView], found: Sequence[DynamicView]
) -> list[dict[str, Any]]:
    """Return problems with the words of what they are about and where that stands.

    Those of entries that are not on the page are told entry by entry, each leading to its page.
    """
    labels = dict(_labels([*sheets, *(entry for item in found for entry in item.entries)]))
    elsewhere = [item for item in found if item.is_list]
    listed = {line.path for item in elsewhere for line in item.lines}
    shown = []
    for problem in problems:
        path = problem.path
        if "-".join(path.split("-")[:2]) in listed:
            continue
        label = labels.get(path) or labels.get(path.rpartition("-")[0], "")
        shown.append({"path": path, "label": label, "text": word(problem.key, **problem.params), "href": ""})
    faulty = [line for item in elsewhere for line in item.lines if line.errors]
    for line in faulty[:MOST_FAULTY_ENTRIES]:
        text = word("form.entry_fault", n=line.errors)
        shown.append({"path": line.path, "label": line.name, "text": text, "href": line.href})
    if len(faulty) > MOST_FAULTY_ENTRIES:
        text = word("form.more_entries", n=len(faulty) - MOST_FAULTY_ENTRIES)
        shown.append({"path": "", "label": "", "text": text, "href": ""})
    return shown


def _labels(sheets: Iterable[SheetView]) -> Iterator[tuple[str, str]]:
    """Yield path and words of every field, group and row that is drawn: "1. Ахметова А. · ЖСН"."""
    for sheet in sheets:
        for section in sheet.sections:
            yield from _labels_of(section.items)


def _labels_of(items: Iterable[FieldView | RowsView], before: str = "") -> Iterator[tuple[str, str]]:
    for item in items:
        yield item.path, f"{before}{item.label}"
        if isinstance(item, FieldView):
            yield from ((part.path, f"{before}{item.label} · {part.label}") for part in item.parts)
        if isinstance(item, RowsView):
            for row in item.rows:
                yield row.path, f"{before}{row.heading}"
                yield from _labels_of(row.items, f"{before}{row.heading} · ")


def _reason(application: Application, stage: str, executor: str, may_write: bool) -> str:
    if may_write:
        return ""
    if application.archived_at is not None:
        return word("st.archived")
    if executor and not queries.acts_as(application, current_user, executor):
        names = moves.executor_words(application, (executor,), here.language())
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
