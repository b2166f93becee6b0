"""A signature in XML, taken apart strictly; ``xml_signature`` judges.

The forms are read that NCALayer and the NCA's library make: a reference to the document around the
signature (``URI=""``) or to an element of it (``URI="#..."``), and the certificate in ``KeyInfo``,
in a SOAP message as WS-Security writes it, there or in a token of the security header.  Of Objects
only the properties of XAdES are read; a signature with parts beyond that is refused.
Source: XML Signature Syntax and Processing; Web Services Security, X.509 Certificate Token Profile.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.signatures import xml_document
from app.signatures.asn1 import Malformed
from app.signatures.xml_document import UTILITY, Method, Node

DS = "{http://www.w3.org/2000/09/xmldsig#}"
SIGNATURE, KEY_INFO, _CERTIFICATE = f"{DS}Signature", f"{DS}KeyInfo", f"{DS}X509Certificate"
SECURITY = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}"
TOKEN = f"{SECURITY}BinarySecurityToken"
_BASE64 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
_X509 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
PROPERTIES = "{http://uri.etsi.org/01903/v1.3.2#}QualifyingProperties"
_OF_KEYS = frozenset({
    "Id", f"{{{UTILITY}}}Id", "URI", "ValueType", "EncodingType", "Algorithm", "Type",
    "{http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd}TokenType",
})  # fmt: skip
"""Attributes in KeyInfo."""
_WITHOUT_WORDS = frozenset(
    {f"{DS}KeyInfo", f"{DS}X509Data", f"{SECURITY}SecurityTokenReference", f"{SECURITY}Reference"}
)
MOST_CERTIFICATES, MOST_PREFIXES, MOST_REFERENCES = 16, 32, 8

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
    """What a signature covers; ``uri`` is None when the attribute is absent, ``kind`` the attribute Type."""

    uri: str | None
    kind: str
    transforms: tuple[Transform, ...]
    digest_uri: str
    digest: bytes


@dataclass(frozen=True)
class XmlSignature:
    """One signature.

    ``signed`` is the canonical form of its SignedInfo, None when the signature names a form that is
    not computed (``method_uri``).  ``count`` is how many ``references`` there are; of more than
    ``MOST_REFERENCES`` none is read.  ``certificates`` are those of KeyInfo, which nobody signed.
    ``properties`` is the element QualifyingProperties of XAdES, None when there is none.
    """

    element: Node
    method_uri: str
    signed: bytes | None
    signature_uri: str
    count: int
    references: tuple[Reference, ...]
    value: bytes
    certificates: tuple[bytes, ...]
    properties: Node | None = None


def read(element: Node, identified: Mapping[str, Sequence[Node]]) -> XmlSignature:
    """Take a Signature apart; it must still stand in its document, whose namespaces count.

    ``identified`` are the elements of the document by their identifiers.

    Raises:
        Malformed: ``xml_structure``, with the part that is wrong.
    """
    signed_info, value, *rest = children(element, "SignedInfo", "SignatureValue", "KeyInfo?", "Object?")
    key_info = next((one for one in rest if one.tag == KEY_INFO), None)
    held = [children(one, PROPERTIES)[0] for one in rest if one is not key_info]
    canonicalization, signature, *references = children(
        signed_info, "CanonicalizationMethod", "SignatureMethod", "Reference*"
    )
    method, uri = _method(canonicalization), _algorithm(signature)
    if len(signature) and "hmac" not in uri:
        raise wrong(signature)
    return XmlSignature(
        element=element,
        method_uri=_algorithm(canonicalization),
        signed=xml_document.canonical(signed_info, method) if method else None,
        signature_uri=uri,
        count=len(references),
        references=tuple(map(_reference, references)) if len(references) <= MOST_REFERENCES else (),
        value=octets(value),
        certificates=() if key_info is None else tuple(dict.fromkeys(_certificates(key_info, identified))),
        properties=held[0] if held else None,
    )


def _reference(element: Node) -> Reference:
    *transforms, digest, value = children(element, "Transforms?", "DigestMethod", "DigestValue", also=("URI", "Type"))
    steps = children(transforms[0], "Transform*") if transforms else []
    children(digest, also=("Algorithm",))
    return Reference(
        uri=element.get("URI"),
        kind=element.get("Type", ""),
        transforms=tuple(Transform(_algorithm(step), _method(step)) for step in steps),
        digest_uri=_algorithm(digest),
        digest=octets(value),
    )


def _method(element: Node) -> Method | None:
    """Return the canonical form that an element names, None when it is none, or not computed."""
    method = METHODS.get(_algorithm(element))
    if method is None or not len(element):
        return method
    (prefixes,) = children(element, f"{{{_EXCLUSIVE}}}InclusiveNamespaces", also=("Algorithm",))
    listed = tuple((prefixes.get("PrefixList") or "").split())
    children(prefixes, also=("PrefixList",))
    if not method.is_exclusive or len(listed) > MOST_PREFIXES:
        raise wrong(prefixes)
    # The parser's form leaves the default namespace out of such a list.
    return None if "#default" in listed else Method(True, method.with_comments, listed)


def token(element: Node) -> bytes:
    """Return the certificate that a BinarySecurityToken of WS-Security carries.

    Raises:
        Malformed: ``xml_structure``; it is none, or carries something else.
    """
    if element.tag != TOKEN or element.get("ValueType") != _X509 or element.get("EncodingType", _BASE64) != _BASE64:
        raise wrong(element)
    return octets(element, also=("ValueType", "EncodingType", f"{{{UTILITY}}}Id"))


def _certificates(key_info: Node, identified: Mapping[str, Sequence[Node]]) -> list[bytes]:
    """Return the certificates; other hints at the key (its name, its value) are not followed.

    Raises:
        Malformed: something foreign hides here, where no signature reaches.
    """
    if not all(map(_is_about_a_key, key_info.iter())):
        raise wrong(key_info)
    found = [octets(one) for data in key_info.iterchildren(f"{DS}X509Data") for one in data.iterchildren(_CERTIFICATE)]
    found += [
        octets(one, also=("ValueType", "EncodingType"))
        for token in key_info.iterchildren(f"{SECURITY}SecurityTokenReference")
        for one in token.iterchildren(f"{SECURITY}KeyIdentifier")
        if one.get("ValueType", "").endswith("#X509v3")
    ]
    for holder in key_info.iterchildren(f"{SECURITY}SecurityTokenReference"):
        for one in holder.iterchildren(f"{SECURITY}Reference"):
            children(one, also=("URI", "ValueType"))
            uri = one.get("URI", "")
            named = identified.get(uri[1:], ()) if uri.startswith("#") else ()
            # Of two elements of one name nobody can say which is meant.
            if len(named) != 1 or one.get("ValueType", _X509) != _X509:
                raise wrong(one)
            found.append(token(named[0]))
    if len(found) > MOST_CERTIFICATES:
        raise wrong(key_info)
    return found


def _is_about_a_key(element: Node) -> bool:
    """Whether an element of KeyInfo has no place for anything else: foreign attributes, words between its parts."""
    if not xml_document.is_element(element) or not element.tag.startswith((DS, SECURITY)):
        return False
    texts = [child.tail for child in element]
    if len(element) or element.tag in _WITHOUT_WORDS:
        texts.append(element.text)
    return set(element.attrib) <= _OF_KEYS and not any(text and text.strip(" \t\r\n") for text in texts)


# --- strict reading ---------------------------------------------------------------------------------


def children(element: Node, *expected: str, also: tuple[str, ...] = ()) -> list[Node]:
    """Return the children of an element; they must be those expected, in this order, and nothing beside them.

    ``?`` after a name: it may be absent; ``*``: any number.  ``also`` are the attributes allowed beside Id.
    """
    held = list(element)
    texts = (element.text, *(child.tail for child in held))
    if any(text and text.strip(" \t\r\n") for text in texts) or not set(element.attrib) <= {
        "Id", f"{{{UTILITY}}}Id", *also
    }:  # fmt: skip
        raise wrong(element)
    names = iter([child.tag for child in held])
    name = next(names, None)
    for one in expected:
        tag = one.rstrip("?*")
        tag = tag if tag.startswith("{") else DS + tag
        times = 0
        while name == tag and (times == 0 or one.endswith("*")):
            name, times = next(names, None), times + 1
        if not times and not one.endswith(("?", "*")):
            raise wrong(element)
    if name is not None:
        raise wrong(element)
    return held


def _algorithm(element: Node) -> str:
    if set(element.attrib) != {"Algorithm"}:
        raise wrong(element)
    uri: str = element.get("Algorithm")
    return uri


def octets(element: Node, also: tuple[str, ...] = ()) -> bytes:
    """Return what an element holds in base64; line breaks are borne, nothing else is."""
    if len(element) or not set(element.attrib) <= {"Id", *also}:
        raise wrong(element)
    written = (element.text or "").translate(dict.fromkeys(map(ord, " \t\r\n"))).encode()
    try:
        value = base64.b64decode(written, validate=True)
    except (binascii.Error, ValueError):
        raise wrong(element) from None
    if not value or base64.b64encode(value) != written:
        raise wrong(element)
    return value


def wrong(element: Node) -> Malformed:
    """Return the error that tells of an element that is not as it should be."""
    return Malformed("xml_structure", xml_document.name(element))
