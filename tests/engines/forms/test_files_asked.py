"""Which files are asked for, where files stand, and taking one out, in answers of any depth."""

from __future__ import annotations

import pytest

from app.forms.definitions import load
from app.forms.files import every, unasked, wanted, without
from tests.paperwork import HERE

LIBRARY, FAULTS = load(HERE / "forms", HERE)


def file(number: int) -> dict[str, object]:
    """Return a file as answers hold it."""
    return {"id": number, "name": f"{number}.pdf", "size": 10, "sha256": "0" * 64}


ANSWERS = {
    "charter": [file(1), file(2)],
    "has_pledge": False,
    "pledge": [file(3)],
    "directors": {
        "entries": [
            {"id": "e2", "values": {"posts": {"entries": [{"id": "e1", "values": {"order": [file(4)]}}], "last": 1}}},
            {"id": "e3", "values": {"posts": {"entries": [{"id": "e5", "values": {}}], "last": 5}}},
        ],
        "last": 3,
    },
}
ENTRY = {"path": ["main", "shares"], "keys": {"isin": "KZ1C00001619"}, "form": "paper_securities/main/shares.v1"}
SECURITIES = {
    "entries": [
        {"id": "e1", **ENTRY, "values": {"prospectus": [file(5)]}, "parked": {"rating": [file(6)]}},
        {"id": "e4", **ENTRY, "values": {}},
    ],
    "last": 4,
}


def test_the_definitions_of_these_tests_have_no_fault():
    assert FAULTS == []


def test_files_are_asked_for_in_the_pages_order_and_hidden_ones_are_not():
    found = wanted(LIBRARY.get("paper_company"), ANSWERS)

    assert [(item.path, item.required, len(item.files)) for item in found] == [
        ("charter", True, 2),
        ("bundle", False, 0),
        ("directors-e2-posts-e1-order", True, 1),
        ("directors-e3-posts-e5-order", True, 0),
    ]
    assert [item.path for item in found if item.is_missing] == ["directors-e3-posts-e5-order"]


def test_files_of_entries_carry_their_criteria():
    found = wanted(LIBRARY.get("paper_securities"), SECURITIES)

    assert [(item.path, item.criteria, item.entry) for item in found] == [
        ("paper_securities-e1-prospectus", ("main", "shares"), "e1"),
        ("paper_securities-e4-prospectus", ("main", "shares"), "e4"),
    ]


@pytest.mark.parametrize(("form", "values"), [("paper_company", ANSWERS), ("paper_securities", SECURITIES)])
def test_what_is_wanted_and_missing_is_what_validation_demands(form, values):
    found = LIBRARY.get(form)
    paths = {item.path for item in wanted(found, values)}

    demanded = {problem.path for problem in found.check(values)} & paths

    assert demanded == {item.path for item in wanted(found, values) if item.is_missing}


def test_files_that_nobody_asks_for_are_found_hidden_or_parked():
    assert [(path, item["id"]) for path, item in unasked(LIBRARY.get("paper_company"), ANSWERS)] == [("pledge", 3)]
    assert [(path, item["id"]) for path, item in unasked(LIBRARY.get("paper_securities"), SECURITIES)] == [
        ("paper_securities-e1-rating", 6)
    ]


def test_every_file_is_found_by_its_path():
    assert [(path, item["id"]) for path, item in every(ANSWERS)] == [
        ("charter", 1),
        ("charter", 2),
        ("pledge", 3),
        ("directors-e2-posts-e1-order", 4),
    ]


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 6])
def test_one_file_is_taken_out_and_nothing_else_changes(number):
    values = SECURITIES if number > 4 else ANSWERS
    before = [item["id"] for _, item in every(values)]

    after = without(values, number)

    assert [item["id"] for _, item in every(after)] == [one for one in before if one != number]
    assert without(after, number) == after
    if number == 3:
        assert "pledge" not in after
        assert after["directors"] == ANSWERS["directors"]
