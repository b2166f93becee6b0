"""Faults of form files: each is told with its file and key, and all at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from form_files import CRITERIA, FORM, LEAF, WORDS, Write

from app.definition_files import FaultyDefinitions
from app.errors import NotFound
from app.files.findings import MEDIA_TYPES
from app.forms.definitions import Form, load, require_sound
from app.forms.parts import FILE_KINDS

SIMPLE = "issuer.v1.yaml"
LEVELS = "listing/_criteria.v1.yaml"
PREMIUM = "listing/main/shares/premium.v1.yaml"


def faults_of(root: Path) -> list[str]:
    return [str(fault) for fault in load(root / "forms", root)[1]]


@pytest.mark.parametrize(
    ("old", "new", "key", "told"),
    [
        (
            "type: bin,",
            "type: binn,",
            "sections.main.fields.bin.type",
            "type 'binn' is unknown; did you mean 'bin'? known: address",
        ),
        ("{key: bin,", "{key: name,", "sections.main.fields.name.key", "field 'name' stands twice"),
        ('example: "240640000109"', 'example: "240640000108"', "sections.main.fields.bin.example", "check digit"),
        ('example: "240640000109"', "example: 240640000109", "sections.main.fields.bin.example", "write it in quotes"),
        ('example: "12 000"', 'example: "0"', "sections.main.fields.count.example", "at least 1"),
        ('min: "1"', "min: many", "sections.main.fields.count.min", "'many' is no limit for type number"),
        ("type: yes_no,", "type: choice,", "sections.main.fields.market_maker.example", "a choice without options"),
        ("type: yes_no,", "type: choice, options: {},", "sections.main.fields.market_maker.options", "at least one"),
        ("type: yes_no,", "type: yes_no, currency: KZT,", "sections.main.fields.market_maker.currency", "has no 'curr"),
        ("type: yes_no,", "type: yes_no, colour: red,", "sections.main.fields.market_maker.colour", "remove it"),
        ("type: yes_no,", "type: choice, source: strangers,", "sections.main.fields.market_maker.source", "use one of"),
        (
            "type: yes_no,",
            f"type: choice, options: {{No: {WORDS}}},",
            "sections.main.fields.market_maker.options.No",
            "small Latin letters",
        ),
        ("example: charter.pdf", "example: charter.exe", "sections.main.fields.charter.example", "not allowed"),
        (", label: " + WORDS + ', example: "12 000"', ', example: "12 000"', "sections.main.fields.count.label", "add"),
        (
            'ru: "Поле", en: "Field"}, example: "12 000"',
            'en: "Field"}, example: "12 000"',
            "fields.count.label.ru",
            "add",
        ),
        ('label: {kk: "Өріс"', 'label: {kk: "<b>"', "label.kk", "must be plain text"),
        (
            "[pdf]",
            "[pdf, docs]",
            "sections.main.fields.charter.accept.1",
            "'docs' is no kind of file that is taken; did",
        ),
        ("[pdf]", "[exe]", "sections.main.fields.charter.accept.0", "known: pdf, docx, xlsx, jpg, png, zip"),
        ("[pdf]", "[]", "sections.main.fields.charter.accept", "name at least one"),
        ("form: issuer", "form: issuers", "form", "write form: issuer"),
        ("version: 1", "version: 2", "version", "write version: 1"),
        ("version: 1\n", "version: 1\nversion: 1\n", "version", "duplicate key"),
        ("sections:", "parts:", "sections", "add this key"),
    ],
)
def test_a_fault_of_a_simple_form_names_its_file_key_and_mend(
    old: str, new: str, key: str, told: str, write: Write
) -> None:
    assert old in FORM

    faults = faults_of(write({SIMPLE: FORM.replace(old, new, 1)}))

    assert any(fault.startswith("forms/issuer.v1.yaml:") and key in fault and told in fault for fault in faults), faults


def test_a_field_may_accept_exactly_the_kinds_that_files_are_looked_into_for() -> None:
    assert set(FILE_KINDS) == set(MEDIA_TYPES)


def test_the_line_of_a_fault_is_where_its_key_stands(write: Write) -> None:
    root = write({SIMPLE: FORM.replace("type: bin,", "type: binn,")})

    assert faults_of(root)[0].startswith("forms/issuer.v1.yaml:9: ")


@pytest.mark.parametrize(
    ("name", "old", "new", "key", "told"),
    [
        (LEVELS, "mixed: {", "other: {", "", ""),
        (LEVELS, "main: {", "principal: {", "levels", "no choice leads to forms/listing/main"),
        (LEVELS, "shares: {", "stock: {", "levels", "no choice leads to forms/listing/main/shares;"),
        (LEVELS, "under: [main/bonds]", "under: [main/bills]", "levels.category.options.rated.under", "is no path"),
        (LEVELS, "under: [main/bonds]", "under: [a/b/c]", "levels.category.options.rated.under", "is no path"),
        (LEVELS, "key: sector", "key: platform", "levels.platform.key", "stands twice"),
        (LEVELS, "key: isin", "key: free_float", "keys.free_float.key", "stands in listing/main/shares/premium.v1 too"),
        (LEVELS, "KZ1C00001619", "KZ1C00001618", "keys.isin.example", "is not valid"),
        (LEVELS, "form: listing", "form: other", "form", "write form: listing"),
        (PREMIUM, "form: premium", "form: standard", "form", "write form: premium"),
        (PREMIUM, 'example: "12,5"', 'example: "125"', "free_float.example", "at most 100"),
    ],
)
def test_a_fault_of_a_dynamic_form_names_its_file_key_and_mend(
    name: str, old: str, new: str, key: str, told: str, write: Write
) -> None:
    files = {LEVELS: CRITERIA, PREMIUM: LEAF}
    assert old in files[name]

    faults = faults_of(write({**files, name: files[name].replace(old, new, 1)}))

    if told:
        assert any(fault.startswith(f"forms/{name}") and key in fault and told in fault for fault in faults), faults
    else:
        assert faults == []


def test_a_level_without_options_is_a_fault(write: Write) -> None:
    lean = CRITERIA[: CRITERIA.index("levels:")] + f"levels:\n  - {{key: platform, label: {WORDS}, options: {{}}}}\n"

    faults = faults_of(write({LEVELS: lean, PREMIUM: LEAF}))

    assert any(f"forms/{LEVELS}" in fault and "levels.platform.options" in fault for fault in faults)


@pytest.mark.parametrize(
    "name", ["issuer.yaml", "issuer.v0.yaml", "Issuer.v1.yaml", "issuer.v1.yml", "_criteria.v1.yaml"]
)
def test_a_file_name_must_say_form_and_version(name: str, write: Write) -> None:
    assert faults_of(write({name: FORM})) == [
        f"forms/{name}: (file): the file name is not <form>.v<version>.yaml; name it like issuer.v1.yaml"
    ]


def test_a_folder_without_criteria_is_a_fault(write: Write) -> None:
    faults = faults_of(write({PREMIUM: LEAF}))

    assert faults == ["forms/listing: (file): a dynamic form without criteria; add forms/listing/_criteria.v1.yaml"]


def test_every_fault_of_every_file_is_told_at_once_and_sound_forms_are_read(write: Write) -> None:
    two = FORM.replace("type: bin,", "type: binn,").replace('example: "12 000"', 'example: "0"')
    root = write(
        {
            "issuer.v1.yaml": FORM,
            "issuer.v2.yaml": two.replace("version: 1", "version: 2"),
            "other.v1.yaml": "form: [",
        }
    )

    library, faults = load(root / "forms", root)

    assert {(fault.file, fault.key) for fault in faults} == {
        ("forms/issuer.v2.yaml", "sections.main.fields.bin.type"),
        ("forms/issuer.v2.yaml", "sections.main.fields.count.example"),
        ("forms/other.v1.yaml", ""),
    }
    assert library.get("issuer").version == 1
    with pytest.raises(FaultyDefinitions):
        require_sound(faults)


def test_an_application_keeps_its_version_and_a_new_one_begins_with_the_newest(write: Write) -> None:
    root = write({"issuer.v1.yaml": FORM, "issuer.v2.yaml": FORM.replace("version: 1", "version: 2")})

    library, faults = load(root / "forms", root)

    assert faults == []
    assert library.get("issuer").version == 2
    assert library.get("issuer", 1).name == "issuer.v1"
    assert library.named("issuer.v1").sha256 != library.named("issuer.v2").sha256
    assert library.keys() == ("issuer",)
    for unknown in (("nosuch", None), ("issuer", 3)):
        with pytest.raises(NotFound):
            library.get(*unknown)
    with pytest.raises(NotFound):
        library.named("issuer.v3")


def test_a_form_inside_a_dynamic_one_is_found_by_its_name(write: Write) -> None:
    library, _ = load(write({LEVELS: CRITERIA, PREMIUM: LEAF}) / "forms", Path("/"))

    leaf = library.named("listing/main/shares/premium.v1")

    assert isinstance(leaf, Form)
    assert leaf in library.all()
