"""The NCA's authorities and certificates: every published one is read, traced and found on its list."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from forged_messages import VECTORS

from app.signatures import asn1, certificates, identity, listed, names, paths, revocation, trust
from app.signatures.trust import Anchor, TestAnchorRefused, TrustStore, Unreadable

NOW = datetime(2026, 11, 20, 8, 1, tzinfo=UTC)


def _rows() -> list[dict[str, str]]:
    with (VECTORS / "EXPECTED-certs.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def _certificate(file: str) -> certificates.Certificate:
    path = Path(file)
    if path.suffix == ".p12":
        path = Path("certs-from-p12", file.replace("/", "__")).with_suffix(".cer")
    return trust.read_store([VECTORS / path], environment="test").anchors[0].certificate


def _authority(row: dict[str, str]) -> certificates.Certificate:
    return _shipped(f"test/{Path(row['issuer_file_whose_key_verifies']).stem}")


def _shipped(name: str) -> certificates.Certificate:
    return certificates.read((trust.SHIPPED / f"{name}.cer").read_bytes())


def _list(file: str) -> revocation.RevocationList:
    return trust.read_store([], lists=[VECTORS / "crl" / file], environment="test").lists[0]


@pytest.mark.parametrize("row", _rows(), ids=lambda row: row["file"])
def test_every_published_certificate_says_whose_it_is_and_leads_to_its_authority(row):
    certificate = _certificate(row["file"])

    whose = identity.read(certificate)
    path = paths.find_path(certificate, store=trust.shipped("test"), pool=(), at=certificate.not_before)

    assert certificate.signature_algorithm == row["cert_sig_alg"]
    assert certificate.serial == int(row["cert_serial"], 16)
    assert (certificate.not_before, certificate.not_after) == tuple(
        datetime.fromisoformat(row[column]) for column in ("notBefore", "notAfter")
    )
    assert certificate.purposes == tuple(row["EKU"].split(","))
    assert certificate.policy.policies == {row["policy"]}
    assert whose.name == row["CN"]
    assert (whose.organisation or "") == row["O"]
    assert f"IIN{whose.iin}" == row["serialNumber"] if row["serialNumber"] else whose.faults == ("identity_missing",)
    assert f"BIN{whose.bin}" == row["OU"] if row["OU"] else whose.bin is None
    assert len(whose.roles) == len([oid for oid in row["EKU"].split(",") if oid.startswith("1.2.398.")])
    assert len(whose.policies) == 1
    assert path.faults == ()
    assert path.certificates[1] == _authority(row)


@pytest.mark.parametrize(
    "row", [row for row in _rows() if row["revoked_in_crl(file,UTCTime,reason)"] != "-"], ids=lambda row: row["file"]
)
def test_every_revoked_certificate_stands_on_its_list_with_date_and_reason(row):
    file, since, reason = row["revoked_in_crl(file,UTCTime,reason)"].split()
    revoked = _list(file)
    certificate = _certificate(row["file"])
    issuer = _authority(row)
    expected = revocation.Revocation(
        asn1.moment(0x17, since.encode()), revocation.REASON_NAMES[int(reason.removeprefix("reason="))]
    )

    status = listed.status(certificate, issuer, lists=[revoked], at=revoked.this_update)

    assert (status.code, status.revocation, status.used) == ("revoked", expected, (revoked.der,))


@pytest.mark.parametrize(
    "row", [row for row in _rows() if row["revoked_in_crl(file,UTCTime,reason)"] == "-"], ids=lambda row: row["file"]
)
def test_a_certificate_on_no_list_is_cleared_by_its_authoritys_fresh_list_only(row):
    certificate = _certificate(row["file"])
    issuer = _authority(row)
    lists = trust.read_store([], lists=[VECTORS / "crl"], environment="test").lists
    own = [one for one in lists if one.issuer == issuer.subject]
    newest = max(own, key=lambda one: one.this_update)

    assert listed.status(certificate, issuer, lists=lists, at=newest.this_update).code == ""
    assert (
        listed.status(certificate, issuer, lists=lists, at=newest.next_update + timedelta(1)).code == "revocation_stale"
    )
    assert listed.status(certificate, issuer, lists=[], at=NOW).code == "revocation_unknown"
    assert (
        listed.status(certificate, issuer, lists=own, at=datetime(2021, 1, 1, tzinfo=UTC)).code == "revocation_unknown"
    )


def test_the_right_roles_are_read_from_published_certificates():
    roles = {
        file: identity.read(_certificate(f"certs-from-p12/keys-test-2026__valid__{file}.cer")).roles
        for file in ("head", "employee_signright", "employee", "individual_valid", "infosystem", "treasury_client")
    }

    assert roles == {
        "head": ("ORGANISATION", "FIRST_HEAD"),
        "employee_signright": ("ORGANISATION", "CAN_SIGN"),
        "employee": ("ORGANISATION", "EMPLOYEE"),
        "individual_valid": ("INDIVIDUAL",),
        "infosystem": ("ORGANISATION", "TREASURY_CLIENT"),
        "treasury_client": ("ORGANISATION", "INFORMATION_SYSTEM"),
    }


# --- a role means something under its own authority only --------------------------------------------

HEAD = "certs-from-p12/keys-test-2026__valid__head.cer"
OF_NCA = ("1.3.6.1.5.5.7.3.4", "1.2.398.3.3.4.1.2", "1.2.398.3.3.4.1.2.1")
OF_BTSD = ("1.3.6.1.5.5.7.3.4", "1.2.398.3.17.3.2", "1.2.398.3.17.3.3")
OF_STATE = ("1.3.6.1.5.5.7.3.4", "1.2.398.3.2.3.4")


def _issued_by(file: str, purposes: tuple[str, ...]) -> certificates.Certificate:
    return replace(_certificate(HEAD), issuer=_shipped(file).subject, purposes=purposes)


@pytest.mark.parametrize(
    ("file", "purposes", "roles"),
    [
        ("production/nca_gost_2022", OF_NCA, ("ORGANISATION", "FIRST_HEAD")),
        ("production/nca_rsa_2022", OF_NCA, ("ORGANISATION", "FIRST_HEAD")),
        ("production/nca_gost_2022", OF_BTSD, ()),
        ("production/btsd_gost", OF_BTSD, ("ORGANISATION", "FIRST_HEAD")),
        ("production/btsd_gost", OF_NCA, ()),
        ("production/ucgo_gost", OF_STATE, ("CIVIL_SERVANT",)),
        ("production/ucgo_gost", OF_NCA, ()),
        ("production/root_gost_2022", OF_NCA, ()),
    ],
)
def test_an_authority_cannot_make_a_first_head_with_anothers_numbers(file, purposes, roles):
    assert identity.read(_issued_by(file, purposes)).roles == roles


def test_an_unknown_authority_imitates_the_nca_outside_production_only():
    unknown = replace(_certificate(HEAD), issuer=b"\x30\x00")

    assert identity.read(unknown).roles == ()
    assert identity.read(unknown, environment="test").roles == ("ORGANISATION", "FIRST_HEAD")
    assert identity.read(_issued_by("production/btsd_gost", OF_NCA), environment="test").roles == ()


# --- the shipped authorities ------------------------------------------------------------------------


@pytest.mark.parametrize("environment", ["production", "test"])
def test_every_shipped_authority_leads_to_a_shipped_anchor(environment):
    store = trust.shipped(environment)

    for between in store.intermediates:
        path = paths.find_path(
            between, store=store, pool=(), at=max(between.not_before, datetime(2020, 9, 9, tzinfo=UTC))
        )
        assert path.faults == (), names.display(between.subject)
        assert len(path.certificates) == 2
    assert all(anchor.is_test == ("TEST" in names.display(anchor.certificate.subject)) for anchor in store.anchors)


def test_production_gets_no_test_authority_and_cannot_be_given_one():
    production, test = trust.shipped("production"), trust.shipped("test")

    assert len(production.anchors) == 5
    assert not any("TEST" in names.display(one.subject) for one in production.intermediates)
    assert set(production.anchors) < set(test.anchors)
    with pytest.raises(TestAnchorRefused):
        production.joined(test)


def test_the_index_names_every_shipped_file():
    with (trust.SHIPPED / trust.INDEX).open(encoding="utf-8", newline="") as file:
        named = [row["file"] for row in csv.DictReader(file)]

    assert sorted(named) == sorted(f"{path.parent.name}/{path.name}" for path in trust.SHIPPED.glob("*/*"))


@pytest.fixture
def folder(tmp_path):
    """Return a folder of one dated anchor."""
    shutil.copy(trust.SHIPPED / "test/nca_rsa_test.cer", tmp_path / "authority.crt")
    anchor = _shipped("test/nca_rsa_test")

    def write(**changes: str) -> Path:
        row = {
            "file": "authority.crt", "sha256": anchor.fingerprint, "kind": "anchor", "environment": "test",
            "trusted_from": "2020-01-01", "trusted_until": "2022-06-30T23:59:59+05:00",
        } | changes  # fmt: skip
        (tmp_path / "index.csv").write_text(",".join(row) + "\n" + ",".join(row.values()) + "\n")
        return tmp_path

    return write


@pytest.mark.parametrize(
    ("at", "faults"),
    [
        (datetime(2019, 12, 31, 23, 59, 59, tzinfo=UTC), ("chain_anchor_term",)),
        (datetime(2020, 1, 1, tzinfo=UTC), ()),
        (datetime(2022, 6, 30, 18, 59, 59, tzinfo=UTC), ()),
        (datetime(2022, 6, 30, 19, 0, 0, tzinfo=UTC), ("chain_anchor_term",)),
    ],
)
def test_an_anchor_trusted_for_a_time_counts_for_that_time_only(at, faults, folder):
    store = trust.read_store([folder()], environment="test")

    path = paths.find_path(_certificate("certs/individual_valid_sign_2004_rsa.cer"), store=store, pool=(), at=at)

    assert path.faults == faults


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": "00" * 32}, {"kind": "friend"}, {"environment": "demo"}, {"trusted_from": "soon"},
        {"file": "nothing.crt"},
    ],
)  # fmt: skip
def test_an_index_that_is_wrong_in_a_word_is_refused_with_its_place(changes, folder):
    with pytest.raises(Unreadable, match=r"index\.csv|nothing\.crt|authority\.crt"):
        trust.read_store([folder(**changes)], environment="test")


def test_an_index_may_hold_test_anchors_that_production_passes_over(folder):
    assert trust.read_store([folder()], environment="production") == TrustStore()
    with pytest.raises(TestAnchorRefused):
        trust.read_store([folder(environment="production")], environment="production")


def test_an_anchor_is_named_a_test_anchor_by_its_own_name():
    assert Anchor.of(_shipped("test/nca_gost2022_test").der).is_test
    assert not Anchor.of(_shipped("production/root_gost_2022").der).is_test
