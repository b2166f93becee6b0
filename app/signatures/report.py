"""What is known of a signed message, as of one moment.

Every reason a message can be refused or left open for stands in ``REASONS`` with the stage it
belongs to and its weight; the words of each are the term ``sig.reason.<code>``.  ``indications``
says the same in the words of ETSI EN 319 102-1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from app.signatures import indications


class Verdict(StrEnum):
    """The answer of the house: is the signature to be accepted, refused, or not decided yet?"""

    VALID = "VALID"
    INVALID = "INVALID"
    INDETERMINATE = "INDETERMINATE"


class Stage(StrEnum):
    """The steps of a judgement, in their order."""

    INTEGRITY = "INTEGRITY"
    SIGNED_ATTRIBUTES = "SIGNED_ATTRIBUTES"
    TIMESTAMP = "TIMESTAMP"
    CHAIN = "CHAIN"
    KEY_USAGE = "KEY_USAGE"
    VALIDITY = "VALIDITY"
    REVOCATION = "REVOCATION"


class Outcome(StrEnum):
    """How a step ended; SKIP: there was nothing to judge."""

    PASS = "PASS"  # noqa: S105, the word for a passed step
    FAIL = "FAIL"
    WARN = "WARN"
    NOT_VERIFIED = "NOT_VERIFIED"
    SKIP = "SKIP"


FAILS, OPEN, NOTE = Outcome.FAIL, Outcome.NOT_VERIFIED, Outcome.WARN

REASONS: Mapping[str, tuple[Stage | None, Outcome]] = {
    # of the message as a whole
    "empty": (None, FAILS),
    "too_large": (None, FAILS),
    "too_costly": (None, FAILS),
    "private_key": (None, FAILS),
    "malformed": (None, FAILS),
    "trailing_data": (None, FAILS),
    "not_signed_data": (None, FAILS),
    "version_unknown": (None, FAILS),
    "xml_doctype": (None, FAILS),
    "no_signers": (None, FAILS),
    "too_many_signers": (None, FAILS),
    "duplicate_signer": (None, FAILS),
    "content_type": (None, FAILS),
    "content_missing": (None, OPEN),
    "content_differs": (None, FAILS),
    "content_is_attributes": (None, FAILS),
    "certificate_malformed": (None, FAILS),
    # is it intact, and made with the key of the certificate
    "content_changed": (Stage.INTEGRITY, FAILS),
    "signature_wrong": (Stage.INTEGRITY, FAILS),
    "certificate_missing": (Stage.INTEGRITY, OPEN),
    "certificate_foreign": (Stage.INTEGRITY, FAILS),
    "certificate_misnamed": (Stage.INTEGRITY, FAILS),
    "several_certificates": (Stage.INTEGRITY, NOTE),
    "certificate_ambiguous": (Stage.INTEGRITY, FAILS),
    "xml_structure": (Stage.INTEGRITY, FAILS),
    "xml_reference_missing": (Stage.INTEGRITY, FAILS),
    "xml_reference_several": (Stage.INTEGRITY, OPEN),
    "xml_reference_external": (Stage.INTEGRITY, FAILS),
    "xml_reference_unresolved": (Stage.INTEGRITY, FAILS),
    "xml_id_duplicate": (Stage.INTEGRITY, FAILS),
    "xml_transform": (Stage.INTEGRITY, FAILS),
    "algorithm_unsupported": (Stage.INTEGRITY, OPEN),
    "hash_too_slow": (Stage.INTEGRITY, OPEN),
    "algorithm_weak": (Stage.INTEGRITY, FAILS),
    "algorithm_symmetric": (Stage.INTEGRITY, FAILS),
    "algorithm_mismatch": (Stage.INTEGRITY, FAILS),
    "key_weak": (Stage.INTEGRITY, FAILS),
    # what the signer signed beside the content
    "attributes_missing": (Stage.SIGNED_ATTRIBUTES, FAILS),
    "attributes_not_der": (Stage.SIGNED_ATTRIBUTES, FAILS),
    "attribute_malformed": (Stage.SIGNED_ATTRIBUTES, FAILS),
    "attribute_duplicate": (Stage.SIGNED_ATTRIBUTES, FAILS),
    "attribute_required": (Stage.SIGNED_ATTRIBUTES, FAILS),
    "attribute_content_type": (Stage.SIGNED_ATTRIBUTES, FAILS),
    "signing_certificate_differs": (Stage.SIGNED_ATTRIBUTES, FAILS),
    "signing_certificate_unsupported": (Stage.SIGNED_ATTRIBUTES, OPEN),
    "signing_certificate_absent": (Stage.SIGNED_ATTRIBUTES, NOTE),
    "version_differs": (Stage.SIGNED_ATTRIBUTES, NOTE),
    "digest_unlisted": (Stage.SIGNED_ATTRIBUTES, NOTE),
    "xml_partly_signed": (Stage.SIGNED_ATTRIBUTES, FAILS),
    "xml_frame_unknown": (Stage.SIGNED_ATTRIBUTES, OPEN),
    "xml_properties_unsigned": (Stage.SIGNED_ATTRIBUTES, FAILS),
    "xml_properties_unknown": (Stage.SIGNED_ATTRIBUTES, OPEN),
    "xml_comments_unsigned": (Stage.SIGNED_ATTRIBUTES, NOTE),
    # time-stamps: what cannot be relied upon is told, and the signature is judged as if it had none
    "timestamp_not_verified": (Stage.TIMESTAMP, NOTE),
    "timestamp_malformed": (Stage.TIMESTAMP, NOTE),
    "timestamp_imprint": (Stage.TIMESTAMP, NOTE),
    "timestamp_algorithm": (Stage.TIMESTAMP, NOTE),
    "timestamp_signature": (Stage.TIMESTAMP, NOTE),
    "timestamp_purpose": (Stage.TIMESTAMP, NOTE),
    "timestamp_policy": (Stage.TIMESTAMP, NOTE),
    "timestamp_ahead": (Stage.TIMESTAMP, NOTE),
    "timestamp_expired": (Stage.TIMESTAMP, NOTE),
    "timestamp_untrusted": (Stage.TIMESTAMP, NOTE),
    "timestamp_revoked": (Stage.TIMESTAMP, NOTE),
    "timestamp_revocation_unknown": (Stage.TIMESTAMP, NOTE),
    "timestamp_unproven": (Stage.TIMESTAMP, OPEN),
    "timestamp_absent": (Stage.TIMESTAMP, NOTE),
    "timestamp_required": (Stage.TIMESTAMP, OPEN),
    # the way to an anchor
    "chain_untrusted": (Stage.CHAIN, FAILS),
    "chain_not_ca": (Stage.CHAIN, FAILS),
    "chain_key_usage": (Stage.CHAIN, FAILS),
    "chain_path_length": (Stage.CHAIN, FAILS),
    "chain_critical_extension": (Stage.CHAIN, FAILS),
    "chain_expired": (Stage.CHAIN, FAILS),
    "chain_names": (Stage.CHAIN, FAILS),
    "chain_policy": (Stage.CHAIN, FAILS),
    "chain_anchor_term": (Stage.CHAIN, FAILS),
    "chain_unsupported": (Stage.CHAIN, OPEN),
    # what the key is for, and whose it is
    "key_usage": (Stage.KEY_USAGE, FAILS),
    "key_purpose": (Stage.KEY_USAGE, FAILS),
    "signer_is_ca": (Stage.KEY_USAGE, FAILS),
    "identity_missing": (Stage.KEY_USAGE, FAILS),
    "identity_ambiguous": (Stage.KEY_USAGE, FAILS),
    "identity_malformed": (Stage.KEY_USAGE, FAILS),
    # time
    "expired": (Stage.VALIDITY, FAILS),
    "not_yet_valid": (Stage.VALIDITY, FAILS),
    "signing_time_outside": (Stage.VALIDITY, FAILS),
    "signing_time_ahead": (Stage.VALIDITY, NOTE),
    "signing_time_after_timestamp": (Stage.VALIDITY, NOTE),
    # revocation
    "revoked": (Stage.REVOCATION, FAILS),
    "not_issued": (Stage.REVOCATION, FAILS),
    "chain_revoked": (Stage.REVOCATION, FAILS),
    "status_unknown": (Stage.REVOCATION, OPEN),
    "revocation_unknown": (Stage.REVOCATION, OPEN),
    "revocation_stale": (Stage.REVOCATION, OPEN),
    "revocation_unavailable": (Stage.REVOCATION, OPEN),
    "revocation_refused": (Stage.REVOCATION, OPEN),
    "revocation_incomplete": (Stage.REVOCATION, OPEN),
    "revoked_later": (Stage.REVOCATION, NOTE),
    "revocation_one_source": (Stage.REVOCATION, NOTE),
    "revocation_after_expiry": (Stage.REVOCATION, OPEN),
    "revocation_of_expired": (Stage.REVOCATION, NOTE),
    "revocation_answer_refused": (Stage.REVOCATION, NOTE),
    "revocation_not_required": (Stage.REVOCATION, NOTE),
    "chain_revocation_unknown": (Stage.REVOCATION, NOTE),
    "evidence_unreadable": (Stage.REVOCATION, NOTE),
}


def _verdict(codes: tuple[str, ...]) -> Verdict:
    weights = {REASONS[code][1] for code in codes}
    if FAILS in weights:
        return Verdict.INVALID
    return Verdict.INDETERMINATE if OPEN in weights else Verdict.VALID


def _utc(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_WEIGHTS = (FAILS, OPEN, NOTE)


@dataclass
class Findings:
    """What was found on the way, in order: codes of ``REASONS``, few words to some, and the stages gone through."""

    codes: list[str] = field(default_factory=list)
    details: dict[str, str] = field(default_factory=dict)
    judged: set[Stage] = field(default_factory=set)

    def add(self, code: str, detail: str = "") -> None:
        """Note a finding once; the last detail stays."""
        if code not in self.codes:
            self.codes.append(code)
        if detail:
            self.details[code] = detail

    def stages(self) -> dict[Stage, Outcome]:
        """Return each stage's outcome: its worst finding, PASS if it was judged, else that it was not."""
        outcomes = {}
        for stage in Stage:
            found = {REASONS[code][1] for code in self.codes if REASONS[code][0] is stage}
            nothing = Outcome.SKIP if stage is Stage.TIMESTAMP else Outcome.NOT_VERIFIED
            good = Outcome.PASS if stage in self.judged else nothing
            outcomes[stage] = next((weight for weight in _WEIGHTS if weight in found), good)
        return outcomes


@dataclass(frozen=True)
class Evidence:
    """One thing that a verdict relied upon, as bytes to be kept.

    ``kind`` is ``certificate``, ``list`` (CRL), ``ocsp`` or ``token``; ``der`` as it came.
    """

    kind: str
    der: bytes

    def to_dict(self) -> dict[str, str]:
        """Return kind and SHA-256; the bytes themselves are kept by whoever needs them later."""
        return {"kind": self.kind, "sha256": hashlib.sha256(self.der).hexdigest()}


@dataclass(frozen=True)
class TimeStamp:
    """The token that proves when a signature existed: ``at`` is its genTime, ``policy`` an identifier of the TSA."""

    at: datetime
    authority: str
    policy: str
    serial: str
    not_after: datetime

    def to_dict(self) -> dict[str, Any]:
        """Return the facts as JSON-able values."""
        return {
            "at": _utc(self.at),
            "authority": self.authority,
            "policy": self.policy,
            "serial": self.serial,
            "not_after": _utc(self.not_after),
        }


@dataclass(frozen=True)
class Coverage:
    """What a signature in XML covers: the whole document or, if ``whole`` is not set, one element of it.

    ``path`` is where the element stands, ``identifier`` its own, by which it was found.  ``octets``
    is the canonical form that was signed; None when it is not the one that the document has now.
    """

    whole: bool
    path: str
    identifier: str | None = None
    octets: bytes | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the facts as JSON-able values; of what was signed the SHA-256."""
        return {
            "whole_document": self.whole,
            "path": self.path,
            "id": self.identifier,
            "sha256": None if self.octets is None else hashlib.sha256(self.octets).hexdigest(),
        }


@dataclass(frozen=True)
class SignerReport:
    """What is known of one signer.

    ``iin``, ``bin``, ``name``, ``organisation`` and ``roles`` are what the certificate says; they
    prove something only with the verdict VALID.  ``signing_time`` is the signer's own claim.
    ``revoked_at`` is set when the certificate was revoked, also when that is later than the moment
    it is judged for.  That moment is ``reference_time``: the time of ``timestamp``, the earliest
    token that may be relied upon, else the moment of the check.  ``policy`` names the rules.
    ``findings`` are codes of ``REASONS``, ``details`` a few words to some of them.  ``evidence``
    is all that was relied upon, the signature itself and the anchors' trust excepted.  ``covers``
    is set for a signature in XML, which may cover less than the document it stands in.
    """

    findings: tuple[str, ...]
    stages: Mapping[Stage, Outcome]
    iin: str | None = None
    bin: str | None = None
    name: str | None = None
    organisation: str | None = None
    roles: tuple[str, ...] = ()
    certificate: bytes | None = None
    serial: str | None = None
    issuer: str | None = None
    not_before: datetime | None = None
    not_after: datetime | None = None
    signing_time: datetime | None = None
    revoked_at: datetime | None = None
    algorithm: str | None = None
    reference_time: datetime | None = None
    timestamp: TimeStamp | None = None
    policy: str | None = None
    evidence: tuple[Evidence, ...] = ()
    covers: Coverage | None = None
    details: Mapping[str, str] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """Return the verdict that follows from the findings."""
        return _verdict(self.findings)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return the findings that keep the verdict from VALID."""
        return tuple(code for code in self.findings if REASONS[code][1] is not NOTE)

    @property
    def notes(self) -> tuple[str, ...]:
        """Return the findings that are told but weigh nothing."""
        return tuple(code for code in self.findings if REASONS[code][1] is NOTE)

    @property
    def sub_indications(self) -> tuple[str, ...]:
        """Return the reasons in the words of ETSI EN 319 102-1.

        That a certificate had ended before the signature was made is proven only by the signer's
        own claim of a later time; without it nothing shows when the signature was made.
        """
        claimed = self.signing_time
        proven = set()
        if claimed is not None and self.revoked_at is not None and claimed >= self.revoked_at:
            proven.add("revoked")
        if claimed is not None and self.not_after is not None and claimed > self.not_after:
            proven.add("expired")
        return indications.sub_indications(self.reasons, proven=proven)

    @property
    def indication(self) -> str:
        """Return TOTAL-PASSED, TOTAL-FAILED or INDETERMINATE, as ETSI EN 319 102-1 reads the reasons.

        It can leave open what ``verdict`` refuses: the house refuses a revoked certificate without
        a time-stamp, the standard would wait for a proof that the signature is older.
        """
        return indications.indication(self.sub_indications)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-able values."""
        return {
            "iin": self.iin,
            "bin": self.bin,
            "name": self.name,
            "organisation": self.organisation,
            "roles": list(self.roles),
            "verdict": self.verdict.value,
            "indication": self.indication,
            "sub_indications": list(self.sub_indications),
            "reasons": list(self.reasons),
            "notes": list(self.notes),
            "details": dict(self.details),
            "stages": {stage.value: outcome.value for stage, outcome in self.stages.items()},
            "serial": self.serial,
            "issuer": self.issuer,
            "not_before": _utc(self.not_before),
            "not_after": _utc(self.not_after),
            "signing_time": _utc(self.signing_time),
            "revoked_at": _utc(self.revoked_at),
            "algorithm": self.algorithm,
            "reference_time": _utc(self.reference_time),
            "reference_from": "timestamp" if self.timestamp else "check" if self.reference_time else None,
            "timestamp": self.timestamp.to_dict() if self.timestamp else None,
            "policy": self.policy,
            "evidence": [one.to_dict() for one in self.evidence],
            "covers": self.covers.to_dict() if self.covers else None,
        }


@dataclass(frozen=True)
class SignatureReport:
    """What is known of one signed message, as of ``checked_at``.

    ``content`` is what was signed: the attached content or the document given beside it; None
    when there was none.  In XML it is the canonical form of what the first signature covers.
    ``findings`` concern the message as a whole, the signers have their own.
    """

    findings: tuple[str, ...]
    signers: tuple[SignerReport, ...]
    checked_at: datetime
    content: bytes | None = None
    attached: bool = False
    details: Mapping[str, str] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """Return the worst of all verdicts; a message without signers is never valid."""
        if not self.signers and not self.reasons:
            return Verdict.INVALID
        return _verdict(self.reasons)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return all findings that keep the verdict from VALID, each once."""
        found = [code for code in self.findings if REASONS[code][1] is not NOTE]
        found += [code for signer in self.signers for code in signer.reasons]
        return tuple(dict.fromkeys(found))

    @property
    def notes(self) -> tuple[str, ...]:
        """Return the findings that are told but weigh nothing, each once."""
        return tuple(dict.fromkeys(code for signer in self.signers for code in signer.notes))

    @property
    def sub_indications(self) -> tuple[str, ...]:
        """Return the sub-indications of the message and of all signers, each once."""
        own = [code for code in self.findings if REASONS[code][1] is not NOTE]
        if not self.signers and not own:
            own = ["no_signers"]
        found = [*indications.sub_indications(own)]
        found += [code for signer in self.signers for code in signer.sub_indications]
        return tuple(dict.fromkeys(found))

    @property
    def indication(self) -> str:
        """Return the worst of all indications; see ``SignerReport.indication``."""
        return indications.indication(self.sub_indications)

    def to_dict(self) -> dict[str, Any]:
        """Return the report in the JSON shape of ``flask verify``."""
        return {
            "verdict": self.verdict.value,
            "indication": self.indication,
            "sub_indications": list(self.sub_indications),
            "reasons": list(self.reasons),
            "notes": list(self.notes),
            "details": dict(self.details),
            "attached": self.attached,
            "checked_at": _utc(self.checked_at),
            "signers": [signer.to_dict() for signer in self.signers],
        }
