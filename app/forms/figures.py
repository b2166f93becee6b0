"""Named figures of the rules behind the forms, each in force from a day on.

``forms/_figures/main_bonds.2024-01-01.yaml`` holds the figures of ``main_bonds`` from that day; a later
file takes its place from its own day.  An expression asks by name and day:
``figure('main_bonds.equity_mci', as_of)``.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator
from pydantic import Field as Setting
from pydantic_core import PydanticCustomError

from app.definition_files import Definition, Fault, Key, Source, Words, named_files, read
from app.forms.parts import NOT_EMPTY, Field, FormFile

FOLDER = "_figures"
_FILE_NAME = re.compile(r"([a-z][a-z0-9_]{0,59})\.([0-9]{4}-[0-9]{2}-[0-9]{2})\.yaml")


def day_of(text: str) -> str:
    """Return a day as it is kept; refuse what is none."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise PydanticCustomError(
            "form", "{problem}", {"problem": f"'{text}' is no day", "mend": "write 2026-01-01"}
        ) from None


Amount = Annotated[str, Setting(pattern=r"^-?[0-9]{1,18}(\.[0-9]{1,6})?$")]


class FigureFile(Definition):
    """What stands in a file of figures; ``source`` says where they were taken from."""

    figures: Key
    effective: Annotated[str, AfterValidator(day_of)]
    demo_data: bool = False
    title: Words
    source: Words
    values: Annotated[dict[Key, Amount], NOT_EMPTY]


@dataclass(frozen=True)
class Figure:
    """One figure: the days from which it changed, in order, and the amount from each of them."""

    name: str
    days: tuple[str, ...]
    amounts: tuple[Decimal, ...]
    demo_data: bool

    def at(self, day: str) -> Decimal | None:
        """Return the amount in force on ``day`` ("2026-10-05"); None before the first."""
        place = bisect_right(self.days, day)
        return self.amounts[place - 1] if place else None


Figures = Mapping[str, Figure]
"""Name ("main_bonds.equity_mci") -> the figure."""


def load_figures(folder: Path, root: Path) -> tuple[Figures, list[Fault]]:
    """Read every file of figures; see ``Figures``.

    A figure must stand in every file of its key: none may fall out of force unsaid.
    """
    faults: list[Fault] = []
    files: dict[str, list[FigureFile]] = {}
    shape, like = "<figures>.<day>.yaml", "mci.2026-01-01.yaml"
    for path, named in named_files(folder, _FILE_NAME, root, faults, shape=shape, like=like):
        reading = read(path, FigureFile, root=root)
        if reading.text is None or reading.faults:
            faults += reading.faults
            continue
        before = files.setdefault(named[0], [])
        faults += _sense_faults(reading.text, reading.source, named, before[-1:])
        before.append(reading.text)
    return {figure.name: figure for each in files.values() for figure in _figures(each)}, faults


def _sense_faults(
    file: FigureFile, source: Source, expected: Sequence[str], before: Sequence[FigureFile]
) -> Iterator[Fault]:
    for key, own, right in zip(("figures", "effective"), (file.figures, file.effective), expected, strict=True):
        if own != right:
            yield source.fault([key], f"'{own}' is not what the file's name says", f"write {key}: {right}")
    for earlier in before:
        if differing := sorted(earlier.values.keys() ^ file.values.keys()):
            problem = f"the figures are not those of the file before: {', '.join(differing)}"
            yield source.fault(["values"], problem, "name the same ones in every file")


_NAMED = re.compile(r"figure\(\s*['\"]([a-z0-9_.]+)['\"]")


def unmarked(file: FormFile, figures: Figures) -> list[str]:
    """Return the illustrative figures that a form reckons with and is not marked for with ``demo_data``."""
    if file.demo_data:
        return []
    fields = list(_all_fields(file.fields))
    checks = (*file.checks, *(check for asked in fields for check in asked.checks))
    texts = [text for asked in fields for text in (asked.value, asked.show_if, asked.required_if)]
    texts += [*(check.that for check in checks), *(section.show_if for section in file.sections)]
    named = {name for text in texts for name in _NAMED.findall(text or "")}
    return sorted(name for name in named if name in figures and figures[name].demo_data)


def _all_fields(fields: Iterable[Field]) -> Iterator[Field]:
    for asked in fields:
        yield asked
        yield from _all_fields(asked.fields or ())


def _figures(files: Sequence[FigureFile]) -> Iterator[Figure]:
    for key in files[0].values:
        held = [file for file in files if key in file.values]
        yield Figure(
            name=f"{files[0].figures}.{key}",
            days=tuple(file.effective for file in held),
            amounts=tuple(Decimal(file.values[key]) for file in held),
            demo_data=any(file.demo_data for file in held),
        )
