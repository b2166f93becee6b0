"""A form of many entries: the page of all, the page of one, and one save, beside the bare reading and writing.

Processor time of this process, so that other work on the machine does not stretch it.  The floor is
what no program is spared: the row read by the bare driver and its JSON parsed, for a save written back too.
"""

from __future__ import annotations

import html
import json
import math
import re
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from flask.testing import FlaskClient

from app import catalogue, demo
from app.demo.people import PASSWORD
from app.forms.definitions import DynamicForm
from tests.deep import SECURITIES, definitions, securities
from tests.houses import House, copied, demo_var

ENTRIES = (50, 100, 200, 400)  # of thirty questions each
ROUNDS = 15
INSERT = (
    'INSERT INTO answers (application_id, stage, revision, "values", unread, is_autosaved, origins, by_id, at)'
    " SELECT id, 'securities', ?, ?, '{}', 0, '{}', author_id, created_at FROM application WHERE number = ?"
)
NEWEST = (
    'SELECT revision, "values" FROM answers JOIN application ON application.id = application_id'
    " WHERE number = ? AND stage = 'securities' ORDER BY revision DESC LIMIT 1"
)


def run() -> None:
    """Measure pages and saves for growing numbers of entries."""
    with tempfile.TemporaryDirectory(prefix="kezen-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        print("bench: loading the demo", file=sys.stderr, flush=True)
        house = copied(demo_var(folder), folder / "var", **definitions(folder / "definitions"))
        house.enter()
        client = _signed_in(house)
        spent = [_measured(house, client, count) for count in ENTRIES]
        for name in spent[0]:
            first, last = spent[0][name], spent[-1][name]
            growth = math.log(last / first) / math.log(ENTRIES[-1] / ENTRIES[0])
            print(json.dumps({"name": f"{name}_growth", "value": round(growth, 2), "unit": "exponent"}), flush=True)
        house.engine.dispose()


def _measured(house: House, client: FlaskClient, count: int) -> dict[str, float]:
    """Measure at ``count`` entries and tell it; return the seconds of each act."""
    number = _application(client)
    form = catalogue.present().forms.get(SECURITIES)
    assert isinstance(form, DynamicForm)
    connection = sqlite3.connect(Path(house.config.var) / "kezen.db")
    with connection:
        connection.execute(INSERT, (1, json.dumps({SECURITIES: securities(form, count)}), number))
    stage = f"/applications/{number}/stages/securities"
    entry = f"{SECURITIES}-e{count}"
    page = f"{stage}?entry={entry}"

    def read() -> dict[str, object]:
        return dict(json.loads(connection.execute(NEWEST, (number,)).fetchone()[1]))

    def get(address: str) -> Callable[[int], None]:
        def act(_turn: int) -> None:
            assert client.get(address).status_code == 200

        return act

    def save(turn: int) -> None:
        typed = {**sent, "revision": str(_revision(connection, number)), f"{entry}-answer_1": str(turn)}
        answer = client.post(page, data=typed)
        assert answer.status_code == 303, answer.status_code

    def write(turn: int) -> None:
        values = read()
        values["turn"] = turn
        with connection:
            connection.execute(INSERT, (-1 - turn, json.dumps(values), number))
            connection.execute("DELETE FROM answers WHERE revision < 0")

    sent = _fields(client.get(page).get_data(as_text=True)) | {"save": "yes"}
    found = {}
    acts = {
        "entries_page": (get(stage), lambda _turn: read()),
        "entry_page": (get(page), lambda _turn: read()),
        "entry_save": (save, write),
    }
    for name, (act, floor) in acts.items():
        seconds, bare = _each(act), _each(floor)
        found[name] = seconds
        result = {"name": f"{name}_{count}", "value": round(seconds * 1000, 1), "unit": "ms of processor time"}
        ratio = round(seconds / bare, 1)
        print(json.dumps({**result, "floor": round(bare * 1000, 2), "ratio": ratio, "n": ROUNDS}), flush=True)
    connection.close()
    return found


def _each(act: Callable[[int], object]) -> float:
    """Return the median of the processor seconds that an act takes."""
    act(0)
    spent = []
    for turn in range(1, ROUNDS + 1):
        begun = time.process_time()
        act(turn)
        spent.append(time.process_time() - begun)
    return statistics.median(spent)


def _signed_in(house: House) -> FlaskClient:
    client = house.app.test_client()
    with house.app.app_context():
        email = demo.user("issuer").email
    token = _fields(client.get("/login").get_data(as_text=True))["csrf_token"]
    answer = client.post("/login", data={"csrf_token": token, "email": email, "password": PASSWORD})
    assert answer.status_code == 303, answer.status_code
    return client


def _application(client: FlaskClient) -> str:
    """Create an application; return its number."""
    new = "/procedures/deep_listing/new"
    answer = client.post(new, data=_fields(client.get(new).get_data(as_text=True)))
    assert answer.status_code == 303, answer.status_code
    return answer.location.rsplit("/", 1)[-1]


def _revision(connection: sqlite3.Connection, number: str) -> int:
    return int(connection.execute(NEWEST, (number,)).fetchone()[0])


def _fields(page: str) -> dict[str, str]:
    """Return what the inputs of a page hold: name -> value, of several the last that is chosen."""
    found = {}
    for tag in re.findall(r"<input\b[^>]*>", page):
        held = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if "name" in held and (held.get("type") not in ("radio", "checkbox") or " checked" in tag):
            found[held["name"]] = html.unescape(held.get("value", ""))
    for name, options in re.findall(r'<select\b[^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options) or re.search(r'value="([^"]*)"', options)
        found[name] = chosen[1] if chosen else ""
    return found
