"""Words of definition files: plain ones follow the core schema of YAML 1.2, quoted ones are texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.definition_files import Definition, read


class Holder(Definition):
    value: Any


def held(tmp_path: Path, written: str) -> Any:
    path = tmp_path / "file.yaml"
    path.write_text(f"value: {written}\n", encoding="utf-8")
    reading = read(path, Holder, root=tmp_path)
    assert reading.faults == ()
    assert reading.text is not None
    return reading.text.value


@pytest.mark.parametrize("word", ["no", "yes", "off", "y", "2026-11-21", "12:30", "1_000", "0b1", "KZT", "1e"])
def test_what_is_no_number_nor_truth_stays_a_text(tmp_path, word):
    assert held(tmp_path, word) == word


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("true", True),
        ("False", False),
        ("12", 12),
        ("-3", -3),
        ("007", 7),
        ("0o17", 15),
        ("0xFF", 255),
        ("1.5", 1.5),
        (".5", 0.5),
        ("2e3", 2000.0),
        ("~", None),
        ("null", None),
        ("", None),
    ],
)
def test_numbers_truths_and_nothing_are_read_as_such(tmp_path, word, value):
    found = held(tmp_path, word)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("word", ["'12'", '"true"', "'~'"])
def test_quoted_words_are_texts(tmp_path, word):
    assert held(tmp_path, word) == word[1:-1]


def test_a_key_that_is_no_word_is_told_with_its_line(tmp_path):
    path = tmp_path / "file.yaml"
    path.write_text("value: 1\n? [a, b]\n: 2\n", encoding="utf-8")

    [fault] = read(path, Holder, root=tmp_path).faults

    assert (fault.line, fault.problem) == (2, "a key that is no word")
