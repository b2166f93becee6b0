"""Random walks over the share listing: whatever people do, the application never gets stuck."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.workflows.guards import Facts, Position, StageStatus
from app.workflows.machine import Procedure
from app.workflows.parts import StageKind, Transition, TransitionNotAllowed

LONGEST = 60


@dataclass
class Walk:
    """An application and what is true of it outside the engine, as the room would keep it."""

    procedure: Procedure
    position: Position
    facts: Facts

    def moves(self) -> list[tuple[str, str]]:
        stages = [
            stage
            for stage in self.procedure.open_stages(self.position, self.facts)
            if self.procedure.stages[stage].kind is not StageKind.VIEW
        ]
        moves = [(verb, stage) for stage in stages for verb in ("save", "finish")]
        moves += [("skip", stage) for stage in stages if self.procedure.may_skip(self.position, stage, self.facts)]
        offers = self.procedure.offers(self.position, self.facts)
        moves += [("fire", offer.transition.trigger) for offer in offers if offer.allowed]
        return moves

    def make(self, verb: str, name: str) -> None:
        if verb == "fire":
            self.fire(name)
        elif verb == "finish" and self.procedure.stages[name].kind is StageKind.SIGNING:
            self.facts = replace(self.facts, signature_valid=True)
            self.position = self.procedure.finish(self.position, name, self.facts)
        elif verb == "finish" and self.procedure.stages[name].kind is StageKind.ISSUING:
            self.facts = replace(self.facts, issued=self.facts.issued | {name})
            self.position = self.procedure.finish(self.position, name, self.facts)
        else:
            self.position = getattr(self.procedure, verb)(self.position, name, self.facts)

    def fire(self, trigger: str) -> Transition:
        fired = self.procedure.fire(self.position, trigger, self.facts)
        self.position = fired.position
        effects = fired.transition.effects
        if "freeze_document" in effects:
            self.facts = replace(self.facts, signature_valid=False)
        if "send_file" in effects:
            self.facts = replace(self.facts, sent=True, answer_sent=True)
        if "publish_comments" in effects:
            self.facts = replace(self.facts, comments=0)
        if "publish_remarks" in effects:
            self.facts = replace(self.facts, remarks=0, open_remarks=self.facts.open_remarks + self.facts.remarks)
        if "record_meeting" in effects:
            self.facts = replace(self.facts, meeting_appointed=True)
        return fired.transition

    @property
    def is_over(self) -> bool:
        return self.position.process in self.procedure.final

    def answer_everything(self) -> None:
        """Do what diligent people do: sign, answer, resolve, judge as complete, choose what conditions ask."""
        uses = [use for each in self.procedure.transitions for use in each.guards]
        self.facts = replace(
            self.facts,
            open_remarks=0,
            unresolved_remarks=0,
            remarks=0,
            answers={"completeness": {"verdict": "complete"}},
            conditions={use.condition.text: True for use in uses if use.condition is not None},
        )


def world(draw: st.DrawFn, facts: Facts) -> Facts:
    """Let something happen outside the engine."""
    happening = draw(st.sampled_from(["nothing", "comment", "remark", "answer", "resolve", "judge", "adviser"]))
    if happening == "comment":
        return replace(facts, comments=facts.comments + 1)
    if happening == "remark":
        return replace(facts, remarks=facts.remarks + 1, unresolved_remarks=facts.unresolved_remarks + 1)
    if happening == "answer":
        return replace(facts, open_remarks=0)
    if happening == "resolve":
        return replace(facts, open_remarks=0, remarks=0, unresolved_remarks=0)
    if happening == "judge":
        verdict = draw(st.sampled_from(["complete", "incomplete"]))
        return replace(facts, answers={"completeness": {"verdict": verdict}})
    if happening == "adviser":
        return replace(facts, adviser_chosen=not facts.adviser_chosen)
    return facts


@st.composite
def walks(draw: st.DrawFn, procedure: Procedure) -> Walk:
    walk = Walk(procedure, procedure.start(), Facts(financial_organisation=draw(st.booleans())))
    for _ in range(draw(st.integers(0, LONGEST))):
        if walk.is_over:
            break
        walk.facts = world(draw, walk.facts)
        moves = walk.moves()
        ending = ("delete", "withdraw", "refuse_registration")
        onward = [move for move in moves if move[1] not in ending]
        walk.make(*draw(st.sampled_from(onward if draw(st.integers(0, 9)) else moves)))
    return walk


@settings(max_examples=150, deadline=None, database=None)
@given(data=st.data())
def test_from_wherever_an_application_stands_diligent_people_bring_it_to_an_end(listing, data):
    walk = data.draw(walks(listing))

    steps = 0
    while not walk.is_over:
        steps += 1
        assert steps < 60, f"stuck in {walk.position}"
        walk.answer_everything()
        for _ in listing.stages:
            open_now = listing.open_stages(walk.position, walk.facts)
            todo = [stage for stage in open_now if stage in listing.unfinished(walk.position)]
            if not todo:
                break
            walk.make("finish", todo[0])
        triggers = [
            offer.transition.trigger
            for offer in listing.offers(walk.position, walk.facts)
            if offer.allowed and not offer.transition.is_interruption
        ]
        triggers = [trigger for trigger in triggers if trigger not in ("return_for_rework", "refuse_registration")]
        assert triggers, f"no way on from {walk.position} with {walk.facts}"
        walk.fire(triggers[0])

    assert listing.process(walk.position).final


@settings(max_examples=100, deadline=None, database=None)
@given(data=st.data())
def test_on_every_walk_the_rules_hold(listing, data):
    walk = data.draw(walks(listing))
    opened = listing.open_stages(walk.position, walk.facts)
    blue = listing.reachable(walk.position, walk.facts)

    assert set(opened) <= set(blue)
    assert len(blue) == len(set(blue))
    for offer in listing.offers(walk.position, walk.facts):
        if offer.allowed:
            assert listing.fire(walk.position, offer.transition.trigger, walk.facts).transition == offer.transition
        else:
            assert offer.refusal is not None
            with pytest.raises(TransitionNotAllowed) as refusal:
                listing.fire(walk.position, offer.transition.trigger, walk.facts)
            assert (refusal.value.key, refusal.value.params) == (offer.refusal, dict(offer.params))
    allowed = {offer.transition.trigger for offer in listing.offers(walk.position, walk.facts) if offer.allowed}
    assert not (walk.facts.sent and "delete" in allowed)
    assert not (walk.facts.meeting_appointed and "withdraw" in allowed)
    for stage in listing.stages:
        closed = stage not in opened or listing.stages[stage].kind is StageKind.VIEW
        if closed:
            with pytest.raises(TransitionNotAllowed):
                listing.save(walk.position, stage, walk.facts)
        else:
            assert listing.save(walk.position, stage, walk.facts).status(stage) is StageStatus.FILLING
