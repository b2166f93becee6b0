"""The reasons of a report in the words of ETSI EN 319 102-1 (section 5.1.3, tables 5 and 6)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

PASSED, FAILED, INDETERMINATE = "TOTAL-PASSED", "TOTAL-FAILED", "INDETERMINATE"

OF_FAILED = frozenset({"FORMAT_FAILURE", "HASH_FAILURE", "SIG_CRYPTO_FAILURE", "REVOKED", "EXPIRED", "NOT_YET_VALID"})
"""What the standard holds to be proven wrong; every other sub-indication leaves the question open."""

SUB_INDICATIONS: Mapping[str, str] = {
    # of the message
    "empty": "FORMAT_FAILURE",
    "too_large": "FORMAT_FAILURE",
    "too_costly": "FORMAT_FAILURE",
    "private_key": "FORMAT_FAILURE",
    "malformed": "FORMAT_FAILURE",
    "trailing_data": "FORMAT_FAILURE",
    "not_signed_data": "FORMAT_FAILURE",
    "version_unknown": "FORMAT_FAILURE",
    "no_signers": "FORMAT_FAILURE",
    "too_many_signers": "FORMAT_FAILURE",
    "duplicate_signer": "FORMAT_FAILURE",
    "certificate_malformed": "FORMAT_FAILURE",
    "content_type": "SIG_CONSTRAINTS_FAILURE",
    "content_missing": "SIGNED_DATA_NOT_FOUND",
    "content_differs": "HASH_FAILURE",
    "content_is_attributes": "SIG_CONSTRAINTS_FAILURE",
    "xml_doctype": "FORMAT_FAILURE",
    "xml_partly_signed": "SIG_CONSTRAINTS_FAILURE",
    "xml_frame_unknown": "SIG_CONSTRAINTS_FAILURE",
    "xml_properties_unsigned": "SIG_CONSTRAINTS_FAILURE",
    "xml_properties_unknown": "SIG_CONSTRAINTS_FAILURE",
    # integrity
    "content_changed": "HASH_FAILURE",
    "signature_wrong": "SIG_CRYPTO_FAILURE",
    "certificate_missing": "NO_SIGNING_CERTIFICATE_FOUND",
    "certificate_foreign": "NO_SIGNING_CERTIFICATE_FOUND",
    "certificate_misnamed": "NO_SIGNING_CERTIFICATE_FOUND",
    "certificate_ambiguous": "NO_SIGNING_CERTIFICATE_FOUND",
    "xml_structure": "FORMAT_FAILURE",
    "xml_reference_missing": "FORMAT_FAILURE",
    "xml_reference_several": "GENERIC",
    "xml_reference_external": "SIGNED_DATA_NOT_FOUND",
    "xml_reference_unresolved": "SIGNED_DATA_NOT_FOUND",
    "xml_id_duplicate": "FORMAT_FAILURE",
    "xml_transform": "SIG_CONSTRAINTS_FAILURE",
    "algorithm_unsupported": "GENERIC",
    "hash_too_slow": "GENERIC",
    "algorithm_weak": "CRYPTO_CONSTRAINTS_FAILURE_NO_POE",
    "algorithm_symmetric": "SIG_CRYPTO_FAILURE",
    "algorithm_mismatch": "SIG_CRYPTO_FAILURE",
    "key_weak": "CRYPTO_CONSTRAINTS_FAILURE_NO_POE",
    # signed attributes
    "attributes_missing": "SIG_CONSTRAINTS_FAILURE",
    "attributes_not_der": "FORMAT_FAILURE",
    "attribute_malformed": "FORMAT_FAILURE",
    "attribute_duplicate": "FORMAT_FAILURE",
    "attribute_required": "SIG_CONSTRAINTS_FAILURE",
    "attribute_content_type": "SIG_CONSTRAINTS_FAILURE",
    "signing_certificate_differs": "NO_SIGNING_CERTIFICATE_FOUND",
    "signing_certificate_unsupported": "NO_SIGNING_CERTIFICATE_FOUND",
    # time-stamp
    "timestamp_required": "NO_POE",
    "timestamp_unproven": "NO_POE",
    # chain
    "chain_untrusted": "NO_CERTIFICATE_CHAIN_FOUND",
    "chain_unsupported": "CERTIFICATE_CHAIN_GENERAL_FAILURE",
    "chain_expired": "CERTIFICATE_CHAIN_GENERAL_FAILURE",
    "chain_not_ca": "CHAIN_CONSTRAINTS_FAILURE",
    "chain_key_usage": "CHAIN_CONSTRAINTS_FAILURE",
    "chain_path_length": "CHAIN_CONSTRAINTS_FAILURE",
    "chain_critical_extension": "CHAIN_CONSTRAINTS_FAILURE",
    "chain_names": "CHAIN_CONSTRAINTS_FAILURE",
    "chain_policy": "CHAIN_CONSTRAINTS_FAILURE",
    "chain_anchor_term": "CERTIFICATE_CHAIN_GENERAL_FAILURE",
    # key and holder
    "key_usage": "CHAIN_CONSTRAINTS_FAILURE",
    "key_purpose": "CHAIN_CONSTRAINTS_FAILURE",
    "signer_is_ca": "CHAIN_CONSTRAINTS_FAILURE",
    "identity_missing": "SIG_CONSTRAINTS_FAILURE",
    "identity_ambiguous": "SIG_CONSTRAINTS_FAILURE",
    "identity_malformed": "SIG_CONSTRAINTS_FAILURE",
    # time
    "expired": "OUT_OF_BOUNDS_NO_POE",
    "not_yet_valid": "NOT_YET_VALID",
    "signing_time_outside": "SIG_CONSTRAINTS_FAILURE",
    # revocation
    "revoked": "REVOKED_NO_POE",
    "not_issued": "REVOKED",
    "chain_revoked": "REVOKED_CA_NO_POE",
    "status_unknown": "TRY_LATER",
    "revocation_unknown": "TRY_LATER",
    "revocation_stale": "TRY_LATER",
    "revocation_unavailable": "TRY_LATER",
    "revocation_refused": "TRY_LATER",
    "revocation_incomplete": "TRY_LATER",
    "revocation_after_expiry": "REVOCATION_OUT_OF_BOUNDS_NO_POE",
}
"""Sub-indication of each reason that keeps a verdict from VALID; what is not listed is GENERIC."""

_PROVEN = {"revoked": "REVOKED", "expired": "EXPIRED"}


def sub_indications(reasons: Iterable[str], *, proven: Collection[str] = ()) -> tuple[str, ...]:
    """Return the sub-indications of reasons, each once.

    ``proven`` are those of ``revoked`` and ``expired`` of which it is known that the signature
    was made after the certificate had ended.
    """
    found = (_PROVEN[code] if code in proven else SUB_INDICATIONS.get(code, "GENERIC") for code in reasons)
    return tuple(dict.fromkeys(found))


def indication(sub_indications: Collection[str]) -> str:
    """Return the indication that goes with sub-indications; none: the signature passed."""
    if not sub_indications:
        return PASSED
    return FAILED if OF_FAILED & set(sub_indications) else INDETERMINATE
