"""Situations of a procedure, what their people can do, the steps between them, and what is reached by these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from app.workflows.formulas import Value, Variable
from app.workflows.parts import Transition
from app.workflows.variables import Memory, Values


@dataclass(frozen=True)
class Situation:
    """A process, and what matters of the way there."""

    process: str
    memory: Memory

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.process, self.memory))

    @cached_property
    def known(self) -> dict[Variable, Value]:
        """The memory as a mapping."""
        return dict(self.memory)


@dataclass(frozen=True)
class Room:
    """What the people of a process can do in one situation.

    ``opened`` and ``finished``: the stages they can open and finish; ``values``: what each variable may be.
    """

    opened: frozenset[str]
    finished: frozenset[str]
    unfinished: tuple[str, ...]
    people: frozenset[str]
    values: Values


@dataclass(frozen=True)
class Step:
    """A transition taken, with the answers that were given for it."""

    before: Situation
    transition: Transition
    after: Situation
    chosen: tuple[tuple[Variable, Value], ...] = ()


def onward(steps: Iterable[tuple[Situation, Situation]]) -> dict[Situation, list[Situation]]:
    """Return the steps by where they begin."""
    found: dict[Situation, list[Situation]] = {}
    for before, after in steps:
        found.setdefault(before, []).append(after)
    return found


def reached_from(begin: Iterable[Situation], steps: Sequence[tuple[Situation, Situation]]) -> set[Situation]:
    """Return everything reached from ``begin`` by the steps."""
    further = onward(steps)
    reached, found = set[Situation](), list(begin)
    while found:
        each = found.pop()
        if each not in reached:
            reached.add(each)
            found += further.get(each, [])
    return reached


def last_circles(
    begin: Sequence[Situation], further: Mapping[Situation, Sequence[Situation]]
) -> dict[Situation, frozenset[Situation]]:
    """Return each situation that nothing but its own circle follows, with that circle.

    The strongly connected components without a way out, by Tarjan's algorithm, without recursion.
    """
    index: dict[Situation, int] = {}
    low: dict[Situation, int] = {}
    stack: list[Situation] = []
    on_stack = set[Situation]()
    found: dict[Situation, frozenset[Situation]] = {}
    for root in begin:
        work = [(root, 0)] if root not in index else []
        while work:
            node, place = work.pop()
            if not place:
                index[node] = low[node] = len(index)
                stack.append(node)
                on_stack.add(node)
            after = further.get(node, ())
            while place < len(after) and after[place] in index:
                other = after[place]
                if other in on_stack:
                    low[node] = min(low[node], index[other])
                place += 1
            if place < len(after):
                work += [(node, place + 1), (after[place], 0)]
                continue
            for other in after:
                low[node] = min(low[node], low[other]) if other in on_stack else low[node]
            if low[node] == index[node]:
                circle = set[Situation]()
                while node not in circle:
                    circle.add(stack.pop())
                on_stack -= circle
                if not any(other not in circle for each in circle for other in further.get(each, ())):
                    found |= dict.fromkeys(circle, frozenset(circle))
    return found
