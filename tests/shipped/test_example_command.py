"""``flask example`` over the shipped forms."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli.forms import commands
from app.forms.definitions import load

ROOT = Path(__file__).resolve().parents[2]
LIBRARY, _ = load(ROOT / "forms", ROOT)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["issuer"], 0, '"bin"'),
        (["extra_listing_requirements", "alternative/shares"], 0, '"path"'),
        (["nosuch"], 1, "there is no form 'nosuch'; forms: admission_request"),
        (["issuer", "main"], 1, "'issuer' is a simple form"),
        (["extra_listing_requirements", "mixed"], 1, "No forms are provided"),
        (["extra_listing_requirements", "nosuch"], 1, "paths with a form: alternative/shares"),
    ],
)
def test_the_command_example_prints_valid_answers(arguments: list[str], code: int, told: str) -> None:
    result = CliRunner().invoke(commands()[0], arguments)

    assert result.exit_code == code
    assert told in result.output
    if code == 0:
        form = LIBRARY.get(arguments[0])
        assert form.check(json.loads(result.stdout)) == ()
