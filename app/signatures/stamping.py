"""A time-stamp for a signature that has none yet: the step from CAdES-B to CAdES-T (ETSI EN 319 122-1, 5.3).

The token goes among the unsigned attributes; nothing that was signed changes by a byte.
"""

from __future__ import annotations

from app.signatures import asn1, cms
from app.signatures.asn1 import Element, Malformed
from app.signatures.cms import SignerInfo

_CONTEXT_0, _CONTEXT_1 = 0xA0, 0xA1


def value_to_stamp(message: bytes) -> bytes:
    """Return the signature value of a message of one signer: what the token must be over.

    Raises:
        Malformed: it is no signed message, or has more or fewer signers than one.
    """
    return _signer(message).value


def digest_for(message: bytes) -> str:
    """Return the digest a token for the message should use: the signer's own, which its authority knows too.

    Raises:
        Malformed: see ``value_to_stamp``.
    """
    return _signer(message).digest.oid


def _signer(message: bytes) -> SignerInfo:
    signers = cms.read(cms.read_cms(message)).signers
    if len(signers) != 1:
        raise Malformed(detail="one signer is stamped at a time")
    return signers[0]


def stamped(message: bytes, token: bytes) -> bytes:
    """Return the message, as DER, with ``token`` (RFC 3161, DER) beside the signature of its one signer.

    Whether the token proves anything is for ``verify`` to say.

    Raises:
        Malformed: see ``value_to_stamp``.
    """
    _signer(message)
    info = asn1.parse(cms.read_cms(message))
    signed_data = info.children[1].children[0]
    signers = signed_data.children[-1]
    data = asn1.tlv(
        asn1.SEQUENCE,
        *(part.der() for part in signed_data.children[:-1]),
        asn1.tlv(asn1.SET, _with(signers.children[0], token)),
    )
    return asn1.tlv(asn1.SEQUENCE, info.children[0].der(), asn1.tlv(_CONTEXT_0, data))


def _with(signer: Element, token: bytes) -> bytes:
    added = asn1.tlv(asn1.SEQUENCE, asn1.oid(cms.TIMESTAMP_TOKEN), asn1.tlv(asn1.SET, token))
    *signed, last = signer.children
    if last.tag != _CONTEXT_1:
        signed.append(last)
    kept = [attribute.der() for attribute in last.children] if last.tag == _CONTEXT_1 else []
    unsigned = asn1.tlv(_CONTEXT_1, *sorted([*kept, added]))
    return asn1.tlv(asn1.SEQUENCE, *(part.der() for part in signed), unsigned)
