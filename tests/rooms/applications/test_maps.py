"""The map of an application: where it stands, who is next, how long each process usually takes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from browser import signed_in
from factories import application_at, person
from sqlalchemy import select, update

from app import db
from app.applications import durations, queries
from app.applications.models import Application, History
from app.terms import LANGUAGES, say
from tests import herd

BEGUN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def finish(count: int, days: list[int]) -> None:
    """Let there be ``count`` archived share listings alone, each with these days in one process after the other."""
    session = db.session
    session.execute(update(Application).where(Application.process == "archived").values(process="withdrawn"))
    original = application_at("result")
    first = 700_000
    herd.multiply(session.connection(), original.id, first_id=first, count=count, prefix="XD")
    moved = Application.id >= first
    session.execute(update(Application).where(moved).values(process="archived", archived_at=BEGUN))
    road = queries.procedure(original).main_road
    for ident in range(first, first + count):
        at = BEGUN
        for place, process in enumerate(road):
            session.add(History(application_id=ident, at=at, by_id=person("issuer").id, act="step", target=process))
            at += timedelta(days=days[place % len(days)] + (ident - first) * 10 * (place == 0))
    session.flush()


def test_the_usual_duration_is_the_median_of_those_that_came_to_the_end(house):
    finish(3, [2, 4])

    usual = durations.usual(queries.procedure(application_at("completeness")))

    assert usual["filling"] == timedelta(days=12)  # 2, 12 and 22
    assert usual["first_head"] == timedelta(days=4)
    assert usual["registration"] == timedelta(days=2)
    assert "rework" not in usual
    assert "archived" not in usual


def test_two_finished_applications_say_nothing_of_what_is_usual(house):
    finish(2, [2, 4])

    assert durations.usual(queries.procedure(application_at("completeness"))) == {}


def test_every_return_to_a_process_counts_as_a_stay_of_its_own(house):
    finish(3, [2])
    last = db.session.scalar(select(History.at).where(History.application_id == 700_000).order_by(History.id.desc()))
    assert last is not None
    for ident in range(700_000, 700_003):
        again = {"application_id": ident, "by_id": person("issuer").id, "act": "again"}
        db.session.add(History(at=last + timedelta(days=100), target="registration", **again))
        db.session.add(History(at=last + timedelta(days=110), target="archived", **again))
    db.session.flush()

    assert durations.usual(queries.procedure(application_at("completeness")))["registration"] == timedelta(days=10)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_hub_tells_where_it_stands_what_comes_next_and_what_is_usual(house, language):
    finish(3, [2, 4])
    application = application_at("completeness")

    page = signed_in(house, "issuer", language).get(f"/applications/{application.number}").text

    assert page.count('data-key="map.here"') == 1
    assert page.count('data-key="map.follows"') == 1
    assert next_words(application, "expertise", language) in page
    assert say("map.usual", language, n=4) in page


def test_in_rework_the_way_back_comes_next(house):
    application = application_at("rework")

    page = signed_in(house, "issuer", "ru").get(f"/applications/{application.number}").text

    assert next_words(application, "rework_approval", "ru") in page


def next_words(application: Application, process: str, language: str) -> str:
    title = queries.procedure(application).processes[process].short_title[language]
    return say("map.next", language, process=title, who="").rstrip()


def test_the_map_tells_every_process_and_way_as_text_and_as_a_drawing(house):
    application = application_at("completeness")

    page = signed_in(house, "listing").get(f"/applications/{application.number}/map").text

    procedure = queries.procedure(application)
    text, _, drawing = page.partition('class="map"')
    for process in procedure.processes.values():
        assert f'data-process="{process.key}"' in text
        assert f'data-process="{process.key}"' in drawing
    assert text.count('aria-current="step"') == drawing.count('aria-current="step"') == 1
    assert text.count(" → ") == len(procedure.transitions)


def test_an_outsider_finds_no_map(house):
    application = application_at("completeness")

    for key in ("other_issuer", "auditor"):
        assert signed_in(house, key).get(f"/applications/{application.number}/map").status == 404
