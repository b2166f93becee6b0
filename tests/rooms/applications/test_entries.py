"""Entries of dynamic forms: other criteria for one, many of them, a page for each (user manual, paragraph 16)."""

from __future__ import annotations

import pytest
from browser import signed_in, words
from factories import person, refetched
from sqlalchemy import select
from test_creating import address

from app import catalogue, db
from app.applications import queries
from app.applications.models import Answers, History
from app.terms import say
from app.web import here
from tests.deep import SECURITIES, isin, securities

NEW = "/procedures/deep_listing/new"
E1 = f"{SECURITIES}-e1"
PLATFORM, SECTOR, ISIN = f"{SECURITIES}-platform", f"{SECURITIES}-sector", f"{SECURITIES}-isin"


@pytest.fixture
def stage(deep):
    """The author's browser, the number of a new application, and the address of its stage of securities."""
    author = signed_in(deep, "issuer")
    number = author.send(author.get(NEW), NEW).location.rsplit("/", 1)[-1]
    return author, number, address(number, "stages", "securities")


def entries(number):
    """Return the entries as they stand."""
    row = queries.latest(refetched(number), "securities")
    return row.values[SECURITIES]["entries"] if row else []


def add(author, path, sector, number=1):
    """Add an entry for criteria; return the answer."""
    revision = author.get(path).form(path)["revision"][0]
    chosen = {PLATFORM: "main", SECTOR: sector, ISIN: isin(number)}
    return author.post(path, {"add": SECURITIES, "revision": revision, **chosen})


def many(number, count):
    """Put so many entries into the stage, each complete but the first."""
    values = securities(catalogue.present().forms.get(SECURITIES), count)
    del values["entries"][0]["values"]["answer_3"]
    application = refetched(number)
    db.session.add(
        Answers(
            application_id=application.id,
            stage="securities",
            revision=1,
            values={SECURITIES: values},
            by_id=person("issuer").id,
            at=here.now(),
        )
    )
    db.session.commit()


def criteria_page(author, path, **chosen):
    """Return the page of changed criteria, with the lists chosen so."""
    query = "&".join([f"entry={E1}", *(f"{SECURITIES}-{level}={option}" for level, option in chosen.items())])
    return author.get(f"{path}/criteria?{query}")


@pytest.mark.req("IS2IN-16.d", "IS2IN-16.i")
def test_other_criteria_are_shown_with_what_becomes_of_each_answer_before_they_are_confirmed(stage):
    author, number, path = stage
    add(author, path, "shares")
    typed = {f"{E1}-answer_1": "12", f"{E1}-answer_3": "1000", f"{E1}-answer_4": "40", f"{E1}-answer_6": "сөз"}
    pressed = author.send(author.get(path), path, press="criteria", value=E1, **typed)
    page = author.follow(pressed)
    assert entries(number)[0]["values"]["answer_6"] == "сөз"
    assert page.says(data_key="form.criteria_same")

    page = criteria_page(author, path, platform="main", sector="notes")

    kept, parked = page.one(data_state="kept"), page.one(data_state="parked")
    assert "1 000,00 KZT" in words(kept)
    assert "сөз" in words(parked)
    assert entries(number)[0]["path"] == ["main", "shares"]
    changed = author.send(page, f"{path}/criteria?entry={E1}", press="confirm")
    assert changed.status == 303
    (entry,) = entries(number)
    assert (entry["path"], entry["values"]["answer_1"]) == (["main", "notes"], "12")
    assert "answer_6" not in entry["values"]
    page = author.get(path)
    assert "сөз" in words(page.one(data_key="form.parked"))
    assert db.session.scalars(select(History.act).order_by(History.id.desc())).first() == "change_criteria"


def test_what_was_parked_returns_when_the_criteria_ask_for_it_again(stage):
    author, number, path = stage
    add(author, path, "shares")
    author.send(author.get(path), path, press="save", **{f"{E1}-answer_6": "сөз", f"{E1}-answer_4": "40"})
    action = f"{path}/criteria?entry={E1}"
    author.send(criteria_page(author, path, platform="main", sector="notes"), action, press="confirm")

    page = criteria_page(author, path, platform="main", sector="shares")
    assert "сөз" in words(page.one(data_state="restored"))
    author.send(page, action, press="confirm")

    (entry,) = entries(number)
    assert (entry["values"]["answer_6"], entry["values"]["answer_4"]) == ("сөз", "40")
    assert not entry.get("parked")


def test_criteria_without_forms_say_so_and_cannot_be_confirmed(stage):
    author, number, path = stage
    add(author, path, "shares")

    page = criteria_page(author, path, platform="mixed")

    assert page.all(data_key="dyn.no_forms")
    assert not page.all(name="confirm")
    forced = author.post(f"{path}/criteria?entry={E1}", {PLATFORM: "mixed", "revision": "1"})
    assert forced.status == 422
    assert entries(number)[0]["path"] == ["main", "shares"]


@pytest.mark.parametrize(
    ("chosen", "status"),
    [
        ({PLATFORM: "main", SECTOR: "notes"}, 409),  # a stale revision
        ({PLATFORM: "main", SECTOR: "shares", "revision": "2"}, 422),  # the same criteria
        ({PLATFORM: "../../etc", "revision": "2"}, 422),
        ({"revision": "2"}, 422),
    ],
)
def test_a_change_of_criteria_that_will_not_do_is_refused_and_changes_nothing(stage, chosen, status):
    author, number, path = stage
    add(author, path, "shares")
    add(author, path, "notes", number=2)

    refused = author.post(f"{path}/criteria?entry={E1}", {"revision": "1", **chosen})

    assert refused.status == status
    assert [entry["path"] for entry in entries(number)] == [["main", "shares"], ["main", "notes"]]


def test_an_entry_cannot_become_the_same_as_another(stage):
    author, number, path = stage
    add(author, path, "shares")
    add(author, path, "notes")

    refused = author.post(f"{path}/criteria?entry={E1}", {"revision": "2", PLATFORM: "main", SECTOR: "notes"})

    assert refused.status == 422
    assert entries(number)[0]["path"] == ["main", "shares"]


def test_who_may_not_fill_the_stage_in_does_not_see_its_criteria(stage, deep):
    author, _, path = stage
    add(author, path, "shares")
    for key, status in (("other_issuer", 404), ("chancery", 404), ("first_head", 404)):
        assert criteria_page(signed_in(deep, key), path).status in (status, 403)
    assert author.get(f"{path}/criteria?entry=nosuch").status == 404
    assert author.get(f"{path}/criteria").status == 404


def test_many_entries_stand_in_a_table_that_says_what_is_missing(stage):
    author, number, path = stage
    many(number, 40)

    page = author.get(path)

    rows = [row for row in page.root.iter("tr") if row.get("data-entry")]
    assert [row.get("data-state") for row in rows[:2]] == ["filling", "filled"]
    assert len(rows) == 40
    assert "Толтыру керек: 1" in words(rows[0])
    assert isin(0) in words(rows[0])
    assert not page.all(name=f"{E1}-answer_1")
    assert page.all(data_key="act.add_security")


def test_an_entry_has_a_page_of_its_own_from_which_one_goes_on_and_back_saving(stage):
    author, number, path = stage
    many(number, 40)
    here_ = f"{path}?entry={SECURITIES}-e2"

    page = author.get(f"{path}?entry=e2")
    gone = author.send(page, here_, press="goto", value=f"{SECURITIES}-e3", **{f"{SECURITIES}-e2-answer_1": "77"})

    assert page.says(data_key="form.entry_of") == "Жазба: 2 / 40"
    assert not page.all(name=f"{E1}-answer_1")
    assert gone.location == f"{path}?entry={SECURITIES}-e3"
    assert entries(number)[1]["values"]["answer_1"] == "77"
    assert len(entries(number)) == 40
    last = author.get(f"{path}?entry={SECURITIES}-e40")
    assert not last.all(data_key="form.entry_next")
    back = author.send(last, f"{path}?entry={SECURITIES}-e40", press="goto", value="")
    assert back.location == path


def test_a_fault_on_the_page_of_an_entry_is_kept_there_and_told_on_the_page_one_goes_to(stage):
    author, number, path = stage
    many(number, 40)
    here_ = f"{path}?entry={SECURITIES}-e2"

    page = author.send(
        author.get(here_), here_, press="goto", value=f"{SECURITIES}-e3", **{f"{SECURITIES}-e2-answer_2": "31.31.2026"}
    )

    assert page.location == f"{path}?entry={SECURITIES}-e3"
    there = author.follow(page)
    assert say("answers.unread_there", "kk", fields="|").split("|")[0].strip() in there.main
    assert not there.all(data_key="err.summary")  # nothing is wrong with this one
    lines = author.get(path)
    assert say("form.entry_errors", "kk", n=1) in words(lines.one(data_entry="e2"))
    back = author.get(here_)
    assert back.error(f"{SECURITIES}-e2-answer_2")
    assert back.form(here_)[f"{SECURITIES}-e2-answer_2"] == ["31.31.2026"]


def test_done_tells_the_faulty_entries_one_by_one_each_with_a_link_to_its_page(stage):
    author, number, path = stage
    many(number, 40)

    page = author.send(author.get(path), path, press="done")

    assert page.status == 422
    links = [item.get("href") for item in page.one(data_key="err.summary").iter("a")]
    assert links == [f"{path}?entry={E1}"]
    entry = author.get(links[0])
    assert entry.all(data_note_for=f"{E1}-answer_3")


def test_a_new_entry_among_many_opens_on_its_own_page_and_an_entry_that_is_gone_is_not_found(stage):
    author, number, path = stage
    many(number, 40)

    added = add(author, path, "notes", number=99)

    assert added.location == f"{path}?entry={SECURITIES}-e41"
    here_ = f"{path}?entry={SECURITIES}-e41"
    removed = author.send(author.get(here_), here_, press="remove", value=f"{SECURITIES}-e41")
    assert removed.location == path
    assert author.get(here_).status == 404


def test_entries_are_moved_among_each_other(stage):
    author, number, path = stage
    many(number, 40)

    moved = author.send(author.get(path), path, press="row-down", value=E1)

    assert moved.status == 303
    assert [entry["id"] for entry in entries(number)[:3]] == ["e2", "e1", "e3"]
