"""The run: inputs by number, judged in processes of their own; what escapes, hangs, swells or lies is kept.

A process that judges can be lost: it is watched, ended when one input takes too long, and followed by another that
goes on with the next input.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.target import Context, Target, Wrong

CORPUS = Path(__file__).parent / "corpus"
MOST_SECONDS = 1.0
"""Processor time of one input."""
MOST_MEMORY = 100 * 1024 * 1024
"""Octets by which one input may raise the peak of its process."""
HANG_SECONDS = 20.0
"""Time on the wall after which a process is given up: others may be at work beside it."""
ADDRESS_SPACE = 4 << 30
BATCH = 25


@dataclass(frozen=True)
class Input:
    """One input and where it comes from; ``number`` is None for one of the corpus."""

    context: str
    data: bytes
    seed: bytes
    number: int | None = None

    def written(self) -> bytes:
        """Return the input as a file of the corpus: the name of its context in a line, then its octets."""
        return self.context.encode() + b"\n" + self.data


@dataclass
class Failure:
    """What went wrong with an input; the same fault again is only counted."""

    kind: str
    told: str
    input: Input
    count: int = 1

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.told.strip().rpartition("\n")[0] if self.kind == "escaped" else self.told


@dataclass
class Tally:
    """What a target has seen."""

    target: str
    inputs: int = 0
    slowest: float = 0.0
    slowest_input: Input | None = None
    memory: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    failures: dict[tuple[str, str], Failure] = field(default_factory=dict)

    def add(self, failure: Failure) -> None:
        known = self.failures.setdefault(failure.key, failure)
        if known is not failure:
            known.count += failure.count

    def merge(self, other: Tally) -> None:
        self.inputs += other.inputs
        self.memory = max(self.memory, other.memory)
        if other.slowest > self.slowest:
            self.slowest, self.slowest_input = other.slowest, other.slowest_input
        self.verdicts += other.verdicts
        self.kept += other.kept
        for failure in other.failures.values():
            self.add(failure)


# --- inputs -----------------------------------------------------------------------------------------


def numbered(target: Target, seed: int, number: int) -> Input:
    """Return the input of a number, always the same."""
    dice = Random(f"{seed} {target.name} {number}")
    context = dice.choice(target.contexts)
    whole = dice.choice(context.seeds)
    return Input(context.name, target.changed(context, whole, dice), whole, number)


def read_input(target: Target, content: bytes) -> Input:
    """Return the input that a file of the corpus holds."""
    name, _, data = content.partition(b"\n")
    return Input(name.decode(), data, target.context(name.decode()).seeds[0])


def corpus(target: Target) -> list[Input]:
    """Return what was found in earlier runs, and the seeds as they are."""
    kept = [read_input(target, one.read_bytes()) for one in sorted((CORPUS / target.name).glob("*"))]
    return kept + [Input(context.name, seed, seed) for context in target.contexts for seed in context.seeds]


# --- judging ----------------------------------------------------------------------------------------


def peak() -> int:
    """Return the greatest memory that this process has had, in octets."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def judge(context: Context, given: Input, tally: Tally) -> None:
    """Judge an input and note what came of it."""
    before, began = peak(), time.process_time()
    try:
        told = context.judge(given.data, given.seed)
    except Wrong as wrong:
        tally.add(Failure("believed", str(wrong), given))
        tally.verdicts["believed"] += 1
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # a panic of a library in Rust is none of Exception
        tally.add(Failure("escaped", "".join(traceback.format_exc(limit=-4)), given))
        tally.verdicts["escaped"] += 1
    else:
        tally.verdicts[told.verdict] += 1
        if told.kept:
            tally.kept[told.kept] += 1
    seconds, grown = time.process_time() - began, peak() - before
    tally.inputs += 1
    tally.memory = max(tally.memory, grown)
    if seconds > tally.slowest:
        tally.slowest, tally.slowest_input = seconds, given
    if seconds > MOST_SECONDS:
        tally.add(Failure("slow", f"more than {MOST_SECONDS:g} s in {given.context}", given))
    if grown > MOST_MEMORY:
        tally.add(Failure("memory", f"more than {MOST_MEMORY >> 20} MB in {given.context}", given))


def _work(
    target: Target, seed: int, numbers: Sequence[int] | None, first: int, step: int, at: Any, out: Connection
) -> None:
    """Judge inputs one after another; tell their tallies by the batch, and in ``at`` which one is being judged."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    number, last = first, numbers[-1] if numbers else None
    while True:
        tally = Tally(target.name)
        for _ in range(BATCH):
            if last is not None and number > last:
                out.send(tally)
                out.send(None)
                return
            at.value = number
            given = numbered(target, seed, number)
            judge(target.context(given.context), given, tally)
            number += step
        out.send(tally)


@dataclass
class _Worker:
    """A process that judges, and the end at which it is heard."""

    target: Target
    seed: int
    numbers: range | None
    step: int
    next: int
    is_done: bool = False

    def start(self) -> None:
        processes = multiprocessing.get_context("fork")
        self.at = processes.Value("q", self.next, lock=False)
        self.heard, speaks = processes.Pipe(duplex=False)
        self.process = processes.Process(
            target=_work,
            args=(self.target, self.seed, self.numbers, self.next, self.step, self.at, speaks),
            daemon=True,
        )
        self.process.start()
        speaks.close()
        self.since, self.seen = time.monotonic(), -1

    def lost(self, why: str, tally: Tally) -> None:
        """Note the input at which the process was lost, and go on behind it with another one."""
        number = int(self.at.value)
        self.process.kill()
        self.process.join()
        tally.add(Failure("lost", why, numbered(self.target, self.seed, number)))
        tally.inputs += 1
        self.next = number + self.step
        self.start()

    def hear(self, tally: Tally) -> None:
        try:
            while self.heard.poll():
                told = self.heard.recv()
                if told is None:
                    self.is_done = True
                    self.process.join()
                    return
                tally.merge(told)
        except EOFError:
            self.process.join()
            self.lost(f"the process ended with {self.process.exitcode}", tally)
            return
        if self.at.value != self.seen:
            self.since, self.seen = time.monotonic(), int(self.at.value)
        elif time.monotonic() - self.since > HANG_SECONDS:
            self.lost(f"no answer in {HANG_SECONDS:g} s", tally)

    def end(self) -> None:
        if self.process.is_alive():
            self.process.kill()
        self.process.join()


def run(target: Target, *, seed: int, count: int | None, seconds: float | None, jobs: int, first: int = 0) -> Tally:
    """Judge the corpus and then inputs from ``first`` on, ``count`` of them or for some seconds."""
    tally = Tally(target.name)
    for given in corpus(target):
        judge(target.context(given.context), given, tally)
    numbers = range(first, first + count) if count is not None else None
    workers = [_Worker(target, seed, numbers, jobs, first + place) for place in range(jobs)]
    ends = time.monotonic() + seconds if seconds is not None else None
    try:
        for worker in workers:
            worker.start()
        while (left := [worker for worker in workers if not worker.is_done]) and (
            ends is None or time.monotonic() < ends
        ):
            for worker in left:
                worker.hear(tally)
            time.sleep(0.02)
    finally:
        for worker in workers:
            worker.end()
    return tally


# --- telling ----------------------------------------------------------------------------------------


def save(folder: Path, target: str, given: Input) -> Path:
    """Keep an input so that it can be judged again; return its file."""
    name = f"{target}-{hashlib.sha256(given.written()).hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / name
    place.write_bytes(given.written())
    return place


def told(tally: Tally, folder: Path) -> Iterator[str]:
    """Yield the lines that tell of a target; failures are saved."""
    slowest = tally.slowest_input.context if tally.slowest_input else ""
    yield (
        f"{tally.target}: {tally.inputs} inputs, slowest {1000 * tally.slowest:.0f} ms ({slowest}), "
        f"memory +{tally.memory >> 20} MB, failures {len(tally.failures)}"
    )
    for title, counted in (("verdicts", tally.verdicts), ("accepted though changed", tally.kept)):
        most = ", ".join(f"{name} {count}" for name, count in counted.most_common(8))
        rest = sum(counted.values()) - sum(count for _, count in counted.most_common(8))
        if counted:
            yield f"  {title}: {most}" + (f", others {rest}" if rest else "")
    for failure in tally.failures.values():
        place = save(folder, tally.target, failure.input)
        yield f"  {failure.kind} ({failure.count}x) in {failure.input.context!r}: {place}"
        yield from (f"    {line}" for line in failure.told.rstrip().splitlines())


def show(line: str) -> None:
    print(line, flush=True, file=sys.stdout)
