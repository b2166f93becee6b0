"""The judgement: a signed message, a moment and a trust store in, a report of facts out.

Every signer goes through the stages of ``report.Stage``; a stage adds findings and never stops
the others, so that a report says all that is wrong at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.signatures import algorithms, certificates, cms, names, standing
from app.signatures import identity as identities
from app.signatures.asn1 import Malformed
from app.signatures.certificates import EMAIL_PROTECTION, Certificate
from app.signatures.cms import SignedData, SignerInfo
from app.signatures.identity import Identity
from app.signatures.report import REASONS, Outcome, SignatureReport, SignerReport, Stage
from app.signatures.trust import TrustStore

CLOCK_SKEW = timedelta(minutes=5)
_WEIGHTS = (Outcome.FAIL, Outcome.NOT_VERIFIED, Outcome.WARN)
_XML_SIGNATURE = b"http://www.w3.org/2000/09/xmldsig#"


@dataclass(frozen=True)
class Policy:
    """What a signature must prove beyond itself.

    ``revocation_required``: without a valid list the signer's verdict is INDETERMINATE; otherwise
    the missing proof is only noted.  A revoked certificate is refused in either case.
    ``signing_key_required``: the certificate must be one for signing (emailProtection,
    nonRepudiation), as the NCA issues them to persons.
    """

    name: str
    revocation_required: bool = True
    signing_key_required: bool = True


STRICT = Policy("strict")
WITHOUT_REVOCATION = Policy("without revocation", revocation_required=False)


def verify(
    message: bytes | str,
    content: bytes | None = None,
    *,
    at: datetime,
    trust: TrustStore,
    policy: Policy = STRICT,
) -> SignatureReport:
    """Judge a signed message (DER, BER, base64 or PEM) over its attached or the given content.

    Whatever the bytes are, the answer is a report: what cannot be read is INVALID.  ``at`` is the
    moment of judgement, aware; the signer's own signingTime is never taken for it.
    """
    if at.tzinfo is None:
        raise ValueError("at must be aware")
    written = message.encode("utf-8", "replace") if isinstance(message, str) else message
    try:
        data = cms.read(cms.read_cms(message))
    except Malformed as malformed:
        code = "xml_unsupported" if written.lstrip()[:1] == b"<" and _XML_SIGNATURE in written else malformed.code
        details = {code: malformed.detail} if malformed.detail else {}
        return SignatureReport((code,), (), at, content, details=details)

    document = data.content if content is None else content
    findings = _whole(data, content)
    try:
        pool = [certificates.read(der) for der in data.certificates]
    except Malformed as malformed:
        findings.append("certificate_malformed")
        return SignatureReport(
            tuple(findings), (), at, document, data.content is not None, {malformed.code: malformed.detail}
        )
    signers = tuple(
        _Judgement(data, signer, document, pool, at=at, store=trust, policy=policy).report() for signer in data.signers
    )
    return SignatureReport(tuple(findings), signers, at, document, data.content is not None)


def _whole(data: SignedData, content: bytes | None) -> list[str]:
    """Return what is wrong with the message before any signer is looked at."""
    findings = []
    if not data.signers:
        findings.append("no_signers")
    named = [(signer.issuer, signer.serial, signer.key_identifier) for signer in data.signers]
    if len(set(named)) != len(named):
        findings.append("duplicate_signer")
    if data.content_type != cms.ID_DATA:
        findings.append("content_type")
    if data.content is None and content is None:
        findings.append("content_missing")
    if data.content is not None and content is not None and data.content != content:
        findings.append("content_differs")
    signed = data.content if data.content is not None else content
    if signed is not None and cms.is_attributes(signed):
        findings.append("content_is_attributes")
    return findings


@dataclass
class _Judgement:
    """One signer on the way through the stages."""

    data: SignedData
    signer: SignerInfo
    document: bytes | None
    pool: Sequence[Certificate]
    at: datetime = field(kw_only=True)
    store: TrustStore = field(kw_only=True)
    policy: Policy = field(kw_only=True)
    findings: list[str] = field(default_factory=list)
    judged: set[Stage] = field(default_factory=set)
    details: dict[str, str] = field(default_factory=dict)
    signing_time: datetime | None = None
    revoked_at: datetime | None = None
    algorithm: str | None = None

    def find(self, code: str, detail: str = "") -> None:
        if code not in self.findings:
            self.findings.append(code)
        if detail:
            self.details[code] = detail

    def report(self) -> SignerReport:
        self.signed_attributes()
        certificate = self.integrity()
        if any(attribute.oid == cms.TIMESTAMP_TOKEN for attribute in self.signer.unsigned):
            self.find("timestamp_not_verified")
        if certificate is None:
            return SignerReport(
                tuple(self.findings), self.stages(), signing_time=self.signing_time, details=self.details
            )
        self.signing_certificate(certificate)
        identity = identities.read(certificate, environment=self.store.environment)
        self.standing(certificate)
        self.key_usage(certificate, identity)
        self.validity(certificate)
        return SignerReport(
            findings=tuple(self.findings),
            stages=self.stages(),
            iin=identity.iin,
            bin=identity.bin,
            name=identity.name,
            organisation=identity.organisation,
            roles=identity.roles,
            certificate=certificate.der,
            serial=f"{certificate.serial:x}",
            issuer=names.display(certificate.issuer),
            not_before=certificate.not_before,
            not_after=certificate.not_after,
            signing_time=self.signing_time,
            revoked_at=self.revoked_at,
            algorithm=self.algorithm,
            details=self.details,
        )

    def stages(self) -> dict[Stage, Outcome]:
        """Return each stage's outcome: its worst finding, PASS if it was judged, else that it was not."""
        outcomes = {}
        for stage in Stage:
            found = {REASONS[code][1] for code in self.findings if REASONS[code][0] is stage}
            nothing = Outcome.SKIP if stage is Stage.TIMESTAMP else Outcome.NOT_VERIFIED
            good = Outcome.PASS if stage in self.judged else nothing
            outcomes[stage] = next((weight for weight in _WEIGHTS if weight in found), good)
        return outcomes

    # --- the stages ---

    def signed_attributes(self) -> None:
        """Judge what was signed beside the content (RFC 5652, 5.3 and 11)."""
        signer = self.signer
        if not signer.attributes:
            self.find("attributes_missing")
            return
        if not signer.signed_is_der:
            self.find("attributes_not_der")
        kinds = [attribute.oid for attribute in signer.attributes]
        if len(set(kinds)) != len(kinds) or any(len(attribute.values) != 1 for attribute in signer.attributes):
            self.find("attribute_duplicate")
        if not {cms.CONTENT_TYPE, cms.MESSAGE_DIGEST} <= set(kinds):
            self.find("attribute_required")
        try:
            if any(
                cms.identifier(value) != self.data.content_type
                for attribute in signer.named(cms.CONTENT_TYPE)
                for value in attribute.values
            ):
                self.find("attribute_content_type")
            for attribute in signer.named(cms.SIGNING_TIME)[:1]:
                self.signing_time = cms.time(attribute.values[0]) if attribute.values else None
        except Malformed:
            self.find("attribute_malformed")
        if signer.digest.oid not in self.data.digests:
            self.find("digest_unlisted")
        self.judged.add(Stage.SIGNED_ATTRIBUTES)

    def integrity(self) -> Certificate | None:
        """Judge digest and signature; return the certificate whose key made it, else the one named."""
        self.digest()
        named = [certificate for certificate in self.pool if self.is_named(certificate)]
        if not named:
            self.find("certificate_missing")
            return None
        if len(named) > 1:
            self.find("several_certificates")
        made_by, code, detail = named[0], "", ""
        for certificate in named:
            code, detail = self.signature(certificate)
            if not code:
                made_by = certificate
                break
        if code:
            self.find(code, detail)
        self.judged.add(Stage.INTEGRITY)
        return made_by

    def is_named(self, certificate: Certificate) -> bool:
        signer = self.signer
        if signer.issuer is None:
            return certificate.key_identifier is not None and certificate.key_identifier == signer.key_identifier
        return certificate.serial == signer.serial and names.same_name(certificate.issuer, signer.issuer)

    def digest(self) -> None:
        """Compare the signed digest with that of the document."""
        try:
            algorithm = algorithms.digest(self.signer.digest.oid)
        except algorithms.Unsupported as unsupported:
            self.find("algorithm_unsupported", unsupported.name)
            return
        except algorithms.Weak as weak:
            self.find("algorithm_weak", weak.name)
            return
        if self.document is None:
            return
        signed = [value for attribute in self.signer.named(cms.MESSAGE_DIGEST) for value in attribute.values]
        if not signed:
            return  # told already: a required attribute is missing
        actual = algorithm.compute(self.document)
        try:
            if any(cms.octets(value) != actual for value in signed):
                self.find("content_changed")
        except Malformed:
            self.find("attribute_malformed")

    def signature(self, certificate: Certificate) -> tuple[str, str]:
        """Return ("", "") when the signature is that of the certificate's key, else the finding and its detail."""
        signer = self.signer
        try:
            algorithm = algorithms.signature(
                signer.signature.oid, key=certificate.key_algorithm, digest=signer.digest.oid
            )
            self.algorithm = algorithm.name
            if not (signer.signature.is_plain and signer.digest.is_plain):
                return "algorithm_mismatch", ""
            signed = signer.signed if signer.signed is not None else self.document
            if signed is None:
                return "signature_wrong", ""
            return ("", "") if algorithm.verify(certificate.key, signer.value, signed) else ("signature_wrong", "")
        except algorithms.Unsupported as unsupported:
            return "algorithm_unsupported", unsupported.name
        except algorithms.Weak as weak:
            return "algorithm_weak", weak.name
        except algorithms.Mismatch:
            return "algorithm_mismatch", ""
        except algorithms.WeakKey as weak_key:
            return "key_weak", f"{weak_key} bits"

    def signing_certificate(self, certificate: Certificate) -> None:
        """Compare the signing-certificate attributes, old and new, with the certificate (RFC 5035)."""
        attributes = [*self.signer.named(cms.SIGNING_CERTIFICATE), *self.signer.named(cms.SIGNING_CERTIFICATE_V2)]
        if not attributes:
            self.find("signing_certificate_absent")
        for attribute in attributes:
            if len(attribute.values) != 1:
                continue  # told already
            try:
                name = cms.signing_certificate(attribute)
                # SHA-1 is broken for two certificates made to collide, not for finding one to a given other.
                if name.digest == cms.SHA1:
                    fits = name.value == certificate.sha1
                else:
                    fits = name.value == algorithms.digest(name.digest).compute(certificate.der)
            except Malformed:
                self.find("attribute_malformed")
            except (algorithms.Unsupported, algorithms.Weak) as unknown:
                self.find("signing_certificate_unsupported", unknown.name)
            else:
                if not fits or name.serial not in (None, certificate.serial):
                    self.find("signing_certificate_differs")

    def standing(self, certificate: Certificate) -> None:
        """Judge the way to an anchor and revocation."""
        found = standing.judge(
            certificate,
            pool=self.pool,
            store=self.store,
            at=self.at,
            revocation_required=self.policy.revocation_required,
        )
        for code, detail in found.findings:
            self.find(code, detail)
        self.revoked_at = found.revoked_at
        self.judged |= {Stage.CHAIN} if found.chain_judged else set()
        self.judged |= {Stage.REVOCATION} if found.revocation_judged else set()

    def key_usage(self, certificate: Certificate, identity: Identity) -> None:
        """Judge what the key may do and whose it is."""
        if certificate.is_ca:
            self.find("signer_is_ca")
        if self.policy.signing_key_required:
            if "nonRepudiation" not in (certificate.key_usage or ()):
                self.find("key_usage")
            if EMAIL_PROTECTION not in (certificate.purposes or ()):
                self.find("key_purpose")
        for fault in identity.faults:
            self.find(fault)
        self.judged.add(Stage.KEY_USAGE)

    def validity(self, certificate: Certificate) -> None:
        if self.at < certificate.not_before:
            self.find("not_yet_valid")
        if self.at > certificate.not_after:
            self.find("expired")
        if self.signing_time is not None:
            # The signer's own claim proves nothing for the signature, but may speak against it.
            if not certificate.not_before - CLOCK_SKEW <= self.signing_time <= certificate.not_after:
                self.find("signing_time_outside")
            if self.signing_time > self.at + CLOCK_SKEW:
                self.find("signing_time_ahead")
        self.judged.add(Stage.VALIDITY)
