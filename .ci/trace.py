"""Tell which tests carry which requirement, and which requirement no test carries.

    trace.py           for reading: requirement, its words, its tests; at the end what is not covered
    trace.py --json    one object on standard output: {"IS2IN-14.j": ["tests/…::test_…"], …}

The tests are collected by pytest, not run; a test carries an ID by ``@pytest.mark.req("…")``.
An ID that ``docs/requirements.csv`` does not know is an error.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "docs" / "requirements.csv"


@dataclass(eq=False)  # pytest keeps its plugins in sets
class Collector:
    """A pytest plugin that notes the ``req`` markers of what is collected."""

    tests: dict[str, list[str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Note each test once, whatever its parameters."""
        for item in items:
            test = item.nodeid.split("[", 1)[0]
            for marker in item.iter_markers("req"):
                for requirement in marker.args:
                    carriers = self.tests.setdefault(requirement, [])
                    if test not in carriers:
                        carriers.append(test)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that cannot be collected: without it the answer would be wrong."""
        if report.failed:
            self.faults.append(f"{report.nodeid}: cannot be collected\n{report.longreprtext}")


def requirements() -> dict[str, dict[str, str]]:
    """Return ID -> row of the requirements file, in its order."""
    with REQUIREMENTS.open(encoding="utf-8", newline="") as file:
        return {row["ID"]: row for row in csv.DictReader(file)}


def collect() -> Collector:
    """Let pytest collect all tests; what it prints is told only when it fails."""
    collector = Collector()
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        code = pytest.main(["--collect-only", "-qq", "--no-summary", str(ROOT / "tests")], [collector])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED) and not collector.faults:
        collector.faults.append(f"pytest ended with {code!r}\n{printed.getvalue()}")
    return collector


def tell(rows: dict[str, dict[str, str]], tests: dict[str, list[str]]) -> None:
    """Print requirement and tests, then what is not covered and the sums."""
    for requirement, row in rows.items():
        if tests.get(requirement):
            print(f"{requirement}  {row['words']}")
            for test in tests[requirement]:
                print(f"    {test}")
    kept = [requirement for requirement, row in rows.items() if row["status"] == "kept"]
    bare = [requirement for requirement in kept if not tests.get(requirement)]
    print(f"\nWithout a test ({len(bare)}):")
    for requirement in bare:
        print(f"{requirement}  {rows[requirement]['words']}")
    print(
        f"\n{len(rows)} requirements: {len(kept) - len(bare)} with tests, {len(bare)} without, "
        f"{len(rows) - len(kept)} left out with a reason"
    )


def main(arguments: list[str]) -> int:
    """Do what the command line says; exit 1 on a fault of the tests' markers."""
    rows = requirements()
    collector = collect()
    faults = list(collector.faults)
    for requirement in sorted(set(collector.tests) - set(rows)):
        faults.extend(f"{test}: {requirement}: not in docs/requirements.csv" for test in collector.tests[requirement])
    for fault in faults:
        print(fault, file=sys.stderr)
    if "--json" in arguments:
        print(json.dumps({requirement: collector.tests.get(requirement, []) for requirement in rows}, indent=1))
    else:
        tell(rows, collector.tests)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
