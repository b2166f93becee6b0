"""Random walks over every shipped procedure: nobody gets stuck, and nobody acts out of turn.

``KEZEN_WALKS=10000 .venv/bin/python -m pytest tests/shipped/test_walks.py`` makes ten thousand over each; the suite
makes a few.  What the proof reckons with variables is tried here on the machine itself, with whole positions.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from app.forms.definitions import FormLibrary
from app.forms.definitions import load as load_forms
from app.workflows.definitions import load
from app.workflows.guards import EXECUTORS, GUARDS, Facts
from app.workflows.machine import Procedure
from app.workflows.parts import StageKind, Transition, TransitionNotAllowed

ROOT = Path(__file__).resolve().parents[2]
WALKS = int(os.environ.get("KEZEN_WALKS", "4"))
STEPS, AT_ONCE = 40, 250
APPLICANTS = ("author", "adviser", "respondent")
NAMES = sorted(path.name.removesuffix(".yaml") for path in (ROOT / "workflows").glob("*.v*.yaml"))
CHANCE = st.sampled_from(range(997))
"""A number by which to choose, each as likely as the others."""
SELDOM = 40
"""One act in so many breaks off what is going on: deleting, withdrawing, refusing."""
Act = tuple[str, str]


@cache
def library() -> dict[str, Procedure]:
    found, faults = load(ROOT / "workflows", ROOT)
    assert faults == []
    return dict(found.procedures)


@cache
def forms() -> FormLibrary:
    return load_forms(ROOT / "forms", ROOT)[0]


def fields_of(procedure: Procedure, stage: str) -> dict[str, Any]:
    asked = [forms().outline(key, None) for key in procedure.stages[stage].forms]
    return {each.key: each for form in asked for each in getattr(form, "fields", ())}


class Walk(RuleBasedStateMachine):
    """An application and its people; the facts are kept as the room of applications keeps them."""

    procedure: ClassVar[Procedure]

    def __init__(self) -> None:
        super().__init__()
        self.position = self.procedure.start()
        self.facts = Facts()
        self.people = {*EXECUTORS} - {"adviser", "first_head", "respondent"}
        self.asked = {
            (use.outcome.stage, use.outcome.field)
            for each in self.procedure.transitions
            for use in each.guards
            if use.outcome is not None
        }

    # what may be done

    @property
    def is_over(self) -> bool:
        return self.position.process in self.procedure.final

    def open_for_somebody(self) -> Iterator[str]:
        for stage in self.procedure.open_stages(self.position, self.facts):
            is_work = self.procedure.stages[stage].kind not in (StageKind.VIEW, StageKind.SUMMARY)
            if is_work and self.procedure.executor_of(stage, self.position.process) in self.people:
                yield stage

    def acts(self) -> list[Act]:
        found = [(verb, stage) for stage in self.open_for_somebody() for verb in ("save", "finish")]
        found += [("skip", each) for each in self.open_for_somebody() if self.may_skip(each)]
        return found + [("fire", each.trigger) for each in self.ways()]

    def may_skip(self, stage: str) -> bool:
        return self.procedure.may_skip(self.position, stage, self.facts)

    def ways(self) -> list[Transition]:
        offers = self.procedure.offers(self.position, self.facts)
        opened = self.procedure.open_stages(self.position, self.facts)
        return [
            offer.transition
            for offer in offers
            if offer.allowed
            and (offer.transition.by in self.people or offer.transition.by not in EXECUTORS)
            and (offer.transition.stage is None or offer.transition.stage in opened)
        ]

    def do(self, verb: str, name: str, pick: int = 0) -> None:
        if verb == "fire":
            self.fire(name)
            return
        if verb == "finish":
            self.answer(name, pick)
        self.position = getattr(self.procedure, verb)(self.position, name, self.facts)

    def answer(self, stage: str, pick: int, wanted: dict[str, str] | None = None) -> None:
        """Fill in what a stage asks, as far as anything depends on it."""
        fields, wanted = fields_of(self.procedure, stage), wanted or {}
        given = dict(self.facts.answers.get(stage, {}))
        for place, field in self.asked:
            if place == stage:
                options = list(fields[field].options)
                given[field] = wanted.get(field, options[pick % len(options)])
        changed: dict[str, Any] = {"answers": {**self.facts.answers, stage: given}}
        if any(getattr(each, "source", "") == "partner_advisers" for each in fields.values()):
            self.people.add("adviser")
            changed["adviser_chosen"] = True
        if "meeting_date" in fields:
            changed["meeting_appointed"] = True
        if self.procedure.stages[stage].kind is StageKind.SIGNING:
            changed["signature_valid"] = True
        if self.procedure.stages[stage].kind is StageKind.ISSUING:
            changed["issued"] = self.facts.issued | {stage}
        self.facts = replace(self.facts, **changed)

    def fire(self, trigger: str) -> None:
        fired = self.procedure.fire(self.position, trigger, self.facts)
        self.position = fired.position
        changed: dict[str, Any] = {}
        for effect in fired.transition.effects:
            changed |= {
                "freeze_document": {"signature_valid": False, "comments": 0},
                "send_file": {"sent": True, "answer_sent": True},
                "call_respondent": {"sent": True},
                "record_meeting": {"meeting_appointed": True},
                "record_decision": {"decided": True},
                "publish_remarks": {"remarks": 0, "open_remarks": self.facts.open_remarks + self.facts.remarks},
            }.get(effect, {})
        if "assign_first_head" in fired.transition.effects:
            self.people.add("first_head")
        if "call_respondent" in fired.transition.effects:
            self.people.add("respondent")
        self.facts = replace(self.facts, **changed)

    def may_say(self) -> set[str]:
        """Return what can be said now: comments where a stage of approval is open, remarks where they can be sent."""
        kinds = {self.procedure.stages[stage].kind for stage in self.open_for_somebody()}
        leaving = [each for each in self.procedure.transitions if each.source == self.position.process]
        can_send = any("publish_remarks" in each.effects for each in leaving)
        said = {"comment"} if StageKind.APPROVAL in kinds else set()
        said |= {"remark", "resolve"} if StageKind.WORK in kinds and can_send else set()
        is_applicant = self.procedure.process(self.position).executor in APPLICANTS
        return said | ({"resolve"} if StageKind.WORK in kinds else set()) | ({"reply"} if is_applicant else set())

    def say(self, what: str) -> None:
        facts = self.facts
        self.facts = {
            "comment": replace(facts, comments=facts.comments + 1),
            "remark": replace(facts, remarks=facts.remarks + 1, unresolved_remarks=facts.unresolved_remarks + 1),
            "reply": replace(facts, open_remarks=0),
            "resolve": replace(facts, remarks=0, open_remarks=0, unresolved_remarks=0),
        }[what]

    # the walk

    @rule(is_financial=st.booleans())
    @precondition(lambda self: self.position == self.procedure.start())
    def an_issuer_of_some_kind(self, is_financial: bool) -> None:
        self.facts = replace(self.facts, financial_organisation=is_financial)

    @rule(what=CHANCE, pick=CHANCE, of=CHANCE, breaks=CHANCE)
    @precondition(lambda self: not self.is_over)
    def somebody_does_something(self, what: int, pick: int, of: int, breaks: int) -> None:
        """A small act, a sentence, or all that it takes to bring it on; one rule, so that no walk goes without."""
        said = sorted(self.may_say())
        final = {each.trigger for each in self.procedure.transitions if each.target in self.procedure.final}
        if what % 4 == 0 and said:
            self.say(said[pick % len(said)])
        elif what % 4 == 1:
            ahead = [each for each in self.procedure.transitions if each.source == self.position.process]
            onward = [each for each in ahead if each.trigger not in final or breaks % SELDOM == 0] or ahead
            self.managed(onward[pick % len(onward)])
        else:
            assert self.acts(), f"nobody can do anything in {self.position} with {self.facts}"
            acts = [act for act in self.acts() if act[1] not in final or breaks % SELDOM == 0] or self.acts()
            self.do(*acts[of % len(acts)], pick)

    @rule(pick=CHANCE)
    def somebody_tries_what_is_closed(self, pick: int) -> None:
        opened = set(self.procedure.open_stages(self.position, self.facts))
        closed = sorted(set(self.procedure.stages) - opened)
        if closed:
            for verb in (self.procedure.save, self.procedure.finish, self.procedure.skip):
                with pytest.raises(TransitionNotAllowed):
                    verb(self.position, closed[pick % len(closed)], self.facts)
        allowed = {
            offer.transition.trigger for offer in self.procedure.offers(self.position, self.facts) if offer.allowed
        }
        refused = sorted({each.trigger for each in self.procedure.transitions} - allowed)
        if refused:
            with pytest.raises(TransitionNotAllowed):
                self.procedure.fire(self.position, refused[pick % len(refused)], self.facts)

    # what holds everywhere

    @invariant()
    def what_the_applicant_filled_in_is_open_in_his_turn_alone(self) -> None:
        process = self.procedure.process(self.position)
        for stage in self.procedure.open_stages(self.position, self.facts):
            kind, executor = self.procedure.stages[stage].kind, self.procedure.executor_of(stage, process.key)
            assert kind is not StageKind.FILL or (process.executor in APPLICANTS and executor in APPLICANTS)
            assert kind is not StageKind.WORK or executor not in (*APPLICANTS, "first_head"), "WORK of the applicant"

    @invariant()
    def somebody_has_the_turn_until_it_is_over(self) -> None:
        executors = self.procedure.executors(self.position)
        assert bool(executors) is not self.is_over
        assert self.is_over or executors[0] == self.procedure.process(self.position).executor

    @invariant()
    def the_exchange_acts_on_nothing_that_has_not_been_sent(self) -> None:
        began = self.procedure.processes[self.procedure.initial].executor
        executor = self.procedure.process(self.position).executor
        is_theirs = executor is not None and executor not in (*APPLICANTS, "first_head")
        assert not is_theirs or self.facts.sent or began not in APPLICANTS

    @invariant()
    def nothing_is_deleted_after_sending_nor_withdrawn_after_the_meeting_is_appointed(self) -> None:
        for each in self.ways():
            assert not (self.facts.sent and (each.trigger == "delete" or "delete" in each.effects))
            is_late = self.facts.meeting_appointed or self.facts.decided
            assert not (each.trigger == "withdraw" and is_late), "withdrawn too late"

    @invariant()
    def what_is_offered_can_be_done_and_what_is_refused_says_why(self) -> None:
        for offer in self.procedure.offers(self.position, self.facts):
            if offer.allowed:
                fired = self.procedure.fire(self.position, offer.transition.trigger, self.facts)
                assert fired.transition == offer.transition
            else:
                assert offer.refusal

    # from wherever it stands

    def teardown(self) -> None:
        """Let diligent people bring it to an end, by the nearest ordinary way that is open to them."""
        distance = _distances(self.procedure.name)
        for _ in range(80):
            if self.is_over:
                return
            before = self.position.process
            ahead = [each for each in self.procedure.transitions if each.source == before and not each.is_interruption]
            assert any(self.managed(each) for each in sorted(ahead, key=lambda each: distance[each.target])), (
                f"stuck in {self.position} with {self.facts}"
            )
        raise AssertionError(f"no end is found from {self.position}")

    def managed(self, way: Transition) -> bool:
        """Do all that a way asks for, and take it; tell whether that could be done."""
        asks = {use.name for use in way.guards}
        said = {"has_comments": "comment", "has_remarks": "remark", "remarks_answered": "reply"}
        said["no_unresolved_remarks"] = "resolve"
        for guard, what in said.items():
            if guard in asks and what in self.may_say():
                self.say(what)
        outcomes = [use.outcome for use in way.guards if use.outcome is not None]
        for _ in self.procedure.stages:
            waiting = self.procedure.unfinished(self.position)
            if not (todo := [stage for stage in self.open_for_somebody() if stage in waiting]):
                break
            self.do("finish", todo[0])
        for stage in list(self.open_for_somebody()):
            wanted = {each.field: each.value for each in outcomes if each.stage == stage}
            needed = any(use.name == "stage_done" and use.stage == stage for use in way.guards)
            if wanted or needed:
                self.answer(stage, 0, wanted)
                self.position = self.procedure.finish(self.position, stage, self.facts)
        self.nothing_is_deleted_after_sending_nor_withdrawn_after_the_meeting_is_appointed()
        if not all(use.name in GUARDS and use.holds(self.facts, self.position, self.procedure) for use in way.guards):
            return False
        if way not in self.ways():
            return False
        self.fire(way.trigger)
        return True


@cache
def _distances(name: str) -> dict[str, int]:
    """Return how many ordinary transitions lie between each process of a procedure and the nearest end."""
    procedure = library()[name]
    found = dict.fromkeys(procedure.processes, 1000) | dict.fromkeys(procedure.final, 0)
    for _ in procedure.processes:
        for each in procedure.transitions:
            if not each.is_interruption:
                found[each.source] = min(found[each.source], found[each.target] + 1)
    return found


def walk_over(procedure: Procedure, walks: int, *phases: Phase) -> None:
    kind = type(f"WalkOver_{procedure.name}", (Walk,), {"procedure": procedure})
    chosen = settings(
        phases=phases or tuple(Phase),
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        derandomize="KEZEN_WALKS" not in os.environ,
        suppress_health_check=list(HealthCheck),
    )

    for _ in range(0, walks, AT_ONCE):  # it remembers what it has tried: in small lots, the memory stays small
        run_state_machine_as_test(kind, settings=settings(chosen, max_examples=min(walks, AT_ONCE)))


@pytest.mark.parametrize("name", NAMES)
def test_on_every_walk_the_rules_hold_and_an_end_is_found(name):
    walk_over(library()[name], WALKS)


@pytest.mark.parametrize(
    ("was", "is_", "told"),
    [
        ("effects: [freeze_document, assign_first_head]", "effects: [freeze_document]", "nobody can do anything|stuck"),
        ("guards: [sent, meeting_not_appointed]\n    effects", "guards: [sent, not_decided]\n    effects", "withdraw"),
        ("    executor: lawyer\n", "    executor: author\n", "WORK"),
    ],
)
def test_a_walk_over_an_unsound_procedure_is_noticed(tmp_path, was, is_, told):
    text = (ROOT / "workflows" / "share_listing.v1.yaml").read_text(encoding="utf-8")
    assert was in text
    (tmp_path / "share_listing.v1.yaml").write_text(text.replace(was, is_), encoding="utf-8")
    found, _ = load(tmp_path, tmp_path)

    with pytest.raises(AssertionError, match=told):
        walk_over(found.get("share_listing"), 20, Phase.generate)
