"""Throw inputs that were made to break it at everything that reads what strangers send.

    python -m tests.fuzz [--count N | --seconds N] [--target T]... [--seed S] [--jobs N]
    python -m tests.fuzz --replay FILE --target T
    python -m tests.fuzz --guided --seconds N [--target T]...

Of every input must hold: nothing but an answer comes of it; in a second at most, and in bounded memory; and it is
VALID only with a content, a signer, a value and signed attributes that stand together in one of the seeds.  Inputs
follow from their numbers (``--seed``), so a run can be done again.  What fails is kept under ``var/fuzz``; mended, it
goes into ``tests/fuzz/corpus``, which every run judges first.

``--guided`` lets the coverage lead (atheris, libFuzzer); it is no part of the locked packages, put it beside them:

    .venv/bin/pip install --target var/atheris atheris
    PYTHONPATH=var/atheris .venv/bin/python -m tests.fuzz --guided --seconds 300
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

FOLDER = Path(os.environ.get("KEZEN_VAR", "var")) / "fuzz"
COUNT = 3_000


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.splitlines()[0])
    many = parser.add_mutually_exclusive_group()
    many.add_argument("--count", type=int, help=f"inputs over all targets (default {COUNT})")
    many.add_argument("--seconds", type=float, help="how long, over all targets")
    parser.add_argument("--target", action="append", help="one of the targets; repeatable (default: all)")
    parser.add_argument("--seed", type=int, default=1, help="another number gives other inputs")
    parser.add_argument("--first", type=int, default=0, help="number of the first input of each target")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once")
    parser.add_argument("--json", action="store_true", help="the summary as JSON")
    parser.add_argument("--replay", type=Path, help="judge a saved input of the one --target again")
    parser.add_argument("--guided", action="store_true", help="let the coverage lead; needs atheris")
    return parser.parse_args()


def main() -> int:
    """Run; 0 when nothing failed, 1 when something did, 64 for wrong usage."""
    given = _arguments()
    if given.guided:
        from tests.fuzz import guided

        return guided.main(given.target, seconds=given.seconds or 60.0, folder=FOLDER)
    from tests.fuzz.run import Tally, judge, read_input, run, show, told
    from tests.fuzz.targets import TARGETS

    chosen = given.target or list(TARGETS)
    if not set(chosen) <= set(TARGETS) or (given.replay and len(chosen) != 1):
        print(f"targets: {', '.join(TARGETS)}", file=sys.stderr)
        return 64
    if given.replay:
        target = TARGETS[chosen[0]]()
        one = read_input(target, given.replay.read_bytes())
        tally = Tally(target.name)
        judge(target.context(one.context), one, tally)
        for line in told(tally, FOLDER):
            show(line)
        return 1 if tally.failures else 0

    began, tallies = time.monotonic(), []
    count = given.count if given.seconds is None else None
    each = None if given.seconds is not None else -(-(count or COUNT) // len(chosen))
    seconds = given.seconds / len(chosen) if given.seconds is not None else None
    for name in chosen:
        tally = run(TARGETS[name](), seed=given.seed, count=each, seconds=seconds, jobs=given.jobs, first=given.first)
        tallies.append(tally)
        for line in told(tally, FOLDER):
            print(line, flush=True, file=sys.stderr if given.json else sys.stdout)
    slowest = max(tallies, key=lambda tally: tally.slowest)
    summary = {
        "inputs": sum(tally.inputs for tally in tallies),
        "targets": {tally.target: tally.inputs for tally in tallies},
        "seconds": round(time.monotonic() - began, 1),
        "slowest_ms": round(1000 * slowest.slowest),
        "memory_mb": max(tally.memory for tally in tallies) >> 20,
        "accepted_though_changed": sum(sum(tally.kept.values()) for tally in tallies),
        "failures": sum(len(tally.failures) for tally in tallies),
    }
    if given.json:
        show(json.dumps(summary))
    else:
        show(", ".join(f"{name} {value}" for name, value in summary.items() if name != "targets"))
    return 1 if summary["failures"] else 0


sys.exit(main())
