"""The Exchange's letters: written, signed with its key, sent, read; and who finds them when."""

from __future__ import annotations

import io
from datetime import timedelta

import openpyxl
import papers
import pytest
from browser import signed_in
from factories import Teller, application_at, mails_to, messages_of, person, refetched

from app import db, letter_templates, pdf
from app.applications import answering, issued, letters, moves, signing
from app.applications.models import Letter
from app.demo import stories
from app.errors import Conflict, Invalid, NotPermitted
from app.storage import Storage
from app.web import here
from app.workflows.parts import TransitionNotAllowed


@pytest.fixture
def teller(house, monkeypatch):
    monkeypatch.setattr(pdf, "render", lambda html: papers.pdf(str(hash(html))))
    return Teller(house.config)


def written(teller):
    """Return an application whose letter is written, and its paper to be signed."""
    application = application_at("letter")
    teller.fill(application, ("letter",))
    letter = letters.prepare(application, "letter", by=person("listing_head"), now=here.now())
    return application, letter


def signed_by(teller, letter, key, *, by="listing_head"):
    content = here.storage().get(letter.document.sha256)
    cms = stories.sign_as(teller.pki, key, content, teller.now)
    given = signing.judge(cms, sha256=letter.document.sha256, now=here.now())
    return signing.issue(letter, given, by=person(by), now=here.now())


@pytest.mark.req("IS2IN-25.c", "IS2IN-24.b")
def test_a_letter_is_signed_with_the_exchanges_key_then_numbered_delivered_and_read_once(house, teller):
    application, letter = written(teller)
    with pytest.raises(TransitionNotAllowed):
        teller.fire(application, "send_letter", "listing")
    assert letter.document.delivered_at is None

    signed_by(teller, letter, "listing_head")
    signed_by(teller, letter, "listing_head")
    assert (len(letter.signatures), letter.number, letter.sent_at) == (1, "", None)
    teller.fire(application, "send_letter", "listing")

    letter = db.session.get_one(Letter, letter.id)
    assert letter.number.startswith("2026/")
    assert letter.document.delivered_at == letter.copy.delivered_at == letter.sent_at
    assert application.number in mails_to(person("issuer").email)[0].body
    assert letters.read(letter, by=person("issuer"), now=here.now())
    assert not letters.read(letter, by=person("first_head"), now=here.now())
    assert letter.read_by == person("issuer")
    conclusion = next(each for each in letters.of(application) if each.kind == "conclusion")
    assert conclusion.sent_at
    assert conclusion.signatures[0].signer_bin == house.config.exchange_bin


def test_only_the_authorised_persons_own_key_of_the_exchange_signs(house, teller):
    _, letter = written(teller)

    with pytest.raises(Invalid) as refused:
        signed_by(teller, letter, "first_head")
    with pytest.raises(NotPermitted):
        signed_by(teller, letter, "listing_head", by="listing")

    assert {problem.key for problem in refused.value.problems} >= {
        "letter.err.cert_org",
        "letter.err.cert_person",
        "sign.next.exchange",
    }
    assert letter.signatures == []


def test_a_text_changed_after_signing_is_signed_anew(house, teller):
    application, letter = written(teller)
    signed_by(teller, letter, "listing_head")
    teller.mark = "basqa"
    typed = teller.typed(application, "letter")
    typed.raw["text-ru"] = ["Другой текст"]
    answering.save(application, "letter", typed, by=person("listing"), done=True, now=here.now())
    db.session.expire(application)

    with pytest.raises(TransitionNotAllowed):
        teller.fire(application, "send_letter", "listing")
    with pytest.raises((Conflict, NotPermitted)):
        signed_by(teller, letter, "listing_head")
    again = letters.prepare(application, "letter", by=None, now=here.now())
    assert again.id != letter.id
    signed_by(teller, again, "listing_head")
    teller.fire(application, "send_letter", "listing")
    assert [each.id for each in letters.of(application) if each.kind == "letter" and each.sent_at] == [again.id]


def test_a_broken_signature_does_not_leave_the_house(house, teller, monkeypatch):
    application, letter = written(teller)
    row = signed_by(teller, letter, "listing_head")
    kept = Storage.get

    def damaged(self, sha256):
        content = kept(self, sha256)
        return content[:-1] + bytes([content[-1] ^ 1]) if sha256 == row.cms_sha256 else content

    monkeypatch.setattr(Storage, "get", damaged)

    with pytest.raises(Conflict) as refused:
        teller.fire(application, "send_letter", "listing")
    assert refused.value.key == "verify.broken"


def test_what_a_template_leaves_open_is_told_by_name(house, teller):
    application = application_at("letter")
    typed = teller.typed(application, "letter")
    typed.raw["text-kk"] = ["Хаттама: {minutes_number}"]
    typed.raw["text-ru"] = ["Протокол: {foo}, {см. п. 3}, {1}, {}"]

    with pytest.raises(Invalid) as refused:
        answering.save(application, "letter", typed, by=person("listing"), done=True, now=here.now())
    known, unknown = refused.value.problems
    assert (known.path, known.key) == ("text-kk", "letter.err.empty_fact")
    assert known.params["fact"].key == "letter.fact.minutes_number"
    assert (unknown.path, unknown.key) == ("text-ru", "letter.err.empty_fact")
    assert unknown.params["fact"].words["ru"] == "foo"
    with pytest.raises(Conflict):
        letters.prepare(application, "letter", by=None, now=here.now())


@pytest.mark.req("IS2IN-25.c")
def test_a_refusal_of_registration_sends_its_letter_once_it_is_signed(house, teller):
    application = application_at("registration")
    teller.fire(application, "refuse_registration", "chancery", {"kk": "Мөр жоқ", "ru": "Нет печати"})
    [letter] = [each for each in issued.waiting() if each.application_id == application.id]

    texts = letter.words["text"]
    assert ("Мөр жоқ" in texts["kk"], "Нет печати" in texts["ru"]) == (True, True)
    assert ("Мөр жоқ" in texts["ru"], "Нет печати" in texts["kk"]) == (False, False)
    other = {part: {code: f"{part} {code}" for code in ("kk", "ru")} for part in ("subject", "text")}
    with pytest.raises(Conflict):
        letters.reword(letter, other, seen="of another page", by=person("chancery"), now=here.now())
    letters.reword(letter, other, seen=letters.mark(letter.words), by=person("chancery"), now=here.now())
    teller.sign_letter(letter)

    assert letter.number
    assert letter.sent_at
    assert messages_of(person("issuer"))[0].message == "notice.letter"
    assert letter not in issued.waiting()


def test_what_the_system_closes_by_itself_is_told_unsigned_and_says_so(house, monkeypatch):
    pages = []
    monkeypatch.setattr(pdf, "render", lambda html: pages.append(html) or papers.pdf("x"))
    application = application_at("rework")

    moves.fire_by_system(application, "not_answered", now=here.now())

    [letter] = [each for each in letters.of(application) if each.occasion == "unanswered"]
    assert letter.is_automatic
    assert letter.number
    assert letter.signatures == []
    assert "қол қойылмаған" in pages[-1]
    assert "подписи не имеет" in pages[-1]
    assert letter.document.delivered_at


@pytest.mark.parametrize("database", ["sqlite"])
def test_the_letters_page_side_by_side_its_preview_and_redrawing(house, teller):
    application, listing = application_at("letter"), signed_in(house, "listing")
    path = f"/applications/{application.number}/stages/letter"

    page = listing.get(path)
    assert application.number in page.form(path)["text-kk"][0]
    assert "text-en" not in page.form(path)
    kept = listing.send(page, path, press="save", text__ru="Свой текст")
    assert kept.status == 303
    assert listing.get(path).form(path)["text-ru"] == ["Свой текст"]
    redrawn = listing.get(f"{path}?template=letter.refuse")
    assert "letter.redrawn" in redrawn.terms()
    assert "отказать" in redrawn.form(path)["text-ru"][0]
    assert refetched(application).version  # nothing was kept by looking
    assert listing.get(f"{path}/preview.pdf").content.startswith(b"%PDF-")
    assert listing.get(f"{path}?template=../../x").form(path)["text-ru"] == ["Свой текст"]


@pytest.mark.parametrize("database", ["sqlite"])
def test_who_sees_a_letter_before_and_after_it_is_sent(house, teller):
    application, letter = written(teller)
    file = f"/applications/{application.number}/documents/{letter.document_id}/file"
    head, issuer = signed_in(house, "listing_head"), signed_in(house, "issuer")
    way = head.get(f"/applications/{application.number}/issue")
    page = head.follow(way)

    assert page.one(data_key="act.sign_eds") is not None
    assert head.get(file).status == 200
    for path in (
        file,
        "/letters",
        f"/letters/{letter.id}",
        "/letters.xlsx",
        f"/applications/{application.number}/issue",
    ):
        assert issuer.get(path).status == 404, path
    assert signed_in(house, "compliance").get("/letters").status == 404
    listing = signed_in(house, "listing")
    listing.get(f"/letters/{letter.id}")
    sha256 = letter.document.sha256
    assert listing.post(f"/letters/{letter.id}/sign", {"sha256": sha256, "cms": "AAAA"}).status == 403
    head.get(f"/letters/{letter.id}")
    bad = head.post(f"/letters/{letter.id}/sign", {"sha256": sha256, "cms": "AAAA"})
    assert bad.status == 422
    assert bad.error("cms")

    teller.sign_letter(db.session.get_one(Letter, letter.id))
    teller.fire(refetched(application), "send_letter", "listing")
    assert issuer.get(file).status == 200
    letter = db.session.get_one(Letter, letter.id, populate_existing=True)
    assert letter.read_by == person("issuer")
    assert person("issuer").name in head.get(f"/letters/{letter.id}").main
    assert "letter.read" not in issuer.get(f"/applications/{application.number}").terms()


@pytest.mark.parametrize("database", ["sqlite"])
def test_a_finished_letter_waits_in_the_list_and_the_one_before_says_it_was_replaced(house, teller):
    application, letter = written(teller)
    head, way = signed_in(house, "listing_head"), f"/applications/{application.number}/issue"
    assert way in head.get("/letters").links()
    application = refetched(application)
    teller.mark = "basqa"
    typed = teller.typed(application, "letter")
    typed.raw["text-ru"] = ["Другой текст"]
    answering.save(application, "letter", typed, by=person("listing"), done=True, now=here.now())
    db.session.commit()

    head.follow(head.get(way))
    old = head.get(f"/letters/{letter.id}")
    again = letters.present(refetched(application), "letter")

    assert again.id != letter.id
    assert {"letter.replaced", "letter.state.replaced"} <= set(old.terms())
    assert "letter.not_yours" not in old.terms()
    assert f"/letters/{again.id}" in old.links()
    assert "letter.replaced" not in head.get(f"/letters/{again.id}").terms()
    teller.sign_letter(db.session.get_one(Letter, again.id))
    assert way not in head.get("/letters").links()


@pytest.mark.parametrize("database", ["sqlite"])
def test_a_day_no_calendar_holds_is_told_at_its_field(house):
    chancery = signed_in(house, "chancery")
    for name, text in (("from", "0001-01-01"), ("until", "9999-12-31"), ("until", "31.12.9999")):
        page = chancery.get(f"/letters?{name}={text}")
        assert (page.status, bool(page.error(name))) == (422, True), text
        assert chancery.get(f"/letters.xlsx?{name}={text}").location == f"/letters?{name}={text}"


@pytest.mark.parametrize("database", ["sqlite"])
def test_the_journal_by_period_and_as_a_workbook(house):
    chancery, now = signed_in(house, "chancery"), here.now()
    today, tomorrow = (f"{now + timedelta(days=n):%d.%m.%Y}" for n in (-1, 2))
    count = issued.count(None, None)

    assert count
    assert len(chancery.get(f"/letters?from={today}&until={tomorrow}").all(data_state="sent")) == count
    assert chancery.get("/letters?until=01.01.2020").all(data_state="sent") == []
    wrong = chancery.get("/letters?from=31.02.2026")
    assert wrong.error("from")
    book = openpyxl.load_workbook(io.BytesIO(chancery.get(f"/letters.xlsx?from={today}").content))
    assert len(list(book.active.rows)) == count + 2


def test_a_template_without_its_other_language_or_with_an_unknown_fact_is_told(tmp_path):
    (tmp_path / "notice.kk.txt").write_text("Тақырып\n\n{nosuch}\n", encoding="utf-8")
    (tmp_path / "Letter.txt").write_text("x", encoding="utf-8")

    found = {(fault.key, fault.problem) for fault in letter_templates.faults(tmp_path)}

    assert ("nosuch", "no fact of an application has this name") in found
    assert ("", "is no letter's template by its name") in found
    assert any(str(fault.file).endswith("notice.ru.txt") for fault in letter_templates.faults(tmp_path))
    assert letter_templates.faults() == []
    template = letter_templates.Template("", "? Негізі:\n? {conditions}\nНөмірі: {number}\n{reason}")
    assert template.filled({"number": "1"}) == "Нөмірі: 1\n{reason}"
