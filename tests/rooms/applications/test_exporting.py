"""The filled application as XLSX and JSON: complete, harmless, readable again, and of nobody else."""

from __future__ import annotations

import io
import json

import openpyxl
import pytest
from factories import application_at, person, refetched, typed, values
from sqlalchemy import select
from test_creating import address

from app import catalogue, db
from app.applications import answering, exporting, queries
from app.applications.models import Comment
from app.errors import Invalid
from app.forms import interchange


@pytest.fixture
def archived(house):
    """The archived application of the first company, with remarks, letters and the Exchange's own forms."""
    return application_at("archived")


def cells(content: bytes) -> list[object]:
    """Return the values of all cells of a workbook."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    return [cell.value for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]


def test_json_is_read_again_as_the_same_canonical_values(archived, now):
    text = exporting.as_json(archived, now=now)

    loaded = interchange.loaded(text, catalogue.present().forms)

    stages = queries.applicant_stages(archived)
    kept = {stage: row.values for stage, row in queries.answers(archived).items() if stage in stages}
    assert loaded == kept
    assert json.loads(text)["stages"]["issuer"]["issuer"]["version"] == archived.forms["issuer"]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"schema": "kezen.answers.1", "stages": []}', '{"schema": "other", "stages": {}}', "[" * 100_000],
)
def test_what_is_no_export_is_refused(house, text):
    with pytest.raises(Invalid):
        interchange.loaded(text, catalogue.present().forms)


@pytest.mark.parametrize(
    ("field", "value"), [("registration_date", "31.02.2020"), ("bin", 5), ("legal_form", {"x": 1}), ("phone", "8 727")]
)
def test_a_value_that_is_not_canonical_is_refused(archived, now, field, value):
    data = json.loads(exporting.as_json(archived, now=now))
    data["stages"]["issuer"]["issuer"]["values"][field] = value

    with pytest.raises(Invalid):
        interchange.loaded(json.dumps(data), catalogue.present().forms)


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_the_workbook_holds_every_answer_with_labels_in_the_users_language(archived, now, language):
    found = cells(exporting.as_workbook(archived, language, now=now))

    words = {str(value) for value in found}
    issuer = values(archived, "issuer")
    for key in ("bin", "legal_address", "email", "head_name"):
        assert issuer[key] in words
    form = catalogue.present().forms.get("issuer")
    assert form.field("legal_address").label[language] in words
    assert any(
        getattr(value, "isoformat", str)()[:10] == issuer["registration_date"]
        for value in found
        if not isinstance(value, str)
    )


def test_no_answer_becomes_a_formula(house, now):
    application, author = application_at("filling"), person("issuer")
    evil = '=HYPERLINK("http://x.example","?")'
    answering.save(application, "issuer", typed(application, "issuer", website=evil), by=author, done=False, now=now)

    book = openpyxl.load_workbook(io.BytesIO(exporting.as_workbook(application, "ru", now=now)))

    found = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value == evil]
    assert [(cell.data_type, cell.quotePrefix) for cell in found] == [("s", True)]
    assert not [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]


@pytest.mark.parametrize("ending", ["xlsx", "json"])
def test_exports_are_given_to_those_who_may_have_the_pdf_and_hold_no_word_of_the_exchange(archived, browser, ending):
    path = address(archived, f"summary.{ending}")
    db.session.commit()
    for key in ("listing", "compliance", "other_issuer", "auditor"):
        assert browser(key).get(path).status == 404
    answer = browser("issuer").get(path)
    assert answer.status == 200
    assert answer.headers["Content-Disposition"].startswith("attachment")

    text = " ".join(map(str, cells(answer.content))) if ending == "xlsx" else answer.text
    work = [
        row
        for stage, row in queries.answers(refetched(archived)).items()
        if stage not in queries.applicant_stages(archived)
    ]
    inner = [
        value
        for row in work
        for form in row.values.values()
        for value in form.values()
        if isinstance(value, str) and len(value.split()) > 2
    ]
    said = [comment.words for comment in archived_comments(archived)]
    assert inner or said
    for words in [*inner, *said]:
        assert words not in text


def archived_comments(application):
    """Return every comment of an application."""
    return db.session.scalars(select(Comment).where(Comment.application_id == application.id)).all()
