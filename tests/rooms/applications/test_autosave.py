"""The page saves by itself: nothing but answers changes, the same save twice is one, and nobody saves for another."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from browser import Browser, signed_in, words
from factories import Teller, application_at, new_application, person, refetched
from sqlalchemy import func, select
from test_creating import address

from app import db
from app.applications import answering, filing, queries
from app.applications.models import Answers, Application, History
from app.audit.models import AuditEntry
from app.notifications.models import Mail, Notification
from app.terms import say

NEW = "/procedures/deep_listing/new"
JSON = {"Accept": "application/json"}


@pytest.fixture
def two(deep):
    """Author and clerk at the same application, and the address of its stage with groups."""
    author = signed_in(deep, "issuer")
    number = author.send(author.get(NEW), NEW).location.rsplit("/", 1)[-1]
    application = refetched(number)
    filing.assign_colleague(application, person("clerk").id, by=person("issuer"), now=application.created_at)
    db.session.commit()
    clerk = signed_in(deep, "clerk")
    return SimpleNamespace(one=author, two=clerk, number=number, path=address(number, "stages", "company"), house=deep)


def autosaved(someone, path, *, revision=0, key="k1", user="issuer", **typed):
    """Send what was typed as the page does, and return the answer."""
    who = {"issuer": "issuer"}.get(user, user)
    data = {"revision": str(revision), "key": key, "user": str(person(who).id), "unsure": ""}
    data |= {name.replace("__", "-"): text for name, text in typed.items()}
    return someone.post(f"{path}/autosave", data, headers=JSON)


def told(page):
    """Return the JSON of an answer."""
    assert page.status == 200, (page.status, page.text[:300])
    return page.answer.get_json()


def newest(two, stage="company"):
    """Return what stands in a stage."""
    return queries.latest(refetched(two.number), stage)


def traces() -> tuple[int, ...]:
    """Return how much there is of what an autosave must not touch."""
    tables = (History, Notification, Mail)
    return tuple(db.session.scalar(select(func.count()).select_from(table)) or 0 for table in tables)


# What it stores


def test_only_what_came_is_stored_with_who_and_when_and_no_status_moves(two):
    before, was = traces(), refetched(two.number)
    position, version = dict(was.stages), was.version

    said = told(autosaved(two.one, two.path, brand="Алтын", about__ru="Зерно"))
    told(autosaved(two.one, two.path, revision=said["revision"], key="k2", brand="Алтын дала"))

    row = newest(two)
    assert row.values["deep_company"] == {"brand": "Алтын дала", "about": {"ru": "Зерно"}}
    assert (row.revision, row.is_autosaved, row.by_id) == (2, True, person("issuer").id)
    now_ = refetched(two.number)
    assert (dict(now_.stages), now_.version) == (position, version)
    assert traces() == before
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert (entry.act, entry.user_id, entry.details["changed"]) == ("answered", person("issuer").id, ["brand"])


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_where_the_status_is_shown_it_is_said_that_answers_are_kept(two, language):
    reader = signed_in(two.house, "issuer", language)
    reader.get(two.path, query_string={"lang": language})
    assert not reader.get(address(two.number)).all(data_kept="")
    told(autosaved(reader, two.path, brand="Алтын"))
    begins = say("answers.kept", language, at="")

    hub, stage = reader.get(address(two.number)), reader.get(two.path)
    summary = reader.get(address(two.number, "summary"))

    row = next(item for item in hub.all(data_stage="company") if item.tag == "li")
    assert begins in words(row)
    assert say("st.not_started", language) in words(row)
    assert begins in stage.says(data_kept="")
    assert say("answers.kept_alone", language) in summary.main
    reader.send(stage, two.path, press="save")
    assert not reader.get(two.path).all(data_kept="")
    assert begins not in reader.get(address(two.number)).main


def test_to_those_who_do_not_fill_it_in_nothing_is_said_of_what_is_kept(house):
    application = new_application()
    db.session.commit()
    path = address(application.number, "stages", "issuer")
    told(autosaved(signed_in(house, "issuer"), path, legal_address="Абай 1"))

    assert not signed_in(house, "first_head").get(address(application.number)).all(data_kept="")


@pytest.mark.parametrize(("language", "begins"), [("kk", "Автоматты"), ("ru", "Сохранено"), ("en", "Saved")])
def test_the_answer_says_when_in_the_readers_language(two, language, begins):
    reader = signed_in(two.house, "issuer", language)
    reader.get(two.path, query_string={"lang": language})

    assert told(autosaved(reader, two.path, brand="А"))["said"].startswith(begins)


def test_every_save_is_a_revision_and_nothing_typed_is_none(two):
    for number, brand in enumerate(("а", "аа", "ааа")):
        told(autosaved(two.one, two.path, revision=number, key=f"k{number}", brand=brand))
    again = told(autosaved(two.one, two.path, revision=3, key="k9", brand="ааа"))

    assert again["revision"] == 3
    rows = db.session.scalars(
        select(Answers).where(Answers.application_id == refetched(two.number).id).order_by(Answers.revision)
    ).all()
    assert [row.values["deep_company"]["brand"] for row in rows] == ["а", "аа", "ааа"]


# The same save twice


def test_a_save_that_comes_again_makes_no_second_revision_and_gets_the_same_answer(two):
    first = told(autosaved(two.one, two.path, key="again", brand="Алтын"))
    told(autosaved(two.two, two.path, revision=1, key="other", user="clerk", brand="Басқа"))

    again = told(autosaved(two.one, two.path, key="again", brand="Алтын"))

    assert again == first
    assert newest(two).revision == 2
    assert newest(two).values["deep_company"]["brand"] == "Басқа"


def test_the_same_mark_of_another_person_is_another_save(two):
    told(autosaved(two.one, two.path, key="k", brand="Алтын"))
    told(autosaved(two.two, two.path, revision=1, key="k", user="clerk", brand="Басқа"))

    assert newest(two).revision == 2


def test_what_the_page_has_sent_without_an_answer_is_not_held_against_it(two):
    told(autosaved(two.one, two.path, key="lost", brand="Ал", about__ru="Зерно"))

    data = {"revision": "0", "unsure": "lost never-came", "save": "yes", "brand": "Алтын дала", "about-ru": "Зерно"}
    saved = two.one.post(two.path, data)

    assert saved.status == 303
    assert newest(two).values["deep_company"]["brand"] == "Алтын дала"


# Texts that are no values yet


def test_half_a_date_stands_in_the_box_again_and_done_refuses_it(two):
    for path in ("directors", "directors-e1-posts", "holders"):
        two.one.send(two.one.get(two.path), two.path, press="row-add", value=path)
    since = "directors-e1-posts-e1-since"
    whole = {"brand": "Дала", "directors-e1-name": "А", "directors-e1-posts-e1-place": "Б", since: "01.02.2020"}
    whole |= {"holders-e1-name": "Қор", "holders-e1-share": "10"}
    two.one.send(two.one.get(two.path), two.path, press="save", **whole)

    said = told(autosaved(two.one, two.path, revision=newest(two).revision, **{since: "01.0"}))

    assert [fault["path"] for fault in said["faults"]] == [since]
    assert said["faults"][0]["text"]
    assert newest(two).unread == {since: {since: "01.0"}}
    page = two.two.get(two.path)
    assert page.form(two.path)[since] == ["01.0"]
    refused = two.two.post(two.path, {"done": "yes", "revision": str(newest(two).revision)})
    assert refused.status == 422
    assert refused.error(since)

    mended = told(autosaved(two.one, two.path, revision=newest(two).revision, key="k2", **{since: "01.03.2020"}))
    assert mended["faults"] == []
    assert newest(two).unread == {}
    assert two.one.send(two.one.get(two.path), two.path, press="done").status == 303


def test_half_a_text_leaves_with_its_row(two):
    two.one.send(two.one.get(two.path), two.path, press="row-add", value="holders")
    told(autosaved(two.one, two.path, revision=1, **{"holders-e1-share": "көп"}))
    assert newest(two).unread

    two.one.send(two.one.get(two.path), two.path, press="row-remove", value="holders-e1")

    assert newest(two).unread == {}


def test_half_a_text_stays_when_something_else_is_saved(two):
    two.one.send(two.one.get(two.path), two.path, press="row-add", value="holders")
    told(autosaved(two.one, two.path, revision=1, **{"holders-e1-share": "көп"}))

    two.two.post(two.path, {"save": "yes", "revision": "2", "brand": "Дала"})

    assert newest(two).unread == {"holders-e1-share": {"holders-e1-share": "көп"}}
    assert newest(two).values["deep_company"]["brand"] == "Дала"


# Others


def test_what_others_changed_comes_with_the_answer(two):
    told(autosaved(two.one, two.path, brand="Алтын"))

    said = told(autosaved(two.two, two.path, key="k2", user="clerk", about__ru="Зерно"))

    assert newest(two).values["deep_company"] == {"brand": "Алтын", "about": {"ru": "Зерно"}}
    assert said["merged"] == [{"path": "brand", "inputs": {"brand": "Алтын"}, "text": "Алтын"}]
    assert "Ахметова Айгүл" in said["sentences"][0]
    assert "Атауы" in said["sentences"][0]


def test_what_both_changed_is_not_stored_but_asked_and_the_rest_is_stored(two):
    told(autosaved(two.one, two.path, brand="Алтын"))

    said = told(autosaved(two.two, two.path, key="k2", user="clerk", brand="Күміс", about__ru="Зерно"))

    assert newest(two).values["deep_company"] == {"brand": "Алтын", "about": {"ru": "Зерно"}}
    (clash,) = said["conflicts"]
    assert (clash["path"], clash["kind"], clash["theirs"], clash["inputs"]) == (
        "brand",
        "field",
        "Алтын",
        {"brand": "Алтын"},
    )
    assert "Ахметова Айгүл" in clash["by"]

    chosen = told(autosaved(two.two, two.path, revision=said["revision"], key="k3", user="clerk", brand="Күміс"))
    assert chosen["conflicts"] == []
    assert newest(two).values["deep_company"]["brand"] == "Күміс"


def test_rows_that_came_or_went_are_told_as_what_the_page_cannot_show(two):
    two.one.send(two.one.get(two.path), two.path, press="row-add", value="directors")
    page = two.two.get(two.path)
    assert page.all(name="directors-e1-name")
    two.one.send(two.one.get(two.path), two.path, press="row-add", value="holders")
    two.one.send(two.one.get(two.path), two.path, press="row-remove", value="directors-e1")

    said = told(autosaved(two.two, two.path, revision=1, user="clerk", **{"directors-e1-name": "Мен", "brand": "Дала"}))

    assert {(item["path"], item["kind"]) for item in said["reload"]} == {
        ("directors-e1", "removed"),
        ("holders-e1", "added"),
    }
    assert [(clash["path"], clash["kind"]) for clash in said["conflicts"]] == [("directors-e1", "removed_there")]
    assert newest(two).values["deep_company"]["brand"] == "Дала"


# Who may, and when


def test_without_a_session_the_answer_is_401_and_with_another_persons_it_is_refused(two):
    token = two.one.token
    two.one.post("/logout")

    gone = two.one.post(f"{two.path}/autosave", {"csrf_token": token, "brand": "А"}, headers=JSON)
    asked = two.one.get(f"{two.path}/autosave", headers=JSON)
    other = autosaved(two.two, two.path, user="issuer", brand="А")

    assert (gone.status, gone.answer.get_json()) == (401, {"error": "signed_out"})
    assert asked.status == 401
    assert (other.status, other.answer.get_json()["error"]) == (404, "other_user")
    assert newest(two) is None


def test_a_page_without_the_sessions_token_is_told_so_and_gets_a_new_one(two):
    stale = two.one.post(f"{two.path}/autosave", {"csrf_token": "x", "key": "k", "brand": "А"}, headers=JSON)
    state = two.one.get(f"{two.path}/autosave", headers=JSON).answer.get_json()

    assert (stale.status, stale.answer.get_json()["error"]) == (400, "stale")
    assert (state["user"], state["revision"]) == (person("issuer").id, 0)
    two.one.token = state["csrf_token"]
    assert told(autosaved(two.one, two.path, brand="А"))["revision"] == 1


def test_an_outsider_finds_nothing(two):
    outsider = signed_in(two.house, "other_issuer")

    assert autosaved(outsider, two.path, user="other_issuer", brand="А").status == 404
    assert outsider.get(f"{two.path}/autosave", headers=JSON).status == 404
    assert newest(two) is None


def test_a_nameless_save_and_a_stage_that_is_none_are_refused(two):
    assert autosaved(two.one, two.path, key="", brand="А").status == 400
    assert autosaved(two.one, two.path, key="k" * 41, brand="А").status == 400
    assert autosaved(two.one, address(two.number, "stages", "nosuch"), brand="А").status == 404
    assert autosaved(two.one, address(two.number, "stages", "receipt"), brand="А").status == 409  # not open yet
    assert newest(two) is None


@pytest.mark.parametrize("process", ["first_head", "registration", "archived"])
def test_what_has_been_sent_is_not_changed_by_a_page_left_open(house, process):
    application = application_at(process)
    number, stands = application.number, queries.latest(application, "issuer").revision
    someone = signed_in(house, "issuer")

    answer = autosaved(someone, address(number, "stages", "issuer"), revision=stands, activity="мұнай")

    assert answer.status == 409
    assert answer.answer.get_json()["said"]
    assert queries.latest(refetched(number), "issuer").revision == stands


def test_too_many_saves_are_put_off_and_none_is_lost(two, monkeypatch):
    monkeypatch.setattr(answering, "MOST_AUTOSAVES", 2)
    for number in (1, 2):
        told(autosaved(two.one, two.path, revision=number - 1, key=f"k{number}", brand=str(number)))

    refused = autosaved(two.one, two.path, revision=2, key="k3", brand="3")

    assert (refused.status, refused.answer.get_json()["error"]) == (429, "too_often")
    assert (
        told(autosaved(two.one, two.path, revision=1, key="k2", brand="2"))["revision"] == 2
    )  # a known one is answered
    assert told(autosaved(two.two, two.path, revision=2, key="k1", user="clerk", brand="4"))["revision"] == 3


# What nobody has confirmed is not sent


def test_a_finished_stage_changed_by_itself_holds_the_sending_up_until_somebody_confirms(house):
    application = Teller(house.config).filled()
    db.session.commit()
    number, someone = application.number, signed_in(house, "issuer")
    path = address(number, "stages", "issuer")
    seen = queries.latest(application, "issuer").revision

    told(autosaved(someone, path, revision=seen, legal_address=""))

    assert queries.position(refetched(number)).status("issuer") == "filled"
    assert say("answers.unconfirmed", "kk", at="") in someone.get(address(number)).main
    summary = someone.get(address(number, "summary"))
    refused = someone.send(summary, address(number, "transitions", "send_for_approval"))
    assert refused.status == 409
    assert "Эмитент" in refused.main
    assert say("workflow.err.unconfirmed", "kk", stages="|").split("|")[1].strip(". ") in refused.main
    page = someone.get(path)
    assert someone.send(page, path, press="done").status == 422
    assert someone.send(page, path, press="done", legal_address="Абай 1").status == 303
    page = someone.get(address(number, "summary"))
    assert someone.send(page, address(number, "transitions", "send_for_approval")).status == 303


def test_pressing_save_confirms_what_the_page_had_saved(two):
    told(autosaved(two.one, two.path, brand="Дала"))

    assert two.one.send(two.one.get(two.path), two.path, press="save").status == 303

    row = newest(two)
    assert (row.revision, row.is_autosaved) == (2, False)
    assert row.values["deep_company"]["brand"] == "Дала"


def test_the_page_carries_what_its_script_needs_and_who_only_reads_gets_none(two):
    form = two.one.get(two.path).one(data_autosave=f"{two.path}/autosave")
    assert form.get("data-user") == str(person("issuer").id)
    assert form.get("data-forms") == "deep_company.v1"

    sent = two.one.get(address(application_at("archived"), "stages", "issuer"))
    assert not [item for item in sent.root.iter("form") if item.get("data-autosave")]
    assert "autosave.js" not in sent.text
    assert words(sent.root)


def test_an_anonymous_page_request_is_still_led_to_the_door(house):
    answer = Browser(house.app).get("/applications")

    assert answer.status == 303
    assert db.session.scalar(select(func.count(Application.id)))
