"""The first procedure of the docs is what it says: its files have no fault, as a reader would copy them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from app.cli.definitions import faults_of
from app.config import ROOT

DOCS = (ROOT / "docs" / "first-procedure.md").read_text(encoding="utf-8")
KINDS = {"form": "forms", "procedure": "workflows"}


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the definitions with the files of the docs among them."""
    for name in ("workflows", "forms"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for block in re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL):
        kind, key = re.match(r"(\w+): (\w+)", block).groups()
        (tmp_path / KINDS[kind] / f"{key}.v1.yaml").write_text(block, encoding="utf-8")
    return tmp_path


def test_the_files_of_the_docs_are_sound(copied):
    names = ["workflows/name_change.v1.yaml", "forms/name_change.v1.yaml", "forms/name_documents.v1.yaml"]

    assert faults_of(copied / name for name in names).faults == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "executor: lawyer",
            "executor: author",
            "the Exchange's work of stage 'legal_review' would be done by the author",
        ),
        ("request.by_reorganisation", "request.by_reorganization", "did you mean 'request.by_reorganisation'?"),
    ],
)
def test_the_slips_it_invites_to_are_told(copied, old, new, told):
    path = copied / "workflows" / "name_change.v1.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")

    assert told in "\n".join(map(str, faults_of([path, copied / "forms" / "name_change.v1.yaml"]).faults))
