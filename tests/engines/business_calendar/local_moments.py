"""Moments written as people write them."""

from __future__ import annotations

from datetime import datetime

from app.business_calendar.days import ZONE


def at(text: str) -> datetime:
    """Return the moment of ``2026-02-13 17:30`` in Kazakhstan's time."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def told(moment: datetime | None) -> str:
    """Return a moment as ``2026-02-13 17:30`` in Kazakhstan's time, "" for none."""
    return moment.astimezone(ZONE).strftime("%Y-%m-%d %H:%M") if moment else ""
