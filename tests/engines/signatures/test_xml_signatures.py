"""Signatures in XML: what each covers, and that nothing else passes for it."""

from __future__ import annotations

import base64
import hashlib
import re

import forged_messages as forge
import forged_xml as xml
import pytest
from click.testing import CliRunner
from forged_messages import IIN, NOW, VECTORS
from forged_xml import (
    BY_ID,
    DOCUMENT,
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
from lxml import etree

from app.cli.signatures import commands
from app.signatures import algorithms, trust, xmldsig
from app.signatures.report import Outcome, Stage, Verdict
from app.signatures.verify import verify

BAD, OPEN, GOOD = Verdict.INVALID, Verdict.INDETERMINATE, Verdict.VALID


# --- published signatures ---------------------------------------------------------------------------

PUBLISHED = {
    "ncanode_rsa_enveloped": [("123456789011", "expired", "RSA with SHA-256")],
    "ncanode_rsa_plus_gost2015_enveloped": [
        ("123456789011", "expired", "RSA with SHA-256"), ("123456789012", "expired", "GOST R 34.10-2015 (512)"),
    ],
    "ncalayer-rs_gost2015_simple": [("000000000000", "chain_untrusted", "GOST R 34.10-2015 (512)")],
    "ncalayer-rs_gost2015_ns": [("000000000000", "chain_untrusted", "GOST R 34.10-2015 (512)")],
    "ncalayer-rs_gost2015_by_id": [("000000000000", "chain_untrusted", "GOST R 34.10-2015 (512)")],
}  # fmt: skip
"""File -> of each signer the IIN, a reason, and the algorithm."""


@pytest.mark.parametrize("file", PUBLISHED)
def test_a_published_signature_is_intact_and_refused_for_its_certificate_alone(file):
    store = trust.read_store(
        [VECTORS / "ca-test/nca_rsa_test.crt", VECTORS / "ca-test/root_test_gost_2022.cer"],
        intermediates=[VECTORS / "ca-test/nca_gost2022_test.cer"],
        lists=[VECTORS / "crl"],
        environment="test",
    )

    report = verify((VECTORS / f"xml/{file}.xml").read_bytes(), at=NOW, trust=store)

    assert report.verdict is BAD
    assert [signer.stages[Stage.INTEGRITY] for signer in report.signers] == [Outcome.PASS] * len(PUBLISHED[file])
    for signer, (iin, reason, algorithm) in zip(report.signers, PUBLISHED[file], strict=True):
        assert (signer.iin, signer.algorithm) == (iin, algorithm)
        assert reason in signer.reasons


def test_a_signature_over_an_element_beside_another_is_told_as_such():
    report = verify((VECTORS / "xml/ncalayer-rs_gost2015_by_id.xml").read_bytes(), at=NOW, trust=trust.TrustStore(()))

    (signer,) = report.signers
    assert (signer.covers.whole, signer.covers.path, signer.covers.identifier) == (False, "/root/a", "part")
    assert signer.details["xml_partly_signed"] == "/root/b"
    assert report.content == b'<a Id="part"><x>1</x></a>'


def test_every_algorithm_that_a_signature_in_xml_may_name_is_computed():
    assert set(xmldsig.SIGNATURES.values()) <= set(algorithms.ALGORITHMS)
    assert set(xmldsig.DIGESTS.values()) == set(algorithms.DIGESTS)


# --- what holds -------------------------------------------------------------------------------------


@pytest.mark.req("IS2IN-1.4")
@pytest.mark.parametrize("as_text", [True, False])
def test_an_enveloped_signature_is_valid_and_says_what_was_signed(as_text, world):
    text = '<?xml version="1.0" encoding="UTF-8"?>' + signed(world.head)

    report = world.verify(text if as_text else text.encode())

    assert (report.verdict, report.reasons, report.notes) == (GOOD, (), ())
    assert report.content == b'<application xmlns="urn:listing" Id="A1"><amount>1000</amount></application>'
    (signer,) = report.signers
    assert (signer.iin, signer.algorithm) == (IIN, "RSA with SHA-256")
    assert signer.to_dict()["covers"] == {
        "whole_document": True,
        "path": "/application",
        "id": None,
        "sha256": hashlib.sha256(report.content).hexdigest(),
    }
    assert set(signer.stages.values()) == {Outcome.PASS, Outcome.SKIP}


HOLDS = {
    "by the Id of an element that is all there is": lambda w: signed(w.head, BY_ID, uri="#A1", method=EXCLUSIVE),
    "by the Id of the root": lambda w: signed(
        w.head, uri="#A1", transforms=[transform(ENVELOPED), transform(WITH_COMMENTS)]),
    "in a frame of signatures": lambda w: signed(
        w.head, f'<root><a Id="A1">1</a><signatures>{HERE}</signatures></root>', uri="#A1"),
    "white space around": lambda w: signed(
        w.head, f'<envelope xmlns:q="urn:q" Id="E">\n  <a Id="A1">1</a>\n  {HERE}\n</envelope>', uri="#A1"),
    "a SOAP body": lambda w: xml.sign_soap(w.head, xml.soap()),
    "no transform but the enveloped": lambda w: signed(w.head, transforms=[transform(ENVELOPED)]),
    "no transforms": lambda w: signed(w.head, BY_ID, uri="#A1", transforms=[]),
    "the exclusive form with prefixes": lambda w: signed(
        w.head, f'<envelope xmlns:q="urn:q"><a Id="A1" t="q:x"/>{HERE}</envelope>', uri="#A1",
        digested=lambda tree: canonical(xml.identified(tree, "A1"), exclusive=True, inclusive_ns_prefixes=["q"]),
        transforms=[transform(EXCLUSIVE, f'<x:InclusiveNamespaces xmlns:x="{EXCLUSIVE}" PrefixList="q"/>')]),
    "a value in lines": lambda w: signed(
        w.head, value=lambda octets: re.sub("(.{76})", "\\1&#13;\n", base64.b64encode(octets).decode())),
    "SHA-512": lambda w: signed(
        w.head, signature_uri="http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", hash=forge.hashes.SHA512(),
        references=lambda _: reference(
            hashlib.sha512(canonical(etree.fromstring(DOCUMENT.replace(HERE, "")))).digest(),
            digest_uri="http://www.w3.org/2001/04/xmlenc#sha512")),
    "text after the signature": lambda w: signed(w.head, f"<a>one<b/>two{HERE}three</a>"),
    "text around a signature that comes first": lambda w: signed(w.head, f"<a>one{HERE}two</a>"),
    "instructions before and after": lambda w: signed(w.head, f"<?s 1?><a>1{HERE}</a><?t 2?>"),
    "the certificate of the authority enclosed": lambda w: signed(w.head, certificates=[w.head.der, w.ca.der]),
    "the authority's before the signer's": lambda w: signed(w.head, certificates=[w.ca.der, w.head.der]),
    "the certificate enclosed twice": lambda w: signed(w.head, certificates=[w.head.der, w.head.der]),
}  # fmt: skip


@pytest.mark.parametrize("form", HOLDS)
def test_a_form_that_is_signed_in_practice_is_valid(form, world):
    report = world.verify(HOLDS[form](world))

    assert (report.verdict, report.reasons) == (GOOD, ()), report.signers[0].details
    assert report.signers[0].iin == IIN
    assert report.content is not None


def test_the_text_around_a_signature_is_signed_too(world):
    report = world.verify(signed(world.head, f"<a>one<b/>two{HERE}three</a>"))

    assert report.content == b"<a>one<b></b>twothree</a>"


def test_an_element_keeps_what_it_has_from_those_around_it(world):
    inner = '<body xml:space="preserve"><a Id="A1"/></body>'
    text = f'<envelope xmlns:q="urn:q" xml:lang="kk">{inner}{HERE}</envelope>'
    expected = b'<a xmlns:q="urn:q" Id="A1" xml:lang="kk" xml:space="preserve"></a>'

    report = world.verify(signed(world.head, text, uri="#A1", digested=lambda _: expected, method=EXCLUSIVE))

    assert report.verdict is GOOD
    assert report.content == expected


def test_of_two_signatures_the_later_covers_the_earlier(world):
    deputy = world.issue(whose=forge.subject(iin="IIN900202400123"), owner="deputy", purposes=forge.CAN_SIGN)
    once = signed(world.head, DOCUMENT.replace(HERE, HERE + HERE)).replace("</application>", HERE + "</application>")
    twice = signed(deputy, once)

    report = world.verify(twice)

    assert report.verdict is GOOD
    assert [signer.iin for signer in report.signers] == [IIN, "900202400123"]
    assert report.content == b'<application xmlns="urn:listing" Id="A1"><amount>1000</amount></application>'
    assert b"SignatureValue" in report.signers[1].covers.octets
    without_first = re.sub(r"<ds:Signature.*?</ds:Signature>", "", twice, count=1, flags=re.S)
    assert world.verify(without_first).reasons == ("content_changed",)
    without_second = twice[: twice.rindex("<ds:Signature ")] + "</application>"
    assert world.verify(without_second).verdict is GOOD


# --- comments ---------------------------------------------------------------------------------------

REMARKED = f"<!-- top --><a>user@a<!-- x -->.b{HERE}</a>"


def test_comments_are_left_out_as_the_standard_has_it_and_that_is_said(world):
    report = world.verify(signed(world.head, REMARKED))

    assert (report.verdict, report.notes) == (GOOD, ("xml_comments_unsigned",))
    assert report.content == b"<a>user@a.b</a>"
    assert world.verify(signed(world.head, REMARKED).replace("<!-- x -->", "<!-- y -->")).content == report.content


def test_comments_that_were_signed_are_part_of_what_was_signed(world):
    text = signed(world.head, REMARKED, with_comments=True)

    report = world.verify(text)

    assert (report.verdict, report.notes) == (GOOD, ())
    assert report.content == b"<!-- top -->\n<a>user@a<!-- x -->.b</a>"
    assert world.verify(text.replace("<!-- x -->", "<!-- y -->")).reasons == ("content_changed",)


def test_a_form_without_comments_signs_none(world):
    how = {"transforms": [transform(ENVELOPED), transform(INCLUSIVE)], "with_comments": True}

    assert world.verify(signed(world.head, REMARKED, **how)).reasons == ("content_changed",)


def test_flask_verify_tells_what_is_covered(world, tmp_path):
    (tmp_path / "signed.xml").write_text(signed(world.head))
    (verify_command,) = (one for one in commands() if one.name == "verify")

    told = CliRunner().invoke(verify_command, [str(tmp_path / "signed.xml"), "--anchors", str(VECTORS / "ca-test")])

    assert told.exit_code == 1
    assert "The whole document: /application" in told.output
    assert "chain_untrusted" in told.output


# --- the document that is expected ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "reasons"),
    [
        (b'<application xmlns="urn:listing" Id="A1"><amount>1000</amount></application>', ()),
        (b'<?xml version="1.0"?>\n<application Id="A1"\n xmlns="urn:listing"><amount>1000</amount></application>', ()),
        (b'<application xmlns="urn:listing" Id="A1"><amount>9999</amount></application>', ("content_differs",)),
        (b"%PDF-1.7", ("content_differs",)),
        (b"", ("content_differs",)),
    ],
)
def test_the_signed_document_must_be_the_one_given(content, reasons, world):
    assert world.verify(signed(world.head), content).reasons == reasons
