"""Attacks by upload: every one is refused or harmless, told in the reader's words, and leaves nothing behind."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import papers
import pytest
from browser import signed_in, words
from factories import application_at, new_application, person, refetched, values, var_files
from harm import ARCHIVES, OFFICE_FILES, PDFS, PICTURES
from sqlalchemy import func, select
from test_creating import address

from app import db
from app.applications import filing, queries
from app.applications.models import Answers, Attachment, History
from app.forms.definitions import Field
from app.terms import LANGUAGES, say
from app.web import here

JSON = {"Accept": "application/json"}
PDF = papers.pdf()


def count(*records) -> list[int]:
    """Return how many rows there are."""
    return [db.session.scalar(select(func.count()).select_from(record)) or 0 for record in records]


class Standing:
    """What stands before an attack: rows, stored bytes, temporary files."""

    def __init__(self, house) -> None:
        self.house = house
        self.before = self.now()

    def now(self):
        temporary = {path.name for path in Path(tempfile.gettempdir()).iterdir()}
        kept = {path for path in var_files(self.house.config) if "files" in path.parts}
        return count(Attachment, Answers, History), kept, temporary

    def is_untouched(self) -> bool:
        rows, kept, temporary = self.now()
        return (rows, kept) == self.before[:2] and not temporary - self.before[2]


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path, monkeypatch):
    """Let nobody else's files come and go where temporary ones are counted."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))


@pytest.fixture
def stage(house):
    """An author, the address of the documents of his new application, and what stands."""
    application = new_application()
    db.session.commit()
    someone = signed_in(house, "issuer")
    path = address(application, "stages", "documents")
    someone.get(path)
    return someone, path, Standing(house)


def sent(someone, path, name: str, content: bytes, field: str = "other_documents", **more):
    """Send a file as the page's script does."""
    data = {"field": field, "file": (io.BytesIO(content), name), **more}
    return someone.post(f"{path}/files", data, headers=JSON)


HARMFUL = {
    **{f"a PDF with {name}": ("a.pdf", content) for name, (content, _) in PDFS.items()},
    **{f"a document with {name}": ("a.docx", content) for name, (content, _) in OFFICE_FILES.items()},
    **{f"an archive with {name}": ("a.zip", content) for name, (content, _) in ARCHIVES.items()},
    **{f"a picture, {name}": ("a.png", content) for name, (content, _) in PICTURES.items()},
    "a page": ("a.html", b"<script>alert(document.cookie)</script>"),
    "a page as a PDF": ("a.pdf", b"<html><script>alert(1)</script>"),
    "a drawing with a script": ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
    "a drawing as a picture": ("a.png", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
    "a program": ("a.exe", b"MZ\x90\0"),
    "a program as a PDF": ("a.pdf", b"MZ\x90\0"),
    "a good file as a program": ("a.exe", PDF),
    "two endings": ("a.pdf.exe", PDF),
    "no ending": ("a", PDF),
    "only an ending": (".pdf", PDF),
    "a PDF as a picture": ("a.png", PDF),
    "a picture as a PDF": ("a.pdf", papers.png()),
    "a workbook as a document": ("a.docx", papers.office("xlsx")),
    "an archive where none may be": ("a.zip", papers.zipped({"a.pdf": PDF})),
    "an ending that the line's turn hides": ("a\u202efdp.exe", PDF),
    "an ending after NUL": ("a.pdf\0.exe", PDF),
    "nothing": ("a.pdf", b""),
}


@pytest.mark.parametrize("database", ["sqlite"])  # nothing of it depends on the database
@pytest.mark.parametrize("attack", HARMFUL)
def test_a_harmful_file_is_refused_in_clear_words_and_leaves_nothing_behind(stage, attack):
    someone, path, standing = stage
    name, content = HARMFUL[attack]

    answer = sent(someone, path, name, content)

    assert answer.status == 422, (answer.status, answer.text[:200])
    problems = answer.answer.get_json()["problems"]
    assert problems
    assert all(problem["text"] and "file.err" not in problem["text"] for problem in problems)
    assert standing.is_untouched()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_refusal_speaks_the_readers_language(house, language):
    application = new_application()
    someone = signed_in(house, "issuer", language)
    someone.get(f"/profile?lang={language}")
    path = address(application, "stages", "documents")

    answer = sent(someone, path, "a.pdf", PDFS["JavaScript when opened"][0])

    assert answer.answer.get_json()["problems"] == [
        {"path": "other_documents", "text": say("file.err.active", language)}
    ]


NAMES = (
    "../../../../etc/passwd.pdf",
    "..\\..\\windows\\system32\\a.pdf",
    "/etc/a.pdf",
    "CON.pdf",
    "<img src=x onerror=alert(1)>.pdf",
    "'; DROP TABLE attachment; --.pdf",
    "a%0d%0aSet-Cookie: a=b.pdf",
    "{{ 7 * 7 }}.pdf",
    "%2e%2e%2fa.pdf",
    "ж" * 500 + ".pdf",
    "\u202egpj.pdf",
    "a\u200b\ufeff.pdf",
    "=cmd|'/c calc'!A1.pdf",
    "-rf.pdf",
    "a.php.pdf",
    "💥.pdf",
)


@pytest.mark.parametrize("database", ["sqlite"])  # nothing of it depends on the database
@pytest.mark.parametrize("name", NAMES)
def test_a_good_file_with_a_bad_name_is_kept_under_a_harmless_one_and_only_downloaded(stage, name):
    someone, path, _ = stage

    answer = sent(someone, path, name, PDF)

    assert answer.status == 200, answer.text[:200]
    file = answer.answer.get_json()["files"][0]
    assert len(file["name"].encode()) <= 255
    assert file["name"].endswith(".pdf")
    assert all(sign.isprintable() and sign not in '/\\<>:"|?*' for sign in file["name"])
    assert "<img" not in answer.answer.get_json()["html"]
    given = someone.get(path.replace("stages/documents", f"attachments/{file['id']}"))
    headers = given.headers
    assert given.content == PDF
    assert headers["Content-Type"] == "application/pdf"
    assert headers["Content-Disposition"].startswith('attachment; filename="')
    assert "filename*=UTF-8''" in headers["Content-Disposition"]
    assert headers["Content-Disposition"].isascii()
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "private, no-store"
    assert "sandbox" in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "Set-Cookie: a=b" not in str(headers)
    assert "<img src=x" not in someone.get(path).text


# Who may, and where


def test_to_the_stranger_there_is_no_place_to_upload_to_and_nothing_is_looked_into(stage, house, monkeypatch):
    _, path, standing = stage
    looked = []
    monkeypatch.setattr("app.applications.attachments.look_aside", lambda *given: looked.append(given))
    for key in ("other_issuer", "clerk", "lone_adviser", "chancery", "compliance", "admin"):
        someone = signed_in(house, key)

        assert sent(someone, path, "a.pdf", PDF).status == 404, key
    nobody = signed_in(house)
    assert sent(nobody, path, "a.pdf", PDF).status in (302, 303, 400)
    assert looked == []
    assert standing.is_untouched()


def test_into_another_application_another_stage_or_a_closed_one_nothing_comes(stage, house):
    someone, path, standing = stage
    foreign, closed = application_at("filling", "BRKT"), application_at("registration")

    answers = [
        sent(someone, address(foreign, "stages", "documents"), "a.pdf", PDF),
        sent(someone, path.replace("documents", "nosuch"), "a.pdf", PDF),
        sent(someone, path.replace("documents", "adviser_statement"), "a.pdf", PDF),
        sent(someone, path.replace("documents", "summary"), "a.pdf", PDF),
        sent(someone, address(closed, "stages", "documents"), "a.pdf", PDF),
    ]

    assert [answer.status for answer in answers] == [404, 404, 403, 409, 409]
    assert standing.is_untouched()


def test_a_file_of_another_application_cannot_be_replaced_or_removed(stage):
    someone, path, standing = stage
    foreign = db.session.scalars(select(Attachment)).first()

    replaced = sent(someone, path, "a.pdf", PDF, replaces=str(foreign.id))
    removed = someone.post(f"{path}/files/{foreign.id}/remove", {}, headers=JSON)

    assert (replaced.status, removed.status) == (409, 404)
    assert standing.is_untouched()


def test_rights_taken_away_take_effect_at_the_next_file(house):
    application = application_at("filling")
    filing.assign_colleague(application, person("clerk").id, by=person("issuer"), now=here.now())
    db.session.commit()
    number = application.number
    clerk, path = signed_in(house, "clerk"), address(number, "stages", "documents")
    clerk.get(path)
    assert sent(clerk, path, "a.pdf", PDF).status == 200
    kept = queries.latest(refetched(number), "documents").values["documents"]["other_documents"][0]["id"]

    person("clerk").is_active = False
    db.session.commit()
    standing = Standing(house)

    assert sent(clerk, path, "b.pdf", papers.pdf("b")).status in (401, 404)
    assert clerk.get(address(number, "attachments", str(kept))).status in (302, 303, 404)
    assert standing.is_untouched()


def test_without_the_pages_token_nothing_comes_in(stage):
    someone, path, standing = stage
    someone.token = "forged"  # as another site would send it

    assert sent(someone, path, "a.pdf", PDF).status == 400
    assert standing.is_untouched()


# How much


def test_more_than_a_field_takes_is_refused_without_looking_into_it(stage, monkeypatch):
    someone, path, standing = stage
    monkeypatch.setattr("app.applications.attachments.LARGEST_FILE", 1024 * 1024)

    answer = sent(someone, path, "a.pdf", PDF + bytes(2 * 1024 * 1024))

    assert answer.status == 422
    assert standing.is_untouched()


def test_more_than_the_house_takes_is_refused_by_its_length_alone(stage, house):
    someone, path, standing = stage

    answer = someone.open(
        "POST",
        f"{path}/files",
        data=b"--x\r\n",
        content_type="multipart/form-data; boundary=x",
        headers=JSON,
        environ_overrides={"CONTENT_LENGTH": str(10**12)},
    )

    assert answer.status == 413
    assert standing.is_untouched()


def test_who_has_not_signed_in_sends_no_files_at_all(house):
    nobody, standing = signed_in(house), Standing(house)
    token = nobody.get("/login").one(name="csrf_token").get("value")

    answer = nobody.open(
        "POST", "/login", data={"csrf_token": token, "file": (io.BytesIO(bytes(2 * 1024 * 1024)), "a")}
    )

    assert answer.status == 413
    assert standing.is_untouched()


def test_half_a_request_leaves_nothing_behind(stage):
    someone, path, standing = stage
    body = (
        f'--x\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{someone.token}\r\n'
        '--x\r\nContent-Disposition: form-data; name="field"\r\n\r\ncharter\r\n'
        '--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n'
    ).encode() + PDF[:200]

    answer = someone.open(
        "POST", f"{path}/files", data=body, content_type="multipart/form-data; boundary=x", headers=JSON
    )

    assert answer.status >= 400
    assert standing.is_untouched()


def test_a_crowd_of_files_in_one_request_is_refused_whole(stage):
    someone, path, standing = stage
    files = [(io.BytesIO(PDF), f"{number}.pdf") for number in range(21)]

    answer = someone.post(f"{path}/files", {"field": "other_documents", "file": files}, headers=JSON)

    assert answer.status == 422
    assert answer.answer.get_json()["problems"][0]["text"] == say("field.err.files", "kk", most=20)
    assert standing.is_untouched()


def test_a_good_file_that_came_with_a_refused_done_is_kept_with_what_was_typed(house):
    """A browser would not send it again by itself."""
    application = new_application()
    db.session.commit()
    someone = signed_in(house, "issuer")
    path = address(application, "stages", "documents")
    page = someone.get(path)

    refused = someone.send(page, path, press="done", charter=("a.pdf", PDF))

    assert refused.status == 422
    assert "a.pdf" in words(refused.one(data_field="charter"))
    (file,) = values(refetched(application), "documents")["charter"]
    assert someone.get(address(application, "attachments", str(file["id"]))).content == PDF


def test_of_a_refused_file_no_byte_is_left_and_what_was_typed_beside_it_is_kept(house):
    application = new_application()
    db.session.commit()
    someone = signed_in(house, "issuer")
    path = address(application, "stages", "documents")
    page, standing = someone.get(path), Standing(house)

    refused = someone.send(page, path, press="save", charter=("a.pdf", b"MZ no pdf at all"))

    assert refused.status == 422
    assert refused.error("charter")
    assert refused.all(data_key="answers.files_again")
    assert standing.is_untouched()


def test_every_kind_that_a_shipped_form_accepts_can_be_looked_into():
    from app import catalogue
    from app.files.findings import MEDIA_TYPES

    def files(fields) -> list[Field]:
        return [item for one in fields for item in (files(one.fields) if one.fields else [one]) if item.type == "file"]

    for form in catalogue.present().forms.all():
        for item in files(getattr(form, "fields", ())):
            assert set(item.accept) <= {*MEDIA_TYPES, "jpeg"}, (form.name, item.key)
