"""Before the author sends again he is told of comments about which nothing was done, and may send despite them."""

from __future__ import annotations

import pytest
from browser import words
from factories import application_at, person, refetched
from test_comments import PLACE, returned, sent_again
from test_creating import address
from test_rounds import edited

from app import db
from app.applications import approval, changes, effects, filing, queries
from app.applications.models import WHOLE, History
from app.errors import Invalid

SEND = "send_for_approval"
THREE = {PLACE: "Индексі жоқ", "issuer.bin": "Салыстырыңыз", WHOLE: "Жалпы жақсы"}


@pytest.fixture
def in_rework(house, now):
    """An application that the first head returned with three comments, one of them on the whole."""
    return returned(application_at("first_head"), now, THREE)


def left(application) -> set[str]:
    """Return the places of the comments about which nothing was done."""
    application = refetched(application)
    rows = queries.comments(application, user=person("issuer"))
    return {row.place for row in changes.unheeded(application, rows, user=person("issuer"))}


def ident(application, place) -> int:
    return next(row.id for row in queries.comments(application, user=person("issuer")) if row.place == place)


def test_a_comment_is_heeded_by_an_answer_or_a_change_at_its_place(in_rework, now):
    assert left(in_rework) == {*THREE}

    edited(in_rework, now, "issuer", "issuer", legal_address="050000, Алматы, Абай 1", phone="+77010000000")
    assert left(in_rework) == {"issuer.bin", WHOLE}

    approval.answer_all(in_rework, {ident(in_rework, WHOLE): "Рақмет"}, by=person("issuer"), now=now)
    assert left(in_rework) == {"issuer.bin"}


def test_what_was_heeded_in_an_earlier_round_is_not_asked_for_again_until_it_is_reopened(in_rework, now):
    edited(in_rework, now, "issuer", "issuer", legal_address="050000, Алматы, Абай 1")
    application = sent_again(in_rework, now)
    application = returned(application, now, {"issuer.phone": "Қате"})
    assert left(application) == {"issuer.bin", WHOLE, "issuer.phone"}

    application = sent_again(application, now)
    head = person("first_head")
    approval.resolve(application, ident(application, PLACE), by=head, now=now)
    approval.reopen(application, ident(application, PLACE), "Әлі де қате", by=head, now=now)
    application = returned(application, now, {})

    assert PLACE in left(application)


def test_the_page_lists_them_before_the_button_and_sends_only_with_the_tick(in_rework, browser):
    author, path = browser("issuer"), address(in_rework, "summary")
    action = address(in_rework, "transitions", SEND)
    page = author.get(path)
    listed = [item for item in page.root.iter("li") if item.get("data-unheeded")]
    assert {item.get("data-unheeded") for item in listed} == {str(ident(in_rework, place)) for place in THREE}
    links = [link.get("href") for item in listed for link in item.iter("a")]
    assert all(link.startswith(f"{address(in_rework, 'comments')}#comment-") for link in links)

    refused = author.send(page, action)

    assert refused.status == 422
    assert refetched(in_rework).process == "filling"
    assert refused.error("despite")
    assert [item for item in refused.root.iter("li") if item.get("data-unheeded")]

    sent = author.send(refused, action, despite="yes")

    assert sent.status == 303
    application = refetched(in_rework)
    assert application.process == "first_head"
    acts = [row.act for row in queries.history(application)[:2]]
    assert acts == [SEND, "send_despite"]
    told = author.get(address(application, "timeline"))
    assert "Заңды мекенжайы" in words(told.one(data_act="send_despite"))
    author.get("/?lang=ru")
    told = words(author.get(address(application, "timeline")).one(data_act="send_despite"))
    assert "Юридический адрес" in told
    assert "Заңды мекенжайы" not in told


def test_an_older_row_that_keeps_labels_in_words_is_still_read(in_rework, now, browser):
    db.session.add(
        History(application_id=in_rework.id, at=now, by_id=person("issuer").id, act="send_despite", words="БСН; #1")
    )
    db.session.commit()

    told = browser("issuer").get(address(in_rework, "timeline")).one(data_act="send_despite")

    assert "БСН; #1" in words(told)


def test_with_everything_answered_nothing_is_asked(in_rework, now, browser):
    rows = queries.comments(in_rework, user=person("issuer"))
    approval.answer_all(in_rework, {row.id: "Жауап" for row in rows}, by=person("issuer"), now=now)
    author = browser("issuer")
    page = author.get(address(in_rework, "summary"))
    assert "rounds.unheeded" not in page.terms()

    author.send(page, address(in_rework, "transitions", SEND))

    application = refetched(in_rework)
    assert application.process == "first_head"
    assert queries.history(application)[0].act == SEND
    assert "send_despite" not in [row.act for row in queries.history(application)]


def test_the_first_sending_and_other_acts_ask_nothing(house, now):
    application = application_at("rework")
    assert filing.unheeded(application, _transition(application, "withdraw"), person("issuer")) == []
    filing.send(application, "withdraw", by=person("issuer"), seen=application.version, words="Жоспар", now=now)
    assert refetched(application).process == "withdrawn"


def test_the_rule_stands_beneath_the_page(in_rework, now):
    with pytest.raises(Invalid) as refusal:
        filing.send(in_rework, SEND, by=person("issuer"), seen=in_rework.version, now=now)
    assert refusal.value.problems[0].params == {"n": 3}


def test_an_entry_that_was_taken_out_heeds_the_comments_inside_it(house, now):
    field = "requirements.extra_listing_requirements-e1-isin"
    application = returned(application_at("first_head"), now, {field: "Қате"})
    assert left(application) == {field}
    effects.save_answers(
        application, "requirements", {"extra_listing_requirements": {"entries": [], "last": 1}},
        by=person("issuer"), now=now,
    )  # fmt: skip

    assert left(application) == set()


def _transition(application, trigger):
    found = queries.procedure(application).transitions
    return next(item for item in found if (item.trigger, item.source) == (trigger, application.process))
