"""What is counted of cases: each subject yields items, and every number is how many items have one key.

Pure.  A number and the list behind it are made of the same items, so they cannot differ.  A key has several
parts, the coarser first: the items of the beginning of a key are those of all its continuations.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from app.business_calendar.days import ZONE
from app.figures.cases import NONE, Case, Entered, Kept, is_with_applicant
from app.workflows.guards import APPLICANT

DAY = 86_400.0
BANDS = (7, 30, 90)
"""The ages of living applications in days, each band up to and without its number; the last has no end."""
SOON = 3
"""In so many days a term is due soon."""
ENOUGH = 3
"""Fewer say nothing of what is usual, and too much of each."""
MOST_RETURNS = 3

Key = tuple[str, ...]


class Item(NamedTuple):
    """One thing that is counted: a case with a stretch of time; ``open`` is its open time in seconds."""

    case: Case
    key: Key
    start: float
    end: float
    open: float = NONE


@dataclass(frozen=True)
class Chosen:
    """What the reader looks at: dates, the last one with them, a procedure's key and a category, "" for all."""

    since: date
    until: date
    procedure: str = ""
    category: str = ""

    @property
    def begin(self) -> float:
        """The first moment of the period."""
        return _midnight(self.since)

    @property
    def end(self) -> float:
        """The first moment after the period."""
        return _midnight(self.until + timedelta(days=1))

    def cases(self, every: Iterable[Case]) -> Iterator[Case]:
        """Yield the cases of the procedure and category."""
        for case in every:
            if self.procedure in ("", case.procedure.key) and self.category in ("", case.procedure.category):
                yield case


def _midnight(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=ZONE).timestamp()


@lru_cache(maxsize=100_000)
def _day_of(hour: int) -> date:
    return datetime.fromtimestamp(hour * 3600, ZONE).date()  # its offset is of whole hours


def day_of(moment: float) -> date:
    """Return the date of a moment in Kazakhstan's time."""
    return _day_of(int(moment // 3600))


@lru_cache(maxsize=100_000)
def _month_of(hour: int) -> str:
    return f"{_day_of(hour):%Y-%m}"


# Load


def alive(cases: Iterable[Case], chosen: Chosen, now: float) -> Iterator[Item]:
    """Living applications by procedure and age: how long ago each came to the Exchange."""
    for case in chosen.cases(cases):
        if case.is_alive and case.at:
            yield Item(case, (case.procedure.key, band((now - case.at[0]) / DAY)), case.at[0], now)


def aged(cases: Iterable[Case], chosen: Chosen, now: float) -> Iterator[Item]:
    """Living applications by age alone."""
    for item in alive(cases, chosen, now):
        yield item._replace(key=item.key[1:])


def band(days: float) -> str:
    """Return the band of an age, as its place: "0" for the youngest."""
    return str(sum(days >= limit for limit in BANDS))


def waiting(cases: Iterable[Case], chosen: Chosen, now: float) -> Iterator[Item]:
    """Living applications by who must act and age of the stay; one waits on several at once where they work abreast."""
    for case in chosen.cases(cases):
        if case.is_alive and case.at:
            for executor in case.waits:
                yield Item(case, (executor, band((now - case.at[-1]) / DAY)), case.at[-1], now)


QUEUE = "queue"
"""Stands in keys of ``held`` for what nobody has taken out of a queue of the Exchange."""

Holders = Mapping[int, Mapping[str, tuple[str, float]]]
"""Application id -> executor -> the id of the person who holds it, and since when."""


def held(cases: Iterable[Case], chosen: Chosen, now: float, holders: Holders) -> Iterator[Item]:
    """Living applications that wait on the Exchange, by who holds them, as which executor, and since when.

    What nobody has taken is in the ``QUEUE`` since it entered its process.
    """
    for case in chosen.cases(cases):
        if case.is_alive and case.at:
            own = holders.get(case.ident, {})
            for executor in case.waits:
                if executor not in APPLICANT:
                    person, since = own.get(executor, (QUEUE, case.at[-1]))
                    yield Item(case, (person, executor, band((now - since) / DAY)), since, now)


def standing(cases: Iterable[Case], chosen: Chosen, now: float) -> Iterator[Item]:
    """Living applications by procedure and the process they stand in."""
    for case in chosen.cases(cases):
        if case.is_alive and case.at:
            yield Item(case, (case.procedure.key, case.path[-1].process), case.at[-1], now)


def arrived(cases: Iterable[Case], chosen: Chosen, now: float) -> Iterator[Item]:
    """Applications that came in the period, by the Monday of their week."""
    begin, end = chosen.begin, chosen.end
    for case in chosen.cases(cases):
        if case.at and begin <= case.at[0] < end:
            yield Item(case, (week(case.at[0]),), case.at[0], NONE if case.is_alive else case.at[-1])


def closed(cases: Iterable[Case], chosen: Chosen, now: float) -> Iterator[Item]:
    """Applications that ended in the period, by the Monday of their week."""
    for case in _ended(cases, chosen):
        yield Item(case, (week(case.at[-1]),), case.at[0], case.at[-1])


def _ended(cases: Iterable[Case], chosen: Chosen) -> Iterator[Case]:
    begin, end = chosen.begin, chosen.end
    for case in chosen.cases(cases):
        if case.outcome and case.at and begin <= case.at[-1] < end:
            yield case


@lru_cache(maxsize=4096)
def _monday(days: int) -> str:
    found = date(1970, 1, 1) + timedelta(days=days)
    return (found - timedelta(days=found.weekday())).isoformat()


def week(moment: float) -> str:
    """Return the Monday of a moment's week, as ISO says it."""
    return _monday((day_of(moment) - date(1970, 1, 1)).days)


def weeks(chosen: Chosen) -> list[str]:
    """Return the Mondays of every week of the period."""
    first = chosen.since - timedelta(days=chosen.since.weekday())
    return [(first + timedelta(days=7 * number)).isoformat() for number in range((chosen.until - first).days // 7 + 1)]


# Time kept


def settled(cases: Iterable[Case], chosen: Chosen, now: float) -> Iterator[Item]:
    """Terms settled in the period, by procedure and term and how: ``met`` or ``late``.

    In time is what ended no later than it was due; late what was not done when it was due, done since or not.
    """
    for case, verdict, moment, kept in _settled(cases, chosen, now):
        yield Item(case, (case.procedure.key, kept.term, verdict), kept.start, moment)


def settled_by_month(cases: Iterable[Case], chosen: Chosen, now: float) -> Iterator[Item]:
    """Terms settled in the period, by month and how."""
    for case, verdict, moment, kept in _settled(cases, chosen, now):
        yield Item(case, (_month_of(int(moment // 3600)), verdict), kept.start, moment)


def _settled(cases: Iterable[Case], chosen: Chosen, now: float) -> Iterator[tuple[Case, str, float, Kept]]:
    begin, end = chosen.begin, min(chosen.end, now + 1)
    for case in chosen.cases(cases):
        for kept in case.kept:
            found = kept.settled(now)
            if found is not None and begin <= found[0] < end:
                yield case, "met" if found[1] else "late", found[0], kept


def months(chosen: Chosen) -> list[str]:
    """Return every month of the period."""
    first, last = chosen.since, chosen.until
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [
        f"{first.year + (first.month - 1 + n) // 12}-{(first.month - 1 + n) % 12 + 1:02}" for n in range(max(0, count))
    ]


def running(cases: Iterable[Case], chosen: Chosen, now: float) -> Iterator[Item]:
    """Terms of living applications by how they stand: ``late``, ``soon``, ``later``, ``paused`` or ``unknown``.

    The key goes on with procedure and term; late is what is over, soon what is due within ``SOON`` days.
    """
    for case in chosen.cases(cases):
        if case.is_alive:
            for kept in case.kept:
                if math.isnan(kept.end):
                    key = (state(kept.due, kept.known, now), case.procedure.key, kept.term)
                    yield Item(case, key, kept.start, kept.due)


def state(due: float, known: bool, now: float) -> str:
    """Return how a term stands that has not ended."""
    if not known:
        return "unknown"
    if math.isnan(due):
        return "paused"
    return "late" if due <= now else "soon" if due <= now + SOON * DAY else "later"


# Bottlenecks


def stays(cases: Iterable[Case], chosen: Chosen, now: float) -> Iterator[Item]:
    """Stays in processes that ended in the period, by whose time it was, procedure and process."""
    begin, end = chosen.begin, chosen.end
    keys: dict[tuple[str, str], Key] = {}
    for case in chosen.cases(cases):
        at, open_, path, name = case.at, case.open, case.path, case.procedure.name
        for place in range(len(at) - 1):
            left = at[place + 1]
            if begin <= left < end:
                process = path[place].process
                key = keys.get((name, process))
                if key is None:
                    side = "applicant" if is_with_applicant(case.procedure, process) else "exchange"
                    key = keys[name, process] = (side, case.procedure.key, process)
                yield Item(case, key, at[place], left, open_[place + 1] - open_[place])


def outcomes(cases: Iterable[Case], chosen: Chosen, now: float) -> Iterator[Item]:
    """Applications that ended in the period, by how they ended."""
    for case in _ended(cases, chosen):
        yield Item(case, (case.outcome,), case.at[0], case.at[-1], case.open[-1] - case.open[0])


def reworked(cases: Iterable[Case], chosen: Chosen, now: float) -> Iterator[Item]:
    """Applications that ended in the period, by how often they came back for rework: ``no``, or ``yes`` and how often.

    The last number stands for itself and more.
    """
    for case in _ended(cases, chosen):
        times = min(case.returns, MOST_RETURNS)
        key = ("yes", str(times)) if times else ("no",)
        yield Item(case, key, case.at[0], case.at[-1], case.open[-1] - case.open[0])


# Processes as they ran


def ways(cases: Iterable[Case], chosen: Chosen, now: float) -> Iterator[Item]:
    """Ways taken in the period, by procedure, source, target and act."""
    begin, end = chosen.begin, chosen.end
    for case in chosen.cases(cases):
        at, path, key = case.at, case.path, case.procedure.key
        for place in range(1, len(at)):
            if begin <= at[place] < end:
                entered = path[place]
                way = (key, path[place - 1].process, entered.process, entered.act)
                yield Item(case, way, at[place - 1], at[place], case.open[place] - case.open[place - 1])


def entries(cases: Iterable[Case], chosen: Chosen, now: float) -> Iterator[Item]:
    """Processes entered in the period, by procedure and process."""
    begin, end = chosen.begin, chosen.end
    for case in chosen.cases(cases):
        at, path, key = case.at, case.path, case.procedure.key
        for place in range(len(at)):
            if begin <= at[place] < end:
                left = at[place + 1] if place + 1 < len(at) else NONE
                yield Item(case, (key, path[place].process), at[place], left)


def variants(cases: Iterable[Case], chosen: Chosen, now: float) -> Iterator[Item]:
    """Applications that ended in the period, by procedure and the row of processes they went through."""
    for case in _ended(cases, chosen):
        key = (case.procedure.key, mark(case.path))
        yield Item(case, key, case.at[0], case.at[-1], case.open[-1] - case.open[0])


@lru_cache(maxsize=10_000)
def mark(path: tuple[Entered, ...]) -> str:
    """Return a short name of a row of processes, the same wherever it is reckoned."""
    row = "\n".join(entered.process for entered in path)
    return hashlib.sha256(row.encode()).hexdigest()[:12]


Subject = Callable[[Iterable[Case], Chosen, float], Iterator[Item]]

SUBJECTS: Mapping[str, Subject] = {
    "alive": alive,
    "aged": aged,
    "waiting": waiting,
    "standing": standing,
    "arrived": arrived,
    "closed": closed,
    "settled": settled,
    "settled_by_month": settled_by_month,
    "running": running,
    "stays": stays,
    "outcomes": outcomes,
    "reworked": reworked,
    "ways": ways,
    "entries": entries,
    "variants": variants,
}
"""What may be counted, by the name that addresses give it."""


class Groups:
    """Items by their keys; a number is asked by the beginning of a key."""

    def __init__(self, items: Iterable[Item]) -> None:
        self.every: dict[Key, list[Item]] = {}
        for item in items:
            found = self.every.get(item.key)
            if found is None:
                self.every[item.key] = [item]
            else:
                found.append(item)

    def of(self, *key: str) -> list[Item]:
        """Return the items of a key or of the beginning of one."""
        return [item for full, each in self.every.items() if full[: len(key)] == key for item in each]

    def count(self, *key: str) -> int:
        """Return how many items a key or the beginning of one has."""
        return sum(len(each) for full, each in self.every.items() if full[: len(key)] == key)

    def ranked(self, *begin: str) -> list[Key]:
        """Return the keys that begin so, those with the most items first."""
        found = [key for key in self.every if key[: len(begin)] == begin]
        return sorted(found, key=lambda key: (-len(self.every[key]), key))


# Measures


def quantile(sorted_values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least ``share`` of the values do not exceed (nearest rank).

    Raises:
        IndexError: there are no values.
    """
    return sorted_values[max(0, math.ceil(share * len(sorted_values)) - 1)]


@dataclass(frozen=True)
class Times:
    """What a group of stretches took, in days: None where too few say anything, or nothing can be reckoned."""

    count: int
    median: float | None
    ninth: float | None
    longest: float | None


def times(items: Sequence[Item], *, day: float = 0) -> Times:
    """Return what stretches took: in calendar days, or with ``day`` in working days of so many open seconds.

    The median of an even number is the mean of the two in the middle.
    """
    if day:
        found = sorted(item.open / day for item in items if not math.isnan(item.open))
    else:
        found = sorted((item.end - item.start) / DAY for item in items if not math.isnan(item.end))
    count = len(found)
    if not count:
        return Times(len(items), None, None, None)
    if count < ENOUGH:
        return Times(len(items), None, None, found[-1])
    middle = (found[(count - 1) // 2] + found[count // 2]) / 2
    return Times(len(items), middle, quantile(found, 0.9), found[-1])


def gone(keys: Iterable[Key], known: Iterable[tuple[str, str, str]]) -> list[Key]:
    """Return the ways taken, keys of ``ways``, that are none of ``known``: source, target, act."""
    there = set(known)
    return [key for key in keys if key[1:] not in there]
