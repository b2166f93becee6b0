"""Extensions, as certificates, revocation lists and their entries carry them (RFC 5280, 4.1.2.9)."""

from __future__ import annotations

from collections.abc import Mapping

from app.signatures import asn1
from app.signatures.asn1 import Element, Malformed

MOST_EXTENSIONS = 64
MOST_ELEMENTS = 500
"""Elements within one extension; authorities write a few dozen."""

Extensions = Mapping[str, tuple[bool, bytes]]
"""Object identifier -> whether the extension is critical, and its value in DER."""


def read(element: Element) -> Extensions:
    """Return the extensions in a SEQUENCE of them.

    Raises:
        Malformed: it is none, one of them stands twice, or there are far more than anybody needs.
    """
    found: dict[str, tuple[bool, bytes]] = {}
    if len(element.children) > MOST_EXTENSIONS:
        raise Malformed(detail="too many extensions")
    for extension in sequence(element):
        parts = sequence(extension)
        if len(parts) not in (2, 3) or parts[-1].tag != asn1.OCTETS:
            raise Malformed(detail="extension")
        oid = asn1.dotted(parts[0])
        if oid in found:
            raise Malformed(detail=f"extension {oid} twice")
        found[oid] = (len(parts) == 3 and flag(parts[1]), parts[-1].content)
    return found


def value(extensions: Extensions, oid: str) -> Element | None:
    """Return the value of an extension, None when there is none such."""
    return asn1.parse(extensions[oid][1], elements=MOST_ELEMENTS) if oid in extensions else None


def sequence(element: Element) -> tuple[Element, ...]:
    """Return what a SEQUENCE holds."""
    if element.tag != asn1.SEQUENCE:
        raise Malformed(detail="sequence")
    return element.children


def flag(element: Element) -> bool:
    """Return a BOOLEAN."""
    if element.tag != asn1.BOOLEAN or element.content not in (b"\0", b"\xff"):
        raise Malformed(detail="boolean")
    return element.content == b"\xff"


def integer(element: Element) -> int:
    """Return an INTEGER."""
    if element.tag != asn1.INTEGER:
        raise Malformed(detail="integer")
    return int.from_bytes(element.content, "big", signed=True)
