"""The pages of figures: sections with their numbers, each with the address of the list behind it.

The same sections make the pages and the sheets of the workbook.  Nothing is counted here but by ``counting``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.errors import NotFound
from app.figures import counting, drawing
from app.figures.cases import Case
from app.figures.counting import BANDS, QUEUE, SUBJECTS, Chosen, Groups, Holders, Item, Key, Times
from app.figures.drawing import Bar, Column, Edge, Node
from app.figures.wording import Wording

MOST_VARIANTS = 10
MOST_LABELS = 9
"""Weeks that are named under the chart of weeks."""
SIDES = ("exchange", "applicant")
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

    # what is counted

    def groups(self, subject: str) -> Groups:
        """Return the items of a subject by their keys."""
        found: Groups = self._once((subject, self.chosen), lambda: self._group(subject))
        return found

    def _group(self, subject: str) -> Groups:
        if subject == "held":
            return Groups(counting.held(self.cases, self.chosen, self.now, self.holders))
        return Groups(SUBJECTS[subject](self.cases, self.chosen, self.now))

    def _once(self, key: object, make: Callable[[], Any]) -> Any:
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

    def _times(self, subject: str, *key: str) -> tuple[Times, Times]:
        """Return what the items of a key took, in working and in calendar days."""

        def measure() -> tuple[Times, Times]:
            items = self.groups(subject).of(*key)
            return counting.times(items, day=self.day), counting.times(items)

        found: tuple[Times, Times] = self._once(("times", subject, key, self.chosen), measure)
        return found

    def _took(self, subject: str, *key: str) -> list[Cell]:
        """Return median, 90th percentile and longest, in working days with calendar days beneath."""
        work, passed = self._times(subject, *key)
        return [
            Cell(self.days(one), "", one, self.days(other), other)
            for one, other in ((work.median, passed.median), (work.ninth, passed.ninth), (work.longest, passed.longest))
        ]

    def _head(self, *keys: str | tuple[str, str]) -> list[tuple[str, str]]:
        told = [key if isinstance(key, tuple) else (key, "") for key in keys]
        return [(self.say(one), self.say(other) if other else "") for one, other in told]

    def _took_head(self) -> list[tuple[str, str]]:
        work, passed = self.say("figures.working"), self.say("figures.calendar")
        return [(f"{self.say(f'figures.{key}')}, {work}", passed) for key in ("median", "ninth", "longest")]

    # pages

    def load(self) -> list[Section]:
        """Return who has how much to do, and what comes and goes."""
        return [self._waiting(), self._held(), self._alive(), self._flow_of_weeks()]

    def terms(self) -> list[Section]:
        """Return how terms were kept, and which are not."""
        return [self._running(), self._months(), self._settled()]

    def stays(self) -> list[Section]:
        """Return where time goes, what comes back and how it ends."""
        return [self._sides(), self._processes(), self._reworked(), self._outcomes()]

    def paths(self) -> list[Section]:
        """Return how one procedure really ran; nothing without a procedure."""
        if not self.chosen.procedure:
            return []
        return [self._graph(), self._ways(), self._variants(), self._gone()]

    def _bands(self) -> list[str]:
        return [str(number) for number in range(len(BANDS) + 1)]

    def _by_band(self, subject: str, title: str, first: str, said: Callable[[str], str], note: str) -> Section:
        found = self.groups(subject)
        keys = sorted({key[0] for key in found.every}, key=lambda key: (-found.count(key), said(key)))
        bands = [(f"figures.band.{each}", "") for each in self._bands()]
        rows = [
            [
                Cell(said(key), is_words=True),
                self.number(subject, key),
                *(self.number(subject, key, each) for each in self._bands()),
            ]
            for key in keys
        ]
        drawn = [Bar(said(key), found.count(key), str(found.count(key))) for key in keys]
        chart = drawing.bars(subject, self.say(title), drawn) if drawn else ""
        return Section(
            title, self._head(first, "figures.total", *bands), rows, chart, ("figures.now", note), "figures.none_now"
        )

    def _waiting(self) -> Section:
        return self._by_band(
            "waiting",
            "figures.load.waiting",
            "figures.who",
            lambda key: self.say(f"workflow.executor.{key}"),
            "figures.load.waiting_note",
        )

    def _held(self) -> Section:
        """Return what each person holds, and what lies in each queue."""
        found = self.groups("held")
        keys = {key[:2] for key in found.every}
        order = sorted(keys, key=lambda key: (key[0] == QUEUE, self.person_words(key[0]), key[1]))
        bands = [(f"figures.band.{each}", "") for each in self._bands()]
        rows, drawn = [], []
        for key in order:
            name, role, count = self.person_words(key[0]), self.say(f"workflow.executor.{key[1]}"), found.count(*key)
            cells = [self.number("held", *key), *(self.number("held", *key, each) for each in self._bands())]
            rows.append([Cell(name, more=role, is_words=True), *cells])
            drawn.append(Bar(f"{name} – {role}", count, str(count)))
        title = "figures.load.person"
        chart = drawing.bars("held", self.say(title), drawn) if drawn else ""
        head = self._head(("figures.who", "figures.as"), "figures.total", *bands)
        notes = ("figures.now", "figures.load.person_note")
        return Section(title, head, rows, chart, notes, "figures.none_now")

    def _alive(self) -> Section:
        section = self._by_band(
            "alive", "figures.load.alive", "figures.procedure", self.procedure_words, "figures.load.alive_note"
        )
        if len(section.rows) > 1:
            total = [self.number("alive"), *(self.number("aged", each) for each in self._bands())]
            section.rows.append([Cell(self.say("figures.total"), is_words=True), *total])
        return section

    def _flow_of_weeks(self) -> Section:
        weeks = counting.weeks(self.chosen)
        come, gone = self.groups("arrived"), self.groups("closed")
        every = -(-len(weeks) // MOST_LABELS) or 1
        told = [
            Column(
                f"{week[8:]}.{week[5:7]}" if number % every == 0 else "",
                (come.count(week), gone.count(week)),
                self.week_words(week),
            )
            for number, week in enumerate(weeks)
        ]
        title = "figures.load.flow"
        series = (self.say("figures.arrived"), self.say("figures.closed"))
        some = come.every or gone.every
        rows = [
            [Cell(self.week_words(week), is_words=True), self.number("arrived", week), self.number("closed", week)]
            for week in reversed(weeks)
            if come.count(week) or gone.count(week)
        ]
        if rows:
            total = Cell(self.say("figures.total"), is_words=True)
            rows.insert(0, [total, self.number("arrived"), self.number("closed")])
        chart = drawing.columns("flow", self.say(title), series, told, stacked=False) if some else ""
        return Section(title, self._head("figures.week", "figures.arrived", "figures.closed"), rows, chart)

    def _running(self) -> Section:
        found = self.groups("running")
        title = "figures.terms.now"
        states = [each for each in ("late", "soon", "later", "paused", "unknown") if found.count(each)]
        ways = sorted({key[1:] for key in found.every}, key=lambda way: self._term_place(found, way))
        rows = [
            [
                Cell(self.term_words(*way), more=self.procedure_words(way[0]), is_words=True),
                *(self.number("running", each, *way) for each in states),
            ]
            for way in ways
        ]
        if len(rows) > 1:
            rows.insert(
                0,
                [
                    Cell(self.say("figures.total"), is_words=True),
                    *(self.number("running", each) for each in states),
                ],
            )
        drawn = [Bar(self.say(f"figures.state.{each}"), found.count(each), str(found.count(each))) for each in states]
        chart = drawing.bars("running", self.say(title), drawn) if drawn else ""
        head = self._head(("figures.term", "figures.procedure"), *(f"figures.state.{each}" for each in states))
        return Section(title, head, rows, chart, ("figures.now",), "figures.none_now")

    def _term_place(self, found: Groups, way: Key) -> tuple[int, int, str, str]:
        late, soon = (found.count(each, *way) for each in ("late", "soon"))
        return (-late, -soon, self.procedure_words(way[0]), self.term_words(*way))

    def _months(self) -> Section:
        found = self.groups("settled_by_month")
        months = counting.months(self.chosen)
        title, series = "figures.terms.month", (self.say("figures.met"), self.say("figures.late"))
        every = -(-len(months) // 13) or 1
        told = [
            Column(
                month[5:] if number % every == 0 else "",
                (found.count(month, "met"), found.count(month, "late")),
                self.month_words(month),
            )
            for number, month in enumerate(months)
        ]
        rows = [
            [
                Cell(self.month_words(month), is_words=True),
                self.number("settled_by_month", month, "met"),
                self.number("settled_by_month", month, "late"),
                self._met_share(found.count(month, "met"), found.count(month, "late")),
            ]
            for month in months
            if found.count(month)
        ]
        chart = drawing.columns("months", self.say(title), series, told, stacked=True) if rows else ""
        head = self._head("figures.month", "figures.met", "figures.late", "figures.share")
        return Section(title, head, rows, chart, ("figures.terms.note",))

    def _met_share(self, met: int, late: int) -> Cell:
        whole = met + late
        return Cell(self.share(met, whole), "", round(met / whole * 100, 1) if whole else None)

    def _settled(self) -> Section:
        found = self.groups("settled")
        ways = sorted(
            {key[:2] for key in found.every},
            key=lambda way: (-found.count(*way, "late"), self.procedure_words(way[0]), self.term_words(*way)),
        )
        rows = []
        for way in ways:
            met, late = found.count(*way, "met"), found.count(*way, "late")
            rows.append(
                [
                    Cell(self.term_words(*way), more=self.procedure_words(way[0]), is_words=True),
                    self.number("settled", *way, "met"),
                    self.number("settled", *way, "late"),
                    self._met_share(met, late),
                ]
            )
        head = self._head(("figures.term", "figures.procedure"), "figures.met", "figures.late", "figures.share")
        return Section("figures.terms.each", head, rows)

    def _sides(self) -> Section:
        found = self.groups("stays")
        spent = {side: self._spent(side) for side in SIDES}
        whole = sum(spent.values())
        told = [side for side in SIDES if found.count(side)]
        rows = [
            [
                Cell(self.say(f"figures.side.{side}"), is_words=True),
                self.number("stays", side),
                Cell(self.share(spent[side], whole), "", round(spent[side] / whole * 100, 1) if whole else None),
                *self._took("stays", side),
            ]
            for side in told
        ]
        drawn = [Bar(self.say(f"figures.side.{each}"), spent[each], self.share(spent[each], whole)) for each in told]
        title = "figures.stays.sides"
        chart = drawing.bars("sides", self.say(title), drawn) if drawn else ""
        head = [*self._head("figures.side", "figures.stays", "figures.sum"), *self._took_head()]
        return Section(title, head, rows, chart, ("figures.stays.note", "figures.few", "figures.nearest"))

    def _spent(self, side: str) -> float:
        found: float = self._once(
            ("spent", side, self.chosen), lambda: sum(item.end - item.start for item in self.groups("stays").of(side))
        )
        return found

    def _processes(self) -> Section:
        found = self.groups("stays")
        standing = self.groups("standing")
        keys = {key[1:] for key in found.every} | set(standing.every)
        sides = {key: self._side(*key) for key in keys}
        medians = {key: self._times("stays", sides[key], *key)[0] for key in keys}
        order = sorted(keys, key=lambda key: (-(medians[key].median or -1), -medians[key].count, key))
        one = bool(self.chosen.procedure)
        rows, drawn = [], []
        for key in order:
            name = self.process_words(*key)
            rows.append(
                [
                    Cell(name, more="" if one else self.procedure_words(key[0]), is_words=True),
                    self.number("stays", sides[key], *key),
                    *self._took("stays", sides[key], *key),
                    self.number("standing", *key),
                ]
            )
            median, ninth = medians[key].median, medians[key].ninth
            if median is not None and ninth is not None:
                label = name if one else f"{name} – {self.procedure_words(key[0])}"
                words = self.say("figures.times.wd", days=f"{self.days(median)} / {self.days(ninth)}")
                drawn.append(Bar(label, median, words, ninth))
        title = "figures.stays.each"
        chart = drawing.bars("stays", self.say(title), drawn[:20]) if drawn else ""
        first = "figures.process" if one else ("figures.process", "figures.procedure")
        head = [*self._head(first, "figures.stays"), *self._took_head(), *self._head("figures.standing")]
        return Section(title, head, rows, chart, ("figures.stays.bar", "figures.few"))

    def _side(self, procedure: str, process: str) -> str:
        """Return whose time a process is."""
        return "applicant" if self.groups("stays").count("applicant", procedure, process) else "exchange"

    def _reworked(self) -> Section:
        found = self.groups("reworked")
        whole = found.count()
        told: list[Key] = [("no",), ("yes",), *(key for key in sorted(found.every) if len(key) > 1)]
        rows = [
            [
                Cell(("\u2003" if len(key) > 1 else "") + self.say(f"figures.rework.{key[-1]}"), is_words=True),
                self.number("reworked", *key),
                Cell(self.share(found.count(*key), whole), "", round(found.count(*key) / whole * 100, 1)),
                *self._took("reworked", *key),
            ]
            for key in (told if whole else ())
        ]
        head = [*self._head("figures.stays.rework", "figures.applications", "figures.part"), *self._took_head()]
        return Section("figures.stays.rework", head, rows, notes=("figures.few",))

    def _outcomes(self) -> Section:
        found = self.groups("outcomes")
        whole = found.count()
        rows = [
            [
                Cell(self.outcome_words(key[0]), is_words=True),
                self.number("outcomes", *key),
                Cell(self.share(found.count(*key), whole), "", round(found.count(*key) / whole * 100, 1)),
                *self._took("outcomes", *key),
            ]
            for key in found.ranked()
        ]
        drawn = [
            Bar(
                self.outcome_words(key[0]),
                found.count(*key),
                self.say("figures.share_of", share=self.share(found.count(*key), whole), n=found.count(*key), of=whole),
            )
            for key in found.ranked()
        ]
        title = "figures.stays.outcomes"
        chart = drawing.bars("outcomes", self.say(title), drawn) if drawn else ""
        head = [*self._head("figures.outcome", "figures.applications", "figures.part"), *self._took_head()]
        return Section(title, head, rows, chart)

    # one procedure as it ran

    def _order(self) -> list[str]:
        """Return the processes that were entered or left: the main road first, the ends last."""
        key = self.chosen.procedure
        present = self._procedure(key)
        met = {each for way in self.groups("ways").every for each in way[1:3]}
        met |= {entry[1] for entry in self.groups("entries").every}
        road = [each for each in present.main_road if each not in present.final]
        others = [each for each in present.processes if each not in (*road, *present.final)]
        others += sorted(met - set(present.processes))
        return [each for each in (*road, *others, *sorted(present.final)) if each in met]

    def _graph(self) -> Section:
        key, order = self.chosen.procedure, self._order()
        took = {process: self._times("stays", self._side(key, process), key, process)[0] for process in order}
        entries = self.groups("entries")
        most = max((each.median or 0 for each in took.values()), default=0) or 1
        final = {process for each in self._versions(key) for process in each.final}
        nodes, rows = [], []
        for process in order:
            name, found = self.process_words(key, process), took[process]
            words = self._node_words(found) if process not in final else ""
            heat = min(3, int((found.median or 0) / most * 4))
            nodes.append(Node(process, drawing.lines(name, f"× {entries.count(key, process)}", words), heat))
            rows.append(
                [
                    Cell(name, is_words=True),
                    self.number("entries", key, process),
                    self.number("stays", self._side(key, process), key, process),
                    *self._took("stays", self._side(key, process), key, process),
                ]
            )
        counts: dict[tuple[str, str], int] = {}
        for way, items in self.groups("ways").every.items():
            counts[way[1], way[2]] = counts.get((way[1], way[2]), 0) + len(items)
        edges = [Edge(source, target, count) for (source, target), count in counts.items()]
        told = "; ".join(
            f"{self.process_words(key, one.source)} → {self.process_words(key, one.target)}: {one.count}"
            for one in edges
        )
        title = self.procedure_words(key)
        head = [*self._head("figures.process", "figures.entered", "figures.stays"), *self._took_head()]
        chart = drawing.flow("ways", title, told, nodes, edges) if nodes else ""
        notes = ("figures.paths.graph_note", "figures.few", "figures.nearest")
        return Section("figures.paths.graph", head, rows, chart, notes, is_flow=True)

    def _node_words(self, found: Times) -> str:
        if found.median is None:
            return self.say("figures.node_few")
        ninth = self.say("figures.times.wd", days=self.days(found.ninth))
        return self.say("figures.node", median=self.days(found.median), ninth=ninth)

    def _way_rows(self, keys: Iterable[Key]) -> list[list[Cell]]:
        return [
            [
                Cell(self.process_words(key[0], key[1]), is_words=True),
                Cell(self.process_words(key[0], key[2]), is_words=True),
                Cell(self.act_words(*key), is_words=True),
                self.number("ways", *key),
                *self._took("ways", *key),
            ]
            for key in keys
        ]

    def _way_head(self) -> list[tuple[str, str]]:
        return [*self._head("figures.from", "figures.to", "figures.act", "figures.taken"), *self._took_head()]

    def _ways(self) -> Section:
        found = self.groups("ways")
        return Section("figures.paths.ways", self._way_head(), self._way_rows(found.ranked()))

    def _gone(self) -> Section:
        known = [(way.source, way.target, way.trigger) for way in self._procedure(self.chosen.procedure).transitions]
        keys = counting.gone(self.groups("ways").ranked(), known)
        rows = self._way_rows(keys)
        return Section("figures.paths.gone", self._way_head(), rows, none="figures.paths.gone_none")

    def _variants(self) -> Section:
        found = self.groups("variants")
        whole = found.count()
        rows, drawn = [], []
        for number, key in enumerate(found.ranked()[:MOST_VARIANTS], start=1):
            items = found.of(*key)
            row = " → ".join(self.process_words(key[0], each.process) for each in items[0].case.path)
            name = self.say("figures.variant", n=number)
            rows.append(
                [
                    Cell(name, more=row, is_words=True),
                    self.number("variants", *key),
                    Cell(self.share(len(items), whole), "", round(len(items) / whole * 100, 1)),
                    *self._took("variants", *key),
                ]
            )
            said = self.say("figures.share_of", share=self.share(len(items), whole), n=len(items), of=whole)
            drawn.append(Bar(name, len(items), said))
        title = "figures.paths.variants"
        chart = drawing.bars("variants", self.say(title), drawn) if drawn else ""
        first = ("figures.applications", "figures.path")
        head = [*self._head(first, "figures.applications", "figures.part"), *self._took_head()]
        return Section(title, head, rows, chart, ("figures.few",))

    # the list behind a number

    def behind(self, subject: str, key: Key) -> list[Item]:
        """Return the items behind a number, the one that began first at the head.

        Raises:
            NotFound: there is no such subject.
        """
        if subject not in SUBJECTS and subject != "held":
            raise NotFound
        return sorted(self.groups(subject).of(*key), key=lambda item: (item.start, item.case.ident))
