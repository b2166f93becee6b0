"""The BPMN 2.0 of every shipped procedure, read by a parser that is not ours: the same stages, the same flows."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from lxml import etree
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnValidator

from app.cli.definitions import graph
from app.terms import LANGUAGES, say
from app.workflows.bpmn import BOUNDS, DIAGRAM, MODEL, export
from app.workflows.definitions import load
from app.workflows.graph import words_of
from app.workflows.machine import Procedure

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(path.name.removesuffix(".yaml") for path in (ROOT / "workflows").glob("*.v*.yaml"))


@cache
def procedures() -> dict[str, Procedure]:
    return dict(load(ROOT / "workflows", ROOT)[0].procedures)


def exported(name: str, language: str) -> bytes:
    return export(procedures()[name], language, lambda term: say(term, language))


def specs(name: str, language: str, folder: Path) -> tuple[Any, dict[str, Any]]:
    """Let SpiffWorkflow read the file, by the schema of the standard first."""
    path = folder / f"{name}.bpmn"
    path.write_bytes(exported(name, language))
    parser = BpmnParser(validator=BpmnValidator())
    parser.add_bpmn_file(str(path))
    key = procedures()[name].key
    return parser.get_spec(key), parser.get_subprocess_specs(key)


def reached(spec: Any, name: str) -> list[str]:
    """Return the processes to which flows lead from a node, through gateways and the parser's own nodes."""
    found = []
    for each in spec.task_specs[name].outputs:
        inner = each.name.removesuffix(".BoundaryEventSplit")
        if inner.startswith("process_") and not inner.endswith(".BoundaryEventJoin"):
            found.append(inner.removeprefix("process_"))
        elif inner.startswith("after_"):
            found += reached(spec, each.name)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_another_parser_finds_the_same_stages_and_the_same_flows(name, tmp_path):
    procedure = procedures()[name]

    spec, inner = specs(name, "en", tmp_path)

    stages = {
        key.removeprefix("process_"): [
            task.removeprefix(f"stage_{key.removeprefix('process_')}_")
            for task in each.task_specs
            if task.startswith("stage_")
        ]
        for key, each in inner.items()
        if key.startswith("process_")
    }
    assert {key: sorted(found) for key, found in stages.items()} == {
        key: sorted(process.stages) for key, process in procedure.processes.items() if process.stages
    }
    flows = [(key, target) for key in procedure.processes for target in reached(spec, f"process_{key}")]
    sources = {f"event_{number}": each.source for number, each in enumerate(procedure.transitions)}
    events = [event for event in spec.task_specs if event in sources]
    flows += [(sources[event], target) for event in events for target in reached(spec, event)]
    assert Counter(flows) == Counter((each.source, each.target) for each in procedure.transitions)
    assert reached(spec, "start") == [procedure.initial]
    standing = {f"standing_{each.key}" for each in procedure.standing if each.stages}
    assert standing <= set(inner)


@pytest.mark.parametrize("language", LANGUAGES)
def test_processes_stages_and_buttons_are_named_in_each_language(language, tmp_path):
    procedure = procedures()["share_listing.v1"]

    spec, inner = specs("share_listing.v1", language, tmp_path)

    for key, process in procedure.processes.items():
        assert spec.task_specs[f"process_{key}"].bpmn_name == process.short_title[language]
        for stage in process.stages:
            task = inner[f"process_{key}"].task_specs[f"stage_{key}_{stage}"]
            assert task.bpmn_name == procedure.stages[stage].title[language]
    flows = etree.fromstring(exported("share_listing.v1", language)).iter(f"{{{MODEL}}}sequenceFlow")
    names = {flow.get("id"): flow.get("name") for flow in flows}
    for number, transition in enumerate(procedure.transitions):
        assert names[f"way_{number}"] == words_of(transition, language, lambda term: say(term, language))


@pytest.mark.parametrize("name", NAMES)
def test_every_node_has_its_place_and_no_task_lies_upon_another(name):
    root = etree.fromstring(exported(name, "kk"))
    shapes = {}
    for shape in root.iter(f"{{{DIAGRAM}}}BPMNShape"):
        bounds = shape.find(f"{{{BOUNDS}}}Bounds")
        shapes[shape.get("bpmnElement")] = tuple(float(bounds.get(key)) for key in ("x", "y", "width", "height"))
    flows = {each.get("id") for each in root.iter(f"{{{MODEL}}}sequenceFlow")}
    nodes = {each.get("id") for parent in root.iter(f"{{{MODEL}}}process", f"{{{MODEL}}}subProcess") for each in parent}

    assert nodes - flows - {None} == shapes.keys()
    assert {edge.get("bpmnElement") for edge in root.iter(f"{{{DIAGRAM}}}BPMNEdge")} == flows
    tasks = [box for ident, box in shapes.items() if ident.startswith("stage_")]
    for number, (x, y, width, height) in enumerate(tasks):
        for other_x, other_y, other_width, other_height in tasks[number + 1 :]:
            apart = x + width <= other_x or other_x + other_width <= x
            assert apart or y + height <= other_y or other_y + other_height <= y


def test_the_command_gives_bpmn():
    result = CliRunner().invoke(graph, ["share_listing", "--bpmn", "--language", "ru"])

    assert result.exit_code == 0
    assert etree.fromstring(result.stdout_bytes).find(f"{{{MODEL}}}process").get("id") == "share_listing"
