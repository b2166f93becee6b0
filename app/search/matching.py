"""Whether an application is what was asked for; knows neither Flask nor the database.

Moments are texts as the database writes them, in UTC: they compare as they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import NamedTuple

from app.business_calendar.days import ZONE
from app.search.grammar import Criterion, Kind, Query, period
from app.terms.folding import folded

_folded = lru_cache(maxsize=100_000)(folded)


class Company(NamedTuple):
    """An organisation: ``names`` by language as shown, ``said`` its code and all its names, present and former."""

    code: str
    bin: str
    names: Mapping[str, str]
    said: tuple[str, ...]


class Adviser(NamedTuple):
    """Who advises on an application, and for which organisation."""

    name: str
    firm: Company | None

    @property
    def said(self) -> tuple[str, ...]:
        """By what he is found."""
        return (self.name, *(self.firm.said if self.firm else ()))


class Found(NamedTuple):
    """One application as a search knows it, at present or as it stood at the end of a day.

    ``version`` is the name of its procedure's version.  What was not asked for may be empty (``adviser``, ``letter``).
    """

    id: int
    number: str
    registration_number: str
    company: Company
    version: str
    procedure: str
    category: str
    process: str
    state: str
    executor: tuple[str, ...]
    author: str
    adviser: tuple[Adviser, ...]
    letter: tuple[str, ...]
    created: str
    sent: str | None
    registered: str | None
    decided: str | None
    entered: str | None
    archived: str | None
    on_paper: bool

    @property
    def is_archived(self) -> bool:
        """Whether it is in the archive."""
        return self.archived is not None


Test = Callable[[Found], bool]

_TEXTS: dict[str, Callable[[Found], Collection[str]]] = {
    "number": lambda found: (found.number,),
    "registration_number": lambda found: (found.registration_number,),
    "company": lambda found: found.company.said,
    "code": lambda found: (found.company.code,),
    "bin": lambda found: (found.company.bin,),
    "author": lambda found: (found.author,),
    "adviser": lambda found: [words for each in found.adviser for words in each.said],
    "letter": lambda found: found.letter,
}
_CHOICES: dict[str, Callable[[Found], Collection[str]]] = {
    "procedure": lambda found: (found.procedure,),
    "category": lambda found: (found.category,),
    "process": lambda found: (found.process,),
    "state": lambda found: (found.state,),
    "executor": lambda found: found.executor,
}
REQUESTED = ("number", "registration_number", "company", "bin", "letter")
"""Where the words of a single request are looked for."""


def bound(day: date) -> str:
    """Return the first moment of a day in Kazakhstan as the database writes it, so that it compares."""
    return datetime.combine(day, time(), ZONE).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def test_of(query: Query, today: date) -> Test:
    """Return what tells whether an application is asked for; ``today`` is the day that relative days count from."""
    inner, outer = (all, any) if query.is_any else (any, all)
    groups = [[_test(each, today) for each in group] for group in query.groups]
    wanted = folded(query.words)

    def test(found: Found) -> bool:
        if wanted and not any(wanted in _folded(text) for key in REQUESTED for text in _TEXTS[key](found)):
            return False
        return not groups or outer(inner(each(found) for each in group) for group in groups)

    return test


def _test(criterion: Criterion, today: date) -> Test:
    key, operator = criterion.field.key, criterion.operator
    if criterion.field.kind is Kind.TEXT:
        return _text(_TEXTS[key], operator, folded(str(criterion.values[0])) if criterion.values else "")
    if criterion.field.kind is Kind.CHOICE:
        value, chosen = criterion.values[0], _CHOICES[key]
        return lambda found: (value in chosen(found)) is (operator == "is")
    if criterion.field.kind is Kind.FLAG:
        return lambda found: bool(getattr(found, key)) is (operator == "yes")
    if operator in ("filled", "empty"):
        return lambda found: (getattr(found, key) is not None) is (operator == "filled")
    since, until = period(criterion, today)
    least, most = bound(since) if since else "", bound(until) if until else "9999"

    def within(found: Found) -> bool:
        at: str | None = getattr(found, key)
        return at is not None and least <= at < most

    return within


def _text(said: Callable[[Found], Collection[str]], operator: str, wanted: str) -> Test:
    tests: dict[str, Test] = {
        "has": lambda found: any(wanted in _folded(text) for text in said(found)),
        "lacks": lambda found: not any(wanted in _folded(text) for text in said(found)),
        "is": lambda found: any(wanted == _folded(text) for text in said(found)),
        "is_not": lambda found: not any(wanted == _folded(text) for text in said(found)),
        "begins": lambda found: any(_folded(text).startswith(wanted) for text in said(found)),
        "filled": lambda found: any(said(found)),
        "empty": lambda found: not any(said(found)),
    }
    return tests[operator]
