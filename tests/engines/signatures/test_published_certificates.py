"""Published certificates and key stores of the NCA: every signature, every subject, every key."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest
from forged_messages import VECTORS

from app.sandbox import key_store, nca
from app.sandbox.keys import GostKey
from app.signatures import certificates, names, revocation, trust
from app.signatures.asn1 import Malformed

CAS = {path.name: path for folder in ("ca-prod", "ca-test") for path in (VECTORS / folder).iterdir()}
SELF_SIGNED = ("root_gost_2022.pem", "root_gost_2020.cer", "root_gost.pem", "root_rsa_2020.cer", "root_rsa.pem",
               "root_test_gost_2022.cer")  # fmt: skip
ISSUED = {
    "nca_gost_2022.pem": "root_gost_2022.pem",
    "nca_rsa_2022.cer": "root_rsa_2020.cer",
    "ucgo_gost.cer": "root_gost_2020.cer",
    "btsd_gost.cer": "root_gost_2020.cer",
    "nca_gost.pem": "root_gost.pem",
    "nca_rsa.pem": "root_rsa.pem",
    "nca_gost2022_test.cer": "root_test_gost_2022.cer",
}
LISTS = {
    "nca_gost2022_test.2022-07-27.crl": "nca_gost2022_test.cer",
    "nca_gost2022_test.2026-08-11.crl": "nca_gost2022_test.cer",
    "nca_gost_test.crl": "nca_gost_test.crt",
    "nca_rsa_test.crl": "nca_rsa_test.crt",
}


def _read(path: Path) -> certificates.Certificate:
    return trust.read_store([path], environment="test").anchors[0].certificate


def _is_signed(signed, issuer: certificates.Certificate) -> bool:
    return certificates.is_signed_by(signed.signature_algorithm, signed.signature, signed.signed, issuer)


@pytest.fixture(params=["0", "1"], ids=["plain", "fast"])
def switch(request, monkeypatch):
    monkeypatch.setenv("KEZEN_NATIVE", request.param)


@pytest.mark.parametrize(("file", "issuer"), [*((name, name) for name in SELF_SIGNED), *ISSUED.items()])
def test_an_authority_was_certified_by_its_issuer_and_by_no_other(file, issuer, switch):
    certificate = _read(CAS[file])

    assert _is_signed(certificate, _read(CAS[issuer]))
    for other in SELF_SIGNED:
        if other != issuer:
            assert not _is_signed(certificate, _read(CAS[other])), other


def test_no_published_authority_is_left_out():
    assert {*SELF_SIGNED, *ISSUED, "nca_gost_test.crt", "nca_rsa_test.crt"} == set(CAS)  # the root of two is not public


@pytest.mark.parametrize(("file", "issuer"), LISTS.items())
def test_a_list_is_its_authoritys(file, issuer, switch):
    revocation.read.cache_clear()
    revoked = revocation.read((VECTORS / "crl" / file).read_bytes())

    assert revoked.is_signed_by(_read(CAS[issuer]))


# --- the rows of EXPECTED-certs.tsv -----------------------------------------------------------------


def _rows() -> list[dict[str, str]]:
    with (VECTORS / "EXPECTED-certs.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


ROWS = _rows()


def _path(row) -> Path:
    """Return where the row's certificate lies; that of a key store is derived from it."""
    if row["file"].endswith(".cer"):
        return VECTORS / row["file"]
    return VECTORS / "certs-from-p12" / f"{row['file'].removesuffix('.p12').replace('/', '__')}.cer"


def test_the_rows_are_all_there():
    assert len(ROWS) == 22


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"])
def test_a_certificate_is_its_issuers(row, switch):
    assert _is_signed(_read(_path(row)), _read(CAS[row["issuer_file_whose_key_verifies"]]))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"])
def test_a_certificate_says_what_is_expected(row):
    certificate = _read(_path(row))
    subject = {
        column: ",".join(names.texts(certificate.subject, oid))
        for column, oid in (
            ("CN", names.CN), ("serialNumber", names.SERIAL_NUMBER), ("OU", names.UNIT), ("O", names.ORGANISATION),
        )
    }  # fmt: skip

    assert subject == {column: row[column] for column in subject}
    assert certificate.signature_algorithm == row["cert_sig_alg"]
    assert ",".join(certificate.purposes or ()) == row["EKU"]
    assert f"{certificate.serial:040x}" == row["cert_serial"].rjust(40, "0")
    assert certificate.not_before == datetime.fromisoformat(row["notBefore"])
    assert certificate.not_after == datetime.fromisoformat(row["notAfter"])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"])
def test_the_lists_say_who_was_revoked_when_and_why(row):
    told = row["revoked_in_crl(file,UTCTime,reason)"].split()
    certificate = _read(_path(row))
    issuer = row["issuer_file_whose_key_verifies"]
    found = {}
    for name in LISTS:
        if LISTS[name] == issuer:
            entry = revocation.entry(revocation.read((VECTORS / "crl" / name).read_bytes()), certificate.serial)
            found |= {name: entry} if entry else {}

    if told == ["-"]:
        assert found == {}
    else:
        file, moment, reason = told
        since = datetime.strptime(moment, "%y%m%d%H%M%SZ").replace(tzinfo=UTC)
        number = int(reason.removeprefix("reason="))
        assert found[file] == revocation.Revocation(since, {4: "superseded", 6: "certificateHold"}[number])


# --- key stores -------------------------------------------------------------------------------------

OLDER = {
    row["file"]: row["p12_password"] for row in ROWS if row["file"].startswith(("keys-test-2022", "keys-test-2023"))
}
SIGNER = VECTORS / "keys-test-2023/gost1.p12"


@pytest.mark.parametrize("file", OLDER)
def test_a_key_store_opens_and_its_key_is_that_of_the_certificate(file):
    key = key_store.open_key((VECTORS / file).read_bytes(), OLDER[file])

    assert key.public == _read(_path({"file": file})).key
    assert isinstance(key, GostKey) == ("RSA" not in key.kalkan_name)


@pytest.mark.parametrize("account", nca.accounts())
def test_a_published_key_of_2026_is_that_of_its_certificate(account):
    key = nca.key(account)
    published = {row["cert_serial"] for row in ROWS if row["file"].startswith("keys-test-2026")}

    assert len(nca.accounts()) == 12
    assert f"{key.certificate.serial_number:x}" in published
    assert key.private.public == certificates.read((nca.FOLDER / f"keys/{account[4:]}.cer").read_bytes()).key


def test_a_wrong_password_is_told():
    with pytest.raises(Malformed) as told:
        key_store.open_key(SIGNER.read_bytes(), "Qwerty13")

    assert told.value.code == "wrong_password"


def test_a_damaged_key_store_is_malformed_and_nothing_else():
    store = SIGNER.read_bytes()
    for place in range(0, len(store), 7):
        damaged = bytearray(store)
        damaged[place] ^= 0x40
        try:
            key_store.open_key(bytes(damaged), "Qwerty12")
        except Malformed:
            continue
    for length in range(0, len(store), 97):
        with pytest.raises(Malformed):
            key_store.open_key(store[:length], "Qwerty12")


@pytest.mark.parametrize(
    ("password", "salt", "use", "derived"),
    [  # of the OpenSSL project's tests of PKCS12KDF
        ("smeg", "0A58CF64530D823F", 1, "8AAAE6297B6CB04642AB5B077851284EB7128F1A2A7FBCA3"),
        ("smeg", "0A58CF64530D823F", 2, "79993DFE048D3B76"),
        ("queeg", "05DEC959ACFF72F7", 1, "ED2034E36328830FF09DF1E1A07DD357185DAC0D4F9EB3D4"),
    ],
)
def test_keys_are_derived_as_the_standard_says(password, salt, use, derived):
    iterations = 1000 if password == "queeg" else 1
    found = key_store.derive(password, bytes.fromhex(salt), iterations, use, len(derived) // 2)

    assert found.hex().upper() == derived
