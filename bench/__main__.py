"""Measure signatures, forms of many entries, then acts on SQLite and, where it is reachable, on PostgreSQL.

One JSON object a line, progress on stderr; ``python -m bench signatures`` measures that part alone.
"""

from __future__ import annotations

import json
import random
import re
import statistics
import sys
import time

from app.demo.people import PASSWORD
from bench import acts, databases, figures, floor, forms, lists, procedures, signatures
from bench.acts import Act
from bench.databases import analyse, say
from tests.houses import House

LIVE = (100, 1_000, 10_000)
ROUNDS = 12
AT_ONCE = 8  # of each act, in a round


def tell(name: str, seconds: list[float], floor_seconds: list[float], each: int, unit: str) -> None:
    """Print a result: acts a second, the median of the rounds, beside the floor's."""
    value, bare = (each / statistics.median(found) for found in (seconds, floor_seconds))
    result = {"name": name, "value": round(value, 1), "unit": unit, "floor": round(bare, 1)}
    print(json.dumps({**result, "ratio": round(value / bare, 3), "n": each * len(seconds)}), flush=True)


def measure(
    house: House, measured: list[Act], *, rounds: int = ROUNDS, put_back: bool = True
) -> dict[str, list[float]]:
    """Do the acts by the rooms' verbs, by bare SQL, and by its writing half; return the seconds of each round."""
    chance = random.Random(1)
    seconds: dict[str, list[float]] = {"verbs": [], "floor": [], "writes": []}
    with house.app.app_context():
        scripts = {act.name: _script(house, act, put_back) for act in measured}
        for _ in range(rounds):
            spent = dict.fromkeys(seconds, 0.0)
            for act in measured:
                for way in seconds:
                    ids = act.some(chance, AT_ONCE) if put_back else _unused(act)
                    spent[way] += _by_verbs(act, ids) if way == "verbs" else _bare(house, scripts[act.name], ids, way)
                    if put_back:
                        act.put_back(house, ids)
            for way, found in spent.items():
                seconds[way].append(found)
    return seconds


def _unused(act: Act) -> range:
    first = act.first_id + act.unused
    act.unused += AT_ONCE
    return range(first, first + AT_ONCE)


def _script(house: House, act: Act, put_back: bool) -> tuple[int, list[floor.Step]]:
    """Do an act a few times, until nothing is first any more, and once more to take its statements down."""
    ids = act.some(random.Random(2), AT_ONCE) if put_back else _unused(act)
    _by_verbs(act, ids[:-1])
    with floor.taken_down(house.engine) as steps:
        act.do(act.number(ids[-1]), act.user)
    if put_back:
        act.put_back(house, ids)
    return ids[-1], steps


def _by_verbs(act: Act, ids: range) -> float:
    numbers = [act.number(ident) for ident in ids]
    begun = time.perf_counter()
    for number in numbers:
        act.do(number, act.user)
    return time.perf_counter() - begun


def _bare(house: House, script: tuple[int, list[floor.Step]], ids: range, way: str) -> float:
    known, steps = script
    if way == "writes":
        steps = [step for step in steps if not step.is_reading]
    scripts = [
        floor.for_another(
            steps, ident=known, number=Act.number(known), other_ident=ident, other_number=Act.number(ident)
        )
        for ident in ids
    ]
    connection = house.engine.raw_connection()
    try:
        begun = time.perf_counter()
        floor.replay(connection, scripts)
        return time.perf_counter() - begun
    finally:
        connection.close()


def pages(house: House, name: str) -> None:
    """Measure two pages as the browser gets them, beside the bare SQL they ask for."""
    client = house.app.test_client()
    page = client.get("/login").get_data(as_text=True)
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    form = {"email": "issuer@altn.example", "password": PASSWORD, "csrf_token": found[1] if found else ""}
    client.post("/login", data=form)
    for kind, path in (("hub", "/applications/LP-2026-000005"), ("list", "/applications")):
        client.get(path)
        with floor.taken_down(house.engine) as steps:
            answer = client.get(path)
        if answer.status_code != 200:
            say(f"{kind} page: not measured, it answers {answer.status_code}")
            continue
        seconds, bare = [], []
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            for _ in range(AT_ONCE):
                client.get(path)
            seconds.append(time.perf_counter() - begun)
            connection = house.engine.raw_connection()
            begun = time.perf_counter()
            floor.replay(connection, [steps] * AT_ONCE)
            bare.append(time.perf_counter() - begun)
            connection.close()
        tell(f"{kind}_pages_per_second_{name}", seconds, bare, AT_ONCE, "pages/s")


def run(name: str, house: House) -> None:
    """Measure everything on one database."""
    pages(house, name)
    measured = acts.transitions(house)
    for live in LIVE:
        say(f"{name}: {live} live applications")
        for act in measured:
            act.grow(house, live // len(measured))
        if live == LIVE[-1]:
            analyse(house)
        seconds = measure(house, measured)
        each = AT_ONCE * len(measured)
        tell(f"transitions_per_second_{name}_{live}", seconds["verbs"], seconds["floor"], each, "transitions/s")
        beside = f"transitions_per_second_{name}_{live}_beside_writes_alone"
        tell(beside, seconds["verbs"], seconds["writes"], each, "transitions/s")
    saving = acts.stage_save(house)
    saving.grow(house, AT_ONCE * (3 * ROUNDS + 1))
    seconds = measure(house, [saving], put_back=False)
    tell(f"stage_saves_per_second_{name}", seconds["verbs"], seconds["floor"], AT_ONCE, "saves/s")


def acts_of_people() -> None:
    """Measure on every database there is."""
    for name, house in databases.houses():
        run(name, house)


PARTS = {
    "signatures": signatures.run,
    "forms": forms.run,
    "procedures": procedures.run,
    "lists": lists.run,
    "figures": figures.run,
    "databases": acts_of_people,
}


def main() -> None:
    """Measure the parts that are named, all of them if none is."""
    chosen = sys.argv[1:] or list(PARTS)
    unknown = [name for name in chosen if name not in PARTS]
    if unknown:
        sys.exit(f"bench: {', '.join(unknown)}: no such part; known: {', '.join(PARTS)}")
    for name in chosen:
        PARTS[name]()


if __name__ == "__main__":
    main()
