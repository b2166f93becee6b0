"""Sizes of files in words: "12 КБ", "1,4 МБ", "1.4 MB" – the one place that says them."""

from __future__ import annotations

from app.errors import Said
from app.terms import LANGUAGES, say

SPACE = "\N{NO-BREAK SPACE}"
"""Between a number and its unit: never the end of a line (the narrow one is not in the fonts of the pages)."""

_UNITS = ("size.kb", "size.mb", "size.gb")


def size_words(size: int, language: str) -> str:
    """Return a number of bytes in words: whole kilobytes, else with one decimal where it is not nought."""
    amount, unit = max(round(size / 1024), 1) * 10, 0
    while amount >= 10240 and unit < len(_UNITS) - 1:
        unit += 1
        amount = round(size * 10 / 1024 ** (unit + 1))
    whole, tenth = divmod(amount, 10)
    point = "." if language == "en" else ","
    number = f"{whole}{point}{tenth}" if tenth else str(whole)
    return f"{number}{SPACE}{say(_UNITS[unit], language)}"


def size_said(size: int) -> Said:
    """Return a number of bytes in the words of every language, for the sentence of a refusal."""
    return Said({language: size_words(size, language) for language in LANGUAGES})
