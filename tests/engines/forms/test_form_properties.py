"""What holds for every form and every draft: nothing typed is changed by being kept, none of it is ever lost.

The number of cases is small in an ordinary run; ``KEZEN_FORM_CASES=10000`` runs as many of each.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_forms import WORDS, Chance, raw_fields

from app.expressions.compiling import compile_expression
from app.expressions.language import ExpressionError
from app.forms import versions
from app.forms.carrying import Carried
from app.forms.definitions import DynamicForm, Level, Option
from app.forms.outline import typed_texts
from app.forms.parts import Field, is_empty
from app.forms.paths import PARKED

CASES = int(os.environ.get("KEZEN_FORM_CASES", "150"))
SEEDS = st.integers(0, 2**40)
MANY = settings(max_examples=CASES, deadline=None, derandomize=CASES <= 1000)


def untyped(values: Mapping[str, Any], fields: tuple[Field, ...]) -> dict[str, Any]:
    """Return the values without what people type: entries and files."""
    kept = {}
    for asked in fields:
        value = values.get(asked.key)
        if asked.fields is not None and value is not None:
            entries = [{**entry, "values": untyped(entry["values"], asked.fields)} for entry in value["entries"]]
            kept[asked.key] = {**value, "entries": entries}
        elif asked.type == "file" and value is not None:
            kept[asked.key] = value
    return kept


@MANY
@given(SEEDS)
def test_what_stands_in_the_boxes_read_again_is_the_same_answer(seed: int) -> None:
    chance = Chance(seed)
    form = chance.form(conditions=False)
    values = form.settled(chance.answers(form.fields))
    texts = typed_texts(form.outline(values))

    parsed = form.parse(texts, before=untyped(values, form.fields))

    assert parsed.problems == ()
    assert parsed.values == values


@MANY
@given(SEEDS)
def test_a_draft_saved_again_and_sent_through_json_stays_the_same(seed: int) -> None:
    chance = Chance(seed)
    form = chance.form()
    values = form.settled(chance.answers(form.fields))

    again = json.loads(json.dumps(values, ensure_ascii=False))
    parsed = form.parse(typed_texts(form.outline(again)), before=again)

    assert parsed.problems == ()
    assert parsed.values == values
    assert form.check(parsed.values) == form.check(values)
    assert form.settled(parsed.values) == values


@MANY
@given(SEEDS)
def test_every_question_is_told_of_in_the_outline_and_judged_without_a_crash(seed: int) -> None:
    chance = Chance(seed)
    form = chance.form()
    values = chance.answers(form.fields)

    paths = [problem.path for problem in (*form.check(values), *form.gaps(values))]

    form.require_fields(paths)
    example = form.example()
    assert form.check(example) == ()


def leaves_of(values: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every answer, parts apart, as its path and its text; what is parked stands at the path it had."""
    for key, value in values.items():
        if key == PARKED:
            yield from leaves_of(value, path)
            continue
        own = f"{path}{key.partition('~')[0]}"
        if isinstance(value, Mapping) and "entries" in value:
            for entry in value["entries"]:
                yield from leaves_of(entry["values"], f"{own}-{entry['id']}-")
        elif isinstance(value, Mapping) and "amount" not in value:
            yield from ((f"{own}-{part}", words) for part, words in value.items())
        elif not is_empty(value):
            yield own, json.dumps(value, ensure_ascii=False, sort_keys=True)


def asked_for(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values without what is parked."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and "entries" in value:
            found[key] = {"entries": [{**entry, "values": asked_for(entry["values"])} for entry in value["entries"]]}
        elif key != PARKED:
            found[key] = value
    return found


def lost(before: Mapping[str, Any], carried: Carried) -> set[tuple[str, str]]:
    return set(leaves_of(before)) - set(leaves_of(carried.values))


@MANY
@given(SEEDS)
def test_no_edit_of_a_definition_loses_an_answer_of_a_draft(seed: int) -> None:
    chance = Chance(seed)
    form = chance.form()
    values = form.settled(chance.answers(form.fields))
    for _ in range(3):
        fields = raw_fields(form)
        for _ in range(chance.random.randint(1, 3)):
            fields = chance.edited(fields)
        edited = chance.as_form(fields)

        carried = versions.carry(form, edited, values)

        assert lost(values, carried) == set()
        told = {piece.path for piece in (*carried.kept, *carried.parked, *carried.restored)}
        moved = set(leaves_of({key: value for key, value in values.items() if key != PARKED}))
        resting = set(leaves_of({PARKED: carried.values.get(PARKED, {})}))
        for path, text in moved & resting:
            assert any(path == each or path.startswith(f"{each}-") for each in told), (path, text)
        assert all(piece.reason for piece in carried.parked)
        assert all(piece.text("kk") or not any(leaves_of({"it": piece.value})) for piece in carried.parked)
        again = edited.parse(typed_texts(edited.outline(carried.values)), before=carried.values)
        assert set(leaves_of(again.values)) == set(leaves_of(carried.values))
        form, values = edited, carried.values


@MANY
@given(SEEDS)
def test_going_back_to_the_old_questions_gives_every_answer_back(seed: int) -> None:
    chance = Chance(seed, stray=False)
    form = chance.form()
    values = form.settled(chance.answers(form.fields))
    fields = raw_fields(form)
    for _ in range(chance.random.randint(1, 4)):
        fields = chance.edited(fields)
    edited = chance.as_form(fields)

    there = versions.carry(form, edited, values)
    back = versions.carry(edited, form, there.values)

    assert set(leaves_of(values)) <= set(leaves_of(asked_for(back.values)))


@MANY
@given(SEEDS)
def test_a_form_does_not_differ_from_itself_and_a_safe_edit_touches_no_draft(seed: int) -> None:
    chance = Chance(seed, stray=False)
    form = chance.form()
    values = form.settled(chance.answers(form.fields))
    fields = raw_fields(form)
    for _ in range(chance.random.randint(1, 2)):
        fields = chance.edited(fields)
    edited = chance.as_form(fields)

    found = versions.differences(form, edited)

    assert versions.differences(form, form) == []
    assert all(str(each) for each in found)
    carried = versions.carry(form, edited, values)
    if versions.is_safe(found):
        assert carried.is_harmless, (found, carried)
        assert {problem.path for problem in edited.check(carried.values)} <= {
            problem.path for problem in form.check(values)
        }


def two_leaves(chance: Chance) -> DynamicForm:
    """Return a dynamic form of two paths, whose second form is an edit of the first."""
    one = chance.form()
    fields = raw_fields(one)
    for _ in range(chance.random.randint(1, 4)):
        fields = chance.edited(fields)
    two = chance.as_form(fields)
    words = one.title
    options = {"a": Option(**WORDS), "b": Option(**WORDS)}
    level = Level(key="kind", label=words, options=options)
    forms = {("a",): {1: replace(one, key="list/a")}, ("b",): {1: replace(two, key="list/b")}}
    return DynamicForm("list", 1, words, words, words, 0, (level,), (), False, "", frozenset({()}), forms)


@MANY
@given(SEEDS)
@pytest.mark.req("IS2IN-16.g")
def test_no_change_of_criteria_loses_an_answer_of_an_entry(seed: int) -> None:
    chance = Chance(seed, stray=False)
    form = two_leaves(chance)
    values = form.add({}, ["a"], {})
    leaf = form.form_at(["a"])
    assert leaf is not None
    values["entries"][0]["values"] = leaf.settled(chance.answers(leaf.fields))

    there = form.preview(values, "e1", ["b"])
    back = form.preview(there.values, "e1", ["a"])

    def answers(held: dict[str, Any]) -> set[tuple[str, str]]:
        (entry,) = held["entries"]
        return set(leaves_of({**entry["values"], PARKED: entry.get("parked", {})}))

    assert answers(values) <= answers(there.values)
    assert answers(there.values) <= answers(back.values)
    assert answers(values) <= set(leaves_of(asked_for(back.values["entries"][0]["values"])))
    typed = {name: text for _, parts in form.outline(there.values) for name, text in typed_texts(parts).items()}
    assert answers(form.parse(typed, there.values).values) == answers(there.values)


NAMES = "f1 f2 f3 f4 f5 f6 f1.f2 f2.f3 f3.kk f4.region"
SIGNS = "+ - * / == != < <= > >= ( ) [ ] , . and or not in is if else lambda :"
LITERALS = "'one' 'a' 0 1 2.5 100000000000000 '2026-01-01' True None"
CALLS = "sum( count( min( max( any( all( filled( default( days( years( round("
WORDS_OF_EXPRESSIONS = f"{NAMES} {SIGNS} {LITERALS} {CALLS} ) )".split()


@MANY
@given(SEEDS, st.lists(st.sampled_from(WORDS_OF_EXPRESSIONS), min_size=1, max_size=14))
def test_an_expression_is_refused_or_has_a_value_for_any_answers(seed: int, words: list[str]) -> None:
    chance = Chance(seed)
    form = chance.form(conditions=False)
    fields = {asked.key: asked for asked in form.fields}

    def resolve(name: str) -> tuple[int, Field] | None:
        return (0, fields[name]) if name in fields else None

    try:
        expression = compile_expression(" ".join(words), resolve)
    except ExpressionError:
        return
    for values in ({}, chance.answers(form.fields), {"f1": 5, "f2": {"entries": []}, "f3": [], "f4": "x"}):
        found = expression.read(form.plan.sheet(values))
        assert found is None or isinstance(found, bool | str | Decimal | dict | list)
