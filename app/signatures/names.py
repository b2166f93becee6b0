"""Names: of persons and authorities (RFC 5280, 4.1.2.4) and the general names of extensions (4.2.1.6).

Names are read from the DER, attribute by attribute; a flattened "CN=…, OU=…" is never parsed:
the order differs between generations, and a CN may hold text that looks like another attribute.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.signatures import asn1
from app.signatures.asn1 import Element, Malformed

CN, SURNAME, SERIAL_NUMBER, COUNTRY = "2.5.4.3", "2.5.4.4", "2.5.4.5", "2.5.4.6"
ORGANISATION, UNIT, GIVEN_NAME = "2.5.4.10", "2.5.4.11", "2.5.4.42"
EMAIL = "1.2.840.113549.1.9.1"

LONGEST_NAME, MOST_ELEMENTS = 16_384, 1_000
MOST_NAMES = 16
"""General names that are compared where there may be any number of them."""

OTHER, RFC822, DNS, X400, DIRECTORY, EDI, URI, IP, REGISTERED = range(9)
"""Kinds of general names, by the number of their tag."""

Relative = tuple[tuple[str, str, str], ...]
"""A relative name made comparable: (type, how the value is meant, value), sorted."""


@lru_cache(maxsize=1024)
def pairs(name: bytes) -> tuple[tuple[tuple[str, bytes], ...], ...]:
    """Return a Name as its relative names, each a tuple of (type, value in DER).

    Raises:
        Malformed: it is no Name, or one much longer than names are.
    """
    if len(name) > LONGEST_NAME:
        raise Malformed(detail="long name")
    root = asn1.parse(name, elements=MOST_ELEMENTS)
    if root.tag != asn1.SEQUENCE or not all(relative.tag == asn1.SET for relative in root.children):
        raise Malformed(detail="name")
    return tuple(tuple(map(_pair, relative.children)) for relative in root.children)


_UNSEEN = frozenset({"Cc", "Cf", "Cs"})


def _pair(element: Element) -> tuple[str, bytes]:
    if element.tag != asn1.SEQUENCE or len(element.children) != 2:
        raise Malformed(detail="name")
    oid, value = element.children
    return asn1.dotted(oid), value.raw


@lru_cache(maxsize=1024)
def attributes(name: bytes) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Return a Name as its relative names, each a tuple of (type, text).

    Raises:
        Malformed: it is no Name, or a value is not text.
    """
    return tuple(tuple((oid, asn1.text(value)) for oid, value in relative) for relative in pairs(name))


def texts(name: bytes, oid: str) -> list[str]:
    """Return the values of one type of attribute, each text.

    Raises:
        Malformed: it is no Name, or such a value is not text.
    """
    return [asn1.text(value) for relative in pairs(name) for one, value in relative if one == oid]


@lru_cache(maxsize=1024)
def comparable(name: bytes) -> tuple[Relative, ...]:
    """Return a Name in the form in which equal names are equal (RFC 5280, 7.1; RFC 4518).

    Text loses case, hidden characters and surplus spaces, whatever its string type; a value that
    is not text stays as its bytes.

    Raises:
        Malformed: it is no Name.
    """
    return tuple(tuple(sorted((oid, *_comparable(value)) for oid, value in relative)) for relative in pairs(name))


def _comparable(value: bytes) -> tuple[str, str]:
    try:
        return "text", _prepared(asn1.text(value))
    except Malformed:
        return "der", value.hex()


def _prepared(text: str) -> str:
    kept = []
    for sign in text:
        if sign.isspace():
            kept.append(" ")
        elif unicodedata.category(sign) not in ("Cc", "Cf"):
            kept.append(sign)
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", "".join(kept)).casefold())
    return " ".join(folded.split())


def same_name(one: bytes, other: bytes) -> bool:
    """Whether two names are the same: byte for byte, else by RFC 5280, 7.1."""
    if one == other:
        return True
    try:
        return comparable(one) == comparable(other)
    except Malformed:
        return False


def is_below(name: bytes, above: bytes) -> bool:
    """Whether a name lies in the subtree of another: it begins with all of that one's relative names.

    Raises:
        Malformed: one of them is no Name.
    """
    base = comparable(above)
    return comparable(name)[: len(base)] == base


def display(name: bytes) -> str:
    """Return the name for people: its common name, else its organisation, else nothing; never to be parsed."""
    try:
        texts = {oid: text for relative in attributes(name) for oid, text in relative}
    except Malformed:
        return ""
    return shown(texts.get(CN) or texts.get(ORGANISATION) or "")


def shown(text: str) -> str:
    """Return a text without the signs that no reader sees: a line break could forge a line of a report."""
    return "".join("\ufffd" if unicodedata.category(sign) in _UNSEEN else sign for sign in text)


# --- general names --------------------------------------------------------------------------------


@dataclass(frozen=True)
class GeneralName:
    """A name in one of nine forms; ``value`` is a Name in DER for DIRECTORY, else the octets within the tag."""

    kind: int
    value: bytes

    def is_same(self, other: GeneralName) -> bool:
        """Whether both name the same."""
        if self.kind == other.kind == DIRECTORY:
            return same_name(self.value, other.value)
        return self == other


def general_names(element: Element) -> tuple[GeneralName, ...]:
    """Return the GeneralNames that an element holds, whatever its own tag."""
    return tuple(map(general_name, element.children))


_CONSTRUCTED = frozenset({OTHER, X400, DIRECTORY, EDI})


def general_name(element: Element) -> GeneralName:
    """Return one GeneralName.

    Raises:
        Malformed: it is none.
    """
    kind = element.tag & 0x1F
    if kind > REGISTERED or element.tag != (0xA0 if kind in _CONSTRUCTED else 0x80) | kind:
        raise Malformed(detail="general name")
    if kind != DIRECTORY:
        return GeneralName(kind, element.content)
    if len(element.children) != 1 or element.children[0].tag != asn1.SEQUENCE:
        raise Malformed(detail="directory name")
    return GeneralName(DIRECTORY, element.children[0].raw)


def share_one(some: Sequence[GeneralName], others: Sequence[GeneralName]) -> bool:
    """Whether a name of the one list stands in the other; only the first of either are looked at."""
    return any(one.is_same(other) for one in some[:MOST_NAMES] for other in others[:MOST_NAMES])
