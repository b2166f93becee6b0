"""RSA signatures that are almost right: none is accepted (RFC 8017, 8.2.2; the classes of Wycheproof).

Every signature here was made with the private key, by the bare operation, on a block with one fault; so whoever reads
the block instead of comparing it would accept some of them, and whoever accepts some can be deceived without a key.
"""

from __future__ import annotations

import math
import time
from functools import cache

import forged_messages as forge
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from forged_paddings import OIDS, RawKey, Task, digest_info, forgeries

from app.sandbox import signing
from app.signatures import algorithms, asn1, certificates
from app.signatures.asn1 import OCTETS, SEQUENCE, SET, tlv
from app.signatures.report import Outcome, Stage, Verdict

SIGNATURES = {
    "sha256": "1.2.840.113549.1.1.11", "sha384": "1.2.840.113549.1.1.12", "sha512": "1.2.840.113549.1.1.13",
}  # fmt: skip
HASHES = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
ALL = [(2048, digest, name) for digest in SIGNATURES for name in forgeries(digest)]
SOME = [
    (bits, digest, name)
    for bits, digest in ((3072, "sha384"), (4096, "sha512"))
    for name in forgeries(digest)
    if name.startswith(("InvalidPadding", "ShortPadding", "Wrong", "Missing", "InvalidSignature", "Signature"))
]
"""Longer keys take a long time to sign with: there the block is forged, and not every octet of its DigestInfo."""


@cache
def _holder(world, bits: int) -> forge.Holder:
    return world.issue(owner=f"padding {bits}", bits=bits)


@cache
def _attributes(world, bits: int, digest: str) -> tuple[bytes, ...]:
    """Return the signed attributes of a message, in their order."""
    holder = _holder(world, bits)
    value = algorithms.DIGESTS[OIDS[digest]].compute(forge.CONTENT)
    return tuple(sorted(signing.signed_attributes(value, holder.der, at=forge.NOW)))


@cache
def _task(world, bits: int, digest: str) -> Task:
    return Task(RawKey(_holder(world, bits).private), digest, tlv(SET, *_attributes(world, bits, digest)))


def _message(world, bits: int, digest: str, value: bytes) -> bytes:
    """Return a message in which everything is right but, perhaps, the signature's value."""
    return forge.message(
        _holder(world, bits),
        _attributes(world, bits, digest),
        digest=signing.algorithm(OIDS[digest]),
        signature=signing.algorithm(SIGNATURES[digest]),
        hash=HASHES[digest],
        change=lambda _: value,
    )


@pytest.mark.parametrize(("bits", "digest", "forgery"), ALL + SOME)
def test_a_malformed_signature_is_refused(bits, digest, forgery, world):
    task = _task(world, bits, digest)
    value = forgeries(digest)[forgery](task)

    report = world.verify(_message(world, bits, digest, value))

    assert value != task.right
    assert report.reasons == ("signature_wrong",)
    assert report.signers[0].stages[Stage.INTEGRITY] is Outcome.FAIL


@pytest.mark.parametrize(("bits", "digest"), sorted({case[:2] for case in ALL + SOME}))
def test_the_right_block_signed_in_the_same_way_is_accepted(bits, digest, world):
    """Else all the refusals would prove nothing."""
    task = _task(world, bits, digest)

    assert task.right == task.key.private.sign(task.signed, padding.PKCS1v15(), HASHES[digest])
    assert world.verify(_message(world, bits, digest, task.right)).verdict is Verdict.VALID


def test_a_signature_that_begins_with_a_zero_may_not_lose_it(world):
    holder = _holder(world, 2048)
    key = RawKey(holder.private)
    for number in range(10_000):
        attributes = [*_attributes(world, 2048, "sha256"), signing.attribute("1.2.3.4", asn1.integer(number))]
        value = holder.private.sign(tlv(SET, *sorted(attributes)), padding.PKCS1v15(), hashes.SHA256())
        if value[0] == 0:
            break

    whole = forge.message(holder, attributes)
    cut = forge.message(holder, attributes, change=lambda value: value.lstrip(b"\0"))

    assert len(value) == key.size
    assert world.verify(whole).verdict is Verdict.VALID
    assert world.verify(cut).reasons == ("signature_wrong",)


# --- keys that make forging easy --------------------------------------------------------------------


def _root(number: int, degree: int) -> int:
    """Return the greatest whole number whose power is not above ``number``."""
    low, high = 0, 1 << (number.bit_length() // degree + 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**degree <= number else (low, middle - 1)
    return low


def _with_exponent(world, modulus: int, exponent: int) -> forge.Holder:
    """Return the head's certificate with another key in it, rightly issued."""
    old = asn1.parse(world.head.der).children[0]
    key = tlv(SEQUENCE, asn1.integer(modulus), asn1.integer(exponent))
    info = tlv(SEQUENCE, signing.algorithm("1.2.840.113549.1.1.1"), tlv(0x03, b"\0", key))
    parts = [info if place == 6 else part.raw for place, part in enumerate(old.children)]
    tbs = tlv(SEQUENCE, *parts)
    value = world.ca.private.sign(tbs, padding.PKCS1v15(), hashes.SHA256())
    der = tlv(SEQUENCE, tbs, signing.algorithm(SIGNATURES["sha256"]), tlv(0x03, b"\0", value))
    return _Written(world.head.private, world.head.certificate, der)


class _Written(forge.Holder):
    """A certificate that no library would write."""

    def __init__(self, private, certificate, der):
        super().__init__(private, certificate)
        object.__setattr__(self, "written", der)

    @property
    def der(self) -> bytes:
        return self.written


def _cubes(digest_of: bytes, modulus: int) -> dict[str, int]:
    """Return signatures for exponent 3, made without any private key."""
    size = (modulus.bit_length() + 7) // 8
    info = digest_info("sha256", digest_of)
    start = b"\0\1" + b"\xff" * 8 + b"\0" + info
    garbage_behind = _root(int.from_bytes(start.ljust(size, b"\xff"), "big"), 3)
    hidden = digest_info("sha256", digest_of, parameters=tlv(OCTETS, bytes(120)))
    start = b"\0\1" + b"\xff" * 8 + b"\0" + hidden[: hidden.index(bytes(120))]
    garbage_in_parameters = _root(int.from_bytes(start.ljust(size, b"\xff"), "big"), 3)
    return {"garbage behind (2006)": garbage_behind, "garbage in the parameters": garbage_in_parameters}


@pytest.mark.parametrize("how", ["garbage behind (2006)", "garbage in the parameters"])
def test_a_cube_root_is_no_signature(how, world):
    modulus = RawKey(world.head.private).modulus
    holder = _with_exponent(world, modulus, 3)
    attributes = sorted(forge.attributes(holder))
    task = Task(RawKey(world.head.private), "sha256", tlv(SET, *attributes))
    value = _cubes(task.value, modulus)[how]
    block = pow(value, 3, modulus).to_bytes(task.key.size, "big")

    report = world.verify(forge.message(holder, attributes, change=lambda _: value.to_bytes(task.key.size, "big")))

    # A reader that looks for FF, 00 and the DigestInfo from the front is content with the first.
    assert block.startswith(b"\0\1" + b"\xff" * 8 + b"\0\x30")
    assert (task.info in block) is (how == "garbage behind (2006)")
    assert report.reasons == ("key_weak",)


@pytest.mark.parametrize("exponent", [-1, 0, 1, 2, 3, 17, 65535, 65536])
def test_a_small_exponent_proves_nothing(exponent, world):
    """SmallPublicKey: with 1 the block is its own signature; NIST SP 800-56B asks for more than 2**16."""
    holder = _with_exponent(world, RawKey(world.head.private).modulus, exponent)
    attributes = sorted(forge.attributes(holder))
    task = Task(RawKey(world.head.private), "sha256", tlv(SET, *attributes))

    report = world.verify(forge.message(holder, attributes, change=lambda _: task.block(task.info)))

    assert report.verdict is Verdict.INVALID
    assert {"key_weak", "signature_wrong"} & set(report.reasons)


def test_a_right_signature_of_a_key_with_exponent_3_is_refused_too(world):
    private = rsa.generate_private_key(public_exponent=3, key_size=2048)
    holder = _with_exponent(world, private.private_numbers().public_numbers.n, 3)
    attributes = sorted(forge.attributes(holder))
    value = private.sign(tlv(SET, *attributes), padding.PKCS1v15(), hashes.SHA256())

    report = world.verify(forge.message(holder, attributes, change=lambda _: value))

    assert report.reasons == ("key_weak",)


@pytest.mark.parametrize("bits", [1024, 1536, 2040])
def test_a_short_key_proves_nothing(bits, world):
    """SmallModulus: its signature is right, and is refused for the key."""
    holder = world.issue(owner=f"short {bits}", bits=bits)

    assert world.verify(forge.message(holder)).reasons == ("key_weak",)


def _moduli() -> dict[str, int]:
    right = RawKey(forge.key("head")).modulus
    return {
        "0": 0,
        "1": 1,
        "negative": -right,
        "even": right - 1,
        "a power of two": 1 << 2047,
        "a power of two less one": (1 << 2048) - 1,
        "a square": _root(right, 2) ** 2,
        "with a small factor": right // 3 * 3,
        "of 8,193 bits": (1 << 8192) + 1,
        "of 16,385 bits": (1 << 16384) + 1,
        "of 300,000 bits": (1 << 299_999) + 1,
    }


@pytest.mark.parametrize("exponent", [3, 65537, (1 << 2046) + 1, 1 << 2047])
@pytest.mark.parametrize("modulus", _moduli())
def test_a_key_that_is_none_proves_nothing_and_takes_no_time(modulus, exponent, world):
    """Whatever is written as a key: the answer is no, without an exception."""
    number = _moduli()[modulus]
    holder = _with_exponent(world, number, exponent)
    size = max((number.bit_length() + 7) // 8, 1)

    for value in (b"", b"\0" * size, b"\1".rjust(size, b"\0"), b"\xff" * size):
        message = forge.message(holder, change=lambda _, value=value: value)
        began = time.process_time()
        report = world.verify(message)
        assert time.process_time() - began < 5  # a fraction of it on an idle machine
        assert set(report.reasons) <= {"key_weak", "signature_wrong", "certificate_malformed"}
        assert report.verdict is Verdict.INVALID


@pytest.mark.parametrize(("bits", "reasons"), [(256, ()), (257, ("key_weak",)), (1024, ("key_weak",))])
def test_an_exponent_is_no_longer_than_the_standard_allows(bits, reasons, world):
    """FIPS 186-5: below 2**256; with a long one each verification costs as much as signing."""
    old = RawKey(world.head.private).numbers
    totient = (old.p - 1) * (old.q - 1)
    exponent = next(e for e in range((1 << bits - 1) + 1, 1 << bits, 2) if math.gcd(e, totient) == 1)
    holder = _with_exponent(world, old.p * old.q, exponent)
    attributes = sorted(forge.attributes(holder))
    task = Task(RawKey(world.head.private), "sha256", tlv(SET, *attributes))
    block = int.from_bytes(task.block(task.info), "big")
    value = pow(block, pow(exponent, -1, totient), old.p * old.q).to_bytes(task.key.size, "big")

    assert world.verify(forge.message(holder, attributes, change=lambda _: value)).reasons == reasons


def test_a_key_of_another_kind_under_the_name_of_rsa_proves_nothing(world):
    other = certificates.read(world.head.der)
    whole = world.head.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    signed = b"what is signed"
    value = world.head.private.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    known = algorithms.signature(SIGNATURES["sha256"], key=other.key_algorithm)

    assert known.verify(whole, value, signed)
    for wrong in (b"", whole[:-1], whole + b"\0", whole[1:], other.der, tlv(SEQUENCE), bytes(300)):
        assert not known.verify(wrong, value, signed)
