"""XML that strangers send: a bounded reader, canonical forms, and where an identifier points.

Nothing reaches the parser before ``_bound`` has walked it: a DTD is refused there, and size, depth
and number of elements, attributes and namespaces are bounded.  So nothing expands, nothing is
fetched, and canonicalising costs about as much as reading.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lxml import etree

from app.signatures.asn1 import Malformed

LARGEST_XML = 32 * 1024 * 1024
"""Octets; the tree and the canonical forms take several times as much memory."""
MOST_ELEMENTS, MOST_ATTRIBUTES, DEEPEST = 100_000, 100_000, 100
LONGEST_NAMESPACE = 256
"""Octets of a namespace's name: the exclusive form may repeat it at every element."""
LONGEST_NAME = 64
"""Letters of an element's name in a report."""
MOST_COMPARISONS = 20_000_000
"""Of names while canonicalising: for an element, the square of its attributes and of the namespaces in scope."""
WORK_OF_ELEMENT = 50
"""An element in a canonical form takes as long as so many octets of text."""

XML = "{http://www.w3.org/XML/1998/namespace}"
UTILITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
IDENTIFIERS = ("Id", "ID", "id", f"{{{UTILITY}}}Id", f"{XML}id")
"""Attributes that name an element; an attribute is an identifier by its name, since there is no DTD."""

_WITH_IDENTIFIER = etree.XPath("//*[@Id or @ID or @id or @wsu:Id or @xml:id]", namespaces={"wsu": UTILITY})

Node = Any
"""An element of lxml, which has no types of its own."""
COMMENT = etree.Comment
"""The tag of comments."""
TREE = etree._ElementTree
"""What a document's tree is, as against an element."""

_BEGINNING = re.compile(rb"(?:\xef\xbb\xbf)?\s*<")
_DECLARATION = re.compile(
    rb"""<\?xml\s+version\s*=\s*["']1\.0["'](?:\s+encoding\s*=\s*["']([A-Za-z0-9._-]+)["'])?"""
    rb"""(?:\s+standalone\s*=\s*["'](?:yes|no)["'])?\s*\?>"""
)
_ENCODINGS = frozenset({"utf-8", "utf8", "us-ascii"})
_TAG = re.compile(
    rb"""<(/?)[^\s<>/"'=!?][^\s<>/"'=]*+((?:\s++[^\s<>/"'=]++\s*+=\s*+(?:"[^"<]*+"|'[^'<]*+'))*+)\s*+(/?)>"""
)
_ATTRIBUTE = re.compile(rb"""([^\s<>/"'=]++)\s*+=\s*+("[^"<]*+"|'[^'<]*+')""")
_SPAN = re.compile(rb"<(?:(!--)|(!\[CDATA\[)|(\?))")
_SPAN_ENDS = (b"-->", b"]]>", b"?>")


@dataclass(frozen=True)
class Document:
    """A document that was read.

    ``comments`` counts them anywhere, also before and after the root; ``work`` is what a canonical
    form costs beside its octets, in octets that would take as long.
    """

    tree: Node
    comments: int
    work: int

    @property
    def root(self) -> Node:
        """Return the root element."""
        return self.tree.getroot()

    @cached_property
    def identified(self) -> Mapping[str, Sequence[Node]]:
        """Return identifier -> all elements that bear it."""
        found: dict[str, list[Node]] = {}
        for element in _WITH_IDENTIFIER(self.tree):
            for identifier in {element.get(name) for name in IDENTIFIERS} - {None}:
                found.setdefault(identifier, []).append(element)
        return found


@dataclass(frozen=True)
class Method:
    """A canonical form; ``prefixes`` are those that the exclusive one treats as the inclusive one does."""

    is_exclusive: bool = False
    with_comments: bool = False
    prefixes: tuple[str, ...] = ()


def is_xml(message: bytes | str) -> bool:
    """Whether a message begins as XML does."""
    head = message[:4096]
    return bool(_BEGINNING.match(head.encode("utf-8", "replace") if isinstance(head, str) else head))


def read(message: bytes | str) -> Document:
    """Read a document in UTF-8; of text the encoding it declares is not asked.

    Raises:
        Malformed: ``malformed``, ``too_large``, ``too_costly`` or ``xml_doctype``.
    """
    if len(message) > LARGEST_XML:
        raise Malformed("too_large", "XML")
    try:
        octets = message.encode() if isinstance(message, str) else message
        octets.decode()
    except UnicodeError:
        raise Malformed(detail="XML in UTF-8") from None
    octets = octets.removeprefix(b"\xef\xbb\xbf")
    declared = _DECLARATION.match(octets)
    if declared:
        octets = octets[declared.end() :]
        encoding = (declared[1] or b"utf-8").decode().lower()
        if encoding not in _ENCODINGS and not isinstance(message, str):
            raise Malformed(detail=f"XML in {encoding}")
    elif octets.startswith(b"<?xml") and octets[5:6].isspace():
        raise Malformed(detail="XML 1.0")
    comments, work = _bound(octets)
    try:
        tree = etree.fromstring(octets, _parser()).getroottree()
    except (etree.LxmlError, ValueError) as error:
        too_long = "huge" in str(error) or "limit" in str(error)
        raise Malformed("too_large" if too_long else "malformed", "XML") from None
    if tree.docinfo.internalDTD is not None or tree.docinfo.externalDTD is not None:
        raise Malformed("xml_doctype")
    return Document(tree, comments, work)


def _parser() -> Node:
    return etree.XMLParser(
        encoding="utf-8", resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, collect_ids=False,
        attribute_defaults=False, dtd_validation=False, recover=False,
    )  # fmt: skip


def _bound(octets: bytes) -> tuple[int, int]:
    """Walk the markup of a document; return how many comments it holds and what its canonical form costs.

    The text between is not looked at.

    Raises:
        Malformed: there is a DTD, or more than may be; much that is not well-formed, too.
    """
    elements = attributes = quotes = comparisons = comments = 0
    scopes = [0]  # namespaces declared by an element and those around it
    if octets.count(b">") > 4 * MOST_ELEMENTS:  # each is written as four octets
        raise Malformed("too_large", "XML")
    at = octets.find(b"<")
    while at >= 0:
        tag = _TAG.match(octets, at)
        if tag is None:
            end, is_comment = _span(octets, at)
            elements, comments = elements + 1, comments + is_comment
        elif tag[1]:
            end = tag.end()
            scopes.pop()
        else:
            end = tag.end()
            if tag[2].count(b"=") > MOST_ATTRIBUTES:
                raise Malformed("too_large", "XML")
            own = _ATTRIBUTE.findall(tag[2]) if tag[2] else []
            named = [value for name, value in own if name.partition(b":")[0] == b"xmlns"]
            scope = scopes[-1] + len(named)
            elements, attributes, quotes = elements + 1, attributes + len(own), quotes + tag[2].count(b'"')
            comparisons += scope * scope + len(own) * len(own)
            if not tag[3]:
                scopes.append(scope)
            if named and max(map(len, named)) > LONGEST_NAMESPACE:
                raise Malformed("too_large", "XML")
        if not scopes:
            raise Malformed(detail="XML")
        if elements > MOST_ELEMENTS or max(attributes, quotes // 4) > MOST_ATTRIBUTES or len(scopes) > DEEPEST:
            raise Malformed("too_large", "XML")
        if comparisons > MOST_COMPARISONS:
            raise Malformed("too_costly", "XML")
        at = octets.find(b"<", end)
    return comments, comparisons + WORK_OF_ELEMENT * elements


def _span(octets: bytes, at: int) -> tuple[int, bool]:
    """Return where a comment, a CDATA section or a processing instruction ends, and whether it is a comment.

    Raises:
        Malformed: it is none of these, or does not end.
    """
    begun = _SPAN.match(octets, at)
    if begun is None or begun.lastindex is None:
        raise Malformed("xml_doctype" if octets.startswith(b"<!", at) else "malformed", "XML")
    end = octets.find(_SPAN_ENDS[begun.lastindex - 1], begun.end())
    if end < 0:
        raise Malformed(detail="XML")
    return end, begun.lastindex == 1


# --- canonical forms --------------------------------------------------------------------------------


def canonical(node: Node, method: Method) -> bytes:
    """Return the canonical form of a document (its tree) or of an element with all that it holds.

    Raises:
        Malformed: there is none: a namespace has a relative name.
    Source: Canonical XML 1.0; Exclusive XML Canonicalization 1.0.
    """
    is_document = isinstance(node, TREE)
    try:
        form: bytes = etree.tostring(
            node if is_document else _alone(node, with_inherited=not method.is_exclusive),
            method="c14n",
            exclusive=method.is_exclusive,
            with_comments=method.with_comments,
            inclusive_ns_prefixes=list(method.prefixes) or None,
        )
    except (etree.LxmlError, ValueError):
        raise Malformed(detail="XML") from None
    return form


def _alone(element: Node, *, with_inherited: bool) -> Node:
    """Return an element as the root of a document of its own, with the namespaces of those around it.

    In the old document the parser's canonical form repeats namespaces that are declared twice.
    """
    whole = etree.tostring(element, encoding="utf-8", with_tail=False)
    root = etree.fromstring(whole, _parser())
    if with_inherited:
        root.attrib.update(_inherited(element))
    return root.getroottree()


def _inherited(element: Node) -> dict[str, str]:
    """Return the attributes xml:* that an element has from those around it (Canonical XML 1.0, 2.4)."""
    found: dict[str, str] = {}
    for ancestor in element.iterancestors():
        found = {name: value for name, value in ancestor.attrib.items() if name.startswith(XML)} | found
    return {name: value for name, value in found.items() if name not in element.attrib}


# --- finding one's way ------------------------------------------------------------------------------


def is_element(node: Node) -> bool:
    """Whether a node is an element: not a comment, not a processing instruction."""
    return isinstance(node.tag, str)


def name(element: Node) -> str:
    """Return the name of an element as its document writes it, cut to what people read."""
    local: str = etree.QName(element).localname
    return (f"{element.prefix}:{local}" if element.prefix else local)[:LONGEST_NAME]


def path(element: Node) -> str:
    """Return where an element stands, for people: ``/soap:Envelope/soap:Body``."""
    return "/" + "/".join(reversed([name(one) for one in (element, *element.iterancestors())]))


def take_out(element: Node) -> None:
    """Take an element out of its document; the text after it stays.

    The element must not be the root.
    """
    parent, before = element.getparent(), element.getprevious()
    if element.tail and before is not None:
        before.tail = (before.tail or "") + element.tail
    elif element.tail:
        parent.text = (parent.text or "") + element.tail
    parent.remove(element)
