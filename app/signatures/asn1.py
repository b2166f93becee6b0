"""ASN.1: a bounded reader of BER, its DER form, and the schemas we read and no more.

Nothing of a hostile file reaches pyasn1 before ``parse`` has walked it: depth, number of elements
and lengths are bounded there, and what is handed on is definite-length DER.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from io import BytesIO
from typing import Any

from pyasn1.codec.der import decoder
from pyasn1.error import PyAsn1Error
from pyasn1.type import namedtype, tag, univ

LARGEST_MESSAGE = 128 * 1024 * 1024
"""Bytes of a signed message with its content; anything larger is refused unread."""
DEEPEST = 32
MOST_ELEMENTS = 100_000
LONGEST_ARC = 20
"""Octets of one number of an object identifier."""
FEWEST_SEGMENTS, SHORTEST_SEGMENT = 10_000, 256
"""An octet string may come in that many segments, and in more when they are not shorter on average."""

SEQUENCE, SET, OCTETS, BITS, INTEGER, OID, BOOLEAN = 0x30, 0x31, 0x04, 0x03, 0x02, 0x06, 0x01
ENUMERATED, NULL, GENERALIZED_TIME = 0x0A, 0x05, 0x18
SEGMENTED = 0x24
"""An OCTET STRING in segments, as streaming encoders write it."""
_CONSTRUCTED = 0x20
_STRINGS = frozenset({0x03, 0x04, 0x0C, 0x12, 0x13, 0x14, 0x16, 0x17, 0x18, 0x1A, 0x1C, 0x1E})


class Malformed(Exception):
    """Bytes that are not what they should be; ``code`` is the reason in the report."""

    def __init__(self, code: str = "malformed", detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


# --- reading ------------------------------------------------------------------------------------


@dataclass(slots=True)
class Element:
    """One tag-length-value as it lies in ``source``; ``is_der`` also speaks for all it holds.

    ``segments`` are the places of the pieces in which an octet string was sent (X.690, 8.7.3).
    """

    source: bytes
    tag: int
    start: int
    body: int
    end: int
    after: int
    is_der: bool
    children: tuple[Element, ...] = ()
    segments: tuple[tuple[int, int], ...] = ()

    @property
    def octets(self) -> bytes:
        """Return the value of an octet string, in one piece."""
        if self.tag == OCTETS:
            return self.content
        if self.tag != SEGMENTED:
            raise Malformed(detail="octet string")
        source = memoryview(self.source)
        return b"".join(source[start:end] for start, end in self.segments)

    @property
    def content(self) -> bytes:
        """Return the value without tag and length."""
        return self.source[self.body : self.end]

    @property
    def raw(self) -> bytes:
        """Return the element as it stands in the source."""
        return self.source[self.start : self.after]

    def der(self) -> bytes:
        """Return the element with definite, shortest lengths and its strings in one piece."""
        if self.is_der:
            return self.raw
        if not self.tag & _CONSTRUCTED:
            return tlv(self.tag, self.content)
        if self.tag == SEGMENTED:
            return tlv(OCTETS, self.octets)
        if (self.tag & ~_CONSTRUCTED) in _STRINGS:
            return tlv(self.tag & ~_CONSTRUCTED, b"".join(_pieces(self)))
        return tlv(self.tag, b"".join(child.der() for child in self.children))


def _pieces(string: Element) -> Iterator[bytes]:
    """Yield the pieces of a string that was sent in segments (X.690, 8.7.3)."""
    kind = string.tag & ~_CONSTRUCTED
    if kind == BITS:
        raise Malformed(detail="bit string in segments")
    for child in string.children:
        if child.tag == kind:
            yield child.content
        elif child.tag == kind | _CONSTRUCTED:
            yield from _pieces(child)
        else:
            raise Malformed(detail="foreign segment in a string")


def tlv(tag_octet: int, *contents: bytes) -> bytes:
    """Return one DER element."""
    content = b"".join(contents)
    size = len(content)
    if size < 0x80:
        return bytes((tag_octet, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag_octet, 0x80 | len(length))) + length + content


def oid(dotted: str) -> bytes:
    """Return an object identifier as DER."""
    first, second, *arcs = map(int, dotted.split("."))
    octets = bytearray()
    for arc in (40 * first + second, *arcs):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | arc & 0x7F)
        octets += bytes(reversed(groups))
    return tlv(OID, bytes(octets))


def dotted(element: Element) -> str:
    """Return an OBJECT IDENTIFIER as text.

    Raises:
        Malformed: the element is none.
    """
    if element.tag != OID:
        raise Malformed(detail="object identifier")
    return _dotted(element.content)


@lru_cache(maxsize=1024)
def _dotted(octets: bytes) -> str:
    arcs: list[int] = []
    arc = size = 0
    for octet in octets:
        size += 1
        if size > LONGEST_ARC or (size == 1 and octet == 0x80):
            raise Malformed(detail="object identifier")
        arc = arc << 7 | octet & 0x7F
        if octet < 0x80:
            arcs.append(arc)
            arc = size = 0
    if size or not arcs:
        raise Malformed(detail="object identifier")
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def integer(number: int) -> bytes:
    """Return an INTEGER as DER."""
    return tlv(INTEGER, number.to_bytes((number if number >= 0 else ~number).bit_length() // 8 + 1, "big", signed=True))


@dataclass(slots=True)
class _Walk:
    source: bytes
    left: int = field(default=MOST_ELEMENTS)

    def element(self, at: int, limit: int, depth: int) -> Element:
        if depth > DEEPEST:
            raise Malformed(detail="nested too deep")
        self.left -= 1
        if self.left < 0:
            raise Malformed(detail="too many elements")
        octet, body, size, shortest = _header(self.source, at, limit)
        if size is None and not octet & _CONSTRUCTED:
            raise Malformed(detail="indefinite length of a primitive")
        if not octet & _CONSTRUCTED:
            assert size is not None
            if octet in (SEQUENCE & ~_CONSTRUCTED, SET & ~_CONSTRUCTED):
                raise Malformed(detail="primitive sequence or set")
            end = body + size
            return Element(
                self.source, octet, at, body, end, end, shortest and _is_der_value(self.source, octet, body, end)
            )
        if octet == SEGMENTED:
            segments: list[tuple[int, int]] = []
            end, after = self.segments(body, limit, size, depth, segments)
            return Element(self.source, octet, at, body, end, after, False, (), tuple(segments))
        children: list[Element] = []
        position = body
        stop = limit if size is None else body + size
        while True:
            if size is not None and position == stop:
                after = end = stop
                break
            if size is None and self.source[position : position + 2] == b"\0\0" and position + 2 <= limit:
                end, after = position, position + 2
                break
            child = self.element(position, stop, depth + 1)
            children.append(child)
            position = child.after
        is_der = shortest and size is not None and (octet & ~_CONSTRUCTED) not in _STRINGS
        is_der = is_der and all(child.is_der for child in children)
        return Element(self.source, octet, at, body, end, after, is_der, tuple(children))

    def segments(
        self, position: int, limit: int, size: int | None, depth: int, found: list[tuple[int, int]]
    ) -> tuple[int, int]:
        """Collect the segments of an octet string from ``position``; return its end and where the next element is.

        A long document comes in many thousands of them, so none becomes an Element.
        """
        if depth > DEEPEST:
            raise Malformed(detail="nested too deep")
        most = FEWEST_SEGMENTS + len(self.source) // SHORTEST_SEGMENT
        stop = limit if size is None else position + size
        while True:
            if size is not None and position == stop:
                return stop, stop
            if size is None and self.source[position : position + 2] == b"\0\0" and position + 2 <= limit:
                return position, position + 2
            octet, body, length, _ = _header(self.source, position, stop)
            if octet == OCTETS and length is not None:
                position = body + length
                found.append((body, position))
            elif octet == SEGMENTED:
                found.append((body, body))  # so that empty ones are bounded too
                _, position = self.segments(body, stop, length, depth + 1, found)
            else:
                raise Malformed(detail="foreign segment in a string")
            if len(found) > most:
                raise Malformed(detail="too many segments")


def _header(source: bytes, at: int, limit: int) -> tuple[int, int, int | None, bool]:
    """Return tag octet, start of the value, its size (None: indefinite), and whether the length is the shortest."""
    if at + 2 > limit:
        raise Malformed(detail="cut short")
    octet, length = source[at], source[at + 1]
    if octet & 0x1F == 0x1F or octet == 0:
        raise Malformed(detail="tag not in use here")
    if length == 0x80:
        return octet, at + 2, None, False
    if length < 0x80:
        body, size, shortest = at + 2, length, True
    else:
        count = length & 0x7F
        body = at + 2 + count
        if count > 8 or body > limit:
            raise Malformed(detail="length of a length")
        size = int.from_bytes(source[at + 2 : body], "big")
        shortest = size >= 0x80 and source[at + 2] != 0
    if size > limit - body:
        raise Malformed(detail="length beyond the end")
    return octet, body, size, shortest


def _is_der_value(source: bytes, octet: int, body: int, end: int) -> bool:
    size = end - body
    if octet == INTEGER:
        if size == 0:
            raise Malformed(detail="empty integer")
        first, second = source[body], source[body + 1] if size > 1 else None
        return second is None or not ((first == 0 and second < 0x80) or (first == 0xFF and second >= 0x80))
    if octet == BOOLEAN:
        return size == 1 and source[body] in (0, 0xFF)
    if octet == OID and (size == 0 or source[end - 1] & 0x80):
        raise Malformed(detail="object identifier")
    return True


def parse(data: bytes, *, elements: int = MOST_ELEMENTS) -> Element:
    """Read one BER element that fills ``data``.

    Raises:
        Malformed: code ``empty``, ``too_large``, ``trailing_data`` or ``malformed``.
    """
    if not data:
        raise Malformed("empty")
    if len(data) > LARGEST_MESSAGE:
        raise Malformed("too_large")
    root = _Walk(data, elements).element(0, len(data), 0)
    if root.after != len(data):
        raise Malformed("trailing_data")
    return root


def shallow(data: bytes, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield (tag, start, start of value, end) of the definite elements that fill ``data[start:end]``."""
    while start < end:
        octet, body, size, _ = _header(data, start, end)
        if size is None:
            raise Malformed(detail="indefinite length")
        yield octet, start, body, body + size
        start = body + size


_SPACE = b" \t\r\n\v\f"
_PIECE = 1024 * 1024


def unbase64(written: bytes | memoryview | str) -> bytes:
    """Return base64, with any white space in it, as bytes; piece by piece, for it may be a hundred megabytes.

    Raises:
        Malformed: it is not base64.
    """
    try:
        view = memoryview(written.encode("ascii") if isinstance(written, str) else written)
        octets, rest, is_padded = BytesIO(), b"", False
        for at in range(0, len(view), _PIECE):
            piece = rest + bytes(view[at : at + _PIECE]).translate(None, _SPACE)
            if piece and is_padded:
                raise Malformed  # the padding was not the end
            whole = len(piece) & ~3
            octets.write(base64.b64decode(piece[:whole], validate=True))
            is_padded, rest = is_padded or piece[:whole].endswith(b"="), piece[whole:]
            if rest and is_padded:
                raise Malformed
    except ValueError:
        raise Malformed from None
    if rest:
        raise Malformed
    return octets.getvalue()


def armour(der: bytes, label: str) -> str:
    """Return bytes as PEM, 64 signs a line."""
    written = base64.b64encode(der).decode()
    lines = [written[at : at + 64] for at in range(0, len(written), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])


# pyasn1 answers hostile input with more than its own errors: all of these mean "not this schema".
_NOT_THIS_SCHEMA = (
    PyAsn1Error, ValueError, TypeError, IndexError, KeyError, AttributeError, OverflowError, RecursionError,
)  # fmt: skip


def decode(der: bytes, schema: Any) -> Any:
    """Decode DER by a schema; nothing may follow it.

    Raises:
        Malformed: the bytes do not follow the schema.
    """
    try:
        value, rest = decoder.decode(der, asn1Spec=schema)
    except _NOT_THIS_SCHEMA as error:
        raise Malformed(detail=type(error).__name__) from None
    if rest:
        raise Malformed("trailing_data")
    return value


_UTC_TIME = re.compile(rb"[0-9]{12}Z")
_GENERALIZED_TIME = re.compile(rb"[0-9]{14}Z")


def moment(octet: int, content: bytes) -> datetime:
    """Return a UTCTime or GeneralizedTime, in DER's one form, as aware UTC."""
    try:
        if octet == 0x17 and _UTC_TIME.fullmatch(content):
            year = int(content[:2])
            text = f"{2000 + year if year < 50 else 1900 + year}{content[2:-1].decode()}"
        elif octet == 0x18 and _GENERALIZED_TIME.fullmatch(content):
            text = content[:-1].decode()
        else:
            raise Malformed(detail="time")
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise Malformed(detail="time") from None


# --- schemas ------------------------------------------------------------------------------------
# Parts that are signed, or that only a few messages have, are Any: their bytes are kept as they came.

_need, _may, _default = namedtype.NamedType, namedtype.OptionalNamedType, namedtype.DefaultedNamedType
_ANY, _INTEGER, _OCTETS = univ.Any(), univ.Integer(), univ.OctetString()
OBJECT_IDENTIFIER = univ.ObjectIdentifier()


def _context(number: int, *, constructed: bool) -> tag.Tag:
    return tag.Tag(tag.tagClassContext, tag.tagFormatConstructed if constructed else tag.tagFormatSimple, number)


def _explicit(number: int, schema: Any) -> Any:
    return schema.subtype(explicitTag=_context(number, constructed=True))


def _implicit(number: int, schema: Any) -> Any:
    constructed = isinstance(schema, univ.SequenceOfAndSetOfBase | univ.SequenceAndSetBase)
    return schema.subtype(implicitTag=_context(number, constructed=constructed))


def _sequence(*parts: Any) -> Any:
    return univ.Sequence(componentType=namedtype.NamedTypes(*parts))


def _sequence_of(schema: Any) -> Any:
    return univ.SequenceOf(componentType=schema)


def _set_of(schema: Any) -> Any:
    return univ.SetOf(componentType=schema)


ALGORITHM_IDENTIFIER = _sequence(_need("algorithm", OBJECT_IDENTIFIER), _may("parameters", _ANY))

# Cryptographic message syntax: RFC 5652.
CONTENT_INFO = _sequence(_need("contentType", OBJECT_IDENTIFIER), _need("content", _explicit(0, _ANY)))
_SIGNER_IDENTIFIER = univ.Choice(
    componentType=namedtype.NamedTypes(
        _need("issuerAndSerialNumber", _sequence(_need("issuer", _ANY), _need("serialNumber", _INTEGER))),
        _need("subjectKeyIdentifier", _implicit(0, _OCTETS)),
    )
)
SIGNER_INFO = _sequence(
    _need("version", _INTEGER),
    _need("sid", _SIGNER_IDENTIFIER),
    _need("digestAlgorithm", ALGORITHM_IDENTIFIER),
    _may("signedAttrs", _implicit(0, _set_of(_ANY))),
    _need("signatureAlgorithm", ALGORITHM_IDENTIFIER),
    _need("signature", _OCTETS),
    _may("unsignedAttrs", _implicit(1, _set_of(_ANY))),
)
SIGNED_DATA = _sequence(
    _need("version", _INTEGER),
    _need("digestAlgorithms", _set_of(ALGORITHM_IDENTIFIER)),
    _need(
        "encapContentInfo",
        _sequence(_need("eContentType", OBJECT_IDENTIFIER), _may("eContent", _explicit(0, _OCTETS))),
    ),
    _may("certificates", _implicit(0, _set_of(_ANY))),
    _may("crls", _implicit(1, _set_of(_ANY))),
    _need("signerInfos", _set_of(SIGNER_INFO)),
)
ATTRIBUTE = _sequence(_need("type", OBJECT_IDENTIFIER), _need("values", _set_of(_ANY)))

# Signing certificate, first and second: RFC 2634 and 5035.
_ISSUER_SERIAL = _sequence(_need("issuer", _sequence_of(_ANY)), _need("serialNumber", _INTEGER))
SIGNING_CERTIFICATE = _sequence(
    _need("certs", _sequence_of(_sequence(_need("certHash", _OCTETS), _may("issuerSerial", _ISSUER_SERIAL)))),
    _may("policies", _sequence_of(_ANY)),
)
SIGNING_CERTIFICATE_V2 = _sequence(
    _need(
        "certs",
        _sequence_of(
            _sequence(
                _may("hashAlgorithm", ALGORITHM_IDENTIFIER),
                _need("certHash", _OCTETS),
                _may("issuerSerial", _ISSUER_SERIAL),
            )
        ),
    ),
    _may("policies", _sequence_of(_ANY)),
)

# Certificates and lists: RFC 5280.
EXTENSIONS = _sequence_of(
    _sequence(
        _need("extnID", OBJECT_IDENTIFIER), _default("critical", univ.Boolean(False)), _need("extnValue", _OCTETS)
    )
)

_TEXT = {
    0x0C: "utf-8",
    0x12: "ascii",
    0x13: "ascii",
    0x14: "latin-1",
    0x16: "ascii",
    0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}


def text(der: bytes) -> str:
    """Return a DirectoryString or IA5String as text."""
    (octet, _, body, end), *more = shallow(der, 0, len(der))
    if more or octet not in _TEXT:
        raise Malformed(detail="text")
    try:
        return der[body:end].decode(_TEXT[octet])
    except UnicodeDecodeError:
        raise Malformed(detail="text") from None
