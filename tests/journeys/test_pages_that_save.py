"""Nothing typed is lost: pages that save by themselves, cut connections, crashes, ended sessions, two people."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Dialog, expect

from app.demo.people import PASSWORD
from app.terms import say
from tests.journeys.people import EMAILS, Cast, Person
from tests.serving import Installation, Served, copy_of, serving

STAGE, PHONE = "issuer", {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def served(loaded: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(copy_of(loaded, tmp_path_factory.mktemp("autosave") / "var")) as running:
        yield running


@pytest.fixture
def cast(served: Served, chromium: Any) -> Iterator[Cast]:
    people = Cast(served, chromium)
    yield people
    complaints = [
        said for said in people.complaints() if "ERR_INTERNET_DISCONNECTED" not in said and "net::" not in said
    ]
    people.leave()
    assert complaints == []


@pytest.fixture
def number(cast: Cast, served: Served) -> str:
    """A new application of the issuer on which the clerk works too."""
    return application_of_two(cast, served, "share_listing")


def application_of_two(cast: Cast, served: Served, procedure: str) -> str:
    """Create an application of the issuer on which the clerk works too."""
    issuer = cast["issuer"]
    issuer.go(f"/procedures/{procedure}/new")
    issuer.follow(issuer.find('form[action$="/new"] button[data-key="act.create"]'))
    made = issuer.path.rsplit("/", 1)[-1]
    clerk = EMAILS["clerk"]
    with sqlite3.connect(served.installation.var / "kezen.db") as connection:
        connection.execute(
            "INSERT INTO assignment (application_id, user_id, organisation_id, executor, at, is_current)"
            " SELECT a.id, u.id, a.organisation_id, 'author', a.created_at, 1 FROM application a, user_account u"
            " WHERE a.number = ? AND u.email = ?",
            (made, clerk),
        )
    connection.close()
    return made


def path_of(number: str) -> str:
    """Return the address of the stage that is filled here."""
    return f"/applications/{number}/stages/{STAGE}"


def answers(served: Served, number: str) -> dict[str, Any]:
    """Return what the database holds."""
    with sqlite3.connect(served.installation.var / "kezen.db") as connection:
        row = connection.execute(
            'SELECT "values" FROM answers JOIN application ON application.id = application_id'
            " WHERE number = ? AND stage = ? ORDER BY revision DESC LIMIT 1",
            (number, STAGE),
        ).fetchone()
    connection.close()
    found: dict[str, Any] = json.loads(row[0])[STAGE] if row else {}
    return found


def type_in(person: Person, name: str, words: str) -> None:
    """Type into a field as a person does."""
    box = person.find(f'.form [name="{name}"]')
    box.fill("")
    box.press_sequentially(words)


def await_saved(person: Person) -> None:
    """Wait until the page says that it has saved."""
    expect(person.find("[data-keeping]")).to_have_attribute("data-state", "saved")


def unsent(person: Person) -> list[str]:
    """Return what the browser keeps of unsent answers."""
    found: list[str] = person.page.evaluate(
        "Object.keys(localStorage).filter(name => name.startsWith('kezen.unsent.'))"
    )
    return found


def await_sent(person: Person) -> None:
    """Wait until the browser keeps nothing any more."""
    end = time.monotonic() + 20
    while unsent(person) and time.monotonic() < end:
        time.sleep(0.1)
    assert unsent(person) == []


@contextmanager
def unheard(person: Person) -> Iterator[None]:
    """Let the page's own saves wait for an answer, so that a button is what is sent first."""
    person.page.route("**/autosave", lambda route: None)
    yield
    person.page.unroute("**/autosave")


def end_session(person: Person) -> None:
    """Take the session away; an answer still under way would bring its cookie back."""
    person.page.wait_for_load_state("networkidle")
    person.page.context.clear_cookies()
    assert person.page.context.cookies() == []


def test_what_is_typed_is_saved_without_any_button_and_the_status_stays(cast, served, number):
    issuer = cast["issuer"]
    issuer.go(path_of(number))

    type_in(issuer, "legal_address", "Абай 1")
    await_saved(issuer)

    assert answers(served, number)["legal_address"] == "Абай 1"
    await_sent(issuer)
    issuer.go(path_of(number))
    assert issuer.find(".saved").get_attribute("data-state") == "not_started"
    expect(issuer.find('.form [name="legal_address"]')).to_have_value("Абай 1")


def test_leaving_at_once_saves_too(cast, served, number):
    issuer = cast["issuer"]
    issuer.go(path_of(number))

    type_in(issuer, "legal_address", "Достық 2")
    issuer.go("/applications")

    issuer.go(path_of(number))
    expect(issuer.find('.form [name="legal_address"]')).to_have_value("Достық 2")
    assert answers(served, number)["legal_address"] == "Достық 2"


@pytest.mark.req("IS2IN-P.5")
def test_two_people_fill_different_fields_and_each_sees_the_others(cast, served, number):
    issuer, clerk = cast["issuer"], cast["clerk"]
    issuer.go(path_of(number))
    clerk.go(path_of(number))

    type_in(issuer, "legal_address", "Абай 1")
    await_saved(issuer)
    type_in(clerk, "activity", "Астық")
    await_saved(clerk)

    expect(clerk.find('.form [name="legal_address"]')).to_have_value("Абай 1")
    expect(clerk.find("[data-notice=merged]")).to_contain_text("Ахметова")
    found = answers(served, number)
    assert (found["legal_address"], found["activity"]) == ("Абай 1", "Астық")
    clerk.press("act.save", ".bar--form")
    assert answers(served, number)["legal_address"] == "Абай 1"


@pytest.mark.parametrize(("side", "kept"), [("mine", "Достық 2"), ("theirs", "Абай 1")])
def test_the_same_field_is_chosen_on_the_page_and_nothing_is_overwritten_before(cast, served, number, side, kept):
    issuer, clerk = cast["issuer"], cast["clerk"]
    issuer.go(path_of(number))
    clerk.go(path_of(number))
    type_in(issuer, "legal_address", "Абай 1")
    await_saved(issuer)

    type_in(clerk, "legal_address", "Достық 2")
    box = clerk.find('[data-contested="legal_address"]')
    expect(box).to_contain_text("Абай 1")
    expect(box).to_contain_text("Ахметова")
    assert answers(served, number)["legal_address"] == "Абай 1"
    assert unsent(clerk)

    clerk.find('.bar--form [data-key="act.save"]').click()  # that is no choice: it leads to it
    expect(box.locator("[type=radio]").first).to_be_focused()
    assert answers(served, number)["legal_address"] == "Абай 1"

    box.locator(f"input[value={side}]").click()
    await_saved_value = clerk.find('.form [name="legal_address"]')
    expect(await_saved_value).to_have_value(kept)
    expect(box).to_have_count(0)
    await_sent(clerk)
    assert answers(served, number)["legal_address"] == kept


def test_without_a_connection_one_goes_on_and_it_is_sent_when_it_is_back(cast, served, number):
    issuer = cast["issuer"]
    issuer.go(path_of(number))
    issuer.page.context.set_offline(True)

    type_in(issuer, "legal_address", "Абай 1")
    notice, save = issuer.find("[data-notice=offline]"), issuer.find('.bar--form [data-key="act.save"]')
    expect(notice).to_be_visible()
    expect(save).to_have_attribute("aria-disabled", "true")
    expect(save).to_have_accessible_description(notice.locator("p").inner_text())
    save.focus()
    issuer.page.keyboard.press("Enter")
    expect(notice).to_be_focused()
    assert issuer.path == path_of(number)
    assert unsent(issuer)
    assert "legal_address" not in answers(served, number)

    issuer.page.context.set_offline(False)
    await_saved(issuer)
    expect(issuer.find("[data-notice=offline]")).to_have_count(0)
    expect(save).to_be_enabled()
    assert answers(served, number)["legal_address"] == "Абай 1"
    await_sent(issuer)


def test_the_buttons_come_back_with_the_connection_though_nothing_was_typed(cast, number):
    issuer = cast["issuer"]
    issuer.go(path_of(number))
    done = issuer.find('.bar--form [data-key="act.done"]')

    issuer.page.context.set_offline(True)
    expect(done).to_be_disabled()
    issuer.page.context.set_offline(False)

    expect(done).to_be_enabled()
    expect(issuer.find("[data-notice]")).to_have_count(0)


def test_an_answer_that_is_lost_on_its_way_makes_no_second_revision(cast, served, number):
    issuer = cast["issuer"]
    issuer.go(path_of(number))
    lost = []

    def drop(route: Any) -> None:
        if not lost:
            lost.append(route.fetch())  # the server has done it, and nobody hears
            route.abort()
        else:
            route.continue_()

    issuer.page.route("**/autosave", drop)
    type_in(issuer, "legal_address", "Абай 1")
    await_saved(issuer)
    issuer.page.unroute("**/autosave")

    assert len(lost) == 1
    with sqlite3.connect(served.installation.var / "kezen.db") as connection:
        (count,) = connection.execute(
            "SELECT count(*) FROM answers JOIN application ON application.id = application_id WHERE number = ?",
            (number,),
        ).fetchone()
    connection.close()
    assert count == 1


def test_after_a_crash_all_that_was_typed_stands_again_where_one_was(cast, served, number):
    issuer = cast["issuer"]
    issuer.go(path_of(number))
    issuer.page.context.set_offline(True)
    type_in(issuer, "legal_address", "Абай 1")
    type_in(issuer, "activity", "Астық")
    context = issuer.page.context
    issuer.page.evaluate("navigator.sendBeacon = () => false")  # a crash says nothing any more
    crashed = issuer.page
    issuer.page = context.new_page()
    crashed.close(run_before_unload=False)
    context.set_offline(False)

    issuer.go(path_of(number))

    expect(issuer.find("[data-notice=restored]")).to_be_visible()
    expect(issuer.find('.form [name="activity"]')).to_have_value("Астық")
    expect(issuer.find('.form [name="activity"]')).to_be_focused()
    await_saved(issuer)
    found = answers(served, number)
    assert (found["legal_address"], found["activity"]) == ("Абай 1", "Астық")


def test_a_session_that_ends_keeps_the_page_and_goes_on_after_signing_in_elsewhere(cast, served, number):
    issuer = cast["issuer"]
    issuer.go(path_of(number))
    end_session(issuer)

    type_in(issuer, "legal_address", "Абай 1")
    expect(issuer.find("[data-notice=signed_out]")).to_be_visible()
    expect(issuer.find('.form [name="legal_address"]')).to_have_value("Абай 1")
    assert unsent(issuer)

    with issuer.page.context.expect_page() as opened:
        issuer.find("[data-notice=signed_out] a").click()
    door = opened.value
    door.locator("#f-email").fill(EMAILS["issuer"])
    door.locator("#f-password").fill(PASSWORD)
    door.locator('[data-key="act.login"]').last.click()
    expect(door).to_have_url(f"{served.address}{path_of(number)}", timeout=60_000)
    door.close()
    issuer.page.evaluate("window.dispatchEvent(new Event('focus'))")

    await_saved(issuer)
    assert answers(served, number)["legal_address"] == "Абай 1"


def test_another_person_at_the_same_browser_never_sees_it(cast, served, number):
    issuer = cast["issuer"]
    issuer.go(path_of(number))
    issuer.page.route("**/autosave", lambda route: route.abort())
    type_in(issuer, "legal_address", "Құпия мекенжай")
    end_session(issuer)
    context = issuer.page.context
    other = Person("clerk", context.new_page(), served.address)
    other.go("/login")
    other.find("#f-email").fill(EMAILS["clerk"])
    other.find("#f-password").fill(PASSWORD)
    other.press("act.login", "form:has(#f-email)")
    issuer.page.unroute("**/autosave")

    issuer.page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(issuer.find("[data-notice=stranger]")).to_be_visible()
    expect(issuer.find(".form")).to_be_hidden()
    other.go(path_of(number))
    expect(other.find('.form [name="legal_address"]')).to_have_value("")
    assert other.find("[data-notice]").count() == 0
    assert "legal_address" not in answers(served, number)


@pytest.mark.parametrize("answer", ["no", "yes"])
def test_signing_out_with_unsent_text_asks_first_and_then_forgets_it(cast, number, answer):
    issuer = cast["issuer"]
    issuer.go(path_of(number))
    issuer.page.route("**/autosave", lambda route: route.abort())
    issuer.page.on("dialog", lambda dialog: Dialog.accept(dialog))
    type_in(issuer, "legal_address", "Абай 1")
    issuer.find('summary[data-key="nav.account"]').click()
    issuer.find('[data-key="nav.logout"]').click()
    asked = issuer.find("dialog[open]")
    expect(asked).to_contain_text(say("answers.unsent", "kk")[:30])

    if answer == "no":
        asked.locator("[value=no]").click()
        assert unsent(issuer)
        assert issuer.path == path_of(number)
    else:
        with issuer.page.expect_navigation():
            asked.locator("[value=yes]").click()
        await_sent(issuer)
        assert issuer.path == "/login"


def test_after_save_and_done_nothing_is_left_in_the_browser(cast, served, number):
    issuer = cast["issuer"]
    issuer.go(path_of(number))
    type_in(issuer, "legal_address", "Абай 1")
    issuer.press("act.save", ".bar--form")
    expect(issuer.find(".alert--success")).to_be_visible()
    assert issuer.find("[data-notice]").count() == 0
    await_sent(issuer)

    issuer.find('.form [name="legal_address"]').fill("Абай 2")
    issuer.press("act.back", ".bar--form")
    issuer.go(path_of(number))
    expect(issuer.find('.form [name="legal_address"]')).to_have_value("Абай 2")


def test_what_cannot_be_read_is_saved_as_it_is_and_told_once_until_it_is_mended(cast, served, number):
    issuer = cast["issuer"]
    issuer.go(path_of(number))
    type_in(issuer, "registration_date", "31.02.2020")
    type_in(issuer, "legal_address", "Абай 1")
    issuer.press("act.save", ".bar--form")

    row = issuer.find('[data-field="registration_date"]')
    expect(issuer.error("registration_date")).to_be_visible()
    assert answers(served, number)["legal_address"] == "Абай 1"
    type_in(issuer, "registration_date", "31.02.2021")
    type_in(issuer, "activity", "Астық")
    await_saved(issuer)
    expect(row.locator(".field__error, .field__note")).to_have_count(1)
    type_in(issuer, "registration_date", "28.02.2021")
    type_in(issuer, "legal_address", "Абай 2")
    expect(row.locator(".field__error, .field__note")).to_have_count(0)
    await_sent(issuer)


def test_done_refused_keeps_all_and_fetching_the_page_again_sends_nothing(cast, served, number):
    issuer = cast["issuer"]
    issuer.go(path_of(number))
    type_in(issuer, "legal_address", "Абай 1")
    issuer.answered(lambda: issuer.find('.bar--form [data-key="act.done"]').click(), 422)
    expect(issuer.error("full_name")).to_be_visible()
    assert answers(served, number)["legal_address"] == "Абай 1"
    assert issuer.find("[data-notice]").count() == 0

    methods: list[str] = []
    issuer.page.on(
        "request", lambda request: methods.append(request.method) if request.is_navigation_request() else None
    )
    issuer.page.reload()

    assert methods == ["GET"]
    expect(issuer.error("full_name")).to_be_visible()
    expect(issuer.find('.form [name="legal_address"]')).to_have_value("Абай 1")


def test_a_dispute_survives_a_reload_with_what_it_was_typed_over(cast, served, number):
    issuer, clerk = cast["issuer"], cast["clerk"]
    issuer.go(path_of(number))
    clerk.go(path_of(number))
    type_in(issuer, "legal_address", "Абай 1")
    await_saved(issuer)
    type_in(clerk, "legal_address", "Достық 2")
    expect(clerk.find('[data-contested="legal_address"]')).to_be_visible()

    clerk.page.on("dialog", lambda dialog: Dialog.accept(dialog))
    clerk.page.reload()

    box = clerk.find('[data-contested="legal_address"]')
    expect(box).to_contain_text("Абай 1")
    expect(clerk.find('.form [name="legal_address"]')).to_have_value("Достық 2")
    expect(clerk.find("[data-notice=disputed]")).to_be_visible()
    expect(clerk.find("[data-notice]")).to_have_count(1)  # nothing says that it is being saved, or was changed anew
    assert answers(served, number)["legal_address"] == "Абай 1"
    box.locator("input[value=mine]").click()
    await_sent(clerk)
    assert answers(served, number)["legal_address"] == "Достық 2"


@pytest.mark.parametrize("side", ["mine", "theirs"])
def test_a_refused_save_tells_one_story_and_its_choices_act_at_once(cast, served, number, side):
    issuer, clerk = cast["issuer"], cast["clerk"]
    issuer.go(path_of(number))
    clerk.go(path_of(number))
    type_in(issuer, "legal_address", "Абай 1")
    await_saved(issuer)
    with unheard(clerk):
        type_in(clerk, "activity", "Астық")
        type_in(clerk, "legal_address", "Достық 2")
        clerk.answered(lambda: clerk.find('.bar--form [data-key="act.save"]').click(), 409)

    box = clerk.find('[data-contested="legal_address"]')
    expect(clerk.find("[data-contest]")).to_be_focused()
    expect(clerk.find("[data-contest] a")).to_have_count(1)
    expect(clerk.find("[data-notice]")).to_have_count(0)
    assert answers(served, number)["activity"] == "Астық"
    assert unsent(clerk)  # the typed one, until somebody has chosen

    if side == "mine":
        box.locator("input[value=theirs]").evaluate("one => { one.checked = true; }")
    box.locator(f"input[value={side}]").click()
    expect(box).to_have_count(0)
    expect(clerk.find("[data-contest]")).to_have_count(0)
    await_sent(clerk)
    assert answers(served, number)["legal_address"] == ("Достық 2" if side == "mine" else "Абай 1")


def test_what_stands_against_ones_own_words_may_be_ones_own_from_another_window(cast, number):
    issuer = cast["issuer"]
    issuer.go(path_of(number))
    other = Person("issuer", issuer.page.context.new_page(), issuer.address)
    other.go(path_of(number))
    type_in(other, "legal_address", "Абай 1")
    await_saved(other)

    with unheard(issuer):
        type_in(issuer, "legal_address", "Достық 2")
        issuer.answered(lambda: issuer.find('.bar--form [data-key="act.save"]').click(), 409)

    story = issuer.words("main")
    assert say("answers.yourself", "kk") in story
    assert "басқа пайдаланушы" not in story.lower()


def test_what_was_typed_into_a_row_that_another_took_out_stays_to_be_read(cast, served):
    issuer, clerk = cast["issuer"], cast["clerk"]
    number = application_of_two(cast, served, "bond_listing")
    issuer.go(path_of(number))
    add = issuer.find('[name="row-add"]').first
    row = f"{add.get_attribute('value')}-e1"
    issuer.follow(add)
    clerk.go(path_of(number))
    issuer.find(f'[name="row-remove"][value="{row}"]').click()
    issuer.follow(issuer.find("dialog[open] [value=yes]"))

    clerk.find(f'[data-row="{row}"] input.input').first.fill("Тек менде")

    lost = clerk.find("[data-notice=lost]")
    expect(lost).to_be_visible()
    clerk.page.on("dialog", lambda dialog: Dialog.accept(dialog))
    clerk.page.reload()
    expect(lost).to_contain_text("Тек менде")
    assert unsent(clerk)
    lost.locator("button:not(.notice__more)").last.click()
    expect(lost).to_have_count(0)
    await_sent(clerk)


def test_the_lock_of_a_page_that_has_just_crashed_is_waited_for(cast, served, number):
    issuer = cast["issuer"]
    issuer.go(path_of(number))
    user = issuer.find("form[data-autosave]").get_attribute("data-user")
    name = f"kezen.unsent.{user}.{number}/{STAGE}.crashed"
    forms = issuer.find("form[data-autosave]").get_attribute("data-forms")
    entry = {
        "address": f"{path_of(number)}/autosave",
        "forms": forms,
        "at": 0,
        "revision": 0,
        "changed": {"legal_address": ["Абай 1"]},
        "batches": [],
        "held": [],
        "labels": {},
    }
    holder = issuer.page.context.new_page()
    holder.goto(issuer.page.url)
    holder.evaluate(
        "([name, text]) => { localStorage.setItem(name, text);"
        " navigator.locks.request(name, () => new Promise((free) => { window.free = free; })); }",
        [name, json.dumps(entry)],
    )

    issuer.page.reload(wait_until="domcontentloaded")
    expect(issuer.find('.form [name="legal_address"]')).to_have_value("")  # it may be another open page's
    holder.evaluate("window.free()")

    expect(issuer.find('.form [name="legal_address"]')).to_have_value("Абай 1")
    await_saved(issuer)
    assert answers(served, number)["legal_address"] == "Абай 1"


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_on_a_phone_a_dispute_and_a_lost_connection_can_be_read_and_acted_on(served, chromium, number, language):
    cast = Cast(served, chromium, language)
    issuer, clerk = cast["issuer"], cast["clerk"]
    issuer.go(path_of(number))
    clerk.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    clerk.go(path_of(number))
    type_in(issuer, "legal_address", "Абай 1")
    await_saved(issuer)
    type_in(clerk, "legal_address", "Достық 2")
    expect(clerk.find('[data-contested="legal_address"]')).to_be_visible()

    clerk.page.context.set_offline(True)
    type_in(clerk, "activity", "Астық")
    expect(clerk.find("[data-notice=offline]")).to_be_visible()

    assert clerk.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    clerk.find("[data-notice=disputed] button:not(.notice__more)").click()
    box = clerk.find('[data-contested="legal_address"]')
    expect(box.locator("[type=radio]").first).to_be_focused()
    bottom = box.evaluate("box => box.getBoundingClientRect().bottom")
    assert bottom <= clerk.find("[data-notices]").evaluate("notices => notices.getBoundingClientRect().top")
    for scheme in ("light", "dark"):
        clerk.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found = Axe().run(clerk.page)
        assert found.violations_count == 0, found.generate_report()
    cast.leave()
