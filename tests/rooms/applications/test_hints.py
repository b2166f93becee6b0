"""What is said of an answer when its box is left: the sentence of «Дайын», from the same parser, and nothing stored."""

from __future__ import annotations

import pytest
from browser import signed_in
from factories import refetched
from test_creating import address

from app import db
from app.applications import queries
from app.applications.models import Answers, History
from app.terms import say

NEW = "/procedures/deep_listing/new"
WRONG, RIGHT = "040240002348", "040240002347"


@pytest.fixture
def stage(deep):
    """The author's browser, the number of a new application, and the address of its stage with two holders."""
    author = signed_in(deep, "issuer")
    number = author.send(author.get(NEW), NEW).location.rsplit("/", 1)[-1]
    path = address(number, "stages", "company")
    for _ in range(2):
        author.send(author.get(path), path, press="row-add", value="holders")
    return author, number, path


def told(stage, about, **typed):
    """Ask about inputs as the page's script does, and return what is said."""
    author, _, path = stage
    answer = author.post(f"{path}/hints", {**author.get(path).form(path), **typed, "about": about})
    assert answer.status == 200, answer.text[:300]
    return answer.answer.get_json()


@pytest.mark.parametrize(
    ("name", "typed", "key"),
    [
        ("holders-e1-bin", WRONG, "field.err.bin_check"),
        ("holders-e1-bin", "12", "err.bin"),
        ("holders-e1-bin", RIGHT, ""),
        ("holders-e1-bin", "", ""),
        ("holders-e1-share", "көп", "field.err.number"),
    ],
)
def test_an_answer_is_judged_as_the_server_judges_it_and_nothing_is_stored(stage, name, typed, key):
    rows = db.session.query(Answers).count(), db.session.query(History).count()

    found = told(stage, [name], **{name: typed})

    assert found == {name: say(key, "kk") if key else ""}
    assert (db.session.query(Answers).count(), db.session.query(History).count()) == rows


def test_entries_that_must_differ_are_judged_together(stage):
    both = ["holders-e1-bin", "holders-e2-bin"]

    same = told(stage, both, **dict.fromkeys(both, RIGHT))
    mended = told(stage, both, **{both[0]: RIGHT, both[1]: "240640000109"})

    assert same == {both[0]: "", both[1]: say("field.err.not_unique", "kk", said=RIGHT, first=1)}
    assert mended == dict.fromkeys(both, "")


def test_the_same_twice_stays_in_a_draft_with_a_note_and_is_refused_when_done(stage):
    author, number, path = stage
    both = dict.fromkeys(("holders-e1-bin", "holders-e2-bin"), RIGHT)
    words = say("field.err.not_unique", "kk", said=RIGHT, first=1)

    saved = author.follow(author.send(author.get(path), path, press="save", **both))
    refused = author.send(author.get(path), path, press="done")

    assert words in saved.main
    assert refused.status == 422
    assert refused.error("holders-e2-bin") == words
    kept = queries.latest(refetched(number), "company").values["deep_company"]["holders"]["entries"]
    assert [row["values"]["bin"] for row in kept] == [RIGHT, RIGHT]


def test_what_a_row_no_longer_shows_makes_no_other_row_the_same(stage):
    author, _, path = stage
    first, second = ({f"holders-{row}-name": "Бидай", f"holders-{row}-share": "40"} for row in ("e1", "e2"))
    saved = author.send(author.get(path), path, press="save", **first, **second)
    assert author.send(author.follow(saved), path, press="done").error("holders-e2-name").startswith("Бидай, 40")

    refused = author.send(author.get(path), path, press="done", **{"holders-e1-share": "көп"})

    assert refused.status == 422
    assert refused.error("holders-e1-share") == say("field.err.number", "kk")
    assert not refused.all(data_error_for="holders-e2-name")


def test_of_a_stage_that_is_not_ones_own_nothing_is_said(stage, deep):
    _, number, path = stage
    stranger = signed_in(deep, "adviser")

    assert stranger.post(f"{path}/hints", {"about": "brand", "brand": "x"}).status in (403, 404)
    assert queries.latest(refetched(number), "company") is not None
