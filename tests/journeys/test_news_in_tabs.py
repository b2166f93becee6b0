"""New messages in the browser: two open pages, one question, the bell of both, one word to the reader."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from app import db
from app.demo import user
from app.notifications import operations
from app.notifications.operations import About
from app.terms import say
from app.web import clock
from tests.houses import House, settings
from tests.journeys.people import Cast
from tests.serving import Installation, Served, copy_of, serving

SINCE = "/notifications/since"
ASK_NOW = """() => {
  for (const key of Object.keys(localStorage).filter((name) => name.startsWith("kezen.news"))) {
    localStorage.setItem(key, JSON.stringify({ ...JSON.parse(localStorage.getItem(key)), at: 0 }));
  }
  document.dispatchEvent(new Event("visibilitychange"));
}"""
"""Half a minute goes by."""


@pytest.fixture(scope="module")
def served(loaded: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(copy_of(loaded, tmp_path_factory.mktemp("news") / "var")) as running:
        yield running


def notify(served: Served, number: str) -> None:
    """Tell the issuer something, as an act of somebody else does."""
    house = House.build(settings(served.installation.var))
    house.enter()
    with house.app.app_context():
        now = clock.now(house.config)
        about = About(number=number, procedure={"kk": "Акциялар"})
        operations.notify([user("issuer")], "notice.created", about=about, now=now)
        db.session.commit()
    db.session.remove()
    house.engine.dispose()


def test_two_open_pages_learn_of_a_new_message_by_one_question(served, chromium):
    cast = Cast(served, chromium)
    person = cast["issuer"]
    context = person.page.context
    person.go("/notifications")
    other: Page = context.new_page()
    other.goto(f"{served.address}/norms")
    other.wait_for_function("Object.keys(localStorage).some((name) => name.startsWith('kezen.news'))")
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url) if SINCE in request.url else None)
    before = int(person.page.locator("[data-bell] [data-count]").inner_text())
    toasts = [page.locator(".toast") for page in (person.page, other)]
    assert [toast.count() for toast in toasts] == [0, 0]

    notify(served, "LP-2027-000009")
    with context.expect_event("response", lambda answer: SINCE in answer.url):
        person.page.evaluate(ASK_NOW)

    for page in (person.page, other):
        expect(page.locator("[data-bell] [data-count]")).to_have_text(str(before + 1))
    expect(person.page.locator('[data-app="LP-2027-000009"]')).to_be_visible()
    assert len(asked) == 1
    [told] = [page for page, toast in zip((person.page, other), toasts, strict=True) if toast.count()]
    expect(told.locator(".toast a")).to_have_text(say("notice.created", "kk"))
    assert told.locator("[data-toasts]").get_attribute("aria-live") == "polite"
    assert Axe().run(told).response["violations"] == []
    told.locator(".toast button").click()
    expect(told.locator(".toast")).to_have_count(0)
    cast.leave()
