"""Every word the screens, letters and refusals say, in Kazakh, Russian and English.

The words stand in ``words/*.csv`` with the columns ``key,kk,ru,en``; a key may stand only once
in all of them.  Only whole sentences with placeholders that need no case ending (``{who}``).
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from app.errors import Said, Term

LANGUAGES = ("kk", "ru", "en")
DEFAULT_LANGUAGE = "kk"
WORDS = Path(__file__).parent / "words"


@cache
def terms() -> dict[str, dict[str, str]]:
    """Return key -> language -> words, read once.

    Raises:
        ValueError: a key stands twice, or a language is missing.
    """
    read: dict[str, dict[str, str]] = {}
    for path in sorted(WORDS.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for line, row in enumerate(csv.DictReader(file), start=2):
                key = row["key"]
                if key in read:
                    raise ValueError(f"{path.name}:{line}: {key} stands twice")
                words = {language: (row.get(language) or "").strip() for language in LANGUAGES}
                missing = [language for language in LANGUAGES if not words[language]]
                if missing or None in row:
                    raise ValueError(f"{path.name}:{line}: {key}: missing {missing or 'quotes around a comma'}")
                read[key] = words
    return read


def say(key: str, language: str, **params: object) -> str:
    """Return the words of ``key`` in ``language`` with ``{placeholders}`` filled.

    Parameters that are a ``Term`` or ``Said`` are translated too.

    Raises:
        KeyError: there is no such key; a page must never show a bare key.
    """
    words = terms()[key][language]
    if not params:
        return words
    return words.format_map({name: _word(value, language) for name, value in params.items()})


def _word(value: object, language: str) -> object:
    if isinstance(value, Term):
        return terms()[value.key][language]
    if isinstance(value, Said):
        return value.words[language]
    return value
