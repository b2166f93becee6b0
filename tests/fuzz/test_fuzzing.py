"""A short run, always the same one; and that a run would notice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from tests.fuzz import run as runs
from tests.fuzz.mutations import mutate, tree, written
from tests.fuzz.target import Context, Target, Told, Wrong

# The test process may have threads by now; the processes that it forks for a run use none of them.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
ROOT = Path(__file__).resolve().parents[2]
COUNT = 3_000


def test_thousands_of_inputs_give_an_answer_in_time_and_none_is_falsely_believed(tmp_path):
    """In a process of its own: the keys of a run are fixed, those of other tests are not."""
    command = [sys.executable, "-m", "tests.fuzz", "--count", str(COUNT), "--seed", "1", "--jobs", "1", "--json"]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"KEZEN_VAR": str(tmp_path)}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr[-5000:]
    summary = json.loads(done.stdout)
    assert summary["inputs"] >= COUNT
    assert min(summary["targets"].values()) > COUNT // len(summary["targets"]) // 2
    assert summary["accepted_though_changed"] > 10  # the inputs reach far enough to be accepted
    assert summary["failures"] == 0
    assert not (tmp_path / "fuzz").exists()


def test_an_unknown_target_is_wrong_usage():
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--target", "nosuch"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 64
    assert "cms" in done.stderr


# --- what a run notices -----------------------------------------------------------------------------


def _believes(data: bytes, seed: bytes) -> Told:
    raise Wrong("nobody signed it so")


def _raises(data: bytes, seed: bytes) -> Told:
    raise KeyError(data)


def _panics(data: bytes, seed: bytes) -> Told:
    raise BaseException("a library in Rust")


def _swells(data: bytes, seed: bytes) -> Told:
    return Told(str(len(bytearray(b"\1") * (300 << 20))))


def _spins(data: bytes, seed: bytes) -> Told:
    ends = time.process_time() + 1.1
    while time.process_time() < ends:
        pass
    return Told("late")


def _ends(data: bytes, seed: bytes) -> Told:
    os._exit(7)


def _hangs(data: bytes, seed: bytes) -> Told:
    time.sleep(60)
    return Told("never")


def _target(judge) -> Target:
    return Target("made up", (Context("only", (bytes.fromhex("30030201 05".replace(" ", "")),), judge),))


@pytest.fixture
def run(monkeypatch):
    """Return a run without a corpus, in a process of its own."""
    monkeypatch.setattr(runs, "corpus", lambda target: [])
    return lambda judge, count: runs.run(_target(judge), seed=1, count=count, seconds=None, jobs=1)


@pytest.mark.parametrize(
    ("judge", "kind"),
    [(_believes, "believed"), (_raises, "escaped"), (_panics, "escaped"), (_swells, "memory"), (_spins, "slow")],
)
def test_a_fault_is_noticed_told_and_kept(judge, kind, run, tmp_path):
    tally = run(judge, 1)

    (failure,) = tally.failures.values()
    lines = list(runs.told(tally, tmp_path))
    (file,) = tmp_path.iterdir()
    assert failure.kind == kind
    assert any(str(file) in line for line in lines)
    assert runs.read_input(_target(judge), file.read_bytes()).data == failure.input.data


def test_the_same_fault_twice_is_one(run):
    (failure,) = run(_raises, 30).failures.values()

    assert failure.count == 30


@pytest.mark.parametrize(("judge", "told"), [(_ends, "ended with 7"), (_hangs, "no answer")])
def test_a_process_that_is_lost_is_followed_by_another(judge, told, run, monkeypatch):
    monkeypatch.setattr(runs, "HANG_SECONDS", 0.5)

    tally = run(judge, 2)

    assert tally.inputs == 2
    (failure,) = tally.failures.values()
    assert failure.kind == "lost"
    assert told in failure.told
    assert failure.input == runs.numbered(_target(judge), 1, 0)


# --- inputs -----------------------------------------------------------------------------------------


def test_an_input_follows_from_its_number():
    target = _target(_raises)

    first = [runs.numbered(target, 1, number).data for number in range(50)]

    assert first == [runs.numbered(target, 1, number).data for number in range(50)]
    assert first != [runs.numbered(target, 2, number).data for number in range(50)]
    assert len(set(first)) > 20


@pytest.mark.parametrize("hexed", ["3003020105", "30800201050000", "a003030100", "24800401410000", "0403020105"])
def test_a_tree_is_written_as_it_was_read(hexed):
    data = bytes.fromhex(hexed)

    assert written(tree(data)) == data


def test_what_is_no_tree_is_changed_all_the_same():
    assert tree(b"no tree") is None
    assert mutate(b"no tree", Random(1), [b"other"]) != b"no tree"
    assert mutate(b"", Random(1), [b""]) is not None
