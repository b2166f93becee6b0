"""What a transition costs in the largest procedure, beside the smallest; what a list costs with ten thousand alive.

A transition of the engine alone: the offers of the page and the firing, as ``moves.fire`` asks them.  Its floor is
the same in the smallest procedure that has a way on and one back: three processes of one stage each.

Then the same transition as a person takes it, through ``moves`` and committed, with its history, audit and messages,
on SQLite and on PostgreSQL where it is reachable.
"""

from __future__ import annotations

import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import select, update

from app import catalogue, db, demo
from app.accounts.models import User
from app.applications import filing, moves, queries
from app.applications.models import Application
from app.config import ROOT
from app.organisations.models import Organisation
from app.workflows.definitions import load_files
from app.workflows.guards import Facts, Position, StageStatus
from app.workflows.machine import Procedure
from bench import databases
from tests import herd
from tests.houses import House

PROCESSES, STAGES = 12, 60
LARGE, SMALL = (PROCESSES, STAGES), (3, 3)
COMMITTED, WARM = 400, 40
"""So many committed transitions of each procedure; the first of them are not counted."""
POSTGRESQL = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
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
        on = {"trigger": "on", "title": words("On"), "source": f"p{number}", "target": f"p{number + 1}",
              "notify": ["listing_head", "listing"]}  # fmt: skip
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


def measure_engine() -> None:
    """Measure the engine: rounds of the large and the small one take turns."""
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


# committed


def shelf(folder: Path) -> Path:
    """Return a folder of the shipped workflow files with the two of the bench among them."""
    shutil.copytree(ROOT / "workflows", folder)
    for processes, stages in (LARGE, SMALL):
        procedure(folder, processes, stages)
    return folder


def copies(house: House, processes: int, first_id: int) -> list[str]:
    """Return the numbers of applications that stand in the middle of a procedure, every stage before it done."""
    with house.app.app_context():
        chosen = catalogue.present().procedures.get(f"bench_{processes}")
        with db.transaction():
            company = db.session.scalars(select(Organisation.id).where(Organisation.code == "ALTN")).one()
            author = demo.user("listing")
            original = filing.create(chosen.key, company_id=company, author=author, now=datetime.now(UTC)).id
            middle = f"p{processes // 2}"
            before = [chosen.processes[f"p{number}"] for number in range(processes // 2 + 1)]
            done = [key for process in before for key in process.stages]
            table = db.table_of(Application)
            values = {"process": middle, "stages": dict.fromkeys(done, "filled"), "submitted_at": datetime.now(UTC)}
            db.session.execute(update(table).where(table.c.id == original).values(**values))
    with house.engine.begin() as connection:
        return herd.multiply(connection, original, first_id=first_id, count=COMMITTED, prefix=f"XB{processes}")


def take(number: str, user: User) -> tuple[float, float]:
    """Return how long one transition takes, from the look at the application to its commit, and its processor time."""
    begun, worked = time.perf_counter(), time.process_time()
    with db.transaction():
        application = queries.by_number(number, user=user, for_update=True)
        moves.fire(application, "on", by=user, seen=application.version, now=datetime.now(UTC))
    return time.perf_counter() - begun, time.process_time() - worked


def measure_committed(house: House, name: str) -> None:
    """Measure transitions that are committed; the large and the small procedure take turns."""
    numbers = {size: copies(house, size[0], size[0] * 1_000_000) for size in (LARGE, SMALL)}
    spent: dict[tuple[int, int], list[tuple[float, float]]] = {LARGE: [], SMALL: []}
    with house.app.app_context():
        user = demo.user("listing")
        for pair in zip(numbers[LARGE], numbers[SMALL], strict=True):
            for size, number in zip((LARGE, SMALL), pair, strict=True):
                spent[size].append(take(number, user))
    for place, kind in enumerate(("", "_processor_time")):
        value, bare = (statistics.median(each[place] for each in found[WARM:]) * 1e3 for found in spent.values())
        result = {
            "name": f"committed_transition_of_{LARGE[0]}_processes_{LARGE[1]}_stages_{name}{kind}",
            "value": round(value, 3), "unit": "ms", "floor": round(bare, 3), "ratio": round(value / bare, 3),
            "n": COMMITTED - WARM,
        }  # fmt: skip
        print(json.dumps(result), flush=True)


def run() -> None:
    """Measure the engine alone, then transitions that are committed on every database there is."""
    databases.say("procedures")
    measure_engine()
    with tempfile.TemporaryDirectory(prefix="kezen-bench-") as folder:
        for name, house in databases.houses(KEZEN_WORKFLOWS=str(shelf(Path(folder) / "workflows"))):
            measure_committed(house, name)
