"""Two people at one stage: what each changed stays, what both changed is chosen by a person, nothing is discarded."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from browser import signed_in, words
from factories import person, refetched
from sqlalchemy import select
from test_creating import address

from app import db
from app.applications import filing, queries
from app.applications.models import Answers, History
from app.terms import say

NEW = "/procedures/deep_listing/new"
KEY = "deep_securities"
CHAIN = {f"{KEY}-platform": "main", f"{KEY}-sector": "notes", f"{KEY}-isin": "KZ1C00001619"}


@pytest.fixture
def two(deep):
    """Author and clerk at the same application: their browsers, its number, the address of its stage with groups."""
    author = signed_in(deep, "issuer")
    number = author.send(author.get(NEW), NEW).location.rsplit("/", 1)[-1]
    application = refetched(number)
    filing.assign_colleague(application, person("clerk").id, by=person("issuer"), now=application.created_at)
    db.session.commit()
    clerk = signed_in(deep, "clerk")
    return SimpleNamespace(one=author, two=clerk, number=number, path=address(number, "stages", "company"))


def kept(two, stage="company", form="deep_company"):
    """Return the answers of a form as they stand."""
    row = queries.latest(refetched(two.number), stage)
    return row.values[form] if row else {}


def ids(group):
    """Return the ids of a group's rows."""
    return [row["id"] for row in group["entries"]]


def press(someone, path, button, value="yes", page=None, **typed):
    """Press a button of a page, or of the page as it stands now."""
    return someone.send(page or someone.get(path), path, press=button, value=value, **typed)


@pytest.fixture
def three(two):
    """The same with three directors."""
    for number in (1, 2, 3):
        press(two.one, two.path, "row-add", "directors")
        press(two.one, two.path, "save", **{f"directors-e{number}-name": f"Мүше {number}"})
    return two


@pytest.fixture
def securities(three):
    """The address of the next stage, which opens when the first is done."""
    press(three.one, three.path, "row-add", "holders")
    typed = {"brand": "Дала", "holders-e1-name": "Қор", "holders-e1-share": "10"}
    assert press(three.one, three.path, "done", **typed).status == 303
    return address(three.number, "stages", "securities")


def test_different_fields_are_merged_and_the_second_is_told_what_who_and_when(two):
    first, second = two.one.get(two.path), two.two.get(two.path)

    press(two.one, two.path, "save", page=first, brand="Алтын дала")
    saved = press(two.two, two.path, "save", page=second, about__ru="Зерно")
    page = two.two.follow(saved)

    assert kept(two) == {"brand": "Алтын дала", "about": {"ru": "Зерно"}}
    told = next(words(item) for item in page.all(role="status") if "Атауы" in words(item))
    assert "Ахметова Айгүл" in told
    assert page.form(two.path)["brand"] == ["Алтын дала"]


def test_nothing_is_told_where_nobody_else_has_been(two):
    page = two.one.follow(press(two.one, two.path, "save", brand="Бір"))

    told = [item for item in page.one(id="content").iter() if item.get("role") == "status" and words(item)]
    assert len(told) == 1


def test_the_languages_of_one_answer_may_be_written_by_two(two):
    first, second = two.one.get(two.path), two.two.get(two.path)

    press(two.one, two.path, "save", page=first, about__kk="Астық")
    assert press(two.two, two.path, "save", page=second, about__ru="Зерно").status == 303

    assert kept(two)["about"] == {"kk": "Астық", "ru": "Зерно"}


def test_of_a_conflict_the_rest_is_kept_and_the_choice_decides(two):
    first, second = two.one.get(two.path), two.two.get(two.path)
    press(two.one, two.path, "save", page=first, brand="Бірінші")

    asked = press(two.two, two.path, "save", page=second, brand="Екінші", about__ru="Зерно")

    assert asked.status == 409
    assert kept(two) == {"brand": "Бірінші", "about": {"ru": "Зерно"}}
    row = asked.one(data_field="brand")
    assert "Бірінші" in words(row)
    assert "Ахметова Айгүл" in words(row)
    assert asked.form(two.path)["brand"] == ["Екінші"]
    assert "pick-brand" not in asked.form(two.path)

    again = press(two.two, two.path, "save", page=asked, about__kk="Астық")
    assert again.status == 409, "nobody has chosen"
    assert kept(two) == {"brand": "Бірінші", "about": {"ru": "Зерно", "kk": "Астық"}}
    assert again.form(two.path)["brand"] == ["Екінші"]

    left = press(two.two, two.path, "save", page=again, **{"pick-brand": "theirs"})
    assert left.status == 303
    assert kept(two)["brand"] == "Бірінші"

    assert press(two.two, two.path, "save", page=again, **{"pick-brand": "mine"}).status == 303
    assert kept(two)["brand"] == "Екінші"


def test_one_who_types_what_the_other_has_is_asked_no_more(two):
    first, second = two.one.get(two.path), two.two.get(two.path)
    press(two.one, two.path, "save", page=first, brand="Бірінші")
    asked = press(two.two, two.path, "save", page=second, brand="Екінші")

    assert press(two.two, two.path, "save", page=asked, brand="Бірінші").status == 303
    assert kept(two)["brand"] == "Бірінші"


def test_one_disputed_field_decided_leaves_the_other_in_dispute(two):
    first, second = two.one.get(two.path), two.two.get(two.path)
    press(two.one, two.path, "save", page=first, brand="Бірінші", about__ru="Бидай")
    asked = press(two.two, two.path, "save", page=second, brand="Екінші", about__ru="Зерно")

    again = press(two.two, two.path, "save", page=asked, **{"pick-brand": "mine"})

    assert again.status == 409
    assert kept(two) == {"brand": "Екінші", "about": {"ru": "Бидай"}}
    story = again.one(data_key="msg.conflict")
    assert [item.get("href") for item in story.iter("a")] == ["#f-about"]
    press(two.two, two.path, "save", page=again, **{"pick-about": "mine"})
    assert kept(two) == {"brand": "Екінші", "about": {"ru": "Зерно"}}


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
@pytest.mark.parametrize("button", ["save", "done"])
def test_a_conflict_is_told_once_with_what_is_kept_and_what_to_press(two, deep, language, button):
    reader = signed_in(deep, "clerk", language)
    page = reader.get(two.path, query_string={"lang": language})
    press(two.one, two.path, "save", brand="Бірінші")

    asked = press(reader, two.path, button, page=page, brand="Екінші", about__ru="Зерно")

    story = asked.one(data_key="msg.conflict")
    assert [item.get("href") for item in story.iter("a")] == ["#f-brand"]
    assert say("answers.contest.choose", language) in words(story)
    last = {"save": "answers.contest.save", "done": "answers.contest.again"}[button]
    assert words(story).endswith(say(last, language))
    assert not asked.all(data_key="err.summary")


def test_a_conflict_with_ones_own_other_window_says_so_and_blames_nobody_else(two):
    stale = two.one.get(two.path)
    press(two.one, two.path, "save", brand="Бірінші")

    asked = press(two.one, two.path, "save", page=stale, brand="Екінші")

    assert asked.status == 409
    assert say("answers.yourself", "kk") in words(asked.one(data_field="brand"))
    assert "басқа пайдаланушы" not in asked.main.lower()


def test_whole_stage_acts_against_ones_own_other_window_say_so_too(two, securities):
    press(two.one, securities, "add", KEY, **CHAIN)
    path = f"{securities}/criteria?entry={KEY}-e1"
    stale = two.one.get(f"{path}&{KEY}-platform=main&{KEY}-sector=shares")
    press(two.one, securities, "save", **{f"{KEY}-e1-answer_1": "12"})

    refused = two.one.send(stale, path, press="confirm")

    assert refused.status == 409
    assert say("answers.err.conflict_own", "kk", time="|").split("|")[0] in refused.main


def test_beside_a_conflict_what_cannot_be_read_is_kept(two):
    press(two.one, two.path, "row-add", "holders")
    first, second = two.one.get(two.path), two.two.get(two.path)
    press(two.one, two.path, "save", page=first, brand="Бірінші")

    asked = press(two.two, two.path, "save", page=second, brand="Екінші", **{"holders-e1-share": "көп"})
    press(two.two, two.path, "save", page=asked, **{"pick-brand": "mine"})

    assert asked.form(two.path)["holders-e1-share"] == ["көп"]
    assert two.two.get(two.path).form(two.path)["holders-e1-share"] == ["көп"]
    assert kept(two)["brand"] == "Екінші"


def test_a_save_that_arrives_twice_blames_nobody_the_second_time(two):
    page = two.one.get(two.path)
    typed = {**page.form(two.path), "brand": "Дала", "key": "pressed", "save": "yes"}

    once = two.one.open("POST", two.path, data=typed)
    stands = queries.latest(refetched(two.number), "company").revision
    two.one.follow(once)
    again = two.one.follow(two.one.open("POST", two.path, data=typed))

    assert queries.latest(refetched(two.number), "company").revision == stands
    assert say("answers.yourself", "kk") not in again.main


def test_a_refused_entry_keeps_what_was_typed_beside_it_and_what_was_chosen(two, securities):
    press(two.one, securities, "add", KEY, **CHAIN)
    page = two.one.get(securities)

    refused = press(two.one, securities, "add", KEY, page=page, **CHAIN, **{f"{KEY}-e1-answer_1": "12"})

    assert refused.status == 422
    assert refused.form(securities)[f"{KEY}-isin"] == ["KZ1C00001619"]
    assert kept(two, "securities", KEY)["entries"][0]["values"]["answer_1"] == "12"
    assert len(kept(two, "securities", KEY)["entries"]) == 1


def test_a_third_change_while_one_chooses_is_asked_again(two):
    first, second = two.one.get(two.path), two.two.get(two.path)
    press(two.one, two.path, "save", page=first, brand="Бірінші")
    asked = press(two.two, two.path, "save", page=second, brand="Екінші")
    press(two.one, two.path, "save", brand="Үшінші")

    again = press(two.two, two.path, "save", page=asked)

    assert again.status == 409
    assert "Үшінші" in words(again.one(data_field="brand"))
    assert kept(two)["brand"] == "Үшінші"


def test_the_language_links_of_a_refused_page_lead_back_to_it(two):
    first, second = two.one.get(two.path), two.two.get(two.path)
    press(two.one, two.path, "save", page=first, brand="Бірінші")

    asked = press(two.two, two.path, "save", page=second, brand="Екінші")

    assert asked.status == 409
    assert asked.one(hreflang="ru").get("href") == f"{two.path}?lang=ru"


def test_done_with_a_conflict_is_not_done(two):
    first, second = two.one.get(two.path), two.two.get(two.path)
    press(two.one, two.path, "save", page=first, brand="Бірінші")

    assert press(two.two, two.path, "done", page=second, brand="Екінші").status == 409

    assert queries.position(refetched(two.number)).status("company") == "filling"


def test_a_refused_page_sent_again_overwrites_nothing(two):
    first, second = two.one.get(two.path), two.two.get(two.path)
    press(two.two, two.path, "row-add", "holders", page=second)
    second = two.two.get(two.path)
    press(two.one, two.path, "save", page=first, brand="Бірінші")

    refused = press(two.two, two.path, "done", page=second, about__ru="Зерно", **{"holders-e1-share": "көп"})
    assert refused.form(two.path)["brand"] == ["Бірінші"]  # what was kept stands on it, the other's too
    press(two.one, two.path, "save", brand="Үшінші")
    mended = press(two.two, two.path, "save", page=refused, **{"holders-e1-share": ""})

    assert (refused.status, mended.status) == (422, 303)
    assert kept(two)["brand"] == "Үшінші"
    assert kept(two)["about"] == {"ru": "Зерно"}


def test_rows_edited_by_two_and_moved_by_a_third_come_together(three):
    first, second, third = (someone.get(three.path) for someone in (three.one, three.two, three.two))

    press(three.one, three.path, "row-up", "directors-e3", page=first)
    press(three.two, three.path, "save", page=second, **{"directors-e1-name": "Бірінші"})
    press(three.two, three.path, "row-remove", "directors-e2", page=third, **{"directors-e3-name": "Үшінші"})

    found = kept(three)["directors"]
    assert ids(found) == ["e1", "e3"]
    assert [row["values"]["name"] for row in found["entries"]] == ["Бірінші", "Үшінші"]
    assert found["last"] == 3


def test_a_row_that_another_edits_is_not_removed_but_asked(three):
    first, second = three.one.get(three.path), three.two.get(three.path)
    press(three.one, three.path, "save", page=first, **{"directors-e2-name": "Жаңа аты"})

    asked = press(three.two, three.path, "row-remove", "directors-e2", page=second, brand="Дала")

    assert asked.status == 409
    assert "Ахметова Айгүл" in asked.main
    assert ids(kept(three)["directors"]) == ["e1", "e2", "e3"]
    assert kept(three)["brand"] == "Дала"
    assert press(three.two, three.path, "row-remove", "directors-e2", page=asked).status == 303
    assert ids(kept(three)["directors"]) == ["e1", "e3"]


@pytest.mark.parametrize("choice", ["mine", "theirs"])
def test_what_was_typed_into_a_removed_row_is_shown_and_may_stand_again(three, choice):
    first, second = three.one.get(three.path), three.two.get(three.path)
    press(three.one, three.path, "row-remove", "directors-e2", page=first)

    asked = press(three.two, three.path, "save", page=second, brand="Дала", **{"directors-e2-name": "Жазып отырмын"})

    assert asked.status == 409
    assert ids(kept(three)["directors"]) == ["e1", "e3"]
    assert kept(three)["brand"] == "Дала"
    lost = asked.one(data_lost="directors-e2")
    assert "Жазып отырмын" in words(lost)
    assert "Ахметова Айгүл" in words(lost)

    chosen = press(three.two, three.path, "save", page=asked, **{"pick-directors-e2": choice})

    assert chosen.status == 303
    found = kept(three)["directors"]
    assert sorted(ids(found)) == (["e1", "e2", "e3"] if choice == "mine" else ["e1", "e3"])
    names = [row["values"]["name"] for row in found["entries"]]
    assert ("Жазып отырмын" in names) is (choice == "mine")


def test_an_entry_removed_by_another_is_shown_on_the_page_of_that_entry_too(two, securities):
    path = securities
    press(two.one, path, "add", KEY, **CHAIN)
    own = f"{path}?entry={KEY}-e1"
    page = two.two.get(own)
    press(two.one, path, "remove", f"{KEY}-e1")

    asked = two.two.open("POST", own, data={**page.form(own), f"{KEY}-e1-answer_1": "12", "save": "yes"})

    assert asked.status == 409
    assert "12" in words(asked.one(data_lost=f"{KEY}-e1"))
    assert press(two.two, path, "save", page=asked).status == 303
    entry = kept(two, "securities", KEY)["entries"][0]
    assert (entry["id"], entry["keys"], entry["values"]) == ("e1", {"isin": "KZ1C00001619"}, {"answer_1": "12"})


def test_two_entries_added_at_once_both_stand(two, securities):
    path = securities
    first, second = two.one.get(path), two.two.get(path)

    for someone, page, isin in ((two.one, first, "KZ1C00001619"), (two.two, second, "KZ1C00000876")):
        assert press(someone, path, "add", KEY, page=page, **{**CHAIN, f"{KEY}-isin": isin}).status == 303

    assert ids(kept(two, "securities", KEY)) == ["e1", "e2"]


def test_a_conflict_tells_of_nobody_in_the_history_but_the_save(two):
    first, second = two.one.get(two.path), two.two.get(two.path)
    press(two.one, two.path, "save", page=first, brand="Бірінші")
    press(two.two, two.path, "save", page=second, brand="Екінші")

    application = refetched(two.number)
    acts = db.session.scalars(select(History.act).where(History.application_id == application.id)).all()
    assert acts.count("save") == 1
    assert len(db.session.scalars(select(Answers.id).where(Answers.application_id == application.id)).all()) == 1


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_the_page_of_a_conflict_speaks_the_readers_language(two, deep, language):
    reader = signed_in(deep, "clerk", language)
    page = reader.get(two.path, headers={"Accept-Language": language}, query_string={"lang": language})
    press(two.one, two.path, "save", brand="Бірінші")

    asked = press(reader, two.path, "save", page=page, brand="Екінші")

    assert say("answers.pick.theirs", language) in asked.main
    assert say("app.conflict.title", language) in asked.main
