"""Conditions taken apart for the proof say the same as the expressions themselves, whatever is answered."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.workflows.conditions import Answered, Given, compiled
from app.workflows.contradictions import contradiction
from app.workflows.formulas import NO, YES, Formulas


@dataclass(frozen=True)
class Asked:
    sort: str
    options: dict[str, str] | None = None
    unit: str = ""
    decimals: int = 0
    min: str | None = None
    max: str | None = None

    def part(self, name: str) -> None:
        return None

    def inner(self, name: str) -> None:
        return None


FIELDS = {
    "a": {"kind": Asked("text", dict.fromkeys("xyz", "")), "sum": Asked("number"), "day": Asked("date")},
    "b": {"kind": Asked("text", dict.fromkeys("yzw", "")), "is_new": Asked("truth")},
}
ATOMS = [
    "a.kind == 'x'", "a.kind != 'y'", "a.kind in ('x', 'z')", "b.kind not in ('w', 'y')", "a.kind == b.kind",
    "a.kind != b.kind", "a.sum > 5", "a.sum <= 5", "10 < a.sum", "3 < a.sum < 10", "a.sum == 7", "b.is_new",
    "b.is_new == False", "filled(a.kind)", "filled(a.sum)", "a.day >= '2026-03-01'", "a.day < '2026-03-02'",
    "a.sum > a.sum", "a.kind == a.kind", "a.day <= a.day", "b.is_new != b.is_new",
]  # fmt: skip

texts = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        inner.map(lambda each: f"not ({each})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda each: f"({each[0]}) {each[1]} ({each[2]})"),
    ),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None, database=None)
@given(text=texts, other=st.sampled_from(ATOMS))
def test_the_ways_of_a_condition_are_the_answers_with_which_it_holds(text, other):
    formulas = Formulas((text, other), lambda stage, name: FIELDS[stage].get(name))
    assert formulas.entangled() == []
    names = sorted(formulas.kinds)
    expression = compiled(text, FIELDS)
    held = []

    for kinds in product(*(formulas.kinds[name].samples.items() for name in names)):
        said = {name: value for name, (_, value) in zip(names, kinds, strict=True)}
        chosen = {("answer", *name): kind for name, (kind, _) in zip(names, kinds, strict=True)}
        values = {YES: True, NO: False}

        def sheet(place, name, said=said, values=values):
            value = said.get((place, name))
            return Given({name: values.get(value, value) if isinstance(value, str) else value})

        holds = expression.read(Answered(sheet)) is True
        held.append(holds)
        for ways, expected in ((formulas.holding(text), holds), (formulas.failing(text), not holds)):
            assert any(all(chosen[variable] in each for variable, each in way) for way in ways) is expected, said
    assert (contradiction(text, FIELDS) is None) is any(held)


@pytest.mark.parametrize(
    ("texts", "is_told"),
    [
        (("a.sum * 2 > 5",), False),
        (("a.sum * 2 > 5", "not (a.sum * 2 > 5)"), False),
        (("a.sum * 2 > 5", "a.sum * 2 <= 5"), False),
        (("a.sum * 2 > 5", "a.sum > 100"), True),
        (("a.sum * 2 > 5", "b.is_new"), False),
    ],
)
def test_what_cannot_be_taken_apart_is_refused_where_it_hangs_together_with_other_conditions(texts, is_told):
    formulas = Formulas(texts, lambda stage, name: FIELDS[stage].get(name))

    assert bool(formulas.entangled()) is is_told


BOUND = {"a": {"score": Asked("number", min="0", max="5"), "kind": Asked("text", dict.fromkeys("xy", ""))}}


@pytest.mark.parametrize(
    ("condition", "parts", "example"),
    [
        ("a.kind != a.kind", 1, ""),
        ("a.score * 2 > a.score * 2", 1, ""),
        ("a.score > 5", 1, ""),  # more than the field takes
        ("a.score < 0", 1, ""),
        ("a.kind == 'x' and not (a.kind == 'x')", 2, "with a.kind = x"),
        ("a.score > 3 and a.kind == 'x' and a.score < 2", 2, "with a.score = 4 “a.score < 2” does not hold"),
        ("a.kind != 'x' and a.kind != 'y' and filled(a.kind)", 2, ""),
        ("not filled(a.score) and a.score == 3", 2, "with a.score = 3 “not filled(a.score)” does not hold"),
        ("a.score > 3 and (a.score < 2 or a.kind != a.kind)", 2, ""),
    ],
)
def test_a_condition_that_never_holds_is_told_by_its_smallest_part_and_an_example(condition, parts, example):
    found = contradiction(condition, BOUND)

    assert found is not None
    assert len(found.parts) == parts, found
    assert "never hold" in found.words
    assert example in "; ".join(found.examples)


@pytest.mark.parametrize(
    "condition",
    ["a.score == 5", "a.score >= a.score", "a.kind == 'x' or a.score > 5", "a.score * 2 > 5", "not (a.score > 5)"],
)
def test_a_condition_that_may_hold_is_not_told(condition):
    assert contradiction(condition, BOUND) is None
