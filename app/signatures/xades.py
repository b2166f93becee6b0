"""What a signer says of a signature in XML beside what is signed: the properties of XAdES.

Properties that are signed are a reference like any other; here is read what they say: when, and
with which certificate.  What is not known to be harmless (a signature policy, a commitment) leaves
the signature open, since nobody judged it.
Source: ETSI EN 319 132-1, sections 4.3 and 5.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from app.signatures import algorithms, xml_document, xmldsig
from app.signatures.asn1 import Malformed
from app.signatures.certificates import Certificate
from app.signatures.report import Findings
from app.signatures.xml_document import Node
from app.signatures.xmldsig import DS

XADES = "{http://uri.etsi.org/01903/v1.3.2#}"
KIND = "http://uri.etsi.org/01903#SignedProperties"
"""The Type of the reference to the signed properties."""
MOST_NAMED = 8
_CERTIFICATES = (f"{XADES}SigningCertificate", f"{XADES}SigningCertificateV2")
_HARMLESS = (f"{XADES}SignatureProductionPlace", f"{XADES}SignatureProductionPlaceV2")


@dataclass(frozen=True)
class Properties:
    """The signed properties of one signature.

    ``named`` are digests of the signer's certificate, by the name of the algorithm; ``unknown`` is
    what they hold beyond what is judged, "" for nothing.
    """

    element: Node
    signing_time: datetime | None
    named: tuple[tuple[str, bytes], ...]
    unknown: str


def read(holder: Node, signature: Node) -> Properties:
    """Read QualifyingProperties that stand in ``signature``; they may hold nothing that is not to be signed.

    Raises:
        Malformed: ``xml_structure``, with the part that is wrong.
    """
    target = holder.get("Target")
    if target is None or target != f"#{signature.get('Id')}":
        raise xmldsig.wrong(holder)
    (element,) = xmldsig.children(holder, f"{XADES}SignedProperties", also=("Target",))
    signing_time, named, unknown = None, [], ""
    for part in element:
        if part.tag != f"{XADES}SignedSignatureProperties":
            unknown = unknown or _name(part)
            continue
        for one in part:
            if one.tag == f"{XADES}SigningTime" and signing_time is None:
                signing_time = _moment(one)
            elif one.tag in _CERTIFICATES:
                named += [_digest(certificate) for certificate in list(one)[:MOST_NAMED]]
            elif one.tag not in _HARMLESS:
                unknown = unknown or _name(one)
    return Properties(element, signing_time, tuple(named), unknown)


def judge(properties: Properties, certificate: Certificate, findings: Findings) -> None:
    """Judge whether the certificate is the one that was named, and whether all that was said is known."""
    if properties.unknown:
        findings.add("xml_properties_unknown", properties.unknown)
    if not properties.named:
        findings.add("signing_certificate_absent")
        return
    # The signer's own comes first; those after it are of the path.
    uri, value = properties.named[0]
    if uri not in xmldsig.DIGESTS:
        findings.add("signing_certificate_unsupported", uri[:200])
    elif algorithms.digest(xmldsig.DIGESTS[uri]).compute(certificate.der) != value:
        findings.add("signing_certificate_differs")


def _digest(named: Node) -> tuple[str, bytes]:
    holder = named.find(f"{XADES}CertDigest")
    method = None if holder is None else holder.find(f"{DS}DigestMethod")
    value = None if holder is None else holder.find(f"{DS}DigestValue")
    if named.tag != f"{XADES}Cert" or method is None or value is None:
        raise xmldsig.wrong(named)
    return method.get("Algorithm", ""), xmldsig.octets(value)


def _moment(element: Node) -> datetime:
    try:
        moment = datetime.fromisoformat((element.text or "").strip())
        return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise xmldsig.wrong(element) from None


def _name(element: Node) -> str:
    if not xml_document.is_element(element):
        raise Malformed("xml_structure", "SignedProperties")
    return xml_document.name(element)
