"""``flask check --against``: what a new version changes, and which drafts notice it."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from factories import new_application, person, typed

from app import db
from app.applications import answering
from app.cli import versions
from app.cli.definitions import check
from app.config import ROOT


@pytest.fixture
def changed(tmp_path):
    """A copy of the shipped definitions, to be changed."""
    for folder in ("forms", "workflows"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def second(changed, *pairs: tuple[str, str]) -> None:
    """Add a second version of the issuer's form with these words exchanged."""
    text = (changed / "forms" / "issuer.v1.yaml").read_text(encoding="utf-8").replace("version: 1", "version: 2", 1)
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    (changed / "forms" / "issuer.v2.yaml").write_text(text, encoding="utf-8")


def test_nothing_has_changed_against_itself(house, capsys):
    assert versions.tell(str(ROOT), ROOT) == 0
    assert "nothing has changed" in capsys.readouterr().out


def test_a_version_that_affects_answers_is_told_with_the_drafts_that_notice(house, changed, now, capsys):
    application = new_application()
    raw = typed(application, "issuer", website="altyndan.example")
    answering.save(application, "issuer", raw, by=person("issuer"), done=False, now=now)
    db.session.flush()
    second(changed, ("key: website\n        type: text\n        max_length: 200", "key: website\n        type: date"), (
        'example: "https://kokterek.example"', 'example: "01.01.2026"'))  # fmt: skip

    code = versions.tell(str(ROOT), changed)

    told = capsys.readouterr().out
    assert code == versions.AFFECTS_DATA
    assert "issuer.v1 -> issuer.v2: affects data" in told
    assert "website: type changed" in told
    assert f"draft {application.number} (filling): 0 kept, 1 parked" in told


def test_a_version_that_only_says_more_is_safe(house, changed, capsys):
    second(changed, ('ru: "Юридический адрес"', 'ru: "Юридический адрес (место нахождения)"'))

    assert versions.tell(str(ROOT), changed) == 0
    assert "issuer.v1 -> issuer.v2: safe" in capsys.readouterr().out


def test_what_was_edited_in_place_or_removed_is_told(house, changed, capsys):
    path = changed / "forms" / "issuer.v1.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("max_length: 300", "max_length: 200", 1), encoding="utf-8")
    (changed / "forms" / "letter.v1.yaml").unlink()
    procedure = changed / "workflows" / "share_listing.v1.yaml"
    procedure.write_text(procedure.read_text(encoding="utf-8") + "\n# said again\n", encoding="utf-8")

    code = versions.tell(str(ROOT), changed)

    told = capsys.readouterr().out
    assert code == versions.AFFECTS_DATA
    assert "issuer.v1 (edited)" in told
    assert "letter.v1 (removed): affects data" in told
    assert "share_listing.v1 (edited): safe" in told


def test_a_form_added_to_a_chain_touches_no_entry(house, changed, capsys):
    leaf = changed / "forms" / "extra_listing_requirements" / "main" / "shares" / "premium.v1.yaml"
    text = leaf.read_text(encoding="utf-8").replace("version: 1", "version: 2", 1)
    leaf.with_name("premium.v2.yaml").write_text(text, encoding="utf-8")

    assert versions.tell(str(ROOT), changed) == 0
    assert "extra_listing_requirements/main/shares/premium.v2: safe" in capsys.readouterr().out


@pytest.mark.parametrize("reference", ["nosuch-revision", "--output=x", "tests"])
def test_what_is_neither_a_revision_nor_a_folder_of_forms_is_wrong_usage(house, reference):
    given = str(ROOT / reference) if reference == "tests" else reference
    answer = house.app.test_cli_runner().invoke(check, ["--against", given])

    assert answer.exit_code == versions.WRONG_USAGE


def test_a_revision_of_the_repository_is_read(house):
    inside = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, check=False)
    if inside.returncode:
        pytest.skip("not a clone")

    assert versions.tell("HEAD", ROOT) in (0, versions.AFFECTS_DATA)
