"""Comments and rounds in a browser: the first head writes, leaves, comes back; the author answers; round two.

Each test is a step of the same application; a step that fails ends the story.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.journeys.people import Cast, Person
from tests.serving import Installation, Served, copy_of, serving

ONE_STORY = True

NUMBER = "LP-2026-000004"
"""The demo's application that stands at the first head."""
ROOT = f"/applications/{NUMBER}"
ADDRESS, BIN = "issuer.legal_address", "issuer.bin"


@pytest.fixture(scope="module")
def served(loaded: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(copy_of(loaded, tmp_path_factory.mktemp("rounds") / "var")) as running:
        yield running


@pytest.fixture(scope="module")
def whole_cast(served, chromium) -> Iterator[Cast]:
    cast = Cast(served, chromium)
    yield cast
    cast.leave()


@pytest.fixture
def cast(whole_cast) -> Iterator[Cast]:
    yield whole_cast
    assert whole_cast.complaints() == []


def left(cast: Cast, key: str) -> None:
    """Close somebody's browser; the next time he signs in anew."""
    cast.people.pop(key).page.context.close()


def changes(person: Person) -> dict[str, str]:
    """Return place -> kind of the changes on the page."""
    return {
        str(item.get_attribute("data-place")): str(item.get_attribute("data-change"))
        for item in person.find("[data-change]").all()
    }


def violations(person: Person) -> list[str]:
    """Return every violation of a rule of accessibility on the page: wide and light, then narrow and dark."""
    found = []
    for width, scheme in ((1280, "light"), (390, "dark")):
        person.page.set_viewport_size({"width": width, "height": 900})
        person.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        answer = Axe().run(person.page).response["violations"]
        found += [f"{width} {item['id']}: {node['html'][:160]}" for item in answer for node in item["nodes"]]
    person.page.set_viewport_size({"width": 1280, "height": 900})
    person.page.emulate_media(color_scheme="light")
    return found


@pytest.mark.req("IS2IN-20.f", "IS2IN-20.h")
def test_the_first_head_comments_on_two_fields_and_closes_the_browser(cast):
    head = cast["first_head"]
    head.go(f"{ROOT}/review")

    head.comment(ADDRESS, "Үйдің нөмірі жоқ")
    head.comment(BIN, "Жарғымен салыстырыңыз")

    left(cast, "first_head")


@pytest.mark.req("IS2IN-20.i")
def test_his_comments_are_still_there_and_still_his_alone(cast):
    author, head = cast["issuer"], cast["first_head"]
    author.go(f"{ROOT}/comments")
    expect(author.find("[data-comment]")).to_have_count(0)

    head.go(f"{ROOT}/review")

    expect(head.find("[data-state=pending]")).to_have_count(2)
    expect(head.key_of("msg.comment_pending").first).to_be_visible()


@pytest.mark.req("IS2IN-20.d")
def test_he_returns_the_application_and_exactly_these_comments_are_published(cast):
    head, author = cast["first_head"], cast["issuer"]

    head.press("act.return_for_rework")

    author.go(f"{ROOT}/comments")
    expect(author.find("article[data-state=open]")).to_have_count(2)
    expect(author.find("article[data-comment]")).to_have_count(2)


def test_the_author_goes_through_the_comments_by_keys_and_answers(cast):
    author = cast["issuer"]
    articles = author.find("article[data-comment]")
    author.find("form[data-panel]").focus()
    author.page.keyboard.press("n")
    expect(articles.nth(0)).to_be_focused()
    author.page.keyboard.press("n")
    expect(articles.nth(1)).to_be_focused()
    author.page.keyboard.press("p")
    expect(articles.nth(0)).to_be_focused()
    articles.nth(0).locator("textarea").fill("n және p жазылды")  # typing goes nowhere else
    expect(articles.nth(0).locator("textarea")).to_have_value("n және p жазылды")

    for place, words in ((ADDRESS, "Түзетілді"), (BIN, "БСН дұрыс")):
        author.find(f'article[data-place="{place}"] textarea').fill(words)
    author.press("act.save", "form[data-panel]")

    expect(author.find("article[data-state=answered]")).to_have_count(2)


def test_he_changes_two_fields_one_of_them_unasked_and_sends_again(cast):
    author = cast["issuer"]
    author.stage(NUMBER, "issuer")
    author.find("#f-legal_address").fill("050000, Алматы қ., Абай даңғылы, 1-үй")
    author.find("#f-phone").fill("+7 701 000 00 00")
    author.press("act.done", "form[data-stage]")
    author.go(f"{ROOT}/changes?since=mine")
    assert changes(author) == {ADDRESS: "changed", "issuer.phone": "changed"}

    author.go(f"{ROOT}/summary")
    author.press("act.send_for_approval")

    author.stands_in("first_head")


def test_the_second_round_opens_on_exactly_what_changed(cast):
    head = cast["first_head"]

    head.go(f"{ROOT}/review")

    assert changes(head) == {ADDRESS: "changed", "issuer.phone": "changed"}
    expect(head.find(f'[data-place="{ADDRESS}"]')).to_contain_text("Үйдің нөмірі жоқ")
    expect(head.find(f'[data-place="{ADDRESS}"]')).to_contain_text("Түзетілді")
    expect(head.find(f'[data-place="{ADDRESS}"] [data-key="rounds.unasked"]')).to_have_count(0)
    expect(head.find('[data-place="issuer.phone"] [data-key="rounds.unasked"]')).to_be_visible()
    expect(head.find("[data-unanswered]")).to_contain_text("БСН дұрыс")


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_runs_over_the_edge_of_a_phone_or_a_screen(cast, width):
    head = cast["first_head"]
    head.page.set_viewport_size({"width": width, "height": 800})
    for page in ("review", "review?show=all", "changes", "comments"):
        head.go(f"{ROOT}/{page}")
        over = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert head.page.evaluate(over) <= 0, page


def test_the_pages_of_rounds_are_free_of_faults_of_accessibility(cast):
    head, author = cast["first_head"], cast["issuer"]
    found = {}
    for person, page in (
        (head, "review"),
        (head, "review?show=all"),
        (head, "changes"),
        (head, "comments"),
        (author, "comments"),
        (author, "summary"),
    ):
        person.go(f"{ROOT}/{page}")
        found[person.key, page] = violations(person)
    assert {page: faults for page, faults in found.items() if faults} == {}


def test_two_sent_versions_are_compared_by_choosing_them(cast):
    author = cast["issuer"]
    author.go(f"{ROOT}/changes")
    author.find("#f-from").select_option("1")
    author.find("#f-to").select_option("2")
    author.find("#f-show").select_option("unasked")

    author.press("rounds.compare", "form.picker")

    expect(author.find("[data-from='1'][data-to='2']")).to_be_visible()
    assert changes(author) == {"issuer.phone": "changed"}
    author.find("#f-show").select_option("all")
    author.press("rounds.compare", "form.picker")
    assert changes(author) == {ADDRESS: "changed", "issuer.phone": "changed"}
    expect(author.find(f'[data-place="{ADDRESS}"] del')).to_contain_text("Абай")
    expect(author.find("li[data-version]")).to_have_count(2)


def test_without_scripts_he_switches_comments_and_settles(cast):
    head = cast.enter("first_head", java_script_enabled=False)
    head.go(f"{ROOT}/review")
    head.press("rounds.show_all")
    expect(head.find(f'[data-place="{BIN}"]')).to_be_visible()
    head.press("rounds.show_changed")
    head.find('[data-place="issuer.phone"] summary[data-key="act.comment"]').click()
    head.find('[name="comment-issuer.phone"]').fill("Неге өзгерді?")
    head.press("", of=head.find('[data-place="issuer.phone"] [data-key="act.continue"]'))
    expect(head.find('[data-place="issuer.phone"] [data-state=pending]')).to_be_visible()

    head.go(f"{ROOT}/comments")
    remark = head.find(f'article[data-place="{BIN}"]')
    head.press("", of=remark.locator('button[data-key="act.resolve"]'))

    expect(head.find(f'article[data-place="{BIN}"]')).to_have_attribute("data-state", "resolved")
    head.page.context.close()
