"""OCSP answers: who may give them, about which certificate, and for how long they speak."""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import forged_answers as answers
import forged_messages as forge
import pytest
from cryptography import x509
from cryptography.x509 import ocsp as questions
from forged_answers import GOOD, NONCE, UNKNOWN
from forged_messages import NOW, VECTORS, Holder

from app.signatures import asn1, certificates, ocsp, revocation, trust
from app.signatures.ocsp import State
from app.signatures.revocation import Revocation

EARLIER = NOW - timedelta(days=10)
NO_CHECK = (x509.OCSPNoCheck(), False)


@dataclass(frozen=True)
class Office:
    """An issuing authority, one of its holders, and its responder."""

    ca: Holder
    head: Holder
    responder: Holder
    stranger: Holder

    def about(self, **how) -> bytes:
        return answers.named(self.head, self.ca, **how)

    def answer(self, status: bytes = GOOD, *, about: bytes | None = None, responder: Holder | None = None, **how):
        of_single = {part: how.pop(part) for part in ("this_update", "next_update") if part in how}
        more = how.pop("of_single", ())
        one = answers.single(about or self.about(), status, extensions=more, **of_single)
        extensions = how.pop("extensions", [answers.nonce()])
        return answers.answer([one], responder or self.responder, extensions=extensions, **how)

    def judge(self, answer: bytes, **how) -> ocsp.Finding:
        return ocsp.judge(
            answer, certificates.read(self.head.der), certificates.read(self.ca.der), **({"at": NOW} | how)
        )


def responder(ca: Holder, **how) -> Holder:
    values = {"usages": ("digital_signature",), "purposes": (answers.OCSP_SIGNING,), "extensions": [NO_CHECK]} | how
    name = forge.name((forge.NameOID.COMMON_NAME, "VECTOR OCSP"), (forge.NameOID.COUNTRY_NAME, "KZ"))
    return forge.certificate(name, values.pop("owner", "responder"), ca, **values)


@pytest.fixture(scope="module")
def office(world) -> Office:
    fake = forge.authority("VECTOR ISSUING CA TEST", "fake ca", None)
    return Office(world.ca, world.head, responder(world.ca), responder(fake, owner="stranger"))


ACCEPTED = {
    "a responder with nocheck": lambda o: o.answer(),
    "a responder named by its key": lambda o: o.answer(by_key=True),
    "the issuer itself, no certificate enclosed": lambda o: o.answer(responder=o.ca, enclosed=[]),
    "the issuer named by its key": lambda o: o.answer(responder=o.ca, enclosed=[], by_key=True),
    "the issuer itself, its certificate enclosed": lambda o: o.answer(responder=o.ca),
    "SHA-1 in the name of the certificate": lambda o: o.answer(about=o.about(digest=answers.SHA1)),
    "nextUpdate to come": lambda o: o.answer(
        this_update=NOW - timedelta(days=1), next_update=NOW + timedelta(days=1)),
    "an answer for another certificate beside it": lambda o: answers.answer(
        [answers.single(o.about(serial=7), UNKNOWN), answers.single(o.about())], o.responder,
        extensions=[answers.nonce()]),
    "an extension that is not critical": lambda o: o.answer(
        extensions=[answers.nonce(), answers.extension("1.2.3.4", b"\x05\x00")]),
    "a damaged certificate beside the responder's": lambda o: o.answer(enclosed=[b"\x30\x00", o.responder.der]),
}  # fmt: skip


@pytest.mark.parametrize("case", ACCEPTED)
def test_an_answer_of_the_issuer_or_its_responder_is_relied_upon(case, office):
    found = office.judge(ACCEPTED[case](office), nonce=NONCE)

    assert (found.state, found.why) == (State.GOOD, "")


REFUSED = {
    "no answer at all": (lambda o: b"", "malformed"),
    "an answer without body": (lambda o: answers.response(None), "malformed"),
    "a status that does not exist": (lambda o: answers.response(None, 4), "malformed"),
    "bytes after the answer": (lambda o: o.answer() + b"\0", "malformed"),
    "cut short": (lambda o: o.answer()[:-1], "malformed"),
    "a certificate": (lambda o: o.head.der, "malformed"),
    "another kind of answer": (lambda o: answers.response(
        asn1.tlv(asn1.SEQUENCE, asn1.oid("1.2.3"), asn1.tlv(asn1.OCTETS, b"\x30\x00"))), "malformed"),
    "another serial": (lambda o: o.answer(about=o.about(serial=7)), "other_certificate"),
    "the serial under another issuer's name": (
        lambda o: o.answer(about=answers.named(o.head, o.stranger)), "other_certificate"),
    "a name by a digest that we do not compute": (
        lambda o: o.answer(about=o.about(named_as="1.2.840.113549.2.5")), "other_certificate"),
    "two answers about it": (
        lambda o: answers.answer(
            [answers.single(o.about()), answers.single(o.about(digest=answers.SHA1), UNKNOWN)], o.responder,
            extensions=[answers.nonce()]), "several_answers"),
    "a signature by another key": (lambda o: o.answer(signed_by=o.stranger), "signature"),
    "the issuer's name and another key": (
        lambda o: o.answer(responder=o.ca, enclosed=[], signed_by=o.stranger), "signature"),
    "SHA-1 in the signature": (lambda o: o.answer(signature_algorithm="1.2.840.113549.1.1.5"), "signature"),
    "an algorithm that we do not compute": (
        lambda o: o.answer(signature_algorithm="1.2.840.113549.1.1.10"), "algorithm"),
    "no certificate of the responder": (lambda o: o.answer(enclosed=[]), "responder"),
    "a responder of a same-named authority": (lambda o: o.answer(responder=o.stranger), "responder"),
    "a responder of another authority": (
        lambda o: o.answer(responder=responder(forge.authority("OTHER TEST", "other", None), owner="far")),
        "responder"),
    "a certificate without the right to answer": (
        lambda o: o.answer(responder=responder(o.ca, owner="no right", purposes=("1.3.6.1.5.5.7.3.4",))), "responder"),
    "any purpose is not that right": (
        lambda o: o.answer(responder=responder(o.ca, owner="any", purposes=("2.5.29.37.0",))), "responder"),
    "the holder answers about itself": (lambda o: o.answer(responder=o.head), "responder"),
    "a responder with a key for ciphers only": (
        lambda o: o.answer(responder=responder(o.ca, owner="cipher", usages=("key_encipherment",))), "responder"),
    "a responder that has expired": (
        lambda o: o.answer(responder=responder(o.ca, owner="old", not_after=NOW - timedelta(days=1))), "responder"),
    "a responder that may not answer yet": (
        lambda o: o.answer(responder=responder(o.ca, owner="new", not_before=NOW + timedelta(days=1))), "responder"),
    "a responder with an unknown critical extension": (
        lambda o: o.answer(responder=responder(o.ca, owner="odd", extensions=[
            NO_CHECK, (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)])),
        "responder"),
    "a responder nobody can check": (
        lambda o: o.answer(responder=responder(o.ca, owner="unchecked", extensions=())), "responder_unchecked"),
    "an unknown critical extension": (
        lambda o: o.answer(extensions=[answers.nonce(), answers.extension("1.2.3.4", b"\x05\x00", critical=True)]),
        "extension"),
    "an unknown critical extension of the one answer": (
        lambda o: o.answer(of_single=[answers.extension("1.2.3.4", b"\x05\x00", critical=True)]), "extension"),
    "an extension twice": (lambda o: o.answer(extensions=[answers.nonce(), answers.nonce()]), "malformed"),
    "another nonce": (lambda o: o.answer(extensions=[answers.nonce(b"\0" * 8)]), "nonce"),
    "no nonce though one was sent": (lambda o: o.answer(extensions=[]), "nonce"),
    "a day old and no nextUpdate": (lambda o: o.answer(this_update=NOW - timedelta(days=1)), "stale"),
    "nextUpdate past": (
        lambda o: o.answer(this_update=NOW - timedelta(days=2), next_update=NOW - timedelta(days=1)), "stale"),
    "thisUpdate to come": (
        lambda o: o.answer(this_update=NOW + timedelta(hours=1), next_update=NOW + timedelta(days=1)), "future"),
    "made in the future": (lambda o: o.answer(produced_at=NOW + timedelta(hours=1)), "future"),
    "newer than it was made": (
        lambda o: o.answer(produced_at=NOW - timedelta(hours=1), next_update=NOW + timedelta(days=1)), "times"),
    "nextUpdate before thisUpdate": (
        lambda o: o.answer(next_update=NOW - timedelta(minutes=2)), "times"),
    "an old word of a hold": (
        lambda o: o.answer(answers.revoked(EARLIER, 6), this_update=NOW - timedelta(days=1)), "stale"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_an_answer_with_a_fault_is_refused_and_says_which(case, office):
    make, why = REFUSED[case]

    found = office.judge(make(office), nonce=NONCE)

    assert (found.state, found.why) == (State.REFUSED, why)


@pytest.mark.parametrize("status", [1, 2, 3, 5, 6])
def test_a_responder_that_gives_no_answer_is_unavailable(status, office):
    assert office.judge(answers.response(None, status)).state is State.UNAVAILABLE


def test_a_responder_without_nocheck_is_asked_about_in_the_lists(office):
    checked = responder(office.ca, owner="unchecked", extensions=())
    revoked = (checked.certificate.serial_number, EARLIER, ())
    clean, dirty = (revocation.read(forge.revocation_list(office.ca, entries)) for entries in ((), (revoked,)))
    answer = office.answer(responder=checked)

    assert office.judge(answer, lists=(clean,)).state is State.GOOD
    assert office.judge(answer, lists=(dirty,)).why == "responder_unchecked"


def test_since_when_and_why_a_certificate_was_revoked_is_told(office):
    found = office.judge(office.answer(answers.revoked(EARLIER, 4)))

    assert found.state is State.REVOKED
    assert found.revocation == Revocation(EARLIER, "superseded")


def test_a_compromised_key_counts_from_the_earlier_of_the_two_dates(office):
    stolen = EARLIER - timedelta(days=3)
    invalidity = answers.extension("2.5.29.24", answers.time(stolen))

    compromised = office.judge(office.answer(answers.revoked(EARLIER, 1), of_single=[invalidity]))
    superseded = office.judge(office.answer(answers.revoked(EARLIER, 4), of_single=[invalidity]))

    assert compromised.revocation == Revocation(stolen, "keyCompromise")
    assert superseded.revocation == Revocation(EARLIER, "superseded")


def test_an_old_word_of_a_final_revocation_still_counts(office):
    old = office.answer(answers.revoked(EARLIER, 4), this_update=NOW - timedelta(days=1))

    assert office.judge(old).state is State.REVOKED


def test_never_issued_is_neither_revoked_nor_good(office):
    since_1970 = answers.revoked(datetime(1970, 1, 1, tzinfo=UTC), 6)
    extended = answers.extension("1.3.6.1.5.5.7.48.1.9", b"\x05\x00")

    assert office.judge(office.answer(since_1970, extensions=[extended])).state is State.NOT_ISSUED
    assert office.judge(office.answer(since_1970)).state is State.REVOKED
    assert office.judge(office.answer(UNKNOWN)).state is State.UNKNOWN


def test_for_a_proven_earlier_moment_an_answer_may_be_younger_but_not_older(office):
    hour = timedelta(hours=1)
    proven = NOW - timedelta(days=5)
    after, before = (office.answer(this_update=moment, produced_at=moment) for moment in (proven + hour, proven - hour))

    assert office.judge(after, proven=proven).state is State.GOOD
    assert office.judge(before, proven=proven).why == "stale"
    assert office.judge(after).why == "stale"


def test_the_question_names_the_certificate_and_wraps_the_nonce_twice(office):
    asked = questions.load_der_ocsp_request(
        ocsp.request(certificates.read(office.head.der), certificates.read(office.ca.der), NONCE)
    )

    assert asked.serial_number == office.head.certificate.serial_number
    assert asked.issuer_key_hash == forge.hashlib.sha256(answers.key_bits(office.ca)).digest()
    nonce = asked.extensions.get_extension_for_class(x509.OCSPNonce).value
    assert nonce.nonce == NONCE
    assert asn1.tlv(asn1.OCTETS, asn1.tlv(asn1.OCTETS, NONCE)) in asked.public_bytes(forge.Encoding.DER)


def test_no_mutant_raises_and_none_turns_a_revoked_certificate_good(office):
    dice = random.Random(5)
    original = office.answer(answers.revoked(EARLIER, 4))
    states = set()

    for _ in range(3000):
        mutant = bytearray(original)
        for _ in range(dice.choice((1, 1, 2, 5))):
            mutant[dice.randrange(len(mutant))] = dice.randrange(256)
        states.add(office.judge(bytes(mutant), nonce=NONCE).state)

    assert states <= {State.REFUSED, State.UNAVAILABLE, State.REVOKED}
    assert State.REFUSED in states


# --- published answers and vectors ------------------------------------------------------------------


def _certificate(path: str) -> certificates.Certificate:
    return trust.read_store([VECTORS / path], environment="test").anchors[0].certificate


REAL = {
    "ceo_2015_revoked": ("keys-test-2022__KEY_CEO_REVOKED_2015", "nca_gost2022_test.cer", State.REVOKED),
    "individual_2015": ("keys-test-2022__KEY_INDIVIDUAL_VALID_2015", "nca_gost2022_test.cer", State.NOT_ISSUED),
    "ceo_sign_2004_revoked": ("keys-test-2022__KEY_CEO_SIGN_REVOKED_2004", "nca_gost_test.crt", State.REVOKED),
    "individual_sign_2004": ("keys-test-2022__KEY_INDIVIDUAL_VALID_SIGN_2004", "nca_rsa_test.crt", State.GOOD),
}
SINCE = {
    "ceo_2015_revoked": Revocation(datetime(2022, 7, 27, 10, 25, 30, tzinfo=UTC), "certificateHold"),
    "ceo_sign_2004_revoked": Revocation(datetime(2022, 1, 18, 6, 30, 55, tzinfo=UTC), "superseded"),
}


@pytest.mark.parametrize("name", REAL)
def test_a_real_answer_of_the_nca_says_what_is_known_of_it(name):
    certificate, issuer, state = REAL[name]
    answer = ocsp.read((VECTORS / f"ocsp/ocsp_response_{name}.bin").read_bytes())
    nonce = asn1.parse(answer.nonce).content
    about, issuer = _certificate(f"certs-from-p12/{certificate}.cer"), _certificate(f"ca-test/{issuer}")

    found = ocsp.judge(answer, about, issuer, at=answer.produced_at + timedelta(seconds=5), nonce=nonce)

    assert (found.state, found.revocation) == (state, SINCE.get(name))
    assert len(nonce) == ocsp.NONCE_OCTETS
    later = ocsp.judge(answer, about, issuer, at=NOW)
    assert later.state is (
        State.REVOKED if found.revocation and found.revocation.reason != ocsp.HOLD else State.REFUSED
    )


def _rows():
    with (VECTORS / "made-here/EXPECTED.tsv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file, delimiter="\t") if "/ocsp/" in row["file"]]


@pytest.mark.parametrize("row", _rows(), ids=lambda row: row["file"])
def test_a_made_answer_gives_the_state_it_was_made_for(row):
    folder = VECTORS / "made-here/vector-pki"
    revoked = row["file"].rsplit("/", 1)[1].startswith(("02", "10"))
    about = _certificate(f"{folder}/certs/{'head2_revoked' if revoked else 'head'}.cer")

    found = ocsp.judge(
        (VECTORS / "made-here" / row["file"]).read_bytes(),
        about,
        _certificate(f"{folder}/certs/ca.cer"),
        at=datetime.fromisoformat(row["reference_time"]),
        nonce=bytes.fromhex(row["revocation_material"].rsplit(" ", 1)[1]),
    )

    assert found.state.value == {"REFUSE": "REFUSED", "NOT-ISSUED": "NOT_ISSUED"}.get(row["expect"], row["expect"])
