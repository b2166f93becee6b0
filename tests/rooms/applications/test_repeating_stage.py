"""Repeating groups on the page of a stage, without scripts: three levels deep, as cards and as tables."""

from __future__ import annotations

import pytest
from browser import signed_in, words
from factories import refetched
from sqlalchemy import select
from test_creating import address

from app import db
from app.applications import queries
from app.applications.models import History

NEW = "/procedures/deep_listing/new"
DIRECTOR, POST, PAPER = "directors-e1", "directors-e1-posts-e1", "directors-e1-posts-e1-papers-e1"


def kept(number, stage="company", form="deep_company"):
    """Return the answers of a form as they stand."""
    row = queries.latest(refetched(number), stage)
    return row.values[form] if row else {}


@pytest.fixture
def stage(deep):
    """The author's browser, the number of a new application, and the address of its stage with groups."""
    author = signed_in(deep, "issuer")
    number = author.send(author.get(NEW), NEW).location.rsplit("/", 1)[-1]
    return author, number, address(number, "stages", "company")


def pressed(author, path, press, value, **typed):
    """Press a button of the page as it stands, and return the page that comes."""
    return author.follow(author.send(author.get(path), path, press=press, value=value, **typed))


@pytest.mark.req("IS2IN-16.i", "IS2IN-14.1.b")
def test_three_levels_of_rows_are_added_and_what_was_typed_meanwhile_is_saved(stage):
    author, number, path = stage
    page = author.get(path)
    assert "Қосу: Мүше" in page.main

    page = author.follow(author.send(page, path, press="row-add", value="directors", brand="Алтын дала"))
    assert page.one(name=f"{DIRECTOR}-name") is not None
    page = author.follow(
        author.send(page, path, press="row-add", value=f"{DIRECTOR}-posts", **{f"{DIRECTOR}-name": "Ахметова А."})
    )
    page = author.follow(
        author.send(page, path, press="row-add", value=f"{POST}-papers", **{f"{POST}-since": "1.2.2020"})
    )
    author.send(page, path, press="save", **{f"{PAPER}-title": "Бұйрық"})

    found = kept(number)
    assert found["brand"] == "Алтын дала"
    director = found["directors"]["entries"][0]["values"]
    post = director["posts"]["entries"][0]["values"]
    assert (director["name"], post["since"]) == ("Ахметова А.", "2020-02-01")
    assert post["papers"]["entries"] == [{"id": "e1", "values": {"title": "Бұйрық"}}]
    page = author.get(path)
    assert words(page.one(id=f"row-{DIRECTOR}")) == "1. Ахметова А."
    assert page.form(path)[f"{POST}-since"] == ["01.02.2020"]


def test_an_added_row_is_where_the_answer_leads_to_and_says_what_is_missing_once_it_was_begun(stage):
    author, _, path = stage

    added = author.send(author.get(path), path, press="row-add", value="directors")
    page = author.follow(added)

    assert added.headers["Location"].endswith(f"#f-{DIRECTOR}")
    assert page.one(id=f"f-{DIRECTOR}").get("tabindex") == "-1"
    assert not _notes(page)  # nobody has had the time yet
    page = author.follow(author.send(page, path, press="save"))
    assert "brand" in _notes(page)
    assert not [path for path in _notes(page) if path.startswith(DIRECTOR)]
    page = author.follow(author.send(page, path, press="row-add", value=f"{DIRECTOR}-posts"))
    page = author.follow(author.send(page, path, press="save", **{f"{POST}-place": "Б"}))
    assert f"{DIRECTOR}-name" in _notes(page)
    assert f"{POST}-since" in _notes(page)


def _notes(page):
    """Return the paths at which the page says that something is missing."""
    return [item.get("data-note-for") for item in page.root.iter() if item.get("data-note-for")]


def test_rows_are_moved_and_taken_out_and_a_number_is_never_given_twice(stage):
    author, number, path = stage
    for name in ("Ахметова А.", "Бекова Б.", "Сапаров С."):
        last = len(kept(number).get("directors", {}).get("entries", ())) + 1
        pressed(author, path, "row-add", "directors")
        author.send(author.get(path), path, press="save", **{f"directors-e{last}-name": name})

    pressed(author, path, "row-up", "directors-e3")
    assert [row["id"] for row in kept(number)["directors"]["entries"]] == ["e1", "e3", "e2"]
    pressed(author, path, "row-down", DIRECTOR)
    assert [row["id"] for row in kept(number)["directors"]["entries"]] == ["e3", "e1", "e2"]
    removed = author.send(author.get(path), path, press="row-remove", value="directors-e3", brand="Дала")
    pressed(author, path, "row-add", "directors")

    assert removed.headers["Location"].endswith("#f-directors")
    assert kept(number)["brand"] == "Дала"
    assert [row["id"] for row in kept(number)["directors"]["entries"]] == ["e1", "e2", "e4"]
    acts = [row.act for row in db.session.scalars(select(History).order_by(History.id))]
    assert {"add_row", "move_row", "remove_row"} <= set(acts)
    timeline = author.get(address(number, "timeline")).main
    assert "Жазбаның орны ауыстырылды" in timeline


@pytest.mark.parametrize(
    ("press", "value", "left"),
    [
        ("row-add", "directors", ["e1", "e2", "e3"]),
        ("row-up", "directors-e2", ["e2", "e1"]),
        ("row-remove", "directors-e2", ["e1"]),
        ("row-table", "holders", ["e1", "e2"]),
    ],
)
def test_what_cannot_be_read_stays_and_does_not_hold_an_act_on_rows(stage, press, value, left):
    author, number, path = stage
    pressed(author, path, "row-add", "directors")
    pressed(author, path, "row-add", "directors")
    pressed(author, path, "row-add", f"{DIRECTOR}-posts")

    done = author.send(
        author.get(path), path, press=press, value=value, brand="Дала", **{f"{POST}-since": "31.31.2020"}
    )

    assert done.status == 303
    assert [row["id"] for row in kept(number)["directors"]["entries"]] == left
    assert kept(number)["brand"] == "Дала"
    page = author.get(path)
    assert page.error(f"{POST}-since")
    assert page.form(path)[f"{POST}-since"] == ["31.31.2020"]
    assert [item.get("href") for item in page.one(data_key="err.summary").iter("a")] == [f"#f-{POST}-since"]


def test_what_cannot_be_read_stays_when_rows_are_taken_from_a_table(stage):
    author, number, path = stage
    pressed(author, path, "row-add", "directors")
    pressed(author, path, "row-add", f"{DIRECTOR}-posts")
    author.send(author.get(path), path, press="save", **{f"{POST}-since": "31.31.2020"})
    table = author.send(author.get(f"{path}/table?group=holders"), f"{path}/table", press="look", text="Қор\t10")

    taken = author.send(table, f"{path}/table", press="take")

    assert taken.status == 303
    assert author.get(path).form(path)[f"{POST}-since"] == ["31.31.2020"]
    assert len(kept(number)["holders"]["entries"]) == 1


def test_faults_are_told_in_the_order_of_the_page(stage):
    author, _, path = stage
    for group in ("directors", f"{DIRECTOR}-posts", "holders"):
        pressed(author, path, "row-add", group)

    page = author.send(author.get(path), path, press="done", **{"holders-e1-share": "көп", f"{POST}-since": "ертең"})

    told = [item.get("href", "").removeprefix("#f-") for item in page.one(data_key="err.summary").iter("a")]
    ids = [item.get("id", "").removeprefix("f-") for item in page.root.iter() if item.get("id", "").startswith("f-")]
    assert {f"{POST}-since", "holders-e1-share", "brand"} <= set(told)
    assert told == sorted(told, key=ids.index)


def test_faults_inside_a_row_that_goes_do_not_hold_it(stage):
    author, number, path = stage
    pressed(author, path, "row-add", "directors")
    pressed(author, path, "row-add", f"{DIRECTOR}-posts")

    gone = author.send(author.get(path), path, press="row-remove", value=POST, **{f"{POST}-since": "31.31.2020"})

    assert gone.status == 303
    assert kept(number)["directors"]["entries"][0]["values"]["posts"]["entries"] == []


@pytest.mark.parametrize(
    ("press", "value", "status"),
    [
        ("row-add", "nosuch", 404),
        ("row-add", "brand", 422),
        ("row-add", "directors-e9-posts", 422),
        ("row-remove", "directors-e9", 422),
        ("row-up", "directors", 422),
        ("row-down", "holders-e1-name", 422),
        ("row-add", "", 404),
        ("row-add", "directors-" * 50, 422),
    ],
)
def test_an_act_on_a_row_that_is_not_there_is_refused_and_changes_nothing(stage, press, value, status):
    author, number, path = stage
    pressed(author, path, "row-add", "directors")
    before = kept(number)

    refused = author.send(author.get(path), path, press=press, value=value)

    assert refused.status == status
    assert kept(number) == before


def test_two_people_adding_rows_keep_both(stage):
    author, number, path = stage
    stale = author.get(path)
    pressed(author, path, "row-add", "directors")

    assert author.send(stale, path, press="row-add", value="holders").status == 303
    assert author.send(stale, path, press="row-add", value="directors").status == 303

    assert [row["id"] for row in kept(number)["directors"]["entries"]] == ["e1", "e2"]
    assert [row["id"] for row in kept(number)["holders"]["entries"]] == ["e1"]


@pytest.mark.req("IS2IN-14.1.b")
def test_done_names_every_gap_of_every_row_with_a_link_to_its_field(stage):
    author, _, path = stage
    pressed(author, path, "row-add", "directors")
    pressed(author, path, "row-add", f"{DIRECTOR}-posts")
    pressed(author, path, "row-add", "holders")

    page = author.send(author.get(path), path, press="done")

    assert page.status == 422
    missing = {"brand", f"{DIRECTOR}-name", f"{POST}-place", f"{POST}-since", "holders-e1-name", "holders-e1-share"}
    told = {item.get("href", "").removeprefix("#f-") for item in page.one(data_key="err.summary").iter("a")}
    assert told == missing
    ids = {item.get("id", "") for item in page.root.iter()}
    assert {f"f-{name}" for name in missing} <= ids
    for name in missing:
        assert page.error(name)


def test_a_group_that_asks_for_rows_says_so_where_it_stands(stage):
    author, _, path = stage

    page = author.send(author.get(path), path, press="done")

    assert page.error("directors")
    assert page.error("holders")


def test_a_table_has_a_column_for_each_question_and_a_label_for_each_input(stage):
    author, _, path = stage
    page = pressed(author, path, "row-add", "holders")

    group = page.one(data_rows="holders")
    heads = [words(cell) for cell in group.iter("th") if cell.get("scope") == "col"]
    assert heads[:2] == ["№", "Атауы Міндетті"]
    labels = {label.get("for"): words(label) for label in group.iter("label")}
    for key, label in (("name", "Атауы"), ("bin", "БСН"), ("kind", "Түрі"), ("share", "Үлесі")):
        assert labels[f"f-holders-e1-{key}"].startswith(label)


def test_the_summary_and_the_paper_show_the_rows(stage, deep):
    author, number, path = stage
    pressed(author, path, "row-add", "directors")
    pressed(author, path, "row-add", f"{DIRECTOR}-posts", **{f"{DIRECTOR}-name": "Ахметова А."})
    pressed(author, path, "row-add", f"{POST}-papers", **{f"{POST}-place": "«Дала» АҚ"})
    author.send(author.get(path), path, press="save", **{f"{PAPER}-title": "Бұйрық"})

    page = author.get(address(number, "summary"))
    draft = author.get(address(number, "summary.pdf"))

    for text in ("1. Ахметова А.", "«Дала» АҚ", "Бұйрық", "Басқарма мүшелері"):
        assert text in page.main
    assert page.all(data_place=f"company.{PAPER}-title")
    assert draft.content.startswith(b"%PDF-")


def test_a_question_that_depends_on_another_comes_with_its_answer_and_is_demanded(stage):
    author, number, path = stage
    page = author.get(path)
    assert not page.all(name="market")
    assert "listed" in page.one(data_stage="company", method="post").get("data-drives").split()

    drawn = author.send(page, path, press="redraw", listed="yes", brand="Дала")

    assert drawn.status == 200
    assert drawn.form(path)["brand"] == ["Дала"]
    assert drawn.all(name="market")
    assert drawn.all(name="since")
    assert drawn.all(data_field="advice")
    assert kept(number) == {}
    done = author.send(drawn, path, press="done", listed="yes")
    assert done.error("market")
    assert done.error("since")


def test_an_answer_that_is_hidden_is_kept_and_neither_shown_nor_demanded(stage):
    author, number, path = stage
    page = author.follow(author.send(author.get(path), path, press="save", listed="yes", brand="Дала"))
    page = author.follow(author.send(page, path, press="save", market="AIX"))

    page = author.follow(author.send(page, path, press="save", listed="no"))

    assert not page.all(name="market")
    assert kept(number)["market"] == "AIX"
    assert "AIX" not in author.get(address(number, "summary")).main
    assert "AIX" in author.send(page, path, press="redraw", listed="yes").one(name="market").get("value")


def test_a_question_of_one_row_depends_on_the_answers_of_that_row(stage):
    author, _, path = stage
    pressed(author, path, "row-add", "directors")
    pressed(author, path, "row-add", "directors")

    page = author.send(author.get(path), path, press="redraw", **{f"{DIRECTOR}-independent": "yes"})

    assert page.all(name=f"{DIRECTOR}-ground")
    assert not page.all(name="directors-e2-ground")


def test_a_sum_is_reckoned_on_the_server_and_marked_as_such(stage):
    author, number, path = stage
    pressed(author, path, "row-add", "holders")
    pressed(author, path, "row-add", "holders")
    shares = {"holders-e1-share": "60", "holders-e2-share": "50"}

    page = author.send(author.get(path), path, press="redraw", **shares)
    assert words(next(page.one(data_field="total").iter("output"))) == "110 %"
    assert page.says(data_key="dyn.computed") == "Автоматты есептеледі"
    author.send(page, path, press="save", **shares)
    done = author.send(author.get(path), path, press="done")

    assert kept(number)["total"] == "110"
    assert done.error("total") == "Үлестердің жиыны 100 %-дан аспауы тиіс"


def test_an_answer_of_several_parts_has_an_input_for_each_and_its_faults_stand_at_them(stage):
    author, number, path = stage
    page = author.get(path)
    labels = {label.get("for"): words(label) for label in page.one(data_field="office").iter("label")}
    assert labels["f-office-region"] == "Өңір"
    assert len(list(page.one(name="office-region").iter("option"))) > 17

    page = author.send(page, path, press="done", **{"office-region": "75", "office-kato": "111"})

    assert page.error("office-locality")
    assert page.error("office-kato")
    assert {"#f-office-locality", "#f-office-kato"} <= {
        item.get("href") for item in page.one(data_key="err.summary").iter("a")
    }
    author.send(author.get(path), path, press="save", **{"period-amount": "3", "period-unit": "years"})
    assert kept(number)["period"] == {"amount": "3", "unit": "years"}
    page = author.get(path)
    assert page.form(path)["period-amount"] == ["3"]
    assert page.form(path)["period-unit"] == ["years"]
    assert "3 жыл" in author.get(address(number, "summary")).main
