"""No word of an organisation leaves by an export, a search, a mail, an error or the work an answer takes.

The pages that are reached by links are walked in ``test_visibility``; here are the addresses nobody links to for
him, files opened as a person opens them, what is asked of every search, and what was sent.
"""

from __future__ import annotations

import io
import re
import subprocess
import zipfile
from collections.abc import Iterator

import pytest
from browser import Browser, Page, plain, signed_in
from factories import application_at, company, person
from sqlalchemy import event, select
from test_visibility import hidden_from

from app import db
from app.applications.models import Application, Attachment, Document, Letter
from app.demo.people import PEOPLE
from app.notifications.models import Mail, Notification
from app.organisations import asked

pytestmark = [
    pytest.mark.parametrize("database", ["sqlite"]),  # who sees what is the same over both
    pytest.mark.req("ESRV-32.c"),
]

FOREIGN = (
    ("other_issuer", "filling", "ALTN"),
    ("clerk", "filling", "ALTN"),
    ("lawyer", "filling", "ALTN"),
    ("adviser", "registration", "BRKT"),
    ("compliance", "registration", "BRKT"),
    ("lone_adviser", "archived", "ALTN"),
    ("admin", "archived", "ALTN"),
)
"""Who asks, and at whose application."""


def opened(content: bytes) -> str:
    """Return what a file says to whoever opens it: workbooks and archives unpacked, PDFs read."""
    if content.startswith(b"%PDF"):
        done = subprocess.run(["pdftotext", "-raw", "-", "-"], input=content, capture_output=True, check=True)
        return done.stdout.decode("utf-8", "replace")
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            return "\n".join(f"{name}\n{opened(packed.read(name))}" for name in packed.namelist())
    return content.decode("utf-8", "replace")


def things(application: Application) -> dict[str, str]:
    """Return what stands in addresses, as the things of one application."""
    paper = db.session.scalars(select(Document.id).where(Document.application_id == application.id)).first() or 1
    signed = next(
        (row for row in db.session.scalars(select(Document).where(Document.id == paper)) if row.signatures), None
    )
    file = db.session.scalars(select(Attachment.id).where(Attachment.application_id == application.id)).first() or 1
    letter = db.session.scalars(select(Letter.id).where(Letter.application_id == application.id)).first() or 1
    return {
        "number": application.number,
        "document_id": str(paper),
        "signature_id": str(signed.signatures[0].id if signed else 1),
        "attachment_id": str(file),
        "ident": str(letter),
        "organisation_id": str(application.organisation_id),
        "stage": "issuer",
        "key": "share_listing",
        "kind": "xlsx",
    }


def every_address(house, application: Application) -> Iterator[str]:
    """Yield every address that can be opened, with the things of an application, and 1 for all else."""
    given = things(application)
    for rule in house.app.url_map.iter_rules():
        if "GET" in rule.methods and rule.endpoint not in ("static", "accounts.logout", "notifications.demo_mail"):
            yield re.sub(r"<(\w+)>", lambda match: given.get(match[1], "1"), plain(rule.rule))


@pytest.mark.parametrize(("key", "process", "code"), FOREIGN)
def test_no_address_and_no_file_says_a_word_that_is_not_ones_own(house, key, process, code):
    someone, forbidden = signed_in(house, key), hidden_from(key)
    files = 0

    for path in every_address(house, application_at(process, code)):
        if path == "/demo/mail":
            continue  # the demo's letter box of everybody
        page = someone.get(path)
        assert page.status < 500, path
        said = opened(page.content) + str(page.headers)
        assert not forbidden.search(said), (path, forbidden.search(said))
        files += page.answer.mimetype != "text/html"

    assert files > 3


SEARCHES = {
    "/archive": ("q",),
    "/orgs": ("q",),
    "/norms": ("q",),
    "/queue": ("q", "company", "procedure", "executor"),
    "/applications": ("q", "tab"),
    "/questionnaires": ("q",),
    "/letters": ("from", "until"),
    "/notifications": ("application",),
    "/outputs": ("q",),
}


def answer_to(someone: Browser, path: str, name: str, asked: str) -> tuple[int, str]:
    """Return status and page of a question, without the question itself and what differs from page to page."""
    page: Page = someone.get(path, query_string={name: asked})
    text = page.text.replace(asked, "?")
    for written in {asked} | {asked.replace("-", "%2D"), asked.lower(), asked.upper()}:
        text = text.replace(written, "?")
    return page.status, re.sub(r'csrf_token" value="[^"]+|[?&]lang=\w+|value="[^"]*"', "", text)


@pytest.mark.parametrize("key", ["other_issuer", "lone_adviser", "clerk", "admin"])
def test_a_search_for_a_strangers_words_answers_like_one_for_words_that_are_nowhere(house, key):
    someone = signed_in(house, key)
    filling = application_at("filling")
    mark = re.search(r"belgialtn\d\d", hidden_from(key).pattern)[0]

    for path, names in SEARCHES.items():
        if someone.get(path).status != 200:
            continue
        for name in names:
            for real, nowhere in ((mark, "belgizzzz99"), (filling.number, "LP-2099-999999")):
                assert answer_to(someone, path, name, real) == answer_to(someone, path, name, nowhere), (path, name)


@pytest.mark.parametrize("key", [found.key for found in PEOPLE])
def test_no_mail_and_no_message_of_the_whole_demo_says_a_word_that_is_not_ones_own(house, key):
    who, forbidden = person(key), hidden_from(key)

    mails = db.session.scalars(select(Mail).where(Mail.to == who.email)).all()
    messages = db.session.scalars(select(Notification).where(Notification.user_id == who.id)).all()

    for mail in mails:
        said = f"{mail.subject} {mail.body} {mail.content}"
        assert not forbidden.search(said), said
    for message in messages:
        assert not forbidden.search(str(message.params)), message.params
    numbers = {row.application_number for row in messages if row.application_number}
    known = set(db.session.scalars(select(Application.number).where(Application.number.in_(numbers))))
    assert numbers == known


def test_the_mails_of_the_demo_go_to_its_people_alone_and_to_the_exchanges_boxes_about_no_application(house):
    boxes, numbers = set(asked.MAILBOXES.values()), db.session.scalars(select(Application.number)).all()
    mails = db.session.scalars(select(Mail)).all()

    assert len({mail.to for mail in mails}) > 5
    assert {mail.to for mail in mails if not mail.to.endswith(".example")} <= boxes
    for mail in mails:
        said = f"{mail.subject} {mail.body}"
        assert mail.to not in boxes or not ("belgi" in said or any(number in said for number in numbers))


class Counter:
    """The statements that are put to the database meanwhile."""

    def __init__(self, engine) -> None:
        self.engine, self.asked = engine, []

    def __enter__(self) -> Counter:
        event.listen(self.engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self.engine, "before_cursor_execute", self._note)

    def _note(self, _connection, _cursor, statement, *_rest) -> None:
        if "SAVEPOINT" not in statement:  # of the test's own day, numbered
            self.asked.append(statement)


@pytest.mark.parametrize("key", ["other_issuer", "clerk", "compliance"])
@pytest.mark.parametrize("below", ["", "/documents", "/summary.pdf", "/stages/issuer"])
def test_a_strangers_application_costs_the_same_work_as_none_so_time_tells_nothing(house, key, below):
    someone, real = signed_in(house, key), application_at("filling").number
    someone.get(f"/applications/{real}{below}")  # whatever is made once is made now

    with Counter(house.engine) as foreign:
        one = someone.get(f"/applications/{real}{below}")
    with Counter(house.engine) as never:
        other = someone.get(f"/applications/LP-2099-999999{below}")

    assert one.status == other.status == 404
    assert foreign.asked == never.asked
    assert len(one.content) - len(real) == len(other.content) - len("LP-2099-999999")


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_a_refusal_tells_a_stranger_neither_company_nor_people_nor_state(house, language):
    application = application_at("registration", "BRKT")
    someone = signed_in(house, "issuer", language)
    root = f"/applications/{application.number}"
    secrets = [*company("BRKT").names.values(), company("BRKT").bin, person("other_issuer").name]

    refused = [
        someone.get(root),
        someone.post(f"{root}/transitions/withdraw", {"seen": "1", "reason": "?"}),
        someone.post(f"{root}/stages/issuer", {"save": "yes"}),
        someone.open("DELETE", root),
        someone.post(root, {"csrf_token": "wrong"}),
        someone.get(f"{root}/stages/%00"),
    ]

    for page in refused:
        assert 400 <= page.status < 500
        assert not [each for each in secrets if each in page.text]
        assert "Traceback" not in page.text
