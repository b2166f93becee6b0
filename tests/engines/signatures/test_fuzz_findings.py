"""What fuzzing and its like have found, each mended: an exception, a second too much, memory without bound."""

from __future__ import annotations

import time
import tracemalloc
from datetime import UTC, datetime

import forged_answers as answers
import forged_messages as forge
import forged_tokens as tokens
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from forged_messages import CONTENT, NOW

from app.cli.signatures import commands
from app.cli.usage import WRONG_USAGE
from app.sandbox import signing
from app.signatures import asn1, certificates, cms, listed, ocsp, revocation, timestamps
from app.signatures.asn1 import BITS, OCTETS, SEQUENCE, SET, tlv
from app.signatures.ocsp import State
from app.signatures.policy import STRICT
from app.signatures.report import Verdict

MEGABYTE = 1024 * 1024
FIRST, LAST = b"00010101000000Z", b"99991231235959Z"
"""The ends of the calendar: five minutes more, or less, lie outside of it."""
VALUE = b"the value of a signature"


def _generalized(written: bytes) -> bytes:
    return tlv(asn1.GENERALIZED_TIME, written)


# --- the ends of the calendar -----------------------------------------------------------------------


class _Reissued(forge.Holder):
    """The head's certificate with another validity, rightly issued."""

    def __init__(self, world, since: bytes, until: bytes) -> None:
        super().__init__(world.head.private, world.head.certificate)
        parts = [part.raw for part in asn1.parse(world.head.der).children[0].children]
        parts[4] = tlv(SEQUENCE, _generalized(since), _generalized(until))
        tbs = tlv(SEQUENCE, *parts)
        value = world.ca.private.sign(tbs, padding.PKCS1v15(), hashes.SHA256())
        object.__setattr__(self, "written", tlv(SEQUENCE, tbs, forge.SHA256_WITH_RSA, tlv(BITS, b"\0" + value)))

    @property
    def der(self) -> bytes:
        return self.written


@pytest.mark.parametrize("claimed", [FIRST, LAST])
@pytest.mark.parametrize(("since", "until"), [(FIRST, LAST), (LAST, LAST), (FIRST, FIRST), (LAST, FIRST)])
def test_a_certificate_may_last_for_the_whole_calendar(since, until, claimed, world):
    """Found: the skew was taken from a notBefore of the first day."""
    holder = _Reissued(world, since, until)
    signed = [*forge.attributes(holder), signing.attribute("1.2.840.113549.1.9.5", _generalized(claimed))]
    message = forge.message(holder, [signed[0], *signed[2:]])

    report = world.verify(message)

    assert (report.verdict is Verdict.VALID) is ((since, until) == (FIRST, LAST))
    assert "signing_time_ahead" in report.notes or claimed == FIRST


@pytest.mark.parametrize("at", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_a_moment_of_judgement_may_be_any(at, world):
    said = answers.answer([answers.single(answers.named(world.head, world.ca))], world.ca)
    message = tokens.message(world.head, lambda value: tokens.token(value, tokens.authority(world.ca)))

    report = world.verify(message, at=at, answers=(said,))

    # The time that is proven counts, as long as it does not lie ahead.
    assert report.verdict is (Verdict.VALID if at.year == 9999 else Verdict.INVALID)
    assert report.to_dict()["checked_at"].endswith("Z")


@pytest.mark.parametrize("written", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00"])
def test_flask_verify_refuses_a_moment_outside_of_the_calendar(written, world, tmp_path, monkeypatch):
    monkeypatch.setenv("KEZEN_ENV", "test")
    (tmp_path / "message").write_bytes(forge.message(world.head))
    (command,) = (one for one in commands() if one.name == "verify")

    result = CliRunner().invoke(command, [str(tmp_path / "message"), "--at", written])

    assert result.exit_code == WRONG_USAGE
    assert "calendar" in result.output


@pytest.mark.parametrize("written", [FIRST, LAST, b"99991231235959.999999999Z", b"99991231235959.5Z"])
def test_a_token_may_bear_any_time(written, world):
    """Found: a fraction was rounded up beyond the last second."""
    token = tokens.token(VALUE, tokens.authority(world.ca), at=written)

    judged = timestamps.judge(token, VALUE, store=world.store, at=NOW, policy=STRICT)

    codes = {code for code, _ in judged.faults}
    assert "timestamp_expired" in codes
    assert ("timestamp_ahead" in codes) is (written != FIRST)


@pytest.mark.parametrize("moment", [FIRST, LAST])
@pytest.mark.parametrize("where", ["producedAt", "thisUpdate", "nextUpdate", "revocationTime"])
def test_an_answer_may_bear_any_time(where, moment, world):
    at = datetime.strptime(moment.decode(), "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    named = answers.named(world.head, world.ca)
    status = answers.revoked(at, 1) if where == "revocationTime" else answers.GOOD
    times = {"this_update": at} if where == "thisUpdate" else {"next_update": at} if where == "nextUpdate" else {}
    produced = {"produced_at": at} if where == "producedAt" else {}
    answer = answers.answer([answers.single(named, status, **times)], world.ca, **produced)

    found = ocsp.judge(answer, certificates.read(world.head.der), certificates.read(world.ca.der), at=NOW)

    expected = {"revocationTime": State.REVOKED, "nextUpdate": State.GOOD if moment == LAST else State.REFUSED}
    assert found.state is expected.get(where, State.REFUSED)


@pytest.mark.parametrize("moment", [FIRST, LAST])
@pytest.mark.parametrize("place", [0, 1])
def test_a_list_may_bear_any_time(place, moment, world):
    old = asn1.parse(forge.revocation_list(world.ca)).children[0]
    times = [part for part in old.children if part.tag in (0x17, 0x18)]
    tbs = tlv(SEQUENCE, *(_generalized(moment) if part is times[place] else part.raw for part in old.children))
    value = world.ca.private.sign(tbs, padding.PKCS1v15(), hashes.SHA256())
    found = revocation.read(tlv(SEQUENCE, tbs, forge.SHA256_WITH_RSA, tlv(BITS, b"\0" + value)))

    status = listed.status(
        certificates.read(world.head.der), certificates.read(world.ca.der), lists=[found], at=NOW, now=NOW
    )

    codes = {(0, FIRST): "", (0, LAST): "revocation_unknown", (1, FIRST): "revocation_stale", (1, LAST): ""}
    assert status.code == codes[place, moment]


# --- what no schema allows --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "accuracy",
    [tlv(SEQUENCE, tlv(0x82, b"\1")), tlv(SEQUENCE, tlv(OCTETS, b"\1")), tlv(SEQUENCE, tlv(0xA0, asn1.integer(1)))],
)
def test_an_accuracy_in_unknown_units_is_malformed(accuracy, world):
    """Found: KeyError."""
    token = tokens.token(VALUE, tokens.authority(world.ca), more=accuracy)

    judged = timestamps.judge(token, VALUE, store=world.store, at=NOW, policy=STRICT)

    assert judged.faults == (("timestamp_malformed", "accuracy"),)


# --- what only costs --------------------------------------------------------------------------------


def _signed_data(world, *, lists: bytes = b"", signers: bytes | None = None, digests: bytes | None = None) -> bytes:
    signer = forge.signer(world.head, forge.attributes(world.head))
    return tlv(
        SEQUENCE,
        signing.oid(cms.ID_SIGNED_DATA),
        tlv(
            0xA0,
            tlv(
                SEQUENCE,
                signing.integer(1),
                digests or tlv(SET, forge.SHA256),
                tlv(SEQUENCE, signing.oid(cms.ID_DATA), tlv(0xA0, tlv(OCTETS, CONTENT))),
                tlv(0xA0, world.head.der),
                lists,
                tlv(SET, signer if signers is None else signers),
            ),
        ),
    )


def _filled(count: int, *values: bytes) -> list[bytes]:
    return [signing.attribute(f"1.2.3.{number}", *values) for number in range(count)]


def _signers(world, count: int, signed: list[bytes], unsigned: list[bytes]) -> bytes:
    own = forge.attributes(world.head)
    one = forge.signer(world.head, [*own, *signed], unsigned=tlv(0xA1, *unsigned) if unsigned else b"")
    return one * count


BIG = bytes(60 * MEGABYTE)
COSTLY = {
    # Found: a second for 200 KB, all of it in the schemas' decoder.
    "values of attributes": lambda w: _signed_data(
        w, signers=_signers(w, 16, _filled(58, *[b"\5\0"] * 48), _filled(58, *[b"\5\0"] * 48))
    ),
    "lists within": lambda w: _signed_data(w, lists=tlv(0xA1, *[tlv(0x30)] * 90_000)),
    # Found: four times the message in memory.
    "a list of 60 MB within": lambda w: _signed_data(w, lists=tlv(0xA1, tlv(SEQUENCE, tlv(OCTETS, BIG)))),
    "a signed attribute of 60 MB": lambda w: _signed_data(w, signers=_signers(w, 1, _filled(1, tlv(OCTETS, BIG)), [])),
    "an unsigned attribute of 60 MB": lambda w: _signed_data(
        w, signers=_signers(w, 1, [], _filled(1, tlv(OCTETS, BIG)))
    ),
    "parameters of 60 MB": lambda w: _signed_data(
        w, digests=tlv(SET, tlv(SEQUENCE, asn1.oid("1.2.3"), tlv(OCTETS, BIG)))
    ),
    # Hashed for each certificate that may be meant: minutes without a native library.
    "sixteen signers with a megabyte of attributes": lambda w: _signed_data(
        w, signers=_signers(w, 16, _filled(1, tlv(OCTETS, bytes(MEGABYTE - 1000))), [])
    ),
}  # fmt: skip


@pytest.mark.parametrize("costly", COSTLY)
def test_what_is_made_to_cost_is_refused_at_once(costly, world):
    message = COSTLY[costly](world)

    began = time.process_time()
    report = world.verify(message)
    seconds = time.process_time() - began
    tracemalloc.start()
    world.verify(message)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert set(report.reasons) <= {"malformed", "too_large"}
    assert report.verdict is Verdict.INVALID
    assert seconds < 5  # a fraction of it on an idle machine
    assert peak < 100 * MEGABYTE


def test_what_honest_messages_have_is_within_the_bounds(world):
    """Sixteen signers, some attributes of their own, and lists of a few megabytes beside them."""
    crowd = [
        world.issue(whose=forge.subject(iin=f"IIN{900_101_300_000 + number}"), owner="crowd") for number in range(16)
    ]
    signers = [
        forge.signer(
            one,
            [*forge.attributes(one), *_filled(20, tlv(OCTETS, bytes(1000)))],
            unsigned=tlv(0xA1, *_filled(20, tlv(OCTETS, bytes(10_000)))),
        )
        for one in crowd
    ]
    message = signing.signed_data(signers, content=CONTENT, certificates=[one.der for one in crowd])
    lists = _signed_data(world, lists=tlv(0xA1, *[tlv(SEQUENCE, tlv(OCTETS, bytes(MEGABYTE)))] * 8))

    assert world.verify(message).verdict is Verdict.VALID
    assert world.verify(lists).verdict is Verdict.VALID
