"""What the pages of an application say of whose turn it is, and what is left to do."""

from __future__ import annotations

from browser import words
from factories import Teller, application_at, new_application, refetched
from test_creating import address

from app import db
from app.applications import issued, signing
from app.terms import say


def test_the_conclusion_waits_for_its_drafter_and_then_for_the_signature_of_the_head(browser, house):
    application, teller = application_at("conclusion"), Teller(house.config)
    number = application.number
    officer, head = browser("listing"), browser("listing_head")
    assert "msg.your_action" in officer.get(address(number)).terms()
    assert number in words(officer.get("/").one(data_block="mine"))
    assert number not in words(head.get("/").one(data_block="mine"))
    before = head.get(address(number))
    assert "msg.your_action" not in before.terms()
    assert before.all(data_to_sign="") == []

    teller.fill(refetched(number), ("conclusion", "conclusion_approval"))
    db.session.commit()

    assert number in words(head.get("/").one(data_block="mine"))
    page = head.get(address(number))
    [card] = page.all(data_to_sign="")
    [link] = [each for each in card.iter("a") if each.get("data-key") == "letter.sign_now"]
    assert "msg.your_action" in page.terms()
    assert head.get(link.get("href")).location.startswith("/letters/")
    assert signing.awaited_in(refetched(number)) == "conclusion"
    assert officer.get(address(number)).all(data_to_sign="") == []


def test_a_letter_of_its_template_alone_is_offered_for_signing_on_the_page_of_its_application(browser, house):
    application = application_at("rework")
    [letter] = issued.waiting(application)

    page = browser("listing_head").get(address(application))

    [card] = page.all(data_to_sign="")
    assert letter.words["subject"]["kk"] in words(card)
    assert f"/letters/{letter.id}" in [each.get("href") for each in card.iter("a")]
    assert browser("issuer").get(address(application)).all(data_to_sign="") == []


def test_the_first_head_is_not_warned_of_remarks_that_the_exchange_alone_resolves(browser, house):
    application = application_at("rework_approval")

    page = browser("first_head").get(address(application, "review"))

    assert "msg.open_comments" not in page.terms()
    assert page.one(name="agree").get("data-confirm") is None
    assert "msg.open_comments" in browser("listing").get(address(application)).terms()


def test_sending_again_is_not_told_as_a_registration(browser, house):
    application, teller = application_at("rework_approval"), Teller(house.config)
    number = application.number
    teller.agree_and_sign(application)
    db.session.commit()

    page = browser("first_head").get(address(number, "sign"))

    assert page.says(data_key="app.sign.send_again_help") == say("app.sign.send_again_help", "kk")
    assert "app.sign.send_help" not in page.terms()


def test_an_empty_stage_is_not_called_saved(browser, house):
    someone, application = browser("issuer"), new_application()
    path = address(application, "stages", "issuer")

    refused = someone.send(someone.get(path), path, press="done")

    assert refused.status == 422
    assert ("answers.kept_unfinished" in refused.terms()) is ("app.never_saved" not in refused.terms())
