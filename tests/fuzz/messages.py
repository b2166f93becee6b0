"""Signed messages: as they come, in armour, and with attributes that a signer of bad will has really signed."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from app.sandbox import signing
from app.signatures import asn1, certificates, cms, ocsp, policy, timestamps, trust, upgrade
from app.signatures.asn1 import OCTETS, SEQUENCE, SET, Malformed, tlv
from app.signatures.report import SignatureReport, SignerReport, TimeStamp, Verdict
from app.signatures.trust import TrustStore
from app.signatures.verify import verify
from tests.fuzz.mutations import mutate_text
from tests.fuzz.target import Context, Judge, Target, Told, Wrong
from tests.fuzz.world import DAY, MADE, NOW, VECTORS, World, answers, forge, moment, nca_store, tokens, vector_store

Fact = tuple[bytes, bytes, bytes, bytes, tuple[object, ...]]
"""One signer's signature: content, certificate, value, signed attributes, and whose it is said to be."""


@dataclass(frozen=True)
class _Bench:
    """What messages of one context are judged against."""

    name: str
    store: TrustStore
    at: datetime
    content: bytes | None
    seeds: tuple[bytes, ...]

    def verify(self, message: bytes | str) -> SignatureReport:
        return verify(message, self.content, at=self.at, trust=self.store)


# --- seeds ------------------------------------------------------------------------------------------


def _of_vectors() -> Iterator[_Bench]:
    """Yield the messages of the vectors, together those that are judged in the same way."""
    with (MADE / "EXPECTED.tsv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["file"].endswith(".cms")]
    ways = ("anchors", "detached_content", "reference_time", "revocation_material")

    def way(row: dict[str, str]) -> tuple[str, ...]:
        return tuple(row[column] for column in ways)

    for (anchors, content, at, material), found in groupby(sorted(rows, key=way), key=way):
        lists = [] if material == "-" else [material]
        store = nca_store(*lists) if anchors == "nca-test" else vector_store(*lists)
        document = None if content == "-" else (MADE / content).read_bytes()
        seeds = tuple((MADE / row["file"]).read_bytes() for row in found)
        yield _Bench(f"{anchors} {content} {material}", store, moment(at), document, seeds)


def _of_the_nca() -> Iterator[_Bench]:
    store = trust.read_store(
        [VECTORS / "ca-test/nca_rsa_test.crt", VECTORS / "ca-test/root_test_gost_2022.cer"],
        intermediates=[VECTORS / "ca-test/nca_gost2022_test.cer"],
        lists=[VECTORS / "ocsp/ocsp_response_individual_2015.bin"],
        environment="test",
    )
    at = moment("2022-09-02T16:59:00Z")
    detached = (VECTORS / "cms/gost2015_and_rsa_detached_test123.cms").read_bytes()
    whole = sorted((VECTORS / "cms").glob("*_attached_*.cms"))
    yield _Bench("published", store, at, None, tuple(one.read_bytes() for one in whole))
    yield _Bench("published, detached", store, at, b"test123", (detached,))


def _stamped(world: World, how_many: int) -> bytes:
    attributes = forge.attributes(world.head)
    bare = asn1.parse(forge.signer(world.head, attributes)).children[-1].content
    stamps = [tokens.token(bare, world.tsa, at=NOW - (number + 1) * DAY) for number in range(how_many)]
    unsigned = tlv(0xA1, signing.attribute(cms.TIMESTAMP_TOKEN, *stamps))
    return forge.message(world.head, attributes, unsigned=unsigned, certificates=[world.head.der, world.tsa.der])


def _made(world: World) -> Iterator[_Bench]:
    content, head, clerk = forge.CONTENT, world.head, world.clerk
    identifier = asn1.parse(head.der).children[0].children[-1].children[0].children[0].children[-1].content
    by_key = tlv(0x80, asn1.parse(identifier).content)
    two = [forge.signer(one, forge.attributes(one)) for one in (head, clerk)]
    enclosed = [head.der, clerk.der, world.ca.der]
    whole = (
        forge.message(head),
        forge.message(head, certificates=enclosed),
        forge.as_ber(forge.message(head)),
        forge.message(head, sid=by_key),
        signing.signed_data(two, content=content, certificates=enclosed),
        _stamped(world, 1),
        _stamped(world, 3),
    )
    yield _Bench("made", world.store, NOW, None, whole)
    apart = (forge.message(head, attached=False), forge.message(clerk, attached=False, certificates=enclosed))
    yield _Bench("made, detached", world.store, NOW, content, apart)
    said = [answers.answer([answers.single(answers.named(one, world.ca))], world.responder) for one in (head, clerk)]
    store = replace(world.trusting(), answers=tuple(map(ocsp.read, said)))
    yield _Bench("made, with answers", store, NOW, None, whole)


# --- what must be true of an accepted message -------------------------------------------------------


def _parts(message: bytes) -> dict[str, object]:
    """Return what of a message is not signed, by the name of each part."""
    inner = cms.read_cms(message)
    root = asn1.parse(inner)
    version, digests, _, *rest = root.children[1].children[0].children
    found: dict[str, object] = {
        "armour": None if inner == message else message,
        "version": version.der(),
        "digest algorithms": digests.der(),
        "certificates": [part.der() for part in rest if part.tag == 0xA0],
        "lists": [part.der() for part in rest if part.tag == 0xA1],
    }
    names = (
        "version of a signer", "name of a signer", "digest algorithm", "signature algorithm", "signers",
        "unsigned attributes",
    )  # fmt: skip
    signers: dict[str, list[object]] = {name: [] for name in names}
    for signer in rest[-1].children:
        parts = [part.der() for part in signer.children]
        kept = [part for place, part in enumerate(parts) if place < 3 or part[0] != 0xA0]
        for name, value in zip(names, (*kept[:5], kept[5:]), strict=True):
            signers[name].append(value)
    return found | signers


def _difference(message: bytes, seed: bytes) -> str:
    """Return in which parts that are not signed a message differs from its seed."""
    try:
        mine, its = _parts(message), _parts(seed)
    except (Malformed, ValueError, IndexError):
        return "made whole"
    return ", ".join(name for name in mine if mine[name] != its[name]) or "encoding"


def _facts(report: SignatureReport, message: bytes) -> Iterator[tuple[SignerReport, Fact]]:
    data = cms.read(cms.read_cms(message))
    for signer, info in zip(report.signers, data.signers, strict=True):
        who = (signer.iin, signer.bin, signer.name, signer.organisation, signer.roles, signer.signing_time)
        yield signer, (report.content or b"", signer.certificate or b"", info.value, info.signed or b"", who)


def _stamps(bench: _Bench, message: bytes) -> Iterator[TimeStamp | None]:
    """Yield what each token of a message proves by itself."""
    data = cms.read(cms.read_cms(message))
    pool = [certificates.read(der) for der in data.certificates]
    for info in data.signers:
        for attribute in info.unsigned:
            for token in attribute.values if attribute.oid == cms.TIMESTAMP_TOKEN else ():
                yield timestamps.judge(
                    token, info.value, pool=pool, store=bench.store, at=bench.at, policy=policy.at(bench.at)
                ).stamp


@dataclass(frozen=True)
class _Known:
    """What was really signed and stamped, of all seeds."""

    facts: frozenset[Fact]
    stamps: frozenset[TimeStamp | None]

    @classmethod
    def of(cls, benches: Iterable[_Bench]) -> _Known:
        facts, stamps = set(), set()
        for bench in benches:
            for seed in bench.seeds:
                report = bench.verify(seed)
                if not report.signers:
                    continue
                facts |= {fact for signer, fact in _facts(report, seed) if signer.verdict is Verdict.VALID}
                stamps |= set(_stamps(bench, seed))
        return cls(frozenset(facts), frozenset((*stamps, None)))

    def judge(self, bench: _Bench, *, as_text: bool = False) -> Judge:
        def judge(data: bytes, seed: bytes) -> Told:
            report = bench.verify(data.decode("utf-8", "surrogateescape") if as_text else data)
            json.dumps(report.to_dict(), ensure_ascii=False).encode()
            assert report.indication
            if report.verdict is not Verdict.VALID:
                return Told(report.verdict.value)
            upgrade.with_time_stamp(data.decode("ascii", "replace") if as_text else data, b"\x30\0")
            for signer, fact in _facts(report, data):
                if fact not in self.facts:
                    raise Wrong("VALID, and nobody signed it so")
                if signer.timestamp not in self.stamps:
                    raise Wrong("stamped, and nobody stamped it so")
            return Told("VALID", "" if data == seed else _difference(data, seed))

        return judge


# --- attributes that were really signed -------------------------------------------------------------


def _signed_anew(world: World) -> Context:
    """Sign whatever comes as the attributes: the signer may be of bad will, the message must then say it."""
    head = world.head
    seed = b"".join(sorted(forge.attributes(head)))
    old = asn1.oid(cms.SIGNING_CERTIFICATE)
    of_old = tlv(SEQUENCE, tlv(SEQUENCE, tlv(SEQUENCE, tlv(OCTETS, hashlib.sha1(head.der).digest()))))
    older = sorted([*forge.attributes(head)[:3], tlv(SEQUENCE, old, tlv(SET, of_old))])

    def judge(data: bytes, _: bytes) -> Told:
        info = tlv(
            SEQUENCE,
            asn1.integer(1),
            tlv(SEQUENCE, head.certificate.issuer.public_bytes(), asn1.integer(head.certificate.serial_number)),
            forge.SHA256,
            tlv(0xA0, data),
            forge.SHA256_WITH_RSA,
            tlv(OCTETS, head.private.sign(tlv(SET, data), forge.padding.PKCS1v15(), forge.hashes.SHA256())),
        )
        message = signing.signed_data([info], content=forge.CONTENT, certificates=[head.der])
        report = verify(message, at=NOW, trust=world.store)
        json.dumps(report.to_dict())
        if report.verdict is Verdict.VALID and not _means_the_content(data, head.der):
            raise Wrong("VALID, and the attributes do not say so")
        return Told(report.verdict.value)

    return Context("attributes signed anew", (seed, b"".join(older)), judge)


def _means_the_content(data: bytes, certificate: bytes) -> bool:
    """Whether attributes are in DER and mean the content, and no other certificate (RFC 5652, 11; RFC 5035)."""
    root = asn1.parse(tlv(SET, data))
    attributes = [child.children for child in root.children]
    values = {kind.raw: held.children for kind, held in attributes}
    names = {
        asn1.oid(cms.SIGNING_CERTIFICATE): hashlib.sha1(certificate).digest(),
        asn1.oid(cms.SIGNING_CERTIFICATE_V2): hashlib.sha256(certificate).digest(),
    }
    return (
        root.is_der
        and [child.raw for child in root.children] == sorted(child.raw for child in root.children)
        and len(values) == len(attributes)
        and all(len(held) == 1 for held in values.values())
        and values[asn1.oid(cms.CONTENT_TYPE)][0].raw == asn1.oid(cms.ID_DATA)
        and values[asn1.oid(cms.MESSAGE_DIGEST)][0].raw == tlv(OCTETS, hashlib.sha256(forge.CONTENT).digest())
        and all(digest in values[kind][0].raw for kind, digest in names.items() if kind in values)
    )


# --- targets ----------------------------------------------------------------------------------------


def messages() -> Target:
    """Return the target of signed messages."""
    world = World.made()
    benches = [*_of_vectors(), *_of_the_nca(), *_made(world)]
    known = _Known.of(benches)
    return Target("cms", (*(Context(one.name, one.seeds, known.judge(one)) for one in benches), _signed_anew(world)))


def armour() -> Target:
    """Return the target of messages in PEM and base64."""
    world = World.made()
    bench = next(_made(world))
    known = _Known.of([bench])
    der = bench.seeds[0]
    bare = asn1.armour(der, "CMS")
    lines = bare.partition("\n")[2].partition("-----")[0]
    pem = b"".join((f"-----BEGIN {label}-----\n{lines}-----END {label}-----\n").encode() for label in ("PKCS7", "CMS"))
    seeds = (bare.encode(), asn1.armour(der, "PKCS7").encode(), lines.encode(), lines.replace("\n", "").encode(), pem)
    return Target(
        "armour",
        (
            Context("as octets", seeds, known.judge(bench), change=mutate_text),
            Context("as text", seeds, known.judge(bench, as_text=True), change=mutate_text),
        ),
    )
