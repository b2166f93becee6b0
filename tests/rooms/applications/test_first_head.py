"""The first head's approval (user manual, paragraph 20; readings A22, A24)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from browser import words
from factories import application_at, messages_of, person, refetched
from test_creating import address

from app import db
from app.applications import approval, facts, filing, queries
from app.applications.models import Comment
from app.applications.summary import texts
from app.errors import Conflict, Invalid, NotPermitted
from app.terms import say
from app.web import clock
from app.web.templating import date_time_text

PLACE, OTHER = "issuer.legal_address", "documents.charter"


@pytest.fixture
def at_approval(house):
    """An application that stands at the first head."""
    return application_at("first_head")


@pytest.fixture
def reviewing(browser, at_approval):
    """The first head's browser and the address of the page of review."""
    return browser("first_head"), address(at_approval, "review")


def written(application) -> list[Comment]:
    """Return the comments of an application in their order."""
    return list(queries.comments(refetched(application), user=person("first_head")))


@pytest.mark.req("IS2IN-20.b")
def test_the_first_head_has_exactly_three_actions(reviewing):
    someone, path = reviewing

    page = someone.get(path)

    form = next(item for item in page.root.iter("form") if item.get("action") == path)
    acts = [item.get("data-key") for item in form.iter("button") if item.get("name") not in (None, "comment")]
    assert acts == ["act.save", "act.return_for_rework", "act.approved"]
    assert [say(key, "kk") for key in acts] == ["Сақтау", "Пысықтауға қайтару", "Келісілді"]


@pytest.mark.req("IS2IN-20.f", "IS2IN-20.g")
def test_a_comment_button_stands_at_every_field(reviewing, at_approval):
    someone, path = reviewing

    page = someone.get(path)

    rows = {item.get("data-place"): item for item in page.root.iter() if item.get("data-place")}
    [entry] = set(rows) - set(texts(refetched(at_approval)))  # an entry is a place too
    assert entry == "requirements.extra_listing_requirements-e1"
    assert set(texts(refetched(at_approval))) < set(rows)
    for place, row in rows.items():
        inner = list(row.iter())
        assert [item for item in inner if item.get("data-key") == "act.comment"], place
        assert [item for item in inner if item.get("name") == f"comment-{place}"], place
    assert {say("act.continue", "kk")} <= {words(item) for item in page.all(data_key="act.continue")}


@pytest.mark.req("IS2IN-20.h", "IS2IN-20.i")
def test_continue_keeps_a_comment_for_its_author_alone_until_save_publishes_it(browser, reviewing, at_approval):
    someone, path = reviewing
    author = browser("issuer")

    someone.send(someone.get(path), path, press="comment", value=PLACE, **{f"comment-{PLACE}": "Индексі жоқ"})

    [row] = written(at_approval)
    assert (row.state, row.words, row.published_at) == ("pending", "Индексі жоқ", None)
    assert "msg.comment_pending" in someone.get(path).terms()
    for page in ("summary", "comments", "review", "stages/issuer", ""):
        assert "Индексі жоқ" not in author.get(address(at_approval, page)).text

    someone.send(someone.get(path), path, press="save")

    [row] = written(at_approval)
    assert row.state == "open"
    shown = author.get(address(at_approval, "summary"))
    field = next(item for item in shown.root.iter() if item.get("data-place") == PLACE)
    assert "Индексі жоқ" in words(field)
    assert date_time_text(row.published_at) in words(field)
    assert person("first_head").name in words(field)


@pytest.mark.req("IS2IN-20.i")
def test_the_moment_shown_is_that_of_saving(house, now, at_approval):
    first_head = person("first_head")
    approval.comment(at_approval, by=first_head, comments={PLACE: "Индексі жоқ"}, now=now)

    approval.save(at_approval, by=first_head, comments={}, now=now + timedelta(hours=2))

    assert written(at_approval)[0].published_at == now + timedelta(hours=2)


@pytest.mark.req("IS2IN-20.c")
def test_save_leaves_the_first_head_in_the_stage(reviewing, at_approval):
    someone, path = reviewing

    answer = someone.send(someone.get(path), path, press="save", **{f"comment-{PLACE}": "Индексі жоқ"})

    assert answer.location == path
    assert refetched(at_approval).process == "first_head"
    assert queries.position(refetched(at_approval)).status("approval") != "filled"
    assert written(at_approval)[0].state == "open"


def test_a_pending_comment_is_changed_by_writing_anew_and_taken_back_by_the_empty_one(house, now, at_approval):
    first_head = person("first_head")
    approval.comment(at_approval, by=first_head, comments={PLACE: "Бір"}, now=now)
    approval.comment(at_approval, by=first_head, comments={PLACE: "Екі"}, now=now)
    assert [row.words for row in written(at_approval)] == ["Екі"]

    approval.comment(refetched(at_approval), by=person("first_head"), comments={PLACE: "  "}, now=now)

    assert written(at_approval) == []


def test_a_pending_comment_can_be_taken_back_on_the_page_too(reviewing, at_approval):
    someone, path = reviewing
    someone.send(someone.get(path), path, press="comment", value=PLACE, **{f"comment-{PLACE}": "Қате"})

    someone.send(someone.get(path), path, press="comment", value=PLACE, **{f"comment-{PLACE}": ""})

    assert written(at_approval) == []


@pytest.mark.req("IS2IN-20.d")
def test_a_return_needs_a_comment(reviewing, at_approval):
    someone, path = reviewing

    refused = someone.send(someone.get(path), path, press="return")

    assert refused.status == 409
    assert say("err.comment_required", "kk") in refused.main
    assert refetched(at_approval).process == "first_head"


@pytest.mark.req("IS2IN-20.d", "IS2IN-24.b")
def test_a_return_gives_the_application_back_with_its_comments_and_tells_the_author(browser, reviewing, at_approval):
    someone, path = reviewing

    answer = someone.send(
        someone.get(path), path, press="return", **{f"comment-{PLACE}": "Индексі жоқ", f"comment-{OTHER}": "Ескі жарғы"}
    )

    application = refetched(at_approval)
    assert answer.status == 303
    assert application.process == "filling"
    assert {row.state for row in written(application)} == {"open"}
    told = messages_of(person("issuer"))[0]
    assert (told.message, told.application_number, told.action_required) == (
        "notice.your_action",
        application.number,
        True,
    )
    page = browser("issuer").get(address(application, "stages", "issuer"))
    assert "Индексі жоқ" in page.main


def test_what_was_typed_into_the_comments_survives_a_refusal(reviewing, at_approval):
    someone, path = reviewing
    page = someone.get(path)
    seen = page.form(path)["seen"][0]

    refused = someone.send(page, path, press="agree", seen=str(int(seen) + 5), **{f"comment-{PLACE}": "Индексі жоқ"})

    assert refused.status == 409
    assert refused.form(path)[f"comment-{PLACE}"] == ["Индексі жоқ"]
    assert written(at_approval) == []


def test_after_a_return_every_stage_may_be_changed_and_stays_filled_and_approval_is_asked_anew(house, now, at_approval):
    approval.return_for_rework(
        at_approval, by=person("first_head"), comments={PLACE: "Индексі жоқ"}, seen=at_approval.version, now=now
    )

    application = refetched(at_approval)
    procedure, standing = queries.procedure(application), queries.position(application)
    stages = {"issuer", "requirements", "adviser_choice", "adviser_statement", "documents"}
    assert stages <= set(procedure.open_stages(standing, facts.of(application)))
    assert {standing.status(stage) for stage in stages} == {"filled"}
    assert not standing.status("approval").is_done
    assert not standing.status("signing").is_done


def test_a_signature_of_an_earlier_round_signs_nothing_new(house, now, at_approval):
    """A22: after a return the right to send lapses until the first head has agreed and signed anew."""
    before = at_approval.round
    approval.return_for_rework(
        at_approval, by=person("first_head"), comments={PLACE: "Индексі жоқ"}, seen=at_approval.version, now=now
    )
    from app.applications import moves

    application = refetched(at_approval)
    moves.fire(application, "send_for_approval", by=person("issuer"), seen=application.version, now=now)

    assert refetched(at_approval).round == before + 1
    assert queries.present_document(refetched(at_approval)) is None
    assert not facts.of(refetched(at_approval)).signature_valid


@pytest.mark.req("IS2IN-20.e", "IS2IN-21.a")
def test_agreed_leads_to_the_signing_even_with_open_comments(browser, reviewing, at_approval):
    someone, path = reviewing
    someone.send(someone.get(path), path, press="save", **{f"comment-{PLACE}": "Кеңес қана"})

    answer = someone.send(someone.get(path), path, press="agree")
    page = someone.follow(answer)

    assert answer.location == address(at_approval, "sign")
    assert "ЭЦҚ-мен қол қою" in page.main
    assert queries.position(refetched(at_approval)).status("approval") == "filled"
    assert refetched(at_approval).process == "first_head"


@pytest.mark.parametrize("comments", [{"issuer.nosuch": "?"}, {"nosuch.bin": "?"}, {"": "?"}, {"issuer": "?"}])
def test_a_comment_on_no_field_is_refused_and_nothing_moves(house, now, at_approval, comments):
    with pytest.raises(Invalid):
        approval.agree(at_approval, by=person("first_head"), comments=comments, seen=at_approval.version, now=now)

    assert written(at_approval) == []
    assert queries.position(refetched(at_approval)).status("approval") != "filled"


def test_a_comment_that_is_too_long_is_refused_at_its_field(house, now, at_approval):
    with pytest.raises(Invalid) as refusal:
        approval.save(at_approval, by=person("first_head"), comments={PLACE: "ә" * 4001}, now=now)

    assert refusal.value.problems[0].path == PLACE


@pytest.mark.parametrize("act", ["save", "return", "agree", "comment"])
@pytest.mark.parametrize("key", ["issuer", "adviser", "clerk", "other_first_head", "listing"])
def test_nobody_but_the_own_first_head_acts_in_the_approval(browser, at_approval, act, key):
    someone = browser(key)
    path = address(at_approval, "review")

    answer = someone.post(path, {act: "yes", f"comment-{PLACE}": "Мен де", "seen": str(at_approval.version)})

    assert answer.status in (403, 404)
    assert written(at_approval) == []
    assert refetched(at_approval).process == "first_head"
    assert queries.position(refetched(at_approval)).status("approval") != "filled"


def test_a_first_head_who_left_the_office_acts_no_more(house, now, at_approval):
    person("first_head").membership.is_first_head = False
    db.session.flush()

    with pytest.raises(NotPermitted):
        approval.agree(at_approval, by=person("first_head"), comments={}, seen=at_approval.version, now=now)


def test_the_author_changes_nothing_while_the_first_head_reads(browser, at_approval):
    someone = browser("issuer")
    path = address(at_approval, "stages", "issuer")
    before = queries.latest(at_approval, "issuer").revision

    refused = someone.post(path, {"save": "yes", "revision": str(before), "activity": "жаңа"})

    assert refused.status in (403, 409)
    assert queries.latest(refetched(at_approval), "issuer").revision == before


def test_an_act_on_a_stale_page_is_a_conflict(house, now, at_approval):
    for act in (approval.agree, approval.return_for_rework):
        with pytest.raises(Conflict) as refusal:
            act(at_approval, by=person("first_head"), comments={PLACE: "?"}, seen=at_approval.version - 1, now=now)
        assert refusal.value.key == "app.err.moved"
        db.session.rollback()


def test_an_application_created_by_the_first_head_himself_still_passes_the_approval(house, now):
    """The four eyes are the first head's own: nothing is sent that has not gone through the approval."""
    first_head = person("first_head")
    application = filing.create("share_listing", company_id=first_head.organisation.id, author=first_head, now=now)

    assert application.process == "filling"
    with pytest.raises(Conflict):
        approval.agree(application, by=first_head, comments={}, seen=application.version, now=now)


def test_the_clock_of_the_house_is_the_one_that_counts(house, now, at_approval, browser):
    clock.move(house.config, "+3h")
    someone, path = browser("first_head"), address(at_approval, "review")

    someone.send(someone.get(path), path, press="save", **{f"comment-{PLACE}": "Кеш"})

    assert written(at_approval)[0].published_at - now > timedelta(hours=2, minutes=59)
