"""Field types that nobody types: groups of questions, computed values, words between questions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.forms.values import FieldError, FieldType, Raw

if TYPE_CHECKING:
    from app.forms.parts import Field


class Group(FieldType):
    """Questions that repeat: {"entries": [{"id": "e1", "values": {...}}], "last": 1}.

    An id is never given twice, so ``last`` stays when entries go.  What stands in the entries is read
    and judged field by field, never here.
    """

    name = "group"
    input = "group"
    sort = "group"
    options = frozenset(
        {"fields", "layout", "entry_label", "min_entries", "max_entries", "example_entries", "checks", "unique"}
    )
    typed = False
    has_example = False

    def check(self, value: Any, field: Field) -> None:
        if not isinstance(value, Mapping) or not isinstance(value.get("entries"), list):
            raise FieldError("err.format")

    def text(self, value: Any, field: Field, language: str, names: Mapping[str, str] | None = None) -> str:
        return str(len(value["entries"]))

    def entry(self, value: Any, field: Field, part: str = "") -> str:
        return ""


class Computed(FieldType):
    """A value that the form reckons from other answers (``value``), kept and shown as one of the type ``as``."""

    name = "computed"
    input = "computed"
    options = frozenset({"value", "as_", "currency", "decimals"})
    typed = False
    has_example = False

    def __init__(self, *kinds: FieldType) -> None:
        self.kinds = {kind.name: kind for kind in kinds}

    def _kind(self, field: Field) -> FieldType:
        return self.kinds[field.as_ or "number"]

    def parse(self, raw: Raw, field: Field) -> None:
        return None

    def check(self, value: Any, field: Field) -> None:
        """Judge its shape only: nobody typed it, and what it must be stands in the form's checks."""
        kind = self._kind(field)
        try:
            again = kind.of_operand(kind.operand(value, field), field)
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError):
            again = None
        if again is None or again != value:
            raise FieldError("err.format")

    def text(self, value: Any, field: Field, language: str, names: Mapping[str, str] | None = None) -> str:
        return self._kind(field).text(value, field, language, names)

    def entry(self, value: Any, field: Field, part: str = "") -> str:
        return self._kind(field).entry(value, field, part)

    def sort_of(self, field: Field) -> str:
        return self._kind(field).sort

    def unit(self, field: Field) -> str:
        return self._kind(field).unit(field)

    def operand(self, value: Any, field: Field) -> Any:
        return self._kind(field).operand(value, field)

    def of_operand(self, found: Any, field: Field) -> Any:
        return self._kind(field).of_operand(found, field)


class Note(FieldType):
    """Words between the questions; nothing is answered."""

    name = "note"
    input = "note"
    sort = "other"
    typed = False
    has_example = False
    is_answered = False

    def parse(self, raw: Raw, field: Field) -> None:
        return None
