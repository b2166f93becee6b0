"""What every type of field shares: cleaning what was typed, refusals, and the base class.

``parse`` turns what was typed into the canonical value that is kept (None when empty), and refuses
only what has no such value.  ``check`` judges a canonical value in full.  ``text`` is the one way
a value becomes words: screen, PDF and comparison speak through it.  A refusal is a ``FieldError``,
the key of a sentence that says what would mend it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from app.forms.parts import Field

Raw = str | Sequence[str] | Mapping[str, str]
"""What was typed: one text, several of one name, or a text for each part of a field."""

NBSP = "\N{NO-BREAK SPACE}"
LONGEST_CODE = 64
"""Characters kept of what was typed for a number or an identifier."""

EDGES = " \t\r\n\f\v\u00a0\u2007\u202f\u3000\u200b\ufeff"
"""Blanks, and signs without width, that are dropped at both ends of what was typed."""

_REVERSING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Signs that turn the direction of writing: a signed document must read as it is stored."""


class FieldError(Exception):
    """What was given will not do: ``key`` of the sentence, its parameters, and the part it is about."""

    def __init__(self, key: str, *, part: str = "", **params: object) -> None:
        super().__init__(key, params)
        self.key, self.part, self.params = key, part, params


def clean(raw: str, *, lines: bool = False) -> str:
    """Return ``raw`` in NFC without blanks at its ends; with ``lines``, line breaks and tabs may stay.

    Raises:
        FieldError: there are control signs in it.
    """
    words = unicodedata.normalize("NFC", raw).strip(EDGES)
    if words.isprintable():
        return words  # the common case: nothing below is printable
    if lines:
        words = words.replace("\r\n", "\n").replace("\r", "\n")
    for sign in words:
        if lines and sign in "\n\t":
            continue
        if sign in _REVERSING or unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp"):
            raise FieldError("field.err.control", code=f"U+{ord(sign):04X}")
    return words


def one(raw: Raw) -> str:
    """Return the one text that was typed; the first where several of the name came."""
    if isinstance(raw, str):
        return raw
    if isinstance(raw, Mapping) or not all(isinstance(text, str) for text in raw):
        raise FieldError("err.format")
    return raw[0] if raw else ""


def within(words: str, most: int) -> str:
    """Return ``words`` unless they are longer than ``most`` characters."""
    if len(words) > most:
        raise FieldError("field.err.too_long", most=most, over=len(words) - most)
    return words


class FieldType:
    """One kind of answer.

    ``input`` names the widget that the macro draws; ``options`` are the keys of a form file that
    a field of this type may carry besides the ordinary ones.
    """

    name: ClassVar[str]
    input: ClassVar[str] = "text"
    options: ClassVar[frozenset[str]] = frozenset()
    longest: ClassVar[int] = LONGEST_CODE
    typed: ClassVar[bool] = True
    """Whether the answer is typed; files are put in by the room instead."""
    has_example: ClassVar[bool] = True
    is_answered: ClassVar[bool] = True
    """Whether it has a value; a note has none."""
    sort: ClassVar[str] = "text"
    """What an expression may do with it: number, text, truth, date, duration, group, or other (only ``filled``)."""

    def parts(self, field: Field) -> tuple[str, ...]:
        """Return the parts that are asked for separately (languages), none for most types."""
        return ()

    def demanded(self, field: Field) -> tuple[str, ...]:
        """Return the parts that a required answer must have."""
        return self.parts(field)

    def parse(self, raw: Raw, field: Field) -> Any:
        """Return the canonical value of what was typed, None when nothing was.

        Raises:
            FieldError: what was typed has no canonical value.
        """
        words = clean(one(raw))
        return self.canonical(within(words, self.most(field)), field) if words else None

    def canonical(self, words: str, field: Field) -> Any:
        """Return the canonical value of cleaned words that are not empty."""
        return words

    def most(self, field: Field) -> int:
        """Return how many characters may be typed."""
        return field.max_length or self.longest

    def check(self, value: Any, field: Field) -> None:
        """Judge a canonical value in full.

        Raises:
            FieldError: the first fault.
        """
        if not isinstance(value, str) or not value or self.parse(value, field) != value:
            raise FieldError("err.format")

    def faults(self, value: Any, field: Field) -> list[FieldError]:
        """Return every fault of a canonical value; types with parts tell one for each."""
        try:
            self.check(value, field)
        except FieldError as error:
            return [error]
        return []

    def text(self, value: Any, field: Field, language: str, names: Mapping[str, str] | None = None) -> str:
        """Return the value in words; ``names`` are the labels of options that the room supplies."""
        return str(value)

    def entry(self, value: Any, field: Field, part: str = "") -> str:
        """Return what stands in the input box for ``value``; typed again, it gives the same value."""
        return str(value)

    def limit(self, raw: str) -> object:
        """Read a ``min`` or ``max`` of a form file.

        Raises:
            FieldError: it is not of this type.
        """
        raise FieldError("err.format")

    def example(self, raw: Raw, field: Field) -> Any:
        """Return the canonical value of the example in a form file."""
        return self.parse(raw, field)

    def sort_of(self, field: Field) -> str:
        """Return the sort of a field of this type."""
        return self.sort

    def unit(self, field: Field) -> str:
        """Return what the amounts of a field are counted in, empty where that is nothing in particular."""
        return ""

    def part_sort(self, field: Field, part: str) -> str | None:
        """Return the sort of one of the parts, None when there is no such part."""
        return "text" if part in self.parts(field) else None

    def operand(self, value: Any, field: Field) -> Any:
        """Return a canonical value as expressions reckon with it."""
        return value if isinstance(value, str) else None

    def of_operand(self, found: Any, field: Field) -> Any:
        """Return the canonical value of what an expression found, None when it has none."""
        return found
