"""An internal word of the Exchange reaches no page, message, mail, document or export of the applicant."""

from __future__ import annotations

import subprocess

import pytest
from factories import Teller, application_at, person, refetched
from sqlalchemy import String, cast, select
from test_comments import SECRET, _noted_everywhere

from app import db
from app.applications import document, moves, queries
from app.db import Record, table_of
from app.notifications.models import Mail, Notification
from app.web import here

pytestmark = pytest.mark.parametrize("database", ["sqlite"])  # who sees what is the same over both

INSIDE = {"comment", "comment_event"}
"""The only tables in which the Exchange's words to itself may stand."""


def text_of(content: bytes) -> str:
    """Return the words of a PDF, and of anything else its bytes as text."""
    if not content.startswith(b"%PDF"):
        return content.decode("utf-8", "replace")
    done = subprocess.run(["pdftotext", "-raw", "-", "-"], input=content, capture_output=True, check=True)
    return done.stdout.decode("utf-8")


@pytest.fixture
def noted(house, now):
    """The number of an application with internal notes everywhere, returned to the applicant with remarks."""
    return _noted_everywhere(application_at("expertise"), Teller(house.config), now)


@pytest.mark.parametrize("key", ["issuer", "first_head", "adviser"])
def test_no_page_that_the_applicant_can_reach_says_it(house, noted, browser, key):
    someone = browser(key)
    root = f"/applications/{noted}"
    waiting, seen = [root, "/", "/applications", "/archive", "/notifications", "/demo/mail"], set()
    while waiting:
        path = waiting.pop()
        where = path.split("#")[0]
        if where in seen or not (where.startswith(root) or where in waiting or "/" not in where[1:]):
            continue
        if where.startswith(("/static", "/logout", "/language", "/profile")):
            continue
        seen.add(where)
        page = someone.get(where)
        assert SECRET not in text_of(page.content), where
        if page.answer.mimetype == "text/html":
            waiting += [link for link in page.links() if link.startswith(root)]

    pages = {path.removeprefix(root).split("?")[0].strip("/").split("/")[0] for path in seen if path.startswith(root)}
    assert {"", "summary", "comments", "changes", "timeline", "documents", "stages"} <= pages
    assert any(path.startswith(f"{root}/summary.") or "pdf" in path or "download" in path for path in seen), seen


@pytest.mark.parametrize("query", ["state=open", "state=unsettled", "stage=issuer", "author=1", "state=reopened"])
def test_no_filter_of_the_panel_finds_it(noted, browser, query):
    page = browser("issuer").get(f"/applications/{noted}/comments?{query}")

    assert SECRET not in page.text


def test_no_message_mail_history_audit_or_other_row_holds_it(house, noted):
    for mail in db.session.scalars(select(Mail)):
        assert SECRET not in f"{mail.subject} {mail.body}"
    assert db.session.scalars(select(Notification)).first() is not None
    holding = set()
    for table in Record.metadata.sorted_tables:
        for column in table.columns:
            found = select(table).where(cast(column, String).contains(SECRET)).limit(1)
            if db.session.execute(found).first() is not None:
                holding.add(table.name)
    assert holding == INSIDE
    assert table_of(Mail).name not in holding


def test_no_document_or_letter_of_the_application_says_it(house, noted):
    application = refetched(noted)
    author = person("issuer")
    made = [document.draft(application, language) for language in ("kk", "ru", "en")]
    moves_on = refetched(application)
    from app.applications import approval

    remarks = {row.id: "Түзетілді" for row in queries.comments(moves_on, user=author) if row.kind == "remark"}
    approval.answer_all(moves_on, remarks, by=author, now=here.now())
    moves.fire(moves_on, "send_for_approval", by=author, seen=moves_on.version, now=here.now())
    made.append(here.storage().get(document.offered(refetched(noted)).sha256))

    for content in made:
        assert SECRET not in text_of(content)


def test_the_exchange_does_read_it(noted, browser):
    """So that the tests above look for words that are there to be found."""
    page = browser("analyst").get(f"/applications/{noted}/comments")

    assert page.text.count(SECRET) >= 3
