"""What may be asked of applications, and how an address says it; knows neither Flask nor the database.

``q`` is the single request; ``f1 o1 v1 w1 g1`` the first criterion: field, operator, value, second value, group;
``match`` is ``all`` or ``any``; ``col`` names a column, ``s1 d1`` the first sorting and its direction; ``as_of`` a
past day.  Criteria of one group count as one: within "all of" any of them will do, within "any of" all must hold.
Relative days ("the last 7 days") stay relative wherever a query is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property

from app.errors import Problem, Term

MOST_CRITERIA = 20
MOST_SORTS = 3
LONGEST = 200
MOST_DAYS = 3660
GROUPS = ("a", "b", "c", "d")
_PLACE = re.compile(r"([fovwg])([0-9]{1,4})")


class Kind(StrEnum):
    """What a field holds: words, one of a list, a moment, or yes and no."""

    TEXT = "text"
    CHOICE = "choice"
    DAY = "day"
    FLAG = "flag"


OPERATORS: dict[Kind, tuple[str, ...]] = {
    Kind.TEXT: ("has", "lacks", "is", "is_not", "begins"),
    Kind.CHOICE: ("is", "is_not"),
    Kind.DAY: ("on", "before", "after", "between", "today", "last", "this_month", "this_year"),
    Kind.FLAG: ("yes", "no"),
}
OF_OPTIONAL = ("filled", "empty")
"""Operators of fields that may hold nothing."""
VALUES = {
    "between": 2,
    **dict.fromkeys(("today", "this_month", "this_year", "yes", "no", *OF_OPTIONAL), 0),
}
"""How many values an operator wants where it is not one."""


@dataclass(frozen=True)
class Field:
    """What one may ask for and show; ``is_known_then``: it can be told of a past day; ``is_optional``: may be empty."""

    key: str
    kind: Kind
    is_known_then: bool = True
    is_optional: bool = False

    @property
    def operators(self) -> tuple[str, ...]:
        """The operators it takes."""
        return OPERATORS[self.kind] + (OF_OPTIONAL if self.is_optional else ())


FIELDS = {
    each.key: each
    for each in (
        Field("number", Kind.TEXT),
        Field("registration_number", Kind.TEXT, is_optional=True),
        Field("company", Kind.TEXT),
        Field("code", Kind.TEXT),
        Field("bin", Kind.TEXT),
        Field("procedure", Kind.CHOICE),
        Field("category", Kind.CHOICE),
        Field("process", Kind.CHOICE),
        Field("state", Kind.CHOICE),
        Field("executor", Kind.CHOICE, is_known_then=False),
        Field("author", Kind.TEXT, is_known_then=False),
        Field("adviser", Kind.TEXT, is_known_then=False, is_optional=True),
        Field("letter", Kind.TEXT, is_optional=True),
        Field("created", Kind.DAY),
        Field("sent", Kind.DAY, is_optional=True),
        Field("registered", Kind.DAY, is_optional=True),
        Field("decided", Kind.DAY, is_optional=True),
        Field("entered", Kind.DAY),
        Field("archived", Kind.DAY, is_optional=True),
        Field("on_paper", Kind.FLAG),
        Field("is_archived", Kind.FLAG),
    )
}
COLUMNS = tuple(FIELDS)
USUAL_COLUMNS = ("number", "company", "procedure", "process", "state", "executor", "sent")


@dataclass(frozen=True)
class Typed:
    """One criterion as it was typed."""

    field: str
    operator: str = ""
    value: str = ""
    other: str = ""
    group: str = ""


@dataclass(frozen=True)
class Criterion:
    """One criterion as it is understood; ``values`` are texts, days or a number of days."""

    number: int
    field: Field
    operator: str
    values: tuple[str | date | int, ...]
    group: str = ""


@dataclass(frozen=True)
class Query:
    """What is asked: criteria, what is shown in which order, and of which past day (None: as things stand)."""

    words: str = ""
    is_any: bool = False
    criteria: tuple[Criterion, ...] = ()
    columns: tuple[str, ...] = USUAL_COLUMNS
    sort: tuple[tuple[str, bool], ...] = ()
    as_of: date | None = None

    @cached_property
    def groups(self) -> list[list[Criterion]]:
        """The criteria by groups, in the order of their first; one without a group stands alone."""
        found: dict[object, list[Criterion]] = {}
        for each in self.criteria:
            found.setdefault(each.group or each.number, []).append(each)
        return list(found.values())

    @cached_property
    def fields(self) -> frozenset[str]:
        """What is asked for, shown or sorted by."""
        return frozenset({*(each.field.key for each in self.criteria), *self.columns, *(key for key, _ in self.sort)})


@dataclass(frozen=True)
class Ground:
    """What understanding stands on: today, what may be chosen in each field, and how a day is read."""

    today: date
    choices: Mapping[str, Collection[str]]
    day: Callable[[str], date | None]


@dataclass(frozen=True)
class Asked:
    """A query as it was typed, sound or not: what the page shows again."""

    words: str = ""
    match: str = ""
    rows: tuple[Typed, ...] = ()
    columns: tuple[str, ...] = ()
    sort: tuple[tuple[str, str], ...] = ()
    as_of: str = ""

    @classmethod
    def read(cls, given: Mapping[str, Sequence[str]]) -> Asked:
        """Return what the parameters of an address say; numbers of criteria may have gaps."""

        def one(name: str) -> str:
            return " ".join((given.get(name) or [""])[0].split())

        places = sorted({int(found[2]) for name in given if (found := _PLACE.fullmatch(name))})
        rows = []
        for place in places:
            row = Typed(*(one(f"{letter}{place}") for letter in "fovwg"))
            if row.field or row.value or row.other:
                rows.append(row)
        sort = tuple((one(f"s{place}"), one(f"d{place}")) for place in range(1, MOST_SORTS + 1) if one(f"s{place}"))
        columns = tuple(dict.fromkeys(each for each in given.get("col", ()) if each))
        return cls(one("q"), one("match"), tuple(rows), columns, sort, one("as_of"))

    def pairs(self) -> list[tuple[str, str]]:
        """Return the parameters that say it, without what says nothing."""
        found = [("q", self.words), ("match", self.match)]
        for place, row in enumerate(self.rows, start=1):
            said = zip("fovwg", (row.field, row.operator, row.value, row.other, row.group), strict=True)
            found += [(f"{letter}{place}", words) for letter, words in said]
        found += [("col", each) for each in self.columns]
        for place, (column, direction) in enumerate(self.sort, start=1):
            found += [(f"s{place}", column), (f"d{place}", direction)]
        found.append(("as_of", self.as_of))
        return [(name, words) for name, words in found if words]

    def with_one(self, field: str) -> Asked:
        """Return it with one more criterion, which has no value yet."""
        operator = FIELDS[field].operators[0] if field in FIELDS else ""
        return replace(self, rows=(*self.rows, Typed(field, operator)))

    def without(self, number: int) -> Asked:
        """Return it without its criterion of a number, counted from one."""
        return replace(self, rows=tuple(row for place, row in enumerate(self.rows, start=1) if place != number))

    def sorted_by(self, column: str) -> Asked:
        """Return it sorted by one column; by the same one again, turned round."""
        is_turned = self.sort[:1] == ((column, ""),) or self.sort[:1] == ((column, "asc"),)
        return replace(self, sort=((column, "desc" if is_turned else ""),))


def understood(asked: Asked, ground: Ground) -> tuple[Query, list[Problem]]:
    """Return what is asked, and everything about it that will not do; with problems the query serves for nothing."""
    problems: list[Problem] = []
    if len(asked.words) > LONGEST:
        problems.append(Problem("q", "search.err.long", {"max": LONGEST}))
    if asked.match not in ("", "all", "any"):
        problems.append(Problem("match", "search.err.match"))
    as_of = _past_day(asked.as_of, ground, problems)
    if len(asked.rows) > MOST_CRITERIA:
        problems.append(Problem("new", "search.err.many", {"n": len(asked.rows), "max": MOST_CRITERIA}))
    criteria = []
    for number, row in enumerate(asked.rows, start=1):
        found = _criterion(number, row, ground, asked.as_of != "")
        if isinstance(found, Problem):
            problems.append(found)
        else:
            criteria.append(found)
    problems += [
        Problem("columns", "search.err.column", {"name": each[:40]}) for each in asked.columns if each not in FIELDS
    ]
    for place, (column, direction) in enumerate(asked.sort, start=1):
        if column not in FIELDS:
            problems.append(Problem(f"s{place}", "search.err.column", {"name": column[:40]}))
        elif direction not in ("", "asc", "desc"):
            problems.append(Problem(f"s{place}", "search.err.direction", {"field": Term(f"search.field.{column}")}))
        elif as_of and not FIELDS[column].is_known_then:
            problems.append(Problem(f"s{place}", "search.err.sort_then", {"field": Term(f"search.field.{column}")}))
    sort = tuple((column, direction == "desc") for column, direction in asked.sort)
    columns = tuple(each for each in COLUMNS if each in (asked.columns or USUAL_COLUMNS))
    return Query(asked.words, asked.match == "any", tuple(criteria), columns, sort, as_of), problems


def _past_day(typed: str, ground: Ground, problems: list[Problem]) -> date | None:
    if not typed:
        return None
    found = ground.day(typed)
    if found is None:
        problems.append(Problem("as_of", "search.err.as_of"))
    elif found > ground.today:
        problems.append(Problem("as_of", "search.err.future"))
    return found


def _criterion(number: int, row: Typed, ground: Ground, is_past: bool) -> Criterion | Problem:
    """Return a criterion, or the first thing about it that will not do."""
    at, field = f"v{number}", FIELDS.get(row.field)
    if field is None:
        return Problem(at, "search.err.field", {"n": number, "name": row.field[:40] or "–"})
    about = {"n": number, "field": Term(f"search.field.{field.key}")}
    if row.operator not in field.operators:
        return Problem(f"o{number}", "search.err.operator", about)
    if row.group not in ("", *GROUPS):
        return Problem(f"g{number}", "search.err.group", about)
    if is_past and not field.is_known_then:
        return Problem(at, "search.err.then", about)
    typed = (row.value, row.other)[: VALUES.get(row.operator, 1)]
    if not all(typed):
        return Problem(at, "search.err.value", about)
    if any(len(each) > LONGEST for each in typed):
        return Problem(at, "search.err.long_value", {**about, "max": LONGEST})
    if field.kind is Kind.CHOICE and row.value not in ground.choices.get(field.key, ()):
        return Problem(at, "search.err.choice", about)
    if field.kind is not Kind.DAY:
        return Criterion(number, field, row.operator, typed, row.group)
    if row.operator == "last":
        days = int(row.value) if row.value.isascii() and row.value.isdecimal() and len(row.value) <= 5 else 0
        if not 1 <= days <= MOST_DAYS:
            return Problem(at, "search.err.days", {**about, "max": MOST_DAYS})
        return Criterion(number, field, row.operator, (days,), row.group)
    days_ = [found for found in map(ground.day, typed) if found is not None]
    if len(days_) < len(typed):
        return Problem(at, "search.err.date", about)
    if days_ != sorted(days_):
        return Problem(at, "search.err.order", about)
    return Criterion(number, field, row.operator, tuple(days_), row.group)


def period(criterion: Criterion, today: date) -> tuple[date | None, date | None]:
    """Return the first day that a criterion on a moment takes in, and the first after it; None: no bound."""
    one = timedelta(days=1)
    days = [each for each in criterion.values if isinstance(each, date)]
    match criterion.operator:
        case "on" | "between":
            return days[0], days[-1] + one
        case "before":
            return None, days[0]
        case "after":
            return days[0] + one, None
        case "last":
            (count,) = criterion.values
            assert isinstance(count, int)
            return today - (count - 1) * one, today + one
        case "this_month":
            first = today.replace(day=1)
            return first, (first + 31 * one).replace(day=1)
        case "this_year":
            return date(today.year, 1, 1), date(today.year + 1, 1, 1)
        case _:
            return today, today + one


def texts(criterion: Criterion) -> Iterable[str]:
    """Return the values as they were typed, days as 18.11.2026."""
    return (each.strftime("%d.%m.%Y") if isinstance(each, date) else str(each) for each in criterion.values)
