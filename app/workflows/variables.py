"""The variables in which a proof thinks: what guards ask of an application, and what effects make of it.

A *variable* is a name and what it is about: ``("sent",)``, ``("done", stage)``, ``("answer", stage, field)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.workflows.formulas import OTHER, UNANSWERED, Formulas, Look, Value, Variable, Ways
from app.workflows.guards import PARENT_GUARDS, Facts, ParentState
from app.workflows.machine import Procedure
from app.workflows.parts import GuardUse, Transition

__all__ = ["OTHER", "UNANSWERED", "Value", "Variable"]

APPLICANTS = frozenset({"author", "adviser", "respondent"})
"""The executors who fill in; an application waits on one of them or on somebody else."""

Values = Mapping[Variable, frozenset[Value]]
Memory = tuple[tuple[Variable, Value], ...]

SENT, ANSWERED, MEETING, DECIDED = ("sent",), ("answer_sent",), ("meeting",), ("decided",)
HEAD, ADVISER, RESPONDENT, FINANCIAL = ("first_head",), ("adviser",), ("respondent",), ("financial",)
DOCUMENT, SIGNED, COMPLETE = ("document",), ("signed",), ("complete",)
COMMENTS, REMARKS, OPEN, UNRESOLVED = ("comments",), ("remarks",), ("open",), ("unresolved",)
PARENT = ("parent",)

NAMED = {"first_head": HEAD, "adviser": ADVISER, "respondent": RESPONDENT}
"""The executors who are there only after they have been named, and the fact that they have."""

EITHER: frozenset[Value] = frozenset({True, False})
PARENTS: frozenset[Value] = frozenset(ParentState)

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

    ``options``: the values of a field that offers a choice, None where that is not known; ``field``: the
    field itself, as expressions see it; ``unsaid``: what a condition says before anything is answered.
    """

    options: Callable[[str, str], frozenset[str] | None] = lambda stage, field: None
    is_required: Callable[[str, str], bool] = lambda stage, field: False
    field: Look = lambda stage, name: None
    unsaid: Callable[[str], str] = lambda text: UNANSWERED
    chooses_adviser: Callable[[str], bool] = lambda stage: True
    records_meeting: Callable[[str], bool] = lambda stage: False


def asked_by(use: GuardUse, formulas: Formulas) -> frozenset[Variable]:
    """Return the variables that a guard asks for."""
    if use.condition is not None:
        return formulas.variables(use.condition.text)
    if use.name in PARENT_GUARDS:
        return frozenset({PARENT})
    return frozenset(variable for variable, _ in _literals(use))


def holding(use: GuardUse, formulas: Formulas) -> Ways:
    """Return the ways in which a guard holds."""
    if use.condition is not None:
        return formulas.holding(use.condition.text)
    if use.name in PARENT_GUARDS:
        return (((PARENT, PARENT_GUARDS[use.name]),),)
    return (tuple((variable, frozenset([value])) for variable, value in _literals(use)),)


def failing(use: GuardUse, formulas: Formulas) -> Ways:
    """Return the ways in which a guard does not hold."""
    if use.condition is not None:
        return formulas.failing(use.condition.text)
    if use.name in PARENT_GUARDS:
        return (((PARENT, PARENTS - PARENT_GUARDS[use.name]),),)
    return tuple(
        ((variable, (formulas.domain(variable) if variable[0] == "answer" else EITHER) - {value}),)
        for variable, value in _literals(use)
    )


def formulas_of(procedure: Procedure, look: Look) -> Formulas:
    """Return the conditions of a procedure: of its guards, its stages and the tables it asks."""
    uses = [use for each in procedure.transitions for use in each.guards]
    uses += [use for each in procedure.standing for use in each.guards]
    texts = [use.condition.text for use in uses if use.condition is not None]
    texts += [stage.when.text for stage in procedure.stages.values() if stage.when is not None]
    more: dict[tuple[str, str], frozenset[object]] = {}
    for use in uses:
        if use.outcome is not None:
            name = (use.outcome.stage, use.outcome.field)
            more[name] = more.get(name, frozenset()) | {use.outcome.value}
    outputs = {table.key: table.fields() for table in procedure.tables}
    rows = {}
    for table in procedure.tables:
        for version in table.versions:
            for row in version.rows:
                rows[row_name(table.key, version.name, row.key)] = row.formula(table.given)

    def found(place: str, name: str) -> object:
        return outputs[place].get(name) if place in outputs else look(place, name)

    return Formulas(tuple(dict.fromkeys(texts)), found, rows, more)


def row_name(use: str, table: str, row: str) -> str:
    """Return what tells the row of a table in use apart from all conditions."""
    return f"{use} {table} {row}"


def _literals(use: GuardUse) -> tuple[tuple[Variable, Value], ...]:
    """Return what a guard without a condition asks of the variables, all at once."""
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
    if use.condition is not None:
        return f"{use.name}: {use.condition.text}"
    if use.outcome is not None:
        return f"{use.name}: {use.outcome.stage}.{use.outcome.field} = {use.outcome.value}"
    return f"{use.name}: {use.stage}" if use.stage else use.name


def facts_of(known: Mapping[Variable, Value]) -> Facts:
    """Return the facts as far as conditions of skipping and standing subprocesses ask; a signature can be made."""
    return Facts(
        sent=bool(known.get(SENT)),
        answer_sent=bool(known.get(ANSWERED)),
        meeting_appointed=bool(known.get(MEETING)),
        decided=bool(known.get(DECIDED)),
        financial_organisation=bool(known.get(FINANCIAL)),
        adviser_chosen=bool(known.get(ADVISER)),
        parent=ParentState(str(known.get(PARENT, ParentState.NONE))),
        signature_valid=True,
    )
