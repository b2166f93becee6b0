"""The same question in a process of its own: what a file does to its reader, it does to that process alone.

The process gets a path and nothing else of ours: no secrets in its environment, bounded memory, time and files.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path
from threading import Lock
from typing import Any

from app.files.findings import Look, Note, Refusal

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 60
"""Seconds by the clock, on a busy machine too; the process itself may compute for ``CPU_SECONDS``."""
CPU_SECONDS = 20
MEMORY = 2 * 1024 * 1024 * 1024

_KEPT = 512
_known: OrderedDict[str, dict[str, Any]] = OrderedDict()
_lock = Lock()


def look_aside(path: Path, sha256: str) -> Look:
    """Return what the file at ``path`` is; ``sha256`` is that of its bytes, so that none is looked at twice.

    Raises:
        Refusal: as ``look``; or it could not be read within the bounds.
    """
    with _lock:
        found = _known.get(sha256)
    if found is None:
        found = _ask(path)
        with _lock:
            _known[sha256] = found
            while len(_known) > _KEPT:
                _known.popitem(last=False)
    if "refused" in found:
        raise Refusal(found["refused"], **found["params"])
    return Look(found["kind"], tuple(Note(key, params) for key, params in found["notes"]))


def told(path: Path) -> dict[str, Any]:
    """Return what ``look`` says of a file, as one process tells another."""
    from app.files.look import look

    try:
        with path.open("rb") as file:
            found = look(file)
    except Refusal as refusal:
        return {"refused": refusal.key, "params": refusal.params}
    except (MemoryError, RecursionError):
        return {"refused": "file.err.bomb", "params": {}}
    return {"kind": found.kind, "notes": [(note.key, dict(note.params)) for note in found.notes]}


def _ask(path: Path) -> dict[str, Any]:
    environ = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH") if name in os.environ}
    try:
        answer = subprocess.run(
            [sys.executable, "-m", "app.files", str(path)],
            cwd=ROOT,
            env={**environ, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LONGEST,
            check=False,
        )
        found: dict[str, Any] = json.loads(answer.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        return {"refused": "file.err.bomb", "params": {}}
    return found
