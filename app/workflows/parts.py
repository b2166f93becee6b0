"""What a procedure is made of: stages, subprocesses, processes, transitions; values, never changed after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from app.definition_files import Words
from app.errors import Conflict, Said
from app.workflows.guards import GUARDS, Asked, Condition, Facts, Outcome, Position

if TYPE_CHECKING:
    from app.workflows.machine import Procedure


class StageKind(StrEnum):
    """What is done in a stage; the kind picks the panel on the page."""

    FILL = "fill"  # the applicant's side answers forms; the status survives a return for rework
    SUMMARY = "summary"  # everything read-only; done by sending
    APPROVAL = "approval"  # comments, agree
    SIGNING = "signing"  # done only by a valid signature
    WORK = "work"  # the Exchange's side answers forms
    ISSUING = "issuing"  # the Exchange signs what the stage it follows has written; done only by a valid signature
    VIEW = "view"  # only looked at; has no status


class Order(StrEnum):
    """How the stages of one subprocess open."""

    SEQUENCE = "sequence"  # one after the other
    ANY = "any"  # all at once, the executor chooses
    PARALLEL = "parallel"  # all at once, for different executors


@dataclass(frozen=True)
class Stage:
    """A set of forms to be filled, or another thing to be done, within a subprocess.

    ``executor`` None: the executor of the process.  ``follows``: opens once that stage is filled,
    and is skipped together with it.  ``optional``: holds nothing up.  ``when``: it stands in the procedure
    only while that holds; otherwise it is passed over by itself, which counts as skipped.
    """

    key: str
    title: Words
    kind: StageKind = StageKind.FILL
    forms: tuple[str, ...] = ()
    executor: str | None = None
    skip_if: str | None = None
    follows: str | None = None
    optional: bool = False
    when: Condition | None = None

    @cached_property
    def said(self) -> Said:
        """The title as a parameter of a sentence."""
        return said(self.title)


@dataclass(frozen=True)
class Subprocess:
    """A set of stages; opens when every mandatory stage of the subprocess before is done.

    A standing subprocess is declared once and holds in every process while its ``guards`` hold;
    ``offers`` names the interruptions whose buttons stand in it.
    """

    key: str
    title: Words
    stages: tuple[str, ...]
    order: Order = Order.SEQUENCE
    guards: tuple[GuardUse, ...] = ()
    offers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Process:
    """A set of subprocesses with one main executor.

    ``state`` is the word of the status shown for the application: ``archived`` for the term ``st.archived``.
    """

    key: str
    title: Words
    short_title: Words
    executor: str | None
    state: str
    subprocesses: tuple[Subprocess, ...] = ()
    final: bool = False

    @property
    def state_key(self) -> str:
        """The key of the term of the state."""
        return f"st.{self.state}"

    @cached_property
    def stages(self) -> tuple[str, ...]:
        """Every stage of the process in the order of the file, standing ones not included."""
        return tuple(stage for subprocess in self.subprocesses for stage in subprocess.stages)


@dataclass(frozen=True)
class Extension:
    """A term may be made longer so many ``times``, each time by so many working days, by this executor."""

    times: int
    working_days: int
    by: str


@dataclass(frozen=True)
class Term:
    """How many working days ``processes`` may take together, from entering the first of them.

    With ``pauses_with_applicant`` the time stands still while the application is with the applicant in
    another process; leaving for any other ends it.  ``escalate`` is the executor who is told once it is
    over; ``trigger`` the transition that the system takes then.  ``table``: use and output of the decision
    table that says the working days once it has been asked; ``working_days`` until then.
    ``from_meeting``: counted from the date of the meeting, not from entering.
    """

    key: str
    title: Words
    processes: tuple[str, ...]
    working_days: int
    pauses_with_applicant: bool = False
    escalate: str | None = None
    trigger: str | None = None
    table: tuple[str, str] | None = None
    from_meeting: bool = False
    extension: Extension | None = None


@dataclass(frozen=True)
class GuardUse:
    """A guard as a workflow file uses it, with its argument."""

    name: str
    stage: str = ""
    outcome: Outcome | None = None
    condition: Condition | None = None

    def holds(self, facts: Facts, position: Position, procedure: Procedure) -> bool:
        """Judge the condition."""
        return GUARDS[self.name].holds(Asked(facts, position, procedure, self.stage, self.outcome, self.condition))


@dataclass(frozen=True)
class Transition:
    """The way from one process to another.

    The button says ``title`` if the file gives one, else the term ``key``.  ``by`` is the executor who
    may press it.  ``stage``: the stage on whose page the button stands; None: beside the process.
    ``is_interruption``: declared once for many sources.  ``decides``: the tables asked when it is taken.
    """

    trigger: str
    source: str
    target: str
    by: str
    key: str | None = None
    title: Words | None = None
    stage: str | None = None
    guards: tuple[GuardUse, ...] = ()
    effects: tuple[str, ...] = ()
    notify: tuple[str, ...] = ()
    confirm: bool = False
    reason_required: bool = False
    is_interruption: bool = False
    decides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Offer:
    """A transition as offered now; if it is refused, the key of the sentence that says why, and its parameters."""

    transition: Transition
    allowed: bool
    refusal: str | None = None
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Fired:
    """Where the application stands after a transition, and which transition it was."""

    position: Position
    transition: Transition


class TransitionNotAllowed(Conflict):
    """The application does not stand where the action needs it, or a guard does not hold.

    When stages are unfinished, ``params["unfinished"]`` holds their keys.
    """


def said(words: Words) -> Said:
    """Return words of a file as a parameter of a sentence."""
    return Said({"kk": words.kk, "ru": words.ru, "en": words.en})
