"""Sizes of files in words."""

from __future__ import annotations

import pytest

from app.terms.sizes import size_said, size_words

MB = 1024 * 1024


@pytest.mark.parametrize(
    ("size", "kk", "en"),
    [
        (0, "1\u202fКБ", "1\u202fKB"),
        (338 * 1024, "338\u202fКБ", "338\u202fKB"),
        (1_048_000, "1023\u202fКБ", "1023\u202fKB"),
        (MB - 1, "1\u202fМБ", "1\u202fMB"),
        (MB * 3 // 2, "1,5\u202fМБ", "1.5\u202fMB"),
        (20 * MB, "20\u202fМБ", "20\u202fMB"),
        (4 * 1024 * MB, "4\u202fГБ", "4\u202fGB"),
        (5000 * 1024 * MB, "5000\u202fГБ", "5000\u202fGB"),
    ],
)
def test_a_size_is_said_in_each_language_in_one_way(size: int, kk: str, en: str) -> None:
    assert size_words(size, "kk") == kk
    assert size_words(size, "ru") == kk
    assert size_words(size, "en") == en
    assert size_said(size).words["en"] == en
