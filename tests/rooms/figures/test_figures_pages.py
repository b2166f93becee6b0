"""The pages of figures: every number is the number of its list, and nobody counts what he may not see."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from browser import words
from factories import application_at, led, person, refetched

from app import db, spreadsheets
from app.applications import clocks, moves, queries
from app.demo.people import COMPANIES, PEOPLE
from app.figures import queries as figures
from app.terms import LANGUAGES
from app.workflows.guards import Position

PAGES = ("/figures", "/figures/terms", "/figures/stays", "/figures/paths")
on_sqlite = pytest.mark.parametrize("database", ["sqlite"])


def number_links(page):
    """Return the numbers of a page that lead to a list: address -> the number's words."""
    return {
        item.get("href"): words(item)
        for item in page.root.iter("a")
        if (item.get("href") or "").startswith("/figures/list")
    }


def slow(now):
    """Return an application whose registration is long over and whose rework stands still now."""
    days = timedelta(days=1)
    return led(
        "issuer", ("filling", now - 40 * days), ("first_head", now - 39 * days), ("registration", now - 38 * days),
        ("completeness", now - 30 * days), ("rework", now - 6 * days), ("rework_approval", now - 3 * days),
    )  # fmt: skip


def test_every_number_is_how_many_stand_in_its_list(house, database, browser, now):
    slow(now)
    every = 1 if database == "sqlite" else 5  # the counting is the same, only the rows come from elsewhere
    head = browser("listing_head", "ru")
    checked = 0

    for path in PAGES:
        found = number_links(head.get(f"{path}?procedure=share_listing"))
        assert found, path
        for href, number in list(found.items())[::every]:
            behind = head.get(href)
            assert behind.one(data_count=number) is not None, href
            checked += 1
            if int(number) <= 50:
                rows = [item for item in behind.root.iter("tr") if item.get("data-app")]
                assert len(rows) == int(number), href

    assert checked > 60 / every


@on_sqlite
def test_a_long_list_goes_on_over_its_pages(house, browser):
    head = browser("listing_head")
    href, number = next(
        (href, number) for href, number in number_links(head.get("/figures/stays")).items() if int(number) > 100
    )
    seen = 0

    while href:
        page = head.get(href)
        seen += sum(1 for item in page.root.iter("tr") if item.get("data-app"))
        following = [item.get("href") for item in page.root.iter("a") if item.get("rel") == "next"]
        href = following[0] if following else ""

    assert seen == int(number)


def test_terms_are_kept_as_the_clocks_of_the_application_say(house, now):
    application = slow(now)
    [case] = [each for each in figures.cases(person("listing_head")) if each.ident == application.id]

    told = {clock.run.term.key: clock for clock in clocks.of([refetched(application)])[application.id]}
    running = {kept.term: kept for kept in case.kept if kept.end != kept.end}

    assert running.keys() == told.keys()
    for term, kept in running.items():
        due = told[term].due
        assert (kept.due == due.timestamp()) if due else kept.due != kept.due, term
    assert any(kept.settled(now.timestamp()) == (kept.due, False) for kept in case.kept)  # registration came late


def test_a_case_is_told_anew_once_its_application_has_moved(house, now):
    application = slow(now)
    head = person("listing_head")

    def processes():
        [case] = [each for each in figures.cases(head) if each.ident == application.id]
        return [entered.process for entered in case.path]

    before = processes()
    standing = Position("completeness", application.stages)
    moves.stand_at(application, standing, act="send_file", by=person("first_head"), now=now)

    assert processes() == [*before, "completeness"]
    assert before[0] == "registration"


def test_everybody_counts_only_what_he_sees(house, now):
    unsent = led("issuer", ("filling", now - timedelta(days=3)), ("first_head", now - timedelta(days=2)))
    slow(now)
    for key in ("listing_head", "compliance"):
        user = person(key)
        found = {case.ident for case in figures.cases(user)}

        assert found
        assert all(queries.sees(db.session.get_one(queries.Application, ident), user) for ident in found)
        assert unsent.id not in found
        assert application_at("new").id not in found


@on_sqlite
def test_who_has_no_permission_finds_neither_pages_nor_a_way_there(house, browser):
    for key in ("issuer", "first_head", "adviser", "listing", "lawyer", "admin"):
        visitor = browser(key)
        assert not [href for href in visitor.get("/").links() if href.startswith("/figures")], key
        for path in (*PAGES, "/figures/list?of=alive", "/figures/figures.xlsx", "/figures/events.csv"):
            assert visitor.get(path).status == 404, (key, path)


@on_sqlite
def test_pages_are_whole_in_every_language_and_the_choice_stays_in_the_address(house, browser):
    for language in LANGUAGES:
        head = browser("listing_head", language)
        for path in PAGES:
            page = head.get(f"{path}?category=listing&procedure=bond_listing&since=2020-01-01&until=2020-02-01")
            assert page.status == 200
            assert "{" not in page.main
            for chart in page.root.iter("svg"):
                if chart.get("role") == "img":
                    assert [item.tag for item in chart][:2] == ["title", "desc"]
            for href in [*number_links(page), *(link for link in page.links() if link.startswith("/figures/"))]:
                kept = parse_qs(urlsplit(href).query)
                if kept:
                    assert kept["procedure"] == ["bond_listing"]
                    assert kept["since"] == ["2020-01-01"]


@on_sqlite
@pytest.mark.parametrize(
    ("query", "field", "term"),
    [
        ("since=yesterday", "since", "figures.err.date"),
        ("until=0001-01-01", "until", "figures.err.year"),
        ("since=2026-05-02&until=2026-05-01", "until", "figures.err.order"),
        ("since=2001-01-01", "since", "figures.err.long"),
        ("procedure=nosuch", "procedure", "figures.err.unknown"),
        ("category=nosuch", "category", "figures.err.unknown"),
    ],
)
def test_a_choice_that_will_not_do_is_told_at_its_field(house, browser, query, field, term):
    page = browser("listing_head", "en").get(f"/figures?{query}")

    from app.terms import say

    assert page.status == 422
    assert page.error(field) == say(term, "en", first=2000, last=2099)


@on_sqlite
@pytest.mark.parametrize("path", ["/figures/figures.xlsx", "/figures/events.csv"])
def test_a_file_of_a_choice_that_will_not_do_is_not_made_but_the_fault_is_told(house, browser, path):
    page = browser("listing_head", "en").get(f"{path}?since=2026-05-02&until=2026-05-01")

    assert page.status == 422
    assert page.error("until")
    assert "attachment" not in page.headers.get("Content-Disposition", "")


@on_sqlite
def test_an_unknown_list_is_not_found_and_an_unknown_key_is_empty(house, browser):
    head = browser("listing_head")

    assert head.get("/figures/list?of=nosuch").status == 404
    assert head.get("/figures/list?of=stays&key=nosuch&key=a&key=b&key=c&key=d").one(data_count="0") is not None
    assert head.get("/figures/list?of=ways&key=nosuch&key=a").status == 200


@on_sqlite
def test_the_event_log_knows_roles_and_no_people(house, browser):
    page = browser("listing_head").get("/figures/events.csv?procedure=share_listing")

    rows = list(csv.DictReader(io.StringIO(page.content.decode("utf-8"))))

    assert {row["procedure"] for row in rows} == {"share_listing.v1"}
    assert {"register", "send_file"} <= {row["act"] for row in rows}
    assert "attachment" in page.headers["Content-Disposition"]
    names = [name for each in PEOPLE for name in (each.last_name, each.iin, each.email)]
    names += [name for each in COMPANIES for name in (each.bin, each.kk, each.ru)]
    assert not [name for name in names if name and name in page.text]


@on_sqlite
def test_the_workbook_has_the_numbers_of_the_pages(house, browser):
    head = browser("listing_head", "en")
    [tables] = [spreadsheets.read(head.get("/figures/figures.xlsx?procedure=share_listing").content)]
    page = head.get("/figures/stays?procedure=share_listing")

    sheet = next(each for each in tables if each.name == "Time by process")
    told = {line[0]: line[1] for line in sheet.lines if len(line) > 2}
    shown = {
        words(row[0]): words(row[1])
        for section in page.all(data_section="figures.stays.each")
        for body in section.iter("tbody")
        for row in body.iter("tr")
    }

    assert shown
    assert all(told[name] == number for name, number in shown.items())
