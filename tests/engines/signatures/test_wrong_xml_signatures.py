"""XML with a signature that must not pass: each is refused for its own reason, at once, and nothing is fetched."""

from __future__ import annotations

import base64
import hashlib
import re
import time

import forged_messages as forge
import forged_xml as xml
import pytest
from forged_messages import IIN
from forged_xml import (
    BY_ID,
    DOCUMENT,
    DS,
    ENVELOPED,
    EXCLUSIVE,
    HERE,
    INCLUSIVE,
    WITH_COMMENTS,
    canonical,
    reference,
    signed,
    transform,
)  # fmt: skip
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from app.signatures.report import Verdict

BAD, OPEN, GOOD = Verdict.INVALID, Verdict.INDETERMINATE, Verdict.VALID


def _moved(w):
    text = signed(w.head, BY_ID, uri="#A1")
    original = re.search(r"<application.*?</application>", text)[0]
    forged = original.replace("A1", "A2").replace(">1000<", ">9999<")
    return text.replace(original, forged).replace("</envelope>", f"<wrapper>{original}</wrapper></envelope>")


def _inside(text: str, what: str, after: str) -> str:
    """Put something into a finished signature, after a tag of it."""
    assert after in text
    return text.replace(after, after + what, 1)


def _part(name: str, text: str) -> str:
    return re.search(f"<ds:{name}[ >].*</ds:{name}>", text)[0]


def _by_id_with(extra: str):
    return lambda w: signed(w.head, BY_ID.replace("<envelope>", f"<envelope>{extra}"), uri="#A1")


FORGED = '<application xmlns="urn:listing"><amount>9999</amount></application>'
XPATH, XSLT = "http://www.w3.org/TR/1999/REC-xpath-19991116", "http://www.w3.org/TR/1999/REC-xslt-19991116"
STYLE = '<s:stylesheet version="1.0" xmlns:s="http://www.w3.org/1999/XSL/Transform"/>'

WRONG = {
    "the text changed": (lambda w: signed(w.head).replace(">1000<", ">9999<"), "content_changed", BAD),
    "an element added": (lambda w: signed(w.head).replace("</amount>", "</amount><b/>"), "content_changed", BAD),
    "text added beside the signature": (
        lambda w: signed(w.head).replace("</ds:Signature>", "</ds:Signature>!"), "content_changed", BAD),
    "an instruction added": (lambda w: "<?xml-stylesheet href='x'?>" + signed(w.head), "content_changed", BAD),
    "the namespace changed": (lambda w: signed(w.head).replace("urn:listing", "urn:other"), "content_changed", BAD),
    "the digest changed": (
        lambda w: re.sub("(?<=DigestValue>)....", "AAAA", signed(w.head), count=1), "signature_wrong", BAD),
    "the value changed": (
        lambda w: re.sub("(?<=SignatureValue>)....", "AAAA", signed(w.head), count=1), "signature_wrong", BAD),
    "another's certificate": (lambda w: signed(w.head, certificates=[w.ca.der]), "signature_wrong", BAD),
    "no certificate": (lambda w: signed(w.head, certificates=[]), "certificate_missing", OPEN),
    "no KeyInfo": (lambda w: signed(w.head, key_info=""), "certificate_missing", OPEN),
    "a key without a certificate": (
        lambda w: signed(w.head, key_info="<ds:KeyInfo><ds:KeyName>head</ds:KeyName></ds:KeyInfo>"),
        "certificate_missing", OPEN),
    "a damaged certificate": (lambda w: signed(w.head, certificates=[w.head.der[:-1]]), "certificate_malformed", BAD),
    # wrapping
    "the signed element moved aside": (_moved, "xml_partly_signed", BAD),
    "another beside the signed element": (_by_id_with(FORGED), "xml_partly_signed", BAD),
    "an empty element beside": (_by_id_with("<approved/>"), "xml_partly_signed", BAD),
    "text beside": (_by_id_with("approved"), "xml_partly_signed", BAD),
    "an instruction beside": (_by_id_with("<?show approved?>"), "xml_partly_signed", BAD),
    "an instruction before the root": (
        lambda w: "<?xml-stylesheet href='x'?>" + signed(w.head, BY_ID, uri="#A1"), "xml_partly_signed", BAD),
    "an attribute around": (
        lambda w: signed(w.head, BY_ID.replace("<body>", "<body status='1'>"), uri="#A1"), "xml_partly_signed", BAD),
    "a child alone": (
        lambda w: signed(w.head, f'<a><b Id="B1">1</b><c>2</c>{HERE}</a>', uri="#B1"), "xml_partly_signed", BAD),
    "hidden beside a signature": (
        lambda w: signed(w.head, BY_ID.replace(HERE, f"<signatures>{HERE}<x/></signatures>"), uri="#A1"),
        "xml_partly_signed", BAD),
    "hidden beside a SOAP body": (
        lambda w: xml.sign_soap(w.head, xml.soap(header="<pay xmlns='urn:x'>9</pay>")), "xml_partly_signed", BAD),
    "hidden in KeyInfo": (
        lambda w: _inside(signed(w.head), FORGED, "<ds:X509Data>"), "xml_structure", BAD),
    "hidden in an Object": (lambda w: signed(w.head, objects=f"<ds:Object>{FORGED}</ds:Object>"), "xml_structure", BAD),
    "a comment in KeyInfo": (lambda w: _inside(signed(w.head), "<!-- 9 -->", "<ds:KeyInfo>"), "xml_structure", BAD),
    # what is pointed at
    "the Id borne twice": (
        lambda w: signed(w.head, BY_ID, uri="#A1").replace("<envelope>", '<envelope><body Id="A1"/>'),
        "xml_id_duplicate", BAD),
    "the Id borne again in another spelling": (
        lambda w: signed(w.head, BY_ID, uri="#A1").replace("<envelope>", '<envelope id="A1">'),
        "xml_id_duplicate", BAD),
    "the Id borne again by the signature": (
        lambda w: signed(w.head, BY_ID, uri="#A1").replace("<ds:Signature ", '<ds:Signature Id="A1" '),
        "xml_id_duplicate", BAD),
    "no such Id": (
        lambda w: signed(w.head, uri="#A9", digested=canonical), "xml_reference_unresolved", BAD),
    "no Id": (lambda w: signed(w.head, uri="#", digested=canonical), "xml_reference_unresolved", BAD),
    "no URI": (lambda w: signed(w.head, uri=None), "xml_reference_unresolved", BAD),
    "an XPointer": (
        lambda w: signed(w.head, uri="#xpointer(/)", digested=canonical), "xml_reference_unresolved", BAD),
    "another document": (
        lambda w: signed(w.head, uri="http://127.0.0.1:9/a.xml", digested=canonical), "xml_reference_external", BAD),
    "a file": (lambda w: signed(w.head, uri="file:///etc/passwd", digested=canonical), "xml_reference_external", BAD),
    "the signature's own key": (
        lambda w: signed(
            w.head, uri="#K", digested=lambda _: canonical(etree.fromstring(f'<ds:KeyInfo xmlns:ds="{DS}" Id="K"/>')),
            key_info='<ds:KeyInfo Id="K"/>'),
        "xml_partly_signed", BAD),
    "the signature itself": (
        lambda w: signed(w.head, uri="#S", digested=canonical).replace("<ds:Signature ", '<ds:Signature Id="S" '),
        "content_changed", BAD),
    "an enveloping signature": (
        lambda w: signed(w.head, f'<e>{HERE}</e>', uri="#O", digested=lambda _: b"<ds:Object/>",
                         objects=f'<ds:Object Id="O">{FORGED}</ds:Object>')[3:-4], "xml_structure", BAD),
    "a signature within a signature": (
        lambda w: _inside(signed(w.head), _part("Signature", signed(w.head)), "<ds:KeyInfo>"),
        "xml_structure", BAD),
    "nothing pointed at": (lambda w: signed(w.head, references=lambda _: ""), "xml_reference_missing", BAD),
    "two references": (lambda w: signed(w.head, references=lambda d: reference(d) * 2), "xml_reference_several", OPEN),
    "many references": (
        lambda w: signed(w.head, references=lambda d: reference(d) * 2000), "xml_reference_several", OPEN),
    # transforms
    "XPath": (
        lambda w: signed(w.head, transforms=[
            transform(ENVELOPED), transform(XPATH, "<ds:XPath>true()</ds:XPath>"), transform(WITH_COMMENTS)]),
        "xml_transform", BAD),
    "XSLT": (lambda w: signed(w.head, transforms=[transform(ENVELOPED), transform(XSLT, STYLE)]), "xml_transform", BAD),
    "base64": (
        lambda w: signed(w.head, transforms=[transform(ENVELOPED), transform(f"{DS}base64")]), "xml_transform", BAD),
    "the canonical form before the enveloped": (
        lambda w: signed(w.head, transforms=[transform(WITH_COMMENTS), transform(ENVELOPED)]), "xml_transform", BAD),
    "two canonical forms": (
        lambda w: signed(w.head, transforms=[transform(ENVELOPED), transform(INCLUSIVE), transform(EXCLUSIVE)]),
        "xml_transform", BAD),
    "the signature left in what it signs": (
        lambda w: signed(w.head, transforms=[transform(WITH_COMMENTS)]), "content_changed", BAD),
    # algorithms
    "HMAC": (lambda w: signed(w.head, signature_uri=f"{DS}hmac-sha1"), "algorithm_symmetric", BAD),
    "HMAC cut to nothing": (
        lambda w: signed(w.head, signature_uri="http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
                         signature_inside="<ds:HMACOutputLength>0</ds:HMACOutputLength>"), "algorithm_symmetric", BAD),
    "SHA-1 in the signature": (
        lambda w: signed(w.head, signature_uri=f"{DS}rsa-sha1", hash=forge.hashes.SHA1()), "algorithm_weak", BAD),
    "SHA-1 in the digest": (
        lambda w: signed(w.head, references=lambda _: reference(
            hashlib.sha1(canonical(etree.fromstring(DOCUMENT.replace(HERE, "")))).digest(), digest_uri=f"{DS}sha1")),
        "algorithm_weak", BAD),
    "an unknown signature": (lambda w: signed(w.head, signature_uri="urn:unknown"), "algorithm_unsupported", OPEN),
    "an unknown digest": (lambda w: signed(w.head, digest_uri="urn:unknown"), "algorithm_unsupported", OPEN),
    "an unknown canonical form": (
        lambda w: signed(w.head, method="http://www.w3.org/2006/12/xml-c14n11"), "algorithm_unsupported", OPEN),
    "a prefix list that is not computed": (
        lambda w: signed(w.head, method=EXCLUSIVE, method_inside=
                         f'<x:InclusiveNamespaces xmlns:x="{EXCLUSIVE}" PrefixList="#default"/>'),
        "algorithm_unsupported", OPEN),
    "GOST named for an RSA key": (
        lambda w: signed(w.head, signature_uri=
                         "urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:gostr34102015-gostr34112015-512"),
        "algorithm_mismatch", BAD),
    "a digest of another family": (
        lambda w: signed(w.head, references=lambda _: reference(
            hashlib.sha512(canonical(etree.fromstring(DOCUMENT.replace(HERE, "")))).digest(),
            digest_uri="http://www.w3.org/2001/04/xmlenc#sha512")), "algorithm_mismatch", BAD),
    # structure
    "no signature": (lambda w: DOCUMENT.replace(HERE, ""), "no_signers", BAD),
    "a signature of another namespace": (
        lambda w: signed(w.head).replace(f'"{DS}"', '"http://www.w3.org/2000/09/xmldsig"'), "no_signers", BAD),
    "an empty signature": (lambda w: f'<a><s:Signature xmlns:s="{DS}"/></a>', "xml_structure", BAD),
    "a value of white space": (lambda w: signed(w.head, value=lambda _: " \n"), "xml_structure", BAD),
    "a value that is no base64": (lambda w: signed(w.head, value=lambda _: "!!!!"), "xml_structure", BAD),
    "a comment in the value": (
        lambda w: signed(w.head, value=lambda v: base64.b64encode(v).decode()[:9] + "<!-- -->"), "xml_structure", BAD),
    "two values": (
        lambda w: signed(w.head).replace("<ds:KeyInfo>", "<ds:SignatureValue>AAAA</ds:SignatureValue><ds:KeyInfo>"),
        "xml_structure", BAD),
    "two SignedInfos": (
        lambda w: _inside(signed(w.head), _part("SignedInfo", signed(w.head)), "</ds:SignedInfo>"),
        "xml_structure", BAD),
    "a foreign element among the references": (
        lambda w: signed(w.head, references=lambda d: '<x:Reference xmlns:x="urn:x"/>' + reference(d)),
        "xml_structure", BAD),
    "too many signatures": (
        lambda w: DOCUMENT.replace(HERE, _part("Signature", signed(w.head)) * 17),
        "too_many_signers", BAD),
    # the document
    "a DTD": (lambda w: "<!DOCTYPE application>" + signed(w.head), "xml_doctype", BAD),
    "a DTD with entities": (
        lambda w: '<!-- --><!DOCTYPE a [<!ENTITY b "1000">]>' + signed(w.head).replace(">1000<", ">&b;<"),
        "xml_doctype", BAD),
    "an external DTD": (
        lambda w: '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd">' + signed(w.head), "xml_doctype", BAD),
    "an entity without a DTD": (lambda w: signed(w.head).replace(">1000<", ">&b;<"), "malformed", BAD),
    "an undeclared prefix": (lambda w: signed(w.head).replace("<amount>", "<q:amount>"), "malformed", BAD),
    "cut short": (lambda w: signed(w.head)[:-5], "malformed", BAD),
    "bytes after the end": (lambda w: signed(w.head) + "<b/>", "malformed", BAD),
    "not UTF-8": (lambda w: signed(w.head).replace(">1000<", ">мын<").encode("cp1251"), "malformed", BAD),
    "an encoding not read": (
        lambda w: b'<?xml version="1.0" encoding="UTF-7"?>' + signed(w.head).encode(), "malformed", BAD),
    "UTF-16": (lambda w: signed(w.head).encode("utf-16-le"), "malformed", BAD),
    "half a surrogate pair": (lambda w: signed(w.head).replace(">1000<", ">\ud800<"), "malformed", BAD),
    "a relative namespace": (lambda w: signed(w.head).replace("urn:listing", "listing"), "malformed", BAD),
}  # fmt: skip


@pytest.mark.req("IS2IN-1.4")
@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_document_is_never_valid_and_the_report_says_why(fault, world):
    make, reason, verdict = WRONG[fault]
    document = make(world)
    begun = time.process_time()

    report = world.verify(document)

    assert time.process_time() - begun < 5  # a fraction of it on an idle machine
    assert reason in report.reasons
    assert report.verdict is verdict, report.reasons


def test_nothing_is_fetched(world, monkeypatch):
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("the network was asked"))
    for fault in ("another document", "a file", "an external DTD", "XSLT"):
        assert world.verify(WRONG[fault][0](world)).verdict is BAD


def test_several_certificates_of_one_key_leave_open_who_signed(world):
    second = world.issue(whose=forge.subject(iin="IIN900202400123"), owner="head")

    report = world.verify(signed(world.head, certificates=[second.der, world.head.der]))

    assert report.verdict is BAD
    assert "certificate_ambiguous" in report.reasons


def test_the_certificate_whose_key_fits_is_the_signers_wherever_it_stands(world):
    impostor = world.issue(whose=forge.subject(iin="IIN900202400123"), owner="impostor")

    report = world.verify(signed(world.head, certificates=[impostor.der, world.head.der]))

    assert report.verdict is GOOD
    assert report.signers[0].iin == IIN


def test_one_bad_signature_spoils_the_document(world):
    text = signed(world.head, DOCUMENT.replace(HERE, f'{HERE}<ds:Signature xmlns:ds="{DS}"/>'))

    report = world.verify(text)

    assert report.verdict is BAD
    assert "xml_structure" in report.reasons


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_document_damaged_anywhere_is_valid_only_if_it_still_says_the_same(world, data):
    whole = signed(world.head, BY_ID, uri="#A1", method=EXCLUSIVE).encode()
    at = data.draw(st.integers(0, len(whole) - 1))
    length = data.draw(st.integers(0, 40))
    put = data.draw(st.binary(max_size=4) | st.sampled_from([b"<a/>", b"<!-- -->", b"<?a?>", b"&amp;", b" ", b"\r\n"]))

    report = world.verify(whole[:at] + put + whole[at + length :])

    if report.verdict is GOOD:
        assert report.content == b'<application xmlns="urn:listing" Id="A1"><amount>1000</amount></application>'
        assert report.signers[0].iin == IIN
