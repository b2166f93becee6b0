"""The stage «Қосымша листингілік талаптар»: the chain of lists, without scripts (user manual, paragraph 16)."""

from __future__ import annotations

import pytest
from factories import new_application, refetched, values
from test_creating import address

from app.applications import queries
from app.terms import say

KEY = "extra_listing_requirements"
PLATFORM, SECTOR, CATEGORY, ISIN = (f"{KEY}-{name}" for name in ("platform", "sector", "category", "isin"))


@pytest.fixture
def stage(browser, house):
    """The page of the stage of a new application, in the issuer's browser."""
    someone, application = browser("issuer"), new_application()
    return someone, application, address(application, "stages", "requirements")


def options(page, name):
    """Return what a list offers, by its values."""
    return [option.get("value") for option in page.one(name=name).iter("option") if option.get("value")]


@pytest.mark.req("IS2IN-16.d", "IS2IN-16.c", "IS2IN-16.e", "IS2IN-16.g", "IS2IN-16.h", "IS2IN-16.i")
def test_platform_sector_category_then_isin_then_the_form_opens(stage):
    someone, application, path = stage
    page = someone.get(path)
    assert "Қосымша листингілік талаптар" in page.main
    assert page.says(data_key="act.add_security") == "Бағалы қағаз қосу"
    assert not page.all(name=SECTOR)

    page = someone.send(page, path, press="chain", value=KEY, **{PLATFORM: "main"})
    assert options(page, SECTOR) == ["shares", "debt_securities", "depositary_receipts", "fund_securities"]
    page = someone.send(page, path, press="chain", value=KEY, **{SECTOR: "shares"})
    assert options(page, CATEGORY) == ["premium", "standard"]
    page = someone.send(page, path, press="chain", value=KEY, **{CATEGORY: "premium"})
    assert page.says(data_key="act.add") == "Қосу"
    added = someone.send(page, path, press="add", value=KEY, **{ISIN: "KZ1C00001619"})
    page = someone.get(added.location.split("#")[0])

    assert added.status == 303
    assert "Негізгі › Акциялар › Премиум" in page.main
    entry = page.one(data_entry="e1")
    assert [item for item in entry.iter("input") if item.get("name", "").startswith(f"{KEY}-e1-")]
    assert values(refetched(application), "requirements")["entries"][0]["keys"] == {"isin": "KZ1C00001619"}


@pytest.mark.req("IS2IN-16.f")
@pytest.mark.parametrize(
    "chosen", [{PLATFORM: "mixed"}, {PLATFORM: "private_placement"}, {PLATFORM: "main", SECTOR: "debt_securities"}]
)
def test_where_no_list_follows_the_page_says_that_no_forms_are_provided(stage, chosen):
    someone, application, path = stage
    page = someone.get(path)

    for name, option in chosen.items():
        page = someone.send(page, path, press="chain", value=KEY, **{name: option})

    assert page.says(data_key="dyn.no_forms").endswith(say("dyn.no_forms", "kk"))
    assert not page.all(name=CATEGORY)
    assert not page.all(name="add")
    refused = someone.send(page, path, press="add", value=KEY, **{ISIN: "KZ1C00001619"})
    assert refused.status == 422
    assert queries.latest(refetched(application), "requirements") is None


def test_choosing_in_the_lists_keeps_what_was_typed_elsewhere_and_stores_nothing(stage):
    someone, application, path = stage

    page = someone.send(someone.get(path), path, press="chain", value=KEY, **{PLATFORM: "main"})

    assert page.status == 200
    assert page.form(path)[PLATFORM] == ["main"]
    assert queries.latest(refetched(application), "requirements") is None


@pytest.mark.parametrize(
    "chosen",
    [
        {PLATFORM: "main", SECTOR: "shares", ISIN: "KZ1C00001619"},  # the chain is not complete
        {PLATFORM: "main", SECTOR: "shares", CATEGORY: "premium", ISIN: "KZ1C00001618"},  # a wrong check digit
        {PLATFORM: "main", SECTOR: "shares", CATEGORY: "premium", ISIN: ""},
        {PLATFORM: "alternative", SECTOR: "shares", CATEGORY: "premium", ISIN: "KZ1C00001619"},  # not in this chain
        {PLATFORM: "../../etc", SECTOR: "shares", CATEGORY: "premium", ISIN: "KZ1C00001619"},
        {PLATFORM: "nosuch", ISIN: "KZ1C00001619"},
    ],
)
def test_an_entry_that_will_not_do_is_refused_and_nothing_is_stored(stage, chosen):
    someone, application, path = stage
    someone.get(path)

    refused = someone.post(path, {"add": KEY, "revision": "0", **chosen})

    assert refused.status == 422
    assert queries.latest(refetched(application), "requirements") is None


def test_several_securities_may_be_added_but_not_the_same_twice_and_one_taken_out(stage):
    someone, application, path = stage
    chain = {PLATFORM: "main", SECTOR: "shares", CATEGORY: "standard"}
    someone.get(path)
    assert someone.post(path, {"add": KEY, "revision": "0", ISIN: "KZ1C00001619", **chain}).status == 303

    again = someone.post(path, {"add": KEY, "revision": "1", ISIN: "KZ1C00001619", **chain})
    other = someone.post(path, {"add": KEY, "revision": "1", ISIN: "KZ1C00000876", **chain})

    assert again.status == 422
    assert other.status == 303
    removed = someone.send(someone.get(path), path, press="remove", value=f"{KEY}-e1")
    assert removed.status == 303
    entries = values(refetched(application), "requirements")["entries"]
    assert [entry["id"] for entry in entries] == ["e2"]


@pytest.mark.req("IS2IN-16.a")
def test_the_stage_is_not_done_without_a_security_nor_with_an_empty_form(stage):
    someone, application, path = stage
    bare = someone.send(someone.get(path), path, press="done")
    someone.post(
        path,
        {"add": KEY, "revision": "0", ISIN: "KZ1C00001619", PLATFORM: "main", SECTOR: "shares", CATEGORY: "premium"},
    )

    gaping = someone.send(someone.get(path), path, press="done")

    assert (bare.status, gaping.status) == (422, 422)
    assert gaping.all(data_error_for=gaping.one(data_entry="e1") is not None and _first_missing(gaping))
    assert queries.position(refetched(application)).status("requirements") == "filling"


def _first_missing(page) -> str:
    return next(
        item.get("data-error-for") for item in page.root.iter() if item.get("data-error-for", "").startswith(KEY)
    )
