"""The form library as a listing officer sees it: the packages there are, and what each refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.forms.definitions import DynamicForm, Form, load
from app.forms.paths import put
from app.terms import LANGUAGES

ROOT = Path(__file__).resolve().parents[2]
LIBRARY, _ = load(ROOT / "forms", ROOT)


def package(key: str, path: str) -> Form:
    dynamic = LIBRARY.get(key)
    assert isinstance(dynamic, DynamicForm)
    form = dynamic.form_at(path.split("/"))
    assert form is not None
    return form


@pytest.mark.parametrize(
    ("key", "path", "file"),
    [
        ("equity_package", "main/shares/premium", "main/shares/premium"),
        ("equity_package", "main/shares/standard", "main/shares/standard"),
        ("equity_package", "alternative/shares", "alternative/shares"),
        ("equity_package", "main/depositary_receipts", "main/depositary_receipts"),
        ("debt_package", "main/debt_securities/bonds", "main/debt_securities/bonds"),
        ("debt_package", "main/debt_securities/commercial_bonds", "main/debt_securities/commercial_bonds"),
        ("debt_package", "alternative/debt_securities", "alternative/debt_securities"),
        ("debt_package", "private_placement/debt_securities", "private_placement/debt_securities"),
        ("fund_package", "main/fund_securities/etf", "main/fund_securities/etf"),
        ("fund_package", "main/fund_securities/open_fund", "main/fund_securities"),
        ("fund_package", "main/fund_securities/interval_fund", "main/fund_securities"),
        ("fund_package", "main/fund_securities/closed_fund", "main/fund_securities"),
        ("structured_package", "main/derivative_securities", "main/derivative_securities"),
        ("structured_package", "main/structured_securities", "main/structured_securities"),
    ],
)
def test_the_criteria_lead_to_the_package_and_it_is_marked_as_demo_data(key: str, path: str, file: str) -> None:
    form = package(key, path)

    assert form.key == f"{key}/{file}"
    assert form.demo_data


@pytest.mark.parametrize(("key", "path"), [("equity_package", "mixed"), ("debt_package", "main/islamic_securities")])
def test_other_criteria_lead_nowhere(key: str, path: str) -> None:
    dynamic = LIBRARY.get(key)
    assert isinstance(dynamic, DynamicForm)

    assert dynamic.offered(path.split("/")) is None
    assert dynamic.form_at(path.split("/")) is None


PREMIUM, STANDARD = "equity_package:main/shares/premium", "equity_package:main/shares/standard"
BONDS, COMMERCIAL = "debt_package:main/debt_securities/bonds", "debt_package:main/debt_securities/commercial_bonds"
PRIVATE, RECEIPTS = "debt_package:private_placement/debt_securities", "equity_package:main/depositary_receipts"
ETF = "fund_package:main/fund_securities/etf"
STRUCTURED = "structured_package:main/structured_securities"

MARKETS = ("stock_market", "currency_market", "derivatives_market")

REFUSALS: list[tuple[str, dict[str, Any], str]] = [
    (PREMIUM, {"shares_placed": "20000001"}, "shares_placed"),
    (PREMIUM, {"established_on": "2024-01-01"}, "established_on"),
    (PREMIUM, {"shares_free": "1399999"}, "shares_free"),
    (PREMIUM, {"equity_now": {"amount": "4324999999.99", "currency": "KZT"}}, "equity_now"),
    (PREMIUM, {"site_languages": False}, "site_languages"),
    (PREMIUM, {"has_market_maker": False}, "has_market_maker"),
    (STANDARD, {"equity_now": {"amount": "432499999.99", "currency": "KZT"}}, "equity_now"),
    (STANDARD, {"governance_code": False}, "governance_code"),
    (RECEIPTS, {"receipts_number": "3500001"}, "receipts_number"),
    (BONDS, {"maturity": "2026-12-15"}, "maturity"),
    (BONDS, {"had_default": True}, "had_default"),
    (BONDS, {"has_rating": False, "equity_now": {"amount": "216249999.99", "currency": "KZT"}}, "equity_now"),
    (BONDS, {"coupon_schedule-e1-payment_date": "2030-01-01"}, "coupon_schedule"),
    (COMMERCIAL, {"maturity": "2027-12-17"}, "maturity"),
    (COMMERCIAL, {"already_listed": False}, "already_listed"),
    (PRIVATE, {"qualified_only": False}, "qualified_only"),
    (PRIVATE, {"investors-e1-investor_bonds": "5000001"}, "investors"),
    (ETF, {"nav": {"amount": "1.00", "currency": "KZT"}}, "nav"),
    (STRUCTURED, {"protection": "89.99"}, "protection"),
    (STRUCTURED, {"is_protected": False, "qualified_only": False}, "qualified_only"),
    (STRUCTURED, {"issue_amount": {"amount": "43249999.99", "currency": "KZT"}}, "issue_amount"),
    ("structured_package:main/derivative_securities", {"expires_on": "2026-11-16"}, "expires_on"),
    ("auditor_application", {"insured_till": "2026-11-16"}, "insured_till"),
    ("membership_application", dict.fromkeys(MARKETS, False), "stock_market"),
    ("disclosure_statements", {"audited": False}, "audited"),
    ("disclosure_extension", {"asked_till": "2026-11-30"}, "asked_till"),
    ("admission_request", {"agreement_accession": False}, "agreement_accession"),
]


@pytest.mark.parametrize(("where", "answers", "at"), REFUSALS, ids=[f"{row[0]} {row[2]}" for row in REFUSALS])
def test_what_the_rules_do_not_allow_is_refused_at_its_field_in_three_languages(
    where: str, answers: dict[str, Any], at: str
) -> None:
    key, _, path = where.partition(":")
    form = package(key, path) if path else LIBRARY.get(key)
    assert isinstance(form, Form)
    values = form.example()
    for place, value in answers.items():
        values = put(values, place, value)

    refused = [problem for problem in form.check(form.settled(values)) if problem.path == at]

    assert refused
    for check in (check for check in form.checks if check.at == at):
        assert all(check.message[language] for language in LANGUAGES)


def test_the_same_equity_will_do_in_one_year_and_not_in_the_next_because_the_index_has_grown() -> None:
    form = package("equity_package", "main/shares/premium")
    values = {**form.example(), "equity_now": {"amount": "4000000000.00", "currency": "KZT"}}

    then = form.settled({**values, "as_of": "2025-12-31"})
    now = form.settled({**values, "as_of": "2026-01-01"})

    assert then["equity_required"]["amount"] == "3932000000.00"
    assert now["equity_required"]["amount"] == "4325000000.00"
    assert "equity_now" not in {problem.path for problem in form.check(then)}
    assert "equity_now" in {problem.path for problem in form.check(now)}


def test_a_rating_stands_in_for_the_equity_of_a_bond_issuer() -> None:
    form = package("debt_package", "main/debt_securities/bonds")
    values = {**form.example(), "equity_now": {"amount": "1.00", "currency": "KZT"}}

    assert form.check(form.settled(values)) == ()
