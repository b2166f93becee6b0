"""A signed XML document as NCALayer makes it: ``signXml`` of commonUtils, ``format: xml`` of basics.

Enveloped (``URI=""``), the signature is the last child of the root; by Id, that of a chosen element.
The algorithms are those of the key.  Whatever canonical form the reference names, the digest is one
without comments: the standard takes them out of what such a reference points at.
"""

from __future__ import annotations

import base64
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from app.sandbox.people import SigningKey
from app.signatures import xml_document, xmldsig
from app.signatures.xml_document import Method, Node
from app.signatures.xmldsig import DS

DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="no"?>'
_LINE = 76
_PREMATURE_END = "XML document structures must start and end within the same entity."


class NotSigned(Exception):
    """The document cannot be signed; the message is what Java's programs say of it."""


@dataclass(frozen=True)
class Form:
    """How the parts of a signature are named and laid out; ``compact`` leaves no white space in it."""

    uri: str
    transforms: Sequence[str]
    method: str
    compact: bool


def sign(key: SigningKey, text: str, *, compact: bool = False) -> str:
    """Return the document with an enveloped signature over all of it.

    Raises:
        NotSigned: it is not well-formed.
    """
    tree = _read(text)
    form = Form("", (xmldsig.ENVELOPED, _named(Method(with_comments=True))), _named(Method()), compact)
    return _signed(key, tree, tree, tree.getroot(), form)


def sign_element(key: SigningKey, text: str, *, element: str, parent: str, compact: bool = False) -> str:
    """Return the document with a signature over the element at the XPath ``element``, placed in that at ``parent``.

    Raises:
        NotSigned: it is not well-formed, a path does not lead to one element, or that has no Id.
    """
    tree = _read(text)
    target, into = _at(tree, element), _at(tree, parent)
    identifier = target.get("Id")
    if identifier is None:
        raise NotSigned("java.lang.NullPointerException: the element to be signed has no attribute Id")
    if into is target or target in into.iterancestors():
        raise NotSigned("org.w3c.dom.DOMException: the signature would stand in the element to be signed")
    form = Form(f"#{identifier}", (_named(Method(with_comments=True)),), _named(Method(is_exclusive=True)), compact)
    return _signed(key, tree, target, into, form)


def _read(text: str) -> Node:
    parser = etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True)
    try:
        tree = etree.fromstring(text.encode(), parser).getroottree()
    except etree.XMLSyntaxError as error:
        line, column = error.position
        why = _PREMATURE_END if "Premature end" in (error.msg or "") else error.msg
        where = f"lineNumber: {line}; columnNumber: {column}"
        raise NotSigned(f"org.xml.sax.SAXParseException; {where}; {why}") from None
    except (UnicodeError, ValueError) as error:
        raise NotSigned(f"org.xml.sax.SAXParseException; {error}") from None
    if tree.docinfo.internalDTD is not None:
        raise NotSigned("org.xml.sax.SAXParseException; DOCTYPE is disallowed.")
    return tree


def _at(tree: Node, path: str) -> Node:
    try:
        found = tree.xpath(path)
    except etree.XPathError:
        found = []
    if not isinstance(found, list) or len(found) != 1 or not isinstance(found[0], etree._Element):
        raise NotSigned("javax.xml.xpath.XPathExpressionException: " + path)
    return found[0]


def _named(method: Method) -> str:
    return next(uri for uri, known in xmldsig.METHODS.items() if known == method)


def _uri(oid: str, table: Mapping[str, str]) -> str:
    return next(uri for uri, known in table.items() if known == oid)


def _signed(key: SigningKey, tree: Node, target: Node, parent: Node, form: Form) -> str:
    """Put the signature into ``parent`` and return the document as text."""
    private = key.private
    digest = private.digest(xml_document.canonical(target, Method()))
    element = etree.SubElement(parent, xmldsig.SIGNATURE, nsmap={"ds": DS[1:-1]})
    info = etree.SubElement(element, f"{DS}SignedInfo")
    etree.SubElement(info, f"{DS}CanonicalizationMethod", Algorithm=form.method)
    etree.SubElement(info, f"{DS}SignatureMethod", Algorithm=_uri(private.signature_oid, xmldsig.SIGNATURES))
    reference = etree.SubElement(info, f"{DS}Reference", URI=form.uri)
    transforms = etree.SubElement(reference, f"{DS}Transforms")
    for uri in form.transforms:
        etree.SubElement(transforms, f"{DS}Transform", Algorithm=uri)
    etree.SubElement(reference, f"{DS}DigestMethod", Algorithm=_uri(private.digest_oid, xmldsig.DIGESTS))
    etree.SubElement(reference, f"{DS}DigestValue").text = _base64(digest, form, is_framed=False)
    value = etree.SubElement(element, f"{DS}SignatureValue")
    data = etree.SubElement(etree.SubElement(element, f"{DS}KeyInfo"), f"{DS}X509Data")
    certificate = key.certificate.public_bytes(Encoding.DER)
    etree.SubElement(data, f"{DS}X509Certificate").text = _base64(certificate, form)
    if not form.compact:
        _break_lines(element)
    value.text = _base64(private.sign(xml_document.canonical(info, xmldsig.METHODS[form.method])), form)
    return DECLARATION + str(etree.tostring(tree, encoding="unicode"))


def _base64(octets: bytes, form: Form, *, is_framed: bool = True) -> str:
    text = base64.b64encode(octets).decode()
    if form.compact:
        return text
    lines = "\r\n".join(textwrap.wrap(text, _LINE))
    return f"\n{lines}\n" if is_framed else lines


def _break_lines(element: Node) -> None:
    """Put a line break between the parts, as the NCA's library does."""
    for one in element.iter():
        if len(one):
            one.text = "\n"
            for child in one:
                child.tail = "\n"
