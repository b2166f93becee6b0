"""What may stand unsigned around a signed element: frames that are known to say nothing.

The name of an element, an attribute or a word beside what is signed can turn its meaning round
(``<rejected>``).  So the elements around it must be those of a SOAP message with its security
header, or bear a name that only says "here lies something"; their attributes are listed with the
values they may have; and beside what is signed there may be but signatures and their certificates.
Source: SOAP 1.1, section 4; SOAP 1.2, part 1, section 5; Web Services Security, section 5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.signatures import certificates, xml_document, xmldsig
from app.signatures.asn1 import Malformed
from app.signatures.xml_document import Node
from app.signatures.xmldsig import SIGNATURE

_SOAPS = ("{http://schemas.xmlsoap.org/soap/envelope/}", "{http://www.w3.org/2003/05/soap-envelope}")
SECURITY, TIMESTAMP = f"{xmldsig.SECURITY}Security", f"{{{xml_document.UTILITY}}}Timestamp"

_AROUND = frozenset(
    {"Envelope", "Body", "envelope", "body", "root"} | {soap + name for soap in _SOAPS for name in ("Envelope", "Body")}
)
"""Elements that may hold what is signed; those without a namespace are names that say nothing."""
_BESIDE = frozenset({"Header", "header", "Signatures", "signatures", SECURITY} | {soap + "Header" for soap in _SOAPS})
"""Elements that may stand beside it and hold signatures."""
_PARENTS: Mapping[str, frozenset[str]] = {
    **{soap + name: frozenset({soap + "Envelope"}) for soap in _SOAPS for name in ("Header", "Body")},
    **{soap + "Envelope": frozenset() for soap in _SOAPS},
    SECURITY: frozenset(soap + "Header" for soap in _SOAPS),
}
"""Where an element of a SOAP message must stand; nowhere: it is the root."""

_SWITCH = re.compile("0|1|true|false")
_ROLE = re.compile(
    "http://schemas.xmlsoap.org/soap/actor/next"
    "|http://www.w3.org/2003/05/soap-envelope/role/(next|none|ultimateReceiver)"
)
_ENCODING = re.compile("http://schemas.xmlsoap.org/soap/encoding/|http://www.w3.org/2003/05/soap-encoding")
_ATTRIBUTES: Mapping[str, re.Pattern[str]] = {
    **{name: re.compile(r"[\w.-]{1,64}") for name in xml_document.IDENTIFIERS},
    f"{xml_document.XML}lang": re.compile("[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}"),
    f"{xml_document.XML}space": re.compile("default|preserve"),
    **{soap + "mustUnderstand": _SWITCH for soap in _SOAPS},
    **{soap + "relay": _SWITCH for soap in _SOAPS},
    **{soap + name: _ROLE for soap in _SOAPS for name in ("actor", "role")},
    **{soap + "encodingStyle": _ENCODING for soap in _SOAPS},
}
"""Attributes that may stand unsigned, with what they may say: they only tell how to read what is framed."""


@dataclass(frozen=True)
class Fault:
    """What stands unsigned and may say something: a code of ``report.REASONS``, and where."""

    code: str
    where: str


def judge(content: Node, others: Sequence[Node], root: Node) -> Fault | None:
    """Return what else a document says than ``content`` and the ``others`` that are signed; comments say nothing.

    ``content`` is the signed element, ``others`` what the same signature covers besides.  A frame
    of unknown name is told as ``xml_frame_unknown``, everything that is said outright as ``xml_partly_signed``.
    """
    if any(one.tag is not xml_document.COMMENT for way in (True, False) for one in root.itersiblings(preceding=way)):
        return Fault("xml_partly_signed", "/")
    around = set(content.iterancestors())
    holders = {above for one in (*others, *root.iter(SIGNATURE)) for above in one.iterancestors()}
    found = list(_faults(root, {content, *others}, around, holders))
    return next((one for one in found if one.code == "xml_partly_signed"), found[0] if found else None)


def _faults(element: Node, signed: set[Node], around: set[Node], holders: set[Node]) -> Iterator[Fault]:
    """Yield what an element says that is not signed; frames lie within each other no deeper than a document may be."""
    if element in signed or element.tag == SIGNATURE or element.tag is xml_document.COMMENT:
        return
    if not xml_document.is_element(element):
        yield Fault("xml_partly_signed", xml_document.path(element.getparent()))
    elif element.tag == xmldsig.TOKEN:
        if not _is_token(element):
            yield Fault("xml_partly_signed", xml_document.path(element))
    elif element not in around and element not in holders:
        if not (element.tag in _BESIDE and not len(element) and _is_silent(element) and _is_in_place(element)):
            yield Fault("xml_partly_signed", xml_document.path(element))
    else:
        if not _is_silent(element):
            yield Fault("xml_partly_signed", xml_document.path(element))
        if element.tag not in (_AROUND if element in around else _BESIDE) or not _is_in_place(element):
            yield Fault("xml_frame_unknown", xml_document.path(element))
        for one in element:
            yield from _faults(one, signed, around, holders)


def _is_silent(element: Node) -> bool:
    """Whether an element holds nothing but elements, and no attribute that could say something."""
    texts = (element.text, *(child.tail for child in element))
    return not any(text and text.strip(" \t\r\n") for text in texts) and all(
        name in _ATTRIBUTES and _ATTRIBUTES[name].fullmatch(value) for name, value in element.attrib.items()
    )


def _is_in_place(element: Node) -> bool:
    parents = _PARENTS.get(element.tag)
    if parents is None:
        return True
    parent = element.getparent()
    return parent is None if not parents else parent is not None and parent.tag in parents


def _is_token(element: Node) -> bool:
    """Whether an element carries a certificate and nothing else, where WS-Security has it."""
    parent = element.getparent()
    try:
        certificates.read(xmldsig.token(element))
    except Malformed:
        return False
    return parent is not None and parent.tag == SECURITY and not (element.tail or "").strip(" \t\r\n")
