"""The floor: the statements of an act, sent again to the same database by its bare driver.

They are taken down while the act is done once; then each other application gets the same
statements with its own id and number, prepared beforehand: no objects, no rules, no words.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from sqlalchemy import Engine, event

from app.statements import send

MESSAGE_ID = re.compile(r"<[0-9a-f]{32}@is2in>")


@dataclass(frozen=True)
class Step:
    """One statement as the driver gets it; ``parameters`` is a list of rows if ``many``."""

    statement: str
    parameters: Any
    many: bool

    @property
    def is_reading(self) -> bool:
        """Whether it changes nothing."""
        return self.statement.lstrip().upper().startswith("SELECT")


@contextmanager
def taken_down(engine: Engine) -> Iterator[list[Step]]:
    """Take down what is sent to the database meanwhile."""
    steps: list[Step] = []

    def take(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        steps.append(Step(statement, parameters, many))

    def take_prepared(cursor: Any, words: str, parameters: Sequence[Any]) -> None:
        many = len(parameters) != 1
        steps.append(Step(words, list(parameters) if many else parameters[0], many))
        send(cursor, words, parameters)

    event.listen(engine, "before_cursor_execute", take)
    try:
        with patch("app.statements.send", take_prepared):
            yield steps
    finally:
        event.remove(engine, "before_cursor_execute", take)


def for_another(steps: list[Step], *, ident: int, number: str, other_ident: int, other_number: str) -> list[Step]:
    """Return the steps as they are for another application; a mail gets an id of its own."""

    def own(value: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool) and value == ident:
            return other_ident
        if isinstance(value, str):
            value = MESSAGE_ID.sub(lambda _: f"<{secrets.token_hex(16)}@is2in>", value)
            return value.replace(number, other_number)
        obj = getattr(value, "obj", None)  # the driver's wrapping of a JSON value
        if obj is not None and number in str(obj):
            return type(value)(_in_json(obj, number, other_number), getattr(value, "dumps", None))
        return value

    def row(parameters: Any) -> Any:
        if isinstance(parameters, dict):
            return {name: own(value) for name, value in parameters.items()}
        return tuple(own(value) for value in parameters)

    return [
        Step(step.statement, [row(each) for each in step.parameters] if step.many else row(step.parameters), step.many)
        for step in steps
    ]


def _in_json(value: Any, number: str, other: str) -> Any:
    if isinstance(value, dict):
        return {key: _in_json(each, number, other) for key, each in value.items()}
    return value.replace(number, other) if isinstance(value, str) else value


def replay(connection: Any, scripts: list[list[Step]]) -> None:
    """Send the steps of one act after the other, each with its commit, and fetch what is read."""
    for script in scripts:
        cursor = connection.cursor()
        for step in script:
            (cursor.executemany if step.many else cursor.execute)(step.statement, step.parameters)
            if cursor.description:
                cursor.fetchall()
        connection.commit()
        cursor.close()
