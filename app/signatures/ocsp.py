"""Answers of an OCSP responder (RFC 6960), judged without any network.

An answer speaks only when the issuer of the certificate signed it, or a responder to whom that
issuer gave the right; for exactly the certificate that was asked about; and for its own time.
"Unknown", "never issued" and "no answer" are states of their own: none of them is good.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from app.signatures import algorithms, asn1, certificates, cms, listed, names, revocation
from app.signatures.asn1 import Element, Malformed
from app.signatures.certificates import Certificate
from app.signatures.revocation import REASON_NAMES, Revocation, RevocationList

LARGEST_ANSWER = 1024 * 1024
MOST_ELEMENTS = 20_000
MOST_CERTIFICATES = 16
WINDOW = timedelta(minutes=5)
"""How old an answer without nextUpdate may be: the NCA's answers have none and are made when asked."""
SKEW = timedelta(minutes=5)
NONCE_OCTETS = 8

_BASIC, _NONCE, _NO_CHECK = "1.3.6.1.5.5.7.48.1.1", "1.3.6.1.5.5.7.48.1.2", "1.3.6.1.5.5.7.48.1.5"
_ARCHIVE_CUTOFF, _EXTENDED_REVOKE = "1.3.6.1.5.5.7.48.1.6", "1.3.6.1.5.5.7.48.1.9"
_CRL_REFERENCE, _CRL_REASON, _INVALIDITY_DATE = "1.3.6.1.5.5.7.48.1.3", "2.5.29.21", "2.5.29.24"
_UNDERSTOOD = frozenset({_NONCE, _ARCHIVE_CUTOFF, _EXTENDED_REVOKE, _CRL_REFERENCE, _CRL_REASON, _INVALIDITY_DATE})
_OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"
_NOT_ISSUED_SINCE = datetime(1970, 1, 1, tzinfo=UTC)
HOLD = REASON_NAMES[6]
"""The one reason that can pass again."""
_STATUSES = {1: "malformedRequest", 2: "internalError", 3: "tryLater", 5: "sigRequired", 6: "unauthorized"}


class State(StrEnum):
    """What an answer says of a certificate."""

    GOOD = "GOOD"
    REVOKED = "REVOKED"
    UNKNOWN = "UNKNOWN"  # the responder does not know the certificate
    NOT_ISSUED = "NOT_ISSUED"  # the issuer never issued it (RFC 6960, 2.2)
    UNAVAILABLE = "UNAVAILABLE"  # the responder gave no answer
    REFUSED = "REFUSED"  # there is an answer, and it may not be relied upon


@dataclass(frozen=True)
class Finding:
    """The judgement of one answer.

    ``why`` is one word for a refusal or the responder's own status: ``malformed``, ``algorithm``,
    ``responder``, ``signature``, ``other_certificate``, ``several_answers``, ``extension``,
    ``nonce``, ``times``, ``future``, ``stale``, ``tryLater`` and so on.  ``revocation`` is set for
    REVOKED only.  ``archive_cutoff``: the responder keeps the state of certificates that expired
    after this moment.
    """

    state: State
    why: str = ""
    revocation: Revocation | None = None
    this_update: datetime | None = None
    archive_cutoff: datetime | None = None


@dataclass(frozen=True)
class Single:
    """What is said of one certificate, named by digests of its issuer's name and key and by its serial."""

    digest: str
    name_hash: bytes
    key_hash: bytes
    serial: int
    state: State
    revocation: Revocation | None
    this_update: datetime
    next_update: datetime | None
    archive_cutoff: datetime | None


@dataclass(frozen=True, eq=False)
class Answer:
    """An answer as read; nothing of it is judged yet.

    ``status`` is the responder's word when there is no answer, else "".  The responder is named by
    ``responder_name`` (DER) or ``responder_key`` (SHA-1 of its key).  ``nonce`` is the extension's
    value as it came.  ``is_understood``: no critical extension is unknown.
    """

    der: bytes
    status: str
    responder_name: bytes | None = None
    responder_key: bytes | None = None
    produced_at: datetime = _NOT_ISSUED_SINCE
    singles: tuple[Single, ...] = ()
    nonce: bytes | None = None
    extended_revoke: bool = False
    is_understood: bool = True
    signed: bytes = b""
    signature_algorithm: str = ""
    signature: bytes = b""
    certificates: tuple[bytes, ...] = ()


# --- asking -----------------------------------------------------------------------------------------


def request(certificate: Certificate, issuer: Certificate, nonce: bytes | None = None) -> bytes:
    """Return the question about one certificate as DER; its names are SHA-256, as the NCA answers.

    ``nonce`` are 8 random octets; they travel as an OCTET STRING in the extension's own one.
    """
    digest = asn1.tlv(asn1.SEQUENCE, asn1.oid(cms.SHA256), asn1.tlv(asn1.NULL))
    name_hash, key_hash = _issuer_hashes(cms.SHA256, issuer)
    named = asn1.tlv(
        asn1.SEQUENCE,
        digest,
        asn1.tlv(asn1.OCTETS, name_hash),
        asn1.tlv(asn1.OCTETS, key_hash),
        asn1.integer(certificate.serial),
    )
    parts = [asn1.tlv(asn1.SEQUENCE, asn1.tlv(asn1.SEQUENCE, named))]
    if nonce is not None:
        extension = asn1.tlv(asn1.SEQUENCE, asn1.oid(_NONCE), asn1.tlv(asn1.OCTETS, asn1.tlv(asn1.OCTETS, nonce)))
        parts.append(asn1.tlv(0xA2, asn1.tlv(asn1.SEQUENCE, extension)))
    return asn1.tlv(asn1.SEQUENCE, asn1.tlv(asn1.SEQUENCE, *parts))


def _issuer_hashes(digest: str, issuer: Certificate) -> tuple[bytes, bytes]:
    """Return the hashes of the issuer's name and key by which a certificate is named (RFC 6960, 4.1.1)."""
    key = asn1.parse(issuer.key).children[1].content[1:]
    if digest == cms.SHA1:  # an identifier here, not a proof
        return _sha1(issuer.subject), _sha1(key)
    known = algorithms.digest(digest)
    return known.compute(issuer.subject), known.compute(key)


def _sha1(content: bytes) -> bytes:
    return hashlib.sha1(content, usedforsecurity=False).digest()


# --- reading ----------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def read(der: bytes) -> Answer:
    """Read an answer; its signature is not judged yet.

    Raises:
        Malformed: it is none.
    """
    if len(der) > LARGEST_ANSWER:
        raise Malformed("too_large")
    try:
        return _read(der)
    except (IndexError, ValueError):
        raise Malformed from None


def _read(der: bytes) -> Answer:
    outer = asn1.parse(der, elements=MOST_ELEMENTS)
    _expect(outer, asn1.SEQUENCE)
    status, *body = outer.children
    _expect(status, asn1.ENUMERATED)
    if status.content != b"\0":
        number = int.from_bytes(status.content, "big")
        if number not in _STATUSES or len(status.content) != 1:
            raise Malformed(detail="status")
        return Answer(der, _STATUSES[number])
    (bytes_,) = body
    _expect(bytes_, 0xA0)
    kind, held = bytes_.children[0].children
    if cms.identifier(kind.raw) != _BASIC:
        raise Malformed(detail="kind of answer")
    _expect(held, asn1.OCTETS)
    basic = asn1.parse(held.content, elements=MOST_ELEMENTS)
    # What was signed is judged as it came: a second reading of the same bytes must not be possible.
    if not basic.is_der:
        raise Malformed(detail="not DER")
    return _basic(der, basic)


def _basic(der: bytes, basic: Element) -> Answer:
    _expect(basic, asn1.SEQUENCE)
    data, algorithm, signature, *rest = basic.children
    _expect(data, asn1.SEQUENCE)
    _expect(signature, asn1.BITS)
    enclosed: tuple[Element, ...] = ()
    if rest:
        (holder,) = rest
        _expect(holder, 0xA0)
        enclosed = holder.children[0].children
        if len(enclosed) > MOST_CERTIFICATES:
            raise Malformed(detail="too many certificates")
    parts = list(data.children)
    if parts[0].tag == 0xA0 and parts.pop(0).children[0].content != b"\0":
        raise Malformed(detail="version")
    responder, produced_at, responses, *more = parts
    name = key = None
    if responder.tag == 0xA1:
        name = responder.children[0].raw
    else:
        _expect(responder, 0xA2)
        key = cms.octets(responder.children[0].raw)
    extensions = _extensions(more, 0xA1)
    singles, understood = [], all(oid in _UNDERSTOOD or not critical for oid, (critical, _) in extensions.items())
    _expect(responses, asn1.SEQUENCE)
    for response in responses.children:
        single, is_understood = _single(response)
        singles.append(single)
        understood = understood and is_understood
    return Answer(
        der=der,
        status="",
        responder_name=name,
        responder_key=key,
        produced_at=_time(produced_at),
        singles=tuple(singles),
        nonce=extensions[_NONCE][1] if _NONCE in extensions else None,
        extended_revoke=_EXTENDED_REVOKE in extensions,
        is_understood=understood,
        signed=data.raw,
        signature_algorithm=str(asn1.decode(algorithm.raw, asn1.ALGORITHM_IDENTIFIER)["algorithm"]),
        signature=certificates.whole_octets(signature.content),
        certificates=tuple(element.raw for element in enclosed),
    )


def _single(response: Element) -> tuple[Single, bool]:
    named, status, this_update, *rest = response.children
    digest, name_hash, key_hash, serial = named.children
    next_update = None
    if rest and rest[0].tag == 0xA0:
        next_update = _time(rest.pop(0).children[0])
    extensions = _extensions(rest, 0xA1)
    state, found = State.UNKNOWN, None
    if status.tag == 0x80:
        state = State.GOOD
    elif status.tag == 0xA1:
        state, found = State.REVOKED, _revocation(status, extensions)
    else:
        _expect(status, 0x82)
    cutoff = extensions.get(_ARCHIVE_CUTOFF)
    single = Single(
        digest=str(asn1.decode(digest.raw, asn1.ALGORITHM_IDENTIFIER)["algorithm"]),
        name_hash=cms.octets(name_hash.raw),
        key_hash=cms.octets(key_hash.raw),
        serial=_integer(serial),
        state=state,
        revocation=found,
        this_update=_time(this_update),
        next_update=next_update,
        archive_cutoff=_time(asn1.parse(cutoff[1])) if cutoff is not None else None,
    )
    return single, all(oid in _UNDERSTOOD or not critical for oid, (critical, _) in extensions.items())


def _revocation(status: Element, extensions: dict[str, tuple[bool, bytes]]) -> Revocation:
    """Return since when and why; with keyCompromise the invalidity date counts if it is the earlier one."""
    since, *reasons = status.children
    moment, number = _time(since), 0
    if reasons:
        (holder,) = reasons
        _expect(holder, 0xA0)
        _expect(holder.children[0], asn1.ENUMERATED)
        number = int.from_bytes(holder.children[0].content, "big")
    if number == revocation.KEY_COMPROMISE and _INVALIDITY_DATE in extensions:
        moment = min(moment, _time(asn1.parse(extensions[_INVALIDITY_DATE][1])))
    return Revocation(moment, REASON_NAMES.get(number, str(number)))


def _extensions(parts: Sequence[Element], tag: int) -> dict[str, tuple[bool, bytes]]:
    if not parts:
        return {}
    (holder,) = parts
    _expect(holder, tag)
    found: dict[str, tuple[bool, bytes]] = {}
    for extension in asn1.decode(holder.content, asn1.EXTENSIONS):
        oid = str(extension["extnID"])
        if oid in found:
            raise Malformed(detail=f"extension {oid} twice")
        found[oid] = (bool(extension["critical"]), bytes(extension["extnValue"]))
    return found


def _expect(element: Element, tag: int) -> None:
    if element.tag != tag:
        raise Malformed(detail="tag")


def _time(element: Element) -> datetime:
    _expect(element, asn1.GENERALIZED_TIME)
    return asn1.moment(element.tag, element.content)


def _integer(element: Element) -> int:
    _expect(element, asn1.INTEGER)
    return int.from_bytes(element.content, "big", signed=True)


# --- judging ----------------------------------------------------------------------------------------


def judge(
    answer: Answer | bytes,
    certificate: Certificate,
    issuer: Certificate,
    *,
    at: datetime,
    proven: datetime | None = None,
    nonce: bytes | None = None,
    window: timedelta = WINDOW,
    skew: timedelta = SKEW,
    lists: Sequence[RevocationList] = (),
) -> Finding:
    """Judge what an answer says of ``certificate``, which ``issuer`` issued, at the moment ``at``.

    ``proven`` is an earlier moment at which the certificate was used, when a time-stamp proves it:
    the answer must then reach that moment, and may be younger.  ``nonce`` is the one that was
    sent, None for an answer out of store.  ``lists`` are asked about a responder without nocheck.
    Whatever the bytes are, the answer is a Finding.
    """
    if isinstance(answer, bytes):
        try:
            answer = read(answer)
        except Malformed:
            return Finding(State.REFUSED, "malformed")
    if answer.status:
        return Finding(State.UNAVAILABLE, answer.status)
    try:
        why = _refusal(answer, issuer, at=at, skew=skew, nonce=nonce, lists=lists)
        about = [single for single in answer.singles if _is_about(single, certificate, issuer)]
    except Malformed:
        return Finding(State.REFUSED, "malformed")
    if why:
        return Finding(State.REFUSED, why)
    if not about:
        return Finding(State.REFUSED, "other_certificate")
    if len(about) > 1:
        return Finding(State.REFUSED, "several_answers")
    return _state(answer, about[0], at=at, until=proven or at, window=window, skew=skew)


def _refusal(
    answer: Answer,
    issuer: Certificate,
    *,
    at: datetime,
    skew: timedelta,
    nonce: bytes | None,
    lists: Sequence[RevocationList],
) -> str:
    """Return why the answer as a whole may not be relied upon, "" when it may."""
    if not answer.is_understood:
        return "extension"
    if nonce is not None and answer.nonce != asn1.tlv(asn1.OCTETS, nonce):
        return "nonce"
    if answer.produced_at - at > skew:
        return "future"
    why = "responder"
    for responder in _responders(answer, issuer):
        if responder is not issuer:
            why = _delegation(responder, issuer, at=answer.produced_at, lists=lists)
            if why:
                continue
        try:
            if certificates.is_signed_by(answer.signature_algorithm, answer.signature, answer.signed, responder):
                return ""
        except algorithms.Unsupported:
            return "algorithm"
        why = "signature"
    return why


def _responders(answer: Answer, issuer: Certificate) -> Iterator[Certificate]:
    """Yield whom the answer names as its signer: the issuer itself, or a certificate that came along."""
    if _is_named(answer, issuer):
        yield issuer
    for der in answer.certificates:
        try:
            enclosed = certificates.read(der)
        except Malformed:
            continue
        if enclosed.der != issuer.der and _is_named(answer, enclosed):
            yield enclosed


def _is_named(answer: Answer, responder: Certificate) -> bool:
    if answer.responder_name is not None:
        return names.same_name(answer.responder_name, responder.subject)
    return answer.responder_key == _issuer_hashes(cms.SHA1, responder)[1]


def _delegation(responder: Certificate, issuer: Certificate, *, at: datetime, lists: Sequence[RevocationList]) -> str:
    """Return why ``responder`` may not answer for ``issuer``, "" when it may (RFC 6960, 4.2.2.2)."""
    if _OCSP_SIGNING not in (responder.purposes or ()) or responder.not_understood:
        return "responder"
    if responder.key_usage is not None and not responder.key_usage & {"digitalSignature", "nonRepudiation"}:
        return "responder"
    if not names.same_name(responder.issuer, issuer.subject) or not responder.is_valid_at(at):
        return "responder"
    try:
        if not certificates.is_signed_by(responder.signature_algorithm, responder.signature, responder.signed, issuer):
            return "responder"
    except algorithms.Unsupported:
        return "algorithm"
    if certificates.extension(responder, _NO_CHECK) is not None:
        return ""
    return "responder_unchecked" if listed.status(responder, issuer, lists=lists, at=at).code else ""


def is_about(answer: Answer, certificate: Certificate, issuer: Certificate) -> bool:
    """Whether an answer speaks of the certificate at all; nothing of it is judged."""
    try:
        return any(_is_about(single, certificate, issuer) for single in answer.singles)
    except Malformed:
        return False


def _is_about(single: Single, certificate: Certificate, issuer: Certificate) -> bool:
    if single.serial != certificate.serial:
        return False
    try:
        return (single.name_hash, single.key_hash) == _issuer_hashes(single.digest, issuer)
    except (algorithms.Unsupported, algorithms.Weak):
        return False


def _state(
    answer: Answer, single: Single, *, at: datetime, until: datetime, window: timedelta, skew: timedelta
) -> Finding:
    this_update, next_update = single.this_update, single.next_update
    if this_update - at > skew:
        return Finding(State.REFUSED, "future")
    if this_update - answer.produced_at > skew or (next_update is not None and next_update < this_update):
        return Finding(State.REFUSED, "times")
    found = single.revocation
    is_stale = until - this_update > window if next_update is None else until - next_update > skew
    # Only a hold can be lifted: any other revocation stays true, however old the word of it is.
    if is_stale and (found is None or found.reason == HOLD):
        return Finding(State.REFUSED, "stale", this_update=this_update)
    state = single.state
    if found is not None and answer.extended_revoke and found == Revocation(_NOT_ISSUED_SINCE, HOLD):
        state, found = State.NOT_ISSUED, None
    return Finding(state, revocation=found, this_update=this_update, archive_cutoff=single.archive_cutoff)
