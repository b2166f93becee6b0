"""Evidence that came with a message: certificates, revocation lists and OCSP answers of its signer.

It is material like any other: who signed it, for what and until when is judged where it is used,
and it gives no trust.  What cannot be read is left aside and told.
Source: RFC 5652, 10.2.1; RFC 5940; RFC 5126, 6.3.3 and 6.3.4 (CAdES-LT and CAdES-X Long).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from app.signatures import asn1, certificates, cms, ocsp, revocation
from app.signatures.asn1 import OCTETS, SEQUENCE, Element, Malformed, tlv
from app.signatures.certificates import Certificate
from app.signatures.cms import SignedData, SignerInfo
from app.signatures.ocsp import Answer
from app.signatures.revocation import RevocationList
from app.signatures.trust import TrustStore

CERTIFICATE_VALUES = "1.2.840.113549.1.9.16.2.23"
REVOCATION_VALUES = "1.2.840.113549.1.9.16.2.24"
MOST = 16
"""Pieces of each kind that are looked at."""
_OTHER, _OCSP_RESPONSE, _BASIC = 0xA1, "1.3.6.1.5.5.7.16.2", "1.3.6.1.5.5.7.48.1.1"
_LIST_VALUES, _ANSWER_VALUES = 0xA0, 0xA1
_Piece = TypeVar("_Piece")


@dataclass(frozen=True)
class Enclosed:
    """What came along, as read; ``is_whole``: all of it could be."""

    certificates: tuple[Certificate, ...]
    lists: tuple[RevocationList, ...]
    answers: tuple[Answer, ...]
    is_whole: bool

    def joined(self, store: TrustStore) -> TrustStore:
        """Return the store with the lists and answers; its anchors stay what they are."""
        if not self.lists and not self.answers:
            return store
        return replace(store, lists=(*store.lists, *self.lists), answers=(*store.answers, *self.answers))


def read(data: SignedData, signer: SignerInfo) -> Enclosed:
    """Read what a message brings for one of its signers; nothing of it is judged."""
    pieces: dict[str, list[bytes]] = {"certificate": [], "list": [], "answer": []}
    is_whole = True
    sources = [_of_message(der) for der in data.evidence]
    sources += [_of_attribute(one.oid, value) for one in signer.unsigned for value in one.values]
    for source in sources:
        try:
            for kind, der in source:
                pieces[kind].append(der)
        except (Malformed, IndexError, ValueError):
            is_whole = False
    faults: list[Malformed] = []
    people = _read(certificates.read, pieces["certificate"], faults)
    lists = _read(revocation.read, pieces["list"], faults)
    answers = _read(ocsp.read, pieces["answer"], faults)
    # That a responder did not answer then is no word on the certificate now.
    spoken = tuple(answer for answer in answers if not answer.status)
    return Enclosed(tuple(people), tuple(lists), spoken, is_whole and not faults)


def _read(one: Callable[[bytes], _Piece], ders: list[bytes], faults: list[Malformed]) -> list[_Piece]:
    found = []
    for der in list(dict.fromkeys(ders))[:MOST]:
        try:
            found.append(one(der))
        except Malformed as malformed:
            faults.append(malformed)
    return found


def _of_message(der: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what one RevocationInfoChoice of a message is."""
    if der[:1] != bytes((_OTHER,)):
        yield "list", der
        return
    kind, value = asn1.parse(der).children
    if cms.identifier(kind.raw) == _OCSP_RESPONSE:
        yield "answer", value.raw


def _of_attribute(oid: str, der: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what stands in an unsigned attribute; other attributes hold none."""
    if oid == CERTIFICATE_VALUES:
        for one in _sequence(asn1.parse(der)):
            yield "certificate", one.raw
    elif oid == REVOCATION_VALUES:
        for values in _sequence(asn1.parse(der)):
            if values.tag == _LIST_VALUES:
                for one in _sequence(values.children[0]):
                    yield "list", one.raw
            elif values.tag == _ANSWER_VALUES:
                for one in _sequence(values.children[0]):
                    yield "answer", _response(one.raw)


def _sequence(element: Element) -> tuple[Element, ...]:
    if element.tag != SEQUENCE or not element.is_der:
        raise Malformed(detail="evidence")
    return element.children


def _response(basic: bytes) -> bytes:
    """Return a BasicOCSPResponse in the envelope in which a responder sends it."""
    held = tlv(SEQUENCE, asn1.oid(_BASIC), tlv(OCTETS, basic))
    return tlv(SEQUENCE, tlv(asn1.ENUMERATED, b"\0"), tlv(0xA0, held))
