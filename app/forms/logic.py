"""What the expressions of a form say of a set of answers: which fields are asked, what computed ones hold.

``compile_form`` makes a ``Plan`` of a form once; a ``Sheet`` is a plan laid over the answers of one
entry, the sheets of its groups' entries beneath it.  A hidden answer counts as none, so conditions
and computed fields build no circles (``faults`` finds them when the file is read).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from app.expressions.compiling import compile_expression
from app.expressions.language import A, Expression, ExpressionError, Figures
from app.expressions.scopes import Path
from app.forms.parts import Check, Field, Section

MOST_STEPS = 20
"""Fields that may depend on each other in a row."""

Place = tuple[str | int, ...]
"""Where something stands in a form file."""

_Report = Callable[[Place, ExpressionError], None]


@dataclass(frozen=True, eq=False)
class Condition:
    """An expression with the place where it stands."""

    expression: Expression
    place: Place


@dataclass(frozen=True, eq=False)
class Demand:
    """A check across fields: what must hold, told at the field ``at``."""

    that: Condition
    check: Check


@dataclass(frozen=True, eq=False)
class Item:
    """A field with its compiled expressions; ``shown`` holds those of its section too."""

    field: Field
    path: Path
    shown: tuple[Condition, ...] = ()
    required_if: Condition | None = None
    value: Condition | None = None
    rows: Plan | None = None


@dataclass(frozen=True, eq=False)
class Plan:
    """The fields of one level: those of a form, or those of a group."""

    items: Mapping[str, Item]
    demands: tuple[Demand, ...] = ()
    outer: Plan | None = None

    has_computed: bool = field(init=False)
    has_demands: bool = field(init=False)
    has_conditions: bool = field(init=False)

    def __post_init__(self) -> None:
        inner = [item.rows for item in self.items.values() if item.rows is not None]
        items = self.items.values()
        computed = any(item.value for item in items) or any(plan.has_computed for plan in inner)
        object.__setattr__(self, "has_computed", computed)
        object.__setattr__(self, "has_demands", bool(self.demands) or any(plan.has_demands for plan in inner))
        hidden = any(item.shown for item in items) or any(plan.has_conditions for plan in inner)
        object.__setattr__(self, "has_conditions", hidden)

    def sheet(self, values: Mapping[str, Any], around: Mapping[str, Any] | None = None) -> Sheet:
        """Lay the plan over the canonical ``values`` of a form; ``around`` are those of the entry it stands in."""
        return Sheet(self, values, Sheet(self.outer, around or {}, None) if self.outer else None)


class Sheet:
    """The answers of one entry as its expressions see them."""

    __slots__ = ("_asked", "_operands", "_rows", "memo", "outer", "plan", "values")

    def __init__(self, plan: Plan, values: Mapping[str, Any], outer: Sheet | None) -> None:
        self.plan, self.values, self.outer = plan, values, outer
        self.memo: dict[Any, Any] = {}
        self._operands: dict[str, Any] = {}
        self._rows: dict[str, list[Sheet]] = {}
        self._asked: dict[str, bool] = {}

    def up(self, level: int) -> Sheet:
        """Return the sheet so many levels around this one."""
        sheet = self
        for _ in range(level):
            sheet = sheet.outer or sheet
        return sheet

    def asks(self, item: Item) -> bool:
        """Tell whether a field is asked; without an answer to its condition it is not."""
        if not item.shown:
            return True
        key = item.field.key
        if key not in self._asked:
            self._asked[key] = all(self.holds(condition) for condition in item.shown)
        return self._asked[key]

    def holds(self, condition: Condition) -> bool | None:
        """Return what a condition says of these answers; None where something is not answered."""
        if condition not in self.memo:
            self.memo[condition] = condition.expression.read(self)
        found: bool | None = self.memo[condition]
        return found

    def requires(self, item: Item) -> bool:
        """Tell whether an asked field must be answered."""
        if item.required_if is not None:
            return self.holds(item.required_if) is True
        return item.field.required

    def value(self, item: Item) -> Any:
        """Return a field's canonical value, a computed one's as it is now; None when it is empty."""
        if item.value is None:
            return self.values.get(item.field.key)
        found = self.holds(item.value)
        return None if found is None else item.field.kind.of_operand(found, item.field)

    def operand(self, key: str) -> Any:
        """Return a field's value as expressions reckon with it; None when it is empty, hidden or unreadable."""
        if key not in self._operands:
            item = self.plan.items[key]
            value = self.value(item) if self.asks(item) else None
            self._operands[key] = None if value is None else operand(value, item.field)
        return self._operands[key]

    def rows(self, key: str) -> list[Sheet]:
        """Return the sheets of a group's entries; none when the group is not asked."""
        item = self.plan.items[key]
        return self.entries(item) if self.asks(item) else []

    def entries(self, item: Item) -> list[Sheet]:
        """Return the sheets of a group's entries, also of one that is hidden."""
        key = item.field.key
        if key not in self._rows:
            held, plan = self.values.get(key), item.rows
            entries = held.get("entries", ()) if isinstance(held, Mapping) else ()
            self._rows[key] = [] if plan is None else [Sheet(plan, entry["values"], self) for entry in entries]
        return self._rows[key]

    def settled(self) -> dict[str, Any]:
        """Return the values with their computed fields as they are now."""
        values = dict(self.values)
        if not self.plan.has_computed:
            return values
        for key, item in self.plan.items.items():
            if item.value is not None:
                value = self.value(item) if self.asks(item) else None
                values.pop(key, None)
                if value is not None:
                    values[key] = value
            elif item.rows is not None and item.rows.has_computed and self.entries(item):
                held, sheets = values[key], self.entries(item)
                entries = [
                    {**entry, "values": sheet.settled()} for entry, sheet in zip(held["entries"], sheets, strict=True)
                ]
                values[key] = {**held, "entries": entries}
        return values


def operand(value: Any, asked: Field) -> Any:
    """Return a canonical value as expressions reckon with it, None when it has another shape than the field's."""
    try:
        return asked.kind.operand(value, asked)
    except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError):
        return None  # a value of another version of the form


def compile_form(
    sections: Sequence[Section],
    checks: Sequence[Check],
    around: Sequence[Field] = (),
    report: _Report | None = None,
    figures: Figures | None = None,
) -> Plan:
    """Compile the expressions of a form; ``around`` are the fields of the entry it stands in.

    ``report`` is told of each faulty expression, which is then left out; without it they raise.
    ``figures`` are those that ``figure(...)`` may name.
    """
    return _Builder(around, report, figures or {}).form(sections, checks)


class _Builder:
    def __init__(self, around: Sequence[Field], report: _Report | None, figures: Figures) -> None:
        self.around, self.report, self.figures = tuple(around), report, figures

    def form(self, sections: Sequence[Section], checks: Sequence[Check]) -> Plan:
        fields = [asked for section in sections for asked in section.fields]
        stack = (fields, self.around)
        items: dict[str, Item] = {}
        for number, section in enumerate(sections):
            at: Place = ("sections", number)
            shown = self._condition(section.show_if, (*at, "show_if"), stack, "truth")
            for place, asked in enumerate(section.fields):
                items[asked.key] = self._item(asked, (*at, "fields", place), (), stack, (shown,) if shown else ())
        outer = Plan({asked.key: Item(asked, (asked.key,)) for asked in self.around})
        return Plan(items, self._demands(checks, ("checks",), fields, stack), outer)

    def _item(
        self, asked: Field, at: Place, owners: Path, stack: tuple[Sequence[Field], ...], above: tuple[Condition, ...]
    ) -> Item:
        path = (*owners, asked.key)
        shown = self._condition(asked.show_if, (*at, "show_if"), stack, "truth")
        required = self._condition(asked.required_if, (*at, "required_if"), stack, "truth")
        value = self._condition(asked.value, (*at, "value"), stack, asked.sort, asked.unit)
        rows = None
        if asked.fields is not None:
            inner = (asked.fields, *stack)
            below = {
                each.key: self._item(each, (*at, "fields", number), path, inner, ())
                for number, each in enumerate(asked.fields)
            }
            rows = Plan(below, self._demands(asked.checks, (*at, "checks"), asked.fields, inner))
        return Item(asked, path, (*above, shown) if shown else above, required, value, rows)

    def _demands(
        self, checks: Sequence[Check], at: Place, fields: Sequence[Field], stack: tuple[Sequence[Field], ...]
    ) -> tuple[Demand, ...]:
        demands = []
        for number, check in enumerate(checks):
            that = self._condition(check.that, (*at, number, "that"), stack, "truth")
            if check.at not in {asked.key for asked in fields}:
                known = ", ".join(asked.key for asked in fields)
                self._tell((*at, number, "at"), ExpressionError(f"'{check.at}' is no field here", f"known: {known}"))
            elif that is not None:
                demands.append(Demand(that, check))
        return tuple(demands)

    def _condition(
        self, text: str | None, place: Place, stack: tuple[Sequence[Field], ...], sort: str, unit: str = ""
    ) -> Condition | None:
        if not text:
            return None

        def resolve(name: str) -> tuple[int, Field] | None:
            for level, fields in enumerate(stack):
                for asked in fields:
                    if asked.key == name:
                        return level, asked
            return None

        try:
            known = [asked.key for fields in stack for asked in fields]
            expression = compile_expression(text, resolve, known, self.figures)
            if expression.sort != sort:
                raise ExpressionError(f"it is {A[expression.sort]}, not {A[sort]}", "compare it, or change the field")
            if unit and expression.unit not in ("", unit):
                mend = f"write currency: {expression.unit}, or multiply by a field that holds the rate"
                raise ExpressionError(f"it is an amount in {expression.unit}, and the field holds {unit}", mend)
        except ExpressionError as error:
            self._tell(place, error)
            return None
        return Condition(expression, place)

    def _tell(self, place: Place, error: ExpressionError) -> None:
        if self.report is None:
            raise error
        self.report(place, error)


def faults(
    sections: Sequence[Section],
    checks: Sequence[Check],
    around: Sequence[Field] = (),
    figures: Figures | None = None,
) -> list[tuple[Place, str, str]]:
    """Return what is wrong with the expressions of a form: where, what, and what would mend it."""
    found: list[tuple[Place, str, str]] = []

    def report(place: Place, error: ExpressionError) -> None:
        found.append((place, error.problem, error.mend))

    plan = compile_form(sections, checks, around, report, figures)
    return [*found, *_circles(plan)]


def _circles(plan: Plan) -> list[tuple[Place, str, str]]:
    """Return the fields that decide on themselves, and those that stand at the end of too many steps."""
    uses: dict[Path, dict[Path, Place]] = {}
    for item in _all_items(plan):
        owners = item.path[:-1]
        uses[item.path] = {owners: ()} if owners else {}
        for condition in (*item.shown, *((item.value,) if item.value else ())):
            for level, path in condition.expression.uses:
                if level <= len(owners):
                    uses[item.path].setdefault((*owners[: len(owners) - level], *path), condition.place)
    steps: dict[Path, int] = {}
    found: list[tuple[Place, str, str]] = []
    told: set[Place] = set()

    def walk(path: Path, above: tuple[Path, ...]) -> int:
        if path in above:
            circle = (*above[above.index(path) :], path)
            places = [uses[one][other] for one, other in pairwise(circle) if uses[one][other]]
            if not told & set(places):
                told.update(places)
                way = " → ".join(".".join(each) for each in circle)
                found.append((places[0], f"it depends on itself: {way}", "let another field decide"))
            return 0
        if path not in steps and len(above) <= MOST_STEPS * 3:
            steps[path] = 0
            below = uses.get(path, {})
            steps[path] = 1 + max((walk(each, (*above, path)) for each in sorted(below)), default=-1)
            places = [place for place in below.values() if place]
            if steps[path] == MOST_STEPS + 1 and places and not told & set(places):
                told.update(places)
                problem = f"more than {MOST_STEPS} fields decide on it one after another"
                found.append((places[0], problem, "compute it from fewer steps"))
        return steps.get(path, MOST_STEPS + 1)

    for path in uses:
        walk(path, ())
    return found


def _all_items(plan: Plan) -> Iterable[Item]:
    for item in plan.items.values():
        yield item
        if item.rows is not None:
            yield from _all_items(item.rows)
