"""The variables in which a proof thinks: what guards ask of an application, and what effects make of it.

A *variable* is a name and what it is about: ``("sent",)``, ``("done", stage)``, ``("answer", stage, field)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.workflows.machine import Procedure
from app.workflows.parts import GuardUse, Transition

APPLICANTS = frozenset({"author", "adviser", "respondent"})
"""The executors who fill in; an application waits on one of them or on somebody else."""

Variable = tuple[str, ...]
Value = bool | str
Values = Mapping[Variable, frozenset[Value]]
Memory = tuple[tuple[Variable, Value], ...]

SENT, ANSWERED, MEETING, DECIDED = ("sent",), ("answer_sent",), ("meeting",), ("decided",)
HEAD, ADVISER, RESPONDENT, FINANCIAL = ("first_head",), ("adviser",), ("respondent",), ("financial",)
DOCUMENT, SIGNED, COMPLETE = ("document",), ("signed",), ("complete",)
COMMENTS, REMARKS, OPEN, UNRESOLVED = ("comments",), ("remarks",), ("open",), ("unresolved",)

UNANSWERED, OTHER = "", "*"
"""Of an outcome: nothing was chosen; something no guard asks for."""

NAMED = {"first_head": HEAD, "adviser": ADVISER, "respondent": RESPONDENT}
"""The executors who are there only after they have been named, and the fact that they have."""

EITHER: frozenset[Value] = frozenset({True, False})

LITERALS: Mapping[str, tuple[tuple[Variable, Value], ...]] = {
    "every_stage_done": ((COMPLETE, True),),
    "sent": ((SENT, True),),
    "not_sent": ((SENT, False),),
    "answer_sent": ((ANSWERED, True),),
    "meeting_not_appointed": ((MEETING, False),),
    "not_decided": ((DECIDED, False),),
    "signed_by_first_head": ((SIGNED, True),),
    "has_comments": ((COMMENTS, True),),
    "has_remarks": ((REMARKS, True),),
    "remarks_answered": ((OPEN, False),),
    "no_unresolved_remarks": ((UNRESOLVED, False),),
    "financial_organisation_without_adviser": ((FINANCIAL, True), (ADVISER, False)),
}
"""What the guards without argument ask: all of these at once."""

EFFECTS: Mapping[str, tuple[tuple[Variable, Value], ...]] = {
    "send_file": ((SENT, True), (ANSWERED, True)),
    "call_respondent": ((SENT, True), (RESPONDENT, True)),
    "freeze_document": ((DOCUMENT, True), (SIGNED, False), (COMMENTS, False)),
    "assign_first_head": ((HEAD, True),),
    "record_meeting": ((MEETING, True),),
    "record_decision": ((DECIDED, True),),
}
"""What effects make true; ``publish_remarks`` is told apart, since it depends."""


@dataclass(frozen=True)
class Outcomes:
    """What the forms say of the stages; by default nothing is known, and everything possible.

    ``options``: the values of a field that offers a choice, None where that is not known.
    """

    options: Callable[[str, str], frozenset[str] | None] = lambda stage, field: None
    is_required: Callable[[str, str], bool] = lambda stage, field: False
    chooses_adviser: Callable[[str], bool] = lambda stage: True
    records_meeting: Callable[[str], bool] = lambda stage: False


def literals(use: GuardUse) -> tuple[tuple[Variable, Value], ...]:
    """Return what a guard asks of the variables, all at once."""
    if use.outcome is not None:
        return ((("answer", use.outcome.stage, use.outcome.field), use.outcome.value),)
    if use.name in ("stage_done", "stage_not_done"):
        return ((("done", use.stage), use.name == "stage_done"),)
    return LITERALS.get(use.name, ((("guard", use.name, use.stage), True),))


def is_deletion(transition: Transition) -> bool:
    """Tell whether a transition makes away with an application."""
    return transition.trigger == "delete" or "delete" in transition.effects


def is_withdrawal(transition: Transition, procedure: Procedure) -> bool:
    """Tell whether by a transition the applicant takes his application back."""
    ends = transition.is_interruption and transition.target in procedure.final and not is_deletion(transition)
    return transition.trigger == "withdraw" or (ends and transition.by in {*APPLICANTS, "first_head"})


def told(use: GuardUse) -> str:
    """Return a guard as a file writes it."""
    if use.outcome is not None:
        return f"{use.name}: {use.outcome.stage}.{use.outcome.field} = {use.outcome.value}"
    return f"{use.name}: {use.stage}" if use.stage else use.name
