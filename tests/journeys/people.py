"""People at their browsers: they sign in, read and act by the hooks of the contract, never by words.

A ``Person`` is one account in a browser context of its own; ``Cast`` opens each when first asked for
and gathers what the browsers complained of.
"""

from __future__ import annotations

import email
import email.policy
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Response, expect

from app.demo.people import PASSWORD, PEOPLE
from app.forms.definitions import DynamicForm, Field, Form, FormLibrary
from app.forms.definitions import load as load_forms
from app.sandbox.pki import SandboxPki
from app.signatures.report import SignatureReport
from app.signatures.verify import verify
from app.web.templating import ZONE
from tests.papers import pdf
from tests.serving import ROOT, Served

SECONDS = 15_000
expect.set_options(timeout=SECONDS)
ASKED_FOR = re.compile(r"status of 4(04|09|22) |WebSocket connection to 'wss://127\.0\.0\.1:13579/' failed")
"""What a browser writes on its console when a page refuses, or no signing agent listens: journeys ask for both."""
OF_ANOTHER_SESSION = re.compile(r"status of 40[01] ")
"""And what it writes when a page that saves by itself finds its session ended, or another one begun."""
EMAILS = {person.key: person.email for person in PEOPLE}
FONTS = ROOT / "static" / "vendor" / "fonts.css"
CRITERIA = ("main", "shares", "premium")
_SESSIONS: dict[tuple[str, str, str], list[Any]] = {}
"""The cookies of those who have signed in: address of the application, key of the person, language."""


@cache
def forms() -> FormLibrary:
    """Return the shipped forms."""
    library, faults = load_forms(ROOT / "forms", ROOT)
    assert faults == []
    return library


def simple_form(key: str) -> Form:
    """Return a shipped simple form."""
    found = forms().get(key)
    assert isinstance(found, Form)
    return found


def dynamic_form(key: str) -> DynamicForm:
    """Return a shipped dynamic form."""
    found = forms().get(key)
    assert isinstance(found, DynamicForm)
    return found


@dataclass
class Person:
    """One account at one browser."""

    key: str
    page: Page
    address: str
    has_scripts: bool = True
    complaints: list[str] = field(default_factory=list)

    # Looking

    def find(self, selector: str) -> Locator:
        """Return what ``selector`` names on the page."""
        return self.page.locator(selector)

    def key_of(self, key: str, within: str = "") -> Locator:
        """Return the elements that stand for a term."""
        return self.find(f'{within} [data-key="{key}"]'.strip())

    def field(self, path: str) -> Locator:
        """Return a field's row."""
        return self.find(f'[data-field="{path}"]')

    def error(self, path: str) -> Locator:
        """Return what is wrong with a field."""
        return self.find(f'[data-error-for="{path}"]')

    def words(self, selector: str) -> str:
        """Return the visible words of one element, on one line."""
        return " ".join(self.find(selector).inner_text().split())

    @property
    def path(self) -> str:
        """The path of the page, without host and query."""
        return re.sub(r"^https?://[^/]+|[?#].*$", "", self.page.url)

    def offers(self, within: str) -> list[str]:
        """Return the terms of the visible buttons and links that look like buttons, in their order."""
        found = self.find(f"{within} .button[data-key]:visible")
        return [str(item.get_attribute("data-key")) for item in found.all()]

    # Acting

    def go(self, path: str, *, status: int = 200) -> Response:
        """Open a page of the site."""
        answer = self.page.goto(self.address + path)
        assert answer is not None
        assert answer.status == status, f"{self.key}: {path} answers {answer.status}"
        return answer

    def follow(self, of: Locator) -> None:
        """Press what leads to another page, or sends this one, and wait until that is there."""
        with self.page.expect_navigation():
            of.click()

    def press(self, key: str, within: str = "", *, of: Locator | None = None) -> None:
        """Press the one visible button or link of a term; where a question is asked, say yes."""
        button = of if of is not None else self.find(f'{within} [data-key="{key}"]:visible'.strip())
        expect(button).to_have_count(1)
        if button.get_attribute("type") == "button":
            button.click()
        elif self.has_scripts and button.get_attribute("data-confirm"):
            button.click()
            self.follow(self.find('dialog[open] [data-key="act.confirm"]'))
        else:
            self.follow(button)

    def answered(self, act: Callable[[], object], status: int) -> None:
        """Act, and meet a page that answers with ``status``."""
        frame = self.page.main_frame
        with self.page.expect_response(lambda got: got.request.is_navigation_request() and got.frame == frame) as met:
            act()
        assert met.value.status == status, f"{met.value.url} answers {met.value.status}"
        self.page.wait_for_load_state()

    def download(self, act: Callable[[], object]) -> tuple[str, bytes]:
        """Act, and return the name and the bytes of the file that comes."""
        with self.page.expect_download() as coming:
            act()
        return coming.value.suggested_filename, Path(coming.value.path()).read_bytes()

    # Forms

    def type_into(self, item: Field, prefix: str = "", *, own: Mapping[str, str] | None = None) -> None:
        """Type a field's example, or what ``own`` says for the name of an input."""
        given = own or {}
        if item.type == "file":
            if item.required:
                name = given.get(item.key, f"{item.key}.pdf")
                file = {"name": name, "mimeType": "application/pdf", "buffer": pdf(name)}
                self.find(f'input[type=file][name="{item.key}"]').set_input_files(file)  # type: ignore[arg-type]
            return
        if item.source or item.fields is not None or not item.kind.typed:
            return
        for path, part in zip(item.paths(prefix), item.parts or ("",), strict=True):
            words = given.get(path, item.entry(item.example_value(), part))
            inputs = self.find(f'.form [name="{path}"]')
            asked = item.subfields.get(part, item)
            if asked.type == "yes_no":
                self.find(f'.form [name="{path}"][value="{words}"]').check()
            elif asked.type == "choice":
                inputs.select_option(words)
            else:
                inputs.fill(words)

    def fill(self, *keys: str, prefix: str = "", own: Mapping[str, str] | None = None) -> None:
        """Type the examples of simple forms into the page."""
        for key in keys:
            for item in simple_form(key).fields:
                self.type_into(item, prefix, own=own)

    def fill_entry(self, key: str, path: Sequence[str] = CRITERIA) -> None:
        """Type the examples of the one entry of a dynamic form that is on the page."""
        entry = self.find("[data-entry]").get_attribute("data-entry")
        leaf = dynamic_form(key).form_at(path)
        assert leaf is not None
        for item in leaf.fields:
            self.type_into(item, f"{key}-{entry}")

    def choose_criteria(self, key: str, path: Sequence[str]) -> None:
        """Choose along the chain of drop-down lists; each choice brings the next list."""
        adder = self.find(f'details.adder[id="f-{key}"]')
        if adder.get_attribute("open") is None:
            adder.locator("summary").click()
        for level, option in zip(dynamic_form(key).levels, path, strict=False):
            with self.page.expect_navigation():
                self.find(f'select[name="{key}-{level.key}"]').select_option(option)

    # An application

    def hub(self, number: str) -> None:
        """Open an application's page."""
        self.go(f"/applications/{number}")

    def stage(self, number: str, stage: str) -> None:
        """Enter a stage by its link on the application's page."""
        self.hub(number)
        self.follow(self.find(f'li[data-stage="{stage}"] a[data-stage="{stage}"]'))

    def work(self, number: str, stage: str, form: str, trigger: str = "", own: Mapping[str, str] | None = None) -> None:
        """Fill a stage of one form and be done, or take the transition whose button stands in it."""
        self.stage(number, stage)
        self.fill(form, own=own)
        if trigger:
            self.press("", of=self.find(f'form[data-stage] button[data-trigger="{trigger}"]'))
        else:
            self.press("act.done", "form[data-stage]")
        expect(self.find(".alert--success")).to_be_visible()

    def appoint_meeting(self, number: str) -> None:
        """Put an application on the agenda of a new meeting of the Listing Commission today, and appoint it."""
        self.stage(number, "meeting")
        self.press("meetings.new", "main .section")
        self.find('input[name="day"]').fill(datetime.now(ZONE).date().isoformat())
        self.find('input[name="place"]').fill("Бас мәжіліс залы")
        self.press("meetings.create")
        if (day_off := self.find('input[name="day_off"]')).count():  # today may be a Sunday
            day_off.check()
            self.press("meetings.create")
        self.press("act.schedule_meeting")
        expect(self.find(".alert--success")).to_be_visible()

    def decide(self, number: str, outcome: str) -> None:
        """Hold the meeting: everybody is there and votes for the outcome, which is recorded as the decision."""
        self.stage(number, "decision")
        item = self.path
        self.follow(self.find(".trail a").last)
        for box in self.find('input[value="present"]').all():
            box.check()
        self.press("meetings.record_attendance")
        self.go(item)
        self.find('select[name="proposal"]').select_option(outcome)
        for box in self.find('input[value="for"]').all():
            box.check()
        self.press("meetings.record_votes")
        self.press("act.record_decision")
        expect(self.find(".alert--success")).to_be_visible()

    def comment(self, place: str, words: str) -> None:
        """Write into the comment window of a field and press «Жалғастыру»."""
        self.find(f'[data-place="{place}"] summary[data-key="act.comment"]').click()
        window = self.find("dialog[open]")
        window.locator("textarea").fill(words)
        self.press("act.continue", of=window.locator('[data-key="act.continue"]'))
        expect(self.find(f'[data-place="{place}"] [data-state=pending]')).to_be_visible()

    def process(self) -> str:
        """Return where the application on the page stands."""
        return str(self.find(".app-head").get_attribute("data-process"))

    def stands_in(self, process: str) -> None:
        """Expect the application on the page to stand in a process."""
        expect(self.find(".app-head")).to_have_attribute("data-process", process)

    def stage_states(self) -> dict[str, str]:
        """Return the status of each stage on the application's page."""
        rows = self.find("li[data-stage]").all()
        return {str(row.get_attribute("data-stage")): str(row.get_attribute("data-state")) for row in rows}


@dataclass
class Cast:
    """Everybody of the demo at one running application, with the page in one language."""

    served: Served
    browser: Browser
    language: str = "kk"
    people: dict[str, Person] = field(default_factory=dict)

    def __getitem__(self, key: str) -> Person:
        if key not in self.people:
            self.people[key] = self.enter(key)
        return self.people[key]

    def context(self, **options: Any) -> BrowserContext:
        """Return a fresh browser context that asks for pages in the language of the cast."""
        context = self.browser.new_context(
            ignore_https_errors=True, locale=self.language, reduced_motion="reduce", **options
        )
        context.set_default_timeout(SECONDS)
        return context

    def stranger(self, key: str = "", **options: Any) -> Person:
        """Return somebody who has not signed in."""
        page = self.context(**options).new_page()
        person = Person(key, page, self.served.address, has_scripts=options.get("java_script_enabled", True))

        def told(message: ConsoleMessage) -> None:
            at = message.location["url"]
            if "/static/vendor/" in at + message.text and not FONTS.exists():
                return  # never fetched here: pages then use the system's fonts
            asset = "status of" in message.text and "/static/" in at
            if at.endswith(("/autosave", "/hints")) and OF_ANOTHER_SESSION.search(message.text):
                return
            if message.type == "error" and (asset or not ASKED_FOR.search(message.text)):
                person.complaints.append(f"{page.url}: {message.text}")

        page.on("console", told)
        page.on("pageerror", lambda error: person.complaints.append(f"{page.url}: {error}"))
        return person

    def enter(self, key: str, **options: Any) -> Person:
        """Sign in with e-mail and password; who has done so at this application before comes with his cookies."""
        person = self.stranger(key, **options)
        known = _SESSIONS.get((self.served.address, key, self.language))
        if known is not None:
            person.page.context.add_cookies(known)
            person.go("/")
            if person.find('a[data-key="app.name"]').count() and person.path == "/":
                return person
        person.go("/login")
        person.find("#f-email").fill(EMAILS[key])
        person.find("#f-password").fill(PASSWORD)
        person.press("act.login", "form:has(#f-email)")
        expect(person.find('a[data-key="app.name"]')).to_be_visible()
        assert person.path == "/"
        _SESSIONS[self.served.address, key, self.language] = person.page.context.cookies()
        return person

    def complaints(self) -> list[str]:
        """Return what the browsers complained of since they were last asked."""
        found = [f"{person.key}: {said}" for person in self.people.values() for said in person.complaints]
        for person in self.people.values():
            person.complaints.clear()
        return found

    def leave(self) -> None:
        """Close all browsers' contexts."""
        for context in self.browser.contexts:
            context.close()

    # Beside the browser

    @property
    def pki(self) -> SandboxPki:
        """The sandbox authority of the running application."""
        return SandboxPki.open(self.served.installation.var / "sandbox", environment="test")

    def judge(self, cms: bytes, content: bytes) -> SignatureReport:
        """Judge a signature against the sandbox's own anchors, outside the application."""
        return verify(cms, content, at=datetime.now(UTC), trust=self.pki.trust_store())

    def mails(self, key: str, number: str) -> list[str]:
        """Return subject and text of the mails that have left for an account about an application."""
        folder = self.served.installation.var / "mail"
        found = []
        for file in sorted(folder.glob("*.eml")):
            message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            body = message.get_body()
            assert body is not None
            if message["To"] == EMAILS[key] and number in str(message["Subject"]):
                found.append(f"{message['Subject']}\n{body.get_content()}")
        return found

    def await_mail(self, key: str, number: str, saying: str) -> str:
        """Wait until the worker has sent a mail that says so, and return it."""
        for _ in _patience(20):
            for mail in reversed(self.mails(key, number)):
                if saying in mail:
                    return mail
        raise AssertionError(f"no mail to {key} about {number} says: {saying}")


def _patience(seconds: float) -> Iterator[int]:
    import time

    for turn in range(int(seconds * 5)):
        yield turn
        time.sleep(0.2)


def text_of(content: bytes) -> str:
    """Return the words of a PDF without any white space, so that broken lines do not matter."""
    done = subprocess.run(["pdftotext", "-raw", "-", "-"], input=content, capture_output=True, check=True)
    return dense(done.stdout.decode("utf-8"))


def dense(text: str) -> str:
    """Drop what depends on where a line happens to be broken."""
    return re.sub(r"\s+", "", text)
