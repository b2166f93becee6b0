"""Shared sections: written once, asked in several forms, and blamed where they stand."""

from __future__ import annotations

import pytest
from form_files import CRITERIA, LEAF, WORDS, Write

from app.forms.definitions import DynamicForm, Form, load

RATING = f"""\
section: rating
version: 1
title: {WORDS}
fields:
  - {{key: rated, type: yes_no, label: {WORDS}, example: "yes"}}
  - {{key: grade, type: number, show_if: rated, label: {WORDS}, example: "5"}}
checks:
  - {{that: grade <= limit, at: grade, message: {WORDS}}}
"""

ISSUER = f"""\
form: issuer
version: 1
title: {WORDS}
sections:
  - key: main
    title: {WORDS}
    fields:
      - {{key: limit, type: number, label: {WORDS}, example: "9"}}
      - {{key: listed, type: yes_no, label: {WORDS}, example: "yes"}}
  - use: rating.v1
    show_if: listed
"""

SHARED = "_shared/rating.v1.yaml"


def faults_of(write: Write, files: dict[str, str]) -> list[str]:
    root = write(files)
    return [str(fault) for fault in load(root / "forms", root)[1]]


def test_a_shared_section_is_asked_as_if_it_stood_in_the_form(write: Write) -> None:
    library, faults = load((root := write({SHARED: RATING, "issuer.v1.yaml": ISSUER})) / "forms", root)

    assert faults == []
    form = library.get("issuer")
    assert isinstance(form, Form)
    assert [section.key for section in form.sections] == ["main", "rating"]
    assert [part.section.key for part in form.outline({})] == ["main"]
    values = {"listed": True, "rated": True, "grade": "10", "limit": "9"}
    assert [part.section.key for part in form.outline(values)] == ["main", "rating"]
    assert [problem.path for problem in form.check(values)] == ["grade"]
    assert library.keys() == ("issuer",)


def test_the_form_is_another_when_what_it_uses_is(write: Write) -> None:
    first, _ = load((root := write({SHARED: RATING, "issuer.v1.yaml": ISSUER})) / "forms", root)
    write({SHARED: RATING.replace("grade <= limit", "grade < limit")})
    second, _ = load(root / "forms", root)

    assert first.named("issuer.v1").sha256 != second.named("issuer.v1").sha256


def test_a_form_inside_a_dynamic_one_uses_shared_sections_too(write: Write) -> None:
    leaf = (
        LEAF
        + f"""\
      - {{key: limit, type: number, label: {WORDS}, example: "9"}}
  - use: rating.v1
"""
    )
    files = {SHARED: RATING, "listing/_criteria.v1.yaml": CRITERIA, "listing/main/shares/premium.v1.yaml": leaf}
    library, faults = load((root := write(files)) / "forms", root)

    assert faults == []
    listing = library.get("listing")
    assert isinstance(listing, DynamicForm)
    assert listing.check(listing.example()) == ()


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        (SHARED, "show_if: rated", "show_if: ratd", "forms/_shared/rating.v1.yaml:6: "),
        (SHARED, "grade <= limit", "grade <= limmit", "forms/_shared/rating.v1.yaml:8: checks.0.that: 'limmit'"),
        (SHARED, "key: rated", "key: limit", "field 'limit' stands twice; rename one of them (used by forms/issuer"),
        (SHARED, "type: number, show", "type: numbr, show", "type 'numbr' is unknown"),
        (SHARED, "section: rating", "section: ratings", "write section: rating"),
        (SHARED, "version: 1", "version: 2", "write version: 1"),
        ("issuer.v1.yaml", "use: rating.v1", "use: ratings.v1", "did you mean 'rating.v1'?"),
        ("issuer.v1.yaml", "use: rating.v1", "use: rating.v1\n    title: x", "keep use, and show_if at most"),
        ("issuer.v1.yaml", "show_if: listed", "show_if: listd", "did you mean 'listed'?"),
        (SHARED, 'example: "5"', 'example: "50"', "the examples do not hold together"),
    ],
)
def test_a_fault_is_told_once_and_where_it_stands(name: str, old: str, new: str, told: str, write: Write) -> None:
    files = {SHARED: RATING, "issuer.v1.yaml": ISSUER}
    assert old in files[name]

    faults = faults_of(write, {**files, name: files[name].replace(old, new, 1)})

    assert len(faults) == 1
    assert told in faults[0]


def test_a_file_that_is_no_shared_section_is_told(write: Write) -> None:
    assert "name it like rating.v1.yaml" in faults_of(write, {"_shared/rating.yaml": RATING})[0]
