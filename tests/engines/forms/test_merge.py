"""Two people at the same answers: what both did stays, and what they did differently is asked."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.forms.merge import Change, Clash, Merged, Written, merge, numbered_after


def merged(base: Any, mine: Any, theirs: Any, **given_: Any) -> Merged:
    """Merge plain values."""
    return merge(Written(base), Written(mine), Written(theirs), **given_)


def rows(*entries: tuple[str, dict[str, Any]], last: int = 0) -> dict[str, Any]:
    """Return a repeating group."""
    return {
        "entries": [{"id": name, "values": values} for name, values in entries],
        "last": last or max((int(name[1:]) for name, _ in entries), default=0),
    }


def ids(group: Any) -> list[str]:
    """Return the ids of a group's rows."""
    return [entry["id"] for entry in group["entries"]]


# Fields


def test_different_fields_are_put_together_and_it_is_told_what_came_from_whom():
    found = merged({"a": "1", "b": "1"}, {"a": "2", "b": "1"}, {"a": "1", "b": "2", "c": "3"})

    assert found.values == {"a": "2", "b": "2", "c": "3"}
    assert found.mine == (Change("a", "changed"),)
    assert set(found.theirs) == {Change("b", "changed"), Change("c", "added")}
    assert found.clashes == ()


def test_the_same_field_is_asked_and_theirs_stands_until_then():
    found = merged({"a": "1", "b": "1"}, {"a": "2", "b": "3"}, {"a": "4", "b": "1"})

    assert found.values == {"a": "4", "b": "3"}
    assert found.clashes == (Clash("a", "field", "2", "4"),)
    assert found.mine == (Change("b", "changed"),)


def test_the_same_change_on_both_sides_is_no_matter():
    found = merged({"a": "1"}, {"a": "2"}, {"a": "2"})

    assert (found.values, found.mine, found.theirs, found.clashes) == ({"a": "2"}, (), (), ())


@pytest.mark.parametrize("empty", [None, "", [], {}])
def test_emptied_on_one_side_and_changed_on_the_other_is_asked(empty):
    found = merged({"a": "1"}, {"a": empty}, {"a": "2"})

    assert found.clashes == (Clash("a", "field", empty, "2"),)
    assert merged({"a": "1"}, {}, {"a": "1"}).values == {}
    assert merged({"a": "1"}, {}, {}).clashes == ()


def test_an_answer_no_is_an_answer():
    assert merged({}, {"a": False}, {}).values == {"a": False}
    assert merged({"a": True}, {"a": False}, {"a": True}).values == {"a": False}


def test_languages_of_one_answer_are_put_together():
    base = {"name": {"kk": "а"}}
    found = merged(base, {"name": {"kk": "а", "ru": "б"}}, {"name": {"kk": "ә", "en": "c"}})

    assert found.values == {"name": {"kk": "ә", "ru": "б", "en": "c"}}
    assert found.clashes == ()


def test_one_language_in_dispute_does_not_hold_the_others_up():
    found = merged(
        {"name": {"kk": "а", "ru": "б"}},
        {"name": {"kk": "аа", "ru": "бб"}},
        {"name": {"kk": "ааа", "ru": "б", "en": "c"}},
    )

    assert found.values == {"name": {"kk": "ааа", "ru": "бб", "en": "c"}}
    assert found.clashes == (
        Clash("name", "field", {"kk": "аа", "ru": "бб", "en": "c"}, {"kk": "ааа", "ru": "бб", "en": "c"}),
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"amount": "1.00", "currency": "KZT"}, {"amount": "2.00", "currency": "KZT"}),
        ({"bank": "A", "iban": "KZ1"}, {"bank": "A", "iban": "KZ2"}),
        ({"region": "71", "street": "a"}, {"region": "75"}),
    ],
)
def test_halves_of_two_answers_make_no_answer(one, other):
    found = merged({}, {"a": one}, {"a": other})

    assert found.values == {"a": other}
    assert found.clashes == (Clash("a", "field", one, other),)


def test_files_stay_or_go_each_by_itself():
    def file(name: str) -> dict[str, Any]:
        return {"id": name, "name": name, "size": 1, "sha256": "0"}

    base = {"f": [file("1"), file("2")]}
    found = merged(base, {"f": [file("2"), file("3")]}, {"f": [file("1"), file("2"), file("4")]})

    assert [each["id"] for each in found.values["f"]] == ["2", "4", "3"]
    assert found.clashes == ()


def test_what_is_computed_is_never_in_dispute():
    derived = {("total",), ("rows", "share")}
    found = merged(
        {"total": "1", "rows": rows(("e1", {"share": "1"}))},
        {"total": "2", "rows": rows(("e1", {"share": "2"}))},
        {"total": "3"},
        derived=derived,
    )

    assert found.clashes == ()
    assert found.theirs == (Change("rows-e1", "removed"),)


# Texts that are no values yet


def text(path: str, words: str) -> dict[str, dict[str, str]]:
    """Return one text that is no value yet."""
    return {path: {path: words}}


def test_half_a_date_is_kept_beside_the_value():
    found = merge(
        Written({"d": "2026-01-01"}), Written({"d": "2026-01-01"}, text("d", "02.01")), Written({"d": "2026-01-01"})
    )

    assert found.values == {"d": "2026-01-01"}
    assert found.unread == text("d", "02.01")
    assert found.mine == (Change("d", "changed"),)


def test_half_a_date_against_another_date_is_asked():
    found = merge(
        Written({"d": "2026-01-01"}), Written({"d": "2026-01-01"}, text("d", "02.01")), Written({"d": "2026-03-03"})
    )

    assert found.values == {"d": "2026-03-03"}
    assert found.unread == {}
    assert found.clashes == (Clash("d", "field", {"d": "02.01"}, "2026-03-03"),)


def test_half_a_date_of_another_stays_and_goes_with_its_field():
    theirs = Written({}, text("d", "02.01"))

    assert merge(Written(), Written({"a": "1"}), theirs).unread == text("d", "02.01")
    assert merge(Written(), Written({"d": "2026-01-01"}), theirs).clashes == (Clash("d", "field", "2026-01-01", None),)
    assert merge(theirs, Written({"d": "2026-01-02"}), theirs).unread == {}


def test_half_a_date_in_a_row_goes_with_the_row_and_holds_its_removal_up():
    row = {"people": rows(("e1", {"name": "A"}))}
    gone = {"people": rows(last=1)}
    half = text("people-e1-born", "1.1")

    found = merge(Written(row), Written(gone), Written(row, half))
    assert [clash.kind for clash in found.clashes] == ["removed_here"]
    assert found.unread == half
    assert merge(Written(row, half), Written(gone), Written(row, half)).unread == {}


# Rows


def test_rows_added_on_both_sides_both_stay_in_their_places():
    base = {"r": rows(("e1", {}), ("e2", {}))}
    mine = numbered_after(base, {"r": rows(("e1", {}), ("e3", {"a": "1"}), ("e2", {}))})
    number = mine["r"]["last"] + 1
    mine["r"] = {"entries": [*mine["r"]["entries"], {"id": f"e{number}", "values": {}}], "last": number}
    found = merged(base, mine, {"r": rows(("e1", {}), ("e3", {"a": "1"}), ("e2", {}))})

    assert ids(found.values["r"]) == ["e1", "e3", "e2", "e4"]
    assert found.values["r"]["last"] == 4
    assert found.mine == (Change("r-e4", "added"),)
    assert found.theirs == (Change("r-e3", "added"),)


def test_an_id_is_never_given_twice_though_the_row_is_gone():
    found = merged({"r": rows(("e1", {}))}, {"r": rows(("e1", {}))}, {"r": rows(("e1", {}), last=7)})

    assert found.values["r"]["last"] == 7


def test_the_same_row_is_merged_field_by_field_three_levels_deep():
    def deep(**values: str) -> dict[str, Any]:
        return {"a": rows(("e1", {"b": rows(("e2", {"c": rows(("e3", values))}))}))}

    found = merged(deep(x="1", y="1"), deep(x="2", y="1"), deep(x="1", y="2"))

    assert found.values == deep(x="2", y="2")
    assert merged(deep(x="1"), deep(x="2"), deep(x="3")).clashes == (Clash("a-e1-b-e2-c-e3-x", "field", "2", "3"),)


@pytest.mark.parametrize(("turned", "kind"), [(False, "removed_here"), (True, "removed_there")])
def test_removed_on_one_side_and_edited_on_the_other_is_asked(turned, kind):
    base, gone, edited = (
        {"r": rows(("e1", {"a": "1"}))},
        {"r": rows(last=1)},
        {"r": rows(("e1", {"a": "2"}))},
    )
    found = merged(base, edited, gone) if turned else merged(base, gone, edited)

    assert [(clash.path, clash.kind) for clash in found.clashes] == [("r-e1", kind)]
    assert ids(found.values["r"]) == ([] if turned else ["e1"])
    assert merged(base, gone, base).values == gone
    assert merged(base, base, gone).theirs == (Change("r-e1", "removed"),)


def test_the_order_of_the_one_who_moved_is_kept():
    base = {"r": rows(("e1", {}), ("e2", {}), ("e3", {}))}
    moved = {"r": rows(("e3", {}), ("e1", {}), ("e2", {}))}
    longer = {"r": rows(("e1", {}), ("e2", {}), ("e4", {}), ("e3", {}))}

    assert ids(merged(base, moved, longer).values["r"]) == ["e3", "e1", "e2", "e4"]
    assert ids(merged(base, longer, moved).values["r"]) == ["e3", "e1", "e2", "e4"]
    assert merged(base, moved, base).mine == (Change("r", "moved"),)
    assert merged(base, base, moved).theirs == (Change("r", "moved"),)


def test_two_who_moved_differently_are_told():
    base = {"r": rows(("e1", {}), ("e2", {}), ("e3", {}))}
    found = merged(
        base, {"r": rows(("e2", {}), ("e1", {}), ("e3", {}))}, {"r": rows(("e1", {}), ("e3", {}), ("e2", {}))}
    )

    assert found.clashes == (Clash("r", "order", ["e2", "e1", "e3"], ["e1", "e3", "e2"]),)
    assert ids(found.values["r"]) == ["e1", "e3", "e2"]


# Entries of dynamic forms


def entry(path: str = "main/shares", form: str = "s.v1", parked: Any = None, **values: str) -> dict[str, Any]:
    """Return a dynamic form with one entry."""
    found = {"id": "e1", "path": path.split("/"), "keys": {"isin": "KZ1"}, "form": form, "values": values}
    return {"entries": [{**found, "parked": parked} if parked else found], "last": 1}


def test_entries_are_merged_with_their_keys():
    mine, theirs = entry(a="2", b="1"), entry(a="1", b="2")
    mine["entries"][0]["keys"] = {"isin": "KZ2"}
    found = merged(entry(a="1", b="1"), mine, theirs, prefix="dyn-")

    assert found.values["entries"][0]["values"] == {"a": "2", "b": "2"}
    assert found.values["entries"][0]["keys"] == {"isin": "KZ2"}
    assert {change.path for change in found.mine} == {"dyn-e1-a", "dyn-e1-isin"}


@pytest.mark.parametrize("turned", [False, True])
def test_an_answer_changed_while_another_changes_the_criteria_is_parked_with_the_rest(turned):
    base = entry(a="1", b="1")
    criteria = entry("main/debt", "d.v1", parked={"b": "1"}, a="1")
    answer = entry(a="1", b="2")
    found = merged(base, answer, criteria) if turned else merged(base, criteria, answer)

    one = found.values["entries"][0]
    assert (one["path"], one["form"], one["values"], one["parked"]) == (
        ["main", "debt"],
        "d.v1",
        {"a": "1"},
        {"b": "2"},
    )
    assert found.clashes == ()


def test_two_criteria_are_asked():
    found = merged(entry(), entry("main/debt", "d.v1"), entry("alternative/shares", "a.v1"), prefix="dyn-")

    assert found.clashes == (Clash("dyn-e1-path", "criteria", ["main", "debt"], ["alternative", "shares"]),)
    assert found.values["entries"][0]["form"] == "a.v1"


# Laws

WORDS = st.sampled_from(["", "1", "2", "3"])
LEAF = st.one_of(
    WORDS,
    st.fixed_dictionaries({}, optional={"kk": WORDS, "ru": WORDS}),
    st.builds(lambda n: {"amount": n, "currency": "KZT"}, st.sampled_from(["1", "2"])),
    st.booleans(),
)


def forms(depth: int) -> st.SearchStrategy[dict[str, Any]]:
    """Return answers of the same shape: fields a, b, c and, above the depth, groups g and h."""
    fields: dict[str, Any] = {"a": WORDS, "b": LEAF, "c": LEAF}
    if depth:
        fields |= {"g": groups(depth - 1), "h": groups(depth - 1)}
    return st.fixed_dictionaries({}, optional=fields).map(without_empty)


def groups(depth: int) -> st.SearchStrategy[dict[str, Any]]:
    """Return groups of rows out of e1 to e4 in any order."""
    inside = st.tuples(
        st.permutations(["e1", "e2", "e3", "e4"]), st.integers(0, 4), st.lists(forms(depth), min_size=4, max_size=4)
    )
    return inside.map(lambda given_: rows(*zip(given_[0][: given_[1]], given_[2], strict=False), last=4))


def without_empty(values: dict[str, Any]) -> dict[str, Any]:
    """Return answers as they are kept: nothing empty in them."""
    kept = {}
    for key, value in values.items():
        if isinstance(value, dict) and "entries" not in value and "amount" not in value:
            value = {part: words for part, words in value.items() if words}
        if value not in ("", {}, []):
            kept[key] = value
    return kept


def answers(values: Any, prefix: str = "") -> dict[str, Any]:
    """Return path -> value of every answer, and path -> True of every row."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict) and "entries" in value:
            for one in value["entries"]:
                found[f"{prefix}{key}-{one['id']}"] = True
                found |= answers(one["values"], f"{prefix}{key}-{one['id']}-")
        else:
            found[f"{prefix}{key}"] = value
    return found


def settled(values: dict[str, Any]) -> dict[str, Any]:
    """Return values without groups that hold nothing: whether one is there at all is no answer."""
    return {
        key: value
        if not (isinstance(value, dict) and "entries" in value)
        else {
            **value,
            "entries": [{**one, "values": settled(one["values"])} for one in value["entries"]],
        }
        for key, value in values.items()
        if not (isinstance(value, dict) and value.get("entries") == [])
    }


@given(forms(2), forms(2))
def test_who_changed_nothing_gets_the_others_answers(base, other):
    kept = copy.deepcopy((base, other))

    assert settled(merged(base, base, other).values) == settled(other)
    assert settled(merged(base, other, base).values) == settled(other)
    assert settled(merged(base, other, other).values) == settled(other)
    for mine, theirs in ((base, other), (other, base), (other, other)):
        assert merged(base, mine, theirs).clashes == ()
    assert (base, other) == kept


@given(forms(2), forms(2), forms(2))
def test_every_change_is_in_the_result_or_is_asked(base, mine, theirs):
    found = merged(base, mine, theirs)
    was, own, other, now = (answers(side) for side in (base, mine, theirs, found.values))
    asked = [clash.path for clash in found.clashes]

    for path in {*was, *own, *other, *now}:
        is_asked = any(path == clash or path.startswith(f"{clash}-") for clash in asked)
        above = [end for end in own.keys() | was.keys() if path.startswith(f"{end}-") and (was.get(end) is True)]
        gone = any(end not in own or end not in other for end in above)
        if is_asked or gone:
            continue
        sides = (was.get(path), own.get(path), other.get(path))
        if isinstance(now.get(path), dict) and "amount" not in now[path]:
            continue  # languages of both
        if sides[1] != sides[0] and sides[1] != sides[2]:
            assert now.get(path) == sides[1] or isinstance(sides[1], dict), path
        elif sides[2] != sides[0]:
            assert now.get(path) == sides[2], path
        assert now.get(path) in sides, path


@given(forms(2), forms(2), forms(2))
def test_who_comes_second_is_asked_the_same(base, mine, theirs):
    one, two = merged(base, mine, theirs), merged(base, theirs, mine)

    assert {clash.path for clash in one.clashes} == {clash.path for clash in two.clashes}
    if not one.clashes:
        assert answers(one.values) == answers(two.values)


@given(forms(2), forms(2), forms(2))
def test_a_merge_taken_up_again_brings_nothing_new(base, mine, theirs):
    once = merged(base, mine, theirs)
    again = merged(Written(theirs).values, once.values, theirs)

    assert again.clashes == ()
    assert settled(dict(again.values)) == settled(once.values)
