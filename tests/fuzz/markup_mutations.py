"""Changes that know XML: of its tree, and of its text where a tree would not survive them."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from lxml import etree

from tests.fuzz.mutations import LARGEST, plain

Node = Any
DS = "http://www.w3.org/2000/09/xmldsig#"
_IDENTIFIERS = ("Id", "ID", "id", "{http://www.w3.org/XML/1998/namespace}id")
URIS = (
    "", "#A1", "#B1", "#", "#nosuch", "#xpointer(/)", "http://127.0.0.1:9/", "file:///etc/passwd", "cid:1", f"{DS}sha1",
    f"{DS}enveloped-signature", f"{DS}hmac-sha1", f"{DS}rsa-sha1", f"{DS}base64", "http://www.w3.org/2001/10/xml-exc-c14n#",
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
    "http://www.w3.org/TR/1999/REC-xpath-19991116", "http://www.w3.org/TR/1999/REC-xslt-19991116",
    "http://www.w3.org/2006/12/xml-c14n11", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", "http://www.w3.org/2001/04/xmlenc#sha256",
    "http://www.w3.org/2001/04/xmlenc#sha512",
)  # fmt: skip
NAMES = (
    "a", "Object", f"{{{DS}}}Signature", f"{{{DS}}}Object", f"{{{DS}}}Reference", f"{{{DS}}}Transform",
    f"{{{DS}}}X509Data", f"{{{DS}}}Transforms", f"{{{DS}}}KeyInfo", "{urn:a}a", "{http://schemas.xmlsoap.org/soap/envelope/}Body",
)  # fmt: skip
_TEXTS = ("", "9999", " ", "\n", "&", "<", "]]>", "\u202e", "\ufeff", "\U0010ffff", "=" * 8, "A" * 500, "қ")
_SNIPPETS = (
    b"<!DOCTYPE a>", b'<!DOCTYPE a [<!ENTITY b "c">]>', b"&b;", b"&amp;", b"&#0;", b"&#x41;", b"<!-- c -->", b"<!---->",
    b"<?pi?>", b"<?xml version='1.0' encoding='utf-16'?>", b"<?xml version='1.1'?>", b"<![CDATA[9]]>", b"<a>", b"</a>",
    b"<a/>", b' xmlns="urn:x"', b' xmlns:ds="urn:x"', b' Id="A1"', b' xml:space="preserve"', b"\xef\xbb\xbf", b"\0",
    b"\r\n",
    b'="', b">", b"<", b"'", b"\xff", b"]]>", b"--", b' a="1" a="2"', b' a="1" ' * 50, b"<a>" * 200, b"\xc2\x85",
)  # fmt: skip


def _any(root: Node, dice: Random, *, kind: str = "*") -> Node:
    """Choose an element; half of the time one of a signature's own, for they are few."""
    found = list(root.iter(kind))
    own = [one for one in found if etree.QName(one).namespace == DS]
    return dice.choice(own if own and dice.random() < 0.5 else found)


def _copy(root: Node, dice: Random, other: Node) -> None:
    source = dice.choice((root, other))
    copied = etree.fromstring(etree.tostring(_any(source, dice), with_tail=False))
    place = _any(root, dice)
    place.insert(dice.randrange(len(place) + 1), copied)


def _move(root: Node, dice: Random, other: Node) -> None:
    one, place = _any(root, dice), _any(root, dice)
    if one is not root and one is not place and one not in place.iterancestors():
        place.insert(dice.randrange(len(place) + 1), one)


def _remove(root: Node, dice: Random, other: Node) -> None:
    one = _any(root, dice)
    if one is not root:
        one.getparent().remove(one)


def _wrap(root: Node, dice: Random, other: Node) -> None:
    one = _any(root, dice)
    if one is root:
        return
    parent = one.getparent()
    at = parent.index(one)
    for _ in range(dice.choice((1, 1, 2, 120))):
        around = etree.Element(dice.choice(NAMES))
        around.append(one)
        one = around
    parent.insert(at, one)


def _unwrap(root: Node, dice: Random, other: Node) -> None:
    one = _any(root, dice)
    if one is not root:
        parent = one.getparent()
        at = parent.index(one)
        parent[at : at + 1] = list(one)


def _rename(root: Node, dice: Random, other: Node) -> None:
    _any(root, dice).tag = dice.choice(NAMES)


def _text(root: Node, dice: Random, other: Node) -> None:
    one = _any(root, dice)
    old = one.text or ""
    at = dice.randrange(len(old) + 1)
    new = dice.choice((
        dice.choice(_TEXTS), old + dice.choice(_TEXTS), old[:at] + dice.choice(_TEXTS) + old[at:], old[at:],
        "\n".join(old[i : i + 76] for i in range(0, len(old), 76)), old.swapcase(),
    ))  # fmt: skip
    if dice.random() < 0.8:
        one.text = new
    else:
        one.tail = new


def _attribute(root: Node, dice: Random, other: Node) -> None:
    one = _any(root, dice)
    known = {value for element in root.iter("*") for value in element.attrib.values()}
    names = (*one.attrib, *_IDENTIFIERS, "Algorithm", "URI", "Type", "PrefixList", "a")
    name = dice.choice(names)
    if name in one.attrib and dice.random() < 0.3:
        del one.attrib[name]
    else:
        one.set(name, dice.choice((*URIS, *sorted(known), "A1", "B1", "x" * 300)))


def _aside(root: Node, dice: Random, other: Node) -> None:
    place = _any(root, dice)
    what = dice.choice((etree.Comment(" c "), etree.ProcessingInstruction("pi", "x")))
    if place is root and dice.random() < 0.5:
        dice.choice((root.addprevious, root.addnext))(what)
    else:
        place.insert(dice.randrange(len(place) + 1), what)


def _exchange(root: Node, dice: Random, other: Node) -> None:
    one, another = _any(root, dice), _any(root, dice)
    one.text, another.text = another.text, one.text


def _repeat(root: Node, dice: Random, other: Node) -> None:
    one = _any(root, dice)
    whole = etree.tostring(one, with_tail=False)
    for _ in range(min(dice.choice((2, 20, 500)), LARGEST // (4 * len(whole)))):
        if one is not root:
            one.addnext(etree.fromstring(whole))


_CHANGES = (
    _copy, _copy, _move, _move, _remove, _wrap, _unwrap, _rename, _text, _text, _attribute, _attribute, _attribute,
    _aside, _exchange, _repeat,
)  # fmt: skip


def _snippet(data: bytes, dice: Random, others: Sequence[bytes]) -> bytes:
    """Put something into the text, most often at the end of a tag."""
    ends = [at for at, octet in enumerate(data[:LARGEST]) if octet == 0x3E] or [0]
    at = dice.choice((dice.choice(ends), dice.choice(ends) + 1, dice.randrange(len(data) + 1)))
    return data[:at] + dice.choice(_SNIPPETS) + data[at + dice.choice((0, 0, 0, 1, 20)) :]


def mutate(data: bytes, dice: Random, others: Sequence[bytes]) -> bytes:
    """Return a document made of another, changed in one to four places."""
    changes = dice.choices((1, 2, 4), (6, 3, 1))[0]
    try:
        if dice.random() < 0.7:
            root, other = etree.fromstring(data), etree.fromstring(dice.choice(others))
            for _ in range(changes):
                dice.choice(_CHANGES)(root, dice, other)
            return bytes(etree.tostring(root.getroottree(), encoding="utf-8"))[: 2 * LARGEST]
    except (etree.LxmlError, ValueError, IndexError, AssertionError, TypeError):
        pass  # no tree, or none any more
    for _ in range(changes):
        data = (_snippet if dice.random() < 0.6 else plain)(data, dice, others)
    return data[: 2 * LARGEST]
