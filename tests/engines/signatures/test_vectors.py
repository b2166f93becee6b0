"""Published data of the NCA and the vectors made for it: the library and ``flask verify`` give the expected answers."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from forged_messages import VECTORS

from app.cli.signatures import EXIT_CODES, commands
from app.signatures import certificates, listed, paths, revocation, signer, trust
from app.signatures.report import Findings, Outcome, Stage, Verdict
from app.signatures.verify import verify

NOW = datetime(2026, 11, 20, 8, 1, tzinfo=UTC)
IN_2021 = datetime(2021, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def rsa_store():
    return trust.read_store([VECTORS / "ca-test/nca_rsa_test.crt"], lists=[VECTORS / "crl"], environment="test")


def _certificate(path: str) -> certificates.Certificate:
    return trust.read_store([VECTORS / path], environment="test").anchors[0].certificate


@pytest.mark.parametrize("at", [NOW, IN_2021])
@pytest.mark.parametrize(
    ("file", "content"), [("rsa_attached_test123", b"test123"), ("rsa_attached_lol_kek", b"lol_kek")]
)
def test_a_real_rsa_message_is_intact_but_was_signed_after_its_certificate_expired(file, content, at, rsa_store):
    report = verify((VECTORS / f"cms/{file}.cms").read_bytes(), at=at, trust=rsa_store)

    assert report.verdict is Verdict.INVALID
    assert "signing_time_outside" in report.reasons
    assert report.content == content
    (signer,) = report.signers
    assert signer.stages[Stage.INTEGRITY] is Outcome.PASS
    assert (signer.iin, signer.name, signer.roles) == ("123456789011", "ТЕСТОВ ТЕСТ", ("INDIVIDUAL",))
    if at is IN_2021:
        assert signer.stages[Stage.CHAIN] is Outcome.PASS
        # The only list is of 2022: in 2021 it was not there to speak.
        assert signer.stages[Stage.REVOCATION] is Outcome.NOT_VERIFIED


@pytest.mark.parametrize(
    ("file", "content", "integrity"),
    [
        ("attached", None, Outcome.PASS),
        ("detached", b"test123", Outcome.PASS),
        ("detached", b"test124", Outcome.FAIL),
    ],
)
def test_of_two_real_signers_with_different_digests_each_is_judged(file, content, integrity):
    store = trust.read_store(
        [VECTORS / "ca-test/nca_rsa_test.crt", VECTORS / "ca-test/root_test_gost_2022.cer"],
        intermediates=[VECTORS / "ca-test/nca_gost2022_test.cer"],
        lists=[VECTORS / "ocsp/ocsp_response_individual_2015.bin"],
        environment="test",
    )
    at = datetime(2022, 9, 2, 16, 59, tzinfo=UTC)
    message = (VECTORS / f"cms/gost2015_and_rsa_{file}_test123.cms").read_bytes()

    gost, rsa = verify(message, content, at=at, trust=store).signers

    assert (gost.algorithm, rsa.algorithm) == ("GOST R 34.10-2015 (512)", "RSA with SHA-256")
    for report in (gost, rsa):
        assert report.stages[Stage.INTEGRITY] is integrity
        assert report.stages[Stage.CHAIN] is Outcome.PASS
    # The authority's own answer says that it never issued the certificate, though it did.
    assert "not_issued" in gost.reasons
    assert "expired" in rsa.reasons


def test_the_production_rsa_chain_leads_to_its_root():
    store = trust.read_store([VECTORS / "ca-prod/root_rsa_2020.cer"], environment="production")
    nca = _certificate("ca-prod/nca_rsa_2022.cer")

    path = paths.find_path(nca, store=store, pool=(), at=NOW)

    assert path.faults == ()
    assert (nca.is_ca, nca.path_length) == (True, 0)


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("certs/individual_valid_sign_2004_rsa.cer", ""),
        ("certs-from-p12/keys-test-2022__KEY_INDIVIDUAL_SIGN_REVOKED_2004.cer", "revoked"),
    ],
)
def test_the_test_authoritys_list_says_who_was_revoked(file, code, rsa_store):
    at = datetime(2022, 5, 1, tzinfo=UTC)
    certificate = _certificate(file)

    path = paths.find_path(certificate, store=rsa_store, pool=(), at=at)
    status = listed.status(certificate, path.certificates[1], lists=rsa_store.lists, at=at)

    assert path.faults == ()
    assert status.code == code
    if status.revocation:
        assert status.revocation == revocation.Revocation(datetime(2022, 1, 18, 4, 40, 24, tzinfo=UTC), "superseded")


def test_a_real_authentication_certificate_is_not_for_signing():
    certificate = _certificate("certs/individual_valid_sign_2004_rsa_auth.cer")

    assert certificate.key_usage == {"digitalSignature", "keyEncipherment"}
    assert "1.3.6.1.5.5.7.3.4" not in certificate.purposes


# --- the rows of EXPECTED.tsv -----------------------------------------------------------------------

MADE = VECTORS / "made-here"


def _rows(folder: str):
    with (MADE / "EXPECTED.tsv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file, delimiter="\t") if folder in row["file"]]


MESSAGES = [row for row in _rows("/") if row["file"].endswith((".cms", ".xml"))]
ANSWERS = _rows("/ocsp/")

REASON = {
    "06_infosystem": "identity_missing", "20_head_revoked": "revoked", "22_expired": "expired",
    "30_digest": "content_changed", "31_detached": "content_changed", "32_signature": "signature_wrong",
    "34_swapped": "signature_wrong", "35_r_zero": "signature_wrong", "37_short": "signature_wrong",
    "40_no_signed": "attributes_missing", "42_duplicate": "attribute_duplicate", "44_no_message": "attribute_required",
    "45_no_content": "attribute_required", "47_ess": "signing_certificate_differs",
    "49_digest": "digest_unlisted", "50_zero": "no_signers", "51_no_cert": "certificate_missing",
    "53_second": "signature_wrong", "54_trailing": "trailing_data", "57_content": "content_type",
    "58_truncated": "malformed", "59_empty": "empty", "60_not_cms": "malformed", "62_length": "malformed",
    "03_revoked_later": "revoked_later", "04_revoked_later": "revoked", "07_expired": "expired",
    "08_timestamp": "timestamp_imprint", "10_timestamp": "timestamp_untrusted", "12_timestamp": "timestamp_imprint",
    "20_auth": "key_purpose", "21_no_non": "key_usage", "23_two": "identity_ambiguous", "27_not": "not_yet_valid",
    "28_issued": "chain_not_ca", "30_ca": "chain_key_usage", "32_fake": "chain_untrusted",
    "34_stale": "revocation_stale",
    "10_content": "content_changed", "11_digest": "content_changed", "12_wrapping": "xml_partly_signed",
    "14_no_ref": "xml_reference_missing", "15_xpath": "xml_transform", "17_doctype": "xml_doctype",
    "18_rfc": "signature_wrong", "20_empty": "xml_structure", "21_unsigned": "no_signers",
}  # fmt: skip
"""What each message that is not plainly VALID must be told for: a right verdict for a wrong reason is none."""


def _reason(row) -> str | None:
    name = row["file"].rsplit("/", 1)[1]
    return next((code for start, code in REASON.items() if name.startswith(start)), None)


def _allowed(row) -> set[str]:
    if row["expect"] == "EITHER":
        return {"VALID", "INVALID", "INDETERMINATE"}
    return {row["expect"], "INDETERMINATE"} if "INDETERMINATE acceptable" in row["why"] else {row["expect"]}


def _anchors(row):
    if row["anchors"] == "nca-test":
        return VECTORS / "ca-test/root_test_gost_2022.cer", VECTORS / "ca-test/nca_gost2022_test.cer", VECTORS
    return MADE / "vector-pki/certs/root.cer", MADE / "vector-pki/certs/ca.cer", MADE


def test_no_row_is_left_out():
    assert len(MESSAGES) == 57
    assert len(ANSWERS) == 12
    assert all(_reason(row) for row in MESSAGES if row["expect"] != "VALID")


@pytest.mark.req("IS2IN-1.4")
@pytest.mark.parametrize("row", MESSAGES, ids=lambda row: row["file"])
def test_a_message_gives_the_expected_answer(row):
    anchor, between, folder = _anchors(row)
    lists = [] if row["revocation_material"] == "-" else [folder / row["revocation_material"]]
    store = trust.read_store([anchor], intermediates=[between], lists=lists, environment="test")
    content = None if row["detached_content"] == "-" else (MADE / row["detached_content"]).read_bytes()

    report = verify(
        (MADE / row["file"]).read_bytes(), content, at=datetime.fromisoformat(row["reference_time"]), trust=store
    )

    assert report.verdict.value in _allowed(row), report.reasons
    reason = _reason(row)
    if reason is None:
        assert (report.reasons, report.indication) == ((), "TOTAL-PASSED")
    else:
        told = {*report.findings, *(code for signer in report.signers for code in signer.findings)}
        assert reason in told
    if row["signer"].startswith("IIN") and report.signers:
        iin, bin, role = row["signer"].split()
        signer = report.signers[0]
        assert f"IIN{signer.iin}" == iin
        assert (f"BIN{signer.bin}" if signer.bin else "-") == bin
        assert role in signer.roles


@pytest.mark.req("IS2IN-1.4")
@pytest.mark.parametrize("row", MESSAGES, ids=lambda row: row["file"])
def test_flask_verify_gives_the_expected_answer(row, run):
    anchor, between, folder = _anchors(row)
    line = ["--anchors", anchor, "--intermediates", between, "--at", row["reference_time"], "--json"]
    if row["revocation_material"] != "-":
        line += ["--revocation", folder / row["revocation_material"]]
    if row["detached_content"] != "-":
        line += ["--content", MADE / row["detached_content"]]

    result = run(MADE / row["file"], *line)

    told = json.loads(result.stdout)
    assert told["verdict"] in _allowed(row)
    assert result.exit_code == EXIT_CODES[Verdict(told["verdict"])]


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setenv("KEZEN_ENV", "test")
    (command,) = (one for one in commands() if one.name == "verify")
    return lambda *line: CliRunner().invoke(command, [str(part) for part in line])


CERTIFICATES = {
    "head": None, "cn_spoof": None, "head2_revoked": "revoked", "expired": "expired", "not_yet": "not_yet_valid",
    "auth_only": "key_purpose", "no_nonrepudiation": "key_usage", "dup_serialnumber": "identity_ambiguous",
    "dup_ou": "identity_ambiguous", "nul_in_ou": "identity_malformed", "unknown_critical": "chain_critical_extension",
    "leaf_issued": "chain_not_ca", "leaf_of_no_basicconstraints": "chain_not_ca",
    "leaf_of_no_keycertsign": "chain_key_usage", "pathlen_violation": "chain_path_length",
    "subca_below_pathlen0": "signer_is_ca", "tsa": "key_purpose", "not_tsa": "identity_missing",
    "ocsp_responder": "key_purpose", "tsa_of_fake_ca": "chain_untrusted", "fake_ca_same_name": "chain_untrusted",
}  # fmt: skip
"""What must be said of a signature that each certificate of the made PKI might have made."""


@pytest.mark.parametrize("name", CERTIFICATES)
def test_a_signer_with_a_certificate_of_each_class_is_judged_rightly(name):
    folder = MADE / "vector-pki"
    store = trust.read_store(
        [folder / "certs/root.cer"], intermediates=[folder / "certs"], lists=[folder / "crl/ca.crl"], environment="test"
    )
    certificate = _certificate(f"{folder}/certs/{name}.cer")

    report = signer.judge(signer.Signature(certificate, b"", Findings()), at=NOW, store=store)

    if CERTIFICATES[name] is None:
        assert report.reasons == ()
    else:
        assert CERTIFICATES[name] in report.reasons


def test_a_forged_list_says_nothing():
    folder = MADE / "vector-pki"
    store = trust.read_store(
        [folder / "certs/root.cer"],
        intermediates=[folder / "certs/ca.cer"],
        lists=[folder / "crl/ca_forged.crl"],
        environment="test",
    )

    report = verify((folder / "cms/01_head.cms").read_bytes(), at=NOW, trust=store)

    assert report.reasons == ("revocation_unknown",)


BY_ANSWER = {
    "GOOD": ("VALID", None),
    "REVOKED": ("INVALID", "revoked"),
    "UNKNOWN": ("INDETERMINATE", "status_unknown"),
    "NOT-ISSUED": ("INVALID", "not_issued"),
    "REFUSE": ("INDETERMINATE", "revocation_refused"),
    "UNAVAILABLE": ("INDETERMINATE", "revocation_unavailable"),
}


@pytest.mark.parametrize("row", ANSWERS, ids=lambda row: row["file"])
def test_flask_verify_heeds_an_ocsp_answer(row, run):
    name = row["file"].rsplit("/", 1)[1]
    message = "04_revoked_later_without_timestamp" if name.startswith("02") else "01_head"
    verdict, reason = BY_ANSWER[row["expect"]]
    if name.startswith("05"):
        reason = "revocation_unknown"  # an answer on another certificate is none
    if name.startswith("11"):
        verdict, reason = "VALID", None  # out of store nobody knows which nonce had been sent

    result = run(
        MADE / f"vector-pki/cms/{message}.cms",
        *("--anchors", MADE / "vector-pki/certs/root.cer", "--intermediates", MADE / "vector-pki/certs/ca.cer"),
        *("--revocation", MADE / row["file"], "--at", row["reference_time"], "--json"),
    )

    told = json.loads(result.stdout)
    assert told["verdict"] == verdict
    assert told["reasons"] == ([reason] if reason else [])
