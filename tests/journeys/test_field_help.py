"""Help while one answers, in the browser: what the server says when a box is left, and boxes that stand on one line."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from app.terms import say
from tests.journeys.people import Cast, Person
from tests.journeys.test_pages import violations
from tests.serving import Installation, Served, copy_of, serving

IIN, HEAD = "directors-e1-member-iin", "directors-e1-member"
FIRST, SECOND = "holders-e1-holder_bin", "holders-e2-holder_bin"
BIN = "240640000109"


@pytest.fixture(scope="module")
def served(loaded: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(copy_of(loaded, tmp_path_factory.mktemp("help") / "var")) as running:
        yield running


@pytest.fixture
def author(served, chromium) -> Iterator[Person]:
    """Return the author at a stage with a member of a governing body and two holders."""
    cast = Cast(served, chromium)
    person = cast["issuer"]
    person.go("/procedures/bond_listing/new")
    person.press("act.create")
    person.go(f"{person.path}/stages/ownership")
    for group in ("directors", "holders", "holders"):
        person.press("", of=person.find(f'button[name="row-add"][value="{group}"]'))
    yield person
    cast.leave()


def leave(person: Person, name: str, words: str) -> None:
    """Type into a box and go on to the next."""
    box = person.find(f'[name="{name}"]')
    box.fill(words)
    box.press("Tab")


def test_a_wrong_code_is_told_when_its_box_is_left_and_entries_that_must_differ_are_judged_together(author):
    leave(author, IIN, "700520499991")
    error = author.find(f'[data-error-for="{IIN}"]')
    expect(error).to_have_text(say("field.err.iin_check", "kk"))
    expect(author.find(f'[name="{IIN}"]')).to_have_attribute("aria-describedby", f"error-{IIN}")
    expect(author.find("[data-hint-status]")).to_have_text(say("field.err.iin_check", "kk"))
    tops = {box.bounding_box()["y"] for box in author.find(f'[data-field="{HEAD}"] .input').all()[-2:]}
    assert len(tops) == 1  # the IIN with its fault, and the citizenship beside it
    assert violations(author) == []
    leave(author, IIN, "700520499990")
    expect(error).to_have_count(0)

    for entry in ("e1", "e2"):
        author.find(f'[name="holders-{entry}-holder_kind"]').select_option("organisation")
        expect(author.find(f'[name="holders-{entry}-holder_bin"]')).to_be_visible()
    leave(author, FIRST, BIN)
    leave(author, SECOND, BIN)
    twice = author.find(f'[data-error-for="{SECOND}"]')
    expect(twice).to_have_text(say("field.err.not_unique", "kk", said=BIN, first=1))
    leave(author, FIRST, "")
    expect(twice).to_have_count(0)
