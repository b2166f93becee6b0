"""«Нормативтік база» and «Биржа инсайдерлері» (user manual, paragraphs 9.7, 9.8 and 10)."""

from __future__ import annotations

from datetime import date

import pytest
from factories import person

from app import db
from app.library.models import Insider

INTERNAL = (
    "Листингілік ережелер",
    "Листингілік процедураларды жүзеге асыру тәртібі",
    "Директорлар кеңесінің Эмитенттердің аудиті жөніндегі комитеті туралы қағида",
    "Биржа танитын аудиторлық ұйымдардың тізбесін қалыптастыру тәртібі",
    "«Листингілік емес бағалы қағаздар» секторында айналысқа жіберу ережелері",
    "Мүшелік туралы қағида",
    "ақпаратты ашу мониторингін жүзеге асыру тәртібі",
    "ақпаратты ашу ережелері",
)


@pytest.mark.req(
    "IS2IN-9.7",
    "IS2IN-10.1",
    "IS2IN-10.2",
    "IS2IN-10.3",
    "IS2IN-10.4",
    "IS2IN-10.5",
    "IS2IN-10.6",
    "IS2IN-10.7",
    "IS2IN-10.8",
)
@pytest.mark.parametrize("key", ["clerk", "adviser", "candidate", "lawyer"])
def test_the_normative_base_holds_laws_acts_and_the_eight_internal_documents(browser, key):
    page = browser(key).get("/norms")

    assert {"norm.law", "norm.act", "norm.internal"} <= page.terms()
    assert "№ 461-II" in page.main
    for title in INTERNAL:
        assert title in page.main


@pytest.mark.parametrize("typed", ["листинг", "ЛИСТИНГ", "Листинговые", "listing rules", "461-II"])
def test_the_normative_base_is_searched_in_any_language_and_case(browser, house, typed):
    page = browser("clerk").get("/norms", query_string={"q": typed})

    assert page.root.findall(".//main//li")


@pytest.mark.parametrize("typed", ["жоқ сөз", "%", "_", "a%w", "%%", "/", "\\"], ids=ascii)
def test_a_search_that_finds_nothing_says_so_and_signs_of_patterns_are_letters_like_others(browser, house, typed):
    page = browser("clerk").get("/norms", query_string={"q": typed})

    assert "msg.nothing_found" in page.terms()


@pytest.mark.req("IS2IN-9.8")
@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_the_insiders_are_listed_with_the_ground_in_law(browser, language):
    page = browser("clerk", language).get("/insiders?on=2026-11-20")

    assert "Рахимова Жанар Сәкенқызы" in page.main
    assert "461" in page.main
    assert "Сүлейменов Қанат" not in page.main  # whose access has ended


def test_insiders_can_be_asked_of_any_day(browser, house):
    someone = browser("clerk")

    assert "Сүлейменов Қанат" in someone.get("/insiders?on=2026-02-27").main
    assert "Сүлейменов Қанат" not in someone.get("/insiders?on=2026-02-28").main
    for odd in ("31.02.2026", "жоқ", "2026-13-01", "0001-01-01", "9999-12-31"):
        assert someone.get("/insiders", query_string={"on": odd}).status == 200, odd


def test_the_list_of_insiders_is_as_of_today_unless_asked(browser, house, now):
    db.session.add(
        Insider(
            name="Ертеңгі Адам",
            position_kk="?",
            position_ru="?",
            position_en="?",
            since=date(now.year + 1, 1, 1),
        )
    )

    assert person("clerk")
    assert "Ертеңгі Адам" not in browser("clerk").get("/insiders").main
