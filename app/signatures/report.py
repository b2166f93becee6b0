"""What is known of a signed message, as of one moment.

Every reason a message can be refused or left open for stands in ``REASONS`` with the stage it
belongs to and its weight; the words of each are the term ``sig.reason.<code>``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """The answer; ETSI EN 319 102-1 calls them TOTAL-PASSED, TOTAL-FAILED and INDETERMINATE."""

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
    "malformed": (None, FAILS),
    "trailing_data": (None, FAILS),
    "not_signed_data": (None, FAILS),
    "xml_unsupported": (None, OPEN),
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
    "several_certificates": (Stage.INTEGRITY, NOTE),
    "algorithm_unsupported": (Stage.INTEGRITY, OPEN),
    "algorithm_weak": (Stage.INTEGRITY, FAILS),
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
    "digest_unlisted": (Stage.SIGNED_ATTRIBUTES, NOTE),
    # time-stamps
    "timestamp_not_verified": (Stage.TIMESTAMP, NOTE),
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
    # revocation
    "revoked": (Stage.REVOCATION, FAILS),
    "chain_revoked": (Stage.REVOCATION, FAILS),
    "revocation_unknown": (Stage.REVOCATION, OPEN),
    "revocation_stale": (Stage.REVOCATION, OPEN),
    "revocation_not_required": (Stage.REVOCATION, NOTE),
    "chain_revocation_unknown": (Stage.REVOCATION, NOTE),
}


def _verdict(codes: tuple[str, ...]) -> Verdict:
    weights = {REASONS[code][1] for code in codes}
    if FAILS in weights:
        return Verdict.INVALID
    return Verdict.INDETERMINATE if OPEN in weights else Verdict.VALID


def _utc(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class SignerReport:
    """What is known of one signer.

    ``iin``, ``bin``, ``name``, ``organisation`` and ``roles`` are what the certificate says; they
    prove something only with the verdict VALID.  ``signing_time`` is the signer's own claim.
    ``revoked_at`` is set when a revocation list names the certificate.  ``findings`` are codes of
    ``REASONS``, ``details`` a few words to some of them.
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

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-able values."""
        return {
            "iin": self.iin,
            "bin": self.bin,
            "name": self.name,
            "organisation": self.organisation,
            "roles": list(self.roles),
            "verdict": self.verdict.value,
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
        }


@dataclass(frozen=True)
class SignatureReport:
    """What is known of one signed message, as of ``checked_at``.

    ``content`` is what was signed: the attached content or the document given beside it; None
    when there was none.  ``findings`` concern the message as a whole, the signers have their own.
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

    def to_dict(self) -> dict[str, Any]:
        """Return the report in the JSON shape of ``flask verify``."""
        return {
            "verdict": self.verdict.value,
            "reasons": list(self.reasons),
            "notes": list(self.notes),
            "details": dict(self.details),
            "attached": self.attached,
            "checked_at": _utc(self.checked_at),
            "signers": [signer.to_dict() for signer in self.signers],
        }
