"""The drawing of a procedure."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from app.definition_files import Words
from app.terms import LANGUAGES, say
from app.workflows.graph import WRAP, draw, words_of

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_drawing_shows_every_process_and_every_transition_in_words(listing, language):
    drawing = ElementTree.fromstring(draw(listing, language, lambda term: say(term, language)))

    assert drawing.get("role") == "img"
    assert drawing.findtext(f"{SVG}title") == listing.title[language]
    told = drawing.findtext(f"{SVG}desc") or ""
    texts = {text.text for text in drawing.iter(f"{SVG}text")}
    assert {group.get("data-process") for group in drawing.iter(f"{SVG}g")} == set(listing.processes)
    for transition in listing.transitions:
        words = words_of(transition, language, lambda term: say(term, language))
        assert words in texts
        assert f"{words} → {listing.processes[transition.target].short_title[language]}" in told


def test_no_text_of_a_box_runs_over_its_edge(listing):
    drawing = ElementTree.fromstring(draw(listing, "kk", lambda term: say(term, "kk")))

    lines = [text.text or "" for group in drawing.iter(f"{SVG}g") for text in group.iter(f"{SVG}text")]
    assert max(map(len, lines)) <= WRAP


def test_the_words_of_a_file_are_escaped_in_the_drawing(tiny):
    title = Words.model_construct(kk="A & <b>", ru="A & <b>", en='A & <b> "c"')

    drawing = ElementTree.fromstring(draw(replace(tiny, title=title), "en", lambda term: say(term, "en")))

    assert drawing.findtext(f"{SVG}title") == 'A & <b> "c"'


def test_nothing_in_the_drawing_is_fetched_or_run(listing):
    drawing = draw(listing, "kk", lambda term: say(term, "kk"))

    assert "<script" not in drawing
    assert "<style" not in drawing
    assert "href" not in drawing
