"""The page's own client (static/js/ncalayer.js) against the emulator, in a real browser."""

from __future__ import annotations

import html
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import forged_messages as forge
import pytest

from app.sandbox.ncalayer import emulator
from app.signatures.report import Verdict
from app.signatures.verify import verify
from app.signatures.who import refusals
from tests.serving import CHROMIUM

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")]

SCRIPT = Path(__file__).parents[3] / "static/js/ncalayer.js"
DOCUMENT = b"%PDF-1.7\n" + bytes(range(256)) * 500
STATES = ("waiting", "missing", "cancelled", "password", "error", "dropped", "timeout", "signed")
PAGE = """<!doctype html><html lang="kk"><title>x</title><script src="/ncalayer.js" defer></script>
<form method="post" action="/elsewhere"><input type="hidden" name="cms"><input type="hidden" name="submit" value="1">
<button type="button" data-sign data-document-url="{document}" data-upload-url="/upload" data-csrf="tok&quot;en"
  data-agent="{agent}" data-answer-seconds="{seconds}" {texts}>sign</button>
<p data-sign-status role="status" aria-live="polite"></p></form></html>"""
POLICY = "default-src 'none'; script-src 'self'; connect-src 'self' wss://127.0.0.1:*; form-action 'self'"


class _Site(BaseHTTPRequestHandler):
    """The application's part: a page, the document, and a place to send the signature."""

    agent, document, seconds, received = "", "/document", "30", []

    def do_GET(self):
        if self.path == "/ncalayer.js":
            self._answer(SCRIPT.read_bytes(), "text/javascript")
        elif self.path == "/document":
            self._answer(DOCUMENT, "application/pdf")
        elif self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/document")
            self.end_headers()
        elif self.path == "/page":
            texts = " ".join(f'data-text-{state}="text {state}"' for state in STATES)
            page = PAGE.format(document=self.document, agent=html.escape(self.agent), seconds=self.seconds, texts=texts)
            self._answer(page.encode(), "text/html; charset=utf-8")
        else:
            self.send_error(404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        type(self).received.append((self.path, parse_qs(body)))
        self._answer(b"<!doctype html><title>received</title>", "text/html")

    def _answer(self, content: bytes, kind: str):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def site():
    handler = type("Site", (_Site,), {"received": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    handler.url = f"http://127.0.0.1:{server.server_port}"
    yield handler
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def page(browser):
    context = browser.new_context(ignore_https_errors=True)
    page = context.new_page()
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    yield page
    assert page.faults == []
    context.close()


def _press(page, site):
    page.goto(f"{site.url}/page")
    page.click("[data-sign]")


def _status(page, state):
    status = page.locator(f"[data-sign-status][data-state={state}]")
    status.wait_for(timeout=15_000)
    return status.inner_text()


@pytest.mark.req("IS2IN-22.1")
@pytest.mark.parametrize(
    "agent", [{}, {"answers_array": False}, {"has_basics": False}], ids=["array", "bare string", "without basics"]
)
def test_the_signature_made_in_the_browser_is_sent_with_the_form_and_is_valid(agent, page, site, sandbox):
    with emulator(sandbox, "first_head", port=0, **agent) as running:
        site.agent = running.url
        _press(page, site)
        page.wait_for_url("**/upload")

    ((path, fields),) = site.received
    assert path == "/upload"
    assert fields["csrf_token"] == ['tok"en']
    report = verify(fields["cms"][0], DOCUMENT, at=datetime.now(UTC), trust=sandbox.trust_store())
    assert report.verdict is Verdict.VALID, report.reasons
    assert not report.attached
    assert refusals(report, bin=forge.BIN, signing_iins={forge.IIN}) == []


@pytest.mark.parametrize(
    ("agent", "state", "text"),
    [
        ({"behaviour": "cancel"}, "cancelled", "text cancelled"),
        ({"behaviour": "cancel", "has_basics": False}, "cancelled", "text cancelled"),
        ({"behaviour": "wrong-password"}, "password", "text password"),
        ({"behaviour": "wrong-password", "has_basics": False}, "password", "text password"),
        ({"behaviour": "drop"}, "dropped", "text dropped"),
    ],
)  # fmt: skip
def test_what_went_wrong_at_the_agent_is_told_apart_and_nothing_is_sent(agent, state, text, page, site, sandbox):
    with emulator(sandbox, "first_head", port=0, **agent) as running:
        site.agent = running.url
        _press(page, site)

        assert _status(page, state) == text
        assert page.is_enabled("[data-sign]")
    assert site.received == []


def test_an_agent_that_is_not_running_is_told_and_signing_works_once_it_runs(page, site, sandbox):
    with emulator(sandbox, "first_head", port=0) as running:
        port = running.port
    site.agent = f"wss://127.0.0.1:{port}"
    _press(page, site)
    assert _status(page, "missing") == "text missing"

    with emulator(sandbox, "first_head", port=port):
        page.click("[data-sign]")
        page.wait_for_url("**/upload")

    assert len(site.received) == 1


def test_while_the_agent_is_slow_the_page_waits_and_does_not_ask_twice(page, site, sandbox):
    with emulator(sandbox, "first_head", port=0, behaviour="slow", slow_seconds=1.5) as running:
        site.agent = running.url
        _press(page, site)

        assert _status(page, "waiting") == "text waiting"
        assert page.is_disabled("[data-sign]")
        page.wait_for_url("**/upload")
    assert len(site.received) == 1


def test_an_agent_that_never_answers_is_given_up(page, site, sandbox):
    site.seconds = "0.5"
    with emulator(sandbox, "first_head", port=0, behaviour="slow", slow_seconds=5) as running:
        site.agent = running.url
        _press(page, site)

        assert _status(page, "dropped") == "text timeout"
    assert site.received == []


@pytest.mark.parametrize("document", ["/gone", "/moved"])
def test_a_document_that_does_not_come_is_never_signed(document, page, site, sandbox):
    site.document = document
    with emulator(sandbox, "first_head", port=0) as running:
        site.agent = running.url
        _press(page, site)

        assert _status(page, "error").startswith("text error")
    assert site.received == []
