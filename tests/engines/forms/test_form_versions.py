"""Versions of a form: which changes touch answers, and how a draft moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from form_files import CRITERIA, LEAF, WORDS, Write

from app.forms.definitions import DynamicForm, Form, load
from app.forms.versions import EFFECTS, carry, differences, is_safe

OLD = f"""\
form: issuer
version: 1
title: {WORDS}
sections:
  - key: main
    title: {WORDS}
    fields:
      - {{key: name, type: text, label: {WORDS}, example: a}}
      - {{key: count, type: number, min: "1", label: {WORDS}, example: "5"}}
      - {{key: sum, type: money, label: {WORDS}, example: "5"}}
      - {{key: born, type: date, max: "2027-01-01", label: {WORDS}, example: "01.02.2026"}}
      - {{key: kind, type: choice, options: {{paid: {WORDS}, free: {WORDS}}}, label: {WORDS}, example: paid}}
      - {{key: title, type: multilingual, label: {WORDS}, example: {{kk: a, ru: b, en: c}}}}
      - {{key: paper, type: file, accept: [pdf, docx], max_files: 3, label: {WORDS}, example: a.pdf}}
      - {{key: term, type: duration, label: {WORDS}, example: {{amount: "5", unit: days}}}}
      - {{key: chief, type: person, label: {WORDS}, example: {{family_name: a, given_name: b}}}}
      - {{key: twice, type: computed, value: count * 2, label: {WORDS}}}
      - key: owners
        type: group
        min_entries: 1
        label: {WORDS}
        fields:
          - {{key: who, type: text, label: {WORDS}, example: a}}
          - {{key: part, type: percent_of_total, label: {WORDS}, example: "5"}}
checks:
  - {{that: count < 1000, at: count, message: {WORDS}}}
"""


@pytest.fixture
def versions_of(write: Write) -> Callable[[str], tuple[Form, Form]]:
    """Return the old version and a new one with this text."""

    def both(text: str) -> tuple[Form, Form]:
        files = {"issuer.v1.yaml": OLD, "issuer.v2.yaml": text.replace("version: 1", "version: 2", 1)}
        library, faults = load((root := write(files)) / "forms", root)
        assert [str(fault) for fault in faults] == []
        old, new = library.get("issuer", 1), library.get("issuer", 2)
        assert isinstance(old, Form)
        assert isinstance(new, Form)
        return old, new

    return both


CHANGES = [
    ("nothing", "version: 1", "version: 1", []),
    (
        "a field more",
        "{key: name",
        f"{{key: more, type: text, label: {WORDS}, example: a}}\n      - {{key: name",
        ["more: field added (nothing → text): safe"],
    ),
    (
        "a required field more",
        "{key: name",
        f"{{key: more, type: text, required: true, label: {WORDS}, example: a}}\n      - {{key: name",
        ["more: required field added (nothing → text): affects data"],
    ),
    (
        "a field less",
        f"      - {{key: name, type: text, label: {WORDS}, example: a}}\n",
        "",
        ["name: field removed (text → nothing): affects data"],
    ),
    (
        "another type",
        "{key: name, type: text",
        "{key: name, type: long_text",
        ["name: type changed (text → long_text): affects data"],
    ),
    (
        "required now",
        "{key: name, type: text",
        "{key: name, type: text, required: true",
        ["name: required now: affects data"],
    ),
    (
        "required under a condition",
        "{key: name, type: text",
        "{key: name, type: text, required_if: count > 5",
        ["name: required if changed (nothing → count > 5): affects data"],
    ),
    (
        "shown under a condition",
        "{key: name, type: text",
        "{key: name, type: text, show_if: count > 5",
        ["name: shown otherwise (nothing → count > 5): affects data"],
    ),
    (
        "a section under a condition",
        f"title: {WORDS}\n    fields",
        f"title: {WORDS}\n    show_if: 1 < 2\n    fields",
        [
            f"{key}: shown otherwise (nothing → 1 < 2): affects data"
            for key in ("name", "count", "sum", "born", "kind", "title", "paper", "term", "chief", "twice", "owners")
        ],
    ),
    ("an option more", "paid: ", f"other: {WORDS}, paid: ", ["kind: options added (nothing → other): safe"]),
    ("an option less", f", free: {WORDS}", "", ["kind: options removed (free → nothing): affects data"]),
    ("a limit wider", 'min: "1", ', "", ["count: limit wider (1 → nothing): safe"]),
    ("a limit stricter", 'min: "1"', 'min: "2"', ["count: limit stricter (1 → 2): affects data"]),
    ("a day earlier", "2027-01-01", "2026-12-31", ["born: limit stricter (2027-01-01 → 2026-12-31): affects data"]),
    (
        "a shorter text",
        "{key: name, type: text",
        "{key: name, type: text, max_length: 10",
        ["name: limit stricter (500 → 10): affects data"],
    ),
    ("fewer decimals", 'min: "1"', 'min: "1", decimals: 0', ["count: limit stricter (nothing → 0): affects data"]),
    (
        "another currency",
        "type: money",
        "type: money, currency: USD",
        ["sum: currency changed (KZT → USD): affects data"],
    ),
    (
        "fewer languages",
        "type: multilingual, label: " + WORDS + ", example: {kk: a, ru: b, en: c}",
        "type: multilingual, languages: [kk, ru], label: " + WORDS + ", example: {kk: a, ru: b}",
        [
            "title: words changed (nothing → example): safe",
            "title: languages changed (kk, ru, en → kk, ru): affects data",
        ],
    ),
    ("fewer kinds of files", "[pdf, docx]", "[pdf]", ["paper: kinds of files removed (docx → nothing): affects data"]),
    ("fewer files", "max_files: 3", "max_files: 2", ["paper: limit stricter (3 → 2): affects data"]),
    (
        "fewer units",
        "type: duration,",
        "type: duration, units: [days],",
        ["term: units removed (months, years → nothing): affects data"],
    ),
    (
        "fewer parts",
        "type: person,",
        "type: person, ask_for: [family_name, given_name],",
        ["chief: parts removed (patronymic, iin, birth_date, citizenship → nothing): affects data"],
    ),
    ("another sum", "count * 2", "count * 3", ["twice: computed otherwise (count * 2 → count * 3): affects data"]),
    ("more entries", "min_entries: 1", "min_entries: 0", ["owners: entries wider (1 → 0): safe"]),
    (
        "fewer entries",
        "min_entries: 1",
        "min_entries: 1\n        max_entries: 5",
        ["owners: entries stricter (200 → 5): affects data"],
    ),
    (
        "entries that differ",
        "min_entries: 1",
        "min_entries: 1\n        unique: who",
        ["owners: unique added (nothing → who): affects data"],
    ),
    (
        "a whole",
        "type: percent_of_total",
        "type: percent_of_total, total: exact",
        ["owners.part: limit stricter (at_most → exact): affects data"],
    ),
    (
        "a field of a group less",
        f"          - {{key: who, type: text, label: {WORDS}, example: a}}\n",
        "",
        ["owners.who: field removed (text → nothing): affects data"],
    ),
    (
        "another check",
        "count < 1000",
        "count < 900",
        [
            "count: check removed (count < 1000 → nothing): safe",
            "count: check added (nothing → count < 900): affects data",
        ],
    ),
    (
        "another word",
        f"free: {WORDS}",
        'free: {kk: "Сөз", ru: "Слово", en: "Word"}',
        ["kind: words changed (nothing → options): safe"],
    ),
]


@pytest.mark.parametrize(("what", "old", "new", "told"), CHANGES, ids=[each[0] for each in CHANGES])
def test_each_change_is_safe_or_affects_data(
    what: str, old: str, new: str, told: list[str], versions_of: Callable[[str], tuple[Form, Form]]
) -> None:
    assert old in OLD
    text = OLD.replace(old, new, 1)
    if what == "a whole":
        text = text.replace('label: {WORDS}, example: "5"', "").replace(
            f'total: exact, label: {WORDS}, example: "5"', f'total: exact, label: {WORDS}, example: "100"'
        )
        told = ["owners.part: words changed (nothing → example): safe", *told]

    assert [str(each) for each in differences(*versions_of(text))] == told


def test_a_safe_version_demands_nothing_more_of_a_draft(versions_of: Callable[[str], tuple[Form, Form]]) -> None:
    more = f"{{key: more, type: text, label: {WORDS}, example: a}}\n      - {{key: name"
    old, new = versions_of(OLD.replace("{key: name", more, 1))

    found = carry(old, new, old.example())

    assert is_safe(differences(old, new))
    assert found.is_harmless
    assert found.values == old.example()


@pytest.mark.parametrize(
    ("old", "new", "path", "reason"),
    [
        ("{key: name", "{key: naming", "name", "removed"),
        ("{key: name, type: text", "{key: name, type: email", "", ""),
        ("{key: count, type: number", "{key: count, type: percent", "", ""),
        ('{key: born, type: date, max: "2027-01-01"', "{key: born, type: bin", "born", "type"),
        (f", free: {WORDS}", "", "kind", "option"),
        ("type: money", "type: money, currency: USD", "sum", "currency"),
        ("type: duration,", "type: duration, units: [years],", "term", "unit"),
        ("type: person,", "type: person, ask_for: [family_name],", "chief", "parts"),
        (
            "type: text, label: " + WORDS + ", example: a}\n      - {key: count",
            "type: computed, as: text, value: kind, label: " + WORDS + "}\n      - {key: count",
            "name",
            "computed",
        ),
        ("{key: who", "{key: holder", "owners-e1-who", "removed"),
    ],
)
def test_what_cannot_stay_is_parked_with_its_reason(
    old: str, new: str, path: str, reason: str, versions_of: Callable[[str], tuple[Form, Form]]
) -> None:
    assert old in OLD
    text = OLD.replace(old, new, 1)
    for was, now in (
        ("type: email, label: " + WORDS + ", example: a", "type: email, label: " + WORDS + ", example: a@kase.kz"),
        (
            "type: bin, label: " + WORDS + ', example: "01.02.2026"',
            "type: bin, label: " + WORDS + ', example: "240640000109"',
        ),
        (
            "[years], label: " + WORDS + ', example: {amount: "5", unit: days}',
            "[years], label: " + WORDS + ', example: {amount: "5", unit: years}',
        ),
        (
            "[family_name], label: " + WORDS + ", example: {family_name: a, given_name: b}",
            "[family_name], label: " + WORDS + ", example: {family_name: a}",
        ),
    ):
        text = text.replace(was, now)
    before, after = versions_of(text)
    values: dict[str, Any] = {**before.example(), "kind": "free"}

    found = carry(before, after, values)

    assert [(piece.path, piece.reason) for piece in found.parked] == ([(path, reason)] if path else [])
    assert carry(after, before, found.values).values == values


def test_a_value_that_is_parked_twice_is_kept_twice(versions_of: Callable[[str], tuple[Form, Form]]) -> None:
    old, new = versions_of(OLD.replace("{key: name", "{key: naming", 1))

    once = carry(old, new, {"name": "бірінші"}).values
    twice = carry(old, new, {**once, "name": "екінші"}).values

    assert twice["_parked"] == {"name": "бірінші", "name~2": "екінші"}
    back = carry(new, old, twice)
    assert back.values == {"name": "екінші", "_parked": {"name": "бірінші"}}
    assert [piece.text("kk") for piece in old.parked(back.values)] == ["бірінші"]


def test_what_must_be_answered_now_is_told(versions_of: Callable[[str], tuple[Form, Form]]) -> None:
    old, new = versions_of(OLD.replace("{key: name, type: text", "{key: name, type: text, required: true", 1))

    assert carry(old, new, {}).required == ("name",)
    assert carry(old, new, {"name": "a"}).required == ()


def both_lists(write: Write, criteria: str, leaf: str = LEAF) -> tuple[DynamicForm, DynamicForm]:
    files = {"listing/_criteria.v1.yaml": CRITERIA, "listing/main/shares/premium.v1.yaml": LEAF}
    old, faults = load((root := write(files)) / "forms", root)
    assert faults == []
    write({"listing/_criteria.v1.yaml": criteria, "listing/main/shares/premium.v1.yaml": leaf})
    new, faults = load(root / "forms", root)
    assert [str(fault) for fault in faults] == []
    before, after = old.get("listing"), new.get("listing")
    assert isinstance(before, DynamicForm)
    assert isinstance(after, DynamicForm)
    return before, after


def test_the_lists_of_a_dynamic_form_are_compared_too(write: Write) -> None:
    old, new = both_lists(write, CRITERIA.replace("mixed: {", "other: {"), LEAF.replace("12,5", "13,5"))

    assert [str(each) for each in differences(old, new)] == [
        "main/shares/premium: free_float: words changed (nothing → example): safe",
        "mixed: path removed: affects data",
        "other: path added: safe",
    ]
    assert differences(old, old) == []


def test_an_entry_whose_path_is_gone_stays_and_is_told(write: Write) -> None:
    old, new = both_lists(write, CRITERIA, LEAF.replace("free_float", "float"))
    values = old.example()
    lost = {**values["entries"][0], "id": "e2", "path": ["mixed"]}

    found = carry(old, new, {"entries": [*values["entries"], lost], "last": 2})

    assert [(piece.path, piece.reason) for piece in found.unplaced] == [("listing-e2", "form")]
    assert found.values["entries"][1] == lost
    assert found.values["entries"][0]["parked"] == {"free_float": "12.5"}
    assert found.required == ("listing-e1-float",)
    assert found.values["last"] == 2


def test_every_kind_of_change_has_an_effect() -> None:
    assert {type(effect) for effect in EFFECTS.values()} == {bool}
