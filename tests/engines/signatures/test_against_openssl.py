"""OpenSSL signs and we verify; we sign and OpenSSL verifies; what was changed on the way both refuse.

Each number is one message, made by chance but always the same: one to three signers with keys of 2048 to 4096 bits and
SHA-256 to SHA-512, attached or detached, in DER, BER or PEM.  Of the odd numbers something is changed.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import forged_messages as forge
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.sandbox import signing
from app.sandbox.keys import RsaKey
from app.signatures import algorithms, asn1
from app.signatures.asn1 import Element
from app.signatures.report import SignatureReport, Verdict

COUNT = 120
"""Messages each way."""
OPENSSL_SIGNS, WE_SIGN = "openssl signs", "we sign"


@cache
def _version() -> int:
    """Return the main version of the machine's OpenSSL, 0 where there is none."""
    tool = shutil.which("openssl")
    told = subprocess.run([tool, "version"], capture_output=True, text=True, check=False).stdout if tool else ""
    found = re.match(r"OpenSSL (\d+)\.", told)
    return int(found[1]) if found else 0


pytestmark = pytest.mark.skipif(_version() < 3, reason="this machine has no openssl 3 to compare with")


@dataclass(frozen=True)
class Sha384Key(RsaKey):
    """The sandbox's RSA key with a longer digest."""

    digest_oid, signature_oid = "2.16.840.1.101.3.4.2.2", "1.2.840.113549.1.1.12"
    hash = hashes.SHA384()

    def digest(self, content: bytes) -> bytes:
        return algorithms.DIGESTS[self.digest_oid].compute(content)

    def sign(self, signed: bytes) -> bytes:
        return self.private.sign(signed, padding.PKCS1v15(), self.hash)


@dataclass(frozen=True)
class Sha512Key(Sha384Key):
    digest_oid, signature_oid = "2.16.840.1.101.3.4.2.3", "1.2.840.113549.1.1.13"
    hash = hashes.SHA512()


KEYS = {"sha256": RsaKey, "sha384": Sha384Key, "sha512": Sha512Key}
BITS = (2048, 3072, 4096)


@pytest.fixture(scope="module")
def holders(world) -> dict[int, forge.Holder]:
    """A person for each size of key; OpenSSL writes the present time, so the certificates last long."""
    return {
        bits: world.issue(
            whose=forge.subject(iin=f"IIN80010130{bits}"),
            owner=f"openssl {bits}",
            bits=bits,
            not_before=datetime(2020, 1, 1, tzinfo=UTC),
            not_after=datetime(2099, 1, 1, tzinfo=UTC),
        )
        for bits in BITS
    }


@pytest.fixture(scope="module")
def folder(world, holders, tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("openssl")
    for name, holder in {"root": world.root, "ca": world.ca, **holders}.items():
        (place / f"{name}.pem").write_bytes(holder.certificate.public_bytes(Encoding.PEM))
    for bits, holder in holders.items():
        written = holder.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (place / f"{bits}.key").write_bytes(written)
    return place


@dataclass(frozen=True)
class Plan:
    """What one message is like."""

    content: bytes
    signers: tuple[tuple[int, str], ...]
    attached: bool
    form: str
    options: tuple[str, ...]
    dice: random.Random

    @classmethod
    def of(cls, number: int, way: str) -> Plan:
        dice = random.Random(f"{way} {number}")
        size = dice.choice((1, 20, 200, 900))
        content = bytes(dice.choice(b"abcdefghij \n\r\xd0\xbb") for _ in range(size))
        sizes = dice.sample(BITS, dice.choices((1, 2, 3), (6, 3, 1))[0])
        digests = [dice.choice(list(KEYS)) for _ in sizes]
        if way == OPENSSL_SIGNS:
            digests = [digests[0]] * len(sizes)  # it takes one for all
        options = [one for one in ("-cades", "-keyid", "-nosmimecap", "-stream") if dice.random() < 0.4]
        signers = tuple(zip(sizes, digests, strict=True))
        return cls(content, signers, dice.random() < 0.5, dice.choice(("DER", "base64", "PEM")), tuple(options), dice)


def _openssl(*line: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["openssl", "cms", *map(str, line)], capture_output=True, check=False)


def _openssl_signs(plan: Plan, folder: Path, place: Path) -> bytes:
    (place / "content").write_bytes(plan.content)
    line = ["-sign", "-binary", "-in", place / "content", "-outform", "DER", "-certfile", folder / "ca.pem"]
    for bits, digest in plan.signers:
        line += ["-signer", folder / f"{bits}.pem", "-inkey", folder / f"{bits}.key", "-md", digest]
        line += [option for option in plan.options if option == "-keyid"]
    line += [option for option in plan.options if option != "-keyid"]
    made = _openssl(*line, *(["-nodetach"] if plan.attached else []))
    assert made.returncode == 0, made.stderr.decode()
    return made.stdout


def _we_sign(plan: Plan, world, holders: dict[int, forge.Holder]) -> bytes:
    signers, digests = [], []
    for bits, digest in plan.signers:
        key = KEYS[digest](holders[bits].private)
        attributes = signing.signed_attributes(key.digest(plan.content), holders[bits].der, at=forge.NOW)
        signers.append(signing.signer_info(key, holders[bits].certificate, attributes))
        digests.append(key.digest_oid)
    return signing.signed_data(
        signers,
        content=plan.content if plan.attached else None,
        certificates=[*(holders[bits].der for bits, _ in plan.signers), world.ca.der],
        digests=sorted(set(digests)),
    )


def _openssl_accepts(message: bytes, content: bytes, plan: Plan, folder: Path, place: Path) -> bool:
    """Whether OpenSSL accepts a message, and gives back the content that was signed."""
    (place / "message").write_bytes(message)
    (place / "given").write_bytes(content)
    line = ["-verify", "-binary", "-in", place / "message", "-inform", "DER", "-CAfile", folder / "root.pem"]
    line += ["-attime", int(forge.NOW.timestamp()), "-out", place / "read"]
    found = _openssl(*line, *([] if plan.attached else ["-content", place / "given"]))
    return found.returncode == 0 and (place / "read").read_bytes() == content


def _our_report(message: bytes, content: bytes, plan: Plan, world) -> SignatureReport:
    written = {
        "DER": lambda: message,
        "base64": lambda: asn1.armour(message, "CMS").partition("\n")[2].partition("-----END")[0],
        "PEM": lambda: asn1.armour(message, "PKCS7"),
    }[plan.form]()
    # As for OpenSSL, the issuing authority must come with the message.
    return world.verify(written, None if plan.attached else content, intermediates=())


# --- changes that no verifier may overlook ---------------------------------------------------------


def _all(element: Element):
    yield element
    for child in element.children:
        yield from _all(child)


def _flip(message: bytes, start: int, end: int, dice: random.Random) -> bytes:
    changed = bytearray(message)
    changed[dice.randrange(start, end)] ^= 1 << dice.randrange(7)
    return bytes(changed)


def _infos(message: bytes) -> tuple[Element, ...]:
    return asn1.parse(message).children[1].children[0].children[-1].children


def _change_value(message: bytes, content: bytes, plan: Plan) -> tuple[bytes, bytes]:
    info = plan.dice.choice(_infos(message))
    value = next(part for part in reversed(info.children) if part.tag == asn1.OCTETS)
    return _flip(message, value.body, value.end, plan.dice), content


def _change_attribute(message: bytes, content: bytes, plan: Plan) -> tuple[bytes, bytes]:
    info = plan.dice.choice(_infos(message))
    signed = next(part for part in info.children if part.tag == 0xA0)
    attribute = plan.dice.choice([one for one in signed.children if _is_kept(one)])
    value = attribute.children[1].children[0]
    return _flip(message, value.end - 6, value.end, plan.dice), content


def _is_kept(attribute: Element) -> bool:
    """Whether the attribute is the digest or the time, of which every bit means something."""
    return attribute.children[0].raw in (asn1.oid("1.2.840.113549.1.9.4"), asn1.oid("1.2.840.113549.1.9.5"))


def _change_content(message: bytes, content: bytes, plan: Plan) -> tuple[bytes, bytes]:
    if not plan.attached:
        return message, _flip(content, 0, len(content), plan.dice)
    encapsulated = asn1.parse(message).children[1].children[0].children[2].children[1].children[0]
    pieces = encapsulated.segments or ((encapsulated.body, encapsulated.end),)
    start, end = plan.dice.choice([piece for piece in pieces if piece[0] < piece[1]])
    return _flip(message, start, end, plan.dice), content


def _change_certificate(message: bytes, content: bytes, plan: Plan) -> tuple[bytes, bytes]:
    enclosed = next(part for part in asn1.parse(message).children[1].children[0].children if part.tag == 0xA0)
    certificate = plan.dice.choice(enclosed.children)
    value = certificate.children[2]
    return _flip(message, value.body + 1, value.end, plan.dice), content


def _take_out_signers(message: bytes, content: bytes, plan: Plan) -> tuple[bytes, bytes]:
    parts = [child.raw for child in asn1.parse(message).children[1].children[0].children]
    outer = asn1.parse(message).children[0].raw
    return asn1.tlv(0x30, outer, asn1.tlv(0xA0, asn1.tlv(0x30, *parts[:-1], asn1.tlv(0x31)))), content


def _change_digest_algorithm(message: bytes, content: bytes, plan: Plan) -> tuple[bytes, bytes]:
    info = plan.dice.choice(_infos(message))
    digest = next(part for part in info.children[2].children if part.tag == asn1.OID)
    changed = bytearray(message)
    changed[digest.end - 1] = changed[digest.end - 1] % 3 + 1  # SHA-256 becomes SHA-384, and so on
    return bytes(changed), content


def _cut(message: bytes, content: bytes, plan: Plan) -> tuple[bytes, bytes]:
    return message[: plan.dice.randrange(1, len(message))], content


CHANGES = (
    _change_value, _change_attribute, _change_content, _change_certificate, _take_out_signers, _change_digest_algorithm,
    _cut,
)  # fmt: skip


def _changed(number: int, message: bytes, plan: Plan) -> tuple[bytes, bytes]:
    """Return message and content, of odd numbers with a change."""
    if number % 2 == 0:
        return message, plan.content
    return CHANGES[number // 2 % len(CHANGES)](message, plan.content, plan)


@pytest.mark.parametrize("number", range(COUNT))
def test_what_openssl_signs_we_judge_as_it_does(number, world, folder, tmp_path):
    plan = Plan.of(number, OPENSSL_SIGNS)
    message, content = _changed(number, _openssl_signs(plan, folder, tmp_path), plan)

    report = _our_report(message, content, plan, world)
    is_accepted = _openssl_accepts(message, content, plan, folder, tmp_path)

    assert is_accepted is (number % 2 == 0)
    assert (report.verdict is Verdict.VALID) is is_accepted, report.reasons
    if is_accepted:
        assert report.content == content
        assert sorted(signer.iin for signer in report.signers) == sorted(f"80010130{bits}" for bits, _ in plan.signers)
        assert {(one.iin[-4:], one.algorithm) for one in report.signers} == {
            (str(bits), f"RSA with SHA-{digest[3:]}") for bits, digest in plan.signers
        }
    else:
        assert report.verdict is Verdict.INVALID


@pytest.mark.parametrize("number", range(COUNT))
def test_what_we_sign_openssl_judges_as_we_do(number, world, holders, folder, tmp_path):
    plan = Plan.of(number, WE_SIGN)
    message, content = _changed(number, _we_sign(plan, world, holders), plan)

    report = _our_report(message, content, plan, world)
    is_accepted = _openssl_accepts(message, content, plan, folder, tmp_path)

    assert is_accepted is (number % 2 == 0)
    assert report.verdict is (Verdict.VALID if is_accepted else Verdict.INVALID), report.reasons


def test_no_kind_of_message_is_left_out():
    plans = [Plan.of(number, way) for way in (OPENSSL_SIGNS, WE_SIGN) for number in range(COUNT)]

    for changed in (0, 1):
        half = [plan for number, plan in enumerate(plans) if number % 2 == changed]
        assert {plan.attached for plan in half} == {True, False}
        assert {len(plan.signers) for plan in half} == {1, 2, 3}
        assert {signer for plan in half for signer in plan.signers} == {(b, d) for b in BITS for d in KEYS}
        assert {plan.form for plan in half} == {"DER", "base64", "PEM"}
        assert {option for plan in half for option in plan.options} == {"-cades", "-keyid", "-nosmimecap", "-stream"}
    assert len(CHANGES) <= COUNT // 2
