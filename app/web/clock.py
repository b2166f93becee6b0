"""What time it is: real, but in the demo it can be moved so that terms can be tried."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.config import Config

_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


class BadShift(ValueError):
    """A shift that is not like ``+3d``, ``-2h``, ``+30m`` or ``reset``."""


def now(config: Config) -> datetime:
    """Return the present moment, aware, in UTC; with the demo's shift where that is allowed."""
    moment = datetime.now(UTC)
    return moment + _shift(config) if config.is_demo else moment


def unmoved() -> datetime:
    """Return the present moment whatever the demo's clock says: sessions and one-time codes live in real time."""
    return datetime.now(UTC)


def _file(config: Config) -> Path:
    return config.var / "clock"


def _shift(config: Config) -> timedelta:
    try:
        return timedelta(seconds=float(_file(config).read_text(encoding="ascii")))
    except (FileNotFoundError, ValueError):
        return timedelta()


def move(config: Config, shift: str) -> datetime:
    """Move the clock of a demo by ``shift``, on top of earlier moves, and return the new moment.

    Raises:
        BadShift: the words are not understood, or this is not a demo.
    """
    if not config.is_demo:
        raise BadShift("the clock is moved in the demo and in tests only")
    if shift == "reset":
        _file(config).unlink(missing_ok=True)
        return now(config)
    match = re.fullmatch(r"([+-])(\d{1,5})([dhm])", shift)
    if match is None:
        raise BadShift(f"{shift!r}: write +3d, -2h, +30m or reset")
    sign, count, unit = match.groups()
    step = timedelta(**{_UNITS[unit]: int(count)})
    total = _shift(config) + (step if sign == "+" else -step)
    draft = _file(config).with_suffix(".new")
    draft.write_text(str(total.total_seconds()), encoding="ascii")
    draft.rename(_file(config))
    return now(config)
