"""Procedures that the calendar begins: on which days, and for which organisations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from app.definition_files import Fault, Source
from app.definition_remains import is_gap
from app.workflows.checks import unknown
from app.workflows.condition_checks import FormLookup, dynamic_of, faults_of_condition, fields_of
from app.workflows.conditions import Fields

if TYPE_CHECKING:
    from app.workflows.texts import ProcedureText


@dataclass(frozen=True)
class Outcome:
    """An archived application of a procedure counts where its condition holds, always where it has none."""

    procedure: str
    when: str | None = None


@dataclass(frozen=True)
class Beginning:
    """When the calendar begins a procedure, and for whom.

    ``days``: month and day of each year.  An organisation is subject to it while more archived applications
    of ``admitted_by`` count than of ``ended_by``, all archived before the day.  A day that was missed is
    made up for within ``late_days``.
    """

    days: tuple[tuple[int, int], ...]
    admitted_by: tuple[Outcome, ...]
    ended_by: tuple[Outcome, ...] = ()
    late_days: int = 60

    def due(self, today: date) -> list[date]:
        """Return the days that have come and may still be made up for, oldest first."""
        every = (date(year, *each) for year in (today.year - 1, today.year) for each in self.days)
        return sorted(each for each in every if each <= today <= each + timedelta(days=self.late_days))

    def next(self, today: date) -> date:
        """Return the next day after today."""
        every = (date(year, *each) for year in (today.year, today.year + 1) for each in self.days)
        return min(each for each in every if each > today)


def faults_of_beginning(
    text: ProcedureText,
    source: Source,
    others: Mapping[str, Sequence[ProcedureText]],
    beside: Iterable[str],
    form: FormLookup,
) -> Iterator[Fault]:
    """Find what is wrong with what the calendar begins.

    ``others`` are the procedures read, ``beside`` the names of all there are.
    """
    if text.begins is None:
        return
    met = set()
    for number, day in enumerate(text.begins.on):
        place = ("begins", "on", number)
        if is_gap(day.month) or is_gap(day.day):
            continue
        try:
            date(2027, day.month, day.day)  # no leap year: it must come every year
        except ValueError:
            yield source.fault(place, f"{day.day}.{day.month:02} does not come every year", "name another day")
        if (day.month, day.day) in met:
            yield source.fault(place, f"{day.day}.{day.month:02} stands twice", "name it once")
        met.add((day.month, day.day))
    known = {*others, *beside}
    for key, outcomes in (("admitted_by", text.begins.admitted_by), ("ended_by", text.begins.ended_by)):
        for number, outcome in enumerate(outcomes):
            at: list[str | int] = ["begins", key, number]
            if outcome.procedure not in known:
                yield unknown(source, [*at, "procedure"], "procedure", outcome.procedure, known)
            for other in others.get(outcome.procedure, ()) if outcome.when else ():
                yield from _faults_of_condition([*at, "when"], str(outcome.when), other, source, form)
            kinds = [set(other.open_to) for other in others.get(outcome.procedure, ())]
            if kinds and not set.union(*kinds) & set(text.open_to):
                problem = f"no organisation of '{outcome.procedure}' is one that this procedure is open to"
                yield source.fault([*at, "procedure"], problem, "name another procedure, or open this one to them")


def _faults_of_condition(
    place: Sequence[str | int], condition: str, other: ProcedureText, source: Source, form: FormLookup
) -> Iterator[Fault]:
    places: dict[str, Fields] = dict(fields_of({key: stage.forms for key, stage in other.stages.items()}, form))
    yield from faults_of_condition(place, condition, places, source, dynamic_of(other.stages, form), other.procedure)
