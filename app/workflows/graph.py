"""A procedure drawn as SVG: processes from top to bottom, every transition an arrow with the words of its button.

The next process is reached by an arrow straight down; every other way runs in a lane of its own on the right;
an interruption is one line on the left that gathers all its sources.  Only attributes, no style sheet and no
script, so that the drawing may stand inside a page as well as in a file.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from app.workflows.machine import Procedure
from app.workflows.parts import Order, Process, Transition

Say = Callable[[str], str]
"""Gives the words of a term in the language of the drawing."""

BOX, PAD, LINE, PORT = 470, 16, 20, 26  # the width of a box, its margin, a line of text, the distance of arrows
GAP, LANE, CHARACTER = 58, 18, 7.9  # between boxes, between lanes, the usual width of a letter
WRAP = int((BOX - 2 * PAD - 18) / CHARACTER)
INK, QUIET, RULE, PAPER, CARD = "#1b2733", "#51606e", "#7b8894", "#ffffff", "#f4f7fa"
WAY, BACK, BREAK, DONE = "#1f4e8c", "#8a4b08", "#a3262a", "#e4e9ef"
"""A page gives them its own light and dark: static/css/application.css, ``.map``."""

MARKS = {Order.SEQUENCE: "→", Order.ANY: "•", Order.PARALLEL: "∥"}


@dataclass
class _Box:
    process: Process
    lines: list[tuple[str, str, str]]  # text, weight, colour
    top: float = 0
    left_ports: int = 0
    right_ports: int = 0

    @property
    def height(self) -> float:
        ports = max(self.left_ports, self.right_ports) * PORT + PORT
        return max(len(self.lines) * LINE + 2 * PAD - 4, ports)

    @property
    def bottom(self) -> float:
        return self.top + self.height


@dataclass
class _Lane:
    """A way at the side: from its sources' ports along a line to its target's port."""

    label: str
    sources: list[tuple[str, int]]
    target: tuple[str, int]
    colour: str
    number: int = 0
    ends: list[float] = field(default_factory=list)


def draw(procedure: Procedure, language: str, say: Say, *, here: str | None = None) -> str:
    """Return the procedure as an SVG document in one language; ``here`` is the process an application stands in."""
    boxes = {process.key: _Box(process, _lines(procedure, process, language, say)) for process in _order(procedure)}
    order = list(boxes)
    down: dict[str, list[str]] = {}
    right: list[_Lane] = []
    left: dict[tuple[str, str], _Lane] = {}

    for transition in procedure.transitions:
        label = words_of(transition, language, say)
        source, target = order.index(transition.source), order.index(transition.target)
        if transition.is_interruption:
            lane = left.get((transition.trigger, transition.target))
            if lane is None:
                port = (transition.target, _port(boxes[transition.target], "left_ports"))
                lane = left[transition.trigger, transition.target] = _Lane(label, [], port, BREAK)
            lane.sources.append((transition.source, _port(boxes[transition.source], "left_ports")))
        elif target == source + 1:
            down.setdefault(transition.source, []).append(label)
        else:
            out = (transition.source, _port(boxes[transition.source], "right_ports"))
            into = (transition.target, _port(boxes[transition.target], "right_ports"))
            right.append(_Lane(label, [out], into, WAY if target > source else BACK))

    top = 92.0
    for box in boxes.values():
        box.top = top
        top = box.bottom + GAP
    lanes_right, lanes_left = _place(right, boxes), _place(list(left.values()), boxes)
    room_right, room_left = _room(right), _room(left.values())
    x = PAD * 2 + (room_left + lanes_left * LANE if left else 0)
    width = x + BOX + PAD * 2 + (room_right + lanes_right * LANE if right else 0)

    parts = [_text(x, 40, procedure.title[language], INK, size=20, weight="bold")]
    first = boxes[procedure.initial]
    parts.append(f'<circle cx="{x + BOX / 2:g}" cy="{first.top - 26:g}" r="6" fill="{INK}"/>')
    parts.append(_arrow(f"M{x + BOX / 2:g} {first.top - 20:g}V{first.top - 2:g}", WAY))
    for key, labels in down.items():
        box = boxes[key]
        parts.append(_arrow(f"M{x + BOX / 2:g} {box.bottom:g}V{box.bottom + GAP - 2:g}", WAY))
        label = " / ".join(dict.fromkeys(labels))
        parts.append(_text(x + BOX / 2 + 12, box.bottom + GAP / 2 + 4, label, WAY))
    for lane in right:
        parts += _side(lane, boxes, x + BOX, 1, room_right)
    for lane in left.values():
        parts += _side(lane, boxes, x, -1, room_left)
    marked = say("map.here") if here is not None else ""
    parts += [_card(box, x, language, marked if box.process.key == here else "") for box in boxes.values()]

    description = escape(" ".join(_told(procedure, language, say)))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{top:g}"'
            f' viewBox="0 0 {width:g} {top:g}"'
            f' role="img" aria-labelledby="graph-title graph-desc" lang={quoteattr(language)}'
            ' font-family="Noto Sans, Arial, sans-serif">',
            f'<title id="graph-title">{escape(procedure.title[language])}</title>',
            f'<desc id="graph-desc">{description}</desc>',
            f'<rect width="{width:g}" height="{top:g}" fill="{PAPER}"/>',
            *(_head(colour) for colour in (WAY, BACK, BREAK)),
            *parts,
            "</svg>",
            "",
        ]
    )


def words_of(transition: Transition, language: str, say: Say) -> str:
    """Return the words of a transition's button."""
    if transition.title is not None:
        return transition.title[language]
    return say(transition.key) if transition.key else transition.trigger


def _order(procedure: Procedure) -> list[Process]:
    """The file's order, the final processes last."""
    return sorted(procedure.processes.values(), key=lambda process: process.final)


def _lines(procedure: Procedure, process: Process, language: str, say: Say) -> list[tuple[str, str, str]]:
    lines = [(line, "bold", INK) for line in textwrap.wrap(process.short_title[language], WRAP - 4)]
    if process.executor is not None:
        lines.append((say(f"workflow.executor.{process.executor}"), "normal", QUIET))
    for subprocess in process.subprocesses:
        for key in subprocess.stages:
            stage = procedure.stages[key]
            who = f" ({say(f'workflow.executor.{stage.executor}')})" if stage.executor else ""
            mark = MARKS[subprocess.order] if len(subprocess.stages) > 1 else "•"
            title = f"{mark} {stage.title[language]}{who}"
            lines += [(line, "normal", INK) for line in textwrap.wrap(title, WRAP, subsequent_indent="\u2003")]
    return lines


def _port(box: _Box, side: str) -> int:
    number: int = getattr(box, side)
    setattr(box, side, number + 1)
    return number


def _at(end: tuple[str, int], boxes: dict[str, _Box]) -> float:
    return boxes[end[0]].top + (end[1] + 1) * PORT


def _place(lanes: list[_Lane], boxes: dict[str, _Box]) -> int:
    """Give each way the nearest lane that is free over its whole length; return how many lanes there are."""
    for lane in lanes:
        lane.ends = [_at(end, boxes) for end in [*lane.sources, lane.target]]
    taken: list[list[tuple[float, float]]] = []
    for lane in sorted(lanes, key=lambda each: max(each.ends) - min(each.ends)):
        low, high = min(lane.ends), max(lane.ends)
        free = (n for n, spans in enumerate(taken) if all(high < begin or low > end for begin, end in spans))
        number = next(free, len(taken))
        if number == len(taken):
            taken.append([])
        taken[number].append((low, high))
        lane.number = number
    return len(taken)


def _room(lanes: Iterable[_Lane]) -> float:
    return 24 + max((len(lane.label) * CHARACTER for lane in lanes), default=0)


def _side(lane: _Lane, boxes: dict[str, _Box], edge: float, side: int, room: float) -> list[str]:
    lane_x = edge + side * (room + lane.number * LANE)
    into = _at(lane.target, boxes)
    parts = []
    for source in lane.sources:
        parts.append(
            f'<path d="M{edge:g} {_at(source, boxes):g}H{lane_x:g}V{into:g}" fill="none"'
            f' stroke="{lane.colour}" stroke-width="1.5"/>'
        )
        parts.append(
            _text(
                edge + side * 10, _at(source, boxes) - 7, lane.label, lane.colour, anchor="start" if side > 0 else "end"
            )
        )
    parts.append(_arrow(f"M{lane_x:g} {into:g}H{edge + side * 2:g}", lane.colour))
    return parts


def _card(box: _Box, x: float, language: str, here: str) -> str:
    final = box.process.final
    rule, width = (WAY, 4) if here else (RULE, 2 if final else 1)
    current = ' aria-current="step"' if here else ""
    parts = [
        f"<g data-process={quoteattr(box.process.key)}{current}><title>{escape(box.process.title[language])}</title>",
        f'<rect x="{x:g}" y="{box.top:g}" width="{BOX}" height="{box.height:g}" rx="{20 if final else 6}"'
        f' fill="{DONE if final else CARD}" stroke="{rule}" stroke-width="{width}"/>',
    ]
    if here:
        top = box.top + PAD + 14
        parts.append(_text(x + BOX - PAD, top, f"● {here}", WAY, weight="bold", anchor="end", halo=False))
    for number, (line, weight, colour) in enumerate(box.lines):
        indent = 18 if line.startswith("\u2003") else 0
        parts.append(
            _text(x + PAD + indent, box.top + PAD + 14 + number * LINE, line.strip(), colour, weight=weight, halo=False)
        )
    return "".join([*parts, "</g>"])


def _text(
    x: float, y: float, words: str, colour: str, *, size: int = 13, weight: str = "normal", anchor: str = "start",
    halo: bool = True,
) -> str:  # fmt: skip
    around = f' paint-order="stroke" stroke="{PAPER}" stroke-width="4"' if halo else ""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}"'
        f' fill="{colour}"{around}>{escape(words)}</text>'
    )


def _head(colour: str) -> str:
    return (
        f'<marker id="head-{colour[1:]}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8"'
        f' orient="auto"><path d="M0 0L10 5L0 10z" fill="{colour}"/></marker>'
    )


def _arrow(path: str, colour: str) -> str:
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.5" marker-end="url(#head-{colour[1:]})"/>'


def _told(procedure: Procedure, language: str, say: Say) -> Iterable[str]:
    """Tell the drawing in words: each process, its executor, its ways."""
    for process in _order(procedure):
        ways = "; ".join(
            f"{words_of(each, language, say)} → {procedure.processes[each.target].short_title[language]}"
            for each in procedure.transitions
            if each.source == process.key
        )
        who = f" ({say(f'workflow.executor.{process.executor}')})" if process.executor else ""
        yield f"{process.short_title[language]}{who}{': ' if ways else ''}{ways}."
