"""How an address says a query: read, written again, understood, or refused by name."""

from __future__ import annotations

from datetime import date, timedelta
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.search.grammar import (
    COLUMNS,
    FIELDS,
    GROUPS,
    MOST_CRITERIA,
    Asked,
    Criterion,
    Ground,
    Typed,
    period,
    understood,
)
from app.terms import say
from app.web.inputs import day

TODAY = date(2026, 11, 20)
GROUND = Ground(TODAY, {"procedure": ["share_listing"], "state": ["filling"]}, day)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=12)
ROWS = st.builds(Typed, st.sampled_from(tuple(FIELDS)), WORDS, WORDS, WORDS, st.sampled_from(("", *GROUPS)))


def asked(address: str) -> Asked:
    return Asked.read(parse_qs(address))


def faults(address: str) -> list[tuple[str, str]]:
    return [(problem.path, problem.key) for problem in understood(asked(address), GROUND)[1]]


@given(
    st.builds(
        Asked,
        WORDS,
        st.sampled_from(("", "all", "any")),
        st.lists(ROWS, max_size=5).map(tuple),
        st.lists(st.sampled_from(COLUMNS), unique=True).map(tuple),
        st.lists(st.tuples(st.sampled_from(COLUMNS), st.sampled_from(("", "desc"))), max_size=3).map(tuple),
        WORDS,
    )
)
def test_an_address_holds_the_whole_query(query):
    assert Asked.read(parse_qs(urlencode(query.pairs()))) == query


@given(st.dictionaries(WORDS | st.sampled_from(["f1", "o1", "v1", "col", "s1", "as_of", "q"]), st.lists(WORDS)))
def test_whatever_an_address_says_is_understood_or_refused_and_never_breaks(parameters):
    found = Asked.read(parameters)
    query, problems = understood(found, GROUND)

    assert Asked.read(parse_qs(urlencode(found.pairs()))) == found
    assert len(query.criteria) + sum(problem.path[:1] in "vog" for problem in problems) >= len(found.rows)


REFUSED = {
    "f1=nonsense&o1=is&v1=x": ("v1", "search.err.field"),
    "v1=x": ("v1", "search.err.field"),
    "f1=number&o1=on&v1=x": ("o1", "search.err.operator"),
    "f1=number&v1=x": ("o1", "search.err.operator"),
    "f1=company&o1=empty": ("o1", "search.err.operator"),
    "f1=number&o1=has": ("v1", "search.err.value"),
    "f1=number&o1=has&v1=" + "x" * 201: ("v1", "search.err.long_value"),
    "f1=number&o1=has&v1=x&g1=z": ("g1", "search.err.group"),
    "f1=state&o1=is&v1=lost": ("v1", "search.err.choice"),
    "f1=created&o1=on&v1=31.02.2026": ("v1", "search.err.date"),
    "f1=created&o1=on&v1=yesterday": ("v1", "search.err.date"),
    "f1=created&o1=between&v1=01.02.2026": ("v1", "search.err.value"),
    "f1=created&o1=between&v1=02.02.2026&w1=01.02.2026": ("v1", "search.err.order"),
    "f1=created&o1=last&v1=0": ("v1", "search.err.days"),
    "f1=created&o1=last&v1=99999999999": ("v1", "search.err.days"),
    "f1=created&o1=last&v1=%D9%A3": ("v1", "search.err.days"),
    "f1=executor&o1=is&v1=lawyer&as_of=19.11.2026": ("v1", "search.err.then"),
    "as_of=21.11.2026": ("as_of", "search.err.future"),
    "as_of=never": ("as_of", "search.err.as_of"),
    "col=iin": ("columns", "search.err.column"),
    "s1=iin": ("s1", "search.err.column"),
    "s1=number&d1=sideways": ("s1", "search.err.direction"),
    "s1=executor&as_of=19.11.2026": ("s1", "search.err.sort_then"),
    "match=some": ("match", "search.err.match"),
    "q=" + "x" * 201: ("q", "search.err.long"),
    "&".join(f"f{n}=number&o{n}=has&v{n}=x" for n in range(MOST_CRITERIA + 1)): ("new", "search.err.many"),
}


@pytest.mark.parametrize(("address", "refusal"), REFUSED.items())
def test_what_will_not_do_is_refused_by_its_place(address, refusal):
    assert faults(address) == [refusal]


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_a_refusal_names_the_criterion_in_every_language(language):
    (problem,) = understood(asked("f1=number&o1=has&v1=x&f2=created&o2=on&v2=soon"), GROUND)[1]

    said = say(problem.key, language, **problem.params)

    assert "2" in said
    assert say("search.field.created", language) in said


PERIODS = {
    ("on", TODAY): (TODAY, TODAY + timedelta(1)),
    ("before", TODAY): (None, TODAY),
    ("after", TODAY): (TODAY + timedelta(1), None),
    ("between", date(2026, 11, 1), TODAY): (date(2026, 11, 1), TODAY + timedelta(1)),
    ("today",): (TODAY, TODAY + timedelta(1)),
    ("last", 1): (TODAY, TODAY + timedelta(1)),
    ("last", 7): (date(2026, 11, 14), TODAY + timedelta(1)),
    ("this_month",): (date(2026, 11, 1), date(2026, 12, 1)),
    ("this_year",): (date(2026, 1, 1), date(2027, 1, 1)),
}


@pytest.mark.parametrize(("said", "days"), PERIODS.items())
def test_a_period_is_from_its_first_day_to_the_first_after_it(said, days):
    operator, *values = said
    assert period(Criterion(1, FIELDS["created"], operator, tuple(values)), TODAY) == days


def test_december_ends_with_the_year():
    criterion = Criterion(1, FIELDS["created"], "this_month", ())
    assert period(criterion, date(2026, 12, 31)) == (date(2026, 12, 1), date(2027, 1, 1))


def test_criteria_are_numbered_anew_where_the_address_has_gaps():
    found = asked("f7=number&o7=has&v7=x&f2=bin&o2=is&v2=y")

    assert [row.field for row in found.rows] == ["bin", "number"]
    assert ("f1", "bin") in found.pairs()
    assert [row.field for row in found.without(1).rows] == ["number"]


def test_a_heading_turns_its_order_round():
    once = asked("q=x").sorted_by("company")
    assert (once.sort, once.sorted_by("company").sort) == ((("company", ""),), (("company", "desc"),))
