"""The shipped calendars, and moments written as people write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.business_calendar.definitions import CalendarLibrary, load
from app.business_calendar.hours import ServiceHours

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def library() -> CalendarLibrary:
    found, faults = load(ROOT / "app" / "business_calendar" / "calendars", ROOT)
    assert faults == []
    return found


@pytest.fixture(scope="session")
def exchange(library: CalendarLibrary) -> ServiceHours:
    return library.hours["exchange-0900-1800"]
