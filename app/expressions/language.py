"""What expressions are made of: what a name stands for, what is wrong with one, functions and sorts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from app.expressions.scopes import Path, Read


class Named(Protocol):
    """What a name stands for: a field as expressions see it."""

    @property
    def sort(self) -> str:
        """Number, text, truth, date, duration, group, other; place for what only holds fields (a stage)."""

    @property
    def options(self) -> Iterable[str] | None:
        """The keys that a choice may hold, None where any text may stand."""

    @property
    def unit(self) -> str:
        """The currency of an amount, empty for what has none."""

    def part(self, name: str) -> str | None:
        """Return the sort of a part ("region" of an address), None when there is no such part."""

    def inner(self, name: str) -> Named | None:
        """Return a field of a group."""


Resolve = Callable[[str], "tuple[int, Named] | None"]
"""Name -> how many levels around the expression it stands, and what it is."""


class InForce(Protocol):
    """A named figure of the rules, as ``figure(...)`` sees it."""

    def at(self, day: str) -> Decimal | None:
        """Return the amount in force on a day, None when there is none yet."""


Figures = Mapping[str, InForce]
"""Name ("mci.tenge") -> the figure."""


class ExpressionError(Exception):
    """An expression that cannot be used: what is wrong and what would mend it."""

    def __init__(self, problem: str, mend: str) -> None:
        super().__init__(problem)
        self.problem, self.mend = problem, mend


@dataclass(frozen=True)
class Expression:
    """A checked expression; ``uses`` are the fields it reads: how many levels around, and the path there."""

    sort: str
    read: Read
    uses: frozenset[tuple[int, Path]]
    unit: str = ""


FUNCTIONS = {
    "sum": "sum(group.field)",
    "count": "count(group) or count(group.field)",
    "min": "min(group.field) or min(a, b)",
    "max": "max(group.field) or max(a, b)",
    "any": "any(group.field > 5)",
    "all": "all(group.field > 5)",
    "filled": "filled(field)",
    "default": "default(field, 0)",
    "days": "days(from, to) or days(period)",
    "years": "years(from, to) or years(period)",
    "round": "round(field, 2)",
    "figure": "figure('mci.tenge', date)",
}
"""The functions of the language, and how each is called."""

A = {
    "number": "a number",
    "text": "a text",
    "truth": "a yes or no",
    "date": "a date",
    "duration": "a period",
    "group": "a group",
    "place": "a place of fields",
    "other": "an answer that only filled(...) may ask about",
}
"""Sort -> its words in faults."""

MEND_SORT = {
    "truth": "compare it, or ask filled(...)",
    "number": "name a number, an amount of money or a percentage",
}

KNOWN = "names, 'texts', numbers, and or not, == != < <= > >=, in, + - * /, functions"
