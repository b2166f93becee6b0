"""Forms that nest three levels deep and take hundreds of entries: by keyboard alone, without scripts, on a phone."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from app.forms.definitions import DynamicForm
from app.forms.definitions import load as load_forms
from app.terms import LANGUAGES
from tests.deep import COMPANY, SECURITIES, definitions, isin, securities
from tests.journeys.people import Cast, Person
from tests.journeys.test_pages import DESK, PHONE, bare_keys, violations, width_over
from tests.serving import Installation, Served, copy_of, serving

MOST_TABS = 400
ENTRY = f"{SECURITIES}-e1"
TRANCHE, COUPON = f"{ENTRY}-tranches-e1", f"{ENTRY}-tranches-e1-coupons-e1"
PAYEE = f"{COUPON}-payees-e1"


@pytest.fixture(scope="module")
def served(loaded: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("deep")
    with serving(copy_of(loaded, folder / "var", **definitions(folder))) as running:
        yield running


def new_application(person: Person) -> str:
    """Create an application of the deep procedure; return its address."""
    person.go("/procedures/deep_listing/new")
    person.press("act.create")
    return person.path


def kept(served: Served, root: str, stage: str) -> dict:
    """Return the answers of a stage as they stand in the database."""
    with sqlite3.connect(served.installation.var / "kezen.db") as connection:
        row = connection.execute(
            'SELECT "values" FROM answers JOIN application ON application.id = application_id'
            " WHERE number = ? AND stage = ? ORDER BY revision DESC LIMIT 1",
            (root.rsplit("/", 1)[1], stage),
        ).fetchone()
    connection.close()
    return json.loads(row[0]) if row else {}


class Keyboard:
    """Somebody who has no mouse: goes by Tab, types, presses Enter and Space."""

    def __init__(self, person: Person) -> None:
        self.person, self.page = person, person.page

    def go_to(self, target: Locator) -> None:
        """Press Tab until the focus is there; what has the focus must be seen."""
        expect(target).to_have_count(1)
        for _ in range(MOST_TABS):
            if target.evaluate("element => element === document.activeElement"):
                expect(target).to_be_in_viewport()
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not lead to {target}")

    def type(self, name: str, words: str) -> None:
        """Type into an input."""
        self.go_to(self.person.find(f'[name="{name}"]'))
        self.page.keyboard.type(words)

    def choose(self, name: str, option: str) -> None:
        """Choose in a drop-down list, going through its options with the arrow."""
        target = self.person.find(f'select[name="{name}"]')
        self.go_to(target)
        for _ in range(20):
            if target.input_value() == option:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"the arrow does not lead to {option}")

    def press(self, selector: str) -> None:
        """Press a button or a link, and wait for the page that comes."""
        self.go_to(self.person.find(selector))
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")


@pytest.mark.req("IS2IN-16.d", "IS2IN-16.e", "IS2IN-16.g", "IS2IN-16.i", "IS2IN-14.1.b")
@pytest.mark.parametrize(
    ("size", "has_scripts"), [(DESK, True), (PHONE, True), (PHONE, False)], ids=["desk", "phone", "phone, no scripts"]
)
def test_a_form_three_levels_deep_is_filled_by_keyboard_alone(served, chromium, size, has_scripts):
    cast = Cast(served, chromium)
    author = cast.enter("issuer", java_script_enabled=has_scripts, viewport=size)
    root = new_application(author)
    author.go(f"{root}/stages/securities")
    keys = Keyboard(author)

    for level, option in (("platform", "main"), ("sector", "notes")):
        keys.choose(f"{SECURITIES}-{level}", option)
        keys.press('button[name="chain"]')
    keys.type(f"{SECURITIES}-isin", isin(1))
    keys.press('button[name="add"]')
    keys.press(f'button[name="row-add"][value="{ENTRY}-tranches"]')
    keys.type(f"{TRANCHE}-title", "Бірінші транш")
    keys.press(f'button[name="row-add"][value="{TRANCHE}-coupons"]')
    keys.type(f"{COUPON}-due", "05.10.2026")
    keys.type(f"{COUPON}-rate", "12,5")
    keys.press(f'button[name="row-add"][value="{COUPON}-payees"]')
    keys.type(f"{PAYEE}-name", "«Дала» АҚ")
    keys.press(f'button[name="row-add"][value="{COUPON}-payees"]')
    keys.type(f"{COUPON}-payees-e2-name", "«Самұрық» қоры")
    keys.press(f'button[name="row-up"][value="{COUPON}-payees-e2"]')
    keys.press('button[name="done"]')

    expect(author.find(".alert--success")).to_be_visible()
    (entry,) = kept(served, root, "securities")[SECURITIES]["entries"]
    (tranche,) = entry["values"]["tranches"]["entries"]
    (coupon,) = tranche["values"]["coupons"]["entries"]
    payees = [row["values"]["name"] for row in coupon["values"]["payees"]["entries"]]
    assert (tranche["values"]["title"], coupon["values"]["rate"]) == ("Бірінші транш", "12.5")
    assert payees == ["«Самұрық» қоры", "«Дала» АҚ"]
    assert width_over(author) <= 0
    assert cast.complaints() == []
    cast.leave()


def test_done_leads_by_keyboard_from_a_fault_to_its_field_in_a_row(served, chromium):
    cast = Cast(served, chromium)
    author = cast.enter("issuer", java_script_enabled=False)
    root = new_application(author)
    author.go(f"{root}/stages/company")
    keys = Keyboard(author)
    keys.press('button[name="row-add"][value="directors"]')
    author.answered(lambda: keys.press('button[name="done"]'), 422)

    keys.go_to(author.find('.errors a[href="#f-directors-e1-name"]'))
    author.page.keyboard.press("Enter")

    expect(author.find("#f-directors-e1-name")).to_be_in_viewport()
    author.page.keyboard.press("Tab")
    author.page.keyboard.press("Shift+Tab")
    expect(author.find("#f-directors-e1-name")).to_be_focused()
    cast.leave()


@pytest.fixture(scope="module")
def filled(served: Served, chromium) -> tuple[Served, str]:
    """An application with rows in every group, and two hundred securities of which some lack answers."""
    cast = Cast(served, chromium)
    author = cast.enter("issuer")
    root = new_application(author)
    author.go(f"{root}/stages/company")
    for group in ("directors", "directors-e1-posts", "directors-e1-posts-e1-papers", "directors", "holders", "holders"):
        author.press("", of=author.find(f'button[name="row-add"][value="{group}"]'))
    author.find('[name="directors-e1-name"]').fill("Ахметова А.")
    author.find('[name="holders-e1-name"]').fill("«Самұрық» қоры")
    author.press("act.save", "form[data-stage]")
    cast.leave()
    load_securities(served, root, 200)
    return served, root


def load_securities(served: Served, root: str, count: int, *, gaps: bool = True) -> None:
    """Put many entries into the stage «securities», every seventh with a gap."""
    folder = Path(served.installation.environ["KEZEN_FORMS"])
    library, faults = load_forms(folder, folder)
    assert faults == []
    form = library.get(SECURITIES)
    assert isinstance(form, DynamicForm)
    values = securities(form, count)
    for entry in values["entries"][::7] if gaps else ():
        del entry["values"]["answer_3"]
    with sqlite3.connect(served.installation.var / "kezen.db") as connection:
        connection.execute(
            'INSERT INTO answers (application_id, stage, revision, "values", unread, is_autosaved, origins, by_id, at)'
            " SELECT application_id, 'securities', 1, ?, '{}', 0, '{}', by_id, at FROM answers JOIN application"
            " ON application.id = application_id WHERE number = ? AND stage = 'company' AND revision = 1",
            (json.dumps({SECURITIES: values}), root.rsplit("/", 1)[1]),
        )
    connection.close()


PAGES = (
    "stages/company",
    "stages/securities",
    "stages/securities?entry=e8",
    "stages/securities?entry=e200",
    f"stages/securities/criteria?entry=e8&{SECURITIES}-platform=main&{SECURITIES}-sector=notes",
    "summary",
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_of_deep_forms_fit_and_have_no_fault_of_accessibility(filled, chromium, language):
    served, root = filled
    cast = Cast(served, chromium, language)
    author = cast.enter("issuer")
    found = {}
    for page in PAGES:
        author.page.set_viewport_size(DESK)
        author.page.emulate_media(color_scheme="light")
        author.go(f"{root}/{page}")
        assert bare_keys(author.page.evaluate("document.body.innerText")) == []
        for size, scheme in ((DESK, "light"), (PHONE, "dark")):
            author.page.set_viewport_size(size)
            author.page.emulate_media(color_scheme=scheme)
            assert width_over(author) <= 0, (page, size)
            # Two hundred entries are the same two hundred times; the marks are the same in every language.
            if page != "summary" and language == LANGUAGES[0]:
                found[page, size["width"]] = violations(author)
    assert {where: faults for where, faults in found.items() if faults} == {}
    assert cast.complaints() == []
    cast.leave()


def test_many_entries_are_a_table_that_says_what_is_missing_and_a_page_for_each(filled, chromium):
    served, root = filled
    cast = Cast(served, chromium)
    author = cast.enter("issuer")
    author.go(f"{root}/stages/securities")

    rows = author.find(f'[data-form="{SECURITIES}"] tr[data-entry]')
    expect(rows).to_have_count(200)
    expect(rows.nth(0)).to_have_attribute("data-state", "filling")
    expect(rows.nth(1)).to_have_attribute("data-state", "filled")
    author.follow(rows.nth(0).locator('[data-key="form.entry_open"]'))
    author.find(f'[name="{ENTRY}-answer_3"]').fill("1000")
    author.press("form.entry_next", ".bar--form")
    assert author.page.url.endswith(f"?entry={SECURITIES}-e2")
    author.find(f'[name="{SECURITIES}-e2-answer_1"]').fill("77")
    author.press("form.entry_list", ".bar--form")

    expect(rows.nth(0)).to_have_attribute("data-state", "filled")
    entries = kept(served, root, "securities")[SECURITIES]["entries"]
    assert (len(entries), entries[0]["values"]["answer_3"]["amount"]) == (200, "1000.00")
    assert entries[1]["values"]["answer_1"] == "77"
    assert COMPANY in kept(served, root, "company")
    cast.leave()


def test_questions_come_and_go_while_one_answers_and_nothing_typed_is_lost(served, chromium):
    cast = Cast(served, chromium)
    author = cast.enter("issuer")
    root = new_application(author)
    author.go(f"{root}/stages/company")
    for group in ("directors", "directors", "holders", "holders"):
        author.press("", of=author.find(f'button[name="row-add"][value="{group}"]'))
    before = kept(served, root, "company")
    expect(author.find("[data-redraw]")).to_be_hidden()

    author.find('[name="brand"]').fill("Дала")
    author.find('[name="listed"][value="yes"]').check()
    expect(author.field("market")).to_be_visible()
    expect(author.find("[data-live-status]")).not_to_be_empty()
    order = author.page.eval_on_selector_all(
        "form[data-drives] [data-section], form[data-drives] [data-section] > [data-field]",
        "all => all.map(one => one.dataset.section || one.dataset.field)",
    )
    assert order[:12] == [
        "deep_company.base", "brand", "about", "listed", "market",
        "deep_company.contacts", "office", "head", "account", "grade", "period", "deep_company.abroad",
    ]  # fmt: skip
    author.find('[name="market"]').fill("AIX")
    author.find('[name="directors-e2-independent"][value="yes"]').check()
    ground = author.find('[data-row="directors-e2"] [name="directors-e2-ground"]')
    expect(ground).to_be_visible()
    assert ground.evaluate("one => one.closest('.row__body') !== null")
    expect(author.find('[name="directors-e1-ground"]')).to_have_count(0)
    author.find('[name="holders-e1-share"]').fill("60")
    author.find('[name="holders-e2-share"]').fill("15,5")
    author.find('[name="holders-e2-name"]').focus()
    expect(author.find('[data-field="total"] output')).to_have_text("75,5 %")
    expect(author.find('[name="holders-e2-name"]')).to_be_focused()
    expect(author.find('[name="brand"]')).to_have_value("Дала")
    expect(author.find('[name="market"]')).to_have_value("AIX")
    author.find('[name="listed"][value="no"]').check()
    expect(author.find('[data-section="deep_company.abroad"]')).to_have_count(0)
    expect(author.field("market")).to_have_count(0)
    assert kept(served, root, "company") == before

    author.press("act.save", "form[data-stage]")
    saved = kept(served, root, "company")[COMPANY]
    assert (saved["brand"], saved["total"]) == ("Дала", "75.5")
    assert cast.complaints() == []
    cast.leave()


def test_where_the_server_does_not_answer_the_button_to_redraw_is_offered(served, chromium):
    cast = Cast(served, chromium)
    author = cast.enter("issuer")
    root = new_application(author)
    author.go(f"{root}/stages/company")
    author.page.route("**/stages/company", lambda route: route.abort())
    author.find('[name="listed"][value="yes"]').check()
    expect(author.find("[data-redraw]")).to_be_visible()
    author.page.unroute("**/stages/company")

    author.press("form.redraw", ".bar--form")

    expect(author.field("market")).to_be_visible()
    cast.leave()


def test_the_first_head_comments_on_a_cell_of_a_table_and_the_author_finds_it_there(served, chromium):
    cast = Cast(served, chromium)
    author = cast["issuer"]
    root = new_application(author)
    author.go(f"{root}/stages/company")
    for group in ("directors", "holders"):
        author.press("", of=author.find(f'button[name="row-add"][value="{group}"]'))
    typed = {"brand": "Дала", "directors-e1-name": "Ахметова А.", "holders-e1-name": "Қор", "holders-e1-share": "40"}
    for name, words in typed.items():
        author.find(f'[name="{name}"]').fill(words)
    author.press("act.done", "form[data-stage]")
    load_securities(served, root, 2, gaps=False)
    author.go(f"{root}/stages/securities")
    author.press("act.done", "form[data-stage]")
    author.go(f"{root}/summary")
    author.press("act.send_for_approval")

    head = cast["first_head"]
    head.go(f"{root}/review")
    assert violations(head) == []
    head.comment("company.holders-e1-share", "Үлесін тексеріңіз")
    head.comment(f"securities.{SECURITIES}-e2-answer_3", "Сомасын тексеріңіз")
    head.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert width_over(head) <= 0
    assert violations(head) == []
    head.press("act.return_for_rework", "main .bar--form")

    author.go(f"{root}/stages/company")
    expect(author.field("holders-e1-share").locator(".talk__text")).to_have_text("Үлесін тексеріңіз")
    author.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert width_over(author) <= 0
    assert cast.complaints() == []
    cast.leave()
