"""Conditions, computed fields and checks of a form file: what they ask, keep and tell."""

from __future__ import annotations

from typing import Any

import pytest
from form_files import CRITERIA, WORDS, Write

from app.forms import rows
from app.forms.definitions import DynamicForm, Form, load
from app.forms.outline import leaves
from app.terms import say

ISSUE = f"""\
form: issue
version: 1
title: {WORDS}
sections:
  - key: main
    title: {WORDS}
    fields:
      - {{key: words, type: note, label: {WORDS}}}
      - {{key: secured, type: yes_no, required: true, label: {WORDS}, example: "yes"}}
      - {{key: declared, type: number, label: {WORDS}, example: "100"}}
      - {{key: placed, type: number, label: {WORDS}, example: "90"}}
      - key: owners
        type: group
        label: {WORDS}
        checks:
          - {{that: "paid <= amount", at: paid, message: {WORDS}}}
        fields:
          - {{key: amount, type: money, label: {WORDS}, example: "10"}}
          - {{key: paid, type: money, label: {WORDS}, example: "5"}}
          - {{key: part, type: computed, value: "amount / sum(owners.amount) * 100", as: percent, label: {WORDS}}}
      - {{key: total, type: computed, value: sum(owners.amount), as: money, label: {WORDS}}}
      - {{key: third, type: computed, value: "placed / 3", label: {WORDS}}}
  - key: security
    title: {WORDS}
    show_if: secured
    fields:
      - {{key: kind, type: text, required_if: placed > 50, label: {WORDS}, example: а}}
      - {{key: value, type: number, show_if: filled(kind), required: true, label: {WORDS}, example: "5"}}
checks:
  - {{that: placed <= declared, at: placed, message: {{kk: "Көп", ru: "Много", en: "More than declared"}}}}
"""


@pytest.fixture
def issue(write: Write) -> Form:
    library, faults = load((root := write({"issue.v1.yaml": ISSUE})) / "forms", root)
    assert [str(fault) for fault in faults] == []
    found = library.get("issue")
    assert isinstance(found, Form)
    return found


def paths(form: Form, values: dict[str, Any]) -> list[str]:
    return [asked.path for asked in leaves(form.outline(values))]


def told(form: Form, values: dict[str, Any]) -> list[tuple[str, str]]:
    return [(problem.path, problem.key) for problem in form.check(values)]


def test_a_section_and_a_field_are_asked_while_their_condition_holds(issue: Form) -> None:
    assert "kind" not in paths(issue, {})
    assert "kind" not in paths(issue, {"secured": False})
    assert paths(issue, {"secured": True})[-1] == "kind"
    assert paths(issue, {"secured": True, "kind": "үй"})[-1] == "value"


def test_a_hidden_answer_stays_but_is_neither_judged_nor_reckoned_with(issue: Form) -> None:
    values = {"secured": False, "kind": "үй", "value": "x"}

    assert issue.settled(values)["kind"] == "үй"
    assert told(issue, values) == []
    assert told(issue, {**values, "secured": True}) == [("value", "field.err.number")]


def test_what_cannot_be_read_in_a_field_that_is_not_asked_hinders_nobody(issue: Form) -> None:
    parsed = issue.parse({"secured": "no", "value": "көп"}, before={"secured": True, "kind": "үй", "value": "5"})

    assert parsed.problems == ()
    assert parsed.unread == {"value"}
    assert parsed.values["value"] == "5"


def test_a_field_is_required_under_its_condition(issue: Form) -> None:
    assert told(issue, {"secured": True, "placed": "50"}) == []
    assert told(issue, {"secured": True, "placed": "51"}) == [("kind", "err.required")]
    assert told(issue, {"secured": True}) == []


def test_computed_fields_are_reckoned_on_the_server_whatever_came(issue: Form) -> None:
    values, one = rows.add(issue, {}, "owners")
    values, two = rows.add(issue, values, "owners")
    raw = {f"owners-{one}-amount": "10", f"owners-{two}-amount": "20", "total": "999", "placed": "100"}

    values = issue.parse(raw, before=values).values

    assert values["total"] == {"amount": "30.00", "currency": "KZT"}
    assert [row["values"]["part"] for row in values["owners"]["entries"]] == ["33.33", "66.67"]
    assert values["third"] == "33.33"
    assert issue.field("third").text(values["third"], "kk") == "33,33"
    emptied = rows.remove(issue, rows.remove(issue, values, "owners-e1"), "owners-e2")
    assert "total" not in issue.settled(emptied)


def test_a_check_across_fields_is_told_in_its_own_words_at_its_field(issue: Form) -> None:
    (problem,) = issue.check({"secured": False, "declared": "5", "placed": "6"})

    assert problem.path == "placed"
    assert say(problem.key, "en", **problem.params) == "More than declared"
    assert say(problem.key, "kk", **problem.params) == "Көп"
    assert issue.check({"secured": False, "placed": "6"}) == ()


def test_a_check_of_a_group_is_told_in_the_row_that_breaks_it(issue: Form) -> None:
    row = {"amount": {"amount": "1.00", "currency": "KZT"}, "paid": {"amount": "2.00", "currency": "KZT"}}
    values = {"secured": False, "owners": {"entries": [{"id": "e4", "values": row}], "last": 4}}

    assert told(issue, values) == [("owners-e4-paid", "field.err.check")]


def test_a_form_of_an_entry_sees_its_criteria_and_free_keys(write: Write) -> None:
    leaf = f"""\
form: premium
version: 1
title: {WORDS}
sections:
  - key: main
    title: {WORDS}
    fields:
      - key: a
        type: text
        show_if: category == 'premium' and filled(isin)
        required: true
        label: {WORDS}
        example: a
      - {{key: b, type: text, show_if: "platform == 'mixed'", required: true, label: {WORDS}, example: a}}
"""
    root = write({"listing/_criteria.v1.yaml": CRITERIA, "listing/main/shares/premium.v1.yaml": leaf})
    library, faults = load(root / "forms", root)
    assert [str(fault) for fault in faults] == []
    listing = library.get("listing")
    assert isinstance(listing, DynamicForm)
    values = listing.add({}, ["main", "shares", "premium"], {"isin": "KZ1C00001619"})

    assert [problem.path for problem in listing.check(values)] == ["listing-e1-a"]


@pytest.mark.parametrize(
    ("old", "new", "key", "told"),
    [
        ("show_if: secured", "show_if: securd", "sections.security.show_if", "did you mean 'secured'?"),
        ("show_if: secured", "show_if: declared", "sections.security.show_if", "it is a number, not a yes or no"),
        ("show_if: secured", "show_if: filled(kind)", "sections.security", "it depends on itself"),
        ("show_if: filled(kind)", "show_if: value > 5", "value.show_if", "it depends on itself: value → value"),
        ("value: sum(owners.amount)", "value: total + 1", "total.value", "it depends on itself: total → total"),
        ("value: sum(owners.amount)", "value: secured", "total.value", "it is a yes or no, not a number"),
        ("that: placed <= declared", "that: placed <= declaired", "checks.0.that", "did you mean 'declared'?"),
        (", at: placed", ", at: plased", "checks.0.at", "known: words, secured"),
        ('that: "paid <= amount"', 'that: "payed <= amount"', "owners.checks.0.that", "'payed' is no field here"),
        ('example: "90"', 'example: "900"', "fields.placed", "do not hold together: More than declared"),
        ("value: sum(owners.amount), ", "", "total.value", "add this key"),
        (
            "type: computed, value: sum(owners.amount), as: money",
            "type: computed, required: true, value: placed",
            "total.required",
            "nobody answers a computed",
        ),
        ("type: note,", "type: note, example: a,", "words.example", "has no example"),
        ("required: true, label", "required: true, required_if: placed > 5, label", "required_if", "keep one of them"),
        ("as: money", "as: address", "total.as", "use one of"),
        ("type: yes_no, required: true", "type: yes_no, as: money", "secured.as", "has no 'as'"),
    ],
)
def test_a_fault_of_an_expression_names_its_place_and_mend(
    old: str, new: str, key: str, told: str, write: Write
) -> None:
    assert old in ISSUE
    root = write({"issue.v1.yaml": ISSUE.replace(old, new, 1)})

    faults = [str(fault) for fault in load(root / "forms", root)[1]]

    assert any(fault.startswith("forms/issue.v1.yaml:") and key in fault and told in fault for fault in faults), faults


def test_a_long_way_of_computed_fields_is_refused(write: Write) -> None:
    fields = "".join(
        f"      - {{key: f{n}, type: computed, value: f{n - 1} + 1, label: {WORDS}}}\n" for n in range(1, 40)
    )
    text = ISSUE[: ISSUE.index("      - {key: words")]
    text += f'      - {{key: f0, type: number, label: {WORDS}, example: "1"}}\n{fields}'
    root = write({"issue.v1.yaml": text})

    faults = [str(fault) for fault in load(root / "forms", root)[1]]

    assert any("one after another" in fault for fault in faults), faults
