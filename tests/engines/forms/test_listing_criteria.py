"""Listing criteria: judged exactly at their thresholds, by which answers, and told where their files are faulty."""

from __future__ import annotations

from typing import Any

import pytest

from app.config import ROOT
from app.forms.criteria import CriteriaLibrary, Finding, Judged
from app.forms.definitions import DynamicForm, FormLibrary, load
from app.terms import LANGUAGES

DAY = "2026-11-20"
LISTING, PACKAGE = "extra_listing_requirements", "equity_package"
PREMIUM = ("main", "shares", "premium")


@pytest.fixture(scope="module")
def library() -> FormLibrary:
    found, faults = load(ROOT / "forms", ROOT)
    assert not faults
    return found


def entry_of(library: FormLibrary, key: str, path: tuple[str, ...], **given: Any) -> tuple[DynamicForm, dict[str, Any]]:
    """Return a form and its example entry at a path, with other answers; None takes an answer out."""
    form = library.get(key)
    assert isinstance(form, DynamicForm)
    values = form.example_at(path)
    [entry] = values["entries"]
    entry["values"] = {name: value for name, value in (entry["values"] | given).items() if value is not None}
    [entry] = form.settled(values)["entries"]
    return form, entry


def judged(library: FormLibrary, key: str, path: tuple[str, ...], day: str = DAY, **given: Any) -> dict[str, Judged]:
    form, entry = entry_of(library, key, path, **given)
    found = library.criteria.of(key, path, day)
    assert found is not None
    return {each.criterion.key: each for each in found.judge(form, entry, day)}


@pytest.mark.parametrize(
    ("rule", "field", "value", "finding"),
    [
        ("existence", "existence_years", "3", "met"),
        ("existence", "existence_years", "2", "not_met"),
        ("existence", "existence_years", None, "missing"),
        ("equity", "equity", {"amount": "4325000000.00", "currency": "KZT"}, "met"),
        ("equity", "equity", {"amount": "4324999999.99", "currency": "KZT"}, "not_met"),
        ("free_float", "free_float", "10", "met"),
        ("free_float", "free_float", "9.99", "not_met"),
        ("market_maker", "market_maker", False, "not_met"),
        ("governance", "governance_code_adopted", None, "missing"),
        ("rights", "share_kind", "common", "by_hand"),
    ],
)
def test_a_criterion_is_judged_exactly_at_its_threshold(library, rule, field, value, finding):
    assert judged(library, LISTING, PREMIUM, **{field: value})[rule].finding == Finding(finding)


def test_the_figures_are_those_of_the_day_of_the_application(library):
    money = {"equity": {"amount": "3932000000.00", "currency": "KZT"}}

    before = judged(library, LISTING, PREMIUM, "2025-12-31", **money)["equity"]
    after = judged(library, LISTING, PREMIUM, "2026-01-01", **money)["equity"]

    assert (before.finding, after.finding) == (Finding.MET, Finding.NOT_MET)
    assert before.threshold is not None
    assert after.threshold is not None
    assert [each.threshold.values[0]["amount"] for each in (before, after)] == ["3932000000.00", "4325000000.00"]


def test_what_a_criterion_was_judged_by_is_told_with_what_stands_behind_computed_fields(library):
    found = judged(library, PACKAGE, PREMIUM)

    assert [datum.name for datum in found["existence"].data] == [
        "as_of",
        "years_required",
        "established_on",
        "existence_years",
    ]
    assert found["existence"].data[2].path == "equity_package-e1-established_on"
    assert found["existence"].data[2].text("kk") == "08.12.2009"
    assert found["existence"].at == "equity_package-e1-established_on"


def test_the_rows_of_a_group_are_judged_one_by_one_and_told_together(library):
    form, entry = entry_of(library, PACKAGE, PREMIUM)
    found = library.criteria.of(PACKAGE, PREMIUM, DAY)
    rows = entry["values"]["statement_years"]["entries"]
    before = {each.criterion.key: each for each in found.judge(form, entry, DAY)}

    rows[-1]["values"]["opinion"] = "adverse"
    after = {each.criterion.key: each for each in found.judge(form, entry, DAY)}

    assert (before["opinion"].finding, after["opinion"].finding) == (Finding.MET, Finding.NOT_MET)
    assert after["opinion"].data[0].text("en").count(";") == len(rows) - 1
    assert before["opinion"].basis != after["opinion"].basis
    assert before["equity"].basis == after["equity"].basis  # what did not change leaves its verdict alone


def test_every_path_of_every_package_has_criteria_that_its_own_example_meets(library):
    for form in library.all():
        if not isinstance(form, DynamicForm) or not any(found.form == form.key for found in library.criteria.all()):
            continue
        for path in form.paths():
            found = judged(library, form.key, path)
            failed = [key for key, each in found.items() if each.finding in (Finding.NOT_MET, Finding.MISSING)]
            assert not failed, (form.key, path, failed)


def test_the_most_specific_set_in_force_is_taken_and_a_pinned_version_stays(library):
    def named(path: tuple[str, ...], day: str = DAY) -> str:
        found = library.criteria.of("fund_package", path, day)
        return found.name if found else ""

    assert named(("main", "fund_securities", "etf")) == "package_etf.v1"
    assert named(("main", "fund_securities")) == "package_fund_units.v1"
    assert named(("main", "fund_securities"), "2023-12-31") == ""
    [first] = [found for found in library.criteria.all() if found.key == "package_etf"]
    second = type(first)(**{**_fields(first), "version": 2, "effective": "2026-06-01"})
    both = CriteriaLibrary([first, second])
    path = ("main", "fund_securities", "etf")
    assert both.of("fund_package", path, "2026-05-31") is first
    assert both.of("fund_package", path, "2026-06-01") is second
    assert both.of("fund_package", path, DAY, {"package_etf": 1}) is first


def _fields(found: Any) -> dict[str, Any]:
    return {name: getattr(found, name) for name in found.__dataclass_fields__ if not name.startswith("_")}


def test_every_criterion_says_its_norm_in_three_languages_and_every_set_is_marked(library):
    for found in library.criteria.all():
        assert found.demo_data, found.name
        for rule in found.rules:
            assert all(rule.title[language] and rule.norm[language] for language in LANGUAGES)


SET = """criteria: shares
version: 1
effective: "2024-01-01"
demo_data: true
title: {kk: "Ж", ru: "Н", en: "S"}
source: {kk: "Ж", ru: "Н", en: "S"}
form: extra_listing_requirements
paths: [main/shares/premium]
rules:
  - key: equity
    title: {kk: "К", ru: "К", en: "E"}
    norm: {kk: "К", ru: "К", en: "E"}
    that: "equity >= 1"
    at: equity
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("that: \"equity >= 1\"", "that: \"equety >= 1\"", ":13: rules.equity.that: 'equety' is no field"),
        ("that: \"equity >= 1\"", "that: \"equity >= 'x'\"", ":13: rules.equity.that: a number cannot be comp"),
        ("that: \"equity >= 1\"", "that: \"equity\"", ":13: rules.equity.that: it is a number, not a yes or no"),
        ("    at: equity", "    at: nothing", ":14: rules.equity.at: 'nothing' is no field"),
        ("title: {kk: \"К\", ru: \"К\", en: \"E\"}", "title: {kk: \"К\", ru: \"К\"}", ":11: rules.0.title.en: "),
        ("paths: [main/shares/premium]", "paths: [main/bonds]", ":8: paths.0: 'main/bonds' leads to no form"),
        ("form: extra_listing_requirements", "form: issuers", ":7: form: there is no dynamic form 'issuers'"),
        ("criteria: shares", "criteria: bonds", ":1: criteria: 'bonds' is not what the file's name says"),
        ("demo_data: true\n", "", ""),
        ("equity >= 1\"", "equity >= figure('mci.tenga', application_day)\"", "there is no figure 'mci.tenga'"),
    ],
)  # fmt: skip
def test_a_faulty_file_is_told_with_its_line_and_its_key(tmp_path, old, new, told):
    forms = tmp_path / "forms"
    for name in ("_shared", "_figures", LISTING):
        (forms / name).parent.mkdir(exist_ok=True)
        (forms / name).symlink_to(ROOT / "forms" / name)
    (forms / "_criteria").mkdir()
    text = SET.replace(old, new, 1)
    assert text != SET
    (forms / "_criteria" / "shares.v1.yaml").write_text(text, encoding="utf-8")

    _, faults = load(forms, tmp_path)

    found = [str(fault) for fault in faults]
    if told:
        assert any(told in each and each.startswith("forms/_criteria/shares.v1.yaml") for each in found), found
    else:
        assert not found  # it names no illustrative figure
