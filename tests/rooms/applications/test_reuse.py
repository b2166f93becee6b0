"""A stage filled from questionnaires and from the organisation's record, answer by answer (user manual, 9.6)."""

from __future__ import annotations

import re
import shutil

import houses
import pytest
from browser import signed_in
from factories import application_at, new_application, person, refetched, typed, values
from test_creating import address

from app import catalogue, db
from app.applications import answering, queries, reuse
from app.applications.answering import StageConflict
from app.config import ROOT
from app.errors import Invalid, NotFound
from app.web import clock


@pytest.fixture
def origin(house):
    """The archived application of the first company."""
    return application_at("archived")


@pytest.fixture
def fresh(house):
    """An application that has just been begun."""
    return new_application()


def picked(offers) -> dict[str, bool]:
    """Return path -> chosen beforehand, of all offers."""
    return {offer.path: offer.is_chosen for each in offers for offer in each.found.offers}


@pytest.mark.req("IS2IN-9.6.a")
def test_every_answer_of_the_same_version_is_chosen_beforehand_in_an_empty_stage(fresh, origin):
    given = reuse.offers(fresh, "issuer", origin, language="kk")

    assert picked(given) == dict.fromkeys(values(origin, "issuer"), True)


def test_an_answer_that_stands_is_not_overwritten_unless_it_is_picked(fresh, origin, now):
    author = person("issuer")
    answering.save(
        fresh, "issuer", typed(fresh, "issuer", legal_address="Басқа мекенжай"), by=author, done=False, now=now
    )
    given = picked(reuse.offers(fresh, "issuer", origin, language="kk"))

    reuse.take(fresh, "issuer", origin, picked=None, by=author, now=now)

    assert given["legal_address"] is False
    assert values(fresh, "issuer")["legal_address"] == "Басқа мекенжай"
    assert values(fresh, "issuer")["bin"] == values(origin, "issuer")["bin"]


@pytest.mark.req("IS2IN-9.6.a")
def test_only_what_is_picked_is_taken_in_one_act_with_history_and_a_source_for_each_field(fresh, origin, now):
    reuse.take(fresh, "issuer", origin, picked=["bin", "email"], by=person("issuer"), now=now)

    row = queries.latest(fresh, "issuer")
    assert set(row.values["issuer"]) == {"bin", "email"}
    assert {path: source["number"] for path, source in row.origins.items()} == dict.fromkeys(
        ("bin", "email"), origin.number
    )
    last = queries.history(fresh)[0]
    assert (last.act, last.stage, last.words) == ("fill_from", "issuer", origin.number)
    assert row.revision == 1


def test_the_source_of_a_field_stays_until_that_field_is_edited(fresh, origin, now):
    author = person("issuer")
    reuse.take(fresh, "issuer", origin, picked=["bin", "email", "phone"], by=author, now=now)

    changed = typed(fresh, "issuer", email="zhana@altyndan.example", website="altyndan.example")
    answering.save(fresh, "issuer", changed, by=author, done=False, now=now)

    assert set(queries.latest(fresh, "issuer").origins) == {"bin", "phone"}


def test_the_page_shows_old_and_new_side_by_side_and_takes_what_is_ticked(fresh, origin, browser):
    someone, path = browser("issuer", "ru"), address(fresh, "stages", "issuer")
    db.session.commit()
    page = someone.get(f"{path}/questionnaire?from={origin.number}")
    assert page.status == 200
    assert page.one(data_field="legal_address").get("data-state") == "chosen"
    form = page.form(f"{path}/questionnaire")
    assert set(form["pick"]) == set(values(origin, "issuer"))

    taken = someone.post(f"{path}/questionnaire", {**form, "pick": ["legal_address"]})

    assert taken.location == path
    assert set(values(refetched(fresh), "issuer")) == {"legal_address"}
    stage = someone.get(path)
    assert origin.number in stage.says(data_field="legal_address")
    assert "msg.prefill_source" not in {item.get("data-key") for item in stage.one(data_field="phone").iter()}


def test_two_at_once_get_a_conflict_and_nothing_is_lost(fresh, origin, browser, now):
    someone, path = browser("issuer"), address(fresh, "stages", "issuer")
    db.session.commit()
    form = someone.get(f"{path}/questionnaire?from={origin.number}").form(f"{path}/questionnaire")
    application = refetched(fresh)
    answering.save(
        application,
        "issuer",
        typed(application, "issuer", phone="+77011112233"),
        by=person("issuer"),
        done=False,
        now=now,
    )
    db.session.commit()

    late = someone.post(f"{path}/questionnaire", form)

    assert late.status == 409
    assert values(refetched(fresh), "issuer") == {"phone": "+77011112233"}
    with pytest.raises(StageConflict):
        reuse.take(refetched(fresh), "issuer", origin, picked=["bin"], seen=0, by=person("issuer"), now=now)


def test_entries_are_added_to_those_that_stand_there_and_files_are_told(fresh, origin, now):
    author = person("issuer")
    reuse.take(fresh, "requirements", origin, picked=None, by=author, now=now)
    again = reuse.offers(fresh, "requirements", origin, language="kk")

    assert values(fresh, "requirements")["entries"] == values(origin, "requirements")["entries"]
    assert [each.found.same for each in again] == [len(values(origin, "requirements")["entries"])]
    documents = reuse.offers(fresh, "documents", origin, language="kk")
    told = [(left.reason, left.text) for each in documents for left in each.found.left]
    assert told
    assert {reason for reason, _ in told} == {"reuse.file"}


def test_what_is_not_offered_cannot_be_picked(fresh, origin, now):
    with pytest.raises(Invalid):
        reuse.take(fresh, "issuer", origin, picked=["nosuch"], by=person("issuer"), now=now)
    assert queries.latest(fresh, "issuer") is None


def test_another_companys_questionnaire_is_not_found(house, origin, browser, now):
    theirs = application_at("filling", "BRKT") if _has("BRKT", "filling") else None
    other = theirs or new_application("other_issuer")
    db.session.commit()

    with pytest.raises(NotFound):
        reuse.take(other, "issuer", origin, picked=None, by=person("other_issuer"), now=now)
    path = address(other, "stages", "issuer", "questionnaire")
    assert browser("other_issuer").get(f"{path}?from={origin.number}").status == 404


def _has(code: str, process: str) -> bool:
    try:
        application_at(process, code)
    except StopIteration:
        return False
    return True


def test_the_organisations_record_is_offered_the_same_way(fresh, browser):
    someone, path = browser("issuer"), address(fresh, "stages", "issuer")
    db.session.commit()
    page = someone.get(path)
    assert page.form(f"{path}/questionnaire")["from"] == ["record"]

    someone.send(someone.get(f"{path}/questionnaire?from=record"), f"{path}/questionnaire")

    taken, head = values(refetched(fresh), "issuer"), person("first_head")
    company = fresh.organisation
    assert (taken["bin"], taken["full_name"]) == (company.bin, company.names)
    assert (taken["head_name"], taken["head_iin"], taken["head_position"]) == (head.full_name, head.iin, head.position)
    assert taken["contact_name"] == person("issuer").full_name
    assert queries.history(refetched(fresh))[0].act == "fill_from_record"


def test_what_the_record_now_says_otherwise_is_told_at_the_field(fresh, browser, now):
    reuse.take(fresh, "issuer", None, picked=["head_name", "bin"], by=person("issuer"), now=now)
    person("first_head").last_name = "Өзгерген"
    db.session.commit()
    stage = browser("issuer").get(address(fresh, "stages", "issuer"))

    said = [item.get("data-key") for item in stage.one(data_field="head_name").iter()]
    assert "reuse.otherwise" in said
    assert "Өзгерген" in stage.says(data_field="head_name")
    assert "reuse.otherwise" not in [item.get("data-key") for item in stage.one(data_field="bin").iter()]


def test_what_the_record_says_otherwise_than_a_questionnaire_is_told_before_and_after_it_is_taken(
    fresh, origin, browser
):
    person("first_head").last_name = "Өзгерген"
    db.session.commit()
    someone, path = browser("issuer"), address(fresh, "stages", "issuer")
    page = someone.get(f"{path}/questionnaire?from={origin.number}")

    assert "Өзгерген" in page.says(data_field="head_name")
    someone.send(page, f"{path}/questionnaire")
    assert "Өзгерген" in someone.get(path).says(data_field="head_name")


ACTIVITY = re.compile(r"      - key: activity\n(?:        .+\n)+")


@pytest.fixture
def changed(demo_folder, tmp_path, built, database, request):
    """A house with a second version of the issuer's form: one field gone, one with another meaning, one stricter."""
    for folder in ("workflows", "forms"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    first = (tmp_path / "forms" / "issuer.v1.yaml").read_text(encoding="utf-8")
    second, removed = ACTIVITY.subn("", first.replace("version: 1", "version: 2", 1))
    assert removed == 1
    second = second.replace('ru: "Юридический адрес"', 'ru: "Юридический адрес на дату подачи"')
    second = second.replace(
        "      - key: head_position\n        type: text\n        max_length: 200",
        "      - key: head_position\n        type: text\n        max_length: 3",
    ).replace('example: "Басқарма төрағасы"', 'example: "БТ"')
    (tmp_path / "forms" / "issuer.v2.yaml").write_text(second, encoding="utf-8")
    url = ""
    if database == "postgresql":
        url = request.getfixturevalue("server").database(request.getfixturevalue("poured"))
    found = houses.copied(
        demo_folder,
        tmp_path / "var",
        url,
        KEZEN_WORKFLOWS=str(tmp_path / "workflows"),
        KEZEN_FORMS=str(tmp_path / "forms"),
    )
    with found.day() as house:
        yield house
    found.engine.dispose()
    built(database).enter()


@pytest.mark.req("IS2IN-9.6.a")
def test_a_questionnaire_of_an_older_version_tells_what_has_no_place_and_leaves_other_meanings_unticked(changed):
    origin, author, now = application_at("archived"), person("issuer"), clock.now(changed.config)
    row = queries.latest(origin, "issuer")
    row.values = {"issuer": {**row.values["issuer"], "activity": "35.11", "head_position": "Басқарма төрағасы"}}
    application = new_application()
    assert application.forms["issuer"] == 2

    [given] = reuse.offers(application, "issuer", origin, language="ru")

    assert given.older == 1
    assert {(left.path, left.reason) for left in given.found.left} >= {
        ("activity", "reuse.gone"),
        ("head_position", "reuse.unfit"),
    }
    reasons = {offer.path: offer.reason for offer in given.found.offers}
    assert reasons["legal_address"] == "reuse.meaning"
    assert reasons["email"] == ""
    reuse.take(application, "issuer", origin, picked=None, by=author, now=now)
    assert "legal_address" not in values(application, "issuer")
    assert reuse.untaken(application, "issuer", origin, language="ru") >= 3
    db.session.commit()
    someone = signed_in(changed, "issuer", "ru")
    page = someone.get(address(application, "stages", "issuer", "questionnaire") + f"?from={origin.number}")
    assert "35.11" in page.main
    new = "/procedures/share_listing/new"
    made = someone.send(someone.get(f"{new}?from={origin.number}"), new)
    assert "35.11" not in str(values(refetched(made.location.rsplit("/", 1)[-1]), "issuer"))
    assert catalogue.present().forms.get("issuer").version == 2
