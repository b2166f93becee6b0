"""Applications within another one: the words of the files, what is told of them, and their proof."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.definition_files import Fault, Words
from app.forms.definitions import load as load_forms
from app.terms import terms
from app.workflows.definitions import ProcedureLibrary, cross_check, load, load_files, prove_all
from app.workflows.guards import GUARDS, PARENT_GUARDS, Asked, Condition, Facts, ParentState, Position
from app.workflows.parents import Carry, Parent
from app.workflows.versions import differences

ROOT = Path(__file__).resolve().parents[3]
Tree = dict[str, Any]


@cache
def shipped() -> ProcedureLibrary:
    return load(ROOT / "workflows", ROOT)[0]


@cache
def forms() -> Any:
    library, _ = load_forms(ROOT / "forms", ROOT)
    return lambda key: library.outline(key, object())


@pytest.fixture
def trees(tmp_path) -> dict[str, Tree]:
    """The issue and the programme as they are shipped, to be changed."""
    for folder in ("_shared", "_tables"):
        (tmp_path / folder).symlink_to(ROOT / "workflows" / folder)
    return {
        key: yaml.load((ROOT / "workflows" / f"{key}.v1.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        for key in ("bond_listing", "bond_programme")
    }


def told(trees: dict[str, Tree], folder: Path) -> list[Fault]:
    """Return every fault of these procedures, the proof's too."""
    paths = []
    for key, tree in trees.items():
        paths.append(folder / f"{key}.v1.yaml")
        words = yaml.dump(tree, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False)
        paths[-1].write_text(words, encoding="utf-8")
    library, faults = load_files(paths, folder)
    faults += cross_check(library, forms(), terms())
    return [*faults, *prove_all(library, forms(), faults)]


def test_the_shipped_issue_may_belong_to_a_programme():
    parent = shipped().get("bond_listing").parent

    assert parent is not None
    assert (parent.procedure, parent.is_needed) == ("bond_programme", False)
    assert [(each.source, each.target) for each in parent.carries] == [
        (("issuer", ""), ("issuer", "")),
        (("ownership", ""), ("ownership", "")),
    ]
    assert shipped().get("bond_programme").parent is None


@pytest.mark.parametrize("value", [5, "one", [1], None])
def test_a_parent_of_a_wrong_shape_is_told_alone(trees, tmp_path, value):
    trees["bond_listing"]["parent"] = value

    asking = {"transitions.0.guards.1", "transitions.2.guards.2", "transitions.15.guards.1"}
    assert {fault.key for fault in told(trees, tmp_path) if not fault.key.startswith("parent")} <= {
        "transitions.17.guards.0"
    } | (asking if value is None else set())


def test_both_files_are_sound_as_they_are(trees, tmp_path):
    assert told(trees, tmp_path) == []


@pytest.mark.parametrize(
    ("guard", "holds"),
    [
        ("parent_fits", {"none", "fits"}),
        ("parent_failed", {"failed"}),
        ("parent_not_failed", {"none", "waiting", "fits"}),
        ("has_parent", {"waiting", "fits", "failed"}),
        ("no_parent", {"none"}),
    ],
)
def test_a_guard_asks_how_it_stands_with_the_parent(guard, holds):
    procedure = shipped().get("bond_listing")

    def asked(state: ParentState) -> Asked:
        return Asked(Facts(parent=state), Position("decision"), procedure)

    assert {state for state in ParentState if GUARDS[guard].holds(asked(state))} == holds
    assert set(PARENT_GUARDS) == {"parent_fits", "parent_failed", "parent_not_failed", "has_parent", "no_parent"}


def test_open_children_hold_their_parent_up():
    procedure = shipped().get("bond_programme")
    guard = GUARDS["no_open_children"]

    assert guard.holds(Asked(Facts(), Position("result"), procedure))
    held = Asked(Facts(open_children=2), Position("result"), procedure)
    assert (guard.holds(held), guard.params(held)) == (False, {"count": 2})


def way(tree: Tree, trigger: str, source: str) -> Tree:
    return next(each for each in tree["transitions"] if (each["trigger"], each["source"]) == (trigger, source))


def spoil(key: str, **changed: Any) -> Any:
    return lambda trees: trees[key]["parent"].update(changed)


def without_refusal(trees: dict[str, Tree]) -> None:
    ways = trees["bond_listing"]["transitions"]
    [second] = [each for each in ways if each["trigger"] == "record_decision" and "parent_fits" not in each["guards"]]
    ways.remove(second)


def always_within_one(trees: dict[str, Tree]) -> None:
    trees["bond_listing"]["parent"]["needed"] = True
    way(trees["bond_listing"], "accept", "completeness")["guards"].append("no_parent")


def waits_for_each_other(trees: dict[str, Tree]) -> None:
    own = {"trigger": "schedule_meeting", "key": "act.schedule_meeting", "source": "meeting", "stage": "meeting"}
    own |= {"target": "decision", "effects": ["record_meeting"], "guards": ["every_stage_done", "no_open_children"]}
    trees["bond_programme"]["transitions"].append(own)


def in_a_circle(trees: dict[str, Tree]) -> None:
    words = {"kk": "x", "ru": "x", "en": "x"}
    trees["bond_listing"]["parent"]["needed"] = True
    trees["bond_programme"]["parent"] = {"procedure": "bond_listing", "title": words, "needed": True}


def never_asked(trees: dict[str, Tree]) -> None:
    for each in trees["bond_listing"]["transitions"]:
        each["guards"] = [use for use in each.get("guards", []) if use != "parent_fits"]


def without_parent(trees: dict[str, Tree]) -> None:
    del trees["bond_listing"]["parent"]


def of_whom_nobody_is_one(trees: dict[str, Tree]) -> None:
    trees["bond_programme"]["open_to"] = ["candidate"]


@pytest.mark.parametrize(
    ("slip", "key", "problem"),
    [
        (without_parent, "transitions.15.guards.1", "'parent_fits' asks about a parent, and none is declared"),
        (without_parent, "transitions.17.guards.0", "no procedure names this one as its parent"),
        (spoil("bond_listing", when=None, otherwise=None), "transitions.15.guards.1", "asks what no condition"),
        (spoil("bond_listing", otherwise=None), "parent", "when and otherwise go together"),
        (spoil("bond_listing", procedure="bond_listing"), "parent.procedure", "nothing belongs to its like"),
        (spoil("bond_listing", procedure="bond_programm"), "parent.procedure", "'bond_programm' is unknown"),
        (spoil("bond_listing", when="decision.outcom == 'include'"), "parent.when", "'decision.outcom"),
        (spoil("bond_listing", when="decision.outcome == 'grant'"), "parent.when", "grant"),
        (spoil("bond_listing", carries={"issuers": "issuer"}), "parent.carries.issuers", "stage 'issuers' is unknown"),
        (spoil("bond_listing", carries={"issuer": "issuers"}), "parent.carries.issuer", "'issuers' is unknown"),
        (spoil("bond_listing", carries={"decision": "issuer"}), "parent.carries.decision", "not filled in by the"),
        (spoil("bond_listing", carries={"issuer": "decision"}), "parent.carries.issuer", "not filled in by the"),
        (spoil("bond_listing", carries={"issuer": "programme"}), "parent.carries.issuer", "no form in common"),
        (
            spoil("bond_listing", carries={"request": "request.desired_date"}),
            "parent.carries.request",
            "a stage is carried into a stage",
        ),
        (
            spoil("bond_listing", carries={"request.desired": "request.desired_date"}),
            "parent.carries.request.desired",
            "the field 'desired' is unknown",
        ),
        (
            spoil("bond_listing", carries={"request.desired_date": "programme.volume"}),
            "parent.carries.request.desired_date",
            "the field 'volume' is unknown",
        ),
        (
            spoil("bond_listing", carries={"request.desired_date": "programme.programme_volume"}),
            "parent.carries.request.desired_date",
            "is a date, 'programme.programme_volume' a money",
        ),
        (never_asked, "parent.when", "no transition asks it"),
        (of_whom_nobody_is_one, "parent.procedure", "no organisation of 'bond_programme'"),
        (in_a_circle, "parent.needed", "none could be begun first"),
        (waits_for_each_other, "parent.when", "both would wait"),
        (without_refusal, "processes.decision", "gets stuck here"),
        (always_within_one, "transitions.5.guards.2", "guard 'no_parent' can never hold"),
    ],
)
def test_a_slip_is_told_at_its_key(trees, tmp_path, slip, key, problem):
    slip(trees)

    found = [fault for fault in told(trees, tmp_path) if problem in fault.problem]

    assert found
    assert found[0].key == key
    assert found[0].mend


def test_the_way_to_a_fault_says_that_the_parent_has_failed(trees, tmp_path):
    without_refusal(trees)

    [fault] = told(trees, tmp_path)

    assert fault.example.startswith("a new application within another; ")
    assert "has ended without what is asked of it" in fault.example


def test_single_fields_are_carried_too(trees, tmp_path):
    trees["bond_listing"]["parent"]["carries"] = {"request.desired_date": "request.desired_date"}

    assert told(trees, tmp_path) == []


def test_a_version_that_asks_otherwise_of_the_parent_touches_what_is_under_way():
    from dataclasses import replace

    words = Words(kk="x", ru="x", en="x")
    old = shipped().get("bond_listing")
    other = Parent("bond_programme", words, when=Condition("decision.outcome == 'include'", words))
    renamed = replace(old.parent, title=words, carries=(Carry(("issuer", ""), ("issuer", "")),))

    assert [(str(each.where), each.is_safe) for each in differences(old, replace(old, parent=other))] == [
        ("parent", False)
    ]
    assert [each.is_safe for each in differences(old, replace(old, parent=renamed))] == [True]
    assert [each.is_safe for each in differences(old, replace(old, parent=None))] == [False]
