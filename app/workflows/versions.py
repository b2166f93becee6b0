"""Two versions of a procedure: what differs, and where an application that moves to the newer one would stand.

A new version touches nothing by itself.  ``differences`` tells what it changes; ``moved`` what becomes of
one position, or why it cannot move.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from app.workflows.guards import Position, StageStatus
from app.workflows.machine import Procedure
from app.workflows.parts import Process, Stage, StageKind, Term, Transition, said


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was: ``where`` it stands, and ``what`` happened to it.

    ``is_safe``: no application that is under way would notice it in what must be done, by whom and when.
    """

    where: str
    what: str
    is_safe: bool

    def __str__(self) -> str:
        return f"{self.where}: {self.what}{'' if self.is_safe else ' (affects running applications)'}"


@dataclass(frozen=True)
class Moved:
    """What moving a position to another version would do.

    ``refusal`` is the key of the sentence why it cannot be moved (then ``position`` is as it was).
    ``again`` are stages that were done and must be finished again, ``due`` those of the present process
    that are to be done now and were not before, ``gone`` those that had been touched and are no more.
    ``forms`` are the forms that the new version asks for and the old one did not; ``terms`` the terms of the
    present process that are not as they were: they are reckoned from when it was entered, so one may be over.
    """

    position: Position
    refusal: str | None = None
    params: dict[str, object] = field(default_factory=dict)
    again: tuple[str, ...] = ()
    due: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    terms: tuple[Term, ...] = ()

    @property
    def is_harmless(self) -> bool:
        """Whether everything that was done stays done, and nothing more is to be done now."""
        return self.refusal is None and not (self.again or self.due or self.gone or self.terms)


def moved(old: Procedure, new: Procedure, position: Position) -> Moved:
    """Return where an application at ``position`` in ``old`` would stand in ``new``.

    A stage keeps its status where it is of the same kind and asks for nothing more; one that asks for a
    further form is to be finished again.  Nothing moves while a document is being read and signed.
    """
    process = old.process(position)
    there = new.processes.get(process.key)
    if process.final:
        return Moved(position, "transfer.err.ended")
    if any(old.stages[stage].kind is StageKind.SIGNING for stage in process.stages):
        return Moved(position, "transfer.err.signing", {"process": said(process.title)})
    if there is None:
        return Moved(position, "transfer.err.process_gone", {"process": said(process.title), "version": new.version})
    if there.final:
        return Moved(position, "transfer.err.process_final", {"process": said(there.title), "version": new.version})
    kept: dict[str, StageStatus] = {}
    again, gone = [], []
    for key, status in position.stages.items():
        before, after = old.stages.get(key), new.stages.get(key)
        if after is None or (before is not None and before.kind is not after.kind):
            gone.append(key)
        elif status is StageStatus.FILLED and before is not None and set(after.forms) - set(before.forms):
            kept[key] = StageStatus.FILLING
            again.append(key)
        elif status is StageStatus.SKIPPED and not (after.skip_if or after.follows or after.when):
            again.append(key)  # it may be skipped no more
        else:
            kept[key] = status
    stands = Position(process.key, kept)
    before_due = {key for key in old.unfinished(position) if key in new.stages}
    due = [key for key in new.unfinished(stands) if key not in before_due and key not in again]
    forms = tuple(form for form in new.forms if form not in old.forms)
    terms = tuple(term for term in new.terms if process.key in term.processes and term not in old.terms)
    return Moved(stands, again=tuple(again), due=tuple(due), gone=tuple(gone), forms=forms, terms=terms)


def differences(old: Procedure, new: Procedure) -> list[Difference]:
    """Return what is not in ``new`` as it was in ``old``, in the order of the file."""
    return [*_own(old, new), *_processes(old, new), *_stages(old, new), *_transitions(old, new)]


def is_safe(found: list[Difference]) -> bool:
    """Tell whether no application under way would notice any of it."""
    return all(each.is_safe for each in found)


def _own(old: Procedure, new: Procedure) -> Iterator[Difference]:
    if old.title != new.title:
        yield Difference("procedure", "title changed", True)
    if old.initial != new.initial:
        yield Difference("procedure", f"begins in {new.initial}, not in {old.initial}", True)
    if old.open_to != new.open_to:
        yield Difference("procedure", f"open to {', '.join(new.open_to)}", True)
    if old.standing != new.standing:
        yield Difference("standing", "changed", False)
    if old.terms != new.terms:
        yield Difference("terms", "changed", False)
    if [(use.key, use.given) for use in old.tables] != [(use.key, use.given) for use in new.tables]:
        yield Difference("tables", "asked otherwise", False)
    if old.begins != new.begins:
        yield Difference("begins", "the calendar begins it otherwise", True)
    if old.parent != new.parent:
        is_safe = (old.parent is None) is (new.parent is None) and _asked_of(old) == _asked_of(new)
        yield Difference("parent", "belongs to another application otherwise", is_safe)


def _asked_of(procedure: Procedure) -> tuple[str, str] | None:
    """Return which applications it may belong to, and what is asked of them; what is carried over is carried once."""
    parent = procedure.parent
    return None if parent is None else (parent.procedure, parent.when.text if parent.when else "")


def _processes(old: Procedure, new: Procedure) -> Iterator[Difference]:
    for key, process in old.processes.items():
        where, after = f"process {key}", new.processes.get(key)
        if after is None:
            yield Difference(where, "gone", False)
        else:
            yield from _process(where, process, after, new)
    for key in new.processes:
        if key not in old.processes:
            yield Difference(f"process {key}", "added", True)


def _process(where: str, old: Process, new: Process, procedure: Procedure) -> Iterator[Difference]:
    if old.executor != new.executor:
        yield Difference(where, f"executor {old.executor or 'none'} -> {new.executor or 'none'}", False)
    if old.final != new.final:
        yield Difference(where, "ends the procedure now" if new.final else "ends the procedure no more", False)
    for stage in old.stages:
        if stage not in new.stages:
            yield Difference(where, f"stage {stage} gone", False)
    for stage in new.stages:
        if stage not in old.stages:
            yield Difference(where, f"stage {stage} added", procedure.stages[stage].optional)
    shape = [[(part.key, part.stages, part.order) for part in each.subprocesses] for each in (old, new)]
    if shape[0] != shape[1] and set(old.stages) == set(new.stages):
        yield Difference(where, "order of its stages changed", False)
    if (old.title, old.short_title, old.state) != (new.title, new.short_title, new.state):
        yield Difference(where, "words changed", True)


def _stages(old: Procedure, new: Procedure) -> Iterator[Difference]:
    for key, stage in old.stages.items():
        after = new.stages.get(key)
        if after is None:
            yield Difference(f"stage {key}", "gone", False)
        else:
            yield from _stage(f"stage {key}", stage, after)


def _stage(where: str, old: Stage, new: Stage) -> Iterator[Difference]:
    if old.kind is not new.kind:
        yield Difference(where, f"kind {old.kind} -> {new.kind}", False)
    if old.executor != new.executor:
        yield Difference(
            where, f"executor {old.executor or 'of the process'} -> {new.executor or 'of the process'}", False
        )
    for form in old.forms:
        if form not in new.forms:
            yield Difference(where, f"no longer asks {form}", False)
    for form in new.forms:
        if form not in old.forms:
            yield Difference(where, f"asks {form} too", False)
    if (old.skip_if, old.follows) != (new.skip_if, new.follows):
        yield Difference(where, "may be skipped otherwise", False)
    if (old.when and old.when.text) != (new.when and new.when.text):
        yield Difference(where, f"stands when {new.when.text}" if new.when else "stands always", False)
    elif old.when != new.when:
        yield Difference(where, "words changed", True)
    if old.optional != new.optional:
        yield Difference(where, "optional now" if new.optional else "mandatory now", new.optional)
    if old.title != new.title:
        yield Difference(where, "title changed", True)


def _transitions(old: Procedure, new: Procedure) -> Iterator[Difference]:
    before, after = _roads(old), _roads(new)
    for (trigger, source), roads in before.items():
        where = f"transition {trigger} from {source}"
        if (trigger, source) not in after:
            yield Difference(where, "gone", False)
        elif _deeds(roads) != _deeds(after[trigger, source]):
            yield Difference(where, "changed", False)
        elif roads != after[trigger, source]:
            yield Difference(where, "words changed", True)
    for trigger, source in after:
        if (trigger, source) not in before:
            yield Difference(f"transition {trigger} from {source}", "added", True)


def _roads(procedure: Procedure) -> dict[tuple[str, str], list[Transition]]:
    found: dict[tuple[str, str], list[Transition]] = {}
    for transition in procedure.transitions:
        found.setdefault((transition.trigger, transition.source), []).append(transition)
    return found


def _deeds(roads: list[Transition]) -> list[tuple[object, ...]]:
    """Return what transitions do, leaving out what they are called."""
    return [
        (
            *(road.target, road.by, road.stage, road.guards, road.effects, road.notify),
            *(road.confirm, road.reason_required, road.decides),
        )
        for road in roads
    ]
