"""Definitions for tests: a procedure with file fields everywhere: in a form, a group, an entry, under a condition."""

from __future__ import annotations

import shutil
from pathlib import Path

from app.config import ROOT

HERE = Path(__file__).resolve().parent


def definitions(folder: Path) -> dict[str, str]:
    """Copy the shipped definitions and these into ``folder``; return the variables that name them."""
    for kind in ("workflows", "forms"):
        shutil.copytree(ROOT / kind, folder / kind)
        shutil.copytree(HERE / kind, folder / kind, dirs_exist_ok=True)
    return {"KEZEN_WORKFLOWS": str(folder / "workflows"), "KEZEN_FORMS": str(folder / "forms")}
