"""In a browser: a form filled from an archived application, a pasted table, and moves to newer versions."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from app.config import ROOT
from tests.journeys.people import Cast
from tests.journeys.test_comments_and_rounds import violations
from tests.serving import Installation, Served, copy_of, serving

ARCHIVED, DRAFT, BONDS = "LP-2026-000001", "LP-2026-000002", "LB-2026-000001"
SENT = "LP-2026-000007"
GROUP = "subsidiaries"
REVIEW = "stages: [listing_review, legal_review, financial_review]"


@pytest.fixture(scope="module")
def served(loaded: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The demo with a second version of the issuer's form and of the listing of shares."""
    folder = tmp_path_factory.mktemp("reuse")
    for kind in ("workflows", "forms"):
        shutil.copytree(ROOT / kind, folder / kind)
    newer = (
        ("forms/issuer", "        max_length: 300", "        max_length: 299"),
        ("workflows/share_listing", REVIEW, "stages: [legal_review, listing_review, financial_review]"),
    )
    for name, old, new in newer:
        text = (folder / f"{name}.v1.yaml").read_text(encoding="utf-8")
        assert old in text
        later = text.replace("version: 1", "version: 2", 1).replace(old, new, 1)
        (folder / f"{name}.v2.yaml").write_text(later, encoding="utf-8")
    named = {"KEZEN_WORKFLOWS": str(folder / "workflows"), "KEZEN_FORMS": str(folder / "forms")}
    with serving(copy_of(loaded, folder / "var", **named)) as running:
        yield running


@pytest.fixture(scope="module")
def whole_cast(served, chromium) -> Iterator[Cast]:
    cast = Cast(served, chromium)
    yield cast
    cast.leave()


@pytest.fixture
def cast(whole_cast) -> Iterator[Cast]:
    yield whole_cast
    assert whole_cast.complaints() == []


@pytest.mark.req("IS2IN-9.6.a")
def test_a_form_is_filled_from_an_archived_application_answer_by_answer(cast):
    author = cast["issuer"]
    author.go("/questionnaires")
    author.follow(author.find(f'[data-app="{ARCHIVED}"] [data-key="act.preview"]').first)
    then = author.find('[data-field="legal_address"] .words').inner_text()
    assert violations(author) == []
    author.go("/procedures/share_listing/new")
    author.press("act.create")
    number = author.path.rsplit("/", 1)[1]
    author.stage(number, "issuer")
    author.find('form.reuse select[name="from"]').select_option(ARCHIVED)
    author.press("act.use_questionnaire", "form.reuse")
    assert violations(author) == []
    expect(author.key_of("reuse.version")).to_be_visible()

    author.find("#f-phone").uncheck()
    author.press("reuse.take")

    expect(author.find('.form [name="legal_address"]')).to_have_value(then)
    expect(author.field("legal_address").locator('[data-key="msg.prefill_source"]')).to_contain_text(ARCHIVED)
    expect(author.find('.form [name="phone"]')).to_have_value("")
    author.find('.form [name="legal_address"]').fill("050000, Алматы, Абай 1")
    author.press("act.save", "form[data-stage]")
    expect(author.field("legal_address").locator('[data-key="msg.prefill_source"]')).to_have_count(0)


def test_a_table_is_pasted_its_wrong_cells_are_mended_in_place_and_taken_in(cast):
    author = cast["other_issuer"]
    author.stage(BONDS, "ownership")
    rows = author.find(f'[data-rows="{GROUP}"] > [data-row], [data-rows="{GROUP}"] tbody > [data-row]')
    before = rows.count()
    author.press("", of=author.find(f'button[name="row-table"][value="{GROUP}"]'))
    assert violations(author) == []
    table = [
        ["subsidiary_name", "subsidiary_country", "subsidiary_percent"],
        ["«Бірінші» ЖШС", "Қазақстан", "51,5"],
        ["«Екінші» ЖШС", "Қазақстан", "жартысы"],
        ["«Үшінші» ЖШС", "Қазақстан", "көп"],
    ]
    author.find("#f-text").fill("\n".join("\t".join(cells) for cells in table))
    author.answered(lambda: author.press("table.look"), 200)
    wrong = author.find("td[data-state=fault]")
    expect(wrong).to_have_count(2)
    assert violations(author) == []

    author.answered(lambda: author.press("table.take"), 422)
    expect(author.find("[data-error-for=cell-3-2]")).to_be_visible()
    wrong.nth(0).locator("input").fill("50")
    wrong.nth(1).locator("input").fill("99,9")
    author.press("table.take")

    assert author.path == f"/applications/{BONDS}/stages/ownership"
    expect(rows).to_have_count(before + 3)
    expect(author.find(f'[name^="{GROUP}-"][value="99,9"]')).to_have_count(1)


def test_the_author_moves_a_draft_and_staff_what_was_sent_and_the_pages_are_free_of_faults(cast):
    author, head = cast["issuer"], cast["listing_head"]
    author.go(f"/applications/{DRAFT}")
    author.press("renew.look")
    assert violations(author) == []
    author.press("renew.act")
    expect(author.key_of("renew.offer")).to_have_count(0)

    head.go(f"/applications/{SENT}")
    head.press("transfer.look")
    assert violations(head) == []
    head.press("transfer.act")

    expect(head.key_of("transfer.offer")).to_have_count(0)
    expect(head.find('[data-act="transfer"]').first).to_contain_text("1 → 2")
