"""A signature in XML, taken apart strictly; ``xml_signature`` judges.

Only the forms are read that NCALayer and the NCA's library make: one reference, to the document
around the signature (``URI=""``) or to one element of it (``URI="#..."``), and the certificate in
``KeyInfo``, in a SOAP message as WS-Security writes it.  A signature with parts beyond that, as an
Object of its own, is refused.
Source: XML Signature Syntax and Processing; Web Services Security, X.509 Certificate Token Profile.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

from app.signatures import xml_document
from app.signatures.asn1 import Malformed
from app.signatures.xml_document import UTILITY, Method, Node

DS = "{http://www.w3.org/2000/09/xmldsig#}"
SIGNATURE, _CERTIFICATE = f"{DS}Signature", f"{DS}X509Certificate"
_SECURITY = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
MOST_CERTIFICATES, MOST_PREFIXES = 16, 32

ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
METHODS: Mapping[str, Method] = {
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315": Method(),
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments": Method(with_comments=True),
    _EXCLUSIVE: Method(is_exclusive=True),
    f"{_EXCLUSIVE}WithComments": Method(is_exclusive=True, with_comments=True),
}
"""The canonical forms, by the names that signatures give them."""

_MORE, _NCA = "http://www.w3.org/2001/04/xmldsig-more#", "urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:"
SIGNATURES: Mapping[str, str] = {
    f"{_MORE}rsa-sha256": "1.2.840.113549.1.1.11",
    f"{_MORE}rsa-sha384": "1.2.840.113549.1.1.12",
    f"{_MORE}rsa-sha512": "1.2.840.113549.1.1.13",
    f"{_MORE}gost34310-gost34311": "1.2.398.3.10.1.1.1.2",
    f"{_NCA}gostr34102015-gostr34112015-256": "1.2.398.3.10.1.1.2.3.1",
    f"{_NCA}gostr34102015-gostr34112015-512": "1.2.398.3.10.1.1.2.3.2",
}
DIGESTS: Mapping[str, str] = {
    "http://www.w3.org/2001/04/xmlenc#sha256": "2.16.840.1.101.3.4.2.1",
    f"{_MORE}sha384": "2.16.840.1.101.3.4.2.2",
    "http://www.w3.org/2001/04/xmlenc#sha512": "2.16.840.1.101.3.4.2.3",
    f"{_MORE}gost34311": "1.2.398.3.10.1.3.1",
    f"{_NCA}gostr34112015-256": "1.2.398.3.10.1.3.2",
    f"{_NCA}gostr34112015-512": "1.2.398.3.10.1.3.3",
}
"""Identifiers of ``algorithms``, by the names that signatures in XML give them."""

WEAK = frozenset(
    {
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#sha1",
        f"{_MORE}rsa-sha1",
        f"{_MORE}rsa-md5",
        f"{_MORE}sha1",
        f"{_MORE}md5",
    }
)
"""The second spelling of SHA-1 is the NCA's."""


@dataclass(frozen=True)
class Transform:
    """A step between what is referred to and what is hashed; ``method`` is set when it is a canonical form."""

    uri: str
    method: Method | None


@dataclass(frozen=True)
class Reference:
    """What a signature covers; ``uri`` is None when the attribute is absent."""

    uri: str | None
    transforms: tuple[Transform, ...]
    digest_uri: str
    digest: bytes


@dataclass(frozen=True)
class XmlSignature:
    """One signature.

    ``signed`` is the canonical form of its SignedInfo, None when the signature names a form that is
    not computed (``method_uri``).  ``reference`` is the first of ``references``, None when there are
    none.  ``certificates`` are those of KeyInfo, which nobody signed.
    """

    element: Node
    method_uri: str
    signed: bytes | None
    signature_uri: str
    references: int
    reference: Reference | None
    value: bytes
    certificates: tuple[bytes, ...]


def read(element: Node) -> XmlSignature:
    """Take a Signature apart; it must still stand in its document, whose namespaces count.

    Raises:
        Malformed: ``xml_structure``, with the part that is wrong.
    """
    signed_info, value, *rest = _children(element, "SignedInfo", "SignatureValue", "KeyInfo?")
    canonicalization, signature, *references = _children(
        signed_info, "CanonicalizationMethod", "SignatureMethod", "Reference*"
    )
    method, uri = _method(canonicalization), _algorithm(signature)
    if len(signature) and "hmac" not in uri:
        raise _wrong(signature)
    return XmlSignature(
        element=element,
        method_uri=_algorithm(canonicalization),
        signed=xml_document.canonical(signed_info, method) if method else None,
        signature_uri=uri,
        references=len(references),
        reference=_reference(references[0]) if references else None,
        value=_octets(value),
        certificates=tuple(dict.fromkeys(_certificates(rest[0]))) if rest else (),
    )


def _reference(element: Node) -> Reference:
    *transforms, digest, value = _children(element, "Transforms?", "DigestMethod", "DigestValue", also=("URI", "Type"))
    steps = _children(transforms[0], "Transform*") if transforms else []
    _children(digest, also=("Algorithm",))
    return Reference(
        uri=element.get("URI"),
        transforms=tuple(Transform(_algorithm(step), _method(step)) for step in steps),
        digest_uri=_algorithm(digest),
        digest=_octets(value),
    )


def _method(element: Node) -> Method | None:
    """Return the canonical form that an element names, None when it is none, or not computed."""
    method = METHODS.get(_algorithm(element))
    if method is None or not len(element):
        return method
    (prefixes,) = _children(element, f"{{{_EXCLUSIVE}}}InclusiveNamespaces", also=("Algorithm",))
    listed = tuple((prefixes.get("PrefixList") or "").split())
    _children(prefixes, also=("PrefixList",))
    if not method.is_exclusive or len(listed) > MOST_PREFIXES:
        raise _wrong(prefixes)
    # The parser's form leaves the default namespace out of such a list.
    return None if "#default" in listed else Method(True, method.with_comments, listed)


def _certificates(key_info: Node) -> list[bytes]:
    """Return the certificates; other hints at the key (its name, its value) are not followed.

    Raises:
        Malformed: something foreign hides here, where no signature reaches.
    """
    if not all(
        xml_document.is_element(one) and one.tag.startswith((DS, _SECURITY)) for one in key_info.iterdescendants()
    ):
        raise _wrong(key_info)
    found = [_octets(one) for data in key_info.iterchildren(f"{DS}X509Data") for one in data.iterchildren(_CERTIFICATE)]
    found += [
        _octets(one, also=("ValueType", "EncodingType"))
        for token in key_info.iterchildren(f"{_SECURITY}SecurityTokenReference")
        for one in token.iterchildren(f"{_SECURITY}KeyIdentifier")
        if one.get("ValueType", "").endswith("#X509v3")
    ]
    if len(found) > MOST_CERTIFICATES:
        raise _wrong(key_info)
    return found


# --- strict reading ---------------------------------------------------------------------------------


def _children(element: Node, *expected: str, also: tuple[str, ...] = ()) -> list[Node]:
    """Return the children of an element; they must be those expected, in this order, and nothing beside them.

    ``?`` after a name: it may be absent; ``*``: any number.  ``also`` are the attributes allowed beside Id.
    """
    children = list(element)
    texts = (element.text, *(child.tail for child in children))
    if any(text and text.strip(" \t\r\n") for text in texts) or not set(element.attrib) <= {
        "Id", f"{{{UTILITY}}}Id", *also
    }:  # fmt: skip
        raise _wrong(element)
    names = iter([child.tag for child in children])
    name = next(names, None)
    for one in expected:
        tag = one.rstrip("?*")
        tag = tag if tag.startswith("{") else DS + tag
        times = 0
        while name == tag and (times == 0 or one.endswith("*")):
            name, times = next(names, None), times + 1
        if not times and not one.endswith(("?", "*")):
            raise _wrong(element)
    if name is not None:
        raise _wrong(element)
    return children


def _algorithm(element: Node) -> str:
    if set(element.attrib) != {"Algorithm"}:
        raise _wrong(element)
    uri: str = element.get("Algorithm")
    return uri


def _octets(element: Node, also: tuple[str, ...] = ()) -> bytes:
    """Return what an element holds in base64; line breaks are borne, nothing else is."""
    if len(element) or not set(element.attrib) <= {"Id", *also}:
        raise _wrong(element)
    written = (element.text or "").translate(dict.fromkeys(map(ord, " \t\r\n"))).encode()
    try:
        octets = base64.b64decode(written, validate=True)
    except (binascii.Error, ValueError):
        raise _wrong(element) from None
    if not octets or base64.b64encode(octets) != written:
        raise _wrong(element)
    return octets


def _wrong(element: Node) -> Malformed:
    return Malformed("xml_structure", xml_document.name(element))
