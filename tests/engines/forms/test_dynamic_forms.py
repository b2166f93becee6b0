"""The dynamic form of the manual's paragraph 16: lists, the form they lead to, several securities."""

from __future__ import annotations

from typing import Any

import pytest
from form_files import CRITERIA, WORDS, Write

from app.errors import Invalid
from app.forms.definitions import DynamicForm, load
from app.forms.outline import leaves

PREMIUM = ["main", "shares", "premium"]


@pytest.mark.req("IS2IN-16.c", "IS2IN-16.e")
def test_each_choice_offers_the_next_list(listing: DynamicForm) -> None:
    platform = listing.offered([])
    sector = listing.offered(["main"])
    category = listing.offered(["main", "shares"])

    assert platform is not None
    assert list(platform.options) == ["main", "mixed"]
    assert sector is not None
    assert list(sector.options) == ["shares", "bonds"]
    assert category is not None
    assert list(category.options) == ["premium"]  # "rated" belongs under bonds


@pytest.mark.req("IS2IN-16.f")
@pytest.mark.parametrize("path", [["mixed"], ["main", "bonds"]])
def test_where_no_list_follows_no_forms_are_provided_and_none_can_be_added(
    path: list[str], listing: DynamicForm
) -> None:
    assert listing.offered(path) is None
    assert listing.form_at(path) is None
    with pytest.raises(Invalid) as caught:
        listing.add({}, path, {"isin": "KZ1C00001619"})
    assert caught.value.problems[0].key == "dyn.no_forms"


@pytest.mark.req("IS2IN-11.6", "IS2IN-16.g")
def test_a_package_of_requirements_applies_only_where_its_whole_path_is_chosen(listing: DynamicForm) -> None:
    form = listing.form_at(PREMIUM)

    assert form is not None
    assert form.name == "listing/main/shares/premium.v1"
    assert listing.form_at(PREMIUM[:2]) is None
    assert listing.offered(PREMIUM) is None


@pytest.mark.parametrize("path", [["nosuch"], ["main", "nosuch"], ["main", "shares", "rated"], [*PREMIUM, "more"]])
def test_a_path_that_no_list_leads_to_is_refused(path: list[str], listing: DynamicForm) -> None:
    with pytest.raises(Invalid):
        listing.offered(path)
    with pytest.raises(Invalid):
        listing.add({}, path, {"isin": "KZ1C00001619"})


def test_the_criteria_are_said_in_the_readers_language(listing: DynamicForm) -> None:
    assert listing.path_text(PREMIUM, "kk") == "Негізгі › Акциялар › Премиум"
    assert listing.path_text(["main"], "ru") == "Основная"


@pytest.mark.req("IS2IN-16.h")
def test_free_fields_of_the_chain_are_checked_before_the_form_opens(listing: DynamicForm) -> None:
    parsed = listing.parse_keys({"listing-isin": "kz1c 0000 1619"})

    assert parsed.values == {"isin": "KZ1C00001619"}
    with pytest.raises(Invalid) as caught:
        listing.add({}, PREMIUM, {"isin": "KZ1C00001618"})
    assert [(problem.path, problem.key) for problem in caught.value.problems] == [("listing-isin", "err.isin")]


def test_what_is_chosen_in_the_lists_is_read_up_to_the_first_not_chosen(listing: DynamicForm) -> None:
    assert listing.path_of({"listing-platform": ["main"], "listing-sector": [""], "listing-category": "premium"}) == (
        "main",
    )


@pytest.mark.req("IS2IN-16.i")
def test_adding_opens_the_form_of_the_path_and_several_securities_stand_side_by_side(listing: DynamicForm) -> None:
    one = listing.add({}, PREMIUM, {"isin": "KZ1C00001619"})
    two = listing.add(one, PREMIUM, {"isin": "KZ1C00000744"})

    parsed = listing.parse({"listing-e1-free_float": "12,5", "listing-e2-free_float": "x"}, two)

    first, second = parsed.values["entries"]
    assert first["form"] == "listing/main/shares/premium.v1"
    assert first["values"] == {"free_float": "12.5"}
    assert second["keys"] == {"isin": "KZ1C00000744"}
    assert [problem.path for problem in parsed.problems] == ["listing-e2-free_float"]


def test_the_id_of_a_removed_entry_is_not_given_again(listing: DynamicForm) -> None:
    values = listing.add({}, PREMIUM, {"isin": "KZ1C00001619"})

    values = listing.add(listing.remove(values, "e1"), PREMIUM, {"isin": "KZ1C00001619"})

    assert [entry["id"] for entry in values["entries"]] == ["e2"]
    with pytest.raises(Invalid):
        listing.remove(values, "e1")


def test_done_asks_for_an_entry_and_for_all_that_is_mandatory_in_it(listing: DynamicForm) -> None:
    assert [problem.key for problem in listing.check({})] == ["field.err.entries"]

    values = listing.add({}, PREMIUM, {"isin": "KZ1C00001619"})

    assert [(problem.path, problem.key) for problem in listing.check(values)] == [
        ("listing-e1-free_float", "err.required")
    ]
    assert [gap.key for gap in listing.gaps(values)] == ["field.note.missing"]
    assert listing.check(listing.example()) == ()


def test_an_entry_of_a_form_that_is_not_there_is_told_and_not_a_crash(listing: DynamicForm) -> None:
    values = listing.example()
    values["entries"][0]["form"] = "listing/main/shares/premium.v9"

    assert [problem.key for problem in listing.check(values)] == ["dyn.no_forms"]


def test_a_comment_may_name_a_field_of_an_entry(listing: DynamicForm) -> None:
    values = listing.example()

    listing.require_fields(["listing-e1-isin", "listing-e1-free_float"], values)
    with pytest.raises(Invalid):
        listing.require_fields(["listing-e2-isin"], values)


STANDARD = f"""\
form: shares
version: 1
title: {WORDS}
sections:
  - key: main
    title: {WORDS}
    fields:
      - {{key: free_float, type: text, required: true, label: {WORDS}, example: a}}
      - {{key: only_standard, type: text, show_if: category == 'standard', label: {WORDS}, example: a}}
      - key: directors
        type: group
        label: {WORDS}
        fields:
          - {{key: name, type: text, label: {WORDS}, example: a}}
          - {{key: since, type: date, label: {WORDS}, example: "01.02.2026"}}
"""
PREMIUM_FORM = f"""\
form: premium
version: 1
title: {WORDS}
sections:
  - key: main
    title: {WORDS}
    fields:
      - {{key: free_float, type: percent, required: true, label: {WORDS}, example: "5"}}
      - {{key: report, type: file, required: true, label: {WORDS}, example: a.pdf}}
      - key: directors
        type: group
        label: {WORDS}
        fields:
          - {{key: name, type: text, label: {WORDS}, example: a}}
          - {{key: independent, type: yes_no, required: true, label: {WORDS}, example: "yes"}}
"""
STANDARD_PATH = ["main", "shares", "standard"]


@pytest.fixture
def two_forms(write: Write) -> DynamicForm:
    criteria = CRITERIA.replace(
        "      rated: {", '      standard: {kk: "Стандарт", ru: "Стандарт", en: "Standard"}\n      rated: {'
    )
    files = {
        "listing/_criteria.v1.yaml": criteria,
        "listing/main/shares.v1.yaml": STANDARD,
        "listing/main/shares/premium.v1.yaml": PREMIUM_FORM,
    }
    library, faults = load((root := write(files)) / "forms", root)
    assert [str(fault) for fault in faults] == []
    found = library.get("listing")
    assert isinstance(found, DynamicForm)
    return found


@pytest.mark.req("IS2IN-16.g")
def test_the_most_specific_form_wins(two_forms: DynamicForm) -> None:
    premium, standard = two_forms.form_at(PREMIUM), two_forms.form_at(STANDARD_PATH)

    assert premium is not None
    assert premium.name == "listing/main/shares/premium.v1"
    assert standard is not None
    assert standard.name == "listing/main/shares.v1"
    assert two_forms.form_at(["main", "shares"]) is None
    assert [list(path) for path in two_forms.paths()] == [PREMIUM, STANDARD_PATH]
    values = two_forms.example_at(STANDARD_PATH)
    assert two_forms.check(values) == ()
    assert [asked.path for asked in leaves(two_forms.outline(values)[0][1])][2] == "listing-e1-only_standard"


FILLED = {
    "free_float": "12,5 %",
    "only_standard": "сөз",
    "directors": {
        "entries": [{"id": "e2", "values": {"name": "Ахметова", "since": "2026-01-01"}}, {"id": "e3", "values": {}}],
        "last": 5,
    },
}


def standard(two_forms: DynamicForm) -> dict[str, Any]:
    values = two_forms.add({}, STANDARD_PATH, {"isin": "KZ1C00001619"})
    values["entries"][0]["values"] = FILLED
    return values


def test_other_criteria_show_what_becomes_of_each_answer_before_it_happens(two_forms: DynamicForm) -> None:
    values = standard(two_forms)

    found = two_forms.preview(values, "e1", PREMIUM)

    assert [piece.path for piece in found.kept] == ["listing-e1-isin", "listing-e1-directors-e2-name"]
    assert [(piece.path, piece.reason, piece.text("kk")) for piece in found.parked] == [
        ("listing-e1-free_float", "type", "12,5 %"),
        ("listing-e1-directors-e2-since", "removed", "01.01.2026"),
        ("listing-e1-only_standard", "removed", "сөз"),
    ]
    assert found.required == (
        "listing-e1-free_float",
        "listing-e1-report",
        "listing-e1-directors-e2-independent",
        "listing-e1-directors-e3-independent",
    )
    assert values == standard(two_forms)
    (entry,) = found.values["entries"]
    assert entry["path"] == PREMIUM
    assert entry["form"] == "listing/main/shares/premium.v1"
    assert entry["parked"] == {"free_float": "12,5 %", "only_standard": "сөз"}
    assert entry["values"]["directors"]["last"] == 5
    assert [piece.text("kk") for piece in two_forms.parked(entry)] == ["12,5 %", "сөз", "2026-01-01"]


def test_the_criteria_of_before_give_everything_back(two_forms: DynamicForm) -> None:
    changed = two_forms.change(standard(two_forms), "e1", PREMIUM)
    changed = two_forms.parse(
        {"listing-e1-free_float": "7", "listing-e1-directors-e2-independent": "yes"}, changed
    ).values

    back = two_forms.preview(changed, "e1", STANDARD_PATH)

    (entry,) = back.values["entries"]
    assert entry["values"]["free_float"] == "7"
    assert entry["parked"] == {"free_float": "12,5 %"}
    assert entry["values"]["only_standard"] == "сөз"
    assert entry["values"]["directors"]["entries"][0]["values"] == {
        "name": "Ахметова",
        "since": "2026-01-01",
        "_parked": {"independent": True},
    }
    assert {piece.path for piece in back.restored} == {"listing-e1-directors-e2-since", "listing-e1-only_standard"}


@pytest.mark.parametrize("path", [["mixed"], ["main", "shares"], ["main", "nosuch"], []])
def test_an_entry_is_not_moved_where_no_form_is(path: list[str], two_forms: DynamicForm) -> None:
    with pytest.raises(Invalid):
        two_forms.change(standard(two_forms), "e1", path)
    with pytest.raises(Invalid):
        two_forms.change(standard(two_forms), "e9", PREMIUM)
