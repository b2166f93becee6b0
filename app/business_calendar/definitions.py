"""The files of ``calendars/``: year tables, service hours, policies; every fault of every file at once.

``kz_production.2026.v2.yaml`` is one year's table in one version: an amendment is a new file with its
reason, and the newest version of a year holds.  ``hours.yaml`` and ``policies.yaml`` stand beside them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, StringConstraints

from app.business_calendar.clocks import Target, Unit
from app.business_calendar.days import DayCalendar, YearTable
from app.business_calendar.hours import Opening, ServiceHours
from app.business_calendar.policies import Case, Policy
from app.definition_files import Definition, Fault, Key, Reading, Sentence, Source, read
from app.definition_values import Day, refused
from app.errors import NotFound

EVERY_DAY = "every_day"
"""The day calendar without tables: every date is open."""
HOURS_FILE, POLICIES_FILE = "hours.yaml", "policies.yaml"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TABLE_NAME = re.compile(r"([a-z][a-z0-9_]*)\.([0-9]{4})\.v([1-9][0-9]*)\.yaml")


def _minutes(text: object) -> int:
    found = re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9])|(24):(00)", str(text))
    if found is None:
        raise refused(f"'{text}' is no time of the day", 'write "09:00"; the end of the day is "24:00"')
    hour, minute = (int(part) for part in found.groups() if part is not None)
    return hour * 60 + minute


Minutes = Annotated[int, PlainValidator(_minutes)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,59}$")]
CaseName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.]{0,59}$")]
Number = Annotated[int, Field(ge=1, le=10_000, strict=True)]
TargetText = Annotated[dict[Unit, Number], Field(min_length=1, max_length=1)]


class DayOffText(Definition):
    date: Day
    why: Key


class TableText(Definition):
    """One year's table; ``source`` says where it was taken from, ``reason`` why it was amended."""

    calendar: Key
    year: Annotated[int, Field(ge=2000, le=2200, strict=True)]
    version: Number
    source: Sentence
    reason: Sentence | None = None
    days_off: list[DayOffText]
    extra_working_days: list[Day] = []


class HoursText(Definition):
    days: Key
    only_weekdays: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = []
    open: Annotated[list[tuple[Minutes, Minutes]], Field(min_length=1)]
    source: Sentence


class HoursFileText(Definition):
    service_hours: dict[Name, HoursText]


class CaseText(Definition):
    response: TargetText | None = None
    resolution: TargetText | None = None
    start: Annotated[Literal["receipt", "acceptance"], Field(alias="from")] = "acceptance"


class PolicyText(Definition):
    """``extends``: the cases are merged key by key over those of that policy."""

    hours: Name
    extends: Name | None = None
    source: Sentence
    cases: Annotated[dict[CaseName, CaseText], Field(min_length=1)]
    auto_close: TargetText | None = None


class PoliciesFileText(Definition):
    policies: dict[Name, PolicyText]


@dataclass(frozen=True)
class CalendarLibrary:
    """Everything that time is counted by; read once, then only read."""

    days: Mapping[str, DayCalendar] = field(default_factory=dict)
    hours: Mapping[str, ServiceHours] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)

    def policy(self, key: str) -> Policy:
        """Return a policy.

        Raises:
            NotFound: there is none of this key.
        """
        if key not in self.policies:
            raise NotFound
        return self.policies[key]


def load(folder: Path, root: Path) -> tuple[CalendarLibrary, list[Fault]]:
    """Read every file of a folder; what is faulty is left out of the library."""
    faults: set[Fault] = set()
    files = sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml"))
    tables = [path for path in files if path.name not in (HOURS_FILE, POLICIES_FILE)]
    days = _day_calendars(tables, root, faults)
    hours: dict[str, ServiceHours] = {}
    policies: dict[str, Policy] = {}
    if (folder / HOURS_FILE) in files:
        hours_read = read(folder / HOURS_FILE, HoursFileText, root=root)
        hours = _service_hours(hours_read, days, faults)
    if (folder / POLICIES_FILE) in files:
        policies_read = read(folder / POLICIES_FILE, PoliciesFileText, root=root)
        policies = _policies(policies_read, hours, faults)
    return CalendarLibrary(days, hours, policies), sorted(faults)


# year tables


def _day_calendars(paths: Sequence[Path], root: Path, faults: set[Fault]) -> dict[str, DayCalendar]:
    found: dict[str, dict[int, YearTable]] = {}
    met: set[tuple[str, int, int]] = set()
    for path in paths:
        reading = read(path, TableText, root=root)
        own = set(reading.faults)
        if reading.text is not None:
            own |= set(reading.untold(_faults_of_table(path, reading.text, reading.source)))
        faults |= own
        if reading.text is None or own:
            named = _TABLE_NAME.fullmatch(path.name)
            met |= {(named[1], int(named[2]), int(named[3]))} if named else set()
            continue
        text = reading.text
        met.add((text.calendar, text.year, text.version))
        tables = found.setdefault(text.calendar, {})
        if text.year not in tables or tables[text.year].version < text.version:
            off = frozenset(each.date for each in text.days_off)
            tables[text.year] = YearTable(text.year, text.version, off, frozenset(text.extra_working_days))
    faults |= set(_lost_versions(met, paths, root))
    calendars = {key: DayCalendar(key, tables) for key, tables in found.items()}
    return {EVERY_DAY: DayCalendar(EVERY_DAY), **calendars}


def _faults_of_table(path: Path, text: TableText, source: Source) -> Iterator[Fault]:
    named = _TABLE_NAME.fullmatch(path.name)
    called = f"{text.calendar or '<calendar>'}.{text.year or '<year>'}.v{text.version or '<version>'}.yaml"
    if named is None:
        yield source.fault(
            [], f"the file name '{path.name}' is not <calendar>.<year>.v<version>.yaml", f"name it {called}"
        )
    else:
        for key, said, own in zip(
            ("calendar", "year", "version"), named.groups(), (text.calendar, text.year, text.version), strict=True
        ):
            if said != str(own):
                problem = f"{own} is not the {key} in the file's name"
                yield source.fault([key], problem, f"rename the file {called} or correct the key")
    if text.calendar == EVERY_DAY:
        yield source.fault(["calendar"], f"'{EVERY_DAY}' has no tables", "give the calendar another name")
    if text.version not in (1, None) and not isinstance(text.version, str) and text.reason is None:
        yield source.fault(["version"], "an amended table gives no reason", "add reason: why it was amended")
    off = [each.date for each in text.days_off]
    yield from _faults_of_dates("days_off", off, text, source, is_off=True)
    yield from _faults_of_dates("extra_working_days", text.extra_working_days, text, source, is_off=False)


def _faults_of_dates(
    key: str, dates: Sequence[Any], text: TableText, source: Source, *, is_off: bool
) -> Iterator[Fault]:
    others = set(text.extra_working_days if is_off else (each.date for each in text.days_off))
    times = Counter(dates)
    for number, day in enumerate(dates):
        place: list[str | int] = [key, number]
        if not isinstance(day, date):
            continue  # a gap: told where it stands
        if day.year != text.year:
            yield source.fault(place, f"{day} is not in {text.year}", "move it to the table of its year")
        if times[day] > 1 and dates.index(day) == number:
            yield source.fault(place, f"{day} stands {times[day]} times", "name it once")
        if day in others and is_off:
            yield source.fault(place, f"{day} is both off and working", "keep one of them")
        is_weekend = day.weekday() >= len(WEEKDAYS) - 2
        if is_weekend is is_off and day not in others:
            usual = "off" if is_off else "working"
            yield source.fault(place, f"{day} is a {day:%A}, {usual} as it is", "remove it or correct the date")


def _lost_versions(met: set[tuple[str, int, int]], paths: Sequence[Path], root: Path) -> Iterator[Fault]:
    """Find amended tables beside which the earlier version is gone: it says what was counted by before."""
    for calendar, year, version in sorted(met):
        if version > 1 and (calendar, year, version - 1) not in met:
            name = f"{calendar}.{year}.v{version}.yaml"
            path = next((each for each in paths if each.name == name), None)
            if path is not None:
                file = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
                mend = f"put {calendar}.{year}.v{version - 1}.yaml beside it"
                yield Fault(file, 1, "version", "the version before it is gone", mend)


# service hours


def _service_hours(
    reading: Reading[HoursFileText], days: Mapping[str, DayCalendar], faults: set[Fault]
) -> dict[str, ServiceHours]:
    own = set(reading.faults)
    if reading.text is not None:
        own |= set(reading.untold(_faults_of_hours(reading.text, reading.source, days)))
    faults |= own
    if reading.text is None or own:
        return {}
    return {
        key: ServiceHours(
            key,
            days[text.days],
            tuple(Opening(start, end) for start, end in text.open),
            frozenset(WEEKDAYS.index(each) for each in text.only_weekdays),
        )
        for key, text in reading.text.service_hours.items()
    }


def _faults_of_hours(text: HoursFileText, source: Source, days: Mapping[str, DayCalendar]) -> Iterator[Fault]:
    for key, hours in text.service_hours.items():
        place = ["service_hours", key]
        if hours.days not in days:
            known = ", ".join(sorted(days))
            yield source.fault([*place, "days"], f"day calendar '{hours.days}' is unknown", f"known: {known}")
        times = [minute for opening in hours.open for minute in opening]
        if not all(isinstance(each, int) for each in times):
            continue
        if any(later <= earlier for earlier, later in pairwise(times)):
            problem = "the openings do not follow each other"
            yield source.fault([*place, "open"], problem, "write them in order, each with its end after its start")


# policies


def _policies(
    reading: Reading[PoliciesFileText], hours: Mapping[str, ServiceHours], faults: set[Fault]
) -> dict[str, Policy]:
    own = set(reading.faults)
    if reading.text is not None:
        own |= set(reading.untold(_faults_of_policies(reading.text, reading.source, hours)))
    faults |= own
    if reading.text is None or own or not hours:
        return {}
    texts = reading.text.policies
    return {
        key: Policy(key, hours[text.hours], _cases(key, texts), _target(text.auto_close)) for key, text in texts.items()
    }


def _faults_of_policies(text: PoliciesFileText, source: Source, hours: Mapping[str, ServiceHours]) -> Iterator[Fault]:
    for key, policy in text.policies.items():
        place = ["policies", key]
        if policy.hours not in hours and hours:  # without any, their own file is faulty and told
            known = ", ".join(sorted(hours))
            yield source.fault([*place, "hours"], f"service hours '{policy.hours}' are unknown", f"known: {known}")
        base = policy.extends
        if base is None:
            continue
        if base not in text.policies:
            known = ", ".join(sorted(text.policies))
            yield source.fault([*place, "extends"], f"policy '{base}' is unknown", f"known: {known}")
        elif text.policies[base].extends is not None or base == key:
            yield source.fault(
                [*place, "extends"], f"'{base}' extends another policy", "extend one that stands by itself"
            )


def _cases(key: str, texts: Mapping[str, PolicyText]) -> dict[str, Case]:
    """Return the cases of a policy, those of the one it extends beneath them."""
    own = texts[key]
    beneath = _cases(own.extends, texts) if own.extends else {}
    return {**beneath, **{name: _case(text, beneath.get(name)) for name, text in own.cases.items()}}


def _case(text: CaseText, beneath: Case | None) -> Case:
    given = text.model_fields_set
    base = beneath or Case(None, None)
    return Case(
        response=_target(text.response) if "response" in given else base.response,
        resolution=_target(text.resolution) if "resolution" in given else base.resolution,
        from_receipt=text.start == "receipt" if "start" in given else base.from_receipt,
    )


def _target(text: Mapping[Unit, int] | None) -> Target | None:
    return next((Target(unit, amount) for unit, amount in text.items()), None) if text else None
