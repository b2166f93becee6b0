"""Conditions of workflow files: expressions over what was answered in stages, ``completeness.verdict == 'complete'``.

A name is ``stage.field``, or ``stage.field.part``; and of what a decision table gave ``table.output``.  The
language is that of forms (``app.expressions``).  This file checks conditions against the forms and makes them
ready to be read; what they are read from is laid out by whoever keeps the answers (``Answered``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.expressions.compiling import compile_expression
from app.expressions.language import Expression, ExpressionError, Named
from app.expressions.scopes import Scope

Fields = Mapping[str, Named]
"""The fields of a stage, or the outputs of a table, by their keys."""


@dataclass(frozen=True)
class Place:
    """A stage, or a decision table in use, as a name of a condition: what stands before the dot."""

    fields: Fields
    sort: str = "place"
    options: Iterable[str] | None = None
    unit: str = ""

    def part(self, name: str) -> str | None:
        """Return None: what it holds are fields."""
        return None

    def inner(self, name: str) -> Named | None:
        """Return one of its fields."""
        return self.fields.get(name)


@dataclass(frozen=True)
class Output:
    """A column that a decision table gives, as conditions see it."""

    sort: str
    options: Iterable[str] | None = None
    unit: str = ""

    def part(self, name: str) -> str | None:
        """Return None: it has no parts."""
        return None

    def inner(self, name: str) -> Named | None:
        """Return None: it is no group."""
        return None


def compiled(text: str, places: Mapping[str, Fields], sort: str = "truth") -> Expression:
    """Check a condition against the fields of ``places`` (stages, tables) and return it ready to be read.

    Raises:
        ExpressionError: it is not of the language, names nothing that there is, or is of another sort.
    """
    known = [f"{place}.{name}" for place, fields in places.items() for name in fields]

    def resolve(name: str) -> tuple[int, Named] | None:
        return (0, Place(places[name])) if name in places else None

    found = compile_expression(text, resolve, known)
    if found.sort != sort:
        raise ExpressionError("it is no yes or no", "compare it: stage.field == 'value', or ask filled(stage.field)")
    return found


@dataclass
class Answered:
    """The answers that a condition sees: ``sheet`` gives for a place and a field where the field is answered.

    The scope returned knows the field by its own key; None: nobody has answered there.
    """

    sheet: Callable[[str, str], Scope | None]
    memo: dict[Any, Any] = field(default_factory=dict)

    def up(self, level: int) -> Answered:
        """Return the answers themselves: nothing stands around them."""
        return self

    def operand(self, key: str) -> Any:
        """Return what was answered, None for nothing."""
        place, _, name = key.partition(".")
        found = self.sheet(place, name)
        return None if found is None else found.operand(name)

    def rows(self, key: str) -> Sequence[Scope]:
        """Return the entries of a group."""
        place, _, name = key.partition(".")
        found = self.sheet(place, name)
        return () if found is None else found.rows(name)


@dataclass
class Given:
    """Values as they are, as a scope: what a table gave."""

    values: Mapping[str, Any]
    memo: dict[Any, Any] = field(default_factory=dict)

    def up(self, level: int) -> Given:
        """Return itself."""
        return self

    def operand(self, key: str) -> Any:
        """Return a value."""
        return self.values.get(key)

    def rows(self, key: str) -> Sequence[Scope]:
        """Return nothing: there are no groups."""
        return ()
