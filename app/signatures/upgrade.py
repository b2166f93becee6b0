"""Adding a time-stamp to a signature made earlier (CAdES-T: ETSI EN 319 122-1, 5.3).

Time-stamps are unsigned attributes: they may join when the authority answers later, and nothing
that was signed changes.
"""

from __future__ import annotations

from app.signatures import asn1, cms
from app.signatures.asn1 import SEQUENCE, SET, Element, Malformed, tlv

_UNSIGNED = 0xA1


def with_time_stamp(message: bytes, token: bytes, *, signer: int = 0) -> bytes:
    """Return the message with a token among the unsigned attributes of its ``signer``, counted from 0.

    Whether the token is good is not asked: ``verify`` judges it.  What was signed stays octet by
    octet; only the lengths around it are written anew.

    Raises:
        Malformed: the message cannot be read, or has no such signer.
    """
    outer = asn1.parse(cms.read_cms(message))
    infos = len(cms.read(outer.source).signers)
    if not 0 <= signer < infos:
        raise Malformed("no_signers")
    kind, holder = outer.children
    (data,) = holder.children
    *parts, signers = data.children
    stamped = [_stamped(info, token) if number == signer else info.raw for number, info in enumerate(signers.children)]
    kept = b"".join(part.raw for part in parts)
    return tlv(SEQUENCE, kind.raw, tlv(0xA0, tlv(SEQUENCE, kept, tlv(SET, *sorted(stamped)))))


def to_stamp(message: bytes) -> tuple[bytes, str]:
    """Return the signature value that a token must be over, and the digest its one signer used.

    Raises:
        Malformed: the message cannot be read, or has more or fewer signers than one.
    """
    signers = cms.read(cms.read_cms(message)).signers
    if len(signers) != 1:
        raise Malformed("no_signers" if not signers else "too_many_signers")
    return signers[0].value, signers[0].digest.oid


def _stamped(info: Element, token: bytes) -> bytes:
    attribute = tlv(SEQUENCE, asn1.oid(cms.TIMESTAMP_TOKEN), tlv(SET, token))
    unsigned = [part for part in info.children if part.tag == _UNSIGNED]
    attributes = [child.raw for part in unsigned for child in part.children]
    rest = [part.raw for part in info.children if part.tag != _UNSIGNED]
    return tlv(SEQUENCE, *rest, tlv(_UNSIGNED, *sorted([*attributes, attribute])))
