"""docs/parts.md tells of every shared part what it gives; the files are the truth, and the page repeats them.

Where the two differ, the test prints the page as it should be.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "parts.md"
MARK = "<!-- from here on as the files say; tests/shipped/test_parts_documented.py -->"


def test_the_page_says_of_every_shared_part_what_its_file_says():
    said = PAGE.read_text(encoding="utf-8").partition(MARK)[2]

    expected = "".join(section(path) for path in sorted((ROOT / "workflows" / "_shared").glob("*.yaml")))
    assert said.strip() == expected.strip(), expected


def section(path: Path) -> str:
    """Return what the page says of a part."""
    text = path.read_text(encoding="utf-8")
    part = yaml.load(text, Loader=yaml.CSafeLoader)
    lines = [line.removeprefix("#").strip() for line in text.splitlines()[:6] if line.startswith("#")]
    rows = "".join(f"| {name} | {words} |\n" for name, words in told(part) if words)
    return f"## {part['part']}.v{part['version']}\n\n{' '.join(lines)}\n\n| | |\n|---|---|\n{rows}\n"


def told(part: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the rows of a part's table, those that say something."""
    processes = part.get("processes", {})
    stages = {key: [each for sub in one.get("subprocesses", {}).values() for each in sub.get("stages", ())]
              for key, one in processes.items()}  # fmt: skip
    yield "processes", "; ".join(f"{key}: {listed(stages[key])}" if stages[key] else key for key in processes)
    named = {each for found in stages.values() for each in found}
    yield "further stages", listed(key for key in part.get("stages", {}) if key not in named)
    yield (
        "transitions",
        "; ".join(f"`{each['trigger']}` {each['source']} → {each['target']}" for each in part.get("transitions", ())),
    )
    yield (
        "interruptions",
        "; ".join(
            f"`{each['trigger']}` from {', '.join(each['sources'])}"
            + (f" → {each['target']}" if "target" in each else "")
            for each in part.get("interruptions", ())
        ),
    )
    own = [(key, each["term"]) for key, each in processes.items() if "term" in each]
    over = [(f"`{key}` over {', '.join(each['processes'])}", each) for key, each in part.get("terms", {}).items()]
    yield "terms, working days", "; ".join(f"{name} {days(term)}" for name, term in (*own, *over))
    yield "timers", "; ".join(f"`{each['trigger']}` once `{each['term']}` is over" for each in part.get("timers", ()))
    yield "tables", listed(part.get("tables", {}))


def listed(words: Any) -> str:
    return ", ".join(f"`{word}`" for word in words)


def days(term: dict[str, Any]) -> str:
    still = ", still with the applicant" if "pauses" in term else ""
    more = (
        f", {term['extendable']['times']} × {term['extendable']['working_days']} more" if "extendable" in term else ""
    )
    return f"{term['working_days']}{still}{more}"
