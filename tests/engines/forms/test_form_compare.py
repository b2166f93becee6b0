"""What changed between two sets of answers."""

from __future__ import annotations

import copy
import random

import pytest

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
        Change("issuer", "name-en", "added", None, "Company"),
        Change("issuer", "bin", "removed", "1", None),
        Change("issuer", "market_maker", "changed", False, True),
    ]
    assert [change.place for change in compare(before, after)] == ["name", "name", "bin", "market_maker"]


def test_money_is_one_value() -> None:
    old, new = {"amount": "1.00", "currency": "KZT"}, {"amount": "2.00", "currency": "KZT"}

    assert compare({"f": {"fee": old}}, {"f": {"fee": new}}) == [Change("f", "fee", "changed", old, new)]


def test_a_file_is_its_name_and_bytes() -> None:
    file = {"id": "1", "name": "a.pdf", "size": 3, "sha256": "0" * 64}
    same, replaced = {**file, "id": "2"}, {**file, "sha256": "1" * 64}

    assert compare({"d": {"charter": [file]}}, {"d": {"charter": [same]}}) == []
    assert compare({"d": {"charter": [file]}}, {"d": {"charter": [replaced]}})[0].kind == "file_replaced"


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
        ("listing-e1", "criteria")
    ]


def test_a_form_that_was_empty_is_all_new() -> None:
    assert [change.kind for change in compare({}, {"issuer": {"bin": "1"}})] == ["added"]
    assert [change.kind for change in compare({"issuer": {"bin": "1"}}, {"issuer": None})] == ["removed"]


# Rows, at every depth

DEPTHS = {"one": ["directors"], "two": ["directors", "shares"], "three": ["directors", "shares", "holders"]}


def rows(*named: str, **values: object) -> dict[str, object]:
    """Return a group's rows with these ids, each with the same values."""
    entries = [{"id": name, "values": {"name": name, **copy.deepcopy(values)}} for name in named]
    return {"entries": entries, "last": 9}


def nested(groups: list[str], innermost: dict[str, object]) -> dict[str, object]:
    """Return answers where the last of ``groups`` stands in the only row of those before."""
    for group in reversed(groups):
        innermost = {group: innermost} if group == groups[-1] else {group: rows("e1", **innermost)}
    return {"issuer": innermost}


def told(before: dict[str, object], after: dict[str, object]) -> list[tuple[str, str, object, object]]:
    return [(change.path, change.kind, change.old, change.new) for change in compare(before, after)]


@pytest.mark.parametrize("groups", DEPTHS.values(), ids=DEPTHS)
def test_rows_are_matched_by_their_ids_at_every_depth(groups: list[str]) -> None:
    prefix = "-e1-".join(groups)
    before, after = rows("e1", "e2", "e3"), rows("e1", "e3", "e4")
    after["entries"][1]["values"]["name"] = "other"

    assert told(nested(groups, before), nested(groups, after)) == [
        (f"{prefix}-e2", "removed", before["entries"][1], None),
        (f"{prefix}-e3-name", "changed", "e3", "other"),
        (f"{prefix}-e4", "added", None, after["entries"][2]),
    ]


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        ("abcde", "abcde", {}),
        ("abcde", "bcdea", {"a": (1, 5)}),
        ("abcde", "eabcd", {"e": (5, 1)}),
        ("abcde", "abdce", {"c": (3, 4)}),
        ("abcde", "edcba", {"a": (1, 5), "b": (2, 4), "c": (3, 3), "d": (4, 2)}),
        ("abcde", "bcde", {}),  # those after one that went have not moved
        ("abcde", "xabcde", {}),
        ("abcde", "dxab", {"d": (4, 1)}),
    ],
)
def test_the_fewest_rows_are_said_to_have_moved(before: str, after: str, moved: dict[str, tuple[int, int]]) -> None:
    found = compare({"f": {"rows": rows(*before)}}, {"f": {"rows": rows(*after)}})

    assert {change.path[-1]: (change.old, change.new) for change in found if change.kind == "moved"} == moved


def test_a_row_that_moved_and_changed_is_told_of_twice() -> None:
    after = rows("e2", "e3", "e1")
    after["entries"][2]["values"]["name"] = "other"

    assert told({"f": {"rows": rows("e1", "e2", "e3")}}, {"f": {"rows": after}}) == [
        ("rows-e1", "moved", 1, 3),
        ("rows-e1-name", "changed", "e1", "other"),
    ]


@pytest.mark.parametrize("empty", [{"entries": [], "last": 4}, {}, None])
def test_a_group_without_rows_is_no_answer(empty: object) -> None:
    assert compare({"f": {"rows": empty}}, {"f": {}}) == []
    assert compare({"f": {"a": "1"}}, {"f": {"a": "1", "rows": empty}}) == []


def test_the_number_given_last_is_no_answer() -> None:
    assert compare({"f": {"rows": {**rows("e1"), "last": 1}}}, {"f": {"rows": {**rows("e1"), "last": 7}}}) == []


# Files

ONE, TWO, THREE = ({"id": n, "name": f"{n}.pdf", "size": n, "sha256": str(n) * 64} for n in (1, 2, 3))


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        ([ONE], [{**ONE, "sha256": "9" * 64}], ["file_replaced"]),  # another file under the same name
        ([ONE], [{**ONE, "name": "new.pdf"}], ["file_replaced"]),  # the same bytes under another name
        ([ONE], [TWO], ["file_replaced"]),
        ([ONE, TWO], [ONE, THREE], ["file_replaced"]),
        ([ONE], [ONE, TWO], ["file_added"]),
        ([ONE, TWO], [TWO], ["file_removed"]),
        ([ONE, TWO], [], ["file_removed", "file_removed"]),
        ([], [ONE], ["file_added"]),
        ([ONE, TWO], [TWO, ONE], []),  # their order says nothing
        ([ONE], [{**ONE, "id": 77}], []),
        ([ONE, ONE], [ONE], ["file_removed"]),
        ([ONE], [TWO, THREE], ["file_removed", "file_added", "file_added"]),
    ],
)
def test_files_are_added_removed_and_replaced(before: list, after: list, kinds: list[str]) -> None:
    found = compare({"d": {"charter": before}}, {"d": {"charter": after}})

    assert [change.kind for change in found] == kinds
    assert {change.path for change in found} <= {"charter"}


def test_a_replaced_file_is_told_with_both_names_and_hashes() -> None:
    [change] = compare({"d": {"charter": [ONE, TWO]}}, {"d": {"charter": [THREE, ONE]}})

    assert (change.old, change.new) == (TWO, THREE)


# What is not asked


def test_what_is_not_asked_is_not_compared() -> None:
    before = {"f": {"kind": "paid", "sum": "5", "rows": rows("e1", hidden="x")}}
    after = {"f": {"kind": "free", "sum": "6", "rows": rows("e1", hidden="y")}}
    asked = {"kind", "rows", "rows-e1-name"}

    assert [change.path for change in compare(before, after, asked=(asked, asked))] == ["kind"]


def test_a_field_asked_no_more_counts_as_removed_and_one_asked_anew_as_added() -> None:
    answers = {"f": {"sum": "5", "rows": rows("e1")}}
    everything = {"sum", "rows", "rows-e1-name"}

    hidden = compare(answers, answers, asked=(everything, set()))
    shown = compare(answers, answers, asked=(set(), everything))

    assert [(change.path, change.kind) for change in hidden] == [("sum", "removed"), ("rows-e1", "removed")]
    assert [(change.path, change.kind) for change in shown] == [("sum", "added"), ("rows-e1", "added")]


def test_parked_answers_are_not_compared(listing: DynamicForm) -> None:
    before = listing.example()
    after = copy.deepcopy(before)
    after["entries"][0]["parked"] = {"old": "1"}

    assert compare({"listing": before}, {"listing": after}) == []


def test_the_effort_grows_with_the_answers_and_no_faster() -> None:
    """Counted in comparisons of ids and values, not in time: a busy machine is not a fault."""

    class Counted(str):
        count = 0
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            Counted.count += 1
            return str.__eq__(self, other)

    def effort(number: int) -> int:
        names = [f"e{place}" for place in range(number)]
        mixed = random.Random(1).sample(names, number)

        def answers(order: list[str]) -> dict[str, object]:
            entries = [{"id": name, "values": {f"f{n}": Counted(f"{name}{n}") for n in range(10)}} for name in order]
            return {"f": {"rows": {"entries": entries, "last": number}}}

        one, other = answers(names), answers(mixed)
        Counted.count = 0
        compare(one, other)
        return Counted.count

    assert effort(800) <= 4.4 * effort(200)
