"""How terms were kept, and which are not."""

from __future__ import annotations

from app.figures import counting, drawing
from app.figures.counting import Groups, Key
from app.figures.drawing import Bar, Column
from app.figures.reports import Cell, Reports, Section


def sections(reports: Reports) -> list[Section]:
    """Return how terms were kept, and which are not."""
    return [_running(reports), _months(reports), _settled(reports)]


def _running(reports: Reports) -> Section:
    found = reports.groups("running")
    title = "figures.terms.now"
    states = [each for each in ("late", "soon", "later", "paused", "unknown") if found.count(each)]
    ways = sorted({key[1:] for key in found.every}, key=lambda way: _term_place(reports, found, way))
    rows = [
        [
            Cell(reports.term_words(*way), more=reports.procedure_words(way[0]), is_words=True),
            *(reports.number("running", each, *way) for each in states),
        ]
        for way in ways
    ]
    if len(rows) > 1:
        rows.insert(
            0,
            [
                Cell(reports.say("figures.total"), is_words=True),
                *(reports.number("running", each) for each in states),
            ],
        )
    drawn = [Bar(reports.say(f"figures.state.{each}"), found.count(each), str(found.count(each))) for each in states]
    chart = drawing.bars("running", reports.say(title), drawn) if drawn else ""
    head = reports.head(("figures.term", "figures.procedure"), *(f"figures.state.{each}" for each in states))
    return Section(title, head, rows, chart, ("figures.now",), "figures.none_now")


def _term_place(reports: Reports, found: Groups, way: Key) -> tuple[int, int, str, str]:
    late, soon = (found.count(each, *way) for each in ("late", "soon"))
    return (-late, -soon, reports.procedure_words(way[0]), reports.term_words(*way))


def _months(reports: Reports) -> Section:
    found = reports.groups("settled_by_month")
    months = counting.months(reports.chosen)
    title, series = "figures.terms.month", (reports.say("figures.met"), reports.say("figures.late"))
    every = -(-len(months) // 13) or 1
    told = [
        Column(
            month[5:] if number % every == 0 else "",
            (found.count(month, "met"), found.count(month, "late")),
            reports.month_words(month),
        )
        for number, month in enumerate(months)
    ]
    rows = [
        [
            Cell(reports.month_words(month), is_words=True),
            reports.number("settled_by_month", month, "met"),
            reports.number("settled_by_month", month, "late"),
            _met_share(reports, found.count(month, "met"), found.count(month, "late")),
        ]
        for month in months
        if found.count(month)
    ]
    chart = drawing.columns("months", reports.say(title), series, told, stacked=True) if rows else ""
    head = reports.head("figures.month", "figures.met", "figures.late", "figures.share")
    return Section(title, head, rows, chart, ("figures.terms.note",))


def _met_share(reports: Reports, met: int, late: int) -> Cell:
    whole = met + late
    return Cell(reports.share(met, whole), "", round(met / whole * 100, 1) if whole else None)


def _settled(reports: Reports) -> Section:
    found = reports.groups("settled")
    ways = sorted(
        {key[:2] for key in found.every},
        key=lambda way: (-found.count(*way, "late"), reports.procedure_words(way[0]), reports.term_words(*way)),
    )
    rows = []
    for way in ways:
        met, late = found.count(*way, "met"), found.count(*way, "late")
        rows.append(
            [
                Cell(reports.term_words(*way), more=reports.procedure_words(way[0]), is_words=True),
                reports.number("settled", *way, "met"),
                reports.number("settled", *way, "late"),
                _met_share(reports, met, late),
            ]
        )
    head = reports.head(("figures.term", "figures.procedure"), "figures.met", "figures.late", "figures.share")
    return Section("figures.terms.each", head, rows)
