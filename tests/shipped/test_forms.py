"""The form files as shipped: they load, their examples are valid, and they say what the manual asks."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from app.forms.definitions import DynamicForm, Form, FormLibrary, load
from app.terms import LANGUAGES, WORDS, terms

ROOT = Path(__file__).resolve().parents[2]
LIBRARY, FAULTS = load(ROOT / "forms", ROOT)


@pytest.fixture(scope="module")
def library() -> FormLibrary:
    return LIBRARY


def requirements(library: FormLibrary) -> DynamicForm:
    found = library.get("extra_listing_requirements")
    assert isinstance(found, DynamicForm)
    return found


def test_every_form_file_is_sound() -> None:
    assert [str(fault) for fault in FAULTS] == []


@pytest.mark.parametrize("form", LIBRARY.all(), ids=lambda form: form.name)
def test_every_example_is_a_complete_valid_form(form: Form | DynamicForm) -> None:
    assert form.check(form.example()) == ()


@pytest.mark.parametrize("form", [form for form in LIBRARY.all() if isinstance(form, Form)], ids=lambda form: form.name)
def test_every_example_can_be_typed_in_again_and_shown_in_every_language(form: Form) -> None:
    values = form.example()
    typed = {
        path: field.entry(values[field.key], part)
        for field in form.fields
        for part, path in zip(field.parts or ("",), field.paths(), strict=True)
    }

    parsed = form.parse(typed)

    assert parsed.problems == ()
    assert parsed.values == {field.key: values[field.key] for field in form.fields if field.kind.typed}
    for field in form.fields:
        assert all(field.text(values[field.key], language) for language in LANGUAGES)


@pytest.mark.req("IS2IN-16.a", "IS2IN-16.b")
def test_a_listing_asks_by_simple_forms_with_mandatory_and_optional_fields_and_by_a_dynamic_one(
    library: FormLibrary,
) -> None:
    issuer = library.get("issuer")

    assert isinstance(issuer, Form)
    assert {field.required for field in issuer.fields} == {True, False}
    assert isinstance(library.get("extra_listing_requirements"), DynamicForm)


@pytest.mark.req("IS2IN-16.d", "IS2IN-16.g", "IS2IN-16.h")
def test_the_manuals_example_main_shares_premium_leads_to_its_package(library: FormLibrary) -> None:
    dynamic = requirements(library)
    path = ["main", "shares", "premium"]

    assert dynamic.title["kk"] == "Қосымша листингілік талаптар"
    assert [level.label["kk"] for level in dynamic.levels] == ["Алаң", "Сектор", "Санат"]
    assert dynamic.add_label["kk"] == "Бағалы қағаз қосу"
    assert dynamic.path_text(path, "kk") == "Негізгі › Акциялар › Премиум"
    assert dynamic.form_at(path) is not None
    assert "isin" in [field.key for field in dynamic.keys]


@pytest.mark.req("IS2IN-16.f")
@pytest.mark.parametrize("path", [["mixed"], ["private_placement"], ["main", "debt_securities"]])
def test_other_criteria_have_no_forms(path: list[str], library: FormLibrary) -> None:
    dynamic = requirements(library)

    assert dynamic.offered(path) is None
    assert dynamic.form_at(path) is None


def test_figures_that_are_illustrations_are_marked_so(library: FormLibrary) -> None:
    dynamic = requirements(library)

    assert dynamic.demo_data
    assert all(form.demo_data for versions in dynamic.forms.values() for form in versions.values())


def test_forms_of_one_stage_have_no_field_in_common(library: FormLibrary) -> None:
    issuer, application = library.get("issuer"), library.get("listing_application")
    assert isinstance(issuer, Form)
    assert isinstance(application, Form)

    assert not {field.key for field in issuer.fields} & {field.key for field in application.fields}


def test_every_sentence_that_the_engine_says_is_there_and_none_is_idle() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "app" / "forms").glob("*.py"))
    said = set(re.findall(r'"((?:field|err|dyn)\.[a-z_.]+[a-z])"', source))
    with (WORDS / "forms.csv").open(encoding="utf-8", newline="") as file:
        ours = {row["key"] for row in csv.DictReader(file) if row["key"].startswith("field.err.")}

    assert said <= set(terms())
    assert ours <= said
