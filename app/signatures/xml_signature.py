"""Signatures in an XML document: what each covers, is that intact, and whose key made it?

The last signature is judged first, over the document with the others still in it; then it is taken
out, and the one before is judged over what it found when it was made.

A reference says what was signed, not that this is what a reader sees: the signed element can be
moved aside and another put in its place.  So a signature is good for a document only when nothing
else is said in it: it covers the whole document, or an element in a frame that is known to say
nothing (``xml_frame``).

A signature refers to one content.  What it may cover besides is what belongs to the signing: its own
properties (``xades``) and key, and the time and the token in the security header of a SOAP message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from app.signatures import algorithms, certificates, effort, signer, xades, xml_document, xml_frame, xmldsig
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

_LONGEST_DETAIL = 200


@dataclass
class _Signature:
    """One signature on the way.

    ``targets`` are what it points at, elements or the document's tree, the content first; ``covers``
    tells the content to people.
    """

    element: Node
    findings: Findings = field(default_factory=Findings)
    parts: XmlSignature | None = None
    properties: xades.Properties | None = None
    targets: list[tuple[Reference, Node]] = field(default_factory=list)
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
            one.parts = parts = xmldsig.read(element, document.identified)
            if parts.properties is not None:
                one.properties = xades.read(parts.properties, element)
            _resolve(one, parts, document)
        except Malformed as malformed:
            one.findings.add(malformed.code, malformed.detail[:_LONGEST_DETAIL])
    spent = 0
    for one in reversed(found):
        if spent > MOST_WORK:
            raise effort.TooCostly
        spent += _compare(one, document)
    return found


# --- what is covered --------------------------------------------------------------------------------


def _resolve(one: _Signature, parts: XmlSignature, document: Document) -> None:
    """Find what the references point at, and whether that is all that the document says.

    Raises:
        Malformed: there is no reference, or one that cannot be followed.
    """
    if not parts.count:
        raise Malformed("xml_reference_missing")
    if not parts.references:
        raise Malformed("xml_reference_several", str(parts.count))
    found = [(reference, _target(reference, document)) for reference in parts.references]
    contents = [pair for pair in found if not _belongs(pair[1], one)] or found[:1]
    if len(contents) > 1:
        one.findings.add("xml_reference_several", str(parts.count))
    if one.properties is not None and not any(target is one.properties.element for _, target in found):
        one.findings.add("xml_properties_unsigned")
    reference, content = contents[0]
    others = [pair for pair in found if pair[0] is not reference]
    one.targets = [contents[0], *others]
    if content is document.tree:
        one.covers = Coverage(True, xml_document.path(document.root))
    else:
        identifier = (reference.uri or "")[1:][: xml_document.LONGEST_NAME]
        one.covers = Coverage(content is document.root, xml_document.path(content), identifier)
        elements = [target for _, target in others if target is not document.tree]
        fault = xml_frame.judge(content, elements, document.root)
        if fault is not None:
            one.findings.add(fault.code, fault.where[:_LONGEST_DETAIL])
    one.findings.judged.add(Stage.SIGNED_ATTRIBUTES)


def _target(reference: Reference, document: Document) -> Node:
    """Return what a reference points at: the document's tree or an element.

    Raises:
        Malformed: nothing that could be signed with the document.
    """
    uri = reference.uri
    if uri == "":
        return document.tree
    if uri is not None and not uri.startswith("#"):
        raise Malformed("xml_reference_external", uri)
    named = document.identified.get((uri or "#")[1:], ())
    if len(named) != 1:
        raise Malformed("xml_id_duplicate" if named else "xml_reference_unresolved", uri or "")
    return named[0]


def _belongs(target: Node, one: _Signature) -> bool:
    """Whether what is signed belongs to the signing and is no content."""
    if isinstance(target, xml_document.TREE):
        return False
    parent = target.getparent()
    if parent is None:
        return False
    return (
        (one.properties is not None and target is one.properties.element)
        or (target.tag == xmldsig.KEY_INFO and parent is one.element)
        or (target.tag in (xmldsig.TOKEN, xml_frame.TIMESTAMP) and parent.tag == xml_frame.SECURITY)
    )


def _compare(one: _Signature, document: Document) -> int:
    """Compare what is covered with the digests, and take the signature out; return the work it was."""
    # What is within the signature is in its place only as long as the signature is.
    steps = [(number == 0, *pair) for number, pair in enumerate(one.targets)]
    spent, is_out = 0, False
    for is_content, reference, target in sorted(steps, key=lambda step: _is_enveloped(step[1])):
        if _is_enveloped(reference) and not is_out:
            xml_document.take_out(one.element)
            is_out = True
        octets, work = _covered_octets(one, reference, target, document)
        spent += work
        if is_content and one.covers is not None:
            one.covers = replace(one.covers, octets=octets)
    if not is_out:
        xml_document.take_out(one.element)
    return spent


def _is_enveloped(reference: Reference) -> bool:
    return bool(reference.transforms) and reference.transforms[0].uri == xmldsig.ENVELOPED


def _covered_octets(
    one: _Signature, reference: Reference, target: Node, document: Document
) -> tuple[bytes | None, int]:
    """Return the canonical form of a target that has the digest of its reference, None if none has, and the work."""
    method, is_possible = Method(), True
    for step, transform in enumerate(reference.transforms, start=1):
        if transform.uri == xmldsig.ENVELOPED and step == 1 and not _belongs(target, one):
            continue
        if transform.method is not None and step == len(reference.transforms):
            method = transform.method
        else:
            is_possible = False
            one.findings.add("xml_transform", transform.uri[:_LONGEST_DETAIL])
    oid = _identifier(reference.digest_uri, xmldsig.DIGESTS, one.findings)
    if oid is None or not is_possible:
        return None, 0
    # The standard takes comments out of what such a reference points at, whatever form is named
    # after that, and NCALayer does so; others sign the comments.  Either is what was signed.
    forms = [replace(method, with_comments=False), method]
    likely = forms if method.with_comments and document.comments else forms[:1]
    return _hash(one, target, likely, reference.digest, algorithms.digest(oid), document)


def _hash(
    one: _Signature,
    target: Node,
    forms: Sequence[Method],
    digest: bytes,
    algorithm: algorithms.Digest,
    document: Document,
) -> tuple[bytes | None, int]:
    """Return the canonical form that has the digest, None when none has, and the work it was."""
    spent = 0
    try:
        for form in forms:
            octets = xml_document.canonical(target, form)
            spent += len(octets) + document.work
            if algorithm.compute(octets) == digest:
                if not _belongs(target, one) and document.comments > _signed_comments(target, form, document):
                    one.findings.add("xml_comments_unsigned")
                return octets, spent
        one.findings.add("content_changed")
    except algorithms.TooSlow as slow:
        one.findings.add("hash_too_slow", str(slow))
    except Malformed as malformed:
        one.findings.add(malformed.code, malformed.detail)
    return None, spent


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
    if certificate is not None and one.properties is not None:
        xades.judge(one.properties, certificate, one.findings)
    signature = signer.Signature(
        certificate=certificate,
        stamped=one.parts.value if one.parts is not None else b"",
        findings=one.findings,
        pool=pool,
        signing_time=one.properties.signing_time if one.properties is not None else None,
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
    digest = xmldsig.DIGESTS.get(parts.references[0].digest_uri) if parts.references else None
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
