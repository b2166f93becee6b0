"""Documents on paper: what they say, in three languages, and what they never open."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pikepdf
import pytest
import segno
from jinja2 import Environment, FileSystemLoader

from app import pdf
from app.applications.sheets import RowsView
from app.applications.summary import Drawing, SheetView, StageView, dynamic_sheets, form_sheet
from app.forms.definitions import DynamicForm, FormLibrary
from app.forms.definitions import load as load_forms
from app.forms.outline import leaves
from app.terms import LANGUAGES, say
from app.web.templating import date_text, date_time_text
from app.workflows.definitions import load as load_procedures
from tests.engines.forms.random_forms import Chance

ROOT = Path(__file__).resolve().parents[2]
KAZAKH = "ӘәҒғҚқҢңӨөҰұҮүҺһІі"
SIGNS = "№₸«»"
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
NAMES = {
    "kk": "«Көктерек Энерго» акционерлік қоғамы",
    "ru": "Акционерное общество «Коктерек Энерго»",
    "en": "Kokterek Energo Joint Stock Company",
}
APPLICATION = SimpleNamespace(
    number="LP-2026-000123",
    created_at=datetime(2026, 10, 5, 6, 30, tzinfo=UTC),
    organisation=SimpleNamespace(bin="091240999993", names=NAMES),
    registration_number="T-2026/417",
    registered_at=datetime(2026, 10, 9, 5, 0, tzinfo=UTC),
)
SIGNATURE = SimpleNamespace(
    signer_name="ӘБДІРАХМАНОВ ҚАЙРАТ СЕРІКҰЛЫ",
    signer_iin="750314399993",
    signer_bin="091240999993",
    at=datetime(2026, 10, 6, 9, 15, tzinfo=UTC),
    certificate_serial="6f3a91c27d5be04418aa7c9c0f25d11e82b74a10",
    valid_from=datetime(2026, 3, 1, tzinfo=UTC),
    valid_to=datetime(2027, 3, 1, tzinfo=UTC),
    report={"signers": [{"organisation": "АО «КОКТЕРЕК ЭНЕРГО»", "issuer": "ҰЛТТЫҚ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ"}]},
)


@pytest.fixture(scope="module")
def forms() -> FormLibrary:
    library, faults = load_forms(ROOT / "forms", ROOT)
    assert faults == []
    return library


@pytest.fixture(scope="module")
def procedure() -> Any:
    library, faults = load_procedures(ROOT / "workflows", ROOT)
    assert faults == []
    return library.get("share_listing")


@pytest.fixture(scope="module")
def paper() -> Environment:
    """The templates alone: without Flask there is no ``url_for``, so a page that names an address fails."""
    return Environment(
        loader=FileSystemLoader(ROOT / "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )


def filled(forms: FormLibrary, procedure: Any, language: str) -> list[StageView]:
    """Draw every stage that is filled in, with the examples of the shipped forms."""
    drawing = Drawing(language)
    views = []
    for key, stage in procedure.stages.items():
        if stage.kind != "fill":
            continue
        sheets: list[SheetView] = []
        for name in stage.forms:
            form = forms.get(name)
            if isinstance(form, DynamicForm):
                sheets += dynamic_sheets(form, form.example(), drawing, stage=key)
            else:
                sheets.append(form_sheet(form, with_files(form.example()), drawing, stage=key))
        views.append(StageView(key, stage.title[language], "st.filled", sheets))
    return views


def with_files(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: [{"id": 1, "name": f"{key}.pdf", "size": 345_678, "sha256": SHA256}] if isinstance(value, list) else value
        for key, value in values.items()
    }


def words(language: str) -> dict[str, Any]:
    return {
        "say": lambda key, **params: say(key, language, **params),
        "language": language,
        "languages": LANGUAGES,
        "date": date_text,
        "date_time": date_time_text,
        "application": APPLICATION,
        "company": NAMES[language],
    }


def application_page(paper: Environment, procedure: Any, stages: list[StageView], language: str, **given: Any) -> str:
    context = {
        **words(language),
        "procedure": procedure,
        "stages": stages,
        "version": 2,
        "signatures": [],
        "document": "",
        "qr": "",
        "demo_data": True,
        **given,
    }
    return paper.get_template("pdf/application.html").render(context)


def signed_page(paper: Environment, procedure: Any, stages: list[StageView], language: str) -> str:
    qr = str(segno.make(f"{APPLICATION.number}\n{SHA256}", error="m", micro=False).svg_data_uri(scale=3, border=2))
    return application_page(paper, procedure, stages, language, signatures=[SIGNATURE], document=SHA256, qr=qr)


def letter_page(paper: Environment, forms: FormLibrary, procedure: Any, language: str) -> str:
    drawing = Drawing(language)
    sheets = [form_sheet(forms.get(key), forms.get(key).example(), drawing, stage=key) for key in ("decision",)]
    letter = forms.get("letter").example()
    return paper.get_template("pdf/letter.html").render(
        **words(language)
        | {"tongues": ("kk", "ru"), "say_in": say, "words": letter, "rows": [letter["text"]], "kind": "letter"},
        procedure=procedure,
        results=sheets,
        number="417-X",
        at=datetime(2026, 11, 19, 5, 0, tzinfo=UTC),
    )


@pytest.fixture(scope="module")
def signed(paper: Environment, forms: FormLibrary, procedure: Any) -> bytes:
    return pdf.render(signed_page(paper, procedure, filled(forms, procedure, "kk"), "kk"))


def text_of(content: bytes, *, page: int | None = None) -> str:
    """Return the words of a PDF in the order in which they were written into it."""
    pages = ["-f", str(page), "-l", str(page)] if page else []
    done = subprocess.run(["pdftotext", "-raw", *pages, "-", "-"], input=content, capture_output=True, check=True)
    return done.stdout.decode("utf-8")


def dense(text: str) -> str:
    """Drop what depends on where a line happens to be broken."""
    return re.sub(r"\s+", "", text)


def pages_of(content: bytes) -> int:
    with pikepdf.open(io.BytesIO(content)) as document:
        return len(document.pages)


# What a document says


@pytest.mark.req("IS2IN-18.a")
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_stage_sheet_and_answer_stands_in_the_document(language, paper, forms, procedure):
    stages = filled(forms, procedure, language)

    said = dense(text_of(pdf.render(application_page(paper, procedure, stages, language))))

    assert len(stages) >= 5
    for stage in stages:
        assert dense(stage.title) in said
        for sheet in stage.sheets:
            assert dense(sheet.title) in said
            assert dense(sheet.criteria) in said
            for section in sheet.sections:
                assert dense(section.title) in said
                for field in section.fields:
                    assert dense(field.label) in said
                    for answer in field.words.values() if field.kind == "multilingual" else [field.text]:
                        assert dense(answer or say("msg.no_data", language)) in said


def test_a_file_is_told_with_its_size_and_whole_checksum(paper, forms, procedure):
    said = dense(text_of(pdf.render(application_page(paper, procedure, filled(forms, procedure, "ru"), "ru"))))

    assert "charter.pdf338КБ" in said
    assert SHA256 in said


def test_an_empty_field_and_a_missing_file_are_said_to_be_so(paper, forms, procedure):
    sheets = [form_sheet(forms.get(key), {}, Drawing("kk"), stage="x") for key in ("issuer", "documents")]
    stages = [StageView("x", "Кезең", "st.filling", sheets)]

    said = text_of(pdf.render(application_page(paper, procedure, stages, "kk", version=None)))

    assert said.count(say("msg.no_data", "kk")) == len(forms.get("issuer").fields)
    assert said.count(say("st.missing", "kk")) == len(forms.get("documents").fields)
    assert say("st.filling", "kk") in said
    assert f"{say('obj.version', 'kk')}: {say('st.draft', 'kk')}" in said


def test_a_skipped_stage_is_named_without_its_empty_forms(paper, forms, procedure):
    sheet = form_sheet(forms.get("adviser_statement"), {}, Drawing("kk"), stage="adviser_statement")
    stages = [StageView("adviser_statement", "Кезең", "st.skipped", [sheet])]

    said = text_of(pdf.render(application_page(paper, procedure, stages, "kk")))

    assert say("st.skipped", "kk") in said
    assert say("msg.no_data", "kk") not in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_bears_the_number_the_language_and_its_place(language, paper, forms, procedure):
    content = pdf.render(application_page(paper, procedure, filled(forms, procedure, language), language))

    total = pages_of(content)
    assert total > 2
    for page in range(1, total + 1):
        said = text_of(content, page=page)
        assert say("msg.page_of", language, page=page, total=total) in said
        assert APPLICATION.number in said
        assert say(f"look.language.{language}", language) in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_title_block_names_the_exchange_and_the_applicant(language, paper, procedure):
    said = text_of(pdf.render(application_page(paper, procedure, [], language)))

    for part in (say("app.exchange", language), NAMES[language], "091240999993", "05.10.2026", APPLICATION.number):
        assert part in said
    assert dense(say("paper.demo_note", language)) in dense(said)


@pytest.mark.req("IS2IN-22.b")
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_signed_copy_shows_who_signed_with_what_and_when(language, paper, procedure):
    said = dense(text_of(pdf.render(signed_page(paper, procedure, [], language))))

    for part in (
        say("sig.signed_by_key", language),
        SIGNATURE.signer_name,
        SIGNATURE.signer_iin,
        SIGNATURE.signer_bin,
        "АО «КОКТЕРЕК ЭНЕРГО»",
        "06.10.2026 14:15",
        SIGNATURE.certificate_serial,
        "01.03.2026 – 01.03.2027",
        SHA256,
        say("paper.qr_holds", language),
    ):
        assert dense(part) in said


def test_a_document_that_is_not_signed_shows_no_signature(paper, procedure):
    said = text_of(pdf.render(application_page(paper, procedure, [], "kk")))

    assert say("sig.signed_by_key", "kk") not in said
    assert say("sig.eds_full", "kk") not in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_letter_says_the_result_in_kazakh_and_russian_side_by_side(language, paper, forms, procedure):
    content = pdf.render(letter_page(paper, forms, procedure, language))

    said = dense(text_of(content))
    letter = forms.get("letter").example()
    for code in ("kk", "ru"):
        assert dense(letter["subject"][code]) in said
        assert dense(letter["text"][code]) in said
        assert dense(say("letter.paper.exchange", code)) in said
        assert dense(NAMES[code]) in said
    assert said.index(dense(letter["subject"]["kk"])) < said.index(dense(letter["subject"]["ru"]))
    for part in (
        say("paper.outgoing", language, number="417-X"),
        "19.11.2026",
        forms.get("decision").field("outcome").options["include"][language],
    ):
        assert dense(part) in said
    for page in range(1, pages_of(content) + 1):
        assert say("msg.page_of", language, page=page, total=pages_of(content)) in text_of(content, page=page)


# How it is set


@pytest.mark.parametrize("weight", [400, 500, 600, 700])
def test_every_kazakh_letter_comes_out_in_every_weight(weight):
    page = f"<html lang=kk><title>Ә</title><body><p style='font-weight:{weight}'>{KAZAKH} {SIGNS}</p></body></html>"

    content = pdf.render(page)

    assert f"{KAZAKH} {SIGNS}" in text_of(content)


def test_every_face_travels_with_the_document(signed):
    with pikepdf.open(io.BytesIO(signed)) as document:
        fonts = [font for page in document.pages for font in page.Resources.get("/Font", {}).values()]

        assert fonts
        for font in fonts:
            assert "/FontFile2" in font.DescendantFonts[0].FontDescriptor
        if list(pdf.FONTS.glob("*.ttf")):
            names = {str(font.BaseFont) for font in fonts}
            assert {name for name in names if "Paper" not in name and "Mono" not in name} == set()


def test_a_long_answer_goes_over_pages_and_loses_no_word(paper, forms, procedure):
    sheet = form_sheet(forms.get("listing_application"), {}, Drawing("kk"), stage="x")
    section = sheet.sections[0]
    answer = " ".join(f"сөз{number}." for number in range(1500))
    fields = [replace(section.fields[0], text=answer, kind="long_text"), *section.fields[1:]]
    stages = [StageView("x", "Кезең", "st.filled", [replace(sheet, sections=[replace(section, items=fields)])])]

    content = pdf.render(application_page(paper, procedure, stages, "kk"))

    said = text_of(content)
    assert pages_of(content) > 1
    assert re.findall(r"сөз\d+\.", said) == answer.split()


@pytest.mark.parametrize("height", [120, 126, 132, 138, 144, 150])
def test_no_heading_is_left_alone_at_the_foot_of_a_page(height, paper, forms, procedure):
    sheet = form_sheet(forms.get("issuer"), {}, Drawing("en"), stage="x")
    page = application_page(paper, procedure, [StageView("x", "The stage", "st.filled", [sheet])], "en")
    page = page.replace("</header>", f"</header><div style='height:{height}mm'></div>", 1)

    content = pdf.render(page)

    titles = {"1. The stage", sheet.title, *(section.title for section in sheet.sections)}
    for number in range(1, pages_of(content) + 1):
        body = [line for line in text_of(content, page=number).splitlines() if not re.search(r"LP-2026|Page:", line)]
        assert body[-1] not in titles


@pytest.mark.parametrize("height", [18, 45])
def test_no_title_of_a_group_is_left_without_its_first_row(height, paper, forms, procedure):
    form = forms.get("issuer_ownership")
    sheet = form_sheet(form, with_files(form.example()), Drawing("en"), stage="x")
    page = application_page(paper, procedure, [StageView("x", "The stage", "st.filled", [sheet])], "en")
    page = page.replace("</header>", f"</header><div style='height:{height}mm'></div>", 1)

    content = pdf.render(page)

    groups = list(groups_of(item for section in sheet.sections for item in section.items))
    assert len(groups) > 2
    for number in range(1, pages_of(content) + 1):
        body = [line for line in text_of(content, page=number).splitlines() if not re.search(r"LP-2026|Page:", line)]
        said = dense("".join(body))
        for group in groups:
            head = (
                dense(say("form.row_number", "en") + "".join(column.label for column in group.columns))
                if group.columns
                else ""
            )
            assert not said.endswith((dense(group.label), dense(group.label) + head))


def groups_of(items):
    """Yield every group that is drawn, those inside rows too."""
    for item in items:
        if isinstance(item, RowsView):
            yield item
            yield from groups_of(inner for row in item.rows for inner in row.items)


def test_the_document_is_tagged_and_tells_its_language_and_title(signed):
    with pikepdf.open(io.BytesIO(signed)) as document:
        assert document.Root.Lang == "kk"
        assert document.Root.MarkInfo.Marked is True
        assert document.Root.ViewerPreferences.DisplayDocTitle is True
        assert str(document.docinfo["/Title"]).startswith(
            say("paper.application_number", "kk", number="LP-2026-000123")
        )
        with document.open_metadata() as metadata:
            assert metadata["pdfuaid:part"] == "1"
        elements = list(structure(document.Root.StructTreeRoot))

    kinds = {str(element.S) for element in elements}
    assert {"/Document", "/H1", "/H2", "/H3", "/Table", "/TH", "/TD", "/Figure"} <= kinds


def test_every_answer_is_tied_to_its_header_and_every_picture_told_in_words(signed):
    with pikepdf.open(io.BytesIO(signed)) as document:
        elements = list(structure(document.Root.StructTreeRoot))
        headers = {str(element.ID) for element in elements if element.S == "/TH"}
        named = [[str(one) for one in element.A.Headers] for element in elements if element.S == "/TD"]
        pictures = [str(element.Alt) for element in elements if element.S == "/Figure"]

    assert len(named) > 50
    assert [names for names in named if not names or not headers.issuperset(names)] == []
    assert pictures == [say("paper.qr_holds", "kk")]


def test_the_outline_leads_to_every_stage(signed, forms, procedure):
    with pikepdf.open(io.BytesIO(signed)) as document, document.open_outline() as outline:
        (top,) = outline.root
        titles = [item.title for item in top.children]

    stages = [f"{number}. {stage.title}" for number, stage in enumerate(filled(forms, procedure, "kk"), start=1)]
    assert titles == [*stages, say("sig.eds_full", "kk")]


def structure(node: pikepdf.Object) -> Iterator[pikepdf.Object]:
    """Yield every element of a structure tree."""
    if isinstance(node, pikepdf.Dictionary):
        if "/S" in node:
            yield node
        kids = node.get("/K")
        for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
            yield from structure(kid)


# The same page, the same bytes


def test_the_same_page_gives_the_same_bytes_in_another_process_on_another_day(tmp_path, paper, forms, procedure):
    page = letter_page(paper, forms, procedure, "kk")
    kept = tmp_path / "page.html"
    kept.write_text(page, encoding="utf-8")
    script = "import sys; from app import pdf; sys.stdout.buffer.write(pdf.render(open(sys.argv[1]).read()))"
    elsewhere = {**os.environ, "SOURCE_DATE_EPOCH": "1", "TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "7"}

    here = pdf.render(page)
    there = subprocess.run(
        [sys.executable, "-c", script, str(kept)], cwd=ROOT, env=elsewhere, capture_output=True, check=True
    ).stdout

    assert here == there
    assert here == pdf.render(page)


# What is never opened

MARK = "kept-secret-5b1f"


@pytest.fixture(scope="module")
def listener() -> Iterator[tuple[str, list[str]]]:
    """A server that must not be asked anything, and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(404)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="20" height="20">'
ENTITY = f'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "{{url}}">]>{SVG}<text y="9">&x;</text></svg>'
PLACES = {
    "an image": '<img alt="" src="{url}">',
    "an image of many sizes": '<img alt="" srcset="{url} 1x" src="{url}">',
    "an embedded thing": '<embed src="{url}">',
    "an object": '<object data="{url}"></object>',
    "a frame": '<iframe src="{url}"></iframe>',
    "a style sheet": '<link rel="stylesheet" href="{url}">',
    "an imported style sheet": "<style>@import url({url});</style>",
    "a face": "<style>@font-face {{ font-family: X; src: url({url}) }} p {{ font-family: X }}</style>",
    "a background": '<p style="background: url({url})">x</p>',
    "a list mark": '<ul style="list-style-image: url({url})"><li>x</li></ul>',
    "content": "<style>p::before {{ content: url({url}) }}</style><p>x</p>",
    "a page": "<style>@page {{ background: url({url}) }}</style>",
    "an attachment": '<link rel="attachment" href="{url}">',
    "an attachment in the words": '<p><a rel="attachment" href="{url}">x</a></p>',
    "a base": '<base href="{url}"><img alt="" src="beside.png">',
    "an image in a drawing": SVG + '<image href="{url}" width="9" height="9"/></svg>',
    "a part of another drawing": SVG + '<use xlink:href="{url}#a"/></svg>',
    "the style of a drawing": SVG + "<style>@import url({url});</style></svg>",
}
INSIDE = {
    "an image in a drawing given by value": SVG + '<image xlink:href="{url}" width="9" height="9"/></svg>',
    "a part of another drawing, by value": SVG + '<use href="{url}#a"/></svg>',
    "an entity of a drawing": ENTITY,
}


def tries(url: str) -> Iterator[Any]:
    for name, markup in PLACES.items():
        yield name, markup.format(url=url)
    for name, drawing in INSIDE.items():
        data = b64encode(drawing.format(url=url).encode()).decode()
        yield name, f'<img alt="" src="data:image/svg+xml;base64,{data}">'


@pytest.mark.parametrize("name", [*PLACES, *INSIDE])
def test_nothing_is_fetched_whatever_the_page_names(name, listener, tmp_path):
    server, asked = listener
    secret = tmp_path / "secret.txt"
    secret.write_text(MARK, encoding="utf-8")

    for url in (f"{server}/x", secret.as_uri(), "file:///etc/passwd"):
        made = rendered(dict(tries(url))[name])
        assert MARK not in made
        assert "root:x:" not in made

    assert asked == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/x", "https://127.0.0.1:9/x", "ftp://127.0.0.1:9/x", "FILE:///etc/passwd"]
)
@pytest.mark.parametrize("name", ["an image", "a style sheet", "an imported style sheet", "a background", "a face"])
def test_a_page_that_names_an_address_is_refused_whole(name, url):
    with pytest.raises(pdf.Refused):
        pdf.render(f"<html lang=en><title>x</title><body>{PLACES[name].format(url=url)}<p>x</p></body></html>")


def rendered(markup: str) -> str:
    """Return everything that stands in the PDF of ``markup``, unpacked; nothing where it is refused."""
    try:
        content = pdf.render(f"<html lang=en><head><title>x</title></head><body>{markup}<p>x</p></body></html>")
    except pdf.Refused:
        return ""
    with pikepdf.open(io.BytesIO(content)) as document:
        streams = [one.read_bytes() for one in document.objects if isinstance(one, pikepdf.Stream)]
    return b"".join([content, *streams]).decode("latin-1") + text_of(content)


def test_words_of_an_answer_are_never_markup(paper, forms, procedure):
    answer = '<img src="file:///etc/passwd"><style>@import url(http://127.0.0.1:9/)</style>'
    sheet = form_sheet(forms.get("issuer"), {}, Drawing("kk"), stage="x")
    fields = [replace(sheet.sections[0].fields[0], text=answer, kind="text", label="<b>атауы</b>")]
    stages = [
        StageView("x", "Кезең", "st.filled", [replace(sheet, sections=[replace(sheet.sections[0], items=fields)])])
    ]

    said = dense(text_of(pdf.render(application_page(paper, procedure, stages, "kk"))))

    assert dense(answer) in said
    assert "<b>атауы</b>" in said


def test_the_pages_themselves_name_no_address(paper, forms, procedure):
    page = signed_page(paper, procedure, filled(forms, procedure, "kk"), "kk") + letter_page(
        paper, forms, procedure, "kk"
    )

    assert re.findall(r"(?:href|url\(|src=\"(?!data:))", page) == []


@pytest.mark.parametrize("seed", range(6))
def test_every_answer_of_any_form_stands_on_paper_as_it_is_kept(paper, procedure, seed):
    chance = Chance(seed, stray=False)
    form = chance.form()
    values = form.settled(chance.answers(form.fields))
    stages = [StageView("any", "Кезең", "st.filled", [form_sheet(form, values, Drawing("kk"), stage="any")])]

    told = dense(text_of(pdf.render(application_page(paper, procedure, stages, "kk"))))

    kept = [item.field.text(item.value, "kk") for item in leaves(form.outline(values))]
    assert any(kept)
    assert [words for words in kept if dense(words) not in told] == []
