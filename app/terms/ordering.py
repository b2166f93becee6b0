"""In which order words stand: that of the Kazakh alphabet, which holds the Russian one; capitals do not matter."""

from __future__ import annotations

from functools import lru_cache

_ALPHABET = {letter: place for place, letter in enumerate("аәбвгғдеёжзийкқлмнңоөпрстуұүфхһцчшщъыіьэюя")}


@lru_cache(maxsize=10_000)
def place(text: str) -> tuple[int, ...]:
    """Return where a text stands in the order of the Kazakh alphabet."""
    return tuple(1000 + _ALPHABET[sign] if sign in _ALPHABET else ord(sign) % 1000 for sign in text.casefold())
