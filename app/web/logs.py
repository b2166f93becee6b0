"""Logs: one JSON object a line on standard output, without personal numbers.

Nobody logs the number of a person on purpose; but an error of the database may tell the values of
a row, and one of a library what it could not read.
"""

from __future__ import annotations

import re
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

_NUMBER = re.compile(r"(?:(?<![0-9A-Za-z])|(?<=IIN)|(?<=BIN))[0-9]{12}(?![0-9A-Za-z])")
"""An IIN or a BIN; hashes may hold twelve digits in a row too, but not between other signs than letters."""
_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY.*?(?:-----END [A-Z0-9 ]*-----|\Z)", re.DOTALL)

_ROW = re.compile(r"DETAIL:.*")
"""PostgreSQL tells the whole row in which something is wrong."""


def configure() -> None:
    """Write logs in the one form."""
    structlog.configure(
        processors=[
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            _without_secrets,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    )


def _without_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {name: bare(value) for name, value in event.items()}


def bare(value: Any) -> Any:
    """Return a value of a log line without personal numbers, keys and rows of the database."""
    if isinstance(value, str):
        return _NUMBER.sub("…", _ROW.sub("DETAIL: …", _KEY.sub("…", value)))
    if isinstance(value, list | tuple):
        return [bare(one) for one in value]
    if isinstance(value, dict):
        return {bare(name): bare(one) for name, one in value.items()}
    return value if value is None or isinstance(value, bool | int | float) else bare(str(value))
