"""What the pages of figures cost with ten thousand applications alive and twenty thousand archived.

Processor time of the server for a page, as in ``bench.lists``: ``first`` is the first page after a start, which
reads the course of every application; ``counting`` the first of a page after a fold was made anew, the first of them
makes it; the others come after it.  On SQLite, and on PostgreSQL where it is reachable.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
from datetime import timedelta

from flask.testing import FlaskClient
from sqlalchemy import insert, select

from app import catalogue, db
from app.applications import clocks
from app.applications.models import Application, History
from app.demo import past
from app.figures import queries
from app.web import clock
from bench import databases
from bench.lists import signed_in
from tests.houses import House

LIVE, ARCHIVED = 10_000, 20_000
ROUNDS = 5
FIRST_ID = 1_000_000
AT_ONCE = 2_000
PAGES = (
    "/figures", "/figures/terms", "/figures/stays", "/figures/paths?procedure=share_listing",
    "/figures/list?of=stays&key=exchange", "/figures?procedure=bond_listing", "/figures/stays?procedure=bond_listing",
)  # fmt: skip


def grow(house: House) -> None:
    """Let there be so many applications of five procedures, spread over a year, each with its course."""
    chance = random.Random(5)
    now = clock.now(house.config)
    with house.app.app_context():
        original = dict(db.session.execute(select(db.table_of(Application)).limit(1)).one()._mapping)
        db.session.remove()
        hours = clocks.hours()
        procedures = [catalogue.present().procedures.get(key) for key in past.MADE]
        applications, moves = [], []
        for number in range(LIVE + ARCHIVED):
            procedure = procedures[min(number % 8, 4)]  # half of them of one
            path = past._course(procedure, chance).path
            is_alive = number < LIVE
            if is_alive:
                path = path[: chance.randint(3, len(path) - 1)]
            at = hours.accepted(now - timedelta(days=chance.uniform(3, 120) if is_alive else chance.uniform(80, 420)))
            ident = FIRST_ID + number
            source, entered = "", at
            for process in path:
                entered = min(at, now)
                moves.append({"application_id": ident, "at": entered, "by_id": original["author_id"], "act": "led",
                              "source": source, "target": process, "stage": "", "words": ""})  # fmt: skip
                low, high = past.DAYS.get(process, (1, 4))
                at, source = hours.advance(at, hours.day_length * chance.uniform(low, high)), process
            sent = next(row["at"] for row in moves[-len(path) :] if row["target"] == "registration")
            mine = {"id": ident, "number": f"XF-{ident}", "procedure": procedure.name, "process": path[-1]}
            mine |= {"procedure_sha256": procedure.sha256, "stages": {}, "submitted_at": sent, "sent_at": sent}
            ended = None if is_alive else entered
            applications.append({**original, **mine, "entered_at": entered, "archived_at": ended, "decided_at": None})
    with house.engine.begin() as connection:
        for table, rows in ((db.table_of(Application), applications), (db.table_of(History), moves)):
            for start in range(0, len(rows), AT_ONCE):
                connection.execute(insert(table), rows[start : start + AT_ONCE])
    print(f"bench: {len(applications)} applications, {len(moves)} moves", file=sys.stderr, flush=True)


def measure(house: House, name: str) -> None:
    """Print what each page costs, in milliseconds."""
    client = signed_in(house, "listing.head")
    with house.app.app_context():
        queries.shelf().cases.clear()
    tell(f"figures_first_page_{name}", [spent(client, "/figures")])
    with house.app.app_context():
        queries.shelf().folds.clear()
    for path in PAGES:
        tell(f"figures_counting_{name}_{path}", [spent(client, path)])
        tell(f"figures_{name}_{path}", [spent(client, path) for _ in range(ROUNDS)])


def spent(client: FlaskClient, path: str) -> float:
    """Return the processor time of a page in milliseconds."""
    begun = time.process_time()
    answer = client.get(path)
    if answer.status_code != 200:
        raise RuntimeError(f"{path}: {answer.status_code}")
    return (time.process_time() - begun) * 1000


def tell(name: str, found: list[float]) -> None:
    """Print a result."""
    print(json.dumps({"name": name, "value": round(statistics.median(found), 1), "unit": "ms", "n": len(found)}),
          flush=True)  # fmt: skip


def run() -> None:
    """Measure on every database there is."""
    for name, house in databases.houses():
        grow(house)
        measure(house, name)
