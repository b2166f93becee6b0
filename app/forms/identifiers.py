"""The arithmetic of identifiers: plain strings in, truths out.

Each function expects what has been cleaned already (no blanks, capital letters).
"""

from __future__ import annotations

import re
from datetime import date

_DIGITS_12 = re.compile(r"[0-9]{12}")
_ISIN = re.compile(r"[A-Z]{2}[0-9A-Z]{9}[0-9]")
_LEI = re.compile(r"[0-9A-Z]{18}[0-9]{2}")
_IBAN = re.compile(r"KZ[0-9]{5}[0-9A-Z]{13}")

ORGANISATION_KINDS = "456"
"""The fifth digit of a BIN: resident, non-resident, joint entrepreneur.  It tells a BIN from an IIN."""

CENTURIES = {"1": 1800, "2": 1800, "3": 1900, "4": 1900, "5": 2000, "6": 2000}
"""The seventh digit of an IIN: century of birth and sex."""


def has_12_digits(number: str) -> bool:
    """Tell whether this is twelve ASCII digits and nothing else."""
    return _DIGITS_12.fullmatch(number) is not None


def control_digit(number: str) -> int | None:
    """Return the twelfth digit that the first eleven of a BIN or IIN demand, None if none exists.

    Source: Law of the Republic of Kazakhstan No. 223 of 12.01.2007 (national registers).
    """
    digits = [int(digit) for digit in number[:11]]
    remainder = sum(digit * weight for weight, digit in enumerate(digits, start=1)) % 11
    if remainder == 10:
        weights = (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)
        remainder = sum(digit * weight for digit, weight in zip(digits, weights, strict=True)) % 11
    return remainder if remainder < 10 else None


def control_digit_holds(number: str) -> bool:
    """Tell whether the twelfth digit agrees; ``000000000000`` agrees too, so ask for the date as well."""
    return control_digit(number) == int(number[11])


def bin_month_holds(number: str) -> bool:
    """Tell whether digits 3 and 4 of a BIN are a month."""
    return 1 <= int(number[2:4]) <= 12


def bin_kind_holds(number: str) -> bool:
    """Tell whether the fifth digit is one of an organisation's."""
    return number[4] in ORGANISATION_KINDS


def birth_date(number: str) -> date | None:
    """Return the date of birth that an IIN begins with, None if there is no such day or century."""
    century = CENTURIES.get(number[6])
    if century is None:
        return None
    try:
        return date(century + int(number[:2]), int(number[2:4]), int(number[4:6]))
    except ValueError:
        return None


def _as_numbers(code: str) -> str:
    """Write letters as numbers: A is 10, Z is 35."""
    return "".join(str(int(sign, 36)) for sign in code)


def isin_shape_holds(code: str) -> bool:
    """Tell whether this is two letters, nine letters or digits, and a digit."""
    return _ISIN.fullmatch(code) is not None


def isin_check_holds(code: str) -> bool:
    """Tell whether the check digit of an ISIN agrees (Luhn over the letters as numbers).

    A national number (NIN) looks alike and does not agree.  Source: ISO 6166.
    """
    total = 0
    for place, digit in enumerate(reversed(_as_numbers(code))):
        doubled = int(digit) * (2 if place % 2 else 1)
        total += doubled // 10 + doubled % 10
    return total % 10 == 0


def lei_shape_holds(code: str) -> bool:
    """Tell whether this is eighteen letters or digits and two check digits."""
    return _LEI.fullmatch(code) is not None


def lei_check_holds(code: str) -> bool:
    """Tell whether the two check digits of an LEI agree.  Source: ISO 17442, ISO 7064 MOD 97-10."""
    return int(_as_numbers(code)) % 97 == 1


def iban_shape_holds(code: str) -> bool:
    """Tell whether this is KZ, two check digits, three digits of the bank, thirteen letters or digits."""
    return _IBAN.fullmatch(code) is not None


def iban_check_holds(code: str) -> bool:
    """Tell whether the two check digits of an IBAN agree.  Source: ISO 13616."""
    return int(_as_numbers(code[4:] + code[:4])) % 97 == 1


_RIGHT = ("VNRE", "TU", "FOP", "BRNM")
_PREFERENCE = ("VNRE", "RETGACN", "FCPQANU", "BRNM")
_RANKS = "TGSUPNOQJC"
_REDEMPTION = "FGCDABTLPQRE"
_BOND = ("FZVK", _RANKS, _REDEMPTION, "BRNM")
_BACKED = ("FZV", _RANKS, _REDEMPTION, "BRNM")
_ASSETS = "REVLCDFKM"
_FUND = ("COM", "IGJ", _ASSETS, "SQUY")
_ANY = ("", "", "", "")

CFI_GROUPS: dict[str, dict[str, tuple[str, str, str, str]]] = {
    "E": {
        "S": _RIGHT,
        "P": _PREFERENCE,
        "C": _RIGHT,
        "F": _PREFERENCE,
        "L": _RIGHT,
        "D": ("SPCFLM", "RNBD", "FCPQANUD", "BRNM"),
        "Y": ("ABCDEM", "DYM", "FVEM", "BSDGTCINM"),
        "M": ("", "", "", "BRNM"),
    },
    "C": {
        "I": _FUND,
        "H": ("DRSEANLM", "", "", ""),
        "B": ("COM", "IGJ", "", "SQUY"),
        "E": ("COM", "IGJ", _ASSETS, "SU"),
        "S": ("COM", "BGLM", "RBM", "SU"),
        "F": ("COM", "IGJ", "IHBEPM", "SQUY"),
        "P": _FUND,
        "M": ("", "", "", "SQUY"),
    },
    "D": {
        "B": ("FZVCK", _RANKS, _REDEMPTION, "BRNM"),
        "C": _BOND,
        "W": _BOND,
        "T": _BOND,
        "S": ("ABCDM", "FDVYM", "FVM", "BSDTCINM"),
        "E": ("ABCDEM", "FDVYM", "RSCTM", "BSDTCINM"),
        "G": _BACKED,
        "A": _BACKED,
        "N": _BACKED,
        "D": ("BCWTYGNAM", "FZVC", _RANKS, _REDEMPTION),
        "Y": ("FZVK", _RANKS, "", "BRNM"),
        "M": ("BPM", "", "", "BRNM"),
    },
    "R": dict.fromkeys("ASPWFDM", _ANY),
    "O": dict.fromkeys("CPM", _ANY),
    "F": dict.fromkeys("FC", _ANY),
    "S": dict.fromkeys("RTECFM", _ANY),
    "H": dict.fromkeys("RTECFM", _ANY),
    "I": dict.fromkeys("FT", _ANY),
    "J": dict.fromkeys("EFCRT", _ANY),
    "K": dict.fromkeys("RTECFYM", _ANY),
    "L": dict.fromkeys("LRS", _ANY),
    "T": dict.fromkeys("CTRIBDM", _ANY),
    "M": dict.fromkeys("CM", _ANY),
}
"""Category -> group -> the letters of the four attributes; an empty string leaves any capital letter.

The attributes are kept for what is listed here (equities, debt, funds).  X, "not applicable",
is allowed in every attribute.  Source: ISO 10962 (2021).
"""


def cfi_wrong_letter(code: str) -> int | None:
    """Return the place (from 1) of the first letter of a CFI code that cannot stand there, None if all can.

    Place 0 says that it is not six capital Latin letters at all.
    """
    if re.fullmatch(r"[A-Z]{6}", code) is None:
        return 0
    groups = CFI_GROUPS.get(code[0])
    if groups is None:
        return 1
    attributes = groups.get(code[1])
    if attributes is None:
        return 2
    for place, (letter, allowed) in enumerate(zip(code[2:], attributes, strict=True), start=3):
        if allowed and letter != "X" and letter not in allowed:
            return place
    return None
