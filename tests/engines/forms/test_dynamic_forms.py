"""The dynamic form of the manual's paragraph 16: lists, the form they lead to, several securities."""

from __future__ import annotations

import pytest

from app.errors import Invalid
from app.forms.definitions import DynamicForm

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
