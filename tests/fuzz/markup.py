"""Signatures in XML: as they come, and over documents that a signer has really signed as they are."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from lxml import etree

from app.sandbox import xml_signing
from app.sandbox.keys import RsaKey
from app.sandbox.people import SigningKey
from app.sandbox.xml_signing import NotSigned
from app.signatures import trust
from app.signatures.asn1 import Malformed
from app.signatures.report import SignatureReport, SignerReport, Verdict
from app.signatures.trust import TrustStore
from app.signatures.verify import verify
from tests.fuzz import markup_mutations
from tests.fuzz.target import Context, Judge, Target, Told, Wrong
from tests.fuzz.world import MADE, NOW, VECTORS, World, forged_xml, moment, nca_store

Node = Any
Fact = tuple[bytes, bytes, tuple[object, ...]]
"""One signature: what it covers, the certificate, and whose it is said to be."""
_SIGNATURE = f"{{{markup_mutations.DS}}}Signature"
RICH = '<a xmlns="urn:a" xmlns:b="urn:b" xml:lang="kk"><b:c d="e">\n 1 &amp; 2</b:c><?p q?><f/></a>'
_SPACE = re.compile(r"[ \t\r\n]+")
_TELLS_NOTHING = re.compile(
    r"Id|ID|id|\{http://www\.w3\.org/XML/1998/namespace\}.*|\{http://www\.w3\.org/2001/XMLSchema-instance\}.*"
    r"|\{http://schemas\.xmlsoap\.org/soap/envelope/\}.*|\{http://www\.w3\.org/2003/05/soap-envelope\}.*|\{[^}]*utility[^}]*\}Id"
)


@dataclass(frozen=True)
class _Bench:
    """What documents of one context are judged against."""

    name: str
    store: TrustStore
    at: datetime
    seeds: tuple[bytes, ...]

    def verify(self, message: bytes | str) -> SignatureReport:
        return verify(message, at=self.at, trust=self.store)


def _benches(world: World) -> Iterator[_Bench]:
    with (MADE / "EXPECTED.tsv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["file"].endswith(".xml")]
    nca = nca_store("crl/nca_gost2022_test.2026-08-11.crl")
    yield _Bench("vectors", nca, NOW, tuple((MADE / row["file"]).read_bytes() for row in rows))
    store = trust.read_store(
        [VECTORS / "ca-test/nca_rsa_test.crt", VECTORS / "ca-test/root_test_gost_2022.cer"],
        intermediates=[VECTORS / "ca-test/nca_gost2022_test.cer"],
        lists=[VECTORS / "crl"],
        environment="test",
    )
    published = tuple(path.read_bytes() for path in sorted((VECTORS / "xml").glob("*.xml")))
    yield _Bench("published", store, moment("2022-09-02T16:59:00Z"), published)
    yield _Bench("made", world.store, NOW, _made(world))


def _made(world: World) -> tuple[bytes, ...]:
    """Return documents signed in every way that is read."""
    signed, head = forged_xml.signed, world.head
    first = signed(head)
    inside = first.replace("</application>", f"{forged_xml.HERE}</application>")
    found = [
        first,
        signed(head, f"<!-- a -->{forged_xml.DOCUMENT}<!-- b -->"),
        signed(world.clerk, inside),
        signed(head, forged_xml.BY_ID, uri="#A1"),
        forged_xml.sign_soap(head, forged_xml.soap()),
        signed(head, method=forged_xml.EXCLUSIVE),
        xml_signing.sign(SigningKey(RsaKey(head.private), head.certificate, ()), RICH),
    ]
    return tuple(one.encode() for one in found)


# --- what must be true of an accepted document ------------------------------------------------------


def _says(octets: bytes) -> str:
    """Return what a document tells a reader, signatures apart: its text and its attributes."""
    tree = etree.fromstring(octets, etree.XMLParser(collect_ids=False, resolve_entities=False)).getroottree()
    etree.strip_elements(tree, _SIGNATURE, with_tail=False)
    attributes = sorted(
        (name, value)
        for one in tree.iter("*")
        for name, value in one.attrib.items()
        if not _TELLS_NOTHING.fullmatch(name)
    )
    return repr((_SPACE.sub("", tree.xpath("string(/)")), attributes))


def _fact(signer: SignerReport) -> Fact:
    octets = signer.covers.octets if signer.covers is not None else None
    who = (signer.iin, signer.bin, signer.name, signer.organisation, signer.roles)
    return octets or b"", signer.certificate or b"", who


def _difference(data: bytes, seed: bytes) -> str:
    """Return how an accepted document differs from its seed."""
    try:
        mine, its = etree.fromstring(data), etree.fromstring(seed)
    except (etree.LxmlError, ValueError):
        return "text around"
    kinds = (
        ("signatures", len(list(mine.iter(_SIGNATURE))) != len(list(its.iter(_SIGNATURE)))),
        ("comments", len(list(mine.iter(etree.Comment))) != len(list(its.iter(etree.Comment)))),
        ("elements", sorted(map(_tag, mine.iter())) != sorted(map(_tag, its.iter()))),
    )
    return ", ".join(name for name, differs in kinds if differs) or "within a signature, or spelling"


def _tag(one: Node) -> str:
    return str(one.tag)


def _judge(bench: _Bench, known: frozenset[Fact], told: frozenset[str]) -> Judge:
    def judge(data: bytes, seed: bytes) -> Told:
        report = bench.verify(data)
        json.dumps(report.to_dict(), ensure_ascii=False).encode()
        if report.verdict is not Verdict.VALID:
            return Told(report.verdict.value)
        if not set(map(_fact, report.signers)) <= known:
            raise Wrong("VALID, and nobody signed it so")
        if not report.signers or report.content != report.signers[0].covers.octets:
            raise Wrong("VALID, and the content is not what is signed")
        if _says(data) not in told:
            raise Wrong("VALID, and the document says something else")
        return Told("VALID", "" if data == seed else _difference(data, seed))

    return judge


# --- documents that were really signed --------------------------------------------------------------


def _signed_anew(world: World, name: str, sign: Callable[[SigningKey, str], str], seeds: tuple[str, ...]) -> Context:
    """Sign whatever comes: a signature over what stands there is right, and covers all that the document says."""
    key = SigningKey(RsaKey(world.head.private), world.head.certificate, ())

    def judge(data: bytes, _: bytes) -> Told:
        try:
            made = sign(key, data.decode())
        except (NotSigned, Malformed, etree.LxmlError, ValueError):
            return Told("not signed")
        report = verify(made, at=NOW, trust=world.store)
        json.dumps(report.to_dict(), ensure_ascii=False).encode()
        if report.verdict is Verdict.VALID and _says(report.content or b"") != _says(made.encode()):
            raise Wrong("VALID, and not all that the document says is signed")
        if b"Signature" not in data and {"signature_wrong", "content_changed"} & set(report.reasons):
            raise Wrong("a right signature is refused")
        return Told(", ".join(report.reasons) or "VALID")

    return Context(name, tuple(one.encode() for one in seeds), judge, markup_mutations.mutate)


def documents() -> Target:
    """Return the target of signatures in XML."""
    world = World.made()
    benches = list(_benches(world))
    # What was rightly signed, though perhaps something else was put beside it in the seed.
    known = frozenset(
        _fact(one)
        for bench in benches
        for seed in bench.seeds
        for one in bench.verify(seed).signers
        if set(one.reasons) <= {"xml_partly_signed", "xml_frame_unknown"}
    )
    said = frozenset(_says(octets) for octets, _, _ in known)
    plain, apart = (one.replace(forged_xml.HERE, "") for one in (forged_xml.DOCUMENT, forged_xml.BY_ID))
    by_id = partial(xml_signing.sign_element, element="//*[@Id='A1']", parent="/*")
    return Target(
        "xml",
        (
            *(Context(one.name, one.seeds, _judge(one, known, said), markup_mutations.mutate) for one in benches),
            _signed_anew(world, "signed anew", xml_signing.sign, (plain, f"<!-- a -->{plain}", RICH)),
            _signed_anew(world, "signed anew by Id", by_id, (apart, apart.replace("<body>", "<body><!-- c -->"))),
        ),
    )
