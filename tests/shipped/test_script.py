"""The script of the project's root keeps to a plain POSIX shell, and the lock files to their rules."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from app.sandbox.pki import ISSUERS

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_script_is_plain_shell():
    assert run("sh", "-n", "kezen").stderr == ""


def test_an_unknown_command_is_refused_with_the_list_of_commands():
    answer = run("./kezen", "nosuch")

    assert answer.returncode == 64
    for command in ("run", "test", "check", "trace", "bench", "fuzz", "assets"):
        assert f"\n  {command}" in answer.stderr


def test_a_port_that_is_no_number_is_refused_before_anything_is_set_up():
    answer = run("env", "PORT=http", "./kezen", "run")

    assert answer.returncode == 1
    assert answer.stderr == "kezen: PORT=http: give a number\n"


def test_the_authority_s_port_is_refused_too_when_it_is_no_number():
    answer = run("env", "KEZEN_AUTHORITY_PORT=http", "./kezen", "run")

    assert answer.returncode == 1
    assert answer.stderr == "kezen: KEZEN_AUTHORITY_PORT=http: give a number\n"


def test_the_script_tells_the_application_where_the_demo_s_authority_answers():
    paths = {"ocsp", "tsp", *(f"crl/{name}.crl" for name in ISSUERS)}

    assert set(re.findall(r"\$at/([a-z_/.]+)", (ROOT / "kezen").read_text())) == paths


def test_lock_files_are_pinned_hashed_and_without_hosts():
    answer = run(sys.executable, ".ci/check_locks.py")

    assert (answer.returncode, answer.stdout) == (0, "Lock files: pinned, hashed, without hosts\n")
