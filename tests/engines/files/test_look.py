"""What a file is by its content: good ones are known, broken and harmful ones refused with what would mend them."""

from __future__ import annotations

import io
import random

import papers
import pikepdf
import pytest
from harm import ARCHIVES, GOOD_ZIP, OFFICE_FILES, PDFS, PICTURES, SETTINGS, SHEETS, WORDS, link, outward
from pikepdf import Array, Dictionary, Name

from app.files import aside, images
from app.files.findings import MEDIA_TYPES, Refusal
from app.files.look import look
from app.files.names import LONGEST, ending_of, safe_name
from app.terms import LANGUAGES, say


def found(content: bytes) -> str:
    """Return the kind of a file with its notes, or the refusal."""
    try:
        seen = look(io.BytesIO(content))
    except Refusal as refusal:
        for language in LANGUAGES:  # every refusal can be told
            say(refusal.key, language, **refusal.params)
        return refusal.key
    return " ".join((seen.kind, *(note.key for note in seen.notes)))


def image_pdf() -> bytes:
    """Return a scan: a page with a picture and no words."""

    def draw(document):
        picture = document.make_stream(bytes(12))
        picture.update({"/Type": Name.XObject, "/Subtype": Name.Image, "/Width": 2, "/Height": 2})
        picture.update({"/ColorSpace": Name.DeviceRGB, "/BitsPerComponent": 8})
        page = document.pages[0]
        page.Resources = Dictionary(XObject=Dictionary(Im0=picture))
        page.Contents = document.make_stream(b"q 300 0 0 100 0 0 cm /Im0 Do Q")

    return papers.pdf("", edit=draw)


def words_in_form() -> bytes:
    """Return a PDF whose words stand in a form that its page draws, as some programs write them."""

    def draw(document):
        font = document.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))
        form = document.make_stream(b"BT /F1 12 Tf (belgi) Tj ET")
        form.update({"/Type": Name.XObject, "/Subtype": Name.Form, "/BBox": Array([0, 0, 9, 9])})
        form["/Resources"] = Dictionary(Font=Dictionary(F1=font))
        document.pages[0].Resources = Dictionary(XObject=Dictionary(Fm0=form))
        document.pages[0].Contents = document.make_stream(b"/Fm0 Do")

    return papers.pdf("", edit=draw)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (papers.pdf(), "pdf"),
        (papers.pdf(object_stream_mode=pikepdf.ObjectStreamMode.generate), "pdf"),
        (papers.pdf(linearize=True), "pdf"),
        (papers.pdf() + b"\r\n\n ", "pdf"),
        (words_in_form(), "pdf"),
        (papers.pdf(""), "pdf file.note.image_only"),
        (image_pdf(), "pdf file.note.image_only"),
        (papers.office("docx"), "docx"),
        (papers.office("xlsx"), "xlsx"),
        (papers.png(), "png"),
        (papers.jpg(), "jpg"),
        (papers.jpg(tail=bytes(16)), "jpg"),
        (papers.jpg(tail=papers.jpg()), "jpg"),  # a camera's preview behind the picture
        (papers.zipped({"charter.pdf": papers.pdf(), "folder/table.xlsx": papers.office("xlsx")}), "zip"),
        (papers.zipped({"scan.pdf": papers.pdf("")}), "zip file.note.scans_within"),
    ],
)
def test_a_good_file_is_known_by_its_content(content, kind):
    assert found(content) == kind


@pytest.mark.parametrize("name", PDFS)
def test_a_pdf_that_acts_hides_or_is_broken_is_refused(name):
    content, why = PDFS[name]

    assert found(content) == f"file.err.{why}"


def test_a_link_in_a_pdf_is_no_harm():
    assert found(papers.pdf(edit=link)) == "pdf"


@pytest.mark.parametrize("name", OFFICE_FILES)
def test_an_office_file_that_runs_or_fetches_something_is_refused(name):
    content, why = OFFICE_FILES[name]

    assert found(content) == f"file.err.{why}"


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        (outward(WORDS, "hyperlink", "https://kase.kz/"), "docx"),
        (outward(WORDS, "hyperlink", "mailto:listing@kase.kz"), "docx"),
        (outward(SETTINGS, "attachedTemplate", "file:///C:/Users/a/a.dotx"), "docx"),
        ({"word/embeddings/a.xlsx": papers.office("xlsx")}, "docx"),
        (outward(SHEETS, "externalLinkPath", "a.xlsx"), "docx file.note.linked"),
    ],
)  # fmt: skip
def test_ordinary_references_of_an_office_file_are_no_harm(more, kind):
    assert found(papers.office("docx", more=more)) == kind


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_that_lies_hides_or_swells_is_refused(name):
    content, why = ARCHIVES[name]

    assert found(content) == f"file.err.{why}"


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_with_something_behind_it_or_out_of_measure_is_refused(name):
    content, why = PICTURES[name]

    assert found(content) == f"file.err.{why}"


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "content",
    [papers.pdf(), papers.office("docx"), GOOD_ZIP, papers.png(30, 30), papers.jpg()],
    ids=["pdf", "docx", "zip", "png", "jpg"],
)
def test_a_file_broken_by_chance_is_judged_and_never_breaks_the_judge(content, seed):
    chance = random.Random(seed)
    for _ in range(40):
        broken = bytearray(content)
        for _ in range(chance.randint(1, 6)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        if chance.random() < 0.3:
            del broken[chance.randrange(len(broken)) :]
        assert found(bytes(broken)).split()[0] in MEDIA_TYPES or found(bytes(broken)).startswith("file.err.")


# In a process of its own


def test_a_look_aside_says_the_same_and_looks_once(tmp_path, monkeypatch):
    path = tmp_path / "a.pdf"
    path.write_bytes(papers.pdf(""))

    seen = aside.look_aside(path, "one")
    path.unlink()

    assert (seen.kind, [note.key for note in seen.notes]) == ("pdf", ["file.note.image_only"])
    assert aside.look_aside(path, "one") == seen


def test_a_refusal_comes_back_from_aside_with_its_words(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(papers.png(100_000, 100_000))

    with pytest.raises(Refusal) as refused:
        aside.look_aside(path, "large")

    assert refused.value.params == {"width": 100_000, "height": 100_000, "most": images.MOST_PIXELS // 1_000_000}


def test_a_file_that_takes_too_long_to_read_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.pdf"
    path.write_bytes(papers.pdf())
    monkeypatch.setattr(aside, "LONGEST", 0.01)

    with pytest.raises(Refusal, match=r"file\.err\.bomb"):
        aside.look_aside(path, "slow")


def test_the_process_aside_has_no_secrets_and_little_memory(tmp_path, monkeypatch):
    """What it is started with: the names of its environment, and the bounds it sets before it reads."""
    import json
    import resource
    import subprocess
    import sys

    monkeypatch.setenv("SECRET_KEY", "x" * 40)
    monkeypatch.setenv("DATABASE_URL", "postgresql://kupiya@host/db")
    path, told = tmp_path / "a.pdf", {}
    path.write_bytes(papers.pdf())
    real = subprocess.run
    monkeypatch.setattr(aside.subprocess, "run", lambda *args, **given: told.update(given) or real(*args, **given))
    aside.look_aside(path, "bare")
    code = (
        "import json, resource, sys; from app.files import __main__ as m; sys.argv = ['', sys.argv[1]]; m.main();"
        "print(json.dumps([resource.getrlimit(resource.RLIMIT_AS)[0], resource.getrlimit(resource.RLIMIT_CPU)[0],"
        " resource.getrlimit(resource.RLIMIT_FSIZE)[0]]))"
    )
    said = real([sys.executable, "-c", code, str(path)], cwd=aside.ROOT, capture_output=True, check=True).stdout

    assert not {"SECRET_KEY", "DATABASE_URL"} & set(told["env"])
    assert json.loads(said.splitlines()[-1]) == [aside.MEMORY, aside.CPU_SECONDS, 0]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 0


# Names


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("жарғы.pdf", "жарғы.pdf"),
        ("CON.pdf", "_CON.pdf"),
        ("nul", "_nul"),
        ("com1.tar.pdf", "_com1.tar.pdf"),
        ("console.pdf", "console.pdf"),
        ("invoice.exe.pdf", "invoice_exe.pdf"),
        ("a.JS.b.pdf", "a_JS.b.pdf"),
        ("есеп 2025.12.31.pdf", "есеп 2025.12.31.pdf"),
        ("a\u202efdp.exe", "afdp.exe"),
        ("a\u200b\u2066b\u2069.pdf", "ab.pdf"),
        ("a\u00a0\u3000b.pdf", "a b.pdf"),
        ("й.pdf", "й.pdf"),  # one sign for two
        (".pdf", "pdf"),
        ("....pdf", "pdf"),
        ("/.pdf/", "file"),
        ("a.pdf. .", "a.pdf"),
        ("ж" * 400 + ".pdf", "ж" * (LONGEST - 4) + ".pdf"),
        ("a." + "b" * 400, "a." + "b" * 10),
    ],
)
def test_a_name_keeps_what_is_readable_and_harmless(name, kept):
    assert safe_name(name) == kept
    assert safe_name(kept) == kept
    assert len(kept.encode()) <= 255


@pytest.mark.parametrize(
    ("name", "ending"), [("a.PDF", "pdf"), ("a.jpeg", "jpg"), ("a", ""), ("a.pdf.exe", "exe"), ("a.", "")]
)
def test_a_name_claims_what_its_last_ending_says(name, ending):
    assert ending_of(name) == ending
