"""A procedure and its verbs: what is open, save, finish, skip, and the transitions between processes.

The one file that knows ``transitions``.  That library judges the table of processes and triggers;
it carries out nothing: one machine a procedure, names as states, and a throwaway token as model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from transitions import EventData, Machine

from app.definition_files import Words
from app.workflows.guards import APPLICANT, GUARDS, Asked, Facts, Position, StageStatus
from app.workflows.parts import (
    Fired,
    Offer,
    Order,
    Process,
    Stage,
    StageKind,
    Subprocess,
    Term,
    Transition,
    TransitionNotAllowed,
)

if TYPE_CHECKING:
    from app.workflows.calendar import Beginning
    from app.workflows.parents import Parent
    from app.workflows.tables import TableUse


@dataclass(frozen=True)
class Procedure:
    """One version of a procedure, as read from its file; never changed after.

    Every verb takes a ``Position`` and gives a new one; nothing is stored here.
    """

    key: str
    version: int
    sha256: str
    category: str
    title: Words
    number_prefix: str
    open_to: tuple[str, ...]
    initial: str
    processes: Mapping[str, Process]
    stages: Mapping[str, Stage]
    transitions: tuple[Transition, ...]
    standing: tuple[Subprocess, ...] = ()
    terms: tuple[Term, ...] = ()
    tables: tuple[TableUse, ...] = ()
    begins: Beginning | None = None
    parent: Parent | None = None

    # what it is made of

    @property
    def name(self) -> str:
        """The name and version as in the file's name: ``share_listing.v1``."""
        return f"{self.key}.v{self.version}"

    @cached_property
    def final(self) -> frozenset[str]:
        """The processes in which a procedure ends."""
        return frozenset(process.key for process in self.processes.values() if process.final)

    @cached_property
    def forms(self) -> tuple[str, ...]:
        """Every form the stages name, each once: an application keeps the versions it began with."""
        return tuple(dict.fromkeys(form for stage in self.stages.values() for form in stage.forms))

    @cached_property
    def interruptions(self) -> tuple[Transition, ...]:
        """The transitions declared once for many processes, one for each of their sources."""
        return tuple(transition for transition in self.transitions if transition.is_interruption)

    @cached_property
    def main_road(self) -> tuple[str, ...]:
        """The processes of the shortest way from the first to the first final one that the file names."""
        return self.road_from(self.initial)

    def road_from(self, process: str) -> tuple[str, ...]:
        """Return the processes of the shortest ordinary way from here to that end; of a final one itself."""
        goal = next(key for key in self.processes if key in self.final)
        came_from: dict[str, str] = {}
        reached = [process]
        for key in reached:
            for transition in self.transitions:
                if transition.source == key and not transition.is_interruption and transition.target not in came_from:
                    came_from[transition.target] = key
                    reached.append(transition.target)
        if process in self.final or goal not in came_from:
            return (process,)
        road = [goal]
        while road[-1] != process:
            road.append(came_from[road[-1]])
        return tuple(reversed(road))

    @property
    def started_by(self) -> str | None:
        """The executor at the Exchange who begins it for an organisation; None: organisations file it themselves."""
        executor = self.processes[self.initial].executor
        return executor if executor is not None and executor not in APPLICANT else None

    def process(self, position: Position) -> Process:
        """Return the process in which the application stands."""
        return self.processes[position.process]

    def executor_of(self, stage: str, process: str) -> str:
        """Return who works on a stage within a process."""
        return self.stages[stage].executor or self.processes[process].executor or "author"

    # where an application stands

    def start(self) -> Position:
        """Return the position of a new application."""
        return self.settled(Position(self.initial), Facts())

    def settled(self, position: Position, facts: Facts) -> Position:
        """Return the position with the stages of its process passed over, or taken up, as their conditions say now.

        To be asked whenever something has been answered, decided or moved.
        """
        changed: dict[str, StageStatus] = {}
        for key in self._conditional.get(position.process, ()):
            condition = self.stages[key].when
            is_over = position.status(key) is StageStatus.SKIPPED
            if condition is not None and condition.holds(facts) is is_over:
                status = StageStatus.NOT_STARTED if is_over else StageStatus.SKIPPED
                changed |= dict.fromkeys([key, *self._followers(key)], status)
        return position.with_stages(changed) if changed else position

    def status(self, position: Position, stage: str) -> StageStatus:
        """Return the stored status of a stage."""
        return position.status(stage)

    def open_stages(self, position: Position, facts: Facts) -> tuple[str, ...]:
        """Return the stages that may be worked on now, by their executors, filled ones included."""
        return (*self._doors(position), *self._standing_stages(position, facts))

    def reachable(self, position: Position, facts: Facts) -> tuple[str, ...]:
        """Return the stages shown in blue: filled ones, and those whose predecessors are filled.

        Source: user manual, paragraph 14.
        """
        opened = self._doors(position)
        shown = [stage for stage in self.process(position).stages if stage in opened or position.status(stage).is_done]
        return (*shown, *self._standing_stages(position, facts))

    def standing_now(self, position: Position, facts: Facts) -> tuple[Subprocess, ...]:
        """Return the standing subprocesses that hold now.

        One that offers interruptions holds only where one of them may begin.
        """
        offered = self._by_trigger.get(position.process, {})
        return tuple(
            subprocess
            for subprocess in self.standing
            if (not subprocess.offers or any(trigger in offered for trigger in subprocess.offers))
            and all(use.holds(facts, position, self) for use in subprocess.guards)
        )

    def unfinished(self, position: Position) -> tuple[str, ...]:
        """Return the mandatory stages of the present process that are not yet done.

        A summary is done by sending it, a view is never done: neither is named.
        """
        return tuple(
            stage
            for stage in self.process(position).stages
            if self._is_mandatory(stage) and not position.status(stage).is_done
        )

    def next_stage(self, position: Position, facts: Facts, after: str, executor: str | None = None) -> str | None:
        """Return the next open stage still to be done, of one executor if named; after the last comes the first."""
        stages = self.process(position).stages
        begin = stages.index(after) + 1 if after in stages else 0
        opened = self._doors(position)
        for stage in stages[begin:] + stages[:begin]:
            is_theirs = executor is None or self.executor_of(stage, position.process) == executor
            if stage != after and stage in opened and is_theirs and not position.status(stage).is_done:
                return stage
        return None

    def executors(self, position: Position) -> tuple[str, ...]:
        """Return who may act now: the executor of the process, and those of its open unfinished stages."""
        process = self.process(position)
        if process.executor is None:
            return ()
        waiting = [self.executor_of(stage, process.key) for stage in self._waiting(position)]
        return tuple(dict.fromkeys([process.executor, *waiting]))

    def awaited(self, position: Position) -> tuple[str, ...]:
        """Return who must act now: of ``executors`` not the process's own while all that must be done is others'."""
        process, found = self.process(position), self.executors(position)
        waiting = {stage: self.executor_of(stage, process.key) for stage in self._waiting(position)}
        is_due = any(not self.stages[stage].optional for stage in waiting)
        if not is_due or process.executor in waiting.values():
            return found
        return tuple(executor for executor in found if executor != process.executor)

    def _waiting(self, position: Position) -> list[str]:
        """Return the open stages that are not done; a view is never done, and waits for nobody."""
        return [
            stage
            for stage in self._doors(position)
            if not position.status(stage).is_done and self.stages[stage].kind is not StageKind.VIEW
        ]

    # verbs within a process

    def save(self, position: Position, stage: str, facts: Facts) -> Position:
        """Begin a stage, or take a filled one up again; what was agreed or signed after it lapses.

        Raises:
            TransitionNotAllowed: the stage is not open.
        """
        self._require_open(position, stage)
        changed = {stage: StageStatus.FILLING, **self._woken(position, stage)}
        if position.status(stage).is_done:
            later = self.process(position).stages
            for other in later[later.index(stage) + 1 :]:
                if self._depends(position.process, other, stage) and self.stages[other].kind is not StageKind.FILL:
                    changed[other] = StageStatus.NOT_STARTED
        return position.with_stages(changed)

    def finish(self, position: Position, stage: str, facts: Facts) -> Position:
        """Mark a stage as filled; the next one opens.

        Raises:
            TransitionNotAllowed: the stage is not open, or a signing has no valid signature.
        """
        self._require_open(position, stage)
        if self.stages[stage].kind is StageKind.SIGNING and not facts.signature_valid:
            raise TransitionNotAllowed(GUARDS["signed_by_first_head"].refusal)
        if self.stages[stage].kind is StageKind.ISSUING and stage not in facts.issued:
            raise TransitionNotAllowed("workflow.err.not_issued", stage=self.stages[stage].said)
        return position.with_stages({stage: StageStatus.FILLED, **self._woken(position, stage)})

    def may_skip(self, position: Position, stage: str, facts: Facts) -> bool:
        """Tell whether a stage may be skipped now."""
        skip_if = self.stages[stage].skip_if if stage in self.stages else None
        return skip_if is not None and stage in self._doors(position) and self._holds(skip_if, position, facts)

    def skip(self, position: Position, stage: str, facts: Facts) -> Position:
        """Skip a stage, and those that follow it.

        Raises:
            TransitionNotAllowed: the stage is not open, or the condition of skipping does not hold.
        Source: user manual, paragraph 14.
        """
        self._require_open(position, stage)
        if not self.may_skip(position, stage, facts):
            raise TransitionNotAllowed("workflow.err.cannot_skip", stage=self.stages[stage].said)
        return position.with_stages(dict.fromkeys([stage, *self._followers(stage)], StageStatus.SKIPPED))

    # verbs between processes

    def offers(self, position: Position, facts: Facts) -> tuple[Offer, ...]:
        """Return the transitions of the present process, one for each trigger, allowed or refused and why.

        Where one trigger has several roads, the one that would be taken is offered.
        """
        return tuple(
            self._offer(roads, position, facts) for roads in self._by_trigger.get(position.process, {}).values()
        )

    def fire(self, position: Position, trigger: str, facts: Facts) -> Fired:
        """Move to another process.

        On entering it, its stages of every kind but ``fill`` start again; ``fill`` stages keep their status.

        Raises:
            TransitionNotAllowed: no such transition begins here, or a guard refuses it.
        """
        roads = self._by_trigger.get(position.process, {}).get(trigger)
        if roads is None:
            raise self._not_here(position, trigger, facts)
        token = _Token(position.process, position, facts)
        if not self._machine.events[trigger].trigger(token) or token.taken is None:
            offer = self._offer(roads, position, facts)
            raise TransitionNotAllowed(offer.refusal or "workflow.err.not_here", **offer.params)
        return Fired(self._enter(position, token.taken), token.taken)

    # beneath the verbs

    @cached_property
    def _conditional(self) -> dict[str, list[str]]:
        """The stages that stand under a condition, by process."""
        return {
            key: [stage for stage in process.stages if self.stages[stage].when is not None]
            for key, process in self.processes.items()
        }

    @cached_property
    def _machine(self) -> Machine:
        machine = Machine(
            model=None, states=list(self.processes), initial=self.initial, auto_transitions=False, send_event=True
        )
        for transition in self.transitions:
            machine.add_transition(
                transition.trigger, transition.source, transition.target, conditions=[self._judge(transition)]
            )
        return machine

    def _judge(self, transition: Transition) -> Callable[[EventData], bool]:
        def judge(event: EventData) -> bool:
            token = event.model
            assert isinstance(token, _Token)
            if not all(use.holds(token.facts, token.position, self) for use in transition.guards):
                return False
            token.taken = transition
            return True

        return judge

    @cached_property
    def _by_trigger(self) -> dict[str, dict[str, list[Transition]]]:
        table: dict[str, dict[str, list[Transition]]] = {}
        for transition in self.transitions:
            table.setdefault(transition.source, {}).setdefault(transition.trigger, []).append(transition)
        return table

    def _offer(self, roads: list[Transition], position: Position, facts: Facts) -> Offer:
        refused = [(road, [use for use in road.guards if not use.holds(facts, position, self)]) for road in roads]
        for road, failing in refused:
            if not failing:
                return Offer(road, allowed=True)
        told = (each for each in refused if not any(GUARDS[use.name].is_road for use in each[1]))
        road, failing = next(told, refused[0])
        guard = GUARDS[failing[0].name]
        asked = Asked(facts, position, self, failing[0].stage, failing[0].outcome, failing[0].condition)
        return Offer(road, allowed=False, refusal=guard.sentence(asked), params=guard.params(asked))

    def _not_here(self, position: Position, trigger: str, facts: Facts) -> TransitionNotAllowed:
        """Return the refusal of a trigger that does not begin here; an interruption says which time is past."""
        elsewhere = [transition for transition in self.interruptions if transition.trigger == trigger]
        if elsewhere:
            offer = self._offer(elsewhere[:1], position, facts)
            if offer.refusal is not None:
                return TransitionNotAllowed(offer.refusal, **offer.params)
        return TransitionNotAllowed("workflow.err.not_here")

    def _enter(self, position: Position, transition: Transition) -> Position:
        left, entered = self.processes[transition.source], self.processes[transition.target]
        stages = dict(position.stages)
        for stage in left.stages:
            if self.stages[stage].kind is StageKind.SUMMARY and not transition.is_interruption:
                stages[stage] = StageStatus.FILLED
        for stage in entered.stages:
            if self.stages[stage].kind is not StageKind.FILL:
                stages.pop(stage, None)
        return Position(entered.key, stages)

    def _doors(self, position: Position) -> tuple[str, ...]:
        opened: list[str] = []
        own = self.process(position).stages
        for subprocess in self.process(position).subprocesses:
            done_so_far = True
            for key in subprocess.stages:
                follows = self.stages[key].follows
                is_led_to = follows not in own or position.status(follows) is StageStatus.FILLED
                is_passed_over = self.stages[key].when is not None and position.status(key) is StageStatus.SKIPPED
                if is_led_to and not is_passed_over and (done_so_far or subprocess.order is not Order.SEQUENCE):
                    opened.append(key)
                done_so_far = done_so_far and self._holds_nothing_up(key, position)
            if not done_so_far:
                break
        return tuple(opened)

    def _standing_stages(self, position: Position, facts: Facts) -> list[str]:
        return [stage for subprocess in self.standing_now(position, facts) for stage in subprocess.stages]

    def _holds_nothing_up(self, key: str, position: Position) -> bool:
        stage = self.stages[key]
        return stage.optional or stage.kind is StageKind.VIEW or position.status(key).is_done

    def _is_mandatory(self, key: str) -> bool:
        stage = self.stages[key]
        return not stage.optional and stage.kind not in (StageKind.VIEW, StageKind.SUMMARY)

    def _depends(self, process: str, later: str, earlier: str) -> bool:
        """Tell whether ``later`` opens only after ``earlier``, both being stages of the process in this order."""
        for subprocess in self.processes[process].subprocesses:
            if earlier in subprocess.stages:
                return later not in subprocess.stages or subprocess.order is Order.SEQUENCE
        return False

    def _followers(self, key: str) -> list[str]:
        direct = [stage.key for stage in self.stages.values() if stage.follows == key]
        return [*direct, *(further for follower in direct for further in self._followers(follower))]

    def _woken(self, position: Position, stage: str) -> dict[str, StageStatus]:
        """Return what becomes of followers that had been skipped together with a stage now taken up."""
        if position.status(stage) is not StageStatus.SKIPPED:
            return {}
        return {
            follower: StageStatus.NOT_STARTED
            for follower in self._followers(stage)
            if position.status(follower) is StageStatus.SKIPPED
        }

    def _holds(self, guard: str, position: Position, facts: Facts) -> bool:
        return GUARDS[guard].holds(Asked(facts, position, self))

    def _require_open(self, position: Position, stage: str) -> None:
        if stage not in self._doors(position) or self.stages[stage].kind is StageKind.VIEW:
            if stage not in self.stages:
                raise TransitionNotAllowed("workflow.err.not_here")
            raise TransitionNotAllowed("workflow.err.stage_closed", stage=self.stages[stage].said)


@dataclass
class _Token:
    """The throwaway model on which the library keeps the state."""

    state: str
    position: Position
    facts: Facts
    taken: Transition | None = None
