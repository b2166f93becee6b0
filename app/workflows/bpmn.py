"""A procedure as BPMN 2.0 with its diagram, for the tools of analysts.

A process becomes an expanded sub-process of user tasks, its stages; a subprocess of the file that opens all its
stages at once stands between two parallel gateways.  Behind a process with several ways an exclusive gateway
divides them; each way is a flow with the words of its button, what it asks in its documentation.  Interruptions
are boundary events of every process where they may begin, a timer's transition a boundary timer event, final
processes end events, a standing subprocess an event sub-process.  What guards ask is told, not computed: an engine
that runs the file follows the variable ``taken``, ``"<trigger>_<target>"``, where ways divide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lxml import etree

from app.workflows.graph import Say, words_of
from app.workflows.guards import EXECUTORS
from app.workflows.machine import Procedure
from app.workflows.parts import Order, Process, Subprocess, Transition
from app.workflows.variables import told

MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"
DIAGRAM = "http://www.omg.org/spec/BPMN/20100524/DI"
BOUNDS, POINTS = "http://www.omg.org/spec/DD/20100524/DC", "http://www.omg.org/spec/DD/20100524/DI"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
NAMES = {"bpmn": MODEL, "bpmndi": DIAGRAM, "dc": BOUNDS, "di": POINTS, "xsi": XSI}

TASK_WIDTH, TASK_HEIGHT, SPACE, SMALL, GATE = 150, 80, 40, 36, 50
MIDDLE = 600  # the height at which the processes stand in a row

Box = tuple[float, float, float, float]  # x, y, width, height
Point = tuple[float, float]


@dataclass
class _Drawing:
    """The document as it grows: its elements, and where each stands."""

    procedure: Procedure
    language: str
    say: Say
    root: etree._Element
    body: etree._Element
    shapes: dict[str, Box] = field(default_factory=dict)
    edges: dict[str, list[Point]] = field(default_factory=dict)
    above: int = 0
    below: int = 0

    def node(self, parent: etree._Element, kind: str, ident: str, box: Box, name: str = "") -> etree._Element:
        """Add a node, and where it stands."""
        found = etree.SubElement(parent, f"{{{MODEL}}}{kind}", id=ident)
        if name:
            found.set("name", name)
        self.shapes[ident] = box
        return found

    def flow(
        self, parent: etree._Element, ident: str, ends: tuple[str, str], way: list[Point], name: str = ""
    ) -> etree._Element:
        """Add a sequence flow between two nodes."""
        found = etree.SubElement(parent, f"{{{MODEL}}}sequenceFlow", id=ident, sourceRef=ends[0], targetRef=ends[1])
        if name:
            found.set("name", name)
        for end, kind in zip(ends, ("outgoing", "incoming"), strict=True):
            node = next(each for each in parent if each.get("id") == end)
            entry = etree.Element(f"{{{MODEL}}}{kind}")
            entry.text = ident
            node.insert(_place_of(node, kind), entry)
        self.edges[ident] = way
        return found

    def between(self, before: str, after: str) -> list[Point]:
        """Return the way of a flow from one node to another: straight to the next, else around."""
        left, right = self.shapes[before], self.shapes[after]
        begin, end = (left[0] + left[2], left[1] + left[3] / 2), (right[0], right[1] + right[3] / 2)
        if 0 <= end[0] - begin[0] <= 4 * SPACE:
            return [begin, end]
        return self.around((left[0] + left[2] / 2, left[1] + left[3]), end, right[0] > left[0])

    def around(self, begin: Point, end: Point, is_onward: bool) -> list[Point]:
        """Return a way in a lane of its own, back and out below all processes, onward above them."""
        if is_onward:
            self.above += 1
            lane = MIDDLE - 260 - self.above * 20.0
        else:
            self.below += 1
            lane = MIDDLE + 260 + self.below * 20.0
        return [begin, (begin[0], lane), (end[0] - 15, lane), (end[0] - 15, end[1]), end]


_ORDER = ("documentation", "extensionElements", "incoming", "outgoing")


def _place_of(node: etree._Element, kind: str) -> int:
    """Return where an entry of a kind goes: the schema wants documentation, incoming, outgoing in this order."""
    rank = _ORDER.index(kind)
    return sum(1 for each in node if etree.QName(each).localname in _ORDER[: rank + 1])


def export(procedure: Procedure, language: str, say: Say) -> bytes:
    """Return the procedure as a BPMN 2.0 document (UTF-8) in one language.

    Ids are made of the file's keys: ``process_<process>``, ``stage_<process>_<stage>``, ``way_<number>`` of the
    transition in the order of the file.
    """
    root = etree.Element(f"{{{MODEL}}}definitions", nsmap=NAMES, id=f"definitions_{procedure.key}")
    root.set("targetNamespace", "urn:kezen:procedures")
    signals = {each.trigger: words_of(each, language, say) for each in procedure.interruptions if not _is_timed(each)}
    signals |= {f"look_{each.key}": each.title[language] for each in procedure.standing if each.stages}
    for key, name in signals.items():
        etree.SubElement(root, f"{{{MODEL}}}signal", id=f"signal_{key}", name=name)
    body = etree.SubElement(root, f"{{{MODEL}}}process", id=procedure.key, name=procedure.title[language])
    body.set("isExecutable", "true")  # parsers pass over what is not
    drawing = _Drawing(procedure, language, say, root, body)
    _place_processes(drawing)
    _place_standing(drawing)
    for number, transition in enumerate(procedure.transitions):
        _way(drawing, number, transition)
    _diagram(drawing)
    etree.indent(root)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _place_processes(drawing: _Drawing) -> None:
    procedure = drawing.procedure
    x = 100.0
    first = f"process_{procedure.initial}"
    drawing.node(drawing.body, "startEvent", "start", (x, MIDDLE - SMALL / 2, SMALL, SMALL))
    x += SMALL + 2 * SPACE
    ends = 0
    for process in sorted(procedure.processes.values(), key=lambda each: each.final):
        name = process.short_title[drawing.language]
        ident = f"process_{process.key}"
        if process.final:
            y = MIDDLE - SMALL / 2 + ends * 2 * TASK_HEIGHT
            drawing.node(drawing.body, "endEvent", ident, (x, y, SMALL, SMALL), name)
            ends += 1
            continue
        if not process.stages:
            node = drawing.node(
                drawing.body, "userTask", ident, (x, MIDDLE - TASK_HEIGHT / 2, TASK_WIDTH, TASK_HEIGHT), name
            )
            _performer(drawing, node, process.executor)
        else:
            _expanded(drawing, process, ident, x)
        x += drawing.shapes[ident][2] + 2 * SPACE
        if len(_ordinary(procedure, process)) > 1:
            gate = f"after_{process.key}"
            drawing.node(drawing.body, "exclusiveGateway", gate, (x, MIDDLE - GATE / 2, GATE, GATE))
            drawing.flow(drawing.body, f"to_{gate}", (ident, gate), drawing.between(ident, gate))
            x += GATE + 2 * SPACE
    drawing.flow(drawing.body, "begin", ("start", first), drawing.between("start", first))


def _ordinary(procedure: Procedure, process: Process) -> list[Transition]:
    return [each for each in procedure.transitions if each.source == process.key and not _is_boundary(each)]


def _is_timed(transition: Transition) -> bool:
    """Tell whether no person takes the transition, but time."""
    return transition.by not in EXECUTORS


def _is_boundary(transition: Transition) -> bool:
    return transition.is_interruption or _is_timed(transition)


def _expanded(drawing: _Drawing, process: Process, ident: str, x: float) -> None:
    """Draw a process with its stages inside, one subprocess of the file after the other."""
    node = drawing.node(drawing.body, "subProcess", ident, (x, 0, 0, 0), process.short_title[drawing.language])
    _documented(node, process.title[drawing.language])
    ends = [f"start_{process.key}"]
    inside = x + SPACE
    drawing.node(node, "startEvent", ends[0], (inside, MIDDLE - SMALL / 2, SMALL, SMALL))
    inside += SMALL + SPACE
    tallest = 1
    for subprocess in process.subprocesses:
        ends, inside = _row(drawing, node, process, subprocess, ends, inside)
        tallest = max(tallest, len(subprocess.stages) if subprocess.order is not Order.SEQUENCE else 1)
    done = f"end_{process.key}"
    drawing.node(node, "endEvent", done, (inside, MIDDLE - SMALL / 2, SMALL, SMALL))
    drawing.flow(node, f"{ends[0]}_{done}", (ends[0], done), drawing.between(ends[0], done))
    height = tallest * (TASK_HEIGHT + SPACE) + SPACE
    drawing.shapes[ident] = (x, MIDDLE - height / 2, inside + SMALL + SPACE - x, height)


def _row(
    drawing: _Drawing, node: etree._Element, process: Process, subprocess: Subprocess, ends: Sequence[str], x: float
) -> tuple[list[str], float]:
    """Draw the stages of a subprocess after the node that ends what stands before; return its own end."""
    before = ends[0]
    is_split = subprocess.order is not Order.SEQUENCE and len(subprocess.stages) > 1
    if not is_split:
        for stage in subprocess.stages:
            ident = _stage(drawing, node, process, stage, (x, MIDDLE))
            drawing.flow(node, f"{before}_{ident}", (before, ident), drawing.between(before, ident))
            before, x = ident, x + TASK_WIDTH + SPACE
        return [before], x
    split, join = (f"{side}_{process.key}_{subprocess.key}" for side in ("split", "join"))
    drawing.node(node, "parallelGateway", split, (x, MIDDLE - GATE / 2, GATE, GATE))
    drawing.flow(node, f"{before}_{split}", (before, split), drawing.between(before, split))
    x += GATE + SPACE
    drawing.node(node, "parallelGateway", join, (x + TASK_WIDTH + SPACE, MIDDLE - GATE / 2, GATE, GATE))
    top = MIDDLE - (len(subprocess.stages) - 1) * (TASK_HEIGHT + SPACE) / 2
    for number, stage in enumerate(subprocess.stages):
        ident = _stage(drawing, node, process, stage, (x, top + number * (TASK_HEIGHT + SPACE)))
        drawing.flow(node, f"{split}_{ident}", (split, ident), drawing.between(split, ident))
        drawing.flow(node, f"{ident}_{join}", (ident, join), drawing.between(ident, join))
    return [join], x + TASK_WIDTH + SPACE + GATE + SPACE


def _stage(drawing: _Drawing, node: etree._Element, process: Process, key: str, at: Point) -> str:
    """Draw a stage whose left edge's middle stands at ``at``; return its id."""
    stage, ident = drawing.procedure.stages[key], f"stage_{process.key}_{key}"
    box = (at[0], at[1] - TASK_HEIGHT / 2, TASK_WIDTH, TASK_HEIGHT)
    task = drawing.node(node, "userTask", ident, box, stage.title[drawing.language])
    told = [str(stage.kind), *stage.forms, *(["optional"] if stage.optional else [])]
    told += [f"skip_if: {stage.skip_if}"] if stage.skip_if else []
    told += [f"follows: {stage.follows}"] if stage.follows else []
    _documented(task, "; ".join(told))
    _performer(drawing, task, drawing.procedure.executor_of(key, process.key))
    return ident


def _documented(node: etree._Element, words: str) -> None:
    if words:
        etree.SubElement(node, f"{{{MODEL}}}documentation").text = words


def _performer(drawing: _Drawing, task: etree._Element, executor: str | None) -> None:
    """Name who does a task."""
    if executor is not None:
        owner = etree.SubElement(task, f"{{{MODEL}}}potentialOwner", id=f"{task.get('id')}_owner")
        owner.set("name", drawing.say(f"workflow.executor.{executor}"))
        chosen = etree.SubElement(owner, f"{{{MODEL}}}resourceAssignmentExpression")
        etree.SubElement(chosen, f"{{{MODEL}}}formalExpression").text = executor


def _place_standing(drawing: _Drawing) -> None:
    """Draw what stands in every process: event sub-processes that interrupt nothing."""
    for number, standing in enumerate(each for each in drawing.procedure.standing if each.stages):
        x, y = 100.0, MIDDLE + 300.0 + 200 * number
        ident = f"standing_{standing.key}"
        width = SPACE + SMALL + (TASK_WIDTH + SPACE) * len(standing.stages) + SPACE + SMALL + SPACE
        node = drawing.node(drawing.body, "subProcess", ident, (x, y, width, 160), standing.title[drawing.language])
        node.set("triggeredByEvent", "true")
        _documented(node, "; ".join(told(use) for use in standing.guards))
        before = f"start_{standing.key}"
        start = drawing.node(node, "startEvent", before, (x + SPACE, y + 80 - SMALL / 2, SMALL, SMALL))
        start.set("isInterrupting", "false")
        x += SPACE + SMALL
        for stage in standing.stages:
            task = f"stage_{standing.key}_{stage}"
            title = drawing.procedure.stages[stage].title[drawing.language]
            drawing.node(node, "userTask", task, (x + SPACE, y + 40, TASK_WIDTH, TASK_HEIGHT), title)
            drawing.flow(node, f"{before}_{task}", (before, task), drawing.between(before, task))
            before, x = task, x + SPACE + TASK_WIDTH
        end = f"end_{standing.key}"
        drawing.node(node, "endEvent", end, (x + SPACE, y + 80 - SMALL / 2, SMALL, SMALL))
        drawing.flow(node, f"{before}_{end}", (before, end), drawing.between(before, end))
        found = etree.SubElement(start, f"{{{MODEL}}}signalEventDefinition", id=f"look_{standing.key}")
        found.set("signalRef", f"signal_look_{standing.key}")


def _way(drawing: _Drawing, number: int, transition: Transition) -> None:
    """Draw a transition: a flow from the process or the gateway behind it, or from an event on its edge."""
    source, target = f"process_{transition.source}", f"process_{transition.target}"
    words = words_of(transition, drawing.language, drawing.say)
    is_divided = len(_ordinary(drawing.procedure, drawing.procedure.processes[transition.source])) > 1
    if _is_boundary(transition):
        begin = f"event_{number}"
        x, y, width, height = drawing.shapes[source]
        before = [each for each in drawing.procedure.transitions[:number] if each.source == transition.source]
        taken = sum(map(_is_boundary, before))
        box = (x + width - (taken + 1) * (SMALL + 10), y + height - SMALL / 2, SMALL, SMALL)
        event = drawing.node(drawing.body, "boundaryEvent", begin, box, words)
        event.set("attachedToRef", source)
        kind = "timerEventDefinition" if _is_timed(transition) else "signalEventDefinition"
        found = etree.SubElement(event, f"{{{MODEL}}}{kind}", id=f"{begin}_is")
        if _is_timed(transition):
            etree.SubElement(found, f"{{{MODEL}}}timeDuration").text = _duration(drawing.procedure, transition)
        else:
            found.set("signalRef", f"signal_{transition.trigger}")
        end = drawing.shapes[target]
        way = drawing.around((box[0] + SMALL / 2, box[1] + SMALL), (end[0], end[1] + end[3] / 2), False)
    else:
        begin = f"after_{transition.source}" if is_divided else source
        way = drawing.between(begin, target)
    flow = drawing.flow(drawing.body, f"way_{number}", (begin, target), way, words)
    _documented(flow, "; ".join(told(use) for use in transition.guards))
    if is_divided and not _is_boundary(transition):
        condition = etree.SubElement(flow, f"{{{MODEL}}}conditionExpression")
        condition.set(f"{{{XSI}}}type", "bpmn:tFormalExpression")
        condition.text = f'taken == "{transition.trigger}_{transition.target}"'


def _duration(procedure: Procedure, transition: Transition) -> str:
    """Return the time after which a timer fires, as ISO 8601 says it: days, for want of working days."""
    days = [term.working_days for term in getattr(procedure, "terms", ()) if term.trigger == transition.trigger]
    return f"P{min(days, default=0)}D"


def _diagram(drawing: _Drawing) -> None:
    diagram = etree.SubElement(drawing.root, f"{{{DIAGRAM}}}BPMNDiagram", id="diagram")
    plane = etree.SubElement(diagram, f"{{{DIAGRAM}}}BPMNPlane", id="plane", bpmnElement=drawing.procedure.key)
    for ident, (x, y, width, height) in drawing.shapes.items():
        shape = etree.SubElement(plane, f"{{{DIAGRAM}}}BPMNShape", id=f"shape_{ident}", bpmnElement=ident)
        if ident.startswith(("process_", "standing_")) and width > TASK_WIDTH:
            shape.set("isExpanded", "true")
        place = {"x": x, "y": y, "width": width, "height": height}
        etree.SubElement(shape, f"{{{BOUNDS}}}Bounds", {key: f"{value:g}" for key, value in place.items()})
    for ident, points in drawing.edges.items():
        edge = etree.SubElement(plane, f"{{{DIAGRAM}}}BPMNEdge", id=f"edge_{ident}", bpmnElement=ident)
        for point_x, point_y in points:
            etree.SubElement(edge, f"{{{POINTS}}}waypoint", x=f"{point_x:g}", y=f"{point_y:g}")
