"""Files given in a form: looked into, kept by hash, never trusted by their name."""

from __future__ import annotations

import hashlib
import io

import papers
import pytest
from factories import new_application, refetched, values, var_files
from papers import office, zipped
from sqlalchemy import func, select
from test_creating import address

from app import catalogue, db
from app.applications.models import Attachment
from app.errors import NotFound
from app.files.names import safe_name
from app.storage import Damaged, Storage
from app.terms import say
from app.terms.sizes import size_said

PDF = papers.pdf()


@pytest.fixture
def stage(browser, house):
    """The issuer's browser at the stage of documents of a new application."""
    application = new_application()
    return browser("issuer"), application, address(application, "stages", "documents")


def give(stage, field: str, name: str, content: bytes, press: str = "save"):
    """Upload one file."""
    someone, _, path = stage
    return someone.send(someone.get(path), path, press=press, **{field: (name, content)})


@pytest.mark.parametrize(
    ("field", "name", "content"),
    [
        ("charter", "жарғы.pdf", PDF),
        ("charter", "Ұлы Ә Ғ Қ Ң Ө Ү Һ І.pdf", PDF),
        ("charter", "a b;c'd,e%20f&g.pdf", PDF),
        ("charter", "../../../../etc/passwd.pdf", PDF),
        ("charter", "..\\..\\windows\\system32.pdf", PDF),
        ("charter", "/etc/shadow.pdf", PDF),
        ("charter", "<img src=x onerror=alert(1)>.pdf", PDF),
        ("charter", "CON.pdf", PDF),
        ("charter", "x" * 400 + ".pdf", PDF),
        ("charter", "\u202egpj.pdf", PDF),
        ("financial_statements", "есеп.xlsx", office("xlsx")),
    ],
)
def test_a_good_file_comes_back_byte_for_byte_whatever_its_name(stage, house, field, name, content):
    someone, application, path = stage

    answer = give(stage, field, name, content)

    assert answer.status == 303
    file = values(refetched(application), "documents")[field][0]
    assert file["sha256"] == hashlib.sha256(content).hexdigest()
    assert not set('/\\<>"\r\n\x00') & set(file["name"])
    assert len(file["name"]) <= 200
    given = someone.get(address(application, "attachments", str(file["id"])))
    assert given.content == content
    assert given.headers["Content-Disposition"].startswith("attachment")
    assert given.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in given.headers["Content-Security-Policy"]
    page = someone.get(path)
    assert "<img src=x" not in page.text
    assert "Set-Cookie" not in str(given.headers.get("Set-Cookie", ""))


@pytest.mark.parametrize(
    ("field", "name", "content"),
    [
        ("charter", "empty.pdf", b""),
        ("charter", "text.pdf", b"This is text."),
        ("charter", "page.html", b"<script>alert(1)</script>"),
        ("charter", "page.pdf", b"<html><script>alert(1)</script>"),
        ("charter", "image.svg", b"<svg onload='alert(1)'/>"),
        ("charter", "charter.exe", PDF),
        ("charter", "charter", PDF),
        ("charter", ".pdf", PDF),
        ("charter", "charter.pdf.exe", PDF),
        ("charter", "charter.docx", office("docx")),  # a good file that this field does not accept
        ("charter", "program.pdf", b"MZ\x90\x00"),
        ("charter", "charter.pdf", office("xlsx")),
        ("financial_statements", "report.xlsx", b"PK\x03\x04 broken"),
        ("financial_statements", "report.xlsx", zipped({"a.txt": b"no office file"})),
        ("financial_statements", "report.xlsx", office("docx")),
    ],
)
def test_a_file_that_will_not_do_is_refused_at_its_field_and_nothing_is_stored(stage, house, field, name, content):
    _, application, _ = stage
    before = db.session.scalar(select(func.count(Attachment.id)))
    kept = var_files(house.config)

    refused = give(stage, field, name, content)

    assert refused.status == 422
    assert refused.error(field)
    assert db.session.scalar(select(func.count(Attachment.id))) == before
    assert "documents" not in {row.stage for row in refetched(application).stages}
    assert {file for file in var_files(house.config) - kept if "files" in file.parts} == set()


def test_a_file_larger_than_allowed_is_refused_with_the_limit(stage):
    field = catalogue.present().forms.get("documents").field("charter")

    refused = give(stage, "charter", "big.pdf", PDF + bytes(field.max_size_mb * 1024 * 1024))

    assert refused.status == 422
    words = say("err.file_size", "kk", max=size_said(field.max_size_mb * 1024 * 1024))
    assert refused.error("charter") == " ".join(words.split())


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("ok\r\nSet-Cookie: a=b.pdf", "okSet-Cookie_ a=b.pdf"),
        ('a"b.pdf', "a_b.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\жарғы.pdf", "жарғы.pdf"),
        ("...", "file"),
        ("", "file"),
        ("\u202egpj.exe", "gpj.exe"),
        ("й.pdf", "й.pdf"),
        (" a . ", "a"),
        ("a\x00b.pdf", "ab.pdf"),
    ],
)
def test_a_file_keeps_the_harmless_part_of_its_name(name, kept):
    assert safe_name(name) == kept


def test_a_request_larger_than_the_house_takes_is_refused_with_a_page(stage, house):
    house.app.config["MAX_CONTENT_LENGTH"] = 1024 * 1024
    try:
        refused = give(stage, "charter", "big.pdf", PDF + bytes(2 * 1024 * 1024))
    finally:
        house.app.config["MAX_CONTENT_LENGTH"] = 64 * 1024 * 1024

    assert refused.status == 413
    assert say("err.too_large", "kk") in refused.main


def test_too_many_files_in_a_field_are_refused_and_none_is_kept(stage, house):
    someone, application, path = stage
    page = someone.get(path)
    files = [(io.BytesIO(PDF), f"{number}.pdf") for number in range(6)]

    refused = someone.open("POST", path, data={**page.form(path), "save": "yes", "charter": files})

    assert refused.status == 422
    assert refused.error("charter") == say("field.err.files", "kk", most=5)
    assert queries_empty(application)


def queries_empty(application) -> bool:
    """Tell whether nothing was stored of the stage."""
    return values(refetched(application), "documents") == {}


def test_several_files_and_taking_one_out(stage):
    someone, application, path = stage
    for number in range(3):
        assert give(stage, "charter", f"{number}.pdf", papers.pdf(f"belgi {number}")).status == 303
    first = values(refetched(application), "documents")["charter"][0]

    removed = someone.send(someone.get(path), path, press="save", **{f"remove-{first['id']}": "yes"})

    assert removed.status == 303
    assert [file["name"] for file in values(refetched(application), "documents")["charter"]] == ["1.pdf", "2.pdf"]
    assert db.session.get(Attachment, first["id"]).removed_at is not None
    assert someone.get(address(application, "attachments", str(first["id"]))).status == 200  # for the history


def test_a_second_file_of_a_field_for_one_is_announced_replaces_the_first_and_is_called_so(stage):
    someone, application, path = stage
    empty = someone.get(path)
    assert give(stage, "prospectus", "one.pdf", papers.pdf("бір")).status == 303
    first = values(refetched(application), "documents")["prospectus"][0]
    page = someone.get(path)
    announced = say("upload.replaces", "kk", name="one.pdf")

    again = someone.follow(give(stage, "prospectus", "two.pdf", papers.pdf("екі")))

    assert (announced in empty.main, announced in page.main) == (False, True)
    assert say("upload.replaced_by", "kk", old="one.pdf", new="two.pdf") in again.main
    [kept] = values(refetched(application), "documents")["prospectus"]
    assert kept["name"] == "two.pdf"
    assert db.session.get(Attachment, kept["id"]).replaces_id == first["id"]
    assert someone.get(address(application, "attachments", str(first["id"]))).status == 200  # for the history


@pytest.mark.parametrize(
    ("field", "name", "content", "told"),
    [
        ("charter", "a.pdf", b"MZ", "PDF түрінде"),
        ("interim_statements", "a.xlsx", b"MZ", "PDF немесе XLSX түрінде"),
        ("charter", "a.pdf", office("docx"), "PDF түрінде"),
        ("other_documents", "a.pdf", b"\x7fELF", "PDF, DOCX, XLSX, JPG немесе PNG түрінде"),
    ],
)
def test_a_false_file_is_refused_with_the_kinds_that_the_field_itself_takes(stage, field, name, content, told):
    said = give(stage, field, name, content).error(field)

    assert f" {told} сақтап" in said.replace("Оны ", " ").replace("Файлды ", " ").replace("  ", " ")


def test_files_of_another_application_cannot_be_taken_out(stage, house):
    someone, application, path = stage
    foreign = db.session.scalars(select(Attachment).where(Attachment.application_id != application.id)).first()
    ident = foreign.id

    someone.send(someone.get(path), path, press="save", **{f"remove-{ident}": "yes"})

    assert db.session.get(Attachment, ident).removed_at is None


def test_a_bomb_is_refused(stage):
    bomb = office("xlsx", more={"xl/bomb": bytes(50 * 1024 * 1024)})

    refused = give(stage, "financial_statements", "bomb.xlsx", bomb)

    assert refused.status == 422
    assert refused.error("financial_statements") == say("file.err.bomb", "kk")


def test_many_names_in_an_archive_do_not_stop_the_house(stage):
    crowd = zipped({f"{number}": b"" for number in range(20_000)})

    assert give(stage, "financial_statements", "crowd.xlsx", crowd).status == 422


@pytest.mark.parametrize("field", ["nosuch", "charter-1", "remove-1", "csrf_token", "__proto__"])
def test_a_file_for_no_field_is_left_alone(stage, field):
    someone, application, path = stage
    page = someone.get(path)

    answer = someone.open("POST", path, data={**page.form(path), "save": "yes", field: (io.BytesIO(PDF), "x.pdf")})

    assert answer.status in (303, 400)
    assert not [row for row in db.session.scalars(select(Attachment)) if row.application_id == application.id]


def test_done_needs_the_files_that_are_required(stage):
    someone, _, path = stage

    refused = someone.send(someone.get(path), path, press="done")

    assert refused.status == 422
    for field in ("charter", "board_decision", "prospectus", "financial_statements"):
        assert refused.error(field)


# The store


def test_a_stored_file_is_kept_once_and_given_back(tmp_path):
    storage = Storage(tmp_path)

    first, second = storage.put(PDF), storage.put(PDF)

    assert first == second == hashlib.sha256(PDF).hexdigest()
    assert storage.get(first) == PDF
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_a_damaged_file_is_never_given_out(tmp_path):
    storage = Storage(tmp_path)
    name = storage.put(PDF)
    next(path for path in tmp_path.rglob(name)).write_bytes(PDF[:-1] + b"!")

    with pytest.raises(Damaged):
        storage.get(name)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "0" * 63, "g" * 64, "0" * 64, "0" * 64 + "/.."])
def test_nothing_but_a_hash_names_a_file(tmp_path, name):
    with pytest.raises(NotFound):
        Storage(tmp_path / "files").get(name)


def test_a_damaged_document_is_an_error_page_and_not_its_bytes(browser, house):
    from factories import application_at

    from app.applications.models import Document

    application = application_at("registration", "BRKT")
    row = db.session.scalars(select(Document).where(Document.application_id == application.id)).first()
    path = next((house.config.var / "files").rglob(row.sha256))
    content = path.read_bytes()
    ident, number = row.id, application.number
    path.write_bytes(content[:-2] + b"??")
    try:
        answer = browser("other_issuer").get(f"/applications/{number}/documents/{ident}/file")
    finally:
        path.write_bytes(content)

    assert answer.status == 500
    assert b"%PDF" not in answer.content
