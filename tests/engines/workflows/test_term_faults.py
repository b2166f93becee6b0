"""Faults of terms and timers, each told with its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.workflows.definitions import load, notes_on

ROOT = Path(__file__).resolve().parents[3]
REGISTRATION = "term: {working_days: 1, escalate: listing_head}"
TIMER = "- {term: rework, trigger: not_answered}"


@pytest.mark.parametrize(
    ("old", "new", "key", "told"),
    [
        (REGISTRATION, "term: {working_days: 0}", "processes.registration.term.working_days", "greater than"),
        (REGISTRATION, "term: {working_days: '1'}", "processes.registration.term.working_days", "valid integer"),
        (REGISTRATION, "term: {hours: 1}", "processes.registration.term.working_days", "Field required"),
        (REGISTRATION, "term: {working_days: 1, escalate: listing_hed}", "processes.registration.term.escalate",
         "executor 'listing_hed' is unknown"),
        (REGISTRATION, "term: {working_days: 1, pauses: always}", "processes.registration.term.pauses", "Input should"),
        (REGISTRATION, "term: {working_days: 1, pauses: with_applicant}", "processes.registration.term.pauses",
         "never stands still"),
        ("[completeness, expertise, conclusion]", "[completenes, expertise, conclusion]",
         "terms.consideration.processes.0", "process 'completenes' is unknown"),
        ("[completeness, expertise, conclusion]", "[completeness, archived]", "terms.consideration.processes.1",
         "is final and takes no time"),
        ("[completeness, expertise, conclusion]", "[expertise, expertise]", "terms.consideration.processes",
         "stands 2 times"),
        ("  consideration:\n", "  expertise:\n", "terms.expertise", "process 'expertise' has a term of this name"),
        (TIMER, "- {term: rewrk, trigger: not_answered}", "timers.0.term", "term 'rewrk' is unknown"),
        (TIMER, "- {term: rework, trigger: not_answerd}", "timers.0.trigger", "trigger 'not_answerd' is unknown"),
        (TIMER, f"{TIMER}\n  {TIMER}", "timers", "term 'rework' has 2 timers"),
        (TIMER, "- {term: registration, trigger: not_answered}", "timers.0.trigger",
         "may be over in process 'registration'"),
        (TIMER, "- {term: rework, trigger: withdraw}", "timers.0.trigger", "taken by a person"),
        (f"  {TIMER}\n", "  []\n", "interruptions.2.by", "no timer takes this transition"),
        ("effects: [close, letter_unanswered]", "effects: [send_file]", "interruptions.2.effects.0",
         "the system does not carry out 'send_file'"),
        ("by: system\n", "by: system\n    confirm: true\n", "interruptions.2.confirm", "nobody is there"),
        ("by: system\n", "by: system\n    guards: [sent]\n", "interruptions.2.guards", "nobody is there"),
    ],
)  # fmt: skip
def test_a_fault_of_terms_is_told_at_its_key(tmp_path, old, new, key, told):
    text = (ROOT / "workflows" / "share_listing.v1.yaml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "_tables").symlink_to(ROOT / "workflows" / "_tables")
    (tmp_path / "share_listing.v1.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")

    _, faults = load(tmp_path, tmp_path)

    found = {fault.key: fault for fault in faults}
    assert key in found, faults
    assert told in found[key].problem
    assert found[key].line > 0


@pytest.mark.parametrize(
    ("old", "new", "keys"),
    [
        ("", "", []),
        ("    working_days: 5\n", "    working_days: 2\n", ["processes.expertise.term"]),
        ("  expertise:\n    term: {working_days: 3, pauses: with_applicant, escalate: listing_head}\n", "",
         ["processes.expertise.term"]),  # the fifteen days of the shared part
        ("    working_days: 5\n", "    working_days: 5\n    table: body.days\n", []),  # the table says how many
    ],
)  # fmt: skip
def test_a_process_that_may_take_longer_than_a_term_around_it_is_noted_and_not_refused(tmp_path, old, new, keys):
    text = (ROOT / "workflows" / "commercial_bonds.v1.yaml").read_text(encoding="utf-8")
    assert old in text
    for folder in ("_shared", "_tables"):
        (tmp_path / folder).symlink_to(ROOT / "workflows" / folder)
    (tmp_path / "commercial_bonds.v1.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")

    library, _ = load(tmp_path, tmp_path)

    found = notes_on(library)
    assert [note.key for note in found] == keys
    assert all(note.line and "consideration" in note.problem for note in found)
