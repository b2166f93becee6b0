"""One signature of a CMS message: is it intact, and whose key made it?

The same strict rules hold for a signed document and for a time-stamp token, which is a signed
message too.  What the certificate proves is asked elsewhere (``signer``, ``timestamps``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.signatures import algorithms, cms, effort, names
from app.signatures.asn1 import Malformed
from app.signatures.certificates import Certificate
from app.signatures.cms import SignedData, SignerInfo
from app.signatures.report import Findings, Stage

MOST_NAMESAKES = 4
"""Certificates tried for one signer: each costs a computation, and honest messages hold one."""

Digests = Callable[[algorithms.Digest], bytes]
"""Gives the digest of the content; a long one is computed once for all signers of a message."""


@dataclass(frozen=True)
class Made:
    """What is known of the making: by which certificate's key, how, and when by the signer's own claim."""

    certificate: Certificate | None
    algorithm: str | None
    signing_time: datetime | None


def digests(content: bytes) -> Digests:
    """Return the digests of a content, each computed when it is first asked for."""
    known: dict[str, bytes] = {}

    def of(algorithm: algorithms.Digest) -> bytes:
        if algorithm.name not in known:
            known[algorithm.name] = algorithm.compute(content)
        return known[algorithm.name]

    return of


def judge(
    data: SignedData,
    signer: SignerInfo,
    *,
    digest_of: Digests | None,
    pool: Sequence[Certificate],
    findings: Findings,
) -> Made:
    """Judge the stages INTEGRITY and SIGNED_ATTRIBUTES of one signer; all that is wrong goes to ``findings``.

    ``digest_of`` gives the digests of what was signed, None when it is not at hand.
    ``pool`` are the certificates among which the signer's is looked for.
    """
    if not signer.version_fits:
        findings.add("version_differs")
    signing_time = _signed_attributes(data, signer, findings)
    _digest(signer, digest_of, findings)
    named = [certificate for certificate in pool if _is_named(certificate, signer)]
    if not named:
        # Who is named is not signed: a certificate that was exchanged leaves its key behind.
        named = [one for one in pool[:MOST_NAMESAKES] if not _signature(signer, one, digest_of)[0]]
        if not named:
            findings.add("certificate_foreign" if _strangers(data, pool) else "certificate_missing")
            return Made(None, None, signing_time)
        findings.add("certificate_misnamed")
    if len(named) > 1:
        findings.add("several_certificates")
    tried = [(certificate, *_signature(signer, certificate, digest_of)) for certificate in named[:MOST_NAMESAKES]]
    fitting = [one for one in tried if not one[1]]
    # Several certificates may bear the same key: the one that the signer named is meant.
    certificate, fault, detail, algorithm = next(
        (one for one in fitting if _is_meant(signer, one[0])), (*fitting, *tried)[0]
    )
    if fault:
        findings.add(fault, detail)
    findings.judged.add(Stage.INTEGRITY)
    _signing_certificate(signer, certificate, findings)
    return Made(certificate, algorithm, signing_time)


def _signed_attributes(data: SignedData, signer: SignerInfo, findings: Findings) -> datetime | None:
    """Judge what was signed beside the content (RFC 5652, 5.3 and 11); return the claimed time of signing."""
    if not signer.attributes:
        findings.add("attributes_missing")
        return None
    if not signer.signed_is_der:
        findings.add("attributes_not_der")
    kinds = [attribute.oid for attribute in signer.attributes]
    if len(set(kinds)) != len(kinds) or any(len(attribute.values) != 1 for attribute in signer.attributes):
        findings.add("attribute_duplicate")
    if not {cms.CONTENT_TYPE, cms.MESSAGE_DIGEST} <= set(kinds):
        findings.add("attribute_required")
    signing_time = None
    try:
        if any(
            cms.identifier(value) != data.content_type
            for attribute in signer.named(cms.CONTENT_TYPE)
            for value in attribute.values
        ):
            findings.add("attribute_content_type")
        for attribute in signer.named(cms.SIGNING_TIME)[:1]:
            signing_time = cms.time(attribute.values[0]) if attribute.values else None
    except Malformed:
        findings.add("attribute_malformed")
    if signer.digest.oid not in data.digests:
        findings.add("digest_unlisted")
    findings.judged.add(Stage.SIGNED_ATTRIBUTES)
    return signing_time


def _is_named(certificate: Certificate, signer: SignerInfo) -> bool:
    if signer.issuer is None:
        return certificate.key_identifier is not None and certificate.key_identifier == signer.key_identifier
    return certificate.serial == signer.serial and names.same_name(certificate.issuer, signer.issuer)


def _strangers(data: SignedData, pool: Sequence[Certificate]) -> list[Certificate]:
    """Return the certificates of persons that came with the message and that no signer names."""
    came = [one for one in pool if one.der in data.certificates and not one.is_ca]
    return [one for one in came if not any(_is_named(one, signer) for signer in data.signers)]


def _digest(signer: SignerInfo, digest_of: Digests | None, findings: Findings) -> None:
    """Compare the signed digest with that of the content."""
    try:
        algorithm = algorithms.digest(signer.digest.oid)
    except algorithms.Unsupported as unsupported:
        findings.add("algorithm_unsupported", unsupported.name)
        return
    except algorithms.Weak as weak:
        findings.add("algorithm_weak", weak.name)
        return
    signed = [value for attribute in signer.named(cms.MESSAGE_DIGEST) for value in attribute.values]
    if digest_of is None or not signed:
        return  # told already: the content or a required attribute is missing
    try:
        actual = digest_of(algorithm)
        if any(cms.octets(value) != actual for value in signed):
            findings.add("content_changed")
    except algorithms.TooSlow as slow:
        findings.add("hash_too_slow", str(slow))
    except Malformed:
        findings.add("attribute_malformed")


def _signature(signer: SignerInfo, certificate: Certificate, digest_of: Digests | None) -> tuple[str, str, str | None]:
    """Return the fault ("" when the certificate's key made the signature), its detail, and the algorithm."""
    name = None
    try:
        algorithm = algorithms.signature(signer.signature.oid, key=certificate.key_algorithm, digest=signer.digest.oid)
        name = algorithm.name
        if not (signer.signature.is_plain and signer.digest.is_plain):
            return "algorithm_mismatch", "", name
        effort.spend()
        if signer.signed is not None:
            is_right = algorithm.verify(certificate.key, signer.value, signer.signed)
        else:  # the content itself was signed, and is hashed once however many signed it
            of = digest_of(algorithm.digest) if digest_of is not None else None
            is_right = of is not None and algorithm.verify_digest(certificate.key, signer.value, of)
        if not is_right:
            return "signature_wrong", "", name
    except algorithms.TooSlow as slow:
        return "hash_too_slow", str(slow), name
    except algorithms.Unsupported as unsupported:
        if unsupported.oid == certificate.key_algorithm:  # of a key, and no signature's
            return "algorithm_mismatch", "", name
        return "algorithm_unsupported", unsupported.name, name
    except algorithms.Weak as weak:
        return "algorithm_weak", weak.name, name
    except algorithms.Mismatch:
        return "algorithm_mismatch", "", name
    except algorithms.WeakKey as weak_key:
        return "key_weak", f"{weak_key} bits", name
    return "", "", name


# --- signing-certificate, old and new (RFC 5035) ----------------------------------------------------


def _names(signer: SignerInfo) -> list[cms.Attribute]:
    """Return the attributes that name the signer's certificate; one without exactly one value is told already."""
    found = (*signer.named(cms.SIGNING_CERTIFICATE), *signer.named(cms.SIGNING_CERTIFICATE_V2))
    return [attribute for attribute in found if len(attribute.values) == 1]


def _fits(name: cms.CertificateName, certificate: Certificate) -> bool:
    # SHA-1 is broken for two certificates made to collide, not for finding one to a given other.
    if name.digest == cms.SHA1:
        return name.value == certificate.sha1 and name.serial in (None, certificate.serial)
    digest = algorithms.digest(name.digest).compute(certificate.der)
    return name.value == digest and name.serial in (None, certificate.serial)


def _is_meant(signer: SignerInfo, certificate: Certificate) -> bool:
    try:
        return all(_fits(cms.signing_certificate(attribute), certificate) for attribute in _names(signer))
    except (Malformed, algorithms.Unsupported, algorithms.Weak):
        return False


def _signing_certificate(signer: SignerInfo, certificate: Certificate, findings: Findings) -> None:
    if not signer.named(cms.SIGNING_CERTIFICATE) and not signer.named(cms.SIGNING_CERTIFICATE_V2):
        findings.add("signing_certificate_absent")
    for attribute in _names(signer):
        try:
            if not _fits(cms.signing_certificate(attribute), certificate):
                findings.add("signing_certificate_differs")
        except Malformed:
            findings.add("attribute_malformed")
        except (algorithms.Unsupported, algorithms.Weak) as unknown:
            findings.add("signing_certificate_unsupported", unknown.name)
