"""Random walks over every shipped procedure: nobody gets stuck, and nobody acts out of turn.

``KEZEN_WALKS=10000 .venv/bin/python -m pytest tests/shipped/test_walks.py`` makes ten thousand over each; the suite
makes a few.  What the proof reckons with variables is tried here on the machine itself, with whole positions.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from app.forms.definitions import FormLibrary
from app.forms.definitions import load as load_forms
from app.workflows.conditions import Answered, Given, compiled
from app.workflows.definitions import load
from app.workflows.formulas import NO, YES, Formulas, Ways, every
from app.workflows.guards import APPLICANT, EXECUTORS, GUARDS, Facts, ParentState
from app.workflows.machine import Procedure
from app.workflows.parts import Offer, StageKind, Transition, TransitionNotAllowed
from app.workflows.variables import formulas_of, holding

ROOT = Path(__file__).resolve().parents[2]
WALKS = int(os.environ.get("KEZEN_WALKS", "4"))
STEPS, STRETCH, AT_ONCE = 4, 10, 250
"""Lots of a walk, acts of a lot, and walks that hypothesis remembers at once."""
APPLICANTS = ("author", "adviser", "respondent")
NAMES = sorted(path.name.removesuffix(".yaml") for path in (ROOT / "workflows").glob("*.v*.yaml"))
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
        self.given: dict[tuple[str, str], Any] = {}  # what was answered, and what tables gave
        self.facts = Facts(conditions=Said(self))
        self.people = {*EXECUTORS} - {"adviser", "first_head", "respondent"}
        self.saw: set[str] = set()
        self.left: int | None = None
        self.known = known_of(self.procedure)
        self._offers: tuple[Any, ...] = ()
        self._opened: tuple[Any, ...] = ()
        self._checked: Any = None

    @property
    def asked(self) -> frozenset[tuple[str, str]]:
        return self.known.asked

    def offers(self) -> tuple[Offer, ...]:
        """What is offered now; reckoned once for each state."""
        state = (self.position, self.facts, dict(self.given))
        if not self._offers or self._offers[0] != state:
            self._offers = (state, self.procedure.offers(self.position, self.facts))
        return self._offers[1]  # type: ignore[no-any-return]

    # what may be done

    @property
    def is_over(self) -> bool:
        return self.position.process in self.procedure.final

    def opened(self) -> tuple[str, ...]:
        """The stages that are open now; reckoned once for each state."""
        state = (self.position, self.facts, dict(self.given))
        if not self._opened or self._opened[0] != state:
            self._opened = (state, self.procedure.open_stages(self.position, self.facts))
        return self._opened[1]  # type: ignore[no-any-return]

    def open_for_somebody(self) -> Iterator[str]:
        for stage in self.opened():
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
        opened = self.opened()
        return [
            offer.transition
            for offer in self.offers()
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
        self.settle()

    def settle(self) -> None:
        """Let stages be passed over or taken up, as the room does with every new position."""
        self.position = self.procedure.settled(self.position, self.facts)

    def answer(self, stage: str, pick: int, wanted: dict[str, Any] | None = None) -> None:
        """Fill in what a stage asks, as far as anything depends on it."""
        fields, wanted = fields_of(self.procedure, stage), wanted or {}
        given = dict(self.facts.answers.get(stage, {}))
        for place, field in sorted(self.asked):
            if place == stage:
                is_required = getattr(fields.get(field), "required", False)
                kinds = self.known.formulas.kinds[place, field].samples
                values = [each for each in kinds.values() if each is not None or not is_required]
                given[field] = wanted[field] if field in wanted else values[pick % len(values)]
                self.given[place, field] = given[field]
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
        for use in self.procedure.tables:
            if use.key in fired.transition.decides:
                values = {key: self.given.get(each) if is_name(each) else each for key, each in use.given.items()}
                row = use.versions[-1].row({key: value for key, value in values.items() if value is not None})
                self.given |= {(use.key, key): value for key, value in row.then.items()}
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
        self.settle()

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

    @rule(lot=st.integers(0, 2**64 - 1))
    def people_do_what_they_like(self, lot: int) -> None:
        """A stretch of acts by one lot: drawn one by one they would cost ten times what is done with them."""
        chance = random.Random(lot)
        if self.left is None:
            self.left = chance.randrange(STEPS * STRETCH + 1)  # from wherever it stands then, an end must be found
            self.facts = replace(self.facts, financial_organisation=chance.random() < 0.5)
            parent = self.procedure.parent
            alone = [ParentState.NONE] if parent is None or not parent.is_needed else []
            begun = [*alone, ParentState.WAITING, ParentState.FITS] if parent is not None else alone
            self.facts = replace(self.facts, parent=chance.choice(begun))
        for _ in range(STRETCH):
            if self.is_over or not self.left:
                return
            self.left -= 1
            if not chance.randrange(5):
                self.what_is_around_moves_on(chance.randrange(997))
            if chance.randrange(3):
                self.somebody_does_something(*(chance.randrange(997) for _ in range(4)))
            else:
                self.somebody_tries_what_is_closed(chance.randrange(997))
            self.hold()

    def what_is_around_moves_on(self, pick: int) -> None:
        """Let the application to which this one belongs move on until it has failed; those within it come and go."""
        if self.facts.parent not in (ParentState.NONE, ParentState.FAILED):
            states = sorted(set(ParentState) - {ParentState.NONE})
            self.facts = replace(self.facts, parent=states[pick % len(states)])
        self.facts = replace(self.facts, open_children=pick % 2)

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
            if not self.acts():
                self.facts = replace(self.facts, open_children=0)  # those for which it waits come to their end
            assert self.acts(), f"nobody can do anything in {self.position} with {self.facts}"
            acts = [act for act in self.acts() if act[1] not in final or breaks % SELDOM == 0] or self.acts()
            self.do(*acts[of % len(acts)], pick)

    def somebody_tries_what_is_closed(self, pick: int) -> None:
        opened = set(self.opened())
        closed = sorted(set(self.procedure.stages) - opened)
        if closed:
            for verb in (self.procedure.save, self.procedure.finish, self.procedure.skip):
                with pytest.raises(TransitionNotAllowed):
                    verb(self.position, closed[pick % len(closed)], self.facts)
        allowed = {offer.transition.trigger for offer in self.offers() if offer.allowed}
        refused = sorted({each.trigger for each in self.procedure.transitions} - allowed)
        if refused:
            with pytest.raises(TransitionNotAllowed):
                self.procedure.fire(self.position, refused[pick % len(refused)], self.facts)

    # what holds everywhere

    @invariant()
    def hold(self) -> None:
        """Judge all that must hold in every state, after every act."""
        state = (self.position, self.facts, dict(self.given), frozenset(self.people))
        if self._checked == state:
            return
        self._checked = state
        self.what_the_applicant_filled_in_is_open_in_his_turn_alone()
        self.somebody_has_the_turn_until_it_is_over()
        self.the_exchange_acts_on_nothing_that_has_not_been_sent()
        self.nothing_is_deleted_after_sending_nor_withdrawn_after_the_meeting_is_appointed()
        self.what_is_offered_can_be_done_and_what_is_refused_says_why()
        self.everybody_sees_and_does_what_is_his()

    def what_the_applicant_filled_in_is_open_in_his_turn_alone(self) -> None:
        process = self.procedure.process(self.position)
        for stage in self.opened():
            kind, executor = self.procedure.stages[stage].kind, self.procedure.executor_of(stage, process.key)
            assert kind is not StageKind.FILL or (process.executor in APPLICANTS and executor in APPLICANTS)
            assert kind is not StageKind.WORK or executor not in (*APPLICANTS, "first_head"), "WORK of the applicant"

    def somebody_has_the_turn_until_it_is_over(self) -> None:
        executors = self.procedure.executors(self.position)
        assert bool(executors) is not self.is_over
        assert self.is_over or executors[0] == self.procedure.process(self.position).executor

    def the_exchange_acts_on_nothing_that_has_not_been_sent(self) -> None:
        began = self.procedure.processes[self.procedure.initial].executor
        executor = self.procedure.process(self.position).executor
        is_theirs = executor is not None and executor not in (*APPLICANTS, "first_head")
        assert not is_theirs or self.facts.sent or began not in APPLICANTS

    def nothing_is_deleted_after_sending_nor_withdrawn_after_the_meeting_is_appointed(self) -> None:
        for each in self.ways():
            assert not (self.facts.sent and (each.trigger == "delete" or "delete" in each.effects))
            is_late = self.facts.meeting_appointed or self.facts.decided
            assert not (each.trigger == "withdraw" and is_late), "withdrawn too late"

    def what_is_offered_can_be_done_and_what_is_refused_says_why(self) -> None:
        for offer in self.offers():
            if offer.allowed:
                fired = self.procedure.fire(self.position, offer.transition.trigger, self.facts)
                assert fired.transition == offer.transition
            else:
                assert offer.refusal

    def everybody_sees_and_does_what_is_his(self) -> None:
        """The rules of visibility and turn, said for every actor at every step.

        Who may act sees; the applicant's people act while they have the turn, the Exchange's while it has
        it, and across the line nobody but by an interruption; who has once been named sees for good.
        """
        process, began_here = self.procedure.process(self.position), self.procedure.started_by is not None
        opened = [key for key in self.opened() if key in process.stages]
        offered = [each.transition for each in self.offers() if each.allowed]
        is_theirs = process.executor in APPLICANT
        waiting = self.procedure.executors(self.position)
        for actor in EXECUTORS:
            is_applicant = actor in APPLICANT
            if is_applicant:
                sees = actor in self.people and not (began_here and not self.facts.sent)
                sees = sees or (actor == "author" and not began_here)
            else:
                sees = began_here or self.facts.sent
            if actor == "author" and began_here:
                continue  # an officer began it: he acts as what he is
            assert sees or actor not in self.saw, f"{actor} no longer sees it"
            if sees:
                self.saw.add(actor)
            mine = [key for key in opened if self.procedure.executor_of(key, process.key) == actor]
            todo = [key for key in mine if not self.position.status(key).is_done]
            theirs = [each for each in offered if each.by == actor and not each.is_interruption]
            if is_applicant and actor not in self.people:
                continue  # nobody plays the part yet
            assert not (mine or theirs) or sees, f"{actor} acts on what he does not see"
            assert not (mine or theirs) or is_applicant is is_theirs, f"{actor} acts out of turn"
            asked_for = [key for key in todo if self.procedure.stages[key].kind is not StageKind.VIEW]
            assert not asked_for or actor in waiting, f"{actor} is not told that it is his turn"

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
        for _ in self.procedure.stages:
            waiting = self.procedure.unfinished(self.position)
            if not (todo := [stage for stage in self.open_for_somebody() if stage in waiting]):
                break
            self.do("finish", todo[0])
        if "no_open_children" in asks:
            self.facts = replace(self.facts, open_children=0)  # they end, by their own procedure
        if self.facts.parent is ParentState.FAILED and "parent_not_failed" in asks:
            self.facts = replace(self.facts, parent=ParentState.WAITING)  # its author chooses another one
        if self.facts.parent is ParentState.WAITING and "parent_fits" in asks:
            self.facts = replace(self.facts, parent=ParentState.FITS)
        self.bring_about(way)
        self.nothing_is_deleted_after_sending_nor_withdrawn_after_the_meeting_is_appointed()
        if not all(use.name in GUARDS and use.holds(self.facts, self.position, self.procedure) for use in way.guards):
            return False
        if way not in self.ways():
            return False
        self.fire(way.trigger)
        return True

    def bring_about(self, way: Transition) -> None:
        """Answer what the guards of a way ask, in the first manner in which the open stages can give it."""
        opened = list(self.open_for_somebody())
        needed = {use.stage for use in way.guards if use.name == "stage_done"}
        for literals in self.known.asked_by(way):
            wanted: dict[str, dict[str, Any]] = {stage: {} for stage in needed}
            for (_, place, field), kinds in literals:
                samples = self.known.formulas.kinds[place, field].samples
                if self.known.formulas.kind_of(("answer", place, field), self.given.get((place, field))) not in kinds:
                    wanted.setdefault(place, {})[field] = samples[min(kinds, key=str)]
            if all(stage in opened for stage in wanted if stage not in needed):
                for stage in [each for each in opened if each in wanted]:
                    kept = {name: value for (place, name), value in self.given.items() if place == stage}
                    self.answer(stage, 0, {**kept, **wanted[stage]})
                    self.position = self.procedure.finish(self.position, stage, self.facts)
                self.settle()
                return


@dataclass(frozen=True)
class Known:
    """What the conditions of a procedure ask, and each of them ready to be read."""

    procedure: Procedure
    formulas: Formulas
    expressions: dict[str, Any]

    @cached_property
    def asked(self) -> frozenset[tuple[str, str]]:
        """Every answer on which anything depends; a composite is answered by its parts."""
        return frozenset(self.formulas.kinds)

    def asked_by(self, way: Transition) -> Ways:
        """The ways in which the guards of a transition hold, as far as they ask answers."""
        asking = [use for use in way.guards if use.outcome is not None or use.condition is not None]
        return every(holding(use, self.formulas) for use in asking)


_known: dict[str, Known] = {}


def known_of(procedure: Procedure) -> Known:
    mark = f"{procedure.name} {procedure.sha256}"
    if mark not in _known:
        fields = {stage: fields_of(procedure, stage) for stage in procedure.stages}
        formulas = formulas_of(procedure, lambda stage, name: fields.get(stage, {}).get(name))
        places = {**fields, **{use.key: use.fields() for use in procedure.tables}}
        expressions = {text: compiled(text, places) for text in formulas.texts}
        _known[mark] = Known(procedure, formulas, expressions)
    return _known[mark]


def is_name(given: Any) -> bool:
    return isinstance(given, tuple)


class Said(dict[str, bool | None]):
    """What the conditions say of a walk's answers, by the expressions themselves and not by the proof's formulas."""

    def __init__(self, walk: Walk) -> None:
        super().__init__()
        self.walk = walk

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = None  # type: ignore[assignment]

    def get(self, text: str, default: Any = None) -> Any:
        return self.walk.known.expressions[text].read(Answered(self._sheet))

    def _sheet(self, place: str, name: str) -> Any:
        given: dict[str, Any] = {}
        for (stage, field), value in self.walk.given.items():
            key, dot, part = field.partition(".")
            if stage == place and dot:
                given[key] = {**given.get(key, {}), part: _truth(value)}
            elif stage == place:
                given[key] = _truth(value)
        return Given(given)


def _truth(value: Any) -> Any:
    return {YES: True, NO: False}.get(value, value) if isinstance(value, str) else value


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
    (tmp_path / "_tables").symlink_to(ROOT / "workflows" / "_tables")
    (tmp_path / "share_listing.v1.yaml").write_text(text.replace(was, is_), encoding="utf-8")
    found, _ = load(tmp_path, tmp_path)

    with pytest.raises(AssertionError, match=told):
        walk_over(found.get("share_listing"), 200, Phase.generate)  # it ends at the first
