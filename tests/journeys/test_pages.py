"""Every page of the journey as it is seen: three languages, light and dark, desk and phone, and without scripts."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from app.demo.stories import PROCEDURE, STORIES
from app.terms import LANGUAGES, terms
from tests.journeys.people import Cast, Person
from tests.serving import Installation, Served, copy_of, serving

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
VIEWS = [(size, scheme) for size in (DESK, PHONE) for scheme in ("light", "dark")]
PLACEHOLDER = re.compile(r"\{[a-z_]+\}")
DOTTED = re.compile(r"(?<![\w./@-])[a-z]+(?:\.[a-z_]+)+(?![\w@/])")

PAGES = (
    ("", "/login"),
    ("", "/agreement"),
    ("", "/access"),
    ("listing", "/orgs/requests/1"),
    ("listing", "/orgs/1"),
    ("issuer", "/users/head"),
    ("issuer", "/"),
    ("issuer", "/procedures"),
    ("issuer", "/procedures/share_listing/new"),
    ("issuer", "/users"),
    ("issuer", "/users/new"),
    ("issuer", "/partnership"),
    ("issuer", "/partnership/new"),
    ("issuer", "/applications"),
    ("issuer", "/archive"),
    ("issuer", "/questionnaires"),
    ("issuer", "/questionnaires/{archived}"),
    ("issuer", "/norms"),
    ("issuer", "/insiders"),
    ("issuer", "/notifications"),
    ("issuer", "/profile"),
    ("issuer", "/demo/mail"),
    ("issuer", "/no-such-page"),
    ("issuer", "/applications/{filling}"),
    ("issuer", "/applications/{filling}/stages/issuer"),
    ("issuer", "/applications/{filling}/stages/requirements"),
    ("issuer", "/applications/{filling}/stages/adviser_choice"),
    ("issuer", "/applications/{filling}/stages/documents"),
    ("issuer", "/applications/{filling}/summary"),
    ("issuer", "/applications/{filling}/comments"),
    ("issuer", "/applications/{filling}/documents"),
    ("issuer", "/applications/{registration}"),
    ("issuer", "/applications/{registration}/map"),
    ("issuer", "/applications/{registration}/documents"),
    ("issuer", "/applications/{rework}"),
    ("issuer", "/applications/{rework}/comments"),
    ("issuer", "/applications/{rework}/stages/issuer"),
    ("issuer", "/applications/{archived}"),
    ("issuer", "/applications/{archived}/timeline"),
    ("issuer", "/applications/{archived}/documents"),
    ("first_head", "/"),
    ("first_head", "/applications/{first_head}"),
    ("first_head", "/applications/{first_head}/review"),
    ("first_head", "/applications/{rework_approval}/sign"),
    ("adviser", "/applications/{filling}/stages/adviser_statement"),
    ("chancery", "/queue"),
    ("chancery", "/applications/{registration}"),
    ("chancery", "/applications/{registration}/stages/registration"),
    ("lawyer", "/applications/{expertise}/review"),
    ("lawyer", "/applications/{expertise}/documents"),
    ("lawyer", "/applications/{expertise}/stages/legal_review"),
    ("listing", "/applications/{expertise}"),
    ("listing", "/applications/{letter}/stages/letter"),
    ("listing", "/applications/{result}"),
    ("listing", "/applications/{conclusion}/stages/conclusion"),
    ("listing", "/applications/{conclusion}/panel?tab=conclusion"),
    ("lawyer", "/applications/{expertise}/panel?tab=criteria"),
    ("issuer", "/applications/{rework}/bundles/1"),
    ("secretary", "/applications/{meeting}/stages/meeting"),
    ("secretary", "/applications/{decision}/stages/decision"),
    ("compliance", "/archive"),
    ("admin", "/"),
    ("", "/recovery"),
    ("", "/news"),
    ("", "/verify/document"),
    ("", "/demo/tasks"),
    ("", "/paper"),
    ("issuer", "/places"),
    ("issuer", "/outputs"),
    ("issuer", "/profile/notices"),
    ("issuer", "/profile/activity"),
    ("issuer", "/profile/authenticator"),
    ("issuer", "/verify"),
    ("admin", "/guard"),
    ("admin", "/rights"),
    ("admin", "/mail"),
    ("listing", "/orgs"),
    ("listing", "/letters"),
    ("listing", "/substitutions"),
    ("chancery", "/outages"),
    ("listing", "/orgs/requests"),
    ("secretary", "/meetings"),
    ("secretary", "/meetings/new"),
    ("listing_head", "/figures"),
    ("listing_head", "/figures/paths"),
    ("listing_head", "/norms/new"),
    ("issuer", "/search"),
    ("listing", "/search?q=ALTN&s1=created"),
    ("listing", "/search?f1=created&o1=on&v1=soon"),
    ("listing", "/assisted"),
    ("listing", "/assisted/new"),
    ("listing", "/assisted/new?procedure=share_listing&company=1"),
)


ANSWERS = {"/no-such-page": 404, "/search?f1=created&o1=on&v1=soon": 422}
"""What other pages are answered with than 200."""


@dataclass
class Visit:
    """People who look at pages in one language, and where the demo's applications stand."""

    cast: Cast
    numbers: dict[str, str]
    visitors: dict[str, Person] = field(default_factory=dict)

    def see(self, key: str, path: str) -> Person:
        """Open a page as somebody; an empty key is somebody who has not signed in."""
        if key not in self.visitors:
            self.visitors[key] = self.cast.people[key] = self.cast.enter(key) if key else self.cast.stranger()
        person = self.visitors[key]
        person.page.emulate_media(color_scheme="light")
        person.page.set_viewport_size(DESK)  # type: ignore[arg-type]
        person.go(path.format(**self.numbers), status=ANSWERS.get(path, 200))
        return person


@pytest.fixture(scope="module")
def served(loaded: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(copy_of(loaded, tmp_path_factory.mktemp("pages") / "var")) as running:
        yield running


@pytest.fixture(scope="module")
def numbers(served) -> dict[str, str]:
    """Return process -> number of an application of the demo's first company that stands there."""
    with sqlite3.connect(served.installation.var / "kezen.db") as connection:
        rows = connection.execute("SELECT number, process FROM application ORDER BY id DESC").fetchall()
    connection.close()
    own = {
        number
        for (number, _), story in zip(reversed(rows), STORIES, strict=False)  # the past comes after the stories
        if (story.company, story.procedure) == ("ALTN", PROCEDURE)
    }
    return {process: number for number, process in reversed(rows) if number in own}


@pytest.fixture(scope="module")
def visits(served, chromium, numbers) -> Iterator[dict[str, Visit]]:
    """Return language -> visit; before, the first head agrees to one application, so that it can be signed."""
    first = Cast(served, chromium)
    head = first["first_head"]
    head.go(f"/applications/{numbers['rework_approval']}/review")
    head.press("act.approved", "main .bar--form")
    found = {language: Visit(Cast(served, chromium, language), numbers) for language in LANGUAGES}
    found["kk"].visitors["first_head"] = found["kk"].cast.people["first_head"] = head
    yield found
    first.leave()


@cache
def _first_words() -> frozenset[str]:
    return frozenset(key.split(".")[0] for key in terms())


def bare_keys(text: str) -> list[str]:
    """Return what looks like the key of a term, or a placeholder that nothing was put into."""
    dotted = [found for found in DOTTED.findall(text) if found.split(".")[0] in _first_words()]
    return dotted + PLACEHOLDER.findall(text)


def width_over(person: Person) -> int:
    """Return by how many pixels the page is wider than its window."""
    return int(person.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


def violations(person: Person) -> list[str]:
    """Return the violations of accessibility rules that axe finds."""
    found = Axe().run(person.page).response["violations"]
    return [
        f"{item['id']}: {node['html'][:160]} {node['any'][0]['message'] if node['any'] else ''}"
        for item in found
        for node in item["nodes"]
    ]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("key", "path"), PAGES, ids=[f"{key or 'nobody'} {path}" for key, path in PAGES])
def test_a_page_fits_its_window_and_says_all_in_words(visits, language, key, path):
    person = visits[language].see(key, path)

    expect(person.find("html")).to_have_attribute("lang", language)
    expect(person.find("h1")).to_have_count(1)
    everything = person.page.evaluate(
        """[document.title, document.body.innerText, ...[...document.querySelectorAll("[aria-label],[title],[alt],"
           + "[placeholder],[data-confirm]")].flatMap(element => [...element.attributes].map(one => one.name + " "
           + (["aria-label", "title", "alt", "placeholder", "data-confirm"].includes(one.name) ? one.value : "")))]
           .join("\\n")"""
    )
    assert bare_keys(everything) == []
    over = {}
    for size, scheme in VIEWS:
        person.page.set_viewport_size(size)
        person.page.emulate_media(color_scheme=scheme)
        over[size["width"], scheme] = width_over(person)
    assert {view: pixels for view, pixels in over.items() if pixels > 0} == {}
    said = [found for found in visits[language].cast.complaints() if "status of 404" not in found]
    assert said == []


@pytest.mark.parametrize(("key", "path"), PAGES, ids=[f"{key or 'nobody'} {path}" for key, path in PAGES])
def test_a_page_violates_no_rule_of_accessibility_on_desk_and_phone(visits, key, path):
    person = visits["kk"].see(key, path)
    light = violations(person)
    person.page.set_viewport_size(PHONE)
    person.page.emulate_media(color_scheme="dark")

    assert light == []
    assert violations(person) == []


def test_on_a_phone_the_map_opens_at_the_process_the_application_stands_in(visits):
    person = visits["kk"].see("issuer", "/applications/{registration}/map")
    person.page.set_viewport_size(PHONE)
    person.page.reload()

    frame, node = person.find(".map").bounding_box(), person.find(".map [aria-current=step]").bounding_box()
    assert frame["x"] <= node["x"]
    assert node["x"] + node["width"] <= frame["x"] + frame["width"]


@pytest.mark.req("IS2IN-14.1.b", "IS2IN-16.e", "IS2IN-19.c", "IS2IN-20.e", "ESRV-3", "ESRV-5", "ESRV-15.1", "IS2IN-2.a")
def test_filling_sending_and_approval_work_without_scripts(served, chromium):
    cast = Cast(served, chromium)
    author = cast.enter("other_issuer", java_script_enabled=False)
    requirements = "extra_listing_requirements"
    author.go("/procedures/share_listing/new")
    author.press("act.create")
    root = author.path
    number = root.rsplit("/", 1)[1]

    author.stage(number, "issuer")
    author.find('[name="website"]').fill("https://bereket.example")
    author.press("act.save", "form[data-stage]")
    assert author.path == f"{root}/stages/issuer"
    expect(author.find('[name="website"]')).to_have_value("https://bereket.example")
    author.answered(lambda: author.press("act.done", "form[data-stage]"), 422)
    author.fill("issuer", "listing_application", own={"bin": "040240002347"})
    author.press("act.done", "form[data-stage]")
    for level, option in (("platform", "main"), ("sector", "shares"), ("category", "premium")):
        author.find(f'select[name="{requirements}-{level}"]').select_option(option)
        author.press("act.next", "form[data-stage]")
    author.find(f'[name="{requirements}-isin"]').fill("KZ1C00001619")
    author.press("", of=author.find('button[name="add"]'))
    author.fill_entry(requirements)
    author.press("act.done", "form[data-stage]")
    author.press("act.skip_stage", "form[data-stage]")
    author.fill("documents")
    author.press("act.done", "form[data-stage]")
    author.go(f"{root}/summary")
    author.press("act.send_for_approval")
    author.stands_in("first_head")

    head = cast.enter("other_first_head", java_script_enabled=False)
    head.stage(number, "approval")
    place = '[data-place="issuer.website"]'
    head.find(f'{place} summary[data-key="act.comment"]').click()
    head.find(f"{place} textarea").fill("Сайттың мекенжайын тексеріңіз")
    head.press("act.continue", place)
    expect(head.find(f"{place} [data-state=pending]")).to_be_visible()
    head.press("act.save", "main .bar--form")
    expect(head.find(f"{place} .talk__item[data-state=open]")).to_be_visible()
    head.press("act.approved", "main .bar--form")

    assert head.path == f"{root}/sign"
    expect(head.key_of("app.sign.nca_script")).to_be_visible()
    expect(head.find("#f-cms")).to_be_visible()
    cast.leave()
