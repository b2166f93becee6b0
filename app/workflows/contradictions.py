"""Conditions that never hold, whatever is answered: ``a > a``, ``a and not a``, ``x > 5 and x < 3``.

What is told exactly is what ``formulas`` tells exactly: the answers by their kinds.  An atom that is free there may
hold as it likes, so that nothing is told that is not so.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from app.workflows.conditions import Fields
from app.workflows.formulas import Formulas, TooManyWays, Value, Variable, Ways, every


@dataclass(frozen=True)
class Contradiction:
    """Which parts of a condition never hold together, and for each an answer with which it does, and another fails."""

    parts: tuple[str, ...]
    examples: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """Return what is wrong."""
        if len(self.parts) == 1:
            return f"'{self.parts[0]}' never holds, whatever is answered"
        return f"{' and '.join(f'“{part}”' for part in self.parts)} never hold together, whatever is answered"


def contradiction(condition: str, places: Mapping[str, Fields]) -> Contradiction | None:
    """Return why a condition never holds, None where it may; it has been compiled before."""
    parts = _conjuncts(ast.parse(condition.strip(), mode="eval").body)
    formulas = Formulas((condition, *parts), lambda place, name: places.get(place, {}).get(name))
    try:
        if formulas.holding(condition):
            return None
        for count in range(1, len(parts)):
            for some in combinations(parts, count):
                if not every(formulas.holding(part) for part in some):
                    return Contradiction(some, _examples(some, formulas) if count > 1 else ())
        return Contradiction((condition,) if len(parts) == 1 else parts, _examples(parts, formulas))
    except TooManyWays:
        return None


def _conjuncts(node: ast.expr) -> tuple[str, ...]:
    """Return what must hold all at once, each as text."""
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        return tuple(dict.fromkeys(part for value in node.values for part in _conjuncts(value)))
    return (ast.unparse(node),)


def _examples(parts: Sequence[str], formulas: Formulas) -> tuple[str, ...]:
    """Return for each part answers with which it holds, and which of the others then fails."""
    found = []
    for part in parts:
        ways = formulas.holding(part)
        others = [other for other in parts if other != part]
        failing = next((other for other in others if ways and not every([ways[:1], formulas.holding(other)])), None)
        if ways and failing is not None and (answers := _answers(ways, formulas)):
            found.append(f"with {answers} “{failing}” does not hold")
    return tuple(found)


def _answers(ways: Ways, formulas: Formulas) -> str:
    return ", ".join(_answer(variable, values, formulas) for variable, values in ways[0] if variable[0] == "answer")


def _answer(variable: Variable, values: frozenset[Value], formulas: Formulas) -> str:
    _, place, name = variable
    samples = formulas.kinds[place, name].samples
    sample = samples[min(values, key=str)]
    return f"{place}.{name} {f'= {sample}' if sample is not None else 'not answered'}"
