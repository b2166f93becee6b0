"""How a query and what it found are said in a language: headings, criteria in words, cells, and the order of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from functools import cached_property
from operator import itemgetter
from typing import Any

from app import catalogue
from app.business_calendar.days import ZONE
from app.permissions import EXECUTOR_ROLES
from app.search.grammar import FIELDS, Criterion, Kind, Query, texts
from app.search.matching import Found
from app.terms import say
from app.terms.ordering import place
from app.workflows.guards import CATEGORIES
from app.workflows.machine import Procedure

_DELETED = "deleted"


class Wording:
    """The words of one language for queries and what they find; ``is_past``: of a past day."""

    def __init__(self, language: str, *, is_past: bool = False) -> None:
        self.language, self.is_past = language, is_past
        self.procedures = catalogue.present().procedures
        self._titles: dict[tuple[str, str], str] = {}

    def say(self, key: str, **params: object) -> str:
        """Say a term."""
        return say(key, self.language, **params)

    def field(self, key: str) -> str:
        """Return what a field is called."""
        return self.say(f"search.field.{key}")

    # What may be chosen

    @cached_property
    def choices(self) -> dict[str, list[tuple[str, str]]]:
        """What may be chosen in each field of a list: values and words, in the order of the words."""
        procedures = {each.key: each.title[self.language] for each in self.procedures.newest()}
        titles: dict[str, dict[str, None]] = {}
        states, executors = set(), set(EXECUTOR_ROLES)
        for procedure in self.procedures.procedures.values():
            for process in procedure.processes.values():
                if process.key != _DELETED:
                    titles.setdefault(process.key, {})[process.short_title[self.language]] = None
                    states.add(process.state)
                executors |= {process.executor} if process.executor else set()
            executors |= {stage.executor for stage in procedure.stages.values() if stage.executor}
        found = {
            "procedure": procedures.items(),
            "category": ((each, self.say(f"cat.{each}")) for each in CATEGORIES),
            "process": ((key, " / ".join(words)) for key, words in titles.items()),
            "state": ((each, self.say(f"st.{each}")) for each in states),
            "executor": ((each, self.say(f"workflow.executor.{each}")) for each in executors),
        }
        return {key: sorted(pairs, key=lambda pair: place(pair[1])) for key, pairs in found.items()}

    # What was asked for

    def told(self, query: Query) -> Iterator[str]:
        """Yield what is asked for in sentences: the request, each group of criteria, the past day, the order."""
        if query.words:
            yield self.say("search.told.words", words=query.words)
        between = self.say("search.told.and" if query.is_any else "search.told.or")
        for group in query.groups:
            yield f" {between} ".join(self.criterion(each) for each in group)
        if len(query.groups) > 1:
            yield self.say("search.match.any" if query.is_any else "search.match.all")
        if query.as_of:
            yield self.say("search.told.as_of", day=f"{query.as_of:%d.%m.%Y}")
        if query.sort:
            ways = {True: "queues.descending", False: "queues.ascending"}
            order = [f"{self.field(key)} ({self.say(ways[is_down])})" for key, is_down in query.sort]
            yield self.say("search.told.sort", order=", ".join(order))

    def criterion(self, criterion: Criterion) -> str:
        """Return a criterion in words."""
        values = list(texts(criterion))
        if criterion.field.kind is Kind.CHOICE:
            words = dict(self.choices[criterion.field.key])
            values = [words.get(each, each) for each in values]
        said = f"{self.field(criterion.field.key)}: {self.say(f'search.op.{criterion.operator}')}"
        return f"{said} {' – '.join(values)}".strip()

    # What was found

    def is_told(self, column: str) -> bool:
        """Tell whether a column can be known of the day that is looked at."""
        return not self.is_past or FIELDS[column].is_known_then

    def value(self, found: Found, column: str) -> str | date | None:
        """Return what a cell says: words, or a day; None where there is nothing."""
        kind = FIELDS[column].kind
        if not self.is_told(column):
            return self.say("search.not_known")
        if kind is Kind.DAY:
            at: str | None = getattr(found, column)
            return datetime.fromisoformat(at).replace(tzinfo=UTC).astimezone(ZONE).date() if at else None
        if kind is Kind.FLAG:
            return self.say("act.yes" if getattr(found, column) else "act.no")
        return self._words(found, column) or None

    def cell(self, found: Found, column: str) -> str:
        """Return the same in words alone, "" where there is nothing."""
        value = self.value(found, column)
        return f"{value:%d.%m.%Y}" if isinstance(value, date) else value or ""

    def _words(self, found: Found, column: str) -> str:
        match column:
            case "company":
                return found.company.names[self.language]
            case "code" | "bin":
                return str(getattr(found.company, column))
            case "procedure":
                return self._procedure(found).title[self.language]
            case "category":
                return self.say(f"cat.{found.category}")
            case "process":
                return self._process(found)
            case "state":
                return self.say(f"st.{found.state}") if found.state else ""
            case "executor":
                return ", ".join(self.say(f"workflow.executor.{each}") for each in found.executor)
            case "adviser":
                return ", ".join(
                    f"{each.name} ({each.firm.names[self.language]})" if each.firm else each.name
                    for each in found.adviser
                )
            case "letter":
                return ", ".join(found.letter)
            case _:
                return str(getattr(found, column))

    def _procedure(self, found: Found) -> Procedure:
        return self.procedures.procedures[found.version]

    def _process(self, found: Found) -> str:
        """Return the title of the process; one of the past may stand in another version of the procedure."""
        key = (found.version, found.process)
        if key not in self._titles:
            own = self._procedure(found)
            others = (each for each in self.procedures.procedures.values() if each.key == own.key)
            known = (each.processes[found.process] for each in (own, *others) if found.process in each.processes)
            self._titles[key] = next((each.short_title[self.language] for each in known), "")
        return self._titles[key]

    def ordered(self, found: Sequence[Found], query: Query) -> list[Found]:
        """Return rows in the order asked for: words by the Kazakh alphabet, what has no value last."""
        rows = list(found)
        for column, is_descending in reversed(query.sort):
            keyed = [(self._key(each, column), each) for each in rows]
            valued = [pair for pair in keyed if pair[0] is not None]
            valued.sort(key=itemgetter(0), reverse=is_descending)
            rows = [each for _, each in valued] + [each for key, each in keyed if key is None]
        return rows

    def _key(self, found: Found, column: str) -> Any:
        value = self.value(found, column)
        if isinstance(value, date):
            return value
        return place(str(value)) if value else None
