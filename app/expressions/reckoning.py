"""What expressions do with values: every operation has a result for all of them, None where there is none."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

CONTEXT = Context(prec=34, rounding=ROUND_HALF_UP, traps=[])
"""Without traps: what has no value is told by ``bounded``, never by an exception."""
_LARGEST = Decimal("1e18")
DAYS_OF_YEAR = 365
"""Of a period that is given in years."""


def bounded(number: Decimal) -> Decimal | None:
    """Return a number, None when it is none or larger than any answer."""
    return number if number.is_finite() and abs(number) <= _LARGEST else None


def carried(work: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return ``work`` so that nothing answered gives nothing."""
    return lambda one, other: None if one is None or other is None else work(one, other)


def divide(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    """Return a quotient, None when nothing is answered or it is by zero."""
    return None if one is None or not other else bounded(CONTEXT.divide(one, other))


def _arithmetic(work: Callable[[Decimal, Decimal], Decimal]) -> Callable[[Any, Any], Any]:
    return lambda one, other: None if one is None or other is None else bounded(work(one, other))


def kleene_and(*values: bool | None) -> bool | None:
    """Tell whether all hold; None while that hangs on what is not answered."""
    return False if False in values else None if None in values else True


def kleene_or(*values: bool | None) -> bool | None:
    """Tell whether any holds; None while that hangs on what is not answered."""
    return True if True in values else None if None in values else False


def _sum(values: Iterable[Decimal | None]) -> Decimal | None:
    total: Decimal | None = None
    for value in values:
        if value is not None:
            total = value if total is None else CONTEXT.add(total, value)
    return None if total is None else bounded(total)


def sum_of_lengths(lists: Iterable[Sequence[Any]]) -> int:
    """Return how many entries stand in all ``lists``."""
    return sum(map(len, lists))


def days_between(start: str, end: str) -> Decimal:
    """Return the days from one day to another."""
    return Decimal((date.fromisoformat(end) - date.fromisoformat(start)).days)


def years_between(start: str, end: str) -> Decimal:
    """Return the whole years from one day to another, as ages are told."""
    if end < start:
        return -years_between(end, start)
    one, other = date.fromisoformat(start), date.fromisoformat(end)
    return Decimal(other.year - one.year - ((other.month, other.day) < (one.month, one.day)))


def _answered(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if value is not None]


ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: _arithmetic(CONTEXT.add),
    ast.Sub: _arithmetic(CONTEXT.subtract),
    ast.Mult: _arithmetic(CONTEXT.multiply),
    ast.Div: divide,
}

COMPARISONS: dict[type, Callable[[Any, Any], bool]] = {
    ast.Eq: lambda one, other: one == other,
    ast.NotEq: lambda one, other: one != other,
    ast.Lt: lambda one, other: one < other,
    ast.LtE: lambda one, other: one <= other,
    ast.Gt: lambda one, other: one > other,
    ast.GtE: lambda one, other: one >= other,
}

OVER_ENTRIES: dict[str, Callable[[Any], Any]] = {
    "sum": _sum,
    "count": lambda values: Decimal(sum(value is not None and value != [] for value in values)),
    "min": lambda values: min(_answered(values), default=None),
    "max": lambda values: max(_answered(values), default=None),
    "any": lambda values: kleene_or(*values),
    "all": lambda values: kleene_and(*values),
}
