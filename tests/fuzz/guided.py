"""Inputs that the coverage asks for: libFuzzer by way of atheris, each target in a process of its own.

What atheris is to see must be imported under its eyes, so this file begins anew in every process:

    python -m tests.fuzz.guided TARGET SECONDS FOLDER [options of libFuzzer]

Its first octet chooses the context of an input, the others are the input.  The seeds and what was found to lead
further lie in FOLDER/guided/TARGET; failures are kept in FOLDER as those of other runs are.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

LONGEST = 20_000
NAMES = ("cms", "armour", "certificates", "crl", "ocsp", "timestamps", "xml", "algorithms")


def main(chosen: Sequence[str] | None, *, seconds: float, folder: Path) -> int:
    """Run the targets one after another, each for its part of the time; 1 when something failed."""
    if importlib.util.find_spec("atheris") is None:
        print(
            "atheris is not there; put it beside the locked packages:\n"
            "  .venv/bin/pip install --target var/atheris atheris\n"
            "and name its place: PYTHONPATH=var/atheris .venv/bin/python -m tests.fuzz --guided",
            file=sys.stderr,
        )
        return 64
    names, failed = chosen or NAMES, 0
    for name in names:
        place = folder / "guided" / name
        place.mkdir(parents=True, exist_ok=True)
        log = folder / f"guided-{name}.log"
        command = [sys.executable, "-m", "tests.fuzz.guided", name, str(seconds / len(names)), str(folder)]
        with log.open("wb") as errors:
            failed |= subprocess.run(command, stderr=errors, check=False).returncode
        covered = re.findall(rb"cov: (\d+) ft: (\d+) corp: (\d+)", log.read_bytes())
        if covered:
            edges, features, kept = (int(number) for number in covered[-1])
            print(f"  coverage: {edges} edges, {features} features, {kept} inputs kept in {place}", flush=True)
        else:
            print(f"  the guided run did not begin, see {log}", flush=True)
            failed = 1
    return 1 if failed else 0


def fuzz(name: str, seconds: float, folder: Path, options: Sequence[str]) -> None:
    """Let libFuzzer lead one target; does not return."""
    import atheris

    with atheris.instrument_imports(include=["app.signatures", "pyasn1"]):
        from tests.fuzz.run import Input, Tally, judge, save, told
        from tests.fuzz.targets import TARGETS

    target = TARGETS[name]()
    tally, known, ends = Tally(name), 0, time.monotonic() + seconds
    place = folder / "guided" / name
    for number, context in enumerate(target.contexts):
        for at, seed in enumerate(context.seeds):
            if len(seed) < LONGEST:
                (place / f"seed-{number}-{at}").write_bytes(bytes((number,)) + seed)

    def one(data: bytes) -> None:
        nonlocal known
        if seconds and time.monotonic() > ends:
            for line in told(tally, folder):
                print(line)
            sys.stdout.flush()
            os._exit(1 if tally.failures else 0)
        if not data:
            return
        context = target.contexts[data[0] % len(target.contexts)]
        given = Input(context.name, data[1:], context.seeds[0])
        judge(context, given, tally)
        if len(tally.failures) > known:
            known = len(tally.failures)
            save(folder, name, given)

    def changed(data: bytes, longest: int, seed: int) -> bytes:
        dice = Random(seed)
        context = target.contexts[data[0] % len(target.contexts)] if data else target.contexts[0]
        if not data or dice.random() < 0.3:
            return bytes(atheris.Mutate(data, longest))
        return (data[:1] + target.changed(context, data[1:], dice))[:longest]

    own = [f"-max_len={LONGEST}", "-rss_limit_mb=4000", "-timeout=30", f"-artifact_prefix={folder}/", "-seed=1"]
    atheris.Setup([sys.argv[0], *own, *options, str(place)], one, custom_mutator=changed)
    atheris.Fuzz()


if __name__ == "__main__":
    fuzz(sys.argv[1], float(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
