"""The lives of comments: states, offices, quotes, suggestions, and what the Exchange says to itself alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from browser import words
from factories import application_at, person, refetched, user
from sqlalchemy import select
from test_creating import address

from app import db
from app.applications import approval, effects, facts, filing, moves, places, queries, queueing
from app.applications.models import WHOLE, AnyComment, Comment, InternalNote
from app.errors import Conflict, Invalid, NotFound, NotPermitted
from app.permissions import Role
from app.terms import LANGUAGES, say
from app.web import here

PLACE = "issuer.legal_address"
ENTRY = "requirements.extra_listing_requirements-e1"


@pytest.fixture
def at_approval(house):
    """An application that stands at the first head."""
    return application_at("first_head")


@pytest.fixture
def reviewed(house):
    """An application under the Exchange's review."""
    return application_at("expertise")


def places_of(application, stage, said):
    """Return the places of a stage that says ``said``."""
    return places.of_stage(application, stage, said, application.forms)


def one(application, key="first_head") -> AnyComment:
    """Return the newest comment or note that somebody may read."""
    application = refetched(application)
    rows = [*queries.comments(application, user=person(key)), *queries.notes(application, user=person(key))]
    return max(rows, key=lambda row: row.id)


def steps(row) -> list[tuple[str, str]]:
    return [(step.act, step.words) for step in row.events]


def returned(application, now, comments=None, **given):
    """Let the first head return an application with comments."""
    approval.return_for_rework(
        application,
        by=person("first_head"),
        comments=comments or {PLACE: "Индексі жоқ"},
        seen=application.version,
        now=now,
        **given,
    )
    return refetched(application)


def sent_again(application, now):
    """Let the author send the application to the first head."""
    moves.fire(application, "send_for_approval", by=person("issuer"), seen=application.version, now=now)
    return refetched(application)


def test_a_comment_goes_through_all_its_states_and_each_step_is_kept(at_approval, now):
    head, author = person("first_head"), person("issuer")
    approval.comment(at_approval, by=head, comments={PLACE: "Индексі жоқ"}, now=now)
    assert one(at_approval).state == "pending"
    application = returned(at_approval, now)
    row = one(application)
    assert row.state == "open"

    approval.answer_all(application, {row.id: "Қосылды"}, by=author, now=now + timedelta(hours=1))
    assert row.state == "answered"
    application = sent_again(application, now + timedelta(hours=2))
    row = one(application)
    approval.resolve(application, row.id, by=person("first_head"), now=now + timedelta(hours=3))
    assert row.state == "resolved"
    approval.reopen(application, row.id, "Индекс қате", by=person("first_head"), now=now + timedelta(hours=4))
    assert (row.state, row.answer) == ("reopened", "")

    application = returned(application, now + timedelta(hours=5), {PLACE: ""})
    approval.answer_all(application, {row.id: "Түзетілді"}, by=person("issuer"), now=now + timedelta(hours=6))

    row = one(application)
    assert row.state == "answered"
    assert steps(row) == [
        ("published", ""),
        ("answered", "Қосылды"),
        ("resolved", ""),
        ("reopened", "Индекс қате"),
        ("answered", "Түзетілді"),
    ]
    assert [step.round for step in row.events] == [1, 1, 2, 2, 2]
    assert [step.by.name for step in row.events][:2] == [head.name, author.name]


def test_a_reopened_comment_lets_the_application_be_returned_and_a_word_on_the_whole_alone_does_not(at_approval, now):
    approval.comment(at_approval, by=person("first_head"), comments={WHOLE: "Жалпы жақсы"}, now=now)
    assert facts.of(at_approval).comments == 0
    with pytest.raises(Conflict) as refusal:
        returned(at_approval, now, {WHOLE: "Жалпы жақсы"})
    assert refusal.value.key == "err.comment_required"

    db.session.rollback()
    application = sent_again(returned(refetched(at_approval), now), now)
    assert facts.of(application).comments == 0
    approval.resolve(application, one(application).id, by=person("first_head"), now=now)
    approval.reopen(application, one(application).id, "Әлі де", by=person("first_head"), now=now)
    assert facts.of(refetched(application)).comments == 1


def test_reopening_needs_a_reason(at_approval, now):
    application = sent_again(returned(at_approval, now), now)
    row = one(application)
    approval.resolve(application, row.id, by=person("first_head"), now=now)

    with pytest.raises(Invalid) as refusal:
        approval.reopen(application, row.id, "  ", by=person("first_head"), now=now)

    assert refusal.value.problems[0].path == f"why-{row.id}"
    assert row.state == "resolved"


@pytest.mark.parametrize("act", ["resolve", "reopen"])
def test_a_step_taken_twice_is_refused(at_approval, now, act):
    application = sent_again(returned(at_approval, now), now)
    row, by = one(application), person("first_head")
    approval.resolve(application, row.id, by=by, now=now)
    if act == "reopen":
        approval.reopen(application, row.id, "Әлі де", by=by, now=now)

    again = {
        "resolve": lambda: approval.resolve(application, row.id, by=by, now=now),
        "reopen": lambda: approval.reopen(application, row.id, "Әлі де", by=by, now=now),
    }
    with pytest.raises(Conflict) as refusal:
        again[act]()

    assert refusal.value.key == "err.already_done"


@pytest.mark.parametrize("key", ["issuer", "adviser"])
def test_the_applicant_settles_nothing(at_approval, now, key):
    application = returned(at_approval, now)

    with pytest.raises((NotPermitted, NotFound)):
        approval.resolve(application, one(application).id, by=person(key), now=now)


def test_the_successor_in_the_office_settles_and_the_former_first_head_no_more(at_approval, now):
    application = sent_again(returned(at_approval, now), now)
    former = person("first_head")
    former.membership.is_first_head = False
    successor = user(application.organisation, is_first_head=True)
    effects.assign(application, successor, "first_head", now=now)
    db.session.flush()

    with pytest.raises(NotPermitted):
        approval.resolve(application, one(application).id, by=former, now=now)
    approval.resolve(application, one(application).id, by=successor, now=now)

    assert one(application).state == "resolved"


def test_a_reviewer_of_another_department_does_not_settle_a_remark(reviewed, now):
    approval.comment(reviewed, by=person("lawyer"), comments={PLACE: "Анықтаңыз"}, now=now)
    row = one(reviewed, "lawyer")
    row.published_at = now
    db.session.flush()

    with pytest.raises(NotPermitted):
        approval.resolve(reviewed, row.id, by=person("analyst"), now=now)
    colleague = user(exchange_roles=[Role.LAWYER])
    with pytest.raises(NotPermitted):
        approval.resolve(reviewed, row.id, by=colleague, now=now)  # who wrote it holds the review
    queueing.take_over(reviewed, "lawyer", seen=person("lawyer").id, by=colleague, now=now, words="Демалыста")
    approval.resolve(reviewed, row.id, by=colleague, now=now)

    assert row.state == "resolved"


# What a comment keeps


def test_a_comment_keeps_what_its_field_was_called_and_said(at_approval, now):
    quoted = queries.latest(at_approval, "issuer").values["issuer"]["legal_address"]
    application = returned(at_approval, now)

    row = one(application)

    assert row.quoted == quoted
    assert set(row.labels) == {"kk", "ru", "en"}
    assert row.round == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_place_said_is_read_in_the_readers_language_even_after_it_was_taken_out(
    at_approval, now, browser, language
):
    assert at_approval.language == "kk"
    said = queries.latest(at_approval, "requirements").values
    [place] = [found for found in places_of(at_approval, "requirements", said) if found.name == ENTRY]
    application = returned(at_approval, now, {ENTRY: "Бұл қажет емес"})
    empty = {"extra_listing_requirements": {"entries": [], "last": 1}}
    effects.save_answers(application, "requirements", empty, by=person("issuer"), now=now)

    page = browser("issuer", language).get(address(application, "comments"))

    [quote] = [item for item in page.root.iter() if item.get("class") == "remark__quote"]
    assert " ".join(place.text(language, {}).split()) in words(quote)
    others = {place.text(other, {}) for other in LANGUAGES if other != language}
    assert not any(" ".join(other.split()) in words(quote) for other in others)


def test_a_quote_whose_version_cannot_be_drawn_any_more_stays_as_it_was_kept(at_approval, now):
    application = returned(at_approval, now)
    row = one(application)

    shown = places.quoted(application, [row], [], language="en")

    assert shown == {row.id: row.quoted}


def test_a_comment_on_an_entry_is_readable_after_the_entry_was_taken_out(at_approval, now, browser):
    application = returned(at_approval, now, {ENTRY: "Бұл қажет емес", f"{ENTRY}-isin": "Қате ISIN"})
    values = queries.latest(application, "requirements").values
    isin = values["extra_listing_requirements"]["entries"][0]["keys"]["isin"]
    empty = {"extra_listing_requirements": {"entries": [], "last": 1}}
    effects.save_answers(application, "requirements", empty, by=person("issuer"), now=now)

    page = browser("issuer").get(address(application, "comments"))

    for article in (item for item in page.root.iter("article") if item.get("data-comment")):
        assert isin in words(article)
        assert say("rounds.not_asked", "kk") in words(article)
    assert "Бұл қажет емес" in page.main
    assert "Қате ISIN" in page.main


def test_a_proposed_value_is_shown_with_the_comment_and_is_nothing_without_one(at_approval, now, browser):
    someone, path = browser("first_head"), address(at_approval, "review")
    typed = {f"comment-{PLACE}": "Индексі жоқ", f"suggest-{PLACE}": "050000, Алматы"}
    someone.send(someone.get(path), path, press="save", **typed)

    field = browser("issuer").get(address(at_approval, "summary")).one(data_place=PLACE)
    assert "050000, Алматы" in words(field)

    alone = someone.send(someone.get(path), path, press="save", **{"suggest-issuer.bin": "000"})
    assert alone.status == 422
    assert say("rounds.err.suggestion_alone", "kk") in alone.main
    assert alone.form(path)["suggest-issuer.bin"] == ["000"]


def test_a_comment_on_the_whole_application_is_written_on_the_page(at_approval, browser):
    someone, path = browser("first_head"), address(at_approval, "review")

    page = someone.follow(someone.send(someone.get(path), path, press="save", **{"other-words": "Жалпы ескерту"}))

    assert "Жалпы ескерту" in words(page.one(data_elsewhere=WHOLE))
    assert one(at_approval).place == WHOLE


# Two at once


def test_an_answer_that_a_colleague_gave_meanwhile_is_not_overwritten(at_approval, now, browser):
    application = returned(at_approval, now)
    ident = one(application).id
    path = address(application, "comments")
    author = browser("issuer")
    stale = author.get(path)
    approval.answer_all(refetched(application), {ident: "Бірінші"}, by=person("issuer"), now=now)

    untouched = author.send(stale, path, press="save")
    refused = author.send(stale, path, press="save", **{f"answer-{ident}": "Екінші"})

    assert untouched.status == 303
    assert refused.status == 409
    assert refused.form(path)[f"answer-{ident}"] == ["Екінші"]
    assert one(application).answer == "Бірінші"


# The panel


def test_the_panel_is_filtered_by_state_stage_and_author(at_approval, now, browser):
    application = returned(at_approval, now, {PLACE: "Бір", "documents.charter": "Екі", "issuer.bin": "Үш"})
    rows = list(queries.comments(application, user=person("first_head")))
    by_words = {row.words: row.id for row in rows}
    approval.answer_all(application, {by_words["Бір"]: "Жауап"}, by=person("issuer"), now=now)
    author = browser("issuer")

    def shown(query: str) -> list[str]:
        page = author.get(f"{address(application, 'comments')}?{query}")
        return [item.get("data-comment") for item in page.root.iter("article") if item.get("data-comment")]

    assert shown("") == [str(row.id) for row in rows]
    assert shown("state=answered") == [str(by_words["Бір"])]
    assert shown("stage=documents") == [str(by_words["Екі"])]
    assert shown("state=unsettled&stage=issuer") == [str(by_words["Бір"]), str(by_words["Үш"])]
    assert shown(f"author={person('clerk').id}") == []


def test_the_panel_leads_from_comment_to_comment_without_scripts(at_approval, now, browser):
    application = returned(at_approval, now, {PLACE: "Бір", "issuer.bin": "Екі"})
    page = browser("issuer").get(address(application, "comments"))
    articles = [item for item in page.root.iter("article") if item.get("data-comment")]

    first, last = (
        {item.get("data-key"): item.get("href") for item in article.iter("a")} for article in (articles[0], articles[1])
    )

    assert first["rounds.next"] == f"#{articles[1].get('id')}"
    assert last["rounds.previous"] == f"#{articles[0].get('id')}"
    assert "rounds.previous" not in first
    assert "rounds.next" not in last


# Internal notes

SECRET = "құпия-жазба-қазына"


def test_no_question_for_comments_finds_an_internal_note(reviewed, now):
    approval.note(reviewed, by=person("lawyer"), notes={PLACE: SECRET}, now=now)

    everything = db.session.scalars(select(AnyComment).where(AnyComment.application_id == reviewed.id)).unique().all()
    comments = db.session.scalars(select(Comment).where(Comment.application_id == reviewed.id)).unique().all()

    assert [type(row) for row in everything if row.words == SECRET] == [InternalNote]
    assert SECRET not in [row.words for row in comments]
    assert facts.of(reviewed).unresolved_remarks == 0
    for key in ("issuer", "first_head", "adviser"):
        assert queries.notes(reviewed, user=person(key)) == []
    assert SECRET in [row.words for row in queries.notes(reviewed, user=person("analyst"))]


def test_an_internal_note_is_written_in_the_window_and_looks_like_nothing_else(reviewed, browser):
    lawyer, path = browser("lawyer"), address(reviewed, "review")
    typed = {f"comment-{PLACE}": SECRET, f"kind-{PLACE}": "internal"}

    page = lawyer.follow(lawyer.send(lawyer.get(path), path, press="comment", value=PLACE, **typed))

    [item] = [one for one in page.one(data_place=PLACE).iter("li") if one.get("data-kind") == "internal"]
    assert "talk__item--internal" in item.get("class")
    assert say("rounds.internal", "kk") in words(item)
    assert isinstance(one(reviewed, "lawyer"), InternalNote)
    assert one(reviewed, "lawyer").state == "open"


def test_colleagues_answer_and_settle_internal_notes(reviewed, now):
    approval.note(reviewed, by=person("lawyer"), notes={WHOLE: SECRET}, now=now)
    ident = one(reviewed, "lawyer").id

    approval.answer_notes(reviewed, {ident: "Келісемін"}, by=person("analyst"), now=now)
    with pytest.raises(NotPermitted):
        approval.resolve(reviewed, ident, by=person("analyst"), now=now)
    approval.resolve(reviewed, ident, by=person("lawyer"), now=now)

    assert steps(one(reviewed, "lawyer")) == [("published", ""), ("answered", "Келісемін"), ("resolved", "")]


@pytest.mark.parametrize("key", ["issuer", "first_head", "adviser", "other_issuer"])
def test_nobody_else_writes_answers_or_settles_an_internal_note(reviewed, now, browser, key):
    approval.note(reviewed, by=person("lawyer"), notes={PLACE: SECRET}, now=now)
    ident = one(reviewed, "lawyer").id
    someone = browser(key)
    path = address(reviewed, "comments")

    for typed in ({"resolve": str(ident)}, {f"answer-{ident}": "?"}, {"reopen": str(ident)}, {"note": "yes"}):
        answer = someone.post(path, {**typed, "note-words": "?", f"why-{ident}": "?"})
        assert answer.status in (403, 404, 409)
        assert SECRET not in answer.text

    assert steps(one(reviewed, "lawyer")) == [("published", "")]


def test_an_unfinished_application_has_no_internal_notes(house, now):
    author = person("issuer")
    application = filing.create("share_listing", company_id=author.organisation.id, author=author, now=here.now())

    with pytest.raises(NotPermitted):
        approval.note(application, by=person("lawyer"), notes={WHOLE: "?"}, now=now)


def _noted_everywhere(application, teller, now) -> str:
    """Write an internal note at every kind of place, answered, resolved and reopened, and send remarks beside them."""
    lawyer = person("lawyer")
    approval.note(application, by=lawyer, notes={PLACE: SECRET, ENTRY: SECRET, WHOLE: SECRET}, now=now)
    for row in queries.notes(application, user=lawyer):
        approval.answer_notes(application, {row.id: f"{SECRET} жауап"}, by=person("analyst"), now=now)
    settled = queries.notes(application, user=lawyer)[0]
    approval.resolve(application, settled.id, by=lawyer, now=now)
    approval.reopen(application, settled.id, f"{SECRET} себеп", by=lawyer, now=now)
    teller.remark(application)
    return refetched(application).number


# No way ends blindly


def test_those_who_send_remarks_see_on_the_page_whose_wait_and_the_applicant_does_not(reviewed, now, browser):
    approval.comment(reviewed, by=person("lawyer"), comments={PLACE: "Анықтаңыз", "issuer.bin": "Тексеріңіз"}, now=now)
    db.session.commit()

    told = browser("listing").get(address(reviewed)).says(data_key="rounds.waiting_remarks")

    assert f"{person('lawyer').name} – 2" in told
    assert "Анықтаңыз" not in browser("listing").get(address(reviewed)).text
    for key in ("issuer", "first_head"):
        assert "rounds.waiting_remarks" not in browser(key).get(address(reviewed)).terms()


def test_from_the_page_of_review_a_link_leads_to_where_a_comment_is_settled(at_approval, now, browser):
    application = sent_again(returned(at_approval, now), now)
    row = one(application)
    head = browser("first_head")

    links = {link.get("href") for link in head.get(address(application, "review")).all(data_key="rounds.settle")}

    assert links == {f"{address(application, 'comments')}#comment-{row.id}"}
    assert head.get(address(application, "comments")).one(id=f"comment-{row.id}") is not None
    assert "rounds.settle" not in browser("issuer").get(address(application, "summary")).terms()


def test_the_link_stands_only_at_what_the_reader_may_settle(reviewed, now, browser):
    ids = {}
    for key, place in (("lawyer", PLACE), ("listing", "issuer.bin")):
        approval.note(reviewed, by=person(key), notes={place: key}, now=now)
        ids[key] = one(reviewed, key).id
    db.session.commit()

    for key, ident in ids.items():
        links = [
            link.get("href") for link in browser(key).get(address(reviewed, "review")).all(data_key="rounds.settle")
        ]
        assert links == [f"{address(reviewed, 'comments')}#comment-{ident}"]


def test_an_answer_typed_beside_the_button_that_settles_is_not_lost(reviewed, now, browser):
    lawyer = person("lawyer")
    approval.note(reviewed, by=lawyer, notes={PLACE: "Бірінші", "issuer.bin": "Екінші"}, now=now)
    db.session.commit()
    first, second = (row.id for row in queries.notes(reviewed, user=lawyer))
    someone, path = browser("lawyer"), address(reviewed, "comments")

    answer = someone.send(
        someone.get(path), path, press="resolve", value=str(first), **{f"answer-{second}": "Жазып қойдым"}
    )

    assert answer.status == 303
    states = {row.id: (row.state, row.answer) for row in queries.notes(refetched(reviewed), user=person("lawyer"))}
    assert states == {first: ("resolved", ""), second: ("answered", "Жазып қойдым")}


@pytest.mark.parametrize("place", [PLACE, ENTRY, f"{ENTRY}-isin"])
def test_from_a_comment_the_author_comes_to_where_he_can_mend_it(at_approval, now, browser, place):
    application = returned(at_approval, now, {place: "Түзетіңіз"})
    author = browser("issuer")

    [link] = author.get(address(application, "comments")).all(data_key="act.edit")
    page, _, anchor = link.get("href").partition("#")

    assert author.get(page).one(id=anchor) is not None
    assert "act.edit" not in browser("first_head").get(address(application, "comments")).terms()


def test_who_may_not_answer_now_is_told_why(at_approval, now, browser):
    path = address(at_approval, "comments")
    approval.save(at_approval, by=person("first_head"), comments={PLACE: "Индексі жоқ"}, now=now)
    db.session.commit()
    assert "rounds.answer_when_returned" in browser("issuer").get(path).terms()
    assert "rounds.answered_by_author" in browser("adviser").get(path).terms()
    assert not {"rounds.answer_when_returned", "rounds.answered_by_author"} & browser("first_head").get(path).terms()

    returned(refetched(at_approval), now)

    page = browser("issuer").get(path)
    assert "rounds.answer_when_returned" not in page.terms()
    assert page.all(data_key="app.comment_answer")
    assert "rounds.answered_by_author" in browser("adviser").get(path).terms()
