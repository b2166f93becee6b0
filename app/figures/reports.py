"""What the pages of figures are made of: sections with their numbers, each with the address of the list behind it.

The same sections make the pages (``load``, ``terms``, ``stays``, ``paths``) and the sheets of the workbook.
Nothing is counted but by ``counting``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.errors import NotFound
from app.figures import counting
from app.figures.cases import Case
from app.figures.counting import SUBJECTS, Chosen, Groups, Holders, Item, Key, Times
from app.figures.wording import Wording

MOST_COUNTED = 4_000
"""So much of what was counted is kept with a fold."""


@dataclass(frozen=True)
class Cell:
    """What stands in one place of a table: words, the list they lead to, and the number in them; ``more`` beneath."""

    words: str
    href: str = ""
    value: float | None = None
    more: str = ""
    more_value: float | None = None
    is_words: bool = False


@dataclass
class Section:
    """A part of a page: its chart, and the table of the same numbers.

    ``title``, ``notes`` and ``none`` are keys of terms; of ``columns`` each is the words of its head, with a second
    line where its cells have one.
    """

    title: str
    columns: Sequence[tuple[str, str]]
    rows: list[list[Cell]] = field(default_factory=list)
    chart: str = ""
    notes: Sequence[str] = ()
    none: str = "figures.none"
    is_flow: bool = False


@dataclass
class Reports(Wording):
    """The pages of one reader: ``link`` gives the address of the list behind a key of a subject.

    ``day`` is the length of a working day in seconds.
    """

    cases: Sequence[Case]
    chosen: Chosen
    now: float
    day: float
    link: Callable[..., str]
    holders: Holders = field(default_factory=dict)
    counted: dict[object, Any] = field(default_factory=dict)
    """What has been counted of the same cases before."""

    def groups(self, subject: str) -> Groups:
        """Return the items of a subject by their keys."""
        found: Groups = self.once((subject, self.chosen), lambda: self._group(subject))
        return found

    def _group(self, subject: str) -> Groups:
        if subject == "held":
            return Groups(counting.held(self.cases, self.chosen, self.now, self.holders))
        return Groups(SUBJECTS[subject](self.cases, self.chosen, self.now))

    def once(self, key: object, make: Callable[[], Any]) -> Any:
        """Return what was counted under a key, or count it."""
        if key not in self.counted:
            while len(self.counted) >= MOST_COUNTED:
                self.counted.pop(next(iter(self.counted)), None)
            self.counted[key] = make()
        return self.counted[key]

    def number(self, subject: str, *key: str) -> Cell:
        """Return a number and the way to its list."""
        count = self.groups(subject).count(*key)
        return Cell(str(count), self.link(subject, *key) if count else "", count)

    def times(self, subject: str, *key: str) -> tuple[Times, Times]:
        """Return what the items of a key took, in working and in calendar days."""

        def measure() -> tuple[Times, Times]:
            items = self.groups(subject).of(*key)
            return counting.times(items, day=self.day), counting.times(items)

        found: tuple[Times, Times] = self.once(("times", subject, key, self.chosen), measure)
        return found

    def took(self, subject: str, *key: str) -> list[Cell]:
        """Return median, 90th percentile and longest, in working days with calendar days beneath."""
        work, passed = self.times(subject, *key)
        return [
            Cell(self.days(one), "", one, self.days(other), other)
            for one, other in ((work.median, passed.median), (work.ninth, passed.ninth), (work.longest, passed.longest))
        ]

    def head(self, *keys: str | tuple[str, str]) -> list[tuple[str, str]]:
        """Return the head of a table: a term for each column, two where its cells have a second line."""
        told = [key if isinstance(key, tuple) else (key, "") for key in keys]
        return [(self.say(one), self.say(other) if other else "") for one, other in told]

    def took_head(self) -> list[tuple[str, str]]:
        """Return the heads of the columns of ``took``."""
        work, passed = self.say("figures.working"), self.say("figures.calendar")
        return [(f"{self.say(f'figures.{key}')}, {work}", passed) for key in ("median", "ninth", "longest")]

    def side(self, procedure: str, process: str) -> str:
        """Return whose time a process is."""
        return "applicant" if self.groups("stays").count("applicant", procedure, process) else "exchange"

    def behind(self, subject: str, key: Key) -> list[Item]:
        """Return the items behind a number, the one that began first at the head.

        Raises:
            NotFound: there is no such subject.
        """
        if subject not in SUBJECTS and subject != "held":
            raise NotFound
        return sorted(self.groups(subject).of(*key), key=lambda item: (item.start, item.case.ident))
