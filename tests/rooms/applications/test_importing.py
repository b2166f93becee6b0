"""Tables of a spreadsheet in a stage's groups: looked at, mended, confirmed, stored in one act."""

from __future__ import annotations

import io
from datetime import date, datetime

import openpyxl
import pytest
from browser import signed_in, words
from factories import refetched
from test_creating import address

from app import db
from app.applications import importing, queries
from app.applications.models import Answers
from app.terms import say

NEW = "/procedures/deep_listing/new"
HOLDERS = "Атауы\tБСН\tТүрі\tҮлесі\r\n«Дала» АҚ\t40240002347\tҚұрылтайшы\t40,5\r\nФонд\t\tфонд\t12,25\r\n"


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


def given(author, path, text, group="holders"):
    """Paste a table and return the page that shows what it would bring."""
    return author.send(author.get(f"{path}/table?group={group}"), f"{path}/table", press="look", text=text)


def test_a_pasted_table_is_looked_at_and_stored_only_when_confirmed(stage):
    author, number, path = stage
    page = given(author, path, HOLDERS)

    assert page.status == 200
    assert page.one(data_key="table.ready").get("data-faults") == "0"
    assert kept(number) == {}
    stored = author.send(page, f"{path}/table", press="take")

    assert stored.status == 303
    group = kept(number)["holders"]
    assert group["last"] == 2
    assert [row["values"] for row in group["entries"]] == [
        {"name": "«Дала» АҚ", "bin": "040240002347", "kind": "founder", "share": "40.5"},
        {"name": "Фонд", "kind": "fund", "share": "12.25"},
    ]
    last = queries.history(refetched(number))[0]
    assert (last.act, last.words) == ("import_rows", "Қатысушылар: 2")
    assert db.session.query(Answers).filter_by(application_id=refetched(number).id).count() == 1


def test_rows_that_say_what_another_says_are_marked_before_they_are_stored(stage):
    author, number, path = stage
    author.send(given(author, path, "Атауы\tБСН\nБірінші\t040240002347\n"), f"{path}/table", press="take")

    page = given(author, path, "Атауы\tБСН\nЖаңа\t920140000084\nЕскі\t040240002347\nСол\t920140000084\n")

    notes = {row.get("data-line"): words(row) for row in page.root.iter("tr")}
    assert "№ 1" in notes["3"]
    assert say("table.note.repeats", "kk", said="920140000084", line=2) in notes["4"]
    assert len(page.all(data_state="note")) == 2
    again = author.send(page, f"{path}/table", press="look", how="replace")
    assert len(again.all(data_state="note")) == 1  # what stands would go
    assert author.send(page, f"{path}/table", press="take").status == 303  # it stays a note
    assert len(kept(number)["holders"]["entries"]) == 4


def test_the_button_of_the_group_saves_what_was_typed_and_leads_to_the_table(stage):
    author, number, path = stage

    answer = author.send(author.get(path), path, press="row-table", value="holders", brand="Алтын дала")

    assert answer.location == f"{path}/table?group=holders"
    assert kept(number)["brand"] == "Алтын дала"
    assert author.follow(answer).status == 200


def test_faulty_cells_are_told_by_row_and_column_and_mended_in_place(stage):
    author, number, path = stage
    page = given(author, path, "name\tshare\tkind\nБірінші\tкөп\tfund\nЕкінші\t5\tбілмеймін\n")

    refused = author.send(page, f"{path}/table", press="take")
    assert refused.status == 422
    assert refused.error("cell-2-1")
    assert refused.error("cell-3-2")
    assert "2, Үлесі" in refused.main
    assert kept(number) == {}
    again = author.send(refused, f"{path}/table", press="look", **{"cell-2-1": "7,5", "cell-3-2": "қор"})
    assert again.one(data_key="table.ready").get("data-faults") == "0"
    author.send(again, f"{path}/table", press="take")

    assert [row["values"].get("share") for row in kept(number)["holders"]["entries"]] == ["7.5", "5"]


def test_a_value_that_will_not_do_yet_is_kept_and_told_as_in_a_draft(stage):
    author, number, path = stage
    page = given(author, path, "name\tbin\nБірінші\t040240002348\n")

    assert page.one(data_key="table.ready").get("data-faults") == "0"
    assert any(item.get("data-state") == "note" for item in page.root.iter("td"))
    author.send(page, f"{path}/table", press="take")

    assert kept(number)["holders"]["entries"][0]["values"]["bin"] == "040240002348"


def test_columns_can_be_chosen_and_none_twice(stage):
    author, number, path = stage
    page = given(author, path, "A\tB\nБірінші\t5\n")
    assert {item.get("data-line") for item in page.root.iter("tr")} >= {"1", "2"}  # no headings were found

    twice = author.send(page, f"{path}/table", press="take", headed="yes", **{"column-0": "name", "column-1": "name"})
    assert twice.status == 422
    assert twice.error("column-1")
    chosen = {"column-0": "name", "column-1": "share"}
    author.send(twice, f"{path}/table", press="take", headed="yes", **chosen)

    assert [row["values"] for row in kept(number)["holders"]["entries"]] == [{"name": "Бірінші", "share": "5"}]


def test_columns_without_a_field_are_named_above_the_rows_and_their_choice_stands_open(stage):
    author, _number, path = stage

    page = given(author, path, "Атауы\tБИН/БСН\tПримечание\t\nБірінші\t040240002347\tсөз\t\n")

    told = " ".join(page.one(data_key="table.unknown").itertext())
    assert "«Примечание»" in told
    assert "4-баған" not in told  # an empty column says nothing
    assert "БИН/БСН" not in told
    assert page.one(id="columns").get("open") is not None
    whole = given(author, path, "Атауы\tБИН\nБірінші\t040240002347\n")
    assert not [item for item in whole.root.iter("p") if item.get("data-key") == "table.unknown"]


def test_rows_are_added_or_put_in_the_place_of_the_others_and_ids_are_never_given_twice(stage):
    author, number, path = stage
    author.send(given(author, path, HOLDERS), f"{path}/table", press="take")

    author.send(given(author, path, "name\tshare\nҮшінші\t1\n"), f"{path}/table", press="take")
    assert [row["id"] for row in kept(number)["holders"]["entries"]] == ["e1", "e2", "e3"]
    page = given(author, path, "name\tshare\nЖалғыз\t100\n")
    author.send(page, f"{path}/table", press="take", how="replace")

    group = kept(number)["holders"]
    assert [(row["id"], row["values"]["name"]) for row in group["entries"]] == [("e4", "Жалғыз")]
    assert group["last"] == 4
    assert queries.history(refetched(number))[0].act == "replace_rows"


def test_a_group_inside_a_row_is_filled_from_a_table_too(stage):
    author, number, path = stage
    author.send(author.get(path), path, press="row-add", value="directors")

    page = given(
        author,
        path,
        "Организация\tС какого дня\tВознаграждение\n«Дала»\t1.2.2020\t1 000 000,50\n",
        "directors-e1-posts",
    )
    author.send(page, f"{path}/table", press="take")

    posts = kept(number)["directors"]["entries"][0]["values"]["posts"]
    assert posts["entries"][0]["values"] == {
        "place": "«Дала»",
        "since": "2020-02-01",
        "pay": {"amount": "1000000.50", "currency": "KZT"},
    }


def test_a_group_of_an_entry_of_a_dynamic_form_is_filled_too(stage):
    author, number, path = stage
    path = address(number, "stages", "securities")
    form = "deep_securities"
    chosen = {f"{form}-platform": "main", f"{form}-sector": "notes", f"{form}-isin": "KZ1C00001015"}
    added = author.post(path, {**author.get(path).form(path), **chosen, "add": form})
    assert added.status == 303, added.main

    page = given(author, path, "title\nБірінші транш\nЕкінші транш\n", f"{form}-e1-tranches")
    author.send(page, f"{path}/table", press="take")

    entry = kept(number, "securities", form)["entries"][0]
    assert [row["values"]["title"] for row in entry["values"]["tranches"]["entries"]] == [
        "Бірінші транш",
        "Екінші транш",
    ]


def sheet(*lines, formats=()) -> bytes:
    """Return an XLSX file with these lines."""
    book = openpyxl.Workbook()
    for line in lines:
        book.active.append(line)
    for place, number_format in formats:
        book.active[place].number_format = number_format
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def upload(author, path, name, content, group="holders"):
    """Give a file and return the page that shows what it would bring."""
    page = author.get(f"{path}/table?group={group}")
    form = page.form(f"{path}/table")
    form["file"] = (io.BytesIO(content), name)
    return author.post(f"{path}/table", {**form, "look": "yes"})


def test_a_workbook_is_read_by_its_values(stage):
    author, number, path = stage
    content = sheet(["Name", "Share", "BIN"], ["Алтын", 0.4, 40240002347], formats=[("B2", "0.00%")])

    author.send(upload(author, path, "holders.xlsx", content), f"{path}/table", press="take")

    assert [row["values"] for row in kept(number)["holders"]["entries"]] == [
        {"name": "Алтын", "share": "40", "bin": "040240002347"}
    ]


def test_dates_of_a_workbook_are_dates(stage):
    author, number, path = stage
    author.send(author.get(path), path, press="row-add", value="directors")
    content = sheet(["place", "since"], ["А", date(2020, 2, 1)], ["Б", datetime(2021, 12, 31)])

    page = upload(author, path, "posts.xlsx", content, "directors-e1-posts")
    author.send(page, f"{path}/table", press="take")

    posts = kept(number)["directors"]["entries"][0]["values"]["posts"]["entries"]
    assert [row["values"]["since"] for row in posts] == ["2020-02-01", "2021-12-31"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
def test_a_csv_file_is_read_in_the_encodings_that_spreadsheets_write(stage, encoding):
    author, number, path = stage
    content = "Наименование;Доля\r\nАО «Дала»;12,5\r\n".encode(encoding)

    author.send(upload(author, path, "holders.csv", content), f"{path}/table", press="take")

    assert [row["values"] for row in kept(number)["holders"]["entries"]] == [{"name": "АО «Дала»", "share": "12.5"}]


@pytest.mark.parametrize("ending", ["xlsx", "csv"])
@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_the_template_is_read_back_and_its_example_is_left_out(deep, stage, ending, language):
    _author, number, path = stage
    someone = signed_in(deep, "issuer", language)
    template = someone.get(f"{path}/table/template.{ending}?group=holders")
    assert template.status == 200

    page = upload(someone, path, f"template.{ending}", template.content)

    assert "table.examples" in page.terms()
    refused = someone.send(page, f"{path}/table", press="look")
    assert not [item for item in refused.root.iter("tr") if item.get("data-line")]
    assert kept(number) == {}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.xlsx", b"PK\x03\x04 broken"),
        ("a.xlsx", b""),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600),
        ("a.csv", b"a;b\n\x00\x01;2"),
        ("a.csv", b"x" * (2 * 1024 * 1024 + 1)),
    ],
)
def test_files_that_are_no_tables_are_refused_with_a_clear_word(stage, name, content):
    author, number, path = stage

    answer = upload(author, path, name, content)

    assert answer.status == 422
    assert answer.error("file") if content else answer.error("text")
    assert kept(number) == {}


def test_more_rows_than_the_group_may_hold_are_refused(stage):
    author, number, path = stage
    author.send(given(author, path, HOLDERS), f"{path}/table", press="take")
    page = given(author, path, "name\n" + "".join(f"Ұйым {n}\n" for n in range(199)))

    refused = author.send(page, f"{path}/table", press="take")

    assert refused.status == 422
    assert len(kept(number)["holders"]["entries"]) == 2
    assert given(author, path, "name\n" + "x\n" * 400).status == 422


def test_two_at_once_get_a_conflict_and_the_table_stays_on_the_page(stage):
    author, number, path = stage
    page = given(author, path, HOLDERS)
    author.send(author.get(path), path, press="save", brand="Басқа")

    late = author.send(page, f"{path}/table", press="take")

    assert late.status == 409
    assert "«Дала» АҚ" in late.main
    assert "holders" not in kept(number)
    assert author.send(late, f"{path}/table", press="take").status == 303
    assert kept(number)["brand"] == "Басқа"


def test_nobody_else_takes_a_table_in_and_no_other_group_is_there(deep, stage):
    author, _number, path = stage

    assert signed_in(deep, "other_issuer").get(f"{path}/table?group=holders").status == 404
    assert signed_in(deep, "listing").get(f"{path}/table?group=holders").status == 404
    for group in ("", "brand", "nosuch", "directors-e9-posts", "holders-e1"):
        assert author.get(f"{path}/table?group={group}").status == 404


def test_what_looks_like_a_formula_goes_out_guarded_and_comes_back_the_same(deep, stage):
    author, number, path = stage
    page = given(author, path, "name\tshare\n=cmd|' /C calc'!A0\t5\n")
    author.send(page, f"{path}/table", press="take")
    db.session.commit()
    goal = importing.target(refetched(number), "company", "holders")

    from app.forms import headings, tabular

    rows = [row["values"] for row in kept(number)["holders"]["entries"]]
    text = tabular.written(rows, goal.columns, "ru")

    assert "'=cmd" in text
    lines = tabular.split(text, goal.columns)
    assert [
        row.values for row in tabular.read(lines, headings.match(lines[0], goal.columns), goal.columns, skip=1)
    ] == rows
