"""What the lists, the queue and the home page cost while ten thousand applications are alive.

Time through the whole application, without a network between, for officers who see all that was sent and for the
author of all of them: as it passes, with the database's own, and what the processor of the application spent.
The floor is the statements of the page sent by the bare driver.
"""

from __future__ import annotations

import gc
import json
import re
import statistics
import time

from flask.testing import FlaskClient
from sqlalchemy import select

from app import db, demo
from app.applications import queueing
from app.applications.models import Application, History, Holding
from app.demo.people import PASSWORD
from app.factory import settle
from bench import databases, floor
from tests import herd
from tests.houses import House

LIVE = 10_000
ROUNDS = 7
PROCESSES = ("filling", "registration", "completeness", "expertise", "rework", "conclusion", "meeting", "result")
PAGES = (
    ("listing", "/applications"),
    ("listing", "/queue"),
    ("listing", "/queue?tab=unit&page=20"),
    ("listing_head", "/queue?tab=unit&q=xc-7&executor=none&due=14&sort=company&dir=desc"),
    ("listing_head", "/queue?tab=waiting&procedure=share_listing&sort=event"),
    ("listing_head", "/queue?tab=overdue"),
    ("listing", "/"),
    ("listing_head", "/"),
    ("secretary", "/queue"),
    ("issuer", "/applications"),
    ("issuer", "/applications?tab=mine"),
    ("issuer", "/"),
)


def grow(house: House, live: int) -> None:
    """Let there be ``live`` applications, evenly over the processes, all of the demo's first company.

    They have their history, so that their clocks run; those in expertise are held by a listing officer.
    """
    with house.app.app_context():
        taken = db.session.scalars(select(Application).where(Application.process == "expertise")).unique().first()
        assert taken is not None
        queueing.take(taken, "listing", by=demo.user("listing"), now=taken.entered_at)
        db.session.commit()
        originals = [
            db.session.scalars(
                select(Application.id).where(Application.process == process).order_by(Application.id)
            ).first()
            for process in PROCESSES
        ]
        db.session.remove()
    with house.engine.begin() as connection:
        for place, original in enumerate(originals, start=1):
            assert original is not None
            first_id, count = place * 100_000, live // len(originals)
            herd.multiply(connection, original, first_id=first_id, count=count)
            for kind in (History, Holding):
                herd.copy_also(connection, kind, original, first_id=first_id, count=count)


def signed_in(house: House, key: str) -> FlaskClient:
    """Return a client at the house, signed in as a person of the demo."""
    client = house.app.test_client()
    page = client.get("/login").get_data(as_text=True)
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    email = f"{key.replace('_', '.')}@{'altn' if key == 'issuer' else 'exchange'}.example"
    client.post("/login", data={"email": email, "password": PASSWORD, "csrf_token": found[1] if found else ""})
    return client


def measure(house: House, name: str) -> None:
    """Print the median time of each page as it passes and of the processor, beside its statements alone."""
    for key, path in PAGES:
        client = signed_in(house, key)
        client.get(path)
        with floor.taken_down(house.engine) as steps:
            answer = client.get(path)
        if answer.status_code != 200:
            raise RuntimeError(f"{path} for {key}: {answer.status_code}")
        spent, bare = [], []
        for _ in range(ROUNDS):
            begun = time.perf_counter(), time.process_time()
            client.get(path)
            spent.append((time.perf_counter() - begun[0], time.process_time() - begun[1]))
            connection = house.engine.raw_connection()
            begun = time.perf_counter(), time.process_time()
            floor.replay(connection, [steps])
            bare.append((time.perf_counter() - begun[0], time.process_time() - begun[1]))
            connection.close()
        for place, kind in enumerate(("", "_processor_time")):
            value, under = (statistics.median(each[place] for each in found) * 1000 for found in (spent, bare))
            result = {
                "name": f"{name}_{LIVE}_{key}_{path}{kind}",
                "value": round(value, 1),
                "unit": "ms",
                "floor": round(under, 1),
            }
            print(json.dumps({**result, "ratio": round(value / under, 2), "n": ROUNDS}), flush=True)


def run() -> None:
    """Measure on every database there is."""
    for name, house in databases.houses():
        grow(house, LIVE)
        databases.analyse(house)
        settle()  # as wsgi.py does
        measure(house, f"list_page_{name}")
        gc.unfreeze()
