"""Every act of every address, for every kind of person: who is answered, who finds nothing.

``who_is_answered.csv`` holds the expected answers, a line an address and thing it is done to, a column an account.
An act is sent empty: whoever may do it is told what is missing, or is led on; to the others it does not exist.  A new
address belongs into the file: ``KEZEN_WRITE_ANSWERED=1`` writes what is answered now, to be read before it is kept.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from browser import plain, signed_in
from factories import application_at
from sqlalchemy import select

from app import db
from app.applications.models import Attachment, Letter

TABLE = Path(__file__).with_name("who_is_answered.csv")
ACCOUNTS = (
    "issuer", "clerk", "first_head", "adviser", "lone_adviser", "other_issuer", "other_first_head",
    "chancery", "listing", "listing_head", "secretary", "compliance", "admin",
)  # fmt: skip
"""Author with an administrator's rights, colleague, first head, the partner who fills a stage, one without partners,
a foreign company's two, and the Exchange's people by their roles."""
THINGS = {"filling": "filling", "registration": "registration", "archived": "archived"}
"""Processes of the first company's applications of which one each is the thing that is acted on."""
PUBLIC = (
    "/login",
    "/login/key",
    "/logout",
    "/theme",
    "/recovery",
    "/password/<token>",
    "/access",
    "/access/<token>",
    "/unsubscribe/<sealed>",
)


def acts(app) -> list[str]:
    """Return the addresses that take something, without those that are open to everybody."""
    found = {plain(rule.rule) for rule in app.url_map.iter_rules() if "POST" in rule.methods}
    return sorted(found - set(PUBLIC))


def lines(app) -> Iterator[tuple[str, str]]:
    """Yield each address with the thing it is done to: an application in a process, or nothing."""
    for rule in acts(app):
        for thing in THINGS if "<number>" in rule else [""]:
            yield rule, thing


def filled(rule: str, thing: str) -> str:
    """Return an address with the names of things put in."""
    application = application_at(THINGS.get(thing, "archived"))
    ids = {
        "attachment_id": select(Attachment.id).where(Attachment.application_id == application.id),
        "ident": select(Letter.id),
    }
    given = {"number": application.number, "stage": "issuer", "key": "share_listing", "trigger": "withdraw"}
    given |= {"session_id": "0"}  # whose the first one is depends on who came first
    given |= {name: str(db.session.scalars(found.order_by("id")).first() or 1) for name, found in ids.items()}
    return re.sub(r"<(\w+)>", lambda match: given.get(match[1], "1"), rule)


@contextmanager
def undone() -> Iterator[None]:
    """Take back what is done within."""
    db.session.commit()
    db.session.remove()  # its savepoint is done with: what comes lies in ours
    connection = db._factory.kw["bind"]
    nested = connection.begin_nested()
    try:
        yield
    finally:
        db.session.remove()
        if nested.is_active:
            nested.rollback()


def answers(house, key: str) -> dict[tuple[str, str], str]:
    """Return what each address answers to an empty act of a person."""
    someone = signed_in(house, key)
    cookies = dict(someone.client._cookies)
    found = {}
    for rule, thing in lines(house.app):
        path = filled(rule, thing)
        with undone():
            found[rule, thing] = str(someone.post(path).status)
        someone.client._cookies = dict(cookies)  # an act may end the session
    return found


def expected() -> dict[tuple[str, str], dict[str, str]]:
    """Return the answers of the file by address and thing."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {(line.pop("address"), line.pop("thing")): line for line in csv.DictReader(file)}


@pytest.mark.skipif("KEZEN_WRITE_ANSWERED" not in os.environ, reason="writes the file that the others read")
@pytest.mark.parametrize("database", ["sqlite"])
def test_the_file_is_written(house):
    found = {key: answers(house, key) for key in ACCOUNTS}
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["address", "thing", *ACCOUNTS])
        table.writerows([*line, *(found[key][line] for key in ACCOUNTS)] for line in lines(house.app))


def test_no_act_is_missing_from_the_file(house):
    assert set(expected()) == set(lines(house.app))


@pytest.mark.parametrize("database", ["sqlite"])  # whom an act is open to is the same over both
@pytest.mark.parametrize("key", ACCOUNTS)
def test_each_account_is_answered_as_the_file_says(house, key):
    wanted = {line: answers_[key] for line, answers_ in expected().items()}

    assert answers(house, key) == wanted


def test_no_foreign_company_is_answered_where_an_application_is_acted_on():
    for (address, thing), row in expected().items():
        if thing:
            for key in ("other_issuer", "other_first_head", "lone_adviser", "admin"):
                assert row[key] == "404", (address, thing, key)


def test_no_empty_act_breaks_the_program():
    assert not [line for line, row in expected().items() if any(found.startswith("5") for found in row.values())]
