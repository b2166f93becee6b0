"""The answers that an expression sees, and how parts of it are read from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

Path = tuple[str, ...]
Read = Callable[["Scope"], Any]


class Scope(Protocol):
    """The answers that an expression sees: those of one entry, and of the ones around it."""

    memo: dict[Any, Any]

    def up(self, level: int) -> Scope:
        """Return the scope so many levels around this one."""

    def operand(self, key: str) -> Any:
        """Return the value of a field here, None when nothing is answered or it is not asked."""

    def rows(self, key: str) -> Sequence[Scope]:
        """Return the scopes of a group's entries; none when it is not asked."""


def plain(work: Callable[..., Any], reads: Sequence[Read]) -> Read:
    """Return how ``work`` is read over single values."""
    if len(reads) == 1:
        only = reads[0]
        return lambda scope: work(only(scope))
    if len(reads) == 2:
        one, other = reads
        return lambda scope: work(one(scope), other(scope))
    return lambda scope: work(*[read(scope) for read in reads])


def each(work: Callable[..., Any], reads: Sequence[Read], many: Sequence[bool]) -> Read:
    """Return how ``work`` is read over each entry; where not ``many``, one value serves them all."""

    def read(scope: Scope) -> list[Any]:
        found = [one(scope) for one in reads]
        count = next(len(values) for values, is_many in zip(found, many, strict=True) if is_many)
        lists = [values if is_many else [values] * count for values, is_many in zip(found, many, strict=True)]
        return [work(*values) for values in zip(*lists, strict=True)]

    return read


def then(read: Read, work: Callable[[Any], Any]) -> Read:
    """Return how ``work`` is read over what ``read`` finds."""
    return lambda scope: work(read(scope))


def reader(level: int, owners: Path, key: str, part: str, sort: str) -> Read:
    """Return how a field is read: of one entry, or with ``owners`` of every entry of these groups."""

    def value(scope: Scope) -> Any:
        if sort == "group":
            return scope.rows(key)
        found = scope.operand(key)
        if part and found is not None:
            return (found.get(part) or None) if isinstance(found, dict) else None
        return found

    def every(scope: Scope) -> list[Any]:
        scopes: Sequence[Scope] = [scope.up(level)]
        for owner in owners:
            scopes = [row for outer in scopes for row in outer.rows(owner)]
        return [value(row) for row in scopes]

    if owners:
        return every
    return value if level == 0 else lambda scope: value(scope.up(level))
