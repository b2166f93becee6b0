"""Field types of codes and addresses: BIN, IIN, ISIN, CFI, LEI, IBAN, telephone, e-mail.

What was typed is cleaned and kept even when a check digit is wrong, so that a draft loses nothing;
``check`` refuses it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from app.forms import identifiers
from app.forms.regions import REGIONS
from app.forms.values import FieldError, FieldType

if TYPE_CHECKING:
    from app.forms.parts import Field

_UNSEEN = "\u200b\ufeff\u00ad"
"""Signs without width that come along when a code is copied."""

Rule = tuple[Callable[[str], bool], str]
"""A condition of an identifier and the sentence said when it does not hold."""


class Identifier(FieldType):
    """A code with rules of its own: blanks and hyphens typed for reading are dropped, letters made capital."""

    rules: ClassVar[tuple[Rule, ...]]
    letters: ClassVar[bool] = True

    def canonical(self, words: str, field: Field) -> str:
        if words.isascii() and words.isalnum():
            return words.upper()
        kept = (sign for sign in words if sign not in _UNSEEN and unicodedata.category(sign) not in ("Zs", "Pd"))
        return "".join(kept).upper() or words

    def check(self, value: Any, field: Field) -> None:
        super().check(value, field)
        if self.letters and not value.isascii():
            raise FieldError("field.err.latin")
        for holds, otherwise in self.rules:
            if not holds(value):
                raise FieldError(otherwise)


class Bin(Identifier):
    """An organisation's number: 12 digits with a month, a kind and a control digit."""

    name = "bin"
    letters = False
    rules = (
        (identifiers.has_12_digits, "err.bin"),
        (identifiers.bin_month_holds, "field.err.bin_month"),
        (identifiers.bin_kind_holds, "field.err.bin_kind"),
        (identifiers.control_digit_holds, "field.err.bin_check"),
    )


class Iin(Identifier):
    """A person's number: 12 digits with a date of birth, a century and a control digit."""

    name = "iin"
    letters = False
    rules = (
        (identifiers.has_12_digits, "field.err.iin"),
        (lambda number: identifiers.birth_date(number) is not None, "field.err.iin_birth"),
        (identifiers.control_digit_holds, "field.err.iin_check"),
    )


class Isin(Identifier):
    """An international securities number with its Luhn digit."""

    name = "isin"
    rules = (
        (identifiers.isin_shape_holds, "field.err.isin"),
        (identifiers.isin_check_holds, "err.isin"),
    )


class Lei(Identifier):
    """A legal entity identifier."""

    name = "lei"
    rules = (
        (identifiers.lei_shape_holds, "field.err.lei"),
        (identifiers.lei_check_holds, "field.err.lei_check"),
    )


class Iban(Identifier):
    """An account number of a bank of Kazakhstan."""

    name = "iban"
    rules = (
        (identifiers.iban_shape_holds, "field.err.iban"),
        (identifiers.iban_check_holds, "field.err.iban_check"),
    )


class Cfi(Identifier):
    """A classification of a financial instrument: six letters, each from the list of its place."""

    name = "cfi"
    rules = ((lambda code: identifiers.cfi_wrong_letter(code) != 0, "field.err.cfi"),)

    def check(self, value: Any, field: Field) -> None:
        super().check(value, field)
        place = identifiers.cfi_wrong_letter(value)
        if place is not None:
            raise FieldError("field.err.cfi_letter", place=place, letter=value[place - 1])


class Bic(Identifier):
    """A bank's code of 8 or 11 signs (ISO 9362)."""

    name = "bic"
    rules = ((lambda code: re.fullmatch(r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?", code) is not None, "field.err.bic"),)


class Kbe(Identifier):
    """A beneficiary's code: residency (1, 2) and sector of the economy (1 to 9)."""

    name = "kbe"
    letters = False
    rules = ((lambda code: re.fullmatch(r"[12][1-9]", code) is not None, "field.err.kbe"),)


class Kato(Identifier):
    """A place by the classifier of administrative and territorial objects: nine digits, two of them the region."""

    name = "kato"
    letters = False
    rules = (
        (lambda code: re.fullmatch(r"[0-9]{9}", code) is not None, "field.err.kato"),
        (lambda code: code[:2] in REGIONS, "field.err.kato_unknown"),
    )


class Phone(FieldType):
    """A telephone number, kept in E.164; +7 may be typed as 8 or left out."""

    name = "phone"
    input = "tel"

    def canonical(self, words: str, field: Field) -> str:
        """Return the number as +77272375324; what is no number stays as typed, for ``check`` to refuse."""
        if words[:1] == "+" and words[1:].isascii() and words[1:].isdigit():
            return words
        plain = "".join(sign for sign in words if unicodedata.category(sign) not in ("Zs", "Pd") and sign not in "().")
        if re.fullmatch(r"8[3-9][0-9]{9}|7[3-9][0-9]{9}", plain):
            return f"+7{plain[1:]}"
        if re.fullmatch(r"7[0-9]{9}", plain):
            return f"+7{plain}"
        return plain or words

    def check(self, value: Any, field: Field) -> None:
        super().check(value, field)
        if not re.fullmatch(r"\+(?:7[3-9][0-9]{9}|[1-689][0-9]{6,14})", value):
            raise FieldError("field.err.phone")

    def text(self, value: Any, field: Field, language: str, names: Mapping[str, str] | None = None) -> str:
        return self.entry(value, field)

    def entry(self, value: Any, field: Field, part: str = "") -> str:
        found = re.fullmatch(r"\+7([0-9]{3})([0-9]{3})([0-9]{2})([0-9]{2})", value)
        return "+7 ({}) {} {} {}".format(*found.groups()) if found else str(value)


class Email(FieldType):
    """An e-mail address; its domain is kept in small letters."""

    name = "email"
    input = "email"
    longest = 254
    _atom = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
    _shape = re.compile(rf"{_atom}(?:\.{_atom})*@(?:[^\W_](?:[\w-]{{0,61}}[^\W_])?\.)+[^\W\d_]{{2,63}}")

    def canonical(self, words: str, field: Field) -> str:
        name, at, domain = words.rpartition("@")
        return f"{name}{at}{domain.lower()}"

    def check(self, value: Any, field: Field) -> None:
        super().check(value, field)
        if not self._shape.fullmatch(value) or len(value.rpartition("@")[0]) > 64:
            raise FieldError("field.err.email")
