"""RSA signatures with one thing wrong in their padding each, by the classes of Wycheproof's RSASSA-PKCS1-v1_5 tests.

A signature is made by the bare private operation on a block that was put together by hand.  Each forgery bears the
name that Wycheproof (C2SP, ``rsa_signature_*_test.json``) gives its class:

``BerEncodedPadding``      the same DigestInfo in another encoding than DER
``InvalidAsnInPadding``    a DigestInfo that no ASN.1 reader should read
``ModifiedPadding``        a DigestInfo that says more, less or something else
``MissingNull``            no parameters of the digest algorithm
``WrongHash``, ``NoHash``  another digest, or none
``InvalidPadding``         a block that is not 00 01 FF…FF 00
``ShortPadding``           fewer FF than the key is long for
``WrongPrimitive``         RSASSA-PSS
``InvalidSignature``       a number at the edge
``SignatureMalleability``  the right number in other octets
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from app.signatures import asn1
from app.signatures.asn1 import NULL, OCTETS, OID, SEQUENCE, tlv

OIDS = {
    "md5": "1.2.840.113549.2.5", "sha1": "1.3.14.3.2.26", "sha224": "2.16.840.1.101.3.4.2.4",
    "sha256": "2.16.840.1.101.3.4.2.1", "sha384": "2.16.840.1.101.3.4.2.2", "sha512": "2.16.840.1.101.3.4.2.3",
    "sha512_256": "2.16.840.1.101.3.4.2.6", "sha3_256": "2.16.840.1.101.3.4.2.8", "sha3_512": "2.16.840.1.101.3.4.2.10",
}  # fmt: skip


@dataclass(frozen=True)
class RawKey:
    """A key for the bare operation."""

    private: RSAPrivateKey

    @cached_property
    def numbers(self):
        return self.private.private_numbers()

    @property
    def modulus(self) -> int:
        return self.numbers.public_numbers.n

    @property
    def size(self) -> int:
        """Octets of the modulus."""
        return (self.private.key_size + 7) // 8

    def sign(self, block: bytes) -> bytes:
        """Return the bare operation on a block as long as the modulus (RFC 8017, 5.2.1)."""
        held, number = self.numbers, int.from_bytes(block, "big")
        assert len(block) == self.size
        assert number < self.modulus
        one, other = pow(number, held.dmp1, held.p), pow(number, held.dmq1, held.q)
        return (other + (one - other) * held.iqmp % held.p * held.q).to_bytes(self.size, "big")

    def octets(self, number: int, size: int | None = None) -> bytes:
        """Return a number as octets, as many as the modulus has unless it needs more."""
        return number.to_bytes(size or max(self.size, (number.bit_length() + 7) // 8), "big")


@dataclass(frozen=True)
class Task:
    """What is to be signed, by which key, with which digest (a name of ``OIDS``)."""

    key: RawKey
    digest: str
    signed: bytes

    @cached_property
    def value(self) -> bytes:
        return hashlib.new(self.digest, self.signed).digest()

    @property
    def info(self) -> bytes:
        """Return the right DigestInfo."""
        return digest_info(self.digest, self.value)

    def block(self, info: bytes) -> bytes:
        """Return 00 01 FF…FF 00 and what is given, as long as the modulus."""
        return b"\0\1" + b"\xff" * (self.key.size - len(info) - 3) + b"\0" + info

    @cached_property
    def right(self) -> bytes:
        """Return the right signature."""
        return self.key.sign(self.block(self.info))


def digest_info(digest: str, value: bytes, *, parameters: bytes = b"\x05\x00") -> bytes:
    return tlv(SEQUENCE, tlv(SEQUENCE, asn1.oid(OIDS[digest]), parameters), tlv(OCTETS, value))


Make = Callable[[Task], bytes]
"""Makes the signature of a task."""


# --- the DigestInfo in wrong encodings --------------------------------------------------------------

PARTS = {"DigestInfo": (), "algorithm": (0,), "oid": (0, 0), "null": (0, 1), "digest": (1,)}
"""The elements of a DigestInfo and the way to each."""


def _length(size: int, octets: int) -> bytes:
    """Return the long form of a length."""
    return bytes((0x80 | octets,)) + size.to_bytes(octets, "big")


Change = Callable[[int, bytes], bytes]
"""Takes tag and value of an element and writes it anew."""

RECODED: dict[str, Change] = {
    "long form of its length": lambda t, v: bytes((t,)) + _length(len(v), 1) + v,
    "leading zero in its length": lambda t, v: bytes((t,)) + _length(len(v), 2) + v,
    "six leading zeros in its length": lambda t, v: bytes((t,)) + _length(len(v), 7) + v,
}
STREAMED: dict[str, Change] = {
    "indefinite length": lambda t, v: bytes((t | 0x20, 0x80)) + v + b"\0\0",
    "in two segments": lambda t, v: tlv(t | 0x20, tlv(t, v[:1]), tlv(t, v[1:])),
    "in segments of indefinite length": lambda t, v: bytes((t | 0x20, 0x80)) + tlv(t, v) + b"\0\0",
}
UNREADABLE: dict[str, Change] = {
    "its length one too long": lambda t, v: bytes((t, len(v) + 1)) + v,
    "its length one too short": lambda t, v: bytes((t, max(len(v) - 1, 0) or 1)) + v,
    "overflow of 32 bits in its length": lambda t, v: bytes((t,)) + _length(2**32 + len(v), 5) + v,
    "overflow of 64 bits in its length": lambda t, v: bytes((t,)) + _length(2**64 + len(v), 9) + v,
    "a length of 2**31 - 1": lambda t, v: bytes((t,)) + _length(2**31 - 1, 4) + v,
    "a length of 2**32 - 1": lambda t, v: bytes((t,)) + _length(2**32 - 1, 4) + v,
    "a length of 2**40 - 1": lambda t, v: bytes((t,)) + _length(2**40 - 1, 5) + v,
    "a length of 2**64 - 1": lambda t, v: bytes((t,)) + _length(2**64 - 1, 8) + v,
    "a length of 255": lambda t, v: bytes((t, 0xFF)) + v,
    "indefinite length without an end": lambda t, v: bytes((t, 0x80)) + v,
    "half an end": lambda t, v: bytes((t | 0x20, 0x80)) + v + b"\0",
    "an end with something in it": lambda t, v: bytes((t | 0x20, 0x80)) + v + b"\0\2\5\0",
    "nothing but its tag": lambda t, v: bytes((t,)),
    "its length cut short": lambda t, v: bytes((t, 0x81)),
    "unused zeros behind it": lambda t, v: tlv(t, v) + b"\0\0",
    "undefined tags within": lambda t, v: tlv(t, b"\xaa\0\xbb\0\xcd\0" + v),
    "garbage with a high tag behind it": lambda t, v: tlv(t, v) + b"\xbf\x7f\0",
    "end of contents before it": lambda t, v: b"\0\0" + tlv(t, v),
    "garbage behind it": lambda t, v: tlv(t, v) + b"garbage",
}
SAYS_OTHERWISE: dict[str, Change] = {
    "left out": lambda t, v: b"",
    "zeros appended": lambda t, v: tlv(t, v + b"\0\0"),
    "zeros put before": lambda t, v: tlv(t, b"\0\0" + v),
    "a NULL appended": lambda t, v: tlv(t, v + b"\5\0"),
    "a NULL behind it": lambda t, v: tlv(t, v) + b"\5\0",
    "garbage appended": lambda t, v: tlv(t, v + b"\x49\x77\x04\x02\x05\x00"),
    "an empty sequence put before": lambda t, v: tlv(t, b"\x30\0" + v),
    "an empty sequence appended": lambda t, v: tlv(t, v + b"\x30\0"),
    "in a sequence of its own": lambda t, v: tlv(SEQUENCE, tlv(t, v)),
    "written twice": lambda t, v: tlv(t, v) * 2,
    "replaced by NULL": lambda t, v: tlv(NULL),
    "of the tag before": lambda t, v: tlv(t - 1, v),
    "of the tag behind": lambda t, v: tlv(t + 1, v),
    "of a context tag": lambda t, v: tlv(t | 0x80, v),
    "of the tag 1F": lambda t, v: tlv(0x1F, v),
    "without a value": lambda t, v: tlv(t),
    "its first octet changed": lambda t, v: tlv(t, bytes((v[0] ^ 2,)) + v[1:]) if v else b"\5\1\0",
    "its last octet changed": lambda t, v: tlv(t, v[:-1] + bytes((v[-1] ^ 1,))) if v else b"\5\1\xff",
    "its last octet cut off": lambda t, v: tlv(t, v[:-1]) if v else b"\5",
    "its first octet cut off": lambda t, v: tlv(t, v[1:]) if v else b"\0",
    "a huge number in it": lambda t, v: tlv(t, b"\x82\x80\x80\x80\x80\x80\x80\x80\x80\x01" + v[1:]),
}


def _rewritten(info: bytes, way: tuple[int, ...], change: Change) -> bytes:
    element = asn1.parse(info)
    if not way:
        return change(element.tag, element.content)
    parts = [
        _rewritten(child.raw, way[1:], change) if place == way[0] else child.raw
        for place, child in enumerate(element.children)
    ]
    return tlv(element.tag, *parts)


def _of_info(way: tuple[int, ...], change: Change) -> Make:
    return lambda task: task.key.sign(task.block(_rewritten(task.info, way, change)))


def _infos() -> Iterator[tuple[str, str, Make]]:
    kinds = {
        "BerEncodedPadding": RECODED, "InvalidAsnInPadding": UNREADABLE | STREAMED, "ModifiedPadding": SAYS_OTHERWISE,
    }  # fmt: skip
    for part, way in PARTS.items():
        for kind, changes in kinds.items():
            for how, change in changes.items():
                if part == "null" and how in ("replaced by NULL", "without a value"):
                    continue  # it is that already
                is_readable = how in STREAMED and part in ("DigestInfo", "algorithm", "digest")
                yield "BerEncodedPadding" if is_readable else kind, f"{part}: {how}", _of_info(way, change)


# --- another digest ---------------------------------------------------------------------------------


def _with_info(make: Callable[[Task], bytes]) -> Make:
    return lambda task: task.key.sign(task.block(make(task)))


def _digests(right: str) -> Iterator[tuple[str, str, Make]]:
    for name in (one for one in OIDS if one != right):
        yield (
            "WrongHash",
            f"digest by {name}, and said so",
            _with_info(lambda task, name=name: digest_info(name, hashlib.new(name, task.signed).digest())),
        )
        yield "WrongHash", f"said to be {name}", _with_info(lambda task, name=name: digest_info(name, task.value))
        yield (
            "WrongHash",
            f"digest by {name}",
            _with_info(lambda task, name=name: digest_info(task.digest, hashlib.new(name, task.signed).digest())),
        )
    bare = {
        "the digest alone": lambda task: task.value,
        "nothing": lambda task: b"",
        "what was signed, not hashed": lambda task: digest_info(task.digest, task.signed[: task.key.size - 80]),
        "the beginning of what was signed": lambda task: digest_info(task.digest, task.signed[: len(task.value)]),
        "an empty digest": lambda task: digest_info(task.digest, b""),
        "half of the digest": lambda task: digest_info(task.digest, task.value[: len(task.value) // 2]),
        "the digest of the digest": lambda task: digest_info(
            task.digest, hashlib.new(task.digest, task.value).digest()
        ),
        "the digest backwards": lambda task: digest_info(task.digest, task.value[::-1]),
        "zeros for a digest": lambda task: digest_info(task.digest, bytes(len(task.value))),
        "the digest of other octets": lambda task: digest_info(
            task.digest, hashlib.new(task.digest, task.signed + b"\0").digest()
        ),
    }
    for how, make in bare.items():
        yield "NoHash", how, _with_info(make)
    long = b"\5\0" + bytes(range(1, 100))
    other = {
        "MissingNull": {"no parameters": b""},
        "ModifiedPadding": {
            "parameters: an empty sequence": b"\x30\0",
            "parameters: NULL twice": b"\5\0\5\0",
            "parameters: NULL with octets in it": b"\5\4\1\2\3\4",
            "parameters: a hundred octets": tlv(OCTETS, long),
            "parameters: garbage behind NULL": long,
            "parameters: an object identifier": tlv(OID, b"\x2a\x03"),
        },
    }
    for kind, cases in other.items():
        for how, parameters in cases.items():
            yield (
                kind,
                how,
                _with_info(
                    lambda task, parameters=parameters: digest_info(task.digest, task.value, parameters=parameters)
                ),
            )


# --- the block --------------------------------------------------------------------------------------


def _around(start: bytes, end: bytes, *, filler: bytes = b"\xff") -> Callable[[Task], bytes]:
    """Return a block with other octets than 00 01 before, and than 00 behind the filling."""
    return lambda task: start + filler * (task.key.size - len(start + end + task.info)) + end + task.info


def _garbage_behind(count: int) -> Callable[[Task], bytes]:
    """Return a block with ``count`` FF, the DigestInfo, and garbage to its end (Bleichenbacher 2006)."""
    return lambda task: (b"\0\1" + b"\xff" * count + b"\0" + task.info).ljust(task.key.size, b"\xa5")


def _changed_at(place: int, octet: int) -> Callable[[Task], bytes]:
    def make(task: Task) -> bytes:
        block = bytearray(task.block(task.info))
        block[place if place >= 0 else len(block) - len(task.info) + place] = octet
        return bytes(block)

    return make


BLOCKS: dict[str, dict[str, Callable[[Task], bytes]]] = {
    "InvalidPadding": {
        "block type 0": _around(b"\0\0", b"\0", filler=b"\0"),
        "block type 0 before FF": _around(b"\0\0", b"\0"),
        "block type 2, as of encryption": _around(b"\0\2", b"\0"),
        "block type 2, the digest alone": lambda t: (
            b"\0\2" + b"\xa5" * (t.key.size - len(t.value) - 3) + b"\0" + t.value
        ),
        "block type 2, nothing within": lambda t: b"\0\2" + b"\xff" * (t.key.size - 3) + b"\0",
        "block type 3": _around(b"\0\3", b"\0"),
        "block type FF": _around(b"\0\xff", b"\0"),
        "its first octet 01": _around(b"\1\1", b"\0"),
        "no 00 before the DigestInfo": _around(b"\0\1", b""),
        "01 for 00 before the DigestInfo": _around(b"\0\1", b"\1"),
        "FF for 00 before the DigestInfo": _around(b"\0\1", b"\xff"),
        "two 00 before the DigestInfo": _around(b"\0\1", b"\0\0"),
        "EE before the 00": _around(b"\0\1", b"\xee\0"),
        "the first FF changed": _changed_at(2, 0xFE),
        "an FF in the middle changed": _changed_at(60, 0x7F),
        "the last FF changed": _changed_at(-2, 0xFE),
        "a 00 for the first FF": _changed_at(2, 0),
        "a 00 among the FF": _changed_at(60, 0),
        "a 00 for the last FF": _changed_at(-2, 0),
        "zeros for all FF": _around(b"\0\1", b"\0", filler=b"\0"),
        "nothing but FF": lambda t: b"\0\1" + b"\xff" * (t.key.size - 2),
        "nothing but zeros and the DigestInfo": lambda t: t.info.rjust(t.key.size, b"\0"),
        "nothing but zeros and the digest": lambda t: t.value.rjust(t.key.size, b"\0"),
        "what was signed, with no padding": lambda t: t.signed[: t.key.size - 1].rjust(t.key.size, b"\0"),
    },
    "ShortPadding": {
        "00 00 01 at the start": _around(b"\0\0\1", b"\0"),
        "no FF, garbage behind": _garbage_behind(0),
        "one FF, garbage behind": _garbage_behind(1),
        "eight FF, garbage behind": _garbage_behind(8),
        "all FF but one, a 00 behind": lambda t: t.block(t.info + b"\0"),
        "eight FF, zeros before the DigestInfo": lambda t: (
            (b"\0\1" + b"\xff" * 8).ljust(t.key.size - len(t.info), b"\0") + t.info
        ),
    },
}  # fmt: skip


def _pss(task: Task) -> bytes:
    return task.key.private.sign(
        task.signed,
        padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH),
        {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}[task.digest],
    )


# --- the number -------------------------------------------------------------------------------------

NUMBERS: dict[str, dict[str, Make]] = {
    "InvalidSignature": {
        "empty": lambda t: b"",
        "0": lambda t: t.key.octets(0),
        "1": lambda t: t.key.octets(1),
        "2": lambda t: t.key.octets(2),
        "one octet": lambda t: b"\1",
        "the modulus less one": lambda t: t.key.octets(t.key.modulus - 1),
        "the modulus": lambda t: t.key.octets(t.key.modulus),
        "the modulus and one": lambda t: t.key.octets(t.key.modulus + 1),
        "-1": lambda t: b"\xff" * t.key.size,
        "its negative": lambda t: t.key.octets(t.key.modulus - int.from_bytes(t.right, "big")),
        "the block, not signed": lambda t: t.block(t.info),
        "signed twice": lambda t: t.key.sign(t.right),
        "its first bit changed": lambda t: bytes((t.right[0] ^ 0x80,)) + t.right[1:],
        "its last bit changed": lambda t: t.right[:-1] + bytes((t.right[-1] ^ 1,)),
        "little-endian": lambda t: t.right[::-1],
        "of other octets": lambda t: Task(t.key, t.digest, t.signed + b"\0").right,
    },
    "SignatureMalleability": {
        "not reduced": lambda t: t.key.octets(int.from_bytes(t.right, "big") + t.key.modulus),
        "not reduced, by 256": lambda t: t.key.octets(int.from_bytes(t.right, "big") + 256 * t.key.modulus),
        "two octets too long": lambda t: t.key.octets(t.key.modulus << 16),
        "a 00 before": lambda t: b"\0" + t.right,
        "many 00 before": lambda t: bytes(64) + t.right,
        "a 00 behind": lambda t: t.right + b"\0",
        "its first octet cut off": lambda t: t.right[1:],
        "its last octet cut off": lambda t: t.right[:-1],
        "half of it": lambda t: t.right[: t.key.size // 2],
        "written twice": lambda t: t.right * 2,
        "as an OCTET STRING within": lambda t: tlv(OCTETS, t.right),
        "as a BIT STRING within": lambda t: tlv(0x03, b"\0", t.right),
        "as an INTEGER within": lambda t: asn1.integer(int.from_bytes(t.right, "big")),
        "in hex": lambda t: t.right.hex().encode(),
    },
}


def _all(digest: str) -> Iterator[tuple[str, str, Make]]:
    yield from _infos()
    yield from _digests(digest)
    for kind, blocks in BLOCKS.items():
        for how, make in blocks.items():
            yield kind, how, lambda task, make=make: task.key.sign(make(task))
    yield "WrongPrimitive", "RSASSA-PSS", _pss
    for kind, numbers in NUMBERS.items():
        for how, make in numbers.items():
            yield kind, how, make


def forgeries(digest: str) -> dict[str, Make]:
    """Return class and fault -> how the signature is made, for signatures that go with a digest."""
    return {f"{kind}: {how}": make for kind, how, make in _all(digest)}
