"""A bank files in Russian and in English: no adviser, a signature made elsewhere, up to the registration."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from app.terms import say
from app.workflows.definitions import load as load_procedures
from tests.journeys.people import Cast, dense, text_of
from tests.serving import ROOT, Installation, Served, copy_of, serving

REQUIREMENTS = "extra_listing_requirements"


@pytest.fixture(scope="module")
def served(loaded: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(copy_of(loaded, tmp_path_factory.mktemp("bank") / "var")) as running:
        yield running


@pytest.fixture(params=["ru", "en"])
def cast(request: pytest.FixtureRequest, served, chromium) -> Iterator[Cast]:
    found = Cast(served, chromium, request.param)
    yield found
    complaints = found.complaints()
    found.leave()
    assert complaints == []


@pytest.fixture(scope="module")
def procedure():
    library, faults = load_procedures(ROOT / "workflows", ROOT)
    assert faults == []
    return library.get("share_listing")


@pytest.mark.req("IS2IN-13.e", "IS2IN-14.2.b", "IS2IN-14.i", "IS2IN-19.c", "IS2IN-23.a", "IS2IN-23.c")
def test_a_financial_organisation_skips_the_adviser_and_its_first_head_signs_elsewhere(cast, procedure):
    def words(person, selector: str, key: str) -> None:
        expect(person.find(selector).first).to_contain_text(say(key, cast.language))

    author = cast["other_issuer"]
    expect(author.find("html")).to_have_attribute("lang", cast.language)
    author.go("/procedures/share_listing/new")
    author.press("act.create")
    root = author.path
    number = root.rsplit("/", 1)[1]
    assert author.words("h2#process") == procedure.processes["filling"].title[cast.language]

    author.stage(number, "issuer")
    assert author.key_of("act.skip_stage").count() == 0
    author.fill("issuer", "listing_application", own={"bin": "040240002347"})
    author.press("act.done", "form[data-stage]")
    assert author.path == f"{root}/stages/requirements"
    author.choose_criteria(REQUIREMENTS, ("main", "shares", "premium"))
    author.find(f'[name="{REQUIREMENTS}-isin"]').fill("KZ1C00001619")
    author.follow(author.find('button[name="add"]'))
    author.fill_entry(REQUIREMENTS)
    author.press("act.done", "form[data-stage]")
    assert author.path == f"{root}/stages/adviser_choice"
    words(author, '[data-key="act.skip_stage"]', "act.skip_stage")
    author.press("act.skip_stage", "form[data-stage]")
    assert author.path == f"{root}/stages/documents"
    assert author.key_of("act.skip_stage").count() == 0
    author.fill("documents")
    author.press("act.done", "form[data-stage]")

    author.hub(number)
    states = author.stage_states()
    assert (states["adviser_choice"], states["adviser_statement"]) == ("skipped", "skipped")
    words(author, 'li[data-stage="adviser_choice"]', "st.skipped")
    author.go(f"{root}/summary")
    author.press("act.send_for_approval")
    author.stands_in("first_head")

    head = cast["other_first_head"]
    head.stage(number, "approval")
    head.press("act.approved", "main .bar--form")
    _, document = head.download(head.find(".step__links a[download]").click)
    assert dense(procedure.title[cast.language]) in text_of(document)
    foreign = cast.pki.sign("first_head", document, attached=False)
    own = cast.pki.sign("other_first_head", document, attached=False)

    def upload(cms: bytes) -> None:
        head.press("act.sign_eds", ".step > .bar")
        head.find("#tab-file").click()
        file = {"name": "signature.cms", "mimeType": "application/pkcs7-signature", "buffer": cms}
        head.find("#f-cms").set_input_files(file)
        head.press("act.upload", "#way-file")

    head.answered(lambda: upload(foreign), 422)
    assert say("err.cert_org", cast.language) in head.words(".errors")
    expect(head.key_of("act.send_file")).to_have_attribute("aria-disabled", "true")
    upload(own)
    expect(head.find("[data-signature]")).to_contain_text("740825300099")
    head.press("act.send_file")
    head.stands_in("registration")
    assert say("msg.sent_ok", cast.language) in head.words(".alert--success")

    chancery = cast["chancery"]
    chancery.work(number, "registration", "registration", "register")
    chancery.stands_in("completeness")
    assert chancery.words("h2#process") == procedure.processes["completeness"].title[cast.language]
