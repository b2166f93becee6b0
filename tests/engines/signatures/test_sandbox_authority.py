"""The sandbox: the NCA's shape, kept safely, refused in production."""

from __future__ import annotations

import shutil
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import forged_messages as forge
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12

from app.sandbox.pki import PASSWORD, Person, SandboxPki, SandboxRefused, export_p12, sign_with
from app.signatures.report import Verdict
from app.signatures.trust import TestAnchorRefused
from app.signatures.verify import verify

DOCUMENT = b"%PDF-1.7 the application"


@pytest.mark.req("IS2IN-22.2")
@pytest.mark.parametrize(
    ("account", "iin", "bin", "role"),
    [
        ("first_head", forge.IIN, forge.BIN, "FIRST_HEAD"),
        ("clerk", "900202400123", forge.BIN, "EMPLOYEE"),
        ("person", "850303300123", None, "INDIVIDUAL"),
    ],
)
@pytest.mark.parametrize("attached", [True, False])
def test_what_an_account_signs_is_valid_and_names_its_person(account, iin, bin, role, attached, sandbox):
    message = sandbox.sign(account, DOCUMENT, attached=attached)

    report = verify(message, None if attached else DOCUMENT, at=datetime.now(UTC), trust=sandbox.trust_store())

    assert report.verdict is Verdict.VALID, report.reasons
    assert report.notes == ()
    (signer,) = report.signers
    assert (signer.iin, signer.bin) == (iin, bin)
    assert role in signer.roles


def test_a_certificate_has_the_profile_of_the_nca(sandbox):
    certificate = sandbox.key_for("first_head").certificate

    subject = {attribute.rfc4514_attribute_name: attribute.value for attribute in certificate.subject}
    assert subject["CN"] == "АХМЕТОВ ДАРХАН"
    assert subject["OU"] == f"BIN{forge.BIN}"
    assert subject["2.5.4.5"] == f"IIN{forge.IIN}"
    assert subject["2.5.4.42"] == "САПАРҰЛЫ"
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.content_commitment
    assert sandbox.key_for("first_head").purposes == forge.FIRST_HEAD
    policies = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
    assert [policy.policy_identifier.dotted_string for policy in policies] == ["1.2.398.3.3.2"]
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(days=365)


def test_opening_again_finds_the_same_authority_and_the_same_keys(sandbox):
    again = SandboxPki.open(sandbox.folder, environment="test")

    assert again.key_for("first_head").certificate == sandbox.key_for("first_head").certificate
    assert again.trust_store().anchors == sandbox.trust_store().anchors


def test_processes_that_open_it_at_once_share_one_authority(tmp_path):
    folder = tmp_path / "sandbox"

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: SandboxPki.open(folder, environment="demo").trust_store(), range(4)))

    assert len({store.anchors[0].certificate.fingerprint for store in found}) == 1
    assert [path.name for path in folder.iterdir()] == ["authority"]


def test_every_file_is_for_the_owner_only(sandbox):
    sandbox.key_for("first_head")

    modes = {stat.S_IMODE(path.stat().st_mode) for path in sandbox.folder.rglob("*") if path.is_file()}

    assert modes == {0o600}


def test_production_refuses_the_sandbox_and_its_anchor(sandbox, tmp_path):
    with pytest.raises(SandboxRefused, match="production"):
        SandboxPki.open(tmp_path / "sandbox", environment="production")
    with pytest.raises(TestAnchorRefused):
        sandbox.trust_store(environment="production")

    assert not (tmp_path / "sandbox").exists()


def test_the_environment_is_asked_when_it_is_not_given(tmp_path, monkeypatch):
    monkeypatch.setenv("KEZEN_ENV", "production")

    with pytest.raises(SandboxRefused):
        SandboxPki.open(tmp_path / "sandbox")


def test_a_key_store_opens_with_the_known_password(sandbox):
    sandbox.key_for("clerk")
    store = (sandbox.folder / "keys" / "clerk.p12").read_bytes()

    private, certificate, chain = pkcs12.load_key_and_certificates(store, PASSWORD)

    assert private.key_size == 2048
    assert certificate == sandbox.key_for("clerk").certificate
    assert len(chain) == 1


def test_a_changed_person_gets_a_new_key_and_the_same_person_keeps_it(tmp_path):
    pki = SandboxPki.open(tmp_path / "sandbox", environment="test")
    person = {"name": "ОМАРОВ ЕРЛАН", "iin": forge.IIN, "bin": None, "organisation": None, "roles": ["individual"]}
    pki.enrol("candidate", **person)
    first = pki.key_for("candidate").certificate
    pki.enrol("candidate", **person)
    same = pki.key_for("candidate").certificate

    pki.enrol("candidate", **person | {"name": "ОМАРОВ ЕРБОЛ"})

    assert same == first
    assert pki.key_for("candidate").certificate != first


@pytest.mark.parametrize(
    "wrong",
    [{"iin": "123"}, {"bin": "12345678902"}, {"roles": []}, {"roles": ["director"]}, {"name": " "}],
)
def test_a_person_that_no_certificate_could_name_is_refused(wrong):
    right = {"name": "ОМАРОВ ЕРЛАН", "iin": forge.IIN, "bin": forge.BIN, "organisation": "АҚ", "roles": ("employee",)}

    with pytest.raises(SandboxRefused):
        Person(**right | wrong)


def test_an_account_key_cannot_leave_its_folder(sandbox):
    person = {"name": "ОМАРОВ ЕРЛАН", "iin": forge.IIN, "bin": None, "organisation": None, "roles": ["individual"]}

    with pytest.raises(SandboxRefused):
        sandbox.enrol("../authority/private/root", **person)


def test_an_unknown_account_is_told_with_the_known_ones(sandbox):
    with pytest.raises(SandboxRefused, match="clerk, first_head, person"):
        sandbox.key_for("nobody")


def test_a_revoked_key_signs_nothing_valid_any_more(tmp_path):
    pki = SandboxPki.open(tmp_path / "sandbox", environment="test")
    for account, iin in (("first_head", forge.IIN), ("clerk", "900202400123")):
        pki.enrol(account, name="ОМАРОВ ЕРЛАН", iin=iin, bin=forge.BIN, organisation="АҚ", roles=["first_head"])
    messages = {account: pki.sign(account, DOCUMENT, attached=True) for account in ("first_head", "clerk")}

    pki.revoke("first_head", at=datetime.now(UTC) - timedelta(minutes=1))

    store, now = pki.trust_store(), datetime.now(UTC)
    assert verify(messages["first_head"], at=now, trust=store).reasons == ("revoked",)
    assert verify(messages["clerk"], at=now, trust=store).verdict is Verdict.VALID


def test_an_expired_key_is_refused_by_the_verifier(sandbox):
    person = sandbox.accounts()["first_head"]
    key = sandbox.issue(person, at=datetime.now(UTC) - timedelta(days=20), days=10)

    report = verify(sign_with(key, DOCUMENT, attached=True), at=datetime.now(UTC), trust=sandbox.trust_store())

    assert "expired" in report.reasons


def test_an_organisation_may_have_a_long_name(sandbox):
    organisation = "«Қазақстанның тау-кен металлургия және машина жасау кешені» акционерлік қоғамы" * 2
    key = sandbox.issue(Person("ОМАРОВ ЕРЛАН", forge.IIN, forge.BIN, organisation, ("sign_right",)))

    report = verify(sign_with(key, DOCUMENT, attached=True), at=datetime.now(UTC), trust=sandbox.trust_store())

    assert report.verdict is Verdict.VALID
    assert report.signers[0].organisation == organisation
    assert "CAN_SIGN" in report.signers[0].roles


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_verifies_the_chain_with_the_lists(sandbox, tmp_path):
    certificate = sandbox.key_for("first_head").certificate
    (tmp_path / "head.pem").write_bytes(certificate.public_bytes(forge.Encoding.PEM))
    for source in (sandbox.anchors / "root.cer", sandbox.intermediates / "ca.cer"):
        pem = x509.load_der_x509_certificate(source.read_bytes()).public_bytes(forge.Encoding.PEM)
        (tmp_path / source.name).write_bytes(pem)
    lists = b"".join(
        x509.load_der_x509_crl((sandbox.lists / name).read_bytes()).public_bytes(forge.Encoding.PEM)
        for name in ("ca.crl", "root.crl")
    )
    (tmp_path / "lists.pem").write_bytes(lists)

    said = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-crl_check_all", "-CRLfile", "lists.pem", "-CAfile", "root.cer",
         "-untrusted", "ca.cer", "-purpose", "smimesign", "head.pem"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip

    assert said.returncode == 0, said.stderr


# --- GOST -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attached", [True, False])
def test_an_account_signs_with_gost_too(attached, sandbox):
    message = sandbox.sign("first_head", DOCUMENT, attached=attached, gost=True)

    report = verify(message, None if attached else DOCUMENT, at=datetime.now(UTC), trust=sandbox.trust_store())

    assert report.verdict is Verdict.VALID, report.reasons
    assert report.notes == ()
    (signer,) = report.signers
    assert (signer.iin, signer.bin, signer.algorithm) == (forge.IIN, forge.BIN, "GOST R 34.10-2015 (512)")
    assert "FIRST_HEAD" in signer.roles


def test_the_gost_key_is_kept_beside_the_rsa_one(sandbox):
    again = SandboxPki.open(sandbox.folder, environment="test")
    first, rsa = sandbox.key_for("first_head", gost=True), sandbox.key_for("first_head")

    assert again.key_for("first_head", gost=True).certificate == first.certificate
    assert again.key_for("first_head", gost=True).private.public == first.private.public
    assert first.certificate != rsa.certificate
    assert first.purposes == rsa.purposes
    assert first.certificate.subject == rsa.certificate.subject
    usage = first.certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.content_commitment, usage.key_agreement) == (True, True)


def test_a_changed_person_gets_a_new_gost_key(tmp_path):
    pki = SandboxPki.open(tmp_path / "sandbox", environment="test")
    person = {"name": "ОМАРОВ ЕРЛАН", "iin": forge.IIN, "bin": None, "organisation": None, "roles": ["individual"]}
    pki.enrol("candidate", **person)
    first = pki.key_for("candidate", gost=True).certificate

    pki.enrol("candidate", **person | {"name": "ОМАРОВ ЕРБОЛ"})

    assert pki.key_for("candidate", gost=True).certificate != first


def test_a_revoked_gost_key_leaves_the_rsa_one_good(tmp_path):
    pki = SandboxPki.open(tmp_path / "sandbox", environment="test")
    pki.enrol("head", name="ОМАРОВ ЕРЛАН", iin=forge.IIN, bin=forge.BIN, organisation="АҚ", roles=["first_head"])

    pki.revoke("head", at=datetime.now(UTC) - timedelta(minutes=1), gost=True)

    store, now = pki.trust_store(), datetime.now(UTC)
    by_gost, by_rsa = (pki.sign("head", DOCUMENT, attached=True, gost=gost) for gost in (True, False))
    assert verify(by_gost, at=now, trust=store).reasons == ("revoked",)
    assert verify(by_rsa, at=now, trust=store).verdict is Verdict.VALID


def test_a_folder_from_before_gets_what_it_lacks_and_keeps_what_it_has(tmp_path):
    folder = tmp_path / "sandbox"
    pki = SandboxPki.open(folder, environment="test")
    pki.enrol("head", name="ОМАРОВ ЕРЛАН", iin=forge.IIN, bin=forge.BIN, organisation="АҚ", roles=["first_head"])
    kept = pki.key_for("head").certificate
    for path in [*pki.authority.rglob("gost_*"), *pki.authority.rglob("nca_test*")]:
        path.unlink()
    (pki.authority / "lists" / "nca_test.crl").write_bytes(b"an older list")

    with ThreadPoolExecutor(4) as threads:
        opened = list(threads.map(lambda _: SandboxPki.open(folder, environment="test"), range(4)))

    again = opened[0]
    assert again.key_for("head").certificate == kept
    stores = [one.trust_store() for one in opened]
    assert all(store == stores[0] for store in stores)
    assert len(stores[0].anchors) == 3
    message = again.sign("head", DOCUMENT, attached=True, gost=True)
    assert verify(message, at=datetime.now(UTC), trust=stores[0]).verdict is Verdict.VALID


IN_NOVEMBER = datetime(2026, 11, 20, 8, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("account", "reasons", "role"),
    [
        ("nca:head", (), "FIRST_HEAD"),
        ("nca:employee_signright", (), "CAN_SIGN"),
        ("nca:individual_valid", (), "INDIVIDUAL"),
        ("nca:head_revoked", ("revoked",), "FIRST_HEAD"),
        ("nca:employee_superseded", ("revoked",), "EMPLOYEE"),
        ("nca:individual_revoked", ("revoked",), "INDIVIDUAL"),
        ("nca:treasury_client", ("key_purpose", "identity_missing"), "INFORMATION_SYSTEM"),
    ],
)
def test_the_published_keys_of_the_nca_sign_and_its_test_root_is_trusted(account, reasons, role, sandbox):
    message = sandbox.sign(account, DOCUMENT, attached=False, at=IN_NOVEMBER)

    report = verify(message, DOCUMENT, at=IN_NOVEMBER, trust=sandbox.trust_store())

    assert report.reasons == reasons
    assert role in report.signers[0].roles


def test_the_nca_revokes_its_keys_itself(sandbox):
    with pytest.raises(SandboxRefused, match="NCA"):
        sandbox.revoke("nca:head")
    with pytest.raises(SandboxRefused, match="nca:head"):
        sandbox.key_for("nca:../../keys/clerk")


def test_only_rsa_keys_are_exported(sandbox):
    with pytest.raises(SandboxRefused):
        export_p12(sandbox.key_for("first_head", gost=True), name="head")


def test_a_key_tells_nobody_its_number(sandbox):
    key = sandbox.key_for("first_head", gost=True).private

    assert str(key.number) not in repr(key)
