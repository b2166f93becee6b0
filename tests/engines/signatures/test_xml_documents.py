"""XML is read within bounds, and its canonical forms are those of the standard, not of a library."""

from __future__ import annotations

import time

import forged_xml as xml
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from app.signatures import xml_document
from app.signatures.asn1 import Malformed
from app.signatures.report import Verdict
from app.signatures.xml_document import Method

XML = "http://www.w3.org/XML/1998/namespace"


# --- bounds -----------------------------------------------------------------------------------------

REFUSED = {
    "too many octets": (lambda: b"<a>" + b" " * (32 * 1024 * 1024) + b"</a>", "too_large"),
    "too many elements": (lambda: b"<a>" + b"<b/>" * 100_001 + b"</a>", "too_large"),
    "too many comments": (lambda: b"<a>" + b"<!---->" * 100_001 + b"</a>", "too_large"),
    "too deep": (lambda: b"<a>" * 101 + b"</a>" * 101, "too_large"),
    "very deep and never closed": (lambda: b"<a>" * 3_000_000, "too_large"),
    "too many attributes": (lambda: b"<a " + b" ".join(b'a%d=""' % n for n in range(100_001)) + b"/>", "too_large"),
    "a long namespace at every element": (lambda: b'<a xmlns:q="u:%s">' % (b"x" * 300) + b"<q:b/>" * 9, "too_large"),
    "many namespaces and elements": (
        lambda: b"<a " + b" ".join(b'xmlns:a%d="u:%d"' % (n, n) for n in range(600)) + b">" + b"<b/>" * 90_000,
        "too_costly"),
    "many attributes that must be sorted": (
        lambda: b"<a " + b" ".join(b'a%d=""' % n for n in range(9_000)) + b"/>", "too_costly"),
    "a text that swells": (lambda: b"<a>" + b">" * 9_000_000 + b"</a>", "too_large"),
    "an attribute that swells": (lambda: b"<a b='" + b'"' * 9_000_000 + b"'/>", "too_large"),
    "one text of many megabytes": (lambda: b"<a>" + b"x" * 12_000_000 + b"</a>", "too_large"),
    "an endless comment": (lambda: b"<a>" + b"<!--" * 2_000_000, "malformed"),
    "an endless tag": (lambda: b"<a " + b"b " * 2_000_000, "malformed"),
    "nothing but tags begun": (lambda: b"<" * 8_000_000, "malformed"),
    "spaces without end in a tag": (lambda: b"<a b" + b" " * 8_000_000 + b"/>", "malformed"),
    "a DTD": (lambda: b"<!DOCTYPE a><a/>", "xml_doctype"),
    "a DTD after an instruction and a comment": (lambda: b"<?a <a>?><!-- <a> --><!DOCTYPE a []><a/>", "xml_doctype"),
    "a DTD within the root": (lambda: b"<a><!DOCTYPE a></a>", "xml_doctype"),
    "a declaration that comes late": (lambda: b' <?xml version="1.0"?><a/>', "malformed"),
    "another version": (lambda: b'<?xml version="1.1"?><a/>', "malformed"),
    "an end too many": (lambda: b"<a/></a></a>", "malformed"),
    "a zero octet": (lambda: b"<a>\0</a>", "malformed"),
    "a letter that XML has not": (lambda: b"<a>&#1;</a>", "malformed"),
    "octets that are no UTF-8": (lambda: b"<a>\xff</a>", "malformed"),
}  # fmt: skip


@pytest.mark.parametrize("fault", REFUSED)
def test_a_document_out_of_bounds_is_refused_at_once(fault):
    make, code = REFUSED[fault]
    document = make()
    begun = time.process_time()

    with pytest.raises(Malformed) as refused:
        xml_document.read(document)

    assert time.process_time() - begun < 5  # a fraction of it on an idle machine
    assert refused.value.code == code


def _with_signatures(inside: str, times: int = 16, root: str = '<r Id="A1">'):
    return lambda w: root + inside + xml.signed(w.head, f"<r>{xml.HERE}</r>")[3:-4] * times + "</r>"


COSTLY = {
    "many elements": _with_signatures("<b/>" * 90_000),
    "many comments": _with_signatures("<!---->" * 90_000),
    "much text": _with_signatures("<t>" + "x" * 9_000_000 + "</t>"),
    "many namespaces": _with_signatures(
        "<b/>" * 1000, root="<r " + " ".join(f'xmlns:a{n}="u:{n}"' for n in range(100)) + ">"),
    "many elements of one Id": lambda w: xml.signed(w.head, xml.BY_ID, uri="#A1").replace(
        "<body>", '<body><b Id="A1"/>' + '<b Id="A1"/>' * 90_000),
}  # fmt: skip


@pytest.mark.parametrize("what", COSTLY)
def test_sixteen_signatures_over_the_most_that_is_read_cost_little(what, world):
    document = COSTLY[what](world).encode()
    begun = time.process_time()

    report = world.verify(document)

    assert time.process_time() - begun < 5  # a fraction of it on an idle machine
    assert report.verdict is Verdict.INVALID


@pytest.mark.parametrize(
    "document",
    [
        b"<a/>",
        b"\xef\xbb\xbf<a/>",
        b" \r\n<a/>",
        b"<?xml version='1.0' encoding='utf-8' standalone='yes'?>\n<a/>\n",
        b"<a b=\"&gt;'\" c='\"'><![CDATA[<!DOCTYPE a>]]><!-- <b> --><?c <d>?></a >",
        "<а ә='ө'>ұ</а>",
        '<?xml version="1.0" encoding="UTF-16"?><a/>',
    ],
)
def test_well_formed_documents_are_read(document):
    assert xml_document.is_xml(document)
    assert xml_document.read(document).root.tag in ("a", "а")


@pytest.mark.parametrize("message", [b"", b"0\x82", b"-----BEGIN CMS-----", b"  \n", b"MIIB", "", b"\xff\xfe<\0a\0"])
def test_other_messages_are_not_taken_for_xml(message):
    assert not xml_document.is_xml(message)


# --- canonical forms against the standard -----------------------------------------------------------


def _canonical(node, method: Method, rendered: dict, in_scope: dict, *, apex: bool) -> str:
    """Return the canonical form by the letter of the two standards, without the parser's own."""
    if node.tag is etree.Comment:
        return f"<!--{node.text}-->" if method.with_comments else ""
    if node.tag is etree.PI:
        return f"<?{node.target}{' ' + node.text if node.text else ''}?>"
    name = etree.QName(node).localname
    name = f"{node.prefix}:{name}" if node.prefix else name
    spaces = {prefix: uri or "" for prefix, uri in node.nsmap.items()}
    attributes = dict(node.attrib)
    prefixed = {etree.QName(one).namespace for one in attributes} - {None, XML}
    prefix_of = {uri: prefix for prefix, uri in spaces.items() if prefix}
    if method.is_exclusive:
        used = {node.prefix} | {prefix_of[uri] for uri in prefixed} | (set(method.prefixes) & set(spaces))
        wanted = {prefix: spaces.get(prefix, "") for prefix in used}
    else:
        wanted = {None: ""} | spaces
        for ancestor in node.iterancestors() if apex else ():
            for one, value in ancestor.attrib.items():
                if one.startswith(f"{{{XML}}}"):
                    attributes.setdefault(one, value)
    declared = {
        prefix: uri for prefix, uri in wanted.items()
        if rendered.get(prefix, "") != uri and prefix != "xml"
    }  # fmt: skip
    out = f"<{name}"
    for prefix, uri in sorted(declared.items(), key=lambda one: one[0] or ""):
        out += f' xmlns{":" + prefix if prefix else ""}="{_escaped(uri, attribute=True)}"'
    for one in sorted(attributes, key=lambda one: (etree.QName(one).namespace or "", etree.QName(one).localname)):
        space, local = etree.QName(one).namespace, etree.QName(one).localname
        prefix = "xml:" if space == XML else f"{prefix_of[space]}:" if space else ""
        out += f' {prefix}{local}="{_escaped(attributes[one], attribute=True)}"'
    out += ">" + _escaped(node.text or "")
    for child in node:
        out += _canonical(child, method, rendered | declared, spaces, apex=False) + _escaped(child.tail or "")
    return f"{out}</{name}>"


def _escaped(text: str, *, attribute: bool = False) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace("\r", "&#xD;")
    if attribute:
        return text.replace('"', "&quot;").replace("\t", "&#x9;").replace("\n", "&#xA;")
    return text.replace(">", "&gt;")


TEXTS = st.sampled_from(["", "x", " ", "a&amp;b", "&lt;&gt;", "&#13;\n", "\t", "ә", "]]&gt;", "<![CDATA[<&]]>", '"'])
VALUES = st.sampled_from(["", "1", "&#10;&#9;&#13;", "&quot;'", "&lt;&amp;>", "ө"])
SPACES = st.sampled_from(
    ["", ' xmlns="urn:a"', ' xmlns=""', ' xmlns="urn:b"', ' xmlns:p="urn:p"', ' xmlns:p="urn:p2"', ' xmlns:q="urn:q"']
)
PLAIN = st.sampled_from(["", " b='{}'", " a='{}' c='{}'", " xml:lang='{}'", " xml:space='{}' xml:x='{}'"])


@st.composite
def documents(draw, depth=3):
    """Return an element as text; prefixes p and q are declared around it."""
    prefix = draw(st.sampled_from(["", "", "p:", "q:"]))
    attributes = draw(PLAIN) + draw(st.sampled_from(["", " p:k='{}'", " q:a='{}' p:b='{}'"]))
    while "{}" in attributes:
        attributes = attributes.replace("{}", draw(VALUES).replace("'", "&apos;"), 1)
    inside = draw(TEXTS)
    for _ in range(draw(st.integers(0, 3)) if depth else 0):
        child = draw(documents(depth - 1) | st.sampled_from(["<!-- c -->", "<?i d?>", "<?i?>", "<!---->"]))
        inside += child + draw(TEXTS)
    return f"<{prefix}e{draw(SPACES)}{attributes}>{inside}</{prefix}e>"


PREFIXES = st.sampled_from([(), ("p",), ("q",), ("p", "q"), ("nowhere",)])
METHODS = st.builds(Method, st.just(False), st.booleans()) | st.builds(Method, st.just(True), st.booleans(), PREFIXES)


@given(documents(), METHODS, st.data())
@settings(max_examples=300, deadline=None)
def test_every_element_has_the_canonical_form_of_the_standard(text, method, data):
    document = xml_document.read(f'<r xmlns:p="urn:p" xmlns:q="urn:q" xml:lang="kk">{text}</r>')
    before = etree.tostring(document.tree)
    node = data.draw(st.sampled_from(list(document.root.iter(etree.Element))))

    found = xml_document.canonical(node, method).decode()

    assert found == _canonical(node, method, {}, {}, apex=True)
    assert etree.tostring(document.tree) == before


@given(documents(), METHODS)
@settings(max_examples=100, deadline=None)
def test_the_whole_document_has_the_canonical_form_of_the_standard(text, method):
    document = xml_document.read(f'<?a b?><!-- c --><r xmlns:p="urn:p" xmlns:q="urn:q">{text}</r>\n<!--d--><?e?>')
    comments = ("<!-- c -->\n", "\n<!--d-->") if method.with_comments else ("", "")

    found = xml_document.canonical(document.tree, method).decode()

    root = _canonical(document.root, method, {}, {}, apex=True)
    assert found == f"<?a b?>\n{comments[0]}{root}{comments[1]}\n<?e?>"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<a><b>1</b></a>", "<a></a>"),
        ("<a>x<b>1</b>y</a>", "<a>xy</a>"),
        ("<a><b>1</b>y</a>", "<a>y</a>"),
        ("<a>x<c/>y<b>1</b>z<c/></a>", "<a>x<c></c>yz<c></c></a>"),
        ("<a>x<!--c--><b>1</b>z</a>", "<a>x<!--c-->z</a>"),
        ("<a><?p?>y<b>1</b>z</a>", "<a><?p?>yz</a>"),
    ],
)
def test_an_element_that_is_taken_out_leaves_the_text_around_it(text, left):
    document = xml_document.read(text)

    xml_document.take_out(document.root.find("b"))

    assert xml_document.canonical(document.tree, Method(with_comments=True)).decode() == left
