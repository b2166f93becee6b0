"""How much there is to do: who has it, how old it is, and what comes and goes."""

from __future__ import annotations

from collections.abc import Callable

from app.figures import counting, drawing
from app.figures.counting import BANDS, QUEUE
from app.figures.drawing import Bar, Column
from app.figures.reports import Cell, Reports, Section

MOST_LABELS = 9
"""Weeks that are named under the chart of weeks."""


def sections(reports: Reports) -> list[Section]:
    """Return who has how much to do, and what comes and goes."""
    return [_waiting(reports), _held(reports), _alive(reports), _flow_of_weeks(reports)]


def _bands(reports: Reports) -> list[str]:
    return [str(number) for number in range(len(BANDS) + 1)]


def _by_band(reports: Reports, subject: str, title: str, first: str, said: Callable[[str], str], note: str) -> Section:
    found = reports.groups(subject)
    keys = sorted({key[0] for key in found.every}, key=lambda key: (-found.count(key), said(key)))
    bands = [(f"figures.band.{each}", "") for each in _bands(reports)]
    rows = [
        [
            Cell(said(key), is_words=True),
            reports.number(subject, key),
            *(reports.number(subject, key, each) for each in _bands(reports)),
        ]
        for key in keys
    ]
    drawn = [Bar(said(key), found.count(key), str(found.count(key))) for key in keys]
    chart = drawing.bars(subject, reports.say(title), drawn) if drawn else ""
    return Section(
        title, reports.head(first, "figures.total", *bands), rows, chart, ("figures.now", note), "figures.none_now"
    )


def _waiting(reports: Reports) -> Section:
    return _by_band(
        reports,
        "waiting",
        "figures.load.waiting",
        "figures.who",
        lambda key: reports.say(f"workflow.executor.{key}"),
        "figures.load.waiting_note",
    )


def _held(reports: Reports) -> Section:
    """Return what each person holds, and what lies in each queue."""
    found = reports.groups("held")
    keys = {key[:2] for key in found.every}
    order = sorted(keys, key=lambda key: (key[0] == QUEUE, reports.person_words(key[0]), key[1]))
    bands = [(f"figures.band.{each}", "") for each in _bands(reports)]
    rows, drawn = [], []
    for key in order:
        name, role, count = reports.person_words(key[0]), reports.say(f"workflow.executor.{key[1]}"), found.count(*key)
        cells = [reports.number("held", *key), *(reports.number("held", *key, each) for each in _bands(reports))]
        rows.append([Cell(name, more=role, is_words=True), *cells])
        drawn.append(Bar(f"{name} – {role}", count, str(count)))
    title = "figures.load.person"
    chart = drawing.bars("held", reports.say(title), drawn) if drawn else ""
    head = reports.head(("figures.who", "figures.as"), "figures.total", *bands)
    notes = ("figures.now", "figures.load.person_note")
    return Section(title, head, rows, chart, notes, "figures.none_now")


def _alive(reports: Reports) -> Section:
    section = _by_band(
        reports, "alive", "figures.load.alive", "figures.procedure", reports.procedure_words, "figures.load.alive_note"
    )
    if len(section.rows) > 1:
        total = [reports.number("alive"), *(reports.number("aged", each) for each in _bands(reports))]
        section.rows.append([Cell(reports.say("figures.total"), is_words=True), *total])
    return section


def _flow_of_weeks(reports: Reports) -> Section:
    weeks = counting.weeks(reports.chosen)
    come, gone = reports.groups("arrived"), reports.groups("closed")
    every = -(-len(weeks) // MOST_LABELS) or 1
    told = [
        Column(
            f"{week[8:]}.{week[5:7]}" if number % every == 0 else "",
            (come.count(week), gone.count(week)),
            reports.week_words(week),
        )
        for number, week in enumerate(weeks)
    ]
    title = "figures.load.flow"
    series = (reports.say("figures.arrived"), reports.say("figures.closed"))
    some = come.every or gone.every
    rows = [
        [Cell(reports.week_words(week), is_words=True), reports.number("arrived", week), reports.number("closed", week)]
        for week in reversed(weeks)
        if come.count(week) or gone.count(week)
    ]
    if rows:
        total = Cell(reports.say("figures.total"), is_words=True)
        rows.insert(0, [total, reports.number("arrived"), reports.number("closed")])
    chart = drawing.columns("flow", reports.say(title), series, told, stacked=False) if some else ""
    return Section(title, reports.head("figures.week", "figures.arrived", "figures.closed"), rows, chart)
