"""Expressions of form files: when a field is asked, what a computed one holds, what a check demands.

A small total language: names of fields, literals, and/or/not, comparisons, ``in``, + - * /, and the
functions of ``FUNCTIONS``.  It is read with Python's own parser, of which only these nodes are let
through, and becomes closures; nothing is ever evaluated as Python.  Nothing answered is None and is
carried (three-valued logic); division by zero and numbers out of bounds are None too, so that an
expression has a value for every set of answers.
"""

from __future__ import annotations

import ast
import difflib
import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from app.expressions.language import (
    FUNCTIONS,
    KNOWN,
    MEND_SORT,
    A,
    Expression,
    ExpressionError,
    Figures,
    Resolve,
)
from app.expressions.reckoning import (
    ARITHMETIC,
    COMPARISONS,
    CONTEXT,
    DAYS_OF_YEAR,
    OVER_ENTRIES,
    bounded,
    carried,
    days_between,
    divide,
    kleene_and,
    kleene_or,
    sum_of_lengths,
    years_between,
)
from app.expressions.scopes import Path, Read, Scope, each, plain, reader, then

LONGEST = 500
"""Signs of an expression."""
DEEPEST = 20
"""Nodes within nodes."""

_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,6})?")


@dataclass(frozen=True)
class _Term:
    """A part of an expression: its sort, how it is read, and the entries it has a value for each of (``rows``)."""

    sort: str
    read: Read
    rows: tuple[int, Path] | None = None
    options: frozenset[str] | None = None
    constant: Any = None
    levels: frozenset[int] = field(default_factory=frozenset)
    unit: str = ""
    """The currency of an amount; empty for other numbers, and where it cannot be told."""


def compile_expression(
    text: str, resolve: Resolve, known: Iterable[str] = (), figures: Figures | None = None
) -> Expression:
    """Check ``text`` and return it ready to be read; ``known`` names help one who misspelt one.

    ``figures`` are those that ``figure(...)`` may name.

    Raises:
        ExpressionError: it is not of this language, names no field, or mixes sorts of values.
    """
    compiler = _Compiler(text, resolve, tuple(known), figures or {})
    term = compiler.term(_parse(text))
    if term.rows is not None:
        raise ExpressionError(
            "it has a value for each entry of a group", "use sum, count, min, max, any or all of them"
        )
    return Expression(term.sort, term.read, frozenset(compiler.uses), term.unit)


def _parse(text: str) -> ast.expr:
    if len(text) > LONGEST:
        raise ExpressionError(f"it is longer than {LONGEST} signs", "compute a part of it in a field of its own")
    if "\\" in text or "\n" in text:
        raise ExpressionError("it holds a backslash or a line break", "write it on one line")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError, Warning):
        raise ExpressionError("it cannot be read", "write it like: kind == 'paid' and placed <= declared") from None
    if _depth(tree.body) > DEEPEST:
        raise ExpressionError("it is nested too deep", "compute a part of it in a field of its own")
    return tree.body


def _depth(tree: ast.expr) -> int:
    depth, level = 0, [tree]
    while level:
        depth += 1
        level = [child for node in level for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
    return depth


class _Compiler:
    def __init__(self, text: str, resolve: Resolve, known: tuple[str, ...], figures: Figures) -> None:
        self.text, self.resolve, self.known, self.figures = text.strip(), resolve, known, figures
        self.uses: set[tuple[int, Path]] = set()

    def term(self, node: ast.expr) -> _Term:
        build = _NODES.get(type(node))
        if build is None:
            raise ExpressionError(f"'{self._words(node)}' is not of this language", f"it knows: {KNOWN}")
        return build(self, node)

    def _words(self, node: ast.AST) -> str:
        return str(ast.get_source_segment(self.text, node))[:40]

    def name(self, node: Any) -> _Term:
        names: list[str] = []
        inner = node
        while isinstance(inner, ast.Attribute):
            names.insert(0, inner.attr)
            inner = inner.value
        if not isinstance(inner, ast.Name):
            raise ExpressionError(f"'{self._words(node)}' is no name", "write group.field, or the name of a field")
        return self._named([inner.id, *names])

    def _named(self, names: Sequence[str]) -> _Term:
        found = self.resolve(names[0])
        if found is None:
            raise _unknown(names[0], [*self.known, *FUNCTIONS])
        level, named = found
        if named.sort == "place":  # a stage, say: its fields are named by both words
            below = named.inner(names[1]) if len(names) > 1 else None
            if below is None:
                raise _unknown(".".join(names[:2]), self.known)
            names, named = [".".join(names[:2]), *names[2:]], below
        path, groups, part = [names[0]], 0, ""
        for name in names[1:]:
            if named.sort == "group":
                below = named.inner(name)
                if below is None:
                    raise ExpressionError(f"group '{path[-1]}' has no field '{name}'", "name one of its fields")
                named, groups = below, groups + 1
                path.append(name)
            elif not part and named.part(name) is not None:
                part = name
            else:
                raise ExpressionError(f"'{path[-1]}' has no part '{name}'", "name the field alone, or one of its parts")
        self.uses.add((level, tuple(path)))
        sort = (named.part(part) or "other") if part else named.sort
        options = frozenset(named.options) if named.options is not None and not part else None
        owners, key = tuple(path[:groups]), path[groups]
        read = reader(level, owners, key, part, sort)
        rows = (level, owners) if owners else None
        return _Term(sort, read, rows, options, None, frozenset([level]), "" if part else named.unit)

    def constant(self, node: Any) -> _Term:
        value = node.value
        if isinstance(value, bool):
            return _Term("truth", lambda scope: value, constant=value)
        if isinstance(value, str):
            return _Term("text", lambda scope: value, constant=value)
        words = self._words(node)
        if not _NUMBER.fullmatch(words):
            raise ExpressionError(f"{words} is no number of this language", "write at most 15 digits, like 1000.5")
        number = Decimal(words)
        return _Term("number", lambda scope: number, constant=number)

    def negative(self, node: Any) -> _Term:
        term = self.term(node.operand)
        if isinstance(node.op, ast.Not):
            self._must_be(term, "truth", node.operand)
            return self._lifted("truth", lambda value: None if value is None else not value, term)
        if isinstance(node.op, ast.USub):
            self._must_be(term, "number", node.operand)
            negated = self._lifted("number", lambda value: None if value is None else -value, term)
            constant = None if term.constant is None else -term.constant
            return replace(negated, constant=constant, unit=term.unit)
        raise ExpressionError(f"'{self._words(node)}' is not of this language", f"it knows: {KNOWN}")

    def logical(self, node: Any) -> _Term:
        terms = [self.term(value) for value in node.values]
        for term, value in zip(terms, node.values, strict=True):
            self._must_be(term, "truth", value)
        return self._lifted("truth", kleene_and if isinstance(node.op, ast.And) else kleene_or, *terms)

    def arithmetic(self, node: Any) -> _Term:
        work = ARITHMETIC.get(type(node.op))
        if work is None:
            raise ExpressionError(f"'{self._words(node)}' uses an unknown sign", "the signs are + - * /")
        left, right = self.term(node.left), self.term(node.right)
        self._must_be(left, "number", node.left)
        self._must_be(right, "number", node.right)
        return replace(self._lifted("number", work, left, right), unit=self._unit_of(node, left, right))

    def _unit_of(self, node: Any, left: _Term, right: _Term) -> str:
        """Return the currency of a sum, a difference, a multiple or a share of an amount.

        A number that somebody answers may be a rate of exchange, so an amount multiplied or divided by
        one is of no currency that could be told; a number that is written here is none.
        """
        if isinstance(node.op, ast.Add | ast.Sub):
            self._one_currency([left, right], self._words(node))
            return left.unit or right.unit
        if right.constant is not None:
            return left.unit
        return right.unit if left.constant is not None and isinstance(node.op, ast.Mult) else ""

    def _one_currency(self, terms: Sequence[_Term], words: str) -> None:
        units = sorted({term.unit for term in terms if term.unit})
        if len(units) > 1:
            raise ExpressionError(
                f"amounts in {' and '.join(units)} do not go together: {words}",
                "use amounts of one currency, or multiply by a field that holds the rate",
            )

    def comparison(self, node: Any) -> _Term:
        sides = [node.left, *node.comparators]
        found = [
            self._compared(sign, left, right) for sign, left, right in zip(node.ops, sides, sides[1:], strict=False)
        ]
        return found[0] if len(found) == 1 else self._lifted("truth", kleene_and, *found)

    def _compared(self, sign: ast.cmpop, left: ast.expr, right: ast.expr) -> _Term:
        if isinstance(sign, ast.In | ast.NotIn):
            return self._among(left, right, wanted=isinstance(sign, ast.In))
        compare = COMPARISONS.get(type(sign))
        if compare is None:
            raise ExpressionError("'is' compares nothing here", "write == or !=")
        one, other = self._same_sort(self.term(left), self.term(right), f"{self._words(left)}, {self._words(right)}")
        if one.sort in ("text", "truth") and not isinstance(sign, ast.Eq | ast.NotEq):
            raise ExpressionError(f"'{self._words(left)}' has no order", "compare it with == or !=")
        self._one_currency([one, other], f"{self._words(left)}, {self._words(right)}")
        return self._lifted("truth", carried(compare), one, other)

    def _among(self, left: ast.expr, right: ast.expr, *, wanted: bool) -> _Term:
        if not isinstance(right, ast.Tuple | ast.List) or not right.elts:
            raise ExpressionError("after 'in' stands no list", "write it like: kind in ('paid', 'free')")
        term = self.term(left)
        allowed = set()
        for item in right.elts:
            term, each = self._same_sort(term, self.term(item), self._words(item))
            if each.constant is None:
                raise ExpressionError(f"'{self._words(item)}' is no literal", "list texts, numbers or dates")
            allowed.add(each.constant)
        return self._lifted("truth", lambda value: None if value is None else (value in allowed) is wanted, term)

    def _same_sort(self, one: _Term, other: _Term, words: str) -> tuple[_Term, _Term]:
        one, other = _as_date(one, other), _as_date(other, one)
        if one.sort != other.sort or one.sort in ("other", "group"):
            raise ExpressionError(
                f"{A[one.sort]} cannot be compared with {A[other.sort]}: {words}",
                "compare values of one sort; for dates and periods use days(...) or years(...)",
            )
        for choice, literal in ((one, other), (other, one)):
            if choice.options is not None and literal.constant is not None and literal.constant not in choice.options:
                options = ", ".join(sorted(choice.options))
                raise ExpressionError(f"'{literal.constant}' is none of its options", f"known: {options}")
        return one, other

    def call(self, node: Any) -> _Term:
        if not isinstance(node.func, ast.Name) or node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
            raise ExpressionError(
                f"'{self._words(node)}' is no call of this language", "write it like sum(group.field)"
            )
        name = node.func.id
        if name not in FUNCTIONS:
            raise _unknown(name, FUNCTIONS)
        terms = [self.term(each) for each in node.args]
        if name == "filled":
            return self._filled(terms, node)
        if name in OVER_ENTRIES and len(terms) == 1 and (terms[0].rows is not None or terms[0].sort == "group"):
            return self._over_entries(name, terms[0], node)
        if name in ("min", "max") and len(terms) > 1:
            return self._least_of(name, terms, node)
        if name in ("days", "years"):
            return self._time_between(name, terms, node)
        if name == "round":
            return self._rounded(terms, node)
        if name == "figure" and len(terms) == 2:
            return self._figure(terms, node)
        if name == "default" and len(terms) == 2:
            one, other = self._same_sort(terms[0], terms[1], self._words(node))
            self._one_currency([one, other], self._words(node))
            chosen = self._lifted(one.sort, lambda value, instead: instead if value is None else value, one, other)
            return replace(chosen, unit=one.unit or other.unit)
        raise ExpressionError(f"'{self._words(node)}' is not called so", f"write it like {FUNCTIONS[name]}")

    def _filled(self, terms: Sequence[_Term], node: ast.AST) -> _Term:
        if len(terms) != 1:
            raise ExpressionError(f"'{self._words(node)}' is not called so", f"write it like {FUNCTIONS['filled']}")
        return self._lifted("truth", lambda value: value is not None and value != [], terms[0])

    def _over_entries(self, name: str, term: _Term, node: ast.AST) -> _Term:
        wanted = {"sum": "number", "any": "truth", "all": "truth"}.get(name)
        if name == "count" and term.sort == "group":
            # Entries of a group that stands in a group come as a list of lists.
            work = sum_of_lengths if term.rows is not None else len
            return self._kept(_Term("number", then(term.read, lambda rows: Decimal(work(rows))), levels=term.levels))
        if term.sort == "group" or (wanted is not None and term.sort != wanted):
            raise ExpressionError(
                f"{name} is not of {A[term.sort]}: {self._words(node)}", f"write it like {FUNCTIONS[name]}"
            )
        if name in ("min", "max") and term.sort not in ("number", "date", "duration"):
            raise ExpressionError(f"{A[term.sort]} has no {name}", "name a number or a date")
        sort = "number" if name == "count" else term.sort
        unit = "" if name == "count" else term.unit
        return self._kept(_Term(sort, then(term.read, OVER_ENTRIES[name]), levels=term.levels, unit=unit))

    def _kept(self, term: _Term) -> _Term:
        """Return an aggregate that is reckoned once for all entries that see the same fields around them."""
        level = min(term.levels)
        if level == 0:
            return term
        mark, read = object(), term.read

        def remembered(scope: Scope) -> Any:
            memo = scope.up(level).memo
            if mark not in memo:
                memo[mark] = read(scope)
            return memo[mark]

        return replace(term, read=remembered)

    def _least_of(self, name: str, terms: Sequence[_Term], node: ast.AST) -> _Term:
        for other in terms[1:]:
            self._same_sort(terms[0], other, self._words(node))
        if terms[0].sort not in ("number", "date", "duration"):
            raise ExpressionError(f"{A[terms[0].sort]} has no {name}", "name numbers or dates")
        self._one_currency(terms, self._words(node))
        work, units = OVER_ENTRIES[name], [term.unit for term in terms if term.unit]
        least = self._lifted(terms[0].sort, lambda *values: work(values), *terms)
        return replace(least, unit=units[0] if units else "")

    def _time_between(self, name: str, terms: Sequence[_Term], node: ast.AST) -> _Term:
        if len(terms) == 1 and terms[0].sort == "duration":
            if name == "days":
                return self._lifted("number", lambda value: value, terms[0])
            return self._lifted("number", lambda value: divide(value, Decimal(DAYS_OF_YEAR)), terms[0])
        if len(terms) == 2:
            marked = _Term("date", terms[0].read)
            one, other = _as_date(terms[0], marked), _as_date(terms[1], marked)
            if one.sort == other.sort == "date":
                return self._lifted("number", carried(days_between if name == "days" else years_between), one, other)
        raise ExpressionError(f"'{self._words(node)}' is not called so", f"write it like {FUNCTIONS[name]}")

    def _rounded(self, terms: Sequence[_Term], node: Any) -> _Term:
        places = terms[1].constant if len(terms) == 2 else Decimal(0)
        if len(terms) not in (1, 2) or not isinstance(places, Decimal) or places not in range(7):
            raise ExpressionError(f"'{self._words(node)}' is not called so", f"write it like {FUNCTIONS['round']}")
        self._must_be(terms[0], "number", node.args[0])
        step = Decimal(1).scaleb(-int(places))
        rounded = self._lifted(
            "number",
            lambda value: None if value is None else bounded(value.quantize(step, context=CONTEXT)),
            terms[0],
        )
        return replace(rounded, unit=terms[0].unit)

    def _figure(self, terms: Sequence[_Term], node: Any) -> _Term:
        name, day = terms[0].constant, _as_date(terms[1], _Term("date", terms[1].read))
        if not isinstance(name, str) or day.sort != "date":
            raise ExpressionError(f"'{self._words(node)}' is not called so", f"write it like {FUNCTIONS['figure']}")
        if name not in self.figures:
            near = difflib.get_close_matches(name, self.figures, n=1)
            mend = f"did you mean '{near[0]}'?" if near else "add it to a file of forms/_figures"
            raise ExpressionError(f"there is no figure '{name}'", mend)
        in_force = self.figures[name]
        return self._lifted("number", lambda found: None if found is None else in_force.at(found), day)

    def _must_be(self, term: _Term, sort: str, node: ast.AST) -> None:
        if term.sort != sort:
            raise ExpressionError(f"'{self._words(node)}' is {A[term.sort]}, not {A[sort]}", MEND_SORT[sort])

    def _lifted(self, sort: str, work: Callable[..., Any], *terms: _Term) -> _Term:
        """Return ``work`` over the terms; with one for each entry, over each entry."""
        spans = {term.rows for term in terms if term.rows is not None}
        if len(spans) > 1:
            raise ExpressionError("it joins entries of different groups", "sum each group for itself first")
        levels = frozenset(level for term in terms for level in term.levels)
        reads = [term.read for term in terms]
        if not spans:
            return _Term(sort, plain(work, reads), levels=levels)
        many = [term.rows is not None for term in terms]
        return _Term(sort, each(work, reads, many), spans.pop(), levels=levels)


def _as_date(term: _Term, other: _Term) -> _Term:
    """Return a text literal beside a date as the date that it says."""
    if other.sort != "date" or term.sort != "text" or term.constant is None:
        return term
    try:
        if date.fromisoformat(term.constant).isoformat() != term.constant:
            raise ValueError
    except ValueError:
        raise ExpressionError(f"'{term.constant}' is no date", "write it like '2026-12-31'") from None
    return replace(term, sort="date")


def _unknown(name: str, known: Iterable[str]) -> ExpressionError:
    known = sorted(set(known))
    near = difflib.get_close_matches(name, known, n=1)
    mend = f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(known)[:300]}"
    return ExpressionError(f"'{name}' is no field here", mend)


_NODES: dict[type, Callable[[_Compiler, Any], _Term]] = {
    ast.Name: _Compiler.name,
    ast.Attribute: _Compiler.name,
    ast.Constant: _Compiler.constant,
    ast.UnaryOp: _Compiler.negative,
    ast.BoolOp: _Compiler.logical,
    ast.BinOp: _Compiler.arithmetic,
    ast.Compare: _Compiler.comparison,
    ast.Call: _Compiler.call,
}
