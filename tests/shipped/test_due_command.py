"""``flask due`` as the contract has it."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

from click.testing import CliRunner

from app.cli.definitions import check
from app.cli.due import due

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "tests/engines/business_calendar/published_examples.csv"


def test_the_published_examples_are_answered_exactly():
    asked = list(csv.DictReader(EXAMPLES.read_text(encoding="utf-8").splitlines()))
    columns = ("id", "accepted_at", "response_due", "resolution_due", "auto_close_at")

    result = CliRunner().invoke(due, [str(EXAMPLES)])

    expected = [",".join(columns), *(",".join(row[name] for name in columns) for row in asked)]
    assert (result.exit_code, result.stdout.splitlines()) == (0, expected)


def test_a_row_that_cannot_be_reckoned_is_told_and_the_others_are_answered(tmp_path):
    file = tmp_path / "asked.csv"
    file.write_text(
        "id,policy,case,received_at,pauses\n"
        "a,exchange,P1,2026-02-11T10:00+05:00,\n"
        "b,exchnge,P1,2026-02-11T10:00+05:00,\n"
        "c,exchange,P7,2026-02-11T10:00+05:00,\n"
        "d,exchange,P1,yesterday,\n"
        "e,exchange,P1,2026-02-11T10:00,\n"
        "f,exchange,P1,2028-02-11T10:00+05:00,\n"
        "g,exchange,P4,2026-05-06T10:00+05:00,2026-05-06T11:00+05:00/;2026-05-06T12:00+05:00/\n",
        encoding="utf-8",
    )

    result = CliRunner().invoke(due, [str(file)])

    assert result.exit_code == 1
    assert [line.partition(",")[0] for line in result.stdout.splitlines()] == ["id", "a"]
    told = result.stderr.splitlines()
    assert [line.removeprefix(f"{file}:").split(": ")[:2] for line in told] == [
        ["3", "policy"], ["4", "case"], ["5", "received_at"], ["6", "received_at"], ["7", "received_at"],
        ["8", "received_at"],
    ]  # fmt: skip
    assert "2028" in told[4]


def test_a_file_without_the_columns_is_told(tmp_path):
    file = tmp_path / "asked.csv"
    file.write_text("id,case\na,P1\n", encoding="utf-8")

    result = CliRunner().invoke(due, [str(file)])

    assert result.exit_code == 1
    assert "policy: this column is missing" in result.stderr


def test_flask_check_tells_faults_of_calendars_too(tmp_path):
    shutil.copytree(ROOT / "app" / "business_calendar" / "calendars", tmp_path / "calendars")
    table = tmp_path / "calendars" / "kz_production.2027.v1.yaml"
    table.write_text(table.read_text(encoding="utf-8").replace("2027-01-01", "2028-01-01"), encoding="utf-8")

    for path in (tmp_path / "calendars", table):
        result = CliRunner().invoke(check, [str(path)])

        assert result.exit_code == 1
        assert f"{table}:7: days_off.0: 2028-01-01 is not in 2027" in result.stdout
