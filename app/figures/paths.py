"""One procedure as it really ran: its graph, the ways that were taken, and the usual runs."""

from __future__ import annotations

from collections.abc import Iterable

from app.figures import counting, drawing
from app.figures.counting import Key, Times
from app.figures.drawing import Bar, Edge, Node
from app.figures.reports import Cell, Reports, Section

MOST_VARIANTS = 10


def sections(reports: Reports) -> list[Section]:
    """Return how one procedure really ran; nothing without a procedure."""
    if not reports.chosen.procedure:
        return []
    return [_graph(reports), _ways(reports), _variants(reports), _gone(reports)]


def _order(reports: Reports) -> list[str]:
    """Return the processes that were entered or left: the main road first, the ends last."""
    key = reports.chosen.procedure
    present = reports.procedure(key)
    met = {each for way in reports.groups("ways").every for each in way[1:3]}
    met |= {entry[1] for entry in reports.groups("entries").every}
    road = [each for each in present.main_road if each not in present.final]
    others = [each for each in present.processes if each not in (*road, *present.final)]
    others += sorted(met - set(present.processes))
    return [each for each in (*road, *others, *sorted(present.final)) if each in met]


def _graph(reports: Reports) -> Section:
    key, order = reports.chosen.procedure, _order(reports)
    took = {process: reports.times("stays", reports.side(key, process), key, process)[0] for process in order}
    entries = reports.groups("entries")
    most = max((each.median or 0 for each in took.values()), default=0) or 1
    final = {process for each in reports.versions(key) for process in each.final}
    nodes, rows = [], []
    for process in order:
        name, found = reports.process_words(key, process), took[process]
        words = _node_words(reports, found) if process not in final else ""
        heat = min(3, int((found.median or 0) / most * 4))
        nodes.append(Node(process, drawing.lines(name, f"× {entries.count(key, process)}", words), heat))
        rows.append(
            [
                Cell(name, is_words=True),
                reports.number("entries", key, process),
                reports.number("stays", reports.side(key, process), key, process),
                *reports.took("stays", reports.side(key, process), key, process),
            ]
        )
    counts: dict[tuple[str, str], int] = {}
    for way, items in reports.groups("ways").every.items():
        counts[way[1], way[2]] = counts.get((way[1], way[2]), 0) + len(items)
    edges = [Edge(source, target, count) for (source, target), count in counts.items()]
    told = "; ".join(
        f"{reports.process_words(key, one.source)} → {reports.process_words(key, one.target)}: {one.count}"
        for one in edges
    )
    title = reports.procedure_words(key)
    head = [*reports.head("figures.process", "figures.entered", "figures.stays"), *reports.took_head()]
    chart = drawing.flow("ways", title, told, nodes, edges) if nodes else ""
    notes = ("figures.paths.graph_note", "figures.few", "figures.nearest")
    return Section("figures.paths.graph", head, rows, chart, notes, is_flow=True)


def _node_words(reports: Reports, found: Times) -> str:
    if found.median is None:
        return reports.say("figures.node_few")
    ninth = reports.say("figures.times.wd", days=reports.days(found.ninth))
    return reports.say("figures.node", median=reports.days(found.median), ninth=ninth)


def _way_rows(reports: Reports, keys: Iterable[Key]) -> list[list[Cell]]:
    return [
        [
            Cell(reports.process_words(key[0], key[1]), is_words=True),
            Cell(reports.process_words(key[0], key[2]), is_words=True),
            Cell(reports.act_words(*key), is_words=True),
            reports.number("ways", *key),
            *reports.took("ways", *key),
        ]
        for key in keys
    ]


def _way_head(reports: Reports) -> list[tuple[str, str]]:
    return [*reports.head("figures.from", "figures.to", "figures.act", "figures.taken"), *reports.took_head()]


def _ways(reports: Reports) -> Section:
    found = reports.groups("ways")
    return Section("figures.paths.ways", _way_head(reports), _way_rows(reports, found.ranked()))


def _gone(reports: Reports) -> Section:
    known = [(way.source, way.target, way.trigger) for way in reports.procedure(reports.chosen.procedure).transitions]
    keys = counting.gone(reports.groups("ways").ranked(), known)
    rows = _way_rows(reports, keys)
    return Section("figures.paths.gone", _way_head(reports), rows, none="figures.paths.gone_none")


def _variants(reports: Reports) -> Section:
    found = reports.groups("variants")
    whole = found.count()
    rows, drawn = [], []
    for number, key in enumerate(found.ranked()[:MOST_VARIANTS], start=1):
        items = found.of(*key)
        row = " → ".join(reports.process_words(key[0], each.process) for each in items[0].case.path)
        name = reports.say("figures.variant", n=number)
        rows.append(
            [
                Cell(name, more=row, is_words=True),
                reports.number("variants", *key),
                Cell(reports.share(len(items), whole), "", round(len(items) / whole * 100, 1)),
                *reports.took("variants", *key),
            ]
        )
        said = reports.say("figures.share_of", share=reports.share(len(items), whole), n=len(items), of=whole)
        drawn.append(Bar(name, len(items), said))
    title = "figures.paths.variants"
    chart = drawing.bars("variants", reports.say(title), drawn) if drawn else ""
    first = ("figures.applications", "figures.path")
    head = [*reports.head(first, "figures.applications", "figures.part"), *reports.took_head()]
    return Section(title, head, rows, chart, ("figures.few",))
