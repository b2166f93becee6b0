"""A class for each type of field, and the table that joins them.

A new type is one class here (or in ``codes``), its name in ``FIELD_TYPES``, and a row of examples
in its test.  What all types share, and what ``parse``, ``check`` and ``text`` mean, is in ``values``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from app.errors import Term
from app.forms.codes import Bic, Bin, Cfi, Email, Iban, Iin, Isin, Kato, Kbe, Lei, Phone
from app.forms.composites import Address, BankDetails, Duration, Person, Rating
from app.forms.untyped import Computed, Group, Note
from app.forms.values import EDGES, NBSP, FieldError, FieldType, Raw, clean, one, within
from app.terms import LANGUAGES, say
from app.terms.sizes import size_said

if TYPE_CHECKING:
    from app.forms.parts import Field

__all__ = ["FIELD_TYPES", "FieldError", "FieldType", "Raw"]


def grouped(amount: str) -> str:
    """Return a canonical decimal as people read it: "1234.5" as "1 234,5" with no-break spaces."""
    whole, _, rest = amount.partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    groups = f"{int(digits):,}".replace(",", NBSP)
    return f"{sign}{groups},{rest}" if rest else f"{sign}{groups}"


COMPUTED_DECIMALS = 2
"""Decimals of a computed number whose field says nothing of them."""


def rounded_to(number: Decimal, decimals: int) -> str | None:
    """Return a number with so many decimals, half up; None when it has more digits than an answer may have."""
    if abs(number) >= Decimal(10) ** _DIGITS_OF_WHOLE:
        return None
    return f"{number.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP, _WIDE) + 0:f}"


_WIDE = Context(prec=60)
_DECIMAL = re.compile(r"([+-]?)([0-9]+|[0-9]{1,3}(?: [0-9]{3})+)(?:[.,]([0-9]+))?")
_DIGITS_OF_WHOLE = 18


def parse_decimal(words: str, decimals: int) -> str:
    """Return the canonical decimal of a typed number: groups by blanks, a comma or a dot before decimals.

    A comma never groups: "1,234.56" is refused rather than guessed at.

    Raises:
        FieldError: it is no number, has more decimals than ``decimals``, or is too long.
    """
    if not words.isascii():
        plain = "".join(" " if unicodedata.category(sign) == "Zs" else sign for sign in words)
        words = plain.replace("\N{MINUS SIGN}", "-")
    found = _DECIMAL.fullmatch(words)
    if found is None:
        raise FieldError("field.err.number")
    sign, whole, rest = found[1], found[2].replace(" ", "").lstrip("0") or "0", found[3] or ""
    if len(rest) > decimals:
        raise FieldError("field.err.decimals" if decimals else "field.err.whole", most=decimals)
    if len(whole) > _DIGITS_OF_WHOLE:
        raise FieldError("field.err.digits", most=_DIGITS_OF_WHOLE)
    rest = rest.rstrip("0")
    amount = f"{whole}.{rest}" if rest else whole
    return f"-{amount}" if sign == "-" and amount != "0" else amount


class Text(FieldType):
    """One line of words."""

    name = "text"
    options = frozenset({"max_length"})
    longest = 500


class LongText(FieldType):
    """Words over several lines."""

    name = "long_text"
    input = "textarea"
    options = frozenset({"max_length"})
    longest = 10_000

    def parse(self, raw: Raw, field: Field) -> str | None:
        words = clean(one(raw), lines=True)
        return within(words, self.most(field)) or None


class Multilingual(FieldType):
    """The same words in several languages: {"kk": ..., "ru": ..., "en": ...}, only those given."""

    name = "multilingual"
    sort = "other"
    options = frozenset({"max_length", "long", "languages"})
    longest = 2000

    def parts(self, field: Field) -> tuple[str, ...]:
        return field.languages or LANGUAGES

    def parse(self, raw: Raw, field: Field) -> dict[str, str] | None:
        if not isinstance(raw, Mapping):
            raise FieldError("err.format")
        value = {}
        for part in self.parts(field):
            try:
                words = within(clean(one(raw.get(part) or ""), lines=field.long), self.most(field))
            except FieldError as error:
                raise FieldError(error.key, part=part, **error.params) from None
            if words:
                value[part] = words
        return value or None

    def check(self, value: Any, field: Field) -> None:
        for fault in self.faults(value, field):
            raise fault

    def faults(self, value: Any, field: Field) -> list[FieldError]:
        """Return a fault for each language left out: words given in one must be given in all."""
        parts = self.parts(field)
        if not isinstance(value, dict) or not all(part in parts and isinstance(value[part], str) for part in value):
            return [FieldError("err.format")]
        missing = [part for part in parts if not value.get(part)]
        if missing:
            return [
                FieldError("field.err.language_missing", part=part, tongue=Term(f"field.language.{part}"))
                for part in missing
            ]
        try:
            return [] if self.parse(value, field) == value else [FieldError("err.format")]
        except FieldError as error:
            return [error]

    def text(self, value: Any, field: Field, language: str, names: Mapping[str, str] | None = None) -> str:
        """Return the words in ``language``, or in the first language that has any."""
        if language in value:
            return str(value[language])
        return next((str(value[part]) for part in self.parts(field) if value.get(part)), "")

    def entry(self, value: Any, field: Field, part: str = "") -> str:
        return str(value.get(part, ""))

    def operand(self, value: Any, field: Field) -> Any:
        return value if isinstance(value, dict) else None


class Number(FieldType):
    """A number, kept as a decimal string: "1234.5"."""

    name = "number"
    sort = "number"
    input = "number"
    options = frozenset({"min", "max", "decimals"})
    decimals: ClassVar[int] = 6
    least: ClassVar[str | None] = None
    greatest: ClassVar[str | None] = None

    def canonical(self, words: str, field: Field) -> Any:
        return parse_decimal(words, self.decimals if field.decimals is None else field.decimals)

    def check(self, value: Any, field: Field) -> None:
        if not isinstance(value, str) or not value or self.parse(value, field) != value:
            raise FieldError("err.format")
        self._in_range(value, field)

    def _in_range(self, amount: str, field: Field) -> None:
        least, greatest = field.min or self.least, field.max or self.greatest
        if least is not None and Decimal(amount) < Decimal(least):
            raise FieldError("field.err.min", min=self.shown(least))
        if greatest is not None and Decimal(amount) > Decimal(greatest):
            raise FieldError("field.err.max", max=self.shown(greatest))

    def shown(self, amount: str) -> str:
        """Return a canonical decimal as people read it."""
        return grouped(amount)

    def text(self, value: Any, field: Field, language: str, names: Mapping[str, str] | None = None) -> str:
        return self.shown(value)

    def entry(self, value: Any, field: Field, part: str = "") -> str:
        return self.shown(value)

    def limit(self, raw: str) -> object:
        return Decimal(parse_decimal(raw, self.decimals))

    def operand(self, value: Any, field: Field) -> Any:
        return Decimal(value)

    def of_operand(self, found: Any, field: Field) -> Any:
        """Return the number with two decimals, or as many as the field says."""
        rounded = rounded_to(found, COMPUTED_DECIMALS if field.decimals is None else field.decimals)
        return None if rounded is None else parse_decimal(rounded, self.decimals)


class Year(Number):
    """A year of the calendar, kept as "2025" and never grouped; from 1900 to 2100 unless the form says otherwise.

    What was kept under a ``number`` is read and shown alike.
    """

    name = "year"
    input = "year"
    options = frozenset({"min", "max"})
    decimals = 0
    least, greatest = "1900", "2100"

    def canonical(self, words: str, field: Field) -> str:
        found = re.fullmatch(r"([0-9])[ \u00a0\u202f]?([0-9]{3})(?: ?(?:год|г\.?|жыл|ж\.?))?", words)
        if found is None or found[1] == "0":
            raise FieldError("field.err.year")
        return found[1] + found[2]

    def shown(self, amount: str) -> str:
        return amount


class Percent(Number):
    """A share of a hundred, from 0 to 100 unless the form says otherwise."""

    name = "percent"
    input = "percent"
    decimals = 4
    least, greatest = "0", "100"

    def canonical(self, words: str, field: Field) -> Any:
        return super().canonical(words.removesuffix("%").rstrip(EDGES), field)

    def text(self, value: Any, field: Field, language: str, names: Mapping[str, str] | None = None) -> str:
        return f"{grouped(value)}{NBSP}%"


class PercentOfTotal(Percent):
    """A share of what a group's entries make up together: their sum is at most 100, or exactly (``total``)."""

    name = "percent_of_total"
    options = frozenset({"min", "max", "decimals", "total"})


class Money(Number):
    """An amount in the field's currency: {"amount": "1000000.00", "currency": "KZT"}."""

    name = "money"
    input = "money"
    options = frozenset({"min", "max", "currency"})
    decimals = 2

    def currency(self, field: Field) -> str:
        """Return the currency that the form asks for."""
        return field.currency or "KZT"

    def canonical(self, words: str, field: Field) -> dict[str, str]:
        currency = self.currency(field)
        plain = words.removesuffix(currency)
        plain = plain.removesuffix("₸") if currency == "KZT" else plain
        amount = Decimal(parse_decimal(plain.rstrip(EDGES), self.decimals))
        return {"amount": f"{amount:.2f}", "currency": currency}

    def check(self, value: Any, field: Field) -> None:
        if not isinstance(value, dict) or set(value) != {"amount", "currency"} or not isinstance(value["amount"], str):
            raise FieldError("err.format")
        if self.parse(value["amount"], field) != value:
            raise FieldError("err.format")
        self._in_range(value["amount"], field)

    def unit(self, field: Field) -> str:
        return self.currency(field)

    def operand(self, value: Any, field: Field) -> Any:
        """Return the amount; one kept in another currency than the field's is none that could be reckoned with."""
        return Decimal(value["amount"]) if value["currency"] == self.currency(field) else None

    def of_operand(self, found: Any, field: Field) -> Any:
        rounded = rounded_to(found, self.decimals)
        return None if rounded is None else {"amount": rounded, "currency": self.currency(field)}

    def text(self, value: Any, field: Field, language: str, names: Mapping[str, str] | None = None) -> str:
        return f"{grouped(value['amount'])}{NBSP}{value['currency']}"

    def entry(self, value: Any, field: Field, part: str = "") -> str:
        return grouped(value["amount"])


class Date(FieldType):
    """A day, kept as "2026-10-05", typed and shown as 05.10.2026."""

    name = "date"
    sort = "date"
    input = "date"
    options = frozenset({"min", "max"})

    def canonical(self, words: str, field: Field) -> str:
        typed = re.fullmatch(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})", words)
        iso = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", words)
        if typed:
            day, month, year = typed.groups()
        elif iso:
            year, month, day = iso.groups()
        else:
            raise FieldError("err.date")
        try:
            return date(int(year), int(month), int(day)).isoformat()
        except ValueError:
            raise FieldError("field.err.no_such_day") from None

    def check(self, value: Any, field: Field) -> None:
        super().check(value, field)
        least, greatest = field.min or "1900-01-01", field.max or "2100-12-31"
        if value < least:
            raise FieldError("field.err.date_min", min=_shown_date(least))
        if value > greatest:
            raise FieldError("field.err.date_max", max=_shown_date(greatest))

    def text(self, value: Any, field: Field, language: str, names: Mapping[str, str] | None = None) -> str:
        return _shown_date(value)

    def entry(self, value: Any, field: Field, part: str = "") -> str:
        return _shown_date(value)

    def operand(self, value: Any, field: Field) -> Any:
        return date.fromisoformat(value).isoformat()

    def limit(self, raw: str) -> object:
        try:
            return date.fromisoformat(raw)
        except ValueError:
            raise FieldError("err.date") from None


def _shown_date(iso: str) -> str:
    year, month, day = iso.split("-")
    return f"{day}.{month}.{year}"


class Choice(FieldType):
    """One of the form's options, or of a list that the room supplies (``source``); the key is kept."""

    name = "choice"
    input = "select"
    options = frozenset({"options", "source"})
    longest = 200

    def check(self, value: Any, field: Field) -> None:
        super().check(value, field)
        if field.options is not None and value not in field.options:
            raise FieldError("field.err.choice")

    def text(self, value: Any, field: Field, language: str, names: Mapping[str, str] | None = None) -> str:
        """Return the option's label; an option that is no longer known is shown by its key."""
        if field.options is not None and value in field.options:
            return field.options[value][language]
        return (names or {}).get(value, str(value))


class YesNo(FieldType):
    """Yes or no, kept as a truth."""

    name = "yes_no"
    sort = "truth"
    input = "radio"

    def canonical(self, words: str, field: Field) -> bool:
        truth = {"yes": True, "true": True, "no": False, "false": False}.get(words.lower())
        if truth is None:
            raise FieldError("field.err.yes_no")
        return truth

    def check(self, value: Any, field: Field) -> None:
        if not isinstance(value, bool):
            raise FieldError("field.err.yes_no")

    def text(self, value: Any, field: Field, language: str, names: Mapping[str, str] | None = None) -> str:
        return say("act.yes" if value else "act.no", language)

    def entry(self, value: Any, field: Field, part: str = "") -> str:
        return "yes" if value else "no"

    def operand(self, value: Any, field: Field) -> Any:
        return value if isinstance(value, bool) else None


class File(FieldType):
    """Attached files: a list of {"id", "name", "size", "sha256"}, put in by the room and never typed."""

    name = "file"
    sort = "other"
    input = "file"
    options = frozenset({"accept", "max_files", "max_size_mb"})
    typed = False

    def parse(self, raw: Raw, field: Field) -> None:
        return None

    def check_upload(self, name: str, size: int, held: int, field: Field) -> None:
        """Judge one more file before it is stored; ``held`` is how many the field holds already.

        Raises:
            FieldError: its type, its size, or one file too many.
        """
        ending = name.rpartition(".")[2].lower() if "." in name else ""
        if ending not in field.accept:
            raise FieldError("err.file_type", types=", ".join(field.accept))
        if size > field.max_size_mb * 1024 * 1024:
            raise FieldError("err.file_size", max=size_said(field.max_size_mb * 1024 * 1024))
        if size == 0:
            raise FieldError("field.err.file_empty")
        if held >= field.max_files:
            raise FieldError("field.err.files", most=field.max_files)

    def check(self, value: Any, field: Field) -> None:
        if not isinstance(value, list) or not value:
            raise FieldError("err.format")
        for held, file in enumerate(value):
            if not isinstance(file, dict) or not {"id", "name", "size", "sha256"} <= set(file):
                raise FieldError("err.format")
            if not isinstance(file["name"], str) or not isinstance(file["size"], int):
                raise FieldError("err.format")
            self.check_upload(file["name"], file["size"], held, field)

    def text(self, value: Any, field: Field, language: str, names: Mapping[str, str] | None = None) -> str:
        return ", ".join(str(file["name"]) for file in value)

    def entry(self, value: Any, field: Field, part: str = "") -> str:
        return ""

    def operand(self, value: Any, field: Field) -> Any:
        return value if isinstance(value, list) else None

    def example(self, raw: Raw, field: Field) -> list[dict[str, object]]:
        """Return files of the given names as the room would keep them; there are no bytes behind them."""
        names = [raw] if isinstance(raw, str) else list(raw)
        return [
            {"id": f"example-{number}", "name": name, "size": 1024, "sha256": "0" * 64}
            for number, name in enumerate(names, start=1)
        ]


def _by_name(*types: FieldType) -> dict[str, FieldType]:
    table = {kind.name: kind for kind in types}
    if len(table) != len(types):
        raise ValueError("two types of field have one name")
    return table


FIELD_TYPES: dict[str, FieldType] = _by_name(
    Text(),
    LongText(),
    Multilingual(),
    Number(),
    Year(),
    Money(),
    Percent(),
    PercentOfTotal(),
    Date(),
    Duration(),
    Choice(),
    YesNo(),
    Bin(),
    Iin(),
    Isin(),
    Cfi(),
    Lei(),
    Iban(),
    Bic(),
    Kbe(),
    Kato(),
    Phone(),
    Email(),
    Address(),
    Person(),
    BankDetails(),
    Rating(),
    File(),
    Group(),
    Note(),
    Computed(Number(), Percent(), Money(), Date(), YesNo(), Text()),
)
