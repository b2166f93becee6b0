"""What is wrong with the term files: every fault of every file at once."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from string import Formatter

from app.definition_files import Fault, name_of
from app.terms import LANGUAGES

COLUMNS = ["key", *LANGUAGES]
KEY = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")


def faults(paths: Iterable[Path], root: Path) -> list[Fault]:
    """Check term files together: a key may stand only once in all of them."""
    found: list[Fault] = []
    met: dict[str, str] = {}
    for path in sorted(paths):
        name = name_of(path, root)
        found.extend(_faults_of_file(path, name, met))
    return sorted(found)


def _faults_of_file(path: Path, name: str, met: dict[str, str]) -> Iterator[Fault]:
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        yield Fault(name, 0, "", f"byte {error.start} is not UTF-8", "save the file as UTF-8")
        return
    lines = text.removesuffix("\n").split("\n")
    if lines[0].rstrip("\r") != ",".join(COLUMNS):
        yield Fault(name, 1, "", "the columns are not right", f"begin with the line {','.join(COLUMNS)}")
    for number, line in enumerate(lines[1:], start=2):  # line by line: a quote left open costs no other row
        try:
            row = next(csv.reader([line], strict=True))
        except (csv.Error, StopIteration) as error:
            key = line.partition(",")[0]
            why = f"not readable as CSV ({error})" if str(error) else "an empty line"
            yield Fault(name, number, key, why, "correct the quotes; write a row on one line")
            continue
        yield from _faults_of_row(row, name, number, met)


def _faults_of_row(row: list[str], name: str, line: int, met: dict[str, str]) -> Iterator[Fault]:
    key = row[0] if row else ""
    if len(row) != len(COLUMNS):
        problem = f"{len(row)} columns instead of {len(COLUMNS)}"
        yield Fault(name, line, key, problem, "put words with a comma in quotes; leave no empty line")
        return
    if not KEY.fullmatch(key):
        yield Fault(name, line, key, "the key will not do", "use small Latin letters, digits, underscores, and dots")
    elif key in met:
        yield Fault(name, line, key, f"stands already at {met[key]}", "remove one of them")
    met.setdefault(key, f"{name}:{line}")
    holes: dict[str, frozenset[str]] = {}
    for language, words in zip(LANGUAGES, row[1:], strict=True):
        if not words.strip():
            yield Fault(name, line, key, f"the words in '{language}' are missing", "add them")
            continue
        try:
            holes[language] = frozenset(hole for _, hole, _, _ in Formatter().parse(words) if hole is not None)
        except ValueError as error:
            yield Fault(name, line, key, f"the braces in '{language}' will not do ({error})", "write {name}")
    if len(set(holes.values())) > 1:
        listed = "; ".join(f"{language}: {', '.join(sorted(names)) or 'none'}" for language, names in holes.items())
        yield Fault(name, line, key, f"the placeholders differ ({listed})", "use the same in every language")
