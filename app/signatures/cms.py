"""The signed message and its signed attributes (RFC 5652), read strictly.

Here it is only taken apart; ``verify`` judges.  Reading refuses what can have no meaning; what
has a wrong meaning (two digests, say) is kept as found and judged there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.signatures import asn1, stray_keys
from app.signatures.asn1 import Element, Malformed

ID_DATA = "1.2.840.113549.1.7.1"
ID_SIGNED_DATA = "1.2.840.113549.1.7.2"
CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_TIME = "1.2.840.113549.1.9.5"
SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
TIMESTAMP_TOKEN = "1.2.840.113549.1.9.16.2.14"  # noqa: S105, an object identifier

MOST_SIGNERS, MOST_CERTIFICATES, MOST_ALGORITHMS = 16, 64, 32
MOST_ATTRIBUTES = 64
"""Attributes of one kind, signed or not, that a signer has, and values of all of them together."""
MOST_LISTS = 64
LARGEST_CERTIFICATE = 100_000
LARGEST_ATTRIBUTES = 32 * 1024
"""Octets of the signed attributes of one signer: they are hashed for each certificate that may be meant."""
LARGEST_AROUND = 16 * 1024 * 1024
"""Octets of a message without its content: they are copied several times."""


@dataclass(frozen=True)
class Attribute:
    """One attribute: its type, and each value as DER."""

    oid: str
    values: tuple[bytes, ...]


@dataclass(frozen=True)
class Algorithm:
    """An algorithm as a message names it; ``parameters`` are None when absent."""

    oid: str
    parameters: bytes | None

    @property
    def is_plain(self) -> bool:
        """Whether the parameters are absent or NULL."""
        return self.parameters in (None, b"\x05\x00")


@dataclass(frozen=True)
class SignerInfo:
    """One signer.

    The signer is named by ``issuer`` (a Name, DER) and ``serial``, or by ``key_identifier``.
    ``signed`` are the attributes as the DER SET OF that the signature covers, None when there are
    none; ``signed_is_der`` tells whether they came in that form and order.  ``version_fits``: the
    version is that of a signer so named.
    """

    issuer: bytes | None
    serial: int | None
    key_identifier: bytes | None
    digest: Algorithm
    signature: Algorithm
    value: bytes
    signed: bytes | None
    signed_is_der: bool
    attributes: tuple[Attribute, ...]
    unsigned: tuple[Attribute, ...]
    version_fits: bool = True

    def named(self, oid: str) -> tuple[Attribute, ...]:
        """Return the signed attributes of one type."""
        return tuple(attribute for attribute in self.attributes if attribute.oid == oid)


@dataclass(frozen=True)
class SignedData:
    """A signed message; ``content`` is None when the document lies beside it (detached).

    ``evidence`` are revocation lists, and OCSP answers in their envelope, that came along.
    """

    content_type: str
    content: bytes | None
    digests: frozenset[str]
    certificates: tuple[bytes, ...]
    signers: tuple[SignerInfo, ...]
    evidence: tuple[bytes, ...] = ()


_VERSIONS, _SIGNER_VERSIONS = frozenset({1, 3, 4, 5}), frozenset({1, 3})
"""Of a message and of a signer (RFC 5652, 5.1 and 5.3)."""
_MARK = b"\xef\xbb\xbf"
"""The byte order mark that some editors put before a text."""
_BEGIN, _END = re.compile(rb"\s*-----BEGIN (CMS|PKCS7)-----\s"), re.compile(rb"-----END (CMS|PKCS7)-----\s*")


def read_cms(message: bytes | str) -> bytes:
    """Return a message as BER or DER, out of base64 or PEM if it came so, with or without a byte order mark.

    Raises:
        Malformed: it is in none of these forms; code ``private_key``: it is a key that nobody may see.
    """
    if isinstance(message, str):
        message = message.removeprefix("\ufeff").encode("ascii", "replace")  # what is lost belongs to no armour
    if len(message) > 2 * asn1.LARGEST_MESSAGE:
        raise Malformed("too_large")
    start = len(_MARK) if message.startswith(_MARK) else 0
    if len(message) == start or message.isspace():
        raise Malformed("empty")
    is_bare = message[0] == asn1.SEQUENCE
    if not is_bare and stray_keys.is_armoured_key(message):
        raise Malformed("private_key")
    octets = message if is_bare or stray_keys.is_key(message) else _out_of_armour(message, start)
    if stray_keys.is_key(octets):
        raise Malformed("private_key")
    return octets


def _out_of_armour(message: bytes, start: int) -> bytes:
    view = memoryview(message)
    if not message[start : start + 64].lstrip().startswith(b"-----"):
        return asn1.unbase64(view[start:])
    begin, last = _BEGIN.match(message, start), message.rfind(b"-----END")
    end = _END.fullmatch(message, last) if last > 0 else None
    if begin is None or end is None or begin[1] != end[1] or last < begin.end():
        raise Malformed
    return asn1.unbase64(view[begin.end() : last])


def read(message: bytes) -> SignedData:
    """Take a message apart.

    Raises:
        Malformed: with the code of the reason.
    """
    outer = asn1.parse(message)
    parts = _parts(outer)
    _bound(parts)
    # The schemas are asked about everything but the content, which may be a hundred megabytes.
    data = asn1.decode(asn1.tlv(asn1.SEQUENCE, *parts.without_content), asn1.SIGNED_DATA)

    if int(data["version"]) not in _VERSIONS:
        raise Malformed("version_unknown")
    if len(data["signerInfos"]) != len(parts.signers.children):
        raise Malformed
    certificates = tuple(bytes(choice) for choice in data["certificates"]) if data["certificates"].hasValue() else ()
    return SignedData(
        content_type=str(data["encapContentInfo"]["eContentType"]),
        content=parts.content.octets if parts.content is not None else None,
        digests=frozenset(str(algorithm["algorithm"]) for algorithm in data["digestAlgorithms"]),
        # Other kinds of certificates (attribute certificates) carry context tags and prove nothing here.
        certificates=tuple(dict.fromkeys(der for der in certificates if der[0] == asn1.SEQUENCE)),
        signers=tuple(
            _signer(info, element) for info, element in zip(data["signerInfos"], parts.signers.children, strict=True)
        ),
        evidence=tuple(bytes(choice) for choice in data["crls"]) if data["crls"].hasValue() else (),
    )


@dataclass(frozen=True)
class _Parts:
    algorithms: Element
    content: Element | None
    certificates: Element | None
    signers: Element
    around: Sequence[Element]
    without_content: tuple[bytes, ...]


def _parts(outer: Element) -> _Parts:
    """Find the parts in the bytes as they came: whether they came as DER is asked there."""
    try:
        if outer.tag != asn1.SEQUENCE or len(outer.children) != 2:
            raise Malformed
        if asn1.dotted(outer.children[0]) != ID_SIGNED_DATA:
            raise Malformed("not_signed_data")
        holder = outer.children[1]
        (signed_data,) = holder.children
        _, algorithms, encapsulated, *_ = parts = signed_data.children
        kind, *held = encapsulated.children
        content = None
        if held:
            ((content,),) = [one.children for one in held]
    except ValueError:
        raise Malformed from None
    shapes = [(holder, 0xA0), (signed_data, asn1.SEQUENCE), (algorithms, asn1.SET), (encapsulated, asn1.SEQUENCE)]
    shapes += [(parts[-1], asn1.SET), *((one, 0xA0) for one in held)]
    if any(element.tag != tag for element, tag in shapes):
        raise Malformed
    if content is not None and content.tag not in (asn1.OCTETS, asn1.SEGMENTED):
        raise Malformed
    if outer.after - (content.after - content.start if content is not None else 0) > LARGEST_AROUND:
        raise Malformed("too_large")
    bare = asn1.tlv(asn1.SEQUENCE, kind.der())
    return _Parts(
        algorithms=algorithms,
        content=content,
        certificates=next((part for part in parts if part.tag == 0xA0), None),
        signers=parts[-1],
        around=parts,
        without_content=tuple(bare if part is encapsulated else part.der() for part in parts),
    )


def _bound(parts: _Parts) -> None:
    """Refuse what would only cost time, before the schemas are asked."""
    if len(parts.signers.children) > MOST_SIGNERS:
        raise Malformed("too_many_signers")
    if len(parts.algorithms.children) > MOST_ALGORITHMS:
        raise Malformed
    if parts.certificates is not None:
        certificates = parts.certificates.children
        if len(certificates) > MOST_CERTIFICATES:
            raise Malformed
        if any(certificate.after - certificate.start > LARGEST_CERTIFICATE for certificate in certificates):
            raise Malformed("certificate_malformed")
        # What was signed by the issuer is judged as it came, never in a form that we made of it.
        if not all(certificate.is_der for certificate in certificates):
            raise Malformed("certificate_malformed")
    if any(part.tag == 0xA1 and len(part.children) > MOST_LISTS for part in parts.around):
        raise Malformed
    for signer in parts.signers.children:
        for attributes in signer.children:
            if attributes.tag in (0xA0, 0xA1):
                values = sum(len(one.children[-1].children) if one.children else 0 for one in attributes.children)
                if max(len(attributes.children), values) > MOST_ATTRIBUTES:
                    raise Malformed(detail="too many attributes")
            if attributes.tag == 0xA0 and attributes.after - attributes.start > LARGEST_ATTRIBUTES:
                raise Malformed("too_large")


def _signer(info: Any, element: Element) -> SignerInfo:
    sid, version = info["sid"], int(info["version"])
    if version not in _SIGNER_VERSIONS:
        raise Malformed("version_unknown")
    issuer = serial = key_identifier = None
    if sid.getName() == "issuerAndSerialNumber":
        issuer, serial = bytes(sid.getComponent()["issuer"]), int(sid.getComponent()["serialNumber"])
    else:
        key_identifier = bytes(sid.getComponent())
    pieces: list[bytes] = []
    signed = None
    signed_is_der = True
    if info["signedAttrs"].hasValue():
        pieces = [bytes(attribute) for attribute in info["signedAttrs"]]
        signed = asn1.tlv(asn1.SET, *pieces)
        came = next((part for part in element.children if part.tag == 0xA0), None)
        signed_is_der = came is not None and came.is_der and pieces == sorted(pieces)
    return SignerInfo(
        issuer=issuer,
        serial=serial,
        key_identifier=key_identifier,
        digest=algorithm(info["digestAlgorithm"]),
        signature=algorithm(info["signatureAlgorithm"]),
        value=bytes(info["signature"]),
        signed=signed,
        signed_is_der=signed_is_der,
        attributes=tuple(map(_attribute, pieces)),
        unsigned=tuple(_attribute(bytes(one)) for one in info["unsignedAttrs"])
        if info["unsignedAttrs"].hasValue()
        else (),
        version_fits=version == (1 if key_identifier is None else 3),
    )


def algorithm(identifier: Any) -> Algorithm:
    """Return an AlgorithmIdentifier as plain values."""
    parameters = identifier["parameters"]
    return Algorithm(str(identifier["algorithm"]), bytes(parameters) if parameters.hasValue() else None)


def _attribute(der: bytes) -> Attribute:
    attribute = asn1.decode(der, asn1.ATTRIBUTE)
    return Attribute(str(attribute["type"]), tuple(bytes(value) for value in attribute["values"]))


# --- values of signed attributes ------------------------------------------------------------------


def octets(value: bytes) -> bytes:
    """Return an OCTET STRING's content (messageDigest)."""
    element = asn1.parse(value)
    if element.tag != asn1.OCTETS:
        raise Malformed
    return element.content


def identifier(value: bytes) -> str:
    """Return an OBJECT IDENTIFIER (contentType)."""
    return str(asn1.decode(value, asn1.OBJECT_IDENTIFIER))


def time(value: bytes) -> datetime:
    """Return a Time (signingTime)."""
    element = asn1.parse(value)
    return asn1.moment(element.tag, element.content)


@dataclass(frozen=True)
class CertificateName:
    """How a signing-certificate attribute names the signer's certificate."""

    digest: str
    value: bytes
    serial: int | None


SHA1 = "1.3.14.3.2.26"
SHA256 = "2.16.840.1.101.3.4.2.1"


def signing_certificate(attribute: Attribute) -> CertificateName:
    """Return the first certificate that a signing-certificate(-v2) attribute names: the signer's (RFC 5035, 3).

    Raises:
        Malformed: the attribute's value does not follow its schema, or names none.
    """
    is_second = attribute.oid == SIGNING_CERTIFICATE_V2
    schema = asn1.SIGNING_CERTIFICATE_V2 if is_second else asn1.SIGNING_CERTIFICATE
    certificates = asn1.decode(attribute.values[0], schema)["certs"]
    if not len(certificates):
        raise Malformed
    first = certificates[0]
    digest = SHA1
    if is_second:
        digest = str(first["hashAlgorithm"]["algorithm"]) if first["hashAlgorithm"].hasValue() else SHA256
    serial = int(first["issuerSerial"]["serialNumber"]) if first["issuerSerial"].hasValue() else None
    return CertificateName(digest, bytes(first["certHash"]), serial)


def is_attributes(content: bytes) -> bool:
    """Whether a content reads as a SET OF Attribute.

    Such a content could be the attributes of another signature, passed off as a document.
    Source: draft-ietf-lamps-cms-euf-cma-signeddata.
    """
    if not content or content[0] != asn1.SET:
        return False
    try:
        root = asn1.parse(content)
    except Malformed:
        return False
    return bool(root.children) and all(
        child.tag == asn1.SEQUENCE
        and len(child.children) == 2
        and child.children[0].tag == asn1.OID
        and child.children[1].tag == asn1.SET
        for child in root.children
    )
