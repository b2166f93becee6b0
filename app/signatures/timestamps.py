"""Time-stamp tokens (RFC 3161): do they prove when a signature existed?

A token is a signed message over a digest of the signature and a moment.  It proves that moment
only when everything about it holds: its own signature, the digest, the authority's certificate
and purpose, its policy, its time.  A token that proves nothing is reported and then ignored.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.signatures import algorithms, asn1, certificates, cms, cms_signature, enclosed, names, standing
from app.signatures.asn1 import Element, Malformed
from app.signatures.certificates import Certificate
from app.signatures.cms import Algorithm, SignedData
from app.signatures.policy import Policy
from app.signatures.report import REASONS, Evidence, Findings, Outcome, Stage, TimeStamp
from app.signatures.trust import TrustStore

LARGEST_TOKEN = 1024 * 1024
MOST_TOKENS = 4
"""Tokens judged of one signature; each costs a chain."""
ID_TST_INFO = "1.2.840.113549.1.9.16.1.4"

_TIME_STAMPING, _PURPOSES = "1.3.6.1.5.5.7.3.8", "2.5.29.37"
_GOST_34_311, _GOST_34_310_KEY = "1.2.398.3.10.1.3.1", "1.2.398.3.10.1.1.1.1"
_LIVING_REASONS = frozenset({"affiliationChanged", "superseded", "cessationOfOperation"})
"""Reasons of an authority's revocation that leave its earlier tokens good (RFC 3161, 4)."""
_NOBODY = frozenset({"certificate_missing", "certificate_foreign"})
_MOMENT = re.compile(rb"([0-9]{14})(?:\.([0-9]{0,8}[1-9]))?Z")


@dataclass(frozen=True)
class Token:
    """A token as read; nothing of it is judged yet.

    ``imprint`` is the digest, by ``digest``, of what was stamped.  ``accuracy`` (seconds) and
    ``is_ordered`` are read and not relied upon.
    """

    der: bytes
    message: SignedData
    policy: str
    digest: Algorithm
    imprint: bytes
    serial: int
    at: datetime
    accuracy: float | None
    is_ordered: bool
    nonce: int | None


# --- asking -----------------------------------------------------------------------------------------


def request(imprint: bytes, *, digest: str, nonce: int | None = None, policy: str | None = None) -> bytes:
    """Return the question for a token over a digest as DER; the authority's certificate is asked for too."""
    stamped = asn1.tlv(
        asn1.SEQUENCE,
        asn1.tlv(asn1.SEQUENCE, asn1.oid(digest), asn1.tlv(asn1.NULL)),
        asn1.tlv(asn1.OCTETS, imprint),
    )
    return asn1.tlv(
        asn1.SEQUENCE,
        asn1.integer(1),
        stamped,
        asn1.oid(policy) if policy is not None else b"",
        asn1.integer(nonce) if nonce is not None else b"",
        asn1.tlv(asn1.BOOLEAN, b"\xff"),
    )


class Refused(Exception):
    """The authority gave no token; the message is its status (RFC 3161, 2.4.2)."""


def token_in(response: bytes) -> bytes:
    """Return the token of an authority's response.

    Raises:
        Refused: it holds none.
        Malformed: it is no response.
    """
    if len(response) > LARGEST_TOKEN:
        raise Malformed("too_large")
    parts = asn1.parse(response).children
    if not parts or not parts[0].children or parts[0].children[0].tag != asn1.INTEGER:
        raise Malformed
    status = parts[0].children[0].content
    if status not in (b"\0", b"\1"):
        raise Refused(status.hex())
    if len(parts) != 2:
        raise Malformed
    return parts[1].raw


# --- reading ----------------------------------------------------------------------------------------


def read(der: bytes) -> Token:
    """Read a token.

    Raises:
        Malformed: it is none.
    """
    if len(der) > LARGEST_TOKEN:
        raise Malformed("too_large")
    message = cms.read(der)
    if message.content_type != ID_TST_INFO or message.content is None or len(message.signers) != 1:
        raise Malformed(detail="not a token")
    info = asn1.parse(message.content)
    if info.tag != asn1.SEQUENCE or not info.is_der:
        raise Malformed(detail="not DER")
    try:
        return _read(der, message, info.children)
    except (IndexError, ValueError):
        raise Malformed from None


def _read(der: bytes, message: SignedData, parts: Sequence[Element]) -> Token:
    version, policy, imprint, serial, at, *rest = parts
    if version.raw != asn1.integer(1) or serial.tag != asn1.INTEGER:
        raise Malformed(detail="version or serial")
    digest, stamped = imprint.children
    by_tag = {part.tag: part for part in rest}
    if len(by_tag) != len(rest) or not by_tag.keys() <= {asn1.SEQUENCE, asn1.BOOLEAN, asn1.INTEGER, 0xA0, 0xA1}:
        raise Malformed(detail="parts")
    if 0xA1 in by_tag:
        for extension in asn1.decode(asn1.tlv(asn1.SEQUENCE, by_tag[0xA1].content), asn1.EXTENSIONS):
            if extension["critical"]:
                raise Malformed(detail="critical extension")
    nonce, ordering = by_tag.get(asn1.INTEGER), by_tag.get(asn1.BOOLEAN)
    return Token(
        der=der,
        message=message,
        policy=cms.identifier(policy.raw),
        digest=cms.algorithm(asn1.decode(digest.raw, asn1.ALGORITHM_IDENTIFIER)),
        imprint=cms.octets(stamped.raw),
        serial=int.from_bytes(serial.content, "big", signed=True),
        at=_moment(at),
        accuracy=_accuracy(by_tag.get(asn1.SEQUENCE)),
        is_ordered=ordering is not None and ordering.content != b"\0",
        nonce=int.from_bytes(nonce.content, "big", signed=True) if nonce is not None else None,
    )


def _moment(element: Element) -> datetime:
    """Return genTime, which may hold a fraction of a second (RFC 3161, 2.4.2)."""
    found = _MOMENT.fullmatch(element.content)
    if element.tag != asn1.GENERALIZED_TIME or found is None:
        raise Malformed(detail="time")
    # Finer than a microsecond is cut off: rounded up, the last second of the calendar would leave it.
    microseconds = int((found[2] or b"0")[:6].ljust(6, b"0"))
    return asn1.moment(element.tag, found[1] + b"Z").replace(microsecond=microseconds)


def _accuracy(element: Element | None) -> float | None:
    if element is None:
        return None
    units = {asn1.INTEGER: 1.0, 0x80: 1e-3, 0x81: 1e-6}
    if any(part.tag not in units for part in element.children):
        raise Malformed(detail="accuracy")
    return sum(units[part.tag] * int.from_bytes(part.content[:4], "big") for part in element.children)


# --- judging ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Judged:
    """The judgement of one token.

    ``faults`` are codes of ``report.REASONS`` with a few words or "": one of them is enough for
    the token to prove nothing, and ``stamp`` is then None.  ``notes`` weigh nothing.
    """

    stamp: TimeStamp | None
    faults: tuple[tuple[str, str], ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    evidence: tuple[Evidence, ...] = ()


def judge(
    der: bytes,
    stamped: bytes,
    *,
    pool: Sequence[Certificate] = (),
    store: TrustStore,
    at: datetime,
    policy: Policy,
    nonce: int | None = None,
) -> Judged:
    """Judge a token over ``stamped`` (a signature's value), as of the moment ``at``.

    ``pool`` are further certificates among which the authority's may be.  ``nonce`` is the one
    that was sent, None for a token out of store.  Whatever the bytes are, the answer is a Judged.
    """
    try:
        token = read(der)
        own = [certificates.read(one) for one in token.message.certificates]
    except Malformed as malformed:
        return Judged(None, (("timestamp_malformed", malformed.detail),))
    came = enclosed.read(token.message, token.message.signers[0])
    store = came.joined(store)
    candidates = list(dict.fromkeys((*own, *came.certificates, *pool, *store.intermediates)))
    findings = Findings()
    authority = _authority(token, candidates, findings)
    faults = _own_faults(token, findings, at=at, policy=policy, nonce=nonce)
    if authority is None:
        return Judged(None, (*faults, ("timestamp_untrusted", "certificate_missing")))
    faults += _imprint(token, stamped, authority)
    faults += _purpose(authority)
    if not authority.is_valid_at(token.at):
        faults.append(("timestamp_expired", ""))
    if faults:
        return Judged(None, tuple(faults))
    known = standing.judge(authority, pool=candidates, store=store, at=token.at, now=at, policy=policy)
    faults = _standing_faults(known)
    stamp = TimeStamp(
        at=token.at,
        authority=names.display(authority.subject),
        policy=token.policy,
        serial=f"{token.serial:x}",
        not_after=authority.not_after,
    )
    return Judged(
        stamp=None if faults else stamp,
        faults=tuple(faults),
        notes=_standing_notes(known),
        evidence=(Evidence("token", der), *known.evidence),
    )


def _authority(token: Token, candidates: Sequence[Certificate], findings: Findings) -> Certificate | None:
    content = token.message.content
    assert content is not None
    return cms_signature.judge(
        token.message,
        token.message.signers[0],
        digest_of=cms_signature.digests(content),
        pool=candidates,
        findings=findings,
    ).certificate


def _own_faults(
    token: Token, findings: Findings, *, at: datetime, policy: Policy, nonce: int | None
) -> list[tuple[str, str]]:
    """Return what the token says wrongly of itself; its certificate must be named (RFC 3161, 2.4.2)."""
    wrong = [
        code for code in findings.codes if REASONS[code][1] is not Outcome.WARN or code == "signing_certificate_absent"
    ]
    faults = [("timestamp_signature", code) for code in wrong if code not in _NOBODY][:1]
    if nonce is not None and token.nonce != nonce:
        faults.append(("timestamp_malformed", "nonce"))
    if token.policy not in policy.tsa_policies:
        faults.append(("timestamp_policy", token.policy))
    if token.at - at > policy.skew:
        faults.append(("timestamp_ahead", ""))
    return faults


def _imprint(token: Token, stamped: bytes, authority: Certificate) -> list[tuple[str, str]]:
    """Compare the stamped digest; GOST 34.311-95 goes with the old keys of an authority only."""
    oid = token.digest.oid
    if oid == _GOST_34_311 and authority.key_algorithm != _GOST_34_310_KEY:
        return [("timestamp_algorithm", algorithms.NAMES.get(oid, oid))]
    try:
        actual = algorithms.digest(oid).compute(stamped)
    except (algorithms.Unsupported, algorithms.Weak) as unfit:
        return [("timestamp_algorithm", unfit.name)]
    if not token.digest.is_plain or token.imprint != actual:
        return [("timestamp_imprint", "")]
    return []


def _purpose(authority: Certificate) -> list[tuple[str, str]]:
    """The certificate must be for time-stamping, critically, and for nothing else (RFC 3161, 2.3)."""
    purposes = certificates.extension(authority, _PURPOSES)
    usable = authority.key_usage is None or authority.key_usage & {"digitalSignature", "nonRepudiation"}
    if purposes is None or not purposes[0] or authority.purposes != (_TIME_STAMPING,) or not usable:
        return [("timestamp_purpose", "")]
    return []


def _standing_faults(known: standing.Standing) -> list[tuple[str, str]]:
    weighty = [
        code for code, _ in known.findings if REASONS[code][1] is Outcome.FAIL or REASONS[code][0] is Stage.CHAIN
    ]
    faults = [("timestamp_untrusted", code) for code in weighty if REASONS[code][0] is Stage.CHAIN][:1]
    if any(REASONS[code][0] is Stage.REVOCATION for code in weighty) or (
        # With the authority's key in other hands any time could be stamped, an earlier one too.
        known.revocation is not None and known.revocation.reason not in _LIVING_REASONS
    ):
        faults.append(("timestamp_revoked", ""))
    return faults


def _standing_notes(known: standing.Standing) -> tuple[tuple[str, str], ...]:
    unsure = any(
        REASONS[code][0] is Stage.REVOCATION and REASONS[code][1] is Outcome.NOT_VERIFIED for code, _ in known.findings
    )
    return (("timestamp_revocation_unknown", ""),) if unsure else ()
