"""A first head signs with a GOST key in the browser; every wrong key has its own words and moves nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from app.sandbox.ncalayer import Agent, Emulator, emulator
from app.sandbox.pki import SandboxPki, SigningKey
from app.terms import say
from tests.journeys.people import Cast, Person
from tests.serving import Installation, Served, copy_of, ncalayer, serving

NUMBER = "LP-2026-000004"
ROOT = f"/applications/{NUMBER}"
ONE_STORY = True


@pytest.fixture(scope="module")
def served(loaded: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(copy_of(loaded, tmp_path_factory.mktemp("gost") / "var")) as running:
        yield running


@pytest.fixture(scope="module")
def whole_cast(served, chromium) -> Iterator[Cast]:
    found = Cast(served, chromium)
    found["first_head"].stage(NUMBER, "approval")
    found["first_head"].press("act.approved", "main .bar--form")
    yield found
    found.leave()


@pytest.fixture
def cast(whole_cast) -> Iterator[Cast]:
    yield whole_cast
    assert whole_cast.complaints() == []


@pytest.fixture
def head(cast) -> Person:
    cast["first_head"].go(f"{ROOT}/sign")
    return cast["first_head"]


def press_sign(head: Person) -> None:
    head.press("act.sign_eds", ".step > .bar")
    head.find('#signing [data-key="act.sign"]').click()


def is_unsigned(head: Person) -> bool:
    head.go(f"{ROOT}/sign")
    return head.find(".step[data-state=unsigned]").count() == 1 and head.find("[data-signature]").count() == 0


def told(head: Person) -> str:
    """Press «Қол қою», expect a refusal that moves nothing, and return its words."""
    head.answered(lambda: press_sign(head), 422)
    words = head.words(".errors")
    assert is_unsigned(head)
    return words


class _Window:
    """An agent in this process whose window offers a certain key."""

    def __init__(self, pki: SandboxPki, key: SigningKey, port: int) -> None:
        self.running: Emulator = emulator(pki, "first_head", port=port)
        self.running.agent = Agent(lambda: key)

    def __enter__(self) -> Emulator:
        return self.running.__enter__()

    def __exit__(self, *fault: object) -> None:
        self.running.__exit__(*fault)


@pytest.mark.req("IS2IN-22.2")
def test_a_published_key_of_another_organisation_is_refused_in_words(cast, head, served, agent_port):
    with ncalayer(served.installation, key="nca:head", port=agent_port):
        words = told(head)

    assert say("err.cert_org", "kk") in words
    assert say("err.cert_person", "kk") in words


def test_an_expired_gost_key_is_refused_in_words(cast, head, agent_port):
    person = cast.pki.accounts()["first_head"]
    expired = cast.pki.issue(person, at=datetime.now(UTC) - timedelta(days=400), gost=True)
    with _Window(cast.pki, expired, agent_port):
        assert say("err.cert_expired", "kk") in told(head)


def test_a_wrong_password_is_told_apart_from_every_other_failure(cast, head, served, agent_port):
    with ncalayer(served.installation, behaviour="wrong-password", port=agent_port, gost=True):
        press_sign(head)
        status = head.find("[data-sign-status][data-state=password]")
        expect(status).to_have_text(say("sig.page.password", "kk"))
    assert is_unsigned(head)


def test_another_document_than_the_one_on_the_page_is_refused_in_words(cast, head):
    foreign = cast.pki.sign("first_head", b"%PDF-1.7 another", attached=False, gost=True)
    head.press("act.sign_eds", ".step > .bar")
    head.find("#tab-file").click()
    head.find("#f-cms").set_input_files({"name": "x.cms", "mimeType": "application/octet-stream", "buffer": foreign})
    head.answered(lambda: head.press("act.upload", "#way-file"), 422)

    assert say("err.doc_changed", "kk") in head.words(".errors")
    assert is_unsigned(head)


@pytest.mark.req("IS2IN-23.a", "IS2IN-22.1")
def test_pressing_twice_and_in_two_tabs_signs_once_and_the_file_can_be_sent(cast, head, served, agent_port):
    other_tab = head.page.context.new_page()
    other_tab.goto(head.page.url)
    with ncalayer(served.installation, port=agent_port, gost=True):
        head.press("act.sign_eds", ".step > .bar")
        head.find('#signing [data-key="act.sign"]').dblclick()
        expect(head.find("[data-signature]")).to_have_count(1)

        other_tab.locator('.step > .bar [data-key="act.sign_eds"]').click()
        with other_tab.expect_navigation():
            other_tab.locator('#signing [data-key="act.sign"]').click()
        expect(other_tab.locator("main [data-signature]")).to_have_count(1)
        other_tab.close()

    head.go(f"{ROOT}/sign")
    expect(head.find("[data-signature]")).to_have_count(1)
    expect(head.find("[data-signature]")).to_contain_text("760118300039")
    head.press("act.send_file")
    head.stands_in("registration")


@pytest.mark.req("IS2IN-25.d")
def test_the_report_names_the_algorithm_and_what_was_kept(cast):
    head = cast["first_head"]
    head.go(f"{ROOT}/documents")
    head.follow(head.find('[data-key="verify.report_of"]').first)

    report = head.words("[data-report=now]")
    assert say("sig.verdict.valid", "kk") in report
    assert "GOST R 34.10-2015" in report
    expect(head.find('[data-key="verify.evidence.certificate"]').first).to_be_visible()
