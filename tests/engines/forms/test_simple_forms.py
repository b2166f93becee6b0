"""A simple form: reading what was typed, "Done", "Save", and paths."""

from __future__ import annotations

import pytest

from app.errors import Invalid
from app.forms.definitions import Form
from app.terms import say

GOOD = {
    "name-kk": ["Қоғам"],
    "name-ru": ["Общество"],
    "name-en": ["Company"],
    "bin": ["2406 4000 0109"],
    "count": ["12 000"],
    "market_maker": ["no"],
}


def test_what_was_typed_becomes_canonical_values(form: Form) -> None:
    parsed = form.parse(GOOD)

    assert parsed.problems == ()
    assert parsed.values == {
        "name": {"kk": "Қоғам", "ru": "Общество", "en": "Company"},
        "bin": "240640000109",
        "count": "12000",
        "market_maker": False,
    }
    assert form.check(parsed.values) == ()


@pytest.mark.req("IS2IN-16.b")
def test_a_mandatory_field_left_empty_is_told_and_an_optional_one_is_not(form: Form) -> None:
    problems = form.check({"bin": "240640000109"})

    assert [(problem.path, problem.key) for problem in problems] == [
        ("name-kk", "err.required"),
        ("name-ru", "err.required"),
        ("name-en", "err.required"),
    ]


def test_what_cannot_be_read_is_told_and_the_rest_is_kept(form: Form) -> None:
    parsed = form.parse({**GOOD, "count": "көп"})

    assert [problem.path for problem in parsed.problems] == ["count"]
    assert "count" not in parsed.values
    assert parsed.values["bin"] == "240640000109"


def test_a_draft_keeps_a_number_with_a_wrong_check_digit_and_done_refuses_it(form: Form) -> None:
    parsed = form.parse({**GOOD, "bin": "240640000108"})

    assert parsed.problems == ()
    assert parsed.values["bin"] == "240640000108"
    assert [problem.key for problem in form.check(parsed.values)] == ["field.err.bin_check"]


def test_a_partial_save_notes_what_is_missing(form: Form) -> None:
    gaps = form.gaps({"name": {"kk": "Қоғам", "ru": "Общество", "en": "Company"}})

    assert [(gap.path, gap.key) for gap in gaps] == [("bin", "field.note.missing")]
    assert say("field.problem", "en", problem=say(gaps[0].key, "en"), field=gaps[0].params["field"]) == (
        "Field: This required field is still empty"
    )


def test_fields_that_did_not_come_are_left_out_and_emptied_ones_are_none(form: Form) -> None:
    assert form.parse({"count": [""]}).values == {"count": None}


def test_a_file_is_never_typed(form: Form) -> None:
    assert "charter" not in form.parse({**GOOD, "charter": ["x.pdf"]}).values


def test_inside_an_entry_the_inputs_have_its_prefix(form: Form) -> None:
    parsed = form.parse({"requirements-e1-count": "x", "bin": "240640000109"}, "requirements-e1")

    assert [problem.path for problem in parsed.problems] == ["requirements-e1-count"]
    assert parsed.values == {}
    assert form.check({}, "requirements-e1")[-1].path == "requirements-e1-bin"


def test_a_field_is_told_of_once_when_it_cannot_be_read(form: Form) -> None:
    parsed = form.parse({**GOOD, "name-ru": "a\x00", "bin": "\x00"})

    problems = parsed.and_judged(form.check(parsed.values))

    assert [(problem.path, problem.key) for problem in problems] == [
        ("name-ru", "field.err.control"),
        ("bin", "field.err.control"),
    ]


@pytest.mark.req("IS2IN-11.5")
def test_a_comment_must_name_a_field_of_the_form(form: Form) -> None:
    form.require_fields(["bin", "name", "name-kk"])

    with pytest.raises(Invalid) as caught:
        form.require_fields(["bin", "nosuch", "name-de"])

    assert [problem.path for problem in caught.value.problems] == ["nosuch", "name-de"]
    with pytest.raises(Invalid):
        form.field("nosuch")
    assert form.field("name-kk").key == "name"


def test_the_examples_make_a_complete_valid_form(form: Form) -> None:
    assert form.check(form.example()) == ()
    assert form.name == "issuer.v1"
