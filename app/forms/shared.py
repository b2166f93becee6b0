"""Shared sections: parts that several forms ask for in the same words, each in a file of ``forms/_shared``.

A form names one as ``- use: rating.v1``.  Their expressions are judged in each form that uses them,
since they may name its fields.
"""

from __future__ import annotations

import re
from pathlib import Path

from app.definition_files import Fault, Shared, Source, name_of, read
from app.forms.parts import SharedFile

FOLDER = "_shared"
_FILE_NAME = re.compile(r"([a-z][a-z0-9_]{0,59})\.v([1-9][0-9]{0,3})\.yaml")


def load_shared(folder: Path, root: Path) -> tuple[Shared, list[Fault]]:
    """Read the shared sections of ``folder``; a faulty one is known, so that its users are not blamed."""
    found: dict[str, Source | None] = {}
    faults: list[Fault] = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.startswith("."):
            continue
        named = _FILE_NAME.fullmatch(path.name)
        if named is None:
            name = name_of(path, root)
            problem = "the file name is not <section>.v<version>.yaml"
            faults.append(Fault(name, 0, "", problem, "name it like rating.v1.yaml"))
            continue
        reading = read(path, SharedFile, root=root)
        wrong = list(reading.faults)
        if reading.text is not None and not wrong:
            told = (("section", reading.text.section, named[1]), ("version", str(reading.text.version), named[2]))
            wrong += [
                reading.source.fault([key], f"'{own}' is not what the file's name says", f"write {key}: {right}")
                for key, own, right in told
                if own != right
            ]
        faults += wrong
        found[f"{named[1]}.v{named[2]}"] = None if wrong else reading.source
    return found, faults
