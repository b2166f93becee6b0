"""The second look: only what changed, beside the comments it answers; and the page that compares versions."""

from __future__ import annotations

import copy

import pytest
from browser import words
from factories import application_at, person, refetched
from test_comments import ENTRY, PLACE, one, returned, sent_again
from test_creating import address
from test_internal_leak import text_of

from app import db
from app.applications import approval, changes, effects, moves, queries, versions
from app.applications.models import SentVersion
from app.terms import say
from app.web import here
from app.web.templating import date_time_text

FORM = "extra_listing_requirements"


@pytest.fixture
def at_approval(house):
    """An application that stands at the first head."""
    return application_at("first_head")


def edited(application, now, stage, form, **given):
    """Save answers of a stage with some of them changed; None takes one away."""
    values = copy.deepcopy(queries.latest(application, stage).values)
    values[form] = {key: value for key, value in {**values[form], **given}.items() if value is not None}
    effects.save_answers(application, stage, values, by=person("issuer"), now=now)


def second_round(application, now, comments=None, **given):
    """Return an application with comments, change the issuer's answers, and send it again."""
    application = returned(application, now, comments)
    edited(application, now, "issuer", "issuer", **given)
    return sent_again(application, now)


def changed(page) -> dict[str, str]:
    """Return place -> kind of the changes on a page."""
    return {item.get("data-place"): item.get("data-change") for item in page.root.iter() if item.get("data-change")}


def test_the_first_round_shows_everything_and_has_no_switch(at_approval, browser):
    page = browser("first_head").get(address(at_approval, "review"))

    assert changed(page) == {}
    assert "rounds.show_changed" not in page.terms()


@pytest.mark.req("IS2IN-20.f", "IS2IN-20.i")
def test_the_second_round_opens_on_what_changed_beside_the_comment_it_answers(at_approval, now, browser):
    application = second_round(
        at_approval, now, {PLACE: "Индексі жоқ"}, legal_address="050000, Алматы, Абай 1", phone="+77010000000"
    )

    page = browser("first_head").get(address(application, "review"))

    assert changed(page) == {PLACE: "changed", "issuer.phone": "changed"}
    asked, unasked = page.one(data_place=PLACE), page.one(data_place="issuer.phone")
    assert "Индексі жоқ" in words(asked)
    assert asked.get("data-asked") == "yes"
    assert say("rounds.unasked", "kk") not in words(asked)
    assert unasked.get("data-asked") == "no"
    assert say("rounds.unasked", "kk") in words(unasked)
    assert page.one(data_stage_count="issuer").text == "2"


def test_old_stands_above_new_and_both_are_named_for_those_who_do_not_see_them(at_approval, now, browser):
    old = queries.latest(at_approval, "issuer").values["issuer"]["legal_address"]
    application = second_round(at_approval, now, legal_address="050000, Алматы, Абай 1")

    field = browser("first_head").get(address(application, "review")).one(data_place=PLACE)
    gone, come = (next(item for item in field.iter(tag)) for tag in ("del", "ins"))

    order = [item.tag for item in field.iter() if item.tag in ("del", "ins")]
    assert order == ["del", "ins"]
    assert (words(gone), words(come)) == (" ".join(old.split()), "050000, Алматы, Абай 1")
    said = [words(item) for item in field.iter("span") if item.get("class") == "unseen"]
    assert {f"{say('rounds.old', 'kk')}:", f"{say('rounds.new', 'kk')}:"} <= set(said)


def test_a_comment_whose_field_did_not_change_is_listed_with_its_answer(at_approval, now, browser):
    application = returned(at_approval, now, {PLACE: "Индексі жоқ", "issuer.bin": "Тексеріңіз"})
    ident = next(
        row.id for row in queries.comments(application, user=person("first_head")) if row.words == "Тексеріңіз"
    )
    approval.answer_all(application, {ident: "Дұрыс тұр"}, by=person("issuer"), now=now)
    edited(application, now, "issuer", "issuer", legal_address="050000, Алматы, Абай 1")
    application = sent_again(application, now)

    page = browser("first_head").get(address(application, "review"))

    item = page.one(data_unanswered=str(ident))
    assert "Дұрыс тұр" in words(item)
    assert [found.get("data-unanswered") for found in page.root.iter() if found.get("data-unanswered")] == [str(ident)]


def test_the_switch_shows_everything_and_keeps_to_it_after_saving(at_approval, now, browser):
    application = second_round(at_approval, now, legal_address="050000, Алматы, Абай 1")
    someone, path = browser("first_head"), address(application, "review")

    page = someone.get(f"{path}?show=all")
    assert changed(page) == {}
    assert page.all(data_place="issuer.bin")
    answer = someone.send(page, path, press="save", **{"comment-issuer.bin": "Дұрыс па?"})

    assert answer.location == f"{path}?show=all"


def test_what_is_seen_as_changed_can_be_commented_and_returned_from_there(at_approval, now, browser):
    application = second_round(at_approval, now, legal_address="050000, Алматы, Абай 1")
    someone, path = browser("first_head"), address(application, "review")

    answer = someone.send(someone.get(path), path, press="return", **{f"comment-{PLACE}": "Үйдің нөмірі жоқ"})

    assert answer.status == 303
    assert refetched(application).process == "filling"
    assert one(application).words == "Үйдің нөмірі жоқ"
    assert one(application).quoted == "050000, Алматы, Абай 1"


def test_entries_criteria_and_files_are_told_as_such(at_approval, now, browser):
    application = returned(at_approval, now, {ENTRY: "Тексеріңіз", "documents.charter": "Ескі"})
    values = copy.deepcopy(queries.latest(application, "requirements").values)
    entries = values[FORM]["entries"]
    entries.append({**copy.deepcopy(entries[0]), "id": "e2"})
    values[FORM]["last"] = 2
    effects.save_answers(application, "requirements", values, by=person("issuer"), now=now)
    [old] = queries.latest(application, "documents").values["documents"]["charter"]
    new = {**old, "name": "жаңа жарғы.pdf", "sha256": "a" * 64}
    edited(application, now, "documents", "documents", charter=[new])
    application = sent_again(application, now)

    page = browser("first_head").get(address(application, "review"))

    assert changed(page) == {
        f"requirements.{FORM}-e2": "added",
        "documents.charter": "file_replaced",
    }
    charter = page.one(data_place="documents.charter")
    assert old["name"] in words(charter)
    assert {old["sha256"], new["sha256"]} <= {words(item) for item in charter.iter("code")}
    assert "Ескі" in words(charter)


def test_a_taken_out_entry_is_told_with_what_it_said_and_its_comments(at_approval, now, browser):
    application = returned(at_approval, now, {f"{ENTRY}-isin": "Бұл ISIN қате"})
    values = queries.latest(application, "requirements").values
    isin = values[FORM]["entries"][0]["keys"]["isin"]
    gone = {FORM: {"entries": [], "last": 1}}
    effects.save_answers(application, "requirements", gone, by=person("issuer"), now=now)
    application = sent_again(application, now)

    page = browser("first_head").get(address(application, "review"))

    assert changed(page) == {ENTRY: "removed"}
    entry = page.one(data_place=ENTRY)
    assert isin in words(entry)
    assert "Бұл ISIN қате" in words(entry)
    assert entry.get("data-asked") == "yes"


def test_a_stage_that_is_skipped_now_says_so(at_approval, now):
    known = versions.sent(at_approval, user=person("first_head"))
    from dataclasses import replace

    later = replace(known[0], number=2, round=2, skipped=frozenset({"adviser_choice"}))

    found = changes.between(at_approval, known[0], later, drawing=changes.Drawing("kk"))

    [stage] = found.stages
    assert (stage.key, stage.turned) == ("adviser_choice", "skipped")
    assert {change.kind for change in stage.changes} == {"removed"}


def test_only_those_who_worked_on_the_version_before_begin_with_the_changes(at_approval, now, browser):
    """A new first head reads it all, and may ask for the changes."""
    application = second_round(at_approval, now, legal_address="050000, Алматы, Абай 1")
    person("first_head").membership.is_first_head = False
    deputy = person("clerk")
    deputy.membership.is_first_head = True
    effects.assign(application, deputy, "first_head", now=now)
    db.session.flush()
    someone, path = browser("clerk"), address(application, "review")

    everything, only_changed = someone.get(path), someone.get(f"{path}?show=changed")
    assert changed(everything) == {}
    assert {"rounds.all_shown_first", "rounds.show_changed"} <= everything.terms()
    assert changed(only_changed) == {PLACE: "changed"}
    assert {"rounds.changed_since_first", "rounds.show_all"} <= only_changed.terms()
    assert "rounds.changed_since" not in only_changed.terms()


# The Exchange's side


@pytest.fixture
def reworked(house, now):
    """An application that the Exchange gets back: remarked by the lawyer, reworked, approved and sent."""
    from factories import Teller

    application, teller = application_at("expertise"), Teller(house.config)
    teller.remark(application)
    application = refetched(application)
    edited(application, here.now(), "issuer", "issuer", legal_address="050000, Алматы, Абай 1", phone="+77010000000")
    teller.answer(application)
    return refetched(application), teller


def test_the_exchange_sees_the_new_version_only_once_it_was_sent(reworked, browser):
    application, teller = reworked
    lawyer = person("lawyer")
    assert [item.number for item in versions.sent(application, user=lawyer)] == [1]
    assert [item.number for item in versions.sent(application, user=person("issuer"))] == [1, 2]
    page = browser("lawyer").get(f"{address(application, 'changes')}?from=1&to=2")
    assert "+77010000000" not in page.text
    assert changed(page) == {}

    teller.sign_and_send(refetched(application))

    application = refetched(application)
    assert [item.number for item in versions.sent(application, user=lawyer)] == [1, 2]
    page = browser("lawyer").get(address(application, "review"))
    assert changed(page) == {PLACE: "changed", "issuer.phone": "changed"}
    assert page.one(data_place=PLACE).get("data-asked") == "yes"
    assert page.one(data_place="issuer.phone").get("data-asked") == "no"


def test_the_first_heads_words_to_his_people_ask_for_nothing_in_the_eyes_of_the_exchange(reworked, now):
    application, teller = reworked
    approval.return_for_rework(
        application, by=person("first_head"), comments={"issuer.phone": "Ішкі сөз"}, seen=application.version, now=now
    )
    edited(application, here.now(), "issuer", "issuer", phone="+77020000000")
    moves.fire(application, "send_for_approval", by=person("issuer"), seen=application.version, now=here.now())
    teller.sign_and_send(refetched(application))
    application = refetched(application)

    lawyer = person("lawyer")
    old, new = versions.sent(application, user=lawyer)
    said = [*queries.comments(application, user=lawyer), *queries.notes(application, user=lawyer)]
    found = changes.between(application, old, new, drawing=changes.Drawing("kk"), said=said)

    phone = next(change for stage in found.stages for change in stage.changes if change.place == "issuer.phone")
    assert phone.is_unasked
    assert phone.comments == []
    assert (old.round, new.round) == (1, 3)


# The page of changes


def test_any_two_sent_versions_are_compared(at_approval, now, browser):
    application = second_round(at_approval, now, legal_address="Бірінші")
    application = second_round(application, now, legal_address="Екінші", phone="+77010000000")
    author, path = browser("issuer"), address(application, "changes")

    assert changed(author.get(f"{path}?from=1&to=2")) == {PLACE: "changed"}
    assert changed(author.get(f"{path}?from=2&to=3")) == {PLACE: "changed", "issuer.phone": "changed"}
    both = author.get(f"{path}?from=1&to=3")
    assert "Екінші" in words(both.one(data_place=PLACE))
    assert "Бірінші" not in words(both.one(data_place=PLACE))
    assert [item.get("data-version") for item in both.root.iter("li") if item.get("data-version")] == ["3", "2", "1"]


@pytest.mark.parametrize("query", ["from=3&to=1", "from=9&to=8", "from=x&to=-1", "to=1", "since=mine", "show=?"])
def test_a_wrong_choice_of_versions_falls_back_to_the_last_two(at_approval, now, browser, query):
    application = second_round(at_approval, now, legal_address="Бірінші")

    page = browser("issuer").get(f"{address(application, 'changes')}?{query}")

    assert page.status == 200
    assert (page.one(data_key="rounds.compared").get("data-from"), changed(page)) == ("1", {PLACE: "changed"})


def test_the_author_sees_what_he_has_changed_since_it_was_sent(at_approval, now, browser):
    application = returned(at_approval, now)
    edited(application, now, "issuer", "issuer", legal_address="Әлі жіберілмеген")

    page = browser("issuer").get(f"{address(application, 'changes')}?since=mine")

    assert changed(page) == {PLACE: "changed"}
    assert page.one(data_key="rounds.compared").get("data-to") == "0"


def test_the_filter_tells_what_nobody_asked_for(at_approval, now, browser):
    application = second_round(at_approval, now, {PLACE: "?"}, legal_address="Бір", phone="+77010000000")
    author, path = browser("issuer"), address(application, "changes")

    assert changed(author.get(f"{path}?show=unasked")) == {"issuer.phone": "changed"}
    assert changed(author.get(f"{path}?show=asked")) == {PLACE: "changed"}
    assert changed(author.get(f"{path}?stage=documents")) == {}


def test_an_application_sent_once_has_nothing_to_compare(at_approval, browser):
    page = browser("issuer").get(address(at_approval, "changes"))

    assert say("rounds.one_version", "kk") in page.main


def test_an_outsider_finds_no_changes(at_approval, browser):
    assert browser("other_issuer").get(address(at_approval, "changes")).status == 404


def test_each_sending_is_written_down_once_with_who_and_when(at_approval, now):
    application = second_round(at_approval, now, legal_address="Бір")

    rows = db.session.query(SentVersion).filter_by(application_id=application.id).order_by(SentVersion.id).all()

    assert [(row.addressee, row.round, row.by_id) for row in rows] == [
        ("first_head", 1, person("issuer").id),
        ("first_head", 2, person("issuer").id),
    ]
    assert rows[1].revisions["issuer"] == rows[0].revisions["issuer"] + 1


# Which version the paper is


@pytest.mark.parametrize(
    ("process", "key"),
    [("registration", "paper.version_exchange"), ("first_head", "paper.version_head"), ("rework", ""), ("filling", "")],
)
def test_the_pdf_of_an_application_names_the_version_that_was_sent_and_a_draft_says_so(house, browser, process, key):
    application = application_at(process)
    someone = browser("issuer", "ru")
    known = versions.sent(application, user=person("issuer"))
    moment = date_time_text(known[-1].exchange_at or known[-1].at) if known else ""
    expected = say(key, "ru", n=len(known), at=moment) if key else say("st.draft", "ru")

    said = text_of(someone.get(address(application, "summary.pdf")).content)

    assert f"{say('obj.version', 'ru')}: {expected}" in " ".join(said.split())


def test_what_was_changed_and_never_sent_is_a_draft_though_the_application_has_ended(house, now):
    application, author = application_at("rework"), person("issuer")
    edited(application, now, "issuer", "issuer", website="https://basqa.example")
    moves.fire(application, "withdraw", by=author, seen=application.version, now=now, words="Жоспар өзгерді")

    assert versions.standing_as_sent(refetched(application), user=author) is None
