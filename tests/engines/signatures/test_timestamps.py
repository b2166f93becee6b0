"""Time-stamps: which tokens prove a time, and what the proven time changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import forged_answers as answers
import forged_messages as forge
import forged_tokens as tokens
import pytest
from cryptography import x509
from forged_messages import NOW, VECTORS
from forged_tokens import STAMPED

from app.signatures import asn1, certificates, cms, policy, revocation, standing, timestamps, trust
from app.signatures.asn1 import Malformed, tlv
from app.signatures.policy import STRICT, Demand, Policy
from app.signatures.report import Outcome, Stage, Verdict

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
VALUE = b"the value of a signature"


@pytest.fixture(scope="module")
def tsa(world):
    return tokens.authority(world.ca)


@pytest.fixture(scope="module")
def judge(world):
    def judge(token: bytes, *, stamped: bytes = VALUE, lists: tuple[bytes, ...] | None = None, **how):
        store = world.store if lists is None else replace(world.store, lists=tuple(map(revocation.read, lists)))
        return timestamps.judge(token, stamped, store=store, **({"at": NOW, "policy": STRICT} | how))

    return judge


def test_a_right_token_proves_its_time(judge, tsa):
    judged = judge(tokens.token(VALUE, tsa, more=asn1.integer(77)), nonce=77)

    assert judged.faults == judged.notes == ()
    assert (judged.stamp.at, judged.stamp.authority, judged.stamp.policy) == (STAMPED, "VECTOR TSA", tokens.POLICY)
    assert [one.kind for one in judged.evidence] == ["token", *["certificate"] * 3, "list", "list"]


RIGHT = {
    "without its certificate, which lies beside": lambda t, w: tokens.token(VALUE, t, enclosed=[]),
    "with a fraction of a second": lambda t, w: tokens.token(VALUE, t, at=b"20261109080100.25Z"),
    "with all that is optional": lambda t, w: tokens.token(
        VALUE, t, more=tlv(0x30, asn1.integer(1), tlv(0x80, b"\x05"), tlv(0x81, b"\x0a"))
        + tlv(0x01, b"\xff") + asn1.integer(-5) + tlv(0xA0, tlv(0xA4, t.certificate.subject.public_bytes()))
        + tlv(0xA1, tlv(0x30, asn1.oid("1.2.3"), tlv(0x04, b"\x05\x00")))),
    "with its chain": lambda t, w: tokens.token(VALUE, t, enclosed=[t, w.ca, w.root]),
    "within the skew of two clocks": lambda t, w: tokens.token(VALUE, t, at=NOW + timedelta(minutes=4)),
}  # fmt: skip


@pytest.mark.parametrize("form", RIGHT)
def test_a_token_is_relied_upon_in_every_form(form, judge, tsa, world):
    judged = judge(RIGHT[form](tsa, world), pool=(certificates.read(tsa.der),))

    assert judged.faults == ()
    assert judged.stamp is not None


def test_what_is_optional_in_a_token_is_read(tsa, world):
    token = timestamps.read(RIGHT["with all that is optional"](tsa, world))

    assert (token.accuracy, token.is_ordered, token.nonce) == (pytest.approx(1.00501), True, -5)
    assert timestamps.read(tokens.token(VALUE, tsa, at=b"20261109080100.25Z")).at.microsecond == 250_000


def _far(world):
    return tokens.authority(forge.authority("VECTOR ISSUING CA TEST", "fake ca", None), owner="far tsa")


WRONG = {
    "of another signature": (lambda t, w: tokens.token(b"another value", t), "timestamp_imprint"),
    "an imprint cut short": (lambda t, w: tokens.token(VALUE, t, imprint=b"\0" * 31), "timestamp_imprint"),
    "by SHA-1": (
        lambda t, w: tokens.token(VALUE, t, digest=cms.SHA1, imprint=forge.hashlib.sha1(VALUE).digest()),
        "timestamp_algorithm"),
    "by a digest that we do not compute": (
        lambda t, w: tokens.token(VALUE, t, digest="2.16.840.1.101.3.4.2.8"), "timestamp_algorithm"),
    "by 34.311-95 with a newer key": (
        lambda t, w: tokens.token(VALUE, t, digest="1.2.398.3.10.1.3.1"), "timestamp_algorithm"),
    "one bit of the signature": (
        lambda t, w: tokens.token(VALUE, t, change=lambda v: bytes((v[0] ^ 1,)) + v[1:]), "timestamp_signature"),
    "without signed attributes": (lambda t, w: tokens.token(VALUE, t, without="all"), "timestamp_signature"),
    "without the digest attribute": (lambda t, w: tokens.token(VALUE, t, without="digest"), "timestamp_signature"),
    "without signing-certificate": (lambda t, w: tokens.token(VALUE, t, without="certificate"), "timestamp_signature"),
    "signing-certificate of another": (lambda t, w: tokens.token(VALUE, t, named=w.ca), "timestamp_signature"),
    "another content type signed": (
        lambda t, w: tokens.token(VALUE, t, signed_type=cms.ID_DATA), "timestamp_signature"),
    "content that is data": (lambda t, w: tokens.token(VALUE, t, content_type=cms.ID_DATA), "timestamp_malformed"),
    "content that is none": (lambda t, w: tokens.token(VALUE, t, content=b"TSTInfo"), "timestamp_malformed"),
    "another version": (lambda t, w: tokens.token(VALUE, t, version=2), "timestamp_malformed"),
    "a time in another zone": (lambda t, w: tokens.token(VALUE, t, at=b"20261109080100+0500"), "timestamp_malformed"),
    "a fraction that ends in nought": (lambda t, w: tokens.token(VALUE, t, at=b"20261109080100.50Z"),
        "timestamp_malformed"),
    "a critical extension": (
        lambda t, w: tokens.token(VALUE, t, more=tlv(0xA1, tlv(
            0x30, asn1.oid("1.2.3"), tlv(0x01, b"\xff"), tlv(0x04, b"\x05\x00")))), "timestamp_malformed"),
    "two nonces": (
        lambda t, w: tokens.token(VALUE, t, more=asn1.integer(1) + asn1.integer(2)), "timestamp_malformed"),
    "two signers": (lambda t, w: tokens.token(VALUE, t, signers=2), "timestamp_malformed"),
    "nothing": (lambda t, w: b"", "timestamp_malformed"),
    "no message": (lambda t, w: tlv(0x30, asn1.oid(cms.ID_DATA)), "timestamp_malformed"),
    "a damaged certificate": (
        lambda t, w: tokens.token(VALUE, t, enclosed=[replace(t, certificate=_Damaged())]), "timestamp_malformed"),
    "no certificate anywhere": (lambda t, w: tokens.token(VALUE, t, enclosed=[]), "timestamp_untrusted"),
    "a policy that is not the NCA's": (lambda t, w: tokens.token(VALUE, t, policy="1.2.3.4"), "timestamp_policy"),
    "a time to come": (lambda t, w: tokens.token(VALUE, t, at=NOW + timedelta(hours=1)), "timestamp_ahead"),
    "before the authority's certificate": (
        lambda t, w: tokens.token(VALUE, t, at=NOW - 101 * DAY), "timestamp_expired"),
    "after the authority's certificate": (
        lambda t, w: tokens.token(VALUE, tokens.authority(w.ca, not_after=STAMPED - DAY)), "timestamp_expired"),
    "an authority of a same-named CA": (lambda t, w: tokens.token(VALUE, _far(w)), "timestamp_untrusted"),
    "a signer's own certificate": (lambda t, w: tokens.token(VALUE, w.head), "timestamp_purpose"),
    "the purpose is not critical": (
        lambda t, w: tokens.token(VALUE, tokens.authority(w.ca, critical=False)), "timestamp_purpose"),
    "one purpose too many": (
        lambda t, w: tokens.token(VALUE, tokens.authority(
            w.ca, purposes=(tokens.TIME_STAMPING, x509.ObjectIdentifier("1.3.6.1.5.5.7.3.4")))), "timestamp_purpose"),
    "no purpose": (lambda t, w: tokens.token(VALUE, tokens.authority(w.ca, purposes=())), "timestamp_purpose"),
    "a key for ciphers only": (
        lambda t, w: tokens.token(VALUE, tokens.authority(w.ca, usages=("key_encipherment",))), "timestamp_purpose"),
    "a key too short": (lambda t, w: tokens.token(VALUE, tokens.authority(w.ca, bits=1024)), "timestamp_signature"),
}  # fmt: skip


class _Damaged:
    def public_bytes(self, _):
        return b"\x30\x03\x02\x01\x01"


@pytest.mark.parametrize("fault", WRONG)
def test_a_token_with_a_fault_proves_nothing_and_says_which(fault, judge, tsa, world):
    make, code = WRONG[fault]

    judged = judge(make(tsa, world))

    assert judged.stamp is None
    assert [found for found, _ in judged.faults] == [code]


def test_another_nonce_than_the_one_sent_is_refused(judge, tsa):
    token = tokens.token(VALUE, tsa, more=asn1.integer(77))

    assert judge(token, nonce=78).faults == (("timestamp_malformed", "nonce"),)
    assert judge(tokens.token(VALUE, tsa), nonce=78).stamp is None


def _revoked(reason: x509.ReasonFlags | None, since: datetime):
    def lists(world, holder) -> tuple[bytes, ...]:
        why = [x509.CRLReason(reason)] if reason else []
        entry = (holder.certificate.serial_number, since, why)
        return forge.revocation_list(world.ca, [entry]), forge.revocation_list(world.root)

    return lists


@pytest.mark.parametrize(
    ("reason", "since", "is_good"),
    [
        (x509.ReasonFlags.superseded, STAMPED - DAY, False),
        (x509.ReasonFlags.superseded, STAMPED + DAY, True),
        (x509.ReasonFlags.cessation_of_operation, STAMPED + DAY, True),
        (x509.ReasonFlags.key_compromise, STAMPED + DAY, False),
        (None, STAMPED + DAY, False),
    ],
)
def test_a_revoked_authority_keeps_its_earlier_tokens_unless_its_key_may_be_in_other_hands(
    reason, since, is_good, judge, tsa, world
):
    judged = judge(tokens.token(VALUE, tsa), lists=_revoked(reason, since)(world, tsa))

    assert (judged.stamp is not None) is is_good
    assert [code for code, _ in judged.faults] == ([] if is_good else ["timestamp_revoked"])


def test_an_authority_that_nobody_can_check_is_told(judge, tsa):
    judged = judge(tokens.token(VALUE, tsa), lists=())

    assert judged.stamp is not None
    assert judged.notes == (("timestamp_revocation_unknown", ""),)


# --- what a proven time changes ---------------------------------------------------------------------


def _good(tsa, **how):
    return lambda value: tokens.token(value, tsa, **how)


def test_a_stamped_signature_is_judged_for_the_time_of_the_stamp(world, tsa):
    (signer,) = world.verify(tokens.message(world.head, _good(tsa))).signers

    assert signer.verdict is Verdict.VALID
    assert signer.notes == ()
    assert signer.stages[Stage.TIMESTAMP] is Outcome.PASS
    assert signer.reference_time == signer.timestamp.at == STAMPED
    told = signer.to_dict()
    assert (told["reference_from"], told["reference_time"]) == ("timestamp", "2026-11-09T08:01:00Z")
    assert told["timestamp"]["authority"] == "VECTOR TSA"


def _head_lists(world, since, reason=x509.ReasonFlags.superseded, invalidity: datetime | None = None):
    more = [x509.CRLReason(reason)] + ([x509.InvalidityDate(invalidity)] if invalidity else [])
    entry = (world.head.certificate.serial_number, since, more)
    return forge.revocation_list(world.ca, [entry]), forge.revocation_list(world.root)


def test_a_revocation_after_the_stamp_leaves_the_signature_valid(world, tsa):
    report = world.verify(tokens.message(world.head, _good(tsa)), lists=_head_lists(world, STAMPED + DAY))

    assert report.verdict is Verdict.VALID
    assert report.notes == ("revoked_later",)
    assert report.signers[0].revoked_at == STAMPED + DAY


@pytest.mark.parametrize(
    ("since", "invalidity", "reason"),
    [
        (STAMPED - DAY, None, x509.ReasonFlags.superseded),
        (STAMPED, None, x509.ReasonFlags.superseded),
        (STAMPED + DAY, STAMPED - DAY, x509.ReasonFlags.key_compromise),
    ],
)
def test_a_revocation_before_the_stamp_makes_it_invalid(since, invalidity, reason, world, tsa):
    lists = _head_lists(world, since, reason, invalidity)

    report = world.verify(tokens.message(world.head, _good(tsa), at=STAMPED - 2 * DAY), lists=lists)

    assert report.reasons == ("revoked",)
    assert report.sub_indications == ("REVOKED_NO_POE",)


def test_without_a_stamp_a_later_revocation_counts(world, tsa):
    lists = _head_lists(world, STAMPED + DAY)
    wrong = _good(tsa, imprint=b"\0" * 32)

    for message in (
        forge.message(world.head, forge.attributes(world.head, at=STAMPED)),
        tokens.message(world.head, wrong),
    ):
        assert world.verify(message, lists=lists).reasons == ("revoked",)


def test_a_certificate_must_not_have_expired_before_the_stamp(world, tsa):
    holder = world.issue(owner="short-lived", not_after=STAMPED - DAY)

    report = world.verify(tokens.message(holder, _good(tsa), at=STAMPED - 2 * DAY))

    assert (report.verdict, report.reasons) == (Verdict.INVALID, ("expired",))


def _kept_since(moment):
    """Return the extension by which a list says that it keeps expired certificates."""
    return x509.UnrecognizedExtension(
        x509.ObjectIdentifier("2.5.29.60"), asn1.tlv(0x18, f"{moment:%Y%m%d%H%M%SZ}".encode())
    )


def _answer(world, holder, made, cutoff=None):
    more = [answers.extension("1.3.6.1.5.5.7.48.1.6", answers.time(cutoff))] if cutoff else []
    one = answers.single(answers.named(holder, world.ca), answers.GOOD, this_update=made, extensions=more)
    return answers.answer([one], world.ca, enclosed=[], produced_at=made)


EXPIRED = STAMPED + DAY
AFTER_EXPIRY = {
    "a list that may have forgotten it": (lambda w, h: _lists_of(w), "revocation_after_expiry"),
    "a list that keeps what expired since": (
        lambda w, h: _lists_of(w, extensions=[(_kept_since(EXPIRED), False)]), None),
    "a list that keeps what expired later": (
        lambda w, h: _lists_of(w, extensions=[(_kept_since(EXPIRED + HOUR), False)]), "revocation_after_expiry"),
    "a list from before beside it": (
        lambda w, h: (*_lists_of(w), *_lists_of(w, this_update=STAMPED - HOUR, next_update=STAMPED + 3 * DAY)), None),
    "a list from before that ended before the stamp": (
        lambda w, h: (*_lists_of(w), *_lists_of(w, this_update=STAMPED - DAY, next_update=STAMPED - HOUR)),
        "revocation_after_expiry"),
    "a list that names it with a later day": (
        lambda w, h: _lists_of(w, [(h.certificate.serial_number, STAMPED + HOUR, [])]), None),
    "an answer from after": (lambda w, h: _answer(w, h, NOW), "revocation_after_expiry"),
    "an answer from after that keeps what expired": (lambda w, h: _answer(w, h, NOW, EXPIRED - DAY), None),
    "an answer from after that keeps what expired later": (
        lambda w, h: _answer(w, h, NOW, EXPIRED + HOUR), "revocation_after_expiry"),
    "an answer from before": (lambda w, h: _answer(w, h, STAMPED + HOUR), None),
}  # fmt: skip


def _lists_of(world, entries=(), **how):
    return (forge.revocation_list(world.ca, entries, **how),)


@pytest.mark.parametrize("forgets", [True, False], ids=["known to forget", "not known to forget"])
@pytest.mark.parametrize("word", AFTER_EXPIRY)
def test_a_word_from_after_the_expiry_proves_nothing_unless_expired_ones_are_kept(word, forgets, world):
    world = replace(
        world,
        store=replace(world.store, anchors=tuple(replace(one, forgets_expired=forgets) for one in world.store.anchors)),
    )
    make, reason = AFTER_EXPIRY[word]
    holder = world.issue(owner="short-lived", not_after=EXPIRED)
    made = make(world, holder)
    said = {"answers": (made,)} if isinstance(made, bytes) else {"lists": made}

    said["lists"] = (*said.get("lists", ()), forge.revocation_list(world.root))
    stamped = tokens.message(holder, _good(tokens.authority(world.root)), at=STAMPED - 2 * DAY)

    report = world.verify(stamped, **said)

    if not forgets:  # what nobody knows is a note
        assert (report.verdict, report.reasons) == (Verdict.VALID, ())
        assert ("revocation_of_expired" in report.notes) == bool(reason)
        return
    assert report.reasons == ((reason,) if reason else ())
    assert report.verdict is (Verdict.INDETERMINATE if reason else Verdict.VALID)
    if reason:
        assert report.sub_indications == ("REVOCATION_OUT_OF_BOUNDS_NO_POE",)


def test_the_earliest_of_several_good_tokens_counts_and_a_bad_one_is_told(world, tsa):
    message = tokens.message(
        world.head,
        _good(tsa, at=STAMPED + DAY),
        _good(tsa, at=STAMPED - DAY, imprint=b"\0" * 32),
        _good(tsa),
        at=STAMPED - DAY,
    )

    report = world.verify(message)

    assert report.verdict is Verdict.VALID
    assert report.signers[0].reference_time == STAMPED
    assert report.notes == ("timestamp_imprint",)
    assert report.signers[0].stages[Stage.TIMESTAMP] is Outcome.WARN


def test_of_many_tokens_only_the_first_are_judged(world, tsa):
    report = world.verify(tokens.message(world.head, *[_good(tsa)] * (timestamps.MOST_TOKENS + 1)))

    assert report.verdict is Verdict.VALID
    assert report.notes == ("timestamp_not_verified",)


def test_a_claim_later_than_the_stamp_is_told(world, tsa):
    report = world.verify(tokens.message(world.head, _good(tsa), at=STAMPED + DAY))

    assert report.verdict is Verdict.VALID
    assert report.notes == ("signing_time_after_timestamp",)


@pytest.mark.parametrize(
    ("demand", "verdict", "told"),
    [
        (Demand.NO, Verdict.VALID, ()),
        (Demand.WARN, Verdict.VALID, ("timestamp_absent",)),
        (Demand.YES, Verdict.INDETERMINATE, ("timestamp_required",)),
    ],
)
def test_a_policy_may_ask_for_a_stamp(demand, verdict, told, world, tsa):
    rules = Policy("house", require_timestamp=demand)

    without = world.verify(forge.message(world.head), policy=rules)
    with_one = world.verify(tokens.message(world.head, _good(tsa)), policy=rules)

    assert without.verdict is verdict
    assert without.reasons + without.notes == told
    assert (with_one.verdict, with_one.notes) == (Verdict.VALID, ())


def test_the_law_of_the_proven_time_rules(world, tsa):
    before, after = datetime(2026, 9, 5, 18, 59, 59, tzinfo=UTC), datetime(2026, 9, 5, 19, tzinfo=UTC)
    assert policy.at(before).revocation_wanted is policy.Sources.BOTH
    assert (policy.at(before).require_timestamp, policy.at(after).require_timestamp) == (Demand.WARN, Demand.NO)

    old, new = (
        world.verify(tokens.message(world.head, _good(tsa, at=moment), at=moment), policy=None)
        for moment in (before, after)
    )

    assert (old.verdict, old.notes, old.signers[0].policy) == (Verdict.VALID, ("revocation_one_source",), "order-1187")
    assert (new.verdict, new.notes, new.signers[0].policy) == (Verdict.VALID, (), "digital-code-61")


# --- asking, and the published token ----------------------------------------------------------------


def test_the_question_for_a_token_asks_for_the_certificate_too():
    asked = timestamps.request(b"\1" * 32, digest=cms.SHA256, nonce=0x1122334455667788, policy=tokens.POLICY)

    version, imprint, rules, nonce, certificate = asn1.parse(asked).children
    assert asn1.parse(asked).is_der
    assert version.content == b"\1"
    assert cms.identifier(imprint.children[0].children[0].raw) == cms.SHA256
    assert imprint.children[1].content == b"\1" * 32
    assert cms.identifier(rules.raw) == tokens.POLICY
    assert nonce.content.hex() == "1122334455667788"
    assert (certificate.tag, certificate.content) == (asn1.BOOLEAN, b"\xff")


def test_a_refusal_of_the_authority_is_told():
    refusal = tlv(0x30, tlv(0x30, asn1.integer(2)))

    with pytest.raises(timestamps.Refused, match="02"):
        timestamps.token_in(refusal)
    for odd in (b"", b"\x30\x00", tlv(0x30, tlv(0x30, asn1.integer(0))), b"\x30\x80"):
        with pytest.raises(Malformed):
            timestamps.token_in(odd)


def test_the_ncas_own_token_is_right_but_for_its_sha1_imprint():
    response = (VECTORS / "tsp/tsp_response.bin").read_bytes()
    der = (VECTORS / "tsp/tsp_token.bin").read_bytes()
    store = trust.read_store(
        [VECTORS / "ca-test/nca_gost_test.crt"], lists=[VECTORS / "crl/nca_gost_test.crl"], environment="test"
    )

    token = timestamps.read(der)
    judged = timestamps.judge(der, bytes.fromhex("CAFEBABE"), store=store, at=NOW, policy=STRICT)
    (authority,) = map(certificates.read, token.message.certificates)
    known = standing.judge(authority, pool=(), store=store, at=token.at, now=NOW, policy=STRICT)

    assert timestamps.token_in(response) == der
    assert (token.at, token.policy, token.nonce) == (
        datetime(2022, 9, 18, 13, 20, 14, tzinfo=UTC), "1.2.398.3.3.2.6.1", 1663507112663,
    )  # fmt: skip
    assert judged.faults == (("timestamp_algorithm", "SHA-1"),)
    assert [code for code, _ in known.findings if code.startswith("chain")] == []
