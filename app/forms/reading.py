"""Reads what was typed into fields: input name -> text, into canonical values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.errors import Problem
from app.forms.fields import FieldError
from app.forms.parts import Field, joined

Choices = Mapping[str, Sequence[tuple[str, str]]]
"""Source -> (option key, label): the lists that the room supplies at run time."""


@dataclass(frozen=True)
class Parsed:
    """What was typed, as canonical values, and what could not be read.

    Read without ``before``, ``values`` holds only the fields that came, and one that was emptied is
    None; otherwise it is complete.  ``unread`` are the paths of the fields (without their parts)
    that could not be read; they keep what stood there.
    """

    values: dict[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    unread: frozenset[str] = frozenset()

    def and_judged(self, judged: Iterable[Problem]) -> tuple[Problem, ...]:
        """Return these problems and those ``judged`` since, one field not told of twice."""
        return (*self.problems, *(problem for problem in judged if not self._tells_of(problem.path)))

    def _tells_of(self, path: str) -> bool:
        return path in self.unread or path.rpartition("-")[0] in self.unread


def parse_fields(
    fields: Iterable[Field],
    raw: Mapping[str, Any],
    prefix: str = "",
    choices: Choices | None = None,
    before: Mapping[str, Any] | None = None,
) -> Parsed:
    """Read what was typed into ``fields``: input name -> text or texts.

    Fields that did not come are left out, or with ``before`` (canonical values) keep what stands
    there; only the rows of groups that stand there are read.  A choice from a list of the room must
    be in ``choices``.
    """
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    unread: set[str] = set()
    start = joined(prefix)
    for asked in fields:
        path = f"{start}{asked.key}"
        if asked.fields is not None:
            held = (before or {}).get(asked.key)
            if isinstance(held, Mapping) and held.get("entries"):
                values[asked.key] = _parse_rows(asked, raw, path, choices, held, problems, unread)
            continue
        typed = _typed(asked, raw, path, before)
        if typed is None:
            continue
        try:
            value = asked.kind.parse(typed, asked)
            if asked.source and value is not None and choices is not None:
                _require_offered(asked.source, value, choices)
            values[asked.key] = value
        except FieldError as error:
            problems.append(asked.problem(error, path))
            unread.add(path)
    if before is not None:
        values = without_none({**before, **values})
    return Parsed(values, tuple(problems), frozenset(unread))


def _parse_rows(
    group: Field,
    raw: Mapping[str, Any],
    path: str,
    choices: Choices | None,
    before: Mapping[str, Any],
    problems: list[Problem],
    unread: set[str],
) -> dict[str, Any]:
    rows = []
    for row in before["entries"]:
        parsed = parse_fields(group.fields or (), raw, f"{path}-{row['id']}", choices, row["values"])
        rows.append({**row, "values": parsed.values})
        problems += parsed.problems
        unread |= parsed.unread
    return {**before, "entries": rows}


def _typed(asked: Field, raw: Mapping[str, Any], path: str, before: Mapping[str, Any] | None) -> Any:
    """Return what came for a field, None when nothing of it did; parts that did not come are as they stand."""
    if not asked.kind.typed:
        return None
    if not asked.parts:
        return first_text(raw[path]) if path in raw else None
    names = {part: f"{path}-{part}" for part in asked.parts}
    if not any(name in raw for name in names.values()):
        return None
    held = (before or {}).get(asked.key)
    return {part: first_text(raw[name]) if name in raw else asked.entry(held, part) for part, name in names.items()}


def first_text(typed: Any) -> str:
    """Return the first of several texts of one name; a plain text is itself."""
    if isinstance(typed, str):
        return typed
    return str(typed[0]) if typed else ""


def without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``values`` without those that were emptied."""
    return {key: value for key, value in values.items() if value is not None}


def _require_offered(source: str, value: str, choices: Choices) -> None:
    if value not in {key for key, _ in choices.get(source, ())}:
        raise FieldError("field.err.choice")
