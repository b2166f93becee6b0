"""Faults of calendar and policy files, each told at its line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.business_calendar.definitions import load

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "app" / "business_calendar" / "calendars", tmp_path / "calendars")
    return tmp_path / "calendars"


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("kz_production.2025.v1.yaml", "date: 2025-01-01", "date: 2024-01-01", "2024-01-01 is not in 2025"),
        ("kz_production.2025.v1.yaml", "date: 2025-01-01", "date: 2025-02-30", "'2025-02-30' is no date"),
        ("kz_production.2025.v1.yaml", "date: 2025-01-01", "date: 2025-01-02", "2025-01-02 stands 2 times"),
        ("kz_production.2025.v1.yaml", "date: 2025-01-01", "date: 2025-01-05", "both off and working"),
        ("kz_production.2025.v1.yaml", "date: 2025-01-01", "date: 2025-02-01", "is a Saturday, off as it is"),
        ("kz_production.2025.v1.yaml", "[2025-01-05]", "[2025-02-03]", "is a Monday, working as it is"),
        ("kz_production.2025.v1.yaml", "year: 2025", "year: 2026", "2026 is not the year in the file's name"),
        ("kz_production.2026.v2.yaml", "reason: ", "# ", "gives no reason"),
        ("hours.yaml", '[["09:00", "18:00"]]', '[["18:00", "09:00"]]', "do not follow each other"),
        ("hours.yaml", '[["09:00", "18:00"]]', '[["9", "18:00"]]', "'9' is no time of the day"),
        ("hours.yaml", "days: every_day", "days: every_dy", "day calendar 'every_dy' is unknown"),
        ("policies.yaml", "hours: always", "hours: alwys", "service hours 'alwys' are unknown"),
        ("policies.yaml", "extends: openapi", "extends: opnapi", "policy 'opnapi' is unknown"),
        ("policies.yaml", "P1: {response: null, resolution: {working_hours: 2}}", "P1: {resolution: {hours: 2}}", "P1"),
        ("policies.yaml", "{working_hours: 6}", "{working_hours: 0}", "greater than or equal to 1"),
        ("policies.yaml", "{working_hours: 6}", "{working_hours: 6, working_days: 1}", "at most 1 item"),
    ],
)
def test_a_fault_is_told_where_it_stands(copy, file, old, new, told):
    path = copy / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    line = next(number for number, each in enumerate(text.splitlines(), 1) if old in each)

    _, faults = load(copy, copy.parent)

    assert any(told in str(fault) and fault.file == f"calendars/{file}" for fault in faults), faults
    if "reason" not in old:
        assert any(fault.line == line for fault in faults), faults


def test_an_amended_table_needs_the_one_before_it(copy):
    (copy / "kz_production.2026.v1.yaml").unlink()

    _, faults = load(copy, copy.parent)

    assert [fault.problem for fault in faults] == ["the version before it is gone"]
