"""Definitions for tests: a procedure whose forms nest three levels deep and take hundreds of entries.

``definitions(folder)`` lays them beside the shipped ones, so that a house or a server can be told to
read them: ``KEZEN_WORKFLOWS``, ``KEZEN_FORMS``.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from app.config import ROOT
from app.forms import identifiers
from app.forms.definitions import DynamicForm

HERE = Path(__file__).resolve().parent
COMPANY, SECURITIES = "deep_company", "deep_securities"


def definitions(folder: Path) -> dict[str, str]:
    """Copy the shipped definitions and these into ``folder``; return the variables that name them."""
    for kind in ("workflows", "forms"):
        shutil.copytree(ROOT / kind, folder / kind)
        shutil.copytree(HERE / kind, folder / kind, dirs_exist_ok=True)
    return {"KEZEN_WORKFLOWS": str(folder / "workflows"), "KEZEN_FORMS": str(folder / "forms")}


def securities(form: DynamicForm, count: int, path: tuple[str, ...] = ("main", "shares")) -> dict[str, Any]:
    """Return values of the dynamic form with ``count`` entries, every field of each answered by its example."""
    found: dict[str, Any] = {}
    for number in range(count):
        found = form.add(found, path, {"isin": isin(number)})
    leaf = form.form_at(path)
    assert leaf is not None
    for entry in found["entries"]:
        entry["values"] = leaf.example()
    return found


def isin(number: int) -> str:
    """Return an ISIN with a right check digit, another for each number."""
    body = f"KZ1C{number:07d}"
    return next(f"{body}{digit}" for digit in range(10) if identifiers.isin_check_holds(f"{body}{digit}"))
