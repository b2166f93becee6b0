"""Two versions of a procedure: what differs, and what becomes of an application that moves."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from app.workflows import versions
from app.workflows.definitions import load
from app.workflows.guards import Facts, Position, StageStatus

FILLED, FILLING, SKIPPED = StageStatus.FILLED, StageStatus.FILLING, StageStatus.SKIPPED


@pytest.fixture
def edited(tmp_path, tiny_text):
    """Return a maker of a second version of the tiny procedure with pieces of its text exchanged."""

    def make(*pairs):
        text = tiny_text.replace("version: 1", "version: 2", 1)
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "tiny_notice.v2.yaml").write_text(text, encoding="utf-8")
        library, faults = load(tmp_path, tmp_path)
        assert faults == []
        return library.get("tiny_notice", 2)

    return make


WRITING = "stages: [first, second, extra]"
THIRD = ("  look: {title", "  third: {title: {kk: Үшінші, ru: Третий, en: Third}, forms: [issuer]}\n  look: {title")


def test_a_version_does_not_differ_from_itself_and_every_position_stays(tiny):
    assert versions.differences(tiny, tiny) == []
    at = Position("writing", {"first": FILLED, "second": FILLING})
    found = versions.moved(tiny, tiny, at)
    assert (found.position, found.is_harmless) == (at, True)


@pytest.mark.parametrize(
    ("pairs", "where", "is_safe"),
    [
        ([("en: Notice", "en: A notice")], "procedure", True),
        ([("en: Writing", "en: Drafting")], "process writing", True),
        ([("en: First}", "en: The first}")], "stage first", True),
        ([("en: Hand in", "en: Deliver")], "transition hand_in from writing", True),
        ([("executor: listing", "executor: lawyer")], "process reading", False),
        ([(WRITING, "stages: [first, second, extra, third]"), THIRD], "process writing", False),
        ([(WRITING, "stages: [second, first, extra]")], "process writing", False),
        ([("forms: [issuer], optional: true", "forms: [issuer]")], "stage extra", False),
        ([("en: Second}, forms: [issuer]", "en: Second}, forms: [issuer, letter]")], "stage second", False),
        ([("    guards: [every_stage_done]\n    effects", "    effects")], "transition hand_in from writing", False),
        ([("guards: [not_decided]", "guards: [not_decided, sent]")], "transition withdraw from writing", False),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_each_kind_of_change_is_told_with_where_and_whether_anybody_notices(tiny, edited, pairs, where, is_safe):
    found = versions.differences(tiny, edited(*pairs))

    told = {each.where: each.is_safe for each in found}
    assert told[where] is is_safe
    assert versions.is_safe(found) is is_safe


def test_a_process_that_is_gone_refuses_those_who_stand_in_it_and_nobody_else(tiny):
    processes = {key: process for key, process in tiny.processes.items() if key != "reading"}
    new = replace(tiny, version=2, processes=MappingProxyType(processes))

    assert [str(each) for each in versions.differences(tiny, new) if each.where == "process reading"] == [
        "process reading: gone (affects running applications)"
    ]
    refused = versions.moved(tiny, new, Position("reading", {"first": FILLED}))
    assert (refused.refusal, refused.params["version"]) == ("transfer.err.process_gone", 2)
    assert refused.position == Position("reading", {"first": FILLED})
    assert versions.moved(tiny, new, Position("writing")).refusal is None


def test_what_has_ended_or_would_end_by_moving_is_refused(tiny):
    ends = {**tiny.processes, "writing": replace(tiny.processes["archived"], key="writing")}
    new = replace(tiny, version=2, processes=MappingProxyType(ends))

    assert versions.moved(tiny, new, Position("archived")).refusal == "transfer.err.ended"
    assert versions.moved(tiny, new, Position("writing")).refusal == "transfer.err.process_final"


def test_a_new_stage_is_due_a_longer_one_again_and_a_gone_one_is_named(tiny, edited):
    new = edited(
        (WRITING, "stages: [second, third]"),
        THIRD,
        ("  first: {title: {kk: Бірінші, ru: Первый, en: First}, forms: [issuer]}\n", ""),
        ("  extra: {title: {kk: Қосымша, ru: Дополнительный, en: Extra}, forms: [issuer], optional: true}\n", ""),
        ("en: Second}, forms: [issuer]", "en: Second}, forms: [issuer, letter]"),
    )

    found = versions.moved(tiny, new, Position("writing", {"first": FILLED, "second": FILLED, "extra": SKIPPED}))

    assert found.position == Position("writing", {"second": FILLING})
    assert (found.due, found.again, found.gone) == (("third",), ("second",), ("first", "extra"))
    assert found.forms == ("letter",)
    assert not found.is_harmless
    assert new.open_stages(found.position, Facts())


def test_from_every_position_of_the_shipped_listing_a_move_to_the_same_rules_keeps_the_way_on(listing):
    later = replace(listing, version=2)
    for key, process in listing.processes.items():
        if process.final:
            continue
        at = Position(key, dict.fromkeys(process.stages, FILLED))
        found = versions.moved(listing, later, at)
        if "signing" in process.stages:
            assert found.refusal == "transfer.err.signing"
            continue
        assert found.is_harmless
        assert later.offers(found.position, Facts()) == listing.offers(at, Facts())


def test_terms_of_the_present_process_that_change_are_named_and_no_others(listing):
    longer = tuple(replace(term, working_days=term.working_days + 5) for term in listing.terms if term.key == "rework")
    later = replace(listing, version=2, terms=(*(term for term in listing.terms if term.key != "rework"), *longer))

    assert versions.moved(listing, later, Position("rework")).terms == longer
    assert versions.moved(listing, later, Position("expertise")).is_harmless
    assert [each.where for each in versions.differences(listing, later)] == ["terms"]
