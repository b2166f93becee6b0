"""Decision tables: which body decides, which departments review, which term – as data, ``workflows/_tables``.

A table has inputs (columns that are asked) and outputs (columns that are given), rows, and a hit policy:
``first`` takes the first row that fits, ``unique`` lets no two rows fit at once.  Every row can be the one and
every case has a row: the file is checked so, over all kinds of inputs, nothing answered among them; so a
table has a result for whatever it is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool

from app.definition_files import Definition, Fault, Key, Reading, Source, Words, read
from app.workflows.checks import known_words, unknown
from app.workflows.conditions import Output
from app.workflows.formulas import NO, YES, Atom, Formula, Kinds, kinds_of

FOLDER = "_tables"
MOST_CASES = 20_000
NOTHING = "nothing"
"""Written where a procedure has nothing for an input of a table."""
OTHERWISE = "otherwise"
"""The key of the row that is taken where no other fits."""


class ColumnText(Definition):
    """A column: what it is called, and what may stand in it."""

    title: Words
    type: Literal["choice", "yes_no", "number"]
    options: dict[Key, Words] | None = None
    decimals: Annotated[int, Field(ge=0, le=6, strict=True)] = 0

    @property
    def sort(self) -> str:
        """What expressions may do with it."""
        return {"choice": "text", "yes_no": "truth", "number": "number"}[self.type]


class RangeText(Definition):
    """A stretch of numbers; what is left out has no bound."""

    at_least: float | int | None = None
    above: float | int | None = None
    at_most: float | int | None = None
    below: float | int | None = None


Cell = list[str] | StrictBool | RangeText


class ResultText(Definition):
    """What a row gives, and the words that tell a person why."""

    then: dict[Key, StrictBool | int | str]
    words: Words


class RowText(ResultText):
    key: Key
    when: dict[Key, Cell] = {}


class TableText(Definition):
    """What stands in the file of a table."""

    table: Key
    version: Annotated[int, Field(ge=1, strict=True)]
    title: Words
    hit: Literal["first", "unique"]
    effective_from: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    demo_data: StrictBool = False
    internal: StrictBool = False
    norm: Words | None = None
    inputs: Annotated[dict[Key, ColumnText], Field(min_length=1)]
    outputs: Annotated[dict[Key, ColumnText], Field(min_length=1)]
    rows: Annotated[list[RowText], Field(min_length=1)]
    otherwise: ResultText | None = None


@dataclass(frozen=True)
class Row:
    """A row: what must be so, what it gives, and the words for it."""

    key: str
    when: Mapping[str, Any]
    then: Mapping[str, Any]
    words: Words

    def formula(self, given: Mapping[str, tuple[str, str] | Any]) -> Formula:
        """Return what must be so as a formula over ``given``: the answer (stage, field) of an input, or its value."""
        parts = [part for name, cell in self.when.items() for part in _asked(cell, given[name])]
        return Formula("and", tuple(parts))

    def fits(self, values: Mapping[str, Any]) -> bool:
        """Tell whether it fits; an input that is not answered fits only where nothing is asked of it."""
        return all(_fits(cell, values.get(name)) for name, cell in self.when.items())


@dataclass(frozen=True)
class Table:
    """One version of a table, in force from a day on."""

    key: str
    version: int
    title: Words
    effective_from: date
    demo_data: bool
    inputs: Mapping[str, ColumnText]
    outputs: Mapping[str, ColumnText]
    rows: tuple[Row, ...]
    norm: Words | None = None
    is_internal: bool = False
    """Only the Exchange is told which row was taken."""

    @property
    def name(self) -> str:
        """Key and version, as in the file's name."""
        return f"{self.key}.v{self.version}"

    def row(self, values: Mapping[str, Any]) -> Row:
        """Return the row for these inputs: texts, numbers, truths, or nothing."""
        return next(row for row in self.rows if row.fits(values))

    def fields(self) -> dict[str, Output]:
        """Return the outputs as conditions see them."""
        return {key: Output(each.sort, each.options) for key, each in self.outputs.items()}


Tables = Mapping[str, tuple[Table, ...]]
"""Key -> the versions, the one in force last at the end."""


def in_force(versions: Sequence[Table], day: date) -> Table:
    """Return the version in force on a day; before the first one, the first."""
    return next((each for each in reversed(versions) if each.effective_from <= day), versions[0])


@dataclass(frozen=True)
class TableUse:
    """A table as a procedure uses it: ``given`` says where each input comes from.

    That is an answer (stage, field), or a value that is the same for the whole procedure.
    """

    key: str
    versions: tuple[Table, ...]
    given: Mapping[str, Any]

    def fields(self) -> dict[str, Output]:
        """Return the outputs as conditions see them."""
        return {key: each for table in self.versions for key, each in table.fields().items()}


def input_of(written: str) -> Any:
    """Return what a file says of an input: ``stage.field`` as both words, else the literal that it writes.

    Raises:
        ValueError: it is neither.
    """
    if len(written) > 1 and written[0] == written[-1] == "'":
        return written[1:-1]
    if written == NOTHING:
        return None
    if written in ("True", "False"):
        return YES if written == "True" else NO
    place, dot, name = written.partition(".")
    if dot and place.isidentifier() and all(part.isidentifier() for part in name.split(".")):
        return (place, name)
    return Decimal(written) if written.isdigit() else _refuse()


def _refuse() -> Any:
    raise ValueError


def load_tables(folder: Path, root: Path) -> tuple[Tables | None, list[Fault]]:
    """Read the tables of ``folder``; None where one is faulty, so that nobody who uses one is blamed."""
    found: dict[str, list[Table]] = {}
    faults: list[Fault] = []
    for path in sorted(folder.glob("*.y*ml")) if folder.is_dir() else ():
        reading: Reading[TableText] = read(path, TableText, root=root)
        wrong = list(reading.faults)
        if reading.text is not None and not wrong:
            wrong += _faults(path, reading.text, reading.source)
        faults += wrong
        if reading.text is not None and not wrong:
            versions = found.setdefault(reading.text.table, [])
            table = _table(reading.text)
            if any(each.effective_from == table.effective_from for each in versions):
                problem = f"another version of '{table.key}' begins on that day"
                faults.append(reading.source.fault(["effective_from"], problem, "give this one another day"))
            versions.append(table)
    tables = {key: tuple(sorted(each, key=lambda table: table.effective_from)) for key, each in found.items()}
    return (None if faults else tables), faults


def _table(text: TableText) -> Table:
    rows = [Row(row.key, {k: _cell(c) for k, c in row.when.items()}, _then(row, text), row.words) for row in text.rows]
    if text.otherwise is not None:
        rows.append(Row(OTHERWISE, {}, _then(text.otherwise, text), text.otherwise.words))
    return Table(
        key=text.table,
        version=text.version,
        title=text.title,
        effective_from=date.fromisoformat(text.effective_from),
        demo_data=text.demo_data,
        inputs=text.inputs,
        outputs=text.outputs,
        rows=tuple(rows),
        norm=text.norm,
        is_internal=text.internal,
    )


def _then(result: ResultText, text: TableText) -> dict[str, Any]:
    def value(key: str, given: Any) -> Any:
        kind = text.outputs[key].type
        return Decimal(given) if kind == "number" else given

    return {key: value(key, given) for key, given in result.then.items()}


def _cell(cell: Any) -> Any:
    if isinstance(cell, bool):
        return (YES if cell else NO,)
    return tuple(cell) if isinstance(cell, list) else cell


def _fits(cell: Any, value: Any) -> bool:
    if value is None:
        return False
    if isinstance(value, bool):
        value = YES if value else NO
    if isinstance(cell, RangeText):
        number = Decimal(value)
        return not (
            (cell.at_least is not None and number < Decimal(str(cell.at_least)))
            or (cell.above is not None and number <= Decimal(str(cell.above)))
            or (cell.at_most is not None and number > Decimal(str(cell.at_most)))
            or (cell.below is not None and number >= Decimal(str(cell.below)))
        )
    return value in cell


def _asked(cell: Any, given: Any) -> Iterator[Formula]:
    if not isinstance(given, tuple):
        yield Formula("and" if _fits(cell, given) else "or")  # always, or never
        return
    if not isinstance(cell, RangeText):
        yield Formula("atom", atom=Atom("in", (given,), cell))
        return
    for sign, bound, is_so in (
        (">=", cell.at_least, True), (">", cell.above, True), (">", cell.at_most, False), (">=", cell.below, False),
    ):  # fmt: skip
        if bound is not None:
            found = Formula("atom", atom=Atom(sign, (given,), (Decimal(str(bound)),)))
            yield found if is_so else Formula("not", (found,))


# what may be wrong with a table


def _faults(path: Path, text: TableText, source: Source) -> list[Fault]:
    found = list(_faults_of_name(path, text, source))
    found += _faults_of_columns(text, source)
    for number, row in enumerate(text.rows):
        found += _faults_of_row(("rows", number), row, text, source)
    if text.otherwise is not None:
        found += _faults_of_result(("otherwise",), text.otherwise, text, source)
    return found or list(_faults_of_cases(text, source))


def _faults_of_name(path: Path, text: TableText, source: Source) -> Iterator[Fault]:
    called = f"{text.table}.v{text.version}.yaml"
    if path.name != called:
        yield source.fault(["table"], f"the file is not called {called}", "rename the file or correct the key")
    try:
        date.fromisoformat(text.effective_from)
    except ValueError:
        yield source.fault(["effective_from"], f"'{text.effective_from}' is no day", "write it like 2026-01-01")
    keys = [row.key for row in text.rows]
    for number, key in enumerate(keys):
        if key in keys[:number] or key == OTHERWISE:
            yield source.fault(["rows", number, "key"], f"row '{key}' stands twice", "give it another key")


def _faults_of_columns(text: TableText, source: Source) -> Iterator[Fault]:
    for place, columns in (("inputs", text.inputs), ("outputs", text.outputs)):
        for key, column in columns.items():
            if (column.type == "choice") is not bool(column.options):
                problem = "a choice has options, and nothing else has"
                yield source.fault([place, key], problem, "add options: {<key>: {kk, ru, en}}, or remove them")
            if place == "outputs" and key in text.inputs:
                yield source.fault([place, key], f"'{key}' is an input already", "give it another key")


def _faults_of_row(place: tuple[str | int, ...], row: RowText, text: TableText, source: Source) -> Iterator[Fault]:
    for name, cell in row.when.items():
        column, at = text.inputs.get(name), [*place, "when", name]
        if column is None:
            yield unknown(source, at, "input", name, text.inputs)
        elif column.type == "choice":
            for each in cell if isinstance(cell, list) else ():
                if each not in (column.options or {}):
                    yield unknown(source, at, f"of '{name}' the option", each, column.options or {})
            if not isinstance(cell, list) or not cell:
                yield source.fault(at, "a choice is asked by a list", "write it like [premium, standard]")
        elif column.type == "yes_no" and not isinstance(cell, bool):
            yield source.fault(at, "a yes or no is asked by true or false", "write true or false")
        elif column.type == "number" and not (isinstance(cell, RangeText) and cell.model_fields_set):
            yield source.fault(at, "a number is asked by its bounds", "write it like {at_least: 10, below: 20}")
    yield from _faults_of_result(place, row, text, source)


def _faults_of_result(
    place: tuple[str | int, ...], result: ResultText, text: TableText, source: Source
) -> Iterator[Fault]:
    for name in text.outputs.keys() - result.then.keys():
        yield source.fault([*place, "then"], f"output '{name}' is not given", "give every output in every row")
    for name, value in result.then.items():
        column, at = text.outputs.get(name), [*place, "then", name]
        if column is None:
            yield unknown(source, at, "output", name, text.outputs)
        elif column.type == "choice" and value not in (column.options or {}):
            yield unknown(source, at, f"of '{name}' the option", str(value), column.options or {})
        elif column.type == "yes_no" and not isinstance(value, bool):
            yield source.fault(at, f"'{value}' is no yes or no", "write true or false")
        elif column.type == "number" and (isinstance(value, bool) or not isinstance(value, int)):
            yield source.fault(at, f"'{value}' is no whole number", "write it like 15")


def _faults_of_cases(text: TableText, source: Source) -> Iterator[Fault]:
    """Find rows that are never taken, cases without a row and, under ``unique``, cases with two."""
    table, kinds = _table(text), _kinds(text)
    count = 1
    for each in kinds.values():
        count *= len(each.samples)
    if count > MOST_CASES:
        problem = f"there are {count} cases, more than {MOST_CASES}"
        yield source.fault(["inputs"], problem, "ask for less, or divide the table")
        return
    rows = [row for row in table.rows if row.key != OTHERWISE]
    taken, gap, overlaps = set[str](), "", set[tuple[str, str]]()
    for case in product(*(each.samples.items() for each in kinds.values())):
        values = {name: value for name, (_, value) in zip(kinds, case, strict=True)}
        fitting = [row.key for row in rows if row.fits(values)]
        words = ", ".join(f"{name} {kind or 'not answered'}" for name, (kind, _) in zip(kinds, case, strict=True))
        taken.update(fitting[: 1 if text.hit == "first" else None])
        if not fitting:
            taken.add(OTHERWISE)
            gap = gap or words
        if text.hit == "unique" and len(fitting) > 1 and (fitting[0], fitting[1]) not in overlaps:
            overlaps.add((fitting[0], fitting[1]))
            at = [row.key for row in text.rows].index(fitting[1])
            problem = f"rows '{fitting[0]}' and '{fitting[1]}' both fit: {words}"
            yield source.fault(["rows", at, "when"], problem, "tell them apart, or write hit: first")
    if gap and text.otherwise is None:
        problem = f"no row fits: {gap}"
        yield source.fault(["rows"], problem, "add a row, or otherwise: {then: …, words: …}")
    for number, row in enumerate(text.rows):
        if row.key not in taken:
            before = "the rows before it take all its cases" if text.hit == "first" else "nothing fits it"
            yield source.fault(["rows", number], f"row '{row.key}' is never taken: {before}", "change or remove it")
    if text.otherwise is not None and OTHERWISE not in taken:
        yield source.fault(["otherwise"], "it is never taken: the rows leave no case", "remove it")


def _kinds(text: TableText) -> dict[str, Kinds]:
    asked: dict[str, set[Any]] = {name: set() for name in text.inputs}
    for row in text.rows:
        for name, cell in row.when.items():
            bounds = cell.model_dump().values() if isinstance(cell, RangeText) else _cell(cell)
            asked[name] |= {each for each in bounds if each is not None}
    return {name: kinds_of(text.inputs[name], found) for name, found in asked.items()}


def faults_of_use(
    place: Sequence[str | int], table: str, given: Mapping[str, str], tables: Tables, source: Source
) -> Iterator[Fault]:
    """Find what is wrong with the words by which a procedure uses a table; its fields are looked at later."""
    if table not in tables:
        yield unknown(source, [*place, "table"], "table", table, tables)
        return
    inputs = {key for version in tables[table] for key in version.inputs}
    for key in sorted(inputs - given.keys()):
        problem = f"nothing is said of the input '{key}'"
        yield source.fault(
            [*place, "given"], problem, f"add {key}: stage.field, {key}: \"'value'\" or {key}: {NOTHING}"
        )
    for key, written in given.items():
        if key not in inputs:
            yield unknown(source, [*place, "given", key], "input", key, inputs)
            continue
        try:
            value = input_of(written)
        except ValueError:
            problem = f"'{written}' is neither an answer nor a value"
            yield source.fault([*place, "given", key], problem, "write stage.field, True, False, 12 or \"'value'\"")
            continue
        for version in tables[table]:
            options = version.inputs[key].options if key in version.inputs else None
            if options and isinstance(value, str) and value not in options:
                mend = f"known: {known_words(options)}"
                yield source.fault([*place, "given", key], f"'{value}' is none of its options", mend)


def faults_of_fields(
    place: Sequence[str | int], use: TableUse, look: Any, source: Source, told: Iterable[str] = ()
) -> Iterator[Fault]:
    """Find inputs whose answers are no such thing; ``look`` gives the field of a stage, None for none."""
    for key, given in use.given.items():
        if not isinstance(given, tuple) or given[0] in told:
            continue
        field = look(*given)
        at = [*place, "given", key]
        if field is None:
            yield source.fault(at, f"'{'.'.join(given)}' is no answer of a stage", "name stage.field")
            continue
        for version in use.versions:
            column = version.inputs[key]
            if getattr(field, "sort", "") != column.sort:
                yield source.fault(at, f"'{'.'.join(given)}' is no {column.type}", "name another field")
                break
            missing = sorted(set(getattr(field, "options", None) or ()) - set(column.options or ()))
            if column.options is not None and missing:
                problem = f"the table does not know '{missing[0]}', which may be answered"
                yield source.fault(at, problem, f"add it to the inputs of {version.name}")
                break
