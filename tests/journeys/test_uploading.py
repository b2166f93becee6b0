"""Files in the browser: attached at once with progress, replaced, removed, refused, cut off and tried again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from app.terms import say
from tests import papers
from tests.journeys.people import Cast, Person
from tests.serving import Installation, Served, copy_of, serving


@pytest.fixture(scope="module")
def served(loaded: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(copy_of(loaded, tmp_path_factory.mktemp("uploading") / "var")) as running:
        yield running


@pytest.fixture(scope="module")
def number(served) -> str:
    """Return the number of an application that is being filled."""
    with sqlite3.connect(served.installation.var / "kezen.db") as connection:
        rows = connection.execute("SELECT number FROM application WHERE process = 'filling' ORDER BY id").fetchall()
    connection.close()
    return str(rows[1][0])


@pytest.fixture
def author(served, chromium) -> Iterator[Person]:
    """Return the author at the stage of documents."""
    cast = Cast(served, chromium)
    yield cast["issuer"]
    cast.leave()


def file(name: str, content: bytes) -> dict[str, object]:
    """Return a file as a browser is given one."""
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


def choose(person: Person, field: str, *files: dict[str, object]) -> None:
    """Choose files for a field."""
    person.find(f'input[type=file][name="{field}"]').set_input_files(list(files))  # type: ignore[arg-type]


def attached(person: Person, field: str, *names: str) -> None:
    """The page shows these files of a field, in this order."""
    expect(person.find(f'[data-field="{field}"] [data-file] a')).to_have_text(list(names))


def test_files_go_up_at_once_and_are_replaced_and_removed_on_the_page(author, number):
    author.stage(number, "documents")
    before = author.find("input[name=revision]").input_value()

    choose(author, "charter", file("a.pdf", papers.pdf("a")), file("b.pdf", papers.pdf("b")))
    attached(author, "charter", "a.pdf", "b.pdf")
    assert int(author.find("input[name=revision]").input_value()) == int(before) + 2
    expect(author.find('[data-field="charter"] .files__hash').first).to_contain_text("SHA-256")
    expect(author.find('[data-field="charter"] .tick')).to_have_count(0)

    with author.page.expect_file_chooser() as chooser:
        author.find('[data-field="charter"] [data-replace]').first.click()
    chooser.value.set_files(file("c.pdf", papers.pdf("c")))  # type: ignore[arg-type]
    attached(author, "charter", "c.pdf", "b.pdf")

    author.find('[data-field="charter"] [data-take-out]').last.click()
    author.find('dialog[open] [data-key="act.confirm"]').click()
    attached(author, "charter", "c.pdf")

    author.press("act.save", "form[data-stage]")  # from the revision that the files have made: no conflict
    attached(author, "charter", "c.pdf")
    author.go(f"/applications/{number}/documents")
    older = author.find('[data-place="documents.charter"] details.paper__older')
    older.locator("summary").click()
    expect(older.locator("[data-file] a")).to_have_text(["b.pdf", "a.pdf"])


def test_a_field_of_one_file_replaces_it_and_a_scan_is_told_of(author, number):
    author.stage(number, "documents")
    choose(author, "prospectus", file("p.pdf", papers.pdf("p")))
    attached(author, "prospectus", "p.pdf")

    announced = author.find('[data-field="prospectus"] [data-announce]')
    expect(announced).to_have_text(say("upload.replaces", "kk", name="p.pdf"))
    choose(author, "prospectus", file("scan.pdf", papers.pdf("")))
    expect(author.find("dialog[open]")).to_contain_text("p.pdf")
    author.find('dialog[open] [data-key="act.cancel"]').click()
    attached(author, "prospectus", "p.pdf")
    choose(author, "prospectus", file("scan.pdf", papers.pdf("")))
    expect(author.find('dialog[open] [value="yes"]')).to_have_text(say("act.replace_file", "kk"))
    author.find('dialog[open] [value="yes"]').click()

    attached(author, "prospectus", "scan.pdf")
    line = author.find('[data-field="prospectus"] .upload__line')
    expect(line).to_contain_text(say("upload.replaced", "kk"))
    expect(announced).to_have_text(say("upload.replaces", "kk", name="scan.pdf"))
    expect(line).to_contain_text(say("file.note.image_only", "kk"))


def test_in_a_field_of_one_file_a_good_one_clears_what_was_refused(author, number):
    author.stage(number, "documents")
    choose(author, "prospectus", file("bad.pdf", b"MZ"))
    yes = author.find('dialog[open] [value="yes"]')
    if author.find('[data-field="prospectus"] [data-file]').count():
        yes.click()
    failed = author.find('[data-field="prospectus"] .upload__line[data-state="failed"]')
    expect(failed.locator("[data-cancel]")).to_contain_text(say("upload.clear", "kk"))

    choose(author, "prospectus", file("good.pdf", papers.pdf("good")))
    if author.find('[data-field="prospectus"] [data-file]').count():
        yes.click()

    attached(author, "prospectus", "good.pdf")
    expect(failed).to_have_count(0)


def test_a_refused_file_says_why_at_its_field_and_the_rest_goes_on(author, number):
    author.stage(number, "documents")

    choose(author, "interim_statements", file("bad.pdf", b"MZ"), file("good.xlsx", papers.office("xlsx")))

    attached(author, "interim_statements", "good.xlsx")
    failed = author.find('[data-field="interim_statements"] .upload__line[data-state="failed"]')
    expect(failed).to_have_count(1)
    expect(failed).to_contain_text("bad.pdf")
    expect(failed).to_contain_text(say("file.err.unknown", "kk", types="PDF немесе XLSX"))
    expect(failed.locator("[data-again]")).to_be_hidden()
    failed.locator("[data-cancel]").click()
    expect(failed).to_have_count(0)


def test_a_cut_connection_is_told_and_the_file_is_tried_again(author, number):
    author.stage(number, "documents")
    author.page.route("**/files", lambda route: route.abort())
    choose(author, "tax_certificate", file("tax.pdf", papers.pdf("tax")))
    line = author.find('[data-field="tax_certificate"] .upload__line')
    expect(line).to_contain_text(say("file.err.network", "kk"))
    author.page.unroute("**/files")

    line.locator("[data-again]").click()

    attached(author, "tax_certificate", "tax.pdf")
    author.complaints.clear()  # the browser's own word on the cut connection


def test_saving_waits_for_a_file_on_its_way(author, number):
    author.stage(number, "documents")

    def late(route) -> None:
        author.page.wait_for_timeout(500)
        route.continue_()

    author.page.route("**/files", late)
    choose(author, "registrar_contract", file("slow.pdf", papers.pdf("slow")))
    author.press("act.save", "form[data-stage]")

    attached(author, "registrar_contract", "slow.pdf")


def test_the_checklist_takes_files_and_tells_what_is_still_missing(author, number):
    author.go(f"/applications/{number}/documents")
    paper = author.find('[data-place="documents.board_decision"]')
    missing = author.find('.gaps a[href$="documents.board_decision"]')
    expect(missing).to_have_count(1)

    paper.locator("input[type=file]").set_input_files(file("decision.pdf", papers.pdf("d")))  # type: ignore[arg-type]

    expect(paper.locator("[data-file] a")).to_have_text(["decision.pdf"])
    expect(missing).to_have_count(0)
