"""What the guards and conditions of a procedure ask for, and where it still matters: a live-variable analysis.

Pure reading of the definition, before anything is explored (``exploration``): which variables there are, with all
their values, and of each process those whose value on entering it may still be asked for, there or later.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from app.workflows.formulas import Formulas
from app.workflows.guards import EXECUTORS, Facts, Position
from app.workflows.machine import Procedure
from app.workflows.parts import GuardUse, Process, StageKind, Transition
from app.workflows.variables import (
    ADVISER,
    COMMENTS,
    COMPLETE,
    DECIDED,
    DOCUMENT,
    EFFECTS,
    EITHER,
    HEAD,
    MEETING,
    NAMED,
    OPEN,
    PARENT,
    PARENTS,
    REMARKS,
    RESPONDENT,
    SENT,
    UNRESOLVED,
    Outcomes,
    Value,
    Variable,
    asked_by,
    formulas_of,
    is_deletion,
    is_withdrawal,
    row_name,
)

ALWAYS_KNOWN = (SENT, MEETING, DECIDED, HEAD, RESPONDENT, DOCUMENT)
ALWAYS_THERE = frozenset(EXECUTORS) - NAMED.keys()
"""Who can act whatever happened before: the author, and whoever holds a role at the Exchange."""


@dataclass
class Questions:
    """What a procedure asks for, by variable and by process."""

    procedure: Procedure
    outcomes: Outcomes

    @cached_property
    def formulas(self) -> Formulas:
        """What the conditions of the procedure ask."""
        return formulas_of(self.procedure, self.outcomes.field)

    @cached_property
    def leaving(self) -> dict[str, list[Transition]]:
        """The transitions that leave each process, in the order of the file."""
        found: dict[str, list[Transition]] = {}
        for transition in self.procedure.transitions:
            found.setdefault(transition.source, []).append(transition)
        return found

    @cached_property
    def variables(self) -> dict[Variable, frozenset[Value]]:
        """Everything that is asked for anywhere, with all its values."""
        uses = [use for each in self.procedure.transitions for use in each.guards]
        uses += [use for each in self.procedure.standing for use in each.guards]
        uses += [GuardUse(stage.skip_if) for stage in self.procedure.stages.values() if stage.skip_if]
        found: dict[Variable, frozenset[Value]] = dict.fromkeys(ALWAYS_KNOWN, EITHER)
        asked = {variable for use in uses for variable in asked_by(use, self.formulas)}
        asked |= {variable for text in self.formulas.formulas for variable in self.formulas.variables(text)}
        for variable in asked:
            is_given = variable[0] in ("answer", "condition")
            found[variable] = self.formulas.domain(variable) if is_given else EITHER
        if PARENT in found:
            found[PARENT] = PARENTS
        if any(each.executor == "adviser" for each in self._executing()) or ADVISER in found:
            found[ADVISER] = EITHER
        if any(variable in found for variable in (REMARKS, OPEN, UNRESOLVED)):
            found |= dict.fromkeys((REMARKS, OPEN, UNRESOLVED), EITHER)
        found.pop(COMPLETE, None)
        return found

    def _executing(self) -> Iterator[Process]:
        yield from self.procedure.processes.values()
        for key, stage in self.procedure.stages.items():
            yield Process(key, stage.title, stage.title, stage.executor, "")

    @cached_property
    def live(self) -> dict[str, frozenset[Variable]]:
        """Return the variables whose value on entering a process may matter there or later."""
        every = frozenset(self.variables)
        live: dict[str, frozenset[Variable]] = {key: frozenset() for key in self.procedure.processes}
        changed = True
        while changed:
            changed = False
            for key, process in self.procedure.processes.items():
                found = self._asked_in(process) & every
                for transition in self.leaving.get(key, ()):
                    given = {variable for effect in transition.effects for variable, _ in EFFECTS.get(effect, ())}
                    given |= {each for each in every if each[0] == "answer" and each[1] in transition.decides}
                    found |= live[transition.target] - given
                found -= self._certainly_free(process)
                if found != live[key]:
                    live[key], changed = found, True
        return live

    def _asked_in(self, process: Process) -> frozenset[Variable]:
        if process.final:
            return frozenset()
        uses = [use for each in self.leaving.get(process.key, ()) for use in each.guards]
        uses += [use for each in self.procedure.standing for use in each.guards]
        stages = [self.procedure.stages[key] for key in process.stages]
        uses += [GuardUse(stage.skip_if) for stage in stages if stage.skip_if]
        found = {variable for use in uses for variable in asked_by(use, self.formulas)}
        for stage in stages:
            found |= self.formulas.variables(stage.when.text) if stage.when is not None else frozenset()
        for each in self.leaving.get(process.key, ()):
            found |= {variable for name in self._row_names(each) for variable in self.formulas.variables(name)}
        leaving = self.leaving.get(process.key, ())
        acting = {self.procedure.executor_of(stage.key, process.key) for stage in stages} | {
            each.by for each in leaving
        }
        found |= {fact for who, fact in NAMED.items() if who in acting}
        if any(is_deletion(each) for each in leaving):
            found.add(SENT)
        if any(is_withdrawal(each, self.procedure) for each in leaving):
            found |= {MEETING, DECIDED}
        if found & {REMARKS, OPEN, UNRESOLVED}:
            found |= {REMARKS, OPEN, UNRESOLVED}
        if any(stage.kind is StageKind.SIGNING for stage in stages):
            found.add(DOCUMENT)
        return frozenset(found)

    def _certainly_free(self, process: Process) -> frozenset[Variable]:
        """Return the variables that a first door of the process lets its people set as they like."""
        first = self.procedure.open_stages(Position(process.key), Facts()) if process.subprocesses else ()
        there = [key for key in first if key in process.stages]
        mine = {
            key
            for key in there
            if self.procedure.executor_of(key, process.key) in ALWAYS_THERE and self.procedure.stages[key].when is None
        }
        found = {each for each in self.variables if each[0] == "answer" and each[1] in mine}
        found |= {each for each in self.variables if each[0] == "condition" and self.formulas.stages_of(each) <= mine}
        if any(self.procedure.stages[key].kind is StageKind.APPROVAL for key in there):
            found.add(COMMENTS)
        return frozenset(found)

    def _row_names(self, transition: Transition) -> list[str]:
        return [
            row_name(use.key, table.name, row.key)
            for use in self.procedure.tables
            if use.key in transition.decides
            for table in use.versions
            for row in table.rows
        ]
