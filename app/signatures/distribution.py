"""Which list speaks for which certificate: distribution points (RFC 5280, 4.2.1.13) and the scope of a list (5.2.5)."""

from __future__ import annotations

from dataclasses import dataclass

from app.signatures import asn1, names
from app.signatures.asn1 import Element, Malformed
from app.signatures.extensions import MOST_ELEMENTS
from app.signatures.names import DIRECTORY, GeneralName

ALL_REASONS = frozenset(range(1, 9))
"""The bits of ReasonFlags: keyCompromise 1 to aACompromise 8."""


@dataclass(frozen=True)
class Place:
    """The name of a distribution point: full names, or a relative name (SET, DER) below its issuer's."""

    full: tuple[GeneralName, ...] = ()
    relative: bytes | None = None

    def names(self, issuer: bytes) -> tuple[GeneralName, ...]:
        """Return the full names; ``issuer`` is the Name to which a relative one belongs."""
        if self.relative is None:
            return self.full
        whole = asn1.parse(issuer)
        return (GeneralName(DIRECTORY, asn1.tlv(asn1.SEQUENCE, whole.content, self.relative)),)


@dataclass(frozen=True)
class Point:
    """Where a certificate says that its status is to be found: which list, for which reasons, by whom."""

    place: Place | None = None
    reasons: frozenset[int] = ALL_REASONS
    issuers: tuple[GeneralName, ...] = ()


@dataclass(frozen=True)
class Scope:
    """What a list says it speaks for; ``der`` identifies the scope, b"" when the list states none."""

    place: Place | None = None
    users_only: bool = False
    authorities_only: bool = False
    attributes_only: bool = False
    reasons: frozenset[int] = ALL_REASONS
    is_indirect: bool = False
    der: bytes = b""


EVERYTHING = Scope()


def read_points(value: bytes) -> tuple[Point, ...]:
    """Return the distribution points of a certificate's extension.

    Raises:
        Malformed: it does not follow its syntax.
    """
    element = asn1.parse(value, elements=MOST_ELEMENTS)
    if element.tag != asn1.SEQUENCE:
        raise Malformed(detail="distribution points")
    return tuple(map(_point, element.children))


def _point(element: Element) -> Point:
    parts = _parts(element, {0xA0, 0x81, 0xA2})
    return Point(
        place=_place(parts[0xA0]) if 0xA0 in parts else None,
        reasons=_reasons(parts[0x81]) if 0x81 in parts else ALL_REASONS,
        issuers=names.general_names(parts[0xA2]) if 0xA2 in parts else (),
    )


def read_scope(value: bytes) -> Scope:
    """Return the scope of a list's issuing distribution point.

    Raises:
        Malformed: it does not follow its syntax, or says that it speaks for two kinds only.
    """
    parts = _parts(asn1.parse(value, elements=MOST_ELEMENTS), {0xA0, 0x81, 0x82, 0x83, 0x84, 0x85})
    users, authorities, indirect, attributes = (_is_true(parts.get(tag)) for tag in (0x81, 0x82, 0x84, 0x85))
    if users + authorities + attributes > 1:
        raise Malformed(detail="scope of a list")
    return Scope(
        place=_place(parts[0xA0]) if 0xA0 in parts else None,
        users_only=users,
        authorities_only=authorities,
        attributes_only=attributes,
        reasons=_reasons(parts[0x83]) if 0x83 in parts else ALL_REASONS,
        is_indirect=indirect,
        der=value,
    )


def _parts(element: Element, known: set[int]) -> dict[int, Element]:
    parts = {part.tag: part for part in element.children}
    if element.tag != asn1.SEQUENCE or len(parts) != len(element.children) or not parts.keys() <= known:
        raise Malformed(detail="distribution point")
    return parts


def _place(element: Element) -> Place:
    if len(element.children) != 1:
        raise Malformed(detail="name of a distribution point")
    name = element.children[0]
    if name.tag == 0xA0:
        return Place(full=names.general_names(name))
    if name.tag == 0xA1:
        return Place(relative=asn1.tlv(asn1.SET, name.content))
    raise Malformed(detail="name of a distribution point")


def _reasons(bits: Element) -> frozenset[int]:
    unused, *octets = bits.content or b"\0"
    found = (8 * at + bit for at, octet in enumerate(octets) for bit in range(8) if octet & (0x80 >> bit))
    if unused > 7:
        raise Malformed(detail="reasons")
    return frozenset(found) & ALL_REASONS


def _is_true(flag: Element | None) -> bool:
    if flag is not None and len(flag.content) != 1:
        raise Malformed(detail="flag")
    return flag is not None and flag.content != b"\0"
