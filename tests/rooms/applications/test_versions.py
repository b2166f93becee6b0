"""A draft stays with the versions it began with until its author moves it, seeing what becomes of every answer."""

from __future__ import annotations

import re
import shutil

import houses
import pytest
from browser import signed_in
from factories import application_at, new_application, person, refetched, typed, values
from test_creating import address

from app import catalogue, db
from app.applications import answering, queries, renewal
from app.config import ROOT
from app.errors import Conflict, NotPermitted
from app.forms.paths import PARKED
from app.web import clock

ACTIVITY = re.compile(r"      - key: activity\n(?:        .+\n)+")


@pytest.fixture
def renewed(demo_folder, tmp_path, built, database, request):
    """A house whose issuer's form has a second version: one field gone, one required now."""
    for folder in ("workflows", "forms"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    first = (tmp_path / "forms" / "issuer.v1.yaml").read_text(encoding="utf-8")
    second, removed = ACTIVITY.subn("", first.replace("version: 1", "version: 2", 1))
    assert removed == 1
    second = second.replace(
        "key: website\n        type: text\n", "key: website\n        type: text\n        required: true\n"
    )
    url = ""
    if database == "postgresql":
        url = request.getfixturevalue("server").database(request.getfixturevalue("poured"))
    named = {"KEZEN_WORKFLOWS": str(tmp_path / "workflows"), "KEZEN_FORMS": str(tmp_path / "forms")}
    found = houses.copied(demo_folder, tmp_path / "var", url, **named)
    with found.day() as house:
        application = new_application()
        raw = typed(application, "issuer", activity="35.11 Энергия", phone="+77272375324")
        answering.save(application, "issuer", raw, by=person("issuer"), done=False, now=clock.now(house.config))
        db.session.commit()
        (tmp_path / "forms" / "issuer.v2.yaml").write_text(second, encoding="utf-8")
        catalogue.configure(house.config)
        yield house, application.number
    found.engine.dispose()
    built(database).enter()


def revisions(application) -> dict[str, int]:
    """Return the revisions that the page would have shown."""
    return {each.stage: each.revision for each in renewal.renewals(application)}


def test_nothing_moves_by_itself_and_the_hub_tells_that_there_is_a_newer_version(renewed):
    house, number = renewed
    author = signed_in(house, "issuer")

    page = author.get(address(number))

    assert "renew.offer" in page.terms()
    assert refetched(number).forms["issuer"] == 1
    assert author.get(address(number, "stages", "issuer")).one(name="activity") is not None


def test_the_page_tells_of_every_answer_and_a_confirmed_move_keeps_all_of_them(renewed):
    house, number = renewed
    author = signed_in(house, "issuer")
    page = author.get(address(number, "versions"))
    assert "35.11 Энергия" in page.says(data_field="activity")
    assert page.one(data_form="issuer").get("data-state") == "affects"

    done = author.send(page, address(number, "versions"))

    assert done.location == address(number)
    application = refetched(number)
    kept = values(application, "issuer")
    assert application.forms["issuer"] == 2
    assert kept["phone"] == "+77272375324"
    assert kept[PARKED] == {"activity": "35.11 Энергия"}
    assert queries.latest(application, "issuer").revision == 2
    last = queries.history(application)[0]
    assert (last.act, last.words) == ("renew", "issuer: 1 → 2")
    assert "renew.offer" not in author.get(address(number)).terms()
    assert "website" in {gap.path for gap in answering.gaps(application, "issuer", {"issuer": kept})}


def test_a_filled_stage_is_to_be_finished_again(renewed):
    house, number = renewed
    application = refetched(number)
    position = {**application.stages, "issuer": "filled"}
    application.stages = position
    db.session.commit()

    renewal.renew(
        application,
        seen=application.version,
        revisions=revisions(application),
        by=person("issuer"),
        now=clock.now(house.config),
    )

    assert str(queries.position(refetched(number)).status("issuer")) == "filling"


def test_what_was_saved_since_the_page_was_shown_is_not_moved_unseen(renewed):
    house, number = renewed
    author = signed_in(house, "issuer")
    page = author.get(address(number, "versions"))
    path = address(number, "stages", "issuer")
    author.send(author.get(path), path, press="save", activity="Басқа")

    late = author.send(page, address(number, "versions"))

    assert late.status == 409
    assert "Басқа" in late.main
    assert refetched(number).forms["issuer"] == 1
    author.send(late, address(number, "versions"))
    assert values(refetched(number), "issuer")[PARKED] == {"activity": "Басқа"}


def test_only_the_author_moves_it_and_only_while_it_is_in_his_hands(renewed):
    house, number = renewed
    now, application = clock.now(house.config), refetched(number)
    for key in ("clerk", "first_head", "listing", "other_issuer"):
        with pytest.raises(NotPermitted):
            renewal.renew(refetched(number), seen=application.version, revisions={}, by=person(key), now=now)
        assert signed_in(house, key).get(address(number, "versions")).status == 404
    for process in ("first_head", "expertise", "archived"):
        try:
            sent = application_at(process)
        except StopIteration:
            continue
        with pytest.raises(NotPermitted):
            renewal.renew(sent, seen=sent.version, revisions={}, by=person("issuer"), now=now)


def test_there_is_nothing_to_do_twice(renewed):
    house, number = renewed
    now, author = clock.now(house.config), person("issuer")
    application = refetched(number)
    renewal.renew(application, seen=application.version, revisions=revisions(application), by=author, now=now)
    db.session.commit()
    application = refetched(number)

    with pytest.raises(Conflict):
        renewal.renew(application, seen=application.version, revisions={}, by=author, now=now)
