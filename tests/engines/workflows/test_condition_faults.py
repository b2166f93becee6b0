"""Seeded faults of conditions, decision tables, terms and the calendar: each is told at its file, line and key."""

from __future__ import annotations

import re
import shutil
from functools import cache
from pathlib import Path

import pytest

from app.forms.definitions import load as load_forms
from app.terms import terms
from app.workflows.definitions import cross_check, load, prove_all

ROOT = Path(__file__).resolve().parents[3]
CHANGE, BODY, PART = "category_change.v1.yaml", "_tables/deciding_body.v1.yaml", "_shared/deciding_body.v1.yaml"
DEPARTMENTS, TERM = "_tables/reviewing_departments.v1.yaml", "_tables/consideration_term.v1.yaml"
MONITORING = "auditor_monitoring.v1.yaml"
DEBT = "when: change.place_asked in ('main_debt', 'alternative_debt')"
SHARES = "when: change.place_asked in ('main_premium', 'main_standard', 'alternative_shares')"
MEETS = "when: meeting.body == body.body"
STEP = "  - key: standard_from_premium\n"


@cache
def _form():
    library, _ = load_forms(ROOT / "forms", ROOT)
    return lambda key: library.outline(key, object())


def faults_of(folder):
    library, faults = load(folder, folder)
    faults += cross_check(library, _form(), terms())
    return [*faults, *prove_all(library, _form(), faults)]


@pytest.fixture
def folder(tmp_path):
    """The files that the change of category is made of."""
    for name in ("_shared", "_tables"):
        shutil.copytree(ROOT / "workflows" / name, tmp_path / name)
    shutil.copy(ROOT / "workflows" / CHANGE, tmp_path / CHANGE)
    return tmp_path


def test_without_a_slip_nothing_is_told(folder):
    for path in (ROOT / "workflows").glob("auditor_*.yaml"):
        shutil.copy(path, folder / path.name)

    assert faults_of(folder) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "key", "told"),
    [
        # conditions: read and typed
        (CHANGE, DEBT, "when: chnge.place_asked == 'main_debt'", "stages.debt_requirements.when", "is no field here"),
        (CHANGE, DEBT, "when: change.place_askd == 'main_debt'", "stages.debt_requirements.when", "is no field here"),
        (CHANGE, DEBT, "when: change.place_asked == 'main_det'", "stages.debt_requirements.when",
         "none of its options"),
        (CHANGE, DEBT, "when: change.place_asked > 5", "stages.debt_requirements.when", "cannot be compared"),
        (CHANGE, DEBT, "when: change.place_asked", "stages.debt_requirements.when", "no yes or no"),
        (CHANGE, DEBT, "when: change", "stages.debt_requirements.when", "is no field here"),
        (CHANGE, DEBT, "when: import('os')", "stages.debt_requirements.when", "cannot be read|is no"),
        (CHANGE, f"{DEBT}\n    otherwise:", "otherwise:", "stages.debt_requirements", "go together"),
        (CHANGE, DEBT, f"optional: true\n    kind: view\n    {DEBT}", "stages.debt_requirements.*", "view"),
        (CHANGE, DEBT, f"skip_if: financial_organisation_without_adviser\n    {DEBT}",
         "stages.debt_requirements.when", "stands under no condition"),
        (PART, MEETS, "when: meeting.body == bdy.body", r"transitions\.\d+.guards.1.when", "is no field here"),
        (PART, f"{MEETS}\n        otherwise:", f"{MEETS}\n        othrwise:", r"transitions\.\d+.guards.1.*", ""),
        # conditions: proved
        (CHANGE, DEBT, "when: change.place_asked == 'main_debt' and change.place_asked == 'alternative_debt'",
         "stages.debt_requirements.when", "never hold together, whatever is answered"),
        (CHANGE, DEBT, "when: change.place_asked != change.place_asked", "stages.debt_requirements.when",
         "never holds"),
        (CHANGE, DEBT, "when: debt_requirements.isin == 'KZ2C00013670'", "stages.debt_requirements.when",
         "entries of the form 'debt_package'"),
        (MONITORING, "when: \"decision.outcome in ('grant', 'grant_with_conditions')\"",
         "when: \"decision.outcome == 'grant' and decision.outcome == 'refuse'\"", "begins.admitted_by.0.when",
         "never hold together"),
        (CHANGE, SHARES, "when: departments.lawyer", "processes.filling.*|stages.share_requirements.*",
         "never be opened"),
        (PART, MEETS, "when: meeting.body == body.body and meeting.body != body.body",
         r"transitions\.\d+.guards.1", "can never hold"),
        (PART, MEETS, "when: meeting.body == 'management_board' and body.body == 'listing_commission' "
         "and meeting.body == body.body", r"transitions\.\d+.guards.1", "can never hold"),
        (PART, MEETS, "when: count(changes.places) > 3", r"transitions\.\d+.guards.1.when", "is no field here"),
        (PART, MEETS, "when: filled(decision.decision_date)", r"transitions\.\d+.guards.1", "can never hold"),
        (PART, "    decides: [body]\n", "", "tables.body", "no transition asks this table"),
        # tables in use
        (PART, "decides: [body]", "decides: [boddy]", r"transitions\.\d+.decides.0", "table 'boddy' is unknown"),
        (PART, "table: deciding_body", "table: deciding_boddy", "tables.body.table", "is unknown"),
        (CHANGE, "matter: \"'change_of_place'\", ", "", "tables.body.given", "nothing is said of the input 'matter'"),
        (CHANGE, "\"'change_of_place'\"", "\"'change_of_plac'\"", "tables.body.given.matter", "none of its options"),
        (CHANGE, "\"'change_of_place'\"", "change of place", "tables.body.given.matter", "neither an answer"),
        (CHANGE, "given: {matter", "given: {mater", "tables.body.given.*", "is unknown|nothing is said"),
        (CHANGE, "place_now: change.place_now, place_asked: change.place_asked}\n  departments",
         "place_now: change.place_then, place_asked: change.place_asked}\n  departments",
         "tables.body.given.place_now", "is no answer"),
        (CHANGE, "place_now: change.place_now, place_asked: change.place_asked}\n  departments",
         "place_now: change.body_decision, place_asked: change.place_asked}\n  departments",
         "tables.body.given.place_now", "is no choice"),
        (CHANGE, "table: term.working_days", "table: trm.working_days", "terms.consideration.table", "is unknown"),
        (CHANGE, "table: term.working_days", "table: term.working_day", "terms.consideration.table", "is unknown"),
        (CHANGE, "table: term.working_days", "table: body.body", "terms.consideration.table", "is no number"),
        # tables
        (BODY, "hit: first", "hit: unique", "(file)|rows.*", None),
        (BODY, STEP, STEP.replace("standard_from_premium", "simplified"), "rows.1.key", "stands twice"),
        (BODY, "matter: [simplified_inclusion]", "matter: [simplified]", "rows.0.when.matter", "is unknown"),
        (BODY, "matter: [simplified_inclusion]", "mater: [simplified_inclusion]", "rows.0.when.mater", "is unknown"),
        (BODY, "when: {matter: [simplified_inclusion]}", "when: {}", "rows.1|otherwise", "never taken"),
        (BODY, "then: {body: management_board}", "then: {body: board}", "rows.0.then.body", "is unknown"),
        (BODY, "then: {body: management_board}", "then: {}", "rows.0.then", "is not given"),
        (DEPARTMENTS, "analyst: false", "analyst: none", "rows.0.then.analyst", "no yes or no"),
        (TERM, "then: {working_days: 20}", "then: {working_days: many}", "otherwise.then.working_days", "whole number"),
        (TERM, "version: 1", "version: 2", "table", "is not called"),
        (TERM, "effective_from: 2024-01-01", "effective_from: 2024-13-01", "effective_from", "is no day"),
        # terms
        ("_shared/check.v1.yaml", "by: listing}", "by: author}", "terms.rework.extendable.by", "extend his own term"),
        ("_shared/check.v1.yaml", "by: listing}", "by: listng}", "terms.rework.extendable.by", "is unknown"),
        (CHANGE, "    table: term.working_days", "    counted_from: meeting\n    table: term.working_days",
         "terms.consideration.counted_from", "records a meeting"),
        # the calendar
        (MONITORING, "{month: 3, day: 1}", "{month: 2, day: 29}", "begins.on.0", "does not come every year"),
        (MONITORING, "[{month: 3, day: 1}]", "[{month: 3, day: 1}, {month: 3, day: 1}]", "begins.on.1", "stands twice"),
        (MONITORING, "procedure: auditor_inclusion", "procedure: auditor_inclusio", "begins.admitted_by.0.procedure",
         "is unknown"),
        (MONITORING, "decision.outcome in ('grant'", "decision.outcome in ('grnt'", "begins.admitted_by.0.when",
         "none of its options"),
        (MONITORING, "procedure: auditor_inclusion, when", "procedure: auditor_monitoring, when",
         "begins.admitted_by.0.*", "is no field here"),
    ],
)  # fmt: skip
def test_a_slip_is_told_at_its_key(folder, file, old, new, key, told):
    if file == MONITORING:
        (folder / CHANGE).unlink()
        for name in (MONITORING, "auditor_inclusion.v1.yaml", "auditor_exclusion.v1.yaml"):
            shutil.copy(ROOT / "workflows" / name, folder / name)
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")

    found = faults_of(folder)

    if told is None:  # no fault at all: the rows of this table do not overlap
        assert found == []
        return
    fitting = [fault for fault in found if re.fullmatch(key, fault.key) and re.search(told, fault.problem)]
    assert fitting, "\n".join(map(str, found))
    assert all(fault.line > 0 for fault in fitting)
