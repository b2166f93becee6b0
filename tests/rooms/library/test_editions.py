"""Editions of acts by date, their clauses, searching, and who keeps them (IS2IN-9.7)."""

from __future__ import annotations

import io
import re
from datetime import date, timedelta

import pytest
from browser import words
from factories import person
from papers import pdf
from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError

from app import db, spreadsheets
from app.business_calendar.days import ZONE
from app.config import ROOT
from app.demo.library import TEXTS
from app.errors import Invalid, NotPermitted
from app.library import clauses, operations, queries
from app.library.models import NormClause, NormEdition
from app.library.operations import Upload
from app.terms import LANGUAGES, say
from app.web import here
from app.web.templating import clause_url

PDF = pdf()


@pytest.mark.parametrize(
    ("line", "anchor", "number"),
    [
        ("Статья 84. Включение", "84", "84"),
        ("84-бап. Енгізу", "84", "84"),
        ("56-1-бап. Шектеу", "56-1", "56-1"),
        ("Article 84. Admission", "84", "84"),
        ("Глава 3. Листинг", "ch3", "3"),
        ("3-тарау. Листинг", "ch3", "3"),
        ("5. Пункт", "5", "5"),
        ("5.1. Подпункт", "5.1", "5.1"),
        ("5.1 Подпункт", "5.1", "5.1"),
        ("4) перечень", "4", "4"),
        ("2026 жылғы емес мәтін", "2026", "2026"),  # a line that begins with a number is taken for a clause
        ("Бес. Сөз", "p1", ""),
    ],
)
def test_a_line_that_begins_a_clause_is_known(line, anchor, number):
    assert clauses.split(line) == [clauses.Clause(anchor, number, line)]


def test_numbers_within_an_article_bear_its_number_and_nothing_is_lost():
    text = "Кіріспе\nСтатья 56-1. А\n3. Б\n4) В\r\nпродолжение\n\nСтатья 84. Г\n3. Д\n3. Тағы"

    found = clauses.split(text)

    assert [clause.anchor for clause in found] == ["p1", "56-1", "56-1.3", "56-1.3.4", "84", "84.3", "84.3_2"]
    assert found[3].words == "4) В\nпродолжение"
    assert "".join("".join(clause.words.split()) for clause in found) == "".join(text.split())


def test_the_same_clause_has_one_name_in_all_languages():
    for _, _, texts in TEXTS:
        names = {tuple(clause.anchor for clause in clauses.split(text)) for text in texts.values()}
        assert len(names) == 1


@pytest.mark.parametrize(
    ("query", "text", "is_found"),
    [
        ("облигация", "Облигациялардың шығарылымы", True),
        ("қағаз", "бағалы кагаздар", True),  # without a Kazakh keyboard, and the other way
        ("кагаз", "бағалы қағаздар", True),
        ("заявление", "подаёт заявления", True),
        ("ОТЧЕТЫ", "аудиторскими отчётами", True),
        ("statement", "financial statements", True),
        ("84", "статья 84", True),
        ("84", "статья 184", False),
        ("ценных бумаг", "бумаг ценных нет", True),
        ("акция", "реакция", False),  # the beginning of a word, not its middle
        ("капитал", "облигация", False),
    ],
)
def test_a_word_is_found_by_its_beginning_in_every_form(query, text, is_found):
    folded = clauses.fold(text)

    assert all(f" {begin}" in folded for begin in clauses.beginnings(query)) == is_found


def test_the_passage_that_is_shown_holds_the_word_and_marks_it():
    text = "а " * 200 + "Меншікті капиталы жеткілікті " + "б " * 200

    pieces = list(clauses.marked(text, clauses.beginnings("капитал")))

    assert [piece for piece, is_hit in pieces if is_hit] == ["капиталы"]
    assert len("".join(piece for piece, _ in pieces)) < 300


@pytest.mark.req("IS2IN-9.7")
@pytest.mark.parametrize(
    ("day", "years"), [("2023-12-31", ""), ("2024-01-01", "екі"), ("2026-06-30", "екі"), ("2026-07-01", "үш")]
)
def test_an_act_is_shown_as_it_was_in_force_on_a_day(browser, house, day, years):
    page = browser("clerk").get(f"/norms/listing_rules?on={day}")

    if not years:
        assert "library.none_on" in page.terms()
        return
    assert f"{years} жылдық" in page.says(data_clause="4.3", id="c-4.3")
    assert ("library.not_present" in page.terms()) == (years == "екі")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_text_is_in_the_readers_language_and_can_be_had_in_the_others(browser, house, language):
    someone = browser("clerk", language)

    page = someone.get("/norms/securities_market_law")
    assert page.root.find(".//article").get("lang") == language
    other = LANGUAGES[(LANGUAGES.index(language) + 1) % 3]
    assert someone.get(f"/norms/securities_market_law?text={other}").root.find(".//article").get("lang") == other


@pytest.mark.parametrize(
    ("typed", "clause"),
    [("меншікті капитал", "4.1"), ("собственный капиталы", "4.1"), ("own capital", "4.1"), ("үш жылдық", "4.3")],
)
def test_a_text_in_force_is_searched_in_every_language_and_leads_to_the_clause(browser, house, typed, clause):
    someone = browser("clerk", "ru")

    page = someone.get("/norms", query_string={"q": typed})
    found = next(item for item in page.all(data_norm="listing_rules")[0].iter("p") if item.get("data-clause"))

    assert found.get("data-clause") == clause
    link = next(item for item in found.iter("a")).get("href")
    target = someone.get(link.partition("#")[0])
    assert target.all(id=link.partition("#")[2])


def test_a_search_looks_at_the_edition_of_its_day(browser, house):
    someone = browser("clerk")

    assert not someone.get("/norms?q=екі+жылдық").all(data_clause="4.3")
    assert someone.get("/norms?q=екі+жылдық&on=2025-05-05").all(data_clause="4.3")


@pytest.mark.parametrize("typed", ["%", "_", "'", "\\", "%' OR 1=1 --", "<mark>", "  ", "." * 90])
def test_no_sign_is_more_than_a_sign_in_a_search(browser, house, typed):
    page = browser("clerk").get("/norms", query_string={"q": typed})

    assert page.status == 200
    assert not page.root.findall(".//main//mark")


def add(norm_key: str = "listing_rules", **given):
    """Add an edition by compliance."""
    usual = {
        "by": person("compliance"),
        "starts_on": date(2026, 7, 1),
        "texts": {"kk": "4.3. Түзетілген"},
        "storage": here.storage(),
        "now": here.now(),
    }
    return operations.add_edition(queries.by_key(norm_key), **{**usual, **given})


def test_a_correction_is_another_edition_of_the_day_and_the_first_stays_to_be_read(browser, house):
    norm = queries.by_key("listing_rules")
    first = queries.edition_on(norm, date(2026, 8, 1))

    made = add()

    db.session.expire_all()
    norm = queries.by_key("listing_rules")
    assert queries.edition_on(norm, date(2026, 8, 1)).id == made.id
    page = browser("clerk").get(f"/norms/listing_rules/editions/{first.id}")
    assert "library.superseded" in page.terms()
    assert "үш жылдық" in page.main


def test_a_repeal_ends_an_act_and_what_it_said_before_stays(browser, house):
    add(is_repeal=True, starts_on=date(2026, 10, 1), texts={})
    someone = browser("clerk")

    assert "library.repealed" in someone.get("/norms/listing_rules?on=2026-10-01").terms()
    assert "4.3" in someone.get("/norms/listing_rules?on=2026-09-30").main
    assert not someone.get("/norms?q=капитал&on=2026-10-01").all(data_clause="4.1")


@pytest.mark.parametrize("record", [NormEdition, NormClause])
def test_the_database_refuses_to_change_what_was_released(house, record):
    column = {"note": "?"} if record is NormEdition else {"words": "?"}
    for statement in (update(record).values(**column), delete(record)):
        with pytest.raises(DBAPIError), db.session.begin_nested():
            db.session.execute(statement)


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"texts": {}}, "text_kk"),
        ({"texts": {"ru": "   "}}, "text_kk"),
        ({"source": "javascript:alert(1)"}, "source"),
        ({"texts": {"en": "x" * (operations.LARGEST_TEXT + 1)}}, "text_en"),
        ({"uploads": [Upload("ru", "a.pdf", b"MZ not a document")]}, "file_ru"),
        ({"uploads": [Upload("kk", "a.png", b"\x89PNG\r\n\x1a\nbroken")]}, "file_kk"),
    ],
)
def test_what_will_not_do_is_refused_with_the_field_and_nothing_is_kept(house, given, where):
    before = len(queries.by_key("listing_rules").editions)

    with pytest.raises(Invalid) as refused:
        add(**given)

    assert [problem.path for problem in refused.value.problems] == [where]
    for language in LANGUAGES:
        assert say(refused.value.problems[0].key, language, **{"n": 1, "name": "a", **refused.value.problems[0].params})
    db.session.rollback()
    assert len(queries.by_key("listing_rules").editions) == before


@pytest.mark.parametrize("key", ["clerk", "listing", "admin", "secretary"])
def test_only_whoever_keeps_the_library_enters_anything(house, browser, key):
    with pytest.raises(NotPermitted):
        add(by=person(key))
    someone = browser(key)
    someone.get("/norms")
    for path in ("/norms/new", "/norms/listing_rules/editions/new", "/insiders/new", "/insiders/1/end"):
        assert someone.post(path).status == 404


@pytest.mark.parametrize("key", ["compliance", "listing_head"])
def test_an_act_and_its_edition_are_entered_through_the_pages(house, browser, key):
    someone = browser(key)
    page = someone.get("/norms/new")
    typed = {f"title_{language}": f"Жаңа акт {language}" for language in LANGUAGES}
    assert someone.send(page, "/norms/new", kind="internal", **typed, key="Жаңа").error("key")
    taken = someone.send(page, "/norms/new", kind="internal", **typed, key="listing_rules")
    assert taken.error("key") == say("library.err.key_taken", "kk")

    answer = someone.send(page, "/norms/new", kind="internal", **typed, key="new_act", reference="№ 1")
    form = someone.follow(answer)
    address = "/norms/new_act/editions/new"
    assert someone.send(form, address, starts_on="", text_kk="1. А").error("starts_on")
    assert someone.send(form, address, starts_on="2026-01-01").error("text_kk")
    answer = someone.send(
        form,
        address,
        starts_on="2026-01-01",
        text_kk="1. Мәтін",
        source="https://adilet.zan.kz/",
        file_kk=("акт.pdf", PDF),
    )
    shown = someone.follow(answer)

    assert "Мәтін" in shown.says(data_clause="1")
    link = next(item for item in shown.root.iter("a") if "/files/" in item.get("href", ""))
    given = browser("clerk").get(link.get("href"))
    assert (given.status, given.content, words(link)) == (200, PDF, "акт.pdf")
    assert "attachment" in given.headers["Content-Disposition"]
    assert browser("clerk").get(link.get("href").replace("new_act", "listing_rules")).status == 404


def test_what_was_typed_is_not_lost_with_a_refusal(house, browser):
    someone = browser("compliance")
    address = "/norms/listing_rules/editions/new"

    page = someone.send(someone.get(address), address, starts_on="жоқ", text_ru="1. Текст <b>", note="Неге")

    assert page.status == 422
    assert page.form(address)["note"] == ["Неге"]
    assert words(page.one(id="f-text_ru")) == "1. Текст <b>"


# From fields and criteria to the clause


def named_clauses() -> set[str]:
    """Return the clauses that the shipped forms and criteria name."""
    found = re.findall(
        r"^ *clause: (\S+)$", "\n".join(p.read_text("utf-8") for p in (ROOT / "forms").rglob("*.yaml")), re.M
    )
    return set(found)


def test_every_clause_that_a_shipped_definition_names_is_in_the_demos_base(house):
    assert named_clauses() >= {"securities_market_law#84", "listing_rules#4.3"}
    for clause in named_clauses():
        act, _, anchor = clause.partition("#")
        held = queries.edition_on(queries.by_key(act), date(2026, 11, 1))
        assert anchor in {row.anchor for row in held.clauses}, clause


def test_a_field_leads_to_its_clause_as_in_force_today_and_once_sent_as_on_that_day(house, browser):
    from factories import application_at, refetched

    number = application_at("filling").number
    author = browser("issuer")

    page = author.get(f"/applications/{number}/stages/issuer")
    links = page.all(data_clause_of="securities_market_law#84")
    assert [link.get("href") for link in links] == ["/norms/securities_market_law#c-84"]

    with house.app.test_request_context("/"):
        here.look_at_norms_of(date(2025, 5, 5))
        assert clause_url("listing_rules#4.3") == "/norms/listing_rules?on=2025-05-05#c-4.3"
        assert clause_url("listing_rules") == "/norms/listing_rules?on=2025-05-05"
    assert refetched(number).submitted_at is None


# Insiders


@pytest.mark.req("IS2IN-9.8")
def test_an_insider_is_entered_and_ended_and_the_past_stays(house, browser, now):
    someone = browser("compliance")
    today = now.astimezone(ZONE).date()
    positions = {f"position_{language}": f"Талдаушы {language}" for language in LANGUAGES}
    page = someone.get("/insiders")

    answer = someone.send(page, "/insiders/new", name="Жаңа  Инсайдер", **positions, since=today.isoformat())
    assert answer.status == 303
    ident = next(row.id for row in queries.insiders(today) if row.name == "Жаңа Инсайдер")
    twice = someone.send(page, "/insiders/new", name="Жаңа Инсайдер", **positions, since=today.isoformat())
    assert twice.status == 409
    action = f"/insiders/{ident}/end"
    wrong = someone.send(someone.get("/insiders"), action, until=(today - timedelta(days=1)).isoformat())
    assert wrong.error("until") == say("library.err.until", "kk")
    assert someone.send(someone.get("/insiders"), action, until=today.isoformat()).status == 303

    db.session.expire_all()
    held = {days: {each.id for each in queries.insiders(today + timedelta(days=days))} for days in (-1, 0, 1)}
    assert [ident in held[days] for days in (-1, 0, 1)] == [False, True, False]
    assert "Жаңа Инсайдер" in someone.get("/insiders?all=yes").main
    assert someone.post(action, {"until": today.isoformat()}).status == 409
    assert "Сүлейменов Қанат" not in browser("clerk").get("/insiders?all=yes").main


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_list_is_taken_along_as_it_was_on_a_day(house, browser, language):
    someone = browser("clerk", language)

    [sheet] = spreadsheets.read(someone.get("/insiders.xlsx?on=2026-02-27").content)
    names = [line[0] for line in sheet.lines if line]
    lines = someone.get("/insiders.csv?on=2026-02-28").content.decode("utf-8-sig").splitlines()

    assert "Сүлейменов Қанат Айдарұлы" in names
    assert [line[3] for line in sheet.lines if line and line[0].startswith("Сүлейменов")] == ["27.02.2026"]
    assert not any(line.startswith("Сүлейменов") for line in lines)
    assert len(lines) == 1 + len(queries.insiders(date(2026, 2, 28)))
    assert someone.get("/insiders.pdf").status == 404


def test_no_name_is_a_formula_in_a_spreadsheet(house, browser):
    positions = dict.fromkeys(LANGUAGES, "+1")
    operations.add_insider(
        by=person("compliance"), name="=HYPERLINK(1)", positions=positions, since=date(2026, 1, 1), now=here.now()
    )

    found = browser("clerk").get("/insiders.csv").content.decode("utf-8-sig")

    assert "'=HYPERLINK(1),'+1" in found
    assert io.StringIO(found).readline().startswith(say("look.person", "kk"))
