"""What stands around a signed element, what a signature covers besides, and where its certificate lies."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import partial

import forged_messages as forge
import forged_xml as xml
import pytest
from forged_messages import IIN
from forged_xml import DS, ENVELOPED, EXCLUSIVE, HERE, INCLUSIVE, WSSE, WSU, canonical, reference, signed, transform
from lxml import etree

from app.signatures.report import Verdict

BAD, OPEN, GOOD = Verdict.INVALID, Verdict.INDETERMINATE, Verdict.VALID
XADES = "http://uri.etsi.org/01903/v1.3.2#"
X509 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
ORDER = '<order Id="A1">5</order>'


def _framed(before: str, after: str):
    return lambda w: signed(w.head, f"{before}{ORDER}{HERE}{after}", uri="#A1")


def _soap(change, body="<order>5</order>"):
    return lambda w: xml.sign_soap(w.head, change(xml.soap(body)))


FRAMES = {
    "neutral names": (_framed("<envelope><body>", "</body></envelope>"), GOOD, None),
    "neutral names in capitals": (_framed("<Envelope><Body>", "</Body></Envelope>"), GOOD, None),
    "a name that speaks": (_framed("<rejected>", "</rejected>"), OPEN, "/rejected"),
    "a name that speaks within": (_framed("<envelope><draft>", "</draft></envelope>"), OPEN, "/envelope/draft"),
    "a neutral name of another namespace": (_framed('<root xmlns="urn:rejected">', "</root>"), OPEN, "/root"),
    "a frame for what stands beside": (_framed("<signatures>", "</signatures>"), OPEN, "/signatures"),
    "an attribute that speaks": (_framed('<root status="rejected">', "</root>"), BAD, "/root"),
    "a language that speaks": (_framed('<root xml:lang="not approved">', "</root>"), BAD, "/root"),
    "a place of a schema": (
        _framed('<root xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:schemaLocation="a b">', "</root>"),
        BAD, "/root"),
    "words that speak": (_framed("<root>rejected: ", "</root>"), BAD, "/root"),
    "a SOAP message": (_soap(lambda text: text), GOOD, None),
    "a SOAP message with an empty header beside": (
        lambda w: signed(w.head, f'<s:Envelope xmlns:s="{xml.SOAP}"><s:Header/><s:Body>{ORDER}{HERE}</s:Body>'
                         "</s:Envelope>", uri="#A1"), GOOD, None),
    "an attribute of SOAP that speaks": (
        _soap(lambda text: text.replace('mustUnderstand="1"', 'mustUnderstand="rejected"')),
        BAD, "/soap:Envelope/soap:Header/wsse:Security"),
    "an actor that speaks": (
        _soap(lambda text: text.replace("soap:mustUnderstand", 'soap:actor="urn:rejected" soap:mustUnderstand')),
        BAD, "/soap:Envelope/soap:Header/wsse:Security"),
    "an unknown name in the SOAP namespace": (
        lambda w: signed(w.head, f'<s:Envelope xmlns:s="{xml.SOAP}"><s:Rejected>{ORDER}{HERE}</s:Rejected>'
                         "</s:Envelope>", uri="#A1"), OPEN, "/s:Envelope/s:Rejected"),
    "signed in the header, with a body that is empty": (
        lambda w: signed(w.head, f'<s:Envelope xmlns:s="{xml.SOAP}"><s:Header>{ORDER}{HERE}</s:Header><s:Body/>'
                         "</s:Envelope>", uri="#A1"), BAD, "/s:Envelope/s:Body"),
    "signed in the header, with a signature in the body": (
        lambda w: signed(w.head, f'<s:Envelope xmlns:s="{xml.SOAP}"><s:Header>{ORDER}</s:Header><s:Body>{HERE}'
                         "</s:Body></s:Envelope>", uri="#A1"), OPEN, "/s:Envelope/s:Header"),
    "a body that is not in an envelope": (
        lambda w: signed(w.head, f'<s:Body xmlns:s="{xml.SOAP}">{ORDER}{HERE}</s:Body>', uri="#A1"), OPEN, "/s:Body"),
    "a security header that is not in a header": (
        lambda w: signed(w.head, f'<root>{ORDER}<w:Security xmlns:w="{WSSE}">{HERE}</w:Security></root>', uri="#A1"),
        OPEN, "/root/w:Security"),
    "a time in the security header that is not signed": (
        _soap(lambda text: text.replace(HERE, f"<wsu:Timestamp><wsu:Created>x</wsu:Created></wsu:Timestamp>{HERE}")),
        BAD, "/soap:Envelope/soap:Header/wsse:Security/wsu:Timestamp"),
}  # fmt: skip


@pytest.mark.parametrize("frame", FRAMES)
def test_only_a_frame_that_is_known_to_say_nothing_may_stand_around_what_is_signed(frame, world):
    make, verdict, where = FRAMES[frame]

    report = world.verify(make(world))

    assert report.verdict is verdict, report.reasons
    code = {GOOD: None, OPEN: "xml_frame_unknown", BAD: "xml_partly_signed"}[verdict]
    assert report.reasons[:1] == ((code,) if code else ())
    assert report.signers[0].details.get(code) == where
    assert report.signers[0].iin == IIN


# --- several references -----------------------------------------------------------------------------


def _digest_of(octets: bytes) -> bytes:
    return hashlib.sha256(octets).digest()


def _properties(w, *, inside: str = "", named: bytes | None = None, target: str = "#S") -> str:
    digest = base64.b64encode(_digest_of(w.head.der if named is None else named)).decode()
    return (
        f'<x:QualifyingProperties xmlns:x="{XADES}" Target="{target}"><x:SignedProperties Id="P">'
        "<x:SignedSignatureProperties><x:SigningTime>2026-11-20T08:00:00Z</x:SigningTime><x:SigningCertificateV2>"
        f'<x:Cert><x:CertDigest><ds:DigestMethod Algorithm="{xml.SHA256}"/><ds:DigestValue>{digest}</ds:DigestValue>'
        f"</x:CertDigest></x:Cert></x:SigningCertificateV2>{inside}</x:SignedSignatureProperties>"
        "</x:SignedProperties></x:QualifyingProperties>"
    )


def _xades(w, *, signs_properties: bool = True, **how) -> str:
    """Return the document with a signature as XAdES has it: the document and the properties are signed."""
    held = _properties(w, **how)
    (properties,) = etree.fromstring(f'<r xmlns:ds="{DS}">{held}</r>').iter(f"{{{XADES}}}SignedProperties")
    also = reference(
        _digest_of(canonical(properties, exclusive=True)), uri="#P", transforms=[transform(EXCLUSIVE)]
    ).replace("<ds:Reference ", '<ds:Reference Type="http://uri.etsi.org/01903#SignedProperties" ')
    text = signed(
        w.head,
        references=lambda digest: reference(digest) + (also if signs_properties else ""),
        objects=f"<ds:Object>{held}</ds:Object>",
    )
    return text.replace("<ds:Signature ", '<ds:Signature Id="S" ')


def test_a_document_signed_with_the_properties_of_xades_is_valid(world):
    report = world.verify(_xades(world))

    assert (report.verdict, report.reasons, report.notes) == (GOOD, (), ())
    assert report.signers[0].signing_time.isoformat() == "2026-11-20T08:00:00+00:00"
    assert report.content == b'<application xmlns="urn:listing" Id="A1"><amount>1000</amount></application>'


XADES_WRONG = {
    "properties that are not signed": (partial(_xades, signs_properties=False), BAD, "xml_properties_unsigned"),
    "properties that changed": (lambda w: _xades(w).replace("T08:00:00Z", "T07:00:00Z"), BAD, "content_changed"),
    "a document that changed": (lambda w: _xades(w).replace(">1000<", ">9999<"), BAD, "content_changed"),
    "another's certificate named": (lambda w: _xades(w, named=w.ca.der), BAD, "signing_certificate_differs"),
    "a policy that nobody judged": (
        lambda w: _xades(w, inside="<x:SignaturePolicyIdentifier/>"), OPEN, "xml_properties_unknown"),
    "a second time of signing": (
        lambda w: _xades(w, inside="<x:SigningTime>2025-01-01T00:00:00Z</x:SigningTime>"),
        OPEN, "xml_properties_unknown"),
    "properties of another signature": (lambda w: _xades(w, target="#T"), BAD, "xml_structure"),
    "something beside the signed properties": (
        lambda w: _xades(w).replace("</x:SignedProperties>", "</x:SignedProperties><x:UnsignedProperties/>"),
        BAD, "xml_structure"),
    "a foreign element beside them": (
        lambda w: _xades(w).replace("<ds:Object>", "<ds:Object><paid/>"), BAD, "xml_structure"),
}  # fmt: skip


@pytest.mark.parametrize("fault", XADES_WRONG)
def test_properties_of_xades_must_be_signed_and_known(fault, world):
    make, verdict, code = XADES_WRONG[fault]

    report = world.verify(make(world))

    assert (report.verdict, code in report.reasons) == (verdict, True), report.reasons


TWO = f'<root><a Id="A1">1</a><b Id="B1">2</b>{HERE}</root>'


def _two(w, first: bytes = b'<a Id="A1">1</a>', second: bytes = b'<b Id="B1">2</b>', document: str = TWO) -> str:
    both = "".join(
        reference(_digest_of(octets), uri=uri, transforms=[transform(INCLUSIVE)])
        for octets, uri in ((first, "#A1"), (second, "#B1"))
    )
    return signed(w.head, document, uri="#A1", references=lambda _: both)


def test_of_two_contents_nobody_can_say_which_was_meant(world):
    assert world.verify(_two(world)).reasons == ("xml_reference_several",)
    assert world.verify(_two(world)).verdict is OPEN


@pytest.mark.parametrize("changed", [{"first": b"other"}, {"second": b"other"}])
def test_every_reference_is_compared(changed, world):
    assert set(world.verify(_two(world, **changed)).reasons) == {"xml_reference_several", "content_changed"}


def test_what_no_reference_covers_is_told(world):
    report = world.verify(_two(world, document=TWO.replace("<root>", "<root><c>3</c>")))

    assert (report.verdict, "xml_partly_signed" in report.reasons) == (BAD, True)


# --- WS-Security ------------------------------------------------------------------------------------


def _token(w, *, identifier: str = "T1", kind: str = X509, octets: bytes | None = None) -> str:
    value = base64.b64encode(w.head.der if octets is None else octets).decode()
    return (
        f'<wsse:BinarySecurityToken xmlns:wsse="{WSSE}" wsu:Id="{identifier}" ValueType="{kind}">'
        f"{value}</wsse:BinarySecurityToken>"
    )


TIME = f'<wsu:Timestamp xmlns:wsu="{WSU}" wsu:Id="TS"><wsu:Created>2026-11-20T08:00:00Z</wsu:Created></wsu:Timestamp>'


def _with_token(w, *, token: str | None = None, uri: str = "#T1", kind: str = X509, covers: tuple[str, ...] = ("B1",)):
    """Return a SOAP message as WSS4J makes it: the certificate in a token of the header, several parts signed."""
    header = (_token(w) if token is None else token) + (TIME if "TS" in covers else "")
    message = xml.soap().replace(HERE, header + HERE)
    before = etree.ElementTree(etree.fromstring(message.replace(HERE, "")))
    made = "".join(
        reference(
            _digest_of(canonical(xml.identified(before, one), exclusive=True)),
            uri=f"#{one}",
            transforms=[transform(EXCLUSIVE)],
        )
        for one in covers
    )
    carrier = f'<wsse:Reference URI="{uri}" ValueType="{kind}"/>'
    return signed(
        w.head,
        message,
        uri="#B1",
        references=lambda _: made,
        method=EXCLUSIVE,
        key_info=f'<ds:KeyInfo Id="K1"><wsse:SecurityTokenReference xmlns:wsse="{WSSE}">{carrier}'
        "</wsse:SecurityTokenReference></ds:KeyInfo>",
    )


@pytest.mark.parametrize("covers", [("B1",), ("B1", "TS"), ("TS", "B1", "T1"), ("B1", "T1")])
def test_the_certificate_may_lie_in_a_token_of_the_security_header(covers, world):
    report = world.verify(_with_token(world, covers=covers))

    assert (report.verdict, report.reasons) == (GOOD, ()), report.signers[0].details
    assert report.signers[0].iin == IIN
    assert report.signers[0].covers.path == "/soap:Envelope/soap:Body"
    assert re.fullmatch(b"<soap:Body .*<order>5</order></soap:Body>", report.content)


TOKENS_WRONG = {
    "no such token": (lambda w: _with_token(w, uri="#T9"), BAD, "xml_structure"),
    "a token elsewhere": (lambda w: _with_token(w, uri="http://127.0.0.1:9/"), BAD, "xml_structure"),
    "a token of another kind": (
        lambda w: _with_token(w, token=_token(w, kind="urn:other"), kind="urn:other"), BAD, "xml_structure"),
    "two tokens of one name": (lambda w: _with_token(w, token=_token(w) * 2), BAD, "xml_structure"),
    "something else in the token": (
        lambda w: _with_token(w, token=_token(w, octets=b"approved")), BAD, "xml_partly_signed"),
    "a second token that says something": (
        lambda w: _with_token(w, token=_token(w) + _token(w, identifier="T2", octets=b"approved")),
        BAD, "xml_partly_signed"),
    "another's certificate in the token": (
        lambda w: _with_token(w, token=_token(w, octets=w.ca.der)), BAD, "signature_wrong"),
    "a time that changed": (
        lambda w: _with_token(w, covers=("B1", "TS")).replace("T08:00:00Z", "T09:00:00Z"), BAD, "content_changed"),
    "a body that changed": (
        lambda w: _with_token(w, covers=("TS", "B1")).replace(">5<", ">9<"), BAD, "content_changed"),
    "no body among what is signed": (lambda w: _with_token(w, covers=("TS",)), BAD, "xml_partly_signed"),
}  # fmt: skip


@pytest.mark.parametrize("fault", TOKENS_WRONG)
def test_a_token_that_is_not_as_it_should_be_proves_nothing(fault, world):
    make, verdict, code = TOKENS_WRONG[fault]

    report = world.verify(make(world))

    assert (report.verdict, code in report.reasons) == (verdict, True), report.reasons


def test_a_signature_that_signs_its_own_key_is_valid(world):
    info = f'<ds:KeyInfo xmlns:ds="{DS}" Id="K"><ds:X509Data><ds:X509Certificate>'
    info += base64.b64encode(world.head.der).decode() + "</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
    also = reference(
        _digest_of(canonical(etree.fromstring(info), exclusive=True)), uri="#K", transforms=[transform(EXCLUSIVE)]
    )

    report = world.verify(signed(world.head, references=lambda digest: reference(digest) + also, key_info=info))

    assert (report.verdict, report.reasons) == (GOOD, ())
    swapped = re.sub("(?<=X509Certificate>)[^<]+", base64.b64encode(world.ca.der).decode(), signed(world.head), count=1)
    assert world.verify(swapped).verdict is BAD


@pytest.mark.parametrize(
    ("part", "with_words"),
    [
        ("<ds:X509Data>", '<ds:X509Data note="approved">'),
        ("<ds:KeyInfo>", "<ds:KeyInfo>approved"),
        ("<ds:KeyInfo>", '<ds:KeyInfo status="approved">'),
        ("<ds:X509Data>", "<ds:X509Data>approved"),
        ("</ds:X509Data>", "</ds:X509Data>approved"),
        ("</ds:X509Certificate>", "</ds:X509Certificate>approved"),
    ],
)
def test_what_tells_of_the_key_has_no_place_for_other_words(part, with_words, world):
    report = world.verify(signed(world.head).replace(part, with_words))

    assert (report.verdict, report.reasons[0]) == (BAD, "xml_structure")


def test_an_enveloped_transform_is_not_for_what_belongs_to_the_signature(world):
    text = _xades(world)
    steps = f"<ds:Transforms>{transform(EXCLUSIVE)}</ds:Transforms>"

    report = world.verify(
        text.replace(steps, f"<ds:Transforms>{transform(ENVELOPED)}{transform(EXCLUSIVE)}</ds:Transforms>")
    )

    assert "xml_transform" in report.reasons
    assert report.signers[0].iin == forge.IIN
