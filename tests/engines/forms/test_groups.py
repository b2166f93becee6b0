"""Repeating groups: reading, asking, judging and changing their entries, three levels deep."""

from __future__ import annotations

from typing import Any

import pytest
from form_files import CRITERIA, LEAF, WORDS, Write

from app.errors import Invalid
from app.forms import rows
from app.forms.definitions import DynamicForm, Form, load
from app.forms.outline import Asked, Rows, leaves, typed_texts
from app.forms.paths import put, value_at

GROUPS = f"""\
      - key: directors
        type: group
        min_entries: 1
        max_entries: 3
        label: {WORDS}
        entry_label: {WORDS}
        fields:
          - key: name
            type: multilingual
            languages: [kk, ru]
            required: true
            label: {WORDS}
            example: {{kk: А, ru: Б}}
          - key: shares
            type: group
            layout: table
            label: {WORDS}
            fields:
              - {{key: amount, type: number, required: true, label: {WORDS}, example: "5"}}
              - key: papers
                type: group
                label: {WORDS}
                fields:
                  - {{key: scan, type: file, label: {WORDS}, example: scan.pdf}}
"""

COMPANY = f"""\
form: company
version: 1
title: {WORDS}
sections:
  - key: people
    title: {WORDS}
    fields:
      - {{key: count, type: number, label: {WORDS}, example: "1"}}
{GROUPS}"""


@pytest.fixture
def company(write: Write) -> Form:
    root = write({"company.v1.yaml": COMPANY})
    library, faults = load(root / "forms", root)
    assert faults == []
    found = library.get("company")
    assert isinstance(found, Form)
    return found


@pytest.fixture
def two_directors(company: Form) -> dict[str, Any]:
    values, one = rows.add(company, {}, "directors")
    values, two = rows.add(company, values, "directors")
    values, share = rows.add(company, values, "directors-e2-shares")
    assert (one, two, share) == ("e1", "e2", "e1")
    return values


def test_what_is_typed_into_rows_is_read_by_their_paths(company: Form, two_directors: dict[str, Any]) -> None:
    raw = {"directors-e1-name-kk": "Ахметова", "directors-e2-shares-e1-amount": "1 000", "directors-e9-name-kk": "Жоқ"}

    values = company.parse(raw, before=two_directors).values

    assert value_at(values, "directors-e1-name") == {"kk": "Ахметова"}
    assert value_at(values, "directors-e2-shares-e1-amount") == "1000"
    assert [row["id"] for row in values["directors"]["entries"]] == ["e1", "e2"]


def test_what_did_not_come_stays_as_it_stands_even_one_language_of_it(
    company: Form, two_directors: dict[str, Any]
) -> None:
    before = put(two_directors, "directors-e1-name", {"kk": "А", "ru": "Б"})

    values = company.parse({"directors-e1-name-ru": "В", "count": ""}, before={**before, "count": "5"}).values

    assert values == put(before, "directors-e1-name", {"kk": "А", "ru": "В"})


def test_what_cannot_be_read_in_a_row_is_told_at_its_path(company: Form, two_directors: dict[str, Any]) -> None:
    parsed = company.parse({"directors-e2-shares-e1-amount": "көп"}, before=two_directors)

    assert [problem.path for problem in parsed.problems] == ["directors-e2-shares-e1-amount"]
    assert parsed.unread == {"directors-e2-shares-e1-amount"}
    assert "directors-e2-shares-e1-amount" not in [
        problem.path for problem in parsed.and_judged(company.check(parsed.values))[1:]
    ]


def test_the_outline_holds_every_row_in_order(company: Form, two_directors: dict[str, Any]) -> None:
    (part,) = company.outline(two_directors, "x")
    count, directors = part.items

    assert isinstance(count, Asked)
    assert isinstance(directors, Rows)
    assert directors.required
    assert [row.path for row in directors.rows] == ["x-directors-e1", "x-directors-e2"]
    assert [asked.path for asked in leaves((part,))] == [
        "x-count",
        "x-directors-e1-name",
        "x-directors-e2-name",
        "x-directors-e2-shares-e1-amount",
    ]


def test_done_asks_for_rows_and_for_what_is_mandatory_in_them(company: Form, two_directors: dict[str, Any]) -> None:
    assert [(problem.path, problem.key) for problem in company.check({})] == [("directors", "err.required")]
    assert [problem.key for problem in company.gaps({})] == ["field.note.missing"]
    assert [problem.path for problem in company.check(two_directors)] == [
        "directors-e1-name-kk",
        "directors-e1-name-ru",
        "directors-e2-name-kk",
        "directors-e2-name-ru",
        "directors-e2-shares-e1-amount",
    ]


def test_a_full_group_takes_no_more_and_too_many_are_told(company: Form, two_directors: dict[str, Any]) -> None:
    values, _ = rows.add(company, two_directors, "directors")

    with pytest.raises(Invalid) as caught:
        rows.add(company, values, "directors")

    assert caught.value.problems[0].key == "field.err.rows_max"
    values["directors"]["entries"].append({"id": "e4", "values": {}})
    assert "field.err.rows_max" in [problem.key for problem in company.check(values)]


def test_a_row_is_taken_out_and_its_id_is_not_given_again(company: Form, two_directors: dict[str, Any]) -> None:
    values = rows.remove(company, two_directors, "directors-e2")
    values, again = rows.add(company, values, "directors")

    assert again == "e3"
    emptied = rows.remove(company, rows.remove(company, values, "directors-e1"), "directors-e3")
    assert emptied["directors"] == {"entries": [], "last": 3}
    assert [problem.key for problem in company.check(emptied)] == ["err.required"]


@pytest.mark.parametrize(
    ("path", "by", "order"), [("e1", 1, ["e2", "e1"]), ("e2", -9, ["e2", "e1"]), ("e2", 9, ["e1", "e2"])]
)
def test_a_row_is_moved_at_most_to_the_end(
    path: str, by: int, order: list[str], company: Form, two_directors: dict[str, Any]
) -> None:
    values = rows.move(company, two_directors, f"directors-{path}", by)

    assert [row["id"] for row in values["directors"]["entries"]] == order


@pytest.mark.parametrize("path", ["", "nosuch", "count", "directors-e9-shares", "directors-e1", "directors-e1-name"])
def test_a_path_that_leads_to_no_group_is_refused(path: str, company: Form, two_directors: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        rows.add(company, two_directors, path)
    with pytest.raises(Invalid):
        rows.remove(company, two_directors, f"{path}-e7")


def test_a_comment_may_stand_on_a_row_a_group_or_a_field_in_it(company: Form) -> None:
    company.require_fields(
        ["directors", "directors-e1", "directors-e1-name-ru", "directors-e1-shares-e4-papers-e2-scan"]
    )
    for path in ("directors-name", "directors-e1-nosuch", "count-e1", "directors-e1-shares-amount"):
        with pytest.raises(Invalid):
            company.field(path)


def test_the_example_is_valid_and_its_texts_read_again_give_it(company: Form) -> None:
    example = company.example()

    assert company.check(example) == ()
    assert company.parse(typed_texts(company.outline(example)), before=example).values == example


def test_the_rows_of_an_entry_of_a_dynamic_form(write: Write) -> None:
    root = write({"listing/_criteria.v1.yaml": CRITERIA, "listing/main/shares/premium.v1.yaml": LEAF + GROUPS})
    library, faults = load(root / "forms", root)
    assert faults == []
    listing = library.get("listing")
    assert isinstance(listing, DynamicForm)
    values = listing.add({}, ["main", "shares", "premium"], {"isin": "KZ1C00001619"})

    values, _ = rows.add(listing, values, "listing-e1-directors")
    values = listing.parse({"listing-e1-directors-e1-name-kk": "А", "listing-e1-free_float": "5"}, values).values

    assert value_at(values, "e1-directors-e1-name") == {"kk": "А"}
    ((entry, parts),) = listing.outline(values)
    assert entry["id"] == "e1"
    assert [asked.path for asked in leaves(parts)] == [
        "listing-e1-isin",
        "listing-e1-free_float",
        "listing-e1-directors-e1-name",
    ]
    assert [problem.path for problem in listing.check(values)] == ["listing-e1-directors-e1-name-ru"]
    listing.require_fields(["listing-e1", "listing-e1-directors-e1-name"], values)
    assert rows.remove(listing, values, "listing-e1")["entries"] == []
    assert listing.check(listing.example()) == ()


@pytest.mark.parametrize(
    ("old", "new", "key", "told"),
    [
        ("{key: amount,", "{key: papers,", "directors.fields.shares.fields.papers.key", "stands twice"),
        ('example: "5"', 'example: "x"', "directors.fields.shares.fields.amount.example", "is not valid"),
        ("layout: table", "layout: rows", "directors.fields.shares.layout", "use one of"),
        ("min_entries: 1", "min_entries: 4", "directors.max_entries", "less than min_entries"),
        ("type: group\n        min", "type: text\n        min", "directors.fields", "has no 'fields'"),
        ("type: file, label", "type: group, label", "papers.fields.scan.fields", "add this key"),
        (
            f"type: file, label: {WORDS}, example: scan.pdf",
            f"type: group, label: {WORDS}, fields: [{{key: a, type: text, label: {WORDS}, example: a}}]",
            "papers.fields.scan.type",
            "lay it out less deep",
        ),
    ],
)
def test_a_fault_in_a_group_names_its_place(old: str, new: str, key: str, told: str, write: Write) -> None:
    assert old in COMPANY
    root = write({"company.v1.yaml": COMPANY.replace(old, new, 1)})

    faults = [str(fault) for fault in load(root / "forms", root)[1]]

    assert any(key in fault and told in fault for fault in faults), faults
