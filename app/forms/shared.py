"""Shared sections: parts that several forms ask for in the same words, each in a file of ``forms/_shared``.

A form names one as ``- use: rating.v1``.  Their expressions are judged in each form that uses them,
since they may name its fields.
"""

from __future__ import annotations

from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

from app import definition_files
from app.definition_files import (
    Fault,
    FileMapping,
    FileSequence,
    Join,
    Refused,
    Shared,
    Source,
    joint_hash,
    shared_file,
)
from app.forms.parts import SharedFile

FOLDER = "_shared"


def load_shared(folder: Path, root: Path) -> tuple[Shared, list[Fault]]:
    """Read the shared sections of ``folder``; a faulty one is known, so that its users are not blamed."""
    return definition_files.load_shared(folder, root, SharedFile, what="section", example="rating.v1.yaml")


def joining(shared: Shared) -> Join:
    """Return what puts the sections of ``shared`` in the place of ``use: <name>``."""
    return partial(_joined, shared)


def _joined(shared: Shared, tree: Any, empty: Source) -> Source | None:
    sections = tree.get("sections")
    hashes = [empty.sha256]
    for number, item in enumerate(sections if isinstance(sections, FileSequence) else ()):
        if not isinstance(item, FileMapping) or "use" not in item:
            continue
        key, line = f"sections.{number}.use", item.lines["use"]
        if item.keys() - {"use", "show_if"}:
            raise Refused(line, "a shared section has its own words", "keep use, and show_if at most", key)
        source = shared_file(shared, item["use"], "section", line=line, key=key)
        if source is None:
            return None
        sections[number] = _section(tree, item, source)
        sections.files[number] = source.file
        hashes.append(source.sha256)
    return Source(empty.file, joint_hash(hashes), tree)


def _section(tree: Any, item: Any, source: Source) -> Any:
    """Return a shared section as it stands in a form; its checks go to those of the form."""
    section = deepcopy(source.tree)
    checks = section.pop("checks", FileSequence())
    for number, check in enumerate(checks):
        if "checks" not in tree:
            tree["checks"] = FileSequence()
            tree.lines["checks"] = 1
        all_checks = tree["checks"]
        all_checks.files[len(all_checks)] = source.file
        all_checks.append(check)
        all_checks.lines.append(checks.lines[number])
    section.pop("version")
    section["key"] = section.pop("section")
    section.lines["key"] = section.lines.pop("section")
    conditions = [str(each["show_if"]) for each in (section, item) if "show_if" in each]
    if conditions:
        section["show_if"] = conditions[0] if len(conditions) == 1 else " and ".join(f"({each})" for each in conditions)
    return section
