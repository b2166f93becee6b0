"""Check the lock files: pinned, hashed, up to date with their wishes, and without a registry's address.

A lock file that names the host it was made from works only where that host is reached.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {"requirements.in": "requirements.lock", "requirements-dev.in": "requirements-dev.lock"}
WITH_HOSTS = ("uv.lock", "pylock.toml", "poetry.lock", "Pipfile.lock", "yarn.lock", "pnpm-lock.yaml")


def plain(name: str) -> str:
    """Return a package's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def python_faults(path: Path) -> Iterator[str]:
    """Yield what is wrong with one pip lock file."""
    text = path.read_text(encoding="utf-8")
    for number, line in enumerate(text.splitlines(), start=1):
        if "://" in line or re.match(r"\s*(-i|-f|--index-url|--extra-index-url|--find-links)\b", line):
            yield f"{path.name}:{number}: names where packages come from; leave that to the installer's settings"
    for requirement in re.split(r"\n(?=\S)", text.strip()):
        if requirement.startswith("#"):
            continue
        if not re.match(r"[A-Za-z0-9_.\-]+(\[[^\]]+\])?==\S", requirement):
            yield f"{path.name}: {requirement.splitlines()[0]}: not pinned to a version"
        elif "--hash=sha256:" not in requirement:
            yield f"{path.name}: {requirement.splitlines()[0]}: without a hash"


def pinned(path: Path) -> dict[str, str]:
    """Return name -> version of a pip lock file."""
    found = re.findall(r"^([A-Za-z0-9_.\-]+)(?:\[[^\]]+\])?==([^\s;\\]+)", path.read_text(encoding="utf-8"), re.M)
    return {plain(name): version for name, version in found}


def wished(path: Path) -> set[str]:
    """Return the names that an ``.in`` file asks for itself."""
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return {plain(re.split(r"[\[<>=~!; ]", line)[0]) for line in lines if line and not line.startswith("-")}


def npm_faults(path: Path) -> Iterator[str]:
    """Yield what is wrong with package-lock.json; a project's own pages (funding) may be named."""
    for name, package in json.loads(path.read_text(encoding="utf-8"))["packages"].items():
        if not name:
            continue
        if "resolved" in package:
            yield f"{path.name}: {name}: names its registry; write it with --omit-lockfile-registry-resolved"
        if "integrity" not in package:
            yield f"{path.name}: {name}: without integrity"


def faults() -> Iterator[str]:
    """Yield every fault of every lock file."""
    for lock in (*(ROOT / name for name in LOCKS.values()), *sorted((ROOT / ".ci").glob("*.lock"))):
        yield from python_faults(lock)
    for wishes, lock in LOCKS.items():
        for name in sorted(wished(ROOT / wishes) - set(pinned(ROOT / lock))):
            yield f"{lock}: {name} of {wishes} is missing; compile it again"
    run, dev = (pinned(ROOT / lock) for lock in LOCKS.values())
    for name in sorted(run):
        if dev.get(name) != run[name]:
            yield f"requirements-dev.lock: {name} is {dev.get(name)}, requirements.lock says {run[name]}"
    yield from npm_faults(ROOT / "package-lock.json")
    for name in WITH_HOSTS:
        if (ROOT / name).exists():
            yield f"{name}: carries registry addresses; do not keep it"


def main() -> int:
    """Print the faults; exit 1 if there are any."""
    found = list(faults())
    for fault in found:
        print(fault)
    print("Lock files: " + (f"{len(found)} faults" if found else "pinned, hashed, without hosts"))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
