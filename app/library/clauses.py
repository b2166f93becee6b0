"""The clauses of an act's text: where each begins, by what name it is linked, and how words are searched in it.

Pure: text in, clauses out.  A text is pasted as it was published; nothing of it is lost.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Clause:
    """One clause: the name that links to it (unique in its text), its number as printed, and its words."""

    anchor: str
    number: str
    words: str


_NUMBER = r"\d+(?:[-.]\d+)*"
_HEADS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("article", re.compile(rf"(?:статья|article)\s+(?P<n>{_NUMBER})\.?(?=\s|$)|(?P<m>{_NUMBER})\s*-\s*бап\b\.?", re.I)),
    (
        "chapter",
        re.compile(rf"(?:глава|chapter)\s+(?P<n>{_NUMBER})\.?(?=\s|$)|(?P<m>{_NUMBER})\s*-\s*тарау\b\.?", re.I),
    ),
    ("point", re.compile(rf"(?P<n>{_NUMBER})\.?(?=\s)")),
    ("part", re.compile(rf"(?P<n>{_NUMBER})\)(?=\s)")),
)


def split(text: str) -> list[Clause]:
    """Return the clauses of a text, in its order.

    A clause begins with a line that begins with «Статья 84.», «84-бап.», «Article 84.», a chapter likewise,
    «5.1.», or «4)»; what stands before the first is a clause without a number.  Numbers within an article bear
    the article's: 4) of paragraph 3 of article 56-1 is ``56-1.3.4``, everywhere the same in all languages.
    """
    clauses: list[Clause] = []
    taken: Counter[str] = Counter()
    article = point = ""
    anchor, number, lines = "", "", list[str]()

    def close() -> None:
        words = "\n".join(lines).strip()
        if words:
            taken[anchor] += 1
            name = anchor if taken[anchor] == 1 else f"{anchor}_{taken[anchor]}"
            clauses.append(Clause(name or f"p{len(clauses) + 1}", number, words))

    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        kind, found = _head(line.strip())
        if kind:
            close()
            lines, number = [], found
            if kind == "article":
                article, point, anchor = found, "", found
            elif kind == "chapter":
                article, point, anchor = "", "", f"ch{found}"
            elif kind == "point":
                point = found if not article else f"{article}.{found}"
                anchor = point
            else:
                anchor = ".".join(part for part in (point or article, found) if part)
        lines.append(line.strip())
    close()
    return clauses


def _head(line: str) -> tuple[str, str]:
    for kind, pattern in _HEADS:
        match = pattern.match(line)
        if match:
            groups = match.groupdict()
            return kind, str(groups.get("n") or groups.get("m"))
    return "", ""


# Searching

_LIKE_RUSSIAN = str.maketrans("әғқңөұүһіё", "агкноуухие")
_WORD = re.compile(r"\w+")


def fold(text: str) -> str:
    """Return the words of a text as they are searched: small, Kazakh letters as their Russian likenesses, a space
    before and after each, so that «қағаз» is found by whoever has no Kazakh keyboard, and a word by its beginning."""
    words = _WORD.findall(text.lower().translate(_LIKE_RUSSIAN))
    return f" {' '.join(words)} " if words else ""


def beginnings(query: str) -> list[str]:
    """Return the beginnings by which the words of a query are looked for, at most eight; a whole word ends in a space.

    All three languages put what changes at a word's end (Kazakh always), so that the ending is left out: one letter
    of four or five, two of six or seven, three of longer words.  It finds «облигациялардың» by «облигация»; it also
    finds «облигатор», which a dictionary would not.  Numbers and words of one or two letters are looked for whole.
    """
    found = []
    for word in fold(query).split()[:8]:
        if word.isdigit() or len(word) < 3:
            found.append(f"{word} ")
        else:
            found.append(word[: len(word) - min(3, (len(word) - 2) // 2)])
    return found


def marked(words: str, begun: Iterable[str], *, around: int = 160) -> Iterator[tuple[str, bool]]:
    """Yield the passage of ``words`` about the first word found, in pieces: text, and whether it was searched for."""
    begins = tuple(begun)
    spans = [match.span() for match in _WORD.finditer(words) if fold(match[0]).lstrip().startswith(begins)]
    first = spans[0][0] if spans else 0
    start, end = max(0, first - around // 2), min(len(words), first + around)
    if start:
        start = words.find(" ", start) + 1 or start
        yield "… ", False
    place = start
    for begin, stop in spans:
        if begin >= end:
            break
        yield words[place:begin], False
        yield words[begin:stop], True
        place = stop
    yield words[place : max(place, end)], False
    if end < len(words):
        yield " …", False
