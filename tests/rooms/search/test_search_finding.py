"""What a query finds, against plain filters over the demo's applications (ESRV-16.1.a, 16.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from factories import application_at, company, person
from sqlalchemy import event, select

from app import db
from app.applications import effects, queries
from app.applications.models import Application, History, Letter, PaperIntake
from app.demo.people import PEOPLE
from app.organisations import operations as organisations
from app.permissions import Permission
from app.search import finding
from app.search.grammar import FIELDS, Asked, Ground, Kind, Query, understood
from app.search.matching import Found
from app.search.wording import Wording
from app.terms.folding import folded
from app.web.inputs import day
from app.web.templating import ZONE
from tests import herd

READERS = ("listing", "issuer", "adviser", "compliance")
ALPHABET = "аәбвгғдеёжзийкқлмнңоөпрстуұүфхһцчшщъыіьэюя"


@cache
def choices() -> dict[str, list[str]]:
    return {field: [value for value, _ in pairs] for field, pairs in Wording("ru").choices.items()}


def query_of(pairs: list[tuple[str, str]], now: datetime) -> Query:
    ground = Ground(now.astimezone(ZONE).date(), choices(), day)
    query, problems = understood(Asked.read(parse_qs(urlencode(pairs))), ground)
    assert not problems, (pairs, problems)
    return query


def found(key: str, now: datetime, *pairs: tuple[str, str], language: str = "ru") -> list[Found]:
    return finding.find(query_of(list(pairs), now), person(key), now=now, language=language)


def ids(rows: list[Found]) -> list[int]:
    return [row.id for row in rows]


def renamed(now: datetime) -> None:
    """Give the first company another name, and some applications what the demo has none of."""
    row = company("ALTN")
    organisations.rename(
        row,
        {"kk": "«Жаңа Алтын» АҚ", "ru": "АО «Новый Алтын»", "en": "New Altyn JSC"},
        basis="Бұйрық № 7",
        seen=row.names,
        by=person("listing_head"),
        now=now,
    )
    db.session.flush()


def seen_by(key: str) -> list[Application]:
    every = db.session.scalars(select(Application).order_by(Application.id.desc())).unique()
    return [item for item in every if queries.sees(item, person(key))]


def texts(item: Application, reader: Any) -> dict[str, list[str]]:
    of = item.organisation
    names = [name for former in of.former_names for name in former.names.values()]
    author = item.author.name
    if item.author.exchange_roles and not reader.is_exchange:
        author = ""
    letters = select(Letter.number).where(Letter.application_id == item.id, Letter.sent_at.is_not(None))
    advisers = [row for row in item.assignments if row.executor == "adviser" and row.is_current]
    firms = [row.user.member_of(row.organisation_id).organisation for row in advisers if row.organisation_id]
    return {
        "number": [item.number],
        "registration_number": [item.registration_number],
        "company": [of.code, *of.names.values(), *names],
        "code": [of.code],
        "bin": [of.bin],
        "author": [author],
        "adviser": [
            *(row.user.name for row in advisers),
            *(words for firm in firms for words in (firm.code, *firm.names.values())),
        ],
        "letter": [number for number in db.session.scalars(letters) if number],
    }


def chosen(item: Application) -> dict[str, list[str]]:
    procedure = queries.procedure(item)
    return {
        "procedure": [procedure.key],
        "category": [procedure.category],
        "process": [item.process],
        "state": [procedure.processes[item.process].state],
        "executor": list(queries.current_executors(item)),
    }


def moments(item: Application) -> dict[str, date | None]:
    said = {
        "created": item.created_at,
        "sent": queries.received_at(item),
        "registered": item.registered_at,
        "decided": item.decided_at,
        "entered": item.entered_at,
        "archived": item.archived_at,
    }
    return {key: at.astimezone(ZONE).date() if at else None for key, at in said.items()}


TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "has": lambda text, wanted: wanted in text,
    "is": lambda text, wanted: text == wanted,
    "begins": lambda text, wanted: text.startswith(wanted),
}


def text_reference(values: list[str], operator: str, wanted: str) -> bool:
    said, wanted = [folded(each) for each in values], folded(wanted)
    if operator in ("lacks", "is_not"):
        return not text_reference(values, {"lacks": "has", "is_not": "is"}[operator], wanted)
    if operator in ("filled", "empty"):
        return any(said) is (operator == "filled")
    return any(TEXT_TESTS[operator](each, wanted) for each in said)


def check(key: str, now: datetime, holds: dict[int, bool], **typed: str) -> int:
    """Compare what a reader finds with a plain filter of what he sees; return how much it is."""
    pairs = [(f"{letter}1", words) for letter, words in zip("fovw", typed.values(), strict=False) if words]
    rows = ids(found(key, now, *pairs))
    assert rows == [ident for ident, is_so in holds.items() if is_so], (key, typed)
    return len(rows)


@pytest.mark.req("ESRV-16.2.a", "ESRV-16.1.a")
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("field", [each.key for each in FIELDS.values() if each.kind is Kind.TEXT])
def test_words_are_found_as_a_plain_filter_finds_them(house, now, reader, field):
    renamed(now)
    items = {item.id: texts(item, person(reader))[field] for item in seen_by(reader)}
    whole = sorted({words for said in items.values() for words in said if words})
    parts = {words[1:5] for words in whole[:6]} | {words[:3].swapcase() for words in whole[:6]}
    wanted = [*whole[:6], *sorted(parts), "жоқ мұндай", "%", "_", "'"]
    hits = 0
    for operator in FIELDS[field].operators:
        for value in wanted if operator not in ("filled", "empty") else [""]:
            hits += check(
                reader,
                now,
                {ident: text_reference(said, operator, value) for ident, said in items.items()},
                field=field,
                operator=operator,
                value=value,
            )
    assert hits or reader == "compliance"


@pytest.mark.req("ESRV-16.2.a")
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("field", [each.key for each in FIELDS.values() if each.kind is Kind.CHOICE])
def test_each_choice_is_found_as_a_plain_filter_finds_it(house, now, reader, field):
    items = {item.id: chosen(item)[field] for item in seen_by(reader)}
    for value, _ in Wording("ru").choices[field]:
        for operator in ("is", "is_not"):
            check(
                reader,
                now,
                {ident: (value in said) is (operator == "is") for ident, said in items.items()},
                field=field,
                operator=operator,
                value=value,
            )


def day_reference(found_on: date | None, operator: str, one: date | None, other: date | None, today: date) -> bool:
    if found_on is None or operator == "empty":
        return (found_on is None) and operator == "empty"
    tests = {
        "on": lambda: found_on == one,
        "before": lambda: found_on < one,
        "after": lambda: found_on > one,
        "between": lambda: one <= found_on <= other,
        "today": lambda: found_on == today,
        "last": lambda: timedelta(0) <= today - found_on < timedelta(30),
        "this_month": lambda: (found_on.year, found_on.month) == (today.year, today.month),
        "this_year": lambda: found_on.year == today.year,
        "filled": lambda: True,
    }
    return tests[operator]()


@pytest.mark.req("ESRV-16.2.a")
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("field", [each.key for each in FIELDS.values() if each.kind is Kind.DAY])
def test_days_are_found_as_a_plain_filter_finds_them(house, now, reader, field):
    today = now.astimezone(ZONE).date()
    items = {item.id: moments(item)[field] for item in seen_by(reader)}
    days = sorted({each for each in items.values() if each}) or [today]
    some = sorted({days[0], days[len(days) // 2], days[-1], days[0] - timedelta(1), today})
    for operator in FIELDS[field].operators:
        values: list[tuple[date | None, date | None]] = [(None, None)]
        if operator in ("on", "before", "after"):
            values = [(each, None) for each in some]
        elif operator == "between":
            values = [(one, other) for one in some for other in some if one <= other]
        for one, other in values:
            typed = "30" if operator == "last" else one.strftime("%d.%m.%Y") if one else ""
            check(
                reader,
                now,
                {ident: day_reference(on, operator, one, other, today) for ident, on in items.items()},
                field=field,
                operator=operator,
                value=typed,
                other=other.isoformat() if other else "",
            )


def test_the_last_second_of_a_day_is_that_days_and_the_next_is_not(house, now):
    item = application_at("filling")
    day_ = date(2026, 3, 15)
    for moment, is_in in (((2026, 3, 15, 18, 59, 59), True), ((2026, 3, 15, 19, 0, 0), False)):
        item.created_at = datetime(*moment, tzinfo=UTC)  # 23:59:59 and 00:00 in Almaty
        db.session.flush()
        rows = ids(found("issuer", now, ("f1", "created"), ("o1", "on"), ("v1", day_.isoformat())))
        assert (item.id in rows) is is_in


@pytest.mark.req("ESRV-16.2.a")
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("operator", ["yes", "no"])
def test_paper_and_archive_are_found(house, now, reader, operator):
    on_paper = set(db.session.scalars(select(PaperIntake.application_id)))
    items, is_yes = seen_by(reader), operator == "yes"
    papers = {item.id: (item.id in on_paper) is is_yes for item in items}
    archived = {item.id: (item.archived_at is not None) is is_yes for item in items}
    check(reader, now, papers, field="on_paper", operator=operator)
    check(reader, now, archived, field="is_archived", operator=operator)


@pytest.mark.req("ESRV-16.2.a", "ESRV-16.1.a")
@pytest.mark.parametrize("reader", READERS)
def test_a_single_request_looks_everywhere_at_once(house, now, reader):
    former = [*company("ALTN").names.values()]
    renamed(now)
    said = {
        item.id: [
            words
            for key in ("number", "registration_number", "company", "bin", "letter")
            for words in texts(item, person(reader))[key]
        ]
        for item in seen_by(reader)
    }
    of_it = [item.id for item in seen_by(reader) if item.organisation.code == "ALTN"]
    every = sorted({words for each in said.values() for words in each if words})
    for words in [*former, *every[::3], "БЕРЕКЕТ", "алтын", "ltn", "жоқ мұндай"]:
        rows = ids(found(reader, now, ("q", words)))
        assert rows == [ident for ident, each in said.items() if text_reference(each, "has", words)], words
    for words in former:
        assert set(of_it) <= set(ids(found(reader, now, ("q", words))))


def criteria(*rows: tuple[str, ...]) -> list[tuple[str, str]]:
    return [
        (f"{letter}{number}", words)
        for number, row in enumerate(rows, start=1)
        for letter, words in zip("fovg", row, strict=False)
        if words
    ]


def test_all_any_and_groups_mean_what_they_say(house, now):
    rows = criteria(
        ("code", "is", "ALTN", "a"), ("code", "is", "BRKT", "a"), ("procedure", "is", "share_listing"),
        ("process", "is_not", "filling"),
    )  # fmt: skip
    items = seen_by("listing")

    def held(item: Application) -> tuple[bool, bool, bool, bool]:
        code = item.organisation.code
        return code == "ALTN", code == "BRKT", "share_listing" in chosen(item)["procedure"], item.process != "filling"

    every = ids(found("listing", now, *rows))
    either = ids(found("listing", now, *rows, ("match", "any")))

    assert every == [item.id for item in items if (h := held(item)) and (h[0] or h[1]) and h[2] and h[3]]
    assert either == [item.id for item in items if (h := held(item)) and ((h[0] and h[1]) or h[2] or h[3])]
    assert 0 < len(every) < len(either)


@pytest.mark.req("ESRV-16.2.a")
@pytest.mark.parametrize("key", [each.key for each in PEOPLE if each.key not in ("admin", "second_admin")])
def test_everybody_finds_all_that_he_sees_and_nothing_else(house, now, key):
    assert person(key).may(Permission.VIEW_APPLICATIONS)
    assert ids(found(key, now)) == [item.id for item in seen_by(key)]


def test_a_client_finds_no_worker_of_the_exchange_by_name(house, now):
    item = application_at("filling")
    officer = person("listing")
    item.author = officer
    assigned = application_at("archived")
    db.session.flush()
    effects.assign(item, person("issuer"), "author", now=now)
    db.session.expire_all()

    by_name = found("issuer", now, *criteria(("author", "has", officer.last_name)))
    rows = [row for row in found("issuer", now) if row.id == item.id]

    assert not by_name
    assert rows
    assert officer.last_name not in rows[0].author
    assert assigned.author.name in {row.author for row in found("issuer", now)}


# As of a past day


def stood(item: Application, end: datetime) -> str:
    process = ""
    for row in db.session.scalars(select(History).where(History.application_id == item.id).order_by(History.id)):
        if row.at < end and row.target:
            process = row.target
    return process


def history_days() -> Iterator[date]:
    return iter(sorted({at.astimezone(ZONE).date() for at in db.session.scalars(select(History.at))}))


@pytest.mark.req("ESRV-16.2.b")
@pytest.mark.parametrize("reader", ["listing", "issuer", "compliance"])
def test_a_past_day_is_as_a_replay_of_the_history_has_it(house, now, reader):
    items = seen_by(reader)
    told = 0
    days = list(history_days())
    for then in [days[0] - timedelta(1), *days[:: max(1, len(days) // 25)], days[-1]]:
        end = datetime.combine(then + timedelta(1), datetime.min.time(), ZONE)
        rows = {row.id: row for row in found(reader, now, ("as_of", then.isoformat()))}
        assert list(rows) == [item.id for item in items if item.created_at < end]
        for item in items:
            if item.created_at >= end:
                continue
            row, process = rows[item.id], stood(item, end)
            told += 1
            assert row.process == process, (item.number, then)
            assert row.state == queries.procedure(item).processes[process].state
            assert row.is_archived is (item.archived_at is not None and item.archived_at < end)
            for key, at in (("registered", item.registered_at), ("decided", item.decided_at)):
                assert (getattr(row, key) is not None) is (at is not None and at < end)
            assert row.registration_number == (item.registration_number if row.registered else "")
            assert row.executor == ()
    assert told


@pytest.mark.req("ESRV-16.2.b")
def test_criteria_and_relative_days_are_judged_on_the_day_that_is_looked_at(house, now):
    item = application_at("archived")
    first = db.session.scalars(
        select(History).where(History.application_id == item.id, History.target == "registration")
    ).first()
    then = first.at.astimezone(ZONE).date()
    end = datetime.combine(then + timedelta(1), datetime.min.time(), ZONE)
    process = stood(item, end)

    there = found("issuer", now, *criteria(("process", "is", process)), ("as_of", then.isoformat()))
    sent = found("issuer", now, *criteria(("sent", "today")), ("as_of", then.isoformat()))
    today = found("issuer", now, *criteria(("process", "is", process), ("number", "is", item.number)))

    assert item.id in ids(there)
    assert item.id in ids(sent)
    assert (item.id in ids(today)) is (process == item.process)


def test_a_company_is_shown_by_the_name_of_that_day_and_found_by_all_its_names(house, now):
    old = dict(company("ALTN").names)
    application_at("registration").created_at = now - timedelta(days=5)
    renamed(now)
    today = now.astimezone(ZONE).date()

    for name in (old["ru"], "Новый Алтын"):
        then = found("listing", now, ("q", name), ("as_of", (today - timedelta(1)).isoformat()))
        present = found("listing", now, ("q", name))
        assert {row.company.names["ru"] for row in then} == {old["ru"]}
        assert {row.company.names["ru"] for row in present} == {"АО «Новый Алтын»"}


# Order


def alphabetic(value: Any) -> Any:
    if isinstance(value, date):
        return value
    return [(1, ALPHABET.index(sign)) if sign in ALPHABET else (0, ord(sign) % 1000) for sign in value.casefold()]


@pytest.mark.req("ESRV-16.2.b")
@pytest.mark.parametrize("language", ["kk", "ru", "en"])
@pytest.mark.parametrize("direction", ["", "desc"])
def test_any_column_sorts_and_what_is_empty_stands_last(house, now, language, direction):
    wording = Wording(language)
    for column in FIELDS:
        query = query_of([("s1", column), ("d1", direction)], now)
        rows = finding.find(query, person("listing"), now=now, language=language)
        ordered = wording.ordered(rows, query)
        said = [wording.value(row, column) for row in ordered]
        valued = [each for each in said if each is not None]

        assert said == valued + [None] * (len(said) - len(valued))
        assert valued == sorted(valued, key=alphabetic, reverse=direction == "desc")
        assert sorted(ids(ordered)) == sorted(ids(rows))


@pytest.mark.req("ESRV-16.2.b")
def test_kazakh_letters_stand_where_their_alphabet_has_them_and_a_second_column_breaks_ties(house, now):
    names = {"ALTN": "Қазына", "BRKT": "Казына", "ADIL": "Әділ", "BOLA": "Ұлы"}
    for code, name in names.items():
        company(code).name_kk = name
    db.session.flush()
    query = query_of([("s1", "company"), ("s2", "number"), ("d2", "desc")], now)

    rows = Wording("kk").ordered(finding.find(query, person("listing"), now=now, language="kk"), query)

    shown = dict.fromkeys(row.company.names["kk"] for row in rows)
    assert [name for name in shown if name in names.values()] == ["Әділ", "Казына", "Қазына", "Ұлы"]
    for name in names.values():
        numbers = [row.number for row in rows if row.company.names["kk"] == name]
        assert numbers == sorted(numbers, reverse=True)


@pytest.mark.req("ESRV-16.2.b")
def test_applications_of_one_day_stand_in_the_order_of_the_second_column(house, now):
    query = query_of([("s1", "created"), ("s2", "number"), ("d2", "desc")], now)
    wording = Wording("ru")

    rows = wording.ordered(finding.find(query, person("listing"), now=now, language="ru"), query)

    days: dict[object, list[str]] = {}
    for row in rows:
        days.setdefault(wording.value(row, "created"), []).append(row.number)
    assert max(map(len, days.values())) > 5
    assert all(numbers == sorted(numbers, reverse=True) for numbers in days.values())


def test_the_statements_of_a_search_do_not_grow_with_the_applications(house, now):
    pairs = [("q", "a"), ("s1", "company"), ("col", "adviser"), ("col", "letter")]

    def statements() -> int:
        db.session.expire_all()
        user, sent = person("listing"), []
        assert user.organisation is None

        def note(connection, cursor, statement, *_: object) -> None:
            sent.append(statement)

        query = query_of(pairs, now)
        event.listen(house.engine, "before_cursor_execute", note)
        try:
            rows = finding.find(query, user, now=now, language="kk")
            assert Wording("kk").ordered(rows, query)
        finally:
            event.remove(house.engine, "before_cursor_execute", note)
        return len(sent)

    few = statements()
    herd.multiply(db.session.connection(), 7, first_id=800_000, count=300)

    assert statements() <= few


def test_what_has_no_history_is_told_by_its_present_stay(house, now):
    herd.multiply(db.session.connection(), 7, first_id=800_000, count=1)
    original = db.session.get_one(Application, 7)
    before = original.entered_at.astimezone(ZONE).date() - timedelta(1)
    for then, process in ((now.astimezone(ZONE).date(), original.process), (before, "")):
        rows = {row.id: row for row in found("listing", now, ("as_of", then.isoformat()))}
        if 800_000 in rows:
            assert rows[800_000].process == process


def test_every_field_operator_and_choice_has_words(house):
    for language in ("kk", "ru", "en"):
        wording = Wording(language)
        assert all(wording.field(key) for key in FIELDS)
        assert all(wording.say(f"search.op.{op}") for field in FIELDS.values() for op in field.operators)
        assert all(words for pairs in wording.choices.values() for _, words in pairs)
