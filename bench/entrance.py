"""Does the door tell by its time who has an account?  ``python -m bench.entrance [tries]``, 1,000 of each kind without.

Known, unknown and inactive logins are tried in turn with a wrong password, each login once; then links to recover a
password are asked for them.  Printed is one JSON object for each comparison with the known ones: medians, the
difference of the means with its standard error, and how often a random try of the one kind took longer than one of
the other (0.5: the kinds cannot be told apart; within ``noise``, three standard errors of that share).
"""

from __future__ import annotations

import json
import math
import random
import statistics
import sys
import tempfile
import time
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from pathlib import Path

from app import db, demo, schema
from app.accounts.models import User
from app.accounts.passwords import hash_password
from app.web import here
from tests import houses

KINDS = ("known", "unknown", "inactive")


def share_longer(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the share of pairs in which ``one`` took longer, ties counted half (Mann and Whitney's U)."""
    ordered = sorted(other)
    wins = sum((bisect_left(ordered, value) + bisect_right(ordered, value)) / 2 for value in one)
    return wins / (len(one) * len(other))


def main(tries: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        house = houses.House.build(houses.settings(Path(folder)))
        schema.upgrade(house.engine)
        with house.app.app_context():
            demo.load()
            hashed, now = hash_password("Qazaq#2026"), here.now()
            with db.transaction() as session:
                for kind in ("known", "inactive"):
                    session.add_all(
                        User(
                            email=f"{kind}{number}@bench.example",
                            last_name="Өлшем",
                            first_name=str(number),
                            password_hash=hashed,
                            password_changed_at=now,
                            must_change_password=False,
                            is_active=kind == "known",
                            created_at=now,
                        )
                        for number in range(tries)
                    )
        for page, fields in (("/login", {"password": "Qate#2026"}), ("/recovery", {})):
            told(page, measured(house, page, fields, tries))
        house.engine.dispose()


def measured(house: houses.House, page: str, fields: dict[str, str], tries: int) -> dict[str, list[float]]:
    """Return the milliseconds of each kind, tried in a random order."""
    client = house.app.test_client()
    token = client.get(page).text.split('name="csrf_token" value="')[1].split('"')[0]
    order = [(kind, number) for kind in KINDS for number in range(tries)]
    random.Random(2026).shuffle(order)
    found: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for kind, number in order:
        sent = {"csrf_token": token, "email": f"{kind}{number}@bench.example", **fields}
        began = time.perf_counter()
        client.post(page, data=sent)
        found[kind].append((time.perf_counter() - began) * 1000)
    return found


def told(page: str, found: dict[str, list[float]]) -> None:
    """Print the comparisons."""
    known = found["known"]
    for kind in KINDS[1:]:
        other = found[kind]
        count = len(known)
        error = math.sqrt(statistics.variance(known) / count + statistics.variance(other) / count)
        share = share_longer(known, other)
        noise = 3 * math.sqrt((2 * count + 1) / (12 * count * count))
        line = {
            "name": f"{page} known and {kind}",
            "n": count,
            "median_known_ms": round(statistics.median(known), 3),
            f"median_{kind}_ms": round(statistics.median(other), 3),
            "difference_of_means_ms": round(statistics.fmean(known) - statistics.fmean(other), 3),
            "standard_error_ms": round(error, 3),
            "known_took_longer": round(share, 4),
            "noise": round(noise, 4),
            "within_noise": abs(share - 0.5) <= noise,
        }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
