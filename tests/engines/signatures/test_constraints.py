"""Names: when two are one, and which an authority may certify."""

from __future__ import annotations

import pytest

from app.signatures import asn1, constraints, names
from app.signatures.asn1 import Malformed, tlv
from app.signatures.constraints import Budget, NameConstraints, TooMany
from app.signatures.names import DIRECTORY, DNS, EDI, IP, OTHER, REGISTERED, RFC822, URI, GeneralName

SEQUENCE, SET = asn1.SEQUENCE, asn1.SET
UTF8, PRINTABLE, IA5, BMP, BITS = 0x0C, 0x13, 0x16, 0x1E, 0x03
COMMON_NAME, FIRM_NAME, COUNTRY = "2.5.4.3", "2.5.4.10", "2.5.4.6"


def _pair(oid: str, value: str | bytes, kind: int = UTF8) -> bytes:
    encoded = value if isinstance(value, bytes) else value.encode("utf-16-be" if kind == BMP else "utf-8")
    return tlv(SEQUENCE, asn1.oid(oid), tlv(kind, encoded))


def _name(*relatives: bytes | tuple[bytes, ...]) -> bytes:
    return tlv(SEQUENCE, *(tlv(SET, *((one,) if isinstance(one, bytes) else one)) for one in relatives))


KZ, FIRM = _pair(COUNTRY, "KZ", PRINTABLE), _pair(FIRM_NAME, "АҚ «Қазына»")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (_pair(COMMON_NAME, "Kazyna JSC"), _pair(COMMON_NAME, "KAZYNA jsc", PRINTABLE), True),
        (_pair(COMMON_NAME, "Қазына"), _pair(COMMON_NAME, "ҚАЗЫНА", BMP), True),
        (_pair(COMMON_NAME, "  Kazyna \t JSC "), _pair(COMMON_NAME, "Kazyna JSC"), True),
        (_pair(COMMON_NAME, "Kazyna\u200b JSC"), _pair(COMMON_NAME, "Kazyna JSC"), True),
        (_pair(COMMON_NAME, "ﬁrm"), _pair(COMMON_NAME, "firm"), True),
        (_pair(COMMON_NAME, "KazynaJSC"), _pair(COMMON_NAME, "Kazyna JSC"), False),
        (_pair(COMMON_NAME, "Kazyna"), _pair(FIRM_NAME, "Kazyna"), False),
        (_pair(COMMON_NAME, "Kаzyna"), _pair(COMMON_NAME, "Kazyna"), False),  # the first has a Cyrillic а
        (_pair(COMMON_NAME, b"\0\1", BITS), _pair(COMMON_NAME, b"\0\1", BITS), True),
        (_pair(COMMON_NAME, b"\0\1", BITS), _pair(COMMON_NAME, b"\0\2", BITS), False),
    ],
)
def test_names_are_one_by_their_text_not_by_its_dress(one, other, same):
    assert names.same_name(_name(KZ, one), _name(KZ, other)) is same
    assert names.same_name(_name((one, KZ)), _name((KZ, other))) is same


def test_the_order_and_number_of_relative_names_count():
    assert not names.same_name(_name(KZ, FIRM), _name(FIRM, KZ))
    assert not names.same_name(_name(KZ, FIRM), _name((KZ, FIRM)))
    assert not names.same_name(_name(KZ), _name(KZ, KZ))


@pytest.mark.parametrize("der", [b"", b"\x30", b"\x31\0", _name(KZ)[:-1], tlv(SEQUENCE, KZ), _name(FIRM) + b"\0"])
def test_what_is_no_name_is_no_ones_name(der):
    assert not names.same_name(der, _name(KZ))
    assert names.display(der) == ""
    with pytest.raises(Malformed):
        names.comparable(der)


def test_a_name_longer_than_names_are_is_compared_by_its_bytes_only():
    long = _name(*(_pair(FIRM_NAME, f"unit {number}") for number in range(2_000)))

    assert names.same_name(long, bytes(long))
    assert not names.same_name(long, long.replace(b"unit", b"UNIT"))


# --- constraints ------------------------------------------------------------------------------------


def _general(kind: int, value: str | bytes) -> GeneralName:
    return GeneralName(kind, value if isinstance(value, bytes) else value.encode())


SUBTREES = [
    # form, base, name, within
    (DIRECTORY, _name(KZ), _name(KZ, FIRM), True),
    (DIRECTORY, _name(KZ, FIRM), _name(KZ), False),
    (DIRECTORY, _name(FIRM), _name(KZ, FIRM), False),
    (DIRECTORY, _name(_pair(FIRM_NAME, "kazyna")), _name(_pair(FIRM_NAME, "KAZYNA"), KZ), True),
    (DIRECTORY, b"\x30\0", _name(KZ), True),
    (RFC822, "kase.kz", "first@kase.kz", True),
    (RFC822, "kase.kz", "first@KASE.kz", True),
    (RFC822, "kase.kz", "first@mail.kase.kz", False),
    (RFC822, ".kase.kz", "first@mail.kase.kz", True),
    (RFC822, ".kase.kz", "first@kase.kz", False),
    (RFC822, "first@kase.kz", "first@kase.kz", True),
    (RFC822, "first@kase.kz", "second@kase.kz", False),
    (RFC822, "kase.kz", '"a@other.kz"@kase.kz', True),
    (RFC822, "", "first@kase.kz", True),
    (DNS, "kase.kz", "kase.kz", True),
    (DNS, "kase.kz", "is2in.KASE.kz", True),
    (DNS, "kase.kz", "notkase.kz", False),
    (DNS, "kase.kz", "kase.kz.", True),
    (DNS, ".kase.kz", "is2in.kase.kz", True),
    (DNS, ".kase.kz", "kase.kz", False),
    (DNS, "", "kase.kz", True),
    (URI, "kase.kz", "https://kase.kz/x", True),
    (URI, "kase.kz", "https://user:word@KASE.kz:8443/x", True),
    (URI, "kase.kz", "https://is2in.kase.kz/", False),
    (URI, ".kase.kz", "https://is2in.kase.kz/", True),
    (URI, "kase.kz", "https://evil.kz/?kase.kz", False),
    (IP, bytes([10, 0, 0, 0, 255, 0, 0, 0]), bytes([10, 1, 2, 3]), True),
    (IP, bytes([10, 0, 0, 0, 255, 0, 0, 0]), bytes([11, 1, 2, 3]), False),
    (IP, bytes(32), bytes(16), True),
    (IP, bytes(8), bytes(16), False),
]


@pytest.mark.parametrize(("form", "base", "name", "within"), SUBTREES)
def test_a_name_lies_in_a_subtree_or_not(form, base, name, within):
    base, name = _general(form, base), _general(form, name)

    def violated(bounds: NameConstraints) -> bool:
        return constraints.are_violated([bounds], b"\x30\0", [name], budget=Budget())

    assert violated(NameConstraints((base,), ())) is not within
    assert violated(NameConstraints((), (base,))) is within


REFUSED = {
    "a mail address without a host": (RFC822, "kase.kz", "first"),
    "a mail address that is not ASCII": (RFC822, "kase.kz", "ә@kase.kz"),
    "an empty host": (DNS, "kase.kz", ""),
    "a host that is not ASCII": (DNS, "kase.kz", "қазына.kz"),
    "an address without a host": (URI, "kase.kz", "urn:kase"),
    "an address of a number": (URI, "kase.kz", "https://10.0.0.1/"),
    "an address of a long number": (URI, "kase.kz", "https://[::1]/"),
    "an address that cannot be taken apart": (URI, "kase.kz", "https://[::/"),
    "a network address of five octets": (IP, bytes(8), bytes(5)),
    "a form that we do not compare": (REGISTERED, b"\x2a", b"\x2a"),
    "another that we do not compare": (EDI, b"x", b"y"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_name_that_cannot_be_compared_is_outside_whatever_the_constraint(case):
    form, base, name = REFUSED[case]
    base, name = _general(form, base), _general(form, name)

    for bounds in (NameConstraints((base,), ()), NameConstraints((), (base,))):
        assert constraints.are_violated([bounds], b"\x30\0", [name], budget=Budget())


def _violated(bounds: NameConstraints, *alternatives: GeneralName, subject: bytes = b"\x30\0") -> bool:
    return constraints.are_violated([bounds], subject, alternatives, budget=Budget())


def test_a_form_without_constraints_is_free():
    bounds = NameConstraints((_general(DNS, "kase.kz"),), ())

    assert not _violated(bounds, _general(RFC822, "first@other.kz"), _general(REGISTERED, b"\x2a"))
    assert not _violated(NameConstraints((), ()), _general(DNS, "other.kz"))


def test_mail_addresses_in_the_subject_count_too():
    bounds = NameConstraints((_general(RFC822, "kase.kz"),), (_general(RFC822, "Chief@kase.kz"),))

    assert not _violated(bounds, subject=_name(_pair(names.EMAIL, "first@kase.kz", IA5)))
    assert _violated(bounds, subject=_name(_pair(names.EMAIL, "first@other.kz", IA5)))
    assert _violated(bounds, subject=_name(_pair(names.EMAIL, "CHIEF@kase.kz", IA5)))
    assert _violated(bounds, subject=_name(_pair(names.EMAIL, b"\0\1", BITS)))


def test_a_wildcard_that_covers_an_excluded_host_is_excluded():
    assert _violated(NameConstraints((), (_general(DNS, "secret.kase.kz"),)), _general(DNS, "*.kase.kz"))
    assert not _violated(NameConstraints((), (_general(DNS, "secret.kase.kz"),)), _general(DNS, "*.other.kz"))


def test_a_mail_address_in_another_dress_does_not_slip_past():
    mailbox = GeneralName(OTHER, asn1.oid("1.3.6.1.5.5.7.8.9") + tlv(0xA0, tlv(UTF8, "ә@other.kz".encode())))

    assert _violated(NameConstraints((_general(RFC822, "kase.kz"),), ()), mailbox)
    assert not _violated(NameConstraints((_general(DNS, "kase.kz"),), ()), mailbox)


def test_more_comparisons_than_the_budget_are_not_made():
    bounds = NameConstraints(tuple(_general(DNS, f"a{number}.kz") for number in range(200)), ())
    many = [_general(DNS, f"a{number % 200}.kz") for number in range(200)]

    with pytest.raises(TooMany):
        constraints.are_violated([bounds], b"\x30\0", many, budget=Budget())


def test_constraints_are_read_and_bounds_other_than_the_whole_subtree_are_malformed():
    base = tlv(0x82, b"kase.kz")
    written = tlv(SEQUENCE, tlv(0xA0, tlv(SEQUENCE, base, tlv(0x80, b"\0"))), tlv(0xA1, tlv(SEQUENCE, base)))

    assert constraints.read(written) == NameConstraints((_general(DNS, "kase.kz"),), (_general(DNS, "kase.kz"),))
    for bad in (
        tlv(SEQUENCE, tlv(0xA0, tlv(SEQUENCE, base, tlv(0x80, b"\1")))),
        tlv(SEQUENCE, tlv(0xA0, tlv(SEQUENCE, base, tlv(0x81, b"\0")))),
        tlv(SEQUENCE, tlv(0xA0, tlv(SEQUENCE, tlv(0x87, bytes(5))))),
        tlv(SEQUENCE, tlv(0xA0, tlv(SEQUENCE, base)), tlv(0xA0, tlv(SEQUENCE, base))),
        tlv(SEQUENCE, tlv(0xA2)),
        tlv(SEQUENCE, tlv(0xA0, tlv(SEQUENCE))),
        tlv(SEQUENCE, tlv(0xA0, tlv(SEQUENCE, tlv(0x84, b"x")))),
        b"",
    ):
        with pytest.raises(Malformed):
            constraints.read(bad)
