"""Charts as SVG for a page: bars, columns, and the graph of the ways that were really taken.

Classes alone and no colours: static/css/figures.css gives them their own in light and dark.  Bars and columns are
as wide as their place (percentages), so that their words keep their size on a phone.  Nothing is told by colour
alone, and each chart stands beside the table of its numbers.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

LONGEST = 44
"""Letters of a bar's label; the whole words stand in the table."""


class Bar(NamedTuple):
    """One bar: its label, its value and the words of it; ``mark`` is a second value, drawn as a line across."""

    label: str
    value: float
    words: str
    mark: float | None = None


def bars(key: str, title: str, told: Sequence[Bar]) -> str:
    """Return a chart of lying bars."""
    most = max((max(bar.value, bar.mark or 0) for bar in told), default=0) or 1
    parts = []
    for number, bar in enumerate(told):
        top = number * 44
        label = bar.label if len(bar.label) <= LONGEST else f"{bar.label[: LONGEST - 1].rstrip()}…"
        parts.append(_text(0, top + 15, label))
        parts.append(f'<rect class="chart__ground" x="0" y="{top + 21}" width="100%" height="14" rx="3"/>')
        parts.append(
            f'<rect class="chart__a" x="0" y="{top + 21}" width="{_share(bar.value, most)}" height="14" rx="3"/>'
        )
        if bar.mark is not None:
            at = _share(bar.mark, most)
            parts.append(f'<line class="chart__mark" x1="{at}" x2="{at}" y1="{top + 18}" y2="{top + 38}"/>')
        parts.append(_text("100%", top + 15, bar.words, anchor="end", kind="chart__value"))
    told_words = "; ".join(f"{bar.label}: {bar.words}" for bar in told)
    return _chart(key, title, told_words, max(1, len(told)) * 44, parts)


class Column(NamedTuple):
    """One place on the line of time, with its values in the order of the series; no ``label``: nothing is written."""

    label: str
    values: tuple[float, float]
    name: str


def columns(key: str, title: str, series: tuple[str, str], told: Sequence[Column], *, stacked: bool) -> str:
    """Return a chart of standing columns of two series, one above the other or side by side."""
    height, top, foot = 160, 52, 24
    most = max((sum(each.values) if stacked else max(each.values) for each in told), default=0) or 1
    hatch = f"hatch-{key}"
    parts = [
        f'<defs><pattern id="{hatch}" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect class="chart__b-ground" width="6" height="6"/><rect class="chart__b" width="3" height="6"/>'
        "</pattern></defs>",
        '<rect class="chart__a" x="0" y="4" width="12" height="12"/>', _text(18, 15, series[0]),
        f'<rect fill="url(#{hatch})" x="0" y="24" width="12" height="12"/>', _text(18, 35, series[1]),
        _text("100%", 35, f"{most:g}", anchor="end", kind="chart__value"),
        f'<line class="chart__rule" x1="0" x2="100%" y1="{top - 8}" y2="{top - 8}"/>',
        f'<line class="chart__rule" x1="0" x2="100%" y1="{top + height}" y2="{top + height}"/>',
    ]  # fmt: skip
    each_width = 100 / max(1, len(told))
    for number, column in enumerate(told):
        left, base = number * each_width, float(top + height)
        for place, value in enumerate(column.values):
            tall = value / most * height
            width = each_width * (0.7 if stacked else 0.38)
            x = left + each_width * (0.15 if stacked else 0.12 + place * 0.38)
            paint = f'fill="url(#{hatch})"' if place else 'class="chart__a"'
            if value:
                parts.append(
                    f'<rect {paint} x="{x:.2f}%" y="{base - tall:.1f}" width="{width:.2f}%" height="{tall:.1f}"/>'
                )
            base -= tall if stacked else 0
        if column.label:
            edge = 0.0 if number == 0 else left + each_width / 2
            anchor = "start" if number == 0 else "middle"
            parts.append(_text(f"{edge:.2f}%", top + height + 17, column.label, anchor=anchor, kind="chart__quiet"))
    told_words = "; ".join(f"{each.name}: {each.values[0]:g}, {each.values[1]:g}" for each in told if any(each.values))
    return _chart(key, title, f"{series[0]}, {series[1]}. {told_words}", top + height + foot, parts)


def _share(value: float, most: float) -> str:
    return f"{max(0.0, value / most * 100):.2f}%"


def _chart(key: str, title: str, description: str, height: int, parts: Iterable[str]) -> str:
    return (
        f'<svg class="chart" width="100%" height="{height}" role="img"'
        f' aria-labelledby="chart-{key}-title chart-{key}-desc">'
        f'<title id="chart-{key}-title">{escape(title)}</title><desc id="chart-{key}-desc">{escape(description)}</desc>'
        f"{''.join(parts)}</svg>"
    )


def _text(x: float | str, y: float, words: str, *, anchor: str = "start", kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x}" y="{y:g}" text-anchor="{anchor}"{named}>{escape(words)}</text>'


# The graph of ways

BOX, LINE, GAP, PORT, LANE = 330, 19, 54, 24, 30


@dataclass
class Node:
    """A process: its words line by line, and how long it takes beside the others, 0 to 3."""

    key: str
    lines: Sequence[str]
    heat: int
    top: float = 0
    ports: int = 0

    @property
    def height(self) -> float:
        """How tall its box is."""
        return max(len(self.lines) * LINE + 20, (self.ports + 1) * PORT)


@dataclass
class Edge:
    """A way that was taken ``count`` times."""

    source: str
    target: str
    count: int
    ends: tuple[int, int] = field(default=(0, 0))


def flow(key: str, title: str, description: str, nodes: Sequence[Node], edges: Sequence[Edge]) -> str:
    """Return the graph: processes from top to bottom, the way to the next one straight down, others in lanes."""
    order = {node.key: place for place, node in enumerate(nodes)}
    boxes = {node.key: node for node in nodes}
    most = max((edge.count for edge in edges), default=1)
    straight = [edge for edge in edges if order[edge.target] == order[edge.source] + 1]
    aside = [edge for edge in edges if edge not in straight]
    aside.sort(key=lambda edge: abs(order[edge.target] - order[edge.source]))
    for edge in aside:
        edge.ends = (_port(boxes[edge.source]), _port(boxes[edge.target]))
    top = 8.0
    for node in nodes:
        node.top = top
        top += node.height + GAP
    room = 24 + 9 * len(str(most)) + 14
    width = BOX + room + LANE * max(1, len(aside)) + 16
    parts = [_arrow_head("way"), _arrow_head("back")]
    for edge in straight:
        node, below = boxes[edge.source], boxes[edge.target]
        bottom = node.top + node.height
        parts.append(_path(f"M{BOX / 2:g} {bottom:g}V{below.top - 4:g}", edge.count, most, "way"))
        parts.append(_text(BOX / 2 + 14, bottom + GAP / 2 + 4, f"× {edge.count}", kind="flow__count"))
    for lane, edge in enumerate(aside):
        out, into = (
            boxes[end].top + (port + 1) * PORT - 6
            for end, port in zip((edge.source, edge.target), edge.ends, strict=True)
        )
        x = BOX + room + lane * LANE
        kind = "way" if order[edge.target] > order[edge.source] else "back"
        parts.append(_path(f"M{BOX:g} {out:g}H{x:g}V{into:g}H{BOX + 4:g}", edge.count, most, kind))
        parts.append(_text(BOX + 8, out - 5 - _wide(edge.count, most) / 2, f"× {edge.count}", kind="flow__count"))
    for node in nodes:
        parts.append(
            f'<g data-process={quoteattr(node.key)}><rect class="flow__box flow__box--{node.heat}" x="1"'
            f' y="{node.top:g}" width="{BOX - 2}" height="{node.height:g}" rx="6"/>'
        )
        for number, line in enumerate(node.lines):
            kind = "flow__name" if not number or not line.startswith("\u2003") else ""
            parts.append(_text(14, node.top + 22 + number * LINE, line.strip(), kind=kind))
        parts.append("</g>")
    return (
        f'<svg class="flow__drawing" width="{width:g}" height="{top:g}" viewBox="0 0 {width:g} {top:g}" role="img"'
        f' aria-labelledby="flow-{key}-title flow-{key}-desc"><title id="flow-{key}-title">{escape(title)}</title>'
        f'<desc id="flow-{key}-desc">{escape(description)}</desc>{"".join(parts)}</svg>'
    )


def lines(title: str, *facts: str) -> list[str]:
    """Return the lines of a node: its title in bold, its facts beneath."""
    return [*textwrap.wrap(title, 38)[:3], *(f"\u2003{fact}" for fact in facts if fact)]


def _port(node: Node) -> int:
    node.ports += 1
    return node.ports - 1


def _wide(count: int, most: int) -> float:
    return 1.5 + 7.5 * count / most


def _path(path: str, count: int, most: int, kind: str) -> str:
    return (
        f'<path class="flow__{kind}" d="{path}" fill="none" stroke-width="{_wide(count, most):.1f}"'
        f' marker-end="url(#flow-{kind})"/>'
    )


def _arrow_head(kind: str) -> str:
    return (
        f'<marker id="flow-{kind}" viewBox="0 0 10 10" refX="8" refY="5" markerWidth="13" markerHeight="13"'
        f' markerUnits="userSpaceOnUse" orient="auto"><path class="flow__head-{kind}" d="M0 0L10 5L0 10z"/></marker>'
    )
