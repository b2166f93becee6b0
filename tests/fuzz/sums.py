"""Keys, signatures and digests by themselves: hostile numbers for the arithmetic."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from app.signatures import algorithms, asn1, certificates, cms
from app.signatures.algorithms import gost
from app.signatures.asn1 import OCTETS, SEQUENCE, Malformed, tlv
from tests.fuzz.target import Context, Judge, Target, Told, Wrong
from tests.fuzz.world import MADE, VECTORS, World

_REFUSALS = (algorithms.Unsupported, algorithms.Weak, algorithms.Mismatch, algorithms.WeakKey)
LONGEST_SIGNED = 100_000
"""Octets to be hashed: how long that takes is another question."""

Sum = tuple[str, bytes, bytes, bytes]
"""Identifier of the signature, key, value, and what was signed."""


def _written(one: Sum) -> bytes:
    return tlv(SEQUENCE, asn1.oid(one[0]), *(tlv(OCTETS, part) for part in one[1:]))


def _read(data: bytes) -> Sum | None:
    try:
        oid, *parts = asn1.parse(data).children
        key, value, signed = (part.octets for part in parts)
        return asn1.dotted(oid), key, value, signed
    except (Malformed, ValueError):
        return None


def _of_certificates() -> Iterator[Sum]:
    """Yield the signatures of certificates: RSA of 2048 and 4096 bits, GOST of 2004 and 2015."""
    world = World.made()
    pairs = [(world.head.der, world.ca.der), (world.clerk.der, world.ca.der)]
    pairs += [
        (_der((VECTORS / one).read_bytes()), _der((VECTORS / issuer).read_bytes()))
        for one, issuer in (
            ("ca-prod/nca_gost_2022.pem", "ca-prod/root_gost_2022.pem"),
            ("ca-prod/nca_rsa_2022.cer", "ca-prod/root_rsa_2020.cer"),
            ("ca-prod/ucgo_gost.cer", "ca-prod/root_gost_2020.cer"),
            ("ca-test/nca_gost2022_test.cer", "ca-test/root_test_gost_2022.cer"),
        )
    ]
    for of, by in pairs:
        certificate, issuer = certificates.read(of), certificates.read(by)
        yield certificate.signature_algorithm, issuer.key, certificate.signature, certificate.signed


def _of_messages() -> Iterator[Sum]:
    for name in ("01_head_attached", "04_individual_attached"):
        message = cms.read((MADE / f"nca-test-keys/{name}.cms").read_bytes())
        info = message.signers[0]
        yield info.signature.oid, certificates.read(message.certificates[0]).key, info.value, info.signed or b""


def _der(content: bytes) -> bytes:
    if content[:1] == b"\x30":
        return content
    return base64.b64decode(re.sub(rb"-----[A-Z ]+-----|\s", b"", content))


def meaning(key: bytes) -> object:
    """Return a key's numbers: there is more than one way to write an RSA key."""
    for kind in gost.SIGNATURES:
        if (point := gost.public_point(kind, key)) is not None:
            return kind.name, point
    try:
        public = serialization.load_der_public_key(key)
    except (ValueError, UnsupportedAlgorithm):
        return key
    return public.public_numbers() if isinstance(public, RSAPublicKey) else key


def _judge(seeds: list[Sum]) -> Judge:
    known = {(meaning(key), value, signed) for _, key, value, signed in seeds}

    def judge(data: bytes, seed: bytes) -> Told:
        one = _read(data)
        if one is None or len(one[3]) > LONGEST_SIGNED:
            return Told("not read")
        oid, key, value, signed = one
        told = []
        for algorithm in algorithms.ALGORITHMS.get(oid, ()):
            try:
                is_right = algorithm.verify(key, value, signed)
                assert is_right is algorithm.verify_digest(key, value, algorithm.digest.compute(signed))
            except algorithms.WeakKey:
                told.append("weak key")
                continue
            told.append("right" if is_right else "wrong")
            if is_right and (meaning(key), value, signed) not in known:
                raise Wrong("a signature that nobody made is right")
        try:
            algorithms.signature(oid, key=cms.identifier(asn1.oid(oid)), digest=oid)
        except (*_REFUSALS, Malformed) as refusal:
            told.append(type(refusal).__name__)
        return Told(json.dumps(told), "encoding" if "right" in told and data != seed else "")

    return judge


def _bare(seeds: list[Sum]) -> Context:
    """Give every algorithm keys and values that are numbers of chance, whole and in the right length."""
    kinds = {algorithm.name: algorithm for found in algorithms.ALGORITHMS.values() for algorithm in found}

    def judge(data: bytes, _: bytes) -> Told:
        told = set()
        for kind in kinds.values():
            head = kind.key_head if isinstance(kind, gost.GostSignature) else b""
            size = 2 * kind.curve.size if head else 256
            key = head + data[:size].ljust(size, b"\0") if head else data
            try:
                told.add(kind.verify(key, data[-size:].rjust(size, b"\0"), data))
            except algorithms.WeakKey:
                told.add("weak")
        if True in told:
            raise Wrong("a signature of chance is right")
        return Told("refused")

    keys = [key for _, key, _, _ in seeds]
    edges = [kind.curve.order.to_bytes(kind.curve.size, "little") * 2 for kind in gost.SIGNATURES]
    edges += [kind.curve.p.to_bytes(kind.curve.size, "little") * 2 for kind in gost.SIGNATURES]
    points = [
        b"".join(part.to_bytes(kind.curve.size, "little") for part in kind.curve.generator) for kind in gost.SIGNATURES
    ]
    return Context("bare numbers", (*keys, *edges, *points, bytes(128), b"\xff" * 128), judge)


def of_algorithms() -> Target:
    """Return the target of the arithmetic."""
    seeds = [*_of_certificates(), *_of_messages()]
    return Target("algorithms", (Context("signatures", tuple(map(_written, seeds)), _judge(seeds)), _bare(seeds)))
