"""Seeded faults of soundness: each is found, at its file and line, at the key that tells, with an example.

The faults are slips of sense, not of spelling: a transition taken out or led elsewhere, a guard that cannot hold,
a stage nobody can open, a part nobody can play, a circle, a deletion or withdrawal too late, data open out of turn.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.definition_files import Fault
from app.forms.definitions import load as load_forms
from app.terms import terms
from app.workflows.definitions import cross_check, load_files, prove_all
from app.workflows.exploration import Exploration

ROOT = Path(__file__).resolve().parents[3]
Tree = dict[str, Any]
Slip = Callable[[Tree], None]

LISTING = ROOT / "workflows" / "share_listing.v1.yaml"
BONDS = ROOT / "workflows" / "bond_listing.v1.yaml"
EXCHANGE = ["registration", "completeness", "expertise", "conclusion", "meeting", "decision", "letter", "result"]
WORK = [
    "registration",
    "completeness",
    "listing_review",
    "legal_review",
    "conclusion",
    "conclusion_approval",
    "meeting",
    "decision",
    "letter",
]


@cache
def _forms() -> Callable[[str], object | None]:
    library, _ = load_forms(ROOT / "forms", ROOT)
    return lambda key: library.outline(key, object())


@cache
def _tree(path: Path) -> Tree:
    """Return the file as it stands, but for the pauses of its terms: they would be told before the proof begins."""
    tree: Tree = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    for each in (*tree["processes"].values(), *tree.get("terms", {}).values()):
        each.get("term", each).pop("pauses", None)
    return tree


def faults_of(tree: Tree, folder: Path) -> list[Fault]:
    """Return what is told of a procedure: the checks of its sense first, then the proof."""
    path = folder / f"{tree['procedure']}.v1.yaml"
    if not (folder / "_tables").exists():
        (folder / "_tables").symlink_to(ROOT / "workflows" / "_tables")
        (folder / "bond_programme.v1.yaml").touch()  # stands beside it, and is not read
    path.write_text(yaml.dump(tree, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False), encoding="utf-8")
    library, faults = load_files([path], folder)
    faults += cross_check(library, _forms(), terms())
    return [*faults, *prove_all(library, _forms(), faults)]


def way(tree: Tree, trigger: str, source: str) -> Tree:
    """Return a transition of the tree, or an interruption that begins there."""
    for each in tree["transitions"]:
        if (each["trigger"], each["source"]) == (trigger, source):
            return each  # type: ignore[no-any-return]
    return next(each for each in tree["interruptions"] if each["trigger"] == trigger)


def place(tree: Tree, trigger: str, source: str) -> str:
    return f"transitions.{tree['transitions'].index(way(tree, trigger, source))}"


def words(text: str) -> Tree:
    return {"kk": text, "ru": text, "en": text}


def first_subprocess(tree: Tree, process: str) -> Tree:
    subprocesses = tree["processes"][process].setdefault("subprocesses", {})
    if not subprocesses:
        subprocesses["more"] = {"title": words("More"), "stages": []}
    return next(iter(subprocesses.values()))


# the slips; each yields its name, what it does, and the key at which it must be told


def _taken_out(base: Tree) -> Iterator[tuple[str, Slip, str]]:
    told = {
        ("send_for_approval", "filling"): "processes.filling|processes.first_head",
        ("send_file", "first_head"): "processes.first_head|processes.registration",
        ("register", "registration"): "processes.registration|processes.completeness",
        ("refuse_registration", "registration"): "processes.refused",
        ("accept", "completeness"): r"transitions\.\d+.guards.2",
        ("return_incomplete", "completeness"): r"transitions\.\d+.guards.2",
        ("send_remarks", "expertise"): r"transitions\.\d+.guards.2",
        ("finish_expertise", "expertise"): "processes.(expertise|conclusion)",
        ("send_for_approval", "rework"): "processes.rework",
        ("approve_conclusion", "conclusion"): "processes.(conclusion|meeting)",
        ("schedule_meeting", "meeting"): "processes.(meeting|decision)",
        ("record_decision", "decision"): "processes.(decision|letter)",
        ("send_letter", "letter"): "processes.(letter|result)",
        ("archive", "result"): "processes.(result|archived)",
    }
    for trigger, source in told:
        yield (
            f"without {trigger} of {source}",
            lambda tree, t=trigger, s=source: tree["transitions"].remove(way(tree, t, s)),
            told[trigger, source],
        )
    for number, process in ((0, "deleted"), (1, "withdrawn")):
        yield (
            f"without the way to {process}",
            lambda tree, n=number: tree["interruptions"].pop(n),
            f"processes.{process}|standing",
        )
    for number in (11, 12):
        yield (
            f"without the {number}th way back from rework",
            lambda tree, n=number: tree["transitions"].pop(n),
            "processes.rework_approval",
        )


def _led_elsewhere(base: Tree) -> Iterator[tuple[str, Slip, str]]:
    circles = [(each["trigger"], each["source"]) for each in base["transitions"]]
    for trigger, source in dict.fromkeys(circles):
        if trigger in ("return_for_rework", "send_remarks", "return_incomplete"):
            continue  # to write remarks and stay is poor, not unsound: those are told below
        yield (
            f"{trigger} of {source} leads back to it",
            lambda tree, t=trigger, s=source: way(tree, t, s).update(target=s),
            "processes|transitions",
        )
    for trigger, source in (("return_incomplete", "completeness"), ("send_remarks", "expertise")):
        yield (
            f"{trigger} leads back to {source}",
            lambda tree, t=trigger, s=source: way(tree, t, s).update(target=s),
            r"transitions\.\d+\.guards\.2",
        )
    for trigger, source in (("register", "registration"), ("record_decision", "decision"), ("archive", "result")):
        yield (
            f"{trigger} leads to withdrawn",
            lambda tree, t=trigger, s=source: way(tree, t, s).update(target="withdrawn"),
            "processes",
        )


def _never_holding(base: Tree) -> Iterator[tuple[str, Slip, str]]:
    def add(guard: Any) -> Callable[[str, str], Slip]:
        return lambda t, s: lambda tree: way(tree, t, s).setdefault("guards", []).append(guard)

    after = [("register", "registration"), ("accept", "completeness"), ("send_remarks", "expertise")]
    after += [("approve_conclusion", "conclusion"), ("send_letter", "letter"), ("archive", "result")]
    for trigger, source in after:
        yield f"{trigger} only if not sent", add("not_sent")(trigger, source), place(base, trigger, source)
    for trigger, source in (("send_for_approval", "filling"), ("return_for_rework", "first_head")):
        later = "processes.first_head|" if trigger == "send_for_approval" else ""
        yield f"{trigger} only if sent", add("sent")(trigger, source), later + place(base, trigger, source)
    for trigger, source in (("record_decision", "decision"), ("send_letter", "letter")):
        where = place(base, trigger, source)
        yield f"{trigger} before the meeting", add("meeting_not_appointed")(trigger, source), where
    yield "archived undecided", add("not_decided")("archive", "result"), place(base, "archive", "result")
    for trigger, source in (("send_letter", "letter"), ("approve_conclusion", "conclusion")):
        where = place(base, trigger, source)
        yield f"{trigger} on comments", add("has_comments")(trigger, source), f"processes.{source}"
        yield f"{trigger} on remarks", add("has_remarks")(trigger, source), where
    never = {"outcome_is": {"stage": "decision", "field": "outcome", "value": "refuse"}}
    for trigger, source in (("accept", "completeness"), ("approve_conclusion", "conclusion")):
        yield f"{trigger} on a later outcome", add(never)(trigger, source), place(base, trigger, source)
    for trigger, source, stage in (
        ("register", "registration", "decision"),
        ("accept", "completeness", "letter"),
        ("send_file", "first_head", "completeness"),
        ("finish_expertise", "expertise", "meeting"),
    ):
        yield (
            f"{trigger} after the later {stage}",
            add({"stage_done": stage})(trigger, source),
            place(base, trigger, source),
        )
    for trigger, source, stage in (
        ("register", "registration", "registration"),
        ("finish_expertise", "expertise", "legal_review"),
        ("schedule_meeting", "meeting", "meeting"),
    ):
        yield (
            f"{trigger} with {stage} both done and not",
            add({"stage_not_done": stage})(trigger, source),
            place(base, trigger, source),
        )
    yield "resolved and unresolved at once", add("has_remarks")("finish_expertise", "expertise"), "transitions.8"
    both = {"outcome_is": {"stage": "completeness", "field": "verdict", "value": "incomplete"}}
    yield "complete and incomplete at once", add(both)("accept", "completeness"), "transitions.5"
    yield "signed where nobody signs", add("signed_by_first_head")("send_for_approval", "filling"), "transitions.0"
    for process in ("filling", "first_head"):
        yield (
            f"withdrawn from {process}, where nothing is sent",
            lambda tree, p=process: way(tree, "withdraw", "").update(
                sources=[p, *way(tree, "withdraw", "")["sources"]]
            ),
            "interruptions.1.sources.0",
        )


def _unopened(base: Tree) -> Iterator[tuple[str, Slip, str]]:
    def behind_summary(process: str) -> Slip:
        def slip(tree: Tree) -> None:
            tree["processes"][process]["subprocesses"]["dispatch"]["stages"] = ["summary", "afterwards"]
            tree["stages"]["afterwards"] = {"title": words("Afterwards"), "forms": ["documents"]}

        return slip

    def follows_summary(tree: Tree) -> None:
        tree["processes"]["filling"]["subprocesses"]["dispatch"]["stages"] = ["summary", "afterwards"]
        tree["processes"]["filling"]["subprocesses"]["dispatch"]["order"] = "any"
        tree["stages"]["afterwards"] = {"title": words("Afterwards"), "forms": ["documents"], "follows": "summary"}

    def by(stage: str, executor: str) -> Slip:
        return lambda tree: tree["stages"][stage].update(executor=executor)

    yield "a stage behind the summary", behind_summary("filling"), "processes.filling.*dispatch.stages.1"
    yield "a stage behind the summary of rework", behind_summary("rework"), "processes.rework.*dispatch.stages.1"
    yield "a stage that follows the summary", follows_summary, "processes.filling.*dispatch.stages.1"
    yield "filled by the first head before there is one", by("documents", "first_head"), "processes.filling"
    yield (
        "a stage after one that nobody does",
        lambda tree: (
            tree["stages"]["issuer"].update(executor="adviser"),
            first_subprocess(tree, "filling").update(
                stages=["issuer", "requirements", "adviser_choice"], order="sequence"
            ),
            tree["stages"].pop("adviser_statement"),
            tree["stages"]["documents"].update(optional=True),
            first_subprocess(tree, "rework")["stages"].remove("adviser_statement"),
        ),
        "processes.filling",
    )
    yield (
        "the adviser asked before he is chosen",
        lambda tree: (
            tree["stages"]["adviser_statement"].pop("follows"),
            first_subprocess(tree, "filling").update(
                stages=["adviser_statement", "adviser_choice", "issuer", "requirements", "documents"], order="sequence"
            ),
        ),
        "processes.filling",
    )
    yield (
        "no adviser is ever chosen",
        lambda tree: (
            tree["stages"]["adviser_choice"].update(forms=["documents"]),
            tree["stages"]["adviser_choice"].pop("skip_if"),
        ),
        "processes.filling",
    )


def _unplayed(base: Tree) -> Iterator[tuple[str, Slip, str]]:
    def without(effect: str, trigger: str, source: str) -> Slip:
        return lambda tree: way(tree, trigger, source)["effects"].remove(effect)

    yield "no first head is named", without("assign_first_head", "send_for_approval", "filling"), "first_head"
    yield "nothing is frozen for signing", without("freeze_document", "send_for_approval", "filling"), "first_head"
    yield "nothing is frozen anew", without("freeze_document", "send_for_approval", "rework"), "rework_approval"
    yield "it is never sent", without("send_file", "send_file", "first_head"), "standing|interruptions|processes"
    yield (
        "the signing is the author's",
        lambda tree: tree["stages"]["signing"].update(executor="author"),
        "first_head.*stages.1",
    )
    yield "the adviser accepts", lambda tree: way(tree, "accept", "completeness").update(by="adviser"), "transitions.5"
    for stage in WORK:
        for executor in ("author", "adviser"):
            yield (
                f"{stage} is the work of the {executor}",
                lambda tree, s=stage, e=executor: tree["stages"][s].update(executor=e),
                "processes.*stages",
            )
    for trigger, source in (
        ("register", "registration"),
        ("finish_expertise", "expertise"),
        ("record_decision", "decision"),
        ("archive", "result"),
    ):
        yield (
            f"{trigger} by the author himself",
            lambda tree, t=trigger, s=source: way(tree, t, s).update(by="author"),
            place(base, trigger, source),
        )


def _out_of_turn(base: Tree) -> Iterator[tuple[str, Slip, str]]:
    for process in [*EXCHANGE, "first_head", "rework_approval"]:
        for stage in ("issuer", "documents"):
            yield (
                f"{stage} open in {process}",
                lambda tree, p=process, s=stage: first_subprocess(tree, p)["stages"].insert(0, s),
                f"processes.{process}.*stages.0",
            )
    yield (
        "filled by the listing officer",
        lambda tree: tree["stages"]["documents"].update(executor="listing"),
        "processes.filling.*stages.4",
    )


def _too_late(base: Tree) -> Iterator[tuple[str, Slip, str]]:
    def discard(source: str, *guards: str) -> Slip:
        return lambda tree: tree["transitions"].append(
            {
                "trigger": "discard", "title": words("Discard"), "source": source, "target": "deleted",
                "by": "author", "guards": list(guards), "effects": ["delete"],
            }
        )  # fmt: skip

    for source in ("rework", "rework_approval", "registration", "letter"):
        yield f"discarded from {source}", discard(source), r"transitions\.\d+\.guards"
    yield "discarded undecided", discard("expertise", "not_decided"), r"transitions\.\d+\.guards"
    for process in ("rework", "registration", "meeting"):
        yield (
            f"deleted from {process}",
            lambda tree, p=process: way(tree, "delete", "")["sources"].append(p),
            "interruptions.0.sources.2",
        )
    yield (
        "deleted whether sent or not",
        lambda tree: way(tree, "delete", "").update(guards=["not_decided"]),
        "interruptions.0.guards",
    )
    yield (
        "withdrawn while undecided, after the meeting is appointed",
        lambda tree: way(tree, "withdraw", "").update(guards=["sent", "not_decided"]),
        "interruptions.1.guards",
    )
    for process in ("decision", "letter", "result"):
        yield (
            f"withdrawn from {process} too",
            lambda tree, p=process: way(tree, "withdraw", "")["sources"].append(p),
            "interruptions.1.sources.7",
        )
        yield (
            f"taken back from {process} by another name",
            lambda tree, p=process: tree["interruptions"].append(
                {"trigger": "take_back", "key": "act.withdraw", "sources": [p], "target": "withdrawn", "by": "author"}
            ),
            r"interruptions\.\d\.guards",
        )
    yield (
        "withdrawn without any bound by the adviser",
        lambda tree: tree["interruptions"].append(
            {"trigger": "leave", "key": "act.withdraw", "sources": "everywhere", "target": "withdrawn", "by": "adviser"}
        ),
        r"interruptions\.\d\.guards",
    )


def _stuck(base: Tree) -> Iterator[tuple[str, Slip, str]]:
    def outcome(value: str) -> Any:
        return {"outcome_is": {"stage": "decision", "field": "outcome", "value": value}}

    def only(trigger: str, source: str, guard: Any) -> Slip:
        return lambda tree: way(tree, trigger, source).setdefault("guards", []).append(guard)

    yield "only a positive decision is told", only("send_letter", "letter", outcome("include")), "processes.letter"
    yield "only a refusal is archived", only("archive", "result", outcome("refuse")), "processes.result"
    yield (
        "a review that was passed over",
        lambda tree: (
            tree["stages"]["legal_review"].update(optional=True),
            way(tree, "approve_conclusion", "conclusion")["guards"].append({"stage_done": "legal_review"}),
        ),
        "processes.conclusion",
    )
    yield (
        "two departments send to each other for ever",
        lambda tree: (
            way(tree, "finish_expertise", "expertise").update(target="conclusion"),
            way(tree, "approve_conclusion", "conclusion").update(target="expertise"),
        ),
        "processes.(conclusion|expertise|meeting)",
    )
    yield (
        "sent back for ever",
        lambda tree: (way(tree, "record_decision", "decision").update(target="meeting"),),
        "processes.(decision|meeting|letter)",
    )
    yield (
        "a road behind a wider one",
        lambda tree: tree["transitions"].insert(
            8, {**deepcopy(way(tree, "finish_expertise", "expertise")), "guards": ["every_stage_done"]}
        ),
        "transitions.9",
    )


SLIPS = [_taken_out, _led_elsewhere, _never_holding, _unopened, _unplayed, _out_of_turn, _too_late, _stuck]
SEEDED = [(name, slip, key) for group in SLIPS for name, slip, key in group(_tree(LISTING))]


def test_at_least_a_hundred_faults_are_seeded_each_another():
    assert len({name for name, _, _ in SEEDED}) == len(SEEDED) >= 100


def test_the_procedures_without_a_slip_are_sound(tmp_path):
    for path in (LISTING, BONDS):
        assert faults_of(deepcopy(_tree(path)), tmp_path) == []


@pytest.mark.parametrize(("name", "slip", "key"), SEEDED, ids=[name for name, _, _ in SEEDED])
def test_a_seeded_fault_is_found_with_its_file_its_key_and_an_example(name, slip, key, tmp_path):
    tree = deepcopy(_tree(LISTING))
    slip(tree)

    found = faults_of(tree, tmp_path)

    assert found, "nothing is told"
    assert all(fault.file == "share_listing.v1.yaml" and fault.line > 0 and fault.key for fault in found)
    telling = [fault for fault in found if re.search(key, fault.key)]
    assert telling, f"told elsewhere: {[str(fault) for fault in found]}"
    assert telling[0].example, str(telling[0])


def long_tree(processes: int, stages: int) -> Tree:
    """Return a procedure of many processes and stages: parallel reviews, optional stages, ways back, an outcome."""
    tree: Tree = {
        "procedure": "long_procedure", "version": 1, "category": "listing", "title": words("Long"),
        "number_prefix": "LO", "open_to": ["initiator"], "initial": "p0", "processes": {}, "stages": {},
        "standing": {"leaving": {"title": words("Leave"), "offers": ["withdraw"], "guards": ["sent"]}},
        "transitions": [], "interruptions": [
            {"trigger": "withdraw", "key": "act.withdraw", "sources": [f"p{n}" for n in range(1, processes - 1)],
             "target": "gone", "by": "author", "guards": ["sent", "not_decided"]},
        ],
    }  # fmt: skip
    each = stages // processes
    for number in range(processes):
        own = [f"s{number}_{n}" for n in range(each)]
        tree["processes"][f"p{number}"] = {
            "title": words(f"Process {number}"), "state": "under_review", "executor": "listing" if number else "author",
            "subprocesses": {
                "one": {"title": words("One"), "stages": own[: each // 2], "order": "parallel"},
                "two": {"title": words("Two"), "stages": own[each // 2 :]},
            },
        }  # fmt: skip
        for n, key in enumerate(own):
            kind = {"kind": "work", "forms": ["completeness"]} if number else {"forms": ["issuer"]}
            tree["stages"][key] = {"title": words(key), **kind, "optional": n == 2}
            if n == 1 and number:
                tree["stages"][key]["executor"] = "lawyer"
        onward = {"trigger": "on", "title": words("On"), "source": f"p{number}", "target": f"p{number + 1}"}
        onward["guards"] = ["every_stage_done"]
        onward["effects"] = ["send_file"] if not number else ["record_decision"] if number == processes - 2 else []
        tree["transitions"].append(onward)
        if number > 1:
            onward["guards"].append({"outcome_is": {"stage": own[0], "field": "verdict", "value": "complete"}})
            tree["transitions"].append(
                {"trigger": "back", "title": words("Back"), "source": f"p{number}", "target": f"p{number - 1}",
                 "guards": [{"outcome_is": {"stage": own[0], "field": "verdict", "value": "incomplete"}}]}
            )  # fmt: skip
    end = {"state": "archived", "final": True}
    tree["processes"][f"p{processes}"] = {"title": words("Archive"), **end}
    tree["processes"]["gone"] = {"title": words("Gone"), **end, "state": "withdrawn"}
    return tree


def test_a_procedure_of_twelve_processes_and_sixty_stages_has_few_situations(tmp_path):
    tree = long_tree(12, 60)

    assert faults_of(tree, tmp_path) == []
    library, _ = load_files([tmp_path / "long_procedure.v1.yaml"], tmp_path)
    assert len(Exploration(library.get("long_procedure")).rooms) < 200


def test_a_procedure_of_too_many_situations_is_refused_and_not_proved_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr("app.workflows.exploration.MOST_SITUATIONS", 10)

    [fault] = faults_of(long_tree(12, 60), tmp_path)

    assert (fault.key, "too many to be proved" in fault.problem) == ("processes", True)
