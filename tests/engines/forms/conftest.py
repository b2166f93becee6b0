from __future__ import annotations

from pathlib import Path

import pytest
from form_files import CRITERIA, FORM, LEAF, Write

from app.forms.definitions import DynamicForm, Form, FormLibrary, load


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write form files (name below forms/ -> text) and return the root they stand under."""

    def _write(files: dict[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / "forms" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path

    return _write


def _sound(root: Path) -> FormLibrary:
    library, faults = load(root / "forms", root)
    assert faults == []
    return library


@pytest.fixture
def form(write: Write) -> Form:
    found = _sound(write({"issuer.v1.yaml": FORM})).get("issuer")
    assert isinstance(found, Form)
    return found


@pytest.fixture
def listing(write: Write) -> DynamicForm:
    files = {"listing/_criteria.v1.yaml": CRITERIA, "listing/main/shares/premium.v1.yaml": LEAF}
    found = _sound(write(files)).get("listing")
    assert isinstance(found, DynamicForm)
    return found
