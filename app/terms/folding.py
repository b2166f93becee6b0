"""How words are compared by a search: capitals do not matter, Kazakh letters are found by their Russian look-alikes."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

_LOOK_ALIKES = str.maketrans("әғқңөұүһі", "агкноуухи")
_ALIKE = 0.84
"""From which likeness on two names are told to an officer as similar."""


def folded(words: str) -> str:
    """Return words as a search compares them."""
    return " ".join(words.casefold().translate(_LOOK_ALIKES).split())


def bare(name: str) -> str:
    """Return a company's name folded, without quotation marks, legal form and other signs."""
    words = re.sub(r"[^\w\s]+", " ", folded(name)).split()
    return " ".join(word for word in words if word not in _FORMS)


_WORDS = "АҚ АО ЖШС ТОО JSC LLP ШЖҚ МК РМК РГП ГП КЕАҚ НАО АД ЖК ИП KZ"
_FORMS = frozenset(folded(_WORDS).split())


def are_alike(one: str, other: str) -> bool:
    """Tell whether two companies' names could be taken for one another."""
    one, other = bare(one), bare(other)
    if not one or not other:
        return False
    return one == other or SequenceMatcher(None, one, other).ratio() >= _ALIKE
