"""Signing with an EDS and sending the file (user manual, paragraphs 21 to 23; readings A25, A26)."""

from __future__ import annotations

import base64
import hashlib

import pytest
from factories import Teller, application_at, mails_to, messages_of, person, refetched
from sqlalchemy import func, select
from test_creating import address

from app import db
from app.applications import approval, facts, queries, signing
from app.applications.models import Document, History, Signature
from app.errors import Conflict
from app.sandbox.pki import SandboxPki
from app.terms import say


@pytest.fixture
def pki(house):
    """The sandbox authority of the house."""
    return SandboxPki.open(house.config.var / "sandbox", environment="test")


@pytest.fixture
def agreed(house, now):
    """An application that the first head has agreed to and not yet signed."""
    application = application_at("first_head")
    approval.agree(application, by=person("first_head"), comments={}, seen=application.version, now=now)
    return refetched(application)


class Desk:
    """The page of signing of one person."""

    def __init__(self, browser, application, key="first_head"):
        self.browser, self.application = browser(key), application
        self.path = address(application, "sign")
        self.page = self.browser.get(self.path)

    @property
    def sha256(self) -> str:
        """The hash that the page shows."""
        return next(item.get("data-sha256") for item in self.page.root.iter() if item.get("data-sha256"))

    def document(self) -> bytes:
        """Return the very bytes that the page shows."""
        source = next(item.get("src") for item in self.page.root.iter("iframe"))
        return self.browser.get(source).content

    def upload(self, cms: bytes):
        """Give a signature as a file."""
        return self.browser.open(
            "POST",
            self.path,
            data={
                "csrf_token": self.browser.token,
                "sha256": self.sha256,
                "cms_file": (__import__("io").BytesIO(cms), "signature.cms"),
            },
        )

    def give(self, text: str):
        """Give a signature as the signing agent in the page does: base64 in a field."""
        return self.browser.post(self.path, {"sha256": self.sha256, "cms": text})


@pytest.fixture
def desk(browser, agreed):
    """The first head's page of signing."""
    return Desk(browser, agreed)


def signatures() -> int:
    """Return how many signatures are kept."""
    return db.session.scalar(select(func.count(Signature.id))) or 0


def unmoved(application) -> bool:
    """Tell whether the application still waits for its signature."""
    application = refetched(application)
    return (
        application.process == "first_head"
        and queries.position(application).status("signing") != "filled"
        and not facts.of(application).signature_valid
    )


@pytest.mark.req("IS2IN-21.b", "IS2IN-21.c", "IS2IN-22.a", "IS2IN-22.1")
def test_the_page_lets_one_read_the_application_before_signing_it(desk):
    content = desk.document()

    assert content.startswith(b"%PDF-")
    assert desk.page.says(data_key="act.sign_eds") == "ЭЦҚ-мен қол қою"
    assert desk.page.says(data_key="sig.nca") == "ҰКО"
    assert desk.page.says(data_key="act.sign") == "Қол қою"


@pytest.mark.req("IS2IN-1.4")
def test_the_document_on_the_page_is_the_very_one_that_is_signed_and_verified(desk, pki, house, now):
    content = desk.document()
    assert hashlib.sha256(content).hexdigest() == desk.sha256

    desk.upload(pki.sign("first_head", content, attached=False, at=now))

    row = db.session.scalars(select(Signature).order_by(Signature.id.desc()).limit(1)).one()
    kept = db.session.get(Document, row.document_id)
    assert kept.sha256 == desk.sha256
    assert (row.signer_iin, row.signer_bin) == ("760118300039", "050340001235")
    assert row.report["verdict"] == "VALID"


def test_the_document_stays_the_same_however_often_it_is_shown(desk, browser, agreed):
    assert {Desk(browser, agreed).sha256, Desk(browser, agreed, "issuer").sha256} == {desk.sha256}


@pytest.mark.req("IS2IN-23.a", "IS2IN-23.b", "IS2IN-22.b")
def test_a_good_signature_opens_send_file_which_moves_the_application_to_the_chancery(desk, pki, agreed, browser, now):
    unsigned = desk.browser.post(address(agreed, "transitions", "send_file"), {"seen": str(agreed.version)})
    assert unsigned.status == 409
    assert desk.page.one(data_trigger="send_file").get("aria-disabled") == "true"

    signed = desk.upload(pki.sign("first_head", desk.document(), attached=False, at=now))
    page = desk.browser.follow(signed)
    assert page.says(data_key="sig.signed_by_key")
    assert "760118300039" in page.main
    assert page.one(data_trigger="send_file").get("aria-disabled") is None
    sent = desk.browser.send(page, address(agreed, "transitions", "send_file"))

    application = refetched(agreed)
    assert sent.status == 303
    assert application.process == "registration"
    assert application.submitted_at is not None
    hub = desk.browser.get(address(application))
    assert "Биржа кеңсесінің рұқсаттама бастамашысынан өтінішті тіркеуі" in hub.main
    assert messages_of(person("chancery"))[0].application_number == application.number
    assert application.number in browser("chancery").get("/queue").main


@pytest.mark.parametrize("how", ["base64", "base64 in lines", "pem", "pem without armour words"])
def test_a_signature_from_the_page_is_accepted_in_the_shapes_agents_give(desk, pki, agreed, how, now):
    cms = pki.sign("first_head", desk.document(), attached=False, at=now)
    text = base64.b64encode(cms).decode()
    lines = "\n".join(text[i : i + 64] for i in range(0, len(text), 64))
    shapes = {
        "base64": text,
        "base64 in lines": lines,
        "pem": f"-----BEGIN CMS-----\n{lines}\n-----END CMS-----\n",
        "pem without armour words": f"-----BEGIN PKCS7-----\n{lines}\n-----END PKCS7-----",
    }

    answer = desk.give(shapes[how])

    assert answer.status == 303, answer.main[:500]
    assert not unmoved(agreed)


def refused_with(desk, agreed, cms: bytes) -> set[str]:
    """Upload, expect a refusal that moves nothing, and return the sentences told."""
    before = signatures()
    answer = desk.upload(cms)
    assert answer.status == 422
    assert signatures() == before
    assert unmoved(agreed)
    return {answer.error("cms")}


@pytest.mark.req("IS2IN-22.2", "ESRV-32.b")
def test_each_wrong_signature_is_refused_with_its_own_reason_and_nothing_moves(desk, pki, agreed, now):
    content = desk.document()
    other_person = pki.sign("clerk", content, attached=False, at=now)
    told = {
        "wrong organisation": refused_with(desk, agreed, pki.sign("other_first_head", content, attached=False, at=now)),
        "wrong person": refused_with(desk, agreed, other_person),
        "wrong document": refused_with(desk, agreed, pki.sign("first_head", b"another", attached=False, at=now)),
        "no signature": refused_with(desk, agreed, b"This is no signature."),
        "no file": refused_with(desk, agreed, b""),
        "too large": refused_with(desk, agreed, b"\x30\x84" + bytes(300 * 1024)),
    }

    words = [next(iter(found)) for found in told.values()]
    assert len(set(words)) == len(words), told
    assert say("err.cert_org", "kk") in next(iter(told["wrong organisation"]))
    assert next(iter(told["wrong person"])) == say("err.cert_person", "kk")
    assert next(iter(told["wrong document"])) == say("err.doc_changed", "kk")


@pytest.mark.parametrize("key", ["issuer", "clerk"])
def test_an_employees_certificate_signs_for_nobody_even_if_his_iin_is_registered(desk, pki, agreed, now, key):
    person(key).membership.may_sign = True
    db.session.commit()

    assert refused_with(desk, agreed, pki.sign(key, desk.document(), attached=False, at=now)) == {
        say("sig.refusal.role", "kk")
    }


def test_a_revoked_certificate_signs_nothing(desk, pki, agreed, now, house):
    from app import catalogue

    content = desk.document()
    pki.revoke("first_head", at=now)
    catalogue.configure(house.config)

    told = refused_with(desk, agreed, pki.sign("first_head", content, attached=False, at=now))

    assert told == {say("err.cert_revoked", "kk")}


def test_a_signature_over_an_older_document_is_a_conflict(desk, pki, agreed, now):
    cms = pki.sign("first_head", desk.document(), attached=False, at=now)

    answer = desk.browser.post(desk.path, {"sha256": "0" * 64, "cms": base64.b64encode(cms).decode()})

    assert answer.status == 409
    assert say("err.doc_changed", "kk") in answer.main
    assert unmoved(agreed)


def test_pressing_twice_signs_once(desk, pki, agreed, now):
    before = signatures()
    cms = pki.sign("first_head", desk.document(), attached=False, at=now)

    first, second = desk.upload(cms), desk.upload(cms)

    assert first.status == 303
    assert second.status in (303, 409)
    assert signatures() == before + 1
    acts = db.session.scalars(select(History.act).where(History.application_id == agreed.id)).all()
    assert acts.count("sign") == 1


def test_sending_twice_sends_once(desk, pki, agreed, now):
    desk.upload(pki.sign("first_head", desk.document(), attached=False, at=now))
    page = desk.browser.get(desk.path)
    path = address(agreed, "transitions", "send_file")

    first, second = desk.browser.send(page, path), desk.browser.send(page, path)

    assert (first.status, second.status) == (303, 409)
    acts = db.session.scalars(select(History.act).where(History.application_id == agreed.id)).all()
    assert acts.count("send_file") == 1
    told = [item for item in messages_of(person("chancery")) if item.application_number == agreed.number]
    assert len(told) == 1
    assert len([mail for mail in mails_to(person("chancery").email) if agreed.number in mail.body]) == 1


@pytest.mark.req("ESRV-8", "IS2IN-1.3")
@pytest.mark.parametrize("key", ["issuer", "adviser", "clerk", "other_first_head", "chancery"])
def test_nobody_but_the_first_head_gives_a_signature(browser, agreed, pki, desk, key, now):
    cms = pki.sign("first_head", desk.document(), attached=False, at=now)
    someone = browser(key)

    answer = someone.post(desk.path, {"sha256": desk.sha256, "cms": base64.b64encode(cms).decode()})

    assert answer.status in (403, 404)
    assert unmoved(agreed)


def test_before_the_first_head_has_agreed_nothing_is_signed(house, now, pki):
    application = application_at("first_head")
    with pytest.raises(Conflict):
        signing.offered(application, "0" * 64)


@pytest.mark.req("IS2IN-22.b", "IS2IN-25.d")
def test_what_was_signed_and_its_signature_can_be_downloaded_and_verify_together(browser, house, now):
    from app import catalogue
    from app.signatures.verify import verify

    application = application_at("registration")
    someone = browser("issuer")
    page = someone.get(address(application, "documents"))
    card = next(item for item in page.root.iter("article") if item.get("data-kind") == "application")
    links = [item.get("href") for item in card.iter("a")]

    document = someone.get(next(link for link in links if link.endswith("/file")))
    signature = someone.get(next(link for link in links if "/signature/" in link))

    report = verify(signature.content, document.content, at=now, trust=catalogue.present().trust)
    assert report.verdict == "VALID"
    assert "act.copy_document" in page.terms()


def test_what_is_registered_already_is_not_sent_to_registration_again(house, browser):
    teller, head = Teller(house.config), browser("first_head")
    new, again = application_at("first_head"), application_at("rework_approval")
    for application in (new, again):
        approval.agree(application, by=person("first_head"), comments={}, seen=application.version, now=teller.now)

    pages = [head.get(address(application, "sign")).terms() for application in (new, again)]

    assert ["app.sign.send_help" in page for page in pages] == [True, False]
    assert ["app.sign.send_again_help" in page for page in pages] == [False, True]


def test_after_a_rework_the_new_document_is_signed_and_the_old_one_kept(house, browser):
    teller = Teller(house.config)
    application = refetched(application_at("rework_approval"))
    before = {row.sha256 for row in queries.documents(application) if row.kind == "application"}
    teller.number = 8

    teller.sign_and_send(application)

    rows = [row for row in queries.documents(refetched(application)) if row.kind == "application"]
    assert before < {row.sha256 for row in rows}
    assert all(row.signatures for row in rows)
    assert refetched(application).process == "expertise"
