"""Listing criteria as data: what is demanded of a security on its platform, in its sector and category.

``forms/_criteria/<key>.v<version>.yaml`` holds a set of criteria for some paths of one dynamic form, in
force from its ``effective`` day.  A criterion is an expression over the answers of an entry, of the same
language as a form's own (``expressions``); what has none is judged by hand.  Judging tells met, not met,
that data are missing, or that a person must judge, and which answers it was judged by.

Besides the fields of the entry's form, its free keys and its criteria, an expression may name
``application_day``, the day of the application, and ``threshold``, the amount that its own criterion demands.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator
from pydantic import Field as Setting

from app.definition_files import Definition, Fault, Key, Source, Words, named_files, read
from app.expressions.compiling import compile_expression
from app.expressions.language import A, Expression, ExpressionError, Figures
from app.expressions.scopes import Path
from app.forms.dynamic import DynamicForm
from app.forms.figures import Figure, day_of
from app.forms.logic import Item, Plan, Sheet
from app.forms.outline import Asked, Part, Rows
from app.forms.parts import NOT_EMPTY, Clause, Field
from app.forms.paths import is_entry_id
from app.forms.simple import Form

FOLDER = "_criteria"
APPLICATION_DAY, THRESHOLD = "application_day", "threshold"
_FILE_NAME = re.compile(r"([a-z][a-z0-9_]{0,59})\.v([1-9][0-9]{0,3})\.yaml")
_NAMED_FIGURE = re.compile(r"figure\(\s*['\"]([a-z0-9_.]+)['\"]")


class Finding(StrEnum):
    """What judging a criterion by the answers comes to."""

    MET = "met"
    NOT_MET = "not_met"
    MISSING = "missing"  # an answer that it needs is not there
    BY_HAND = "by_hand"


class Threshold(Definition):
    """The amount that a criterion demands: an expression over figures, and how it is written."""

    value: str
    as_: Literal["number", "percent", "money"] = Setting(alias="as")
    currency: Annotated[str, Setting(pattern=r"^[A-Z]{3}$")] | None = None


class Criterion(Definition):
    """One criterion.  ``at`` is the field at which a remark on it is written, ``data`` what is shown beside
    the fields that its expression names; without ``that`` it is judged by hand.
    """

    key: Key
    title: Words
    norm: Words
    clause: Clause | None = None
    that: str | None = None
    threshold: Threshold | None = None
    data: tuple[Annotated[str, Setting(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$")], ...] = ()
    at: Key


class CriteriaSetFile(Definition):
    """What stands in a file of criteria; ``source`` says where they were taken from."""

    criteria: Key
    version: Annotated[int, Setting(ge=1)]
    effective: Annotated[str, AfterValidator(day_of)]
    demo_data: bool = False
    title: Words
    source: Words
    form: Key
    paths: Annotated[tuple[str, ...], NOT_EMPTY]
    rules: Annotated[tuple[Criterion, ...], NOT_EMPTY]


@dataclass(frozen=True)
class Datum:
    """One answer that a criterion was judged by: its field, where it stands, its values (several of a group's rows).

    ``path`` is the place in the stage ("equity_package-e1-equity_now"), empty for what nobody answers.
    """

    name: str
    field: Field
    path: str
    values: tuple[Any, ...]

    def text(self, language: str) -> str:
        """Return the answer in words, empty where there is none."""
        if self.field.type == "group":
            return str(self.values[0]) if self.values else ""
        return "; ".join(words for value in self.values if (words := self.field.text(value, language)))


@dataclass(frozen=True)
class Judged:
    """A criterion with what judging it came to; ``threshold`` is the amount in force, None where it has none."""

    criterion: Criterion
    finding: Finding
    data: tuple[Datum, ...]
    threshold: Datum | None = None
    at: str = ""

    @property
    def basis(self) -> dict[str, list[Any]]:
        """What it was judged by, as it is kept: while this stays the same, so does the verdict."""
        known = {datum.name: list(datum.values) for datum in self.data}
        return known | ({THRESHOLD: list(self.threshold.values)} if self.threshold is not None else {})


@dataclass(frozen=True)
class _Compiled:
    that: Expression | None
    threshold: Expression | None
    field: Field | None
    uses: tuple[tuple[int, Path], ...]


@dataclass(frozen=True)
class CriteriaSet:
    """The criteria of some paths of a dynamic form, in force from ``effective`` on."""

    key: str
    version: int
    effective: str
    demo_data: bool
    title: Words
    source: Words
    form: str
    paths: tuple[Path, ...]
    rules: tuple[Criterion, ...]
    figures: Mapping[str, Figure]
    _known: dict[str, dict[str, _Compiled]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def name(self) -> str:
        """The set and its version: ``equity_main_shares_premium.v1``."""
        return f"{self.key}.v{self.version}"

    def judge(self, form: DynamicForm, entry: Mapping[str, Any], day: str) -> list[Judged]:
        """Judge every criterion by the answers of an entry, as of the day of the application."""
        leaf = form.leaf(entry)
        if leaf is None:
            return [Judged(rule, Finding.MISSING, ()) for rule in self.rules]
        known, found = self._compiled(leaf), _Answers(form, entry)
        return [_judged(rule, known.get(rule.key), leaf, found, day) for rule in self.rules]

    def _compiled(self, leaf: Form) -> dict[str, _Compiled]:
        """Return the expressions for one form; without those that name what its version does not ask."""
        if leaf.name not in self._known:
            compiled: dict[str, _Compiled] = {}
            for rule in self.rules:
                try:
                    compiled[rule.key] = _compile(rule, leaf, self.figures)
                except _Misplaced:
                    continue
            self._known[leaf.name] = compiled
        return self._known[leaf.name]


class CriteriaLibrary:
    """All sets of criteria of all versions."""

    def __init__(self, sets: Iterable[CriteriaSet] = ()) -> None:
        self._sets: dict[str, dict[int, CriteriaSet]] = {}
        for each_set in sets:
            self._sets.setdefault(each_set.key, {})[each_set.version] = each_set

    def of(self, form: str, path: Sequence[str], day: str, pins: Mapping[str, int] | None = None) -> CriteriaSet | None:
        """Return the set for a path of a dynamic form that was in force on ``day``, None when there is none.

        The most specific one wins, of its versions the last that was in force; ``pins`` (key -> version) are
        those an application has been judged by already.
        """
        best: tuple[int, CriteriaSet] | None = None
        for key, versions in self._sets.items():
            pinned = versions.get((pins or {}).get(key, 0))
            ripe = [pinned] if pinned else [each for each in versions.values() if each.effective <= day]
            if not ripe:
                continue
            found = max(ripe, key=lambda each: (each.effective, each.version))
            lengths = [len(own) for own in found.paths if found.form == form and tuple(path[: len(own)]) == own]
            if lengths and (best is None or max(lengths) > best[0]):
                best = (max(lengths), found)
        return best[1] if best else None

    def all(self) -> tuple[CriteriaSet, ...]:
        """Return every set of every version."""
        return tuple(found for versions in self._sets.values() for found in versions.values())


class _Misplaced(Exception):
    """An expression that cannot be used: at which key of the criterion, and why."""

    def __init__(self, place: tuple[str | int, ...], problem: str, mend: str) -> None:
        super().__init__(problem)
        self.place, self.problem, self.mend = place, problem, mend


_DAY = Field.model_construct(
    key=APPLICATION_DAY,
    type="date",
    label=Words(kk="Өтініш күні", ru="Дата заявления", en="Date of the application"),
)


def _threshold_field(threshold: Threshold) -> Field:
    words = Words(kk="Талап етілетін мән", ru="Требуемое значение", en="Value required")
    return Field.model_construct(key=THRESHOLD, type=threshold.as_, currency=threshold.currency, label=words)


def _compile(rule: Criterion, leaf: Form, figures: Figures) -> _Compiled:
    """Return a criterion's expressions over a form.

    Raises:
        _Misplaced: one of them is faulty, or names no field of the form.
    """
    stack: tuple[Sequence[Field], ...] = (leaf.fields, leaf.around, (_DAY,))
    known = {".".join(path) for path, _ in _paths((*leaf.fields, *leaf.around))}
    for place, name in ((("at",), rule.at), *((("data", number), name) for number, name in enumerate(rule.data))):
        if name not in known:
            raise _Misplaced(place, f"'{name}' is no field of {leaf.name}", "name one of its fields")

    threshold, own = None, None
    if rule.threshold is not None:
        threshold = _expression(rule.threshold.value, stack, figures, "number", ("threshold", "value"))
        own = _threshold_field(rule.threshold)
        stack = (leaf.fields, leaf.around, (_DAY, own))
    that = _expression(rule.that, stack, figures, "truth", ("that",)) if rule.that else None
    uses = [*(that.uses if that else ()), *(threshold.uses if threshold else ())]
    shown = dict.fromkeys([*uses, *(_place_of(name, leaf) for name in rule.data)])
    return _Compiled(that, threshold, own, tuple(shown))


def _expression(
    text: str, stack: tuple[Sequence[Field], ...], figures: Figures, sort: str, place: tuple[str, ...]
) -> Expression:
    def resolve(name: str) -> tuple[int, Field] | None:
        for level, fields in enumerate(stack):
            for asked in fields:
                if asked.key == name:
                    return level, asked
        return None

    try:
        found = compile_expression(text, resolve, [asked.key for fields in stack for asked in fields], figures)
    except ExpressionError as error:
        raise _Misplaced(place, error.problem, error.mend) from None
    if found.sort != sort:
        raise _Misplaced(place, f"it is {A[found.sort]}, not {A[sort]}", "compare it, or name a number")
    return found


def _place_of(name: str, leaf: Form) -> tuple[int, Path]:
    path = tuple(name.split("."))
    return (0 if any(asked.key == path[0] for asked in leaf.fields) else 1), path


class _Answers:
    """What an entry answers now, by the fields' paths without rows: ("statement_years", "opinion")."""

    def __init__(self, form: DynamicForm, entry: Mapping[str, Any]) -> None:
        self.values, self.around = entry.get("values", {}), form.around(entry)
        self.start = f"{form.entry_path(entry)}-"
        self.asked: dict[Path, list[Asked | Rows]] = {}
        for item in _every(form.outline_of(entry)):
            keys = item.path.removeprefix(self.start).split("-")
            self.asked.setdefault(tuple(key for key in keys if not is_entry_id(key)), []).append(item)

    def sheet(self, leaf: Form, day: str, threshold: Field | None, amount: Any) -> Sheet:
        """Lay the form's plan over the answers, with what is known of the application around it."""
        items = {APPLICATION_DAY: Item(_DAY, (APPLICATION_DAY,))}
        values = {APPLICATION_DAY: day}
        if threshold is not None:
            items[THRESHOLD] = Item(threshold, (THRESHOLD,))
            values[THRESHOLD] = amount
        outer = Sheet(leaf.plan.outer or Plan({}), self.around, Sheet(Plan(items), values, None))
        return Sheet(leaf.plan, self.values, outer)

    def datum(self, path: Path, asked: Field) -> Datum:
        """Return the answers at a path; without values where nothing is asked or answered."""
        found = self.asked.get(path, [])
        values: list[Any] = []
        for item in found:
            value = len(item.rows) if isinstance(item, Rows) else item.value
            if value is not None:
                values.append(value)
        place = found[0].path if found else ""
        return Datum(".".join(path), asked, place, tuple(values))


def _every(parts: Iterable[Part]) -> Iterator[Asked | Rows]:
    def below(items: Iterable[Asked | Rows]) -> Iterator[Asked | Rows]:
        for item in items:
            yield item
            for row in item.rows if isinstance(item, Rows) else ():
                yield from below(row.items)

    for part in parts:
        yield from below(part.items)


def _judged(rule: Criterion, compiled: _Compiled | None, leaf: Form, found: _Answers, day: str) -> Judged:
    if compiled is None:  # a version of the form that does not ask what it needs
        return Judged(rule, Finding.BY_HAND, ())
    threshold, amount = None, None
    if compiled.threshold is not None and compiled.field is not None:
        required = compiled.threshold.read(found.sheet(leaf, day, None, None))
        amount = None if required is None else compiled.field.kind.of_operand(required, compiled.field)
        threshold = Datum(THRESHOLD, compiled.field, "", () if amount is None else (amount,))
    finding = Finding.BY_HAND
    if compiled.that is not None:
        held = compiled.that.read(found.sheet(leaf, day, compiled.field, amount))
        finding = {True: Finding.MET, False: Finding.NOT_MET}.get(held, Finding.MISSING)
    data = tuple(found.datum(path, asked) for path, asked in _shown(leaf, compiled.uses))
    at = found.asked.get((rule.at,), [])
    return Judged(rule, finding, data, threshold, at[0].path if at else found.start.removesuffix("-"))


def _shown(leaf: Form, uses: Sequence[tuple[int, Path]]) -> list[tuple[Path, Field]]:
    """Return the fields that were used, those behind computed ones too, in the order of the form."""
    wanted: set[Path] = set()

    def add(level: int, path: Path, owners: Path = ()) -> None:
        if level == 1:
            wanted.add(path)
        if level != 0 or path in wanted:
            return
        wanted.add(path)
        item = _item(leaf.plan, path)
        if item is None or item.value is None:
            return
        for up, used in item.value.expression.uses:
            outer = path[:-1]
            if up > len(outer):
                add(up - len(outer), used)
            else:
                add(0, (*outer[: len(outer) - up], *used))

    for level, path in uses:
        add(level, path)
    order = dict(_paths((*leaf.around, *leaf.fields)))
    return [(path, asked) for path, asked in order.items() if path in wanted]


def _item(plan: Plan, path: Path) -> Item | None:
    item = plan.items.get(path[0])
    if item is None or len(path) == 1:
        return item
    return _item(item.rows, path[1:]) if item.rows is not None else None


def _paths(fields: Iterable[Field], above: Path = ()) -> Iterator[tuple[Path, Field]]:
    for asked in fields:
        path = (*above, asked.key)
        yield path, asked
        yield from _paths(asked.fields or (), path)


def load_criteria(
    folder: FilePath,
    root: FilePath,
    forms: Mapping[str, DynamicForm],
    figures: Mapping[str, Figure],
    faulty: Collection[str] = (),
) -> tuple[CriteriaLibrary, list[Fault]]:
    """Read every set of criteria; ``forms`` are the sound dynamic forms that they may be for, by their keys.

    Sets for a ``faulty`` form are not judged: its own faults are told already.
    """
    faults: list[Fault] = []
    sets: list[CriteriaSet] = []
    shape, like = "<criteria>.v<version>.yaml", "main_bonds.v1.yaml"
    for path, named in named_files(folder, _FILE_NAME, root, faults, shape=shape, like=like):
        reading = read(path, CriteriaSetFile, root=root)
        if reading.text is None or reading.faults:
            faults += reading.faults
            continue
        if reading.text.form in faulty:
            continue
        wrong = list(_sense_faults(reading.text, reading.source, named, forms, figures))
        faults += wrong
        if not wrong:
            sets.append(_set(reading.text, figures))
    return CriteriaLibrary(sets), faults


def _set(file: CriteriaSetFile, figures: Mapping[str, Figure]) -> CriteriaSet:
    return CriteriaSet(
        key=file.criteria,
        version=file.version,
        effective=file.effective,
        demo_data=file.demo_data,
        title=file.title,
        source=file.source,
        form=file.form,
        paths=tuple(tuple(path.split("/")) for path in file.paths),
        rules=file.rules,
        figures=figures,
    )


def _sense_faults(
    file: CriteriaSetFile,
    source: Source,
    expected: Sequence[str],
    forms: Mapping[str, DynamicForm],
    figures: Mapping[str, Figure],
) -> Iterator[Fault]:
    for key, own, right in zip(("criteria", "version"), (file.criteria, str(file.version)), expected, strict=True):
        if own != right:
            yield source.fault([key], f"'{own}' is not what the file's name says", f"write {key}: {right}")
    seen: set[str] = set()
    for number, rule in enumerate(file.rules):
        if rule.key in seen:
            yield source.fault(["rules", number, "key"], f"criterion '{rule.key}' stands twice", "rename one of them")
        seen.add(rule.key)
    texts = [text for rule in file.rules for text in (rule.that, rule.threshold and rule.threshold.value) if text]
    named = {name for text in texts for name in _NAMED_FIGURE.findall(text)}
    if not file.demo_data and (told := sorted(name for name in named if name in figures and figures[name].demo_data)):
        problem = f"it reckons with illustrative figures ({', '.join(told)}) and is not marked"
        yield source.fault(["criteria"], problem, "add demo_data: true")
    form = forms.get(file.form)
    if form is None:
        known = ", ".join(sorted(forms)) or "none"
        yield source.fault(["form"], f"there is no dynamic form '{file.form}'", f"known: {known}")
        return
    for number, path in enumerate(file.paths):
        leaves = _leaves(form, tuple(path.split("/")))
        if not leaves:
            yield source.fault(["paths", number], f"'{path}' leads to no form", "write options like main/shares")
        for leaf in leaves:
            yield from _faults_over(file, source, leaf, figures)


def _leaves(form: DynamicForm, path: Path) -> list[Form]:
    """Return the newest forms to which the lists lead at or below a path."""
    found = [form.form_at(each) for each in form.paths() if each[: len(path)] == path]
    return list({leaf.name: leaf for leaf in found if leaf is not None}.values())


def _faults_over(file: CriteriaSetFile, source: Source, leaf: Form, figures: Mapping[str, Figure]) -> Iterator[Fault]:
    for number, rule in enumerate(file.rules):
        try:
            _compile(rule, leaf, figures)
        except _Misplaced as wrong:
            fault = source.fault(["rules", number, *wrong.place], wrong.problem, wrong.mend)
            told = ".".join(["rules", rule.key, *map(str, wrong.place)])
            yield Fault(fault.file, fault.line, told, fault.problem, fault.mend)
