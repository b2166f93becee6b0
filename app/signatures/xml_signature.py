"""Signatures in an XML document: what each covers, is that intact, and whose key made it?

The last signature is judged first, over the document with the others still in it; then it is taken
out, and the one before is judged over what it found when it was made.

A reference says what was signed, not that this is what a reader sees: the signed element can be
moved aside and another put in its place.  So a signature is good for a document only when nothing
else is said in it: it covers the whole document, or an element beside which there are but the
elements around it, empty of text and of attributes that mean something, and signatures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from app.signatures import algorithms, certificates, effort, signer, xml_document, xmldsig
from app.signatures.asn1 import Malformed
from app.signatures.certificates import Certificate
from app.signatures.policy import Policy
from app.signatures.report import Coverage, Findings, SignatureReport, SignerReport, Stage
from app.signatures.trust import TrustStore
from app.signatures.xml_document import Document, Method, Node
from app.signatures.xmldsig import SIGNATURE, Reference, XmlSignature

MOST_SIGNATURES, MOST_TRIED = 16, 4
MOST_WORK = 2 * xml_document.LARGEST_XML
"""Octets written in canonical forms in one judgement, and what takes as long as writing them."""

_SCHEMA = "{http://www.w3.org/2001/XMLSchema-instance}"
_SOAP = ("{http://schemas.xmlsoap.org/soap/envelope/}", "{http://www.w3.org/2003/05/soap-envelope}")
_MEANINGLESS = frozenset(
    {
        *xml_document.IDENTIFIERS,
        f"{xml_document.XML}lang",
        f"{xml_document.XML}space",
        f"{_SCHEMA}schemaLocation",
        f"{_SCHEMA}noNamespaceSchemaLocation",
    }
)
"""Attributes that may stand unsigned around what is signed, beside those of SOAP: they only tell how to read it."""
_LONGEST_DETAIL = 200


@dataclass
class _Signature:
    """One signature on the way.

    ``target`` is what it points at, an element or the document's tree; ``covers`` tells it to people.
    """

    element: Node
    findings: Findings = field(default_factory=Findings)
    parts: XmlSignature | None = None
    target: Node | None = None
    covers: Coverage | None = None


def judge(
    message: bytes | str, content: bytes | None, *, at: datetime, trust: TrustStore, policy: Policy | None
) -> SignatureReport:
    """Judge all signatures of an XML document; ``content`` is what it should say, if that is known."""
    try:
        document = xml_document.read(message)
        elements = _elements(document)
    except Malformed as malformed:
        details = {malformed.code: malformed.detail} if malformed.detail else {}
        return SignatureReport((malformed.code,), (), at, attached=True, details=details)
    try:
        with effort.bounded():
            found = _covered(document, elements)
            signers = tuple(_signer(one, at=at, trust=trust, policy=policy) for one in found)
    except effort.TooCostly:
        return SignatureReport(("too_costly",), (), at, attached=True)
    signed = found[0].covers.octets if found[0].covers else None
    differs = content is not None and signed is not None and not _says(signed, content)
    return SignatureReport(("content_differs",) if differs else (), signers, at, signed, attached=True)


def _elements(document: Document) -> list[Node]:
    """Return the Signature elements in their order.

    Raises:
        Malformed: there are none, too many, or one is the document or a part of another.
    """
    found = list(document.tree.iter(SIGNATURE))
    if not found:
        raise Malformed("no_signers")
    if len(found) > MOST_SIGNATURES:
        raise Malformed("too_many_signers")
    for one in found:
        if one is document.root or next(one.iterancestors(SIGNATURE), None) is not None:
            raise Malformed("xml_structure", xml_document.name(one))
    return found


def _covered(document: Document, elements: Iterable[Node]) -> list[_Signature]:
    """Find out what each signature covers, and compare it with what was signed."""
    found = []
    for element in elements:
        one = _Signature(element)
        found.append(one)
        try:
            one.parts = xmldsig.read(element)
            _resolve(one, one.parts, document)
        except Malformed as malformed:
            one.findings.add(malformed.code, malformed.detail[:_LONGEST_DETAIL])
    spent = 0
    for one in reversed(found):
        if spent > MOST_WORK:
            raise effort.TooCostly
        if one.parts is not None and one.parts.reference is not None and one.target is not None:
            spent += _compare(one, one.parts.reference, document)
        else:
            xml_document.take_out(one.element)
    return found


# --- what is covered --------------------------------------------------------------------------------


def _resolve(one: _Signature, parts: XmlSignature, document: Document) -> None:
    """Find what the reference points at, and whether that is all that the document says.

    Raises:
        Malformed: there is no reference that can be followed.
    """
    reference = parts.reference
    if reference is None:
        raise Malformed("xml_reference_missing")
    if parts.references > 1:
        raise Malformed("xml_reference_several", str(parts.references))
    uri = reference.uri
    if uri == "":
        one.target, one.covers = document.tree, Coverage(True, xml_document.path(document.root))
    elif uri is None or uri.startswith("#"):
        identifier = (uri or "#")[1:]
        named = document.identified.get(identifier, ())
        if len(named) != 1:
            raise Malformed("xml_id_duplicate" if named else "xml_reference_unresolved", uri or "")
        (one.target,) = named
        path = xml_document.path(one.target)
        one.covers = Coverage(one.target is document.root, path, identifier[: xml_document.LONGEST_NAME])
        beside = _beside(one.target, document.root)
        if beside is not None:
            one.findings.add("xml_partly_signed", beside[:_LONGEST_DETAIL])
    else:
        raise Malformed("xml_reference_external", uri)
    one.findings.judged.add(Stage.SIGNED_ATTRIBUTES)


def _beside(target: Node, root: Node) -> str | None:
    """Return where something is said outside the element, None when nothing is; comments say nothing."""
    if any(one.tag is not xml_document.COMMENT for way in (True, False) for one in root.itersiblings(preceding=way)):
        return "/"
    inside = target
    for around in target.iterancestors():
        for one in around:
            if one is not inside and one.tag is not xml_document.COMMENT and not _holds_signatures(one):
                return xml_document.path(one if xml_document.is_element(one) else around)
        if not _is_frame(around):
            return xml_document.path(around)
        inside = around
    return None


def _is_frame(element: Node) -> bool:
    """Whether an element says nothing beside the elements it holds."""
    texts = (element.text, *(child.tail for child in element))
    return not any(text and text.strip(" \t\r\n") for text in texts) and all(
        name in _MEANINGLESS or name.startswith(_SOAP) for name in element.attrib
    )


def _holds_signatures(element: Node) -> bool:
    """Whether an element is a signature, which is judged for itself, or holds such and nothing else."""
    if element.tag == SIGNATURE:
        return True
    if not xml_document.is_element(element) or not len(element) or not _is_frame(element):
        return False
    return all(one.tag is xml_document.COMMENT or _holds_signatures(one) for one in element)


def _compare(one: _Signature, reference: Reference, document: Document) -> int:
    """Compare what is covered with the digest, and take the signature out; return the work it was."""
    method, is_enveloped = Method(), False
    for step, transform in enumerate(reference.transforms, start=1):
        if transform.uri == xmldsig.ENVELOPED and step == 1:
            is_enveloped = True
        elif transform.method is not None and step == len(reference.transforms):
            method = transform.method
        else:
            one.findings.add("xml_transform", transform.uri[:_LONGEST_DETAIL])
    oid = _identifier(reference.digest_uri, xmldsig.DIGESTS, one.findings)
    spent = 0
    if is_enveloped:
        xml_document.take_out(one.element)
    if oid is not None and "xml_transform" not in one.findings.codes:
        # The standard takes comments out of what such a reference points at, whatever form is named
        # after that, and NCALayer does so; others sign the comments.  Either is what was signed.
        forms = [replace(method, with_comments=False), method]
        likely = forms if method.with_comments and document.comments else forms[:1]
        spent = _hash(one, likely, reference.digest, algorithms.digest(oid), document)
    if not is_enveloped:
        xml_document.take_out(one.element)
    return spent


def _hash(
    one: _Signature, forms: Sequence[Method], digest: bytes, algorithm: algorithms.Digest, document: Document
) -> int:
    """Note as signed the canonical form that has the digest; return the work it was."""
    assert one.covers is not None
    spent = 0
    try:
        for form in forms:
            octets = xml_document.canonical(one.target, form)
            spent += len(octets) + document.work
            if algorithm.compute(octets) == digest:
                one.covers = replace(one.covers, octets=octets)
                if document.comments > _signed_comments(one.target, form, document):
                    one.findings.add("xml_comments_unsigned")
                return spent
        one.findings.add("content_changed")
    except algorithms.TooSlow as slow:
        one.findings.add("hash_too_slow", str(slow))
    except Malformed as malformed:
        one.findings.add(malformed.code, malformed.detail)
    return spent


def _signed_comments(target: Node, form: Method, document: Document) -> int:
    if not form.with_comments:
        return 0
    return document.comments if target is document.tree else sum(1 for _ in target.iter(xml_document.COMMENT))


def _says(signed: bytes, content: bytes) -> bool:
    """Whether what was signed is this content: the same octets, or an XML document that has this canonical form."""
    if signed == content:
        return True
    try:
        given = xml_document.read(content)
        return signed in (xml_document.canonical(given.tree, Method(with_comments=kept)) for kept in (True, False))
    except Malformed:
        return False


# --- by whom ----------------------------------------------------------------------------------------


def _signer(one: _Signature, *, at: datetime, trust: TrustStore, policy: Policy | None) -> SignerReport:
    certificate: Certificate | None = None
    algorithm: str | None = None
    pool: list[Certificate] = []
    if one.parts is not None:
        try:
            pool = [certificates.read(der) for der in one.parts.certificates]
        except Malformed as malformed:
            one.findings.add("certificate_malformed", malformed.detail)
        else:
            certificate, algorithm = _made_by(one.parts, pool, one.findings)
    signature = signer.Signature(
        certificate=certificate,
        stamped=one.parts.value if one.parts is not None else b"",
        findings=one.findings,
        pool=pool,
        algorithm=algorithm,
    )
    return replace(signer.judge(signature, at=at, store=trust, policy=policy), covers=one.covers)


def _made_by(parts: XmlSignature, pool: list[Certificate], findings: Findings) -> tuple[Certificate | None, str | None]:
    """Return the certificate whose key made the signature, else the first enclosed, and the algorithm.

    No certificate is signed: were several of one key enclosed, nobody could say whose the signature is.
    """
    if not pool:
        findings.add("certificate_missing")
        return None, None
    people = sorted(pool, key=lambda one: one.is_ca)
    oid = _identifier(parts.signature_uri, xmldsig.SIGNATURES, findings)
    if parts.signed is None:
        findings.add("algorithm_unsupported", parts.method_uri[:_LONGEST_DETAIL])
    if oid is None or parts.signed is None:
        return people[0], None
    tried = [(one, *_signature(parts, oid, one)) for one in people[:MOST_TRIED]]
    fitting = [one for one in tried if not one[1]]
    if len(fitting) > 1:
        findings.add("certificate_ambiguous")
    certificate, fault, detail, algorithm = (*fitting, *tried)[0]
    if fault:
        findings.add(fault, detail)
    findings.judged.add(Stage.INTEGRITY)
    return certificate, algorithm


def _signature(parts: XmlSignature, oid: str, certificate: Certificate) -> tuple[str, str, str | None]:
    """Return the fault ("" when the certificate's key made the signature), its detail, and the algorithm."""
    name = None
    digest = xmldsig.DIGESTS.get(parts.reference.digest_uri) if parts.reference is not None else None
    try:
        algorithm = algorithms.signature(oid, key=certificate.key_algorithm, digest=digest)
        name = algorithm.name
        effort.spend()
        if parts.signed is None or not algorithm.verify(certificate.key, parts.value, parts.signed):
            return "signature_wrong", "", name
    except algorithms.TooSlow as slow:
        return "hash_too_slow", str(slow), name
    except algorithms.Mismatch:
        return "algorithm_mismatch", "", name
    except algorithms.WeakKey as weak_key:
        return "key_weak", f"{weak_key} bits", name
    return "", "", name


def _identifier(uri: str, known: Mapping[str, str], findings: Findings) -> str | None:
    """Return the identifier of an algorithm, None when it is not to be computed, which is told."""
    if uri in known:
        return known[uri]
    if "hmac" in uri.lower():
        # Whoever knows the key can make such a signature, and the verifier has to know it.
        findings.add("algorithm_symmetric", uri[:_LONGEST_DETAIL])
    else:
        findings.add("algorithm_weak" if uri in xmldsig.WEAK else "algorithm_unsupported", uri[:_LONGEST_DETAIL])
    return None
