"""What changed between two sets of answers."""

from __future__ import annotations

import copy

from app.forms.compare import Change, compare
from app.forms.definitions import DynamicForm, Form


def test_the_same_answers_have_no_changes(form: Form, listing: DynamicForm) -> None:
    answers = {"issuer": form.example(), "listing": listing.example()}

    assert compare(answers, copy.deepcopy(answers)) == []


def test_two_ways_of_writing_one_value_are_no_change(form: Form) -> None:
    before = form.parse({"count": "12 000", "bin": "240640000109"}).values
    after = form.parse({"count": "12000,00", "bin": "2406 4000 0109", "name-kk": ""}).values

    assert compare({"issuer": before}, {"issuer": after}) == []


def test_fields_are_changed_added_and_removed_each_language_by_itself() -> None:
    before = {"issuer": {"name": {"kk": "Қоғам", "ru": "Общество"}, "bin": "1", "market_maker": False}}
    after = {"issuer": {"name": {"kk": "Қоғам", "ru": "Компания", "en": "Company"}, "market_maker": True}}

    assert compare(before, after) == [
        Change("issuer", "name-ru", "changed", "Общество", "Компания"),
        Change("issuer", "bin", "removed", "1", None),
        Change("issuer", "market_maker", "changed", False, True),
        Change("issuer", "name-en", "added", None, "Company"),
    ]


def test_money_is_one_value() -> None:
    old, new = {"amount": "1.00", "currency": "KZT"}, {"amount": "2.00", "currency": "KZT"}

    assert compare({"f": {"fee": old}}, {"f": {"fee": new}}) == [Change("f", "fee", "changed", old, new)]


def test_a_file_is_its_name_and_bytes() -> None:
    file = {"id": "1", "name": "a.pdf", "size": 3, "sha256": "0" * 64}
    same, replaced = {**file, "id": "2"}, {**file, "sha256": "1" * 64}

    assert compare({"d": {"charter": [file]}}, {"d": {"charter": [same]}}) == []
    assert compare({"d": {"charter": [file]}}, {"d": {"charter": [replaced]}})[0].kind == "changed"


def test_entries_are_matched_by_their_id(listing: DynamicForm) -> None:
    path = ["main", "shares", "premium"]
    one = listing.example()
    two = listing.add(one, path, {"isin": "KZ1C00000744"})
    changed = copy.deepcopy(two)
    changed["entries"][0]["keys"]["isin"] = "KZ2C00013670"

    assert compare({"listing": two}, {"listing": changed}) == [
        Change("listing", "listing-e1-isin", "changed", "KZ1C00001619", "KZ2C00013670")
    ]
    assert [(change.path, change.kind) for change in compare({"listing": one}, {"listing": two})] == [
        ("listing-e2", "added")
    ]
    removed = compare({"listing": two}, {"listing": listing.remove(two, "e1")})
    assert [(change.path, change.kind, change.old["id"]) for change in removed] == [("listing-e1", "removed", "e1")]


def test_other_criteria_of_an_entry_are_a_change(listing: DynamicForm) -> None:
    before = listing.example()
    after = copy.deepcopy(before)
    after["entries"][0]["path"] = ["main", "shares", "other"]

    assert [(change.path, change.kind) for change in compare({"listing": before}, {"listing": after})] == [
        ("listing-e1-path", "changed")
    ]


def test_a_form_that_was_empty_is_all_new() -> None:
    assert [change.kind for change in compare({}, {"issuer": {"bin": "1"}})] == ["added"]
    assert [change.kind for change in compare({"issuer": {"bin": "1"}}, {"issuer": None})] == ["removed"]
