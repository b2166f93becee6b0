"""Field types of several parts, each an input of its own: address, person, bank details, rating, duration.

A part is a question like any other, of one of the types of ``codes`` and ``fields``; the value maps
the parts that were given to their canonical values, which are texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from app.errors import Said
from app.forms import identifiers
from app.forms.regions import ABROAD, REGIONS
from app.forms.values import NBSP, FieldError, FieldType, Raw
from app.terms import LANGUAGES, say

if TYPE_CHECKING:
    from app.forms.parts import Field


@dataclass(frozen=True)
class PartOf:
    """A part of an answer: its type, whether it must be given, the options of a choice.

    Its words stand in the terms, as ``field.<type>.<part>`` and ``field.<type>.<part>.<option>``; those of
    a ``table`` of data (option -> kk, ru, en) stand in it.
    """

    key: str
    type: str
    required: bool = False
    max_length: int | None = None
    options: tuple[str, ...] = ()
    table: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)


class Composite(FieldType):
    """Several texts that make one answer; ``ask_for`` in a form file keeps it to some of the parts."""

    input = "composite"
    sort = "other"
    options = frozenset({"ask_for"})
    asks: ClassVar[tuple[PartOf, ...]] = ()

    def parts(self, field: Field) -> tuple[str, ...]:
        return field.ask_for or tuple(part.key for part in self.asks)

    def demanded(self, field: Field) -> tuple[str, ...]:
        return tuple(key for key, asked in field.subfields.items() if asked.required)

    def part_sort(self, field: Field, part: str) -> str | None:
        asked = field.subfields.get(part)
        return asked.sort if asked is not None else None

    def operand(self, value: Any, field: Field) -> Any:
        return value if isinstance(value, dict) else None

    def parse(self, raw: Raw, field: Field) -> Any:
        if isinstance(raw, str) and not raw.strip():
            return None
        if not isinstance(raw, Mapping) or not raw.keys() <= field.subfields.keys():
            raise FieldError("err.format")
        value = {}
        for key, asked in field.subfields.items():
            try:
                part = asked.kind.parse(raw.get(key) or "", asked)
            except FieldError as error:
                raise self._in_part(error, field, key) from None
            if part is not None:
                value[key] = part
        return value or None

    def check(self, value: Any, field: Field) -> None:
        for fault in self.faults(value, field):
            raise fault

    def faults(self, value: Any, field: Field) -> list[FieldError]:
        """Return a fault for each part that is missing or will not do; then what of the parts does not agree."""
        if not isinstance(value, dict) or not value or not all(isinstance(part, str) for part in value.values()):
            return [FieldError("err.format")]
        if not value.keys() <= field.subfields.keys():
            return [FieldError("err.format")]
        found = [
            self._in_part(error, field, key)
            for key, asked in field.subfields.items()
            for error in (
                asked.kind.faults(value[key], asked)
                if value.get(key)
                else [FieldError("err.required")] * asked.required
            )
        ]
        return found or [self._in_part(error, field, error.part) for error in self.disagreements(value, field)]

    def disagreements(self, value: Mapping[str, str], field: Field) -> Iterator[FieldError]:
        """Yield what is wrong between parts that are each right."""
        return iter(())

    def _in_part(self, error: FieldError, field: Field, part: str) -> FieldError:
        """Return a fault told at one part, with the words of both."""
        inner = field.subfields[part].label
        names = {language: f"{field.label[language]}: {inner[language]}" for language in LANGUAGES}
        return FieldError(error.key, part=part, **{"field": Said(names), **error.params})

    def text(self, value: Any, field: Field, language: str, names: Mapping[str, str] | None = None) -> str:
        """Return the parts in words, one after another."""
        words = [field.subfields[key].text(value.get(key), language) for key in self.parts(field)]
        return ", ".join(each for each in words if each)

    def entry(self, value: Any, field: Field, part: str = "") -> str:
        asked = field.subfields.get(part)
        return asked.entry(value.get(part)) if asked is not None else ""


class Address(Composite):
    """A postal address: region and KATO code, then free words; abroad, the country and city stand in ``locality``."""

    name = "address"
    asks = (
        PartOf("region", "choice", required=True, options=(ABROAD,), table=REGIONS),
        PartOf("kato", "kato"),
        PartOf("locality", "text", required=True, max_length=200),
        PartOf("street", "text", required=True, max_length=300),
        PartOf("postcode", "text", max_length=12),
    )

    def disagreements(self, value: Mapping[str, str], field: Field) -> Iterator[FieldError]:
        region, kato = value.get("region"), value.get("kato")
        if kato and region == ABROAD:
            yield FieldError("field.err.kato_abroad", part="kato")
        elif kato and region and not kato.startswith(region):
            yield FieldError("field.err.kato_region", part="kato", digits=region)
        postcode = value.get("postcode")
        if postcode and region != ABROAD and not re.fullmatch(r"[0-9]{6}|[A-Z][0-9]{2}[A-Z][0-9][A-Z][0-9]", postcode):
            yield FieldError("field.err.postcode", part="postcode")

    def text(self, value: Any, field: Field, language: str, names: Mapping[str, str] | None = None) -> str:
        """Return the address as it is written on a letter; the KATO code at its end."""
        shown = {key: asked.text(value.get(key), language) for key, asked in field.subfields.items()}
        at_home = ("postcode", "region", "locality", "street")
        order = at_home if value.get("region") != ABROAD else ("locality", "street", "postcode")
        words = [shown[key] for key in order if shown.get(key)]
        kato = say("field.address.kato_shown", language, kato=shown["kato"]) if shown.get("kato") else ""
        return ", ".join([*words, *([kato] if kato else [])])


class Person(Composite):
    """A natural person, as in the identity document."""

    name = "person"
    asks = (
        PartOf("family_name", "text", required=True, max_length=100),
        PartOf("given_name", "text", required=True, max_length=100),
        PartOf("patronymic", "text", max_length=100),
        PartOf("iin", "iin"),
        PartOf("birth_date", "date"),
        PartOf("citizenship", "choice", options=("kazakhstan", "foreign", "stateless")),
    )

    def disagreements(self, value: Mapping[str, str], field: Field) -> Iterator[FieldError]:
        iin, born = value.get("iin"), value.get("birth_date")
        if "iin" in self.parts(field) and value.get("citizenship") == "kazakhstan" and not iin:
            yield FieldError("field.err.person_iin", part="iin")
        on = identifiers.birth_date(iin) if iin else None
        if born and on is not None and on.isoformat() != born:
            yield FieldError("field.err.person_birth", part="birth_date")

    def text(self, value: Any, field: Field, language: str, names: Mapping[str, str] | None = None) -> str:
        shown = {key: asked.text(value.get(key), language) for key, asked in field.subfields.items()}
        name = " ".join(filter(None, (shown.get(key) for key in ("family_name", "given_name", "patronymic"))))
        iin = say("field.person.iin_shown", language, iin=shown["iin"]) if shown.get("iin") else ""
        born = say("field.person.born_shown", language, date=shown["birth_date"]) if shown.get("birth_date") else ""
        return ", ".join(filter(None, (name, iin, born, shown.get("citizenship"))))


class BankDetails(Composite):
    """An account: the bank, its BIC, the IBAN with its check digits."""

    name = "bank_details"
    asks = (
        PartOf("bank", "text", required=True, max_length=200),
        PartOf("bic", "bic", required=True),
        PartOf("iban", "iban", required=True),
        PartOf("kbe", "kbe"),
    )

    def disagreements(self, value: Mapping[str, str], field: Field) -> Iterator[FieldError]:
        bic, iban = value.get("bic"), value.get("iban")
        if bic and iban and bic[4:6] != iban[:2]:
            yield FieldError("field.err.bic_country", part="bic", country=iban[:2])

    def text(self, value: Any, field: Field, language: str, names: Mapping[str, str] | None = None) -> str:
        shown = {key: asked.text(value.get(key), language) for key, asked in field.subfields.items()}
        bic = say("field.bank_details.bic_shown", language, bic=shown["bic"]) if shown.get("bic") else ""
        iban = say("field.bank_details.iban_shown", language, iban=shown["iban"]) if shown.get("iban") else ""
        kbe = say("field.bank_details.kbe_shown", language, kbe=shown["kbe"]) if shown.get("kbe") else ""
        return ", ".join(filter(None, (shown.get("bank"), bic, iban, kbe)))


_SP = r"AAA|(?:AA|A|BBB|BB|B|CCC)[+-]?|CC|C|RD|SD|D"
_MOODYS = r"Aaa|(?:Aa|A|Baa|Ba|B|Caa)[123]|Ca|C"
GRADES = {
    ("sp", "international"): (_SP, "BBB-"),
    ("sp", "national"): (rf"kz(?:{_SP})", "kzAA-"),
    ("fitch", "international"): (_SP, "BBB-"),
    ("fitch", "national"): (rf"(?:{_SP})\s?\(kaz\)", "AA-(kaz)"),
    ("moodys", "international"): (_MOODYS, "Baa3"),
    ("moodys", "national"): (rf"(?:{_MOODYS})\.kz", "Aa3.kz"),
}
"""Agency and scale -> the shape of its long-term grades, and one to show as an example."""


class Rating(Composite):
    """A credit rating: the agency, its scale, the grade in its own letters, the day of the rating action."""

    name = "rating"
    asks = (
        PartOf("agency", "choice", required=True, options=("sp", "moodys", "fitch", "other")),
        PartOf("scale", "choice", required=True, options=("international", "national")),
        PartOf("grade", "text", required=True, max_length=40),
        PartOf("outlook", "choice", options=("positive", "stable", "negative", "developing")),
        PartOf("date", "date", required=True),
    )

    def disagreements(self, value: Mapping[str, str], field: Field) -> Iterator[FieldError]:
        shape = GRADES.get((value.get("agency", ""), value.get("scale", "")))
        grade = value.get("grade")
        if grade and shape is not None and not re.fullmatch(shape[0], grade):
            yield FieldError("field.err.grade", part="grade", example=shape[1])

    def text(self, value: Any, field: Field, language: str, names: Mapping[str, str] | None = None) -> str:
        shown = {key: asked.text(value.get(key), language) for key, asked in field.subfields.items()}
        first = " ".join(filter(None, (shown.get("agency"), shown.get("grade"))))
        return ", ".join(filter(None, (first, shown.get("scale"), shown.get("outlook"), shown.get("date"))))


UNITS = {"days": Decimal(1), "months": Decimal(365) / 12, "years": Decimal(365)}
"""Unit of a period -> its days, for comparing periods with each other."""


class Duration(Composite):
    """A period in whole units: {"amount": "3", "unit": "years"}; ``units`` keeps it to some of them."""

    name = "duration"
    input = "duration"
    sort = "duration"
    options = frozenset({"units"})
    asks = (
        PartOf("amount", "number", required=True, max_length=12),
        PartOf("unit", "choice", required=True, options=tuple(UNITS)),
    )

    def parts(self, field: Field) -> tuple[str, ...]:
        return ("amount", "unit")

    def parse(self, raw: Raw, field: Field) -> Any:
        """Read both parts; a unit alone is no answer, and the one unit of a field need not be chosen."""
        value = super().parse(raw, field)
        if value is None or "amount" not in value:
            return None
        if "unit" not in value and len(field.units) == 1:
            value["unit"] = field.units[0]
        return value

    def disagreements(self, value: Mapping[str, str], field: Field) -> Iterator[FieldError]:
        if "." in value["amount"] or Decimal(value["amount"]) <= 0:
            yield FieldError("field.err.duration", part="amount")
        elif field.units and value["unit"] not in field.units:
            yield FieldError("field.err.choice", part="unit")

    def operand(self, value: Any, field: Field) -> Any:
        return Decimal(value["amount"]) * UNITS[value["unit"]]

    def text(self, value: Any, field: Field, language: str, names: Mapping[str, str] | None = None) -> str:
        amount, unit = str(value["amount"]), value.get("unit")
        if unit not in UNITS:
            return amount
        return f"{amount}{NBSP}{say(f'field.unit.{unit}.{_counted(amount, language)}', language)}"


def _counted(amount: str, language: str) -> str:
    """Return which form of a noun stands after a number: one, few, many."""
    if language != "ru":
        return "one" if amount == "1" else "many"
    if len(amount) > 1 and amount[-2] == "1":
        return "many"
    return {"1": "one", "2": "few", "3": "few", "4": "few"}.get(amount[-1:], "many")
