"""Sizes of files in words."""

from __future__ import annotations

import pytest

from app.terms.sizes import size_said, size_words

MB = 1024 * 1024


@pytest.mark.parametrize(
    ("size", "kk", "en"),
    [
        (0, "1\u00a0КБ", "1\u00a0KB"),
        (338 * 1024, "338\u00a0КБ", "338\u00a0KB"),
        (1_048_000, "1023\u00a0КБ", "1023\u00a0KB"),
        (MB - 1, "1\u00a0МБ", "1\u00a0MB"),
        (MB * 3 // 2, "1,5\u00a0МБ", "1.5\u00a0MB"),
        (20 * MB, "20\u00a0МБ", "20\u00a0MB"),
        (4 * 1024 * MB, "4\u00a0ГБ", "4\u00a0GB"),
        (5000 * 1024 * MB, "5000\u00a0ГБ", "5000\u00a0GB"),
    ],
)
def test_a_size_is_said_in_each_language_in_one_way(size: int, kk: str, en: str) -> None:
    assert size_words(size, "kk") == kk
    assert size_words(size, "ru") == kk
    assert size_words(size, "en") == en
    assert size_said(size).words["en"] == en
