"""Bytes made to break the reader: an answer always, quickly, and never a false VALID."""

from __future__ import annotations

import random
import time
import tracemalloc

import forged_answers as answers
import forged_messages as forge
import forged_tokens as tokens
import pytest
from forged_messages import CONTENT

from app.sandbox import signing
from app.signatures import asn1, cms
from app.signatures.asn1 import OCTETS, SEQUENCE, SET, Malformed, tlv
from app.signatures.report import Verdict

MEGABYTE = 1024 * 1024


def _mutants(original: bytes, count: int, seed: int):
    dice = random.Random(seed)
    for _ in range(count):
        bytes_ = bytearray(original)
        for _ in range(dice.choice((1, 1, 1, 2, 5))):
            at = dice.randrange(len(bytes_))
            match dice.randrange(6):
                case 0 | 1:
                    bytes_[at] ^= 1 << dice.randrange(8)
                case 2:
                    bytes_[at] = dice.choice((0, 0x7F, 0x80, 0xFF, 0x30, 0x31, 0xA0, 0x04, 0x06))
                case 3:
                    del bytes_[at : at + dice.randrange(1, 9)]
                case 4:
                    bytes_[at:at] = dice.randbytes(dice.randrange(1, 5))
                case 5:
                    other = dice.randrange(len(bytes_))
                    bytes_[at : at + 16] = bytes_[other : other + 16]
            if not bytes_:
                break
        yield bytes(bytes_)


@pytest.mark.parametrize("form", ["DER", "BER"])
def test_no_mutant_raises_and_none_is_valid_for_other_content_or_another_person(form, world):
    original = forge.message(world.head, certificates=[world.head.der, world.ca.der])
    original = original if form == "DER" else forge.as_ber(original)
    verdicts = dict.fromkeys(Verdict, 0)

    for mutant in _mutants(original, 2000, seed=1):
        report = world.verify(mutant)
        verdicts[report.verdict] += 1
        if report.verdict is Verdict.VALID:
            # What no signature covers may change: the rest is as it was signed.
            (signer,) = report.signers
            assert report.content == CONTENT
            assert signer.certificate == world.head.der

    assert verdicts[Verdict.INVALID] > 1500


def test_no_truncation_raises_or_is_valid(world):
    original = forge.message(world.head)

    for size in range(0, len(original), 3):
        assert world.verify(original[:size]).verdict is Verdict.INVALID


def test_random_bytes_are_invalid(world):
    dice = random.Random(2)

    for size in range(400):
        assert world.verify(dice.randbytes(size)).verdict is Verdict.INVALID
        assert world.verify(b"\x30" + dice.randbytes(size)).verdict is Verdict.INVALID


def _nested(depth: int) -> bytes:
    inner = b""
    for _ in range(depth):
        inner = tlv(SEQUENCE, inner)
    return inner


def _in_signed_data(*parts: bytes) -> bytes:
    return tlv(SEQUENCE, signing.oid(cms.ID_SIGNED_DATA), tlv(0xA0, tlv(SEQUENCE, *parts)))


BOMBS = {
    "indefinite nesting": lambda: b"\x30\x80" * 200_000,
    "definite nesting": lambda: _nested(5000),
    "nesting in signed data": lambda: _in_signed_data(_nested(1000)),
    "a claimed length of 2 GiB": lambda: b"\x30\x84\x7f\xff\xff\xff" + b"\0" * 100,
    "a length of 127 octets": lambda: b"\x30\xff" + b"\xff" * 200,
    "a million empty elements": lambda: tlv(SEQUENCE, b"\x05\x00" * 1_000_000),
    "a million segments": lambda: b"\x24\x80" + b"\x04\x00" * 1_000_000 + b"\0\0",
    "an object identifier without end": lambda: tlv(SEQUENCE, tlv(0x06, b"\xff" * 1_000_000)),
    "an object identifier with a huge arc": lambda: tlv(SEQUENCE, tlv(0x06, b"\xff" * 500_000 + b"\x01"), tlv(0xA0)),
    "many digest algorithms": lambda: _in_signed_data(
        signing.integer(1), tlv(SET, *[forge.SHA256] * 20_000), tlv(SEQUENCE, signing.oid(cms.ID_DATA)), tlv(SET)
    ),
    "many certificates": lambda: _in_signed_data(
        signing.integer(1),
        tlv(SET),
        tlv(SEQUENCE, signing.oid(cms.ID_DATA)),
        tlv(0xA0, *[b"\x30\x00"] * 20_000),
        tlv(SET),
    ),
    "a huge integer": lambda: _in_signed_data(tlv(0x02, b"\x7f" + b"\xff" * 1_000_000)),
    "base64 without end": lambda: b"MIIC" * 10_000_000,
    "PEM without end": lambda: b"-----BEGIN CMS-----\n" + b"M" * 20_000_000,
    "content in tiny segments": lambda: _in_signed_data(
        signing.integer(1),
        tlv(SET),
        tlv(SEQUENCE, signing.oid(cms.ID_DATA), tlv(0xA0, tlv(0x24, b"\x04\x01a" * 2_000_000))),
    ),
    "base64 of white space": lambda: b"MII" + b" " * 1_000_000,
    "an end of contents alone": lambda: b"\x30\x80\x00",
    "high tag numbers": lambda: b"\x3f" + b"\xff" * 100,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_decoding_bomb_is_refused(bomb, world):
    message = BOMBS[bomb]()

    began = time.process_time()
    report = world.verify(message)
    seconds = time.process_time() - began

    assert report.verdict is Verdict.INVALID
    assert seconds < 5  # a fraction of it on an idle machine
    assert _peak(lambda: world.verify(message)) < 100 * MEGABYTE


def _peak(act) -> int:
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


FORMS = {"DER": lambda message: message, "BER": lambda message: forge.as_ber(message, segment=1000)}


@pytest.mark.parametrize("form", FORMS)
def test_a_long_document_is_copied_once_and_no_more(form, world):
    content = bytes(20 * MEGABYTE)
    message = FORMS[form](forge.message(world.head, content=content))

    assert world.verify(message).verdict is Verdict.VALID
    assert _peak(lambda: world.verify(message)) < 1.4 * len(content)


@pytest.mark.parametrize("bomb", ["nested", "in its content", "many tokens"])
def test_a_time_stamp_that_is_a_bomb_harms_nothing(bomb, world):
    inner = {
        "nested": [_nested(1000)],
        "in its content": [tokens.token(b"", world.ca, content=_nested(1000))],
        "many tokens": [_in_signed_data(signing.integer(number)) for number in range(60)],
    }[bomb]
    message = tokens.message(world.head, *[lambda _, token=token: token for token in inner])

    began = time.process_time()
    report = world.verify(message)

    assert time.process_time() - began < 5  # a fraction of it on an idle machine
    if bomb == "nested":
        assert report.reasons == ("malformed",)
    else:
        assert (report.verdict, report.notes[0]) == (Verdict.VALID, "timestamp_malformed")


def _crowd(world, size: int, **how) -> list[forge.Holder]:
    return [
        world.issue(whose=forge.subject(iin=f"IIN{900_101_300_000 + number}"), owner="crowd", **how)
        for number in range(size)
    ]


def test_sixteen_signers_with_time_stamps_and_answers_are_not_too_many(world):
    crowd, tsa = _crowd(world, 16), tokens.authority(world.ca)
    signers = []
    for holder in crowd:
        attributes = forge.attributes(holder)
        value = asn1.parse(forge.signer(holder, attributes)).children[-1].content
        stamp = signing.attribute(cms.TIMESTAMP_TOKEN, tokens.token(value, tsa, at=forge.NOW))
        signers.append(forge.signer(holder, attributes, unsigned=tlv(0xA1, stamp)))
    message = signing.signed_data(signers, content=CONTENT, certificates=[one.der for one in crowd])
    said = [answers.single(answers.named(one, world.ca)) for one in crowd]

    report = world.verify(message, answers=tuple(answers.answer([one], world.ca) for one in said))

    assert (report.verdict, report.notes) == (Verdict.VALID, ())


def test_certificates_made_to_multiply_are_refused(world):
    """Every authority of the crowd has the same name, so that each might have issued each."""
    crowd = [
        forge.authority("VECTOR CROWD TEST", f"crowd {number % 4}", world.ca, serial=number + 1) for number in range(40)
    ]
    signers = [forge.certificate(forge.subject(), "head", crowd[number], serial=number + 1) for number in range(16)]
    message = signing.signed_data(
        [forge.signer(one, forge.attributes(one)) for one in signers],
        content=CONTENT,
        certificates=[one.der for one in (*signers, *crowd)],
    )

    began = time.process_time()
    report = world.verify(message)

    assert time.process_time() - began < 5  # a fraction of it on an idle machine
    assert report.reasons == ("too_costly",)


def test_a_message_larger_than_the_limit_is_refused_unread(world, monkeypatch):
    monkeypatch.setattr(asn1, "LARGEST_MESSAGE", 1000)

    assert world.verify(forge.message(world.head)).reasons == ("too_large",)


@pytest.mark.parametrize(
    ("ber", "der"),
    [
        ("30800201010000", "3003020101"),
        ("30810302 0101", "3003020101"),
        ("2480040141040142 0000", "04024142"),
        ("2406040141240104".replace("240104", "040142"), "04024142"),
        ("a08030800000 0000", "a0023000"),
    ],
)
def test_ber_is_rewritten_to_the_one_der_form(ber, der):
    element = asn1.parse(bytes.fromhex(ber.replace(" ", "")))

    assert not element.is_der
    assert element.der().hex() == der


@pytest.mark.parametrize(
    "hexed", ["0500 00", "30", "3001", "1f0100", "0000", "0480", "0200", "060180", "24800c01410000"]
)
def test_what_is_not_ber_is_malformed(hexed):
    with pytest.raises(Malformed):
        asn1.parse(bytes.fromhex(hexed.replace(" ", ""))).der()


def test_an_octet_string_of_a_certificate_is_left_as_it_is():
    assert asn1.parse(tlv(OCTETS, b"\x30\x80\x00\x00")).is_der
