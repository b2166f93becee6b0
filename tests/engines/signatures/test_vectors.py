"""Published data of the NCA and the vectors made for it, as far as RSA goes."""

from __future__ import annotations

import csv
from datetime import UTC, datetime

import pytest
from forged_messages import VECTORS

from app.signatures import certificates, listed, paths, revocation, trust
from app.signatures.report import Outcome, Stage, Verdict
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


@pytest.mark.parametrize(("content", "integrity"), [(b"test123", Outcome.PASS), (b"test124", Outcome.FAIL)])
def test_of_two_real_signers_the_rsa_one_is_judged_and_the_gost_one_left_open(content, integrity, rsa_store):
    message = (VECTORS / "cms/gost2015_and_rsa_detached_test123.cms").read_bytes()

    gost, rsa = verify(message, content, at=NOW, trust=rsa_store).signers

    assert rsa.stages[Stage.INTEGRITY] is integrity
    assert gost.stages[Stage.INTEGRITY] is Outcome.NOT_VERIFIED
    assert gost.details["algorithm_unsupported"] == "GOST R 34.10-2015 (512)"


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


def _rows():
    with (VECTORS / "made-here/EXPECTED.tsv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file, delimiter="\t") if row["file"].endswith(".cms")]


STRUCTURAL = (
    "06", "07_expired", "20_auth", "21", "22", "23", "27", "40", "42", "44", "45", "47", "50", "54", "57", "58", "59",
    "60", "62",
)  # fmt: skip
"""Rows whose fault shows without computing a GOST signature."""


@pytest.mark.parametrize("row", _rows(), ids=lambda row: row["file"])
def test_a_gost_message_is_refused_by_name_or_by_its_structure_never_accepted(row):
    made = VECTORS / "made-here"
    anchors, between, lists = (
        (VECTORS / "ca-test/root_test_gost_2022.cer", VECTORS / "ca-test/nca_gost2022_test.cer", [])
        if row["anchors"] == "nca-test"
        else (made / "vector-pki/certs/root.cer", made / "vector-pki/certs/ca.cer", [made / "vector-pki/crl"])
    )
    store = trust.read_store([anchors], intermediates=[between], lists=lists, environment="test")
    content = None if row["detached_content"] == "-" else (made / row["detached_content"]).read_bytes()

    report = verify(
        (made / row["file"]).read_bytes(), content, at=datetime.fromisoformat(row["reference_time"]), trust=store
    )

    name = row["file"].rsplit("/", 1)[1]
    if row["expect"] in ("VALID", "INDETERMINATE", "EITHER"):
        assert report.verdict is Verdict.INDETERMINATE
    elif name.startswith(STRUCTURAL):
        assert report.verdict is Verdict.INVALID
    else:
        assert report.verdict is not Verdict.VALID
    if row["signer"].startswith("IIN") and report.signers and report.signers[0].certificate:
        iin, bin, role = row["signer"].split()
        signer = report.signers[0]
        assert f"IIN{signer.iin}" == iin
        assert (f"BIN{signer.bin}" if signer.bin else "-") == bin
        assert role in signer.roles
