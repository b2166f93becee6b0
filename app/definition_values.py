"""Values that definition files of several engines write the same way, and how a wrong one is refused."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import PlainValidator
from pydantic_core import PydanticCustomError


def refused(problem: str, mend: str) -> PydanticCustomError:
    """Return the refusal of a value in a file: what is wrong with it, and what would do."""
    # The braces of pydantic's templates would be read in the words, so both go in as data.
    return PydanticCustomError("definition", "{problem}", {"problem": problem, "mend": mend})


def _day(text: object) -> date:
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise refused(f"'{text}' is no date", "write 2026-01-01") from None


Day = Annotated[date, PlainValidator(_day)]
"""A day as 2026-01-01."""
