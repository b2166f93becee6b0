"""The table of rights says what the program really does, in every language."""

from __future__ import annotations

import csv
import io

import pytest
from browser import words
from factories import person

from app.permissions import PERMISSIONS, Permission, Role
from app.terms import LANGUAGES

pytestmark = pytest.mark.parametrize("database", ["sqlite"])  # nothing of it is read from the database


def lines_of(browser):
    """Return the lines of the file: what each address asks, and for which roles it opens."""
    return list(csv.DictReader(io.StringIO(browser("admin").get("/rights/table.csv").text)))


def test_the_table_shows_each_permission_and_exactly_the_roles_that_carry_it(house, browser):
    page = browser("compliance", "en").get("/rights")

    for permission in set(Permission) - {Permission.PUBLIC}:
        shown = {
            cell.get("data-role")
            for row in page.root.iter("tr")
            if row.get("data-permission") == permission.value
            for cell in row.iter("td")
            if "yes" in words(cell)
        }
        assert shown == {role.value for role in Role if permission in PERMISSIONS[role]}, permission


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_is_whole_in_every_language(house, browser, language):
    page = browser("admin", language).get("/rights")

    assert page.status == 200
    assert "rights." not in page.main
    assert "{" not in page.main


@pytest.mark.parametrize("key", ["clerk", "first_head", "secretary", "compliance", "admin"])
def test_what_the_file_says_of_a_person_is_what_the_addresses_answer(house, browser, key):
    roles = {role.value for role in person(key).roles}
    someone = browser(key)
    asked = [line for line in lines_of(browser) if line["method"] == "GET" and "<" not in line["address"]]

    assert len(asked) > 30
    for line in asked:
        # Public, because who works nowhere answers an invitation there; the Exchange's people are never invited.
        opens = any(line.get(role) for role in roles) and not (line["address"] == "/places" and person(key).is_exchange)
        assert (someone.get(line["address"]).status != 404) == opens, line


def test_only_the_officers_of_security_find_the_table(house, browser):
    for key in ("issuer", "first_head", "listing_head", "chancery"):
        assert browser(key).get("/rights").status == 404
        assert browser(key).get("/rights/table.csv").status == 404
