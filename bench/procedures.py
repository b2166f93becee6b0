"""What a transition costs in the largest procedure, beside the smallest; what a list costs with ten thousand alive.

A transition of the engine alone: the offers of the page and the firing, as ``moves.fire`` asks them.  Its floor is
the same in the smallest procedure that has a way on and one back: three processes of one stage each.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from app.workflows.definitions import load_files
from app.workflows.guards import Facts, Position, StageStatus
from app.workflows.machine import Procedure

PROCESSES, STAGES = 12, 60
ROUNDS, AT_ONCE = 30, 200
MOST = 1.5
"""So many times may the largest cost what the smallest does."""


def words(text: str) -> dict[str, str]:
    """Return the same words in three languages."""
    return {"kk": text, "ru": text, "en": text}


def tree(processes: int, stages: int) -> dict[str, Any]:
    """Return a procedure of so many processes in a row and stages among them, with ways on, back and out."""
    each = stages // processes
    found: dict[str, Any] = {
        "procedure": f"bench_{processes}", "version": 1, "category": "listing", "title": words("Bench"),
        "number_prefix": "BE", "open_to": ["initiator"], "initial": "p0", "processes": {}, "stages": {},
        "transitions": [], "interruptions": [],
    }  # fmt: skip
    for number in range(processes):
        own = [f"s{number}_{n}" for n in range(each)]
        found["stages"] |= {key: {"title": words(key), "kind": "work"} for key in own}
        found["processes"][f"p{number}"] = {
            "title": words(f"P{number}"), "state": "under_review", "executor": "listing",
            "subprocesses": {"all": {"title": words("All"), "stages": own, "order": "parallel"}},
        }  # fmt: skip
        on = {"trigger": "on", "title": words("On"), "source": f"p{number}", "target": f"p{number + 1}"}
        found["transitions"].append({**on, "guards": ["every_stage_done"]})
        if number:
            back = {"trigger": "back", "title": words("Back"), "source": f"p{number}", "target": f"p{number - 1}"}
            found["transitions"].append({**back, "guards": ["has_remarks"]})
    found["processes"][f"p{processes}"] = {"title": words("End"), "state": "archived", "final": True}
    return found


def procedure(folder: Path, processes: int, stages: int) -> Procedure:
    """Return the procedure as its file says it."""
    path = folder / f"bench_{processes}.v1.yaml"
    path.write_text(yaml.safe_dump(tree(processes, stages), allow_unicode=True), encoding="utf-8")
    library, faults = load_files([path], folder)
    if faults:
        raise RuntimeError("\n".join(map(str, faults)))
    return library.get(f"bench_{processes}")


def transition(chosen: Procedure) -> Callable[[], object]:
    """Return one transition in the middle of a procedure, every stage before it done."""
    middle = f"p{len(chosen.processes) // 2 - 1}"
    standing = Position(middle, dict.fromkeys(chosen.stages, StageStatus.FILLED))
    facts = Facts(sent=True)

    def do() -> object:
        chosen.offers(standing, facts)
        return chosen.fire(standing, "on", facts)

    return do


def seconds(do: Callable[[], object]) -> float:
    """Return the processor time of one round."""
    begun = time.process_time()
    for _ in range(AT_ONCE):
        do()
    return time.process_time() - begun


def run() -> None:
    """Measure the engine: rounds of the large and the small one take turns."""
    print("bench: procedures", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="kezen-bench-") as folder:
        large = transition(procedure(Path(folder), PROCESSES, STAGES))
        small = transition(procedure(Path(folder), 3, 3))
        spent: dict[str, list[float]] = {"large": [], "small": []}
        for _ in range(ROUNDS):
            spent["large"].append(seconds(large))
            spent["small"].append(seconds(small))
    value, bare = (statistics.median(found) / AT_ONCE * 1e6 for found in spent.values())
    result = {
        "name": f"transition_of_{PROCESSES}_processes_{STAGES}_stages", "value": round(value, 1), "unit": "us",
        "floor": round(bare, 1), "ratio": round(value / bare, 3), "n": ROUNDS * AT_ONCE,
    }  # fmt: skip
    print(json.dumps(result), flush=True)
