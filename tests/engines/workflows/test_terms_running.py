"""Terms: out of the moves of an application, where each ran, stood still and ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.workflows.running import Move, Stay, runs

START = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)


def day(number):
    return START + timedelta(days=number)


def told(listing, key, targets):
    """Return the runs of a term: (begun by move, start day, pauses in days, end day)."""
    moves = [Move(number + 1, target, day(number)) for number, target in enumerate(targets)]

    def number_of(moment):
        return (moment - START).days if moment else None

    return [
        (
            run.ident,
            number_of(run.start),
            [(number_of(stay.start), number_of(stay.end)) for stay in run.pauses],
            number_of(run.end),
        )
        for run in runs(listing, moves)
        if run.term.key == key
    ]


SENT = ("filling", "first_head", "registration")


@pytest.mark.parametrize(
    ("term", "targets", "expected"),
    [
        ("registration", SENT, [(3, 2, [], None)]),
        ("registration", (*SENT, "completeness"), [(3, 2, [], 3)]),
        ("registration", (*SENT, "withdrawn"), [(3, 2, [], 3)]),
        # The check stands still while the applicant mends, through both of his processes, and goes on after.
        ("completeness", (*SENT, "completeness", "rework"), [(4, 3, [(4, None)], None)]),
        ("completeness", (*SENT, "completeness", "rework", "rework_approval"), [(4, 3, [(4, None)], None)]),
        (
            "completeness",
            (*SENT, "completeness", "rework", "rework_approval", "completeness", "expertise"),
            [(4, 3, [(4, 6)], 7)],
        ),
        ("completeness", (*SENT, "completeness", "rework", "unanswered"), [(4, 3, [(4, 5)], 5)]),
        # The whole consideration goes on from process to process.
        ("consideration", (*SENT, "completeness", "expertise", "conclusion"), [(4, 3, [], None)]),
        (
            "consideration",
            (*SENT, "completeness", "expertise", "rework", "rework_approval", "expertise", "conclusion", "meeting"),
            [(4, 3, [(5, 7)], 9)],
        ),
        # The applicant's own time is one for a round, however often the first head returns it to him.
        (
            "rework",
            (*SENT, "completeness", "rework", "rework_approval", "rework", "rework_approval", "completeness", "rework"),
            [(5, 4, [], 8), (10, 9, [], None)],
        ),
        ("rework", SENT, []),
    ],
)  # fmt: skip
def test_a_term_runs_where_the_file_says(listing, term, targets, expected):
    assert told(listing, term, targets) == expected


def test_a_run_is_paused_only_in_an_open_pause(listing):
    moves = [Move(number, target, day(number)) for number, target in enumerate((*SENT, "completeness", "rework"))]

    standing = {run.term.key: run for run in runs(listing, moves) if run.end is None}

    assert {key: run.is_paused for key, run in standing.items()} == {
        "completeness": True,
        "consideration": True,
        "rework": False,
    }
    assert standing["completeness"].pauses == (Stay(day(4)),)


@given(walk=st.lists(st.integers(0, 1000), min_size=1, max_size=40))
def test_on_any_walk_no_two_runs_of_a_term_meet_and_every_pause_lies_in_its_run(listing, walk):
    process, moves = listing.initial, [Move(0, listing.initial, START)]
    for number, choice in enumerate(walk, 1):
        ways = [way.target for way in listing.transitions if way.source == process]
        if not ways:
            break
        process = ways[choice % len(ways)]
        moves.append(Move(number, process, day(number)))

    found = runs(listing, moves)

    for term in listing.terms:
        own = [run for run in found if run.term is term]
        assert all(earlier.end is not None and earlier.end <= later.start for earlier, later in pairwise(own))
        assert (process in term.processes) is any(run.end is None and not run.is_paused for run in own)
        for run in own:
            marks = [run.start, *(at for stay in run.pauses for at in (stay.start, stay.end)), run.end]
            known = [at for at in marks if at is not None]
            assert known == sorted(known)
            assert None not in marks[:-2]
    if process in listing.final:
        assert all(run.end is not None for run in found)


def test_a_procedure_without_terms_has_no_runs(tiny):
    assert runs(tiny, [Move(1, "writing", START), Move(2, "reading", day(1))]) == ()
