"""The page that checks a signature for anyone signed in."""

from __future__ import annotations

import hashlib

import pytest
from browser import signed_in
from sqlalchemy import func, select

from app import db
from app.db import Record
from app.sandbox import xml_signing
from app.sandbox.pki import SandboxPki
from app.terms import say

DOCUMENT = "Шешім № 7".encode()


@pytest.fixture
def pki(house):
    return SandboxPki.open(house.config.var / "sandbox", environment="test")


def ask(house, *, key="chancery", language="kk", **files):
    browser = signed_in(house, key, language)
    page = browser.get("/verify")
    return browser.send(page, "/verify", **files)


def verdict(page) -> str:
    return next(item.get("data-verdict") for item in page.root.iter() if item.get("data-verdict"))


def outcomes(page) -> dict[str, str]:
    return {item.get("data-stage"): item.get("data-outcome") for item in page.root.iter() if item.get("data-outcome")}


def reasons(page) -> list[str]:
    return [item.get("data-reason") for item in page.root.iter() if item.get("data-reason")]


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_a_good_signature_is_told_with_its_signer_in_the_reader_s_language(house, pki, language):
    cms = pki.sign("first_head", DOCUMENT, attached=False)
    page = ask(house, language=language, signature=("шешім.cms", cms), document=("шешім.txt", DOCUMENT))

    assert (page.status, verdict(page)) == (200, "VALID")
    assert say("verify.means.valid", language) in page.main
    assert say("sig.role.first_head", language) in page.main
    assert pki.accounts()["first_head"].iin in page.main
    assert hashlib.sha256(DOCUMENT).hexdigest() in page.main
    assert outcomes(page)["INTEGRITY"] == outcomes(page)["CHAIN"] == outcomes(page)["REVOCATION"] == "PASS"


def test_another_document_is_told_as_changed(house, pki):
    cms = pki.sign("first_head", DOCUMENT, attached=False)
    page = ask(house, signature=("a.cms", cms), document=("b.txt", DOCUMENT + b"!"))

    assert verdict(page) == "INVALID"
    assert outcomes(page)["INTEGRITY"] == "FAIL"
    assert "content_changed" in reasons(page)
    assert say("sig.reason.content_changed", "kk") in page.main


def test_a_detached_signature_without_its_document_is_left_open(house, pki):
    page = ask(house, signature=("a.cms", pki.sign("first_head", DOCUMENT, attached=False)))

    assert verdict(page) == "INDETERMINATE"
    assert "content_missing" in reasons(page)


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_a_signature_in_xml_is_told_with_what_it_covers(house, pki, language):
    key = pki.key_for("first_head")
    whole = xml_signing.sign(key, "<decision>7</decision>")
    part = xml_signing.sign_element(key, '<a><b Id="B">7</b><c>8</c></a>', element="/a/b", parent="/a")

    good = ask(house, language=language, signature=("decision.xml", whole.encode()))
    bad = ask(house, language=language, signature=("part.xml", part.encode()))

    assert (verdict(good), verdict(bad)) == ("VALID", "INVALID")
    assert f"{say('sig.covers.whole', language)} /decision" in " ".join(good.main.split())
    assert hashlib.sha256(b"<decision>7</decision>").hexdigest() in good.main
    assert reasons(bad) == ["xml_partly_signed"]
    assert say("sig.reason.xml_partly_signed", language) in bad.main


@pytest.mark.parametrize("junk", [b"", b"%PDF-1.7", b"\x30\x84\xff\xff\xff\xff", b"<a/>", b"\x00" * 100])
def test_what_is_no_signature_is_answered_not_thrown(house, junk):
    page = ask(house, signature=("file.cms", junk))

    assert (page.status, verdict(page)) == (200, "INVALID")
    assert reasons(page)


def test_without_a_file_the_field_says_what_to_do(house):
    page = ask(house, language="ru")

    assert page.status == 422
    assert page.error("signature") == say("verify.err.no_signature", "ru")


def test_nothing_that_was_given_is_kept(house, pki):
    def rows() -> dict[str, int]:
        tables = Record.metadata.sorted_tables
        return {table.name: db.session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}

    browser = signed_in(house, "chancery")
    page = browser.get("/verify")
    before, files = rows(), sorted((house.config.var / "files").rglob("*"))
    cms = pki.sign("first_head", DOCUMENT, attached=True)
    assert verdict(browser.send(page, "/verify", signature=("a.cms", cms))) == "VALID"

    assert rows() == before
    assert sorted((house.config.var / "files").rglob("*")) == files


def test_a_file_name_is_shown_as_text(house, pki):
    cms = pki.sign("first_head", DOCUMENT, attached=True)
    page = ask(house, signature=("<script>alert(1)</script>.cms", cms))

    assert "<script>alert(1)" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text


def test_it_is_for_those_who_are_signed_in(house):
    assert signed_in(house).get("/verify").status in (302, 303)
    for key in ("issuer", "first_head", "adviser", "compliance"):
        page = signed_in(house, key).get("/")
        assert "nav.verify_signature" in page.terms()
        assert signed_in(house, key).get("/verify").status == 200
