"""NIST PKITS (Public Key Interoperability Test Suite 1.0.1): paths, policies, names and revocation lists.

The certificates, lists and signed messages come with the package ``cryptography-vectors``; what each
test is to give stands in ``vectors/pkits.json``, several times for tests with several policy settings.
"""

from __future__ import annotations

import email
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cryptography_vectors
import pytest
from forged_messages import VECTORS

from app.signatures import certificates, cms, revocation, standing
from app.signatures.asn1 import Malformed
from app.signatures.certificates import Certificate
from app.signatures.policies import ANY, PolicyDemand
from app.signatures.policy import Policy
from app.signatures.report import NOTE, REASONS, Verdict
from app.signatures.revocation import RevocationList
from app.signatures.trust import Anchor, TrustStore
from app.signatures.verify import verify

PKITS = Path(cryptography_vectors.__file__).parent / "x509" / "PKITS_data"
ROWS: list[dict[str, Any]] = json.loads((VECTORS / "pkits.json").read_bytes())
AT = datetime(2014, 5, 13, 16, 53, 20, tzinfo=UTC)
NOT_A_PERSON = Policy("pkits", signing_key_required=False, person_required=False)
"""The suite's certificates are not the NCA's: no IIN, no emailProtection, and some signers are authorities."""

MISSES = {
    "valid_dsa_signatures_test4": "DSA is not computed here",
    "valid_dsa_parameter_inheritance_test5": "DSA is not computed here",
}

CAUSES = {
    "RevokedError": {"revoked", "chain_revoked"},
    "InsufficientRevinfoError": {"revocation_unknown", "revocation_stale"},
    "StaleRevinfoError": {"revocation_stale"},
    "PathValidationError": {
        "chain_untrusted", "chain_expired", "chain_not_ca", "chain_path_length", "chain_key_usage", "chain_policy",
        "chain_names", "chain_critical_extension", "certificate_malformed", "not_yet_valid", "expired",
    },
}  # fmt: skip
"""Which reasons may stand for an error of the expectations."""


@dataclass
class Suite:
    certificates: dict[str, Certificate]
    lists: dict[str, RevocationList]
    anchor: Anchor

    def store(self, row: dict[str, Any], *, whole: bool) -> TrustStore:
        """Return the row's own certificates and lists, or all of the suite: a directory has more than one needs."""
        between: Sequence[str] = list(self.certificates) if whole else row.get("other_certs", [])
        lists: Sequence[str] = list(self.lists) if whole else ["TrustAnchorRootCRL.crl", *row.get("crls", [])]
        return TrustStore(
            anchors=(self.anchor,),
            intermediates=tuple(self.certificates[name] for name in between if name in self.certificates),
            lists=tuple(self.lists[name] for name in lists if name in self.lists),
            environment="test",
        )

    def reasons(self, row: dict[str, Any], *, whole: bool) -> set[str]:
        """Return what keeps the row's certificate from being good."""
        certificate = self.certificates.get(row["cert"])
        if certificate is None:
            return {"certificate_malformed"}
        found = standing.judge(
            certificate, pool=(), store=self.store(row, whole=whole), at=AT, now=AT, policy=_policy(row)
        )
        reasons = {code for code, _ in found.findings if REASONS[code][1] is not NOTE}
        return reasons | ({"expired"} if not certificate.is_valid_at(AT) else set())


def _policy(row: dict[str, Any]) -> Policy:
    how = row.get("params", {})
    demand = PolicyDemand(
        accepted=frozenset(how.get("user_initial_policy_set", [ANY])),
        explicit=how.get("initial_explicit_policy", False),
        inhibit_mapping=how.get("initial_policy_mapping_inhibit", False),
        inhibit_any=how.get("initial_any_policy_inhibit", False),
    )
    return replace(NOT_A_PERSON, certificate_policies=demand)


def _readable(folder: str, read) -> dict[str, Any]:
    """Read what can be read; the suite's broken signatures have bits that no signature of ours has."""
    found = {}
    for path in sorted((PKITS / folder).iterdir()):
        try:
            found[path.name] = read(path.read_bytes())
        except Malformed:
            continue
    return found


@pytest.fixture(scope="module")
def suite() -> Suite:
    found = _readable("certs", certificates.read)
    anchor = Anchor.of(found["TrustAnchorRootCertificate.crt"].der, is_test=True)
    return Suite(found, _readable("crls", revocation.read), anchor)


def _counts(rows: Sequence[dict[str, Any]], refused: dict[int, bool]) -> tuple[int, int, int, int]:
    """Return (refused, to be refused, accepted, to be accepted)."""
    wrong = [number for number, row in enumerate(rows) if "error" in row and number in refused]
    right = [number for number, row in enumerate(rows) if "error" not in row and number in refused]
    return (
        sum(refused[number] for number in wrong),
        len(wrong),
        sum(not refused[number] for number in right),
        len(right),
    )


@pytest.mark.parametrize("whole", [False, True], ids=["own certificates and lists", "all of the suite at hand"])
def test_every_path_that_nist_refuses_is_refused_and_all_but_named_ones_accepted(whole, suite):
    refused = {number: bool(suite.reasons(row, whole=whole)) for number, row in enumerate(ROWS)}

    counts = _counts(ROWS, refused)
    print("refused %d of %d, accepted %d of %d" % counts)  # noqa: UP031
    assert counts == (136, 136, 108, 110)
    missed = {row["name"] for number, row in enumerate(ROWS) if ("error" in row) is not refused[number]}
    assert missed == set(MISSES)


def test_a_refusal_tells_the_cause_that_the_suite_was_made_for(suite):
    for row in ROWS:
        if "error" in row:
            found = suite.reasons(row, whole=False)
            assert found & CAUSES[row["error"]["class"]], (row["name"], found)


@dataclass(frozen=True)
class Message:
    file: str
    signed: bytes
    content: bytes


@pytest.fixture(scope="module")
def messages(suite) -> dict[str, list[Message]]:
    """Return the signed messages by the file of the signer's certificate."""
    names = {(one.issuer, one.serial): name for name, one in suite.certificates.items()}
    found: dict[str, list[Message]] = {}
    for path in sorted((PKITS / "smime").iterdir()):
        raw = path.read_bytes()
        parsed = email.message_from_bytes(raw)
        signed = parsed.get_payload()[-1].get_payload(decode=True)
        (signer,) = cms.read(signed).signers
        # What was signed is the first part with its headers, lines ended as on the wire.
        part = raw.replace(b"\r\n", b"\n").split(b"--" + parsed.get_boundary().encode() + b"\n")[1]
        content = part.removesuffix(b"\n").replace(b"\n", b"\r\n")
        name = names.get((signer.issuer, signer.serial), path.name)
        found.setdefault(name, []).append(Message(path.name, signed, content))
    return found


def test_every_signed_message_of_the_suite_is_judged_as_its_certificate(suite, messages):
    refused, missed = {}, {}
    for number, row in enumerate(ROWS):
        for message in messages.get(row["cert"], []):
            report = verify(
                message.signed,
                message.content,
                at=AT,
                trust=suite.store({**row, "other_certs": []}, whole=False),
                policy=_policy(row),
            )
            refused[number] = report.verdict is not Verdict.VALID
            if ("error" in row) is not refused[number]:
                missed[row["name"]] = report.reasons

    counts = _counts(ROWS, refused)
    print("messages: refused %d of %d, accepted %d of %d" % counts)  # noqa: UP031
    assert counts == (135, 135, 107, 109)
    assert set(missed) == set(MISSES), missed


def test_the_messages_that_no_expectation_names_are_good(suite, messages):
    """Notices to users and pointers to practice statements restrict nothing."""
    known = {row["cert"] for row in ROWS}
    good = [message for name, some in messages.items() if name not in known for message in some]

    store = suite.store({"crls": list(suite.lists)}, whole=False)
    verdicts = {one.file: verify(one.signed, one.content, at=AT, trust=store, policy=NOT_A_PERSON) for one in good}

    assert {file: report.reasons for file, report in verdicts.items() if report.verdict is not Verdict.VALID} == {
        "SignedInvalidDSASignatureTest6.eml": ("certificate_malformed",)
    }
    assert len(verdicts) == 8
