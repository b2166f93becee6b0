"""The page of search: works without scripts, keeps what was typed, gives out the whole result, saves queries."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from browser import Page, fields_of
from factories import PASSWORD, application_at, company, organisation, person, user
from openpyxl import load_workbook
from sqlalchemy import func, select

from app import db
from app.accounts import authenticators, one_time_codes
from app.applications.models import Application
from app.audit.models import AuditEntry
from app.errors import Conflict, Invalid, NotFound, NotPermitted
from app.organisations.models import Membership
from app.search import operations, queries
from app.search.models import SavedQuery
from app.terms import say
from app.web import clock, here
from app.web.templating import ZONE
from tests import herd

LANGUAGES = ("kk", "ru", "en")


def numbers(page: Page) -> list[str]:
    return [row.get("data-app", "") for row in page.root.iter("tr") if row.get("data-app")]


def lines(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


@pytest.mark.req("ESRV-16.2.a")
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_criterion_is_added_filled_in_and_dropped_without_scripts(browser, language):
    someone = browser("listing", language)
    page = someone.get("/search")
    everything = int(page.one(id="found").get("data-found"))

    added = someone.get(page_of(someone, page, do="add", new="code"))
    address = page_of(someone, added, o1="is", v1="brkt")
    found = someone.get(address)
    dropped = someone.get(page_of(someone, found, do="drop-1"))

    assert added.says(data_key="search.draft")
    assert not added.all(id="found")
    assert say("search.op.has", language) in added.main
    assert {item.organisation.code for item in applications(numbers(found))} == {"BRKT"}
    assert say("search.op.is", language) in found.says(data_told="")
    assert int(dropped.one(id="found").get("data-found")) == everything > len(numbers(found)) > 0


def page_of(someone, page: Page, **typed: str) -> str:
    """Return the address that the form of search leads to, following where a button redirects."""
    given = {**page.form("/search"), **{name: [value] for name, value in typed.items()}}
    address = f"/search?{urlencode(given, doseq=True)}"
    answer = someone.get(address)
    return answer.location if answer.status == 303 else address


def applications(found: list[str]) -> list[Application]:
    return list(db.session.scalars(select(Application).where(Application.number.in_(found))).unique())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("address", "path", "kept"),
    [
        ("f1=created&o1=on&v1=soon", "v1", "soon"),
        ("f1=executor&o1=is&v1=nobody", "v1", "nobody"),
        ("f1=number&o1=has&v1=ABC&as_of=01.01.2099", "as_of", "01.01.2099"),
        ("f1=number&o1=sounds_like&v1=ABC", "o1", "ABC"),
        ("s1=number&d1=sideways&q=typed", "s1", "typed"),
    ],
)
def test_what_will_not_do_is_named_and_stays_to_be_mended(browser, language, address, path, kept):
    page = browser("issuer", language).get(f"/search?{address}")

    assert page.status == 422
    assert page.all(data_key="err.summary")
    assert page.all(id=f"f-{path}")
    assert kept in page.text
    assert not numbers(page)


def test_unknown_fields_and_too_many_criteria_are_refused(browser):
    someone = browser("issuer")
    many = "&".join(f"f{n}=number&o{n}=has&v{n}=x" for n in range(1, 22))

    assert someone.get("/search?f1=iin&o1=is&v1=7").status == 422
    assert someone.get(f"/search?{many}").status == 422
    assert someone.get(f"/search?{many}&do=add&new=bin").status == 422
    assert someone.get("/search?do=add&new=iin").status == 422
    assert someone.get("/search?col=iin").status == 422


def test_what_is_typed_is_never_a_part_of_the_page(browser):
    nasty = "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E"
    someone = browser("issuer")
    for address in (f"q={nasty}", f"f1=number&o1=has&v1={nasty}", f"f1={nasty}&o1={nasty}&v1={nasty}", f"as_of={nasty}",
                    f"s1={nasty}&col={nasty}&match={nasty}"):  # fmt: skip
        assert "<script>alert" not in someone.get(f"/search?{address}").text
    page = someone.get(f"/search?q={nasty}")
    done = saved(someone, page, '"><script>alert(1)</script>')
    assert done.status == 303
    assert "<script>alert" not in someone.get(done.location).text


@pytest.mark.req("ESRV-16.2.b")
def test_columns_order_and_a_past_day_stand_in_the_address(browser, now):
    then = (now.astimezone(ZONE).date() - timedelta(days=1)).strftime("%d.%m.%Y")
    page = browser("listing").get(f"/search?col=code&col=executor&s1=code&d1=desc&as_of={then}")

    heads = [cell.get("data-column") for cell in page.root.iter("th") if cell.get("data-column")]
    assert heads == ["code", "executor"]
    assert page.one(data_column="code").get("aria-sort") == "descending"
    assert say("search.field.executor", "kk") in page.says(data_key="search.untold")
    codes = [cell.text for cell in page.root.iter("td") if cell.get("data-column") == "code"]
    assert codes == sorted(codes, reverse=True)


def test_another_language_keeps_every_column(browser):
    page = browser("listing", "kk").get("/search?col=code&col=bin&q=ALTN")
    link = next(each for each in page.links() if "lang=en" in each)
    assert {"col=code", "col=bin", "q=ALTN"} <= set(link.split("?")[1].split("&"))


def test_long_results_are_told_in_pages_and_no_row_is_lost(browser, house):
    made = herd.multiply(db.session.connection(), 7, first_id=800_000, count=120)
    someone = browser("listing")
    seen: list[str] = []
    address = "/search?q=XC-"
    while address:
        page = someone.get(address)
        seen += numbers(page)
        address = next((link.get("href") for link in page.root.iter("a") if link.get("rel") == "next"), "")
    assert page.one(id="found").get("data-found") == "120"
    assert sorted(seen) == sorted(made)


# Files


@pytest.mark.req("ESRV-16.3")
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_file_holds_the_whole_result_what_was_asked_and_who_asked(browser, house, now, language):
    made = herd.multiply(db.session.connection(), 7, first_id=800_000, count=120)
    someone = browser("listing", language)
    then = now.astimezone(ZONE).date().strftime("%d.%m.%Y")
    address = f"f1=number&o1=begins&v1=xc-&col=number&col=bin&col=created&s1=number&as_of={then}"

    rows = lines(someone.get(f"/search/result.csv?{address}").content)
    book = load_workbook(io.BytesIO(someone.get(f"/search/result.xlsx?{address}").content))

    about = " ".join(cell for row in rows[: rows.index([])] for cell in row)
    for words in (person("listing").name, then, "xc-", say("search.field.number", language), "120"):
        assert words in about
    head = rows.index([]) + 1
    assert rows[head] == [say(f"search.field.{key}", language) for key in ("number", "bin", "created")]
    assert [row[0] for row in rows[head + 1 :]] == sorted(made)
    sheet = [[cell.value for cell in row] for row in book.active.iter_rows()]
    assert [row[0] for row in sheet[head + 1 :]] == sorted(made)
    assert sheet[head + 1][2].strftime("%d.%m.%Y") == rows[head + 1][2]


def test_a_file_is_noted_with_its_size_and_a_faulty_query_gives_none(browser):
    someone = browser("issuer")
    found = int(someone.get("/search").one(id="found").get("data-found"))
    assert someone.get("/search/result.csv").status == 200
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.act == "search_exported")).one()
    assert (entry.user_id, entry.details["n"], entry.details["kind"]) == (person("issuer").id, found, "csv")

    refused = someone.get("/search/result.csv?f1=created&o1=on&v1=soon")
    assert (refused.status, refused.location) == (303, "/search?f1=created&o1=on&v1=soon")
    assert db.session.scalar(select(func.count(AuditEntry.id)).where(AuditEntry.act == "search_exported")) == 1
    assert someone.get("/search/result.pdf").status == 404


def test_a_cell_that_begins_like_a_formula_stays_words(browser, house):
    company("ALTN").name_kk = "=HYPERLINK(1)"
    db.session.flush()
    rows = lines(browser("issuer").get("/search/result.csv?col=company").content)
    assert ["'=HYPERLINK(1)"] in rows
    assert ["=HYPERLINK(1)"] not in rows


@pytest.mark.req("ESRV-21.b")
def test_a_file_asks_for_a_code_where_the_organisation_asks_for_codes(browser, house):
    who = user(organisation("KODS", codes="everybody"), email="kod@kods.example")
    before = clock.unmoved() - timedelta(minutes=10)
    secret = authenticators.begin(who, now=before)
    code = one_time_codes.code_of(secret, one_time_codes.step_at(before))
    authenticators.confirm(who, code, now=before)
    someone = browser()
    someone.sign_in("kod@kods.example", PASSWORD)

    assert someone.get("/search").status == 200
    asked = someone.get("/search/result.csv")

    assert asked.status != 200
    assert asked.answer.mimetype != "text/csv"
    assert not db.session.scalars(select(AuditEntry).where(AuditEntry.act == "search_exported")).all()


# Kept queries


def saved(someone, page: Page, name: str) -> Page:
    """Send the form that keeps the query of a page."""
    return someone.post("/search", {**fields_of(page.one(data_save="")), "name": name, "act": "save"})


@pytest.mark.req("ESRV-16.2.a")
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_query_is_kept_opened_renamed_replaced_and_deleted(browser, language):
    someone = browser("issuer", language)
    page = someone.get("/search?f1=created&o1=last&v1=7&col=number&s1=number")
    done = saved(someone, page, "  Апта   өтініштері ")
    row = db.session.scalars(select(SavedQuery)).unique().one()
    assert (done.status, row.name, row.is_shared) == (303, "Апта өтініштері", False)
    assert "v1=7" in row.asked, "relative days stay relative"

    opened = someone.get(done.location)
    assert opened.one(data_opened=str(row.id)) is not None
    assert f"/search?{row.asked}&saved={row.id}" in list(opened.links())

    for act, typed in (("rename", {"name": "Жаңа атау"}), ("overwrite", {}), ("delete", {})):
        page = someone.get("/search?q=ALTN")
        form = change_form(page, row.id)
        answer = someone.post("/search", {**form, **typed, "act": act})
        assert answer.status == 303, answer.main
        db.session.expire_all()
        left = db.session.scalars(select(SavedQuery)).unique().one_or_none()
        if act == "rename":
            assert left.name == "Жаңа атау"
        elif act == "overwrite":
            assert left.asked == "q=ALTN"
        else:
            assert left is None
    acts = select(AuditEntry.act).where(AuditEntry.act.like("query_%")).order_by(AuditEntry.id)
    assert list(db.session.scalars(acts)) == ["query_saved", "query_renamed", "query_overwritten", "query_deleted"]


def change_form(page: Page, ident: int) -> dict[str, str]:
    form = page.one(data_change=str(ident))
    return {item.get("name"): item.get("value", "") for item in form.iter("input") if item.get("name")}


def kept(
    who: str = "issuer", name: str = "Менің сұрауым", *, is_shared: bool = False, asked: str = "q=ALTN"
) -> SavedQuery:
    return operations.save(name, asked, is_shared=is_shared, by=person(who), now=here.now())


def names_of(who: str) -> list[str]:
    return [row.name for row in queries.saved(person(who))]


def test_private_queries_are_nobody_elses_and_shared_ones_the_organisations_alone(house, browser):
    kept(name="Жеке")
    kept(name="Ортақ", is_shared=True)
    kept("listing", "Биржаның", is_shared=True)

    assert names_of("issuer") == ["Жеке", "Ортақ"]
    assert names_of("clerk") == ["Ортақ"]
    assert names_of("lawyer") == names_of("compliance") == ["Биржаның"]
    assert names_of("other_issuer") == names_of("adviser") == []
    page = browser("other_issuer").get("/search")
    assert "Ортақ" not in page.text
    assert not page.all(id="f-name-1")
    assert page.all(data_key="search.none_saved")


def test_a_kept_query_gives_nobody_more_to_see(house, browser):
    foreign = application_at("expertise", "BRKT")
    row = kept("listing", "Бәрі", is_shared=True, asked=f"q={foreign.number}")
    someone = browser("issuer")

    assert numbers(someone.get(f"/search?{row.asked}&saved={row.id}")) == []
    assert someone.get(f"/search?{row.asked}&saved={row.id}").all(data_opened=str(row.id)) == []
    for act in ("rename", "overwrite", "delete"):
        form = {"act": act, "saved": str(row.id), "seen": "1", "name": "x", "asked": ""}
        assert someone.post("/search", form).status == 404


def test_shared_queries_are_changed_by_owner_and_administrator_alone(house):
    shared = kept("first_head", "Басшының", is_shared=True)
    with pytest.raises(NotPermitted):
        operations.delete(shared, seen=1, by=person("clerk"), now=here.now())
    operations.rename(shared, "Ортақ", seen=1, by=person("issuer"), now=here.now())  # the administrator
    assert names_of("first_head") == ["Ортақ"]

    exchanges = kept("listing", "Биржаның", is_shared=True)
    with pytest.raises(NotPermitted):
        operations.delete(exchanges, seen=1, by=person("lawyer"), now=here.now())
    operations.delete(exchanges, seen=1, by=person("listing_head"), now=here.now())
    assert names_of("listing") == []


@pytest.mark.parametrize("act", ["rename", "overwrite", "delete"])
def test_what_changed_meanwhile_is_not_overwritten(house, browser, act):
    row = kept()
    someone = browser("issuer")
    form = change_form(someone.get("/search?q=1"), row.id)
    operations.rename(
        queries.one(row.id, user=person("issuer")), "Өзгерген", seen=1, by=person("issuer"), now=here.now()
    )

    answer = someone.post("/search", {**form, "act": act, "name": "Кешіккен"})

    assert answer.status == 409
    assert "Өзгерген" in answer.main
    assert "Кешіккен" in answer.text, "what was typed is kept"
    db.session.expire_all()
    assert (names_of("issuer"), db.session.scalars(select(SavedQuery)).unique().one().asked) == (["Өзгерген"], "q=ALTN")
    with pytest.raises(Conflict):
        operations.delete(queries.one(row.id, user=person("issuer")), seen=None, by=person("issuer"), now=here.now())


def test_names_are_needed_short_and_single_and_the_same_again_is_one(house, browser):
    row = kept()
    assert kept().id == row.id, "a double click keeps one"
    for name in ("", "   ", "x" * 101, "менің СҰРАУЫМ"):
        with pytest.raises(Invalid) as refusal:
            kept(name=name, asked="q=other")
        assert refusal.value.problems[0].path == "name"
    someone = browser("issuer")
    page = saved(someone, someone.get("/search?q=x"), "Менің сұрауым")
    assert page.status == 422
    assert page.error("name")
    assert page.one(id="f-name").get("value") == "Менің сұрауым"


def test_no_more_are_kept_than_may_be(house, monkeypatch):
    monkeypatch.setattr(operations, "MOST", 3)
    for number in range(3):
        kept(name=f"Жеке {number}")
        kept(name=f"Ортақ {number}", is_shared=True)
    for is_shared in (False, True):
        with pytest.raises(Invalid) as refusal:
            kept(name="Тағы", is_shared=is_shared)
        assert refusal.value.problems[0].key == ("search.err.full_shared" if is_shared else "search.err.full")
    kept("clerk", "Басқаның")


def test_whoever_leaves_finds_the_organisations_queries_no_more(house):
    mine = kept("clerk", "Жеке")
    shared = kept(name="Ортақ", is_shared=True)
    who = person("clerk")
    who.membership.is_active = False
    db.session.flush()
    db.session.expire_all()

    assert names_of("clerk") == []
    for row in (mine, shared):
        with pytest.raises(NotFound):
            queries.one(row.id, user=person("clerk"))


def test_of_several_places_each_has_its_own(house, browser):
    who = person("clerk")
    db.session.add(Membership(user=who, organisation=company("BRKT"), is_usual=False))
    kept("clerk", "Алтынның")
    kept("other_issuer", "Береттің", is_shared=True)
    db.session.flush()
    someone = browser("clerk")
    other = next(row for row in person("clerk").memberships if row.organisation.code == "BRKT")

    before = someone.get("/search").text
    someone.post("/places", {"place": str(other.id)})
    after = someone.get("/search").text

    assert ("Алтынның" in before, "Береттің" in before) == (True, False)
    assert ("Алтынның" in after, "Береттің" in after) == (False, True)


def test_an_unsound_query_is_not_kept_and_no_act_is_refused(house, browser):
    someone = browser("issuer")
    someone.get("/search")
    unsound = {"act": "save", "name": "x", "asked": "f1=created&o1=on&v1=soon"}
    assert someone.post("/search", unsound).status == 422
    assert someone.post("/search", {"asked": "q=x"}).status == 422
    assert someone.post("/search", {"act": "delete", "saved": "999999"}).status == 404
    assert names_of("issuer") == []


def test_a_kept_query_holds_no_hidden_signs_and_no_endless_list(browser):
    someone = browser("issuer")
    someone.get("/search")

    for asked in ("&".join(["c=number"] * 600), "q=%00", "q=%E2%80%AE"):
        assert someone.post("/search", {"act": "save", "name": "x", "asked": asked}).status == 422, asked[:9]
    assert names_of("issuer") == []


def test_the_archive_leads_here_with_its_words(browser):
    someone = browser("issuer")
    link = someone.get("/archive?q=ALTN").one(data_key="search.from_archive").get("href")
    page = someone.get(link)
    assert page.status == 200
    assert all(item.archived_at for item in applications(numbers(page)))
