"""OCSP answers and time-stamps: as they come, and signed anew by one of bad will, or one whose software errs."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from app.sandbox import signing
from app.signatures import asn1, certificates, cms, ocsp, timestamps
from app.signatures.asn1 import OCTETS, SEQUENCE, Malformed, tlv
from app.signatures.certificates import Certificate
from app.signatures.ocsp import State
from app.signatures.policy import STRICT
from app.signatures.trust import TrustStore
from app.signatures.verify import verify
from tests.fuzz.credentials import der_of
from tests.fuzz.target import Context, Judge, Target, Told, Wrong
from tests.fuzz.world import DAY, MADE, NOW, VECTORS, World, answers, forge, moment, nca_store, tokens, vector_store

IN_2022 = moment("2022-09-18T13:21:00Z")


# --- answers ----------------------------------------------------------------------------------------

_AUTHENTIC = (State.GOOD, State.REVOKED, State.UNKNOWN, State.NOT_ISSUED)


def _answered(
    name: str,
    seeds: Sequence[bytes],
    about: Certificate,
    issuer: Certificate,
    at: datetime,
    nonce: bytes | None = None,
    wrap: Callable[[bytes], bytes] | None = None,
) -> Context:
    """Ask about a certificate; ``wrap`` signs what comes."""

    def asked(der: bytes) -> tuple[ocsp.Finding, tuple[object, ...]]:
        found = ocsp.judge(der, about, issuer, at=at, nonce=nonce)
        ocsp.judge(der, about, issuer, at=at, proven=at - DAY)
        if found.state not in _AUTHENTIC:
            return found, ()
        answer = ocsp.read(der)
        ocsp.is_about(answer, issuer, about)
        return found, (answer.signed, found)

    known = {asked(seed)[1] for seed in seeds if wrap is None}

    def judge(data: bytes, seed: bytes) -> Told:
        found, told = asked(data if wrap is None else wrap(data))
        if wrap is None and told and told not in known:
            raise Wrong("an answer is believed that nobody signed so")
        return Told(found.state.value, "around the signed part" if wrap is None and told and data != seed else "")

    return Context(name, tuple(seeds), judge)


def _vector_answers() -> list[bytes]:
    folder = MADE / "vector-pki/ocsp"
    return [one.read_bytes() for one in sorted(folder.iterdir())]


def of_answers() -> Target:
    """Return the target of OCSP answers."""
    world = World.made()
    head, ca, responder = world.read(world.head), world.read(world.ca), world.responder
    named = answers.named(world.head, world.ca)
    old = answers.named(world.head, world.ca, digest=answers.SHA1)
    since = NOW - 3 * DAY
    never = answers.revoked(moment("1970-01-01T00:00:00Z"), 6)
    dated = answers.extension("2.5.29.24", answers.time(since - DAY))
    cutoff = answers.extension("1.3.6.1.5.5.7.48.1.6", answers.time(since))
    extended = answers.extension("1.3.6.1.5.5.7.48.1.9", b"\5\0")
    single, nonce = answers.single, answers.nonce()
    made = [
        answers.answer([single(named)], responder, extensions=[nonce]),
        answers.answer([single(named, next_update=NOW + DAY, extensions=[cutoff])], responder, extensions=[nonce]),
        answers.answer([single(named, answers.revoked(since, 1), extensions=[dated])], responder, extensions=[nonce]),
        answers.answer([single(named, never)], responder, extensions=[nonce, extended]),
        answers.answer([single(old, answers.UNKNOWN)], world.ca, by_key=True, enclosed=[], extensions=[nonce]),
        answers.answer([single(answers.named(world.clerk, world.ca)), single(named)], world.ca, extensions=[nonce]),
        answers.response(None, 3),
    ]
    algorithm = answers.algorithm(answers.SHA256_WITH_RSA)

    def wrap(data: bytes) -> bytes:
        value = responder.private.sign(data, forge.padding.PKCS1v15(), forge.hashes.SHA256())
        enclosed = tlv(0xA0, tlv(SEQUENCE, responder.der))
        basic = tlv(SEQUENCE, data, algorithm, tlv(asn1.BITS, b"\0" + value), enclosed)
        return answers.response(tlv(SEQUENCE, asn1.oid("1.3.6.1.5.5.7.48.1.1"), tlv(OCTETS, basic)))

    signed = [ocsp.read(one).signed for one in made[:-1]]
    folder = "made-here/vector-pki/certs"
    people = {one: certificates.read(der_of(f"{folder}/{one}.cer")) for one in ("head", "head2_revoked", "ca")}
    sent = bytes(range(1, 9))
    published = [one.read_bytes() for one in sorted((VECTORS / "ocsp").iterdir())]
    individual = certificates.read(der_of("certs-from-p12/keys-test-2022__KEY_INDIVIDUAL_VALID_2015.cer"))
    nca = certificates.read(der_of("ca-test/nca_gost2022_test.cer"))
    return Target(
        "ocsp",
        (
            _answered("made", made, head, ca, NOW, answers.NONCE),
            _answered("made, out of store", made, head, ca, NOW),
            _answered("vectors", _vector_answers(), people["head"], people["ca"], NOW, sent),
            _answered("vectors, revoked", _vector_answers(), people["head2_revoked"], people["ca"], NOW, sent),
            _answered("published", published, individual, nca, moment("2022-09-02T16:59:00Z")),
            _answered("signed anew", signed, head, ca, NOW, answers.NONCE, wrap),
        ),
    )


# --- time-stamps ------------------------------------------------------------------------------------

VALUE = b"the value of a signature"


def _stamped(name: str, seeds: Sequence[bytes], stamped: bytes, store: TrustStore, at: datetime) -> Context:
    policy = replace(STRICT, revocation_required=False)

    def asked(der: bytes) -> tuple[timestamps.Judged, tuple[object, ...]]:
        judged = timestamps.judge(der, stamped, store=store, at=at, policy=policy)
        with contextlib.suppress(Malformed, timestamps.Refused):
            timestamps.token_in(der)
        return judged, () if judged.stamp is None else (timestamps.read(der).message.content, judged.stamp)

    known = {asked(seed)[1] for seed in seeds}

    def judge(data: bytes, seed: bytes) -> Told:
        judged, told = asked(data)
        if told and told not in known:
            raise Wrong("a time is believed that nobody stamped")
        verdict = ", ".join(dict.fromkeys(code for code, _ in judged.faults)) or "stamped"
        return Told(verdict, "around the signed part" if told and data != seed else "")

    return Context(name, tuple(seeds), judge)


def _stamped_anew(world: World) -> Judge:
    def judge(data: bytes, _: bytes) -> Told:
        attributes = [
            signing.attribute(cms.CONTENT_TYPE, asn1.oid(tokens.TST_INFO)),
            signing.attribute(cms.MESSAGE_DIGEST, tlv(OCTETS, hashlib.sha256(data).digest())),
            signing.attribute(
                cms.SIGNING_CERTIFICATE_V2,
                tlv(SEQUENCE, tlv(SEQUENCE, tlv(SEQUENCE, tlv(OCTETS, hashlib.sha256(world.tsa.der).digest())))),
            ),
        ]
        one = forge.signer(world.tsa, attributes, content=data)
        token = signing.signed_data([one], content=data, certificates=[world.tsa.der], content_type=tokens.TST_INFO)
        judged = timestamps.judge(token, VALUE, store=world.store, at=NOW, policy=STRICT)
        message = forge.message(world.head, unsigned=tlv(0xA1, signing.attribute(cms.TIMESTAMP_TOKEN, token)))
        json.dumps(verify(message, at=NOW, trust=world.store).to_dict())
        if judged.stamp is not None:
            parts = asn1.parse(data).children
            if parts[2].children[1].content != hashlib.sha256(VALUE).digest() or judged.stamp.at > NOW + STRICT.skew:
                raise Wrong("a token of something else, or of the future, is believed")
        return Told(", ".join(dict.fromkeys(code for code, _ in judged.faults)) or "stamped")

    return judge


def of_timestamps() -> Target:
    """Return the target of time-stamps."""
    world = World.made()
    made = [
        tokens.token(VALUE, world.tsa),
        tokens.token(VALUE, world.tsa, enclosed=[world.tsa, world.ca, world.root], more=asn1.integer(77)),
        tokens.token(VALUE, world.tsa, at=b"20261109080100.25Z", more=tlv(SEQUENCE, asn1.integer(1), tlv(0x80, b"\5"))),
    ]
    infos = [cms.read(one).content or b"" for one in made]
    published = [(VECTORS / "tsp" / one).read_bytes() for one in ("tsp_token.bin", "tsp_response.bin")]
    message = cms.read((MADE / "vector-pki/cms/02_head_cades_t.cms").read_bytes())
    info = message.signers[0]
    in_vector = [value for one in info.unsigned for value in one.values if one.oid == cms.TIMESTAMP_TOKEN]
    vector = vector_store("vector-pki/crl/ca.crl")
    return Target(
        "timestamps",
        (
            _stamped("made", made, VALUE, world.store, NOW),
            _stamped("vectors", in_vector, info.value, vector, NOW),
            _stamped("published", published, b"CAFEBABE", nca_store(), IN_2022),
            Context("signed anew", tuple(infos), _stamped_anew(world)),
        ),
    )
