"""What conditions ask of the variables of a proof: expressions taken apart into what can be told exactly.

An expression becomes a formula of ``and``, ``or``, ``not`` over *atoms*.  An atom over one answer – a choice, a
yes or no, a number or date beside literals, ``filled(…)`` – is exact: the answers fall into finitely many
kinds (each option asked for, each stretch between the literals asked for), and the atom holds for some of
them.  Two choices compared are exact too.  Any other atom is one free variable that may hold, fail or be
open; ``a != b``, ``a <= b`` and ``a < b`` are told as the contrary of ``a == b``, ``a > b`` and ``a >= b``, so that
what excludes each other does so here too.  Free atoms that share an answer with another atom may hang
together in ways nothing here sees: ``entangled`` names them, and the proof refuses them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import cached_property
from itertools import pairwise, product
from typing import Any

UNANSWERED, OTHER, YES, NO = "", "*", "yes", "no"

Variable = tuple[str, ...]
Value = bool | str
Literal = tuple[Variable, frozenset[Value]]
Ways = tuple[tuple[Literal, ...], ...]
"""The ways in which something can be: in each, all of its literals at once."""

MOST_WAYS = 256

Look = Callable[[str, str], Any]
"""Stage and field -> the field of its form, or the output of its table; None where it is not known."""


class TooManyWays(Exception):
    """A condition that holds in more ways than anybody could follow."""


@dataclass(frozen=True)
class Atom:
    """What is asked of answers: ``sign``, one of == > >= filled truth in same itself other, of ``names``."""

    sign: str
    names: tuple[tuple[str, str], ...]
    against: tuple[Any, ...] = ()
    text: str = ""


@dataclass(frozen=True)
class Formula:
    """An atom, or ``and``, ``or``, ``not`` of formulas."""

    sign: str
    parts: tuple[Formula, ...] = ()
    atom: Atom | None = None

    def atoms(self) -> Iterable[Atom]:
        """Yield every atom of it."""
        if self.atom is not None:
            yield self.atom
        for part in self.parts:
            yield from part.atoms()


_FLIPPED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_SIGNS: Mapping[type, str] = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_CONTRARY = {"!=": "==", "<=": ">", "<": ">="}


def taken_apart(text: str) -> Formula:
    """Return an expression, checked before, as a formula."""
    return _formula(ast.parse(text.strip(), mode="eval").body)


def _formula(node: ast.expr) -> Formula:
    if isinstance(node, ast.BoolOp):
        return Formula("and" if isinstance(node.op, ast.And) else "or", tuple(map(_formula, node.values)))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return Formula("not", (_formula(node.operand),))
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        found = [_compared(sign, *pair) for sign, pair in zip(node.ops, pairwise(sides), strict=True)]
        return found[0] if len(found) == 1 else Formula("and", tuple(found))
    if (name := _name(node)) is not None:
        return Formula("atom", atom=Atom("truth", (name,)))
    is_filled = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "filled" and len(node.args) == 1
    if isinstance(node, ast.Call) and is_filled and (name := _name(node.args[0])) is not None:
        return Formula("atom", atom=Atom("filled", (name,)))
    return Formula("atom", atom=_atom_of(node))


def _compared(sign: ast.cmpop, left: ast.expr, right: ast.expr) -> Formula:
    if isinstance(sign, ast.In | ast.NotIn):
        name, items = _name(left), [_literal(item) for item in getattr(right, "elts", ())]
        among = _atom_of(ast.Compare(left, [ast.In()], [right])) if name is None else Atom("in", (name,), tuple(items))
        found = Formula("atom", atom=among)
        return found if isinstance(sign, ast.In) else Formula("not", (found,))
    word = _SIGNS[type(sign)]
    if _name(left) is None and _name(right) is not None:
        left, right, word = right, left, _FLIPPED[word]
    plain = _CONTRARY.get(word, word)
    name, literal, other = _name(left), _literal(right), _name(right)
    if ast.dump(left) == ast.dump(right):
        return _beside_itself(word, left)
    if name is not None and literal is not None:
        atom = Atom(plain, (name,), (literal,))
    elif name is not None and other is not None and plain == "==":
        atom = Atom("same", tuple(sorted((name, other))))
    else:
        atom = _atom_of(ast.Compare(left, [next(key() for key, each in _SIGNS.items() if each == plain)], [right]))
    found = Formula("atom", atom=atom)
    return found if plain == word else Formula("not", (found,))


def _beside_itself(word: str, node: ast.expr) -> Formula:
    """Return what is compared with itself: it is the same once it is answered, and never more, less or another."""
    name = _name(node)
    same = Atom("itself", (name,)) if name is not None else _atom_of(ast.Compare(node, [ast.Eq()], [node]))
    found = Formula("atom", atom=same)
    return found if word in ("==", ">=", "<=") else Formula("and", (found, Formula("not", (found,))))


def _atom_of(node: ast.expr) -> Atom:
    names = {name for each in ast.walk(node) if isinstance(each, ast.expr) and (name := _name(each)) is not None}
    whole = {name for name in names if not any(other[1].startswith(f"{name[1]}.") for other in names)}
    return Atom("other", tuple(sorted(whole)), (), ast.unparse(node))


def _name(node: ast.expr) -> tuple[str, str] | None:
    words: list[str] = []
    inner: ast.expr = node
    while isinstance(inner, ast.Attribute):
        words.insert(0, inner.attr)
        inner = inner.value
    return (inner.id, ".".join(words)) if isinstance(inner, ast.Name) and words else None


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        found = node.operand.value
        return -Decimal(str(found)) if isinstance(found, int | float) and not isinstance(found, bool) else None
    if not isinstance(node, ast.Constant):
        return None
    if isinstance(node.value, bool):
        return YES if node.value else NO
    return node.value if isinstance(node.value, str) else Decimal(str(node.value))


@dataclass
class Kinds:
    """Into which kinds the values of one answer fall; each by its name, with a value of that kind.

    ``samples``: name of the kind -> a value as expressions reckon with it.
    """

    samples: dict[Value, Any]

    def where(self, holds: Callable[[Any], bool]) -> frozenset[Value]:
        """Return the kinds whose values are answered and such."""
        return frozenset(key for key, value in self.samples.items() if value is not None and holds(value))


@dataclass
class Formulas:
    """All conditions of one procedure, with the kinds of the answers they ask for."""

    texts: Sequence[str]
    look: Look = lambda stage, name: None
    rows: Mapping[str, Formula] = field(default_factory=dict)
    """Formulas that are no text of a file: when a row of a decision table is the one."""
    more: Mapping[tuple[str, str], frozenset[Any]] = field(default_factory=dict)
    """Further literals that are asked for: those of decision tables, and of outcomes."""

    @cached_property
    def formulas(self) -> dict[str, Formula]:
        """Every condition by its text."""
        return {text: taken_apart(text) for text in self.texts} | dict(self.rows)

    @cached_property
    def atoms(self) -> frozenset[Atom]:
        """Every atom that anything asks."""
        return frozenset(atom for formula in self.formulas.values() for atom in formula.atoms())

    @cached_property
    def kinds(self) -> dict[tuple[str, str], Kinds]:
        """The kinds of every answer that can be told exactly."""
        asked: dict[tuple[str, str], set[Any]] = {name: set(found) for name, found in self.more.items()}
        for atom in self.atoms:
            if self.is_exact(atom):
                both = [frozenset(self.found(name).options) for name in atom.names] if atom.sign == "same" else []
                shared = frozenset.intersection(*both) if both else frozenset()
                for name in atom.names:
                    asked.setdefault(name, set()).update({*atom.against, *shared})
        return {name: kinds_of(self.found(name), literals) for name, literals in asked.items()}

    def found(self, name: tuple[str, str]) -> Any:
        """Return the field of a name, the part of one where a part is named; None where it is not known."""
        stage, _, (key, _, part) = name[0], "", name[1].partition(".")
        found = self.look(stage, key)
        return getattr(found, "subfields", {}).get(part) if part and found is not None else found

    def is_exact(self, atom: Atom) -> bool:
        """Tell whether an atom is told by kinds of answers."""
        fields = [self.found(name) for name in atom.names]
        if atom.sign == "same":
            return all(getattr(each, "options", None) for each in fields)
        sort = getattr(fields[0], "sort", "text") if len(fields) == 1 else ""
        if atom.sign == "filled":
            return True
        return atom.sign != "other" and sort in ("text", "truth", "number", "date")

    def variables(self, text: str) -> frozenset[Variable]:
        """Return what a condition asks for."""
        return frozenset(variable for atom in self.formulas[text].atoms() for variable in self._variables_of(atom))

    def _variables_of(self, atom: Atom) -> list[Variable]:
        return [("answer", *name) for name in atom.names] if self.is_exact(atom) else [_free(atom)]

    def domain(self, variable: Variable) -> frozenset[Value]:
        """Return the values of a variable of a condition."""
        if variable[0] == "condition":
            return frozenset([YES, NO, UNANSWERED])
        return frozenset(self.kinds[variable[1], variable[2]].samples)

    def kind_of(self, variable: Variable, value: Any) -> Value:
        """Return the kind of a value that a table gives."""
        if isinstance(value, bool):
            value = YES if value else NO
        samples = self.kinds[variable[1], variable[2]].samples
        same = [kind for kind, sample in samples.items() if sample == value]
        if same or value is None:
            return same[0] if same else UNANSWERED
        return _kind_of_number(samples, value) if isinstance(value, Decimal) else OTHER

    def stages_of(self, variable: Variable) -> frozenset[str]:
        """Return the places on whose answers a free atom hangs."""
        return frozenset(name[0] for atom in self.atoms if _free(atom) == variable for name in atom.names)

    def entangled(self) -> list[tuple[str, str]]:
        """Return the free atoms that share an answer with another atom, each with that one."""
        free = sorted((atom for atom in self.atoms if not self.is_exact(atom)), key=lambda atom: atom.text)
        names = {(name, atom) for atom in self.atoms for name in atom.names}
        found = [
            (_words(whole), _words(part))
            for name, whole in names
            for other, part in names
            if name[0] == other[0] and other[1].startswith(f"{name[1]}.")
        ]
        for atom in free:
            roots = {(stage, name.partition(".")[0]) for stage, name in atom.names}
            for other in sorted(self.atoms, key=_words):
                theirs = {(stage, name.partition(".")[0]) for stage, name in other.names}
                if other != atom and roots & theirs:
                    found.append((_words(atom), _words(other)))
                    break
        return found

    def holding(self, text: str) -> Ways:
        """Return the ways in which a condition holds."""
        return self._ways(self.formulas[text], "true")

    def failing(self, text: str) -> Ways:
        """Return the ways in which it does not: it is false, or open."""
        return self._ways(self.formulas[text], "not true")

    def _ways(self, formula: Formula, how: str) -> Ways:
        if formula.atom is not None:
            return self._ways_of_atom(formula.atom, how)
        if formula.sign == "not":
            contrary = {"true": "false", "false": "true", "not true": "not false", "not false": "not true"}
            return self._ways(formula.parts[0], contrary[how])
        parts = [self._ways(part, how) for part in formula.parts]
        together = (formula.sign == "and") is (how in ("true", "not false"))
        return every(parts) if together else any_of(parts)

    def _ways_of_atom(self, atom: Atom, how: str) -> Ways:
        if not self.is_exact(atom):
            values = {"true": [YES], "false": [NO], "not true": [NO, UNANSWERED], "not false": [YES, UNANSWERED]}[how]
            return (((_free(atom), frozenset(values)),),)
        if atom.sign == "same":
            return self._ways_of_same(atom, how)
        [name] = atom.names
        kinds, variable = self.kinds[name], ("answer", *name)
        every_kind = frozenset(kinds.samples)
        if atom.sign == "filled":
            holds = every_kind - {UNANSWERED}
            chosen = holds if how in ("true", "not false") else every_kind - holds
        else:
            holds = kinds.where(lambda value: _is_so(atom, value))
            fails = every_kind - holds - {UNANSWERED}
            chosen = {"true": holds, "false": fails}.get(how) or (
                every_kind - holds if how == "not true" else every_kind - fails if how == "not false" else frozenset()
            )
        return (((variable, chosen),),) if chosen else ()

    def _ways_of_same(self, atom: Atom, how: str) -> Ways:
        one, other = (self.kinds[name] for name in atom.names)
        ways = []
        for left, right in product(one.samples, other.samples):
            is_open = UNANSWERED in (left, right)
            is_same = left == right and left != OTHER
            fits = {
                "true": not is_open and is_same,
                "false": not is_open and not is_same,
                "not true": is_open or not is_same,
                "not false": is_open or is_same,
            }[how]
            if fits:
                chosen = zip(atom.names, (left, right), strict=True)
                ways.append(tuple((("answer", *name), frozenset([value])) for name, value in chosen))
        return tuple(ways)


def _free(atom: Atom) -> Variable:
    return ("condition", _words(atom))


def _words(atom: Atom) -> str:
    return atom.text or " ".join([*(".".join(name) for name in atom.names), atom.sign, *map(str, atom.against)])


def _is_so(atom: Atom, value: Any) -> bool:
    against = [_comparable(each, value) for each in atom.against]
    if atom.sign == "truth":
        return bool(value == YES)
    if atom.sign == "itself":
        return True
    if atom.sign in ("==", "in"):
        return value in against
    return bool(value > against[0] if atom.sign == ">" else value >= against[0])


def _comparable(literal: Any, value: Any) -> Any:
    return literal if isinstance(value, str) else Decimal(str(literal))


def every(parts: Iterable[Ways]) -> Ways:
    """Return the ways in which all of ``parts`` are at once."""
    ways: list[dict[Variable, frozenset[Value]]] = [{}]
    for part in parts:
        further = []
        for way in ways:
            for literals in part:
                joint = dict(way)
                for variable, values in literals:
                    joint[variable] = joint[variable] & values if variable in joint else values
                if all(joint.values()):
                    further.append(joint)
        ways = further
        if len(ways) > MOST_WAYS:
            raise TooManyWays
    return tuple(dict.fromkeys(tuple(sorted(way.items())) for way in ways))


def any_of(parts: Iterable[Ways]) -> Ways:
    """Return the ways in which one of ``parts`` is."""
    found = tuple(dict.fromkeys(way for part in parts for way in part))
    if len(found) > MOST_WAYS:
        raise TooManyWays
    return found


def kinds_of(asked: Any, literals: Iterable[Any]) -> Kinds:
    """Return the kinds of the values of a field, or a column, by the literals that are asked for."""
    return Kinds(_samples(asked, literals))


def _samples(asked: Any, literals: Iterable[Any]) -> dict[Value, Any]:
    sort, options = getattr(asked, "sort", "text"), getattr(asked, "options", None)
    found: dict[Value, Any] = {UNANSWERED: None}
    if sort == "truth":
        return found | {YES: YES, NO: NO}
    if sort in ("number", "date"):
        return found | dict(_stretches(asked, sort, literals))
    named = {str(each) for each in literals if options is None or each in options}
    found |= {each: each for each in sorted(named)}
    others = [OTHER] if options is None else sorted(set(options) - named)
    return found | ({OTHER: others[0]} if others else {})


def _stretches(asked: Any, sort: str, literals: Iterable[Any]) -> Iterable[tuple[str, Any]]:
    """Yield the stretches between the literals, and these themselves, with a value of each."""
    if sort == "date":
        points = sorted({str(each) for each in literals})
        for name, value in _between([Decimal(date.fromisoformat(each).toordinal()) for each in points], Decimal(1)):
            yield name if not points else _date_name(name), date.fromordinal(int(value)).isoformat()
        return
    kind = getattr(asked, "kind", None)
    decimals = getattr(asked, "decimals", None)
    decimals = getattr(kind, "decimals", 6) if decimals is None else decimals
    bounds = (getattr(asked, "min", None), getattr(asked, "max", None))
    least, most = (Decimal(each) if each else None for each in bounds)
    numbers = sorted({Decimal(str(each)) for each in literals})
    for name, value in _between(numbers, Decimal(1).scaleb(-int(decimals or 0)), least, most):
        yield name, value


def _down(point: Decimal, step: Decimal) -> Decimal:
    return (point / step).to_integral_value(ROUND_FLOOR) * step


def _up(point: Decimal, step: Decimal) -> Decimal:
    return (point / step).to_integral_value(ROUND_CEILING) * step


def _kind_of_number(samples: Mapping[Value, Any], number: Decimal) -> Value:
    """Return the stretch in which a number lies: the points themselves have been looked at."""
    for kind in samples:
        words = str(kind).split(" ")
        is_below = words[0] == "<" and number < Decimal(words[1])
        is_above = words[0] == ">" and number > Decimal(words[1])
        is_between = ".." in words and Decimal(words[0]) < number < Decimal(words[2])
        if is_below or is_above or is_between:
            return kind
    return OTHER


def _date_name(name: str) -> str:
    return " ".join(date.fromordinal(int(each)).isoformat() if each.isdigit() else each for each in name.split(" "))


def _between(
    points: Sequence[Decimal], step: Decimal, least: Decimal | None = None, most: Decimal | None = None
) -> Iterable[tuple[str, Decimal]]:
    def fits(value: Decimal) -> bool:
        return (least is None or value >= least) and (most is None or value <= most) and value % step == 0

    if not points:
        yield OTHER, least if least is not None else most if most is not None else Decimal(1)
        return
    below = _up(points[0], step) - step
    below = below if least is None or below >= least else least
    if below < points[0] and fits(below):
        yield f"< {points[0]}", below
    for number, point in enumerate(points):
        if fits(point):
            yield f"= {point}", point
        after = points[number + 1] if number + 1 < len(points) else None
        inside = _down(point, step) + step
        inside = inside if least is None or inside >= least else least
        if (after is None or inside < after) and fits(inside):
            yield (f"> {point}" if after is None else f"{point} .. {after}"), inside
