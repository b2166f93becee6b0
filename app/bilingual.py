"""Words of the Exchange that its letters quote: typed in Kazakh and in Russian, read in one's own language.

They are kept as ``{"kk": ..., "ru": ...}``.  A letter stands in both languages side by side, so either text is
required; who reads in English is shown the Russian one, marked as such.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.errors import Problem

LANGUAGES = ("kk", "ru")
"""The Exchange writes in the state language and in Russian, side by side."""

_INSTEAD = {"en": "ru"}
"""Language of a reader -> the language in which he is shown the words."""

Texts = Mapping[str, str]
"""Language -> words, for each of ``LANGUAGES``."""


@dataclass(frozen=True)
class Passage:
    """Words as one reader is shown them; ``language`` is that of the words, ``is_other`` where it is not his own."""

    words: str
    language: str
    is_other: bool


def typed(raw: Mapping[str, str], name: str) -> dict[str, str]:
    """Return what was typed into the boxes ``<name>-kk`` and ``<name>-ru``."""
    return {language: raw.get(f"{name}-{language}", "").strip() for language in LANGUAGES}


def alike(words: str) -> dict[str, str]:
    """Return words that are the same in both languages: those of older days, and names."""
    return dict.fromkeys(LANGUAGES, words)


def faults(texts: Texts, name: str, *, missing: str, long: str, most: int) -> list[Problem]:
    """Return what is wrong with texts, each at its own box: ``missing`` and ``long`` are the keys of the sentences."""
    found = []
    for language in LANGUAGES:
        words = texts.get(language, "")
        if not words.strip():
            found.append(Problem(f"{name}-{language}", missing))
        elif len(words) > most:
            found.append(Problem(f"{name}-{language}", long, {"max": most}))
    return found


def said(words: str | Texts, language: str) -> str:
    """Return words in ``language``, or in the language shown instead of it; a plain text as it is."""
    return words if isinstance(words, str) else passage(words, language).words


def passage(texts: Texts, language: str) -> Passage:
    """Return the words that a reader of ``language`` is shown."""
    shown = _INSTEAD.get(language, language)
    return Passage(texts.get(shown, ""), shown, shown != language)


def everywhere(texts: Texts) -> dict[str, str]:
    """Return the words for messages, which are said in every language of the house."""
    return {**texts, **{language: texts.get(shown, "") for language, shown in _INSTEAD.items()}}
